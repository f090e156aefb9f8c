/*
 * The soft TLB's slow side: filling it, and every access that the fast path
 * refuses - MMIO, code pages, page crossings, faults.
 *
 * A tag holds a page and a context number; a guest's class gives numbers to
 * its address spaces and modes, so that switching between them flushes
 * nothing.  Pages that hold decoded code, or that dirty logging watches, get
 * no write entry: writes to them come here each time.
 */
#include "cpu/core/engine.h"
#include "cpu/core/lockstep.h"

static void clear_table(struct tlb_entry *t, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        t[i].tag = TLB_EMPTY;
}

void tlb_forget_near(struct cpu *c)
{
    for (unsigned i = 0; i < NEAR_SLOTS; i++)
        c->near_read.page[i] = c->near_write.page[i] = NEAR_EMPTY;
}

static void near_forget_page(struct tlb_near *near, uint64_t page)
{
    for (unsigned i = 0; i < NEAR_SLOTS; i++)
        if (near->page[i] == page)
            near->page[i] = NEAR_EMPTY;
}

void tlb_forget_global(struct cpu *c)
{
    if (c->lockstep)
        lockstep_note_all(c);
    for (unsigned a = 0; a < 3; a++)
        clear_table(c->global[a], GLOBAL_TLB_SIZE);
}

static struct tlb_entry *global_entry(struct cpu *c, uint64_t va,
                                      enum access access)
{
    return &c->global[access][va >> PAGE_BITS & (GLOBAL_TLB_SIZE - 1)];
}

static uint64_t global_context(const struct cpu *c, enum access access)
{
    return access == ACCESS_FETCH ? c->global_fetch : c->global_data;
}

void tlb_note_global(struct cpu *c, const struct tlb_entry *e, uint64_t va,
                     enum access access)
{
    const uint64_t context = global_context(c, access);
    struct tlb_entry *kept = global_entry(c, va, access);

    /* Lockstep has to hear of first writes: it keeps no such entries. */
    if (!context || (c->lockstep && access == ACCESS_WRITE))
        return;
    if (c->lockstep)
        lockstep_note(c, kept);
    *kept = (struct tlb_entry){(va & PAGE_MASK) | context, e->addend};
}

bool tlb_from_global(struct cpu *c, struct tlb_entry *e, uint64_t va,
                     enum access access)
{
    const struct tlb_entry *kept = global_entry(c, va, access);
    const uint64_t context = global_context(c, access);

    if (!context || kept->tag != ((va & PAGE_MASK) | context))
        return false;
    if (c->lockstep)
        lockstep_note(c, e);
    e->addend = kept->addend;
    e->tag = (va & PAGE_MASK) |
             (access == ACCESS_FETCH ? c->fetch_context : c->data_context);
    return true;
}

/* Lockstep keeps none, see note_device(). */
static void forget_devices(struct cpu *c)
{
    for (unsigned i = 0; i < DEVICE_TLB_SIZE; i++)
        c->device[ACCESS_READ][i].tag = c->device[ACCESS_WRITE][i].tag =
            TLB_EMPTY;
}

void cpu_flush_tlb(struct cpu *c)
{
    if (c->lockstep)
        lockstep_note_all(c);
    clear_table(c->read, TLB_SIZE);
    clear_table(c->write, TLB_SIZE);
    clear_table(c->fetch, FETCH_TLB_SIZE);
    tlb_forget_near(c);
    tlb_forget_global(c);
    forget_devices(c);
    jcache_empty(c);
    memset(&c->ram_hint, 0, sizeof(c->ram_hint));
    c->large_first = UINT64_MAX;
    c->large_last = 0;
    if (c->jit)
        c->jit->forget(c);
}

/* -------------------------------------------------------- the jump cache */

static unsigned jcache_set(uint64_t pc)
{
    return (unsigned)(pc >> PAGE_BITS) % JCACHE_SETS;
}

/* Empty all entries that the set's pages have filled. */
static void empty_set(struct cpu *c, unsigned set)
{
    for (unsigned i = 0; i < c->jcache_notes[set].n; i++) {
        struct jcache_entry *e = &c->jcache[c->jcache_notes[set].entries[i]];

        if (jcache_set(e->pc) == set)
            e->context = UINT64_MAX;
    }
    c->jcache_notes[set].n = 0;
}

void jcache_add(struct cpu *c, uint64_t pc, const struct rec *r)
{
    struct jcache_entry *e = &c->jcache[jcache_index(pc)];
    const unsigned set = jcache_set(pc);

    if (e->context == UINT64_MAX || jcache_set(e->pc) != set) {
        if (c->jcache_notes[set].n == JCACHE_NOTES)
            empty_set(c, set);
        c->jcache_notes[set].entries[c->jcache_notes[set].n++] =
            (uint16_t)(e - c->jcache);
    }
    if (c->lockstep)
        lockstep_note_jump(c, e);
    e->pc = pc;
    e->context = c->jump_context;
    e->rec = r;
    e->code = c->jit ? c->jit->look : NULL;
}

void jcache_empty(struct cpu *c)
{
    for (unsigned set = 0; set < JCACHE_SETS; set++)
        empty_set(c, set);
}

void jcache_forget_page(struct cpu *c, uint64_t va)
{
    const unsigned set = jcache_set(va);

    for (unsigned i = 0; i < c->jcache_notes[set].n; i++) {
        struct jcache_entry *e = &c->jcache[c->jcache_notes[set].entries[i]];

        if (((e->pc ^ va) & PAGE_MASK) == 0)
            e->context = UINT64_MAX;
    }
}

void cpu_note_large(struct cpu *c, uint64_t va, uint64_t size)
{
    uint64_t first = va & ~(size - 1), last = first + (size - 1);

    if (first < c->large_first)
        c->large_first = first;
    if (last > c->large_last)
        c->large_last = last;
}

static void clear_entry(struct cpu *c, struct tlb_entry *e, uint64_t va)
{
    if (((e->tag ^ va) & PAGE_MASK) != 0)
        return;
    if (c->lockstep)
        lockstep_note(c, e);
    e->tag = TLB_EMPTY;
}

bool cpu_flush_page(struct cpu *c, uint64_t va)
{
    if (va >= c->large_first && va <= c->large_last)
        return false;
    clear_entry(c, &c->read[tlb_index(va)], va);
    clear_entry(c, &c->write[tlb_index(va)], va);
    clear_entry(c, &c->fetch[fetch_index(va)], va);
    for (enum access a = ACCESS_READ; a <= ACCESS_FETCH; a++)
        clear_entry(c, global_entry(c, va, a), va);
    tlb_forget_near(c);
    forget_devices(c); /* they are few, and may be parts of a large page */
    if (c->jit)
        c->jit->forget_page(c, va);
    jcache_forget_page(c, va);
    return true;
}

uint8_t *cpu_ram(struct cpu *c, uint64_t pa, unsigned size, struct ram **ram)
{
    uint64_t at = pa - c->ram_hint.first;
    const struct region *r;
    struct span s;

    if (at >= c->ram_hint.size || c->ram_hint.size - at < size) {
        if (!memory_find(c->env.memory, pa, &s) || s.region->kind != REGION_RAM)
            return NULL;
        r = s.region;
        c->ram_hint.first = s.start;
        c->ram_hint.size = s.size;
        c->ram_hint.ram = r->ram;
        c->ram_hint.host = r->ram->host + r->ram_offset + s.offset;
        at = pa - s.start;
        if (s.size - at < size)
            return NULL;
    }
    *ram = c->ram_hint.ram;
    return c->ram_hint.host + at;
}

/* Where an access of one page ends up. */
struct place {
    uint64_t pa;
    uint8_t *host; /* RAM or ROM; NULL: MMIO */
    struct ram *ram;
    bool rom;
};

static struct tlb_entry *tlb_entry(struct cpu *c, uint64_t va,
                                   enum access access)
{
    return &(access == ACCESS_WRITE ? c->write : c->read)[tlb_index(va)];
}

static void fill(struct cpu *c, enum access access, uint64_t va,
                 const uint8_t *host, bool global)
{
    struct tlb_entry *e = tlb_entry(c, va, access);

    if (c->lockstep)
        lockstep_note(c, e);
    e->tag = (va & PAGE_MASK) | c->data_context;
    e->addend = (uintptr_t)host - (uintptr_t)va;
    /* What the page was before: a fault that the walk ended, and a new entry
     * behind it, take the place of a flush. */
    near_forget_page(access == ACCESS_WRITE ? &c->near_write : &c->near_read,
                     va & PAGE_MASK);
    if (global)
        tlb_note_global(c, e, va, access);
}

/* ROM is readable RAM, and a flash's writes are the device's; everything else
 * is the bus's.  Tells whether all of pa's page is of the same ROM. */
static bool find_rom(struct cpu *c, uint64_t pa, bool write, struct place *out)
{
    uint64_t page = pa & PAGE_MASK;
    struct span s;

    if (!memory_find(c->env.memory, pa, &s) || s.region->kind == REGION_MMIO)
        return false;
    out->rom = s.region->kind == REGION_ROM;
    if (write && out->rom && s.region->ops)
        return false;
    out->ram = s.region->ram;
    out->host =
        out->ram->host + s.region->ram_offset + s.offset + (pa - s.start);
    return out->rom && s.start <= page &&
           s.size - (page - s.start) >= PAGE_SIZE;
}

static struct device_entry *device_entry(struct cpu *c, uint64_t va,
                                         enum access access)
{
    return &c->device[access][va >> PAGE_BITS & (DEVICE_TLB_SIZE - 1)];
}

/* Does an access that lies on one page go to registers, as the one before it?
 * Then to those at *pa. */
static bool device_hit(struct cpu *c, enum access access, uint64_t va,
                       uint64_t *pa)
{
    const struct device_entry *e = device_entry(c, va, access);

    if (e->tag != ((va & PAGE_MASK) | c->data_context))
        return false;
    *pa = e->pa | (va & ~PAGE_MASK);
    return true;
}

static void forget_device(struct cpu *c, uint64_t va)
{
    for (enum access a = ACCESS_READ; a <= ACCESS_WRITE; a++)
        if (((device_entry(c, va, a)->tag ^ va) & PAGE_MASK) == 0)
            device_entry(c, va, a)->tag = TLB_EMPTY;
}

/* A walk has found registers.  In lockstep each of two runs has to walk, for
 * the bits that it sets in page tables. */
static void note_device(struct cpu *c, uint64_t va, const struct translation *t)
{
    const struct device_entry e = {(va & PAGE_MASK) | c->data_context,
                                   t->pa & PAGE_MASK};

    if (t->page < PAGE_SIZE || c->lockstep)
        return;
    if (t->read)
        *device_entry(c, va, ACCESS_READ) = e;
    if (t->write)
        *device_entry(c, va, ACCESS_WRITE) = e;
}

/* Is pa in the page of registers that this CPU has for itself? */
static bool is_own(const struct cpu *c, uint64_t pa)
{
    return c->wires.own.read && (pa & PAGE_MASK) == c->wires.own.address;
}

/*
 * Translate, find what is there, and fill the TLB if that is RAM.  false:
 * an exception is pending.
 */
static bool find_place(struct cpu *c, uint64_t va, unsigned size,
                       enum access access, struct place *out)
{
    struct translation t;
    uint64_t in_page;
    uint8_t *page, *flags;
    bool rom_page = false;

    /* What this walk says of the page counts, even that it faults. */
    forget_device(c, va);
    if (!c->class->translate(c, va, size, access, false, &t))
        return false;
    out->pa = t.pa;
    out->rom = false;
    out->host = NULL;
    if (is_own(c, t.pa)) {
        note_device(c, va, &t);
        return true;
    }
    in_page = t.pa & ~PAGE_MASK;
    /* An entry covers a page: all of it must be RAM. */
    page = cpu_ram(c, t.pa & PAGE_MASK, PAGE_SIZE, &out->ram);
    out->host = page ? page + in_page : NULL;
    if (!page)
        rom_page = find_rom(c, t.pa, access == ACCESS_WRITE, out);
    if (!out->host)
        note_device(c, va, &t);
    if (access == ACCESS_WRITE && out->host && !out->rom)
        cpu_will_write(c, out->ram, out->host, t.pa);
    if ((!page && !rom_page) || t.page < PAGE_SIZE)
        return true;
    if (t.page > PAGE_SIZE)
        cpu_note_large(c, va, t.page);
    if (t.read)
        fill(c, ACCESS_READ, va, out->host, t.global);
    if (rom_page)
        return true;
    flags = &out->ram->flags[(uint64_t)(page - out->ram->host) >> PAGE_BITS];
    if (t.write &&
        (__atomic_load_n(flags, __ATOMIC_RELAXED) & (RAM_CODE | RAM_DIRTY)) ==
            RAM_DIRTY &&
        (!c->lockstep || lockstep_saved(c, out->host)))
        fill(c, ACCESS_WRITE, va, out->host, t.global);
    return true;
}

/* Bytes of an access at va that lie on its first page. */
static unsigned first_part(uint64_t va, unsigned size)
{
    uint64_t left = PAGE_SIZE - (va & ~PAGE_MASK);

    return left < size ? (unsigned)left : size;
}

/* Does the guest mind that this access crosses a page? */
static bool may_cross(struct cpu *c, uint64_t va, unsigned part, unsigned size)
{
    return part == size || !c->class->crosses || c->class->crosses(c, va, size);
}

/* An access to the CPU's own page. */
static void own_access(struct cpu *c, uint64_t pa, unsigned size,
                       uint64_t *value, bool write)
{
    const struct cpu_own_page *own = &c->wires.own;
    pthread_mutex_t *lock = memory_lock(c->env.memory);
    uint64_t offset = pa & ~PAGE_MASK;

    pthread_mutex_lock(lock);
    if (write)
        own->write(own->owner, own->cpu, offset, *value, size);
    else
        *value = own->read(own->owner, own->cpu, offset, size);
    pthread_mutex_unlock(lock);
}

/* A device may not accept this width or place: byte by byte is not the
 * same access, so it is a fault. */
static bool bus_load(struct cpu *c, uint64_t va, uint64_t pa, unsigned size,
                     uint64_t *value)
{
    enum bus_result result = BUS_OK;

    if (cpu_outside(c))
        return false;
    if (is_own(c, pa))
        own_access(c, pa, size, value, false);
    else
        result =
            memory_read_hinted(c->env.memory, &c->memory_hint, pa, size, value);
    cpu_notice_kick(c);
    if (result == BUS_OK)
        return true;
    c->class->bus_fault(c, va, ACCESS_READ);
    return false;
}

static bool bus_store(struct cpu *c, uint64_t va, uint64_t pa, unsigned size,
                      uint64_t value)
{
    enum bus_result result = BUS_OK;

    if (cpu_outside(c))
        return false;
    if (is_own(c, pa))
        own_access(c, pa, size, &value, true);
    else
        result = memory_write_hinted(c->env.memory, &c->memory_hint, pa, size,
                                     value);
    cpu_notice_kick(c);
    if (result == BUS_OK)
        return true;
    c->class->bus_fault(c, va, ACCESS_WRITE);
    return false;
}

static bool read_part(struct cpu *c, uint64_t va, const struct place *p,
                      unsigned size, uint8_t *out)
{
    if (p->host) {
        ram_read(out, p->host, size);
        return true;
    }
    for (unsigned i = 0; i < size; i++) {
        uint64_t v;

        if (!bus_load(c, va + i, p->pa + i, 1, &v))
            return false;
        out[i] = (uint8_t)v;
    }
    return true;
}

/* Every access of the slow side begins here; helpers come without having
 * looked in the TLB. */
static void *tlb_hit(struct cpu *c, enum access access, uint64_t va,
                     unsigned size)
{
    struct tlb_entry *e = tlb_entry(c, va, access);

    cpu_watch_end(c);
    if (TLB_MISS(e, va, size) &&
        (first_part(va, size) != size || !tlb_from_global(c, e, va, access)))
        return NULL;
    return tlb_host(e, va);
}

enum tlb_found tlb_want(struct cpu *c, uint64_t va, unsigned size,
                        enum access access)
{
    struct place p;
    uint64_t pa;

    if (first_part(va, size) != size || isa_address(c, va) != va)
        return TLB_NONE;
    if (tlb_hit(c, access, va, size))
        return TLB_FOUND;
    if (device_hit(c, access, va, &pa))
        return TLB_NONE;
    if (!find_place(c, va, size, access, &p))
        return TLB_FAULT;
    return tlb_hit(c, access, va, size) ? TLB_FOUND : TLB_NONE;
}

bool cpu_load(struct cpu *c, uint64_t va, unsigned size, uint64_t *value)
{
    unsigned part = first_part(va, size);
    const uint64_t rest = isa_address(c, va + part);
    const void *hit = tlb_hit(c, ACCESS_READ, va, size);
    struct place p, q;
    uint8_t bytes[8] = {0};
    uint64_t pa;

    if (hit) {
        *value = ram_ld(hit, size);
        return true;
    }
    if (part == size && device_hit(c, ACCESS_READ, va, &pa))
        return bus_load(c, va, pa, size, value);
    if (!may_cross(c, va, part, size) ||
        !find_place(c, va, part, ACCESS_READ, &p))
        return false;
    if (part == size && p.host) {
        *value = ram_ld(p.host, size);
        return true;
    }
    if (part == size)
        return bus_load(c, va, p.pa, size, value);
    if (!find_place(c, rest, size - part, ACCESS_READ, &q))
        return false;
    if (!read_part(c, va, &p, part, bytes) ||
        !read_part(c, rest, &q, size - part, bytes + part))
        return false;
    *value = ld_le(bytes, 8);
    return true;
}

/* Write to RAM outside the fast path: code and dirty pages hear of it. */
static void ram_store(struct cpu *c, const struct place *p,
                      const uint8_t *bytes, unsigned size)
{
    if (p->rom)
        return;
    ram_write(p->host, bytes, size);
    memory_wrote(c->env.memory, p->ram, (uint64_t)(p->host - p->ram->host),
                 size);
}

static bool write_part(struct cpu *c, uint64_t va, const struct place *p,
                       unsigned size, const uint8_t *bytes)
{
    if (p->host) {
        ram_store(c, p, bytes, size);
        return true;
    }
    for (unsigned i = 0; i < size; i++)
        if (!bus_store(c, va + i, p->pa + i, 1, bytes[i]))
            return false;
    return true;
}

/* Store whole values atomically: another vCPU must not see half of one. */
static void ram_store_whole(struct cpu *c, const struct place *p, unsigned size,
                            uint64_t value)
{
    if (p->rom)
        return;
    ram_st(p->host, value, size);
    memory_wrote(c->env.memory, p->ram, (uint64_t)(p->host - p->ram->host),
                 size);
}

bool cpu_store(struct cpu *c, uint64_t va, unsigned size, uint64_t value)
{
    unsigned part = first_part(va, size);
    const uint64_t rest = isa_address(c, va + part);
    void *hit = tlb_hit(c, ACCESS_WRITE, va, size);
    struct place p, q;
    uint8_t bytes[8];
    uint64_t pa;

    if (hit) {
        ram_st(hit, value, size);
        return true;
    }
    if (part == size && device_hit(c, ACCESS_WRITE, va, &pa))
        return bus_store(c, va, pa, size, value);
    if (!may_cross(c, va, part, size) ||
        !find_place(c, va, part, ACCESS_WRITE, &p))
        return false;
    if (part == size) {
        if (!p.host)
            return bus_store(c, va, p.pa, size, value);
        ram_store_whole(c, &p, size, value);
        return true;
    }
    if (!find_place(c, rest, size - part, ACCESS_WRITE, &q))
        return false;
    st_le64(bytes, value);
    /* All or nothing: RAM cannot fail, so a device's part goes first. */
    if (!q.host)
        return write_part(c, rest, &q, size - part, bytes + part) &&
               write_part(c, va, &p, part, bytes);
    return write_part(c, va, &p, part, bytes) &&
           write_part(c, rest, &q, size - part, bytes + part);
}

/*
 * The caller is about to write, by means of its own: code and dirty pages
 * hear of it when this instruction is over, and before the next one.
 */
static void write_follows(struct cpu *c, const struct place *p, unsigned size)
{
    c->late_ram = p->ram;
    c->late_offset = (uint64_t)(p->host - p->ram->host);
    c->late_size = size;
    c->leave = true;
}

void *cpu_host(struct cpu *c, uint64_t va, unsigned size, enum access access)
{
    bool write = access == ACCESS_WRITE;
    void *hit = tlb_hit(c, write ? ACCESS_WRITE : ACCESS_READ, va, size);
    struct place p;

    if (hit)
        return hit;
    if (!find_place(c, va, size, access, &p))
        return NULL;
    if (!p.host || (write && p.rom)) {
        c->class->bus_fault(c, va, access);
        return NULL;
    }
    if (write)
        write_follows(c, &p, size);
    return p.host;
}

bool cpu_load16(struct cpu *c, uint64_t va)
{
    uint64_t lo;

    if (!may_cross(c, va, first_part(va, 16), 16) || !cpu_load(c, va, 8, &lo) ||
        !cpu_load(c, va + 8, 8, &c->scratch_hi))
        return false;
    c->scratch = lo;
    return true;
}

bool cpu_check_write(struct cpu *c, uint64_t va, unsigned size)
{
    unsigned part = first_part(va, size);
    struct place p;

    if (tlb_hit(c, ACCESS_WRITE, va, size))
        return true;
    return may_cross(c, va, part, size) &&
           find_place(c, va, part, ACCESS_WRITE, &p) &&
           (part == size || find_place(c, isa_address(c, va + part),
                                       size - part, ACCESS_WRITE, &p));
}

void *cpu_try_host(struct cpu *c, uint64_t va, unsigned size)
{
    void *hit = tlb_hit(c, ACCESS_WRITE, va, size);
    struct place p;

    if (hit)
        return hit;
    if (!find_place(c, va, size, ACCESS_WRITE, &p) || !p.host || p.rom)
        return NULL;
    write_follows(c, &p, size);
    return p.host;
}

void *cpu_atomic(struct cpu *c, uint64_t va, unsigned size)
{
    return cpu_host(c, va, size, ACCESS_WRITE);
}

bool cpu_peek(struct cpu *c, uint64_t va, void *out, size_t size)
{
    uint8_t *to = out;

    while (size) {
        unsigned part = first_part(va, size > 4096 ? 4096 : (unsigned)size);
        struct translation t;
        const uint8_t *host;

        if (!c->class->translate(c, va, part, ACCESS_READ, true, &t))
            return false;
        host = memory_host(c->env.memory, t.pa, part, false);
        if (!host)
            return false;
        ram_read(to, host, part);
        to += part;
        va = isa_address(c, va + part);
        size -= part;
    }
    return true;
}

bool engine_load(struct cpu *c, const struct rec *r, int64_t budget,
                 uint64_t va, unsigned size)
{
    c->cur = r;
    c->budget = budget;
    return cpu_load(c, va, size, &c->scratch);
}

bool engine_store(struct cpu *c, const struct rec *r, int64_t budget,
                  uint64_t va, unsigned size, uint64_t value)
{
    c->cur = r;
    c->budget = budget;
    return cpu_store(c, va, size, value);
}
