#!/usr/bin/env python3
"""The same medium on our emulator, Debian's QEMU and Debian's Bochs, their
screens side by side.  By hand.

    tests/guests/beside.py [EMULATOR]
    tests/guests/beside.py --only grub-floppy --only screens --keep DIR
    tests/guests/beside.py --only screens --screen mode-13 --keep DIR
    tests/guests/beside.py --only amd64-gtk-cd --scale 20

At each step the screens of the three are compared dot by dot; where they
differ it says in how many, and the three are written side by side as one PNG
(--keep), with what differs from ours in red below.  A screen that blinks is
seen several times, the most alike two count.  That they differ is no failure:
a person looks at them.

Bochs runs under Xvfb, its window is what is compared; QEMU's and ours are
screendumps.  A picture that one of them shows larger by a whole factor is
compared by that factor.  Of each colour the upper six bits are compared: a
VGA's DAC has no more, and each makes eight of them in a way of its own.

Packages: qemu-system-x86 bochs bochs-x bochsbios xvfb xdotool xorriso
isolinux syslinux-common, and those of media.py and installer.py.
"""

import hashlib
import os
import pathlib
import pty
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import tty

import disk
import installer
import machine
import media
import proc
import screen
from monitor import Monitor

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import png  # noqa: E402
from desktop import Desktop  # noqa: E402

ROOT = machine.ROOT
# The mode-setting programs, and the demo's moving pictures, held still.
PROGRAMS = {'screens': 'tests/machine/screens.elf',
            'demo-still': 'tests/machine/demo_still.elf'}
BOCHS = '''\
config_interface: textconfig
display_library: x
memory: guest={memory}, host={memory}
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file={rom}
pci: enabled=1, chipset=i440fx, slot1=pcivga
vga: extension=vbe, update_freq=20, realtime=1
clock: sync=none
cpu: count=1, ips=50000000
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
log: {folder}/log
panic: action=fatal
error: action=report
info: action=report
debug: action=ignore
com1: enabled=1, mode=term, dev={line}
'''
# As ours and QEMU's, which finds no VBE on Bochs; and its own.
BOCHS_ROM = '/usr/share/seabios/vgabios-stdvga.bin'
BOCHS_VBE_ROM = '/usr/share/bochs/VGABIOS-lgpl-latest'
# Bochs' display has none.
NO_EDID = ['-vga', 'none', '-device', 'VGA,edid=off']
BOCHS_MEDIUM = {
    'fda': 'boot: floppy\nfloppya: 1_44={path}, status=inserted, '
           'write_protected=1\n',
    'cdrom': 'boot: cdrom\nata0-master: type=cdrom, path={path}, '
             'status=inserted\n',
    'disk': 'boot: disk\nata0-master: type=disk, path={path}, '
            'mode=volatile, journal={folder}/journal\n',
}
# Of its window: the border, what is above the picture, and with what is below.
BOCHS_BORDER, BOCHS_BAR, BOCHS_BARS = 4, 32, 50
X_KEYS = {'ret': 'Return', 'spc': 'space', 'esc': 'Escape', 'down': 'Down',
          'slash': 'slash', 'dot': 'period', 'f1': 'F1'}
# Prompts that wait for a moment only: answered at the first look.
HURRY = ('Press Ctrl-B', 'Press ESC')
START = 240         # seconds, of a busy host's
STILL = 10          # seconds without anything new: it is where it goes to
LOOKS = 12          # of a screen that may blink, so often
RED = b'\xff\0\0'
SIX_BITS = bytes(c & 0xfc for c in range(256))


def keys_of(data):
    """What types these bytes, as sendkey's words."""
    names = {'\r': 'ret', ' ': 'spc', '/': 'slash', '.': 'dot'}
    return [f'ctrl-{chr(96 + b)}' if b < 27 and b != 13 else
            names.get(chr(b), chr(b)) for b in data]


class Failed(Exception):
    """A machine did not come where the others did."""


class Machine:
    """One that runs: key(), look(), say(), heard() and drain()."""

    def __init__(self):
        self.text = b''
        self.line = None    # the serial one's file descriptor

    def drain(self):
        """Takes what its serial line has, which stands still else; how much."""
        if self.line is None:
            return 0
        try:
            data = os.read(self.line, 65536)
        except BlockingIOError:
            return 0
        self.text += data.replace(b'\r', b'')
        return len(data)

    def heard(self, line, seconds):
        """What its serial line said before that line."""
        wanted = line.encode() + b'\n'
        end = time.monotonic() + seconds
        while wanted not in self.text:
            if time.monotonic() > end or self.process.poll() is not None:
                raise Failed(f'no "{line}" on the serial line')
            if not self.drain():
                time.sleep(0.02)
        said, self.text = self.text.split(wanted, 1)
        return said.decode()

    def say(self, line):
        os.write(self.line, line.encode() + b'\n')

    def close(self):
        self.process.terminate()
        self.process.wait()


class Monitored(Machine):
    """Our emulator, or QEMU."""

    def __init__(self, folder, argv, way, path, memory, more=''):
        super().__init__()
        self.folder = folder
        self.errors = open(folder / 'errors', 'wb')
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(folder / 'line'))
        medium = {
            'fda': ['-snapshot', '-fda', path, '-boot', 'a'],
            # Without QEMU's lock, as ours has the same file.
            'cdrom': ['-drive', f'file={path},format=raw,media=cdrom,'
                      f'readonly=on{more}', '-boot', 'd'],
            'disk': ['-drive', f'file={path},format=raw,if=ide,'
                     f'snapshot=on{more}', '-boot', 'c'],
            'bios': ['-bios', path],
            'kernel': ['-kernel', path]}[way]
        self.process = subprocess.Popen(
            [*argv, '-M', 'pc', '-m', str(memory), '-display', 'none',
             # Beside one EDK2's shell does not start on QEMU.
             '-serial', 'null' if way == 'bios' else
             f'unix:{folder}/serial,server,nowait',
             '-monitor', f'unix:{folder}/mon,server,nowait',
             *medium],
            stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors,
            preexec_fn=proc.end_with_parent)
        end = time.monotonic() + START
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.monitor = Monitor(folder / 'mon')
                if way == 'bios':
                    return
                self.socket.connect(str(folder / 'serial'))
                break
            except OSError as err:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise Failed((folder / 'errors').read_text()) from err
                time.sleep(0.05)
        self.socket.setblocking(False)
        self.line = self.socket.fileno()

    def key(self, name):
        self.monitor.ask(f'sendkey {name}')
        time.sleep(0.12)    # as long as it is held

    def look(self):
        path = self.folder / 'look.ppm'
        self.monitor.ask(f'screendump {path}')
        return png.read_bytes(path)


class Bochs(Machine):
    def __init__(self, folder, way, path, memory, rom):
        super().__init__()
        self.desktop = Desktop(folder, '2600x1700')
        self.line, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(self.line, False)
        (folder / 'rc').write_text(
            BOCHS.format(folder=folder, memory=memory, rom=rom,
                         line=os.ttyname(slave)) +
            BOCHS_MEDIUM[way].format(path=path, folder=folder))
        with open(folder / 'errors', 'wb') as errors:
            self.process = subprocess.Popen(
                ['bochs', '-q', '-f', str(folder / 'rc')],
                stdin=subprocess.PIPE, stdout=errors, stderr=errors,
                env=self.desktop.env, preexec_fn=proc.end_with_parent)
        # Debian's has its debugger.
        self.process.stdin.write(b'c\n')
        self.process.stdin.flush()
        end = time.monotonic() + START
        while True:
            found = subprocess.run(
                ['xdotool', 'search', '--onlyvisible', '--name', '^Bochs'],
                env=self.desktop.env, capture_output=True, text=True,
                check=False).stdout.split()
            if found:
                break
            if time.monotonic() > end or self.process.poll() is not None:
                self.close()
                raise Failed((folder / 'errors').read_text()[-500:])
            time.sleep(0.1)
        self.window = found[-1]
        self.desktop.tool('windowfocus', self.window)

    def key(self, name):
        parts = [X_KEYS.get(p, p) for p in name.split('-')]
        self.desktop.tool('key', '--delay', '60', '+'.join(parts))
        time.sleep(0.2)

    def look(self):
        while True:
            where = self.desktop.geometry(self.window)
            width, height = where['WIDTH'], where['HEIGHT'] - BOCHS_BARS
            rows = self.desktop.rows((
                where['X'] + BOCHS_BORDER,
                where['Y'] + BOCHS_BORDER + BOCHS_BAR, width, height))
            if where == self.desktop.geometry(self.window):
                return width, height, rows

    def close(self):
        super().close()
        self.desktop.close()


def await_words(guest, words, seconds):
    """The picture on which they are."""
    end = time.monotonic() + seconds
    while True:
        picture = guest.look()
        text = '\n'.join(screen.lines(*picture))
        if all(w in text for w in words):
            return picture
        if time.monotonic() > end or guest.process.poll() is not None:
            raise Failed(f'no {words} on the screen:\n{text}')
        time.sleep(0.3)


def await_dialogue(guest, before, seconds):
    """A dialogue of the installer that is still there after four seconds."""
    end = time.monotonic() + seconds
    last = None
    while time.monotonic() < end:
        now = guest.look()
        if now == last and now not in before:
            width, height, rows = now
            if installer.is_question((width, height, [
                    list(zip(r[0::3], r[1::3], r[2::3])) for r in rows])):
                return
        last = now
        time.sleep(4)
    raise Failed('no dialogue')


def await_stillness(guest, said, scale):
    """It has said that on its line, and nothing new is shown any more; a cursor
    may blink."""
    end = time.monotonic() + 300 * scale
    while said not in guest.text:
        guest.drain()
        if time.monotonic() > end or guest.process.poll() is not None:
            raise Failed(f'no {said} on the serial line')
        time.sleep(0.1)
    seen, last = set(), time.monotonic()
    while time.monotonic() < last + STILL * scale:
        guest.drain()
        now = hashlib.sha1(b''.join(guest.look()[2])).digest()
        if now not in seen:
            seen.add(now)
            last = time.monotonic()
        if last > end or guest.process.poll() is not None:
            raise Failed('it does not come to rest')
        time.sleep(2)   # QEMU's lines wait while it makes a picture


def looks(guest):
    """What is seen in a second and more: each picture once."""
    out = []
    for _ in range(LOOKS):
        now = guest.look()
        if now not in out:
            out.append(now)
        time.sleep(0.1)
    return out


def looks_of_all(guests):
    """The same of all at a time, until they are alike."""
    seen = {peer: [] for peer in guests}
    for _ in range(LOOKS):
        for peer, guest in guests.items():
            now = guest.look()
            if now not in seen[peer]:
                seen[peer].append(now)
        first, *others = seen.values()
        if all(closest(first, other)[0] == 0 for other in others):
            break
        time.sleep(0.1)
    return seen


def scale(picture, width, height):
    """The same larger, where the factors are whole; None: they are not."""
    if width % picture[0] or height % picture[1]:
        return None
    across, down = width // picture[0], height // picture[1]
    if across * down == 1:
        return picture
    rows = []
    for row in picture[2]:
        if across > 1:
            wide = bytearray(len(row) * across)
            for n in range(across):
                for c in range(3):
                    wide[n * 3 + c::3 * across] = row[c::3]
            row = bytes(wide)
        rows += [row] * down
    return width, height, rows


def alike(a, b):
    """Both in one size, and how many dots differ; None: they do not fit."""
    width, height = max(a[0], b[0]), max(a[1], b[1])
    a, b = scale(a, width, height), scale(b, width, height)
    if not a or not b:
        return None
    count = 0
    wrong = []
    for row, other in zip(a[2], b[2]):
        row, other = row.translate(SIX_BITS), other.translate(SIX_BITS)
        wrong.append([] if row == other else [
            i for i in range(0, len(row), 3) if row[i:i + 3] != other[i:i + 3]])
        count += len(wrong[-1])
    return count, b, wrong


def closest(ours, theirs):
    """(dots that differ, ours, theirs) of the most alike two."""
    best = None
    for a in ours:
        for b in theirs:
            n = (alike(a, b) or [None])[0]
            if best is None or n is not None and (
                    best[0] is None or n < best[0]):
                best = n, a, b
            if n == 0:
                return best
    return best


def difference(a, b):
    """B, dark, with what is not as in A in red."""
    both = alike(a, b)
    if not both:
        return None
    _, (width, height, rows), wrong = both
    out = []
    for row, places in zip(rows, wrong):
        dark = bytearray(c // 4 for c in row)
        for i in places:
            dark[i:i + 3] = RED
        out.append(bytes(dark))
    return width, height, out


def sheet(path, pictures):
    """Side by side; below each what differs from the first."""
    below = [p and difference(pictures[0], p) for p in pictures]
    below[0] = None
    columns = [(p, d) for p, d in zip(pictures, below) if p]
    rows = []
    for level in range(2):
        high = max([c[level][1] for c in columns if c[level]], default=0)
        for y in range(high):
            row = b''
            for c in columns:
                wide = max(p[0] for p in c if p)
                line = c[level][2][y] if c[level] and y < c[level][1] else b''
                row += line.ljust(wide * 3, b'\x40') + b'\xff\xff\0' * 4
            rows.append(row)
        rows += [b'\xff\xff\0' * (len(rows[0]) // 3)] * 4
    png.write_bytes(path, len(rows[0]) // 3, rows)


def make_multiboot(folder, program):
    """A CD that starts a program by ISOLINUX."""
    root = folder / 'root'
    root.mkdir()
    shutil.copy(program, root / 'program.elf')
    for module in ('mboot.c32', 'libcom32.c32'):
        shutil.copy(media.part('syslinux-common',
                               f'usr/lib/syslinux/modules/bios/{module}'), root)
    return str(media.make_cd(folder, root, 'default mboot.c32 program.elf\n'))


def installer_cd(name):
    return lambda folder: str(installer.make_cd(folder, name))


def of_media(name, way):
    """A case of media.py."""
    make, _, turns = media.CASES[name]
    return way, make, [(words, keys_of(keys)) for words, keys in turns], {}


# Name: how it is given, its medium, steps (words that must be on the screen, or
# none for a dialogue; or bytes that the serial line says before nothing new
# comes; then keys), and more.
CASES = {
    'grub-floppy': of_media('grub-floppy', 'fda'),
    'grub-cd': of_media('grub-cd', 'cdrom'),
    'isolinux': of_media('isolinux', 'cdrom'),
    'ipxe-cd': of_media('ipxe-cd', 'cdrom'),
    'ipxe-lkrn': of_media('ipxe-lkrn', 'kernel'),
    'memtest-x64': ('cdrom', media.CASES['memtest-x64'][0],
                    [(['Memtest86+', 'Test #2'], [])], {}),
    'memtest-ia32': ('cdrom', media.CASES['memtest-ia32'][0],
                     [(['Memtest86+', 'Test #2'], [])], {}),
    'boot-menu': ('cdrom', media.make_isolinux,
                  [(['Press ESC'], ['esc']), (['Select boot device'], [])],
                  {'options': ['-boot', 'menu=on,splash-time=5000']}),
    'demo': ('cdrom',
             lambda f: make_multiboot(f, ROOT / 'roms/x86/demo.elf'),
             [(['Processor', 'Type a key'], ['1']),
              (['80 columns, 25 rows'], ['esc', '7']),
              (['Keyboard', 'scan code'], ['q', 'shift-q', 'f1']),
              (['10         51  Q', '3B'], ['esc', 'esc', '8']),
              (['column 40, row 12'], [])], {}),
    # To EDK2's shell, which has its own graphical console.
    'ovmf': ('bios', lambda _: media.part('ovmf', 'usr/share/ovmf/OVMF.fd'),
             [(b'', [])], {'memory': 512}),
    # GRUB's menu, then the login on the console.
    **{f'debian-{arch}': ('disk', lambda _, a=arch: str(disk.debian(a)),
                          [(['GNU GRUB'], ['ret']), (b'guest login: ', [])],
                          {'memory': 1024, 'vbe': True})
       for arch in disk.KERNELS},
    **{name: ('cdrom', installer_cd(name), [([], ['ret']), ([], [])],
              {'memory': 1024, 'vbe': True})
       for name in installer.NAMES if name.endswith('cd')},
}
LONG = ('memtest-x64', 'memtest-ia32', *(f'debian-{a}' for a in disk.KERNELS),
        *(n for n in installer.NAMES if n.endswith('cd')))


def machines(args):
    """Name: what starts it, of (folder, way, path, more)."""
    def options(more):
        return more.get('options', []) + NO_EDID * more.get('vbe', False)

    def ours(folder, way, path, more):
        argv = [machine.find_emulator(args.emulator), *args.options,
                *options(more)]
        return Monitored(folder, argv, way, path, more.get('memory', 64))

    def qemu(folder, way, path, more):
        argv = ['qemu-system-x86_64', '-accel', 'tcg', '-nic', 'none',
                *options(more)]
        return Monitored(folder, argv, way, path, more.get('memory', 64),
                         ',file.locking=off')

    def bochs(folder, way, path, more):
        if way not in BOCHS_MEDIUM or 'options' in more:
            raise Failed('not there')
        rom = args.bochs_rom or (
            BOCHS_VBE_ROM if 'vbe' in more else BOCHS_ROM)
        return Bochs(folder, way, path, more.get('memory', 64), rom)

    return {'emu': ours, 'qemu': qemu, 'bochs': bochs}


def compare(args, name, seen):
    """Prints and keeps what the machines showed: {machine: looks}."""
    ours = seen.get('emu')
    if not ours:
        return
    said, pictures = [], [ours[0]]
    for peer, theirs in seen.items():
        if peer == 'emu':
            continue
        count, mine, other = closest(ours, theirs)
        if not said:
            pictures[0] = mine
        pictures.append(other)
        if count is None:
            said.append(f'{peer} {other[0]}x{other[1]} for '
                        f'{mine[0]}x{mine[1]}')
        else:
            said.append(f'{peer} {count} of {max(mine[0], other[0])}x'
                        f'{max(mine[1], other[1])}')
    print(f'{name}: {", ".join(said)}', flush=True)
    if args.keep:
        sheet(f'{args.keep}/{name}.png', pictures)


def run(args, report, name, folder):
    way, make, steps, more = CASES[name]
    path = make(folder)
    if path is None:
        report.skip(name, 'no xorriso')
        return
    seen = [{} for _ in steps]
    for peer, start in machines(args).items():
        if args.machine and peer not in args.machine:
            continue
        (folder / peer).mkdir()
        guest = None
        try:
            guest = start(folder / peer, way, path, more)
            before = []
            for n, (words, keys) in enumerate(steps):
                if isinstance(words, bytes):
                    await_stillness(guest, words, args.scale)
                elif words:
                    before = [await_words(guest, words, 90 * args.scale)]
                else:
                    await_dialogue(guest, before, 150 * args.scale)
                if not any(w in HURRY for w in words):
                    before = looks(guest)
                seen[n][peer] = before
                for key in keys:
                    guest.key(key)
            report.check(f'{name}, {peer}', True)
        except Failed as err:
            if guest:
                report.check(f'{name}, {peer}', False, str(err))
            else:
                report.skip(f'{name}, {peer}', str(err))
        finally:
            if guest:
                guest.close()
    for n, pictures in enumerate(seen):
        compare(args, f'{name}-{n + 1}', pictures)


def run_screens(args, report, what, folder):
    """Each screen of one of PROGRAMS, on all three at once."""
    program = pathlib.Path(machine.find_emulator(args.emulator)).resolve()
    path = make_multiboot(folder, program.parent / PROGRAMS[what])
    guests = {}
    try:
        for peer, start in machines(args).items():
            if args.machine and peer not in args.machine:
                continue
            (folder / peer).mkdir()
            try:
                guests[peer] = start(folder / peer, 'cdrom', path, {})
            except Failed as err:
                report.skip(f'{what}, {peer}', str(err))
        names = []
        for peer, guest in guests.items():
            guest.heard('screens ready', 90 * args.scale)
            guest.say('list')
            names = guest.heard('list ready', 60).split()
        for name in names:
            if args.screen and name not in args.screen or \
                    name.startswith(('cga-', 'hgc-')):
                continue
            for peer, guest in guests.items():
                guest.say(name)
                try:
                    guest.heard(f'{name} ready', 60 * args.scale)
                except Failed as err:
                    raise Failed(f'{peer}: {err}') from err
            time.sleep(0.3)     # until Bochs' window shows it
            compare(args, name, looks_of_all(guests))
        report.check(what, True)
    except Failed as err:
        report.check(what, False, str(err))
    finally:
        for guest in guests.values():
            guest.close()


def main():
    parser = machine.parser(__doc__)
    parser.add_argument('--only', action='append',
                        choices=[*PROGRAMS, *CASES])
    parser.add_argument('--all', action='store_true',
                        help='what takes long, too')
    parser.add_argument('--screen', action='append', metavar='NAME',
                        help='of the mode-setting programs')
    parser.add_argument('--machine', action='append',
                        choices=['emu', 'qemu', 'bochs'])
    parser.add_argument('--bochs-rom', metavar='FILE',
                        help="Bochs' video BIOS; VBE wants its own, "
                        + BOCHS_VBE_ROM)
    parser.add_argument('--keep', metavar='DIR',
                        help='leave the sheets in DIR')
    args = parser.parse_args()
    for program in ('qemu-system-x86_64', 'bochs', 'Xvfb', 'xdotool',
                    'xorriso'):
        if not shutil.which(program):
            sys.exit(f'no {program} here')
    report = proc.Report('beside')
    if args.keep:
        os.makedirs(args.keep, exist_ok=True)
    for name in args.only or [*PROGRAMS, *CASES]:
        if name in LONG and not args.only and not args.all:
            continue
        with tempfile.TemporaryDirectory(dir='/var/tmp') as folder:
            if name in PROGRAMS:
                run_screens(args, report, name, pathlib.Path(folder))
            else:
                run(args, report, name, pathlib.Path(folder))
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
