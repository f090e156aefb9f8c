/*
 * The PC's demo with true colours: a mode of VESA's BIOS, through its window of
 * 64 KiB, and a picture to paint on.
 *
 * VESA BIOS Extension Core Functions Standard 3.0, 4.3 to 4.9.
 */
#include "demo.h"

#define SCRATCH 0x7000
#define WINDOW ((volatile uint8_t *)0xa0000)

struct mode_info {
    uint16_t attributes;
    uint8_t window_attributes[2];
    uint16_t granularity, window_kib, segment[2];
    uint32_t bank_call;
    uint16_t pitch, width, height;
    uint8_t cell[2], planes, bits;
} __attribute__((packed));

static struct {
    unsigned number, width, height, bits, pitch;
    unsigned granularity; /* bytes */
    unsigned bank;
} mode;

static _Bool read_mode(unsigned number, struct mode_info *m)
{
    struct bios_regs r = {.eax = 0x4f01, .ecx = number, .edi = SCRATCH};

    bios_call(0x10, &r);
    memcpy(m, (const void *)SCRATCH, sizeof(*m));
    return (r.eax & 0xffff) == 0x004f && (m->attributes & 1);
}

/* The largest mode up to 1024x768, then the deepest. */
static void consider(unsigned number)
{
    struct mode_info m;

    if (!read_mode(number, &m) || m.planes != 1 || m.width > 1024 ||
        m.height > 768 || (m.bits != 16 && m.bits != 24 && m.bits != 32) ||
        !m.granularity || m.granularity > 64 || m.window_kib < m.granularity ||
        m.segment[0] != 0xa000)
        return;
    if ((unsigned)m.width * m.height * 64 + m.bits <=
        mode.width * mode.height * 64 + mode.bits)
        return;
    mode.number = number;
    mode.width = m.width;
    mode.height = m.height;
    mode.bits = m.bits;
    mode.pitch = m.pitch;
    mode.granularity = m.granularity * 1024u;
}

static _Bool find_mode(void)
{
    struct bios_regs r = {.eax = 0x4f00, .edi = SCRATCH};
    uint16_t numbers[128];
    uint32_t list;

    mode.number = mode.width = mode.height = mode.bits = 0;
    memcpy((void *)SCRATCH, "VBE2", 4);
    bios_call(0x10, &r);
    if ((r.eax & 0xffff) != 0x004f)
        return 0;
    memcpy(&list, (const void *)(SCRATCH + 14), 4);
    memcpy(numbers, (const void *)((list >> 16) * 16 + (list & 0xffff)),
           sizeof(numbers));
    for (unsigned i = 0; i < 128 && numbers[i] != 0xffff; i++)
        consider(numbers[i]);
    return mode.number != 0;
}

static void set_bank(unsigned bank)
{
    struct bios_regs r = {.eax = 0x4f05, .edx = bank};

    if (mode.bank != bank)
        bios_call(0x10, &r);
    mode.bank = bank;
}

static void put(unsigned x, unsigned y, unsigned rgb)
{
    unsigned at = y * mode.pitch + x * (mode.bits / 8);

    if (x >= mode.width || y >= mode.height)
        return;
    if (mode.bits == 16)
        rgb = (rgb >> 8 & 0xf800) | (rgb >> 5 & 0x7e0) | (rgb >> 3 & 0x1f);
    for (unsigned i = 0; i < mode.bits / 8; i++, at++, rgb >>= 8) {
        set_bank(at / mode.granularity);
        WINDOW[at % mode.granularity] = (uint8_t)rgb;
    }
}

static void words(unsigned x, unsigned y, unsigned scale, unsigned rgb,
                  const char *s)
{
    const uint8_t *font = font_8x8();

    for (; *s; s++, x += 8 * scale)
        for (unsigned i = 0; i < 64 * scale * scale; i++) {
            unsigned dx = i % (8 * scale), dy = i / (8 * scale);

            if (font[(uint8_t)*s * 8 + dy / scale] >> (7 - dx / scale) & 1)
                put(x + dx, y + dy, rgb);
        }
}

/* Hues to the right, light in the middle. */
static unsigned background(unsigned x, unsigned y)
{
    unsigned h = x * 256 / mode.width, half = mode.height / 2, rgb = 0;
    unsigned light = y < half ? y : mode.height - 1 - y;

    for (unsigned c = 0; c < 3; c++) {
        unsigned v = hue(h, c, 255) * light / half;
        unsigned white =
            light > half * 3 / 4 ? (light - half * 3 / 4) * 4 * 160 / half : 0;

        rgb = rgb << 8 | (v + white > 255 ? 255 : v + white);
    }
    return rgb;
}

/* In decimal, then what goes behind it; gives the end. */
static char *number(char *to, unsigned v, char end)
{
    if (v >= 10)
        to = number(to, v / 10, (char)('0' + v % 10));
    else
        *to++ = (char)('0' + v);
    *to++ = end;
    return to;
}

static void draw(void)
{
    char size[32];

    for (unsigned y = 0; y < mode.height; y++)
        for (unsigned x = 0; x < mode.width; x++)
            put(x, y, background(x, y));
    number(number(number(size, mode.width, 'x'), mode.height, 'x'), mode.bits,
           0);
    words(24, 24, 3, 0xffffff, size);
    words(24, mode.height - 32, 1, 0xffffff, "Left button: paint    Esc: back");
}

/* A disc of a colour that goes round. */
static void blob(int x, int y, unsigned at)
{
    unsigned rgb =
        hue(at, 0, 255) << 16 | hue(at, 1, 255) << 8 | hue(at, 2, 255);

    for (int dy = -9; dy <= 9; dy++)
        for (int dx = -9; dx <= 9; dx++)
            if (dx * dx + dy * dy <= 81)
                put((unsigned)(x + dx), (unsigned)(y + dy),
                    dx * dx + dy * dy > 64 ? 0 : rgb);
}

/* An arrow; what was below it comes back from read(). */
static const uint8_t arrow[16] = {0x80, 0xc0, 0xe0, 0xf0, 0xf8, 0xfc,
                                  0xfe, 0xff, 0xf8, 0xd8, 0x8c, 0x0c,
                                  0x06, 0x06, 0x00, 0x00};

static unsigned get(unsigned x, unsigned y)
{
    unsigned at = y * mode.pitch + x * (mode.bits / 8), v = 0;

    if (x >= mode.width || y >= mode.height)
        return 0;
    for (unsigned i = 0; i < mode.bits / 8; i++, at++) {
        set_bank(at / mode.granularity);
        v |= (unsigned)WINDOW[at % mode.granularity] << 8 * i;
    }
    if (mode.bits == 16)
        v = (v & 0xf800) << 8 | (v & 0x7e0) << 5 | (v & 0x1f) << 3;
    return v;
}

static void flip_arrow(int x, int y)
{
    for (unsigned i = 0; i < 16 * 8; i++)
        if (arrow[i / 8] >> (7 - i % 8) & 1) {
            unsigned px = (unsigned)x + i % 8, py = (unsigned)y + i / 8;

            put(px, py, get(px, py) ^ 0xffffff);
        }
}

static int limit(int v, int most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

static void paint(void)
{
    int x = (int)mode.width / 2, y = (int)mode.height / 2, dx, dy, dz;
    unsigned buttons, at = 0;

    flip_arrow(x, y);
    while (key_char(key_or_sleep()) != ESCAPE) {
        if (!mouse_moved(&dx, &dy, &dz, &buttons))
            continue;
        flip_arrow(x, y);
        x = limit(x + dx, (int)mode.width - 1);
        y = limit(y + dy, (int)mode.height - 1);
        if (buttons & 1)
            blob(x, y, at += 3);
        flip_arrow(x, y);
    }
}

void page_vesa(void)
{
    struct bios_regs r = {.eax = 0x4f02};

    if (find_mode()) {
        r.ebx = mode.number;
        bios_call(0x10, &r);
    }
    if (!mode.number || (r.eax & 0xffff) != 0x004f) {
        text_page("True colours", "A key: back");
        text_at(2, 2, LIGHT);
        text("The BIOS has no mode for it.");
        key_wait();
        return;
    }
    mode.bank = ~0u;
    draw();
    mouse_start();
    paint();
    mouse_stop();
}
