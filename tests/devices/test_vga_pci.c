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

/* The card's BIOS is called behind a sleep before the command register is
 * written; the registers and BARs are gone. */
static void sleep_leaves_legacy_addresses(void **state)
{
    uint64_t v;

    (void)state;
    rig_out(&rig, 0x3c2, 0x67);
    device_sleep(rig.dev);
    assert_int_equal(memory_read(rig.h->ports, 0x3cc, 1, &v), BUS_OK);
    assert_int_equal(v, 0);
    rig_set_mode(&rig, MODE_13);
    rig_poke(&rig, 77, 78);
    assert_int_equal(*memory_host(rig.h->memory, 0xa0000 + 77, 1, true), 78);
    assert_null(memory_host(rig.h->memory, 0x48000000, 1, false));
    assert_int_equal(harness_config_read(rig.h, rig.dev, PCI_BAR0, 4), 8);
    harness_config_write(rig.h, rig.dev, PCI_BAR0, 4, 0x48000000);
    assert_int_equal(memory_read(rig.h->memory, 0x48000000 + 77, 1, &v),
                     BUS_OK);
    assert_int_equal(v, 78);
    harness_config_write(rig.h, rig.dev, PCI_COMMAND, 2, 0);
    device_sleep(rig.dev);
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

/* -------------------------------------------------------------- VBE's ends */

static unsigned vbe_bytes(unsigned pixels, unsigned bpp)
{
    return bpp == 4 ? pixels / 8 : pixels * ((bpp + 7) / 8);
}

/* What a driver reads back is in memory, as a whole. */
static void expect_sound_mode(uint64_t memory)
{
    unsigned x = rig_vbe_get(&rig, VBE_XRES), y = rig_vbe_get(&rig, VBE_YRES);
    unsigned bpp = rig_vbe_get(&rig, VBE_BPP);
    unsigned wide = rig_vbe_get(&rig, VBE_VIRT_WIDTH);
    unsigned high = rig_vbe_get(&rig, VBE_VIRT_HEIGHT);
    unsigned left = rig_vbe_get(&rig, VBE_X_OFFSET);
    unsigned top = rig_vbe_get(&rig, VBE_Y_OFFSET);
    uint64_t pitch = vbe_bytes(wide, bpp);

    memory /= bpp == 4 ? 4 : 1;
    assert_true(bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 ||
                bpp == 32);
    assert_in_range(x, 8, 2560);
    assert_in_range(y, 1, 1600);
    assert_int_equal(x % 8 + wide % 8, 0);
    assert_in_range(wide, x, 65528);
    assert_in_range(left, 0, wide - x);
    assert_in_range(top + y, 1, high);
    assert_true(pitch * high <= memory);
    assert_true(high == 65535 || pitch * (high + 1) > memory);
    rig_update(&rig, &frame);
    assert_int_equal(frame.width, x);
    assert_int_equal(frame.height, y);
}

static void set_vbe_mode(unsigned x, unsigned y, unsigned bpp)
{
    rig_vbe_set(&rig, VBE_ENABLE, 0);
    rig_vbe_set(&rig, VBE_XRES, (uint16_t)x);
    rig_vbe_set(&rig, VBE_YRES, (uint16_t)y);
    rig_vbe_set(&rig, VBE_BPP, (uint16_t)bpp);
    rig_vbe_set(&rig, VBE_ENABLE, VBE_ENABLED | VBE_LFB | VBE_NOCLEAR);
}

/* The largest and the smallest memory, and any number in every register. */
static void vbe_stays_in_memory(void **state)
{
    static const unsigned some[] = {
        0,    1,    7,    8,    9,    640,   767,   1024,  1600,  1601,
        2560, 2561, 4096, 8191, 8192, 32767, 32768, 65527, 65528, 65535};
    static const unsigned depths[] = {0, 1, 4, 8, 12, 15, 16, 24, 32, 65535};
    static const char *const sizes[] = {"vgamem_mb=1", "vgamem_mb=4",
                                        "vgamem_mb=256"};
    static const unsigned mb[] = {1, 4, 256};
    struct prng p = {7};

    (void)state;
    for (unsigned n = 0; n < 3; n++) {
        rig_open(&rig, "VGA", sizes[n]);
        rig_out(&rig, 0x3c2, 3);
        assert_int_equal(rig_vbe_get(&rig, VBE_MEMORY), mb[n] << 4);
        rig_set_attr(&rig, 0x13, 0);
        for (unsigned i = 0; i < 60; i++) {
            set_vbe_mode(some[prng_below(&p, 20)], some[prng_below(&p, 20)],
                         depths[i % 10]);
            expect_sound_mode((uint64_t)mb[n] << 20);
            for (unsigned r = 0; r < 6; r++)
                rig_vbe_set(&rig, VBE_BANK + (unsigned)prng_below(&p, 5),
                            (uint16_t)some[prng_below(&p, 20)]);
            expect_sound_mode((uint64_t)mb[n] << 20);
            rig_poke(&rig, 0xffff, 0x5a); /* in some bank that there is */
            rig_peek(&rig, 0x1ffff);
        }
        rig_close(&rig);
    }
}

/* As many lines as there is memory for, and its last pixel. */
static void vbe_may_want_too_much(void **state)
{
    (void)state;
    rig_open(&rig, "VGA", "vgamem_mb=1");
    harness_config_write(rig.h, rig.dev, PCI_BAR0, 4, 0x48000000);
    rig_out(&rig, 0x3c2, 1);
    rig_set_attr(&rig, 0x13, 0);
    set_vbe_mode(2560, 1600, 32);
    assert_int_equal(rig_vbe_get(&rig, VBE_YRES), 102);
    harness_write(rig.h, rig.dev, VRAM, (102 * 2560 - 1) * 4, 4, 0x123456);
    rig_update(&rig, &frame);
    assert_int_equal(frame.height, 102);
    assert_int_equal(frame.pixels[102 * 2560 - 1], 0x123456);
    rig_close(&rig);
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
        TEST(sleep_leaves_legacy_addresses),
        TEST(chain4_follows_the_command),
        TEST(memory_is_what_it_was_told),
        cmocka_unit_test(can_be_looked_at_before_a_reset),
        TEST(survives_nonsense),
        cmocka_unit_test(vbe_stays_in_memory),
        cmocka_unit_test(vbe_may_want_too_much),
    };

    return cmocka_run_group_tests_name("VGA on PCI", tests, NULL, NULL);
}
