/*
 * Linux by its 64- or 32-bit entry, or any program with a PVH entry, without a
 * BIOS.
 *
 * Linux, Documentation/arch/x86/boot.rst (sections "32-bit Boot Protocol",
 * "64-bit Boot Protocol") and zero-page.rst; Xen, docs/misc/pvh.pandoc and
 * public/arch-x86/hvm/start_info.h; Intel MultiProcessor Specification 1.4,
 * chapter 4.
 *
 * Where the board has no ACPI, the MP table and Linux's command line say what
 * there is.
 *
 * Missing: an initrd for PVH programs of more than one module.
 */
#include "machine/load/pc_direct.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "machine/load/image.h"
#include "machine/load/source.h"
#include "roms/x86/direct_layout.h"

#define PAGES 0x1000u /* where page tables lie: a PML4, a PDPT, four PDs */
#define PAGES_SIZE 0x6000u
#define INFO 0x7000u
#define STACK 0x8ff0u
#define LINE 0x20000u
#define LINE_LIMIT 4096u
#define LOW_END 0x9fc00u
#define BIOS_START 0xe0000u
#define MP_START 0xf0000u
#define MIB 0x100000u
#define RESET (UINT64_C(0x100000000) - DIRECT_SIZE)

#define PTE_PRESENT 1u
#define PTE_WRITE 2u
#define PTE_LARGE 0x80u

enum { /* boot parameters */
       PARAMS_SIZE = 4096,
       PARAMS_RSDP = 0x70,
       PARAMS_E820_COUNT = 0x1e8,
       PARAMS_HEADER = 0x1f1,
       PARAMS_HEADER_END = 0x201, /* the jump's second byte: from 0x202 on */
       PARAMS_VERSION = 0x206,
       PARAMS_LOADER = 0x210,
       PARAMS_RAMDISK = 0x218,
       PARAMS_RAMDISK_SIZE = 0x21c,
       PARAMS_LINE = 0x228,
       PARAMS_XLOADFLAGS = 0x236,
       PARAMS_E820 = 0x2d0,

       E820_ENTRY = 20,
       E820_RAM = 1,
       E820_RESERVED = 2,
       XLF_KERNEL_64 = 1,
};

enum { /* PVH */
       PVH_SIZE = 56,
       PVH_MODULE = 32,
       PVH_MAP_ENTRY = 24,
       PVH_NOTE = 18, /* XEN_ELFNOTE_PHYS32_ENTRY */
};
#define MP_LEVEL 0x0d /* high, level */
#define PVH_MAGIC 0x336ec578u

struct range {
    uint64_t base, size;
    unsigned type;
};

static bool make(struct pc_direct *d, enum pc_direct_part part,
                 uint64_t address, uint32_t size, struct error *e)
{
    d->item[part] = (struct pc_item){.bytes = calloc(1, size),
                                     .address = (uint32_t)address,
                                     .size = size,
                                     .room = size};
    return d->item[part].bytes || error_set(e, "out of memory");
}

/* What is RAM: the first MiB has holes that belong to what a BIOS has there. */
static unsigned ranges(const struct pc_direct_config *c, struct range *out)
{
    unsigned n = 0;

    out[n++] = (struct range){0, LOW_END, E820_RAM};
    out[n++] = (struct range){LOW_END, 0xa0000 - LOW_END, E820_RESERVED};
    out[n++] = (struct range){BIOS_START, MIB - BIOS_START, E820_RESERVED};
    out[n++] = (struct range){MIB, c->ram[0].size - MIB, E820_RAM};
    for (unsigned i = 1; i < c->n_ram && i < PC_DIRECT_MAX_RAM; i++)
        if (c->ram[i].size)
            out[n++] = (struct range){c->ram[i].base, c->ram[i].size, E820_RAM};
    return n;
}

/* -- the command line -- */

static bool make_line(struct pc_direct *d, const struct pc_direct_config *c,
                      struct error *e)
{
    const char *append = c->kernel.append ? c->kernel.append : "";
    char text[LINE_LIMIT];
    size_t n = (size_t)snprintf(text, sizeof(text), "%s", append);

    for (unsigned i = 0; n < sizeof(text) && !c->acpi_size && i < c->n_slots;
         i++)
        n += (size_t)snprintf(
            text + n, sizeof(text) - n, "%svirtio_mmio.device=%u@0x%llx:%u",
            n ? " " : "", c->slot[i].size,
            (unsigned long long)c->slot[i].address, c->slot[i].input);
    if (n >= sizeof(text))
        return error_set(e,
                         "-append: more than %u characters, with what is "
                         "said of devices",
                         LINE_LIMIT - 1);
    if (!make(d, PC_DIRECT_LINE, LINE, (uint32_t)n + 1, e))
        return false;
    memcpy(d->item[PC_DIRECT_LINE].bytes, text, n);
    return true;
}

/* -- the MP table -- */

static uint8_t *mp_interrupt(uint8_t *p, unsigned type, unsigned flags,
                             unsigned line, unsigned apic, unsigned input)
{
    p[0] = type == 3 ? 4 : 3;
    p[1] = (uint8_t)type;            /* 0: INT, 1: NMI, 3: ExtINT */
    st_le16(p + 2, (uint16_t)flags); /* 0: as the bus has them */
    p[4] = 0;                        /* ISA */
    p[5] = (uint8_t)line;
    p[6] = (uint8_t)apic;
    p[7] = (uint8_t)input;
    return p + 8;
}

static void checksum(uint8_t *table, size_t size, unsigned at)
{
    table[at] = (uint8_t)(table[at] - sum_bytes(table, size));
}

/* A virtio device's line is a level, high: MP_LEVEL. */
static unsigned mp_flags(const struct pc_direct_config *c, unsigned input)
{
    for (unsigned i = 0; i < c->n_slots; i++)
        if (c->slot[i].input == input)
            return MP_LEVEL;
    return 0;
}

static bool make_mp(struct pc_direct *d, const struct pc_direct_config *c,
                    struct error *e)
{
    const unsigned ioapic = c->n_cpus;
    const uint32_t size =
        16 + 44 + 20 * c->n_cpus + 8 + 8 + 8 * c->ioapic_inputs + 16;
    unsigned entries = 0;
    uint8_t *b, *t, *p;

    if (!c->ioapic)
        return true;
    if (!make(d, PC_DIRECT_MP, MP_START, size, e))
        return false;
    b = d->item[PC_DIRECT_MP].bytes;
    t = b + 16;
    memcpy(b, "_MP_", 4);
    st_le32(b + 4, MP_START + 16);
    b[8] = 1; /* its size in 16 bytes */
    b[9] = 4; /* version 1.4 */
    checksum(b, 16, 10);
    memcpy(t, "PCMP", 4);
    t[6] = 4;
    memcpy(t + 8, "EMU     MICROVM     ", 20);
    st_le32(t + 36, c->lapic);
    p = t + 44;
    for (unsigned i = 0; i < c->n_cpus; i++, p += 20, entries++) {
        p[1] = (uint8_t)i;
        p[2] = 0x14;
        p[3] = i ? 1 : 3; /* enabled; the first is the one that starts */
        st_le32(p + 4, 0x600);
        st_le32(p + 8, 0x201); /* FPU, APIC */
    }
    p[0] = 1;
    memcpy(p + 2, "ISA   ", 6);
    p += 8;
    p[0] = 2;
    p[1] = (uint8_t)ioapic;
    p[2] = 0x11;
    p[3] = 1;
    st_le32(p + 4, c->ioapic);
    p += 8;
    entries += 2;
    /* Each input is the line of that number; line 0, the timer, is wired to
     * input 2. */
    for (unsigned i = 0; i < c->ioapic_inputs; i++) {
        if (i == 2)
            continue;
        p = mp_interrupt(p, 0, mp_flags(c, i), i, ioapic, i ? i : 2);
        entries++;
    }
    p = mp_interrupt(p, 3, 0, 0, 0xff, 0);
    p = mp_interrupt(p, 1, 0, 0, 0xff, 1);
    p[-8] = 4;
    entries += 2;
    st_le16(t + 4, (uint16_t)(p - t));
    st_le16(t + 34, (uint16_t)entries);
    checksum(t, (size_t)(p - t), 7);
    return true;
}

/* -- ACPI -- */

static bool make_acpi(struct pc_direct *d, const struct pc_direct_config *c,
                      struct error *e)
{
    if (!c->acpi_size)
        return true;
    if (c->acpi_size > MP_START - PC_DIRECT_ACPI_AT)
        return error_set(e, "ACPI's tables have %u bytes", c->acpi_size);
    if (!make(d, PC_DIRECT_ACPI, PC_DIRECT_ACPI_AT, c->acpi_size, e))
        return false;
    memcpy(d->item[PC_DIRECT_ACPI].bytes, c->acpi, c->acpi_size);
    return true;
}

/* Where its RSDP is, or 0. */
static uint64_t rsdp(const struct pc_direct *d)
{
    return d->item[PC_DIRECT_ACPI].bytes ? PC_DIRECT_ACPI_AT : 0;
}

/* -- Linux -- */

static bool make_pages(struct pc_direct *d, struct error *e)
{
    uint8_t *p;

    if (!make(d, PC_DIRECT_PAGES, PAGES, PAGES_SIZE, e))
        return false;
    p = d->item[PC_DIRECT_PAGES].bytes;
    st_le64(p, (PAGES + 0x1000) | PTE_PRESENT | PTE_WRITE);
    for (unsigned i = 0; i < 4; i++)
        st_le64(p + 0x1000 + 8 * i,
                (PAGES + 0x2000 + 0x1000 * i) | PTE_PRESENT | PTE_WRITE);
    for (unsigned i = 0; i < 4 * 512; i++)
        st_le64(p + 0x2000 + 8 * i,
                ((uint64_t)i << 21) | PTE_PRESENT | PTE_WRITE | PTE_LARGE);
    return true;
}

static bool make_params(struct pc_direct *d, const struct pc_direct_config *c,
                        const struct pc_kernel *k, struct error *e)
{
    const uint8_t *h = k->setup.bytes;
    struct range r[PC_DIRECT_MAX_RAM + 4];
    unsigned n = ranges(c, r), end = 0x202 + h[PARAMS_HEADER_END];
    uint8_t *p;

    if (!make(d, PC_DIRECT_INFO, INFO, PARAMS_SIZE, e))
        return false;
    p = d->item[PC_DIRECT_INFO].bytes;
    if (end > k->setup.size)
        end = k->setup.size;
    if (end > PARAMS_E820)
        end = PARAMS_E820;
    memcpy(p + PARAMS_HEADER, h + PARAMS_HEADER, end - PARAMS_HEADER);
    p[PARAMS_LOADER] = 0xff;
    st_le64(p + PARAMS_RSDP, rsdp(d));
    st_le32(p + PARAMS_LINE, LINE);
    st_le32(p + PARAMS_RAMDISK, k->initrd.address);
    st_le32(p + PARAMS_RAMDISK_SIZE, k->initrd.size);
    p[PARAMS_E820_COUNT] = (uint8_t)n;
    for (unsigned i = 0; i < n; i++) {
        st_le64(p + PARAMS_E820 + E820_ENTRY * i, r[i].base);
        st_le64(p + PARAMS_E820 + E820_ENTRY * i + 8, r[i].size);
        st_le32(p + PARAMS_E820 + E820_ENTRY * i + 16, r[i].type);
    }
    return true;
}

extern const unsigned char pc_direct_rom[];
extern const size_t pc_direct_rom_size;

static bool make_reset(struct pc_direct *d, uint32_t entry, uint32_t ebx,
                       uint32_t esi, uint32_t cr3, struct error *e)
{
    uint8_t *p;

    if (pc_direct_rom_size != DIRECT_SIZE)
        return error_set(e, "the reset code has %zu bytes", pc_direct_rom_size);
    if (!make(d, PC_DIRECT_RESET, RESET, DIRECT_SIZE, e))
        return false;
    p = d->item[PC_DIRECT_RESET].bytes;
    memcpy(p, pc_direct_rom, DIRECT_SIZE);
    st_le32(p + DIRECT_ENTRY, entry);
    st_le32(p + DIRECT_EBX, ebx);
    st_le32(p + DIRECT_ESI, esi);
    st_le32(p + DIRECT_CR3, cr3);
    st_le32(p + DIRECT_STACK, STACK);
    return true;
}

/* Move an item over, with its bytes. */
static void hand_over(struct pc_direct *d, enum pc_direct_part part,
                      struct pc_item *from)
{
    if (!from->size)
        return;
    d->item[part] = *from;
    from->bytes = NULL;
}

static bool open_linux(struct pc_direct *d, const struct pc_direct_config *c,
                       struct error *e)
{
    struct pc_kernel k;
    unsigned version;
    uint32_t entry;
    bool wide, ok;

    if (!pc_kernel_open(&k, &c->kernel, e))
        return false;
    if (k.kind != KERNEL_KIND_LINUX || k.kernel.address != MIB) {
        pc_kernel_close(&k);
        return error_set(e,
                         "-kernel %s: without a BIOS only Linux from a "
                         "bzImage, or a program with a PVH entry",
                         c->kernel.kernel);
    }
    version = ld_le16(k.setup.bytes + PARAMS_VERSION);
    wide = version >= 0x20c &&
           ld_le16(k.setup.bytes + PARAMS_XLOADFLAGS) & XLF_KERNEL_64;
    entry = k.kernel.address + (wide ? 0x200 : 0);
    ok = make_params(d, c, &k, e) && (!wide || make_pages(d, e)) &&
         make_reset(d, entry, 0, INFO, wide ? PAGES : 0, e);
    hand_over(d, PC_DIRECT_KERNEL, &k.kernel);
    hand_over(d, PC_DIRECT_INITRD, &k.initrd);
    pc_kernel_close(&k);
    return ok;
}

/* -- PVH -- */

/* Looks for Xen's note in one segment of notes; 0: none. */
static uint32_t note_entry(const uint8_t *p, uint64_t size)
{
    while (size >= 12) {
        uint64_t name = ((uint64_t)ld_le32(p) + 3) & ~UINT64_C(3);
        uint64_t data = ((uint64_t)ld_le32(p + 4) + 3) & ~UINT64_C(3);

        if (name > size - 12 || data > size - 12 - name)
            return 0;
        if (ld_le32(p) == 4 && !memcmp(p + 12, "Xen", 4) &&
            ld_le32(p + 8) == PVH_NOTE && data >= 4)
            return ld_le32(p + 12 + name);
        p += 12 + name + data;
        size -= 12 + name + data;
    }
    return 0;
}

/* The PVH entry of an ELF file, or 0: an ELF file that has none, or none. */
static uint32_t pvh_entry(const struct source *s)
{
    uint8_t h[64], ph[56];
    uint32_t entry = 0;
    uint64_t at;
    bool wide;

    if (source_head(s, h, sizeof(h)) != sizeof(h) || memcmp(h, "\177ELF", 4) ||
        (h[4] != 1 && h[4] != 2) || h[5] != 1)
        return 0;
    wide = h[4] == 2;
    at = wide ? ld_le64(h + 32) : ld_le32(h + 28);
    for (unsigned i = 0; i < ld_le16(h + (wide ? 56 : 44)) && !entry; i++) {
        uint64_t offset, size;
        uint8_t *notes;

        if (!source_read(s, at, ph, wide ? 56 : 32, NULL))
            return 0;
        at += ld_le16(h + (wide ? 54 : 42));
        offset = wide ? ld_le64(ph + 8) : ld_le32(ph + 4);
        size = wide ? ld_le64(ph + 32) : ld_le32(ph + 16);
        if (ld_le32(ph) != 4 || size > MIB)
            continue;
        notes = malloc(size ? size : 1);
        if (notes && source_read(s, offset, notes, size, NULL))
            entry = note_entry(notes, size);
        free(notes);
    }
    return entry;
}

static bool make_start_info(struct pc_direct *d,
                            const struct pc_direct_config *c, struct error *e)
{
    const struct pc_item *initrd = &d->item[PC_DIRECT_INITRD];
    struct range r[PC_DIRECT_MAX_RAM + 4];
    unsigned n = ranges(c, r), modules = initrd->bytes != NULL;
    const uint32_t map = PVH_SIZE + PVH_MODULE;
    uint8_t *p;

    if (!make(d, PC_DIRECT_INFO, INFO, map + PVH_MAP_ENTRY * n, e))
        return false;
    p = d->item[PC_DIRECT_INFO].bytes;
    st_le32(p, PVH_MAGIC);
    st_le32(p + 4, 1); /* version */
    st_le32(p + 12, modules);
    st_le64(p + 16, modules ? INFO + PVH_SIZE : 0);
    st_le64(p + 24, LINE);
    st_le64(p + 32, rsdp(d));
    st_le64(p + 40, INFO + map);
    st_le32(p + 48, n);
    st_le64(p + PVH_SIZE, initrd->address);
    st_le64(p + PVH_SIZE + 8, initrd->size);
    for (unsigned i = 0; i < n; i++) {
        uint8_t *entry = p + map + PVH_MAP_ENTRY * i;

        st_le64(entry, r[i].base);
        st_le64(entry + 8, r[i].size);
        st_le32(entry + 16, r[i].type);
    }
    return true;
}

static bool load_module(struct pc_direct *d, const struct pc_direct_config *c,
                        struct error *e)
{
    struct pc_item *item = &d->item[PC_DIRECT_INITRD];
    const struct pc_item *k = &d->item[PC_DIRECT_KERNEL];
    struct source s;
    bool ok;

    if (!c->kernel.initrd)
        return true;
    if (!source_open(&s, "-initrd", c->kernel.initrd, c->kernel.low_ram, e))
        return false;
    ok = pc_kernel_place(&c->kernel, s.name, s.size,
                         (uint64_t)k->address + k->room, UINT32_MAX,
                         &item->address, e) &&
         source_all(&s, UINT32_MAX, &item->bytes, e);
    item->size = item->room = (uint32_t)s.size;
    source_close(&s);
    return ok;
}

static bool open_pvh(struct pc_direct *d, const struct source *s,
                     uint32_t entry, const struct pc_direct_config *c,
                     struct error *e)
{
    return pc_kernel_load_elf(&d->item[PC_DIRECT_KERNEL], NULL, s, &c->kernel,
                              e) &&
           load_module(d, c, e) && make_start_info(d, c, e) &&
           make_reset(d, entry, INFO, 0, 0, e);
}

bool pc_direct_open(struct pc_direct *d, const struct pc_direct_config *c,
                    struct error *e)
{
    struct source s;
    uint32_t entry;
    bool ok;

    *d = (struct pc_direct){0};
    if (!c->kernel.kernel)
        return error_set(e, "this board has no BIOS: wanted a -kernel");
    if (c->n_ram == 0 || c->ram[0].base || c->ram[0].size < 2 * MIB)
        return error_set(e, "-m: this board takes at least 2 MiB");
    if (!source_open(&s, "-kernel", c->kernel.kernel, c->kernel.low_ram, e))
        return false;
    entry = pvh_entry(&s);
    ok = make_line(d, c, e) && make_mp(d, c, e) && make_acpi(d, c, e) &&
         (entry ? open_pvh(d, &s, entry, c, e) : open_linux(d, c, e));
    source_close(&s);
    if (!ok)
        pc_direct_close(d);
    return ok;
}

void pc_direct_close(struct pc_direct *d)
{
    for (unsigned i = 0; i < PC_DIRECT_PARTS; i++)
        free(d->item[i].bytes);
    *d = (struct pc_direct){0};
}
