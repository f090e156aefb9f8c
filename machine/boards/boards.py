#!/usr/bin/env python3
"""Write the table of embedded boards.

usage: boards.py OUTPUT BOARD.dtb...

Name and order are those of the files; what the table says of a board is read
from its root node.
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


def c_string(text):
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"') + '"'


def board(path, number):
    """(array definition, table row) of one board."""
    dtb = path.read_bytes()
    props = root_properties(dtb)
    try:
        summary = props['emu,summary'].rstrip(b'\0').decode()
        default = int.from_bytes(props['emu,default-ram'], 'big')
        least = int.from_bytes(props['emu,min-ram'], 'big')
    except KeyError as err:
        sys.exit(f'boards.py: {path.name}: the root has no {err}')
    return (f'static const unsigned char board{number}[] = {{\n'
            f'{embed.array(dtb)}}};\n',
            f'    {{{c_string(path.stem)}, {c_string(summary)}, '
            f'board{number}, sizeof(board{number}),\n'
            f'     {default:#x}, {least:#x}}},\n')


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__.strip())
    made = [board(pathlib.Path(p), i) for i, p in enumerate(sys.argv[2:])]
    with open(sys.argv[1], 'w', encoding='ascii') as f:
        f.write('#include "machine/machine.h"\n\n')
        f.write('\n'.join(a for a, _ in made))
        f.write('\nconst struct board boards[] = {\n')
        f.write(''.join(row for _, row in made))
        f.write('    {NULL, NULL, NULL, 0, 0, 0},\n};\n')


if __name__ == '__main__':
    main()
