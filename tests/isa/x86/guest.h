/*
 * The x86 CPU as the rows' tests use it: code of privilege 3 in a window of a
 * few pages, mapped by page tables of long mode; exceptions end the run.
 */
#ifndef TESTS_ISA_X86_GUEST_H
#define TESTS_ISA_X86_GUEST_H

#include "cpu/x86/x86_isa.h"

/* Pages of the window that tests use, and what is on each; their RAM begins at
 * physical address 0. */
#define GUEST_BASE UINT64_C(0x10000000)
#define GUEST_PAGES 16u
enum guest_page { PAGE_ABSENT, PAGE_READ, PAGE_READ_WRITE };
/* RAM behind the window, for page tables. */
#define GUEST_TABLES 4u

/* No exception. */
#define GUEST_NONE 255

/* The class with exceptions that end the run; init once. */
void guest_class(struct cpu_class *out);

/* Page tables for the window, in ram of GUEST_PAGES + GUEST_TABLES pages. */
void guest_map(uint8_t *ram, const uint8_t kinds[GUEST_PAGES]);

/* Registers and segments of code of that size (X86_MODE_16, _32, _64) at
 * privilege 3; 16-bit code has its segments at the window.  Settled. */
void guest_set_mode(struct x86_cpu *g, unsigned size, uint16_t cs, uint16_t ss);

#endif
