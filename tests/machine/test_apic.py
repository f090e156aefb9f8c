#!/usr/bin/env python3
"""The local APIC's timer by MSRs: x2APIC's registers and the TSC deadline.

    test_apic.py EMU ROM

ROM (apic.asm) says how many TSC ticks each took.  With -icount that is the same
to the tick by both engines, and late by a few instructions at most; in real
time it is never early.
"""
import sys

import rom

SHIFT = 5  # 32 ns an instruction, one tick a nanosecond
LATE = 100 << SHIFT
EXACT = ['-icount', f'shift={SHIFT}']
RUNS = [['-accel', 'interp', *EXACT], ['-accel', 'jit', *EXACT],
        ['-accel', 'jit']]
# At least so many ticks.
LEAST = {'O': 100000, 'P': 500000, 'D': 200000, 'A': 0}
PLAIN = {'X': (0, 0), 'N': (1,), 'M': (1,), 'S': (0x41,)}
ORDER = 'OPCDXANMSE'


def check(text, exact):
    lines = [line.split() for line in text.splitlines()]
    if ''.join(line[0] for line in lines) != ORDER:
        return ['the report is incomplete']
    said = {line[0]: tuple(int(x, 16) for x in line[1:]) for line in lines}
    bad = [f'{name}: {said[name]}, wanted {values}'
           for name, values in PLAIN.items() if said[name] != values]
    for name, least in LEAST.items():
        ticks = said[name][0]
        if ticks < least or (exact and ticks > least + LATE):
            bad.append(f'{name}: {ticks} ticks, wanted {least}')
    left = said['C'][0]
    if left > 900000 or (exact and left < 900000 - LATE):
        bad.append(f'C: {left}, wanted 900000')
    return bad


def main():
    failed = False
    texts = set()

    def judge(text):
        if exact:
            texts.add(text)
        return check(text, exact)

    for options in RUNS:
        exact = '-icount' in options
        failed |= not rom.passes(judge, ['-cpu', 'max', *options])
    if len(texts) != 1:
        print('the engines differ with -icount:', *texts, sep='\n')
        failed = True
    return failed


if __name__ == '__main__':
    sys.exit(main())
