#!/usr/bin/env python3
"""The x86 disassembler against binutils.

    text.py TEST_X86_ROWS OBJDUMP [--rows N] [--random N] [--libc FILE]...
            [--every N] [--fetch]

Three sources of code: instructions that TEST_X86_ROWS makes of the table
(-t N), random bytes in each size of code, and the text of C libraries:
FILE..., or with --fetch Debian's own for both architectures, through apt.
TEST_X86_ROWS -d 1 prints what ours makes of them.  Compared are length and
text.  What binutils says otherwise is rewritten (other names, sizes that one
of both does not say, prefixes that mean nothing) or excused by REASONS, which
are counted.  Status 77 where there is no such objdump, or no package.
"""

import argparse
import collections
import pathlib
import random
import re
import subprocess
import sys
import tempfile

STEP = 32
ARCHITECTURES = {"16": "i8086", "32": "i386", "64": "i386:x86-64"}
CONDITIONS = {"z": "e", "nz": "ne", "nb": "ae", "nbe": "a", "nl": "ge",
              "nle": "g"}
IDLE = re.compile(r"\b((addr|data)(16|32)|[cdefgs]s|rex(\.\w+)?|"
                  r"xacquire|xrelease|bnd|notrack) (?=.)")
REP = re.compile(r"^(rep(n?z)? )+(?!rep|movs(?!x)|cmps|stos|lods|scas|ins|outs)")
PREDICATES = ["eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord"]
COMPARE = re.compile(rf"^cmp({'|'.join(PREDICATES)})([ps][sd]) (.*)$")
CARRYLESS = re.compile(r"^pclmul([lh])q([lh])qdq (.*)$")
# Sizes that either side does not say.
NO_SIZE = re.compile(r"^(bound|lddqu|xlat|l[defgs]s|lgdt|lidt|sgdt|sidt|"
                     r"call|jmp|f(ld|nst)env|frstor|fnsave|fx|xsave|xrstor|"
                     r"lea|nop|prefetch|invlpg|clflush)")
NO_INDEX = re.compile(r"(?<=\[)[er]iz\*[1248]\+?|\+[er]iz\*[1248]")
ABSOLUTE = re.compile(r"(\b[c-gs]s:)?\[(-?0x[0-9a-f]+)\]")
NOP = re.compile(r"^xchg ([er]?ax),\1$")
SIZED = re.compile(r"^(call|iret|jmp|pop|push|ret|retf|popf|pushf|popa|pusha|"
                   r"leave|enter|sysret|sysexit|lret)[wdql]\b")
ENVIRONMENT = re.compile(r"^(fldenv|fnstenv|frstor|fnsave)[wd] ")
# Sets that no model has.
SETS = re.compile(
    r"^(v\w+|k\w+ k|k(not|mov|x?n?or|and|shift|test|add|unpck)\w*|bnd\w+|"
    r"adcx|adox|rdpid|rd(ssp)|wrss|wruss|incssp|saveprevssp|"
    r"rstorssp|setssbsy|clrssbsy|cldemote|clzero|"
    r"xsave(opt|c|s)\w*|xrstors\w*|ptwrite|tpause|umonitor|umwait|movdir\w+|"
    r"enqcmds?|"
    r"gf2p8\w+|blsr|blsi|blsmsk|andn|bextr|bzhi|pdep|pext|mulx|rorx|sarx|"
    r"shlx|shrx|tzmsk|t1mskc|blc\w*|blsic|blsfill|l?lwpcb|slwpcb|lwp\w+|"
    r"extrq|insertq|movnts[sd]|femms|getsec|invept|invvpid|"
    r"monitorx|mwaitx|skinit|stgi|clgi|invlpga|invlpgb|tlbsync|psmash|"
    r"pvalidate|rmp\w+|enc[lsuv]+|xbegin|xabort|xend|xtest|wbnoinvd|pconfig|"
    r"serialize|hreset|x(sus|res)ldtrk|uiret|testui|clui|stui|senduipi|"
    r"seamcall|seamops|seamret|tdcall|aes\w+(kl|wide)\w*|encodekey\w*|"
    r"loadiwkey|"
    r"mcommit|rdpru|xcrypt\w*|xsha\w*|xstore\w*|montmul|sysexitq|hvc|"
    r"monitor|mwait|prefetchw?t1|prefetchit\d|t(dp|ile|load|store|zero|release)\w*|ldtilecfg|"
    r"sttilecfg|pavgusb|pf(acc|add|cmp\w+|max|min|mul|rcp\w*|rsq\w+|sub|subr|"
    r"nacc|pnacc)|pi2f[wd]|pf2i[wd]|pswapd|pmulhrw)\b")


def target(text, size, base):
    """A target relative to its instruction; one of 16 bits may wrap."""
    m = re.fullmatch(r"(j\w+|call|loop\w*|xbegin) (?:0x)?([0-9a-f]+)", text)
    if not m:
        return text
    to = int(m[2], 16) - base
    mask = {"16": 0xffff, "32": 0xffffffff}.get(size, (1 << 64) - 1)
    return f"{m[1]} {to & mask:#x}"


def no_index(text):
    """No index that is none; and if there is no base, an address."""
    mask = 0xffffffff if "eiz" in text else (1 << 64) - 1
    return ABSOLUTE.sub(
        lambda m: f"{m[1] or 'ds:'}{int(m[2], 16) & mask:#x}",
        NO_INDEX.sub("", text))


def ours(text, size):
    """Conditions by their other name, no index that is none."""
    m = re.fullmatch(r"(set|cmov|j)(n?[zlb]e?)( .*)", text)
    if m and m[2] in CONDITIONS:
        text = m[1] + CONDITIONS[m[2]] + m[3]
    text = no_index(text)
    return target(NOP.sub("nop", text), size, 0x1000)


def theirs(text, size, at):
    text = re.sub(r"\s+", " ", text.split("#")[0].split("<")[0]).strip()
    text = no_index(REP.sub("", IDLE.sub("", text)))
    # Relative displacements are not signed there.
    text = re.sub(
        r"\[([er]ip)\+0x([89a-f][0-9a-f]{7}|[89a-f][0-9a-f]{15})\]",
        lambda m: f"[{m[1]}-{(1 << 4 * len(m[2])) - int(m[2], 16):#x}]", text)
    text = SIZED.sub(r"\1", text.replace("movabs ", "mov "))
    text = target(text, size, at)
    if m := COMPARE.match(text):
        text = f"cmp{m[2]} {m[3]},0x{PREDICATES.index(m[1]):x}"
    if m := CARRYLESS.match(text):
        number = (m[1] == "h") + 16 * (m[2] == "h")
        text = f"pclmulqdq {m[3]},{number:#x}"
    text = re.sub(r"^(pcmpestr[im])q ", r"\1 ", text)
    if "(bad)" in text:
        return "(bad)"
    text = re.sub(r"^int1$", "icebp", text)
    text = text.replace("(8087 only)", "").replace("(287 only)", "")
    return NOP.sub("nop", text)


def plain(text):
    """Without what one of both does not say."""
    text = ENVIRONMENT.sub(r"\1 ", text)
    if NO_SIZE.match(text):
        text = re.sub(r"[A-Z]*(WORD|BYTE) PTR ", "", text)
    if text.startswith("xlat"):
        return "xlat"
    # Registers of which 16 bits count.
    text = re.sub(r"^(mov [c-gs]s|l[as][rl] \w+),[er]?", r"\1,", text)
    if text.startswith(("pmovmskb", "movmskp", "pextrw", "extractps")):
        text = re.sub(r"^(\w+) [er]([a-d]x|[sd]i|[sb]p),", r"\1 \2,", text)
        text = re.sub(r"^(\w+ r\d+)d?,", r"\1,", text)
    return text


ALIAS = re.compile(r"(fcomp?[235]|fxch[47]|fstp[189]|ffreep|[lms]fence|salc|"
                   r"nop|setmo) ?")


def reason(size, code, length, mine, their, taken):
    """Why the two may differ, or None."""
    if SETS.match(their):
        return "sets of instructions that no model has"
    if re.match(r"[tl]zcnt", their) and mine[:3] in ("bsf", "bsr"):
        return "TZCNT and LZCNT are BSF and BSR where they are not there"
    if length and their == "(bad)" and ALIAS.match(mine):
        return "aliases that binutils does not know"
    if not length and "lock " in their:
        return "LOCK before what does not take it"
    if not length and re.match(r"mov (cs|\?),|mov .*,\?$", their):
        return "MOV with CS, or with no segment register, is undefined"
    if re.match(r"(rex\S*|[c-gs]s|(addr|data)(16|32)|rep\w*)$", their):
        return "a prefix that another takes back, apart in binutils"
    if not length and re.match(r"mov (tr\d|\w+,tr\d)|frstpm", their):
        return "test registers of the 386, FRSTPM"
    if mine == "fwait":
        return "FWAIT is an instruction, in binutils part of the next one"
    if mine.startswith(("movdq2q ", "movq2dq ", "movsxd ")) and \
       "66" in code[:8]:
        return "66 before what has another mandatory prefix"
    if "66" in code[:8] and re.match("j|call|loop", mine) and \
       (int(mine.split("0x")[-1], 16) - 0x1000 -
            int(their.split("0x")[-1], 16)) % 0x10000 == 0:
        return "targets of 16 bits in wider code"
    return None


def objdump(program, *arguments):
    """Address, bytes and text of each instruction."""
    out = subprocess.run([program, "-M", "intel,intel64", "--insn-width=16",
                          *arguments], capture_output=True, text=True)
    if out.returncode:
        print(f"not compared: {out.stderr.strip()}")
        sys.exit(77)
    for line in out.stdout.splitlines():
        cells = line.split("\t")
        if len(cells) >= 2 and cells[0].strip()[-1:] == ":":
            yield int(cells[0].strip()[:-1], 16), cells[1].replace(" ", ""), \
                "\t".join(cells[2:])


def of_bytes(program, size, codes):
    with tempfile.NamedTemporaryFile() as f:
        for code in codes:
            f.write(bytes.fromhex(code).ljust(STEP, b"\x90"))
        f.flush()
        for at, code, text in objdump(program, "-D", "-b", "binary", "-m",
                                      ARCHITECTURES[size], f.name):
            if at % STEP == 0:
                yield at, codes[at // STEP], code, text


def of_library(program, size, path, every):
    seen = set()
    for at, code, text in objdump(program, "-d", "-j", ".text", path):
        if code not in seen and (len(seen) % every == 0 or every == 1):
            yield at, code, code, text
        seen.add(code)


class Comparison:
    def __init__(self, rows):
        self.rows = rows
        self.count = self.different = 0
        self.reasons = collections.Counter()

    def run(self, size, cases):
        """Cases: address, bytes, those that binutils takes, its text."""
        cases = list(cases)
        lines = subprocess.run(
            [self.rows, "-d", "1"], check=True, text=True,
            input="".join(f"{size} {code[:30]}\n" for _, code, _, _ in cases),
            stdout=subprocess.PIPE).stdout.splitlines()
        for (at, code, taken, text), line in zip(cases, lines):
            length, mine = line.split(" ", 1)
            self.one(size, code, int(length), mine, at, taken, text)

    def one(self, size, code, length, mine, at, taken, text):
        self.count += 1
        their = theirs(text, size, at)
        same = plain(ours(mine, size)) == plain(their)
        if same and (length == len(taken) // 2 or not length):
            return
        why = reason(size, code, length, mine, their, taken)
        if why:
            self.reasons[why] += 1
            return
        self.different += 1
        if self.different <= 40:
            print(f"{size} {code[:30]}: '{mine}', binutils '{their}'")


def fetch():
    """Debian's C libraries of both architectures; skips without them."""
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "guests"))
    import aptdir
    found = []
    try:
        with aptdir.Lock(aptdir.cache_root() / "lock", print):
            for arch in "amd64", "i386":
                folder, _ = aptdir.AptDir("trixie", arch, print).unpack("libc6")
                found += [str(x) for x in sorted(folder.rglob("libc.so.6"))
                          if not x.is_symlink()][:1]
    except aptdir.FetchError as err:
        print(f"no C libraries: {err}")
        sys.exit(77)
    return found


def main():
    p = argparse.ArgumentParser()
    p.add_argument("test_rows")
    p.add_argument("objdump")
    p.add_argument("--rows", type=int, default=4000)
    p.add_argument("--random", type=int, default=3000)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--libc", action="append", default=[])
    p.add_argument("--every", type=int, default=1)
    p.add_argument("--fetch", action="store_true")
    a = p.parse_args()
    c = Comparison(a.test_rows)
    lines = subprocess.run([a.test_rows, "-t", str(a.rows)], check=True,
                           stdout=subprocess.PIPE, text=True).stdout
    lines = [line.split(" ", 2) for line in lines.splitlines()]
    r = random.Random(a.seed)
    for size in ARCHITECTURES:
        codes = [code for s, code, _ in lines if s == size]
        codes += [r.randbytes(15).hex() for _ in range(a.random)]
        c.run(size, of_bytes(a.objdump, size, codes))
    print(f"{c.count} instructions of rows and random bytes, "
          f"{c.different} different")
    for path in a.libc + (fetch() if a.fetch else []):
        before = c.count
        size = "64" if pathlib.Path(path).read_bytes()[4] == 2 else "32"
        c.run(size, of_library(a.objdump, size, path, a.every))
        print(f"{path}: {c.count - before} different instructions")
    for why, n in sorted(c.reasons.items()):
        print(f"{n} times: {why}")
    print(f"{c.count} instructions, {c.different} different")
    sys.exit(c.different != 0)


if __name__ == "__main__":
    main()
