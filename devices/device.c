/*
 * What every device shares: its making, properties, windows, reset, end.
 *
 * A device's struct lies behind a struct box, which holds what the core
 * alone needs to know of it.
 *
 * Missing: changing a property after create.
 */
#include "devices/device.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "devices/chardev.h"

/* Argument of a window's region: which window of which device. */
struct glue {
    struct device *dev;
    unsigned window;
    struct mmio_ops ops;
};

struct box {
    uint64_t set; /* properties that were set, by their place */
    bool created;
    struct glue *glue;
    max_align_t device[];
};

static struct box *box_of(struct device *dev)
{
    return (struct box *)(void *)((char *)dev - offsetof(struct box, device));
}

/* --------------------------------------------------------- properties */

static unsigned count_properties(const struct device_class *cls)
{
    unsigned n = 0;

    while (cls->properties && cls->properties[n].name)
        n++;
    return n;
}

const struct property *device_property(const struct device_class *cls,
                                       const char *name)
{
    for (unsigned i = 0; i < count_properties(cls); i++)
        if (!strcmp(cls->properties[i].name, name))
            return &cls->properties[i];
    return NULL;
}

/* value = digits [k|M|G], at most max.  The suffix counts in 1024. */
static bool parse_number(const char *text, uint64_t max, uint64_t *out)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    static const char digits[] = "0123456789abcdef";
    static const char suffixes[] = "kmg";
    unsigned base = hex ? 16 : 10, n = 0;
    uint64_t v = 0;

    for (text += hex ? 2 : 0; *text; text++, n++) {
        char c = *text >= 'A' && *text <= 'F' ? *text + ('a' - 'A') : *text;
        const char *p = memchr(digits, c, base);
        unsigned digit;

        if (!p)
            break;
        digit = (unsigned)(p - digits);
        if (v > (max - digit) / base)
            return false;
        v = v * base + digit;
    }
    if (!n)
        return false;
    if (*text) {
        char c = *text >= 'A' && *text <= 'Z' ? *text + ('a' - 'A') : *text;
        const char *p = memchr(suffixes, c, 3);
        unsigned shift = p ? 10 * (unsigned)(p - suffixes + 1) : 0;

        if (!p || text[1] || v > max >> shift)
            return false;
        v <<= shift;
    }
    *out = v;
    return true;
}

static bool parse_bool(const char *text, bool *out)
{
    static const char *const on[] = {"", "on", "true"};
    static const char *const off[] = {"off", "false"};

    for (unsigned i = 0; i < 3; i++)
        if (!strcmp(text, on[i])) {
            *out = true;
            return true;
        }
    for (unsigned i = 0; i < 2; i++)
        if (!strcmp(text, off[i])) {
            *out = false;
            return true;
        }
    return false;
}

static bool set_number(void *member, enum property_type type, const char *name,
                       const char *value, struct error *e)
{
    uint64_t max = type == PROP_U32 ? UINT32_MAX : UINT64_MAX, v;

    if (!parse_number(value, max, &v))
        return error_set(e,
                         "%s='%s': want a number from 0 to %llu (0x: "
                         "hexadecimal; k, M, G: times 1024, 1024^2, 1024^3)",
                         name, value, (unsigned long long)max);
    if (type == PROP_U32)
        *(uint32_t *)member = (uint32_t)v;
    else
        *(uint64_t *)member = v;
    return true;
}

static bool set_string(char **member, const char *value, struct error *e)
{
    char *copy = strdup(value);

    if (!copy)
        return error_set(e, "out of memory");
    free(*member);
    *member = copy;
    return true;
}

static bool set_chardev(struct chardev **member, const struct backends *b,
                        const char *name, const char *id, struct error *e)
{
    struct chardev *c = b && b->chardev ? b->chardev(b->owner, id) : NULL;

    if (!c)
        return error_set(e, "%s='%s': there is no character device of that id",
                         name, id);
    *member = c;
    return true;
}

static bool set_block(struct block **member, const struct backends *b,
                      const char *name, const char *id, struct error *e)
{
    struct block *d = b && b->block ? b->block(b->owner, id) : NULL;

    if (!d)
        return error_set(e, "%s='%s': there is no drive of that id", name, id);
    *member = d;
    return true;
}

static bool set_property(struct device *dev, const struct backends *b,
                         const struct property *p, const char *value,
                         struct error *e)
{
    void *member = (char *)dev + p->offset;
    uint64_t bit = (uint64_t)1 << (p - dev->class->properties);
    bool ok = false;

    switch (p->type) {
    case PROP_U32:
    case PROP_U64:
        ok = set_number(member, p->type, p->name, value, e);
        break;
    case PROP_BOOL:
        ok = parse_bool(value, member) ||
             error_set(e, "%s='%s': want on or off", p->name, value);
        break;
    case PROP_STRING:
        ok = set_string(member, value, e);
        break;
    case PROP_CHARDEV:
        ok = set_chardev(member, b, p->name, value, e);
        break;
    case PROP_BLOCK:
        ok = set_block(member, b, p->name, value, e);
        break;
    }
    if (ok)
        box_of(dev)->set |= bit;
    return ok;
}

/* The names of all properties, for "no property" lines. */
static void list_names(const struct device_class *cls, char *out, size_t size)
{
    size_t at = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < count_properties(cls); i++) {
        const char *name = cls->properties[i].name;
        size_t n = strlen(name);

        if (at + n + 3 > size)
            return;
        if (at) {
            memcpy(out + at, ", ", 2);
            at += 2;
        }
        memcpy(out + at, name, n + 1);
        at += n;
    }
}

static bool unknown_property(const struct device *dev, const char *name,
                             struct error *e)
{
    const struct device_class *cls = dev->class;
    unsigned n = count_properties(cls);
    const char *names[64] = {NULL}, *near;
    char all[256];

    for (unsigned i = 0; i < n; i++)
        names[i] = cls->properties[i].name;
    near = nearest_name(name, names, n);
    if (near)
        return error_set(e, "%s: %s has no property '%s' (did you mean '%s'?)",
                         dev->path, cls->name, name, near);
    if (!n)
        return error_set(e, "%s: %s has no property '%s', and no others",
                         dev->path, cls->name, name);
    list_names(cls, all, sizeof(all));
    return error_set(e, "%s: %s has no property '%s' (it has %s)", dev->path,
                     cls->name, name, all);
}

bool device_set(struct device *dev, const struct backends *b, const char *name,
                const char *value, struct error *e)
{
    const struct property *p = device_property(dev->class, name);

    if (!p)
        return unknown_property(dev, name, e);
    if (!set_property(dev, b, p, value, e))
        return error_prefix(e, "%s", dev->path);
    return true;
}

/* Defaults are our own text: that they parse is for us to see to. */
static bool set_defaults(struct device *dev, struct error *e)
{
    unsigned n = count_properties(dev->class);

    assert(n <= 64);
    for (unsigned i = 0; i < n; i++) {
        const struct property *p = &dev->class->properties[i];

        if (p->fallback && !set_property(dev, NULL, p, p->fallback, e))
            return false;
    }
    box_of(dev)->set = 0;
    return true;
}

static bool check_required(struct device *dev, struct error *e)
{
    for (unsigned i = 0; i < count_properties(dev->class); i++) {
        const struct property *p = &dev->class->properties[i];

        if (p->required && !(box_of(dev)->set >> i & 1))
            return error_set(e, "%s needs the property '%s' (%s)",
                             dev->class->name, p->name,
                             p->help ? p->help : "no default");
    }
    return true;
}

/* ------------------------------------------------------------- making */

struct device *device_new(const struct device_class *cls,
                          const struct device_env *env, const char *path,
                          struct error *e)
{
    struct box *box = calloc(1, sizeof(*box) + cls->size);
    struct device *dev;

    if (!box) {
        error_set(e, "out of memory");
        return NULL;
    }
    dev = (struct device *)(void *)box->device;
    dev->class = cls;
    dev->env = env;
    dev->node = -1;
    dev->path = strdup(path ? path : cls->name);
    if (!dev->path)
        error_set(e, "out of memory");
    if (!dev->path || !set_defaults(dev, e)) {
        device_free(dev);
        return NULL;
    }
    return dev;
}

static uint64_t window_read(void *owner, uint64_t offset, unsigned size)
{
    struct glue *g = owner;

    if (!g->dev->class->read)
        return 0;
    return g->dev->class->read(g->dev, g->window, offset, size);
}

static void window_write(void *owner, uint64_t offset, uint64_t value,
                         unsigned size)
{
    struct glue *g = owner;

    if (g->dev->class->write)
        g->dev->class->write(g->dev, g->window, offset, value, size);
}

static void make_region(struct device *dev, unsigned n)
{
    const struct window *w = &dev->class->windows[n];
    struct glue *g = &box_of(dev)->glue[n];

    *g = (struct glue){
        .dev = dev,
        .window = n,
        .ops = {.read = window_read,
                .write = window_write,
                .accept = w->accept,
                .impl = w->impl,
                .unaligned = w->unaligned,
                .msi = w->msi},
    };
    dev->regions[n] = (struct region){
        .name = dev->path,
        .kind = REGION_MMIO,
        .size = w->size,
        .ops = &g->ops,
        .owner = g,
    };
}

static bool make_parts(struct device *dev, unsigned n_out, struct error *e)
{
    unsigned n = dev->class->n_windows;

    /* One more of each, so that none is not NULL. */
    dev->out = calloc(n_out + 1, sizeof(*dev->out));
    dev->regions = calloc(n + 1, sizeof(*dev->regions));
    box_of(dev)->glue = calloc(n + 1, sizeof(struct glue));
    if (!dev->out || !dev->regions || !box_of(dev)->glue)
        return error_set(e, "out of memory");
    dev->n_out = n_out;
    for (unsigned i = 0; i < n; i++)
        make_region(dev, i);
    return true;
}

bool device_create(struct device *dev, unsigned n_out, struct error *e)
{
    const struct device_class *cls = dev->class;

    assert(!dev->out && n_out >= cls->n_outputs);
    if (!check_required(dev, e) || !make_parts(dev, n_out, e) ||
        (cls->create && !cls->create(dev, e)))
        return error_prefix(e, "%s", dev->path);
    box_of(dev)->created = true;
    return true;
}

bool device_map(struct device *dev, unsigned n, uint64_t base, uint64_t size,
                struct error *e)
{
    const struct device_class *cls = dev->class;
    struct memory *space;
    struct region *r;

    if (n >= cls->n_windows)
        return error_set(e, "%s: %s has %u register windows, not %u", dev->path,
                         cls->name, cls->n_windows, n + 1);
    space = cls->windows[n].port ? dev->env->ports : dev->env->memory;
    if (!space)
        return error_set(e, "%s: %s needs I/O ports, and this board has none",
                         dev->path, cls->name);
    /* A tree may give a chip more addresses than it has registers; it may
     * not make the chip see offsets that it does not know. */
    if (!size || (cls->windows[n].size && size > cls->windows[n].size))
        size = cls->windows[n].size;
    r = &dev->regions[n];
    memory_remove(r);
    r->base = base;
    r->size = size;
    r->enabled = true;
    if (!memory_add(space, r, e) || (cls->mapped && !cls->mapped(dev, n, e)))
        return error_prefix(e, "%s", dev->path);
    return true;
}

void device_reset(struct device *dev)
{
    state_reset(dev->class->fields, dev);
    if (dev->class->reset)
        dev->class->reset(dev);
}

void device_sleep(struct device *dev)
{
    if (dev->class->sleep)
        dev->class->sleep(dev);
    else
        device_reset(dev);
}

/* ------------------------------------------------------------- the end */

/* No timer of a device that is gone may fire. */
static void disarm_timers(const struct field *table, void *obj)
{
    for (const struct field *f = table; f->type != FIELD_END; f++)
        for (uint32_t i = 0; i < f->count; i++) {
            char *p = (char *)obj + f->offset + (size_t)i * f->size;

            if (f->type == FIELD_STRUCT)
                disarm_timers(f->sub, p);
            else if (f->type == FIELD_TIMER)
                timer_disarm((struct timer *)(void *)p);
        }
}

/* What the core put into property members. */
static void release_property(struct device *dev, const struct property *p)
{
    char *member = (char *)dev + p->offset;
    uintptr_t start = (uintptr_t)dev, owner;
    struct chardev *c;

    if (p->type == PROP_STRING) {
        free(*(char **)(void *)member);
    } else if (p->type == PROP_CHARDEV) {
        c = *(struct chardev **)(void *)member;
        owner = c ? (uintptr_t)c->sink_owner : 0;
        if (owner >= start && owner - start < dev->class->size)
            chardev_connect(c, NULL, NULL);
    }
}

void device_free(struct device *dev)
{
    struct box *box;

    if (!dev)
        return;
    box = box_of(dev);
    if (dev->class->fields)
        disarm_timers(dev->class->fields, dev);
    if (box->created && dev->class->destroy)
        dev->class->destroy(dev);
    for (unsigned i = 0; dev->regions && i < dev->class->n_windows; i++)
        memory_remove(&dev->regions[i]);
    for (unsigned i = 0; i < count_properties(dev->class); i++)
        release_property(dev, &dev->class->properties[i]);
    free(box->glue);
    free(dev->regions);
    free(dev->out);
    free(dev->path);
    free(box);
}

/* -------------------------------------------------------------- inputs */

static void set_input(void *listener, unsigned line, bool level)
{
    struct device *dev = listener;

    dev->class->input(dev, line, level);
}

/* A wire to nowhere where there is no such line. */
struct wire device_input(struct device *dev, unsigned line)
{
    if (!dev->class->input || line >= dev->class->n_inputs)
        return (struct wire){NULL, NULL, 0};
    return (struct wire){set_input, dev, line};
}

/* ------------------------------------------------------------ registry */

const struct device_class *device_class_named(const char *name)
{
    for (unsigned i = 0; device_classes[i]; i++)
        if (!strcmp(device_classes[i]->name, name))
            return device_classes[i];
    return NULL;
}

const struct device_class *device_class_compatible(const char *compatible)
{
    for (unsigned i = 0; device_classes[i]; i++) {
        const char *const *c = device_classes[i]->compatible;

        for (; c && *c; c++)
            if (!strcmp(*c, compatible))
                return device_classes[i];
    }
    return NULL;
}
