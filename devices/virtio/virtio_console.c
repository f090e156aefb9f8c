/*
 * virtio console (virtio 1.2, 5.3): one port, a stream of bytes each way.
 *
 * Input stays in the gate until the driver has given buffers for it, so none
 * is lost.  The emergency write (5.3.4) works before anything is set up.
 *
 * Missing: VIRTIO_CONSOLE_F_SIZE (no host side tells a size yet) and
 * F_MULTIPORT: there are no control queues, hence no named or further ports
 * and no word of a closed port.
 */
#include "devices/virtio/virtio_class.h"

#include "base/bytes.h"
#include "devices/chardev.h"

#define F_EMERG_WRITE ((uint64_t)1 << 2)

enum { RECEIVEQ, TRANSMITQ };

/* struct virtio_console_config, 5.3.4. */
enum { EMERG_WR = 8, CONFIG_SIZE = 12 };

struct virtio_console {
    struct chardev *chardev; /* NULL: output vanishes */
};

static const struct field virtio_console_fields[] = {
    FIELD_HOST(struct virtio_console, chardev),
    FIELD_LIST_END,
};

/* From the host.  Returns what it had buffers for. */
static size_t console_sink(void *owner, const uint8_t *bytes, size_t size)
{
    struct virtio *v = owner;
    struct virtio_chain c;
    size_t done = 0;

    if (!bytes) /* a break, or the end: there is no word for either */
        return size;
    while (done < size && virtqueue_pop(v, RECEIVEQ, &c)) {
        uint64_t n = c.write_size;

        if (n == 0) {
            virtio_broken(v, "a receive buffer without room");
            break;
        }
        if (n > size - done)
            n = size - done;
        if (virtio_chain_write(v, &c, 0, bytes + done, n) != n)
            break;
        virtqueue_push(v, RECEIVEQ, &c, (uint32_t)n);
        done += n;
    }
    return done;
}

static void retry(struct virtio *v)
{
    struct virtio_console *con = v->owner;

    if (con->chardev)
        chardev_retry(con->chardev);
}

static void transmit(struct virtio *v)
{
    struct virtio_console *con = v->owner;
    struct virtio_chain c;

    while (virtqueue_pop(v, TRANSMITQ, &c)) {
        uint8_t bytes[4096];
        uint64_t at = 0, n;

        while ((n = virtio_chain_read(v, &c, at, bytes, sizeof(bytes)))) {
            if (con->chardev)
                con->chardev->write(con->chardev, bytes, n);
            at += n;
        }
        virtqueue_push(v, TRANSMITQ, &c, 0);
    }
}

static void console_notify(struct virtio *v, unsigned n)
{
    if (n == RECEIVEQ)
        retry(v);
    else
        transmit(v);
}

static uint64_t console_features(struct virtio *v)
{
    (void)v;
    return F_EMERG_WRITE;
}

/* No field that can be read is offered: all of it reads as 0. */
static void console_config(struct virtio *v, uint8_t *out)
{
    (void)v;
    (void)out;
}

static void console_config_write(struct virtio *v, unsigned offset,
                                 const uint8_t *in, unsigned size)
{
    struct virtio_console *con = v->owner;

    if (offset == EMERG_WR && size && con->chardev)
        con->chardev->write(con->chardev, in, 1);
}

static bool console_create(struct virtio *v, struct error *e)
{
    struct virtio_console *con = v->owner;

    if (!con->chardev)
        return true;
    if (con->chardev->sink)
        return error_set(e, "chardev '%s' has a chip at it already",
                         con->chardev->id);
    chardev_connect(con->chardev, console_sink, v);
    return true;
}

static void console_destroy(struct virtio *v)
{
    struct virtio_console *con = v->owner;

    if (con->chardev)
        chardev_connect(con->chardev, NULL, NULL);
}

static const struct virtio_type virtio_console_type = {
    .id = 3,
    .n_queues = 2,
    .queue_size = 128,
    .pci_class = 0x078000, /* communication controller, other */
    .config_size = CONFIG_SIZE,
    .create = console_create,
    .destroy = console_destroy,
    .features = console_features,
    .config = console_config,
    .config_write = console_config_write,
    .start = retry,
    .notify = console_notify,
};

#define CONSOLE_PROPERTIES(s)                                                  \
    {"chardev",                                                                \
     PROP_CHARDEV,                                                             \
     offsetof(s, own.chardev),                                                 \
     NULL,                                                                     \
     "where the bytes come from and go to",                                    \
     false},

VIRTIO_CLASS(virtio_console, pci, "virtio-console-pci",
             "console, virtio on PCI", CONSOLE_PROPERTIES);
VIRTIO_CLASS(virtio_console, device, "virtio-console-device",
             "console, virtio for an MMIO slot", CONSOLE_PROPERTIES);
