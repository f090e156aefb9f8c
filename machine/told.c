/*
 * What firmware is told of the machine, by the firmware configuration store:
 * sizes and counts, files of -fw_cfg, and, where firmware or a boot loader
 * runs from flash, the kernel, the initrd and the command line, which are
 * then its to load; a PC's CMOS RAM; the BIOS of an ISA graphics card.
 *
 * Missing: -boot's order for anything but a PC's firmware.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "devices/display/display.h"
#include "devices/fw_cfg.h"
#include "devices/ioapic.h"
#include "devices/isa.h"
#include "devices/mc146818.h"
#include "devices/virtio/virtio_class.h"
#include "machine/blob.h"
#include "machine/machine_priv.h"

/* A file is held whole. */
#define FILE_LIMIT ((uint64_t)1 << 30)
#define FOUR_GIB ((uint64_t)1 << 32)

static bool tell_counts(struct machine *m, const struct machine_config *config,
                        struct error *e)
{
    static const uint8_t no_uuid[16];
    struct fw_cfg *f = m->fw_cfg;
    uint64_t ram = 0;

    for (unsigned i = 0; i < m->n_ram; i++)
        ram += m->ram_piece[i].size;
    return fw_cfg_add(f, FW_CFG_UUID, config->uuid ? config->uuid : no_uuid,
                      sizeof(no_uuid), e) &&
           fw_cfg_add_u64(f, FW_CFG_RAM_SIZE, ram, e) &&
           fw_cfg_add_u16(f, FW_CFG_NOGRAPHIC, config->no_graphics, e) &&
           fw_cfg_add_u16(f, FW_CFG_NB_CPUS, (uint16_t)m->n_cpus, e) &&
           fw_cfg_add_u16(f, FW_CFG_MAX_CPUS, (uint16_t)m->n_cpus, e) &&
           fw_cfg_add_u16(f, FW_CFG_BOOT_MENU, config->boot.menu, e);
}

/* How long firmware waits, in ms: `etc/boot-menu-wait`, 16 bits, for a key
 * that calls its menu; `etc/boot-fail-wait`, 32 bits, before it resets a
 * machine that has nothing to boot (-1: for ever, as on QEMU; SeaBIOS makes
 * it a minute where there is no such file). */
static bool tell_waits(struct fw_cfg *f, const struct boot_option *boot,
                       struct error *e)
{
    const uint32_t fail = boot->has_reboot_timeout ? boot->reboot_timeout : ~0u;
    const uint8_t menu_wait[2] = {boot->splash_time & 0xff,
                                  boot->splash_time >> 8};
    const uint8_t fail_wait[4] = {fail & 0xff, fail >> 8 & 0xff,
                                  fail >> 16 & 0xff, fail >> 24};

    return (!boot->has_splash_time ||
            fw_cfg_add_file(f, "etc/boot-menu-wait", menu_wait,
                            sizeof(menu_wait), e)) &&
           fw_cfg_add_file(f, "etc/boot-fail-wait", fail_wait,
                           sizeof(fail_wait), e);
}

/* All of a source as a file of the store. */
static bool tell_whole(struct fw_cfg *f, const char *name,
                       const struct source *s, struct error *e)
{
    uint8_t *bytes;
    bool ok;

    if (!source_all(s, FILE_LIMIT, &bytes, e))
        return false;
    ok = fw_cfg_add_file(f, name, bytes, (uint32_t)s->size, e);
    free(bytes);
    return ok;
}

/* The name under which SeaBIOS looks for such a picture; NULL: it shows no
 * such.  A BMP's header has the bits a pixel at 28. */
static const char *splash_name(const struct source *s)
{
    uint8_t head[30];

    source_head(s, head, sizeof(head));
    if (head[0] == 0xff && head[1] == 0xd8)
        return "bootsplash.jpg";
    return memcmp(head, "BM", 2) == 0 && ld_le16(head + 28) == 24
               ? "bootsplash.bmp"
               : NULL;
}

static bool tell_splash(struct fw_cfg *f, const char *file, struct error *e)
{
    struct source s;
    const char *name;
    bool ok;

    if (!file)
        return true;
    if (!source_open(&s, "-boot splash", file, FILE_LIMIT, e))
        return false;
    name = splash_name(&s);
    ok = name ? tell_whole(f, name, &s, e)
              : source_error(&s, e,
                             "wanted a JPEG, or a BMP of 24 bits a pixel");
    source_close(&s);
    return ok;
}

/* A size, and the bytes, under two keys. */
static bool tell_bytes(struct fw_cfg *f, enum fw_cfg_key size_key,
                       enum fw_cfg_key data_key, const void *data,
                       uint64_t size, struct error *e)
{
    return fw_cfg_add_u32(f, size_key, (uint32_t)size, e) &&
           fw_cfg_add(f, data_key, data, (uint32_t)size, e);
}

static bool tell_source(struct fw_cfg *f, enum fw_cfg_key size_key,
                        enum fw_cfg_key data_key, const struct source *s,
                        struct error *e)
{
    uint8_t *bytes;
    bool ok;

    if (!source_used(s))
        return true;
    if (!source_all(s, FILE_LIMIT, &bytes, e))
        return false;
    ok = tell_bytes(f, size_key, data_key, bytes, s->size, e);
    free(bytes);
    return ok;
}

static bool tell_kernel(struct machine *m, struct error *e)
{
    struct loader *l = &m->loader;
    const char *line = l->append ? l->append : "";

    if (l->has_pc_kernel) {
        bool ok = pc_kernel_tell(&l->pc_kernel, m->fw_cfg, e);

        /* The store has copies. */
        pc_kernel_close(&l->pc_kernel);
        return ok;
    }
    if (!source_used(&l->told_kernel))
        return true;
    return tell_source(m->fw_cfg, FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA,
                       &l->told_kernel, e) &&
           tell_source(m->fw_cfg, FW_CFG_INITRD_SIZE, FW_CFG_INITRD_DATA,
                       &l->told_initrd, e) &&
           tell_bytes(m->fw_cfg, FW_CFG_CMDLINE_SIZE, FW_CFG_CMDLINE_DATA, line,
                      strlen(line) + 1, e);
}

static bool tell_file(struct machine *m, const struct fw_cfg_option *o,
                      struct error *e)
{
    struct source s;
    bool ok;

    if (!o->file)
        return fw_cfg_add_file(m->fw_cfg, o->name, o->text,
                               (uint32_t)strlen(o->text), e);
    if (!source_open(&s, "file", o->file, FILE_LIMIT, e))
        return false;
    ok = tell_whole(m->fw_cfg, o->name, &s, e);
    source_close(&s);
    return ok;
}

/* Letters as numbers of the CMOS RAM; false: there is no such. */
static bool number_order(const char *letters, uint8_t out[3], struct error *e)
{
    static const char known[] = "acdn";
    const char *at;
    unsigned n = 0;

    memset(out, 0, 3);
    for (const char *s = letters; *s; s++) {
        at = strchr(known, *s);
        if (!at)
            return error_set(e,
                             "'%s': there is no '%c'; wanted a (floppy), c "
                             "(disk), d (CD-ROM), n (network)",
                             letters, *s);
        if (n == 3)
            return error_set(e, "'%s': this firmware tries three", letters);
        out[n++] = (uint8_t)(at - known + 1);
    }
    return true;
}

/* As QEMU has it: disk, floppy, CD-ROM. */
static bool choose_order(struct machine *m, const struct boot_option *boot,
                         uint8_t now[3], struct error *e)
{
    const char *order = boot->order ? boot->order : "cad";

    if ((boot->order || boot->once) &&
        !machine_device_of(m, &mc146818_class, 0))
        return error_set(e, "-boot: this board's firmware takes no "
                            "order; that of pc and isapc does");
    if (!number_order(order, m->boot_order, e))
        return error_prefix(e, "-boot order");
    return number_order(boot->once ? boot->once : order, now, e) ||
           error_prefix(e, "-boot once");
}

void machine_tell_reset(struct machine *m)
{
    struct device *cmos = machine_device_of(m, &mc146818_class, 0);

    if (cmos)
        mc146818_set_boot(cmos, m->boot_order);
}

void machine_tell_sleep(struct machine *m, bool asleep)
{
    struct device *cmos = machine_device_of(m, &mc146818_class, 0);

    if (cmos)
        mc146818_set_cmos(cmos, MC146818_SHUTDOWN,
                          asleep ? MC146818_RESUME : 0);
}

/* What a PC's setup program would have left in the CMOS RAM. */
static void fill_cmos(struct machine *m, struct device *cmos,
                      const uint8_t boot[3])
{
    struct pc_setup setup = {
        .cpus = m->n_cpus,
        .boot = {boot[0], boot[1], boot[2]},
        .fpu = true,
        .mouse = true,
    };

    for (unsigned i = 0; i < m->n_ram; i++) {
        const struct tree_ram *r = &m->ram_piece[i];

        if (r->base == 0)
            setup.ram_low = r->size;
        else if (r->base == FOUR_GIB)
            setup.ram_high = r->size;
    }
    if (machine_device_of(m, &cga_class, 0))
        setup.display = 2;
    else if (machine_device_of(m, &hercules_class, 0))
        setup.display = 3;
    machine_describe_disks(m, &setup);
    mc146818_setup_pc(cmos, &setup);
}

/* `etc/e820`: base, size and kind (1: RAM) of each piece. */
static bool tell_memory(struct machine *m, struct error *e)
{
    struct blob b = {NULL, 0, 0, false};
    bool ok;

    for (unsigned i = 0; i < m->n_ram; i++) {
        if (!m->ram_piece[i].size)
            continue;
        blob_number(&b, m->ram_piece[i].base, 8);
        blob_number(&b, m->ram_piece[i].size, 8);
        blob_number(&b, 1, 4);
    }
    ok = b.failed ? error_set(e, "out of memory")
                  : fw_cfg_add_file(m->fw_cfg, "etc/e820", b.bytes, b.size, e);
    blob_free(&b);
    return ok;
}

/* The BIOS of a graphics card that has no place for it. */
static bool tell_vga(struct machine *m, struct error *e)
{
    const struct device *const dev = machine_device_of(m, &vga_isa_class, 0);
    uint32_t size;
    uint8_t *rom;
    bool ok;

    if (!dev)
        return true;
    if (!machine_read_rom(m, dev, m->default_bios, &rom, &size, e))
        return error_prefix(e, "%s", dev->path);
    ok =
        !rom || fw_cfg_add_file(m->fw_cfg, "vgaroms/vgabios.bin", rom, size, e);
    free(rom);
    return ok;
}

/* What a PC's firmware wants to know beside. */
static bool tell_pc(struct machine *m, const struct machine_config *config,
                    struct error *e)
{
    /* Those that are there (128), with the PIIX4's types: S2 is not. */
    static const uint8_t states[6] = {128, 128 | 4, 0, 128 | 1, 128, 128};
    static const uint8_t yes = 1;
    const char *first = m->loader.has_pc_kernel ? PC_KERNEL_BOOT_ORDER : NULL;

    return machine_tell_boot(m, first, config->boot.strict, e) &&
           tell_vga(m, e) &&
           fw_cfg_add(m->fw_cfg, FW_CFG_IRQ0_OVERRIDE, &yes, 1, e) &&
           fw_cfg_add_file(m->fw_cfg, "etc/system-states", states,
                           sizeof(states), e) &&
           tell_memory(m, e) && machine_tell_acpi(m, e) &&
           machine_tell_smbios(m, config, e);
}

uint32_t machine_ioapic_input(const struct device *dev)
{
    const struct device *to = dev->out[0].listener;

    if (to && to->class == &isa_irqs_class)
        return isa_irqs_number(dev->out[0].line);
    return to && to->class == &ioapic_class ? dev->out[0].line : 0;
}

unsigned machine_slots(const struct machine *m, struct pc_direct_slot *slot,
                       unsigned most)
{
    unsigned n = 0;

    for (unsigned i = 0; i < m->n_members && n < most; i++) {
        struct device *dev = m->members[i].dev;

        if (!virtio_mmio_is_slot(dev) || virtio_mmio_is_free(dev) ||
            !machine_ioapic_input(dev))
            continue;
        slot[n++] = (struct pc_direct_slot){dev->regions[0].base,
                                            (uint32_t)dev->regions[0].size,
                                            machine_ioapic_input(dev)};
    }
    return n;
}

bool machine_tell(struct machine *m, const struct machine_config *config,
                  struct error *e)
{
    struct device *cmos = machine_device_of(m, &mc146818_class, 0);
    uint8_t boot[3];

    if (config->n_fw_cfg && !m->fw_cfg)
        return error_set(e, "-fw_cfg: this board has no firmware "
                            "configuration device");
    if ((config->boot.splash || config->boot.has_splash_time ||
         config->boot.has_reboot_timeout) &&
        !m->fw_cfg)
        return error_set(e, "-boot: this board has no firmware configuration "
                            "device, which would tell of times and pictures");
    if (config->n_smbios && !(m->fw_cfg && m->rom_file))
        return error_set(e, "-smbios: wanted a board whose firmware puts the "
                            "tables into memory, as pc and isapc have it");
    if (!choose_order(m, &config->boot, boot, e))
        return false;
    if (cmos)
        fill_cmos(m, cmos, boot);
    if (!m->fw_cfg)
        return true;
    if (!tell_counts(m, config, e) ||
        !tell_waits(m->fw_cfg, &config->boot, e) ||
        !tell_splash(m->fw_cfg, config->boot.splash, e) || !tell_kernel(m, e) ||
        (m->rom_file && !tell_pc(m, config, e)))
        return false;
    for (size_t i = 0; i < config->n_fw_cfg; i++) {
        if (!tell_file(m, &config->fw_cfg[i], e))
            return error_prefix(e, "-fw_cfg");
    }
    return true;
}
