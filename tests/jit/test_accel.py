#!/usr/bin/env python3
"""-accel jit from the outside: each of its passes left out, what it logs, a
host that refuses it what it needs, a tiny buffer.

    test_accel.py EMULATOR

Each time the guest must come to the same result, by the interpreter where
there is no executable memory, and then with one line of warning.  Exit status
77 (skipped) where this host has no translator.
"""

import ctypes
import platform
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest

EMU = sys.argv.pop(1)
MIB = 1 << 20
WARNING = b'no executable memory is to be had; interpreting instead\n'


def lui(rd, value):
    return value & 0xfffff000 | rd << 7 | 0x37


def i_type(imm, rs, f3, rd, op=0x13):
    return (imm & 0xfff) << 20 | rs << 15 | f3 << 12 | rd << 7 | op


def branch_ne(rs1, rs2, offset):
    return (offset >> 12 & 1) << 31 | (offset >> 5 & 63) << 25 | rs2 << 20 | \
        rs1 << 15 | 1 << 12 | (offset >> 1 & 15) << 8 | \
        (offset >> 11 & 1) << 7 | 0x63


def jal(rd, offset):
    return (offset >> 20 & 1) << 31 | (offset >> 1 & 0x3ff) << 21 | \
        (offset >> 11 & 1) << 20 | (offset >> 12 & 0xff) << 12 | rd << 7 | 0x6f


def program(blocks, rounds):
    """Many short blocks, run in turn; the sum's low bits end the machine."""
    code = [lui(6, rounds << 12), i_type(12, 6, 5, 6)]      # srli x6, x6, 12
    top = len(code)
    for n in range(blocks):
        code += [i_type(n % 2039, 5, 0, 5),                 # addi x5, x5, n
                 i_type(n, 5, 4, 7),                        # xori x7, x5, n
                 7 << 20 | 5 << 15 | 5 << 7 | 0x33,         # add x5, x5, x7
                 branch_ne(0, 0, 8)]                        # never taken
        code += [jal(0, 4)] * (n % 2)
    code += [i_type(-1, 6, 0, 6), branch_ne(6, 0, 8), jal(0, 8)]
    code += [jal(0, 4 * (top - len(code)))]
    code += [i_type(0x7f, 5, 7, 5), i_type(16, 5, 1, 5),    # failure x5
             lui(7, 0x3000), i_type(0x333, 7, 0, 7),
             7 << 20 | 5 << 15 | 5 << 7 | 0x33,
             lui(7, 0x100000), 5 << 20 | 7 << 15 | 2 << 12 | 0x23, jal(0, 0)]
    return b''.join(struct.pack('<I', w) for w in code)


def result(blocks, rounds):
    mask, x5 = (1 << 64) - 1, 0
    for _ in range(rounds):
        for n in range(blocks):
            x5 = x5 + n % 2039 & mask
            imm = n & 0xfff
            imm -= (imm & 0x800) << 1
            x5 = x5 + (x5 ^ imm & mask) & mask
    return x5 & 0x7f


def elf(code, entry=0x80000000):
    head = struct.pack('<16sHHIQQQIHHHHHH', b'\x7fELF\x02\x01\x01', 2, 243, 1,
                       entry, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return head + struct.pack('<IIQQQQQQ', 1, 7, 120, entry, entry,
                              len(code), len(code), 4096) + code


def refuse_memfd():
    """Let memfd_create fail with EPERM."""
    libc = ctypes.CDLL(None, use_errno=True)
    code = b''.join(struct.pack('<HBBI', *i) for i in (
        (0x20, 0, 0, 0),               # load the call's number
        (0x15, 0, 1, 319),             # memfd_create of x86-64?
        (0x06, 0, 0, 0x00050001),      # EPERM
        (0x06, 0, 0, 0x7fff0000)))     # else allow
    buffer = ctypes.create_string_buffer(code, len(code))
    filters = struct.pack('<HxxxxxxQ', 4, ctypes.addressof(buffer))
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, filters, 0, 0):
        raise OSError(ctypes.get_errno(), 'seccomp')


def deny_write_execute():
    """No mapping may be writable and executable, or become executable."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(65, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), 'PR_SET_MDWE')


class Accel(unittest.TestCase):
    SMALL = (200, 300)

    def run_guest(self, shape, *options, accel='jit', before=None,
                  log_items='stats'):
        """Status, stderr, seconds and the log of the run."""
        with tempfile.NamedTemporaryFile(suffix='.elf') as image, \
                tempfile.NamedTemporaryFile() as log:
            image.write(elf(program(*shape)))
            image.flush()
            start = time.monotonic()
            got = subprocess.run(
                [EMU, '-M', 'virt', '-m', '16', '-bios', image.name,
                 '-display', 'none', '-serial', 'null', '-d', log_items, '-D',
                 log.name, '-accel', accel, *options],
                capture_output=True, check=False, timeout=120,
                stdin=subprocess.DEVNULL, preexec_fn=before)
            return (got.returncode, got.stderr, time.monotonic() - start,
                    log.read().decode())

    def check_refused(self, before, *options, accel='jit'):
        status, err, _, stats = self.run_guest(self.SMALL, *options,
                                               accel=accel, before=before)
        self.assertEqual(status, result(*self.SMALL), err)
        self.assertIn(WARNING, err)
        self.assertEqual(err.count(b'-accel jit'), 1)
        self.assertNotIn('jit:', stats)

    def check_compiled(self, stats):
        found = re.search(r'(\d+) blocks compiled, .*?(\d+) flushes', stats)
        self.assertTrue(found, stats)
        self.assertGreater(int(found[1]), 100)
        return int(found[2])

    def test_plain(self):
        status, err, _, stats = self.run_guest(self.SMALL)
        self.assertEqual(status, result(*self.SMALL), err)
        self.assertNotIn(b'jit', err)
        self.check_compiled(stats)

    def test_passes(self):
        """Each of them left out, and all."""
        text = subprocess.run([EMU, '-jit', 'help'], capture_output=True,
                              check=True).stdout.decode()
        names = re.findall(r'^  (no-\S+) +\S', text, re.M)
        self.assertGreaterEqual(len(names), 4)
        seen = set()
        for off in names + [','.join(names)]:
            with self.subTest(off):
                status, err, _, stats = self.run_guest(self.SMALL, '-jit', off)
                self.assertEqual(status, result(*self.SMALL), err)
                self.check_compiled(stats)
                seen.add(re.sub(r'[0-9.]+ (ms|%)', '', stats))
        self.assertGreater(len(seen), 3, 'they change nothing')

    def test_log(self):
        """-d ir and out_asm: text, and bytes that objdump understands."""
        status, err, _, log = self.run_guest(self.SMALL,
                                             log_items='ir,out_asm')
        self.assertEqual(status, result(*self.SMALL), err)
        self.assertRegex(log, r'IR of 0x80000[0-9a-f]{3}:\ninsn \+0x')
        self.assertRegex(log, r'    put\.64 x5 t\d+')
        codes = re.findall(r'^code of 0x\w+, (\d+) bytes:\n'
                           r'((?:0x\w+:(?: \w\w)+\n)+)', log, re.M)
        self.assertGreater(len(codes), 100)
        for size, text in codes:
            code = bytes.fromhex(re.sub(r'0x\w+:', '', text))
            self.assertEqual(len(code), int(size))
        if platform.machine() == 'x86_64' and shutil.which('objdump'):
            with tempfile.NamedTemporaryFile() as f:
                f.write(code)
                f.flush()
                text = subprocess.run(
                    ['objdump', '-D', '-b', 'binary', '-m', 'i386:x86-64',
                     f.name], capture_output=True, check=True).stdout
            self.assertIn(b'lea', text)
            self.assertNotIn(b'(bad)', text)

    def test_file_size(self):
        self.check_refused(lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (100000, 100000)))

    def test_address_space(self):
        self.check_refused(lambda: resource.setrlimit(
            resource.RLIMIT_AS, (1200 * MIB, 1200 * MIB)),
            accel='jit,tb-size=1024')

    def test_memfd(self):
        if platform.machine() != 'x86_64':
            self.skipTest('the filter is for x86-64')
        self.check_refused(refuse_memfd)

    def test_no_writable_code(self):
        try:
            status, err, _, stats = self.run_guest(
                self.SMALL, before=deny_write_execute)
        except subprocess.SubprocessError:
            self.skipTest('this kernel has no PR_SET_MDWE')
        self.assertEqual(status, result(*self.SMALL), err)
        self.check_compiled(stats)

    def test_tiny_buffer(self):
        """It is filled again and again, and no slower than interpreting."""
        shape = (8000, 1000)
        want, err, interpreted, _ = self.run_guest(shape, accel='interp')
        self.assertNotIn(b'error', err)
        status, err, seconds, stats = self.run_guest(shape,
                                                     accel='jit,tb-size=1')
        self.assertEqual(status, want, err)
        flushes = self.check_compiled(stats)
        print(f'tb-size=1: {flushes} flushes, {seconds:.2f} s, '
              f'interpreted {interpreted:.2f} s', file=sys.stderr)
        self.assertGreater(flushes, 1)
        self.assertLess(seconds, 5 * interpreted + 1)


if __name__ == '__main__':
    probe = subprocess.run([EMU, '-accel', 'jit', '-M', 'virt,dumpdtb=/dev/null'],
                           capture_output=True, check=False)
    if b'interpreting instead' in probe.stderr:
        print('skipped:', probe.stderr.decode().strip())
        sys.exit(77)
    unittest.main()
