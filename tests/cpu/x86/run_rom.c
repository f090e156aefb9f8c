/*
 * Run a ROM on the board of rig.h and print what it says; with a file of what
 * it ought to say, compare.
 *
 * Usage: test_x86_rom ROM [MODEL [EXPECTED [lockstep]]]; exit status 1: it
 * differs, or did not end; 77: this build has no translator.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/cpu/x86/rig.h"

#define MAX_ROM (256 * 1024)
#define MAX_INSNS 20000000

static unsigned read_file(const char *name, uint8_t *out, unsigned size)
{
    FILE *f = fopen(name, "rb");
    unsigned n;

    if (!f) {
        fprintf(stderr, "test_x86_rom: cannot open '%s'\n", name);
        exit(2);
    }
    n = (unsigned)fread(out, 1, size, f);
    fclose(f);
    return n;
}

int main(int argc, char **argv)
{
    static uint8_t rom[MAX_ROM], expected[X86_RIG_TEXT];
    const char *limit = getenv("X86_RIG_INSNS");
    struct x86_rig *r;
    unsigned size;
    int status = 0;

    if (argc < 2)
        return 2;
    size = read_file(argv[1], rom, sizeof(rom));
    r = x86_rig_new(argc > 2 ? argv[2] : NULL, rom, size);
    if (argc > 4 && !x86_rig_lockstep(r)) {
        x86_rig_free(r);
        return 77;
    }
    x86_rig_run(r, limit ? strtoull(limit, NULL, 0) : MAX_INSNS);
    if (r->shut_down)
        r->n_text += (unsigned)sprintf(r->text + r->n_text, "shutdown\n");
    else if (!r->ended)
        r->n_text += (unsigned)sprintf(r->text + r->n_text, "no end\n");
    fputs(r->text, stdout);
    if (argc > 3) {
        size = read_file(argv[3], expected, sizeof(expected));
        status = r->differs || size != r->n_text || memcmp(expected, r->text, size) != 0;
    }
    if (getenv("X86_RIG_DUMP")) {
        char text[4096];

        x86_class.dump(r->cpu, text, sizeof(text));
        fputs(text, stderr);
    }
    x86_rig_free(r);
    return status;
}
