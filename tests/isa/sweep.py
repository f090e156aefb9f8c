#!/usr/bin/env python3
"""Every 16-bit encoding and many of 32 bits, against another disassembler.

    sweep.py DISASSEMBLE OBJDUMP

DISASSEMBLE is disassemble.c's program, OBJDUMP riscv64-linux-gnu-objdump
(`-M no-aliases`).  Both must agree on what is an instruction and on its
text; DIFFERENCES says where they may not, and why.  A difference that is
listed and does not occur is a failure too.
"""

import random
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ARCH = ("rv64i2p1_m2p0_a2p1_f2p2_d2p2_c2p0_zicsr2p0_zifencei2p0"
        "_zba1p0_zbb1p0_zbs1p0_svinval1p0")
SKIPPED = 77

# (why, regular expression of "OURS | OBJDUMP'S"): the first that fits
# accounts for a difference.  "Manual" is the unprivileged one, 20240411.
DIFFERENCES = [
    ("CSRs that the hart has not, or has by the dozen, are numbers",
     r"(csrr\w+\t\w+),0x[0-9a-f]+,(\w+) \| \1,[a-z]\w+,\2"),
    ("a reserved rounding mode is printed as its number",
     r"(f\S+\t.*),[56] \| \1,unknown"),
    ("these have a rounding mode, though it changes nothing (manual 21.5)",
     r"(fcvt\.d\.(?:s|wu?)\t\w+,\w+)(,r\w\w|,[56])? \| "
     r"(\1|\.4byte\t0x\w+)"),
    ("fences ignore the fields that they do not have (manual 2.7, 6)",
     r"fence(\.i|\t\w+,\w+) \| \.4byte\t0x\w+"),
    ("fence with no kind of access is 0",
     r"fence\t(?=.*\b0\b)[rwoi0]+,[rwoi0]+ \| fence\t(?=.*unknown)\w+,\w+"),
    ("fence.tso is a fence of that kind, as with other values of fm",
     r"fence\trw,rw \| fence\.tso"),
    ("compressed shifts by 0 are hints; objdump gives them RV128's names",
     r"(c\.\w+)\t(\w+),0x0 \| \1(?:64)\t\2"),
    ("c.addi16sp by 0 is reserved", r"\.2byte\t0x6101 \| c\.addi16sp\tsp,0"),
    ("the illegal encodings have no names with us",
     r"(\.2byte\t0x0|csrrw\tzero,cycle,zero) \| (c\.)?unimp"),
    ("Svinval's share of H", r"\.4byte\t0x\w+ \| hinval\.[vg]vma\t.*"),
    ("no longer in the manual, or of debug mode",
     r"\.4byte\t0x\w+ \| (uret|hret|dret|sfence\.vm)"),
]


def elf(code):
    """A relocatable file with `code`, that says which extensions it uses."""
    arch = b"\x05" + ARCH.encode() + b"\0"
    file_ = b"\x01" + struct.pack("<I", 5 + len(arch)) + arch
    vendor = b"riscv\0" + file_
    attributes = b"A" + struct.pack("<I", 4 + len(vendor)) + vendor
    names = b"\0.text\0.riscv.attributes\0.shstrtab\0"
    body, sections = bytes(64), [bytes(64)]
    for name, type_, flags, data in ((1, 1, 6, code),
                                     (7, 0x70000003, 0, attributes),
                                     (25, 3, 0, names)):
        sections.append(struct.pack("<IIQQQQIIQQ", name, type_, flags, 0,
                                    len(body), len(data), 0, 0, 1, 0))
        body += data
    body += bytes(-len(body) % 8)
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH", 1, 243, 1, 0, 0, len(body), 5, 64, 0, 0, 64,
        len(sections), 3)
    return head + body[64:] + b"".join(sections)


def words():
    """The 32-bit ones: every major opcode with every value of the fields
    that say what it is, the operands at random; and CSRs, immediates."""
    r = random.Random(1)

    def word(opcode, funct3, funct7, rs2=None, rd=None, rs1=None):
        pick = [r.randrange(32) if x is None else x for x in (rd, rs1, rs2)]
        return (funct7 << 25 | pick[2] << 20 | pick[1] << 15 | funct3 << 12 |
                pick[0] << 7 | opcode << 2 | 3)

    for opcode in range(32):
        for funct3 in range(8):
            for funct7 in range(128):
                yield word(opcode, funct3, funct7)
                yield word(opcode, funct3, funct7, rs2=0)
    # rs2 as an operation's number; all of fences and SYSTEM
    for opcode in (0x03, 0x04, 0x06, 0x0b, 0x14, 0x1c):
        for funct3 in range(8):
            for high in range(4096):
                yield word(opcode, funct3, high >> 5, high & 31)
                if opcode in (0x03, 0x1c):
                    yield word(opcode, funct3, high >> 5, high & 31, 0, 0)
    for _ in range(20000):
        yield r.getrandbits(32) | 3


def run_ours(program, path):
    out = subprocess.run([program, path], check=True, text=True,
                         capture_output=True).stdout
    for line in out.splitlines():
        at, bits, text = line.split(" ", 2)
        yield int(at, 16), bits, text


def run_objdump(objdump, path):
    out = subprocess.run([objdump, "-d", "-z", "-M", "no-aliases", path],
                         check=True, text=True, capture_output=True).stdout
    for line in out.splitlines():
        m = re.match(r" *([0-9a-f]+):\t([0-9a-f]+) +\t(.*)", line)
        if m:
            yield int(m[1], 16), m[2], m[3]


def normal(text):
    """Without objdump's remarks, and a target as it prints it."""
    text = re.sub(r" *(<.*>|# .*)", "", text).rstrip()
    m = re.match(r"((?:c\.)?(?:b\w+|j|jal))\t(.*?)(?:0x)?([0-9a-f]+)$", text)
    if m:
        return f"{m[1]}\t{m[2]}{m[3]}"
    return text


def compare(ours, theirs):
    """The lines that differ and are in no way accounted for."""
    seen = [0] * len(DIFFERENCES)
    bad, n, valid = [], 0, 0
    for (at, bits, a), (at2, bits2, b) in zip(ours, theirs, strict=True):
        if (at, bits) != (at2, bits2):
            bad.append(f"{at:x}: {bits} against {at2:x}: {bits2}")
            break
        n += 1
        a, b = normal(a), normal(b)
        valid += not a.startswith(".")
        if a == b:
            continue
        for k, (_, pattern) in enumerate(DIFFERENCES):
            if re.fullmatch(pattern, f"{a} | {b}"):
                seen[k] += 1
                break
        else:
            bad.append(f"{bits}: ours `{a}`, objdump `{b}`")
    for count, (why, _) in zip(seen, DIFFERENCES):
        print(f"{count} differ: {why}")
        if not count:
            bad.append(f"listed as a difference, but none: {why}")
    print(f"{n} encodings, {valid} of them instructions")
    return bad


def main():
    ours, objdump = sys.argv[1:3]
    code = b"".join(struct.pack("<H", w) for w in range(65536) if w & 3 != 3)
    code += b"".join(struct.pack("<I", w) for w in words()
                     if w & 0x1f != 0x1f)
    with tempfile.TemporaryDirectory() as d:
        raw, obj = Path(d) / "code", Path(d) / "code.o"
        raw.write_bytes(code)
        obj.write_bytes(elf(code))
        try:
            theirs = list(run_objdump(objdump, obj))
        except FileNotFoundError:
            print(f"skipped: there is no {objdump}")
            sys.exit(SKIPPED)
        bad = compare(list(run_ours(ours, raw)), theirs)
    for line in bad[:40]:
        print(line)
    if bad:
        print(f"{len(bad)} failures")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
