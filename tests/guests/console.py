"""Runs an emulator on a pseudo-terminal and talks to it as a person would.

Console starts the program and waits for text, Shell types commands into the
guest's shell and reads back what they print.  Times are host seconds of
time.monotonic(), taken when the text arrived.
"""

import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

import proc

CHUNK = 65536


class ConsoleError(Exception):
    """The guest or the emulator did not do what the test waited for."""


class Console:
    """A program on a terminal of its own.

    argv: the command.  log: a file opened for bytes that gets all output, or
    None.  Leaving the `with` block ends the program if it still runs; a
    ConsoleError that leaves it shows the end of the output.
    """

    def __init__(self, argv, log=None, env=None):
        self.log = log
        self.text = b''
        self.at = 0
        self.status = None
        self.master, self.slave = pty.openpty()
        os.set_blocking(self.master, False)
        self.modes = termios.tcgetattr(self.slave)
        self.started = time.monotonic()
        try:
            self.process = subprocess.Popen(
                argv, stdin=self.slave, stdout=self.slave, stderr=self.slave,
                env=env, start_new_session=True,
                preexec_fn=proc.end_with_parent)
        except OSError as err:
            os.close(self.master)
            os.close(self.slave)
            raise ConsoleError(f'{argv[0]}: {err.strerror}') from err
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, ConsoleError):
            error.args = (f'{error}; last output:\n{self.tail()}',)
        if self.process.poll() is None:
            # A stopped process acts on nothing but this.
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def _read(self, timeout):
        """Takes in what arrives within timeout; False when nothing did."""
        ready, _, _ = select.select([self.master], [], [], timeout)
        if not ready:
            return False
        data = os.read(self.master, CHUNK)
        self.text += data
        if self.log:
            self.log.write(data)
            self.log.flush()
        return True

    def tail(self):
        """The end of what the program printed, for a message."""
        return self.text[-1500:].decode(errors='replace')

    def expect(self, pattern, timeout):
        """Waits for a regular expression (bytes) in the output after the last
        match.  Returns (match, time).  Raises ConsoleError."""
        regex = re.compile(pattern)
        limit = time.monotonic() + timeout
        while True:
            match = regex.search(self.text, self.at)
            if match:
                self.at = match.end()
                return match, time.monotonic()
            left = limit - time.monotonic()
            if left <= 0:
                raise ConsoleError(f'no {pattern!r} within {timeout:.0f} s')
            if not self._read(min(left, 0.5)) and \
                    self.process.poll() is not None and not self._read(0):
                raise ConsoleError(f'ended with status '
                                   f'{self.process.returncode} before '
                                   f'{pattern!r}')

    def send(self, data, timeout=60):
        """Types bytes as fast as the terminal takes them."""
        limit = time.monotonic() + timeout
        while data:
            left = limit - time.monotonic()
            if left <= 0:
                raise ConsoleError(f'{len(data)} bytes typed were not read '
                                   f'within {timeout:.0f} s')
            _, ready, _ = select.select([], [self.master], [], 0.05)
            if ready:
                try:
                    data = data[os.write(self.master, data[:4096]):]
                except BlockingIOError:
                    pass
            self._read(0)

    def wait(self, timeout):
        """Waits for the program's end; returns its status."""
        limit = time.monotonic() + timeout
        while self.process.poll() is None:
            if time.monotonic() > limit:
                raise ConsoleError(f'still running after {timeout:.0f} s')
            self._read(0.05)
        while self._read(0):
            pass
        return self.process.returncode

    def terminal_restored(self):
        """Whether the terminal's modes are what they were at the start."""
        return termios.tcgetattr(self.slave) == self.modes

    def signal(self, number):
        self.process.send_signal(number)


class Shell:
    """The guest's shell on a Console.  scale stretches every time-out."""

    READY = rb'emu: shell ready'
    PROMPT = rb'\n[^\r\n]*# '

    def __init__(self, console, scale=1.0):
        self.console = console
        self.scale = scale
        self.count = 0

    def wait_ready(self, timeout=120):
        """Waits for the prompt; returns when the shell was reached."""
        _, when = self.console.expect(self.READY, timeout * self.scale)
        self.console.expect(self.PROMPT, 20 * self.scale)
        return when

    def run(self, command, timeout=20):
        """Types a command, returns (its output as text, its status).

        What is typed is echoed, hence markers that read otherwise on screen:
        quotes in the middle of them are gone when the shell prints them.
        """
        self.start(command)
        return self.finish(timeout)

    def start(self, command):
        """Types a command; returns when it has begun to run.  A command ends
        in a marker of its own, which finish() waits for."""
        self.count += 1
        typed = (f"echo be''gin{self.count}; {command}; "
                 f"echo en''d{self.count}:$?\n")
        self.console.send(typed.encode())
        _, when = self.console.expect(b'begin%d\r+\n' % self.count,
                                      20 * self.scale)
        return when

    def finish(self, timeout=20):
        start = self.console.at
        match, _ = self.console.expect(rb'end%d:(\d+)\r+\n' % self.count,
                                       timeout * self.scale)
        text = self.console.text[start:match.start()].decode(errors='replace')
        # The host's terminal may add a return of its own to the guest's.
        return re.sub('\r+\n', '\n', text), int(match[1])
