/*
 * Finding the firmware that -bios names.
 *
 * The default is OpenSBI's fw_dynamic as distributions package it: first in
 * the folders of -L, under either of its names, then where packages put it; for
 * boards whose ROM it fills, SeaBIOS likewise.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "machine/load/load.h"

/* OpenSBI's file names and folders; %u is the register width. */
static const char *const names[] = {
    "opensbi-riscv%u-generic-fw_dynamic.bin",
    "fw_dynamic.bin",
};
static const char *const folders[] = {
    "/usr/local/share/qemu",
    "/usr/lib/riscv%u-linux-gnu/opensbi/generic",
    "/usr/share/opensbi/lp%u/generic/firmware",
    "/usr/share/qemu",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool is_there(const char *folder, const char *name, char *out,
                     size_t size)
{
    return *name && snprintf(out, size, "%s/%s", folder, name) < (int)size &&
           access(out, F_OK) == 0;
}

/* Where SeaBIOS is. */
static const char *const rom_folders[] = {
    "/usr/local/share/seabios",
    "/usr/share/seabios",
    "/usr/local/share/qemu",
    "/usr/share/qemu",
};

/* A pattern of the tables above with the width put in. */
static void put_width(char *out, size_t size, const char *pattern,
                      unsigned xlen)
{
    snprintf(out, size, pattern, xlen);
}

static bool find_default(const char *const *dirs, unsigned xlen, char *out,
                         size_t size)
{
    char folder[128], name[128];

    for (; dirs && *dirs; dirs++) {
        for (size_t n = 0; n < COUNT(names); n++) {
            put_width(name, sizeof(name), names[n], xlen);
            if (is_there(*dirs, name, out, size))
                return true;
        }
    }
    for (size_t f = 0; f < COUNT(folders); f++) {
        put_width(folder, sizeof(folder), folders[f], xlen);
        for (size_t n = 0; n < COUNT(names); n++) {
            put_width(name, sizeof(name), names[n], xlen);
            if (is_there(folder, name, out, size))
                return true;
        }
    }
    return false;
}

bool firmware_open(struct source *s, const char *bios, const char *const *dirs,
                   unsigned xlen, uint64_t limit, struct error *e)
{
    char path[512];

    *s = SOURCE_NONE;
    if (bios && strcmp(bios, "none") == 0)
        return true;
    if (!bios || strcmp(bios, "default") == 0) {
        if (find_default(dirs, xlen, path, sizeof(path)))
            return source_open(s, "-bios", path, limit, e);
        return error_set(e,
                         "-bios default: no OpenSBI for %u-bit RISC-V "
                         "(fw_dynamic.bin) in the usual folders nor in those "
                         "of -L; install the package opensbi, or use -bios "
                         "FILE or -bios none",
                         xlen);
    }
    if (!strchr(bios, '/') && access(bios, F_OK) != 0) {
        for (; dirs && *dirs; dirs++) {
            if (is_there(*dirs, bios, path, sizeof(path)))
                return source_open(s, "-bios", path, limit, e);
        }
        for (size_t f = 0; f < COUNT(folders); f++) {
            char folder[128];

            put_width(folder, sizeof(folder), folders[f], xlen);
            if (is_there(folder, bios, path, sizeof(path)))
                return source_open(s, "-bios", path, limit, e);
        }
    }
    return source_open(s, "-bios", bios, limit, e);
}

static bool find_rom(const char *const *dirs, const char *name, char *out,
                     size_t size)
{
    for (; dirs && *dirs; dirs++) {
        if (is_there(*dirs, name, out, size))
            return true;
    }
    for (size_t f = 0; f < COUNT(rom_folders); f++) {
        if (is_there(rom_folders[f], name, out, size))
            return true;
    }
    return false;
}

bool firmware_open_rom(struct source *s, const char *bios,
                       const char *const *dirs, const char *name,
                       uint64_t limit, struct error *e)
{
    char path[512];

    *s = SOURCE_NONE;
    if (bios && strcmp(bios, "none") == 0)
        return error_set(e, "-bios none: this board's processors start in "
                            "their firmware");
    if (!bios || strcmp(bios, "default") == 0) {
        if (find_rom(dirs, name, path, sizeof(path)))
            return source_open(s, "-bios", path, limit, e);
        return error_set(e,
                         "-bios default: no SeaBIOS (%s) in the usual folders "
                         "nor in those of -L; install the package seabios, or "
                         "use -bios FILE",
                         name);
    }
    if (!strchr(bios, '/') && access(bios, F_OK) != 0 &&
        find_rom(dirs, bios, path, sizeof(path)))
        return source_open(s, "-bios", path, limit, e);
    return source_open(s, "-bios", bios, limit, e);
}

bool firmware_open_option_rom(struct source *s, const char *file,
                              const char *const *dirs, struct error *e)
{
    char path[512];

    *s = SOURCE_NONE;
    if (strchr(file, '/') || access(file, F_OK) == 0)
        return source_open(s, "romfile", file, 0, e);
    if (find_rom(dirs, file, path, sizeof(path)))
        return source_open(s, "romfile", path, 0, e);
    return error_set(e,
                     "romfile=%s: not in the usual folders nor in those of -L; "
                     "install the package seabios, or use romfile= for none",
                     file);
}
