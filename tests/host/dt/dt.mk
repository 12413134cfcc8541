# SPDX-License-Identifier: MIT
# The host's side of static channels: the tool, the reader's tests, the trees they are tested with,
# and the guest that looks at a real Xen on arm64. Included by Makefile.
#
#   build/host/xenlet-dt         the tool
#   build/host/dt/               the same and the tests, with sanitizers; trees; the fuzzer
#   build/arm64/dom0less.bin     that guest

HOST_DT_CC    ?= gcc
ARM64_CC   ?= aarch64-linux-gnu-gcc
HOST_DT_FLAGS := -std=gnu11 -g -Wall -Wextra -Werror -Wstrict-prototypes -Wshadow \
	-isystem build/include -Iinclude -I.
HOST_DT_SANITIZE   := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

HOST_DT_TOOL := $(wildcard tools/xenlet-dt/*.c) evtchn/static_tree.c
HOST_DT_HEADERS      := $(wildcard tools/xenlet-dt/*.h) include/xenlet/evtchn_static.h include/xenlet/evtchn.h
# Sanitizers see into libfdt only if it is compiled with them.
HOST_LIBFDT  := $(addprefix build/libfdt/fdt,.c _ro.c _check.c _strerror.c)
HOST_LIBFDT_ALL := $(HOST_LIBFDT) $(addprefix build/libfdt/fdt,_rw.c _sw.c _wip.c)
HOST_DT_TREES   := $(patsubst tests/host/dt/%.dts,build/host/dt/%.dtb,$(wildcard tests/host/dt/*/*.dts)) \
	$(patsubst tests/host/dt/%.hex,build/host/dt/%.dtb,$(wildcard tests/host/dt/*/*.hex)) \
	$(patsubst tests/guest/dt/%.dts,build/host/dt/module/%.dtb,$(wildcard tests/guest/dt/*.dts))

.PHONY: build-dt
build-dt: build/host/xenlet-dt build/host/dt/xenlet-dt build/host/dt/read_test build/host/dt/fuzz_read \
	build/arm64/dom0less.bin $(HOST_DT_TREES)

# The tool as it is installed: with the host's libfdt.
build/host/xenlet-dt: $(HOST_DT_TOOL) $(HOST_DT_HEADERS) | build/include/xen/.stamp
	@mkdir -p $(@D)
	$(if $(V),,@)$(HOST_DT_CC) $(HOST_DT_FLAGS) -O2 $(HOST_DT_TOOL) -lfdt -o $@

build/host/dt/xenlet-dt: $(HOST_DT_TOOL) $(HOST_DT_HEADERS) build/libfdt/.stamp | build/include/xen/.stamp
	@mkdir -p $(@D)
	$(if $(V),,@)$(HOST_DT_CC) $(HOST_DT_FLAGS) $(HOST_DT_SANITIZE) -isystem build/libfdt $(HOST_DT_TOOL) \
		-Wno-error $(HOST_LIBFDT_ALL) -o $@ 2>$@.log || { cat $@.log; false; }

build/host/dt/read_test: tests/host/dt/read_test.c evtchn/static_tree.c $(HOST_DT_HEADERS) build/libfdt/.stamp \
		| build/include/xen/.stamp
	@mkdir -p $(@D)
	$(if $(V),,@)$(HOST_DT_CC) $(HOST_DT_FLAGS) $(HOST_DT_SANITIZE) -isystem build/libfdt $(filter %.c,$^) \
		-Wno-error $(HOST_LIBFDT) -o $@ 2>$@.log || { cat $@.log; false; }

build/host/dt/fuzz_read: tests/host/dt/fuzz_read.c evtchn/static_tree.c $(HOST_DT_HEADERS) build/libfdt/.stamp \
		| build/include/xen/.stamp
	@mkdir -p $(@D)
	$(if $(V),,@)clang $(HOST_DT_FLAGS) -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-isystem build/libfdt $(filter %.c,$^) -Wno-error $(HOST_LIBFDT) -o $@ 2>$@.log || { cat $@.log; false; }

build/host/dt/%.dtb: tests/host/dt/%.dts tests/host/dt/system/two-domus.dtsi
	@mkdir -p $(@D)
	$(if $(V),,@)dtc -q -q -I dts -O dtb -o $@ $<

build/host/dt/%.dtb: tests/host/dt/%.hex
	@mkdir -p $(@D)
	$(if $(V),,@)python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex("".join( \
		l for l in open("$<") if l[0] != "#")))' >$@

build/host/dt/module/%.dtb: tests/guest/dt/%.dts
	@mkdir -p $(@D)
	$(if $(V),,@)dtc -q -q -I dts -O dtb -o $@ $<

# 64 KiB, as the trees of tests/host/dt/system say.
ARM64_FLAGS := -std=gnu11 -O2 -Wall -Wextra -Werror -ffreestanding -fpic -fno-stack-protector \
	-mgeneral-regs-only -mstrict-align -mno-outline-atomics -fno-asynchronous-unwind-tables
build/arm64/dom0less.bin: tests/xen/dom0less/guest.S tests/xen/dom0less/guest.c tests/xen/dom0less/guest.lds \
		| build/include/xen/.stamp
	@mkdir -p $(@D)
	$(if $(V),,@)$(ARM64_CC) $(ARM64_FLAGS) -nostdinc -isystem $(shell $(ARM64_CC) -print-file-name=include) \
		-isystem build/include -Iinclude -nostdlib -static -Wl,-T,tests/xen/dom0less/guest.lds \
		-Wl,--build-id=none -Wl,--no-warn-rwx-segments $(filter %.S %.c,$^) -o $(@:.bin=.elf)
	$(if $(V),,@)$(subst gcc,objcopy,$(ARM64_CC)) -O binary --pad-to 0x10000 $(@:.bin=.elf) $@
