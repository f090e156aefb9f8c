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
 * and are 8 dots of a character, or of 4 bits: by plane, twice 2 of two planes
 * (interleaved), or halves of bytes.  AR10 bit 6 makes one pixel of 8 bits of
 * two of those.  Where SR1 loads the shift registers of graphics every second
 * or fourth clock only, what leaves one goes into the next below, round all
 * four (so the data sheet of Chips and Technologies' 82C451; IBM calls them
 * chained).
 *
 * Blinking in graphics turns bit 3 of a pixel over behind the plane mask: so
 * says IBM's own palette of mode Fh, of planes 0 and 2, whose 4 blinks (18h
 * and 0), while 1 and 5 do not.
 *
 * Missing: the border (the overscan's colour is shown only where the whole
 * screen has it); pixels of 8 bits go past the palette, as BIOSes set it up to
 * do.
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

bool vga_has_no_sync(const struct vga_regs *r)
{
    return !(r->crtc[CR_MODE] & CR17_RUN) &&
           !(r->vbe[VBE_ENABLE] & VBE_ENABLED);
}

bool vga_is_dark(const struct vga_regs *r)
{
    return (r->seq[SR_CLOCKING] & SR1_SCREEN_OFF) ||
           (r->seq[SR_RESET] & SR0_RUN) != SR0_RUN || vga_has_no_sync(r);
}

bool vga_is_blank(const struct vga_regs *r)
{
    return !(r->attr_index & AR_PAS) || vga_is_dark(r);
}

bool vbe_is_blank(const struct vga_regs *r)
{
    return !(r->attr_index & AR_PAS) || (r->seq[SR_CLOCKING] & SR1_SCREEN_OFF);
}

/* Pixels of 8 bits. */
static bool is_wide(const struct vga_regs *r)
{
    return (r->attr[AR_MODE] & AR10_8BIT) && !vga_is_text(r);
}

/* How often a line of the vertical counter is shown, as a shift. */
static unsigned line_shift(const struct vga_regs *r)
{
    return r->crtc[CR_MODE] & CR17_EVERY_SECOND ? 1 : 0;
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
    return is_wide(r) ? 4 : 8;
}

unsigned vga_width(const struct vga_regs *r)
{
    return vga_columns(r) * cell_width(r);
}

unsigned vga_height(const struct vga_regs *r)
{
    unsigned o = r->crtc[CR_OVERFLOW];

    o = (o >> 1 & 1) << 8 | (o >> 6 & 1) << 9;
    return (r->crtc[CR_V_DISPLAY_END] + o + 1) << line_shift(r);
}

/* The last scan line above the split. */
static unsigned line_compare(const struct vga_regs *r)
{
    unsigned n = r->crtc[CR_LINE_COMPARE] |
                 (r->crtc[CR_OVERFLOW] >> 4 & 1u) << 8 |
                 (r->crtc[CR_MAX_SCAN_LINE] >> 6 & 1u) << 9;

    return ((n + 1) << line_shift(r)) - 1;
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
    return a & vga_plane_mask(r);
}

uint32_t vga_font(const struct vga_regs *r, bool intense)
{
    unsigned c = r->seq[SR_CHARACTER_MAP];
    unsigned n = intense ? (c >> 2 & 3) | (c >> 5 & 1) << 2
                         : (c & 3) | (c >> 4 & 1) << 2;

    if (!(r->seq[SR_MEMORY] & SR4_EXTENDED))
        n = 0;
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

void vga_walk_to(const struct vga_regs *r, struct vga_walk *w, unsigned y)
{
    const unsigned last = r->crtc[CR_MAX_SCAN_LINE] & 31u,
                   compare = line_compare(r);
    unsigned scans = y, first;

    vga_walk_start(r, w);
    if (y > compare) {
        *w = (struct vga_walk){.split = true};
        scans = y - compare - 1;
    }
    if (r->crtc[CR_MAX_SCAN_LINE] & CR9_DOUBLE_SCAN) {
        w->again = scans & 1;
        scans /= 2;
    }
    /* The first row ends `first` scan lines on; its count may wrap before. */
    first = (last - w->row_scan) & 31;
    if (scans <= first) {
        w->row_scan = (w->row_scan + scans) & 31;
        return;
    }
    scans -= first + 1;
    w->row_scan = scans % (last + 1);
    w->address += (1 + scans / (last + 1)) * r->crtc[CR_OFFSET] * 2u;
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

uint32_t vga_colour(const struct vga_regs *r, unsigned i)
{
    const uint8_t *d = &r->dac[3 * (i & r->pel_mask)];

    return part(r, d[0]) << 16 | part(r, d[1]) << 8 | part(r, d[2]);
}

static bool is_vbe(const struct vga_regs *r)
{
    return r->vbe[VBE_ENABLE] & VBE_ENABLED;
}

/* Four bits through the palette, and AR14. */
static unsigned palette(const struct vga_regs *r, unsigned i, uint64_t frame)
{
    unsigned select = r->attr[AR_COLOUR_SELECT], v;

    i &= r->attr[AR_PLANES] & 15u;
    if ((r->attr[AR_MODE] & AR10_BLINK) && !vga_is_text(r) && !is_vbe(r) &&
        !vga_blink_on(frame))
        i ^= 8;
    v = r->attr[i] & 0x3fu;
    if (r->attr[AR_MODE] & AR10_P54)
        v = (v & 15) | (select & 3) << 4;
    return v | (select >> 2 & 3) << 6;
}

/* What the DAC gets for a pixel's value. */
static unsigned attribute_output(const struct vga_regs *r, unsigned i,
                                 uint64_t frame)
{
    bool direct = is_vbe(r) ? r->vbe[VBE_BPP] != 4 : is_wide(r);

    return direct ? i : palette(r, i & 15, frame);
}

void vga_paint_prepare(struct vga_painter *p, uint32_t colour[256])
{
    const struct vga_regs *r = p->regs;

    for (unsigned i = 0; i < 256; i++)
        colour[i] = vga_colour(r, attribute_output(r, i, p->frame));
    p->colour = colour;
    p->overscan = vga_is_dark(r) ? 0 : vga_colour(r, r->attr[AR_OVERSCAN]);
}

/* ----------------------------------------------------------------- dots */

static uint32_t planes_at(const struct vga *v, uint32_t offset)
{
    return ram_ld32(v->vram->host + vga_place(offset));
}

/* Dot i of eight: a bit of each plane. */
static unsigned dot_4bpp(uint32_t planes, unsigned i)
{
    uint32_t bits = planes >> (7 - i) & UINT32_C(0x01010101);

    return (bits | bits >> 7 | bits >> 14 | bits >> 21) & 15;
}

/* Two bits of planes 0 and 2, then of 1 and 3. */
static unsigned dot_interleaved(uint32_t planes, unsigned i)
{
    uint32_t pair = planes >> (i < 4 ? 0 : 8) >> (6 - 2 * (i & 3));

    return (pair & 3) | (pair >> 16 & 3) << 2;
}

/* One plane's byte after the other, the high half first. */
static unsigned dot_of_byte(uint32_t planes, unsigned i)
{
    return planes >> 8 * (i / 2) >> (i & 1 ? 0 : 4) & 15;
}

static void dots_4bpp(const struct vga_painter *p, uint32_t planes,
                      uint32_t *out)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = p->colour[dot_4bpp(planes, i)];
}

static void graphics_cell(const struct vga_painter *p, uint32_t planes,
                          uint32_t *out)
{
    uint8_t mode = p->regs->gfx[GR_MODE];
    unsigned (*dot)(uint32_t planes, unsigned i) = mode & GR5_256 ? dot_of_byte
                                                   : mode & GR5_INTERLEAVE
                                                       ? dot_interleaved
                                                       : dot_4bpp;

    if (!is_wide(p->regs))
        for (unsigned i = 0; i < 8; i++)
            out[i] = p->colour[dot(planes, i)];
    else if (mode & GR5_256)
        for (unsigned i = 0; i < 4; i++)
            out[i] = p->colour[planes >> 8 * i & 0xff];
    else
        for (unsigned i = 0; i < 4; i++)
            out[i] =
                p->colour[dot(planes, 2 * i) << 4 | dot(planes, 2 * i + 1)];
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
    return is_wide(r) ? (pan & 7) / 2 : pan & 7;
}

/* How long the shift registers are not loaded again, in columns, as a shift. */
static unsigned load_shift(const struct vga_regs *r)
{
    uint8_t mode = vga_is_text(r) ? 0 : r->seq[SR_CLOCKING];

    return mode & SR1_SHIFT_4 ? 2 : mode & SR1_SHIFT_LOAD ? 1 : 0;
}

/* What the shift registers hold some columns after they were loaded. */
static uint32_t shifted(uint32_t planes, unsigned columns)
{
    return columns ? planes >> 8 * columns | planes << (32 - 8 * columns)
                   : planes;
}

/* `n` cells from column `first` on. */
static void paint_cells(const struct vga_painter *p, const struct vga_walk *w,
                        unsigned first, unsigned n, uint32_t *out)
{
    const struct vga_regs *r = p->regs;
    unsigned width = cell_width(r);
    unsigned shift = r->crtc[CR_UNDERLINE] & CR14_COUNT_BY_4 ? 2
                     : r->crtc[CR_MODE] & CR17_COUNT_BY_2    ? 1
                                                             : 0;
    unsigned kept = (1u << load_shift(r)) - 1;
    bool text = vga_is_text(r), here;
    uint32_t cursor;

    here = cursor_here(p, w, &cursor);
    for (unsigned c = first; c < first + n; c++, out += width) {
        uint32_t address = w->address + ((c & ~kept) >> shift);
        uint32_t planes =
            planes_at(p->vga, vga_offset(r, address, w->row_scan));

        if (text)
            text_cell(p, w, planes, here && address == cursor, width, out);
        else
            graphics_cell(p, shifted(planes, c & kept), out);
    }
}

const uint32_t *vga_paint(const struct vga_painter *p, const struct vga_walk *w,
                          uint32_t *line)
{
    const struct vga_regs *r = p->regs;

    /* The picture's size may be that of another mode, from before. */
    if (vga_is_blank(r)) {
        for (unsigned i = 0; i < VGA_LINE; i++)
            line[i] = p->overscan;
        return line;
    }
    /* One more, of which panning shows some. */
    paint_cells(p, w, 0, vga_columns(r) + 1, line);
    return line + panning(r, w);
}

#define SAME4(i) (i), (i) + 1, (i) + 2, (i) + 3
#define SAME16(i) SAME4(i), SAME4((i) + 4), SAME4((i) + 8), SAME4((i) + 12)
#define SAME64(i)                                                              \
    SAME16(i), SAME16((i) + 16), SAME16((i) + 32), SAME16((i) + 48)

/* Pixels' values as colours. */
static const uint32_t same[256] = {SAME64(0), SAME64(64), SAME64(128),
                                   SAME64(192)};

unsigned vga_dot(const struct vga *v, const struct raster_beam *b)
{
    const struct vga_regs *r = &v->regs;
    const struct vga_painter p = {
        .vga = v, .regs = r, .frame = b->frame, .colour = same};
    unsigned width = cell_width(r);
    uint32_t cell[9];
    struct vga_walk w;
    unsigned x;

    if (is_vbe(r))
        return 0;
    if (vga_is_blank(r))
        return r->attr[AR_OVERSCAN];
    vga_walk_to(r, &w, b->line);
    x = b->dot * vga_width(r) / v->raster.timing.shown + panning(r, &w);
    paint_cells(&p, &w, x / width, 1, cell);
    return attribute_output(r, cell[x % width], b->frame);
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

    if (vbe_is_blank(p->regs)) {
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
