#!/usr/bin/env python3
"""The build's two embedding tools: what they write, what they refuse.

usage: test_embed.py SOURCE_ROOT CC
"""

import pathlib
import subprocess
import sys
import tempfile


def run(tool, *args):
    return subprocess.run([sys.executable, tool, *map(str, args)],
                          capture_output=True, text=True, check=False)


def refused(tool, *args):
    result = run(tool, *args)
    assert result.returncode == 1, (tool, args)
    assert result.stderr and 'Traceback' not in result.stderr, result.stderr


def check_embed(tool, folder, cc):
    data = bytes(range(256)) * 3 + b'end'
    source, target = folder / 'data', folder / 'data.c'
    source.write_bytes(data)
    result = run(tool, 'some_name', source, target)
    assert result.returncode == 0, result.stderr
    main = folder / 'main.c'
    main.write_text('#include <stdio.h>\n'
                    'extern const unsigned char some_name[];\n'
                    'extern const size_t some_name_size;\n'
                    'int main(void) { return fwrite(some_name, 1, '
                    'some_name_size, stdout) != some_name_size; }\n')
    subprocess.run([*cc, '-o', folder / 'a', main, target], check=True)
    out = subprocess.run([folder / 'a'], check=True, capture_output=True)
    assert out.stdout == data
    (folder / 'empty').write_bytes(b'')
    refused(tool, 'some_name', folder / 'empty', target)
    refused(tool, 'not a name', source, target)
    refused(tool, 'x')


def check_options(tool, folder):
    dts = {'b': '/dts-v1/; / { emu,summary = "x"; emu,default-ram = <1 2>; '
                'emu,min-ram = <3>; emu,options = "a=off", "c=0"; x: x { }; };',
           'b-x': '/dts-v1/; /plugin/; / { emu,option = "a=on"; }; '
                  '&x { y; };',
           'other-x': '/dts-v1/; /plugin/; / { emu,option = "c=1"; }; '
                      '&x { y; };'}
    blobs = []
    for name, text in dts.items():
        source = folder / f'{name}.dts'
        source.write_text(text)
        blobs.append(folder / (name + ('.dtbo' if '-' in name else '.dtb')))
        subprocess.run(['dtc', '-q', '-@', '-O', 'dtb', '-o', blobs[-1],
                        source], check=True)
    out = folder / 'options.c'
    result = run(tool, out, *blobs)
    assert result.returncode == 0, result.stderr
    rows = [line.strip() for line in out.read_text().splitlines()
            if line.startswith('    {"a"') or line.startswith('    {"c"')]
    assert rows == ['{"a", "off", NULL, 0},',
                    '{"a", "on", overlay0_1, sizeof(overlay0_1)},',
                    '{"c", "0", NULL, 0},'], rows


def check_boards(tool, folder):
    dts = folder / 'b.dts'
    dtb = folder / 'b.dtb'
    dts.write_text('/dts-v1/; / { emu,summary = "a \\"b\\""; '
                   'emu,default-ram = <1 2>; emu,min-ram = <3>; x { }; };')
    subprocess.run(['dtc', '-q', '-O', 'dtb', '-o', dtb, dts], check=True)
    out = folder / 'boards.c'
    result = run(tool, out, dtb)
    assert result.returncode == 0, result.stderr
    text = out.read_text()
    assert '{"b", "a \\"b\\"", board0, sizeof(board0),' in text, text
    assert '0x100000002, 0x3, options0}' in text, text
    check_options(tool, folder)
    dts.write_text('/dts-v1/; / { emu,summary = "x"; };')
    subprocess.run(['dtc', '-q', '-O', 'dtb', '-o', dtb, dts], check=True)
    refused(tool, out, dtb)
    refused(tool)


def main():
    root, cc = pathlib.Path(sys.argv[1]), sys.argv[2:]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_embed(root / 'machine/embed.py', folder, cc)
        check_boards(root / 'machine/boards/boards.py', folder)


if __name__ == '__main__':
    main()
