/*
 * SSE: exceptions of floating point.
 *
 * Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1,
 * chapter 11.5.  Missing: denormal exceptions, flush-to-zero, denormals-are-
 * zeros.
 */
#include "cpu/x86/x86_isa.h"

void x86_fp_begin(struct cpu *c)
{
    struct x86_cpu *g = x86(c);

    g->fp_before = g->fp.flags;
    g->fp.flags = 0;
}

/* An exception that is not masked stays in MXCSR and raises #XM. */
bool x86_fp_end(struct cpu *c)
{
    struct x86_cpu *g = x86(c);
    uint8_t raised = g->fp.flags;

    /* What is found before the computation comes before it, SDM 11.5.2.2. */
    if (raised & g->unmasked & (FP_NV | FP_DZ))
        g->fp.flags &= FP_NV | FP_DZ;
    g->fp.flags |= g->fp_before;
    if (!(raised & g->unmasked))
        return true;
    x86_raise(c, g->cr4 & CR4_OSXMMEXCPT ? VECTOR_XM : VECTOR_UD, 0);
    return false;
}
