#!/usr/bin/env python3
"""Runs Debian's memtest86+ by -kernel, its screen on the serial line.

    tests/guests/memtest.py [EMULATOR]
    tests/guests/memtest.py --only x64 --accel interp --tests 11

Both binaries in 8 MiB of memory, until so many of its tests are over without
an error (--tests, 3).  Package: memtest86+ of trixie.
"""

import re
import sys

import machine
import proc
from console import Console, ConsoleError

BINARIES = {'ia32': 'memtest86+ia32.bin', 'x64': 'memtest86+x64.bin'}
APPEND = 'console=ttyS0,115200'


def wait_for_test(console, wanted, timeout):
    """Until a test of that number or above is on the screen; every count of
    errors up to then.  Of quick tests not each is shown."""
    errors = []
    while True:
        match, when = console.expect(rb'# ?(\d+) +\[|Errors: +(\d+)', timeout)
        if match[2]:
            errors.append(int(match[2]))
        elif int(match[1]) >= wanted and errors:
            return when, errors


def case(args, report, folder, name, log):
    what = f'memtest86+ {name}'
    kernel = folder / 'boot' / BINARIES[name]
    argv = [machine.find_emulator(args.emulator), '-M', 'pc', '-m', '8',
            '-nographic', '-kernel', str(kernel), '-append', APPEND]
    if args.accel:
        argv += ['-accel', args.accel]
    try:
        with Console(argv + args.options, log) as console:
            when, errors = wait_for_test(console, args.tests,
                                         120 * args.scale)
            report.check(f'{what}: {args.tests} tests',
                         not any(errors) and not re.search(
                             rb'Unexpected interrupt', console.text),
                         f'{when - console.started:.1f} s, errors: '
                         f'{max(errors)}')
    except ConsoleError as err:
        report.check(what, False, str(err))


def main():
    parser = machine.parser(__doc__)
    parser.add_argument('--only', choices=list(BINARIES))
    parser.add_argument('--accel', metavar='NAME')
    parser.add_argument('--tests', type=int, default=3, metavar='N',
                        help='how many of 11 tests (default %(default)s)')
    args = parser.parse_args()
    report = proc.Report('memtest')
    log = machine.open_log(args)
    folder = machine.package('trixie', 'amd64', 'memtest86+')
    for name in BINARIES:
        if args.only in (None, name):
            case(args, report, folder, name, log)
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
