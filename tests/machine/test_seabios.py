#!/usr/bin/env python3
"""SeaBIOS's POST on the PC boards, up to where it finds nothing to boot, or a
boot sector.

    test_seabios.py EMU

Its messages come from port 402h.  Where the package seabios is not installed
the test is skipped.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

BIOS = '/usr/share/seabios/bios-256k.bin'
LIMIT = 240  # seconds, on a loaded host

NOTHING = 'No bootable device'
SECTOR = 'sector runs'

# Name, arguments, what is said at the end, and what must be on the way.
RUNS = [
    ('pc', ['-M', 'pc', '-bios', 'default', '-smp', '2', '-m', '3500'],
     NOTHING, [
        'Running on QEMU (i440fx)',
        'QEMU fw_cfg DMA interface supported',
        'addr 0x0000000100000000 len 0x000000001ac00000 [RAM]',
        'init bdf=00:01.3 id=8086:7113',
        'Using pmtimer, ioport 0x608',
        'Found 2 cpu(s) max supported 2 cpu(s)',
        'Copying MPTABLE', 'Copying SMBIOS', 'ACPI: parse DSDT',
        'PS2 keyboard initialized', 'Found 2 serial ports',
        'Booting from Hard Disk']),
    ('isapc', ['-M', 'isapc', '-bios', 'default'], NOTHING, [
        'Detected non-PCI system', 'PS2 keyboard initialized',
        'Booting from Hard Disk']),
    # Without fw_cfg, where it would use BSWAP.
    ('386', ['-M', 'isapc', '-cpu', '386', '-bios', 'default'], NOTHING, [
        'RamSize: 0x01000000 [cmos]', 'PS2 keyboard initialized',
        'Booting from Hard Disk']),
    # Its processors share a lock, and each spins while another has it.
    ('icount', ['-M', 'pc', '-smp', '2', '-icount', '0'], 'Searching bootorder',
     ['Found 2 cpu(s) max supported 2 cpu(s)']),
    ('disk', ['-M', 'pc', '-drive', 'file=DISK,format=raw,if=virtio'],
     SECTOR, [
         'found virtio-blk at 00:03.0', 'Booting from 0000:7c00']),
]
WRONG = ['parse error', 'Timeout', 'timeout', 'WARNING']


def boot_sector():
    """Writes SECTOR to port 402h, and halts."""
    code = b'\xba\x02\x04'  # mov dx, 402h
    for byte in SECTOR.encode() + b'\n':
        code += bytes([0xb0, byte, 0xee])  # mov al, byte; out dx, al
    code += b'\xf4\xeb\xfd'  # hlt, and again
    return code.ljust(510, b'\0') + b'\x55\xaa'


def debug_port(log):
    """Arguments: what the BIOS and boot sectors write to port 402h goes to the
    file log, which is made."""
    log.touch()
    return ['-chardev', f'file,id=dbg,path={log}',
            '-device', 'isa-debugcon,iobase=0x402,chardev=dbg']


def wait_for(process, log, pattern):
    """Until something there matches, or it has ended; all that is there."""
    end = time.monotonic() + LIMIT
    while True:
        said = log.read_text(errors='replace')
        if re.search(pattern, said) or process.poll() is not None or \
                time.monotonic() > end:
            return said
        time.sleep(0.05)


def run(emu, name, args, last, wanted, folder):
    log = pathlib.Path(folder) / name
    disk = pathlib.Path(folder) / 'disk.img'
    disk.write_bytes(boot_sector().ljust(1 << 20, b'\0'))
    args = [a.replace('DISK', str(disk)) for a in args]
    with subprocess.Popen(
            [emu, *args, '-accel', 'interp', '-nographic', *debug_port(log)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE) as p:
        text = wait_for(p, log, re.escape(last))
        p.terminate()
        errors = p.communicate()[1].decode(errors='replace')
    if "this host's addresses allow less" in errors:
        print(f'{name}: left out: {errors.strip()}')
        return True
    bad = [f'no "{w}"' for w in [*wanted, last] if w not in text]
    bad += [f'"{w}"' for w in WRONG if w in text]
    if bad:
        print(f'{name}: {", ".join(bad)}\n{text}{errors}')
    return not bad


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    if not os.path.exists(BIOS):
        print('no seabios: skipped')
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        ok = [run(sys.argv[1], *r, folder) for r in RUNS]
    sys.exit(not all(ok))


if __name__ == '__main__':
    main()
