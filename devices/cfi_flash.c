/*
 * NOR flash with Intel's command set, as "cfi-flash" in a device tree.
 *
 * Banks of Intel StrataFlash J3 (data sheet 290667: commands, status register,
 * identifiers, block locking), several chips in parallel where the bus is
 * wider than a chip; JEDEC JESD68.01 (Common Flash Interface) for the query,
 * and Intel's application note 646 for its extension 1.1.  Sizes are the
 * tree's, so the chips are as large as that wants them; the query gives one
 * that is no power of 2 as the next.
 *
 * While a bank is in read-array mode the guest's reads and fetches are of
 * memory (a ROM region over the registers), else they are ours.  Writes
 * always come here.  Operations are done at once: the status is always ready.
 *
 * What a bank holds is its drive's, from the first byte on; what is behind
 * the drive's end is erased and cannot be programmed.  A bank without a drive
 * is erased at first, takes memory once it is programmed, and is forgotten at
 * the end.
 *
 * Missing: chips of a bank that do different things (they get and give the
 * same commands and status); erase suspend, protection registers, lock-down;
 * locks that outlive the run.
 */
#include "devices/cfi_flash.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "devices/block.h"

enum {
    READ_ARRAY = 0xff,
    READ_IDENTIFIER = 0x90,
    READ_QUERY = 0x98,
    READ_STATUS = 0x70,
    CLEAR_STATUS = 0x50,
    BLOCK_ERASE = 0x20,
    PROGRAM = 0x40,
    PROGRAM_ALTERNATE = 0x10,
    WRITE_TO_BUFFER = 0xe8,
    SUSPEND = 0xb0,
    CONFIRM = 0xd0,
    BLOCK_LOCK = 0x60,
    LOCK_SET = 0x01,
};

/* Status register. */
enum {
    SR_READY = 0x80,
    SR_ERASE_ERROR = 0x20,
    SR_PROGRAM_ERROR = 0x10,
    SR_VPEN_LOW = 0x08, /* no voltage to program with */
    SR_LOCKED = 0x02,
    SR_BAD_SEQUENCE = SR_ERASE_ERROR | SR_PROGRAM_ERROR,
};

/* What reads give. */
enum { MODE_ARRAY, MODE_STATUS, MODE_IDENTIFIER, MODE_QUERY };

/* What the next write is, if not a command. */
enum {
    STEP_COMMAND,
    STEP_PROGRAM,
    STEP_ERASE,
    STEP_LOCK,
    STEP_COUNT,
    STEP_DATA,
    STEP_CONFIRM,
};

enum {
    MANUFACTURER = 0x89, /* Intel */
    CHIP = 0x18,         /* 28F128J3 */
    QUERY_SIZE = 0x60,   /* words */
    BUFFER_SHIFT = 8,    /* bytes of a chip's write buffer, 2^n */
    MAX_LANES = 4,
    MAX_BUFFER = MAX_LANES << BUFFER_SHIFT,
    MAX_BLOCKS = 2048,
};

struct bank {
    uint8_t mode, step, status;
    uint32_t count;        /* words to come, of a write to the buffer */
    bool started, failed;  /* such a write has its place; is no good */
    uint64_t buffer_start; /* offset in the bank */
    uint8_t buffer[MAX_BUFFER];
    uint8_t locked[MAX_BLOCKS / 8];

    /* Host side. */
    struct block *drive;
    struct ram *ram; /* NULL: all erased */
    struct region array;
    uint64_t size;
};

struct cfi_flash {
    struct device dev;
    uint32_t bank_width, device_width, block_size; /* bytes */
    uint32_t lanes;                                /* chips in a bank */
    bool clears_ready; /* SR.7, too, with the status, until an operation ends */
    struct bank bank[CFI_FLASH_BANKS];
};

static struct cfi_flash *flash_of(struct device *dev)
{
    return (struct cfi_flash *)dev;
}

/* -- the array -- */

/* Reads go to memory, or come here. */
static void set_mode(struct bank *b, unsigned mode)
{
    b->mode = (uint8_t)mode;
    memory_enable(&b->array, mode == MODE_ARRAY);
}

static bool show_array(struct cfi_flash *f, struct bank *b, struct error *e)
{
    const struct region *window = &f->dev.regions[b - f->bank];

    b->array = (struct region){
        .name = f->dev.path,
        .kind = REGION_ROM,
        .base = window->base,
        .size = b->ram->size,
        .priority = window->priority + 1,
        .enabled = b->mode == MODE_ARRAY,
        .ram = b->ram,
        .ops = window->ops,
        .owner = window->owner,
    };
    return memory_add(f->dev.env->memory, &b->array, e);
}

/* The whole of an erased bank, now that something is to be in it. */
static bool make_array(struct cfi_flash *f, struct bank *b)
{
    if (!ram_new(&b->ram, b->size, NULL))
        return false;
    memset(b->ram->host, 0xff, (size_t)b->size);
    if (show_array(f, b, NULL))
        return true;
    ram_free(b->ram);
    b->ram = NULL;
    return false;
}

/* Bytes from offset on as a number; erased where there is nothing. */
static uint64_t read_array(const struct bank *b, uint64_t offset, unsigned size)
{
    uint64_t v = UINT64_MAX;

    if (b->ram && offset < b->ram->size && b->ram->size - offset >= size)
        v = ld_le(b->ram->host + offset, size);
    return v;
}

/* Bytes that can be changed. */
static uint64_t writable(const struct bank *b)
{
    return b->drive ? b->drive->size : b->size;
}

static bool is_locked(const struct cfi_flash *f, const struct bank *b,
                      uint64_t offset)
{
    uint64_t n = offset / f->block_size;

    return b->locked[n / 8] >> n % 8 & 1;
}

/*
 * Put bytes into the array and the drive.  error: which bit says that it
 * failed, SR_PROGRAM_ERROR or SR_ERASE_ERROR.
 */
static void change_array(struct cfi_flash *f, struct bank *b, uint64_t offset,
                         const uint8_t *bytes, uint64_t size, unsigned error)
{
    int err = 0;

    if (is_locked(f, b, offset)) {
        b->status |= (uint8_t)(error | SR_LOCKED);
        return;
    }
    if (b->drive && b->drive->read_only) {
        b->status |= (uint8_t)(error | SR_VPEN_LOW);
        return;
    }
    if (offset + size > writable(b) || (!b->ram && !make_array(f, b))) {
        b->status |= (uint8_t)error;
        return;
    }
    if (b->drive)
        err = b->drive->write(b->drive, offset, bytes, size);
    if (err) {
        log_guest(f->dev.env->log, "%s: %s: %s", f->dev.path, b->drive->id,
                  strerror(err));
        b->status |= (uint8_t)error;
        return;
    }
    memcpy(b->ram->host + offset, bytes, (size_t)size);
    memory_wrote(f->dev.env->memory, b->ram, offset, size);
}

/* Programming only clears bits: ones at the end change nothing. */
static void program(struct cfi_flash *f, struct bank *b, uint64_t offset,
                    uint8_t *bytes, uint64_t size)
{
    while (size && bytes[size - 1] == 0xff)
        size--;
    if (!size)
        return;
    for (uint64_t i = 0; i < size; i++)
        bytes[i] &= (uint8_t)read_array(b, offset + i, 1);
    change_array(f, b, offset, bytes, size, SR_PROGRAM_ERROR);
}

static void erase(struct cfi_flash *f, struct bank *b, uint64_t offset)
{
    uint64_t start = offset / f->block_size * f->block_size;
    uint64_t end = start + f->block_size;
    uint8_t *ones;

    /* What is behind the drive's end is erased. */
    if (end > writable(b))
        end = writable(b) > start ? writable(b) : start;
    if (end == start)
        return;
    ones = malloc(end - start);
    if (!ones) {
        b->status |= SR_ERASE_ERROR;
        return;
    }
    memset(ones, 0xff, end - start);
    change_array(f, b, start, ones, end - start, SR_ERASE_ERROR);
    free(ones);
}

/* -- reading the rest -- */

/* Rounded up. */
static unsigned log2_of(uint64_t v)
{
    unsigned n = 0;

    while (v > (uint64_t)1 << n)
        n++;
    return n;
}

/* The CFI structure of one chip, a byte a word; JESD68.01, 2.2 to 2.4. */
static void make_query(const struct cfi_flash *f, const struct bank *b,
                       uint8_t *q)
{
    static const uint8_t head[] = {
        [0x10] = 'Q',
        [0x11] = 'R',
        [0x12] = 'Y',
        [0x13] = 0x01, /* Intel's extended command set, its table at 0x31 */
        [0x15] = 0x31,
        [0x1b] = 0x27,
        [0x1c] = 0x36, /* 2.7 to 3.6 V */
        [0x1f] = 6,
        [0x20] = 7,
        [0x21] = 10, /* typical times */
        [0x23] = 4,
        [0x24] = 4,
        [0x25] = 4, /* and the longest */
        [0x2a] = BUFFER_SHIFT,
        [0x2c] = 1, /* one region of equal blocks */
        [0x31] = 'P',
        [0x32] = 'R',
        [0x33] = 'I',
        [0x34] = '1',
        [0x35] = '1',
        [0x36] = 0x08, /* blocks are locked one by one, unlocked together */
        [0x3b] = 0x01, /* a block has a lock bit */
        [0x3d] = 0x33,
    };
    uint64_t blocks = b->size / f->block_size;

    memset(q, 0, QUERY_SIZE);
    memcpy(q, head, sizeof(head));
    q[0x27] = (uint8_t)log2_of(b->size / f->lanes);
    q[0x28] = f->device_width == 1 ? 0 : f->device_width == 2 ? 1 : 3;
    st_le16(q + 0x2d, (uint16_t)(blocks - 1));
    st_le16(q + 0x2f, (uint16_t)(f->block_size / f->lanes >> 8));
}

/* Every chip says the same, in its part of the bus. */
static uint64_t on_all_lanes(const struct cfi_flash *f, uint8_t value)
{
    uint64_t v = 0;

    for (uint32_t i = 0; i < f->lanes; i++)
        v |= (uint64_t)value << i * f->device_width * 8;
    return v;
}

static uint8_t identifier(const struct cfi_flash *f, const struct bank *b,
                          uint64_t offset)
{
    uint64_t in_block = offset % f->block_size / f->bank_width;

    if (in_block == 2)
        return is_locked(f, b, offset);
    switch (offset / f->bank_width) {
    case 0:
        return MANUFACTURER;
    case 1:
        return CHIP;
    default:
        return 0;
    }
}

/* What a chip gives at offset, when it is not in read-array mode. */
static uint8_t chip_read(const struct cfi_flash *f, const struct bank *b,
                         uint64_t offset)
{
    uint64_t word = offset / f->bank_width;
    uint8_t query[QUERY_SIZE];

    switch (b->mode) {
    case MODE_IDENTIFIER:
        return identifier(f, b, offset);
    case MODE_QUERY:
        make_query(f, b, query);
        return word < QUERY_SIZE ? query[word] : 0;
    default:
        return b->status;
    }
}

static uint64_t cfi_flash_read(struct device *dev, unsigned window,
                               uint64_t offset, unsigned size)
{
    struct cfi_flash *f = flash_of(dev);
    struct bank *b = &f->bank[window];
    uint64_t v = 0;

    if (b->mode == MODE_ARRAY)
        return read_array(b, offset, size);
    for (unsigned i = 0; i < size; i++) {
        uint64_t at = offset + i;
        uint64_t bus = on_all_lanes(f, chip_read(f, b, at));

        v |= (bus >> at % f->bank_width * 8 & 0xff) << i * 8;
    }
    return v;
}

/* -- commands -- */

static void finish(struct bank *b)
{
    b->status |= SR_READY;
    b->step = STEP_COMMAND;
    set_mode(b, MODE_STATUS);
}

static void begin(struct bank *b, unsigned step)
{
    b->step = (uint8_t)step;
    set_mode(b, MODE_STATUS);
}

static void command(struct cfi_flash *f, struct bank *b, uint8_t value)
{
    switch (value) {
    case READ_IDENTIFIER:
        set_mode(b, MODE_IDENTIFIER);
        break;
    case READ_QUERY:
        set_mode(b, MODE_QUERY);
        break;
    case READ_STATUS:
    case SUSPEND:
    case CONFIRM: /* resume */
        set_mode(b, MODE_STATUS);
        break;
    case CLEAR_STATUS:
        b->status = f->clears_ready ? 0 : SR_READY;
        break;
    case BLOCK_ERASE:
        begin(b, STEP_ERASE);
        break;
    case PROGRAM:
    case PROGRAM_ALTERNATE:
        begin(b, STEP_PROGRAM);
        break;
    case WRITE_TO_BUFFER:
        b->status |= SR_READY;
        begin(b, STEP_COUNT);
        break;
    case BLOCK_LOCK:
        begin(b, STEP_LOCK);
        break;
    default:
        /* Probing for other makers' chips, mostly: 0xf0, 0x00. */
        log_guest(f->dev.env->log, "%s: no command 0x%02x", f->dev.path, value);
        /* fall through */
    case READ_ARRAY:
        set_mode(b, MODE_ARRAY);
        break;
    }
}

static void lock_step(struct cfi_flash *f, struct bank *b, uint64_t offset,
                      uint8_t value)
{
    uint64_t n = offset / f->block_size;

    if (value == LOCK_SET)
        b->locked[n / 8] |= (uint8_t)(1 << n % 8);
    else if (value == CONFIRM)
        memset(b->locked, 0, sizeof(b->locked));
    else
        b->status |= SR_BAD_SEQUENCE;
    finish(b);
}

static void count_step(struct cfi_flash *f, struct bank *b, uint64_t value)
{
    uint64_t max = ((uint64_t)1 << BUFFER_SHIFT) / f->device_width;

    if (f->device_width < 4)
        value &= ((uint64_t)1 << f->device_width * 8) - 1;
    b->count = (uint32_t)value + 1;
    b->started = false;
    b->failed = value >= max;
    memset(b->buffer, 0xff, sizeof(b->buffer));
    b->step = STEP_DATA;
    if (!b->failed)
        return;
    b->status |= SR_BAD_SEQUENCE;
    finish(b);
}

/* The words come in any order, within the buffer and one block. */
static void data_step(struct cfi_flash *f, struct bank *b, uint64_t offset,
                      uint64_t value, unsigned size)
{
    uint64_t room = (uint64_t)f->lanes << BUFFER_SHIFT, at;

    if (!b->started)
        b->buffer_start = offset / f->bank_width * f->bank_width;
    b->started = true;
    at = offset - b->buffer_start;
    if (offset < b->buffer_start || at > room - size ||
        offset / f->block_size != b->buffer_start / f->block_size)
        b->failed = true;
    else
        st_le(b->buffer + at, value, size);
    if (--b->count == 0)
        b->step = STEP_CONFIRM;
}

static void confirm_step(struct cfi_flash *f, struct bank *b, uint8_t value)
{
    uint64_t size = (uint64_t)f->lanes << BUFFER_SHIFT;
    uint64_t start = b->buffer_start;
    uint64_t end = (start / f->block_size + 1) * f->block_size;

    if (value != CONFIRM || b->failed) {
        b->status |= SR_BAD_SEQUENCE;
    } else {
        program(f, b, start, b->buffer,
                size < end - start ? size : end - start);
    }
    finish(b);
}

static void program_step(struct cfi_flash *f, struct bank *b, uint64_t offset,
                         uint64_t value, unsigned size)
{
    uint8_t bytes[8];

    st_le(bytes, value, size);
    program(f, b, offset, bytes, size);
    finish(b);
}

static void cfi_flash_write(struct device *dev, unsigned window,
                            uint64_t offset, uint64_t value, unsigned size)
{
    struct cfi_flash *f = flash_of(dev);
    struct bank *b = &f->bank[window];
    uint8_t low = (uint8_t)value;

    switch (b->step) {
    case STEP_PROGRAM:
        program_step(f, b, offset, value, size);
        break;
    case STEP_ERASE:
        if (low == CONFIRM)
            erase(f, b, offset);
        else
            b->status |= SR_BAD_SEQUENCE;
        finish(b);
        break;
    case STEP_LOCK:
        lock_step(f, b, offset, low);
        break;
    case STEP_COUNT:
        count_step(f, b, value);
        break;
    case STEP_DATA:
        data_step(f, b, offset, value, size);
        break;
    case STEP_CONFIRM:
        confirm_step(f, b, low);
        break;
    default:
        command(f, b, low);
    }
}

/* -- life -- */

static bool is_power_of_2(uint64_t v)
{
    return v && !(v & (v - 1));
}

static bool cfi_flash_create(struct device *dev, struct error *e)
{
    struct cfi_flash *f = flash_of(dev);

    if (!is_power_of_2(f->bank_width) || f->bank_width > MAX_LANES)
        return error_set(e, "bank-width is %u: want 1, 2 or 4", f->bank_width);
    if (f->device_width == 0)
        f->device_width = f->bank_width < 2 ? f->bank_width : 2;
    if (!is_power_of_2(f->device_width) || f->device_width > f->bank_width)
        return error_set(e,
                         "device-width is %u: want 1, 2 or 4, and at most "
                         "bank-width",
                         f->device_width);
    f->lanes = f->bank_width / f->device_width;
    if (!is_power_of_2(f->block_size) || f->block_size < PAGE_SIZE ||
        f->block_size / f->lanes >> 8 > UINT16_MAX)
        return error_set(e,
                         "block-size is %u: want a power of 2 from 4 KiB "
                         "to 8 MiB",
                         f->block_size);
    return true;
}

static bool read_drive(struct cfi_flash *f, struct bank *b, struct error *e)
{
    int err;

    if (b->drive->size > b->size)
        return error_set(e,
                         "drive %s: %llu bytes do not fit into a bank of %llu",
                         b->drive->id, (unsigned long long)b->drive->size,
                         (unsigned long long)b->size);
    if (!ram_new(&b->ram, b->drive->size, e))
        return error_prefix(e, "drive %s", b->drive->id);
    err = b->drive->read(b->drive, 0, b->ram->host, b->drive->size);
    if (err)
        return error_set(e, "drive %s: %s", b->drive->id, strerror(err));
    memset(b->ram->host + b->drive->size, 0xff,
           (size_t)(b->ram->size - b->drive->size));
    return show_array(f, b, e);
}

static bool cfi_flash_mapped(struct device *dev, unsigned n, struct error *e)
{
    struct cfi_flash *f = flash_of(dev);
    struct bank *b = &f->bank[n];

    memory_remove(&b->array);
    ram_free(b->ram);
    b->ram = NULL;
    b->size = dev->regions[n].size;
    if (dev->regions[n].base % PAGE_SIZE || b->size % f->block_size ||
        b->size / f->block_size > MAX_BLOCKS)
        return error_set(e,
                         "a bank of 0x%llx bytes at 0x%llx: want from 1 to %d "
                         "blocks of 0x%x bytes, in whole pages",
                         (unsigned long long)b->size,
                         (unsigned long long)dev->regions[n].base, MAX_BLOCKS,
                         f->block_size);
    return !b->drive || read_drive(f, b, e);
}

const struct block *cfi_flash_drive(struct device *dev, unsigned bank)
{
    return flash_of(dev)->bank[bank].drive;
}

static void cfi_flash_destroy(struct device *dev)
{
    struct cfi_flash *f = flash_of(dev);

    for (unsigned i = 0; i < CFI_FLASH_BANKS; i++) {
        struct bank *b = &f->bank[i];

        memory_remove(&b->array);
        ram_free(b->ram);
    }
}

static void cfi_flash_reset(struct device *dev)
{
    for (unsigned i = 0; i < CFI_FLASH_BANKS; i++)
        set_mode(&flash_of(dev)->bank[i], MODE_ARRAY);
}

static void cfi_flash_loaded(struct device *dev)
{
    struct cfi_flash *f = flash_of(dev);

    for (unsigned i = 0; i < CFI_FLASH_BANKS; i++) {
        struct bank *b = &f->bank[i];

        /* Only what a write to the buffer may leave behind. */
        if (b->step == STEP_DATA && b->count == 0)
            b->step = STEP_COMMAND;
        if (b->step == STEP_CONFIRM && b->buffer_start >= b->size)
            b->step = STEP_COMMAND;
        set_mode(b, b->mode);
    }
}

static const struct field bank_fields[] = {
    FIELD(struct bank, mode, MODE_ARRAY),
    FIELD(struct bank, step, STEP_COMMAND),
    FIELD(struct bank, status, SR_READY),
    FIELD(struct bank, count, 0),
    FIELD(struct bank, started, false),
    FIELD(struct bank, failed, false),
    FIELD(struct bank, buffer_start, 0),
    FIELD_ARRAY(struct bank, buffer, 0),
    FIELD_ARRAY_KEEP(struct bank, locked),
    FIELD_HOST(struct bank, drive),
    FIELD_HOST(struct bank, ram), /* the machine's to save, as RAM and disks */
    FIELD_HOST(struct bank, array),
    FIELD_HOST(struct bank, size),
    FIELD_LIST_END,
};

static const struct field cfi_flash_fields[] = {
    DEVICE_FIELDS(struct cfi_flash),
    FIELD_HOST(struct cfi_flash, bank_width),
    FIELD_HOST(struct cfi_flash, device_width),
    FIELD_HOST(struct cfi_flash, block_size),
    FIELD_HOST(struct cfi_flash, lanes),
    FIELD_HOST(struct cfi_flash, clears_ready),
    FIELD_SUBS(struct cfi_flash, bank, bank_fields),
    FIELD_LIST_END,
};

static const struct property cfi_flash_properties[] = {
    {.name = "bank-width",
     .type = PROP_U32,
     .offset = offsetof(struct cfi_flash, bank_width),
     .fallback = "4",
     .help = "bytes of the bus"},
    {.name = "device-width",
     .type = PROP_U32,
     .offset = offsetof(struct cfi_flash, device_width),
     .help = "bytes of each chip on it; 0: 2, if the bus has them"},
    {.name = "block-size",
     .type = PROP_U32,
     .offset = offsetof(struct cfi_flash, block_size),
     .fallback = "256k",
     .help = "bytes that are erased together, of all chips"},
    {.name = "clears-ready",
     .type = PROP_BOOL,
     .offset = offsetof(struct cfi_flash, clears_ready),
     .help = "Clear Status clears SR.7, too: by that OVMF knows flash"},
    {.name = "drive0",
     .type = PROP_BLOCK,
     .offset = offsetof(struct cfi_flash, bank[0].drive),
     .help = "what the first bank holds"},
    {.name = "drive1",
     .type = PROP_BLOCK,
     .offset = offsetof(struct cfi_flash, bank[1].drive),
     .help = "what the second bank holds"},
    {.name = NULL},
};

/* 8 bytes are two accesses of the bus. */
static const struct window cfi_flash_windows[] = {
    {.name = "bank 0", .accept = 1 | 2 | 4 | 8, .impl = 1 | 2 | 4},
    {.name = "bank 1", .accept = 1 | 2 | 4 | 8, .impl = 1 | 2 | 4},
};

static const char *const cfi_flash_compatible[] = {"cfi-flash", NULL};

const struct device_class cfi_flash_class = {
    .name = "cfi_flash",
    .summary = "NOR flash with Intel's command set",
    .compatible = cfi_flash_compatible,
    .size = sizeof(struct cfi_flash),
    .properties = cfi_flash_properties,
    .fields = cfi_flash_fields,
    .windows = cfi_flash_windows,
    .n_windows = CFI_FLASH_BANKS,
    .min_windows = 1,
    .create = cfi_flash_create,
    .destroy = cfi_flash_destroy,
    .mapped = cfi_flash_mapped,
    .reset = cfi_flash_reset,
    .loaded = cfi_flash_loaded,
    .read = cfi_flash_read,
    .write = cfi_flash_write,
};
