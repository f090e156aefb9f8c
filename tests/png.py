"""Reads the PNG files that the emulator writes: 8 bits a colour, no alpha."""

import struct
import zlib


def _predict(kind, left, up, corner):
    """PNG (ISO 15948), 9.2: what a filtered byte is to be added to."""
    if kind == 0:
        return 0
    if kind == 1:
        return left
    if kind == 2:
        return up
    if kind == 3:
        return (left + up) // 2
    guess = left + up - corner
    return min((left, up, corner), key=lambda v: abs(guess - v))


def read(path):
    """(width, height, rows of (red, green, blue))"""
    with open(path, 'rb') as f:
        data = f.read()
    if data[:8] != b'\x89PNG\r\n\x1a\n':
        raise ValueError(f'{path}: no PNG file')
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
    rows, before = [], bytes(width * 3)
    for y in range(height):
        start = y * (width * 3 + 1)
        kind, line = raw[start], bytearray(raw[start + 1:start + 1 + width * 3])
        for i, byte in enumerate(line):
            left, corner = (line[i - 3], before[i - 3]) if i >= 3 else (0, 0)
            line[i] = byte + _predict(kind, left, before[i], corner) & 255
        rows.append([tuple(line[i:i + 3]) for i in range(0, width * 3, 3)])
        before = line
    return width, height, rows
