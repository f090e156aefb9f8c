/*
 * A VGA's registers, by the guest.
 *
 * IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem".
 */
#include "tests/machine/screens/screens.h"

#define STATUS (crtc_port() + 6)

unsigned crtc_port(void)
{
    return inb(0x3cc) & 1 ? 0x3d4 : 0x3b4;
}

void set(unsigned port, unsigned index, unsigned value)
{
    outb(port, index);
    outb(port + 1, value);
}

unsigned get(unsigned port, unsigned index)
{
    outb(port, index);
    return inb(port + 1);
}

void set_attr(unsigned index, unsigned value)
{
    inb(STATUS);
    outb(0x3c0, index);
    outb(0x3c0, value);
    outb(0x3c0, 0x20);
}

unsigned get_attr(unsigned index)
{
    unsigned v;

    inb(STATUS);
    outb(0x3c0, index);
    v = inb(0x3c1);
    inb(STATUS);
    outb(0x3c0, 0x20);
    return v;
}

void set_dac(unsigned i, unsigned r, unsigned g, unsigned b)
{
    outb(0x3c8, i);
    outb(0x3c9, r);
    outb(0x3c9, g);
    outb(0x3c9, b);
}

void ega_colours(void)
{
    for (unsigned i = 0; i < 256; i++)
        set_dac(i, (i >> 2 & 1) * 42 + (i >> 5 & 1) * 21,
                (i >> 1 & 1) * 42 + (i >> 4 & 1) * 21,
                (i & 1) * 42 + (i >> 3 & 1) * 21);
}

/* As BIOSes do for 200 lines: bit 4 is the intensity, and 6 is brown. */
static void cga_colours(void)
{
    for (unsigned i = 0; i < 64; i++) {
        unsigned low = (i >> 4 & 1) * 21, brown = (i & 0x17) == 6;

        set_dac(i, (i >> 2 & 1) * 42 + low,
                brown ? 21 : (i >> 1 & 1) * 42 + low, (i & 1) * 42 + low);
    }
}

static void mda_colours(void)
{
    for (unsigned i = 0; i < 64; i++) {
        unsigned v = i & 8 ? (i & 0x10 ? 63 : 42) : 0;

        set_dac(i, v, v, v);
    }
}

/* Of 6 steps around the circle of hues. */
static unsigned hue(unsigned at, unsigned n, unsigned shift)
{
    unsigned a = (at + n * shift / 3) % n * 6;

    if (a < n)
        return 63 * a / n;
    if (a < 3 * n)
        return 63;
    return a < 4 * n ? 63 * (4 * n - a) / n : 0;
}

void dac_256(void)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned low = i & 8 ? 21 : 0;

        set_dac(i, (i >> 2 & 1) * 42 + low,
                i == 6 ? 21 : (i >> 1 & 1) * 42 + low, (i & 1) * 42 + low);
        set_dac(16 + i, i * 63 / 15, i * 63 / 15, i * 63 / 15);
    }
    for (unsigned i = 32; i < 256; i++) {
        unsigned light = 2 + i % 16, h = (i - 32) / 16;

        set_dac(i, hue(h, 14, 1) * light / 17, hue(h, 14, 0) * light / 17,
                hue(h, 14, 2) * light / 17);
    }
}

void bios_mode(unsigned n)
{
    struct bios_regs r = {.eax = n};

    /* SeaBIOS's cannot leave a mode of an MDA: it reads the status at 3DA. */
    outb(0x3c2, inb(0x3cc) | 1);
    bios_call(0x10, &r);
}

void clear_planes(void)
{
    set(SEQ, 2, 15);
    set(SEQ, 4, 6);
    set(GFX, 1, 0);
    set(GFX, 3, 0);
    set(GFX, 5, 0);
    set(GFX, 6, 5);
    set(GFX, 8, 0xff);
    memset((void *)0xa0000, 0, 0x10000);
}

static void set_registers(const struct vga_mode *m)
{
    set(SEQ, 0, 1);
    outb(0x3c2, m->misc);
    for (unsigned i = 1; i < 5; i++)
        set(SEQ, i, m->seq[i]);
    set(SEQ, 0, 3);
    set(CRTC, 0x11, 0); /* no protection */
    for (unsigned i = 0; i < 25; i++)
        set(CRTC, i, m->crtc[i]);
    for (unsigned i = 0; i < 9; i++)
        set(GFX, i, m->gfx[i]);
    inb(STATUS);
    for (unsigned i = 0; i < 21; i++) {
        outb(0x3c0, i);
        outb(0x3c0, m->attr[i]);
    }
    outb(0x3c0, 0x20);
    outb(0x3c6, 0xff);
}

/* A BIOS knows how its fonts get there. */
void set_mode(enum vga_mode_name mode)
{
    const struct vga_mode *m = &vga_modes[mode];

    bios_mode(m->gfx[6] & 1 ? 0x12 : 3);
    if (m->gfx[6] & 1)
        clear_planes();
    set_registers(m);
    if (m->gfx[5] & 0x40)
        dac_256();
    else if (mode == MODE_4 || mode == MODE_6 || mode == MODE_D)
        cga_colours();
    else if (mode == MODE_7)
        mda_colours();
    else
        ega_colours();
}

void start_address(unsigned at)
{
    set(CRTC, 0x0c, at >> 8);
    set(CRTC, 0x0d, at & 0xff);
}

void line_compare(unsigned line)
{
    set(CRTC, 0x18, line & 0xff);
    set(CRTC, 7, (get(CRTC, 7) & ~0x10u) | (line >> 8 & 1) << 4);
    set(CRTC, 9, (get(CRTC, 9) & ~0x40u) | (line >> 9 & 1) << 6);
}

void wait_retrace(void)
{
    while (inb(STATUS) & 8)
        ;
    while (!(inb(STATUS) & 8))
        ;
}

void wait_line(void)
{
    while (inb(STATUS) & 1)
        ;
    while (!(inb(STATUS) & 1))
        ;
}
