#!/usr/bin/env python3
"""Every 16-bit encoding and many of 32 bits, against another disassembler.

    sweep.py [--xlen 32|64] [--whole] [--objdump PROGRAM] DISASSEMBLE

DISASSEMBLE is disassemble.c's program; the other is trixie's objdump for
RISC-V (`-M no-aliases`), fetched into the user's cache.  Both must agree on
what is an instruction and on its text; DIFFERENCES says where they may not,
and why.  A difference that is listed and does not occur is a failure too.

--whole sweeps all values of the upper twelve bits, which is by hand: it takes
a minute.
"""

import argparse
import itertools
import random
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "guests"))
import aptdir
import tool

ARCH = ("i2p1_m2p0_a2p1_f2p2_d2p2_c2p0_zicbom1p0_zicbop1p0_zicboz1p0"
        "_zicond1p0_zicsr2p0_zifencei2p0_zihintntl1p0_zihintpause2p0"
        "_zawrs1p0_zfh1p0_zfhmin1p0_zca1p0_zcb1p0_zcd1p0_zba1p0_zbb1p0"
        "_zbc1p0_zbkb1p0_zbkc1p0_zbkx1p0_zbs1p0_svinval1p0")
SKIPPED = 77

# (why, regular expression of "OURS | OBJDUMP'S"): the first that fits
# accounts for a difference.  "Manual" is the unprivileged one, 20240411.
DIFFERENCES = [
    ("CSRs that the hart has not, or has by the dozen, are numbers",
     r"(csrr\w+\t\w+),0x[0-9a-f]+,(\w+) \| \1,[a-z]\w+,\2"),
    ("a reserved rounding mode is printed as its number",
     r"(f\S+\t.*),[56] \| \1,unknown"),
    ("these have a rounding mode, though it changes nothing (manual 21.5)",
     r"(fcvt\.(?:d\.(?:s|h|wu?)|s\.h)\t\w+,\w+)(,r\w\w|,[56])? \| "
     r"(\1|undefined)"),
    ("fences ignore the fields that they do not have (manual 2.7, 6)",
     r"fence(\.i|\t\w+,\w+) \| undefined"),
    ("fence with no kind of access is 0",
     r"fence\t(?=.*\b0\b)[rwoi0]+,[rwoi0]+ \| fence\t(?=.*unknown)\w+,\w+"),
    ("fence.tso is a fence of that kind, as with other values of fm",
     r"fence\trw,rw \| fence\.tso"),
    ("compressed shifts by 0 are hints; objdump gives them RV128's names",
     r"(c\.\w+)\t(\w+),0x0 \| \1(?:64)\t\2"),
    ("c.addi16sp by 0 is reserved", r"undefined \| c\.addi16sp\tsp,0"),
    ("the illegal encodings have no names with us",
     r"(undefined|csrrw\tzero,cycle,zero) \| (c\.)?unimp"),
    ("Svinval's share of H", r"undefined \| hinval\.[vg]vma\t.*"),
    ("no longer in the manual, or of debug mode",
     r"undefined \| (uret|hret|dret|sfence\.vm)"),
]
# Of RV32 alone.
DIFFERENCES_32 = [
    ("compressed shifts by 32 and more are custom (manual 26.5.2)",
     r"undefined \| c\.(slli|srli|srai)(64)?\t\w+,0x[23].?"),
    ("shifts by 32 and more are reserved (manual 2.4.1, 28)",
     r"undefined \| (s[lr][la]i|rori|b\w+i)\t\w+,\w+,(0x)?[23].?"),
]


def elf(code, xlen):
    """A relocatable file with `code`, that says which extensions it uses."""
    arch = ARCH + ("_zcf1p0" if xlen == 32 else "")
    arch = b"\x05" + f"rv{xlen}{arch}".encode() + b"\0"
    file_ = b"\x01" + struct.pack("<I", 5 + len(arch)) + arch
    vendor = b"riscv\0" + file_
    attributes = b"A" + struct.pack("<I", 4 + len(vendor)) + vendor
    names = b"\0.text\0.riscv.attributes\0.shstrtab\0"
    # of the header, of a section's; addresses and lengths
    head_size, section_size, word = ((64, 64, "Q") if xlen == 64 else
                                     (52, 40, "I"))
    section = f"<II{word * 4}II{word * 2}"
    body, sections = bytes(head_size), [bytes(section_size)]
    for name, type_, flags, data in ((1, 1, 6, code),
                                     (7, 0x70000003, 0, attributes),
                                     (25, 3, 0, names)):
        sections.append(struct.pack(section, name, type_, flags, 0,
                                    len(body), len(data), 0, 0, 1, 0))
        body += data
    body += bytes(-len(body) % 8)
    head = b"\x7fELF" + bytes([xlen // 32, 1, 1]) + bytes(9) + struct.pack(
        f"<HHI{word * 3}IHHHHHH", 1, 243, 1, 0, 0, len(body), 5, head_size,
        0, 0, section_size, len(sections), 3)
    return head + body[head_size:] + b"".join(sections)


def word(opcode, funct3, high, rd, rs1):
    return high << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode << 2 | 3


def some_words(r):
    """Every major opcode with every value of the fields that say what it
    is, the operands at random; and CSRs, immediates."""
    for opcode, funct3, funct7 in itertools.product(range(32), range(8),
                                                    range(128)):
        for rs2 in (r.randrange(32), 0):
            yield word(opcode, funct3, funct7 << 5 | rs2, r.randrange(32),
                       r.randrange(32))
    # rs2 as an operation's number; all of fences and SYSTEM
    for opcode, funct3, high in itertools.product(
            (0x03, 0x04, 0x06, 0x0b, 0x14, 0x1c), range(8), range(4096)):
        yield word(opcode, funct3, high, r.randrange(32), r.randrange(32))
        if opcode in (0x03, 0x04, 0x0c, 0x1c):
            yield word(opcode, funct3, high, 0, 0)
    for _ in range(20000):
        yield r.getrandbits(32) | 3


def all_words(r):
    """The upper twelve bits have every value too, with other registers and
    with none."""
    yield from some_words(r)
    for opcode, funct3, high in itertools.product(range(32), range(8),
                                                  range(4096)):
        yield word(opcode, funct3, high, r.randrange(32), r.randrange(32))
        yield word(opcode, funct3, high, 0, r.randrange(2) * r.randrange(32))
    for _ in range(1000000):
        yield r.getrandbits(32) | 3


def run_ours(program, xlen, path):
    out = subprocess.run([program, str(xlen), path], check=True, text=True,
                         capture_output=True).stdout
    for line in out.splitlines():
        at, bits, text = line.split(" ", 2)
        yield int(at, 16), bits, text


def run_objdump(objdump, path):
    out = subprocess.run(objdump + ["-d", "-z", "-M", "no-aliases", path],
                         check=True, text=True, capture_output=True).stdout
    for line in out.splitlines():
        m = re.match(r" *([0-9a-f]+):\t([0-9a-f]+) +\t(.*)", line)
        if m:
            yield int(m[1], 16), m[2], m[3]


def normal(text):
    """Without objdump's remarks, and a target as it prints it."""
    if text.startswith((".insn", ".2byte", ".4byte")):
        return "undefined"
    text = re.sub(r" *(<.*>|# .*)", "", text).rstrip()
    m = re.match(r"((?:c\.)?(?:b\w+|j|jal))\t(.*?)(?:0x)?([0-9a-f]+)$", text)
    if m:
        return f"{m[1]}\t{m[2]}{m[3]}"
    return text


def compare(ours, theirs, differences):
    """The lines that differ and are in no way accounted for."""
    seen = [0] * len(differences)
    bad, n, valid = [], 0, 0
    for (at, bits, a), (at2, bits2, b) in zip(ours, theirs, strict=True):
        if (at, bits) != (at2, bits2):
            bad.append(f"{at:x}: {bits} against {at2:x}: {bits2}")
            break
        n += 1
        a, b = normal(a), normal(b)
        valid += a != "undefined"
        if a == b:
            continue
        for k, (_, pattern) in enumerate(differences):
            if re.fullmatch(pattern, f"{a} | {b}"):
                seen[k] += 1
                break
        else:
            bad.append(f"{bits}: ours `{a}`, objdump `{b}`")
    for count, (why, _) in zip(seen, differences):
        print(f"{count} differ: {why}")
        if not count:
            bad.append(f"listed as a difference, but none: {why}")
    print(f"{n} encodings, {valid} of them instructions")
    return bad


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("ours", help="the program isa_disassemble")
    p.add_argument("--xlen", type=int, choices=(32, 64), default=64)
    p.add_argument("--whole", action="store_true")
    p.add_argument("--objdump", help="another than trixie's")
    return p.parse_args()


def main():
    args = arguments()
    try:
        objdump = ([args.objdump] if args.objdump else
                   tool.riscv_objdump(lambda line: print(line, flush=True)))
    except aptdir.FetchError as err:
        print(f"skipped: {err}")
        sys.exit(SKIPPED)
    r = random.Random(1)
    words = all_words(r) if args.whole else some_words(r)
    code = b"".join(struct.pack("<H", w) for w in range(65536) if w & 3 != 3)
    code += b"".join(struct.pack("<I", w) for w in words if w & 0x1f != 0x1f)
    with tempfile.TemporaryDirectory() as d:
        raw, obj = Path(d) / "code", Path(d) / "code.o"
        raw.write_bytes(code)
        obj.write_bytes(elf(code, args.xlen))
        bad = compare(run_ours(args.ours, args.xlen, raw),
                      run_objdump(objdump, obj),
                      DIFFERENCES + (DIFFERENCES_32 if args.xlen == 32
                                     else []))
    for line in bad[:40]:
        print(line)
    if bad:
        print(f"{len(bad)} failures")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
