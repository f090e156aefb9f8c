/*
 * Several harts at the same memory, in M mode on the bare board: what the
 * memory model forbids must not be seen, what it promises must come about.
 *
 * Every hart goes through every test, with barriers in between; HARTS and
 * ROUNDS are the compiler's to define.  Ends by the finisher: 0, or the
 * number of the test that failed.
 */
#include <stdint.h>

#define FINISHER ((volatile uint32_t *)0x100000)
#define MSIP ((volatile uint32_t *)0x2000000)
#define PAGE 4096

typedef uint64_t u64;

static void fail(unsigned test)
{
    *FINISHER = test << 16 | 0x3333;
    for (;;)
        ;
}

static void require(unsigned test, int holds)
{
    if (!holds)
        fail(test);
}

#define FENCE(pred, succ) \
    __asm__ volatile("fence " #pred ", " #succ ::: "memory")
#define FENCE_I() __asm__ volatile("fence.i" ::: "memory")

static inline u64 get(const u64 *p)
{
    return *(const volatile u64 *)p;
}

static inline void put(u64 *p, u64 v)
{
    *(volatile u64 *)p = v;
}

/* ---------------------------------------------------------------- barrier */

static u64 arrived, phase;

static void barrier(void)
{
    u64 now = get(&phase);

    FENCE(rw, rw);
    if (__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST) == HARTS) {
        put(&arrived, 0);
        FENCE(rw, rw);
        put(&phase, now + 1);
    }
    while (get(&phase) == now)
        ;
    FENCE(rw, rw);
}

/* ------------------------------------------------- 1, 2: counters and locks */

static u64 by_amo, by_lr, by_lr_32[2], bits, unlocked, lock;

static void add_by_lr(u64 *p)
{
    u64 v, failed;

    do {
        __asm__ volatile("lr.d %0, (%2)\n\t"
                         "addi %0, %0, 1\n\t"
                         "sc.d %1, %0, (%2)"
                         : "=&r"(v), "=&r"(failed)
                         : "r"(p)
                         : "memory");
    } while (failed);
}

static void add_by_lr_32(void *p)
{
    u64 v, failed;

    do {
        __asm__ volatile("lr.w %0, (%2)\n\t"
                         "addi %0, %0, 1\n\t"
                         "sc.w %1, %0, (%2)"
                         : "=&r"(v), "=&r"(failed)
                         : "r"(p)
                         : "memory");
    } while (failed);
}

static void counters(u64 hart)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        u64 old;

        __atomic_fetch_add(&by_amo, 1, __ATOMIC_RELAXED);
        add_by_lr(&by_lr);
        add_by_lr_32((uint32_t *)by_lr_32 + 1);
        __atomic_fetch_xor(&bits, (u64)1 << hart, __ATOMIC_RELAXED);
        do {
            __asm__ volatile("amoswap.d.aq %0, %1, (%2)"
                             : "=r"(old)
                             : "r"((u64)1), "r"(&lock)
                             : "memory");
        } while (old);
        put(&unlocked, get(&unlocked) + 1);
        __asm__ volatile("amoswap.d.rl x0, x0, (%0)" ::"r"(&lock) : "memory");
    }
    barrier();
    require(1, get(&by_amo) == HARTS * ROUNDS && get(&by_lr) == HARTS * ROUNDS);
    require(1, get(by_lr_32) >> 32 == HARTS * ROUNDS);
    require(1, get(&bits) == (ROUNDS & 1 ? (1 << HARTS) - 1 : 0));
    require(2, get(&unlocked) == HARTS * ROUNDS);
}

/* -------------------------------------- 3: the same value is a store as well */

static u64 word, asked, answered;

/* Hart 1 stores what was there between LR and SC of hart 0. */
static void same_value(u64 hart)
{
    for (u64 i = 1; i <= ROUNDS / 8 + 1; i++) {
        u64 v, failed, seen;

        barrier();
        if (hart == 0) {
            __asm__ volatile("lr.d %0, (%3)\n\t"
                             "sd %6, (%4)\n"
                             "1:\tld %2, (%5)\n\t"
                             "bne %2, %6, 1b\n\t"
                             "sc.d %1, %0, (%3)"
                             : "=&r"(v), "=&r"(failed), "=&r"(seen)
                             : "r"(&word), "r"(&asked), "r"(&answered), "r"(i)
                             : "memory");
            require(3, failed);
        } else if (hart == 1) {
            while (get(&asked) != i)
                ;
            FENCE(rw, rw);
            put(&word, get(&word));
            FENCE(rw, rw);
            put(&answered, i);
        }
    }
    barrier();
}

/* ------------------------------------- 4, 5: message passing, store buffering */

static u64 data[8], flag;
static u64 x[64], y[64]; /* lines of their own */
static u64 saw[HARTS];

static void message_passing(u64 hart)
{
    barrier();
    if (hart == 0) {
        for (u64 i = 1; i <= ROUNDS * 8; i++) {
            put(&data[0], i);
            FENCE(w, w);
            put(&flag, i);
        }
    } else {
        for (u64 seen = 0; seen < ROUNDS * 8;) {
            seen = get(&flag);
            FENCE(r, r);
            require(4, get(&data[0]) >= seen);
        }
    }
    barrier();
}

static void store_buffering(u64 hart)
{
    for (u64 i = 1; i <= ROUNDS / 4; i++) {
        barrier();
        if (hart < 2) {
            put(hart ? &y[32] : &x[32], i);
            FENCE(w, r);
            put(&saw[hart], get(hart ? &x[32] : &y[32]));
        }
        barrier();
        require(5, get(&saw[0]) == i || get(&saw[1]) == i);
        barrier();
        if (hart < 2) { /* and by atomics that are acquire and release */
            u64 old;

            put(hart ? &y[32] : &x[32], i + ((u64)1 << 32));
            __asm__ volatile("amoadd.d.aqrl %0, x0, (%1)"
                             : "=r"(old)
                             : "r"(&data[4 + hart])
                             : "memory");
            put(&saw[hart], get(hart ? &x[32] : &y[32]));
        }
        barrier();
        require(5, (get(&saw[0]) | get(&saw[1])) >> 32);
    }
}

/* --------------------------------------------- 6, 7: code that others change */

#define LI_A0(n) (0x00000513u | (uint32_t)(n) << 20) /* addi a0, x0, n */
#define RET 0x00008067u

static uint32_t code[16][PAGE / 4] __attribute__((aligned(PAGE)));

static u64 call(const void *f)
{
    register u64 a0 __asm__("a0");

    __asm__ volatile("jalr ra, %1"
                     : "=r"(a0)
                     : "r"(f)
                     : "ra", "memory");
    return a0;
}

/* Each writes in turn, tells all, and all must run what it wrote. */
static void code_in_turn(u64 hart)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint32_t *f = code[i % 4];

        if (hart == i % HARTS) {
            f[0] = LI_A0(i % 2000);
            f[1] = RET;
            f[128] = 0xe01ff06f; /* j .-512: a block that leads to it */
        }
        barrier(); /* fences on both sides */
        FENCE_I();
        for (unsigned n = 0; n < 8; n++) {
            require(6, call(f) == i % 2000);
            require(6, call(f + 128) == i % 2000);
        }
        barrier();
    }
}

static u64 written;

/*
 * Hart 0 writes all the time, on pages that others begin to run just then;
 * what it said before their fence.i has to be seen.
 */
static void code_at_once(u64 hart)
{
    const unsigned last = 2000;

    for (unsigned round = 0; round < ROUNDS / 64 + 2; round++) {
        uint32_t *f = code[4 + round % 12] + 64 * (round / 12 % 8);

        if (hart == 0) {
            f[0] = LI_A0(0);
            f[1] = RET;
            put(&written, 0);
        }
        barrier();
        FENCE_I();
        if (hart == 0) {
            for (unsigned i = 1; i <= last; i++) {
                *(volatile uint32_t *)f = LI_A0(i);
                FENCE(w, w);
                put(&written, i);
                for (volatile unsigned wait = i % 7 * 8; wait; wait--)
                    ;
            }
        } else {
            for (u64 seen = 0; seen < last;) {
                seen = get(&written);
                FENCE(r, r);
                FENCE_I();
                require(7, call(f) >= seen);
            }
        }
        barrier();
    }
}

/* --------------------------------------------------- 8: accessed and dirty */

static u64 root[512] __attribute__((aligned(PAGE)));
static u64 middle[512] __attribute__((aligned(PAGE)));
static u64 leaves[512] __attribute__((aligned(PAGE)));
static u64 page[PAGE / 8] __attribute__((aligned(PAGE)));
static u64 stopped;

#define VA ((u64)1 << 30)
#define PTE(p) ((u64)(p) >> 12 << 10)
enum { V = 1, R = 2, W = 4, A = 0x40, D = 0x80, RSW = 0x100 };

/* A store through the page tables, as S mode's. */
static void store_there(u64 v)
{
    __asm__ volatile("csrs mstatus, %2\n\t"
                     "sd %1, (%0)\n\t"
                     "csrc mstatus, %2"
                     :
                     : "r"(VA), "r"(v), "r"((u64)1 << 17)
                     : "memory");
}

/* Hart 0 toggles a bit of an entry whose A and D others make it set: neither
 * may be lost. */
static void accessed_and_dirty(u64 hart)
{
    if (hart == 0) {
        root[1] = PTE(middle) | V;
        middle[0] = PTE(leaves) | V;
        leaves[0] = PTE(page) | V | R | W;
        put(&stopped, 0);
    }
    barrier();
    __asm__ volatile("csrw pmpaddr0, %0\n\t"
                     "csrw pmpcfg0, %1\n\t"
                     "csrw satp, %2\n\t"
                     "csrc mstatus, %3\n\t"
                     "csrs mstatus, %4\n\t"
                     "sfence.vma"
                     :
                     : "r"(-(u64)1), "r"((u64)0x1f),
                       "r"((u64)8 << 60 | (u64)root >> 12), "r"((u64)3 << 11),
                       "r"((u64)1 << 11)
                     : "memory");
    if (hart == 0) {
        for (unsigned i = 0; i < ROUNDS * 4; i++) {
            u64 old = __atomic_fetch_xor(leaves, RSW, __ATOMIC_RELAXED);

            require(8, !(old & RSW) == !(i & 1));
        }
        put(&stopped, 1);
    } else {
        u64 i = 0;

        do {
            __atomic_fetch_and(leaves, ~(u64)(A | D), __ATOMIC_RELAXED);
            __asm__ volatile("sfence.vma" ::: "memory");
            store_there(++i);
            /* With one hart that clears them, they are set now. */
            require(8, HARTS > 2 || (get(leaves) & (A | D)) == (A | D));
        } while (!get(&stopped));
    }
    barrier();
    __asm__ volatile("csrw satp, zero\n\tsfence.vma" ::: "memory");
    require(8, (get(leaves) & ~(u64)(A | D)) == (PTE(page) | V | R | W));
    barrier();
}

/* ------------------------------------------- 9, 10: interrupts, exceptions */

static u64 pinged;

/* Round and round: each wakes the next one out of its sleep. */
static void pings(u64 hart)
{
    __asm__ volatile("csrw mie, %0" ::"r"((u64)8)); /* MSIE; MIE is off */
    for (unsigned i = 0; i < ROUNDS / 8 + 1; i++) {
        if (hart == 0) {
            put(&pinged, get(&pinged) + 1);
            MSIP[1] = 1;
        }
        for (u64 mip = 0; !(mip & 8);)
            __asm__ volatile("wfi\n\tcsrr %0, mip" : "=r"(mip)::"memory");
        MSIP[hart] = 0;
        FENCE(rw, rw);
        if (hart)
            MSIP[(hart + 1) % HARTS] = 1;
    }
    __asm__ volatile("csrw mie, zero");
    MSIP[4000] = 1; /* no such hart */
    barrier();
    require(9, get(&pinged) == ROUNDS / 8 + 1);
}

#define CAUSE(instruction, address)                                            \
    ({                                                                         \
        u64 cause_;                                                            \
        __asm__ volatile("li tp, -1\n\t" instruction "\n\tmv %0, tp"           \
                         : "=r"(cause_)                                        \
                         : "r"(address)                                        \
                         : "tp", "memory");                                    \
        cause_;                                                                \
    })

static void exceptions(void)
{
    static u64 aligned;
    char *odd = (char *)&aligned + 2;

    require(10, CAUSE("amoadd.w x0, x0, (%1)", odd) == 6);
    require(10, CAUSE("lr.w x0, (%1)", odd) == 4);
    require(10, CAUSE("sc.w x0, x0, (%1)", odd) == 6);
    require(10, CAUSE("amoswap.w x0, x0, (%1)", MSIP) == 7);
    require(10, CAUSE("lr.w x0, (%1)", MSIP) == 5);
    require(10, CAUSE("amoadd.w x0, x0, (%1)", &aligned) == -(u64)1);
}

void main(u64 hart);

void main(u64 hart)
{
    barrier();
    counters(hart);
    same_value(hart);
    message_passing(hart);
    store_buffering(hart);
    code_in_turn(hart);
    code_at_once(hart);
    accessed_and_dirty(hart);
    pings(hart);
    exceptions();
    barrier();
    if (hart == 0)
        *FINISHER = 0x5555;
    for (;;)
        __asm__ volatile("wfi");
}
