#!/usr/bin/env python3
"""Boots a PC from floppies, disks and CDs as distributions have them, to a
prompt that answers.

    tests/guests/media.py [EMULATOR]
    tests/guests/media.py --only grub-cd --accel interp --keep DIR
    tests/guests/media.py --all

GRUB 2 and 0.97, SYSLINUX, ISOLINUX, MEMDISK, iPXE and more, from media that
packages hold or bootdisk.py makes; what takes longer, or comes from an older
release, only by name or with --all.  What is on the VGA's screen is read out
of the monitor's screendump.  Keys go in by the serial line, which SeaBIOS
listens to, or by the monitor's sendkey.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import bootdisk
import machine
import proc
import screen
from bootdisk import part
from console import Console, ConsoleError

ISOLINUX_CFG = '''\
say This CD was made for a test
prompt 1
'''


def old_part(package, path):
    """A file of a package that bookworm has no longer."""
    return str(machine.package('bullseye', 'amd64', package) / path)


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


LEGACY_TURNS = [(['GNU GRUB  version 0.97', 'grub> '], b'geometry (fd0)\r'),
                (['drive 0x0: C/H/S = 80/2/18'], b'')]
GRUB_DISK = [(['grub rescue> '], b'ls\r'), (['(hd0)'], b'')]
SYSLINUX_TURNS = [
    (['SYSLINUX', 'This disk was made for a test', 'boot:'], b'nothing\r'),
    (['nothing... failed: No such file'], b'')]


def menu(digit, turns):
    """Three media, and SeaBIOS's boot menu to choose among them."""
    return (lambda folder: bootdisk.all_or_none(
                bootdisk.grub_legacy(folder), bootdisk.syslinux_mbr(folder),
                make_isolinux(folder)),
            ['-M', 'pc', '-fda', 'MEDIUM', '-hda', 'MEDIUM', '-cdrom',
             'MEDIUM', '-boot', 'menu=on,splash-time=30000'],
            [(['Press ESC for boot menu'], 'esc'),
             (['Select boot device:', '1. '], digit), *turns])


# Name: its media (of the scratch folder), options, and turns: what the
# screen must show, then what is typed: bytes by the serial line, or the
# names of keys.
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
        ['-kernel', 'MEDIUM'],
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
    'grub-mbr': (bootdisk.grub_mbr, ['-hda', 'MEDIUM'], GRUB_DISK),
    'grub-gpt': (bootdisk.grub_gpt, ['-M', 'pc', '-hda', 'MEDIUM'],
                 GRUB_DISK),
    'grub-legacy': (bootdisk.grub_legacy, ['MEDIUM'], LEGACY_TURNS),
    'grub-legacy-setup': (
        lambda folder: bootdisk.all_or_none(bootdisk.grub_legacy(folder),
                                            bootdisk.ext2(folder)),
        ['-M', 'pc', '-fda', 'MEDIUM', '-hda', 'MEDIUM', '-boot',
         'once=a,order=c'],
        [(['grub> '], b'root (hd0,0)\r'),
         (['Filesystem type is ext2fs'], b'setup (hd0)\r'),
         (['Running "install', 'Done.'], b'reboot\r'),
         (['Installed by setup'], b'c'), (['grub> '], b'root\r'),
         (['(hd0,0): Filesystem type is ext2fs'], b'')]),
    'syslinux-floppy': (bootdisk.syslinux_floppy, ['MEDIUM'], SYSLINUX_TURNS),
    'syslinux-mbr': (bootdisk.syslinux_mbr, ['MEDIUM'], SYSLINUX_TURNS),
    'syslinux-gpt': (bootdisk.syslinux_gpt, ['MEDIUM'], SYSLINUX_TURNS),
    'mbr': (
        bootdisk.mbr_menu, ['MEDIUM'],
        [(['MBR'], 'a'), (['1234F:'], '1'),
         *SYSLINUX_TURNS]),
    'invaders': (
        lambda _: part('grub-invaders', 'boot/invaders.exec'), ['MEDIUM'],
        [(['-*-', '/ \\'], 'p'), (['PAUSE', "PRESS 'P'"], '')]),
    'rosh': (
        bootdisk.tools_disk, ['-M', 'pc', '-hda', 'MEDIUM'],
        [(['boot:'], b'rosh.c32\r'), (['rosh: '], b'ls\r'),
         (['libutil.c32', 'syslinux.cfg'], b'')]),
    'geodsp': (
        bootdisk.geodsp, ['-M', 'pc', '-hda', 'MEDIUM'],
        [(['CHS 03FE,0F,3F', '@CHS 0000,01,01:0000003F',
           '@EDD 00003EC1:00003EC1', 'end'], b'')]),
    'memdisk': (
        lambda folder: (part('syslinux-common', 'usr/lib/syslinux/memdisk'),
                        bootdisk.grub_legacy(folder)),
        ['-M', 'pc', '-kernel', 'MEDIUM', '-initrd', 'MEDIUM'],
        LEGACY_TURNS),
    'menu-floppy': menu('2', LEGACY_TURNS),
    'menu-disk': menu('1', SYSLINUX_TURNS),
    'menu-cd': menu('3', [(['ISOLINUX', 'boot:'], b'')]),
    'memtest86': (
        lambda folder: bootdisk.write(
            folder, 'memtest86.img', bootdisk.FLOPPY,
            [(0, pathlib.Path(old_part('memtest86', 'boot/memtest86.bin'))
              .read_bytes())]),
        ['-M', 'pc', '-m', '8', '-fda', 'MEDIUM'],
        [(['Memtest86 v4.3.7', 'Test #7', 'Errors:    0'], b'')]),
}
BY_NAME = ('memtest-x64', 'memtest-ia32', 'memtest86')


def run(args, report, name, accel, folder, log):
    medium, options, turns = CASES[name]
    what = f'{name}, {accel}'
    media = medium(folder)
    if media is None:
        report.skip(what, 'no xorriso, no mke2fs or no PC')
        return
    media = [media] if isinstance(media, str) else list(media)
    options = [o.replace('MEDIUM', media.pop(0)) if 'MEDIUM' in o else o
               for o in options]
    argv = [machine.find_emulator(args.emulator), *options, '-nographic',
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
                if isinstance(keys, str):
                    screen.command(console, f'sendkey {keys}')
                else:
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
