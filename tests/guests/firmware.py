#!/usr/bin/env python3
"""Runs Debian's firmware for RISC-V and the PC, and types into it.

    tests/guests/firmware.py [EMULATOR]
    tests/guests/firmware.py --only edk2 --accel interp
    tests/guests/firmware.py --quick        what ./check runs

Cases: uboot (U-Boot in M-mode as -bios: commands, NOR flash), uboot-smode
(behind OpenSBI: a virtio disk, from which it boots Linux), edk2 (in flash, to
its shell), edk2-linux (EDK2 boots a -kernel that fw_cfg gives it), ovmf (the
PC's EDK2 in flash, to its shell), ovmf-bios (as -bios), ovmf-linux, installer
(Debian 13's, to its second dialogue), example (Linux on docs/example.dts),
opensbi32 (OpenSBI on RV32, and a program in S mode, Sv32 and U mode behind it);
each with every --accel.  Packages:
u-boot-qemu, qemu-efi-riscv64, opensbi and debian-installer-13-netboot-riscv64
of trixie, ovmf of bookworm.  The emulator is one that takes QEMU's options.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import aptdir
import machine
import proc
from console import Console, ConsoleError, Shell

RISCV = 'trixie', 'riscv64'
PC = 'bookworm', 'amd64'
CROSS = 'riscv64-linux-gnu-'
SECTOR = 512
# Names under the global vendor's are checked; this vendor is nobody.
VARIABLE = 'setvar EmuTest -guid 9d1f5a64-0b7e-4c1c-8f6e-6d75546573ab'


class Firmware:
    """What every case needs: the emulator, packages, where to report."""

    def __init__(self, args, folder):
        self.args = args
        self.emulator = machine.find_emulator(args.emulator)
        self.log = machine.open_log(args)
        self.top = pathlib.Path(folder)
        self.report = proc.Report('firmware')
        self.folder = self.accel = None
        self.found = {}

    def package(self, name, pattern, origin=RISCV):
        """The one file of a package whose path ends so."""
        if name not in self.found:
            self.found[name] = machine.package(*origin, name)
        files = [p for p in self.found[name].rglob('*')
                 if str(p).endswith(pattern)]
        if len(files) != 1:
            raise aptdir.FetchError(f'{len(files)} files {pattern} in {name}')
        return files[0]

    def console(self, *args, board='virt'):
        return Console([self.emulator, '-accel', self.accel, '-M', board,
                        '-nographic', *map(str, args)], self.log)

    def copy(self, path, name):
        out = self.folder / name
        shutil.copyfile(path, out)
        out.chmod(0o644)
        return out

    def check(self, name, good, detail=''):
        detail = ' '.join(detail.split())[-72:]
        return self.report.check(f'{name}, {self.accel}', good, detail)


class Prompt:
    """A prompt at which commands are typed, and what they print is read."""

    def __init__(self, console, pattern, scale, enter=b'\n'):
        self.console = console
        self.pattern = pattern
        self.scale = scale
        self.enter = enter

    def wait(self, timeout=60):
        return self.console.expect(self.pattern, timeout * self.scale)[1]

    def run(self, command, timeout=30):
        """What the command prints, up to the next prompt."""
        self.console.send(command.encode() + self.enter)
        start = self.console.at
        match, _ = self.console.expect(self.pattern, timeout * self.scale)
        return self.console.text[start:match.start()].decode(errors='replace')


def disk_args(path):
    return ['-drive', f'if=virtio,format=raw,file={path}']


def ended(fw, console, name, what):
    status = console.wait(30 * fw.args.scale)
    fw.check(f'{name}: {what} ends with status 0', status == 0,
             f'status {status}' if status else '')


# --- U-Boot -----------------------------------------------------------------

def stop_autoboot(fw, console, name):
    console.expect(rb'Hit any key to stop autoboot', 60 * fw.args.scale)
    console.send(b' ')
    prompt = Prompt(console, rb'\n=> ', fw.args.scale)
    when = prompt.wait()
    fw.check(f'{name}: comes to its prompt', True,
             f'{when - console.started:.2f} s')
    return prompt


def check_commands(fw, prompt, name):
    out = prompt.run('version')
    fw.check(f'{name}: version', re.search(r'\nU-Boot 20\d\d\.\d\d', out),
             out.split('\n')[1].strip() if '\n' in out else out)
    out = prompt.run('setexpr x 0x1234 * 0x111; echo result=$x')
    fw.check(f'{name}: arithmetic', 'result=136974' in out, out.strip())
    out = prompt.run('fdt addr $fdtcontroladdr; fdt get value m / model; '
                     'echo model=$m')
    fw.check(f'{name}: the device tree', 'model=riscv-virtio' in out)


def check_flash(fw, prompt, file, name):
    out = prompt.run('flinfo', 60)
    fw.check(f'{name}: finds both banks of flash',
             out.count('Manufacturer ID: 0x89, Device ID: 0x0018') == 2)
    prompt.run('mw.l 0x80400000 0x12345678 0x40')
    prompt.run('erase 0x22000000 0x2201ffff', 60)
    out = prompt.run('cp.b 0x80400000 0x22000100 0x100', 60)
    fw.check(f'{name}: programs flash', re.search(r'\bdone\b', out),
             out.strip()[-60:])
    out = prompt.run('cmp.b 0x80400000 0x22000100 0x100')
    fw.check(f'{name}: what was programmed reads back',
             'Total of 256 byte(s) were the same' in out, out.strip()[-60:])
    data = file.read_bytes()[:0x20000]
    want = (b'\xff' * 0x100 + bytes.fromhex('78563412') * 64).ljust(
        0x20000, b'\xff')
    fw.check(f'{name}: and is in the file', data == want)
    out = prompt.run('protect on 0x22000000 0x2201ffff; '
                     'erase 0x22000000 0x2201ffff', 60)
    fw.check(f'{name}: a protected block is not erased',
             file.read_bytes()[:0x20000] == want)


def case_uboot(fw):
    bios = fw.package('u-boot-qemu', '/qemu-riscv64/u-boot.bin')
    flash = fw.folder / 'flash.img'
    flash.write_bytes(b'\0' * (32 << 20))
    with fw.console('-bios', bios, '-drive',
                    f'if=pflash,unit=1,format=raw,file={flash}') as console:
        prompt = stop_autoboot(fw, console, 'uboot')
        check_commands(fw, prompt, 'uboot')
        check_flash(fw, prompt, flash, 'uboot')
        console.send(b'poweroff\n')
        ended(fw, console, 'uboot', 'poweroff')


def sectors(data):
    return data + b'\0' * (-len(data) % SECTOR)


def case_uboot_smode(fw):
    """Linux, from a disk that holds kernel and initrd one after the other."""
    kernel = fw.package('u-boot-qemu', '/qemu-riscv64_smode/uboot.elf')
    files = machine.guest_files()
    image, initrd = (sectors(files[n].read_bytes())
                     for n in ('kernel', 'initrd'))
    disk = fw.folder / 'disk.img'
    disk.write_bytes(image + initrd)
    first = len(image) // SECTOR
    with fw.console('-m', 512, '-kernel', kernel,
                    *disk_args(disk)) as console:
        prompt = stop_autoboot(fw, console, 'uboot-smode')
        check_commands(fw, prompt, 'uboot-smode')
        prompt.run('virtio scan')
        out = prompt.run('virtio info')
        fw.check('uboot-smode: finds the disk', 'VirtIO Block Device' in out)
        prompt.run(f'virtio read 0x84000000 0 0x{first:x}', 60)
        prompt.run(f'virtio read 0x90000000 0x{first:x} '
                   f'0x{len(initrd) // SECTOR:x}')
        prompt.run('setenv bootargs console=ttyS0')
        console.send(b'booti 0x84000000 0x90000000:0x%x $fdtcontroladdr\n'
                     % len(initrd))
        shell = Shell(console, fw.args.scale)
        shell.wait_ready()
        out, _ = shell.run('uname -m')
        fw.check('uboot-smode: boots Linux from the disk',
                 out == 'riscv64\n', out.strip())
        console.send(b'poweroff -f\n')
        ended(fw, console, 'uboot-smode', 'poweroff -f')


# --- EDK2 -------------------------------------------------------------------

def edk2_args(fw):
    code = fw.package('qemu-efi-riscv64', '/RISCV_VIRT_CODE.fd')
    template = fw.package('qemu-efi-riscv64', '/RISCV_VIRT_VARS.fd')
    variables = fw.copy(template, 'vars.fd')
    return template, variables, [
        '-m', 512, '-M', 'acpi=off,pflash0=code,pflash1=vars', '-blockdev',
        f'driver=file,node-name=code,read-only=on,filename={code}',
        '-blockdev', f'driver=file,node-name=vars,filename={variables}']


def edk2_shell(fw, console, name):
    """Past the countdowns, to the shell's prompt."""
    match, _ = console.expect(rb'Press ESCAPE|startup\.nsh',
                              120 * fw.args.scale)
    if match[0] == b'Press ESCAPE':
        console.send(b'\r')
        console.expect(rb'startup\.nsh', 60 * fw.args.scale)
    console.send(b'\x1b')
    prompt = Prompt(console, rb'Shell> ', fw.args.scale, b'\r')
    when = prompt.wait()
    fw.check(f'{name}: comes to the shell', True,
             f'{when - console.started:.2f} s')
    return prompt


def plain(text):
    """Without the terminal's escape sequences."""
    return re.sub(r'\x1b\[[0-9;?=]*[a-zA-Z]', '', text)


def check_shell(fw, name, args, board):
    """A disk is seen, and a variable outlives a reset."""
    disk = fw.folder / 'disk.img'
    disk.write_bytes(b'\0' * (1 << 20))
    with fw.console(*args, *disk_args(disk), board=board) as console:
        prompt = edk2_shell(fw, console, name)
        out = plain(prompt.run('ver'))
        fw.check(f'{name}: ver', 'UEFI Interactive Shell v2' in out)
        out = plain(prompt.run('map -r'))
        fw.check(f'{name}: map shows the disk', 'BLK0:' in out)
        prompt.run(f'{VARIABLE} -bs -rt -nv =0x4142434445464748')
        out = plain(prompt.run(VARIABLE))
        fw.check(f'{name}: a variable is kept', re.search(
            r'48 47 46 45 44 43 42 41', out), out.strip()[-60:])
        console.send(b'reset\r')
        prompt = edk2_shell(fw, console, f'{name} again')
        out = plain(prompt.run(VARIABLE))
        fw.check(f'{name}: and is there after a reset', re.search(
            r'48 47 46 45 44 43 42 41', out), out.strip()[-60:])
        console.send(b'reset -s\r')
        ended(fw, console, name, 'reset -s')


def check_variables(fw, name, template, variables):
    fw.check(f'{name}: the variable is in the file',
             b'HGFEDCBA' in variables.read_bytes() and
             b'HGFEDCBA' not in template.read_bytes())


def check_linux(fw, name, args, board, guest):
    files = machine.guest_files(guest)
    with fw.console(*args, '-kernel', files['kernel'], '-initrd',
                    files['initrd'], '-append', 'console=ttyS0',
                    board=board) as console:
        shell = Shell(console, fw.args.scale)
        shell.wait_ready(180)
        out, _ = shell.run('dmesg | grep -c "efi: EFI v2"')
        fw.check(f'{name}: boots the kernel of -kernel', out == '1\n',
                 out.strip())
        console.send(b'poweroff -f\n')
        ended(fw, console, name, 'poweroff -f')


def case_edk2(fw):
    template, variables, args = edk2_args(fw)
    check_shell(fw, 'edk2', args, 'virt')
    check_variables(fw, 'edk2', template, variables)


def case_edk2_linux(fw):
    check_linux(fw, 'edk2-linux', edk2_args(fw)[2], 'virt', 'riscv64-linux')


def ovmf_args(fw):
    code = fw.package('ovmf', '/OVMF_CODE_4M.fd', PC)
    template = fw.package('ovmf', '/OVMF_VARS_4M.fd', PC)
    variables = fw.copy(template, 'vars.fd')
    return template, variables, [
        '-m', 512,
        '-drive', f'if=pflash,format=raw,readonly=on,file={code}',
        '-drive', f'if=pflash,format=raw,file={variables}']


def case_ovmf(fw):
    template, variables, args = ovmf_args(fw)
    check_shell(fw, 'ovmf', args, 'pc')
    check_variables(fw, 'ovmf', template, variables)


def case_ovmf_bios(fw):
    bios = fw.package('ovmf', '/ovmf/OVMF.fd', PC)
    with fw.console('-m', 512, '-bios', bios, board='pc') as console:
        edk2_shell(fw, console, 'ovmf-bios')
        console.send(b'reset -s\r')
        ended(fw, console, 'ovmf-bios', 'reset -s')


def case_ovmf_linux(fw):
    check_linux(fw, 'ovmf-linux', ovmf_args(fw)[2], 'pc', 'amd64-cloud-linux')


# --- the installer ----------------------------------------------------------

def case_installer(fw):
    name = 'debian-installer-13-netboot-riscv64'
    kernel = fw.package(name, '/text/debian-installer/riscv64/linux')
    initrd = fw.package(name, '/text/debian-installer/riscv64/initrd.gz')
    with fw.console('-m', 1024, '-kernel', kernel, '-initrd',
                    initrd) as console:
        _, when = console.expect(rb'\[!!\] Select a language',
                                 240 * fw.args.scale)
        fw.check('installer: asks for the language', True,
                 f'{when - console.started:.2f} s')
        console.expect(rb'English', 20 * fw.args.scale)
        console.send(b'\r')
        console.expect(rb'\[!!\] Select your location', 120 * fw.args.scale)
        fw.check('installer: an answer brings the next question', True)
        console.send(b'\x01x')
        ended(fw, console, 'installer', 'Ctrl-A X')


# --- RV32 --------------------------------------------------------------------

def case_opensbi32(fw):
    """OpenSBI for riscv32, and a program of ours behind it."""
    bios = fw.package('opensbi', '/riscv32-linux-gnu/opensbi/generic/'
                      'fw_dynamic.bin')
    if shutil.which(CROSS + 'gcc') is None:
        raise aptdir.FetchError(f'no {CROSS}gcc here')
    elf, program = fw.folder / 'rv32.elf', fw.folder / 'rv32.bin'
    source = pathlib.Path(__file__).with_name('rv32.S')
    subprocess.run([CROSS + 'gcc', '-march=rv32ima_zicsr', '-mabi=ilp32',
                    '-nostdlib', '-static', '-Wl,-Ttext=0x80400000,'
                    '--build-id=none', '-o', elf, source], check=True)
    subprocess.run([CROSS + 'objcopy', '-O', 'binary', elf, program],
                   check=True)
    for kind, kernel in (('ELF', elf), ('plain', program)):
        with fw.console('-cpu', 'rv32', '-bios', bios, '-kernel',
                        kernel) as console:
            console.expect(rb'OpenSBI v1', 30 * fw.args.scale)
            console.expect(rb'Base ISA +: rv32imafdc', 30 * fw.args.scale)
            for text in (b'S mode', b'U mode wrote through Sv32',
                         b'U mode faulted where nothing is'):
                console.expect(b'rv32: ' + text, 20 * fw.args.scale)
            fw.check(f'opensbi32: {kind}: S mode, Sv32 and U mode', True)
            ended(fw, console, 'opensbi32', 'system reset')


# --- a board of one's own ---------------------------------------------------

def case_example(fw):
    files = machine.guest_files()
    board = machine.ROOT / 'docs' / 'example.dts'
    with fw.console('-M', board, '-kernel', files['kernel'], '-initrd',
                    files['initrd'], '-append', 'console=ttyS0') as console:
        shell = Shell(console, fw.args.scale)
        when = shell.wait_ready()
        fw.check('example: Linux boots on the board of the documentation',
                 True, f'{when - console.started:.2f} s')
        out, _ = shell.run('cat /proc/device-tree/model; echo')
        fw.check('example: and knows it', out == 'An example\0\n', repr(out))
        console.send(b'poweroff -f\n')
        ended(fw, console, 'example', 'poweroff -f')


CASES = {'uboot': case_uboot, 'uboot-smode': case_uboot_smode,
         'edk2': case_edk2, 'edk2-linux': case_edk2_linux,
         'ovmf': case_ovmf, 'ovmf-bios': case_ovmf_bios,
         'ovmf-linux': case_ovmf_linux,
         'installer': case_installer, 'example': case_example,
         'opensbi32': case_opensbi32}
# What --quick leaves out: the same again, by the slower engine.
QUICK = {'jit': list(CASES), 'interp': ['uboot', 'opensbi32']}


def guarded(fw, name):
    """Runs a case; what cannot be fetched skips it."""
    with tempfile.TemporaryDirectory(dir=fw.top) as folder:
        fw.folder = pathlib.Path(folder)
        try:
            CASES[name](fw)
        except (aptdir.FetchError, SystemExit) as err:
            fw.report.skip(f'{name}, {fw.accel}', str(err))
        except ConsoleError as err:
            fw.report.check(f'{name}, {fw.accel}', False, str(err))


def parse():
    parser = machine.parser(__doc__)
    parser.add_argument('--only', choices=CASES, action='append',
                        help='run this case (repeatable)')
    parser.add_argument('--accel', default='jit,interp', metavar='NAME,...',
                        help='engines (default: %(default)s)')
    parser.add_argument('--quick', action='store_true',
                        help='all cases by jit, the shortest by interp')
    return parser.parse_args()


def main():
    args = parse()
    with tempfile.TemporaryDirectory(prefix='emu-firmware-') as folder:
        fw = Firmware(args, folder)
        for accel in args.accel.split(','):
            fw.accel = accel
            for name in CASES:
                if args.only and name not in args.only:
                    continue
                if args.quick and name not in QUICK.get(accel, ()):
                    continue
                guarded(fw, name)
        return fw.report.finish()


if __name__ == '__main__':
    sys.exit(main())
