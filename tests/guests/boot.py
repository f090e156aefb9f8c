#!/usr/bin/env python3
"""Boots Debian's riscv64 kernel to a shell and checks what it does there.

    tests/guests/boot.py [EMULATOR]
    tests/guests/boot.py --only shell --memory 128,4096
    tests/guests/boot.py --boots 50 --load 2    boots in a row, host loaded
    tests/guests/boot.py --only lockstep        both engines, compared (emu)
    tests/guests/boot.py --hashes 100           one state hash, 4 harts (emu)
    tests/guests/boot.py --parallel 20          threads on 4 harts, in a row
    tests/guests/boot.py --builds 20            make -j8 on 4 harts, in a row
    tests/guests/boot.py --scaling              2 harts against one, quiet host

Cases: smp (four processors, taken off and on again), shell (commands, virtio
on MMIO, paste, power-off), pci (virtio on PCI, read-only, -snapshot,
-no-reboot), aia (APLIC and IMSIC, MSI-X), reboot (and Ctrl-A X), paging (Sv57,
Sv48, Sv39; A and D by software), and one a size of --memory.  The emulator is
one that takes QEMU's options.
"""

import hashlib
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import aptdir
import compiler
import cpio
import machine
import proc
from console import Console, ConsoleError, Shell

DISK_BYTES = 1 << 20
PASTE_BYTES = 64 << 10


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Suite:
    """What every case needs: the emulator, the guest, where to report."""

    board, name, guest = 'virt', 'boot', 'riscv64-linux'

    def __init__(self, args, folder):
        self.args = args
        self.emulator = machine.find_emulator(args.emulator)
        self.files = machine.guest_files(self.guest)
        self.log = machine.open_log(args)
        self.folder = pathlib.Path(folder)
        self.report = proc.Report(self.name)

    def options(self, accel=None):
        accel = accel or self.args.accel
        return [*(['-accel', accel] if accel else []), *self.args.options]

    def console(self, memory=256, append='', extra=(), accel=None, board=None):
        return Console(machine.command(
            self.emulator, self.files, memory, append,
            [*self.options(accel), *extra], board or self.board), self.log)

    def disk(self, name):
        path = self.folder / name
        path.write_bytes(random.Random(name).randbytes(DISK_BYTES))
        return path


def power_off(suite, console, shell, name):
    """Types poweroff -f; the emulator must end well and clean up."""
    console.send(b'poweroff -f\n')
    status = console.wait(30 * shell.scale)
    suite.report.check(f'{name}: poweroff -f ends with status 0', status == 0,
                       f'status {status}' if status else '')
    suite.report.check(f'{name}: the terminal is put back',
                       console.terminal_restored())


# --- what is checked at the prompt -----------------------------------------

def check_system(suite, shell, memory):
    check = suite.report.check
    out, status = shell.run('uname -m')
    check('uname -m', (out, status) == ('riscv64\n', 0), out.strip())
    out, _ = shell.run('cat /proc/cpuinfo')
    check('cpuinfo names rv64ima', re.search(r'isa\s*: rv64ima', out))
    check('cpuinfo names an MMU', re.search(r'mmu\s*: sv(39|48|57)', out))
    out, _ = shell.run('grep MemTotal /proc/meminfo')
    match = re.search(r'(\d+) kB', out)
    kib = int(match[1]) if match else 0
    check('the kernel has the memory of -m',
          memory * 1024 * 0.6 < kib < memory * 1024, f'{kib} KiB')
    out, _ = shell.run('false; echo $?; exit_status() { return 7; }; '
                       'exit_status')
    check('statuses', out == '1\n')
    before = time.time()
    out, _ = shell.run('date +%s')
    check("the date is the host's", out.strip().isdigit() and
          before - 2 <= int(out) <= time.time() + 2, out.strip())


def check_sums(suite, shell):
    text = ''.join(f'{n}\n' for n in range(1, 3001))
    want = sha256(text.encode())
    out, _ = shell.run('seq 1 3000 | sha256sum', 60)
    suite.report.check('sha256sum of a sequence', out.split()[:1] == [want])
    want = 0
    for n in range(1, 2001):
        want = (want * 31 + n) % 1000003
    out, _ = shell.run('s=0; n=1; while [ $n -le 2000 ]; do '
                       's=$(((s * 31 + n) % 1000003)); n=$((n + 1)); done; '
                       'echo $s', 60)
    suite.report.check('sums in the shell', out == f'{want}\n', out.strip())
    value = 0.0
    for n in range(1, 2001):
        value += n / 7.0 / (n * n + 0.1)
    out, _ = shell.run("awk 'BEGIN { for (n = 1; n <= 2000; n++) "
                       's += n / 7 / (n * n + 0.1); printf "%.15e", s }\'; '
                       'echo', 60)
    suite.report.check('floating point in awk', out == f'{value:.15e}\n',
                       out.strip())


def check_output(suite, shell):
    out, _ = shell.run('seq 1 5000', 60)
    want = ''.join(f'{n}\n' for n in range(1, 5001))
    suite.report.check('24 KB of output arrive whole', out == want,
                       f'{len(out)} of {len(want)} bytes'
                       if out != want else '')


def check_sleep(suite, shell):
    began = shell.start('sleep 1')
    shell.finish()
    took = time.monotonic() - began
    suite.report.check('sleep 1 takes a second', 0.9 < took < 1 + shell.scale,
                       f'{took:.2f} s')


def check_jobs(suite, shell):
    console = shell.console
    # A signal that comes before the command has begun is missed.
    shell.start('''sh -c "echo runn''ing; exec sleep 1000"''')
    console.expect(rb'running\r+\n', 20 * shell.scale)
    console.send(b'\x03')
    shell.console.expect(shell.PROMPT, 10 * shell.scale)
    out, _ = shell.run('echo alive')
    suite.report.check('Ctrl-C ends a command of the guest', out == 'alive\n')
    console.send(b'''sh -c "echo runn''ing; exec cat"\n''')
    console.expect(rb'running\r+\n', 20 * shell.scale)
    console.send(b'\x1a')
    console.expect(rb'Stopped', 10 * shell.scale)
    out, _ = shell.run('jobs; kill %1; wait %1')
    suite.report.check('Ctrl-Z stops a command of the guest',
                       'Stopped' in out)


def check_disk(suite, shell, path, name):
    """Reads the whole disk, then writes to it, and looks at the file."""
    want = path.read_bytes()
    out, _ = shell.run('dd if=/dev/vda bs=64k 2>/dev/null | sha256sum', 30)
    suite.report.check(f'{name}: the disk reads right',
                       out.split()[:1] == [sha256(want)], out.strip())
    out, _ = shell.run('cat /sys/block/vda/size')
    suite.report.check(f'{name}: its size', out == f'{len(want) // 512}\n')
    shell.run('seq 1 1000 | dd of=/dev/vda bs=1000 seek=5 conv=notrunc; sync',
              30)
    new = ''.join(f'{n}\n' for n in range(1, 1001)).encode()
    want = want[:5000] + new + want[5000 + len(new):]
    suite.report.check(f'{name}: what was written is in the file',
                       path.read_bytes() == want)
    out, _ = shell.run('echo 3 >/proc/sys/vm/drop_caches; '
                       'sha256sum </dev/vda', 30)
    suite.report.check(f'{name}: and reads back',
                       out.split()[:1] == [sha256(want)])


def check_rng(suite, shell, name):
    dump = 'dd if=/dev/hwrng bs=32 count=2 2>/dev/null | od -An -v -tx1'
    one, _ = shell.run(dump)
    two, _ = shell.run(dump)
    digits = one.split()
    suite.report.check(f'{name}: /dev/hwrng gives 64 bytes, others each time',
                       len(digits) == 64 and one != two and
                       len(set(digits)) > 20, f'{len(digits)} bytes')


def paste(shell, data, timeout=120):
    """Pastes data into cat > file; returns what the file holds, by its sum."""
    console = shell.console
    shell.start("stty -echo; echo rea''dy; cat >/tmp/paste; stty echo")
    console.expect(rb'ready\r+\n', 10 * shell.scale)
    console.send(data + b'\x04', timeout * shell.scale)
    shell.finish(timeout)
    out, _ = shell.run('wc -c </tmp/paste; sha256sum </tmp/paste')
    return out.split()[:2]


def check_paste(suite, shell):
    rng = random.Random(64)
    letters = bytes(range(33, 127))
    data = b''.join(bytes(rng.choices(letters, k=63)) + b'\n'
                    for _ in range(PASTE_BYTES // 64))
    began = time.monotonic()
    got = paste(shell, data)
    suite.report.check('64 KiB pasted at once arrive whole',
                       got == [str(len(data)), sha256(data)],
                       f'{got[0] if got else 0} bytes, '
                       f'{time.monotonic() - began:.1f} s')


def check_hvc(suite, shell, path):
    shell.run('echo through hvc0 >/dev/hvc0')
    limit = time.monotonic() + 10 * shell.scale
    while True:
        text = path.read_bytes().replace(b'\r', b'')
        if text.endswith(b'\n') or time.monotonic() > limit:
            break
        time.sleep(0.05)
    suite.report.check('virtio console writes', text == b'through hvc0\n',
                       repr(text))


# --- cases ------------------------------------------------------------------

def check_break(suite, shell):
    """Ctrl-A B, then h: the kernel's magic SysRq lists its keys."""
    shell.run('dmesg -n 7; echo 1 >/proc/sys/kernel/sysrq')
    shell.console.send(b'\x01bh')
    shell.console.expect(rb'sysrq: HELP : .*sync\(s\)', 20 * shell.scale)
    _, status = shell.run('dmesg -n 4; true')
    suite.report.check('a break and h show the help of SysRq', status == 0)


def report_boot(suite, console, shell, name):
    took = shell.wait_ready() - console.started
    suite.report.check(f'{name}: boots to the shell', True, f'{took:.2f} s')


def case_shell(suite):
    disk = suite.disk('mmio.img')
    hvc = suite.folder / 'hvc.txt'
    extra = ['-drive', f'if=none,id=d0,format=raw,file={disk}',
             '-device', 'virtio-blk-device,drive=d0',
             '-device', 'virtio-rng-device',
             '-device', 'virtio-serial-device',
             '-chardev', f'file,id=c0,path={hvc}',
             '-device', 'virtconsole,chardev=c0']
    with suite.console(extra=extra) as console:
        shell = Shell(console, suite.args.scale)
        report_boot(suite, console, shell, 'shell')
        found = proc.resident(console.pid, 256 << 20)
        if found:
            print(f'     boot: {found[0] >> 10} KiB resident outside guest '
                  f'RAM, {found[1] >> 10} KiB inside')
        check_system(suite, shell, 256)
        check_sums(suite, shell)
        check_output(suite, shell)
        check_sleep(suite, shell)
        check_jobs(suite, shell)
        check_disk(suite, shell, disk, 'virtio-mmio')
        check_rng(suite, shell, 'virtio-mmio')
        check_hvc(suite, shell, hvc)
        check_break(suite, shell)
        check_paste(suite, shell)
        power_off(suite, console, shell, 'shell')


def case_pci(suite):
    disk, kept = suite.disk('pci.img'), suite.disk('kept.img')
    before = kept.read_bytes()
    extra = ['-no-reboot', '-drive', f'if=none,id=d0,format=raw,file={disk}',
             '-device', 'virtio-blk-pci,drive=d0,bus=pcie.0,addr=3',
             '-drive', f'if=none,id=d1,format=raw,readonly=on,file={kept}',
             '-device', 'virtio-blk-pci,drive=d1,bus=pcie.0,addr=4',
             '-device', 'virtio-rng-pci']
    with suite.console(extra=extra) as console:
        shell = Shell(console, suite.args.scale)
        report_boot(suite, console, shell, 'pci')
        check_disk(suite, shell, disk, 'virtio-pci')
        check_rng(suite, shell, 'virtio-pci')
        out, _ = shell.run('sha256sum </dev/vdb; cat /sys/block/vdb/ro')
        suite.report.check('a read-only disk reads right and says so',
                           out.split() == [sha256(before), '-', '1'])
        _, status = shell.run('dd if=/dev/zero of=/dev/vdb count=1 2>&1')
        suite.report.check('a read-only disk refuses writes', status != 0 and
                           kept.read_bytes() == before)
        console.send(b'reboot -f\n')
        status = console.wait(30 * shell.scale)
        suite.report.check('reboot -f under -no-reboot ends with status 0',
                           status == 0, f'status {status}' if status else '')


def check_aia(suite, shell, name, disk):
    """Interrupts come by the controllers that `name` asks for."""
    check = suite.report.check
    check_disk(suite, shell, disk, name)
    out, _ = shell.run('cat /proc/interrupts')
    kind = 'MSI' if 'imsic' in name else 'DIRECT'
    check(f'{name}: the serial line is on an APLIC',
          re.search(rf'[1-9]\d*( +\d+)* +APLIC-{kind}.* ttyS0', out))
    queue = (r'[1-9]\d*( +\d+)* +PCI-MSIX.* virtio0-req' if 'imsic' in name
             else r'[1-9]\d*( +\d+)* +APLIC-DIRECT.* virtio0')
    check(f'{name}: so is the disk, or has a vector', re.search(queue, out))
    check(f'{name}: each hart sends the other interrupts',
          re.search(r'IPI1: +[1-9]\d* +[1-9]\d* +Function call', out))
    out, _ = shell.run('cat /proc/cpuinfo')
    check(f'{name}: cpuinfo and Ssaia', ('_ssaia' in out) == ('imsic' in name))
    out, _ = shell.run('dmesg | grep -c "nobody cared"')
    check(f'{name}: no interrupt is spurious', out == '0\n')


def case_aia(suite):
    """APLIC, IMSIC and ACLINT in place of PLIC and CLINT, two harts."""
    for name, machine_options in (('aplic', 'aia=aplic,aclint=on'),
                                  ('aplic-imsic', 'aia=aplic-imsic')):
        disk = suite.disk(name + '.img')
        extra = ['-M', 'virt,' + machine_options, '-smp', '2',
                 '-drive', f'if=none,id=d0,format=raw,file={disk}',
                 '-device', 'virtio-blk-pci,drive=d0']
        with suite.console(extra=extra) as console:
            shell = Shell(console, suite.args.scale)
            report_boot(suite, console, shell, name)
            check_aia(suite, shell, name, disk)
            power_off(suite, console, shell, name)


def case_reboot(suite):
    disk = suite.disk('snapshot.img')
    before = disk.read_bytes()
    extra = ['-snapshot', '-drive', f'if=none,id=d0,format=raw,file={disk}',
             '-device', 'virtio-blk-device,drive=d0']
    with suite.console(extra=extra) as console:
        shell = Shell(console, suite.args.scale)
        report_boot(suite, console, shell, 'reboot')
        shell.run('echo changed | dd of=/dev/vda conv=notrunc; sync')
        out, _ = shell.run('dd if=/dev/vda bs=7 count=1 2>/dev/null')
        suite.report.check('-snapshot: the guest sees what it wrote',
                           out == 'changed', repr(out))
        suite.report.check('-snapshot: the file is as it was',
                           disk.read_bytes() == before)
        console.send(b'reboot -f\n')
        took = -time.monotonic() + shell.wait_ready()
        suite.report.check('reboot -f boots again', True, f'{took:.2f} s')
        out, _ = shell.run('uname -m')
        suite.report.check('the shell works after it', out == 'riscv64\n')
        console.send(b'\x01x')
        status = console.wait(10 * shell.scale)
        suite.report.check('Ctrl-A X ends with status 0', status == 0,
                           f'status {status}' if status else '')
        suite.report.check('Ctrl-A X puts the terminal back',
                           console.terminal_restored())


def check_processors(suite, shell, name):
    """Processors go and come back while all are at work."""
    online = '/sys/devices/system/cpu/online'
    one = '/sys/devices/system/cpu/cpu1/online'
    shell.run('for n in 1 2 3 4 5 6; do while true; do true; done & done')
    for _ in range(3):
        out, _ = shell.run(f'echo 0 >{one}; cat {online}; '
                           f'echo 1 >{one}; cat {online}', 60)
        suite.report.check(f'{name}: a processor goes and comes back',
                           out == '0,2-3\n0-3\n', out.strip())
    shell.run('kill $(jobs -p); wait', 60)


def check_parallel(suite, shell, name):
    """The same work on every processor at once has one result."""
    work = ('n=1; s=0; while [ $n -le 3000 ]; do s=$(((s * 31 + n) % 1000003));'
            ' n=$((n + 1)); done; echo $s; seq 1 20000 | sort -r | sort -n | '
            'gzip | gunzip | sha256sum')
    shell.run(f"echo '{work}' >/tmp/work")
    out, _ = shell.run('for n in 1 2 3 4 5 6 7 8; do sh /tmp/work >/tmp/w$n & '
                       'done; wait; sort -u /tmp/w? | wc -l; sort /tmp/w? | '
                       'uniq -c', 120)
    total = 0
    for n in range(1, 3001):
        total = (total * 31 + n) % 1000003
    want = sha256(''.join(f'{n}\n' for n in range(1, 20001)).encode())
    suite.report.check(f'{name}: eight jobs come to the same',
                       out.split()[:1] == ['2'] and f'8 {total}' in out and
                       f'8 {want}' in out, out.strip())


def case_smp(suite):
    with suite.console(extra=['-smp', '4']) as console:
        shell = Shell(console, suite.args.scale)
        report_boot(suite, console, shell, 'smp')
        out, _ = shell.run('grep -c ^processor /proc/cpuinfo')
        suite.report.check('smp: -smp 4 is four processors', out == '4\n', out)
        check_parallel(suite, shell, 'smp')
        check_processors(suite, shell, 'smp')
        power_off(suite, console, shell, 'smp')


def case_memory(suite, memory):
    name = f'-m {memory}'
    with suite.console(memory) as console:
        shell = Shell(console, suite.args.scale)
        report_boot(suite, console, shell, name)
        out, _ = shell.run('grep MemTotal /proc/meminfo')
        kib = int(re.search(r'(\d+) kB', out)[1])
        # The kernel's own image and tables take some 65 MiB.
        suite.report.check(f'{name}: the kernel has it', kib < memory * 1024
                           and kib > memory * 1024 * 0.95 - 70000,
                           f'{kib} KiB')
        part = memory // 2
        _, status = shell.run(
            f'mount -o remount,size={part}m /tmp && dd if=/dev/zero '
            f'of=/tmp/z bs=1M count={min(part // 2, 64)}', 120)
        suite.report.check(f'{name}: memory can be filled', status == 0)
        power_off(suite, console, shell, name)


# -cpu, the kernel's command line, its mode of translation.
MODES = [('rv64', '', 'sv57'), ('rv64', 'no5lvl', 'sv48'),
         ('rv64', 'no4lvl', 'sv39'), ('rv64,sv57=off', '', 'sv48'),
         ('rv64,sv57=off,sv48=off', '', 'sv39'),
         ('rv64,svade=on,svadu=off', '', 'sv57'),
         ('rva22s64', '', 'sv39')]


def case_paging(suite):
    """The kernel takes the widest mode that there is and that it may."""
    for cpu, append, mode in MODES:
        name = f'{cpu} {append}'.strip()
        with suite.console(append=append, extra=['-cpu', cpu]) as console:
            shell = Shell(console, suite.args.scale)
            report_boot(suite, console, shell, name)
            out, _ = shell.run('cat /proc/cpuinfo')
            match = re.search(r'mmu\s*: (\w+)', out)
            suite.report.check(f'{name}: runs in {mode}',
                               match and match[1] == mode,
                               match[1] if match else out)
            power_off(suite, console, shell, name)


def case_lockstep(suite):
    """Interpreter and translator side by side, from power-on to power-off."""
    disk = suite.disk('lockstep.img')
    stats = suite.folder / 'stats.txt'
    extra = ['-d', 'stats', '-D', str(stats),
             '-drive', f'if=none,id=d0,format=raw,file={disk}',
             '-device', 'virtio-blk-device,drive=d0']
    with suite.console(extra=extra, accel='lockstep') as console:
        shell = Shell(console, 4 * suite.args.scale)
        report_boot(suite, console, shell, 'lockstep')
        check_sums(suite, shell)
        check_disk(suite, shell, disk, 'lockstep')
        power_off(suite, console, shell, 'lockstep')
    text = stats.read_text() if stats.exists() else ''
    match = re.search(r'lockstep: .* with (\d+) instructions compared.*', text)
    suite.report.check('lockstep: 500,000,000 instructions are compared',
                       match and int(match[1]) > 500000000,
                       match[0] if match else 'no statistics')


def guarded(suite, name, case, *args):
    """Runs a case; a console that does not answer fails it."""
    try:
        case(suite, *args)
    except ConsoleError as err:
        suite.report.check(name, False, str(err))
        return
    except Exception:
        print(f'     boot: {name}: the test itself failed')
        raise


def case_row(suite, count, memory=256):
    """count boots in a row, to the shell and off again."""
    times = []
    for number in range(count):
        name = f'{suite.guest}: boot {number + 1} of {count}'
        try:
            with suite.console(memory) as console:
                when = Shell(console, suite.args.scale).wait_ready()
                console.send(b'poweroff -f\n')
                status = console.wait(30 * suite.args.scale)
        except ConsoleError as err:
            suite.report.check(name, False, str(err))
            continue
        times.append(when - console.started)
        suite.report.check(name, status == 0,
                           f'{times[-1]:.2f} s, status {status}')
    if times:
        print(f'     {suite.guest}: {min(times):.2f} s at best, '
              f'{statistics.median(times):.2f} median, {max(times):.2f} worst')


def loops_in(suite, harts):
    """Seconds (median of five) and CPU seconds for a loop on each hart."""
    loop = '(n=1; while [ $n -le 150000 ]; do n=$((n + 1)); done)'
    with suite.console(extra=['-smp', str(harts)]) as console:
        shell = Shell(console, suite.args.scale)
        shell.wait_ready()
        took, used = [], []
        for _ in range(6):
            began, before = time.monotonic(), proc.cpu_seconds_exact(console.pid)
            shell.run(' & '.join([loop] * harts) + ' & wait', 120)
            took.append(time.monotonic() - began)
            used.append(proc.cpu_seconds_exact(console.pid) - before)
    # The first one compiles.
    return statistics.median(took[1:]), statistics.median(used[1:])


def case_scaling(suite):
    """Two harts do twice the work of one in hardly more time."""
    (one, cpu_one), (two, cpu_two) = (loops_in(suite, n) for n in (1, 2))
    suite.report.check('two harts are 1.8 times one', 2 * one / two >= 1.8,
                       f'{2 * one / two:.2f}: {one:.2f} s and {two:.2f} s; by '
                       f'CPU time {4 * cpu_one / cpu_two:.2f}')


def with_archive(suite, archive):
    """Has the guest unpack one more archive behind its own."""
    initrd = suite.folder / 'initrd.gz'
    first = suite.files['initrd'].read_bytes()
    initrd.write_bytes(cpio.pad4(first) + archive)
    suite.files = {**suite.files, 'initrd': initrd}


def build_in_guest(suite, shell, jobs):
    """make with so many jobs: (hash of all it made, output), or a failure's
    text and None."""
    shell.run('rm -rf /tmp/out; mkdir /tmp/out')
    log, status = shell.run(f'make -s -C /build -j{jobs} 2>&1', 600)
    if status != 0:
        return log, None
    made, _ = shell.run('cd /tmp/out; ls *.o | wc -l; sha256sum *.o program | '
                        'sha256sum; cd /')
    out, _ = shell.run('/tmp/out/program')
    return made, out


def case_builds(suite, count):
    """compiler.py's sources, built count times on four processors."""
    check = suite.report.check
    try:
        with_archive(suite, compiler.archive(machine.say))
    except aptdir.FetchError as err:
        suite.report.skip('builds', str(err))
        return
    work = suite.folder / 'work'
    work.mkdir()
    want = compiler.host_output(work)
    with suite.console(1024, extra=['-smp', '4']) as console:
        shell = Shell(console, suite.args.scale)
        report_boot(suite, console, shell, 'builds')
        began = time.monotonic()
        first, out = build_in_guest(suite, shell, 1)
        check('builds: one job at a time',
              first.startswith(f'{compiler.FILES}\n') and out == want,
              f'{time.monotonic() - began:.1f} s' if out == want else
              first[-2000:])
        for number in range(count):
            began = time.monotonic()
            made, out = build_in_guest(suite, shell, 8)
            check(f'builds: eight jobs, {number + 1} of {count}',
                  made == first and out == want,
                  f'{time.monotonic() - began:.1f} s' if made == first and
                  out == want else made[-2000:])
        power_off(suite, console, shell, 'builds')


def with_program(suite, name, compiler):
    """Has the guest find /bin/NAME, of NAME.c here; False: it is skipped."""
    program = suite.folder / name
    if not shutil.which(compiler):
        suite.report.skip(name, f'no {compiler}')
        return False
    subprocess.run([compiler, '-O2', '-static', '-pthread', '-o', str(program),
                    str(pathlib.Path(__file__).with_name(name + '.c'))],
                   check=True)
    archive = cpio.Cpio()
    archive.file('bin/' + name, program.read_bytes(), 0o755)
    with_archive(suite, archive.finish())
    return True


def case_parallel(suite, count):
    """parallel.c, count times in a row on four processors."""
    if not with_program(suite, 'parallel', 'riscv64-linux-gnu-gcc'):
        return
    with suite.console(extra=['-smp', '4']) as console:
        shell = Shell(console, suite.args.scale)
        report_boot(suite, console, shell, 'parallel')
        first, _ = shell.run('/bin/parallel 1', 120)
        suite.report.check('parallel: alone', first.startswith('parallel: '),
                           first.strip())
        for number in range(count):
            out, _ = shell.run('/bin/parallel', 120)
            suite.report.check(f'parallel: run {number + 1} of {count}',
                               out == first and len(out.split()) == 2,
                               out.strip())
        power_off(suite, console, shell, 'parallel')


def case_hashes(suite, count):
    """Boots by instructions, by both engines, all to the same state."""
    hashes = set()
    for number in range(count):
        engine = ('jit', 'interp')[number % 2]
        name = f'run {number + 1} of {count} by instructions, {engine}'
        path = suite.folder / 'hash.txt'
        extra = ['-smp', '4', '-icount', 'shift=3', '-d', 'hash',
                 '-D', str(path)]
        with suite.console(append='emu.run=true', extra=extra,
                           accel=engine) as console:
            console.expect(rb'emu: status 0\r+\n', 120 * suite.args.scale)
            console.wait(30 * suite.args.scale)
        text = path.read_text()
        suite.report.check(name, text.startswith('state hash '), text.strip())
        hashes.add(text)
    suite.report.check('all have one state hash', len(hashes) == 1)


CASES = {'smp': case_smp, 'shell': case_shell, 'pci': case_pci, 'aia': case_aia,
         'reboot': case_reboot, 'paging': case_paging}


def parse():
    parser = machine.parser(__doc__)
    parser.add_argument('--only', choices=[*CASES, 'memory', 'lockstep'],
                        action='append', help='run this case (repeatable)')
    parser.add_argument('--accel', metavar='NAME',
                        help="the emulator's -accel (default: what it takes "
                        'by itself)')
    parser.add_argument('--memory', default='128,4096', metavar='MIB,...',
                        help='sizes that must boot too (default: %(default)s)')
    parser.add_argument('--boots', type=int, default=0, metavar='N',
                        help='only boot N times in a row')
    parser.add_argument('--parallel', type=int, default=0, metavar='N',
                        help='only run parallel.c N times')
    parser.add_argument('--builds', type=int, default=0, metavar='N',
                        help='only build with eight jobs N times')
    parser.add_argument('--scaling', action='store_true',
                        help='only compare two harts with one')
    parser.add_argument('--hashes', type=int, default=0, metavar='N',
                        help='only boot N times by instructions')
    parser.add_argument('--load', type=int, default=0, metavar='K',
                        help='keep K processors of the host busy meanwhile')
    return parser.parse_args()


def main():
    args = parse()
    with tempfile.TemporaryDirectory(prefix='emu-boot-') as folder, \
            proc.Load(args.load):
        suite = Suite(args, folder)
        if args.boots:
            case_row(suite, args.boots)
            return suite.report.finish()
        if args.parallel:
            guarded(suite, 'parallel', case_parallel, args.parallel)
            return suite.report.finish()
        if args.builds:
            guarded(suite, 'builds', case_builds, args.builds)
            return suite.report.finish()
        if args.scaling:
            guarded(suite, 'scaling', case_scaling)
            return suite.report.finish()
        if args.hashes:
            guarded(suite, 'hashes', case_hashes, args.hashes)
            return suite.report.finish()
        for name, case in CASES.items():
            if not args.only or name in args.only:
                guarded(suite, name, case)
        if args.only and 'lockstep' in args.only:
            guarded(suite, 'lockstep', case_lockstep)
        if not args.only or 'memory' in args.only:
            for size in filter(None, args.memory.split(',')):
                guarded(suite, f'-m {size}', case_memory, int(size))
        return suite.report.finish()


if __name__ == '__main__':
    sys.exit(main())
