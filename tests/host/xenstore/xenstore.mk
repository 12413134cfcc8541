# SPDX-License-Identifier: MIT
# The xenstore client on the host, with a server that does anything: a fuzz target. Included by
# Makefile.
#
#   build/host/xenstore/fuzz_ring

HOST_XENSTORE_SOURCES := $(wildcard tests/host/xenstore/*.c kernel/xenstore*.c) kernel/printf.c

build-host: build/host/xenstore/fuzz_ring

build/host/xenstore/fuzz_ring: $(HOST_XENSTORE_SOURCES) tests/host/xenstore/server.h kernel/xenstore.h \
		include/xenlet/xenstore.h | build/include/xen/.stamp
	@mkdir -p $(@D)
	$(if $(V),,@)clang $(HOST_COMMON) -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-fno-omit-frame-pointer $(HOST_XENSTORE_SOURCES) -o $@
