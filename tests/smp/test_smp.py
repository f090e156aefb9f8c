#!/usr/bin/env python3
"""Programs for several harts, by both engines: litmus.c on the bare board,
sbi.c behind OpenSBI; and whether counted instructions make every run the same.

    test_smp.py EMULATOR [ROUNDS [SECONDS]]

ROUNDS is how often each test of litmus.c does what it does; by hand 20000.
"""

import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'roms'))

from guest import CROSS, need  # noqa: E402

TESTS = ('', 'counters', 'a lock', 'a store of the same value',
         'message passing', 'store buffering', 'code in turn', 'code at once',
         'accessed and dirty bits', 'interrupts', 'exceptions')


FIRMWARE = '/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin'


def build(folder, harts, rounds, sources=('start.S', 'litmus.c'),
          at=0x80010000):
    """An ELF file for so many harts."""
    out = os.path.join(folder, f'{sources[-1]}-{harts}')
    subprocess.run(
        [CROSS + 'gcc', '-march=rv64g', '-mabi=lp64', '-mcmodel=medany',
         '-O2', '-Wall', '-Wextra', '-Werror', '-ffreestanding', '-nostdlib',
         '-fno-pie', '-no-pie', '-static', f'-DHARTS={harts}ul',
         f'-DROUNDS={rounds}ul',
         f'-Wl,-Ttext=0x{at:x},--build-id=none,--no-relax',
         '-Wl,--no-warn-rwx-segments', '-o', out,
         *(os.path.join(HERE, name) for name in sources)], check=True)
    return out


def run(emulator, program, harts, options, seconds):
    """Returns (status, what it wrote)."""
    command = [emulator, '-M', 'virt', '-kernel', program, '-m', '64',
               '-smp', str(harts), '-nographic', *options]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=seconds, check=False)
    except subprocess.TimeoutExpired as late:
        return 'no end', (late.stdout or b'').decode('latin-1')
    return done.returncode, done.stdout.decode('latin-1')


def main():
    need(CROSS + 'gcc')
    emulator = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 100
    failed = 0

    def check(name, good, detail=''):
        nonlocal failed
        print(f'{"ok" if good else "FAILED"}: {name} {detail}')
        failed += not good

    with tempfile.TemporaryDirectory(prefix='emu-smp-') as folder:
        programs = {n: build(folder, n, rounds) for n in (2, 4)}
        for harts, program in programs.items():
            for engine in ('interp', 'jit'):
                status, text = run(emulator, program, harts,
                                   ['-bios', 'none', '-accel', engine],
                                   seconds)
                what = (TESTS[status] if isinstance(status, int) and
                        0 < status < len(TESTS) else '')
                check(f'{harts} harts, {engine}', status == 0,
                      f'{what} status {status}: {text}' if status else '')
        # By instructions: the same end, whoever runs them.
        hashes = set()
        counted = build(folder, 4, rounds // 10 + 8)
        for engine in ('interp', 'jit', 'interp', 'jit'):
            status, text = run(emulator, counted, 4,
                               ['-bios', 'none', '-accel', engine, '-icount',
                                'shift=3', '-d', 'hash'], seconds)
            found = re.search(r'state hash ([0-9a-f]{16})', text)
            check(f'4 harts in turn, {engine}', status == 0 and found,
                  f'status {status}: {text}' if status or not found else '')
            hashes.add(found and found[1])
        check('one state hash', len(hashes) == 1 and None not in hashes,
              str(hashes))
        if not os.path.exists(FIRMWARE):
            print('skipped: no OpenSBI: apt-get install opensbi')
            return 1 if failed else 0
        program = build(folder, 4, rounds // 10 + 1, ['sbi.c'], 0x80210000)
        for engine in ('interp', 'jit'):
            status, text = run(emulator, program, 4, ['-accel', engine],
                               seconds)
            check(f'harts of the firmware, {engine}', status == 0,
                  f'status {status}: {text[-300:]}' if status else '')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
