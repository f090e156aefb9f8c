/*
 * A VGA on an ISA bus, with Bochs' VBE extensions; see vga.c and vbe.c.  Its
 * linear framebuffer is seen through banks only.  Its BIOS is for the machine
 * to give to the firmware, which copies it to C0000.
 *
 * Windows, as `reg` in a tree lists them: A0000 to BFFFF, ports 3C0 to 3DF,
 * 3B0 to 3BB, 1CE to 1D1, and 46E8, whose bit 3 enables the card as bit 0 of
 * 3C3 does.  Its interrupt is for IRQ 9, which an XT's slots have as IRQ 2.
 *
 * Missing: 16-bit cycles' timing; the setup of 46E8 bit 4 and port 102.
 */
#include "devices/display/vga_priv.h"
#include "devices/isa.h"

enum { WINDOW_ENABLE = VGA_WINDOWS, N_WINDOWS };
#define ENABLE (1 << 3)

struct vga_isa {
    struct device dev;
    struct vga vga;
    const char *rom_file; /* property */
};

static struct vga *vga_of(struct device *dev)
{
    return &((struct vga_isa *)dev)->vga;
}

static bool vga_isa_create(struct device *dev, struct error *e)
{
    return vga_create(vga_of(dev), dev, e);
}

static bool vga_isa_mapped(struct device *dev, unsigned n, struct error *e)
{
    return n != VGA_WINDOW_MEMORY || vga_placed(vga_of(dev), e);
}

static void vga_isa_destroy(struct device *dev)
{
    vga_destroy(vga_of(dev));
}

static void vga_isa_reset(struct device *dev)
{
    vga_reset(vga_of(dev));
}

static void vga_isa_loaded(struct device *dev)
{
    vga_loaded(vga_of(dev));
}

static uint64_t vga_isa_read(struct device *dev, unsigned window,
                             uint64_t offset, unsigned size)
{
    if (window == WINDOW_ENABLE) /* it can be written only */
        return 0xff;
    return vga_read(vga_of(dev), window, offset, size);
}

static void vga_isa_write(struct device *dev, unsigned window, uint64_t offset,
                          uint64_t value, unsigned size)
{
    if (window == WINDOW_ENABLE)
        vga_enable(vga_of(dev), value & ENABLE);
    else
        vga_write(vga_of(dev), window, offset, value, size);
}

static void vga_isa_update(struct device *dev, struct display_frame *out)
{
    vga_screen_update(vga_of(dev), out);
}

static bool vga_isa_text(struct device *dev, struct display_text *out)
{
    return vga_screen_text(vga_of(dev), out);
}

static const struct field vga_isa_fields[] = {
    DEVICE_FIELDS(struct vga_isa),
    FIELD_SUB(struct vga_isa, vga, vga_fields),
    FIELD_HOST(struct vga_isa, rom_file), /* the machine's to load */
    FIELD_LIST_END,
};

static const struct property vga_isa_properties[] = {
    {"vgamem_mb", PROP_U32, offsetof(struct vga_isa, vga.memory_mb), "8",
     "MiB of video memory, a power of 2 from 1 to 256", false},
    {"romfile", PROP_STRING, offsetof(struct vga_isa, rom_file),
     "vgabios-isavga.bin", "file of its BIOS; empty: none", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct window vga_isa_windows[] = {
    VGA_MEMORY_WINDOW,
    ISA_WINDOW("ports", 0x20),
    ISA_WINDOW("monochrome ports", 12),
    VGA_VBE_WINDOW,
    ISA_WINDOW("enable", 1),
};

static const struct display_ops vga_isa_display = {
    .update = vga_isa_update,
    .text = vga_isa_text,
};

const struct device_class vga_isa_class = {
    .name = "isa-vga",
    .summary = "VGA with Bochs' VBE, on ISA",
    .compatible = (const char *const[]){"emu,isa-vga", NULL},
    .size = sizeof(struct vga_isa),
    .properties = vga_isa_properties,
    .fields = vga_isa_fields,
    .windows = vga_isa_windows,
    .n_windows = N_WINDOWS,
    .min_windows = VGA_WINDOWS,
    .n_outputs = 1,
    .create = vga_isa_create,
    .destroy = vga_isa_destroy,
    .mapped = vga_isa_mapped,
    .reset = vga_isa_reset,
    .loaded = vga_isa_loaded,
    .read = vga_isa_read,
    .write = vga_isa_write,
    .display = &vga_isa_display,
};
