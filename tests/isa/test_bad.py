#!/usr/bin/env python3
"""Mistakes in .isa files: each is found, named and placed.

    test_bad.py GENERATOR_DIRECTORY RISCV.isa X86.isa

bad/CODE.isa is a small file with the mistake of that code; its first line
says `# expect: CODE LINE`.  There must be one for every code that the
generator has.  Then both tables are damaged at random: the generator must do
its work or name the mistake, and never fail in another way.  And what it
writes must say which row it comes from.
"""

import os
import random
import re
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

BAD = Path(__file__).resolve().parent / "bad"
DAMAGED = {"riscv.isa": 600, "nasty.isa": 300}
LINE = re.compile(r"(.*?):(\d+): (.+) \(([a-z0-9-]+)\)\n")
passed = failed = 0


def check(good, what):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAILED: {what}")


def run(generator, *args):
    return subprocess.run([sys.executable, generator / "gen.py", *args],
                          capture_output=True, text=True)


def codes(generator):
    """Every code that stands in the generator's text."""
    out = set()
    for path in generator.glob("*.py"):
        out |= set(re.findall(r'(?:IsaError|fail)\(\s*f?"([a-z0-9-]+)"',
                              path.read_text()))
    return out


def check_file(generator, path):
    first = path.read_bytes().split(b"\n", 1)[0].decode()
    m = re.fullmatch(r"# expect: ([a-z0-9-]+) (\d+)", first)
    if not m:
        check(False, f"{path.name}: the first line says nothing")
        return
    code, line = m.groups()
    with tempfile.TemporaryDirectory() as d:
        r = run(generator, path, "-o", d)
        got = LINE.fullmatch(r.stderr)
        check(r.returncode == 1 and r.stdout == "" and got and
              got.groups()[1::2] == (line, code) and code == path.stem,
              f"{path.name}: expected {code} in line {line}, got status "
              f"{r.returncode}: {r.stderr.strip()}")
        check(not os.listdir(d), f"{path.name}: something was written")


def one_line(r, status, want):
    lines = r.stderr.splitlines()
    return r.returncode == status and r.stdout == "" and lines and \
        re.search(want, lines[-1]) and "Traceback" not in r.stderr


def check_arguments(generator, isa):
    with tempfile.TemporaryDirectory() as d:
        for what, want, args in (
                ("a missing file", r"/none\.isa: No such file",
                 [d + "/none.isa", "-o", d]),
                ("a directory", "Is a directory", [d, "-o", d]),
                ("nowhere to write to", "/none/.*: No such file",
                 [isa, "-D", "ux=u64", "-o", d + "/none"])):
            check(one_line(run(generator, *args), 1, want), what)
        r = run(generator, isa, "-D", "ux=u63", "-o", d)
        check(one_line(r, 2, "-D ux=u63: expected NAME=TYPE"), "a bad -D")
        check(not os.listdir(d), "a failure wrote something")


def check_lines(generator, isa, name, parts):
    """Generated code says which row it comes from, and else where it is."""
    text = isa.read_text().split("\n")
    with tempfile.TemporaryDirectory() as d:
        run(generator, isa, "-D", "ux=u64", "-o", d)
        for part in parts:
            path = f"{d}/{name}_{part}.c"
            rows = 0
            for n, line in enumerate(Path(path).read_text().split("\n"), 1):
                m = re.fullmatch(r'#line (\d+) "(.*)"', line)
                if not m:
                    continue
                at = int(m[1])
                if m[2] == path:
                    check(at == n + 1, f"{part}.c:{n} says it is line {at}")
                else:
                    rows += 1
                    check(m[2] == str(isa) and "|" in text[at - 1],
                          f"{part}.c:{n} points to no row: {line}")
            check(rows > 200, f"{part}.c points to {rows} rows")


def pieces(text):
    """The table in units that can be left out: lines, and whole `for`s."""
    out, held = [], []
    for line in text.split("\n"):
        held.append(line)
        inside = any(x.startswith("for ") for x in held) and line != "end"
        if not line.endswith("\\") and not inside:
            out.append("\n".join(held))
            held = []
    return out


def damage(r, text):
    spots = r.randrange(1, 4)
    for _ in range(spots):
        at = r.randrange(len(text))
        end = at + r.randrange(1, 12)
        text = r.choice((
            text[:at] + text[end:],
            text[:at] + r.choice("|;:(){}=+-*?.,<>\\ \n\t#x0@\0é") + text[at:],
            text[:at] + str(r.choice((0, 1, -1, 63, 64, 128, 1 << 70))) +
            text[at:],
            text[:at] + text[at:end] * r.randrange(2, 40) + text[end:],
            text[:at] + r.choice(text.split()) + " " + text[at:]))
    return text


def generate(modules, text, defines):
    gen, source = modules
    isa = source.read(text, defines)
    if isa.dialect not in gen.DIALECTS:
        return
    dialect, output = gen.DIALECTS[isa.dialect]
    dialect.prepare(isa)
    o = output(isa, dialect, "damaged.isa")
    for part in (o.handlers_c, o.rows_h, o.gen_h, o.decode_c, o.lift_c,
                 o.tests_c, o.facts):
        part()


def riscv_tables(r, units):
    """Head and rows of small tables: what others refer to is always there."""
    head = [u for u in units if "|" not in u and not u.startswith("fuse")]
    rows = [u for u in units if "|" in u]
    base = [u for u in rows if re.search(r"^(  addi |  add |  lw |ld )", u,
                                         re.MULTILINE)]
    base.append("fuse addi add : add ld")
    aliases = [u for u in rows if re.search(r"\| is (addi|add|l[dw])\(", u)]
    rows = [u for u in rows if u not in base and "| is " not in u]
    while True:
        yield head + base, r.sample(rows, 4) + r.sample(aliases, 2)


def x86_tables(r, units):
    head = [u for u in units if "|" not in u]
    rows = [u for u in units if "|" in u]
    while True:
        yield head, r.sample(rows, 6)


def check_damaged(modules, isa, tables):
    """Half of the time only rows are damaged: most of a table is its head."""
    source = modules[1]
    r = random.Random(1)
    small = tables(r, pieces(isa.read_text()))
    found = 0
    for n in range(DAMAGED[isa.name]):
        head, rows = ("\n".join(x) + "\n" for x in next(small))
        text = head + rows
        if n:
            text = damage(r, text) if n % 2 else head + damage(r, rows)
        try:
            generate(modules, text, {"ux": "u64"})
        except source.IsaError as e:
            found += 1
            if n == 0:
                check(False, f"the undamaged one was refused: {e.text}")
            check(e.line >= 1 and e.text and "\n" not in e.text,
                  f"a message without a line, or of several: {e.text!r}")
        except Exception:
            check(False, f"damaged table {n}")
            traceback.print_exc(limit=-3, file=sys.stdout)
    print(f"{isa.name}: {found} of {n + 1} damaged tables were refused")


def main():
    generator, isa, x86 = (Path(x) for x in sys.argv[1:])
    files = {p.stem: p for p in BAD.glob("*.isa")}
    for code in sorted(codes(generator) - set(files)):
        check(False, f"no bad/{code}.isa")
    for code in sorted(files):
        check_file(generator, files[code])
    check_arguments(generator, isa)
    check_lines(generator, isa, "riscv64", ("decode", "handlers", "lift"))
    check_lines(generator, x86, "nasty", ("handlers", "lift", "tests"))
    sys.path.insert(0, str(generator))
    import gen
    import source
    check_damaged((gen, source), isa, riscv_tables)
    check_damaged((gen, source), x86, x86_tables)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
