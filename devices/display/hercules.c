/*
 * The Hercules Graphics Card, and in it IBM's Monochrome Display Adapter.
 *
 * Hercules Graphics Card Owner's Manual (1984), appendices: 3B4 and 3B5 the
 * 6845, 3B8 mode control (bit 1 graphics, 3 enable, 5 blink, 7 page), 3BA
 * status (bit 0 horizontal drive, 1 the light pen's flip-flop, 2 its switch is
 * open, 3 dots, 7 no vertical retrace), 3B9 sets that flip-flop and 3BB clears
 * it, 3BF configuration (bit 0 allows graphics, 1 the second page, at
 * B8000).  IBM Personal Computer Technical Reference, "Monochrome Display":
 * attributes, 9 dots a character, of which the ninth repeats the eighth for C0h
 * to DFh.  16.257 MHz.
 *
 * In graphics a character clock is 16 dots, and the raster line's two bits
 * choose one of four banks of 8 KiB.
 *
 * Missing: the parallel port, the RAM fonts of the Plus.
 */
#include "devices/display/mc6845.h"
#include "devices/isa.h"

#define HGC_MEMORY 0x10000u
#define HGC_PAGE 0x8000u
#define DOT_CLOCK 16257000

enum {
    MODE_PAGE = 1 << 7,
    CONFIG_GRAPHICS = 1 << 0,
    CONFIG_PAGE = 1 << 1,

    STATUS_HSYNC = 1 << 0,
    STATUS_PEN = 1 << 1,
    STATUS_PEN_OPEN = 1 << 2,
    STATUS_DOT = 1 << 3,
    STATUS_ONES = 7 << 4,
    STATUS_NO_RETRACE = 1 << 7,
};

enum { WINDOW_MEMORY, WINDOW_PORTS, WINDOW_CONFIG };

struct hercules {
    struct card card;
    uint8_t config;
    uint8_t memory[HGC_MEMORY];
};

/* Off, on, intense, and off but intense: as the 16 colours of a terminal. */
static const uint8_t shade[4] = {0, 7, 15, 8};
static const uint32_t greys[16] = {
    [7] = 0xaaaaaa, [8] = 0x555555, [15] = 0xffffff};

static unsigned cell(const struct card_regs *r)
{
    return r->mode & CARD_GRAPHICS ? 16 : 9;
}

/* An attribute is none of 16 colours: nothing, inverse, or normal, with
 * intensity and underline. */
static void colours(uint8_t attribute, bool blink, unsigned *fore,
                    unsigned *back)
{
    attribute &= blink ? 0x7f : 0xff;
    *back = 0;
    *fore = attribute & 8 ? 2 : 1;
    if ((attribute & 0x77) == 0)
        *fore = 0;
    else if ((attribute & 0x77) == 0x70) {
        *back = attribute & 0x80 ? 2 : 1;
        *fore = attribute & 8 ? 3 : 0;
    }
}

static unsigned glyph(const struct hercules *g, bool blink, unsigned at,
                      unsigned raster)
{
    uint8_t character = g->memory[at * 2 % HGC_PAGE];
    uint8_t attribute = g->memory[(at * 2 + 1) % HGC_PAGE];
    unsigned dots = raster < 14 ? font_14[character][raster] << 1 : 0;

    if ((character & 0xe0) == 0xc0)
        dots |= dots >> 1 & 1;
    if ((attribute & 7) == 1 && raster == 12)
        dots = 0x1ff;
    if (blink && (attribute & 0x80) && !card_blink_on(&g->card))
        dots = 0;
    return dots;
}

static void text_line(const struct card *c, const struct card_regs *r,
                      unsigned at, unsigned raster, unsigned n, uint8_t *out)
{
    const struct hercules *g = (const struct hercules *)c;
    bool blink = r->mode & CARD_BLINK;

    for (unsigned x = 0; x < n; x++, at++) {
        uint8_t attribute = g->memory[(at * 2 + 1) % HGC_PAGE];
        unsigned dots = glyph(g, blink, at, raster), fore, back;

        colours(attribute, blink, &fore, &back);
        if (card_cursor(c, r, at, raster)) {
            dots = 0x1ff;
            fore = fore ? fore : 1;
        }
        for (unsigned i = 0; i < 9; i++)
            *out++ = shade[dots >> (8 - i) & 1 ? fore : back];
    }
}

static void graphics_line(const struct card *c, const struct card_regs *r,
                          unsigned at, unsigned raster, unsigned n,
                          uint8_t *out)
{
    const struct hercules *g = (const struct hercules *)c;
    unsigned page = r->mode & MODE_PAGE ? HGC_PAGE : 0;

    for (unsigned x = 0; x < n; x++, at++) {
        unsigned place = page | (raster & 3) << 13 | (at * 2 & 0x1fff);
        unsigned word = g->memory[place] << 8 | g->memory[place + 1];

        for (unsigned i = 0; i < 16; i++)
            *out++ = shade[word >> (15 - i) & 1];
    }
}

static uint16_t character(const struct card *c, unsigned at)
{
    const struct hercules *g = (const struct hercules *)c;
    uint8_t attribute = g->memory[(at * 2 + 1) % HGC_PAGE];
    bool blink = c->regs.mode & CARD_BLINK;
    unsigned fore, back;

    colours(attribute, blink, &fore, &back);
    attribute &= blink ? 0x80 : 0;
    attribute |= (uint8_t)(shade[fore] | shade[back] << 4);
    return (uint16_t)(g->memory[at * 2 % HGC_PAGE] | attribute << 8);
}

static const struct card_look look = {
    .clock = DOT_CLOCK,
    .cell = cell,
    .ticks = cell,
    .text = text_line,
    .graphics = graphics_line,
    .character = character,
    .colour = greys,
};

static uint8_t status(struct card *c)
{
    struct raster_beam b = card_beam(c);
    uint8_t v = STATUS_ONES | STATUS_PEN_OPEN;

    if (!raster_in_sync(&c->raster, &b))
        v |= STATUS_NO_RETRACE;
    if (card_dot(c, &b))
        v |= STATUS_DOT;
    if (c->pen)
        v |= STATUS_PEN;
    return v | (card_in_hsync(c, &b) ? STATUS_HSYNC : 0);
}

static bool hidden(const struct hercules *g, uint64_t offset)
{
    return offset >= HGC_PAGE && !(g->config & CONFIG_PAGE);
}

/* 3B9 and 3BB are no registers: that they are addressed is all. */
static void strobe(struct hercules *g, uint64_t port)
{
    if (port == 9 || port == 11)
        card_set_pen(&g->card, port == 9);
}

static uint64_t hercules_read(struct device *dev, unsigned window,
                              uint64_t offset, unsigned size)
{
    struct hercules *g = (struct hercules *)dev;

    (void)size;
    if (window == WINDOW_MEMORY)
        return hidden(g, offset) ? 0xff : g->memory[offset];
    if (window == WINDOW_CONFIG)
        return 0xff;
    if (offset < 8)
        return card_read_crt(&g->card, (unsigned)offset);
    strobe(g, offset);
    return offset == 10 ? status(&g->card) : 0xff;
}

static void mode_write(struct hercules *g, uint8_t v)
{
    if (!(g->config & CONFIG_GRAPHICS))
        v &= (uint8_t)~CARD_GRAPHICS;
    if (!(g->config & CONFIG_PAGE))
        v &= (uint8_t)~MODE_PAGE;
    card_change(&g->card, &g->card.regs.mode,
                v & (CARD_GRAPHICS | CARD_ENABLE | CARD_BLINK | MODE_PAGE));
}

static void hercules_write(struct device *dev, unsigned window, uint64_t offset,
                           uint64_t value, unsigned size)
{
    struct hercules *g = (struct hercules *)dev;
    uint8_t v = (uint8_t)value;

    (void)size;
    if (window == WINDOW_MEMORY) {
        if (hidden(g, offset))
            return;
        g->memory[offset] = v;
        card_touch(&g->card);
    } else if (window == WINDOW_CONFIG) {
        g->config = v & 3;
    } else if (offset < 8) {
        card_write_crt(&g->card, (unsigned)offset, v);
    } else if (offset == 8) {
        mode_write(g, v);
    } else {
        strobe(g, offset);
    }
}

static bool hercules_create(struct device *dev, struct error *e)
{
    return card_new((struct card *)dev, &look, e);
}

static const struct field hercules_fields[] = {
    FIELD_SUB(struct hercules, card, card_fields),
    FIELD(struct hercules, config, 0),
    FIELD_ARRAY_KEEP(struct hercules, memory),
    FIELD_LIST_END,
};

static const struct window hercules_windows[] = {
    [WINDOW_MEMORY] = {.name = "memory",
                       .size = HGC_MEMORY,
                       .accept = 1 | 2 | 4 | 8,
                       .impl = 1,
                       .unaligned = true},
    [WINDOW_PORTS] = ISA_WINDOW("ports", 12),
    [WINDOW_CONFIG] = ISA_WINDOW("configuration", 1),
};

static const struct display_ops hercules_display = {.update = card_update,
                                                    .text = card_text};

const struct device_class hercules_class = {
    .name = "hercules",
    .summary = "Hercules Graphics Card (and MDA), on ISA",
    .compatible = (const char *const[]){"hercules,hgc", NULL},
    .size = sizeof(struct hercules),
    .fields = hercules_fields,
    .windows = hercules_windows,
    .n_windows = 3,
    .create = hercules_create,
    .destroy = card_destroy,
    .reset = card_reset,
    .loaded = card_loaded,
    .read = hercules_read,
    .write = hercules_write,
    .display = &hercules_display,
};
