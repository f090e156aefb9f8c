"""A guest on an emulator's standard input and output, for the tests here."""

import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROMS = os.path.join(HERE, "..", "..", "roms", "riscv")
CROSS = "riscv64-linux-gnu-"


class Failure(Exception):
    """What the guest did that it should not have done."""


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def need(*programs):
    """Skip the test if one of these programs is not there."""
    for program in programs:
        if shutil.which(program) is None:
            skip(f"no {program}")


class Guest:
    """A running emulator.  What it prints is kept in .log as text."""

    def __init__(self, command):
        self.log = ""
        self.seen = 0  # how much of it has been matched
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.output = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def _read(self):
        while data := self.process.stdout.read(4096):
            self.output.put(data)
        self.output.put(None)

    def _more(self, deadline, what):
        """Wait for more output; False at its end."""
        try:
            data = self.output.get(timeout=max(0, deadline - time.monotonic()))
        except queue.Empty:
            raise Failure(f"no {what!r} in time; last was "
                          f"{self.log[-300:]!r}") from None
        if data is not None:
            self.log += data.decode("latin-1").replace("\r", "")
        return data is not None

    def expect(self, pattern, timeout=60):
        """Wait until the regular expression matches what is printed behind
        the last match.  Returns the match and the text before it."""
        deadline = time.monotonic() + timeout
        while True:
            match = re.compile(pattern, re.M).search(self.log, self.seen)
            if match:
                before = self.log[self.seen:match.start()]
                self.seen = match.end()
                return match, before
            if not self._more(deadline, pattern):
                raise Failure(f"ended without {pattern!r}; last was "
                              f"{self.log[-300:]!r}")

    def send(self, text):
        self.process.stdin.write(text.encode("latin-1"))

    def wait(self, timeout=30):
        """The exit status, once the emulator has ended by itself."""
        deadline = time.monotonic() + timeout
        while self._more(deadline, "end of output"):
            pass
        return self.process.wait(max(1, deadline - time.monotonic()))

    def cpu_seconds(self):
        """Processor time that the emulator has used so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
