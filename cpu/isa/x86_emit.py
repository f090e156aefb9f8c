"""Handlers of x86 rows: one for each instance and form.

A fast form looks in the soft TLB and jumps to its slow twin on a miss; a slow
form calls the engine for every access.  What a form can rely on is said in
cpu/x86/decode.h.
"""

import re

import emit_c
import flags
from emit_c import CTYPE, Body, bare
from expr import WIDTH
from source import IsaError
from x86 import DATA, MEMORY, SEGMENTS, SLOW, TWIN


class X86Body(Body):
    """One form of one instance as C."""

    def __init__(self, home, inst, form, twin=None, kind=None, live=True,
                 keeps_kind=False, wide=True):
        super().__init__(home, inst.row, form in SLOW, twin)
        self.inst, self.form = inst, form
        self.memory = form in MEMORY
        self.stmts = [s for s in inst.stmts[self.memory]
                      if s.kind != "undef"]
        self.live, self.kind = live, kind
        self.keeps_kind = keeps_kind    # an exit that stores the kind (d)
        self.ea = None                  # C name of the operand's offset
        self.values = {}                # operands in memory that were read
        self.places = {}                # and where they are
        self.jump = None                # C name of the jump's cache entry
        # An exit whose target is in a data record (ROW_WIDE).
        self.wide_exit = self.row.direct and form == "RS" and wide
        self.words = words(inst, form)
        if kind is not None:
            self.incoming = flags.Values(home.isa, kind, [flags.raw("fa"),
                                                          flags.raw("fb")])

    def first(self):
        """Lines of the first of a pair, up to the second's record."""
        self.run(self.stmts)
        return ["{", *self.lines, "}", f"r += {1 + self.words};"]

    def whole(self):
        """All lines of the handler."""
        leave, mode = self.run(self.stmts)
        if leave == ["raise"]:
            return self.lines
        if leave:
            self.lines += leave
        elif mode or self.slow or self.row.posts:
            # What was posted may have been heard outside (FERR#).
            self.add(f"NEXT_CHECKED(r + {1 + self.words});")
        else:
            self.add(f"NEXT(r + {1 + self.words});")
        if self.form == "L":
            self.add("}")
        return self.lines

    def comes_first(self, s):
        return before_operands(s)

    # what stands before everything
    def begin(self, stmts):
        row = self.row
        facts = {f for h in row.helpers.values() for f in h.facts}
        if self.slow:
            self.add("SYNC();")
            if row.exit or facts & {"reads_flags", "writes_flags"}:
                self.add("c->flag_kind = block_flag_kind(c, r);")
            if uses_flags(self.stmts) or merges_flags(self.stmts):
                self.add("const uint64_t fl = ENGINE_FLAG_BITS("
                         "block_flag_kind(c, r), fa, fb);")
                self.add("(void)fl;")
                self.incoming = flags.Values(self.home.isa, flags.Kind(1),
                                             [flags.raw("fl")])
        elif "fp" in row.attrs:
            self.add(f"if (unlikely(GUEST_FP_CAREFUL(c))) "
                     f"SLOW({self.twin});")
        for o in in_order(row.ops):
            if in_memory(o, self.memory):
                self.read_operand(o, stmts)
        if self.slow and "fp" in row.attrs:
            self.add("GUEST_FP_BEGIN(c);")

    def before_commits(self):
        if self.slow and "fp" in self.row.attrs:
            self.add("if (unlikely(!GUEST_FP_END(c))) LEAVE;")

    def read_operand(self, o, stmts):
        """A memory operand is read once, before all else; with write
        intent if it is written too."""
        read, written = accesses(o, stmts)
        if not read and not (written and self.form == "L"):
            return
        type_ = o.type(self.inst.T)
        off, seg = self.operand_place(o)
        if self.form == "L":
            self.values[o] = self.lock(type_, seg, off)
        elif written:
            self.values[o] = self.load_to_write(o, type_, seg, off)
        else:
            self.values[o] = self.load(type_, seg, off, "r->b",
                                       "align16" in self.row.attrs)

    # records
    def slot(self, o):
        regs = [p for p in self.row.ops
                if p.register or p.maybe_memory and not self.memory]
        return ("acd" if self.memory else "bac")[regs.index(o)]

    def x_opnd(self, n):
        o = n.data
        if o in self.values:
            return self.values[o]
        if o.letter == "I":
            t = CTYPE[n.type]
            data = self.words and o in (self.row.second or o, None)
            at = "r[1].data" if data else "r->imm"
            if o.size in "bw":
                return f"({t}){at}"
            return f"({t}){at}" if data else f"({t})(int64_t){at}"
        if o.number:
            return self.x_num(n)
        return self.get_register(f"r->{self.slot(o)}", n.type, o)

    def x_num(self, n):
        return f"r->{self.slot(n.data)}"

    def get_register(self, at, type_, o):
        if not o.general:
            reg = self.vector_file(o)
            if o.letter in "PQN":
                return f"({CTYPE[type_]}){reg}[{at}]"
            if type_ == "v128":
                return f"{reg}[{at}]"
            half = f"{reg}[{at}].u64[0]"
            return half if type_ == "u64" else f"({CTYPE[type_]}){half}"
        return self.get_view(at, type_)

    def get_view(self, at, type_):
        """A general register; at is an offset in bytes for u8."""
        g = self.home.member("g")
        if type_ == "u8":
            return f"x86_get8({g}, {at})"
        if type_ == "u64":
            return f"{g}[{at}]"
        return f"({CTYPE[type_]}){g}[{at}]"

    def put_register(self, at, type_, o, value):
        if not o.general:
            reg = self.vector_file(o)
            if o.letter in "PQN":
                return f"{reg}[{at}] = {value}; " + self.mark_mm(at)
            if type_ == "v128":
                return f"{reg}[{at}] = {value};"
            if type_ == "u64":
                return f"{reg}[{at}].u64[0] = {value};"
            return f"v128_put_{type_}(&{reg}[{at}], 0, {value});"
        return self.put_view(at, type_, value)

    def mark_mm(self, at):
        """A number in an MMX register is no number of the x87 unit."""
        if "mm_exponent" not in self.home.isa.regs:
            return ""
        return f"{self.home.member('mm_exponent')}[{at}] = 0xffff;"

    def put_view(self, at, type_, value):
        g = self.home.member("g")
        if type_ in ("u8", "u16"):
            return f"x86_put{WIDTH[type_]}({g}, {at}, {value});"
        return f"{g}[{at}] = {value};"

    def vector_file(self, o):
        reg = self.home.isa.regs.get("mm" if o.letter in "PQN" else "xmm")
        if reg is None:
            raise IsaError("vectors", self.row.line, f"{self.row.name}: "
                           f"'{o.text}' wants a register file that is not "
                           "declared")
        return f"g->{reg.member}"

    # views of registers
    def mask_of(self, sub):
        """C text of how wide a stack or address register is; None: whole."""
        if sub.kind == "stack":
            if self.form in ("R", "B", "X"):
                return None
            if self.form in ("RY", "Y"):
                return "0xffffffffu"
            return self.home.member("stack_mask")
        return f"x86_address_mask(r->d, {self.home.member('addr_mask')})"

    def x_view(self, n):
        sub = n.data
        if sub.kind in ("stack", "address"):
            whole = f"{self.home.member('g')}[{sub.index}]"
            m = self.mask_of(sub)
            return f"({whole} & {m})" if m else whole
        if sub.kind == "whole":
            return f"g->{sub.reg.member}[{sub.index}]"
        at = sub.index * 8 + sub.lo // 8 if n.type == "u8" else sub.index
        return self.get_view(at, n.type)

    def x_reg(self, n):
        return f"g->{n.data[0].member}"

    def x_regat(self, n):
        return self.file(n.data, self.expr(n.args[0]))

    @staticmethod
    def file(reg, index):
        return f"g->{reg.member}[{index} & {reg.count - 1}]"

    def x_ea(self, n):
        return self.offset()

    def x_addressing(self, n):
        return "r->d"

    def x_segment(self, n):
        """Of the operand in memory."""
        for o in self.row.ops:
            if o.letter in "XY":
                return "SEG_ES" if o.letter == "Y" else "x86_segment(0, r->d)"
        return "x86_segment(r->b, r->d)"

    def x_selector(self, n):
        return f"g->segment[{self.x_segment(n)}].selector"

    def x_pc(self, n):
        return f"(x86_here(c, r) - {self.home.member('cs_base')})"

    def x_nextpc(self, n):
        if self.row.direct and not self.wide_exit:
            at = "r->imm"
        else:
            at = f"r[{self.link()}].target"
        linear = f"(c->page + (uint64_t)(int64_t){at})"
        if self.slow:
            return f"({linear} - {self.home.member('cs_base')})"
        return linear

    def link(self):
        return 2 if self.wide_exit else 1 + self.words

    def x_target(self, n):
        """A jump's target, checked: the linear address."""
        v = self.temp("uint64_t", self.expr(n.args[0]))
        if self.form in ("RY", "Y"):
            return f"(uint64_t)(uint32_t){v}"
        if not self.slow:
            # No other is in the jump cache.
            j = f"j{self.temps}"
            self.add(f"const struct jcache_entry *{j} = "
                     f"jcache_find(c, {v});")
            self.add(f"if (JUMP_MISS({j}, {v}, r + {self.link()}))")
            self.add(f"    SLOW({self.twin});")
            self.jump = j
            return v
        return self.checked_target(v)

    def x_post(self, n):
        """What was raised is the guest's; whether results count."""
        kind = self.expr(n.args[0])
        self.add("SYNC();")
        return self.temp("uint8_t", f"{self.home.prefix}_post(c, {kind})")

    def checked_target(self, v):
        size = WIDTH[self.inst.T] // 8
        self.add(f"if (!{self.home.prefix}_target(c, {v}, {size}))")
        self.add("    LEAVE;")
        return self.temp("uint64_t", "c->scratch")

    # memory
    def offset(self):
        """The operand's offset, in a local."""
        if self.ea is None:
            g = self.home.member("g")
            disp = "(uint64_t)(int64_t)r->imm"
            scaled = f"({g}[r->c] << (r->d & 3))"
            text = {"B": f"{g}[r->b] + {disp}",
                    "X": f"{g}[r->b] + ({g}[r->c] << r->d) + {disp}",
                    "Y": f"(uint32_t)({g}[r->b] + {scaled} + {disp})"}.get(
                        self.form, f"x86_ea(c, {g}, r, "
                        f"{self.home.member('addr_mask')})")
            if "bits" in self.row.attrs:
                text = self.bit_place(text)
            self.add(f"const uint64_t ea = {text};")
            self.ea = "ea"
        return self.ea

    def bit_place(self, text):
        """Where the bit is that a register, the other operand, counts from
        the operand's place."""
        w = WIDTH[self.inst.T]
        bit = self.get_register("r->a", self.inst.T, self.row.ops[1])
        step = f"(uint64_t)((int64_t)(int{w}_t){bit} >> " \
               f"{w.bit_length() - 1}) * {w // 8}"
        return f"({text} + {step}) & x86_address_mask(r->d, " \
               f"{self.home.member('addr_mask')})"

    def operand_place(self, o):
        """Offset and segment of an operand in memory."""
        if o.letter in "XY":
            n = 7 if o.letter == "Y" else 6
            mask = f"x86_address_mask(r->d, {self.home.member('addr_mask')})"
            off = f"({self.home.member('g')}[{n}] & {mask})"
            return off, "SEG_ES" if n == 7 else "x86_segment(0, r->d)"
        return self.offset(), "x86_segment(r->b, r->d)"

    def place(self, at):
        """Offset and segment of an `at` node."""
        if at.data == "operand":
            off = self.expr(at.args[0])
            if at.args[0].op == "ea":
                pass
            elif self.slow:
                off = f"({off}) & x86_address_mask(r->d, " \
                      f"{self.home.member('addr_mask')})"
            elif self.form == "Y":
                off = f"(uint32_t)({off})"
            return off, "x86_segment(r->b, r->d)"
        off = self.expr(at.args[0])
        if at.data == "ss":
            if self.slow:
                off = f"({off}) & {self.home.member('stack_mask')}"
            elif self.form in ("RY", "Y"):
                off = f"(uint32_t)({off})"
        elif not self.slow:
            raise IsaError("segment-fast", self.row.line, f"{self.row.name}: "
                           f"'{at.data}:' in a fast form")
        else:
            off = f"({off}) & x86_address_mask(r->d, " \
                  f"{self.home.member('addr_mask')})"
        if at.data == DATA:
            return off, "x86_segment(0, r->d)"
        return off, str(SEGMENTS[at.data])

    def linear(self, seg, off, size, write):
        """Slow: segment, limit and alignment checks; the linear address in
        a local."""
        access = int(write) + 2 * (size == 16 and
                                   "align16" in self.row.attrs)
        self.add(f"if (!{self.home.prefix}_linear(c, {seg}, {off}, {size}, "
                 f"{access}))")
        self.add("    LEAVE;")
        return self.temp("uint64_t", "c->scratch")

    def scratch(self, type_):
        if WIDTH[type_] == 128:
            return f"{'v128' if type_ == 'v128' else 'u128'}_make(" \
                   "c->scratch_hi, c->scratch)"
        return f"({CTYPE[type_]})c->scratch"

    def slow_load(self, type_, va):
        size = WIDTH[type_] // 8
        if size == 16:
            self.add(f"if (!cpu_load16(c, {va}))")
        else:
            self.add(f"if (!cpu_load(c, {va}, {size}, &c->scratch))")
        self.add("    LEAVE;")
        return self.temp(CTYPE[type_], self.scratch(type_))

    def entry(self, table, va, size, slot, aligned=False):
        """Fast: where va is for the host, from the page that register `slot`
        was last used for, or from the TLB; or off to the twin."""
        e = f"e{self.temps}"
        self.temps += 1
        also = f" || unlikely({va} & 15)" if aligned else ""
        near = f"c->near_{table}"
        self.add(f"if (NEAR_MISS(&{near}, {slot}, {va}, {size})) {{")
        self.add(f"    const struct tlb_entry *{e} = "
                 f"&c->{table}[tlb_index({va})];")
        self.add(f"    if (TLB_MISS({e}, {va}, {size}){also})")
        self.add(f"        SLOW({self.twin});")
        self.add(f"    NEAR_NOTE(&{near}, {slot}, {va}, {e});")
        self.add("}")
        return f"(void *)({near}.addend[{slot}] + (uintptr_t){va})"

    @staticmethod
    def fetch(type_, host):
        if type_ == "v128":
            return f"v128_ld({host})"
        return f"ram_ld{WIDTH[type_]}({host})"

    @staticmethod
    def put(type_, host, value):
        if type_ == "v128":
            return f"v128_st({host}, {value});"
        return f"ram_st{WIDTH[type_]}({host}, {value});"

    def load(self, type_, seg, off, slot, aligned=False):
        size = WIDTH[type_] // 8
        if self.slow:
            va = self.linear(seg, off, size, False)
            return self.slow_load(type_, va)
        va = self.temp("uint64_t", off)
        host = self.entry("read", va, size, slot, aligned)
        return self.temp(CTYPE[type_], self.fetch(type_, host))

    def load_to_write(self, o, type_, seg, off):
        size = WIDTH[type_] // 8
        aligned = "align16" in self.row.attrs
        if self.slow:
            va = self.linear(seg, off, size, True)
            self.add(f"if (!cpu_check_write(c, {va}, {size}))")
            self.add("    LEAVE;")
            self.places[o] = va
            return self.slow_load(type_, va)
        va = self.temp("uint64_t", off)
        host = self.entry("write", va, size, "r->b", aligned)
        self.places[o] = self.temp("host", host).replace("const ", "")
        return self.temp(CTYPE[type_], self.fetch(type_, self.places[o]))

    def temp(self, ctype, value):
        if ctype != "host":
            return super().temp(ctype, value)
        name = f"p{self.temps}"
        self.temps += 1
        self.add(f"void *const {name} = {value};")
        return name

    def lock(self, type_, seg, off):
        """The loop around a locked row; closed by whole()."""
        size = WIDTH[type_] // 8
        va = self.linear(seg, off, size, True)
        self.add(f"if (!cpu_lock(c, {va}, {size}))")
        self.add("    LEAVE;")
        self.add("for (;;) {")
        self.add(f"if (!cpu_lock_load(c, {size}))")
        self.add("    LEAVE;")
        return self.temp(CTYPE[type_], self.scratch(type_))

    def x_load(self, n):
        off, seg = self.place(n.args[0])
        return self.load(n.type, seg, off, near_slot(n.args[0]))

    def store_lines(self, type_, va, value):
        if WIDTH[type_] == 128:
            t = "v128" if type_ == "v128" else "u128"
            call = f"cpu_store16(c, {va}, {t}_lo({value}), {t}_hi({value}))"
        else:
            call = f"cpu_store(c, {va}, {WIDTH[type_] // 8}, {value})"
        return [f"if (!{call})", "    LEAVE;"]

    def store(self, type_, seg, off, value, slot, aligned=False):
        """Lines of a store to where nothing was read from."""
        size = WIDTH[type_] // 8
        if self.slow:
            va = self.linear(seg, off, size, True)
            return self.store_lines(type_, va, value)
        va = self.temp("uint64_t", off)
        host = self.entry("write", va, size, slot, aligned)
        return [self.put(type_, host, value)]

    def prepare_store(self, s):
        if s.when is not None:
            raise IsaError("store-when", self.row.line, f"{self.row.name}: "
                           "a store has no `when`")
        if self.slow or any(n.op in ("load", "call", "target")
                            for n in s.expr.walk()):
            value = self.temp(CTYPE[s.type], self.expr(s.expr))
        else:
            # Behind the check, which wants all the free registers.
            value = self.expr(s.expr)
        off, seg = self.place(s.addr)
        return self.store(s.type, seg, off, value, near_slot(s.addr))

    def prepare_memory(self, s):
        """An operand in memory is written: `when` not, with its old
        value."""
        o, type_ = s.place.what, s.place.type
        value = self.expr(s.expr)
        if s.when is not None:
            value = f"{self.expr(s.when)} ? {value} : {self.values[o]}"
        if o not in self.places and not self.slow and s.when is None:
            # Behind the check, as in prepare_store().
            value = f"({CTYPE[type_]})({value})" if WIDTH[type_] <= 64 \
                else value
        else:
            value = self.temp(CTYPE[type_], value)
        if self.form == "L":
            return self.lock_store(type_, self.values[o], value)
        if o not in self.places:
            off, seg = self.operand_place(o)
            return self.store(type_, seg, off, value, "r->b",
                              "align16" in self.row.attrs)
        if self.slow:
            return self.store_lines(type_, self.places[o], value)
        return [self.put(type_, self.places[o], value)]

    def lock_store(self, type_, old, value):
        lo, hi = value, "0"
        if WIDTH[type_] == 128:
            lo, hi = f"u128_lo({value})", f"u128_hi({value})"
            old = f"u128_lo({old})"
        return ["const enum lock_result done_ = cpu_lock_store(c, "
                f"{WIDTH[type_] // 8}, {old}, {lo}, {hi});",
                "if (unlikely(done_ == LOCK_FAULT)) LEAVE;",
                "if (unlikely(done_ == LOCK_RETRY)) continue;"]

    # registers are written
    def prepare_set(self, s, single):
        value = self.expr(s.expr)
        if not single or s.kind == "flags":
            value = self.temp(CTYPE[s.expr.type], value)
        when = None
        if s.when is not None:
            when = self.temp("uint8_t", self.expr(s.when))
        if s.place.kind == "regat":
            at = self.temp("uint8_t", self.expr(s.addr))
            line = f"{self.file(s.place.what, at)} = {value};"
        else:
            line = self.set_line(s.place, value)
        return [f"if ({when})", "    " + line] if when else [line]

    def set_line(self, place, value):
        if place.kind == "opnd":
            o = place.what
            return self.put_register(f"r->{self.slot(o)}", place.type, o,
                                     value)
        if place.kind == "reg":
            return f"g->{place.what.member} = {value};"
        sub = place.what
        if sub.kind in ("stack", "address"):
            g, m = self.home.member("g"), self.mask_of(sub)
            if m is None:
                return f"{g}[{sub.index}] = {value};"
            if m[0] == "0":
                return f"{g}[{sub.index}] = (uint32_t)({value});"
            return f"x86_put_masked({g}, {sub.index}, {m}, {value});"
        if sub.kind == "whole":
            return f"g->{sub.reg.member}[{sub.index}] = {value};"
        at = sub.index * 8 + sub.lo // 8 if place.type == "u8" else sub.index
        return self.put_view(at, place.type, value)

    # helpers
    def x_call(self, n):
        h = n.data
        args = ", ".join(["c"] + [self.expr(a) for a in n.args])
        call = f"{self.home.prefix}_{h.name}({args})"
        self.add("SYNC();")
        if "raises" in h.facts:
            self.add(f"if (!{call})")
            self.add("    LEAVE;")
        else:
            self.add(f"{call};")
        if "restartable" in h.facts:
            self.add("if (unlikely(c->scratch)) LEAVE_AT(r);")
        if "writes_flags" in h.facts:
            self.add("fa = c->flag_a; fb = c->flag_b;")
        if h.result:
            return self.temp(CTYPE[h.result], self.scratch(h.result))
        return None

    # ways out
    def prepare_exit(self, s, single):
        if s.kind == "raise":
            self.raise_lines(s)
            return ["raise"]
        kind = ["c->flag_kind = r->d;"] if self.keeps_kind else []
        if s.kind == "jumpr":
            to = self.temp("uint64_t", self.expr(s.expr))
            out = kind
            if s.hint == "mode":
                out = out + ["if (unlikely(c->leave)) {",
                             f"    c->pc = {to};",
                             f"    LEAVE_PC(r + {self.link()});", "}"]
            if self.jump:
                return out + [f"EXIT_FOUND(r + {self.link()}, {self.jump}, "
                              f"{to});"]
            return out + [f"EXIT_INDIRECT(r + {self.link()}, {to});"]
        cond = None
        if s.kind == "branch":
            cond = self.expr(s.expr)
            if not single:
                cond = self.temp("uint8_t", cond)
        if not self.wide_exit:
            go = kind + ["EXIT_DIRECT(r + 1);"]
        elif cond:
            return self.wide_branch(bare(cond), kind, single)
        else:
            go = kind + [f"EXIT_INDIRECT(r + 2, {self.wide_target()});"]
        if cond is None:
            return go
        return [f"if ({bare(cond)}) {{", *["    " + x for x in go], "}",
                "NEXT(r + 3);"]

    def wide_target(self):
        """Checked before anything is committed."""
        return self.checked_target(self.temp(
            "uint64_t", f"c->page + r[1].data - {self.home.member('cs_base')}"))

    def wide_branch(self, cond, kind, single):
        """Only a branch that is taken checks its target, before the row
        commits anything."""
        inner, self.lines = self.lines, []
        to = self.wide_target()
        lines, self.lines = self.lines, inner
        if not single:
            self.add("uint64_t to = 0;")
            self.lines += [f"if ({cond}) {{", *lines, f"to = {to};", "}"]
            return [f"if ({cond}) {{", *kind, "EXIT_INDIRECT(r + 2, to);",
                    "}", "NEXT(r + 3);"]
        return [f"if ({cond}) {{", *["    " + x for x in lines + kind],
                f"    EXIT_INDIRECT(r + 2, {to});", "}", "NEXT(r + 3);"]


def accesses(o, stmts):
    """Is an operand in memory read, and is it written?"""
    writes = [s for s in stmts if s.kind == "set" and s.place.what is o]
    read = any(n.op == "opnd" and n.data is o
               for s in stmts for n in s.nodes())
    return read or any(s.when is not None for s in writes), bool(writes)


def near_slot(at):
    """The register by which a fast form remembers the page of an address."""
    return "4" if at.data == "ss" else "r->b"


def in_order(ops):
    """CMPS reads ES:DI first."""
    return sorted(ops, key=lambda o: o.letter == "X")


def before_operands(s):
    """A fault that does not ask for any operand."""
    return s.kind == "fault" and not any(n.op in ("opnd", "name")
                                         for n in s.nodes())


def in_memory(o, memory):
    return o.memory or o.maybe_memory and memory


def words(inst, form):
    """Data records behind the record."""
    if inst.row.second:
        return 1
    for o in inst.row.ops:
        if o.letter == "I" and (form in MEMORY or
                                o.size == "v" and inst.T == "u64"):
            return 1
    return 0


# ------------------------------------------------------------ flags and forms

FLAG_OPS = ("flag", "cond", "flagbits")


def flags_of(isa, node):
    if node.op == "flagbits":
        return set(isa.flags)
    if node.op == "flag":
        return {node.data}
    line, text = isa.conds[node.data]
    return {w for w in re.findall(r"\w+", text) if w in isa.flags}


def definition(stmts):
    return next((s for s in stmts if s.kind == "flags"), None)


def flag_nodes(stmts):
    """Nodes that use a flag, but for one that is handed on."""
    out = []
    for s in stmts:
        if s.kind == "undef":
            continue
        skip = None
        if s.kind == "flags" and \
           (at := emit_c.forwarded(s)) is not None:
            skip = s.args[at]
        out += [n for n in s.nodes() if n.op in FLAG_OPS and
                n is not skip]
    return out


def uses_flags(stmts):
    return any(n.op in FLAG_OPS for s in stmts for n in s.nodes()
               if s.kind != "undef")


def merges_flags(stmts):
    """Does what it sets depend on the flags as they were?"""
    d = definition(stmts)
    singles = [s for s in stmts if s.kind == "setflag"]
    return bool(d and (d.when is not None or d.keep) or
                singles and not d)


class Flow:
    """What isa_flow says of a row at one size and with memory or not."""

    def __init__(self, isa, stmts):
        self.d = d = definition(stmts)
        singles = [s for s in stmts if s.kind == "setflag"]
        used = set()
        for n in flag_nodes(stmts):
            used |= flags_of(isa, n)
        self.uses = flags.mask(isa, used)
        forward = d and emit_c.forwarded(d)
        self.lazy = bool(d) and emit_c.stays_lazy(d, singles)
        given = set(isa.flags) if d else set()
        if d:
            given -= set(d.keep)
        given |= {s.flag for s in singles}
        self.merges = 0
        self.forward = None
        if self.lazy and forward is not None:
            self.forward = d.args[forward].data
            given.discard(self.forward)
            self.merges = flags.mask(isa, [self.forward])
        elif self.lazy and (extra := emit_c.extra(d)):
            self.merges = flags.mask(isa, extra[1])
        elif not self.lazy and given:
            self.merges = flags.mask(isa, given)
        if d and d.when is not None:
            given = set()
        self.sets = flags.mask(isa, given)
        self.any = bool(used or d or singles)


class Handlers(emit_c.Handlers):
    """All handlers of a guest, and the table of its rows."""

    def __init__(self, home, isa, source):
        super().__init__(home, isa, source)
        self.kinds = flags.kinds(isa)
        self.numbers = {(k.family.name, k.type): k.number
                        for k in self.kinds if k.family}
        self.arrays, self.array_text, self.table = {}, [], []
        self.flows = {}
        self.made = {}      # row name -> [(inst, form, handlers, kind)]
        self.roles = {}     # number -> its numbers as first and as second
        self.fusions = []   # (first, second, handler)

    def all(self):
        for row in self.isa.rows:
            for inst in row.instances:
                for form in sorted(row.forms, key=lambda f: f not in SLOW):
                    self.form(inst, form)
        self.fuse()

    def fuse(self):
        """Pairs: a hot row that leaves lazy flags, then one of registers that
        uses them.  Rows that run as one handler count as one."""
        done, roles = set(), ({}, {})
        for line, a, b in self.isa.fuse:
            for name in (a, b):
                if name not in self.made:
                    raise IsaError("fuse-row", line,
                                   f"no row is called '{name}'")
            found = False
            for first in self.made[a]:
                for second in self.made[b]:
                    if not self.can_fuse(first, second):
                        continue
                    found = True
                    key = tuple(self.role(roles[n], n, x) for n, x in
                                enumerate((first, second)))
                    if key not in done:
                        self.fusions.append(
                            (*key, self.fused(first, second)))
                    done.add(key)
            if not found:
                raise IsaError("fuse-value", line, f"{a} leaves no flags, or "
                               f"{b} uses none, of which the kind is known")

    def can_fuse(self, first, second):
        inst, form, handlers, kind = first
        if "hot" not in inst.row.attrs or form in SLOW or inst.row.exit or \
           isinstance(handlers, list) or kind < 2 or kind == 255 or \
           (inst.T, form) == ("u64", "Y"):
            return False
        inst, form, handlers, _ = second
        return form == "R" and isinstance(handlers, list) and \
            handlers[kind] is not None and handlers[0] is None

    def role(self, numbers, n, made):
        """The number, from 1, of a handler in this place of a pair."""
        inst, form, handlers, kind = made
        what = tuple(handlers) if n else (handlers, kind)
        number = numbers.setdefault(what, len(numbers) + 1)
        self.roles.setdefault(inst.forms[form], [0, 0])[n] = number
        return number

    def fused(self, first, second):
        (a, form, _, kind), (b, to, _, _) = first, second
        lines = X86Body(self.home, a, form, a.fns.get(TWIN.get(form))).first()
        _, after = self.body(b, to, kind=self.kinds[kind - 1],
                             keeps_kind=bool(b.row.exit))
        name = f"{self.ident(a, form)}__{self.ident(b, to)[2:]}"
        return self.define(name, a.row.line, [*lines, "{", *after, "}"])

    def ident(self, inst, form):
        size = f"_{WIDTH[inst.T]}" if inst.T else ""
        return f"h_{inst.row.ident}{size}_{form.lower()}"

    def body(self, inst, form, **facts):
        twin = inst.fns.get(TWIN.get(form))
        if inst.row.direct and inst.row.stack and form in ("R", "RY"):
            twin = inst.direct_twin
        b = X86Body(self.home, inst, form, twin, **facts)
        return b, b.whole()

    def form(self, inst, form):
        inst.fns = getattr(inst, "fns", {})
        row = inst.row
        stmts = inst.stmts[form in MEMORY]
        flow = Flow(self.isa, stmts)
        name = self.ident(inst, form)
        lists, kind_after = {}, {}
        for dead in (0, 1):
            if dead and (not flow.merges or exact(row, stmts, form)):
                continue
            lists[dead] = self.variants(inst, form, flow, dead, name)
            kind_after[dead] = self.kind_after(flow, dead, row)
        fns = lists[0]
        first = next(f for f in fns if f) if isinstance(fns, list) else fns
        inst.fns[form] = first
        self.made.setdefault(row.name, []).append(
            (inst, form, fns, kind_after[0]))
        self.table.append((inst.forms[form], row, form,
                           row_flags(inst, form, flow, fns), first,
                           self.flow(flow, lists, kind_after, row)))

    def kind_after(self, flow, dead, row):
        facts = {f for h in row.helpers.values() for f in h.facts}
        if "writes_flags" in facts:
            return 0
        if flow.lazy:
            return self.numbers[flow.d.family.name, flow.d.type]
        if flow.merges and not dead:
            return 1
        return 255

    def variants(self, inst, form, flow, dead, name):
        """One handler, or a list by kind."""
        row, stmts = inst.row, inst.stmts[form in MEMORY]
        name += "_dead" if dead else ""
        live = not dead
        facts = {f for h in row.helpers.values() for f in h.facts}

        def make(suffix="", **more):
            _, lines = self.body(inst, form, live=live, **more)
            return self.define(name + suffix, row.line, lines)

        if form in SLOW:
            if row.direct and row.stack:
                # R and RY miss with another record than RS has.
                inst.direct_twin = make("_twin", wide=False)
            return make()
        out = [None] * (len(self.kinds) + 1)
        exits = row.exit in ("branch", "jump", "jumpr")
        if facts & {"reads_flags", "writes_flags"} or \
           exits and form in MEMORY:
            out[0] = make()
            return out
        uses = flow.uses or flow.forward and live
        merging = merges_flags(stmts) and live
        if not uses and not merging:
            if not exits:
                return make()
            out[0] = make()
            stored = make("_k", keeps_kind=True)
            return [out[0]] + [stored] * len(self.kinds)
        for k in self.kinds:
            if k.number == 1 or not merging and (
                    "hot" in row.attrs or
                    "kinds" in row.attrs and form == "R"):
                out[k.number] = make(f"_{k.name}", kind=k, keeps_kind=exits)
        return out

    def flow(self, flow, lists, kind_after, row):
        """C name of a struct isa_flow, or NULL."""
        if not flow.any and not any(isinstance(x, list)
                                    for x in lists.values()) and \
           kind_after[0] == 255:
            return "NULL"
        arrays = [self.array(lists.get(dead)) for dead in (0, 1)]
        merges = flow.merges if 1 in lists else 0
        text = (f"{{{flow.uses:#x}, {flow.sets:#x}, {merges:#x}, "
                f"{{{kind_after[0]}, {kind_after.get(1, 255)}}}, "
                f"{{{arrays[0]}, {arrays[1]}}}}}")
        # A dead form that is one handler for all kinds is an array too.
        if text not in self.flows:
            self.flows[text] = f"flow_{len(self.flows)}"
            self.array_text.append("static const struct isa_flow "
                                   f"{self.flows[text]} = {text};")
        return "&" + self.flows[text]

    def array(self, fns):
        if fns is None:
            return "NULL"
        if not isinstance(fns, list):
            fns = [fns] * (len(self.kinds) + 1)
        text = ", ".join(f"(rec_fn *){f}" if f else "NULL" for f in fns)
        if text not in self.arrays:
            self.arrays[text] = f"fns_{len(self.arrays)}"
            self.array_text.append("static rec_fn *const "
                                   f"{self.arrays[text]}[] = {{{text}}};")
        return self.arrays[text]


def exact(row, stmts, form):
    """May it fault, be left, or look at the flags from outside?"""
    return form in SLOW or form in MEMORY or bool(row.exit) or \
        bool(row.helpers) or row.posts or "fp" in row.attrs or row.stack or \
        any(s.kind in ("fault", "store") for s in stmts)


def row_flags(inst, form, flow, fns):
    row, stmts = inst.row, inst.stmts[form in MEMORY]
    out = []
    ops = {n.op for s in stmts for n in s.nodes() if s.kind != "undef"}
    if row.exit == "raise":
        out.append("END")
    elif row.exit == "jumpr":
        out += ["INDIRECT", "END"]
    elif row.exit and form == "RS":
        out += ["WIDE"] + ["END"] * (row.exit == "jump")
    elif row.exit:
        out += [row.exit.upper()] + ["END"] * (row.exit == "jump")
        if "nextpc" in ops:
            out.append("LINK")
    if row.mode and row.exit != "jumpr":
        out.append("MODE")
    if form in MEMORY or "load" in ops:
        out.append("LOADS")
    if any(s.kind == "store" or s.kind == "set" and s.place.memory
           for s in stmts):
        out.append("STORES")
    if row.helpers or row.posts:
        out.append("CALLS")
    if "fp" in row.attrs:
        out.append("FP")
    if exact(row, stmts, form):
        out.append("EXACT")
    if row.exit in ("branch", "jump", "jumpr") and form in ("R", "RY") and \
       isinstance(fns, list):
        out.append("KIND")
    return " | ".join("ROW_" + x for x in dict.fromkeys(out)) or "0"
