#!/usr/bin/env python3
"""Boards: the example of the documentation, and the one that is empty."""

import os
import pathlib
import shutil
import signal
import unittest

import harness
from harness import Case

CTRL_A = b'\x01'
DOCS = pathlib.Path(__file__).resolve().parents[2] / 'docs'


@unittest.skipUnless(shutil.which('dtc'), 'no dtc here')
class Example(Case):

    def test_runs_the_demo(self):
        t = self.terminal('-M', str(DOCS / 'example.dts'))
        t.expect('emu demo guest on An example')
        t.expect('24 passed, 0 failed')
        t.expect('emu> ')
        t.send(b'poweroff\n')
        self.assertEqual(t.wait(), 0)

    def test_is_short(self):
        lines = (DOCS / 'example.dts').read_text().splitlines()
        self.assertLessEqual(len(lines), 60)

    def test_what_the_text_shows(self):
        """docs/boards.md quotes two mistakes; they are answered so."""
        text = (DOCS / 'example.dts').read_text()
        shown = (DOCS / 'boards.md').read_text()
        for old, new in (('ns16550a', 'ns16550b'), ('<&plic>', '<99>')):
            board = self.file('my.dts', text.replace(old, new).encode())
            got = self.run_emu('-M', os.path.basename(board))
            self.assertEqual((got.returncode, got.stdout), (1, b''))
            line = got.stderr.decode()
            self.assertEqual(line.count('\n'), 1, line)
            self.assertIn(line, shown)


class Empty(Case):
    """-M none: nothing runs, and everything around it does."""

    def test_keys(self):
        t = self.terminal('-M', 'none')
        t.send(CTRL_A + b'c')
        t.expect('(emu) ')
        t.send(b'info status\n')
        t.expect('VM status: running')
        for command in (b'stop', b'info registers', b'system_reset', b'cont'):
            t.send(command + b'\n')
            t.expect('(emu) ')
        t.send(b'info status\n')
        t.expect('VM status: running')
        t.send(CTRL_A + b'x')
        self.assertEqual(t.wait(), 0)
        self.assertTrue(t.restored())

    def test_signal(self):
        for extra in ((), ('-S', '-nodefaults', '-no-user-config'),
                      ('-icount', 'shift=1'), ('-accel', 'interp')):
            t = self.terminal('-M', 'none', '-pidfile', 'pid', *extra)
            self.wait_for(lambda: (self.folder / 'pid').exists() and
                          (self.folder / 'pid').read_text(), 'the pid file')
            os.kill(int((self.folder / 'pid').read_text()), signal.SIGTERM)
            self.assertEqual(t.wait(), 143)
            (self.folder / 'pid').unlink(missing_ok=True)

    def test_refuses(self):
        for option, value in (('-m', '1G'), ('-cpu', 'rv64'), ('-kernel', 'x'),
                              ('-bios', 'x'), ('-dtb', 'x')):
            got = self.run_emu('-M', 'none', option, value)
            self.assertEqual(got.returncode, 1)
            self.assertEqual(got.stderr.decode(),
                             f'emu: {option}: -M none has no processor and no '
                             'memory\n')

    def test_dump(self):
        got = self.run_emu('-M', 'none,dumpdtb=tree.dtb')
        self.assertEqual((got.returncode, got.stderr), (0, b''))
        t = self.terminal('-M', 'tree.dtb')
        t.send(CTRL_A + b'x')
        self.assertEqual(t.wait(), 0)


if __name__ == '__main__':
    harness.main()
