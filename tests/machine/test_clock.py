#!/usr/bin/env python3
"""What -rtc makes a PC's clock show: test_clock.py EMU ROM.

ROM (clock.asm) runs in the place of the BIOS and reads the registers.
"""

import datetime
import os
import pathlib
import subprocess
import sys
import tempfile


def shown(emu, rom, options, zone='UTC'):
    """The time as the guest read it; status 0 of isa-debug-exit is 1 here."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / 'out'
        subprocess.run(
            [emu, '-M', 'pc', '-bios', rom, '-display', 'none', '-serial',
             'none', '-debugcon', f'file:{out}', '-device',
             'isa-debug-exit,iobase=0xf4', *options],
            stdin=subprocess.DEVNULL, timeout=120, check=False,
            env={**os.environ, 'TZ': zone})
        # Register D, before the seconds, says that the battery is good.
        year, date, time, seconds = out.read_text().split()
    if seconds[:2] != '80':
        sys.exit(f'register D is {seconds[:2]}')
    return datetime.datetime.strptime(year + date + time + seconds[2:],
                                      '%Y%m%d%H%M%S')


def main():
    emu, rom = sys.argv[1:3]
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    # POSIX: UTC is 5 hours and 30 minutes less.
    local = now + datetime.timedelta(hours=5, minutes=30)
    fixed = datetime.datetime(2026, 1, 1)
    party = datetime.datetime(1999, 12, 31, 23, 59, 50)
    failed = False
    for options, want in (
            ([], now), (['-rtc', 'base=utc,clock=vm'], now),
            (['-rtc', 'base=localtime'], local),
            (['-rtc', 'localtime,clock=vm'], local),
            (['-rtc', 'base=1999-12-31T23:59:50'], party),
            (['-rtc', 'base=1999-12-31T23:59:50,clock=vm'], party),
            (['-rtc', 'base=2096-02-29'], datetime.datetime(2096, 2, 29)),
            (['-rtc', 'base=1970-01-01'], datetime.datetime(1970, 1, 1)),
            (['-icount', '3'], fixed),
            (['-icount', '3', '-rtc', 'base=localtime'], fixed),
            (['-icount', '3', '-rtc', 'base=1999-12-31T23:59:50'], party)):
        got = shown(emu, rom, options, 'TST-5:30')
        late = got - want
        # Up to what a loaded host takes for the runs before.
        good = datetime.timedelta(seconds=-1) <= late < \
            datetime.timedelta(seconds=1 if '-icount' in options else 300)
        print('ok  ' if good else 'FAIL', *options, got)
        failed = failed or not good
    return failed


if __name__ == '__main__':
    sys.exit(main())
