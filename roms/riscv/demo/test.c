/* The self-test: runs the groups and reports. */
#include "test.h"

#include "lib.h"
#include "print.h"

#define MAX_SHOWN 8 /* differences a group */

static const struct {
    const char *name;
    test_fn *run;
} groups[] = {
    {"integer", test_integer},
    {"multiply, divide", test_muldiv},
    {"loads, stores", test_memory},
    {"branches", test_branches},
    {"compressed", test_compressed},
    {"fence.i", test_fencei},
    {"atomics", test_atomics},
    {"Zba", test_zba},
    {"Zbb", test_zbb},
    {"Zbs", test_zbs},
    {"single precision", test_float},
    {"double precision", test_double},
    {"counters", test_counters},
    {"exceptions", test_exceptions},
    {"misaligned", test_misaligned},
    {"S-mode", test_supervisor},
    {"U-mode", test_user},
    {"delegation", test_delegation},
    {"PMP", test_pmp},
    {"Sv39", test_sv39},
    {"timer", test_timer},
    {"software interrupt", test_software},
    {"external interrupt", test_external},
    {"Sstc", test_sstc},
    {"other harts", test_harts},
};

const uint64_t test_operands[] = {
    0,
    1,
    2,
    7,
    63,
    64,
    0x7f,
    0x80,
    0xff00ff,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    0x100000000,
    0x123456789abcdef0,
    0x7fffffffffffffff,
    0x8000000000000000,
    0xffffffff80000000,
    0xfffffffffffffffe,
    0xffffffffffffffff,
};
const unsigned test_operand_count = ARRAY_SIZE(test_operands);

/* Whether to print this difference; the first one ends the group's line. */
static bool note_failure(struct test *test)
{
    if (test->failures++ == 0)
        print("FAIL\n");
    return test->failures <= MAX_SHOWN;
}

void test_equal(struct test *test, const char *what, uint64_t got,
                uint64_t want)
{
    if (got != want && note_failure(test))
        print("    %s: %lx, expected %lx\n", what, got, want);
}

void test_true(struct test *test, const char *what, bool ok)
{
    if (!ok && note_failure(test))
        print("    %s\n", what);
}

void test_result(struct test *test, const char *operation, uint64_t a,
                 uint64_t b, uint64_t got, uint64_t want)
{
    if (got != want && note_failure(test))
        print("    %s of %lx, %lx: %lx, expected %lx\n", operation, a, b, got,
              want);
}

bool test_trap(struct test *test, const char *what, const struct trap *trap,
               uint64_t cause)
{
    if ((!trap->taken || trap->cause != cause) && note_failure(test))
        print("    %s: %s, expected %s\n", what,
              trap->taken ? trap_name(trap->cause) : "no exception",
              trap_name(cause));
    return trap->taken;
}

/* The group did not expect it, and is over. */
static void note_trap(struct test *test, const struct trap *trap)
{
    if (note_failure(test))
        print("    unexpected %s at %lx, mtval %lx\n", trap_name(trap->cause),
              trap->epc, trap->tval);
}

/* A group under trap_run: what it says in case it cannot run. */
static uintptr_t run_group(uintptr_t run, uintptr_t test)
{
    return (uintptr_t)((test_fn *)run)((struct test *)test);
}

static void end_group(struct test *test, const char *missing)
{
    if (test->failures > MAX_SHOWN)
        print("    and %u more\n", test->failures - MAX_SHOWN);
    else if (test->failures == 0 && missing != NULL)
        print("skipped: %s\n", missing);
    else if (test->failures == 0)
        print("PASS\n");
}

bool test_all(const struct board *board)
{
    unsigned failed = 0, skipped = 0;

    print("self-test\n");
    for (unsigned i = 0; i < ARRAY_SIZE(groups); i++) {
        struct test test = {board, groups[i].name, 0};
        struct trap trap;
        print("  %-20s", test.name);
        if (trap_run(&trap, run_group, (uintptr_t)groups[i].run,
                     (uintptr_t)&test)) {
            trap.value = 0;
            note_trap(&test, &trap);
        }
        const char *missing = (const char *)trap.value;
        end_group(&test, missing);
        failed += test.failures > 0;
        skipped += test.failures == 0 && missing != NULL;
    }
    print("  %u passed, %u failed, %u skipped\n",
          (unsigned)ARRAY_SIZE(groups) - failed - skipped, failed, skipped);
    return failed == 0;
}
