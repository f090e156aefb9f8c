#!/usr/bin/env python3
"""Write a file's bytes as a C array.

usage: embed.py NAME INPUT OUTPUT

OUTPUT defines `const unsigned char NAME[]` and `const size_t NAME_size`;
whoever uses them declares both extern.
"""

import re
import sys


def array(data):
    """The initializer of data, 12 bytes a line."""
    rows = (data[i:i + 12] for i in range(0, len(data), 12))
    return ''.join('    ' + ' '.join(f'0x{b:02x},' for b in row) + '\n'
                   for row in rows)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__.strip())
    name, source, target = sys.argv[1:]
    if not re.fullmatch(r'[A-Za-z_]\w*', name):
        sys.exit(f"embed.py: '{name}' is no C name")
    with open(source, 'rb') as f:
        data = f.read()
    if not data:
        sys.exit(f'embed.py: {source} is empty')
    with open(target, 'w', encoding='ascii') as f:
        f.write(f'#include <stddef.h>\n\n'
                f'extern const unsigned char {name}[];\n'
                f'extern const size_t {name}_size;\n\n'
                f'const unsigned char {name}[] = {{\n{array(data)}}};\n'
                f'const size_t {name}_size = sizeof({name});\n')


if __name__ == '__main__':
    main()
