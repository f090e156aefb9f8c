"""The guests that are Debian's kernels with busybox and an /init.

What they are made of: a kernel's image as its package ships it, and a gzipped
initramfs of busybox-static, the modules named below with what they need, and
the script init beside this file.  What /init does is said there.

riscv64-linux has trixie's OpenSBI, too, for several harts: one before 1.3, as
Debian 12 has, may start a hart at a wrong address when the one that starts it
is held up (OpenSBI e8e9ed37).
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
import typing

import aptdir
import cpio

HERE = pathlib.Path(__file__).resolve().parent


class Recipe(typing.NamedTuple):
    suite: str
    arch: str
    package: str        # the newest kernel's metapackage
    # What the kernel has as modules and a guest here wants; those that they
    # need are found from the modules themselves.
    modules: tuple
    firmware: str = ''  # a package, and a file of it
    board: str = 'pc'   # -M


VIRTIO = ('virtio_pci', 'virtio_mmio', 'virtio_blk', 'virtio_rng', 'button',
          'evdev')
GUESTS = {
    'riscv64-linux': Recipe(
        'trixie', 'riscv64', 'linux-image-riscv64',
        ('virtio_mmio', 'virtio_blk', 'virtio_rng'),
        'opensbi usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin',
        'virt'),
    'amd64-cloud-linux': Recipe('bookworm', 'amd64',
                                'linux-image-cloud-amd64', VIRTIO),
    'amd64-linux': Recipe('bookworm', 'amd64', 'linux-image-amd64', VIRTIO),
    # For tests of drives.
    'amd64-drives-linux': Recipe('bookworm', 'amd64', 'linux-image-amd64',
                                 VIRTIO + ('ata_piix', 'sd_mod', 'sr_mod',
                                           'isofs', 'floppy')),
    '686-linux': Recipe('bookworm', 'i386', 'linux-image-686', VIRTIO),
    '686-pae-linux': Recipe('bookworm', 'i386', 'linux-image-686-pae', VIRTIO),
}


def section(elf, name):
    """The bytes of a named section of a little-endian ELF file, or b''."""
    def word(at, size):
        return int.from_bytes(elf[at:at + size], 'little')

    if elf[:4] != b'\x7fELF' or elf[4] not in (1, 2) or elf[5] != 1:
        raise aptdir.FetchError('a kernel module is no ELF file')
    wide = elf[4] == 2
    size = 8 if wide else 4
    at = (0x28, 0x3a, 0x3c, 0x3e) if wide else (0x20, 0x2e, 0x30, 0x32)
    table, step, count, names = (word(at[0], size), word(at[1], 2),
                                 word(at[2], 2), word(at[3], 2))
    offset, length = (0x18, 0x20) if wide else (0x10, 0x14)
    strings = word(table + names * step + offset, size)
    for i in range(count):
        head = table + i * step
        start = strings + word(head, 4)
        if elf[start:elf.index(b'\0', start)] == name.encode():
            begin = word(head + offset, size)
            return elf[begin:begin + word(head + length, size)]
    return b''


def read_module(path):
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == '.xz' else data


def modules_in_order(tree, wanted):
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

    for name in wanted:
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


def kernel_package(apt, package):
    """The package that the newest kernel's metapackage depends on."""
    fields = apt.show(package)
    match = re.search(r'linux-image-[0-9][^ ,(|]*', fields.get('depends', ''))
    if not match:
        raise aptdir.FetchError(f'{package} names no kernel')
    return match[0]


def recipe_digest(recipe):
    """Changes with everything here that a guest is made by."""
    total = hashlib.sha256(repr(recipe).encode())
    for name in ('linux.py', 'cpio.py', 'init'):
        total.update((HERE / name).read_bytes())
    return total.hexdigest()[:12]


def fetch_parts(recipe, say):
    apt = aptdir.AptDir(recipe.suite, recipe.arch, say)
    packages = {'kernel': kernel_package(apt, recipe.package),
                'busybox': 'busybox-static'}
    if recipe.firmware:
        packages['firmware'] = recipe.firmware.split()[0]
    parts = {}
    for part, name in packages.items():
        folder, version = apt.unpack(name)
        parts[part], parts[part + '_version'] = str(folder), version
    return parts


def link_or_copy(old, new):
    try:
        os.link(old, new)
    except OSError:
        shutil.copyfile(old, new)


def build(recipe, parts, folder):
    """Makes the guest's files in folder, which appears whole."""
    kernel = pathlib.Path(parts['kernel'])
    images = list((kernel / 'boot').glob('vmlinu?-*'))
    if len(images) != 1:
        raise aptdir.FetchError(f'no kernel image in {kernel}')
    binaries = list(pathlib.Path(parts['busybox']).rglob('bin/busybox'))
    if len(binaries) != 1:
        raise aptdir.FetchError(f"no busybox in {parts['busybox']}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temp = pathlib.Path(tempfile.mkdtemp(dir=folder.parent, prefix='.new-'))
    try:
        link_or_copy(images[0], temp / 'Image')
        if recipe.firmware:
            bios = pathlib.Path(parts['firmware'],
                                recipe.firmware.split()[1])
            if not bios.exists():
                raise aptdir.FetchError(f'there is no {bios}')
            link_or_copy(bios, temp / bios.name)
        initrd = initramfs(binaries[0].read_bytes(),
                           modules_in_order(kernel, recipe.modules),
                           (HERE / 'init').read_bytes())
        (temp / 'initrd.gz').write_bytes(initrd)
        info = dict(parts, image=images[0].name)
        (temp / 'info.json').write_text(json.dumps(info, indent=1) + '\n')
        os.chmod(temp, 0o755)
        os.rename(temp, folder)
    finally:
        shutil.rmtree(temp, ignore_errors=True)


def guest(name, say, update=False):
    """Makes sure that a guest is there: the paths 'kernel', 'initrd', and
    'bios' where it has firmware of its own.

    The network is used when nothing is cached, or on update.
    """
    recipe = GUESTS[name]
    top = aptdir.cache_root() / 'guests' / name
    state = top / 'parts.json'
    with aptdir.Lock(aptdir.cache_root() / 'lock', say):
        top.mkdir(parents=True, exist_ok=True)
        parts = None
        try:
            parts = json.loads(state.read_text())
        except (OSError, ValueError):
            pass
        wanted = ['kernel', 'busybox'] + ['firmware'] * bool(recipe.firmware)
        if update or not parts or not all(
                os.path.isdir(parts.get(k, '')) for k in wanted):
            if update:
                shutil.rmtree(aptdir.cache_root() / 'apt', ignore_errors=True)
            parts = fetch_parts(recipe, say)
            aptdir.replace_file(state, json.dumps(parts).encode())
        key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
        folder = top / f'{key.hexdigest()[:12]}-{recipe_digest(recipe)}'
        if not folder.is_dir():
            say(f"making the initramfs for kernel {parts['kernel_version']}")
            build(recipe, parts, folder)
    files = {'kernel': folder / 'Image', 'initrd': folder / 'initrd.gz'}
    if recipe.firmware:
        files['bios'] = folder / pathlib.Path(recipe.firmware).name
    return files
