#!/usr/bin/env python3
"""Two processors and LOCK: test_lock.py EMU ROM.

Both do each of ROM's operations (lock.asm) so many times on the same memory,
aligned or not, and none may be lost: by either engine, in real time and in
turn.
"""
import sys

import rom

MANY, FEW = 100000, 10000
WANT = {
    'add': 2 * MANY,
    'xadd': 2 * MANY,
    'old': sum(range(2 * MANY)),
    'cmpxchg': 2 * MANY,
    'bts': 2 * (MANY // 10),
    'btr': 0,
    'near': (MANY & 0xff) * 0x101 | (MANY & 0xffff) * 0x10001 << 32,
    'low': 2 * MANY,
    'high': 6 * MANY,
    'odd': 2 * FEW,
    'cross': 2 * FEW,
    'xchg': 2 * FEW,
    'overlap': MANY // 2 + (FEW << 16),
}
RUNS = [['-accel', 'interp'], ['-accel', 'jit'],
        ['-accel', 'jit', '-icount', '3']]


def check(text):
    lines = [line.split() for line in text.splitlines()]
    got = {line[0]: int(line[1], 16) for line in lines if len(line) == 2}
    return [f'{name}: {got.get(name)}, wanted {value}'
            for name, value in WANT.items() if got.get(name) != value]


def main():
    return not all([rom.passes(check, ['-cpu', 'max', '-smp', '2', *options])
                    for options in RUNS])


if __name__ == '__main__':
    sys.exit(main())
