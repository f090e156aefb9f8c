/*
 * The table of keys.
 *
 * A key's codes on a PS/2 line are with its number in
 * devices/ps2_keyboard.c.  Missing: keys that no PS/2 keyboard has (again,
 * undo, copy), and QEMU's names for those.
 */
#include "frontend/display/keys.h"

#include <stddef.h>
#include <string.h>

/* Where QEMU has two names: the second. */
static const struct {
    const char *name, *same;
} aliases[] = {
    {"sysrq", "print"},
    {"menu", "compose"},
    {"asterisk", "kp_multiply"},
    {"<", "less"},
};

const struct key keys[] = {
    {1, 0x29, "esc", 0, 0},
    {2, 0x1e, "1", '1', '!'},
    {3, 0x1f, "2", '2', '@'},
    {4, 0x20, "3", '3', '#'},
    {5, 0x21, "4", '4', '$'},
    {6, 0x22, "5", '5', '%'},
    {7, 0x23, "6", '6', '^'},
    {8, 0x24, "7", '7', '&'},
    {9, 0x25, "8", '8', '*'},
    {10, 0x26, "9", '9', '('},
    {11, 0x27, "0", '0', ')'},
    {12, 0x2d, "minus", '-', '_'},
    {13, 0x2e, "equal", '=', '+'},
    {14, 0x2a, "backspace", 0, 0},
    {15, 0x2b, "tab", 0, 0},
    {16, 0x14, "q", 'q', 'Q'},
    {17, 0x1a, "w", 'w', 'W'},
    {18, 0x08, "e", 'e', 'E'},
    {19, 0x15, "r", 'r', 'R'},
    {20, 0x17, "t", 't', 'T'},
    {21, 0x1c, "y", 'y', 'Y'},
    {22, 0x18, "u", 'u', 'U'},
    {23, 0x0c, "i", 'i', 'I'},
    {24, 0x12, "o", 'o', 'O'},
    {25, 0x13, "p", 'p', 'P'},
    {26, 0x2f, "bracket_left", '[', '{'},
    {27, 0x30, "bracket_right", ']', '}'},
    {28, 0x28, "ret", 0, 0},
    {29, 0xe0, "ctrl", 0, 0},
    {30, 0x04, "a", 'a', 'A'},
    {31, 0x16, "s", 's', 'S'},
    {32, 0x07, "d", 'd', 'D'},
    {33, 0x09, "f", 'f', 'F'},
    {34, 0x0a, "g", 'g', 'G'},
    {35, 0x0b, "h", 'h', 'H'},
    {36, 0x0d, "j", 'j', 'J'},
    {37, 0x0e, "k", 'k', 'K'},
    {38, 0x0f, "l", 'l', 'L'},
    {39, 0x33, "semicolon", ';', ':'},
    {40, 0x34, "apostrophe", '\'', '"'},
    {41, 0x35, "grave_accent", '`', '~'},
    {42, 0xe1, "shift", 0, 0},
    {43, 0x31, "backslash", '\\', '|'},
    {44, 0x1d, "z", 'z', 'Z'},
    {45, 0x1b, "x", 'x', 'X'},
    {46, 0x06, "c", 'c', 'C'},
    {47, 0x19, "v", 'v', 'V'},
    {48, 0x05, "b", 'b', 'B'},
    {49, 0x11, "n", 'n', 'N'},
    {50, 0x10, "m", 'm', 'M'},
    {51, 0x36, "comma", ',', '<'},
    {52, 0x37, "dot", '.', '>'},
    {53, 0x38, "slash", '/', '?'},
    {54, 0xe5, "shift_r", 0, 0},
    {55, 0x55, "kp_multiply", 0, 0},
    {56, 0xe2, "alt", 0, 0},
    {57, 0x2c, "spc", ' ', ' '},
    {58, 0x39, "caps_lock", 0, 0},
    {59, 0x3a, "f1", 0, 0},
    {60, 0x3b, "f2", 0, 0},
    {61, 0x3c, "f3", 0, 0},
    {62, 0x3d, "f4", 0, 0},
    {63, 0x3e, "f5", 0, 0},
    {64, 0x3f, "f6", 0, 0},
    {65, 0x40, "f7", 0, 0},
    {66, 0x41, "f8", 0, 0},
    {67, 0x42, "f9", 0, 0},
    {68, 0x43, "f10", 0, 0},
    {69, 0x53, "num_lock", 0, 0},
    {70, 0x47, "scroll_lock", 0, 0},
    {71, 0x5f, "kp_7", 0, 0},
    {72, 0x60, "kp_8", 0, 0},
    {73, 0x61, "kp_9", 0, 0},
    {74, 0x56, "kp_subtract", 0, 0},
    {75, 0x5c, "kp_4", 0, 0},
    {76, 0x5d, "kp_5", 0, 0},
    {77, 0x5e, "kp_6", 0, 0},
    {78, 0x57, "kp_add", 0, 0},
    {79, 0x59, "kp_1", 0, 0},
    {80, 0x5a, "kp_2", 0, 0},
    {81, 0x5b, "kp_3", 0, 0},
    {82, 0x62, "kp_0", 0, 0},
    {83, 0x63, "kp_decimal", 0, 0},
    {86, 0x64, "less", 0, 0},
    {87, 0x44, "f11", 0, 0},
    {88, 0x45, "f12", 0, 0},
    {89, 0x87, "ro", 0, 0},
    {90, 0x92, "katakana", 0, 0},
    {91, 0x93, "hiragana", 0, 0},
    {92, 0x8a, "henkan", 0, 0},
    {93, 0x88, "katakanahiragana", 0, 0},
    {94, 0x8b, "muhenkan", 0, 0},
    {96, 0x58, "kp_enter", 0, 0},
    {97, 0xe4, "ctrl_r", 0, 0},
    {98, 0x54, "kp_divide", 0, 0},
    {99, 0x46, "print", 0, 0},
    {100, 0xe6, "alt_r", 0, 0},
    {102, 0x4a, "home", 0, 0},
    {103, 0x52, "up", 0, 0},
    {104, 0x4b, "pgup", 0, 0},
    {105, 0x50, "left", 0, 0},
    {106, 0x4f, "right", 0, 0},
    {107, 0x4d, "end", 0, 0},
    {108, 0x51, "down", 0, 0},
    {109, 0x4e, "pgdn", 0, 0},
    {110, 0x49, "insert", 0, 0},
    {111, 0x4c, "delete", 0, 0},
    {113, 262, "audiomute", 0, 0},
    {114, 0x81, "volumedown", 0, 0},
    {115, 0x80, "volumeup", 0, 0},
    {116, 0x66, "power", 0, 0},
    {117, 0x67, "kp_equals", 0, 0},
    {119, 0x48, "pause", 0, 0},
    {121, 0x85, "kp_comma", 0, 0},
    {122, 0x90, "lang1", 0, 0},
    {123, 0x91, "lang2", 0, 0},
    {124, 0x89, "yen", 0, 0},
    {125, 0xe3, "meta_l", 0, 0},
    {126, 0xe7, "meta_r", 0, 0},
    {127, 0x65, "compose", 0, 0},
    {128, 272, "stop", 0, 0},
    {140, 266, "calculator", 0, 0},
    {142, 282, "sleep", 0, 0},
    {143, 0x00, "wake", 0, 0},
    {155, 265, "mail", 0, 0},
    {156, 274, "ac_bookmarks", 0, 0},
    {157, 267, "computer", 0, 0},
    {158, 270, "ac_back", 0, 0},
    {159, 271, "ac_forward", 0, 0},
    {163, 258, "audionext", 0, 0},
    {164, 261, "audioplay", 0, 0},
    {165, 259, "audioprev", 0, 0},
    {166, 260, "audiostop", 0, 0},
    {172, 269, "ac_home", 0, 0},
    {173, 273, "ac_refresh", 0, 0},
    {217, 268, "ac_search", 0, 0},
    {226, 263, "mediaselect", 0, 0},
    {183, 0x68, "f13", 0, 0},
    {184, 0x69, "f14", 0, 0},
    {185, 0x6a, "f15", 0, 0},
    {186, 0x6b, "f16", 0, 0},
    {187, 0x6c, "f17", 0, 0},
    {188, 0x6d, "f18", 0, 0},
    {189, 0x6e, "f19", 0, 0},
    {190, 0x6f, "f20", 0, 0},
    {191, 0x70, "f21", 0, 0},
    {192, 0x71, "f22", 0, 0},
    {193, 0x72, "f23", 0, 0},
    {194, 0x73, "f24", 0, 0},
    {0, 0, NULL, 0, 0},
};

const struct key *key_scancode(unsigned scancode)
{
    for (const struct key *k = keys; scancode && k->name; k++)
        if (k->scancode == scancode)
            return k;
    return NULL;
}

const struct key *key_named(const char *name)
{
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
        if (!strcmp(aliases[i].name, name))
            name = aliases[i].same;
    for (const struct key *k = keys; k->name; k++)
        if (!strcmp(k->name, name))
            return k;
    return NULL;
}

const struct key *key_typing(char c)
{
    for (const struct key *k = keys; k->name; k++)
        if (k->plain && (k->plain == c || k->shifted == c))
            return k;
    return NULL;
}
