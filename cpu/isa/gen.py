#!/usr/bin/env python3
"""Generate a guest's decoder, disassembler, handlers and lifter.

    gen.py FILE.isa [-D ux=u64] [-n NAME] [-p PARTS] -o DIRECTORY

writes NAME_rows.h, NAME_decode.c, NAME_handlers.c, NAME_lift.c and
NAME_tests.c; with PARTS, handlers are in NAME_handlers_1.c and so on, and
what is between them in NAME_handlers.c.  A mistake in the file ends with one line, "FILE:LINE: what
(code)", and status 1; nothing is written then.
"""

import argparse
import contextlib
import os
import sys

import output
import riscv
import source
import x86
import x86_out
from source import IsaError

DIALECTS = {"riscv": (riscv, output.Output), "x86": (x86, x86_out.X86Output)}


def read(file, defines):
    with open(file, encoding="utf-8") as f:
        try:
            return source.read(f.read(), defines)
        except UnicodeDecodeError as e:
            raise IsaError("utf-8", 1, "this is not a text in UTF-8: "
                           f"{e.reason} at byte {e.start}") from None


def own_lines(lines, path):
    """A function's #line is its row's; behind it the file's own go on."""
    out, inside = [], False
    for line in "\n".join(lines).split("\n"):
        out.append(line)
        inside |= line.startswith("#line")
        if inside and line == "}":
            out.append(f'#line {len(out) + 2} "{path}"')
            inside = False
    return "\n".join(out)


def write(path, text):
    """What is as it was stays as old as it was: nobody compiles it again."""
    with contextlib.suppress(OSError), open(path, encoding="utf-8") as f:
        if f.read() == text:
            return
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def generate(file, defines, name, out_dir, parts, quiet):
    isa = read(file, defines)
    isa.name = name or isa.name
    if isa.dialect not in DIALECTS:
        raise IsaError("dialect", 1, f"unknown dialect '{isa.dialect}'")
    dialect, output_class = DIALECTS[isa.dialect]
    dialect.prepare(isa)
    o = output_class(isa, dialect, file)
    o.parts = parts
    files = {"handlers.c": o.handlers_c(), "rows.h": o.rows_h(),
             "gen.h": o.gen_h(), "decode.c": o.decode_c(),
             "lift.c": o.lift_c(), "tests.c": o.tests_c()}
    for n in range(1, parts + 1):
        files[f"handlers_{n}.c"] = o.handlers_part(n)
    for name, lines in files.items():
        path = os.path.join(out_dir, f"{isa.name}_{name}")
        text = own_lines(lines, path)
        write(path, text)
    if not quiet:
        print(o.facts())


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("file")
    p.add_argument("-D", action="append", default=[], metavar="TYPE=TYPE")
    p.add_argument("-n", metavar="NAME", help="instead of the isa line's")
    p.add_argument("-o", default=".", metavar="DIRECTORY")
    p.add_argument("-p", type=int, default=0, metavar="PARTS")
    p.add_argument("-q", action="store_true")
    a = p.parse_args()
    defines = {}
    for d in a.D:
        name, _, target = d.partition("=")
        if not name or target not in source.TYPES:
            p.error(f"-D {d}: expected NAME=TYPE, TYPE one of "
                    f"{', '.join(source.TYPES)}")
        defines[name] = target
    try:
        generate(a.file, defines, a.n, a.o, a.p, a.q)
    except IsaError as e:
        print(f"{a.file}:{e.line}: {e.text} ({e.code})", file=sys.stderr)
        sys.exit(1)
    except OSError as e:
        print(f"{e.filename or a.file}: {e.strerror}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
