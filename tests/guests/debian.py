#!/usr/bin/env python3
"""Debian on a disk of its own, from the BIOS through GRUB to a login.

    tests/guests/debian.py [EMULATOR]
    tests/guests/debian.py --only i386 --accel interp

Cases: amd64, i386 (a kernel of 686-pae).
The disk (disk.py) is made once, which takes minutes, and copied for a run:
GRUB's menu on the screen, login on the serial line, gcc compiles and runs a
program, a clean shutdown with status 0, e2fsck without complaint.
"""

import base64
import pathlib
import re
import subprocess
import sys
import tempfile

import aptdir
import disk
import machine
import proc
import screen
from console import Console, ConsoleError, Shell

PROGRAM = r'''#include <stdio.h>
#include <math.h>
int main(void)
{
    double sum = 0;
    for (int i = 1; i <= 1000; i++)
        sum += sqrt(i);
    printf("%.6f\n", sum);
    return 7;
}'''
ANSWER = '21097.455887'


def fsck(image, folder):
    """e2fsck's complaints; '' where there are none."""
    part = disk.partition(image, folder / 'part')
    out = subprocess.run(['/sbin/e2fsck', '-f', '-n', str(part)],
                         capture_output=True, text=True, check=False)
    return '' if out.returncode == 0 else out.stdout + out.stderr


def log_in(console, scale):
    console.expect(rb'guest login: ', 400 * scale)
    console.send(b'root\n')
    console.expect(rb'Password: ', 60 * scale)
    console.send(disk.PASSWORD.encode() + b'\n')
    console.expect(rb'root@guest:~# ', 60 * scale)
    shell = Shell(console, scale)
    shell.run('dmesg -n 1; stty cols 200; bind "set enable-bracketed-paste off"')
    return shell


def run(args, report, arch, folder, log):
    def check(what, good, detail=''):
        report.check(f'{arch}: {what}', good, detail)

    image = folder / 'disk.img'
    source = disk.debian(arch, machine.say)
    subprocess.run(['cp', '--sparse=always', str(source), str(image)],
                   check=True)
    argv = [machine.find_emulator(args.emulator), str(image), '-m', '1024',
            '-nographic', *args.options]
    if args.accel:
        argv += ['-accel', args.accel]
    with Console(argv, log) as console:
        lines, good = screen.wait(console, folder / 'grub.ppm',
                                  ['GNU GRUB', 'Debian on the disk'],
                                  60 * args.scale)
        check("GRUB's menu is on the screen", good,
              '' if good else '\n'.join(lines))
        shell = log_in(console, args.scale)
        check('login', True)
        out, _ = shell.run('cat /etc/debian_version; dpkg '
                           '--print-architecture')
        check('Debian 12', re.fullmatch(rf'12\.\d+\n{arch}\n', out),
              out.strip())
        packed = base64.b64encode(PROGRAM.encode()).decode()
        shell.run(f'echo {packed} | base64 -d >p.c')
        out, status = shell.run('gcc -O2 p.c -o p -lm && ./p', 300)
        check('a C program is compiled and runs',
              (out.strip(), status) == (ANSWER, 7), out.strip())
        out, _ = shell.run('dmesg | grep -cE "exception Emask|Call Trace|'
                           'I/O error"')
        check('the kernel has nothing to complain of', out.strip() == '0',
              out.strip())
        console.send(b'poweroff\n')
        status = console.wait(300 * args.scale)
        check('a clean shutdown', status == 0 and
              b'Power down' in console.text, f'status {status}')
    why = fsck(image, folder)
    check('e2fsck finds nothing', not why, why)


def main():
    parser = machine.parser(__doc__)
    parser.add_argument('--accel', metavar='NAME')
    parser.add_argument('--only', choices=disk.KERNELS, action='append',
                        help='run only this; repeat for more')
    args = parser.parse_args()
    report = proc.Report('debian')
    log = machine.open_log(args)
    for arch in args.only or disk.KERNELS:
        try:
            with tempfile.TemporaryDirectory(dir='/var/tmp') as folder:
                run(args, report, arch, pathlib.Path(folder), log)
        except aptdir.FetchError as err:
            report.skip(arch, str(err))
        except ConsoleError as err:
            report.check(arch, False, str(err))
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
