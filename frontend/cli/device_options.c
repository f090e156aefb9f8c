/*
 * -device: devices beside those of the board.
 *
 * Whether a device exists and takes what it is given is the machine's to
 * say; here it is split into its properties.  QEMU's pair of a virtio-serial
 * bus and a virtconsole on it becomes our one virtio-console.
 *
 * Missing: JSON as the argument; more than one console on a bus.
 */
#include <stdio.h>
#include <string.h>

#include "devices/device.h"
#include "devices/pci/pci.h"
#include "devices/virtio/virtio.h"
#include "frontend/cli/cli_priv.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BUS "virtio-serial"
#define CONSOLE "virtio-console"

/* What is part of a board cannot be added by -device. */
static void list_devices(void)
{
    puts("Devices:");
    for (const struct device_class *const *cls = device_classes; *cls; cls++)
        if (machine_can_plug(*cls))
            printf("  %-22s %s\n", (*cls)->name, (*cls)->summary);
    for (const struct drive_kind *k = drive_kinds; k->name; k++)
        printf("  %-22s %s\n", k->name, k->summary);
}

static const struct drive_kind *find_kind(const char *name)
{
    const struct drive_kind *k = drive_kinds;

    while (k->name && strcmp(k->name, name))
        k++;
    return k->name ? k : NULL;
}

static void print_properties(const char *name, const char *summary,
                             const struct property *p)
{
    static const char *const types[] = {
        [PROP_U32] = "number",      [PROP_U64] = "number",
        [PROP_BOOL] = "on|off",     [PROP_STRING] = "text",
        [PROP_CHARDEV] = "chardev", [PROP_BLOCK] = "drive",
    };

    printf("%s: %s\n", name, summary);
    for (; p && p->name; p++)
        printf("  %s=%s%s%s  %s\n", p->name, types[p->type],
               p->fallback   ? ", default "
               : p->required ? ", required"
                             : "",
               p->fallback ? p->fallback : "", p->help ? p->help : "");
}

static bool list_properties(const char *name, struct error *e)
{
    const struct device_class *cls = device_class_named(name);
    const struct drive_kind *kind = find_kind(name);
    const char *names[256];
    size_t n = 0;

    if (!cls && !kind) {
        for (size_t i = 0; device_classes[i] && n < COUNT(names); i++)
            if (machine_can_plug(device_classes[i]))
                names[n++] = device_classes[i]->name;
        return unknown_word(e, "device", name, names, n);
    }
    if (kind)
        print_properties(kind->name, kind->summary, kind->properties);
    else
        print_properties(cls->name, cls->summary, cls->properties);
    return true;
}

enum cli_result cli_device(struct config *c, const char *arg, struct error *e)
{
    struct device_option *d;
    struct keyval kv;
    const char *driver;
    size_t n = 0;

    if (*arg == '{') {
        error_set(e, "JSON is not supported; write NAME,property=value");
        return CLI_ERROR;
    }
    if (!keyval_parse(&c->pool, arg, "driver", &kv, e))
        return CLI_ERROR;
    driver = keyval_get(&kv, "driver");
    if (keyval_help(&kv)) {
        if (driver && strcmp(driver, "help") && strcmp(driver, "?"))
            return list_properties(driver, e) ? CLI_DONE : CLI_ERROR;
        list_devices();
        return CLI_DONE;
    }
    if (!driver || !*driver) {
        error_set(e, "no device is named (-device help lists them)");
        return CLI_ERROR;
    }
    for (size_t i = 0; i < kv.n; i++) {
        if (strcmp(kv.keys[i], "driver")) {
            kv.keys[n] = kv.keys[i];
            kv.values[n++] = kv.values[i];
        }
    }
    d = pool_append(&c->pool, &c->devices, &c->n_devices, sizeof(*d));
    *d = (struct device_option){driver, n, kv.keys, kv.values};
    return CLI_RUN;
}

/* -------------------------------------------------------- virtconsole */

static const char *property(const struct device_option *d, const char *name)
{
    for (size_t i = 0; i < d->n; i++)
        if (!strcmp(d->names[i], name))
            return d->values[i];
    return NULL;
}

/* Move what `port` says to the bus before it, which becomes the console. */
static bool join(struct config *c, struct device_option *bus,
                 const struct device_option *port, struct error *e)
{
    size_t n = bus->n;

    for (size_t i = 0; i < port->n; i++) {
        const char *name = port->names[i];

        /* Which bus, and which place on it: there is one of each. */
        if (!strcmp(name, "bus") || !strcmp(name, "nr"))
            continue;
        if (strcmp(name, "chardev") && strcmp(name, "id") &&
            strcmp(name, "name"))
            return error_set(e,
                             "-device virtconsole: unknown property '%s'; "
                             "accepted: chardev, id, name",
                             name);
        if (strcmp(name, "chardev"))
            continue; /* ids that nobody can ask for */
        *(const char **)pool_append(&c->pool, &bus->names, &n, sizeof(name)) =
            name;
        n = bus->n;
        *(const char **)pool_append(&c->pool, &bus->values, &n, sizeof(name)) =
            port->values[i];
        bus->n = n;
    }
    return true;
}

/* The last bus before device number `end` that has no console yet. */
static struct device_option *find_bus(struct config *c, size_t end)
{
    for (size_t i = end; i--;)
        if (!strncmp(c->devices[i].driver, BUS, strlen(BUS)))
            return property(&c->devices[i], "chardev") ? NULL : &c->devices[i];
    return NULL;
}

bool cli_finish_devices(struct config *c, struct error *e)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n_devices; i++) {
        struct device_option *d = &c->devices[i], *bus;

        if (strcmp(d->driver, "virtconsole")) {
            c->devices[n++] = *d;
            continue;
        }
        bus = find_bus(c, n);
        if (!bus)
            return error_set(e, "-device virtconsole: needs a -device " BUS
                                "-pci or -device of its own before it");
        if (!join(c, bus, d, e))
            return false;
    }
    c->n_devices = n;
    for (size_t i = 0; i < n; i++) {
        struct device_option *d = &c->devices[i];

        if (!strncmp(d->driver, BUS, strlen(BUS)))
            d->driver =
                pool_printf(&c->pool, CONSOLE "%s", d->driver + strlen(BUS));
    }
    return true;
}
