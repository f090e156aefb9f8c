/*
 * -rtc: what the guest's clocks say at the start, and what they go on with.
 */
#include <string.h>
#include <time.h>

#include "frontend/cli/cli_priv.h"

enum { FIRST_YEAR = 1970, LAST_YEAR = 2399 };
#define NS_PER_S ((uint64_t)1000000000)

/* YYYY-MM-DD, and then maybe THH:MM:SS. */
static bool parse_date(const char *p, uint64_t *seconds)
{
    static const struct {
        unsigned digits, least, most;
        char before;
    } part[] = {{4, FIRST_YEAR, LAST_YEAR, 0},
                {2, 1, 12, '-'},
                {2, 1, 31, '-'},
                {2, 0, 23, 'T'},
                {2, 0, 59, ':'},
                {2, 0, 59, ':'}};
    unsigned f[6] = {0};
    struct tm t;

    for (unsigned i = 0; i < 6; i++) {
        if (i == 3 && !*p)
            break;
        if (part[i].before && *p++ != part[i].before)
            return false;
        for (unsigned k = 0; k < part[i].digits; k++, p++) {
            if (*p < '0' || *p > '9')
                return false;
            f[i] = f[i] * 10 + (unsigned)(*p - '0');
        }
        if (f[i] < part[i].least || f[i] > part[i].most)
            return false;
    }
    if (*p)
        return false;
    t = (struct tm){.tm_year = (int)f[0] - 1900,
                    .tm_mon = (int)f[1] - 1,
                    .tm_mday = (int)f[2],
                    .tm_hour = (int)f[3],
                    .tm_min = (int)f[4],
                    .tm_sec = (int)f[5]};
    *seconds = (uint64_t)timegm(&t);
    /* The 31st of June would be the first of July by now. */
    return t.tm_mday == (int)f[2];
}

enum cli_result cli_rtc(struct config *c, const char *arg, struct error *e)
{
    static const char *const known[] = {"base", "clock"};
    const char *base, *source;
    struct keyval kv;

    if (!keyval_parse(&c->pool, arg, "base", &kv, e) ||
        !keyval_check(&kv, known, 2, e))
        return CLI_ERROR;
    base = keyval_get(&kv, "base");
    source = keyval_get(&kv, "clock");
    c->rtc_local = base && !strcmp(base, "localtime");
    c->rtc_date_given = base && !c->rtc_local && strcmp(base, "utc") != 0;
    if (c->rtc_date_given && !parse_date(base, &c->rtc_date)) {
        error_set(e,
                  "base=%s: accepted are utc, localtime and a date such as "
                  "1999-12-31T23:59:50, of %d to %d",
                  base, FIRST_YEAR, LAST_YEAR);
        return CLI_ERROR;
    }
    c->rtc_vm = source && !strcmp(source, "vm");
    if (source && !c->rtc_vm && strcmp(source, "host") != 0) {
        error_set(e, "clock=%s: accepted are host and vm", source);
        return CLI_ERROR;
    }
    return CLI_RUN;
}

bool config_wall_clock(const struct config *c, uint64_t *ns)
{
    struct timespec now;
    struct tm t;

    if (c->rtc_date_given) {
        *ns = c->rtc_date * NS_PER_S;
        return true;
    }
    /* The same seed, the same run. */
    if (c->icount || (!c->rtc_local && !c->rtc_vm))
        return false;
    clock_gettime(CLOCK_REALTIME, &now);
    *ns = (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
    if (c->rtc_local && localtime_r(&now.tv_sec, &t))
        *ns = (uint64_t)timegm(&t) * NS_PER_S + (uint64_t)now.tv_nsec;
    return true;
}
