/*
 * Prints what a guest's table decodes a file of instructions as, one line
 * each: offset, encoding, text.  The offset is the pc.
 *
 *     disassemble 32|64 FILE
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/riscv/riscv.h"
#include "riscv64_gen.h"
#include "riscv64_rows.h"

/* A hart as far as the decoder looks at it: all extensions, fp on. */
static struct cpu *hart(bool rv32)
{
    struct riscv_cpu *g = calloc(1, sizeof(*g));

    if (!g)
        return NULL;
    g->features = ~(uint64_t)(rv32 ? RISCV_EXT_RV64 : RISCV_EXT_RV32) &
                  ~(uint64_t)RISCV_EXT_IALIGN32;
    g->fs = 3;
    return &g->core;
}

int main(int argc, char **argv)
{
    const bool rv32 = argc == 3 && !strcmp(argv[1], "32");
    const struct isa *isa = (rv32 ? riscv32_class : riscv64_class).isa;
    struct cpu *c = hart(rv32);
    FILE *f = argc == 3 ? fopen(argv[2], "rb") : NULL;
    uint8_t bytes[4];
    uint64_t pc = 0;

    if (!f || !c) {
        fprintf(stderr, "usage: disassemble 32|64 FILE\n");
        return 2;
    }
    for (;;) {
        size_t have = fread(bytes, 1, 4, f);
        struct insn i;
        char text[96];

        if (!isa->decode(c, bytes, (unsigned)have, &i))
            break;
        isa->disassemble(&i, pc, text, sizeof(text));
        printf("%" PRIx64 " %0*" PRIx64 " %s\n", pc, i.length * 2, i.bits,
               text);
        pc += i.length;
        fseek(f, (long)i.length - (long)have, SEEK_CUR);
    }
    fclose(f);
    free(c);
    return 0;
}
