/* Translation: every scheme, every bit of an entry, A and D, tables where none
 * may be.  Privileged Architecture 20240411
 * is "priv". */
#include "tests/unit.h"

#include <string.h>

#include "tests/cpu/riscv/access.h"
#include "tests/cpu/riscv/asm.h"
#include "tests/cpu/riscv/rig.h"

#define CODE (RIG_RAM + 0x4000)
#define TABLES (RIG_RAM + 0x100000)
#define NOWHERE UINT64_C(0x60000000)
#define COUNT(a) (unsigned)(sizeof(a) / sizeof((a)[0]))

enum {
    V = 1 << 0,
    R = 1 << 1,
    W = 1 << 2,
    X = 1 << 3,
    U = 1 << 4,
    G = 1 << 5,
    A = 1 << 6,
    D = 1 << 7,
    ALL_SET = V | R | W | X | A | D,
};
#define PBMT(n) ((uint64_t)(n) << 61)
#define N ((uint64_t)1 << 63)

/* Sv32 comes last: tests of what RV64 alone has leave it out. */
static const struct mode {
    unsigned number; /* satp.MODE */
    unsigned levels, index_bits, pte_size, va_bits;
    bool rv32;
} modes[] = {{8, 3, 9, 8, 39, false},
             {9, 4, 9, 8, 48, false},
             {10, 5, 9, 8, 57, false},
             {1, 2, 10, 4, 32, true}};
#define MODES64 3u

/* ------------------------------------------------------------------- rig */

struct space {
    struct rig *r;
    const struct mode *m;
    uint64_t root, next; /* the next free page for a table */
};

static void flush(struct space *s)
{
    assert_true(rig_do(s->r, PRIV_M, asm_sfence_vma(0, 0)));
}

static void set_root(struct space *s, uint64_t root)
{
    s->r->g->satp =
        (uint64_t)s->m->number << (s->m->rv32 ? 31 : 60) | root >> 12;
    flush(s);
}

/* What has that mode; `features` as in "zba=off". */
static struct rig *open_for(const struct mode *m, const char *features)
{
    char model[64];

    snprintf(model, sizeof(model), "%s%s%s", m->rv32 ? "rv32" : "rv64",
             *features ? "," : "", features);
    return open_any(model, m->rv32 ? &riscv32_class : &riscv64_class);
}

static void open_space(struct space *s, struct rig *r, const struct mode *m)
{
    *s = (struct space){r, m, TABLES, TABLES + 0x1000};
    memset(rig_host(r, TABLES), 0, 0x40000);
    set_root(s, s->root);
}

static uint64_t size_of(const struct space *s, unsigned level)
{
    return UINT64_C(4096) << s->m->index_bits * level;
}

static uint64_t peek(struct space *s, uint64_t at)
{
    return s->m->pte_size == 8 ? rig_peek64(s->r, at)
                               : ld_le32(rig_host(s->r, at));
}

static void poke(struct space *s, uint64_t at, uint64_t value)
{
    uint32_t words[2] = {(uint32_t)value, (uint32_t)(value >> 32)};

    rig_poke(s->r, at, words, s->m->pte_size / 4);
}

static uint64_t entry(uint64_t pa, uint64_t bits)
{
    return pa >> 12 << 10 | bits;
}

/* The lowest page of the upper half, and so on: bit n of va is copied up. */
static uint64_t canonical(const struct mode *m, uint64_t va)
{
    unsigned spare = 64 - m->va_bits;

    if (m->rv32)
        return (uint32_t)va;
    return (uint64_t)((int64_t)(va << spare) >> spare);
}

/* Where va's entry of that level is; makes the tables above it. */
static uint64_t entry_at(struct space *s, uint64_t va, unsigned level)
{
    uint64_t table = s->root;

    for (unsigned l = s->m->levels - 1;; l--) {
        uint64_t index =
            va >> (12 + s->m->index_bits * l) & ((1u << s->m->index_bits) - 1);
        uint64_t at = table + index * s->m->pte_size;

        if (l == level)
            return at;
        if (!(peek(s, at) & V)) {
            poke(s, at, entry(s->next, V));
            s->next += 0x1000;
        }
        table = peek(s, at) >> 10 << 12;
    }
}

static void map(struct space *s, uint64_t va, unsigned level, uint64_t value)
{
    poke(s, entry_at(s, va, level), value);
    flush(s);
}

/* ---------------------------------------------------------------- accesses */

static unsigned access_by(struct space *s, unsigned priv, enum access access,
                          uint64_t va)
{
    unsigned cause;

    s->r->g->x[6] = SOFT;
    cause = access_as(s->r, priv, 0, access, va, 4);
    if (cause != FINE)
        assert_int_equal(s->r->last_tval, va);
    return cause;
}

static void assert_fine(struct space *s, uint64_t va)
{
    for (unsigned a = 0; a < 3; a++)
        assert_int_equal(access_by(s, PRIV_S, accesses[a], va), FINE);
}

static void assert_page_faults(struct space *s, uint64_t va)
{
    for (unsigned a = 0; a < 3; a++)
        assert_int_equal(access_by(s, PRIV_S, accesses[a], va),
                         page_fault[accesses[a]]);
}

static void assert_access_faults(struct space *s, uint64_t va)
{
    for (unsigned a = 0; a < 3; a++)
        assert_int_equal(access_by(s, PRIV_S, accesses[a], va),
                         access_fault[accesses[a]]);
}

/* What a load in S mode reads. */
static uint64_t load(struct space *s, uint64_t va)
{
    assert_int_equal(access_as(s->r, PRIV_S, 0, ACCESS_READ, va, 4), FINE);
    return (uint32_t)s->r->g->x[7];
}

/* ----------------------------------------------------------- the schemes */

/* Pages of every size, in both halves of the address space. */
static void every_size(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT(modes); i++)
        for (unsigned level = 0; level < modes[i].levels; level++)
            for (unsigned half = 0; half < 2; half++) {
                struct rig *r = open_for(&modes[i], "");
                struct space s;
                uint64_t va, size;

                open_space(&s, r, &modes[i]);
                size = size_of(&s, level);
                /* all indices differ, and the lowest address bits count */
                va =
                    canonical(s.m, (UINT64_C(0x0a141e28323c4000) & ~(size - 1) &
                                    ((UINT64_C(1) << (s.m->va_bits - 1)) - 1)) |
                                       (uint64_t)half << (s.m->va_bits - 1));
                va |= (DATA + 0x2340) & (size - 1);
                map(&s, va, level, entry(DATA & ~(size - 1), ALL_SET));
                if (level == 0) /* a page of its own */
                    map(&s, va, 0, entry(DATA + 0x2000, ALL_SET));
                assert_int_equal(load(&s, va), SOFT);
                rig_poke(r, DATA + 0x2340, (uint32_t[]){0x1234006f}, 1);
                assert_int_equal(load(&s, va), 0x1234006f);
                assert_fine(&s, va);
                assert_int_equal(r->io_accesses, 0);
                rig_free(r);
            }
}

/* Bits above the address are copies of its uppermost one: all of them. */
static void not_canonical(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MODES64; i++) {
        struct rig *r = open_rig(NULL);
        struct space s;
        const uint64_t low = UINT64_C(0x40000000);
        uint64_t high;

        open_space(&s, r, &modes[i]);
        high = canonical(s.m, UINT64_C(1) << (s.m->va_bits - 1) | low);
        map(&s, low, 0, entry(DATA, ALL_SET));
        map(&s, high, 0, entry(DATA, ALL_SET));
        assert_fine(&s, low);
        assert_fine(&s, high);
        for (unsigned bit = s.m->va_bits; bit < 64; bit++) {
            assert_page_faults(&s, low ^ UINT64_C(1) << bit);
            assert_page_faults(&s, high ^ UINT64_C(1) << bit);
        }
        assert_page_faults(&s, low ^ UINT64_MAX << s.m->va_bits);
        assert_page_faults(&s, high ^ UINT64_MAX << s.m->va_bits);
        rig_free(r);
    }
}

/* What is switched off cannot be chosen; the others can. */
static void modes_of_models(void **state)
{
    static const struct {
        const char *model;
        bool sv48, sv57;
    } cases[] = {{"rv64", true, true},
                 {"rv64,sv57=off", true, false},
                 {"rv64,sv48=off,sv57=off", false, false}};

    (void)state;
    for (unsigned i = 0; i < COUNT(cases); i++) {
        struct rig *r = open_rig(cases[i].model);
        const uint64_t start = UINT64_C(8) << 60 | UINT64_C(3) << 44 | 0x123;

        for (uint64_t mode = 0; mode < 16; mode++) {
            uint64_t v = mode << 60 | UINT64_C(7) << 44 | 0x456;
            bool there = mode == 0 || mode == 8 ||
                         (mode == 9 && cases[i].sv48) ||
                         (mode == 10 && cases[i].sv57);

            rig_set_csr(r, CSR_SATP, start);
            rig_set_csr(r, CSR_SATP, v);
            assert_int_equal(rig_get_csr(r, CSR_SATP), there ? v : start);
        }
        rig_free(r);
    }
}

/* A large page whose address is not a multiple of its size. */
static void misaligned_pages(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT(modes); i++) {
        struct rig *r = open_for(&modes[i], "");
        struct space s;

        open_space(&s, r, &modes[i]);
        for (unsigned level = 1; level < s.m->levels; level++)
            for (uint64_t bit = 4096; bit < size_of(&s, level); bit <<= 1) {
                map(&s, DATA, level,
                    entry((RIG_RAM & ~(size_of(&s, level) - 1)) | bit,
                          ALL_SET));
                assert_page_faults(&s, DATA);
                map(&s, DATA, level, 0);
            }
        rig_free(r);
    }
}

/* ------------------------------------------------------- bits of an entry */

/* What is no page: not valid, writable only, a pointer in the last place. */
static void invalid_entries(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT(modes); i++) {
        struct rig *r = open_for(&modes[i], "");
        struct space s;

        open_space(&s, r, &modes[i]);
        for (unsigned bits = 0; bits < 256; bits++) {
            bool leaf = bits & (R | X);

            map(&s, DATA, 0, entry(DATA, bits));
            if (!(bits & V) || (bits & (R | W)) == W || !leaf)
                assert_page_faults(&s, DATA);
        }
        rig_free(r);
    }
}

/* priv 4.3 to 4.5, Svnapot, Svpbmt: bits 54 to 63, in a leaf and in a
 * pointer of each level, on harts that have these extensions and not. */
static void reserved_bits(void **state)
{
    static const char *const models[] = {"rv64", "rv64,svnapot=off",
                                         "rv64,svpbmt=off",
                                         "rv64,svnapot=off,svpbmt=off"};

    (void)state;
    for (unsigned n = 0; n < COUNT(models) * MODES64; n++) {
        const char *model = models[n / MODES64];
        struct rig *r = open_rig(model);
        struct space s;
        bool pbmt = !strstr(model, "svpbmt=off");

        open_space(&s, r, &modes[n % MODES64]);
        for (unsigned level = 0; level < s.m->levels; level++)
            for (unsigned bit = 54; bit < 64; bit++) {
                uint64_t at, value;

                open_space(&s, r, s.m);
                map(&s, DATA, level,
                    entry(DATA & ~(size_of(&s, level) - 1), ALL_SET));
                assert_fine(&s, DATA);
                at = entry_at(&s, DATA, level);
                value = rig_peek64(r, at);
                rig_poke64(r, at, value | UINT64_C(1) << bit);
                flush(&s);
                /* NC and IO are types of memory; N wants another PPN. */
                if (pbmt && (bit == 61 || bit == 62))
                    assert_fine(&s, DATA);
                else
                    assert_page_faults(&s, DATA);
                if (level == 0)
                    continue;
                /* the same in a pointer; and its A, D and U */
                open_space(&s, r, s.m);
                map(&s, DATA, level - 1,
                    entry(DATA & ~(size_of(&s, level - 1) - 1), ALL_SET));
                assert_fine(&s, DATA);
                at = entry_at(&s, DATA, level);
                value = rig_peek64(r, at);
                for (unsigned low = 4; low < 8; low++) {
                    rig_poke64(r, at, value | UINT64_C(1) << low);
                    flush(&s);
                    if (1 << low == G)
                        assert_fine(&s, DATA);
                    else
                        assert_page_faults(&s, DATA);
                }
                rig_poke64(r, at, value | 3 << 8); /* software's */
                flush(&s);
                assert_fine(&s, DATA);
                rig_poke64(r, at, value | UINT64_C(1) << bit);
                flush(&s);
                assert_page_faults(&s, DATA);
            }
        rig_free(r);
    }
}

/* Svpbmt: types only where menvcfg.PBMTE says so, 3 never. */
static void memory_types(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MODES64; i++) {
        struct rig *r = open_rig(NULL);
        struct space s;

        assert_true(r->g->menvcfg & ENVCFG_PBMTE);
        open_space(&s, r, &modes[i]);
        for (unsigned on = 0; on < 2; on++)
            for (unsigned type = 0; type < 4; type++) {
                map(&s, DATA, 0, entry(DATA, ALL_SET) | PBMT(type));
                /* no fence is needed with us */
                rig_set_csr(r, CSR_MENVCFG, on ? ENVCFG_PBMTE : 0);
                if (type == 0 || (on && type < 3))
                    assert_fine(&s, DATA);
                else
                    assert_page_faults(&s, DATA);
            }
        rig_free(r);
    }
}

/* Svnapot: 64 KiB, said by 1000 in the low bits of the PPN. */
static void napot(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MODES64; i++) {
        struct rig *r = open_rig(NULL);
        struct space s;
        const uint64_t va = UINT64_C(0x345670000);

        open_space(&s, r, &modes[i]);
        for (unsigned low = 0; low < 16; low++) {
            map(&s, va + 0x3000, 0, entry(DATA + low * 4096, ALL_SET) | N);
            if (low == 8)
                assert_fine(&s, va + 0x3000);
            else
                assert_page_faults(&s, va + 0x3000);
        }
        for (unsigned page = 0; page < 16; page++)
            map(&s, va + page * 4096, 0, entry(DATA + 0x8000, ALL_SET) | N);
        for (unsigned page = 0; page < 16; page++) {
            rig_poke64(r, DATA + page * 4096 + 8, page);
            assert_int_equal(load(&s, va + page * 4096 + 8), page);
        }
        /* Fencing any of its addresses fences all. */
        for (unsigned page = 0; page < 16; page++)
            rig_poke64(r, entry_at(&s, va + page * 4096, 0), 0);
        r->g->x[5] = va + 0x5000;
        assert_true(rig_do(r, PRIV_M, asm_sfence_vma(5, 0)));
        for (unsigned page = 0; page < 16; page++)
            assert_page_faults(&s, va + page * 4096);
        /* Larger pages have no such form. */
        for (unsigned level = 1; level < s.m->levels; level++) {
            open_space(&s, r, s.m);
            map(&s, DATA, level,
                entry((RIG_RAM & ~(size_of(&s, level) - 1)) | 0x8000, ALL_SET) |
                    N);
            assert_page_faults(&s, DATA);
            map(&s, DATA, level,
                entry(RIG_RAM & ~(size_of(&s, level) - 1), ALL_SET) | N);
            assert_page_faults(&s, DATA);
        }
        rig_free(r);
    }
}

/* Permissions: R, W, X, U against privilege, SUM and MXR; priv 4.3.1. */
static void permissions(void **state)
{
    static const unsigned privs[] = {PRIV_U, PRIV_S};

    (void)state;
    for (unsigned i = 0; i < COUNT(modes); i++) {
        struct rig *r = open_for(&modes[i], "");
        struct space s;

        open_space(&s, r, &modes[i]);
        for (unsigned rwxu = 0; rwxu < 16; rwxu++) {
            unsigned bits = rwxu << 1;

            if (!(bits & (R | X)) || (bits & (R | W)) == W)
                continue;
            map(&s, DATA, 0, entry(DATA, bits | V | A | D));
            for (unsigned n = 0; n < 24; n++) {
                unsigned priv = privs[n & 1], a = accesses[n >> 3];
                uint64_t status =
                    (n & 2 ? MSTATUS_SUM : 0) | (n & 4 ? MSTATUS_MXR : 0);
                bool user = bits & U;
                bool reach = priv == PRIV_U ? user
                                            : !user || (a != ACCESS_FETCH &&
                                                        (status & MSTATUS_SUM));
                bool may =
                    a == ACCESS_FETCH ? bits & X
                    : a == ACCESS_WRITE
                        ? bits & W
                        : (bits & R) || ((status & MSTATUS_MXR) && (bits & X));

                r->g->x[6] = SOFT;
                assert_int_equal(access_as(r, priv, status, a, DATA, 4),
                                 reach && may ? FINE : page_fault[a]);
            }
        }
        rig_free(r);
    }
}

/* ----------------------------------------------------------------- A and D */

static void set_menvcfg(struct rig *r, uint64_t v)
{
    rig_set_csr(r, CSR_MENVCFG, v);
    if (r->cls.xlen == 32)
        rig_set_csr(r, 0x31a, v >> 32); /* menvcfgh */
}

/* Does hardware set them? */
static void check_accessed(struct space *s, bool sets)
{
    for (unsigned ad = 0; ad < 4; ad++)
        for (unsigned n = 0; n < 3; n++) {
            const unsigned have = (ad & 1 ? A : 0) | (ad & 2 ? D : 0);
            const enum access a = accesses[n];
            const unsigned need = A | (a == ACCESS_WRITE ? D : 0);
            const bool fine = sets || (have & need) == need;
            uint64_t value = entry(DATA, V | R | W | X | have);

            map(s, DATA, 0, value);
            assert_int_equal(access_by(s, PRIV_S, a, DATA),
                             fine ? FINE : page_fault[a]);
            assert_int_equal(peek(s, entry_at(s, DATA, 0)),
                             fine ? value | need : value);
            /* Not for an access that is not allowed. */
            value = entry(DATA, V | (a == ACCESS_READ ? X : R) | have);
            map(s, DATA, 0, value);
            assert_int_equal(access_by(s, PRIV_S, a, DATA), page_fault[a]);
            assert_int_equal(peek(s, entry_at(s, DATA, 0)), value);
            value = entry(DATA, V | R | W | X | U | have);
            map(s, DATA, 0, value);
            assert_int_equal(access_by(s, PRIV_S, a, DATA), page_fault[a]);
            assert_int_equal(peek(s, entry_at(s, DATA, 0)), value);
        }
}

/* The four kinds of hart, and ADUE where it can be written. */
static void accessed_and_dirty(void **state)
{
    static const struct {
        const char *features;
        bool reset, adue, sets; /* ADUE after reset; is there; hardware */
    } cases[] = {{"svade=off", true, true, true},
                 {"svade=on", false, true, false},
                 {"svadu=off,svade=on", false, false, false},
                 {"svadu=off,svade=off", false, false, true}};

    (void)state;
    for (unsigned i = 0; i < COUNT(cases) * COUNT(modes); i++) {
        const unsigned n = i / COUNT(modes);
        struct rig *r = open_for(&modes[i % COUNT(modes)], cases[n].features);
        struct space s;

        open_space(&s, r, &modes[i % COUNT(modes)]);
        assert_int_equal(!!(r->g->menvcfg & ENVCFG_ADUE), cases[n].reset);
        check_accessed(&s, cases[n].sets);
        for (unsigned on = 0; on < 2; on++) {
            set_menvcfg(r, on ? ENVCFG_ADUE : 0);
            assert_int_equal(!!(r->g->menvcfg & ENVCFG_ADUE),
                             on && cases[n].adue);
            check_accessed(&s, cases[n].adue ? on : cases[n].sets);
        }
        rig_free(r);
    }
}

/* A page that was only read is written: D is set then, or faults then. */
static void dirty_later(void **state)
{
    (void)state;
    for (unsigned adue = 0; adue < 2; adue++) {
        struct rig *r = open_rig(NULL);
        struct space s;

        open_space(&s, r, &modes[0]);
        rig_set_csr(r, CSR_MENVCFG, adue ? ENVCFG_ADUE : 0);
        map(&s, DATA, 0, entry(DATA, V | R | W | A));
        assert_int_equal(access_by(&s, PRIV_S, ACCESS_READ, DATA), FINE);
        assert_int_equal(access_by(&s, PRIV_S, ACCESS_WRITE, DATA),
                         adue ? FINE : CAUSE_STORE_PAGE);
        assert_int_equal(rig_peek64(r, entry_at(&s, DATA, 0)),
                         entry(DATA, V | R | W | A | (adue ? D : 0)));
        rig_free(r);
    }
}

/* The entry is updated before the access: PMP's refusal comes behind it. */
static void dirty_and_refused(void **state)
{
    struct rig *r = open_rig(NULL);
    struct space s;

    (void)state;
    open_space(&s, r, &modes[0]);
    map(&s, DATA, 0, entry(DATA, V | R | W));
    /* that page may be read */
    r->g->pmpaddr[1] = r->g->pmpaddr[0];
    r->g->pmpcfg[1] = 0x1f;
    r->g->pmpaddr[0] = DATA >> 2 | 0x1ff;
    r->g->pmpcfg[0] = 0x19;
    riscv_pmp_changed(r->g);
    assert_int_equal(access_by(&s, PRIV_S, ACCESS_WRITE, DATA),
                     access_fault[ACCESS_WRITE]);
    assert_int_equal(rig_peek64(r, entry_at(&s, DATA, 0)),
                     entry(DATA, V | R | W | A | D));
    rig_free(r);
}

/* ------------------------------------------------- tables in bad places */

/* Tables in devices, ROM, nothing, beyond all: access faults of the access's
 * own kind, and no device notices.  priv 4.3.2, step 2. */
static void tables_elsewhere(void **state)
{
    /* RAM as it looks where addresses are cut to 32 bits */
    static const uint64_t mirror = UINT64_C(0x300000000) | TABLES;

    (void)state;
    for (unsigned i = 0; i < COUNT(modes); i++)
        for (unsigned p = 0; p < 7; p++) {
            const unsigned ppn_bits = modes[i].rv32 ? 22 : 44;
            const uint64_t places[] = {RIG_IO,
                                       RIG_ROM,
                                       NOWHERE,
                                       0,
                                       mirror,
                                       RIG_RAM + RIG_RAM_SIZE,
                                       ((UINT64_C(1) << ppn_bits) - 1) << 12};
            struct rig *r = open_for(&modes[i], "");
            struct space s;

            open_space(&s, r, &modes[i]);
            set_root(&s, places[p]);
            assert_access_faults(&s, DATA);
            set_root(&s, s.root);
            for (unsigned level = 1; level < s.m->levels; level++) {
                map(&s, DATA, level, entry(places[p], V));
                assert_access_faults(&s, DATA);
                map(&s, DATA, level, 0);
            }
            assert_int_equal(r->io_accesses, 0);
            /* leaves there are something else */
            map(&s, DATA, 0, entry(RIG_IO, ALL_SET));
            assert_int_equal(access_by(&s, PRIV_S, ACCESS_READ, DATA), FINE);
            assert_int_equal(r->io_accesses, 1);
            assert_int_equal(access_by(&s, PRIV_S, ACCESS_FETCH, DATA),
                             CAUSE_FETCH_ACCESS);
            map(&s, DATA, 0, entry(places[6], ALL_SET));
            assert_access_faults(&s, DATA);
            rig_free(r);
        }
}

/* Tables that point at themselves, and tables full of one value: each walk
 * ends. */
static void loops_and_noise(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT(modes); i++) {
        struct rig *r = open_for(&modes[i], "");
        struct space s;

        open_space(&s, r, &modes[i]);
        for (unsigned n = 0; n < 4096 / s.m->pte_size; n++)
            poke(&s, s.root + n * s.m->pte_size, entry(s.root, V));
        flush(&s);
        assert_page_faults(&s, DATA);
        assert_page_faults(&s, canonical(s.m, UINT64_MAX << 12));
        for (unsigned n = 0; n < 512; n++)
            rig_poke64(r, s.root + n * 8, UINT64_MAX);
        flush(&s);
        assert_page_faults(&s, DATA);
        for (unsigned bit = 0; bit < (s.m->rv32 ? 28 : 60); bit++) {
            /* U is set in all */
            for (unsigned n = 0; n < 4096 / s.m->pte_size; n++)
                poke(&s, s.root + n * s.m->pte_size,
                     (s.m->rv32 ? UINT32_MAX : UINT64_MAX) >> bit);
            flush(&s);
            for (unsigned a = 0; a < 3; a++) {
                unsigned cause = access_by(&s, PRIV_S, accesses[a], DATA);

                assert_true(cause == page_fault[accesses[a]] ||
                            cause == access_fault[accesses[a]]);
            }
        }
        rig_free(r);
    }
}

/* A walk is S mode's: PMP may keep it from reading an entry, or from setting
 * its bits. */
static void protected_tables(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT(modes); i++)
        for (unsigned allow = 0; allow < 4; allow++) {
            uint64_t at, value = entry(DATA, V | R | W | X);
            struct space s;
            struct rig *r;

            if (allow == 2) /* W without R is reserved */
                continue;
            r = open_for(&modes[i], "");
            open_space(&s, r, &modes[i]);
            map(&s, DATA, 0, value);
            at = entry_at(&s, DATA, 0);
            /* its bytes and no others */
            r->g->pmpaddr[1] = r->g->pmpaddr[0];
            r->g->pmpcfg[1] = 0x1f;
            r->g->pmpaddr[0] = at >> 2;
            r->g->pmpcfg[0] = (uint8_t)((s.m->rv32 ? 0x10 : 0x18) | allow);
            riscv_pmp_changed(r->g);
            for (unsigned n = 0; n < 3; n++)
                if (allow == 3) {
                    assert_int_equal(access_by(&s, PRIV_S, accesses[n], DATA),
                                     FINE);
                } else {
                    assert_int_equal(access_by(&s, PRIV_S, accesses[n], DATA),
                                     access_fault[accesses[n]]);
                    assert_int_equal(peek(&s, at), value);
                }
            /* With its bits set it need only be read. */
            map(&s, DATA, 0, value | A | D);
            for (unsigned n = 0; n < 3; n++)
                assert_int_equal(access_by(&s, PRIV_S, accesses[n], DATA),
                                 allow ? FINE : access_fault[accesses[n]]);
            /* Where hardware sets none, a page fault comes first. */
            set_menvcfg(r, 0);
            map(&s, DATA, 0, value);
            for (unsigned n = 0; n < 3; n++)
                assert_int_equal(
                    access_by(&s, PRIV_S, accesses[n], DATA),
                    (allow ? page_fault : access_fault)[accesses[n]]);
            if (s.m->rv32) {
                rig_free(r);
                continue;
            }
            /* Half an entry is none. */
            r->g->pmpaddr[0] = at >> 2;
            r->g->pmpcfg[0] = 0x17; /* NA4, RWX */
            riscv_pmp_changed(r->g);
            map(&s, DATA, 0, value | A | D);
            assert_access_faults(&s, DATA);
            rig_free(r);
        }
}

/* --------------------------------------------- accesses across two pages */

/* Either page may be missing or protected: the first one that is says so,
 * with its own address, and no byte is written. */
static void check_across(const struct mode *m)
{
    struct rig *r = open_for(m, "");
    const uint64_t va = UINT64_C(0x54320000);
    const unsigned size = m->rv32 ? 4 : 8;
    struct space s;

    open_space(&s, r, m);
    /* The third page of data is out of S mode's reach. */
    r->g->pmpaddr[1] = r->g->pmpaddr[0];
    r->g->pmpcfg[1] = 0x1f;
    r->g->pmpaddr[0] = (DATA + 0x2000) >> 2 | 0x1ff;
    r->g->pmpcfg[0] = 0x18;
    riscv_pmp_changed(r->g);
    for (unsigned n = 0; n < 9 * 2 * (size - 1); n++) {
        /* 0: fine, 1: not mapped, 2: protected */
        const unsigned kinds[2] = {n % 3, n / 3 % 3};
        const enum access a = accesses[n / 9 % 2];
        const unsigned bytes = 1 + n / 18; /* on the first page */
        const uint64_t at = va + 0x1000 - bytes;
        unsigned cause, want = FINE, part = 2;

        for (unsigned p = 0; p < 2; p++)
            map(&s, va + p * 0x1000, 0,
                kinds[p] == 1
                    ? 0
                    : entry(kinds[p] ? DATA + 0x2000 : DATA + p * 0x1000,
                            ALL_SET));
        while (part-- > 0)
            if (kinds[part])
                want = (kinds[part] == 1 ? page_fault : access_fault)[a];
        rig_poke64(r, DATA + 0xff8, UINT64_C(0x1111111111111111));
        rig_poke64(r, DATA + 0x1000, UINT64_C(0x2222222222222222));
        r->g->x[6] = UINT64_MAX;
        cause = access_as(r, PRIV_S, 0, a, at, size);
        assert_int_equal(cause, want);
        if (want != FINE)
            assert_int_equal(r->last_tval, kinds[0] ? at : va + 0x1000);
        if (want != FINE || a == ACCESS_READ) {
            assert_int_equal(rig_peek64(r, DATA + 0xff8),
                             UINT64_C(0x1111111111111111));
            assert_int_equal(rig_peek64(r, DATA + 0x1000),
                             UINT64_C(0x2222222222222222));
        } else {
            assert_int_equal(rig_peek64(r, DATA + 0x1000 - bytes) &
                                 UINT64_MAX >> (64 - 8 * size),
                             UINT64_MAX >> (64 - 8 * size));
        }
    }
    rig_free(r);
}

static void across_pages(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT(modes); i++)
        check_across(&modes[i]);
}

/* ------------------------------------------------------ wide addresses */

/* Addresses that differ in their uppermost bits only share every index of
 * the TLB; code and data there are told apart all the same. */
static void alike_but_for_the_top(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT(modes); i++) {
        struct rig *r = open_for(&modes[i], "");
        struct space s;
        uint64_t va[4], sum = 0;
        uint32_t loop[16];
        unsigned n = 0;

        open_space(&s, r, &modes[i]);
        for (unsigned k = 0; k < 4; k++) {
            const uint32_t code[] = {asm_addi(12, 12, (int)(100 * k + 1)),
                                     asm_jalr(0, 0, 1)};

            va[k] = canonical(s.m, (uint64_t)k << (s.m->va_bits - 2) | 0x10000);
            map(&s, va[k], 0, entry(DATA + k * 0x1000, ALL_SET));
            rig_poke(r, DATA + k * 0x1000, code, 2);
            rig_poke(r, DATA + k * 0x1000 + 0x100, (uint32_t[]){1u << (5 * k)},
                     1);
            sum += (uint64_t)1000 << (5 * k);
            r->g->x[20 + k] = va[k];
        }
        map(&s, CODE, 0, entry(CODE, ALL_SET));
        for (unsigned k = 0; k < 4; k++) {
            loop[n++] = asm_lw(7, 0x100, 20 + k);
            loop[n++] = asm_add(11, 11, 7);
            loop[n++] = asm_jalr(1, 0, 20 + k);
        }
        loop[n++] = asm_addi(5, 5, -1);
        loop[n] = asm_bne(5, 0, -4 * (int)n);
        n++;
        loop[n++] = 0x6f;
        rig_poke(r, CODE, loop, n);
        r->g->x[5] = 1000;
        r->g->x[11] = r->g->x[12] = 0;
        r->g->mstatus &= ~MSTATUS_MPRV;
        rig_enter(r, PRIV_S, CODE);
        rig_step(r, 1000 * (12 + 8 + 2) + 10);
        assert_int_equal(r->exceptions, 0);
        assert_int_equal(r->cpu->pc, CODE + 4 * (n - 1));
        assert_int_equal(r->g->x[11], sum);
        assert_int_equal(r->g->x[12], 1000 * (1 + 101 + 201 + 301));
        rig_free(r);
    }
}

/* ---------------------------------------------------------------- Svinval */

/* SINVAL.VMA fences what SFENCE.VMA does. */
static void invalidate(void **state)
{
    struct rig *r = open_rig(NULL);
    struct space s;

    (void)state;
    open_space(&s, r, &modes[0]);
    for (unsigned n = 0; n < 4; n++) {
        map(&s, DATA, 0, entry(DATA, ALL_SET));
        rig_poke64(r, DATA, 1);
        rig_poke64(r, DATA + 0x1000, 2);
        assert_int_equal(load(&s, DATA), 1);
        rig_poke64(r, entry_at(&s, DATA, 0), entry(DATA + 0x1000, ALL_SET));
        r->g->x[5] = DATA;
        r->g->x[6] = 0;
        assert_true(rig_do(r, PRIV_M, 0x18000073)); /* sfence.w.inval */
        assert_true(rig_do(
            r, PRIV_M, asm_r(0x0b, n & 1 ? 6 : 0, n & 2 ? 5 : 0, 0, 0, 0x73)));
        assert_true(rig_do(r, PRIV_M, 0x18100073)); /* sfence.inval.ir */
        assert_int_equal(load(&s, DATA), 2);
    }
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size),
        cmocka_unit_test(not_canonical),
        cmocka_unit_test(modes_of_models),
        cmocka_unit_test(misaligned_pages),
        cmocka_unit_test(invalid_entries),
        cmocka_unit_test(reserved_bits),
        cmocka_unit_test(memory_types),
        cmocka_unit_test(napot),
        cmocka_unit_test(permissions),
        cmocka_unit_test(accessed_and_dirty),
        cmocka_unit_test(dirty_later),
        cmocka_unit_test(dirty_and_refused),
        cmocka_unit_test(tables_elsewhere),
        cmocka_unit_test(loops_and_noise),
        cmocka_unit_test(protected_tables),
        cmocka_unit_test(across_pages),
        cmocka_unit_test(alike_but_for_the_top),
        cmocka_unit_test(invalidate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
