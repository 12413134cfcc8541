/* SPDX-License-Identifier: MIT */
/* Which xenlet this is; CHANGELOG.md says what a release changed, and what a program has to do. */
#ifndef XENLET_VERSION_H
#define XENLET_VERSION_H

/* Of these headers. Three numbers, so that the preprocessor can compare them. */
#define XENLET_VERSION_MAJOR 0
#define XENLET_VERSION_MINOR 1
#define XENLET_VERSION_PATCH 0

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/*
 * The version of the library that was linked: "0.1.0"; never NULL.
 * From: anywhere; does not block.
 * ABI: none of Xen's.
 */
const char *xenlet_version(void);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
