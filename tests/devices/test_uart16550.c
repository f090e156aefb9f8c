/* The 16550A: each register and interrupt condition of its data sheet. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "devices/ns16550a.h"
#include "tests/devices/harness.h"

enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR };
enum { THR = RBR, DLL = RBR, DLM = IER, FCR = IIR };

/* IIR without the FIFO bits. */
enum { MS = 0x0, NONE = 0x1, THRE = 0x2, RDA = 0x4, RLS = 0x6, TIMEOUT = 0xc };

static struct harness *h;
static struct device *dev;
static struct harness_chardev *line;

static int setup(void **state)
{
    (void)state;
    h = harness_new();
    dev = harness_device(h, "ns16550a", "chardev=line,clock-frequency=1843200");
    line = harness_chardev(h, "line");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static unsigned rd(unsigned reg)
{
    return (unsigned)harness_read(h, dev, 0, reg, 1);
}

static void wr(unsigned reg, unsigned value)
{
    harness_write(h, dev, 0, reg, 1, value);
}

static bool irq(void)
{
    return harness_level(h, dev, 0);
}

static void set_divisor(unsigned divisor)
{
    unsigned lcr = rd(LCR);

    wr(LCR, lcr | 0x80);
    wr(DLL, divisor & 0xff);
    wr(DLM, divisor >> 8);
    wr(LCR, lcr);
}

/* What the gate still holds of the line. */
static size_t waiting(void)
{
    return 65536 - gate_room(h->gate, line->chardev.source);
}

static void receive(const char *text)
{
    assert_int_equal(harness_type(h, "line", text, strlen(text)), strlen(text));
}

static void line_char(uint8_t byte, uint8_t errors)
{
    uart16550_line(ns16550a_uart(dev), byte, errors);
}

/* ------------------------------------------------------------ registers */

static void test_reset_state(void **state)
{
    (void)state;
    assert_int_equal(rd(IER), 0);
    assert_int_equal(rd(IIR), NONE);
    assert_int_equal(rd(LCR), 0);
    assert_int_equal(rd(MCR), 0);
    assert_int_equal(rd(LSR), 0x60);
    /* CTS, DSR and DCD of whatever is connected; no change noted. */
    assert_int_equal(rd(MSR), 0xb0);
    assert_false(irq());
}

static void test_register_masks(void **state)
{
    static const struct {
        unsigned reg, mask;
    } regs[] = {{IER, 0x0f}, {LCR, 0xff}, {MCR, 0x1f}, {SCR, 0xff}};

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        for (unsigned v = 0; v < 256; v++) {
            /* DLAB would hide the IER. */
            if (regs[i].reg == LCR)
                wr(LCR, v);
            else
                wr(regs[i].reg, v);
            assert_int_equal(rd(regs[i].reg), v & regs[i].mask);
            wr(regs[i].reg, 0);
        }
    assert_int_equal(line->n_out, 0);
}

static void test_divisor_latch(void **state)
{
    (void)state;
    wr(IER, 0x05);
    wr(LCR, 0x83);
    wr(DLL, 0x34);
    wr(DLM, 0x12);
    assert_int_equal(rd(DLL), 0x34);
    assert_int_equal(rd(DLM), 0x12);
    assert_int_equal(line->n_out, 0);
    wr(LCR, 0x03);
    assert_int_equal(rd(IER), 0x05);
    wr(THR, 'x');
    assert_int_equal(line->n_out, 1);
    wr(LCR, 0x80);
    assert_int_equal(rd(DLL) | rd(DLM) << 8, 0x1234);
}

static void test_reset_keeps_scratch_and_divisor(void **state)
{
    (void)state;
    set_divisor(0x4321);
    wr(SCR, 0xa5);
    wr(FCR, 0xc1);
    wr(IER, 0x0f);
    wr(MCR, 0x1f);
    receive("abc");
    assert_true(irq());
    harness_reset(h, dev);
    assert_false(irq());
    assert_int_equal(rd(SCR), 0xa5);
    assert_int_equal(rd(IIR), NONE);
    assert_int_equal(rd(MSR), 0xb0);
    wr(LCR, 0x80);
    assert_int_equal(rd(DLL) | rd(DLM) << 8, 0x4321);
}

static void test_read_only_registers(void **state)
{
    (void)state;
    wr(LSR, 0x1f);
    assert_int_equal(rd(LSR), 0x60);
    wr(MSR, 0x0f);
    assert_int_equal(rd(MSR), 0xb0);
    assert_non_null(strstr(harness_log(h), "LSR is read-only"));
    assert_non_null(strstr(harness_log(h), "MSR is read-only"));
}

/* ------------------------------------------------------------- transmit */

static void test_transmit(void **state)
{
    (void)state;
    /* 5 bits after reset, but the host sees all eight. */
    for (unsigned i = 0; i < 256; i++) {
        wr(THR, i);
        assert_int_equal(rd(LSR), 0x60);
    }
    assert_int_equal(line->n_out, 256);
    for (unsigned i = 0; i < 256; i++)
        assert_int_equal(line->out[i], i);
}

static void test_break_swallows(void **state)
{
    (void)state;
    wr(THR, 'a');
    wr(LCR, 0x43);
    wr(THR, 0);
    wr(LCR, 0x03);
    wr(THR, 'b');
    assert_int_equal(line->n_out, 2);
    assert_memory_equal(line->out, "ab", 2);
}

static void test_thre_interrupt(void **state)
{
    unsigned changes;

    (void)state;
    wr(IER, 0x02); /* THR is empty: at once */
    assert_true(irq());
    assert_int_equal(rd(IIR), THRE);
    assert_false(irq());
    assert_int_equal(rd(IIR), NONE);

    wr(THR, 'x');
    assert_true(irq());
    /* Written again before IIR is read: down and up, for edges. */
    changes = harness_out(h, dev, 0)->changes;
    wr(THR, 'y');
    assert_true(irq());
    assert_int_equal(harness_out(h, dev, 0)->changes, changes + 2);
    assert_int_equal(rd(IIR), THRE);
    assert_false(irq());

    /* Writing the same IER again does not raise it; switching it off and on
     * does. */
    wr(IER, 0x02);
    assert_false(irq());
    wr(IER, 0x00);
    wr(IER, 0x02);
    assert_true(irq());
    wr(IER, 0x00);
    assert_false(irq());
    assert_int_equal(rd(IIR), NONE);
}

/* Reading IIR clears THRE only if IIR showed it (Table IV). */
static void test_thre_behind_another(void **state)
{
    (void)state;
    wr(IER, 0x03);
    receive("a");
    assert_int_equal(rd(IIR), RDA);
    assert_int_equal(rd(IIR), RDA);
    rd(RBR);
    assert_true(irq());
    assert_int_equal(rd(IIR), THRE);
    assert_int_equal(rd(IIR), NONE);
}

static void test_fcr_raises_thre(void **state)
{
    (void)state;
    wr(IER, 0x02);
    rd(IIR);
    assert_false(irq());
    wr(FCR, 0x01);
    assert_true(irq());
    assert_int_equal(rd(IIR), 0xc0 | THRE);
    wr(FCR, 0x05); /* nothing was in the transmitter's FIFO */
    assert_false(irq());
    wr(FCR, 0x00);
    assert_int_equal(rd(IIR), THRE);
}

/* -------------------------------------------------------------- receive */

static void test_receive_16450(void **state)
{
    (void)state;
    wr(IER, 0x01);
    receive("xyz");
    assert_int_equal(waiting(), 2);
    assert_int_equal(rd(LSR), 0x61);
    assert_true(irq());
    assert_int_equal(rd(IIR), RDA);
    assert_int_equal(rd(RBR), 'x');
    assert_int_equal(rd(LSR), 0x60);
    assert_false(irq());
    assert_int_equal(rd(RBR), 'x'); /* an empty receiver keeps the last */
    harness_deliver(h);
    assert_int_equal(rd(RBR), 'y');
    harness_deliver(h);
    assert_int_equal(rd(RBR), 'z');
    harness_deliver(h);
    assert_int_equal(rd(LSR), 0x60);
    /* No time-out without FIFOs. */
    receive("w");
    harness_advance(h, UINT64_C(10000000000));
    assert_int_equal(rd(IIR), RDA);
}

static void test_trigger_levels(void **state)
{
    static const unsigned levels[] = {1, 4, 8, 14};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        wr(FCR, i << 6 | 0x03);
        wr(IER, 0x01);
        for (unsigned n = 1; n <= 16; n++) {
            receive("a");
            assert_int_equal(irq(), n >= levels[i]);
            assert_int_equal(rd(IIR), 0xc0 | (irq() ? RDA : NONE));
        }
        for (unsigned n = 16; n-- > 0;) {
            assert_int_equal(rd(RBR), 'a');
            assert_int_equal(irq(), n >= levels[i]);
        }
        wr(IER, 0);
    }
}

static void test_fifo_holds_16(void **state)
{
    (void)state;
    wr(FCR, 0x01);
    receive("0123456789abcdefghij");
    assert_int_equal(waiting(), 4);
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(rd(RBR), "0123456"[i]);
    harness_deliver(h);
    assert_int_equal(waiting(), 4); /* not before half of it is free */
    assert_int_equal(rd(RBR), '7');
    harness_deliver(h);
    assert_int_equal(waiting(), 0);
    for (unsigned i = 0; i < 12; i++)
        assert_int_equal(rd(RBR), "89abcdefghij"[i]);
    assert_int_equal(rd(LSR), 0x60); /* and no overrun */
}

/* 64 KiB at once, read as a driver would: nothing is lost or out of order,
 * and reading while the main loop is slow never gets stuck. */
static void check_paste(unsigned fcr, unsigned read_at_once)
{
    enum { SIZE = 65536 };
    uint8_t *text = malloc(SIZE);
    struct prng p = {fcr + read_at_once};
    unsigned got = 0, idle = 0;

    for (unsigned i = 0; i < SIZE; i++)
        text[i] = (uint8_t)prng_next(&p);
    wr(FCR, fcr);
    wr(IER, 0x01);
    assert_int_equal(harness_type(h, "line", text, SIZE), SIZE);
    while (got < SIZE) {
        assert_true(idle++ < 3);
        harness_advance(h, 10000000);
        if (irq())
            for (unsigned n = 0; n < read_at_once && rd(LSR) & 1; n++) {
                assert_int_equal(rd(RBR), text[got++]);
                idle = 0;
            }
        harness_deliver(h);
    }
    assert_false(irq());
    assert_int_equal(rd(LSR), 0x60);
    wr(FCR, 0);
    wr(IER, 0);
    free(text);
}

static void test_paste(void **state)
{
    (void)state;
    check_paste(0x00, 1);
    check_paste(0x81, 256);
    check_paste(0x81, 1);
    check_paste(0xc1, 5);
    check_paste(0x01, 16);
}

static void test_end_of_input(void **state)
{
    (void)state;
    receive("a");
    gate_close(h->gate, line->chardev.source);
    harness_deliver(h);
    assert_int_equal(rd(RBR), 'a');
    harness_deliver(h);
    assert_int_equal(rd(LSR), 0x60);
}

/* ------------------------------------------------------------- time-out */

/* Four characters of `bits` bits, in ns, at 1.8432 MHz. */
static uint64_t four_chars(double bits, unsigned divisor)
{
    return (uint64_t)(4 * bits * 16 * divisor * 1e9 / 1843200);
}

static void check_timeout(unsigned lcr, unsigned divisor, uint64_t ns)
{
    wr(LCR, lcr);
    set_divisor(divisor);
    wr(FCR, 0xc3);
    wr(IER, 0x01);
    receive("a");
    harness_advance(h, ns - 1);
    assert_false(irq());
    harness_advance(h, 2);
    assert_true(irq());
    assert_int_equal(rd(IIR), 0xc0 | TIMEOUT);
    assert_int_equal(rd(IIR), 0xc0 | TIMEOUT);
    rd(RBR);
    assert_false(irq());
    harness_advance(h, 10 * ns);
    assert_false(irq()); /* an empty FIFO has none */
    wr(IER, 0);
}

static void test_timeout_durations(void **state)
{
    (void)state;
    check_timeout(0x03, 1, four_chars(10, 1));    /* 8N1, 115200 */
    check_timeout(0x03, 12, four_chars(10, 12));  /* 9600 */
    check_timeout(0x00, 12, four_chars(7, 12));   /* 5N1 */
    check_timeout(0x04, 12, four_chars(7.5, 12)); /* 5N1.5 */
    check_timeout(0x05, 12, four_chars(9, 12));   /* 6N2 */
    check_timeout(0x1a, 12, four_chars(10, 12));  /* 7E1 */
    /* 8.11: 12-bit characters at 300 baud take 160 ms. */
    check_timeout(0x0f, 384, 160000000);
    /* A divisor of 0 must not divide by it, nor stop the world. */
    check_timeout(0x03, 0, four_chars(10, 65536));
}

static void test_timeout_restarts(void **state)
{
    uint64_t ns = four_chars(10, 12);

    (void)state;
    wr(LCR, 0x03);
    wr(FCR, 0xc1);
    wr(IER, 0x01);
    receive("a");
    harness_advance(h, ns - 10);
    receive("b"); /* a character received */
    harness_advance(h, ns - 10);
    assert_false(irq());
    rd(RBR); /* a character read */
    harness_advance(h, ns - 10);
    assert_false(irq());
    harness_advance(h, 20);
    assert_int_equal(rd(IIR), 0xc0 | TIMEOUT);
    receive("c"); /* does not clear it */
    assert_int_equal(rd(IIR), 0xc0 | TIMEOUT);
    rd(RBR); /* that does, and the timer starts for the rest */
    assert_false(irq());
    harness_advance(h, ns + 1);
    assert_true(irq());
    wr(FCR, 0xc3); /* so does clearing the FIFO */
    assert_false(irq());
    assert_int_equal(rd(IIR), 0xc0 | NONE);
    receive("d");
    wr(FCR, 0xc3); /* which also stops the timer */
    harness_advance(h, 2 * ns);
    assert_false(irq());
}

/* The condition is there without its enable, which only masks it. */
static void test_timeout_enabled_late(void **state)
{
    (void)state;
    wr(FCR, 0xc1);
    receive("a");
    harness_advance(h, 100000000);
    assert_false(irq());
    wr(IER, 0x01);
    assert_true(irq());
    assert_int_equal(rd(IIR), 0xc0 | TIMEOUT);
}

/* ---------------------------------------------------------- line status */

static void test_error_bits(void **state)
{
    static const uint8_t errors[] = {UART16550_PE, UART16550_FE,
                                     UART16550_BI | UART16550_FE};

    (void)state;
    wr(IER, 0x04);
    for (unsigned i = 0; i < 3; i++) {
        line_char(0, errors[i]);
        assert_true(irq());
        assert_int_equal(rd(IIR), RLS);
        assert_int_equal(rd(LSR), 0x61 | errors[i]);
        assert_false(irq());
        assert_int_equal(rd(LSR), 0x61);
        assert_int_equal(rd(RBR), 0);
    }
    line_char('x', 0xe3); /* nothing but PE, FE and BI comes along */
    assert_int_equal(rd(LSR), 0x61);
}

static void send_break(void)
{
    assert_true(gate_event(h->gate, line->chardev.source, CHARDEV_BREAK));
    harness_deliver(h);
}

/* A break from the host has its place among the bytes: here between x and y,
 * and it waits for room as they do. */
static void test_break_from_host(void **state)
{
    (void)state;
    wr(IER, 0x04);
    receive("x");
    send_break();
    receive("y");
    assert_int_equal(rd(LSR), 0x61);
    assert_int_equal(rd(RBR), 'x');
    harness_deliver(h);
    assert_true(irq());
    assert_int_equal(rd(LSR), 0x61 | UART16550_BI | UART16550_FE);
    assert_int_equal(rd(RBR), 0);
    harness_deliver(h);
    assert_int_equal(rd(LSR), 0x61);
    assert_int_equal(rd(RBR), 'y');
    /* What is no break is none. */
    assert_true(gate_event(h->gate, line->chardev.source, 99));
    harness_deliver(h);
    assert_int_equal(rd(LSR), 0x60);
}

/* In FIFO mode an error shows when its character is at the top; LSR7 says
 * from the start that there is one (8.4). */
static void test_errors_in_fifo(void **state)
{
    (void)state;
    wr(FCR, 0x01);
    wr(IER, 0x04);
    line_char('a', 0);
    line_char('b', UART16550_PE);
    line_char('c', 0);
    line_char('d', UART16550_FE);
    assert_false(irq());
    assert_int_equal(rd(LSR), 0xe1);
    assert_int_equal(rd(RBR), 'a');
    assert_true(irq());
    assert_int_equal(rd(LSR), 0xe1 | UART16550_PE);
    assert_int_equal(rd(LSR), 0xe1); /* d's is still below */
    assert_int_equal(rd(RBR), 'b');
    assert_false(irq());
    assert_int_equal(rd(RBR), 'c');
    assert_true(irq());
    assert_int_equal(rd(LSR), 0xe1 | UART16550_FE);
    assert_int_equal(rd(LSR), 0x61);
    assert_int_equal(rd(RBR), 'd');
    assert_int_equal(rd(LSR), 0x60);
}

/* An error stays until LSR is read, even if its character is not there any
 * more; clearing the FIFO takes it along. */
static void test_errors_stay(void **state)
{
    (void)state;
    wr(FCR, 0x01);
    line_char('a', UART16550_PE);
    rd(RBR);
    assert_int_equal(rd(LSR), 0xe0 | UART16550_PE);
    assert_int_equal(rd(LSR), 0x60);
    line_char('a', UART16550_PE);
    line_char('b', UART16550_PE);
    wr(FCR, 0x03);
    assert_int_equal(rd(LSR), 0x60);
}

static void test_overrun_16450(void **state)
{
    (void)state;
    wr(IER, 0x04);
    line_char('a', 0);
    assert_false(irq());
    line_char('b', UART16550_PE);
    assert_true(irq());
    assert_int_equal(rd(LSR), 0x63 | UART16550_PE);
    assert_int_equal(rd(LSR), 0x61);
    assert_int_equal(rd(RBR), 'b'); /* which destroyed a */
    assert_int_equal(rd(LSR), 0x60);
}

static void test_overrun_fifo(void **state)
{
    (void)state;
    wr(FCR, 0x01);
    wr(IER, 0x04);
    for (unsigned i = 0; i < 16; i++)
        line_char((uint8_t)('a' + i), 0);
    assert_false(irq());
    line_char('z', UART16550_BI);
    assert_true(irq());
    assert_int_equal(rd(LSR), 0x63); /* z's break is lost with it */
    assert_int_equal(rd(LSR), 0x61);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(rd(RBR), 'a' + i);
    assert_int_equal(rd(LSR), 0x60);
}

/* ------------------------------------------------------ FIFO control */

static void test_fcr_needs_bit_0(void **state)
{
    (void)state;
    wr(FCR, 0x41);
    wr(FCR, 0xc2); /* FCR0 is 0: off, and nothing else programmed */
    assert_int_equal(rd(IIR) & 0xc0, 0);
    wr(IER, 0x01);
    receive("a");
    assert_true(irq());
    wr(FCR, 0x02); /* so this does not clear */
    assert_int_equal(rd(RBR), 'a');
}

static void test_fcr_clears(void **state)
{
    (void)state;
    wr(FCR, 0x81);
    receive("abc");
    wr(FCR, 0x85); /* the transmitter's */
    assert_int_equal(rd(LSR), 0x61);
    wr(FCR, 0x83);
    assert_int_equal(rd(LSR), 0x60);
    receive("abc");
    wr(FCR, 0x00); /* each change of FCR0 */
    assert_int_equal(rd(LSR), 0x60);
    receive("a");
    wr(FCR, 0x01);
    assert_int_equal(rd(LSR), 0x60);
    /* Input that had to wait comes then. */
    receive("0123456789abcdefgh");
    assert_int_equal(waiting(), 2);
    wr(FCR, 0x03);
    harness_deliver(h);
    assert_int_equal(rd(RBR), 'g');
    assert_int_equal(rd(RBR), 'h');
    assert_int_equal(rd(LSR), 0x60);
}

/* ----------------------------------------------------------- priorities */

static void test_priorities(void **state)
{
    (void)state;
    wr(FCR, 0x41);
    wr(IER, 0x0f);
    uart16550_modem(ns16550a_uart(dev), 0);
    receive("abc");
    harness_advance(h, 100000000);
    receive("d");
    line_char(0, UART16550_BI);
    for (unsigned i = 0; i < 4; i++)
        rd(RBR);
    /* Pending now: RLS, THRE, MS. */
    assert_int_equal(rd(IIR), 0xc0 | RLS);
    receive("efg");
    rd(LSR);
    /* RDA (4 characters). */
    assert_int_equal(rd(IIR), 0xc0 | RDA);
    rd(RBR);
    harness_advance(h, 100000000);
    assert_int_equal(rd(IIR), 0xc0 | TIMEOUT);
    receive("h"); /* both: the trigger level first */
    assert_int_equal(rd(IIR), 0xc0 | RDA);
    while (rd(LSR) & 1)
        rd(RBR);
    assert_int_equal(rd(IIR), 0xc0 | THRE);
    assert_int_equal(rd(IIR), 0xc0 | MS);
    assert_true(irq());
    assert_int_equal(rd(MSR), 0x0b);
    assert_int_equal(rd(IIR), 0xc0 | NONE);
    assert_false(irq());
}

/* Each enable bit masks its own interrupt only. */
static void test_enables(void **state)
{
    (void)state;
    uart16550_modem(ns16550a_uart(dev), 0);
    line_char(0, UART16550_PE);
    wr(THR, 'x');
    for (unsigned ier = 0; ier < 16; ier++) {
        unsigned want = NONE;

        wr(IER, 0);
        wr(IER, ier);
        if (ier & 4)
            want = RLS;
        else if (ier & 1)
            want = RDA;
        else if (ier & 2)
            want = THRE;
        else if (ier & 8)
            want = MS;
        assert_int_equal(irq(), want != NONE);
        assert_int_equal(rd(IIR), want);
    }
}

/* -------------------------------------------------- modem and loopback */

static void test_modem_lines(void **state)
{
    struct uart16550 *u = ns16550a_uart(dev);

    (void)state;
    wr(IER, 0x08);
    uart16550_modem(u, UART16550_DSR | UART16550_DCD);
    assert_true(irq());
    assert_int_equal(rd(IIR), MS);
    assert_int_equal(rd(MSR), 0xa1); /* DCTS */
    assert_false(irq());
    uart16550_modem(u, UART16550_DCD);
    assert_int_equal(rd(MSR), 0x82); /* DDSR */
    uart16550_modem(u, 0);
    assert_int_equal(rd(MSR), 0x08); /* DDCD */
    uart16550_modem(u, UART16550_RI);
    assert_false(irq()); /* only the end of a ring counts */
    assert_int_equal(rd(MSR), 0x40);
    uart16550_modem(u, 0);
    assert_true(irq());
    assert_int_equal(rd(MSR), 0x04); /* TERI */
    uart16550_modem(u, UART16550_CTS);
    uart16550_modem(u, 0);
    assert_int_equal(rd(MSR), 0x01); /* back, but noted */
    assert_int_equal(rd(MSR), 0x00);
    uart16550_modem(u, UART16550_CTS);
    uart16550_modem(u, UART16550_CTS | UART16550_DSR);
    assert_int_equal(rd(MSR), 0x33); /* both */
}

static void test_loopback_modem(void **state)
{
    (void)state;
    wr(MCR, 0x10);
    assert_int_equal(rd(MSR), 0x0b); /* the lines went away */
    wr(IER, 0x08);
    for (unsigned i = 0; i < 16; i++) {
        static const uint8_t lines[] = {0x20, 0x10, 0x40, 0x80};
        unsigned want = 0;

        wr(MCR, 0x10);
        rd(MSR);
        wr(MCR, 0x10 | i);
        for (unsigned b = 0; b < 4; b++)
            if (i >> b & 1)
                want |= lines[b] | (lines[b] & ~0x40) >> 4;
        assert_int_equal(irq(), (want & 0x0f) != 0);
        assert_int_equal(rd(MSR), want);
    }
    wr(MCR, 0x14);
    rd(MSR);
    wr(MCR, 0x10);
    assert_int_equal(rd(MSR), 0x04); /* TERI from OUT1 */
    wr(MCR, 0x00);
    assert_int_equal(rd(MSR), 0xbb);
}

/* How Linux looks for a port. */
static void test_loopback_probe(void **state)
{
    (void)state;
    wr(MCR, 0x1a);
    assert_int_equal(rd(MSR) & 0xf0, 0x90);
}

static void test_loopback_data(void **state)
{
    (void)state;
    wr(MCR, 0x10);
    wr(IER, 0x01);
    for (unsigned lcr = 0; lcr < 4; lcr++) {
        wr(LCR, lcr);
        wr(THR, 0xff);
        assert_true(irq());
        assert_int_equal(rd(RBR), 0xff >> (3 - lcr));
        assert_false(irq());
    }
    wr(FCR, 0xc1);
    for (unsigned i = 0; i < 17; i++)
        wr(THR, i);
    assert_int_equal(rd(LSR), 0x63);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(rd(RBR), i);
    assert_int_equal(rd(LSR), 0x60);
    wr(THR, 'x');
    harness_advance(h, 100000000);
    assert_int_equal(rd(IIR), 0xc0 | TIMEOUT);
    assert_int_equal(line->n_out, 0);
}

static void test_loopback_holds_input(void **state)
{
    (void)state;
    wr(LCR, 0x03);
    wr(MCR, 0x10);
    receive("abc");
    line_char('x', 0); /* a line without flow control loses it */
    assert_int_equal(rd(LSR), 0x60);
    wr(THR, 'l');
    assert_int_equal(rd(RBR), 'l');
    wr(FCR, 0x01);
    harness_deliver(h);
    assert_int_equal(rd(LSR), 0x60);
    wr(MCR, 0x00);
    harness_deliver(h);
    assert_int_equal(rd(RBR), 'a');
    assert_int_equal(rd(RBR), 'b');
    assert_int_equal(rd(RBR), 'c');
}

static void test_out2_gates_interrupt(void **state)
{
    (void)state;
    ns16550a_uart(dev)->out2_gates_irq = true;
    wr(IER, 0x01);
    receive("a");
    assert_false(irq());
    assert_int_equal(rd(IIR), RDA);
    wr(MCR, 0x08);
    assert_true(irq());
    wr(MCR, 0x18); /* loopback forces OUT2 inactive */
    assert_false(irq());
    wr(MCR, 0x08);
    assert_true(irq());
}

/* ----------------------------------------------------------- the bus */

static void test_widths(void **state)
{
    (void)state;
    /* Linux and others use wider accesses where a tree says so. */
    for (unsigned size = 1; size <= 8; size *= 2) {
        uint64_t v;

        harness_write(h, dev, 0, 0, size, 0x1122334455667700 | 'a');
        assert_int_equal(harness_read(h, dev, 0, 0, size), 0);
        if (size > 4)
            continue;
        assert_int_equal(harness_read(h, dev, 0, 4, size), 0);
        if (size > 1)
            assert_int_equal(harness_try_read(h, dev, 0, 5, size, &v),
                             BUS_REFUSED);
    }
    assert_int_equal(line->n_out, 4);
    assert_memory_equal(line->out, "aaaa", 4);
}

static void test_beyond_registers(void **state)
{
    (void)state;
    assert_int_equal(harness_read(h, dev, 0, 8, 1), 0);
    harness_write(h, dev, 0, 0xff, 1, 'x');
    assert_int_equal(harness_read(h, dev, 0, 0x3fffff8, 8), 0);
    assert_int_equal(line->n_out, 0);
    assert_non_null(strstr(harness_log(h), "no register at offset 0xff"));
}

static void test_spacing(void **state)
{
    struct device *plain = dev;

    (void)state;
    dev = harness_device(h, "ns16550a",
                         "chardev=b,reg-shift=2,reg-offset=0x100,"
                         "reg-io-width=4");
    for (unsigned reg = 0; reg < 8; reg++)
        harness_write(h, dev, 0, 0x100 + 4 * SCR, 4, 0xffffff00 | reg);
    assert_int_equal(harness_read(h, dev, 0, 0x100 + 4 * SCR, 4), 7);
    assert_int_equal(harness_read(h, dev, 0, 0x100 + 4 * LSR, 1), 0x60);
    harness_write(h, dev, 0, 0x100, 4, 'q');
    assert_int_equal(harness_chardev(h, "b")->n_out, 1);
    /* Other byte lanes, before and behind. */
    harness_write(h, dev, 0, 0x101, 1, 'r');
    harness_write(h, dev, 0, 0x102, 2, 'r');
    harness_write(h, dev, 0, 0, 4, 'r');
    harness_write(h, dev, 0, 0x120, 4, 'r');
    assert_int_equal(harness_read(h, dev, 0, 0x115, 1), 0);
    assert_int_equal(harness_chardev(h, "b")->n_out, 1);
    assert_int_equal(line->n_out, 0);
    dev = plain;
}

static void check_refused(const char *name, const char *value, const char *say)
{
    struct device *d = harness_make(h, &ns16550a_class);
    struct error e = {""};

    assert_true(device_set(d, &h->backends, name, value, &e));
    assert_false(harness_start(h, d, 1, &e));
    assert_non_null(strstr(e.text, say));
    harness_remove(h, d);
}

static void test_bad_properties(void **state)
{
    (void)state;
    check_refused("reg-shift", "9", "reg-shift is 9: want 0 to 8");
    check_refused("reg-io-width", "3", "want 1, 2, 4 or 8");
    check_refused("clock-frequency", "0", "clock-frequency is 0");
}

static void test_compatible(void **state)
{
    (void)state;
    assert_ptr_equal(device_class_compatible("ns16550a"), &ns16550a_class);
    assert_ptr_equal(device_class_compatible("ns16550"), &ns16550a_class);
}

/* Nothing is plugged in: no line from the modem, output goes nowhere. */
static void test_no_chardev(void **state)
{
    struct device *plain = dev;

    (void)state;
    dev = harness_device(h, "ns16550a", NULL);
    wr(THR, 'x');
    assert_int_equal(rd(LSR), 0x60);
    assert_int_equal(rd(MSR), 0x00);
    wr(FCR, 0x03);
    rd(RBR);
    dev = plain;
}

/* ----------------------------------------------------------- snapshots */

/* A port saved with a full FIFO and the time-out running goes on the same
 * in another one. */
static void test_snapshot(void **state)
{
    size_t size = state_size(ns16550a_class.fields);
    uint8_t *saved = malloc(size);
    struct device *plain = dev;
    struct error e;

    (void)state;
    wr(LCR, 0x03);
    wr(FCR, 0xc1);
    wr(IER, 0x05);
    line_char('a', 0);
    line_char('b', UART16550_FE);
    state_save(ns16550a_class.fields, plain, saved);
    dev = harness_device(h, "ns16550a", "chardev=b,clock-frequency=1843200");
    assert_true(state_load(ns16550a_class.fields, dev, saved, size, &e));
    ns16550a_class.loaded(dev);
    assert_true(state_equal(ns16550a_class.fields, plain, dev, &e));
    assert_false(irq());
    harness_advance(h, four_chars(10, 12) + 1);
    assert_int_equal(rd(IIR), 0xc0 | TIMEOUT);
    assert_int_equal(rd(RBR), 'a');
    assert_true(irq());
    assert_int_equal(rd(LSR), 0xe1 | UART16550_FE);
    assert_int_equal(rd(RBR), 'b');
    /* Input reaches the new one. */
    assert_int_equal(harness_type(h, "b", "z", 1), 1);
    assert_int_equal(rd(RBR), 'z');
    dev = plain;
    free(saved);
}

/* Any bytes at all in a snapshot leave a port that can be used. */
static void test_damaged_snapshot(void **state)
{
    size_t size = state_size(ns16550a_class.fields);
    uint8_t *bytes = malloc(size);
    struct prng p = {1};
    unsigned loaded = 0;
    struct error e;

    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        state_save(ns16550a_class.fields, dev, bytes);
        for (unsigned n = 0; n < 8; n++)
            bytes[prng_below(&p, size)] = (uint8_t)prng_next(&p);
        loaded += state_load(ns16550a_class.fields, dev, bytes, size, &e);
        ns16550a_class.loaded(dev);
        for (unsigned n = 0; n < 40; n++) {
            wr((unsigned)prng_below(&p, 8), (unsigned)prng_next(&p) & 0xff);
            rd((unsigned)prng_below(&p, 8));
            line_char((uint8_t)n, (uint8_t)prng_next(&p));
        }
    }
    assert_true(loaded > 100);
    free(bytes);
    harness_reset(h, dev);
    assert_int_equal(rd(LSR), 0x60);
    assert_int_equal(rd(IIR), NONE);
    assert_false(irq());
    line_char('a', 0);
    assert_int_equal(rd(RBR), 'a');
}

/* Input that a full receiver refused comes after a reset. */
static void test_reset_lets_input_in(void **state)
{
    (void)state;
    receive("ab");
    assert_int_equal(waiting(), 1);
    harness_reset(h, dev);
    harness_deliver(h);
    assert_int_equal(rd(RBR), 'b');
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reset_state),
        TEST(test_register_masks),
        TEST(test_divisor_latch),
        TEST(test_reset_keeps_scratch_and_divisor),
        TEST(test_read_only_registers),
        TEST(test_transmit),
        TEST(test_break_swallows),
        TEST(test_thre_interrupt),
        TEST(test_thre_behind_another),
        TEST(test_fcr_raises_thre),
        TEST(test_receive_16450),
        TEST(test_trigger_levels),
        TEST(test_fifo_holds_16),
        TEST(test_paste),
        TEST(test_end_of_input),
        TEST(test_timeout_durations),
        TEST(test_timeout_restarts),
        TEST(test_timeout_enabled_late),
        TEST(test_error_bits),
        TEST(test_break_from_host),
        TEST(test_errors_in_fifo),
        TEST(test_errors_stay),
        TEST(test_overrun_16450),
        TEST(test_overrun_fifo),
        TEST(test_fcr_needs_bit_0),
        TEST(test_fcr_clears),
        TEST(test_priorities),
        TEST(test_enables),
        TEST(test_modem_lines),
        TEST(test_loopback_modem),
        TEST(test_loopback_probe),
        TEST(test_loopback_data),
        TEST(test_loopback_holds_input),
        TEST(test_out2_gates_interrupt),
        TEST(test_widths),
        TEST(test_beyond_registers),
        TEST(test_spacing),
        TEST(test_bad_properties),
        TEST(test_compatible),
        TEST(test_no_chardev),
        TEST(test_snapshot),
        TEST(test_damaged_snapshot),
        TEST(test_reset_lets_input_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
