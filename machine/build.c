/*
 * Making a machine's parts from its tree: address spaces, ROM, devices.  RAM
 * and CPUs are core.c's.
 *
 * Nodes are walked in tree order.  One whose `compatible` names a device
 * class becomes a device: its properties are those of the node that the
 * class knows (one with an emu, prefix wins), its register windows are the
 * entries of `reg`.  A node without registers that no class knows is there
 * for the guest; one with registers is an error, unless its status disables
 * it.
 *
 * Missing: devices that lie on a bus that itself can be moved by the guest,
 * other than PCI functions.
 */
#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/cfi_flash.h"
#include "devices/fw_cfg.h"
#include "devices/isa.h"
#include "devices/pci/pci.h"
#include "machine/board.h"
#include "machine/machine_priv.h"

#define DEFAULT_MAX_CPUS 8

/* -- the board as a whole -- */

static bool read_root(struct machine *m, struct error *e)
{
    const struct tree *t = &m->board;
    const char *virtio = tree_string(t, 0, "emu,virtio");
    uint32_t max_cpus;

    if (!tree_u32(t, 0, "emu,max-cpus", DEFAULT_MAX_CPUS, &max_cpus, e) ||
        !tree_u64(t, 0, "emu,default-ram", 0, &m->default_ram, e) ||
        !tree_u64(t, 0, "emu,min-ram", PAGE_SIZE, &m->min_ram, e))
        return false;
    if (max_cpus < 1 || max_cpus > MACHINE_MAX_CPUS)
        return tree_error(t, 0, "emu,max-cpus", e, "%u: wanted 1 to %u",
                          max_cpus, MACHINE_MAX_CPUS);
    m->max_cpus = max_cpus;
    m->virtio = virtio ? virtio : "device";
    if (strcmp(m->virtio, "pci") != 0 && strcmp(m->virtio, "device") != 0)
        return tree_error(t, 0, "emu,virtio", e,
                          "'%s': wanted 'pci' or 'device'", m->virtio);
    m->ports_exist = tree_prop(t, 0, "emu,ports", NULL) != NULL;
    m->unmapped_ones = tree_prop(t, 0, "emu,unmapped-ones", NULL) != NULL;
    m->bare = tree_prop(t, 0, "emu,bare", NULL) != NULL;
    return true;
}

static bool make_spaces(struct machine *m, struct error *e)
{
    m->memory = memory_new("memory", m->unmapped_ones, &m->lock);
    if (m->ports_exist)
        m->ports = memory_new("ports", m->unmapped_ones, &m->lock);
    if (!m->memory || (m->ports_exist && !m->ports))
        return error_set(e, "out of memory");
    m->env = (struct device_env){
        .clock = m->clock,
        .gate = m->gate,
        .log = m->log,
        .memory = m->memory,
        .ports = m->ports,
        .request = machine_request,
        .machine = m,
    };
    return true;
}

static bool make_tree(struct machine *m, struct error *e)
{
    const char *isa[MACHINE_MAX_CPUS], *mmu[MACHINE_MAX_CPUS];
    const struct cpu_class *cls = m->bare ? NULL : m->vcpu[0].cpu->class;
    bool has_isa = cls && cls->isa_string, has_mmu = cls && cls->mmu_type;
    struct tree_plan plan = {
        .cpus = m->n_cpus,
        .xlen = m->xlen,
        .isa = has_isa ? isa : NULL,
        .mmu = has_mmu ? mmu : NULL,
        .ram = m->ram_piece,
        .n_ram = m->n_ram,
    };

    for (unsigned i = 0; has_isa && i < m->n_cpus; i++)
        isa[i] = cls->isa_string(m->vcpu[i].cpu);
    for (unsigned i = 0; has_mmu && i < m->n_cpus; i++)
        mmu[i] = cls->mmu_type(m->vcpu[i].cpu);
    return tree_make_machine(&m->tree, &m->board, &plan, e);
}

/* -- devices -- */

struct device *machine_device_of(const struct machine *m,
                                 const struct device_class *cls, unsigned n)
{
    for (unsigned i = 0; i < m->n_members; i++) {
        if (m->members[i].dev->class == cls && n-- == 0)
            return m->members[i].dev;
    }
    return NULL;
}

struct device *machine_device_at(const struct machine *m, int node)
{
    for (unsigned i = 0; i < m->n_members; i++) {
        if (m->members[i].node == node)
            return m->members[i].dev;
    }
    return NULL;
}

bool machine_add(struct machine *m, struct device *dev, int node,
                 struct error *e)
{
    if (m->n_members == m->members_room) {
        unsigned room = m->members_room ? 2 * m->members_room : 32;
        struct member *p = realloc(m->members, room * sizeof(*p));

        if (!p) {
            device_free(dev);
            return error_set(e, "out of memory");
        }
        m->members = p;
        m->members_room = room;
    }
    m->members[m->n_members++] = (struct member){dev, node, -1};
    return true;
}

/* A tree property's value as the text that device_set() takes. */
static bool property_text(const struct tree *t, int node, const char *name,
                          enum property_type type, char *out, size_t size,
                          struct error *e)
{
    const char *s = tree_string(t, node, name);
    uint64_t n;
    int length;

    if (type == PROP_U32 || type == PROP_U64) {
        if (!tree_u64(t, node, name, 0, &n, e))
            return false;
        snprintf(out, size, "%" PRIu64, n);
        return true;
    }
    if (type == PROP_BOOL && tree_prop(t, node, name, &length) && length == 0)
        s = "on";
    if (!s)
        return tree_error(t, node, name, e, "wanted a string");
    if (strlen(s) >= size)
        return tree_error(t, node, name, e, "longer than %zu bytes", size - 1);
    strcpy(out, s);
    return true;
}

static bool set_property(struct machine *m, struct device *dev, int node,
                         const struct property *p, struct error *e)
{
    const struct tree *t = &m->tree;
    char own[80], text[256];
    const char *name = own;

    snprintf(own, sizeof(own), "emu,%s", p->name);
    if (!tree_prop(t, node, own, NULL))
        name = p->name;
    if (!tree_prop(t, node, name, NULL)) {
        if (strcmp(p->name, "timebase-frequency") != 0)
            return true;
        snprintf(text, sizeof(text), "%" PRIu64, m->timebase_hz);
    } else if (!property_text(t, node, name, p->type, text, sizeof(text), e)) {
        return false;
    }
    return device_set(dev, &m->backends, p->name, text, e) ||
           error_prefix(e, "%s", t->name);
}

/* emu,serial = <n>: the chardev of the n-th -serial. */
static bool set_serial(struct machine *m, struct device *dev, int node,
                       struct error *e)
{
    uint32_t n;

    if (!tree_prop(&m->tree, node, "emu,serial", NULL))
        return true;
    if (!tree_u32(&m->tree, node, "emu,serial", 0, &n, e))
        return false;
    if (n >= MACHINE_SERIALS)
        return tree_error(&m->tree, node, "emu,serial", e, "%u: wanted 0 to %d",
                          n, MACHINE_SERIALS - 1);
    if (m->serials_used >> n & 1)
        return tree_error(&m->tree, node, "emu,serial", e,
                          "%u: another node has it already", n);
    m->serials_used |= 1u << n;
    if (!m->serial[n])
        return true;
    return device_set(dev, &m->backends, "chardev", m->serial[n], e) ||
           error_prefix(e, "%s", m->tree.name);
}

/* The first parallel port prints to where -parallel says. */
static bool set_parallel(struct machine *m, struct device *dev, struct error *e)
{
    const char *chardev = m->parallel;

    if (!chardev || dev->class != &isa_parallel_class)
        return true;
    m->parallel = NULL;
    return device_set(dev, &m->backends, "chardev", chardev, e) ||
           error_prefix(e, "%s", m->tree.name);
}

/* emu,pflash = <n>: bank i holds the drive of pflash unit n + i.  With
 * emu,top there are as many banks as drives may be, one entry of reg for all.
 */
static bool set_pflash(struct machine *m, struct device *dev, int node,
                       struct error *e)
{
    const struct tree *t = &m->tree;
    uint32_t first;
    int banks;

    if (dev->class != &cfi_flash_class ||
        !tree_prop(t, node, "emu,pflash", NULL))
        return true;
    banks = tree_prop(t, node, "emu,top", NULL) ? CFI_FLASH_BANKS
                                                : tree_reg_count(t, node, e);
    if (banks < 0 || !tree_u32(t, node, "emu,pflash", 0, &first, e))
        return false;
    for (unsigned i = 0; i < (unsigned)banks && i < CFI_FLASH_BANKS; i++) {
        unsigned unit = first + i;
        char name[16];

        if (first >= MACHINE_PFLASH || unit >= MACHINE_PFLASH ||
            m->pflash_banks >> unit & 1)
            return tree_error(t, node, "emu,pflash", e,
                              "unit %u: wanted 0 to %d, each once", unit,
                              MACHINE_PFLASH - 1);
        m->pflash_banks |= 1u << unit;
        snprintf(name, sizeof(name), "drive%u", i);
        if (m->pflash[unit] &&
            !device_set(dev, &m->backends, name, m->pflash[unit], e))
            return error_prefix(e, "%s", t->name);
    }
    return true;
}

/* What is the emulator's own is there to be meant: a wrong name is no other
 * program's. */
static bool check_own(struct machine *m, const struct device_class *cls,
                      int node, struct error *e)
{
    static const char *const ours[] = {"serial",   "pflash", "top",
                                       "priority", "not-on", "default"};
    int at;

    fdt_for_each_property_offset(at, m->tree.fdt, m->tree.node[node].offset)
    {
        const char *name;
        bool known = false;

        fdt_getprop_by_offset(m->tree.fdt, at, &name, NULL);
        if (!name || strncmp(name, "emu,", 4) != 0)
            continue;
        for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
            known = known || strcmp(name + 4, ours[i]) == 0;
        if (!known && !device_property(cls, name + 4))
            return tree_error(&m->tree, node, name, e,
                              "%s has no such property", cls->name);
    }
    return true;
}

static bool set_properties(struct machine *m, struct device *dev, int node,
                           struct error *e)
{
    const struct property *p = dev->class->properties;

    for (; p && p->name; p++) {
        if (!set_property(m, dev, node, p, e))
            return false;
    }
    return set_serial(m, dev, node, e) && set_parallel(m, dev, e) &&
           set_pflash(m, dev, node, e) && machine_set_drives(m, dev, e) &&
           check_own(m, dev->class, node, e);
}

static bool map_windows(struct machine *m, struct device *dev, int node,
                        struct error *e)
{
    const struct tree *t = &m->tree;
    unsigned least = dev->class->min_windows ? dev->class->min_windows
                                             : dev->class->n_windows;
    int n = tree_reg_count(t, node, e);
    uint32_t priority;

    if (n < 0 || !tree_u32(t, node, "emu,priority", 0, &priority, e))
        return false;
    if ((unsigned)n > dev->class->n_windows || (unsigned)n < least)
        return tree_error(t, node, "reg", e, "%d entries; %s has %u", n,
                          dev->class->name, dev->class->n_windows);
    for (int i = 0; i < n; i++) {
        const struct window *w = &dev->class->windows[i];
        struct tree_place at;

        if (!tree_reg(t, node, i, &at, e))
            return false;
        if (at.size == 0)
            return tree_error(t, node, "reg", e, "entry %d has size 0", i);
        if (at.port != w->port)
            return tree_error(
                t, node, "reg", e, "entry %d is %s; that of %s is %s", i,
                at.port ? "I/O ports" : "memory", dev->class->name,
                w->port ? "I/O ports" : "memory");
        dev->regions[i].priority = (int)(int32_t)priority;
        if (!device_map(dev, (unsigned)i, at.base, at.size, e))
            return error_prefix(e, "%s", t->name);
    }
    return true;
}

/* emu,top: flash whose banks are as large as their drives, each below the one
 * before it, the first at the end of reg. */
static bool map_flash(struct machine *m, struct device *dev, int node,
                      struct error *e)
{
    struct tree_place at;
    uint64_t top;

    if (!tree_reg(&m->tree, node, 0, &at, e))
        return false;
    top = at.base + at.size;
    for (unsigned i = 0; i < CFI_FLASH_BANKS; i++) {
        const struct block *drive = cfi_flash_drive(dev, i);

        if (!drive)
            continue;
        if (i > 0 && !cfi_flash_drive(dev, i - 1))
            return error_set(e,
                             "drive %s: flash bank %u has a drive, and bank "
                             "%u none",
                             drive->id, i, i - 1);
        if (drive->size > top - at.base)
            return error_set(e,
                             "drive %s: this board's flash takes %llu bytes "
                             "in all",
                             drive->id, (unsigned long long)at.size);
        top -= drive->size;
        if (!device_map(dev, i, top, drive->size, e))
            return error_prefix(e, "drive %s", drive->id);
    }
    return true;
}

/* The host bridge whose bus this node is on, or NULL. */
static struct device *pci_host(struct machine *m, int node)
{
    int bus = m->tree.node[node].parent;
    struct device *host;

    if (bus < 0 || !tree_is_pci_bus(&m->tree, bus))
        return NULL;
    host = machine_device_at(m, bus);
    return host && host->class->pci ? host : NULL;
}

static bool attach_pci(struct machine *m, struct device *dev, int node,
                       struct error *e)
{
    struct device *host = pci_host(m, node);
    int devfn;

    if (!host)
        return tree_error(&m->tree, node, NULL, e,
                          "%s is a PCI function, and this is no PCI bus",
                          dev->class->name);
    dev->parent = host;
    return tree_pci_devfn(&m->tree, node, &devfn, e) &&
           (pci_attach(host->class->pci(host), (struct pci_device *)dev, devfn,
                       e) ||
            error_prefix(e, "%s: %s", m->tree.name, dev->path));
}

static bool place_device(struct machine *m, struct device *dev, int node,
                         struct error *e)
{
    if (!machine_add_rom(m, dev, m->default_bios, e))
        return false;
    if (device_class_is_pci(dev->class))
        return attach_pci(m, dev, node, e);
    if (dev->class == &cfi_flash_class &&
        tree_prop(&m->tree, node, "emu,top", NULL))
        return map_flash(m, dev, node, e);
    return map_windows(m, dev, node, e);
}

/* What the loader and machine_tell() want to know of a device. */
static void note_device(struct machine *m, struct device *dev, int node)
{
    uint32_t first;

    if (dev->class == &fw_cfg_mmio_class && !m->fw_cfg)
        m->fw_cfg = fw_cfg_mmio(dev);
    if (dev->class == &fw_cfg_io_class && !m->fw_cfg)
        m->fw_cfg = fw_cfg_io(dev);
    if (dev->class == &cfi_flash_class &&
        tree_u32(&m->tree, node, "emu,pflash", 1, &first, NULL) && first == 0) {
        m->pflash_start = dev->regions[0].base;
        m->pflash_end = m->pflash_start + dev->regions[0].size;
    }
}

static bool make_device(struct machine *m, int node,
                        const struct device_class *cls, struct error *e)
{
    char path[TREE_MAX_PATH];
    struct device *dev;
    unsigned n_out;
    bool ok;

    if (!machine_count_outputs(m, node, &n_out, e))
        return false;
    /* Interrupt controllers may have any number, by interrupts-extended. */
    if (n_out > cls->n_outputs &&
        !tree_prop(&m->tree, node, "interrupts-extended", NULL))
        return tree_error(&m->tree, node, "interrupts", e,
                          "%u entries; %s has %u", n_out, cls->name,
                          cls->n_outputs);
    dev = device_new(cls, &m->env, tree_path(&m->tree, node, path), e);
    if (!dev || !machine_add(m, dev, node, e) ||
        !set_properties(m, dev, node, e))
        return false;
    dev->fdt = m->tree.fdt;
    dev->node = m->tree.node[node].offset;
    ok = device_create(dev, n_out > cls->n_outputs ? n_out : cls->n_outputs,
                       e) ||
         error_prefix(e, "%s", m->tree.name);
    dev->fdt = NULL;
    dev->node = -1;
    if (!ok || !place_device(m, dev, node, e))
        return false;
    note_device(m, dev, node);
    return true;
}

/* A second entry of reg: there the ROM's last bytes are seen, too. */
static bool add_rom_alias(struct machine *m, int node, int priority,
                          struct error *e)
{
    struct tree_place at;

    if (!tree_reg(&m->tree, node, 1, &at, e))
        return false;
    if (at.port || at.base % PAGE_SIZE || at.size % PAGE_SIZE || at.size == 0 ||
        at.size > m->rom_region.size)
        return tree_error(&m->tree, node, "reg", e,
                          "entry 1: wanted whole pages, no more than entry 0 "
                          "has");
    m->rom_alias = (struct region){
        .name = "boot ROM, again",
        .kind = REGION_ALIAS,
        .base = at.base,
        .size = at.size,
        .priority = priority,
        .enabled = true,
        .target = &m->rom_region,
        .target_offset = m->rom_region.size - at.size,
    };
    return memory_add(m->memory, &m->rom_alias, e);
}

bool machine_lists_model(const struct machine *m, const struct tree *t,
                         int node, const char *property)
{
    int size = 0;
    const void *list = tree_prop(t, node, property, &size);

    return list && fdt_stringlist_contains(list, size, m->cpu_model);
}

static bool not_on(const struct machine *m, int node)
{
    return machine_lists_model(m, &m->tree, node, "emu,not-on");
}

static bool make_rom(struct machine *m, int node, struct error *e)
{
    struct tree_place at;
    const char *file = tree_string(&m->tree, node, "emu,firmware");
    /* Firmware in flash has its place; there remains the copy of its end. */
    const bool copy = file && m->pflash[0];
    int entries = tree_reg_count(&m->tree, node, e);
    uint32_t priority;

    if (entries < 0 ||
        !tree_u32(&m->tree, node, "emu,priority", 0, &priority, e))
        return false;
    if (m->rom)
        return tree_error(&m->tree, node, NULL, e, "a second boot ROM");
    m->rom_file = file;
    if (copy && entries < 2)
        return true;
    if (!tree_reg(&m->tree, node, copy, &at, e))
        return false;
    if (at.port || at.base % PAGE_SIZE || at.size % PAGE_SIZE || at.size == 0 ||
        at.size > (16 << 20))
        return tree_error(&m->tree, node, "reg", e,
                          "wanted whole pages of 4 KiB, at most 16 MiB");
    if (!ram_new(&m->rom, at.size, e))
        return error_prefix(e, "%s", m->tree.name);
    m->rom_region = (struct region){
        .name = "boot ROM",
        .kind = tree_prop(&m->tree, node, "emu,writable", NULL) ? REGION_RAM
                                                                : REGION_ROM,
        .base = at.base,
        .size = at.size,
        .priority = copy ? (int)(int32_t)priority : 0,
        .enabled = true,
        .ram = m->rom,
    };
    m->rom_not_on = not_on(m, node);
    m->direct = tree_prop(&m->tree, node, "emu,direct", NULL) != NULL;
    return memory_add(m->memory, &m->rom_region, e) &&
           (copy || entries < 2 ||
            add_rom_alias(m, node, (int)(int32_t)priority, e));
}

static const struct device_class *class_of(const struct tree *t, int node)
{
    const char *name;

    for (int i = 0; (name = tree_compatible(t, node, i)); i++) {
        const struct device_class *cls = device_class_compatible(name);

        if (cls)
            return cls;
    }
    return NULL;
}

static bool no_class(struct machine *m, int node, struct error *e)
{
    const char *name = tree_compatible(&m->tree, node, 0);
    const char *known[256] = {NULL}, *near;
    size_t n = 0;

    for (const struct device_class *const *c = device_classes; *c; c++) {
        const char *const *s = (*c)->compatible;

        for (; s && *s && n < 256; s++)
            known[n++] = *s;
    }
    near = nearest_name(name, known, n);
    return tree_error(&m->tree, node, "compatible", e,
                      "no device for compatible \"%s\"%s%s%s", name,
                      near ? " (did you mean \"" : "", near ? near : "",
                      near ? "\"?)" : "; status = \"disabled\" leaves it out");
}

/* Nodes that are no devices although they have a `reg`. */
static bool is_description(struct machine *m, int node)
{
    const char *type = tree_string(&m->tree, node, "device_type");
    int top = node;

    while (m->tree.node[top].parent > 0)
        top = m->tree.node[top].parent;
    return (type && strcmp(type, "memory") == 0) ||
           tree_named(&m->tree, top, "cpus") ||
           tree_named(&m->tree, top, "reserved-memory") ||
           tree_named(&m->tree, top, "chosen");
}

/* emu,default: a graphics card, there if it is the one that is wanted. */
static bool is_unwanted(struct machine *m, int node)
{
    const char *what = tree_string(&m->tree, node, "emu,default");
    bool wanted = what && m->want_card && strcmp(what, m->want_card) == 0;

    m->have_card = m->have_card || wanted;
    return what && !wanted;
}

static bool make_node(struct machine *m, int node, struct error *e)
{
    const struct device_class *cls;

    if (!tree_compatible(&m->tree, node, 0) || is_description(m, node))
        return true;
    if (tree_is_compatible(&m->tree, node, "emu,boot-rom"))
        return make_rom(m, node, e);
    cls = class_of(&m->tree, node);
    if (cls && (not_on(m, node) || is_unwanted(m, node)))
        return true;
    if (cls)
        return make_device(m, node, cls, e);
    if (tree_prop(&m->tree, node, "reg", NULL))
        return no_class(m, node, e);
    return true;
}

static bool make_devices(struct machine *m, struct error *e)
{
    for (int node = 1; node < m->tree.n; node++) {
        if (tree_disabled(&m->tree, node)) {
            node = m->tree.node[node].end - 1;
            continue;
        }
        if (!make_node(m, node, e))
            return false;
    }
    return !m->parallel ||
           error_set(e, "-parallel: this board has no such port");
}

/* Which of the board's own graphics cards is there? */
static void choose_card(struct machine *m, const struct machine_config *config)
{
    bool other = false;

    for (size_t i = 0; i < config->n_devices; i++) {
        const struct device_class *cls =
            device_class_named(config->devices[i].driver);

        other = other || (cls && cls->display);
    }
    if (config->vga == VGA_CGA)
        m->want_card = "cga";
    else if (config->vga == VGA_CGA_COMPOSITE)
        m->want_card = "cga-composite";
    else if (config->vga == VGA_HERCULES)
        m->want_card = "hercules";
    else if (config->vga == VGA_STD ||
             (config->vga == VGA_DEFAULT && !config->no_defaults && !other))
        m->want_card = "vga";
}

static bool check_pflash(struct machine *m, struct error *e)
{
    for (unsigned i = 0; i < MACHINE_PFLASH; i++) {
        if (m->pflash[i] && !(m->pflash_banks >> i & 1))
            return error_set(e,
                             "drive %s: if=pflash,unit=%u: this board has no "
                             "such flash bank",
                             m->pflash[i], i);
    }
    return true;
}

bool machine_build(struct machine *m, const struct machine_config *config,
                   struct error *e)
{
    m->firmware_dirs = config->firmware_dirs;
    m->default_bios = !config->bios || strcmp(config->bios, "default") == 0;
    choose_card(m, config);
    if (!board_open(&m->board, config->board, config->board_options,
                    config->n_board_options, e) ||
        !read_root(m, e) || !make_spaces(m, e) ||
        !machine_make_core(m, config, e) ||
        !machine_place_drives(m, config, e) || !make_tree(m, e) ||
        !make_devices(m, e) || !check_pflash(m, e) ||
        !machine_check_drives(m, e) || !machine_connect(m, e) ||
        !machine_plug(m, config, e) || !machine_check_overlaps(m, e))
        return false;
    machine_connect_time(m);
    return true;
}

void machine_unbuild(struct machine *m)
{
    /* Decoded code names the memory that it is from: a flash's, too. */
    for (unsigned i = 0; m->vcpu && i < m->n_cpus; i++) {
        if (m->vcpu[i].cpu)
            cpu_forget_code(m->vcpu[i].cpu);
    }
    /* One that goes may lower its lines: nobody listens, who may be gone. */
    for (unsigned i = 0; i < m->n_members; i++) {
        struct device *dev = m->members[i].dev;

        for (unsigned n = 0; n < dev->n_out; n++)
            dev->out[n] = (struct wire){NULL, NULL, 0};
    }
    /* What was plugged in goes before what it is plugged into. */
    while (m->n_members)
        device_free(m->members[--m->n_members].dev);
    free(m->members);
    for (unsigned i = 0; m->vcpu && i < m->n_cpus; i++) {
        if (m->vcpu[i].cpu)
            cpu_free(m->vcpu[i].cpu);
    }
    free(m->vcpu);
    for (unsigned i = 0; i < m->n_ram; i++)
        memory_remove(&m->ram_region[i]);
    memory_remove(&m->rom_alias);
    memory_remove(&m->rom_region);
    memory_free(m->memory);
    memory_free(m->ports);
    ram_free(m->ram);
    ram_free(m->rom);
    tree_close(&m->tree);
    tree_close(&m->board);
}
