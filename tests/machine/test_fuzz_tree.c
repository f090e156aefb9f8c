/*
 * Damaged device trees: bytes of the embedded boards are changed at random,
 * and machines are made of the result, as a board and as the guest's tree.
 * Nothing may crash, hang or leak (run it under the address sanitizer);
 * whatever is refused is refused in one line.
 *
 * usage: test_fuzz_tree [SEED [ROUNDS]]
 */
#include "rig.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"

static uint64_t next(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

/* Values that are often wrong in an interesting way. */
static uint32_t odd_value(uint64_t *x)
{
    static const uint32_t odd[] = {
        0,    1,      2,          3,          4,          9,
        0xff, 0x1000, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe};

    return next(x) & 3 ? odd[next(x) % (sizeof(odd) / sizeof(odd[0]))]
                       : (uint32_t)next(x);
}

static void damage(uint8_t *dtb, size_t size, uint64_t *x)
{
    unsigned n = 1 + next(x) % 6;
    uint32_t structure = fdt_off_dt_struct(dtb);

    while (n--) {
        /* Mostly in the structure, past the header. */
        size_t at = next(x) % 16 ? structure + next(x) % (size - structure)
                                 : next(x) % size;

        if (next(x) & 1)
            dtb[at] ^= (uint8_t)(1u << (next(x) & 7));
        else if (at + 4 <= size)
            st_be32(dtb + (at & ~(size_t)3), odd_value(x));
    }
}

/* Change cells of properties through libfdt, so that the structure stays
 * whole and the values get all the attention. */
static void damage_values(uint8_t *dtb, uint64_t *x)
{
    unsigned n = 1 + next(x) % 4, count = 0;

    for (int node = 0; node >= 0; node = fdt_next_node(dtb, node, NULL))
        count++;
    while (n--) {
        unsigned pick = next(x) % count;
        int node = 0, prop, skip;

        while (pick--)
            node = fdt_next_node(dtb, node, NULL);
        skip = (int)(next(x) % 8);
        fdt_for_each_property_offset(prop, dtb, node)
        {
            int size;
            uint8_t *p = (uint8_t *)(uintptr_t)fdt_getprop_by_offset(
                dtb, prop, NULL, &size);

            if (!p || size < 4 || skip--)
                continue;
            st_be32(p + next(x) % ((size_t)size / 4) * 4, odd_value(x));
            break;
        }
    }
}

static bool try_tree(struct rig *r, const uint8_t *dtb, size_t size,
                     bool as_board)
{
    const char *file = rig_file(r, "x.dtb", dtb, size);
    bool ok;

    r->config.board = as_board ? file : NULL;
    r->config.dtb = as_board ? NULL : file;
    r->e.text[0] = 0;
    ok = machine_new(&r->m, &r->config, &r->e);
    if (!ok) {
        assert_null(r->m);
        assert_int_not_equal(r->e.text[0], 0);
        assert_null(strchr(r->e.text, '\n'));
    }
    rig_free(r);
    return ok;
}

static uint64_t seed = 1;
static unsigned rounds = 400;

static void test_fuzz(void **state)
{
    struct rig *r = *state;
    uint64_t x = seed * 0x9e3779b97f4a7c15u | 1;
    unsigned made = 0;

    for (unsigned i = 0; i < rounds; i++) {
        const struct board *b = &boards[i % 4 == 3 ? 1 + i / 4 % 2 : 0];
        uint8_t *dtb = malloc(b->dtb_size);

        memcpy(dtb, b->dtb, b->dtb_size);
        if (next(&x) & 1)
            damage(dtb, b->dtb_size, &x);
        else
            damage_values(dtb, &x);
        r->config.cpus = (unsigned)(next(&x) % 4);
        r->config.ram_size = next(&x) & 1 ? 16 << 20 : 0;
        made += try_tree(r, dtb, b->dtb_size, next(&x) % 4 != 0);
        free(dtb);
    }
    print_message("%u of %u trees made a machine\n", made, rounds);
    /* Else the damage is too coarse to test anything but the checks. */
    assert_true(made > rounds / 50);
    assert_true(made < rounds);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fuzz, rig_begin, rig_end),
    };

    if (argc > 1)
        seed = strtoull(argv[1], NULL, 0);
    if (argc > 2)
        rounds = (unsigned)strtoul(argv[2], NULL, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
