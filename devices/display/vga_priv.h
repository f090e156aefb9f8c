/*
 * A VGA with Bochs' VBE extensions, as its cards on PCI and ISA share it:
 * registers and memory (vga.c), time (vga_time.c), VBE (vbe.c), picture
 * (vga_draw.c, vga_line.c).
 *
 * Video memory is one block of RAM.  Linear modes see its bytes as they are.
 * A VGA has four planes of 64 KiB; the bytes of one address lie side by
 * side, and the addresses so that what chain-4 shows is linear as well: the
 * multiples of 4 come first, then those with remainder 1, and so on.  See
 * vga_place().
 */
#ifndef DEVICES_DISPLAY_VGA_PRIV_H
#define DEVICES_DISPLAY_VGA_PRIV_H

#include "devices/device.h"
#include "devices/display/display.h"
#include "devices/display/raster.h"

/* Sequencer. */
enum {
    SR_RESET = 0,
    SR_CLOCKING = 1,
    SR_MAP_MASK = 2,
    SR_CHARACTER_MAP = 3,
    SR_MEMORY = 4,

    SR0_RUN = 3, /* neither the asynchronous reset nor the other */
    SR1_8DOT = 1 << 0,
    SR1_SHIFT_LOAD = 1 << 2,
    SR1_HALF_CLOCK = 1 << 3,
    SR1_SHIFT_4 = 1 << 4,
    SR1_SCREEN_OFF = 1 << 5,
    SR4_EXTENDED = 1 << 1,   /* more than 64 KiB, and fonts to choose */
    SR4_SEQUENTIAL = 1 << 2, /* no odd/even */
    SR4_CHAIN4 = 1 << 3,
};

/* CRT controller. */
enum {
    CR_H_TOTAL = 0x00,
    CR_H_DISPLAY_END = 0x01,
    CR_H_BLANK_END = 0x03,
    CR_V_TOTAL = 0x06,
    CR_OVERFLOW = 0x07,
    CR_PRESET_ROW = 0x08,
    CR_MAX_SCAN_LINE = 0x09,
    CR_CURSOR_START = 0x0a,
    CR_CURSOR_END = 0x0b,
    CR_START_HIGH = 0x0c,
    CR_START_LOW = 0x0d,
    CR_CURSOR_HIGH = 0x0e,
    CR_CURSOR_LOW = 0x0f,
    CR_V_RETRACE_START = 0x10,
    CR_V_RETRACE_END = 0x11,
    CR_V_DISPLAY_END = 0x12,
    CR_OFFSET = 0x13,
    CR_UNDERLINE = 0x14,
    CR_MODE = 0x17,
    CR_LINE_COMPARE = 0x18,
    CR_LATCH = 0x22, /* not in IBM's book, but in the chip */
    CR_FLIP_FLOP = 0x24,
    CR_ATTR_INDEX = 0x26,

    CR3_COMPATIBLE_READ = 1 << 7,
    CR9_DOUBLE_SCAN = 1 << 7,
    CR11_NOT_CLEAR = 1 << 4,    /* the interrupt's latch may be set */
    CR11_NO_INTERRUPT = 1 << 5, /* it does not reach the wire */
    CR11_PROTECT = 1 << 7,
    CR14_COUNT_BY_4 = 1 << 5,
    CR14_DOUBLEWORD = 1 << 6,
    CR17_NOT_ROW0 = 1 << 0,     /* address bit 13 is not the row scan's bit 0 */
    CR17_NOT_ROW1 = 1 << 1,     /* bit 14, bit 1 */
    CR17_EVERY_SECOND = 1 << 2, /* the vertical counter counts line pairs */
    CR17_COUNT_BY_2 = 1 << 3,
    CR17_WRAP_15 = 1 << 5,
    CR17_BYTE = 1 << 6,
    CR17_RUN = 1 << 7, /* there is sync */
};

/* Graphics controller. */
enum {
    GR_SET_RESET = 0,
    GR_ENABLE_SET_RESET = 1,
    GR_COLOUR_COMPARE = 2,
    GR_ROTATE = 3,
    GR_READ_MAP = 4,
    GR_MODE = 5,
    GR_MISC = 6,
    GR_COLOUR_CARE = 7,
    GR_BIT_MASK = 8,

    GR5_WRITE_MODE = 3,
    GR5_READ_MODE = 1 << 3,
    GR5_ODD_EVEN = 1 << 4,
    GR5_INTERLEAVE = 1 << 5,
    GR5_256 = 1 << 6,
    GR6_GRAPHICS = 1 << 0,
    GR6_CHAIN2 = 1 << 1,
};

/* Attribute controller. */
enum {
    AR_MODE = 0x10,
    AR_OVERSCAN = 0x11,
    AR_PLANES = 0x12,
    AR_PANNING = 0x13,
    AR_COLOUR_SELECT = 0x14,

    AR10_LINE_GRAPHICS = 1 << 2,
    AR10_BLINK = 1 << 3,
    AR10_SPLIT_PANNING = 1 << 5,
    AR10_8BIT = 1 << 6, /* two dots are one pixel of 8 bits */
    AR10_P54 = 1 << 7,
    AR_PAS = 1 << 5, /* of the index: the screen has the palette */
};

/* Miscellaneous output. */
enum {
    MISC_COLOUR = 1 << 0, /* 3Dx, not 3Bx */
    MISC_RAM = 1 << 1,
    MISC_CLOCK = 3 << 2,
    MISC_LOW_PAGE = 1 << 5,
};

/* Bochs' DISPI registers. */
enum {
    VBE_ID,
    VBE_XRES,
    VBE_YRES,
    VBE_BPP,
    VBE_ENABLE,
    VBE_BANK,
    VBE_VIRT_WIDTH,
    VBE_VIRT_HEIGHT,
    VBE_X_OFFSET,
    VBE_Y_OFFSET,
    VBE_MEMORY,
    VBE_REGISTERS,

    VBE_ENABLED = 0x01,
    VBE_GETCAPS = 0x02,
    VBE_8BIT_DAC = 0x20,
    VBE_LFB = 0x40,
    VBE_NOCLEAR = 0x80,

    VBE_MAX_X = 2560,
    VBE_MAX_Y = 1600,
    VBE_MAX_BPP = 32,
};

#define VGA_BANK 0x10000u
#define VGA_MIN_MEMORY 0x40000u

/* All that the look of a scan line depends on.  No padding. */
struct vga_regs {
    uint32_t start;   /* address that the frame begins with: latched */
    uint16_t vbe[16]; /* VBE_REGISTERS of them */
    uint8_t seq[8];
    uint8_t crtc[32];
    uint8_t gfx[16];
    uint8_t attr[32];
    uint8_t dac[768];
    uint8_t misc, attr_index, pel_mask, feature;
};

struct vga_screen;

struct vga {
    struct device *dev;
    struct vga_regs regs;
    uint32_t latch; /* plane n: bits 8n to 8n + 7 */
    uint8_t seq_index, crtc_index, gfx_index;
    bool flip_flop;              /* the next write to 3C0 is data */
    uint8_t dac_index, dac_part; /* of 3C8; which of its three parts is next */
    uint8_t dac_state; /* 3: the DAC was told to be read, 0: to be written */
    uint8_t dac_latch[3];
    uint8_t enable; /* 3C3, 46E8 */
    uint16_t vbe_index;
    struct raster raster;
    uint64_t cleared; /* retraces until the interrupt was cleared last */
    struct timer retrace;

    uint32_t memory_mb; /* property */
    struct ram *vram;
    struct region whole;  /* all of vram; in no space */
    struct region direct; /* a bank, over the window at A0000 */
    struct vga_screen *screen;
};

extern const struct field vga_fields[];

/* The windows that the cards share, in this order. */
enum {
    VGA_WINDOW_MEMORY, /* A0000 to BFFFF */
    VGA_WINDOW_PORTS,  /* 3C0 to 3DF */
    VGA_WINDOW_MONO,   /* 3B0 to 3BB */
    VGA_WINDOW_VBE,    /* 1CE to 1D1 */
    VGA_WINDOWS,
};
#define VGA_MEMORY_WINDOW                                                      \
    {                                                                          \
        .name = "memory", .size = 0x20000, .accept = 1 | 2 | 4 | 8, .impl = 1, \
        .unaligned = true                                                      \
    }
#define VGA_VBE_WINDOW                                                         \
    {                                                                          \
        .name = "VBE", .size = 4, .accept = 2, .impl = 2, .unaligned = true,   \
        .port = true                                                           \
    }

/* -- vga.c -- */

bool vga_create(struct vga *v, struct device *dev, struct error *e);
/* The window at A0000 has its place. */
bool vga_placed(struct vga *v, struct error *e);
void vga_destroy(struct vga *v);
void vga_reset(struct vga *v);
void vga_loaded(struct vga *v);
uint64_t vga_read(struct vga *v, unsigned window, uint64_t offset,
                  unsigned size);
void vga_write(struct vga *v, unsigned window, uint64_t offset, uint64_t value,
               unsigned size);
uint8_t vga_port_read(struct vga *v, unsigned port);
void vga_port_write(struct vga *v, unsigned port, uint8_t value);
/* Its ports and its memory at A0000 are there, or not. */
void vga_enable(struct vga *v, bool on);
/* Registers that say where memory is seen have changed. */
void vga_map_memory(struct vga *v);

/* Where in vram the four bytes of an address lie; those of a VGA are below
 * 64 Ki, VBE's 16 colours have more. */
static inline uint32_t vga_place(uint32_t offset)
{
    return (offset & ~0xffffu) << 2 | (offset & 3) << 16 | (offset & 0xfffc);
}

/* Of the address of planes: a VGA has four times 64 KiB, or is told that it has
 * 16. */
static inline uint32_t vga_plane_mask(const struct vga_regs *r)
{
    return (r->seq[SR_MEMORY] & SR4_EXTENDED) ||
                   (r->vbe[VBE_ENABLE] & VBE_ENABLED)
               ? 0xffff
               : 0x3fff;
}

/* -- vga_time.c -- */

struct raster_beam vga_beam(const struct vga *v);
/* Registers that the timing depends on have changed. */
void vga_retime(struct vga *v);
/* Take the start address over if a vertical retrace has begun since. */
void vga_latch_start(struct vga *v, const struct raster_beam *b);
/* The DAC gets 8 bits a colour, or 6 again: colours stay as they are. */
void vga_widen_dac(struct vga *v, bool wide);
/* Change a register, so that the screen shows when. */
void vga_change(struct vga *v, uint8_t *reg, uint8_t value);
uint8_t vga_status_0(const struct vga *v); /* 3C2 */
uint8_t vga_status_1(const struct vga *v); /* 3xA */
/* CR11 becomes `value`. */
void vga_interrupt_control(struct vga *v, uint8_t value);
void vga_timer_init(struct vga *v);
/* Set the interrupt's wire, and the timer for when it changes. */
void vga_interrupt(struct vga *v);

/* -- vbe.c -- */

struct vbe_mode {
    uint32_t width, height, bpp;
    uint32_t pitch; /* bytes (16 colours: of a plane) from line to line */
    uint32_t start; /* byte of the first pixel */
};
/* false: VBE is not enabled. */
bool vbe_mode(const struct vga_regs *r, uint64_t memory, struct vbe_mode *m);
/* Is the window at A0000 a bank of linear memory?  Gives its first byte. */
bool vbe_bank(const struct vga *v, uint32_t *start);
void vbe_reset(struct vga *v);
uint16_t vbe_read(const struct vga *v, unsigned index);
void vbe_write(struct vga *v, unsigned index, uint16_t value);

/* -- vga_draw.c -- */

bool vga_screen_new(struct vga *v, struct error *e);
void vga_screen_free(struct vga *v);
/* Forget what was drawn. */
void vga_screen_reset(struct vga *v);
/* The bits of byte `at` of regs that a picture is made of; the others matter to
 * the CPU's accesses and to timing only. */
uint8_t vga_seen(size_t at);
/* Before byte `at` of regs becomes `value`, for what is drawn of this frame
 * later. */
void vga_screen_note(struct vga *v, const struct raster_beam *b, size_t at,
                     uint8_t value);
void vga_screen_update(struct vga *v, struct display_frame *out);
bool vga_screen_text(struct vga *v, struct display_text *out);

/* -- vga_line.c -- */

/* The address generator, from scan line to scan line. */
struct vga_walk {
    uint32_t address; /* of the line's first character */
    uint32_t row_scan;
    bool again; /* the line is the second of two (double scan) */
    bool split; /* behind the line compare */
};

struct vga_painter {
    const struct vga *vga;
    const struct vga_regs *regs;
    uint64_t frame;       /* for what blinks */
    const uint32_t *colour; /* 256, by what regs make of a pixel's value */
    uint32_t overscan;
};

/* Room for a cell more on the left and on the right. */
#define VGA_LINE (VBE_MAX_X + 32)

/* Cells and dots of a line, and lines. */
unsigned vga_columns(const struct vga_regs *r);
unsigned vga_width(const struct vga_regs *r);
unsigned vga_height(const struct vga_regs *r);
bool vga_is_text(const struct vga_regs *r);
/* The picture is black or of the overscan's colour, whatever is in memory;
 * VBE's modes ask less. */
bool vga_is_blank(const struct vga_regs *r);
bool vbe_is_blank(const struct vga_regs *r);
/* No colour, not even the overscan's, leaves the DAC. */
bool vga_is_dark(const struct vga_regs *r);
bool vga_has_no_sync(const struct vga_regs *r);
bool vga_cursor(const struct vga_regs *r, uint32_t *address);
bool vga_cursor_on(uint64_t frame);
bool vga_blink_on(uint64_t frame);
/* Offset within planes of what the address generator says. */
uint32_t vga_offset(const struct vga_regs *r, uint32_t address,
                    uint32_t row_scan);
/* Offsets of the two fonts, by attribute bit 3. */
uint32_t vga_font(const struct vga_regs *r, bool intense);
void vga_walk_start(const struct vga_regs *r, struct vga_walk *w);
/* From line y to the next. */
void vga_walk_next(const struct vga_regs *r, struct vga_walk *w, unsigned y);
/* From anywhere to line y. */
void vga_walk_to(const struct vga_regs *r, struct vga_walk *w, unsigned y);
/* The painter's registers have changed; its colours are kept in `colour`. */
void vga_paint_prepare(struct vga_painter *p, uint32_t colour[256]);
/* width pixels; line has room for VGA_LINE, the result is within it. */
const uint32_t *vga_paint(const struct vga_painter *p, const struct vga_walk *w,
                          uint32_t *line);
/* What goes to the DAC, ahead of the PEL mask, at a dot of line `y`. */
unsigned vga_dot(const struct vga *v, const struct raster_beam *b);
/* A colour of the DAC, 0xrrggbb. */
uint32_t vga_colour(const struct vga_regs *r, unsigned i);
void vbe_paint(const struct vga_painter *p, const struct vbe_mode *m,
               unsigned y, uint32_t *line);

#endif
