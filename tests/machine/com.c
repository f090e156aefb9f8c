/*
 * A COM program for DOS, by bcc -Md (in K&R's C, which is bcc's).  What it
 * prints and returns is known: see test_storage.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long squares(n)
int n;
{
    long sum = 0;

    for (; n; n--)
        sum += (long)n * n;
    return sum;
}

int main(argc, argv)
int argc;
char **argv;
{
    char *p = malloc(1000);
    int i;

    memset(p, 'x', 999);
    p[999] = 0;
    printf("sum %ld, length %d, %d arguments", squares(1000), strlen(p), argc);
    for (i = 1; i < argc; i++)
        printf(" [%s]", argv[i]);
    printf("\n");
    return 42;
}
