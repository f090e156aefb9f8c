#!/usr/bin/env python3
"""Boots Debian's x86 kernels over SeaBIOS to a serial shell.

    tests/guests/pc.py [EMULATOR]
    tests/guests/pc.py --only 686-linux --accel interp
    tests/guests/pc.py --boots 50 --load 2 --only amd64-cloud-linux

Each kernel (linux.py): commands at the prompt, interrupts that count, power-off
with status 0; on one processor and on two; with much memory.  The cloud's
also on the board microvm, with a disk; there and on the PC the power button is
pressed.  The emulator is one that takes QEMU's options.
"""

import re
import sys
import tempfile

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


MICROVM = 'amd64-cloud-linux'
DISK = 4 << 20


def start(suite, name, memory, extra=(), board='pc'):
    options = [*suite.args.options, *extra]
    if suite.args.accel:
        options = ['-accel', suite.args.accel, *options]
    return Console(machine.command(suite.emulator, suite.files[name], memory,
                                   extra=options, board=board), suite.log)


class Suite:
    def __init__(self, args):
        self.args = args
        self.emulator = machine.find_emulator(args.emulator)
        wanted = {MICROVM if name == 'microvm' else name
                  for name in args.only}
        self.files = {name: machine.guest_files(name) for name in wanted}
        self.log = machine.open_log(args)
        self.report = proc.Report('pc')


def number(shell, command):
    out, _ = shell.run(command)
    match = re.search(r'\d+', out)
    return int(match[0]) if match else 0


def usable(shell):
    """The bytes that the firmware calls RAM."""
    out, _ = shell.run('dmesg | grep "BIOS-e820.*usable"')
    return sum(int(last, 16) + 1 - int(first, 16) for first, last in
               re.findall(r'0x([0-9a-f]+)-0x([0-9a-f]+)', out))


def check_shell(suite, shell, name, memory, processors):
    def check(what, good, detail=''):
        suite.report.check(f'{name}: {what}', good, detail.strip())

    # Or what the kernel has to say lands between a command's lines.
    shell.run('dmesg -n 1')
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
    missing = (memory << 20) - usable(shell)
    check('all of it but what is reserved', 0 < missing < 1 << 20,
          f'{missing >> 10} KiB are not')
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


def press(console):
    """The power button, from the monitor on the same terminal."""
    console.send(b'\x01c')
    console.expect(rb'\((emu|qemu)\)', 10)
    console.send(b'system_powerdown\n')
    console.send(b'\x01c')


def check_button(suite, console, shell, what):
    """It reaches the guest as a key (evdev: type 1, code 116, value 1)."""
    out, _ = shell.run("grep -l 'Power Button' "
                       "/sys/class/input/event*/device/name")
    match = re.search(r'event\d+', out)
    if not match:
        suite.report.check(f'{what}: has a power button', False, out)
        return
    shell.run(f'head -c 24 /dev/input/{match[0]} >/tmp/key & sleep 1')
    press(console)
    out, _ = shell.run('wait; tail -c 8 /tmp/key | od -An -tx1', 60)
    suite.report.check(f'{what}: the power button is a key',
                       out.split() == '01 00 74 00 01 00 00 00'.split(),
                       out.strip())


def check_disk(suite, shell, what):
    out, status = shell.run(
        'yes disk | head -c 1m | dd of=/dev/vda bs=64k conv=fsync 2>/dev/null; '
        'echo 3 >/proc/sys/vm/drop_caches; '
        'head -c 1m /dev/vda | sha256sum; yes disk | head -c 1m | sha256sum')
    sums = out.split()[::2]
    suite.report.check(f'{what}: the disk keeps what is written',
                       status == 0 and len(sums) == 2 and sums[0] == sums[1],
                       out.strip())


def power_off(suite, console, shell, what):
    console.send(b'poweroff -f\n')
    status = console.wait(30 * shell.scale)
    suite.report.check(f'{what}: poweroff -f ends with status 0', status == 0,
                       f'status {status}')


def microvm(suite, processors):
    """No BIOS and no PCI: ACPI, and a disk on virtio-mmio."""
    what = f'microvm, -smp {processors}'
    with tempfile.NamedTemporaryFile() as disk:
        disk.truncate(DISK)
        extra = ['-smp', str(processors),
                 '-drive', f'file={disk.name},format=raw,if=none,id=d',
                 '-device', 'virtio-blk-device,drive=d']
        try:
            with start(suite, MICROVM, 512, extra, 'microvm') as console:
                shell = Shell(console, suite.args.scale)
                when = shell.wait_ready()
                suite.report.check(f'{what}: boots to a shell', True,
                                   f'{when - console.started:.1f} s')
                check_shell(suite, shell, MICROVM, 512, processors)
                check_disk(suite, shell, what)
                check_button(suite, console, shell, what)
                power_off(suite, console, shell, what)
        except ConsoleError as err:
            suite.report.check(what, False, f'{err}; last output:\n'
                               f'{console.tail()}')


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
            if name == MICROVM:
                check_button(suite, console, shell, what)
            power_off(suite, console, shell, what)
    except ConsoleError as err:
        suite.report.check(what, False, f'{err}; last output:\n'
                           f'{console.tail()}')


def boots(suite):
    """One after the other, the host loaded."""
    with proc.Load(suite.args.load):
        for name in suite.files:
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
    parser.add_argument('--only', action='append',
                        choices=[*KERNELS, 'microvm'])
    parser.add_argument('--accel', metavar='NAME')
    parser.add_argument('--quick', action='store_true',
                        help='each kernel once: 512 MiB, two processors')
    parser.add_argument('--boots', type=int, default=0, metavar='N',
                        help='only boot N times in a row')
    parser.add_argument('--load', type=int, default=0, metavar='K',
                        help='keep K processors of the host busy meanwhile')
    args = parser.parse_args()
    args.only = args.only or [*KERNELS, 'microvm']
    suite = Suite(args)
    if args.boots:
        boots(suite)
        return suite.report.finish()
    for name in args.only:
        if name == 'microvm':
            for processors in (2,) if args.quick else (1, 2):
                microvm(suite, processors)
            continue
        if not args.quick:
            case(suite, name, 512, 1)
        case(suite, name, 512, 2)
        for memory in () if args.quick else KERNELS[name][1]:
            case(suite, name, memory, 1)
    return suite.report.finish()


if __name__ == '__main__':
    sys.exit(main())
