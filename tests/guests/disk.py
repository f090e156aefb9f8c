"""Makes a bootable disk of Debian without root, loop device or mount.

mmdebstrap fills a folder, in a user namespace where this is not root; mke2fs
-d puts it into a partition of an image; GRUB's core image goes behind the
MBR, where its boot sector looks for it.  The partition table is written here.

Needs mmdebstrap, e2fsprogs and, for i386, arch-test; the disk is kept in the
cache.
"""

import os
import pathlib
import shutil
import struct
import subprocess

import aptdir

SECTOR = 512
START = 2048            # of the partition; GRUB's core image lies before it
SIZE = 3 << 30
PASSWORD = 'emu'
PACKAGES = ['linux-image-{arch}', 'systemd-sysv', 'udev', 'kmod', 'e2fsprogs',
            'initramfs-tools', 'grub-pc-bin', 'grub-common', 'gcc',
            'libc6-dev', 'login', 'passwd', 'procps', 'util-linux']
KERNELS = {'amd64': 'amd64', 'i386': '686-pae'}
GRUB_CFG = '''\
serial --unit=0 --speed=115200
terminal_output console serial
set timeout=1
set root=hd0,msdos1
menuentry "Debian on the disk" {
    linux /vmlinuz root=/dev/sda1 console=tty0 console=ttyS0,115200
    initrd /initrd.img
}
'''
MODULES = 'biosdisk part_msdos ext2 normal linux configfile serial terminal'

# Runs outside of the new system, in its namespace; $1 is its folder.
HOOK = '''\
set -eu
printf 'root:{password}\\n' | chroot "$1" chpasswd
echo guest >"$1/etc/hostname"
echo '/dev/sda1 / ext4 errors=remount-ro 0 1' >"$1/etc/fstab"
mkdir -p "$1/boot/grub"
cp '{cfg}' "$1/boot/grub/grub.cfg"
chroot "$1" grub-mkimage -O i386-pc -o /core.img \\
    -p '(hd0,msdos1)/boot/grub' {modules}
cat "$1/core.img" >'{core}'
cat "$1/usr/lib/grub/i386-pc/boot.img" >'{boot}'
rm "$1/core.img"
# Once more, without what is mounted in it.
mkdir "$1.only"
mount --bind "$1" "$1.only"
/sbin/mke2fs -q -F -t ext4 -L root -d "$1.only" -E offset={offset} '{image}' {kib}k
umount "$1.only"
rmdir "$1.only"
'''


def write_boot(image, boot, core):
    """MBR with one active partition, and GRUB's core image behind it."""
    core += bytes(-len(core) % SECTOR)
    if len(core) > (START - 1) * SECTOR:
        raise aptdir.FetchError("GRUB's core image is too large")
    count = os.path.getsize(image) // SECTOR - START
    entry = struct.pack('<B3sB3sII', 0x80, b'\xfe\xff\xff', 0x83,
                        b'\xfe\xff\xff', START, count)
    sector = boot[:440] + b'EMU0\0\0' + entry + bytes(48) + b'\x55\xaa'
    with open(image, 'r+b') as f:
        f.write(sector)
        f.write(core)


def make(folder, image, arch, say):
    """Fills image, a path that does not exist yet."""
    apt = aptdir.AptDir('bookworm', arch, say)
    names = {n: folder / n for n in ('core', 'boot', 'cfg')}
    names['cfg'].write_text(GRUB_CFG)
    for n in ('core', 'boot'):
        names[n].touch()
        names[n].chmod(0o666)
    with open(image, 'wb') as f:
        f.truncate(SIZE)
    os.chmod(image, 0o666)      # in the namespace we are somebody else
    hook = folder / 'hook'
    hook.write_text(HOOK.format(
        password=PASSWORD, modules=MODULES, offset=START * SECTOR,
        image=image, kib=(SIZE - START * SECTOR) // 1024, **names))
    packages = ','.join(PACKAGES).format(arch=KERNELS[arch])
    # Its own update would fail where the lists of one source do.
    apt.update()
    lists = f'cp {apt.top}/lists/*_* "$1/var/lib/apt/lists/"'
    say(f'making a disk of Debian {arch}: this takes minutes')
    out = subprocess.run(
        ['mmdebstrap', '--quiet', '--variant=minbase', f'--arch={arch}',
         f'--include={packages}', '--skip=update', f'--setup-hook={lists}',
         f'--customize-hook=sh {hook} "$1"',
         '--format=null', 'bookworm', '/dev/null',
         str(apt.top / 'private.sources')],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if out.returncode:
        lines = [l for l in out.stderr.splitlines() if l.strip()] or ['']
        raise aptdir.FetchError(f'mmdebstrap: {lines[-1]}')
    write_boot(image, names['boot'].read_bytes(), names['core'].read_bytes())


def debian(arch='amd64', say=print):
    """The image's path; made when it is not in the cache.  Not to be written:
    use a copy, or -snapshot."""
    for tool in ('mmdebstrap', 'mke2fs'):
        if not shutil.which(tool, path=os.environ['PATH'] + ':/sbin'):
            raise aptdir.FetchError(f'no {tool}: install the package')
    root = aptdir.cache_root() / 'disks'
    path = root / f'debian-{arch}.img'
    with aptdir.Lock(aptdir.cache_root() / 'lock', say):
        if path.exists():
            return path
        folder = root / f'.new-{arch}'
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        folder.chmod(0o777)
        try:
            make(folder, folder / 'image', arch, say)
            os.rename(folder / 'image', path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return path


def partition(image, out):
    """Copies the partition into a file of its own, for e2fsck."""
    with open(image, 'rb') as f, open(out, 'wb') as g:
        f.seek(START * SECTOR)
        while piece := f.read(1 << 20):
            if piece.strip(b'\0'):
                g.write(piece)
            else:
                g.seek(len(piece), os.SEEK_CUR)
        g.truncate()
    return pathlib.Path(out)
