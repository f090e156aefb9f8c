#!/usr/bin/env python3
"""The window, under Xvfb: its pixels, keys, mouse, focus, hiding, closing.

    test_display.py EMU ROM JOYSTICK

The guest is display.asm; xdotool types; joystick.c, preloaded, plugs joysticks
into SDL.  Where a program is missing, or the emulator was built without SDL,
tests are skipped.
"""

import ctypes
import os
import pathlib
import shutil
import re
import signal
import subprocess
import sys
import time
import unittest

import harness
from harness import Case

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / 'guests')]

import png  # noqa: E402  pylint: disable=wrong-import-position
from desktop import Desktop  # noqa: E402
from monitor import Monitor  # noqa: E402

WIDTH, HEIGHT = 640, 480
TOOLS = ('Xvfb', 'xdotool')


def picture():
    """What display.asm shows, as rows of bytes."""
    rows = []
    for y in range(HEIGHT):
        row = bytearray(WIDTH * 3)
        row[0::3] = bytes(x & 255 for x in range(WIDTH))
        row[1::3] = bytes([y & 255]) * WIDTH
        row[2::3] = bytes(x - y & 255 for x in range(WIDTH))
        rows.append(bytes(row))
    return rows


def ask_to_close(desktop, window):
    """WM_DELETE_WINDOW, as a window manager sends it."""
    x = ctypes.CDLL('libX11.so.6')
    x.XOpenDisplay.restype = ctypes.c_void_p
    x.XInternAtom.restype = ctypes.c_ulong
    x.XInternAtom.argtypes = [ctypes.c_void_p, ctypes.c_char_p,
                              ctypes.c_int]
    x.XSendEvent.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int,
                             ctypes.c_long, ctypes.c_void_p]
    x.XCloseDisplay.argtypes = [ctypes.c_void_p]
    display = x.XOpenDisplay(desktop.name.encode())
    # struct XClientMessageEvent, in an XEvent of 24 longs
    event = (ctypes.c_long * 24)()
    event[0] = 33
    event[4] = window
    event[5] = x.XInternAtom(display, b'WM_PROTOCOLS', 0)
    event[6] = 32
    event[7] = x.XInternAtom(display, b'WM_DELETE_WINDOW', 0)
    x.XSendEvent(display, window, 0, 0, event)
    x.XCloseDisplay(display)


class Window(Case):
    # What a build with sanitizers shows no more of.
    PLAIN = ('test_scaling', 'test_idle', 'test_close_twice', 'test_lost',
             'test_full_screen')

    def setUp(self):
        super().setUp()
        if harness.ARGS.sanitized and self._testMethodName in self.PLAIN:
            self.skipTest('tested without sanitizers')
        for tool in TOOLS:
            if not shutil.which(tool):
                self.skipTest(f'no {tool} here')
        try:
            self.desktop = Desktop(self.folder)
        except OSError as err:
            self.skipTest(str(err))
        self.addCleanup(self.desktop.close)
        self.args = ('-M', 'pc', '-vga', 'std', '-m', '16',
                     '-bios', harness.ARGS.rom, '-serial', 'none',
                     '-debugcon', 'stdio',
                     '-monitor', 'unix:mon,server,nowait')

    def begin(self, *more):
        self.emu = self.start_emu(*self.args, *more, env=self.desktop.env)
        os.set_blocking(self.emu.stdout.fileno(), False)
        self.said, self.at = '', 0
        self.expect('ready\n')
        self.window = int(self.wait_for(self.find, 'a window'))
        self.wait_for(lambda: self.size() == (WIDTH, HEIGHT),
                      "the picture's size")
        self.monitor = Monitor(self.folder / 'mon')
        self.addCleanup(self.monitor.close)

    def find(self):
        found = subprocess.run(
            ['xdotool', 'search', '--onlyvisible', '--name', '^emu'],
            env=self.desktop.env, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, check=False).stdout.split()
        return found[-1] if found else None

    def read(self):
        self.said += (self.emu.stdout.read() or b'').decode()
        return self.said

    def expect(self, text):
        """Waits until the guest has said it, behind what was expected last."""
        self.wait_for(lambda: text in self.read()[self.at:] or
                      self.emu.poll() is not None, text)
        self.assertIn(text, self.read()[self.at:])
        self.at = self.said.index(text, self.at) + len(text)

    def ask(self, command):
        """A command to the monitor; what it answers."""
        got = self.monitor.ask(command)
        return got.split(command, 1)[1].replace('(emu) ', '').strip()

    def counts(self):
        """How often the screen was looked at and drawn, and lines uploaded."""
        words = self.ask('info display').replace(',', ' ').split()
        return [int(word) for word in words if word.isdigit()]

    def shot(self):
        answer = self.ask(f'screendump {self.folder}/shot.ppm')
        self.assertEqual(answer, '')
        return png.read_bytes(self.folder / 'shot.ppm')[2]

    def size(self):
        values = self.desktop.geometry(self.window)
        return values['WIDTH'], values['HEIGHT']

    def focus(self):
        self.desktop.tool('windowfocus', '--sync', self.window)

    def title(self):
        return self.desktop.tool('getwindowname', self.window)

    def test_pixels(self):
        self.begin()
        rows = self.shot()
        self.assertEqual(rows, picture())
        self.wait_for(lambda: self.desktop.shows(rows), 'the same pixels')
        # One line changes: one line is drawn anew.
        before = self.counts()
        self.ask('sendkey spc')
        self.expect('K B9\n')
        changed = list(rows)
        changed[100] = bytes(255 - byte for byte in rows[100])
        self.assertEqual(self.shot(), changed)
        self.wait_for(lambda: self.desktop.shows(changed), 'the changed line')
        after = self.counts()
        self.assertLessEqual(after[1] - before[1], 2)
        self.assertLessEqual(after[2] - before[2], 2)

    def test_scaling(self):
        self.begin()
        rows = picture()
        self.desktop.tool('windowsize', self.window, 1000, 700)
        # Whole multiples: once, in the middle.
        side = bytes(180 * 3)
        want = [side + row + side for row in rows]
        self.wait_for(lambda: self.desktop.shows(want),
                      'the picture in the middle')
        self.focus()
        self.desktop.tool('key', 'ctrl+alt+i')
        # Smooth: all of the height, 933 by 700.
        self.wait_for(lambda: sum(any(row) for row in self.desktop.rows()) >=
                      690, 'the picture filling the window')
        widest = max(len(row.strip(b'\0')) for row in self.desktop.rows())
        self.assertAlmostEqual(widest / 3, 933, delta=8)
        self.desktop.tool('key', 'ctrl+alt+u')
        self.wait_for(lambda: self.size() == (WIDTH, HEIGHT), 'its own size')

    def test_keys(self):
        self.begin()
        self.focus()
        for key, codes in (('a', 'K 1E\nK 9E\n'),
                           ('Up', 'K E0\nK 48\nK E0\nK C8\n'),
                           ('F12', 'K 58\nK D8\n'),
                           ('shift+2', 'K 2A\nK 03\n')):
            self.desktop.tool('key', '--delay', '50', key)
            self.expect(codes)
        # Held over a change of the focus: it goes up then.
        self.desktop.tool('keydown', 'Shift_L')
        self.expect('K 2A\n')
        root = self.desktop.tool('search', '--maxdepth', '0', '--name',
                                 '').split()[0]
        self.desktop.tool('windowfocus', root)
        self.expect('K AA\n')
        self.desktop.tool('keyup', 'Shift_L')
        # Caps Lock was pressed elsewhere: the guest's LEDs are off.
        self.desktop.tool('mousemove', 5, 5)    # where root has the keys
        self.desktop.tool('key', 'Caps_Lock')
        self.focus()
        self.expect('K 3A\nK BA\n')
        self.desktop.tool('windowfocus', root)
        self.desktop.tool('key', 'Caps_Lock')
        self.focus()
        self.desktop.tool('key', '--delay', '50', 'a')
        self.expect('K 1E\nK 9E\n')
        self.assertEqual(self.said.count('K 3A\n'), 1)

    def test_mouse(self):
        self.begin()
        self.focus()
        width, height = self.size()
        self.desktop.tool('mousemove', '--window', self.window, width // 2,
                          height // 2)
        self.assertIn('takes mouse', self.title())
        self.desktop.tool('click', '1') # takes it, and is no click
        self.wait_for(lambda: 'lets mouse' in self.title(), 'the mouse taken')
        self.assertNotIn('M', self.read())
        self.desktop.tool('mousemove_relative', '--', '5', '3')
        self.expect('M 28\nM 05\nM FD\nM 00\n')
        self.desktop.tool('click', '4') # the wheel, away from the user
        self.expect('M 08\nM 00\nM 00\nM FF\n')
        self.desktop.tool('click', '5')
        self.expect('M 08\nM 00\nM 00\nM 01\n')
        self.desktop.tool('mousedown', '3')
        self.expect('M 0A\nM 00\nM 00\nM 00\n')
        self.desktop.tool('key', 'ctrl+alt+g')
        self.expect('M 08\nM 00\nM 00\nM 00\n') # nothing stays pressed
        self.wait_for(lambda: 'takes mouse' in self.title(), 'it let go')
        self.desktop.tool('mouseup', '3')
        codes = self.said.count('K 1D\n'), self.said.count('K 9D\n')
        self.assertEqual(codes, (1, 1))
        self.assertNotIn('K 22\n', self.said) # the shortcut's own letter

    def test_joysticks(self):
        """From SDL's events to the game port."""
        library = harness.ARGS.joystick
        if not library.endswith('.so') or harness.ARGS.sanitized:
            self.skipTest('nothing to plug them in with')
        fifo = self.folder / 'joysticks'
        os.mkfifo(fifo)
        self.desktop.env.update(LD_PRELOAD=library, JOYSTICK_FIFO=str(fifo))
        # Instructions count, not the host's time.
        self.begin('-device', 'gameport', '-icount', 'shift=3')
        self.focus()
        with open(fifo, 'w', buffering=1, encoding='ascii') as sticks:
            def see(port, *lines):
                for line in lines:
                    sticks.write(line + '\n')
                self.wait_for(lambda: self.ask('sendkey j') == '' and
                              f'J {port}\n' in self.read()[self.at:],
                              f'{port} after {lines}')
                self.at = len(self.said)

            see('F .. .. .. ..')
            see('F 80 80 .. ..', 'plug')
            see('F 00 FF .. ..', 'axis 0 0 -32768', 'axis 0 1 32767')
            see('F 40 BF .. ..', 'axis 0 0 -16384', 'axis 0 1 16383')
            see('E 40 BF .. ..', 'button 0 0 1')
            see('D 40 BF .. ..', 'button 0 0 0', 'button 0 3 1')
            see('D 40 BF 80 80', 'plug')
            see('5 40 BF 80 00', 'button 1 1 1', 'hat 1 1') # up
            see('5 40 BF FF FF', 'hat 1 6')                 # right and down
            see('5 40 BF 80 80', 'hat 1 0')
            # Only two have room; the third takes the place of the first.
            see('5 40 BF FF 80', 'plug', 'hat 1 2')
            see('7 80 80 FF 80', 'pull 0')
            see('7 00 80 FF 80', 'axis 2 0 -32768')
            see('F 00 80 .. ..', 'pull 1')

    def test_monitor(self):
        self.begin('-display', 'sdl')
        self.ask('sendkey ctrl-alt-delete 1')
        self.expect('K 1D\nK 38\nK E0\nK 53\nK E0\nK D3\nK B8\nK 9D\n')
        self.ask('mouse_move 2 1')
        self.expect('M 28\nM 02\nM FF\nM 00\n')
        self.ask('mouse_button 4')
        self.expect('M 0A\n')

    def test_hidden(self):
        """Costs nothing: no look, no frame."""
        self.begin()
        self.desktop.tool('windowunmap', '--sync', self.window)
        before = self.wait_for(self.settled, 'rest')
        self.ask('sendkey spc')
        self.expect('K B9\n')
        time.sleep(0.3)
        self.assertEqual(self.counts(), before)
        rows = picture()
        rows[100] = bytes(255 - byte for byte in rows[100])
        self.desktop.tool('windowmap', '--sync', self.window)
        self.wait_for(lambda: self.desktop.shows(rows), 'the picture again')

    def settled(self):
        counts = self.counts()
        time.sleep(0.3)
        return counts if self.counts() == counts else None

    def test_idle(self):
        """Nothing changes: nothing is drawn, and looks become rare."""
        self.begin()
        rows = picture()
        self.wait_for(lambda: self.desktop.shows(rows), 'the picture')
        time.sleep(0.3)
        looked, drawn, lines = self.counts()
        time.sleep(1)
        after = self.counts()
        self.assertEqual(after[1:], [drawn, lines])
        self.assertLessEqual(after[0] - looked, 20)

    def test_close(self):
        self.begin()
        ask_to_close(self.desktop, self.window)
        self.expect('button\n')
        self.wait_for(lambda: 'close again' in self.title(), 'the title')
        self.ask('sendkey q')
        self.assertEqual(self.emu.wait(harness.LONG), 0)

    def test_full_screen(self):
        """A window manager does it."""
        if not shutil.which('openbox'):
            self.skipTest('no openbox here')
        manager = subprocess.Popen(['openbox'], env=self.desktop.env,
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(harness.stop, manager)
        # A window that is mapped while it starts waits for good.
        self.wait_for(lambda: manager.poll() is not None or not subprocess.run(
            ['xdotool', 'get_num_desktops'], env=self.desktop.env,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False).returncode, 'the window manager')
        if manager.poll() is not None:
            self.skipTest('openbox does not start')
        self.begin()
        self.focus()
        self.desktop.tool('mousemove', 5, 5)    # not over the picture
        self.desktop.tool('key', 'ctrl+alt+f')
        self.wait_for(lambda: self.size() == (1920, 1200), 'all of the screen')
        # Twice as large, in the middle.
        want = []
        for row in picture():
            pairs = [row[i:i + 3] * 2 for i in range(0, len(row), 3)]
            want += [bytes(320 * 3) + b''.join(pairs) + bytes(320 * 3)] * 2
        self.wait_for(lambda: self.desktop.shows(want), 'the picture')
        self.desktop.tool('key', 'ctrl+alt+f')
        self.wait_for(lambda: self.size() == (WIDTH, HEIGHT), 'the window')

    def test_lost(self):
        """The X server goes: the machine does not, and its button is
        pressed."""
        self.begin()
        self.wait_for(lambda: 'MIPS' in self.title(), 'its speed')
        self.desktop.server.kill()
        self.desktop.server.wait()
        self.expect('button\n')
        self.assertIn('running', self.ask('info status'))
        self.ask('sendkey q')
        self.assertEqual(self.emu.wait(harness.LONG), 0)
        self.assertIn(b'the window is gone with its display',
                      self.emu.stderr.read())

    def test_close_twice(self):
        self.begin()
        ask_to_close(self.desktop, self.window)
        self.expect('button\n')
        ask_to_close(self.desktop, self.window)
        self.assertEqual(self.emu.wait(harness.LONG), 0)


class Wayland(Case):

    def test_no_seat(self):
        """A line, or a window that nobody sees with an SDL that can."""
        if not shutil.which('weston'):
            self.skipTest('no weston here')
        self.folder.chmod(0o700)
        env = {**os.environ, 'XDG_RUNTIME_DIR': str(self.folder)}
        weston = subprocess.Popen(
            ['weston', '--backend=headless-backend.so', '--socket=wayland',
             '--no-config'],
            env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(harness.stop, weston)
        self.wait_for(lambda: (self.folder / 'wayland').exists() or
                      weston.poll() is not None, 'a compositor')
        emu = self.start_emu(
            '-M', 'pc', '-vga', 'std', '-m', '16', '-bios', harness.ARGS.rom,
            '-display', 'sdl', '-serial', 'none', '-monitor', 'none',
            '-debugcon', 'stdio', env={**env, 'WAYLAND_DISPLAY': 'wayland'})
        if emu.stdout.readline() == b'ready\n':
            emu.terminate()
            self.assertEqual(emu.wait(harness.LONG), 143)
        else:
            self.assertEqual(emu.wait(harness.LONG), 1)
            self.assertRegex(emu.stderr.read(), rb'\Aemu: [^\n]* seat[^\n]*\n\Z')

    def test_lost(self):
        """A compositor in a window of the X server's."""
        if harness.ARGS.sanitized:
            self.skipTest('tested without sanitizers')
        for tool in (*TOOLS, 'weston'):
            if not shutil.which(tool):
                self.skipTest(f'no {tool} here')
        try:
            desktop = Desktop(self.folder)
        except OSError as err:
            self.skipTest(str(err))
        self.addCleanup(desktop.close)
        self.folder.chmod(0o700)
        folder = {'XDG_RUNTIME_DIR': str(self.folder)}
        weston = subprocess.Popen(
            ['weston', '--backend=x11-backend.so', '--use-pixman',
             '--socket=wayland', '--no-config'],
            env={**desktop.env, **folder}, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.addCleanup(harness.stop, weston)
        self.wait_for(lambda: (self.folder / 'wayland').exists() or
                      weston.poll() is not None, 'a compositor')
        env = {k: v for k, v in os.environ.items() if k != 'DISPLAY'}
        emu = self.start_emu(
            '-M', 'pc', '-vga', 'std', '-m', '16', '-bios', harness.ARGS.rom,
            '-display', 'sdl', '-serial', 'none', '-monitor', 'none',
            '-debugcon', 'stdio',
            env={**env, **folder, 'WAYLAND_DISPLAY': 'wayland'})
        self.assertEqual(emu.stdout.readline(), b'ready\n')
        weston.kill()
        self.assertEqual(emu.stdout.readline(), b'button\n')
        self.assertIsNone(emu.poll())
        emu.terminate()
        self.assertEqual(emu.wait(harness.LONG), 143)
        self.assertIn(b'the window is gone with its display',
                      emu.stderr.read())


class SerialMouse(Case):
    """No window: the monitor moves it."""

    def begin(self, kind, greeting, steps):
        emu = self.start_emu(
            '-M', 'pc', '-vga', 'std', '-m', '16', '-bios', harness.ARGS.rom,
            '-display', 'none', '-serial', kind, '-debugcon',
            f'file:{self.folder}/said', '-monitor', 'stdio',
            stdin=subprocess.PIPE)
        self.want = ''
        self.expect(greeting)
        for command, bytes_ in steps:
            emu.stdin.write(command.encode() + b'\n')
            emu.stdin.flush()
            self.expect(bytes_)
        emu.stdin.write(b'quit\n')
        emu.stdin.flush()
        self.assertEqual(emu.wait(harness.LONG), 0)

    def test_three_buttons(self):
        self.begin('msmouse', '4D 33', ( # M3
                ('mouse_move 5 -3', '4C 05 3D'),
                ('mouse_move -200 200', '46 01 3F 46 37 09'),
                ('mouse_button 1', '60 00 00'),
                ('mouse_button 5', '70 00 00'),
                ('mouse_button 2', '40 00 00 20'),
                ('mouse_button 0', '40 00 00 00'),
                ('mouse_move 1 0 1', '40 01 00')))

    def test_wheel(self):
        # Plug and Play External COM Device Specification 1.00, 2.1: what is
        # sent is 0x20 less than the text, but for the revision.
        text = '(\x21\x44MSH0001\\\\MOUSE\\PNP0F0C\\MICROSOFT INTELLIMOUSE'
        sent = bytes(ord(c) - 0x20 for c in text)
        total = sum(sent) + ord(')') - 0x20 & 255
        sent += bytes(ord(c) - 0x20 for c in f'{total:02X})')
        self.begin('mswheel', (b'MZ@' + sent).hex(' ').upper(), (
                ('mouse_move 5 -3 1', '4C 05 3D 01'),
                ('mouse_move 0 0 -9', '40 00 00 09 40 00 00 0E'),
                ('mouse_button 5', '70 00 00 00'),
                ('mouse_button 2', '40 00 00 10'),
                ('mouse_button 0', '40 00 00 00')))

    def expect(self, codes):
        said = self.folder / 'said'
        self.want += ''.join(f'S {code}\n' for code in codes.split())
        self.wait_for(lambda: said.exists() and said.read_text().replace(
            'ready\n', '') == self.want, codes)


def shown(text):
    """A pattern of what curses may put on the terminal in pieces, with a
    little of something else between them, and moves in place of spaces."""
    return rb'[\s\S]{0,120}?'.join(
        re.escape(c).encode() for c in text if c != ' ')


class Curses(Case):

    def begin(self, *more):
        self.said = self.folder / 'said'
        return self.terminal(
            '-M', 'pc', '-vga', 'std', '-m', '16', '-display', 'curses',
            '-debugcon', f'file:{self.said}', *more,
            env={**os.environ, 'TERM': 'xterm', 'LC_ALL': 'C.UTF-8'})

    def setUp(self):
        super().setUp()
        if not is_built('curses'):
            self.skipTest('built without curses')

    def typed(self, t, keys, codes):
        before = self.said.read_text()
        t.send(keys)
        self.wait_for(lambda: self.said.read_text() ==
                      before + ''.join(f'K {c}\n' for c in codes.split()),
                      f'{keys}: {codes}')

    def test_keys_and_monitor(self):
        t = self.begin('-bios', harness.ARGS.rom)
        t.expect('the guest shows graphics, 640x480')
        self.wait_for(lambda: 'ready\n' in self.said.read_text(), 'the guest')
        self.typed(t, 'a', '1E 9E')
        self.typed(t, 'A', '2A 1E 9E AA')
        self.typed(t, '\x03', '1D 2E AE 9D')
        self.typed(t, '\x1b', '01 81')
        self.typed(t, '\x1bx', '38 2D AD B8')
        self.typed(t, '\x1bOA', 'E0 48 E0 C8')
        # Told to stop, it gives the terminal back, and then draws all anew.
        # (No shell waits for it, so that it goes on at once.)
        os.kill(t.pid, signal.SIGTSTP)
        t.expect(re.escape(b'\x1b[?1049l'))
        t.expect('the guest shows graphics, 640x480')
        t.send('\x1b2')
        t.expect('(emu) ')
        t.send('info \x1b[3~status\r')    # Delete is no letter
        t.expect('VM status: running')
        t.send('quit\r')
        self.assertEqual(t.wait(), 0)
        self.assertTrue(t.restored())

    @unittest.skipUnless(os.path.exists('/usr/share/seabios/vgabios-stdvga.bin'),
                         'no SeaBIOS here')
    def test_text(self):
        t = self.begin('-nodefaults', '-bios', 'default')
        t.expect(shown('No bootable device'))
        t.send('\x1b2')
        t.expect('(emu) ')
        t.send('quit\r')
        self.assertEqual(t.wait(), 0)

    @unittest.skipUnless(os.path.exists('/usr/share/seabios/bios.bin'),
                         'no SeaBIOS here')
    def test_cards(self):
        """CGA and Hercules have text, too: the demo's menu."""
        for card in ('cga', 'hercules'):
            t = self.terminal('-M', 'isapc', '-vga', card, '-display',
                              'curses', env={**os.environ, 'TERM': 'xterm',
                                             'LC_ALL': 'C.UTF-8'})
            t.expect(shown('Power off'))
            t.send('\x1b2')
            t.expect('(emu) ')
            t.send('quit\r')
            self.assertEqual(t.wait(), 0)

    def test_no_terminal(self):
        got = self.run_emu('-M', 'pc', '-display', 'curses')
        self.assertEqual((got.returncode, got.stdout), (1, b''))
        self.assertEqual(got.stderr.count(b'\n'), 1)
        self.assertIn(b'are no terminal', got.stderr)


class NoDisplay(Case):

    args = ('-M', 'pc', '-vga', 'std', '-serial', 'none', '-monitor', 'none')

    def test_none(self):
        """Said in a line, and the machine runs."""
        emu = self.start_emu(*self.args, '-bios', harness.ARGS.rom,
                             '-debugcon', 'stdio')
        self.assertEqual(emu.stdout.readline(), b'ready\n')
        emu.terminate()
        lines = emu.stderr.read().decode().splitlines()
        self.assertIn('running as -nographic', lines[0])
        self.assertEqual(len(lines), 2, lines)

    def test_wanted(self):
        for display in (None, ':99999'):
            env = {k: v for k, v in os.environ.items()
                   if k not in ('DISPLAY', 'WAYLAND_DISPLAY',
                                'SDL_VIDEODRIVER')}
            if display:
                env['DISPLAY'] = display
            for more in (['-display', 'sdl'], []):
                if not display and not more:
                    continue
                got = self.run_emu(*self.args, *more, env=env)
                line = got.stderr.decode()
                self.assertEqual((got.returncode, got.stdout), (1, b''))
                if display:
                    self.assertEqual(line.count('\n'), 1, line)
                self.assertIn('-display sdl: SDL finds no display',
                              line.splitlines()[-1])

    def test_no_screen(self):
        got = self.run_emu('-M', 'virt', '-display', 'sdl')
        self.assertEqual(got.returncode, 1)
        self.assertEqual(got.stderr.count(b'\n'), 1)
        self.assertIn(b'this machine has no screen', got.stderr)


def is_built(display, emu=None):
    listed = subprocess.run([emu or harness.ARGS.emulator, '-display', 'help'],
                            stdout=subprocess.PIPE, check=True).stdout
    return any(line.split()[0] == display and 'not built' not in line
               for line in listed.decode().splitlines()[1:])


if __name__ == '__main__':
    if not is_built('sdl', os.path.abspath(sys.argv[1])):
        print('built without SDL')
        sys.exit(77)
    harness.main('rom', 'joystick')
