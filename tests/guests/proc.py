"""What Linux's /proc tells of a running emulator, see proc(5); programs that
end with the test that started them."""

import ctypes
import os
import pathlib
import re
import signal
import subprocess
import sys
import time


LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def end_with_parent():
    """For preexec_fn: a test that is killed leaves nothing running."""
    LIBC.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))


def cpu_ticks(pid):
    """User and system time of a process, all threads, in clock ticks."""
    text = pathlib.Path(f'/proc/{pid}/stat').read_text()
    fields = text.rsplit(')', 1)[1].split()
    return int(fields[11]) + int(fields[12])


def cpu_seconds(pid):
    """As cpu_ticks(), in seconds; the resolution is a tick, 10 ms mostly."""
    return cpu_ticks(pid) / os.sysconf('SC_CLK_TCK')


def cpu_seconds_exact(pid):
    """Time on a processor of all the threads, in seconds, finer than a tick.
    Threads that have ended do not count."""
    total = 0
    for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
        total += int((task / 'schedstat').read_text().split()[0])
    return total / 1e9


def mappings(pid):
    """Yields (bytes of address space, bytes resident, name) a mapping."""
    head = re.compile(r'^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+\s*(.*)$')
    name, size = '', 0
    for line in pathlib.Path(f'/proc/{pid}/smaps').read_text().splitlines():
        match = head.match(line)
        if match:
            name = match[1]
        elif line.startswith('Size:'):
            size = int(line.split()[1]) * 1024
        elif line.startswith('Rss:'):
            yield size, int(line.split()[1]) * 1024, name


def resident(pid, ram):
    """Resident bytes (outside, inside) of guest RAM of ram bytes.

    Guest RAM is known by its size: the smallest mapping that can hold it.
    An emulator that splits it shows None instead of a wrong figure.
    """
    found = list(mappings(pid))
    holders = sorted(m for m in found if m[0] >= ram)
    if not holders:
        return None
    return (sum(rss for _, rss, _ in found) - holders[0][1], holders[0][1])


class Load:
    """Keeps count processors busy while in scope, with loops of our own."""

    def __init__(self, count):
        self.count = count
        self.processes = []

    def __enter__(self):
        for _ in range(self.count):
            self.processes.append(subprocess.Popen(
                [sys.executable, '-c', 'while True: pass'],
                preexec_fn=end_with_parent))
        return self

    def __exit__(self, *unused):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()


class Report:
    """Prints one line a case and, at the end, how many passed."""

    def __init__(self, title):
        self.title = title
        self.counts = {'passed': 0, 'failed': 0, 'skipped': 0}
        self.began = time.monotonic()

    def line(self, word, name, detail):
        print(f'{word:4} {self.title}: {name}'
              + (f' ({detail})' if detail else ''), flush=True)

    def check(self, name, good, detail=''):
        self.counts['passed' if good else 'failed'] += 1
        self.line('ok' if good else 'FAIL', name, detail)
        return good

    def skip(self, name, why):
        self.counts['skipped'] += 1
        self.line('skip', name, why)

    def finish(self):
        """Prints the closing line; returns the exit status."""
        print(', '.join(f'{n} {word}' for word, n in self.counts.items()),
              flush=True)
        return 1 if self.counts['failed'] or not self.counts['passed'] else 0
