/*
 * Device classes of a virtio device type.
 *
 * A type is written once; VIRTIO_CLASS() puts it behind a transport:
 *
 *     VIRTIO_CLASS(virtio_blk, pci, "virtio-blk-pci", "disk, virtio on PCI",
 *                  PROPERTIES)
 *
 * makes `const struct device_class virtio_blk_pci_class` from the type's
 * `struct virtio_blk`, `virtio_blk_type` and `virtio_blk_fields`.
 * PROPERTIES(s) is a macro that lists the type's properties, members of
 * `own` in struct s.
 *
 * The transports are `pci` (a PCI function) and `device` (a device for an
 * MMIO slot).
 */
#ifndef DEVICES_VIRTIO_VIRTIO_CLASS_H
#define DEVICES_VIRTIO_VIRTIO_CLASS_H

#include "devices/pci/pci.h"
#include "devices/virtio/virtio.h"

/* What begins the struct of a virtio device on PCI (virtio_pci.c). */
struct virtio_pci {
    struct pci_device pci;
    struct virtio virtio;
    struct pci_info info;
    uint8_t cfg_cap; /* offset of the PCI configuration access capability */
    const char *disable_legacy, *disable_modern; /* properties */
};

extern const struct field virtio_pci_fields[];
extern const struct window virtio_pci_windows[];
#define VIRTIO_PCI_WINDOWS 2
#define VIRTIO_PCI_OUTPUTS 0

bool virtio_pci_create(struct device *dev, const struct virtio_type *type,
                       void *own, struct error *e);
void virtio_pci_destroy(struct device *dev);
void virtio_pci_reset(struct device *dev);
void virtio_pci_loaded(struct device *dev);
uint64_t virtio_pci_read(struct device *dev, unsigned window, uint64_t offset,
                         unsigned size);
void virtio_pci_write(struct device *dev, unsigned window, uint64_t offset,
                      uint64_t value, unsigned size);

/* What begins the struct of a virtio device for a slot (virtio_mmio.c): the
 * slot has the registers and passes them on. */
struct virtio_device {
    struct device dev;
    struct virtio virtio;
    struct device *slot; /* NULL while not plugged in */
};

extern const struct field virtio_device_fields[];
extern const struct window virtio_device_windows[];
#define VIRTIO_DEVICE_WINDOWS 0
#define VIRTIO_DEVICE_OUTPUTS 0

bool virtio_device_create(struct device *dev, const struct virtio_type *type,
                          void *own, struct error *e);
void virtio_device_destroy(struct device *dev);
void virtio_device_reset(struct device *dev);
void virtio_device_loaded(struct device *dev);
#define virtio_device_read NULL
#define virtio_device_write NULL

/* Properties of every device on a transport.  Ours are modern only; scripts
 * that ask for just that are right. */
#define VIRTIO_pci_PROPERTIES(s)                                               \
    {"disable-legacy",                                                         \
     PROP_STRING,                                                              \
     offsetof(s, transport.disable_legacy),                                    \
     "on",                                                                     \
     "no interface of before virtio 1.0: on, or auto",                         \
     false},                                                                   \
        {"disable-modern",                                                     \
         PROP_STRING,                                                          \
         offsetof(s, transport.disable_modern),                                \
         "off",                                                                \
         "no interface of virtio 1.0: off",                                    \
         false},
#define VIRTIO_device_PROPERTIES(s)

#define VIRTIO_pci_COUNT(what) VIRTIO_PCI_##what
#define VIRTIO_device_COUNT(what) VIRTIO_DEVICE_##what

#define VIRTIO_CLASS(tag, bus, class_name, text, properties_of)                \
    struct tag##_##bus {                                                       \
        struct virtio_##bus transport;                                         \
        struct tag own;                                                        \
    };                                                                         \
    static const struct field tag##_##bus##_fields[] = {                       \
        FIELD_SUB(struct tag##_##bus, transport, virtio_##bus##_fields),       \
        FIELD_SUB(struct tag##_##bus, own, tag##_fields),                      \
        FIELD_LIST_END,                                                        \
    };                                                                         \
    static const struct property tag##_##bus##_properties[] = {                \
        VIRTIO_##bus##_PROPERTIES(struct tag##_##bus)                          \
            properties_of(struct tag##_##bus){.name = NULL},                   \
    };                                                                         \
    static bool tag##_##bus##_create(struct device *dev, struct error *e)      \
    {                                                                          \
        struct tag##_##bus *d = (struct tag##_##bus *)dev;                     \
                                                                               \
        return virtio_##bus##_create(dev, &tag##_type, &d->own, e);            \
    }                                                                          \
    const struct device_class tag##_##bus##_class = {                          \
        .name = class_name,                                                    \
        .summary = text,                                                       \
        .size = sizeof(struct tag##_##bus),                                    \
        .properties = tag##_##bus##_properties,                                \
        .fields = tag##_##bus##_fields,                                        \
        .windows = virtio_##bus##_windows,                                     \
        .n_windows = VIRTIO_##bus##_COUNT(WINDOWS),                            \
        .n_outputs = VIRTIO_##bus##_COUNT(OUTPUTS),                            \
        .create = tag##_##bus##_create,                                        \
        .destroy = virtio_##bus##_destroy,                                     \
        .reset = virtio_##bus##_reset,                                         \
        .loaded = virtio_##bus##_loaded,                                       \
        .read = virtio_##bus##_read,                                           \
        .write = virtio_##bus##_write,                                         \
    }

#endif
