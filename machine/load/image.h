/*
 * A kernel or firmware file, understood: which of its bytes go where.
 *
 * Nothing in a file's headers is trusted: offsets are checked against the
 * file here, addresses against memory by whoever places the image.
 */
#ifndef MACHINE_LOAD_IMAGE_H
#define MACHINE_LOAD_IMAGE_H

#include "machine/load/recognise.h"
#include "machine/load/source.h"

#define IMAGE_MAX_PIECES 64

struct image_piece {
    uint64_t offset;    /* in data */
    uint64_t address;   /* guest physical; of an image that is not `fixed`,
                           from its base */
    uint64_t file_size; /* bytes there are */
    uint64_t mem_size;  /* bytes it needs; the rest is zero */
};

struct image {
    struct source data; /* the file, a part of it, or what it unpacked to */
    bool linux_header;  /* has the header of RISC-V kernel images */
    bool fixed;         /* the file says where it goes (ELF, U-Boot) */
    bool entry_known;   /* `entry` is an address of the file's */
    uint64_t entry;
    uint64_t text_offset; /* linux_header: wanted distance from RAM's start */
    unsigned n;
    struct image_piece piece[IMAGE_MAX_PIECES];
};

/* What a file may be. */
struct image_rules {
    bool firmware;         /* else a kernel */
    bool x86;              /* ELF for a PC, of either width; else RISC-V */
    unsigned xlen;         /* 32 or 64, of RISC-V */
    uint64_t unpack_limit; /* bytes that a compressed one may have */
};

/* `file` stays open, and outlives the image. */
bool image_open(struct image *img, const struct source *file,
                const struct image_rules *rules, struct error *e);
/* Also right for zeros with data = SOURCE_NONE, and twice. */
void image_close(struct image *img);

/* The lowest address, and the one behind the highest byte that it needs. */
uint64_t image_start(const struct image *img);
uint64_t image_end(const struct image *img);

/* The formats, on img->data. */
bool image_elf(struct image *img, const struct image_rules *rules,
               struct error *e);
bool image_uimage(struct image *img, const struct source *file,
                  const struct image_rules *rules, struct error *e);
/* The size that a RISC-V kernel header asks for; checks the header. */
bool image_linux_header(struct image *img, const struct image_rules *rules,
                        uint64_t *mem_size, struct error *e);

/* Could this be RISC-V machine code, from its first byte on? */
bool looks_like_code(const uint8_t *bytes, size_t size);

/* "wanted ..." for messages. */
const char *image_wanted(const struct image_rules *rules);

#endif
