/*
 * The host's own processor as an oracle: runs bytes from a given state in
 * 16-, 32- or 64-bit code, up to the first exception.
 *
 * Only on x86-64 Linux without a sanitizer; elsewhere native_new() says why
 * not.
 */
#ifndef TESTS_ISA_X86_NATIVE_H
#define TESTS_ISA_X86_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct native_state {
    uint64_t regs[16], rip, eflags;
    uint32_t mxcsr;
    uint64_t xmm[16][2];
    /* x87: ST(0) first, in the order of the stack. */
    uint64_t mantissa[8];
    uint16_t exponent[8];
    uint16_t control, status; /* with top */
    uint8_t used;             /* by physical register */
};

/* Why it ended: vector 3 at a byte CC, or the exception. */
struct native_end {
    unsigned vector;
    uint64_t error, cr2;
};

struct native;

/* Memory of `pages` pages at `base` (below 2 GiB), mapped twice; selectors of
 * CS and of SS, DS and ES for code of 16, 32 and 64 bits go to cs and ss.
 * NULL: `why` says what the host lacks. */
struct native *native_new(uint64_t base, unsigned pages, uint16_t cs[3],
                          uint16_t ss[3], const char **why);
void native_free(struct native *n);
/* The memory, always writable here. */
uint8_t *native_memory(struct native *n);
/* Protection of a page as a guest sees it. */
bool native_protect(struct native *n, unsigned page, bool read, bool write,
                    bool exec);
/* The last 8 bytes of page 1 are taken: how to enter code at rip in that mode
 * (X86_MODE_16, _32 or _64; 16-bit code has its segments at base).  They are
 * set here, and the next run enters so. */
#define NATIVE_CONTROL (2u * 4096u - 8u)
void native_prepare(struct native *n, unsigned mode, uint64_t rip);
struct native_end native_run(struct native *n, unsigned mode,
                             const struct native_state *in,
                             struct native_state *out);

#endif
