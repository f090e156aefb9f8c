#!/usr/bin/env python3
"""Sleep of the board pc: test_sleep.py EMU ROM.

ROM (sleep.asm) runs in the place of the BIOS, suspends the machine and says
what it finds when it wakes: by the clock's alarm, or by what is typed into the
monitor.  What each type of suspend loses is the PIIX4's to say.
"""

import pathlib
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time

TYPE, ENABLE = 0x8000, 0x8002  # where they are in the ROM
RAM, POSCL, POSCCL, POS = 1, 2, 3, 4
RTC, BUTTON = 0x400, 0x100
RESUME = 0x8000
LONG = 120

# How the report begins, whether what the chips held is still there.
KINDS = {RAM: ('up 0001', False), POSCL: ('up 0001', False),
         POSCCL: ('up 0601', True), POS: ('on', True)}


def report(kind, status, enable):
    begin, kept = KINDS[kind]
    again = 1 if kind == POS else 0
    mask = 0x55 if kept else 0xff
    shadow = 0x7e57 if kept else 0x7e58  # can be written again
    return (f'{begin} 5a01 {again:04x} {shadow:04x} {mask:04x} {status:04x} '
            f'{enable:04x} ')


class Guest:
    """The emulator with ROM, its monitor on pipes."""

    def __init__(self, emu, folder, rom, kind, enable, options):
        self.out = folder / 'out'
        self.out.unlink(missing_ok=True)
        image = bytearray(pathlib.Path(rom).read_bytes())
        struct.pack_into('<HH', image, TYPE, kind, enable)
        bios = folder / 'bios'
        bios.write_bytes(image)
        self.process = subprocess.Popen(
            [emu, '-M', 'pc', '-m', '16', '-bios', bios, '-display', 'none',
             '-serial', 'none', '-monitor', 'stdio', '-debugcon',
             f'file:{self.out}', '-device', 'isa-debug-exit,iobase=0xf4',
             *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.process.kill()
        self.process.communicate()

    def say(self, text):
        self.process.stdin.write(text.encode() + b'\n')
        self.process.stdin.flush()

    def until(self, good):
        """Waits until the guest's text is so."""
        limit = time.monotonic() + LONG
        while time.monotonic() < limit:
            text = self.out.read_text() if self.out.exists() else ''
            if good(text):
                return
            time.sleep(0.02)
        raise TimeoutError('the guest says ' + repr(text))

    def asleep(self):
        """Waits until the monitor says so."""
        seen = b''
        while b'(suspended)' not in seen:
            self.say('info status')
            line = self.process.stdout.readline()
            if not line:
                raise EOFError('the emulator has ended')
            seen += line

    def end(self):
        """Its status and the guest's lines."""
        self.process.communicate(timeout=LONG)
        return self.process.returncode, self.out.read_text()


def alarms(emu, rom, folder):
    """Every type, by the clock, at exact times by both engines."""
    for kind in KINDS:
        for way in (['-icount', '3', '-accel', 'interp'],
                    ['-icount', '3', '-accel', 'jit', '-smp', '2']):
            with Guest(emu, folder, rom, kind, RTC, way) as g:
                got = g.end()
            want = (1, 'cold\n' + report(kind, RESUME | RTC, RTC) + '\n')
            yield f'type {kind}, alarm, {" ".join(way)}', got, want
    # No such type: nothing happens.
    with Guest(emu, folder, rom, 5, RTC, ['-icount', '3']) as g:
        text = g.end()[1]
    yield 'type 5', text, 'cold\n' + report(POS, 0, RTC) + '\n'


def typed(emu, rom, folder):
    """In real time, by the monitor; the clock's alarm is not enabled, and its
    status comes when it likes."""
    for kind, command in ((RAM, 'system_wakeup'), (RAM, 'sendkey a'),
                          (POS, 'system_powerdown')):
        with Guest(emu, folder, rom, kind, 0, ['-smp', '2']) as g:
            g.asleep()
            g.say('stop')
            g.say('cont')
            g.say(command)
            status, text = g.end()
        wants = ['cold\n' + report(kind, RESUME | BUTTON | rtc, 0) + '\n'
                 for rtc in (0, RTC)]
        yield (f'type {kind}, {command}', (status, text),
               (1, text if text in wants else wants[0]))


def others(emu, rom, folder):
    """A reset, an end, and a command that is too early."""
    with Guest(emu, folder, rom, RAM, 0, []) as g:
        g.asleep()
        g.say('system_reset')
        g.until(lambda text: text == 'cold\n' * 2)
        g.asleep()
        g.say('quit')
        yield 'reset and quit', g.end(), (0, 'cold\n' * 2)
    for way in ([], ['-icount', '3']):
        with Guest(emu, folder, rom, POSCL, 0, way) as g:
            g.asleep()
            g.process.send_signal(signal.SIGTERM)
            yield (f'SIGTERM {" ".join(way)}', g.end(),
                   (128 + signal.SIGTERM, 'cold\n'))
    with Guest(emu, folder, rom, RAM, 0, ['-S']) as g:
        g.say('system_wakeup')
        g.say('quit')
        text = g.process.communicate(timeout=LONG)[0].decode()
        yield ('awake', re.findall('this machine [a-z ]*', text),
               ['this machine does not sleep'])


def main():
    emu, rom = sys.argv[1:3]
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for part in (alarms, typed, others):
            for what, got, want in part(emu, rom, pathlib.Path(folder)):
                good = got == want
                print('ok  ' if good else 'FAIL', what)
                if not good:
                    print(f'  {got!r}\n  wanted {want!r}')
                failed = failed or not good
    return failed


if __name__ == '__main__':
    sys.exit(main())
