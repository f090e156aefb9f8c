/*
 * A PC's ACPI tables, and the commands by which its firmware puts them into
 * memory; where there is no firmware, the tables as they lie there.
 *
 * ACPI Specification 3.0: 5.2.5 (RSDP), 5.2.7, 5.2.8 (RSDT, XSDT), 5.2.9
 * (FADT), 5.2.10 (FACS), 5.2.11 (DSDT, made from roms/acpi/pc.asl by iasl),
 * 5.2.12 (MADT, which says "APIC"); IA-PC HPET 1.0a, 3.2.4 (HPET).  The
 * firmware's part is that of QEMU's fw_cfg: `etc/table-loader` is a list of
 * commands of 128 bytes which allocate the files `etc/acpi/tables` and
 * `etc/acpi/rsdp`, add addresses to offsets in them, and sum them up.
 *
 * The tables say what the machine's devices are; a board without local APICs
 * gets none.  Where the PIIX4's registers are is the firmware's choice, which
 * it has made by the time it asks for the tables.  A board with an ACPI event
 * device has reduced hardware (ACPI 6.0, 4.1): its FADT is that of 5.2.9,
 * revision 5, and its DSDT roms/acpi/microvm.asl.
 *
 * Missing: SRAT and SLIT, hot plug, MCFG (this PC has no ECAM).
 */
#include <string.h>

#include "base/bytes.h"
#include "devices/fw_cfg.h"
#include "devices/pci/pci.h"
#include "machine/blob.h"
#include "machine/machine_priv.h"

#define TABLES "etc/acpi/tables"
#define RSDP "etc/acpi/rsdp"
#define LOADER "etc/table-loader"
#define FILE_NAME 56 /* of a command's name */

#define PM_BASE 0x600 /* SeaBIOS's */
#define PMBASE 0x40   /* in the PIIX4's configuration space */
#define MAX_TABLES 4
#define TABLES_AT 64 /* behind the RSDP, where there is no firmware */
#define SLOTS 8      /* of virtio, that the DSDT can list */

extern const unsigned char pc_dsdt[];
extern const size_t pc_dsdt_size;
extern const unsigned char microvm_dsdt[];
extern const size_t microvm_dsdt_size;

/* Commands of the loader. */
enum { ALLOCATE = 1, ADD_POINTER, ADD_CHECKSUM, COMMAND_SIZE = 128 };
enum { ZONE_HIGH = 1, ZONE_FSEG };

/* Of every table's header, 5.2.6. */
enum { LENGTH = 4, CHECKSUM = 9, HEADER = 36 };

/* What the DSDT reads (its field PRES). */
enum {
    PRESENT_COM1 = 1 << 0,
    PRESENT_COM2 = 1 << 1,
    PRESENT_PARALLEL = 1 << 2,
    PRESENT_KEYBOARD = 1 << 3,
    PRESENT_MOUSE = 1 << 4,
    PRESENT_RTC = 1 << 5,
    PRESENT_HPET = 1 << 6,
    PRESENT_FW_CFG = 1 << 7,
};

struct acpi {
    struct machine *m;
    struct blob tables, rsdp, loader;
    uint32_t fadt;
    uint32_t listed[MAX_TABLES]; /* by the RSDT */
    unsigned n_listed;
};

/* -- the loader's commands -- */

static void put_name(struct blob *b, const char *name)
{
    uint32_t at = blob_grow(b, FILE_NAME);

    if (!b->failed)
        memcpy(b->bytes + at, name, strlen(name));
}

static void pad_command(struct blob *b)
{
    blob_grow(b, (COMMAND_SIZE - b->size % COMMAND_SIZE) % COMMAND_SIZE);
}

static void allocate(struct acpi *a, const char *name, uint32_t align,
                     unsigned zone)
{
    blob_number(&a->loader, ALLOCATE, 4);
    put_name(&a->loader, name);
    blob_number(&a->loader, align, 4);
    blob_number(&a->loader, zone, 1);
    pad_command(&a->loader);
}

/* Of a command, where its arguments are. */
enum { FIRST_NAME = 4, ARGUMENTS = 116, SUM_ARGUMENTS = 60 };

/* The field at `at` of file `in` holds an offset in TABLES: make it an
 * address. */
static void add_pointer(struct acpi *a, const char *in, uint32_t at,
                        unsigned size)
{
    blob_number(&a->loader, ADD_POINTER, 4);
    put_name(&a->loader, in);
    put_name(&a->loader, TABLES);
    blob_number(&a->loader, at, 4);
    blob_number(&a->loader, size, 1);
    pad_command(&a->loader);
}

static void add_checksum(struct acpi *a, const char *in, uint32_t at,
                         uint32_t start, uint32_t size)
{
    blob_number(&a->loader, ADD_CHECKSUM, 4);
    put_name(&a->loader, in);
    blob_number(&a->loader, at, 4);
    blob_number(&a->loader, start, 4);
    blob_number(&a->loader, size, 4);
    pad_command(&a->loader);
}

/* -- tables -- */

/* Returns where it starts. */
static uint32_t begin(struct acpi *a, const char *signature, unsigned revision)
{
    struct blob *b = &a->tables;
    uint32_t start;

    blob_grow(b, (16 - b->size % 16) % 16);
    start = b->size;
    blob_put(b, signature, 4);
    blob_number(b, 0, 4);
    blob_number(b, revision, 1);
    blob_number(b, 0, 1);
    blob_put(b, "EMU   EMUPC   ", 14);
    blob_number(b, 1, 4);
    blob_put(b, "EMU ", 4);
    blob_number(b, 1, 4);
    return start;
}

static void finish(struct acpi *a, uint32_t start, bool listed)
{
    uint32_t size = a->tables.size - start;

    blob_set(&a->tables, start + LENGTH, size, 4);
    add_checksum(a, TABLES, start + CHECKSUM, start, size);
    if (listed)
        a->listed[a->n_listed++] = start;
}

/* A generic address, 5.2.3.1: of `bytes` ports. */
static void put_ports(struct blob *b, uint64_t at, unsigned bytes)
{
    blob_number(b, at ? 1 : 0, 1);
    blob_number(b, at ? 8 * bytes : 0, 1);
    blob_number(b, 0, 2);
    blob_number(b, at, 8);
}

static uint32_t put_facs(struct acpi *a)
{
    uint32_t start;

    blob_grow(&a->tables, (64 - a->tables.size % 64) % 64);
    start = blob_grow(&a->tables, 64);
    if (!a->tables.failed)
        memcpy(a->tables.bytes + start, "FACS", 4);
    blob_set(&a->tables, start + LENGTH, 64, 4);
    return start;
}

/* By the name of its class. */
static const struct device *device_of(const struct machine *m, const char *cls,
                                      unsigned n)
{
    return machine_device_of(m, device_class_named(cls), n);
}

static uint32_t present(const struct machine *m)
{
    const struct {
        const char *cls;
        unsigned n;
        uint32_t bits;
    } parts[] = {
        {"isa-serial", 0, PRESENT_COM1},
        {"isa-serial", 1, PRESENT_COM2},
        {"isa-parallel", 0, PRESENT_PARALLEL},
        {"i8042", 0, PRESENT_KEYBOARD | PRESENT_MOUSE},
        {"mc146818", 0, PRESENT_RTC},
        {"hpet", 0, PRESENT_HPET},
        {"fw_cfg_io", 0, PRESENT_FW_CFG},
    };
    uint32_t bits = 0;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (device_of(m, parts[i].cls, parts[i].n))
            bits |= parts[i].bits;
    }
    return bits;
}

/* Where SeaBIOS puts PCI's memory: at 2 or 3 GiB, behind RAM. */
static uint32_t pci_memory(const struct machine *m)
{
    for (unsigned i = 0; i < m->n_ram; i++) {
        if (m->ram_piece[i].base == 0 && m->ram_piece[i].size > 0x80000000)
            return 0xc0000000;
    }
    return 0x80000000;
}

/* Where the event device is, and the virtio devices. */
static void put_slots(struct acpi *a, const struct device *ged)
{
    struct pc_direct_slot slot[SLOTS];
    struct blob *b = &a->tables;
    unsigned n = machine_slots(a->m, slot, SLOTS);

    blob_number(b, ged->regions[0].base, 4);
    blob_number(b, machine_ioapic_input(ged), 4);
    blob_number(b, 0, 4);
    for (unsigned i = 0; i < n; i++) {
        blob_number(b, slot[i].address, 4);
        blob_number(b, slot[i].size, 4);
        blob_number(b, slot[i].input, 4);
    }
    blob_grow(b, 12 * (SLOTS - n));
}

/* What DSDTs read: the first 16 bytes are the same for all. */
static uint32_t put_presence(struct acpi *a, const struct device *ged)
{
    uint32_t start;

    blob_grow(&a->tables, (16 - a->tables.size % 16) % 16);
    start = a->tables.size;
    blob_number(&a->tables, pci_memory(a->m), 4);
    blob_number(&a->tables, 0xfebfffff, 4);
    blob_number(&a->tables, present(a->m), 4);
    if (ged)
        put_slots(a, ged);
    else
        blob_number(&a->tables, 0, 4);
    return start;
}

/* The DSDT as iasl made it, with the presence block's address in the place of
 * its region's, 0x4b4f4c42. */
static uint32_t put_dsdt(struct acpi *a, const unsigned char *dsdt, size_t size,
                         uint32_t presence)
{
    static const char region[] = "PRES\0\x0c"
                                 "BLOK";
    uint32_t start;

    blob_grow(&a->tables, (16 - a->tables.size % 16) % 16);
    start = a->tables.size;
    blob_put(&a->tables, dsdt, (uint32_t)size);
    blob_set(&a->tables, start + CHECKSUM, 0, 1);
    for (uint32_t i = HEADER; i + 10 <= size; i++) {
        if (memcmp(dsdt + i, region, 10) != 0)
            continue;
        blob_set(&a->tables, start + i + 6, presence, 4);
        add_pointer(a, TABLES, start + i + 6, 4);
    }
    add_checksum(a, TABLES, start + CHECKSUM, start, (uint32_t)size);
    return start;
}

/* 5.2.9; offsets are those of table 5-9. */
static void put_fadt(struct acpi *a, uint32_t facs, uint32_t dsdt)
{
    struct blob *b = &a->tables;
    uint32_t start = begin(a, "FACP", 3);

    a->fadt = start;
    blob_number(b, facs, 4);
    blob_number(b, dsdt, 4);
    blob_number(b, 1 << 8, 2); /* a desktop */
    blob_number(b, 9, 2);      /* SCI */
    blob_number(b, 0xb2, 4);   /* SMI_CMD */
    blob_number(b, 0xf1, 1);   /* ACPI_ENABLE */
    blob_number(b, 0xf0, 1);   /* ACPI_DISABLE */
    blob_number(b, 0, 2);
    blob_number(b, PM_BASE, 4); /* PM1a_EVT */
    blob_number(b, 0, 4);
    blob_number(b, PM_BASE + 4, 4); /* PM1a_CNT */
    blob_number(b, 0, 8);
    blob_number(b, PM_BASE + 8, 4);  /* PM_TMR */
    blob_number(b, PM_BASE + 12, 4); /* GPE0 */
    blob_number(b, 0, 4);
    blob_number(b, 4 | 2 << 8 | 0 << 16 | 4 << 24, 4); /* their lengths */
    blob_number(b, 4, 1);                              /* of GPE0 */
    blob_number(b, 0, 3);
    blob_number(b, 0xfff, 2); /* no C2, no C3 */
    blob_number(b, 0xfff, 2);
    blob_number(b, 0, 8);
    blob_number(b, 0x32, 1); /* CENTURY */
    blob_number(b, 7, 2);    /* ISA devices, 8042, no VGA */
    blob_number(b, 0, 1);
    /* WBINVD, PROC_C1, no fixed sleep button, no RTC wake-up, RESET_REG. */
    blob_number(b, 1 | 1 << 2 | 1 << 5 | 1 << 6 | 1 << 10, 4);
    put_ports(b, 0xcf9, 1);
    blob_number(b, 6, 4); /* RESET_VALUE */
    blob_number(b, 0, 8);
    blob_number(b, dsdt, 8);
    put_ports(b, PM_BASE, 4);
    put_ports(b, 0, 0);
    put_ports(b, PM_BASE + 4, 2);
    put_ports(b, 0, 0);
    put_ports(b, 0, 0);
    put_ports(b, PM_BASE + 8, 4);
    put_ports(b, PM_BASE + 12, 4);
    put_ports(b, 0, 0);
    add_pointer(a, TABLES, start + 36, 4);
    add_pointer(a, TABLES, start + 40, 4);
    add_pointer(a, TABLES, start + 140, 8);
    finish(a, start, true);
}

/* A register of one byte in memory. */
static void set_byte_register(struct blob *b, uint32_t at, uint64_t address)
{
    blob_set(b, at + 1, 8, 1); /* bits */
    blob_set(b, at + 3, 1, 1); /* by bytes */
    blob_set(b, at + 4, address, 8);
}

/* Of revision 5, for reduced hardware; offsets are those of table 5-33. */
static void put_reduced_fadt(struct acpi *a, uint32_t dsdt,
                             const struct device *ged)
{
    const uint64_t sleep = ged->regions[1].base;
    struct blob *b = &a->tables;
    uint32_t start = begin(a, "FACP", 5);

    blob_grow(b, 268 - HEADER);
    blob_set(b, start + 40, dsdt, 4);
    blob_set(b, start + 45, 1, 1);     /* a desktop */
    blob_set(b, start + 108, 0x32, 1); /* CENTURY */
    /* ISA devices, 8042, no VGA, no MSI, no ASPM. */
    blob_set(b, start + 109, 1 | 2 | 4 | 8 | 16, 2);
    /* WBINVD, no fixed power or sleep button, RESET_REG, reduced hardware. */
    blob_set(b, start + 112, 1 | 1 << 4 | 1 << 5 | 1 << 10 | 1 << 20, 4);
    set_byte_register(b, start + 116, sleep + 2);
    blob_set(b, start + 128, 0x42, 1); /* RESET_VALUE */
    blob_set(b, start + 131, 1, 1);    /* 5.1 */
    blob_set(b, start + 140, dsdt, 8);
    set_byte_register(b, start + 244, sleep);     /* SLEEP_CONTROL */
    set_byte_register(b, start + 256, sleep + 1); /* SLEEP_STATUS */
    add_pointer(a, TABLES, start + 40, 4);
    add_pointer(a, TABLES, start + 140, 8);
    finish(a, start, true);
}

static void put_override(struct blob *b, unsigned irq, unsigned input,
                         unsigned flags)
{
    blob_number(b, 2 | 10 << 8, 2);
    blob_number(b, 0, 1); /* ISA */
    blob_number(b, irq, 1);
    blob_number(b, input, 4);
    blob_number(b, flags, 2);
}

static void put_madt(struct acpi *a, const struct device *ioapic, bool sci)
{
    struct blob *b = &a->tables;
    uint32_t start = begin(a, "APIC", 1);

    blob_number(b, device_of(a->m, "lapic", 0)->regions[0].base, 4);
    blob_number(b, 1, 4); /* there are 8259s */
    for (unsigned i = 0; i < a->m->n_cpus; i++) {
        blob_number(b, 0 | 8 << 8, 2);
        blob_number(b, i, 1);
        blob_number(b, i, 1);
        blob_number(b, 1, 4); /* enabled */
    }
    if (ioapic) {
        blob_number(b, 1 | 12 << 8, 2);
        blob_number(b, 0, 2);
        blob_number(b, ioapic->regions[0].base, 4);
        blob_number(b, 0, 4);
        put_override(b, 0, 2, 0);
        if (sci)
            put_override(b, 9, 9, 0xd); /* high, level */
    }
    blob_number(b, 4 | 6 << 8, 2);
    blob_number(b, 0xff, 1); /* NMI: LINT1 of all */
    blob_number(b, 0, 2);
    blob_number(b, 1, 1);
    finish(a, start, true);
}

static void put_hpet(struct acpi *a, const struct device *hpet)
{
    struct blob *b = &a->tables;
    uint32_t start = begin(a, "HPET", 1);

    blob_number(b, 0x8086a201, 4);
    blob_number(b, 64 << 8, 4); /* memory, of 64 bits */
    blob_number(b, hpet->regions[0].base, 8);
    blob_number(b, 0, 1);
    blob_number(b, 100, 2); /* ticks, at least */
    blob_number(b, 0, 1);
    finish(a, start, true);
}

/* RSDT (4 bytes) or XSDT (8). */
static uint32_t put_list(struct acpi *a, const char *signature, unsigned size)
{
    uint32_t start = begin(a, signature, 1);

    for (unsigned i = 0; i < a->n_listed; i++) {
        add_pointer(a, TABLES, a->tables.size, size);
        blob_number(&a->tables, a->listed[i], size);
    }
    finish(a, start, false);
    return start;
}

static void put_rsdp(struct acpi *a, uint32_t rsdt, uint32_t xsdt)
{
    struct blob *b = &a->rsdp;

    blob_put(b, "RSD PTR ", 8);
    blob_number(b, 0, 1);
    blob_put(b, "EMU   ", 6);
    blob_number(b, 2, 1);
    blob_number(b, rsdt, 4);
    blob_number(b, 36, 4);
    blob_number(b, xsdt, 8);
    blob_number(b, 0, 4);
    add_pointer(a, RSDP, 16, 4);
    add_pointer(a, RSDP, 24, 8);
    add_checksum(a, RSDP, 8, 0, 20);
    add_checksum(a, RSDP, 32, 0, 36);
}

static void put_all(struct acpi *a)
{
    const struct device *hpet = device_of(a->m, "hpet", 0);
    const struct device *ged = device_of(a->m, "acpi-ged", 0);
    uint32_t facs, dsdt, rsdt;

    allocate(a, RSDP, 16, ZONE_FSEG);
    allocate(a, TABLES, 64, ZONE_HIGH);
    if (ged) {
        dsdt =
            put_dsdt(a, microvm_dsdt, microvm_dsdt_size, put_presence(a, ged));
        put_reduced_fadt(a, dsdt, ged);
    } else {
        facs = put_facs(a);
        dsdt = put_dsdt(a, pc_dsdt, pc_dsdt_size, put_presence(a, NULL));
        put_fadt(a, facs, dsdt);
    }
    put_madt(a, device_of(a->m, "ioapic", 0), !ged);
    if (hpet)
        put_hpet(a, hpet);
    rsdt = put_list(a, "RSDT", 4);
    put_rsdp(a, rsdt, put_list(a, "XSDT", 8));
}

static void free_all(struct acpi *a)
{
    blob_free(&a->rsdp);
    blob_free(&a->tables);
    blob_free(&a->loader);
}

static bool tell_blob(struct fw_cfg *f, const char *name, const struct blob *b,
                      struct error *e)
{
    return b->failed ? error_set(e, "out of memory")
                     : fw_cfg_add_file(f, name, b->bytes, b->size, e);
}

/* Where the registers are by now: the FADT's narrow and wide addresses. */
static void move_ports(void *owner, uint8_t *tables)
{
    static const struct {
        uint8_t narrow, wide, offset;
    } places[] = {{56, 152, 0}, {64, 176, 4}, {76, 212, 8}, {80, 224, 12}};
    const struct machine *m = owner;
    const struct pci_device *pm =
        (const struct pci_device *)device_of(m, "piix4-pm", 0);
    uint32_t base = ld_le32(pm->config + PMBASE) & 0xffc0;

    if (!base)
        base = PM_BASE;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        st_le32(tables + m->fadt + places[i].narrow, base + places[i].offset);
        st_le64(tables + m->fadt + places[i].wide, base + places[i].offset);
    }
}

bool machine_tell_acpi(struct machine *m, struct error *e)
{
    struct acpi a = {.m = m};
    bool ok;

    if (!device_of(m, "lapic", 0) || !device_of(m, "piix4-pm", 0))
        return true;
    put_all(&a);
    ok = tell_blob(m->fw_cfg, RSDP, &a.rsdp, e) &&
         tell_blob(m->fw_cfg, TABLES, &a.tables, e) &&
         tell_blob(m->fw_cfg, LOADER, &a.loader, e);
    m->fadt = a.fadt;
    if (ok && a.fadt)
        fw_cfg_refresh_file(m->fw_cfg, TABLES, move_ports, m);
    free_all(&a);
    return ok;
}

/* -- without firmware -- */

static struct blob *named(struct acpi *a, const uint8_t *name)
{
    return strcmp((const char *)name, RSDP) ? &a->tables : &a->rsdp;
}

/* What firmware would do, with the tables at that address. */
static void obey(struct acpi *a, const uint8_t *command, uint32_t tables)
{
    struct blob *b = named(a, command + FIRST_NAME);
    const uint8_t *p = command + ARGUMENTS;
    uint32_t at;

    switch (ld_le32(command)) {
    case ADD_POINTER:
        at = ld_le32(p);
        st_le(b->bytes + at, ld_le(b->bytes + at, p[4]) + tables, p[4]);
        break;
    case ADD_CHECKSUM:
        p = command + SUM_ARGUMENTS;
        at = ld_le32(p);
        b->bytes[at] =
            (uint8_t)(b->bytes[at] -
                      sum_bytes(b->bytes + ld_le32(p + 4), ld_le32(p + 8)));
        break;
    default:
        break;
    }
}

bool machine_make_acpi(struct machine *m, uint32_t address, struct blob *out,
                       struct error *e)
{
    struct acpi a = {.m = m};

    *out = (struct blob){NULL, 0, 0, false};
    if (!device_of(m, "lapic", 0) || !device_of(m, "acpi-ged", 0))
        return true;
    put_all(&a);
    if (!a.rsdp.failed && !a.tables.failed && !a.loader.failed) {
        for (uint32_t i = 0; i < a.loader.size; i += COMMAND_SIZE)
            obey(&a, a.loader.bytes + i, address + TABLES_AT);
        blob_put(out, a.rsdp.bytes, a.rsdp.size);
        blob_grow(out, TABLES_AT - a.rsdp.size);
        blob_put(out, a.tables.bytes, a.tables.size);
    }
    free_all(&a);
    return (out->bytes && !out->failed) || error_set(e, "out of memory");
}
