/*
 * The firmware configuration store: items by key, a directory of those that
 * have names, reading byte by byte or by DMA.
 *
 * QEMU's "Firmware Configuration (fw_cfg) Device" (docs/specs/fw_cfg) and
 * its users: EDK2's QemuFwCfgLib, U-Boot's qfw, Linux's qemu_fw_cfg.
 *
 * Missing: items that the guest may write (a DMA write is an error, as for
 * an item that is read-only).
 */
#include "devices/fw_cfg.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum {
    ID_TRADITIONAL = 1 << 0,
    ID_DMA = 1 << 1,

    CONTROL_ERROR = 1 << 0,
    CONTROL_READ = 1 << 1,
    CONTROL_SKIP = 1 << 2,
    CONTROL_SELECT = 1 << 3,
    CONTROL_WRITE = 1 << 4,

    /* Of a request in guest memory; big-endian. */
    REQUEST_CONTROL = 0,
    REQUEST_LENGTH = 4,
    REQUEST_ADDRESS = 8,
    REQUEST_SIZE = 16,

    DIRECTORY_ENTRY = 64,
    KEY_WRITE = 0x4000, /* of the interface before DMA: no meaning now */
};

/* -- the store -- */

/* Where an item is kept; FW_CFG_ITEMS: there is none of that key. */
static unsigned place_of(unsigned key)
{
    if (key >= FW_CFG_ARCH && key < FW_CFG_ARCH_END)
        return FW_CFG_FILE_END + key - FW_CFG_ARCH;
    return key < FW_CFG_FILE_END ? key : FW_CFG_ITEMS;
}

static bool set_item(struct fw_cfg *f, unsigned at, const void *data,
                     uint32_t size, struct error *e)
{
    struct fw_cfg_item *item = &f->item[at];
    uint8_t *copy = malloc(size ? size : 1);

    if (!copy)
        return error_set(e, "out of memory");
    if (size)
        memcpy(copy, data, size);
    free(item->data);
    item->data = copy;
    item->size = size;
    return true;
}

bool fw_cfg_add(struct fw_cfg *f, enum fw_cfg_key key, const void *data,
                uint32_t size, struct error *e)
{
    unsigned at = place_of(key);

    if ((key >= FW_CFG_FILE_FIRST && key < FW_CFG_ARCH) || at == FW_CFG_ITEMS ||
        f->item[at].data)
        return error_set(e, "firmware configuration item 0x%x is taken", key);
    return set_item(f, at, data, size, e);
}

bool fw_cfg_add_u16(struct fw_cfg *f, enum fw_cfg_key key, uint16_t value,
                    struct error *e)
{
    uint8_t bytes[2];

    st_le16(bytes, value);
    return fw_cfg_add(f, key, bytes, sizeof(bytes), e);
}

bool fw_cfg_add_u32(struct fw_cfg *f, enum fw_cfg_key key, uint32_t value,
                    struct error *e)
{
    uint8_t bytes[4];

    st_le32(bytes, value);
    return fw_cfg_add(f, key, bytes, sizeof(bytes), e);
}

bool fw_cfg_add_u64(struct fw_cfg *f, enum fw_cfg_key key, uint64_t value,
                    struct error *e)
{
    uint8_t bytes[8];

    st_le64(bytes, value);
    return fw_cfg_add(f, key, bytes, sizeof(bytes), e);
}

/* A count, then size, key and name of each file. */
static bool write_directory(struct fw_cfg *f, struct error *e)
{
    uint32_t size = 4 + f->n_files * DIRECTORY_ENTRY;
    uint8_t *dir = calloc(1, size), *p = dir + 4;
    bool ok;

    if (!dir)
        return error_set(e, "out of memory");
    st_be32(dir, f->n_files);
    for (uint32_t i = 0; i < f->n_files; i++, p += DIRECTORY_ENTRY) {
        const struct fw_cfg_item *item = &f->item[FW_CFG_FILE_FIRST + i];

        st_be32(p, item->size);
        st_be16(p + 4, (uint16_t)(FW_CFG_FILE_FIRST + i));
        memcpy(p + 8, item->name, FW_CFG_NAME);
    }
    ok = set_item(f, FW_CFG_FILE_DIR, dir, size, e);
    free(dir);
    return ok;
}

bool fw_cfg_add_file(struct fw_cfg *f, const char *name, const void *data,
                     uint32_t size, struct error *e)
{
    struct fw_cfg_item *item = &f->item[FW_CFG_FILE_FIRST + f->n_files];

    if (!*name || strlen(name) >= FW_CFG_NAME)
        return error_set(e, "name=%s: wanted 1 to %d characters", name,
                         FW_CFG_NAME - 1);
    if (f->n_files == FW_CFG_MAX_FILES)
        return error_set(e, "name=%s: there are %d files already", name,
                         FW_CFG_MAX_FILES);
    for (uint32_t i = 0; i < f->n_files; i++)
        if (!strcmp(f->item[FW_CFG_FILE_FIRST + i].name, name))
            return error_set(e, "name=%s: there is a file of that name", name);
    if (!set_item(f, FW_CFG_FILE_FIRST + f->n_files, data, size, e))
        return false;
    strcpy(item->name, name);
    f->n_files++;
    return write_directory(f, e);
}

void fw_cfg_refresh_file(struct fw_cfg *f, const char *name,
                         void (*refresh)(void *owner, uint8_t *data),
                         void *owner)
{
    for (uint32_t i = 0; i < f->n_files; i++) {
        struct fw_cfg_item *item = &f->item[FW_CFG_FILE_FIRST + i];

        if (strcmp(item->name, name) != 0)
            continue;
        item->refresh = refresh;
        item->owner = owner;
    }
}

bool fw_cfg_init(struct fw_cfg *f, struct device *dev, struct error *e)
{
    f->dev = dev;
    if (fw_cfg_add(f, FW_CFG_SIGNATURE, "QEMU", 4, e) &&
        fw_cfg_add_u32(f, FW_CFG_ID, ID_TRADITIONAL | ID_DMA, e) &&
        write_directory(f, e))
        return true;
    fw_cfg_destroy(f);
    return false;
}

void fw_cfg_destroy(struct fw_cfg *f)
{
    for (unsigned i = 0; i < FW_CFG_ITEMS; i++)
        free(f->item[i].data);
}

/* -- reading -- */

/* An item that is not there is empty: asking for one is no mistake. */
void fw_cfg_select(struct fw_cfg *f, uint16_t key)
{
    unsigned at;

    f->key = key & (uint16_t)~KEY_WRITE;
    f->at = 0;
    at = place_of(f->key);
    if (at != FW_CFG_ITEMS && f->item[at].data && f->item[at].refresh)
        f->item[at].refresh(f->item[at].owner, f->item[at].data);
}

/* What is left of the selected item. */
static uint32_t left(const struct fw_cfg *f, const uint8_t **data)
{
    const struct fw_cfg_item *item;

    if (place_of(f->key) == FW_CFG_ITEMS)
        return 0;
    item = &f->item[place_of(f->key)];
    if (!item->data || f->at >= item->size)
        return 0;
    *data = item->data + f->at;
    return item->size - f->at;
}

uint8_t fw_cfg_next(struct fw_cfg *f)
{
    const uint8_t *data;

    if (!left(f, &data))
        return 0;
    f->at++;
    return *data;
}

/* -- DMA -- */

/* Zeros, as a read past an item's end gives; in pieces, since the guest says
 * how many. */
static bool write_zeros(struct fw_cfg *f, uint64_t address, uint32_t size)
{
    static const uint8_t zeros[4096];

    while (size) {
        uint32_t n = size < sizeof(zeros) ? size : (uint32_t)sizeof(zeros);

        if (!dma_write(f->dev->env->memory, address, zeros, n))
            return false;
        address += n;
        size -= n;
    }
    return true;
}

static bool transfer(struct fw_cfg *f, uint32_t control, uint32_t length,
                     uint64_t address)
{
    const uint8_t *data = NULL;
    uint32_t n = left(f, &data);

    n = n < length ? n : length;
    if (control & CONTROL_READ) {
        if ((n && !dma_write(f->dev->env->memory, address, data, n)) ||
            !write_zeros(f, address + n, length - n))
            return false;
    } else if (control & CONTROL_WRITE) {
        return false;
    } else if (!(control & CONTROL_SKIP)) {
        return true;
    }
    f->at += n;
    return true;
}

/* Carry out the request that lies at a guest address. */
static void request_at(struct fw_cfg *f, uint64_t address)
{
    const struct device_env *env = f->dev->env;
    uint8_t request[REQUEST_SIZE], status[4];
    uint32_t control;
    bool ok;

    if (!dma_read(env->memory, address, request, sizeof(request))) {
        log_guest(env->log, "%s: a DMA request at 0x%llx, which is no memory",
                  f->dev->path, (unsigned long long)address);
        return;
    }
    control = ld_be32(request + REQUEST_CONTROL);
    if (control & CONTROL_SELECT)
        fw_cfg_select(f, (uint16_t)(control >> 16));
    ok = transfer(f, control, ld_be32(request + REQUEST_LENGTH),
                  ld_be64(request + REQUEST_ADDRESS));
    if (!ok)
        log_guest(env->log, "%s: the DMA request at 0x%llx failed",
                  f->dev->path, (unsigned long long)address);
    /* The guest polls for this word: it comes last. */
    st_be32(status, ok ? 0 : CONTROL_ERROR);
    if (!dma_write(env->memory, address + REQUEST_CONTROL, status, 4))
        log_guest(env->log, "%s: a DMA request at 0x%llx, which is read-only",
                  f->dev->path, (unsigned long long)address);
}

/* "QEMU CFG": the interface is there. */
uint64_t fw_cfg_dma_read(unsigned at, unsigned size)
{
    uint8_t signature[8];

    st_be64(signature, UINT64_C(0x51454d5520434647));
    return ld_le(signature + at, size);
}

bool fw_cfg_dma_write(struct fw_cfg *f, unsigned at, uint64_t value,
                      unsigned size)
{
    uint32_t high = f->dma_high;

    if (size == 4 && at == 0) {
        f->dma_high = __builtin_bswap32((uint32_t)value);
        return true;
    }
    f->dma_high = 0;
    if (size == 4 && at == 4)
        request_at(f,
                   (uint64_t)high << 32 | __builtin_bswap32((uint32_t)value));
    else if (size == 8 && at == 0)
        request_at(f, __builtin_bswap64(value));
    else
        return false;
    return true;
}

const struct field fw_cfg_fields[] = {
    FIELD_HOST(struct fw_cfg, dev),
    FIELD_HOST(struct fw_cfg, item),
    FIELD_HOST(struct fw_cfg, n_files),
    FIELD(struct fw_cfg, key, 0),
    FIELD(struct fw_cfg, at, 0),
    FIELD(struct fw_cfg, dma_high, 0),
    FIELD_LIST_END,
};
