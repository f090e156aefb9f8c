/*
 * The guests that are built in.
 */
#include "cpu/core/cpu.h"
#include "cpu/riscv/riscv.h"

extern const struct cpu_class x86_class;

const struct cpu_class *const cpu_classes[] = {
    &riscv64_class,
    &riscv32_class,
    &x86_class,
    NULL,
};
