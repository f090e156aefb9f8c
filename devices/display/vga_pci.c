/*
 * A VGA as a PCI function, with Bochs' VBE extensions: 1234:1111.
 *
 * PCI Local Bus Specification 3.0, 3.10 (VGA's fixed addresses).  The layout
 * is that of QEMU's "standard VGA", for which firmware and systems have
 * drivers (its docs/specs/standard-vga): BAR 0 is video memory, BAR 2 begins
 * with the monitor's EDID, shows ports 3C0 to 3DF at 400h and the DISPI
 * registers at 500h, and at 600h says that it is little-endian.  The VGA BIOS
 * is the expansion ROM, which the machine gives it by pci_set_rom().
 *
 * The legacy addresses are there from the start, for one card, while the
 * command register enables them; a suspend to RAM leaves that as it is.
 *
 * Missing: an interrupt pin (CR11's interrupt shows in 3C2 only), big-endian
 * framebuffers, palette snooping.
 */
#include "devices/display/edid.h"
#include "devices/display/vga_priv.h"
#include "devices/isa.h"
#include "devices/pci/pci.h"

enum { WINDOW_VRAM = VGA_WINDOWS, WINDOW_REGISTERS, N_WINDOWS };

/* Over RAM and nothing below 1 MiB; see pc.dts. */
#define PRIORITY_LEGACY 2

/* Of BAR 2. */
enum {
    BAR2_SIZE = 0x1000,
    BAR2_EDID_END = EDID_SIZE,
    BAR2_PORTS = 0x400,
    BAR2_PORTS_END = 0x420,
    BAR2_VBE = 0x500,
    BAR2_VBE_END = 0x516,
    BAR2_EXTENDED = 0x600, /* how many bytes of these there are */
    BAR2_BYTE_ORDER = 0x604,
    BAR2_EXTENDED_SIZE = 8,
};
#define LITTLE_ENDIAN_ORDER 0x1e1e1e1e

struct vga_pci {
    struct pci_device pci;
    struct vga vga;
    struct pci_info info;
    uint8_t edid[EDID_SIZE];
    const char *rom_file; /* properties */
    bool has_edid;
    uint32_t width, height;
};

static const struct pci_info vga_pci_info = {
    .vendor = 0x1234,
    .device = 0x1111,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_revision = 0x030000 << 8 | 0x02,
    .bar = {[0] = {.prefetch = true, .window = WINDOW_VRAM},
            [2] = {.size = BAR2_SIZE, .window = WINDOW_REGISTERS}},
};

static uint32_t bar2_byte(struct vga_pci *p, uint64_t at)
{
    struct vga *v = &p->vga;

    if (at < BAR2_EDID_END)
        return p->edid[at];
    if (at >= BAR2_PORTS && at < BAR2_PORTS_END)
        return vga_port_read(v, 0x3c0 + (unsigned)(at - BAR2_PORTS));
    if (at >= BAR2_VBE && at < BAR2_VBE_END)
        return vbe_read(v, (unsigned)(at - BAR2_VBE) / 2) >> 8 * (at & 1);
    if (at == BAR2_EXTENDED)
        return BAR2_EXTENDED_SIZE;
    if (at >= BAR2_BYTE_ORDER && at < BAR2_BYTE_ORDER + 4)
        return LITTLE_ENDIAN_ORDER & 0xff;
    return 0;
}

static uint64_t vga_pci_read(struct device *dev, unsigned window,
                             uint64_t offset, unsigned size)
{
    struct vga_pci *p = (struct vga_pci *)dev;
    uint64_t value = 0;

    if (window != WINDOW_REGISTERS)
        return vga_read(&p->vga, window, offset, size);
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)(bar2_byte(p, offset + i) & 0xff) << 8 * i;
    return value;
}

static void bar2_write(struct vga *v, uint64_t at, uint32_t value,
                       unsigned size)
{
    if (at >= BAR2_VBE && at < BAR2_VBE_END) {
        for (unsigned i = 0; i + 1 < size; i += 2)
            vbe_write(v, (unsigned)(at + i - BAR2_VBE) / 2,
                      (uint16_t)(value >> 8 * i));
        return;
    }
    for (unsigned i = 0; i < size; i++)
        if (at + i >= BAR2_PORTS && at + i < BAR2_PORTS_END)
            vga_port_write(v, 0x3c0 + (unsigned)(at + i - BAR2_PORTS),
                           (uint8_t)(value >> 8 * i));
}

static void vga_pci_write(struct device *dev, unsigned window, uint64_t offset,
                          uint64_t value, unsigned size)
{
    struct vga *v = &((struct vga_pci *)dev)->vga;

    if (window == WINDOW_REGISTERS)
        bar2_write(v, offset, (uint32_t)value, size);
    else
        vga_write(v, window, offset, value, size);
}

/* The command register says which legacy addresses are decoded. */
static void update_legacy(struct vga_pci *p)
{
    uint8_t command = p->pci.config[PCI_COMMAND];
    struct region *r = p->pci.dev.regions;

    memory_enable(&r[VGA_WINDOW_MEMORY], command & PCI_COMMAND_MEMORY);
    for (unsigned i = VGA_WINDOW_PORTS; i <= VGA_WINDOW_VBE; i++)
        memory_enable(&r[i], command & PCI_COMMAND_IO);
    vga_map_memory(&p->vga);
}

static void config_wrote(struct pci_device *d, unsigned offset, unsigned size)
{
    (void)size;
    if (offset < PCI_STATUS && offset + size > PCI_COMMAND)
        update_legacy((struct vga_pci *)d);
}

static bool add_legacy(struct vga_pci *p, struct error *e)
{
    static const uint16_t port[VGA_WINDOWS] = {
        [VGA_WINDOW_PORTS] = 0x3c0,
        [VGA_WINDOW_MONO] = 0x3b0,
        [VGA_WINDOW_VBE] = 0x1ce,
    };
    const struct device_env *env = p->pci.dev.env;
    struct region *r = p->pci.dev.regions;

    r[VGA_WINDOW_MEMORY].base = 0xa0000;
    r[VGA_WINDOW_MEMORY].priority = PRIORITY_LEGACY;
    if (!memory_add(env->memory, &r[VGA_WINDOW_MEMORY], e) ||
        !vga_placed(&p->vga, e))
        return false;
    for (unsigned i = VGA_WINDOW_PORTS; i <= VGA_WINDOW_VBE; i++) {
        r[i].base = port[i];
        if (!memory_add(env->ports, &r[i], e))
            return false;
    }
    return true;
}

static void vga_pci_destroy(struct device *dev)
{
    struct vga_pci *p = (struct vga_pci *)dev;

    pci_detach(&p->pci);
    /* BAR 0 shows memory that ends here. */
    for (unsigned i = 0; i < N_WINDOWS; i++)
        memory_remove(&dev->regions[i]);
    vga_destroy(&p->vga);
}

static bool vga_pci_create(struct device *dev, struct error *e)
{
    struct vga_pci *p = (struct vga_pci *)dev;
    struct region *r = &dev->regions[WINDOW_VRAM];

    if (!edid_check(p->width, p->height, e) || !vga_create(&p->vga, dev, e))
        return false;
    if (p->has_edid)
        edid_make(p->width, p->height, p->edid);
    p->info = vga_pci_info;
    p->info.bar[0].size = p->vga.vram->size;
    pci_device_init(&p->pci, &p->info);
    p->pci.config_wrote = config_wrote;
    r->kind = REGION_RAM;
    r->ram = p->vga.vram;
    if (add_legacy(p, e))
        return true;
    vga_pci_destroy(dev);
    return false;
}

static void vga_pci_reset(struct device *dev)
{
    struct vga_pci *p = (struct vga_pci *)dev;

    pci_device_reset(&p->pci);
    vga_reset(&p->vga);
    update_legacy(p);
}

/* Suspend to RAM.  On the way back SeaBIOS calls the card's BIOS, and Linux by
 * acpi_sleep=s3_bios,s3_mode its INT 10h, long before anybody has written to
 * the command register: what firmware would have done first. */
static void vga_pci_sleep(struct device *dev)
{
    struct vga_pci *p = (struct vga_pci *)dev;
    uint8_t *command = &p->pci.config[PCI_COMMAND];
    const uint8_t decoded = *command & (PCI_COMMAND_IO | PCI_COMMAND_MEMORY);

    device_reset(dev);
    *command |= decoded;
    update_legacy(p);
}

static void vga_pci_loaded(struct device *dev)
{
    struct vga_pci *p = (struct vga_pci *)dev;

    pci_device_loaded(&p->pci);
    vga_loaded(&p->vga);
    update_legacy(p);
}

static void vga_pci_update(struct device *dev, struct display_frame *out)
{
    vga_screen_update(&((struct vga_pci *)dev)->vga, out);
}

static bool vga_pci_text(struct device *dev, struct display_text *out)
{
    return vga_screen_text(&((struct vga_pci *)dev)->vga, out);
}

static const struct field vga_pci_fields[] = {
    FIELD_SUB(struct vga_pci, pci, pci_device_fields),
    FIELD_SUB(struct vga_pci, vga, vga_fields),
    FIELD_HOST(struct vga_pci, info),
    FIELD_HOST(struct vga_pci, edid),
    FIELD_HOST(struct vga_pci, rom_file), /* the machine's to load */
    FIELD_HOST(struct vga_pci, has_edid),
    FIELD_HOST(struct vga_pci, width),
    FIELD_HOST(struct vga_pci, height),
    FIELD_LIST_END,
};

static const struct property vga_pci_properties[] = {
    {"vgamem_mb", PROP_U32, offsetof(struct vga_pci, vga.memory_mb), "16",
     "MiB of video memory, a power of 2 from 1 to 256", false},
    {"edid", PROP_BOOL, offsetof(struct vga_pci, has_edid), "on",
     "tell the guest of a monitor", false},
    {"xres", PROP_U32, offsetof(struct vga_pci, width), "1280",
     "the monitor's own width, which guests choose", false},
    {"yres", PROP_U32, offsetof(struct vga_pci, height), "800", "and height",
     false},
    {"romfile", PROP_STRING, offsetof(struct vga_pci, rom_file),
     "vgabios-stdvga.bin", "file of its expansion ROM; empty: none", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct window vga_pci_windows[] = {
    VGA_MEMORY_WINDOW,
    ISA_WINDOW("ports", 0x20),
    ISA_WINDOW("monochrome ports", 12),
    VGA_VBE_WINDOW,
    {.name = "video memory", .accept = 1 | 2 | 4 | 8},
    {.name = "registers", .size = BAR2_SIZE},
};

static const struct display_ops vga_pci_display = {
    .update = vga_pci_update,
    .text = vga_pci_text,
};

const struct device_class vga_pci_class = {
    .name = "VGA",
    .summary = "VGA with Bochs' VBE, on PCI",
    .compatible = (const char *const[]){"pci1234,1111", NULL},
    .size = sizeof(struct vga_pci),
    .properties = vga_pci_properties,
    .fields = vga_pci_fields,
    .windows = vga_pci_windows,
    .n_windows = N_WINDOWS,
    .create = vga_pci_create,
    .destroy = vga_pci_destroy,
    .reset = vga_pci_reset,
    .sleep = vga_pci_sleep,
    .loaded = vga_pci_loaded,
    .read = vga_pci_read,
    .write = vga_pci_write,
    .display = &vga_pci_display,
};
