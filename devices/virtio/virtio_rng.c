/*
 * virtio entropy device (virtio 1.2, 5.4): random bytes from the gate.
 *
 * A request gets at most MAX_BYTES; a device may give less than was asked
 * for (5.4.6.2), and so a guest cannot keep the device lock for long.
 *
 * Missing: a limit of bytes a second.
 */
#include "devices/virtio/virtio_class.h"

#define MAX_BYTES 4096

struct virtio_rng {
    uint64_t given; /* bytes since the reset, for the monitor */
};

static const struct field virtio_rng_fields[] = {
    FIELD(struct virtio_rng, given, 0),
    FIELD_LIST_END,
};

static void rng_reset(struct virtio *v)
{
    state_reset(virtio_rng_fields, v->owner);
}

static void rng_notify(struct virtio *v, unsigned n)
{
    struct virtio_rng *r = v->owner;
    uint8_t bytes[MAX_BYTES];
    struct virtio_chain c;

    while (virtqueue_pop(v, n, &c)) {
        uint64_t size = c.write_size < MAX_BYTES ? c.write_size : MAX_BYTES;

        if (size == 0) {
            virtio_broken(v, "an entropy request without room");
            return;
        }
        gate_entropy(v->dev->env->gate, bytes, size);
        if (virtio_chain_write(v, &c, 0, bytes, size) != size)
            return;
        r->given += size;
        virtqueue_push(v, n, &c, (uint32_t)size);
    }
}

static const struct virtio_type virtio_rng_type = {
    .id = 4,
    .n_queues = 1,
    .queue_size = 8,
    .pci_class = 0x00ff00, /* unclassified */
    .reset = rng_reset,
    .notify = rng_notify,
};

#define NO_PROPERTIES(s)

VIRTIO_CLASS(virtio_rng, pci, "virtio-rng-pci", "entropy, virtio on PCI",
             NO_PROPERTIES);
VIRTIO_CLASS(virtio_rng, device, "virtio-rng-device",
             "entropy, virtio for an MMIO slot", NO_PROPERTIES);
