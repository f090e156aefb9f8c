/*
 * The console: a 16550-compatible UART.
 *
 * Models: National Semiconductor PC16550D data sheet, 8.0 "Registers".
 * Missing: modem control, and recovery from line errors, which a virtual line
 * does not have.
 */
#include "console.h"

#include "csr.h"

enum {
    RBR_THR = 0, /* receive buffer, transmit holding */
    IER = 1,
    IIR_FCR = 2,
    LCR = 3,
    MCR = 4,
    LSR = 5,
    DLL = 0, /* divisor latch, while LCR.DLAB is set */
    DLM = 1,
};

#define IER_RECEIVE 0x01
#define IER_TRANSMIT 0x02
#define IIR_NONE 0x01
#define IIR_ID 0x0f
#define IIR_TRANSMIT 0x02
#define IIR_FIFO 0xc0
#define FCR_ENABLE_CLEAR 0x07
#define LCR_8N1 0x03
#define LCR_DLAB 0x80
#define MCR_DTR_RTS_OUT2 0x0b /* OUT2 gates the interrupt on some boards */
#define LSR_READY 0x01
#define LSR_THR_EMPTY 0x20
#define LSR_ALL_EMPTY 0x40
#define FIFO_SIZE 16
#define BAUD 115200

#define RING_SIZE 256 /* a power of two */

static struct {
    struct uart uart;
    bool interrupts;
    uint8_t ier;
    unsigned fifo; /* characters that an empty transmitter takes */
    unsigned room; /* of these, how many are left */
    volatile unsigned head, tail; /* of the ring: written, read */
    volatile unsigned transmit_interrupts;
    volatile char ring[RING_SIZE];
} console;

static uint8_t uart_read(unsigned reg)
{
    uintptr_t at = console.uart.base + ((uint64_t)reg << console.uart.shift);

    switch (console.uart.width) {
    case 4:
        return (uint8_t) * (volatile uint32_t *)at;
    case 2:
        return (uint8_t) * (volatile uint16_t *)at;
    default:
        return *(volatile uint8_t *)at;
    }
}

static void uart_write(unsigned reg, uint8_t value)
{
    uintptr_t at = console.uart.base + ((uint64_t)reg << console.uart.shift);

    switch (console.uart.width) {
    case 4:
        *(volatile uint32_t *)at = value;
        break;
    case 2:
        *(volatile uint16_t *)at = value;
        break;
    default:
        *(volatile uint8_t *)at = value;
        break;
    }
}

/* Change bits of IER; callers keep the UART's interrupt from coming between. */
static void enable(uint8_t clear, uint8_t set)
{
    console.ier = (uint8_t)((console.ier & ~clear) | set);
    uart_write(IER, console.ier);
}

static void set_divisor(uint32_t divisor)
{
    uart_write(LCR, LCR_8N1 | LCR_DLAB);
    uart_write(DLL, (uint8_t)divisor);
    uart_write(DLM, (uint8_t)(divisor >> 8));
}

void console_init(const struct uart *uart)
{
    console.uart = *uart;
    enable(0xff, 0);
    if (uart->clock >= 16 * BAUD)
        set_divisor(uart->clock / (16 * BAUD));
    uart_write(LCR, LCR_8N1);
    uart_write(IIR_FCR, FCR_ENABLE_CLEAR);
    uart_write(MCR, MCR_DTR_RTS_OUT2);
    console.fifo = (uart_read(IIR_FCR) & IIR_FIFO) == IIR_FIFO ? FIFO_SIZE : 1;
}

void console_use_interrupts(void)
{
    console.interrupts = true;
    enable(0, IER_RECEIVE);
}

void console_poll(void)
{
    console.interrupts = false;
    enable(0xff, 0);
}

static void put(char c)
{
    if (console.room == 0) {
        while ((uart_read(LSR) & LSR_THR_EMPTY) == 0)
            ;
        console.room = console.fifo;
    }
    console.room--;
    uart_write(RBR_THR, (uint8_t)c);
}

void console_write(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n')
            put('\r');
        put(text[i]);
    }
}

void console_drain(void)
{
    while ((uart_read(LSR) & LSR_ALL_EMPTY) == 0)
        ;
}

/*
 * Take what the chip holds.  With the ring full the rest stays there, its
 * interrupt off, and whoever sends has to wait: nothing is lost.
 */
static void receive(void)
{
    while ((uart_read(LSR) & LSR_READY) != 0) {
        if (console.head - console.tail == RING_SIZE) {
            enable(IER_RECEIVE, 0);
            return;
        }
        console.ring[console.head % RING_SIZE] = (char)uart_read(RBR_THR);
        console.head++;
    }
}

void console_interrupt(void)
{
    uint8_t iir;

    while (((iir = uart_read(IIR_FCR)) & IIR_NONE) == 0) {
        if ((iir & IIR_ID) == IIR_TRANSMIT) {
            console.transmit_interrupts++;
            enable(IER_TRANSMIT, 0);
        } else {
            receive();
        }
    }
}

/* With interrupts off: whether a character is in the ring. */
static bool available(void)
{
    if (!console.interrupts)
        receive();
    return console.head != console.tail;
}

char console_read(void)
{
    char c;

    /*
     * Looking and falling asleep must be one step for the interrupt.  wfi
     * wakes for it even while MIE is off; then it is let in.
     */
    csr_clear(mstatus, MSTATUS_MIE);
    while (!available()) {
        if (console.interrupts)
            wait_for_interrupt();
        csr_set(mstatus, MSTATUS_MIE);
        csr_clear(mstatus, MSTATUS_MIE);
    }
    c = console.ring[console.tail % RING_SIZE];
    console.tail++;
    if (console.interrupts && (console.ier & IER_RECEIVE) == 0)
        enable(0, IER_RECEIVE);
    csr_set(mstatus, MSTATUS_MIE);
    return c;
}

void console_ask_transmit_interrupt(void)
{
    csr_clear(mstatus, MSTATUS_MIE);
    enable(0, IER_TRANSMIT);
    csr_set(mstatus, MSTATUS_MIE);
}

unsigned console_transmit_interrupts(void)
{
    return console.transmit_interrupts;
}
