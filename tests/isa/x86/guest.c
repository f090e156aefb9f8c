/*
 * The x86 CPU of guest.h: its class, its page tables, its segments.
 */
#include "tests/isa/x86/guest.h"

/* Exceptions end the run: the test looks at the vector. */
static void deliver(struct cpu *c)
{
    c->halted = true;
}

static bool interrupt(struct cpu *c)
{
    (void)c;
    return false;
}

void guest_class(struct cpu_class *out)
{
    *out = x86_class;
    out->deliver = deliver;
    out->interrupt = interrupt;
    out->wakes = interrupt;
}

#define PTE_P 1u
#define PTE_W 2u
#define PTE_U 4u
#define PTE_A 0x20u
#define PTE_D 0x40u

/* Level 4 to 1, one page each, behind the window. */
void guest_map(uint8_t *ram, const uint8_t kinds[GUEST_PAGES])
{
    const uint64_t first = GUEST_PAGES * PAGE_SIZE;
    const unsigned shifts[3] = {39, 30, 21};
    const uint64_t bits = PTE_P | PTE_U | PTE_A | PTE_D;

    memset(ram + first, 0, GUEST_TABLES * PAGE_SIZE);
    for (unsigned i = 0; i < 3; i++)
        st_le64(ram + first + i * PAGE_SIZE +
                    (GUEST_BASE >> shifts[i] & 511) * 8,
                (first + (i + 1) * PAGE_SIZE) | bits | PTE_W);
    for (unsigned i = 0; i < GUEST_PAGES; i++)
        if (kinds[i] != PAGE_ABSENT)
            st_le64(ram + first + 3 * PAGE_SIZE + i * 8,
                    i * PAGE_SIZE | bits |
                        (kinds[i] == PAGE_READ_WRITE ? PTE_W : 0));
}

static struct x86_segment segment(unsigned size, uint16_t selector, bool code)
{
    struct x86_segment s = {
        .selector = selector,
        .access = SEGMENT_P | SEGMENT_DPL | SEGMENT_S | SEGMENT_WRITE |
                  SEGMENT_ACCESSED,
        .limit = size == X86_MODE_16 ? GUEST_PAGES * PAGE_SIZE - 1 : UINT32_MAX,
        .base = size == X86_MODE_16 ? GUEST_BASE : 0,
    };

    if (code)
        s.access |= SEGMENT_CODE;
    if (size != X86_MODE_16)
        s.access |= SEGMENT_G;
    if (size == X86_MODE_64 && code)
        s.access |= SEGMENT_L;
    else if (size != X86_MODE_16)
        s.access |= SEGMENT_DB;
    return s;
}

void guest_set_mode(struct x86_cpu *g, unsigned size, uint16_t cs, uint16_t ss)
{
    g->cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
    g->cr3 = GUEST_PAGES * PAGE_SIZE;
    g->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE;
    g->efer = EFER_LME | EFER_LMA | EFER_SCE | EFER_NXE;
    g->eflags = FLAG_IF;
    g->cpl = 3;
    for (unsigned i = 0; i < 6; i++)
        g->segment[i] = segment(size, i == SEG_CS ? cs : ss, i == SEG_CS);
    if (size == X86_MODE_64) {
        g->segment[SEG_FS].base = GUEST_BASE + 0x3000;
        g->segment[SEG_GS].base = (uint64_t)0 - 0x1000;
    }
    x86_settle(g);
}
