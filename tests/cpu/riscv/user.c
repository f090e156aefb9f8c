/*
 * A user-mode program on our hart: diff.py's counterpart of qemu-riscv64.
 *
 * Loads a static ELF of RV32 or RV64 at its addresses, runs it in U mode without
 * translation and answers the system calls that diff.py's programs make:
 * write, exit, rt_sigaction and sigaltstack; all others are ENOSYS.  An
 * exception does here what the program's own signal handler does under
 * Linux: note it in the current record and go on behind the instruction.
 *
 * usage: test_riscv_user [--soft] [--step | --jit] PROGRAM
 *   --soft  floating point without the host's
 *   --step  one instruction a run, nothing chained, nothing kept
 *   --jit   every block compiled when it is first entered; status 77 if
 *           there is no translator for this host
 *
 * Missing: all else of Linux.
 */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpu/core/engine.h"
#include "cpu/riscv/riscv.h"
#include "jit/jit.h"

/* What diff.py's records look like (LAYOUT there). */
#define GLOBALS UINT64_C(0x30000000) /* holds the current record's address */
#define REC_SIGNALS 776
#define REC_FAULT_PC 784

enum {
    SYS_WRITE = 64,
    SYS_EXIT = 93,
    SYS_SIGALTSTACK = 132,
    SYS_SIGACTION = 134
};

struct user {
    struct cpu *cpu;
    struct memory *memory;
    uint64_t ones; /* a register's */
    bool done;
    int status;
};

static void fail(const char *what)
{
    fprintf(stderr, "user: %s\n", what);
    exit(2);
}

static uint8_t *at(struct user *u, uint64_t address, uint64_t size)
{
    uint8_t *host = memory_host(u->memory, address, size, true);

    if (!host)
        fail("the program has no such address");
    return host;
}

static uint64_t sys_write(struct user *u, const uint64_t *x)
{
    const uint8_t *from = at(u, x[11], x[12]);
    ssize_t n = write((int)x[10], from, x[12]);

    return n < 0 ? (uint64_t)-errno : (uint64_t)n;
}

static void system_call(struct user *u)
{
    uint64_t *x = riscv(u->cpu)->x;

    u->cpu->pc += 4;
    switch (x[17]) {
    case SYS_WRITE:
        x[10] = sys_write(u, x) & u->ones;
        break;
    case SYS_EXIT:
        u->done = true;
        u->status = (int)x[10];
        cpu_kick(u->cpu);
        break;
    case SYS_SIGALTSTACK:
    case SYS_SIGACTION:
        x[10] = 0;
        break;
    default:
        x[10] = (uint64_t)-ENOSYS & u->ones;
    }
}

/* The Linux signal of an exception; 0: the program is broken. */
static unsigned signal_of(uint64_t cause)
{
    switch (cause) {
    case CAUSE_ILLEGAL:
        return 4; /* SIGILL */
    case CAUSE_BREAKPOINT:
        return 5; /* SIGTRAP */
    case CAUSE_LOAD_MISALIGNED:
    case CAUSE_STORE_MISALIGNED:
        return 7; /* SIGBUS */
    case CAUSE_LOAD_ACCESS:
    case CAUSE_STORE_ACCESS:
    case CAUSE_LOAD_PAGE:
    case CAUSE_STORE_PAGE:
        return 11; /* SIGSEGV */
    default:
        return 0;
    }
}

static void deliver(struct cpu *c)
{
    struct user *u = c->wires.time_owner;
    struct riscv_cpu *g = riscv(c);
    unsigned sig = signal_of(g->cause);
    uint8_t *rec, *code;
    uint64_t signals;

    if (g->cause == CAUSE_ECALL_U) {
        system_call(u);
        return;
    }
    if (!sig) {
        fprintf(stderr, "user: exception %d at 0x%llx\n", (int)g->cause,
                (unsigned long long)c->pc);
        exit(2);
    }
    rec = at(u, ld_le64(at(u, GLOBALS, 8)), REC_FAULT_PC + 8);
    signals = (ld_le64(rec + REC_SIGNALS) << 5) + sig;
    st_le64(rec + REC_SIGNALS, signals & u->ones);
    st_le64(rec + REC_FAULT_PC, c->pc);
    code = at(u, c->pc, 2);
    c->pc += (code[0] & 3) == 3 ? 4 : 2;
}

static uint64_t now(void *owner)
{
    struct user *u = owner;

    return u->cpu->icount;
}

static uint8_t *read_file(const char *name, size_t *size)
{
    FILE *f = fopen(name, "rb");
    uint8_t *data;
    long n = 0;

    if (!f || fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) < 64)
        fail("cannot read the program");
    rewind(f);
    data = malloc((size_t)n);
    if (!data || fread(data, 1, (size_t)n, f) != (size_t)n)
        fail("cannot read the program");
    fclose(f);
    *size = (size_t)n;
    return data;
}

/* A little-endian field of a struct of the file. */
#define LE16(p, type, field) ld_le16((p) + offsetof(type, field))
#define LE32(p, type, field) ld_le32((p) + offsetof(type, field))
#define LE64(p, type, field) ld_le64((p) + offsetof(type, field))

static bool is_rv32(const uint8_t *file)
{
    return file[EI_CLASS] == ELFCLASS32;
}

/* Part n of the file, as the host has it. */
static Elf64_Phdr part(const uint8_t *file, unsigned n)
{
    const uint8_t *p = file;

    if (is_rv32(file)) {
        p += LE32(file, Elf32_Ehdr, e_phoff) + n * sizeof(Elf32_Phdr);
        return (Elf64_Phdr){.p_vaddr = LE32(p, Elf32_Phdr, p_vaddr),
                            .p_offset = LE32(p, Elf32_Phdr, p_offset),
                            .p_filesz = LE32(p, Elf32_Phdr, p_filesz),
                            .p_memsz = LE32(p, Elf32_Phdr, p_memsz)};
    }
    p += LE64(file, Elf64_Ehdr, e_phoff) + n * sizeof(Elf64_Phdr);
    return (Elf64_Phdr){.p_vaddr = LE64(p, Elf64_Phdr, p_vaddr),
                        .p_offset = LE64(p, Elf64_Phdr, p_offset),
                        .p_filesz = LE64(p, Elf64_Phdr, p_filesz),
                        .p_memsz = LE64(p, Elf64_Phdr, p_memsz)};
}

static void map(struct user *u, struct region *r, const uint8_t *file,
                const Elf64_Phdr *p)
{
    struct error e;
    struct ram *ram;

    if (!ram_new(&ram, p->p_memsz, &e))
        fail(e.text);
    *r = (struct region){.name = "program",
                         .kind = REGION_RAM,
                         .base = p->p_vaddr,
                         .size = ram->size,
                         .enabled = true,
                         .ram = ram};
    if (!memory_add(u->memory, r, &e))
        fail(e.text);
    memcpy(ram->host, file + p->p_offset, (size_t)p->p_filesz);
}

/* Map all of the file; returns how many parts, and where it begins. */
static unsigned map_file(struct user *u, struct region *regions,
                         unsigned room, const uint8_t *file, uint64_t *entry)
{
    const unsigned n = is_rv32(file) ? LE16(file, Elf32_Ehdr, e_phnum)
                                     : LE16(file, Elf64_Ehdr, e_phnum);

    for (unsigned i = 0; i < n && i < room; i++) {
        const Elf64_Phdr p = part(file, i);

        map(u, &regions[i], file, &p);
    }
    *entry = is_rv32(file) ? LE32(file, Elf32_Ehdr, e_entry)
                           : LE64(file, Elf64_Ehdr, e_entry);
    return n < room ? n : room;
}

/* Everything is allowed in U mode; the counters are readable, and of the
 * caches' operations cbo.zero is allowed, as Linux does it. */
static void enter_user(struct riscv_cpu *g, uint64_t entry)
{
    g->pmpaddr[0] = ((uint64_t)1 << 54) - 1;
    g->pmpcfg[0] = 0x1f;
    g->mcounteren = g->scounteren = 7;
    g->menvcfg |= ENVCFG_CBZE;
    g->senvcfg = ENVCFG_CBZE;
    g->fs = 1;
    g->priv = PRIV_U;
    g->core.pc = entry;
    riscv_pmp_changed(g);
    riscv_update_contexts(g);
}

static void compile_all(struct user *u)
{
    const struct jit_config config = {.off = 1u << JIT_TIERS};
    struct error e;

    if (!jit_attach(u->cpu, &config, &e)) {
        fprintf(stderr, "skipped: %s\n", e.text);
        exit(77);
    }
}

/* Most of what ran was compiled, or the test is none. */
static void check_compiled(const struct user *u)
{
    struct jit_counters n;

    jit_count(u->cpu, &n);
    if (n.entered < 10 || n.compiled < n.rejected)
        fail("too little was compiled");
}

static void run(struct user *u, bool step)
{
    while (!u->done) {
        if (step)
            block_cache_flush(u->cpu);
        if (cpu_run(u->cpu, step ? 1 : INT64_MAX) == CPU_HALTED)
            fail("it halted");
    }
}

int main(int argc, char **argv)
{
    static struct region regions[8];
    struct cpu_class cls;
    struct cpu_config config = {0};
    struct cpu_env env = {0};
    struct user u = {0};
    struct log log;
    struct error e;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    bool soft = false, step = false, jit = false;
    unsigned n_regions;
    uint64_t entry;
    uint8_t *file;
    size_t size;
    int i = 1;

    for (; i < argc - 1; i++) {
        soft |= !strcmp(argv[i], "--soft");
        step |= !strcmp(argv[i], "--step");
        jit |= !strcmp(argv[i], "--jit");
    }
    if (i != argc - 1)
        fail("usage: test_riscv_user [--soft] [--step | --jit] PROGRAM");
    log_init(&log, stderr);
    file = read_file(argv[i], &size);
    cls = is_rv32(file) ? riscv32_class : riscv64_class;
    u.ones = is_rv32(file) ? UINT32_MAX : UINT64_MAX;
    u.memory = memory_new("user", false, &lock);
    env.memory = u.memory;
    env.clock = clock_new();
    env.log = &log;
    cls.deliver = deliver;
    config.no_chain = step;
    if (!cpu_new(&u.cpu, &cls, &env, &config, &e))
        fail(e.text);
    u.cpu->wires.time = now;
    u.cpu->wires.time_owner = &u;
    riscv(u.cpu)->fp.soft = soft;
    if (jit)
        compile_all(&u);
    n_regions = map_file(&u, regions, 8, file, &entry);
    enter_user(riscv(u.cpu), entry);
    run(&u, step);
    if (jit)
        check_compiled(&u);
    fprintf(stderr, "%llu\n", (unsigned long long)u.cpu->icount);
    cpu_free(u.cpu);
    for (unsigned n = 0; n < n_regions; n++) {
        memory_remove(&regions[n]);
        ram_free(regions[n].ram);
    }
    memory_free(u.memory);
    clock_free(env.clock);
    log_destroy(&log);
    free(file);
    return u.status;
}
