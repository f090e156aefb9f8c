/*
 * IBM's Color/Graphics Monitor Adapter.
 *
 * IBM Personal Computer Technical Reference, "Color/Graphics Monitor Adapter":
 * 3D0 to 3D7 the 6845 (even: index, odd: data), 3D8 mode control, 3D9 colour
 * select, 3DA status (bit 0 nothing is displayed, 1 the light pen's flip-flop,
 * 2 its switch is open, 3 vertical sync), 3DB clears that flip-flop and 3DC
 * sets it; 16 KiB at B8000 and again at BC000.  320x200 has palettes of 3D9
 * bit 5, and the third one where burst is off.
 *
 * The monitor is one of digital RGBI, as a 5153, where colour 6 is brown; or
 * one at the composite output (cga_composite.c).
 *
 * What this models beyond the book: the background of 640x200 is black, its
 * foreground 3D9's colour; mode bits mix freely, as in the circuit.
 *
 * Missing: the snow that the CPU's accesses make in 80 columns; the border in
 * the colour of 3D9: as on the other cards, the picture ends where the display
 * enable does.  What the 6845 itself leaves out is in mc6845.c.
 */
#include <string.h>

#include "devices/display/cga_composite.h"
#include "devices/display/mc6845.h"
#include "devices/isa.h"

#define CGA_MEMORY 0x4000u
#define DOT_CLOCK 14318180

enum {
    MODE_80 = 1 << 0,
    MODE_NO_BURST = 1 << 2,
    MODE_640 = 1 << 4,

    COLOUR_INTENSE = 1 << 4,
    COLOUR_PALETTE = 1 << 5,

    STATUS_NOT_SHOWN = 1 << 0,
    STATUS_PEN = 1 << 1,
    STATUS_PEN_OPEN = 1 << 2,
    STATUS_SYNC = 1 << 3,
    STATUS_ONES = 0xf0,
};

struct cga {
    struct card card;
    const char *monitor; /* property */
    uint8_t memory[CGA_MEMORY];
};

static const uint32_t rgbi[16] = {0x000000, 0x0000aa, 0x00aa00, 0x00aaaa,
                                  0xaa0000, 0xaa00aa, 0xaa5500, 0xaaaaaa,
                                  0x555555, 0x5555ff, 0x55ff55, 0x55ffff,
                                  0xff5555, 0xff55ff, 0xffff55, 0xffffff};

static unsigned cell(const struct card_regs *r)
{
    return (r->mode & (CARD_GRAPHICS | MODE_640)) == (CARD_GRAPHICS | MODE_640)
               ? 16
               : 8;
}

static unsigned ticks(const struct card_regs *r)
{
    return r->mode & MODE_80 ? 8 : 16;
}

static void text_line(const struct card *c, const struct card_regs *r,
                      unsigned at, unsigned raster, unsigned n, uint8_t *out)
{
    const struct cga *g = (const struct cga *)c;

    for (unsigned x = 0; x < n; x++, at++) {
        uint8_t character = g->memory[at * 2 % CGA_MEMORY];
        uint8_t attribute = g->memory[(at * 2 + 1) % CGA_MEMORY];
        unsigned dots = raster < 8 ? font_8[character][raster] : 0;
        unsigned back = attribute >> 4;

        if (r->mode & CARD_BLINK) {
            if ((back & 8) && !card_blink_on(c))
                dots = 0;
            back &= 7;
        }
        if (card_cursor(c, r, at, raster))
            dots = 0xff;
        for (unsigned i = 0; i < 8; i++)
            *out++ = (uint8_t)(dots >> (7 - i) & 1 ? attribute & 15 : back);
    }
}

static uint8_t colour_of(const struct card_regs *r, unsigned v)
{
    unsigned intense = r->colour & COLOUR_INTENSE ? 8 : 0;

    if (v == 0)
        return r->colour & 15;
    if (r->mode & MODE_NO_BURST) /* cyan, red, white */
        return (uint8_t)((v == 1 ? 3 : v == 2 ? 4 : 7) | intense);
    return (uint8_t)((v << 1 | (r->colour & COLOUR_PALETTE ? 1 : 0)) | intense);
}

/* Two bytes of a character clock are 8 dots of two bits, or 16 of one. */
static void graphics_line(const struct card *c, const struct card_regs *r,
                          unsigned at, unsigned raster, unsigned n,
                          uint8_t *out)
{
    const struct cga *g = (const struct cga *)c;

    for (unsigned x = 0; x < n; x++, at++) {
        unsigned place = (at * 2 & 0x1fff) | (raster & 1) << 13;
        unsigned word = g->memory[place] << 8 | g->memory[place + 1];

        if (r->mode & MODE_640)
            for (unsigned i = 0; i < 16; i++)
                *out++ = word >> (15 - i) & 1 ? r->colour & 15 : 0;
        else
            for (unsigned i = 0; i < 8; i++)
                *out++ = colour_of(r, word >> (14 - 2 * i) & 3);
    }
}

/* Without burst a monitor shows no colours. */
static void composite(const struct card_regs *r, const uint8_t *dots,
                      unsigned n, uint32_t *out)
{
    cga_composite(dots, n, !(r->mode & MODE_NO_BURST), out);
}

static uint16_t character(const struct card *c, unsigned at)
{
    const struct cga *g = (const struct cga *)c;

    return (uint16_t)(g->memory[at * 2 % CGA_MEMORY] |
                      g->memory[(at * 2 + 1) % CGA_MEMORY] << 8);
}

static const struct card_look look = {
    .clock = DOT_CLOCK,
    .cell = cell,
    .ticks = ticks,
    .text = text_line,
    .graphics = graphics_line,
    .character = character,
    .colour = rgbi,
};

static uint8_t status(const struct card *c)
{
    struct raster_beam b = card_beam(c);
    uint8_t v = STATUS_ONES | STATUS_PEN_OPEN;

    if (!raster_is_shown(&c->raster, &b))
        v |= STATUS_NOT_SHOWN;
    if (c->pen)
        v |= STATUS_PEN;
    return v | (raster_in_sync(&c->raster, &b) ? STATUS_SYNC : 0);
}

/* 3DB and 3DC are no registers: that they are addressed is all. */
static void strobe(struct cga *g, uint64_t port)
{
    if (port == 11 || port == 12)
        card_set_pen(&g->card, port == 12);
}

static uint64_t cga_read(struct device *dev, unsigned window, uint64_t offset,
                         unsigned size)
{
    struct cga *g = (struct cga *)dev;

    (void)size;
    if (window == 0)
        return g->memory[offset % CGA_MEMORY];
    if (offset < 8)
        return card_read_crt(&g->card, (unsigned)offset);
    strobe(g, offset);
    return offset == 10 ? status(&g->card) : 0xff;
}

static void cga_write(struct device *dev, unsigned window, uint64_t offset,
                      uint64_t value, unsigned size)
{
    struct cga *g = (struct cga *)dev;
    struct card *c = &g->card;
    uint8_t v = (uint8_t)value;

    (void)size;
    if (window == 0) {
        g->memory[offset % CGA_MEMORY] = v;
        card_touch(c);
    } else if (offset < 8) {
        card_write_crt(c, (unsigned)offset, v);
    } else if (offset == 8) {
        card_change(c, &c->regs.mode, v & 0x3f);
    } else if (offset == 9) {
        card_change(c, &c->regs.colour, v & 0x3f);
    } else {
        strobe(g, offset);
    }
}

static bool cga_create(struct device *dev, struct error *e)
{
    struct cga *g = (struct cga *)dev;

    if (!strcmp(g->monitor, "composite"))
        g->card.monitor = composite;
    else if (strcmp(g->monitor, "rgb"))
        return error_set(e, "monitor=%s: wanted rgb or composite", g->monitor);
    return card_new(&g->card, &look, e);
}

static const struct property cga_properties[] = {
    {"monitor", PROP_STRING, offsetof(struct cga, monitor), "rgb",
     "what it is plugged into: rgb or composite", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct field cga_fields[] = {
    FIELD_SUB(struct cga, card, card_fields),
    FIELD_HOST(struct cga, monitor),
    FIELD_ARRAY_KEEP(struct cga, memory),
    FIELD_LIST_END,
};

static const struct window cga_windows[] = {
    {.name = "memory",
     .size = 0x8000,
     .accept = 1 | 2 | 4 | 8,
     .impl = 1,
     .unaligned = true},
    ISA_WINDOW("ports", 0x10),
};

static const struct display_ops cga_display = {.update = card_update,
                                               .text = card_text};

const struct device_class cga_class = {
    .name = "cga",
    .summary = "IBM's colour graphics adapter, on ISA",
    .compatible = (const char *const[]){"ibm,cga", NULL},
    .size = sizeof(struct cga),
    .properties = cga_properties,
    .fields = cga_fields,
    .windows = cga_windows,
    .n_windows = 2,
    .create = cga_create,
    .destroy = card_destroy,
    .reset = card_reset,
    .loaded = card_loaded,
    .read = cga_read,
    .write = cga_write,
    .display = &cga_display,
};
