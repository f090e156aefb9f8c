/* What the machine has, printed: harts, memory, devices, the time. */
#include "show.h"

#include "csr.h"
#include "lib.h"
#include "print.h"
#include "trap.h"

extern char _start[], demo_end[];

/* The strings of a list, each after a blank. */
static void show_list(const struct fdt_prop *list)
{
    uint32_t start = 0;

    for (uint32_t i = 0; i < list->size; i++) {
        if (list->data[i] == '\0') {
            print(" %s", (const char *)list->data + start);
            start = i + 1;
        }
    }
}

/* "rv64imac..." or, from the newer binding, its parts with underscores. */
static void show_isa(const struct fdt *fdt, uint32_t hart)
{
    const char *isa = fdt_text(fdt, hart, "riscv,isa");
    const char *base = fdt_text(fdt, hart, "riscv,isa-base");
    struct fdt_prop list;

    if (isa != NULL) {
        print("%s", isa);
        return;
    }
    print("%s", base != NULL ? base : "unknown ISA");
    if (fdt_prop(fdt, hart, "riscv,isa-extensions", &list))
        show_list(&list);
}

void show_harts(const struct board *board)
{
    const struct fdt *fdt = &board->fdt;
    uint32_t node = FDT_NONE;
    uint32_t id;

    print("harts\n");
    while ((node = board_next_hart(board, node, &id)) != FDT_NONE) {
        const char *mmu = fdt_text(fdt, node, "mmu-type");
        print("  hart %u  ", id);
        show_isa(fdt, node);
        print("  %s  %s\n", mmu != NULL ? mmu : "no MMU",
              !fdt_enabled(fdt, node) ? "disabled"
              : id == 0               ? "runs this demo"
                                      : "parked");
    }
    print("  hart 0: misa %lx, vendor %lx, architecture %lx, "
          "implementation %lx\n",
          board->misa, csr_read(mvendorid), csr_read(marchid),
          csr_read(mimpid));
    print("  time base %u Hz\n", board->timebase);
}

static void show_range(const char *what, uint64_t base, uint64_t size)
{
    print("  %012lx-%012lx  %8lu KiB  %s\n", base, base + size - 1, size >> 10,
          what);
}

void show_memory(const struct board *board)
{
    const struct fdt *fdt = &board->fdt;
    struct region reg;

    print("memory\n");
    for (uint32_t n = fdt->root; n != FDT_NONE; n = fdt_next(fdt, n, NULL)) {
        const char *type = fdt_text(fdt, n, "device_type");
        if (type == NULL || strcmp(type, "memory") != 0)
            continue;
        for (uint32_t i = 0; fdt_reg(fdt, n, i, &reg); i++)
            show_range("RAM", reg.base, reg.size);
    }
    for (uint32_t i = 0; fdt_reserved(fdt, i, &reg); i++)
        show_range("reserved", reg.base, reg.size);
    show_range("this demo", (uintptr_t)_start, (uint64_t)(demo_end - _start));
    if (fdt->root != FDT_NONE)
        show_range("device tree", (uintptr_t)fdt->blob, fdt->size);
}

/* Memory and CPUs have commands of their own; what has no driver is none. */
static bool is_device(const struct fdt *fdt, uint32_t node)
{
    const char *type = fdt_text(fdt, node, "device_type");
    const char *parent = fdt_name(fdt, fdt_parent(fdt, node));
    struct fdt_prop prop;

    if (node == fdt->root || !fdt_prop(fdt, node, "compatible", &prop) ||
        (type != NULL &&
         (strcmp(type, "memory") == 0 || strcmp(type, "cpu") == 0)))
        return false;
    return strcmp(parent, "cpus") != 0 &&
           !fdt_is_compatible(fdt, node, "riscv,cpu-intc") &&
           !fdt_is_compatible(fdt, node, "simple-bus");
}

static void show_device(const struct fdt *fdt, uint32_t node)
{
    struct fdt_prop compatible, extended;
    struct region reg;
    uint32_t irq;

    if (fdt_reg(fdt, node, 0, &reg))
        print("  %012lx %8lx", reg.base, reg.size);
    else
        print("  %-12s %8s", "-", "");
    /* Interrupt controllers list what they drive: that is not theirs. */
    if (!fdt_prop(fdt, node, "interrupts-extended", &extended) &&
        fdt_interrupt(fdt, node, 0, &irq))
        print("  irq %-3u", irq);
    else
        print("  %7s", "");
    print("  %-24s", fdt_name(fdt, node));
    if (fdt_prop(fdt, node, "compatible", &compatible))
        show_list(&compatible);
    print("%s\n", fdt_enabled(fdt, node) ? "" : " (disabled)");
}

static unsigned year_days(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 366 : 365;
}

/* Days since 1970-01-01 as a date of the Gregorian calendar. */
static void show_date(uint64_t days)
{
    static const uint8_t month_days[] = {31, 28, 31, 30, 31, 30,
                                         31, 31, 30, 31, 30, 31};
    unsigned year = 1970, month = 0;

    while (days >= year_days(year))
        days -= year_days(year++);
    for (; month < 11; month++) {
        unsigned length = month_days[month];
        if (month == 1)
            length += year_days(year) - 365;
        if (days < length)
            break;
        days -= length;
    }
    print("%04u-%02u-%02u", year, month + 1, (unsigned)days + 1);
}

/* Goldfish RTC: nanoseconds since 1970; reading the low half holds the high. */
static void show_clock(uint64_t base)
{
    uint64_t low, high;

    if (!probe_load(base, 4, &low) || !probe_load(base + 4, 4, &high))
        return;
    uint64_t seconds = (high << 32 | (uint32_t)low) / 1000000000;
    print("date: ");
    show_date(seconds / 86400);
    print(" %02lu:%02lu:%02lu UTC\n", seconds / 3600 % 24, seconds / 60 % 60,
          seconds % 60);
}

void show_time(const struct board *board)
{
    const struct fdt *fdt = &board->fdt;
    uint64_t ticks = board_ticks(board);
    struct region reg;

    print("time base: %lu ticks, %lu.%03lu s\n", ticks, ticks / board->timebase,
          ticks % board->timebase * 1000 / board->timebase);
    if (fdt_reg(fdt, fdt_by_compatible(fdt, "google,goldfish-rtc", FDT_NONE), 0,
                &reg))
        show_clock(reg.base);
}

void show_devices(const struct board *board)
{
    const struct fdt *fdt = &board->fdt;

    print("devices\n");
    for (uint32_t n = fdt->root; n != FDT_NONE; n = fdt_next(fdt, n, NULL)) {
        if (is_device(fdt, n))
            show_device(fdt, n);
    }
    show_pci(board);
    show_virtio(board);
}
