/*
 * Exceptions and what comes of two of them, triple faults in every mode, RF of
 * software interrupts, NMI in V86 mode and in the shadow of MOV SS: a
 * processor put into its mode by hand, with tables in RAM.
 *
 * SDM 3-6.15 (interrupt 8: which pairs are a double fault), 3-6.7 (NMI), 3-6.8
 * (shadows), 3-18.3.1.1 (RF).
 */
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tests/cpu/x86/rig.h"

#define GDT 0x1000u
#define IDT 0x2000u
#define TSS 0x3000u
#define PAGES 0x4000u  /* of page tables: three */
#define CODE 0x8000u   /* that runs */
#define STACK3 0x9000u /* ends here */
#define STACK0 0xa000u
#define HANDLERS 0x10000u
#define ABSENT 0x800000u /* no page is there */

enum {
    CODE0 = 0x08,
    DATA0 = 0x10,
    CODE3 = 0x1b,
    DATA3 = 0x23,
    CONFORMING = 0x28,
    STACK_NP = 0x30, /* a stack of level 0 that is not present */
    CODE64 = 0x38,
};

static void segment(struct x86_rig *r, unsigned n, uint16_t selector)
{
    struct x86_descriptor d = {0};
    const uint8_t *at = r->ram->host + GDT + (selector & 0xfff8);

    d.lo = ld_le32(at);
    d.hi = ld_le32(at + 4);
    x86_unpack(&d, selector, &r->g->segment[n]);
}

static void gate(struct x86_rig *r, unsigned vector, uint16_t selector,
                 uint8_t access)
{
    uint8_t *at = r->ram->host + IDT + 8 * vector;
    const uint32_t to = HANDLERS + 16 * vector;

    st_le16(at, (uint16_t)to);
    st_le16(at + 2, selector);
    st_le16(at + 4, (uint16_t)(access << 8));
    st_le16(at + 6, (uint16_t)(to >> 16));
}

/* Protected mode at level `cpl`: flat segments, 4 MiB of pages as they are,
 * every gate to conforming code, so that handlers keep level and stack. */
static struct x86_rig *protected_at(unsigned cpl)
{
    static const uint64_t gdt[] = {
        0,
        0x00cf9b000000ffff, /* 08 */
        0x00cf93000000ffff, /* 10 */
        0x00cffb000000ffff, /* 18 */
        0x00cff3000000ffff, /* 20 */
        0x00cf9f000000ffff, /* 28 */
        0x00cf13000000ffff, /* 30 */
        0x00af9b000000ffff, /* 38 */
    };
    static const uint8_t hlt[4096] = {0xf4};
    struct x86_rig *r = x86_rig_new("max", hlt, sizeof(hlt));
    struct x86_cpu *g = r->g;

    for (unsigned i = 0; i < sizeof(gdt) / sizeof(gdt[0]); i++)
        st_le64(r->ram->host + GDT + 8 * i, gdt[i]);
    for (unsigned i = 0; i < 256; i++)
        gate(r, i, CONFORMING, 0xee);
    memset(r->ram->host + CODE, 0x90, 64);
    memset(r->ram->host + HANDLERS, 0x90, 4096);
    st_le32(r->ram->host + TSS + 4, STACK0);
    st_le32(r->ram->host + TSS + 8, DATA0);
    st_le32(r->ram->host + PAGES, 0x87);
    g->gdtr = (struct x86_table){GDT, sizeof(gdt) - 1};
    g->idtr = (struct x86_table){IDT, 0x7ff};
    g->tr = (struct x86_segment){
        .selector = 8, .base = TSS, .limit = 0x67, .access = 0x8b};
    g->cr0 |= CR0_PE | CR0_PG;
    g->cr4 |= CR4_PSE;
    g->cr3 = PAGES;
    g->cpl = (uint8_t)cpl;
    segment(r, SEG_CS, cpl ? CODE3 : CODE0);
    for (unsigned i = 0; i < 6; i++)
        if (i != SEG_CS)
            segment(r, i, cpl ? DATA3 : DATA0);
    g->g[4] = cpl ? STACK3 : STACK0;
    x86_flush(g);
    x86_settle(g);
    r->cpu->pc = CODE;
    return r;
}

static void code(struct x86_rig *r, const void *bytes, unsigned n)
{
    memcpy(r->ram->host + CODE, bytes, n);
    memory_wrote(r->memory, r->ram, CODE, n);
}

static uint32_t pushed(const struct x86_rig *r, unsigned n)
{
    return ld_le32(r->ram->host + (uint32_t)r->g->g[4] + 4 * n);
}

/* The vector whose handler it is in; -1: shut down. */
static int handler(const struct x86_rig *r)
{
    return r->shut_down ? -1 : (int)(r->cpu->pc - HANDLERS) / 16;
}

/* ------------------------------------------------------------ double faults */

static const uint8_t benign[] = {1, 3, 4, 5, 6, 7, 16, 17, 18, 19},
                     contributory[] = {0, 10, 11, 12, 13}, page[] = {14};
static const struct {
    const char *name;
    const uint8_t *vectors;
    unsigned n;
    const char *then; /* behind it a contributory one, a page fault, #AC */
} classes[] = {
    {"benign", benign, sizeof(benign), "sss"},
    {"contributory", contributory, sizeof(contributory), "dss"},
    {"page fault", page, sizeof(page), "dds"},
};

/* Ways for the delivery of `vector` to go wrong: the second exception, and
 * the error code that it has, less EXT. */
static unsigned spoil(struct x86_rig *r, unsigned way, unsigned vector,
                      unsigned *error)
{
    gate(r, vector, CODE0, 0xee);
    *error = 0;
    switch (way) {
    case 0:
        gate(r, vector, CODE0, 0x6e);
        *error = vector * 8 + 2;
        return VECTOR_NP;
    case 1:
        gate(r, vector, CODE0, 0xea);
        *error = vector * 8 + 2;
        return VECTOR_GP;
    case 2:
        gate(r, vector, DATA0, 0xee);
        *error = DATA0;
        return VECTOR_GP;
    case 3:
        st_le32(r->ram->host + TSS + 8, DATA3);
        *error = DATA3 & ~3u;
        return VECTOR_TS;
    case 4:
        st_le32(r->ram->host + TSS + 8, STACK_NP);
        *error = STACK_NP;
        return VECTOR_SS;
    case 5:
        st_le32(r->ram->host + TSS + 4, ABSENT);
        return VECTOR_PF;
    default:
        /* On an unaligned stack of level 3. */
        gate(r, vector, CONFORMING, 0xee);
        gate(r, VECTOR_AC, CODE0, 0xee);
        r->g->g[4] = STACK3 - 2;
        r->g->eflags |= FLAG_AC;
        r->g->cr0 |= CR0_AM;
        x86_settle(r->g);
        return VECTOR_AC;
    }
}
#define WAYS 7

static void raise(struct x86_rig *r, unsigned vector)
{
    r->g->fault_address = 0x1234;
    x86_raise(r->cpu, vector, 0);
    if (vector == VECTOR_DB)
        r->g->source = X86_TRAP;
    x86_class.deliver(r->cpu);
}

static void check(unsigned first, unsigned way, char then)
{
    struct x86_rig *r = protected_at(3);
    unsigned error, second = spoil(r, way, first, &error);

    raise(r, first);
    assert_false(r->cpu->pending_exception);
    if (handler(r) != (then == 'd' ? VECTOR_DF : (int)second))
        fail_msg("vector %u, then %u: handler %d", first, second, handler(r));
    if (then == 'd')
        assert_int_equal(pushed(r, 0), 0);
    else if (second == VECTOR_PF)
        assert_int_equal(r->g->cr2, ABSENT - 4);
    else
        assert_int_equal(pushed(r, 0), second == VECTOR_AC ? 0 : error | 1);
    x86_rig_free(r);
}

static void pairs(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 3; c++)
        for (unsigned i = 0; i < classes[c].n; i++)
            for (unsigned way = 0; way < WAYS; way++) {
                const unsigned first = classes[c].vectors[i];

                /* The spoilt gate would be the second one's, too. */
                if ((way == 0 && first == VECTOR_NP) ||
                    (way <= 2 && first == VECTOR_GP) ||
                    (way == 3 && first == VECTOR_TS) ||
                    (way == 4 && first == VECTOR_SS) ||
                    (way >= 5 && first == VECTOR_PF) ||
                    (way == 6 && first == VECTOR_AC))
                    continue;
                check(first, way, classes[c].then[way < 5 ? 0 : way - 4]);
            }
}

/* The same exception again: its own gate is at fault. */
static void same_again(void **state)
{
    static const struct {
        unsigned vector, way;
    } rows[] = {{VECTOR_NP, 0}, {VECTOR_GP, 1}, {VECTOR_GP, 2},
                {VECTOR_TS, 3}, {VECTOR_SS, 4}, {VECTOR_PF, 5}};

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(rows[i].vector, rows[i].way, 'd');
}

/* While #DF is delivered: the end, whatever it is but #AC. */
static void triple(void **state)
{
    (void)state;
    for (unsigned way = 0; way < WAYS; way++) {
        struct x86_rig *r = protected_at(3);
        unsigned error;

        spoil(r, way, VECTOR_DF, &error);
        raise(r, VECTOR_DF);
        assert_int_equal(handler(r), way < 6 ? -1 : VECTOR_AC);
        assert_int_equal(r->g->activity, way < 6 ? X86_SHUTDOWN : X86_ACTIVE);
        x86_rig_free(r);
    }
}

/* Interrupts and INT n are benign, whatever their vector. */
static void interrupts(void **state)
{
    static const uint8_t int13[] = {0xcd, 13}, nops[] = {0x90, 0x90};

    (void)state;
    for (unsigned way = 0; way < WAYS; way++)
        for (unsigned software = 0; software < 2; software++) {
            const unsigned vector =
                way == 1 || way == 2 ? VECTOR_NP : VECTOR_GP;
            struct x86_rig *r = protected_at(3);
            uint8_t insn[] = {int13[0], (uint8_t)vector};
            unsigned error, second = spoil(r, way, vector, &error);

            if (software) {
                code(r, insn, sizeof(insn));
            } else {
                code(r, nops, sizeof(nops));
                r->g->eflags |= FLAG_IF;
                r->vector = (uint8_t)vector;
                x86_input(r->cpu, X86_LINE_INTR, true);
            }
            x86_rig_run(r, 1);
            assert_int_equal((r->cpu->pc - HANDLERS) / 16, second);
            if (second != VECTOR_PF && second != VECTOR_AC)
                assert_int_equal(pushed(r, 0), error | !software);
            x86_rig_free(r);
        }
}

/* ------------------------------------------------------------ triple faults */

static void put_long(struct x86_rig *r, uint16_t selector)
{
    struct x86_cpu *g = r->g;

    st_le64(r->ram->host + PAGES, (PAGES + 0x1000) | 7);
    st_le64(r->ram->host + PAGES + 0x1000, (PAGES + 0x2000) | 7);
    st_le64(r->ram->host + PAGES + 0x2000, 0x87);
    g->cr4 |= CR4_PAE;
    g->efer |= EFER_LME | EFER_LMA;
    segment(r, SEG_CS, selector);
    x86_flush(g);
    x86_settle(g);
}

static void put_real(struct x86_rig *r)
{
    r->g->cr0 &= ~(uint64_t)(CR0_PE | CR0_PG);
    r->g->cpl = 0;
    for (unsigned i = 0; i < 6; i++)
        x86_load_real(r->g, i, 0);
    x86_settle(r->g);
}

static void put_v86(struct x86_rig *r)
{
    r->g->eflags |= FLAG_VM;
    for (unsigned i = 0; i < 6; i++)
        x86_load_real(r->g, i, 0);
    x86_settle(r->g);
}

static void put_smm(struct x86_rig *r)
{
    put_real(r);
    memcpy(r->ram->host + 0x38000, "\x0f\x0b", 2);
    x86_input(r->cpu, X86_LINE_SMI, true);
}

static void put_compat(struct x86_rig *r)
{
    put_long(r, CODE3);
}

static void put_64(struct x86_rig *r)
{
    put_long(r, CODE64);
}

static void put_nothing(struct x86_rig *r)
{
    (void)r;
}

/* Said why, and the board heard of it. */
static void every_mode(void **state)
{
    static const struct {
        const char *mode;
        unsigned cpl;
        void (*put)(struct x86_rig *r);
    } rows[] = {{"real", 0, put_real},
                {"protected", 0, put_nothing},
                {"user", 3, put_nothing},
                {"V86", 3, put_v86},
                {"compatibility", 3, put_compat},
                {"64-bit", 0, put_64},
                {"SMM", 0, put_smm}};

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct x86_rig *r = protected_at(rows[i].cpl);
        char *text = NULL;
        size_t size = 0;

        r->log.file = open_memstream(&text, &size);
        r->log.mask = LOG_GUEST_ERRORS;
        rows[i].put(r);
        r->g->idtr.limit = 0;
        code(r, "\x0f\x0b", 2);
        x86_rig_run(r, 100);
        fclose(r->log.file);
        r->log.file = stderr;
        if (!r->shut_down || !strstr(text, "triple fault"))
            fail_msg("%s: %d, '%s'", rows[i].mode, r->shut_down, text);
        assert_int_equal(r->g->activity, X86_SHUTDOWN);
        assert_int_equal(r->g->smm, rows[i].put == put_smm);
        free(text);
        x86_rig_free(r);
    }
}

/* In real mode, too, #GP behind #GP is #DF: no third if its entry is there. */
static void real_double(void **state)
{
    struct x86_rig *r = protected_at(0);

    (void)state;
    put_real(r);
    r->g->idtr = (struct x86_table){0, 9 * 4 - 1};
    st_le16(r->ram->host + 8 * 4, 0x700);
    memset(r->ram->host + 0x700, 0x90, 16);
    code(r, "\xcd\x80", 2);
    x86_rig_run(r, 1);
    assert_false(r->shut_down);
    assert_int_equal(r->cpu->pc, 0x701);
    x86_rig_free(r);
}

/* ----------------------------------------------------------------------- RF */

/* What RF kept from them is over when they push EFLAGS; their faults set it. */
static void software_pushes_no_rf(void **state)
{
    static const struct {
        uint8_t code[2];
        unsigned vector;
    } rows[] = {{{0xcd, 0x80}, 0x80},
                {{0xcc}, VECTOR_BP},
                {{0xf1}, VECTOR_DB},
                {{0xce}, VECTOR_OF},
                {{0x0f, 0x0b}, VECTOR_UD}};

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct x86_rig *r = protected_at(0);

        code(r, rows[i].code, 2);
        x86_set_eflags(r->g, FLAG_RF | 1 << 11, FLAG_RF | 1 << 11);
        r->g->rf_at = cpu_icount(r->cpu);
        assert_true(x86_resumes(r->g));
        x86_rig_run(r, 1);
        assert_int_equal((r->cpu->pc - HANDLERS) / 16, rows[i].vector);
        assert_int_equal((pushed(r, 2) & FLAG_RF) != 0,
                         rows[i].vector == VECTOR_UD);
        x86_rig_free(r);
    }
}

/* -------------------------------------------------------------------- NMIs */

static void nmi(struct x86_rig *r)
{
    x86_input(r->cpu, X86_LINE_NMI, true);
    x86_input(r->cpu, X86_LINE_NMI, false);
}

/* An NMI leaves V86 mode, and holds the next one until IRET, which may be
 * V86's own. */
static void nmi_in_v86(void **state)
{
    static const uint8_t iretd[] = {0xcf};

    (void)state;
    for (unsigned own = 0; own < 2; own++) {
        struct x86_rig *r = protected_at(3);
        struct x86_cpu *g = r->g;

        put_v86(r);
        g->eflags |= FLAG_IOPL;
        g->segment[SEG_ES].selector = 0x1111;
        g->segment[SEG_GS].selector = 0x4444;
        gate(r, VECTOR_NMI, CODE0, 0x8e);
        memset(r->ram->host + HANDLERS + 16 * VECTOR_NMI, 0x90, 8);
        nmi(r);
        x86_rig_run(r, 1);
        assert_int_equal(r->cpu->pc, HANDLERS + 16 * VECTOR_NMI + 1);
        assert_int_equal(g->cpl, 0);
        assert_int_equal(g->eflags & FLAG_VM, 0);
        assert_int_equal(g->g[4], STACK0 - 9 * 4);
        assert_int_equal(pushed(r, 0), CODE);
        assert_true(pushed(r, 2) & FLAG_VM);
        assert_int_equal(pushed(r, 3), STACK3);
        assert_int_equal(pushed(r, 5), 0x1111);
        assert_int_equal(pushed(r, 8), 0x4444);
        assert_int_equal(g->segment[SEG_ES].selector, 0);
        nmi(r);
        x86_rig_run(r, 1); /* it waits */
        assert_int_equal(r->cpu->pc, HANDLERS + 16 * VECTOR_NMI + 2);
        if (own) {
            /* As a monitor leaves it to V86 code, which does an IRET. */
            put_v86(r);
            g->cpl = 3;
            g->g[4] = STACK3 - 6;
            x86_settle(g);
            st_le16(r->ram->host + STACK3 - 6, CODE + 32);
            st_le16(r->ram->host + STACK3 - 2, FLAG_IOPL | 2);
            r->cpu->pc = CODE;
            code(r, iretd, 1);
        } else {
            memcpy(r->ram->host + HANDLERS + 16 * VECTOR_NMI + 2, iretd, 1);
        }
        x86_rig_run(r, 2);
        assert_int_equal(r->cpu->pc, HANDLERS + 16 * VECTOR_NMI + 1);
        assert_int_equal(pushed(r, 0), own ? CODE + 32 : CODE);
        x86_rig_free(r);
    }
}

/* MOV SS holds an NMI, a data breakpoint and a single step for one
 * instruction; the step's is lost (SDM 3-6.8.3), the NMI comes behind it. */
static void shadow_of_mov_ss(void **state)
{
    /* mov ss, [ebx]; nop; nop; nop */
    static const uint8_t insns[] = {0x8e, 0x13, 0x90, 0x90, 0x90};

    (void)state;
    for (unsigned what = 0; what < 4; what++) {
        struct x86_rig *r = protected_at(0);
        struct x86_cpu *g = r->g;

        code(r, insns, sizeof(insns));
        g->g[3] = 0x600;
        st_le16(r->ram->host + 0x600, DATA0);
        if (what == 0 || what == 3)
            nmi(r); /* comes at once: nothing has cast a shadow */
        if (what == 0) {
            x86_rig_run(r, 1);
            assert_int_equal(handler(r), VECTOR_NMI);
            assert_int_equal(pushed(r, 0), CODE);
            x86_rig_free(r);
            continue;
        }
        if (what == 3) {
            /* One that comes with the shadow. */
            g->nmi_blocked = true;
            x86_rig_run(r, 1);
            g->nmi_blocked = false;
        }
        if (what == 1) {
            g->dr[0] = 0x600;
            x86_set_dr7(g, 0x00070402); /* read or write, 2 bytes */
            x86_update_contexts(g);
            x86_flush(g);
        }
        if (what == 2)
            g->eflags |= FLAG_TF;
        /* To the first instruction of a handler. */
        for (unsigned n = 0; r->cpu->pc < HANDLERS && n < 4; n++)
            x86_rig_run(r, 1);
        assert_int_equal(handler(r), what == 3 ? VECTOR_NMI : VECTOR_DB);
        /* The NOP behind MOV SS was done, and no more. */
        assert_int_equal(pushed(r, 0), CODE + 3);
        if (what != 3)
            assert_int_equal(g->dr6 & 0x400f, what == 1 ? 1 : 0x4000);
        x86_rig_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs),
        cmocka_unit_test(same_again),
        cmocka_unit_test(triple),
        cmocka_unit_test(interrupts),
        cmocka_unit_test(every_mode),
        cmocka_unit_test(real_double),
        cmocka_unit_test(software_pushes_no_rf),
        cmocka_unit_test(nmi_in_v86),
        cmocka_unit_test(shadow_of_mov_ss),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
