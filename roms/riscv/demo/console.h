/*
 * The console: a 16550-compatible UART.  Output is polled; input comes by
 * interrupt once console_use_interrupts was called, so that waiting for it
 * costs nothing.
 */
#ifndef DEMO_CONSOLE_H
#define DEMO_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uart {
    uint64_t base;
    uint32_t shift; /* registers lie 1 << shift bytes apart */
    uint32_t width; /* bytes an access: 1, 2 or 4 */
    uint32_t clock; /* Hz, 0 if unknown: the divisor stays as it is */
    uint32_t irq;   /* 0: none */
};

void console_init(const struct uart *uart);
void console_use_interrupts(void);
/* Should none come: poll for input from now on. */
void console_poll(void);

/* Writes all of it, with a carriage return before each newline. */
void console_write(const char *text, size_t size);
/* Waits until the last bit has left the chip. */
void console_drain(void);

/* Sleeps until a character is there. */
char console_read(void);

/* For the UART's interrupt: serves all that the chip asks for. */
void console_interrupt(void);

/* Asks for one "transmitter empty" interrupt; how many were seen so far. */
void console_ask_transmit_interrupt(void);
unsigned console_transmit_interrupts(void);

#endif
