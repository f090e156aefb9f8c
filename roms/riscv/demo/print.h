/* Formatted output to the console. */
#ifndef DEMO_PRINT_H
#define DEMO_PRINT_H

/*
 * Knows %s %c %d %u %x %% and, for 64 bits, %ld %lu %lx; with a width, "-" for
 * left-justified and "0" for zero-padded; and %.Ns for at most N characters.
 * Bytes of a %s or %c that are not printable ASCII come out as "?": they may be
 * a device tree's.
 */
__attribute__((format(printf, 1, 2))) void print(const char *format, ...);

#endif
