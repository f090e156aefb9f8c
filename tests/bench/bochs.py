"""Runs the benchmark's guest on Bochs.

Bochs has no -kernel: it starts from a CD made here with isolinux.  The guest's
serial line is the terminal that Bochs is started on; its screen goes nowhere.
Debian's build has the debugger in, which has to be told to go on.  The guest's
clocks follow the instructions, not the time.

Needs packages: bochs bochsbios bochs-term isolinux syslinux-common xorriso.
"""

import hashlib
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile

from image import aptdir

PACKAGES = 'bochs bochsbios bochs-term isolinux syslinux-common xorriso'
ROMS = pathlib.Path('/usr/share/bochs')
LOADER = (pathlib.Path('/usr/lib/ISOLINUX/isolinux.bin'),
          pathlib.Path('/usr/lib/syslinux/modules/bios/ldlinux.c32'))
CONFIG = '''\
default guest
prompt 0
timeout 1
label guest
kernel kernel
append initrd=initrd console=ttyS0
'''


def missing(program):
    """What is not there of what is needed, or ''."""
    for name in (program, 'xorriso'):
        if not shutil.which(name):
            return name
    for path in (*LOADER, ROMS / 'BIOS-bochs-latest'):
        if not path.exists():
            return str(path)
    return ''


def version(program):
    """'Bochs x86 Emulator 2.7', or '?'."""
    out = subprocess.run([program, '--help'], text=True, capture_output=True,
                         check=False, stdin=subprocess.DEVNULL, timeout=10)
    for line in (out.stdout + out.stderr).splitlines():
        if 'Emulator' in line:
            return line.strip()
    return '?'


def medium(files):
    """Path of a CD that boots {'kernel', 'initrd'}; made when it is new."""
    total = hashlib.sha256(CONFIG.encode())
    for name in ('kernel', 'initrd'):
        total.update(pathlib.Path(files[name]).read_bytes())
    path = aptdir.cache_root() / 'bench' / f'{total.hexdigest()[:12]}.iso'
    if path.exists():
        return path
    with tempfile.TemporaryDirectory(dir=path.parent) as temp:
        tree = pathlib.Path(temp, 'tree')
        tree.mkdir()
        for name in ('kernel', 'initrd'):
            shutil.copyfile(files[name], tree / name)
        for loader in LOADER:
            shutil.copyfile(loader, tree / loader.name)
        (tree / 'isolinux.cfg').write_text(CONFIG)
        new = pathlib.Path(temp, 'new.iso')
        subprocess.run(
            ['xorriso', '-as', 'mkisofs', '-quiet', '-o', str(new), '-b',
             'isolinux.bin', '-c', 'boot.cat', '-no-emul-boot',
             '-boot-load-size', '4', '-boot-info-table', str(tree)],
            check=True, stdin=subprocess.DEVNULL, capture_output=True)
        os.replace(new, path)
    return path


def command(program, files, memory):
    """argv that boots the guest, its serial line on the terminal."""
    options = [
        f'memory: guest={memory}, host={memory}',
        f'romimage: file={ROMS}/BIOS-bochs-latest',
        f'vgaromimage: file={ROMS}/VGABIOS-lgpl-latest',
        'display_library: term',
        f'ata0-master: type=cdrom, path={medium(files)}, status=inserted',
        'boot: cdrom', 'clock: sync=none', 'cpu: count=1, ips=100000000',
        'log: /dev/null',
    ]
    # The debugger reads its first command from a file.
    return ['sh', '-c',
            'rc=$(mktemp); echo continue >"$rc"; line=$(tty); '
            f'TERM=vt100 exec {shlex.quote(program)} -q -f /dev/null '
            f'-rc "$rc" {shlex.join(options)} '
            '"com1: enabled=1, mode=term, dev=$line" '
            '</dev/null >/dev/null 2>&1']
