/* The interpreter engine under a RISC-V hart: exact counts, code that
 * changes, instructions on two pages, kicks, the block cache's bounds. */
#include "tests/unit.h"

#include <string.h>
#include <time.h>

#include "tests/cpu/riscv/asm.h"
#include "tests/cpu/riscv/rig.h"

#define CODE (RIG_RAM + 0x4000)
#define DATA (RIG_RAM + 0x10000)

static int set_up(void **state)
{
    struct rig *r = rig_new(NULL);

    rig_prepare(r);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    rig_free(*state);
    return 0;
}

#define COUNT(a) (unsigned)(sizeof(a) / sizeof((a)[0]))

static void run_code(struct rig *r, const uint32_t *words, unsigned n,
                     uint64_t instructions)
{
    rig_poke(r, CODE, words, n);
    rig_enter(r, PRIV_M, CODE);
    rig_step(r, instructions);
}

/* -------------------------------------------------------------- counting */

/* A budget of n retires n, whatever the blocks are. */
static void budget_is_exact(void **state)
{
    struct rig *r = *state;
    struct prng p = {1};
    uint32_t code[200];

    for (unsigned i = 0; i < 199; i++)
        code[i] = i % 7 == 3 ? asm_beq(0, 0, 8) : asm_addi(5, 5, 1);
    code[199] = asm_jal(0, -199 * 4);
    rig_poke(r, CODE, code, 200);
    rig_enter(r, PRIV_M, CODE);
    for (unsigned i = 0; i < 3000; i++) {
        uint64_t before = r->cpu->icount, n = prng_below(&p, 300) + 1;

        assert_int_equal(cpu_run(r->cpu, (int64_t)n), CPU_KICKED);
        assert_int_equal(r->cpu->icount, before + n);
        assert_int_equal(cpu_icount(r->cpu), before + n);
        assert_int_equal(cpu_icount_any(r->cpu), before + n);
    }
}

/* A device sees the exact count, anywhere in a block. */
static void device_sees_exact_count(void **state)
{
    struct rig *r = *state;
    uint32_t code[40];

    for (unsigned i = 0; i < 40; i++)
        code[i] = ASM_NOP;
    code[0] = asm_ld(6, RIG_REG_ICOUNT, 10);
    code[17] = asm_ld(7, RIG_REG_ICOUNT, 10);
    code[38] = asm_ld(8, RIG_REG_ICOUNT, 10);
    r->g->x[10] = RIG_IO;
    run_code(r, code, 40, 40);
    assert_int_equal(r->g->x[6], 0);
    assert_int_equal(r->g->x[7], 17);
    assert_int_equal(r->g->x[8], 38);
}

/* An instruction that raises does not retire. */
static void exception_does_not_retire(void **state)
{
    struct rig *r = *state;
    const uint32_t code[] = {ASM_NOP, ASM_NOP, ASM_ECALL, ASM_NOP};

    run_code(r, code, 4, 3); /* two, and the jump at the vector */
    assert_int_equal(r->exceptions, 1);
    assert_int_equal(r->last_epc, CODE + 8);
    assert_int_equal(r->cpu->pc, RIG_M_TRAP);
    assert_int_equal(r->cpu->icount, 3);
}

/* What a device does at an access happens before the next instruction, not
 * when the slice is used up. */
static void device_interrupts_at_once(void **state)
{
    struct rig *r = *state;
    const uint32_t code[] = {ASM_NOP, asm_sd(5, RIG_REG_RAISE, 10),
                             asm_addi(6, 6, 1), asm_addi(6, 6, 1),
                             asm_addi(6, 6, 1)};

    r->g->x[5] = MIP_BIT(IRQ_MEI);
    r->g->x[10] = RIG_IO;
    r->g->mie = MIP_BIT(IRQ_MEI);
    r->g->mstatus |= MSTATUS_MIE;
    run_code(r, code, COUNT(code), 1000);
    assert_int_equal(r->interrupts, 1);
    assert_int_equal(r->g->mepc, CODE + 8);
    assert_int_equal(r->g->x[6], 0);
}

/* So does a timer that an access arms within the slice. */
static void device_arms_timer_in_slice(void **state)
{
    struct rig *r = *state;
    const uint32_t code[] = {asm_sd(5, RIG_REG_MTIMECMP, 10), asm_addi(6, 6, 1),
                             asm_jal(0, -4)};

    r->g->x[5] = 10; /* at 100 instructions */
    r->g->x[10] = RIG_IO;
    r->g->mie = MIP_BIT(IRQ_MTI);
    r->g->mstatus |= MSTATUS_MIE;
    run_code(r, code, COUNT(code), 5000);
    assert_int_equal(r->interrupts, 1);
    assert_int_equal(r->g->x[6], 50);
}

/* ------------------------------------------------------ code that changes */

/* A store into the block that runs counts from the next instruction on. */
static void store_into_running_block(void **state)
{
    struct rig *r = *state;
    const uint32_t code[] = {asm_auipc(10, 0),  asm_sw(5, 16, 10),
                             asm_addi(6, 6, 1), asm_addi(6, 6, 1),
                             asm_addi(6, 6, 1), /* this one is replaced */
                             asm_addi(6, 6, 1)};

    r->g->x[5] = asm_addi(7, 7, 1);
    run_code(r, code, 6, 6);
    assert_int_equal(r->g->x[6], 3);
    assert_int_equal(r->g->x[7], 1);
    /* Even into the very next one, after it has run before. */
    r->g->x[5] = asm_addi(8, 8, 1);
    rig_poke(r, CODE + 4, (uint32_t[]){asm_sw(5, 8, 10)}, 1);
    rig_enter(r, PRIV_M, CODE);
    rig_step(r, 6);
    assert_int_equal(r->g->x[8], 1);
}

/* So does every other way to write. */
static void every_write_into_running_block(void **state)
{
    struct rig *r = *state;
    const uint32_t writes[] = {
        asm_sb(5, 0, 11),         asm_sh(5, 0, 11),         asm_sw(5, 0, 11),
        asm_amoswap(2, 0, 5, 11), asm_amoadd(2, 0, 12, 11), asm_sc(2, 0, 5, 11),
        asm_sd(13, 0, 11),        asm_sc(3, 0, 13, 11),     asm_fsd(3, 0, 11)};
    /* The same but for rd: its low byte and halfword differ. */
    const uint32_t before = asm_addi(6, 0, 1), after = asm_addi(7, 0, 1);

    r->g->fs = 3;
    for (unsigned i = 0; i < COUNT(writes); i++) {
        const bool wide = writes[i] >> 12 & 1;
        uint32_t code[8] = {asm_auipc(11, 0),
                            asm_addi(11, 11, 16),
                            asm_lr(wide ? 3 : 2, 0, 11),
                            writes[i],
                            before,
                            ASM_NOP};

        r->g->x[5] = after;
        r->g->x[12] = after - before;
        r->g->x[13] = r->g->f[3] = after | (uint64_t)ASM_NOP << 32;
        r->g->x[6] = r->g->x[7] = 0;
        /* The second time round the block is there already. */
        for (unsigned n = 0; n < 2; n++) {
            run_code(r, code, 6, 6);
            assert_int_equal(r->exceptions, 0);
            assert_int_equal(r->g->x[6], 0);
            assert_int_equal(r->g->x[7], 1);
            r->g->x[7] = 0;
        }
    }
}

/* DMA into decoded code is noticed. */
static void dma_into_code(void **state)
{
    struct rig *r = *state;
    const uint32_t code[] = {asm_addi(6, 6, 1), asm_jal(0, -4)};
    uint8_t bytes[4];

    run_code(r, code, 2, 100);
    assert_int_equal(r->g->x[6], 50);
    st_le32(bytes, asm_addi(7, 7, 1));
    pthread_mutex_lock(&r->lock);
    assert_true(dma_write(r->memory, CODE, bytes, 4));
    pthread_mutex_unlock(&r->lock);
    rig_step(r, 100);
    assert_int_equal(r->g->x[6], 50);
    assert_int_equal(r->g->x[7], 50);
}

/* A store through another address of the same RAM is, too. */
static void alias_store_into_code(void **state)
{
    struct rig *r = *state;
    const uint32_t code[] = {asm_sw(5, 8, 10), ASM_NOP, asm_addi(6, 6, 1),
                             asm_jal(0, -12)};

    r->g->x[5] = asm_addi(6, 6, 1);
    r->g->x[10] = CODE - RIG_RAM + RIG_ALIAS;
    run_code(r, code, 4, 40);
    assert_int_equal(r->g->x[6], 10);
    r->g->x[5] = asm_addi(7, 7, 1);
    rig_step(r, 40);
    assert_int_equal(r->g->x[6], 10);
    assert_int_equal(r->g->x[7], 10);
}

/* ------------------------------------------------------------ two pages */

/* A 32-bit instruction whose halves lie on two pages; either may change. */
static void straddling_instruction(void **state)
{
    struct rig *r = *state;
    const uint64_t pc = CODE + 0x1000 - 2;
    uint32_t word = asm_addi(6, 6, 1);

    for (unsigned n = 0; n < 3; n++) {
        uint8_t bytes[8];

        st_le32(bytes, word);
        st_le32(bytes + 4, asm_jal(0, -4));
        pthread_mutex_lock(&r->lock);
        assert_true(dma_write(r->memory, pc, bytes, 8));
        pthread_mutex_unlock(&r->lock);
        r->g->x[6] = r->g->x[7] = 0;
        rig_enter(r, PRIV_M, pc);
        rig_step(r, 200);
        assert_int_equal(r->g->x[n == 1 ? 7 : 6], n == 2 ? 500 : 100);
        /* first the upper half changes, then the lower and the upper */
        word = n ? asm_addi(6, 6, 5) : asm_addi(7, 7, 1);
    }
}

/*
 * More pages whose last instruction ends on one and the same page than the
 * cache remembers: Sv39 maps each before the same one.  The jump back within
 * its page asks for a link from a block that is not kept.
 */
static void many_straddle_one_page(void **state)
{
    struct rig *r = *state;
    const uint64_t root = RIG_RAM + 0x100000, mid = root + 0x1000,
                   last = root + 0x2000, tail = RIG_RAM + 0x40000;
    uint32_t jump = asm_jal(0, -0x10);
    uint8_t half[2];

    rig_poke64(r, root + 8, mid >> 12 << 10 | 1);
    rig_poke64(r, mid, last >> 12 << 10 | 1);
    st_le16(half, (uint16_t)(jump >> 16));
    memory_poke(r->memory, tail, half, 2);
    st_le16(half, (uint16_t)jump);
    for (unsigned i = 0; i < 12; i++) {
        uint64_t page = RIG_RAM + 0x50000 + i * 0x1000u;
        const uint32_t code[] = {asm_addi(6, 6, 1), ASM_NOP};

        rig_poke(r, page + 0xfee, code, 2);
        memory_poke(r->memory, page + 0xffc, "\x01\x00", 2);
        memory_poke(r->memory, page + 0xff6, "\x01\x00\x01\x00\x01\x00", 6);
        memory_poke(r->memory, page + 0xffe, half, 2);
        rig_poke64(r, last + i * 16u, page >> 12 << 10 | 0xcf);
        rig_poke64(r, last + i * 16u + 8, tail >> 12 << 10 | 0xcf);
    }
    r->g->satp = (uint64_t)8 << 60 | root >> 12;
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < 12; i++) {
            uint64_t va = 0x40000000 + i * 0x2000u + 0xffe;

            r->g->x[6] = 0;
            rig_enter(r, PRIV_S, va);
            rig_step(r, 400);
            assert_int_equal(r->exceptions, 0);
            assert_in_range(r->g->x[6], 40, 70);
        }
}

/*
 * The same access in two address spaces by turns, aligned in the first and
 * not in the second: what was remembered of the one is nothing to the other.
 */
static void access_in_two_spaces(void **state)
{
    struct rig *r = *state;
    const uint64_t va = 0x40000000;
    const uint32_t code[] = {asm_ld(6, 0, 10), asm_add(7, 7, 6),
                             asm_addi(10, 11, 0), asm_jal(0, -12)};
    uint64_t satp[2];

    for (unsigned i = 0; i < 2; i++) {
        const uint64_t root = RIG_RAM + 0x100000 + i * 0x4000u;
        const uint64_t page = RIG_RAM + 0x60000 + i * 0x1000u;

        rig_poke64(r, root + 8, (root + 0x1000) >> 12 << 10 | 1);
        rig_poke64(r, root + 0x1000, (root + 0x2000) >> 12 << 10 | 1);
        rig_poke64(r, root + 0x2000, page >> 12 << 10 | 0xc7);
        rig_poke64(r, root + 16, (RIG_RAM >> 12 << 10) | 0xcf);
        rig_poke64(r, page, i * 0x0101010101010101u);
        rig_poke64(r, page + 8, i * 0x0101010101010101u);
        satp[i] = (uint64_t)8 << 60 | (uint64_t)i << 44 | root >> 12;
    }
    for (unsigned n = 0; n < 64; n++) {
        rig_poke(r, CODE + n * 16u, code, COUNT(code));
        for (unsigned i = 0; i < 2; i++) {
            r->g->satp = satp[i];
            r->g->x[7] = 0;
            r->g->x[10] = va + (i ? n % 8 : 0); /* once */
            r->g->x[11] = va;
            rig_enter(r, PRIV_S, CODE + n * 16u);
            rig_step(r, 400);
            assert_int_equal(r->g->x[7], i * 100 * 0x0101010101010101u);
        }
        if (n % 8 == 7) /* other numbers than before */
            riscv_forget_contexts(r->g, -1);
    }
    assert_int_equal(r->exceptions, 0);
}

/*
 * One access, by turns to an aligned place on the second page and to one that
 * ends there or is not aligned: each finds what lies at its addresses, though
 * the pages lie apart in RAM.
 */
static void access_over_two_pages(void **state)
{
    struct rig *r = *state;
    const uint64_t root = RIG_RAM + 0x100000, mid = root + 0x1000,
                   last = root + 0x2000, pages[] = {RIG_RAM + 0x60000,
                                                    RIG_RAM + 0x20000};
    const uint64_t va = 0x40000000;
    const uint32_t code[] = {asm_ld(6, 0, 10), asm_sd(12, 0x100, 10),
                             asm_add(7, 7, 6), asm_xor(10, 10, 11),
                             asm_jal(0, -16)};
    const uint16_t places[] = {0xffc, 0xff9, 0xfff, 0x1004, 0x1003, 0xe00};

    rig_poke64(r, root + 8, mid >> 12 << 10 | 1);
    rig_poke64(r, mid, last >> 12 << 10 | 1);
    rig_poke64(r, root + 16, (RIG_RAM >> 12 << 10) | 0xcf);
    for (unsigned i = 0; i < 2; i++)
        rig_poke64(r, last + i * 8u, pages[i] >> 12 << 10 | 0xc7);
    rig_poke(r, CODE, code, COUNT(code));
    r->g->satp = (uint64_t)8 << 60 | root >> 12;
    for (unsigned n = 0; n < COUNT(places); n++) {
        uint8_t image[0x3000], now[0x2000];
        uint64_t sum = 0;

        for (unsigned i = 0; i < sizeof(image); i++)
            image[i] = (uint8_t)(i * 7 + n);
        memory_poke(r->memory, pages[0], image, 0x1000);
        memory_poke(r->memory, pages[1], image + 0x1000, 0x2000);
        r->g->x[7] = 0;
        r->g->x[10] = va + 0x1000;
        r->g->x[11] = r->g->x[10] ^ (va + places[n]);
        r->g->x[12] = UINT64_C(0x1122334455667788);
        for (unsigned i = 0; i < 100; i++) {
            const unsigned at = i & 1 ? places[n] : 0x1000;

            sum += ld_le64(image + at);
            st_le64(image + at + 0x100, r->g->x[12]);
        }
        rig_enter(r, PRIV_S, UINT64_C(0x80000000) + (CODE - RIG_RAM));
        rig_step(r, 500);
        assert_int_equal(r->exceptions, 0);
        assert_int_equal(r->g->x[7], sum);
        memcpy(now, rig_host(r, pages[0]), 0x1000);
        memcpy(now + 0x1000, rig_host(r, pages[1]), 0x1000);
        assert_memory_equal(now, image, sizeof(now));
        assert_memory_equal(rig_host(r, pages[1]) + 0x1000, image + 0x2000,
                            0x1000);
    }
}

/*
 * Loads and stores off one base: all on one page, and then over two that lie
 * apart; with a base that changes among them.
 */
static void span_over_two_pages(void **state)
{
    struct rig *r = *state;
    const uint64_t root = RIG_RAM + 0x100000, mid = root + 0x1000,
                   last = root + 0x2000, va = 0x40000000;
    const uint64_t pages[] = {RIG_RAM + 0x60000, RIG_RAM + 0x20000};
    const uint32_t code[] = {
        asm_ld(6, 0, 10),      asm_add(7, 7, 6),  asm_ld(6, 16, 10),
        asm_add(7, 7, 6),      asm_ld(6, 8, 10),  asm_add(7, 7, 6),
        asm_sd(12, 0x100, 10), asm_sd(7, 0x110, 10), asm_sd(12, 0x108, 10),
        asm_xor(10, 10, 11),   asm_ld(6, 24, 10), asm_add(7, 7, 6),
        asm_jal(0, -48)};
    const uint16_t places[] = {0xff0, 0xfe9, 0xef8, 0xe00};

    rig_poke64(r, root + 8, mid >> 12 << 10 | 1);
    rig_poke64(r, mid, last >> 12 << 10 | 1);
    rig_poke64(r, root + 16, (RIG_RAM >> 12 << 10) | 0xcf);
    for (unsigned i = 0; i < 2; i++)
        rig_poke64(r, last + i * 8u, pages[i] >> 12 << 10 | 0xc7);
    r->g->satp = (uint64_t)8 << 60 | root >> 12;
    for (unsigned n = 0; n < COUNT(places); n++) {
        const uint64_t at = CODE + n * 0x1000;
        uint8_t image[0x2000], now[0x2000];
        uint64_t sum = 0, base = 0x1000;

        for (unsigned i = 0; i < sizeof(image); i++)
            image[i] = (uint8_t)(i * 7 + n);
        memory_poke(r->memory, pages[0], image, 0x1000);
        memory_poke(r->memory, pages[1], image + 0x1000, 0x1000);
        rig_poke(r, at, code, COUNT(code));
        r->g->x[7] = 0;
        r->g->x[10] = va + base;
        r->g->x[11] = r->g->x[10] ^ (va + places[n]);
        r->g->x[12] = UINT64_C(0x1122334455667788);
        for (unsigned i = 0; i < 60; i++) {
            for (unsigned k = 0; k < 3; k++)
                sum += ld_le64(image + base + 8 * k);
            st_le64(image + base + 0x100, r->g->x[12]);
            st_le64(image + base + 0x108, r->g->x[12]);
            st_le64(image + base + 0x110, sum);
            base ^= 0x1000 ^ places[n];
            sum += ld_le64(image + base + 24);
        }
        rig_enter(r, PRIV_S, UINT64_C(0x80000000) + (at - RIG_RAM));
        rig_step(r, 60 * COUNT(code));
        assert_int_equal(r->exceptions, 0);
        assert_int_equal(r->g->x[7], sum);
        memcpy(now, rig_host(r, pages[0]), 0x1000);
        memcpy(now + 0x1000, rig_host(r, pages[1]), 0x1000);
        assert_memory_equal(now, image, sizeof(now));
    }
    if (r->cpu->jit) {
        struct jit_counters count;

        jit_count(r->cpu, &count);
        assert_true(count.spans > 0 && count.narrowed > 0);
    }
}

/* Every page's last instruction ends on the next page: dropping the last
 * one drops all of them. */
static void *drop_chain(void *arg)
{
    struct rig_config config = {.ram_size = 64 << 20};
    struct rig *r = rig_new(&config);
    const uint64_t end = RIG_RAM + config.ram_size - 0x2000;
    uint64_t built, blocks, bytes, dropped, pages = 0, pc;
    bool *done = arg;

    rig_prepare(r);
    for (pc = CODE + 0xffe; pc < end; pc += 0x1000, pages++)
        rig_poke(r, pc, (uint32_t[]){asm_jal(0, 0x1000)}, 1);
    rig_poke(r, pc, (uint32_t[]){asm_jal(0, 0)}, 1);
    rig_enter(r, PRIV_M, CODE + 0xffe);
    rig_step(r, pages + 200);
    block_stats(r->cpu, &blocks, &bytes, &built, &dropped);
    *done = blocks >= pages;
    r->g->x[10] = r->cpu->pc & ~(uint64_t)0xfff;
    *done &= rig_do(r, PRIV_M, asm_sw(0, -4, 10));
    rig_step(r, 1);
    block_stats(r->cpu, &blocks, &bytes, &built, &dropped);
    *done &= dropped >= pages;
    rig_free(r);
    return NULL;
}

/* However many they are, on a small stack. */
static void long_chain_of_pages(void **state)
{
    pthread_attr_t attr;
    pthread_t t;
    bool done = false;

    (void)state;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 192 << 10);
    assert_int_equal(pthread_create(&t, &attr, drop_chain, &done), 0);
    pthread_join(t, NULL);
    pthread_attr_destroy(&attr);
    assert_true(done);
}

/* --------------------------------------------------------- cache and kicks */

/* Code without end does not fill memory without end. */
static void cache_is_bounded(void **state)
{
    struct rig *r = *state;
    uint64_t built, blocks, bytes, dropped = 0, most = 0;

    /* Every halfword is a way into a block of c.nops. */
    for (uint64_t a = 0x4000; a < RIG_RAM_SIZE; a += 2)
        st_le16(r->ram->host + a, ASM_C_NOP);
    for (uint64_t pc = CODE; dropped < 20000; pc += 2) {
        assert_true(pc + 256 < RIG_RAM + RIG_RAM_SIZE);
        rig_enter(r, PRIV_M, pc);
        rig_step(r, 1 + 64);
        block_stats(r->cpu, &blocks, &bytes, &built, &dropped);
        if (bytes > most)
            most = bytes;
    }
    assert_true(most < (uint64_t)16 << 20);
}

struct kicking {
    struct rig *r;
    unsigned n;
};

static void *kicker(void *arg)
{
    struct kicking *k = arg;
    struct timespec pause = {0, 2000000};

    for (unsigned i = 0; i < k->n; i++) {
        nanosleep(&pause, NULL);
        cpu_kick(k->r->cpu);
    }
    return NULL;
}

/* cpu_run() comes back from an endless loop when kicked, in real time. */
static void kick_ends_a_loop(void **state)
{
    struct rig_config config = {.real_time = true};
    struct rig *r = rig_new(&config);
    struct kicking k = {r, 1};
    const uint32_t code[] = {asm_jal(0, 0)};
    pthread_t t;

    (void)state;
    rig_prepare(r);
    rig_poke(r, CODE, code, 1);
    rig_enter(r, PRIV_M, CODE);
    for (unsigned i = 0; i < 20; i++) {
        pthread_create(&t, NULL, kicker, &k);
        assert_int_equal(cpu_run(r->cpu, INT64_MAX), CPU_KICKED);
        pthread_join(t, NULL);
    }
    rig_free(r);
}

/* A guest that does nothing but fault can still be stopped.  Where time is
 * counted in instructions, each trap at the handler's own start is one, so
 * that the limit is kept and timers go on. */
static void kick_ends_endless_faults(void **state)
{
    struct rig *r = *state;
    struct kicking k = {r, 1};
    pthread_t t;

    r->g->mtvec = 0; /* nothing is there */
    rig_enter(r, PRIV_M, 0);
    do { /* a slow host may kick before it gets anywhere */
        pthread_create(&t, NULL, kicker, &k);
        assert_int_equal(cpu_run(r->cpu, INT64_MAX), CPU_KICKED);
        pthread_join(t, NULL);
    } while (r->exceptions < 2);
    assert_int_equal(r->cpu->icount, r->exceptions - 1);
    r->exceptions = 0;
    assert_int_equal(cpu_run(r->cpu, 1000), CPU_KICKED);
    assert_int_equal(r->exceptions, 1000);
}

/* WFI sleeps in cpu_wait() until a kick or an interrupt. */
static void wait_ends(void **state)
{
    struct rig_config config = {.real_time = true};
    struct rig *r = rig_new(&config);
    struct kicking k = {r, 1};
    const uint32_t code[] = {ASM_WFI, asm_addi(6, 6, 1), ASM_WFI};
    pthread_t t;

    (void)state;
    rig_prepare(r);
    rig_poke(r, CODE, code, 3);
    rig_enter(r, PRIV_M, CODE);
    assert_int_equal(cpu_run(r->cpu, INT64_MAX), CPU_HALTED);
    pthread_create(&t, NULL, kicker, &k);
    cpu_wait(r->cpu);
    pthread_join(t, NULL);
    assert_int_equal(cpu_run(r->cpu, INT64_MAX), CPU_KICKED);
    assert_int_equal(cpu_run(r->cpu, INT64_MAX), CPU_HALTED);
    assert_int_equal(r->g->x[6], 0);
    r->g->mie = MIP_BIT(IRQ_MEI);
    riscv_input(r->cpu, IRQ_MEI, true);
    cpu_wait(r->cpu);
    assert_int_equal(cpu_run(r->cpu, INT64_MAX), CPU_KICKED);
    /* It goes on behind WFI: MIE is off, so nothing is taken. */
    riscv_input(r->cpu, IRQ_MEI, true);
    cpu_run(r->cpu, 1);
    cpu_run(r->cpu, 1);
    assert_int_equal(r->g->x[6], 1);
    assert_int_equal(r->interrupts, 0);
    rig_free(r);
}

/* A mode that decoding depends on: code decoded without floating point is
 * not used with it, by jumps either. */
static void code_of_another_mode(void **state)
{
    struct rig *r = *state;
    const uint32_t code[] = {asm_jalr(1, 0, 10), asm_jal(0, -4)};
    const uint32_t callee[] = {asm_fmv_d_x(1, 5), asm_jalr(0, 0, 1)};

    rig_poke(r, DATA, callee, 2);
    r->g->x[10] = DATA;
    r->g->x[5] = 77;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t before = r->exceptions;

        r->g->f[1] = 0;
        rig_set_csr(r, CSR_MSTATUS, i & 1 ? MSTATUS_FS : 0);
        run_code(r, code, 2, 20);
        assert_int_equal(r->exceptions, before + !(i & 1));
        assert_int_equal(r->g->f[1], i & 1 ? 77 : 0);
    }
}

/* PMP allows a part of a page: blocks end where it ends, even within an
 * instruction. */
static void part_of_a_page(void **state)
{
    struct rig *r = *state;
    uint32_t code[32];
    uint8_t shifted[2 + sizeof(code)] = {0x01, 0x00}; /* c.nop */

    for (unsigned i = 0; i < 32; i++) {
        code[i] = asm_addi(5, 5, 1);
        st_le32(shifted + 2 + 4 * i, code[i]);
    }
    rig_poke(r, CODE, code, 32);
    r->g->pmpaddr[1] = r->g->pmpaddr[0];
    r->g->pmpcfg[1] = 0x18; /* all else: nothing */
    r->g->pmpcfg[0] = 0x0f; /* up to the end: everything */
    for (unsigned n = 1; n < 8; n++) {
        r->g->pmpaddr[0] = (CODE >> 2) + n;
        riscv_pmp_changed(r->g);
        r->g->x[5] = 0;
        rig_enter(r, PRIV_U, CODE);
        rig_step(r, 20);
        assert_int_equal(r->g->x[5], n);
        assert_int_equal(r->last_cause, CAUSE_FETCH_ACCESS);
        assert_int_equal(r->last_epc, CODE + 4 * n);
        assert_int_equal(r->last_tval, CODE + 4 * n);
    }
    /* the same two bytes further: the border is in an instruction */
    memory_poke(r->memory, CODE, shifted, sizeof(shifted));
    r->g->x[5] = 0;
    rig_enter(r, PRIV_U, CODE);
    rig_step(r, 20);
    assert_int_equal(r->g->x[5], 6);
    assert_int_equal(r->last_cause, CAUSE_FETCH_ACCESS);
    assert_int_equal(r->last_epc, CODE + 2 + 4 * 6);
    assert_int_equal(r->last_tval, CODE + 4 * 7);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(budget_is_exact),
        TEST(device_sees_exact_count),
        TEST(exception_does_not_retire),
        TEST(device_interrupts_at_once),
        TEST(device_arms_timer_in_slice),
        TEST(store_into_running_block),
        TEST(every_write_into_running_block),
        TEST(dma_into_code),
        TEST(alias_store_into_code),
        TEST(straddling_instruction),
        TEST(many_straddle_one_page),
        TEST(long_chain_of_pages),
        TEST(access_in_two_spaces),
        TEST(access_over_two_pages),
        TEST(span_over_two_pages),
        TEST(cache_is_bounded),
        TEST(kick_ends_a_loop),
        TEST(kick_ends_endless_faults),
        TEST(wait_ends),
        TEST(code_of_another_mode),
        TEST(part_of_a_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
