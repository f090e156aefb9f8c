/*
 * -smbios and -uuid: what the machine says of itself.
 */
#include <string.h>

#include "frontend/cli/cli_priv.h"

/* 8-4-4-4-12 digits. */
static bool parse_uuid(const char *text, uint8_t *out)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    unsigned n = 0;

    for (const char *p = text; *p; p++) {
        const size_t at = (size_t)(p - text);
        const char *digit = strchr(digits, *p);
        unsigned v;

        if (at == 8 || at == 13 || at == 18 || at == 23) {
            if (*p != '-')
                return false;
            continue;
        }
        if (!digit || n == 32)
            return false;
        v = (unsigned)(digit - digits);
        v = v > 15 ? v - 6 : v;
        out[n / 2] = (uint8_t)(out[n / 2] << 4 | v);
        n++;
    }
    return n == 32;
}

enum cli_result cli_uuid(struct config *c, const char *arg, struct error *e)
{
    if (!parse_uuid(arg, c->uuid)) {
        error_set(e, "wanted 8-4-4-4-12 hexadecimal digits");
        return CLI_ERROR;
    }
    c->uuid_given = true;
    return CLI_RUN;
}

/* Its fields are the machine's to check; the UUID is -uuid's. */
enum cli_result cli_smbios(struct config *c, const char *arg, struct error *e)
{
    struct smbios_option o;
    struct keyval kv;
    const char *uuid;

    if (!keyval_parse(&c->pool, arg, NULL, &kv, e))
        return CLI_ERROR;
    uuid = keyval_get(&kv, "uuid");
    if (uuid && cli_uuid(c, uuid, e) != CLI_RUN) {
        error_prefix(e, "uuid=%s", uuid);
        return CLI_ERROR;
    }
    o = (struct smbios_option){kv.n, kv.keys, kv.values};
    *(struct smbios_option *)pool_append(&c->pool, &c->smbios, &c->n_smbios,
                                         sizeof(o)) = o;
    return CLI_RUN;
}
