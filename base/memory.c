/*
 * Address spaces: the flattened map, CPU accesses, DMA, and guest RAM.
 *
 * The map is a sorted array of spans, looked up by binary search.  Changes
 * come under the device lock; look-ups come from every vCPU thread without
 * any.  There are two buffers: a change is written into the spare one, which
 * is then published by one pointer store.  A reader that was delayed over
 * two changes may see its buffer being rewritten; the buffer's generation
 * tells it to start again.  So readers write nothing, writers wait for
 * nobody, and a guest that moves its windows for ever takes no memory.
 *
 * Missing: transactions (each change of several is published by itself),
 * bus bridges that translate addresses.
 */
#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/ram_access.h"

/* A struct span that may be read while it is written. */
struct shared_span {
    _Atomic uint64_t start, size, offset;
    _Atomic(const struct region *) region;
};

struct map {
    atomic_uint generation; /* odd while it is being written */
    atomic_uint n;
    uint32_t capacity;
    struct map *next; /* of those that were outgrown */
    struct shared_span span[];
};

struct memory {
    const char *name;
    bool ones;
    pthread_mutex_t *lock;
    struct region **region; /* the one that wins comes first */
    uint32_t n, capacity;   /* of region */
    struct span *scratch;   /* room for 2 * capacity */
    _Atomic(struct map *) map;
    struct map *spare;
    struct map *outgrown; /* a late reader may still look into them */
    _Atomic uint64_t version;
    pthread_mutex_t watchers_lock; /* for changes of the list */
    struct code_watcher *watchers; /* atomic access */
};

/* ------------------------------------------------------------ guest RAM */

static uint64_t host_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

/* Bytes as MiB, rounded up so that a small excess shows. */
static unsigned long long mib(uint64_t bytes)
{
    return (bytes >> 20) + ((bytes & 0xfffff) != 0);
}

static void *map_host_memory(size_t size)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;

#ifdef MAP_NORESERVE
    flags |= MAP_NORESERVE; /* a guest rarely touches all it has */
#endif
    return mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
}

bool ram_new(struct ram **out, uint64_t size, struct error *e)
{
    uint64_t have = host_memory();
    struct ram *ram;

    if (!size)
        return error_set(e, "guest RAM of 0 bytes");
    if (have && size > have)
        return error_set(e, "%llu MiB of guest RAM: the host has %llu MiB",
                         mib(size), mib(have));
    if (size > SIZE_MAX / 2) /* else sums of sizes could wrap around */
        return error_set(e,
                         "%llu MiB of guest RAM: this host's addresses allow "
                         "less than %llu MiB",
                         mib(size), mib((uint64_t)SIZE_MAX / 2));
    size = (size + PAGE_SIZE - 1) & PAGE_MASK;
    ram = calloc(1, sizeof(*ram));
    if (!ram)
        return error_set(e, "out of memory");
    ram->size = size;
    ram->flags = calloc((size_t)(size >> PAGE_BITS), 1);
    ram->host = ram->flags ? map_host_memory((size_t)size) : MAP_FAILED;
    if (ram->host == MAP_FAILED) {
        error_set(e, "%llu MiB of guest RAM: the host refuses: %s", mib(size),
                  strerror(errno));
        free(ram->flags);
        free(ram);
        return false;
    }
    *out = ram;
    return true;
}

void ram_free(struct ram *ram)
{
    if (!ram)
        return;
    munmap(ram->host, (size_t)ram->size);
    free(ram->flags);
    free(ram);
}

/* -------------------------------------------------------- the spaces */

static struct map *map_new(uint32_t capacity)
{
    struct map *map =
        calloc(1, sizeof(*map) + capacity * sizeof(struct shared_span));

    if (map)
        map->capacity = capacity;
    return map;
}

struct memory *memory_new(const char *name, bool ones, pthread_mutex_t *lock)
{
    struct memory *m = calloc(1, sizeof(*m));

    assert(lock);
    if (!m)
        return NULL;
    m->name = name;
    m->ones = ones;
    m->lock = lock;
    pthread_mutex_init(&m->watchers_lock, NULL);
    m->spare = map_new(0);
    atomic_store(&m->map, map_new(0));
    if (!m->spare || !atomic_load(&m->map)) {
        memory_free(m);
        return NULL;
    }
    return m;
}

void memory_free(struct memory *m)
{
    if (!m)
        return;
    for (uint32_t i = 0; i < m->n; i++)
        m->region[i]->space = NULL;
    while (m->outgrown) {
        struct map *next = m->outgrown->next;

        free(m->outgrown);
        m->outgrown = next;
    }
    free(atomic_load(&m->map));
    free(m->spare);
    free(m->scratch);
    free(m->region);
    pthread_mutex_destroy(&m->watchers_lock);
    free(m);
}

pthread_mutex_t *memory_lock(struct memory *m)
{
    return m->lock;
}

uint64_t memory_version(struct memory *m)
{
    return atomic_load_explicit(&m->version, memory_order_acquire);
}

/* ------------------------------------------------- flattening the map */

static uint64_t span_last(const struct span *s)
{
    return s->start + (s->size - 1);
}

static struct span span_of(const struct region *r, uint64_t first,
                           uint64_t last)
{
    struct span s = {first, last - first + 1, r, first - r->base};

    if (r->kind == REGION_ALIAS) {
        s.region = r->target;
        s.offset += r->target_offset;
    }
    return s;
}

/* Let r fill the gaps that the n sorted spans leave; returns the new n. */
static uint32_t fill_gaps(struct span *s, uint32_t n, const struct region *r)
{
    uint64_t at = r->base, last = r->base + (r->size - 1);
    uint32_t i = 0;

    for (;;) {
        uint64_t end = last;

        while (i < n && span_last(&s[i]) < at)
            i++;
        if (i < n && s[i].start <= at) {
            end = span_last(&s[i]);
        } else {
            if (i < n && s[i].start <= last)
                end = s[i].start - 1;
            memmove(&s[i + 1], &s[i], (n - i) * sizeof(*s));
            s[i] = span_of(r, at, end);
            n++;
        }
        if (end >= last)
            return n;
        at = end + 1;
    }
}

/* A guest can move a window anywhere, past the end of the space too: there
 * it is not seen. */
static bool visible(const struct region *r)
{
    return r->enabled && r->base <= UINT64_MAX - (r->size - 1);
}

static void span_load(const struct shared_span *from, struct span *to)
{
    to->start = atomic_load_explicit(&from->start, memory_order_acquire);
    to->size = atomic_load_explicit(&from->size, memory_order_acquire);
    to->offset = atomic_load_explicit(&from->offset, memory_order_acquire);
    to->region = atomic_load_explicit(&from->region, memory_order_acquire);
}

/* Release, so that whoever sees any of it sees the odd generation too. */
static void span_store(struct shared_span *to, const struct span *from)
{
    atomic_store_explicit(&to->start, from->start, memory_order_release);
    atomic_store_explicit(&to->size, from->size, memory_order_release);
    atomic_store_explicit(&to->offset, from->offset, memory_order_release);
    atomic_store_explicit(&to->region, from->region, memory_order_release);
}

static bool map_equals(const struct map *map, const struct span *s, uint32_t n)
{
    if (atomic_load(&map->n) != n)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        struct span t;

        span_load(&map->span[i], &t);
        if (t.start != s[i].start || t.size != s[i].size ||
            t.offset != s[i].offset || t.region != s[i].region)
            return false;
    }
    return true;
}

static void map_write(struct map *map, const struct span *s, uint32_t n)
{
    assert(n <= map->capacity);
    atomic_fetch_add(&map->generation, 1);
    atomic_store_explicit(&map->n, n, memory_order_release);
    for (uint32_t i = 0; i < n; i++)
        span_store(&map->span[i], &s[i]);
    atomic_fetch_add(&map->generation, 1);
}

static void rebuild(struct memory *m)
{
    struct map *old = atomic_load(&m->map);
    uint32_t n = 0;

    for (uint32_t i = 0; i < m->n; i++)
        if (visible(m->region[i]))
            n = fill_gaps(m->scratch, n, m->region[i]);
    if (map_equals(old, m->scratch, n))
        return;
    map_write(m->spare, m->scratch, n);
    atomic_store(&m->map, m->spare);
    m->spare = old;
    /* After the map: who sees the new version must not find the old map. */
    atomic_fetch_add(&m->version, 1);
}

static void outgrow(struct memory *m, struct map *map)
{
    map->next = m->outgrown;
    m->outgrown = map;
}

/* Room for one more region.  n regions make at most 2n - 1 spans. */
static bool reserve(struct memory *m)
{
    uint32_t capacity = m->capacity ? m->capacity * 2 : 16;
    struct map *map, *spare, *old = atomic_load(&m->map);
    struct region **region;
    struct span *scratch;

    if (m->n < m->capacity)
        return true;
    region = realloc(m->region, capacity * sizeof(struct region *));
    m->region = region ? region : m->region;
    scratch = realloc(m->scratch, 2 * capacity * sizeof(*scratch));
    m->scratch = scratch ? scratch : m->scratch;
    map = map_new(2 * capacity);
    spare = map_new(2 * capacity);
    if (!region || !scratch || !map || !spare) {
        free(map);
        free(spare);
        return false;
    }
    m->capacity = capacity;
    for (uint32_t i = 0; i < atomic_load(&old->n); i++)
        span_load(&old->span[i], &m->scratch[i]);
    map_write(map, m->scratch, atomic_load(&old->n));
    atomic_store(&m->map, map);
    outgrow(m, old);
    outgrow(m, m->spare);
    m->spare = spare;
    return true;
}

/* Is [offset, offset + size) within [0, whole)? */
static bool within(uint64_t offset, uint64_t size, uint64_t whole)
{
    return offset <= whole && size <= whole - offset;
}

static bool check_backing(const struct region *r, struct error *e)
{
    switch (r->kind) {
    case REGION_RAM:
    case REGION_ROM:
        if (!r->ram || !within(r->ram_offset, r->size, r->ram->size))
            return error_set(e, "region '%s' is larger than its RAM", r->name);
        return true;
    case REGION_MMIO:
        return r->ops || error_set(e, "region '%s' has no device", r->name);
    default:
        return error_set(e, "region '%s' is an alias of an alias", r->name);
    }
}

static bool check_region(const struct memory *m, const struct region *r,
                         struct error *e)
{
    if (r->space)
        return error_set(e, "region '%s' is in an address space already",
                         r->name);
    if (!r->size)
        return error_set(e, "region '%s' is empty", r->name);
    if (r->base > UINT64_MAX - (r->size - 1))
        return error_set(e, "region '%s' at 0x%llx ends beyond the %s space",
                         r->name, (unsigned long long)r->base, m->name);
    if (r->kind != REGION_ALIAS)
        return check_backing(r, e);
    if (!r->target || !within(r->target_offset, r->size, r->target->size))
        return error_set(e, "region '%s' is larger than its target", r->name);
    return check_backing(r->target, e);
}

bool memory_add(struct memory *m, struct region *r, struct error *e)
{
    uint32_t i = 0;

    if (!check_region(m, r, e))
        return false;
    if (!reserve(m))
        return error_set(e, "out of memory");
    while (i < m->n && m->region[i]->priority > r->priority)
        i++;
    memmove(&m->region[i + 1], &m->region[i],
            (m->n - i) * sizeof(struct region *));
    m->region[i] = r;
    m->n++;
    r->space = m;
    rebuild(m);
    return true;
}

void memory_remove(struct region *r)
{
    struct memory *m = r->space;
    uint32_t i = 0;

    if (!m)
        return;
    while (m->region[i] != r)
        i++;
    m->n--;
    memmove(&m->region[i], &m->region[i + 1],
            (m->n - i) * sizeof(struct region *));
    r->space = NULL;
    rebuild(m);
}

void memory_move(struct region *r, uint64_t base)
{
    if (r->base == base)
        return;
    r->base = base;
    if (r->space)
        rebuild(r->space);
}

void memory_enable(struct region *r, bool enabled)
{
    if (r->enabled == enabled)
        return;
    r->enabled = enabled;
    if (r->space)
        rebuild(r->space);
}

void memory_retarget(struct region *r, uint64_t offset)
{
    if (r->target_offset == offset)
        return;
    r->target_offset = offset;
    if (r->space && r->enabled)
        rebuild(r->space);
}

/* ------------------------------------------------------------- look-up */

/* The last span that starts at or before pa, if it reaches there. */
static bool map_find(const struct map *map, uint64_t pa, struct span *out)
{
    uint32_t low = 0;
    uint32_t high = atomic_load_explicit(&map->n, memory_order_acquire);

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (atomic_load_explicit(&map->span[mid].start, memory_order_acquire) <=
            pa)
            low = mid + 1;
        else
            high = mid;
    }
    if (!low)
        return false;
    span_load(&map->span[low - 1], out);
    return pa - out->start < out->size;
}

bool memory_find(struct memory *m, uint64_t pa, struct span *out)
{
    for (;;) {
        struct map *map = atomic_load_explicit(&m->map, memory_order_acquire);
        unsigned g =
            atomic_load_explicit(&map->generation, memory_order_acquire);
        bool found = map_find(map, pa, out);

        if (!(g & 1) &&
            atomic_load_explicit(&map->generation, memory_order_acquire) == g)
            return found;
    }
}

static bool is_ram(const struct span *s, bool rom_too)
{
    return s->region->kind == REGION_RAM ||
           (rom_too && s->region->kind == REGION_ROM);
}

/* Byte offset of pa in the struct ram behind s. */
static uint64_t ram_offset(const struct span *s, uint64_t pa)
{
    return s->region->ram_offset + s->offset + (pa - s->start);
}

static bool holds(const struct span *s, uint64_t pa, uint64_t size)
{
    return within(pa - s->start, size, s->size);
}

uint8_t *memory_host(struct memory *m, uint64_t pa, uint64_t size, bool write)
{
    struct span s;

    if (!memory_find(m, pa, &s) || !is_ram(&s, !write) || !holds(&s, pa, size))
        return NULL;
    return s.region->ram->host + ram_offset(&s, pa);
}

/* -------------------------------------------------- bytes of guest RAM */

/*
 * Aligned accesses are single and ordered (acquire, release): another vCPU
 * or a device may be at the same place, and a virtqueue's index must not be
 * seen before the entry that it announces.
 */
static uint64_t ram_load(const uint8_t *p, unsigned size)
{
    if ((uintptr_t)p & (size - 1))
        return ram_ld(p, size);
    switch (size) {
    case 1:
        return __atomic_load_n(p, __ATOMIC_ACQUIRE);
    case 2:
        return BASE_LE(16, __atomic_load_n((const ram_u16 *)p, __ATOMIC_ACQUIRE));
    case 4:
        return BASE_LE(32, __atomic_load_n((const ram_u32 *)p, __ATOMIC_ACQUIRE));
    default:
        return BASE_LE(64, __atomic_load_n((const ram_u64 *)p, __ATOMIC_ACQUIRE));
    }
}

static void ram_store(uint8_t *p, uint64_t v, unsigned size)
{
    if ((uintptr_t)p & (size - 1)) {
        ram_st(p, v, size);
        return;
    }
    switch (size) {
    case 1:
        __atomic_store_n(p, (uint8_t)v, __ATOMIC_RELEASE);
        break;
    case 2:
        __atomic_store_n((ram_u16 *)p, BASE_LE(16, (uint16_t)v),
                         __ATOMIC_RELEASE);
        break;
    case 4:
        __atomic_store_n((ram_u32 *)p, BASE_LE(32, (uint32_t)v),
                         __ATOMIC_RELEASE);
        break;
    default:
        __atomic_store_n((ram_u64 *)p, BASE_LE(64, v), __ATOMIC_RELEASE);
    }
}

/* ----------------------------------------------------------- code pages */

void memory_watch_code(struct memory *m, struct code_watcher *w)
{
    pthread_mutex_lock(&m->watchers_lock);
    w->next = m->watchers;
    __atomic_store_n(&m->watchers, w, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&m->watchers_lock);
}

/* A thread that is inside memory_wrote() may still call w: the caller stops
 * the vCPUs first. */
void memory_unwatch_code(struct memory *m, struct code_watcher *w)
{
    struct code_watcher **p = &m->watchers;

    pthread_mutex_lock(&m->watchers_lock);
    while (*p && *p != w)
        p = &(*p)->next;
    if (*p)
        __atomic_store_n(p, w->next, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&m->watchers_lock);
}

static void tell_watchers(struct memory *m, struct ram *ram, uint64_t offset,
                          uint64_t size)
{
    struct code_watcher *w = __atomic_load_n(&m->watchers, __ATOMIC_ACQUIRE);

    for (; w; w = __atomic_load_n(&w->next, __ATOMIC_ACQUIRE))
        w->wrote(w->owner, ram, offset, size);
}

/* Page `host` is news to all but w; true: one of them is running. */
static bool announce(struct memory *m, const struct code_watcher *w,
                     const uint8_t *host)
{
    struct code_watcher *other =
        __atomic_load_n(&m->watchers, __ATOMIC_ACQUIRE);
    bool running = false;

    for (; other; other = __atomic_load_n(&other->next, __ATOMIC_ACQUIRE))
        if (other != w && other->armed)
            running |= other->armed(other->owner, host);
    return running;
}

/*
 * A decoder counts itself in, by a read-modify-write with acquire, and then
 * reads the page.  Ours on the same byte comes before or after: before, and
 * the decoder sees the new bytes; after, and we see RAM_CODE.  A plain load
 * of the flag would leave a gap between the two.
 */
bool memory_arm_code(struct memory *m, const struct code_watcher *w,
                     struct ram *ram, uint64_t offset)
{
    __atomic_fetch_add(&ram->flags[offset >> PAGE_BITS], RAM_CODE_ONE,
                       __ATOMIC_SEQ_CST);
    return announce(m, w, ram->host + offset);
}

bool memory_code_settled(struct memory *m, const struct code_watcher *w)
{
    struct code_watcher *other =
        __atomic_load_n(&m->watchers, __ATOMIC_ACQUIRE);

    for (; other; other = __atomic_load_n(&other->next, __ATOMIC_ACQUIRE))
        if (other != w && other->settled && !other->settled(other->owner))
            return false;
    return true;
}

void memory_disarm_code(struct ram *ram, uint64_t offset)
{
    __atomic_fetch_sub(&ram->flags[offset >> PAGE_BITS], RAM_CODE_ONE,
                       __ATOMIC_RELEASE);
}

void memory_wrote(struct memory *m, struct ram *ram, uint64_t offset,
                  uint64_t size)
{
    assert(within(offset, size, ram->size));
    while (size) {
        uint64_t n = PAGE_SIZE - (offset & (PAGE_SIZE - 1));
        uint8_t flags = __atomic_fetch_or(&ram->flags[offset >> PAGE_BITS],
                                          RAM_DIRTY, __ATOMIC_ACQ_REL);

        n = n < size ? n : size;
        if (flags & RAM_CODE)
            tell_watchers(m, ram, offset, n);
        offset += n;
        size -= n;
    }
}

bool memory_take_dirty(struct memory *m, struct ram *ram, uint64_t offset)
{
    uint8_t *flags = &ram->flags[offset >> PAGE_BITS];

    if (!(__atomic_load_n(flags, __ATOMIC_RELAXED) & RAM_DIRTY))
        return false;
    __atomic_fetch_and(flags, (uint8_t)~RAM_DIRTY, __ATOMIC_SEQ_CST);
    announce(m, NULL, ram->host + (offset & PAGE_MASK));
    return true;
}

/* ---------------------------------------------------------------- MMIO */

static uint64_t low_bytes(uint64_t v, unsigned size)
{
    return size < 8 ? v & (((uint64_t)1 << size * 8) - 1) : v;
}

/* The width that the device is asked in: the largest that it has up to
 * size, else the smallest above it. */
static unsigned device_width(const struct mmio_ops *ops, unsigned size)
{
    unsigned impl = (ops->impl ? ops->impl : 1 | 2 | 4) & 15;
    unsigned narrower = impl & (2 * size - 1);
    unsigned w = 8;

    if (!narrower)
        return impl & (~impl + 1);
    while (!(narrower & w))
        w /= 2;
    return w;
}

/* Rules of struct mmio_ops; nothing has happened yet. */
static bool mmio_accepts(const struct mmio_ops *ops, uint64_t offset,
                         unsigned size, bool write)
{
    unsigned accept = ops->accept ? ops->accept : 1 | 2 | 4;
    unsigned w = device_width(ops, size);

    if (!(accept & size) || (!ops->unaligned && (offset & (size - 1))))
        return false;
    if (w <= size)
        return true;
    /* One access of the device must cover it, and a write would clear the
     * bytes beside it: only where that was asked for by name. */
    return (offset & (w - 1)) + size <= w && (!write || (ops->accept & size));
}

static uint64_t mmio_read(const struct region *r, uint64_t offset,
                          unsigned size)
{
    unsigned w = device_width(r->ops, size);
    uint64_t v = 0;

    if (w > size) {
        unsigned skip = (unsigned)(offset & (w - 1));

        v = r->ops->read(r->owner, offset - skip, w) >> skip * 8;
        return low_bytes(v, size);
    }
    for (unsigned i = 0; i < size; i += w)
        v |= low_bytes(r->ops->read(r->owner, offset + i, w), w) << i * 8;
    return v;
}

static void mmio_write(const struct region *r, uint64_t offset, uint64_t v,
                       unsigned size)
{
    unsigned w = device_width(r->ops, size);

    v = low_bytes(v, size);
    if (w > size) {
        unsigned skip = (unsigned)(offset & (w - 1));

        r->ops->write(r->owner, offset - skip, v << skip * 8, w);
        return;
    }
    for (unsigned i = 0; i < size; i += w)
        r->ops->write(r->owner, offset + i, low_bytes(v >> i * 8, w), w);
}

/* --------------------------------------------------------- CPU accesses */

/* Is this access the device's, not the memory's? */
static bool is_mmio(const struct region *r, bool write)
{
    return r->kind == REGION_MMIO ||
           (write && r->kind == REGION_ROM && r->ops);
}

/* One access in one span; under the device lock if it is MMIO. */
static enum bus_result span_access(struct memory *m, const struct span *s,
                                   uint64_t pa, unsigned size, uint64_t *v,
                                   bool write)
{
    const struct region *r = s->region;
    uint64_t offset = s->offset + (pa - s->start);

    if (is_mmio(r, write)) {
        if (!mmio_accepts(r->ops, offset, size, write))
            return BUS_REFUSED;
        if (write)
            mmio_write(r, offset, *v, size);
        else
            *v = mmio_read(r, offset, size);
        return BUS_OK;
    }
    offset += r->ram_offset;
    if (!write) {
        *v = ram_load(r->ram->host + offset, size);
    } else if (r->kind == REGION_RAM) {
        ram_store(r->ram->host + offset, *v, size);
        memory_wrote(m, r->ram, offset, size);
    }
    return BUS_OK;
}


static enum bus_result check_bytes(struct memory *m, uint64_t pa, unsigned size,
                                   bool write)
{
    for (unsigned i = 0; i < size; i++) {
        struct span s;

        if (pa > UINT64_MAX - i || !memory_find(m, pa + i, &s))
            return BUS_UNMAPPED;
        if (is_mmio(s.region, write) &&
            !mmio_accepts(s.region->ops, s.offset + (pa + i - s.start), 1,
                          write))
            return BUS_REFUSED;
    }
    return BUS_OK;
}

/* An access that no single span holds: byte by byte, but only if each byte
 * will be taken.  Under the device lock. */
static enum bus_result split_access(struct memory *m, uint64_t pa,
                                    unsigned size, uint64_t *v, bool write)
{
    enum bus_result result = check_bytes(m, pa, size, write);
    uint64_t all = 0;

    for (unsigned i = 0; i < size && result == BUS_OK; i++) {
        uint64_t byte = write ? *v >> i * 8 & 0xff : 0;
        struct span s;

        result = memory_find(m, pa + i, &s)
                     ? span_access(m, &s, pa + i, 1, &byte, write)
                     : BUS_UNMAPPED;
        all |= byte << i * 8;
    }
    if (!write && result == BUS_OK)
        *v = all;
    return result;
}

/*
 * A space that answers in ones has no errors: what no device takes as a whole
 * goes to it in halves, as a PC's bridges do it with wide cycles for narrow
 * chips, and single bytes that none takes are nowhere.
 */
static void in_halves(struct memory *m, uint64_t pa, unsigned size, uint64_t *v,
                      bool write)
{
    unsigned half = size / 2;
    uint64_t low, high;
    struct span s;

    if (memory_find(m, pa, &s) && holds(&s, pa, size) &&
        span_access(m, &s, pa, size, v, write) == BUS_OK)
        return;
    if (size == 1) {
        *v = write ? *v : 0xff;
        return;
    }
    low = write ? low_bytes(*v, half) : 0;
    high = write ? low_bytes(*v >> half * 8, half) : 0;
    in_halves(m, pa, half, &low, write);
    in_halves(m, pa + half, half, &high, write); /* around the end: x86 */
    if (!write)
        *v = low | high << half * 8;
}

static enum bus_result access_any(struct memory *m, uint64_t pa, unsigned size,
                                  uint64_t *v, bool write)
{
    enum bus_result result;
    struct span s;

    if (memory_find(m, pa, &s) && holds(&s, pa, size) &&
        !is_mmio(s.region, write))
        return span_access(m, &s, pa, size, v, write);
    /* Under the lock the map stands still: look again. */
    pthread_mutex_lock(m->lock);
    if (m->ones) {
        in_halves(m, pa, size, v, write);
        pthread_mutex_unlock(m->lock);
        return BUS_OK;
    }
    if (!memory_find(m, pa, &s))
        s.size = 0;
    if (s.size && holds(&s, pa, size))
        result = span_access(m, &s, pa, size, v, write);
    else if (size > 1)
        result = split_access(m, pa, size, v, write);
    else
        result = BUS_UNMAPPED;
    pthread_mutex_unlock(m->lock);
    return result;
}

enum bus_result memory_read(struct memory *m, uint64_t pa, unsigned size,
                            uint64_t *value)
{
    return access_any(m, pa, size, value, false);
}

enum bus_result memory_write(struct memory *m, uint64_t pa, unsigned size,
                             uint64_t value)
{
    return access_any(m, pa, size, &value, true);
}

/* What the hint knows is of one version of the map, which stands still under
 * the lock: neither a region that has moved nor one that is gone is touched. */
static enum bus_result access_hinted(struct memory *m, struct memory_hint *hint,
                                     uint64_t pa, unsigned size, uint64_t *v,
                                     bool write)
{
    enum bus_result result = BUS_REFUSED;

    pthread_mutex_lock(m->lock);
    if (hint->version != memory_version(m) || !holds(&hint->span, pa, size)) {
        hint->version = memory_version(m);
        if (!memory_find(m, pa, &hint->span))
            hint->span.size = 0;
    }
    if (holds(&hint->span, pa, size))
        result = span_access(m, &hint->span, pa, size, v, write);
    pthread_mutex_unlock(m->lock);
    return result == BUS_OK ? result : access_any(m, pa, size, v, write);
}

enum bus_result memory_read_hinted(struct memory *m, struct memory_hint *hint,
                                   uint64_t pa, unsigned size, uint64_t *value)
{
    return access_hinted(m, hint, pa, size, value, false);
}

enum bus_result memory_write_hinted(struct memory *m, struct memory_hint *hint,
                                    uint64_t pa, unsigned size, uint64_t value)
{
    return access_hinted(m, hint, pa, size, &value, true);
}

/* ----------------------------------------------------------------- DMA */

/* Is all of it RAM (or ROM)? */
static bool all_ram(struct memory *m, uint64_t pa, uint64_t size, bool rom_too)
{
    if (size && pa > UINT64_MAX - (size - 1))
        return false;
    while (size) {
        struct span s;
        uint64_t n;

        if (!memory_find(m, pa, &s) || !is_ram(&s, rom_too))
            return false;
        n = s.size - (pa - s.start);
        n = n < size ? n : size;
        pa += n;
        size -= n;
    }
    return true;
}

/* Words as words, see ram_load(); all else in bulk. */
static void ram_get(const uint8_t *from, uint8_t *to, uint64_t size)
{
    if (size == 2 || size == 4 || size == 8)
        st_le(to, ram_load(from, (unsigned)size), (unsigned)size);
    else
        ram_read(to, from, (size_t)size);
}

static void ram_put(uint8_t *to, const uint8_t *from, uint64_t size)
{
    if (size == 2 || size == 4 || size == 8)
        ram_store(to, ld_le(from, (unsigned)size), (unsigned)size);
    else
        ram_write(to, from, (size_t)size);
}

/* Exactly one of out and in is not NULL. */
static bool copy(struct memory *m, uint64_t pa, uint8_t *out, const uint8_t *in,
                 uint64_t size, bool rom_too)
{
    if (!all_ram(m, pa, size, rom_too))
        return false;
    while (size) {
        uint64_t n, offset;
        struct span s;

        if (!memory_find(m, pa, &s) || !is_ram(&s, rom_too))
            return false; /* only if the caller lacks the device lock */
        n = s.size - (pa - s.start);
        n = n < size ? n : size;
        offset = ram_offset(&s, pa);
        if (out) {
            ram_get(s.region->ram->host + offset, out, n);
            out += n;
        } else {
            ram_put(s.region->ram->host + offset, in, n);
            memory_wrote(m, s.region->ram, offset, n);
            in += n;
        }
        pa += n;
        size -= n;
    }
    return true;
}

bool dma_read(struct memory *m, uint64_t pa, void *out, uint64_t size)
{
    return copy(m, pa, out, NULL, size, true);
}

bool dma_write(struct memory *m, uint64_t pa, const void *in, uint64_t size)
{
    return copy(m, pa, NULL, in, size, false);
}

bool memory_msi(struct memory *m, uint64_t pa, uint32_t data)
{
    uint64_t value = data;
    uint8_t bytes[4];
    struct span s;

    if (pa % 4 || !memory_find(m, pa, &s))
        return false;
    if (s.region->kind == REGION_MMIO && s.region->ops->msi)
        return span_access(m, &s, pa, 4, &value, true) == BUS_OK;
    st_le32(bytes, data);
    return dma_write(m, pa, bytes, 4);
}

bool memory_poke(struct memory *m, uint64_t pa, const void *in, uint64_t size)
{
    return copy(m, pa, NULL, in, size, true);
}
