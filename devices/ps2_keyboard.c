/*
 * A PS/2 keyboard with 102 keys and those for media and power.
 *
 * Follows the IBM PS/2 Hardware Interface Technical Reference (1988),
 * "Keyboard (101- and 102-key)": commands, scan code sets 1 to 3, typematic;
 * the codes of later keys are those of Microsoft's Keyboard Scan Code
 * Specification 1.3a.  Set 1 is computed from set 2, as the controller does.
 *
 * A reset's self-test takes 20 ms instead of half a second.
 *
 * Missing: the overrun code (input waits in the gate until there is room);
 * parity errors.
 */
#include "devices/ps2.h"

enum {
    KBD_SET_LEDS = 0xed,
    KBD_ECHO = 0xee,
    KBD_SET_SCANCODES = 0xf0,
    KBD_IDENTIFY = 0xf2,
    KBD_SET_TYPEMATIC = 0xf3,
    KBD_ENABLE = 0xf4,
    KBD_DISABLE = 0xf5,
    KBD_DEFAULTS = 0xf6,
    KBD_ALL_TYPEMATIC = 0xf7, /* these only matter to set 3 */
    KBD_ALL_MAKE_BREAK = 0xf8,
    KBD_ALL_MAKE = 0xf9,
    KBD_ALL_BOTH = 0xfa,
    KBD_KEY_TYPEMATIC = 0xfb,
    KBD_KEY_MAKE_BREAK = 0xfc,
    KBD_KEY_MAKE = 0xfd,
    KBD_RESEND = 0xfe,
    KBD_RESET = 0xff,
};

enum {
    REPLY_BAT = 0xaa,
    REPLY_ACK = 0xfa,
    REPLY_RESEND = 0xfe,
};

enum {
    CODE_BREAK = 0xf0,
    CODE_E1 = 0xe1,
    CODE_SHIFT = 0xe012, /* with a prefix: no key */
    CODE_SHIFT_R = 0xe059,
};

enum { LED_NUM = 2 };

/* Of a key in set 3. */
enum { TYPE_TYPEMATIC = 1, TYPE_BREAK = 2 };

#define BAT_NS UINT64_C(20000000)
#define LONGEST 8              /* bytes of a key's code */
#define DEFAULT_TYPEMATIC 0x2b /* 500 ms, 10.9 a second */

enum {
    KEY_LEFTCTRL = 29,
    KEY_LEFTSHIFT = 42,
    KEY_RIGHTSHIFT = 54,
    KEY_LEFTALT = 56,
    KEY_CAPSLOCK = 58,
    KEY_RIGHTCTRL = 97,
    KEY_KPSLASH = 98,
    KEY_SYSRQ = 99,
    KEY_RIGHTALT = 100,
    KEY_PAUSE = 119,
};

/* Set 2's code with its prefix, and set 3's (0: it has none). */
struct code {
    uint16_t set2;
    uint8_t set3;
};

static const struct code codes[PS2_KEYS] = {
    /* ESC, 1 to =, backspace */
    [1] = {0x76, 0x08},
    [2] = {0x16, 0x16},
    [3] = {0x1e, 0x1e},
    [4] = {0x26, 0x26},
    [5] = {0x25, 0x25},
    [6] = {0x2e, 0x2e},
    [7] = {0x36, 0x36},
    [8] = {0x3d, 0x3d},
    [9] = {0x3e, 0x3e},
    [10] = {0x46, 0x46},
    [11] = {0x45, 0x45},
    [12] = {0x4e, 0x4e},
    [13] = {0x55, 0x55},
    [14] = {0x66, 0x66},
    /* tab, Q to ], enter */
    [15] = {0x0d, 0x0d},
    [16] = {0x15, 0x15},
    [17] = {0x1d, 0x1d},
    [18] = {0x24, 0x24},
    [19] = {0x2d, 0x2d},
    [20] = {0x2c, 0x2c},
    [21] = {0x35, 0x35},
    [22] = {0x3c, 0x3c},
    [23] = {0x43, 0x43},
    [24] = {0x44, 0x44},
    [25] = {0x4d, 0x4d},
    [26] = {0x54, 0x54},
    [27] = {0x5b, 0x5b},
    [28] = {0x5a, 0x5a},
    /* control, A to `, shift, \, Z to /, shift */
    [KEY_LEFTCTRL] = {0x14, 0x11},
    [30] = {0x1c, 0x1c},
    [31] = {0x1b, 0x1b},
    [32] = {0x23, 0x23},
    [33] = {0x2b, 0x2b},
    [34] = {0x34, 0x34},
    [35] = {0x33, 0x33},
    [36] = {0x3b, 0x3b},
    [37] = {0x42, 0x42},
    [38] = {0x4b, 0x4b},
    [39] = {0x4c, 0x4c},
    [40] = {0x52, 0x52},
    [41] = {0x0e, 0x0e},
    [KEY_LEFTSHIFT] = {0x12, 0x12},
    [43] = {0x5d, 0x5c},
    [44] = {0x1a, 0x1a},
    [45] = {0x22, 0x22},
    [46] = {0x21, 0x21},
    [47] = {0x2a, 0x2a},
    [48] = {0x32, 0x32},
    [49] = {0x31, 0x31},
    [50] = {0x3a, 0x3a},
    [51] = {0x41, 0x41},
    [52] = {0x49, 0x49},
    [53] = {0x4a, 0x4a},
    [KEY_RIGHTSHIFT] = {0x59, 0x59},
    /* keypad *, alt, space, caps lock, F1 to F10, num lock, scroll lock */
    [55] = {0x7c, 0x7e},
    [KEY_LEFTALT] = {0x11, 0x19},
    [57] = {0x29, 0x29},
    [KEY_CAPSLOCK] = {0x58, 0x14},
    [59] = {0x05, 0x07},
    [60] = {0x06, 0x0f},
    [61] = {0x04, 0x17},
    [62] = {0x0c, 0x1f},
    [63] = {0x03, 0x27},
    [64] = {0x0b, 0x2f},
    [65] = {0x83, 0x37},
    [66] = {0x0a, 0x3f},
    [67] = {0x01, 0x47},
    [68] = {0x09, 0x4f},
    [69] = {0x77, 0x76},
    [70] = {0x7e, 0x5f},
    /* keypad 7 8 9 - 4 5 6 + 1 2 3 0 . */
    [71] = {0x6c, 0x6c},
    [72] = {0x75, 0x75},
    [73] = {0x7d, 0x7d},
    [74] = {0x7b, 0x84},
    [75] = {0x6b, 0x6b},
    [76] = {0x73, 0x73},
    [77] = {0x74, 0x74},
    [78] = {0x79, 0x7c},
    [79] = {0x69, 0x69},
    [80] = {0x72, 0x72},
    [81] = {0x7a, 0x7a},
    [82] = {0x70, 0x70},
    [83] = {0x71, 0x71},
    /* the 102nd key, F11, F12, those of Japan, keypad enter */
    [86] = {0x61, 0x13},
    [87] = {0x78, 0x56},
    [88] = {0x07, 0x5e},
    [89] = {0x51, 0x51},
    [90] = {0x63, 0},
    [91] = {0x62, 0},
    [92] = {0x64, 0x86},
    [93] = {0x13, 0x87},
    [94] = {0x67, 0x85},
    [96] = {0xe05a, 0x79},
    /* right control, keypad /, right alt, the cursor keys */
    [KEY_RIGHTCTRL] = {0xe014, 0x58},
    [KEY_KPSLASH] = {0xe04a, 0x77},
    [KEY_SYSRQ] = {0xe07c, 0x57},
    [KEY_RIGHTALT] = {0xe011, 0x39},
    [102] = {0xe06c, 0x6e},
    [103] = {0xe075, 0x63},
    [104] = {0xe07d, 0x6f},
    [105] = {0xe06b, 0x61},
    [106] = {0xe074, 0x6a},
    [107] = {0xe069, 0x65},
    [108] = {0xe072, 0x60},
    [109] = {0xe07a, 0x6d},
    [110] = {0xe070, 0x67},
    [111] = {0xe071, 0x64},
    /* mute, volume, power, keypad =, pause, keypad comma, Korea's, yen */
    [113] = {0xe023, 0},
    [114] = {0xe021, 0},
    [115] = {0xe032, 0},
    [116] = {0xe037, 0},
    [117] = {0x0f, 0},
    [KEY_PAUSE] = {0xe07e, 0x62},
    [121] = {0x6d, 0},
    [122] = {0xf2, 0},
    [123] = {0xf1, 0},
    [124] = {0x6a, 0x5d},
    /* left and right meta, menu, stop */
    [125] = {0xe01f, 0x8b},
    [126] = {0xe027, 0x8c},
    [127] = {0xe02f, 0x8d},
    [128] = {0xe028, 0},
    /* calculator, sleep, wake; mail, bookmarks, computer, back, forward */
    [140] = {0xe02b, 0},
    [142] = {0xe03f, 0},
    [143] = {0xe05e, 0},
    [155] = {0xe048, 0},
    [156] = {0xe018, 0},
    [157] = {0xe040, 0},
    [158] = {0xe038, 0},
    [159] = {0xe030, 0},
    /* next, play, previous, no play; home, refresh */
    [163] = {0xe04d, 0},
    [164] = {0xe034, 0},
    [165] = {0xe015, 0},
    [166] = {0xe03b, 0},
    [172] = {0xe03a, 0},
    [173] = {0xe020, 0},
    /* F13 to F24, search, media */
    [183] = {0x08, 0},
    [184] = {0x10, 0},
    [185] = {0x18, 0},
    [186] = {0x20, 0},
    [187] = {0x28, 0},
    [188] = {0x30, 0},
    [189] = {0x38, 0},
    [190] = {0x40, 0},
    [191] = {0x48, 0},
    [192] = {0x50, 0},
    [193] = {0x57, 0},
    [194] = {0x5f, 0},
    [217] = {0xe010, 0},
    [226] = {0xe050, 0},
};

/* ------------------------------------------------------------- queues */

const struct field ps2_queue_fields[] = {
    FIELD(struct ps2_queue, head, 0),
    FIELD(struct ps2_queue, count, 0),
    FIELD_ARRAY(struct ps2_queue, byte, 0),
    FIELD_LIST_END,
};

/* Whoever pushes has seen to it that there is room. */
void ps2_push(struct ps2_queue *q, uint8_t byte)
{
    if (q->count < PS2_QUEUE)
        q->byte[(q->head + q->count++) % PS2_QUEUE] = byte;
}

uint8_t ps2_pop(struct ps2_queue *q)
{
    uint8_t byte = q->byte[q->head];

    q->head = (q->head + 1) % PS2_QUEUE;
    q->count--;
    return byte;
}

/* --------------------------------------------------------- scan codes */

uint8_t ps2_set1(uint8_t set2)
{
    static const uint8_t set1[] = {
        0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40,
        0x3e, 0x0f, 0x29, 0x59, 0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a,
        0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b, 0x67, 0x2e, 0x2d, 0x20,
        0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,
        0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24,
        0x16, 0x08, 0x09, 0x5f, 0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60,
        0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61, 0x6d, 0x73, 0x28, 0x74,
        0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,
        0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b,
        0x47, 0x7e, 0x7f, 0x6f, 0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45,
        0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54};

    switch (set2) {
    case 0x83: /* F7 */
        return 0x41;
    case 0x84: /* Alt-SysRq */
        return 0x54;
    }
    return set2 < sizeof(set1) ? set1[set2] : set2;
}

static bool is_down(const struct ps2_keyboard *k, unsigned key)
{
    return k->down[key / 8] >> key % 8 & 1;
}

static bool either_down(const struct ps2_keyboard *k, unsigned a, unsigned b)
{
    return is_down(k, a) || is_down(k, b);
}

/* Of codes that only say that the key was pressed: Korea's two. */
static bool make_only(unsigned code)
{
    return code == 0xf1 || code == 0xf2;
}

/* One code of set 2 (with its prefix), in set 1 or 2. */
static void push_code(struct ps2_keyboard *k, unsigned code, bool make)
{
    uint8_t low = (uint8_t)code;

    if (make_only(code) && !make)
        return;
    if (code >> 8)
        ps2_push(&k->keys, (uint8_t)(code >> 8));
    if (k->set == 1) {
        ps2_push(&k->keys, ps2_set1(low) | (make ? 0 : 0x80));
        return;
    }
    if (!make)
        ps2_push(&k->keys, CODE_BREAK);
    ps2_push(&k->keys, low);
}

static void push_pause(struct ps2_keyboard *k)
{
    if (either_down(k, KEY_LEFTCTRL, KEY_RIGHTCTRL)) { /* Break */
        push_code(k, 0xe07e, true);
        push_code(k, 0xe07e, false);
        return;
    }
    ps2_push(&k->keys, CODE_E1);
    push_code(k, 0x14, true);
    push_code(k, 0x77, true);
    ps2_push(&k->keys, CODE_E1);
    push_code(k, 0x14, false);
    push_code(k, 0x77, false);
}

static bool shifted(const struct ps2_keyboard *k)
{
    return either_down(k, KEY_LEFTSHIFT, KEY_RIGHTSHIFT);
}

static void push_print(struct ps2_keyboard *k, bool make, bool again)
{
    bool plain =
        !again && !shifted(k) && !either_down(k, KEY_LEFTCTRL, KEY_RIGHTCTRL);

    if (either_down(k, KEY_LEFTALT, KEY_RIGHTALT)) {
        push_code(k, 0x84, make);
        return;
    }
    if (plain && make)
        push_code(k, CODE_SHIFT, true);
    push_code(k, 0xe07c, make);
    if (plain && !make)
        push_code(k, CODE_SHIFT, false);
}

/*
 * The cursor keys, Insert to Page Down and the keypad's / are keys of the
 * first PC's keyboard with a prefix.  For software that takes no notice of
 * the prefix, shift codes with a prefix of their own make the shifts look as
 * such a key needs them: not held, or with Num Lock held.
 */
static bool has_shift_codes(unsigned key)
{
    return (key >= 102 && key <= 111) || key == KEY_KPSLASH;
}

static void push_shifts(struct ps2_keyboard *k, bool make)
{
    if (is_down(k, KEY_LEFTSHIFT))
        push_code(k, CODE_SHIFT, make);
    if (is_down(k, KEY_RIGHTSHIFT))
        push_code(k, CODE_SHIFT_R, make);
}

static void push_extended(struct ps2_keyboard *k, unsigned key, bool make)
{
    bool num = (k->leds & LED_NUM) && key != KEY_KPSLASH;

    if (make && num && !shifted(k)) {
        push_code(k, CODE_SHIFT, true);
        k->num_shift = true;
    } else if (make && !num) {
        push_shifts(k, false);
    }
    push_code(k, codes[key].set2, make);
    if (!make && k->num_shift) {
        push_code(k, CODE_SHIFT, false);
        k->num_shift = false;
    } else if (!make && !num) {
        push_shifts(k, true);
    }
}

static void push_set3(struct ps2_keyboard *k, unsigned key, bool make)
{
    uint8_t code = codes[key].set3;

    if (!code || (!make && !(k->types[code] & TYPE_BREAK)))
        return;
    if (!make)
        ps2_push(&k->keys, CODE_BREAK);
    ps2_push(&k->keys, code);
}

/* again: by repetition, which leaves the shift codes out. */
static void push_key(struct ps2_keyboard *k, unsigned key, bool make,
                     bool again)
{
    if (k->set == 3) {
        push_set3(k, key, make);
    } else if (key == KEY_PAUSE) {
        if (make)
            push_pause(k);
    } else if (key == KEY_SYSRQ) {
        push_print(k, make, again);
    } else if (!again && has_shift_codes(key)) {
        push_extended(k, key, make);
    } else {
        push_code(k, codes[key].set2, make);
    }
}

static bool has_room(const struct ps2_keyboard *k)
{
    return k->keys.count + LONGEST <= PS2_QUEUE;
}

/* ---------------------------------------------------------- typematic */

static uint64_t delay_ns(const struct ps2_keyboard *k)
{
    return ((k->typematic >> 5 & 3) + 1) * UINT64_C(250000000);
}

/* (8 + A) * 2^B units of 1/240 s. */
static uint64_t period_ns(const struct ps2_keyboard *k)
{
    uint64_t units = (8u + (k->typematic & 7)) << (k->typematic >> 3 & 3);

    return units * 1000000000 / 240;
}

static void repeat_in(struct ps2_keyboard *k, uint64_t ns)
{
    timer_arm(&k->repeat, clock_ns(k->env->clock) + ns);
}

static void stop_repeat(struct ps2_keyboard *k)
{
    k->repeats = 0;
    timer_disarm(&k->repeat);
}

static void repeat(void *owner)
{
    struct ps2_keyboard *k = owner;

    if (!k->repeats)
        return;
    if (has_room(k))
        push_key(k, k->repeats, true, true);
    repeat_in(k, period_ns(k));
    k->news(k->owner);
}

static bool repeatable(const struct ps2_keyboard *k, unsigned key)
{
    if (k->set == 3)
        return codes[key].set3 && (k->types[codes[key].set3] & TYPE_TYPEMATIC);
    return key != KEY_PAUSE && !make_only(codes[key].set2);
}

bool ps2_keyboard_key(struct ps2_keyboard *k, unsigned key, bool down)
{
    uint8_t bit = (uint8_t)(1u << key % 8);

    if (key >= PS2_KEYS || !codes[key].set2 || is_down(k, key) == down)
        return true;
    if (!has_room(k))
        return false;
    if (k->scanning)
        push_key(k, key, down, false);
    k->down[key / 8] ^= bit;
    if (down && k->scanning && repeatable(k, key)) {
        k->repeats = (uint8_t)key;
        repeat_in(k, delay_ns(k));
    } else if (down || k->repeats == key) {
        stop_repeat(k);
    }
    k->news(k->owner);
    return true;
}

/* ----------------------------------------------------------- commands */

/* Set 3 as it is after a reset. */
static void default_types(struct ps2_keyboard *k)
{
    static const uint8_t both[] = {0x11, 0x12, 0x14, 0x19, 0x59};
    static const uint8_t make[] = {
        0x07, 0x08, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x39, 0x3f, 0x47,
        0x4f, 0x56, 0x57, 0x58, 0x5e, 0x5f, 0x62, 0x65, 0x67, 0x69, 0x6b,
        0x6c, 0x6d, 0x6e, 0x6f, 0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76,
        0x77, 0x79, 0x7a, 0x7d, 0x7e, 0x84, 0x8b, 0x8c, 0x8d};

    for (unsigned i = 0; i < sizeof(k->types); i++)
        k->types[i] = TYPE_TYPEMATIC;
    for (unsigned i = 0; i < sizeof(both); i++)
        k->types[both[i]] = TYPE_BREAK;
    for (unsigned i = 0; i < sizeof(make); i++)
        k->types[make[i]] = 0;
}

static void defaults(struct ps2_keyboard *k)
{
    k->typematic = DEFAULT_TYPEMATIC;
    k->set = 2;
    k->keys.count = 0;
    stop_repeat(k);
    default_types(k);
}

static void all_types(struct ps2_keyboard *k, uint8_t type)
{
    k->keys.count = 0;
    for (unsigned i = 0; i < sizeof(k->types); i++)
        k->types[i] = type;
}

/* The self-test is over. */
static void bat_done(void *owner)
{
    struct ps2_keyboard *k = owner;

    ps2_push(&k->reply, REPLY_BAT);
    k->scanning = true;
    k->news(k->owner);
}

static void reset_command(struct ps2_keyboard *k)
{
    defaults(k);
    k->leds = 0;
    k->scanning = false;
    timer_arm(&k->bat, clock_ns(k->env->clock) + BAT_NS);
}

/* A command's first byte; what it answers first. */
static uint8_t start(struct ps2_keyboard *k, uint8_t byte)
{
    switch (byte) {
    case KBD_SET_LEDS:
    case KBD_SET_TYPEMATIC:
    case KBD_SET_SCANCODES:
    case KBD_KEY_TYPEMATIC:
    case KBD_KEY_MAKE_BREAK:
    case KBD_KEY_MAKE:
        k->command = byte;
        break;
    case KBD_ECHO:
        return KBD_ECHO;
    case KBD_IDENTIFY:
        ps2_push(&k->reply, REPLY_ACK);
        ps2_push(&k->reply, 0xab);
        return 0x83;
    case KBD_ENABLE:
        k->keys.count = 0;
        k->scanning = true;
        break;
    case KBD_DISABLE:
        defaults(k);
        k->scanning = false;
        break;
    case KBD_DEFAULTS:
        defaults(k);
        break;
    case KBD_ALL_TYPEMATIC:
        all_types(k, TYPE_TYPEMATIC);
        break;
    case KBD_ALL_MAKE_BREAK:
        all_types(k, TYPE_BREAK);
        break;
    case KBD_ALL_MAKE:
        all_types(k, 0);
        break;
    case KBD_ALL_BOTH:
        all_types(k, TYPE_TYPEMATIC | TYPE_BREAK);
        break;
    case KBD_RESEND:
        return k->last;
    case KBD_RESET:
        reset_command(k);
        break;
    default:
        return REPLY_RESEND;
    }
    return REPLY_ACK;
}

/* One of set 3's keys; more may follow. */
static uint8_t set_type(struct ps2_keyboard *k, uint8_t command, uint8_t code)
{
    static const uint8_t types[] = {TYPE_TYPEMATIC, TYPE_BREAK, 0};

    if (code >= sizeof(k->types))
        return REPLY_RESEND;
    k->keys.count = 0;
    k->types[code] = types[command - KBD_KEY_TYPEMATIC];
    k->command = command;
    return REPLY_ACK;
}

static uint8_t set_scancodes(struct ps2_keyboard *k, uint8_t value)
{
    if (value > 3)
        return REPLY_RESEND;
    if (value == 0) {
        ps2_push(&k->reply, REPLY_ACK);
        return k->set;
    }
    k->set = value;
    k->keys.count = 0;
    stop_repeat(k);
    return REPLY_ACK;
}

static uint8_t parameter(struct ps2_keyboard *k, uint8_t byte)
{
    uint8_t command = k->command;

    k->command = 0;
    /* What cannot be a parameter is a command, and ends the last one. */
    if (byte >= KBD_SET_LEDS)
        return start(k, byte);
    switch (command) {
    case KBD_SET_LEDS:
        k->leds = byte & 7;
        k->leds_set = true;
        return REPLY_ACK;
    case KBD_SET_TYPEMATIC:
        k->typematic = byte & 0x7f;
        return REPLY_ACK;
    case KBD_SET_SCANCODES:
        return set_scancodes(k, byte);
    }
    return set_type(k, command, byte);
}

void ps2_keyboard_write(struct ps2_keyboard *k, uint8_t byte)
{
    uint8_t answer;

    /* A command ends the answer to the one before, and a self-test. */
    k->reply.count = 0;
    if (timer_armed(&k->bat)) {
        timer_disarm(&k->bat);
        k->scanning = true;
    }
    answer = k->command ? parameter(k, byte) : start(k, byte);
    ps2_push(&k->reply, answer);
    k->news(k->owner);
}

bool ps2_keyboard_ready(const struct ps2_keyboard *k)
{
    /* Between a command and its parameter no key comes. */
    return k->reply.count || (k->keys.count && !k->command);
}

uint8_t ps2_keyboard_next(struct ps2_keyboard *k)
{
    k->last = ps2_pop(k->reply.count ? &k->reply : &k->keys);
    return k->last;
}

/* --------------------------------------------------------------- life */

void ps2_keyboard_init(struct ps2_keyboard *k, const struct device_env *env,
                       void (*news)(void *owner), void *owner)
{
    k->env = env;
    k->news = news;
    k->owner = owner;
    timer_init(&k->repeat, env->clock, repeat, k);
    timer_init(&k->bat, env->clock, bat_done, k);
}

/* As after power-on and its self-test. */
void ps2_keyboard_reset(struct ps2_keyboard *k)
{
    defaults(k);
}

void ps2_keyboard_loaded(struct ps2_keyboard *k)
{
    struct ps2_queue *queues[] = {&k->reply, &k->keys};

    for (unsigned i = 0; i < 2; i++) {
        queues[i]->head %= PS2_QUEUE;
        if (queues[i]->count > PS2_QUEUE)
            queues[i]->count = PS2_QUEUE;
    }
    if (k->set < 1 || k->set > 3)
        k->set = 2;
    if (!codes[k->repeats].set2)
        k->repeats = 0;
    if (k->command && k->command != KBD_SET_LEDS &&
        k->command != KBD_SET_TYPEMATIC && k->command != KBD_SET_SCANCODES &&
        (k->command < KBD_KEY_TYPEMATIC || k->command > KBD_KEY_MAKE))
        k->command = 0;
}

const struct field ps2_keyboard_fields[] = {
    FIELD_HOST(struct ps2_keyboard, env),
    FIELD_HOST(struct ps2_keyboard, news),
    FIELD_HOST(struct ps2_keyboard, owner),
    FIELD_SUB(struct ps2_keyboard, reply, ps2_queue_fields),
    FIELD_SUB(struct ps2_keyboard, keys, ps2_queue_fields),
    FIELD(struct ps2_keyboard, command, 0),
    FIELD(struct ps2_keyboard, last, 0),
    FIELD(struct ps2_keyboard, set, 2),
    FIELD(struct ps2_keyboard, typematic, DEFAULT_TYPEMATIC),
    FIELD(struct ps2_keyboard, leds, 0),
    FIELD(struct ps2_keyboard, repeats, 0),
    FIELD(struct ps2_keyboard, leds_set, false),
    FIELD(struct ps2_keyboard, scanning, true),
    FIELD(struct ps2_keyboard, num_shift, false),
    FIELD_ARRAY(struct ps2_keyboard, down, 0),
    FIELD_ARRAY(struct ps2_keyboard, types, 0),
    FIELD_TIMER(struct ps2_keyboard, repeat),
    FIELD_TIMER(struct ps2_keyboard, bat),
    FIELD_LIST_END,
};
