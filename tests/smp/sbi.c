/*
 * What a guest asks of the firmware for its harts, in S mode behind OpenSBI:
 * RISC-V SBI Specification 1.0, chapters "Hart State Management", "IPI" and
 * "RFENCE".  Harts are started, started twice, stopped, suspended, interrupted;
 * so are some that do not exist.  Ends as litmus.c does.
 */
#include <stdint.h>

#define FINISHER ((volatile uint32_t *)0x100000)
#define HSM 0x48534d
#define IPI 0x735049
#define RFENCE 0x52464e43

enum { START, STOP, STATUS, SUSPEND };
enum { STARTED, STOPPED };
#define INVALID_PARAM (-3)
#define ALREADY_AVAILABLE (-6)

typedef uint64_t u64;

static volatile u64 alive, pings, woken, order;
static char stacks[HARTS + 1][4096] __attribute__((aligned(16)));

__asm__(".section .text.start, \"ax\"\n"
        ".globl _start\n"
        "_start:\n"
        "la sp, boot_stack\n"
        "call main\n"
        "1: j 1b\n"
        /* hart_start(): a1 is the stack */
        "second:\n"
        "mv sp, a1\n"
        "call other\n"
        "1: j 1b\n"
        ".text\n");
extern char second[];
__asm__(".bss\n.balign 16\n.space 8192\nboot_stack: .space 16\n.text\n");

static void require(unsigned test, int holds)
{
    if (!holds) {
        *FINISHER = test << 16 | 0x3333;
        for (;;)
            ;
    }
}

struct answer {
    long error, value;
};

static struct answer sbi(long extension, long function, u64 a, u64 b, u64 c)
{
    register u64 a0 __asm__("a0") = a, a1 __asm__("a1") = b;
    register u64 a2 __asm__("a2") = c, a3 __asm__("a3") = 0, a4 __asm__("a4") = 0;
    register long a6 __asm__("a6") = function, a7 __asm__("a7") = extension;

    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1)
                     : "r"(a2), "r"(a3), "r"(a4), "r"(a6), "r"(a7)
                     : "memory");
    return (struct answer){(long)a0, (long)a1};
}

static long start(u64 hart)
{
    return sbi(HSM, START, hart, (u64)second, (u64)stacks[HARTS > hart ? hart + 1 : 0])
        .error;
}

static void wait_for(volatile u64 *what, u64 value)
{
    while (*what != value)
        ;
    __asm__ volatile("fence rw, rw" ::: "memory");
}

/* A software interrupt is pending: take it off. */
static int pinged(void)
{
    u64 sip;

    __asm__ volatile("csrrci %0, sip, 2" : "=r"(sip));
    return sip >> 1 & 1;
}

void other(u64 hart);

/* Lives until order is 2. */
void other(u64 hart)
{
    (void)hart;
    __asm__ volatile("csrw sie, %0" ::"r"((u64)2)); /* SIE itself is off */
    alive++;
    while (order == 0)
        if (pinged())
            pings++;
    if (order == 1) {
        woken = 1; /* about to sleep */
        require(20, sbi(HSM, SUSPEND, 0, 0, 0).error == 0);
        require(21, pinged());
        woken = 2;
        wait_for(&order, 2);
    }
    sbi(HSM, STOP, 0, 0, 0);
    require(22, 0);
}

static void ask_for_nobody(u64 me)
{
    require(1, start(me) == ALREADY_AVAILABLE);
    require(2, start(99) == INVALID_PARAM && start(HARTS) == INVALID_PARAM);
    require(3, sbi(HSM, STATUS, 99, 0, 0).error == INVALID_PARAM);
    require(4, sbi(IPI, 0, 0, 0, 0).error == 0);
    require(5, sbi(IPI, 0, 1, 100, 0).error != 0);
    require(6, sbi(RFENCE, 0, 0, 0, 0).error == 0);
    require(7, sbi(RFENCE, 0, 1, 100, 0).error != 0);
    require(8, !pinged());
}

void main(u64 me);

void main(u64 me)
{
    const u64 it = (me + 1) % HARTS;

    ask_for_nobody(me);
    for (u64 round = 1; round <= ROUNDS; round++) {
        order = pings = woken = 0;
        require(10, sbi(HSM, STATUS, it, 0, 0).value == STOPPED);
        require(11, start(it) == 0);
        wait_for(&alive, round);
        require(12, start(it) == ALREADY_AVAILABLE);
        require(13, sbi(HSM, STATUS, it, 0, 0).value == STARTED);
        require(14, sbi(IPI, 0, (u64)1 << it, 0, 0).error == 0);
        wait_for(&pings, 1);
        require(15, sbi(RFENCE, 0, -(u64)1, -(u64)1, 0).error == 0);
        require(16, sbi(RFENCE, 1, (u64)1 << it, 0, 0).error == 0);
        order = 1;
        wait_for(&woken, 1);
        while (sbi(HSM, STATUS, it, 0, 0).value == STARTED)
            ;
        require(17, woken == 1);
        require(18, sbi(IPI, 0, 1, it, 0).error == 0);
        wait_for(&woken, 2);
        order = 2;
        while (sbi(HSM, STATUS, it, 0, 0).value != STOPPED)
            ;
    }
    *FINISHER = 0x5555;
    for (;;)
        ;
}
