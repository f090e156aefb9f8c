/*
 * `emu IMAGE`: what the file is, and what runs it.
 *
 * A disk is booted by U-Boot, which the board's firmware starts.
 * Missing: boards for CDs and floppies; disks of a PC.
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

static bool take_disk(struct config *c, struct error *e)
{
    struct drive_config *d;

    if (!c->kernel && !c->bios) {
        c->kernel = find_uboot(c, e);
        if (!c->kernel)
            return false;
    }
    d = pool_append(&c->pool, &c->drives, &c->n_drives, sizeof(*d));
    d->option = "disk";
    d->file = c->image;
    d->id = "image";
    d->index = 0;
    d->raw_given = true; /* a partition table was seen */
    return true;
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
        return take_disk(c, e);
    case IMAGE_X86_KERNEL:
        if (!c->board)
            c->board = "pc";
        return take_kernel(c, e);
    case IMAGE_CD:
    case IMAGE_FLOPPY:
        return error_set(e, "%s: is a %s, for which no board has a drive yet",
                         c->image, kind == IMAGE_CD ? "CD" : "floppy");
    case IMAGE_UNKNOWN:
        break;
    }
    return error_set(e,
                     "%s: is nothing known; accepted are RISC-V kernels "
                     "(Image, gzip, EFI zboot, uImage, ELF), x86 kernels "
                     "(bzImage), disks with a partition table, .dts and .dtb "
                     "files",
                     c->image);
}
