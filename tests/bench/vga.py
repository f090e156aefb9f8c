#!/usr/bin/env python3
"""How fast a VGA's registers and memory answer, beside QEMU.

    tests/bench/vga.py [EMULATOR]
    tests/bench/vga.py --pairs 5 --options '-accel interp'

A boot sector stores to and loads from planar memory in each write mode, stores
to text, and reads 3DA.  Taken is processor time, of all the emulator's threads,
from mark to mark on the serial line; a ratio is our time over the reference's,
the median over the pairs.  Needs nasm and qemu-system-x86.
"""

import argparse
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / 'guests')]

import proc  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ACCESSES = 1 << 20
CASES = {
    'a': 'store, write mode 0',
    'b': 'store, write mode 1',
    'c': 'store, write mode 2',
    'd': 'store, write mode 3',
    'e': 'load',
    'f': 'load and store, mode 3',
    'g': 'REP STOSB',
    'h': 'REP MOVSB by latches',
    'i': 'text, stores of 16 bits',
    'j': 'IN 3DA, 640x480',
    'k': 'IN 3DA, text',
}
MACHINE = ['-M', 'pc', '-m', '32', '-vga', 'std', '-display', 'none',
           '-monitor', 'none', '-serial', 'stdio', '-net', 'none', '-snapshot']


def seconds(pid):
    """Processor time of its threads so far."""
    total = 0
    for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
        try:
            total += int((task / 'schedstat').read_text().split()[0])
        except FileNotFoundError:  # it has ended
            pass
    return total / 1e9


def measure(command):
    """Nanoseconds of an access, by case."""
    times, begun = {}, {}
    with subprocess.Popen(command, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, bufsize=0,
                          preexec_fn=proc.end_with_parent) as emu:
        try:
            while True:
                mark = os.read(emu.stdout.fileno(), 1).decode()
                now = seconds(emu.pid)
                if not mark:
                    sys.exit(f'{command[0]}: ended early')
                if mark == '.':
                    return times
                if mark in begun:
                    times[mark] = (now - begun[mark]) / ACCESSES * 1e9
                elif mark in CASES:
                    begun[mark] = now
        finally:
            emu.kill()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('emulator', nargs='?',
                        default=str(HERE.parents[1] / 'build/emu'))
    parser.add_argument('--reference', default='qemu-system-x86_64')
    parser.add_argument('--pairs', type=int, default=3)
    parser.add_argument('--options', default='-accel jit',
                        help="for the emulator; default '%(default)s'")
    args = parser.parse_args()
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        image = f'{folder}/image'
        subprocess.run(['nasm', '-f', 'bin', '-o', image,
                        str(HERE / 'vga.asm')], check=True)
        os.truncate(image, 65536)
        drive = ['-drive', f'file={image},format=raw,if=ide']
        for _ in range(args.pairs):
            runs.append((
                measure([args.emulator, *MACHINE, *drive,
                         *shlex.split(args.options)]),
                measure([args.reference, *MACHINE, *drive, '-accel', 'tcg'])))
    print(f'{"ns an access":26}{"ours":>8}{"theirs":>8}{"ratio":>8}')
    for case, name in CASES.items():
        ours, theirs = (statistics.median(r[i][case] for r in runs)
                        for i in (0, 1))
        ratio = statistics.median(r[0][case] / r[1][case] for r in runs)
        print(f'{name:26}{ours:8.1f}{theirs:8.1f}{ratio:8.2f}')


if __name__ == '__main__':
    main()
