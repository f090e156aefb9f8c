/*
 * The engine's own handlers: block ends, stubs behind links, checks.
 *
 * Handlers of a guest have the guest's form (engine.h: ENGINE_FLAGS), so
 * these are made once for each guest: generated code includes this file after
 * the guest's header and defines a `struct engine_handlers` by
 * ENGINE_HANDLERS.  With lazy flags, ENGINE_FLAG_BITS(kind, a, b) must give
 * the flags that values a and b of that kind stand for.
 */
#ifndef CPU_CORE_SPECIAL_H
#define CPU_CORE_SPECIAL_H

#include "cpu/core/engine.h"

/* Behind a near link that was never taken: ask the run loop to patch. */
HANDLER(h_stub_near)
{
    HANDLER_ENTER;
    c->pc = c->page + (uint64_t)(int64_t)r[-1].target;
    c->patch = (struct rec *)(uintptr_t)(r - 1);
    c->cur = NULL;
    c->budget = budget;
    ENGINE_KEEP;
    LEAVE;
}

/* Behind a link to another page: through the jump cache each time. */
HANDLER(h_stub_far)
{
    HANDLER_ENTER;
    const uint64_t to =
        ENGINE_PC(c, c->page + (uint64_t)(int64_t)r[-1].target);
    const struct jcache_entry *e = jcache_find(c, to);

    if (unlikely(e->pc != to || e->context != c->jump_context)) {
        c->pc = to;
        c->cur = NULL;
        c->budget = budget;
        ENGINE_KEEP;
        LEAVE;
    }
    c->page = to & PAGE_MASK;
    ENGINE_NEW_PAGE(c);
    NEXT(e->rec);
}

/* The end of a block that no jump ends. */
HANDLER(h_go)
{
    HANDLER_ENTER;
    EXIT_DIRECT(r + 1);
}

/* Count the entries of a block; when it is hot, ask for its compilation. */
HANDLER(h_count)
{
    HANDLER_ENTER;
    struct block_entry *e = block_entry(r);

    if (likely(e->cold)) {
        e->cold--;
        ENGINE_JUMP(e->fn, r);
    }
    c->compile = (struct rec *)(uintptr_t)r;
    LEAVE_AT(r);
}

/* An undefined encoding; the data record behind has its bits. */
HANDLER(h_undefined)
{
    HANDLER_ENTER;
    SYNC();
    c->class->undefined(c, r[1].data);
    LEAVE;
}

/* Is the second page of a straddling instruction where it was? */
HANDLER(h_straddle)
{
    HANDLER_ENTER;
    const uint64_t va = ENGINE_PC(c, c->page + PAGE_SIZE);
    const struct tlb_entry *e = &c->fetch[fetch_index(va)];

    if (likely(e->tag == (va | c->fetch_context) &&
               (const uint8_t *)tlb_host(e, va) ==
                   (const uint8_t *)(uintptr_t)r[1].data))
        NEXT(r + 2);
    LEAVE_AT(r + 2);
}

/* A constant of the next instruction that its record has no room for. */
HANDLER(h_extra)
{
    HANDLER_ENTER;
    c->extra = r->data;
    NEXT(r + 1);
}

#ifdef ENGINE_FLAGS
/* The next instruction wants the kind of the flags in the CPU. */
HANDLER(h_kind)
{
    HANDLER_ENTER;
    c->flag_kind = (uint32_t)r->imm;
    NEXT(r + 1);
}

/* The next instruction wants the flags themselves; imm is their kind. */
HANDLER(h_pack)
{
    HANDLER_ENTER;
    fa = ENGINE_FLAG_BITS(r->imm ? (uint32_t)r->imm : c->flag_kind, fa, fb);
    NEXT(r + 1);
}
#define ENGINE_FLAG_HANDLERS                                                   \
    (rec_fn *)h_kind, (rec_fn *)h_pack, ENGINE_FLAG_BITS
#else
#define ENGINE_FLAG_HANDLERS NULL, NULL, NULL
#endif
#ifndef ENGINE_PAGE_SLOT
#define ENGINE_PAGE_SLOT 0
#endif

static void engine_enter(struct cpu *c, const struct rec *r)
{
    ENGINE_NEW_PAGE(c);
#if ENGINE_TAIL
    const uint64_t spare_ = 0;

    (void)spare_;
    ((handler_fn *)r->fn)(c, r, c->slice ENGINE_NO_SPARE ENGINE_FETCH);
#else
    int64_t budget = c->slice;

    while (r)
        r = ((handler_fn *)r->fn)(c, r, &budget);
#endif
}

#define ENGINE_HANDLERS                                                        \
    {                                                                          \
        (rec_fn *)h_stub_near, (rec_fn *)h_stub_far, (rec_fn *)h_go,           \
            (rec_fn *)h_undefined, (rec_fn *)h_straddle, (rec_fn *)h_extra,    \
            (rec_fn *)h_count, ENGINE_FLAG_HANDLERS, ENGINE_PAGE_SLOT,         \
            ENGINE_WRAPS, engine_enter                                         \
    }

#endif
