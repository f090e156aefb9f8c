/*
 * Two machines of different guests in one process, at the same time: a hart
 * of 32 bits and one of 64 run the same words, which count how wide a
 * register is, and say so to the finisher.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "machine/machine.h"

static const uint32_t program[] = {
    0x000404b7, /*     lui s1, 0x40 */
    0xfff00513, /* 1:  li a0, -1 */
    0x00000593, /*     li a1, 0 */
    0x00155513, /* 2:  srli a0, a0, 1 */
    0x00158593, /*     addi a1, a1, 1 */
    0xfe051ce3, /*     bnez a0, 2b */
    0xfff48493, /*     addi s1, s1, -1 */
    0xfe0494e3, /*     bnez s1, 1b */
    0x01059593, /*     slli a1, a1, 16 */
    0x000032b7, /*     lui t0, 3 */
    0x33328293, /*     addi t0, t0, 0x333: fail with a code */
    0x0055e5b3, /*     or a1, a1, t0 */
    0x00100337, /*     lui t1, 0x100 */
    0x00b32023, /*     sw a1, 0(t1) */
    0x0000006f, /*     j . */
};

/* Neither ends before both have started: the loop takes far longer. */
static void run_both(bool jit)
{
    static const char *const cpus[2] = {"rv32", "rv64"};
    char file[] = "/tmp/test-two-XXXXXX";
    int fd = mkstemp(file), code[2] = {-1, -1};
    struct machine *m[2];
    uint8_t word[4];
    struct error e;
    struct log log;

    assert_true(fd >= 0);
    for (unsigned i = 0; i < sizeof(program) / 4; i++) {
        st_le32(word, program[i]);
        assert_int_equal(write(fd, word, 4), 4);
    }
    close(fd);
    log_init(&log, stderr);
    for (unsigned i = 0; i < 2; i++) {
        struct machine_config config = {
            .cpu = cpus[i], .bios = file, .jit = jit, .log = &log};

        if (!machine_new(&m[i], &config, &e))
            fail_msg("%s", e.text);
    }
    for (unsigned i = 0; i < 2; i++)
        assert_true(machine_start(m[i], &e));
    for (unsigned left = 2; left;) {
        left = 0;
        for (unsigned i = 0; i < 2; i++) {
            machine_poll(m[i]);
            left += machine_ended(m[i], &code[i]) == MACHINE_RUNNING;
        }
        usleep(1000);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(machine_ended(m[i], &code[i]), MACHINE_FAILED);
        machine_stop(m[i]);
        machine_free(m[i]);
    }
    assert_int_equal(code[0], 32);
    assert_int_equal(code[1], 64);
    log_destroy(&log);
    unlink(file);
}

static void interpreted(void **state)
{
    (void)state;
    run_both(false);
}

static void translated(void **state)
{
    (void)state;
    run_both(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interpreted),
        cmocka_unit_test(translated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
