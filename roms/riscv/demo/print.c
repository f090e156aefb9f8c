/* Formatted output to the console: a small printf. */
#include "print.h"

#include <stdarg.h>

#include "console.h"
#include "lib.h"

/* One conversion of the format string. */
struct spec {
    bool left, zero, is_long;
    int width;
    int precision;
};

static void pad(char c, int count)
{
    while (count-- > 0)
        console_write(&c, 1);
}

/* Write text in a field of the wanted width. */
static void put_field(const struct spec *spec, const char *text, int size)
{
    int blanks = spec->width - size;

    if (!spec->left)
        pad(spec->zero ? '0' : ' ', blanks);
    for (int i = 0; i < size; i++)
        pad(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?', 1);
    if (spec->left)
        pad(' ', blanks);
}

static void put_string(const struct spec *spec, const char *s)
{
    int size = 0;

    while (size < spec->precision && s[size] != '\0')
        size++;
    put_field(spec, s, size);
}

static void put_number(const struct spec *spec, uint64_t value, unsigned base,
                       bool negative)
{
    char digits[24];
    char *p = digits + sizeof(digits);

    do {
        *--p = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (negative)
        *--p = '-';
    put_field(spec, p, (int)(digits + sizeof(digits) - p));
}

static int parse_int(const char **format)
{
    int value = 0;

    while (**format >= '0' && **format <= '9')
        value = 10 * value + *(*format)++ - '0';
    return value;
}

static struct spec parse_spec(const char **format)
{
    struct spec spec = {.precision = INT32_MAX};

    if (**format == '-') {
        spec.left = true;
        (*format)++;
    }
    if (**format == '0') {
        spec.zero = true;
        (*format)++;
    }
    spec.width = parse_int(format);
    if (**format == '.') {
        (*format)++;
        spec.precision = parse_int(format);
    }
    if (**format == 'l') {
        spec.is_long = true;
        (*format)++;
    }
    return spec;
}

static void convert(struct spec *spec, char conversion, va_list *args)
{
    switch (conversion) {
    case 's':
        put_string(spec, va_arg(*args, const char *));
        break;
    case 'c':
        put_field(spec, &(char){(char)va_arg(*args, int)}, 1);
        break;
    case 'd': {
        int64_t value =
            spec->is_long ? va_arg(*args, int64_t) : va_arg(*args, int);
        put_number(spec, value < 0 ? -(uint64_t)value : (uint64_t)value, 10,
                   value < 0);
        break;
    }
    case 'u':
    case 'x': {
        uint64_t value =
            spec->is_long ? va_arg(*args, uint64_t) : va_arg(*args, unsigned);
        put_number(spec, value, conversion == 'x' ? 16 : 10, false);
        break;
    }
    default:
        pad(conversion, 1);
        break;
    }
}

void print(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    while (*format != '\0') {
        const char *start = format;
        while (*format != '\0' && *format != '%')
            format++;
        console_write(start, (size_t)(format - start));
        if (*format == '%') {
            format++;
            struct spec spec = parse_spec(&format);
            if (*format != '\0')
                convert(&spec, *format++, &args);
        }
    }
    va_end(args);
}
