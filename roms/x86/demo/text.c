/*
 * Text of the PC's demo: through the BIOS, which shows it on a VGA and on the
 * serial line if that is its console; and on the cards that have no BIOS (CGA,
 * MDA, Hercules) by hand.
 */
#include <stdarg.h>

#include "demo.h"

#define COLUMNS 80
#define ROWS 25

static struct {
    enum text_card card;
    unsigned column, row, attribute;
    uint16_t cells[ROWS * COLUMNS];
} screen;

static const uint8_t crt_cga[16] = {0x71, 80, 0x5a, 0x0a, 0x1f, 6, 25, 0x1c,
                                    2,    7,  0x20, 7,    0,    0, 0,  0};
static const uint8_t crt_mda[16] = {0x61, 80, 0x52, 0x0f, 0x19, 6, 25, 0x19,
                                    2,    13, 0x20, 12,   0,    0, 0,  0};

/* A 6845's cursor address can be read. */
static _Bool has_6845(unsigned port)
{
    outb(port, 15);
    outb(port + 1, 0x5a);
    outb(port, 15);
    return inb(port + 1) == 0x5a;
}

/* A VGA's sequencer; without its BIOS there are no characters. */
static _Bool has_vga(void)
{
    outb(0x3c4, 2);
    return inb(0x3c4) == 2;
}

static enum text_card find_card(void)
{
    struct bios_regs r = {.eax = 0x1a00};

    bios_call(0x10, &r);
    if ((r.eax & 0xff) == 0x1a)
        return CARD_BIOS;
    if (has_vga())
        return CARD_NONE;
    return has_6845(0x3d4) ? CARD_CGA : has_6845(0x3b4) ? CARD_MDA : CARD_NONE;
}

enum text_card text_card(void)
{
    return screen.card;
}

static void start_6845(unsigned port, const uint8_t *values)
{
    outb(port + 4, 0x01);
    for (unsigned i = 0; i < 16; i++) {
        outb(port, i);
        outb(port + 1, values[i]);
    }
    outb(port + 4, 0x29);
}

void text_start(void)
{
    struct bios_regs r = {.eax = 0x0100, .ecx = 0x2000};

    if (!screen.card)
        screen.card = find_card();
    for (unsigned i = 0; i < ROWS * COLUMNS; i++)
        screen.cells[i] = PLAIN << 8 | SPACE;
    video_mode(3);
    bios_call(0x10, &r); /* no cursor */
    if (screen.card == CARD_CGA) {
        start_6845(0x3d4, crt_cga);
        memcpy((void *)0xb8000, screen.cells, sizeof(screen.cells));
    } else if (screen.card == CARD_MDA) {
        start_6845(0x3b4, crt_mda);
        memcpy((void *)0xb0000, screen.cells, sizeof(screen.cells));
    }
    text_at(0, 0, PLAIN);
}

/* Attributes of a monochrome card are none of colours. */
static unsigned monochrome(unsigned attribute)
{
    if (attribute & 0xf0)
        return 0x70;
    return attribute == PLAIN || attribute == DIM ? PLAIN : LIGHT;
}

void text_put(unsigned column, unsigned row, unsigned attribute,
              unsigned character)
{
    struct bios_regs move = {.eax = 0x0200, .edx = row << 8 | column};
    struct bios_regs put = {
        .eax = 0x0900 | character, .ebx = attribute, .ecx = 1};
    unsigned at = row * COLUMNS + column;
    uint16_t cell = (uint16_t)(attribute << 8 | character);

    if (column >= COLUMNS || row >= ROWS || screen.cells[at] == cell)
        return;
    screen.cells[at] = cell;
    bios_call(0x10, &move);
    bios_call(0x10, &put);
    if (screen.card == CARD_CGA)
        ((volatile uint16_t *)0xb8000)[at] = cell;
    else if (screen.card == CARD_MDA)
        ((volatile uint16_t *)0xb0000)[at] =
            (uint16_t)(monochrome(attribute) << 8 | character);
}

unsigned text_get(unsigned column, unsigned row)
{
    return screen.cells[row * COLUMNS + column];
}

void text_at(unsigned column, unsigned row, unsigned attribute)
{
    screen.column = column;
    screen.row = row;
    screen.attribute = attribute;
}

void text_colour(unsigned attribute)
{
    screen.attribute = attribute;
}

static void put(unsigned character)
{
    text_put(screen.column++, screen.row, screen.attribute, character);
}

void text_rest(void)
{
    while (screen.column < COLUMNS)
        put(SPACE);
}

static void number(unsigned v, unsigned base, unsigned digits)
{
    char s[12];
    unsigned n = 0;

    for (; v || n < digits; v /= base)
        s[n++] = "0123456789ABCDEF"[v % base];
    while (n)
        put((uint8_t)s[--n]);
}

void text(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    for (; *format; format++) {
        const char *s;
        int v;

        if (*format != '%') {
            put((uint8_t)*format);
            continue;
        }
        switch (*++format) {
        case 's':
            for (s = va_arg(args, const char *); *s; s++)
                put((uint8_t)*s);
            break;
        case 'd':
            v = va_arg(args, int);
            if (v < 0)
                put('-');
            number(v < 0 ? -(unsigned)v : (unsigned)v, 10, 1);
            break;
        case 'u':
            number(va_arg(args, unsigned), 10, 1);
            break;
        case 'x':
            number(va_arg(args, unsigned), 16, 2);
            break;
        case 'c':
            put(va_arg(args, unsigned) & 0xff);
            break;
        default:
            put('%');
        }
    }
    va_end(args);
}

void text_page(const char *title, const char *keys)
{
    text_start();
    text_at(0, 0, TITLE);
    text(" emu ");
    text_colour(TITLE_DIM);
    text("\xb3 %s", title);
    text_rest();
    text_at(0, ROWS - 1, TITLE_DIM);
    text(" %s", keys);
    text_rest();
}

/* --------------------------------------------------------------- modes */

/* Of any text mode, through its memory. */
static void cells(unsigned columns, unsigned x, unsigned y, const char *s,
                  unsigned attribute)
{
    volatile uint16_t *p = (volatile uint16_t *)0xb8000 + y * columns + x;

    while (*s)
        *p++ = (uint16_t)(attribute << 8 | (uint8_t)*s++);
}

static void show_characters(unsigned columns, unsigned x, unsigned y)
{
    for (unsigned i = 0; i < 256; i++) {
        char s[2] = {(char)i, 0};

        if (i) /* it ends the words */
            cells(columns, x + i % 32, y + i / 32, s, LIGHT);
    }
}

/* Colours from `first` on, on sixteen; the right half blinks. */
static void show_attributes(unsigned columns, unsigned x, unsigned y,
                            unsigned first)
{
    for (unsigned i = first * 16; i < 256; i++)
        cells(columns, x + i % 16 * 2, y + i / 16 - first, " A",
              (i % 16) << 4 | i / 16);
}

static void show_mode(const char *name, unsigned columns, unsigned rows)
{
    cells(columns, 1, 0, name, NAME);
    show_characters(columns, 1, 2);
    if (columns == 40)
        show_attributes(columns, 1, 11, 4);
    else
        show_attributes(columns, 42, 2, 0);
    for (unsigned y = columns == 40 ? 99 : 19; y < rows - 2; y++)
        for (unsigned x = 0; x < columns; x++) {
            char s[2] = {"\xb0\xb1\xb2\xdb"[(x + y) / 4 % 4], 0};

            cells(columns, x, y, s, 1 + (x + 2 * y) / 8 % 7);
        }
    cells(columns, 1, rows - 1,
          columns == 40 ? "A key: the next mode    Esc: back"
                        : "Any key: the next text mode    Esc: back",
          PLAIN);
}

/* Characters of eight lines are 50 rows of them. */
static void fifty_rows(void)
{
    struct bios_regs r = {.eax = 0x1112};

    video_mode(3);
    bios_call(0x10, &r);
}

void text_page_modes(void)
{
    struct bios_regs hide = {.eax = 0x0100, .ecx = 0x2000};

    for (unsigned n = 0;; n = (n + 1) % 3) {
        if (n == 2)
            fifty_rows();
        else
            video_mode(n == 0 ? 3 : 1);
        bios_call(0x10, &hide);
        if (n == 0)
            show_mode("80 columns, 25 rows: 720x400", 80, 25);
        else if (n == 1)
            show_mode("40 columns, 25 rows: 360x400", 40, 25);
        else
            show_mode("80 columns, 50 rows: characters of 8 lines", 80, 50);
        if (key_char(key_wait()) == ESCAPE)
            return;
    }
}
