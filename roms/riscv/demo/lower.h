/* Running code in S- and U-mode, for the tests. */
#ifndef DEMO_LOWER_H
#define DEMO_LOWER_H

#include <stdint.h>

#include "test.h"
#include "trap.h"

enum mode { MODE_U = 0, MODE_S = 1, MODE_M = 3 };

/* The pieces of lower.S, all in one page, from lower_code on. */
extern const char lower_code[];
extern const char lower_ecall[], lower_load[], lower_store[], lower_fetch[],
    lower_read_mstatus[], lower_read_sstatus[], lower_read_satp[],
    lower_read_cycle[], lower_read_time[], lower_sret[], lower_mret[],
    lower_wfi[], lower_sfence[], lower_ebreak[], lower_handler[],
    lower_skipper[], lower_interrupt[];

/* PMP: give S- and U-mode all of memory.  False if the hart has no PMP. */
bool lower_open_memory(void);

/*
 * Run `pc` in a mode, with a0 = arg and these bits of mstatus set, until it
 * traps to M-mode, as it must.
 */
struct trap lower_run(enum mode mode, uint64_t pc, uint64_t arg,
                      uint64_t status);

/* Run it and compare the trap's cause, and its origin with `mode`. */
struct trap lower_expect(struct test *test, const char *what, enum mode mode,
                         uint64_t pc, uint64_t arg, uint64_t status,
                         uint64_t cause);

#endif
