"""The lifter of x86 rows: X86Body's twin (x86_emit.py).

What depends on how an instruction was decoded - registers, addressing, mode -
is asked by the C functions of cpu/x86/lift.h while lifting.
"""

import emit_lift
from emit_lift import ITYPE
from expr import WIDTH
from source import IsaError
from x86 import DATA, SEGMENTS
from x86_emit import accesses, before_operands, in_memory, in_order

SLOTS = {False: (1, 0, 2), True: (0, 2, 3)}


class X86Lift(emit_lift.Lift):
    """One instance with its operand in registers, memory, or locked."""

    def __init__(self, home, inst, memory, locked):
        super().__init__(home, inst.row)
        self.inst, self.memory, self.locked = inst, memory, locked
        self.stmts = [s for s in inst.stmts[memory] if s.kind != "undef"]
        self.values, self.places, self.ea = {}, {}, None

    def whole(self):
        lines = self.run(self.stmts)
        if self.row.posts:
            lines.append("ir_exit_if_leave(ir, offset + i->length);")
        return lines

    def comes_first(self, s):
        return before_operands(s)

    def begin(self, stmts):
        for o in in_order(self.row.ops):
            if in_memory(o, self.memory):
                self.read_operand(o, stmts)
        if "fp" in self.row.attrs:
            self.add("ir_fp_begin(ir);")

    def before_commits(self):
        if "fp" in self.row.attrs:
            self.add("ir_fp_check(ir);")

    def read_operand(self, o, stmts):
        read, written = accesses(o, stmts)
        if not read and not (written and self.locked):
            return
        type_ = o.type(self.inst.T)
        how = "0"
        if written:
            how = "IR_TO_WRITE | IR_LOCKED" if self.locked else "IR_TO_WRITE"
        where = self.operand_place(o, type_, written)
        self.places[o] = where
        self.values[o] = self.load(type_, where, how)

    def load(self, type_, where, how):
        return self.ref(f"ir_load_as(ir, {ITYPE[type_]}, {where[0]}, {how} | "
                        f"IR_SPACE(X86_SPACE({where[1]})))")

    # operands
    def slot(self, o):
        regs = [p for p in self.row.ops
                if p.register or p.maybe_memory and not self.memory]
        return f"i->reg[{SLOTS[self.memory][regs.index(o)]}]"

    def x_opnd(self, n):
        o = n.data
        if o in self.values:
            return self.values[o]
        if o.number:
            return self.x_num(n)
        if o.letter == "I" and self.row.second:
            at = "i->data" if o is self.row.second else "(uint64_t)i->imm"
            return self.ref(f"ir_const(ir, {ITYPE[n.type]}, {at})")
        if o.letter == "I":
            return self.ref(f"x86_lift_imm(ir, {ITYPE[n.type]}, i)")
        if not o.general:
            return self.ref(f"ir_get(ir, {ITYPE[n.type]}, "
                            f"{self.vector_slot(o, n.type)})")
        return self.ref(f"x86_lift_get(ir, {ITYPE[n.type]}, {self.slot(o)})")

    def x_num(self, n):
        return self.ref(f"ir_const(ir, IR_I8, {self.slot(n.data)})")

    def vector_slot(self, o, type_):
        name = "mm" if o.letter in "PQN" else "xmm"
        member = self.home.isa.regs[name].member
        size = 8 if name == "mm" else 16
        low = f" + X86_LOW({WIDTH[type_]})" if WIDTH[type_] < 64 else ""
        return f"{self.home.offset(member)} + {size} * {self.slot(o)}{low}"

    def x_view(self, n):
        sub = n.data
        if sub.kind == "stack":
            return self.ref(f"x86_lift_stack_register(ir, i, {sub.index})")
        if sub.kind == "address":
            return self.ref(f"x86_lift_address_register(ir, i, {sub.index})")
        if sub.kind == "whole":
            return self.ref(f"ir_get(ir, {ITYPE[n.type]}, "
                            f"{self.whole_slot(sub)})")
        at = sub.index * 8 + sub.lo // 8 if n.type == "u8" else sub.index
        return self.ref(f"x86_lift_get(ir, {ITYPE[n.type]}, {at})")

    def whole_slot(self, sub):
        size = WIDTH[sub.reg.type] // 8
        return f"{self.home.offset(sub.reg.member)} + {size * sub.index}"

    def x_reg(self, n):
        return self.ref(f"ir_get(ir, {ITYPE[n.type]}, "
                        f"{self.home.offset(n.data[0].member)})")

    def x_regat(self, n):
        at = self.expr(n.args[0])
        return self.ref(f"ir_get_at(ir, {ITYPE[n.type]}, "
                        f"{self.home.offset(n.data.member)}, "
                        f"{n.data.count}, {at})")

    def put_at(self, s, value):
        """Of a file of registers, by a number that is a value."""
        t, reg, at = ITYPE[s.place.type], s.place.what, self.expr(s.addr)
        where = f"{self.home.offset(reg.member)}, {reg.count}, {at}"
        if s.when is not None:
            value = f"ir_select(ir, {t}, {self.expr(s.when)}, {value}, " \
                    f"ir_get_at(ir, {t}, {where}))"
        return [f"ir_put_at(ir, {t}, {where}, {value});"]

    def x_post(self, n):
        kind = self.expr(n.args[0])
        h = self.home.helper_index(self.home.isa.helpers["post"])
        done = self.ref(f"ir_call(ir, IR_I64, {h}, 0, 1, (const ir_ref[4])"
                        f"{{{kind}, IR_NONE, IR_NONE, IR_NONE}})")
        return self.ref(f"ir_unary(ir, IR_LO, IR_I1, {done})")

    def x_ea(self, n):
        if self.ea is None:
            self.ea = self.ref("x86_lift_ea(ir, i, offset)")
            if "bits" in self.row.attrs:
                self.ea = self.ref(f"x86_lift_bit_place(ir, i, {self.ea}, "
                                   f"{ITYPE[self.inst.T]})")
        return self.ea

    def x_addressing(self, n):
        return self.ref("ir_const(ir, IR_I8, i->reg[3])")

    def x_segment(self, n):
        return self.ref(f"ir_const(ir, IR_I8, {self.segment()})")

    def segment(self):
        for o in self.row.ops:
            if o.letter in "XY":
                return "SEG_ES" if o.letter == "Y" else \
                    "x86_segment(0, i->reg[3])"
        return "x86_segment(i->reg[1], i->reg[3])"

    def x_selector(self, n):
        first = self.home.offset("segment[0].selector")
        return self.ref(f"ir_get(ir, IR_I16, {first} + {self.segment()} * "
                        f"sizeof(((struct {self.home.isa.struct} *)0)->"
                        "segment[0]))")

    def x_pc(self, n):
        return self.ref("x86_lift_offset(ir, i, offset)")

    def x_nextpc(self, n):
        return self.ref("x86_lift_offset(ir, i, offset + i->length)")

    def x_target(self, n):
        v = self.expr(n.args[0])
        size = WIDTH[self.inst.T] // 8
        return self.ref(f"x86_lift_target(ir, i, {v}, {size})")

    # memory: (linear address, segment) as C text
    def linear(self, segment, off, type_, write):
        size = WIDTH[type_] // 8
        seg = self.temp_int(segment)
        access = int(write) + 2 * (size == 16 and
                                   "align16" in self.row.attrs)
        va = self.ref(f"x86_lift_linear(ir, i, {seg}, {off}, {size}, "
                      f"{access})")
        return va, seg

    def temp_int(self, text):
        name = f"s{self.temps}"
        self.temps += 1
        self.add(f"const unsigned {name} = {text};")
        return name

    def operand_place(self, o, type_, write):
        if o.letter in "XY":
            n = 7 if o.letter == "Y" else 6
            off = self.ref(f"x86_lift_address_register(ir, i, {n})")
            seg = "SEG_ES" if n == 7 else "x86_segment(0, i->reg[3])"
        else:
            off = self.x_ea(None)
            seg = "x86_segment(i->reg[1], i->reg[3])"
        return self.linear(seg, off, type_, write)

    def place(self, at, type_, write):
        if at.data == "operand":
            off = self.expr(at.args[0])
            if at.args[0].op != "ea":
                off = self.ref(f"x86_lift_address_cut(ir, i, {off})")
            return self.linear("x86_segment(i->reg[1], i->reg[3])", off,
                               type_, write)
        off = self.expr(at.args[0])
        cut = "x86_lift_stack_cut" if at.data == "ss" else \
            "x86_lift_address_cut"
        off = self.ref(f"{cut}(ir, i, {off})")
        if at.data == DATA:
            return self.linear("x86_segment(0, i->reg[3])", off, type_, write)
        return self.linear(SEGMENTS[at.data], off, type_, write)

    def x_load(self, n):
        return self.load(n.type, self.place(n.args[0], n.type, False), "0")

    def store(self, type_, where, value, how="0"):
        return [f"ir_store_as(ir, {ITYPE[type_]}, {where[0]}, {value}, {how} | "
                f"IR_SPACE(X86_SPACE({where[1]})));"]

    def prepare_store(self, s):
        value = self.expr(s.expr)
        return self.store(s.type, self.place(s.addr, s.type, True), value)

    def prepare_memory(self, s):
        o, type_ = s.place.what, s.place.type
        value = self.expr(s.expr)
        if s.when is not None:
            value = self.ref(f"ir_select(ir, {ITYPE[type_]}, "
                             f"{self.expr(s.when)}, {value}, "
                             f"{self.values[o]})")
        where = self.places.get(o) or self.operand_place(o, type_, True)
        return self.store(type_, where, value,
                          "IR_LOCKED" if self.locked else "0")

    # registers are written
    def prepare_set(self, s):
        value = self.expr(s.expr)
        place = s.place
        t = ITYPE[place.type]
        if place.kind == "regat":
            return self.put_at(s, value)
        when = self.expr(s.when) if s.when is not None else None
        if place.kind == "opnd" and not place.what.general:
            at = self.vector_slot(place.what, place.type)
            out = self.put(t, at, value, when)
            if place.what.letter in "PQN" and \
               "mm_exponent" in self.home.isa.regs:
                member = self.home.isa.regs["mm_exponent"].member
                ones = self.ref("ir_const(ir, IR_I16, 0xffff)")
                out += self.put("IR_I16", f"{self.home.offset(member)} + "
                                f"2 * {self.slot(place.what)}", ones, when)
            return out
        if place.kind == "reg":
            return self.put(t, self.home.offset(place.what.member), value,
                            when)
        when = when or "IR_NONE"
        if place.kind == "opnd":
            return [f"x86_lift_put(ir, {t}, {self.slot(place.what)}, {value}, "
                    f"{when});"]
        sub = place.what
        if sub.kind == "whole":
            return self.put(t, self.whole_slot(sub), value,
                            None if when == "IR_NONE" else when)
        if sub.kind in ("stack", "address") and s.when is not None:
            raise IsaError("store-when", self.row.line, f"{self.row.name}: "
                           f"a {sub.kind} register has no `when`")
        if sub.kind == "stack":
            return [f"x86_lift_put_stack_register(ir, i, {sub.index}, "
                    f"{value});"]
        if sub.kind == "address":
            return [f"x86_lift_put_address_register(ir, i, {sub.index}, "
                    f"{value});"]
        at = sub.index * 8 + sub.lo // 8 if place.type == "u8" else sub.index
        return [f"x86_lift_put(ir, {t}, {at}, {value}, {when});"]

    @staticmethod
    def put(t, at, value, when):
        if when:
            value = f"ir_select(ir, {t}, {when}, {value}, " \
                    f"ir_get(ir, {t}, {at}))"
        return [f"ir_put(ir, {t}, {at}, {value});"]

    # helpers
    def x_call(self, n):
        h = n.data
        args = []
        for a in n.args:
            v = self.expr(a)
            if WIDTH[a.type] == 128:
                args.append(self.ref(f"ir_unary(ir, IR_LO, IR_I64, {v})"))
                v = self.ref(f"ir_unary(ir, IR_HI, IR_I64, {v})")
            args.append(v)
        count = len(args)
        args += ["IR_NONE"] * (4 - count)
        t = ITYPE[h.result] if h.result else "IR_VOID"
        if "restartable" in h.facts:
            t = "IR_I64"
        facts = [f"IR_CALL_{x.upper()}" for x in h.facts
                 if x in ("raises", "mode", "pure")]
        call = (f"ir_call(ir, {t}, {self.home.helper_index(h)}, "
                f"{' | '.join(facts) or 0}, {count}, "
                f"(const ir_ref[4]){{{', '.join(args)}}})")
        if t == "IR_VOID":
            self.add(call + ";")
            return None
        out = self.ref(call)
        if "restartable" in h.facts:
            self.add(f"x86_lift_again(ir, {out});")
            return None
        return out

    # ways out
    def exit(self, s):
        hint = {"call": "IR_CALLS", "ret": "IR_RETURNS", "mode": "IR_MODE",
                None: "IR_JUMPS"}[getattr(s, "hint", None)]
        if s.kind == "jumpr":
            return [f"ir_exit_indirect(ir, {self.expr(s.expr)}, {hint});"]
        cond = self.expr(s.expr) if s.kind == "branch" else "IR_NONE"
        size = WIDTH[self.inst.T] // 8
        to = self.ref(f"x86_lift_branch_target(ir, i, offset, {cond}, "
                      f"{size})")
        return [f"x86_lift_branch(ir, i, offset, {cond}, {to}, {hint});"]
