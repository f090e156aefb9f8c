/*
 * The layout of the CPU that the loops run on, for C and assembly: as far
 * from rbp as in the emulator, whose guest registers lie behind the tables.
 */
#ifndef TESTS_BENCH_MAPPING_H
#define TESTS_BENCH_MAPPING_H

/* Bytes from the start of struct state. */
#define PAGE 0
#define CONTEXT 8
#define JUMP_CONTEXT 16
#define BUDGET 24
#define FLAG 32
#define SHADOW_AT 40
#define STACK_LIMIT 48
#define PEXT_MASK 56
#define PLACES 64 /* the 16-byte last page of each base register: 32, twice */
#define PLACES_WRITE (PLACES + 512)
#define SHADOW 1088
#define READ 2112
#define WRITE (READ + 65536)
#define PAGES (WRITE + 65536)         /* as READ, tags and addends apart */
#define PAGES_WRITE (PAGES + 65536)
#define JCACHE (PAGES_WRITE + 65536)
#define DIRECT (JCACHE + 98304)       /* pc and host code */
#define X (DIRECT + 65536)

#define SHADOW_MASK 0x3f0
#define TLB_MASK 0xfff0
#define ENTER 0x7f1234567000
#define CODE_OFFSET -24

#define PC_BASE 0x12345000 /* return sites and handlers: 16 bytes apart */

#endif
