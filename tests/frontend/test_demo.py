#!/usr/bin/env python3
"""The emulator as built, with its own demo guest and with small programs."""

import errno
import os
import pathlib
import re
import signal
import struct
import subprocess
import time

import harness
from harness import Case

CTRL_A = b'\x01'
FINISHER = 0x100000
UART = 0x10000000


def lui(rd, value):
    return struct.pack('<I', value & 0xfffff000 | rd << 7 | 0x37)


def addi(rd, rs, value):
    return struct.pack('<I', (value & 0xfff) << 20 | rs << 15 | rd << 7 | 0x13)


def sw(rs, base, offset=0):
    return struct.pack('<I', (offset >> 5) << 25 | rs << 20 | base << 15 |
                       2 << 12 | (offset & 31) << 7 | 0x23)


def sb(rs, base):
    return struct.pack('<I', rs << 20 | base << 15 | 0x23)


LOOP = b'\x6f\0\0\0'


def finisher(value):
    """A program that writes value to the finisher."""
    high = (value + 0x800) & 0xfffff000
    return lui(5, FINISHER) + lui(6, high) + addi(6, 6, value - high) + \
        sw(6, 5) + LOOP


def program(code, entry=0x80000000):
    head = struct.pack('<16sHHIQQQIHHHHHH', b'\x7fELF\x02\x01\x01', 2, 243, 1,
                       entry, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return head + struct.pack('<IIQQQQQQ', 1, 7, 120, entry, entry,
                              len(code), len(code), 4096) + code


def status_of(t):
    """What a terminal's monitor says of the machine; it may change yet."""
    t.send('info status\r')
    return t.expect(rb'VM status: ([^\r]*)')[1].decode()


class Text(Case):
    """What is asked for goes to stdout, and nothing to stderr."""

    def ask(self, *args):
        got = self.run_emu(*args)
        self.assertEqual((got.returncode, got.stderr), (0, b''), args)
        self.assertTrue(got.stdout.endswith(b'\n'))
        return got.stdout.decode()

    def test_version(self):
        first = self.ask('-version').splitlines()[0]
        self.assertRegex(first, r'\bversion \d+\.\d+\.\d+')
        self.assertEqual(self.ask('--version').splitlines()[0], first)

    def test_help_and_manual_list_every_option(self):
        text = self.ask('-help')
        self.assertEqual(self.ask('--help'), text)
        self.assertLess(max(map(len, text.splitlines())), 110)
        options = re.findall(r'^  -(\S+)', text, re.M)
        self.assertGreater(len(options), 40)
        self.assertEqual(len(options), len(set(options)))
        manual = self.ask('-man')
        in_manual = re.findall(r'^\\fB\\-(\S+?)\\fR', manual, re.M)
        self.assertEqual([o.replace('\\-', '-') for o in in_manual], options)
        for name in ('124', '125', '126'):
            self.assertIn(name, text)
            self.assertIn(name, manual)

    def test_manual_is_clean(self):
        try:
            got = subprocess.run(['man', '--warnings', '-l', '-'],
                                 input=self.ask('-man').encode(),
                                 capture_output=True, check=False)
        except FileNotFoundError:
            self.skipTest('no man here')
        self.assertEqual(got.stderr, b'')
        self.assertIn(b'EXIT STATUS', re.sub(b'.\b', b'', got.stdout))

    def test_lists(self):
        self.assertIn('virt ', self.ask('-M', 'help'))
        self.assertIn('virt ', self.ask('-machine', '?'))
        for name in ('virtio-blk-pci', 'isa-debug-exit', 'pvpanic', 'VGA',
                     'gameport'):
            self.assertIn(f'  {name} ', self.ask('-device', 'help'))
        self.assertIn('drive=', self.ask('-device', 'virtio-blk-pci,help'))
        self.assertIn('in_asm', self.ask('-d', 'help'))
        self.assertIn('rv64', self.ask('-cpu', 'help'))
        self.assertIn('interp', self.ask('-accel', 'help'))
        self.assertIn('pty', self.ask('-chardev', 'help'))
        self.assertIn('hercules ', self.ask('-vga', 'help'))
        self.assertIn(r'Ctrl\-Alt\-G', self.ask('-man'))

    def test_dumpdtb(self):
        got = self.run_emu('-M', 'virt,dumpdtb=tree.dtb', '-m', '512')
        self.assertEqual((got.returncode, got.stdout, got.stderr),
                         (0, b'', b''))
        tree = (self.folder / 'tree.dtb').read_bytes()
        self.assertEqual(tree[:4], b'\xd0\x0d\xfe\xed')
        self.assertIn(struct.pack('>QQ', 0x80000000, 512 << 20), tree)

    def test_dumped_board_runs(self):
        self.run_emu('-M', 'virt,dumpdtb=tree.dtb', '-m', '64')
        for option in ('-M', '-dtb'):
            t = self.terminal(option, 'tree.dtb')
            t.expect('0 failed')
            t.send(CTRL_A + b'x')
            self.assertEqual(t.wait(), 0)

    def test_board_without_boot_rom(self):
        self.run_emu('-M', 'virt,dumpdtb=tree.dtb')
        tree = (self.folder / 'tree.dtb').read_bytes()
        self.file('bad.dtb', tree.replace(struct.pack('>QQ', 0x1000, 0xf000),
                                          struct.pack('>QQ', 0x8000, 0x1000)))
        got = self.run_emu('-M', 'bad.dtb')
        self.assertEqual(got.returncode, 1)
        self.assertRegex(got.stderr, rb'\A[^\n]*bad.dtb: [^\n]*0x1000[^\n]*'
                         rb'emu,boot-rom[^\n]*\n\Z')


class TrapLoop(Case):
    """A hart whose trap vector faults retires nothing any more."""

    # csrwi mtvec,16; ecall; j .
    MACHINE = (0x30585073, 0x00000073, 0x0000006f)
    # mtvec = 1f; mtimecmp = mtime + 200 ms; mie = MTIE; fetch faults go to S,
    # whose stvec is 16; mret to S at 16.  1: the finisher's power-off.
    SUPERVISOR = (
        0x00000297, 0x05028293, 0x30529073, 0x0200c2b7, 0xff82829b,
        0x0002b303, 0x001e83b7, 0x4803839b, 0x00730333, 0x020042b7,
        0x0062b023, 0x08000293, 0x30429073, 0x30215073, 0x10585073,
        0x000012b7, 0x8002829b, 0x30029073, 0x34185073, 0x30200073,
        0x001002b7, 0x00005337, 0x5553031b, 0x0062a023, 0x0000006f)

    TOLD = 'cpu 0: a trap at 0x10, where the trap handler begins'

    def code(self, words):
        return self.file('code', struct.pack(f'<{len(words)}I', *words))

    def test_it_ends_as_any_other(self):
        code = self.code(self.MACHINE)
        for more in ((), ('-icount', '1')):
            t = self.terminal('-bios', code, '-d', 'guest_errors', *more)
            t.expect(self.TOLD)
            t.send(CTRL_A + b'c')
            t.expect('(emu) ')
            t.send('info registers\r')
            t.expect('0000000000000010  priv M')
            t.send('quit\r')
            self.assertEqual(t.wait(), 0)
            p = self.start_emu('-bios', code, '-d', 'guest_errors', *more)
            self.assertIn(self.TOLD.encode(), p.stderr.readline())
            p.terminate()
            self.assertEqual(p.wait(harness.LONG), 143)

    def test_timers_go_on(self):
        code = self.code(self.SUPERVISOR)
        for more in ((), ('-icount', '6'), ('-accel', 'jit')):
            got = self.run_emu('-bios', code, *more)
            self.assertEqual((got.returncode, got.stdout), (0, b''), more)


class Demo(Case):
    def test_alone(self):
        t = self.terminal()
        t.expect('Ctrl-A X ends it')
        t.expect('0 failed')
        t.expect('emu> ')
        self.assertTrue(t.raw())
        t.send('help\r')
        t.expect('emu> ')
        t.send(CTRL_A + b'c')
        t.expect('(emu) ')
        t.send('info registers\r')
        t.expect('pc')
        t.expect('(emu) ')
        t.send('system_reset\r' + CTRL_A.decode() + 'c')
        t.expect('emu demo guest')
        t.expect('emu> ')
        t.send(CTRL_A + b'x')
        self.assertEqual(t.wait(), 0)
        self.assertTrue(t.restored())

    def test_power_off(self):
        t = self.terminal()
        t.expect('0 failed')
        t.expect('emu> ')
        t.send('echo one two\r')
        t.expect(rb'one two\s+one two\s')
        t.send('poweroff\r')
        self.assertEqual(t.wait(), 0)
        self.assertTrue(t.restored())

    def test_power_off_is_a_pause(self):
        for options in (['-no-shutdown'], ['-action', 'shutdown=pause']):
            t = self.terminal(*options)
            for _ in range(2):
                t.expect('emu> ')
                t.send('poweroff\r')
                t.expect('poweroff')
                t.send(CTRL_A + b'c')
                t.expect('(emu) ')
                self.wait_for(lambda: status_of(t) == 'paused (shutdown)',
                              'the end')
                t.send('cont\r')
                t.expect('system_reset starts it again')
                t.send('system_reset\r')
                self.assertEqual(status_of(t), 'paused')
                t.send('cont\r' + CTRL_A.decode() + 'c')
                t.expect('demo guest')
            t.send(CTRL_A + b'x')
            self.assertEqual(t.wait(), 0)

    def test_on_pipes_no_line_is_ours(self):
        p = self.start_emu('-no-reboot')
        for line in p.stdout:
            if b'emu demo guest' in line:
                break
        p.terminate()
        _, err = p.communicate(timeout=harness.LONG)
        self.assertEqual(p.returncode, 143)
        self.assertRegex(err, rb'\A[^\n]*signal 15[^\n]*\n\Z')

    def test_idle(self):
        t = self.terminal()
        t.expect('emu> ')
        self.wait_for(lambda: harness.asleep(t.pid), 'idle')
        before = harness.cpu_seconds(t.pid)
        time.sleep(2)
        self.assertLess(harness.cpu_seconds(t.pid) - before, 0.15)
        t.send(CTRL_A + b'x')
        self.assertEqual(t.wait(), 0)

    def test_stop_and_cont(self):
        t = self.terminal('-S')
        t.send(CTRL_A + b'c')
        t.expect('(emu) ')
        t.send('info status\r')
        t.expect('paused')
        self.assertNotIn(b'demo guest', t.text)
        t.send('cont\r' + CTRL_A.decode() + 'c')
        t.expect('demo guest')
        t.send(CTRL_A + b'c' + b'stop\r')
        t.expect('stop')
        self.wait_for(lambda: harness.asleep(t.pid), 'stopped')
        before = harness.cpu_seconds(t.pid)
        time.sleep(0.5)
        self.assertLess(harness.cpu_seconds(t.pid) - before, 0.1)
        t.send('info registers\rcont\rquit\r')
        t.expect('pc')
        self.assertEqual(t.wait(), 0)

    def test_monitor_while_it_works(self):
        """Registers of a machine that runs at full speed."""
        t = self.terminal('-kernel', self.file('loop.elf', program(LOOP)),
                          '-bios', 'none')
        t.send(CTRL_A + b'c')
        t.expect('(emu) ')
        for _ in range(20):
            t.send('info registers\r')
            t.expect('pc')
            t.expect('(emu) ')
        t.send('stop\rcont\rstop\rsystem_reset\rcont\rq\r')
        self.assertEqual(t.wait(), 0)


class Programs(Case):
    def run_program(self, code, *args):
        return self.run_emu('-kernel', self.file('p.elf', program(code)),
                            '-bios', 'none', '-timeout', '600', *args)

    def test_statuses(self):
        for value, status in ((0x5555, 0), (0x3333 | 1 << 16, 1),
                              (0x3333 | 77 << 16, 77),
                              (0x3333 | 256 << 16, 1),
                              (0x3333 | 0x1ff << 16, 255)):
            got = self.run_program(finisher(value))
            self.assertEqual(got.returncode, status, got.stderr)
            self.assertEqual(got.stderr.count(b'\n'), 1 if status else 0)

    def test_reset(self):
        got = self.run_program(finisher(0x7777), '-no-reboot')
        self.assertEqual(got.returncode, 0, got.stderr)
        self.assertIn(b'-no-reboot', got.stderr)

    def test_reset_again_and_again(self):
        got = self.run_emu('-kernel',
                           self.file('p.elf', program(finisher(0x7777))),
                           '-bios', 'none', '-timeout', '0.5')
        self.assertEqual(got.returncode, 124)

    def test_a_reset_is_a_pause(self):
        t = self.terminal('-kernel',
                          self.file('p.elf', program(finisher(0x7777))),
                          '-bios', 'none', '-action',
                          'reboot=shutdown,shutdown=pause')
        t.send(CTRL_A + b'c')
        t.expect('(emu) ')
        self.wait_for(lambda: status_of(t) == 'paused (shutdown)', 'the end')
        t.send('q\r')
        self.assertEqual(t.wait(), 0)

    # out 0x505, 1: pvpanic; out 0xf4, 3: status 7; hlt; at FFFFFFF0.
    PANIC = bytes(0xfff0) + bytes.fromhex('ba0505b001eeb003e6f4f4').ljust(16)

    def panic_args(self, *args):
        return ['-M', 'pc', '-bios', self.file('panic.rom', self.PANIC),
                '-device', 'pvpanic', '-device', 'isa-debug-exit,iobase=0xf4',
                *args]

    def test_panic(self):
        for action, status, text in (
                ('shutdown', 125, b'crashed'), ('exit-failure', 1, b'crashed'),
                ('none', 7, b'failure 7')):
            got = self.run_emu(*self.panic_args('-action', 'panic=' + action),
                               '-timeout', '600')
            self.assertEqual(got.returncode, status, got.stderr)
            self.assertIn(text, got.stderr)
        got = self.run_emu(*self.panic_args())
        self.assertEqual(got.returncode, 125, got.stderr)

    def test_panic_is_a_pause(self):
        t = self.terminal(*self.panic_args('-action', 'panic=pause'))
        t.send(CTRL_A + b'c')
        t.expect('(emu) ')

        def panicked():
            return status_of(t) == 'paused (guest-panicked)'

        self.wait_for(panicked, 'a panic')
        # From the reset vector once more, then on to its end.
        t.send('system_reset\rcont\r')
        self.wait_for(panicked, 'another panic')
        t.send('cont\r')
        self.assertEqual(t.wait(), 7)

    def test_parallel(self):
        """378h: 'P'; a strobe by 37Ah; out 0xf4, 0ch.  At FFFFFFF0."""
        rom = bytes(0xfff0) + bytes.fromhex('ba7803b050ee4242b00deeb00ceee6f4')
        for board in ('pc', 'isapc'):
            got = self.run_emu(
                '-M', board, '-bios', self.file('print.rom', rom), '-parallel',
                'file:paper', '-device', 'isa-debug-exit,iobase=0xf4',
                '-timeout', '600')
            self.assertEqual(got.returncode, 25, got.stderr)
            self.assertEqual((self.folder / 'paper').read_bytes(), b'P')

    def test_output_and_failure(self):
        """Bytes that were written are out before the end."""
        code = lui(7, UART)
        for byte in b'bye\n':
            code += addi(6, 0, byte) + sb(6, 7)
        got = self.run_program(code + finisher(0x3333 | 9 << 16))
        self.assertEqual((got.stdout, got.returncode), (b'bye\n', 9))

    def test_output_faster_than_the_reader(self):
        """A guest that writes for ever, and a reader that sleeps."""
        code = lui(7, UART) + addi(6, 0, ord('x')) + sb(6, 7) + \
            struct.pack('<I', 0xffdff06f)  # j -4
        p = self.start_emu('-kernel', self.file('p.elf', program(code)),
                           '-bios', 'none', '-timeout', '600')
        self.wait_for(lambda: harness.cpu_seconds(p.pid) > 0.02 and
                      harness.asleep(p.pid), 'held')
        with open(f'/proc/{p.pid}/status', encoding='ascii') as f:
            rss = int(re.search(r'VmRSS:\s+(\d+)', f.read())[1])
        if not harness.ARGS.sanitized:
            self.assertLess(rss, 40000)
        before = harness.cpu_seconds(p.pid)
        time.sleep(0.5)
        self.assertLess(harness.cpu_seconds(p.pid) - before, 0.2)
        self.assertEqual(os.read(p.stdout.fileno(), 4096), b'x' * 4096)
        p.terminate()
        self.assertEqual(p.wait(harness.LONG), 143)

    def test_our_own_fault_is_126(self):
        code = lui(7, UART) + addi(6, 0, ord('x')) + sb(6, 7) + LOOP
        p = self.start_emu('-kernel', self.file('l.elf', program(code)),
                           '-bios', 'none')
        self.assertEqual(p.stdout.read(1), b'x')
        p.send_signal(signal.SIGABRT)
        self.assertEqual(p.wait(harness.LONG), 126)

    def test_icount(self):
        out = {self.run_emu('-icount', 'shift=2', '-seed', '5', '-timeout',
                            '600', '-kernel',
                            self.file('p.elf', program(finisher(0x5555))),
                            '-bios', 'none').returncode for _ in range(2)}
        self.assertEqual(out, {0})

    def test_image(self):
        """`emu FILE` finds out what it is."""
        got = self.run_emu(self.file('p.elf', program(finisher(0x5555))),
                           '-bios', 'none', '-timeout', '600')
        self.assertEqual(got.returncode, 0, got.stderr)
        board = pathlib.Path(__file__).resolve().parents[2] / \
            'machine/boards/virt.dts'
        t = self.terminal(str(board))
        t.expect('demo guest')
        t.send(CTRL_A + b'x')
        self.assertEqual(t.wait(), 0)


class Disk(Case):
    def test_u_boot(self):
        """`emu DISK`: the distribution's U-Boot looks for something to
        boot."""
        for package, path in (('u-boot-qemu', '/usr/lib/u-boot/'
                               'qemu-riscv64_smode/uboot.elf'),
                              ('opensbi', '/usr/lib/riscv64-linux-gnu/opensbi/'
                               'generic/fw_dynamic.bin')):
            if not os.path.exists(path):
                self.skipTest(f'no {package} here')
        table = bytearray(8 << 20)
        table[446:462] = struct.pack('<B3xB3xII', 0x80, 0x83, 2048, 14336)
        table[510:512] = b'\x55\xaa'
        t = self.terminal(self.file('disk.img', bytes(table)))
        t.expect('stop autoboot')
        t.send(' ')
        t.expect('=> ')
        t.send('virtio scan; virtio info\r')
        t.expect('Capacity: 8.0 MB')
        t.send('poweroff\r')
        self.assertEqual(t.wait(), 0)
        self.assertTrue(t.restored())


class Compat(Case):
    def test_name(self):
        link = pathlib.Path(harness.ARGS.emulator).parent / 'compat' / \
            'qemu-system-riscv64'
        if not link.is_symlink():
            self.skipTest('no compat/ beside the emulator')
        try:
            got = subprocess.run(
                [link, '-M', 'virt', '-nographic', '-bios', 'none', '-kernel',
                 self.file('p.elf', program(finisher(0x3333 | 7 << 16)))],
                stdin=subprocess.DEVNULL, capture_output=True,
                timeout=harness.LONG, check=False)
        except OSError as err:
            if err.errno != errno.ENOEXEC:
                raise
            self.skipTest("the program is another host's")
        self.assertEqual(got.returncode, 7)
        self.assertTrue(got.stderr.startswith(b'qemu-system-riscv64: '))


if __name__ == '__main__':
    harness.main()
