/*
 * x87's environment and whole state in memory: FSTENV, FSAVE, FXSAVE, XSAVE
 * and what loads them.
 *
 * Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1,
 * 8.1.10 (the four formats of an environment), 10.5 (FXSAVE) and 13 (XSAVE);
 * volume 2.
 *
 * Images are put together here and written once it is known that nothing will
 * fault; they are read whole before anything changes.
 *
 * Missing: XSAVE's compacted form, and components but x87, SSE and PKRU.
 */
#include "cpu/x86/x87.h"

#include "cpu/x86/x86_isa.h"

/* ------------------------------------------------------- images in memory */

/* Where an image is; a segment's limit is checked for both its ends. */
static bool place(struct cpu *c, uint64_t ea, uint8_t segment, unsigned size,
                  uint8_t access, uint64_t *va)
{
    if (!x86_linear(c, segment, ea + size - 1, 1, access) ||
        !x86_linear(c, segment, ea, 1, access))
        return false;
    *va = c->scratch;
    return true;
}

static uint64_t at(struct cpu *c, uint64_t va, unsigned off)
{
    return x86_cut_pc(c, va + off);
}

/* The bytes that are taken at once, of those that are left. */
static unsigned piece(unsigned left)
{
    return left < 8 ? 2 : 8;
}

/* Can it be written?  Then writing does not fail. */
static bool check_image(struct cpu *c, uint64_t ea, uint8_t segment,
                        unsigned size)
{
    uint64_t va;

    if (!place(c, ea, segment, size, X86_WRITE, &va))
        return false;
    for (unsigned i = 0; i < size; i += 16)
        if (!cpu_check_write(c, at(c, va, i), size - i < 16 ? size - i : 16))
            return false;
    return true;
}

static bool write_image(struct cpu *c, uint64_t ea, uint8_t segment,
                        const uint8_t *image, unsigned size)
{
    uint64_t va;

    if (!check_image(c, ea, segment, size) ||
        !place(c, ea, segment, size, X86_WRITE, &va))
        return false;
    for (unsigned i = 0, n; i < size; i += n) {
        n = piece(size - i);
        if (!cpu_store(c, at(c, va, i), n, ld_le(image + i, n)))
            return false;
    }
    return true;
}

static bool read_image(struct cpu *c, uint64_t ea, uint8_t segment,
                       uint8_t *image, unsigned size)
{
    uint64_t va, v;

    if (!place(c, ea, segment, size, 0, &va))
        return false;
    for (unsigned i = 0, n; i < size; i += n) {
        n = piece(size - i);
        if (!cpu_load(c, at(c, va, i), n, &v))
            return false;
        st_le(image + i, v, n);
    }
    return true;
}

/* ------------------------------------------------------- the environment */

/* In real and V86 mode, pointers are linear. */
static bool linear_pointers(const struct x86_cpu *g)
{
    return !(g->cr0 & CR0_PE) || g->eflags & FLAG_VM;
}

static unsigned environment_size(unsigned bytes)
{
    return bytes == 2 ? 14 : 28;
}

static void fill_16(struct x86_cpu *g, uint8_t *image)
{
    const struct x86_x87 *x = &g->x87;
    uint32_t ip = (uint32_t)(x->cs * 16u + x->ip);
    uint32_t dp = (uint32_t)(x->ds * 16u + x->dp);

    st_le16(image, x->control);
    st_le16(image + 2, x87_status(g));
    st_le16(image + 4, x87_tags(g));
    if (linear_pointers(g)) {
        st_le16(image + 6, (uint16_t)ip);
        st_le16(image + 8,
                (uint16_t)((ip >> 4 & 0xf000) | (x87_opcode(g) & 0x7ff)));
        st_le16(image + 10, (uint16_t)dp);
        st_le16(image + 12, (uint16_t)(dp >> 4 & 0xf000));
    } else {
        st_le16(image + 6, (uint16_t)x->ip);
        st_le16(image + 8, x->cs);
        st_le16(image + 10, (uint16_t)x->dp);
        st_le16(image + 12, x->ds);
    }
}

static void fill_32(struct x86_cpu *g, uint8_t *image)
{
    const struct x86_x87 *x = &g->x87;
    uint32_t ip = (uint32_t)(x->cs * 16u + x->ip);
    uint32_t dp = (uint32_t)(x->ds * 16u + x->dp);
    uint32_t opcode = x87_opcode(g) & 0x7ff;

    /* The upper halves of these are ones. */
    st_le32(image, 0xffff0000u | x->control);
    st_le32(image + 4, 0xffff0000u | x87_status(g));
    st_le32(image + 8, 0xffff0000u | x87_tags(g));
    if (linear_pointers(g)) {
        st_le32(image + 12, 0xffff0000u | (uint16_t)ip);
        st_le32(image + 16, (ip >> 16 << 12) | opcode);
        st_le32(image + 20, 0xffff0000u | (uint16_t)dp);
        st_le32(image + 24, dp >> 16 << 12);
    } else {
        st_le32(image + 12, (uint32_t)x->ip);
        st_le32(image + 16, opcode << 16 | x->cs);
        st_le32(image + 20, (uint32_t)x->dp);
        st_le32(image + 24, 0xffff0000u | x->ds);
    }
}

static void fill_environment(struct x86_cpu *g, uint8_t *image, unsigned bytes)
{
    if (bytes == 2)
        fill_16(g, image);
    else
        fill_32(g, image);
}

/* Control, status, tags: what is in use; the rest goes by content. */
static void take_words(struct x86_cpu *g, uint16_t control, uint16_t status,
                       uint16_t tags)
{
    g->x87.used = 0;
    for (unsigned i = 0; i < 8; i++)
        if ((tags >> 2 * i & 3) != 3)
            g->x87.used |= (uint8_t)(1u << i);
    g->x87.opcode_due = false;
    x87_set_control(g, control);
    x87_set_status(g, status);
}

static void take_16(struct x86_cpu *g, const uint8_t *image)
{
    struct x86_x87 *x = &g->x87;

    take_words(g, ld_le16(image), ld_le16(image + 2), ld_le16(image + 4));
    x->ip = ld_le16(image + 6);
    x->dp = ld_le16(image + 10);
    x->cs = x->ds = 0;
    if (linear_pointers(g)) {
        x->ip |= (uint64_t)(ld_le16(image + 8) & 0xf000) << 4;
        x->dp |= (uint64_t)(ld_le16(image + 12) & 0xf000) << 4;
        x->opcode = ld_le16(image + 8) & 0x7ff;
    } else {
        x->cs = ld_le16(image + 8);
        x->ds = ld_le16(image + 12);
    }
}

static void take_32(struct x86_cpu *g, const uint8_t *image)
{
    struct x86_x87 *x = &g->x87;

    take_words(g, ld_le16(image), ld_le16(image + 4), ld_le16(image + 8));
    x->cs = x->ds = 0;
    if (linear_pointers(g)) {
        x->ip = ld_le16(image + 12) | (ld_le32(image + 16) >> 12 & 0xffff)
                                          << 16;
        x->dp = ld_le16(image + 20) | (ld_le32(image + 24) >> 12 & 0xffff)
                                          << 16;
        x->opcode = ld_le16(image + 16) & 0x7ff;
    } else {
        x->ip = ld_le32(image + 12);
        x->dp = ld_le32(image + 20);
        x->cs = ld_le16(image + 16);
        x->ds = ld_le16(image + 24);
        x->opcode = ld_le16(image + 18) & 0x7ff;
    }
}

static void take_environment(struct x86_cpu *g, const uint8_t *image,
                             unsigned bytes)
{
    if (bytes == 2)
        take_16(g, image);
    else
        take_32(g, image);
}

bool x86_fpu_store_env(struct cpu *c, uint64_t ea, uint8_t segment,
                       uint8_t bytes)
{
    struct x86_cpu *g = x86(c);
    uint8_t image[28];

    fill_environment(g, image, bytes);
    if (!write_image(c, ea, segment, image, environment_size(bytes)))
        return false;
    x87_set_control(g, g->x87.control | X87_EXCEPTIONS);
    return true;
}

bool x86_fpu_load_env(struct cpu *c, uint64_t ea, uint8_t segment,
                      uint8_t bytes)
{
    uint8_t image[28];

    if (!x87_waits(c) ||
        !read_image(c, ea, segment, image, environment_size(bytes)))
        return false;
    take_environment(x86(c), image, bytes);
    return true;
}

/* ------------------------------------------------------ FSAVE, FRSTOR */

bool x86_fpu_save(struct cpu *c, uint64_t ea, uint8_t segment, uint8_t bytes)
{
    struct x86_cpu *g = x86(c);
    unsigned size = environment_size(bytes);
    uint8_t image[108];

    fill_environment(g, image, bytes);
    for (unsigned i = 0; i < 8; i++) {
        unsigned n = (g->x87.top + i) & 7;

        st_le64(image + size + 10 * i, g->x87.mantissa[n]);
        st_le16(image + size + 10 * i + 8, g->x87.exponent[n]);
    }
    if (!write_image(c, ea, segment, image, size + 80))
        return false;
    x86_fpu_init(c);
    return true;
}

bool x86_fpu_restore(struct cpu *c, uint64_t ea, uint8_t segment, uint8_t bytes)
{
    struct x86_cpu *g = x86(c);
    unsigned size = environment_size(bytes);
    uint8_t image[108];

    if (!x87_waits(c) || !read_image(c, ea, segment, image, size + 80))
        return false;
    take_environment(g, image, bytes);
    for (unsigned i = 0; i < 8; i++) {
        unsigned n = (g->x87.top + i) & 7;

        g->x87.mantissa[n] = ld_le64(image + size + 10 * i);
        g->x87.exponent[n] = ld_le16(image + size + 10 * i + 8);
    }
    return true;
}

/* --------------------------------------------------------------- FXSAVE */

/* The image of FXSAVE, and XSAVE's beginning, SDM 1-10.5.1. */
enum {
    FX_CONTROL = 0,
    FX_STATUS = 2,
    FX_USED = 4,
    FX_OPCODE = 6,
    FX_IP = 8,
    FX_CS = 12,
    FX_DP = 16,
    FX_DS = 20,
    FX_MXCSR = 24,
    FX_MXCSR_MASK = 28,
    FX_ST = 32,
    FX_XMM = 160,
    FX_SIZE = 512,
    XSAVE_BV = 512, /* the header */
    XSAVE_COMPACT = 520,
    XSAVE_SIZE = 576,
};

/* bytes 8: the pointers have 64 bits, and no segments. */
static void fill_fx_x87(struct x86_cpu *g, uint8_t *image, unsigned bytes)
{
    const struct x86_x87 *x = &g->x87;

    st_le16(image + FX_CONTROL, x->control);
    st_le16(image + FX_STATUS, x87_status(g));
    image[FX_USED] = x->used;
    image[FX_USED + 1] = 0;
    st_le16(image + FX_OPCODE, x87_opcode(g) & 0x7ff);
    st_le64(image + FX_IP, x->ip);
    st_le64(image + FX_DP, x->dp);
    if (bytes != 8) {
        st_le32(image + FX_CS, x->cs);
        st_le32(image + FX_DS, x->ds);
    }
    for (unsigned i = 0; i < 8; i++) {
        unsigned n = (x->top + i) & 7;

        st_le64(image + FX_ST + 16 * i, x->mantissa[n]);
        st_le64(image + FX_ST + 16 * i + 8, x->exponent[n]);
    }
}

static void take_fx_x87(struct x86_cpu *g, const uint8_t *image, unsigned bytes)
{
    struct x86_x87 *x = &g->x87;

    x87_set_control(g, ld_le16(image + FX_CONTROL));
    x87_set_status(g, ld_le16(image + FX_STATUS));
    x->used = image[FX_USED];
    x->opcode = ld_le16(image + FX_OPCODE) & 0x7ff;
    x->opcode_due = false;
    x->ip = bytes == 8 ? ld_le64(image + FX_IP) : ld_le32(image + FX_IP);
    x->dp = bytes == 8 ? ld_le64(image + FX_DP) : ld_le32(image + FX_DP);
    x->cs = bytes == 8 ? 0 : ld_le16(image + FX_CS);
    x->ds = bytes == 8 ? 0 : ld_le16(image + FX_DS);
    for (unsigned i = 0; i < 8; i++) {
        unsigned n = (x->top + i) & 7;

        x->mantissa[n] = ld_le64(image + FX_ST + 16 * i);
        x->exponent[n] = ld_le16(image + FX_ST + 16 * i + 8);
    }
}

static unsigned xmm_count(const struct x86_cpu *g)
{
    return x86_long(g) ? 16 : 8;
}

static void fill_fx_xmm(const struct x86_cpu *g, uint8_t *image)
{
    for (unsigned i = 0; i < xmm_count(g); i++) {
        st_le64(image + FX_XMM + 16 * i, v128_lo(g->xmm[i]));
        st_le64(image + FX_XMM + 16 * i + 8, v128_hi(g->xmm[i]));
    }
}

static void take_fx_xmm(struct x86_cpu *g, const uint8_t *image)
{
    for (unsigned i = 0; i < xmm_count(g); i++)
        g->xmm[i] = v128_make(ld_le64(image + FX_XMM + 16 * i + 8),
                              ld_le64(image + FX_XMM + 16 * i));
}

/* AMD's fast form leaves the xmm registers alone, for the kernel. */
static bool fx_has_xmm(const struct x86_cpu *g)
{
    return g->cr4 & CR4_OSFXSR &&
           !(g->efer & EFER_FFXSR && x86_long(g) && g->cpl == 0);
}

static bool aligned(struct cpu *c, uint64_t ea, uint8_t segment, unsigned bits)
{
    if (!x86_linear(c, segment, ea, 1, 0))
        return false;
    if (!(c->scratch & ((1u << bits) - 1)))
        return true;
    x86_raise(c, VECTOR_GP, 0);
    return false;
}

bool x86_fxsave(struct cpu *c, uint64_t ea, uint8_t segment, uint8_t bytes)
{
    struct x86_cpu *g = x86(c);
    uint8_t image[FX_SIZE];

    /* What it does not write stays: reserved, for software, xmm8 to 15. */
    if (!aligned(c, ea, segment, 4) || !check_image(c, ea, segment, FX_SIZE) ||
        !read_image(c, ea, segment, image, FX_SIZE))
        return false;
    fill_fx_x87(g, image, bytes);
    if (g->cr4 & CR4_OSFXSR) {
        st_le32(image + FX_MXCSR, x86_mxcsr(g));
        st_le32(image + FX_MXCSR_MASK, X86_MXCSR_MASK);
    }
    if (fx_has_xmm(g))
        fill_fx_xmm(g, image);
    return write_image(c, ea, segment, image, FX_SIZE);
}

bool x86_fxrstor(struct cpu *c, uint64_t ea, uint8_t segment, uint8_t bytes)
{
    struct x86_cpu *g = x86(c);
    uint8_t image[FX_SIZE];

    if (!aligned(c, ea, segment, 4) ||
        !read_image(c, ea, segment, image, FX_SIZE))
        return false;
    if (g->cr4 & CR4_OSFXSR) {
        if (!x86_ldmxcsr(c, ld_le32(image + FX_MXCSR)))
            return false;
        if (fx_has_xmm(g))
            take_fx_xmm(g, image);
    }
    take_fx_x87(g, image, bytes);
    return true;
}

/* ---------------------------------------------------------------- XSAVE */

unsigned x86_xsave_size(uint64_t components)
{
    return components & XFEATURE_PKRU ? XSAVE_PKRU + 8 : XSAVE_SIZE;
}

/* What EDX:EAX asks for, of what XCR0 has. */
static uint64_t requested(const struct x86_cpu *g)
{
    return (g->g[2] << 32 | (uint32_t)g->g[0]) & g->xcr0;
}

bool x86_xsave(struct cpu *c, uint64_t ea, uint8_t segment, uint8_t bytes)
{
    struct x86_cpu *g = x86(c);
    uint64_t which = requested(g);
    uint8_t image[XSAVE_SIZE], pkru[8];

    if (!aligned(c, ea, segment, 6) ||
        !check_image(c, ea, segment, XSAVE_SIZE) ||
        !read_image(c, ea, segment, image, XSAVE_SIZE))
        return false;
    if (which & XFEATURE_PKRU) {
        st_le64(pkru, g->pkru);
        if (!write_image(c, ea + XSAVE_PKRU, segment, pkru, sizeof(pkru)))
            return false;
    }
    if (which & XFEATURE_X87)
        fill_fx_x87(g, image, bytes);
    if (which & XFEATURE_SSE) {
        st_le32(image + FX_MXCSR, x86_mxcsr(g));
        st_le32(image + FX_MXCSR_MASK, X86_MXCSR_MASK);
        fill_fx_xmm(g, image);
    }
    /* Components in use: all of those, as far as anyone can tell. */
    st_le64(image + XSAVE_BV, ld_le64(image + XSAVE_BV) | which);
    return write_image(c, ea, segment, image, XSAVE_SIZE);
}

/* #GP for a header that says what there is not, SDM 1-13.8. */
static bool good_header(const struct x86_cpu *g, const uint8_t *image)
{
    for (unsigned i = XSAVE_COMPACT; i < XSAVE_COMPACT + 16; i++)
        if (image[i])
            return false;
    return !(ld_le64(image + XSAVE_BV) & ~g->xcr0);
}

bool x86_xrstor(struct cpu *c, uint64_t ea, uint8_t segment, uint8_t bytes)
{
    struct x86_cpu *g = x86(c);
    uint64_t which = requested(g), have;
    uint8_t image[XSAVE_SIZE], pkru[8] = {0};

    if (!aligned(c, ea, segment, 6) ||
        !read_image(c, ea, segment, image, XSAVE_SIZE))
        return false;
    if (!good_header(g, image)) {
        x86_raise(c, VECTOR_GP, 0);
        return false;
    }
    have = ld_le64(image + XSAVE_BV);
    if (which & have & XFEATURE_PKRU &&
        !read_image(c, ea + XSAVE_PKRU, segment, pkru, sizeof(pkru)))
        return false;
    if (which & XFEATURE_SSE && !x86_ldmxcsr(c, ld_le32(image + FX_MXCSR)))
        return false;
    if (which & XFEATURE_X87 && have & XFEATURE_X87)
        take_fx_x87(g, image, bytes);
    else if (which & XFEATURE_X87)
        x87_reset(g);
    if (which & XFEATURE_PKRU)
        x86_set_pkru(g, ld_le32(pkru));
    if (which & XFEATURE_SSE) {
        if (!(have & XFEATURE_SSE))
            memset(image + FX_XMM, 0, FX_SIZE - FX_XMM);
        take_fx_xmm(g, image);
    }
    return true;
}
