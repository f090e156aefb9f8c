#!/usr/bin/env python3
"""Guests that get nowhere (loops.asm): whatever loops, faults or resets there,
the emulator ends when it is told to, and says why."""

import pathlib
import signal

import harness
from harness import Case

WHICH = 0xffe0  # of the ROM: the byte that says which
GUESTS = ['triple faults', 'INT3 in INT3', 'HLT without IF', 'UD2 in #UD',
          '#AC in #AC', 'tasks', 'page tables in registers',
          'code in registers', 'long strings', 'SMIs', 'single steps',
          '#PF in #PF']
WAYS = [['-accel', 'interp'], ['-accel', 'jit'], ['-accel', 'lockstep'],
        ['-icount', 'shift=0'], ['-smp', '2']]


class Loops(Case):
    def ways(self):
        """Those that this build has: lockstep needs the translator."""
        got = self.run_emu(*self.guest(0), '-accel', 'lockstep', '-timeout',
                           '0.1')
        if got.returncode == 124:
            return WAYS
        self.assertRegex(got.stderr.decode(),
                         '^emu: -accel lockstep: this (build|host) ')
        return [w for w in WAYS if w[1] != 'lockstep']

    def guest(self, n):
        rom = bytearray(pathlib.Path(harness.ARGS.rom).read_bytes())
        rom[WHICH] = n
        return ['-M', 'pc', '-cpu', 'max', '-m', '16', '-bios',
                self.file(f'rom{n}', bytes(rom)), '-display', 'none']

    def test_signal(self):
        ways = self.ways()
        for n, name in enumerate(GUESTS):
            for way in ways:
                with self.subTest(name, way=way):
                    p = self.start_emu(*self.guest(n), '-serial', 'none',
                                       '-debugcon', 'stdio', *way)
                    self.assertEqual(p.stdout.read(3), b'up\n')
                    p.send_signal(signal.SIGTERM)
                    p.communicate(timeout=harness.LONG)
                    self.assertEqual(p.returncode, 128 + signal.SIGTERM)

    def test_timeout(self):
        for n, name in enumerate(GUESTS):
            with self.subTest(name):
                got = self.run_emu(*self.guest(n), '-serial', 'none',
                                   '-timeout', '0.3')
                self.assertEqual(got.returncode, 124, got.stderr)

    def test_keys(self):
        for n in (0, 3, 8):
            with self.subTest(GUESTS[n]):
                t = self.terminal(*self.guest(n), '-nographic')
                self.wait_for(t.raw, 'a raw terminal')
                t.send(b'\x01x')
                self.assertEqual(t.wait(), 0)

    def test_why(self):
        for n, why in ((0, 'triple fault'), (4, 'for ever')):
            with self.subTest(GUESTS[n]):
                got = self.run_emu(*self.guest(n), '-no-reboot', '-serial',
                                   'none', '-d', 'guest_errors')
                self.assertEqual(got.returncode, 125, got.stderr)
                self.assertIn(why, got.stderr.decode())


if __name__ == '__main__':
    harness.main('rom')
