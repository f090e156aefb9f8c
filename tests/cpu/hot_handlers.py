#!/usr/bin/env python3
"""Are the hot handlers what they are meant to be, in the code that was built?

A handler is fast because it is a jump, not a call: every row that the .isa
file marks `hot`, and every fused handler of two such rows, must get from its
entry to an indirect jump (the next record's handler) without pushing a
register, making a frame or calling anything.  Code behind that jump is the
way out for the slow cases and may be anything.  On x86, vectors and floating
point may save registers, and what puts flags together that are used.

usage: hot_handlers.py OBJDUMP ISA HANDLERS.C OBJECT...
       hot_handlers.py --skip WHY

ISA is the table, HANDLERS.C what the generator made of it, OBJECT what the
compiler made of that (an archive will do).  Status 77 where the host's code
is none that this can read.
"""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

# What a fast exit looks like, and what must not come before it.
HOSTS = {
    "elf64-x86-64": (
        re.compile(r"(notrack )?jmp +\*"),
        re.compile(r"push|call|ret|leave|(sub|add|and) .*,%rsp"),
        re.compile(r"jmp +([0-9a-f]+) <")),
    "elf64-littleaarch64": (
        re.compile(r"br\t"),
        re.compile(r"blr?\t|ret|st[pr]\t.*\[sp|(sub|add)\tsp,"),
        re.compile(r"b\t([0-9a-f]+) <")),
}


# Rows of x86 whose values want more registers than are free: an address of the
# stack beside a target or an operand's address, a product of 128 bits.
MAY_SAVE = {("call", "ff /2"), ("jmp", "ff /4"), ("push", "ff /6"),
            ("imul", "0f af /r")}


def x86_forms(isa):
    """Yields number, whether all of its handlers have to be fast, or only those
    for when the flags that it puts together are not used."""
    import x86
    import x86_emit
    for r in isa.rows:
        if "hot" not in r.attributes or "fp" in r.attrs or \
                (r.name, r.encoding.strip()) in MAY_SAVE or \
                any(o.letter in "VWPQUN" for o in r.ops):
            continue
        for i in r.instances:
            for form in r.forms:
                if form in x86.SLOW:
                    continue
                flow = x86_emit.Flow(isa, i.stmts[form in x86.MEMORY])
                yield i.forms[form], flow.lazy or not flow.merges


def hot_rows(isa_file):
    """Numbers of the hot rows; of one with several forms, of the fast ones
    -> whether all of its handlers are meant.  And whether all pairs are of
    such rows, and go by other numbers."""
    sys.path.insert(0, os.path.join(ROOT, "cpu", "isa"))
    import gen
    import x86
    isa = gen.read(isa_file, {"ux": "u64"})
    dialect = gen.DIALECTS[isa.dialect][0]
    dialect.prepare(isa)
    if dialect is x86:
        return dict(x86_forms(isa)), True
    return {r.number: True for r in isa.rows if "hot" in r.attributes}, False


def wanted_handlers(generated, hot, pairs):
    """Handler -> what it is for, from the generator's own tables."""
    out, arrays, flows = {}, {}, {}
    with open(generated, encoding="utf-8") as f:
        for line in f:
            names = re.findall(r"\(rec_fn \*\)(\w+)", line)
            row = re.match(r' +\[(\d+)\] = \{"([^"]+)"', line)
            pair = re.match(r" +\{(\d+), (\d+), ", line)
            array = re.match(r"static rec_fn \*const (\w+)\[\]", line)
            flow = re.match(r"static const struct isa_flow (\w+) .*"
                            r"\{(\w+), (\w+)\}\};", line)
            if array:       # a row's handlers by the kind of the flags
                arrays[array.group(1)] = names
            elif flow:
                flows[flow.group(1)] = [n for a in flow.groups()[1:]
                                        for n in arrays.get(a, [])]
            elif row and names and int(row.group(1)) in hot:
                last = re.search(r"&(\w+)\},?$", line)
                for name in names + flows[last.group(1)] if last else names:
                    if hot[int(row.group(1))] or "_dead" in name:
                        out[name] = row.group(2)
            elif pair and names and (pairs or int(pair.group(1)) in hot and
                                     int(pair.group(2)) in hot):
                for name in names:
                    out[name] = "a fused pair"
    return out


def functions(objdump, objects):
    """Name -> [(address, text)], and the format of the objects."""
    text = subprocess.run(
        [objdump, "-d", "--no-show-raw-insn", *objects], check=True,
        stdout=subprocess.PIPE, encoding="utf-8").stdout
    out, kind, body = {}, None, None
    for line in text.split("\n"):
        found = re.search(r"file format (\S+)", line)
        if found:
            kind = found.group(1)
        name = re.fullmatch(r"[0-9a-f]+ <(\w+)>:", line)
        if name:
            body = out.setdefault(name.group(1), [])
        insn = re.match(r" +([0-9a-f]+):\t(.*)", line)
        if insn and body is not None:
            body.append((int(insn.group(1), 16), insn.group(2).strip()))
    return out, kind


def may_save(name):
    """Of x86, with an operand in memory, or from packed flags: one register."""
    return int(bool(re.search(r"_[bxy](_|$)|_bits$", name)))


def complaint(body, host, saves):
    """What is wrong with a handler, or None."""
    leave, bad, goto = host
    places = {address: n for n, (address, _) in enumerate(body)}
    n, seen = 0, set()
    while n < len(body) and n not in seen:
        seen.add(n)
        text = body[n][1]
        if leave.match(text):
            return None
        if saves and text.startswith("push"):
            saves -= 1
        elif bad.match(text):
            return f"'{' '.join(text.split())}' comes before its fast exit"
        to = goto.match(text)
        if to and int(to.group(1), 16) not in places:
            return "it jumps away before its fast exit"
        n = places[int(to.group(1), 16)] if to else n + 1
    return "it has no fast exit"


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--skip":
        print(f"not looked at: {sys.argv[2]}")
        return 77
    if len(sys.argv) < 5:
        sys.exit(__doc__.strip().split("\n\n")[2])
    objdump, isa_file, generated, *objects = sys.argv[1:]
    hot, pairs = hot_rows(isa_file)
    wanted = wanted_handlers(generated, hot, pairs)
    built, kind = functions(objdump, objects)
    if kind not in HOSTS:
        print(f"cannot read the code of {kind}")
        return 77
    failures = 0
    for name in sorted(wanted):
        what = complaint(built.get(name, []), HOSTS[kind],
                         may_save(name) if pairs else 0)
        if what:
            failures += 1
            print(f"{name} ({wanted[name]}): {what}")
    fused = sum(what == "a fused pair" for what in wanted.values())
    print(f"{len(wanted) - fused} handlers of hot rows, {fused} of fused "
          f"pairs: {failures} not as fast as they should be")
    return 1 if failures or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
