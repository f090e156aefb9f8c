"""Reads a PC's text screen out of the picture that `screendump` writes, by
the font of the VGA's BIOS.

Cells of text modes are 16 lines high and 9 dots wide, or 8; the 80 columns
and 25 rows of mode 3 are what firmware and boot loaders use.
"""

import collections
import functools
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import png  # noqa: E402  pylint: disable=wrong-import-position

BIOS = ('/usr/share/seabios/vgabios-stdvga.bin',
        '/usr/share/qemu/vgabios-stdvga.bin')
HEIGHT = 16
COLUMNS = 80
# The letter A as every 8x16 font of a VGA has it.
LETTER = bytes.fromhex('000010386cc6c6fec6c6c6c600000000')


@functools.cache
def font():
    """{16 bytes of dots: character}"""
    for name in BIOS:
        if pathlib.Path(name).exists():
            data = pathlib.Path(name).read_bytes()
            base = data.index(LETTER) - ord('A') * HEIGHT
            break
    else:
        raise FileNotFoundError('no vgabios-stdvga.bin: package seabios')
    out = {}
    for code in range(255, -1, -1):
        glyph = data[base + code * HEIGHT:base + (code + 1) * HEIGHT]
        out[glyph] = chr(code) if 32 <= code < 127 else '.'
    out[bytes(HEIGHT)] = ' '
    return out


def cell(dots, glyphs):
    """The character whose dots, or the others, differ from the background."""
    dots = [[line[i:i + 3] for i in range(0, len(line), 3)] for line in dots]
    colours = collections.Counter(c for line in dots for c in line)
    for back, _ in colours.most_common(2):
        glyph = bytes(sum(0x80 >> i for i in range(8) if line[i] != back)
                      for line in dots)
        if glyph in glyphs:
            return glyphs[glyph]
    return '?'


def text(path):
    """The lines of the screen; none where it shows no text of 80 columns."""
    return lines(*png.read_bytes(path))


def lines(width, height, rows):
    """The same of a picture in memory."""
    if width not in (COLUMNS * 8, COLUMNS * 9) or height % HEIGHT:
        return []
    glyphs, known, out = font(), {}, []
    step = width // COLUMNS * 3
    for y in range(0, height, HEIGHT):
        line = ''
        for x in range(0, width * 3, step):
            dots = tuple(row[x:x + 24] for row in rows[y:y + HEIGHT])
            if dots not in known:
                known[dots] = cell(dots, glyphs)
            line += known[dots]
        out.append(line.rstrip())
    return out


def command(console, text, seconds=20):
    """Has the monitor on the same terminal do something; what it says."""
    console.send(b'\x01c')
    console.expect(rb'\((emu|qemu)\) ', 20)
    start = console.at
    console.send(text.encode() + b'\n')
    console.expect(rb'\((emu|qemu)\) ', seconds)
    said = console.text[start:console.at].decode(errors='replace')
    console.send(b'\x01c')
    return said


def shoot(console, path):
    """What is on the screen now."""
    path = pathlib.Path(path)
    path.unlink(missing_ok=True)
    command(console, f'screendump {path}', 60)
    return text(path)


def wait(console, path, words, seconds):
    """Until all the words are on the screen; returns its lines, or those that
    were there at the end and False."""
    end = time.monotonic() + seconds
    while True:
        shown = shoot(console, path)
        whole = '\n'.join(shown)
        good = all(w in whole for w in words)
        if good or time.monotonic() > end:
            return shown, good
        time.sleep(0.5)
