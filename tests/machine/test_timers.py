#!/usr/bin/env python3
"""A PC's timers agree within 0.1 %, and lost ticks are made up, bounded.

    test_timers.py EMU ROM

ROM (timers.asm) runs in the place of the BIOS and says what the HPET, TSC, PM
timer, APIC's timer and counter 2 of the 8254 counted in the same time, and how
many ticks reached it.  In real time by both engines, and by instructions.
"""

import sys

import rom

HZ = {'hpet': 100e6, 'tsc': 1e9, 'pm': 3579545, 'apic': 1e9, 'pit': 1193182}
WITHIN = 0.001
# Ticks of 300 ms, of which some came late; and of 200 ms after 700 that nobody
# listened to: a quarter of a second's worth at most comes later.  A loaded host
# may be away for longer than what is made up: then the lower bounds say nothing.
LATE = range(294, 303)
BOUND = range(198, 203 + 250)
RUNS = [['-accel', 'jit'], ['-accel', 'interp'], ['-icount', 'shift=5']]


def check(text, exact):
    """What is wrong with the ROM's report; exact: no tick may be missing."""
    lines = [line.split() for line in text.splitlines()]
    bad = []
    if [line[0] for line in lines] != ['T', 'T', 'T', 'L', 'B', 'E']:
        return ['the report is incomplete']
    for line in lines[:3]:
        seconds = {name: int(count, 16) / hz for (name, hz), count
                   in zip(HZ.items(), line[1:])}
        for name, value in seconds.items():
            if abs(value / seconds['hpet'] - 1) > WITHIN:
                bad.append(f"{name}: {value:.6f} s, hpet: "
                           f"{seconds['hpet']:.6f} s")
    for line, wanted in zip(lines[3:5], (LATE, BOUND)):
        ticks = int(line[1], 16)
        if ticks >= wanted.stop or (exact and ticks < wanted.start):
            bad.append(f'{line[0]}: {ticks} ticks, wanted '
                       f'{wanted.start} to {wanted.stop - 1}')
    return bad


def main():
    good = [rom.passes(lambda text: check(text, '-icount' in options), options)
            for options in RUNS]
    return not all(good)


if __name__ == '__main__':
    sys.exit(main())
