/* memory: a chain of pointers in random order through 16 MiB, so that the
 * guest's translation look-aside buffers miss. */
#include "bench.h"

#define COUNT (1u << 18)
#define STEPS 14000000u

struct link {
    struct link *next;
    uint64_t value, padding[6];
};

static struct link links[COUNT];
static uint32_t order[COUNT];

int main(void)
{
    uint64_t state = 18, sum = 0;
    struct link *at;

    for (unsigned i = 0; i < COUNT; i++)
        order[i] = i;
    for (unsigned i = COUNT - 1; i > 0; i--) {
        unsigned j = (unsigned)(bench_random(&state) % (i + 1));
        uint32_t t = order[i];

        order[i] = order[j];
        order[j] = t;
    }
    for (unsigned i = 0; i < COUNT; i++) {
        links[order[i]].next = &links[order[(i + 1) % COUNT]];
        links[order[i]].value = i;
    }
    bench_begin("chase");
    at = links;
    for (unsigned i = 0; i < STEPS; i++) {
        sum += at->value ^ i;
        at = at->next;
    }
    bench_end("chase", bench_mix(sum, at->value));
    return 0;
}
