"""The x86 dialect: the vendors' opcode map, operand letters and sizes.

A row is one line of the opcode map.  It has an instance for each operand
size, and each of those a handler for each form that its operands can have
(cpu/x86/decode.h); x86_emit.py writes those, x86_out.py the tables.
"""

import re

import expr
import flags
from expr import WIDTH, Node
from source import IsaError

LETTERS = "GEMOXYJIZAVWPQRUNSCDH"
SIZES = "bwdqovzyxst"
TYPE_OF = {"b": "u8", "w": "u16", "d": "u32", "q": "u64", "o": "u128",
           "x": "v128"}
FORMS = ("R", "RY", "RS", "B", "X", "Y", "S", "L")
SLOW = ("RS", "S", "L")
TWIN = {"R": "RS", "RY": "RS", "B": "S", "X": "S", "Y": "S"}
MEMORY = ("B", "X", "Y", "S", "L")
SEGMENTS = {"es": 0, "cs": 1, "ss": 2, "ds": 3, "fs": 4, "gs": 5}
DATA = "data"       # DS, or what a prefix says
TWICE = {"u8": "u16", "u16": "u32", "u32": "u64", "u64": "u128"}
HALF = {v: k for k, v in TWICE.items()}
PREFIXES = {"np": {0}, "66": {1}, "f3": {2}, "f2": {3}, "rep": {2, 3},
            "nr": {0, 1}}
PLAIN = {"hot", "lock", "locked", "align16", "fp", "d64", "f64", "i64",
         "o64", "v", "ea_after_sp", "fpu", "mm", "xmm", "bits", "count",
         "kinds"}


class Operand:
    """One of a, b, c, d."""

    def __init__(self, row, pos, text):
        self.pos, self.text = pos, text
        self.name = "abcd"[pos:pos + 1]
        if len(text) == 2 and text[0] in LETTERS and text[1] in SIZES:
            self.letter, self.size = text
        elif text == "M":
            self.letter, self.size = "M", ""
        else:
            self.letter, self.size = "F", ""
        self.slot = None        # of a register operand, by form

    @property
    def register(self):
        """Always a register."""
        return self.letter in "GZAVPRUNSCDH"

    @property
    def number(self):
        """Not what is in the register, but which it is."""
        return self.letter in "SCDH"

    @property
    def maybe_memory(self):
        return self.letter in "EMWQ"

    @property
    def memory(self):
        return self.letter in "MOXY"

    @property
    def general(self):
        return self.letter in "GEZAR"

    def type(self, T):
        if self.number:
            return "u8"
        if self.letter == "I" and self.size in "szv":
            return T
        if self.size in "vz":
            return T
        if self.size == "y":
            return T if T == "u64" else "u32"
        return TYPE_OF.get(self.size)


class Encoding:
    """prefixes, map and opcode, what follows."""

    def __init__(self, row):
        self.row = row
        self.prefix, self.w, self.b = None, {0, 1}, {0, 1}
        self.plus = False
        self.modrm = None       # None, "r", "digit" or "exact"
        self.reg = 0
        toks = row.encoding.split()
        while len(toks) > 1 and toks[0] in (*PREFIXES, "w0", "w1", "b0"):
            tok = toks.pop(0)
            if tok == "b0":
                self.b = {0}
            elif tok in ("w0", "w1"):
                self.w = {int(tok[1])}
            elif self.prefix:
                self.fail("two mandatory prefixes")
            else:
                self.prefix = tok
        self.map = 0
        if len(toks) > 1 and toks[0] == "0f":
            toks.pop(0)
            self.map = 1
            if toks and toks[0] in ("38", "3a") and len(toks) > 1 and \
               toks[1][0] != "/":
                self.map = 2 if toks.pop(0) == "38" else 3
        if not toks:
            self.fail("there is no opcode")
        self.opcode = self.number(toks.pop(0))
        if toks:
            self.take_modrm(toks.pop(0))
        if toks:
            self.fail(f"'{toks[0]}' is left over")

    def fail(self, text):
        raise IsaError("encoding", self.row.line,
                       f"{self.row.name}: {text}; expected: [66|f2|f3|np|nr|"
                       "rep] [w0|w1] [b0] [0f [38|3a]] OPCODE[+r] [/r | /DIGIT | "
                       "/- | MODRM]")

    def number(self, tok):
        m = re.fullmatch(r"([0-9a-f]{2})(\+r)?", tok)
        if m:
            self.plus = bool(m.group(2))
            value = int(m.group(1), 16)
            if self.plus and value & 7:
                self.fail(f"'{tok}' is no place for a register")
            return value
        m = re.fullmatch(r"(\d+)\*8\+(\d+)", tok)
        if not m or int(m.group(1)) * 8 + int(m.group(2)) > 255:
            self.fail(f"'{tok}' is no opcode")
        return int(m.group(1)) * 8 + int(m.group(2))

    def take_modrm(self, tok):
        if tok in ("/r", "/-"):
            self.modrm = "r" if tok == "/r" else "any"
        elif re.fullmatch("/[0-7]", tok):
            self.modrm, self.reg = "digit", int(tok[1])
        elif re.fullmatch("[c-f][0-9a-f]", tok):
            self.modrm, self.reg = "exact", int(tok, 16)
        else:
            self.fail(f"'{tok}' is nothing that follows an opcode")


class Place:
    """An operand, a view of a register or a register that is written."""

    def __init__(self, kind, what, type_, memory=False):
        self.kind, self.what, self.type = kind, what, type_
        self.memory = memory


class Scope:
    """What names mean in a row, at one operand size, with its E operand in
    memory or not."""

    pc_type = address_type = "u64"

    def __init__(self, isa, row, T, memory):
        self.isa, self.row, self.T, self.memory = isa, row, T, memory

    def operand_named(self, name):
        for o in self.row.ops:
            if o.name == name:
                return o
        return None

    def in_memory(self, o):
        return o.memory or o.maybe_memory and self.memory

    def operand(self, name):
        isa = self.isa
        o = self.operand_named(name)
        if o and o.letter == "F":
            if o.text.isdigit():
                return Node("const", "u8", data=int(o.text))
            name = o.text
        elif o:
            type_ = o.type(self.T)
            if o.letter == "J":
                return Node("imm", "u64", data=o)
            if type_ is None:
                return None
            return Node("opnd", type_, data=o)
        if name in isa.subs:
            return Node("view", self.sub_type(isa.subs[name]),
                        data=isa.subs[name])
        if name in ("segment", "selector") and any(self.in_memory(o)
                                                   for o in self.row.ops):
            return Node(name, "u8" if name == "segment" else "u16")
        if name in isa.regs and not isa.regs[name].count:
            return Node("reg", isa.regs[name].type, data=(isa.regs[name],
                                                          None))
        if name == "ea" and any(self.in_memory(o) for o in self.row.ops):
            return Node("ea", "u64")
        if name in ("pc", "nextpc"):
            return Node(name, "u64")
        if name == "addressing":
            return Node("addressing", "u8")
        return None

    def sub_type(self, sub):
        if sub.kind == "operand":
            if self.T is None:
                raise IsaError("sized", self.row.line, f"{self.row.name}: "
                               f"'{sub.name}' is of the operand size, the "
                               "row has none")
            return self.T
        if sub.kind in ("stack", "address"):
            return "u64"
        if sub.kind == "whole":
            return sub.reg.type
        return f"u{sub.hi - sub.lo + 1}"

    def indexed_place(self, name):
        reg = self.isa.regs[name]
        return Place("regat", reg, reg.type)

    @staticmethod
    def register_number(node):
        return node.data if node.op == "opnd" and node.data.register else None

    def target(self, name):
        isa = self.isa
        o = self.operand_named(name)
        if o and o.letter == "F":
            name = o.text
        elif o:
            if o.letter in "IJSCDH" or o.type(self.T) is None:
                return None
            return Place("opnd", o, o.type(self.T), self.in_memory(o))
        if name in isa.subs:
            return Place("view", isa.subs[name],
                         self.sub_type(isa.subs[name]))
        if name in isa.regs and not isa.regs[name].count:
            return Place("reg", isa.regs[name], isa.regs[name].type)
        return None

    def type_name(self, name):
        if name == "T":
            return self.T
        if name == "TT":
            return TWICE.get(self.T)
        if name == "Y":
            return "u64" if self.T == "u64" else "u32"
        if name == "TH":
            return HALF.get(self.T)
        return name if name in self.isa.types else None

    def address(self, parser):
        """[SEGMENT:] offset; `ea` alone is the operand's own place."""
        segment = None
        if parser.peek() in SEGMENTS or parser.peek() == DATA:
            segment = parser.word()
            parser.take(":")
        e = parser.expr()
        if segment is None and any(n.op == "ea" for n in e.walk()):
            segment = "operand"
        if segment is None:
            parser.fail("segment", "an address is SEGMENT:OFFSET or ea")
        return Node("at", "u64", [parser.settle(e, "u64")], segment)

    def function(self, parser, name):
        if name not in ("target", "post"):
            return None
        (e,) = parser.args(1, name)
        if name == "target":
            return Node("target", "u64", [parser.of_type(e, "u64", name)])
        if "post" not in self.isa.helpers:
            parser.fail("needs-helper", "this dialect wants a helper "
                        "post(u8) -> u64")
        return Node("post", "u1", [parser.of_type(e, "u8", name)])


class Instance:
    """A row at one operand size."""

    def __init__(self, row, T):
        self.row, self.T = row, T
        self.stmts = {}         # by memory: parsed
        self.number = 0         # of its first form
        self.forms = []


class Home:
    """Names that the generated code uses."""

    def __init__(self, isa):
        self.isa = isa
        self.prefix = re.sub("_cpu$", "", isa.struct)

    def helper_index(self, h):
        return f"{self.isa.name.upper()}_HELPER_{h.name.upper()}"

    def member(self, name):
        return f"g->{self.isa.regs[name].member}"

    def offset(self, member):
        return f"offsetof(struct {self.isa.struct}, {member})"


NEEDED = ("g", "stack_mask", "addr_mask", "cs_base", "fs_base", "gs_base")


def prepare(isa):
    """Operands, encodings, meanings and forms of every row."""
    for name in NEEDED:
        if name not in isa.regs:
            raise IsaError("needs-reg", 1, f"this dialect wants a register "
                           f"'{name}'")
    for name, n in (("linear", 4), ("target", 2)):
        h = isa.helpers.get(name)
        if not h or len(h.args) != n or h.result != "u64":
            raise IsaError("needs-helper", 1, "this dialect wants helpers "
                           "linear(u8, u64, u8, u8) -> u64 and "
                           "target(u64, u8) -> u64")
    if "GP" not in isa.causes:
        raise IsaError("needs-cause", 1, "this dialect wants a cause GP")
    flags.check(isa)
    for n, row in enumerate(isa.rows, 1):
        row.number = n
        row.alias = None
        row.ident = re.sub(r"\W", "_", row.name) + f"_{n}"
        row.enc = Encoding(row)
        row.ops = [Operand(row, p, t) for p, t in
                   enumerate(x.strip() for x in row.operands.split(",")
                             if x.strip())]
        if row.examples:
            raise IsaError("example", row.line, f"{row.name}: this dialect "
                           "has no examples yet")
        attributes(isa, row)
        check_operands(isa, row)
        surround(isa, row)
        instances(isa, row)
    number(isa)
    check_overlaps(isa)


def attributes(isa, row):
    row.attrs, row.wants = set(), []
    row.models = (0, max(len(isa.models) - 1, 0))
    for a in row.attributes:
        first, _, last = a.rstrip("+").partition("-")
        if a in PLAIN:
            row.attrs.add(a)
        elif a in isa.exts:
            row.wants.append(a)
        elif first in isa.models and (not last or last in isa.models):
            lo = isa.models.index(first)
            hi = row.models[1] if a.endswith("+") else \
                isa.models.index(last) if last else lo
            row.models = (lo, hi)
            if lo > hi:
                raise IsaError("models", row.line, f"{row.name}: '{a}' is no "
                               "range of models")
        else:
            raise IsaError("attribute", row.line, f"{row.name}: unknown "
                           f"attribute '{a}'")


def check_operands(isa, row):
    def fail(text):
        raise IsaError("operand", row.line, f"{row.name}: {text}")

    if len(row.ops) > 4:
        fail("more than four operands")
    for o in row.ops:
        if o.letter == "F" and not (o.text.isdigit() or o.text in isa.subs or
                                    o.text in isa.regs or o.text == "st"):
            fail(f"'{o.text}' is no operand")
        if o.letter in "GVPSCD" and row.enc.modrm != "r":
            fail(f"'{o.text}' is in ModRM.reg, the encoding has no /r")
        if (o.maybe_memory or o.letter in "RUNH") and \
           row.enc.modrm not in ("r", "digit", "any"):
            fail(f"'{o.text}' is in ModRM, which the encoding has not")
        if o.letter == "Z" and not row.enc.plus:
            fail(f"'{o.text}' is in the opcode, the encoding has no +r")
    for letters, what in (("EMWQRUNH", "ModRM.rm"), ("GVPSCD", "ModRM.reg"),
                          ("O", "an absolute address"),
                          ("J", "a target")):
        if sum(o.letter in letters for o in row.ops) > 1:
            fail(f"two operands in {what}")
    immediates = [o for o in row.ops if o.letter in "IO"]
    if len(immediates) > 2 or len(immediates) == 2 and any(
            o.maybe_memory or o.memory for o in row.ops):
        fail("two immediates, and no room for both")
    row.second = immediates[1] if len(immediates) == 2 else None
    if "count" in row.attrs and not any(o.text == "Ib" for o in row.ops):
        fail("`count`, but no Ib")
    if row.enc.modrm == "r" and not any(o.letter in "GVPSCD" for o in row.ops):
        fail("/r, but no operand in ModRM.reg")


def sizes(row):
    """Operand sizes of a row's instances, and whether decoding picks."""
    letters = [o.size for o in row.ops if o.letter != "J"]
    jumps = any(o.letter == "J" for o in row.ops)
    if jumps or "v" in row.attrs or any(s in "vz" for s in letters if s):
        return ["u16", "u32", "u64"], True
    if "y" in letters:
        return ["u32", "u64"], True
    if "b" in letters:
        return ["u8"], False
    return [None], False


def instances(isa, row):
    types, row.sized = sizes(row)
    maybe = any(o.maybe_memory and o.letter != "M" for o in row.ops)
    always = any(o.memory for o in row.ops)
    row.cases = [True] if always else [False, True] if maybe else [False]
    row.instances = []
    for T in types:
        if T == "u64" and "i64" in row.attrs:
            continue
        inst = Instance(row, T)
        for memory in row.cases:
            parser = expr.Parser(isa, row, Scope(isa, row, T, memory))
            inst.stmts[memory] = parser.parse()
            expr.check_row(row, inst.stmts[memory], fp_commits=False)
            check_memory(row, inst.stmts[memory])
        row.instances.append(inst)
    state(row)
    facts(row)
    forms(row)


def nodes(stmts):
    return [n for s in stmts for n in s.nodes()]


def check_memory(row, stmts):
    """What a row of floating point may not do."""
    if "fp" not in row.attrs and any(n.op == "fp" and n.data["flags"] and
                                     not n.data["f80"] for n in nodes(stmts)):
        raise IsaError("fp", row.line, f"{row.name}: a row with floating "
                       "point says so (fp)")
    seen = False
    for s in stmts:
        here = list(s.nodes())
        if seen and (s.kind in ("fault", "raise", "store") or
                     any(expr.faults(n) for n in here)):
            raise IsaError("fault-after-fp", row.line, f"{row.name}: "
                           "something can fault after floating point")
        seen |= any(n.op == "fp" for n in here)


def surround(isa, row):
    """Statements that all rows with operands of MMX have."""
    if "mm" in isa.around and any(o.letter in "PQN" for o in row.ops):
        before, after = isa.around["mm"]
        row.semantics = f"{before}; {row.semantics}; {after}"


def state(row):
    """Which switches of CR0 and CR4 a row heeds."""
    letters = {o.letter for o in row.ops}
    if "x87" in row.wants:
        row.attrs.add("fpu")
    if letters & set("PQN"):
        row.attrs.add("mm")
    if letters & set("VWU"):
        row.attrs.add("xmm")


def facts(row):
    every = [n for i in row.instances for m in row.cases
             for n in nodes(i.stmts[m])]
    stmts = [s for i in row.instances for m in row.cases for s in i.stmts[m]]
    kinds = {s.kind for s in stmts}
    subs = {n.data.kind for n in every if n.op == "view"}
    subs |= {s.place.what.kind for s in stmts
             if s.kind == "set" and s.place.kind == "view"}
    row.exit = next((k for k in ("branch", "jump", "jumpr", "raise")
                     if k in kinds), None)
    row.stack = "stack" in subs or any(n.op == "at" and n.data == "ss"
                                       for n in every)
    row.string = "address" in subs or any(o.letter in "XY" for o in row.ops)
    # the prefixes count, though there is no operand in memory
    row.addressing = not any(row.cases) and (
        "address" in subs or any(n.op == "addressing" or
                                 n.op == "at" and n.data == DATA
                                 for n in every))
    row.helpers = {n.data.name: n.data for n in every if n.op == "call"}
    row.posts = any(n.op == "post" for n in every)
    row.mode = any("mode" in h.facts for h in row.helpers.values())
    row.direct = row.exit in ("branch", "jump")
    # an instruction pointer, which the fast forms have only in flat code
    row.after = not row.stack and not row.direct and \
        any(n.op == "nextpc" for n in every)
    row.checked = row.direct or any(n.op == "target" for n in every)
    # a twin: for what the fast forms do not do
    row.twin = row.stack or row.checked or "fp" in row.attrs
    if row.string and any(o.maybe_memory for o in row.ops):
        raise IsaError("string", row.line, f"{row.name}: string operands "
                       "beside another in memory")


def forms(row):
    hot = "hot" in row.attrs
    out = set()
    if False in row.cases:
        out.add("RS" if row.addressing or row.after or
                row.stack and not hot else "R")
        if row.twin:
            out.add("RS")
            if row.stack and hot:
                out.add("RY")
    if True in row.cases:
        if "locked" not in row.attrs:
            out.add("S")
            wide = any(o.size == "o" for o in row.ops)
            if hot and not row.string and not wide and \
               not any(o.letter == "O" for o in row.ops):
                out |= {"B", "X", "Y"}
        if {"lock", "locked"} & row.attrs:
            if not any(s.kind == "set" and s.place.memory
                       for s in row.instances[0].stmts[True]):
                raise IsaError("lock", row.line, f"{row.name}: `lock`, but no "
                               "memory operand is written")
            out.add("L")
    row.forms = [f for f in FORMS if f in out]


def number(isa):
    at = 1
    for row in isa.rows:
        for i in row.instances:
            i.number = at
            i.forms = {f: at + n for n, f in enumerate(row.forms)}
            at += len(row.forms)
    isa.n_handlers = at
    if at > 0xffff:
        raise IsaError("too-many", 1, "more than 65535 row instances")


# ---------------------------------------------------------- the opcode map

def modrm_set(row):
    """ModRM bytes that the row takes, as a bit mask of 256."""
    e = row.enc
    if e.modrm is None:
        return (1 << 256) - 1
    if e.modrm == "exact":
        return 1 << e.reg
    only_memory = any(o.letter == "M" for o in row.ops)
    only_reg = any(o.letter in "RUNH" for o in row.ops)
    out = 0
    for b in range(256):
        if (b < 0xc0 and only_reg) or (b >= 0xc0 and only_memory):
            continue
        if e.modrm == "digit" and b >> 3 & 7 != e.reg:
            continue
        out |= 1 << b
    return out


class Constraint:
    """All that decides whether a row is meant, as sets."""

    def __init__(self, row):
        e = row.enc
        modes = {"i64": {0}, "o64": {1}}
        mode = {0, 1}
        for a, m in modes.items():
            if a in row.attrs:
                mode = m
        self.sets = [frozenset(PREFIXES.get(e.prefix, {0, 1, 2, 3})),
                     frozenset(e.w), frozenset(e.b), frozenset(mode),
                     frozenset(range(row.models[0], row.models[1] + 1)),
                     frozenset({1} if "count" in row.attrs else {0, 1})]
        self.modrm = modrm_set(row)
        self.wants = frozenset(row.wants)

    def disjoint(self, other):
        return not self.modrm & other.modrm or any(
            not a & b for a, b in zip(self.sets, other.sets))

    def within(self, other):
        return self.modrm & ~other.modrm == 0 and all(
            a <= b for a, b in zip(self.sets, other.sets))

    def size(self):
        out = bin(self.modrm).count("1")
        for s in self.sets:
            out *= len(s)
        return out


def opcodes(row):
    return range(row.enc.opcode, row.enc.opcode + (8 if row.enc.plus else 1))


def check_overlaps(isa):
    """Chains by map and opcode, the narrower rows first."""
    isa.chains = {}
    for row in isa.rows:
        row.constraint = Constraint(row)
        for op in opcodes(row):
            chain = isa.chains.setdefault((row.enc.map, op), [])
            for other in chain:
                check_pair(other, row)
            chain.append(row)
    for chain in isa.chains.values():
        chain.sort(key=lambda r: (r.constraint.size(), r.number))
        for r in chain:
            if all((r.enc.modrm is None) == (o.enc.modrm is None) or
                   any(not a & b for a, b in
                       zip(r.constraint.sets[3:], o.constraint.sets[3:]))
                   for o in chain):
                continue
            raise IsaError("modrm", r.line, f"{r.name}: some rows of its "
                           "opcode have a ModRM byte, some have not")


def check_pair(a, b):
    x, y = a.constraint, b.constraint
    if x.disjoint(y):
        return
    if x.within(y) and y.within(x):
        raise IsaError("unreachable", b.line, f"{b.name} can never be "
                       f"reached past {a.name} (line {a.line})")
    if not x.within(y) and not y.within(x):
        raise IsaError("overlap", b.line, f"{b.name} and {a.name} (line "
                       f"{a.line}) match the same encodings")
