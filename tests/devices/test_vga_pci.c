/*
 * The VGA as a PCI function: its BARs, its ROM, the legacy addresses; and a
 * guest that writes anything to all of them while its screen is drawn.
 */
#include "tests/devices/vga_rig.h"

#include <stdlib.h>
#include <string.h>

#include "devices/pci/pci.h"

static struct vga_rig rig;
static struct display_frame frame;

enum { VRAM = VGA_WINDOWS, REGISTERS };

static int setup(void **state)
{
    (void)state;
    rig_open(&rig, "VGA", NULL);
    /* The harness deals out MiBs; 16 of them want to be aligned. */
    harness_config_write(rig.h, rig.dev, PCI_BAR0, 4, 0x48000000);
    harness_config_write(rig.h, rig.dev, PCI_BAR0 + 8, 4, 0x47000000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static void names_itself(void **state)
{
    (void)state;
    assert_int_equal(harness_config_read(rig.h, rig.dev, 0, 4), 0x11111234);
    assert_int_equal(harness_config_read(rig.h, rig.dev, 8, 4), 0x03000002);
    harness_config_write(rig.h, rig.dev, PCI_BAR0, 4, 0xffffffff);
    assert_int_equal(harness_config_read(rig.h, rig.dev, PCI_BAR0, 4),
                     0xff000008);
    assert_int_equal(harness_config_read(rig.h, rig.dev, PCI_ROM, 4), 0);
}

/* Pixels written to BAR 0, which is RAM. */
static void framebuffer_is_ram(void **state)
{
    struct span s;

    (void)state;
    assert_true(memory_find(rig.h->memory, 0x48000000, &s));
    assert_int_equal(s.region->kind, REGION_RAM);
    assert_int_equal(s.size, 16 << 20);
    rig_out(&rig, 0x3c2, 1);
    rig_set_attr(&rig, 0x13, 0);
    rig_vbe_set(&rig, VBE_XRES, 2560);
    rig_vbe_set(&rig, VBE_YRES, 1600);
    rig_vbe_set(&rig, VBE_BPP, 32);
    rig_vbe_set(&rig, VBE_ENABLE, VBE_ENABLED | VBE_LFB);
    assert_true(rig_update(&rig, &frame));
    assert_int_equal(frame.width, 2560);
    assert_int_equal(frame.height, 1600);
    rig_update(&rig, &frame);
    assert_false(rig_update(&rig, &frame));
    harness_write(rig.h, rig.dev, VRAM, (1599 * 2560 + 2559) * 4, 4,
                  0x55123456);
    assert_true(rig_update(&rig, &frame));
    assert_int_equal(frame.pixels[1599 * 2560 + 2559], 0x123456);
    for (unsigned y = 0; y < 1600; y++)
        assert_int_equal(rig_changed(&rig, &frame, y), y == 1599);
    assert_false(rig_update(&rig, &frame));
}

/* A CPU that has its own way to memory, until it looks. */
struct cpu_spy {
    struct code_watcher watcher;
    const uint8_t *armed;
    bool settled;
};

static void spy_wrote(void *owner, struct ram *ram, uint64_t offset,
                      uint64_t size)
{
    (void)owner, (void)ram, (void)offset, (void)size;
}

static bool spy_armed(void *owner, const uint8_t *host)
{
    ((struct cpu_spy *)owner)->armed = host;
    return true;
}

static bool spy_settled(void *owner)
{
    return ((struct cpu_spy *)owner)->settled;
}

/* Writes that are not announced, behind one that was. */
static void pages_get_a_second_look(void **state)
{
    struct cpu_spy spy = {.settled = false};
    uint8_t *host = memory_host(rig.h->memory, 0x48000000, 4096, true);

    (void)state;
    spy.watcher = (struct code_watcher){.wrote = spy_wrote,
                                        .armed = spy_armed,
                                        .settled = spy_settled,
                                        .owner = &spy};
    rig_out(&rig, 0x3c2, 1);
    rig_set_attr(&rig, 0x13, 0);
    rig_vbe_set(&rig, VBE_XRES, 640);
    rig_vbe_set(&rig, VBE_YRES, 480);
    rig_vbe_set(&rig, VBE_BPP, 32);
    rig_vbe_set(&rig, VBE_ENABLE, VBE_ENABLED | VBE_LFB);
    rig_update(&rig, &frame);
    rig_update(&rig, &frame);
    memory_watch_code(rig.h->memory, &spy.watcher);
    harness_write(rig.h, rig.dev, VRAM, 0, 1, 1);
    assert_true(rig_update(&rig, &frame));
    assert_ptr_equal(spy.armed, host);
    for (uint8_t i = 2; i < 5; i++) {
        host[0] = i;
        assert_true(rig_update(&rig, &frame));
        assert_int_equal(frame.pixels[0], i);
    }
    host[0] = 5;
    spy.settled = true; /* what it wrote before, it wrote */
    assert_true(rig_update(&rig, &frame));
    assert_int_equal(frame.pixels[0], 5);
    host[0] = 6; /* this is nobody's write */
    assert_false(rig_update(&rig, &frame));
    memory_unwatch_code(rig.h->memory, &spy.watcher);
}

static void bar_2_has_the_registers(void **state)
{
    (void)state;
    harness_write(rig.h, rig.dev, REGISTERS, 0x402, 1, 0x63); /* 3C2 */
    assert_int_equal(harness_read(rig.h, rig.dev, REGISTERS, 0x40c, 1), 0x63);
    assert_int_equal(rig_in(&rig, 0x3cc), 0x63);
    harness_write(rig.h, rig.dev, REGISTERS, 0x404, 2, 0x0a02); /* SR2 */
    assert_int_equal(rig_get(&rig, 0x3c4, 2), 0x0a);
    harness_write(rig.h, rig.dev, REGISTERS, 0x502, 2, 1024);
    harness_write(rig.h, rig.dev, REGISTERS, 0x504, 4, 16 << 16 | 768);
    assert_int_equal(rig_vbe_get(&rig, VBE_XRES), 1024);
    assert_int_equal(rig_vbe_get(&rig, VBE_YRES), 768);
    assert_int_equal(rig_vbe_get(&rig, VBE_BPP), 16);
    assert_int_equal(harness_read(rig.h, rig.dev, REGISTERS, 0x504, 4),
                     16 << 16 | 768);
    assert_int_equal(harness_read(rig.h, rig.dev, REGISTERS, 0x514, 2), 256);
    assert_int_equal(harness_read(rig.h, rig.dev, REGISTERS, 0x600, 4), 8);
    assert_int_equal(harness_read(rig.h, rig.dev, REGISTERS, 0x604, 4),
                     0x1e1e1e1e);
}

static void command_enables_legacy_addresses(void **state)
{
    uint64_t v;

    (void)state;
    rig_out(&rig, 0x3c2, 0x67);
    assert_int_equal(memory_read(rig.h->ports, 0x3cc, 1, &v), BUS_OK);
    assert_int_equal(v, 0x67);
    assert_int_equal(memory_read(rig.h->memory, 0xa0000, 1, &v), BUS_OK);
    harness_config_write(rig.h, rig.dev, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    memory_read(rig.h->ports, 0x3cc, 1, &v);
    assert_int_equal(v, 0xff);
    assert_int_equal(memory_read(rig.h->memory, 0xa0000, 1, &v), BUS_OK);
    harness_config_write(rig.h, rig.dev, PCI_COMMAND, 2, PCI_COMMAND_IO);
    memory_read(rig.h->ports, 0x3cc, 1, &v);
    assert_int_equal(v, 0x67);
    assert_int_equal(memory_read(rig.h->memory, 0xa0000, 1, &v), BUS_UNMAPPED);
    harness_reset(rig.h, rig.dev);
    memory_read(rig.h->ports, 0x3cc, 1, &v);
    assert_int_equal(v, 0xff);
}

/* RAM over the window goes with the window. */
static void chain4_follows_the_command(void **state)
{
    uint64_t v;

    (void)state;
    rig_set_mode(&rig, MODE_13);
    rig_poke(&rig, 77, 78);
    assert_non_null(memory_host(rig.h->memory, 0xa0000, 0x10000, true));
    harness_config_write(rig.h, rig.dev, PCI_COMMAND, 2, PCI_COMMAND_IO);
    assert_int_equal(memory_read(rig.h->memory, 0xa0000 + 77, 1, &v),
                     BUS_UNMAPPED);
    harness_config_write(rig.h, rig.dev, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    assert_int_equal(*memory_host(rig.h->memory, 0xa0000 + 77, 1, true), 78);
    harness_reset(rig.h, rig.dev);
    assert_null(memory_host(rig.h->memory, 0xa0000, 1, true));
}

static void memory_is_what_it_was_told(void **state)
{
    struct harness *h = harness_new();
    struct device *dev = harness_make(h, device_class_named("VGA"));
    struct error e;

    (void)state;
    assert_true(device_set(dev, &h->backends, "vgamem_mb", "24", &e));
    assert_false(harness_start(h, dev, 0, &e));
    assert_non_null(strstr(e.text, "vgamem_mb is 24"));
    harness_free(h);
}

static void can_be_looked_at_before_a_reset(void **state)
{
    struct harness *h = harness_new();
    struct device *dev = harness_make(h, device_class_named("VGA"));
    struct error e;

    (void)state;
    assert_true(device_create(dev, 0, &e));
    dev->class->display->update(dev, &frame);
    assert_int_equal(frame.update, 1);
    assert_int_equal(frame.width, 720);
    assert_int_equal(frame.height, 400);
    assert_int_equal(frame.pixels[0], 0);
    harness_free(h);
}

/* --------------------------------------------------------------- nonsense */

static void touch(struct prng *p, unsigned n)
{
    struct region *r = &rig.dev->regions[n];
    unsigned size = 1u << prng_below(p, 4);
    uint64_t at = prng_below(p, r->size), v;

    if (!r->enabled || at + size > r->size)
        return;
    if (prng_below(p, 4))
        memory_write(r->space, r->base + at, size, prng_next(p));
    else
        memory_read(r->space, r->base + at, size, &v);
}

/* Registers, as a program would get at them. */
static void set_something(struct prng *p)
{
    static const uint16_t port[] = {0x3c4, 0x3ce, 0x3d4};
    uint8_t value = (uint8_t)prng_next(p);

    switch (prng_below(p, 6)) {
    case 0:
        rig_set_attr(&rig, (unsigned)prng_below(p, 32), value);
        break;
    case 1:
        rig_vbe_set(&rig, (unsigned)prng_below(p, 12), (uint16_t)prng_edgy(p));
        break;
    case 2:
        rig_vbe_set(&rig, VBE_ENABLE,
                    (uint16_t)(prng_below(p, 2) | (value & 0xe2)));
        break;
    default:
        rig_set(&rig, port[prng_below(p, 3)], (unsigned)prng_below(p, 32),
                value);
    }
}

static void expect_sound_frame(void)
{
    uint32_t all = 0;

    assert_in_range(frame.width, 1, 2560);
    assert_in_range(frame.height, 1, 2048);
    for (size_t i = 0; i < (size_t)frame.width * frame.height; i++)
        all |= frame.pixels[i];
    assert_int_equal(all >> 24, 0);
}

static void survives_nonsense(void **state)
{
    struct prng p = {99};
    unsigned blank = 0;

    (void)state;
    for (unsigned round = 0; round < 400; round++) {
        struct display_text t;

        harness_config_write(rig.h, rig.dev, PCI_COMMAND, 2, 3);
        if (round % 8 == 0)
            rig_vbe_set(&rig, VBE_ENABLE, 0);
        if (round % 4 == 0)
            rig_set_mode(&rig, (enum vga_mode_name)prng_below(&p, VGA_MODES));
        for (unsigned i = 0; i < 200; i++) {
            touch(&p, (unsigned)prng_below(&p, REGISTERS + 1));
            if (i % 10 == 0)
                set_something(&p);
            if (i % 50 == 0)
                harness_advance(rig.h, prng_below(&p, 20000000));
        }
        rig_look(&rig, &frame);
        expect_sound_frame();
        if (!rig.dev->class->display->text(rig.dev, &t))
            blank++;
        harness_advance(rig.h, prng_below(&p, 40000000));
    }
    assert_in_range(blank, 1, 399);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(names_itself),
        TEST(framebuffer_is_ram),
        TEST(pages_get_a_second_look),
        TEST(bar_2_has_the_registers),
        TEST(command_enables_legacy_addresses),
        TEST(chain4_follows_the_command),
        TEST(memory_is_what_it_was_told),
        cmocka_unit_test(can_be_looked_at_before_a_reset),
        TEST(survives_nonsense),
    };

    return cmocka_run_group_tests_name("VGA on PCI", tests, NULL, NULL);
}
