/*
 * Intel 8042 as a PC's keyboard controller, with a PS/2 keyboard and mouse.
 *
 * Follows the IBM PS/2 Hardware Interface Technical Reference (1988),
 * "Keyboard and Auxiliary Device Controller", and the IBM PC AT Technical
 * Reference for what that leaves out.  Window 0 is port 60h, window 1 is 64h.
 *
 * Commands take no time, so that the input buffer is always empty (IBF is 0).
 * A byte from a device takes 0.9 ms on its way, as its serial line does: a
 * handler that reads port 60h twice reads the same byte twice, and the next
 * one is an edge of its own on IRQ 1 or 12.
 *
 * Outputs: 0 keyboard interrupt (IRQ 1), 1 mouse interrupt (IRQ 12), 2 A20
 * (high: not masked), 3 reset, a pulse, 4 a key was pressed, a pulse, by which
 * a board may wake a machine that sleeps.  A20 is set whenever the guest writes
 * it, changed or not, for it has a second master in port 92h.
 *
 * Input comes through the gate, in frames of 8 bytes: what is for a device
 * that has no room waits there.
 *
 * Missing: the AT's diagnostic dump (ACh, which the PS/2 reserves), commands
 * of makers' own controllers but DDh and DFh, the key lock, time-outs and
 * parity errors of the lines.  While a password is awaited, commands are
 * taken.
 */
#include "devices/i8042.h"

#include "base/bytes.h"
#include "devices/isa.h"

enum { WINDOW_DATA = 0, WINDOW_STATUS = 1 };

enum { OUT_KEYBOARD, OUT_MOUSE, OUT_A20, OUT_RESET, OUT_WAKE, OUTPUTS };

enum {
    STATUS_OBF = 0x01,
    STATUS_SYS = 0x04,
    STATUS_CMD = 0x08, /* the last write was to port 64h */
    STATUS_UNLOCKED = 0x10,
    STATUS_AUX = 0x20,
};

/* The command byte, which is byte 0 of the controller's RAM. */
enum {
    CB_KBD_INT = 0x01,
    CB_AUX_INT = 0x02,
    CB_SYS = 0x04,
    CB_KBD_OFF = 0x10,
    CB_AUX_OFF = 0x20,
    CB_TRANSLATE = 0x40,
};

enum {
    CMD_READ_RAM = 0x20,  /* to 3Fh */
    CMD_WRITE_RAM = 0x60, /* to 7Fh */
    CMD_PASSWORD_TEST = 0xa4,
    CMD_LOAD_PASSWORD = 0xa5,
    CMD_USE_PASSWORD = 0xa6,
    CMD_AUX_OFF = 0xa7,
    CMD_AUX_ON = 0xa8,
    CMD_AUX_TEST = 0xa9,
    CMD_SELF_TEST = 0xaa,
    CMD_KBD_TEST = 0xab,
    CMD_KBD_OFF = 0xad,
    CMD_KBD_ON = 0xae,
    CMD_READ_INPUT = 0xc0,
    CMD_POLL_LOW = 0xc1, /* bits 0 to 3 of the input port in the status */
    CMD_POLL_HIGH = 0xc2,
    CMD_READ_OUTPUT = 0xd0,
    CMD_WRITE_OUTPUT = 0xd1,
    CMD_WRITE_KBD_BUFFER = 0xd2,
    CMD_WRITE_AUX_BUFFER = 0xd3,
    CMD_WRITE_AUX = 0xd4,
    CMD_A20_OFF = 0xdd, /* as many makers' controllers have it */
    CMD_A20_ON = 0xdf,
    CMD_READ_TEST = 0xe0,
    CMD_PULSE = 0xf0, /* to FFh: bits that are 0 go low */
};

/* The output port. */
enum {
    OP_RUN = 0x01, /* low: reset */
    OP_A20 = 0x02,
    OP_KBD_INT = 0x10,
    OP_AUX_INT = 0x20,
};

/* Of the controller's RAM. */
enum {
    RAM_SECURITY_ON = 0x13,  /* said when a password is awaited, if not 0 */
    RAM_SECURITY_OFF = 0x14, /* and when it was typed */
    RAM_MAKE_1 = 0x16,       /* codes that no password is compared with */
    RAM_MAKE_2 = 0x17,
};

#define SELF_TEST_GOOD 0x55
#define A_PASSWORD 0xfa
#define NO_PASSWORD 0xf1
#define INPUT_PORT 0xbf /* not locked, a colour display, no jumper */
#define CODE_BREAK 0xf0
#define BYTE_NS UINT64_C(900000)
#define RAM_BYTES 32
#define PASSWORD 16 /* bytes, with the 0 that ends it */
#define FRAME 8     /* bytes; a divisor of the gate's ring */

struct i8042 {
    struct device dev;
    struct ps2_keyboard keyboard;
    struct ps2_mouse mouse;
    unsigned key_source, move_source; /* in the gate */
    uint8_t ram[RAM_BYTES];
    uint8_t data; /* output buffer */
    uint8_t output_port;
    uint8_t command; /* whose data byte port 60h awaits, or 0 */
    bool full, aux;  /* OBF, and from the mouse */
    uint8_t polls;   /* CMD_POLL_LOW, CMD_POLL_HIGH or 0 */
    uint8_t password[PASSWORD];
    uint8_t typed;            /* bytes of it: now loaded, or seen */
    bool locked;              /* it is awaited */
    bool command_last;        /* STATUS_CMD */
    bool break_seen;          /* translation: F0h came before */
    bool key_held, move_held; /* input waits in the gate */
    struct timer line;        /* a byte is on its way */
};

/* ------------------------------------------------------- output buffer */

static void update_irqs(struct i8042 *c)
{
    bool key = c->full && !c->aux && (c->ram[0] & CB_KBD_INT);
    bool aux = c->full && c->aux && (c->ram[0] & CB_AUX_INT);

    wire_set(device_out(&c->dev, OUT_KEYBOARD), key);
    wire_set(device_out(&c->dev, OUT_MOUSE), aux);
}

/* A byte that is not taken is lost, and the new one is an edge again. */
static void put(struct i8042 *c, uint8_t byte, bool aux)
{
    c->full = false;
    update_irqs(c);
    c->data = byte;
    c->aux = aux;
    c->full = true;
    update_irqs(c);
}

static bool keyboard_waits(const struct i8042 *c)
{
    return !(c->ram[0] & CB_KBD_OFF) && ps2_keyboard_ready(&c->keyboard);
}

static bool mouse_waits(const struct i8042 *c)
{
    return !(c->ram[0] & CB_AUX_OFF) && ps2_mouse_ready(&c->mouse);
}

/* Let the next byte start, and ask for the input that would not fit. */
static void pump(struct i8042 *c)
{
    struct gate *gate = c->dev.env->gate;

    if (c->key_held) {
        c->key_held = false;
        gate_retry(gate, c->key_source);
    }
    if (c->move_held) {
        c->move_held = false;
        gate_retry(gate, c->move_source);
    }
    if (!c->full && !timer_armed(&c->line) &&
        (keyboard_waits(c) || mouse_waits(c)))
        timer_arm(&c->line, clock_ns(c->dev.env->clock) + BYTE_NS);
}

static void news(void *owner)
{
    pump(owner);
}

/* Compares a code with the password, which is of set 1's make codes. */
static void check_password(struct i8042 *c, uint8_t code)
{
    if (code >= 0x80 || code == c->ram[RAM_MAKE_1] ||
        code == c->ram[RAM_MAKE_2])
        return;
    if (code != c->password[c->typed])
        c->typed = 0;
    if (code != c->password[c->typed] || c->password[++c->typed])
        return;
    c->locked = false;
    if (c->ram[RAM_SECURITY_OFF])
        put(c, c->ram[RAM_SECURITY_OFF], false);
}

static void load_password(struct i8042 *c, uint8_t byte)
{
    c->password[c->typed] = byte;
    if (!byte)
        return;
    if (c->typed < PASSWORD - 1) /* the last one stays 0 */
        c->typed++;
    c->password[c->typed] = 0;
    c->command = CMD_LOAD_PASSWORD;
}

static void use_password(struct i8042 *c)
{
    if (!c->password[0])
        return;
    c->locked = true;
    c->typed = 0;
    if (c->ram[RAM_SECURITY_ON])
        put(c, c->ram[RAM_SECURITY_ON], false);
}

static void put_key(struct i8042 *c, uint8_t byte)
{
    uint8_t code = ps2_set1(byte) | (c->break_seen ? 0x80 : 0);
    bool breaks = byte == CODE_BREAK;

    if (c->locked || (c->ram[0] & CB_TRANSLATE))
        c->break_seen = breaks;
    if (c->locked && !breaks)
        check_password(c, code);
    else if (!c->locked && !(c->ram[0] & CB_TRANSLATE))
        put(c, byte, false);
    else if (!c->locked && !breaks)
        put(c, code, false);
}

/* A byte has arrived. */
static void arrived(void *owner)
{
    struct i8042 *c = owner;

    if (!c->full && keyboard_waits(c))
        put_key(c, ps2_keyboard_next(&c->keyboard));
    else if (!c->full && mouse_waits(c))
        put(c, ps2_mouse_next(&c->mouse), true);
    pump(c);
}

/* ------------------------------------------------------------ commands */

static void set_a20(struct i8042 *c)
{
    wire_set(device_out(&c->dev, OUT_A20), c->output_port & OP_A20);
}

static void pulse_reset(struct i8042 *c)
{
    wire_set(device_out(&c->dev, OUT_RESET), true);
    wire_set(device_out(&c->dev, OUT_RESET), false);
}

static void write_output_port(struct i8042 *c, uint8_t value)
{
    c->output_port = value;
    set_a20(c);
    if (!(value & OP_RUN))
        pulse_reset(c);
}

static uint8_t read_output_port(const struct i8042 *c)
{
    uint8_t v = c->output_port & ~(OP_KBD_INT | OP_AUX_INT);

    if (c->full)
        v |= c->aux ? OP_AUX_INT : OP_KBD_INT;
    return v;
}

static void write_ram(struct i8042 *c, unsigned at, uint8_t value)
{
    c->ram[at % RAM_BYTES] = value;
    update_irqs(c);
    pump(c);
}

static void change_command_byte(struct i8042 *c, uint8_t clear, uint8_t set)
{
    write_ram(c, 0, (c->ram[0] & ~clear) | set);
}

static void ignored(struct i8042 *c, uint8_t command)
{
    log_guest(c->dev.env->log, "%s: there is no command 0x%02x", c->dev.path,
              command);
}

static void run_command(struct i8042 *c, uint8_t command)
{
    c->command = 0;
    switch (command) {
    case CMD_PASSWORD_TEST:
        put(c, c->password[0] ? A_PASSWORD : NO_PASSWORD, false);
        break;
    case CMD_LOAD_PASSWORD:
        c->typed = 0;
        c->command = command;
        break;
    case CMD_USE_PASSWORD:
        use_password(c);
        break;
    case CMD_AUX_OFF:
        change_command_byte(c, 0, CB_AUX_OFF);
        break;
    case CMD_AUX_ON:
        change_command_byte(c, CB_AUX_OFF, 0);
        break;
    case CMD_AUX_TEST:
    case CMD_KBD_TEST:
        put(c, 0, false); /* no error */
        break;
    case CMD_SELF_TEST:
        c->ram[0] |= CB_SYS;
        put(c, SELF_TEST_GOOD, false);
        break;
    case CMD_KBD_OFF:
        change_command_byte(c, 0, CB_KBD_OFF);
        break;
    case CMD_KBD_ON:
        change_command_byte(c, CB_KBD_OFF, 0);
        break;
    case CMD_READ_INPUT:
        put(c, INPUT_PORT, false);
        break;
    case CMD_POLL_LOW:
    case CMD_POLL_HIGH:
        c->polls = command;
        break;
    case CMD_READ_OUTPUT:
        put(c, read_output_port(c), false);
        break;
    case CMD_WRITE_OUTPUT:
    case CMD_WRITE_KBD_BUFFER:
    case CMD_WRITE_AUX_BUFFER:
    case CMD_WRITE_AUX:
        c->command = command;
        break;
    case CMD_A20_OFF:
        write_output_port(c, c->output_port & ~OP_A20);
        break;
    case CMD_A20_ON:
        write_output_port(c, c->output_port | OP_A20);
        break;
    case CMD_READ_TEST: /* the clock lines, high where a device may send */
        put(c,
            (c->ram[0] & CB_KBD_OFF ? 0 : 1) | (c->ram[0] & CB_AUX_OFF ? 0 : 2),
            false);
        break;
    default:
        if (command >= CMD_PULSE) {
            if (!(command & OP_RUN))
                pulse_reset(c);
        } else if (command >= CMD_READ_RAM &&
                   command < CMD_READ_RAM + RAM_BYTES) {
            put(c, c->ram[command % RAM_BYTES], false);
        } else if (command >= CMD_WRITE_RAM &&
                   command < CMD_WRITE_RAM + RAM_BYTES) {
            c->command = command;
        } else {
            ignored(c, command);
        }
    }
}

/* A byte for a device; a line that was held is released for it. */
static void write_data(struct i8042 *c, uint8_t byte)
{
    uint8_t command = c->command;

    c->command = 0;
    switch (command) {
    case 0:
        c->ram[0] &= ~CB_KBD_OFF;
        ps2_keyboard_write(&c->keyboard, byte);
        break;
    case CMD_LOAD_PASSWORD:
        load_password(c, byte);
        break;
    case CMD_WRITE_OUTPUT:
        write_output_port(c, byte);
        break;
    case CMD_WRITE_KBD_BUFFER:
        put(c, byte, false);
        break;
    case CMD_WRITE_AUX_BUFFER:
        put(c, byte, true);
        break;
    case CMD_WRITE_AUX:
        c->ram[0] &= ~CB_AUX_OFF;
        ps2_mouse_write(&c->mouse, byte);
        break;
    default:
        write_ram(c, command, byte);
    }
}

/* ----------------------------------------------------------- registers */

static uint8_t read_data(struct i8042 *c)
{
    c->full = false;
    update_irqs(c);
    pump(c);
    return c->data;
}

static uint8_t status(const struct i8042 *c)
{
    uint8_t low = (c->full ? STATUS_OBF : 0) |
                  (c->ram[0] & CB_SYS ? STATUS_SYS : 0) |
                  (c->command_last ? STATUS_CMD : 0);

    if (c->polls)
        return low | (c->polls == CMD_POLL_LOW ? INPUT_PORT << 4 & 0xf0
                                               : INPUT_PORT & 0xf0);
    return low | (c->full && c->aux ? STATUS_AUX : 0) | STATUS_UNLOCKED;
}

static uint64_t i8042_read(struct device *dev, unsigned window, uint64_t offset,
                           unsigned size)
{
    struct i8042 *c = (struct i8042 *)dev;

    (void)offset, (void)size;
    return window == WINDOW_DATA ? read_data(c) : status(c);
}

static void i8042_write(struct device *dev, unsigned window, uint64_t offset,
                        uint64_t value, unsigned size)
{
    struct i8042 *c = (struct i8042 *)dev;

    (void)offset, (void)size;
    c->command_last = window == WINDOW_STATUS;
    c->polls = 0;
    if (window == WINDOW_STATUS)
        run_command(c, (uint8_t)value);
    else
        write_data(c, (uint8_t)value);
}

/* --------------------------------------------------------------- input */

/* A frame: 16 bits each of key and 0 or 1; or of x, y, wheel and buttons. */
static void make_frame(uint8_t *frame, unsigned a, unsigned b, unsigned c,
                       unsigned d)
{
    st_le16(frame, (uint16_t)a);
    st_le16(frame + 2, (uint16_t)b);
    st_le16(frame + 4, (uint16_t)c);
    st_le16(frame + 6, (uint16_t)d);
}

/* A whole frame or nothing. */
static bool post(struct device *dev, unsigned source, const uint8_t *frame)
{
    struct gate *gate = dev->env->gate;

    return gate_room(gate, source) >= FRAME &&
           gate_post(gate, source, frame, FRAME) == FRAME;
}

bool i8042_post_key(struct device *dev, unsigned key, bool down)
{
    uint8_t frame[FRAME];

    make_frame(frame, key, down, 0, 0);
    return post(dev, ((struct i8042 *)dev)->key_source, frame);
}

static unsigned limited(int v)
{
    return (unsigned)(v > INT16_MAX   ? INT16_MAX
                      : v < INT16_MIN ? INT16_MIN
                                      : v);
}

bool i8042_post_mouse(struct device *dev, int dx, int dy, int dz,
                      unsigned buttons)
{
    uint8_t frame[FRAME];

    make_frame(frame, limited(dx), limited(dy), limited(dz), buttons);
    return post(dev, ((struct i8042 *)dev)->move_source, frame);
}

/* Gate sinks. */
static size_t take_keys(void *owner, const uint8_t *bytes, size_t size)
{
    struct i8042 *c = owner;
    size_t at = 0;

    if (!bytes)
        return size;
    for (; at + FRAME <= size; at += FRAME) {
        bool down = ld_le16(bytes + at + 2);

        if (!ps2_keyboard_key(&c->keyboard, ld_le16(bytes + at), down)) {
            c->key_held = true;
            break;
        }
        wire_set(device_out(&c->dev, OUT_WAKE), down);
        wire_set(device_out(&c->dev, OUT_WAKE), false);
    }
    return at;
}

static size_t take_moves(void *owner, const uint8_t *bytes, size_t size)
{
    struct i8042 *c = owner;
    size_t at = 0;

    if (!bytes)
        return size;
    for (; at + FRAME <= size; at += FRAME) {
        const uint8_t *f = bytes + at;

        if (!ps2_mouse_move(&c->mouse, (int16_t)ld_le16(f),
                            (int16_t)ld_le16(f + 2), (int16_t)ld_le16(f + 4),
                            ld_le16(f + 6))) {
            c->move_held = true;
            break;
        }
    }
    return at;
}

bool i8042_leds(struct device *dev, unsigned *leds)
{
    const struct ps2_keyboard *k = &((struct i8042 *)dev)->keyboard;

    *leds = k->leds;
    return k->leds_set;
}

/* ---------------------------------------------------------------- life */

static bool i8042_create(struct device *dev, struct error *e)
{
    struct i8042 *c = (struct i8042 *)dev;
    const struct device_env *env = dev->env;

    (void)e;
    timer_init(&c->line, env->clock, arrived, c);
    ps2_keyboard_init(&c->keyboard, env, news, c);
    ps2_mouse_init(&c->mouse, env, news, c);
    c->key_source = gate_add(env->gate, "keyboard", take_keys, c);
    c->move_source = gate_add(env->gate, "mouse", take_moves, c);
    return true;
}

/* All pins of the output port are high after a reset: A20 is not masked. */
static void i8042_reset(struct device *dev)
{
    struct i8042 *c = (struct i8042 *)dev;

    ps2_keyboard_reset(&c->keyboard);
    ps2_mouse_reset(&c->mouse);
    c->key_held = c->move_held = true;
    update_irqs(c);
    set_a20(c);
    wire_set(device_out(dev, OUT_RESET), false);
    pump(c);
}

static void i8042_loaded(struct device *dev)
{
    struct i8042 *c = (struct i8042 *)dev;

    ps2_keyboard_loaded(&c->keyboard);
    ps2_mouse_loaded(&c->mouse);
    c->password[PASSWORD - 1] = 0;
    c->typed %= PASSWORD;
    c->locked = c->locked && c->password[0];
    c->key_held = c->move_held = true;
    update_irqs(c);
    set_a20(c);
    pump(c);
}

static const struct field i8042_fields[] = {
    DEVICE_FIELDS(struct i8042),
    FIELD_SUB(struct i8042, keyboard, ps2_keyboard_fields),
    FIELD_SUB(struct i8042, mouse, ps2_mouse_fields),
    FIELD_HOST(struct i8042, key_source),
    FIELD_HOST(struct i8042, move_source),
    FIELD_ARRAY(struct i8042, ram, 0),
    FIELD(struct i8042, data, 0),
    FIELD(struct i8042, output_port, 0xcf),
    FIELD(struct i8042, command, 0),
    FIELD(struct i8042, full, false),
    FIELD(struct i8042, aux, false),
    FIELD(struct i8042, polls, 0),
    FIELD_ARRAY(struct i8042, password, 0),
    FIELD(struct i8042, typed, 0),
    FIELD(struct i8042, locked, false),
    FIELD(struct i8042, command_last, false),
    FIELD(struct i8042, break_seen, false),
    FIELD(struct i8042, key_held, false),
    FIELD(struct i8042, move_held, false),
    FIELD_TIMER(struct i8042, line),
    FIELD_LIST_END,
};

static const struct window i8042_windows[] = {
    ISA_WINDOW("data", 1),
    ISA_WINDOW("status", 1),
};

static const char *const i8042_compatible[] = {"intel,i8042", NULL};

const struct device_class i8042_class = {
    .name = "i8042",
    .summary = "8042 keyboard controller with PS/2 keyboard and mouse",
    .compatible = i8042_compatible,
    .size = sizeof(struct i8042),
    .fields = i8042_fields,
    .windows = i8042_windows,
    .n_windows = 2,
    .n_outputs = OUTPUTS,
    .create = i8042_create,
    .reset = i8042_reset,
    .loaded = i8042_loaded,
    .read = i8042_read,
    .write = i8042_write,
};
