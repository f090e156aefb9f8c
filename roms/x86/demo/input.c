/*
 * The PC's demo: keyboard and mouse, through the BIOS (INT 16h; INT 15h, C2h).
 */
#include "demo.h"

/* -------------------------------------------------------------- keyboard */

static void show_shifts(void)
{
    static const struct {
        uint8_t bit;
        const char *name;
    } list[] = {{0, "right shift"}, {1, "left shift"},  {2, "ctrl"},
                {3, "alt"},         {4, "scroll lock"}, {5, "num lock"},
                {6, "caps lock"}};
    unsigned now = bios_data(0x17);

    for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        unsigned on = now >> list[i].bit & 1;

        text_at(52, 4 + i, on ? GOOD : DIM);
        text("%c %s", on ? 0xfe : 0xf9, list[i].name);
    }
}

void page_keyboard(void)
{
    unsigned escapes = 0, row = 0;

    text_page("Keyboard", "Esc twice: back");
    text_at(2, 2, NAME);
    text("scan code  character");
    text_at(52, 2, NAME);
    text("held and locked");
    while (escapes < 2) {
        unsigned key;

        show_shifts();
        key = key_or_sleep();
        if (!key)
            continue;
        escapes = key_char(key) == ESCAPE ? escapes + 1 : 0;
        text_at(2, 4 + row % 18, LIGHT);
        text("%x         %x  ", key >> 8, key_char(key));
        text("%c    ", key_char(key) ? key_char(key) : SPACE);
        row++;
        text_at(2, 4 + row % 18, PLAIN);
        text("                        ");
    }
}

/* ----------------------------------------------------------------- mouse */

static struct {
    int16_t x, y, wheel;
    uint8_t buttons;
} seen;

static _Bool mouse_ask(unsigned function, unsigned *ebx)
{
    struct bios_regs r = {.eax = 0xc200 | function, .ebx = *ebx};

    bios_call(0x15, &r);
    *ebx = r.ebx;
    return !(r.flags & BIOS_CARRY) && !(r.eax >> 8 & 0xff);
}

static _Bool mouse_call(unsigned function, unsigned ebx)
{
    return mouse_ask(function, &ebx);
}

/* Sample rates of 200, 100 and 80 wake a wheel, and the mouse says that it is
 * another one, whose packets have four bytes.  The BIOS counts them as it was
 * told, and would not be told of four: in its data area it can. */
static void wheel_start(void)
{
    volatile uint8_t *flags =
        (uint8_t *)(*(volatile uint16_t *)0x40e * 16u + 0x27);
    unsigned id = 0;

    if (mouse_call(2, 0x0600) && mouse_call(2, 0x0500) &&
        mouse_call(2, 0x0400) && mouse_ask(4, &id) && (id >> 8 & 0xff) == 3)
        *flags = (uint8_t)((*flags & ~7) | 4);
    mouse_call(2, 0x0500);
}

_Bool mouse_start(void)
{
    seen.x = low_mouse.x;
    seen.y = low_mouse.y;
    seen.wheel = low_mouse.wheel;
    if (!mouse_call(5, 0x0300) || !mouse_call(7, (uintptr_t)low_mouse_call) ||
        !mouse_call(3, 0x0300))
        return 0;
    wheel_start();
    return mouse_call(0, 0x0100);
}

/* With packets of three bytes, for who comes next. */
void mouse_stop(void)
{
    mouse_call(0, 0);
    mouse_call(5, 0x0300);
}

_Bool mouse_moved(int *dx, int *dy, int *wheel, unsigned *buttons)
{
    volatile struct low_mouse *m = &low_mouse;
    _Bool other;

    *dx = (int16_t)(m->x - seen.x);
    *dy = (int16_t)(m->y - seen.y);
    *wheel = (int16_t)(m->wheel - seen.wheel);
    *buttons = m->buttons & 7;
    other = *dx || *dy || *wheel || *buttons != seen.buttons;
    seen.x = m->x;
    seen.y = m->y;
    seen.wheel = m->wheel;
    seen.buttons = (uint8_t)*buttons;
    return other;
}

static int limit(int v, int low, int high)
{
    return v < low ? low : v > high ? high : v;
}

static void invert(int x, int y)
{
    unsigned cell = text_get((unsigned)x / 8, (unsigned)y / 16);

    text_put((unsigned)x / 8, (unsigned)y / 16,
             (cell >> 12 & 15) | (cell >> 4 & 0xf0), cell & 0xff);
}

static void show_mouse(int x, int y, int wheel, unsigned buttons)
{
    static const char *const names[3] = {"left", "right", "middle"};

    text_at(2, 2, PLAIN);
    text("column %u, row %u  ", x / 8, y / 16);
    text_at(66, 2, PLAIN);
    text("wheel %d   ", wheel);
    for (unsigned i = 0; i < 3; i++) {
        text_at(30 + 12 * i, 2, buttons >> i & 1 ? GOOD : DIM);
        text("%c %s", buttons >> i & 1 ? 0xfe : 0xf9, names[i]);
    }
}

void page_mouse(void)
{
    int x = 320, y = 200, wheel = 0, dx, dy, dz;
    unsigned buttons = 0, tries = 3;

    text_page("Mouse", "Left button: paint    right: wipe    Esc: back");
    /* The BIOS waits for a byte but for some milliseconds. */
    while (tries && !mouse_start())
        tries--;
    if (!tries) {
        text_at(2, 2, LIGHT);
        text("The BIOS finds no PS/2 mouse.");
        while (key_char(key_wait()) != ESCAPE)
            ;
        return;
    }
    show_mouse(x, y, wheel, 0);
    invert(x, y);
    while (key_char(key_or_sleep()) != ESCAPE) {
        if (!mouse_moved(&dx, &dy, &dz, &buttons))
            continue;
        invert(x, y);
        x = limit(x + dx, 0, 639);
        y = limit(y + dy, 64, 383);
        wheel += dz;
        if (buttons & 1)
            text_put((unsigned)x / 8, (unsigned)y / 16, 0x0c, 0xdb);
        else if (buttons & 2)
            text_put((unsigned)x / 8, (unsigned)y / 16, PLAIN, SPACE);
        show_mouse(x, y, wheel, buttons);
        invert(x, y);
    }
    mouse_stop();
}
