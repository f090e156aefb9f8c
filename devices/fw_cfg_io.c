/*
 * The firmware configuration store on I/O ports, as PC firmware finds it,
 * around the store of fw_cfg.c.
 *
 * QEMU's "Firmware Configuration (fw_cfg) Device", x86:
 *
 *   0x510  selector, 16 bits, little-endian; write only
 *   0x511  data, a byte at a time; read only
 *   0x514  DMA address, 64 bits, big-endian; its lower half starts a request
 *
 * Nothing is missing.
 */
#include "devices/fw_cfg.h"

enum { WINDOW_REGISTERS, WINDOW_DMA };
enum { REG_DATA = 1 };

struct fw_cfg_io {
    struct device dev;
    struct fw_cfg store;
};

struct fw_cfg *fw_cfg_io(struct device *dev)
{
    return &((struct fw_cfg_io *)dev)->store;
}

static uint64_t fw_cfg_io_read(struct device *dev, unsigned window,
                               uint64_t offset, unsigned size)
{
    struct fw_cfg_io *f = (struct fw_cfg_io *)dev;

    if (window == WINDOW_DMA)
        return fw_cfg_dma_read((unsigned)offset, size);
    if (offset == REG_DATA && size == 1)
        return fw_cfg_next(&f->store);
    return 0;
}

static void fw_cfg_io_write(struct device *dev, unsigned window,
                            uint64_t offset, uint64_t value, unsigned size)
{
    struct fw_cfg_io *f = (struct fw_cfg_io *)dev;

    if (window == WINDOW_DMA)
        fw_cfg_dma_write(&f->store, (unsigned)offset, value, size);
    else if (size == 2)
        fw_cfg_select(&f->store, (uint16_t)value);
}

static bool fw_cfg_io_create(struct device *dev, struct error *e)
{
    return fw_cfg_init(fw_cfg_io(dev), dev, e);
}

static void fw_cfg_io_destroy(struct device *dev)
{
    fw_cfg_destroy(fw_cfg_io(dev));
}

static const struct field fw_cfg_io_fields[] = {
    DEVICE_FIELDS(struct fw_cfg_io),
    FIELD_SUB(struct fw_cfg_io, store, fw_cfg_fields),
    FIELD_LIST_END,
};

static const struct window fw_cfg_io_windows[] = {
    {.name = "registers",
     .size = 2,
     .accept = 1 | 2,
     .impl = 1 | 2,
     .port = true},
    {.name = "DMA",
     .size = 8,
     .accept = 1 | 2 | 4,
     .impl = 1 | 2 | 4,
     .port = true},
};

static const char *const fw_cfg_io_compatible[] = {"qemu,fw-cfg-io", NULL};

const struct device_class fw_cfg_io_class = {
    .name = "fw_cfg_io",
    .summary = "what firmware is told of the machine, by I/O ports",
    .compatible = fw_cfg_io_compatible,
    .size = sizeof(struct fw_cfg_io),
    .fields = fw_cfg_io_fields,
    .windows = fw_cfg_io_windows,
    .n_windows = 2,
    .create = fw_cfg_io_create,
    .destroy = fw_cfg_io_destroy,
    .read = fw_cfg_io_read,
    .write = fw_cfg_io_write,
};
