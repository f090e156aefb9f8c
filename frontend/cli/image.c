/*
 * `emu IMAGE`: what the file is, and what runs it.
 *
 * A disk with code in its first sector is a PC's; another, as RISC-V systems
 * have it, is booted by U-Boot, which the board's firmware starts.
 *
 * Missing: a PC's disks that are booted by EFI.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "frontend/cli/cli_priv.h"

/* Where Debian's u-boot-qemu puts it. */
#define UBOOT_DIR "/usr/lib/u-boot/qemu-riscv64_smode"
#define UBOOT_FILE "uboot.elf"

/* U-Boot along -L and at its usual place. */
static const char *find_uboot(struct config *c, struct error *e)
{
    const char *path;

    for (size_t i = 0; i < c->n_firmware_dirs; i++) {
        path = pool_printf(&c->pool, "%s/%s", c->firmware_dirs[i], UBOOT_FILE);
        if (!access(path, R_OK))
            return path;
    }
    path = UBOOT_DIR "/" UBOOT_FILE;
    if (!access(path, R_OK))
        return path;
    error_set(e,
              "%s: a disk is booted by U-Boot (%s), which is not in %s; "
              "install the package u-boot-qemu, or name a -kernel",
              c->image, UBOOT_FILE, UBOOT_DIR);
    return NULL;
}

static void take_drive(struct config *c, enum drive_interface interface,
                       int index, bool cd)
{
    struct drive_config *d =
        pool_append(&c->pool, &c->drives, &c->n_drives, sizeof(*d));

    *d = (struct drive_config){
        .option = cd                          ? "CD"
                  : interface == DRIVE_FLOPPY ? "floppy"
                                              : "disk",
        .file = c->image,
        .id = "image",
        .interface = interface,
        .index = index,
        .bus = -1,
        .unit = -1,
        .cd = cd,
        .read_only = cd,
        .raw_given = true, /* it was seen */
    };
}

static bool take_disk(struct config *c, struct error *e)
{
    if (!c->kernel && !c->bios) {
        c->kernel = find_uboot(c, e);
        if (!c->kernel)
            return false;
    }
    take_drive(c, DRIVE_BOARD, 0, false);
    return true;
}

/* Of a PC, which boots from it. */
static bool take_pc_drive(struct config *c, enum image_kind kind)
{
    if (!c->board)
        c->board = "pc";
    if (kind == IMAGE_CD)
        take_drive(c, DRIVE_IDE, 2, true);
    else if (kind == IMAGE_FLOPPY)
        take_drive(c, DRIVE_FLOPPY, 0, false);
    else
        take_drive(c, DRIVE_BOARD, 0, false);
    if (!c->boot.order && kind != IMAGE_PC_DISK)
        c->boot.order = kind == IMAGE_CD ? "dc" : "ac";
    return true;
}

/* Is it named by a board, or by the name that we have, that it is RISC-V's? */
static bool wants_uboot(const struct config *c, enum image_kind kind)
{
    if (c->board)
        return !strcmp(c->board, "virt");
    return kind == IMAGE_DISK;
}

static bool take_kernel(struct config *c, struct error *e)
{
    if (c->kernel)
        return error_set(e, "both -kernel '%s' and the kernel '%s': give one",
                         c->kernel, c->image);
    c->kernel = c->image;
    return true;
}

bool cli_take_image(struct config *c, struct error *e)
{
    enum image_kind kind;

    if (!machine_guess_image(c->image, &kind, e))
        return false;
    switch (kind) {
    case IMAGE_RISCV_KERNEL:
    case IMAGE_RISCV_ELF:
        return take_kernel(c, e);
    case IMAGE_TREE:
        if (c->board)
            return error_set(e, "both -M '%s' and the tree '%s': give one",
                             c->board, c->image);
        c->board = c->image;
        return true;
    case IMAGE_DISK:
    case IMAGE_PC_DISK:
        return wants_uboot(c, kind) ? take_disk(c, e)
                                    : take_pc_drive(c, IMAGE_PC_DISK);
    case IMAGE_X86_KERNEL:
        if (!c->board)
            c->board = "pc";
        return take_kernel(c, e);
    case IMAGE_CD:
    case IMAGE_FLOPPY:
        return take_pc_drive(c, kind);
    case IMAGE_UNKNOWN:
        break;
    }
    return error_set(
        e,
        "%s: is nothing known; accepted are RISC-V kernels "
        "(Image, gzip, EFI zboot, uImage, ELF), x86 kernels "
        "(bzImage, Multiboot), disks and floppies with a boot sector, CDs, "
        ".dts and .dtb files",
        c->image);
}
