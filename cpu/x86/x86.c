/*
 * The x86 processor's class: reset, state, what derives from it.
 *
 * SDM 3-9.1 (reset and INIT), table 3-9-1.  Models and features: models.c.
 */
#include <stdio.h>

#include "cpu/core/text.h"
#include "cpu/x86/apic.h"
#include "cpu/x86/system.h"
#include "x86_gen.h"

/* ------------------------------------------------------------------ EFLAGS */

/* Flags that the model has. */
static uint32_t known_flags(const struct x86_cpu *g)
{
    uint32_t bits = 0xfd5; /* of the 8086 */

    if (g->model >= X86_MODEL_80286)
        bits |= FLAG_IOPL | FLAG_NT;
    if (g->model >= X86_MODEL_386)
        bits |= FLAG_RF | FLAG_VM;
    if (g->model >= X86_MODEL_486)
        bits |= FLAG_AC;
    if (g->vendor)
        bits |= FLAG_ID;
    if (x86_has(g, X86_VME))
        bits |= FLAG_VIF | FLAG_VIP;
    return bits;
}

/* All but the lazy ones. */
static uint32_t eager_flags(const struct x86_cpu *g)
{
    uint32_t v = g->eflags | 2;

    v |= g->df ? FLAG_DF : 0;
    if (g->model <= X86_MODEL_80186)
        v |= 0xf000;
    return v;
}

uint32_t x86_eflags(struct x86_cpu *g)
{
    const struct cpu *c = &g->core;

    return eager_flags(g) |
           (uint32_t)x86_flag_bits(c->flag_kind, c->flag_a, c->flag_b);
}

void x86_set_eflags(struct x86_cpu *g, uint32_t v, uint32_t mask)
{
    struct cpu *c = &g->core;
    uint32_t old, changed;

    mask &= known_flags(g);
    /* In real mode the 286 keeps IOPL and NT clear. */
    if (g->model == X86_MODEL_80286 && !(g->cr0 & CR0_PE))
        mask &= ~(uint32_t)(FLAG_IOPL | FLAG_NT);
    /* A helper that says nothing of the lazy flags (STI) comes here with any
     * values in them. */
    old = mask & X86_FLAGS ? x86_eflags(g) : eager_flags(g);
    v = (old & ~mask) | (v & mask);
    changed = old ^ v;
    if (mask & X86_FLAGS) {
        c->flag_kind = FLAGS_BITS;
        c->flag_a = v & X86_FLAGS;
        c->flag_b = 0;
    }
    g->df = (v & FLAG_DF) != 0;
    g->eflags = v & known_flags(g) & ~(X86_FLAGS | (uint32_t)FLAG_DF);
    if (v & mask & FLAG_RF)
        g->rf_at = cpu_icount(c) + 1;
    if (changed & (FLAG_AC | FLAG_VM))
        x86_settle(g);
    if (changed & v & FLAG_TF)
        c->leave = true;
    if (changed & v & FLAG_IF)
        x86_look(g);
}

/* ----------------------------------------------------------------- deriving */

/* Base 0, no limit, and nothing that an access could do wrong. */
static bool is_flat(const struct x86_segment *s, uint16_t want)
{
    return s->base == 0 && s->limit == UINT32_MAX &&
           (s->access & (want | SEGMENT_P)) == (want | SEGMENT_P);
}

static bool is_flat_data(const struct x86_segment *s)
{
    return is_flat(s, SEGMENT_S | SEGMENT_WRITE) &&
           !(s->access & (SEGMENT_CODE | SEGMENT_DOWN));
}

static uint32_t size_mode(const struct x86_cpu *g)
{
    const uint16_t cs = g->segment[SEG_CS].access;

    if (x86_lma(g) && (cs & SEGMENT_L) && !(g->eflags & FLAG_VM))
        return X86_MODE_64;
    return cs & SEGMENT_DB ? X86_MODE_32 : X86_MODE_16;
}

/* What decoding depends on beside sizes. */
static uint32_t switches(const struct x86_cpu *g)
{
    uint32_t mode = 0;

    if (g->cr0 & CR0_EM)
        mode |= X86_MODE_EM;
    if (g->cr0 & CR0_TS)
        mode |= X86_MODE_TS;
    if (!(g->cr4 & CR4_OSFXSR))
        mode |= X86_MODE_NO_SSE;
    if (!(g->cr4 & CR4_OSXSAVE))
        mode |= X86_MODE_NO_XSAVE;
    if (g->model < X86_MODEL_386)
        mode |= X86_MODE_PRE386;
    if (g->model < X86_MODEL_80286)
        mode |= X86_MODE_PRE286;
    return mode;
}

void x86_settle(struct x86_cpu *g)
{
    static const uint64_t masks[3] = {0xffff, 0xffffffff, UINT64_MAX};
    const uint32_t old = g->mode;
    uint32_t mode = size_mode(g);
    const bool is_long = mode == X86_MODE_64;

    /* 64-bit mode asks neither. */
    if (!is_long && (g->segment[SEG_SS].access & SEGMENT_DB))
        mode |= X86_MODE_STACK32;
    if (!is_long && is_flat(&g->segment[SEG_CS], SEGMENT_S | SEGMENT_CODE) &&
        is_flat_data(&g->segment[SEG_DS]) &&
        is_flat_data(&g->segment[SEG_ES]) && is_flat_data(&g->segment[SEG_SS]))
        mode |= X86_MODE_FLAT;
    mode |= switches(g);
    g->mode = mode;
    g->decoded = g->features;
    if (!(g->cr4 & CR4_OSXSAVE))
        g->decoded &= ~X86_EXT_XSAVE;
    g->addr_mask = masks[mode & X86_MODE_SIZE];
    g->stack_mask = is_long                   ? UINT64_MAX
                    : mode & X86_MODE_STACK32 ? UINT32_MAX
                                              : UINT16_MAX;
    g->cs_base = is_long ? 0 : g->segment[SEG_CS].base;
    g->fs_base = g->segment[SEG_FS].base;
    g->gs_base = g->segment[SEG_GS].base;
    g->align_check = (g->cr0 & CR0_AM) && (g->eflags & FLAG_AC) && g->cpl == 3;
    x87_settle(g);
    x86_update_contexts(g);
    if (mode != old)
        g->core.leave = true;
}

static uint32_t mode(struct cpu *c)
{
    return x86(c)->mode;
}

/* -------------------------------------------------------------------- reset */

void x86_init_state(struct x86_cpu *g)
{
    struct cpu *c = &g->core;

    for (unsigned i = 0; i < 16; i++)
        g->g[i] = 0;
    if (g->facts->family)
        g->g[2] = (uint32_t)g->facts->family << 8 |
                  (g->facts->model_number & 15u) << 4 | g->facts->stepping;
    c->flag_kind = FLAGS_BITS;
    c->flag_a = c->flag_b = 0;
    g->df = 0;
    g->eflags = 0;
    for (unsigned i = 0; i < 6; i++)
        g->segment[i] = (struct x86_segment){.access = 0x93, .limit = 0xffff};
    g->segment[SEG_CS].access = 0x9b;
    g->segment[SEG_CS].selector = 0xf000;
    if (g->model >= X86_MODEL_386)
        g->segment[SEG_CS].base = 0xffff0000;
    else if (g->model == X86_MODEL_80286)
        g->segment[SEG_CS].base = 0xff0000;
    else
        g->segment[SEG_CS] = (struct x86_segment){.selector = 0xffff,
                                                  .access = 0x9b,
                                                  .limit = 0xffff,
                                                  .base = 0xffff0};
    g->gdtr = g->idtr = (struct x86_table){0, 0xffff};
    if (g->model < X86_MODEL_386)
        g->idtr.limit = 0x3ff;
    g->ldtr = (struct x86_segment){.access = 0x82, .limit = 0xffff};
    g->tr = (struct x86_segment){.access = 0x8b, .limit = 0xffff};
    g->cr0 =
        g->model >= X86_MODEL_486 ? (g->cr0 & (CR0_CD | CR0_NW)) | CR0_ET : 0;
    g->cr2 = g->cr3 = g->cr4 = g->efer = 0;
    g->cpl = 0;
    g->smm = false;
    g->nmi_blocked = false;
    g->debug_traps = 0;
    g->step_armed = false;
    for (unsigned i = 0; i < 4; i++)
        g->dr[i] = 0;
    g->dr6 = 0;
    x86_set_dr7(g, 0);
    /* All but the first wait to be started. */
    g->activity = c->id ? X86_WAIT_SIPI : X86_ACTIVE;
    c->halted = c->id != 0;
    x86_flush(g);
    x86_settle(g);
    c->pc = g->model <= X86_MODEL_80186 ? g->cs_base
                                        : (uint32_t)(g->cs_base + 0xfff0);
}

static void reset(struct cpu *c)
{
    struct x86_cpu *g = x86(c);

    for (unsigned i = 0; i < X86_CONTEXTS; i++)
        g->contexts[i].key = UINT64_MAX;
    g->next_context = 0;
    g->fp.rules = FP_RULES_SSE;
    atomic_store(&g->latched, 0);
    g->cr0 = CR0_CD | CR0_NW;
    x86_init_state(g);
    x86_apic_reset(c);
}

static bool init(struct cpu *c, const struct cpu_config *config,
                 struct error *e)
{
    struct x86_cpu *g = x86(c);

    g->pa_mask = UINT64_MAX;
    atomic_init(&g->lines, 1u << X86_LINE_A20);
    c->wires.own.address = UINT64_MAX;
    return x86_parse_model(config->model, g, e);
}

void x86_shutdown(struct x86_cpu *g, const char *why)
{
    struct cpu *c = &g->core;

    log_guest(c->env.log, "cpu %u: %s at %04x:%llx, the processor shuts down",
              c->id, why, g->segment[SEG_CS].selector,
              (unsigned long long)x86_eip(g));
    g->activity = X86_SHUTDOWN;
    c->halted = true;
    c->leave = true;
    if (c->wires.shutdown) {
        pthread_mutex_lock(memory_lock(c->env.memory));
        /* Those of real mode reset the machine so. */
        c->wires.shutdown(c->wires.shutdown_owner, g->cr0 & CR0_PE);
        pthread_mutex_unlock(memory_lock(c->env.memory));
    }
}

/* --------------------------------------------------------------- the class */

static void bus_fault(struct cpu *c, uint64_t va, enum access access)
{
    (void)va, (void)access;
    /* A bus of a PC answers everything; code outside of memory is all ones,
     * which is no instruction. */
    x86_raise(c, VECTOR_UD, 0);
}

static void undefined(struct cpu *c, uint64_t vector)
{
    x86_raise(c, (unsigned)vector, 0);
}

static void dump_segment(struct text *t, const char *name,
                         const struct x86_segment *s)
{
    text_addf(t, "%-3s %04x base %llx limit %x access %04x\n", name,
              s->selector, (unsigned long long)s->base, s->limit, s->access);
}

static void dump(struct cpu *c, char *out, size_t size)
{
    static const char *const names[] = {
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
        "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
    static const char *const segments[] = {"es", "cs", "ss", "ds", "fs", "gs"};
    struct x86_cpu *g = x86(c);
    struct text t = {out, size, 0};

    text_start(&t);
    text_addf(&t, "cpu %u  ip %04x:%llx  eflags %08x  cpl %u%s%s\n", c->id,
              g->segment[SEG_CS].selector, (unsigned long long)x86_eip(g),
              x86_eflags(g), g->cpl, g->smm ? "  SMM" : "",
              c->halted ? "  halted" : "");
    for (unsigned i = 0; i < 16; i++)
        text_addf(&t, "%-3s %016llx%s", names[i], (unsigned long long)g->g[i],
                  i % 4 == 3 ? "\n" : "  ");
    for (unsigned i = 0; i < 6; i++)
        dump_segment(&t, segments[i], &g->segment[i]);
    dump_segment(&t, "ldt", &g->ldtr);
    dump_segment(&t, "tr", &g->tr);
    text_addf(&t, "gdt %llx limit %x  idt %llx limit %x\n",
              (unsigned long long)g->gdtr.base, g->gdtr.limit,
              (unsigned long long)g->idtr.base, g->idtr.limit);
    text_addf(&t, "cr0 %llx  cr2 %llx  cr3 %llx  cr4 %llx  efer %llx\n",
              (unsigned long long)g->cr0, (unsigned long long)g->cr2,
              (unsigned long long)g->cr3, (unsigned long long)g->cr4,
              (unsigned long long)g->efer);
}

static const struct field segment_fields[] = {
    FIELD(struct x86_segment, selector, 0),
    FIELD(struct x86_segment, access, 0),
    FIELD(struct x86_segment, limit, 0),
    FIELD(struct x86_segment, base, 0),
    FIELD_LIST_END,
};
static const struct field table_fields[] = {
    FIELD(struct x86_table, base, 0),
    FIELD(struct x86_table, limit, 0),
    FIELD_LIST_END,
};
static const struct field x87_fields[] = {
    FIELD_ARRAY(struct x86_x87, mantissa, 0),
    FIELD_ARRAY(struct x86_x87, exponent, 0),
    FIELD(struct x86_x87, control, 0x40),
    FIELD(struct x86_x87, status, 0),
    FIELD(struct x86_x87, codes, 0),
    FIELD(struct x86_x87, c1, 0),
    FIELD(struct x86_x87, top, 0),
    FIELD(struct x86_x87, used, 0xff), /* zeros, tag word 5555h */
    FIELD(struct x86_x87, opcode_due, 0),
    FIELD(struct x86_x87, opcode, 0),
    FIELD(struct x86_x87, cs, 0),
    FIELD(struct x86_x87, ds, 0),
    FIELD(struct x86_x87, ip, 0),
    FIELD(struct x86_x87, dp, 0),
    FIELD_LIST_END,
};
static const struct field xmm_fields[] = {
    FIELD_ARRAY(v128, u64, 0),
    FIELD_LIST_END,
};

static const struct field fields[] = {
    FIELD_SUB(struct x86_cpu, core, cpu_core_fields),
    FIELD_FIRST(struct x86_cpu, g, 17, 0),
    FIELD_HOST(struct x86_cpu, g[17]),
    FIELD_SUBS(struct x86_cpu, xmm, xmm_fields),
    FIELD(struct x86_cpu, fp.round, 0),
    FIELD(struct x86_cpu, fp.flags, 0),
    FIELD_HOST(struct x86_cpu, fp.soft),
    FIELD_HOST(struct x86_cpu, fp.rules),
    FIELD(struct x86_cpu, fp.denormal, FP_DENORMAL_FLAG),
    FIELD(struct x86_cpu, fp.unmasked, 0),
    FIELD_HOST(struct x86_cpu, fp.precision),
    FIELD(struct x86_cpu, fp80.round, 0),
    FIELD(struct x86_cpu, fp80.flags, 0),
    FIELD_HOST(struct x86_cpu, fp80.soft),
    FIELD_HOST(struct x86_cpu, fp80.rules),
    FIELD_HOST(struct x86_cpu, fp80.denormal),
    FIELD(struct x86_cpu, fp80.unmasked, 0x3f),
    FIELD(struct x86_cpu, fp80.precision, 24),
    FIELD(struct x86_cpu, rc, 0),
    FIELD(struct x86_cpu, unmasked, 0),
    FIELD_HOST(struct x86_cpu, fp_before),
    FIELD(struct x86_cpu, df, 0),
    FIELD(struct x86_cpu, stack_mask, 0),
    FIELD(struct x86_cpu, addr_mask, 0),
    FIELD(struct x86_cpu, cs_base, 0),
    FIELD(struct x86_cpu, fs_base, 0),
    FIELD(struct x86_cpu, gs_base, 0),
    FIELD(struct x86_cpu, mode, 0),
    FIELD(struct x86_cpu, cpl, 0),
    FIELD_HOST(struct x86_cpu, model),
    FIELD_HOST(struct x86_cpu, features),
    FIELD_HOST(struct x86_cpu, words),
    FIELD_HOST(struct x86_cpu, facts),
    FIELD_HOST(struct x86_cpu, vendor),
    FIELD_HOST(struct x86_cpu, phys_bits),
    FIELD(struct x86_cpu, decoded, 0),
    FIELD(struct x86_cpu, eflags, 0),
    FIELD_SUBS(struct x86_cpu, segment, segment_fields),
    FIELD_SUB(struct x86_cpu, ldtr, segment_fields),
    FIELD_SUB(struct x86_cpu, tr, segment_fields),
    FIELD_SUB(struct x86_cpu, gdtr, table_fields),
    FIELD_SUB(struct x86_cpu, idtr, table_fields),
    FIELD(struct x86_cpu, cr0, 0),
    FIELD(struct x86_cpu, cr2, 0),
    FIELD(struct x86_cpu, cr3, 0),
    FIELD(struct x86_cpu, cr4, 0),
    FIELD(struct x86_cpu, efer, 0),
    FIELD(struct x86_cpu, xcr0, 1),
    FIELD_ARRAY(struct x86_cpu, dr, 0),
    FIELD(struct x86_cpu, dr6, 0),
    FIELD(struct x86_cpu, dr7, 0x400),
    FIELD_ARRAY(struct x86_cpu, pdpte, 0),
    FIELD(struct x86_cpu, star, 0),
    FIELD(struct x86_cpu, lstar, 0),
    FIELD(struct x86_cpu, cstar, 0),
    FIELD(struct x86_cpu, sfmask, 0),
    FIELD(struct x86_cpu, kernel_gs_base, 0),
    FIELD(struct x86_cpu, sysenter_cs, 0),
    FIELD(struct x86_cpu, sysenter_esp, 0),
    FIELD(struct x86_cpu, sysenter_eip, 0),
    FIELD(struct x86_cpu, tsc_offset, 0),
    FIELD(struct x86_cpu, tsc_aux, 0),
    FIELD(struct x86_cpu, pat, UINT64_C(0x0007040600070406)),
    FIELD(struct x86_cpu, misc_enable, 1),
    FIELD(struct x86_cpu, pkru, 0),
    FIELD(struct x86_cpu, pkrs, 0),
    FIELD(struct x86_cpu, mtrr_def, 0),
    FIELD_ARRAY(struct x86_cpu, mtrr_fixed, 0),
    FIELD_ARRAY(struct x86_cpu, mtrr_base, 0),
    FIELD_ARRAY(struct x86_cpu, mtrr_mask, 0),
    FIELD(struct x86_cpu, smbase, 0x30000),
    FIELD_SUB(struct x86_cpu, x87, x87_fields),
    FIELD(struct x86_cpu, activity, 0),
    FIELD(struct x86_cpu, smm, 0),
    FIELD(struct x86_cpu, nmi_blocked, 0),
    FIELD(struct x86_cpu, nmi_in_smm, 0),
    FIELD_KEEP(struct x86_cpu, ferr),
    FIELD(struct x86_cpu, shadow_at, UINT64_MAX),
    FIELD(struct x86_cpu, shadow_debug, 0),
    FIELD(struct x86_cpu, rf_at, UINT64_MAX),
    FIELD(struct x86_cpu, rep_at, UINT64_MAX),
    FIELD(struct x86_cpu, debug_traps, 0),
    FIELD(struct x86_cpu, step_armed, 0),
    FIELD(struct x86_cpu, vector, 0),
    FIELD(struct x86_cpu, source, 0),
    FIELD(struct x86_cpu, has_error, 0),
    FIELD(struct x86_cpu, error, 0),
    FIELD(struct x86_cpu, fault_address, 0),
    FIELD_HOST(struct x86_cpu, system),
    FIELD(struct x86_cpu, x87_wait, 0),
    FIELD(struct x86_cpu, align_check, 0),
    FIELD(struct x86_cpu, watched, 0),
    FIELD(struct x86_cpu, code_watched, 0),
    FIELD_HOST(struct x86_cpu, pa_mask), /* by the line */
    FIELD_HOST(struct x86_cpu, system_context),
    FIELD_HOST(struct x86_cpu, system_global),
    FIELD_HOST(struct x86_cpu, globals),
    FIELD_HOST(struct x86_cpu, contexts),
    FIELD_HOST(struct x86_cpu, next_context),
    FIELD_HOST(struct x86_cpu, context_hint),
    FIELD_KEEP(struct x86_cpu, lines),
    FIELD_KEEP(struct x86_cpu, latched),
    FIELD_KEEP(struct x86_cpu, sipi_vector),
    FIELD_LIST_END,
};

/* The registers that compiled code uses most.  No more of them: instructions
 * with memory operands and flags want temporaries. */
#define G_SLOT(n) (uint32_t) offsetof(struct x86_cpu, g[n])
static const uint32_t hot_slots[] = {
    G_SLOT(0), G_SLOT(4), G_SLOT(2), G_SLOT(1),
    G_SLOT(7), G_SLOT(6), G_SLOT(3), G_SLOT(5),
};

static const struct isa x86_isa = {
    .name = "x86",
    .max_length = 15,
    .align = 1,
    .rows = x86_row_table,
    .n_rows = X86_ROWS,
    .decode = x86_decode,
    .disassemble = x86_disassemble,
    .lift = x86_lift,
    .helpers = x86_helpers,
    .ir = &x86_ir_guest,
    .engine = &x86_engine,
    .fusions = x86_fusions,
    .n_fusions = X86_N_FUSIONS,
    .hot_slots = hot_slots,
    .n_hot_slots = sizeof(hot_slots) / sizeof(hot_slots[0]),
    .flags = X86_FLAGS,
};

const struct cpu_class x86_class = {
    .name = "x86",
    .xlen = 64,
    .models = x86_models,
    .feature = x86_feature_name,
    .size = sizeof(struct x86_cpu),
    .fields = fields,
    .isa = &x86_isa,
    .init = init,
    .reset = reset,
    .input = x86_input,
    .translate = x86_translate,
    .crosses = x86_crosses,
    .bus_fault = bus_fault,
    .undefined = undefined,
    .raise = x86_raise,
    .deliver = x86_deliver,
    .interrupt = x86_interrupt,
    .wakes = x86_wakes,
    .mode = mode,
    .dump = dump,
};
