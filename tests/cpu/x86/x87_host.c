/*
 * x87_host.c - x87 instructions against the host's own: the processor runs
 * one, and so does the host, from the same state
 *
 * usage: test_x86_x87 [CASES [SEED]]
 *
 * CASES for each of the opcodes D8 to DF with each ModRM byte that names a
 * register, and those with memory, as far as they decode.  Compared are the
 * control and status words, tags, registers in use, flags, AX and memory; not
 * pointers, which are not the same in real mode, where ours runs.
 * Transcendental functions may be off by the last bit, C1 with them.  Apart
 * from the host: which instructions raise #MF and #NM, and when.  Exit
 * status: 0 all agree, 1 some do not, 77 (skipped) elsewhere than on x86-64
 * Linux.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/cpu/x86/rig.h"
#include "tests/fp/f80_random.h"

enum { SKIPPED = 77, MAX_SHOWN = 5 };

#if defined(__x86_64__) && defined(__linux__)
#include <sys/mman.h>

#include "cpu/x86/x86_isa.h"
#include "tests/fp/x87_host.h"

enum { CODE = 0x2000, DATA = 0x3000, DATA_SIZE = 256, FLAGS = 0x8d5 };

/* What is put in and what comes out. */
struct state {
    uint8_t fx[512] __attribute__((aligned(16)));
    uint8_t data[DATA_SIZE];
    uint32_t flags;
    uint16_t ax;
};

/* The address of the data, images before and after, flags; returns AX, and
 * flags above 32 bits. */
typedef uint64_t host_code(uint8_t *data, const uint8_t *in, uint8_t *out,
                           uint64_t flags);

static const uint8_t *host_write(uint8_t *code, const uint8_t *insn)
{
    static const uint8_t before[] = {
        0x51, 0x9d,                /* push rcx; popfq */
        0x48, 0x0f, 0xae, 0x0e,    /* fxrstor64 [rsi] */
        0xb8, 0,    0,    0,    0, /* mov eax, 0 */
    };
    static const uint8_t after[] = {
        0x48, 0x0f, 0xae, 0x02, /* fxsave64 [rdx] */
        0x9c, 0x59,             /* pushfq; pop rcx */
        0xdb, 0xe3,             /* fninit */
        0x48, 0xc1, 0xe1, 0x20, /* shl rcx, 32 */
        0x48, 0x09, 0xc8,       /* or rax, rcx */
        0xc3,
    };
    memcpy(code, before, sizeof(before));
    memcpy(code + sizeof(before), insn, 2);
    memcpy(code + sizeof(before) + 2, after, sizeof(after));
    return code;
}

static void run_host(const uint8_t *code, const struct state *in,
                     struct state *out)
{
    host_code *call;
    uint64_t r;

    *out = *in;
    memcpy(&call, &code, sizeof(call));
    r = call(out->data, in->fx, out->fx, in->flags | 0x202);
    out->ax = (uint16_t)r;
    out->flags = (uint32_t)(r >> 32) & FLAGS;
}

/* The image of FXSAVE is what our state is taken from and put into, too. */
static void run_ours(struct x86_rig *rig, const struct state *in,
                     struct state *out)
{
    struct x86_cpu *g = rig->g;
    struct x86_x87 *x = &g->x87;

    *out = *in;
    x87_set_control(g, ld_le16(in->fx));
    x87_set_status(g, ld_le16(in->fx + 2));
    x->used = in->fx[4];
    for (unsigned i = 0; i < 8; i++) {
        x->mantissa[(x->top + i) & 7] = ld_le64(in->fx + 32 + 16 * i);
        x->exponent[(x->top + i) & 7] = ld_le16(in->fx + 40 + 16 * i);
    }
    memcpy(rig->ram->host + DATA, in->data, DATA_SIZE);
    g->core.flag_kind = FLAGS_BITS;
    g->core.flag_a = in->flags;
    g->core.flag_b = 0;
    g->core.pc = CODE;
    g->g[0] = 0;
    g->g[3] = DATA;
    x86_rig_run(rig, 1);
    st_le16(out->fx, x->control);
    st_le16(out->fx + 2, x87_status(g));
    out->fx[4] = x->used;
    for (unsigned i = 0; i < 8; i++) {
        st_le64(out->fx + 32 + 16 * i, x->mantissa[(x->top + i) & 7]);
        st_le16(out->fx + 40 + 16 * i, x->exponent[(x->top + i) & 7]);
    }
    memcpy(out->data, rig->ram->host + DATA, DATA_SIZE);
    out->flags = x86_eflags(g) & FLAGS;
    out->ax = (uint16_t)g->g[0];
}

/* ----------------------------------------------------------- comparing */

/* A unit of the last place, or less. */
static bool near(uint64_t a, uint16_t ea, uint64_t b, uint16_t eb)
{
    if (ea == eb)
        return a - b + 1 <= 2;
    return (ea + 1 == eb && a == UINT64_MAX && b == UINT64_C(1) << 63) ||
           (eb + 1 == ea && b == UINT64_MAX && a == UINT64_C(1) << 63);
}

static bool same_register(const uint8_t *a, const uint8_t *b, bool nearly)
{
    uint64_t ma = ld_le64(a), mb = ld_le64(b);
    uint16_t ea = ld_le16(a + 8), eb = ld_le16(b + 8);

    return (ma == mb && ea == eb) || (nearly && near(ma, ea, mb, eb));
}

static const char *difference(const struct state *host,
                              const struct state *ours, bool nearly,
                              bool environment)
{
    uint16_t mask = nearly ? (uint16_t)~X87_C1 : 0xffff;
    uint16_t status = ld_le16(host->fx + 2);

    if (ld_le16(host->fx) != ld_le16(ours->fx))
        return "control";
    if ((status ^ ld_le16(ours->fx + 2)) & mask)
        return "status";
    if (host->fx[4] != ours->fx[4])
        return "tags";
    for (unsigned i = 0; i < 8; i++)
        if (host->fx[4] >> ((i + (status >> 11)) & 7) & 1 &&
            !same_register(host->fx + 32 + 16 * i, ours->fx + 32 + 16 * i,
                           nearly))
            return "registers";
    if (host->flags != ours->flags)
        return "flags";
    if (host->ax != ours->ax)
        return "AX";
    /* Pointers, bytes 12 to 27 of an environment. */
    if (memcmp(host->data, ours->data, environment ? 12 : 28) != 0 ||
        memcmp(host->data + 28, ours->data + 28, DATA_SIZE - 28) != 0)
        return "memory";
    return NULL;
}

static void print_state(const char *what, const struct state *s)
{
    uint16_t status = ld_le16(s->fx + 2);

    printf("  %s: cw %04x sw %04x used %02x flags %03x ax %04x m %016llx\n   ",
           what, ld_le16(s->fx), status, s->fx[4], s->flags, s->ax,
           (unsigned long long)ld_le64(s->data));
    for (unsigned i = 0; i < 8; i++)
        if (s->fx[4] >> ((i + (status >> 11)) & 7) & 1)
            printf(" %u %04x:%016llx", i, ld_le16(s->fx + 40 + 16 * i),
                   (unsigned long long)ld_le64(s->fx + 32 + 16 * i));
    printf("\n");
}

/* --------------------------------------------------------------- cases */

/* Nothing is pending; often just ST(0) to ST(3) are in use. */
static void random_state(struct prng *p, struct state *s)
{
    struct fp_env e = random_env(p);
    uint16_t control = x87_control(&e);
    uint64_t r = prng_next(p);
    uint16_t status = (uint16_t)(r & 0x7f7f);
    unsigned top = status >> 11 & 7;
    struct f80 v[8];

    memset(s->fx, 0, sizeof(s->fx));
    if (r >> 20 & 1)
        status &= X87_C0 | X87_C1 | X87_C2 | X87_C3 | X87_TOP | X87_SF;
    status &= (uint16_t) ~(~(unsigned)control & X87_EXCEPTIONS);
    s->fx[4] = (uint8_t)(15u << top | 15u >> (8 - top));
    if (r >> 24 & 1)
        s->fx[4] = r >> 25 & 1 ? (uint8_t) ~(1u << ((top - 1) & 7))
                               : (uint8_t)(r >> 32);
    st_le16(s->fx, control);
    st_le16(s->fx + 2, status);
    st_le32(s->fx + 24, 0x1f80);
    for (unsigned i = 2; i < 8; i++)
        v[i] = random_f80(p);
    random_pair(p, &v[0], &v[1]);
    for (unsigned i = 0; i < 8; i++) {
        st_le64(s->fx + 32 + 16 * i, v[i].sig);
        st_le16(s->fx + 40 + 16 * i, v[i].se);
    }
    for (unsigned i = 0; i < DATA_SIZE; i += 8)
        st_le64(s->data + i, prng_next(p));
    random_memory(p, s->data);
    if (r >> 40 & 1) /* as a status word it has no limits */
        st_le64(s->data, prng_next(p));
    s->flags = (uint32_t)(r >> 41) & FLAGS;
    s->ax = 0;
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

static unsigned long run_insn(struct x86_rig *rig, struct prng *p,
                              const uint8_t *insn, const char *name,
                              uint8_t *code, unsigned long cases)
{
    static const char *const inexact[] = {"f2xm1",   "fyl2x", "fyl2xp1",
                                          "fpatan",  "fsin",  "fcos",
                                          "fsincos", "fptan", NULL};
    static const char *const stores[] = {"fnstenvw:fnstenv:fnstenv",
                                         "fnsavew:fnsave:fnsave", NULL};
    unsigned long wrong = 0;

    for (unsigned long n = 0; n < cases; n++) {
        static struct state in, host, ours;
        const char *what;

        random_state(p, &in);
        run_host(host_write(code, insn), &in, &host);
        run_ours(rig, &in, &ours);
        what = difference(&host, &ours, is_one_of(name, inexact),
                          is_one_of(name, stores));
        if (!what)
            continue;
        if (wrong++ >= MAX_SHOWN)
            continue;
        printf("%s (%02x %02x): %s\n", name, insn[0], insn[1], what);
        print_state("from", &in);
        print_state("host", &host);
        print_state("ours", &ours);
    }
    return wrong;
}

/* Real mode, all segments at 0; [BX] is the data, as [RDI] the host's. */
static struct x86_rig *new_rig(void)
{
    static const uint8_t rom[4096];
    struct x86_rig *rig = x86_rig_new("max", rom, sizeof(rom));

    for (unsigned i = 0; i < 6; i++) {
        rig->g->segment[i].base = 0;
        rig->g->segment[i].selector = 0;
    }
    rig->g->cr0 |= CR0_NE;
    x86_settle(rig->g);
    return rig;
}

/* Which exception two bytes raise with these bits of CR0 and, or not, an
 * unmasked exception from before; 0: none. */
static unsigned exception(struct x86_rig *rig, const uint8_t *insn,
                          uint32_t cr0, bool waits)
{
    struct x86_cpu *g = rig->g;
    unsigned vector = 0;

    x87_set_control(g, X87_CONTROL_INIT & ~X87_IE);
    x87_set_status(g, waits ? X87_IE : 0);
    g->x87.used = 0;
    memcpy(rig->ram->host + CODE, insn, 2);
    /* Handlers of vector n at 4000 + 100 n, all of them HLT. */
    memset(rig->ram->host + 0x4000, 0xf4, 0x2000);
    for (unsigned n = 0; n < 32; n++)
        st_le32(rig->ram->host + 4 * n, 0x4000 + 0x100 * n);
    cpu_forget_code(rig->cpu);
    g->cr0 = (g->cr0 & ~(uint64_t)(CR0_EM | CR0_MP | CR0_TS)) | cr0;
    x86_settle(g);
    g->g[4] = 0x8000;
    g->core.pc = CODE;
    x86_rig_run(rig, 1);
    if (g->core.pc >= 0x4000)
        vector = (unsigned)(g->core.pc - 0x4000) / 0x100;
    rig->cpu->halted = false;
    g->activity = X86_ACTIVE;
    g->segment[SEG_CS].base = g->segment[SEG_CS].selector = 0;
    return vector;
}

static unsigned long check_exceptions(struct x86_rig *rig)
{
    static const struct {
        const char *what;
        uint8_t insn[2];
        uint32_t cr0;
        bool waits;
        unsigned vector;
    } table[] = {
        {"FLD1", {0xd9, 0xe8}, 0, false, 0},
        {"FLD1 after an exception", {0xd9, 0xe8}, 0, true, VECTOR_MF},
        {"FNOP after an exception", {0xd9, 0xd0}, 0, true, VECTOR_MF},
        {"FWAIT after an exception", {0x9b, 0x90}, 0, true, VECTOR_MF},
        {"FNSTSW after an exception", {0xdf, 0xe0}, 0, true, 0},
        {"FNCLEX after an exception", {0xdb, 0xe2}, 0, true, 0},
        {"FNINIT after an exception", {0xdb, 0xe3}, 0, true, 0},
        {"FLD1, TS", {0xd9, 0xe8}, CR0_TS, true, VECTOR_NM},
        {"FNINIT, EM", {0xdb, 0xe3}, CR0_EM, false, VECTOR_NM},
        {"FWAIT, TS", {0x9b, 0x90}, CR0_TS, false, 0},
        {"FWAIT, TS and MP", {0x9b, 0x90}, CR0_TS | CR0_MP, true, VECTOR_NM},
    };
    unsigned long wrong = 0;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        unsigned got =
            exception(rig, table[i].insn, table[i].cr0, table[i].waits);

        if (got == table[i].vector)
            continue;
        printf("%s: vector %u, expected %u\n", table[i].what, got,
               table[i].vector);
        wrong++;
    }
    return wrong;
}

int main(int argc, char **argv)
{
    unsigned long cases = argc > 1 ? strtoul(argv[1], NULL, 0) : 300;
    struct prng p = {argc > 2 ? strtoull(argv[2], NULL, 0) : 1};
    unsigned long wrong = 0, insns = 0;
    struct x86_rig *rig = new_rig();
    uint8_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (code == MAP_FAILED) {
        printf("skipped: no memory to write code to\n");
        return SKIPPED;
    }
    for (unsigned i = 0xd800; i < 0xe000; i++) {
        /* 66: environments of 32 bits, as the host's. */
        const uint8_t bytes[3] = {0x66, (uint8_t)(i >> 8), (uint8_t)i};
        struct insn insn;

        if ((i & 0xff) < 0xc0 && (i & 0xc7) != 0x07)
            continue;
        if (!x86_class.isa->decode(rig->cpu, bytes, sizeof(bytes), &insn) ||
            !insn.row)
            continue;
        memcpy(rig->ram->host + CODE, bytes, sizeof(bytes));
        cpu_forget_code(rig->cpu);
        wrong += run_insn(rig, &p, bytes + 1,
                          x86_class.isa->rows[insn.row].name, code, cases);
        insns++;
    }
    printf("%lu instructions, %lu cases each, %lu wrong\n", insns, cases,
           wrong);
    wrong += check_exceptions(rig);
    munmap(code, 4096);
    x86_rig_free(rig);
    /* Fewer would mean that they do not decode. */
    return wrong || insns < 400 ? EXIT_FAILURE : EXIT_SUCCESS;
}
#else
int main(void)
{
    printf("skipped: the host is no x86-64 Linux\n");
    return SKIPPED;
}
#endif
