#!/usr/bin/env python3
"""What is an instruction, and how long: iced's decoder tests.

    iced.py TEST_X86_ROWS DIRECTORY

DIRECTORY holds files of lines `BYTES, CODE, MNEMONIC, ...`.  Lines that only
hold with an option, and instructions of sets that no model has, are left
out.  Status 77 where there are none.
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
    r"Seam|Enc|Pcommit|Clflushopt|Clwb|Monitor|Mwait|Rdpkru|Wrpkru|Xsaveopt|"
    r"Clzero|Cldemote|Llwpcb|Slwpcb|"
    r"Skinit|Stgi|Clgi|Vm|Invept|Invvpid|Invlpga|Invlpgb|Tlbsync|Psmash|"
    r"Pvalidate|Rmp|Getsec|Rdpid|Ptwrite|Wbnoinvd|Pconfig|Umonitor|Umwait|"
    r"Tpause|Movdir|Movdiri|Enqcmd|Incssp|Rdssp|Savep|Rstorssp|Wrss|Wruss|"
    r"Setssbsy|Clrssbsy|Serialize|Xsusldtrk|Xresldtrk|Ccs|Hreset|Aad?dkl|"
    r"Loadiwkey|Aesenc\d|Aesdec\d|Aesenwide|Aesencwide|Aesdecwide|Encodekey|"
    r"Gf2p8|Adcx|Adox|Lzcnt|Tzcnt|Extrq|Insertq|Movnts[sd]_|Ud[01]|Xcrypt|"
    r"Xsha|Montmul|Xstore|Via|Xsave[cs]|Xrstors|Femms|Clui|Stui|Testui|"
    r"Uiret|Senduipi|Prefetchwt1|Prefetchreserved|Smint|Dmint|Rdm_|Cpu_|"
    r"Zalloc|Undoc|Rsm|Rdshr|Wrshr|Svdc|Rsdc|Svldt|Rsldt|Svts|Rsts|Bb0|Bb1|"
    r"Storeall|Loadall|Ibts|Xbts|Cmpxchg486|Altinst|Frstpm|Fstdw|Fstsg|"
    r"Paddsiw|Paveb|Pdistib|Pmach|Pmag|Pmul[hv]|Pmv|Psubsiw|Popw_CS|Lkgs|"
    r"Erets|Eretu|Rdudbg|Wrudbg|Rdmsrlist|Wrmsrlist|Wrmsrns|Rdpru|Mcommit|"
    r"Prefetchit|Aadd|Aand|Aor|Axor|Cmp\w+xadd|Sysexitq|Urdmsr|Uwrmsr)")


def lines(path):
    with gzip.open(path, "rt", encoding="utf-8-sig") as f:
        for line in f:
            line = line.strip()
            if not line or line[0] == "#":
                continue
            cells = [x.strip() for x in line.split(",")]
            if len(cells) < 4 or "decopt=" in line or "code=" in line and \
               OTHER.match(line.split("code=")[1].split()[0]):
                continue
            code = cells[0].replace(" ", "").lower()
            if OTHER.match(cells[1]) or not re.fullmatch("[0-9a-f]+", code):
                continue
            yield code, cells[1]


def main():
    rows, directory = sys.argv[1], Path(sys.argv[2])
    if not directory.is_dir():
        print(f"no vectors: {directory} is not there")
        sys.exit(77)
    cases = []
    for path in sorted(directory.glob("*.gz")):
        m = re.search(r"(16|32|64)\.txt", path.name)
        if not m or path.name.startswith("InstructionInfo"):
            continue
        cases += [(m[1], code, name) for code, name in lines(path)]
    text = "".join(f"{bits} {code}\n" for bits, code, _ in cases)
    out = subprocess.run([rows, "-d", "1"], input=text, check=True, text=True,
                         stdout=subprocess.PIPE).stdout.splitlines()
    wrong = collections.defaultdict(list)
    for (bits, code, name), line in zip(cases, out):
        length = int(line.split()[0])
        want = 0 if name == "INVALID" else len(code) // 2
        # That there is no such register, the instruction finds out.
        if not want and re.search(r"\b[cd]r\d", line):
            continue
        if length != want:
            wrong[name if want else "INVALID " + line].append((bits, code,
                                                               line))
    for name, found in sorted(wrong.items()):
        print(f"{name}: {len(found)}, such as {found[0]}")
    print(f"{len(cases)} instructions, {sum(map(len, wrong.values()))} "
          "different")
    sys.exit(bool(wrong) or not cases)


if __name__ == "__main__":
    main()
