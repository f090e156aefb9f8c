/*
 * The Hercules Graphics Card, and in it IBM's Monochrome Display Adapter.
 *
 * Hercules Graphics Card Owner's Manual (1984), appendices: 3B4 and 3B5 the
 * 6845, 3B8 mode control (bit 1 graphics, 3 enable, 5 blink, 7 page), 3BA
 * status (bit 0 horizontal drive, 3 dots, 7 no vertical retrace), 3BF
 * configuration (bit 0 allows graphics, 1 the second page, at B8000).  IBM
 * Personal Computer Technical Reference, "Monochrome Display": attributes, 9
 * dots a character, of which the ninth repeats the eighth for C0h to
 * DFh.  16.257 MHz.
 *
 * In graphics a character clock is 16 dots, and the raster line's two bits
 * choose one of four banks of 8 KiB.
 *
 * Missing: the light pen, the parallel port, the RAM fonts of the Plus.
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
};

enum { WINDOW_MEMORY, WINDOW_PORTS, WINDOW_CONFIG };

struct hercules {
    struct card card;
    uint8_t config;
    uint8_t memory[HGC_MEMORY];
};

/* Off, on, intense, and off but intense. */
static const uint32_t shade[4] = {0x000000, 0xaaaaaa, 0xffffff, 0x555555};
static const uint32_t greys[16] = {
    [7] = 0xaaaaaa, [8] = 0x555555, [15] = 0xffffff};

static unsigned cell(const struct card *c)
{
    return c->mode & CARD_GRAPHICS ? 16 : 9;
}

static uint64_t hz(const struct card *c)
{
    return DOT_CLOCK / cell(c);
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

static unsigned glyph(const struct hercules *g, unsigned at, unsigned raster)
{
    uint8_t character = g->memory[at * 2 % HGC_PAGE];
    uint8_t attribute = g->memory[(at * 2 + 1) % HGC_PAGE];
    unsigned dots = raster < 14 ? font_14[character][raster] << 1 : 0;

    if ((character & 0xe0) == 0xc0)
        dots |= dots >> 1 & 1;
    if ((attribute & 7) == 1 && raster == 12)
        dots = 0x1ff;
    if ((g->card.mode & CARD_BLINK) && (attribute & 0x80) &&
        !mc6845_blink_on(g->card.frame))
        dots = 0;
    return dots;
}

static void text_line(const struct card *c, unsigned at, unsigned raster,
                      uint32_t *out)
{
    const struct hercules *g = (const struct hercules *)c;

    for (unsigned x = 0; x < c->crt.reg[R_H_DISPLAYED]; x++, at++) {
        uint8_t attribute = g->memory[(at * 2 + 1) % HGC_PAGE];
        unsigned dots = glyph(g, at, raster), fore, back;

        colours(attribute, g->card.mode & CARD_BLINK, &fore, &back);
        if (!(g->card.frame & 8) &&
            mc6845_cursor(&g->card.crt, at, raster, g->card.frame)) {
            dots = 0x1ff;
            fore = fore ? fore : 1;
        }
        for (unsigned i = 0; i < 9; i++)
            *out++ = shade[dots >> (8 - i) & 1 ? fore : back];
    }
}

static void graphics_line(const struct card *c, unsigned at, unsigned raster,
                          uint32_t *out)
{
    const struct hercules *g = (const struct hercules *)c;
    unsigned page = g->card.mode & MODE_PAGE ? HGC_PAGE : 0;

    for (unsigned x = 0; x < c->crt.reg[R_H_DISPLAYED]; x++, at++) {
        unsigned place = page | (raster & 3) << 13 | (at * 2 & 0x1fff);
        unsigned word = g->memory[place] << 8 | g->memory[place + 1];

        for (unsigned i = 0; i < 16; i++)
            *out++ = shade[word >> (15 - i) & 1];
    }
}

/* As one of the 16 colours that a terminal has. */
static uint16_t character(const struct card *c, unsigned at)
{
    static const uint8_t as[4] = {0, 7, 15, 8};
    const struct hercules *g = (const struct hercules *)c;
    uint8_t attribute = g->memory[(at * 2 + 1) % HGC_PAGE];
    unsigned fore, back;

    colours(attribute, c->mode & CARD_BLINK, &fore, &back);
    attribute &= c->mode & CARD_BLINK ? 0x80 : 0;
    attribute |= (uint8_t)(as[fore] | as[back] << 4);
    return (uint16_t)(g->memory[at * 2 % HGC_PAGE] | attribute << 8);
}

static const struct card_look look = {
    .cell = cell,
    .hz = hz,
    .text = text_line,
    .graphics = graphics_line,
    .character = character,
    .colour = greys,
};

static uint8_t status(const struct card *c)
{
    struct mc6845_beam b = card_beam(c, &look);

    return (uint8_t)((b.sync ? 0 : 0x80) | 0x70 | (b.shown ? 8 : 1) | 6);
}

static bool hidden(const struct hercules *g, uint64_t offset)
{
    return offset >= HGC_PAGE && !(g->config & CONFIG_PAGE);
}

static uint64_t hercules_read(struct device *dev, unsigned window,
                              uint64_t offset, unsigned size)
{
    struct hercules *g = (struct hercules *)dev;

    (void)size;
    if (window == WINDOW_MEMORY)
        return hidden(g, offset) ? 0xff : g->memory[offset];
    if (window == WINDOW_PORTS && offset < 8 && (offset & 1))
        return mc6845_read(&g->card.crt);
    return window == WINDOW_PORTS && offset == 10 ? status(&g->card) : 0xff;
}

static void mode_write(struct hercules *g, uint8_t v)
{
    if (!(g->config & CONFIG_GRAPHICS))
        v &= (uint8_t)~CARD_GRAPHICS;
    if (!(g->config & CONFIG_PAGE))
        v &= (uint8_t)~MODE_PAGE;
    g->card.mode = v & (CARD_GRAPHICS | CARD_ENABLE | CARD_BLINK | MODE_PAGE);
}

static void hercules_write(struct device *dev, unsigned window, uint64_t offset,
                           uint64_t value, unsigned size)
{
    struct hercules *g = (struct hercules *)dev;
    uint8_t v = (uint8_t)value;

    (void)size;
    card_touch(&g->card);
    if (window == WINDOW_MEMORY) {
        if (!hidden(g, offset))
            g->memory[offset] = v;
    } else if (window == WINDOW_CONFIG) {
        g->config = v & 3;
    } else if (offset < 8 && (offset & 1)) {
        mc6845_write(&g->card.crt, v);
    } else if (offset < 8) {
        mc6845_index(&g->card.crt, v);
    } else if (offset == 8) {
        mode_write(g, v);
    }
}

static void hercules_update(struct device *dev, struct display_frame *out)
{
    card_update((struct card *)dev, &look, out);
}

static bool hercules_text(struct device *dev, struct display_text *out)
{
    return card_text((struct card *)dev, &look, out);
}

static const struct field hercules_fields[] = {
    FIELD_SUB(struct hercules, card, card_fields),
    FIELD(struct hercules, config, 0),
    FIELD_ARRAY(struct hercules, memory, 0),
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

static const struct display_ops hercules_display = {.update = hercules_update,
                                                    .text = hercules_text};

const struct device_class hercules_class = {
    .name = "hercules",
    .summary = "Hercules Graphics Card (and MDA), on ISA",
    .compatible = (const char *const[]){"hercules,hgc", NULL},
    .size = sizeof(struct hercules),
    .fields = hercules_fields,
    .windows = hercules_windows,
    .n_windows = 3,
    .create = card_create,
    .destroy = card_destroy,
    .reset = card_reset,
    .loaded = card_reset,
    .read = hercules_read,
    .write = hercules_write,
    .display = &hercules_display,
};
