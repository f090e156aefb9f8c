#!/usr/bin/env python3
"""Debian 12's installers on a PC, to their first question and the next.

    tests/guests/installer.py [EMULATOR]
    tests/guests/installer.py --only amd64-gtk-cd --accel interp --keep DIR
    tests/guests/installer.py --only 11-i386-text-cd        Debian 11's

For amd64 and i386, as text and graphical, each by -kernel and from a CD that
is made here with ISOLINUX and the package's own menu.  All draw on a VESA
frame buffer.  With --peer qemu-system-x86_64 the pictures must be those that
the same CD or kernel gives there.

Packages: debian-installer-12-netboot-amd64 and -i386 (by name 11's, and
13's, which has no i386), isolinux, syslinux-common, xorriso.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import machine
import media
import proc
import screen
from console import Console, ConsoleError

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import png  # noqa: E402

NAMES = [f'{arch}-{kind}-{way}' for arch in ('amd64', 'i386')
         for kind in ('text', 'gtk') for way in ('kernel', 'cd')]
SUITES = {'11': 'bullseye', '12': 'bookworm', '13': 'trixie'}
BY_NAME = [*(f'11-{n}' for n in NAMES),
           *(f'13-{n}' for n in NAMES if n.startswith('amd64'))]
# Columns that are not compared: how long GTK draws it depends on how many of
# the list's rows it has measured by then, on one emulator from run to run.
SCROLL_BAR = range(1244, 1259)
MENU = '''\
path debian-installer/{arch}/boot-screens/
include debian-installer/{arch}/boot-screens/menu.cfg
default debian-installer/{arch}/boot-screens/vesamenu.c32
prompt 0
timeout 30
ontimeout install
'''


def parts(name):
    """Debian's release, architecture, kind and way."""
    *release, arch, kind, way = name.split('-')
    return (release or ['12'])[0], arch, kind, way


def images(name):
    """The package's folder with kernel, initramfs and boot menu."""
    release, arch, kind, _ = parts(name)
    return (machine.package(SUITES[release], 'amd64',
                            f'debian-installer-{release}-netboot-{arch}') /
            f'usr/lib/debian-installer/images/{release}/{arch}/{kind}')


def make_cd(folder, name):
    _, arch, _, _ = parts(name)
    root = folder / 'root'
    shutil.copytree(images(name) / 'debian-installer',
                    root / 'debian-installer')
    return media.make_cd(folder, root, MENU.format(arch=arch))


def options(folder, name):
    _, arch, _, way = parts(name)
    if way == 'cd':
        return ['-cdrom', str(make_cd(folder, name)), '-boot', 'd']
    files = images(name) / 'debian-installer' / arch
    return ['-kernel', str(files / 'linux'), '-initrd',
            str(files / 'initrd.gz'), '-append', 'vga=788 --- quiet']


def settled(console, path, other, seconds):
    """The picture, when it is the same after four seconds, and not `other`;
    None: it never was."""
    path = pathlib.Path(path)
    end = time.monotonic() + seconds
    last = None
    while time.monotonic() < end:
        screen.command(console, f'screendump {path}', 60)
        data = path.read_bytes()
        if data == last:
            picture = png.read(path)
            if is_question(picture) and picture != other:
                return picture
        last = data
        time.sleep(4)
    return None


def is_question(picture):
    """Is it a dialogue, and neither a console with the kernel's words, which
    is mostly black, nor an empty window?"""
    width, height, rows = picture
    rows = rows[height // 4:]
    bright = sum(max(c) > 100 for row in rows for c in row)
    edges = sum(a != b for row in rows for a, b in zip(row, row[1:]))
    return width >= 800 and bright > width * len(rows) // 2 and edges > 4000


def questions(args, emulator, options_, shot, log, accel=()):
    """Pictures of the first question, and of the one after an answer."""
    argv = [emulator, '-M', 'pc', '-m', '1024', '-nographic', *accel,
            *options_]
    with Console(argv, log) as console:
        first = settled(console, f'{shot}-1.png', None, 150 * args.scale)
        if not first:
            raise ConsoleError('no first question')
        screen.command(console, 'sendkey ret')
        second = settled(console, f'{shot}-2.png', first, 30 * args.scale)
        if not second:
            raise ConsoleError('no second question')
    return first, second


def differ(a, b):
    """How many dots differ; None: they are not of one size."""
    if a[:2] != b[:2]:
        return None
    return sum(p != q for row, other in zip(a[2], b[2])
               for x, (p, q) in enumerate(zip(row, other))
               if x not in SCROLL_BAR)


def run(args, report, name, folder, log):
    shot = pathlib.Path(args.keep or folder) / name
    accel = ['-accel', args.accel] if args.accel else []
    try:
        given = options(folder, name)
        ours = questions(args, machine.find_emulator(args.emulator),
                         args.options + given, shot, log, accel)
        report.check(f'{name}: two questions', True)
        if not args.peer:
            return
        peer = machine.find_emulator(args.peer)
        theirs = questions(args, peer, given, f'{shot}-peer', log)
        for n, (a, b) in enumerate(zip(ours, theirs)):
            report.check(f'{name}: picture {n + 1} as on the peer',
                         differ(a, b) == 0, f'{differ(a, b)} dots differ')
    except (ConsoleError, OSError, subprocess.CalledProcessError) as err:
        report.check(name, False, str(err))


def main():
    parser = machine.parser(__doc__)
    parser.add_argument('--only', action='append',
                        choices=[*NAMES, *BY_NAME])
    parser.add_argument('--accel', metavar='NAME')
    parser.add_argument('--peer', metavar='EMULATOR',
                        help='qemu-system-x86_64: compare the pictures')
    parser.add_argument('--keep', metavar='DIR', help='leave screens in DIR')
    args = parser.parse_args()
    report = proc.Report('installer')
    log = machine.open_log(args)
    if args.keep:
        os.makedirs(args.keep, exist_ok=True)
    for name in args.only or NAMES:
        if name.endswith('cd') and not shutil.which('xorriso'):
            report.skip(name, 'no xorriso')
            continue
        with tempfile.TemporaryDirectory(dir='/var/tmp') as folder:
            run(args, report, name, pathlib.Path(folder), log)
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
