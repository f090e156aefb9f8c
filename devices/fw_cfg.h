/*
 * The firmware configuration store of QEMU's machines, without its bus.
 *
 * A bus glue (memory-mapped, I/O ports) embeds a struct fw_cfg in its own
 * device, puts fw_cfg_fields into its table with FIELD_SUB, and passes
 * selections, reads of the data register and DMA requests on.  The machine
 * fills the store before it starts.
 */
#ifndef DEVICES_FW_CFG_H
#define DEVICES_FW_CFG_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/device.h"

/* Keys of what has no name. */
enum fw_cfg_key {
    FW_CFG_SIGNATURE = 0x00, /* these two and the directory are made here */
    FW_CFG_ID = 0x01,
    FW_CFG_UUID = 0x02,
    FW_CFG_RAM_SIZE = 0x03,
    FW_CFG_NOGRAPHIC = 0x04,
    FW_CFG_NB_CPUS = 0x05,
    FW_CFG_KERNEL_ADDR = 0x07,
    FW_CFG_KERNEL_SIZE = 0x08,
    FW_CFG_INITRD_ADDR = 0x0a,
    FW_CFG_INITRD_SIZE = 0x0b,
    FW_CFG_BOOT_MENU = 0x0e,
    FW_CFG_MAX_CPUS = 0x0f,
    FW_CFG_KERNEL_ENTRY = 0x10,
    FW_CFG_KERNEL_DATA = 0x11,
    FW_CFG_INITRD_DATA = 0x12,
    FW_CFG_CMDLINE_ADDR = 0x13,
    FW_CFG_CMDLINE_SIZE = 0x14,
    FW_CFG_CMDLINE_DATA = 0x15,
    FW_CFG_SETUP_ADDR = 0x16,
    FW_CFG_SETUP_SIZE = 0x17,
    FW_CFG_SETUP_DATA = 0x18,
    FW_CFG_FILE_DIR = 0x19,
    FW_CFG_FILE_FIRST = 0x20,
    /* Of one architecture: x86. */
    FW_CFG_ARCH = 0x8000,
    FW_CFG_IRQ0_OVERRIDE = 0x8002, /* IRQ 0 is input 2 of the IOAPIC */
    FW_CFG_ARCH_END = 0x8008,
};

#define FW_CFG_MAX_FILES 64
/* Those of one architecture come behind the files. */
#define FW_CFG_FILE_END (FW_CFG_FILE_FIRST + FW_CFG_MAX_FILES)
#define FW_CFG_ITEMS (FW_CFG_FILE_END + FW_CFG_ARCH_END - FW_CFG_ARCH)
#define FW_CFG_NAME 56 /* bytes of a file's name, with its NUL */

struct fw_cfg_item {
    uint8_t *data;
    uint32_t size;
    void (*refresh)(void *owner, uint8_t *data); /* or NULL */
    void *owner;
    char name[FW_CFG_NAME]; /* of a file */
};

struct fw_cfg {
    struct device *dev;
    struct fw_cfg_item item[FW_CFG_ITEMS];
    uint32_t n_files;
    uint16_t key; /* what is selected */
    uint32_t at;  /* the next byte of it */
    uint32_t dma_high; /* until the lower half is written */
};

extern const struct field fw_cfg_fields[];

/* From the glue's create and destroy. */
bool fw_cfg_init(struct fw_cfg *f, struct device *dev, struct error *e);
void fw_cfg_destroy(struct fw_cfg *f);

/* Put an item into the store; the bytes are copied.  false: the key, or the
 * name, is taken; or there is no room. */
bool fw_cfg_add(struct fw_cfg *f, enum fw_cfg_key key, const void *data,
                uint32_t size, struct error *e);
bool fw_cfg_add_u16(struct fw_cfg *f, enum fw_cfg_key key, uint16_t value,
                    struct error *e);
bool fw_cfg_add_u32(struct fw_cfg *f, enum fw_cfg_key key, uint32_t value,
                    struct error *e);
bool fw_cfg_add_u64(struct fw_cfg *f, enum fw_cfg_key key, uint64_t value,
                    struct error *e);
bool fw_cfg_add_file(struct fw_cfg *f, const char *name, const void *data,
                     uint32_t size, struct error *e);

/* What a file holds depends on what the guest has done by the time that it
 * selects it: then refresh() brings its bytes up to date. */
void fw_cfg_refresh_file(struct fw_cfg *f, const char *name,
                         void (*refresh)(void *owner, uint8_t *data),
                         void *owner);

/* The guest's side: registers, in whatever form the glue gives them. */
void fw_cfg_select(struct fw_cfg *f, uint16_t key);
uint8_t fw_cfg_next(struct fw_cfg *f);
/*
 * The DMA address register, 64 bits, big-endian: size bytes at byte `at` of
 * it, as a little-endian bus has them.  A write of its lower half, or of all
 * of it, starts the request that lies at that guest address; false: neither
 * half nor all.
 */
uint64_t fw_cfg_dma_read(unsigned at, unsigned size);
bool fw_cfg_dma_write(struct fw_cfg *f, unsigned at, uint64_t value,
                      unsigned size);

/* The store of a device of that class. */
struct fw_cfg *fw_cfg_mmio(struct device *dev);
extern const struct device_class fw_cfg_mmio_class;
struct fw_cfg *fw_cfg_io(struct device *dev);
extern const struct device_class fw_cfg_io_class;

#endif
