/* integer: words made, hashed byte by byte, looked up and counted in a table,
 * and compared as strings. */
#include "bench.h"
#include <string.h>

#define SLOTS 8192
#define WORDS 7000000

struct slot {
    char word[24];
    uint32_t count;
};

static struct slot table[SLOTS];

static uint32_t hash(const char *s)
{
    uint32_t h = 2166136261u;

    while (*s)
        h = (h ^ (uint8_t)*s++) * 16777619u;
    return h;
}

/* Spells a number of up to 4096 words in syllables. */
static void spell(unsigned n, char *out)
{
    static const char syllables[] = "kalomirusetabino";

    n += 17;
    while (n) {
        memcpy(out, &syllables[(n & 7) * 2], 2);
        out += 2;
        n >>= 3;
    }
    *out = 0;
}

static uint32_t count(const char *word)
{
    uint32_t at = hash(word) % SLOTS;

    while (table[at].count && strcmp(table[at].word, word))
        at = (at + 1) % SLOTS;
    if (!table[at].count)
        strcpy(table[at].word, word);
    return ++table[at].count;
}

int main(void)
{
    uint64_t state = 4096, sum = 0;
    char word[24];

    bench_begin("strhash");
    for (int i = 0; i < WORDS; i++) {
        spell(bench_random(&state) & 4095, word);
        sum += count(word);
    }
    for (int i = 0; i < SLOTS; i++)
        sum = bench_mix(sum, hash(table[i].word) + table[i].count);
    bench_end("strhash", sum);
    return 0;
}
