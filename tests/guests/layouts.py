#!/usr/bin/env python3
"""German and French keyboards in a Debian guest, every key.

    tests/guests/layouts.py [EMULATOR]
    tests/guests/layouts.py --only sendkey/keys

The layouts are Debian's (ckbcomp of console-setup makes them of XKB's, as
keyboard-configuration does), loaded into the kernel's console by busybox.
What arrives at tty1 is compared with what is printed on the keys.  Keys come by
the monitor's sendkey, and from an X server whose own layout is American,
German or French, by their places.  `keys` asks evdev which key each of
sendkey's names is.
"""

import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

import machine
import proc
from console import Console, ConsoleError, Shell
from monitor import Monitor

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from desktop import Desktop  # noqa: E402

GUEST = 'amd64-cloud-linux'
SLOT = 65536        # of a keymap on the guest's disk

# The keys in the order of a keyboard's rows.
ROWS = ('grave_accent 1 2 3 4 5 6 7 8 9 0 minus equal',
        'q w e r t y u i o p bracket_left bracket_right',
        'a s d f g h j k l semicolon apostrophe backslash',
        'less z x c v b n m comma dot slash', 'spc')
# What is printed on them, alone, with Shift, and with AltGr; a blank is a key
# with nothing there.  DEAD keys are followed by the key E.
LAYOUTS = {
    'de': (
        ('^1234567890ß´', 'qwertzuiopü+', 'asdfghjklöä#', '<yxcvbnm,.-', ' '),
        ('°!"§$%&/()=?`', 'QWERTZUIOPÜ*', "ASDFGHJKLÖÄ'", '>YXCVBNM;:_', ' '),
        ('  ²³   {[]}\\', '@ €        ~', '', '|      µ')),
    'fr': (
        ('²&é"\'(-è_çà)=', 'azertyuiop^$', 'qsdfghjklmù*', '<wxcvbn,;:!',
         ' '),
        (' 1234567890°+', 'AZERTYUIOP¨£', 'QSDFGHJKLM%µ', '>WXCVBN?./§', ' '),
        ('   #{[| \\ @]}', '  €', '', '')),
}
# XKB has these dead on both, as the keys that need them do.
DEAD = {('de', '^'): 'ê', ('de', '´'): 'é', ('de', '`'): 'è',
        ('fr', '^'): 'ê', ('fr', '¨'): 'ë'}
WITH = (None, 'shift', 'alt_r')

# Linux has its own idea of the codes of F13 to F24.
STRANGE = re.compile(r'f(1[3-9]|2[0-4])$')


def numbers():
    """{sendkey's name: Linux's number}, from the emulator's table."""
    text = (machine.ROOT / 'frontend/display/keys.c').read_text()
    return {name: int(number) for number, name in re.findall(
        r'^ *\{(\d+), \w+, "(\w+)"', text, re.M)
            if not STRANGE.match(name)}


def typed(layout):
    """[(modifier, keys)], and the characters that come of it."""
    turns, want = [], ''
    for level, rows in zip(WITH, LAYOUTS[layout]):
        keys = []
        for names, chars in zip(ROWS, rows):
            for name, char in zip(names.split(), chars):
                if char == ' ' and name != 'spc':
                    continue
                dead = DEAD.get((layout, char))
                if dead:
                    # The letter alone: a turn of its own.
                    turns += [(level, keys + [name]), (None, ['e'])]
                    keys = []
                else:
                    keys.append(name)
                want += dead or char
        turns.append((level, keys))
    return [t for t in turns if t[1]], want


class BySendkey:
    """Keys by the monitor."""
    display = ['-display', 'none']
    env = None

    def __init__(self, host):
        del host
        self.monitor = None

    def begin(self, monitor):
        self.monitor = monitor

    def type(self, modifier, keys):
        for key in keys:
            self.monitor.ask(f'sendkey {modifier}-{key} 10' if modifier else
                             f'sendkey {key} 10')
            time.sleep(0.03)    # they queue, but not without end

    def end(self):
        pass


class ByWindow:
    """Keys of an X server with a layout of its own, by place."""
    display = ['-display', 'sdl']

    def __init__(self, host):
        self.folder = tempfile.TemporaryDirectory()
        self.desktop = Desktop(pathlib.Path(self.folder.name), '1024x768')
        self.env = self.desktop.env
        self.run = self.desktop.run
        self.numbers = numbers()
        self.run('setxkbmap', '-rules', 'evdev', '-model', 'pc105', '-layout',
                 host)

    def begin(self, monitor):
        del monitor
        window = self.run('xdotool', 'search', '--sync', '--onlyvisible',
                          '--name', '^emu').split()[-1]
        self.run('xdotool', 'windowfocus', '--sync', window)

    def code(self, key):
        return str(self.numbers[key] + 8)

    def type(self, modifier, keys):
        if modifier:
            self.run('xdotool', 'keydown', self.code(modifier))
        self.run('xdotool', 'key', '--delay', '20', *map(self.code, keys))
        if modifier:
            self.run('xdotool', 'keyup', self.code(modifier))

    def end(self):
        self.desktop.close()
        self.folder.cleanup()


def keymap(layout):
    """The binary keymap that busybox's loadkmap takes."""
    setup = machine.package('bookworm', 'amd64', 'console-setup')
    xkb = machine.package('bookworm', 'amd64', 'xkb-data')
    kbd = machine.package('bookworm', 'amd64', 'kbd')
    text = subprocess.run(
        ['perl', setup / 'usr/bin/ckbcomp', f'-I{setup}/usr/share',
         f'-I{xkb}/usr/share/X11/xkb', '-model', 'pc105', '-layout', layout],
        capture_output=True, check=True).stdout
    return subprocess.run([kbd / 'bin/loadkeys', '-q', '-u', '-b', '-'],
                          input=text, capture_output=True, check=True).stdout


def make_disk(path):
    sizes = {}
    with open(path, 'wb') as f:
        for n, layout in enumerate(LAYOUTS):
            data = keymap(layout)
            sizes[layout] = (n, len(data))
            f.seek(n * SLOT)
            f.write(data)
        f.truncate(len(LAYOUTS) * SLOT)
    return sizes


def read_hex(shell, path):
    out, _ = shell.run(f"hexdump -ve '1/1 \"%02x\"' {path}; echo", 60)
    return bytes.fromhex(''.join(out.split()))


def check_layout(check, shell, way, what, layout, sizes):
    n, size = sizes[layout]
    shell.run(f'dd if=/dev/vda bs={SLOT} skip={n} count=1 2>/dev/null | '
              f'head -c {size} | loadkmap')
    # The console forgets its modes when nobody has it open.
    shell.run('(stty raw -echo; exec cat) </dev/tty1 >/tmp/got & echo; sleep 1')
    turns, want = typed(layout)
    for modifier, keys in turns:
        way.type(modifier, keys)
    for _ in range(50):
        time.sleep(0.2)
        got = read_hex(shell, '/tmp/got')
        if len(got) >= len(want.encode()):
            break
    shell.run('kill $!; wait')
    text = got.decode(errors='replace')
    check(f'{what}: {layout}, {len(want)} characters', text == want,
          f'{text!r}, wanted {want!r}')


def check_keys(check, shell, way):
    out, _ = shell.run("grep -A 5 'AT Translated' /proc/bus/input/devices")
    event = re.search(r'event\d+', out)[0]
    shell.run(f'cat </dev/input/{event} >/tmp/got & echo; sleep 1')
    names = numbers()
    for name in names:
        twice = 2 if name.endswith('_lock') else 1
        way.type(None, [name] * twice)
    time.sleep(3)
    data = read_hex(shell, '/tmp/got')
    shell.run('kill $!; wait')
    got = [code for *_, kind, code, value in struct.iter_unpack('<QQHHi', data)
           if kind == 1 and value == 1]
    want = [number for name, number in names.items()
            for _ in range(2 if name.endswith('_lock') else 1)]
    wrong = [f'{a} for {b}' for a, b in zip(got, want) if a != b]
    check(f'{len(names)} keys by number', got == want,
          f'{len(got)} of {len(want)}: {wrong[:20]} {got}')


def run(args, report, case, log):
    host, _, what = case.partition('/')
    sort = BySendkey if host == 'sendkey' else ByWindow
    if sort is ByWindow and not all(map(shutil.which, (
            'Xvfb', 'xdotool', 'setxkbmap'))):
        report.skip(case, 'no Xvfb, xdotool or setxkbmap')
        return
    files = machine.guest_files(GUEST)
    way = sort(host)
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            sizes = make_disk(folder / 'maps')
            argv = [machine.find_emulator(args.emulator), '-M', 'pc', '-m',
                    '256', '-vga', 'std', '-kernel', files['kernel'],
                    '-initrd', files['initrd'], '-append',
                    'quiet console=tty0 console=ttyS0', '-drive',
                    f'file={folder}/maps,format=raw,if=virtio,readonly=on',
                    '-serial', 'stdio', '-monitor',
                    f'unix:{folder}/mon,server,nowait', *way.display,
                    *args.options]
            with Console(argv, log, env=way.env) as console:
                shell = Shell(console, args.scale)
                shell.wait_ready()
                shell.run('dmesg -n 1')
                way.begin(Monitor(folder / 'mon'))

                def check(name, good, detail=''):
                    report.check(name, good, '' if good else detail)

                for layout in LAYOUTS:
                    check_layout(check, shell, way, f'host {host}', layout,
                                 sizes)
                if what:
                    check_keys(check, shell, way)
    except ConsoleError as err:
        report.check(case, False, str(err))
    finally:
        way.end()


def main():
    parser = machine.parser(__doc__)
    parser.add_argument('--only', default='sendkey/keys,us,de,fr',
                        help='where keys come from; default %(default)s')
    args = parser.parse_args()
    report = proc.Report('layouts')
    log = machine.open_log(args)
    for case in args.only.split(','):
        run(args, report, case, log)
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
