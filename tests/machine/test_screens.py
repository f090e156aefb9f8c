#!/usr/bin/env python3
"""Screens of the PC's display: each mode and effect, as stored PNG files.

    test_screens.py EMU PROGRAM [-n NAME] [-k FOLDER] [OPTION ...]

PROGRAM (screens/) shows each of its screens; the monitor's screendump must be
the picture in screens/png/, pixel by pixel.  Screens that move have several
pictures, NAME.1.png and so on: all of them must be seen, and nothing else.

-k keeps what is seen as NAME.png, or NAME.1.png and so on, in FOLDER: to make
the stored files, after a look at each.  OPTION goes to the emulator.  Where the
package seabios is not installed the test is skipped.
"""

import argparse
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import png  # noqa: E402

STORED = pathlib.Path(__file__).parent / 'screens/png'
BIOS = '/usr/share/seabios/bios-256k.bin'
LIMIT = 120  # seconds for a screen, on a loaded host

# -vga, and a board that has it.
CARDS = {'std': 'pc', 'cga': 'isapc', 'cga-composite': 'isapc',
         'hercules': 'isapc'}


def card_of(name):
    return {'cga': 'cga', 'ntsc': 'cga-composite',
            'hgc': 'hercules'}.get(name.split('-')[0], 'std')


# A screen that shows the same as another.
SAME = {
    'mode-0': 'mode-1', 'regs-1': 'mode-1', 'mode-2': 'mode-3',
    'regs-3': 'mode-3', 'mode-5': 'mode-4',
    'regs-4': 'mode-4', 'regs-6': 'mode-6', 'regs-d': 'mode-d',
    'regs-10': 'mode-10', 'regs-12': 'mode-12', 'regs-13': 'mode-13',
    'false-start': 'x-320x240',
    **{f'linear-{m}': f'banks-{m}' for m in (
        '640x8', '640x15', '640x16', '640x24', '640x32', '800x16', '1024x8',
        '1280x24')},
}


class Guest:
    def __init__(self, command, folder):
        self.socket_path = os.path.join(folder, 'monitor')
        self.errors = open(os.path.join(folder, 'errors'), 'w+b')
        self.process = subprocess.Popen(
            [*command, '-display', 'none', '-serial', 'stdio',
             '-monitor', f'unix:{self.socket_path},server,nowait'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.text = b''
        try:
            self.start()
        except BaseException:
            self.process.kill()
            raise

    def start(self):
        self.wait_for('screens ready')
        self.monitor = socket.socket(socket.AF_UNIX)
        self.monitor.settimeout(LIMIT)
        self.monitor.connect(self.socket_path)
        self._answer()

    def wait_for(self, line):
        end = time.monotonic() + LIMIT
        wanted = line.encode() + b'\n'
        while wanted not in self.text:
            if self.process.poll() is not None or time.monotonic() > end:
                self.errors.seek(0)
                sys.exit(f'no "{line}": {self.text} {self.errors.read()}')
            data = self.process.stdout.read()
            self.text += (data or b'').replace(b'\r', b'')
            if not data:
                time.sleep(0.005)
        said, self.text = self.text.split(wanted, 1)
        return said.decode()

    def say(self, line):
        self.process.stdin.write(line.encode() + b'\n')
        self.process.stdin.flush()

    def show(self, name):
        self.say(name)
        self.wait_for(f'{name} ready')

    def names(self):
        self.say('list')
        return self.wait_for('list ready').split()

    def _answer(self):
        text = b''
        while not text.endswith(b') '):
            data = self.monitor.recv(4096)
            if not data:
                sys.exit(f'the monitor ends: {text}')
            text += data
        return text

    def command(self, line):
        self.monitor.sendall(line.encode() + b'\n')
        return self._answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.monitor.close()
        self.process.terminate()
        self.process.wait()


def seen(file, pictures):
    """Which of PICTURES file shows.  libpng makes the same file of the same
    picture, as a rule; to read one takes a second."""
    data = file.read_bytes()
    for p in pictures:
        if p.read_bytes() == data:
            return p
    shown = png.read(file)
    for p in pictures:
        if png.read(p) == shown:
            return p
    return None


def wanted(name):
    name = SAME.get(name, name)
    one = STORED / f'{name}.png'
    if one.exists():
        return [one]
    return sorted(STORED.glob(f'{name}.[0-9].png'))


def check(guest, name, folder):
    """All of its pictures are seen, and no other."""
    left = {p: True for p in wanted(name)}
    if not left:
        return 'no stored picture'
    file = pathlib.Path(folder) / f'{name}.png'
    end = time.monotonic() + LIMIT
    while any(left.values()) and time.monotonic() < end:
        guest.command(f'screendump {file}')
        found = seen(file, left)
        if not found:
            return 'the picture is none of the stored ones'
        left[found] = False
    missing = [p.name for p, still in left.items() if still]
    return f'{", ".join(missing)} not seen' if missing else ''


def keep(guest, name, folder):
    """Every picture there is in a while."""
    file = folder / 'now.png'
    seen = []
    end = time.monotonic() + 9
    while time.monotonic() < end:
        guest.command(f'screendump {file}')
        data = file.read_bytes()
        if data not in seen:
            seen.append(data)
    file.unlink()
    for n, data in enumerate(seen):
        number = f'.{n + 1}' if len(seen) > 1 else ''
        (folder / f'{name}{number}.png').write_bytes(data)
    return f'{len(seen)} kept'


def run(args, card, options, folder):
    """How many of a card's screens are wrong."""
    names = args.name and [n for n in args.name if card_of(n) == card]
    if names == []:
        return 0
    bad = 0
    with Guest([args.emu, '-M', CARDS[card], '-m', '64', '-vga', card,
                '-icount', 'shift=4', '-kernel', args.program,
                *options], folder) as guest:
        for name in names or guest.names():
            if card_of(name) != card:
                continue
            guest.show(name)
            if args.keep:
                print(name, keep(guest, name, args.keep), flush=True)
                continue
            wrong = check(guest, name, folder)
            if wrong:
                print(f'{name}: {wrong}')
            bad += bool(wrong)
    return bad


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('emu')
    parser.add_argument('program')
    parser.add_argument('-n', '--name', action='append')
    parser.add_argument('-k', '--keep', type=pathlib.Path)
    args, options = parser.parse_known_args()
    if not os.path.exists(BIOS):
        print('no seabios: skipped')
        sys.exit(77)
    bad = 0
    for card in CARDS:
        with tempfile.TemporaryDirectory() as folder:
            bad += run(args, card, options, folder)
    sys.exit(bad != 0)


if __name__ == '__main__':
    main()
