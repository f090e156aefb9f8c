"""The files generated for an x86 guest: tables for cpu/x86/decode.c, handlers,
lifter, and what tests want to know."""

import re

import emit_c
import emit_lift
import flags
import output
import x86_emit
from emit_c import CTYPE
from expr import WIDTH
from output import HEAD, string
from x86 import FORMS, MEMORY, PREFIXES, opcodes
from x86_lift import X86Lift

ENTRY_FLAGS = {"d64": "D64", "f64": "F64", "i64": "I64", "o64": "O64",
               "locked": "LOCKED", "count": "COUNT", "ea_after_sp": "AFTER_SP", "fpu": "USES_FPU",
               "mm": "USES_MM", "xmm": "USES_XMM"}
PREFIX_NAMES = {None: "ANY", "np": "NP", "66": "66", "f3": "F3", "f2": "F2",
                "rep": "REP", "nr": "NR"}


class UndefBody(x86_emit.X86Body):
    """What an instruction leaves undefined, for tests: bits of flags, and
    bit 16 for an operand."""

    def begin(self, stmts):
        self.incoming = flags.Values(self.home.isa, flags.Kind(1),
                                     [flags.raw("fl")])

    def whole(self):
        stmts = self.inst.stmts[self.memory]
        undefs = [s for s in stmts if s.kind == "undef"]
        wanted = set()
        for s in reversed(stmts):
            if s.kind == "undef" or s.kind == "let" and s.name in wanted:
                wanted |= {n.data for n in s.nodes() if n.op == "local"}
        lets = [s for s in stmts if s.kind == "let" and s.name in wanted]
        self.begin(stmts)
        for o in self.row.ops:
            if x86_emit.in_memory(o, self.memory) and any(
                    n.op == "opnd" and n.data is o
                    for s in lets + undefs for n in s.nodes()):
                t = o.type(self.inst.T)
                off, seg = self.operand_place(o)
                self.values[o] = self.temp(CTYPE[t], f"({CTYPE[t]})"
                                           f"GUEST_PEEK(c, {seg}, {off}, "
                                           f"{WIDTH[t] // 8})")
        for s in lets:
            self.add(f"const {CTYPE[s.expr.type]} v_{s.name} = "
                     f"{self.expr(s.expr)};")
        self.add("uint32_t out = 0;")
        for s in undefs:
            mask = flags.mask(self.home.isa, s.flags)
            mask |= 0x10000 if s.places else 0
            line = f"out |= {mask:#x}u;"
            if s.expr is not None:
                line = f"if (!({self.expr(s.expr)})) {line}"
            self.add(line)
        self.add("return out;")
        return self.lines


class X86Output(output.Output):
    def __init__(self, isa, dialect, file):
        super().__init__(isa, dialect, file)
        self.handlers = x86_emit.Handlers(self.home, isa, self.path)
        self.handlers.all()
        self.number_entries()

    # NAME_rows.h
    def rows_h(self):
        out = super().rows_h()
        at = out.index(f"    {self.up}_ROWS,")
        out[at] = f"    {self.up}_ROWS = {self.isa.n_handlers},"
        models = [f"    {self.up}_MODEL_{m.upper()}," for m in
                  self.isa.models]
        families = [f"#define {self.up}_FAMILY_{f.name.upper()} {f.number}"
                    for f in self.isa.families.values()]
        return out[:-2] + ["", f"enum {self.isa.name}_model {{", *models,
                           f"    {self.up}_MODELS,", "};", "", *families,
                           "", "#endif", ""]

    # NAME_decode.c
    def number_entries(self):
        """Chains in the order of maps and opcodes; equal ones are one."""
        self.first = [[0] * 256 for _ in range(4)]
        self.entries, at = [], {}
        for (m, op), chain in sorted(self.isa.chains.items()):
            key = tuple(r.number for r in chain)
            if key not in at:
                at[key] = len(self.entries) + 1
                self.entries += [(r, r is chain[-1]) for r in chain]
            self.first[m][op] = at[key]

    def entry_flags(self, row):
        out = []
        e = row.enc
        if e.modrm:
            out.append("MODRM")
        if e.modrm in ("digit", "exact"):
            out.append(e.modrm.upper())
        if any(o.letter == "M" for o in row.ops):
            out.append("MEM")
        if any(o.letter in "RUNH" for o in row.ops):
            out.append("REG")
        if e.plus:
            out.append("PLUS")
        out += [ENTRY_FLAGS[a] for a in sorted(row.attrs & set(ENTRY_FLAGS))]
        if any(o.letter in "CD" for o in row.ops):
            out.append("ANY_MOD")
        if row.section == "system":
            out.append("SYSTEM")
        if row.sized:
            out.append("SIZED")
        if e.w != {0, 1}:
            out.append(f"W{min(e.w)}")
        if e.b != {0, 1}:
            out.append("B0")
        if row.addressing:
            out.append("ADDRESSING")
        if row.checked:
            out.append("EXIT")
        if row.stack:
            out.append("STACK")
        return " | ".join("X86_" + x for x in out) or "0"

    def entry(self, row, last):
        at = {None: 0, "u8": 0, "u16": 1, "u32": 2, "u64": 3}
        instance = [0] * 4
        for i in row.instances:
            instance[at[i.T]] = i.number
        # y is 32 bits where the operand size is 16
        if row.sized and not instance[1]:
            instance[1] = instance[2]
        forms = sum(1 << n for n, f in enumerate(FORMS) if f in row.forms)
        ops = []
        for o in row.ops:
            text = string(o.text.lower()) if o.letter == "F" else "NULL"
            size = f"'{o.size}'" if o.size else "0"
            ops.append(f"{{'{o.letter}', {size}, {text}}}")
        ops += ["{0, 0, NULL}"] * (4 - len(ops))
        wants = " | ".join(f"{self.isa.ext_prefix}_EXT_{x.upper()}"
                           for x in row.wants)
        return (f"    {{{string(row.name)}, {self.entry_flags(row)}, "
                f"{row.number}, {{{', '.join(map(str, instance))}}}, "
                f"{forms:#x}, X86_{PREFIX_NAMES[row.enc.prefix]}, "
                f"{row.enc.reg}, {int(last)}, {row.models[0]}, "
                f"{row.models[1]}, {row.enc.map}, {row.enc.opcode}, "
                f"{{{', '.join(ops)}}}, {wants or 0}}},")

    def decode_c(self):
        n = self.isa.name
        out = self.head(self.isa.header, f"{n}_gen.h")
        out.append("static const struct x86_entry entries[] = {")
        out.append('    {"(bad)", 0, 0, {0, 0, 0, 0}, 0, 0, 0, 1, 0, 0, 0, '
                   "0, {{0, 0, NULL}, {0, 0, NULL}, {0, 0, NULL}, "
                   "{0, 0, NULL}}, 0},")
        out += [self.entry(r, last) for r, last in self.entries]
        out += ["};", "static const uint16_t first[4][256] = {"]
        for m in self.first:
            out.append("    {" + ", ".join(map(str, m)) + "},")
        return out + ["};", f"""
const struct x86_tables {n}_tables = {{first, entries}};
const unsigned {n}_n_entries = {len(self.entries) + 1};

bool {n}_decode(const struct cpu *c, const uint8_t *p, unsigned avail,
                struct insn *i)
{{
    return x86_table_decode(&{n}_tables, GUEST_MODE(c), GUEST_FEATURES(c),
                      GUEST_MODEL(c), p, avail, i);
}}

void {n}_disassemble(const struct insn *i, uint64_t pc, char *out,
                     size_t size)
{{
    x86_table_disassemble(&{n}_tables, i, pc, out, size);
}}
"""]

    # NAME_handlers.c
    def handlers_c(self):
        n, h = self.isa.name, self.handlers
        out = self.head(self.isa.header)
        out += [f'#include "{n}_gen.h"',
                f"#define ENGINE_FLAG_BITS {n}_flag_bits",
                '#include "cpu/core/special.h"', ""]
        out += self.declarations(h.by_body.values()) if self.parts else h.out
        out += h.array_text
        out += [f"const struct engine_handlers {n}_engine = ENGINE_HANDLERS;",
                f"const struct isa_row {n}_row_table[{self.up}_ROWS] = {{",
                '    [0] = {"undefined", ROW_END | ROW_EXACT, 0, NULL, NULL, {0, 0}},']
        for number, row, form, row_flags, fn, flow in sorted(
                h.table, key=lambda x: x[0]):
            a, b = h.roles.get(number, (0, 0))
            out.append(f"    [{number}] = {{{string(row.name)}, {row_flags}, "
                       f"{row.line}, (rec_fn *){fn}, {flow}, {{{a}, {b}}}}},")
        out += ["};", ""]
        out += self.fusion_table(
            [f"    {{{a}, {b}, 0, (rec_fn *){fn}, {{{{0, NULL}}, "
             "{0, NULL}}}," for a, b, fn in sorted(h.fusions)])
        return out + self.helper_table() + self.flag_functions()

    @staticmethod
    def declarations(names):
        return [f"handler_fn {n};" for n in sorted(set(names))]

    def handlers_part(self, n):
        """The n-th of as many equal parts of all handlers."""
        h = self.handlers
        ends = h.starts[1:] + [len(h.out)]
        each = [h.out[a:b] for a, b in zip(h.starts, ends)]
        total = sum(len(line) for line in h.out) + 1
        mine, at = [], 0
        for lines in each:
            if at * self.parts // total == n - 1:
                mine += lines
            at += sum(len(line) for line in lines)
        wanted = set(re.findall(r"\bh_\w+", " ".join(mine)))
        out = [HEAD.format(file=self.file), "#define HANDLER_LINKAGE"]
        out += self.head(self.isa.header)[1:]
        out += [f'#include "{self.isa.name}_gen.h"',
                f"#define ENGINE_FLAG_BITS {self.isa.name}_flag_bits"]
        return out + self.declarations(
            wanted & set(h.by_body.values())) + mine

    def flag_functions(self):
        body = emit_c.Body(self.home, None, False, None)
        return flags.c_functions(self.isa, body.expr)

    def helper_table(self):
        out, counts = [], {}
        for h in self.isa.helpers.values():
            args, at = [], 0
            for t in h.args:
                if WIDTH[t] == 128:
                    args.append(f"{t if t == 'v128' else 'u128'}_make("
                                f"a[{at + 1}], a[{at}])")
                else:
                    args.append(f"({CTYPE[t]})a[{at}]")
                at += 2 if WIDTH[t] == 128 else 1
            counts[h.name] = at
            call = f"{self.home.prefix}_{h.name}({', '.join(['c', *args])})"
            out += [f"static bool call_{h.name}(struct cpu *c, "
                    "const uint64_t *a)", "{", "    (void)a;"]
            out += [f"    return {call};"] if "raises" in h.facts else \
                [f"    {call};", "    return true;"]
            out.append("}")
        out.append(f"const struct isa_helper {self.isa.name}_helpers[] = {{")
        for h in self.isa.helpers.values():
            mode = "true" if "mode" in h.facts else "false"
            out.append(f'    {{"{h.name}", call_{h.name}, {counts[h.name]}, '
                       f"{mode}}},")
        return out + ["    {NULL, NULL, 0, false},", "};", ""]

    # NAME_lift.c
    def lift_c(self):
        n = self.isa.name
        out = self.head(self.isa.header, f"{n}_gen.h")
        slots = {r.name: r.member for r in self.isa.regs.values()}
        out += ["#define X86_LIFT_SLOT(name) X86_LIFT_SLOT_##name"]
        out += [f"#define X86_LIFT_SLOT_{k} {self.home.offset(v)}"
                for k, v in slots.items()]
        helpers = self.isa.helpers
        out += [f"#define X86_LIFT_LINEAR "
                f"{self.home.helper_index(helpers['linear'])}",
                f"#define X86_LIFT_TARGET "
                f"{self.home.helper_index(helpers['target'])}",
                f"#define X86_LIFT_GP {self.isa.causes['GP']}",
                '#include "cpu/x86/lift.h"', ""]
        table, bodies = {}, {}
        for row in self.isa.rows:
            for inst in row.instances:
                for form in row.forms:
                    fn = self.lift(inst, form, out, bodies)
                    table[inst.forms[form]] = fn
        out += ["typedef void lift_fn(struct ir *ir, const struct insn *i, "
                "int32_t offset);",
                f"static lift_fn *const lifters[{self.up}_ROWS] = {{"]
        out += [f"    [{k}] = {fn}," for k, fn in sorted(table.items())]
        out += ["};", "", f"void {n}_lift(struct ir *ir, const struct insn "
                "*i, int32_t offset)", "{",
                f"    if (i->row && i->row < {self.up}_ROWS)",
                "        lifters[i->row](ir, i, offset);", "    else",
                "        GUEST_LIFT_UNDEFINED(ir, i);", "}", ""]
        out += flags.names_c(self.isa)
        out += flags.lift_c(self.isa, emit_lift.FormulaLift)
        return out + self.ir_guest()

    def lift(self, inst, form, out, bodies):
        lines = X86Lift(self.home, inst, form in MEMORY, form == "L").whole()
        text = " ".join(lines)
        if text in bodies:
            return bodies[text]
        fn = f"lift_{len(bodies)}"
        bodies[text] = fn
        out += [f"static void {fn}(struct ir *ir, const struct insn *i, "
                "int32_t offset)", "{", "    (void)ir, (void)i, (void)offset;",
                f'#line {inst.row.line} "{self.path}"', "    " + text, "}"]
        return fn

    def ir_guest(self):
        n = self.isa.name
        out = super().ir_guest()
        at = out.index("    .slot_name = slot_name,")
        more = [f"    .flag_define = {n}_flag_define,",
                f"    .flag_use = {n}_flag_use,",
                "    .flag_use_ir = flag_use_ir,",
                "    .flag_bits_ir = flag_bits_ir,",
                "    .families = families_ir,",
                "    .n_families = sizeof(families_ir) / "
                "sizeof(families_ir[0]),",
                "    .family_name = family_name,",
                "    .condition_name = condition_name,",
                "#ifdef GUEST_FP_BEGIN", "    .fp_begin = GUEST_FP_BEGIN,",
                "    .fp_end = GUEST_FP_END,", "#endif"]
        return out[:at] + more + out[at:]

    # NAME_gen.h
    def gen_h(self):
        out = super().gen_h()
        n = self.isa.name
        # The guest's header first: it says which form handlers have.
        at = out.index('#include "cpu/core/engine.h"')
        out[at] = f'#include "{self.isa.header}"'
        text = out[-1]
        mine = f"""
extern const struct x86_tables {n}_tables;
extern const unsigned {n}_n_entries;
uint64_t {n}_flag_bits(uint32_t kind, uint64_t fa, uint64_t fb);
void {n}_flag_define(struct cpu *c, unsigned family, unsigned width,
                     const uint64_t v[3], uint32_t keep);
bool {n}_flag_use(struct cpu *c, unsigned condition);
extern const struct isa_undef {n}_undefs[];
extern const struct isa_short {n}_shorts[];
#define {self.up}_FLAGS {flags.mask(self.isa, self.isa.flags):#x}u

#endif
"""
        return out[:-1] + [text.replace("\n#endif\n", mine)]

    # NAME_tests.c
    def tests_c(self):
        n = self.isa.name
        out = self.head(self.isa.header, f"{n}_gen.h",
                        "cpu/core/isa_test.h")
        table = []
        for row in self.isa.rows:
            for inst in row.instances:
                for form in row.forms:
                    self.undef(inst, form, out, table)
        out += [f"const struct isa_undef {n}_undefs[] = {{", *table,
                "    {0, NULL},", "};", ""]
        body = emit_c.Body(self.home, None, False, None)
        return out + flags.shorts_c(self.isa, body.expr)

    def undef(self, inst, form, out, table):
        if not any(s.kind == "undef" for s in inst.stmts[form in MEMORY]):
            return
        # Memory in any form is peeked at as in the slow one.
        as_form = "S" if form in MEMORY else "RS"
        lines = UndefBody(self.home, inst, as_form).whole()
        text = " ".join(lines)
        fn = f"undef_{inst.forms[form]}"
        out += [f"static uint32_t {fn}(struct cpu *c, const struct rec *r, "
                "uint64_t fl)", "{", "    (void)c, (void)r, (void)fl;"]
        if "g->" in text:
            out.append(f"    struct {self.isa.struct} *g = "
                       f"(struct {self.isa.struct} *)c;")
        out += [f'#line {inst.row.line} "{self.path}"', "    " + text, "}"]
        table.append(f"    {{{inst.forms[form]}, {fn}}},")

    def facts(self):
        rows = self.isa.rows
        pure = sum(not r.helpers for r in rows)
        h = self.handlers
        emitted = len(h.by_body)
        return (f"{self.file}: {len(rows)} rows, {100 * pure / len(rows):.1f}"
                f" % pure, {len(rows) - pure} through helpers; "
                f"{self.isa.n_handlers - 1} forms, {h.wanted} handlers, "
                f"{emitted} distinct")
