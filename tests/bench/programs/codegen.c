/* codegen: functions of a few instructions written to memory and run, anew
 * each time, as a language's just-in-time compiler does.  On other than RISC-V
 * and x86 it computes what they would. */
#define _GNU_SOURCE
#include "bench.h"
#include <string.h>
#include <sys/mman.h>

#define FUNCTIONS 60000u
#define CALLS 20
#define SLOTS 64u

#ifdef __riscv
#define ADDI(rd, rs, imm) \
    ((uint32_t)(imm) << 20 | (rs) << 15 | (rd) << 7 | 0x13u)
#define SLLI(rd, rs, by) \
    ((uint32_t)(by) << 20 | (rs) << 15 | 1u << 12 | (rd) << 7 | 0x13u)
#define XOR(rd, a, b) \
    ((uint32_t)(b) << 20 | (a) << 15 | 4u << 12 | (rd) << 7 | 0x33u)
#define RET 0x00008067u
#define A0 10u
#define A1 11u

static uint64_t make_and_call(uint32_t *code, unsigned n, uint64_t x)
{
    union {
        uint32_t *code;
        uint64_t (*call)(uint64_t);
    } function = {.code = code};

    code[0] = ADDI(A0, A0, n & 0x7ff);
    code[1] = SLLI(A1, A0, n % 31 + 1);
    code[2] = XOR(A0, A0, A1);
    code[3] = ADDI(A0, A0, 1);
    code[4] = RET;
    __builtin___clear_cache((char *)code, (char *)(code + 5));
    for (int i = 0; i < CALLS; i++)
        x = function.call(x);
    return x;
}
#elif defined(__x86_64__) || defined(__i386__)
static uint64_t make_and_call(uint32_t *code, unsigned n, uint64_t x)
{
    const uint8_t shift = (uint8_t)(n % 31 + 1), low = (uint8_t)n,
                  high = (uint8_t)(n >> 8 & 7);
#ifdef __x86_64__
    const uint8_t bytes[] = {
        0x48, 0x8d, 0x87, low, high, 0, 0, /* lea rax, [rdi + n] */
        0x48, 0x89, 0xc2,                  /* mov rdx, rax */
        0x48, 0xc1, 0xe2, shift,           /* shl rdx, shift */
        0x48, 0x31, 0xd0,                  /* xor rax, rdx */
        0x48, 0xff, 0xc0,                  /* inc rax */
        0xc3,
    };
#else
    const uint8_t bytes[] = {
        0x8b, 0x44, 0x24, 4,     /* mov eax, [esp + 4] */
        0x8b, 0x54, 0x24, 8,     /* mov edx, [esp + 8] */
        0x05, low, high, 0, 0,   /* add eax, n */
        0x83, 0xd2, 0,           /* adc edx, 0 */
        0x89, 0xd1,              /* mov ecx, edx */
        0x0f, 0xa4, 0xc1, shift, /* shld ecx, eax, shift */
        0x31, 0xca,              /* xor edx, ecx */
        0x89, 0xc1,              /* mov ecx, eax */
        0xc1, 0xe1, shift,       /* shl ecx, shift */
        0x31, 0xc8,              /* xor eax, ecx */
        0x83, 0xc0, 1,           /* add eax, 1 */
        0x83, 0xd2, 0,           /* adc edx, 0 */
        0xc3,
    };
#endif
    union {
        uint32_t *code;
        uint64_t (*call)(uint64_t);
    } function = {.code = code};

    memcpy(code, bytes, sizeof(bytes));
    for (int i = 0; i < CALLS; i++)
        x = function.call(x);
    return x;
}
#else
static uint64_t make_and_call(uint32_t *code, unsigned n, uint64_t x)
{
    code[0] = n;
    for (int i = 0; i < CALLS; i++) {
        x += n & 0x7ff;
        x = (x ^ x << (n % 31 + 1)) + 1;
    }
    return x;
}
#endif

int main(void)
{
    uint64_t sum = 0, x = 1;
    uint32_t *code = mmap(NULL, SLOTS * 64, PROT_READ | PROT_WRITE | PROT_EXEC,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (code == MAP_FAILED)
        bench_fail("mmap");
    bench_begin("codegen");
    for (unsigned n = 0; n < FUNCTIONS; n++) {
        x = make_and_call(code + n % SLOTS * 16, n, x);
        sum = bench_mix(sum, x);
    }
    bench_end("codegen", sum);
    return 0;
}
