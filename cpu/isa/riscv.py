"""The RISC-V dialect: encodings as bit fields, records, operands as text.

A row's encoding is a list, highest bit first, of literal bits, field names
and IMM:n (n bits of an immediate, wherever its declaration says they go).
"""

import re

import expr
from emit_c import CTYPE
from expr import WIDTH
from source import IsaError


class Place:
    """Somewhere a row writes: a register file by field, or one register."""

    memory = False

    def __init__(self, reg, field):
        self.reg, self.field, self.type = reg, field, reg.type


class Alias:
    """`is row(args)`: decode differs, the handler is the other row's."""

    def __init__(self, target, args):
        self.target, self.args = target, args


class Encoding:
    def __init__(self, isa, row):
        self.row, self.mask, self.value = row, 0, 0
        self.fields, self.imm_bits = [], {}
        at = 0
        pieces = []
        for tok in row.encoding.split():
            name, _, width = tok.partition(":")
            if re.fullmatch("[01]+", tok):
                pieces.append((len(tok), "bits", tok))
            elif name in isa.fields and not width:
                pieces.append((isa.fields[name].width, "field",
                               isa.fields[name]))
            elif name in isa.imms and width.isdigit():
                pieces.append((int(width), "imm", isa.imms[name]))
            else:
                raise IsaError("encoding", row.line, f"{row.name}: '{tok}' "
                               "is neither bits, a field nor IMM:n")
        self.width = sum(p[0] for p in pieces)
        if self.width not in (16, 32):
            raise IsaError("encoding-width", row.line, f"{row.name}: the "
                           f"encoding has {self.width} bits, not 16 or 32")
        at = self.width
        for width, kind, what in pieces:
            at -= width
            self.place(kind, what, at, width)
        self.check_imms()
        self.fixed_bits(isa)
        self.not_equal = self.constraints(isa)

    def place(self, kind, what, at, width):
        row = self.row
        if kind == "bits":
            self.mask |= ((1 << width) - 1) << at
            self.value |= int(what, 2) << at
        elif kind == "field":
            if what.lo != at:
                raise IsaError("field-place", row.line, f"{row.name}: "
                               f"'{what.name}' stands at bit {at}, it is "
                               f"declared at {what.lo}")
            self.fields.append(what)
        else:
            bits = ((1 << width) - 1) << at
            self.imm_bits[what] = self.imm_bits.get(what, 0) | bits

    def check_imms(self):
        for imm, bits in self.imm_bits.items():
            if imm.bits != bits:
                raise IsaError("imm-place", self.row.line,
                               f"{self.row.name}: '{imm.name}' takes its bits "
                               f"from {imm.bits:#x}, the row gives {bits:#x}")
        if len(self.imm_bits) > 1:
            raise IsaError("two-imms", self.row.line,
                           f"{self.row.name}: one immediate a row")

    def fixed_bits(self, isa):
        """Attributes like J&2: a bit of an immediate that is set."""
        for a in self.row.attributes:
            m = re.fullmatch(r"(\w+)&(\d+)", a)
            if not m:
                continue
            imm, at = isa.imms.get(m.group(1)), None
            if imm in self.imm_bits:
                at = imm.place(int(m.group(2)))
            if at is None:
                raise IsaError("constraint", self.row.line, f"{self.row.name}:"
                               f" '{a}' is no bit of an immediate in the "
                               "encoding")
            self.mask |= 1 << at
            self.value |= 1 << at

    def constraints(self, isa):
        """Attributes like rd!=0, as (hi, lo, excluded value)."""
        out = []
        for a in self.row.attributes:
            m = re.fullmatch(r"(\w+)!=(\d+)", a)
            if not m:
                continue
            what = isa.fields.get(m.group(1))
            if what in self.fields and what is not None:
                bits = ((1 << what.width) - 1) << what.lo
            elif isa.imms.get(m.group(1)) in self.imm_bits:
                bits = isa.imms[m.group(1)].bits
            else:
                raise IsaError("constraint", self.row.line, f"{self.row.name}:"
                               f" '{m.group(1)}' is not in the encoding")
            out.append((bits, self.value_at(bits, int(m.group(2)))))
        return out

    @staticmethod
    def value_at(bits, value):
        """Spread value over a contiguous or scattered mask."""
        out, n = 0, 0
        for b in range(32):
            if bits >> b & 1:
                out |= (value >> n & 1) << b
                n += 1
        return out


def const(value, type_="u64"):
    return expr.Node("const", type_, data=value)


class Scope:
    """What names mean inside one row."""

    def __init__(self, isa, row):
        self.isa, self.row = isa, row
        self.pc_type = self.address_type = isa.types.get("=ux", "u64")

    def operand(self, name):
        isa, enc = self.isa, self.row.enc
        if name in isa.fields and isa.fields[name] in enc.fields:
            f = isa.fields[name]
            if f.regs:
                reg = isa.regs[f.regs]
                return expr.Node("reg", reg.type, data=(reg, f))
            return expr.Node("num", "u8", data=f)
        if name in isa.imms and isa.imms[name] in enc.imm_bits:
            return expr.Node("imm", self.pc_type, data=isa.imms[name])
        if name in isa.regs and not isa.regs[name].count:
            reg = isa.regs[name]
            return expr.Node("reg", reg.type, data=(reg, None))
        if name in ("pc", "nextpc"):
            return expr.Node(name, self.pc_type)
        return None

    def target(self, name):
        isa = self.isa
        if name in isa.fields and isa.fields[name] in self.row.enc.fields \
           and isa.fields[name].regs:
            return Place(isa.regs[isa.fields[name].regs], isa.fields[name])
        if name in isa.regs and not isa.regs[name].count:
            return Place(isa.regs[name], None)
        return None

    @staticmethod
    def register_number(node):
        """The field of a register operand, or None."""
        return node.data[1] if node.op == "reg" else None

    def type_name(self, name):
        if name in self.isa.types:
            return self.isa.types.get("=" + name, name)
        return None

    def address(self, parser):
        return parser.expr()

    def function(self, parser, name):
        """What only RISC-V rows need; each is a tree of plain operations."""
        sizes = {"unbox": 32, "box": 32, "unboxh": 16, "boxh": 16}
        if name not in sizes and name != "round":
            return None
        (e,) = parser.args(1, name)
        N = expr.Node
        bits = sizes.get(name)
        ones = 2 ** 64 - 1
        if name.startswith("unbox"):
            e = parser.of_type(e, "u64", name)
            boxed = N("eq", "u1", [N("shr", "u64", [e, const(bits)]),
                                   const(ones >> bits)])
            nan = 0x7fc00000 if bits == 32 else 0x7e00
            return N("select", f"u{bits}",
                     [boxed, N("lo", f"u{bits}", [e]),
                      const(nan, f"u{bits}")])
        if name.startswith("box"):
            e = parser.of_type(e, f"u{bits}", name)
            return N("or", "u64", [N("zx", "u64", [e]),
                                   const(ones << bits & ones)])
        e = parser.of_type(e, "u8", name)
        return N("select", "u8", [N("eq", "u1", [e, const(7, "u8")]),
                                  self.operand("frm"), e])


class Home:
    """Where a row's operands live in a record, an insn and the IR."""

    def __init__(self, isa, row=None):
        self.isa, self.row = isa, row
        self.prefix = "riscv"

    def of(self, row):
        return Home(self.isa, row)

    # records
    def slot(self, field):
        n = self.row.slots[field]
        return "abcd"[n] if n < 4 else "imm"

    def c_slot(self, field):
        return f"(uint8_t)r->{self.slot(field)}"

    def c_reg(self, n):
        reg, field = n.data
        if field is None:
            return f"g->{reg.member}"
        return f"g->{reg.member}[r->{self.slot(field)}]"

    def c_imm(self, n):
        t = CTYPE[n.type]
        return f"({t})(int64_t)r->imm" if n.data.signed else \
            f"({t})(uint32_t)r->imm"

    def c_at(self, offset):
        t = CTYPE[self.isa.types.get("=ux", "u64")]
        return f"({t})(c->page + (uint64_t)(int64_t){offset})"

    def c_pc(self):
        return self.c_at("r->imm")

    def c_nextpc(self):
        return self.c_at("r->imm" if self.row.exit == "jump"
                         else "r[1].target")

    def c_write(self, place, value):
        if place.field is None:
            return [f"g->{place.reg.member} = {value};"]
        return [f"g->{place.reg.member}[r->{self.slot(place.field)}] = "
                f"{value};"]

    def sources(self):
        """(Reg, Field) of each register operand that the row reads."""
        return [(self.isa.regs[f.regs], f) for f in self.row.slots
                if f.regs and f not in self.row.written]

    # the lifter
    def i_slot(self, field):
        n = self.row.slots[field]
        return f"i->reg[{n}]" if n < 4 else "(uint8_t)i->imm"

    def member(self, reg, index=None):
        at = f"[{index}]" if index is not None else ""
        return f"offsetof(struct {self.isa.struct}, {reg.member}{at})"

    def element(self, reg, field):
        size = f"sizeof(((struct {self.isa.struct} *)0)->{reg.member}[0])"
        at = f"{self.member(reg, 0)} + {size} * {self.i_slot(field)}"
        # a slot may be wider than the registers of this -D ux
        return f"{at} + IR_LOW_END({size}, {WIDTH[reg.type] // 8})"

    def ir_reg(self, n):
        reg, field = n.data
        t = "IR_I" + n.type[1:]
        if field is None:
            return f"ir_get(ir, {t}, {self.member(reg)})"
        get = f"ir_get(ir, {t}, {self.element(reg, field)})"
        if reg.zero is None:
            return get
        return (f"{self.i_slot(field)} == {reg.zero} ? "
                f"ir_const(ir, {t}, 0) : {get}")

    def ir_write(self, place, value, when):
        t = "IR_I" + place.type[1:]
        if place.field is None:
            put = f"{self.member(place.reg)}"
            guard = ""
        else:
            put = self.element(place.reg, place.field)
            guard = ""
            if place.reg.zero is not None:
                guard = (f"if ({self.i_slot(place.field)} != "
                         f"{place.reg.count})")
        if when:
            old = f"ir_get(ir, {t}, {put})"
            value = f"ir_select(ir, {t}, {when}, {value}, {old})"
        return [x for x in (guard, f"ir_put(ir, {t}, {put}, {value});") if x]

    def helper_index(self, h):
        return f"{self.isa.name.upper()}_HELPER_{h.name.upper()}"


def parse_alias(isa, row):
    m = re.fullmatch(r"is ([\w./]+)\(([^()]*)\)", row.semantics)
    if not m:
        raise IsaError("alias", row.line,
                       f"{row.name}: expected: is ROW(OPERANDS)")
    return Alias(m.group(1), [a.strip() for a in m.group(2).split(",")
                              if a.strip()])


def operand_names(text):
    """Field and immediate names in the operand column, in order."""
    return [m.group(1) for m in re.finditer(r"([A-Za-z_]\w*)(?::\w+)?", text)]


def prepare(isa):
    """Encodings, meanings, record layouts and aliases of every row."""
    by_name = {}
    for n, row in enumerate(isa.rows, 1):
        row.number = n
        row.ident = re.sub(r"\W", "_", row.name) + f"_{n}"
        row.enc = Encoding(isa, row)
        row.wants, row.either = [], []
        for a in row.attributes:
            if a in isa.exts:
                row.wants.append(a)
            elif all(x in isa.exts for x in a.split("/")):
                row.either.append(a.split("/"))
            elif a not in ("hot",) and not re.search("!=|&", a):
                raise IsaError("attribute", row.line, f"{row.name}: unknown "
                               f"attribute '{a}'")
        row.alias = row.stmts = None
        if row.semantics.startswith("is "):
            row.alias = parse_alias(isa, row)
            continue
        parser = expr.Parser(isa, row, Scope(isa, row))
        row.stmts = parser.parse()
        expr.check_row(row, row.stmts)
        layout(isa, row)
        if row.name in by_name:
            raise IsaError("row-twice", row.line,
                           f"two rows are called '{row.name}'")
        by_name[row.name] = row
    for row in isa.rows:
        if row.alias:
            resolve(isa, row, by_name)
    check_operands(isa)
    check_overlaps(isa)
    return by_name


def layout(isa, row):
    used, nodes = [], []
    for s in row.stmts:
        nodes += list(s.nodes())
    fields = {n.data[1] for n in nodes if n.op == "reg" and n.data[1]}
    fields |= {n.data for n in nodes if n.op == "num"}
    row.written = {s.place.field for s in row.stmts
                   if s.kind == "set" and s.place.field}
    for f in row.written & fields:
        if isa.regs[f.regs].zero is not None:
            raise IsaError("read-and-written", row.line, f"{row.name}: "
                           f"'{f.name}' is read and written; the record of "
                           "a zero register cannot say both")
    fields |= row.written
    for name in operand_names(row.operands):
        f = isa.fields.get(name)
        if f in fields and f not in used:
            used.append(f)
    used += sorted(fields - set(used), key=lambda f: f.name)
    row.imm = next(iter(row.enc.imm_bits), None)
    room = 4 + (row.imm is None)
    if len(used) > room:
        raise IsaError("record-full", row.line, f"{row.name}: more operands "
                       "than a record holds")
    row.slots = {f: n for n, f in enumerate(used)}
    row.uses_pc = any(n.op == "pc" for n in nodes)
    row.uses_next = any(n.op == "nextpc" for n in nodes)
    exits = [s.kind for s in row.stmts
             if s.kind in ("branch", "jump", "jumpr", "raise")]
    row.exit = exits[0] if exits else None
    row.mode = any(n.op == "call" and "mode" in n.data.facts for n in nodes)
    if row.uses_next and row.exit not in ("jump", "jumpr", "branch"):
        raise IsaError("nextpc", row.line,
                       f"{row.name}: only a jump knows nextpc")
    fold_pc(row)


def fold_pc(row):
    """pc + imm is one addition at decode time: the record's imm."""
    def fold(n):
        if n.op == "add" and n.args[0].op == "pc" and n.args[1].op == "imm":
            n.op, n.args, n.data = "pcimm", n.args, None
            return 1
        return sum(fold(a) for a in n.args)
    folded = sum(fold(n) for s in row.stmts
                 for n in [s.expr, s.target] + list(getattr(s, "args", []))
                 if isinstance(n, expr.Node))
    if row.uses_pc and not folded and row.imm is not None:
        raise IsaError("pc-and-imm", row.line, f"{row.name}: a record holds "
                       "pc or an immediate; only their sum is both")
    if folded and any(n.op == "imm" for s in row.stmts for n in s.nodes()
                      if n.op == "imm") and folded > 1:
        raise IsaError("pc-and-imm", row.line, f"{row.name}: a record holds "
                       "pc or an immediate; only their sum is both")


def resolve(isa, row, by_name):
    a = row.alias
    if a.target not in by_name:
        raise IsaError("alias-target", row.line,
                       f"{row.name}: no row is called '{a.target}'")
    target = a.target = by_name[a.target]
    names = operand_names(target.operands)
    names = [n for n in names if n in isa.fields or n in isa.imms]
    if len(names) != len(a.args):
        raise IsaError("alias-count", row.line, f"{row.name}: "
                       f"{target.name} has {len(names)} operands")
    row.binding = {}
    for name, arg in zip(names, a.args):
        want = isa.fields.get(name) or isa.imms.get(name)
        have = isa.fields.get(arg) or isa.imms.get(arg)
        if re.fullmatch(r"-?\d+", arg):
            row.binding[want] = int(arg)
        elif have is not None and (have in row.enc.fields or
                                   have in row.enc.imm_bits):
            if getattr(have, "regs", None) != getattr(want, "regs", None):
                raise IsaError("alias-kind", row.line, f"{row.name}: '{arg}' "
                               f"cannot stand for '{name}'")
            row.binding[want] = have
        else:
            raise IsaError("alias-operand", row.line,
                           f"{row.name}: '{arg}' is not in its encoding")


def operand(isa, row, name):
    """The field or immediate of row's encoding, or None: then the operand
    column may say a register's name."""
    what = isa.fields.get(name)
    if what is not None and what in row.enc.fields:
        return what
    what = isa.imms.get(name)
    if what is not None and what in row.enc.imm_bits:
        return what
    return None


def check_operands(isa):
    registers = {n for reg in isa.regs.values() for n in reg.names}
    for row in isa.rows:
        for name in operand_names(row.operands):
            if operand(isa, row, name) is None and name not in registers:
                raise IsaError("operand", row.line, f"{row.name}: operand "
                               f"'{name}' is not in the encoding")


def disjoint(a, b):
    if a.width != b.width or (a.value ^ b.value) & a.mask & b.mask:
        return True
    for x, y in ((a, b), (b, a)):
        for bits, excluded in x.not_equal:
            if y.mask & bits == bits and y.value & bits == excluded:
                return True
    return False


def narrower(a, b):
    """Is every encoding of a one of b, and not the other way round?"""
    if a.mask & b.mask == b.mask and a.mask != b.mask:
        return True
    return a.mask == b.mask and set(a.not_equal) > set(b.not_equal)


def check_overlaps(isa):
    rows = isa.rows
    narrow = {r: [] for r in rows}
    for i, r in enumerate(rows):
        for s in rows[:i]:
            a, b = r.enc, s.enc
            if disjoint(a, b) or exclusive(isa, r, s):
                continue
            if narrower(a, b):
                narrow[s].append(r)
            elif narrower(b, a):
                narrow[r].append(s)
            else:
                raise IsaError("overlap", r.line, f"{r.name} and {s.name} "
                               f"(line {s.line}) match the same encodings")
    for r in rows:
        # Those that are decoded first wherever r would be.
        first = [s.enc for s in narrow[r] if implied(s, r)]
        if covered(r.enc.mask, r.enc.value, first):
            raise IsaError("unreachable", r.line, f"{r.name} can never be "
                           "reached: narrower rows take all its encodings")


def implied(s, r):
    """Has every hart that has row r row s too?"""
    have = [{x} for x in r.wants] + [set(x) for x in r.either]
    want = [{x} for x in s.wants] + [set(x) for x in s.either]
    return all(any(h <= w for h in have) for w in want)


def covered(mask, value, encodings):
    """Are all words with these fixed bits among the encodings?"""
    near = [e for e in encodings if not (e.value ^ value) & e.mask & mask]
    for e in near:
        if e.mask & ~mask == 0 and not e.not_equal:
            return True
    bits = 0
    for e in near:
        bits |= e.mask & ~mask
    if not bits:
        return False
    bit = bits & -bits
    return (covered(mask | bit, value, near) and
            covered(mask | bit, value | bit, near))


def exclusive(isa, r, s):
    """Rows of two extensions that exclude each other (rv32 and rv64)."""
    return any(pair <= set(r.wants) | set(s.wants) and
               pair & set(r.wants) != pair & set(s.wants)
               for pair in isa.exclude)


# ------------------------------------------------------------ the decoder

def specific(row):
    return (-bin(row.enc.mask).count("1"), -len(row.enc.not_equal),
            row.number)


def runs(bits):
    """Contiguous runs of set bits as (lo, width)."""
    out, b = [], 0
    while bits >> b:
        if bits >> b & 1:
            lo = b
            while bits >> b & 1:
                b += 1
            out.append((lo, b - lo))
        else:
            b += 1
    return out


class Decoder:
    """A tree of switches over the bits that all remaining rows fix."""

    def __init__(self, isa):
        self.isa, self.out = isa, []

    def tree(self, rows, done, depth):
        pad = "    " * min(depth, 6)
        common = ~done
        for r in rows:
            common &= r.enc.mask
        choice = runs(common & 0xffffffff) if len(rows) > 1 else []
        if not choice:
            for r in sorted(rows, key=specific):
                self.leaf(r, done, pad)
            return
        lo, width = max(choice, key=lambda x: min(x[1], 7))
        width = min(width, 7)
        bits = ((1 << width) - 1) << lo
        self.out.append(f"{pad}switch (w >> {lo} & {(1 << width) - 1:#x}u) {{")
        groups = {}
        for r in rows:
            groups.setdefault((r.enc.value & bits) >> lo, []).append(r)
        for value in sorted(groups):
            self.out.append(f"{pad}case {value:#x}:")
            self.tree(groups[value], done | bits, depth + 1)
            self.out.append(f"{pad}    break;")
        self.out.append(f"{pad}}}")

    def bits(self, names):
        return " | ".join(f"{self.isa.ext_prefix}_EXT_{x.upper()}"
                          for x in names)

    def leaf(self, row, done, pad):
        tests = []
        rest = row.enc.mask & ~done
        if rest:
            tests.append(f"(w & {rest:#x}u) == {row.enc.value & rest:#x}u")
        for bits, excluded in row.enc.not_equal:
            tests.append(f"(w & {bits:#x}u) != {excluded:#x}u")
        if row.wants:
            tests.append(f"!(({self.bits(row.wants)}) & ~features)")
        for names in row.either:
            tests.append(f"(({self.bits(names)}) & features)")
        body = f"{{ operands_{row.number}(w, i); return; }}"
        cond = f"if ({' && '.join(tests)}) " if tests else ""
        self.out.append(f"{pad}    {cond}{body}")


def bits_expr(what):
    """C expression of a field or immediate of the word w."""
    if hasattr(what, "regs"):
        text = f"(w >> {what.lo} & {(1 << what.width) - 1:#x}u)"
        return f"{text} + {what.add}u" if what.add else text
    parts, at = [], what.width
    for hi, lo, zeros in what.pieces:
        if lo is None:
            at -= zeros
            continue
        width = hi - lo + 1
        at -= width
        piece = f"(w >> {lo} & {(1 << width) - 1:#x}u)"
        parts.append(f"{piece} << {at}" if at else piece)
    text = " | ".join(parts)
    if what.signed:
        shift = 32 - what.width
        return f"(int32_t)(({text}) << {shift}) >> {shift}"
    return f"(int64_t)({text})"


def operand_lines(isa, row):
    """Fill a struct insn from the word."""
    target = row.alias.target if row.alias else row
    out = [f"i->row = {target.number};", f"i->text = {row.number};"]

    def source(what):
        have = row.binding[what] if row.alias else what
        return str(have) if isinstance(have, int) else bits_expr(have)
    for f, n in target.slots.items():
        if row.alias and f not in row.binding:
            raise IsaError("alias-operand", row.line, f"{row.name}: "
                           f"{target.name} needs '{f.name}' as an operand")
        value = source(f)
        if n == 4:
            out.append(f"i->imm = {value};")
            continue
        out.append(f"i->reg[{n}] = (uint8_t)({value});")
        reg = isa.regs.get(f.regs) if f.regs else None
        if f in target.written and reg.zero is not None:
            out.append(f"if (i->reg[{n}] == {reg.zero}) "
                       f"i->reg[{n}] = {reg.count};")
    if target.imm is not None:
        if row.alias and target.imm not in row.binding:
            raise IsaError("alias-operand", row.line, f"{row.name}: "
                           f"{target.name} needs '{target.imm.name}'")
        out.append(f"i->imm = {source(target.imm)};")
    return out


# Forms of an operand that may print nothing, and bring their own comma.
OPTIONAL = ("rm",)
# Forms that belong to the mnemonic.
SUFFIX = ("order",)


def text_parts(isa, row):
    """The operand column as pairs (form, what); "lit" is plain text."""
    out, at, text = [], 0, row.operands
    for m in re.finditer(r"([A-Za-z_]\w*)(?::(\w+))?", text):
        out.append(("lit", text[at:m.start()].replace(" ", "")))
        at = m.end()
        what = operand(isa, row, m.group(1))
        out.append(("lit", m.group(1)) if what is None
                   else (m.group(2) or "plain", what))
    return out + [("lit", text[at:].replace(" ", ""))]


def text_lines(isa, row):
    """Statements that print a word as the operand column says: first what
    follows the mnemonic at once, then the operands."""
    suffix, lines = [], []
    parts = text_parts(isa, row)
    for n, (form, what) in enumerate(parts):
        if form == "lit":
            left_out = n + 1 < len(parts) and parts[n + 1][0] in OPTIONAL
            if what and not left_out:
                lines.append(f'text_add(t, "{what}");')
        elif form in SUFFIX:
            suffix.append(f"text_{form}(t, pc, {bits_expr(what)});")
        elif form == "plain" and getattr(what, "regs", None):
            lines.append(f"text_add(t, names_{what.regs}[{bits_expr(what)}]);")
        elif form == "plain":
            lines.append(f'text_addf(t, "%d", (int)({bits_expr(what)}));')
        else:
            lines.append(f"text_{form}(t, pc, {bits_expr(what)});")
    return suffix, lines
