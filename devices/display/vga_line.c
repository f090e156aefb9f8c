/*
 * One scan line of a VGA: the CRTC's address generator, and from the four
 * planes at its addresses to pixels.
 *
 * IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem": CRTC
 * (start address, offset, preset row scan, maximum scan line, cursor, mode
 * control, underline, line compare), character map select, graphics mode
 * register (shift modes), attribute controller.
 *
 * All modes are what the registers make of them; there is no list of modes.
 * Of each character clock the four planes' bytes are fetched at one address,
 * and are 8 dots of a character, of 4 bits or (interleaved) of twice 2, or 4
 * pixels of 8 bits.
 *
 * Missing: the border; shift loads of 16 and 32 dots (SR1 bits 2 and 4);
 * counting every second line (CR17 bit 2); blinking in graphics modes; 256
 * colours go past the palette, as BIOSes set it up to do.
 */
#include "base/ram_access.h"
#include "devices/display/vga_priv.h"

#define CURSOR_OFF 0x20
#define FONT_BYTES 32 /* of a character */

/* ------------------------------------------------------------- geometry */

bool vga_is_text(const struct vga_regs *r)
{
    return !(r->gfx[GR_MISC] & GR6_GRAPHICS);
}

bool vga_is_blank(const struct vga_regs *r)
{
    return !(r->attr_index & AR_PAS) || (r->seq[SR_CLOCKING] & SR1_SCREEN_OFF);
}

static bool is_256(const struct vga_regs *r)
{
    return r->gfx[GR_MODE] & GR5_256;
}

unsigned vga_columns(const struct vga_regs *r)
{
    return r->crtc[CR_H_DISPLAY_END] + 1u;
}

/* Pixels of a column. */
static unsigned cell_width(const struct vga_regs *r)
{
    if (vga_is_text(r))
        return r->seq[SR_CLOCKING] & SR1_8DOT ? 8 : 9;
    return is_256(r) ? 4 : 8;
}

unsigned vga_width(const struct vga_regs *r)
{
    return vga_columns(r) * cell_width(r);
}

unsigned vga_height(const struct vga_regs *r)
{
    unsigned o = r->crtc[CR_OVERFLOW];

    return (r->crtc[CR_V_DISPLAY_END] | (o >> 1 & 1) << 8 | (o >> 6 & 1) << 9) +
           1;
}

static unsigned line_compare(const struct vga_regs *r)
{
    return r->crtc[CR_LINE_COMPARE] | (r->crtc[CR_OVERFLOW] >> 4 & 1u) << 8 |
           (r->crtc[CR_MAX_SCAN_LINE] >> 6 & 1u) << 9;
}

bool vga_cursor(const struct vga_regs *r, uint32_t *address)
{
    *address = (uint32_t)r->crtc[CR_CURSOR_HIGH] << 8 | r->crtc[CR_CURSOR_LOW];
    *address += r->crtc[CR_CURSOR_END] >> 5 & 3;
    return !(r->crtc[CR_CURSOR_START] & CURSOR_OFF) &&
           (r->crtc[CR_CURSOR_START] & 31) <= (r->crtc[CR_CURSOR_END] & 31);
}

/* 8 frames of 16, and 16 of 32. */
bool vga_cursor_on(uint64_t frame)
{
    return !(frame & 8);
}

bool vga_blink_on(uint64_t frame)
{
    return !(frame & 16);
}

/* ------------------------------------------------------------ addresses */

uint32_t vga_offset(const struct vga_regs *r, uint32_t address,
                    uint32_t row_scan)
{
    uint8_t mode = r->crtc[CR_MODE];
    uint32_t a = address & 0xffff;

    if (r->crtc[CR_UNDERLINE] & CR14_DOUBLEWORD)
        a = a << 2 | (a >> 14 & 3);
    else if (!(mode & CR17_BYTE))
        a = a << 1 | (a >> (mode & CR17_WRAP_15 ? 15 : 13) & 1);
    if (!(mode & CR17_NOT_ROW0))
        a = (a & ~0x2000u) | (row_scan & 1) << 13;
    if (!(mode & CR17_NOT_ROW1))
        a = (a & ~0x4000u) | (row_scan >> 1 & 1) << 14;
    return a & 0xffff;
}

uint32_t vga_font(const struct vga_regs *r, bool intense)
{
    unsigned c = r->seq[SR_CHARACTER_MAP];
    unsigned n = intense ? (c >> 2 & 3) | (c >> 5 & 1) << 2
                         : (c & 3) | (c >> 4 & 1) << 2;

    return (n & 3) << 14 | (n >> 2) << 13;
}

void vga_walk_start(const struct vga_regs *r, struct vga_walk *w)
{
    *w = (struct vga_walk){
        .address = r->start + (r->crtc[CR_PRESET_ROW] >> 5 & 3),
        .row_scan = r->crtc[CR_PRESET_ROW] & 31,
    };
}

void vga_walk_next(const struct vga_regs *r, struct vga_walk *w, unsigned y)
{
    if (y == line_compare(r)) {
        *w = (struct vga_walk){.split = true};
        return;
    }
    if ((r->crtc[CR_MAX_SCAN_LINE] & CR9_DOUBLE_SCAN) && !w->again) {
        w->again = true;
        return;
    }
    w->again = false;
    if (w->row_scan == (r->crtc[CR_MAX_SCAN_LINE] & 31)) {
        w->row_scan = 0;
        w->address += r->crtc[CR_OFFSET] * 2u;
    } else {
        w->row_scan = (w->row_scan + 1) & 31;
    }
}

/* -------------------------------------------------------------- colours */

/* n bits as 8. */
static uint32_t widen(uint32_t v, unsigned n)
{
    v &= (1u << n) - 1;
    return v << (8 - n) | v >> (2 * n - 8);
}

static uint32_t part(const struct vga_regs *r, uint8_t v)
{
    if (r->vbe[VBE_ENABLE] & VBE_8BIT_DAC)
        return v;
    return widen(v, 6);
}

static uint32_t dac(const struct vga_regs *r, unsigned i)
{
    const uint8_t *d = &r->dac[3 * (i & r->pel_mask)];

    return part(r, d[0]) << 16 | part(r, d[1]) << 8 | part(r, d[2]);
}

/* Four bits through the palette, and AR14. */
static unsigned palette(const struct vga_regs *r, unsigned i)
{
    unsigned select = r->attr[AR_COLOUR_SELECT];
    unsigned v = r->attr[i & r->attr[AR_PLANES] & 15] & 0x3fu;

    if (r->attr[AR_MODE] & AR10_P54)
        v = (v & 15) | (select & 3) << 4;
    return v | (select >> 2 & 3) << 6;
}

void vga_paint_prepare(struct vga_painter *p)
{
    const struct vga_regs *r = p->regs;
    bool direct = is_256(r) && !vga_is_text(r);

    if (r->vbe[VBE_ENABLE] & VBE_ENABLED)
        direct = r->vbe[VBE_BPP] != 4;
    for (unsigned i = 0; i < 256; i++)
        p->colour[i] = dac(r, direct ? i : palette(r, i & 15));
    p->overscan =
        r->seq[SR_CLOCKING] & SR1_SCREEN_OFF ? 0 : dac(r, r->attr[AR_OVERSCAN]);
}

/* ----------------------------------------------------------------- dots */

static uint32_t planes_at(const struct vga *v, uint32_t offset)
{
    return ram_ld32(v->vram->host + vga_place(offset));
}

static void dots_4bpp(const struct vga_painter *p, uint32_t planes,
                      uint32_t *out)
{
    for (unsigned i = 0; i < 8; i++, planes <<= 1) {
        uint32_t bits = planes >> 7 & UINT32_C(0x01010101);

        out[i] = p->colour[(bits | bits >> 7 | bits >> 14 | bits >> 21) & 15];
    }
}

/* Two bits at a time from planes 0 and 2, then from 1 and 3. */
static void dots_interleaved(const struct vga_painter *p, uint32_t planes,
                             uint32_t *out)
{
    for (unsigned i = 0; i < 8; i++) {
        uint32_t pair = planes >> (i < 4 ? 0 : 8) >> (6 - 2 * (i & 3));

        out[i] = p->colour[(pair & 3) | (pair >> 16 & 3) << 2];
    }
}

static void dots_256(const struct vga_painter *p, uint32_t planes,
                     uint32_t *out)
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = p->colour[planes >> 8 * i & 0xff];
}

/* A character's line of dots, in bits 8 (left) to 0. */
static unsigned glyph(const struct vga_painter *p, const struct vga_walk *w,
                      uint8_t c, uint8_t attribute, bool cursor)
{
    const struct vga_regs *r = p->regs;
    uint32_t font = vga_font(r, attribute & 8) + c * FONT_BYTES + w->row_scan;
    unsigned dots = planes_at(p->vga, font) >> 16 & 0xff;
    bool underlined =
        (attribute & 0x77) == 1 && w->row_scan == (r->crtc[CR_UNDERLINE] & 31u);

    if (cursor || underlined)
        return 0x1ff;
    if ((r->attr[AR_MODE] & AR10_BLINK) && (attribute & 0x80) &&
        !vga_blink_on(p->frame))
        return 0;
    dots <<= 1;
    if ((r->attr[AR_MODE] & AR10_LINE_GRAPHICS) && (c & 0xe0) == 0xc0)
        dots |= dots >> 1 & 1;
    return dots;
}

static void text_cell(const struct vga_painter *p, const struct vga_walk *w,
                      uint32_t planes, bool cursor, unsigned width,
                      uint32_t *out)
{
    uint8_t attribute = (uint8_t)(planes >> 8);
    unsigned dots = glyph(p, w, (uint8_t)planes, attribute, cursor);
    uint32_t fore = p->colour[attribute & 15], back;

    back = p->colour[attribute >> 4 &
                     (p->regs->attr[AR_MODE] & AR10_BLINK ? 7 : 15)];
    for (unsigned i = 0; i < width; i++)
        out[i] = dots >> (8 - i) & 1 ? fore : back;
}

/* Does the cursor show on this line?  Gives its address. */
static bool cursor_here(const struct vga_painter *p, const struct vga_walk *w,
                        uint32_t *address)
{
    const uint8_t *crtc = p->regs->crtc;

    return vga_cursor(p->regs, address) && vga_cursor_on(p->frame) &&
           w->row_scan >= (crtc[CR_CURSOR_START] & 31u) &&
           w->row_scan <= (crtc[CR_CURSOR_END] & 31u);
}

/* By how many pixels the line is shifted to the left. */
static unsigned panning(const struct vga_regs *r, const struct vga_walk *w)
{
    unsigned pan = r->attr[AR_PANNING] & 15;

    if (w->split && (r->attr[AR_MODE] & AR10_SPLIT_PANNING))
        pan = cell_width(r) == 9 ? 8 : 0;
    if (cell_width(r) == 9)
        return pan >= 8 ? 0 : pan + 1;
    return is_256(r) && !vga_is_text(r) ? (pan & 7) / 2 : pan & 7;
}

const uint32_t *vga_paint(const struct vga_painter *p, const struct vga_walk *w,
                          uint32_t *line)
{
    const struct vga_regs *r = p->regs;
    unsigned width = cell_width(r), columns = vga_columns(r);
    unsigned shift = r->crtc[CR_UNDERLINE] & CR14_COUNT_BY_4 ? 2
                     : r->crtc[CR_MODE] & CR17_COUNT_BY_2    ? 1
                                                             : 0;
    bool text = vga_is_text(r), here;
    uint32_t cursor;

    /* The picture's size may be that of another mode, from before. */
    if (vga_is_blank(r)) {
        for (unsigned i = 0; i < VGA_LINE; i++)
            line[i] = p->overscan;
        return line;
    }
    here = cursor_here(p, w, &cursor);
    /* One more, of which panning shows some. */
    for (unsigned c = 0; c <= columns; c++) {
        uint32_t address = w->address + (c >> shift);
        uint32_t planes =
            planes_at(p->vga, vga_offset(r, address, w->row_scan));
        uint32_t *out = line + c * width;

        if (text)
            text_cell(p, w, planes, here && address == cursor, width, out);
        else if (is_256(r))
            dots_256(p, planes, out);
        else if (r->gfx[GR_MODE] & GR5_INTERLEAVE)
            dots_interleaved(p, planes, out);
        else
            dots_4bpp(p, planes, out);
    }
    return line + panning(r, w);
}

/* ------------------------------------------------------------------ VBE */

static uint32_t colour_15(uint32_t v)
{
    return widen(v >> 10, 5) << 16 | widen(v >> 5, 5) << 8 | widen(v, 5);
}

static uint32_t colour_16(uint32_t v)
{
    return widen(v >> 11, 5) << 16 | widen(v >> 5, 6) << 8 | widen(v, 5);
}

static void vbe_planes(const struct vga_painter *p, const struct vbe_mode *m,
                       uint32_t at, uint32_t *line)
{
    for (unsigned i = 0; i < m->width / 8; i++)
        dots_4bpp(p, planes_at(p->vga, at + i), line + 8 * i);
}

void vbe_paint(const struct vga_painter *p, const struct vbe_mode *m,
               unsigned y, uint32_t *line)
{
    uint32_t at = m->start + y * m->pitch;
    const uint8_t *b = p->vga->vram->host + at;

    if (vga_is_blank(p->regs)) {
        for (unsigned i = 0; i < m->width; i++)
            line[i] = 0;
        return;
    }
    switch (m->bpp) {
    case 4:
        vbe_planes(p, m, at, line);
        break;
    case 8:
        for (unsigned i = 0; i < m->width; i++)
            line[i] = p->colour[ram_ld8(b + i)];
        break;
    case 15:
        for (unsigned i = 0; i < m->width; i++)
            line[i] = colour_15(ram_ld16(b + 2 * i));
        break;
    case 16:
        for (unsigned i = 0; i < m->width; i++)
            line[i] = colour_16(ram_ld16(b + 2 * i));
        break;
    case 24:
        for (unsigned i = 0; i < m->width; i++)
            line[i] = (uint32_t)ram_ld8(b + 3 * i + 2) << 16 |
                      (uint32_t)ram_ld8(b + 3 * i + 1) << 8 |
                      ram_ld8(b + 3 * i);
        break;
    default:
        for (unsigned i = 0; i < m->width; i++)
            line[i] = ram_ld32(b + 4 * i) & 0xffffff;
    }
}
