/* SPDX-License-Identifier: MIT */
/* Alone in its file, so that a program's own takes its place. */
#include <xenlet/domain.h>

void xenlet_run(int argc, char **argv)
{
    xenlet_exit(main(argc, argv));
}
