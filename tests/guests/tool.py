"""Programs of another Debian release, run on this machine.

A program that is linked dynamically is run by its own release's loader, with
the libraries of the packages that are named; nothing is installed.
"""

import pathlib
import subprocess

import aptdir

SUITE = 'trixie'


def architecture():
    out = subprocess.run(['dpkg', '--print-architecture'], check=False,
                         capture_output=True, text=True)
    return out.stdout.strip() or 'amd64'


def fetch(packages, say=print):
    """Folders of the unpacked packages; raises aptdir.FetchError."""
    with aptdir.Lock(aptdir.cache_root() / 'lock', say):
        apt = aptdir.AptDir(SUITE, architecture(), say)
        return [apt.unpack(p)[0] for p in packages]


def command(package, path, libraries=(), say=print):
    """How to run file `path` of a package: the words of a command.  Without
    libraries it must be linked statically."""
    try:
        folders = fetch([package, *libraries], say)
    except OSError as err:
        raise aptdir.FetchError(f'{err.filename or "cache"}: '
                                f'{err.strerror}') from err
    program = folders[0] / path
    if not program.exists():
        raise aptdir.FetchError(f'{package} of {SUITE} has no {path}')
    if not libraries:
        return [str(program)]
    loader = first(folders, 'usr/lib*/ld-linux*')
    if loader is None:
        loader = first(folders, 'usr/lib*/*/ld-linux*')
    if loader is None:
        raise aptdir.FetchError(f'no loader in {" ".join(libraries)}')
    places = [d for f in folders for d in f.glob('usr/lib/*-linux-*')
              if d.is_dir()]
    return [str(loader), '--library-path', ':'.join(map(str, places)),
            str(program)]


def first(folders, pattern):
    for folder in folders:
        for path in sorted(pathlib.Path(folder).glob(pattern)):
            return path
    return None


def riscv_objdump(say=print):
    return command('binutils-riscv64-linux-gnu',
                   'usr/bin/riscv64-linux-gnu-objdump',
                   ('libc6', 'zlib1g', 'libzstd1', 'libsframe1'), say)


def riscv_qemu(bits, say=print):
    return command('qemu-user', f'usr/bin/qemu-riscv{bits}', (), say)
