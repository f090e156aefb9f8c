/*
 * A board for one x86 processor: RAM from 0 and again from 16 MiB, a ROM that
 * ends at 1 MiB, 16 MiB and 4 GiB, and ports that tests talk by.  The clock
 * counts instructions.
 *
 *   E9      what is written is collected as text
 *   F4      ends the run
 *   F5      bits of enum x86_line: raise, F6: lower
 *   F8      vector of the next interrupt, which INTR is raised for; the
 *           acknowledge lowers it
 *   FA      A20 by bit 0
 *   FC      4 bytes that are read back
 */
#ifndef TESTS_CPU_X86_RIG_H
#define TESTS_CPU_X86_RIG_H

#include "cpu/x86/system.h"

#define X86_RIG_RAM UINT64_C(0x400000)
#define X86_RIG_TEXT 65536u

struct x86_rig {
    struct cpu *cpu;
    struct x86_cpu *g; /* the same */
    struct cpu_class class;
    pthread_mutex_t lock;
    struct log log;
    struct memory *memory, *ports;
    struct ram *ram, *rom;
    struct region ram_region, ram_again, rom_low, rom_286, rom_high;
    struct region port_region;
    struct clock *clock;
    char text[X86_RIG_TEXT];
    unsigned n_text;
    uint8_t vector, latch[4];
    bool ended, shut_down, differs;
};

/* ROM: at most 128 KiB, a multiple of 4 KiB.  NULL model: the default. */
struct x86_rig *x86_rig_new(const char *model, const uint8_t *rom,
                            unsigned size);
/* Nothing but `size` bytes of RAM from 0: no ROM, no ports. */
struct x86_rig *x86_rig_plain(const char *model, const struct cpu_class *class,
                              uint64_t size);
void x86_rig_free(struct x86_rig *r);
/* Let it run in lockstep with the translator, before it runs; a difference
 * is printed, ends the run and sets `differs`.  false: there is none. */
bool x86_rig_lockstep(struct x86_rig *r);
/* Until it ends, halts for ever, shuts down, or `insns` are retired. */
void x86_rig_run(struct x86_rig *r, uint64_t insns);

#endif
