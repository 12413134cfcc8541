/* SPDX-License-Identifier: MIT */
#include <xenlet/version.h>

#define TEXT(x)                     TEXT_OF(x)
#define TEXT_OF(x)                  #x
#define DOTTED(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

const char *xenlet_version(void)
{
    return DOTTED(XENLET_VERSION_MAJOR, XENLET_VERSION_MINOR, XENLET_VERSION_PATCH);
}
