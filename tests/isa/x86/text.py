#!/usr/bin/env python3
"""The x86 disassembler against binutils.

    text.py TEST_X86_ROWS OBJDUMP

TEST_X86_ROWS -t N prints random instructions as bytes and text, each at
address 0x1000.  What binutils says otherwise: other names of the conditions,
prefixes that change nothing, sizes of operands in some names, the scale of no
index.  Status 77 where there is no such objdump.
"""

import re
import subprocess
import sys
import tempfile

COUNT = 4000
STEP = 16
ARCHITECTURES = {"16": "i8086", "32": "i386", "64": "i386:x86-64"}
CONDITIONS = {"z": "e", "nz": "ne", "nb": "ae", "nbe": "a", "nl": "ge",
              "nle": "g"}
IDLE = re.compile(r"\b((addr|data)(16|32)|[cdefgs]s|rex(\.\w+)?|"
                  r"xacquire|xrelease|bnd) (?=.)")
REP = re.compile(r"^repn?z (?!movs)")
NO_INDEX = re.compile(r"(?<=\[)[er]iz\*[1248]\+?|\+[er]iz\*[1248]")
NOP = re.compile(r"^xchg ([er]?ax),\1$")
SIZED = re.compile(r"^(call|iret|jmp|pop|push|ret)[wdq]\b")


def target(text, size, base):
    """A target relative to its instruction; one of 16 bits may wrap."""
    m = re.fullmatch(r"(j\w+|call) 0x([0-9a-f]+)", text)
    if not m:
        return text
    to = int(m[2], 16) - base
    return f"{m[1]} {to & 0xffff if size != '64' else to:#x}"


def ours(text, size):
    """Conditions by their other name, no index that is none."""
    m = re.fullmatch(r"(set|cmov|j)(n?[zlb]e?)( .*)", text)
    if m and m[2] in CONDITIONS:
        text = m[1] + CONDITIONS[m[2]] + m[3]
    return target(NOP.sub("nop", NO_INDEX.sub("", text)), size, 0x1000)


def theirs(text, size, at):
    text = re.sub(r"\s+", " ", text.split("#")[0]).strip()
    text = NO_INDEX.sub("", REP.sub("", IDLE.sub("", text)))
    text = SIZED.sub(r"\1", text.replace("movabs ", "mov "))
    text = target(text, size, at)
    return NOP.sub("nop", text)


def objdump(program, arch, codes):
    with tempfile.NamedTemporaryFile() as f:
        for code in codes:
            f.write(bytes.fromhex(code).ljust(STEP, b"\x90"))
        f.flush()
        out = subprocess.run(
            [program, "-D", "-b", "binary", "-m", arch, "-M", "intel,intel64",
             "--no-show-raw-insn", f.name], capture_output=True, text=True)
    if out.returncode:
        print(f"not compared: {out.stderr.strip()}")
        sys.exit(77)
    found = re.findall(r"^ *([0-9a-f]+):\t(.*)", out.stdout, re.MULTILINE)
    at = {int(a, 16): text for a, text in found}
    return [at.get(STEP * n, "?") for n in range(len(codes))]


def main():
    rows, program = sys.argv[1:]
    lines = subprocess.run([rows, "-t", str(COUNT)], check=True,
                           stdout=subprocess.PIPE, text=True).stdout
    lines = [line.split(" ", 2) for line in lines.splitlines()]
    different = 0
    for size, arch in ARCHITECTURES.items():
        mine = [(code, text) for s, code, text in lines if s == size]
        other = objdump(program, arch, [code for code, _ in mine])
        for n, ((code, text), o) in enumerate(zip(mine, other)):
            # Of MOVSXD with 66 and REX.W, binutils takes the 66.
            if text.startswith("movsxd ") and "66" in code[:6]:
                continue
            if ours(text, size) != theirs(o, size, STEP * n):
                different += 1
                print(f"{size} {code}: '{text}', binutils '{o}'")
    print(f"{len(lines)} instructions, {different} different")
    sys.exit(different != 0)


if __name__ == "__main__":
    main()
