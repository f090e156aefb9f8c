/*
 * IBM's Color/Graphics Monitor Adapter.
 *
 * IBM Personal Computer Technical Reference, "Color/Graphics Monitor Adapter":
 * 3D0 to 3D7 the 6845 (even: index, odd: data), 3D8 mode control, 3D9 colour
 * select, 3DA status; 16 KiB at B8000 and again at BC000.  320x200 has palettes
 * of 3D9 bit 5, and the third one where burst is off.  Digital RGBI, as a 5153
 * shows it: colour 6 is brown.
 *
 * What this models beyond the book: the background of 640x200 is black, its
 * foreground 3D9's colour; mode bits mix freely, as in the circuit.
 *
 * Missing: a composite monitor (whose 640x200 has 16 colours), snow, the
 * border, the light pen.
 */
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
};

struct cga {
    struct card card;
    uint8_t colour;
    uint8_t memory[CGA_MEMORY];
};

static const uint32_t rgbi[16] = {0x000000, 0x0000aa, 0x00aa00, 0x00aaaa,
                                  0xaa0000, 0xaa00aa, 0xaa5500, 0xaaaaaa,
                                  0x555555, 0x5555ff, 0x55ff55, 0x55ffff,
                                  0xff5555, 0xff55ff, 0xffff55, 0xffffff};

static uint64_t hz(const struct card *c)
{
    return DOT_CLOCK / (c->mode & MODE_80 ? 8 : 16);
}

static void text_line(const struct card *c, unsigned at, unsigned raster,
                      uint32_t *out)
{
    const struct cga *g = (const struct cga *)c;

    for (unsigned x = 0; x < c->crt.reg[R_H_DISPLAYED]; x++, at++) {
        uint8_t character = g->memory[at * 2 % CGA_MEMORY];
        uint8_t attribute = g->memory[(at * 2 + 1) % CGA_MEMORY];
        unsigned dots = raster < 8 ? font_8[character][raster] : 0;
        unsigned back = attribute >> 4;

        if (g->card.mode & CARD_BLINK) {
            if ((back & 8) && !mc6845_blink_on(c->frame))
                dots = 0;
            back &= 7;
        }
        /* The 6845's own blinking, gated with the card's of 16 frames. */
        if (!(c->frame & 8) &&
            mc6845_cursor(&g->card.crt, at, raster, c->frame))
            dots = 0xff;
        for (unsigned i = 0; i < 8; i++)
            *out++ = rgbi[dots >> (7 - i) & 1 ? attribute & 15 : back];
    }
}

static uint32_t colour_of(const struct cga *g, unsigned v)
{
    unsigned intense = g->colour & COLOUR_INTENSE ? 8 : 0;

    if (v == 0)
        return rgbi[g->colour & 15];
    if (g->card.mode & MODE_NO_BURST) /* cyan, red, white */
        return rgbi[(v == 1 ? 3 : v == 2 ? 4 : 7) | intense];
    return rgbi[(v << 1 | (g->colour & COLOUR_PALETTE ? 1 : 0)) | intense];
}

/* Two bytes of a character clock are 8 dots of two bits, or 16 of one. */
static void graphics_line(const struct card *c, unsigned at, unsigned raster,
                          uint32_t *out)
{
    const struct cga *g = (const struct cga *)c;

    for (unsigned x = 0; x < c->crt.reg[R_H_DISPLAYED]; x++, at++) {
        unsigned place = (at * 2 & 0x1fff) | (raster & 1) << 13;
        unsigned word = g->memory[place] << 8 | g->memory[place + 1];

        if (g->card.mode & MODE_640)
            for (unsigned i = 0; i < 16; i++)
                *out++ = word >> (15 - i) & 1 ? rgbi[g->colour & 15] : 0;
        else
            for (unsigned i = 0; i < 8; i++)
                *out++ = colour_of(g, word >> (14 - 2 * i) & 3);
    }
}

static unsigned cell(const struct card *c)
{
    return (c->mode & (CARD_GRAPHICS | MODE_640)) == (CARD_GRAPHICS | MODE_640)
               ? 16
               : 8;
}

static uint16_t character(const struct card *c, unsigned at)
{
    const struct cga *g = (const struct cga *)c;

    return (uint16_t)(g->memory[at * 2 % CGA_MEMORY] |
                      g->memory[(at * 2 + 1) % CGA_MEMORY] << 8);
}

static const struct card_look look = {
    .cell = cell,
    .hz = hz,
    .text = text_line,
    .graphics = graphics_line,
    .character = character,
    .colour = rgbi,
};

static uint8_t status(const struct card *c)
{
    struct mc6845_beam b = card_beam(c, &look);

    return (uint8_t)(0xf0 | (b.sync ? 8 : 0) | 4 | (b.shown ? 0 : 1));
}

static uint64_t cga_read(struct device *dev, unsigned window, uint64_t offset,
                         unsigned size)
{
    struct cga *g = (struct cga *)dev;

    (void)size;
    if (window == 0)
        return g->memory[offset % CGA_MEMORY];
    if (offset < 8)
        return offset & 1 ? mc6845_read(&g->card.crt) : 0xff;
    return offset == 10 ? status(&g->card) : 0xff;
}

static void cga_write(struct device *dev, unsigned window, uint64_t offset,
                      uint64_t value, unsigned size)
{
    struct cga *g = (struct cga *)dev;
    uint8_t v = (uint8_t)value;

    (void)size;
    card_touch(&g->card);
    if (window == 0)
        g->memory[offset % CGA_MEMORY] = v;
    else if (offset < 8 && (offset & 1))
        mc6845_write(&g->card.crt, v);
    else if (offset < 8)
        mc6845_index(&g->card.crt, v);
    else if (offset == 8)
        g->card.mode = v & 0x3f;
    else if (offset == 9)
        g->colour = v & 0x3f;
}

static void cga_update(struct device *dev, struct display_frame *out)
{
    card_update((struct card *)dev, &look, out);
}

static bool cga_text(struct device *dev, struct display_text *out)
{
    return card_text((struct card *)dev, &look, out);
}

static const struct field cga_fields[] = {
    FIELD_SUB(struct cga, card, card_fields),
    FIELD(struct cga, colour, 0),
    FIELD_ARRAY(struct cga, memory, 0),
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

static const struct display_ops cga_display = {.update = cga_update,
                                               .text = cga_text};

const struct device_class cga_class = {
    .name = "cga",
    .summary = "IBM's colour graphics adapter, on ISA",
    .compatible = (const char *const[]){"ibm,cga", NULL},
    .size = sizeof(struct cga),
    .fields = cga_fields,
    .windows = cga_windows,
    .n_windows = 2,
    .create = card_create,
    .destroy = card_destroy,
    .reset = card_reset,
    .loaded = card_reset,
    .read = cga_read,
    .write = cga_write,
    .display = &cga_display,
};
