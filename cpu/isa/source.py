"""Reading an .isa file: lines, declarations, rows and `for` templates.

What comes out is text in its place (six columns, each with its line); the
meaning of the semantics column is expr.py's, of the encoding column the
dialect's (riscv.py, x86.py).  Every error has a code, so that a test can
prove that each can be reached.
"""

import re


class IsaError(Exception):
    """A mistake in an .isa file, with the line it stands on."""

    def __init__(self, code, line, text):
        super().__init__(text)
        self.code, self.line, self.text = code, line, text


COLUMNS = ("name", "encoding", "operands", "attributes", "semantics",
           "examples")


class Row:
    """One line of six columns, after substitution.  `more` are examples
    from elsewhere, as pairs (line, text)."""

    def __init__(self, line, cells, more=()):
        self.line = line
        (self.name, self.encoding, self.operands, attributes,
         self.semantics, examples) = cells
        # What is behind the slash tells rows of one mnemonic apart.
        self.mnemonic = self.name.partition("/")[0]
        self.attributes = attributes.split()
        self.examples = [(n, x.strip()) for n, cell in
                         [(line, examples), *more]
                         for x in cell.split(";") if x.strip()]
        self.section = None
        if not self.name:
            raise IsaError("no-name", line, "the row has no name")


class Field:
    """`field rd 11:7 +0 : x`: bits of the encoding, perhaps a register."""

    def __init__(self, line, name, hi, lo, add, regs):
        self.line, self.name, self.hi, self.lo = line, name, hi, lo
        self.add, self.regs = add, regs
        self.width = hi - lo + 1


class Imm:
    """`imm I sx 31:20`: an immediate put together from pieces."""

    def __init__(self, line, name, signed, pieces):
        self.line, self.name, self.signed, self.pieces = (line, name, signed,
                                                          pieces)
        self.width = sum(n if lo is None else hi - lo + 1
                         for hi, lo, n in pieces)
        self.encoded = sum(hi - lo + 1 for hi, lo, n in pieces
                           if lo is not None)
        self.bits = 0
        for hi, lo, _ in pieces:
            if lo is not None:
                self.bits |= ((1 << (hi - lo + 1)) - 1) << lo

    def place(self, value):
        """The bit of the encoding that stands for this power of two."""
        at = self.width
        for hi, lo, zeros in self.pieces:
            at -= zeros if lo is None else hi - lo + 1
            for n in range(0 if lo is None else hi - lo + 1):
                if 1 << (at + n) == value:
                    return lo + n
        return None


class Reg:
    """`reg x[32] : ux zero 0 = x`: a register file or a single slot."""

    def __init__(self, line, name, count, ctype, zero, member):
        self.line, self.name, self.count = line, name, count
        self.type, self.zero, self.member = ctype, zero, member
        self.names = {}


class Helper:
    """A C function for what does not fit: what it takes, gives, touches."""

    def __init__(self, line, name, args, result, facts):
        self.line, self.name, self.args = line, name, args
        self.result, self.facts = result, facts


class Sub:
    """`sub AH = g[0].15:8 merge`, `sub rAX = g[0] operand`: a view of a
    register.  kind: merge, zext, or what says how wide it is: operand,
    stack, address, whole (as the register)."""

    def __init__(self, line, name, reg, index, hi, lo, kind):
        self.line, self.name, self.reg, self.index = line, name, reg, index
        self.hi, self.lo, self.kind = hi, lo, kind


class Family:
    """`family sub(x, y) : CF = x <u y; ...; cond be = x <=u y`: what the
    flags of an operation are, from the values that it keeps.  Formulas are
    text until their operand size is known (flags.py)."""

    def __init__(self, line, name, params, bits, conds):
        self.line, self.name, self.params = line, name, params
        self.bits, self.conds = bits, conds
        self.number = 0


class Def:
    """`def st(i) = ...`, `def pop : ...`: words for a part of a row's
    meaning, an expression or statements; tokens are expr.py's affair."""

    def __init__(self, line, name, params, expression, text):
        self.line, self.name, self.params = line, name, params
        self.expression, self.text = expression, text
        self.tokens, self.open = None, False


class Isa:
    def __init__(self):
        self.name = self.dialect = self.header = self.struct = None
        self.types = {}
        self.exts = []
        self.exclude = []       # pairs that no processor has both of
        self.regs, self.fields, self.imms = {}, {}, {}
        self.helpers, self.causes = {}, {}
        self.rows, self.fuse = [], []
        self.flags = {}         # name: bit in the packed form
        self.conds = {}         # name: (line, text), in order
        self.families = {}
        self.subs = {}
        self.defs = {}
        self.models = []        # oldest first
        self.sections = []      # first row, name
        self.around = {}        # attribute: (statements before, after)


# raises: returns false with an exception pending.  mode: may change what
# decoding or translation depends on.  pure: changes nothing.  restartable:
# may stop half-way and say so.  reads_flags, writes_flags: lazy flags.
HELPER_FACTS = ("raises", "mode", "pure", "restartable", "reads_flags",
                "writes_flags")

TYPES = {"u1": 1, "u8": 8, "u16": 16, "u32": 32, "u64": 64, "u128": 128,
         "v128": 128}


def strip_comment(text):
    m = re.search(r"(^|\s)#", text)
    return text[:m.start()] if m else text


def logical_lines(text):
    """Pairs (line number, text) with continuations joined."""
    out, held, start = [], "", 0
    for n, raw in enumerate(text.split("\n"), 1):
        line = strip_comment(raw).rstrip()
        if re.search(r"\d{40}", line):
            raise IsaError("number", n, "a number has 39 digits at most")
        if not held:
            start = n
        if line.endswith("\\"):
            held += line[:-1].rstrip() + " "
            continue
        line = (held + line).strip()
        held = ""
        if line:
            out.append((start, line))
    if held:
        raise IsaError("continuation", start,
                       "the file ends inside a continued line")
    return out


def split_row(line, text):
    cells = [c.strip() for c in text.split("|")]
    if len(cells) != len(COLUMNS):
        raise IsaError("columns", line,
                       f"a row has six columns (five bars between them), "
                       f"this one has {len(cells)}")
    return cells


def substitute(line, cell, values):
    """Replace {name}; the split into columns is already done."""
    def one(m):
        if m.group(1) not in values:
            raise IsaError("template-name", line,
                           f"{{{m.group(1)}}} is no name of this `for`")
        return values[m.group(1)]
    return re.sub(r"\{(\w+)\}", one, cell)


def number(line, text):
    try:
        return int(text, 0)
    except ValueError:
        raise IsaError("number", line, f"'{text}' is not a number") from None


def bit_range(line, text, width=64):
    hi, _, lo = text.partition(":")
    hi = number(line, hi)
    lo = number(line, lo) if lo else hi
    if lo > hi or hi >= width:
        raise IsaError("bit-range", line, f"'{text}' is no bit range")
    return hi, lo


class Reader:
    """One pass over the file."""

    def __init__(self, text, defines):
        self.isa = Isa()
        self.isa.types = dict(TYPES)
        for name, target in defines.items():
            self.isa.types[name] = TYPES[target]
            self.isa.types["=" + name] = target
        self.lines = logical_lines(text)
        self.at = 0

    def read(self):
        while self.at < len(self.lines):
            line, text = self.lines[self.at]
            self.at += 1
            word = text.split()[0]
            handler = getattr(self, "decl_" + word, None)
            if "|" in text:
                if text.startswith("|"):
                    raise IsaError("bar-row", line, "a row that starts with "
                                   "a bar stands inside a `for` only")
                self.isa.rows.append(Row(line, split_row(line, text)))
            elif handler:
                handler(line, text)
            else:
                raise IsaError("declaration", line,
                               f"unknown declaration '{word}'")
        if self.isa.name is None:
            raise IsaError("no-isa", 1, "the file has no `isa` line")
        for first, name in self.isa.sections:
            for row in self.isa.rows[first:]:
                row.section = name
        return self.isa

    def unique(self, line, name):
        i = self.isa
        for names in (i.regs, i.fields, i.imms, i.helpers, i.causes,
                      i.types, i.flags, i.families, i.subs, i.defs):
            if name in names:
                raise IsaError("twice", line, f"'{name}' is declared twice")

    def decl_isa(self, line, text):
        m = re.fullmatch(r'isa (\w+) (\w+) "([^"]+)" (\w+)', text)
        if not m:
            raise IsaError("isa-line", line,
                           'expected: isa NAME DIALECT "HEADER" STRUCT')
        i = self.isa
        i.name, i.dialect, i.header, i.struct = m.groups()
        # What a second width shares with the first, however that is called.
        i.ext_prefix = i.name.upper()

    def decl_ext(self, line, text):
        for name in text.split()[1:]:
            if name in self.isa.exts:
                raise IsaError("twice", line, f"'{name}' is declared twice")
            self.isa.exts.append(name)

    def decl_exclude(self, line, text):
        names = text.split()[1:]
        if len(names) != 2 or any(n not in self.isa.exts for n in names):
            raise IsaError("exclude", line, "expected: exclude EXT EXT, of "
                           "which no processor has both")
        self.isa.exclude.append(set(names))

    def type_of(self, line, name):
        if name not in self.isa.types:
            raise IsaError("type", line, f"unknown type '{name}'")
        return self.isa.types.get("=" + name, name)

    def decl_reg(self, line, text):
        m = re.fullmatch(r"reg (\w+)(?:\[(\d+)\])? : (\w+)"
                         r"(?: zero (\d+))?(?: = ([\w.\[\]]+))?", text)
        if not m:
            raise IsaError("reg-line", line, "expected: reg NAME[COUNT] : "
                           "TYPE [zero N] [= C member]")
        name, count, ctype, zero, member = m.groups()
        self.unique(line, name)
        if count and not int(zero or 0) < int(count) <= 256:
            raise IsaError("reg-count", line, "a file has 1 to 256 "
                           "registers, the zero one among them")
        self.isa.regs[name] = Reg(line, name, int(count) if count else 0,
                                  self.type_of(line, ctype),
                                  None if zero is None else int(zero),
                                  member or name)

    def decl_names(self, line, text):
        words = text.split()
        reg = self.isa.regs.get(words[1]) if len(words) > 1 else None
        if reg is None or len(words) - 2 > max(reg.count, 1):
            raise IsaError("names-line", line, "expected: names REGISTERS "
                           "and one name for each at most")
        for n, name in enumerate(words[2:]):
            reg.names[name] = n

    def decl_field(self, line, text):
        m = re.fullmatch(r"field (\w+) ([\d:]+)(?: \+(\d+))?(?: : (\w+))?",
                         text)
        if not m:
            raise IsaError("field-line", line,
                           "expected: field NAME HI:LO [+N] [: REGISTERS]")
        name, bits, add, regs = m.groups()
        self.unique(line, name)
        if regs and not (regs in self.isa.regs and self.isa.regs[regs].count):
            raise IsaError("field-regs", line,
                           f"'{regs}' is no register file")
        hi, lo = bit_range(line, bits)
        if hi - lo >= 8:
            raise IsaError("field-width", line,
                           "a field has at most 8 bits; use imm")
        self.isa.fields[name] = Field(line, name, hi, lo, int(add or 0), regs)

    def decl_imm(self, line, text):
        m = re.fullmatch(r"imm (\w+) (sx|zx) ([\d:. ]+)", text)
        if not m:
            raise IsaError("imm-line", line, "expected: imm NAME sx|zx "
                           "PIECES, a piece being HI:LO, N, or .N for N "
                           "zero bits")
        name, sign, pieces = m.groups()
        self.unique(line, name)
        out = []
        for p in pieces.split():
            if p.startswith("."):
                out.append((None, None, number(line, p[1:])))
            else:
                out.append((*bit_range(line, p), 0))
        imm = Imm(line, name, sign == "sx", out)
        if imm.width > 32:
            raise IsaError("imm-width", line,
                           "an immediate has at most 32 bits")
        self.isa.imms[name] = imm

    def decl_cause(self, line, text):
        m = re.fullmatch(r"cause (\w+) = (\w+)", text)
        if not m:
            raise IsaError("cause-line", line, "expected: cause NAME = N")
        self.unique(line, m.group(1))
        self.isa.causes[m.group(1)] = number(line, m.group(2))

    def decl_helper(self, line, text):
        m = re.fullmatch(r"helper (\w+)\(([\w, ]*)\)(?: -> (\w+))?((?: \w+)*)",
                         text)
        if not m:
            raise IsaError("helper-line", line, "expected: helper "
                           "NAME(TYPES) [-> TYPE] {" +
                           "|".join(HELPER_FACTS) + "}")
        name, args, result, facts = m.groups()
        self.unique(line, name)
        args = [self.type_of(line, a.strip()) for a in args.split(",")
                if a.strip()]
        if len(args) > 4:
            raise IsaError("helper-args", line,
                           "a helper takes four arguments at most")
        facts = facts.split()
        for f in facts:
            if f not in HELPER_FACTS:
                raise IsaError("helper-fact", line,
                               f"'{f}' is nothing that a helper declares")
        self.isa.helpers[name] = Helper(
            line, name, args, result and self.type_of(line, result), facts)

    def decl_fuse(self, line, text):
        m = re.fullmatch(r"fuse ([\w./ ]+) : ([\w./ ]+)", text)
        if not m:
            raise IsaError("fuse-line", line, "expected: fuse ROWS : ROWS")
        for a in m.group(1).split():
            for b in m.group(2).split():
                self.isa.fuse.append((line, a, b))

    def decl_flags(self, line, text):
        if self.isa.flags:
            raise IsaError("twice", line, "a second `flags` line")
        for word in text.split()[1:]:
            name, _, bit = word.partition("=")
            self.unique(line, name)
            bit = number(line, bit)
            if not re.fullmatch(r"[A-Za-z_]\w*", name) or \
               not 0 <= bit < 16 or bit in self.isa.flags.values():
                raise IsaError("flags-line", line, "expected: flags "
                               "{NAME=BIT}, each bit once and below 16")
            self.isa.flags[name] = bit

    def decl_cond(self, line, text):
        m = re.fullmatch(r"cond (\w+) = (.+)", text)
        if not m:
            raise IsaError("cond-line", line,
                           "expected: cond NAME = EXPRESSION of flags")
        if m.group(1) in self.isa.conds:
            raise IsaError("twice", line, f"'{m.group(1)}' is declared twice")
        self.isa.conds[m.group(1)] = (line, m.group(2))

    def decl_family(self, line, text):
        m = re.fullmatch(r"family (\w+)\(([\w:, ]+)\) : (.+)", text)
        if not m:
            raise IsaError("family-line", line, "expected: family NAME("
                           "PARAMETERS) : {FLAG = EXPR;} {cond NAME = EXPR;}")
        name, params, body = m.groups()
        self.unique(line, name)
        params = [tuple((p.strip() + ":").split(":")[:2])
                  for p in params.split(",")]
        if len(params) > 3 or any(t not in ("", "u1", "u8")
                                  for _, t in params):
            raise IsaError("family-params", line, "a family has three "
                           "parameters at most, of the operation's type, "
                           "u1 or u8")
        bits, conds = {}, {}
        for item in filter(None, (x.strip() for x in body.split(";"))):
            m = re.fullmatch(r"(cond )?(\w+) = (.+)", item)
            if not m:
                raise IsaError("family-item", line, f"'{item}' is neither "
                               "FLAG = EXPR nor cond NAME = EXPR")
            into = conds if m.group(1) else bits
            known = self.isa.conds if m.group(1) else self.isa.flags
            if m.group(2) not in known or m.group(2) in into:
                raise IsaError("family-name", line, f"'{m.group(2)}' is no "
                               "flag or condition, or is there twice")
            into[m.group(2)] = m.group(3)
        for flag in self.isa.flags:
            if flag not in bits:
                raise IsaError("family-flag", line, f"family {name} does not "
                               f"say what {flag} is")
        self.isa.families[name] = Family(line, name, params, bits, conds)
        self.isa.families[name].number = len(self.isa.families)

    def decl_sub(self, line, text):
        m = re.fullmatch(r"sub (\w+) = (\w+)\[(\d+)\](?:\.(\d+:\d+) "
                         r"(merge|zext)| (operand|stack|address|whole))",
                         text)
        reg = self.isa.regs.get(m.group(2)) if m else None
        if reg is None or int(m.group(3)) >= reg.count:
            raise IsaError("sub-line", line, "expected: sub NAME = REG[N]"
                           ".HI:LO merge|zext, or REG[N] operand|stack|"
                           "address|whole")
        name, _, index, bits, how, size = m.groups()
        self.unique(line, name)
        hi, lo = bit_range(line, bits) if bits else (0, 0)
        if bits and (hi - lo + 1 not in (8, 16, 32, 64) or lo not in (0, 8)):
            raise IsaError("sub-bits", line, f"'{bits}' is no view that a "
                           "register has")
        self.isa.subs[name] = Sub(line, name, reg, int(index), hi, lo,
                                  how or size)

    def decl_def(self, line, text):
        m = re.fullmatch(r"def (\w+)(?:\(([\w, ]+)\))? ([=:]) (.+)", text)
        if not m:
            raise IsaError("def-line", line, "expected: def NAME[(NAMES)] "
                           "= EXPRESSION, or : STATEMENTS")
        name, params, how, body = m.groups()
        self.unique(line, name)
        self.isa.defs[name] = Def(
            line, name, [p.strip() for p in (params or "").split(",")
                         if p.strip()], how == "=", body)

    def decl_model(self, line, text):
        for name in text.split()[1:]:
            if name in self.isa.models:
                raise IsaError("twice", line, f"'{name}' is declared twice")
            self.isa.models.append(name)

    def decl_section(self, line, text):
        words = text.split()
        if len(words) != 2:
            raise IsaError("section", line, "expected: section NAME")
        self.isa.sections.append((len(self.isa.rows), words[1]))

    def decl_around(self, line, text):
        m = re.fullmatch(r"around mm : (.+) : (.+)", text)
        if not m:
            raise IsaError("around-line", line, "expected: around mm "
                           ": STATEMENTS : STATEMENTS")
        self.isa.around["mm"] = m.group(1), m.group(2)

    def decl_for(self, line, text):
        names = text.split()[1:]
        if not names:
            raise IsaError("for-names", line, "`for` names no columns")
        values, rows = [], []
        while True:
            if self.at >= len(self.lines):
                raise IsaError("for-end", line, "this `for` has no `end`")
            n, body = self.lines[self.at]
            self.at += 1
            if body == "end":
                break
            if body.startswith("|"):
                rows.append((n, split_row(n, body[1:])))
                continue
            # Behind bars: examples of the rows that this line makes.
            body, *examples = body.split("|")
            words = body.split(None, len(names) - 1)
            if len(words) != len(names):
                raise IsaError("for-values", n, f"expected {len(names)} "
                               f"values, one for each name of the `for`")
            values.append((n, dict(zip(names, map(str.strip, words))),
                           examples))
        if not rows or not values:
            raise IsaError("for-empty", line,
                           "a `for` needs values and rows")
        for n, v, examples in values:
            if len(examples) > len(rows):
                raise IsaError("for-examples", n, f"examples of "
                               f"{len(examples)} rows, the `for` has "
                               f"{len(rows)}")
            examples += [""] * (len(rows) - len(examples))
            for (at, cells), example in zip(rows, examples):
                self.isa.rows.append(
                    Row(at, [substitute(at, c, v) for c in cells],
                        [(n, example)]))


def read(text, defines):
    return Reader(text, defines).read()
