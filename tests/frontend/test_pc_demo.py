#!/usr/bin/env python3
"""The PC's built-in demo: on the screen, read out of screendumps, and on the
serial line.

Without the package seabios all is skipped.
"""

import os
import pathlib
import re
import sys

import harness
from harness import Case

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / 'guests')]
import png  # noqa: E402
import screen  # noqa: E402
from monitor import Monitor  # noqa: E402

BIOS = '/usr/share/seabios/bios-256k.bin'
CTRL_A = b'\x01'


class Demo(Case):
    def setUp(self):
        super().setUp()
        if not os.path.exists(BIOS):
            self.skipTest('no seabios here')


def shown(text):
    """What finds it in the BIOS's output, which says where the cursor is at any
    tick of the clock, between two letters, too."""
    return rb'(?:\x1b\[[0-9;]*[A-Za-z])*'.join(
        re.escape(c).encode() for c in text)


class Line(Demo):
    """Where the BIOS has its console on the serial line."""

    def test_all(self):
        t = self.terminal('-M', 'pc', '-display', 'none', '-nographic')
        t.expect('running the built-in demo')
        t.expect(shown('Processor'))
        t.expect(shown('Memory'))
        t.expect(shown('EMU') + b'.*' + shown('CD-ROM'))
        t.expect(shown('Power'))
        t.send('7')
        t.expect(shown('scan code'))
        t.send('a')
        t.expect(shown('1E') + b'.*' + shown('61') + b'.*' + shown('a'))
        t.send('\x1b')
        t.expect(shown('1B'))
        t.send('\x1b')
        t.expect(shown('Processor'))
        t.expect(shown('Power'))
        t.send('p')
        self.assertEqual(t.wait(), 0)
        self.assertTrue(t.restored())

    def test_what_it_gives_way_to(self):
        for args in (['-bios', 'default'], ['-boot', 'd'],
                     ['-hda', self.file('disk', bytes(1 << 20))]):
            t = self.terminal('-M', 'pc', '-nographic', *args)
            t.expect('No bootable device')
            self.assertNotIn(b'demo', t.text)
            t.send(CTRL_A + b'x')
            self.assertEqual(t.wait(), 0)

    def test_too_little_memory(self):
        got = self.run_emu('-M', 'isapc', '-m', '1', '-nographic')
        self.assertEqual(got.returncode, 1)
        self.assertRegex(got.stderr, rb'\A[^\n]*the built-in demo: [^\n]*-m[^\n]*'
                         rb'\n\Z')


def dot(rows, x, y):
    return tuple(rows[y][x * 3:x * 3 + 3])


def colours(rows):
    """All of them, of lines that are there twice but once."""
    return {c for row in set(rows)
            for c in zip(row[0::3], row[1::3], row[2::3])}


class Screen(Demo):
    """Pages, by the keyboard that the monitor types on."""

    def begin(self, *args):
        self.emu = self.start_emu(
            *args, '-display', 'none', '-serial', 'none', '-monitor',
            'unix:mon,server,nowait')

        def there():
            try:
                return Monitor(self.folder / 'mon')
            except OSError:
                return None

        self.monitor = self.wait_for(there, 'a monitor')
        self.addCleanup(self.monitor.close)
        self.ask = self.monitor.ask

    def key(self, *names):
        for name in names:
            self.ask(f'sendkey {name}')

    def shot(self):
        path = self.folder / 'shot.ppm'
        self.ask(f'screendump {path}')
        return path

    def words(self, *wanted):
        """Waits for all of them on the screen of text."""
        text = ''

        def there():
            nonlocal text
            text = '\n'.join(screen.text(self.shot()))
            return all(w in text for w in wanted)

        try:
            self.wait_for(there, wanted)
        except AssertionError as err:
            raise AssertionError(f'{err}; the screen:\n{text}') from None

    def rows(self):
        return png.read_bytes(self.shot())[2]

    def picture(self, width, height, test):
        """Waits for a picture of that size that passes the test."""
        def seen():
            wide, high, rows = png.read_bytes(self.shot())
            return (wide, high) == (width, height) and test(rows)

        self.wait_for(seen, f'a picture of {width} by {height}')

    def test_machine(self):
        """Drives of all kinds, and the keyboard's and mouse's pages."""
        if harness.ARGS.emulated:
            self.skipTest('takes long there')
        image = pathlib.Path(__file__).resolve().parents[2] / \
            'roms/x86/demo.elf'
        self.begin('-M', 'pc', '-m', '64', '-kernel', str(image),
                   '-hda', self.file('disk', bytes(20 << 20)),
                   '-fda', self.file('floppy', bytes(1440 << 10)))
        self.words('Processor', '64 MiB in all', 'drive for 1.44 MB, a disk',
                   'EMU HARDDISK, 20.0 MiB, first, master', 'IDE CD',
                   '80: 20.0 MiB', 'host bridge', 'Display     VGA',
                   'Type a key')
        self.key('7')
        self.words('Keyboard', 'scan code')
        self.key('q', 'shift-q', 'f1', 'caps_lock')
        self.words('10         71  q', '10         51  Q', '3B         00',
                   '. num lock')
        self.key('esc', 'esc', '8')
        self.words('column 40, row 12')
        self.ask('mouse_button 1')
        self.ask('mouse_move 80 32')
        self.words('column 50, row 14', 'wheel 0')
        self.ask('mouse_move 0 0 3')
        self.words('column 50, row 14', 'wheel 3')
        self.ask('mouse_move 8 0 -5')
        self.words('column 51, row 14', 'wheel -2')
        self.ask('mouse_move -8 0')
        self.assertEqual(dot(self.rows(), 40 * 9 + 4, 12 * 16 + 8),
                         (255, 85, 85))
        self.key('esc')
        self.words('Processor')
        # From the start again, which the floppy's drive shows.
        self.ask('eject floppy0')
        self.key('r')
        self.words('Processor', 'no disk that can be read', '80: 20.0 MiB',
                   'Type a key')
        self.key('p')
        self.assertEqual(self.emu.wait(harness.LONG), 0)

    def test_pictures(self):
        if harness.ARGS.emulated:
            self.skipTest('takes long there')
        self.begin('-M', 'pc', '-m', '32')
        self.words('Processor', 'Type a key')
        self.key('1')
        self.words('80 columns, 25 rows', '@ABCDEFG')
        self.key('spc')
        self.picture(360, 400, lambda rows: True)
        self.key('esc', '2')
        cyan, magenta, white = (85, 255, 255), (255, 85, 255), (255,) * 3
        self.picture(320, 400, lambda rows: colours(rows) ==
                     {cyan, magenta, white, (0, 0, 0)})
        self.key('esc', '3')
        self.picture(640, 480, lambda rows:
                     dot(rows, 400, 450) == (85, 255, 85) and
                     len(colours(rows[64:430])) > 4)
        self.key('esc', '4')
        self.picture(320, 400, lambda rows:
                     len(colours(rows)) > 100)
        self.key('esc', '5')
        self.picture(320, 480, lambda rows: rows[0][2] > rows[0][0] and
                     dot(rows, 0, 479) == (16, 16, 40))
        # Hills, then words in the part that is split off, then it pans.
        self.picture(320, 480, lambda rows:
                     colours([row[3 * 240:3 * 248] for row in rows[432:]]) !=
                     {(16, 16, 40)})
        for _ in range(2):
            before = self.rows()
            self.wait_for(lambda: self.rows()[300] != before[300],
                          'that it pans')
        after = self.rows()
        self.assertTrue(after[432:] == before[432:], 'the split part moves')
        self.key('esc', '6')
        self.picture(1024, 768, lambda rows: dot(rows, 512, 384) != (0, 0, 0) and
                     dot(rows, 512, 764) != dot(rows, 512, 700))

    def test_old_cards(self):
        if harness.ARGS.emulated:
            self.skipTest('takes long there')
        for card, size, at, colour in (
                ('cga', (640, 200), (3, 300), (0, 0, 170)),
                ('hercules', (720, 350), (3, 400), (170, 170, 170))):
            self.begin('-M', 'isapc', '-m', '4', '-vga', card)
            self.picture(*size, lambda rows, at=at, colour=colour:
                         dot(rows, at[1], at[0]) == colour and
                         dot(rows, at[1], size[1] - 4) == colour)
            self.monitor.tell('quit')
            self.assertEqual(self.emu.wait(harness.LONG), 0)
            self.monitor.close()
            (self.folder / 'mon').unlink(missing_ok=True)


if __name__ == '__main__':
    harness.main()
