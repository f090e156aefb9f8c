#!/usr/bin/env python3
"""Debian's amd64 kernel uses a PC's IDE disk, CD-ROM and floppy drives.

    tests/guests/drives.py [EMULATOR]
    tests/guests/drives.py --speed --pairs 3     beside qemu-system-x86_64

What is read and written, media that are changed while they are read, a host
file that is cut short, -snapshot.  --speed measures dd on the IDE disk instead,
in turn on both emulators with one image.
"""

import hashlib
import os
import pathlib
import re
import shutil
import statistics
import sys
import tempfile

import machine
import proc
import screen
from console import Console, ConsoleError, Shell

GUEST = 'amd64-drives-linux'
DISK = 64 << 20
CD = 20 << 20
FLOPPY = 1440 << 10
SPEED_MIB = 400


def content(name, size):
    """Bytes that no other file has."""
    block = hashlib.sha512(name.encode()).digest()
    return (block * (size // len(block) + 1))[:size]


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Media:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.data = {}
        for name, size in (('disk', DISK), ('cd1', CD), ('cd2', CD // 2),
                           ('fd1', FLOPPY), ('fd2', FLOPPY)):
            self.data[name] = content(name, size)
            self.path(name).write_bytes(self.data[name])

    def path(self, name):
        return self.folder / name


def sum_of(shell, device, size):
    out, _ = shell.run(f'echo 1 >/proc/sys/vm/drop_caches; head -c {size} '
                       f'{device} | sha256sum', 60)
    return out.split()[0] if out.split() else ''


def check_disk(check, shell, media):
    check('disk: what is read', sum_of(shell, '/dev/sda', DISK) ==
          digest(media.data['disk']))
    shell.run('yes written | dd of=/dev/sda bs=4k seek=100 count=500 '
              'iflag=fullblock conv=fsync 2>/dev/null', 60)
    want = bytearray(media.data['disk'])
    want[409600:409600 + 500 * 4096] = (b'written\n' * 256000)[:500 * 4096]
    have = media.path('disk').read_bytes()
    check('disk: what is written', have == bytes(want))
    check('disk: by DMA, LBA48',
          shell.run('dmesg | grep -c "LBA48"')[0].strip() == '1')


def check_cd(check, console, shell, media):
    check('CD: what is read',
          sum_of(shell, '/dev/sr0', CD) == digest(media.data['cd1']))
    # Linux locks the drive while it reads: asked in vain, then without that.
    shell.run('exec 3</dev/sr0; head -c 1 <&3 >/dev/null')
    said = screen.command(console, f'change ide1-cd0 {media.path("cd2")}')
    check('CD: a locked drive keeps its disc', 'locked' in said, said)
    shell.run('exec 3<&-; echo 0 >/proc/sys/dev/cdrom/lock')
    # Changed while it is read: an error or an end, and then the other.
    shell.run('(while :; do cat /dev/sr0 >/dev/null 2>&1; '
              'echo 1 >/proc/sys/vm/drop_caches; done) & echo')
    said = screen.command(console, f'change ide1-cd0 {media.path("cd2")}')
    check('CD: changed while it is read', 'ide1-cd0:' not in said, said)
    shell.run('sleep 2; kill %1; wait')
    out = ''
    for _ in range(5):      # the first readers see that it was changed
        out = sum_of(shell, '/dev/sr0', CD // 2)
        if out == digest(media.data['cd2']):
            break
        shell.run('sleep 1')
    check('CD: the other one is read', out == digest(media.data['cd2']), out)
    said = screen.command(console, 'eject ide1-cd0')
    out, status = shell.run('sleep 1; head -c 1 /dev/sr0')
    check('CD: an empty drive is an error', 'No medium' in out, out + said)
    said = screen.command(console, f'change ide1-cd0 {media.path("cd1")}')
    shell.run('sleep 1; head -c 1 /dev/sr0 >/dev/null')
    check('CD: back again',
          sum_of(shell, '/dev/sr0', CD) == digest(media.data['cd1']), said)


def check_floppy(check, console, shell, media):
    check('floppy: what is read', sum_of(shell, '/dev/fd0', FLOPPY) ==
          digest(media.data['fd1']))
    said = screen.command(console, f'change floppy0 {media.path("fd2")}')
    out = sum_of(shell, '/dev/fd0', FLOPPY)
    check('floppy: the other one', out == digest(media.data['fd2']), said)
    shell.run('yes floppy | dd of=/dev/fd0 bs=512 count=40 iflag=fullblock '
              'conv=fsync 2>/dev/null', 60)
    have = media.path('fd2').read_bytes()
    check('floppy: what is written', have[:40 * 512] ==
          (b'floppy\n' * 3000)[:40 * 512] and
          have[40 * 512:] == media.data['fd2'][40 * 512:])


def check_errors(check, shell, media):
    out, _ = shell.run('dmesg | grep -E "exception Emask|failed command|'
                       'lost interrupt|timeout" | head -5')
    check('the disk has no error', 'ata1' not in out, out)
    os.truncate(media.path('disk'), DISK // 2)
    out, status = shell.run(
        'echo 1 >/proc/sys/vm/drop_caches; dd if=/dev/sda of=/dev/null bs=64k '
        f'skip={DISK // 65536 * 3 // 4} count=4 2>&1', 120)
    check('a file that was cut short is an I/O error',
          status != 0 and 'Input/output error' in out, out)


def start(args, emulator, files, options, log):
    if args.accel:
        options = ['-accel', args.accel, *options]
    return Console(machine.command(emulator, files, 512, 'quiet',
                                   [*args.options, *options], 'pc'), log)


def test(args, report, files, log):
    def check(what, good, detail=''):
        report.check(what, good, '' if good else detail.strip()[-300:])

    with tempfile.TemporaryDirectory() as folder:
        media = Media(folder)
        options = []
        for drive, name in (('hda', 'disk'), ('cdrom', 'cd1'), ('fda', 'fd1')):
            options += [f'-{drive}', str(media.path(name))]
        emulator = machine.find_emulator(args.emulator)
        try:
            with start(args, emulator, files, options, log) as console:
                shell = Shell(console, args.scale)
                shell.wait_ready()
                shell.run('dmesg -n 1')
                check_disk(check, shell, media)
                check_cd(check, console, shell, media)
                check_floppy(check, console, shell, media)
                check_errors(check, shell, media)
            media.path('disk').write_bytes(media.data['disk'])
            with start(args, emulator, files, [*options, '-snapshot'],
                       log) as console:
                shell = Shell(console, args.scale)
                shell.wait_ready()
                shell.run('dmesg -n 1')
                # In long lines: busybox's yes is slow with short ones.
                line = 'written' * 18 + 'x'
                shell.run(f'yes {line} | dd of=/dev/sda bs=64k count=300 '
                          'iflag=fullblock conv=fsync 2>/dev/null', 60)
                want = ((line.encode() + b'\n') * (300 << 9) +
                        media.data['disk'][300 << 16:])
                check('-snapshot: the guest reads what it wrote',
                      sum_of(shell, '/dev/sda', DISK) == digest(want))
                check('-snapshot: the file stays as it was',
                      media.path('disk').read_bytes() == media.data['disk'])
        except ConsoleError as err:
            report.check('drives', False, str(err))


# ---------------------------------------------------------------- speed

def rate(args, console, shell, command):
    """MiB a second of the guest's time, or of the emulator's processors'."""
    before = proc.cpu_seconds(console.pid)
    out, status = shell.run(
        'echo 3 >/proc/sys/vm/drop_caches; cat /proc/uptime; '
        f'{command} 2>/dev/null && cat /proc/uptime', 300)
    used = proc.cpu_seconds(console.pid) - before
    times = re.findall(r'^(\d+\.\d+) ', out, re.M)
    if status or len(times) != 2:
        raise ConsoleError(f'{command}: {out.strip()}')
    return SPEED_MIB / (used if args.cpu_time
                        else float(times[1]) - float(times[0]))


def measure(args, emulator, files, image, log):
    count = f'bs=1M count={SPEED_MIB}'
    read = f'dd if=/dev/sda of=/dev/null {count}'
    write = f'dd if=/dev/zero of=/dev/sda {count}'
    with start(args, emulator, files, ['-drive', f'file={image},format=raw,'
                                       'if=ide'], log) as console:
        shell = Shell(console, args.scale)
        shell.wait_ready()
        shell.run('dmesg -n 1')
        # What is touched for the first time is the host's memory, not a disk.
        shell.run(read, 300)
        return {what: rate(args, console, shell, command)
                for what, command in (
                    ('read', read), ('read, direct', f'{read} iflag=direct'),
                    ('write', f'{write} conv=fsync'),
                    ('write, direct', f'{write} oflag=direct'))}


def speed(args, report, files, log):
    peer = shutil.which('qemu-system-x86_64')
    if not peer:
        report.skip('speed', 'no qemu-system-x86_64')
        return
    ratios = {}
    with tempfile.TemporaryDirectory(dir='/var/tmp') as folder:
        image = pathlib.Path(folder) / 'disk'
        with open(image, 'wb') as f:
            for n in range(SPEED_MIB):
                f.write(content(str(n), 1 << 20))
        for _ in range(args.pairs):
            ours = measure(args, machine.find_emulator(args.emulator), files,
                           image, log)
            theirs = measure(args, peer, files, image, log)
            for name, ours_rate in ours.items():
                print(f'{name}: {ours_rate:.0f} and {theirs[name]:.0f} MiB/s',
                      flush=True)
                ratios.setdefault(name, []).append(ours_rate / theirs[name])
    for name, values in ratios.items():
        value = statistics.median(values)
        report.check(f'{name}: at least 1.0 of QEMU', value >= 1,
                     f'{value:.2f}')


def main():
    parser = machine.parser(__doc__)
    parser.add_argument('--accel', metavar='NAME')
    parser.add_argument('--speed', action='store_true')
    parser.add_argument('--cpu-time', action='store_true',
                        help="--speed by processor time: the host is busy")
    parser.add_argument('--pairs', type=int, default=3, metavar='N')
    args = parser.parse_args()
    report = proc.Report('drives')
    files = machine.guest_files(GUEST)
    (speed if args.speed else test)(args, report, files,
                                    machine.open_log(args))
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
