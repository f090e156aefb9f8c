"""The command line that boots the guest, shared by the tests here."""

import argparse
import functools
import os
import pathlib
import shlex
import shutil
import sys

import aptdir
import linux

ROOT = pathlib.Path(__file__).resolve().parents[2]


def parser(text):
    """An argument parser with what all the guest tests take."""
    out = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    out.add_argument('emulator', nargs='?',
                     default=os.environ.get('EMU', str(ROOT / 'build/emu')),
                     help='default: $EMU or build/emu')
    out.add_argument('--scale', type=float, default=4.0,
                     help='stretches every time-out (slow builds, loaded host; default '
                     '%(default)s)')
    out.add_argument('--options', default=[], type=shlex.split,
                     metavar='TEXT',
                     help="further options of the emulator: '-smp 4'")
    out.add_argument('--log', metavar='FILE',
                     help="append the guests' consoles to FILE")
    return out


def find_emulator(name):
    """The emulator's path; ends the program with a line when there is none."""
    path = shutil.which(name)
    if not path:
        sys.exit(f"no emulator '{name}': build it, or name another "
                 '(EMU=... or the first argument)')
    return path


def open_log(args):
    return open(args.log, 'ab') if args.log else None


def say(text):
    """What fetching has to say."""
    print('fetch: ' + text, file=sys.stderr, flush=True)


@functools.cache
def package(suite, arch, name):
    """The folder into which that package is unpacked; ends the program with a
    line where it is not to be had."""
    try:
        with aptdir.Lock(aptdir.cache_root() / 'lock', say):
            return aptdir.AptDir(suite, arch, say).unpack(name)[0]
    except aptdir.FetchError as err:
        sys.exit(f'the package {name} is not to be had: {err}')


@functools.cache
def guest_files(name='riscv64-linux'):
    """A guest's files (linux.py); ends with a line where it cannot."""
    try:
        return linux.guest(name, say)
    except aptdir.FetchError as err:
        sys.exit(f'the guest {name} is not to be had: {err}')


def command(emulator, files, memory=256, append='', extra=(), board='virt'):
    """argv that boots the guest on the terminal; memory in MiB."""
    if 'bios' in files and '-smp' in extra and '-bios' not in extra:
        extra = ['-bios', str(files['bios']), *extra]
    return [emulator, '-M', board, '-nographic', '-m', str(memory),
            '-kernel', str(files['kernel']), '-initrd', str(files['initrd']),
            '-append', f'console=ttyS0 {append}'.strip(), *extra]
