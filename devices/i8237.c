/*
 * Intel 8237A: DMA controller of a PC, with its page registers.
 *
 * Follows the 8237A data sheet (Intel 231466-005): four channels in single,
 * block, demand and cascade mode, addresses up and down, automatic
 * initialization, masks, software requests, memory to memory; and the IBM PC
 * AT Technical Reference for ports and page registers.
 *
 * Window 0 is the chip: 16 ports, or 32 where the tree says so, every other
 * one, of the AT's second controller, whose channels move words.  Windows 1
 * and 2 are the page registers of channels 2, 3, 1 and of channel 0.
 *
 * Devices drive it through dma.h.  A transfer takes no time; how much of one
 * is done at once is the device's choice in all of the three modes, and the
 * only thing that a program could tell.  Software requests, which count in
 * block mode only, run to the end of their count at once.  Nothing drives the
 * bus then, so that they write 0xff.
 *
 * Addresses have 24 bits and stay in a page of 64 KiB (128 KiB for words).
 * A transfer that meets no RAM is lost, as on the bus.
 *
 * Missing: priorities (no two channels wait for each other), compressed
 * timing; that the first controller's requests go through channel 4.
 */
#include <string.h>

#include "devices/dma.h"
#include "devices/isa.h"

enum { CHANNELS = 4 };

enum { WINDOW_CHIP, WINDOW_PAGE_231, WINDOW_PAGE_0 };

/* 0 to 7 are addresses and counts. */
enum {
    REG_COMMAND = 0x8, /* read: status */
    REG_REQUEST = 0x9,
    REG_MASK = 0xa,
    REG_MODE = 0xb,
    REG_CLEAR_FLIP_FLOP = 0xc,
    REG_MASTER_CLEAR = 0xd, /* read: temporary register */
    REG_CLEAR_MASK = 0xe,
    REG_ALL_MASK = 0xf,
};

enum {
    COMMAND_MEMORY = 0x01, /* channel 0 to channel 1 */
    COMMAND_HOLD = 0x02,   /* channel 0's address */
    COMMAND_DISABLE = 0x04,
};

enum {
    MODE_TRANSFER = 0x0c,
    MODE_VERIFY = 0x00,
    MODE_WRITE = 0x04, /* to memory */
    MODE_READ = 0x08,
    MODE_AUTO = 0x10,
    MODE_DOWN = 0x20,
    MODE_KIND = 0xc0,
    MODE_BLOCK = 0x80,
    MODE_CASCADE = 0xc0,
};

enum { SELECT_SET = 0x04 }; /* of mask and request register */

struct channel {
    void (*ready)(void *owner); /* the device at it */
    void *owner;
    bool taken;
    bool dreq;
    uint16_t base_address, base_count;
    uint16_t address, count; /* in units; count is one less than to go */
    uint8_t page, mode;
};

struct i8237 {
    struct device dev;
    bool wide; /* words */
    struct channel channel[CHANNELS];
    uint8_t command;
    uint8_t mask;      /* bits, one a channel, from here on */
    uint8_t requested; /* by software */
    uint8_t ended;     /* TC since status was read */
    uint8_t temporary;
    bool flip_flop; /* the next byte is a register's upper one */
};

static unsigned unit(const struct i8237 *d)
{
    return d->wide ? 2 : 1;
}

static uint64_t physical(const struct i8237 *d, const struct channel *c)
{
    if (d->wide)
        return (uint64_t)(c->page & 0xfe) << 16 | (uint64_t)c->address << 1;
    return (uint64_t)c->page << 16 | c->address;
}

/* ------------------------------------------------------------ counting */

/* How many units lie in one piece before the page or the count ends. */
static size_t piece(const struct channel *c, size_t units)
{
    size_t room = c->mode & MODE_DOWN ? 1 : 0x10000u - c->address;
    size_t left = c->count + 1u;

    units = units < left ? units : left;
    return units < room ? units : room;
}

static void advance(struct channel *c, size_t units)
{
    if (c->mode & MODE_DOWN)
        c->address -= (uint16_t)units;
    else
        c->address += (uint16_t)units;
    c->count -= (uint16_t)units;
}

/* After the last unit: TC. */
static void finish(struct i8237 *d, unsigned n)
{
    struct channel *c = &d->channel[n];

    d->ended |= (uint8_t)(1u << n);
    d->requested &= ~(1u << n);
    if (c->mode & MODE_AUTO) {
        c->address = c->base_address;
        c->count = c->base_count;
    } else {
        d->mask |= (uint8_t)(1u << n);
    }
}

/*
 * Move `units` between bytes (NULL: a bus that nothing drives) and memory;
 * returns how many, fewer where the count has ended.
 */
static size_t move(struct i8237 *d, unsigned n, uint8_t *bytes, size_t units,
                   bool *end)
{
    struct channel *c = &d->channel[n];
    struct memory *memory = d->dev.env->memory;
    size_t done = 0, size;
    uint8_t nothing[256];

    for (*end = false; done < units && !*end; done += size / unit(d)) {
        size_t now = piece(c, units - done), most = sizeof(nothing) / 2;
        uint8_t *at = bytes ? bytes + done * unit(d) : nothing;

        now = !bytes && now > most ? most : now;
        size = now * unit(d);
        if (!bytes)
            memset(nothing, 0xff, sizeof(nothing));
        switch (c->mode & MODE_TRANSFER) {
        case MODE_WRITE:
            dma_write(memory, physical(d, c), at, size);
            break;
        case MODE_READ:
            if (!dma_read(memory, physical(d, c), at, size))
                memset(at, 0xff, size);
            break;
        }
        *end = c->count + 1u == now;
        advance(c, now);
        if (*end)
            finish(d, n);
    }
    return done;
}

/* ---------------------------------------------------------- for devices */

bool dma_connect(struct dma_channel *c, struct device *controller,
                 unsigned number, void (*ready)(void *owner), void *owner,
                 struct error *e)
{
    struct i8237 *d = (struct i8237 *)controller;

    if (controller->class != &i8237_class || number >= CHANNELS)
        return error_set(e, "%s has no DMA channel %u", controller->path,
                         number);
    if (d->channel[number].taken)
        return error_set(e, "%s: DMA channel %u is taken", controller->path,
                         number);
    d->channel[number].taken = true;
    d->channel[number].ready = ready;
    d->channel[number].owner = owner;
    *c = (struct dma_channel){controller, number};
    return true;
}

static bool usable(const struct i8237 *d, unsigned n)
{
    return !(d->command & COMMAND_DISABLE) && !(d->mask >> n & 1) &&
           (d->channel[n].mode & MODE_KIND) != MODE_CASCADE;
}

bool dma_is_ready(const struct dma_channel *c)
{
    return c->controller && usable((struct i8237 *)c->controller, c->number);
}

void dma_request(const struct dma_channel *c, bool on)
{
    if (c->controller)
        ((struct i8237 *)c->controller)->channel[c->number].dreq = on;
}

size_t dma_transfer(const struct dma_channel *c, enum dma_direction direction,
                    void *bytes, size_t size, bool *end)
{
    struct i8237 *d = (struct i8237 *)c->controller;
    unsigned wanted = direction == DMA_TO_MEMORY ? MODE_WRITE : MODE_READ;
    unsigned mode;

    *end = false;
    if (!dma_is_ready(c))
        return 0;
    mode = d->channel[c->number].mode & MODE_TRANSFER;
    if (mode != wanted && mode != MODE_VERIFY) {
        log_guest(d->dev.env->log, "%s: channel %u is set up for mode 0x%02x",
                  d->dev.path, c->number, d->channel[c->number].mode);
        return 0;
    }
    if (mode == MODE_VERIFY && direction == DMA_FROM_MEMORY)
        memset(bytes, 0xff, size);
    return move(d, c->number, bytes, size / unit(d), end) * unit(d);
}

/* Tell those who wait that they need not any longer. */
static void wake(struct i8237 *d)
{
    for (unsigned n = 0; n < CHANNELS; n++) {
        struct channel *c = &d->channel[n];

        if (c->dreq && c->ready && usable(d, n))
            c->ready(c->owner);
    }
}

/* ---------------------------------------------------- software requests */

/* Channel 0's memory to channel 1's, whose count it is; a word controller's
 * chip moves bytes, too, at the addresses that its wiring makes of it. */
static void copy_memory(struct i8237 *d)
{
    struct channel *from = &d->channel[0], *to = &d->channel[1];
    struct memory *memory = d->dev.env->memory;
    bool end = false;

    while (!end) {
        if (!dma_read(memory, physical(d, from), &d->temporary, 1))
            d->temporary = 0xff;
        dma_write(memory, physical(d, to), &d->temporary, 1);
        end = to->count == 0;
        if (!(d->command & COMMAND_HOLD))
            advance(from, 1);
        else
            from->count--;
        advance(to, 1);
    }
    d->requested &= ~1u;
    finish(d, 1);
}

static void run_requests(struct i8237 *d)
{
    bool end;

    if (d->command & COMMAND_DISABLE)
        return;
    if ((d->requested & 1) && (d->command & COMMAND_MEMORY))
        copy_memory(d);
    for (unsigned n = 0; n < CHANNELS; n++)
        if (d->requested >> n & 1 &&
            (d->channel[n].mode & MODE_KIND) == MODE_BLOCK)
            move(d, n, NULL, SIZE_MAX, &end);
}

/* ------------------------------------------------------------ registers */

static uint16_t put_half(uint16_t value, bool upper, uint8_t byte)
{
    return upper ? (value & 0x00ff) | byte << 8 : (value & 0xff00) | byte;
}

static void write_channel(struct i8237 *d, unsigned reg, uint8_t byte)
{
    struct channel *c = &d->channel[reg / 2];

    if (reg & 1) {
        c->base_count = put_half(c->base_count, d->flip_flop, byte);
        c->count = c->base_count;
    } else {
        c->base_address = put_half(c->base_address, d->flip_flop, byte);
        c->address = c->base_address;
    }
    d->flip_flop = !d->flip_flop;
}

static uint8_t read_channel(struct i8237 *d, unsigned reg)
{
    const struct channel *c = &d->channel[reg / 2];
    uint16_t v = reg & 1 ? c->count : c->address;
    bool upper = d->flip_flop;

    d->flip_flop = !upper;
    return (uint8_t)(upper ? v >> 8 : v);
}

static void change_bit(uint8_t *bits, uint8_t value)
{
    uint8_t bit = (uint8_t)(1u << (value & 3));

    *bits = value & SELECT_SET ? *bits | bit : *bits & ~bit;
}

static void master_clear(struct i8237 *d)
{
    d->command = d->ended = d->requested = d->temporary = 0;
    d->flip_flop = false;
    d->mask = 0xf;
}

static uint8_t read_status(struct i8237 *d)
{
    uint8_t v = d->ended;

    d->ended = 0;
    for (unsigned n = 0; n < CHANNELS; n++)
        if (d->channel[n].dreq)
            v |= (uint8_t)(0x10u << n);
    return v;
}

static void write_chip(struct i8237 *d, unsigned reg, uint8_t byte)
{
    switch (reg) {
    case REG_COMMAND:
        d->command = byte;
        break;
    case REG_REQUEST:
        change_bit(&d->requested, byte);
        break;
    case REG_MASK:
        change_bit(&d->mask, byte);
        break;
    case REG_MODE:
        d->channel[byte & 3].mode = byte & ~3;
        break;
    case REG_CLEAR_FLIP_FLOP:
        d->flip_flop = false;
        break;
    case REG_MASTER_CLEAR:
        master_clear(d);
        break;
    case REG_CLEAR_MASK:
        d->mask = 0;
        break;
    case REG_ALL_MASK:
        d->mask = byte & 0xf;
        break;
    default:
        write_channel(d, reg, byte);
        return;
    }
    run_requests(d);
    wake(d);
}

static uint8_t read_chip(struct i8237 *d, unsigned reg)
{
    switch (reg) {
    case REG_COMMAND:
        return read_status(d);
    case REG_MASTER_CLEAR:
        return d->temporary;
    case REG_ALL_MASK: /* as later chips have it */
        return d->mask | 0xf0;
    }
    return reg < 2 * CHANNELS ? read_channel(d, reg) : 0xff;
}

static uint8_t *page(struct i8237 *d, unsigned window, uint64_t offset)
{
    static const uint8_t channels[] = {2, 3, 1};

    return &d->channel[window == WINDOW_PAGE_0 ? 0 : channels[offset]].page;
}

static uint64_t i8237_read(struct device *dev, unsigned window, uint64_t offset,
                           unsigned size)
{
    struct i8237 *d = (struct i8237 *)dev;

    (void)size;
    if (window != WINDOW_CHIP)
        return *page(d, window, offset);
    return read_chip(d, (unsigned)offset >> d->wide);
}

static void i8237_write(struct device *dev, unsigned window, uint64_t offset,
                        uint64_t value, unsigned size)
{
    struct i8237 *d = (struct i8237 *)dev;

    (void)size;
    if (window != WINDOW_CHIP)
        *page(d, window, offset) = (uint8_t)value;
    else
        write_chip(d, (unsigned)offset >> d->wide, (uint8_t)value);
}

/* ----------------------------------------------------------------- life */

static bool i8237_mapped(struct device *dev, unsigned n, struct error *e)
{
    uint64_t size = dev->regions[n].size;

    if (n != WINDOW_CHIP)
        return true;
    ((struct i8237 *)dev)->wide = size == 32;
    return size == 16 || size == 32 ||
           error_set(e, "%u ports: want 16, or 32 for 16-bit channels",
                     (unsigned)size);
}

static void i8237_loaded(struct device *dev)
{
    struct i8237 *d = (struct i8237 *)dev;

    d->mask &= 0xf;
    d->requested &= 0xf;
    d->ended &= 0xf;
}

static const struct field channel_fields[] = {
    FIELD_HOST(struct channel, ready),
    FIELD_HOST(struct channel, owner),
    FIELD_HOST(struct channel, taken),
    FIELD(struct channel, dreq, false),
    FIELD(struct channel, base_address, 0),
    FIELD(struct channel, base_count, 0),
    FIELD(struct channel, address, 0),
    FIELD(struct channel, count, 0),
    FIELD(struct channel, page, 0),
    FIELD(struct channel, mode, 0),
    FIELD_LIST_END,
};

static const struct field i8237_fields[] = {
    DEVICE_FIELDS(struct i8237),
    FIELD_HOST(struct i8237, wide),
    FIELD_SUBS(struct i8237, channel, channel_fields),
    FIELD(struct i8237, command, 0),
    FIELD(struct i8237, mask, 0xf),
    FIELD(struct i8237, requested, 0),
    FIELD(struct i8237, ended, 0),
    FIELD(struct i8237, temporary, 0),
    FIELD(struct i8237, flip_flop, false),
    FIELD_LIST_END,
};

static const struct window i8237_windows[] = {
    ISA_WINDOW("registers", 32),
    ISA_WINDOW("pages of channels 2, 3, 1", 3),
    ISA_WINDOW("page of channel 0", 1),
};

static const char *const i8237_compatible[] = {"intel,i8237", NULL};

const struct device_class i8237_class = {
    .name = "i8237",
    .summary = "8237A DMA controller of a PC, with page registers",
    .compatible = i8237_compatible,
    .size = sizeof(struct i8237),
    .fields = i8237_fields,
    .windows = i8237_windows,
    .n_windows = 3,
    .mapped = i8237_mapped,
    .loaded = i8237_loaded,
    .read = i8237_read,
    .write = i8237_write,
};
