/* See pc_rig.h. */
#include "pc_rig.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "stub_cpu.h"

#define ROM_SIZE 0x40000
#define PVH_SIZE 0x400

uint64_t pc_in(struct rig *r, uint64_t port, unsigned size)
{
    uint64_t v;

    assert_int_equal(memory_read(r->m->ports, port, size, &v), BUS_OK);
    return v;
}

void pc_out(struct rig *r, uint64_t port, unsigned size, uint64_t v)
{
    assert_int_equal(memory_write(r->m->ports, port, size, v), BUS_OK);
}

uint32_t pc_config_read(struct rig *r, unsigned devfn, unsigned reg,
                        unsigned size)
{
    pc_out(r, 0xcf8, 4, CONFIG(devfn, reg & 0xfc));
    return (uint32_t)pc_in(r, 0xcfc + (reg & 3), size);
}

void pc_config_write(struct rig *r, unsigned devfn, unsigned reg, unsigned size,
                     uint32_t v)
{
    pc_out(r, 0xcf8, 4, CONFIG(devfn, reg & 0xfc));
    pc_out(r, 0xcfc + (reg & 3), size, v);
}

uint64_t pc_load(struct rig *r, uint64_t at, unsigned size)
{
    uint64_t v;

    assert_int_equal(memory_read(r->m->memory, at, size, &v), BUS_OK);
    return v;
}

void pc_store(struct rig *r, uint64_t at, unsigned size, uint64_t v)
{
    assert_int_equal(memory_write(r->m->memory, at, size, v), BUS_OK);
}

void pc_config(struct rig *r, unsigned cpus)
{
    uint8_t *rom = malloc(ROM_SIZE);

    assert_non_null(rom);
    for (unsigned i = 0; i < ROM_SIZE; i++)
        rom[i] = (uint8_t)(i / 256);
    r->config.board = "pc";
    r->config.bios = rig_file(r, "bios", rom, ROM_SIZE);
    r->config.cpus = cpus;
    free(rom);
}

void pc_make(struct rig *r, unsigned cpus)
{
    pc_config(r, cpus);
    rig_machine(r);
}

unsigned pc_lines(struct rig *r, unsigned cpu)
{
    return atomic_load(&((struct stub_cpu *)r->m->vcpu[cpu].cpu)->lines);
}

struct device *pc_device(struct rig *r, const char *cls)
{
    struct device *dev = machine_device_of(r->m, device_class_named(cls), 0);

    assert_non_null(dev);
    return dev;
}

void pc_lock(struct rig *r)
{
    pthread_mutex_lock(&r->m->lock);
}

void pc_unlock(struct rig *r)
{
    pthread_mutex_unlock(&r->m->lock);
}

void pc_set_wire(struct rig *r, const struct wire *w, bool on)
{
    pc_lock(r);
    wire_set(w, on);
    pc_unlock(r);
}

void pc_raise(struct rig *r, struct device *dev, unsigned n, bool on)
{
    pc_set_wire(r, device_out(dev, n), on);
}

int pc_acknowledge(struct rig *r, unsigned cpu)
{
    const struct cpu_apic *a = &r->m->vcpu[cpu].cpu->wires.apic;
    int v;

    pc_lock(r);
    v = a->acknowledge(a->owner, a->cpu);
    pc_unlock(r);
    return v;
}

void pc_init_pics(struct rig *r)
{
    static const uint8_t icw[2][4] = {{0x11, 8, 4, 1}, {0x11, 0x70, 2, 1}};

    for (unsigned chip = 0; chip < 2; chip++) {
        uint64_t port = chip ? 0xa0 : 0x20;

        pc_out(r, port, 1, icw[chip][0]);
        for (unsigned i = 1; i < 4; i++)
            pc_out(r, port + 1, 1, icw[chip][i]);
        pc_out(r, port + 1, 1, 0);
    }
}

const struct fw_cfg_item *pc_file(struct rig *r, const char *name)
{
    for (unsigned i = 0; i < r->m->fw_cfg->n_files; i++) {
        const struct fw_cfg_item *f =
            &r->m->fw_cfg->item[FW_CFG_FILE_FIRST + i];

        if (strcmp(f->name, name) == 0)
            return f;
    }
    fail_msg("no file %s", name);
    return NULL;
}

const char *pc_pvh_file(struct rig *r, uint32_t file_size, uint32_t mem_size)
{
    uint8_t b[PVH_SIZE] = "\177ELF\1\1\1";

    st_le16(b + 16, 2); /* ET_EXEC, EM_386 */
    st_le16(b + 18, 3);
    st_le32(b + 20, 1);
    st_le32(b + 28, 52);
    st_le16(b + 42, 32);
    st_le16(b + 44, 2);
    st_le32(b + 52, 1); /* PT_LOAD */
    st_le32(b + 56, 0x100);
    st_le32(b + 60, 0x200000);
    st_le32(b + 64, 0x200000);
    st_le32(b + 68, file_size);
    st_le32(b + 72, mem_size);
    st_le32(b + 84, 4); /* PT_NOTE */
    st_le32(b + 88, 0x200);
    st_le32(b + 100, 20);
    memcpy(b + 0x200, "\4\0\0\0\4\0\0\0\22\0\0\0Xen", 16);
    st_le32(b + 0x210, 0x200010);
    return rig_file(r, "pvh", b, sizeof(b));
}
