"""Runs an emulator for the tests here: on pipes, on a terminal of its own, or
under a shell with job control.

The first argument of each test script is the emulator; --sanitized says that
it was built with sanitizers, whose own crash handlers then win; --emulated
that it is another host's program, under qemu-user.
"""

import argparse
import fcntl
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
import unittest

ARGS = None
# Time-outs are generous: the host may be busy with other tests.
LONG = 120


def main(*extra):
    """Parses the arguments and runs the tests of the calling script."""
    global ARGS
    parser = argparse.ArgumentParser()
    parser.add_argument('emulator', type=os.path.abspath)
    parser.add_argument('--sanitized', action='store_true')
    parser.add_argument('--emulated', action='store_true')
    for name in extra:
        parser.add_argument(name, type=os.path.abspath)
    ARGS, rest = parser.parse_known_args()
    default_signals()
    # No window opens unless a test has a desktop of its own.
    for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
        os.environ.pop(name, None)
    unittest.main(module='__main__', argv=[sys.argv[0], *rest], verbosity=1)


def default_signals():
    """A shell's background and nohup ignore signals; the emulator would, too,
    and then not end of them."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        # Python ignores SIGPIPE and SIGXFSZ itself, and resets its children.
        if number not in (signal.SIGPIPE, signal.SIGXFSZ) and \
                signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


class Case(unittest.TestCase):
    """A test in an empty folder of its own."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='emu-test-'))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def file(self, name, data=b''):
        """Writes a file; returns its path as text."""
        path = self.folder / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return str(path)

    def script(self, *lines):
        """A -kernel for the stub machine."""
        self.scripts = getattr(self, 'scripts', 0) + 1
        return self.file(f'script{self.scripts}', '\n'.join(lines) + '\n')

    def run_emu(self, *args, stdin=subprocess.DEVNULL, timeout=LONG, **more):
        """Runs to the end on pipes; returns what subprocess.run() does."""
        return subprocess.run(
            [ARGS.emulator, *args], stdin=stdin, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=timeout, cwd=self.folder, **more)

    def start_emu(self, *args, **more):
        """Starts it; killed at the end of the test if it still runs."""
        more.setdefault('stdin', subprocess.DEVNULL)
        more.setdefault('stdout', subprocess.PIPE)
        more.setdefault('stderr', subprocess.PIPE)
        process = subprocess.Popen([ARGS.emulator, *args], cwd=self.folder,
                                   **more)
        self.addCleanup(stop, process)
        return process

    def terminal(self, *args, argv=None, **more):
        """Starts it on a terminal; see Terminal."""
        t = Terminal(argv or [ARGS.emulator, *args], self.folder, **more)
        self.addCleanup(t.close)
        return t

    def wait_for(self, test, what, timeout=LONG):
        """Waits until test() holds; returns its value."""
        limit = time.monotonic() + timeout
        while True:
            value = test()
            if value:
                return value
            if time.monotonic() > limit:
                self.fail(f'{what}: not within {timeout} s')
            time.sleep(0.01)


def stop(process):
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()


class Terminal:
    """A program that leads a session on a pseudo-terminal."""

    def __init__(self, argv, folder, env=None, stderr=None):
        self.text = b''
        self.at = 0
        self.master, self.slave = pty.openpty()
        os.set_blocking(self.master, False)
        self.modes = self.get_modes()

        def take_terminal():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            argv, stdin=self.slave, stdout=self.slave,
            stderr=stderr or self.slave, cwd=folder, env=env,
            start_new_session=True, preexec_fn=take_terminal)
        self.pid = self.process.pid

    def close(self):
        stop(self.process)
        for fd in (self.master, self.slave):
            if fd >= 0:
                os.close(fd)
        self.master = self.slave = -1

    def get_modes(self):
        return termios.tcgetattr(self.slave)

    def raw(self):
        """Are keys passed on one by one, without an echo?"""
        return not self.get_modes()[3] & (termios.ICANON | termios.ECHO)

    def restored(self):
        return self.get_modes() == self.modes

    def read(self, timeout=0.05):
        """Takes in what comes within timeout; False: nothing did."""
        ready, _, _ = select.select([self.master], [], [], timeout)
        if not ready:
            return False
        try:
            data = os.read(self.master, 65536)
        except (BlockingIOError, OSError):
            return False
        self.text += data
        return bool(data)

    def expect(self, pattern, timeout=LONG):
        """Waits for a regular expression behind the last match."""
        if isinstance(pattern, str):
            pattern = re.escape(pattern).encode()
        limit = time.monotonic() + timeout
        while True:
            match = re.compile(pattern).search(self.text[self.at:])
            if match:
                self.at += match.end()
                return match
            if time.monotonic() > limit:
                raise AssertionError(f'no {pattern!r} within {timeout} s in '
                                     f'{self.text[-800:]!r}')
            if not self.read() and self.process.poll() is not None \
                    and not self.read(0):
                raise AssertionError(f'ended with {self.process.returncode} '
                                     f'before {pattern!r}: '
                                     f'{self.text[-800:]!r}')

    def send(self, data, timeout=LONG):
        if isinstance(data, str):
            data = data.encode()
        limit = time.monotonic() + timeout
        while data:
            if time.monotonic() > limit:
                raise AssertionError(f'{len(data)} bytes were not taken')
            _, ready, _ = select.select([], [self.master], [], 0.05)
            if ready:
                try:
                    data = data[os.write(self.master, data[:4096]):]
                except BlockingIOError:
                    pass
            self.read(0)

    def wait(self, timeout=LONG):
        """Waits for the end, reading on; returns the status."""
        limit = time.monotonic() + timeout
        while self.process.poll() is None:
            if time.monotonic() > limit:
                raise AssertionError(f'still running: {self.text[-800:]!r}')
            self.read()
        while self.read(0):
            pass
        return self.process.returncode

    def hang_up(self):
        """Closes our end, as a closed window does."""
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = -1


def cpu_seconds(pid):
    """Processor time of a process so far, in seconds."""
    with open(f'/proc/{pid}/stat', encoding='ascii') as f:
        fields = f.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def state(pid):
    """One letter: R, S, T (stopped), Z."""
    with open(f'/proc/{pid}/stat', encoding='ascii') as f:
        return f.read().rsplit(')', 1)[1].split()[0]


def children(pid):
    """(process id, name) of a process's children."""
    out = []
    for folder in pathlib.Path('/proc').iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / 'stat').read_text()
        except OSError:
            continue
        name, rest = text.split('(', 1)[1].rsplit(')', 1)
        if int(rest.split()[1]) == pid:
            out.append((int(folder.name), name))
    return out


def asleep(pid):
    """Does every thread of a process wait, and go on waiting?"""
    for _ in range(6):
        for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
            if state(f'{pid}/task/{task.name}') != 'S':
                return False
        time.sleep(0.03)
    return True


def flood(n):
    """What the stub's flood and burst write."""
    out = bytearray()
    for i in range(n):
        out.append(10 if i % 64 == 63 else
                   33 + (i // 64 * 7 + i % 64) % 90)
    return bytes(out)


def fnv1a(data):
    value = 2166136261
    for byte in data:
        value = (value ^ byte) * 16777619 & 0xffffffff
    return value
