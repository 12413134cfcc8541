/* SPDX-License-Identifier: MIT */
/* A program of newlib's: reads its console to the end, which is a line of Ctrl-D alone, and counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *prompt = getenv("PROMPT");
    unsigned long lines = 0, bytes = 0;
    char line[256];

    printf("%s: %d arguments; type, and end with Ctrl-D in a line by itself\n", argv[0], argc - 1);
    for (;;) {
        printf("%s", prompt ? prompt : "> ");
        fflush(stdout);
        if (!fgets(line, sizeof(line), stdin))
            break;
        lines++;
        bytes += strlen(line);
    }
    printf("\n%lu lines, %lu bytes, %.1f bytes a line\n", lines, bytes,
           lines ? (double)bytes / (double)lines : 0.0);
    printf("Test result: %s", "SUCCESS"); /* without its end: exit() flushes */
    return EXIT_SUCCESS;
}
