/*
 * IBM's Video Graphics Array: registers and memory.
 *
 * IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem" (1988);
 * J. D. Neal's FreeVGA notes for what that leaves open (chain-4 addresses,
 * CRTC registers 22h and 24h).  The extensions of Bochs are in vbe.c.
 *
 * Memory is seen at A0000 through one window of registers, whose bytes go
 * through latches, set/reset, rotation, logic and masks.  Where all of those
 * let bytes pass as they are (chain-4 with all planes, banks of VBE), RAM lies
 * over the window instead, and the guest reaches it without us.
 *
 * A VGA has 256 KiB; what there is more of can only be reached by VBE.
 *
 * Where chained modes put an address's low bits into the choice of a plane,
 * others take their place: A16 and A17 (chain-4), A16 or in a window of less
 * than 128 KiB the page bit of the miscellaneous output, whose 1 is the lower
 * page (odd/even).  The DAC's address register is one for reading and writing,
 * as in INMOS' IMSG171: told to read, it fetches a colour and goes on.
 *
 * Missing: latches are not loaded by reads that RAM answers; a sequencer that
 * is reset loses nothing, and memory is still there for the CPU; writes to SR7
 * do not stop the CRTC.
 */
#include <string.h>

#include "base/ram_access.h"
#include "devices/display/vga_priv.h"

/* -------------------------------------------------------------- memory */

/* A bit of each plane as a byte of each. */
static uint32_t expand(unsigned planes)
{
    static const uint32_t bytes[16] = {
        0x00000000, 0x000000ff, 0x0000ff00, 0x0000ffff, 0x00ff0000, 0x00ff00ff,
        0x00ffff00, 0x00ffffff, 0xff000000, 0xff0000ff, 0xff00ff00, 0xff00ffff,
        0xffff0000, 0xffff00ff, 0xffffff00, 0xffffffff};

    return bytes[planes & 15];
}

/* Where in the card's memory address `at` of the window lies.  Bit 16 is that
 * of the window of 128 KiB only. */
static bool decode(const struct vga *v, uint32_t at, uint32_t *offset)
{
    static const struct {
        uint32_t start, size;
    } map[4] = {
        {0, 0x20000}, {0, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};
    unsigned n = v->regs.gfx[GR_MISC] >> 2 & 3;

    *offset = at - map[n].start;
    return v->enable && (v->regs.misc & MISC_RAM) && at >= map[n].start &&
           *offset < map[n].size;
}

/* An address whose lowest bit chooses among planes. */
static uint32_t chain2(const struct vga *v, uint32_t offset)
{
    uint32_t page = !(v->regs.misc & MISC_LOW_PAGE);

    if ((v->regs.gfx[GR_MISC] >> 2 & 3) == 0)
        page = offset >> 16;
    return (offset & ~1u) | page;
}

/* The address of planes, in memory; 16 colours of VBE have banks of them. */
static uint32_t plane_place(const struct vga *v, uint32_t offset)
{
    uint32_t bank = 0;

    if (v->regs.vbe[VBE_ENABLE] & VBE_ENABLED)
        bank = v->regs.vbe[VBE_BANK] % (v->vram->size / VGA_MIN_MEMORY);
    return vga_place((offset & vga_plane_mask(&v->regs)) | bank * VGA_BANK);
}

static bool chain4(const struct vga *v)
{
    return v->regs.seq[SR_MEMORY] & SR4_CHAIN4;
}

static uint32_t load_planes(const struct vga *v, uint32_t place)
{
    return ram_ld32(v->vram->host + place);
}

static uint8_t compare_colour(const struct vga *v)
{
    uint32_t d = (v->latch ^ expand(v->regs.gfx[GR_COLOUR_COMPARE])) &
                 expand(v->regs.gfx[GR_COLOUR_CARE]);

    d |= d >> 16;
    d |= d >> 8;
    return (uint8_t)~d;
}

static uint8_t byte_read(struct vga *v, uint32_t at)
{
    const uint8_t *gfx = v->regs.gfx;
    unsigned plane = gfx[GR_READ_MAP] & 3;
    uint32_t offset, bank;

    if (v->enable && vbe_bank(v, &bank))
        return at < VGA_BANK ? ram_ld8(v->vram->host + bank + at) : 0xff;
    if (!decode(v, at, &offset))
        return 0xff;
    if (chain4(v)) {
        plane = offset & 3;
        offset = (offset & ~3u) | offset >> 16;
    } else {
        if (gfx[GR_MODE] & GR5_ODD_EVEN)
            plane = (plane & 2) | (offset & 1);
        if (gfx[GR_MISC] & GR6_CHAIN2)
            offset = chain2(v, offset);
    }
    v->latch = load_planes(v, plane_place(v, offset));
    if (gfx[GR_MODE] & GR5_READ_MODE)
        return compare_colour(v);
    return (uint8_t)(v->latch >> 8 * plane);
}

static uint32_t logic(const struct vga *v, uint32_t data)
{
    switch (v->regs.gfx[GR_ROTATE] >> 3 & 3) {
    case 1:
        return data & v->latch;
    case 2:
        return data | v->latch;
    case 3:
        return data ^ v->latch;
    }
    return data;
}

/* What the four planes get of a byte that is written. */
static uint32_t write_data(const struct vga *v, uint8_t value)
{
    const uint8_t *gfx = v->regs.gfx;
    unsigned by = gfx[GR_ROTATE] & 7;
    uint32_t mask = gfx[GR_BIT_MASK] * UINT32_C(0x01010101);
    uint8_t rotated = (uint8_t)(value >> by | value << (8 - by));
    uint32_t set = expand(gfx[GR_SET_RESET]);
    uint32_t enabled = expand(gfx[GR_ENABLE_SET_RESET]);
    uint32_t data = rotated * UINT32_C(0x01010101);

    switch (gfx[GR_MODE] & GR5_WRITE_MODE) {
    case 0:
        data = (data & ~enabled) | (set & enabled);
        break;
    case 1:
        return v->latch;
    case 2:
        data = expand(value);
        break;
    case 3:
        mask &= data;
        data = set;
        break;
    }
    return (logic(v, data) & mask) | (v->latch & ~mask);
}

static void byte_write(struct vga *v, uint32_t at, uint8_t value)
{
    unsigned planes = v->regs.seq[SR_MAP_MASK] & 15;
    uint32_t offset, place, bank, mask;

    if (v->enable && vbe_bank(v, &bank)) {
        if (at >= VGA_BANK)
            return;
        ram_st8(v->vram->host + bank + at, value);
        memory_wrote(v->dev->env->memory, v->vram, bank + at, 1);
        return;
    }
    if (!decode(v, at, &offset))
        return;
    if (chain4(v)) {
        planes &= 1u << (offset & 3);
        offset = (offset & ~3u) | offset >> 16;
    } else {
        if (!(v->regs.seq[SR_MEMORY] & SR4_SEQUENTIAL))
            planes &= 5u << (offset & 1);
        if (v->regs.gfx[GR_MISC] & GR6_CHAIN2)
            offset = chain2(v, offset);
    }
    mask = expand(planes);
    place = plane_place(v, offset);
    ram_st32(v->vram->host + place,
             (load_planes(v, place) & ~mask) | (write_data(v, value) & mask));
    memory_wrote(v->dev->env->memory, v->vram, place, 4);
}

/* Do bytes at A0000 pass through as they are?  Gives the first one's place. */
static bool is_direct(const struct vga *v, uint32_t *start)
{
    const struct vga_regs *r = &v->regs;

    if (vbe_bank(v, start))
        return true;
    *start = 0;
    return (r->misc & MISC_RAM) && chain4(v) &&
           (r->seq[SR_MEMORY] & SR4_EXTENDED) &&
           (r->seq[SR_MAP_MASK] & 15) == 15 &&
           !(r->gfx[GR_ENABLE_SET_RESET] & 15) && !(r->gfx[GR_ROTATE] & 0x1f) &&
           r->gfx[GR_BIT_MASK] == 0xff &&
           !(r->gfx[GR_MODE] & (GR5_WRITE_MODE | GR5_READ_MODE)) &&
           (r->gfx[GR_MISC] >> 2 & 3) < 2 &&
           !(r->vbe[VBE_ENABLE] & VBE_ENABLED);
}

void vga_map_memory(struct vga *v)
{
    const struct region *window = &v->dev->regions[VGA_WINDOW_MEMORY];
    uint32_t start;
    bool on = is_direct(v, &start) && window->enabled && v->enable;

    if (on)
        memory_retarget(&v->direct, start);
    memory_enable(&v->direct, on);
}

/* ----------------------------------------------------------- registers */

static uint8_t crtc_read(const struct vga *v)
{
    switch (v->crtc_index) {
    case CR_V_RETRACE_START:
    case CR_V_RETRACE_END: /* or where a light pen was, of which there is none
                            */
        if (!(v->regs.crtc[CR_H_BLANK_END] & CR3_COMPATIBLE_READ))
            return 0;
        break;
    case CR_LATCH:
        return (uint8_t)(v->latch >> 8 * (v->regs.gfx[GR_READ_MAP] & 3));
    case CR_FLIP_FLOP:
        return v->flip_flop ? 0x80 : 0;
    case CR_ATTR_INDEX:
        return v->regs.attr_index;
    }
    return v->crtc_index <= CR_LINE_COMPARE ? v->regs.crtc[v->crtc_index]
                                            : 0xff;
}

static void crtc_write(struct vga *v, uint8_t value)
{
    /* What there is not reads as 0. */
    static const uint8_t none[32] = {[0x08] = 0x80,
                                     [0x0a] = 0xc0,
                                     [0x0b] = 0x80,
                                     [0x14] = 0x80,
                                     [0x17] = 0x10};
    unsigned i = v->crtc_index;
    uint8_t *reg = &v->regs.crtc[i & 31];

    if (i > CR_LINE_COMPARE)
        return;
    if (i <= CR_OVERFLOW && (v->regs.crtc[CR_V_RETRACE_END] & CR11_PROTECT)) {
        if (i != CR_OVERFLOW)
            return;
        value = (uint8_t)((*reg & ~0x10) | (value & 0x10));
    }
    if (i == CR_V_RETRACE_END)
        vga_interrupt_control(v, value);
    else
        vga_change(v, reg, value & (uint8_t)~none[i]);
    vga_retime(v);
}

static void seq_write(struct vga *v, uint8_t value)
{
    static const uint8_t bits[8] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e};
    unsigned i = v->seq_index & 7;

    value &= bits[i];
    vga_change(v, &v->regs.seq[i], value);
    if (i == SR_CLOCKING)
        vga_retime(v);
    else
        vga_map_memory(v);
}

static void gfx_write(struct vga *v, uint8_t value)
{
    static const uint8_t bits[16] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03,
                                     0x7b, 0x0f, 0x0f, 0xff};
    unsigned i = v->gfx_index & 15;

    vga_change(v, &v->regs.gfx[i], value & bits[i]);
    vga_map_memory(v);
}

/* The palette itself is the screen's while PAS is set. */
static void attr_write(struct vga *v, uint8_t value)
{
    static const uint8_t bits[5] = {0xef, 0xff, 0x3f, 0x0f, 0x0f};
    unsigned i = v->regs.attr_index & 31;

    v->flip_flop = !v->flip_flop;
    if (v->flip_flop) {
        vga_change(v, &v->regs.attr_index, value & 0x3f);
        return;
    }
    if (i < 16) {
        if (!(v->regs.attr_index & AR_PAS))
            vga_change(v, &v->regs.attr[i], value & 0x3f);
    } else if (i <= AR_COLOUR_SELECT) {
        vga_change(v, &v->regs.attr[i], value & bits[i - 16]);
    }
}

static void dac_fetch(struct vga *v)
{
    memcpy(v->dac_latch, &v->regs.dac[3u * v->dac_index], 3);
    v->dac_index++;
    v->dac_part = 0;
}

static uint8_t dac_read(struct vga *v)
{
    uint8_t value = v->dac_latch[v->dac_part % 3u];

    if (++v->dac_part >= 3)
        dac_fetch(v);
    return value;
}

/* A colour changes when its third part is written. */
static void dac_write(struct vga *v, uint8_t value)
{
    uint8_t *dac = &v->regs.dac[3u * v->dac_index];

    if (!(v->regs.vbe[VBE_ENABLE] & VBE_8BIT_DAC))
        value &= 0x3f;
    v->dac_latch[v->dac_part % 3u] = value;
    if (++v->dac_part < 3)
        return;
    for (unsigned i = 0; i < 3; i++)
        vga_change(v, &dac[i], v->dac_latch[i]);
    v->dac_part = 0;
    v->dac_index++;
}

void vga_widen_dac(struct vga *v, bool wide)
{
    for (unsigned i = 0; i < sizeof(v->regs.dac); i++) {
        uint8_t d = v->regs.dac[i];

        v->regs.dac[i] = (uint8_t)(wide ? d << 2 | (d >> 4 & 3) : d >> 2);
    }
    /* Changes that were noted mean others now. */
    vga_screen_reset(v);
}

void vga_enable(struct vga *v, bool on)
{
    v->enable = on;
    vga_map_memory(v);
}

/* The ports of the CRTC are at 3B or at 3D, and not at the other; none but its
 * enable while the card is disabled. */
static unsigned decode_port(const struct vga *v, unsigned port)
{
    if (!v->enable && port != 0x3c3)
        return 0;
    if (port >= 0x3c0 && port < 0x3d0)
        return port;
    if ((port >= 0x3d0) != !!(v->regs.misc & MISC_COLOUR))
        return 0;
    return 0x3d0 | (port & 15);
}

uint8_t vga_port_read(struct vga *v, unsigned port)
{
    switch (decode_port(v, port)) {
    case 0x3c0:
        return v->regs.attr_index;
    case 0x3c1:
        return v->regs.attr[v->regs.attr_index & 31];
    case 0x3c2:
        return vga_status_0(v);
    case 0x3c3:
        return v->enable;
    case 0x3c4:
        return v->seq_index;
    case 0x3c5:
        return v->regs.seq[v->seq_index & 7];
    case 0x3c6:
        return v->regs.pel_mask;
    case 0x3c7:
        return v->dac_state;
    case 0x3c8:
        return v->dac_index;
    case 0x3c9:
        return dac_read(v);
    case 0x3ca:
        return v->regs.feature;
    case 0x3cc:
        return v->regs.misc;
    case 0x3ce:
        return v->gfx_index;
    case 0x3cf:
        return v->regs.gfx[v->gfx_index & 15];
    case 0x3d4:
        return v->crtc_index;
    case 0x3d5:
        return crtc_read(v);
    case 0x3da:
        v->flip_flop = false;
        return vga_status_1(v);
    }
    return 0xff;
}

void vga_port_write(struct vga *v, unsigned port, uint8_t value)
{
    switch (decode_port(v, port)) {
    case 0x3c0:
    case 0x3c1: /* 16 bits: index and data at once, as by an EGA */
        attr_write(v, value);
        break;
    case 0x3c2:
        vga_change(v, &v->regs.misc, value & 0xef);
        vga_retime(v);
        vga_map_memory(v);
        break;
    case 0x3c3:
        vga_enable(v, value & 1);
        break;
    case 0x3c4:
        v->seq_index = value & 7;
        break;
    case 0x3c5:
        seq_write(v, value);
        break;
    case 0x3c6:
        vga_change(v, &v->regs.pel_mask, value);
        break;
    case 0x3c7:
        v->dac_index = value;
        dac_fetch(v);
        v->dac_state = 3;
        break;
    case 0x3c8:
        v->dac_index = value;
        v->dac_part = 0;
        v->dac_state = 0;
        break;
    case 0x3c9:
        dac_write(v, value);
        break;
    case 0x3ce:
        v->gfx_index = value & 15;
        break;
    case 0x3cf:
        gfx_write(v, value);
        break;
    case 0x3d4:
        v->crtc_index = value & 63;
        break;
    case 0x3d5:
        crtc_write(v, value);
        break;
    case 0x3da:
        v->regs.feature = value & 0x0b;
        break;
    }
}

/* The index at 1CE; data at 1CF, and where it is aligned, at 1D0. */
static uint16_t vbe_port_read(const struct vga *v, uint64_t offset)
{
    switch (offset) {
    case 0:
        return v->vbe_index;
    case 1:
    case 2:
        return vbe_read(v, v->vbe_index);
    }
    return 0xffff;
}

static void vbe_port_write(struct vga *v, uint64_t offset, uint16_t value)
{
    if (offset == 0)
        v->vbe_index = value;
    else if (offset <= 2)
        vbe_write(v, v->vbe_index, value);
}

uint64_t vga_read(struct vga *v, unsigned window, uint64_t offset,
                  unsigned size)
{
    (void)size;
    switch (window) {
    case VGA_WINDOW_MEMORY:
        return byte_read(v, (uint32_t)offset);
    case VGA_WINDOW_PORTS:
        return vga_port_read(v, 0x3c0 + (unsigned)offset);
    case VGA_WINDOW_MONO:
        return vga_port_read(v, 0x3b0 + (unsigned)offset);
    default:
        return vbe_port_read(v, offset);
    }
}

void vga_write(struct vga *v, unsigned window, uint64_t offset, uint64_t value,
               unsigned size)
{
    (void)size;
    switch (window) {
    case VGA_WINDOW_MEMORY:
        byte_write(v, (uint32_t)offset, (uint8_t)value);
        break;
    case VGA_WINDOW_PORTS:
        vga_port_write(v, 0x3c0 + (unsigned)offset, (uint8_t)value);
        break;
    case VGA_WINDOW_MONO:
        vga_port_write(v, 0x3b0 + (unsigned)offset, (uint8_t)value);
        break;
    default:
        vbe_port_write(v, offset, (uint16_t)value);
    }
}

/* ----------------------------------------------------------------- life */

bool vga_create(struct vga *v, struct device *dev, struct error *e)
{
    uint64_t mb = v->memory_mb;

    v->dev = dev;
    if (mb < 1 || mb > 256 || (mb & (mb - 1)))
        return error_set(e, "vgamem_mb is %llu: want a power of 2 up to 256",
                         (unsigned long long)mb);
    if (!dev->env->ports)
        return error_set(e, "this board has no I/O ports");
    if (!ram_new(&v->vram, mb << 20, e))
        return false;
    v->whole = (struct region){
        .name = dev->path,
        .kind = REGION_RAM,
        .size = v->vram->size,
        .ram = v->vram,
    };
    if (!vga_screen_new(v, e)) {
        vga_destroy(v);
        return false;
    }
    vga_timer_init(v);
    vga_retime(v); /* it may be looked at before its first reset */
    return true;
}

bool vga_placed(struct vga *v, struct error *e)
{
    const struct region *window = &v->dev->regions[VGA_WINDOW_MEMORY];

    memory_remove(&v->direct);
    v->direct = (struct region){
        .name = v->dev->path,
        .kind = REGION_ALIAS,
        .base = window->base,
        .size = window->size < VGA_BANK ? window->size : VGA_BANK,
        .priority = window->priority,
        .target = &v->whole,
    };
    return memory_add(v->dev->env->memory, &v->direct, e);
}

void vga_destroy(struct vga *v)
{
    memory_remove(&v->direct);
    vga_screen_free(v);
    ram_free(v->vram);
    v->vram = NULL;
}

/* All that follows from the registers, anew. */
static void settle(struct vga *v)
{
    vga_retime(v);
    vga_screen_reset(v);
    vga_map_memory(v);
}

void vga_reset(struct vga *v)
{
    vbe_reset(v);
    raster_reset(&v->raster, v->dev->env->clock);
    settle(v);
}

void vga_loaded(struct vga *v)
{
    raster_loaded(&v->raster, v->dev->env->clock);
    settle(v);
}

static const struct field vga_regs_fields[] = {
    FIELD(struct vga_regs, start, 0),
    FIELD_ARRAY(struct vga_regs, vbe, 0),
    FIELD_ARRAY(struct vga_regs, seq, 0),
    FIELD_ARRAY(struct vga_regs, crtc, 0),
    FIELD_ARRAY(struct vga_regs, gfx, 0),
    FIELD_ARRAY(struct vga_regs, attr, 0),
    FIELD_ARRAY(struct vga_regs, dac, 0),
    FIELD(struct vga_regs, misc, 0),
    FIELD(struct vga_regs, attr_index, 0),
    FIELD(struct vga_regs, pel_mask, 0xff),
    FIELD(struct vga_regs, feature, 0),
    FIELD_LIST_END,
};

const struct field vga_fields[] = {
    FIELD_HOST(struct vga, dev),
    FIELD_SUB(struct vga, regs, vga_regs_fields),
    FIELD(struct vga, latch, 0),
    FIELD(struct vga, seq_index, 0),
    FIELD(struct vga, crtc_index, 0),
    FIELD(struct vga, gfx_index, 0),
    FIELD(struct vga, flip_flop, false),
    FIELD(struct vga, dac_index, 0),
    FIELD(struct vga, dac_part, 0),
    FIELD(struct vga, dac_state, 0),
    FIELD_ARRAY(struct vga, dac_latch, 0),
    FIELD(struct vga, enable, 1),
    FIELD(struct vga, vbe_index, 0),
    FIELD_SUB(struct vga, raster, raster_fields),
    FIELD(struct vga, cleared, 0),
    FIELD_TIMER(struct vga, retrace),
    FIELD_HOST(struct vga, memory_mb),
    FIELD_HOST(struct vga, vram), /* the machine's to save, as RAM */
    FIELD_HOST(struct vga, whole),
    FIELD_HOST(struct vga, direct),
    FIELD_HOST(struct vga, screen),
    FIELD_LIST_END,
};
