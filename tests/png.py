"""Pictures as the emulator and QEMU write them: PNG, of 8 bits a colour without
alpha, and PPM, which is read in no time."""

import itertools
import struct
import zlib


def _sub(line, above):
    for c in range(3):
        line[c::3] = bytes(itertools.accumulate(
            line[c::3], lambda left, byte: left + byte & 255))


def _up(line, above):
    line[:] = bytes(a + b & 255 for a, b in zip(line, above))


def _average(line, above):
    for i, up in enumerate(above):
        left = line[i - 3] if i >= 3 else 0
        line[i] = line[i] + (left + up) // 2 & 255


def _paeth(line, above):
    for c in range(3):
        left = corner = 0
        out = []
        for byte, up in zip(line[c::3], above[c::3]):
            guess = left + up - corner
            a, b, d = abs(guess - left), abs(guess - up), abs(guess - corner)
            left = byte + (left if a <= b and a <= d else
                           up if b <= d else corner) & 255
            corner = up
            out.append(left)
        line[c::3] = bytes(out)


# ISO 15948, 9.2: what undoes a filter of a line, by the one above.
_FILTERS = (lambda line, above: None, _sub, _up, _average, _paeth)


def read_bytes(path):
    """(width, height, rows of bytes: red, green, blue)"""
    with open(path, 'rb') as f:
        data = f.read()
    if data[:3] == b'P6\n':
        width, height = map(int, data.split(None, 3)[1:3])
        data = data[-3 * width * height:]
        return width, height, [data[i:i + width * 3]
                               for i in range(0, len(data), width * 3)]
    if data[:8] != b'\x89PNG\r\n\x1a\n':
        raise ValueError(f'{path}: neither PNG nor PPM')
    at, packed = 8, b''
    while True:
        size, kind = struct.unpack_from('>I4s', data, at)
        body = data[at + 8:at + 8 + size]
        if kind == b'IHDR':
            width, height, depth, colour, _, _, lace = struct.unpack(
                '>IIBBBBB', body)
            if (depth, colour, lace) != (8, 2, 0):
                raise ValueError(f'{path}: not 8 bits of RGB')
        elif kind == b'IDAT':
            packed += body
        elif kind == b'IEND':
            break
        at += size + 12
    raw = zlib.decompress(packed)
    step = width * 3
    rows, above = [], bytes(step)
    for start in range(0, height * (step + 1), step + 1):
        line = bytearray(raw[start + 1:start + 1 + step])
        _FILTERS[raw[start]](line, above)
        above = bytes(line)
        rows.append(above)
    return width, height, rows


def read(path):
    """(width, height, rows of (red, green, blue))"""
    width, height, rows = read_bytes(path)
    return width, height, [list(zip(row[0::3], row[1::3], row[2::3]))
                           for row in rows]


def write_bytes(path, width, rows):
    """A PNG file of rows of bytes: red, green, blue."""
    def chunk(kind, body):
        return (struct.pack('>I', len(body)) + kind + body +
                struct.pack('>I', zlib.crc32(kind + body)))

    with open(path, 'wb') as f:
        f.write(b'\x89PNG\r\n\x1a\n' +
                chunk(b'IHDR', struct.pack('>IIBBBBB', width, len(rows), 8, 2,
                                           0, 0, 0)) +
                chunk(b'IDAT', zlib.compress(b''.join(
                    b'\0' + row for row in rows))) +
                chunk(b'IEND', b''))
