/*
 * The CGA's composite output, and a monitor there.
 *
 * IBM Personal Computer Options and Adapters Technical Reference,
 * "Color/Graphics Monitor Adapter", logic diagrams: the subcarrier is a quarter
 * of the 14.318 MHz dot clock.  Flip-flops make six square waves of it, which
 * start at multiples of half a tick; for each tick R, G and B choose one of
 * those, or nothing for black, or always on for white, by an 8 to 1
 * multiplexer. The burst is the yellow one.  Resistors add what was chosen and
 * R, G, B and I themselves, as the card's later version (1501981) has it; their
 * weights are those that A. Jenner published with his measurements of cards.
 *
 * So a pattern of dots, which takes four ticks for a subcarrier's period, is a
 * colour to the monitor: it cannot tell what was meant as one and what as
 * detail.  This one takes the mean of a period for the luminance, and that
 * period's part in the subcarrier's phases for the two colour differences
 * (NTSC: the burst is at 180 degrees).  Its tint is neutral, its colour at 0.8
 * of what the burst asks for, which is about what published photographs have.
 *
 * Missing: the first version of the card, whose colours 1 to 6 differ in hue
 * only; rise times; that 80 columns' burst is too short for many monitors,
 * which then show no colours.
 */
#include "devices/display/cga_composite.h"

enum {
    PERIOD = 8, /* half ticks of a subcarrier's */
    WHITE = 100,
};

/* In percent of intense white. */
enum { OF_CHROMA = 29, OF_R = 10, OF_G = 22, OF_B = 7, OF_I = 32 };

/* The half tick of a period that a wave starts at; it takes half of one. */
static const uint8_t start[8] = {
    [1] = 3, [2] = 6, [3] = 5, [4] = 1, [5] = 2, [6] = 7};

static int level(unsigned colour, unsigned phase)
{
    unsigned rgb = colour & 7;
    int v = colour & 8 ? OF_I : 0;

    v += (rgb & 1 ? OF_B : 0) + (rgb & 2 ? OF_G : 0) + (rgb & 4 ? OF_R : 0);
    if (rgb == 7 ||
        (rgb && (phase + PERIOD - start[rgb]) % PERIOD < PERIOD / 2))
        v += OF_CHROMA;
    return v;
}

/* What goes to the eye, of eight times the luminance, and 4 * 256 times the
 * differences.  NTSC's matrix, with the monitor's colour control, in 1/1000. */
static uint32_t to_rgb(int y, int u, int v)
{
    int64_t luma = (int64_t)y * 128 * 1000;
    int64_t part[3] = {luma + 912 * v, luma - 316 * u - 465 * v,
                       luma + 1626 * u};
    uint32_t rgb = 0;

    for (unsigned i = 0; i < 3; i++) {
        int64_t c = part[i] * 255 / (1024 * 1000 * (int64_t)WHITE);

        rgb = rgb << 8 | (uint32_t)(c < 0 ? 0 : c > 255 ? 255 : c);
    }
    return rgb;
}

void cga_composite(const uint8_t *dots, unsigned n, bool burst, uint32_t *out)
{
    /* 256 times the cosine that B - Y is found with; R - Y is a quarter of a
     * period ahead. */
    static const int16_t cosine[PERIOD] = {-237, -237, -98, 98,
                                           237,  237,  98,  -98};
    int wave[16][PERIOD], y = 0, u = 0, v = 0;

    for (unsigned c = 0; c < 16; c++)
        for (unsigned p = 0; p < PERIOD; p++)
            wave[c][p] = level(c, p);
    if (!burst) {
        for (unsigned x = 0; x < n; x++) {
            unsigned p = 2 * x % PERIOD;

            y = wave[dots[x] & 15][p] + wave[dots[x] & 15][p + 1];
            out[x] = to_rgb(y * 4, 0, 0);
        }
        return;
    }
    /* The period around tick x ends with the first half of tick x + 2: that
     * comes in, and the second half of x - 2 goes. */
    for (unsigned h = 0; h < 2 * n + 3; h++) {
        unsigned p = h % PERIOD, in = h / 2;
        int s = in < n ? wave[dots[in] & 15][p] : 0;

        if (h >= PERIOD)
            s -= wave[dots[in - 4] & 15][p];
        y += s;
        u += s * cosine[p];
        v += s * cosine[(p + 2) % PERIOD];
        if (h >= 4 && !(h & 1))
            out[in - 2] = to_rgb(y, u, v);
    }
}
