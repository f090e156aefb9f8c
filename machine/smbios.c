/*
 * A PC's SMBIOS tables, as files of the firmware configuration store:
 * `etc/smbios/smbios-anchor` and `etc/smbios/smbios-tables`, which SeaBIOS
 * puts into memory.
 *
 * DMTF SMBIOS Reference Specification 2.8.0 (DSP0134): 5.2.1 (entry point), 6.1
 * (structures), 7.1 (type 0), 7.2 (1), 7.4 (3), 7.5 (4), 7.17 (16), 7.18 (17),
 * 7.20 (19), 7.33 (32), 7.46 (127).
 *
 * Missing: -smbios.
 */
#include <stdio.h>
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

struct smbios {
    struct blob b;
    uint32_t start; /* of the structure that is being made */
    unsigned n;
    uint32_t largest;
};

static void begin(struct smbios *s, unsigned type, unsigned number,
                  unsigned size)
{
    s->start = s->b.size;
    blob_number(&s->b, type, 1);
    blob_number(&s->b, size, 1);
    blob_number(&s->b, HANDLE(type, number), 2);
}

/* The formatted part is complete: its strings, by number from 1 on. */
static void finish(struct smbios *s, const char *const *strings)
{
    uint32_t size;

    for (unsigned i = 0; strings && strings[i]; i++)
        blob_put(&s->b, strings[i], (uint32_t)strlen(strings[i]) + 1);
    blob_number(&s->b, 0, strings ? 1 : 2);
    size = s->b.size - s->start;
    s->largest = size > s->largest ? size : s->largest;
    s->n++;
}

static void put(struct smbios *s, uint64_t value, unsigned size)
{
    blob_number(&s->b, value, size);
}

static void put_firmware(struct smbios *s)
{
    static const char *const strings[] = {"SeaBIOS", "1", "04/01/2014", NULL};

    begin(s, 0, 0, 24);
    put(s, 1 | 2 << 8, 2); /* vendor, version */
    put(s, 0xe800, 2);     /* segment */
    put(s, 3, 1);          /* date */
    put(s, 0, 1);          /* 64 KiB */
    put(s, 1 << 3, 8);     /* characteristics are not known */
    put(s, 0, 1);
    put(s, 1 << 4 | 1 << 2, 1); /* a virtual machine */
    put(s, 0, 2);               /* release */
    put(s, 0xffff, 2);          /* embedded controller: none */
    finish(s, strings);
}

static void put_system(struct smbios *s, const char *model)
{
    const char *const strings[] = {MAKER, model, NULL};

    begin(s, 1, 0, 27);
    put(s, 1 | 2 << 8, 2);
    put(s, 0, 2); /* version, serial number */
    put(s, 0, 8); /* UUID: none */
    put(s, 0, 8);
    put(s, 6, 1); /* woken up by the power switch */
    put(s, 0, 2);
    finish(s, strings);
}

static void put_chassis(struct smbios *s)
{
    static const char *const strings[] = {MAKER, NULL};

    begin(s, 3, 0, 22);
    put(s, 1, 1);
    put(s, 1, 1);          /* type: other */
    put(s, 0, 3);          /* version, serial number, asset tag */
    put(s, 0x02030303, 4); /* states: safe; security: unknown */
    put(s, 0, 4);
    put(s, 0, 4); /* height, cords, elements */
    put(s, 0, 1); /* SKU */
    finish(s, strings);
}

static void put_processor(struct smbios *s, unsigned n)
{
    char socket[16];
    const char *const strings[] = {socket, MAKER, NULL};

    snprintf(socket, sizeof(socket), "CPU %u", n);
    begin(s, 4, n, 42);
    put(s, 1, 1);
    put(s, 3, 1); /* central processor */
    put(s, 1, 1); /* family: other */
    put(s, 2, 1);
    put(s, 0, 8);
    put(s, 0, 1); /* version */
    put(s, 0, 1); /* voltage */
    put(s, 0, 2);
    put(s, 2000, 2);
    put(s, 2000, 2);
    put(s, 0x41, 1); /* socketed, enabled */
    put(s, 1, 1);
    put(s, 0xffff, 2); /* caches: not given */
    put(s, 0xffff, 2);
    put(s, 0xffff, 2);
    put(s, 0, 3);
    put(s, 1 | 1 << 8 | 1 << 16, 3); /* cores, enabled, threads */
    put(s, 1 << 2, 2);               /* 64 bits */
    put(s, 1, 2);
    finish(s, strings);
}

static void put_memory(struct smbios *s, uint64_t total)
{
    static const char *const strings[] = {"DIMM 0", NULL};
    uint64_t kib = total >> 10, mib = (total + MIB - 1) / MIB;

    begin(s, 16, 0, 23);
    put(s, 1, 1); /* other */
    put(s, 3, 1); /* system memory */
    put(s, 6, 1); /* multi-bit ECC */
    put(s, kib < 0x80000000 ? kib : 0x80000000, 4);
    put(s, 0xfffe, 2);
    put(s, 1, 2);
    put(s, kib < 0x80000000 ? 0 : total, 8);
    finish(s, NULL);

    begin(s, 17, 0, 40);
    put(s, HANDLE(16, 0), 2);
    put(s, 0xfffe, 2);
    put(s, 0xffff, 2); /* widths: unknown */
    put(s, 0xffff, 2);
    put(s, mib < 0x7fff ? mib : 0x7fff, 2);
    put(s, 9, 1); /* DIMM */
    put(s, 0, 1);
    put(s, 1, 1);
    put(s, 0, 1);
    put(s, 7, 1); /* RAM */
    put(s, 2, 2);
    put(s, 0, 2);
    put(s, 0, 4);
    put(s, 0, 1);
    put(s, mib < 0x7fff ? 0 : mib, 4);
    put(s, 0, 2);
    put(s, 0, 6); /* voltages */
    finish(s, strings);
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
    finish(s, NULL);
}

static void put_end(struct smbios *s)
{
    begin(s, 32, 0, 11);
    put(s, 0, 6);
    put(s, 0, 1); /* no errors */
    finish(s, NULL);
    begin(s, 127, 0, 4);
    finish(s, NULL);
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

bool machine_tell_smbios(struct machine *m, struct error *e)
{
    const char *model = tree_string(&m->tree, 0, "model");
    struct smbios s = {.n = 0};
    uint8_t anchor[ANCHOR_SIZE];
    uint64_t total = 0;
    bool ok;

    put_firmware(&s);
    put_system(&s, model && *model ? model : m->board.name);
    put_chassis(&s);
    for (unsigned i = 0; i < m->n_cpus; i++)
        put_processor(&s, i);
    for (unsigned i = 0; i < m->n_ram; i++)
        total += m->ram_piece[i].size;
    put_memory(&s, total);
    for (unsigned i = 0; i < m->n_ram; i++) {
        if (m->ram_piece[i].size)
            put_addresses(&s, i, m->ram_piece[i].base, m->ram_piece[i].size);
    }
    put_end(&s);
    make_anchor(&s, anchor);
    ok = s.b.failed ? error_set(e, "out of memory")
                    : fw_cfg_add_file(m->fw_cfg, "etc/smbios/smbios-anchor",
                                      anchor, ANCHOR_SIZE, e) &&
                          fw_cfg_add_file(m->fw_cfg, "etc/smbios/smbios-tables",
                                          s.b.bytes, s.b.size, e);
    blob_free(&s.b);
    return ok;
}
