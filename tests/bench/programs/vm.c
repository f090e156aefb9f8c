/* integer: a byte-code interpreter, which jumps where its data says. */
#include "bench.h"

#define STEPS 48000000u

enum op { OP_PUSH, OP_ADD, OP_MUL, OP_AND, OP_SWAP, OP_DUP, OP_SHR, OP_XOR,
          OP_JNZ, OP_DROP, OP_JMP };

/* Mixes the two numbers on the stack and counts down a third by halving. */
static const uint8_t program[] = {
    OP_PUSH, 99,               /* 0: a b n */
    OP_DUP,  OP_PUSH, 7,  OP_MUL, OP_PUSH, 13, OP_ADD, /* 2 */
    OP_XOR,  OP_DUP,  OP_PUSH, 3, OP_SHR, OP_ADD,      /* 9 */
    OP_SWAP, OP_PUSH, 1,  OP_ADD, OP_SWAP,             /* 15 */
    OP_DUP,  OP_PUSH, 15, OP_AND, OP_JNZ, 0,           /* 20 */
    OP_SWAP, OP_DUP,  OP_XOR, OP_PUSH, 5, OP_ADD,      /* 26 */
    OP_JMP,  0,                                        /* 32 */
};

static uint64_t run(unsigned steps)
{
    uint64_t stack[64] = {1, 2, 3, 4};
    unsigned sp = 4, pc = 0;

    while (steps--) {
        uint64_t top;

        switch ((enum op)program[pc++]) {
        case OP_PUSH:
            stack[sp++ & 63] = program[pc++];
            break;
        case OP_ADD:
            top = stack[--sp & 63];
            stack[(sp - 1) & 63] += top;
            break;
        case OP_MUL:
            top = stack[--sp & 63];
            stack[(sp - 1) & 63] *= top;
            break;
        case OP_AND:
            top = stack[--sp & 63];
            stack[(sp - 1) & 63] &= top;
            break;
        case OP_XOR:
            top = stack[--sp & 63];
            stack[(sp - 1) & 63] ^= top;
            break;
        case OP_SHR:
            top = stack[--sp & 63];
            stack[(sp - 1) & 63] >>= top & 63;
            break;
        case OP_SWAP:
            top = stack[(sp - 1) & 63];
            stack[(sp - 1) & 63] = stack[(sp - 2) & 63];
            stack[(sp - 2) & 63] = top;
            break;
        case OP_DUP:
            stack[sp & 63] = stack[(sp - 1) & 63];
            sp++;
            break;
        case OP_DROP:
            sp--;
            break;
        case OP_JNZ:
            pc = stack[--sp & 63] ? program[pc] : pc + 1;
            break;
        case OP_JMP:
            pc = program[pc];
            break;
        }
    }
    for (unsigned i = 0; i < 64; i++)
        stack[0] = bench_mix(stack[0], stack[i]);
    return stack[0] + sp;
}

int main(void)
{
    uint64_t sum;

    bench_begin("vm");
    sum = run(STEPS);
    bench_end("vm", sum);
    return 0;
}
