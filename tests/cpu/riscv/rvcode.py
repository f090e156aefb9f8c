"""A few RISC-V instructions by name, and an ELF file made of bytes.

For the code around the random instructions of diff.py; encodings as in the
RISC-V Instruction Set Manual, Volume I 20240411, chapter 34.
"""

import struct


def r_type(f7, rs2, rs1, f3, rd, op):
    return f7 << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | rd << 7 | op


def i_type(imm, rs1, f3, rd, op):
    return (imm & 0xfff) << 20 | rs1 << 15 | f3 << 12 | rd << 7 | op


def s_type(imm, rs2, rs1, f3, op):
    return ((imm >> 5 & 0x7f) << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 |
            (imm & 31) << 7 | op)


def addi(rd, rs1, imm):
    return i_type(imm, rs1, 0, rd, 0x13)


def andi(rd, rs1, imm):
    return i_type(imm, rs1, 7, rd, 0x13)


def slli(rd, rs1, n):
    return i_type(n, rs1, 1, rd, 0x13)


def add(rd, rs1, rs2):
    return r_type(0, rs2, rs1, 0, rd, 0x33)


def sub(rd, rs1, rs2):
    return r_type(0x20, rs2, rs1, 0, rd, 0x33)


def lui(rd, value):
    return (value & 0xfffff000) | rd << 7 | 0x37


def auipc(rd, value):
    return (value & 0xfffff000) | rd << 7 | 0x17


def ld(rd, imm, rs1):
    return i_type(imm, rs1, 3, rd, 0x03)


def lw(rd, imm, rs1):
    return i_type(imm, rs1, 2, rd, 0x03)


def lhu(rd, imm, rs1):
    return i_type(imm, rs1, 5, rd, 0x03)


def sd(rs2, imm, rs1):
    return s_type(imm, rs2, rs1, 3, 0x23)


def sw(rs2, imm, rs1):
    return s_type(imm, rs2, rs1, 2, 0x23)


def sb(rs2, imm, rs1):
    return s_type(imm, rs2, rs1, 0, 0x23)


def fld(fd, imm, rs1):
    return i_type(imm, rs1, 3, fd, 0x07)


def fsd(fs2, imm, rs1):
    return s_type(imm, fs2, rs1, 3, 0x27)


def sc_w(rd, rs2, rs1):
    return r_type(0x0c, rs2, rs1, 2, rd, 0x2f)


def csrrw(rd, csr, rs1):
    return csr << 20 | rs1 << 15 | 1 << 12 | rd << 7 | 0x73


def csrrs(rd, csr, rs1):
    return csr << 20 | rs1 << 15 | 2 << 12 | rd << 7 | 0x73


def jalr(rd, imm, rs1):
    return i_type(imm, rs1, 0, rd, 0x67)


def jal(rd, offset):
    assert -(1 << 20) <= offset < 1 << 20
    return ((offset >> 20 & 1) << 31 | (offset >> 1 & 0x3ff) << 21 |
            (offset >> 11 & 1) << 20 | (offset >> 12 & 0xff) << 12 |
            rd << 7 | 0x6f)


def branch(f3, rs1, rs2, offset):
    assert -(1 << 12) <= offset < 1 << 12
    return ((offset >> 12 & 1) << 31 | (offset >> 5 & 0x3f) << 25 |
            rs2 << 20 | rs1 << 15 | f3 << 12 | (offset >> 1 & 15) << 8 |
            (offset >> 11 & 1) << 7 | 0x63)


def beq(rs1, rs2, offset):
    return branch(0, rs1, rs2, offset)


def bne(rs1, rs2, offset):
    return branch(1, rs1, rs2, offset)


ECALL = 0x73


def hi_lo(value):
    """Upper part for lui or auipc and the rest for an addition to it."""
    lo = (value & 0xfff) - ((value & 0x800) << 1)
    return value - lo, lo


def li(rd, value):
    """Load a value below 2^31 in two instructions."""
    hi, lo = hi_lo(value)
    return [lui(rd, hi), addi(rd, rd, lo)]


class Code:
    """Instructions at an address, some of them patched later, for registers
    of `bits`: lx and sx load and store a whole one."""

    def __init__(self, base, bits):
        self.base, self.bits, self.bytes = base, bits, bytearray()
        self.lx, self.sx = (ld, sd) if bits == 64 else (lw, sw)

    @property
    def here(self):
        return self.base + len(self.bytes)

    def put(self, *words):
        for w in words:
            self.bytes += struct.pack("<I", w)

    def put_bits(self, bits, width):
        self.bytes += bits.to_bytes(width // 8, "little")

    def patch(self, at, bits, width):
        n = at - self.base
        self.bytes[n:n + width // 8] = bits.to_bytes(width // 8, "little")


def elf(entry, segments, bits):
    """A static executable for RV32 or RV64; segments are (address, bytes,
    flags), flags of 4 read, 2 write, 1 execute."""
    page = 4096
    head_size, part_size, word = (64, 56, "Q") if bits == 64 else (52, 32, "I")
    out = bytearray(struct.pack(
        f"<16sHHI{word * 3}IHHHHHH",
        b"\x7fELF" + bytes([bits // 32, 1, 1]) + bytes(9), 2, 243, 1, entry,
        head_size, 0, 5, head_size, part_size, len(segments), 64, 0, 0))
    at = -(-(head_size + part_size * len(segments)) // page) * page
    for address, data, flags in segments:
        place = (at, address, address, len(data), len(data))
        out += struct.pack("<IIQQQQQQ", 1, flags, *place, page) \
            if bits == 64 else \
            struct.pack("<IIIIIIII", 1, *place, flags, page)
        at += -(-len(data) // page) * page
    for address, data, flags in segments:
        out += bytes(-len(out) % page)
        out += data
    return bytes(out)
