/*
 * The process's signals.
 *
 * A handler has no argument, so that what it needs is static here: signals
 * belong to the process, not to a machine.
 *
 * - What ends a process (SIGTERM, SIGINT, SIGHUP, ..., also those that nobody
 *   should send) goes through a pipe to the main loop, which ends in order.
 *   The third such signal ends at once: the loop seems to be stuck.
 * - SIGTSTP and SIGCONT go the same way: the terminal is put back before the
 *   process stops, and taken again when it goes on.
 * - SIGTTIN and SIGTTOU are ignored: a background process looks whether it
 *   has the terminal before it touches it.  SIGPIPE and SIGXFSZ are ignored:
 *   the write's error says it.
 * - SIGURG, which nobody else sends us, interrupts a thread that is blocked.
 * - A crash (SIGSEGV, SIGABRT, ...) puts the terminal back, says a line and
 *   ends with 126.  Where core files are wanted (ulimit -c), a forked copy
 *   dies of the signal and leaves the core, so that the status stays.
 *   A sanitizer's own handlers are left in place.
 *
 * Missing: a stack overflow in a thread other than the main one has no
 * stack left for its handler, and ends with the bare signal.
 */
#include "frontend/host/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frontend/host/terminal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
enum { STATUS_OUR_FAULT = 126, PATIENCE = 3 };

static const int ending[] = {
    SIGHUP,    SIGINT,  SIGQUIT,   SIGTERM, SIGALRM, SIGUSR1,
    SIGUSR2,   SIGXCPU, SIGVTALRM, SIGPROF, SIGPOLL,
#ifdef SIGPWR
    SIGPWR,
#endif
#ifdef SIGSTKFLT
    SIGSTKFLT,
#endif
};
static const int crashes[] = {
    SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS,
};
static const int ignored[] = {SIGPIPE, SIGTTIN, SIGTTOU, SIGXFSZ};

static struct {
    int pipe[2];
    struct terminal *terminal;
    bool compat;
    volatile sig_atomic_t endings;
} state = {.pipe = {-1, -1}};

static bool is_ending(int number)
{
    for (size_t i = 0; i < COUNT(ending); i++)
        if (ending[i] == number)
            return true;
    return number >= SIGRTMIN;
}

static void on_event(int number)
{
    int saved = errno;
    uint8_t byte = (uint8_t)number;

    if (is_ending(number) && ++state.endings >= PATIENCE) {
        if (state.terminal)
            terminal_leave(state.terminal);
        _exit(128 + number);
    }
    /* If the pipe is full, the loop has enough to think about. */
    if (write(state.pipe[1], &byte, 1) < 0)
        errno = saved;
    errno = saved;
}

/* To have a handler is enough: a system call returns with EINTR. */
static void on_interrupt(int number)
{
    (void)number;
}

/* A line from inside a handler: no stdio there. */
static void say_crash(int number)
{
    char text[] = "emu: internal error, signal 00; please report it\n";
    char *digits = strchr(text, '0');

    digits[0] = (char)('0' + number / 10);
    digits[1] = (char)('0' + number % 10);
    if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
        return;
}

static void die_of(int number)
{
    sigset_t set;

    signal(number, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
}

static void leave_core(int number)
{
#ifdef HAVE__FORK
    struct rlimit limit;
    pid_t pid;

    if (getrlimit(RLIMIT_CORE, &limit) || !limit.rlim_cur)
        return;
    /* Not fork(): it may wait for a lock that the crash left taken. */
    pid = _Fork();
    if (!pid) {
        die_of(number);
        _exit(STATUS_OUR_FAULT);
    }
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
#else
    (void)number;
#endif
}

static void on_crash(int number)
{
    if (state.terminal)
        terminal_leave(state.terminal);
    say_crash(number);
    if (state.compat)
        die_of(number);
    leave_core(number);
    _exit(STATUS_OUR_FAULT);
}

/* What the parent ignores stays ignored (nohup, a script's background). */
static void handle(int number, void (*handler)(int), int flags)
{
    struct sigaction old, new = {.sa_handler = handler, .sa_flags = flags};

    if (sigaction(number, NULL, &old) || old.sa_handler != SIG_DFL)
        return;
    sigfillset(&new.sa_mask);
    sigaction(number, &new, NULL);
}

static bool open_pipe(struct error *e)
{
    if (pipe(state.pipe))
        return error_set(e, "no pipe: %s", strerror(errno));
    for (int i = 0; i < 2; i++) {
        fcntl(state.pipe[i], F_SETFL, O_NONBLOCK);
        fcntl(state.pipe[i], F_SETFD, FD_CLOEXEC);
    }
    return true;
}

/* The main thread's handlers work after a stack overflow, too. */
static void open_stack(void)
{
    static uint8_t stack[64 * 1024];
    stack_t alternative = {.ss_sp = stack, .ss_size = sizeof(stack)};

    sigaltstack(&alternative, NULL);
}

void signals_ignore(void)
{
    for (size_t i = 0; i < COUNT(ignored); i++)
        signal(ignored[i], SIG_IGN);
}

bool signals_open(struct terminal *terminal, bool compat, struct error *e)
{
    /* Without SA_RESTART, and whatever the parent ignored. */
    struct sigaction interrupt = {.sa_handler = on_interrupt};

    state.terminal = terminal;
    state.compat = compat;
    if (!open_pipe(e))
        return false;
    open_stack();
    for (size_t i = 0; i < COUNT(ending); i++)
        handle(ending[i], on_event, SA_RESTART);
    for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
        handle(number, on_event, SA_RESTART);
    sigaction(SIGURG, &interrupt, NULL);
    handle(SIGTSTP, on_event, SA_RESTART);
    handle(SIGCONT, on_event, SA_RESTART);
    for (size_t i = 0; i < COUNT(crashes); i++)
        handle(crashes[i], on_crash, SA_ONSTACK | SA_RESETHAND);
    return true;
}

int signals_fd(void)
{
    return state.pipe[0];
}

int signals_next(void)
{
    uint8_t byte;

    return read(state.pipe[0], &byte, 1) == 1 ? byte : 0;
}

void signals_stop(void)
{
    die_of(SIGTSTP); /* which only stops */
    handle(SIGTSTP, on_event, SA_RESTART);
}

void signals_block(sigset_t *old)
{
    sigset_t set;

    sigfillset(&set);
    /* A fault of the thread itself must reach its handler. */
    for (size_t i = 0; i < COUNT(crashes); i++)
        sigdelset(&set, crashes[i]);
    pthread_sigmask(SIG_SETMASK, &set, old);
}

void signals_restore(const sigset_t *old)
{
    pthread_sigmask(SIG_SETMASK, old, NULL);
}

void signals_interrupt(pthread_t thread)
{
    pthread_kill(thread, SIGURG);
}

void signals_interruptible(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGURG);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
