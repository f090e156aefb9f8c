/*
 * 16550A serial port: registers, FIFOs, interrupts, loopback.
 *
 * Follows National Semiconductor's PC16550D data sheet (June 1995); section
 * and table numbers below are its own.
 *
 * The line has no speed: what the guest writes leaves at once, so that THRE
 * and TEMT never read 0, and what comes from the host arrives as fast as the
 * receiver has room, but is never lost to an overrun.  The baud rate counts
 * only for the character time-out.  Nor has it a frame: all eight bits go to
 * and from the host whatever LCR says of word length and parity, because
 * much software writes without ever setting LCR (5 bits after reset).
 * Loopback does honour the word length.
 *
 * Missing: pacing by the baud rate; the DMA signals RXRDY and TXRDY (FCR3
 * is stored only); BAUDOUT; writes to LSR and MSR, which the data sheet
 * keeps for factory tests.
 */
#include "devices/uart16550.h"

enum {
    REG_RBR_THR = 0, /* DLL with DLAB */
    REG_IER = 1,     /* DLM with DLAB */
    REG_IIR_FCR = 2,
    REG_LCR = 3,
    REG_MCR = 4,
    REG_LSR = 5,
    REG_MSR = 6,
    REG_SCR = 7,
};

enum {
    IER_ERBFI = 0x01, /* received data */
    IER_ETBEI = 0x02, /* transmitter holding register empty */
    IER_ELSI = 0x04,  /* line status */
    IER_EDSSI = 0x08, /* modem status */
    IER_ALL = 0x0f,
};

/* Table IV, bits 3 to 0. */
enum {
    IIR_MS = 0x00,
    IIR_NONE = 0x01,
    IIR_THRE = 0x02,
    IIR_RDA = 0x04,
    IIR_RLS = 0x06,
    IIR_TIMEOUT = 0x0c,
    IIR_FIFOS = 0xc0,
};

enum {
    FCR_ENABLE = 0x01,
    FCR_RCVR_RESET = 0x02,
    FCR_XMIT_RESET = 0x04,
    FCR_DMA = 0x08,
    FCR_TRIGGER = 0xc0,
};

enum {
    LCR_WLS = 0x03,
    LCR_STB = 0x04,
    LCR_PEN = 0x08,
    LCR_BREAK = 0x40,
    LCR_DLAB = 0x80,
};

enum {
    MCR_DTR = 0x01,
    MCR_RTS = 0x02,
    MCR_OUT1 = 0x04,
    MCR_OUT2 = 0x08,
    MCR_LOOP = 0x10,
    MCR_ALL = 0x1f,
};

enum {
    LSR_DR = 0x01,
    LSR_OE = 0x02,
    LSR_CHAR = UART16550_PE | UART16550_FE | UART16550_BI,
    LSR_THRE = 0x20,
    LSR_TEMT = 0x40,
    LSR_FIFO_ERROR = 0x80,
};

enum {
    MSR_DCTS = 0x01,
    MSR_DDSR = 0x02,
    MSR_TERI = 0x04,
    MSR_DDCD = 0x08,
    MSR_DELTAS = 0x0f,
    MSR_LINES = 0xf0,
};

/* 9600 baud at a PC's 1.8432 MHz; after power-on the latch is undefined. */
#define POWER_ON_DIVISOR 12

static bool fifo_mode(const struct uart16550 *u)
{
    return u->fcr & FCR_ENABLE;
}

static unsigned rx_capacity(const struct uart16550 *u)
{
    return fifo_mode(u) ? UART16550_FIFO : 1;
}

/* Characters at which received data interrupts (8.5, FCR6 and FCR7). */
static unsigned rx_trigger(const struct uart16550 *u)
{
    static const uint8_t levels[] = {1, 4, 8, 14};

    return fifo_mode(u) ? levels[u->fcr >> 6] : 1;
}

/* The most urgent interrupt that is pending and enabled (Table IV). */
static uint8_t interrupt_id(const struct uart16550 *u)
{
    if ((u->ier & IER_ELSI) && (u->lsr & (LSR_OE | LSR_CHAR)))
        return IIR_RLS;
    if ((u->ier & IER_ERBFI) && u->rx_count >= rx_trigger(u))
        return IIR_RDA;
    if ((u->ier & IER_ERBFI) && u->timeout_interrupt)
        return IIR_TIMEOUT;
    if ((u->ier & IER_ETBEI) && u->thre_interrupt)
        return IIR_THRE;
    if ((u->ier & IER_EDSSI) && (u->msr & MSR_DELTAS))
        return IIR_MS;
    return IIR_NONE;
}

static void update_interrupt(struct uart16550 *u)
{
    bool level = interrupt_id(u) != IIR_NONE;

    /* Loopback forces OUT2 inactive (8.8). */
    if (u->out2_gates_irq && (u->mcr & (MCR_OUT2 | MCR_LOOP)) != MCR_OUT2)
        level = false;
    wire_set(device_out(u->dev, 0), level);
}

/* Four characters' time in ns: start, data, parity and stop bits of 16
 * receiver clocks each; 1.5 stop bits with 5 data bits (8.1, 8.11). */
static uint64_t timeout_ns(const struct uart16550 *u)
{
    unsigned word = 5 + (u->lcr & LCR_WLS);
    unsigned half_bits = 2 * (1 + word + !!(u->lcr & LCR_PEN));
    /* 8.3 only advises against 0: take a 16-bit counter's full turn. */
    uint64_t divisor = u->divisor ? u->divisor : 0x10000;

    half_bits += !(u->lcr & LCR_STB) ? 2 : word == 5 ? 3 : 4;
    return 4 * 8 * half_bits * divisor * 1000000000 / u->clock_hz;
}

/* 8.11: the timer starts anew with each character received or read. */
static void restart_timeout(struct uart16550 *u)
{
    if (fifo_mode(u) && u->rx_count)
        timer_arm(&u->timeout, clock_ns(u->dev->env->clock) + timeout_ns(u));
    else
        timer_disarm(&u->timeout);
}

static void timed_out(void *owner)
{
    struct uart16550 *u = owner;

    u->timeout_interrupt = true;
    update_interrupt(u);
}

/*
 * Take what the host still has once half the receiver is free; for each
 * single place, the main loop would be woken for every character.
 */
static void ask_for_input(struct uart16550 *u)
{
    if (!u->rx_held || u->rx_count > rx_capacity(u) / 2)
        return;
    u->rx_held = false;
    if (u->chardev)
        chardev_retry(u->chardev);
}

/* Put a character behind the others.  It is an overrun where there is no
 * room: a FIFO keeps what it has, RBR takes the new one (8.4, LSR1). */
static void rx_push(struct uart16550 *u, uint8_t byte, uint8_t errors)
{
    unsigned place = (u->rx_head + u->rx_count) % UART16550_FIFO;

    if (u->rx_count == rx_capacity(u)) {
        u->lsr |= LSR_OE;
        if (fifo_mode(u))
            return;
        place = u->rx_head;
        u->rx_count = 0;
    }
    u->rx_data[place] = byte;
    u->rx_error[place] = errors;
    /* An error shows when its character is at the top (8.4). */
    if (u->rx_count++ == 0)
        u->lsr |= errors;
}

static uint8_t read_rbr(struct uart16550 *u)
{
    if (u->rx_count == 0)
        return u->rbr;
    u->rbr = u->rx_data[u->rx_head];
    u->rx_head = (u->rx_head + 1) % UART16550_FIFO;
    if (--u->rx_count)
        u->lsr |= u->rx_error[u->rx_head];
    u->timeout_interrupt = false;
    restart_timeout(u);
    ask_for_input(u);
    update_interrupt(u);
    return u->rbr;
}

static void rx_clear(struct uart16550 *u)
{
    u->rx_head = u->rx_count = 0;
    u->lsr &= ~LSR_CHAR;
    u->timeout_interrupt = false;
    timer_disarm(&u->timeout);
    ask_for_input(u);
}

/* A break is one character (8.4, LSR4), whatever its number in the gate. */
static size_t receive_event(struct uart16550 *u, size_t event, size_t room)
{
    if (event != CHARDEV_BREAK)
        return event;
    if (room)
        uart16550_line(u, 0, UART16550_BI | UART16550_FE);
    else
        u->rx_held = true;
    return room ? event : 0;
}

/* The gate's sink: take what there is room for.  In loopback the line is
 * disconnected (8.8), but a host can wait. */
static size_t receive(void *owner, const uint8_t *bytes, size_t size)
{
    struct uart16550 *u = owner;
    size_t room = rx_capacity(u) - u->rx_count, n;

    if (u->mcr & MCR_LOOP)
        room = 0;
    if (!bytes)
        return receive_event(u, size, room);
    n = size < room ? size : room;
    for (size_t i = 0; i < n; i++)
        rx_push(u, bytes[i], 0);
    if (n < size)
        u->rx_held = true;
    if (n) {
        restart_timeout(u);
        update_interrupt(u);
    }
    return n;
}

void uart16550_line(struct uart16550 *u, uint8_t byte, uint8_t errors)
{
    if (u->mcr & MCR_LOOP)
        return;
    rx_push(u, byte, errors & LSR_CHAR);
    restart_timeout(u);
    update_interrupt(u);
}

/*
 * THR empties as soon as it is written.  The interrupt line drops between,
 * as an edge-triggered controller needs it.
 */
static void write_thr(struct uart16550 *u, uint8_t byte)
{
    u->thre_interrupt = false;
    update_interrupt(u);
    if (u->mcr & MCR_LOOP) {
        rx_push(u, byte & (0xff >> (3 - (u->lcr & LCR_WLS))), 0);
        restart_timeout(u);
    } else if (u->chardev && !(u->lcr & LCR_BREAK)) {
        /* During a break the line stays spacing (8.1, LCR6). */
        u->chardev->write(u->chardev, &byte, 1);
    }
    u->thre_interrupt = true;
    update_interrupt(u);
}

static void write_ier(struct uart16550 *u, uint8_t value)
{
    /* Enabled while THR is empty, it interrupts at once; drivers rely on
     * that to get started. */
    if (~u->ier & value & IER_ETBEI)
        u->thre_interrupt = true;
    u->ier = value & IER_ALL;
    update_interrupt(u);
}

static uint8_t read_iir(struct uart16550 *u)
{
    uint8_t id = interrupt_id(u);

    if (id == IIR_THRE) {
        u->thre_interrupt = false;
        update_interrupt(u);
    }
    return id | (fifo_mode(u) ? IIR_FIFOS : 0);
}

/* 8.5: without FCR0 the other bits are not programmed; changing FCR0 empties
 * both FIFOs, and the transmitter says so at once (8.11). */
static void write_fcr(struct uart16550 *u, uint8_t value)
{
    bool change = (value ^ u->fcr) & FCR_ENABLE;

    if (value & FCR_ENABLE)
        u->fcr = value & (FCR_ENABLE | FCR_DMA | FCR_TRIGGER);
    else
        u->fcr &= ~FCR_ENABLE;
    if (change)
        u->thre_interrupt = true;
    if (change || (value & (FCR_ENABLE | FCR_RCVR_RESET)) ==
                      (FCR_ENABLE | FCR_RCVR_RESET))
        rx_clear(u);
    update_interrupt(u);
}

/* MSR4 to MSR7 follow the modem, or the outputs in loopback (8.8), and
 * MSR0 to MSR3 note each change: of RI only its end (8.9). */
static void update_modem(struct uart16550 *u)
{
    uint8_t lines = u->modem_in, changed;

    if (u->mcr & MCR_LOOP)
        lines = ((u->mcr & MCR_RTS) ? UART16550_CTS : 0) |
                ((u->mcr & MCR_DTR) ? UART16550_DSR : 0) |
                ((u->mcr & MCR_OUT1) ? UART16550_RI : 0) |
                ((u->mcr & MCR_OUT2) ? UART16550_DCD : 0);
    changed = (lines ^ u->msr) & MSR_LINES;
    if (lines & UART16550_RI)
        changed &= ~UART16550_RI;
    u->msr = lines | (u->msr & MSR_DELTAS) | changed >> 4;
    update_interrupt(u);
}

void uart16550_modem(struct uart16550 *u, uint8_t lines)
{
    u->modem_in = lines & MSR_LINES;
    update_modem(u);
}

/* In loopback the pins are inactive (8.8). */
static void tell_lines(struct uart16550 *u)
{
    uint8_t mcr = u->mcr & MCR_LOOP ? 0 : u->mcr;

    if (u->chardev && u->chardev->lines)
        u->chardev->lines(u->chardev, mcr & MCR_DTR, mcr & MCR_RTS);
}

static void write_mcr(struct uart16550 *u, uint8_t value)
{
    u->mcr = value & MCR_ALL;
    tell_lines(u);
    if (!(u->mcr & MCR_LOOP))
        ask_for_input(u);
    update_modem(u);
}

/* Reading clears the errors, and with them what raised RLS; LSR7 stays if
 * characters with errors are left below the top (8.4). */
static uint8_t read_lsr(struct uart16550 *u)
{
    uint8_t value = u->lsr, below = 0;

    if (u->rx_count)
        value |= LSR_DR;
    for (unsigned i = 1; i < u->rx_count; i++)
        below |= u->rx_error[(u->rx_head + i) % UART16550_FIFO];
    if (fifo_mode(u) && ((value | below) & LSR_CHAR))
        value |= LSR_FIFO_ERROR;
    u->lsr &= ~(LSR_OE | LSR_CHAR);
    update_interrupt(u);
    return value;
}

static uint8_t read_msr(struct uart16550 *u)
{
    uint8_t value = u->msr;

    u->msr &= ~MSR_DELTAS;
    update_interrupt(u);
    return value;
}

uint8_t uart16550_read(struct uart16550 *u, unsigned reg)
{
    bool dlab = u->lcr & LCR_DLAB;

    switch (reg) {
    case REG_RBR_THR:
        return dlab ? u->divisor & 0xff : read_rbr(u);
    case REG_IER:
        return dlab ? u->divisor >> 8 : u->ier;
    case REG_IIR_FCR:
        return read_iir(u);
    case REG_LCR:
        return u->lcr;
    case REG_MCR:
        return u->mcr;
    case REG_LSR:
        return read_lsr(u);
    case REG_MSR:
        return read_msr(u);
    case REG_SCR:
        return u->scr;
    }
    return 0;
}

void uart16550_write(struct uart16550 *u, unsigned reg, uint8_t value)
{
    bool dlab = u->lcr & LCR_DLAB;

    switch (reg) {
    case REG_RBR_THR:
        if (dlab)
            u->divisor = (u->divisor & 0xff00) | value;
        else
            write_thr(u, value);
        break;
    case REG_IER:
        if (dlab)
            u->divisor = (u->divisor & 0xff) | value << 8;
        else
            write_ier(u, value);
        break;
    case REG_IIR_FCR:
        write_fcr(u, value);
        break;
    case REG_LCR:
        u->lcr = value;
        break;
    case REG_MCR:
        write_mcr(u, value);
        break;
    case REG_LSR:
    case REG_MSR:
        log_guest(u->dev->env->log, "%s: %s is read-only: write of 0x%02x",
                  u->dev->path, reg == REG_LSR ? "LSR" : "MSR", value);
        break;
    case REG_SCR:
        u->scr = value;
        break;
    }
}

void uart16550_init(struct uart16550 *u, struct device *dev)
{
    u->dev = dev;
    u->divisor = POWER_ON_DIVISOR;
    timer_init(&u->timeout, dev->env->clock, timed_out, u);
    if (u->chardev) {
        u->modem_in = UART16550_CTS | UART16550_DSR | UART16550_DCD;
        chardev_connect(u->chardev, receive, u);
    }
}

/* Table I.  After the fields: input that had to wait may come now. */
void uart16550_reset(struct uart16550 *u)
{
    u->msr = u->modem_in;
    u->rx_held = true;
    tell_lines(u);
    ask_for_input(u);
    update_interrupt(u);
}

/* A snapshot may be damaged: nothing of it may index outside. */
void uart16550_loaded(struct uart16550 *u)
{
    u->rx_head %= UART16550_FIFO;
    if (u->rx_count > rx_capacity(u))
        u->rx_count = rx_capacity(u);
    u->rx_held = true;
    tell_lines(u);
    ask_for_input(u);
    update_interrupt(u);
}

void uart16550_destroy(struct uart16550 *u)
{
    if (u->dev)
        timer_disarm(&u->timeout);
    if (u->chardev && u->chardev->sink_owner == u)
        chardev_connect(u->chardev, NULL, NULL);
}

/* Table I: a reset leaves the scratch register and the divisor alone. */
const struct field uart16550_fields[] = {
    FIELD_HOST(struct uart16550, dev),
    FIELD_HOST(struct uart16550, chardev),
    FIELD_HOST(struct uart16550, clock_hz),
    FIELD_HOST(struct uart16550, out2_gates_irq),
    FIELD(struct uart16550, ier, 0),
    FIELD(struct uart16550, fcr, 0),
    FIELD(struct uart16550, lcr, 0),
    FIELD(struct uart16550, mcr, 0),
    FIELD(struct uart16550, lsr, LSR_THRE | LSR_TEMT),
    FIELD(struct uart16550, msr, 0),
    FIELD_KEEP(struct uart16550, scr),
    FIELD(struct uart16550, rbr, 0),
    FIELD_KEEP(struct uart16550, divisor),
    FIELD(struct uart16550, rx_head, 0),
    FIELD(struct uart16550, rx_count, 0),
    FIELD_ARRAY(struct uart16550, rx_data, 0),
    FIELD_ARRAY(struct uart16550, rx_error, 0),
    FIELD_KEEP(struct uart16550, modem_in),
    FIELD(struct uart16550, rx_held, false),
    FIELD(struct uart16550, thre_interrupt, false),
    FIELD(struct uart16550, timeout_interrupt, false),
    FIELD_TIMER(struct uart16550, timeout),
    FIELD_LIST_END,
};
