/*
 * -rtc: what the guest's clocks say at the start, and what they go on with.
 */
#include <string.h>
#include <time.h>

#include "frontend/cli/cli_priv.h"

enum { FIRST_YEAR = 1970, LAST_YEAR = 2399 };
#define NS_PER_S ((uint64_t)1000000000)

static bool is_leap(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned month_length(unsigned month, unsigned year)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30,
                                   31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Seconds since 1970-01-01T00:00:00 of a date that is one; POSIX has no way
 * back from a struct tm that is not local. */
static uint64_t seconds_of(const unsigned f[6])
{
    uint64_t days = f[2] - 1;

    for (unsigned y = FIRST_YEAR; y < f[0]; y++)
        days += 365u + is_leap(y);
    for (unsigned m = 1; m < f[1]; m++)
        days += month_length(m, f[0]);
    return ((days * 24 + f[3]) * 60 + f[4]) * 60 + f[5];
}

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
    if (*p || f[2] > month_length(f[1], f[0]))
        return false;
    *seconds = seconds_of(f);
    return true;
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
    if (c->rtc_local && localtime_r(&now.tv_sec, &t)) {
        const unsigned f[6] = {
            (unsigned)t.tm_year + 1900, (unsigned)t.tm_mon + 1,
            (unsigned)t.tm_mday,        (unsigned)t.tm_hour,
            (unsigned)t.tm_min,         (unsigned)t.tm_sec};

        *ns = seconds_of(f) * NS_PER_S + (uint64_t)now.tv_nsec;
    }
    return true;
}
