/*
 * See harness.h.  The PCI host needs a tree; a small one is built here with
 * libfdt, with one memory and one I/O window and four interrupt pins.
 */
#include "tests/devices/harness.h"

#include <libfdt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "devices/pci/pci.h"
#include "devices/virtio/virtio.h"
#include "tests/unit.h"

static void __attribute__((format(printf, 1, 2), noreturn))
die(const char *fmt, ...)
{
    va_list ap;

    fflush(stdout);
    fputs("harness: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}

static void *need(void *p)
{
    if (!p)
        die("out of memory");
    return p;
}

/* ------------------------------------------------------------ backends */

static void chardev_write(struct chardev *c, const uint8_t *bytes, size_t size)
{
    struct harness_chardev *hc = (struct harness_chardev *)c;

    for (size_t i = 0; i < size; i++, hc->n_out++)
        if (hc->n_out < sizeof(hc->out))
            hc->out[hc->n_out] = bytes[i];
}

struct harness_chardev *harness_chardev(struct harness *h, const char *id)
{
    struct harness_chardev *c;

    for (unsigned i = 0; i < h->n_chardevs; i++)
        if (!strcmp(h->chardev[i]->id, id))
            return h->chardev[i];
    if (h->n_chardevs == HARNESS_MAX_BACKENDS)
        die("too many character devices");
    c = need(calloc(1, sizeof(*c)));
    snprintf(c->id, sizeof(c->id), "%s", id);
    c->chardev.id = c->id;
    c->chardev.write = chardev_write;
    c->chardev.gate = h->gate;
    c->chardev.source = gate_add(h->gate, c->id, chardev_sink, &c->chardev);
    h->chardev[h->n_chardevs++] = c;
    return c;
}

/* The one check of every call; a chip must not ask for more. */
static struct harness_disk *check_range(struct block *b, uint64_t offset,
                                        uint64_t size)
{
    if (offset > b->size || size > b->size - offset)
        die("%s: %llu bytes at %llu are beyond the disk", b->id,
            (unsigned long long)size, (unsigned long long)offset);
    return (struct harness_disk *)b;
}

static int disk_read(struct block *b, uint64_t offset, void *out, uint64_t size)
{
    struct harness_disk *d = check_range(b, offset, size);

    d->reads++;
    if (!d->error)
        memcpy(out, d->data + offset, (size_t)size);
    return d->error;
}

static int disk_write(struct block *b, uint64_t offset, const void *in,
                      uint64_t size)
{
    struct harness_disk *d = check_range(b, offset, size);

    if (b->read_only)
        die("%s: a write of a read-only disk", b->id);
    d->writes++;
    if (!d->error)
        memcpy(d->data + offset, in, (size_t)size);
    return d->error;
}

static int disk_flush(struct block *b)
{
    struct harness_disk *d = (struct harness_disk *)b;

    d->flushes++;
    return d->error;
}

static int disk_discard(struct block *b, uint64_t offset, uint64_t size)
{
    struct harness_disk *d = check_range(b, offset, size);

    d->discards++;
    if (!d->error)
        memset(d->data + offset, 0, (size_t)size);
    return d->error;
}

struct harness_disk *harness_disk(struct harness *h, const char *id)
{
    struct harness_disk *d;

    for (unsigned i = 0; i < h->n_disks; i++)
        if (!strcmp(h->disk[i]->id, id))
            return h->disk[i];
    if (h->n_disks == HARNESS_MAX_BACKENDS)
        die("too many disks");
    d = need(calloc(1, sizeof(*d)));
    d->data = need(calloc(1, HARNESS_DISK_SIZE));
    snprintf(d->id, sizeof(d->id), "%s", id);
    d->block = (struct block){
        .id = d->id,
        .size = HARNESS_DISK_SIZE,
        .read = disk_read,
        .write = disk_write,
        .flush = disk_flush,
        .discard = disk_discard,
    };
    h->disk[h->n_disks++] = d;
    return d;
}

static struct chardev *find_chardev(void *owner, const char *id)
{
    return &harness_chardev(owner, id)->chardev;
}

static struct block *find_block(void *owner, const char *id)
{
    return &harness_disk(owner, id)->block;
}

void harness_deliver(struct harness *h)
{
    pthread_mutex_lock(&h->lock);
    gate_deliver(h->gate);
    pthread_mutex_unlock(&h->lock);
}

size_t harness_type(struct harness *h, const char *id, const void *bytes,
                    size_t size)
{
    size_t n =
        gate_post(h->gate, harness_chardev(h, id)->chardev.source, bytes, size);

    harness_deliver(h);
    return n;
}

/* ------------------------------------------------------------- machine */

static uint64_t get_insns(void *owner)
{
    struct harness *h = owner;

    h->insns += h->look_ns;
    return h->insns;
}

static void take_request(void *machine, enum machine_request what, int code)
{
    struct harness *h = machine;

    h->requests++;
    h->last_request = what;
    h->last_code = code;
}

static void make_memory(struct harness *h)
{
    struct error e;

    h->memory = need(memory_new("memory", false, &h->lock));
    h->ports = need(memory_new("ports", true, &h->lock));
    if (!ram_new(&h->ram, HARNESS_RAM_SIZE, &e))
        die("%s", e.text);
    h->ram_region = (struct region){
        .name = "ram",
        .kind = REGION_RAM,
        .base = HARNESS_RAM,
        .size = HARNESS_RAM_SIZE,
        .enabled = true,
        .ram = h->ram,
    };
    if (!memory_add(h->memory, &h->ram_region, &e))
        die("%s", e.text);
}

struct harness *harness_new(void)
{
    struct harness *h = need(calloc(1, sizeof(*h)));

    pthread_mutex_init(&h->lock, NULL);
    h->clock = need(clock_new());
    clock_use_icount(h->clock, 0, get_insns, h);
    h->gate = need(gate_new());
    gate_set_deterministic(h->gate, 1, (uint64_t)1700000000 * 1000000000);
    log_init(&h->log, need(open_memstream(&h->log_text, &h->log_size)));
    h->log.mask = LOG_GUEST_ERRORS;
    make_memory(h);
    h->env = (struct device_env){
        .clock = h->clock,
        .gate = h->gate,
        .log = &h->log,
        .memory = h->memory,
        .ports = h->ports,
        .request = take_request,
        .machine = h,
    };
    h->backends = (struct backends){find_chardev, find_block, h};
    h->next_base = (uint64_t)1 << 32;
    h->next_port = 0x1000;
    h->next_bar = HARNESS_PCI_MEMORY;
    return h;
}

void harness_free(struct harness *h)
{
    FILE *file = h->log.file;

    for (unsigned i = h->n_devices; i-- > 0;) {
        device_free(h->device[i]);
        free(h->wire[i]);
    }
    for (unsigned i = 0; i < h->n_chardevs; i++) {
        if (h->chardev[i]->chardev.sink)
            die("%s: a chip that is gone is still its sink", h->chardev[i]->id);
        free(h->chardev[i]);
    }
    for (unsigned i = 0; i < h->n_disks; i++) {
        free(h->disk[i]->data);
        free(h->disk[i]);
    }
    if (clock_deadline(h->clock) != CLOCK_NEVER)
        die("a timer of a device that is gone is still armed");
    memory_remove(&h->ram_region);
    memory_free(h->memory);
    memory_free(h->ports);
    ram_free(h->ram);
    clock_free(h->clock);
    gate_free(h->gate);
    log_destroy(&h->log);
    fclose(file);
    free(h->log_text);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

const char *harness_log(struct harness *h)
{
    fflush(h->log.file);
    return h->log_text;
}

void harness_advance(struct harness *h, uint64_t ns)
{
    uint64_t end = clock_ns(h->clock) + ns, next;

    pthread_mutex_lock(&h->lock);
    while ((next = clock_deadline(h->clock)) <= end) {
        uint64_t now = clock_ns(h->clock);

        h->insns += next > now ? next - now : 0;
        clock_fire(h->clock);
        /* A timer that is always due must not stop the world. */
        if (clock_deadline(h->clock) <= clock_ns(h->clock))
            h->insns++;
    }
    if (end > clock_ns(h->clock))
        h->insns += end - clock_ns(h->clock);
    pthread_mutex_unlock(&h->lock);
}

/* ------------------------------------------------------------- devices */

static unsigned place_of(struct harness *h, const struct device *dev)
{
    for (unsigned i = 0; i < h->n_devices; i++)
        if (h->device[i] == dev)
            return i;
    die("no device of this harness");
}

static void set_wire(void *listener, unsigned line, bool level)
{
    /* Above bit 8: what some lines carry (SIPI's vector). */
    struct harness_wire *w = (struct harness_wire *)listener + line % 256;

    if (line >= 256)
        w->carried = line / 256;
    w->changes += w->level != level;
    w->level = level;
}

struct harness_wire *harness_out(struct harness *h, struct device *dev,
                                 unsigned n)
{
    if (n >= dev->n_out)
        die("%s has %u outputs, not %u", dev->path, dev->n_out, n + 1);
    return &h->wire[place_of(h, dev)][n];
}

bool harness_level(struct harness *h, struct device *dev, unsigned n)
{
    return harness_out(h, dev, n)->level;
}

void harness_input(struct harness *h, struct device *dev, unsigned line,
                   bool level)
{
    struct wire w = device_input(dev, line);

    pthread_mutex_lock(&h->lock);
    wire_set(&w, level);
    pthread_mutex_unlock(&h->lock);
}

void harness_reset(struct harness *h, struct device *dev)
{
    pthread_mutex_lock(&h->lock);
    device_reset(dev);
    pthread_mutex_unlock(&h->lock);
}

struct device *harness_make(struct harness *h, const struct device_class *cls)
{
    struct device *dev;
    struct error e;
    char path[64];

    if (h->n_devices == HARNESS_MAX_DEVICES)
        die("too many devices");
    snprintf(path, sizeof(path), "%s%u", cls->name, h->n_devices);
    dev = device_new(cls, &h->env, path, &e);
    if (!dev)
        die("%s", e.text);
    h->device[h->n_devices++] = dev;
    return dev;
}

/* Windows of their own, the next one 64 KiB behind the last. */
static bool map_windows(struct harness *h, struct device *dev, struct error *e)
{
    for (unsigned n = 0; n < dev->class->n_windows; n++) {
        const struct window *w = &dev->class->windows[n];
        uint64_t size = w->size ? w->size : (uint64_t)64 << 20;
        uint64_t *next = w->port ? &h->next_port : &h->next_base;

        if (!device_map(dev, n, *next, w->port ? w->size : size, e))
            return false;
        *next += (size + 0x1ffff) & ~(uint64_t)0xffff;
    }
    return true;
}

static bool plug_virtio(struct harness *h, struct device *dev, struct error *e)
{
    for (unsigned i = 0; i < h->n_devices; i++)
        if (virtio_mmio_is_slot(h->device[i]) &&
            virtio_mmio_is_free(h->device[i]))
            return virtio_mmio_plug(h->device[i], dev, e);
    return virtio_mmio_plug(harness_device(h, "virtio-mmio", NULL), dev, e);
}

static void need_fdt(int result)
{
    if (result < 0)
        die("libfdt: %s", fdt_strerror(result));
}

static void put_cells(void *fdt, const char *name, const uint32_t *cells,
                      unsigned n)
{
    fdt32_t be[128];

    for (unsigned i = 0; i < n; i++)
        be[i] = cpu_to_fdt32(cells[i]);
    need_fdt(fdt_property(fdt, name, be, (int)(4 * n)));
}

/* interrupt-map: slots 0 to 3, pins 1 to 4, lines (slot + pin - 1) % 4. */
static void put_interrupt_map(void *fdt)
{
    static const uint32_t mask[4] = {0x1800, 0, 0, 7};
    uint32_t map[16 * 6], *p = map;

    for (uint32_t slot = 0; slot < 4; slot++)
        for (uint32_t pin = 1; pin <= 4; pin++) {
            *p++ = slot << 11;
            *p++ = 0;
            *p++ = 0;
            *p++ = pin;
            *p++ = 1; /* phandle */
            *p++ = 32 + (slot + pin - 1) % 4;
        }
    put_cells(fdt, "interrupt-map", map, 16 * 6);
    put_cells(fdt, "interrupt-map-mask", mask, 4);
}

static void build_tree(void *fdt, int size)
{
    static const uint32_t ranges[] = {0x01000000,
                                      0,
                                      0,
                                      0,
                                      (uint32_t)HARNESS_PCI_PORTS,
                                      0,
                                      0x10000,
                                      0x02000000,
                                      0,
                                      (uint32_t)HARNESS_PCI_MEMORY,
                                      0,
                                      (uint32_t)HARNESS_PCI_MEMORY,
                                      0,
                                      (uint32_t)HARNESS_PCI_MEMORY_SIZE};

    need_fdt(fdt_create(fdt, size));
    need_fdt(fdt_finish_reservemap(fdt));
    need_fdt(fdt_begin_node(fdt, ""));
    need_fdt(fdt_property_u32(fdt, "#address-cells", 2));
    need_fdt(fdt_property_u32(fdt, "#size-cells", 2));
    need_fdt(fdt_begin_node(fdt, "plic"));
    need_fdt(fdt_property_u32(fdt, "#interrupt-cells", 1));
    need_fdt(fdt_property_u32(fdt, "#address-cells", 0));
    need_fdt(fdt_property_u32(fdt, "phandle", 1));
    need_fdt(fdt_end_node(fdt));
    need_fdt(fdt_begin_node(fdt, "pci"));
    need_fdt(fdt_property_u32(fdt, "#address-cells", 3));
    need_fdt(fdt_property_u32(fdt, "#size-cells", 2));
    put_cells(fdt, "ranges", ranges, sizeof(ranges) / sizeof(ranges[0]));
    put_interrupt_map(fdt);
    need_fdt(fdt_end_node(fdt));
    need_fdt(fdt_end_node(fdt));
    need_fdt(fdt_finish(fdt));
}

static bool create(struct device *dev, unsigned n_out, struct error *e)
{
    char fdt[4096];
    bool ok;

    build_tree(fdt, sizeof(fdt));
    if (dev->class->pci) {
        dev->fdt = fdt;
        dev->node = fdt_path_offset(fdt, "/pci");
    }
    ok = device_create(dev, n_out, e);
    dev->fdt = NULL;
    dev->node = -1;
    return ok;
}

static bool attach_pci(struct harness *h, struct device *dev, struct error *e)
{
    if (!h->pci_host)
        harness_device(h, "pci-host-ecam-generic", NULL);
    return pci_attach(h->pci_host->class->pci(h->pci_host),
                      (struct pci_device *)dev, -1, e);
}

/* The device is on its way into h->wire[]; hosts and slots that it needs
 * may be made meanwhile. */
bool harness_start(struct harness *h, struct device *dev, unsigned n_out,
                   struct error *e)
{
    unsigned place = place_of(h, dev);
    bool ok;

    h->wire[place] = need(calloc(n_out + 1, sizeof(struct harness_wire)));
    if (!create(dev, n_out, e))
        return false;
    for (unsigned n = 0; n < n_out; n++)
        dev->out[n] = (struct wire){set_wire, h->wire[place], n};
    if (device_class_is_pci(dev->class))
        ok = attach_pci(h, dev, e);
    else if (device_class_is_virtio(dev->class))
        ok = plug_virtio(h, dev, e);
    else
        ok = map_windows(h, dev, e);
    if (ok && dev->class->pci)
        h->pci_host = dev;
    if (ok)
        harness_reset(h, dev);
    return ok;
}

static void set_all(struct harness *h, struct device *dev, const char *text)
{
    char *copy = need(strdup(text)), *rest = NULL;
    struct error e;

    for (char *item = strtok_r(copy, ",", &rest); item;
         item = strtok_r(NULL, ",", &rest)) {
        char *value = strchr(item, '=');

        if (value)
            *value++ = '\0';
        if (!device_set(dev, &h->backends, item, value ? value : "", &e))
            die("%s", e.text);
    }
    free(copy);
}

struct device *harness_device(struct harness *h, const char *name,
                              const char *properties)
{
    const struct device_class *cls = device_class_named(name);
    struct device *dev;
    struct error e;

    if (!cls)
        die("there is no device class '%s'", name);
    dev = harness_make(h, cls);
    if (properties)
        set_all(h, dev, properties);
    if (!harness_start(h, dev, cls->n_outputs, &e))
        die("%s", e.text);
    return dev;
}

struct device *harness_any(struct harness *h, const struct device_class *cls)
{
    struct device *dev = harness_make(h, cls);
    const struct property *p = cls->properties;
    /* A controller's outputs may all be optional. */
    unsigned n_out = cls->n_outputs + (cls->n_inputs ? 2 : 0);
    struct error e;

    for (; p && p->name; p++) {
        const char *value = NULL;

        if (p->type == PROP_CHARDEV || p->type == PROP_BLOCK)
            value = "any";
        else if (p->required)
            value = p->type == PROP_BOOL ? "on" : "63";
        if (value && !device_set(dev, &h->backends, p->name, value, &e))
            die("%s", e.text);
    }
    if (!harness_start(h, dev, n_out, &e))
        die("%s", e.text);
    return dev;
}

void harness_remove(struct harness *h, struct device *dev)
{
    unsigned place = place_of(h, dev);

    if (dev == h->pci_host)
        h->pci_host = NULL;
    device_free(dev);
    free(h->wire[place]);
    h->n_devices--;
    memmove(&h->device[place], &h->device[place + 1],
            (h->n_devices - place) * sizeof(h->device[0]));
    memmove(&h->wire[place], &h->wire[place + 1],
            (h->n_devices - place) * sizeof(h->wire[0]));
}

/* ----------------------------------------------------------- registers */

static struct region *window_of(struct device *dev, unsigned window)
{
    if (window >= dev->class->n_windows || !dev->regions[window].space)
        die("%s: window %u is not mapped", dev->path, window);
    return &dev->regions[window];
}

enum bus_result harness_try_read(struct harness *h, struct device *dev,
                                 unsigned window, uint64_t offset,
                                 unsigned size, uint64_t *value)
{
    struct region *r = window_of(dev, window);

    (void)h;
    return memory_read(r->space, r->base + offset, size, value);
}

enum bus_result harness_try_write(struct harness *h, struct device *dev,
                                  unsigned window, uint64_t offset,
                                  unsigned size, uint64_t value)
{
    struct region *r = window_of(dev, window);

    (void)h;
    return memory_write(r->space, r->base + offset, size, value);
}

uint64_t harness_read(struct harness *h, struct device *dev, unsigned window,
                      uint64_t offset, unsigned size)
{
    uint64_t value;

    if (harness_try_read(h, dev, window, offset, size, &value) != BUS_OK)
        die("%s: a read of %u bytes at 0x%llx was refused", dev->path, size,
            (unsigned long long)offset);
    return value;
}

void harness_write(struct harness *h, struct device *dev, unsigned window,
                   uint64_t offset, unsigned size, uint64_t value)
{
    if (harness_try_write(h, dev, window, offset, size, value) != BUS_OK)
        die("%s: a write of %u bytes at 0x%llx was refused", dev->path, size,
            (unsigned long long)offset);
}

/* ----------------------------------------------------------------- PCI */

/* ECAM: 4 KiB a function. */
static uint64_t config_offset(struct device *dev, unsigned offset)
{
    return ((uint64_t)((struct pci_device *)dev)->devfn << 12) + offset;
}

uint8_t *harness_save(struct harness *h, struct device *dev)
{
    uint8_t *bytes = malloc(state_size(dev->class->fields) + 1);

    pthread_mutex_lock(&h->lock);
    state_save(dev->class->fields, dev, bytes);
    pthread_mutex_unlock(&h->lock);
    return bytes;
}

bool harness_load(struct harness *h, struct device *dev, const uint8_t *bytes)
{
    const struct device_class *cls = dev->class;
    bool good;

    pthread_mutex_lock(&h->lock);
    good = state_load(cls->fields, dev, bytes, state_size(cls->fields), NULL);
    if (good && cls->loaded)
        cls->loaded(dev);
    pthread_mutex_unlock(&h->lock);
    return good;
}

void harness_load_damaged(struct harness *h, struct device *dev,
                          struct prng *prng)
{
    size_t size = state_size(dev->class->fields);
    uint8_t *bytes = harness_save(h, dev);

    for (uint64_t n = size ? prng_below(prng, 4) : 0; n > 0; n--) {
        uint64_t v = prng_edgy(prng);
        size_t at = prng_below(prng, size);
        size_t width = 1 + prng_below(prng, 8);

        memcpy(bytes + at, &v, width < size - at ? width : size - at);
    }
    harness_load(h, dev, bytes);
    free(bytes);
}

uint32_t harness_config_read(struct harness *h, struct device *dev,
                             unsigned offset, unsigned size)
{
    return (uint32_t)harness_read(h, h->pci_host, 0, config_offset(dev, offset),
                                  size);
}

void harness_config_write(struct harness *h, struct device *dev,
                          unsigned offset, unsigned size, uint32_t value)
{
    harness_write(h, h->pci_host, 0, config_offset(dev, offset), size, value);
}

void harness_enable_pci(struct harness *h, struct device *dev)
{
    for (unsigned n = 0; n < PCI_MAX_BARS; n++) {
        unsigned at = PCI_BAR0 + 4 * n;
        uint32_t mask, type;

        harness_config_write(h, dev, at, 4, UINT32_MAX);
        mask = harness_config_read(h, dev, at, 4);
        type = mask & (mask & 1 ? 3 : 15);
        if (!mask)
            continue;
        if (type & 1) {
            h->next_port = (h->next_port + 0xfff) & ~(uint64_t)0xfff;
            harness_config_write(h, dev, at, 4, (uint32_t)h->next_port);
            h->next_port = (h->next_port + 0x1000) & 0xffff;
            h->next_port += h->next_port ? 0 : 0x1000;
            continue;
        }
        harness_config_write(h, dev, at, 4, (uint32_t)h->next_bar);
        h->next_bar += 0x100000;
        if (h->next_bar >= HARNESS_PCI_MEMORY + HARNESS_PCI_MEMORY_SIZE)
            h->next_bar = HARNESS_PCI_MEMORY;
        if ((type & 6) == 4) /* 64 bits wide */
            harness_config_write(h, dev, PCI_BAR0 + 4 * ++n, 4, 0);
    }
    harness_config_write(h, dev, PCI_COMMAND, 2,
                         PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
                             PCI_COMMAND_MASTER);
}
