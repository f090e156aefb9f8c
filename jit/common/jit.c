/*
 * The translator's common part: code buffer, compiling a block that the
 * block cache calls hot, following links.
 *
 * The buffer is one memfd mapped twice, so that nothing is writable and
 * executable at once.  Code is never moved or freed alone: when the buffer
 * is full the block cache is dropped, and with it all code.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "jit/common/backend.h"
#include "jit/jit.h"

#define DEFAULT_SIZE ((uint64_t)32 << 20)
#define MIN_SIZE ((uint64_t)64 << 10)
#define MAX_SIZE ((uint64_t)1 << 30) /* jumps reach 2 GiB */
#define DEFAULT_THRESHOLD 24

static bool buffer_new(struct code_buffer *b, uint64_t size, struct error *e)
{
    int fd = memfd_create("emu-jit", MFD_CLOEXEC);
    void *w = MAP_FAILED, *x = MAP_FAILED;

    if (fd >= 0 && ftruncate(fd, (off_t)size) == 0) {
        w = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        x = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    }
    if (fd >= 0)
        close(fd);
    if (w == MAP_FAILED || x == MAP_FAILED) {
        if (w != MAP_FAILED)
            munmap(w, size);
        if (x != MAP_FAILED)
            munmap(x, size);
        return error_set(e, "no executable memory is to be had");
    }
    b->write = w;
    b->run = x;
    b->size = size;
    b->used = 0;
    return true;
}

/* Decode the block's instructions once more, and lift them. */
static bool lift_block(struct jit *j, const struct rec *first, rec_fn *fn,
                       const uint8_t *host, int32_t offset)
{
    const struct isa *isa = j->cpu->class->isa;
    struct jit_block *b = &j->block;
    const struct rec *r = first;
    bool ended = false;

    b->cpu = j->cpu;
    b->first = first;
    b->n = 0;
    b->end = NULL;
    ir_clear(&b->ir);
    while (!ended) {
        struct jit_insn *i = &b->insns[b->n];
        int32_t at, count;
        uint32_t flags;

        block_position(r, &at, &count);
        if (at != offset || (unsigned)count != b->n)
            return false; /* the code changed under us */
        if (r->fn == isa->engine->go) {
            b->end = r;
            break;
        }
        if (b->n == BLOCK_MAX_INSNS)
            return false;
        if (offset >= (int32_t)PAGE_SIZE ||
            !isa->decode(j->cpu, host, (unsigned)(PAGE_SIZE - offset),
                         &i->insn))
            return false;
        flags = isa->rows[i->insn.row].flags;
        i->rec = r;
        i->fn = r == first ? fn : r->fn;
        i->offset = offset;
        i->ir_first = b->ir.n;
        isa->lift(&b->ir, &i->insn, offset);
        i->ir_end = b->ir.n;
        b->n++;
        ended = i->insn.row == 0 || (flags & ROW_END);
        r += flags & (ROW_BRANCH | ROW_JUMP) ? 3 : 1;
        host += i->insn.length;
        offset += i->insn.length;
    }
    return !b->ir.failed && b->n > 0;
}

static const void *compile(struct cpu *c, const struct rec *first, rec_fn *fn,
                           const uint8_t *host, int32_t offset)
{
    struct jit *j = (struct jit *)c->jit;
    const uint8_t *code = NULL;

    if (lift_block(j, first, fn, host, offset))
        code = backend_compile(j);
    if (code) {
        j->compiled++;
        j->guest_bytes += (uint64_t)(j->block.insns[j->block.n - 1].offset -
                                     offset) + 4;
    } else {
        j->rejected++;
    }
    return code;
}

static void flushed(struct cpu *c)
{
    struct jit *j = (struct jit *)c->jit;

    j->code.used = j->stubs;
}

const uint8_t *jit_follow(struct cpu *c, const struct rec *link,
                          const uint8_t *site)
{
    struct jit *j = (struct jit *)c->jit;
    const struct rec *to = link->next;
    const uint8_t *code;
    int32_t d;

    if (to->fn != j->hooks.enter)
        return NULL;
    code = block_entry(to)->code;
    d = (int32_t)(code - (site + 4));
    memcpy(j->code.write + (site - j->code.run), &d, sizeof(d));
    return code;
}

static void detach(struct cpu *c)
{
    struct jit *j = (struct jit *)c->jit;

    munmap(j->code.write, j->code.size);
    munmap((void *)(uintptr_t)j->code.run, j->code.size);
    ir_free(&j->block.ir);
    free(j);
    c->jit = NULL;
}

static void stats(struct cpu *c, char *out, size_t size)
{
    const struct jit *j = (const struct jit *)c->jit;

    snprintf(out, size,
             "jit: %llu blocks compiled, %llu rejected, %llu guest bytes, "
             "%llu host bytes in use",
             (unsigned long long)j->compiled, (unsigned long long)j->rejected,
             (unsigned long long)j->guest_bytes,
             (unsigned long long)j->code.used);
}

bool jit_attach(struct cpu *c, const struct jit_config *config,
                struct error *e)
{
    uint64_t size = config->buffer_size ? config->buffer_size : DEFAULT_SIZE;
    struct jit *j;

    if (!ENGINE_TAIL)
        return error_set(e, "this build dispatches in a loop");
    if (!c->class->isa->n_hot_slots)
        return error_set(e, "the guest %s is not prepared for it",
                         c->class->name);
    if (size < MIN_SIZE || size > MAX_SIZE)
        return error_set(e, "the code buffer must have 64 KiB to 1 GiB");
    j = calloc(1, sizeof(*j));
    if (!j || !buffer_new(&j->code, size, e)) {
        free(j);
        return j ? false : error_set(e, "no memory for the translator");
    }
    ir_init(&j->block.ir);
    j->cpu = c;
    j->hooks.compile = compile;
    j->hooks.flushed = flushed;
    j->hooks.detach = detach;
    j->hooks.stats = stats;
    j->hooks.threshold =
        config->threshold ? config->threshold : DEFAULT_THRESHOLD;
    c->jit = &j->hooks;
    if (!backend_init(j, e)) {
        detach(c);
        return false;
    }
    j->stubs = j->code.used;
    return true;
}
