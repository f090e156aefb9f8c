#!/usr/bin/env python3
"""What is wrong is said in one line that names it and says what would be
accepted; the status is 1 and nothing on the host has changed."""

import gzip
import os
import pathlib
import socket
import struct

import harness
from harness import Case

# Arguments, and what the line must hold.
OPTIONS = [
    (['-kernal', 'x'], "unknown option '-kernal'; did you mean '-kernel'?"),
    (['--serail', 'x'], "did you mean '-serial'?"),
    (['-zzzzzzzz'], "unknown or unsupported option '-zzzzzzzz'"),
    (['-netdev', 'user,id=n'], "'-netdev'"),
    (['-m'], '-m needs an argument: SIZE'),
    (['-kernel'], '-kernel needs an argument'),
    (['a', 'b'], "'a' and 'b'"),
    (['-m', '0'], 'a machine needs memory'),
    (['-m', '3b'], '-m: 3 bytes is too little'),
    (['-m', '1P'], '-m'),
    (['-m', '17E'], 'more than 64 bits can hold'),
    (['-m', '99999999999999999999'], 'more than 64 bits can hold'),
    (['-m', '12x'], "'12x' is not a size"),
    (['-m', '-5'], "'-5' is not a size"),
    (['-m', '1.M'], "'1.M' is not a size"),
    (['-m', ''], "'' is not a size"),
    (['-m', 'slots=2'], "unknown property 'slots'"),
    (['-m', '256,maxmem=1G'], "unknown property 'maxmem'"),
    (['-smp', '33'], 'at most 32 CPUs'),
    (['-smp', '0'], 'cpus=0: wanted 1 to'),
    (['-smp', '4294967298'], '4294967298 is too large'),
    (['-smp', '3,cores=2'], '3 processors in units of 2'),
    (['-smp', '2,maxcpus=4'], 'maxcpus=4: none can be added'),
    (['-smp', 'sockets=100,cores=100'], '10000 processors in units of'),
    (['-smp', 'x'], "'x' is not a number"),
    (['-smp', '1,cors=1'], "did you mean 'cores'?"),
    (['-M', 'vritual'], 'virt'),
    (['-M', 'virt,dumpdbt=x'], "did you mean 'dumpdtb'?"),
    (['-M', 'virt,aai=aplic'], "did you mean 'aia'?"),
    (['-M', 'virt,usb=on'], 'accepted is off'),
    (['-M', 'virt,usb=maybe'], 'on and off'),
    (['-M', 'virt,accel=kvm'], '-accel kvm: not in this build'),
    (['-accel', 'kvm'], 'accepted are interp and jit'),
    (['-accel', 'intrep'], "did you mean 'interp'?"),
    (['-accel', 'tcg,thread=none'], 'thread'),
    (['-accel', 'jit,tb-size=0'], 'tb-size=0: expected 1 to 1024 MiB'),
    (['-accel', 'jit,tb-size=1025'], 'expected 1 to 1024 MiB'),
    (['-accel', 'jit,tb-size='], 'expected 1 to 1024 MiB'),
    (['-accel', 'jit,tb-size=-1'], 'expected 1 to 1024 MiB'),
    (['-accel', 'jit,tb-size=1M'], 'expected 1 to 1024 MiB'),
    (['-accel', 'jit,tb-size=99999999999999999999'], 'expected 1 to'),
    (['-jit', 'no-pin'], "did you mean 'no-pins'?"),
    (['-jit', 'pins'], 'expected no-NAME'),
    (['-jit', 'no-pins,'], 'expected no-NAME'),
    (['-jit', ''], 'expected no-NAME'),
    (['-jit', 'no-' + 'x' * 40], 'expected no-NAME'),
    (['-cpu', 'rv63'], 'rv6'),
    (['-cpu', 'rv64,zbx=on'], 'zb'),
    (['-cpu', 'max,v=on'], "-cpu max,v=on: unknown feature 'v'\n"),
    (['-M', 'pc', '-bios', 'none'], "-bios none"),
    (['-bios', 'none'], '-bios none: nothing to run; wanted -kernel FILE'),
    (['-M', 'virt', '-hda', 'disk', '-bios', 'none'],
     '-bios none: nothing to run; wanted -kernel FILE'),
    (['-M', 'pc', '-cpu', 'qemu65'], "did you mean 'qemu64'"),
    (['-M', 'isapc', '-cpu', '8086'], "bios.bin does not run on a 8086"),
    (['-M', 'pc', '-cpu', '386'], "bios-256k.bin does not run on a 386"),
    (['-M', 'isapc', '-cpu', '386', '-kernel', 'x'], "fw_cfg"),
    (['-M', 'microvm'], "wanted a -kernel"),
    (['-M', 'missing.dts'], 'missing.dts'),
    (['-M', 'missing.dtb'], 'missing.dtb'),
    (['-M', 'folder.dtb'], 'folder.dtb'),
    (['-M', 'noise.dtb'], 'noise.dtb'),
    (['-M', 'cut.dtb'], 'cut.dtb'),
    (['-M', 'empty.dtb'], 'empty.dtb'),
    (['-M', 'noise.dts'], 'noise.dts'),
    (['-device', ''], 'no device is named'),
    (['-device', 'virtio-blk-pic'], "did you mean 'virtio-blk-pci'"),
    (['-device', 'nonsense'], 'virtio-rng-device, ide-hd, ide-cd, floppy'),
    (['-device', 'plic'], 'part of a board'),
    (['-device', '{"driver":"x"}'], 'JSON'),
    (['-device', 'virtio-blk-pci'], 'drive'),
    (['-device', 'virtio-blk-pci,drive=d9'], "'d9'"),
    (['-device', 'virtio-rng-pci,max-byts=1'], 'max-byts'),
    (['-device', 'virtio-rng-pci,addr=99'], 'addr'),
    (['-device', 'virtio-rng-device,bus=pci.7'], 'bus'),
    (['-device', 'virtio-rng-pci,,x'], 'virtio-rng-pci,x'),
    (['-device', 'virtio-rng-pci,=x'], "has no key"),
    (['-device', 'virtconsole,chardev=c'], 'virtio-serial'),
    (['-device', 'virtio-console-pci,chardev=c'], "-chardev with id 'c'"),
    (['-device', 'virtio-blk-pc,help'], "did you mean 'virtio-blk-pci'"),
    (['-M', 'pc', '-device', 'VGA,romfile=nonsense'],
     'romfile=nonsense: not in the usual folders nor in those of -L; install '
     'the package seabios'),
    (['-M', 'pc', '-device', 'VGA,vgamem_mb=3'], 'want a power of 2'),
    (['-device', 'VGA'], 'this board has no I/O ports'),
    (['-vga', 'cirrus'], 'accepted are std, cga, cga-composite, hercules'),
    (['-rtc', 'base=local'], 'accepted are utc, localtime and a date'),
    (['-rtc', 'base=2023-02-29'], 'base=2023-02-29: accepted are'),
    (['-rtc', 'base=1969-12-31'], 'of 1970 to 2399'),
    (['-rtc', 'base=2000-01-01T24:00:00'], 'accepted are'),
    (['-rtc', 'base=2000-01-01T'], 'accepted are'),
    (['-rtc', 'base=2000-1-1'], 'accepted are'),
    (['-rtc', 'base='], 'accepted are'),
    (['-rtc', 'clock=rt'], 'accepted are host and vm'),
    (['-action', 'reboot=pause'], "unknown reboot 'pause'"),
    (['-action', 'shutdown=off'], "unknown shutdown 'off'"),
    (['-action', 'panic=exit'], "unknown panic 'exit'"),
    (['-action', 'watchdog=reset'], "unknown property 'watchdog'"),
    (['-action', 'none'], "unknown property"),
    (['-rtc', 'bas=utc'], "did you mean 'base'?"),
    (['-icount', 'auto'], 'shift=0 to 10'),
    (['-icount', 'shift=99'], 'at most 10'),
    (['-icount', 'shift=1,sleep=on'], 'accepted is off'),
    (['-icount', 'align=off'], 'shift'),
    (['-seed', '1'], '-seed needs -icount'),
    (['-seed', 'x', '-icount', '1'], "'x' is not a number"),
    (['-append', 'x'], '-append needs a -kernel'),
    (['-initrd', 'noise'], '-initrd needs a -kernel'),
    (['-kernel', 'noise', 'noise.elf'], "noise"),
    (['-drive', 'if=none'], 'no file=FILE'),
    (['-drive', 'file='], 'no file=FILE'),
    (['-drive', 'disk'], "unknown property 'disk'"),
    (['-drive', 'file=disk,format=qcow2'], 'accepted is raw'),
    (['-drive', 'file=disk,if=ied'], "did you mean 'ide'?"),
    (['-drive', 'file=disk,cache=writeback2'], "did you mean 'writeback'?"),
    (['-drive', 'file=disk,readonly=maybe'], 'on and off'),
    (['-drive', 'file=disk,index=99'], 'at most 31'),
    (['-drive', 'file=disk,media=tape'], 'disk or cdrom'),
    (['-drive', 'file=disk,discard=x'], 'discard'),
    (['-drive', 'file=missing'], 'missing: No such file'),
    (['-drive', 'file=folder'], 'is a directory'),
    (['-drive', 'file=empty'], '0 bytes are no disk'),
    (['-drive', 'file=tiny'], '5 bytes are no disk'),
    (['-drive', 'file=odd'], 'sectors of 512 (truncated?); readonly=on'),
    (['-drive', 'file=/dev/zero'], 'neither a file nor a disk'),
    (['-drive', 'file=fifo'], 'neither a file nor a disk'),
    (['-drive', 'file=image.qcow2'], 'qcow2'),
    (['-drive', 'file=disk,id=a', '-drive', 'file=disk2,id=a'], "'a' already"),
    (['-drive', 'file=disk', '-drive', 'file=disk'], 'disk: is in use'),
    (['-drive', 'file=disk,index=1', '-drive', 'file=disk2,index=1'],
     'index 1'),
    (['-M', 'pc', '-hda', 'disk', '-hdb', 'disk'], 'another drive or machine'),
    (['-M', 'pc', '-hda', 'disk', '-hda', 'disk2'], "drive 'hda' already"),
    (['-M', 'pc', '-hda', 'disk', '-drive', 'file=disk2,index=0'], 'index 0'),
    (['-M', 'pc', '-hdc', 'disk', '-cdrom', 'disk2'], 'index 2'),
    (['-M', 'pc', '-fda', 'odd'], 'sectors of 512 (truncated?); readonly=on'),
    (['-M', 'pc', '-cdrom', 'empty'], '0 bytes are no disk'),
    (['-M', 'pc', '-fda', ''], 'no file is named'),
    (['-M', 'pc', '-drive', 'if=floppy,index=2'], 'there are 2 floppy drives'),
    (['-boot', 'order=c,drives=x'], "unknown property 'drives'"),
    (['-boot', 'c'], 'takes no order; that of pc'),
    (['-M', 'pc', '-vga', 'cga'], 'this board has none; isapc has'),
    (['-drive', 'file=disk,id=a', '-device', 'virtio-blk-pci,drive=a'],
     'if=none'),
    (['-drive', 'file=disk,unit=1'], 'unit=1: at most 0'),
    (['-drive', 'file=disk,if=pflash,unit=4'], 'no flash bank 4'),
    (['-drive', 'file=disk,if=pflash,index=4'], 'no flash bank 4'),
    (['-drive', 'file=disk,if=pflash,unit=2'], 'no such flash bank'),
    (['-M', 'pc', '-drive', 'file=disk,if=pflash,unit=1'],
     'bank 1 has a drive, and bank 0 none'),
    (['-M', 'pc', '-pflash', 'disk', '-bios', 'disk2'],
     '-bios disk2: the firmware is in flash'),
    (['-M', 'pc', '-pflash', 'disk'], 'want at least 131072 bytes'),
    (['-M', 'pc', '-pflash', 'huge'], 'flash takes 8388608 bytes'),
    (['-pflash', ''], 'no file'),
    (['-pflash', 'missing'], '-pflash: missing: No such file'),
    (['-drive', 'file=disk,if=pflash,unit=0', '-drive',
      'file=disk2,if=pflash,unit=0'], 'two drives have index 0'),
    (['-pflash', 'disk', '-M', 'virt,pflash0=x'], "no drive of that id"),
    (['-blockdev', 'file,node-name=x,filename=disk', '-M', 'virt,pflash0=x',
      '-device', 'virtio-blk-pci,drive=x'], 'pflash0=x: in use already'),
    (['-blockdev', 'file,node-name=x,filename=disk', '-M', 'virt,pflash0=x',
      '-pflash', 'disk2'], 'two drives for flash bank 0'),
    (['-blockdev', 'node-name=x,filename=disk'], 'no driver=file'),
    (['-blockdev', 'qcow2,node-name=x,filename=disk'], 'file or raw'),
    (['-blockdev', 'raw,node-name=x,file=y'], "unknown property 'file'"),
    (['-blockdev', 'raw,node-name=x'], 'wants file.driver=file'),
    (['-blockdev', 'file,filename=disk'], 'no node-name=ID'),
    (['-blockdev', 'file,node-name=x'], 'no filename=FILE'),
    (['-blockdev', '{"driver":"file"}'], 'JSON'),
    (['-fw_cfg', 'opt/x'], 'either file=FILE or string=TEXT'),
    (['-fw_cfg', 'opt/x,string=a,file=disk'], 'either file=FILE or'),
    (['-fw_cfg', 'string=a'], 'no name is given'),
    (['-fw_cfg', 'opt/x,file=missing'], '-fw_cfg: file missing: No such'),
    (['-fw_cfg', 'x' * 56 + ',string=a'], 'wanted 1 to 55 characters'),
    (['-fw_cfg', 'opt/x,string=a', '-fw_cfg', 'opt/x,string=b'],
     'there is a file of that name'),
    (['-smbios', 'type=1,,x'], '-smbios'),
    (['-smbios', 'type=1,uuid=1234'], 'wanted 8-4-4-4-12 hexadecimal digits'),
    (['-uuid', '00112233-4455-6677-8899-aabbccddeef'], '8-4-4-4-12'),
    (['-uuid', '00112233-4455-6677-8899-aabbccddeeff0'], '8-4-4-4-12'),
    (['-M', 'pc', '-smbios', 'type=1,serail=x'], "did you mean 'serial'"),
    (['-M', 'virt', '-smbios', 'type=1,serial=x'], '-smbios: wanted a board'),
    (['-M', 'virt,acpi=on'], 'acpi=on is not supported'),
    (['-drive', 'file=disk,id=a,if=none', '-device',
      'virtio-blk-pci,drive=a', '-device', 'virtio-blk-pci,drive=a'],
     'in use already'),
    (['-hda', 'missing'], '-hda: missing: No such file'),
    (['-hda', ''], 'no file is named'),
    (['-display', 'sdll'], "did you mean 'sdl'"),
    (['-M', 'virt', '-display', 'curses', '-nographic'],
     'does not go together with -nographic'),
    (['-M', 'virt', '-display', 'curses', '-serial', 'stdio'],
     '-display curses has the terminal'),
    (['-serial', 'tcp::1234'], 'unix:PATH'),
    (['-serial', 'sdtio'], "did you mean 'stdio'?"),
    (['-serial', 'file:'], 'no file is named'),
    (['-serial', 'file:none/x'], 'none/x: No such file'),
    (['-serial', 'file:folder'], 'folder: Is a directory'),
    (['-serial', 'unix:'], 'no socket path'),
    (['-serial', 'unix:s,server,nodelay'], "unknown property 'delay'"),
    (['-serial', 'unix:s,wait=on'], 'server=on'),
    (['-serial', 'unix:missing'], 'missing: No such file'),
    (['-serial', 'unix:noise,server'], 'not a socket'),
    (['-serial', 'unix:live,server,nowait'], 'listens here'),
    (['-serial', 'unix:' + 'x' * 200 + ',server'], 'at most'),
    (['-serial', 'stdio', '-serial', 'stdio'], 'in use'),
    (['-serial', 'stdio', '-monitor', 'stdio'], 'in use'),
    (['-serial', 'chardev:c'], "-chardev with id 'c'"),
    (['-serial', 'null'] * 5, 'more than 4'),
    (['-serial', 'null', '-serial', 'file:new'],
     'the board has 1 serial line, none for this one'),
    (['-debugcon', 'paper'], 'paper'),
    (['-parallel', 'paper'], 'paper'),
    (['-M', 'pc', '-parallel', 'null', '-parallel', 'null'], 'more than one'),
    (['-M', 'virt', '-parallel', 'null'], '-parallel: this board has no such'),
    (['-parallel', 'stdio', '-serial', 'stdio'], 'in use'),
    (['-parallel', 'chardev:c'], "-chardev with id 'c'"),
    (['-M', 'virt', '-debugcon', 'null'], 'isa-debugcon'),
    (['-chardev', 'file,path=x'], 'no id=ID'),
    (['-chardev', 'file,id=c'], 'no path=FILE'),
    (['-chardev', 'fiel,id=c'], "did you mean 'file'?"),
    (['-chardev', 'id=c'], 'no kind'),
    (['-chardev', 'pty,id=c,path=x'], "unknown property 'path'"),
    (['-chardev', 'null,id=c', '-chardev', 'null,id=c'], "'c' already"),
    (['-chardev', 'null,id=c', '-serial', 'chardev:c', '-serial',
      'chardev:c'], 'in use already'),
    (['-chardev', 'null,id=c', '-serial', 'chardev:c', '-mon', 'chardev=c'],
     'mux=on'),
    (['-mon', 'mode=readline'], 'no chardev=ID'),
    (['-mon', 'chardev=c,mode=control'], 'accepted is readline'),
    (['-mon', 'c'], "emu: -mon: there is no -chardev with id 'c'"),
    (['-monitor', 'chardev:c'],
     "emu: -monitor: there is no -chardev with id 'c'"),
    (['-echr', '300'], 'at most 255'),
    (['-echr', 'a'], "'a' is not a number"),
    (['-timeout', '0'], 'above 0'),
    (['-timeout', '-1'], 'above 0'),
    (['-timeout', 'inf'], 'above 0'),
    (['-timeout', '1e99'], 'above 0'),
    (['-timeout', '5s'], 'above 0'),
    (['-d', 'in_sam'], "did you mean 'in_asm'"),
    (['-d', 'in_asm,,int'], "''"),
    (['-D', 'none/x'], '-D none/x: No such file'),
    (['-D', 'folder'], '-D folder: Is a directory'),
    (['-pidfile', 'fifo'], '-pidfile fifo: '),
    (['-pidfile', 'none/x'], '-pidfile none/x: No such file'),
    (['-net', 'user'], 'accepted is none'),
    (['-name', 'x,process=y'], "unknown property 'process'"),
    (['-M', 'virt,aia=imsic'],
     'aia=imsic: accepted are none, aplic, aplic-imsic'),
    (['-M', 'virt,aia-guests=3'], 'aia-guests=3: accepted are 0'),
    (['-M', 'virt,aclint=yes'], 'aclint=yes: accepted are off, on'),
    (['-M', 'pc,aia=aplic'], "this board has no option 'aia'"),
    (['-M', 'none.dts,aia=none'], 'a board of a file has no options'),
    (['-M', 'virt,dumpdtb=none/x'], 'none/x: No such file'),
    (['missing'], 'missing: No such file'),
    (['folder'], 'folder'),
    (['fifo'], 'only once'),
    (['/dev/zero'], 'a device'),
    (['noise'], 'noise'),
    (['empty'], 'empty'),
    (['\x1b[2J\nmore'], 'more'),
]
for option in ('-kernel', '-bios', '-initrd', '-dtb'):
    before = ['-kernel', 'good.elf'] if option == '-initrd' else []
    for name, text in (('missing', 'No such file'), ('folder', 'a folder'),
                       ('empty', 'empty'), ('/dev/zero', 'a device'),
                       ('/dev/tty', 'a device')):
        # An empty initial RAM disk is none.
        if (option, name) != ('-initrd', 'empty'):
            OPTIONS.append(([*before, option, name], f'{name}.*{text}'))
OPTIONS += [
    (['-kernel', 'noise'], '-kernel noise: '),
    (['-kernel', 'x86.elf'], 'x86.elf'),
    (['-kernel', 'cut.elf'], 'cut.elf'),
    (['-kernel', 'cut.gz'], 'cut.gz'),
    (['-kernel', 'high.elf'], 'high.elf'),
    (['-dtb', 'noise.dtb'], 'noise.dtb'),
    (['-dtb', 'cut.dtb'], 'cut.dtb'),
    (['-bios', 'x86.elf'], 'x86.elf'),
    (['-bios', 'huge', '-m', '64'], 'huge'),
    (['-kernel', 'good.elf', '-bios', 'none', '-m', '64', '-initrd', 'huge'],
     'huge'),
    (['-L', 'folder', '-bios', 'nonsense.bin'], 'nonsense.bin'),
    (['-L', 'missing'], '-L missing: No such file'),
    (['-L', 'tiny'], '-L tiny: wanted a folder'),
    (['-L', ''], '-L : No such file'),
    (['-bios', ''], '-bios : No such file'),
    (['-M', 'pc', '-bios', ''], '-bios : No such file'),
    (['-M', 'pc', '-bios', 'missing'], '-bios missing: No such file'),
    (['-M', 'pc', '-bios', 'folder'], '-bios folder: a folder'),
    (['-M', 'pc', '-bios', './empty'], '-bios ./empty: the file is empty'),
    (['-M', 'isapc', '-bios', 'huge'], '-bios huge'),
    (['-M', 'microvm', '-bios', 'missing', '-kernel', 'x86.elf'],
     '-bios missing: this board starts kernels without one'),
    (['-M', 'pc', '-device', 'VGA,romfile=folder'],
     'romfile folder: a folder'),
    (['-M', 'pc', '-device', 'VGA,romfile=huge'], 'romfile huge'),
]


def elf(machine=243, entry=0x80000000, data=b'\x6f\0\0\0', bits=2):
    """A 64-bit program of one segment: `j .`"""
    head = struct.pack('<16sHHIQQQIHHHHHH',
                       b'\x7fELF' + bytes([bits, 1, 1]), 2, machine, 1,
                       entry, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return head + struct.pack('<IIQQQQQQ', 1, 7, 120, entry, entry,
                              len(data), len(data), 4096) + data


class BadInput(Case):
    maxDiff = None

    def setUp(self):
        super().setUp()
        noise = bytes(range(255, 0, -1)) * 40
        for name in ('noise', 'noise.dtb', 'noise.dts', 'noise.elf'):
            self.file(name, noise)
        for name in ('empty', 'empty.dtb'):
            self.file(name)
        self.file('tiny', b'short')
        self.file('odd', bytes(70001))
        self.file('disk', bytes(65536))
        self.file('disk2', bytes(65536))
        self.file('image.qcow2', b'QFI\xfb' + bytes(1000))
        self.file('good.elf', elf())
        self.file('x86.elf', elf(machine=62))
        self.file('high.elf', elf(entry=1 << 50))
        self.file('cut.elf', elf(data=bytes(5000))[:1000])
        self.file('cut.gz', gzip.compress(os.urandom(5000))[:2000])
        self.file('cut.dtb', struct.pack('>10I', 0xd00dfeed, 4000, 56, 3000,
                                         40, 17, 16, 0, 100, 2900))
        for name in ('folder', 'folder.dtb'):
            (self.folder / name).mkdir()
        os.mkfifo(self.folder / 'fifo')
        with open(self.folder / 'huge', 'wb') as f:
            f.truncate(100 << 20)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.folder / 'live'))
        self.listener.listen()
        self.addCleanup(self.listener.close)

    def contents(self):
        """Everything in the folder: names, kinds, times, sizes."""
        out = {}
        for path in sorted(pathlib.Path(self.folder).rglob('*')):
            st = path.lstat()
            out[str(path)] = (st.st_mode, st.st_size, st.st_mtime_ns)
        return out

    def check(self, args, text):
        before = self.contents()
        got = self.run_emu(*args)
        err = got.stderr.decode(errors='replace')
        self.assertEqual(got.returncode, 1, f'{args}: {err}')
        self.assertEqual(got.stdout, b'', args)
        self.assertEqual(err.count('\n'), 1, f'{args}: {err}')
        self.assertTrue(err.startswith('emu: ') and err.endswith('\n'), err)
        if '.*' in text:
            self.assertRegex(err, text, args)
        else:
            self.assertIn(text, err, args)
        self.assertNotIn('\x1b', err)
        self.assertEqual(self.contents(), before, args)

    def test_options(self):
        for args, text in OPTIONS:
            with self.subTest(args=args):
                self.check(args, text)

    def test_log_on_a_full_disk(self):
        got = self.run_emu('-M', 'virt', '-kernel', 'good.elf', '-bios', 'none',
                           '-display', 'none', '-timeout', '0.2', '-d', 'all',
                           '-D', '/dev/full')
        self.assertIn(b'-D /dev/full: not all of it could be written',
                      got.stderr)
        self.assertEqual(got.returncode, 124)

    def test_firmware_is_missing(self):
        """A board's own: the line names the package that has it."""
        for board, name in (('pc', 'bios-256k.bin'), ('isapc', 'bios.bin')):
            other = name.replace('bios', 'boos')
            path = self.folder / f'{board}.dtb'
            got = self.run_emu('-M', f'{board},dumpdtb={path}')
            self.assertEqual((got.returncode, got.stderr), (0, b''))
            tree = path.read_bytes()
            self.assertIn(name.encode() + b'\0', tree)
            path.write_bytes(tree.replace(name.encode() + b'\0',
                                          other.encode() + b'\0'))
            text = (f'-bios default: no SeaBIOS ({other}) in the usual folders '
                    'nor in those of -L; install the package seabios, or use '
                    '-bios FILE\n')
            for more in ([], ['-L', 'folder'], ['-bios', 'default']):
                with self.subTest(board=board, more=more):
                    self.check(['-M', str(path), *more], text)
            # One that is found there, but is none.
            (self.folder / 'folder' / other).mkdir()
            self.check(['-M', str(path), '-L', 'folder'], ': a folder')

    def test_nothing_is_emptied(self):
        """A wrong option beside outputs that exist, or do not yet."""
        self.file('old', b'precious')
        for args in (['-serial', 'file:old', '-D', 'old2', '-pidfile', 'pid',
                      '-chardev', 'socket,id=s,path=sock,server=on,wait=off',
                      '-kernel', 'missing'],
                     ['-serial', 'file:old', '-serial', 'file:new',
                      '-monitor', 'unix:noise,server'],
                     ['-serial', 'file:old', '-D', 'none/x', '-pidfile',
                      'pid'],
                     ['-serial', 'file:old', '-D', 'none/x', '-drive',
                      'file=disk']):
            with self.subTest(args=args):
                self.check(args, '')

    def test_a_read_only_file(self):
        """Opened for writing: the line says what would take it."""
        if os.geteuid():
            self.file('kept', bytes(4096))
            os.chmod(self.folder / 'kept', 0o444)
            self.check(['-drive', 'file=kept'], 'kept: cannot be written '
                       '(Permission denied); readonly=on or snapshot=on')
            return
        # Root may write whatever the mode says: run as somebody else.
        os.chmod(self.folder, 0o755)
        self.file('kept', bytes(4096))
        os.chmod(self.folder / 'kept', 0o644)
        self.file('secret', bytes(4096))
        os.chmod(self.folder / 'secret', 0o600)
        for args, text in (
                (['-drive', 'file=kept'], 'kept: cannot be written '
                 '(Permission denied); readonly=on or snapshot=on'),
                (['-drive', 'file=secret'], 'secret: Permission denied'),
                (['-serial', 'file:kept'], 'kept: Permission denied'),
                (['-serial', 'file:new'], 'new: Permission denied'),
                (['-kernel', 'secret'], 'secret: Permission denied')):
            with self.subTest(args=args):
                got = self.run_emu(*args, user=65534, group=65534,
                                   extra_groups=[])
                self.assertEqual(got.returncode, 1)
                self.assertIn(text, got.stderr.decode())
                self.assertEqual(got.stderr.count(b'\n'), 1)
        got = self.run_emu('-drive', 'file=kept,readonly=on', '-timeout',
                           '0.1', user=65534, group=65534, extra_groups=[])
        self.assertEqual(got.returncode, 124, got.stderr)

    def test_text_that_cannot_be_written(self):
        with open('/dev/full', 'wb') as f:
            p = self.start_emu('-help', stdout=f)
            self.assertEqual(p.wait(harness.LONG), 1)
        self.assertIn(b'standard output', p.stderr.read())

    def test_a_warm_socket_is_left_alone(self):
        self.check(['-serial', 'unix:live,server,nowait'], 'listens here')
        c = socket.socket(socket.AF_UNIX)
        c.connect(str(self.folder / 'live'))
        c.close()


class Crazy(Case):
    """Arguments that nobody would give."""

    def test_no_argument_crashes(self):
        import random
        rng = random.Random(2024)
        words = ['-m', '-M', '-drive', '-device', '-serial', '-chardev',
                 '-mon', '-icount', '-cpu', '-d', '-name', '-rtc', '-echr',
                 '-smp', '-accel', '-timeout', 'file=x', 'id=a', ',,', '=',
                 'virt', 'help', '?', ',', '0x', '-', '--', '1e9', '%s%n',
                 'unix:', 'mon:', 'virtio-blk-pci,drive=a', '\xff\xfe',
                 'x' * 3000, 'socket,path=y,id=z', 'bus=', 'none', 'null',
                 'file,id=c,path=/nonexistent/x', 'shift=', '-S', '-version']
        for _ in range(300):
            args = [rng.choice(words) + rng.choice(['', rng.choice(words)])
                    for _ in range(rng.randrange(1, 5))]
            got = self.run_emu('-timeout', '0.05', '-display', 'none',
                               '-bios', 'missing', *args)
            self.assertIn(got.returncode, (0, 1), (args, got.stderr))
            if got.returncode:
                self.assertEqual(got.stderr.count(b'\n'), 1,
                                 (args, got.stderr))


if __name__ == '__main__':
    harness.main()
