#!/usr/bin/env python3
"""The terminal: taken, shared with the monitor, and put back on every way
out; job control; what is pasted; what firmware may do to it."""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import harness
from harness import Case

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import png  # noqa: E402  (its folder is no package)

CTRL_A = b'\x01'


class PutBack(Case):
    """Raw while the guest runs, as it was afterwards."""

    def start(self, *lines, args=(), **more):
        t = self.terminal('-kernel', self.script('print up\\n', *lines),
                          *args, **more)
        t.expect('up')
        self.assertTrue(t.raw())
        return t

    def ends(self, t, status):
        self.assertEqual(t.wait(), status, t.text)
        self.assertTrue(t.restored(), 'the terminal is not as it was')

    def test_power_off(self):
        self.ends(self.start('until q', 'poweroff').send_and('q'), 0)

    def test_failure(self):
        self.ends(self.start('until q', 'fail 5').send_and('q'), 5)

    def test_timeout(self):
        # It may come before the guest says a word.
        t = self.terminal('-kernel', self.script('hang'), '-timeout', '0.3')
        self.ends(t, 124)

    def test_ctrl_a_x(self):
        t = self.start('hang')
        t.send(CTRL_A + b'x')
        self.ends(t, 0)
        self.assertIn(b'ended by the user, status 0', t.text)

    def test_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP,
                       signal.SIGQUIT, signal.SIGUSR2, signal.SIGXCPU):
            t = self.start('hang')
            t.process.send_signal(number)
            self.ends(t, 128 + number)

    def test_crashes(self):
        for line, number in (('abort', signal.SIGABRT),
                             ('segv 16', signal.SIGSEGV)):
            if harness.ARGS.sanitized and number == signal.SIGSEGV:
                continue
            t = self.start('until q', line)
            t.send('q')
            self.ends(t, 126)

    def test_crash_signals_from_outside(self):
        for number in (signal.SIGBUS, signal.SIGILL, signal.SIGFPE,
                       signal.SIGTRAP, signal.SIGSYS):
            if harness.ARGS.sanitized and number in (
                    signal.SIGBUS, signal.SIGFPE, signal.SIGILL):
                continue
            t = self.start('hang')
            t.process.send_signal(number)
            self.ends(t, 126)

    def test_an_impatient_user(self):
        """A third signal ends it, whatever the main loop does."""
        t = self.start('hang')
        t.process.send_signal(signal.SIGSTOP)
        self.wait_for(lambda: harness.state(t.pid) == 'T', 'stopped')
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            t.process.send_signal(number)
        t.process.send_signal(signal.SIGCONT)
        self.assertGreater(t.wait(), 128)
        self.assertTrue(t.restored())

    def test_midline(self):
        """Our line does not stick to the guest's."""
        t = self.start('print abc', 'until q', 'fail 2')
        t.expect('abc')
        t.send('q')
        t.expect(rb'^\r+\n[^\n]*failure, status 2')
        self.ends(t, 2)

    def test_wrong_use_leaves_it_alone(self):
        t = self.terminal('-kernel', 'missing')
        self.ends(t, 1)

    def test_other_console_leaves_it_alone(self):
        t = self.terminal('-kernel', self.script('sleep 200', 'poweroff'),
                          '-serial', 'file:out', '-monitor', 'none')
        while t.process.poll() is None:
            self.assertTrue(t.restored())
            t.read()
        self.ends(t, 0)


def send_and(self, data):
    self.send(data)
    return self


harness.Terminal.send_and = send_and


class Keys(Case):
    def test_all_bytes_arrive(self):
        data = bytes(b for b in range(256) if b != 1)
        t = self.terminal('-kernel', self.script('print up\\n', 'sum 255',
                                                 'poweroff'))
        t.expect('up')
        t.send(data)
        t.expect(f'sum 255 {harness.fnv1a(data):08x}')
        self.assertEqual(t.wait(), 0)

    def test_ctrl_c_is_the_guests(self):
        t = self.terminal('-kernel', self.script('print up\\n', 'sum 3',
                                                 'poweroff'))
        t.expect('up')
        t.send(b'\x03\x1a\x1c')
        t.expect(f'sum 3 {harness.fnv1a(bytes([3, 26, 28])):08x}')
        self.assertEqual(t.wait(), 0)

    def test_ctrl_c_ends_plain_stdio(self):
        t = self.terminal('-kernel', self.script('print up\\n', 'hang'),
                          '-serial', 'stdio', '-monitor', 'none')
        t.expect('up')
        t.send(b'\x03')
        self.assertEqual(t.wait(), 130)
        self.assertTrue(t.restored())

    def test_escape_itself(self):
        for keys in (b'\x01\x01', b'\x01a', b'\x01A'):
            t = self.terminal('-kernel', self.script('print up\\n', 'sum 1',
                                                     'poweroff'))
            t.expect('up')
            t.send(keys)
            t.expect(f'sum 1 {harness.fnv1a(bytes([1])):08x}')
            self.assertEqual(t.wait(), 0)

    def test_help_key(self):
        t = self.terminal('-kernel', self.script('print up\\n', 'hang'))
        t.expect('up')
        t.send(CTRL_A + b'h')
        t.expect('Ctrl-A X  end')
        t.send(CTRL_A + b'X')
        self.assertEqual(t.wait(), 0)

    def test_unknown_key_is_dropped(self):
        t = self.terminal('-kernel', self.script('print up\\n', 'sum 1',
                                                 'poweroff'))
        t.expect('up')
        t.send(b'\x01?z')
        t.expect(f'sum 1 {harness.fnv1a(b"z"):08x}')
        self.assertEqual(t.wait(), 0)

    def test_break_key(self):
        """It has its place in what was typed, waiting or not."""
        t = self.terminal('-kernel', self.script('print up\\n', 'echo',
                                                 'poweroff'))
        t.expect('up')
        t.send(b'ab\x01bc\x01B\x01Bdq')
        t.expect(b'ab<break>c<break>(<break>)?d')
        self.assertEqual(t.wait(), 0)
        data = b'x' * 100000
        t = self.terminal('-kernel', self.script(
            'print up\\n', 'sleep 700', f'sum {len(data)}', 'echo',
            'poweroff'))
        t.expect('up')
        t.send(data + b'\x01byq')
        t.expect(rb'sum %d %08x\r+\n<break>y' % (len(data),
                                                harness.fnv1a(data)))
        self.assertEqual(t.wait(), 0)

    def test_break_from_the_monitor(self):
        t = self.terminal('-kernel', self.script('print up\\n', 'echo',
                                                 'poweroff'),
                          '-chardev', 'null,id=other')
        t.expect('up')
        t.send(CTRL_A + b'c')
        t.expect(rb'\(emu\) ')
        for line, answer in (('', 'want an id'), (' x', "no chardev 'x'"),
                             (' other', "'other' leads to no chip")):
            t.send(f'chardev-send-break{line}\r')
            t.expect(answer)
        t.send('info chardev\r')
        name = t.expect(rb'(\S+): filename=stdio')[1].decode()
        t.send(f'chardev-send-break {name}\r')
        t.expect('<break>')
        t.send(CTRL_A + b'x')
        self.assertEqual(t.wait(), 0)

    def test_screendump(self):
        """Files with the very pixels; names that cannot be written."""
        t = self.terminal('-kernel', self.script('print up\\n', 'hang'))
        t.expect('up')
        t.send(CTRL_A + b'c')
        t.expect(rb'\(emu\) ')
        path = pathlib.Path(self.folder, 'a screen.png')
        for line, answer in (('', "want a file's name"),
                             (' /nowhere/x.png', 'No such file')):
            t.send(f'screendump{line}\r')
            t.expect(answer)
        full = self.folder / 'full.ppm'
        full.symlink_to('/dev/full')
        t.send(f'screendump {full}\r')
        t.expect('No space left')
        self.assertTrue(full.is_symlink())
        plain = self.folder / 'a.ppm'
        for name in (path, plain):
            t.send(f'screendump {name}\r')
            t.expect(rb'\(emu\) ')
        t.send(CTRL_A + b'x')
        self.assertEqual(t.wait(), 0)
        self.assertEqual(plain.read_bytes(), b'P6\n3 2\n255\n' + bytes.fromhex(
            '000000 ff0000 00ff00 0000ff 123456 ffffff'))
        self.assertEqual(png.read(path), (3, 2, [
            [(0, 0, 0), (255, 0, 0), (0, 255, 0)],
            [(0, 0, 255), (0x12, 0x34, 0x56), (255, 255, 255)]]))

    def test_other_escape_key(self):
        t = self.terminal('-kernel', self.script('print up\\n', 'sum 2',
                                                 'hang'), '-echr', '0x14')
        t.expect('up')
        t.send(b'\x01x')
        t.expect(f'sum 2 {harness.fnv1a(bytes([1]) + b"x"):08x}')
        t.send(b'\x14h')
        t.expect('Ctrl-T X')
        t.send(b'\x14x')
        self.assertEqual(t.wait(), 0)

    def test_keys_reach_us_when_the_guest_is_full(self):
        """A guest that takes nothing, 100,000 bytes typed, then Ctrl-A X."""
        t = self.terminal('-kernel', self.script('print up\\n', 'hang'))
        t.expect('up')
        t.send(b'x' * 100000)
        t.send(CTRL_A + b'x')
        self.assertEqual(t.wait(), 0)
        self.assertTrue(t.restored())


class Paste(Case):
    def check(self, size, *args):
        data = random.Random(size).randbytes(size).replace(CTRL_A, b'b')
        t = self.terminal('-kernel', self.script('print up\\n', f'sum {size}',
                                                 'poweroff'), *args)
        t.expect('up')
        t.send(data)
        t.expect(f'sum {size} {harness.fnv1a(data):08x}')
        self.assertEqual(t.wait(), 0)

    def test_64_kib(self):
        self.check(65536)

    def test_more_than_all_queues_hold(self):
        self.check(400000)

    def test_without_mux(self):
        data = (b'0123456789abcdef' * 16 + b'\n') * 1000
        got = self.run_emu(
            '-kernel', self.script(f'sum {len(data)}', 'poweroff'),
            '-serial', 'stdio', '-monitor', 'none', stdin=None, input=data)
        self.assertIn(b'sum %d %08x' % (len(data), harness.fnv1a(data)),
                      got.stdout)


class Input(Case):
    """The end of standard input is the end of typing, and nothing else."""

    def idle(self, **more):
        p = self.start_emu('-kernel', self.script('print up\\n', 'ticks'),
                           **more)
        self.assertEqual(p.stdout.readline(), b'up\n')
        before = harness.cpu_seconds(p.pid)
        for n in range(35):
            self.assertEqual(p.stdout.readline(), b'tick %d\r\n' % n)
        used = harness.cpu_seconds(p.pid) - before
        p.terminate()
        self.assertEqual(p.wait(harness.LONG), 143)
        self.assertLess(used, 0.2, 'it spins')

    def test_dev_null(self):
        self.idle()

    def test_closed_pipe(self):
        read, write = os.pipe()
        os.close(write)
        self.idle(stdin=read)
        os.close(read)

    def test_no_stdin_at_all(self):
        self.idle(stdin=None, preexec_fn=lambda: os.close(0))

    def test_a_file(self):
        path = self.file('typed', b'hello')
        with open(path, 'rb') as f:
            got = self.run_emu('-kernel', self.script('sum 5', 'poweroff'),
                               stdin=f)
        self.assertIn(b'sum 5 %08x' % harness.fnv1a(b'hello'), got.stdout)

    def test_all_three_closed(self):
        """No file of ours gets a standard number."""
        def close_all():
            for fd in (0, 1, 2):
                os.close(fd)
        disk = self.file('disk', bytes(65536))
        p = subprocess.Popen(
            [harness.ARGS.emulator, '-kernel',
             self.script('print text', 'fail 9'), '-drive', f'file={disk}'],
            preexec_fn=close_all)
        self.assertEqual(p.wait(harness.LONG), 9)
        self.assertEqual(pathlib.Path(disk).read_bytes(), bytes(65536))


class Jobs(Case):
    """Under a shell with job control."""

    def shell(self):
        t = self.terminal(argv=['bash', '--noprofile', '--norc',
                                '--noediting', '-i'],
                          env={**os.environ, 'PS1': 'READY> ',
                               'BASH_SILENCE_DEPRECATION_WARNING': '1'})
        t.expect('READY> ')
        t.modes = t.get_modes()
        return t

    def command(self, *lines, args=''):
        return (f'{harness.ARGS.emulator} -kernel '
                f'{self.script(*lines)} {args}')

    def emu_pid(self, t):
        def find():
            found = [c for c, comm in harness.children(t.pid)
                     if comm.startswith('emu')]
            return found[0] if found else None
        return self.wait_for(find, 'the emulator')

    def test_ctrl_z_and_fg(self):
        """Plain -serial stdio: Ctrl-Z stops us, as any program."""
        t = self.shell()
        t.send(self.command('print up\\n', 'until q', 'print got it\\n',
                            'poweroff',
                            args='-serial stdio -monitor none') + '\n')
        t.expect(b'\nup')
        self.assertTrue(t.raw())
        t.send(b'\x1a')
        t.expect('Stopped')
        t.expect('READY> ')
        self.assertTrue(t.restored())
        t.send('fg\n')
        t.expect('emu')
        self.wait_for(t.raw, 'raw again')
        t.send('q')
        t.expect('got it')
        t.expect('READY> ')
        self.assertTrue(t.restored())

    def test_sigtstp_and_fg(self):
        t = self.shell()
        t.send(self.command('print up\\n', 'until q', 'poweroff') + '\n')
        t.expect(b'\nup')
        os.kill(self.emu_pid(t), signal.SIGTSTP)
        t.expect('Stopped')
        t.expect('READY> ')
        self.assertTrue(t.restored())
        t.send('fg\n')
        self.wait_for(t.raw, 'raw again')
        t.send('q')
        t.expect('READY> ')
        t.send('echo status $?\n')
        t.expect('status 0')
        self.assertTrue(t.restored())

    def test_sigstop_and_fg(self):
        """SIGSTOP cannot be caught; the modes come right all the same."""
        t = self.shell()
        t.send(self.command('print up\\n', 'until q', 'poweroff') + '\n')
        t.expect(b'\nup')
        os.kill(self.emu_pid(t), signal.SIGSTOP)
        t.expect('Stopped')
        t.expect('READY> ')
        t.send('fg\n')
        t.expect('emu')
        self.wait_for(t.raw, 'raw again')
        t.send('q')
        t.expect('READY> ')
        self.assertTrue(t.restored())

    def test_stopped_then_background_then_foreground(self):
        t = self.shell()
        t.send(self.command('print up\\n', 'ticks') + '\n')
        t.expect(b'\nup')
        os.kill(self.emu_pid(t), signal.SIGTSTP)
        t.expect('Stopped')
        t.expect('READY> ')
        t.send('bg\n')
        t.expect('tick')
        self.assertTrue(t.restored())
        # Behind any part of a tick; the echo has quotes.
        t.send('echo still "cooked"\n')
        t.expect('still cooked')
        t.expect('READY> ')
        t.send('fg\n')
        self.wait_for(t.raw, 'raw again')
        t.send(CTRL_A + b'x')
        t.expect('READY> ')
        self.assertTrue(t.restored())

    def test_start_in_the_background(self):
        t = self.shell()
        t.send(self.command('print up\\n', 'until q', 'print got it\\n',
                            'poweroff') + ' &\n')
        t.expect('up')
        pid = self.emu_pid(t)
        time.sleep(0.5)
        self.assertNotEqual(harness.state(pid), 'T')
        self.assertTrue(t.restored())
        t.send('echo q for the shell\n')
        t.expect(b'\nq for the shell')
        t.expect('READY> ')
        self.assertNotEqual(harness.state(pid), 'T')
        t.send('fg\n')
        t.expect(b'fg\r\n')
        self.wait_for(t.raw, 'raw in the foreground')
        t.send('q')
        t.expect('got it')
        t.expect('READY> ')
        self.assertTrue(t.restored())

    def test_tostop(self):
        """stty tostop: output from the background does not stop us."""
        t = self.shell()
        t.send('stty tostop\n')
        t.expect('READY> ')
        t.send(self.command('print one\\n', 'sleep 300', 'print two\\n',
                            'poweroff') + ' &\n')
        t.expect(b'one\r\n')
        t.expect(b'two\r\n')

    def test_background_end_leaves_the_shells_terminal(self):
        t = self.shell()
        t.send(self.command('print up\\n', 'hang') + ' &\n')
        t.expect('up')
        pid = self.emu_pid(t)
        t.send('fg\n')
        t.expect(b'fg\r\n')
        self.wait_for(t.raw, 'raw')
        os.kill(pid, signal.SIGTSTP)
        t.expect('Stopped')
        t.expect('READY> ')
        t.send('bg\n')
        t.expect('READY> ')
        self.wait_for(lambda: harness.asleep(pid), 'in the background')
        before = t.get_modes()
        os.kill(pid, signal.SIGTERM)
        self.wait_for(lambda: not os.path.exists(f'/proc/{pid}') or
                      harness.state(pid) == 'Z', 'gone')
        self.assertEqual(t.get_modes(), before)

    def test_hang_up(self):
        """The window is closed: SIGHUP, and the emulator ends."""
        t = self.terminal('-kernel', self.script('print up\\n', 'ticks'))
        t.expect('up')
        t.hang_up()
        self.assertEqual(t.process.wait(harness.LONG), 129)

    def test_hang_up_with_nohup(self):
        """Nobody is there any more, and the guest goes on."""
        t = self.terminal(
            argv=['sh', '-c', 'trap "" HUP; exec "$@"', 'sh',
                  harness.ARGS.emulator, '-kernel',
                  self.script('print up\\n', 'sleep 500', 'flood 300000',
                              'fail 7')],
            stderr=subprocess.DEVNULL)
        t.expect('up')
        t.hang_up()
        self.assertEqual(t.process.wait(harness.LONG), 7)


class Filter(Case):
    """Firmware must not wreck the user's terminal."""

    BAD = '\\ec\\e[?7l\\e[2J\\e[H\\e[01;01H\\e[=3h\\e[8;25;80t\\e[!p\\e[?3h'

    def output(self, text, *args, keys=b''):
        lines = ['print [', f'print {text}', 'print ]', 'until q', 'poweroff']
        t = self.terminal('-kernel', self.script(*lines), *args)
        t.expect(rb'\]')
        t.send(b'q')
        self.assertEqual(t.wait(), 0)
        text = t.text
        return text[text.index(b'[') + 1:text.rindex(b']')]

    def test_resets_are_kept_back(self):
        self.assertEqual(self.output(self.BAD + 'text'), b'text')

    def test_no_filter(self):
        want = self.BAD.replace('\\e', '\x1b').encode()
        self.assertEqual(self.output(self.BAD, '-no-filter'), want)

    def test_colours_and_the_rest_pass(self):
        text = ('\\e[31mred\\e[0m \\e[5;10H \\e[2;1H \\e[K \\e[?25l \\e7 '
                '\\e]0;title\\x07 \\e[?7h \\e[6n \\e(B')
        want = text.replace('\\e', '\x1b').replace('\\x07', '\x07').encode()
        self.assertEqual(self.output(text), want)

    def test_clearing_works_once_somebody_types(self):
        t = self.terminal('-kernel', self.script(
            'print first\\e[2J!', 'until k', 'print second\\e[2J\\e[H.',
            'until q', 'poweroff'))
        t.expect('first!') # all of it, before anybody types
        t.send('k')
        t.expect(rb'second\x1b\[2J\x1b\[H\.')
        self.assertNotIn(b'first\x1b', t.text)
        t.send('q')
        self.assertEqual(t.wait(), 0)

    def test_pipes_get_every_byte(self):
        got = self.run_emu('-kernel', self.script(f'print {self.BAD}',
                                                  'poweroff'))
        self.assertEqual(got.stdout,
                         self.BAD.replace('\\e', '\x1b').encode())


class Monitor(Case):
    def start(self, *lines, args=()):
        t = self.terminal('-kernel', self.script('print up\\n', *lines),
                          *args)
        t.expect('up')
        return t

    def ask(self, t, line, want):
        t.send(line + '\r')
        t.expect(want)
        t.expect('(emu) ')

    def test_switch_and_back(self):
        t = self.start('sum 2', 'poweroff')
        t.send(CTRL_A + b'c')
        t.expect('monitor - type')
        t.expect('(emu) ')
        self.ask(t, 'help', 'system_reset')
        t.send(CTRL_A + b'c')
        t.send('hi')
        t.expect(f'sum 2 {harness.fnv1a(b"hi"):08x}')
        self.assertEqual(t.wait(), 0)

    def test_stop_and_cont(self):
        t = self.start('ticks')
        t.expect('tick 2')
        t.send(CTRL_A + b'c')
        self.ask(t, 'stop', b'stop\r+\n')
        self.ask(t, 'info status', 'paused')
        time.sleep(0.2)
        while t.read(0.1):
            pass
        at = len(t.text)
        time.sleep(0.3)
        t.read(0.1)
        self.assertNotIn(b'tick', t.text[at:])
        t.send('cont\r')
        t.expect('tick')
        t.send('info status\r')
        t.expect('running')
        t.send('q\r')
        self.assertEqual(t.wait(), 0)

    def test_commands(self):
        disk = self.file('disk.img', bytes(1024))
        t = self.start('until \x02', args=(
            '-name', 'box', '-drive', f'file={disk},id=d0,readonly=on'))
        t.send(CTRL_A + b'c')
        t.expect('(emu) ')
        self.ask(t, 'info', 'info chardev')
        self.ask(t, 'info name', 'box')
        self.ask(t, 'info block', 'd0: .*disk.img (raw, read-only), 1024'
                 .replace('.*', str(self.folder) + '/'))
        self.ask(t, 'info chardev', 'serial0: filename=stdio')
        self.ask(t, 'info registers', 'no registers')
        self.ask(t, 'system_reset', 'reset button')
        self.ask(t, 'inof', "did you mean 'info'")
        self.ask(t, 'info stauts', "did you mean 'status'")
        self.ask(t, 'quit now', 'takes no argument')
        self.ask(t, '   ', b'\n')
        self.ask(t, 'junk\x15info name', 'box')
        self.ask(t, 'info namex\x7f', 'box')
        self.ask(t, '\x1b[Ainfo name', 'box')
        t.send('quit\r')
        self.assertEqual(t.wait(), 0)
        self.assertTrue(t.restored())

    def test_long_and_wild_lines(self):
        t = self.start('hang')
        t.send(CTRL_A + b'c')
        t.expect('(emu) ')
        t.send(b'x' * 5000 + b'\r')
        t.expect('unknown command')
        noise = random.Random(5).randbytes(20000)
        for byte in (b'\x01', b'q', b'Q'):
            noise = noise.replace(byte, b'.')
        t.send(noise)
        t.send(b'\x1bOA\x15\rinfo status\r')
        t.expect('VM status: running')
        t.send('quit\r')
        self.assertEqual(t.wait(), 0)

    def test_start_stopped(self):
        t = self.terminal('-kernel', self.script('print up\\n', 'poweroff'),
                          '-S')
        t.send(CTRL_A + b'c')
        t.expect('(emu) ')
        time.sleep(0.2)
        self.assertNotIn(b'up', t.text)
        t.send('info registers\r')
        t.expect('no registers')
        t.send('c\r')
        t.expect('up')
        self.assertEqual(t.wait(), 0)

    def test_on_stdio_alone(self):
        got = self.run_emu('-serial', 'none', '-monitor', 'stdio',
                           '-kernel', self.script('hang'), stdin=None,
                           input=b'info status\nquit\n')
        self.assertEqual(got.returncode, 0)
        self.assertIn(b'VM status: running', got.stdout)


if __name__ == '__main__':
    harness.main()
