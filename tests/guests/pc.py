#!/usr/bin/env python3
"""Boots Debian's x86 kernels over SeaBIOS to a serial shell.

    tests/guests/pc.py [EMULATOR]
    tests/guests/pc.py --only 686-linux --accel interp
    tests/guests/pc.py --boots 50 --load 2 --only amd64-cloud-linux

Each kernel (linux.py): commands at the prompt, interrupts that count, power-off
with status 0; on one processor and on two; with much memory.  The cloud's
also on the board microvm, with a disk; there and on the PC the power button is
pressed.  On the PC each kernel suspends to RAM and is woken.  hibernation:
one suspends to a disk, and another run resumes from it.  chips: nonsense in
every chip's registers beside a running kernel.  The emulator is one that takes
QEMU's options.
"""

import re
import sys
import tempfile
import time

import boot
import machine
import proc
from console import ConsoleError, Shell

KERNELS = {
    # guest: (uname -m, -m that must boot besides 512)
    'amd64-cloud-linux': ('x86_64', ()),
    'amd64-linux': ('x86_64', (6144,)),
    '686-linux': ('i686', (4096,)),
    '686-pae-linux': ('i686', (6144,)),
}
# Of 4096 MiB, 686 (no PAE) reaches what is below 4 GiB, without the PCI hole.
NO_PAE_MIB = 3072
# Of the cases that are no kernel's: microvm and chips.
QUICKEST = 'amd64-cloud-linux'
# The cloud's kernel cannot.
HIBERNATES = 'amd64-linux'
SWAP_BYTES = 600 << 20
ACCESSES = 300000
CHIPS_SECONDS = 15
UUID = '00112233-4455-6677-8899-aabbccddeeff'


class Suite(boot.Suite):
    board, name = 'pc', 'pc'

    def __init__(self, args, folder):
        self.take(args.only[0])
        super().__init__(args, folder)

    def take(self, guest):
        """The guest of the consoles from here on."""
        self.guest = guest if guest in KERNELS else \
            HIBERNATES if guest == 'hibernation' else QUICKEST
        self.files = machine.guest_files(self.guest)


def number(shell, command):
    out, _ = shell.run(command)
    match = re.search(r'\d+', out)
    return int(match[0]) if match else 0


def usable(shell):
    """The bytes that the firmware calls RAM."""
    out, _ = shell.run('dmesg | grep "BIOS-e820.*usable"')
    return sum(int(last, 16) + 1 - int(first, 16) for first, last in
               re.findall(r'0x([0-9a-f]+)-0x([0-9a-f]+)', out))


def check_quiet(check, shell):
    out, _ = shell.run('dmesg | grep -i -e "unable to handle" -e "BUG:" '
                       '-e "Oops:" -e "call trace" -e "ACPI Error"')
    check('the kernel has nothing to complain of', out == '', out)


def check_shell(suite, shell, memory, processors):
    name = suite.guest

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
    check_quiet(check, shell)


def monitor(console, command):
    """A command to the monitor on the same terminal."""
    console.send(b'\x01c')
    console.expect(rb'\((emu|qemu)\)', 10)
    console.send(command.encode() + b'\n')
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
    monitor(console, 'system_powerdown')
    out, _ = shell.run('wait; tail -c 8 /tmp/key | od -An -tx1', 60)
    suite.report.check(f'{what}: the power button is a key',
                       out.split() == '01 00 74 00 01 00 00 00'.split(),
                       out.strip())


def microvm(suite, what, processors):
    """No BIOS and no PCI: ACPI, and a disk on virtio-mmio."""
    disk = suite.disk('disk.img')
    extra = ['-smp', str(processors),
             '-drive', f'file={disk},format=raw,if=none,id=d',
             '-device', 'virtio-blk-device,drive=d']
    with suite.console(512, extra=extra, board='microvm') as console:
        shell = Shell(console, suite.args.scale)
        boot.report_boot(suite, console, shell, what)
        check_shell(suite, shell, 512, processors)
        boot.check_disk(suite, shell, disk, what)
        check_button(suite, console, shell, what)
        boot.power_off(suite, console, shell, what)


def check_smbios(suite, shell, what):
    """The firmware has put into memory what -smbios and -uuid said."""
    out, _ = shell.run('cd /sys/class/dmi/id && cat product_serial '
                       'product_uuid board_version')
    suite.report.check(f'{what}: -smbios reaches the kernel',
                       out.split() == ['S-7', UUID, 'B,8'], out.strip())


def check_nmi(suite, console, shell, what):
    """The monitor's NMI reaches the kernel, which finds no reason for it."""
    monitor(console, 'nmi')
    out, _ = shell.run('sleep 1; dmesg | grep -i "NMI received"')
    suite.report.check(f'{what}: an NMI', 'unknown reason' in out, out.strip())


def seconds(shell):
    """The guest's clock, and when the host asked for it."""
    before = time.monotonic()
    return number(shell, 'date +%s'), before, time.monotonic()


def fall_asleep(console, shell, kind, scale):
    """Suspends the guest; returns when the monitor says that it sleeps."""
    shell.start(f'echo {kind} >/sys/power/mem_sleep; '
                'echo mem >/sys/power/state')
    for _ in range(int(200 * scale)):
        console.send(b'\x01cinfo status\n')
        found, _ = console.expect(rb'VM status: [^\n]*\n', 10 * scale)
        console.send(b'\x01c')
        if b'(suspended)' in found[0]:
            return
        time.sleep(0.1)
    raise ConsoleError('it does not fall asleep')


def check_suspend(suite, console, shell, what, processors):
    """It sleeps until the monitor wakes it; programs and clocks go on.  The
    shallow sleep is not QEMU's."""
    kinds, _ = shell.run('cat /sys/power/mem_sleep')
    for kind in ('deep', 'shallow')[:1 + ('shallow' in kinds)]:
        shell.run('(while :; do echo >>/tmp/ran; usleep 20000; done) '
                  '2>/dev/null & echo $! >/tmp/pid')
        first, early, after = seconds(shell)
        fall_asleep(console, shell, kind, suite.args.scale)
        time.sleep(1)
        monitor(console, 'system_wakeup')
        status = shell.finish(60)[1]
        was = number(shell, 'wc -l </tmp/ran')
        last, before, late = seconds(shell)
        now = number(shell, 'sleep 1; wc -l </tmp/ran; kill $(cat /tmp/pid)')
        # The clock is set by whole seconds, before and after.
        good = status == 0 and 0 < was < now and \
            before - after - 2 < last - first < late - early + 2
        suite.report.check(f'{what}: sleeps ({kind}) and goes on', good,
                           f'status {status}, {was} and {now} lines, '
                           f'{last - first} s')
    found = number(shell, 'grep -c ^processor /proc/cpuinfo')
    suite.report.check(f'{what}: with {processors} processors',
                       found == processors, str(found))
    check_quiet(lambda name, *more: suite.report.check(f'{what}: {name}',
                                                       *more), shell)


def case(suite, what, memory, processors):
    extra = ['-smp', str(processors), '-uuid', UUID, '-smbios',
             'type=1,serial=S-7', '-smbios', 'type=2,version=B,,8']
    with suite.console(memory, extra=extra) as console:
        shell = Shell(console, suite.args.scale)
        boot.report_boot(suite, console, shell, what)
        check_shell(suite, shell, memory, processors)
        if suite.guest == QUICKEST:
            check_button(suite, console, shell, what)
            check_smbios(suite, shell, what)
            check_nmi(suite, console, shell, what)
        check_suspend(suite, console, shell, what, processors)
        boot.power_off(suite, console, shell, what)


def hibernation(suite, what, processors):
    """The image goes to a swap disk, and the machine off (ACPI's S4); in
    another run the command that wrote it goes on, and a program beside it."""
    disk = suite.folder / 'swap.img'
    with open(disk, 'wb') as file:
        file.truncate(SWAP_BYTES)
    extra = ['-smp', str(processors), '-drive',
             f'file={disk},format=raw,if=none,id=d', '-device',
             'virtio-blk-pci,drive=d']
    resume = 'cat /sys/block/vda/dev >/sys/power/resume'
    with suite.console(512, extra=extra) as console:
        first = Shell(console, suite.args.scale)
        boot.report_boot(suite, console, first, what)
        first.run('mkswap /dev/vda && swapon /dev/vda')
        first.run('(while :; do echo >>/tmp/ran; usleep 20000; done) '
                  '2>/dev/null & true')
        first.start(f'{resume}; echo disk >/sys/power/state; '
                    'wc -l </tmp/ran; sleep 1; wc -l </tmp/ran')
        status = console.wait(60 * suite.args.scale)
        suite.report.check(f'{what}: suspends to disk', status == 0,
                           f'status {status}')
    with suite.console(512, extra=extra) as console:
        shell = Shell(console, suite.args.scale)
        boot.report_boot(suite, console, shell, what)
        shell.count = first.count
        console.send(resume.encode() + b'\n')
        out, status = shell.finish(60)
        lines = [int(n) for n in re.findall(r'^\d+$', out, re.MULTILINE)]
        good = status == 0 and len(lines) == 2 and 0 < lines[0] < lines[1]
        suite.report.check(f'{what}: resumes and goes on', good, out[-300:])
        check_quiet(lambda name, *more: suite.report.check(f'{what}: {name}',
                                                           *more), shell)
        boot.power_off(suite, console, shell, what)


def chips(suite, what, seed):
    """Nonsense in the chips beside a kernel that runs: the guest may end or be
    lost, and the emulator still does what it is told."""
    with suite.console(512, 'iomem=relaxed', ['-smp', '2', '-no-reboot'],
                       board='pc') as console:
        shell = Shell(console, suite.args.scale)
        boot.report_boot(suite, console, shell, what)
        shell.start(f'chips {seed} {ACCESSES}')
        try:
            status = console.wait(CHIPS_SECONDS)
            ended = 'by itself'
        except ConsoleError:
            console.send(b'\x01x')
            status = console.wait(10 * suite.args.scale)
            ended = 'when told'
        # 125: it has crashed, by a triple fault.
        good = status == 0 or (status == 125 and ended == 'by itself' and
                               b'triple fault' in console.text)
        suite.report.check(f'{what}: ends {ended}', good,
                           f'status {status}: {console.text[-200:]}'
                           if status else '')


def cases(suite, name):
    suite.take(name)
    if name == 'chips':
        if boot.with_program(suite, 'chips', 'x86_64-linux-gnu-gcc'):
            for seed in range(suite.args.seed, suite.args.seed + 4):
                what = f'chips, seed {seed}'
                boot.guarded(suite, what, chips, what, seed)
        return
    if suite.args.boots:
        boot.case_row(suite, suite.args.boots, 512)
        return
    for processors in (2,) if suite.args.quick else (1, 2):
        if name == 'hibernation':
            what = f'hibernation, -smp {processors}'
            boot.guarded(suite, what, hibernation, what, processors)
        elif name == 'microvm':
            what = f'microvm, -smp {processors}'
            boot.guarded(suite, what, microvm, what, processors)
        else:
            what = f'{name}, -m 512, -smp {processors}'
            boot.guarded(suite, what, case, what, 512, processors)
    if name in KERNELS and not suite.args.quick:
        for memory in KERNELS[name][1]:
            what = f'{name}, -m {memory}'
            boot.guarded(suite, what, case, what, memory, 1)


def main():
    parser = machine.parser(__doc__)
    parser.add_argument('--only', action='append',
                        choices=[*KERNELS, 'hibernation', 'microvm',
                                 'chips'])
    parser.add_argument('--accel', metavar='NAME')
    parser.add_argument('--quick', action='store_true',
                        help='each kernel once: 512 MiB, two processors')
    parser.add_argument('--boots', type=int, default=0, metavar='N',
                        help='only boot N times in a row')
    parser.add_argument('--seed', type=int, default=1, metavar='N',
                        help='of the first of four runs of chips')
    parser.add_argument('--load', type=int, default=0, metavar='K',
                        help='keep K processors of the host busy meanwhile')
    args = parser.parse_args()
    args.only = args.only or [
        *KERNELS, *([] if args.boots else ['hibernation', 'microvm',
                                           'chips'])]
    with tempfile.TemporaryDirectory(prefix='emu-pc-') as folder, \
            proc.Load(args.load):
        suite = Suite(args, folder)
        for name in args.only:
            cases(suite, name)
        return suite.report.finish()


if __name__ == '__main__':
    sys.exit(main())
