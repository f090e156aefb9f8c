/*
 * The RISC-V CPU class: model and features, reset, state.
 *
 * -cpu rv64[,EXT=on|off...] (or max) names extensions of the table in
 * riscv.isa; M, A, F, D and the Z ones can be switched off.  Missing: a hart
 * without C, on which a jump to an address that is no multiple of 4 raises.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "cpu/riscv/riscv_isa.h"
#include "riscv64_gen.h"

#define RESET_VECTOR 0x1000

static const char *const ext_names[] = {RISCV64_EXT_NAMES};
#define N_EXTS (sizeof(ext_names) / sizeof(ext_names[0]))

/* What every RV64 hart of ours has. */
#define FIXED                                                                \
    (RISCV64_EXT_RV64 | RISCV64_EXT_I | RISCV64_EXT_C | RISCV64_EXT_ZICSR |  \
     RISCV64_EXT_ZIFENCEI | RISCV64_EXT_S)
#define ALL_EXTS                                                             \
    (FIXED | RISCV64_EXT_M | RISCV64_EXT_A | RISCV64_EXT_F | RISCV64_EXT_D | \
     RISCV64_EXT_ZICBOM | RISCV64_EXT_ZICBOP | RISCV64_EXT_ZICBOZ |          \
     RISCV64_EXT_ZICOND | RISCV64_EXT_ZIHINTNTL | RISCV64_EXT_ZIHINTPAUSE |  \
     RISCV64_EXT_ZAWRS | RISCV64_EXT_ZFH | RISCV64_EXT_ZFHMIN |              \
     RISCV64_EXT_ZCB | RISCV64_EXT_ZBA | RISCV64_EXT_ZBB | RISCV64_EXT_ZBC | \
     RISCV64_EXT_ZBKB | RISCV64_EXT_ZBKC | RISCV64_EXT_ZBKX |                \
     RISCV64_EXT_ZBS | RISCV64_EXT_ZIHPM | RISCV64_EXT_SSCOFPMF |           \
     RISCV64_EXT_SV48 | RISCV64_EXT_SV57 | RISCV64_EXT_SVADE |               \
     RISCV64_EXT_SVADU | RISCV64_EXT_SVINVAL | RISCV64_EXT_SVNAPOT |         \
     RISCV64_EXT_SVPBMT | RISCV64_EXT_SMAIA | RISCV64_EXT_SSAIA)

static bool set_feature(struct riscv_cpu *g, const char *item, size_t length,
                        struct error *e)
{
    const char *eq = memchr(item, '=', length);
    size_t n = eq ? (size_t)(eq - item) : length;
    bool on = true;

    if (*item == '+' || *item == '-') {
        on = *item == '+';
        item++;
        n--;
    } else if (eq) {
        size_t v = length - n - 1;

        on = (v == 2 && !strncmp(eq + 1, "on", 2)) ||
             (v == 4 && !strncmp(eq + 1, "true", 4));
        if (!on && !(v == 3 && !strncmp(eq + 1, "off", 3)) &&
            !(v == 5 && !strncmp(eq + 1, "false", 5)))
            return error_set(e, "'%.*s' wants on or off", (int)length,
                             item);
    }
    for (unsigned i = 0; i < N_EXTS; i++) {
        uint64_t bit = (uint64_t)1 << i;

        if (strlen(ext_names[i]) != n || strncasecmp(ext_names[i], item, n))
            continue;
        if ((FIXED & bit) || !(ALL_EXTS & bit))
            return error_set(e, "'%s' cannot be switched",
                             ext_names[i]);
        g->features = on ? g->features | bit : g->features & ~bit;
        return true;
    }
    char word[32];
    const char *near;

    snprintf(word, sizeof(word), "%.*s", (int)n, item);
    near = nearest_name(word, ext_names, N_EXTS);
    return error_set(e, "unknown feature '%s'%s%s%s", word,
                     near ? ", did you mean '" : "", near ? near : "",
                     near ? "'?" : "");
}

/* The model's name was looked at by whoever chose this class. */
static bool parse_model(struct riscv_cpu *g, const char *model,
                        struct error *e)
{
    size_t n = model ? strcspn(model, ",") : 0;

    /* A and D are set by hardware unless that is asked for; AIA is for boards
     * that have its controllers. */
    g->features = ALL_EXTS & ~(uint64_t)(RISCV64_EXT_SVADE |
                                         RISCV64_EXT_SMAIA | RISCV64_EXT_SSAIA);
    if (!model)
        return true;
    for (model += n; *model == ','; model += n) {
        model++;
        n = strcspn(model, ",");
        if (!set_feature(g, model, n, e))
            return false;
    }
    if ((g->features & RISCV64_EXT_D) && !(g->features & RISCV64_EXT_F))
        return error_set(e, "D needs F; switch both off");
    return true;
}

/* riscv,isa: single letters in the canonical order, then the Z names. */
static void describe(struct riscv_cpu *g)
{
    static const struct {
        uint64_t ext;
        const char *text;
    } parts[] = {
        {RISCV64_EXT_M, "m"},
        {RISCV64_EXT_A, "a"},
        {RISCV64_EXT_F, "f"},
        {RISCV64_EXT_D, "d"},
        {RISCV64_EXT_C, "c"},
        {RISCV64_EXT_I, "_zic64b"},
        {RISCV64_EXT_ZICBOM, "_zicbom"},
        {RISCV64_EXT_ZICBOP, "_zicbop"},
        {RISCV64_EXT_ZICBOZ, "_zicboz"},
        {RISCV64_EXT_I, "_zicntr"},
        {RISCV64_EXT_ZICOND, "_zicond"},
        {RISCV64_EXT_I, "_zicsr_zifencei"},
        {RISCV64_EXT_ZIHINTNTL, "_zihintntl"},
        {RISCV64_EXT_ZIHINTPAUSE, "_zihintpause"},
        {RISCV64_EXT_ZIHPM, "_zihpm"},
        {RISCV64_EXT_ZAWRS, "_zawrs"},
        {RISCV64_EXT_ZFH, "_zfh"},
        {RISCV64_EXT_ZFHMIN, "_zfhmin"},
        {RISCV64_EXT_ZCB, "_zca_zcb"},
        {RISCV64_EXT_ZBA, "_zba"},
        {RISCV64_EXT_ZBB, "_zbb"},
        {RISCV64_EXT_ZBC, "_zbc"},
        {RISCV64_EXT_ZBKB, "_zbkb"},
        {RISCV64_EXT_ZBKC, "_zbkc"},
        {RISCV64_EXT_ZBKX, "_zbkx"},
        {RISCV64_EXT_ZBS, "_zbs"},
        {RISCV64_EXT_I, "_zkt"},
        {RISCV64_EXT_SMAIA, "_smaia"},
        {RISCV64_EXT_SSAIA, "_ssaia"},
        {RISCV64_EXT_SSCOFPMF, "_sscofpmf"},
        {RISCV64_EXT_S, "_sstc"},
        {RISCV64_EXT_SVADE, "_svade"},
        {RISCV64_EXT_SVADU, "_svadu"},
        {RISCV64_EXT_SVINVAL, "_svinval"},
        {RISCV64_EXT_SVNAPOT, "_svnapot"},
        {RISCV64_EXT_SVPBMT, "_svpbmt"},
    };
    static const char letters[] = {'M', 'A', 'F', 'D', 'C'};

    strcpy(g->isa_text, "rv64i");
    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (g->features & parts[i].ext)
            strcat(g->isa_text, parts[i].text);
    g->misa = (uint64_t)2 << 62 | 1u << ('I' - 'A') | 1u << ('S' - 'A') |
              1u << ('U' - 'A');
    for (unsigned i = 0; i < sizeof(letters); i++)
        if (g->features & parts[i].ext)
            g->misa |= (uint64_t)1 << (letters[i] - 'A');
}

static bool init(struct cpu *c, const struct cpu_config *config,
                 struct error *e)
{
    struct riscv_cpu *g = riscv(c);

    if (!parse_model(g, config->model, e))
        return false;
    describe(g);
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
    g->mstatus = (uint64_t)2 << 32 | (uint64_t)2 << 34; /* UXL, SXL */
    g->stimecmp = UINT64_MAX;
    g->reservation = UINT64_MAX;
    atomic_fetch_and(&g->lines, ~MIP_BIT(IRQ_SSI));
    /* What software that knows nothing of these expects: memory types work,
     * and so does setting A and D by hardware, where software was not told
     * that they fault. */
    if (g->features & RISCV64_EXT_SVPBMT)
        g->menvcfg |= ENVCFG_PBMTE;
    if ((g->features & RISCV64_EXT_SVADU) &&
        !(g->features & RISCV64_EXT_SVADE))
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

    text_start(&t);
    text_addf(&t, "hart %u  pc %016llx  priv %c  satp %016llx\n", c->id,
              (unsigned long long)c->pc, "US?M"[g->priv],
              (unsigned long long)g->satp);
    text_addf(&t, "mstatus %016llx  mip %04llx  mie %04llx\n",
              (unsigned long long)g->mstatus,
              (unsigned long long)riscv_mip(g), (unsigned long long)g->mie);
    for (unsigned i = 0; i < 32; i++)
        text_addf(&t, "%-4s %016llx%s", names[i], (unsigned long long)g->x[i],
                  i % 4 == 3 ? "\n" : "  ");
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

static const struct isa riscv64_isa = {
    .name = "riscv64",
    .max_length = 4,
    .align = 2,
    .rows = riscv64_row_table,
    .n_rows = RISCV64_ROWS,
    .fusions = riscv64_fusions,
    .n_fusions = RISCV64_N_FUSIONS,
    .decode = riscv64_decode,
    .disassemble = riscv64_disassemble,
    .lift = riscv64_lift,
    .helpers = riscv64_helpers,
    .ir = &riscv64_ir_guest,
    .hot_slots = hot_slots,
    .n_hot_slots = sizeof(hot_slots) / sizeof(hot_slots[0]),
    .engine = &riscv64_engine,
};

const struct cpu_class riscv64_class = {
    .name = "rv64",
    .size = sizeof(struct riscv_cpu),
    .fields = fields,
    .isa = &riscv64_isa,
    .init = init,
    .destroy = destroy,
    .reset = reset,
    .input = riscv_input,
    .translate = riscv_translate,
    .bus_fault = bus_fault,
    .undefined = undefined,
    .raise = riscv_raise,
    .deliver = riscv_deliver,
    .time_jumped = riscv_time_jumped,
    .interrupt = riscv_interrupt,
    .wakes = riscv_wakes,
    .mode = riscv_mode,
    .isa_string = isa_string,
    .mmu_type = riscv_mmu_type,
    .dump = dump,
};
