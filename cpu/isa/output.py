"""The files that the generator writes, for every dialect: what is particular
to one overrides a method (x86_out.py)."""

import os
import re

import emit_c
import emit_lift
from expr import WIDTH
from source import IsaError

HEAD = "/* Made by cpu/isa/gen.py from {file}; do not edit. */\n"


def string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Output:
    def __init__(self, isa, dialect, file):
        self.isa, self.dialect = isa, dialect
        self.path = file.replace("\\", "/")     # as a debugger looks for it
        self.file = os.path.basename(file)
        self.up = isa.name.upper()
        self.home = dialect.Home(isa)
        self.real = [r for r in isa.rows if not r.alias]
        self.parts = 0

    def head(self, *includes):
        out = [HEAD.format(file=self.file)]
        out += [f"#define GUEST_{name[1:].upper()}_BITS {WIDTH[t]}"
                for name, t in self.isa.types.items() if name[0] == "="]
        out += [f'#include "{x}"' for x in includes]
        return out

    # NAME_rows.h
    def rows_h(self):
        up = self.up
        out = [HEAD.format(file=self.file), f"#ifndef {up}_ROWS_H",
               f"#define {up}_ROWS_H", "", "#include <stdint.h>", ""]
        ext = self.isa.ext_prefix
        for n, x in enumerate(self.isa.exts):
            out.append(f"#define {ext}_EXT_{x.upper()} ((uint64_t)1 << {n})")
        out += ["", f"#define {ext}_EXT_NAMES \\"]
        out += [f'    "{x}", \\' for x in self.isa.exts] + ["", ""]
        for reg in self.isa.regs.values():
            if reg.names:
                out.append(f"#define {up}_NAMES_{reg.name.upper()} \\")
                out += [f'    "{x}", \\' for x in reg.names] + ["", ""]
        out.append(f"enum {self.isa.name}_row {{")
        out.append(f"    {up}_UNDEFINED,")
        for r in self.isa.rows:
            out.append(f"    {up}_{r.ident.upper()} = {r.number},")
        out += [f"    {up}_ROWS,", "};", "", f"enum {self.isa.name}_helper {{"]
        for h in self.isa.helpers.values():
            out.append(f"    {self.home.helper_index(h)},")
        out += [f"    {up}_HELPERS,", "};", ""]
        for name, n in self.isa.causes.items():
            out.append(f"#define {up}_CAUSE_{name} {n}")
        return out + ["", "#endif", ""]

    # NAME_decode.c
    def decode_c(self):
        isa = self.isa
        out = self.head(isa.header, f"{isa.name}_gen.h")
        for row in isa.rows:
            out.append(f"static inline void operands_{row.number}(uint32_t w, "
                       f"struct insn *i)\n{{\n    (void)w;")
            out.append(f'#line {row.line} "{self.path}"')
            out += ["    " + x for x in
                    self.dialect.operand_lines(isa, row)] + ["}"]
        for width in (16, 32):
            d = self.dialect.Decoder(isa)
            d.tree([r for r in isa.rows if r.enc.width == width], 0, 1)
            out += [f"static void decode_{width}(uint32_t w, uint64_t "
                    "features, struct insn *i)", "{", "    (void)w;",
                    "    (void)features;", *d.out, "}", ""]
        out += [f"""
bool {isa.name}_decode(const struct cpu *c, const uint8_t *p, unsigned avail,
                       struct insn *i)
{{
    uint64_t features = GUEST_FEATURES(c);
    uint32_t w;

    memset(i, 0, sizeof(*i));
    if (avail < 2)
        return false;
    w = ld_le16(p);
    if ((w & 3) != 3) {{
        i->length = 2;
        i->bits = w;
        decode_16(w, features, i);
        return true;
    }}
    if (avail < 4)
        return false;
    w = ld_le32(p);
    i->length = 4;
    i->bits = w;
    decode_32(w, features, i);
    return true;
}}
"""]
        for reg in isa.regs.values():
            if reg.names:
                out.append(f"static const char *const names_{reg.name}[] = "
                           f"{{{self.up}_NAMES_{reg.name.upper()}}};")
        out += ["static void text_row(struct text *t, const struct insn *i, "
                "uint64_t pc)", "{", "    const uint32_t w = "
                "(uint32_t)i->bits;", "", "    (void)w;",
                "    switch (i->text) {"]
        for row in isa.rows:
            out.append(f"    case {row.number}:")
            suffix, lines = self.dialect.text_lines(isa, row)
            if lines:
                lines.insert(0, 'text_add(t, "\\t");')
            lines = [f"text_add(t, {string(row.mnemonic)});", *suffix, *lines]
            out += ["        " + x for x in lines] + ["        break;"]
        out += ["    default:", "        text_undefined(t, i);", "    }", "}",
                f"""
void {isa.name}_disassemble(const struct insn *i, uint64_t pc, char *out,
                            size_t size)
{{
    struct text t = {{out, size, 0}};

    text_start(&t);
    text_row(&t, i, pc);
}}
"""]
        return out

    # NAME_handlers.c
    def flags(self, row):
        f = []
        if row.exit:
            f.append({"branch": "BRANCH", "jump": "JUMP", "jumpr": "INDIRECT",
                      "raise": "END"}[row.exit])
            if row.exit in ("jump", "jumpr"):
                f.append("END")
        if row.mode and row.exit != "jumpr":
            f.append("MODE")
        if any(s.kind == "store" for s in row.stmts):
            f.append("STORES")
        ops = {n.op for s in row.stmts for n in s.nodes()}
        f += [name for op, name in (("load", "LOADS"), ("amo", "STORES"),
                                    ("amo", "ATOMIC"),
                                    ("call", "CALLS"), ("fp", "FP"))
              if op in ops]
        if row.uses_pc:
            f.append("PC")
        if row.uses_next and row.exit == "jump":
            f.append("LINK")
        return " | ".join("ROW_" + x for x in dict.fromkeys(f)) or "0"

    def handlers_c(self):
        isa = self.isa
        h = emit_c.Handlers(self.home, isa, self.path)
        for row in self.real:
            row.fn = h.row(row)
        fusions = self.fusions(h)
        out = self.head(isa.header, "cpu/core/special.h",
                        f"{isa.name}_gen.h") + h.out
        out += [f"const struct engine_handlers {isa.name}_engine = "
                "ENGINE_HANDLERS;",
                f"const struct isa_row {isa.name}_row_table[{self.up}_ROWS] "
                "= {", '    [0] = {"undefined", ROW_END, 0, NULL, NULL, {0, 0}},']
        for row in isa.rows:
            if row.alias:
                out.append(f"    [{row.number}] = {{{string(row.name)}, 0, "
                           f"{row.line}, NULL, NULL, {{0, 0}}}},")
            else:
                out.append(f"    [{row.number}] = {{{string(row.name)}, "
                           f"{self.flags(row)}, {row.line}, "
                           f"(rec_fn *){row.fn}, NULL, {{{row.number}, "
                           f"{row.number}}}}},")
        out += ["};", ""]
        out += self.fusion_table(fusions)
        out += self.helper_table()
        return out

    def fusion_table(self, fusions):
        self.n_fusions = len(fusions)
        return [f"const struct isa_fusion {self.isa.name}_fusions[] = {{",
                *(fusions or ["    {0, 0, 0, NULL, {{0, NULL}, {0, NULL}}},"]),
                "};", ""]

    def fusions(self, h):
        by_name = {r.name: r for r in self.real}
        out = {}
        for line, a, b in self.isa.fuse:
            for x in (a, b):
                if x not in by_name:
                    raise IsaError("fuse-row", line,
                                   f"no row is called '{x}'")
            first, second = by_name[a], by_name[b]
            if (first.number, second.number) in out:
                raise IsaError("fuse-twice", line,
                               f"{a} and {b} are fused twice")
            plain, passes = h.fused(first, second)
            dst = next(iter(first.written))
            forms = [f"{{{second.slots[src[1]]}, (rec_fn *){name}}}"
                     for src, name in passes
                     if src[1].regs == dst.regs]
            forms += ["{0, NULL}"] * (2 - len(forms))
            out[first.number, second.number] = (
                f"    {{{first.number}, {second.number}, "
                f"{first.slots[dst]}, (rec_fn *){plain}, "
                f"{{{', '.join(forms)}}}}},")
        return [out[k] for k in sorted(out)]

    def helper_table(self):
        out = []
        for h in self.isa.helpers.values():
            args = "".join(f", ({emit_c.CTYPE[t]})a[{n}]"
                           for n, t in enumerate(h.args))
            call = f"{self.home.prefix}_{h.name}(c{args})"
            out += [f"static bool call_{h.name}(struct cpu *c, "
                    "const uint64_t *a)", "{", "    (void)a;"]
            if "raises" in h.facts:
                out += [f"    return {call};", "}"]
            else:
                out += [f"    {call};", "    return true;", "}"]
        out.append(f"const struct isa_helper {self.isa.name}_helpers[] = {{")
        for h in self.isa.helpers.values():
            mode = "true" if "mode" in h.facts else "false"
            out.append(f'    {{"{h.name}", call_{h.name}, {len(h.args)}, '
                       f"{mode}}},")
        return out + ['    {NULL, NULL, 0, false},', "};", ""]

    # NAME_lift.c
    def lift_c(self):
        isa = self.isa
        out = self.head(isa.header, f"{isa.name}_gen.h", "cpu/ir/ir.h")
        for row in self.real:
            lines = emit_lift.Lift(self.home.of(row), row).run(row.stmts)
            out += [f"static void lift_{row.number}(struct ir *ir, const "
                    "struct insn *i, int32_t offset)", "{",
                    "    (void)i;", "    (void)offset;", "    (void)ir;"]
            out += [f'#line {row.line} "{self.path}"']
            out += ["    " + " ".join(lines)] + ["}"]
        out += [f"void {isa.name}_lift(struct ir *ir, const struct insn *i, "
                "int32_t offset)", "{", "    switch (i->row) {"]
        for row in self.real:
            out += [f"    case {row.number}:",
                    f"        lift_{row.number}(ir, i, offset);",
                    "        break;"]
        out += ["    default:", "        GUEST_LIFT_UNDEFINED(ir, i);", "    }",
                "}", ""]
        return out + self.ir_guest()

    def ir_guest(self):
        """What the IR's printer, verifier and evaluator ask of a guest."""
        n, struct = self.isa.name, self.isa.struct
        out, find = [], []
        for reg in self.isa.regs.values():
            first = f"offsetof(struct {struct}, {reg.member})"
            if not reg.count:
                find += [f"    if (slot == {first})",
                         f'        return "{reg.name}";']
                continue
            names = ", ".join(f'"{reg.name}{i}"' for i in range(reg.count))
            size = f"sizeof(((struct {struct} *)0)->{reg.member}[0])"
            out += [f"static const char *const slots_{reg.name}[] = "
                    f"{{{names}}};"]
            find += [f"    at = slot - {first};",
                     f"    if (slot >= {first} && at % {size} == 0 && "
                     f"at / {size} < {reg.count})",
                     f"        return slots_{reg.name}[at / {size}];"]
        out += ["static const char *slot_name(uint64_t slot)", "{",
                "    uint64_t at;", "", "    (void)at;", *find,
                "    return NULL;", "}", "",
                "static const char *helper_name(unsigned helper)", "{",
                f"    return helper < {self.up}_HELPERS ? "
                f"{n}_helpers[helper].name : NULL;", "}", "",
                "static const char *cause_name(unsigned cause)", "{",
                "    switch (cause) {"]
        for number, name in {v: k for k, v in self.isa.causes.items()}.items():
            out += [f"    case {number}:", f'        return "{name}";']
        return out + ["    default:", "        return NULL;", "    }", "}", "",
                      f"const struct ir_guest {n}_ir_guest = {{",
                      "#ifdef GUEST_FP",
                      f"    .fp = offsetof(struct {struct}, fp),",
                      "#else", "    .fp = SIZE_MAX,", "#endif",
                      "#ifdef GUEST_FP80",
                      f"    .fp80 = offsetof(struct {struct}, fp80),",
                      "#else", "    .fp80 = SIZE_MAX,", "#endif",
                      "    .slot_name = slot_name,",
                      "    .helper_name = helper_name,",
                      "    .cause_name = cause_name,", "};", ""]

    # NAME_gen.h: what the parts share
    def gen_h(self):
        n = self.isa.name
        up = self.up
        return [HEAD.format(file=self.file), f"#ifndef {up}_GEN_H",
                f"#define {up}_GEN_H", "", '#include "cpu/core/engine.h"',
                '#include "cpu/core/isa_test.h"', f'#include "{n}_rows.h"', "",
                f"""
struct ir_guest;

bool {n}_decode(const struct cpu *c, const uint8_t *p, unsigned avail,
                struct insn *i);
void {n}_disassemble(const struct insn *i, uint64_t pc, char *out,
                     size_t size);
void {n}_lift(struct ir *ir, const struct insn *i, int32_t offset);
extern const struct ir_guest {n}_ir_guest;
extern const struct engine_handlers {n}_engine;
extern const struct isa_row {n}_row_table[];
extern const struct isa_fusion {n}_fusions[];
#define {up}_N_FUSIONS {self.n_fusions}
extern const struct isa_helper {n}_helpers[];
extern const struct isa_encoding {n}_encodings[];
extern const struct isa_example {n}_examples[];
extern const struct isa_register {n}_registers[];

#endif
"""]

    # NAME_tests.c: encodings for the random tests, the rows' examples
    def tests_c(self):
        n = self.isa.name
        out = self.head(self.isa.header, f"{n}_gen.h")
        out.append(f"const struct isa_encoding {n}_encodings[] = {{")
        for r in self.isa.rows:
            wants = " | ".join(f"{self.isa.ext_prefix}_EXT_{x.upper()}"
                               for x in r.wants)
            out.append(f"    {{{r.number}, {r.enc.width}, {r.enc.mask:#x}u, "
                       f"{r.enc.value:#x}u, {wants or 0}}},")
        out += ["    {0, 0, 0, 0, 0},", "};", "",
                f"const struct isa_example {n}_examples[] = {{"]
        for r in self.isa.rows:
            for line, bits, before, after in self.examples(r):
                out.append(f"    {{{r.number}, {line}, {bits:#x}u, "
                           f"{string(before)}, {string(after)}}},")
        out += ["    {0, 0, 0, NULL, NULL},", "};", ""]
        return out + self.registers()

    def registers(self):
        struct = self.isa.struct
        out = [f"const struct isa_register {self.isa.name}_registers[] = {{"]
        for reg in self.isa.regs.values():
            names = reg.names or ({} if reg.count else {reg.name: None})
            for name, n in names.items():
                member = reg.member + ("" if n is None else f"[{n}]")
                out.append(f'    {{"{name}", offsetof(struct {struct}, '
                           f"{member}), sizeof(((struct {struct} *)0)->"
                           f"{member}), {WIDTH[reg.type]}}},")
        return out + ["    {NULL, 0, 0, 0},", "};", ""]

    def examples(self, row):
        width = str(WIDTH[self.isa.types.get("=ux", "u64")])
        for line, text in row.examples:
            m = re.fullmatch(r"([0-9a-f]+)(?:/(\d+))?: *(.*?) *-> *(.*)",
                             text)
            if not m or len(m.group(1)) * 4 != row.enc.width:
                raise IsaError("example", line, f"{row.name}: an example "
                               "reads ENCODING: BEFORE -> AFTER, the "
                               f"encoding in {row.enc.width // 4} digits")
            bits = int(m.group(1), 16)
            if bits & row.enc.mask != row.enc.value:
                raise IsaError("example-bits", line, f"{row.name}: "
                               f"{m.group(1)} is not this row's encoding")
            if m.group(2) in (None, width):
                yield line, bits, m.group(3), m.group(4)

    def facts(self):
        calls = sum("ROW_CALLS" in self.flags(r) for r in self.real)
        total = len(self.isa.rows)
        real = len(self.real)
        return (f"{self.file}: {total} rows ({real} with a meaning of their "
                f"own, {total - real} aliases), "
                f"{100 * (real - calls) / real:.1f} % pure, "
                f"{calls} through helpers")
