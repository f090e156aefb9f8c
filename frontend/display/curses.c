/*
 * The screen's text on the terminal, by ncurses.
 *
 * Characters are those of code page 437, colours the sixteen of CGA; where
 * the terminal has eight, bright ones are bold.  In graphics modes a line says
 * so.  Of a screen larger than the terminal the part with the cursor is
 * shown.  Lives on the main thread: the terminal's descriptor wakes it, and
 * the screen is looked at 60 times a second at most, less often the longer
 * nothing changes.
 *
 * Keys are those that a US keyboard would need for what the terminal sends.
 * Alt-2 is the monitor, Alt-1 the guest.
 *
 * Missing: letters outside ASCII; keys of which terminals tell nothing
 * (sendkey of the monitor has them).
 */
#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "frontend/display/keys.h"
#include "frontend/display/screen.h"

#define MS UINT64_C(1000000)
#define FASTEST (16 * MS)
#define SLOWEST (128 * MS)
enum { ESCAPE = 27, DELETE = 127, SHIFT = 1, CTRL = 2, ALT = 4 };

struct text_screen {
    const struct screen_host *host;
    SCREEN *terminal;
    WINDOW *monitor;
    bool in_monitor, unicode, bright;
    unsigned columns, rows;
    uint16_t *cells; /* what is shown; NULL: nothing yet, or graphics */
    int cursor_column, cursor_row;
    bool blink, graphics;
    unsigned width, height; /* of the graphics */
    bool news;
    uint64_t next, period; /* ns */
    unsigned long long looked, drawn;
};

/* -------------------------------------------------------------- characters */

/* Code page 437: 00h to 1Fh, and 7Fh to FFh. */
static const uint16_t low[32] = {
    0x0020, 0x263a, 0x263b, 0x2665, 0x2666, 0x2663, 0x2660, 0x2022,
    0x25d8, 0x25cb, 0x25d9, 0x2642, 0x2640, 0x266a, 0x266b, 0x263c,
    0x25ba, 0x25c4, 0x2195, 0x203c, 0x00b6, 0x00a7, 0x25ac, 0x21a8,
    0x2191, 0x2193, 0x2192, 0x2190, 0x221f, 0x2194, 0x25b2, 0x25bc};
static const uint16_t high[129] = {
    0x2302, 0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7,
    0x00ea, 0x00eb, 0x00e8, 0x00ef, 0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9,
    0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9, 0x00ff, 0x00d6,
    0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3,
    0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd,
    0x00bc, 0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592, 0x2593, 0x2502, 0x2524,
    0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c,
    0x255b, 0x2510, 0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e,
    0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567,
    0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b, 0x256a,
    0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x03b1, 0x00df,
    0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9,
    0x03b4, 0x221e, 0x03c6, 0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264,
    0x2320, 0x2321, 0x00f7, 0x2248, 0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f,
    0x00b2, 0x25a0, 0x00a0};

/* Where the terminal's character set is not Unicode. */
static wchar_t plainest(wchar_t c)
{
    if (c < DELETE)
        return c;
    if (c == 0x2500 || c == 0x2550)
        return '-';
    if (c == 0x2502 || c == 0x2551)
        return '|';
    if (c >= 0x2500 && c < 0x2580)
        return '+';
    return c >= 0x2580 && c < 0x25a0 ? '#' : c == 0xa0 ? ' ' : '?';
}

static wchar_t character(const struct text_screen *s, uint8_t code)
{
    wchar_t c = code < ' '       ? low[code]
                : code >= DELETE ? high[code - DELETE]
                                 : code;

    return s->unicode ? c : plainest(c);
}

/* ----------------------------------------------------------------- colours */

/* CGA's bits are blue, green, red; the terminal's red, green, blue. */
static int terminal_colour(unsigned cga)
{
    return (int)((cga & 10) | (cga & 1) << 2 | (cga & 4) >> 2);
}

static short pair_of(const struct text_screen *s, unsigned front, unsigned back)
{
    unsigned n = s->bright ? 16 : 8;

    return (short)(1 + front % n + back % n * n);
}

static void make_pairs(struct text_screen *s)
{
    unsigned n;

    start_color();
    s->bright = COLORS >= 16 && COLOR_PAIRS > 256;
    n = s->bright ? 16 : 8;
    for (unsigned back = 0; back < n; back++)
        for (unsigned front = 0; front < n; front++)
            init_pair(pair_of(s, front, back), (short)terminal_colour(front),
                      (short)terminal_colour(back));
}

static void put_cell(struct text_screen *s, uint16_t cell)
{
    unsigned front = cell >> 8 & 15, back = cell >> 12;
    attr_t attributes = A_NORMAL;
    wchar_t text[2] = {character(s, (uint8_t)cell), 0};
    cchar_t c;

    if (s->blink) {
        attributes |= back & 8 ? A_BLINK : 0;
        back &= 7;
    }
    if (!s->bright && (front & 8))
        attributes |= A_BOLD;
    setcchar(&c, text, attributes, pair_of(s, front, back), NULL);
    add_wch(&c);
}

/* ----------------------------------------------------------------- drawing */

static void put_text(struct text_screen *s)
{
    unsigned top = 0, left = 0;

    if (s->cursor_row >= LINES)
        top = (unsigned)(s->cursor_row - LINES + 1);
    if (s->cursor_column >= COLS)
        left = (unsigned)(s->cursor_column - COLS + 1);
    for (unsigned y = top; y < s->rows && y - top < (unsigned)LINES; y++) {
        move((int)(y - top), 0);
        for (unsigned x = left; x < s->columns && x - left < (unsigned)COLS;
             x++)
            put_cell(s, s->cells[y * s->columns + x]);
    }
    curs_set(s->cursor_row >= 0);
    if (s->cursor_row >= 0)
        move(s->cursor_row - (int)top, s->cursor_column - (int)left);
}

static void draw(struct text_screen *s)
{
    s->news = false;
    s->drawn++;
    if (s->in_monitor) {
        curs_set(1);
        touchwin(s->monitor);
        wrefresh(s->monitor);
        return;
    }
    erase();
    if (s->graphics) {
        redrawwin(stdscr); /* not the digits that changed alone */
        curs_set(0);
        mvprintw(LINES / 2, 0,
                 "the guest shows graphics, %ux%u; Alt-2 is the "
                 "monitor",
                 s->width, s->height);
    } else if (s->cells) {
        put_text(s);
    }
    refresh();
}

/* ----------------------------------------------------------------- looking */

static void take_text(void *arg, const struct display_text *t)
{
    struct text_screen *s = arg;
    size_t size = (size_t)t->columns * t->rows * sizeof(*t->cells);

    if (!s->cells || t->columns != s->columns || t->rows != s->rows) {
        free(s->cells);
        s->cells = malloc(size);
        if (!s->cells)
            return;
    } else if (!s->graphics && !memcmp(s->cells, t->cells, size) &&
               t->cursor_row == s->cursor_row &&
               t->cursor_column == s->cursor_column && t->blink == s->blink) {
        return;
    }
    memcpy(s->cells, t->cells, size);
    s->columns = t->columns;
    s->rows = t->rows;
    s->cursor_row = t->cursor_row;
    s->cursor_column = t->cursor_column;
    s->blink = t->blink;
    s->graphics = false;
    s->news = true;
}

static void take_frame(void *arg, const struct display_frame *f)
{
    struct text_screen *s = arg;

    s->news |= !s->graphics || f->width != s->width || f->height != s->height;
    s->graphics = true;
    s->width = f->width;
    s->height = f->height;
}

static void look(struct text_screen *s, uint64_t now)
{
    const struct screen_host *h = s->host;

    if (!h->text(h->owner, take_text, s))
        h->show(h->owner, take_frame, s);
    s->looked++;
    s->period = s->news                   ? FASTEST
                : s->period * 2 < SLOWEST ? s->period * 2
                                          : SLOWEST;
    s->next = now + s->period;
}

/* -------------------------------------------------------------------- keys */

static void type(struct text_screen *s, const struct key *key, unsigned with)
{
    static const char *const names[] = {"shift", "ctrl", "alt"};
    const struct screen_host *h = s->host;

    if (!key)
        return;
    for (unsigned i = 0; i < 3; i++)
        if (with >> i & 1)
            h->key(h->owner, key_named(names[i])->number, true);
    h->key(h->owner, key->number, true);
    h->key(h->owner, key->number, false);
    for (unsigned i = 3; i-- > 0;)
        if (with >> i & 1)
            h->key(h->owner, key_named(names[i])->number, false);
}

/* What curses calls keys. */
static const struct {
    int code;
    const char *name;
    unsigned with;
} specials[] = {
    {KEY_UP, "up", 0},
    {KEY_DOWN, "down", 0},
    {KEY_LEFT, "left", 0},
    {KEY_RIGHT, "right", 0},
    {KEY_HOME, "home", 0},
    {KEY_END, "end", 0},
    {KEY_PPAGE, "pgup", 0},
    {KEY_NPAGE, "pgdn", 0},
    {KEY_IC, "insert", 0},
    {KEY_DC, "delete", 0},
    {KEY_ENTER, "kp_enter", 0},
    {KEY_BACKSPACE, "backspace", 0},
    {KEY_BTAB, "tab", SHIFT},
    {KEY_SR, "up", SHIFT},
    {KEY_SF, "down", SHIFT},
    {KEY_SLEFT, "left", SHIFT},
    {KEY_SRIGHT, "right", SHIFT},
    {DELETE, "backspace", 0},
    {'\b', "backspace", 0},
    {'\t', "tab", 0},
    {'\r', "ret", 0},
    {'\n', "ret", 0},
    {ESCAPE, "esc", 0},
    {0, "spc", CTRL},
};

/* Function keys with Shift are 13 to 24, with Ctrl 25 to 36. */
static void type_function(struct text_screen *s, int n, unsigned with)
{
    static const unsigned rows[] = {0, SHIFT, CTRL, SHIFT | CTRL};
    char name[8];

    snprintf(name, sizeof(name), "f%d", (n - 1) % 12 + 1);
    type(s, key_named(name), with | rows[(n - 1) / 12 % 4]);
}

static void type_code(struct text_screen *s, int code, unsigned with)
{
    const struct key *key;

    for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++)
        if (specials[i].code == code) {
            type(s, key_named(specials[i].name), with | specials[i].with);
            return;
        }
    if (code > KEY_F(0) && code <= KEY_F(48)) {
        type_function(s, code - KEY_F(0), with);
    } else if (code < ' ') {
        /* Ctrl takes bits 5 and 6: 1 is Ctrl-A, 28 is Ctrl-\. */
        key = key_typing((char)(code <= 26 ? code + 'a' - 1 : code + '@'));
        type(s, key, with | CTRL);
    } else if (code < DELETE) {
        key = key_typing((char)code);
        if (key && key->plain != code)
            with |= SHIFT;
        type(s, key, with);
    }
}

/* The monitor's view, or the guest's. */
static void change_view(struct text_screen *s, bool monitor)
{
    s->in_monitor = monitor;
    s->news = true;
    if (monitor && !s->monitor) {
        s->monitor = newwin(0, 0, 0, 0);
        if (!s->monitor) {
            s->in_monitor = false;
            return;
        }
        scrollok(s->monitor, true);
        /* Its first byte makes it greet. */
        s->host->monitor_key(s->host->owner, '\r');
    }
    clearok(stdscr, true);
}

/* The monitor knows bytes; what curses calls keys is none, but for two. */
static void monitor_key(struct text_screen *s, int code)
{
    if (code == KEY_BACKSPACE)
        code = '\b';
    if (code == KEY_ENTER)
        code = '\r';
    if (code <= UINT8_MAX)
        s->host->monitor_key(s->host->owner, (uint8_t)code);
}

static void take_key(struct text_screen *s, int code)
{
    int next = ERR;

    if (code == KEY_RESIZE) {
        s->news = true;
        if (s->monitor)
            wresize(s->monitor, LINES, COLS);
        return;
    }
    if (code == ESCAPE)
        next = getch();
    if (next == '1' || next == '2')
        change_view(s, next == '2');
    else if (s->in_monitor)
        monitor_key(s, code);
    else if (next != ERR)
        type_code(s, next, ALT);
    else
        type_code(s, code, 0);
}

/* ----------------------------------------------------------------- service */

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t curses_service(void *screen)
{
    struct text_screen *s = screen;
    uint64_t now = now_ns();
    int code;

    while ((code = getch()) != ERR) {
        take_key(s, code);
        s->period = FASTEST;
        if (s->next > now + FASTEST)
            s->next = now + FASTEST;
    }
    if (!s->in_monitor && now >= s->next)
        look(s, now);
    if (s->news)
        draw(s);
    if (s->in_monitor)
        return UINT64_MAX;
    return s->next > now ? s->next - now : 0;
}

static int curses_fd(void *screen)
{
    (void)screen;
    return STDIN_FILENO;
}

static void curses_print(void *screen, const char *bytes, size_t n)
{
    struct text_screen *s = screen;

    /* Curses' line feed has a carriage return, and clears what is behind the
     * cursor: with one in front of it, all of the line. */
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != '\r')
            waddch(s->monitor, (unsigned char)bytes[i]);
    s->news = true;
}

static void curses_info(void *screen, char *out, size_t size)
{
    struct text_screen *s = screen;

    snprintf(out, size, "curses: looked %llu times, drew %llu\n", s->looked,
             s->drawn);
}

/* -------------------------------------------------------------------- life */

static bool curses_open(void **out, const struct screen_host *host,
                        struct error *e)
{
    struct text_screen *s;

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return error_set(e, "standard input and output are no terminal");
    s = calloc(1, sizeof(*s));
    if (!s)
        return error_set(e, "out of memory");
    setlocale(LC_CTYPE, "");
    s->host = host;
    s->unicode = !strcmp(nl_langinfo(CODESET), "UTF-8");
    s->terminal = newterm(NULL, stdout, stdin);
    if (!s->terminal) {
        const char *term = getenv("TERM");

        free(s);
        return error_set(e, "ncurses does not know the terminal '%s' ($TERM)",
                         term ? term : "");
    }
    raw();
    noecho();
    nonl();
    keypad(stdscr, true);
    nodelay(stdscr, true);
    set_escdelay(25);
    make_pairs(s);
    s->period = FASTEST;
    *out = s;
    return true;
}

static void curses_suspend(void *screen)
{
    (void)screen;
    endwin();
}

/* The shell, or who had the terminal meanwhile, has left its text there. */
static void curses_resume(void *screen)
{
    struct text_screen *s = screen;

    clearok(curscr, true);
    s->news = true;
    draw(s);
}

static void curses_close(void *screen)
{
    struct text_screen *s = screen;

    endwin();
    if (s->monitor)
        delwin(s->monitor);
    delscreen(s->terminal);
    free(s->cells);
    free(s);
}

const struct screen_class emu_screen = {
    .name = "curses",
    .open = curses_open,
    .close = curses_close,
    .info = curses_info,
    .fd = curses_fd,
    .service = curses_service,
    .print = curses_print,
    .suspend = curses_suspend,
    .resume = curses_resume,
};
