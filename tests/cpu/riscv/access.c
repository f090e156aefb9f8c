#include "tests/cpu/riscv/access.h"

#include "tests/cpu/riscv/asm.h"

const enum access accesses[3] = {ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH};
const unsigned page_fault[] = {[ACCESS_READ] = CAUSE_LOAD_PAGE,
                               [ACCESS_WRITE] = CAUSE_STORE_PAGE,
                               [ACCESS_FETCH] = CAUSE_FETCH_PAGE};
const unsigned access_fault[] = {[ACCESS_READ] = CAUSE_LOAD_ACCESS,
                                 [ACCESS_WRITE] = CAUSE_STORE_ACCESS,
                                 [ACCESS_FETCH] = CAUSE_FETCH_ACCESS};

static uint32_t data_insn(enum access access, unsigned size)
{
    unsigned width = size == 8 ? 3 : size == 4 ? 2 : size == 2 ? 1 : 0;

    return access == ACCESS_READ ? asm_i(0, 10, width, 7, 0x03)
                                 : asm_s(0, 6, 10, width, 0x23);
}

unsigned access_as(struct rig *r, unsigned priv, uint64_t status,
                   enum access access, uint64_t va, unsigned size)
{
    uint64_t before = r->exceptions;

    r->g->mstatus &= ~(MSTATUS_MPP | MSTATUS_MPRV | MSTATUS_SUM | MSTATUS_MXR);
    r->g->mstatus |= status;
    if (access == ACCESS_FETCH) {
        rig_enter(r, priv, va);
        rig_step(r, 1);
    } else {
        r->g->mstatus |= MSTATUS_MPRV | (uint64_t)priv << 11;
        r->g->x[10] = va;
        rig_do(r, PRIV_M, data_insn(access, size));
    }
    return r->exceptions == before ? FINE : (unsigned)r->last_cause;
}

struct rig *open_any(const char *model, const struct cpu_class *cls)
{
    struct rig_config config = {.model = model, .cls = cls};
    struct rig *r = rig_new(&config);

    rig_prepare(r);
    for (unsigned i = 0; i < 0x8000; i += 4)
        rig_poke(r, DATA + i, (uint32_t[]){SOFT}, 1);
    return r;
}

struct rig *open_rig(const char *model)
{
    return open_any(model, &riscv64_class);
}
