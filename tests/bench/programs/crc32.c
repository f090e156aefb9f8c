/* integer: CRC-32 (IEEE 802.3) by a table of 256 words. */
#include "bench.h"

#define SIZE 65536
#define ROUNDS 1800

static uint32_t table[256];
static uint8_t data[SIZE];

static void make_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;

        for (int bit = 0; bit < 8; bit++)
            c = (c & 1) ? (c >> 1) ^ 0xedb88320u : c >> 1;
        table[i] = c;
    }
}

static uint32_t crc(const uint8_t *p, unsigned size)
{
    uint32_t c = 0xffffffffu;

    while (size--)
        c = table[(c ^ *p++) & 0xff] ^ (c >> 8);
    return ~c;
}

int main(void)
{
    uint64_t state = 32, sum = 0;

    make_table();
    for (int i = 0; i < SIZE; i++)
        data[i] = (uint8_t)bench_random(&state);
    bench_begin("crc32");
    for (int i = 0; i < ROUNDS; i++) {
        data[i] ^= (uint8_t)i;
        sum = bench_mix(sum, crc(data, SIZE));
    }
    bench_end("crc32", sum);
    return 0;
}
