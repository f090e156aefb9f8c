/*
 * Every row of a guest's table: its examples, and random states through the
 * interpreter's handler (slow twin and fast form) and through lifter,
 * verifier and evaluator.  Every fused pair: the pair's handler against the
 * two rows apart and against the evaluator.
 *
 *     test_rows [-g GUEST] [-j] [-n CASES] [-s SEED] [-r ROW]
 *
 * -j compiles what otherwise the handlers do, on hosts with a translator.
 * CASES a row (5,000; by hand 1,000,000) and 1/50 of them a form of a fused
 * pair; ROW: only rows and pairs of that name.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/isa/rig.h"

#define CASES_A_WORLD 64
#define CASES_A_PLACE 8
/* Tries to find an encoding of a row before it counts as unreachable. */
#define TRIES 1000

struct plan {
    uint64_t cases, seed;
    const char *row; /* or NULL: all */
    bool jit;
};

/* An encoding that decodes as this row. */
static bool draw(struct rig *r, const struct isa_encoding *e, uint32_t *bits)
{
    const struct isa *isa = r->guest->cls->isa;
    uint8_t bytes[4];
    struct insn i;

    for (unsigned n = 0; n < TRIES; n++) {
        *bits = r->guest->encode(r, e);
        st_le32(bytes, *bits);
        if (isa->decode(r->a.c, bytes, e->width / 8, &i) && i.text == e->row)
            return true;
    }
    return false;
}

/* The same, in whatever state it takes. */
static bool draw_row(struct rig *r, const struct isa_encoding *e,
                     uint32_t *bits)
{
    for (unsigned n = 0; n < 50; n++) {
        r->guest->state(r);
        if (draw(r, e, bits))
            return true;
    }
    printf("nothing decodes as this row\n");
    r->failures++;
    return false;
}

static bool run_row(struct rig *r, const struct isa_encoding *e,
                    const struct plan *plan)
{
    uint32_t bits = 0;

    for (uint64_t n = 0; n < plan->cases; n++) {
        if (n % CASES_A_WORLD == 0) {
            if (n && !rig_same_ram(r)) {
                r->failures++;
                return false;
            }
            rig_new_world(r);
        }
        if (n % CASES_A_PLACE == 0 &&
            (!draw_row(r, e, &bits) || !rig_place(r, &bits, &e->width, 1)))
            return false;
        if (!rig_case(r, RIG_EVAL))
            return false;
    }
    return true;
}

/* Enough cases reach everything that a row has. */
static bool covered(struct rig *r, const struct isa_row *row, uint64_t hits,
                    uint64_t traps, uint64_t cases)
{
    if ((row->flags & (ROW_LOADS | ROW_STORES)) && hits == 0)
        printf("%s: no case took the fast path\n", row->name);
    else if (traps == cases && !r->guest->always_traps(row->name))
        printf("%s: every case trapped\n", row->name);
    else
        return true;
    r->failures++;
    return false;
}

static void run_rows(struct rig *r, const struct plan *plan)
{
    const struct isa *isa = r->guest->cls->isa;
    unsigned rows = 0, others = 0, compiled = 0;

    for (const struct isa_encoding *e = r->guest->encodings; e->width; e++) {
        const char *name = isa->rows[e->row].name;
        uint64_t hits = r->fast_hits, traps = r->traps;
        uint64_t ran = r->compiled;

        if ((e->wants & ~r->guest->features) || r->guest->only & ~e->wants) {
            others++;
            continue;
        }
        if (plan->row && strcmp(plan->row, name))
            continue;
        rows++;
        if (!run_row(r, e, plan))
            printf("%s (line %u) failed\n", name,
                   (unsigned)isa->rows[e->row].line);
        else if (plan->cases >= 500)
            covered(r, &isa->rows[e->row], r->fast_hits - hits,
                    r->traps - traps, plan->cases);
        compiled += r->compiled != ran;
    }
    if (plan->jit) {
        printf("%s: %u rows ran as compiled code\n", r->guest->name, compiled);
        r->failures += compiled == 0;
    }
    printf("%s: %u rows, %" PRIu64 " random cases, %" PRIu64 " of them "
           "trapped, %" PRIu64 " wrote to page tables; %u rows are of other "
           "models\n",
           r->guest->name, rows, r->cases, r->traps, r->rewritten, others);
}

/* ------------------------------------------------------------ fused pairs */

static const struct isa_encoding *encoding_of(const struct rig *r, unsigned row)
{
    const struct isa_encoding *e = r->guest->encodings;

    while (e->width && e->row != row)
        e++;
    return e;
}

/* A pair whose second reads what the first wrote by operand `read`, or by
 * none if read < 0. */
static bool draw_pair(struct rig *r, const struct isa_fusion *f, int read,
                      uint32_t bits[2], uint8_t widths[2])
{
    const struct isa_encoding *first = encoding_of(r, f->first);
    const struct isa_encoding *second = encoding_of(r, f->second);
    const struct isa *isa = r->guest->cls->isa;
    struct insn i, j;
    uint8_t bytes[4];

    widths[0] = first->width;
    widths[1] = second->width;
    for (unsigned n = 0; n < TRIES; n++) {
        if (!draw(r, first, &bits[0]) || !draw(r, second, &bits[1]))
            return false;
        st_le32(bytes, bits[0]);
        isa->decode(r->a.c, bytes, 4, &i);
        st_le32(bytes, bits[1]);
        isa->decode(r->a.c, bytes, 4, &j);
        if (read < 0 || i.reg[f->written] == j.reg[read])
            return true;
    }
    return false;
}

static bool run_pair(struct rig *r, const struct isa_fusion *f, int read,
                     uint64_t cases)
{
    uint32_t bits[2];
    uint8_t widths[2];

    rig_new_world(r);
    for (uint64_t n = 0; n < cases; n++) {
        if (n % CASES_A_WORLD == CASES_A_WORLD - 1)
            rig_new_world(r);
        if (n % 4 == 0) {
            r->guest->state(r);
            if (!draw_pair(r, f, read, bits, widths)) {
                printf("no such pair was found\n");
                r->failures++;
                return false;
            }
            if (!rig_place(r, bits, widths, 2))
                return false;
        }
        if (!rig_case(r, n & 1 ? RIG_APART : RIG_EVAL))
            return false;
    }
    return true;
}

static void run_pairs(struct rig *r, const struct plan *plan)
{
    const struct isa *isa = r->guest->cls->isa;
    uint64_t start = r->cases, cases = plan->cases / 50 + 1;
    unsigned pairs = 0, forms = 0;

    for (unsigned n = 0; n < isa->n_fusions; n++) {
        const struct isa_fusion *f = &isa->fusions[n];
        const char *first = isa->rows[f->first].name;
        const char *second = isa->rows[f->second].name;
        bool good;

        if (plan->row && strcmp(plan->row, first) && strcmp(plan->row, second))
            continue;
        if ((encoding_of(r, f->first)->wants |
             encoding_of(r, f->second)->wants) &
            ~r->guest->features)
            continue;
        pairs++;
        good = run_pair(r, f, -1, cases);
        forms++;
        for (unsigned k = 0; k < 2 && good; k++)
            if (f->passes[k].fn) {
                good = run_pair(r, f, f->passes[k].read, cases);
                forms++;
            }
        if (!good)
            printf("%s and %s failed as a pair\n", first, second);
    }
    printf("%s: %u fused pairs in %u forms, %" PRIu64 " random cases\n",
           r->guest->name, pairs, forms, r->cases - start);
}

static int run_guest(const struct rig_guest *guest, const struct plan *plan)
{
    struct error e;
    struct rig r;
    bool good;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!rig_new(&r, guest, plan->seed, plan->jit, &e)) {
        printf("%s%s\n", plan->jit ? "skipped: " : "", e.text);
        rig_free(&r);
        return plan->jit ? 77 : 1;
    }
    rig_examples(&r, plan->row);
    run_rows(&r, plan);
    if (!guest->only)
        run_pairs(&r, plan);
    good = r.failures == 0;
    if (!good)
        printf("%u failures\n", r.failures);
    rig_free(&r);
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct plan plan = {5000, 1, NULL, false};
    const char *guest = NULL;
    int o, status = 0;

    while ((o = getopt(argc, argv, "jg:n:s:r:")) != -1)
        switch (o) {
        case 'g':
            guest = optarg;
            break;
        case 'j':
            plan.jit = true;
            break;
        case 'n':
            plan.cases = strtoull(optarg, NULL, 0);
            break;
        case 's':
            plan.seed = strtoull(optarg, NULL, 0);
            break;
        case 'r':
            plan.row = optarg;
            break;
        default:
            return 2;
        }
    for (const struct rig_guest *g = rig_riscv; g->name; g++)
        if ((!guest || !strcmp(guest, g->name)) && status == 0)
            status = run_guest(g, &plan);
    return status;
}
