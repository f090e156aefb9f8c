"""Compiles the benchmark's programs and packs them into an initramfs."""

import gzip
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'guests'))

import aptdir           # noqa: E402
import cpio             # noqa: E402
import linux    # noqa: E402

# Name and group of each program, in the order in which they run.
PROGRAMS = (
    ('sieve', 'integer'), ('crc32', 'integer'), ('vm', 'integer'),
    ('matmul', 'integer'), ('calls', 'integer'), ('sort', 'integer'),
    ('strhash', 'integer'), ('stream', 'memory'), ('chase', 'memory'),
    ('nbody', 'fp'), ('mandel', 'fp'), ('linear', 'fp'), ('filter', 'fp'),
    ('syscall', 'system'), ('pipe', 'system'), ('fork', 'system'),
    ('fault', 'system'), ('codegen', 'codegen'),
)

# No contraction: one rounding or two is the compiler's choice, and the sums
# have to agree.
FLAGS = ('-O2', '-std=gnu11', '-Wall', '-Wextra', '-ffp-contract=off',
         '-fno-math-errno')

# A guest: its compiler, the emulator to compare with, the package of each.
PEERS = {
    'riscv64-linux': ('riscv64-linux-gnu-gcc', 'qemu-system-riscv64',
                      'gcc-riscv64-linux-gnu libc6-dev-riscv64-cross '
                      'qemu-system-misc'),
    'amd64-cloud-linux': ('x86_64-linux-gnu-gcc', 'qemu-system-x86_64',
                          'gcc-x86-64-linux-gnu qemu-system-x86'),
    '686-pae-linux': ('i686-linux-gnu-gcc', 'qemu-system-i386',
                      'gcc-i686-linux-gnu libc6-dev-i386-cross '
                      'qemu-system-x86'),
}


class BenchError(Exception):
    """One line for the user."""


def compiler_version(compiler, packages='gcc'):
    try:
        return subprocess.run([compiler, '--version'], capture_output=True,
                              check=True).stdout
    except (OSError, subprocess.CalledProcessError) as err:
        raise BenchError(f'no {compiler}: apt-get install {packages}') from err


def compiler_flags(name, packages):
    """A guest's compiler and its flags.  Debian's 32-bit cross compiler and
    the libraries for gcc -m32 exclude each other."""
    flags = ('-static',)
    if name == 'i686-linux-gnu-gcc' and not shutil.which(name):
        name, flags = 'gcc', ('-static', '-m32')
    return name, flags, folder_for(name, flags, packages)


def compile_all(compiler, flags, folder):
    """Compiles every program into folder, unless it is there already."""
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    temp = pathlib.Path(tempfile.mkdtemp(dir=folder.parent, prefix='.new-'))
    try:
        for name, _ in PROGRAMS:
            source = HERE / 'programs' / (name + '.c')
            result = subprocess.run(
                [compiler, *FLAGS, *flags, '-o', str(temp / name),
                 str(source)], capture_output=True, text=True, check=False)
            if result.returncode:
                raise BenchError(f'{compiler} {source.name}: '
                                 + result.stderr.strip())
        os.chmod(temp, 0o755)
        os.rename(temp, folder)
    finally:
        shutil.rmtree(temp, ignore_errors=True)


def digest(*parts):
    total = hashlib.sha256()
    for path in sorted((HERE / 'programs').iterdir()):
        total.update(path.name.encode() + path.read_bytes())
    for part in parts:
        total.update(part)
    return total.hexdigest()[:12]


def folder_for(compiler, flags, packages='gcc'):
    key = digest(compiler_version(compiler, packages),
                 ' '.join(flags).encode())
    return aptdir.cache_root() / 'bench' / f'{compiler}-{key}'


def prepare(name, say):
    """Makes everything for a guest: ({'kernel', 'initrd'} to boot, folder of
    the same programs for this host)."""
    compiler, _, packages = PEERS[name]
    try:
        files = linux.guest(name, say)
        with aptdir.Lock(aptdir.cache_root() / 'lock', say):
            compiler, flags, guest = compiler_flags(compiler, packages)
            native = folder_for('gcc', ())
            compile_all(compiler, flags, guest)
            compile_all('gcc', (), native)
            base = files['initrd'].read_bytes()
            key = hashlib.sha256(base).hexdigest()[:12]
            initrd = guest.parent / f'{guest.name}-{key}.gz'
            if not initrd.exists():
                # The kernel takes several archives, one after the other.
                aptdir.replace_file(initrd, base + pack(guest))
    except aptdir.FetchError as err:
        raise BenchError(str(err)) from err
    return {'kernel': files['kernel'], 'initrd': initrd}, native


def pack(folder):
    arc = cpio.Cpio()
    for name, _ in PROGRAMS:
        arc.file(f'bench/{name}', (folder / name).read_bytes(), 0o755)
    return gzip.compress(arc.finish(), 6, mtime=0)
