/*
 * Modules, by dlopen().
 *
 * The program's own folder comes first (a build's has them beside it), found
 * by Linux's /proc; other hosts have the installed ones.
 */
#include "frontend/host/module.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "" where it is not known. */
static void own_folder(char *out, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", out, size - 1);
    char *slash;

    out[n > 0 ? n : 0] = '\0';
    slash = strrchr(out, '/');
    if (slash)
        *slash = '\0';
}

static void *open_in(const char *folder, const char *name)
{
    char path[PATH_MAX + 64];
    int n = snprintf(path, sizeof(path), "%s/emu-%s.so", folder, name);

    if (n >= (int)sizeof(path) || access(path, F_OK))
        return NULL;
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

void *module_load(const char *name, const char *symbol, struct error *e)
{
    char folder[PATH_MAX];
    const char *why;
    void *module, *found;

    own_folder(folder, sizeof(folder));
    dlerror();
    module = open_in(folder, name);
    if (!module)
        module = open_in(EMU_MODULES, name);
    found = module ? dlsym(module, symbol) : NULL;
    if (found)
        return found;
    why = dlerror();
    if (why)
        error_set(e, "%s", why);
    else
        error_set(e, "emu-%s.so is neither in %s nor in %s", name, folder,
                  EMU_MODULES);
    return NULL;
}
