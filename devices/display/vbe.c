/*
 * Bochs' VBE extensions (DISPI), as SeaBIOS's VGA BIOS and drivers know them.
 *
 * Bochs' vbe_display_api.txt, interface B0C5: indexes 0 to 10 at ports 1CE
 * and 1CF.  Linear memory begins with the first byte of video memory; at
 * A0000 there is a bank of 64 KiB of it, in 16 colours of each plane.
 *
 * A guest may write anything into the registers: what they mean is made safe
 * each time in vbe_mode().  Resolution and depth can be written while VBE is
 * disabled only.
 *
 * Missing: separate banks for reading and writing, EDID (index 11), widths
 * that are no multiple of 8 (rounded down).
 */
#include "base/ram_access.h"
#include "devices/display/vga_priv.h"

#define ID_FIRST 0xb0c0
#define ID_LAST 0xb0c5
#define MIN_X 8
#define BANK_MASK 0xfff

static bool is_depth(unsigned bpp)
{
    return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 ||
           bpp == 32;
}

static uint32_t clamp(uint32_t v, uint32_t low, uint32_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* Bytes of `pixels`; those of a plane in 16 colours. */
static uint32_t bytes_of(uint32_t pixels, uint32_t bpp)
{
    return bpp == 4 ? pixels / 8 : pixels * ((bpp + 7) / 8);
}

bool vbe_mode(const struct vga_regs *r, uint64_t memory, struct vbe_mode *m)
{
    uint32_t most, lines, x, y, virt;

    if (!(r->vbe[VBE_ENABLE] & VBE_ENABLED))
        return false;
    m->bpp = is_depth(r->vbe[VBE_BPP]) ? r->vbe[VBE_BPP] : 8;
    if (m->bpp == 4)
        memory /= 4;
    m->width = clamp(r->vbe[VBE_XRES] & ~7u, MIN_X, VBE_MAX_X);
    virt = clamp(r->vbe[VBE_VIRT_WIDTH] & ~7u, m->width, 0xfff8);
    /* One line fits always: 64 Ki pixels are 256 KiB at most. */
    m->pitch = bytes_of(virt, m->bpp);
    most = (uint32_t)(memory / m->pitch);
    m->height = clamp(r->vbe[VBE_YRES], 1, most < VBE_MAX_Y ? most : VBE_MAX_Y);
    lines = most - m->height;
    x = clamp(r->vbe[VBE_X_OFFSET], 0, virt - m->width);
    y = clamp(r->vbe[VBE_Y_OFFSET], 0, lines);
    m->start = y * m->pitch + bytes_of(x, m->bpp);
    return true;
}

bool vbe_bank(const struct vga *v, uint32_t *start)
{
    uint32_t banks = (uint32_t)(v->vram->size / VGA_BANK);

    if (!(v->regs.vbe[VBE_ENABLE] & VBE_ENABLED) || v->regs.vbe[VBE_BPP] == 4)
        return false;
    *start = v->regs.vbe[VBE_BANK] % banks * VGA_BANK;
    return true;
}

void vbe_reset(struct vga *v)
{
    v->regs.vbe[VBE_ID] = ID_LAST;
}

/* Lines of the virtual width that fit. */
static uint16_t virtual_height(const struct vga *v)
{
    struct vbe_mode m;
    uint64_t memory = v->vram->size;

    if (!vbe_mode(&v->regs, memory, &m))
        return 0;
    memory /= m.bpp == 4 ? 4 : 1;
    return (uint16_t)clamp((uint32_t)(memory / m.pitch), 1, 0xffff);
}

uint16_t vbe_read(const struct vga *v, unsigned index)
{
    bool caps = v->regs.vbe[VBE_ENABLE] & VBE_GETCAPS;

    if (index >= VBE_REGISTERS)
        return 0;
    switch (index) {
    case VBE_XRES:
        return caps ? VBE_MAX_X : v->regs.vbe[index];
    case VBE_YRES:
        return caps ? VBE_MAX_Y : v->regs.vbe[index];
    case VBE_BPP:
        return caps ? VBE_MAX_BPP : v->regs.vbe[index];
    case VBE_VIRT_HEIGHT:
        return virtual_height(v);
    case VBE_MEMORY:
        return (uint16_t)(v->vram->size / VGA_BANK);
    }
    return v->regs.vbe[index];
}

/* From what the guest asked for to what it gets, so that it can read it. */
static void settle(struct vga *v)
{
    uint16_t *vbe = v->regs.vbe;
    struct vbe_mode m;

    vbe_mode(&v->regs, v->vram->size, &m);
    vbe[VBE_XRES] = (uint16_t)m.width;
    vbe[VBE_YRES] = (uint16_t)m.height;
    vbe[VBE_BPP] = (uint16_t)m.bpp;
    vbe[VBE_VIRT_WIDTH] =
        (uint16_t)clamp(vbe[VBE_VIRT_WIDTH] & ~7u, m.width, 0xfff8);
}

static void clear(struct vga *v)
{
    struct vbe_mode m;
    uint64_t size;

    vbe_mode(&v->regs, v->vram->size, &m);
    size = (uint64_t)m.pitch * m.height;
    if (m.bpp == 4)
        size = (size + VGA_BANK - 1) / VGA_BANK * VGA_BANK * 4;
    ram_fill(v->vram->host, 0, (size_t)size);
    memory_wrote(v->dev->env->memory, v->vram, 0, size);
}

static void write_enable(struct vga *v, uint16_t value)
{
    uint16_t *vbe = v->regs.vbe;
    bool was = vbe[VBE_ENABLE] & VBE_ENABLED;

    if ((vbe[VBE_ENABLE] ^ value) & VBE_8BIT_DAC)
        vga_widen_dac(v, value & VBE_8BIT_DAC);
    vbe[VBE_ENABLE] = value & (VBE_ENABLED | VBE_GETCAPS | VBE_8BIT_DAC |
                               VBE_LFB | VBE_NOCLEAR);
    if (!(value & VBE_ENABLED)) {
        vbe[VBE_BANK] = 0;
    } else if (!was) {
        vbe[VBE_VIRT_WIDTH] = 0; /* settle(): the width as it can be */
        vbe[VBE_X_OFFSET] = 0;
        vbe[VBE_Y_OFFSET] = 0;
        settle(v);
        if (!(value & VBE_NOCLEAR))
            clear(v);
    }
    /* The mode is another: it shows at once, whatever was noted before. */
    if (was != (bool)(value & VBE_ENABLED))
        vga_screen_reset(v);
    vga_retime(v);
}

static void write_offset(struct vga *v, unsigned index, uint16_t value)
{
    struct vbe_mode m;
    uint32_t most;

    if (!vbe_mode(&v->regs, v->vram->size, &m))
        return;
    if (index == VBE_X_OFFSET)
        most = v->regs.vbe[VBE_VIRT_WIDTH] - m.width;
    else
        most = virtual_height(v) - m.height;
    v->regs.vbe[index] = (uint16_t)clamp(value, 0, most);
}

/* As large as memory allows with the lines that are shown. */
static void write_virtual_width(struct vga *v, uint16_t value)
{
    struct vbe_mode m;
    uint64_t memory = v->vram->size, most;

    if (!vbe_mode(&v->regs, memory, &m))
        return;
    if (m.bpp == 4)
        most = memory / 4 / m.height * 8;
    else
        most = memory / m.height / bytes_of(1, m.bpp);
    most = most < 0xfff8 ? most & ~7u : 0xfff8;
    v->regs.vbe[VBE_VIRT_WIDTH] =
        (uint16_t)clamp(value & ~7u, m.width, (uint32_t)most);
    /* What is shown may reach over the new ends. */
    write_offset(v, VBE_X_OFFSET, v->regs.vbe[VBE_X_OFFSET]);
    write_offset(v, VBE_Y_OFFSET, v->regs.vbe[VBE_Y_OFFSET]);
}

void vbe_write(struct vga *v, unsigned index, uint16_t value)
{
    uint16_t *vbe = v->regs.vbe;

    switch (index) {
    case VBE_ID:
        if (value >= ID_FIRST && value <= ID_LAST)
            vbe[index] = value;
        break;
    case VBE_XRES:
    case VBE_YRES:
    case VBE_BPP:
        if (vbe[VBE_ENABLE] & VBE_ENABLED)
            log_guest(v->dev->env->log,
                      "%s: VBE register %u written while VBE is enabled",
                      v->dev->path, index);
        else
            vbe[index] = value;
        break;
    case VBE_ENABLE:
        write_enable(v, value);
        break;
    case VBE_BANK:
        vbe[index] = value & BANK_MASK;
        break;
    case VBE_VIRT_WIDTH:
        write_virtual_width(v, value);
        break;
    case VBE_X_OFFSET:
    case VBE_Y_OFFSET:
        write_offset(v, index, value);
        break;
    }
    vga_map_memory(v);
}
