#!/usr/bin/env python3
"""What -rtc makes a PC's clock show: test_clock.py EMU ROM.

ROM (clock.asm) runs in the place of the BIOS and reads the registers.
"""

import datetime
import sys

import rom


def shown(options):
    """The time as the guest read it."""
    # POSIX: UTC is 5 hours and 30 minutes less.
    text, _ = rom.run(*options, TZ='TST-5:30')
    # Register D, before the seconds, says that the battery is good.
    year, date, time, seconds = text.split()
    if seconds[:2] != '80':
        sys.exit(f'register D is {seconds[:2]}')
    return datetime.datetime.strptime(year + date + time + seconds[2:],
                                      '%Y%m%d%H%M%S')


def main():
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
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
        got = shown(options)
        late = got - want
        # Up to what a loaded host takes for the runs before.
        good = datetime.timedelta(seconds=-1) <= late < \
            datetime.timedelta(seconds=1 if '-icount' in options else 300)
        print('ok  ' if good else 'FAIL', *options, got)
        failed = failed or not good
    return failed


if __name__ == '__main__':
    sys.exit(main())
