/*
 * A PC's -kernel: Multiboot programs with modules.
 *
 * Multiboot Specification 0.6.96 and Multiboot2 Specification 2.0.  A program
 * that has both headers is started by the first.  Physical addresses are ELF's
 * or the header's own.  The boot information lies at 10000h, where the option
 * ROM completes it by what only the BIOS knows: the map of memory.  Below it,
 * from 8000h, and from 1 MiB on is the program's place.
 *
 * Missing: a framebuffer (asked for as a must, it is an error), boot device,
 * drives, APM and symbols in the information, relocatable programs' move (they
 * lie where they are linked).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "machine/load/image.h"
#include "machine/load/pc_kernel.h"
#include "machine/load/source.h"

#define INFO_ADDRESS 0x10000u
#define LOW_START 0x8000u  /* above the BIOS's stack and a boot sector */
#define INFO_LIMIT 0x8000u /* the map of memory is beyond, in one segment */
#define MAP_SIZE (24 * KERNEL_MAP_ENTRIES)
#define MAX_MODULES 64
#define MODULE_LIMIT ((uint64_t)1 << 30)
#define LOADER_NAME "emu"

enum { /* version 1 */
       HEADER1_SEARCH = 8192,
       HEADER1_ADDRESSES = 1 << 16,
       HEADER1_VIDEO = 1 << 2,
       HEADER1_MUST = 0xffff, /* flags that a loader has to know */
       HEADER1_KNOWN = 1 << 0 | 1 << 1,

       INFO1_MEMORY = 1 << 0,
       INFO1_LINE = 1 << 2,
       INFO1_MODULES = 1 << 3,
       INFO1_MAP = 1 << 6,
       INFO1_LOADER = 1 << 9,
       INFO1_SIZE = 120,
};
#define HEADER1_MAGIC 0x1badb002u
#define MAGIC1 0x2badb002u

enum { /* version 2 */
       HEADER2_SEARCH = 32768,
       HEADER2_END = 0,
       HEADER2_REQUEST = 1,
       HEADER2_ADDRESS = 2,
       HEADER2_ENTRY = 3,
       HEADER2_CONSOLE = 4,
       HEADER2_FRAMEBUFFER = 5,
       HEADER2_ALIGN = 6,
       HEADER2_EFI_BOOT = 7,
       HEADER2_EFI32_ENTRY = 8,
       HEADER2_EFI64_ENTRY = 9,
       HEADER2_RELOCATABLE = 10,
       HEADER2_OPTIONAL = 1,

       TAG_LINE = 1,
       TAG_LOADER = 2,
       TAG_MODULE = 3,
       TAG_MEMORY = 4,
       TAG_MAP = 6,
};
#define HEADER2_MAGIC 0xe85250d6u
#define MAGIC2 0x36d76289u

/* What a header says of addresses. */
struct addresses {
    bool given;
    uint32_t header, load, load_end, bss_end; /* ends of 0: not given */
    bool entry_given;
    uint32_t entry;
};

/* The header's offset in the file's head, or -1. */
static int64_t find(const uint8_t *head, size_t size, unsigned version)
{
    size_t step = version == 1 ? 4 : 8;

    if (size > (version == 1 ? HEADER1_SEARCH : HEADER2_SEARCH))
        size = version == 1 ? HEADER1_SEARCH : HEADER2_SEARCH;
    for (size_t at = 0; at + (version == 1 ? 12 : 16) <= size; at += step) {
        const uint8_t *h = head + at;

        if (version == 1 && ld_le32(h) == HEADER1_MAGIC &&
            ld_le32(h) + ld_le32(h + 4) + ld_le32(h + 8) == 0)
            return (int64_t)at;
        if (version == 2 && ld_le32(h) == HEADER2_MAGIC &&
            ld_le32(h) + ld_le32(h + 4) + ld_le32(h + 8) + ld_le32(h + 12) == 0)
            return (int64_t)at;
    }
    return -1;
}

unsigned multiboot_version(const struct source *s)
{
    uint8_t *head = malloc(HEADER2_SEARCH);
    unsigned version = 0;
    size_t n;

    if (!head)
        return 0;
    n = source_head(
        s, head, s->size < HEADER2_SEARCH ? (size_t)s->size : HEADER2_SEARCH);
    if (find(head, n, 1) >= 0)
        version = 1;
    else if (find(head, n, 2) >= 0)
        version = 2;
    free(head);
    return version;
}

/* -- headers -- */

static bool read_header1(const struct source *s, const uint8_t *h, size_t left,
                         struct addresses *a, struct error *e)
{
    uint32_t flags = ld_le32(h + 4);

    if (flags & HEADER1_VIDEO)
        return source_error(s, e,
                            "a Multiboot program that wants a video "
                            "mode, which is not there yet");
    if (flags & HEADER1_MUST & ~(uint32_t)HEADER1_KNOWN)
        return source_error(s, e,
                            "its Multiboot header wants what nobody "
                            "knows: flags 0x%x",
                            flags);
    if (!(flags & HEADER1_ADDRESSES))
        return true;
    if (left < 32)
        return source_error(s, e, "truncated in its Multiboot header");
    *a = (struct addresses){true,
                            ld_le32(h + 12),
                            ld_le32(h + 16),
                            ld_le32(h + 20),
                            ld_le32(h + 24),
                            true,
                            ld_le32(h + 28)};
    return true;
}

/* true: known, or need not be. */
static bool read_tag2(const struct source *s, const uint8_t *tag, uint32_t size,
                      struct addresses *a, struct error *e)
{
    unsigned type = ld_le16(tag);
    bool optional = ld_le16(tag + 2) & HEADER2_OPTIONAL;

    switch (type) {
    case HEADER2_ADDRESS:
        if (size < 24)
            break;
        a->given = true;
        a->header = ld_le32(tag + 8);
        a->load = ld_le32(tag + 12);
        a->load_end = ld_le32(tag + 16);
        a->bss_end = ld_le32(tag + 20);
        return true;
    case HEADER2_ENTRY:
        if (size < 12)
            break;
        a->entry_given = true;
        a->entry = ld_le32(tag + 8);
        return true;
    case HEADER2_REQUEST: /* what there is, is told; the rest it must check */
    case HEADER2_CONSOLE:
    case HEADER2_ALIGN:
    case HEADER2_EFI_BOOT:
    case HEADER2_EFI32_ENTRY:
    case HEADER2_EFI64_ENTRY:
    case HEADER2_RELOCATABLE:
        return true;
    default:
        if (optional)
            return true;
        return source_error(s, e, "a Multiboot2 program that wants %s",
                            type == HEADER2_FRAMEBUFFER
                                ? "a framebuffer, which is not there yet"
                                : "what nobody knows");
    }
    return source_error(s, e, "damaged: a Multiboot2 tag of %u bytes", size);
}

static bool read_header2(const struct source *s, const uint8_t *h, size_t left,
                         struct addresses *a, struct error *e)
{
    uint32_t length = ld_le32(h + 8), at = 16;

    if (ld_le32(h + 4) != 0)
        return source_error(s, e,
                            "a Multiboot2 program for another kind of "
                            "CPU than x86");
    if (length > left)
        return source_error(s, e, "truncated in its Multiboot2 header");
    while (at + 8 <= length) {
        uint32_t size = ld_le32(h + at + 4);

        if (ld_le16(h + at) == HEADER2_END)
            return true;
        if (size < 8 || size > length - at)
            return source_error(s, e, "damaged: a Multiboot2 tag of %u bytes",
                                size);
        if (!read_tag2(s, h + at, size, a, e))
            return false;
        at += (size + 7) & ~7u;
    }
    return true;
}

/* *at: the header's place in the file. */
static bool read_header(const struct source *s, unsigned version,
                        struct addresses *a, uint32_t *at, struct error *e)
{
    uint8_t *head = malloc(HEADER2_SEARCH);
    int64_t found;
    size_t n;
    bool ok;

    if (!head)
        return error_set(e, "out of memory");
    n = source_head(
        s, head, s->size < HEADER2_SEARCH ? (size_t)s->size : HEADER2_SEARCH);
    found = find(head, n, version);
    *at = (uint32_t)found;
    if (version == 1)
        ok = read_header1(s, head + found, n - (size_t)found, a, e);
    else
        ok = read_header2(s, head + found, n - (size_t)found, a, e);
    free(head);
    return ok;
}

/* -- the program -- */

static bool check_place(const struct source *s, uint64_t start, uint64_t end,
                        const struct pc_kernel_config *c, struct error *e)
{
    if (start < 0x100000 && (start < LOW_START || end > INFO_ADDRESS))
        return source_error(s, e,
                            "wants to lie at 0x%llx, in the BIOS's "
                            "memory below 1 MiB",
                            (unsigned long long)start);
    if (end > c->low_ram)
        return source_error(s, e, "wants memory up to 0x%llx; give more by -m",
                            (unsigned long long)end);
    return true;
}

/* By the addresses in the header. */
static bool load_flat(struct pc_kernel *k, const struct source *s,
                      const struct addresses *a, uint32_t header_at,
                      const struct pc_kernel_config *c, struct error *e)
{
    uint64_t from, size, end;

    if (a->load > a->header || a->header - a->load > header_at)
        return source_error(s, e,
                            "damaged: its Multiboot header says that "
                            "the file starts before its first byte");
    from = header_at - (a->header - a->load);
    size = a->load_end ? (uint64_t)a->load_end - a->load : s->size - from;
    if ((a->load_end && a->load_end < a->load) || size > s->size - from)
        return source_error(s, e,
                            "truncated: its Multiboot header wants more "
                            "than the file has");
    end = a->bss_end > a->load + size ? a->bss_end : a->load + size;
    if (!check_place(s, a->load, end, c, e))
        return false;
    k->kernel.bytes = malloc(size ? size : 1);
    if (!k->kernel.bytes)
        return error_set(e, "out of memory");
    k->kernel.address = a->load;
    k->kernel.size = (uint32_t)size;
    k->kernel.room = (uint32_t)(end - a->load);
    k->entry = a->entry;
    return source_read(s, from, k->kernel.bytes, size, e);
}

bool pc_kernel_load_elf(struct pc_item *out, uint32_t *entry,
                        const struct source *s,
                        const struct pc_kernel_config *c, struct error *e)
{
    const struct image_rules rules = {.x86 = true};
    struct image img = {.data = SOURCE_NONE};
    uint64_t start, end, last = 0;
    bool ok;

    if (!source_part(&img.data, s, 0, s->size, e))
        return false;
    ok = image_elf(&img, &rules, e);
    start = image_start(&img);
    end = image_end(&img);
    ok = ok && check_place(s, start, end, c, e);
    for (unsigned i = 0; ok && i < img.n; i++) {
        const struct image_piece *p = &img.piece[i];

        if (p->file_size && p->address + p->file_size > last)
            last = p->address + p->file_size;
    }
    if (ok) {
        last = last > start ? last : start;
        *out = (struct pc_item){.address = (uint32_t)start,
                                .size = (uint32_t)(last - start),
                                .room = (uint32_t)(end - start)};
        if (entry)
            *entry = (uint32_t)img.entry;
        out->bytes = calloc(1, out->size ? out->size : 1);
        ok = out->bytes || error_set(e, "out of memory");
    }
    for (unsigned i = 0; ok && i < img.n; i++) {
        const struct image_piece *p = &img.piece[i];

        ok = source_read(&img.data, p->offset,
                         out->bytes + (p->address - start), p->file_size, e);
    }
    image_close(&img);
    return ok;
}

/* -- modules -- */

struct module {
    char *text;          /* its argument line: file, then the rest */
    uint32_t start, end; /* from the modules' start */
};

struct modules {
    struct module m[MAX_MODULES];
    unsigned n;
};

static void free_modules(struct modules *l)
{
    for (unsigned i = 0; i < l->n; i++)
        free(l->m[i].text);
    l->n = 0;
}

/* "a args,b": one text for each; ",," is a comma. */
static bool split_modules(struct modules *l, const char *text, struct error *e)
{
    while (*text) {
        char *out = malloc(strlen(text) + 1);
        size_t n = 0;

        if (!out)
            return error_set(e, "out of memory");
        if (l->n == MAX_MODULES) {
            free(out);
            return error_set(e, "-initrd: more than %d modules", MAX_MODULES);
        }
        for (; *text && (*text != ',' || text[1] == ','); text++) {
            out[n++] = *text;
            text += *text == ',';
        }
        out[n] = '\0';
        l->m[l->n++].text = out;
        if (*text)
            text++;
    }
    return true;
}

/* Appends a file, from a page's start on. */
static bool add_module(struct pc_item *all, struct module *m,
                       const struct pc_kernel_config *c, struct error *e)
{
    size_t n = strcspn(m->text, " ");
    char *name = strndup(m->text, n);
    uint64_t at = (all->size + (uint64_t)4095) & ~(uint64_t)4095;
    struct source s;
    uint8_t *more;
    bool ok;

    if (!name)
        return error_set(e, "out of memory");
    ok = source_open(&s, "-initrd", name, c->low_ram, e);
    free(name);
    if (!ok)
        return false;
    if (at + s.size > MODULE_LIMIT || at + s.size > c->low_ram) {
        ok = source_error(&s, e, "does not fit into memory; give more by -m");
    } else {
        more = realloc(all->bytes, at + s.size);
        ok = more || error_set(e, "out of memory");
        if (more) {
            memset(more + all->size, 0, at - all->size);
            all->bytes = more;
            ok = source_read(&s, 0, more + at, s.size, e);
            m->start = (uint32_t)at;
            m->end = (uint32_t)(at + s.size);
            all->size = all->room = m->end;
        }
    }
    source_close(&s);
    return ok;
}

static bool load_modules(struct pc_kernel *k, struct modules *l,
                         const struct pc_kernel_config *c, struct error *e)
{
    if (!c->initrd)
        return true;
    if (!split_modules(l, c->initrd, e))
        return false;
    for (unsigned i = 0; i < l->n; i++) {
        if (!add_module(&k->initrd, &l->m[i], c, e))
            return false;
    }
    return l->n == 0 ||
           pc_kernel_place(c, "-initrd", k->initrd.size,
                           (uint64_t)k->kernel.address + k->kernel.room,
                           UINT32_MAX, &k->initrd.address, e);
}

/* -- boot information -- */

/* Bytes that grow at the end; all is below INFO_LIMIT. */
struct info {
    uint8_t *bytes; /* INFO_LIMIT + MAP_SIZE of them */
    uint32_t used;
    bool full;
};

static uint8_t *take(struct info *i, size_t size)
{
    uint8_t *p = i->bytes + i->used;

    size = (size + 7) & ~(size_t)7;
    if (size > INFO_LIMIT - i->used) {
        i->full = true;
        return i->bytes;
    }
    i->used += (uint32_t)size;
    return p;
}

/* Returns the text's address in the guest. */
static uint32_t put_text(struct info *i, const char *text)
{
    size_t n = strlen(text) + 1;
    uint8_t *p = take(i, n);

    if (!i->full)
        memcpy(p, text, n);
    return INFO_ADDRESS + (uint32_t)(p - i->bytes);
}

static void info1(struct pc_kernel *k, struct info *i, const struct modules *l,
                  const char *line)
{
    uint8_t *p = take(i, INFO1_SIZE), *list = take(i, 16 * (size_t)l->n);

    k->magic = MAGIC1;
    k->lower = 4;
    st_le32(p, INFO1_MEMORY | INFO1_LINE | INFO1_MODULES | INFO1_MAP |
                   INFO1_LOADER);
    st_le32(p + 16, put_text(i, line));
    st_le32(p + 20, l->n);
    st_le32(p + 24, INFO_ADDRESS + (uint32_t)(list - i->bytes));
    st_le32(p + 64, put_text(i, LOADER_NAME));
    for (unsigned n = 0; n < l->n && !i->full; n++, list += 16) {
        st_le32(list, k->initrd.address + l->m[n].start);
        st_le32(list + 4, k->initrd.address + l->m[n].end);
        st_le32(list + 8, put_text(i, l->m[n].text));
    }
    k->map = i->used;
    st_le32(p + 48, INFO_ADDRESS + k->map);
}

/* A tag: `head` bytes, 8 of them its type and size, then a text, or none. */
static uint8_t *tag2(struct info *i, unsigned type, size_t head,
                     const char *text)
{
    size_t n = text ? strlen(text) + 1 : 0;
    uint8_t *p = take(i, head + n);

    if (i->full)
        return p;
    st_le32(p, type);
    st_le32(p + 4, (uint32_t)(head + n));
    if (n)
        memcpy(p + head, text, n);
    return p;
}

static void info2(struct pc_kernel *k, struct info *i, const struct modules *l,
                  const char *line)
{
    uint8_t *map;

    k->magic = MAGIC2;
    take(i, 8);
    k->lower = i->used + 8;
    tag2(i, TAG_MEMORY, 16, NULL);
    tag2(i, TAG_LINE, 8, line);
    tag2(i, TAG_LOADER, 8, LOADER_NAME);
    for (unsigned n = 0; n < l->n && !i->full; n++) {
        uint8_t *p = tag2(i, TAG_MODULE, 16, l->m[n].text);

        st_le32(p + 8, k->initrd.address + l->m[n].start);
        st_le32(p + 12, k->initrd.address + l->m[n].end);
    }
    map = take(i, 16);
    st_le32(map, TAG_MAP);
    st_le32(map + 8, 24);
    k->map = i->used;
}

/* The command line begins with the program's name, as version 1's boot loaders
 * have it; those that want none look at the loader's name. */
static bool make_info(struct pc_kernel *k, const struct source *s,
                      const struct modules *l, const struct pc_kernel_config *c,
                      struct error *e)
{
    struct info i = {.bytes = calloc(1, INFO_LIMIT + MAP_SIZE + 8)};
    const char *append = c->append ? c->append : "";
    size_t size = strlen(c->kernel) + strlen(append) + 2;
    char *line = malloc(size);

    k->setup = (struct pc_item){i.bytes, INFO_ADDRESS, 0, 0};
    if (!i.bytes || !line) {
        free(line);
        return error_set(e, "out of memory");
    }
    snprintf(line, size, "%s%s%s", c->kernel, *append ? " " : "", append);
    if (k->kind == KERNEL_KIND_MULTIBOOT)
        info1(k, &i, l, line);
    else
        info2(k, &i, l, line);
    free(line);
    if (i.full)
        return source_error(s, e,
                            "its command line and those of its modules "
                            "have more than %u bytes",
                            INFO_LIMIT);
    k->setup.size = k->setup.room = i.used + MAP_SIZE + 8;
    return true;
}

bool multiboot_open(struct pc_kernel *k, const struct source *s,
                    const struct pc_kernel_config *c, struct error *e)
{
    unsigned version = multiboot_version(s);
    struct addresses a = {.given = false};
    struct modules modules = {.n = 0};
    uint8_t magic[4];
    uint32_t at;
    bool ok, elf;

    k->kind = version == 1 ? KERNEL_KIND_MULTIBOOT : KERNEL_KIND_MULTIBOOT2;
    elf = source_head(s, magic, sizeof(magic)) && !memcmp(magic, "\177ELF", 4);
    if (!read_header(s, version, &a, &at, e))
        return false;
    if (a.given)
        ok = load_flat(k, s, &a, at, c, e);
    else if (elf)
        ok = pc_kernel_load_elf(&k->kernel, &k->entry, s, c, e);
    else
        ok = source_error(s, e,
                          "a Multiboot program that is no ELF file and "
                          "does not say where it goes");
    if (!a.given && a.entry_given)
        k->entry = a.entry;
    ok = ok && load_modules(k, &modules, c, e) &&
         make_info(k, s, &modules, c, e);
    free_modules(&modules);
    return ok;
}
