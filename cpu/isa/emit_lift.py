"""The lifter: the same walk as emit_c.py, with calls that build IR.

There is no second semantics here: every method has a twin in emit_c.Body.
"""

import itertools

import emit_c
import flags
from expr import FUNCTIONS, Node, WIDTH
from source import IsaError

ITYPE = {"u1": "IR_I1", "u8": "IR_I8", "u16": "IR_I16", "u32": "IR_I32",
         "u64": "IR_I64", "u128": "IR_I128", "v128": "IR_V128"}
# What is the same operation in the IR, of one operand or of two.
PLAIN = {*emit_c.INFIX, *emit_c.COMPARES, *FUNCTIONS, "shl", "shr", "sar",
         "cat", "not", "neg", "zx", "sx", "lo", "hi"}


class Lift:
    def __init__(self, home, row):
        self.home, self.row = home, row
        self.lines, self.temps = [], 0

    def add(self, text):
        self.lines.append(text)

    def ref(self, call):
        name = f"n{self.temps}"
        self.temps += 1
        self.add(f"const ir_ref {name} = {call};")
        return name

    def expr(self, n):
        method = getattr(self, "x_" + n.op, None)
        if method:
            return method(n)
        t = ITYPE[n.type]
        a = [self.expr(x) for x in n.args]
        op = "IR_" + n.op.upper()
        assert n.op in PLAIN, n.op
        make = "ir_binary" if len(a) == 2 else "ir_unary"
        return self.ref(f"{make}(ir, {op}, {t}, {', '.join(a)})")

    def x_const(self, n):
        v = n.data & ((1 << WIDTH[n.type]) - 1)
        lo, hi = v & (2 ** 64 - 1), v >> 64
        if WIDTH[n.type] == 128:
            a = self.ref(f"ir_const(ir, IR_I64, {hi:#x}ull)")
            b = self.ref(f"ir_const(ir, IR_I64, {lo:#x}ull)")
            return self.ref(f"ir_binary(ir, IR_CAT, IR_I128, {a}, {b})")
        return self.ref(f"ir_const(ir, {ITYPE[n.type]}, {lo:#x}ull)")

    def x_local(self, n):
        return "v_" + n.data

    def x_reg(self, n):
        return self.ref(self.home.ir_reg(n))

    def x_num(self, n):
        return self.ref(f"ir_const(ir, IR_I8, {self.home.i_slot(n.data)})")

    def x_imm(self, n):
        mask = "(uint32_t)" if n.type == "u32" else "(uint64_t)"
        return self.ref(f"ir_const(ir, {ITYPE[n.type]}, {mask}i->imm)")

    def x_pc(self, n):
        return self.ref(f"ir_pc(ir, {ITYPE[n.type]}, offset)")

    def x_pcimm(self, n):
        return self.ref(f"ir_pc(ir, {ITYPE[n.type]}, "
                        "offset + (int32_t)i->imm)")

    def x_nextpc(self, n):
        return self.ref(f"ir_pc(ir, {ITYPE[n.type]}, offset + i->length)")

    def x_select(self, n):
        c, a, b = (self.expr(x) for x in n.args)
        return self.ref(f"ir_select(ir, {ITYPE[n.type]}, {c}, {a}, {b})")

    # flags: definitions and uses, the guest's own code knows the formulas
    def x_flag(self, n):
        number = flags.use_number(self.home.isa, n)
        return self.ref(f"ir_flaguse(ir, {number})")

    x_cond = x_flag

    def x_flagbits(self, n):
        """One after the other: the IR has no word of flags."""
        out = None
        for i, at in enumerate(self.home.isa.flags.values(),
                               len(self.home.isa.conds)):
            v = self.ref(f"ir_flaguse(ir, {i})")
            v = self.ref(f"ir_unary(ir, IR_ZX, IR_I64, {v})")
            n = self.ref(f"ir_const(ir, IR_I64, {at})")
            v = self.ref(f"ir_binary(ir, IR_SHL, IR_I64, {v}, {n})")
            out = v if out is None else self.ref(
                f"ir_binary(ir, IR_OR, IR_I64, {out}, {v})")
        return out

    def prepare_flags(self, stmts):
        isa = self.home.isa
        out = []
        for s in stmts:
            if s.kind != "flags":
                continue
            t = ITYPE[s.type]
            args = []
            for a in s.args:
                v = self.expr(a)
                if a.type != s.type:
                    v = self.ref(f"ir_unary(ir, IR_ZX, {t}, {v})")
                args.append(v)
            args += ["IR_NONE"] * (3 - len(args))
            when = self.expr(s.when) if s.when is not None else "IR_NONE"
            out.append(f"ir_flagdef(ir, {t}, {s.family.number}, "
                       f"{', '.join(args)}, {when}, "
                       f"{flags.mask(isa, s.keep):#x}u);")
        singles = [s for s in stmts if s.kind == "setflag"]
        if not singles:
            return out
        bits = None
        for s in singles:
            v = self.ref(f"ir_unary(ir, IR_ZX, IR_I32, {self.expr(s.expr)})")
            at = self.ref(f"ir_const(ir, IR_I32, {isa.flags[s.flag]})")
            v = self.ref(f"ir_binary(ir, IR_SHL, IR_I32, {v}, {at})")
            bits = v if bits is None else self.ref(
                f"ir_binary(ir, IR_OR, IR_I32, {bits}, {v})")
        keep = flags.mask(isa, [x for x in isa.flags
                                if x not in [s.flag for s in singles]])
        out.append(f"ir_flagdef(ir, IR_I32, 0, {bits}, IR_NONE, IR_NONE, "
                   f"IR_NONE, {keep:#x}u);")
        return out

    # vectors
    def x_lookup(self, n):
        a, b = (self.expr(x) for x in n.args)
        return self.ref(f"ir_binary(ir, IR_LOOKUP, IR_V128, {a}, {b})")

    def x_pair(self, n):
        a, b = (self.expr(x) for x in n.args)
        return self.ref(f"ir_binary(ir, IR_CAT, IR_V128, {a}, {b})")

    def x_pick(self, n):
        """Of the half that it is in, shifted down."""
        v, i = n.args
        w = WIDTH[n.type]
        half = 64 // w

        def number(value):
            return Node("const", "u8", data=value)

        upper = Node("ne", "u1", [Node("and", "u8", [i, number(half)]),
                                  number(0)])
        at = Node("mul", "u8", [Node("and", "u8", [i, number(half - 1)]),
                                number(w)])
        e = Node("select", "u64", [upper, Node("hi", "u64", [v]),
                                   Node("lo", "u64", [v])])
        if w == 64:
            return self.expr(e)
        e = Node("shr", "u64", [e, Node("zx", "u64", [at])])
        return self.expr(Node("lo", n.type, [e]))

    def x_lanes(self, n):
        return self.lanes(n.args[0], n.data)

    def lanes(self, n, lane):
        """A vector of what n is in each lane."""
        if n.op == "lane":
            return self.expr(n.args[0])
        if not any(x.op == "lane" for x in n.walk()):
            return self.ref(f"ir_unary(ir, IR_SPLAT, IR_V128, "
                            f"{self.expr(n)})")
        if n.op == "fp":
            return self.lanes_fp(n, lane)
        count = 3 if n.op == "select" else len(n.args)
        if n.op not in PLAIN | {"select"} or count != len(n.args) or \
           n.op in ("zx", "sx", "lo", "hi", "cat", "bswap") or \
           any(self.width(a) != WIDTH[lane] for a in n.args):
            raise IsaError("lanes-op", self.row.line, f"{self.row.name}: "
                           f"lanes have no {n.op} of this kind")
        a = [self.lanes(x, lane) for x in n.args]
        a += ["IR_NONE"] * (3 - len(a))
        return self.ref(f"ir_lanes(ir, IR_{n.op.upper()}, {ITYPE[lane]}, "
                        f"{', '.join(a)})")

    def width(self, n):
        """Bits of what n compares, as a condition is as wide as that."""
        return self.width(n.args[0]) if n.type == "u1" and n.args else \
            WIDTH[n.type]

    def lanes_fp(self, n, lane):
        args = list(n.args)
        round_ = "IR_NONE"
        if n.data["rounds"]:
            round_ = self.expr(args.pop())
        a = [self.lanes(x, lane) for x in args]
        a += ["IR_NONE"] * (3 - len(a))
        return self.ref(f"ir_lanes_fp(ir, IR_FP_{n.data['name'].upper()}, "
                        f"{ITYPE[lane]}, {', '.join(a)}, {round_})")

    def x_fp(self, n):
        a = [self.expr(x) for x in n.args]
        round_ = a.pop() if n.data["rounds"] else "IR_NONE"
        a += ["IR_NONE"] * (3 - len(a))
        name = "IR_FP_" + n.data["name"].upper()
        return self.ref(f"ir_fp(ir, {ITYPE[n.type]}, {name}, "
                        f"{', '.join(a)}, {round_})")

    def x_load(self, n):
        a = self.expr(n.args[0])
        return self.ref(f"ir_load(ir, {ITYPE[n.type]}, {a})")

    def x_amo(self, n):
        a, v = (self.expr(x) for x in n.args)
        return self.ref(f"ir_amo(ir, {ITYPE[n.type]}, IR_AMO_"
                        f"{n.data.upper()}, {a}, {v})")

    def x_call(self, n):
        h = n.data
        args = [self.expr(a) for a in n.args] + ["IR_NONE"] * 4
        t = ITYPE[h.result] if h.result else "IR_VOID"
        facts = [f"IR_CALL_{x.upper()}" for x in h.facts
                 if x in ("raises", "mode", "pure")]
        call = (f"ir_call(ir, {t}, {self.home.helper_index(h)}, "
                f"{' | '.join(facts) or 0}, {len(n.args)}, "
                f"(const ir_ref[4]){{{', '.join(args[:4])}}})")
        if h.result:
            return self.ref(call)
        self.add(call + ";")
        return None

    def run(self, stmts):
        commits, leave = [], []
        first = list(itertools.takewhile(self.comes_first, stmts))
        for s in first:
            self.raise_(s)
        self.begin(stmts)
        for s in stmts[len(first):]:
            if s.kind == "undef" or s.kind == "let" and \
               emit_c.tests_only(s, stmts):
                continue
            if s.kind == "let":
                value = self.expr(s.expr)
                self.add(f"const ir_ref v_{s.name} = {value};")
                if s.name == "_":
                    self.add("(void)v__;")
            elif s.kind == "call":
                self.expr(s.expr)
            elif s.kind == "fence":
                self.add("ir_fence(ir);")
            elif s.kind in ("fault", "raise"):
                self.raise_(s)
            elif s.kind == "set" and s.place.memory:
                commits.insert(0, self.prepare_memory(s))
            elif s.kind == "set":
                commits.append(self.prepare_set(s))
            elif s.kind == "store":
                commits.insert(0, self.prepare_store(s))
            elif s.kind not in ("nop", "flags", "setflag"):
                leave = self.exit(s)
        # Before registers: mostly they are made of what those held.
        first = any(s.kind == "store" or s.kind == "set" and s.place.memory
                    for s in stmts)
        commits.insert(int(first), self.prepare_flags(stmts))
        self.before_commits()
        for c in commits:
            for line in c:
                self.add(line)
        for line in leave:
            self.add(line)
        if self.row.mode and not leave:
            self.add("ir_exit_if_leave(ir, offset + i->length);")
        return self.lines

    def comes_first(self, s):
        """A fault that is looked for before an operand is read."""
        return False

    def begin(self, stmts):
        """Before the first statement: operands that are read."""

    def before_commits(self):
        """When all is computed that a commit needs."""

    def raise_(self, s):
        cause = self.home.isa.causes[s.cause]
        cond = self.expr(s.expr) if s.kind == "fault" else None
        value = self.expr(s.args[0])
        if s.args[0].type != "u64":
            value = self.ref(f"ir_unary(ir, IR_ZX, IR_I64, {value})")
        if cond:
            self.add(f"ir_raise_if(ir, {cond}, {cause}, {value});")
        else:
            self.add(f"ir_raise(ir, {cause}, {value});")

    def prepare_set(self, s):
        value = self.expr(s.expr)
        when = None
        if s.when is not None:
            when = self.expr(s.when)
        return self.home.ir_write(s.place, value, when)

    def prepare_store(self, s):
        a, v = self.expr(s.addr), self.expr(s.expr)
        return [f"ir_store(ir, {ITYPE[s.type]}, {a}, {v});"]

    def exit(self, s):
        if s.kind == "branch":
            c = self.expr(s.expr)
            return [f"ir_exit_if(ir, {c}, offset + (int32_t)i->imm);"]
        if s.kind == "jump":
            return ["ir_exit(ir, offset + (int32_t)i->imm);"]
        hint = {"call": "IR_CALLS", "ret": "IR_RETURNS", "mode": "IR_MODE",
                None: "IR_JUMPS"}[s.hint]
        return [f"ir_exit_indirect(ir, {self.expr(s.expr)}, {hint});"]


class FormulaLift(Lift):
    """A flag's formula; its values are C expressions."""

    def __init__(self):
        super().__init__(None, None)

    def x_raw(self, n):
        return n.data

    def x_parity(self, n):
        v = self.expr(n.args[0])
        for op, t in (("LO", "IR_I8"), ("POPCNT", "IR_I8"), ("LO", "IR_I1"),
                      ("NOT", "IR_I1")):
            v = self.ref(f"ir_unary(ir, IR_{op}, {t}, {v})")
        return v
