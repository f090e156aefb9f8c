/*
 * U-Boot's legacy images, as `mkimage` makes them: 64 bytes of big-endian
 * header, then the data, plain or compressed.
 *
 * Both checksums are verified.  The data goes to the load address that the
 * header names, and starts at its entry point.
 *
 * Missing: images of several files, compressions other than gzip and zstd.
 */
#include <string.h>
#include <zlib.h>

#include "base/bytes.h"
#include "machine/load/image.h"
#include "machine/load/unpack.h"

#define HEADER_SIZE 64
#define CHUNK 65536

/* Places of the header's fields. */
enum {
    HCRC = 4,
    SIZE = 12,
    LOAD = 16,
    ENTRY = 20,
    DCRC = 24,
    TYPE = 30,
    COMPRESSION = 31,
};

enum { TYPE_STANDALONE = 1, TYPE_KERNEL = 2, TYPE_FIRMWARE = 5 };
enum { COMP_NONE = 0, COMP_GZIP = 1, COMP_ZSTD = 6 };

static bool check_header(const struct source *file, const uint8_t *h,
                         struct error *e)
{
    uint8_t copy[HEADER_SIZE];

    memcpy(copy, h, sizeof(copy));
    memset(copy + HCRC, 0, 4);
    if (crc32(0, copy, sizeof(copy)) != ld_be32(h + HCRC))
        return source_error(file, e, "a uImage with a damaged header");
    if (h[TYPE] != TYPE_KERNEL && h[TYPE] != TYPE_STANDALONE &&
        h[TYPE] != TYPE_FIRMWARE)
        return source_error(file, e, "a uImage of type %u; wanted a kernel's",
                            h[TYPE]);
    if (h[COMPRESSION] != COMP_NONE && h[COMPRESSION] != COMP_GZIP &&
        h[COMPRESSION] != COMP_ZSTD)
        return source_error(file, e,
                            "a uImage with compression %u; wanted "
                            "none, gzip or zstd",
                            h[COMPRESSION]);
    return true;
}

static bool check_data(const struct source *data, uint32_t want,
                       struct error *e)
{
    uint8_t chunk[CHUNK];
    uLong crc = crc32(0, NULL, 0);

    for (uint64_t at = 0; at < data->size;) {
        uint64_t n = data->size - at < CHUNK ? data->size - at : CHUNK;

        if (!source_read(data, at, chunk, n, e))
            return false;
        crc = crc32(crc, chunk, (uInt)n);
        at += n;
    }
    return crc == want ||
           source_error(data, e, "a uImage with damaged data (checksum)");
}

static bool open_data(struct image *img, const struct source *part,
                      const uint8_t *h, const struct image_rules *rules,
                      struct error *e)
{
    if (h[COMPRESSION] == COMP_NONE)
        return source_part(&img->data, part, 0, part->size, e);
    return unpack(part,
                  h[COMPRESSION] == COMP_GZIP ? PACKING_GZIP : PACKING_ZSTD,
                  rules->unpack_limit, &img->data, e);
}

static bool open_kernel(struct image *img, const uint8_t *h,
                        const struct image_rules *rules, struct error *e)
{
    uint64_t mem_size = img->data.size;
    struct file_type type;

    recognise(&img->data, &type);
    if (type.kind == FILE_IMAGE &&
        !image_linux_header(img, rules, &mem_size, e))
        return false;
    img->piece[img->n++] = (struct image_piece){
        .address = ld_be32(h + LOAD),
        .file_size = img->data.size,
        .mem_size = mem_size,
    };
    img->fixed = img->entry_known = true;
    img->entry = ld_be32(h + ENTRY);
    if (img->entry < image_start(img) || img->entry >= image_end(img))
        return source_error(&img->data, e,
                            "a uImage whose entry point 0x%llx is not in its "
                            "data",
                            (unsigned long long)img->entry);
    return true;
}

bool image_uimage(struct image *img, const struct source *file,
                  const struct image_rules *rules, struct error *e)
{
    uint8_t h[HEADER_SIZE];
    struct source part;
    bool ok;

    if (!source_read(file, 0, h, sizeof(h), e) || !check_header(file, h, e) ||
        !source_part(&part, file, HEADER_SIZE, ld_be32(h + SIZE), e))
        return false;
    ok = check_data(&part, ld_be32(h + DCRC), e) &&
         open_data(img, &part, h, rules, e) && open_kernel(img, h, rules, e);
    source_close(&part);
    return ok;
}
