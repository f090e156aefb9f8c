#!/usr/bin/env python3
"""The decoder against iced's tests: what is an instruction, how long it is,
and its operands, as our disassembler prints them.

    iced.py TEST_X86_ROWS DIRECTORY

DIRECTORY holds files of lines `BYTES, CODE, MNEMONIC, COUNT, OPERANDS` and,
where they are about memory, `BYTES, CODE, REGISTER, REGISTER, SEGMENT, BASE,
INDEX, SCALE, DISPLACEMENT, ...`.  Lines that only hold with an option, and
instructions of sets that no model has, are left out.  Status 77 where there
are none.

What the two say otherwise of operands: x87's ST(0) and others that go without
saying; registers of which the instruction has 16 bits, by name; MASKMOV's
address; overrides that mean nothing in 64-bit mode; targets that wrap.
"""

import collections
import gzip
import re
import subprocess
import sys
from pathlib import Path

# Sets that are not there, by the codes' names.
OTHER = re.compile(
    r"^(VEX|EVEX|XOP|MVEX|D3NOW|KNC)_|^(Bnd|Xbegin|Xabort|Xend|Xtest|Tdcall|"
    r"Seam|Enc|Pcommit|Monitor|Mwait|Xsaveopt|"
    r"Clzero|Cldemote|Llwpcb|Slwpcb|"
    r"Skinit|Stgi|Clgi|Vm|Invept|Invvpid|Invlpga|Invlpgb|Tlbsync|Psmash|"
    r"Pvalidate|Rmp|Getsec|Rdpid|Ptwrite|Wbnoinvd|Pconfig|Umonitor|Umwait|"
    r"Tpause|Movdir|Movdiri|Enqcmd|Incssp|Rdssp|Savep|Rstorssp|Wrss|Wruss|"
    r"Setssbsy|Clrssbsy|Serialize|Xsusldtrk|Xresldtrk|Ccs|Hreset|Aad?dkl|"
    r"Loadiwkey|Aesenc\d|Aesdec\d|Aesenwide|Aesencwide|Aesdecwide|Encodekey|"
    r"Gf2p8|Pbndkb|Adcx|Adox|"
    r"Lzcnt|Tzcnt|Extrq|Insertq|Movnts[sd]_|Ud[01]|Xcrypt|"
    r"Xsha|Montmul|Xstore|Via|Xsave[cs]|Xrstors|Femms|Clui|Stui|Testui|"
    r"Uiret|Senduipi|Prefetchwt1|Prefetchreserved|Smint|Dmint|Rdm_|Cpu_|"
    r"Zalloc|Undoc|Rsm|Rdshr|Wrshr|Svdc|Rsdc|Svldt|Rsldt|Svts|Rsts|Bb0|Bb1|"
    r"Storeall|Loadall|Ibts|Xbts|Cmpxchg486|Altinst|Frstpm|Fstdw|Fstsg|"
    r"Paddsiw|Paveb|Pdistib|Pmach|Pmag|Pmul[hv]|Pmv|Psubsiw|Popw_CS|Lkgs|"
    r"Erets|Eretu|Rdudbg|Wrudbg|Rdmsrlist|Wrmsrlist|Wrmsrns|Rdpru|Mcommit|"
    r"Prefetchit|Aadd|Aand|Aor|Axor|Cmp\w+xadd|Sysexitq|Urdmsr|Uwrmsr)")

# Operands that our text leaves out where others do not.
IMPLIED = {"st0", "xmm0", "eax", "ecx", "edx", "rax", "ax", "al"}
# Operands that mean nothing, or are none in the text.
SKIPPED = re.compile(r"Xlat|Reservednop")
# Where iced's instructions are; ours are at 1000.
IP = {"16": 0x7ff0, "32": 0x7ffffff0, "64": 0x7ffffffffffffff0}
MEMORY = re.compile(r"(?:[A-Z]+ PTR )?(?:(\w\w):)?(?:\[(.*)\]|(0x[0-9a-f]+))$")
STACK = {"sp", "bp", "esp", "ebp", "rsp", "rbp"}
STRINGS = re.compile(r"(es|seg)([er]?[sd]i)(?:;(\w+))?;\w+$")
# Registers that the text names by another width.
WIDE = re.compile(r"^(arpl|lar|lsl|mov|verr|verw|lldt|ltr|lmsw|smsw|sldt|str|"
                  r"movd|pinsr|pextr|pmovmskb|movmskp|extractps|xchg|nop)")


def width(*names):
    """Bits of an address by the registers that it has."""
    for name in names:
        if name:
            return 32 if name[0] == "e" or name[-1] == "d" else \
                64 if name[0] == "r" else 16
    return None


def ours_memory(text, bits, length):
    m = MEMORY.match(text)
    if not m:
        return None
    segment, inside, absolute = m.groups()
    base = index = ""
    scale, disp = 1, int(absolute, 16) if absolute else 0
    for sign, part in re.findall(r"([+-]?)([^+-]+)", inside or ""):
        reg, _, times = part.partition("*")
        if part.startswith("0x"):
            disp = -int(part, 16) if sign == "-" else int(part, 16)
        elif reg in ("eiz", "riz"):
            pass
        elif times or base:
            index, scale = reg, int(times or 1)
        else:
            base = reg
    if base in ("rip", "eip"):
        disp += length
    return segment or ("ss" if base in STACK else "ds"), base, index, \
        scale if index else 1, disp % (1 << (
            64 if absolute else
            width(base, index, "eiz" in text and "eiz") or int(bits)))


def theirs_memory(segment, base, index, scale, disp, bits, ip):
    disp = int(disp, 0)
    if base in ("rip", "eip"):
        disp -= ip
    return segment, base, index, scale if index else 1, \
        disp % (1 << (width(base, index) or 64))


def one_theirs(text, bits, ip):
    kind, _, rest = text.partition(";")
    if kind == "r":
        return rest
    if kind == "m":
        segment, base, index, scale, disp = rest.split(";")[:5]
        return theirs_memory(segment, base, index, int(scale), disp, bits,
                             ip)
    if m := STRINGS.match(text):
        return m[3] or m[1], m[2], "", 1, 0
    if kind.startswith("nb"):
        return (int(rest, 16) - ip) % (1 << int(kind[2:]))
    if kind.startswith("fb"):
        return tuple(int(x, 16) for x in rest.split(";"))
    return int(rest, 0)


def one_ours(text, bits, length, mnemonic):
    if text in ("st",):
        return "st0"
    if m := re.fullmatch(r"st\((\d)\)", text):
        return f"st{m[1]}"
    if m := re.fullmatch(r"(0x[0-9a-f]+):(0x[0-9a-f]+)", text):
        return int(m[1], 16), int(m[2], 16)
    if re.fullmatch(r"0x[0-9a-f]+|\d+", text):
        v = int(text, 0)
        return v - 0x1000 if re.match(r"j|call|loop", mnemonic) else v
    if "[" in text or ":" in text:
        return ours_memory(text, bits, length)
    return text


def same(mine, their, mnemonic, bits):
    if mine == their:
        return True
    if isinstance(mine, int) and isinstance(their, int):
        # A target that wraps; one of 16 bits in wider code.
        return (mine - their) % 0x10000 == 0 and mnemonic[0] in "jcl"
    if isinstance(mine, tuple) and isinstance(their, tuple) and \
       len(mine) == len(their) == 5:
        # In 64-bit mode the other overrides mean nothing.
        return mine[1:] == their[1:] and bits == "64" and \
            {mine[0], their[0]} <= {"es", "cs", "ss", "ds"}
    return isinstance(mine, str) and isinstance(their, str) and \
        WIDE.match(mnemonic) and mine.lstrip("er") == their.lstrip("er")


def split_operands(text):
    mnemonic, _, rest = text.partition(" ")
    while mnemonic in ("lock", "rep", "repz", "repnz"):
        mnemonic, _, rest = rest.partition(" ")
    return mnemonic, rest.split(",") if rest else []


def operands_differ(case, text):
    """What they are, ours and theirs, or None."""
    bits, code, name, wanted, ip = case
    length = len(code) // 2
    mnemonic, mine = split_operands(text)
    mine = [one_ours(x, bits, length, mnemonic) for x in mine]
    if isinstance(wanted, tuple):   # just memory
        memory = [x for x in mine if isinstance(x, tuple)]
        if len(memory) == 1 and same(memory[0], wanted, mnemonic, bits):
            return None
        return mine, wanted
    their = [one_theirs(x, bits, ip) for x in wanted]
    # What goes without saying.
    if len(their) > len(mine):
        their = [x for x in their if x not in IMPLIED]
    if len(mine) > len(their):
        mine = [x for x in mine if x not in IMPLIED]
    if name.startswith("Maskmov"):
        their = their[1:]
    if len(mine) == len(their) and all(same(a, b, mnemonic, bits)
                                       for a, b in zip(mine, their)):
        return None
    return mine, their


def lines(path):
    with gzip.open(path, "rt", encoding="utf-8-sig") as f:
        for line in f:
            line = line.strip()
            if not line or line[0] == "#":
                continue
            cells = [x.strip() for x in line.split(",")]
            if len(cells) < 4 or cells[1].startswith("Declare") or \
               "decopt=" in line or "code=" in line and \
               OTHER.match(line.split("code=")[1].split()[0]):
                continue
            code = cells[0].replace(" ", "").lower()
            # WAIT is an instruction of its own.
            if code[:2] == "9b" and len(code) > 2:
                continue
            if OTHER.match(cells[1]) or not re.fullmatch("[0-9a-f]+", code):
                continue
            yield code, cells


def cases_of(path):
    bits = re.search(r"(16|32|64)\.txt", path.name)[1]
    for code, cells in lines(path):
        wanted, ip = None, IP[bits]
        if path.name.startswith("Decoder"):
            details = cells[4].split() if len(cells) > 4 else []
            wanted = [x.split("=")[1] for x in details
                      if re.match(r"op\d=", x)]
            ip = next((int(x[3:], 16) for x in details
                       if x.startswith("ip=")), ip)
        elif path.name.startswith("Memory") and cells[1] != "INVALID":
            segment, base, index = ("" if x == "none" else x
                                    for x in cells[4:7])
            wanted = theirs_memory(segment, base, index,
                                   1 << int(cells[7], 0), cells[8], bits,
                                   ip)
        yield bits, code, cells[1], wanted, ip


def main():
    rows, directory = sys.argv[1], Path(sys.argv[2])
    if not directory.is_dir():
        print(f"no vectors: {directory} is not there")
        sys.exit(77)
    cases = [x for path in sorted(directory.glob("*.gz"))
             for x in cases_of(path)]
    text = "".join(f"{c[0]} {c[1]}\n" for c in cases)
    out = subprocess.run([rows, "-d", "1"], input=text, check=True, text=True,
                         stdout=subprocess.PIPE).stdout.splitlines()
    wrong = collections.defaultdict(list)
    compared = 0
    for case, line in zip(cases, out):
        bits, code, name, wanted, _ = case
        length, text = line.split(" ", 1)
        want = 0 if name == "INVALID" else len(code) // 2
        # That there is no such register, the instruction finds out.
        if not want and re.search(r"\b[cd]r\d", line):
            continue
        if int(length) != want:
            wrong[name if want else "INVALID " + line].append((bits, code,
                                                               line))
        elif want and wanted is not None and not SKIPPED.match(name):
            compared += 1
            found = operands_differ(case, text)
            if found:
                wrong[name].append((bits, code, text, *found))
    for name, found in sorted(wrong.items()):
        print(f"{name}: {len(found)}, such as {found[0]}")
    print(f"{len(cases)} instructions, the operands of {compared}, "
          f"{sum(map(len, wrong.values()))} different")
    sys.exit(bool(wrong) or not compared)


if __name__ == "__main__":
    main()
