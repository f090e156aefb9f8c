/*
 * Lockstep: a translator that does something wrong is found, one that does
 * everything right is not, and what a guest sees is as without.
 *
 * The translator here is the interpreter once more, which spoils something
 * after it came back: all that a wrong one can do to a CPU.
 */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/core/lockstep.h"
#include "tests/cpu/riscv/asm.h"
#include "tests/cpu/riscv/rig.h"

#define CODE (RIG_RAM + 0x4000)
#define DATA (RIG_RAM + 0x10000)
#define TABLE (RIG_RAM + 0x20000) /* page tables */
#define COUNT(a) (unsigned)(sizeof(a) / sizeof((a)[0]))

enum fault {
    NO_FAULT,
    REGISTER,  /* one too many */
    FP_STATUS, /* a small field in the midst of others */
    MEMORY,    /* a byte of a page that both write */
    STRAY,     /* a byte of a page that only it writes */
    PC,        /* the next instruction is skipped */
    SHORT,     /* an instruction too much is counted */
    EXCEPTION, /* there was none */
    FAULTS,
};

/* What the report must name. */
static const char *const named[FAULTS] = {
    [REGISTER] = "x[21]",
    [FP_STATUS] = "frm",
    [MEMORY] = "RAM at 0x80010008",
    [STRAY] = "RAM at 0x80018000",
    [PC] = "differ",
    [SHORT] = "steps",
    [EXCEPTION] = "differ",
};

struct fake {
    struct cpu_jit hooks;
    struct rig *r;
    enum fault fault;
    uint64_t from; /* instructions: not before */
    unsigned differences;
    const char *report;
};

static void spoil(struct fake *f, struct cpu *c)
{
    switch (f->fault) {
    case REGISTER:
        f->r->g->x[21]++;
        break;
    case FP_STATUS:
        f->r->g->frm ^= 1;
        break;
    case MEMORY:
        rig_host(f->r, DATA)[8] ^= 0x40;
        break;
    case STRAY:
        cpu_store(c, RIG_RAM + 0x18000, 1, 0x55);
        break;
    case PC:
        if (!c->cur)
            c->pc += 4;
        break;
    case SHORT:
        c->budget--;
        break;
    case EXCEPTION:
        riscv_raise(c, CAUSE_ILLEGAL, 0);
        break;
    default:
        break;
    }
}

static void run(struct cpu *c, const struct rec *r, int64_t budget)
{
    struct fake *f = (struct fake *)c->jit;

    (void)budget;
    c->class->isa->engine->enter(c, r);
    if (c->icount >= f->from)
        spoil(f, c);
}

static const void *compile(struct cpu *c, const struct rec *r, rec_fn *fn,
                           const uint8_t *bytes, unsigned size, int32_t offset)
{
    (void)c;
    (void)r;
    (void)fn;
    (void)bytes;
    (void)size;
    (void)offset;
    return NULL;
}

static void nothing(struct cpu *c)
{
    (void)c;
}

static void forget_page(struct cpu *c, uint64_t va)
{
    (void)c;
    (void)va;
}

static void forget_writes(struct cpu *c, const uint8_t *host)
{
    (void)c;
    (void)host;
}

static void differs(void *owner, const char *report)
{
    struct fake *f = owner;

    f->differences++;
    f->report = report;
    f->r->stopped = true;
}

static void equip(struct fake *f, struct rig *r, enum fault fault,
                  uint64_t from, uint64_t window)
{
    struct lockstep_config config = {window, differs, f};
    struct error e;

    *f = (struct fake){
        .hooks = {.run = run,
                  .threshold = 1,
                  .compile = compile,
                  .forget = nothing,
                  .forget_page = forget_page,
                  .forget_writes = forget_writes,
                  .flushed = nothing,
                  .detach = nothing},
        .r = r,
        .fault = fault,
        .from = from,
    };
    r->cpu->jit = &f->hooks;
    if (!lockstep_attach(r->cpu, &config, &e))
        fail_msg("%s", e.text);
}

/* Counts in x5, by a sum over all in x20 and memory. */
static void load_loop(struct rig *r)
{
    const uint32_t code[] = {
        asm_addi(5, 5, 1),  asm_sd(5, 0, 6),  asm_ld(7, 0, 6),
        asm_add(20, 20, 7), asm_beq(0, 0, 8), ASM_ILLEGAL,
        asm_sd(20, 8, 6),   asm_jal(0, -28),
    };

    rig_prepare(r);
    rig_poke(r, CODE, code, COUNT(code));
    r->g->x[6] = DATA;
    rig_enter(r, PRIV_M, CODE);
}

static void finds(enum fault fault, uint64_t from, uint64_t window)
{
    struct rig *r = rig_new(NULL);
    struct fake f;
    uint64_t where;

    equip(&f, r, fault, from, window);
    load_loop(r);
    rig_run(r, 100000, INT64_MAX, false);
    assert_int_equal(f.differences, 1);
    assert_non_null(strstr(f.report, named[fault]));
    assert_non_null(strstr(f.report, "= get.64 x"));
    where = r->cpu->icount;
    assert_true(where <= from + 2 * window + BLOCK_MAX_INSNS);
    assert_true(where + window >= from);
    /* And that is the end of it. */
    assert_int_equal(cpu_run(r->cpu, 1000), CPU_KICKED);
    assert_int_equal(r->cpu->icount, where);
    rig_free(r);
}

static void faults_are_found(void **state)
{
    static const uint64_t windows[] = {1, 100, LOCKSTEP_WINDOW};

    (void)state;
    for (enum fault fault = REGISTER; fault < FAULTS; fault++)
        for (unsigned i = 0; i < COUNT(windows); i++)
            for (uint64_t from = 0; from < 50000; from += 24999)
                finds(fault, from, windows[i]);
}

static void same_ram(struct rig *a, struct rig *b)
{
    struct error e;

    if (!state_equal(riscv64_class.fields, a->cpu, b->cpu, &e))
        fail_msg("%s", e.text);
    assert_memory_equal(a->ram->host, b->ram->host, RIG_RAM_SIZE);
}

/* Run the same with and without. */
static void unnoticed(void (*load)(struct rig *r), uint64_t instructions,
                      uint64_t window)
{
    struct rig *plain = rig_new(NULL), *r = rig_new(NULL);
    struct fake f;

    equip(&f, r, NO_FAULT, 0, window);
    load(plain);
    load(r);
    rig_run(plain, instructions, INT64_MAX, false);
    rig_run(r, instructions, INT64_MAX, false);
    if (f.report)
        fail_msg("%s", f.report);
    assert_true(lockstep_compared(r->cpu) > instructions / 3);
    assert_int_equal(plain->io_accesses, r->io_accesses);
    same_ram(plain, r);
    rig_free(plain);
    rig_free(r);
}

/* The device and the clock: each access is done once, at its count. */
static void load_outside(struct rig *r)
{
    const uint32_t code[] = {
        asm_addi(5, 5, 1),
        asm_ld(7, RIG_REG_COUNT, 28),
        asm_add(20, 20, 7),
        asm_ld(7, RIG_REG_ICOUNT, 28),
        asm_add(20, 20, 7),
        asm_csrrs(7, 0xc01, 0), /* time */
        asm_add(20, 20, 7),
        asm_csrrs(7, 0xc02, 0), /* instret */
        asm_add(20, 20, 7),
        asm_sd(20, 0, 6),
        asm_sd(5, RIG_REG_COUNT, 28),
        asm_addi(8, 0, 200),
        asm_addi(8, 8, -1),
        asm_bne(8, 0, -4),
        asm_jal(0, -56),
    };

    rig_prepare(r);
    rig_poke(r, CODE, code, COUNT(code));
    r->g->x[6] = DATA;
    r->g->x[28] = RIG_IO;
    rig_enter(r, PRIV_M, CODE);
}

/* Code that rewrites its immediate, and a system call each time round. */
static void load_rewriting(struct rig *r)
{
    const uint32_t code[] = {
        asm_lw(7, 20, 6),    asm_add(7, 7, 8),  asm_sw(7, 20, 6),
        asm_addi(21, 21, 1), asm_addi(9, 9, 2), asm_addi(5, 5, 1),
        asm_jal(0, -24),
    };

    rig_prepare(r);
    rig_poke(r, CODE, code, COUNT(code));
    r->g->x[6] = CODE;
    r->g->x[8] = 1 << 20; /* one more in an addi's immediate */
    rig_enter(r, PRIV_M, CODE);
}

/*
 * In S mode, with a page that is moved to and fro, fenced, and written: the
 * second round must not see what the first left in the TLB.
 */
static void load_remapping(struct rig *r)
{
    const uint32_t code[] = {
        asm_sd(8, 0, 7), /* the entry */
        asm_sfence_vma(6, 0), asm_ld(5, 0, 6),  asm_add(20, 20, 5),
        asm_addi(20, 20, 1),  asm_sd(20, 0, 6), asm_xor(8, 8, 9),
        asm_jal(0, -28),
    };
    const uint64_t leaf = 0x47; /* V, R, W, A; not D */

    rig_prepare(r);
    rig_poke(r, CODE, code, COUNT(code));
    /* 2 GiB on are themselves; 0x40000000 has tables. */
    rig_poke64(r, TABLE + 2 * 8, RIG_RAM >> 2 | 0xcf);
    rig_poke64(r, TABLE + 1 * 8, (TABLE + 0x1000) >> 2 | 1);
    rig_poke64(r, TABLE + 0x1000, (TABLE + 0x2000) >> 2 | 1);
    r->g->x[6] = 0x40000000;
    r->g->x[7] = TABLE + 0x2000;
    r->g->x[8] = DATA >> 2 | leaf;
    r->g->x[9] = (DATA ^ (DATA + 0x1000)) >> 2;
    r->g->satp = (uint64_t)8 << 60 | TABLE >> 12;
    rig_enter(r, PRIV_S, CODE);
}

/* The device through a page whose A is to be set: by both rounds, though the
 * first one's walk comes to the outside. */
static void load_device_page(struct rig *r)
{
    const uint32_t code[] = {
        asm_sd(8, 0, 7), /* the entry, not accessed */
        asm_sfence_vma(6, 0),
        asm_addi(20, 20, 1),
        asm_ld(5, RIG_REG_COUNT, 6),
        asm_ld(21, 0, 7),
        asm_addi(9, 0, 100),
        asm_addi(9, 9, -1),
        asm_bne(9, 0, -4),
        asm_jal(0, -32),
    };

    load_remapping(r);
    rig_poke(r, CODE, code, COUNT(code));
    r->g->x[8] = RIG_IO >> 2 | 7;
}

static void right_ones_pass(void **state)
{
    static const uint64_t windows[] = {1, 100, LOCKSTEP_WINDOW};

    (void)state;
    for (unsigned i = 0; i < COUNT(windows); i++) {
        unnoticed(load_loop, 300000, windows[i]);
        unnoticed(load_outside, 20000, windows[i]);
        unnoticed(load_rewriting, 20000, windows[i]);
        unnoticed(load_remapping, 50000, windows[i]);
        unnoticed(load_device_page, 50000, windows[i]);
    }
}

static void wants_a_translator(void **state)
{
    struct rig *r = rig_new(NULL);
    struct lockstep_config config = {0};
    struct error e;

    (void)state;
    assert_false(lockstep_attach(r->cpu, &config, &e));
    assert_non_null(strstr(e.text, "no translator"));
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_are_found),
        cmocka_unit_test(right_ones_pass),
        cmocka_unit_test(wants_a_translator),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
