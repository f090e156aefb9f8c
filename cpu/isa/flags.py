"""Lazy flags: families, kinds and conditions.

An operation of a family leaves two values instead of flags; their kind says
which family and operand size they are of, and so what each flag is.  Kind 0
is in the CPU, kind 1 are the flags themselves, packed (engine.h); each
further one is a lazy family at one size.
"""

import expr
from expr import Node, WIDTH
from source import IsaError

SIZES = ("u8", "u16", "u32", "u64")
MAX_KIND = 250      # a byte, and some numbers mean something else


class Kind:
    """family None: the packed flags."""

    def __init__(self, number, family=None, type_=None):
        self.number, self.family, self.type = number, family, type_
        self.name = f"{family.name}_{type_}" if family else "bits"


def is_lazy(family):
    """Can its values be kept?  There is room for two."""
    return len(family.params) <= 2


def kinds(isa):
    out = [Kind(1)]
    for f in isa.families.values():
        if is_lazy(f):
            out += [Kind(len(out) + 1 + n, f, t)
                    for n, t in enumerate(SIZES)]
    return out


class Text:
    """What expr.Parser wants of a row."""

    def __init__(self, line, name, semantics):
        self.line, self.name, self.semantics = line, name, semantics


class FormulaScope:
    """Names are parameters, and flags that `flag` knows; T is the size."""

    pc_type = address_type = "u64"

    def __init__(self, values, type_):
        self.values, self.type = values, type_

    def operand(self, name):
        return self.values.get(name)

    def target(self, name):
        return None

    register_number = target

    def type_name(self, name):
        return self.type if name == "T" else \
            name if name in WIDTH else None

    def address(self, parser):
        parser.fail("formula", "a formula has no memory")

    def function(self, parser, name):
        """parity(e) of the low byte, sign(e) at the operand's size,
        bit(e, n)."""
        if name == "parity":
            (e,) = parser.args(1, name)
            return Node("parity", "u1", [parser.of_type(e, "u64", name)])
        if name == "sign":
            (e,) = parser.args(1, name)
            at = WIDTH[self.type] - 1
        elif name == "bit":
            e, n = parser.args(2, name)
            if n.op != "const" or not 0 <= n.data < 64:
                parser.fail("bit", "bit(value, NUMBER)")
            at = n.data
        else:
            return None
        e = parser.of_type(e, "u64", name)
        shift = Node("shr", "u64", [e, Node("const", "u64", data=at)])
        return Node("lo", "u1", [shift if at else e])


def formula(isa, line, name, text, scope):
    p = expr.Parser(isa, Text(line, name, text), scope)
    e = p.expr()
    if p.toks[p.at][0] != "end":
        p.fail("trailing", f"'{p.peek()}' is left over")
    return p.of_type(e, "u1", "a flag")


class Values:
    """The flags of one kind, given what its values are as expressions of
    u64: sign-extended from the operand size, or zero-extended where the
    parameter has a type of its own."""

    def __init__(self, isa, kind, values):
        self.isa, self.kind = isa, kind
        self.values = values
        if kind.family:
            named = {}
            for (name, t), v in zip(kind.family.params, values):
                named[name] = Node("lo", t, [v]) if t else v
            self.scope = FormulaScope(named, kind.type)

    def flag(self, name):
        f = self.kind.family
        if f is None:
            at = self.isa.flags[name]
            e = Node("shr", "u64", [self.values[0],
                                    Node("const", "u64", data=at)])
            return Node("lo", "u1", [e])
        return formula(self.isa, f.line, f"family {f.name}", f.bits[name],
                       self.scope)

    def cond(self, name):
        f = self.kind.family
        if f and name in f.conds:
            return formula(self.isa, f.line, f"family {f.name}",
                           f.conds[name], self.scope)
        return self.cond_by_bits(name)

    def cond_by_bits(self, name):
        line, text = self.isa.conds[name]

        def replace(n):
            if n.op == "flag":
                return self.flag(n.data)
            n.args = [replace(a) for a in n.args]
            return n
        return replace(formula(self.isa, line, f"cond {name}", text,
                               FormulaScope({}, "u8")))

    def packed(self, names=None):
        """The flags as bits of a u64, or those named."""
        if self.kind.family is None and names is None:
            return self.values[0]
        out = None
        for name, at in self.isa.flags.items():
            if names is not None and name not in names:
                continue
            e = Node("zx", "u64", [self.flag(name)])
            if at:
                e = Node("shl", "u64", [e, Node("const", "u64", data=at)])
            out = e if out is None else Node("or", "u64", [out, e])
        return out or Node("const", "u64", data=0)


def raw(text, type_="u64"):
    """C text as an expression."""
    return Node("raw", type_, data=text)


def mask(isa, names):
    out = 0
    for n in names:
        out |= 1 << isa.flags[n]
    return out


def extend(text, type_, param_type):
    """C text of a family's value as it is kept."""
    if param_type:
        return f"(uint64_t){text}"
    w = WIDTH[type_]
    return f"(uint64_t)(int64_t)(int{w}_t){text}" if w < 64 else text


def check(isa):
    """Parse every formula once, so that a mistake in one is reported."""
    for name in isa.conds:
        Values(isa, Kind(1), [raw("fa")]).cond_by_bits(name)
    for f in isa.families.values():
        values = [raw(n) for n in ("fa", "fb", "fc")[:len(f.params)]]
        for t in SIZES:
            v = Values(isa, Kind(0, f, t), values)
            for flag in isa.flags:
                v.flag(flag)
            for cc in f.conds:
                v.cond(cc)
    for k in kinds(isa):
        if k.number > MAX_KIND:
            raise IsaError("kinds", k.family.line, f"{k.family.name} is a "
                           "lazy family too many")


# ------------------------------------------------------------- C functions

def define_cases(isa, body):
    """flag_define's switch: how each family is kept or computed."""
    out = []
    lazy = {(k.family.name, k.type): k.number for k in kinds(isa) if k.family}
    for f in isa.families.values():
        for t in SIZES:
            out.append(f"    case FLAG_CASE({f.number}, {WIDTH[t]}): {{")
            args = []
            for n, (_, pt) in enumerate(f.params):
                out.append(f"        const uint64_t p{n} = "
                           f"{extend(f'v[{n}]', t, pt)};")
                args.append(raw(f"p{n}"))
            if is_lazy(f):
                out += ["        if (!keep) {",
                        f"            c->flag_kind = {lazy[f.name, t]};",
                        "            c->flag_a = p0;",
                        "            c->flag_b = " +
                        ("p1;" if len(args) > 1 else "0;"),
                        "            return;", "        }"]
            packed = body(Values(isa, Kind(0, f, t), args).packed())
            out += [f"        bits = {packed};", "        break;", "    }"]
    return out


def c_functions(isa, body):
    """NAME_flag_bits, _flag_define, _flag_use; body makes C of a tree."""
    n = isa.name
    out = [f"uint64_t {n}_flag_bits(uint32_t kind, uint64_t fa, uint64_t fb)",
           "{", "    (void)fb;", "    switch (kind) {"]
    for k in kinds(isa)[1:]:
        v = Values(isa, k, [raw("fa"), raw("fb")])
        out += [f"    case {k.number}: /* {k.name} */",
                f"        return {body(v.packed())};"]
    out += ["    default:", "        return fa;", "    }", "}", "",
            "#define FLAG_CASE(family, bits) ((family) << 8 | (bits))",
            f"void {n}_flag_define(struct cpu *c, unsigned family, "
            "unsigned width,", "    const uint64_t v[3], uint32_t keep)", "{",
            "    const uint64_t old = "
            f"{n}_flag_bits(c->flag_kind, c->flag_a, c->flag_b);",
            "    uint64_t bits = v[0];", "",
            "    switch (FLAG_CASE(family, width)) {"]
    out += define_cases(isa, body)
    every = mask(isa, isa.flags)
    out += ["    default:", "        break;", "    }",
            f"    c->flag_kind = FLAGS_BITS;",
            f"    c->flag_a = ((bits & ~(uint64_t)keep) | (old & keep)) & "
            f"{every:#x}u;", "    c->flag_b = 0;", "}", "",
            f"bool {n}_flag_use(struct cpu *c, unsigned condition)", "{",
            "    const uint64_t fa = "
            f"{n}_flag_bits(c->flag_kind, c->flag_a, c->flag_b);", "",
            "    switch (condition) {"]
    bits = Values(isa, Kind(1), [raw("fa")])
    for i, cc in enumerate(isa.conds):
        out += [f"    case {i}:", f"        return {body(bits.cond(cc))};"]
    for i, flag in enumerate(isa.flags, len(isa.conds)):
        out += [f"    case {i}:", f"        return {body(bits.flag(flag))};"]
    out += ["    default:", "        return false;", "    }", "}", ""]
    return out


def lift_c(isa, lifter):
    """flag_use_ir, flag_bits_ir and the families' table: the formulas as IR;
    lifter() makes a walk over a tree (emit_lift.Lift)."""
    def walk(tree):
        lift = lifter()
        ref = lift.expr(tree)
        return lift.lines, ref

    use = {}
    for k in kinds(isa):
        v = Values(isa, k, [raw("a"), raw("b")])
        trees = [v.cond(cc) for cc in isa.conds] + \
            [v.flag(f) for f in isa.flags]
        for i, tree in enumerate(trees):
            lines, ref = walk(tree)
            text = " ".join(lines) + f" return {ref};"
            use.setdefault(text, []).append(f"case {k.number << 8 | i}:")
    out = ["static ir_ref flag_use_ir(struct ir *ir, unsigned kind, "
           "unsigned condition, ir_ref a, ir_ref b)", "{",
           "    (void)a, (void)b;", "    switch (kind << 8 | condition) {"]
    for text, cases in use.items():
        out += ["    " + " ".join(cases) + " {", "        " + text, "    }"]
    out += ["    default:", "        return IR_NONE;", "    }", "}", "",
            "static ir_ref flag_or(struct ir *ir, ir_ref bits, ir_ref flag, "
            "unsigned at)", "{",
            "    ir_ref v = ir_unary(ir, IR_ZX, IR_I64, flag);", "",
            "    if (at)",
            "        v = ir_binary(ir, IR_SHL, IR_I64, v, "
            "ir_const(ir, IR_I64, at));",
            "    return bits == IR_NONE ? v : "
            "ir_binary(ir, IR_OR, IR_I64, bits, v);", "}", "",
            "static ir_ref flag_bits_ir(struct ir *ir, unsigned family, "
            "unsigned width, const ir_ref v[3], uint32_t want)", "{",
            "    ir_ref bits = IR_NONE;", "",
            "    switch (family << 8 | width) {"]
    for f in isa.families.values():
        for t in SIZES:
            v = Values(isa, Kind(0, f, t),
                       [raw(f"v[{n}]") for n in range(len(f.params))])
            out.append(f"    case {f.number << 8 | WIDTH[t]}: "
                       f"/* {f.name} {t} */")
            for name, at in isa.flags.items():
                lines, ref = walk(v.flag(name))
                out += [f"        if (want & {1 << at:#x}u) {{",
                        "            " + " ".join(lines) +
                        f" bits = flag_or(ir, bits, {ref}, {at});",
                        "        }"]
            out.append("        break;")
    out += ["    default:", "        break;", "    }",
            "    return bits == IR_NONE ? ir_const(ir, IR_I64, 0) : bits;",
            "}", "", "static const struct ir_family families_ir[] = {",
            "    {{0, 0, 0, 0}, 0, 0},"]
    lazy = {(k.family.name, k.type): k.number for k in kinds(isa) if k.family}
    for f in isa.families.values():
        numbers = ", ".join(str(lazy.get((f.name, t), 0)) for t in SIZES)
        typed = sum(1 << n for n, (_, t) in enumerate(f.params) if t)
        out.append(f"    {{{{{numbers}}}, {len(f.params)}, {typed}}}, "
                   f"/* {f.name} */")
    return out + ["};", ""]


def names_c(isa):
    """family_name and condition_name of struct ir_guest."""
    out = []
    for fn, arg, names in (
            ("family_name", "family", ["bits", *isa.families]),
            ("condition_name", "condition", [*isa.conds, *isa.flags])):
        out += [f"static const char *{fn}(unsigned {arg})", "{",
                "    static const char *const names[] = {",
                "        " + ", ".join(f'"{x}"' for x in names) + "};", "",
                f"    return {arg} < {len(names)} ? names[{arg}] : NULL;",
                "}", ""]
    return out


def use_number(isa, node):
    """FLAGUSE's number of a flag or condition."""
    if node.op == "cond":
        return list(isa.conds).index(node.data)
    return len(isa.conds) + list(isa.flags).index(node.data)


def shorts_c(isa, body):
    """Every short cut of a condition, beside nothing else: tests compare
    them with the flags."""
    out, table = [], []
    for k in kinds(isa)[1:]:
        v = Values(isa, k, [raw("fa"), raw("fb")])
        for cc in k.family.conds:
            fn = f"short_{k.name}_{cc}"
            out += [f"static bool {fn}(uint64_t fa, uint64_t fb)", "{",
                    "    (void)fa;", "    (void)fb;",
                    f"    return {body(v.cond(cc))};", "}"]
            number = list(isa.conds).index(cc)
            table.append(f'    {{"{k.name} {cc}", {k.number}, '
                         f"{WIDTH[k.type]}, {number}, {fn}}},")
    out += [f"const struct isa_short {isa.name}_shorts[] = {{", *table,
            "    {NULL, 0, 0, 0, NULL},", "};", ""]
    return out
