/*
 * Loading a machine whose firmware fills its ROM (a PC): the firmware's last
 * byte is the ROM's.  Kernel, initrd and command line are not loaded but
 * handed over by the firmware configuration store, with an option ROM that
 * starts them (pc_kernel.c).  Firmware in flash is there already, and loads
 * kernels itself; the ROM shows its end once more.  A board without firmware
 * has them loaded, and reset code for them in its ROM (pc_direct.c).
 *
 * Missing: a device tree for the guest.
 */
#include <stdlib.h>
#include <string.h>

#include "machine/load/load.h"

static bool open_told(struct loader *l, struct error *e)
{
    const struct load_config *c = &l->c;
    struct pc_kernel_config k = {
        .kernel = l->demo ? "demo" : c->kernel,
        .demo = l->demo ? c->demo : NULL,
        .demo_size = c->demo_size,
        .initrd = c->initrd,
        .append = c->append,
        .low_ram = l->ram[0].base == 0 ? l->ram[0].size : 0,
    };

    if (c->kernel && !c->can_tell)
        return error_set(e,
                         "-kernel %s: the firmware would be told of it by "
                         "fw_cfg, and this board has none",
                         c->kernel);
    if (c->kernel || l->demo) {
        l->has_pc_kernel = pc_kernel_open(&l->pc_kernel, &k, e);
        return l->has_pc_kernel;
    }
    return loader_without_kernel(c, e);
}

static bool open_direct(struct loader *l, struct error *e)
{
    struct pc_direct_config pc = l->c.pc;

    if (l->c.bios && strcmp(l->c.bios, "none") != 0 &&
        strcmp(l->c.bios, "default") != 0)
        return error_set(e, "-bios %s: this board starts kernels without one",
                         l->c.bios);
    pc.kernel = (struct pc_kernel_config){
        .kernel = l->c.kernel,
        .initrd = l->c.initrd,
        .append = l->c.append,
        .low_ram = l->ram[0].size,
    };
    pc.ram = l->ram;
    pc.n_ram = l->c.n_ram;
    return pc_direct_open(&l->pc_direct, &pc, e);
}

/* What is to be in memory; the reset code is in the ROM's last page. */
static bool load_direct(struct loader *l, struct error *e)
{
    for (unsigned i = 0; i < PC_DIRECT_PARTS; i++) {
        const struct pc_item *item = &l->pc_direct.item[i];

        if (!item->bytes)
            continue;
        if (!memory_poke(l->c.memory, item->address, item->bytes, item->size))
            return error_set(e, "-kernel: no memory at 0x%x to load to",
                             item->address);
        if (!loader_clear(l, item->address + item->size,
                          item->room - item->size, e))
            return false;
    }
    return true;
}

static bool open_flash(struct loader *l, struct error *e)
{
    if (l->c.bios && strcmp(l->c.bios, "default") != 0)
        return error_set(e, "-bios %s: the firmware is in flash (pflash 0)",
                         l->c.bios);
    return loader_open_kernel(l, e);
}

static bool check_processor(const struct load_config *c, struct error *e)
{
    if (!c->rom_not_on || (c->bios && strcmp(c->bios, "default") != 0))
        return true;
    return error_set(e,
                     "-bios default: this board's %s does not run on a %s "
                     "(-bios FILE takes another)",
                     c->rom_file, c->cpu);
}

bool rom_open(struct loader *l, struct error *e)
{
    const struct load_config *c = &l->c;

    if (c->dtb)
        return error_set(e, "-dtb %s: this board's guests take no tree",
                         c->dtb);
    if (c->direct)
        return open_direct(l, e);
    if (c->has_flash)
        return open_flash(l, e);
    if (!check_processor(c, e) ||
        !firmware_open_rom(&l->firmware, c->bios, c->firmware_dirs, c->rom_file,
                           c->rom_size, e))
        return false;
    if (l->firmware.size == 0 || l->firmware.size > c->rom_size)
        return error_set(e,
                         "-bios: %s has %llu bytes; this board's ROM takes 1 "
                         "to %llu",
                         l->firmware.name, (unsigned long long)l->firmware.size,
                         (unsigned long long)c->rom_size);
    l->demo = loader_wants_demo(c) && c->can_tell;
    return open_told(l, e);
}

uint64_t rom_used(const struct loader *l)
{
    return l->c.has_flash || l->c.direct ? l->c.rom_size : l->firmware.size;
}

static bool load_copy(struct loader *l, struct error *e)
{
    const struct load_config *c = &l->c;
    const uint8_t *end =
        c->flash_end - c->flash < c->rom_size
            ? NULL
            : memory_host(c->memory, c->flash_end - c->rom_size, c->rom_size,
                          false);

    return c->rom_size == 0 ||
           (end && memory_poke(c->memory, c->rom, end, c->rom_size)) ||
           error_set(e, "pflash 0: want at least %llu bytes",
                     (unsigned long long)c->rom_size);
}

bool rom_load(struct loader *l, struct error *e)
{
    uint64_t size = l->c.rom_size, n = l->firmware.size;
    uint8_t *rom;
    bool ok;

    if (l->c.direct)
        return load_direct(l, e);
    if (l->c.has_flash)
        return load_copy(l, e);
    if (n > size)
        return error_set(e, "-bios: %s has grown", l->firmware.name);
    rom = malloc((size_t)size);
    if (!rom)
        return error_set(e, "out of memory");
    memset(rom, 0xff, (size_t)(size - n));
    ok = source_read(&l->firmware, 0, rom + (size - n), (size_t)n, e) &&
         (memory_poke(l->c.memory, l->c.rom, rom, size) ||
          error_set(e, "the boot ROM is covered by something"));
    free(rom);
    return ok;
}
