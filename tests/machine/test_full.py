#!/usr/bin/env python3
"""A guest writes to disks on a host file system that is full, and to ones that
are write-protected.

    test_full.py EMU FULL

FULL (full.asm) is a boot sector.  The file system is a tmpfs in a mount
namespace of our own; where the host permits none, or the package seabios is
not installed, the test is skipped.
"""

import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

import test_seabios

SIZE = 1440 << 10
SECTORS = 300  # that the boot sector writes
# The file system has this much, and what is left of it at first.
ROOM, LEFT = 512 << 10, 64 << 10
FAILED = 'No space left on device; the guest sees an error'

# Name, arguments, whether the file itself is on the full file system; if not,
# what -snapshot keeps is.
RUNS = [
    ('disk', ['-hda', 'IMAGE'], True),
    ('floppy', ['-fda', 'IMAGE'], True),
    ('virtio', ['-drive', 'file=IMAGE,format=raw,if=virtio'], True),
    ('snapshot', ['-hda', 'IMAGE', '-snapshot'], False),
]


# Where the BIOS says that a disk is protected: on a floppy.
PROTECTED = [('ide', 'AH (?!00)..'), ('floppy', 'AH 03'),
             ('virtio', 'AH (?!00)..')]


def check_file(image, written):
    """Each sector that was written has its number all over, others nothing."""
    data = image.read_bytes()[:(SECTORS + 1) * 512]
    return data[512:] == b''.join(
        struct.pack('<H', n if written else 0) * 256
        for n in range(1, SECTORS + 1))


def start(emu, args, log, folder):
    return subprocess.Popen(
        [emu, '-M', 'pc', '-m', '64', '-accel', 'interp', '-nographic', *args,
         *test_seabios.debug_port(log)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
        env=dict(os.environ, TMPDIR=str(folder)))


def protected(emu, code, interface, answer, folder):
    image, log = folder / f'{interface}-ro.img', folder / f'{interface}-ro.log'
    image.write_bytes(code)
    os.truncate(image, SIZE)
    with start(emu, ['-drive', f'file={image},format=raw,if={interface},'
                     'readonly=on'], log, folder) as p:
        said = test_seabios.wait_for(p, log, r'AH .., sector')
        p.terminate()
        errors = p.communicate()[1]
    if re.search(answer + ', sector 0001\n', said) and \
            check_file(image, False) and 'failed' not in errors:
        return True
    print(f'{interface}, read-only:\n{said}{errors}')
    return False


def run(emu, code, name, args, inside, folder, full):
    image = (full if inside else folder) / f'{name}.img'
    image.write_bytes(code)
    os.truncate(image, SIZE)
    filler = full / 'filler'
    filler.write_bytes(bytes(ROOM - LEFT))
    log = folder / f'{name}.log'
    with start(emu, [a.replace('IMAGE', str(image)) for a in args], log,
               full) as p:
        before = test_seabios.wait_for(p, log, r'AH \w\w, sector')
        filler.unlink()
        after = test_seabios.wait_for(p, log, 'all there\n')
        p.terminate()
        errors = p.communicate()[1]
    bad = []
    if not re.search(r'AH (?!00)\w\w, sector \d{4}\n', before):
        bad.append('the guest saw no error')
    if not after.endswith('\nall there\n'):
        bad.append('the guest did not go on')
    if not check_file(image, inside):
        bad.append('the file is wrong')
    what = 'write' if inside else 'write to the snapshot'
    told = [line for line in errors.splitlines() if 'failed' in line]
    if told != [f'emu: {image}: a {what} failed: {FAILED}']:
        bad.append('no line, or more than one')
    if bad:
        print(f'{name}: {", ".join(bad)}\n{after}{errors}')
    image.unlink()
    return not bad


def inside(emu, code):
    """In a mount namespace that is ours."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        full = folder / 'full'
        full.mkdir()
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={ROOM}',
                           'none', full], check=False).returncode:
            print('no file system can be mounted here: skipped')
            return 77
        code = pathlib.Path(code).read_bytes()
        good = [run(emu, code, *case, folder, full) for case in RUNS]
        good += [protected(emu, code, *case, folder) for case in PROTECTED]
        subprocess.run(['umount', full], check=True)
    return 0 if all(good) else 1


def main():
    if sys.argv[1:2] == ['--inside']:
        sys.exit(inside(*sys.argv[2:]))
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    if not os.path.exists(test_seabios.BIOS):
        print('no seabios: skipped')
        sys.exit(77)
    enter = ['unshare', '-m' if os.geteuid() == 0 else '-rm']
    if subprocess.run([*enter, 'true'], check=False).returncode:
        print('no mount namespace of our own here: skipped')
        sys.exit(77)
    os.execvp(enter[0], [*enter, sys.executable, __file__, '--inside',
                         *map(os.path.abspath, sys.argv[1:])])


if __name__ == '__main__':
    main()
