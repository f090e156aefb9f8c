#!/usr/bin/env python3
"""The x86 disassembler against binutils.

    text.py TEST_X86_ROWS OBJDUMP

TEST_X86_ROWS -t N prints random instructions as bytes and text, each at
address 0x1000.  What binutils says otherwise: other names of the conditions,
prefixes that change nothing, sizes of operands in some names, the scale of no
index, names for immediates of comparisons; MPX and what it does not know of
what others leave undefined.  Status 77 where there is no such objdump.
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
                  r"xacquire|xrelease|bnd|notrack) (?=.)")
REP = re.compile(r"^rep(n?z)? (?!movs|cmps|stos|lods|scas|ins|outs)")
UNKNOWN = re.compile(r"bnd|cldemote|\(bad\)$|^rex\S*$")
PREDICATES = ["eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord"]
COMPARE = re.compile(rf"^cmp({'|'.join(PREDICATES)})([ps][sd]) (.*)$")
CARRYLESS = re.compile(r"^pclmul([lh])q([lh])qdq (.*)$")
# Sizes that either side does not say.
NO_SIZE = re.compile(r"^(bound|lddqu|xlat)\b.*")
NO_INDEX = re.compile(r"(?<=\[)[er]iz\*[1248]\+?|\+[er]iz\*[1248]")
NOP = re.compile(r"^xchg ([er]?ax),\1$")
SIZED = re.compile(r"^(call|iret|jmp|pop|push|ret)[wdq]\b")


def target(text, size, base):
    """A target relative to its instruction; one of 16 bits may wrap."""
    m = re.fullmatch(r"(j\w+|call|loop\w*) 0x([0-9a-f]+)", text)
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
    if m := COMPARE.match(text):
        text = f"cmp{m[2]} {m[3]},0x{PREDICATES.index(m[1]):x}"
    if m := CARRYLESS.match(text):
        number = (m[1] == "h") + 16 * (m[2] == "h")
        text = f"pclmulqdq {m[3]},{number:#x}"
    text = re.sub(r"^(pcmpestr[im])q ", r"\1 ", text)
    text = re.sub(r"^(popa|pusha|leave|enter)[wd]\b", r"\1", text)
    text = text.replace("(8087 only)", "").replace("(287 only)", "")
    return NOP.sub("nop", text)


def plain(text):
    """Without what one of both does not say."""
    text = re.sub(r"^(fldenv|fnstenv|frstor|fnsave)[wd] ", r"\1 ", text)
    if NO_SIZE.match(text):
        text = re.sub(r"[A-Z]*WORD PTR ", "", text)
    if text.startswith("xlat"):
        return "xlat"
    if text.startswith(("pmovmskb", "movmskp", "pextrw", "extractps")):
        text = re.sub(r"^(\w+) [er]([a-d]x|[sd]i|[sb]p),", r"\1 \2,", text)
        text = re.sub(r"^(\w+ r\d+)d?,", r"\1,", text)
    return text


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
            # Of MOVSXD with 66 and REX.W, binutils takes the 66; of MOVDQ2Q
            # with 66, it takes the register for one of SSE.
            if text.startswith(("movsxd ", "movdq2q ")) and "66" in code[:6]:
                continue
            if UNKNOWN.search(o):
                continue
            if plain(ours(text, size)) != plain(theirs(o, size, STEP * n)):
                different += 1
                print(f"{size} {code}: '{text}', binutils '{o}'")
    print(f"{len(lines)} instructions, {different} different")
    sys.exit(different != 0)


if __name__ == "__main__":
    main()
