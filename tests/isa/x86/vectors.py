#!/usr/bin/env python3
"""Instructions of real processors: the 8086 and the 80286 in real mode.

    vectors.py RUN_CASES DIRECTORY MODEL [--every N] [--opcode XX]

DIRECTORY holds SingleStepTests' files, OPCODE.MOO.gz, and metadata.json.gz,
which says what flags are undefined.  Every N-th case is run.  FAULTS and
CASES list what may differ, and why; so may an instruction that writes over
itself or what follows, which the processor has fetched before.  Status 77
where there are no vectors.
"""

import argparse
import collections
import gzip
import json
import struct
import subprocess
import sys
from pathlib import Path

ORDER = ("ax bx cx dx cs ss ds es sp bp si di ip flags").split()

# Cases that may differ, by model and opcode, with the reason: those that end
# in an exception.
FAULTS = {
    "8086": {
        "D4": "FLAGS that a divide error pushes are undefined",
    },
    "80286": {
        "8F": "a word over the segment's end: SP has already moved",
        "D4": "FLAGS that a divide error pushes are undefined",
    } | dict.fromkeys(
        ("6D", "6F", "A5", "A7", "AB", "AD", "AF"),
        "a word over the segment's end: SI, DI and CX have already moved"),
}
# Single ones, by the beginning of their hash.
CASES = {
    "7df1d2a9": "INTO pushed SS for CS, once in 500",
    "dce03c62": "IDIV did not notice an overflow, once in 500",
}
# As they were captured: without a coprocessor.
PROCESSORS = {"8086": "8086,fpu=off", "80286": "80286"}


def chunks(data, at, end):
    while at < end:
        name, size = struct.unpack_from("<4sI", data, at)
        yield name.decode(), at + 8, size
        at += 8 + size


def registers(data, at):
    mask, = struct.unpack_from("<H", data, at)
    out = {}
    for i in range(14):
        if mask >> i & 1:
            at += 2
            out[i], = struct.unpack_from("<H", data, at)
    return out


def state(data, at, size):
    regs, ram = {}, []
    for name, a, n in chunks(data, at, at + size):
        if name == "REGS":
            regs = registers(data, a)
        elif name == "RAM ":
            count, = struct.unpack_from("<I", data, a)
            ram = [struct.unpack_from("<IB", data, a + 4 + 5 * i)
                   for i in range(count)]
    return regs, ram


def cases(data):
    """Name, registers and memory before and after, whether FLAGS were pushed,
    hash, whether there is a REP."""
    for name, at, size in chunks(data, 0, len(data)):
        if name != "TEST":
            continue
        text, before, after, pushed, digest = "?", None, None, False, ""
        rep = False
        for part, a, n in chunks(data, at + 4, at + size):
            if part == "NAME":
                text = data[a + 4:a + n].decode(errors="replace")
            elif part == "BYTS":
                rep = bool({0xf2, 0xf3} & set(data[a + 4:a + n - 1]))
            elif part == "INIT":
                before = state(data, a, n)
            elif part == "FINA":
                after = state(data, a, n)
            elif part == "EXCP":
                pushed = True
            elif part == "HASH":
                digest = data[a:a + 20].hex()
        yield text, before, after, pushed, digest, rep


def flags_mask(meta, opcode):
    name, _, reg = opcode.partition(".")
    entry = meta["opcodes"].get(name, {})
    if reg and "reg" in entry:
        entry = entry["reg"].get(reg, {})
    return entry.get("flags-mask", 0xffff)


def writes_code(before, after):
    code = (before[0][4] << 4) + before[0][12]
    old = dict(before[1])
    return any(-1 <= address - code < 24 and old.get(address) != value
               for address, value in after[1])


def pack(before, after, mask, pushed, lines):
    regs = [before[0].get(i, 0) for i in range(14)]
    want = [after[0].get(i, regs[i]) for i in range(14)]
    ram = before[1] + after[1]
    # SS:SP+4; what the file says is a byte off where SP is odd.
    pushed = (want[5] << 4) + (want[8] + 4 & 0xffff) & lines if pushed else \
        0xffffffff
    out = struct.pack("<14H14HHIHH", *regs, *want, mask, pushed,
                      len(before[1]), len(after[1]))
    return out + b"".join(struct.pack("<II", *x) for x in ram)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("runner")
    p.add_argument("directory", type=Path)
    p.add_argument("model")
    p.add_argument("--every", type=int, default=1)
    p.add_argument("--opcode")
    a = p.parse_args()
    if not a.directory.is_dir():
        print(f"no vectors: {a.directory} is not there")
        sys.exit(77)
    with gzip.open(a.directory / "metadata.json.gz") as f:
        meta = json.load(f)
    revoked = set()
    if (a.directory / "revocation_list.txt").exists():
        revoked = set((a.directory / "revocation_list.txt").read_text().split())
    names, data = [], []
    lines = 0xfffff if a.model == "8086" else 0xffffff
    for path in sorted(a.directory.glob("*.MOO.gz")):
        opcode = path.name.split(".MOO")[0]
        if a.opcode and opcode != a.opcode:
            continue
        mask = flags_mask(meta, opcode)
        with gzip.open(path) as f:
            raw = f.read()
        for n, (text, before, after, pushed, digest, rep) in \
                enumerate(cases(raw)):
            if n % a.every or digest in revoked:
                continue
            # The 8086's vectors have their handler of divisions at 400.
            pushed |= a.model == "8086" and opcode[:2] in ("F6", "F7", "D4") \
                and after[0].get(12) == 0x400 and after[0].get(4) == 0
            reason = None
            if pushed and opcode in FAULTS[a.model]:
                reason = FAULTS[a.model][opcode]
            elif digest[:8] in CASES:
                reason = CASES[digest[:8]]
            elif rep and a.model == "8086" and opcode in ("F6.7", "F7.7"):
                reason = "REP negates the quotient"
            elif writes_code(before, after):
                reason = "it writes what was fetched before"
            names.append((opcode, reason, text))
            data.append(pack(before, after, mask, pushed, lines))
    r = subprocess.run([a.runner, PROCESSORS[a.model]], input=b"".join(data),
                       check=True, stdout=subprocess.PIPE)
    wrong = collections.defaultdict(list)
    for line in r.stdout.decode().splitlines():
        number, what = line.split(" ", 1)
        opcode, reason, text = names[int(number)]
        wrong[opcode].append((reason, text, what))
    unknown = 0
    reasons = collections.Counter()
    for opcode, failures in sorted(wrong.items()):
        for reason, _, _ in failures:
            if reason:
                reasons[f"{opcode}: {reason}"] += 1
        failures = [x for x in failures if not x[0]]
        if not failures:
            continue
        unknown += len(failures)
        print(f"{opcode}: {len(failures)} differ:")
        for _, text, what in failures[:3 if not a.opcode else 20]:
            print(f"    {text}: {what}")
    for reason, count in sorted(reasons.items()):
        print(f"{reason}: {count}")
    print(f"{a.model}: {len(names)} cases, {unknown} different, "
          f"{sum(reasons.values())} with a reason")
    sys.exit(unknown != 0 or not names)


if __name__ == "__main__":
    main()
