#!/usr/bin/env python3
"""Boots Debian's x86 kernels over SeaBIOS to a serial shell.

    tests/guests/pc.py [EMULATOR]
    tests/guests/pc.py --only 686-linux --accel interp
    tests/guests/pc.py --boots 50 --load 2 --only amd64-cloud-linux

Each kernel (linux.py): commands at the prompt, interrupts that count, power-off
with status 0; on one processor and on two; with the memories that --memory
names in MiB for it.  The emulator is one that takes QEMU's options.
"""

import re
import sys

import boot
import machine
import proc
from console import Console, ConsoleError, Shell

KERNELS = {
    # guest: (uname -m, -m that must boot besides 512)
    'amd64-cloud-linux': ('x86_64', ()),
    'amd64-linux': ('x86_64', (6144,)),
    '686-linux': ('i686', (4096,)),
    '686-pae-linux': ('i686', (6144,)),
}
# Of 4096 MiB, 686 (no PAE) reaches what is below 4 GiB, without the PCI hole.
NO_PAE_MIB = 3072


def start(suite, name, memory, extra=()):
    options = [*suite.args.options, *extra]
    if suite.args.accel:
        options = ['-accel', suite.args.accel, *options]
    return Console(machine.command(suite.emulator, suite.files[name], memory,
                                   extra=options, board='pc'), suite.log)


class Suite:
    def __init__(self, args):
        self.args = args
        self.emulator = machine.find_emulator(args.emulator)
        self.files = {name: machine.guest_files(name) for name in args.only}
        self.log = machine.open_log(args)
        self.report = proc.Report('pc')


def number(shell, command):
    out, _ = shell.run(command)
    match = re.search(r'\d+', out)
    return int(match[0]) if match else 0


def check_shell(suite, shell, name, memory, processors):
    def check(what, good, detail=''):
        suite.report.check(f'{name}: {what}', good, detail.strip())

    out, status = shell.run('uname -m')
    check('uname -m', (out, status) == (KERNELS[name][0] + '\n', 0), out)
    boot.check_sums(suite, shell)
    found = number(shell, 'grep -c ^processor /proc/cpuinfo')
    check(f'{processors} processors', found == processors, str(found))
    reached = NO_PAE_MIB if name == '686-linux' else memory
    total = number(shell, 'grep MemTotal /proc/meminfo') / 1024
    least = min(memory, reached)
    check(f'the memory of -m {memory}', least * 0.75 < total < least,
          f'{total:.0f} MiB')
    # Time goes on by interrupts, and at the host's pace.
    out, _ = shell.run("grep LOC: /proc/interrupts; sleep 2; "
                       "grep LOC: /proc/interrupts")
    counts = [list(map(int, re.findall(r'\b\d+\b', line)))
              for line in out.splitlines()]
    check('every processor has its timer', len(counts) == 2 and
          len(counts[0]) == processors and
          all(a < b for a, b in zip(*counts)), out)
    out, _ = shell.run('dmesg | grep -i -e "unable to handle" -e "BUG:" '
                       '-e "Oops:" -e "call trace" -e "ACPI Error"')
    check('the kernel has nothing to complain of', out == '', out)


def case(suite, name, memory, processors):
    extra = ['-smp', str(processors)] if processors > 1 else []
    what = f'{name}, -m {memory}, -smp {processors}'
    try:
        with start(suite, name, memory, extra) as console:
            shell = Shell(console, suite.args.scale)
            when = shell.wait_ready()
            suite.report.check(f'{what}: boots to a shell', True,
                               f'{when - console.started:.1f} s')
            check_shell(suite, shell, name, memory, processors)
            console.send(b'poweroff -f\n')
            status = console.wait(30 * shell.scale)
            suite.report.check(f'{what}: poweroff -f ends with status 0',
                               status == 0, f'status {status}')
    except ConsoleError as err:
        suite.report.check(what, False, f'{err}; last output:\n'
                           f'{console.tail()}')


def boots(suite):
    """One after the other, the host loaded."""
    with proc.Load(suite.args.load):
        for name in suite.args.only:
            for n in range(suite.args.boots):
                what = f'{name}: boot {n + 1} of {suite.args.boots}'
                try:
                    with start(suite, name, 512) as console:
                        when = Shell(console, suite.args.scale).wait_ready()
                        console.send(b'poweroff -f\n')
                        status = console.wait(30 * suite.args.scale)
                        suite.report.check(
                            what, status == 0,
                            f'{when - console.started:.1f} s, {status}')
                except ConsoleError as err:
                    suite.report.check(what, False, f'{err}; last output:\n'
                                       f'{console.tail()}')


def main():
    parser = machine.parser(__doc__)
    parser.add_argument('--only', action='append', choices=list(KERNELS))
    parser.add_argument('--accel', metavar='NAME')
    parser.add_argument('--quick', action='store_true',
                        help='each kernel once: 512 MiB, two processors')
    parser.add_argument('--boots', type=int, default=0, metavar='N',
                        help='only boot N times in a row')
    parser.add_argument('--load', type=int, default=0, metavar='K',
                        help='keep K processors of the host busy meanwhile')
    args = parser.parse_args()
    args.only = args.only or list(KERNELS)
    suite = Suite(args)
    if args.boots:
        boots(suite)
        return suite.report.finish()
    for name in args.only:
        if not args.quick:
            case(suite, name, 512, 1)
        case(suite, name, 512, 2)
        for memory in () if args.quick else KERNELS[name][1]:
            case(suite, name, memory, 1)
    return suite.report.finish()


if __name__ == '__main__':
    sys.exit(main())
