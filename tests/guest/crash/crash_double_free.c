/* SPDX-License-Identifier: MIT */
/*
 * Frees a block twice, while its neighbours are in use: it would be given out twice from then on.
 *
 * Expect: panic: xenlet_free\(0x[0-9a-f]+0\): nothing is allocated there
 * Expect: #[0-9] .* free_again\+
 * Expect: the guest shut down with the reason crash
 */
#include <xenlet.h>

__attribute__((noinline)) static void free_again(void *p)
{
    xenlet_free(p);
    __asm__ volatile("");
}

int main(int argc, char **argv)
{
    void *neighbour = xenlet_alloc(100), *p = xenlet_alloc(100);

    (void)argc;
    (void)argv;
    xenlet_free(p);
    free_again(p);
    xenlet_free(neighbour);
    return 0;
}
