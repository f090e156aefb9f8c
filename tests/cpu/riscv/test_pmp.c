/* Physical memory protection by the byte, and its locks.  Privileged
 * Architecture 20240411 is "priv". */
#include "tests/unit.h"

#include <string.h>

#include "tests/cpu/riscv/access.h"
#include "tests/cpu/riscv/asm.h"

static uint64_t number = 1;

static uint64_t any(uint64_t below)
{
    number = number * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (number >> 33) % below;
}

static bool pmp_matches(const struct riscv_cpu *g, unsigned n, uint64_t byte)
{
    uint64_t addr = g->pmpaddr[n], low = addr ^ (addr + 1);

    switch (g->pmpcfg[n] >> 3 & 3) {
    case 1:
        return byte >> 2 < addr && byte >> 2 >= (n ? g->pmpaddr[n - 1] : 0);
    case 2:
        return byte >> 2 == addr;
    case 3:
        return ((byte >> 2 ^ addr) & ~low) == 0;
    default:
        return false;
    }
}

/* priv 3.7.1.3, byte by byte. */
static bool pmp_allows(const struct riscv_cpu *g, unsigned priv,
                       enum access access, uint64_t pa, unsigned size)
{
    const uint8_t need = access == ACCESS_READ    ? 1
                         : access == ACCESS_WRITE ? 2
                                                  : 4;

    for (unsigned n = 0; n < PMP_ENTRIES; n++) {
        unsigned hits = 0;

        for (unsigned i = 0; i < size; i++)
            hits += pmp_matches(g, n, pa + i);
        if (!hits)
            continue;
        if (hits < size)
            return false;
        if (priv == PRIV_M && !(g->pmpcfg[n] & 0x80))
            return true;
        return g->pmpcfg[n] & need;
    }
    return priv == PRIV_M;
}

/* Entries of all kinds about the same few pages; entry 0 lets the code
 * through that the rig needs. */
static void any_pmp(struct rig *r)
{
    struct riscv_cpu *g = r->g;

    memset(g->pmpcfg, 0, sizeof(g->pmpcfg));
    g->pmpaddr[0] = RIG_RAM >> 2 | 0x7ff;
    g->pmpcfg[0] = 0x1f;
    for (unsigned n = 1; n < 7; n++) {
        uint8_t cfg = (uint8_t)(any(256) & 0x9f);

        if ((cfg & 3) == 2)
            cfg |= 1;
        g->pmpcfg[n] = cfg;
        g->pmpaddr[n] = (DATA + any(0x3000)) >> 2;
        if (any(3))
            g->pmpaddr[n] |= (UINT64_C(1) << any(12)) - 1;
    }
    g->pmpaddr[15] = (UINT64_C(1) << 54) - 1;
    g->pmpcfg[15] = any(2) ? 0x1f : 0;
    riscv_pmp_changed(g);
}

/* Accesses of every kind at and across the borders of PMP entries. */
static void pmp_by_the_byte(void **state)
{
    static const unsigned privs[] = {PRIV_U, PRIV_S, PRIV_M};
    struct rig *r = open_rig(NULL);
    unsigned fine = 0, faults = 0;

    (void)state;
    r->g->satp = 0;
    for (unsigned i = 0; i < 0x4000; i += 4)
        rig_poke(r, DATA + i, (uint32_t[]){0xa001a001}, 1); /* c.j . twice */
    for (unsigned n = 0; n < 20000; n++) {
        const unsigned priv = privs[any(3)];
        const enum access a = accesses[any(3)];
        const unsigned size = a == ACCESS_FETCH ? 2 : 1u << any(4);
        uint64_t pa = DATA + any(0x3000), split, end;
        bool ok;
        uint64_t tval;

        if (n % 50 == 0)
            any_pmp(r);
        /* most of them where something begins or ends */
        if (any(4))
            pa = (r->g->pmpaddr[1 + any(6)] << 2) - 8 + any(16);
        if (a == ACCESS_FETCH)
            pa &= ~UINT64_C(1);
        end = pa + size;
        split = (pa | 0xfff) + 1;
        if (split > end)
            split = end;
        ok = pmp_allows(r->g, priv, a, pa, (unsigned)(split - pa));
        tval = pa;
        if (ok && split < end) {
            ok = pmp_allows(r->g, priv, a, split, (unsigned)(end - split));
            tval = split;
        }
        r->g->x[6] = UINT64_C(0xa001a001a001a001);
        if (a == ACCESS_WRITE && (pa & 1))
            r->g->x[6] = UINT64_C(0x01a001a001a001a0);
        assert_int_equal(access_as(r, priv, 0, a, pa, size),
                         ok ? FINE : access_fault[a]);
        if (!ok)
            assert_int_equal(r->last_tval, tval);
        *(ok ? &fine : &faults) += 1;
    }
    assert_in_range(fine, 2000, 18000);
    assert_in_range(faults, 2000, 18000);
    rig_free(r);
}

/* priv 3.7.1.2: what is locked stays, and the address below a locked TOR
 * entry with it; a reset unlocks. */
static void pmp_locks(void **state)
{
    struct rig *r = open_rig(NULL);

    (void)state;
    for (unsigned round = 0; round < 40; round++) {
        uint64_t addr[PMP_ENTRIES] = {0};
        uint8_t cfg[PMP_ENTRIES] = {0};

        cpu_reset(r->cpu);
        memset(r->g->pmpaddr, 0, sizeof(r->g->pmpaddr));
        for (unsigned n = 0; n < 60; n++) {
            uint64_t v = any(UINT64_C(1) << 31) << 32 | any(UINT64_C(1) << 31);
            unsigned i = (unsigned)any(PMP_ENTRIES);

            if (any(2)) {
                bool locked = cfg[i] & 0x80;

                if (i + 1 < PMP_ENTRIES && (cfg[i + 1] & 0x98) == 0x88)
                    locked = true;
                rig_set_csr(r, CSR_PMPADDR0 + i, v);
                if (!locked)
                    addr[i] = v & ((UINT64_C(1) << 54) - 1);
            } else {
                /* X but no L: M mode's code must go on. */
                v &= UINT64_C(0x1f1f1f1f1f1f1f1f);
                v |= UINT64_C(0x80) << 8 * any(8);
                v |= UINT64_C(0x0404040404040404);
                rig_set_csr(r, CSR_PMPCFG0 + (i & 8) / 4, v);
                for (unsigned k = 0; k < 8; k++, v >>= 8) {
                    uint8_t *to = &cfg[(i & 8) + k];

                    if (!(*to & 0x80) && (v & 3) != 2)
                        *to = (uint8_t)v & 0x9f;
                }
            }
            assert_memory_equal(r->g->pmpaddr, addr, sizeof(addr));
            assert_memory_equal(r->g->pmpcfg, cfg, sizeof(cfg));
        }
        for (unsigned i = 0; i < 16; i += 8) {
            uint64_t v = rig_get_csr(r, CSR_PMPCFG0 + i / 4);

            for (unsigned k = 0; k < 8; k++)
                assert_int_equal(v >> 8 * k & 0xff, cfg[i + k]);
        }
    }
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pmp_by_the_byte),
        cmocka_unit_test(pmp_locks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
