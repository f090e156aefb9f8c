/*
 * Pages of registers that a processor remembers (struct device_entry): each
 * way in which such a page may become another, or be forbidden, is seen by the
 * next access.
 *
 * Long mode with four levels; one table of small pages at VA, two chips.
 */
#include "tests/unit.h"

#include <string.h>

#include "base/bytes.h"
#include "tests/cpu/x86/rig.h"

#define VA UINT64_C(0x400000)
#define FAR UINT64_C(0x600000) /* a large page */
#define CHIPS UINT64_C(0x10000000)
#define CHIP_SIZE UINT64_C(0x200000)
#define RAM_PAGE 0x30000u
enum { PML4 = 0x10000, PDPT = 0x11000, PD = 0x12000, PT = 0x13000 };
enum {
    P = 1 << 0,
    W = 1 << 1,
    U = 1 << 2,
    ACCESSED = 1 << 5,
    DIRTY = 1 << 6,
    LARGE = 1 << 7,
    G = 1 << 8,
    ALL = P | W | U | ACCESSED | DIRTY,
};
#define KEY1 (UINT64_C(1) << 59)

/* Reads as its number in the upper half, and the address in the lower. */
struct chip {
    struct region region;
    unsigned number, writes;
};

static uint64_t chip_read(void *owner, uint64_t offset, unsigned size)
{
    const struct chip *chip = owner;

    (void)size;
    return chip->number << 16 | (offset & 0xffff);
}

static void chip_write(void *owner, uint64_t offset, uint64_t value,
                       unsigned size)
{
    struct chip *chip = owner;

    (void)offset, (void)value, (void)size;
    chip->writes++;
}

static const struct mmio_ops chip_ops = {
    .read = chip_read, .write = chip_write, .accept = 4, .impl = 4};

static struct x86_rig *rig;
static struct cpu *cpu;
static struct x86_cpu *g;
static struct chip chip[2];

static void poke(uint64_t at, uint64_t value)
{
    st_le64(rig->ram->host + at, value);
}

static void map(uint64_t to, uint64_t bits)
{
    poke(PT, to | bits);
}

static int set_up(void **state)
{
    static const uint8_t rom[4096] = {0xf4};
    struct error e;

    (void)state;
    rig = x86_rig_new("max", rom, sizeof(rom));
    cpu = rig->cpu;
    g = rig->g;
    for (unsigned i = 0; i < 2; i++) {
        chip[i] = (struct chip){.number = i + 1};
        chip[i].region = (struct region){.name = "chip",
                                         .kind = REGION_MMIO,
                                         .base = CHIPS + i * CHIP_SIZE,
                                         .size = CHIP_SIZE,
                                         .priority = 2,
                                         .enabled = true,
                                         .ops = &chip_ops,
                                         .owner = &chip[i]};
        assert_true(memory_add(rig->memory, &chip[i].region, &e));
    }
    poke(PML4, PDPT | ALL);
    poke(PDPT, PD | ALL);
    poke(PD + 8 * (VA >> 21), PT | ALL);
    poke(PD + 8 * (FAR >> 21), CHIPS | ALL | LARGE);
    map(CHIPS, ALL);
    poke(RAM_PAGE, 0x600df00d);
    g->cr0 |= CR0_PE | CR0_PG | CR0_WP;
    g->cr4 |= CR4_PAE;
    g->efer |= EFER_LME | EFER_LMA;
    g->cr3 = PML4;
    x86_flush(g);
    x86_settle(g);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    x86_rig_free(rig);
    return 0;
}

/* Level of privilege, and what follows. */
static void enter(unsigned cpl)
{
    g->cpl = (uint8_t)cpl;
    x86_update_contexts(g);
}

static bool load_at(uint64_t va, uint64_t *v)
{
    bool ok = cpu_load(cpu, va, 4, v);

    assert_true(ok != cpu->pending_exception);
    cpu->pending_exception = false;
    return ok;
}

/* What is read at VA. */
static uint64_t load(void)
{
    uint64_t v;

    assert_true(load_at(VA + 8, &v));
    return v;
}

static bool store(void)
{
    bool ok = cpu_store(cpu, VA + 8, 4, 1);

    assert_true(ok != cpu->pending_exception);
    cpu->pending_exception = false;
    return ok;
}

static bool loads(void)
{
    uint64_t v;

    return load_at(VA + 8, &v);
}

/* Else all that follows tells nothing. */
static void is_remembered(void **state)
{
    uint64_t v;

    (void)state;
    assert_int_equal(load(), 0x10008);
    assert_true(load_at(VA + 0x14, &v));
    assert_int_equal(v, 0x10014);
    assert_true(store());
    poke(PD + 8 * (VA >> 21), 0);
    assert_int_equal(load(), 0x10008);
    assert_true(store());
    assert_int_equal(chip[0].writes, 2);
    x86_flush(g);
    assert_false(loads());
    assert_false(store());
}

static void invlpg(void **state)
{
    (void)state;
    load(), store();
    map(CHIPS + CHIP_SIZE, ALL);
    assert_true(x86_invlpg(cpu, SEG_DS, VA + 99));
    assert_int_equal(load(), 0x20008);
    assert_true(store());
    assert_int_equal(chip[1].writes, 1);
    map(RAM_PAGE - 8, 0); /* not there */
    assert_true(x86_invlpg(cpu, SEG_DS, VA));
    assert_false(loads());
    assert_false(store());
}

/* INVLPG of any address of a large page. */
static void invlpg_large(void **state)
{
    uint64_t v;

    (void)state;
    assert_true(load_at(FAR + 0x5008, &v) && v == 0x15008);
    poke(PD + 8 * (FAR >> 21), (CHIPS + CHIP_SIZE) | ALL | LARGE);
    assert_true(x86_invlpg(cpu, SEG_DS, FAR + 0x100000));
    assert_true(load_at(FAR + 0x5008, &v));
    assert_int_equal(v, 0x25008);
}

/* MOV to CR3 flushes; pages that are global stay until CR4.PGE changes. */
static void cr3_and_global(void **state)
{
    (void)state;
    load();
    map(CHIPS + CHIP_SIZE, ALL);
    assert_true(x86_write_cr(cpu, 3, PML4));
    assert_int_equal(load(), 0x20008);
    assert_true(x86_write_cr(cpu, 4, g->cr4 | CR4_PGE));
    map(CHIPS, ALL | G);
    assert_true(x86_write_cr(cpu, 3, PML4));
    assert_int_equal(load(), 0x10008);
    map(CHIPS + CHIP_SIZE, ALL | G);
    assert_true(x86_write_cr(cpu, 4, g->cr4 & ~(uint64_t)CR4_PGE));
    assert_int_equal(load(), 0x20008);
}

static void pcid(void **state)
{
    const uint64_t other = PML4 + 0x8000, same = UINT64_C(1) << 63;

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        memcpy(rig->ram->host + other + 0x1000 * i,
               rig->ram->host + PML4 + 0x1000 * i, 4096);
    poke(other, (PDPT + 0x8000) | ALL);
    poke(other + 0x1000, (PD + 0x8000) | ALL);
    poke(other + 0x2000 + 8 * (VA >> 21), (PT + 0x8000) | ALL);
    poke(other + 0x3000, (CHIPS + CHIP_SIZE) | ALL);
    assert_true(x86_write_cr(cpu, 4, g->cr4 | CR4_PCIDE));
    for (unsigned i = 0; i < 2; i++) {
        assert_true(x86_write_cr(cpu, 3, same | PML4 | 1));
        assert_int_equal(load(), 0x10008);
        assert_true(x86_write_cr(cpu, 3, same | other | 2));
        assert_int_equal(load(), 0x20008);
    }
    poke(other + 0x3000, CHIPS | ALL);
    assert_true(x86_invpcid(cpu, 1, 2, 0));
    assert_int_equal(load(), 0x10008);
}

static void paging_ends(void **state)
{
    uint64_t v;

    (void)state;
    load();
    g->efer &= ~(uint64_t)EFER_LMA;
    g->cr0 &= ~(uint64_t)CR0_PG;
    x86_flush(g);
    x86_settle(g);
    assert_true(load_at(VA + 8, &v)); /* the rig's RAM ends there */
    assert_int_equal(v, 0xffffffff);
}

static void user_and_supervisor(void **state)
{
    (void)state;
    map(CHIPS, ALL & ~U);
    x86_flush(g);
    assert_int_equal(load(), 0x10008);
    assert_true(store());
    enter(3);
    assert_false(loads());
    assert_false(store());
    enter(0);
    assert_int_equal(load(), 0x10008);
}

static void smap(void **state)
{
    (void)state;
    assert_true(x86_write_cr(cpu, 4, g->cr4 | CR4_SMAP));
    assert_true(x86_stac(cpu, 1));
    assert_int_equal(load(), 0x10008);
    assert_true(store());
    assert_true(x86_stac(cpu, 0));
    assert_false(loads());
    assert_false(store());
    enter(3);
    assert_int_equal(load(), 0x10008);
}

static void protection_keys(void **state)
{
    (void)state;
    map(CHIPS, ALL | KEY1);
    assert_true(x86_write_cr(cpu, 4, g->cr4 | CR4_PKE));
    assert_int_equal(load(), 0x10008);
    assert_true(store());
    x86_set_pkru(g, 2 << 2); /* key 1: no writes */
    assert_int_equal(load(), 0x10008);
    assert_false(store());
    x86_set_pkru(g, 1 << 2); /* nor reads */
    assert_false(loads());
}

/* A fault takes the place of a flush, SDM 3-4.10.4.1. */
static void read_only(void **state)
{
    (void)state;
    map(CHIPS, ALL & ~W);
    x86_flush(g);
    assert_int_equal(load(), 0x10008);
    assert_false(store());
    map(CHIPS + CHIP_SIZE, ALL);
    assert_true(store());
    assert_int_equal(chip[1].writes, 1);
    assert_int_equal(load(), 0x20008);
}

/* The same where it becomes RAM, and the TLB forgets that soon. */
static void read_only_then_ram(void **state)
{
    const uint64_t same_place = VA + TLB_SIZE * PAGE_SIZE;
    uint64_t v;

    (void)state;
    map(CHIPS, ALL & ~W);
    poke(PD + 8 * (same_place >> 21), ALL | LARGE);
    x86_flush(g);
    assert_int_equal(load(), 0x10008);
    assert_false(store());
    map(RAM_PAGE, ALL);
    assert_true(store());
    assert_true(load_at(same_place, &v));
    assert_int_equal(load(), 1);
}

static void dirty(void **state)
{
    (void)state;
    map(CHIPS, P | W);
    x86_flush(g);
    assert_int_equal(load(), 0x10008);
    assert_int_equal(ld_le64(rig->ram->host + PT), CHIPS | P | W | ACCESSED);
    assert_true(store());
    assert_int_equal(ld_le64(rig->ram->host + PT),
                     CHIPS | P | W | ACCESSED | DIRTY);
}

static void breakpoints(void **state)
{
    (void)state;
    load(), store();
    assert_true(x86_write_dr(cpu, 0, VA + 8));
    assert_true(x86_write_dr(cpu, 7, 0xf0001 | 3 << 18)); /* 4 bytes, R and W */
    for (unsigned i = 0; i < 3; i++) {
        g->debug_traps = 0;
        load();
        assert_int_equal(g->debug_traps, 1);
        g->debug_traps = 0;
        store();
        assert_int_equal(g->debug_traps, 1);
    }
    g->debug_traps = 0;
}

static void address_line_20(void **state)
{
    (void)state;
    memory_move(&chip[1].region, CHIPS + 0x100000); /* over half the other */
    map(CHIPS + 0x100000, ALL);
    x86_flush(g);
    assert_int_equal(load(), 0x20008);
    x86_input(cpu, X86_LINE_A20, false);
    cpu->class->interrupt(cpu);
    assert_int_equal(load(), 0x10008);
    x86_input(cpu, X86_LINE_A20, true);
    cpu->class->interrupt(cpu);
    assert_int_equal(load(), 0x20008);
}

static uint64_t own_read(void *owner, unsigned n, uint64_t offset,
                         unsigned size)
{
    (void)owner, (void)n, (void)size;
    return 0x900000 | offset;
}

static void own_write(void *owner, unsigned n, uint64_t offset, uint64_t value,
                      unsigned size)
{
    (void)n, (void)offset, (void)value, (void)size;
    ++*(unsigned *)owner;
}

/* The processor's own page comes, goes elsewhere, and goes. */
static void own_page(void **state)
{
    unsigned writes = 0;

    (void)state;
    cpu->wires.own =
        (struct cpu_own_page){UINT64_MAX, own_read, own_write, &writes, 0};
    assert_int_equal(load(), 0x10008);
    cpu->wires.own.address = CHIPS;
    cpu_flush_tlb(cpu);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(load(), 0x900008);
        assert_true(store());
    }
    assert_int_equal(writes, 2);
    cpu->wires.own.address = CHIPS + 0x1000;
    cpu_flush_tlb(cpu);
    assert_int_equal(load(), 0x10008);
    assert_true(store());
    assert_int_equal(writes, 2);
}

/* Windows move while the entry stays: no CPU's TLB has been flushed yet. */
static void memory_map(void **state)
{
    struct region ram = {.name = "over it",
                         .kind = REGION_RAM,
                         .base = CHIPS,
                         .size = 4096,
                         .priority = 3,
                         .ram = rig->ram,
                         .ram_offset = RAM_PAGE};
    struct region rom = ram;
    struct error e;

    (void)state;
    rom.kind = REGION_ROM;
    assert_true(memory_add(rig->memory, &ram, &e));
    assert_true(memory_add(rig->memory, &rom, &e));
    poke(RAM_PAGE + 8, 0x600df00d);
    assert_int_equal(load(), 0x10008);
    assert_true(store());
    memory_move(&chip[0].region, CHIPS - 0x1000);
    assert_int_equal(load(), 0x11008);
    memory_enable(&chip[0].region, false);
    assert_int_equal(load(), 0xffffffff);
    assert_true(store());
    assert_int_equal(chip[0].writes, 1);
    memory_enable(&chip[0].region, true);
    memory_enable(&ram, true);
    assert_int_equal(load(), 0x600df00d);
    assert_true(store());
    assert_int_equal(load(), 1);
    memory_enable(&rom, true);
    assert_true(store());
    assert_int_equal(load(), 1);
    memory_enable(&rom, false);
    memory_enable(&ram, false);
    assert_int_equal(load(), 0x11008);
    assert_true(store());
    assert_int_equal(chip[0].writes, 2);
    memory_remove(&chip[0].region);
    memset(&chip[0], 0xff, sizeof(chip[0]));
    assert_int_equal(load(), 0xffffffff);
    memory_remove(&ram);
    memory_remove(&rom);
}

/* One half of an access is registers', the other RAM. */
static void across_pages(void **state)
{
    uint64_t v;

    (void)state;
    poke(PT + 8, RAM_PAGE | ALL);
    assert_true(load_at(VA, &v));
    assert_true(load_at(VA + 0x1000, &v));
    assert_int_equal(v, 0x600df00d);
    assert_true(load_at(VA + 0xffe, &v));
    /* Bytes are nowhere to the chip, which takes 4 only. */
    assert_int_equal(v, 0xf00dffff);
    assert_true(cpu_store(cpu, VA + 0xffe, 4, 0x11112222));
    assert_int_equal(ld_le32(rig->ram->host + RAM_PAGE), 0x600d1111);
    assert_int_equal(chip[0].writes, 0);
    poke(PT + 8, RAM_PAGE); /* not there: nothing is written */
    assert_true(x86_invlpg(cpu, SEG_DS, VA + 0x1000));
    assert_true(load_at(VA, &v));
    assert_false(load_at(VA + 0xffe, &v));
    assert_false(cpu_store(cpu, VA + 0xffe, 4, 0));
    cpu->pending_exception = false;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(is_remembered),
        TEST(invlpg),
        TEST(invlpg_large),
        TEST(cr3_and_global),
        TEST(pcid),
        TEST(paging_ends),
        TEST(user_and_supervisor),
        TEST(smap),
        TEST(protection_keys),
        TEST(read_only),
        TEST(read_only_then_ram),
        TEST(dirty),
        TEST(breakpoints),
        TEST(address_line_20),
        TEST(own_page),
        TEST(memory_map),
        TEST(across_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
