/* The few functions of a C library that the demo needs. */
#ifndef DEMO_LIB_H
#define DEMO_LIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *memset(void *to, int value, size_t size);
void *memcpy(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
char *strchr(const char *s, int c);

/*
 * Read all of s as a number, decimal or with 0x hexadecimal.  False, and
 * *value untouched, if it is none or exceeds 64 bits.
 */
bool parse_number(const char *s, uint64_t *value);

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
