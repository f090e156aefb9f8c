/*
 * Runs guest code on the host (native.h).
 *
 * Everything ends by a signal: the code is followed by bytes CC, and the
 * handler, on a stack of its own, takes registers and the exception's vector
 * from the context and jumps back.  Compatibility and 16-bit code is entered
 * by a far jump through descriptors of the kernel's and of our LDT.
 */
#include "tests/isa/x86/native.h"

#if defined(__SANITIZE_ADDRESS__)
#define WHY_NOT "the address sanitizer's memory lies where guests' may not"
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WHY_NOT "the address sanitizer's memory lies where guests' may not"
#endif
#endif
#if !defined(__x86_64__) || !defined(__linux__)
#define WHY_NOT "the host is no x86-64 Linux"
#endif

#ifndef WHY_NOT

#include <asm/ldt.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE 4096u
#define ALT_STACK 65536u

/* What native_enter() reads; the offsets are in its text. */
struct entry {
    uint8_t fx[512];      /* 0: FXSAVE image */
    uint64_t regs[16];    /* 512 */
    uint64_t eflags;      /* 640 */
    uint32_t data, stack; /* 648, 652: selectors */
} __attribute__((aligned(16)));

struct native {
    uint64_t base;
    unsigned pages;
    uint8_t *memory; /* the second mapping */
    uint8_t *stack;
    uint16_t cs[3], ss[3];
    struct entry entry;
    sigjmp_buf back;
    ucontext_t *context;
    struct native_end end;
    struct native_state *out;
};

/* A signal handler gets no argument of ours. */
static struct native *running;

/* Loads everything and jumps; never returns by itself. */
extern void native_enter(const struct entry *e);
#define BASE 0x10000000 /* the only base that there is */
#define CONTROL_ADDRESS 0x10001ff8
#define TEXT(x) TEXT_(x)
#define TEXT_(x) #x
__asm__(".text\n"
        "native_enter:\n"
        "    fxrstor64 (%rdi)\n"
        "    pushq 640(%rdi)\n"
        "    popfq\n"
        "    movl 648(%rdi), %eax\n"
        "    movl %eax, %ds\n"
        "    movl %eax, %es\n"
        "    movl 652(%rdi), %eax\n"
        "    movl %eax, %ss\n"
        "    movq 544(%rdi), %rsp\n"
        "    movq 512(%rdi), %rax\n"
        "    movq 520(%rdi), %rcx\n"
        "    movq 528(%rdi), %rdx\n"
        "    movq 536(%rdi), %rbx\n"
        "    movq 552(%rdi), %rbp\n"
        "    movq 560(%rdi), %rsi\n"
        "    movq 576(%rdi), %r8\n"
        "    movq 584(%rdi), %r9\n"
        "    movq 592(%rdi), %r10\n"
        "    movq 600(%rdi), %r11\n"
        "    movq 608(%rdi), %r12\n"
        "    movq 616(%rdi), %r13\n"
        "    movq 624(%rdi), %r14\n"
        "    movq 632(%rdi), %r15\n"
        "    movq 568(%rdi), %rdi\n"
        "    ljmp *" TEXT(CONTROL_ADDRESS) "\n");

static void take_context(struct native *n, const ucontext_t *u)
{
    static const int order[16] = {
        REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
        REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    const greg_t *r = u->uc_mcontext.gregs;
    struct native_state *out = n->out;
    const uint8_t *fx = (const uint8_t *)u->uc_mcontext.fpregs;

    for (int i = 0; i < 16; i++)
        out->regs[i] = (uint64_t)r[order[i]];
    out->rip = (uint64_t)r[REG_RIP];
    out->eflags = (uint64_t)r[REG_EFL];
    n->end.vector = (unsigned)r[REG_TRAPNO];
    n->end.error = (uint64_t)r[REG_ERR];
    n->end.cr2 = (uint64_t)r[REG_CR2];
    memcpy(&out->control, fx, 2);
    memcpy(&out->status, fx + 2, 2);
    out->used = fx[4];
    memcpy(&out->mxcsr, fx + 24, 4);
    for (int i = 0; i < 8; i++) {
        memcpy(&out->mantissa[i], fx + 32 + 16 * i, 8);
        memcpy(&out->exponent[i], fx + 40 + 16 * i, 2);
    }
    memcpy(out->xmm, fx + 160, sizeof(out->xmm));
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
    struct native *n = running;

    /* Guest code may have asked for alignment checks (AC). */
    __builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() &
                                   ~(uint64_t)0x40000);
    (void)sig, (void)info;
    if (!n)
        _exit(99); /* not ours: a mistake of the test */
    running = NULL;
    take_context(n, context);
    siglongjmp(n->back, 1);
}

static void fill_entry(struct native *n, const struct native_state *in)
{
    uint8_t *fx = n->entry.fx;

    memset(fx, 0, sizeof(n->entry.fx));
    memcpy(fx, &in->control, 2);
    memcpy(fx + 2, &in->status, 2);
    fx[4] = in->used;
    memcpy(fx + 24, &in->mxcsr, 4);
    for (int i = 0; i < 8; i++) {
        memcpy(fx + 32 + 16 * i, &in->mantissa[i], 8);
        memcpy(fx + 40 + 16 * i, &in->exponent[i], 2);
    }
    memcpy(fx + 160, in->xmm, sizeof(in->xmm));
    memcpy(n->entry.regs, in->regs, sizeof(in->regs));
    n->entry.eflags = in->eflags;
}

/* The far pointer that native_enter() jumps through. */
void native_prepare(struct native *n, unsigned mode, uint64_t rip)
{
    uint32_t offset = (uint32_t)(rip - (mode == 0 ? n->base : 0));

    memset(n->memory + NATIVE_CONTROL, 0, 8);
    memcpy(n->memory + NATIVE_CONTROL, &offset, 4);
    memcpy(n->memory + NATIVE_CONTROL + 4, &n->cs[mode], 2);
}

struct native_end native_run(struct native *n, unsigned mode,
                             const struct native_state *in,
                             struct native_state *out)
{
    fill_entry(n, in);
    n->entry.data = n->entry.stack = n->ss[mode];
    n->out = out;
    if (sigsetjmp(n->back, 0) == 0) {
        running = n;
        native_enter(&n->entry);
    }
    if (mode == 0)
        out->rip += n->base;
    return n->end;
}

static bool add_segment(unsigned number, uint64_t base, unsigned pages,
                        bool code)
{
    struct user_desc d = {
        .entry_number = number,
        .base_addr = (unsigned)base,
        .limit = pages * PAGE - 1,
        .contents = code ? MODIFY_LDT_CONTENTS_CODE : MODIFY_LDT_CONTENTS_DATA,
        .useable = 1,
    };

    return syscall(SYS_modify_ldt, 1, &d, sizeof(d)) == 0;
}

static bool map_memory(struct native *n)
{
    size_t size = (size_t)n->pages * PAGE;
    int fd = memfd_create("guest", 0);
    void *fixed;

    if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
        return false;
    n->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    fixed = mmap((void *)(uintptr_t)n->base, size, PROT_NONE,
                 MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
    close(fd);
    return n->memory != MAP_FAILED && fixed == (void *)(uintptr_t)n->base;
}

static bool catch_signals(struct native *n)
{
    static const int signals[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    struct sigaction sa = {.sa_sigaction = on_signal,
                           .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    stack_t stack = {.ss_sp = n->stack, .ss_size = ALT_STACK};
    bool ok = sigaltstack(&stack, NULL) == 0;

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        ok = ok && sigaction(signals[i], &sa, NULL) == 0;
    return ok;
}

struct native *native_new(uint64_t base, unsigned pages, uint16_t cs[3],
                          uint16_t ss[3], const char **why)
{
    static const uint16_t codes[3] = {0x07, 0x23, 0x33};
    static const uint16_t stacks[3] = {0x0f, 0x2b, 0x2b};
    struct native *n = calloc(1, sizeof(*n));

    if (!n) {
        *why = "no memory";
        return NULL;
    }
    n->base = base;
    n->pages = pages;
    n->stack = malloc(ALT_STACK);
    *why = NULL;
    if (base != BASE)
        *why = "it is built for another base";
    else if (!n->stack || !catch_signals(n))
        *why = "no signal stack";
    else if (!map_memory(n))
        *why = "the guest's addresses are taken";
    else if (!add_segment(0, base, pages, true) ||
             !add_segment(1, base, pages, false))
        *why = "modify_ldt is refused";
    if (*why) {
        native_free(n);
        return NULL;
    }
    memcpy(n->cs, codes, sizeof(codes));
    memcpy(n->ss, stacks, sizeof(stacks));
    memcpy(cs, codes, sizeof(codes));
    memcpy(ss, stacks, sizeof(stacks));
    return n;
}

void native_free(struct native *n)
{
    stack_t off = {.ss_flags = SS_DISABLE};

    if (!n)
        return;
    sigaltstack(&off, NULL);
    free(n->stack);
    free(n);
}

uint8_t *native_memory(struct native *n)
{
    return n->memory;
}

bool native_protect(struct native *n, unsigned page, bool read, bool write,
                    bool exec)
{
    const volatile uint8_t *at =
        (const uint8_t *)(uintptr_t)(n->base + (uint64_t)page * PAGE);
    int prot = (read ? PROT_READ : 0) | (write ? PROT_WRITE : 0) |
               (exec ? PROT_EXEC : 0);

    if (mprotect((void *)(uintptr_t)at, PAGE, prot) != 0)
        return false;
    /* Touched once, a fault says that the page is there. */
    if (read)
        (void)*at;
    return true;
}

#else

struct native *native_new(uint64_t base, unsigned pages, uint16_t cs[3],
                          uint16_t ss[3], const char **why)
{
    (void)base, (void)pages, (void)cs, (void)ss;
    *why = WHY_NOT;
    return NULL;
}

void native_free(struct native *n)
{
    (void)n;
}

uint8_t *native_memory(struct native *n)
{
    (void)n;
    return NULL;
}

bool native_protect(struct native *n, unsigned page, bool read, bool write,
                    bool exec)
{
    (void)n, (void)page, (void)read, (void)write, (void)exec;
    return false;
}

void native_prepare(struct native *n, unsigned mode, uint64_t rip)
{
    (void)n, (void)mode, (void)rip;
}

struct native_end native_run(struct native *n, unsigned mode,
                             const struct native_state *in,
                             struct native_state *out)
{
    (void)n, (void)mode, (void)in, (void)out;
    return (struct native_end){0, 0, 0};
}

#endif
