/*
 * A machine's beginning and end, and what it says of itself.
 *
 * Missing: snapshots.
 */
#include "cpu/core/engine.h"
#include "cpu/core/lockstep.h"
#include "machine/machine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/ioapic.h"
#include "devices/lapic.h"
#include "devices/display/display.h"
#include "devices/i8042.h"
#include "devices/nmi_button.h"
#include "devices/power_button.h"
#include "machine/machine_priv.h"

#define MAX_ICOUNT_SHIFT 10
/* 2026-01-01, UTC */
#define ICOUNT_WALL_CLOCK_NS (1767225600 * (uint64_t)1000000000)

static bool make_clocks(struct machine *m, const struct machine_config *c,
                        struct error *e)
{
    m->clock = clock_new();
    m->gate = c->gate;
    if (!m->gate) {
        m->gate = gate_new();
        m->own_gate = true;
    }
    if (!m->clock || !m->gate)
        return error_set(e, "out of memory");
    m->icount = c->icount;
    m->icount_shift = c->icount_shift;
    if (m->icount && m->icount_shift > MAX_ICOUNT_SHIFT)
        return error_set(e, "-icount: shift=%u; wanted 0 to %d",
                         m->icount_shift, MAX_ICOUNT_SHIFT);
    /* The same seed, the same run: the wall clock starts at a fixed time,
     * too. */
    if (m->icount)
        gate_set_deterministic(m->gate, c->seed,
                               c->wall_clock_given ? c->wall_clock_ns
                                                   : ICOUNT_WALL_CLOCK_NS);
    else if (c->wall_clock_given)
        gate_set_wall_clock(m->gate, c->wall_clock_ns, c->wall_clock_stops);
    return true;
}

/* What a PC's kernel without firmware is told of devices. */
static void find_slots(const struct machine *m, struct pc_direct_slot *slot,
                       struct pc_direct_config *pc)
{
    const struct device *lapic = machine_device_of(m, &lapic_class, 0);
    const struct device *ioapic = machine_device_of(m, &ioapic_class, 0);

    pc->n_cpus = m->n_cpus;
    pc->slot = slot;
    pc->n_slots = machine_slots(m, slot, PC_DIRECT_MAX_SLOTS);
    if (lapic)
        pc->lapic = (uint32_t)lapic->regions[0].base;
    if (ioapic) {
        pc->ioapic = (uint32_t)ioapic->regions[0].base;
        pc->ioapic_inputs = ioapic->class->n_inputs;
    }
}

bool machine_power_button(struct machine *m)
{
    struct device *button = machine_device_of(m, &power_button_class, 0);

    if (button)
        power_button_press(button);
    return button != NULL;
}

bool machine_nmi(struct machine *m)
{
    struct device *button = machine_device_of(m, &nmi_button_class, 0);

    if (button)
        nmi_button_press(button);
    return button != NULL;
}

/* The first, or NULL. */
static struct device *find_screen(const struct machine *m)
{
    for (unsigned i = 0; i < m->n_members; i++)
        if (m->members[i].dev->class->display)
            return m->members[i].dev;
    return NULL;
}

bool machine_has_screen(const struct machine *m)
{
    return find_screen(m) != NULL;
}

bool machine_show(struct machine *m,
                  void (*show)(void *owner, const struct display_frame *f),
                  void *owner)
{
    struct device *dev = find_screen(m);
    struct display_frame frame;

    if (!dev)
        return false;
    pthread_mutex_lock(&m->lock);
    dev->class->display->update(dev, &frame);
    show(owner, &frame);
    pthread_mutex_unlock(&m->lock);
    return true;
}

bool machine_show_text(struct machine *m,
                       void (*show)(void *owner, const struct display_text *t),
                       void *owner)
{
    struct device *dev = find_screen(m);
    struct display_text text;
    bool is_text;

    if (!dev || !dev->class->display->text)
        return false;
    pthread_mutex_lock(&m->lock);
    is_text = dev->class->display->text(dev, &text);
    if (is_text)
        show(owner, &text);
    pthread_mutex_unlock(&m->lock);
    return is_text;
}

bool machine_key(struct machine *m, unsigned key, bool down)
{
    struct device *keyboard = machine_device_of(m, &i8042_class, 0);

    return !keyboard || i8042_post_key(keyboard, key, down);
}

bool machine_mouse(struct machine *m, int dx, int dy, int dz, unsigned buttons)
{
    struct device *mouse = machine_device_of(m, &i8042_class, 0);

    return !mouse || i8042_post_mouse(mouse, dx, dy, dz, buttons);
}

bool machine_leds(struct machine *m, unsigned *leds)
{
    struct device *keyboard = machine_device_of(m, &i8042_class, 0);
    bool known;

    if (!keyboard)
        return false;
    pthread_mutex_lock(&m->lock);
    known = i8042_leds(keyboard, leds);
    pthread_mutex_unlock(&m->lock);
    return known;
}

bool machine_has_gameport(struct machine *m)
{
    return machine_device_of(m, &gameport_class, 0);
}

bool machine_joysticks(struct machine *m, const struct joysticks *j)
{
    struct device *port = machine_device_of(m, &gameport_class, 0);

    return !port || gameport_post(port, j);
}

uint64_t machine_instructions(struct machine *m)
{
    return machine_insns(m);
}

/* A PC's ROM is as large as what is in it. */
static bool fit_rom(struct machine *m, struct error *e)
{
    struct region *rom = &m->rom_region, *alias = &m->rom_alias;
    const uint64_t size = (rom_used(&m->loader) + PAGE_SIZE - 1) & PAGE_MASK;

    if (!m->rom_file || size == rom->size)
        return true;
    memory_remove(alias);
    memory_remove(rom);
    rom->ram_offset = rom->size - size;
    rom->base += rom->ram_offset;
    rom->size = size;
    m->loader.c.rom = rom->base;
    m->loader.c.rom_size = size;
    if (alias->size > size) {
        alias->base += alias->size - size;
        alias->size = size;
    }
    alias->target_offset = size - alias->size;
    return memory_add(m->memory, rom, e) &&
           (!alias->size || memory_add(m->memory, alias, e));
}

/* That the user named. */
static bool has_disks(const struct machine *m)
{
    for (unsigned i = 0; i < MACHINE_VIRTIO_DISKS; i++) {
        if (m->virtio_disk[i])
            return true;
    }
    for (unsigned i = 0; i < MACHINE_IDE; i++) {
        if (m->ide[i].drive)
            return true;
    }
    return m->floppy[0].drive || m->floppy[1].drive;
}

static bool boots_from(const struct boot_option *b)
{
    return b->order || b->once || b->menu || b->strict || b->splash ||
           b->has_splash_time || b->has_reboot_timeout;
}

static bool open_loader(struct machine *m, const struct machine_config *c,
                        struct error *e)
{
    struct pc_direct_slot slot[PC_DIRECT_MAX_SLOTS];
    struct blob acpi = {NULL, 0, 0, false};
    bool ok;
    struct load_config l = {
        .kernel = c->kernel,
        .initrd = c->initrd,
        .append = c->append,
        .dtb = c->dtb,
        .bios = c->bios,
        .firmware_dirs = c->firmware_dirs,
        .demo = m->rom_file ? c->pc_demo : c->demo,
        .demo_size = m->rom_file ? c->pc_demo_size : c->demo_size,
        .has_disks = has_disks(m) || boots_from(&c->boot),
        .has_flash = c->pflash[0] != NULL,
        .flash = m->pflash_start,
        .flash_end = m->pflash_end,
        .can_tell = m->fw_cfg != NULL,
        .xlen = m->xlen,
        .memory = m->memory,
        .ram = m->ram_piece,
        .n_ram = m->n_ram,
        .rom = m->rom_region.base,
        .rom_size = m->rom_region.size,
        .rom_file = m->rom_file,
        .cpu = m->cpu_model,
        .rom_not_on = m->rom_not_on,
        .direct = m->direct,
    };

    if (m->bare) {
        m->loader.machine_tree = &m->tree;
        return true;
    }
    if (m->direct) {
        if (!machine_make_acpi(m, PC_DIRECT_ACPI_AT, &acpi, e))
            return false;
        find_slots(m, slot, &l.pc);
        l.pc.acpi = acpi.bytes;
        l.pc.acpi_size = acpi.size;
    }
    gate_entropy(m->gate, l.seed, sizeof(l.seed));
    ok = loader_open(&m->loader, &l, &m->tree, e);
    /* The loader has its own copies by now. */
    blob_free(&acpi);
    m->loader.c.pc = (struct pc_direct_config){.n_ram = 0};
    return ok && fit_rom(m, e);
}

/* After a reset.  A guest that cannot fetch where it starts, nor where its
 * trap vector is, would fault for ever. */
static bool check_start(struct machine *m, struct error *e)
{
    uint64_t pc = m->bare ? 0 : m->vcpu[0].cpu->pc;

    return m->bare || memory_host(m->memory, pc, 2, false) ||
           error_set(e,
                     "%s: no memory at 0x%llx, where the CPU starts; a board "
                     "has its boot ROM there (compatible = \"emu,boot-rom\")",
                     m->tree.name, (unsigned long long)pc);
}

bool machine_new(struct machine **out, const struct machine_config *c,
                 struct error *e)
{
    struct machine *m = calloc(1, sizeof(*m));

    *out = NULL;
    if (!m)
        return error_set(e, "out of memory");
    m->log = c->log;
    m->backends = c->backends;
    m->wake = c->wake;
    m->owner = c->owner;
    memcpy(m->serial, c->serial, sizeof(m->serial));
    m->parallel = c->parallel;
    memcpy(m->pflash, c->pflash, sizeof(m->pflash));
    m->loader.firmware = m->loader.kernel = m->loader.initrd = SOURCE_NONE;
    m->loader.told_kernel = m->loader.told_initrd = SOURCE_NONE;
    m->loader.kernel_image.data = m->loader.firmware_image.data = SOURCE_NONE;
    pthread_mutex_init(&m->lock, NULL);
    pthread_mutex_init(&m->run_lock, NULL);
    pthread_mutex_init(&m->request_lock, NULL);
    pthread_cond_init(&m->parked_cond, NULL);
    pthread_cond_init(&m->go_cond, NULL);
    if (!make_clocks(m, c, e) || !machine_build(m, c, e) ||
        !open_loader(m, c, e) || !machine_tell(m, c, e) ||
        !machine_init_run(m, e) || !machine_power_on(m, e) ||
        !check_start(m, e)) {
        machine_free(m);
        return false;
    }
    *out = m;
    return true;
}

void machine_free(struct machine *m)
{
    if (!m)
        return;
    machine_stop(m);
    if (m->gate)
        machine_destroy_run(m);
    loader_close(&m->loader);
    machine_unbuild(m);
    if (m->own_gate)
        gate_free(m->gate);
    clock_free(m->clock);
    pthread_cond_destroy(&m->go_cond);
    pthread_cond_destroy(&m->parked_cond);
    pthread_mutex_destroy(&m->request_lock);
    pthread_mutex_destroy(&m->run_lock);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

struct gate *machine_gate(struct machine *m)
{
    return m->gate;
}

bool machine_dump_tree(struct machine *m, const char *file, struct error *e)
{
    struct tree t;
    bool ok;
    FILE *f;

    if (!loader_board(&m->loader, &t, e))
        return error_prefix(e, "dumpdtb=%s", file);
    f = fopen(file, "wb");
    ok = f && fwrite(t.fdt, 1, t.size, f) == t.size;
    ok = f && fclose(f) == 0 && ok;
    tree_close(&t);
    return ok || error_set(e, "dumpdtb=%s: %s", file, strerror(errno));
}

const char *machine_lockstep_report(const struct machine *m)
{
    return m->ended.end == MACHINE_DIFFERS ? m->lockstep_report : NULL;
}

bool machine_runs_demo(const struct machine *m)
{
    return m->loader.demo;
}

bool machine_has_program(const struct machine *m)
{
    const struct loader *l = &m->loader;

    return m->bare || m->rom_file || l->demo || l->c.kernel || l->c.has_flash ||
           source_used(&l->firmware);
}

const char *machine_jit_missing(const struct machine *m)
{
    return m->jit_missing.text[0] ? m->jit_missing.text : NULL;
}

/* -- stats -- */

struct text {
    char *out;
    size_t size, at;
};

static void add(struct text *t, const char *fmt, ...) BASE_PRINTF(2, 3);

static void add(struct text *t, const char *fmt, ...)
{
    va_list args;
    int n;

    if (t->at >= t->size)
        return;
    va_start(args, fmt);
    n = vsnprintf(t->out + t->at, t->size - t->at, fmt, args);
    va_end(args);
    t->at += n > 0 ? (size_t)n : 0;
}

/* Registers belong to the vCPU's thread, but while that is parked. */
static void add_registers(struct machine *m, struct cpu *c, struct text *t)
{
    bool still = machine_paused(m) || m->n_threads == 0 ||
                 m->ended.end != MACHINE_RUNNING;

    if (!still || !c->class->dump || t->at >= t->size)
        return;
    c->class->dump(c, t->out + t->at, t->size - t->at);
    t->at += strlen(t->out + t->at);
}

void machine_stats(struct machine *m, char *out, size_t size)
{
    struct text t = {out, size, 0};
    uint64_t ns = clock_ns(m->clock);

    if (size)
        out[0] = 0;
    add(&t, "time %llu.%09llu s%s\n", (unsigned long long)(ns / 1000000000),
        (unsigned long long)(ns % 1000000000),
        m->ended.end != MACHINE_RUNNING ? ", ended"
        : machine_paused(m)             ? ", paused"
                                        : "");
    for (unsigned i = 0; i < m->n_cpus; i++) {
        struct cpu *c = m->vcpu[i].cpu;

        add(&t, "cpu %u: %llu instructions\n", c->id,
            (unsigned long long)cpu_icount_any(c));
        if (c->jit && t.at < t.size) {
            char line[1536];

            c->jit->stats(c, line, sizeof(line));
            add(&t, "%s\n", line);
        }
        if (c->lockstep && t.at < t.size) {
            char line[256];

            lockstep_stats(c, line, sizeof(line));
            add(&t, "%s\n", line);
        }
        add_registers(m, c, &t);
    }
}
