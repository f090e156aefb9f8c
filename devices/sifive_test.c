/*
 * SiFive's test finisher: one register with which a guest ends its run.
 *
 * A word is written to offset 0: its low half says what happens (0x5555
 * pass, 0x3333 fail, 0x7777 reset), its high half is the code of a failure.
 * Known from SiFive's freedom-devices TestFinisher and its users: OpenSBI
 * (16-bit writes), U-Boot and Linux (through the tree's syscon-poweroff and
 * syscon-reboot nodes, which name this one as their register map and so
 * need no device).
 *
 * The device says nothing when it is read.  Nothing is missing.
 */
#include "devices/device.h"

enum {
    FINISHER_FAIL = 0x3333,
    FINISHER_PASS = 0x5555,
    FINISHER_RESET = 0x7777,
};

struct sifive_test {
    struct device dev;
};

static uint64_t sifive_test_read(struct device *dev, unsigned window,
                                 uint64_t offset, unsigned size)
{
    (void)window, (void)size;
    if (offset)
        log_guest(dev->env->log, "%s: no register at offset 0x%llx", dev->path,
                  (unsigned long long)offset);
    return 0;
}

static void sifive_test_write(struct device *dev, unsigned window,
                              uint64_t offset, uint64_t value, unsigned size)
{
    const struct device_env *env = dev->env;

    (void)window, (void)size;
    if (offset) {
        log_guest(env->log, "%s: no register at offset 0x%llx", dev->path,
                  (unsigned long long)offset);
        return;
    }
    switch (value & 0xffff) {
    case FINISHER_PASS:
        env->request(env->machine, REQUEST_POWEROFF, 0);
        break;
    case FINISHER_FAIL:
        env->request(env->machine, REQUEST_FAIL, value >> 16 & 0xffff);
        break;
    case FINISHER_RESET:
        env->request(env->machine, REQUEST_RESET, 0);
        break;
    default:
        log_guest(env->log, "%s: 0x%llx is no command of the finisher",
                  dev->path, (unsigned long long)value);
    }
}

static const struct field sifive_test_fields[] = {
    DEVICE_FIELDS(struct sifive_test),
    FIELD_LIST_END,
};

static const struct window sifive_test_windows[] = {
    {.name = "finisher", .accept = 2 | 4, .impl = 2 | 4},
};

/* Not "syscon", though the node says that too: any register bank may be
 * one, and only this one ends the machine. */
static const char *const sifive_test_compatible[] = {"sifive,test1",
                                                     "sifive,test0", NULL};

const struct device_class sifive_test_class = {
    .name = "sifive_test",
    .summary = "ends or resets the machine when the guest says so",
    .compatible = sifive_test_compatible,
    .size = sizeof(struct sifive_test),
    .fields = sifive_test_fields,
    .windows = sifive_test_windows,
    .n_windows = 1,
    .read = sifive_test_read,
    .write = sifive_test_write,
};
