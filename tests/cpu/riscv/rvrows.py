"""What diff.py must know of each row, taken from riscv.isa itself.

The generator's own modules read the table; here a row becomes bits: which
registers an encoding writes, where its address comes from, how to set an
operand.  No opcode is listed.
"""

import re


def load_isa(generator_dir, path, bits):
    """Rows of an .isa file that a hart of `bits` has, read by the
    generator."""
    import sys
    sys.path.insert(0, generator_dir)
    import riscv
    import source
    with open(path, encoding="utf-8") as f:
        isa = source.read(f.read(), {"ux": f"u{bits}"})
    riscv.prepare(isa)
    rows = [Row(isa, r) for r in isa.rows
            if not {f"rv{96 - bits}", "ialign32"} & set(r.wants)]
    rows.sort(key=lambda r: riscv.specific(r.row))
    return isa, rows


def imm_value(imm, word):
    value, at = 0, imm.width
    for hi, lo, zeros in imm.pieces:
        if lo is None:
            at -= zeros
            continue
        width = hi - lo + 1
        at -= width
        value |= (word >> lo & ((1 << width) - 1)) << at
    if imm.signed and value >> (imm.width - 1):
        value -= 1 << imm.width
    return value


def imm_bits(imm, value):
    """Bits of the encoding for a value that fits."""
    out, at = 0, imm.width
    for hi, lo, zeros in imm.pieces:
        if lo is None:
            at -= zeros
            continue
        width = hi - lo + 1
        at -= width
        out |= (value >> at & ((1 << width) - 1)) << lo
    return out


def imm_step(imm):
    """Immediates are multiples of this."""
    hi, lo, zeros = imm.pieces[-1]
    return 1 << zeros if lo is None else 1


def imm_range(imm):
    if imm.signed:
        return -(1 << imm.width - 1), (1 << imm.width - 1) - imm_step(imm)
    return 0, (1 << imm.width) - imm_step(imm)


BLOCK = 64
SIZES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}


class Row:
    """One row and the row that it runs as."""

    def __init__(self, isa, row):
        self.isa, self.row, self.enc = isa, row, row.enc
        self.name, self.width = row.name, row.enc.width
        self.run = row.alias.target if row.alias else row
        self.free = ~row.enc.mask & ((1 << self.width) - 1)
        self.hot = "hot" in self.run.attributes
        nodes = [n for s in self.run.stmts for n in s.nodes()]
        self.calls = {n.data.name for n in nodes if n.op == "call"}
        # sret and mret do not get as far as their jump in user mode.
        self.exit = self.run.exit if not self.calls else None
        self.address(nodes)
        self.imm = self.bound(self.run.imm) if self.run.imm else None
        self.writes_x = [self.bound(f) for f in self.run.written
                         if f.regs == "x"]
        self.reads = {f.regs: [self.bound(f) for f in self.run.slots
                               if f.regs and f not in self.run.written
                               and f.regs == kind]
                      for f in self.run.slots if f.regs
                      for kind in [f.regs]}
        self.rm = next((f for f in self.enc.fields if f.name == "rm"), None)
        self.single = bool(re.search(r"\.s$|\.s\.|fcvt\.[wl]u?\.s", self.name))
        self.half = bool(re.search(r"^f.*\.h$", self.name))
        self.float = "f" in self.reads or any(f.regs == "f"
                                              for f in self.run.written)

    def address(self, nodes):
        """Of rows that access memory: size, base operand, alignment."""
        self.size, self.base, self.aligned = 0, None, False
        self.load = self.store = self.reserve = self.lone = False
        for n in nodes:
            if n.op in ("load", "amo"):
                self.size, self.load = SIZES[n.type], True
                self.store |= n.op == "amo"
                self.aligned |= n.op == "amo"
        for s in self.run.stmts:
            if s.kind == "store":
                self.size, self.store = SIZES[s.type], True
        for c in self.calls:
            m = re.fullmatch("(lr|sc)_([wd])", c)
            if m:
                self.size = 4 if m.group(2) == "w" else 8
                self.aligned, self.reserve = True, m.group(1) == "lr"
                self.load, self.store = self.reserve, not self.reserve
                self.lone = not self.reserve
            if c.startswith("cbo_"):    # of the block that the address is in
                self.size, self.store = BLOCK, True
        self.memory = self.size != 0
        if self.memory:
            self.base = self.bound(self.isa.fields["rs1"])

    def bound(self, what):
        """The field or immediate of this encoding, or a fixed number."""
        return self.row.binding[what] if self.row.alias else what

    # encodings
    def matches(self, word):
        return word & self.enc.mask == self.enc.value and all(
            word & bits != excluded for bits, excluded in self.enc.not_equal)

    def random(self, rng):
        while True:
            word = self.enc.value | rng.getrandbits(self.width) & self.free
            if self.matches(word):
                return word

    @staticmethod
    def get(what, word):
        """Value of an operand: register number, field or immediate."""
        if isinstance(what, int):
            return what
        if hasattr(what, "pieces"):
            return imm_value(what, word)
        return (word >> what.lo & ((1 << what.width) - 1)) + what.add

    @staticmethod
    def can_set(what, value):
        if isinstance(what, int):
            return what == value
        if hasattr(what, "pieces"):
            low, high = imm_range(what)
            return low <= value <= high and value % imm_step(what) == 0
        return 0 <= value - what.add < 1 << what.width

    @staticmethod
    def set(what, word, value):
        """The word with an operand set; can_set() must be true of it."""
        if isinstance(what, int):
            return word
        if hasattr(what, "pieces"):
            return word & ~what.bits | imm_bits(what, value)
        ones = (1 << what.width) - 1
        return word & ~(ones << what.lo) | (value - what.add) << what.lo

    def destinations(self, word):
        """x registers that it writes (x0 is none)."""
        return {self.get(f, word) for f in self.writes_x} - {0}

    def text(self, word):
        """For reports: the row's name and its operands."""
        parts = []
        for f in self.enc.fields:
            v = self.get(f, word)
            parts.append(f"{f.name}={f.regs or ''}{v}")
        for i in self.enc.imm_bits:
            parts.append(f"{i.name}={imm_value(i, word)}")
        return f"{word:0{self.width // 4}x} {self.name} " + " ".join(parts)


class Decoder:
    """The row of an encoding, None if there is none."""

    # What tells most rows apart: the opcode, quadrant and function.
    KEYS = {32: 0x7f, 16: 0xe003}

    def __init__(self, rows):
        """rows are sorted, the narrowest first."""
        self.rows, self.cache = rows, {}

    def __call__(self, word, width):
        key = (width, word & self.KEYS[width])
        if key not in self.cache:
            bits = self.KEYS[width]
            self.cache[key] = [
                r for r in self.rows if r.width == width and
                (r.enc.value ^ word) & r.enc.mask & bits == 0]
        return next((r for r in self.cache[key] if r.matches(word)), None)


class Undefined:
    """Encodings that no row has, mostly near ones that some row has."""

    size, imm, rm, base, exit = 0, None, None, None, None
    memory = float = single = half = hot = aligned = reserve = False
    load = store = False
    calls, writes_x, reads = frozenset(), [], {}

    def __init__(self, rows, width, decoder):
        self.name, self.width = f"undefined {width}", width
        self.decode = decoder
        self.near = [r for r in rows if r.width == width]
        self.run = self

    def random(self, rng):
        while True:
            word = rng.choice(self.near).random(rng)
            if rng.random() < .8:
                for _ in range(rng.randrange(1, 5)):
                    word ^= 1 << rng.randrange(self.width)
            else:
                word = rng.getrandbits(self.width)
            if (word & 3 == 3) == (self.width == 32) and \
               self.decode(word, self.width) is None:
                return word

    @staticmethod
    def destinations(word):
        """What they could write if they meant something."""
        return {word >> 7 & 31, (word >> 7 & 7) + 8, (word >> 2 & 7) + 8, 1,
                2}

    def text(self, word):
        return f"{word:0{self.width // 4}x} {self.name}"
