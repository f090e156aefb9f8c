#!/usr/bin/env python3
"""Write the table of embedded boards.

usage: boards.py OUTPUT BOARD.dtb... [BOARD-WHATEVER.dtbo...]

Name and order are those of the files; what the table says of a board is read
from its root node, and what value of what option an overlay stands for from
the overlay's.
"""

import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import embed  # noqa: E402  (the folder above)

BEGIN, END, PROP, NOP = 1, 2, 3, 4


def root_properties(dtb):
    """{name: bytes} of the root node (Devicetree Specification 0.4, 5)."""
    magic, _, struct_at, strings_at = struct.unpack_from('>4I', dtb)
    if magic != 0xd00dfeed:
        raise ValueError('not a device tree blob')
    at = struct_at
    out = {}
    token, = struct.unpack_from('>I', dtb, at)
    at += 8  # BEGIN and the root's empty name
    while token in (BEGIN, PROP, NOP):
        token, = struct.unpack_from('>I', dtb, at)
        if token == PROP:
            size, name = struct.unpack_from('>2I', dtb, at + 4)
            end = dtb.index(0, strings_at + name)
            key = dtb[strings_at + name:end].decode()
            out[key] = dtb[at + 12:at + 12 + size]
            at += 12 + (size + 3) // 4 * 4
        elif token == NOP:
            at += 4
        else:
            break
    return out


def strings(data):
    return [s for s in data.decode().split('\0') if s]


def c_string(text):
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"') + '"'


def options(props, board, overlays):
    """[(name, value, overlay's path or None)]: of each name the default, then
    the overlays."""
    out = []
    for default in strings(props.get('emu,options', b'')):
        name, value = default.split('=')
        out.append((name, value, None))
        for path in overlays:
            if path.name.split('-')[0] != board:
                continue
            option, = strings(root_properties(path.read_bytes())['emu,option'])
            if option.split('=')[0] == name:
                out.append((name, option.split('=')[1], path))
    return out


# libfdt refuses a tree that is not at a multiple of 8 (FDT_ERR_ALIGNMENT).
BLOB = '_Alignas(8) static const unsigned char'


def options_table(rows, number):
    """The arrays of overlays and the list of options of one board."""
    arrays, lines = [], []
    for i, (name, value, path) in enumerate(rows):
        overlay, size = 'NULL', '0'
        if path:
            overlay = f'overlay{number}_{i}'
            size = f'sizeof({overlay})'
            arrays.append(f'{BLOB} {overlay}[] = {{\n'
                          f'{embed.array(path.read_bytes())}}};\n')
        lines.append(f'    {{{c_string(name)}, {c_string(value)}, '
                     f'{overlay}, {size}}},\n')
    return (''.join(arrays) +
            f'static const struct board_option options{number}[] = {{\n' +
            ''.join(lines) + '    {NULL, NULL, NULL, 0},\n};\n')


def board(path, number, overlays):
    """(array definitions, table row) of one board."""
    dtb = path.read_bytes()
    props = root_properties(dtb)
    rows = options(props, path.stem, overlays)
    try:
        summary = props['emu,summary'].rstrip(b'\0').decode()
        default = int.from_bytes(props['emu,default-ram'], 'big')
        least = int.from_bytes(props['emu,min-ram'], 'big')
    except KeyError as err:
        sys.exit(f'boards.py: {path.name}: the root has no {err}')
    return (f'{BLOB} board{number}[] = {{\n'
            f'{embed.array(dtb)}}};\n' + options_table(rows, number),
            f'    {{{c_string(path.stem)}, {c_string(summary)}, '
            f'board{number}, sizeof(board{number}),\n'
            f'     {default:#x}, {least:#x}, options{number}}},\n')


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__.strip())
    files = [pathlib.Path(p) for p in sys.argv[2:]]
    overlays = [p for p in files if p.suffix == '.dtbo']
    made = [board(p, i, overlays)
            for i, p in enumerate(p for p in files if p.suffix == '.dtb')]
    with open(sys.argv[1], 'w', encoding='ascii') as f:
        f.write('#include "machine/machine.h"\n\n')
        f.write('\n'.join(a for a, _ in made))
        f.write('\nconst struct board boards[] = {\n')
        f.write(''.join(row for _, row in made))
        f.write('    {NULL, NULL, NULL, 0, 0, 0, NULL},\n};\n')


if __name__ == '__main__':
    main()
