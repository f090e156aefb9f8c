/*
 * What the demo needs to know of the machine, as its device tree tells it.
 *
 * Follows: the bindings riscv/cpus, serial/8250, timer/sifive,clint,
 * interrupt-controller/sifive,plic-1.0.0, power/reset/syscon-* and
 * sifive,test0 of the Devicetree project.  Missing: ACLINT and IMSIC/APLIC.
 */
#include "board.h"

#include "clint.h"
#include "csr.h"
#include "lib.h"
#include "plic.h"
#include "trap.h"

#define MEIP_IRQ 11 /* in a hart's own interrupt controller */

#define FINISHER_FAIL 0x3333
#define FINISHER_PASS 0x5555
#define FINISHER_RESET 0x7777

/* Without a usable tree: where most boards like `virt` have their UART. */
#define FALLBACK_UART 0x10000000
#define FALLBACK_TIMEBASE 10000000

static uintptr_t open_tree(uintptr_t fdt, uintptr_t blob)
{
    return (uintptr_t)fdt_open((struct fdt *)fdt, (const uint8_t *)blob);
}

static const char *open_guarded(struct fdt *fdt, const void *tree)
{
    struct trap trap;

    if (tree == NULL)
        return "there is none";
    if (trap_run(&trap, open_tree, (uintptr_t)fdt, (uintptr_t)tree))
        return "its memory cannot be read";
    return (const char *)trap.value;
}

/* Whether something is there: the tree may lie, or its node be damaged. */
static bool answers(uint64_t address, unsigned size)
{
    uint64_t ignored;

    return address % size == 0 && probe_load(address, size, &ignored);
}

static uint32_t find_uart(const struct fdt *fdt)
{
    uint32_t chosen = fdt_find(fdt, "/chosen");
    const char *path = fdt_text(fdt, chosen, "stdout-path");
    uint32_t node = path == NULL ? FDT_NONE : fdt_find(fdt, path);

    if (node == FDT_NONE || !fdt_is_compatible(fdt, node, "ns16550a"))
        node = fdt_by_compatible(fdt, "ns16550a", FDT_NONE);
    return node;
}

static void read_uart(struct board *board)
{
    const struct fdt *fdt = &board->fdt;
    struct uart *uart = &board->uart;
    uint32_t node = find_uart(fdt);
    struct region reg;

    *uart = (struct uart){.base = FALLBACK_UART, .width = 1};
    board->has_console = answers(uart->base, 1);
    if (!fdt_reg(fdt, node, 0, &reg) || !answers(reg.base, 1))
        return;
    board->has_console = true;
    uart->base = reg.base;
    fdt_cell(fdt, node, "reg-shift", 0, &uart->shift);
    fdt_cell(fdt, node, "reg-io-width", 0, &uart->width);
    fdt_cell(fdt, node, "clock-frequency", 0, &uart->clock);
    fdt_interrupt(fdt, node, 0, &uart->irq);
    if (uart->shift > 4)
        uart->shift = 0;
}

static void read_clint(struct board *board)
{
    const struct fdt *fdt = &board->fdt;
    struct clint *clint = &board->clint;
    struct region reg;

    clint->node = fdt_by_compatible(fdt, "riscv,clint0", FDT_NONE);
    if (clint->node == FDT_NONE)
        clint->node = fdt_by_compatible(fdt, "sifive,clint0", FDT_NONE);
    if (!fdt_reg(fdt, clint->node, 0, &reg) ||
        !clint_hart_index(board, 0, &clint->hart_index))
        return;
    clint->base = reg.base;
    clint->present = answers(clint_msip(board, clint->hart_index), 4) &&
                     answers(reg.base + CLINT_MTIME, 8);
}

static void read_plic(struct board *board)
{
    const struct fdt *fdt = &board->fdt;
    struct plic *plic = &board->plic;
    uint32_t node = fdt_by_compatible(fdt, "riscv,plic0", FDT_NONE);
    struct region reg;

    if (node == FDT_NONE)
        node = fdt_by_compatible(fdt, "sifive,plic-1.0.0", FDT_NONE);
    if (!fdt_reg(fdt, node, 0, &reg) ||
        !board_hart_interrupt(board, node, 0, MEIP_IRQ, &plic->context))
        return;
    fdt_cell(fdt, node, "riscv,ndev", 0, &plic->last_irq);
    plic->base = reg.base;
    plic->present = answers(plic_threshold(board), 4);
}

/* The register that a syscon-poweroff or syscon-reboot node writes to. */
static void read_syscon(const struct fdt *fdt, const char *compatible,
                        struct syscon *syscon)
{
    uint32_t node = fdt_by_compatible(fdt, compatible, FDT_NONE);
    uint32_t regmap, offset = 0;
    struct region reg;

    if (!fdt_cell(fdt, node, "regmap", 0, &regmap) ||
        !fdt_cell(fdt, node, "value", 0, &syscon->value) ||
        !fdt_reg(fdt, fdt_by_phandle(fdt, regmap), 0, &reg))
        return;
    fdt_cell(fdt, node, "offset", 0, &offset);
    syscon->address = reg.base + offset;
    syscon->present = true;
}

static void read_finisher(struct board *board)
{
    const struct fdt *fdt = &board->fdt;
    uint32_t node = fdt_by_compatible(fdt, "sifive,test0", FDT_NONE);
    struct region reg;

    if (fdt_reg(fdt, node, 0, &reg)) {
        board->has_finisher = true;
        board->finisher = reg.base;
    }
}

static void read_timebase(struct board *board)
{
    const struct fdt *fdt = &board->fdt;

    /* Each cpu may have its own; all agree, for the time CSR is one clock. */
    board->timebase = 0;
    if (!fdt_cell(fdt, fdt_find(fdt, "/cpus"), "timebase-frequency", 0,
                  &board->timebase))
        fdt_cell(fdt, board_hart(board, 0), "timebase-frequency", 0,
                 &board->timebase);
    if (board->timebase == 0)
        board->timebase = FALLBACK_TIMEBASE;
}

static uintptr_t read_time(uintptr_t a, uintptr_t b)
{
    (void)a;
    (void)b;
    return csr_read(time);
}

void board_read_console(struct board *board, const void *tree)
{
    memset(board, 0, sizeof(*board));
    board->problem = open_guarded(&board->fdt, tree);
    if (board->problem != NULL)
        board->fdt = (struct fdt){.blob = tree, .root = FDT_NONE}; /* empty */
    read_uart(board);
}

void board_read_rest(struct board *board)
{
    board->misa = csr_read(misa);
    board->time_csr = !trap_run(NULL, read_time, 0, 0);
    read_timebase(board);
    read_clint(board);
    read_plic(board);
    read_syscon(&board->fdt, "syscon-poweroff", &board->poweroff);
    read_syscon(&board->fdt, "syscon-reboot", &board->reboot);
    read_finisher(board);
}

/*
 * "rv64imac_zicsr_zba": single letters up to the first of a longer name, then
 * names between underscores.  "g" stands for "imafd".
 */
static bool isa_names(const char *isa, const char *extension)
{
    size_t length = strlen(extension);

    if (memcmp(isa, "rv", 2) != 0)
        return false;
    for (isa += 2; *isa >= '0' && *isa <= '9'; isa++)
        ;
    if (length == 1) {
        for (; *isa != '\0' && strchr("_szx", *isa) == NULL; isa++) {
            if (*isa == *extension ||
                (*isa == 'g' && strchr("imafd", *extension) != NULL))
                return true;
        }
        return false;
    }
    while ((isa = strchr(isa, '_')) != NULL) {
        isa++;
        if (strlen(isa) >= length && memcmp(isa, extension, length) == 0 &&
            (isa[length] == '\0' || isa[length] == '_'))
            return true;
    }
    return false;
}

bool board_has(const struct board *board, const char *extension)
{
    uint32_t node = board_hart(board, 0);
    const char *isa = fdt_text(&board->fdt, node, "riscv,isa");
    struct fdt_prop list;

    if (fdt_prop(&board->fdt, node, "riscv,isa-extensions", &list))
        return fdt_list_has(&list, extension);
    return isa != NULL && strlen(isa) > 2 && isa_names(isa, extension);
}

bool board_misa(const struct board *board, char letter)
{
    return board->misa == 0 || (board->misa >> (letter - 'A') & 1) != 0;
}

uint32_t board_next_hart(const struct board *board, uint32_t after,
                         uint32_t *id)
{
    const struct fdt *fdt = &board->fdt;
    uint32_t cpus = fdt_find(fdt, "/cpus");
    uint32_t node = after == FDT_NONE ? cpus : after;
    const char *type;

    while ((node = fdt_next(fdt, node, NULL)) != FDT_NONE) {
        type = fdt_text(fdt, node, "device_type");
        if (type != NULL && strcmp(type, "cpu") == 0 &&
            fdt_parent(fdt, node) == cpus && fdt_cell(fdt, node, "reg", 0, id))
            return node;
    }
    return FDT_NONE;
}

uint32_t board_hart(const struct board *board, uint32_t id)
{
    uint32_t node = FDT_NONE;
    uint32_t found;

    do
        node = board_next_hart(board, node, &found);
    while (node != FDT_NONE && found != id);
    return node;
}

bool board_hart_interrupt(const struct board *board, uint32_t controller,
                          uint32_t hart, uint32_t irq, uint32_t *index)
{
    const struct fdt *fdt = &board->fdt;
    uint32_t cpu = board_hart(board, hart);
    uint32_t phandle, number;

    if (cpu == FDT_NONE)
        return false;
    for (uint32_t i = 0;
         fdt_extended_interrupt(fdt, controller, i, &phandle, &number); i++) {
        if (number == irq &&
            fdt_parent(fdt, fdt_by_phandle(fdt, phandle)) == cpu) {
            *index = i;
            return true;
        }
    }
    return false;
}

/* Whether some node of the tree claims the page at this address. */
static bool claimed(const struct fdt *fdt, uint64_t address)
{
    struct region reg;

    for (uint32_t n = fdt->root; n != FDT_NONE; n = fdt_next(fdt, n, NULL)) {
        for (uint32_t i = 0; fdt_reg(fdt, n, i, &reg); i++) {
            if (address + 4096 > reg.base && address < reg.base + reg.size)
                return true;
        }
    }
    return false;
}

uint64_t board_hole(const struct board *board)
{
    /* Low, for bus windows lie high; not where boot ROMs hide. */
    static const uint64_t candidates[] = {0, 0xff000, 0x1000000};

    for (unsigned i = 0; i < ARRAY_SIZE(candidates); i++) {
        if (!claimed(&board->fdt, candidates[i]))
            return candidates[i];
    }
    return UINT64_C(1) << 50;
}

uint64_t board_ticks(const struct board *board)
{
    if (board->time_csr)
        return csr_read(time);
    return board->clint.present ? clint_time(board) : 0;
}

void board_poweroff(const struct board *board, unsigned code)
{
    const struct syscon *off = &board->poweroff;

    console_drain();
    if (code != 0 && board->has_finisher)
        probe_store(board->finisher, 4, code << 16 | FINISHER_FAIL);
    else if (code == 0 && off->present)
        probe_store(off->address, 4, off->value);
    else if (code == 0 && board->has_finisher)
        probe_store(board->finisher, 4, FINISHER_PASS);
}

void board_reboot(const struct board *board)
{
    const struct syscon *reboot = &board->reboot;

    console_drain();
    if (reboot->present)
        probe_store(reboot->address, 4, reboot->value);
    else if (board->has_finisher)
        probe_store(board->finisher, 4, FINISHER_RESET);
}
