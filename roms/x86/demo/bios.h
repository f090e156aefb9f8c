/*
 * Ports and the BIOS, for programs of 32 bits that start.S has started.
 */
#ifndef ROMS_X86_DEMO_BIOS_H
#define ROMS_X86_DEMO_BIOS_H

#include <stdint.h>

/* As start.S has it. */
struct bios_regs {
    uint32_t eax, ebx, ecx, edx, esi, edi, ebp;
    uint16_t es, ds;
    uint32_t flags; /* afterwards */
};

#define BIOS_CARRY 1u
#define BIOS_ZERO 0x40u

/* Interrupt n in real mode, with interrupts enabled. */
void bios_call(unsigned n, struct bios_regs *r);

/* Addresses below 64 KiB: a handler of an interrupt that waits for any other;
 * what a mouse's packets are given to, and what that makes of them. */
extern char low_halt[], low_mouse_call[];
extern struct low_mouse {
    int16_t x, y; /* all movement so far, downwards */
    uint8_t buttons;
    int16_t wheel; /* towards the user */
} low_mouse;

static inline void outb(unsigned port, unsigned value)
{
    __asm__ volatile("outb %b0, %w1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void outw(unsigned port, unsigned value)
{
    __asm__ volatile("outw %w0, %w1" : : "a"(value), "Nd"(port) : "memory");
}

static inline unsigned inb(unsigned port)
{
    uint8_t v;

    __asm__ volatile("inb %w1, %0" : "=a"(v) : "Nd"(port) : "memory");
    return v;
}

static inline unsigned inw(unsigned port)
{
    uint16_t v;

    __asm__ volatile("inw %w1, %0" : "=a"(v) : "Nd"(port) : "memory");
    return v;
}

#endif
