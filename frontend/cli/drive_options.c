/*
 * Disks and flash: -drive, -blockdev, -hda, -pflash, -snapshot.
 *
 * Missing: other formats than raw, other interfaces than virtio and pflash;
 * of -blockdev, all but the drivers file and raw.
 */
#include <string.h>

#include "frontend/cli/cli_priv.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
enum { MAX_INDEX = 31 };

static bool parse_interface(const struct keyval *kv, struct drive_config *d,
                            struct error *e)
{
    static const char *const names[] = {"virtio", "pflash", "none"};
    const char *name = keyval_get(kv, "if");

    if (!name || !strcmp(name, "virtio"))
        d->interface = DRIVE_VIRTIO;
    else if (!strcmp(name, "pflash"))
        d->interface = DRIVE_PFLASH;
    else if (!strcmp(name, "none"))
        d->interface = DRIVE_NONE;
    else
        return unknown_word(e, "interface", name, names, COUNT(names));
    return true;
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
    const char *media = keyval_get(kv, "media");

    if (format && strcmp(format, "raw"))
        return error_set(e, "format=%s is not supported; accepted is raw",
                         format);
    if (media && strcmp(media, "disk"))
        return error_set(e, "media=%s is not supported; accepted is disk",
                         media);
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

static bool parse_drive(struct config *c, const struct keyval *kv,
                        struct drive_config *d, struct error *e)
{
    const char *index = keyval_get(kv, "index");
    const char *unit = keyval_get(kv, "unit");
    const char *id = keyval_get(kv, "id");
    uint64_t n;

    if (!parse_interface(kv, d, e) || !parse_cache(kv, d, e) ||
        !parse_format(kv, d, e) || !parse_discard(kv, d, e) ||
        !keyval_bool(kv, "readonly", &d->read_only, e) ||
        !keyval_bool(kv, "snapshot", &d->snapshot, e))
        return false;
    d->snapshot_given = keyval_get(kv, "snapshot") != NULL;
    if (unit && (index || d->interface != DRIVE_PFLASH))
        return error_set(e, "unit=%s: only with if=pflash, and without index",
                         unit);
    if (unit) {
        if (!parse_number(unit, MACHINE_PFLASH - 1, &n, e))
            return error_prefix(e, "unit");
        d->index = (int)n;
    }
    if (index) {
        if (!parse_number(index, MAX_INDEX, &n, e))
            return error_prefix(e, "index");
        d->index = (int)n;
    }
    d->file = keyval_get(kv, "file");
    if (!d->file || !*d->file)
        return error_set(e, "no file=FILE is named");
    if (id && !*id)
        return error_set(e, "the id is empty");
    d->id = id ? id : pool_printf(&c->pool, "drive%zu", c->n_drives);
    for (size_t i = 0; i < c->n_drives; i++)
        if (!strcmp(c->drives[i].id, d->id))
            return error_set(e, "there is a drive '%s' already", d->id);
    return true;
}

enum cli_result cli_drive(struct config *c, const char *arg, struct error *e)
{
    static const char *const known[] = {
        "file",     "if",    "id",    "format", "readonly",
        "snapshot", "cache", "media", "index",  "discard", "unit",
    };
    struct drive_config d = {.index = -1};
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
    for (size_t i = 0; i < c->n_drives; i++) {
        if (!strcmp(c->drives[i].id, id)) {
            error_set(e, "there is a drive '%s' already", id);
            return NULL;
        }
    }
    d = pool_append(&c->pool, &c->drives, &c->n_drives, sizeof(*d));
    d->option = option;
    d->file = file;
    d->id = id;
    return d;
}

enum cli_result cli_hd(struct config *c, const char *arg, struct error *e)
{
    return add_file(c, "-hda", arg, "hda", e) ? CLI_RUN : CLI_ERROR;
}

enum cli_result cli_pflash(struct config *c, const char *arg, struct error *e)
{
    struct drive_config *d = add_file(
        c, "-pflash", arg, pool_printf(&c->pool, "drive%zu", c->n_drives), e);

    if (!d)
        return CLI_ERROR;
    d->interface = DRIVE_PFLASH;
    d->raw_given = true; /* there is no other that it could be */
    d->index = -1;
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
    for (size_t i = 0; i < c->n_drives; i++)
        if (!strcmp(c->drives[i].id, d->id))
            return error_set(e, "there is a drive '%s' already", d->id);
    return true;
}

enum cli_result cli_blockdev(struct config *c, const char *arg,
                             struct error *e)
{
    static const char *const known[] = {
        "driver",      "node-name",     "filename", "read-only",
        "file.driver", "file.filename", "discard",
    };
    struct drive_config d = {
        .interface = DRIVE_NONE, .raw_given = true, .index = -1};
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

static bool index_taken(const struct config *c, int index, size_t but)
{
    for (size_t i = 0; i < c->n_drives; i++)
        if (i != but && c->drives[i].interface == c->drives[but].interface &&
            c->drives[i].index == index)
            return true;
    return false;
}

static bool place_drives(struct config *c, struct error *e)
{
    for (size_t i = 0; i < c->n_drives; i++) {
        struct drive_config *d = &c->drives[i];

        if (d->interface == DRIVE_NONE)
            continue;
        if (d->index >= 0 && index_taken(c, d->index, i))
            return error_set(e, "%s: two drives have index %d", d->option,
                             d->index);
    }
    for (size_t i = 0; i < c->n_drives; i++) {
        struct drive_config *d = &c->drives[i];

        if (d->interface != DRIVE_NONE && d->index < 0)
            for (d->index = 0; index_taken(c, d->index, i);)
                d->index++;
    }
    return true;
}

/* By index, and those without one as they came. */
static void sort_drives(struct config *c)
{
    for (size_t i = 1; i < c->n_drives; i++) {
        struct drive_config d = c->drives[i];
        size_t k = i;

        for (; k && c->drives[k - 1].index > d.index; k--)
            c->drives[k] = c->drives[k - 1];
        c->drives[k] = d;
    }
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
            return error_set(e, "-machine pflash%u=%s: there is no drive of "
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
    if (!place_drives(c, e) || !check_users(c, e) || !find_pflash(c, e))
        return false;
    sort_drives(c);
    for (size_t i = 0; i < c->n_drives; i++)
        if (c->snapshot && !c->drives[i].snapshot_given)
            c->drives[i].snapshot = true;
    return true;
}
