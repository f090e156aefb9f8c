#!/usr/bin/env python3
"""Where serial lines may lead: pipes, files, ptys, sockets.  Nothing is lost
that must not be, and nobody who does not read stalls the guest."""

import os
import re
import select
import signal
import socket
import termios
import time

import harness
from harness import Case, LONG

MANY = 1_000_000


def read_all(fd, size, timeout=LONG):
    """Reads until size bytes or the end came."""
    out = b''
    limit = time.monotonic() + timeout
    while len(out) < size and time.monotonic() < limit:
        if select.select([fd], [], [], 0.2)[0]:
            data = os.read(fd, 65536)
            if not data:
                break
            out += data
    return out


def read_until(fd, text, timeout=LONG):
    """Reads until text or the end came."""
    out = b''
    limit = time.monotonic() + timeout
    while text not in out and time.monotonic() < limit:
        if select.select([fd], [], [], 0.2)[0]:
            data = os.read(fd, 65536)
            if not data:
                break
            out += data
    return out


class Stdout(Case):
    def test_all_of_it_arrives(self):
        got = self.run_emu('-kernel', self.script(f'flood {MANY}',
                                                  'poweroff'))
        self.assertEqual(got.returncode, 0)
        self.assertEqual(got.stdout, harness.flood(MANY))

    def test_to_a_file(self):
        with open(self.folder / 'out', 'wb') as f:
            p = self.start_emu('-kernel', self.script(f'flood {MANY}',
                                                      'poweroff'), stdout=f)
            self.assertEqual(p.wait(LONG), 0)
        self.assertEqual((self.folder / 'out').read_bytes(),
                         harness.flood(MANY))

    def test_slow_reader(self):
        """The guest is held meanwhile, and memory does not grow."""
        size = 4 * MANY
        p = self.start_emu('-kernel', self.script('print u', f'flood {size}',
                                                  'poweroff'), bufsize=0)
        self.assertEqual(p.stdout.read(1), b'u')
        self.wait_for(lambda: harness.asleep(p.pid), 'held')
        self.assertIsNone(p.poll())
        with open(f'/proc/{p.pid}/status', encoding='ascii') as f:
            rss = int(re.search(r'VmRSS:\s+(\d+)', f.read())[1])
        if not harness.ARGS.sanitized:
            self.assertLess(rss, 16000)
        before = harness.cpu_seconds(p.pid)
        time.sleep(0.5)
        self.assertLess(harness.cpu_seconds(p.pid) - before, 0.15)
        out, _ = p.communicate(timeout=LONG)
        self.assertEqual(out, harness.flood(size))
        self.assertEqual(p.returncode, 0)

    def test_stuck_reader_and_a_signal(self):
        p = self.start_emu('-kernel', self.script(
            'print up\\n', f'flood {4 * MANY}', 'poweroff'))
        self.assertEqual(os.read(p.stdout.fileno(), 1), b'u')
        self.wait_for(lambda: harness.asleep(p.pid), 'held')
        p.terminate()
        self.assertEqual(p.wait(LONG), 143)

    def test_stuck_reader_at_the_end(self):
        """A power-off waits for the reader; a signal does not."""
        p = self.start_emu('-kernel', self.script(
            'print up\\n', 'flood 200000', 'poweroff'))
        self.assertEqual(os.read(p.stdout.fileno(), 1), b'u')
        self.wait_for(lambda: harness.asleep(p.pid), 'waiting')
        self.assertIsNone(p.poll())
        p.terminate()
        self.assertEqual(p.wait(LONG), 143)

    def test_one_enormous_write(self):
        """More than the queue holds, in one request of the guest."""
        size = 20 << 20
        p = self.start_emu('-kernel', self.script(f'burst {size}',
                                                  'poweroff'))
        out, _ = p.communicate(timeout=LONG)
        self.assertEqual(out, harness.flood(size))

    def test_enormous_write_and_no_reader(self):
        p = self.start_emu('-kernel', self.script(
            'print up\\n', f'burst {40 << 20}', 'poweroff'))
        self.assertEqual(os.read(p.stdout.fileno(), 1), b'u')
        self.assertIn(b'No buffer space', p.stderr.readline())
        self.assertIsNone(p.poll())
        p.terminate()
        self.assertEqual(p.wait(LONG), 143)

    def test_reader_goes_away(self):
        """EPIPE: the output is dropped, the guest goes on."""
        p = self.start_emu('-kernel', self.script(
            'print up\\n', f'flood {MANY}', 'fail 6'))
        self.assertEqual(p.stdout.readline(), b'up\n')
        p.stdout.close()
        p.stdout = None
        self.assertEqual(p.wait(LONG), 6)
        self.assertIn(b'Broken pipe', p.stderr.read())

    def test_full_disk(self):
        with open('/dev/full', 'wb') as f:
            p = self.start_emu('-kernel', self.script('flood 100000',
                                                      'fail 4'), stdout=f)
            self.assertEqual(p.wait(LONG), 4)
        self.assertIn(b'No space left', p.stderr.read())

    def test_somebody_made_it_non_blocking(self):
        read, write = os.pipe()
        os.set_blocking(write, False)
        p = self.start_emu('-kernel', self.script(f'flood {MANY}',
                                                  'poweroff'), stdout=write)
        os.close(write)
        self.assertEqual(read_all(read, MANY), harness.flood(MANY))
        self.assertEqual(p.wait(LONG), 0)
        os.close(read)

    def test_it_stays_blocking(self):
        """The description is shared with whoever started us."""
        read, write = os.pipe()
        p = self.start_emu('-kernel', self.script('print x\\n', 'poweroff'),
                           stdout=write, stdin=read)
        self.assertEqual(p.wait(LONG), 0)
        self.assertTrue(os.get_blocking(write) and os.get_blocking(read))
        os.close(read)
        os.close(write)


class File(Case):
    def test_output(self):
        got = self.run_emu('-kernel', self.script('flood 200000', 'poweroff'),
                           '-serial', 'file:out.txt')
        self.assertEqual(got.returncode, 0)
        self.assertEqual((self.folder / 'out.txt').read_bytes(),
                         harness.flood(200000))

    def test_old_contents_go(self):
        self.file('out.txt', b'old' * 1000)
        self.run_emu('-kernel', self.script('print new', 'poweroff'),
                     '-serial', 'file:out.txt')
        self.assertEqual((self.folder / 'out.txt').read_bytes(), b'new')

    def test_append(self):
        self.file('out.txt', b'old')
        self.run_emu('-kernel', self.script('print new', 'poweroff'),
                     '-chardev', 'file,id=c,path=out.txt,append=on',
                     '-serial', 'chardev:c')
        self.assertEqual((self.folder / 'out.txt').read_bytes(), b'oldnew')

    def test_a_comma_in_the_name(self):
        got = self.run_emu('-kernel', self.script('print new', 'poweroff'),
                           '-chardev', 'file,id=c,path=a,,b',
                           '-serial', 'chardev:c')
        self.assertEqual(got.returncode, 0, got.stderr)
        self.assertEqual((self.folder / 'a,b').read_bytes(), b'new')

    def test_silent_guest_leaves_an_empty_file(self):
        self.run_emu('-kernel', self.script('poweroff'),
                     '-serial', 'file:out.txt')
        self.assertEqual((self.folder / 'out.txt').read_bytes(), b'')

    def test_limit_of_file_size(self):
        import resource
        got = self.run_emu(
            '-kernel', self.script('flood 100000', 'fail 4'),
            '-serial', 'file:out.txt', preexec_fn=lambda:
            resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000)))
        self.assertEqual(got.returncode, 4)
        self.assertIn(b'File too large', got.stderr)


class Pty(Case):
    def start(self, *lines, **more):
        p = self.start_emu('-kernel', self.script(*lines), '-serial', 'pty',
                           '-monitor', 'none', **more)
        line = p.stdout.readline().decode()
        match = re.fullmatch(r'char device redirected to (/dev/pts/\d+) '
                             r'\(label serial0\)\n', line)
        self.assertTrue(match, line)
        return p, match[1]

    def test_both_ways(self):
        p, name = self.start('until s', 'print hello\\r\\n', 'sum 5',
                             'until q', 'poweroff')
        fd = os.open(name, os.O_RDWR | os.O_NOCTTY)
        os.write(fd, b's')
        self.assertEqual(read_all(fd, 7), b'hello\r\n')
        os.write(fd, b'\x01x\x03\r\n')
        want = b'sum 5 %08x\r\n' % harness.fnv1a(b'\x01x\x03\r\n')
        self.assertEqual(read_all(fd, len(want)), want)
        os.write(fd, b'q')
        self.assertEqual(p.wait(LONG), 0)
        os.close(fd)

    def test_raw_and_quiet(self):
        p, name = self.start('print hello', 'until q', 'poweroff')
        fd = os.open(name, os.O_RDWR | os.O_NOCTTY)
        modes = termios.tcgetattr(fd)
        self.assertFalse(modes[3] & (termios.ECHO | termios.ICANON))
        os.write(fd, b'q')
        self.assertEqual(p.wait(LONG), 0)
        os.close(fd)

    def test_unread(self):
        """Nobody reads, and the guest ends in time, with little memory."""
        p, _ = self.start(f'flood {2 * MANY}', 'fail 3')
        self.assertEqual(p.wait(LONG), 3)

    def test_late_reader_gets_the_newest(self):
        p, name = self.start(f'flood {MANY}', 'print end of flood', 'until q',
                             'poweroff')
        self.wait_for(lambda: harness.asleep(p.pid), 'waiting')
        fd = os.open(name, os.O_RDWR | os.O_NOCTTY)
        out = read_until(fd, b'end of flood')
        self.assertTrue(out.endswith(b'end of flood'), out[-80:])
        self.assertLess(len(out), 500000)
        os.write(fd, b'q')
        self.assertEqual(p.wait(LONG), 0)
        os.close(fd)

    def test_readers_come_and_go(self):
        p, name = self.start('ticks')
        for _ in range(3):
            fd = os.open(name, os.O_RDWR | os.O_NOCTTY)
            self.assertIn(b'tick', read_all(fd, 30))
            os.close(fd)
        before = harness.cpu_seconds(p.pid)
        time.sleep(0.5)
        self.assertLess(harness.cpu_seconds(p.pid) - before, 0.15)
        p.terminate()
        self.assertEqual(p.wait(LONG), 143)

    def test_much_input(self):
        data = bytes(range(256)) * 600
        p, name = self.start(f'sum {len(data)}', 'until q', 'poweroff')
        fd = os.open(name, os.O_RDWR | os.O_NOCTTY)
        at = 0
        while at < len(data):
            at += os.write(fd, data[at:at + 4096])
        self.assertIn(b'sum %d %08x' % (len(data), harness.fnv1a(data)),
                      read_all(fd, 20))
        os.write(fd, b'q')
        self.assertEqual(p.wait(LONG), 0)
        os.close(fd)


class Socket(Case):
    def connect(self, name='s'):
        path = str(self.folder / name)

        def attempt():
            c = socket.socket(socket.AF_UNIX)
            try:
                c.connect(path)
            except OSError:
                c.close()
                return None
            return c
        c = self.wait_for(attempt, 'a listener')
        self.addCleanup(c.close)
        return c

    def test_server(self):
        p = self.start_emu('-kernel', self.script(
            'until s', 'print hello', 'sum 3', 'until q', 'poweroff'),
            '-serial', 'unix:s,server,nowait', '-monitor', 'none')
        c = self.connect()
        c.sendall(b's')
        self.assertEqual(read_all(c.fileno(), 5), b'hello')
        c.sendall(b'\x01xy')
        self.assertIn(b'sum 3 %08x' % harness.fnv1a(b'\x01xy'),
                      read_all(c.fileno(), 16))
        c.sendall(b'q')
        self.assertEqual(p.wait(LONG), 0)
        self.assertFalse((self.folder / 's').exists())

    def test_long_options(self):
        p = self.start_emu('-kernel', self.script('print hi', 'until q',
                                                  'poweroff'), '-chardev',
                           'socket,id=c,path=s,server=on,wait=off',
                           '-serial', 'chardev:c')
        c = self.connect()
        self.assertEqual(read_all(c.fileno(), 2), b'hi')
        c.sendall(b'q')
        self.assertEqual(p.wait(LONG), 0)

    def test_waits_for_a_client(self):
        p = self.start_emu('-kernel', self.script('poweroff'),
                           '-serial', 'unix:s,server', '-monitor', 'none')
        self.assertIn(b'waiting for a connection on s\n',
                      p.stderr.readline())
        self.wait_for(lambda: harness.asleep(p.pid), 'waiting')
        self.assertIsNone(p.poll())
        self.connect()
        self.assertEqual(p.wait(LONG), 0)

    def test_wait_is_ended_by_a_signal(self):
        p = self.start_emu('-kernel', self.script('poweroff'),
                           '-serial', 'unix:s,server', '-monitor', 'none')
        self.wait_for((self.folder / 's').exists, 'the socket')
        p.terminate()
        self.assertEqual(p.wait(LONG), 143)
        self.assertFalse((self.folder / 's').exists())

    def test_clients_one_after_the_other(self):
        p = self.start_emu('-kernel', self.script('echo', 'poweroff'),
                           '-serial', 'unix:s,server,nowait',
                           '-monitor', 'none')
        for text in (b'one', b'two', b'three'):
            c = self.connect()
            c.sendall(text)
            self.assertEqual(read_all(c.fileno(), len(text)), text)
            c.close()
        self.connect().sendall(b'q')
        self.assertEqual(p.wait(LONG), 0)

    def test_client_that_does_not_read(self):
        p = self.start_emu('-kernel', self.script(
            'until s', f'flood {2 * MANY}', 'fail 3'),
            '-serial', 'unix:s,server,nowait', '-monitor', 'none')
        self.connect().sendall(b's')
        self.assertEqual(p.wait(LONG), 3)

    def test_no_client(self):
        p = self.start_emu('-kernel', self.script(f'flood {MANY}', 'fail 3'),
                           '-serial', 'unix:s,server,nowait',
                           '-monitor', 'none')
        self.assertEqual(p.wait(LONG), 3)

    def test_client_side(self):
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(self.folder / 's'))
        server.listen()
        p = self.start_emu('-kernel', self.script('echo', 'sleep 200',
                                                  'print x', 'fail 2'),
                           '-serial', 'unix:s', '-monitor', 'none')
        c, _ = server.accept()
        c.sendall(b'abcq')
        self.assertEqual(read_all(c.fileno(), 3), b'abc')
        c.close()
        server.close()
        self.assertEqual(p.wait(LONG), 2)

    def test_stale_socket_is_replaced(self):
        old = socket.socket(socket.AF_UNIX)
        old.bind(str(self.folder / 's'))
        old.close()
        p = self.start_emu('-kernel', self.script('until q', 'poweroff'),
                           '-serial', 'unix:s,server,nowait',
                           '-monitor', 'none')
        self.connect().sendall(b'q')
        self.assertEqual(p.wait(LONG), 0)

    def test_monitor_on_a_socket(self):
        p = self.start_emu('-kernel', self.script('print up\\n', 'hang'),
                           '-monitor', 'unix:s,server,nowait')
        c = self.connect()
        self.assertIn(b'(emu) ', read_until(c.fileno(), b'(emu) '))
        c.sendall(b'info status\n')
        self.assertIn(b'running', read_until(c.fileno(), b'running'))
        c.sendall(b'quit\n')
        self.assertEqual(p.wait(LONG), 0)


class Null(Case):
    def test_null_and_none(self):
        for where in ('null', 'none'):
            got = self.run_emu('-kernel', self.script('flood 1000',
                                                      'fail 3'),
                               '-serial', where, '-monitor', 'none')
            self.assertEqual(got.returncode, 3)
            self.assertEqual(got.stdout, b'')


class Files(Case):
    """-pidfile and -D."""

    def test_pid_file(self):
        p = self.start_emu('-kernel', self.script('print up\\n', 'hang'),
                           '-pidfile', 'pid')
        self.assertEqual(p.stdout.readline(), b'up\n')
        self.assertEqual((self.folder / 'pid').read_text(), f'{p.pid}\n')
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.wait(LONG), 130)
        self.assertFalse((self.folder / 'pid').exists())

    def test_log_file(self):
        got = self.run_emu('-kernel', self.script('poweroff'), '-d', 'stats',
                           '-D', 'log')
        self.assertEqual(got.stderr, b'')
        self.assertEqual((self.folder / 'log').read_text(), 'no registers\n')

    def test_log_to_stderr(self):
        got = self.run_emu('-kernel', self.script('poweroff'), '-d', 'stats')
        self.assertEqual(got.stderr, b'no registers\n')


if __name__ == '__main__':
    harness.main()
