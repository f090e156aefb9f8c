"""Random programs for diff.py: snippets, the states they start from, and
the code that loads and saves those.

A snippet is one random instruction, or a stretch of code, with a record:

    0    buffer   256 bytes that loads, stores and atomics work on
    256  marker   (in place of x0) a taken branch sets its first byte to 0
    264  x1..x31  before, and then after
    512  f0..f31
    768  fcsr
    776  signals  the numbers of those that came, 5 bits each
    784  fault    pc of the last of them
    792  code     where the snippet begins
    800  load     the routine that loads the registers; then 24 bytes of
                  nothing, so that buffers begin where a cache block does

All of a record is output: the program writes its data segment at the end.
On RV32 a register or address is the lower half of its place.
One register, B, holds the record's address all the time; which one is
random, so all others can be in any state.  Another, X, carries the jump
into the snippet and out of it; it too is loaded and saved.
"""

import random
import struct

import rvcode as a
import rvrows

CODE = 0x10000000
DATA = 0x20000000
GLOBALS = 0x30000000     # the current record, its end; the signal stack
BUFFER = 256
REC_X, REC_F, REC_FCSR, REC_SIGNALS = 256, 512, 768, 776
REC_FAULT, REC_CODE, REC_LOAD, RECORD = 784, 792, 800, 832
SIGNAL_STACK = 0x8000
FLAGS, FRM, FCSR = 1, 2, 3

# ------------------------------------------------------------- operands


def int_pool(rng, bits):
    edges = [0, 1, 2, 3, 31, 32, 33, 63, 64, 65, 0x7f, 0x80, 0xff, 0x7fff,
             0x8000, 0xffff, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff,
             0x100000000, 0xffffffff7fffffff, 0xffffffff80000000,
             0xfffffffeffffffff, 0x7fffffffffffffff, 0x8000000000000000,
             0x8000000000000001, 0xfffffffffffffffe, 0xffffffffffffffff,
             0xfffffffffffffff8, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa,
             0x0101010101010101, 0x00ff00ff00ff00ff]
    pool = edges * 6
    for _ in range(150):
        v = rng.getrandbits(64)
        pool += [v, v >> rng.randrange(64), v & 0xffffffff,
                 (v & 0xffffffff) | 0xffffffff00000000 * (v >> 31 & 1),
                 1 << rng.randrange(64), (1 << 64) - (1 << rng.randrange(64)),
                 v & 127]
    return [v & (1 << bits) - 1 for v in pool]


DOUBLES = [0, 1, 0x000fffffffffffff, 0x0010000000000000,
           0x0010000000000001, 0x3fefffffffffffff, 0x3ff0000000000000,
           0x3ff0000000000001, 0x3fe0000000000000, 0x4000000000000000,
           0x7fefffffffffffff, 0x7ff0000000000000, 0x7ff0000000000001,
           0x7ff7ffffffffffff, 0x7ff8000000000000, 0x7fffffffffffffff,
           0x7ff8000000000001, 0x4330000000000000, 0x4340000000000000,
           0x43e0000000000000, 0x43dfffffffffffff, 0x43f0000000000000,
           0x43efffffffffffff, 0x41dfffffffc00000, 0x41dfffffffe00000,
           0x41e0000000000000, 0x41efffffffe00000, 0x41effffffff00000,
           0x41f0000000000000, 0x3810000000000000, 0x380fffffffffffff,
           0x36a0000000000000, 0x3690000000000000, 0x47efffffe0000000,
           0x47effffff0000000, 0x47f0000000000000, 0x400921fb54442d18]
SINGLES = [0, 1, 0x007fffff, 0x00800000, 0x00800001, 0x3f7fffff, 0x3f800000,
           0x3f800001, 0x3f000000, 0x40000000, 0x7f7fffff, 0x7f800000,
           0x7f800001, 0x7fbfffff, 0x7fc00000, 0x7fffffff, 0x7fc00001,
           0x4b000000, 0x4b800000, 0x4effffff, 0x4f000000, 0x4f7fffff,
           0x4f800000, 0x5effffff, 0x5f000000, 0x5f7fffff, 0x5f800000,
           0x40490fdb, 0x33800000, 0x34000000]
HALVES = [0, 1, 0x3ff, 0x400, 0x401, 0x3bff, 0x3c00, 0x3c01, 0x3800, 0x4000,
          0x7bff, 0x7c00, 0x7c01, 0x7dff, 0x7e00, 0x7fff, 0x7e01, 0x6400,
          0x6800, 0x77ff, 0x7800, 0x1000, 0x1400, 0x4248]
SIGN64, SIGN32, SIGN16 = 1 << 63, 1 << 31, 1 << 15
BOX, BOX16 = 0xffffffff << 32, 0xffffffffffff << 16


def double_pool(rng):
    pool = (DOUBLES + [v | SIGN64 for v in DOUBLES]) * 3
    for _ in range(250):
        near = rng.choice((1023, 1023, 1086, 1054, 1, 2046, 970))
        e = max(0, min(2047, near + rng.randrange(-60, 61)))
        m = rng.getrandbits(52) & (-1 << rng.choice((0, 0, 0, 23, 29, 48)))
        pool += [rng.getrandbits(64), rng.getrandbits(1) << 63 | e << 52 |
                 m & (1 << 52) - 1]
    for _ in range(60):     # below the smallest normal number
        pool.append(rng.getrandbits(52) >> rng.randrange(52))
    return pool


def single_pool(rng):
    pool = (SINGLES + [v | SIGN32 for v in SINGLES]) * 3
    for _ in range(250):
        near = rng.choice((127, 127, 158, 190, 1, 254, 103))
        e = max(0, min(255, near + rng.randrange(-30, 31)))
        m = rng.getrandbits(23) & (-1 << rng.choice((0, 0, 0, 12, 20)))
        pool += [rng.getrandbits(32), rng.getrandbits(1) << 31 | e << 23 |
                 m & (1 << 23) - 1]
    for _ in range(60):
        pool.append(rng.getrandbits(23) >> rng.randrange(23))
    return [BOX | v for v in pool]


def half_pool(rng):
    pool = (HALVES + [v | SIGN16 for v in HALVES]) * 3
    for _ in range(250):
        e = max(0, min(31, rng.choice((15, 15, 25, 1, 30)) +
                       rng.randrange(-8, 9)))
        m = rng.getrandbits(10) & (-1 << rng.choice((0, 0, 0, 6)))
        pool += [rng.getrandbits(16), rng.getrandbits(1) << 15 | e << 10 |
                 m & (1 << 10) - 1]
    return [BOX16 | v for v in pool]


class Pools:
    """Values that registers start with, made once a program."""

    def __init__(self, rng, bits):
        self.x = int_pool(rng, bits)
        self.d, self.s = double_pool(rng), single_pool(rng)
        # Some singles are in no proper box.
        self.for_single = self.s * 8 + self.d + [v & (1 << 32) - 1
                                                 for v in self.s]
        self.h = half_pool(rng)
        self.for_half = self.h * 8 + self.s + [v & rng.getrandbits(64) |
                                               v & 0xffff for v in self.h]
        self.for_double = self.d * 8 + self.s
        self.mixed = self.d + self.s + self.h


class State:
    """Registers and buffer before a snippet."""

    def __init__(self, rng, pools, row=None):
        self.x = rng.choices(pools.x, k=32)
        kind = pools.mixed
        if row is not None and row.float:
            kind = pools.for_single if row.single else \
                pools.for_half if row.half else pools.for_double
        self.f = rng.choices(kind, k=32)
        frm = rng.randrange(5) if rng.random() < .95 else rng.randrange(5, 8)
        self.fcsr = frm << 5 | (rng.getrandbits(5) if rng.random() < .3
                                else 0)
        self.buffer = rng.randbytes(BUFFER)

    def record(self, code, load):
        return self.buffer + struct.pack(
            "<Q31Q32Q5Q24x", 0xff, *self.x[1:], *self.f, self.fcsr, 0, 0,
            code, load)


# -------------------------------------------------- loading and saving


def jump_register(b):
    """X of a given B."""
    return b % 31 + 1


def load_routine(code, b):
    """Entered with the record in a0: everything but X, then on by X."""
    at, x = code.here, jump_register(b)
    code.put(a.addi(b, 10, 0), code.lx(x, REC_FCSR, b), a.csrrw(0, FCSR, x))
    code.put(*[a.fld(f, REC_F + 8 * f, b) for f in range(32)])
    code.put(*[code.lx(r, REC_X + 8 * r, b) for r in range(1, 32)
               if r not in (b, x)])
    code.put(code.lx(x, REC_CODE, b), a.jalr(0, 0, x))
    return at


def save_routine(code, b, then):
    at, x = code.here, jump_register(b)
    code.put(*[code.sx(r, REC_X + 8 * r, b) for r in range(1, 32) if r != x])
    code.put(*[a.fsd(f, REC_F + 8 * f, b) for f in range(32)])
    code.put(a.csrrs(x, FCSR, 0), code.sx(x, REC_FCSR, b))
    code.put(a.jal(0, then - code.here))
    return at


def enter(code, b):
    x = jump_register(b)
    code.put(code.lx(x, REC_X + 8 * x, b))


ENTER = 4


def leave(code, b, saves):
    """Out of a snippet, whatever the distance."""
    x = jump_register(b)
    code.put(code.sx(x, REC_X + 8 * x, b))
    hi, lo = a.hi_lo(saves[b] - code.here)
    code.put(a.auipc(x, hi), a.jalr(0, lo, x))


LEAVE = 12
MARK = 4


def mark(code, b):
    code.put(a.sb(0, REC_X, b))


class Driver:
    """The code at the start of a program; see the parts' comments."""

    # Where struct ucontext of Linux has the registers, pc first.
    UCONTEXT = {32: 160, 64: 176}

    def __init__(self, bits):
        code = self.code = a.Code(CODE, bits)
        self.handler = code.here
        self.handler_code(code)
        self.next = code.here
        self.next_code(code)
        self.entry = self.start(code)
        self.loads = {b: load_routine(code, b) for b in range(1, 32)}
        self.saves = {b: save_routine(code, b, self.next)
                      for b in range(1, 32)}

    @staticmethod
    def handler_code(code):
        """A signal: note it in the record, go on behind the instruction."""
        pc = Driver.UCONTEXT[code.bits]
        code.put(a.lui(5, GLOBALS), code.lx(6, 0, 5), code.lx(7, pc, 12),
                 code.sx(7, REC_FAULT, 6), code.lx(28, REC_SIGNALS, 6),
                 a.slli(28, 28, 5), a.add(28, 28, 10),
                 code.sx(28, REC_SIGNALS, 6), a.lhu(29, 0, 7),
                 a.andi(29, 29, 3), a.addi(30, 0, 3), a.addi(7, 7, 2),
                 a.bne(29, 30, 8), a.addi(7, 7, 2), code.sx(7, pc, 12),
                 a.jalr(0, 0, 1))

    @staticmethod
    def next_code(code):
        """The next record, or out: write all of them, then exit."""
        code.put(a.lui(5, GLOBALS), code.lx(10, 0, 5), a.addi(10, 10, RECORD),
                 code.sx(10, 0, 5), code.lx(6, 8, 5), a.sc_w(0, 0, 5))
        code.put(a.beq(10, 6, 12), code.lx(6, REC_LOAD, 10), a.jalr(0, 0, 6))
        code.put(*a.li(11, DATA))
        again = code.here
        code.put(code.lx(6, 8, 5), a.sub(12, 6, 11), a.addi(10, 0, 1),
                 a.addi(17, 0, 64), a.ECALL, a.add(11, 11, 10))
        code.put(a.bne(11, 6, again - code.here))
        code.put(a.addi(10, 0, 0), a.addi(17, 0, 93), a.ECALL)

    def start(self, code, signals=(4, 5, 7, 11)):
        """Set the signal handlers, then to the first record."""
        entry = code.here
        act = GLOBALS + 64      # struct sigaction, then stack_t
        for s in signals:
            code.put(a.addi(10, 0, s), *a.li(11, act), a.addi(12, 0, 0),
                     a.addi(13, 0, 8), a.addi(17, 0, 134), a.ECALL)
        code.put(*a.li(10, act + 32), a.addi(11, 0, 0), a.addi(17, 0, 132),
                 a.ECALL)
        code.put(a.jal(0, self.next - code.here))
        return entry

    def globals(self, count):
        data = bytearray(struct.pack("<QQ", DATA - RECORD,
                                     DATA + count * RECORD))
        data += bytes(64 - len(data))
        # handler, SA_SIGINFO | SA_ONSTACK | SA_NODEFER, mask
        word = "<Q" if self.code.bits == 64 else "<I"
        for values in ((self.handler, 0x48000004, 0, 0),
                       (GLOBALS + 4096, 0, SIGNAL_STACK)):
            part = b"".join(struct.pack(word, v) for v in values)
            data += part + bytes(32 - len(part))
        return bytes(data) + bytes(4096 + SIGNAL_STACK - len(data))


# ------------------------------------------------------------- snippets


class Snippet:
    """What was generated, to report and to cut it down."""

    def __init__(self, b, items, state):
        self.b, self.items, self.state = b, items, state
        self.code = None


class Item:
    """An instruction (or glue: row None) of a snippet."""

    def __init__(self, row, word, width=None):
        self.row, self.word = row, word
        self.width = width or row.width
        self.to = None      # index of the item that it jumps to
        self.fill = 0       # bytes in front of it that nothing runs

    def text(self):
        if self.row is None:
            return f"{self.word:0{self.width // 4}x} (glue)"
        return self.row.text(self.word)


BRANCHES = ("branch", "jump")
# CSRs of M and S mode, and some that are nowhere.
OTHER_CSRS = [0x100, 0x104, 0x105, 0x106, 0x140, 0x141, 0x142, 0x143, 0x144,
              0x180, 0x300, 0x301, 0x302, 0x303, 0x304, 0x305, 0x306, 0x320,
              0x340, 0x341, 0x342, 0x343, 0x344, 0x3a0, 0x3b0, 0xb00, 0xb02,
              0xf11, 0xf12, 0xf13, 0xf14, 0x005, 0x123, 0x5ff, 0x800, 0x9c0,
              0xcff, 0xfff]
COUNTERS = [0xc00, 0xc01, 0xc02]
# Helpers that raise in user mode.
TRAPS = {"ecall", "sret", "mret", "wfi", "sfence_vma", "sfence_inval"}
NO_SYSTEM_CALL = 0x5000     # a7 for ecall: Linux has none of this number


class Generator:
    def __init__(self, rows, rng, driver, skip_in_runs):
        self.rows, self.rng, self.driver = rows, rng, driver
        self.code = driver.code
        self.pools = Pools(rng, self.code.bits)
        self.ones = (1 << self.code.bits) - 1
        self.by_name = {r.name: r for r in rows}
        self.in_run = [r for r in rows if r.name not in skip_in_runs and
                       self.fits_run(r)]
        self.weights = [6 if r.hot else 3 if r.memory else 2
                        for r in self.in_run]
        self.partners = {}

    @staticmethod
    def fits_run(r):
        """Rows that a stretch of code may have anywhere."""
        return not (r.exit == "raise" or r.calls & TRAPS)

    def fuse(self, pairs):
        """Let the second row of a fused pair often follow the first."""
        for _, first, second in pairs:
            for r in self.in_run:
                if r.run.name == second:
                    self.partners.setdefault(first, []).append(r)

    # one instruction
    def pick_b(self, row, word):
        bad = row.destinations(word) | {0}
        if row.calls & {"ecall"}:
            bad |= {10, 17}     # its result, its number
        if row.exit == "jumpr":
            bad.add(row.get(row.bound(row.isa.fields["rs1"]), word))
        while True:
            b = self.rng.randrange(1, 32)
            if b not in bad:
                return b

    def tweak(self, row, word):
        """Operands that random bits would seldom give."""
        rng = self.rng
        if row.rm:
            rm = (7 if rng.random() < .5 else rng.randrange(5)
                  if rng.random() < .9 else rng.randrange(5, 7))
            word = row.set(row.rm, word, rm)
        if any(c.startswith("csr") for c in row.calls):
            word = self.pick_csr(row, word)
        return word

    def pick_csr(self, row, word, plain=False):
        rng = self.rng
        kind = 0 if plain else rng.random()
        csr = rng.choice((FLAGS, FRM, FCSR) if kind < .7 else
                         COUNTERS if kind < .85 else OTHER_CSRS)
        word = row.set(row.imm, word, csr)
        if csr in COUNTERS:     # their values are nobody's business
            word = row.set(row.isa.fields["rd"], word, 0)
        return word

    def alike(self, row, word, state):
        """Now and then operands that are equal, or nearly."""
        rng = self.rng
        if rng.random() > .15:
            return
        for kind, regs in (("x", state.x), ("f", state.f)):
            ops = [row.get(f, word) for f in row.reads.get(kind, ())]
            if len(ops) > 1:
                v = regs[ops[0]] ^ rng.choice((0, 0, 1, SIGN64, SIGN32, SIGN16))
                regs[rng.choice(ops[1:])] = v & (self.ones if kind == "x"
                                                 else -1)

    def aim(self, row, word, state, b, rec):
        """Make a memory access hit the buffer."""
        rng = self.rng
        base = row.get(row.base, word)
        offset = rng.randrange(BUFFER - row.size + 1)
        # qemu-user ends at an LR or SC that is not aligned.
        if row.reserve or row.lone or row.aligned and rng.random() < .95 or \
           rng.random() < .5:
            offset -= offset % row.size
        if base == b:
            if row.imm is not None:
                offset -= offset % rvrows.imm_step(row.imm)
                offset = min(offset, BUFFER - row.size,
                             rvrows.imm_range(row.imm)[1])
                word = row.set(row.imm, word, offset)
            return word
        imm = row.get(row.imm, word) if row.imm is not None else 0
        state.x[base] = rec + offset - imm & self.ones
        return word

    def single(self, row, rec):
        """One instruction from a state made for it."""
        rng, code = self.rng, self.code
        word = self.tweak(row, row.random(rng))
        if row.exit == "jumpr":
            rs1 = row.bound(row.isa.fields["rs1"])
            while row.get(rs1, word) == 0:
                word = row.random(rng)
        b = self.pick_b(row, word)
        state = State(rng, self.pools, row)
        self.alike(row, word, state)
        if row.memory:
            word = self.aim(row, word, state, b, rec)
        if row.calls & {"ecall"}:
            state.x[17] = NO_SYSTEM_CALL + rng.randrange(1000)
        if row.exit in ("branch", "jump", "jumpr"):
            word, start = self.with_target(row, word, b, state)
        else:
            start = code.here
            enter(code, b)
            code.put_bits(word, row.width)
            leave(code, b, self.driver.saves)
        s = Snippet(b, [Item(row, word)], state)
        s.code = start
        return s

    def with_target(self, row, word, b, state):
        """A jump over a gap, forward or backward, to a place that notes
        that it was reached."""
        rng, code, saves = self.rng, self.code, self.driver.saves
        size = row.width // 8
        low, high = (-4096, 4096) if row.exit == "jumpr" else \
            rvrows.imm_range(row.imm)
        far = rng.random()
        reach = 64 if far < .7 else 2000 if far < .97 else 5000
        if far > .9995:
            reach = 1 << 20
        forward = rng.random() < .6
        if forward:
            nearest = size + LEAVE
            distance = rng.randrange(nearest, max(nearest + 2, min(
                high, nearest + reach)), 2)
            start = code.here
            enter(code, b)
            pc = code.here
            to = pc + distance
            word = self.point(row, word, to, pc, state)
            code.put_bits(word, row.width)
            leave(code, b, saves)
            code.bytes += bytes(to - code.here)
            mark(code, b)
            leave(code, b, saves)
            return word, start
        nearest = MARK + LEAVE + ENTER
        distance = rng.randrange(nearest, max(nearest + 2, min(
            -low, nearest + reach)), 2)
        to = code.here
        mark(code, b)
        leave(code, b, saves)
        code.bytes += bytes(distance - nearest)
        start = code.here
        enter(code, b)
        word = self.point(row, word, to, code.here, state)
        code.put_bits(word, row.width)
        leave(code, b, saves)
        return word, start

    def point(self, row, word, to, pc, state):
        if row.exit != "jumpr":
            return row.set(row.imm, word, to - pc)
        rs1 = row.get(row.bound(row.isa.fields["rs1"]), word)
        imm = row.get(row.imm, word)
        # Bit 0 of the sum is dropped.
        state.x[rs1] = to - imm + self.rng.getrandbits(1) & self.ones
        if state.x[rs1] + imm & ~1 & self.ones != to:
            state.x[rs1] = to - imm & self.ones
        return word

    # a stretch of code
    def stretch(self, count, rec):
        rng = self.rng
        b = rng.randrange(1, 32)
        loop = rng.choice([r for r in range(1, 32) if r != b])
        run = Stretch(self, b, loop)
        while len(run.items) < count:
            run.more()
        if run.loop_start is not None:
            run.end_loop()
        run.settle()
        s = Snippet(b, run.items, State(rng, self.pools))
        s.code = self.assemble(s)
        return s

    def assemble(self, s, limit=None):
        """Put the items down, the first `limit` of them."""
        code, b = self.code, s.b
        start = code.here
        enter(code, b)
        items = s.items[:limit]
        places = []
        for i in items:
            places.append(code.here)
            code.put_bits(i.word, i.width)
        places.append(code.here)
        for n, i in enumerate(items):
            if i.to is None:
                continue
            to = places[min(i.to, len(places) - 1)]
            i.word = self.aim_jump(items, n, places, to)
            code.patch(places[n], i.word, i.width)
        leave(code, b, self.driver.saves)
        return start

    @staticmethod
    def aim_jump(items, n, places, to):
        i = items[n]
        if i.row is None or i.row.exit == "jumpr":
            # behind an auipc of the same register
            back = places[n] - places[n - 1]
            hi, lo = a.hi_lo(to - places[n] + back)
            assert hi == 0
            if i.row is None:
                return i.word & 0xfffff | (lo & 0xfff) << 20
            return i.row.set(i.row.imm, i.word, lo)
        return i.row.set(i.row.imm, i.word, to - places[n])

    def program(self, snippets):
        """The ELF file of what was put down so far."""
        data = bytearray()
        for s in snippets:
            data += s.state.record(s.code, self.driver.loads[s.b])
        return a.elf(self.driver.entry, [
            (CODE, bytes(self.code.bytes), 5), (DATA, bytes(data), 6),
            (GLOBALS, self.driver.globals(len(snippets)), 6)],
            self.code.bits)


class Stretch:
    """Straight code with forward jumps and short loops."""

    def __init__(self, gen, b, loop):
        self.gen, self.rng, self.b, self.loop = gen, gen.rng, b, loop
        self.items = []
        self.loop_start = None
        self.last = None        # register that was written last
        self.follow = None      # row that is to come next

    def more(self):
        r = self.rng.random()
        if self.loop_start is None and r < .02:
            self.items.append(Item(None, a.addi(
                self.loop, 0, self.rng.randrange(1, 6)), 32))
            self.loop_start = len(self.items)
            return
        if self.loop_start is not None and \
           len(self.items) - self.loop_start > 25:
            self.end_loop()
            return
        if r < .03:
            self.call()
            return
        if r < .04:
            self.trap()
            return
        row = self.follow or self.rng.choices(self.gen.in_run,
                                              self.gen.weights)[0]
        self.follow = None
        self.add(row)
        partners = self.gen.partners.get(row.run.name)
        if partners and self.rng.random() < .5:
            self.follow = self.rng.choice(partners)

    def end_loop(self):
        """Count down and go back; a wrong count would be an endless loop,
        so nothing else writes the counter."""
        self.items.append(Item(None, a.addi(self.loop, self.loop, -1), 32))
        bne = self.gen.by_name["bne"]
        word = bne.enc.value
        f = bne.isa.fields
        word = bne.set(f["rs1"], word, self.loop)
        self.items.append(Item(bne, bne.set(f["rs2"], word, 0)))
        self.items[-1].to = self.loop_start
        self.loop_start = None

    def settle(self):
        """Jumps that lead behind the end lead to the end; none leaves or
        enters a loop but at its ends."""
        loops = [(i.to, n) for n, i in enumerate(self.items)
                 if i.to is not None and i.to <= n]
        for n, i in enumerate(self.items):
            if i.to is None or i.to <= n:
                continue
            i.to = min(i.to, len(self.items))
            for first, last in loops:
                if first <= n <= last:
                    i.to = min(i.to, last - 1)
                elif n < first <= i.to:
                    i.to = first - 1
            # never between the parts of one piece
            while i.to < len(self.items) and i.to > n and \
                    getattr(self.items[i.to], "inner", False):
                i.to += 1

    def free(self, low=1, high=32):
        return self.rng.choice([r for r in range(low, high)
                                if r not in (self.b, self.loop)])

    def usable(self, row, word):
        return not row.destinations(word) & {self.b, self.loop}

    def add(self, row):
        for _ in range(20):
            word = row.random(self.rng)
            if any(c.startswith("csr") for c in row.calls):
                word = self.gen.pick_csr(row, word, True)
            elif row.rm:
                word = self.gen.tweak(row, word)
            word = self.chain(row, word)
            if self.usable(row, word):
                break
        else:
            return
        if row.exit == "jumpr":
            self.jump_by_register(row, word)
            return
        if row.memory:
            self.access(row, word)
            return
        item = Item(row, word)
        if row.exit in BRANCHES:
            item.to = len(self.items) + self.rng.randrange(1, 7)
        self.items.append(item)
        self.note(row, word)

    def chain(self, row, word):
        """Often read what was written last."""
        if self.last is None or self.rng.random() < .4:
            return word
        kind, reg = self.last
        fields = [f for f in row.reads.get(kind, ())
                  if not isinstance(f, int) and row.can_set(f, reg)]
        if fields:
            new = row.set(fields[0], word, reg)
            if row.matches(new):
                return new
        return word

    def note(self, row, word):
        for f in row.run.written:
            if f.regs:
                self.last = (f.regs, row.get(row.bound(f), word))

    def access(self, row, word):
        """A load or store in the buffer, by B or by a pointer into it."""
        rng = self.rng
        size, base = row.size, row.base
        offset = rng.randrange(BUFFER - size + 1)
        if row.aligned and (row.lone or rng.random() < .98) or \
           rng.random() < .5:
            offset -= offset % size
        if row.reserve:
            self.reserve(row, word, offset - offset % size)
            return
        direct = row.can_set(base, self.b) and row.imm is not None and \
            rng.random() < .5
        if direct:
            step = rvrows.imm_step(row.imm)
            offset = min(offset - offset % step,
                         rvrows.imm_range(row.imm)[1])
            word = row.set(row.imm, row.set(base, word, self.b), offset)
            if row.matches(word):
                self.items.append(Item(row, word))
                self.note(row, word)
            return
        word = self.pointer(row, word, offset)
        if word is not None:
            self.note(row, word)

    def pointer(self, row, word, offset):
        """addi p, B, n in front; the access's own immediate is kept."""
        for _ in range(20):
            p = row.base if isinstance(row.base, int) else self.free()
            if p in (self.b, self.loop) or not row.can_set(row.base, p):
                if isinstance(row.base, int):
                    return None
                continue
            imm = row.get(row.imm, word) if row.imm is not None else 0
            if not -2048 <= offset - imm < 2048:
                word = row.random(self.rng)
                continue
            word = row.set(row.base, word, p)
            if row.matches(word) and self.usable(row, word):
                self.items.append(Item(None, a.addi(p, self.b, offset - imm),
                                       32))
                self.items.append(Item(row, word))
                self.items[-1].inner = True
                return word
        return None

    def reserve(self, row, word, offset):
        """LR, a few instructions, SC of the same width, mostly there."""
        rng = self.rng
        sc = self.gen.by_name[row.name.replace("lr", "sc")]
        for _ in range(20):
            p = self.free()
            lr = row.set(row.base, row.random(rng), p)
            cond = sc.set(sc.base, sc.random(rng), p)
            if self.usable(row, lr) and self.usable(sc, cond) and \
               p not in row.destinations(lr):
                break
        else:
            return
        first = len(self.items)
        self.items.append(Item(None, a.addi(p, self.b, offset), 32))
        self.items.append(Item(row, lr))
        for _ in range(rng.randrange(4)):
            between = rng.choices(self.gen.in_run, self.gen.weights)[0]
            w = between.random(rng)
            if between.memory or between.exit or between.calls or \
               between.float or not self.usable(between, w) or \
               p in between.destinations(w):
                continue
            self.items.append(Item(between, w))
        if rng.random() < .3:
            self.items.append(Item(None, a.addi(
                p, self.b, rng.randrange(0, BUFFER - 8, 8)), 32))
        self.items.append(Item(sc, cond))
        for i in self.items[first + 1:]:
            i.inner = True
        self.note(sc, cond)

    def jump_by_register(self, row, word):
        """auipc p; addi p, p, n; jump by p.  Or n in the jump itself."""
        rs1 = row.bound(row.isa.fields["rs1"])
        p = self.free()
        word = row.set(rs1, word, p)
        if not row.matches(word) or not self.usable(row, word):
            return
        ahead = self.rng.randrange(2, 7)
        self.items.append(Item(None, a.auipc(p, 0), 32))
        if row.imm is not None and not isinstance(row.imm, int):
            self.items.append(Item(row, word))
            self.items[-1].to = len(self.items) - 1 + ahead
            self.items[-1].inner = True
        else:
            self.items.append(Item(None, a.addi(p, p, 0), 32))
            self.items[-1].to = len(self.items) + ahead
            self.items[-1].inner = True
            self.items.append(Item(row, word))
            self.items[-1].inner = True
        self.note(row, word)

    def call(self):
        """A system call that does not exist."""
        if {self.b, self.loop} & {10, 17}:
            return
        self.items.append(Item(None, a.lui(17, NO_SYSTEM_CALL), 32))
        self.items.append(Item(self.gen.by_name["ecall"],
                               self.gen.by_name["ecall"].enc.value))
        self.items[-1].inner = True

    def trap(self):
        """Something that raises: rarely, signals are slow."""
        rows = [r for r in self.gen.rows if r.exit == "raise" or
                r.calls & TRAPS - {"ecall"}]
        row = self.rng.choice(rows)
        self.items.append(Item(row, row.random(self.rng)))
