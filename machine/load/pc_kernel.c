/*
 * A PC's -kernel: Linux by its 16-bit setup code.
 *
 * Linux, Documentation/arch/x86/boot.rst (offsets are of the setup header).
 * gzip around a kernel is taken off.  Protocols before 2.02 have their setup
 * code and command line at 90000h, later ones at 10000h; a zImage lies at
 * 10000h itself.
 *
 * Missing: an initrd above 4 GiB, setup_data, EFI stubs (EDK2 starts those
 * by itself from the same items).
 */
#include "machine/load/pc_kernel.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "devices/fw_cfg.h"
#include "machine/load/image.h"
#include "machine/load/source.h"
#include "machine/load/unpack.h"

#define SECTOR 512u
#define FILE_LIMIT ((uint64_t)1 << 30)
/* The BIOS keeps its tables at the top of low memory. */
#define BIOS_RESERVE ((uint64_t)512 << 10)
#define MIB ((uint64_t)1 << 20)

enum { /* the setup header */
       SETUP_SECTS = 0x1f1,
       SYSSIZE = 0x1f4, /* of what follows the setup code, in 16 bytes */
       VID_MODE = 0x1fa,
       BOOT_FLAG = 0x1fe,
       HEADER = 0x202,
       VERSION = 0x206,
       TYPE_OF_LOADER = 0x210,
       LOADFLAGS = 0x211,
       RAMDISK_IMAGE = 0x218,
       RAMDISK_SIZE = 0x21c,
       HEAP_END_PTR = 0x224,
       CMD_LINE_PTR = 0x228,
       INITRD_ADDR_MAX = 0x22c,
       CMDLINE_SIZE = 0x238,
       PREF_ADDRESS = 0x258,
       INIT_SIZE = 0x260,

       OLD_CMD_MAGIC = 0x20,
       OLD_CMD_OFFSET = 0x22,
};
#define OLD_CMD_MAGIC_VALUE 0xa33f
#define LOADED_HIGH 1u
#define CAN_USE_HEAP 0x80u
#define LOADER_UNDEFINED 0xff

static uint32_t round_down(uint64_t v)
{
    return (uint32_t)(v & ~(uint64_t)4095);
}

bool pc_kernel_place(const struct pc_kernel_config *c, const char *what,
                     uint64_t size, uint64_t floor, uint64_t limit,
                     uint32_t *address, struct error *e)
{
    uint64_t end = c->low_ram;

    end = end > BIOS_RESERVE ? end - BIOS_RESERVE : 0;
    if (end > limit)
        end = limit;
    if (size > end || round_down(end - size) < floor)
        return error_set(e,
                         "%s: %s do not fit into memory behind the kernel; "
                         "give more by -m",
                         what, SIZE_TEXT(size));
    *address = round_down(end - size);
    return true;
}

/* -- Linux -- */

static bool linux_kernel(const struct source *s)
{
    uint8_t h[HEADER + 4];

    return source_head(s, h, sizeof(h)) == sizeof(h) &&
           ld_le16(h + BOOT_FLAG) == 0xaa55 &&
           (memcmp(h + HEADER, "HdrS", 4) == 0 || h[SETUP_SECTS] != 0);
}

/* vga=ask, normal, ext, or a number in C's notation; the last one counts. */
static bool video_mode(const char *line, uint16_t *mode, struct error *e)
{
    static const struct {
        const char *name;
        uint16_t mode;
    } names[] = {{"normal", 0xffff}, {"ext", 0xfffe}, {"ask", 0xfffd}};
    const char *p = line;

    while ((p = strstr(p, "vga=")) != NULL) {
        bool word = p == line || p[-1] == ' ', found = false;
        size_t n;
        char *end;

        p += 4;
        if (!word)
            continue;
        n = strcspn(p, " ");
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            if (strlen(names[i].name) == n && !memcmp(names[i].name, p, n)) {
                *mode = names[i].mode;
                found = true;
            }
        }
        if (found)
            continue;
        *mode = (uint16_t)strtoul(p, &end, 0);
        if (n == 0 || end != p + n)
            return error_set(e,
                             "-append: vga=%.*s: wanted ask, normal, ext or "
                             "a number",
                             (int)n, p);
    }
    return true;
}

/* The boot protocol that a setup code follows; 0: from before it had one. */
static unsigned protocol(const uint8_t *setup)
{
    return memcmp(setup + HEADER, "HdrS", 4) == 0 ? ld_le16(setup + VERSION)
                                                  : 0;
}

/* The setup code's sectors; those of old kernels that say 0 are 4. */
static bool split_linux(struct pc_kernel *k, const struct source *s,
                        struct error *e)
{
    uint32_t setup = SECTOR;
    uint64_t said = 0;
    uint8_t *all, *less;

    if (!source_all(s, FILE_LIMIT, &all, e))
        return false;
    setup += SECTOR * (all[SETUP_SECTS] ? all[SETUP_SECTS] : 4);
    if (setup >= s->size) {
        free(all);
        return source_error(s, e, "truncated: its setup code alone has %s",
                            SIZE_TEXT(setup));
    }
    /* Before 2.04 it has 16 bits, which do not hold every kernel's; the last
     * 16 bytes need not be whole (memtest86+). */
    if (protocol(all) >= 0x204)
        said = (uint64_t)ld_le32(all + SYSSIZE) * 16;
    if ((s->size - setup + 15) / 16 * 16 < said) {
        free(all);
        return source_error(s, e, "truncated: its kernel has %s",
                            SIZE_TEXT(said));
    }
    k->kernel.size = k->kernel.room = (uint32_t)(s->size - setup);
    k->kernel.bytes = malloc(k->kernel.size);
    if (k->kernel.bytes)
        memcpy(k->kernel.bytes, all + setup, k->kernel.size);
    less = realloc(all, setup);
    k->setup.bytes = less ? less : all;
    k->setup.size = k->setup.room = setup;
    return k->kernel.bytes || error_set(e, "out of memory");
}

static bool set_line(struct pc_kernel *k, const char *text, uint32_t limit,
                     uint32_t address, struct error *e)
{
    size_t size = strlen(text) + 1;

    if (size > limit)
        return error_set(e, "-append: %zu characters; this kernel takes %u",
                         size - 1, limit - 1);
    k->line.bytes = (uint8_t *)strdup(text);
    if (!k->line.bytes)
        return error_set(e, "out of memory");
    k->line.address = address;
    k->line.size = k->line.room = (uint32_t)size;
    return true;
}

/* Behind the memory that the kernel unpacks itself to. */
static bool load_initrd(struct pc_kernel *k, const struct pc_kernel_config *c,
                        unsigned version, struct error *e)
{
    uint8_t *h = k->setup.bytes;
    uint64_t limit = version >= 0x203
                         ? (uint64_t)ld_le32(h + INITRD_ADDR_MAX) + 1
                         : 0x38000000;
    uint64_t floor = (uint64_t)k->kernel.address + k->kernel.room;
    struct source s;
    bool ok;

    if (version < 0x200)
        return error_set(e, "-initrd %s: a kernel this old takes none",
                         c->initrd);
    if (version >= 0x20a) {
        uint64_t end = ld_le64(h + PREF_ADDRESS) + ld_le32(h + INIT_SIZE);

        if (end > floor && end < c->low_ram)
            floor = end;
    }
    if (!source_open(&s, "-initrd", c->initrd, c->low_ram, e))
        return false;
    ok = s.size < UINT32_MAX &&
         pc_kernel_place(c, s.name, s.size, floor, limit, &k->initrd.address,
                         e) &&
         source_all(&s, FILE_LIMIT, &k->initrd.bytes, e);
    k->initrd.size = k->initrd.room = (uint32_t)s.size;
    source_close(&s);
    if (!ok)
        return false;
    st_le32(h + RAMDISK_IMAGE, k->initrd.address);
    st_le32(h + RAMDISK_SIZE, k->initrd.size);
    return true;
}

static bool open_linux(struct pc_kernel *k, const struct source *s,
                       const struct pc_kernel_config *c, struct error *e)
{
    const char *line = c->append ? c->append : "";
    uint16_t mode = 0;
    unsigned version;
    bool high;
    uint8_t *h;

    if (!split_linux(k, s, e))
        return false;
    h = k->setup.bytes;
    version = protocol(h);
    high = version >= 0x200 && h[LOADFLAGS] & LOADED_HIGH;
    k->kind = KERNEL_KIND_LINUX;
    k->setup.address = version >= 0x202 && high ? 0x10000 : 0x90000;
    k->kernel.address = high ? (uint32_t)MIB : 0x10000;
    if (!high && k->kernel.size > 0x80000)
        return source_error(s, e,
                            "%s: a kernel that lies low has at most "
                            "512 KiB",
                            SIZE_TEXT(k->kernel.size));
    if (k->kernel.address + (uint64_t)k->kernel.size > c->low_ram)
        return source_error(s, e, "more than there is memory; give more by -m");
    if (!video_mode(line, &mode, e) ||
        !set_line(k, line,
                  version >= 0x206   ? ld_le32(h + CMDLINE_SIZE) + 1
                  : version >= 0x202 ? 256
                                     : 80,
                  k->setup.address +
                      (high && version >= 0x202 ? 0x10000 : 0xa000),
                  e))
        return false;
    if (strstr(line, "vga="))
        st_le16(h + VID_MODE, mode);
    k->stack = k->line.address - k->setup.address - 16;
    if (version >= 0x200)
        h[TYPE_OF_LOADER] = LOADER_UNDEFINED;
    if (version >= 0x201) {
        h[LOADFLAGS] |= CAN_USE_HEAP;
        st_le16(h + HEAP_END_PTR,
                (uint16_t)(k->line.address - k->setup.address - SECTOR));
    }
    if (version >= 0x202) {
        st_le32(h + CMD_LINE_PTR, k->line.address);
    } else {
        st_le16(h + OLD_CMD_MAGIC, OLD_CMD_MAGIC_VALUE);
        st_le16(h + OLD_CMD_OFFSET,
                (uint16_t)(k->line.address - k->setup.address));
    }
    return !c->initrd || load_initrd(k, c, version, e);
}

/* -- both -- */

static bool open_kernel(struct pc_kernel *k, const struct source *s,
                        const struct pc_kernel_config *c, struct error *e)
{
    struct file_type type;

    if (multiboot_version(s))
        return multiboot_open(k, s, c, e);
    if (linux_kernel(s))
        return open_linux(k, s, c, e);
    recognise(s, &type);
    return source_error(s, e, "%s; wanted %s",
                        type.kind == FILE_UNKNOWN ? "of no known format"
                                                  : type.text,
                        image_wanted(&(struct image_rules){.x86 = true}));
}

bool pc_kernel_open(struct pc_kernel *k, const struct pc_kernel_config *c,
                    struct error *e)
{
    struct source file, inner = SOURCE_NONE;
    struct file_type type;
    bool ok = true;

    *k = (struct pc_kernel){.kind = KERNEL_KIND_LINUX};
    if (c->demo ? !source_memory(&file, "the built-in demo", c->demo,
                                 c->demo_size, e)
                : !source_open(&file, "-kernel", c->kernel, c->low_ram, e))
        return false;
    recognise(&file, &type);
    if (type.kind == FILE_GZIP)
        ok = unpack(&file, PACKING_GZIP,
                    c->low_ram < FILE_LIMIT ? c->low_ram : FILE_LIMIT, &inner,
                    e);
    ok = ok && open_kernel(k, type.kind == FILE_GZIP ? &inner : &file, c, e);
    source_close(&inner);
    source_close(&file);
    if (!ok)
        pc_kernel_close(k);
    return ok;
}

void pc_kernel_close(struct pc_kernel *k)
{
    free(k->setup.bytes);
    free(k->kernel.bytes);
    free(k->line.bytes);
    free(k->initrd.bytes);
    *k = (struct pc_kernel){.kind = KERNEL_KIND_LINUX};
}

extern const unsigned char pc_kernel_rom[];
extern const size_t pc_kernel_rom_size;

static bool tell_item(struct fw_cfg *f, const struct pc_item *item,
                      enum fw_cfg_key address, enum fw_cfg_key size,
                      enum fw_cfg_key data, struct error *e)
{
    return fw_cfg_add_u32(f, address, item->address, e) &&
           fw_cfg_add_u32(f, size, item->room, e) &&
           fw_cfg_add(f, data, item->bytes, item->size, e);
}

static bool tell_rom(const struct pc_kernel *k, struct fw_cfg *f,
                     struct error *e)
{
    uint8_t rom[KERNEL_ROM_SIZE];

    if (pc_kernel_rom_size != sizeof(rom))
        return error_set(e, "the kernel's option ROM has %zu bytes",
                         pc_kernel_rom_size);
    memcpy(rom, pc_kernel_rom, sizeof(rom));
    st_le32(rom + KERNEL_ROM_KIND, k->kind);
    st_le32(rom + KERNEL_ROM_STACK, k->stack);
    st_le32(rom + KERNEL_ROM_MAGIC, k->magic);
    st_le32(rom + KERNEL_ROM_ENTRY, k->entry);
    st_le32(rom + KERNEL_ROM_MAP, k->map);
    st_le32(rom + KERNEL_ROM_LOWER, k->lower);
    rom[KERNEL_ROM_CHECKSUM] = 0;
    rom[KERNEL_ROM_CHECKSUM] = (uint8_t)-sum_bytes(rom, sizeof(rom));
    return fw_cfg_add_file(f, PC_KERNEL_ROM, rom, sizeof(rom), e);
}

bool pc_kernel_tell(const struct pc_kernel *k, struct fw_cfg *f,
                    struct error *e)
{
    return tell_item(f, &k->setup, FW_CFG_SETUP_ADDR, FW_CFG_SETUP_SIZE,
                     FW_CFG_SETUP_DATA, e) &&
           tell_item(f, &k->kernel, FW_CFG_KERNEL_ADDR, FW_CFG_KERNEL_SIZE,
                     FW_CFG_KERNEL_DATA, e) &&
           tell_item(f, &k->line, FW_CFG_CMDLINE_ADDR, FW_CFG_CMDLINE_SIZE,
                     FW_CFG_CMDLINE_DATA, e) &&
           tell_item(f, &k->initrd, FW_CFG_INITRD_ADDR, FW_CFG_INITRD_SIZE,
                     FW_CFG_INITRD_DATA, e) &&
           fw_cfg_add_u32(f, FW_CFG_KERNEL_ENTRY, k->entry, e) &&
           tell_rom(k, f, e);
}
