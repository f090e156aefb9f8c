#!/usr/bin/env python3
"""Boots a PC from floppies and CDs as distributions have them, to a prompt
that answers.

    tests/guests/media.py [EMULATOR]
    tests/guests/media.py --only grub-cd --accel interp --keep DIR

GRUB's rescue floppy and CD, ISOLINUX on a CD made here, iPXE from its CD and
by -kernel; memtest86+ from its CDs, all tests but bit fade on 8 MB, only by
name or with --all.  What is on the VGA's screen is read out of the monitor's
screendump.  Keys go in by the serial line, which SeaBIOS listens to.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import machine
import proc
import screen
from console import Console, ConsoleError

ISOLINUX_CFG = '''\
say This CD was made for a test
prompt 1
'''


def part(package, path):
    """A file of a Debian package."""
    return str(machine.package('bookworm', 'amd64', package) / path)


def make_cd(folder, root, config):
    """A CD of what is in the folder root, started by ISOLINUX."""
    for package, path in (
            ('isolinux', 'usr/lib/ISOLINUX/isolinux.bin'),
            ('syslinux-common', 'usr/lib/syslinux/modules/bios/ldlinux.c32')):
        shutil.copy(part(package, path), root)
    (root / 'isolinux.cfg').write_text(config)
    cd = folder / 'isolinux.iso'
    subprocess.run(
        ['xorriso', '-as', 'mkisofs', '-quiet', '-o', str(cd), '-b',
         'isolinux.bin', '-c', 'boot.cat', '-no-emul-boot', '-boot-load-size',
         '4', '-boot-info-table', str(root)],
        check=True, stdin=subprocess.DEVNULL, capture_output=True)
    return cd


def make_isolinux(folder):
    """A CD with ISOLINUX and nothing to boot; None without xorriso."""
    if not shutil.which('xorriso'):
        return None
    root = folder / 'root'
    root.mkdir()
    return str(make_cd(folder, root, ISOLINUX_CFG))


# Name: its medium (of the scratch folder), options, and turns: what the
# screen must show, then what is typed.
CASES = {
    'grub-floppy': (
        lambda _: part('grub-rescue-pc',
                       'usr/lib/grub-rescue/grub-rescue-floppy.img'),
        ['-M', 'pc', '-snapshot', '-fda', 'MEDIUM'],
        [(['GNU GRUB', 'Microsoft Windows'], b'c'),
         (['grub> '], b'ls\r'), (['(fd0)'], b'')]),
    'grub-cd': (
        lambda _: part('grub-rescue-pc',
                       'usr/lib/grub-rescue/grub-rescue-cdrom.iso'),
        ['MEDIUM'],
        [(['GNU GRUB', 'Microsoft Windows'], b'c'),
         (['grub> '], b'ls\r'), (['(cd)'], b'')]),
    'isolinux': (
        make_isolinux, ['-M', 'pc', '-cdrom', 'MEDIUM', '-boot', 'd'],
        [(['ISOLINUX', 'This CD was made for a test', 'boot:'], b'nothing\r'),
         (['nothing... failed: No such file'], b'')]),
    'ipxe-cd': (
        lambda _: part('ipxe', 'usr/lib/ipxe/ipxe.iso'),
        ['-M', 'pc', '-drive', 'file=MEDIUM,if=ide,index=3,media=cdrom'],
        [(['iPXE', 'Press Ctrl-B'], b'\x02'), (['iPXE>'], b'show version\r'),
         (['builtin/version'], b'')]),
    'ipxe-lkrn': (
        lambda _: part('ipxe', 'boot/ipxe.lkrn'),
        ['-M', 'pc', '-kernel', 'MEDIUM'],
        [(['iPXE', 'Press Ctrl-B'], b'\x02'), (['iPXE>'], b'show version\r'),
         (['builtin/version'], b'')]),
    'memtest-x64': (
        lambda _: part('memtest86+',
                       'usr/lib/memtest86+/memtest86+x64.iso'),
        ['MEDIUM', '-m', '8'],
        # The eleventh, which waits for bits to fade, comes last.
        [(['Memtest86+', 'Test #10', 'Errors: 0'], b'')]),
    'memtest-ia32': (
        lambda _: part('memtest86+',
                       'usr/lib/memtest86+/memtest86+ia32.iso'),
        ['MEDIUM', '-m', '8'],
        # The eleventh, which waits for bits to fade, comes last.
        [(['Memtest86+', 'Test #10', 'Errors: 0'], b'')]),
}
BY_NAME = ('memtest-x64', 'memtest-ia32')


def run(args, report, name, accel, folder, log):
    medium, options, turns = CASES[name]
    what = f'{name}, {accel}'
    path = medium(folder)
    if path is None:
        report.skip(what, 'no xorriso')
        return
    argv = [machine.find_emulator(args.emulator),
            *(o.replace('MEDIUM', path) for o in options), '-nographic',
            '-accel', accel, *args.options]
    shot = (pathlib.Path(args.keep) if args.keep else folder) / \
        f'{name}-{accel}.{"png" if args.keep else "ppm"}'
    try:
        with Console(argv, log) as console:
            for words, keys in turns:
                lines, good = screen.wait(console, shot, words,
                                          90 * args.scale)
                if not good:
                    report.check(f'{what}: {words[-1]}', False,
                                 '\n' + '\n'.join(lines))
                    return
                console.send(keys)
            report.check(f'{what}: {turns[-1][0][-1]}', True)
    except (ConsoleError, OSError) as err:
        report.check(what, False, str(err))


def main():
    parser = machine.parser(__doc__)
    parser.add_argument('--only', action='append', choices=list(CASES))
    parser.add_argument('--all', action='store_true',
                        help='what takes long, too')
    parser.add_argument('--accel', action='append', metavar='NAME',
                        help='default: jit and interp')
    parser.add_argument('--keep', metavar='DIR', help='leave screens in DIR')
    args = parser.parse_args()
    report = proc.Report('media')
    log = machine.open_log(args)
    if args.keep:
        os.makedirs(args.keep, exist_ok=True)
    for name in args.only or CASES:
        if name in BY_NAME and not args.only and not args.all:
            continue
        with tempfile.TemporaryDirectory() as folder:
            for n, accel in enumerate(args.accel or ['jit', 'interp']):
                (pathlib.Path(folder) / str(n)).mkdir()
                run(args, report, name, accel,
                    pathlib.Path(folder) / str(n), log)
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
