/*
 * f80_eval.c - transcendental functions of cpu/fp/f80.h by lines of text
 *
 * Reads lines "FUNCTION ROUND A B", numbers as 20 hexadecimal digits, and
 * answers each with the result and its flags, for f80_math.py. Exit status: 0,
 * or 1 if a line was not understood.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/fp/f80.h"

static bool evaluate(const char *name, struct fp_env *e, struct f80 a,
                     struct f80 b, struct f80 *r)
{
    struct f80 other;

    if (strcmp(name, "f2xm1") == 0)
        *r = f80_2xm1(e, a);
    else if (strcmp(name, "fyl2x") == 0)
        *r = f80_yl2x(e, a, b);
    else if (strcmp(name, "fyl2xp1") == 0)
        *r = f80_yl2xp1(e, a, b);
    else if (strcmp(name, "fpatan") == 0)
        *r = f80_patan(e, a, b);
    else if (strcmp(name, "fsin") == 0)
        return f80_sin(e, a, r);
    else if (strcmp(name, "fcos") == 0)
        return f80_cos(e, a, r);
    else if (strcmp(name, "fsincos") == 0)
        return f80_sincos(e, a, r, &other);
    else if (strcmp(name, "fptan") == 0)
        return f80_tan(e, a, r);
    else
        return false;
    return true;
}

int main(void)
{
    char name[16];
    unsigned round, a_se, b_se;
    unsigned long long a_sig, b_sig;

    while (scanf("%15s %u %4x%16llx %4x%16llx", name, &round, &a_se, &a_sig,
                 &b_se, &b_sig) == 6) {
        struct fp_env e = {.rules = FP_RULES_X87, .round = (uint8_t)round};
        struct f80 r;

        if (!evaluate(name, &e, (struct f80){a_sig, (uint16_t)a_se},
                      (struct f80){b_sig, (uint16_t)b_se}, &r))
            return EXIT_FAILURE;
        printf("%04x%016llx %02x\n", r.se, (unsigned long long)r.sig, e.flags);
    }
    return feof(stdin) ? EXIT_SUCCESS : EXIT_FAILURE;
}
