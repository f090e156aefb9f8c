/*
 * Loading a machine's memory.
 *
 * loader_open() opens every file and decides all; loader_load() writes.  A
 * reset loads again, from the files, which stay open: what was read stays
 * what it was even if another file takes the name.  A file that was changed
 * in place is loaded as it is by then, and the log says so.
 *
 * The boot stub (roms/riscv/boot.S) is patched here: boot_layout.h.
 *
 * A PC's loading is in rom.c.
 */
#include "machine/load/load.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "machine/board.h"
#include "roms/riscv/boot_layout.h"

#define CHUNK ((size_t)256 << 10)
#define UNPACK_LIMIT ((uint64_t)512 << 20)
#define SUPERVISOR 1
#define DEMO_START 0x80000000u /* roms/riscv/demo/demo.ld */

extern const unsigned char boot_image[];
extern const size_t boot_image_size;

/* -- opening -- */

/* What is taken from a pipe: more would not fit anyway. */
static uint64_t pipe_limit(const struct loader *l)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < l->c.n_ram; i++)
        sum += l->ram[i].size;
    return sum;
}

bool loader_without_kernel(const struct load_config *c, struct error *e)
{
    if (c->initrd)
        return error_set(e, "-initrd %s: only with a -kernel", c->initrd);
    if (c->append && *c->append)
        return error_set(e, "-append: only with a -kernel");
    return true;
}

bool loader_wants_demo(const struct load_config *c)
{
    return !c->kernel && !c->bios && !c->has_disks && !c->has_flash && c->demo;
}

static bool open_kernel(struct loader *l, struct error *e)
{
    const struct load_config *c = &l->c;
    struct source *kernel = c->has_flash ? &l->told_kernel : &l->kernel;

    l->demo = loader_wants_demo(c);
    if (l->demo && c->xlen == 32)
        return error_set(e, "the built-in demo is for CPUs of 64 bits; with "
                            "one of 32 give -kernel FILE or -bios FILE");
    if (l->demo)
        return source_memory(&l->kernel, "the built-in demo", c->demo,
                             c->demo_size, e);
    if (c->kernel && c->has_flash && !c->can_tell)
        return error_set(e,
                         "-kernel %s: what runs from flash would be told of "
                         "it by fw_cfg, and this board has none",
                         c->kernel);
    if (c->kernel)
        return source_open(kernel, "-kernel", c->kernel, pipe_limit(l), e);
    return loader_without_kernel(c, e);
}

bool loader_open_kernel(struct loader *l, struct error *e)
{
    struct source *initrd = l->c.has_flash ? &l->told_initrd : &l->initrd;

    return open_kernel(l, e) &&
           (!l->c.initrd ||
            source_open(initrd, "-initrd", l->c.initrd, pipe_limit(l), e));
}

static bool open_files(struct loader *l, const struct load_config *c,
                       struct error *e)
{
    if (!loader_open_kernel(l, e))
        return false;
    if (!l->demo && !firmware_open(&l->firmware, c->bios, c->firmware_dirs,
                                   c->xlen, pipe_limit(l), e))
        return false;
    l->foreign_firmware =
        source_used(&l->firmware) && c->bios && strcmp(c->bios, "default");
    return !c->dtb || board_open_file(&l->dtb, "-dtb", c->dtb, e);
}

static uint64_t unpack_limit(const struct loader *l)
{
    uint64_t limit = l->ram[0].size;

    return limit < UNPACK_LIMIT ? limit : UNPACK_LIMIT;
}

static bool open_images(struct loader *l, struct error *e)
{
    struct image_rules rules = {.xlen = l->c.xlen,
                                .unpack_limit = unpack_limit(l)};

    if (source_used(&l->kernel) && !l->demo &&
        !image_open(&l->kernel_image, &l->kernel, &rules, e))
        return false;
    rules.firmware = true;
    /* The demo is plain code, as firmware is, but linked for one place. */
    if (l->demo && !image_open(&l->kernel_image, &l->kernel, &rules, e))
        return false;
    if (l->demo) {
        l->kernel_image.fixed = l->kernel_image.entry_known = true;
        l->kernel_image.piece[0].address = l->kernel_image.entry = DEMO_START;
    }
    return !source_used(&l->firmware) ||
           image_open(&l->firmware_image, &l->firmware, &rules, e);
}

static void close_images(struct loader *l)
{
    image_close(&l->kernel_image);
    image_close(&l->firmware_image);
    l->prepared = false;
}

/* -- the guest's tree -- */

static bool make_tree(struct loader *l, bool whole, struct tree *out,
                      struct error *e)
{
    struct tree_boot boot = {
        .whole = whole,
        .append = l->append,
        .initrd = source_used(&l->initrd),
        .initrd_start = l->initrd_at,
        .initrd_end = l->initrd_at + l->initrd.size,
        .ram = l->ram,
        .n_ram = l->c.n_ram,
    };

    memcpy(boot.seed, l->c.seed, sizeof(boot.seed));
    tree_close(out);
    return tree_make_guest(out, l->dtb.fdt ? &l->dtb : l->machine_tree, &boot,
                           e);
}

bool loader_board(struct loader *l, struct tree *out, struct error *e)
{
    *out = (struct tree){.n = 0};
    return make_tree(l, true, out, e);
}

/* The tree's size does not depend on the addresses in it, so it is made
 * twice: once to know how much room it needs. */
static bool prepare(struct loader *l, struct error *e)
{
    struct tree *guest = &l->guest;

    if (!open_images(l, e) || !loader_place(l, e) ||
        !make_tree(l, false, guest, e) ||
        !loader_place_tree(l, guest->size, e) ||
        !make_tree(l, false, guest, e)) {
        close_images(l);
        return false;
    }
    l->prepared = true;
    return true;
}

bool loader_open(struct loader *l, const struct load_config *c,
                 const struct tree *tree, struct error *e)
{
    *l = (struct loader){
        .c = *c,
        .machine_tree = tree,
        .firmware = SOURCE_NONE,
        .kernel = SOURCE_NONE,
        .initrd = SOURCE_NONE,
        .told_kernel = SOURCE_NONE,
        .told_initrd = SOURCE_NONE,
        .firmware_image.data = SOURCE_NONE,
        .kernel_image.data = SOURCE_NONE,
    };
    if (c->n_ram == 0 || c->n_ram > LOAD_MAX_RAM)
        return error_set(e, "%s: there is no RAM to load anything into",
                         tree->name);
    memcpy(l->ram, c->ram, c->n_ram * sizeof(l->ram[0]));
    if (c->append) {
        l->append = strdup(c->append);
        if (!l->append)
            return error_set(e, "out of memory");
    }
    if (c->rom_file || c->direct)
        return rom_open(l, e);
    return open_files(l, c, e) && prepare(l, e);
}

void loader_close(struct loader *l)
{
    close_images(l);
    source_close(&l->firmware);
    source_close(&l->kernel);
    source_close(&l->initrd);
    source_close(&l->told_kernel);
    source_close(&l->told_initrd);
    if (l->has_pc_kernel)
        pc_kernel_close(&l->pc_kernel);
    l->has_pc_kernel = false;
    pc_direct_close(&l->pc_direct);
    tree_close(&l->guest);
    tree_close(&l->dtb);
    free(l->append);
    l->append = NULL;
}

/* -- writing -- */

static bool poke(struct loader *l, uint64_t at, const void *p, size_t size,
                 struct error *e)
{
    return memory_poke(l->c.memory, at, p, size) ||
           error_set(e, "no memory at 0x%llx to load to",
                     (unsigned long long)at);
}

bool loader_clear(struct loader *l, uint64_t at, uint64_t size, struct error *e)
{
    static const uint8_t zeros[4096];

    /* RAM starts as zeros. */
    while (size && l->loaded_before) {
        size_t n = size < sizeof(zeros) ? (size_t)size : sizeof(zeros);

        if (!poke(l, at, zeros, n, e))
            return false;
        at += n;
        size -= n;
    }
    return true;
}

static bool copy(struct loader *l, const struct source *s, uint64_t offset,
                 uint64_t at, uint64_t size, uint8_t *chunk, struct error *e)
{
    while (size) {
        size_t n = size < CHUNK ? (size_t)size : CHUNK;

        if (!source_read(s, offset, chunk, n, e) || !poke(l, at, chunk, n, e))
            return false;
        offset += n;
        at += n;
        size -= n;
    }
    return true;
}

static bool write_image(struct loader *l, const struct image *img,
                        uint8_t *chunk, struct error *e)
{
    for (unsigned i = 0; i < img->n; i++) {
        const struct image_piece *p = &img->piece[i];

        if (!copy(l, &img->data, p->offset, p->address, p->file_size, chunk, e))
            return false;
        /* Linux clears its own. */
        if (!img->linux_header && !loader_clear(l, p->address + p->file_size,
                                                p->mem_size - p->file_size, e))
            return false;
    }
    return true;
}

static void patch_info(const struct loader *l, uint8_t *stub, unsigned field,
                       uint64_t value)
{
    if (l->c.xlen == 32)
        st_le32(stub + BOOT_INFO + 4 * field, (uint32_t)value);
    else
        st_le64(stub + BOOT_INFO + 8 * field, value);
}

static bool write_stub(struct loader *l, struct error *e)
{
    uint8_t stub[BOOT_SIZE];

    if (l->c.rom_size == 0)
        return true;
    if (l->c.rom_size < BOOT_SIZE || boot_image_size < BOOT_SIZE)
        return error_set(e, "%s: the boot ROM has less than %d bytes",
                         l->machine_tree->name, BOOT_SIZE);
    memcpy(stub, boot_image, BOOT_SIZE);
    memset(stub + BOOT_INFO, 0, BOOT_SIZE - BOOT_INFO);
    st_le64(stub + BOOT_START, l->start);
    st_le64(stub + BOOT_TREE, l->tree_at);
    patch_info(l, stub, BOOT_INFO_MAGIC, BOOT_INFO_MAGIC_VALUE);
    patch_info(l, stub, BOOT_INFO_VERSION, BOOT_INFO_VERSION_VALUE);
    patch_info(l, stub, BOOT_INFO_NEXT_ADDR, l->next);
    patch_info(l, stub, BOOT_INFO_NEXT_MODE, SUPERVISOR);
    return poke(l, l->c.rom, stub, sizeof(stub), e);
}

static bool write_all(struct loader *l, uint8_t *chunk, struct error *e)
{
    return write_image(l, &l->firmware_image, chunk, e) &&
           write_image(l, &l->kernel_image, chunk, e) &&
           copy(l, &l->initrd, 0, l->initrd_at,
                source_used(&l->initrd) ? l->initrd.size : 0, chunk, e) &&
           poke(l, l->tree_at, l->guest.fdt, l->guest.size, e) &&
           write_stub(l, e);
}

static void note_change(struct log *log, const struct source *s)
{
    if (source_used(s) && source_changed(s))
        log_guest(log,
                  "%s has been changed since the start; the guest gets "
                  "it as it is now",
                  s->name);
}

bool loader_load(struct loader *l, struct log *log, struct error *e)
{
    uint8_t *chunk;
    bool ok;

    if (l->c.rom_file || l->c.direct) {
        note_change(log, &l->firmware);
        ok = rom_load(l, e);
        l->loaded_before = true;
        return ok;
    }
    if (!l->prepared) {
        note_change(log, &l->firmware);
        note_change(log, &l->kernel);
        note_change(log, &l->initrd);
        if (!prepare(l, e))
            return false;
    }
    chunk = malloc(CHUNK);
    ok = chunk ? write_all(l, chunk, e) : error_set(e, "out of memory");
    free(chunk);
    close_images(l);
    l->loaded_before = true;
    return ok;
}
