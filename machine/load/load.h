/*
 * What is in memory when a machine starts: firmware, kernel, initrd, device
 * tree and the boot stub.
 */
#ifndef MACHINE_LOAD_LOAD_H
#define MACHINE_LOAD_LOAD_H

#include "base/log.h"
#include "base/memory.h"
#include "machine/load/image.h"
#include "machine/load/pc_direct.h"
#include "machine/load/pc_kernel.h"
#include "machine/tree_write.h"

#define LOAD_MAX_RAM 16
#define LOAD_MAX_AREAS (2 * IMAGE_MAX_PIECES + 8)

/* Strings, and what pointers name, need live only through loader_open(). */
struct load_config {
    const char *kernel, *initrd, *append, *dtb, *bios;
    const char *const *firmware_dirs;
    const void *demo; /* of this board's kind; outlives the loader */
    size_t demo_size;
    bool has_disks; /* something to boot from, or an order of it */
    /* Code in flash goes on behind the firmware, or is where all begins
     * where there is none; the kernel is its to load.  can_tell: there is
     * something to tell it with (told.c). */
    bool has_flash, can_tell;
    uint64_t flash, flash_end; /* bank 0 */
    unsigned xlen;
    struct memory *memory; /* outlives the loader */
    const struct tree_ram *ram;
    unsigned n_ram;
    uint64_t rom, rom_size; /* of the boot stub; size 0: there is none */
    const char *rom_file; /* a PC's firmware, which fills it instead (with
                             has_flash: the end of that); or NULL */
    const char *cpu;      /* the processors' model */
    bool rom_not_on;      /* which rom_file does not run on */
    bool direct;          /* a PC whose kernels start without firmware */
    struct pc_direct_config pc; /* of that: devices, processors */
    uint8_t seed[32];       /* rng-seed */
};

/* A stretch of memory that is taken. */
struct load_area {
    const char *what;
    uint64_t start, end; /* end: behind the last byte */
};

struct loader {
    struct load_config c;
    struct tree_ram ram[LOAD_MAX_RAM];
    char *append;
    const struct tree *machine_tree; /* what the guest's tree is made from */
    struct tree dtb;                 /* -dtb, instead */
    struct source firmware, kernel, initrd;
    struct source told_kernel, told_initrd; /* for what runs from flash */
    bool demo, foreign_firmware;
    struct pc_kernel pc_kernel; /* for a PC's firmware */
    bool has_pc_kernel;
    struct pc_direct pc_direct; /* where there is no firmware */

    /* From prepare to load. */
    bool prepared;
    struct image firmware_image, kernel_image;
    struct load_area area[LOAD_MAX_AREAS];
    unsigned n_areas;

    uint64_t start; /* where the boot stub jumps */
    uint64_t next;  /* where firmware goes on */
    uint64_t initrd_at, tree_at;
    struct tree guest; /* what the guest gets */
    bool loaded_before;
};

/*
 * Open every file, decide where it goes, make the guest's tree (from `tree`,
 * which outlives the loader).  Nothing is written to memory yet.
 */
bool loader_open(struct loader *l, const struct load_config *c,
                 const struct tree *tree, struct error *e);
/* Write all of it, for the first time or again for a reset; then the files
 * are read anew. */
bool loader_load(struct loader *l, struct log *log, struct error *e);
void loader_close(struct loader *l);

/* The guest's tree with what is the emulator's own, so that it is a board.
 * *out is the caller's to tree_close(). */
bool loader_board(struct loader *l, struct tree *out, struct error *e);

/* Is there nothing to run but the demo? */
bool loader_wants_demo(const struct load_config *c);
/* -kernel and -initrd, or the demo. */
bool loader_open_kernel(struct loader *l, struct error *e);

/* Open -bios's argument; limit as in source_open().  *s stays SOURCE_NONE for
 * "none". */
bool firmware_open(struct source *s, const char *bios, const char *const *dirs,
                   unsigned xlen, uint64_t limit, struct error *e);

/* The same where firmware fills a ROM; name is the default's. */
bool firmware_open_rom(struct source *s, const char *bios,
                       const char *const *dirs, const char *name,
                       uint64_t limit, struct error *e);

/* What -device's romfile= names; found where SeaBIOS's files are. */
bool firmware_open_option_rom(struct source *s, const char *file,
                              const char *const *dirs, struct error *e);

/* A machine whose firmware fills its ROM, and loads all else, or whose kernel
 * starts without any; rom.c. */
bool rom_open(struct loader *l, struct error *e);
/* Bytes at the ROM's end that are in use. */
uint64_t rom_used(const struct loader *l);
bool rom_load(struct loader *l, struct error *e);

/* Zeros over [at, at + size), if it has been loaded to before: RAM starts as
 * zeros. */
bool loader_clear(struct loader *l, uint64_t at, uint64_t size,
                  struct error *e);
/* Refuse what goes with a kernel only; there is none. */
bool loader_without_kernel(const struct load_config *c, struct error *e);

/* Where the parts lie; place.c. */
bool loader_place(struct loader *l, struct error *e);
/* The tree's size is known: find it a place, then the initrd. */
bool loader_place_tree(struct loader *l, uint64_t size, struct error *e);

#endif
