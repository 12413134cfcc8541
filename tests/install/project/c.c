/* SPDX-License-Identifier: MIT */
/* A program that knows nothing of Xen. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    char *text = NULL;

    if (argc > 1)
        text = malloc(64);
    if (!text)
        return EXIT_FAILURE;
    snprintf(text, 64, "%s is %.9f", argv[1], sqrt(atof(argv[1])));
    printf("the square root of %s, says %s\n", text, getenv("WHO"));
    free(text);
    printf("Test result: SUCCESS\n");
    return EXIT_SUCCESS;
}
