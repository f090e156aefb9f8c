/*
 * Pictures as files, 8 bits a colour: PNG by libpng's simplified interface, PPM
 * (raw, netpbm's ppm(5)) by ourselves.
 */
#include "frontend/display/picture.h"

#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static uint8_t *to_rgb(const uint32_t *pixels, size_t n)
{
    uint8_t *rgb = malloc(n * 3);

    for (size_t i = 0; rgb && i < n; i++) {
        rgb[i * 3] = (uint8_t)(pixels[i] >> 16);
        rgb[i * 3 + 1] = (uint8_t)(pixels[i] >> 8);
        rgb[i * 3 + 2] = (uint8_t)pixels[i];
    }
    return rgb;
}

static bool write_png(FILE *f, const uint8_t *rgb, unsigned width,
                      unsigned height, const char *file, struct error *e)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = width,
                       .height = height,
                       .format = PNG_FORMAT_RGB};

    return png_image_write_to_stdio(&image, f, 0, rgb, 0, NULL) ||
           error_set(e, "%s: %s", file, image.message);
}

static bool write_ppm(FILE *f, const uint8_t *rgb, unsigned width,
                      unsigned height, const char *file, struct error *e)
{
    size_t size = (size_t)width * height * 3;

    return (fprintf(f, "P6\n%u %u\n255\n", width, height) > 0 &&
            fwrite(rgb, 1, size, f) == size) ||
           error_set(e, "%s: %s", file, strerror(errno));
}

bool picture_write(const char *file, const uint32_t *pixels, unsigned width,
                   unsigned height, struct error *e)
{
    const char *ending = strrchr(file, '.');
    uint8_t *rgb = to_rgb(pixels, (size_t)width * height);
    struct stat st;
    bool ok, regular;
    FILE *f;

    if (!rgb)
        return error_set(e, "out of memory");
    f = fopen(file, "wb");
    if (!f) {
        free(rgb);
        return error_set(e, "%s: %s", file, strerror(errno));
    }
    regular = !fstat(fileno(f), &st) && S_ISREG(st.st_mode);
    ok = ending && strcmp(ending, ".ppm") == 0
             ? write_ppm(f, rgb, width, height, file, e)
             : write_png(f, rgb, width, height, file, e);
    if (fclose(f) != 0 && ok)
        ok = error_set(e, "%s: %s", file, strerror(errno));
    if (!ok && regular)
        remove(file);
    free(rgb);
    return ok;
}
