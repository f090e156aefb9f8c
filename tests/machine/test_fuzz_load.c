/*
 * Damaged kernels and firmware: bytes of small files of every format are
 * changed at random, most of them in the headers, and loaded.  Nothing may
 * crash, leak or write beyond RAM; what is refused is refused in one line.
 *
 * usage: test_fuzz_load [SEED [ROUNDS]]
 */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/bytes.h"

#define SIZE 6000

static uint64_t next(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

static size_t image(uint8_t *p)
{
    memset(p, 0x13, SIZE);
    memset(p, 0, 256);
    memcpy(p, "MZ", 2);
    st_le64(p + 8, 0x200000);
    st_le64(p + 16, 0x10000);
    memcpy(p + 48, "RISCV\0\0\0RSC\5\x40\0\0\0PE\0\0\x64\x50\1\0", 24);
    st_le32(p + 64 + 24 + 16, SIZE - 512);
    st_le32(p + 64 + 24 + 20, 512);
    return SIZE;
}

static size_t elf(uint8_t *p)
{
    memset(p, 0x13, SIZE);
    memset(p, 0, 64 + 3 * 56);
    memcpy(p, "\177ELF\2\1\1", 7);
    st_le32(p + 16, 243 << 16 | 2);
    st_le64(p + 24, 0x80000000);
    st_le64(p + 32, 64);
    st_le32(p + 54, 3 << 16 | 56);
    for (unsigned i = 0; i < 3; i++) {
        uint8_t *h = p + 64 + 56 * i;

        st_le32(h, 1);
        st_le64(h + 8, 1000 * (i + 1));
        st_le64(h + 24, 0x80000000 + 0x10000 * i);
        st_le64(h + 32, 1000);
        st_le64(h + 40, 2000);
    }
    return SIZE;
}

static size_t packed(uint8_t *p)
{
    uint8_t plain[SIZE];
    z_stream z = {.next_in = plain, .next_out = p, .avail_out = SIZE};

    z.avail_in = (uInt)image(plain);
    deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return z.total_out;
}

static size_t zboot(uint8_t *p)
{
    uint8_t data[SIZE];
    size_t n = packed(data);

    memset(p, 0, 128);
    memcpy(p, "MZ\0\0zimg", 8);
    st_le32(p + 8, 128);
    st_le32(p + 12, (uint32_t)n);
    memcpy(p + 0x18, "gzip", 4);
    memcpy(p + 0x3c, "\x40\0\0\0PE\0\0\x64\x50", 10);
    memcpy(p + 128, data, n);
    return 128 + n;
}

static void seal(uint8_t *p, size_t n)
{
    st_be32(p + 24, (uint32_t)crc32(0, p + 64, (uInt)(n - 64)));
    st_be32(p + 4, 0);
    st_be32(p + 4, (uint32_t)crc32(0, p, 64));
}

static size_t uimage(uint8_t *p)
{
    size_t n = packed(p + 64);

    memset(p, 0, 64);
    st_be32(p, 0x27051956);
    st_be32(p + 12, (uint32_t)n);
    st_be32(p + 16, 0x80200000);
    st_be32(p + 20, 0x80200000);
    memcpy(p + 28, "\5\32\2\1", 4);
    seal(p, 64 + n);
    return 64 + n;
}

static void damage(uint8_t *p, size_t n, uint64_t *x)
{
    static const uint64_t odd[] = {0,          1,          0x7fffffff,
                                   0x80000000, 0xffffffff, 0x100,
                                   0x80200000, UINT64_MAX, UINT64_MAX - 7};

    for (unsigned i = 1 + next(x) % 4; i; i--) {
        size_t at = next(x) % (next(x) % 8 ? 300 : n);

        if (next(x) & 1)
            p[at] ^= (uint8_t)(1u << (next(x) & 7));
        else if ((at &= ~(size_t)7) + 8 <= n)
            st_le64(p + at, odd[next(x) % (sizeof(odd) / sizeof(odd[0]))]);
    }
}

static uint64_t seed = 1;
static unsigned rounds = 400;

static void test_fuzz(void **state)
{
    static size_t (*const make[])(uint8_t *) = {image, elf, packed, zboot,
                                                uimage};
    struct rig *r = *state;
    uint64_t x = seed * 0x9e3779b97f4a7c15u | 1;
    unsigned made = 0;

    r->config.ram_size = 16 << 20;
    for (unsigned i = 0; i < rounds; i++) {
        uint8_t *p = malloc(2 * SIZE);
        size_t n = make[i % 5](p);
        const char *file;
        bool ok;

        damage(p, n, &x);
        if (i % 5 == 4 && next(&x) & 1)
            seal(p, n);
        file = rig_file(r, "x", p, next(&x) % 8 ? n : next(&x) % n);
        free(p);
        r->config.kernel = next(&x) % 4 ? file : NULL;
        r->config.bios = r->config.kernel ? "none" : file;
        r->e.text[0] = 0;
        ok = machine_new(&r->m, &r->config, &r->e);
        made += ok;
        if (!ok) {
            assert_int_not_equal(r->e.text[0], 0);
            assert_null(strchr(r->e.text, '\n'));
        }
        rig_free(r);
    }
    print_message("%u of %u files were loaded\n", made, rounds);
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
