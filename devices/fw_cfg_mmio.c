/*
 * The firmware configuration store on a memory bus: the device tree's
 * binding "qemu,fw-cfg-mmio" around the store of fw_cfg.c.
 *
 *   0x00 data      the next 1, 2, 4 or 8 bytes, the first at the lowest place
 *   0x08 selector  16 bits, big-endian
 *   0x10 DMA       64 bits, big-endian; its lower half starts a request
 *
 * Nothing is missing.
 */
#include "devices/fw_cfg.h"

enum {
    REG_DATA = 0x00,
    REG_SELECTOR = 0x08,
    REG_DMA = 0x10,
    REG_END = 0x18,
};

struct fw_cfg_mmio {
    struct device dev;
    struct fw_cfg store;
};

struct fw_cfg *fw_cfg_mmio(struct device *dev)
{
    return &((struct fw_cfg_mmio *)dev)->store;
}

static void no_register(struct device *dev, uint64_t offset, unsigned size)
{
    log_guest(dev->env->log, "%s: no register of %u bytes at offset 0x%llx",
              dev->path, size, (unsigned long long)offset);
}

static uint64_t fw_cfg_mmio_read(struct device *dev, unsigned window,
                                 uint64_t offset, unsigned size)
{
    struct fw_cfg_mmio *m = (struct fw_cfg_mmio *)dev;
    uint64_t v = 0;

    (void)window;
    if (offset >= REG_DMA && offset + size <= REG_END)
        return fw_cfg_dma_read((unsigned)offset - REG_DMA, size);
    if (offset != REG_DATA) {
        no_register(dev, offset, size);
        return 0;
    }
    for (unsigned i = 0; i < size; i++)
        v |= (uint64_t)fw_cfg_next(&m->store) << i * 8;
    return v;
}

static void fw_cfg_mmio_write(struct device *dev, unsigned window,
                              uint64_t offset, uint64_t value, unsigned size)
{
    struct fw_cfg_mmio *m = (struct fw_cfg_mmio *)dev;

    (void)window;
    if (offset == REG_SELECTOR && size == 2)
        fw_cfg_select(&m->store, __builtin_bswap16((uint16_t)value));
    else if (offset < REG_DMA ||
             !fw_cfg_dma_write(&m->store, (unsigned)offset - REG_DMA, value,
                               size))
        no_register(dev, offset, size);
}

static bool fw_cfg_mmio_create(struct device *dev, struct error *e)
{
    return fw_cfg_init(fw_cfg_mmio(dev), dev, e);
}

static void fw_cfg_mmio_destroy(struct device *dev)
{
    fw_cfg_destroy(fw_cfg_mmio(dev));
}

static const struct field fw_cfg_mmio_fields[] = {
    DEVICE_FIELDS(struct fw_cfg_mmio),
    FIELD_SUB(struct fw_cfg_mmio, store, fw_cfg_fields),
    FIELD_LIST_END,
};

static const struct window fw_cfg_mmio_windows[] = {
    {.name = "registers",
     .size = REG_END,
     .accept = 1 | 2 | 4 | 8,
     .impl = 1 | 2 | 4 | 8},
};

static const char *const fw_cfg_mmio_compatible[] = {"qemu,fw-cfg-mmio", NULL};

const struct device_class fw_cfg_mmio_class = {
    .name = "fw_cfg_mmio",
    .summary = "what firmware is told of the machine, and files for it",
    .compatible = fw_cfg_mmio_compatible,
    .size = sizeof(struct fw_cfg_mmio),
    .fields = fw_cfg_mmio_fields,
    .windows = fw_cfg_mmio_windows,
    .n_windows = 1,
    .create = fw_cfg_mmio_create,
    .destroy = fw_cfg_mmio_destroy,
    .read = fw_cfg_mmio_read,
    .write = fw_cfg_mmio_write,
};
