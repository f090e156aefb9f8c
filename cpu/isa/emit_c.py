"""Interpreter handlers: a walk over the typed tree that writes C.

A handler computes everything in locals (operands are values at entry), then
commits.  The fast form looks in the soft TLB itself and tail-calls its slow
twin on a miss; the slow form calls the engine.  What a register, an
immediate or pc is in a record is the dialect's business (`home`).
"""

import itertools
import re

import flags
from expr import FUNCTIONS, Node, WIDTH
from source import IsaError

CTYPE = {"u1": "uint8_t", "u8": "uint8_t", "u16": "uint16_t",
         "u32": "uint32_t", "u64": "uint64_t", "u128": "u128",
         "v128": "v128"}
INFIX = {"add": "+", "sub": "-", "mul": "*", "and": "&", "or": "|",
         "xor": "^"}
COMPARES = {"eq": "==", "ne": "!=", "ult": "<", "ule": "<=", "slt": "<",
            "sle": "<="}


def signed(t):
    return "int%d_t" % WIDTH[t]


def bare(text):
    """Without the parentheses around all of it: clang suspects `==` in two
    pairs."""
    depth = 0
    for at, ch in enumerate(text):
        depth += (ch == "(") - (ch == ")")
        if depth == 0:
            return text[1:-1] if at == len(text) - 1 and at else text
    return text


def const_count(node, bits):
    """Is this shift count below `bits` for sure?"""
    if node.op == "const":
        return 0 <= node.data < bits
    if node.op == "and":
        return any(a.op == "const" and 0 <= a.data < bits for a in node.args)
    if node.op in ("zx", "lo") and node.args:
        return const_count(node.args[0], bits)
    if node.op == "select":
        return all(const_count(a, bits) for a in node.args[1:])
    if node.op == "imm":
        return not node.data.signed and (1 << node.data.width) <= bits
    if node.op == "num":
        return (1 << node.data.width) <= bits
    return False


def stays_lazy(d, singles):
    """Are these flags kept as two values?"""
    return flags.is_lazy(d.family) and d.when is None and not d.keep and \
        not singles


def forwarded(d):
    """Which value of a definition only hands a flag on: INC keeps CF by
    flags inc(r, CF)."""
    for n, (a, (name, _)) in enumerate(zip(d.args, d.family.params)):
        if a.op == "flag" and d.family.bits[a.data].strip() == name:
            return n
    return None


def extra(d):
    """The value of a definition that only few flags are made of, a bit, and
    those flags; or None."""
    family = d.family
    for n, (name, type_) in enumerate(family.params):
        if type_ == "u1" and forwarded(d) is None:
            return n, [f for f, text in family.bits.items()
                       if re.search(rf"\b{name}\b", text)]
    return None


def tests_only(let, stmts):
    """Is a `let` for `undef` alone?  `_` is for what it may raise."""
    def uses(s, name):
        return any(n.op == "local" and n.data == name for n in s.nodes())

    return let.name != "_" and not any(
        uses(s, let.name) and s.kind != "undef" and
        not (s.kind == "let" and tests_only(s, stmts))
        for s in stmts)


class Body:
    """The statements of one row as C lines, for one form of the handler."""

    def __init__(self, home, row, slow, twin, replace=None, advance="1"):
        self.home, self.row, self.slow, self.twin = home, row, slow, twin
        self.lines = []
        self.temps = 0
        self.replace = replace      # (Reg, Field) whose value is in a local
        self.last_value = None
        self.incoming = None        # flags.Values of the flags at entry
        self.live = True            # the flags that it sets are used

    def add(self, text):
        self.lines.append(text)

    def temp(self, ctype, value):
        name = f"t{self.temps}"
        self.temps += 1
        self.add(f"const {ctype} {name} = {value};")
        return name

    # expressions
    def expr(self, n):
        return getattr(self, "x_" + n.op, self.x_other)(n)

    def x_const(self, n):
        v = n.data & ((1 << WIDTH[n.type]) - 1)
        if WIDTH[n.type] == 128:
            return f"u128_make({v >> 64:#x}u, {v & (2**64 - 1):#x}u)"
        suffix = "u" if v < 1 << 32 else "ull"
        text = f"{v:#x}{suffix}" if v > 9 else f"{v}u"
        return f"({CTYPE[n.type]}){text}"

    def x_local(self, n):
        return "v_" + n.data

    def x_reg(self, n):
        if self.replace and n.data == self.replace[0]:
            return self.replace[1]
        return self.home.c_reg(n)

    def x_num(self, n):
        return self.home.c_slot(n.data)

    def x_imm(self, n):
        return self.home.c_imm(n)

    def x_pc(self, n):
        return self.home.c_pc()

    x_pcimm = x_pc      # decode has added the immediate

    def x_nextpc(self, n):
        return self.home.c_nextpc()

    def x_raw(self, n):
        return n.data

    # flags
    def x_parity(self, n):
        return f"op_parity({self.expr(n.args[0])})"

    def x_flag(self, n):
        return self.expr(self.incoming.flag(n.data))

    def x_cond(self, n):
        return self.expr(self.incoming.cond(n.data))

    def x_flagbits(self, n):
        return self.expr(self.incoming.packed())

    def prepare_flags(self, stmts):
        """Values of the flags that the row sets, and the lines that commit
        them."""
        isa = self.home.isa
        d = next((s for s in stmts if s.kind == "flags"), None)
        singles = [s for s in stmts if s.kind == "setflag"]
        if d is None and not singles:
            return []
        if d and stays_lazy(d, singles):
            values = [self.family_value(d, n) for n in range(len(d.args))]
            return [f"f{x} = {v};" for x, v in zip("ab", values)]
        if not self.live:
            return []
        given = [] if d is None else [x for x in isa.flags
                                      if x not in d.keep]
        given = [x for x in given if x not in [s.flag for s in singles]]
        parts = []
        if given:
            values = [flags.raw(self.family_value(d, n))
                      for n in range(len(d.args))]
            v = flags.Values(isa, flags.Kind(0, d.family, d.type), values)
            parts.append(self.expr(v.packed(given)))
        for s in singles:
            parts.append(f"(uint64_t){self.expr(s.expr)} << "
                         f"{isa.flags[s.flag]}")
        rest = [x for x in isa.flags if x not in given and
                x not in [s.flag for s in singles]]
        old = None
        if rest or d and d.when is not None:
            old = self.temp("uint64_t", self.expr(self.incoming.packed()))
        if rest:
            parts.append(f"({old} & {flags.mask(isa, rest):#x}u)")
        bits = " | ".join(parts)
        if d and d.when is not None:
            bits = f"{self.expr(d.when)} ? {bits} : {old}"
        return [f"fa = {self.temp('uint64_t', bits)};"]

    def family_value(self, d, n):
        """A family's value as flags keep it, in a local."""
        if not self.live and (n == forwarded(d) or
                              extra(d) and n == extra(d)[0]):
            return "0"
        param = d.family.params[n][1]
        text = flags.extend(self.expr(d.args[n]), d.type, param)
        return self.temp("uint64_t", text)

    # vectors
    def x_lanes(self, n):
        """A loop over the lanes; what stands in lanes is a local."""
        lane = self.straight(n.args[0])
        for x in lane.walk():
            if x.op == "lane":
                x.data = self.temp("v128", self.expr(x.args[0]))
        bits = WIDTH[n.data]
        if bits == 64 and (both := self.halves(lane)):
            return f"(v128){{.both = {both}}}"
        out = f"t{self.temps}"
        self.temps += 1
        self.add(f"v128 {out};")
        self.add(f"for (unsigned i_ = 0; i_ < {128 // bits}; i_++) {{")
        self.add(f"    v128_put_{n.data}(&{out}, i_, "
                 f"{self.expr(lane)});")
        self.add("}")
        # Two of 64 bits are taken for scalars otherwise, and stored apart.
        return f"v128_make({out}.u64[1], {out}.u64[0])" if bits == 64 else out

    def halves(self, n):
        """Two lanes of 64 bits at once, which the C compiler takes for
        scalars in a loop; or None."""
        if n.op == "lane":
            return f"{n.data}.both"
        if not any(x.op == "lane" for x in n.walk()):
            return f"({CTYPE['u64']}){self.expr(n)}"
        if n.op not in ("and", "or", "xor", "add", "sub", "shl", "shr"):
            return None
        a, b = (self.halves(x) for x in n.args)
        op = {"shl": "<<", "shr": ">>"}.get(n.op) or INFIX[n.op]
        return a and b and f"({a} {op} {b})"

    def straight(self, n):
        """A copy, in which no shift by the same count in all lanes asks if
        that is too far: so the C compiler makes vectors of it."""
        args = [self.straight(a) for a in n.args]
        bits = WIDTH.get(n.type)
        if n.op not in ("shl", "shr", "sar") or \
           const_count(args[1], bits) or \
           any(x.op == "lane" for x in args[1].walk()):
            return Node(n.op, n.type, args, n.data)
        t, count = CTYPE[n.type], self.temp(CTYPE[n.type], self.expr(args[1]))
        if n.op == "sar":
            count = self.temp(t, f"{count} < {bits} ? {count} : {bits - 1}")
        near = Node("and", n.type, [Node("raw", n.type, data=count),
                                    Node("const", n.type, data=bits - 1)])
        e = Node(n.op, n.type, [args[0], near])
        if n.op == "sar":
            return e
        mask = self.temp(t, f"({t})(0 - ({t})({count} < {bits}))")
        return Node("and", n.type, [e, Node("raw", n.type, data=mask)])

    def x_lane(self, n):
        return f"v128_get_{n.type}(&{n.data}, i_)"

    def x_lookup(self, n):
        a, b = (self.expr(x) for x in n.args)
        return f"v128_lookup({a}, {b})"

    def x_pair(self, n):
        if all(x.op == "cat" for x in n.args):
            words = [self.expr(y) for x in n.args for y in x.args]
            return f"v128_words({', '.join(words)})"
        a, b = (self.expr(x) for x in n.args)
        return f"v128_make({a}, {b})"

    def x_pick(self, n):
        v, i = (self.expr(x) for x in n.args)
        if "(" in v:
            v = self.temp("v128", v)
        last = 128 // WIDTH[n.type] - 1
        return f"v128_get_{n.type}(&{v}, {i} & {last}u)"

    def wide(self, n):
        return WIDTH[n.type] == 128

    @staticmethod
    def family(n):
        """u128 or v128: the C functions' prefix."""
        return "v128" if n.type == "v128" else "u128"

    def x_other(self, n):
        t = CTYPE[n.type]
        a = [self.expr(x) for x in n.args]
        if n.op in INFIX:
            if self.wide(n):
                return f"{self.family(n)}_{n.op}({a[0]}, {a[1]})"
            if n.type == "u1":
                # clang suspects `|` of comparisons
                return f"(uint8_t)((int){a[0]} {INFIX[n.op]} (int){a[1]})"
            up = "(uint32_t)" if WIDTH[n.type] < 32 and n.op == "mul" else ""
            return f"({t})({up}{a[0]} {INFIX[n.op]} {a[1]})"
        if n.op in COMPARES:
            if self.wide(n.args[0]):
                return f"{self.family(n.args[0])}_{n.op}({a[0]}, {a[1]})"
            if n.op[0] == "s":
                s = signed(n.args[0].type)
                a = [f"({s}){x}" for x in a]
            return f"({a[0]} {COMPARES[n.op]} {a[1]})"
        assert n.op in FUNCTIONS, n.op
        return f"op_{n.op}_{n.type}({', '.join(a)})"

    def x_select(self, n):
        c, a, b = (self.expr(x) for x in n.args)
        return f"({c} ? {a} : {b})"

    def x_not(self, n):
        a = self.expr(n.args[0])
        if n.type == "u1":
            return f"(uint8_t)!{a}"
        if self.wide(n):
            return f"{self.family(n)}_not({a})"
        return f"({CTYPE[n.type]})~{a}"

    def x_neg(self, n):
        a = self.expr(n.args[0])
        if self.wide(n):
            return f"u128_neg({a})"
        return f"({CTYPE[n.type]})(0u - {a})"

    def shift(self, n, sign):
        a, c = self.expr(n.args[0]), self.expr(n.args[1])
        t, bits = CTYPE[n.type], WIDTH[n.type]
        if self.wide(n):
            return f"u128_{n.op}({a}, {c})"
        if not const_count(n.args[1], bits):
            return f"op_{n.op}_{n.type}({a}, {c})"
        if n.op == "sar":
            a = f"({signed(n.type)}){a}"
        elif bits < 32:
            a = f"(uint32_t){a}"
        return f"({t})({a} {sign} {c})"

    def x_shl(self, n):
        return self.shift(n, "<<")

    def x_shr(self, n):
        return self.shift(n, ">>")

    def x_sar(self, n):
        return self.shift(n, ">>")

    def x_zx(self, n):
        a = self.expr(n.args[0])
        if self.wide(n):
            return f"u128_make(0, {a})"
        return f"({CTYPE[n.type]}){a}"

    def x_sx(self, n):
        a = self.expr(n.args[0])
        frm = n.args[0].type
        if frm == "u1":
            return f"({CTYPE[n.type]})(0u - ({CTYPE[n.type]}){a})"
        if self.wide(n):
            return f"u128_sx((int64_t)({signed(frm)}){a})"
        return f"({CTYPE[n.type]})({signed(n.type)})({signed(frm)}){a}"

    def x_lo(self, n):
        a = self.expr(n.args[0])
        if self.wide(n.args[0]):
            a = f"{self.family(n.args[0])}_lo({a})"
        if n.type == "u1":
            return f"(uint8_t)({a} & 1u)"
        return f"({CTYPE[n.type]}){a}"

    def x_hi(self, n):
        a = self.expr(n.args[0])
        if self.wide(n.args[0]):
            return f"{self.family(n.args[0])}_hi({a})"
        return f"({CTYPE[n.type]})({a} >> {WIDTH[n.type]})"

    def x_cat(self, n):
        a, b = (self.expr(x) for x in n.args)
        if self.wide(n):
            return f"u128_make({a}, {b})"
        t = CTYPE[n.type]
        return f"({t})(({t}){a} << {WIDTH[n.args[0].type]} | {b})"

    def x_fp(self, n):
        a = [self.expr(x) for x in n.args]
        unit = "GUEST_FP80" if n.data["f80"] else "GUEST_FP"
        if n.data["rounds"]:
            a = [f"{unit}_ROUND(c, {a[-1]})"] + a[:-1]
        elif n.data["flags"]:
            a = [f"{unit}(c)"] + a
        call = f"fp_{n.data['name']}({', '.join(a)})"
        # The environment is shared: one operation at a time, in order.
        cast = "" if self.wide(n) else f"({CTYPE[n.type]})"
        return self.temp(CTYPE[n.type], cast + call)

    def x_load(self, n):
        size = WIDTH[n.type] // 8
        va = self.temp("uint64_t", self.expr(n.args[0]))
        if self.slow:
            self.add(f"if (!engine_load(c, r, budget, {va}, {size}))")
            self.add("    LEAVE;")
            return self.temp(CTYPE[n.type], f"({CTYPE[n.type]})c->scratch")
        e = f"e{self.temps}"
        self.temps += 1
        self.add(f"const struct tlb_entry *{e} = "
                 f"&c->read[tlb_index({va})];")
        self.add(f"if (TLB_MISS({e}, {va}, {size}))")
        self.add(f"    SLOW({self.twin});")
        host = f"tlb_host({e}, {va})"
        get = f"ram_ld{size * 8}({host})"
        return self.temp(CTYPE[n.type], get)

    def x_amo(self, n):
        size = WIDTH[n.type] // 8
        va = self.temp("uint64_t", self.expr(n.args[0]))
        value = self.expr(n.args[1])
        fn = f"atomic_{n.data}_u{size * 8}"
        if self.slow:
            self.add("SYNC();")
            p = f"p{self.temps}"
            self.add(f"void *{p} = cpu_atomic(c, {va}, {size});")
            self.add(f"if (!{p})")
            self.add("    LEAVE;")
            return self.temp(CTYPE[n.type], f"{fn}({p}, {value})")
        e = f"e{self.temps}"
        self.temps += 1
        self.add(f"const struct tlb_entry *{e} = "
                 f"&c->write[tlb_index({va})];")
        self.add(f"if (TLB_MISS({e}, {va}, {size}))")
        self.add(f"    SLOW({self.twin});")
        return self.temp(CTYPE[n.type],
                         f"{fn}(tlb_host({e}, {va}), {value})")

    def x_call(self, n):
        h = n.data
        args = ", ".join(["c"] + [self.expr(a) for a in n.args])
        name = f"{self.home.prefix}_{h.name}"
        self.add("SYNC();")
        if "raises" in h.facts:
            self.add(f"if (!{name}({args}))")
            self.add("    LEAVE;")
        else:
            self.add(f"{name}({args});")
        if h.result:
            return self.temp(CTYPE[h.result],
                             f"({CTYPE[h.result]})c->scratch")
        return None

    # statements
    def run(self, stmts):
        """Everything but the commits and the exit; those are returned."""
        single = sum(s.kind in ("set", "store", "branch", "jumpr")
                     for s in stmts) == 1
        commits, leave, mode = [], None, False
        first = list(itertools.takewhile(self.comes_first, stmts))
        for s in first:
            self.fault(s)
        self.begin(stmts)
        for s in stmts[len(first):]:
            if s.kind == "undef" or s.kind == "let" and \
               tests_only(s, stmts):
                continue
            mode |= any(n.op == "call" and "mode" in n.data.facts
                        for n in s.nodes())
            if s.kind == "let":
                self.add(f"const {CTYPE[s.expr.type]} v_{s.name} = "
                         f"{self.expr(s.expr)};")
                if not self.live or s.name == "_":
                    self.add(f"(void)v_{s.name};")
            elif s.kind == "call":
                self.expr(s.expr)
            elif s.kind == "fence":
                self.add("op_fence();")
            elif s.kind == "fault":
                self.fault(s)
            elif s.kind == "set" and s.place.memory:
                commits.insert(0, self.prepare_memory(s))
            elif s.kind == "set":
                commits.append(self.prepare_set(s, single))
            elif s.kind == "store":
                commits.insert(0, self.prepare_store(s))
            elif s.kind not in ("nop", "flags", "setflag"):
                leave = self.prepare_exit(s, single)
        commits.append(self.prepare_flags(stmts))
        self.before_commits()
        for c in commits:
            for line in c:
                self.add(line)
        return leave, mode

    def fault(self, s):
        self.add(f"if (unlikely({bare(self.expr(s.expr))})) {{")
        self.raise_lines(s, "    ")
        self.add("}")

    def comes_first(self, s):
        """A fault that is looked for before an operand is read."""
        return False

    def begin(self, stmts):
        """Before the first statement: operands that are read."""

    def before_commits(self):
        """When all is computed that a commit needs."""

    def raise_lines(self, s, indent=""):
        self.add(indent + "SYNC();")
        cause = self.home.isa.causes[s.cause]
        self.add(f"{indent}GUEST_RAISE(c, {cause}, {self.expr(s.args[0])});")
        self.add(indent + "LEAVE;")

    def prepare_set(self, s, single):
        value = self.expr(s.expr)
        if not single:
            value = self.temp(CTYPE[s.expr.type], value)
        when = None
        if s.when is not None:
            when = self.temp("uint8_t", self.expr(s.when))
        lines = self.home.c_write(s.place, value)
        self.last_value = (s.place, value)
        if when:
            lines = [f"if ({when}) {{"] + ["    " + x for x in lines] + ["}"]
        return lines

    def prepare_store(self, s):
        size = WIDTH[s.type] // 8
        va = self.temp("uint64_t", self.expr(s.addr))
        value = self.temp(CTYPE[s.type], self.expr(s.expr))
        if self.slow:
            return [f"if (!engine_store(c, r, budget, {va}, {size}, "
                    f"{value}))", "    LEAVE;"]
        e = f"e{self.temps}"
        self.temps += 1
        put = f"ram_st{size * 8}(tlb_host({e}, {va}), {value});"
        return [f"const struct tlb_entry *{e} = &c->write[tlb_index({va})];",
                f"if (TLB_MISS({e}, {va}, {size}))",
                f"    SLOW({self.twin});", put]

    def prepare_exit(self, s, single):
        if s.kind == "raise":
            self.raise_lines(s)
            return ["raise"]
        if s.kind == "jump":
            return ["EXIT_DIRECT(r + 1);"]
        if s.kind == "branch":
            cond = self.expr(s.expr)
            if not single:
                cond = self.temp("uint8_t", cond)
            return [f"if ({bare(cond)})", "    EXIT_DIRECT(r + 1);",
                    "NEXT(r + 3);"]
        to = self.temp("uint64_t", self.expr(s.expr))
        if s.hint == "mode":
            return ["if (unlikely(c->leave)) {", f"    c->pc = {to};",
                    "    LEAVE_PC(r + 1);", "}", f"EXIT_INDIRECT(r + 1, {to});"]
        return [f"EXIT_INDIRECT(r + 1, {to});"]


def touches_memory(stmts):
    return any(s.kind == "store" for s in stmts) or any(
        n.op in ("load", "amo") for s in stmts for n in s.nodes())


def calls_memory(stmts):
    """May a helper have written, perhaps into the code that runs?"""
    return any(n.op == "call" and "raises" in n.data.facts
               for s in stmts for n in s.nodes())


def body_lines(home, row, stmts, slow, twin):
    """The body of one handler, up to and with its way out."""
    b = Body(home, row, slow, twin)
    leave, mode = b.run(stmts)
    if leave == ["raise"]:
        return b.lines
    if leave:
        return b.lines + leave
    checked = mode or slow and touches_memory(stmts) or calls_memory(stmts)
    return b.lines + ["NEXT_CHECKED(r + 1);" if checked else "NEXT(r + 1);"]


class Handlers:
    """All handlers of a guest, bodies shared by text."""

    def __init__(self, home, isa, source):
        self.home, self.isa, self.source = home, isa, source
        self.out, self.by_body = [], {}
        self.starts = []    # of each handler in out
        self.wanted = 0     # handlers, before equal ones are shared

    def define(self, name, line, lines):
        """Write one handler; returns its name, or that of its twin in text."""
        text = "\n".join(lines)
        self.wanted += 1
        if text in self.by_body:
            return self.by_body[text]
        self.by_body[text] = name
        self.starts.append(len(self.out))
        self.out.append(f"HANDLER({name})")
        self.out.append(f'{{')
        self.out.append("    HANDLER_ENTER;")
        guest = self.isa.struct
        if "g->" in text:
            self.out.append(f"    struct {guest} *g = (struct {guest} *)c;")
        self.out.append(f'#line {line} "{self.source}"')
        # One row is one line of the table: keep the debugger on it.
        self.out.append("    " + " ".join(lines))
        self.out.append("}")
        return name

    def row(self, row):
        home = self.home.of(row)
        name = "h_" + row.ident
        if not touches_memory(row.stmts):
            return self.define(name, row.line,
                               body_lines(home, row, row.stmts, False, None))
        slow = self.define(name + "_slow", row.line,
                           body_lines(home, row, row.stmts, True, None))
        row.slow = slow
        return self.define(name, row.line,
                           body_lines(home, row, row.stmts, False, slow))

    def fused(self, first, second):
        """Body 1, r++, body 2; and the forms that pass the value along to
        each register that the second reads."""
        sources = self.home.of(second).sources()[:2]
        return (self.fused_form(first, second, None),
                [(s, self.fused_form(first, second, s)) for s in sources])

    def fused_form(self, first, second, passing):
        a = Body(self.home.of(first), first, False, getattr(first, "slow", ""))
        leave, mode = a.run(first.stmts)
        if leave or mode:
            raise IsaError("fuse-exit", first.line,
                           f"{first.name}: a fused row cannot leave")
        sets = [s for s in first.stmts if s.kind == "set"]
        if len(sets) != 1 or sets[0].place.field is None:
            raise IsaError("fuse-value", first.line, f"{first.name}: the "
                           "first of a pair writes one register")
        lines = list(a.lines)
        replace = None
        if passing:
            # The value that was committed, kept in a local for body 2.
            commit = lines.pop()
            target, value = commit.rstrip(";").split(" = ", 1)
            lines.append(f"const {CTYPE[sets[0].expr.type]} passed = {value};")
            lines.append(f"{target} = passed;")
            replace = (passing, "passed")
        lines = ["{"] + ["    " + x for x in lines] + ["}"]
        if passing:
            # `passed` must outlive the braces of body 1.
            lines = lines[1:-1]
            lines = self.rename(lines)
        lines.append("r++;")
        b = Body(self.home.of(second), second, False,
                 getattr(second, "slow", ""), replace)
        leave, mode = b.run(second.stmts)
        if mode:
            raise IsaError("fuse-exit", second.line,
                           f"{second.name}: a fused row cannot change modes")
        tail = b.lines + (leave or ["NEXT(r + 1);"])
        lines += ["{"] + ["    " + x for x in tail] + ["}"]
        name = f"h_{first.ident}__{second.ident}"
        if passing:
            name += f"_{passing[1].name}"
        return self.define(name, first.line, lines)

    @staticmethod
    def rename(lines):
        """Give body 1's locals names that body 2 cannot hide."""
        import re
        return [re.sub(r"\b([te])(\d+)\b", r"a_\1\2",
                       re.sub(r"\bv_(\w+)\b", r"av_\1", x)) for x in lines]
