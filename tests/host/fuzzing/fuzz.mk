# SPDX-License-Identifier: MIT
# The fuzz targets: clang's libFuzzer, with ASan and UBSan. Included by host.mk.

FUZZ_TARGETS := events console cmdline printf
HOST_VARIANTS += fuzz
HOST_CC_fuzz := clang
HOST_FLAGS_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

$(FUZZ_TARGETS:%=$(HOST)/fuzz/fuzz_%): $(HOST)/fuzz/fuzz_%: $(HOST)/fuzz/host/tests/host/fuzzing/%.o \
		$(HOST_TURNS:%.c=$(HOST)/fuzz/host/%.o) $(HOST)/fuzz/libguest.a
	$(if $(V),,@)clang -g -fsanitize=fuzzer,address,undefined -pthread $^ -o $@
