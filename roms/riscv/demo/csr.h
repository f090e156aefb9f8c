/*
 * Control and status registers, by name ("mstatus") or by number (0x30a).
 * The "memory" clobbers keep loads and stores on their side of the access.
 */
#ifndef DEMO_CSR_H
#define DEMO_CSR_H

#include <stdint.h>

#include "layout.h"

#define CSR_TEXT_(name) #name
#define CSR_TEXT(name) CSR_TEXT_(name) /* with macros expanded */

#define csr_read(name)                                                         \
    ({                                                                         \
        uint64_t value_;                                                       \
        __asm__ volatile("csrr %0, " CSR_TEXT(name)                            \
                         : "=r"(value_)                                        \
                         :                                                     \
                         : "memory");                                          \
        value_;                                                                \
    })

#define csr_write(name, value)                                                 \
    __asm__ volatile("csrw " CSR_TEXT(name) ", %0" : : "r"(value) : "memory")

#define csr_set(name, bits)                                                    \
    __asm__ volatile("csrs " CSR_TEXT(name) ", %0" : : "r"(bits) : "memory")

#define csr_clear(name, bits)                                                  \
    __asm__ volatile("csrc " CSR_TEXT(name) ", %0" : : "r"(bits) : "memory")

/* Numbers of registers whose names Debian's assembler does not know. */
#define CSR_MENVCFG 0x30a
#define CSR_STIMECMP 0x14d
#define MENVCFG_STCE (UINT64_C(1) << 63)

static inline void wait_for_interrupt(void)
{
    __asm__ volatile("wfi" : : : "memory");
}

/* Forget all address translations and permissions. */
static inline void sfence_vma(void)
{
    __asm__ volatile("sfence.vma" : : : "memory");
}

/* Order everything before against everything after, devices included. */
static inline void fence(void)
{
    __asm__ volatile("fence iorw, iorw" : : : "memory");
}

#endif
