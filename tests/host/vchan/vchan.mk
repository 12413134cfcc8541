# SPDX-License-Identifier: MIT
# vchan on the host, with an other end that does anything: a fuzz target. Included by Makefile.
#
#   build/host/vchan/fuzz_vchan

HOST_VCHAN_SOURCES := $(wildcard tests/host/vchan/*.c kernel/vchan*.c) kernel/offer.c tests/host/xenstore/kernel.c kernel/printf.c

build-host: build/host/vchan/fuzz_vchan

build/host/vchan/fuzz_vchan: $(HOST_VCHAN_SOURCES) tests/host/vchan/peer.h tests/host/xenstore/server.h \
		kernel/vchan.h kernel/offer.h include/xenlet/vchan.h | build/include/xen/.stamp
	@mkdir -p $(@D)
	$(if $(V),,@)clang $(HOST_COMMON) -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-fno-omit-frame-pointer $(HOST_VCHAN_SOURCES) -o $@
