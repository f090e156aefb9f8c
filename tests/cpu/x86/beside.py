#!/usr/bin/env python3
"""The battery of ROMs beside Debian's Bochs and QEMU.  By hand:

    tests/cpu/x86/beside.py [--emu build/emu] [ROM...]

Each ROM is assembled and run as the firmware of a PC, by emu (interpreter and
translator), Bochs and QEMU; what each says is compared, line by line, with
ROM.txt.  Lines that need the rig's wires are left out.  emu may differ
nowhere; Bochs only where ROM.txt follows the manual against it, which DIFFERS
lists with the reason; QEMU is shown, its count of lines that differ printed.
Exit status 77: something that this needs is not there.
"""
import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
# ROMs, and the processors for them: emu's, Bochs's, QEMU's.
PLAIN = ('qemu64', 'bx_generic', 'qemu64')
ROMS = {'real': PLAIN, 'protected': PLAIN, 'v86': PLAIN, 'long': PLAIN,
        'system': ('max,+monitor', 'tigerlake', 'max'), 'ferr': PLAIN}
RIG = {'irq', 'hlt', 'nmi', 'smm'}  # lines behind UNLESS_RIG
SHOW = ['-chardev', 'stdio,id=c', '-device',
        'isa-debugcon,iobase=0xe9,chardev=c', '-device',
        'isa-debug-exit,iobase=0xf4']
LIMIT = 100000  # bytes of what one says

# Where Bochs 2.7 says otherwise than the manual: ROM, line's first word.
DIFFERS = {
    ('protected', 'access'): 'bits 19:16 of what LAR loads are undefined',
    ('long', 'debug'): 'a data breakpoint and the code breakpoint behind it '
                       'are one #DB there; no RF within REP',
    ('system', 'debug'): 'what waits behind MOV SS is lost to INT1 there; no '
                         'RF for a fault by GD',
    ('system', 'keys'): "PKRU's AD does not keep the supervisor out there",
    ('system', 'keyssave'): 'no size of component 9 in leaf 0Dh there',
    ('system', 'pks'): 'no such feature there',
    ('system', 'sysret'): "SYSRET's TF counts one instruction later there",
}

BOCHSRC = '''display_library: rfb, options="timeout=0"
megs: 64
romimage: file={rom}, address=0xffff0000
cpu: ignore_bad_msrs=0, model={model}, count=1, ips=10000000, reset_on_triple_fault=0
port_e9_hack: enabled=1
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
log: {log}
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
'''


def run(command, seconds, text=''):
    """What it writes, its beginning at most."""
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out,
                                 stderr=subprocess.DEVNULL)
        try:
            child.communicate(text.encode(), timeout=seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        out.seek(0)
        return out.read(LIMIT).decode(errors='replace')


def emu(path, accel, model):
    def go(rom, _):
        return run([path, '-M', 'pc', '-cpu', model, '-m', '64', '-accel', accel, '-bios',
                    rom, '-nodefaults', '-display', 'none', '-no-reboot',
                    *SHOW], 20)
    return go


def qemu(model):
    def go(rom, _):
        return run(['qemu-system-x86_64', '-M', 'pc,accel=tcg', '-cpu', model,
                    '-m', '64', '-bios', rom, '-nodefaults', '-display',
                    'none', '-no-reboot', *SHOW], 5)
    return go


def bochs(model):
    def go(rom, folder):
        rc = folder / 'bochsrc'
        rc.write_text(BOCHSRC.format(rom=rom, log=folder / 'log',
                                     model=model))
        said = run(['bochs', '-q', '-f', str(rc)], 20, 'c\nquit\n')
        # Behind the debugger's prompt.
        return said.partition('<bochs:1> ')[2]
    return go


def lines_of(text):
    return [line.split(' \n')[0].rstrip() for line in text.split('\n')]


def compare(rom, expected, said):
    """The expected lines that were not said so."""
    lines = lines_of(said)
    return [line for line in expected if line not in lines]


def show(line, said):
    word = line.split()[0]
    other = [x for x in lines_of(said) if x.split()[:1] == [word]]
    print(f'    wanted {line}'[:200])
    print(f'    said   {other[0] if other else "nothing"}'[:200])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--emu', default='build/emu')
    parser.add_argument('--qemu', action='store_true',
                        help="show QEMU's differences, too")
    parser.add_argument('roms', nargs='*', default=list(ROMS), metavar='ROM')
    args = parser.parse_args()
    for tool in ('nasm', 'bochs', 'qemu-system-x86_64'):
        if not shutil.which(tool):
            print(f'beside.py: no {tool}')
            return 77
    bad = 0
    for rom in args.roms:
        expected = [x for x in lines_of((HERE / f'{rom}.txt').read_text())
                    if x and x != 'shutdown' and x.split()[0] not in RIG]
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            image = folder / 'rom'
            subprocess.run(['nasm', '-f', 'bin', '-i', f'{HERE}/', '-o',
                            str(image), str(HERE / f'{rom}.asm')], check=True)
            models = ROMS[rom]
            for who, go in (('interp', emu(args.emu, 'interp', models[0])),
                            ('jit', emu(args.emu, 'jit', models[0])),
                            ('bochs', bochs(models[1])),
                            ('qemu', qemu(models[2]))):
                said = go(str(image), folder)
                lost = compare(rom, expected, said)
                print(f'{rom}: {who}: {len(expected) - len(lost)} of '
                      f'{len(expected)} lines')
                for line in lost:
                    reason = who == 'bochs' and DIFFERS.get(
                        (rom, line.split()[0]))
                    if reason:
                        print(f'    {line.split()[0]}: {reason}')
                    if who != 'qemu' and not reason:
                        bad += 1
                    if not reason and (who != 'qemu' or args.qemu):
                        show(line, said)
    print('beside.py:', f'{bad} lines differ' if bad else 'as expected')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
