/*
 * Drives: -drive, -blockdev, -hda, -cdrom, -fda, -pflash, -snapshot; -boot.
 *
 * Which drives a board has places for is the machine's to say.
 *
 * Missing: other formats than raw; of -blockdev, all but the drivers file and
 * raw; of -boot, splash screens and time-outs.
 */
#include <string.h>

#include "frontend/cli/cli_priv.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
enum { MAX_INDEX = 31 };

static bool parse_interface(const struct keyval *kv, struct drive_config *d,
                            struct error *e)
{
    static const char *const names[] = {"ide", "floppy", "virtio", "pflash",
                                        "none"};
    static const enum drive_interface interfaces[] = {
        DRIVE_IDE, DRIVE_FLOPPY, DRIVE_VIRTIO, DRIVE_PFLASH, DRIVE_NONE};
    const char *name = keyval_get(kv, "if");

    d->interface = DRIVE_BOARD;
    for (size_t i = 0; name && i < COUNT(names); i++) {
        if (!strcmp(name, names[i])) {
            d->interface = interfaces[i];
            return true;
        }
    }
    return !name || unknown_word(e, "interface", name, names, COUNT(names));
}

/* Modes that differ in the host's page cache only are one to us. */
static bool parse_cache(const struct keyval *kv, struct drive_config *d,
                        struct error *e)
{
    static const char *const names[] = {"writeback", "none", "writethrough",
                                        "directsync", "unsafe"};
    static const enum cache_mode modes[] = {CACHE_WRITEBACK, CACHE_WRITEBACK,
                                            CACHE_WRITETHROUGH,
                                            CACHE_WRITETHROUGH, CACHE_UNSAFE};
    const char *name = keyval_get(kv, "cache");

    for (size_t i = 0; name && i < COUNT(names); i++) {
        if (!strcmp(name, names[i])) {
            d->cache = modes[i];
            return true;
        }
    }
    return !name || unknown_word(e, "cache mode", name, names, COUNT(names));
}

static bool parse_format(const struct keyval *kv, struct drive_config *d,
                         struct error *e)
{
    const char *format = keyval_get(kv, "format");
    static const char *const medias[] = {"disk", "cdrom"};
    const char *media = keyval_get(kv, "media");

    if (format && strcmp(format, "raw"))
        return error_set(e, "format=%s is not supported; accepted is raw",
                         format);
    d->cd = media && !strcmp(media, "cdrom");
    if (media && !d->cd && strcmp(media, "disk"))
        return unknown_word(e, "medium", media, medias, COUNT(medias));
    d->raw_given = format != NULL;
    return true;
}

static bool parse_discard(const struct keyval *kv, struct drive_config *d,
                          struct error *e)
{
    static const char *const names[] = {"unmap", "on", "ignore", "off"};
    const char *name = keyval_get(kv, "discard");
    size_t i = 0;

    if (!name)
        return true;
    while (i < COUNT(names) && strcmp(name, names[i]))
        i++;
    if (i == COUNT(names))
        return unknown_word(e, "discard mode", name, names, COUNT(names));
    d->ignore_discard = i >= 2;
    return true;
}

/* index=N, or bus=N and unit=N, which say the same in another form. */
static bool parse_place(const struct keyval *kv, struct drive_config *d,
                        struct error *e)
{
    static const char *const names[] = {"index", "bus", "unit"};
    int *const out[] = {&d->index, &d->bus, &d->unit};

    for (size_t i = 0; i < COUNT(names); i++) {
        const char *text = keyval_get(kv, names[i]);
        uint64_t n;

        *out[i] = -1;
        if (!text)
            continue;
        if (!parse_number(text, MAX_INDEX, &n, e))
            return error_prefix(e, "%s", names[i]);
        *out[i] = (int)n;
    }
    if (d->index >= 0 && (d->bus >= 0 || d->unit >= 0))
        return error_set(e, "index=%d: not together with bus or unit",
                         d->index);
    if (d->interface == DRIVE_PFLASH && d->unit >= 0)
        d->index = d->unit;
    return true;
}

/* Drives whose medium can be changed may have none. */
static bool parse_file(const struct keyval *kv, struct drive_config *d,
                       struct error *e)
{
    bool removable = d->cd || d->interface == DRIVE_FLOPPY;

    d->file = keyval_get(kv, "file");
    if (d->file && !*d->file)
        d->file = NULL;
    return d->file || removable || error_set(e, "no file=FILE is named");
}

static bool id_taken(const struct config *c, const char *id)
{
    for (size_t i = 0; i < c->n_drives; i++)
        if (!strcmp(c->drives[i].id, id))
            return true;
    return false;
}

static bool parse_drive(struct config *c, const struct keyval *kv,
                        struct drive_config *d, struct error *e)
{
    const char *id = keyval_get(kv, "id");

    if (!parse_interface(kv, d, e) || !parse_cache(kv, d, e) ||
        !parse_format(kv, d, e) || !parse_discard(kv, d, e) ||
        !keyval_bool(kv, "readonly", &d->read_only, e) ||
        !keyval_bool(kv, "snapshot", &d->snapshot, e) ||
        !parse_place(kv, d, e) || !parse_file(kv, d, e))
        return false;
    d->read_only = d->read_only || d->cd;
    d->snapshot_given = keyval_get(kv, "snapshot") != NULL;
    if (id && !*id)
        return error_set(e, "the id is empty");
    d->id = id ? id : pool_printf(&c->pool, "drive%zu", c->n_drives);
    return !id_taken(c, d->id) ||
           error_set(e, "there is a drive '%s' already", d->id);
}

enum cli_result cli_drive(struct config *c, const char *arg, struct error *e)
{
    static const char *const known[] = {
        "file",  "if",    "id",    "format",  "readonly", "snapshot",
        "cache", "media", "index", "discard", "unit",     "bus",
    };
    struct drive_config d = {.option = NULL};
    struct keyval kv;

    if (!keyval_parse(&c->pool, arg, NULL, &kv, e) ||
        !keyval_check(&kv, known, COUNT(known), e) ||
        !parse_drive(c, &kv, &d, e))
        return CLI_ERROR;
    d.option = pool_printf(&c->pool, "-drive %s", arg);
    *(struct drive_config *)pool_append(&c->pool, &c->drives, &c->n_drives,
                                        sizeof(d)) = d;
    return CLI_RUN;
}

/* A drive of an option whose whole argument is a file's name, commas
 * included. */
static struct drive_config *add_file(struct config *c, const char *option,
                                     const char *file, const char *id,
                                     struct error *e)
{
    struct drive_config *d;

    if (!*file) {
        error_set(e, "no file is named");
        return NULL;
    }
    if (id_taken(c, id)) {
        error_set(e, "there is a drive '%s' already", id);
        return NULL;
    }
    d = pool_append(&c->pool, &c->drives, &c->n_drives, sizeof(*d));
    *d = (struct drive_config){.option = option,
                               .file = file,
                               .id = id,
                               .index = -1,
                               .bus = -1,
                               .unit = -1};
    return d;
}

static enum cli_result add_drive(struct config *c, const char *option,
                                 const char *file,
                                 enum drive_interface interface, int index,
                                 struct error *e)
{
    struct drive_config *d = add_file(c, option, file, option + 1, e);

    if (!d)
        return CLI_ERROR;
    d->interface = interface;
    d->index = index;
    d->pc = true;
    return CLI_RUN;
}

#define DRIVE(function, option, interface, index)                              \
    enum cli_result function(struct config *c, const char *arg,                \
                             struct error *e)                                  \
    {                                                                          \
        return add_drive(c, option, arg, interface, index, e);                 \
    }

DRIVE(cli_hda, "-hda", DRIVE_BOARD, 0)
DRIVE(cli_hdb, "-hdb", DRIVE_BOARD, 1)
DRIVE(cli_hdc, "-hdc", DRIVE_BOARD, 2)
DRIVE(cli_hdd, "-hdd", DRIVE_BOARD, 3)
DRIVE(cli_fda, "-fda", DRIVE_FLOPPY, 0)
DRIVE(cli_fdb, "-fdb", DRIVE_FLOPPY, 1)

enum cli_result cli_cdrom(struct config *c, const char *arg, struct error *e)
{
    struct drive_config *d = add_file(c, "-cdrom", arg, "cdrom", e);

    if (!d)
        return CLI_ERROR;
    d->index = 2;
    d->cd = d->read_only = d->raw_given = d->pc = true;
    return CLI_RUN;
}

enum cli_result cli_pflash(struct config *c, const char *arg, struct error *e)
{
    struct drive_config *d = add_file(
        c, "-pflash", arg, pool_printf(&c->pool, "drive%zu", c->n_drives), e);

    if (!d)
        return CLI_ERROR;
    d->interface = DRIVE_PFLASH;
    d->raw_given = true; /* there is no other that it could be */
    return CLI_RUN;
}

/*
 * -blockdev names what a -device or -machine pflashN= takes: a file, or a raw
 * format over one, which is the same to us.
 */
static bool parse_blockdev(struct config *c, const struct keyval *kv,
                           struct drive_config *d, struct error *e)
{
    static const char *const drivers[] = {"file", "raw"};
    const char *driver = keyval_get(kv, "driver");
    const char *below = keyval_get(kv, "file.driver");
    bool raw = driver && !strcmp(driver, "raw");

    if (!driver)
        return error_set(e, "no driver=file is named");
    if (!raw && strcmp(driver, "file"))
        return unknown_word(e, "driver", driver, drivers, COUNT(drivers));
    if (raw && (!below || strcmp(below, "file")))
        return error_set(e, "driver=raw: wants file.driver=file,"
                            "file.filename=FILE");
    if (!parse_discard(kv, d, e) ||
        !keyval_bool(kv, "read-only", &d->read_only, e))
        return false;
    d->id = keyval_get(kv, "node-name");
    d->file = keyval_get(kv, raw ? "file.filename" : "filename");
    if (!d->id || !*d->id)
        return error_set(e, "no node-name=ID is given");
    if (!d->file || !*d->file)
        return error_set(e, "no %s=FILE is named",
                         raw ? "file.filename" : "filename");
    return !id_taken(c, d->id) ||
           error_set(e, "there is a drive '%s' already", d->id);
}

enum cli_result cli_blockdev(struct config *c, const char *arg, struct error *e)
{
    static const char *const known[] = {
        "driver",      "node-name",     "filename", "read-only",
        "file.driver", "file.filename", "discard",
    };
    struct drive_config d = {.interface = DRIVE_NONE,
                             .raw_given = true,
                             .index = -1,
                             .bus = -1,
                             .unit = -1};
    struct keyval kv;

    if (*arg == '{') {
        error_set(e, "JSON is not supported; write driver=file,node-name=ID,"
                     "filename=FILE");
        return CLI_ERROR;
    }
    if (!keyval_parse(&c->pool, arg, "driver", &kv, e) ||
        !keyval_check(&kv, known, COUNT(known), e) ||
        !parse_blockdev(c, &kv, &d, e))
        return CLI_ERROR;
    d.option = pool_printf(&c->pool, "-blockdev %s", arg);
    *(struct drive_config *)pool_append(&c->pool, &c->drives, &c->n_drives,
                                        sizeof(d)) = d;
    return CLI_RUN;
}

static bool bank_taken(const struct config *c, int index, size_t but)
{
    for (size_t i = 0; i < c->n_drives; i++)
        if (i != but && c->drives[i].interface == DRIVE_PFLASH &&
            c->drives[i].index == index)
            return true;
    return false;
}

/* Banks of flash; other drives are the machine's to place. */
static bool place_pflash(struct config *c, struct error *e)
{
    for (size_t i = 0; i < c->n_drives; i++) {
        struct drive_config *d = &c->drives[i];

        if (d->interface == DRIVE_PFLASH && d->index >= 0 &&
            bank_taken(c, d->index, i))
            return error_set(e, "%s: two drives have index %d", d->option,
                             d->index);
    }
    for (size_t i = 0; i < c->n_drives; i++) {
        struct drive_config *d = &c->drives[i];

        if (d->interface == DRIVE_PFLASH && d->index < 0)
            for (d->index = 0; bank_taken(c, d->index, i);)
                d->index++;
    }
    return true;
}

static struct drive_config *find_drive(struct config *c, const char *id)
{
    for (size_t i = 0; i < c->n_drives; i++)
        if (!strcmp(c->drives[i].id, id))
            return &c->drives[i];
    return NULL;
}

/* Two devices on one disk would not know of each other's writes. */
static bool check_users(struct config *c, struct error *e)
{
    for (size_t i = 0; i < c->n_devices; i++) {
        const struct device_option *dev = &c->devices[i];
        struct drive_config *d;

        for (size_t k = 0; k < dev->n; k++) {
            if (strcmp(dev->names[k], "drive"))
                continue;
            d = find_drive(c, dev->values[k]);
            if (d && (d->used || d->interface != DRIVE_NONE))
                return error_set(e,
                                 "-device %s: drive '%s' is in use "
                                 "already%s",
                                 dev->driver, d->id,
                                 d->used ? "" : "; if=none leaves it free");
            if (d)
                d->used = true;
        }
    }
    return true;
}

/* -machine pflashN=ID, and -drive if=pflash,unit=N. */
static bool find_pflash(struct config *c, struct error *e)
{
    for (unsigned i = 0; i < MACHINE_PFLASH; i++) {
        struct drive_config *d;

        if (!c->pflash[i])
            continue;
        d = find_drive(c, c->pflash[i]);
        if (!d)
            return error_set(e,
                             "-machine pflash%u=%s: there is no drive of "
                             "that id",
                             i, c->pflash[i]);
        if (d->used || d->interface != DRIVE_NONE)
            return error_set(e, "-machine pflash%u=%s: in use already", i,
                             d->id);
        d->used = true;
    }
    for (size_t i = 0; i < c->n_drives; i++) {
        const struct drive_config *d = &c->drives[i];

        if (d->interface != DRIVE_PFLASH)
            continue;
        if (d->index >= MACHINE_PFLASH || c->pflash[d->index])
            return error_set(e, "%s: %s %d", d->option,
                             d->index < MACHINE_PFLASH
                                 ? "there are two drives for flash bank"
                                 : "there is no flash bank",
                             d->index);
        c->pflash[d->index] = d->id;
    }
    return true;
}

bool cli_finish_drives(struct config *c, struct error *e)
{
    if (!place_pflash(c, e) || !check_users(c, e) || !find_pflash(c, e))
        return false;
    for (size_t i = 0; i < c->n_drives; i++)
        if (c->snapshot && !c->drives[i].snapshot_given)
            c->drives[i].snapshot = true;
    return true;
}

/* ------------------------------------------------------------------ -boot */

static bool parse_order(const char *order, struct error *e)
{
    for (const char *at = order; at && *at; at++) {
        if (*at < 'a' || *at > 'p')
            return error_set(e,
                             "'%s': drives are letters from a on, as in "
                             "order=cad",
                             order);
        if (strchr(at + 1, *at))
            return error_set(e, "'%s': '%c' is there twice", order, *at);
    }
    return true;
}

/* Milliseconds under that key.  A missing one leaves both as they are. */
static bool parse_wait(const struct keyval *kv, const char *key, bool *has,
                       uint16_t *out, struct error *e)
{
    const char *text = keyval_get(kv, key);
    uint64_t ms;

    if (!text)
        return true;
    if (!parse_number(text, UINT16_MAX, &ms, e))
        return error_prefix(e, "%s", key);
    *has = true;
    *out = (uint16_t)ms;
    return true;
}

/* As a time, or -1: never. */
static bool parse_reboot_timeout(const struct keyval *kv, struct boot_option *b,
                                 struct error *e)
{
    const char *text = keyval_get(kv, "reboot-timeout");

    if (text && strcmp(text, "-1") == 0) {
        b->has_reboot_timeout = false;
        return true;
    }
    return parse_wait(kv, "reboot-timeout", &b->has_reboot_timeout,
                      &b->reboot_timeout, e);
}

enum cli_result cli_boot(struct config *c, const char *arg, struct error *e)
{
    static const char *const known[] = {
        "order",  "once",        "menu",          "strict",
        "splash", "splash-time", "reboot-timeout"};
    struct boot_option *b = &c->boot;
    struct keyval kv;

    if (!keyval_parse(&c->pool, arg, "order", &kv, e) ||
        !keyval_check(&kv, known, COUNT(known), e) ||
        !keyval_bool(&kv, "menu", &b->menu, e) ||
        !keyval_bool(&kv, "strict", &b->strict, e) ||
        !parse_wait(&kv, "splash-time", &b->has_splash_time, &b->splash_time,
                    e) ||
        !parse_reboot_timeout(&kv, b, e))
        return CLI_ERROR;
    if (keyval_get(&kv, "order"))
        b->order = keyval_get(&kv, "order");
    if (keyval_get(&kv, "once"))
        b->once = keyval_get(&kv, "once");
    if (keyval_get(&kv, "splash"))
        b->splash = keyval_get(&kv, "splash");
    return parse_order(b->order, e) && parse_order(b->once, e) ? CLI_RUN
                                                               : CLI_ERROR;
}
