# SPDX-License-Identifier: MIT
# The front door: `make help` lists what it does. How things are compiled is in build.mk.

.DEFAULT_GOAL := help

include build.mk

# Xen's public headers, that folder alone, for -isystem build/include.
build/include/xen/.stamp:
	@tests/xen/prepare fetch
	@tests/xen/fetch headers
