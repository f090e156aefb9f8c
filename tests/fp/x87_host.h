/*
 * x87_host.h - one x87 instruction on the host's own unit, and what it leaves
 *
 * Only where there is one: HAVE_X87. ST(0) is a, ST(1) b, `m` lies in memory.
 * Exceptions may be unmasked: FXSAVE does not wait for them, and FNINIT takes
 * them away before anything else does.
 */
#ifndef TESTS_FP_X87_HOST_H
#define TESTS_FP_X87_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "cpu/fp/f80.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define HAVE_X87 1
#else
#define HAVE_X87 0
#endif

/* The status word. */
enum {
    SW_IE = 1 << 0,
    SW_DE = 1 << 1,
    SW_ZE = 1 << 2,
    SW_OE = 1 << 3,
    SW_UE = 1 << 4,
    SW_PE = 1 << 5,
    SW_SF = 1 << 6,
    SW_C0 = 1 << 8,
    SW_C1 = 1 << 9,
    SW_C2 = 1 << 10,
    SW_TOP = 7 << 11,
    SW_C3 = 1 << 14,
};

struct x87_case {
    uint16_t cw;
    struct f80 a, b;
    uint8_t m[16];
    /* Afterwards; m too. */
    struct f80 st[8];
    uint16_t sw;
    uint8_t used; /* registers, by bits */
};

#if HAVE_X87
/* FXSAVE's image, SDM volume 1, 10.5. */
static inline void x87_host_result(struct x87_case *c, const uint8_t *image)
{
    memcpy(&c->sw, image + 2, 2);
    c->used = image[4];
    for (int i = 0; i < 8; i++) {
        memcpy(&c->st[i].sig, image + 32 + 16 * i, 8);
        memcpy(&c->st[i].se, image + 40 + 16 * i, 2);
    }
}

static inline void x87_host_store(struct f80 v, uint8_t *out)
{
    memcpy(out, &v.sig, 8);
    memcpy(out + 8, &v.se, 2);
}

#define X87_HOST(name, instruction)                                            \
    static void host_##name(struct x87_case *c)                                \
    {                                                                          \
        uint8_t a[10], b[10], image[512] __attribute__((aligned(16)));         \
                                                                               \
        x87_host_store(c->a, a);                                               \
        x87_host_store(c->b, b);                                               \
        __asm__ volatile("fninit\n\t"                                          \
                         "fldt %[b]\n\t"                                       \
                         "fldt %[a]\n\t"                                       \
                         "fldcw %[cw]\n\t" instruction "\n\t"                  \
                         "fxsave64 %[image]\n\t"                               \
                         "fninit"                                              \
                         : [image] "=m"(image), [m] "+m"(c->m)                 \
                         : [a] "m"(a), [b] "m"(b), [cw] "m"(c->cw)             \
                         : "cc", "st", "st(1)", "st(2)", "st(3)", "st(4)",     \
                           "st(5)", "st(6)", "st(7)");                         \
        x87_host_result(c, image);                                             \
    }
#endif

/* A control word for an environment: what is not unmasked is masked. */
static inline uint16_t x87_control(const struct fp_env *e)
{
    static const uint16_t rounds[] = {0, 3, 1, 2};
    unsigned u = e->unmasked;
    uint16_t masks =
        (uint16_t)((u & FP_NV ? 0 : SW_IE) | (u & FP_DN ? 0 : SW_DE) |
                   (u & FP_DZ ? 0 : SW_ZE) | (u & FP_OF ? 0 : SW_OE) |
                   (u & FP_UF ? 0 : SW_UE) | (u & FP_NX ? 0 : SW_PE));

    return (uint16_t)(masks | 0x40 | rounds[e->round] << 10 |
                      (e->precision == 24   ? 0
                       : e->precision == 53 ? 2
                                            : 3)
                          << 8);
}

/* The status word's exceptions and C1 as flags. */
static inline uint8_t x87_flags(uint16_t sw)
{
    return (uint8_t)((sw & SW_IE ? FP_NV : 0) | (sw & SW_DE ? FP_DN : 0) |
                     (sw & SW_ZE ? FP_DZ : 0) | (sw & SW_OE ? FP_OF : 0) |
                     (sw & SW_UE ? FP_UF : 0) | (sw & SW_PE ? FP_NX : 0) |
                     (sw & SW_C1 ? FP_UP : 0));
}

#endif
