/*
 * Registers for the nodes of an instruction: temporaries, taken and given
 * back, and slots of the CPU for what they have no room for.  See value.c.
 */
#include "jit/x86_64/gen.h"

int pin_of(const struct gen *g, uint64_t slot)
{
    const struct isa *isa = g->b->cpu->class->isa;

    for (unsigned i = 0; i < g->n_pins; i++)
        if (isa->hot_slots[i] == slot)
            return pins[i];
    return NO_REG;
}

int take_reg(struct gen *g, int r)
{
    g->busy |= 1u << r;
    return r;
}

static bool is_free(const struct gen *g, int r)
{
    return (g->temps & ~g->busy) >> r & 1;
}

void lock(struct gen *g, int r)
{
    if (r >= 0 && g->locks[r] < 255)
        g->locks[r]++;
}

void unlock(struct gen *g, int r)
{
    if (r >= 0 && g->locks[r] > 0)
        g->locks[r]--;
}

bool move_held(struct gen *g, int from, int to)
{
    bool any = false;

    for (uint32_t i = g->ir_first; i < g->ir_end; i++) {
        if (g->reg[i] != from || !g->uses[i])
            continue;
        g->reg[i] = (int8_t)to;
        any = true;
    }
    return any;
}

static int32_t slot_at(unsigned slot)
{
    return CPU(spilled) + (int32_t)(slot * sizeof(uint64_t));
}

bool evict(struct gen *g, int r)
{
    unsigned slot = 0;

    if (is_free(g, r))
        return true;
    while (g->slots >> slot & 1)
        slot++;
    if (g->locks[r] || slot == CPU_SPILLED ||
        !move_held(g, r, SPILLED - (int)slot))
        return false;
    g->slots |= 1u << slot;
    e_store(&g->e, RBP, slot_at(slot), r);
    drop(g, r);
    return true;
}

int take_temp(struct gen *g)
{
    for (unsigned i = 0; i < N_TEMPS; i++)
        if (is_free(g, temps[i]))
            return take_reg(g, temps[i]);
    for (unsigned i = g->n_pins; i < MAX_PINS; i++)
        if (is_free(g, pins[i]))
            return take_reg(g, pins[i]);
    for (int r = 0; r < 16; r++)
        if (is_temp(g, r) && evict(g, r))
            return take_reg(g, r);
    g->failed = true;
    return RAX;
}

void reload(struct gen *g, ir_ref n)
{
    const int at = g->reg[n];
    const unsigned slot = (unsigned)(SPILLED - at);
    int r = take_temp(g);

    e_load(&g->e, r, RBP, slot_at(slot));
    move_held(g, at, r);
    g->slots &= ~(1u << slot);
}

void drop(struct gen *g, int r)
{
    if (is_temp(g, r))
        g->busy &= ~(1u << r);
}

int result(struct gen *g, int want)
{
    return want != NO_REG ? want : take_temp(g);
}
