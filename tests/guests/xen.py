#!/usr/bin/env python3
"""Boots Debian's Xen by multiboot, with Debian's amd64 kernel as its dom0.

    tests/guests/xen.py [EMULATOR]
    tests/guests/xen.py --smp 1 --accel interp

The hypervisor's modules are the kernel, with its command line, and the
initramfs.  Xen's console is the serial line and dom0's is Xen's: commands at
dom0's prompt, power-off with status 0.  Package: xen-hypervisor-4.17-amd64.
"""

import gzip
import sys
import tempfile

import boot
import machine
import pc
from console import Console, Shell

PACKAGE = 'xen-hypervisor-4.17-amd64'


def hypervisor(folder):
    """Unpacks it there: QEMU wants the plain ELF file."""
    package = machine.package('bookworm', 'amd64', PACKAGE)
    images = list((package / 'boot').glob('xen-*.gz'))
    if len(images) != 1:
        sys.exit(f'no hypervisor in {package}')
    path = folder / 'xen'
    path.write_bytes(gzip.decompress(images[0].read_bytes()))
    return path


class Suite(boot.Suite):
    name, guest = 'xen', 'amd64-linux'

    def __init__(self, args, folder):
        super().__init__(args, folder)
        self.xen = hypervisor(self.folder)

    def console(self, processors):
        files = self.files
        return Console(
            [self.emulator, '-M', 'pc', '-nographic', '-m', '1024',
             '-smp', str(processors), '-kernel', str(self.xen),
             '-append', 'console=com1 com1=115200', '-initrd',
             f"{files['kernel']} console=hvc0,{files['initrd']}",
             *self.options()], self.log)


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
    pc.check_quiet(check, shell)


def case(suite, what, processors):
    with suite.console(processors) as console:
        shell = Shell(console, suite.args.scale)
        boot.report_boot(suite, console, shell, what)
        check_dom0(suite, shell, what, processors)
        boot.power_off(suite, console, shell, what)


def main():
    parser = machine.parser(__doc__)
    parser.add_argument('--smp', type=int, action='append', metavar='N',
                        help='how many processors (default 1, and then 2)')
    parser.add_argument('--accel', metavar='NAME')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        suite = Suite(args, folder)
        for processors in args.smp or (1, 2):
            what = f'xen, -smp {processors}'
            boot.guarded(suite, what, case, what, processors)
        return suite.report.finish()


if __name__ == '__main__':
    sys.exit(main())
