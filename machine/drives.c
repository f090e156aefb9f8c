/*
 * The drives that a board has places for: which of -drive and of -device
 * ide-hd, ide-cd and floppy goes where, what the firmware is told of them, and
 * the change of their media.
 *
 * Places are counted as QEMU counts them: an IDE drive's index is twice its
 * channel and one more for the slave; -cdrom is 2.  A board whose root node
 * says emu,disks = "ide" takes disks without if= there, others by virtio; on
 * such a board there are an empty CD-ROM drive at 2 and an empty floppy drive
 * A, where nothing else is, but for -nodefaults.
 *
 * The firmware's files are those of SeaBIOS: bootorder and bios-geometry, by
 * the paths of Open Firmware.
 *
 * Missing: more than one IDE or floppy controller; boot indices of what is
 * neither a drive nor virtio-blk on PCI.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/ata/ide.h"
#include "devices/fdc.h"
#include "devices/fw_cfg.h"
#include "devices/mc146818.h"
#include "devices/pci/pci.h"
#include "machine/machine_priv.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { CDROM_INDEX = 2, PER_CHANNEL = 2 };
/* The most that INT 13h counts in cylinders, and heads of a drive. */
enum { BIOS_CYLINDERS = 1024, DRIVE_HEADS = 16 };

/* -- kinds of -device -- */

static const struct property hd_properties[] = {
    {"drive", PROP_BLOCK, 0, NULL, "the disk", true},
    {"unit", PROP_U32, 0, NULL, "0: master, 1: slave; default: the next free",
     false},
    {"bus", PROP_STRING, 0, "ide.0", "channel: ide.0 or ide.1", false},
    {"serial", PROP_STRING, 0, NULL, "at most 20 characters", false},
    {"cyls", PROP_U32, 0, NULL, "geometry, with heads and secs", false},
    {"heads", PROP_U32, 0, NULL, "at most 16", false},
    {"secs", PROP_U32, 0, NULL, "at most 255", false},
    {"bios-chs-trans", PROP_STRING, 0, "auto",
     "how INT 13h translates CHS: auto, none, lba or large", false},
    {"lcyls", PROP_U32, 0, NULL, "what INT 13h says, with lheads and lsecs",
     false},
    {"lheads", PROP_U32, 0, NULL, "at most 255", false},
    {"lsecs", PROP_U32, 0, NULL, "at most 63", false},
    {"bootindex", PROP_U32, 0, NULL, "what is lower is booted from first",
     false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct property cd_properties[] = {
    {"drive", PROP_BLOCK, 0, NULL, "the disc; default: none", false},
    {"unit", PROP_U32, 0, NULL, "0: master, 1: slave; default: the next free",
     false},
    {"bus", PROP_STRING, 0, "ide.0", "channel: ide.0 or ide.1", false},
    {"serial", PROP_STRING, 0, NULL, "at most 20 characters", false},
    {"bootindex", PROP_U32, 0, NULL, "what is lower is booted from first",
     false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct property floppy_properties[] = {
    {"drive", PROP_BLOCK, 0, NULL, "the disk; default: none", false},
    {"unit", PROP_U32, 0, NULL, "0: A, 1: B; default: the next free", false},
    {"drive-type", PROP_STRING, 0, "auto",
     "360, 720, 120, 144 or 288; auto: as its disk wants", false},
    {"bootindex", PROP_U32, 0, NULL, "what is lower is booted from first",
     false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

const struct drive_kind drive_kinds[] = {
    {"ide-hd", "hard disk of an IDE controller", hd_properties},
    {"ide-cd", "CD-ROM drive of an IDE controller", cd_properties},
    {"floppy", "floppy disk drive", floppy_properties},
    {NULL, NULL, NULL},
};

bool machine_is_drive(const char *driver)
{
    const struct drive_kind *k = drive_kinds;

    while (k->name && strcmp(k->name, driver) != 0)
        k++;
    return k->name != NULL;
}

/* -- places -- */

static unsigned places_of(enum drive_interface interface)
{
    return interface == DRIVE_IDE      ? MACHINE_IDE
           : interface == DRIVE_FLOPPY ? MACHINE_FLOPPIES
                                       : MACHINE_VIRTIO_DISKS;
}

static const char *bus_name(enum drive_interface interface)
{
    return interface == DRIVE_IDE      ? "IDE"
           : interface == DRIVE_FLOPPY ? "floppy"
                                       : "virtio";
}

static struct drive_slot *slots_of(struct machine *m,
                                   enum drive_interface interface)
{
    return interface == DRIVE_IDE ? m->ide : m->floppy;
}

static bool taken(struct machine *m, enum drive_interface interface, unsigned n)
{
    return interface == DRIVE_VIRTIO ? m->virtio_disk[n] != NULL
                                     : slots_of(m, interface)[n].present;
}

/* Drives of a bus; bus and unit are an index in another form. */
static unsigned per_bus(enum drive_interface interface)
{
    return interface == DRIVE_IDE      ? PER_CHANNEL
           : interface == DRIVE_FLOPPY ? MACHINE_FLOPPIES
                                       : 1;
}

static bool fill(struct machine *m, const struct drive_option *d,
                 enum drive_interface interface, unsigned n, struct error *e)
{
    if (n >= places_of(interface))
        return error_set(e, "%s: there are %u %s drives, 0 to %u", d->option,
                         places_of(interface), bus_name(interface),
                         places_of(interface) - 1);
    if (taken(m, interface, n))
        return error_set(
            e, "%s: two drives have index %u; the other is '%s'", d->option, n,
            interface == DRIVE_VIRTIO ? m->virtio_disk[n]
                                      : slots_of(m, interface)[n].id);
    if (interface == DRIVE_VIRTIO) {
        m->virtio_disk[n] = d->id;
        return true;
    }
    slots_of(m, interface)[n] = (struct drive_slot){
        .present = true,
        .cd = d->cd,
        .id = d->id,
        .option = d->option,
        .drive = d->empty ? NULL : d->id,
        .boot_index = -1,
    };
    return true;
}

static enum drive_interface interface_of(const struct machine *m,
                                         const struct drive_option *d)
{
    if (d->interface != DRIVE_BOARD)
        return d->interface;
    return m->disks_are_ide ? DRIVE_IDE : DRIVE_VIRTIO;
}

static bool place_option(struct machine *m, const struct drive_option *d,
                         bool fixed, struct error *e)
{
    enum drive_interface interface = interface_of(m, d);
    unsigned each, n;

    if (interface == DRIVE_NONE || interface == DRIVE_PFLASH ||
        fixed != (d->index >= 0 || d->unit >= 0))
        return true;
    if (interface == DRIVE_VIRTIO && d->empty)
        return error_set(e,
                         "%s: there is no empty drive but IDE CD-ROM and "
                         "floppy drives; name a file=FILE",
                         d->option);
    each = per_bus(interface);
    n = d->bus > 0 ? (unsigned)d->bus * each : 0;
    if (d->index >= 0)
        n = (unsigned)d->index;
    else if (d->unit >= (int)each)
        return error_set(e, "%s: unit=%d: at most %u", d->option, d->unit,
                         each - 1);
    else if (d->unit >= 0)
        n += (unsigned)d->unit;
    while (!fixed && n < places_of(interface) && taken(m, interface, n))
        n++;
    return fill(m, d, interface, n, e);
}

/* -- -device -- */

static const char *value_of(const struct device_option *o, const char *name)
{
    for (size_t i = 0; i < o->n; i++) {
        if (strcmp(o->names[i], name) == 0)
            return o->values[i];
    }
    return NULL;
}

static const struct drive_kind *kind_of(const struct device_option *o)
{
    const struct drive_kind *k = drive_kinds;

    while (strcmp(k->name, o->driver) != 0)
        k++;
    return k;
}

static bool check_names(const struct device_option *o, struct error *e)
{
    const struct drive_kind *k = kind_of(o);

    for (size_t i = 0; i < o->n; i++) {
        const struct property *p = k->properties;
        const char *names[32], *near;
        size_t n = 0;

        for (; p->name; p++) {
            names[n++] = p->name;
            if (strcmp(p->name, o->names[i]) == 0)
                break;
        }
        if (p->name || strcmp(o->names[i], "id") == 0)
            continue;
        near = nearest_name(o->names[i], names, n);
        return error_set(e, "has no property '%s'%s%s%s", o->names[i],
                         near ? "; did you mean '" : "", near ? near : "",
                         near ? "'?" : "");
    }
    return true;
}

/* -1: not given. */
static bool number(const struct device_option *o, const char *name, int most,
                   int *out, struct error *e)
{
    const char *text = value_of(o, name);
    char *end;
    long n;

    *out = -1;
    if (!text)
        return true;
    n = strtol(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || n > most)
        return error_set(e, "%s=%s: wanted 0 to %d", name, text, most);
    *out = (int)n;
    return true;
}

/* Three that come together, as "a,b,c". */
static bool geometry(const struct device_option *o, const char *const names[3],
                     const int most[3], char out[DRIVE_GEOMETRY],
                     struct error *e)
{
    int v[3];

    for (unsigned i = 0; i < 3; i++) {
        if (!number(o, names[i], most[i], &v[i], e))
            return false;
    }
    if (v[0] < 0 && v[1] < 0 && v[2] < 0)
        return true;
    if (v[0] < 1 || v[1] < 1 || v[2] < 1)
        return error_set(e, "%s, %s and %s go together, each at least 1",
                         names[0], names[1], names[2]);
    snprintf(out, DRIVE_GEOMETRY, "%d,%d,%d", v[0], v[1], v[2]);
    return true;
}

static const char *type_named(const char *name)
{
    static const char *const types[][2] = {{"auto", "auto"}, {"360", "360"},
                                           {"720", "720"},   {"120", "1200"},
                                           {"144", "1440"},  {"288", "2880"}};

    for (size_t i = 0; i < COUNT(types); i++) {
        if (strcmp(types[i][0], name) == 0)
            return types[i][1];
    }
    return NULL;
}

/* By its name: an enum pc_translation + 1, 0: the disk's size says. */
static bool translation_of(const struct device_option *o, unsigned *out,
                           struct error *e)
{
    static const char *const names[] = {[PC_TRANSLATE_NONE] = "none",
                                        [PC_TRANSLATE_LBA] = "lba",
                                        [PC_TRANSLATE_LARGE] = "large"};
    const char *text = value_of(o, "bios-chs-trans");

    *out = 0;
    if (!text || strcmp(text, "auto") == 0)
        return true;
    for (size_t i = 0; i < COUNT(names); i++) {
        if (strcmp(names[i], text) == 0) {
            *out = (unsigned)i + 1;
            return true;
        }
    }
    return error_set(e, "bios-chs-trans=%s: wanted auto, none, lba or large",
                     text);
}

/* The channel, or 0. */
static bool bus_of(const struct device_option *o, unsigned *bus,
                   struct error *e)
{
    const char *text = value_of(o, "bus");

    *bus = text && strcmp(text, "ide.1") == 0;
    return !text || *bus || strcmp(text, "ide.0") == 0 ||
           error_set(e, "bus=%s: wanted ide.0 or ide.1", text);
}

static const struct drive_option *find_drive(const struct machine_config *c,
                                             const char *id)
{
    for (size_t i = 0; i < c->n_drives; i++) {
        if (strcmp(c->drives[i].id, id) == 0)
            return &c->drives[i];
    }
    return NULL;
}

/* What is none of its place. */
static bool fill_slot(struct drive_slot *s, const struct device_option *o,
                      const struct machine_config *c, struct error *e)
{
    static const char *const chs[] = {"cyls", "heads", "secs"};
    static const char *const lchs[] = {"lcyls", "lheads", "lsecs"};
    static const int most[] = {65535, DRIVE_HEADS, 255};
    static const int lmost[] = {BIOS_CYLINDERS, 255, 63};
    const char *type = value_of(o, "drive-type");

    *s = (struct drive_slot){
        .present = true,
        .cd = strcmp(o->driver, "ide-cd") == 0,
        .id = value_of(o, "id"),
        .option = o->driver,
        .drive = value_of(o, "drive"),
        .serial = value_of(o, "serial"),
        .type = type ? type_named(type) : NULL,
    };
    if (type && !s->type)
        return error_set(e,
                         "drive-type=%s: wanted auto, 360, 720, 120, 144 "
                         "or 288",
                         type);
    if (strcmp(o->driver, "ide-hd") == 0 && !s->drive)
        return error_set(e, "needs drive=ID");
    if (s->drive && !find_drive(c, s->drive))
        return error_set(e, "drive=%s: there is no drive of that id", s->drive);
    if (s->drive && find_drive(c, s->drive)->empty)
        s->drive = NULL;
    if (!s->drive && strcmp(o->driver, "ide-hd") == 0)
        return error_set(e, "drive=%s: has no file", value_of(o, "drive"));
    return geometry(o, chs, most, s->chs, e) &&
           geometry(o, lchs, lmost, s->lchs, e) &&
           translation_of(o, &s->translation, e) &&
           number(o, "bootindex", 9999, &s->boot_index, e);
}

static bool place_device(struct machine *m, const struct device_option *o,
                         const struct machine_config *c, struct error *e)
{
    bool floppy = strcmp(o->driver, "floppy") == 0;
    struct drive_slot *slots = floppy ? m->floppy : m->ide;
    unsigned each = floppy ? MACHINE_FLOPPIES : PER_CHANNEL;
    unsigned n, bus = 0, end;
    struct drive_slot slot;
    int unit;

    if (!check_names(o, e) || (!floppy && !bus_of(o, &bus, e)) ||
        !number(o, "unit", (int)each - 1, &unit, e) ||
        !fill_slot(&slot, o, c, e))
        return false;
    n = bus * each + (unsigned)(unit > 0 ? unit : 0);
    /* Without a bus, too, the next free one is to be found. */
    end = floppy || value_of(o, "bus") ? (bus + 1) * each : MACHINE_IDE;
    while (unit < 0 && n < end && slots[n].present)
        n++;
    if (n >= end || slots[n].present)
        return error_set(e, "there is a drive at every place that it could "
                            "have");
    slots[n] = slot;
    return true;
}

/* -- all -- */

static void add_defaults(struct machine *m, const struct machine_config *c)
{
    static const struct drive_slot cd = {
        .present = true, .cd = true, .option = "-cdrom", .boot_index = -1};
    static const struct drive_slot floppy = {
        .present = true, .option = "-fda", .boot_index = -1};
    bool ide = false, fd = false;

    if (c->no_defaults || !m->disks_are_ide)
        return;
    for (size_t i = 0; i < c->n_devices; i++) {
        ide = ide || strncmp(c->devices[i].driver, "ide-", 4) == 0;
        fd = fd || strcmp(c->devices[i].driver, "floppy") == 0;
    }
    ide = ide || machine_lists_model(m, &m->board, 0, "emu,no-cdrom-on");
    if (!ide && !m->ide[CDROM_INDEX].present)
        m->ide[CDROM_INDEX] = cd;
    if (!fd && !m->floppy[0].present)
        m->floppy[0] = floppy;
}

bool machine_place_drives(struct machine *m, const struct machine_config *c,
                          struct error *e)
{
    const char *disks = tree_string(&m->board, 0, "emu,disks");

    if (disks && strcmp(disks, "ide") != 0)
        return tree_error(&m->board, 0, "emu,disks", e, "'%s': wanted 'ide'",
                          disks);
    m->disks_are_ide = disks != NULL;
    /* Those that know their place come first. */
    for (unsigned pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < c->n_drives; i++) {
            if (!place_option(m, &c->drives[i], pass == 0, e))
                return false;
        }
    }
    for (size_t i = 0; i < c->n_devices; i++) {
        if (machine_is_drive(c->devices[i].driver) &&
            !place_device(m, &c->devices[i], c, e))
            return error_prefix(e, "-device %s", c->devices[i].driver);
    }
    add_defaults(m, c);
    return true;
}

/* What was said, of the option that a drive comes from; false. */
static bool slot_error(const struct drive_slot *s, struct error *e)
{
    return error_prefix(
        e, "%s%s", machine_is_drive(s->option) ? "-device " : "", s->option);
}

static bool check_slots(const struct drive_slot *s, unsigned n,
                        const struct device *controller, const char *what,
                        struct error *e)
{
    for (unsigned i = 0; i < n && !controller; i++) {
        if (s[i].present) {
            error_set(e, "this board has no %s controller", what);
            return slot_error(&s[i], e);
        }
    }
    return true;
}

bool machine_check_drives(struct machine *m, struct error *e)
{
    return check_slots(m->ide, MACHINE_IDE, m->ide_controller, "IDE", e) &&
           check_slots(m->floppy, MACHINE_FLOPPIES, m->fdc, "floppy", e);
}

/* -- properties of the controllers -- */

static bool set(struct machine *m, struct device *dev, const char *drive,
                const char *property, const char *value, struct error *e)
{
    char name[32];

    snprintf(name, sizeof(name), "%s%s", drive, property);
    return !value || !*value || device_set(dev, &m->backends, name, value, e);
}

static bool set_ide(struct machine *m, struct device *dev, struct error *e)
{
    static const char *const names[MACHINE_IDE] = {"hda", "hdb", "hdc", "hdd"};

    for (unsigned i = 0; i < MACHINE_IDE; i++) {
        const struct drive_slot *s = &m->ide[i];

        if (s->present &&
            (!set(m, dev, names[i], "", s->drive, e) ||
             !set(m, dev, names[i], "-cd", s->cd ? "on" : NULL, e) ||
             !set(m, dev, names[i], "-serial", s->serial, e) ||
             !set(m, dev, names[i], "-chs", s->chs, e) ||
             !ide_check(dev, i, e)))
            return slot_error(s, e);
    }
    return true;
}

/* An empty drive takes any disk that comes. */
static bool set_floppies(struct machine *m, struct device *dev, struct error *e)
{
    static const char *const names[MACHINE_FLOPPIES] = {"a", "b"};

    for (unsigned i = 0; i < MACHINE_FLOPPIES; i++) {
        const struct drive_slot *s = &m->floppy[i];
        const char *type = s->type;

        if (!s->drive && (!type || strcmp(type, "auto") == 0))
            type = "2880";
        if (s->present &&
            (!set(m, dev, names[i], "", s->drive, e) ||
             !set(m, dev, names[i], "-type", type, e) || !fdc_check(dev, i, e)))
            return slot_error(s, e);
    }
    return true;
}

bool machine_set_drives(struct machine *m, struct device *dev, struct error *e)
{
    if (ide_is_controller(dev->class) && !m->ide_controller) {
        m->ide_controller = dev;
        return set_ide(m, dev, e);
    }
    if (dev->class == &fdc_class && !m->fdc) {
        m->fdc = dev;
        return set_floppies(m, dev, e);
    }
    return true;
}

/* -- what firmware is told -- */

void machine_describe_disks(struct machine *m, struct pc_setup *setup)
{
    struct ide_geometry g;

    for (unsigned n = 0; n < MACHINE_FLOPPIES && m->fdc; n++)
        setup->floppy[n] = (uint8_t)fdc_drive_type(m->fdc, n);
    for (unsigned n = 0; n < MACHINE_IDE && m->ide_controller; n++) {
        if (!ide_geometry(m->ide_controller, n, &g))
            continue;
        setup->disk[n] =
            (struct pc_disk){g.cylinders, g.heads, g.sectors,
                             g.cylinders <= BIOS_CYLINDERS ? PC_TRANSLATE_NONE
                                                           : PC_TRANSLATE_LBA};
        if (m->ide[n].translation)
            setup->disk[n].translation =
                (enum pc_translation)(m->ide[n].translation - 1);
    }
}

static unsigned devfn_of(const struct device *dev)
{
    return ((const struct pci_device *)dev)->devfn;
}

static void ide_path(const struct machine *m, unsigned n, char *out,
                     size_t size)
{
    unsigned devfn = devfn_of(m->ide_controller);

    snprintf(out, size, "/pci@i0cf8/ide@%x,%x/drive@%x/disk@%x", devfn >> 3,
             devfn & 7, n / PER_CHANNEL, n % PER_CHANNEL);
}

/* The path of a device that was plugged in with a boot index. */
static bool plugged_path(const struct member *p, char *out, size_t size)
{
    unsigned devfn;

    if (!device_class_is_pci(p->dev->class))
        return false;
    devfn = devfn_of(p->dev);
    if (devfn & 7)
        snprintf(out, size, "/pci@i0cf8/scsi@%x,%x/disk@0,0", devfn >> 3,
                 devfn & 7);
    else
        snprintf(out, size, "/pci@i0cf8/scsi@%x/disk@0,0", devfn >> 3);
    return true;
}

enum { BOOT_DRIVES = MACHINE_IDE + MACHINE_FLOPPIES };

/* What may have a boot index are the drives' places, and then the members.
 * -1: that one has none. */
static int boot_index(const struct machine *m, unsigned n)
{
    const struct drive_slot *s;

    if (n >= BOOT_DRIVES)
        return m->members[n - BOOT_DRIVES].boot_index;
    s = n < MACHINE_IDE ? &m->ide[n] : &m->floppy[n - MACHINE_IDE];
    return s->present ? s->boot_index : -1;
}

/* SeaBIOS looks for PCI's only. */
static bool path_of(const struct machine *m, unsigned n, char *out, size_t size)
{
    if (n >= BOOT_DRIVES)
        return plugged_path(&m->members[n - BOOT_DRIVES], out, size);
    if (!m->ide_controller || !device_class_is_pci(m->ide_controller->class))
        return false;
    if (n < MACHINE_IDE)
        ide_path(m, n, out, size);
    else
        snprintf(out, size, "/pci@i0cf8/isa@1/fdc@03f0/floppy@%x",
                 n - MACHINE_IDE);
    return true;
}

/* The lowest boot index from `from` on, and whose it is; -1: there is none. */
static int next_index(const struct machine *m, int from, unsigned *whose)
{
    int best = -1;

    for (unsigned n = 0; n < BOOT_DRIVES + m->n_members; n++) {
        int have = boot_index(m, n);

        if (have < from || (best >= 0 && have >= best))
            continue;
        best = have;
        *whose = n;
    }
    return best;
}

static bool check_indices(const struct machine *m, struct error *e)
{
    for (unsigned n = 0; n < BOOT_DRIVES + m->n_members; n++) {
        unsigned first = n;
        int have = boot_index(m, n);

        if (have >= 0 && next_index(m, have, &first) == have && first != n)
            return error_set(e, "two devices have bootindex=%d", have);
    }
    return true;
}

static void add_line(struct blob *b, const char *text)
{
    blob_put(b, text, (uint32_t)strlen(text));
    blob_put(b, "\n", 1);
}

/* Lines, the last with a NUL instead of its end. */
static bool tell_lines(struct machine *m, const char *name, struct blob *b,
                       struct error *e)
{
    bool ok = !b->failed || error_set(e, "out of memory");

    if (ok && b->size) {
        b->bytes[b->size - 1] = 0;
        ok = fw_cfg_add_file(m->fw_cfg, name, b->bytes, b->size, e);
    }
    blob_free(b);
    return ok;
}

static bool tell_order(struct machine *m, const char *first, bool strict,
                       struct error *e)
{
    struct blob b = {NULL, 0, 0, false};
    char path[80];
    unsigned n;

    if (first)
        add_line(&b, first);
    for (int i = -1; (i = next_index(m, i + 1, &n)) >= 0;) {
        if (path_of(m, n, path, sizeof(path)))
            add_line(&b, path);
    }
    if (strict)
        add_line(&b, "HALT");
    return tell_lines(m, "bootorder", &b, e);
}

bool machine_tell_boot(struct machine *m, const char *first, bool strict,
                       struct error *e)
{
    struct blob b = {NULL, 0, 0, false};
    char line[160], path[80];
    unsigned v[3];

    if (!check_indices(m, e))
        return false;
    for (unsigned n = 0; n < MACHINE_IDE; n++) {
        if (!m->ide[n].lchs[0] || !m->ide_controller ||
            !device_class_is_pci(m->ide_controller->class) ||
            sscanf(m->ide[n].lchs, "%u,%u,%u", &v[0], &v[1], &v[2]) != 3)
            continue;
        ide_path(m, n, path, sizeof(path));
        snprintf(line, sizeof(line), "%s %u %u %u", path, v[0], v[1], v[2]);
        add_line(&b, line);
    }
    return tell_lines(m, "bios-geometry", &b, e) &&
           tell_order(m, first, strict, e);
}

/* -- media -- */

/* As QEMU calls a drive at its place. */
static void place_name(enum drive_interface interface, unsigned n, bool cd,
                       char *out, size_t size)
{
    if (interface == DRIVE_FLOPPY)
        snprintf(out, size, "floppy%u", n);
    else
        snprintf(out, size, "ide%u-%s%u", n / PER_CHANNEL, cd ? "cd" : "hd",
                 n % PER_CHANNEL);
}

static struct block *medium_of(struct machine *m,
                               enum drive_interface interface, unsigned n)
{
    return interface == DRIVE_IDE ? ide_medium(m->ide_controller, n)
                                  : fdc_medium(m->fdc, n);
}

static bool describe(struct machine *m, enum drive_interface interface,
                     unsigned n, struct machine_drive *out)
{
    const struct drive_slot *s = &slots_of(m, interface)[n];

    *out = (struct machine_drive){.id = s->id,
                                  .medium = medium_of(m, interface, n)};
    out->cd = s->cd;
    out->removable = interface == DRIVE_FLOPPY || s->cd;
    place_name(interface, n, s->cd, out->name, sizeof(out->name));
    return true;
}

/* The place of the n-th drive that there is. */
static bool find_place(struct machine *m, unsigned n,
                       enum drive_interface *interface, unsigned *at)
{
    for (*interface = DRIVE_IDE, *at = 0; *at < MACHINE_IDE; ++*at) {
        if (m->ide[*at].present && n-- == 0)
            return true;
    }
    for (*interface = DRIVE_FLOPPY, *at = 0; *at < MACHINE_FLOPPIES; ++*at) {
        if (m->floppy[*at].present && n-- == 0)
            return true;
    }
    return false;
}

bool machine_drive(struct machine *m, unsigned n, struct machine_drive *out)
{
    enum drive_interface interface;
    unsigned at;

    return find_place(m, n, &interface, &at) && describe(m, interface, at, out);
}

static bool insert(struct machine *m, enum drive_interface interface,
                   unsigned at, struct block *medium, bool force,
                   struct error *e)
{
    if (interface == DRIVE_FLOPPY)
        return fdc_insert(m->fdc, at, medium, e);
    if (force)
        ide_unlock(m->ide_controller, at);
    return ide_insert(m->ide_controller, at, medium, e);
}

bool machine_change_medium(struct machine *m, const char *drive,
                           struct block *medium, bool force, struct block **old,
                           struct error *e)
{
    enum drive_interface interface;
    struct machine_drive d;
    unsigned at;
    bool ok;

    *old = NULL;
    for (unsigned n = 0; find_place(m, n, &interface, &at); n++) {
        describe(m, interface, at, &d);
        if (strcmp(d.name, drive) != 0 && (!d.id || strcmp(d.id, drive) != 0))
            continue;
        if (!d.removable)
            return error_set(e, "%s: a hard disk stays where it is", drive);
        pthread_mutex_lock(&m->lock);
        d.medium = medium_of(m, interface, at);
        ok = insert(m, interface, at, medium, force, e);
        /* What is out of the drive now. */
        if (medium_of(m, interface, at) != d.medium)
            *old = d.medium;
        pthread_mutex_unlock(&m->lock);
        return ok || error_prefix(e, "%s", drive);
    }
    return error_set(e, "there is no drive '%s'; info block lists them", drive);
}
