/*
 * Nonsense into a PC's chips, from the first processor of a running kernel:
 *
 *     chips SEED COUNT
 *
 * COUNT random accesses to I/O ports, PCI configuration and the registers of
 * HPET, I/O APIC and local APIC, some to anywhere.  With an odd seed nothing is
 * spared, and the machine mostly ends; with an even one what resets it or puts
 * it off is.  pc.py builds it (static, x86-64), and says what must hold.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>
#include <sys/mman.h>

/* First port and count. */
static const uint16_t chips[][2] = {
    {0x00, 0x10}, {0x20, 2},   {0x40, 4},    {0x60, 5},   {0x70, 4},
    {0x81, 7},    {0x89, 7},   {0x92, 1},    {0xa0, 2},   {0xb2, 2},
    {0xc0, 0x20}, {0xe9, 1},   {0xf0, 2},    {0x170, 8},  {0x1f0, 8},
    {0x2f8, 8},   {0x376, 1},  {0x378, 3},   {0x3b0, 48}, {0x3f0, 8},
    {0x402, 1},   {0x4d0, 2},  {0x505, 1},   {0x510, 12}, {0x600, 64},
    {0x700, 64},  {0xcf8, 8},  {0xafe0, 32}, {0xc000, 64}};

/* What resets the machine, puts it off, or lets a DMA loose on the kernel. */
static const uint16_t deadly[][2] = {{0x64, 1},  {0x92, 1},   {0xcf8, 8},
                                     {0xb2, 1},  {0x505, 1},  {0x510, 12},
                                     {0x600, 8}, {0x00, 0x10}};

static const uint32_t places[] = {0xfed00000, 0xfec00000, 0xfee00000};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static uint64_t state;

static uint64_t next(void)
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static unsigned below(unsigned n)
{
    return (unsigned)(next() % n);
}

static int is_deadly(unsigned port, unsigned size)
{
    for (unsigned i = 0; i < COUNT(deadly); i++)
        if (port < deadly[i][0] + deadly[i][1] && port + size > deadly[i][0])
            return 1;
    return 0;
}

static uint32_t some_value(void)
{
    return (uint32_t)(below(2) ? next() : below(2) ? below(256) : 0);
}

static void port_access(int spare)
{
    const uint16_t *c = chips[below(COUNT(chips))];
    unsigned port = below(16) ? c[0] + below(c[1]) : below(0x10000);
    unsigned size = 1u << below(3), write = below(2);

    if (spare && write && is_deadly(port, size))
        return;
    switch (size | write << 3) {
    case 1:
        inb((uint16_t)port);
        break;
    case 2:
        inw((uint16_t)port);
        break;
    case 4:
        inl((uint16_t)port);
        break;
    case 9:
        outb((uint8_t)some_value(), (uint16_t)port);
        break;
    case 10:
        outw((uint16_t)some_value(), (uint16_t)port);
        break;
    default:
        outl(some_value(), (uint16_t)port);
    }
}

/* Of the functions that are there; not bridges' and power's if to be spared. */
static void config_access(int spare)
{
    unsigned slot = spare ? 2 + below(4) : below(6);

    outl(0x80000000u | slot << 11 | below(8) << 8 | (below(256) & 0xfc),
         0xcf8);
    outl(some_value(), 0xcfc);
}

static void register_access(volatile uint8_t *const *map)
{
    volatile uint8_t *p = map[below(COUNT(places))];

    if (!p)
        return;
    p += below(4) ? below(0x40) * 16 : below(0x1000) & ~7u;
    if (below(2))
        (void)*(volatile uint32_t *)p;
    else
        *(volatile uint32_t *)p = some_value();
}

int main(int argc, char **argv)
{
    volatile uint8_t *map[COUNT(places)] = {NULL};
    int spare, memory = open("/dev/mem", O_RDWR);
    cpu_set_t first;

    if (argc != 3 || iopl(3) != 0)
        return 1;
    state = strtoull(argv[1], NULL, 0);
    spare = state % 2 == 0;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    sched_setaffinity(0, sizeof(first), &first);
    for (unsigned i = 0; i < COUNT(places) && memory >= 0; i++) {
        void *p = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED,
                       memory, places[i]);

        if (p != MAP_FAILED)
            map[i] = p;
        else
            printf("no %x\n", places[i]);
    }
    for (unsigned long n = strtoul(argv[2], NULL, 0); n; n--) {
        switch (below(16)) {
        case 0:
            config_access(spare);
            break;
        case 1:
        case 2:
            register_access(map);
            break;
        default:
            port_access(spare);
        }
    }
    return 0;
}
