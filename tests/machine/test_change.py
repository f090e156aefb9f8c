#!/usr/bin/env python3
"""Media are changed while a guest reads them.

    test_change.py EMU FLOPPY CD

FLOPPY and CD (change.asm) are boot sectors that read for ever.  Where the
package seabios is not installed the test is skipped.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import test_seabios
import test_storage

ROUNDS = 6
MARK = 'Booting from 0000:7c00\n'


def disc(code, letter):
    """Both boot; all else of them is a letter."""
    start = test_storage.compact_disc(code[:510].hex())[:25 * 2048]
    return start.ljust(100 * 2048, letter)


def floppy(_, letter):
    return letter * (1440 << 10)


# The monitor's name of the drive, arguments, what makes its media.
RUNS = [
    ('floppy0', ['-hda', 'boot', '-boot', 'c', '-fda', 'A'], floppy),
    ('ide1-cd0', ['-cdrom', 'A', '-boot', 'd'], disc),
]


class Guest:
    def __init__(self, process, log):
        self.process, self.log = process, log

    def said(self):
        text = self.log.read_text(errors='replace')
        return text[text.index(MARK) + len(MARK):] if MARK in text else ''

    def wait_for(self, letter):
        test_seabios.wait_for(self.process, self.log, f'(?s){MARK}.*{letter}$')
        return self.said().endswith(letter)

    def command(self, text):
        self.process.stdin.write(text + '\n')
        self.process.stdin.flush()


def changes(guest, drive):
    """What is read is what is in the drive, and nothing when it is empty."""
    good = guest.wait_for('A')
    for n in range(ROUNDS):
        letter = 'BA'[n % 2]
        guest.command(f'change {drive} {letter}')
        good = good and guest.wait_for(letter)
    guest.command(f'eject {drive}')
    good = good and guest.wait_for('-')
    guest.command(f'change {drive} B')
    return good and guest.wait_for('B') and '?' not in guest.said()


def run(emu, code, drive, args, make, folder):
    (folder / 'boot').write_bytes(code.ljust(1 << 20, b'\0'))
    for letter in 'AB':
        (folder / letter).write_bytes(make(code, letter.encode()))
    log = folder / f'{drive}.log'
    with subprocess.Popen(
            [emu, '-M', 'pc', '-m', '64', '-accel', 'interp', '-display',
             'none', '-serial', 'none', '-monitor', 'stdio', *args,
             *test_seabios.debug_port(log)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, cwd=folder) as p:
        guest = Guest(p, log)
        good = changes(guest, drive)
        heard = p.communicate('quit\n')[0]
    if not good or p.returncode or 'failed' in heard:
        print(f'{drive}: {guest.said()!r}\n{log.read_text()}{heard}')
        return False
    return True


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__.strip())
    if not os.path.exists(test_seabios.BIOS):
        print('no seabios: skipped')
        sys.exit(77)
    emu = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        good = [run(emu, pathlib.Path(code).read_bytes(), *case,
                    pathlib.Path(name))
                for code, case in zip(sys.argv[2:], RUNS)]
    sys.exit(not all(good))


if __name__ == '__main__':
    main()
