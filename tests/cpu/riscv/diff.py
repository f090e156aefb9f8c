#!/usr/bin/env python3
"""Random RISC-V programs on our hart and on QEMU's: do they agree?

Makes ELF files of random instructions (rvgen.py), each with registers, fcsr
and memory of its own to start from, runs them under trixie's qemu-riscv64 or
-riscv32 (bookworm's lack extensions; they are fetched into the user's cache)
and under the program test_riscv_user, which is our interpreter with a few
system calls, and compares all that they leave: x and f registers, fcsr,
memory, the signals that came and where.

Half of the instructions stand alone, with operands from tables of edge
cases; half are in stretches of 20 to 200 with branches, loops, jumps by
register and memory accesses, so that blocks, fused pairs and chaining run.
Every row of riscv.isa that user mode can reach must be among the former.

What QEMU does wrong, or differently where both may, is in EXPLAINED.

Exit status: 0 no unexplained difference, 1 there is one, 77 no QEMU to be
had, or no translator for --jit.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile

import rvgen
import rvrows

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, os.pardir, "guests"))
import aptdir
import tool


class Explained:
    """A difference that is QEMU's: rows, the test that it is this one, and
    why ours is right (or as right)."""

    def __init__(self, rows, test, why, in_stretches=True):
        self.rows, self.test, self.why = rows, test, why
        self.in_stretches = in_stretches    # is it avoided in stretches?
        self.seen = 0


def only(diff, *names):
    return {name for name, _, _ in diff} <= set(names)


def is_sc_to_nowhere(item, state, diff):
    return item.row.get(item.row.base, item.word) == 0 and \
        {"signals", "fault pc"} <= {name for name, _, _ in diff}


def is_vector_move(item, state, diff):
    w = item.word
    ours = {name: o for name, _, o in diff}
    return (w & 0x5f == 0x07 and w >> 26 & 3 == 0 and w >> 20 & 31 == 8 or
            w & 0xfc00707f == 0x9c003057) and ours.get("signals") == 4


EXPLAINED = [
    Explained(["sc.w", "sc.d"], is_sc_to_nowhere, "looks at the address "
              "first, then at the reservation: a fault where ours fails "
              "(Unprivileged ISA, A, LR and SC: both may)"),
    Explained(["undefined 32"], is_vector_move, "loads, stores and moves "
              "whole vector registers though it has no V"),
]

# What we have, so that what is undefined is so for both.
QEMU_CPU = "rv{bits}i,m=on,a=on,f=on,d=on,c=on" + "".join(
    f",{x}=on" for x in "zicsr zifencei zicntr zihpm zba zbb zbc zbs zbkb "
    "zbkc zbkx zicbom zicbop zicboz zicond zihintntl zihintpause zawrs zfh "
    "zfhmin zcb".split())


class Result:
    """A record after the run, by name."""

    def __init__(self, data):
        self.data = data

    def word(self, at):
        return int.from_bytes(self.data[at:at + 8], "little")

    def parts(self):
        for i in range(0, rvgen.BUFFER, 8):
            yield f"mem+{i}", self.word(i)
        yield "marker", self.word(rvgen.REC_X)
        for i in range(1, 32):
            yield f"x{i}", self.word(rvgen.REC_X + 8 * i)
        for i in range(32):
            yield f"f{i}", self.word(rvgen.REC_F + 8 * i)
        yield "fcsr", self.word(rvgen.REC_FCSR)
        yield "signals", self.word(rvgen.REC_SIGNALS)
        yield "fault pc", self.word(rvgen.REC_FAULT)


class Failed(Exception):
    """An emulator did not come to the program's end."""


class Skipped(Exception):
    """Ours cannot do it on this host."""


class Runner:
    """Both emulators, and a folder for their files."""

    def __init__(self, ours, qemu, folder):
        self.ours, self.qemu, self.folder = ours, qemu, folder
        self.instructions = 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def both(self, program):
        with open(self.path("program"), "wb") as f:
            f.write(program)
        os.chmod(self.path("program"), 0o755)
        runs = []
        for name, command in (("qemu", self.qemu), ("ours", self.ours)):
            out = open(self.path(name), "wb")
            runs.append((name, out, subprocess.Popen(
                command + [self.path("program")], stdout=out,
                stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)))
        data = []
        for name, out, process in runs:
            try:
                _, err = process.communicate(timeout=600)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                raise Failed(f"{name}: no end after 10 minutes")
            out.close()
            if name == "ours" and process.returncode == 77:
                raise Skipped(err.decode(errors="replace").strip())
            if process.returncode != 0:
                raise Failed(f"{name}: status {process.returncode}: "
                             f"{err.decode(errors='replace').strip()}")
            if name == "ours":
                self.instructions += int(err.split()[-1])
            with open(self.path(name), "rb") as f:
                data.append(f.read())
        return data


def differences(theirs, ours):
    return [(name, t, o) for (name, t), (_, o) in
            zip(Result(theirs).parts(), Result(ours).parts()) if t != o]


class Test:
    def __init__(self, args, isa, rows, runner):
        self.args, self.isa, self.runner = args, isa, runner
        self.rows = rows
        decode = rvrows.Decoder(rows)
        self.undefined = [rvrows.Undefined(rows, 32, decode),
                          rvrows.Undefined(rows, 16, decode)]
        rows = rows + self.undefined
        self.singles = {r.name: 0 for r in rows}
        self.in_runs = {r.name: 0 for r in rows}
        self.records = self.unexplained = 0
        self.skip_in_runs = {r.name for r in rows for e in EXPLAINED
                             if r.run.name in e.rows and
                             not e.in_stretches}
        self.fused = {(a, b) for _, a, b in isa.fuse}
        self.pairs = set()

    def generator(self, key):
        rng = random.Random(f"{self.args.seed}/{key}")
        gen = rvgen.Generator(self.rows, rng, rvgen.Driver(self.args.xlen),
                              self.skip_in_runs)
        gen.fuse(self.isa.fuse)
        return gen

    def batch(self, number, singles, in_runs):
        gen = self.generator(number)
        snippets = []
        rows = []
        while len(rows) < singles:
            more = self.rows + [r for r in self.rows if r.float] + \
                self.undefined * 4
            gen.rng.shuffle(more)
            rows += more
        for row in rows[:singles]:
            snippets.append(gen.single(row, self.record(len(snippets))))
            self.singles[row.name] += 1
        while in_runs > 0:
            s = gen.stretch(gen.rng.randrange(20, 201),
                            self.record(len(snippets)))
            snippets.append(s)
            in_runs -= self.count(s.items)
        self.records += len(snippets)
        program = gen.program(snippets)
        theirs, ours = self.runner.both(program)
        if theirs == ours:
            return
        size = rvgen.RECORD
        if len(theirs) != len(ours):
            sys.exit(f"batch {number}: {len(theirs)} and {len(ours)} bytes")
        for n, s in enumerate(snippets):
            t, o = (d[n * size:(n + 1) * size] for d in (theirs, ours))
            if t != o:
                self.judge(number, n, s, t, o)

    def count(self, items):
        """Note the rows and fused pairs of a stretch."""
        before = None
        rows = [i.row for i in items]
        for row in rows:
            if row is not None:
                self.in_runs[row.name] += 1
            if row and before and (before.run.name,
                                   row.run.name) in self.fused:
                self.pairs.add((before.run.name, row.run.name))
            before = row
        return sum(r is not None for r in rows)

    @staticmethod
    def record(n):
        return rvgen.DATA + n * rvgen.RECORD

    def judge(self, number, n, snippet, theirs, ours):
        diff = differences(theirs, ours)
        if len(snippet.items) == 1:
            item = snippet.items[0]
            for e in EXPLAINED:
                if item.row.run.name in e.rows and \
                   e.test(item, snippet.state, diff):
                    e.seen += 1
                    return
        self.unexplained += 1
        if self.unexplained > self.args.show:
            return
        print(f"batch {number}, snippet {n}, B is x{snippet.b}, "
              f"record at {self.record(n):#x}:")
        if len(snippet.items) > 1:
            self.reduce(snippet)
            return
        item = snippet.items[0]
        print("   ", item.text())
        self.show_operands(item, snippet.state)
        for name, t, o in diff:
            print(f"    {name:8}  qemu {t:016x}  ours {o:016x}")

    @staticmethod
    def show_operands(item, state):
        for kind, regs in (("x", state.x), ("f", state.f)):
            for f in item.row.reads.get(kind, ()):
                n = item.row.get(f, item.word)
                print(f"    {kind}{n} was {regs[n]:016x}")
        print(f"    fcsr was {state.fcsr:03x}")

    def reduce(self, snippet):
        """Cut a stretch down to the first instructions that differ."""
        low, high = 0, len(snippet.items)   # `low` agree, `high` do not
        diff = []
        while high - low > 1:
            middle = (low + high) // 2
            d = self.run_one(snippet, middle)
            if d:
                high, diff = middle, d
            else:
                low = middle
        diff = diff or self.run_one(snippet, high)
        if not diff:
            print("    it agrees when it runs alone")
            return
        for i in snippet.items[max(0, high - 8):high]:
            print("   ", i.text())
        for name, t, o in diff:
            print(f"    {name:8}  qemu {t:016x}  ours {o:016x}")

    def run_one(self, snippet, limit):
        gen = self.generator("reduce")
        s = rvgen.Snippet(snippet.b, snippet.items, snippet.state)
        s.code = gen.assemble(s, limit)
        return differences(*self.runner.both(gen.program([s])))

    # the end
    def report(self):
        for r in self.rows + self.undefined:
            print(f"{r.name:14} {self.singles[r.name]:9} alone "
                  f"{self.in_runs[r.name]:9} in stretches")
        for e in EXPLAINED:
            print(f"explained: {', '.join(e.rows)}: {e.seen} times: {e.why}")
        missing = [r.name for r in self.rows if not self.singles[r.name]]
        for name in missing:
            print(f"not reached: {name}")
        total = sum(self.singles.values())
        stretches = sum(self.in_runs.values())
        print(f"{len(self.rows)} rows, {len(self.pairs)} of "
              f"{len(self.fused)} fused pairs; {total} instructions "
              f"alone, {stretches} in stretches, "
              f"{self.runner.instructions} run in all, seed "
              f"{self.args.seed}: {self.unexplained} unexplained "
              f"differences, {len(missing)} rows not reached")
        return not missing and not self.unexplained


def arguments():
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(os.path.dirname(os.path.dirname(here)))
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("ours", help="the program test_riscv_user")
    p.add_argument("--xlen", type=int, choices=(32, 64), default=64)
    p.add_argument("--seed", default="1")
    p.add_argument("--count", type=int, default=2000000,
                   help="random instructions (default: %(default)s)")
    p.add_argument("--batch", type=int, default=16000,
                   help="how many of them a program (%(default)s)")
    p.add_argument("--first", type=int, default=0,
                   help="number of the first program (%(default)s)")
    p.add_argument("--show", type=int, default=20,
                   help="differences to print (%(default)s)")
    p.add_argument("--soft", action="store_true",
                   help="our floating point without the host's")
    p.add_argument("--jit", action="store_true",
                   help="our side compiled; skipped where it cannot be")
    p.add_argument("--step", action="store_true",
                   help="our side one instruction at a time")
    p.add_argument("--isa", default=os.path.join(root, "cpu", "riscv",
                                                 "riscv.isa"))
    a = p.parse_args()
    a.generator = os.path.join(root, "cpu", "isa")
    return a


def main():
    args = arguments()
    try:
        qemu = tool.riscv_qemu(args.xlen, lambda line: print(line, flush=True))
    except aptdir.FetchError as e:
        print(f"skipped: {e}")
        return 77
    isa, rows = rvrows.load_isa(args.generator, args.isa, args.xlen)
    ours = [args.ours] + ["--soft"] * args.soft + ["--step"] * args.step + \
        ["--jit"] * args.jit
    with tempfile.TemporaryDirectory(prefix="rvdiff") as folder:
        runner = Runner(ours, qemu + ["-cpu", QEMU_CPU.format(bits=args.xlen)],
                        folder)
        test = Test(args, isa, rows, runner)
        done, number = 0, args.first
        while done < args.count:
            n = min(args.batch, args.count - done)
            try:
                test.batch(number, (n + 1) // 2, n // 2)
            except Skipped as e:
                print(e)
                return 77
            except Failed as e:
                sys.exit(f"batch {number}: {e}")
            done += n
            number += 1
        return 0 if test.report() else 1


if __name__ == "__main__":
    sys.exit(main())
