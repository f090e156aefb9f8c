/*
 * A device's channel of a DMA controller on the ISA bus.
 *
 *     static void ready(void *owner);      go on: the guest has set it up
 *
 *     dma_connect(&fdc->dma, controller, 2, ready, fdc);
 *     dma_request(&fdc->dma, true);
 *     n = dma_transfer(&fdc->dma, DMA_TO_MEMORY, bytes, size, &end);
 *
 * The device raises DREQ while it wants to transfer, and transfers what the
 * channel takes: nothing while it is masked or set up for something else.
 * All under the device lock.
 */
#ifndef DEVICES_DMA_H
#define DEVICES_DMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/device.h"

enum dma_direction { DMA_TO_MEMORY, DMA_FROM_MEMORY };

struct dma_channel {
    struct device *controller; /* NULL: the device has no DMA */
    unsigned number;           /* 0 to 3, of this controller */
};

/*
 * Take a channel of a device of i8237_class.  ready(owner), which may be
 * NULL, is called when the guest's programming lets a raised request through;
 * it may transfer at once.  Controller and device end together.  false: e,
 * there is no such channel, or it is taken.
 */
bool dma_connect(struct dma_channel *c, struct device *controller,
                 unsigned number, void (*ready)(void *owner), void *owner,
                 struct error *e);

/* DREQ. */
void dma_request(const struct dma_channel *c, bool on);

/* Would a transfer do something now? */
bool dma_is_ready(const struct dma_channel *c);

/*
 * Move up to `size` bytes between the device and memory; on 16-bit channels
 * only whole words.  Returns how many were moved: fewer where the count ends,
 * and 0 where the channel is not ready, or programmed the other way round.  A
 * verify moves none but counts them all the same: bytes from memory are then
 * 0xff.  *end: the count has ended (TC); with automatic initialization the
 * next call goes on from the start.
 */
size_t dma_transfer(const struct dma_channel *c, enum dma_direction direction,
                    void *bytes, size_t size, bool *end);

extern const struct device_class i8237_class;

#endif
