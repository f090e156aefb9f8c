/*
 * The game port of a PC with two joysticks.
 *
 * Follows the IBM PC Options and Adapters Technical Reference, "Game Control
 * Adapter".  A write of anything starts four one-shots, which bits 0 to 3
 * show until they end, after 24.2 us + 0.011 us per ohm of the axis, 0 to
 * 100 kOhm; bits 4 to 7 are the buttons, 0 while they are held.  Where no
 * joystick is plugged in a one-shot never ends.
 *
 * The adapter decodes 200h to 207h; like most later ones, this is one port.
 *
 * Missing: an axis that moves while its one-shot runs (the position counts at
 * which it was started).
 */
#include "devices/gameport.h"

#include <string.h>

#include "devices/isa.h"

enum { AXES = 4 };

#define SHORTEST_NS 24200
#define LONGEST_NS (SHORTEST_NS + 1100000)
#define NEVER UINT64_MAX

struct gameport {
    struct device dev;
    uint32_t iobase;
    unsigned source; /* in the gate */
    uint8_t present, buttons, axis[AXES];
    uint64_t until[AXES]; /* ns */
};

static uint64_t gameport_read(struct device *dev, unsigned window,
                              uint64_t offset, unsigned size)
{
    const struct gameport *g = (const struct gameport *)dev;
    uint64_t now = clock_ns(dev->env->clock);
    uint8_t v = (uint8_t)((g->buttons ^ 15) << 4);

    (void)window, (void)offset, (void)size;
    for (unsigned i = 0; i < AXES; i++)
        if (now < g->until[i])
            v |= (uint8_t)(1u << i);
    return v;
}

static void gameport_write(struct device *dev, unsigned window, uint64_t offset,
                           uint64_t value, unsigned size)
{
    struct gameport *g = (struct gameport *)dev;
    uint64_t now = clock_ns(dev->env->clock);

    (void)window, (void)offset, (void)value, (void)size;
    for (unsigned i = 0; i < AXES; i++)
        g->until[i] = !(g->present >> i / 2 & 1)
                          ? NEVER
                          : now + SHORTEST_NS +
                                g->axis[i] * (LONGEST_NS - SHORTEST_NS) / 255;
}

/* -- input -- */

bool gameport_post(struct device *dev, const struct joysticks *j)
{
    unsigned source = ((struct gameport *)dev)->source;
    struct gate *gate = dev->env->gate;
    uint8_t frame[8] = {j->present & 3, j->buttons & 15};

    memcpy(frame + 2, j->axis, AXES);
    return gate_room(gate, source) >= sizeof(frame) &&
           gate_post(gate, source, frame, sizeof(frame)) == sizeof(frame);
}

/* Gate sink. */
static size_t take(void *owner, const uint8_t *bytes, size_t size)
{
    struct gameport *g = owner;

    if (!bytes)
        return size;
    for (size_t at = 0; at + 8 <= size; at += 8) {
        g->present = bytes[at];
        g->buttons = bytes[at + 1];
        memcpy(g->axis, bytes + at + 2, AXES);
    }
    return size - size % 8;
}

/* -- life -- */

static bool gameport_create(struct device *dev, struct error *e)
{
    struct gameport *g = (struct gameport *)dev;

    (void)e;
    g->source = gate_add(dev->env->gate, "joystick", take, g);
    return true;
}

static const struct property gameport_properties[] = {
    {"iobase", PROP_U32, offsetof(struct gameport, iobase), "0x201",
     "the port, where it is plugged in", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

/* What is plugged in is none of a reset's business. */
static const struct field gameport_fields[] = {
    DEVICE_FIELDS(struct gameport),
    FIELD_HOST(struct gameport, iobase),
    FIELD_HOST(struct gameport, source),
    FIELD_KEEP(struct gameport, present),
    FIELD_KEEP(struct gameport, buttons),
    FIELD_ARRAY_KEEP(struct gameport, axis),
    FIELD_ARRAY(struct gameport, until, 0),
    FIELD_LIST_END,
};

static const struct window gameport_windows[] = {ISA_WINDOW("joysticks", 1)};

static const char *const gameport_compatible[] = {"emu,gameport", NULL};

const struct device_class gameport_class = {
    .name = "gameport",
    .summary = "game port with two joysticks, which are the host's",
    .compatible = gameport_compatible,
    .size = sizeof(struct gameport),
    .properties = gameport_properties,
    .fields = gameport_fields,
    .windows = gameport_windows,
    .n_windows = 1,
    .create = gameport_create,
    .read = gameport_read,
    .write = gameport_write,
};
