#!/usr/bin/env python3
"""Make the character generators of the cards with a 6845.

usage: font.py FONT.TXT OUTPUT

OUTPUT defines font_8 and font_14.  Code page 437's lines (B3h to DAh) are made
of what they are: arms to the left, right, top and bottom, single or double.
"""

import sys

# Of B3h to DAh: arms up, down, left, right.
LINES = ('1100 1110 1120 2210 0210 0120 2220 2200 0220 2020 2010 1020 0110 '
         '1001 1011 0111 1101 0011 1111 1102 2201 2002 0202 2022 0222 2202 '
         '0022 2222 1022 2011 0122 0211 2001 1002 0102 0201 2211 1122 1010 '
         '0101').split()
BLOCKS = {0xdb: lambda x, y: True, 0xdc: lambda x, y: y >= 0.5,
          0xdd: lambda x, y: x < 0.5, 0xde: lambda x, y: x >= 0.5,
          0xdf: lambda x, y: y < 0.5}

# Above small letters (two rows), above capitals (one); a cedilla is below both.
MARKS = {
    'acute': ('...#.', '..#..'), 'grave': ('.#...', '..#..'),
    'circumflex': ('..#..', '.#.#.'), 'diaeresis': ('.#.#.', '.....'),
    'ring': ('..#..', '.###.'), 'tilde': ('.##.#', '#.##.'),
}
DOTLESS = ['.....', '.....', '.##..', '..#..', '..#..', '..#..', '.###.']


def stretch(rows, height):
    """Rows of eight as 14: all twice but the last two."""
    if height == 8:
        return rows
    return [row for row in rows[:6] for _ in range(2)] + rows[6:]


def letter(rows, height):
    dots = [sum(0x80 >> x + (len(row) < 8) for x, c in enumerate(row)
                if c == '#') for row in rows]
    return stretch(dots + [0] * (8 - len(dots)), height)


def lines(arms, height):
    """Strokes at columns 2 and 4, or at 3; rows likewise."""
    middle = height // 2 - 1
    up, down, left, right = (int(a) for a in arms)
    high = 2 in (left, right)  # two strokes across
    wide = 2 in (up, down)
    columns = {0: (), 1: (3,), 2: (2, 4)}
    rows = {0: (), 1: (middle,), 2: (middle - 1, middle + 1)}
    out = [0] * height
    for y in range(height):
        for x in range(8):
            vertical = ((y <= middle + high and x in columns[up]) or
                        (y >= middle - high and x in columns[down]))
            across = ((x <= 3 + wide and y in rows[left]) or
                      (x >= 3 - wide and y in rows[right]))
            if vertical or across:
                out[y] |= 0x80 >> x
    return out


def glyph(code, letters, height):
    if code in letters:
        return letter(letters[code], height)
    if code in (0, 0x20, 0xff):
        return [0] * height
    if 0xb0 <= code <= 0xb2:
        of = {0xb0: (0x22, 0x88), 0xb1: (0x55, 0xaa), 0xb2: (0xdd, 0x77)}
        return [of[code][y & 1] for y in range(height)]
    if 0xb3 <= code <= 0xda:
        return lines(LINES[code - 0xb3], height)
    if code in BLOCKS:
        return [sum(0x80 >> x for x in range(8)
                    if BLOCKS[code](x / 8, y / height))
                for y in range(height)]
    raise KeyError(code)


def marked(base, mark):
    """A letter's rows with a mark."""
    if mark == 'cedilla':
        return base + ['..#..']
    above = MARKS[mark]
    if not base[0].strip('.') and not base[1].strip('.'):
        return [*above, *base[2:]]
    return [above[0], *base]


def code_of(word):
    return int(word, 16) if len(word) == 2 else ord(word)


def read(path):
    letters = {}
    with open(path, encoding='ascii') as f:
        for line in f:
            words = line.split()
            if not words or (words[0] == '#' and set(words[-1]) - set('.#')):
                continue
            character, *rows = words
            if rows[0] == '=':
                _, base, mark = rows
                rows = marked(DOTLESS if base == 'dotless' else
                              letters[code_of(base)], mark)
            if len(character) > 2 or len(rows) > 8 or any(
                    set(row) - set('.#') or len(row) > 8 for row in rows):
                sys.exit(f'font.py: {path}: {line.strip()}')
            letters[code_of(character)] = rows
    return letters


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    letters = read(sys.argv[1])
    with open(sys.argv[2], 'w', encoding='ascii') as f:
        f.write('#include "devices/display/mc6845.h"\n')
        for height in (8, 14):
            f.write(f'\nconst uint8_t font_{height}[256][{height}] = {{\n')
            for code in range(256):
                try:
                    dots = ', '.join(f'0x{d:02x}'
                                     for d in glyph(code, letters, height))
                except KeyError:
                    sys.exit(f'font.py: {sys.argv[1]}: no {code:02X}')
                f.write(f'    {{{dots}}},\n')
            f.write('};\n')


if __name__ == '__main__':
    main()
