/*
 * The RISC-V CPU classes: reset, state.  Models and features: models.c.
 *
 * Both widths are one C code.  Registers and CSRs have 64 bits in the state;
 * on RV32 their upper halves are zero, or are what the CSRs with an h at the
 * end show.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cpu/riscv/riscv_isa.h"
#include "riscv32_gen.h"
#include "riscv64_gen.h"

#define RESET_VECTOR 0x1000

static bool init(struct cpu *c, const struct cpu_config *config,
                 struct error *e)
{
    struct riscv_cpu *g = riscv(c);

    if (!riscv_parse_model(config->model,
                           c->class->xlen == 32 ? RISCV_EXT_RV32
                                                      : RISCV_EXT_RV64,
                           &g->features, e))
        return false;
    riscv_isa_text(g->features, g->isa_text, sizeof(g->isa_text));
    g->misa = riscv_misa(g->features);
    timer_init(&g->stimer, c->env.clock, riscv_stimer_fired, g);
    riscv_forget_contexts(g, -1);
    return true;
}

static void destroy(struct cpu *c)
{
    timer_disarm(&riscv(c)->stimer);
}

static void reset(struct cpu *c)
{
    struct riscv_cpu *g = riscv(c);

    g->priv = PRIV_M;
    g->mstatus = 0;
    if (riscv_xlen(g) == 64)
        g->mstatus |= (uint64_t)2 << 32 | (uint64_t)2 << 34; /* UXL, SXL */
    g->stimecmp = UINT64_MAX;
    g->reservation = UINT64_MAX;
    atomic_fetch_and(&g->lines, ~MIP_BIT(IRQ_SSI));
    /* What software that knows nothing of these expects: memory types work,
     * and so does setting A and D by hardware, where software was not told
     * that they fault. */
    if (g->features & RISCV_EXT_SVPBMT)
        g->menvcfg |= ENVCFG_PBMTE;
    if ((g->features & RISCV_EXT_SVADU) &&
        !(g->features & RISCV_EXT_SVADE))
        g->menvcfg |= ENVCFG_ADUE;
    riscv_counters_reset(g);
    c->pc = RESET_VECTOR;
    riscv_pmp_changed(g);
    riscv_forget_contexts(g, -1);
    riscv_update_contexts(g);
}

static void bus_fault(struct cpu *c, uint64_t va, enum access access)
{
    static const uint8_t cause[] = {
        [ACCESS_READ] = CAUSE_LOAD_ACCESS,
        [ACCESS_WRITE] = CAUSE_STORE_ACCESS,
        [ACCESS_FETCH] = CAUSE_FETCH_ACCESS,
    };

    riscv_raise(c, cause[access], va);
}

static void undefined(struct cpu *c, uint64_t encoding)
{
    riscv_raise(c, CAUSE_ILLEGAL, encoding);
}

unsigned riscv_xlen(const struct riscv_cpu *g)
{
    return g->features & RISCV_EXT_RV32 ? 32 : 64;
}

uint32_t riscv_mode(struct cpu *c)
{
    return riscv(c)->fs != 0;
}

static const char *isa_string(struct cpu *c)
{
    return riscv(c)->isa_text;
}

static void dump(struct cpu *c, char *out, size_t size)
{
    static const char *const names[] = {RISCV64_NAMES_X};
    struct riscv_cpu *g = riscv(c);
    struct text t = {out, size, 0};
    const int digits = (int)riscv_xlen(g) / 4;

    text_start(&t);
    text_addf(&t, "hart %u  pc %0*llx  priv %c  satp %0*llx\n", c->id, digits,
              (unsigned long long)c->pc, "US?M"[g->priv], digits,
              (unsigned long long)g->satp);
    text_addf(&t, "mstatus %0*llx  mip %04llx  mie %04llx\n", digits,
              (unsigned long long)g->mstatus,
              (unsigned long long)riscv_mip(g), (unsigned long long)g->mie);
    for (unsigned i = 0; i < 32; i++)
        text_addf(&t, "%-4s %0*llx%s", names[i], digits,
                  (unsigned long long)g->x[i], i % 4 == 3 ? "\n" : "  ");
}

static const struct field fields[] = {
    FIELD_SUB(struct riscv_cpu, core, cpu_core_fields),
    FIELD_FIRST(struct riscv_cpu, x, 32, 0),
    FIELD_HOST(struct riscv_cpu, x[32]),
    FIELD_ARRAY(struct riscv_cpu, f, 0),
    FIELD(struct riscv_cpu, fp.round, 0),
    FIELD(struct riscv_cpu, fp.flags, 0),
    FIELD_HOST(struct riscv_cpu, fp.soft),
    FIELD_HOST(struct riscv_cpu, fp.rules),
    FIELD(struct riscv_cpu, frm, 0),
    FIELD(struct riscv_cpu, fs, 0),
    FIELD(struct riscv_cpu, priv, 0),
    FIELD_HOST(struct riscv_cpu, features),
    FIELD(struct riscv_cpu, mstatus, 0),
    FIELD_HOST(struct riscv_cpu, misa),
    FIELD(struct riscv_cpu, medeleg, 0),
    FIELD(struct riscv_cpu, mideleg, 0),
    FIELD(struct riscv_cpu, mie, 0),
    FIELD(struct riscv_cpu, mip_soft, 0),
    FIELD(struct riscv_cpu, mtvec, 0),
    FIELD(struct riscv_cpu, mscratch, 0),
    FIELD(struct riscv_cpu, mepc, 0),
    FIELD(struct riscv_cpu, mcause, 0),
    FIELD(struct riscv_cpu, mtval, 0),
    FIELD(struct riscv_cpu, stvec, 0),
    FIELD(struct riscv_cpu, sscratch, 0),
    FIELD(struct riscv_cpu, sepc, 0),
    FIELD(struct riscv_cpu, scause, 0),
    FIELD(struct riscv_cpu, stval, 0),
    FIELD(struct riscv_cpu, satp, 0),
    FIELD(struct riscv_cpu, stimecmp, UINT64_MAX),
    FIELD(struct riscv_cpu, menvcfg, 0),
    FIELD(struct riscv_cpu, senvcfg, 0),
    FIELD(struct riscv_cpu, mcounteren, 0),
    FIELD(struct riscv_cpu, scounteren, 0),
    FIELD(struct riscv_cpu, mcountinhibit, 0),
    FIELD(struct riscv_cpu, miselect, 0),
    FIELD(struct riscv_cpu, siselect, 0),
    FIELD(struct riscv_cpu, mvien, 0),
    FIELD(struct riscv_cpu, mvip, 0),
    FIELD(struct riscv_cpu, vsie, 0),
    FIELD_ARRAY(struct riscv_cpu, miprio, 0),
    FIELD_ARRAY(struct riscv_cpu, siprio, 0),
    FIELD_ARRAY(struct riscv_cpu, counter, 0),
    FIELD_ARRAY(struct riscv_cpu, mhpmevent, 0),
    FIELD(struct riscv_cpu, counting, 0),
    FIELD(struct riscv_cpu, filtered, 0),
    FIELD_ARRAY(struct riscv_cpu, pmpaddr, 0),
    FIELD_ARRAY(struct riscv_cpu, pmpcfg, 0),
    /* A reservation may be lost at any time. */
    FIELD_HOST(struct riscv_cpu, reservation),
    FIELD_HOST(struct riscv_cpu, reserved_value),
    FIELD_HOST(struct riscv_cpu, reserved_size),
    FIELD(struct riscv_cpu, cause, 0),
    FIELD(struct riscv_cpu, tval, 0),
    FIELD_KEEP(struct riscv_cpu, lines),
    FIELD_TIMER(struct riscv_cpu, stimer),
    FIELD_HOST(struct riscv_cpu, time_jumped),
    FIELD_HOST(struct riscv_cpu, pmp),
    FIELD_HOST(struct riscv_cpu, pmp_active),
    FIELD_HOST(struct riscv_cpu, contexts),
    FIELD_HOST(struct riscv_cpu, next_context),
    FIELD_HOST(struct riscv_cpu, isa_text),
    FIELD_LIST_END,
};

/* The registers that compiled code uses most, by the calling convention. */
#define X_SLOT(n) (uint32_t)offsetof(struct riscv_cpu, x[n])
static const uint32_t hot_slots[] = {
    X_SLOT(15), X_SLOT(14), X_SLOT(10), X_SLOT(13), X_SLOT(2),
    X_SLOT(8),  X_SLOT(11), X_SLOT(12), X_SLOT(9),  X_SLOT(16),
};

#define ISA(width, space)                                                    \
    {                                                                        \
        .name = "riscv" #width, .max_length = 4, .align = 2,                 \
        .rows = riscv##width##_row_table, .n_rows = RISCV##width##_ROWS,     \
        .fusions = riscv##width##_fusions,                                   \
        .n_fusions = RISCV##width##_N_FUSIONS,                               \
        .decode = riscv##width##_decode,                                     \
        .disassemble = riscv##width##_disassemble,                           \
        .lift = riscv##width##_lift, .helpers = riscv##width##_helpers,      \
        .ir = &riscv##width##_ir_guest, .hot_slots = hot_slots,              \
        .n_hot_slots = sizeof(hot_slots) / sizeof(hot_slots[0]),             \
        .engine = &riscv##width##_engine, .addresses = space,                \
    }

static const struct isa riscv64_isa = ISA(64, 0);
static const struct isa riscv32_isa = ISA(32, (uint64_t)1 << 32);

#define CLASS(width)                                                         \
    {                                                                        \
        .name = "rv" #width, .size = sizeof(struct riscv_cpu),               \
        .fields = fields, .isa = &riscv##width##_isa,                        \
        .models = riscv##width##_models, .feature = riscv_feature,           \
        .xlen = width, .init = init, .destroy = destroy, .reset = reset,     \
        .input = riscv_input, .translate = riscv_translate,                  \
        .bus_fault = bus_fault, .undefined = undefined,                      \
        .raise = riscv_raise, .deliver = riscv_deliver,                      \
        .time_jumped = riscv_time_jumped, .interrupt = riscv_interrupt,      \
        .wakes = riscv_wakes, .mode = riscv_mode, .isa_string = isa_string,  \
        .mmu_type = riscv_mmu_type, .dump = dump,                            \
    }

const struct cpu_class riscv64_class = CLASS(64);
const struct cpu_class riscv32_class = CLASS(32);
