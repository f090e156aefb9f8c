/*
 * The register logic of a 16550A serial port, without its bus.
 *
 * A bus glue (memory-mapped, ISA, PCI) embeds a struct uart16550 in its own
 * device, puts uart16550_fields into its table with FIELD_SUB, and passes
 * register numbers 0 to 7 on.  The interrupt goes to output 0 of the glue's
 * device.
 */
#ifndef DEVICES_UART16550_H
#define DEVICES_UART16550_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/chardev.h"
#include "devices/device.h"

#define UART16550_REGISTERS 8
#define UART16550_FIFO 16 /* characters */

/* Line Status Register: what a received character may carry. */
#define UART16550_PE 0x04 /* parity error */
#define UART16550_FE 0x08 /* framing error */
#define UART16550_BI 0x10 /* break */

/* Modem Status Register: the four lines from the modem. */
#define UART16550_CTS 0x10
#define UART16550_DSR 0x20
#define UART16550_RI 0x40
#define UART16550_DCD 0x80

struct uart16550 {
    /* Set by the glue: the first by uart16550_init(), the rest by its
     * properties or its create, before uart16550_init(). */
    struct device *dev;
    struct chardev *chardev; /* NULL: nothing is plugged in */
    uint32_t clock_hz;       /* of XIN; 16 times the baud rate's unit */
    bool out2_gates_irq;     /* a PC's boards: OUT2 enables the line driver */

    /* Registers, under the data sheet's names. */
    uint8_t ier, fcr, lcr, mcr, lsr, msr, scr, rbr;
    uint16_t divisor; /* DLM:DLL */

    /* Receiver FIFO; in 16450 mode it holds one character. */
    uint8_t rx_head, rx_count;
    uint8_t rx_data[UART16550_FIFO];
    uint8_t rx_error[UART16550_FIFO]; /* PE, FE, BI of each */
    uint8_t modem_in; /* the lines from the modem, as in MSR */
    bool rx_held;     /* input was refused and waits for room */
    bool thre_interrupt, timeout_interrupt;
    struct timer timeout;
};

extern const struct field uart16550_fields[];

/* From the glue's create, reset, loaded and destroy. */
void uart16550_init(struct uart16550 *u, struct device *dev);
void uart16550_reset(struct uart16550 *u);
void uart16550_loaded(struct uart16550 *u);
void uart16550_destroy(struct uart16550 *u);

/* Registers 0 to 7. */
uint8_t uart16550_read(struct uart16550 *u, unsigned reg);
void uart16550_write(struct uart16550 *u, unsigned reg, uint8_t value);

/*
 * A character as a line without flow control delivers it, with the errors
 * that came along (PE, FE, BI or-ed; a break is byte 0 with BI and FE).
 * Where there is no room it is an overrun.
 */
void uart16550_line(struct uart16550 *u, uint8_t byte, uint8_t errors);

/* The lines from the modem change (CTS, DSR, RI, DCD or-ed: asserted). */
void uart16550_modem(struct uart16550 *u, uint8_t lines);

#endif
