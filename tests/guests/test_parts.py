#!/usr/bin/env python3
"""Tests of the guest tools' own parts: no network, no emulator.

    tests/guests/test_parts.py
"""

import os
import pathlib
import signal
import stat
import sys
import tempfile
import time

import aptdir
import cpio
import proc
import linux
from console import Console, ConsoleError

DEB822 = '''\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
# one more
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abcd
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
URIs: http://vendor.example/apt
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/vendor.gpg

Types: deb
URIs: http://mirror.example/old
Suites: bookworm
Components: main
Enabled: no
'''

ONE_LINE = '''\
# deb http://mirror.example/gone bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \
http://mirror.example/debian bookworm main non-free # note
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/debian-security bullseye/updates main
deb http://vendor.example/node nodistro main
deb http://vendor.example/pg bookworm-pgdg main
deb http://vendor.example/docker bookworm stable
deb cdrom:[Debian 12]/ bookworm main
'''


def translated(text, parse, suite='trixie'):
    return [t for t in (aptdir.translate(s, suite) for s in parse(text)) if t]


def test_sources(check):
    out = translated(DEB822, aptdir.parse_deb822)
    check('deb822: two of four sources are Debian\'s', len(out) == 2, out)
    check('deb822: suites change, backports go',
          'Suites: trixie trixie-updates\n' in out[0])
    check('deb822: only binary packages', 'Types: deb\n' in out[0])
    check('deb822: a keyring is kept',
          'Signed-By: /usr/share/keyrings/debian-archive' in out[0])
    check('deb822: a key in place is kept', '\n abcd\n' in out[1] and
          'Suites: trixie-security\n' in out[1])
    out = translated(ONE_LINE, aptdir.parse_one_line)
    check("one-line: two of seven sources are Debian's", len(out) == 2, out)
    check('one-line: the key is kept, the architecture is not',
          'Signed-By: /usr/share' in out[0] and 'amd64' not in out[0])
    check('one-line: an old security suite', 'trixie-security' in out[1])
    out = translated(DEB822, aptdir.parse_deb822, None)
    check('no suite: it stays', 'Suites: bookworm bookworm-updates\n' in out[0])


def read_cpio(data):
    """{name: (mode, rdev, bytes)} of a newc archive, read independently."""
    found, at = {}, 0
    while True:
        assert data[at:at + 6] == b'070701' and at % 4 == 0
        fields = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16)
                  for i in range(13)]
        name = data[at + 110:at + 110 + fields[11] - 1].decode()
        body = (at + 110 + fields[11] + 3) & ~3
        if name == 'TRAILER!!!':
            return found
        found[name] = (fields[1], (fields[9], fields[10]),
                       data[body:body + fields[6]])
        at = (body + fields[6] + 3) & ~3


def test_cpio(check):
    def archive():
        arc = cpio.Cpio()
        arc.file('a/b/odd', b'12345', 0o755)
        arc.char_device('dev/console', 5, 1)
        arc.link('bin/sh', 'busybox')
        return arc.finish()

    found = read_cpio(archive())
    check('cpio: files', found['a/b/odd'] == (stat.S_IFREG | 0o755, (0, 0),
                                              b'12345'))
    check('cpio: folders come first, once',
          [n for n in found if n in ('a', 'a/b')] == ['a', 'a/b'])
    check('cpio: devices', found['dev/console'][:2] ==
          (stat.S_IFCHR | 0o600, (5, 1)))
    check('cpio: links', found['bin/sh'][2] == b'busybox')
    check('cpio: the same bytes again', archive() == archive())


def test_elf(check):
    python = pathlib.Path(sys.executable).read_bytes()
    # Sections can be looked up in the interpreter where it is of that form.
    if python[:6] == b'\x7fELF\x02\x01':
        check('elf: finds a section',
              linux.section(python, '.dynamic'))
        check('elf: a section that is not there is empty',
              linux.section(python, '.nonesuch') == b'')
    try:
        linux.section(b'not an ELF file' * 10, '.modinfo')
        check('elf: refuses other files', False)
    except aptdir.FetchError:
        check('elf: refuses other files', True)


def test_console(check):
    with Console(['sh', '-c', 'echo one; read x; echo "got $x"; exit 7']) as c:
        c.expect(rb'one', 60)
        c.send(b'two\n')
        c.expect(rb'got two', 60)
        check('console: talks and takes the status', c.wait(60) == 7)
        check('console: the terminal is as it was', c.terminal_restored())
    with Console(['sh', '-c', 'stty raw; echo x']) as c:
        c.wait(60)
        check('console: sees a terminal left raw', not c.terminal_restored())
    with Console(['sh', '-c', 'exit 3']) as c:
        try:
            c.expect(rb'never', 60)
            check('console: tells when a program ends', False)
        except ConsoleError as err:
            check('console: tells when a program ends',
                  'status 3' in str(err), err)
    try:
        with Console(['/nonexistent/program']):
            check('console: no such program', False)
    except ConsoleError:
        check('console: no such program', True)


# Starts a program, says its number, and waits to be killed.
PARENT = '''
import sys, time
sys.path.insert(0, sys.argv[1])
import console
with console.Console(['sleep', '1000']) as c:
    print('pid', c.pid, flush=True)
    time.sleep(1000)
'''


def runs(pid):
    """Is there such a process that has not ended?"""
    try:
        text = pathlib.Path(f'/proc/{pid}/stat').read_text()
    except OSError:
        return False
    return text.rsplit(')', 1)[1].split()[0] not in 'ZX'


def test_orphan(check):
    """A test that is killed takes its emulator with it."""
    here = os.path.dirname(os.path.abspath(__file__))
    with Console([sys.executable, '-c', PARENT, here]) as c:
        match, _ = c.expect(rb'pid (\d+)', 60)
        pid = int(match[1])
        check('console: the program runs', runs(pid))
        c.signal(signal.SIGKILL)
        c.wait(60)
        limit = time.monotonic() + 60
        while runs(pid) and time.monotonic() < limit:
            time.sleep(0.01)
        check('console: and ends with its test', not runs(pid))
        if runs(pid):
            os.kill(pid, signal.SIGKILL)


def test_proc(check):
    code = 'x = bytearray(b"x" * (64 << 20)); print("up", flush=True); input()'
    with Console([sys.executable, '-c', code]) as c:
        c.expect(rb'up', 60)
        outside, inside = proc.resident(c.pid, 64 << 20)
        check('proc: tells a mapping of 64 MiB from the rest',
              inside >= 64 << 20 and outside < 64 << 20,
              f'{outside >> 10} and {inside >> 10} KiB')
        check('proc: no mapping can hold a terabyte',
              proc.resident(c.pid, 1 << 40) is None)
        check('proc: processor time',
              0 < proc.cpu_seconds_exact(c.pid) < 20)
    with proc.Load(1) as load:
        pid = load.processes[0].pid
        check('proc: load runs', os.path.exists(f'/proc/{pid}'))
    check('proc: load ends', not os.path.exists(f'/proc/{pid}'))


def test_cache(check):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / 'file'
        aptdir.replace_file(path, b'one')
        aptdir.replace_file(path, b'two')
        check('cache: files are replaced whole', path.read_bytes() == b'two'
              and os.listdir(folder) == ['file'])
        deb = pathlib.Path(folder) / 'damaged.deb'
        deb.write_bytes(b'no package')
        try:
            aptdir.unpack_deb(deb, pathlib.Path(folder) / 'out')
            check('cache: a damaged package is an error', False)
        except aptdir.FetchError as err:
            check('cache: a damaged package is an error, and leaves nothing',
                  sorted(os.listdir(folder)) == ['damaged.deb', 'file'], err)


def main():
    report = proc.Report('parts')

    def check(name, good, detail=''):
        # Details help where something failed, and only there.
        report.check(name, bool(good), '' if good else str(detail))

    for test in (test_sources, test_cpio, test_elf, test_console, test_orphan,
                 test_proc, test_cache):
        test(check)
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
