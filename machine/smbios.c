/*
 * A PC's SMBIOS tables, as files of the firmware configuration store:
 * `etc/smbios/smbios-anchor` and `etc/smbios/smbios-tables`, which SeaBIOS
 * puts into memory.  -smbios changes fields, and adds structures from files.
 *
 * DMTF SMBIOS Reference Specification 2.8.0 (DSP0134): 5.2.1 (entry point), 6.1
 * (structures), 7.1 (type 0), 7.2 (1), 7.3 (2), 7.4 (3), 7.5 (4), 7.12 (11),
 * 7.17 (16), 7.18 (17), 7.20 (19), 7.33 (32), 7.46 (127).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "devices/fw_cfg.h"
#include "machine/blob.h"
#include "machine/machine_priv.h"

#define ANCHOR_SIZE 31
#define MAKER "emu"
#define MIB ((uint64_t)1 << 20)
/* Handles: type << 8 | number. */
#define HANDLE(type, n) ((type) << 8 | (n))
#define END 127
#define MAX_STRINGS 255
#define MAX_TEXT 255 /* of a value; a structure's have to fit 16 bits */

struct smbios {
    const struct machine_config *config;
    struct blob b, text; /* text: the strings of the structure */
    uint32_t start;      /* of the structure that is being made */
    unsigned n, n_strings;
    uint32_t largest;
    bool given[256]; /* types that came in files */
};

/* --------------------------------------------------------- what is asked for
 */

/* Fields of -smbios type=N; a `#` before its name: a number of 16 bits. */
static const struct known {
    const char *type;
    const char *fields[10];
} known[] = {
    {"0", {"vendor", "version", "date", "release", "uefi"}},
    {"1",
     {"manufacturer", "product", "version", "serial", "uuid", "sku", "family"}},
    {"2",
     {"manufacturer", "product", "version", "serial", "asset", "location"}},
    {"3", {"manufacturer", "version", "serial", "asset", "sku"}},
    {"4",
     {"sock_pfx", "manufacturer", "version", "serial", "asset", "part",
      "#max-speed", "#current-speed"}},
    {"11", {"value", "path"}},
    {"17",
     {"loc_pfx", "bank", "manufacturer", "serial", "asset", "part", "#speed"}},
};
#define N_KNOWN (sizeof(known) / sizeof(known[0]))

static const char *value_of(const struct smbios_option *o, const char *name)
{
    for (size_t i = o->n; i-- > 0;)
        if (!strcmp(o->names[i], name))
            return o->values[i];
    return NULL;
}

/* The last value of a field, or NULL. */
static const char *given(const struct smbios *s, const char *type,
                         const char *name)
{
    const struct machine_config *config = s->config;

    for (size_t i = config->n_smbios; i-- > 0;) {
        const struct smbios_option *o = &config->smbios[i];
        const char *t = value_of(o, "type"), *v = value_of(o, name);

        if (t && !strcmp(t, type) && v)
            return v;
    }
    return NULL;
}

static bool is_number(const char *text, unsigned most, unsigned *out)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);

    *out = (unsigned)v;
    return *text >= '0' && *text <= '9' && !*end && v <= most;
}

static bool parse_release(const char *text, unsigned *major, unsigned *minor)
{
    char end;

    return sscanf(text, "%3u.%3u%c", major, minor, &end) == 2 &&
           *major <= 255 && *minor <= 255;
}

static bool check_field(const struct known *k, const char *name,
                        const char *value, struct error *e)
{
    const char *names[10], *near, *field = NULL;
    unsigned n = 0, number;

    for (; n < 10 && k->fields[n]; n++) {
        names[n] = k->fields[n] + (k->fields[n][0] == '#');
        if (!strcmp(names[n], name))
            field = k->fields[n];
    }
    if (!field) {
        near = nearest_name(name, names, n);
        return error_set(e, "type=%s: there is no field '%s'%s%s%s", k->type,
                         name, near ? ", did you mean '" : "", near ? near : "",
                         near ? "'?" : "");
    }
    if (strlen(value) > MAX_TEXT)
        return error_set(e, "%s: more than %d characters", name, MAX_TEXT);
    if (*field == '#' && !is_number(value, UINT16_MAX, &number))
        return error_set(e, "%s=%s: wanted a number, at most 65535", name,
                         value);
    if (!strcmp(name, "release") && !parse_release(value, &number, &number))
        return error_set(e, "release=%s: wanted MAJOR.MINOR, each at most 255",
                         value);
    if (!strcmp(name, "uefi") && strcmp(value, "on") && strcmp(value, "off"))
        return error_set(e, "uefi=%s: wanted on or off", value);
    return true;
}

static bool check_fields(const struct smbios_option *o, struct error *e)
{
    const char *type = value_of(o, "type");
    const struct known *k = NULL;

    if (!type)
        return error_set(e, "wanted type=N or file=FILE");
    for (size_t i = 0; i < N_KNOWN; i++)
        if (!strcmp(known[i].type, type))
            k = &known[i];
    if (!k)
        return error_set(e,
                         "type=%s: fields can be given of 0, 1, 2, 3, 4, 11 "
                         "and 17; others by file=",
                         type);
    for (size_t i = 0; i < o->n; i++)
        if (strcmp(o->names[i], "type") &&
            !check_field(k, o->names[i], o->values[i], e))
            return false;
    return true;
}

/* -------------------------------------------------------------- structures */

static void begin(struct smbios *s, unsigned type, unsigned number,
                  unsigned size)
{
    s->start = s->b.size;
    s->text.size = 0;
    s->n_strings = 0;
    blob_number(&s->b, type, 1);
    blob_number(&s->b, size, 1);
    blob_number(&s->b, HANDLE(type, number), 2);
}

static void count_structure(struct smbios *s)
{
    const uint32_t size = s->b.size - s->start;

    s->largest = size > s->largest ? size : s->largest;
    s->n++;
}

/* The formatted part is complete: its strings. */
static void finish(struct smbios *s)
{
    if (s->text.size)
        blob_put(&s->b, s->text.bytes, s->text.size);
    blob_number(&s->b, 0, s->n_strings ? 1 : 2);
    count_structure(s);
}

static void put(struct smbios *s, uint64_t value, unsigned size)
{
    blob_number(&s->b, value, size);
}

/* One more string: its number; 0: there is none. */
static unsigned add_string(struct smbios *s, const char *text)
{
    if (!text || !*text || s->n_strings == MAX_STRINGS)
        return 0;
    blob_put(&s->text, text, (uint32_t)strlen(text) + 1);
    return ++s->n_strings;
}

/* A field that is a string, as it was given or by default. */
static void put_string(struct smbios *s, const char *type, const char *name,
                       const char *text)
{
    const char *v = given(s, type, name);

    put(s, add_string(s, v ? v : text), 1);
}

static void put_number(struct smbios *s, const char *type, const char *name,
                       unsigned value)
{
    const char *v = given(s, type, name);

    if (v)
        is_number(v, UINT16_MAX, &value);
    put(s, value, 2);
}

/* "PREFIX n" */
static void put_place(struct smbios *s, const char *type, const char *name,
                      const char *prefix, unsigned n)
{
    const char *v = given(s, type, name);
    char text[MAX_TEXT + 16];

    snprintf(text, sizeof(text), "%s%u", v ? v : prefix, n);
    put(s, add_string(s, text), 1);
}

static void put_firmware(struct smbios *s)
{
    const char *uefi = given(s, "0", "uefi"),
               *release = given(s, "0", "release");
    unsigned major = 0, minor = 0;

    if (release)
        parse_release(release, &major, &minor);
    begin(s, 0, 0, 24);
    put_string(s, "0", "vendor", "SeaBIOS");
    put_string(s, "0", "version", "1");
    put(s, 0xe800, 2); /* segment */
    put_string(s, "0", "date", "04/01/2014");
    put(s, 0, 1);      /* 64 KiB */
    put(s, 1 << 3, 8); /* characteristics are not known */
    put(s, 0, 1);
    /* A virtual machine; UEFI. */
    put(s, 1 << 4 | 1 << 2 | (uefi && !strcmp(uefi, "on") ? 1 << 3 : 0), 1);
    put(s, major, 1);
    put(s, minor, 1);
    put(s, 0xffff, 2); /* embedded controller: none */
    finish(s);
}

static void put_system(struct smbios *s, const char *model)
{
    /* The first three fields are numbers, and little-endian here. */
    static const uint8_t order[16] = {3, 2, 1,  0,  5,  4,  7,  6,
                                      8, 9, 10, 11, 12, 13, 14, 15};

    begin(s, 1, 0, 27);
    put_string(s, "1", "manufacturer", MAKER);
    put_string(s, "1", "product", model);
    put_string(s, "1", "version", NULL);
    put_string(s, "1", "serial", NULL);
    for (unsigned i = 0; i < 16; i++)
        put(s, s->config->uuid ? s->config->uuid[order[i]] : 0, 1);
    put(s, 6, 1); /* woken up by the power switch */
    put_string(s, "1", "sku", NULL);
    put_string(s, "1", "family", NULL);
    finish(s);
}

static void put_board(struct smbios *s)
{
    begin(s, 2, 0, 15);
    put_string(s, "2", "manufacturer", MAKER);
    put_string(s, "2", "product", NULL);
    put_string(s, "2", "version", NULL);
    put_string(s, "2", "serial", NULL);
    put_string(s, "2", "asset", NULL);
    put(s, 1, 1); /* it hosts the rest */
    put_string(s, "2", "location", NULL);
    put(s, HANDLE(3, 0), 2);
    put(s, 10, 1); /* a motherboard */
    put(s, 0, 1);
    finish(s);
}

static void put_chassis(struct smbios *s)
{
    begin(s, 3, 0, 22);
    put_string(s, "3", "manufacturer", MAKER);
    put(s, 1, 1); /* type: other */
    put_string(s, "3", "version", NULL);
    put_string(s, "3", "serial", NULL);
    put_string(s, "3", "asset", NULL);
    put(s, 0x02030303, 4); /* states: safe; security: unknown */
    put(s, 0, 4);
    put(s, 0, 4); /* height, cords, elements */
    put_string(s, "3", "sku", NULL);
    finish(s);
}

static void put_processor(struct smbios *s, unsigned n)
{
    begin(s, 4, n, 42);
    put_place(s, "4", "sock_pfx", "CPU ", n);
    put(s, 3, 1); /* central processor */
    put(s, 1, 1); /* family: other */
    put_string(s, "4", "manufacturer", MAKER);
    put(s, 0, 8);
    put_string(s, "4", "version", NULL);
    put(s, 0, 1); /* voltage */
    put(s, 0, 2);
    put_number(s, "4", "max-speed", 2000);
    put_number(s, "4", "current-speed", 2000);
    put(s, 0x41, 1); /* socketed, enabled */
    put(s, 1, 1);
    put(s, 0xffff, 2); /* caches: not given */
    put(s, 0xffff, 2);
    put(s, 0xffff, 2);
    put_string(s, "4", "serial", NULL);
    put_string(s, "4", "asset", NULL);
    put_string(s, "4", "part", NULL);
    put(s, 1 | 1 << 8 | 1 << 16, 3); /* cores, enabled, threads */
    put(s, 1 << 2, 2);               /* 64 bits */
    put(s, 1, 2);
    finish(s);
}

static void put_array(struct smbios *s, uint64_t total)
{
    const uint64_t kib = total >> 10;

    begin(s, 16, 0, 23);
    put(s, 1, 1); /* other */
    put(s, 3, 1); /* system memory */
    put(s, 6, 1); /* multi-bit ECC */
    put(s, kib < 0x80000000 ? kib : 0x80000000, 4);
    put(s, 0xfffe, 2);
    put(s, 1, 2);
    put(s, kib < 0x80000000 ? 0 : total, 8);
    finish(s);
}

static void put_memory(struct smbios *s, uint64_t total)
{
    const uint64_t mib = (total + MIB - 1) / MIB;

    begin(s, 17, 0, 40);
    put(s, HANDLE(16, 0), 2);
    put(s, 0xfffe, 2);
    put(s, 0xffff, 2); /* widths: unknown */
    put(s, 0xffff, 2);
    put(s, mib < 0x7fff ? mib : 0x7fff, 2);
    put(s, 9, 1); /* DIMM */
    put(s, 0, 1);
    put_place(s, "17", "loc_pfx", "DIMM ", 0);
    put_string(s, "17", "bank", NULL);
    put(s, 7, 1); /* RAM */
    put(s, 2, 2);
    put_number(s, "17", "speed", 0);
    put_string(s, "17", "manufacturer", NULL);
    put_string(s, "17", "serial", NULL);
    put_string(s, "17", "asset", NULL);
    put_string(s, "17", "part", NULL);
    put(s, 0, 1);
    put(s, mib < 0x7fff ? 0 : mib, 4);
    put_number(s, "17", "speed", 0);
    put(s, 0, 6); /* voltages */
    finish(s);
}

/* Type 19: a stretch of addresses, in KiB unless they do not fit. */
static void put_addresses(struct smbios *s, unsigned n, uint64_t base,
                          uint64_t size)
{
    uint64_t last = base + (size - 1);
    bool wide = last >> 10 >= UINT32_MAX;

    begin(s, 19, n, 31);
    put(s, wide ? UINT32_MAX : base >> 10, 4);
    put(s, wide ? UINT32_MAX : last >> 10, 4);
    put(s, HANDLE(16, 0), 2);
    put(s, 1, 1);
    put(s, wide ? base : 0, 8);
    put(s, wide ? last : 0, 8);
    finish(s);
}

static void put_end(struct smbios *s)
{
    begin(s, 32, 0, 11);
    put(s, 0, 6);
    put(s, 0, 1); /* no errors */
    finish(s);
    begin(s, END, 0, 4);
    finish(s);
}

/* 5.2.1; the address of the structures is the firmware's to fill in. */
static void make_anchor(const struct smbios *s, uint8_t *a)
{
    memset(a, 0, ANCHOR_SIZE);
    memcpy(a, "_SM_", 4);
    a[5] = ANCHOR_SIZE;
    a[6] = 2;
    a[7] = 8;
    st_le16(a + 8, (uint16_t)s->largest);
    memcpy(a + 16, "_DMI_", 5);
    st_le16(a + 22, (uint16_t)s->b.size);
    st_le16(a + 28, (uint16_t)s->n);
    a[30] = 0x28;
    a[21] = (uint8_t)-sum_bytes(a + 16, 15);
    a[4] = (uint8_t)-sum_bytes(a, ANCHOR_SIZE);
}

/* --------------------------------------------------- strings, files, all */

/* Bytes of a file; the caller frees them. */
static bool read_whole(const char *option, const char *file, uint8_t **bytes,
                       uint64_t *size, struct error *e)
{
    struct source source;
    bool ok;

    if (!source_open(&source, option, file, UINT16_MAX, e))
        return false;
    *size = source.size;
    ok = source_all(&source, UINT16_MAX, bytes, e);
    source_close(&source);
    return ok;
}

/* Type 11: every value= and path= of it. */
static bool put_strings(struct smbios *s, struct error *e)
{
    const struct machine_config *config = s->config;

    begin(s, 11, 0, 5);
    for (size_t i = 0; i < config->n_smbios; i++) {
        const struct smbios_option *o = &config->smbios[i];
        const char *type = value_of(o, "type");

        for (size_t k = 0; type && !strcmp(type, "11") && k < o->n; k++) {
            uint8_t *bytes = NULL;
            uint64_t size = 0;
            bool ok = true;

            if (!strcmp(o->names[k], "value") && *o->values[k]) {
                ok = add_string(s, o->values[k]) != 0;
            } else if (!strcmp(o->names[k], "path")) {
                if (!read_whole("path", o->values[k], &bytes, &size, e))
                    return false;
                if (!size || memchr(bytes, 0, size)) {
                    free(bytes);
                    return error_set(e, "path=%s: wanted text", o->values[k]);
                }
                blob_put(&s->text, bytes, (uint32_t)size);
                blob_number(&s->text, 0, 1);
                ok = s->n_strings++ < MAX_STRINGS;
                free(bytes);
            }
            if (!ok)
                return error_set(e, "type=11: more than %d values",
                                 MAX_STRINGS);
        }
    }
    put(s, s->n_strings, 1);
    if (s->n_strings)
        finish(s);
    else
        s->b.size = s->start;
    return true;
}

/* One whole structure: 6.1.2, 6.1.3. */
static bool put_file(struct smbios *s, const char *file, struct error *e)
{
    uint64_t size, end;
    uint8_t *bytes;

    if (!read_whole("file", file, &bytes, &size, e))
        return false;
    end = size >= 4 ? bytes[1] : size;
    while (end + 2 <= size && (bytes[end] || bytes[end + 1]))
        end++;
    if (size < 6 || bytes[1] < 4 || end + 2 != size || bytes[0] == END) {
        free(bytes);
        return error_set(e,
                         "file=%s: wanted one SMBIOS structure with its "
                         "strings, and not type %d",
                         file, END);
    }
    for (size_t i = 0; i < s->config->n_smbios; i++) {
        const char *type = value_of(&s->config->smbios[i], "type");
        unsigned n;

        if (type && is_number(type, 255, &n) && n == bytes[0]) {
            n = bytes[0];
            free(bytes);
            return error_set(e,
                             "file=%s: it is of type %u, of which fields "
                             "are given, too",
                             file, n);
        }
    }
    s->given[bytes[0]] = true;
    s->start = s->b.size;
    blob_put(&s->b, bytes, (uint32_t)size);
    count_structure(s);
    free(bytes);
    return true;
}

/* Files first: they take the place of the type's own. */
static bool put_files(struct smbios *s, struct error *e)
{
    for (size_t i = 0; i < s->config->n_smbios; i++) {
        const struct smbios_option *o = &s->config->smbios[i];
        const char *file = value_of(o, "file");

        if (!file && !check_fields(o, e))
            return false;
        if (file && o->n > 1)
            return error_set(e, "file=%s: nothing goes with it", file);
        if (file && !put_file(s, file, e))
            return false;
    }
    return true;
}

static bool put_all(struct smbios *s, const struct machine *m, struct error *e)
{
    const char *model = tree_string(&m->tree, 0, "model");
    uint64_t total = 0;
    bool board = false;

    for (unsigned i = 0; i < m->n_ram; i++)
        total += m->ram_piece[i].size;
    if (!put_files(s, e))
        return false;
    for (size_t i = 0; i < 6; i++)
        board = board || given(s, "2", known[2].fields[i]);
    if (!s->given[0])
        put_firmware(s);
    if (!s->given[1])
        put_system(s, model && *model ? model : m->board.name);
    if (board)
        put_board(s);
    if (!s->given[3])
        put_chassis(s);
    for (unsigned i = 0; i < m->n_cpus && !s->given[4]; i++)
        put_processor(s, i);
    if (!put_strings(s, e))
        return false;
    if (!s->given[16])
        put_array(s, total);
    if (!s->given[17])
        put_memory(s, total);
    for (unsigned i = 0; i < m->n_ram && !s->given[19]; i++) {
        if (m->ram_piece[i].size)
            put_addresses(s, i, m->ram_piece[i].base, m->ram_piece[i].size);
    }
    put_end(s);
    if (s->b.failed || s->text.failed)
        return error_set(e, "out of memory");
    return s->b.size <= UINT16_MAX ||
           error_set(e, "tables of %u bytes, at most %d fit", s->b.size,
                     UINT16_MAX);
}

bool machine_tell_smbios(struct machine *m, const struct machine_config *config,
                         struct error *e)
{
    struct smbios s = {.config = config};
    uint8_t anchor[ANCHOR_SIZE];
    bool ok = put_all(&s, m, e) || error_prefix(e, "-smbios");

    if (ok) {
        make_anchor(&s, anchor);
        ok = fw_cfg_add_file(m->fw_cfg, "etc/smbios/smbios-anchor", anchor,
                             ANCHOR_SIZE, e) &&
             fw_cfg_add_file(m->fw_cfg, "etc/smbios/smbios-tables", s.b.bytes,
                             s.b.size, e);
    }
    blob_free(&s.b);
    blob_free(&s.text);
    return ok;
}
