/*
 * The PC's demo guest: what `emu -M pc` runs when it is given nothing to run.
 *
 * A Multiboot program that the BIOS's option ROM starts.  All that it shows as
 * text goes through the BIOS, so that it is on the serial line, too, where
 * that is the BIOS's console.
 */
#include "demo.h"

#define LOW_HALT 0x60 /* an interrupt for users */

void main(void);

void *memset(void *to, int value, unsigned n)
{
    uint8_t *p = to;

    while (n--)
        *p++ = (uint8_t)value;
    return to;
}

void *memcpy(void *to, const void *from, unsigned n)
{
    uint8_t *p = to;
    const uint8_t *q = from;

    while (n--)
        *p++ = *q++;
    return to;
}

uint8_t bios_data(unsigned at)
{
    return *(volatile uint8_t *)(0x400 + at);
}

uint8_t cmos(unsigned at)
{
    outb(0x70, at);
    return (uint8_t)inb(0x71);
}

unsigned key_typed(void)
{
    struct bios_regs r = {.eax = 0x1100};

    bios_call(0x16, &r);
    if (r.flags & BIOS_ZERO)
        return 0;
    r.eax = 0x1000;
    bios_call(0x16, &r);
    return r.eax & 0xffff;
}

unsigned key_or_sleep(void)
{
    unsigned key = key_typed();
    struct bios_regs r = {.eax = 0};

    if (!key)
        bios_call(LOW_HALT, &r);
    return key;
}

unsigned key_wait(void)
{
    struct bios_regs r = {.eax = 0x1000};

    bios_call(0x16, &r);
    return r.eax & 0xffff;
}

static void power_off(void)
{
    struct bios_regs connect = {.eax = 0x5301};
    struct bios_regs off = {.eax = 0x5307, .ebx = 1, .ecx = 3};

    bios_call(0x15, &connect);
    bios_call(0x15, &off);
}

/* By the keyboard controller. */
static void reboot(void)
{
    struct bios_regs r = {.eax = 0};

    outb(0x64, 0xfe);
    bios_call(LOW_HALT, &r);
}

static const struct {
    char key;
    const char *name;
    void (*run)(void);
    _Bool vga;
} pages[] = {
    {'1', "Text modes", text_page_modes, 1},
    {'2', "CGA's graphics", page_cga, 1},
    {'3', "16 colours, planes", page_planes, 1},
    {'4', "256 colours", page_256, 1},
    {'5', "Mode X, panning", page_x, 1},
    {'6', "True colours", page_vesa, 1},
    {'7', "Keyboard", page_keyboard, 0},
    {'8', "Mouse", page_mouse, 0},
    {'r', "Reboot", reboot, 0},
    {'p', "Power off", power_off, 0},
};
#define PAGES (sizeof(pages) / sizeof(pages[0]))

static _Bool offered(unsigned i)
{
    return !pages[i].vga || text_card() == CARD_BIOS;
}

static void show_menu(void)
{
    unsigned n = 0;

    text_at(1, 17, DIM);
    for (unsigned i = 1; i < 79; i++)
        text("%c", 0xc4);
    for (unsigned i = 0; i < PAGES; i++) {
        if (!offered(i))
            continue;
        text_at(2 + n % 3 * 26, 19 + n / 3, KEY);
        text("%c ", pages[i].key);
        text_colour(PLAIN);
        text("%s", pages[i].name);
        n++;
    }
}

static void show_time(void)
{
    static const uint8_t at[] = {0x32, 9, 8, 7, 4, 2, 0};
    static const char between[] = "\0-- ::\0";

    text_at(58, 0, TITLE);
    for (unsigned i = 0; i < sizeof(at); i++) {
        unsigned v = cmos(at[i]);

        if (i && between[i - 1])
            text("%c", between[i - 1]);
        text("%c%c", '0' + (v >> 4), '0' + (v & 15));
    }
}

static void show_all(void)
{
    text_page("a PC, and what it can show", "Type a key of the list");
    show_machine();
    show_menu();
    show_time();
}

void main(void)
{
    *(volatile uint32_t *)(LOW_HALT * 4) = (uint32_t)low_halt;
    show_all();
    for (;;) {
        unsigned c = key_char(key_or_sleep());

        if (c >= 'A' && c <= 'Z')
            c += 'a' - 'A';
        for (unsigned i = 0; i < PAGES; i++)
            if (c && c == (unsigned)pages[i].key && offered(i)) {
                pages[i].run();
                show_all();
            }
        show_time();
    }
}
