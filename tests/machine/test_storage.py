#!/usr/bin/env python3
"""SeaBIOS boots from a disk, a CD and a floppy of a PC with IDE and a floppy
controller, and a boot sector reads and writes through it.

    test_storage.py EMU

The board is pc.dts with the two controllers.  Where the package seabios is not
installed the test is skipped.
"""

import os
import pathlib
import struct
import subprocess
import sys
import tempfile

import test_seabios

PC = pathlib.Path(__file__).parents[2] / 'machine/boards/pc.dts'

IDE = '''
ide@1,1 {
    compatible = "pci8086,7010";
    reg = <0x900 0x0 0x0 0x0 0x0>;
    interrupts-extended = <&irqs 14 1>, <&irqs 15 1>;
    DRIVES
};
'''
FDC = '''
fdc@3f0 {
    compatible = "pnpPNP,700";
    reg = <0x1 0x3f0 0x6>, <0x1 0x3f7 0x1>;
    interrupts = <6 1>;
    DRIVES
};
'''
SAID = 'the second sector\n'

# Reads sector 2 to 7E00h and writes it to sector 3, by INT 13h.
MOVE = ('31c0 8ed8 8ec0 b80102 bb007e b90200 b600 cd13 7218'
        'b80103 b90300 cd13 720e')
# Writes what is at 7E00h to port 402h, and halts.
SAY = 'be007e ba0204 ac 84c0 7403 ee ebf8 f4 ebfd'


def boot_sectors(code):
    sector = bytes.fromhex(code).ljust(510, b'\0') + b'\x55\xaa'
    return sector + SAID.encode().ljust(512, b'\0')


def compact_disc():
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
    boot = boot_sectors('31c0 8ed8' + SAY)
    blocks.append(boot.ljust(2048, b'\0'))
    return b''.join(blocks) + bytes(2048 * 400)


def board(folder, name, ide, fdc):
    text = PC.read_text()
    at = text.index('pm: pm@1,3')
    text = text[:at] + IDE.replace('DRIVES', ide) + text[at:]
    at = text.index('pic0: interrupt-controller@20')
    text = text[:at] + FDC.replace('DRIVES', fdc) + text[at:]
    file = folder / f'{name}.dts'
    file.write_text(text)
    return str(file)


# Name, size of the image, its code or bytes, what the board's nodes say, more
# arguments, what SeaBIOS says on the way.
RUNS = [
    ('disk', 40 << 20, boot_sectors(MOVE + SAY), 'hda = "d";', '', [],
     ['ata0-0: EMU HARDDISK ATA-6 Hard-Disk (40 MiBytes)']),
    ('slave', 600 << 20, boot_sectors(MOVE + SAY), 'hdd = "d"; hda-cd;', '',
     [], ['ata1-1: EMU HARDDISK ATA-6 Hard-Disk (600 MiBytes)']),
    ('cd', None, compact_disc(), 'hdc = "d"; hdc-cd;', '', [],
     ['DVD/CD [ata1-0: EMU CD-ROM ATAPI-6 DVD/CD]']),
] + [
    (f'floppy{kb}', kb << 10, boot_sectors(MOVE + SAY), '', 'a = "d"; dmas = <&dma0 2>;',
     ['-fw_cfg', 'name=bootorder,string=/pci@i0cf8/isa@1/fdc@03f0/floppy@0'],
     ['Booting from Floppy'])
    for kb in (360, 1200, 720, 1440, 2880)
]


def refuses(emu, folder, ide, fdc, text):
    """The board with such nodes ends in one line that says text."""
    image = folder / 'large.img'
    image.write_bytes(bytes(4 << 20))
    p = subprocess.run(
        [emu, '-M', board(folder, 'wrong', ide, fdc), '-m', '64', '-nographic',
         '-drive', f'file={image},format=raw,if=none,id=d'],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=test_seabios.LIMIT)
    good = (p.returncode == 1 and text in p.stderr and
            p.stderr.count('\n') == 1)
    if not good:
        print(f'{ide} {fdc}: status {p.returncode}, {p.stderr}')
    return good


WRONG = [
    ('', 'a = "d";', 'a: 4194304 bytes are no floppy disk'),
    ('', 'a = "nobody";', "a='nobody': there is no drive of that id"),
    ('', 'b-type = "3.5";', "b-type='3.5': want auto, none, 360"),
    ('', 'dmas = <&dma0 9>;', 'dmas: /bus/pci@cf8/isa@1,0/dma@0 has no DMA '
                             'channel 9'),
    ('', 'dmas = <&pic0 2>;', 'has no DMA channel 2'),
    ('', 'dmas = <&dma0>;', 'dmas: wanted a DMA controller and its channel'),
    ('hda = "d"; hda-chs = "9,9";', '', 'want cylinders,heads,sectors'),
    ('hda = "d"; hda-chs = "999,16,63";', '', 'the disk has only 8192 sectors'),
]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    if not os.path.exists(test_seabios.BIOS):
        print('no seabios: skipped')
        sys.exit(77)
    ok = True
    emu = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for name, size, content, ide, fdc, more, wanted in RUNS:
            image = folder / f'{name}-0.img'
            image.write_bytes(content)
            if size:
                os.truncate(image, size)
            good = test_seabios.run(
                emu, name,
                ['-M', board(folder, name, ide, fdc), '-m', '64',
                 '-drive', f'file={image},format=raw,if=none,id=d', *more],
                SAID.strip(), wanted, folder)
            with open(image, 'rb') as f:
                f.seek(1024)
                if good and size and f.read(len(SAID)) != SAID.encode():
                    print(f'{name}: nothing was written')
                    good = False
            ok = ok and good
        for ide, fdc, text in WRONG:
            ok = refuses(emu, folder, ide, fdc, text) and ok
    sys.exit(not ok)


if __name__ == '__main__':
    main()
