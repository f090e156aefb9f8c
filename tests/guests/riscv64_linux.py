"""The guest riscv64-linux: Debian's newest trixie kernel, busybox, an /init.

What it is made of: the kernel's Image as the package ships it, and a gzipped
initramfs of busybox-static, the modules named below with what they need, and
the script init beside this file.  What /init does is said there.  With several
harts comes trixie's OpenSBI: one before 1.3, as Debian 12 has, may start a hart
at a wrong address when the one that starts it is held up (OpenSBI e8e9ed37).
"""

import gzip
import hashlib
import json
import lzma
import os
import pathlib
import re
import shutil
import tempfile

import aptdir
import cpio

SUITE = 'trixie'
ARCH = 'riscv64'
HERE = pathlib.Path(__file__).resolve().parent

# What Debian's riscv64 kernel has as modules and a guest here wants; those
# that they need are found from the modules themselves.
MODULES = ('virtio_mmio', 'virtio_blk', 'virtio_rng')


def section(elf, name):
    """The bytes of a named section of a little-endian ELF64 file, or b''."""
    def word(at, size):
        return int.from_bytes(elf[at:at + size], 'little')

    if elf[:6] != b'\x7fELF\x02\x01':
        raise aptdir.FetchError('a kernel module is no ELF64 file')
    table, size, count, names = (word(0x28, 8), word(0x3a, 2), word(0x3c, 2),
                                 word(0x3e, 2))
    strings = word(table + names * size + 0x18, 8)
    for i in range(count):
        head = table + i * size
        start = strings + word(head, 4)
        if elf[start:elf.index(b'\0', start)] == name.encode():
            offset = word(head + 0x18, 8)
            return elf[offset:offset + word(head + 0x20, 8)]
    return b''


def read_module(path):
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == '.xz' else data


def modules_in_order(tree):
    """The wanted modules and what they need: [(name, bytes)] to insert in
    order.  A name that the kernel has built in is left out."""
    found = {}
    for path in tree.rglob('*.ko*'):
        found[path.name.split('.')[0].replace('-', '_')] = path
    order = []

    def add(name):
        name = name.replace('-', '_')
        if name not in found or any(name == have for have, _ in order):
            return
        data = read_module(found[name])
        match = re.search(rb'(?:^|\0)depends=([^\0]*)', section(data,
                                                                '.modinfo'))
        for need in match[1].decode().split(',') if match else ():
            add(need)
        order.append((name, data))

    for name in MODULES:
        add(name)
    return order


def initramfs(busybox, modules, init):
    """The archive's bytes, gzipped."""
    arc = cpio.Cpio()
    for name in ('proc', 'sys', 'dev', 'tmp', 'run', 'root', 'etc', 'mnt',
                 'bin', 'sbin', 'usr/bin', 'usr/sbin'):
        arc.folder(name)
    arc.char_device('dev/console', 5, 1)
    arc.char_device('dev/null', 1, 3, 0o666)
    arc.char_device('dev/ttyS0', 4, 64)
    arc.file('bin/busybox', busybox, 0o755)
    arc.link('bin/sh', 'busybox')
    arc.file('init', init, 0o755)
    arc.file('etc/passwd', b'root::0:0:root:/root:/bin/sh\n')
    arc.file('etc/group', b'root:x:0:\n')
    for name, data in modules:
        arc.file(f'lib/modules/{name}.ko', data)
    arc.file('lib/modules/order',
             ''.join(name + '\n' for name, _ in modules).encode())
    return gzip.compress(arc.finish(), 9, mtime=0)


def kernel_package(apt):
    """The package that the newest kernel's metapackage depends on."""
    fields = apt.show('linux-image-riscv64')
    match = re.search(r'linux-image-[0-9][^ ,(|]*', fields.get('depends', ''))
    if not match:
        raise aptdir.FetchError('linux-image-riscv64 names no kernel')
    return match[0]


def recipe_digest():
    """Changes with everything here that a guest is made by."""
    total = hashlib.sha256()
    for name in ('riscv64_linux.py', 'cpio.py', 'init'):
        total.update((HERE / name).read_bytes())
    return total.hexdigest()[:12]


def fetch_parts(say):
    apt = aptdir.AptDir(SUITE, ARCH, say)
    kernel, kernel_version = apt.unpack(kernel_package(apt))
    busybox, busybox_version = apt.unpack('busybox-static')
    opensbi, opensbi_version = apt.unpack('opensbi')
    return {'kernel': str(kernel), 'kernel_version': kernel_version,
            'busybox': str(busybox), 'busybox_version': busybox_version,
            'opensbi': str(opensbi), 'opensbi_version': opensbi_version}


def link_or_copy(old, new):
    try:
        os.link(old, new)
    except OSError:
        shutil.copyfile(old, new)


def build(parts, folder):
    """Makes the guest's files in folder, which appears whole."""
    kernel = pathlib.Path(parts['kernel'])
    images = list((kernel / 'boot').glob('vmlinu?-*'))
    if len(images) != 1:
        raise aptdir.FetchError(f'no kernel image in {kernel}')
    binaries = list(pathlib.Path(parts['busybox']).rglob('bin/busybox'))
    if len(binaries) != 1:
        raise aptdir.FetchError(f"no busybox in {parts['busybox']}")
    bios = (pathlib.Path(parts['opensbi']) /
            'usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin')
    if not bios.exists():
        raise aptdir.FetchError(f"no fw_dynamic.bin in {parts['opensbi']}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temp = pathlib.Path(tempfile.mkdtemp(dir=folder.parent, prefix='.new-'))
    try:
        link_or_copy(images[0], temp / 'Image')
        link_or_copy(bios, temp / 'fw_dynamic.bin')
        initrd = initramfs(binaries[0].read_bytes(), modules_in_order(kernel),
                           (HERE / 'init').read_bytes())
        (temp / 'initrd.gz').write_bytes(initrd)
        info = dict(parts, image=images[0].name)
        (temp / 'info.json').write_text(json.dumps(info, indent=1) + '\n')
        os.chmod(temp, 0o755)
        os.rename(temp, folder)
    finally:
        shutil.rmtree(temp, ignore_errors=True)


def guest(say, update=False):
    """Makes sure that the guest is there: the paths 'kernel' and 'initrd', and
    'bios', for several harts.

    The network is used when nothing is cached, or on update.
    """
    top = aptdir.cache_root() / 'guests' / 'riscv64-linux'
    state = top / 'parts.json'
    with aptdir.Lock(aptdir.cache_root() / 'lock', say):
        top.mkdir(parents=True, exist_ok=True)
        parts = None
        try:
            parts = json.loads(state.read_text())
        except (OSError, ValueError):
            pass
        if update or not parts or not all(
                os.path.isdir(parts.get(k, ''))
                for k in ('kernel', 'busybox', 'opensbi')):
            if update:
                shutil.rmtree(aptdir.cache_root() / 'apt', ignore_errors=True)
            parts = fetch_parts(say)
            aptdir.replace_file(state, json.dumps(parts).encode())
        key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
        folder = top / f'{key.hexdigest()[:12]}-{recipe_digest()}'
        if not folder.is_dir():
            say(f"making the initramfs for kernel {parts['kernel_version']}")
            build(parts, folder)
    return {'kernel': folder / 'Image', 'initrd': folder / 'initrd.gz',
            'bios': folder / 'fw_dynamic.bin'}
