/*
 * The x86 class: its field table, its models, what CPUID says of them, EFLAGS
 * by which software tells processors apart, AMD's MSRs, HLT, INIT and SIPI,
 * RSM's checks.
 */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tests/cpu/x86/rig.h"

/* A ROM of 4 KiB whose code is at its reset vector. */
static struct x86_rig *rig_at_reset(const char *model, const uint8_t *code,
                                    unsigned size)
{
    static uint8_t rom[4096];

    memset(rom, 0x90, sizeof(rom));
    memcpy(rom + 0xff0, code, size);
    return x86_rig_new(model, rom, sizeof(rom));
}

static void fields_cover_everything(void **state)
{
    struct error e;

    (void)state;
    if (!state_check(x86_class.fields, x86_class.size, &e))
        fail_msg("%s", e.text);
}

static void every_model(void **state)
{
    (void)state;
    for (unsigned i = 0; x86_models[i].name; i++) {
        const uint8_t hlt[] = {0xf4};
        struct x86_rig *r = rig_at_reset(x86_models[i].name, hlt, 1);

        x86_rig_run(r, 10);
        assert_true(r->cpu->halted);
        assert_int_equal(r->cpu->icount, 1);
        /* Only NMI wakes it: IF is clear. */
        x86_input(r->cpu, X86_LINE_INTR, true);
        assert_false(x86_wakes(r->cpu));
        x86_input(r->cpu, X86_LINE_NMI, true);
        assert_true(x86_wakes(r->cpu));
        x86_rig_free(r);
    }
}

static bool parses(const char *text, struct error *e)
{
    struct x86_cpu *g = calloc(1, sizeof(*g));
    bool ok = x86_parse_model(text, g, e);

    free(g);
    return ok;
}

static void feature_switches(void **state)
{
    struct error e;

    (void)state;
    assert_true(parses("qemu64,sse3=off,+popcnt", &e));
    assert_false(parses("qemu63", &e));
    assert_false(parses("qemu64,popcn=on", &e));
    assert_non_null(strstr(e.text, "did you mean 'popcnt'"));
    assert_false(parses("qemu64,sse2=off,sse3=on", &e));
    assert_string_equal(e.text, "sse3 needs sse2");
    assert_false(parses("8086,sse=on", &e));
    assert_false(parses("max,nx=maybe", &e));
    assert_false(parses("max,+sse=off", &e));
    assert_string_equal(e.text, "'+sse=off': + or - takes no value");
    assert_false(parses("max,-sse=on", &e));
    assert_true(parses("qemu64,-pcid,+invpcid", &e));
    assert_true(parses("qemu64,vendor=GenuineIntel,phys-bits=36", &e));
    assert_false(parses("qemu64,vendor=Nobody", &e));
    assert_false(parses("qemu64,phys-bits=3", &e));
    assert_string_equal(e.text, "'phys-bits=3': wanted 32 to 52");
    assert_false(parses("8086,phys-bits=36", &e));
}

/* PUSHF, POP, and so on: bits of FLAGS that stay set or clear. */
static void flags_tell_processors_apart(void **state)
{
    /* mov sp, 100; push 7000 by AX; popf; pushf; pop bx; xor ax, ax; push ax;
     * popf; pushf; pop cx; hlt */
    const uint8_t code[] = {0xbc, 0x00, 0x01, 0xb8, 0x00, 0x70, 0x50, 0x9d,
                            0x9c, 0x5b, 0x31, 0xc0, 0x50, 0x9d, 0x9c, 0x59};
    static const struct {
        const char *model;
        uint16_t ones, zeros; /* bits 15:12 */
    } rows[] = {
        {"8086", 0xf, 0xf},
        {"80286", 0, 0},
        {"386", 7, 0},
        {"max", 7, 0},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct x86_rig *r = rig_at_reset(rows[i].model, code, sizeof(code));

        x86_rig_run(r, 11);
        assert_int_equal(r->g->g[3] >> 12 & 0xf, rows[i].ones);
        assert_int_equal(r->g->g[1] >> 12 & 0xf, rows[i].zeros);
        x86_rig_free(r);
    }
}

static void cpuid(struct x86_rig *r, uint32_t leaf, uint32_t n)
{
    r->g->g[0] = leaf;
    r->g->g[1] = n;
    x86_cpuid(r->cpu);
}

static void cpuid_says(void **state)
{
    const uint8_t hlt[] = {0xf4};
    struct x86_rig *r = rig_at_reset("pentium", hlt, 1);

    (void)state;
    cpuid(r, 0, 0);
    assert_int_equal(r->g->g[0], 1);
    assert_int_equal(r->g->g[3], 0x756e6547); /* Genu */
    cpuid(r, 1, 0);
    assert_int_equal(r->g->g[0], 0x543);
    /* No local APIC on this board. */
    assert_int_equal(r->g->g[2] >> 9 & 1, 0);
    cpuid(r, 0x80000000, 0);
    assert_int_equal(r->g->g[0], 0x543);
    x86_rig_free(r);

    r = rig_at_reset("max", hlt, 1);
    cpuid(r, 7, 0);
    assert_int_equal(r->g->g[3] >> 7 & 1, 1);
    cpuid(r, 0x80000008, 0);
    assert_int_equal(r->g->g[0] & 0xff, 40);
    cpuid(r, 0xd, 0);
    assert_int_equal(r->g->g[0], 0x203);
    assert_int_equal(r->g->g[3], 0x240);
    assert_int_equal(r->g->g[1], 0x348);
    cpuid(r, 0x15, 0); /* the TSC: crystal, times 1/1 */
    assert_int_equal(r->g->g[0], 1);
    assert_int_equal(r->g->g[3], 1);
    assert_int_equal(r->g->g[1], 1000000000);
    cpuid(r, 0x40000000, 0); /* no hypervisor: the highest leaf */
    assert_int_equal(r->g->g[0], 1000);
    x86_rig_free(r);
}

/* K7's and K8's counters are AMD's alone; a hypervisor clears them unasked. */
static void counters_of_amd(void **state)
{
    const uint8_t wrmsr[] = {0x0f, 0x30};
    static const struct {
        const char *model;
        uint32_t msr;
        bool there;
    } rows[] = {
        {"qemu64", 0xc0010000, true},  {"qemu64", 0xc0010007, true},
        {"qemu64", 0xc0010008, false}, {"core2duo", 0xc0010004, false},
        {"max", 0xc000ffff, false},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct x86_rig *r = rig_at_reset(rows[i].model, wrmsr, sizeof(wrmsr));

        r->g->g[0] = 0;
        r->g->g[1] = rows[i].msr;
        r->g->g[2] = 0;
        assert_int_equal(x86_wrmsr(r->cpu), rows[i].there);
        x86_rig_free(r);
    }
}

static void init_and_sipi(void **state)
{
    const uint8_t hlt[] = {0xf4};
    struct x86_rig *r = rig_at_reset(NULL, hlt, 1);

    (void)state;
    x86_rig_run(r, 10);
    r->cpu->id = 1; /* from now on it is not the first */
    r->g->lstar = 5;
    r->ram->host[0x9000] = 0xf4;
    x86_input(r->cpu, X86_LINE_INIT, true);
    x86_input(r->cpu, X86_LINE_INIT, false);
    x86_rig_run(r, 10);
    assert_int_equal(r->g->activity, X86_WAIT_SIPI);
    assert_int_equal(r->g->lstar, 5);
    x86_input(r->cpu, X86_LINE_SIPI | 9 << 8, true);
    x86_input(r->cpu, X86_LINE_SIPI | 9 << 8, false);
    x86_rig_run(r, 10);
    assert_int_equal(r->g->segment[SEG_CS].selector, 0x900);
    assert_int_equal(r->cpu->pc, 0x9001);
    assert_true(r->cpu->halted);
    /* A second one is for nobody. */
    x86_input(r->cpu, X86_LINE_SIPI | 8 << 8, true);
    x86_rig_run(r, 10);
    assert_int_equal(r->cpu->pc, 0x9001);
    x86_rig_free(r);
}

/* Both before it runs again: nothing is executed between them. */
static void init_with_sipi(void **state)
{
    const uint8_t hlt[] = {0xf4};
    struct x86_rig *r = rig_at_reset(NULL, hlt, 1);

    (void)state;
    x86_rig_run(r, 10);
    r->cpu->id = 1;
    r->ram->host[0x9000] = 0xf4;
    x86_input(r->cpu, X86_LINE_INIT, true);
    x86_input(r->cpu, X86_LINE_INIT, false);
    x86_input(r->cpu, X86_LINE_SIPI | 9 << 8, true);
    x86_input(r->cpu, X86_LINE_SIPI | 9 << 8, false);
    x86_rig_run(r, 10);
    assert_int_equal(r->cpu->icount, 2); /* the first HLT, and this one */
    assert_int_equal(r->g->segment[SEG_CS].selector, 0x900);
    assert_int_equal(r->cpu->pc, 0x9001);
    assert_true(r->cpu->halted);
    x86_rig_free(r);
}

/* SMI and RSM: what is not touched comes back, by both layouts. */
static void smm_keeps_state(void **state)
{
    static const char *const models[] = {"pentium3", "qemu64"};
    static const struct x86_table idt = {0x12345678, 0x777},
                                  gdt = {0x23456789, 0x888};
    const uint8_t hlt[] = {0xf4};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct x86_rig *r = rig_at_reset(models[i], hlt, 1);
        struct x86_segment segments[6];

        x86_rig_run(r, 10);
        r->g->idtr = idt;
        r->g->gdtr = gdt;
        for (unsigned n = 0; n < 6; n++)
            r->g->segment[n].limit = 0x10000 * n + 0xffff;
        memcpy(segments, r->g->segment, sizeof(segments));
        memcpy(r->ram->host + 0x38000, "\x0f\xaa", 2); /* RSM */
        x86_input(r->cpu, X86_LINE_SMI, true);
        x86_input(r->cpu, X86_LINE_SMI, false);
        x86_rig_run(r, 10);
        assert_int_equal(r->cpu->icount, 2);
        assert_false(r->g->smm);
        assert_true(r->cpu->halted);
        assert_int_equal(r->g->idtr.base, idt.base);
        assert_int_equal(r->g->idtr.limit, idt.limit);
        assert_int_equal(r->g->gdtr.base, gdt.base);
        assert_int_equal(r->g->gdtr.limit, gdt.limit);
        assert_memory_equal(r->g->segment, segments, sizeof(segments));
        x86_rig_free(r);
    }
}

/* No local APIC on the board: nothing says that there is one. */
static void no_apic(void **state)
{
    const uint8_t hlt[] = {0xf4};
    struct x86_rig *r = rig_at_reset("qemu64,+tsc-deadline", hlt, 1);

    (void)state;
    assert_true(x86_has(r->g, X86_X2APIC));
    cpuid(r, 1, 0);
    assert_int_equal(r->g->g[1] & (1u << 21 | 1u << 24), 0);
    assert_int_equal(r->g->g[2] & 1u << 9, 0);
    cpuid(r, 0x80000001, 0);
    assert_int_equal(r->g->g[2] & 1u << 9, 0);
    x86_rig_free(r);
}

/* The 286's LOADALL: registers, and bases that no selector gives. */
static void loadall(void **state)
{
    const uint8_t code[] = {0x0f, 0x05};
    struct x86_rig *r = rig_at_reset("80286", code, sizeof(code));
    uint8_t *at = r->ram->host + 0x800;
    static const struct {
        uint8_t offset;
        uint16_t base, limit;
    } hidden[] = {{0x36, 0x3456, 0x1fff}, {0x3c, 0x9000, 0xffff},
                  {0x42, 0x5000, 0x0fff}, {0x48, 0x6000, 0x2fff},
                  {0x4e, 0x7000, 0x77},   {0x5a, 0x0000, 0x3ff}};

    (void)state;
    memset(at, 0, 0x66);
    st_le16(at + 0x18, 0x0846); /* FLAGS */
    st_le16(at + 0x1a, 0x10);
    st_le16(at + 0x24, 0x1111); /* ES, CS */
    st_le16(at + 0x22, 0x2222);
    for (unsigned i = 0; i < 8; i++)
        st_le16(at + 0x26 + 2 * i, (uint16_t)(0x100 * i + 7 - i));
    for (unsigned i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        st_le32(at + hidden[i].offset, 0x93000000u | hidden[i].base);
        st_le16(at + hidden[i].offset + 4, hidden[i].limit);
    }
    r->ram->host[0x9010] = 0xf4;
    x86_rig_run(r, 10);
    assert_true(r->cpu->halted);
    assert_int_equal(r->cpu->pc, 0x9011);
    assert_int_equal(x86_eflags(r->g) & 0x0fd5, 0x0844);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(r->g->g[7 - i] & 0xffff, 0x100 * i + 7 - i);
    assert_int_equal(r->g->segment[SEG_CS].selector, 0x2222);
    assert_int_equal(r->g->segment[SEG_ES].selector, 0x1111);
    assert_int_equal(r->g->segment[SEG_ES].base, 0x3456);
    assert_int_equal(r->g->segment[SEG_ES].limit, 0x1fff);
    assert_int_equal(r->g->segment[SEG_DS].base, 0x6000);
    assert_int_equal(r->g->gdtr.base, 0x7000);
    assert_int_equal(r->g->gdtr.limit, 0x77);
    x86_rig_free(r);
}

/* FERR#'s wire leads to INTR, as the board's IRQ 13 does. */
static void hear(void *listener, unsigned line, bool level)
{
    struct x86_rig *r = listener;

    (void)line;
    r->latch[0] = (uint8_t)(r->latch[0] * 2 + level);
    r->vector = 0x75;
    if (level)
        x86_input(r->cpu, X86_LINE_INTR, true);
}

/* An x87 error with CR0.NE clear goes to the board, and interrupts before the
 * next instruction: a store of a register, which nothing keeps. */
static void ferr(void **state)
{
    /* fninit; push 37bh; mov bp, sp; fldcw [bp]; sti; fld1; fldz; fdivp;
     * mov [3000], sp; mov [3002], sp; fwait; hlt */
    static const uint8_t code[] = {0xdb, 0xe3, 0x68, 0x7b, 0x03, 0x89, 0xe5,
                                   0xd9, 0x6e, 0x00, 0xfb, 0xd9, 0xe8, 0xd9,
                                   0xee, 0xde, 0xf9, 0x89, 0x26, 0x00, 0x30,
                                   0x89, 0x26, 0x02, 0x30, 0x9b, 0xf4};
    /* mov ax, [3000]; fnclex; iret */
    static const uint8_t handler[] = {0xa1, 0x00, 0x30, 0xdb, 0xe2, 0xcf};
    static const uint8_t jump[] = {0xea, 0, 0x10, 0, 0}; /* to 0:1000 */

    (void)state;
    for (unsigned lockstep = 0; lockstep < 2; lockstep++) {
        struct x86_rig *r = rig_at_reset(NULL, jump, sizeof(jump));

        if (lockstep && !x86_rig_lockstep(r)) {
            x86_rig_free(r);
            break;
        }
        memcpy(r->ram->host + 0x1000, code, sizeof(code));
        memcpy(r->ram->host + 0x2000, handler, sizeof(handler));
        st_le32(r->ram->host + 4 * 0x75, 0x2000);
        r->cpu->wires.ferr = (struct wire){hear, r, 0};
        r->latch[0] = 1;
        r->g->g[0] = 0x5555;
        r->g->g[4] = 0x4000;
        x86_rig_run(r, 100);
        assert_true(r->cpu->halted);
        assert_false(r->differs);
        assert_int_equal(r->latch[0], 6); /* up, and down by FNCLEX */
        assert_int_equal(r->g->g[0], 0);  /* nothing was stored yet */
        assert_int_equal(r->ram->host[0x3001], 0x3f);
        x86_rig_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_cover_everything),
        cmocka_unit_test(every_model),
        cmocka_unit_test(feature_switches),
        cmocka_unit_test(flags_tell_processors_apart),
        cmocka_unit_test(cpuid_says),
        cmocka_unit_test(counters_of_amd),
        cmocka_unit_test(init_and_sipi),
        cmocka_unit_test(init_with_sipi),
        cmocka_unit_test(smm_keeps_state),
        cmocka_unit_test(no_apic),
        cmocka_unit_test(loadall),
        cmocka_unit_test(ferr),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
