/* See vga_rig.h. */
#include "tests/devices/vga_rig.h"

void rig_open(struct vga_rig *r, const char *cls, const char *properties)
{
    r->h = harness_new();
    r->seen = r->last = 0;
    r->dev = harness_device(r->h, cls, properties);
    if (r->h->pci_host)
        harness_enable_pci(r->h, r->dev);
}

void rig_close(struct vga_rig *r)
{
    harness_free(r->h);
}

static unsigned window_of(unsigned port, unsigned *offset)
{
    *offset = port - (port < 0x3c0 ? 0x3b0 : 0x3c0);
    return port < 0x3c0 ? VGA_WINDOW_MONO : VGA_WINDOW_PORTS;
}

void rig_out(struct vga_rig *r, unsigned port, uint8_t value)
{
    unsigned offset, window = window_of(port, &offset);

    harness_write(r->h, r->dev, window, offset, 1, value);
}

uint8_t rig_in(struct vga_rig *r, unsigned port)
{
    unsigned offset, window = window_of(port, &offset);

    return (uint8_t)harness_read(r->h, r->dev, window, offset, 1);
}

void rig_set(struct vga_rig *r, unsigned port, unsigned index, uint8_t value)
{
    rig_out(r, port, (uint8_t)index);
    rig_out(r, port + 1, value);
}

uint8_t rig_get(struct vga_rig *r, unsigned port, unsigned index)
{
    rig_out(r, port, (uint8_t)index);
    return rig_in(r, port + 1);
}

void rig_set_attr(struct vga_rig *r, unsigned index, uint8_t value)
{
    rig_in(r, 0x3da);
    rig_out(r, 0x3c0, (uint8_t)index); /* the palette is the CPU's */
    rig_out(r, 0x3c0, value);
    rig_out(r, 0x3c0, 0x20);
    rig_in(r, 0x3da);
}

void rig_poke(struct vga_rig *r, uint32_t at, uint8_t value)
{
    harness_write(r->h, r->dev, VGA_WINDOW_MEMORY, at, 1, value);
}

uint8_t rig_peek(struct vga_rig *r, uint32_t at)
{
    return (uint8_t)harness_read(r->h, r->dev, VGA_WINDOW_MEMORY, at, 1);
}

void rig_vbe_set(struct vga_rig *r, unsigned index, uint16_t value)
{
    harness_write(r->h, r->dev, VGA_WINDOW_VBE, 0, 2, index);
    harness_write(r->h, r->dev, VGA_WINDOW_VBE, 1, 2, value);
}

uint16_t rig_vbe_get(struct vga_rig *r, unsigned index)
{
    harness_write(r->h, r->dev, VGA_WINDOW_VBE, 0, 2, index);
    return (uint16_t)harness_read(r->h, r->dev, VGA_WINDOW_VBE, 1, 2);
}

void rig_set_mode(struct vga_rig *r, enum vga_mode_name mode)
{
    const struct vga_mode *m = &vga_modes[mode];

    rig_out(r, 0x3c2, m->misc);
    for (unsigned i = 0; i < 5; i++)
        rig_set(r, 0x3c4, i, m->seq[i]);
    rig_set(r, 0x3d4, 0x11, 0);
    for (unsigned i = 0; i < 25; i++)
        rig_set(r, 0x3d4, i, m->crtc[i]);
    for (unsigned i = 0; i < 9; i++)
        rig_set(r, 0x3ce, i, m->gfx[i]);
    for (unsigned i = 0; i < 21; i++)
        rig_set_attr(r, i, m->attr[i]);
}

static uint32_t eight(unsigned six)
{
    return six << 2 | six >> 4;
}

uint32_t rig_colour(unsigned i)
{
    return eight(i & 63) << 16 | eight((i >> 2) ^ 21) << 8 |
           eight((i * 5 + 3) & 63);
}

void rig_set_palette(struct vga_rig *r)
{
    rig_out(r, 0x3c8, 0);
    for (unsigned i = 0; i < 256; i++) {
        rig_out(r, 0x3c9, i & 63);
        rig_out(r, 0x3c9, (uint8_t)((i >> 2) ^ 21));
        rig_out(r, 0x3c9, (i * 5 + 3) & 63);
    }
}

bool rig_look(struct vga_rig *r, struct display_frame *f)
{
    pthread_mutex_lock(&r->h->lock);
    r->dev->class->display->update(r->dev, f);
    pthread_mutex_unlock(&r->h->lock);
    r->seen = r->last;
    r->last = f->update;
    return r->last > r->seen;
}

bool rig_changed(const struct vga_rig *r, const struct display_frame *f,
                 unsigned y)
{
    return f->changed[y] > r->seen;
}

bool rig_resized(const struct vga_rig *r, const struct display_frame *f)
{
    return f->resized > r->seen;
}

bool rig_update(struct vga_rig *r, struct display_frame *f)
{
    harness_advance(r->h, 50000000);
    return rig_look(r, f);
}
