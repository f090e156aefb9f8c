#!/usr/bin/env python3
"""Mistakes in .isa files: each is found, named and placed.

    test_bad.py GENERATOR_DIRECTORY RISCV.isa X86.isa [--damaged N]

bad/CODE.isa is a small file with the mistake of that code; its first line
says `# expect: CODE LINE`.  There must be one for every code that the
generator has.  Then both tables are damaged at random: the generator must do
its work or name the mistake, and never fail in another way; --damaged says
how often, and 900 and more are for who changes the generator.  And what it
writes must say which row it comes from.

The generator runs in this process: starting it for each file took longer
than all that it does.  That it ends as a program should is seen once a kind
of ending.
"""

import argparse
import contextlib
import io
import os
import random
import re
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

BAD = Path(__file__).resolve().parent / "bad"
LINE = re.compile(r"(.*?):(\d+): (.+) \(([a-z0-9-]+)\)\n")
passed = failed = 0


def check(good, what):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAILED: {what}")


def run_program(gen, *args):
    return subprocess.run([sys.executable, gen.__file__, *args],
                          capture_output=True, text=True)


def run(gen, *args):
    """The same without a process of its own."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    old, sys.argv = sys.argv, [gen.__file__, *map(str, args)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            gen.main()
    except SystemExit as e:
        status = e.code
    except Exception:
        # As the interpreter would end.
        status = 1
        err.write(traceback.format_exc())
    finally:
        sys.argv = old
    return subprocess.CompletedProcess(args, status, out.getvalue(),
                                       err.getvalue())


def codes(generator):
    """Every code that stands in the generator's text."""
    out = set()
    for path in generator.glob("*.py"):
        out |= set(re.findall(r'(?:IsaError|fail)\(\s*f?"([a-z0-9-]+)"',
                              path.read_text()))
    return out


def check_file(gen, path, runner=run):
    first = path.read_bytes().split(b"\n", 1)[0].decode()
    m = re.fullmatch(r"# expect: ([a-z0-9-]+) (\d+)", first)
    if not m:
        check(False, f"{path.name}: the first line says nothing")
        return
    code, line = m.groups()
    with tempfile.TemporaryDirectory() as d:
        r = runner(gen, path, "-o", d)
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


def check_arguments(gen, isa):
    with tempfile.TemporaryDirectory() as d:
        for what, want, args in (
                ("a missing file", r"/none\.isa: No such file",
                 [d + "/none.isa", "-o", d]),
                ("a directory", "Is a directory", [d, "-o", d]),
                ("nowhere to write to", "/none/.*: No such file",
                 [isa, "-D", "ux=u64", "-o", d + "/none"])):
            check(one_line(run_program(gen, *args), 1, want),
                  what)
        r = run_program(gen, isa, "-D", "ux=u63", "-o", d)
        check(one_line(r, 2, "-D ux=u63: expected NAME=TYPE"), "a bad -D")
        check(not os.listdir(d), "a failure wrote something")


def check_lines(gen, isa, name, parts):
    """Generated code says which row it comes from, and else where it is."""
    text = isa.read_text().split("\n")
    with tempfile.TemporaryDirectory() as d:
        r = run(gen, isa, "-D", "ux=u64", "-o", d)
        check(r.returncode == 0 and r.stderr == "" and r.stdout,
              f"{name}: status {r.returncode}: {r.stderr}")
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
    head = [u for u in units if "|" not in u and not u.startswith("fuse")]
    rows = [u for u in units if "|" in u]
    base = [u for u in rows if re.search(r"^(cmp  \| 39 |  \| j\{cc\} )", u,
                                         re.MULTILINE)]
    base.append("fuse cmp : jz")
    rows = [u for u in rows if u not in base]
    while True:
        yield head + base, r.sample(rows, 6)


def check_damaged(modules, isa, tables, count):
    """Half of the time only rows are damaged: most of a table is its head."""
    source = modules[1]
    r = random.Random(1)
    small = tables(r, pieces(isa.read_text()))
    found = 0
    for n in range(count):
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
    p = argparse.ArgumentParser()
    for name in ("generator", "riscv", "x86"):
        p.add_argument(name, type=Path)
    p.add_argument("--damaged", type=int, default=300, metavar="N",
                   help="damaged tables, a third of them x86 (300)")
    a = p.parse_args()
    sys.path.insert(0, str(a.generator))
    import gen
    import source
    files = {p.stem: p for p in BAD.glob("*.isa")}
    for code in sorted(codes(a.generator) - set(files)):
        check(False, f"no bad/{code}.isa")
    for code in sorted(files):
        check_file(gen, files[code])
    check_file(gen, files["dialect"], run_program)
    check_arguments(gen, a.riscv)
    check_lines(gen, a.riscv, "riscv", ("decode", "handlers", "lift"))
    check_lines(gen, a.x86, "x86", ("handlers", "lift", "tests"))
    x86 = a.damaged // 3
    check_damaged((gen, source), a.riscv, riscv_tables, a.damaged - x86)
    check_damaged((gen, source), a.x86, x86_tables, x86)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
