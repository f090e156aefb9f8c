#include "load_files.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/bytes.h"

const uint8_t nops[12] = {0x13, 0, 0, 0, 0x13, 0, 0, 0, 0x6f, 0, 0, 0};

void put_nops(uint8_t *p)
{
    memcpy(p, nops, sizeof(nops));
}

/* A RISC-V Image of `size` bytes, not an EFI program. */
void make_image(uint8_t *p, size_t size, uint64_t text_offset,
                uint64_t image_size)
{
    for (size_t i = 0; i < size; i++)
        p[i] = (uint8_t)(i * 7);
    memset(p, 0, 64);
    st_le32(p, 0x0000006f);
    st_le64(p + 8, text_offset);
    st_le64(p + 16, image_size);
    st_le32(p + 32, 2);
    memcpy(p + 48, "RISCV\0\0\0RSC\5", 12);
}

/* Make it an EFI program with one section that ends at `end`. */
void make_efi(uint8_t *p, unsigned machine, uint32_t end)
{
    memcpy(p, "MZ", 2);
    st_le32(p + 60, 64);
    memset(p + 64, 0, 24 + 40);
    memcpy(p + 64, "PE", 2);
    st_le16(p + 68, (uint16_t)machine);
    st_le16(p + 70, 1); /* sections */
    st_le32(p + 64 + 24 + 16, end - 4096);
    st_le32(p + 64 + 24 + 20, 4096);
}

size_t make_elf64(uint8_t *p, unsigned machine, uint64_t entry,
                  const struct segment *s, unsigned n)
{
    memset(p, 0, 64);
    memcpy(p, "\177ELF\2\1\1", 7);
    st_le16(p + 16, 2);
    st_le16(p + 18, (uint16_t)machine);
    st_le64(p + 24, entry);
    st_le64(p + 32, 64);
    st_le16(p + 54, 56);
    st_le16(p + 56, (uint16_t)n);
    for (unsigned i = 0; i < n; i++) {
        uint8_t *h = p + 64 + 56 * i;

        memset(h, 0, 56);
        st_le32(h, 1);
        st_le64(h + 8, s[i].offset);
        st_le64(h + 24, s[i].paddr);
        st_le64(h + 32, s[i].filesz);
        st_le64(h + 40, s[i].memsz);
    }
    return 64 + 56 * n;
}

size_t make_elf32(uint8_t *p, uint32_t entry, uint32_t paddr)
{
    memset(p, 0, 128);
    memcpy(p, "\177ELF\1\1\1", 7);
    st_le16(p + 16, 2);
    st_le16(p + 18, 243);
    st_le32(p + 24, entry);
    st_le32(p + 28, 52);
    st_le16(p + 42, 32);
    st_le16(p + 44, 1);
    st_le32(p + 52, 1);
    st_le32(p + 52 + 4, 84);
    st_le32(p + 52 + 12, paddr);
    st_le32(p + 52 + 16, 12);
    st_le32(p + 52 + 20, 40);
    put_nops(p + 84);
    return 96;
}

size_t make_gzip(uint8_t *out, size_t room, const uint8_t *in, size_t size)
{
    z_stream z = {.next_in = (uint8_t *)(uintptr_t)in,
                  .avail_in = (uInt)size,
                  .next_out = out,
                  .avail_out = (uInt)room};

    assert_int_equal(
        deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

/* With a checksum at its end. */
size_t make_zstd(uint8_t *out, size_t room, const uint8_t *in, size_t size)
{
    ZSTD_CCtx *z = ZSTD_createCCtx();
    size_t n;

    ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
    n = ZSTD_compress2(z, out, room, in, size);
    assert_false(ZSTD_isError(n));
    ZSTD_freeCCtx(z);
    return n;
}

size_t make_zboot(uint8_t *p, const char *packing, const uint8_t *data,
                  size_t size)
{
    memset(p, 0, 128);
    memcpy(p, "MZ\0\0zimg", 8);
    st_le32(p + 8, 128);
    st_le32(p + 12, (uint32_t)size);
    strcpy((char *)p + 0x18, packing);
    st_le32(p + 0x38, 0x818223cd);
    st_le32(p + 0x3c, 0x40);
    memcpy(p + 0x40, "PE\0\0\x64\x50", 6);
    memcpy(p + 128, data, size);
    return 128 + size;
}

void seal_uimage(uint8_t *p, size_t size)
{
    st_be32(p + 24, (uint32_t)crc32(0, p + 64, (uInt)(size - 64)));
    st_be32(p + 4, 0);
    st_be32(p + 4, (uint32_t)crc32(0, p, 64));
}

size_t make_uimage(uint8_t *p, unsigned arch, unsigned comp, uint32_t load,
                   uint32_t entry, const uint8_t *data, size_t size)
{
    memset(p, 0, 64);
    st_be32(p, 0x27051956);
    st_be32(p + 12, (uint32_t)size);
    st_be32(p + 16, load);
    st_be32(p + 20, entry);
    p[28] = 5;
    p[29] = (uint8_t)arch;
    p[30] = 2;
    p[31] = (uint8_t)comp;
    memcpy(p + 64, data, size);
    seal_uimage(p, 64 + size);
    return 64 + size;
}

uint8_t *file_buffer(void)
{
    static _Alignas(8) uint8_t bytes[4 << 20]; /* as libfdt wants it */

    memset(bytes, 0, sizeof(bytes));
    return bytes;
}

void set_kernel(struct rig *r, const void *bytes, size_t size)
{
    r->config.kernel = rig_file(r, "kernel", bytes, size);
}

uint64_t stub_word(struct rig *r, unsigned offset)
{
    uint8_t word[8];

    rig_read(r, 0x1000 + offset, word, 8);
    return ld_le64(word);
}

void assert_memory(struct rig *r, uint64_t at, const uint8_t *want, size_t size)
{
    uint8_t *have = malloc(size);

    assert_non_null(have);
    rig_read(r, at, have, size);
    assert_memory_equal(have, want, size);
    free(have);
}

/* Something to stand for firmware. */
void set_firmware(struct rig *r)
{
    r->config.bios = rig_file(r, "fw", nops, sizeof(nops));
}
