#!/usr/bin/env python3
"""Boots Debian's Xen by multiboot, with Debian's amd64 kernel as its dom0.

    tests/guests/xen.py [EMULATOR]
    tests/guests/xen.py --smp 1 --accel interp

The hypervisor's modules are the kernel, with its command line, and the
initramfs.  Xen's console is the serial line and dom0's is Xen's: commands at
dom0's prompt, power-off with status 0.  Package: xen-hypervisor-4.17-amd64.
"""

import gzip
import pathlib
import sys
import tempfile

import aptdir
import boot
import machine
import proc
from console import Console, ConsoleError, Shell

PACKAGE = 'xen-hypervisor-4.17-amd64'


def hypervisor(folder):
    """Unpacks it there: QEMU wants the plain ELF file."""
    def say(text):
        print('fetch: ' + text, file=sys.stderr, flush=True)

    with aptdir.Lock(aptdir.cache_root() / 'lock', say):
        package = aptdir.AptDir('bookworm', 'amd64', say).unpack(PACKAGE)[0]
    images = list((pathlib.Path(package) / 'boot').glob('xen-*.gz'))
    if len(images) != 1:
        raise aptdir.FetchError(f'no hypervisor in {package}')
    path = pathlib.Path(folder, 'xen')
    path.write_bytes(gzip.decompress(images[0].read_bytes()))
    return path


def command(suite, processors):
    files, args = suite.files, suite.args
    argv = [suite.emulator, '-M', 'pc', '-nographic', '-m', '1024',
            '-kernel', str(suite.xen),
            '-append', 'console=com1 com1=115200',
            '-initrd', f"{files['kernel']} console=hvc0,{files['initrd']}"]
    if processors > 1:
        argv += ['-smp', str(processors)]
    if args.accel:
        argv += ['-accel', args.accel]
    return argv + args.options


def check_dom0(suite, shell, what, processors):
    def check(text, good, detail=''):
        suite.report.check(f'{what}: {text}', good, detail.strip())

    out, status = shell.run('uname -m; cat /sys/hypervisor/type')
    check('Linux on Xen', (out, status) == ('x86_64\nxen\n', 0), out)
    out, _ = shell.run('cat /sys/hypervisor/version/major '
                       '/sys/hypervisor/version/minor')
    check('version 4.17', out == '4\n17\n', out)
    out, _ = shell.run('grep -c ^processor /proc/cpuinfo')
    check(f'{processors} processors', out == f'{processors}\n', out)
    boot.check_sums(suite, shell)
    out, _ = shell.run('dmesg | grep -i -e "unable to handle" -e "BUG:" '
                       '-e "Oops:" -e "call trace" -e "ACPI Error"')
    check('the kernel has nothing to complain of', out == '', out)


def case(suite, processors):
    what = f'xen, -smp {processors}'
    try:
        with Console(command(suite, processors), suite.log) as console:
            shell = Shell(console, suite.args.scale)
            when = shell.wait_ready()
            suite.report.check(f'{what}: boots to a shell', True,
                               f'{when - console.started:.1f} s')
            check_dom0(suite, shell, what, processors)
            console.send(b'poweroff -f\n')
            status = console.wait(30 * shell.scale)
            suite.report.check(f'{what}: poweroff -f ends with status 0',
                               status == 0, f'status {status}')
    except ConsoleError as err:
        suite.report.check(what, False, f'{err}; last output:\n'
                           f'{console.tail()}')


class Suite:
    def __init__(self, args, folder):
        self.args = args
        self.emulator = machine.find_emulator(args.emulator)
        self.files = machine.guest_files('amd64-linux')
        self.log = machine.open_log(args)
        self.report = proc.Report('xen')
        try:
            self.xen = hypervisor(folder)
        except aptdir.FetchError as err:
            sys.exit(f'the hypervisor is not to be had: {err}')


def main():
    parser = machine.parser(__doc__)
    parser.add_argument('--smp', type=int, action='append', metavar='N',
                        help='how many processors (default 1, and then 2)')
    parser.add_argument('--accel', metavar='NAME')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        suite = Suite(args, folder)
        for processors in args.smp or (1, 2):
            case(suite, processors)
        return suite.report.finish()


if __name__ == '__main__':
    sys.exit(main())
