/*
 * The emulator's main program.
 *
 * frontend/cli/ turns the command line into a struct config, session.c runs
 * it.  Exit statuses are listed in end.c.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "frontend/cli/config.h"
#include "frontend/session.h"

/*
 * Whoever started us may have closed 0, 1 or 2.  The next file that is
 * opened would get that number, and a message would land in a disk image.
 */
static void occupy_standard_fds(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

/* Text that was asked for must have arrived: a full disk is an error. */
static int end_of_text(const struct config *c)
{
    if (!fflush(stdout) && !ferror(stdout))
        return 0;
    fprintf(stderr, "%s: cannot write to standard output\n", c->program);
    return 1;
}

int main(int argc, char **argv)
{
    struct config config;
    struct error e = {""};
    int status = 1;

    occupy_standard_fds();
    switch (config_parse(&config, argc, argv, &e)) {
    case CLI_RUN:
        status = session_run(&config);
        break;
    case CLI_DONE:
        status = end_of_text(&config);
        break;
    case CLI_ERROR:
        fprintf(stderr, "%s: %s\n", config.program, e.text);
        break;
    }
    config_free(&config);
    return status;
}
