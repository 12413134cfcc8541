/* SPDX-License-Identifier: MIT */
/* libfdt's source includes it, and of the files a guest has calls nothing in it. */
