/* fp: a filter over samples in single precision, and to integers and back. */
#include "bench.h"

#define TAPS 32
#define SAMPLES 4096
#define ROUNDS 240

static float taps[TAPS], in[SAMPLES + TAPS], out[SAMPLES];

int main(void)
{
    uint64_t state = 32, sum = 0;

    for (int i = 0; i < TAPS; i++)
        taps[i] = (float)(int)(bench_random(&state) % 255 - 127) / 4096.0f;
    for (int i = 0; i < SAMPLES + TAPS; i++)
        in[i] = (float)(int)(bench_random(&state) % 65536 - 32768);
    bench_begin("filter");
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < SAMPLES; i++) {
            float total = 0;

            for (int k = 0; k < TAPS; k++)
                total += in[i + k] * taps[k];
            out[i] = total;
        }
        for (int i = 0; i < SAMPLES; i++) {
            sum = bench_mix(sum, (uint64_t)(int64_t)(int)out[i]);
            in[i] += (float)((int)out[i] % 100);
        }
    }
    bench_end("filter", sum);
    return 0;
}
