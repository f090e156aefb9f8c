/*
 * Deciding where in RAM the parts go.
 *
 * From the bottom: firmware at the start of RAM; the kernel behind it, at a
 * boundary of a large page, at least text_offset from RAM's start.  From the
 * top, but below 3 GiB, which every kernel can reach early: the device tree,
 * then the initrd, which thus lies beyond what the kernel's image_size asks
 * for.  An ELF file or uImage goes where it says.  No two parts may overlap.
 *
 * With code in flash that is where the CPU starts (-bios none), or where
 * firmware goes on, in S-mode.
 *
 * OpenSBI's fw_jump moves the device tree to 0x2200000 behind the start of
 * RAM without looking; with a firmware that we do not know, that place is
 * left free of the initrd and the tree.
 *
 * Missing: memory below the first piece of RAM; a kernel that is split over
 * several pieces of RAM.
 */
#include "machine/load/load.h"

#define LARGE_PAGE_64 ((uint64_t)2 << 20)
#define LARGE_PAGE_32 ((uint64_t)4 << 20)
#define TOP ((uint64_t)3 << 30)
#define FW_JUMP_TREE 0x2200000u
#define FW_JUMP_ROOM ((uint64_t)2 << 20)
#define SMALL_PAGE 4096u
/* Firmware and U-Boot add to the tree where it lies. */
#define TREE_ROOM ((uint64_t)64 << 10)

static uint64_t align_up(uint64_t v, uint64_t to)
{
    return (v + to - 1) / to * to;
}

static uint64_t large_page(const struct loader *l)
{
    return l->c.xlen == 32 ? LARGE_PAGE_32 : LARGE_PAGE_64;
}

static bool in_ram(const struct loader *l, uint64_t start, uint64_t size)
{
    for (unsigned i = 0; i < l->c.n_ram; i++) {
        const struct tree_ram *r = &l->ram[i];

        if (start >= r->base && start - r->base <= r->size &&
            size <= r->size - (start - r->base))
            return true;
    }
    return false;
}

/* The area, other than those of `what` itself, that [start, end) hits. */
static const struct load_area *hit(const struct loader *l, const char *what,
                                   uint64_t start, uint64_t end)
{
    for (unsigned i = 0; i < l->n_areas; i++) {
        const struct load_area *a = &l->area[i];

        if (a->what != what && start < a->end && a->start < end)
            return a;
    }
    return NULL;
}

static bool take(struct loader *l, const struct source *s, const char *part,
                 uint64_t start, uint64_t size, struct error *e)
{
    const struct load_area *a;
    const struct tree_ram *ram = &l->ram[0];

    if (size == 0)
        return true;
    if (!in_ram(l, start, size) && in_ram(l, start, 1))
        return source_error(s, e,
                            "%sneeds %s at 0x%llx, but RAM ends at 0x%llx; "
                            "-m gives more",
                            part, SIZE_TEXT(size), (unsigned long long)start,
                            (unsigned long long)(ram->base + ram->size));
    if (!in_ram(l, start, size))
        return source_error(s, e,
                            "%swants to be at 0x%llx, where there is no RAM; "
                            "that is from 0x%llx to 0x%llx",
                            part, (unsigned long long)start,
                            (unsigned long long)ram->base,
                            (unsigned long long)(ram->base + ram->size - 1));
    a = hit(l, s->name, start, start + size);
    if (a)
        return source_error(s, e,
                            "%swould lie at 0x%llx to 0x%llx, over %s at "
                            "0x%llx to 0x%llx",
                            part, (unsigned long long)start,
                            (unsigned long long)(start + size - 1), a->what,
                            (unsigned long long)a->start,
                            (unsigned long long)(a->end - 1));
    if (l->n_areas < LOAD_MAX_AREAS)
        l->area[l->n_areas++] =
            (struct load_area){s->name, start, start + size};
    return true;
}

/* The highest place for size bytes at or above floor that nothing has. */
static bool find_place(const struct loader *l, uint64_t size, uint64_t align,
                       uint64_t floor, uint64_t *out)
{
    uint64_t end = l->ram[0].base + l->ram[0].size;

    if (l->ram[0].base < TOP && end > TOP)
        end = TOP;
    for (;;) {
        const struct load_area *a;
        uint64_t start;

        if (end < size || end - size < floor)
            return false;
        start = (end - size) / align * align;
        if (start < floor)
            return false;
        a = hit(l, NULL, start, start + size);
        if (!a) {
            *out = start;
            return true;
        }
        end = a->start;
    }
}

static bool take_image(struct loader *l, struct image *img,
                       const struct source *s, struct error *e)
{
    const char *part = img->n > 1 ? "a segment of it " : "";

    for (unsigned i = 0; i < img->n; i++) {
        if (!take(l, s, part, img->piece[i].address, img->piece[i].mem_size, e))
            return false;
    }
    return true;
}

static void move(struct image *img, uint64_t base)
{
    if (img->fixed)
        return;
    img->piece[0].address = base;
    if (!img->entry_known)
        img->entry = base;
}

static bool place_firmware(struct loader *l, struct error *e)
{
    struct image *img = &l->firmware_image;

    if (!source_used(&l->firmware))
        return true;
    move(img, l->ram[0].base);
    l->start = img->entry;
    return take_image(l, img, &l->firmware, e);
}

static bool place_kernel(struct loader *l, struct error *e)
{
    struct image *img = &l->kernel_image;
    uint64_t base = l->ram[0].base, floor = base;

    if (!source_used(&l->kernel))
        return true;
    if (source_used(&l->firmware)) {
        /* Plain firmware has variables behind its last byte, how many it
         * does not say: keep clear of its large page. */
        floor = align_up(image_end(&l->firmware_image), large_page(l));
        if (floor < base + large_page(l))
            floor = base + large_page(l);
    }
    if (img->linux_header && base + img->text_offset > floor)
        floor = base + img->text_offset;
    if (img->linux_header && source_used(&l->firmware))
        floor = align_up(floor, large_page(l));
    move(img, floor);
    if (source_used(&l->firmware))
        l->next = img->entry;
    else
        l->start = img->entry;
    return take_image(l, img, &l->kernel, e);
}

/* Keep clear of where fw_jump will put the tree. */
static void reserve_fw_jump(struct loader *l)
{
    uint64_t at = l->ram[0].base + FW_JUMP_TREE;

    if (l->foreign_firmware && in_ram(l, at, FW_JUMP_ROOM) &&
        !hit(l, NULL, at, at + FW_JUMP_ROOM))
        l->area[l->n_areas++] = (struct load_area){
            "where fw_jump puts the tree", at, at + FW_JUMP_ROOM};
}

bool loader_place(struct loader *l, struct error *e)
{
    l->n_areas = 0;
    l->start = l->c.has_flash ? l->c.flash : l->ram[0].base;
    l->next = l->c.has_flash ? l->c.flash : 0;
    if (!place_firmware(l, e) || !place_kernel(l, e))
        return false;
    reserve_fw_jump(l);
    return true;
}

static bool place_initrd(struct loader *l, struct error *e)
{
    uint64_t floor = align_up(image_end(&l->kernel_image), SMALL_PAGE);

    if (!source_used(&l->initrd))
        return true;
    if (floor < l->ram[0].base)
        floor = l->ram[0].base;
    if (find_place(l, l->initrd.size, SMALL_PAGE, floor, &l->initrd_at))
        return take(l, &l->initrd, "", l->initrd_at, l->initrd.size, e);
    return source_error(&l->initrd, e,
                        "its %s do not fit between the kernel, which needs "
                        "memory up to 0x%llx, and the end of RAM at 0x%llx; "
                        "-m gives more",
                        SIZE_TEXT(l->initrd.size), (unsigned long long)floor,
                        (unsigned long long)(l->ram[0].base + l->ram[0].size));
}

bool loader_place_tree(struct loader *l, uint64_t size, struct error *e)
{
    uint64_t room = align_up(size, SMALL_PAGE) + TREE_ROOM;

    if (!find_place(l, room, SMALL_PAGE, l->ram[0].base, &l->tree_at))
        return error_set(e,
                         "-m: %s is not enough: the device tree of %s does "
                         "not fit beside what is loaded",
                         SIZE_TEXT(l->ram[0].size), SIZE_TEXT(size));
    l->area[l->n_areas++] =
        (struct load_area){"the device tree", l->tree_at, l->tree_at + room};
    return place_initrd(l, e);
}
