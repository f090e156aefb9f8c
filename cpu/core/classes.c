/*
 * The guests that are built in.
 */
#include "cpu/core/cpu.h"
#include "cpu/riscv/riscv.h"

const struct cpu_class *const cpu_classes[] = {
    &riscv64_class,
    &riscv32_class,
    NULL,
};
