#!/usr/bin/env python3
"""SeaBIOS's POST on the PC boards, up to where it finds nothing to boot.

    test_seabios.py EMU

Its messages come from port 402h.  Where the package seabios is not installed
the test is skipped.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

BIOS = '/usr/share/seabios/bios-256k.bin'
LIMIT = 240  # seconds, on a loaded host

# Name, arguments, and what must be said on the way.
RUNS = [
    ('pc', ['-M', 'pc', '-smp', '2', '-m', '3500'], [
        'Running on QEMU (i440fx)',
        'QEMU fw_cfg DMA interface supported',
        'addr 0x0000000100000000 len 0x000000001ac00000 [RAM]',
        'init bdf=00:01.3 id=8086:7113',
        'Using pmtimer, ioport 0x608',
        'Found 2 cpu(s) max supported 2 cpu(s)',
        'Copying MPTABLE', 'Copying SMBIOS', 'ACPI: parse DSDT',
        'PS2 keyboard initialized', 'Found 2 serial ports']),
    ('isapc', ['-M', 'isapc'], [
        'Detected non-PCI system', 'PS2 keyboard initialized']),
]
WRONG = ['parse error', 'Timeout', 'timeout', 'WARNING']


def run(emu, name, args, wanted, folder):
    log = pathlib.Path(folder) / name
    log.touch()
    with subprocess.Popen(
            [emu, *args, '-accel', 'interp', '-nographic',
             '-chardev', f'file,id=dbg,path={log}',
             '-device', 'isa-debugcon,iobase=0x402,chardev=dbg'],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE) as p:
        end = time.monotonic() + LIMIT
        text = ''
        while 'No bootable device' not in text:
            text = log.read_text(errors='replace')
            if p.poll() is not None or time.monotonic() > end:
                break
            time.sleep(0.1)
        p.terminate()
        errors = p.communicate()[1].decode(errors='replace')
    wanted = wanted + ['Booting from Hard Disk', 'No bootable device']
    bad = [f'no "{w}"' for w in wanted if w not in text]
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
