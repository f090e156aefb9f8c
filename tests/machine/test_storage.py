#!/usr/bin/env python3
"""SeaBIOS boots from disks, CDs and floppies of a PC, and a boot sector reads and writes through it.

    test_storage.py EMU [CHS [LOADER COM]]

CHS (chs.asm) is a boot sector that reads a disk's last cylinder; LOADER
(com_loader.asm) is one that runs COM (com.c), a program for DOS.  Where the package seabios is not installed the test is skipped.
"""

import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import time

import test_seabios

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import png  # noqa: E402

SAID = 'the second sector\n'

# Reads sector 2 to 7E00h and writes it to sector 3, by INT 13h.
MOVE = ('31c0 8ed8 8ec0 b80102 bb007e b90200 b600 cd13 7218'
        'b80103 b90300 cd13 720e')
# Writes what is at 7E00h to port 402h, and halts.
SAY = 'be007e ba0204 ac 84c0 7403 ee ebf8 f4 ebfd'


def boot_sectors(code):
    sector = bytes.fromhex(code).ljust(510, b'\0') + b'\x55\xaa'
    return sector + SAID.encode().ljust(512, b'\0')


# Resets the machine by port CF9h.
RESET = 'baf90c b006 ee f4 ebfd'


def compact_disc(code='31c0 8ed8' + SAY):
    """El Torito, without emulation: 4 sectors at block 20."""
    blocks = [bytes(2048)] * 16
    volume = bytearray(2048)
    volume[0:8] = b'\x01CD001\x01\0'
    blocks.append(bytes(volume))
    record = bytearray(2048)
    record[0:7] = b'\0CD001\x01'
    record[7:30] = b'EL TORITO SPECIFICATION'
    record[0x47:0x4b] = struct.pack('<I', 19)
    blocks.append(bytes(record))
    blocks.append((b'\xffCD001\x01').ljust(2048, b'\0'))
    catalog = bytearray(2048)
    catalog[0] = 1
    catalog[30:32] = b'\x55\xaa'
    catalog[28:30] = struct.pack('<H', -(1 + 0xaa55) & 0xffff)
    catalog[32] = 0x88
    catalog[38:40] = struct.pack('<H', 4)
    catalog[40:44] = struct.pack('<I', 20)
    blocks.append(bytes(catalog))
    blocks.append(boot_sectors(code).ljust(2048, b'\0'))
    return b''.join(blocks) + bytes(2048 * 400)


def drive(rest):
    return ['-drive', f'file=IMAGE,format=raw,{rest}']


# Name, size of the image, its code or bytes, arguments, what SeaBIOS says on
# the way.
RUNS = [
    ('disk', 40 << 20, boot_sectors(MOVE + SAY), ['-M', 'pc', '-hda', 'IMAGE'],
     ['ata0-0: EMU HARDDISK ATA-6 Hard-Disk (40 MiBytes)',
      'DVD/CD [ata1-0: EMU CD-ROM ATAPI-6 DVD/CD]',
      'Booting from Hard Disk']),
    ('slave', 600 << 20, boot_sectors(MOVE + SAY),
     ['-M', 'pc', '-nodefaults', *drive('if=ide,index=3')],
     ['ata1-1: EMU HARDDISK ATA-6 Hard-Disk (600 MiBytes)']),
    ('device', 9 << 30, boot_sectors(MOVE + SAY),
     ['-M', 'pc', '-nodefaults', *drive('if=none,id=d'), '-device',
      'ide-hd,drive=d,bus=ide.1,unit=0,serial=abc,lcyls=1024,lheads=255,'
      'lsecs=63'],
     ['ata1-0: EMU HARDDISK ATA-6 Hard-Disk (9216 MiBytes)',
      'translation=host-supplied LCHS=1024/255/63']),
    ('isa', 40 << 20, boot_sectors(MOVE + SAY),
     ['-M', 'isapc', '-hdc', 'IMAGE'],
     ['ata1-0: EMU HARDDISK ATA-6 Hard-Disk (40 MiBytes)']),
    ('isacd', None, compact_disc(), ['-M', 'isapc', '-cdrom', 'IMAGE', '-boot',
                                     'd'],
     ['ata1-0: EMU CD-ROM ATAPI-6 DVD/CD', 'Booting from DVD/CD']),
    ('cd', None, compact_disc(), ['-cdrom', 'IMAGE'],
     ['DVD/CD [ata1-0: EMU CD-ROM ATAPI-6 DVD/CD]', 'Booting from Floppy',
      'Booting from DVD/CD']),
    ('guess', None, compact_disc(), ['IMAGE'], ['Booting from DVD/CD']),
    ('isaflop', 720 << 10, boot_sectors(MOVE + SAY),
     ['-M', 'isapc', '-fda', 'IMAGE'], ['Booting from Floppy']),
    ('drive-b', 720 << 10, boot_sectors(MOVE + SAY), [
        '-M', 'pc', *drive('if=none,id=f'), '-device',
        'floppy,drive=f,bootindex=1'], ['1: /pci@i0cf8/isa@1/fdc@03f0/floppy@0',
                                        'Booting from Floppy']),
    ('virtio', 4 << 20, boot_sectors(MOVE + SAY), [
        '-M', 'pc', *drive('if=none,id=v'), '-device',
        'virtio-blk-pci,drive=v,bootindex=0', '-boot', 'strict=on'],
     ['/pci@i0cf8/scsi@3/disk@0,0', 'HALT']),
] + [
    (f'floppy{kb}', kb << 10, boot_sectors(MOVE + SAY), ['IMAGE'],
     ['Booting from Floppy'])
    for kb in (160, 180, 320, 360, 720, 1200, 1440, 1680, 2880)
]

# Name, sectors, the translation that is asked for, and what SeaBIOS makes of
# it; the last disk has more than CHS reaches.
CHS = [
    ('chs504m', 1024 * 16 * 63, 'auto', 'none LCHS=1024/16/63'),
    ('chs2g', 4161 * 16 * 63, 'large', 'large LCHS=520/128/63'),
    ('chs8g', 1024 * 255 * 63, 'auto', 'lba LCHS=1024/255/63'),
    ('chs9g', 9 << 21, 'auto', 'lba LCHS=1024/255/63'),
]

# What does not end with a boot sector's text.
MORE = [
    ('no-sector', 1440 << 10, b'', ['-M', 'pc', '-fda', 'IMAGE'],
     'No bootable device', ['Boot failed: not a bootable disk']),
    ('cut', 100 << 10, b'', ['-M', 'pc', '-cdrom', 'IMAGE'],
     'No bootable device', ['Boot failed: Could not read from CDROM']),
    ('no-iso', None, bytes(range(256)) * 1200,
     ['-M', 'pc', '-cdrom', 'IMAGE'], 'No bootable device',
     ['Boot failed: Could not read from CDROM']),
    ('cut-iso', None, compact_disc()[:19 * 2048 + 1000],
     ['-M', 'pc', '-cdrom', 'IMAGE'], 'No bootable device',
     ['Boot failed: Could not read from CDROM']),
    ('once', None, compact_disc(RESET),
     ['-M', 'pc', '-hda', 'DISK', '-cdrom', 'IMAGE', '-boot', 'once=d'],
     test_seabios.SECTOR, ['Booting from DVD/CD', 'Booting from Hard Disk']),
    ('none', 512, b'', ['-M', 'pc', '-nodefaults', '-hda', 'IMAGE'],
     'No bootable device.\n', ['Boot failed: not a bootable disk']),
    ('waits', 512, b'',
     ['-M', 'pc', '-nodefaults', '-hda', 'IMAGE', '-boot',
      'menu=on,splash-time=7,reboot-timeout=2000'], 'Rebooting.',
     ['Press ESC for boot menu',
      'No bootable device.  Retrying in 2 seconds.']),
]


def boots_by_chs(emu, folder, code, name, sectors, asked, told):
    """The boot sector finds, and moves, the last sector that CHS reaches."""
    cylinders, heads, per_track = map(int, told.split('=')[1].split('/'))
    last = cylinders * heads * per_track - 1
    cylinder = cylinders - 1
    place = struct.pack('<BBB', cylinder >> 2 & 0xc0 | per_track,
                        cylinder & 0xff, heads - 1)
    image = folder / f'{name}-0.img'
    with open(image, 'wb') as f:
        f.write(code[:500] + place + code[503:])
        f.truncate(sectors * 512)
        f.seek(last * 512)
        f.write(SAID.encode())
    good = test_seabios.run(
        emu, name, ['-M', 'pc', '-m', '64', '-drive', f'file={image},format=raw,if=none,id=d',
                    '-device', f'ide-hd,drive=d,bios-chs-trans={asked}'],
        SAID.strip(), [f'translation={told}'], folder)
    with open(image, 'rb') as f:
        f.seek((last - 1) * 512)
        moved = f.read(len(SAID)) == SAID.encode()
    if good and not moved:
        print(f'{name}: nothing was written')
    image.unlink()
    return good and moved


def runs_com(emu, folder, loader, program):
    """A DOS program on a floppy whose boot sector loads it."""
    count = (len(program) + 511) // 512
    if count > 17:
        print('com: it does not fit into a track')
        return False
    image = folder / 'com-0.img'
    image.write_bytes((loader[:508] + struct.pack('<H', count) + loader[510:] +
                       program).ljust(1440 << 10, b'\0'))
    return test_seabios.run(
        emu, 'com', ['-M', 'pc', '-m', '8', '-fda', str(image)], '=2A\n',
        ['sum 333833500, length 999, 3 arguments [one] [two]'], folder)


def refuses(emu, folder, args, text):
    """It ends in one line that says text."""
    image = folder / 'large.img'
    image.write_bytes(bytes(4 << 20))
    (folder / 'empty').touch()
    (folder / 'bits16.bmp').write_bytes(bmp(4, 1, [bytes(12)], 16))
    (folder / 'short.bmp').write_bytes(bmp(4, 1, [bytes(12)])[:28])
    with open(folder / 'huge.jpg', 'wb') as f:
        f.write(b'\xff\xd8')
        f.truncate((1 << 30) + 1)
    (folder / 'odd').write_bytes(bytes((1440 << 10) + 1))
    args = [a.replace('IMAGE', str(image)).replace('FOLDER', str(folder))
            for a in args]
    p = subprocess.run(
        [emu, '-m', '64', '-nographic', *args],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=test_seabios.LIMIT)
    good = (p.returncode == 1 and text in p.stderr and
            p.stderr.count('\n') == 1)
    if not good:
        print(f'{args}: status {p.returncode}, {p.stderr}')
    return good


D = ['-M', 'pc', '-drive', 'file=IMAGE,format=raw,if=none,id=d', '-device']
WRONG = [
    (['-M', 'pc', '-hda', 'IMAGE', '-hdb', 'IMAGE'],
     'large.img: is in use by another drive'),
    (['-M', 'pc', '-hda', 'IMAGE', '-cdrom', 'IMAGE'],
     'in use by another drive or machine, which writes to it'),
    *((['-M', 'pc', option, 'FOLDER/empty'], 'empty: 0 bytes are no disk')
      for option in ('-hda', '-cdrom', '-fda')),
    (['-M', 'pc', '-cdrom', 'FOLDER'], 'is a directory'),
    *((['-M', 'pc', option, 'FOLDER/odd'],
       '1474561 bytes are no whole number of sectors')
      for option in ('-hda', '-fda')),
    (['-M', 'pc', '-hda', 'IMAGE', '-drive', 'index=0,media=cdrom'],
     "two drives have index 0; the other is 'hda'"),
    (['-M', 'pc', '-fda', 'IMAGE'], 'emu: -fda: 4194304 bytes are no floppy disk'),
    (['-M', 'pc', '-device', 'floppy,drive=nobody'],
     '-device floppy: drive=nobody: there is no drive of that id'),
    (['-M', 'pc', '-device', 'floppy,drive-type=3.5'],
     'drive-type=3.5: wanted auto, 360'),
    (['-M', 'pc', '-device', 'floppy,unit=2'], 'unit=2: wanted 0 to 1'),
    ([*D, 'ide-hd,drive=d,cyls=9,heads=9'], 'cyls, heads and secs go together'),
    ([*D, 'ide-hd,drive=d,cyls=999,heads=16,secs=63'],
     '-device ide-hd: 999,16,63: the disk has only 8192 sectors'),
    ([*D, 'ide-hd,drive=d,bios-chs-trans=big'], 'wanted auto, none, lba or'),
    ([*D, 'ide-hd,drive=d,serial=' + 21 * 'x'], 'longer than 20 characters'),
    ([*D, 'ide-hd,drive=d,colour=red'], "no property 'colour'"),
    ([*D, 'ide-hd,drive=d,bus=ide.2'], 'wanted ide.0 or ide.1'),
    ([*D, 'ide-hd,drive=d,bus=ide.0,unit=0', '-hda', 'IMAGE'],
     'is in use'),
    ([*D, 'ide-hd'], '-device ide-hd: needs drive=ID'),
    ([*D, 'ide-hd,drive=x'], '-device ide-hd: drive=x: there is no drive of that id'),
    ([*D, 'ide-cd,drive=d,unit=0,bus=ide.0', '-drive',
      'if=ide,index=0,media=cdrom'], 'at every place'),
    ([*D, 'ide-hd,drive=d,bootindex=3', '-device', 'ide-cd,bootindex=3'],
     'two devices have bootindex=3'),
    (['-M', 'pc', '-drive', 'if=ide,index=4,media=cdrom'],
     'there are 4 IDE drives, 0 to 3'),
    (['-M', 'pc', '-drive', 'if=ide,unit=2,media=cdrom'], 'unit=2: at most 1'),
    (['-M', 'pc', '-drive', 'if=ide,index=1'], 'no file=FILE is named'),
    (['-M', 'virt', '-fda', 'IMAGE'], '-fda: this board has no floppy'),
    (['-M', 'virt', '-drive', 'file=IMAGE,format=raw,if=ide'],
     'this board has no IDE controller'),
    (['-M', 'virt', '-drive', 'media=cdrom'], 'no empty drive but'),
    (['-M', 'pc', '-boot', 'order=e'], "there is no 'e'"),
    (['-M', 'pc', '-boot', 'cc'], "'c' is there twice"),
    (['-M', 'pc', '-boot', 'A'], 'letters from a on'),
    (['-M', 'pc', '-boot', 'splash-time=65536'], 'splash-time: '),
    (['-M', 'pc', '-boot', 'reboot-timeout=-2'], 'reboot-timeout: '),
    (['-M', 'pc', '-boot', 'splash=FOLDER/missing'],
     'missing: No such file or directory'),
    *((['-M', 'pc', '-boot', f'splash={file}'],
       'wanted a JPEG, or a BMP of 24 bits a pixel')
      for file in ('IMAGE', 'FOLDER/bits16.bmp', 'FOLDER/short.bmp')),
    (['-M', 'pc', '-boot', 'splash=FOLDER/huge.jpg'], 'at most 1 GiB is taken'),
    (['-M', 'virt', '-boot', 'c'], "this board's firmware takes no order"),
]


def changes_media(emu, folder):
    """The monitor finds a drive by its name or id; CDs are not written to; the
    file that is in a drive can be put there again."""
    for name in ('first', 'second', 'disk'):
        (folder / name).write_bytes(bytes(1474560))
    got = subprocess.run(
        [emu, '-M', 'pc', '-S', '-display', 'none', '-serial', 'none',
         '-monitor', 'stdio', '-cdrom', folder / 'first', '-fda',
         folder / 'disk'],
        input=f'change cdrom {folder}/second\n'
              f'change floppy0 {folder}/disk\ninfo block\n'
              'eject floppy0\ninfo block\nquit\n',
        stdout=subprocess.PIPE, timeout=120, text=True).stdout
    shown = [line for line in got.splitlines()
             if line.startswith(('ide1-cd0', 'floppy0'))]
    good = (len(shown) == 4 and 'second (raw, read-only)' in shown[0] and
            'disk (raw)' in shown[1] and 'not inserted' in shown[3] and
            'in use' not in got)
    if not good:
        print('media:', got)
    return good


# What the monitor says to a `change` that cannot be.
BAD_MEDIA = [
    ('cdrom nofile', 'nofile: No such file or directory'),
    ('cdrom empty', 'empty: 0 bytes are no disk'),
    ('cdrom .', 'is a directory'),
    ('cdrom disk', 'in use by another drive or machine, which writes to it'),
    ('floppy0 large.img', 'floppy0: 4194304 bytes are no floppy disk'),
    ('floppy0 odd', '1474561 bytes are no whole number of sectors'),
    ('floppy0 fifo', 'neither a file nor a disk'),
    ('floppy0', 'want DRIVE FILE'),
    ('floppy0 hard', 'in use by another drive or machine'),
    ('hda second', 'hda: a hard disk stays where it is'),
    ('floppy7 second', "there is no drive 'floppy7'"),
]


def refuses_media(emu, folder):
    """What cannot go into a drive; an ISO that is none, or is not whole, can."""
    for name, size in (('first', 4096), ('second', 4096), ('disk', 1 << 18),
                       ('hard', 1 << 20), ('large.img', 4 << 20), ('empty', 0),
                       ('odd', (1440 << 10) + 1)):
        (folder / name).write_bytes(bytes(size))
    os.mkfifo(folder / 'fifo')
    got = subprocess.run(
        [emu, '-M', 'pc', '-S', '-display', 'none', '-serial', 'none',
         '-monitor', 'stdio', '-cdrom', 'first', '-fda', 'disk', '-hda',
         'hard'], cwd=folder,
        input=''.join(f'change {what}\n' for what, _ in BAD_MEDIA) +
        'change cdrom odd\ninfo block\nquit\n',
        stdout=subprocess.PIPE, timeout=120, text=True).stdout
    said = got.split('(emu) change ')[1:]
    bad = [text for (what, text), one in zip(BAD_MEDIA, said)
           if not one.startswith(what) or text not in one or
           one.count('\n') != 2]
    if bad or 'odd (raw, read-only), 1475072 bytes' not in got:
        print('media:', bad, got)
        return False
    return True


def finds_it_cut(emu, folder, code):
    """A disk whose file ends before the sector that is wanted: an error."""
    image, log = folder / 'short.img', folder / 'short'
    # Cylinder 99, head 0, sector 1, of 16 heads and 63 sectors.
    image.write_bytes(code[:500] + bytes([1, 99, 0]) + code[503:])
    os.truncate(image, 100 * 16 * 63 * 512)
    with subprocess.Popen(
            [emu, '-M', 'pc', '-m', '64', '-S', '-accel', 'interp', '-display',
             'none', '-serial', 'none', '-monitor', 'stdio', '-hda', image,
             *test_seabios.debug_port(log)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True) as p:
        # The prompt: the disk is open.
        while not p.stdout.readline().startswith('emu '):
            pass
        os.truncate(image, 1 << 20)
        p.stdin.write('cont\n')
        p.stdin.flush()
        said = test_seabios.wait_for(p, log, r'AH ..\n')
        errors = p.communicate('quit\n')[1]
    told = f'emu: {image}: a read failed: Input/output error; the guest sees'
    if re.search(r'AH (?!00)..\n', said) and errors.count(told) == 1:
        return True
    print('cut:', said, errors)
    return False


def bmp(width, height, rows, bits=24):
    """Rows of bytes, red, green and blue, each a multiple of four."""
    data = b''.join(bytes(row[x + 2 - i] for x in range(0, len(row), 3)
                          for i in range(3)) for row in reversed(rows))
    return struct.pack('<2sIIIIiiHHIIiiII', b'BM', 54 + len(data), 0, 54, 40,
                       width, height, 1, bits, 0, len(data), 0, 0, 0,
                       0) + data


def shows_splash(emu, folder):
    """SeaBIOS's menu is under the picture that -boot splash names."""
    width, height = 640, 480
    rows = [bytes(value for x in range(width)
                  for value in (x * 2 & 255, y & 255, (x // 16 ^ y // 16) * 8 & 255))
            for y in range(height)]
    (folder / 'splash.bmp').write_bytes(bmp(width, height, rows))
    shown = folder / 'splash.png'
    wanted = width, height, rows
    end = time.monotonic() + test_seabios.LIMIT
    before = good = None
    with subprocess.Popen(
            [emu, '-M', 'pc', '-m', '64', '-nodefaults', '-vga', 'std',
             '-display', 'none', '-monitor', 'stdio', '-boot',
             f'menu=on,splash-time=65535,splash={folder}/splash.bmp'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as p:
        while not good and time.monotonic() < end and p.poll() is None:
            p.stdin.write(f'screendump {shown}\ninfo status\n')
            p.stdin.flush()
            for line in p.stdout:
                if 'VM status' in line:
                    break
            now = shown.read_bytes()
            good = now != before and png.read_bytes(shown) == wanted
            before = now
            time.sleep(0.2)
        p.kill()
    if not good:
        print('splash: it is not shown')
    return good


def main():
    if len(sys.argv) not in (2, 3, 5):
        sys.exit(__doc__.strip())
    if not os.path.exists(test_seabios.BIOS):
        print('no seabios: skipped')
        sys.exit(77)
    ok = True
    emu = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for name, size, content, args, *rest in RUNS + MORE:
            last, wanted = ([SAID.strip()] + rest)[-2:]
            image = folder / f'{name}-0.img'
            image.write_bytes(content)
            if size:
                os.truncate(image, size)
            good = test_seabios.run(
                emu, name,
                ['-m', '64', *(a.replace('IMAGE', str(image)) for a in args)],
                last, wanted, folder)
            with open(image, 'rb') as f:
                f.seek(1024)
                if (good and size and last == SAID.strip() and
                        f.read(len(SAID)) != SAID.encode()):
                    print(f'{name}: nothing was written')
                    good = False
            ok = ok and good
        for case in CHS if sys.argv[2:] else ():
            code = pathlib.Path(sys.argv[2]).read_bytes()
            ok = boots_by_chs(emu, folder, code, *case) and ok
        if sys.argv[2:]:
            ok = finds_it_cut(emu, folder,
                              pathlib.Path(sys.argv[2]).read_bytes()) and ok
        if sys.argv[3:]:
            ok = runs_com(emu, folder, *(pathlib.Path(a).read_bytes()
                                         for a in sys.argv[3:])) and ok
        ok = changes_media(emu, folder) and ok
        ok = refuses_media(emu, folder) and ok
        ok = shows_splash(emu, folder) and ok
        for args, text in WRONG:
            ok = refuses(emu, folder, args, text) and ok
    sys.exit(not ok)


if __name__ == '__main__':
    main()
