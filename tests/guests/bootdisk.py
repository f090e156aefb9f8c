"""Floppies and disks with the boot loaders of Debian's packages on them, made
without root, loop device or mount: each function fills a file in a scratch
folder and returns its path, or None where this machine lacks a tool.

GRUB's images by the notes in its boot.S and diskboot.S; partition tables by
the UEFI specification, 5.2.1 and 5.3.  Missing: extlinux, which writes its
block list only into a mounted file system; LILO, which Debian dropped.
"""

import lzma
import os
import shutil
import struct
import subprocess
import uuid
import zlib


import machine
import tool

SECTOR = 512
FLOPPY = 2880           # sectors of 1.44 MB
DISK = 65536            # sectors of a disk: 32 MiB
START = 2048            # of the partition
BIOS_BOOT = '21686148-6449-6E6F-744E-656564454649'
BASIC_DATA = 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7'
LEGACY_BOOTABLE = 4     # attribute of a partition that gptmbr.bin looks for


def package(name):
    return machine.package('bookworm', 'amd64', name)


def part(name, path):
    """A file of a Debian package."""
    return str(package(name) / path)


def read(name, path):
    return (package(name) / path).read_bytes()


def write(folder, name, sectors, pieces):
    """A file of so many sectors; pieces are (sector, bytes)."""
    path = folder / name
    with open(path, 'wb') as f:
        f.truncate(sectors * SECTOR)
        for sector, data in pieces:
            f.seek(sector * SECTOR)
            f.write(data)
    return str(path)


def all_or_none(*paths):
    return paths if all(paths) else None


# --- partition tables ------------------------------------------------------

def mbr(code, kind, start=START, count=DISK - START):
    """Sector 0: 440 bytes of code and one active partition."""
    entry = struct.pack('<B3sB3sII', 0x80, b'\xfe\xff\xff', kind,
                        b'\xfe\xff\xff', start, count)
    return code[:440].ljust(440, b'\0') + b'EMU0\0\0' + entry + bytes(48) + \
        b'\x55\xaa'


def gpt(code, kind, attributes, sectors=DISK, start=START):
    """[(sector, bytes)] of a GPT with one partition, both copies, and the
    protective MBR with code in it."""
    last = sectors - 1
    entry = struct.pack('<16s16sQQQ72s', uuid.UUID(kind).bytes_le,
                        uuid.UUID(int=1).bytes_le, start, sectors - 34,
                        attributes, 'boot'.encode('utf-16-le'))
    table = entry.ljust(128 * 128, b'\0')

    def header(here, other, entries):
        data = struct.pack('<8sIIIIQQQQ16sQIII', b'EFI PART', 0x10000, 92, 0,
                           0, here, other, 34, sectors - 34,
                           uuid.UUID(int=2).bytes_le, entries, 128, 128,
                           zlib.crc32(table))
        return data[:16] + struct.pack('<I', zlib.crc32(data)) + data[20:]

    protective = bytearray(mbr(code, 0xee, 1, last))
    protective[446] = 0
    return [(0, bytes(protective)), (1, header(1, last, 2)), (2, table),
            (last - 32, table), (last, header(last, 1, last - 32))]


# --- boot loaders ----------------------------------------------------------

def grub_image(at):
    """boot.img for a disk, and the core image of GRUB's rescue CD, which is
    to lie at sector `at`."""
    cd = read('grub-rescue-pc', 'usr/lib/grub-rescue/grub-rescue-cdrom.iso')
    # The hybrid boot sector of the CD knows where the core image begins.
    core = cd[struct.unpack_from('<Q', cd, 0x1b0)[0] * SECTOR:]
    count = struct.unpack_from('<H', core, SECTOR - 4)[0]
    core = bytearray(core[:(count + 1) * SECTOR])
    struct.pack_into('<Q', core, SECTOR - 12, at + 1)       # its block list
    boot = bytearray(read('grub-pc-bin', 'usr/lib/grub/i386-pc/boot.img'))
    struct.pack_into('<Q', boot, 0x5c, at)                  # kernel_sector
    return bytes(boot), bytes(core)


def grub_mbr(folder):
    boot, core = grub_image(1)
    return write(folder, 'grub-mbr.img', DISK, [(0, mbr(boot, 0x83)),
                                                (1, core)])


def grub_gpt(folder):
    """The core image in a BIOS boot partition."""
    boot, core = grub_image(START)
    return write(folder, 'grub-gpt.img', DISK,
                 gpt(boot, BIOS_BOOT, 0) + [(START, core)])


STAGES = 'usr/lib/grub/x86_64-pc/'


def grub_legacy(folder):
    """GRUB 0.97 by itself, as its manual makes a floppy."""
    return write(folder, 'grub-legacy.img', FLOPPY,
                 [(0, read('grub-legacy', STAGES + 'stage1')),
                  (1, read('grub-legacy', STAGES + 'stage2'))])


def ext2(folder):
    """A partition with the files that GRUB 0.97's `setup` installs from."""
    mke2fs = shutil.which('mke2fs', path=os.environ['PATH'] + ':/sbin')
    if not mke2fs:
        return None
    root = folder / 'ext2' / 'boot' / 'grub'
    root.mkdir(parents=True)
    for name in ('stage1', 'stage2', 'e2fs_stage1_5'):
        shutil.copy(part('grub-legacy', STAGES + name), root)
    (root / 'menu.lst').write_text('title Installed by setup\nroot (hd0,0)\n')
    image = write(folder, 'ext2.img', DISK, [(0, mbr(b'', 0x83))])
    subprocess.run([mke2fs, '-q', '-F', '-t', 'ext2', '-I', '128', '-d',
                    str(root.parents[1]), '-E', f'offset={START * SECTOR}',
                    image, f'{(DISK - START) // 2}k'],
                   check=True, stdin=subprocess.DEVNULL, capture_output=True)
    return image


def fat(image, start, sectors, files, geometry=()):
    """Makes a FAT file system with SYSLINUX in an image from sector start;
    files are {name: bytes or path}."""
    if tool.architecture() != 'amd64':
        return None
    tools = dict(os.environ, MTOOLS_SKIP_CHECK='1', PATH=':'.join(
        [str(package('mtools') / 'usr/bin'), os.environ['PATH']]))
    place = f'{image}@@{start * SECTOR}'

    def run(*argv, data=None):
        subprocess.run(argv, check=True, env=tools, input=data,
                       capture_output=True)

    run('mformat', '-i', place, *(geometry or
        ('-T', str(sectors), '-h', '16', '-s', '63', '-H', str(start))), '::')
    run(part('syslinux', 'usr/bin/syslinux'), '-t', str(start * SECTOR), '-i',
        image)
    for name, data in files.items():
        run('mcopy', '-i', place, '-', '::' + name, data=data)
    return image


MODULES = 'usr/lib/syslinux/modules/bios/'
SYSLINUX_CFG = b'say This disk was made for a test\nprompt 1\n'


def modules(*names):
    return {n: read('syslinux-common', MODULES + n) for n in names}


def syslinux_floppy(folder):
    return fat(write(folder, 'syslinux.img', FLOPPY, []), 0, FLOPPY,
               {'syslinux.cfg': SYSLINUX_CFG}, ('-f', '1440'))


def syslinux_mbr(folder):
    code = read('syslinux', 'usr/lib/SYSLINUX/mbr.bin')
    return fat(write(folder, 'syslinux-mbr.img', DISK, [(0, mbr(code, 6))]),
               START, DISK - START, {'syslinux.cfg': SYSLINUX_CFG})


def mbr_menu(folder):
    """The same behind Debian's `mbr`, which asks where to boot from once a
    key was pressed."""
    image = syslinux_mbr(folder)
    if image:
        subprocess.run([part('mbr', 'sbin/install-mbr'), '--force',
                        '--interrupt', 'k', '--timeout', '900', image],
                       check=True, capture_output=True)
    return image


def syslinux_gpt(folder):
    code = read('syslinux', 'usr/lib/SYSLINUX/gptmbr.bin')
    tables = gpt(code, BASIC_DATA, LEGACY_BOOTABLE)
    return fat(write(folder, 'syslinux-gpt.img', DISK, tables), START,
               DISK - 34 - START, {'syslinux.cfg': SYSLINUX_CFG})


def tools_disk(folder):
    """SYSLINUX with its package's shell."""
    names = ('libcom32.c32', 'libutil.c32', 'rosh.c32')
    code = read('syslinux', 'usr/lib/SYSLINUX/mbr.bin')
    return fat(write(folder, 'tools.img', DISK, [(0, mbr(code, 6))]),
               START, DISK - START,
               {'syslinux.cfg': SYSLINUX_CFG, **modules(*names)})


def geodsp(folder):
    """SYSLINUX's picture of the geometry that the BIOS tells of."""
    data = lzma.decompress(read(
        'syslinux-common', 'usr/lib/syslinux/mbr/diag/geodsp/geodsp1s.img.xz'))
    return write(folder, 'geodsp.img', 1032192, [(0, data)])
