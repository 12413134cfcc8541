# SPDX-License-Identifier: MIT
# How the library, the examples and the guests of the tests are compiled; included by Makefile.
#
#   CC_NAME=gcc|clang    the compiler; everything goes to build/$(CC_NAME), or build/$(CC_NAME)-$(ARCH)
#   ARCH=x86_64|arm64    the CPU

ARCH    ?= x86_64
CC_NAME ?= gcc

ifeq ($(filter $(CC_NAME),gcc clang),)
$(error CC_NAME=$(CC_NAME): there are gcc and clang)
endif
ifeq ($(wildcard arch/$(ARCH)/arch.mk),)
$(error ARCH=$(ARCH): there are $(patsubst arch/%/arch.mk,%,$(wildcard arch/*/arch.mk)))
endif
include arch/$(ARCH)/arch.mk
OUT     := $(ARCH_OUT)

# What every object of a guest is compiled with, a program's too: nothing that the CPU, an upcall or
# the linker script does not expect. That refuses unwind tables, by which it knows objects that were
# compiled without these.
GUEST_ABI := -ffreestanding -fno-pic -fno-pie $(ARCH_CFLAGS) -fno-stack-protector \
	-fno-exceptions -fno-asynchronous-unwind-tables -fno-omit-frame-pointer \
	-ffunction-sections -fdata-sections -fno-common
GUEST_CFLAGS := -std=gnu11 -O2 -g $(GUEST_ABI)
# The library leaves FP and vector registers alone: a handler that does too costs no save.
LIB_CFLAGS := -mgeneral-regs-only -fvisibility=hidden

WARNINGS := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wpointer-arith \
	-Wwrite-strings -Wvla -Wshadow
INCLUDES := -nostdinc -isystem $(shell $(GUEST_CC) -print-file-name=include) \
	-isystem build/include -Iinclude -I. -Iarch/$(ARCH) -idirafter kernel/abi
COMPILE   = $(GUEST_CC) $(GUEST_CFLAGS) $(WARNINGS) $(INCLUDES) -MMD -MP

# What every event or byte goes through is compiled for speed; the rest, most of which runs once, for size.
FOR_SPEED := evtchn/deliver.c evtchn/bitmaps.c evtchn/evtchn_%.c evtchn/rest.c evtchn/mask.c evtchn/channel.c evtchn/poll.c \
	evtchn/wait.c evtchn/static_tree.c kernel/clock.c kernel/timer.c kernel/string.c kernel/vchan_ring.c kernel/xenstore_ring.c
FOR_SIZE  := evtchn/%.c hypercall/%.c kernel/%.c $(addprefix arch/$(ARCH)/,mmu.c report.c traps.c) arch/pv/start_info.c

# What reads device trees is in an archive of its own, with libfdt.
DT_SOURCE   := evtchn/static_tree.c
LIB_SOURCES := $(wildcard hypercall/*.c hypercall/$(ARCH)/*.c $(filter-out $(DT_SOURCE),$(wildcard evtchn/*.c)) kernel/*.c \
	arch/$(ARCH)/*.c arch/$(ARCH)/*.S $(ARCH_LIB_SOURCES))
LIB_OBJECTS := $(addprefix $(OUT)/,$(addsuffix .o,$(LIB_SOURCES)))
START       := $(OUT)/boot/$(ARCH)/$(ARCH_START).o
LIB         := $(OUT)/libxenlet.a
LDS         := boot/$(ARCH)/$(ARCH_LDS)

LD_FLAGS := -z noexecstack -z max-page-size=4096 --gc-sections --no-warn-rwx-segments --build-id=none
LINK = $(ARCH_TOOLS)ld -nostdlib -static $(LD_FLAGS) -T $(LDS) $(START)

# libfdt for guests: Debian's source with our flags, for its own archive has red zones. Only programs
# that read device trees link it; it is not even fetched for `make run`.
DT_LIB     := $(OUT)/libxenlet-dt.a
FDT_OBJECTS := $(addprefix $(OUT)/libfdt/fdt,.c.o _ro.c.o _check.c.o _strerror.c.o)
DT_OBJECTS := $(OUT)/$(DT_SOURCE).o $(FDT_OBJECTS)
DT_TESTS   := $(patsubst %.c,$(OUT)/%.c.o,$(wildcard tests/guest/dt/*.c))
DT_EXAMPLES := $(addprefix $(OUT)/examples/,heartbeat.elf pingpong.elf)
DT_IMAGES  := $(DT_EXAMPLES) $(OUT)/tests/static.elf $(OUT)/tests/heartbeat.elf
DT_CFLAGS  := -Ibuild/libfdt -Ilibfdt

include kernel/newlib/newlib.mk

EXAMPLES  := $(filter-out $(DT_EXAMPLES) $(NEWLIB_EXAMPLES),$(patsubst examples/%.c,$(OUT)/examples/%.elf,$(wildcard examples/*.c)))
SELFTESTS := $(patsubst tests/xen/selftest/%.c,$(OUT)/selftest/%.elf, \
	$(wildcard tests/xen/selftest/*.c))
SUITE_OBJECTS := $(patsubst %.c,$(OUT)/%.c.o,$(filter-out $(ARCH_NO_TESTS:%=tests/guest/%.c), \
	$(wildcard tests/guest/*.c tests/guest/$(ARCH)/*.c)))
REFUSALS  := $(patsubst tests/guest/refuse/%.c,$(OUT)/tests/%.elf,$(wildcard tests/guest/refuse/*.c))
CRASHERS  := $(patsubst tests/guest/crash/%.c,$(OUT)/tests/%.elf,$(wildcard tests/guest/crash/*.c))
PROGRAMS  := $(patsubst tests/guest/programs/%.c,$(OUT)/tests/%.elf,$(wildcard tests/guest/programs/*.c))
IMAGES    := $(EXAMPLES) $(ARCH_EXAMPLES:%=$(OUT)/examples/%.elf) $(ARCH_BENCH:%=$(OUT)/%.elf) $(SELFTESTS) $(CRASHERS) $(PROGRAMS) $(REFUSALS) $(if $(SUITE_OBJECTS),$(OUT)/tests/suite.elf)

.PHONY: images images-dt build-gcc build-clang build-arm64
images: $(LIB) $(START) $(filter-out $(ARCH_NO_IMAGES:%=$(OUT)/%.$(ARCH_IMAGE)),$(IMAGES:.elf=.$(ARCH_IMAGE)))
images-dt: $(DT_LIB) $(DT_IMAGES:.elf=.$(ARCH_IMAGE))
build-gcc build-clang:
	@$(MAKE) --no-print-directory images $(if $(filter build-dt,$(MAKECMDGOALS)),images-dt) \
		$(if $(filter build-newlib,$(MAKECMDGOALS)),images-newlib) CC_NAME=$(@:build-%=%)
# With the cross compiler, what runs on arm64.
build-arm64: build/host/xenlet-dt
	@$(MAKE) --no-print-directory images images-dt CC_NAME=gcc ARCH=arm64

$(patsubst %,$(OUT)/%.o,$(filter $(FOR_SIZE),$(filter-out $(FOR_SPEED),$(LIB_SOURCES)))): COMPILE += -Os

# clang would make 400 bytes more of its loops.
$(OUT)/kernel/string.c.o: COMPILE += -fno-unroll-loops

$(LIB): $(LIB_OBJECTS) $(if $(ARCH_NEEDS_FDT),$(FDT_OBJECTS))
	@rm -f $@
	@$(ARCH_TOOLS)ar crs $@ $^

$(OUT)/hypercall/%.c.o $(OUT)/evtchn/%.c.o $(OUT)/kernel/%.c.o $(OUT)/arch/%.c.o $(OUT)/boot/%.c.o: \
		COMPILE += $(LIB_CFLAGS)

$(OUT)/libfdt/%.c.o: build/libfdt/.stamp build.mk $(wildcard libfdt/*.h)
	@mkdir -p $(@D)
	$(if $(V),,@)$(GUEST_CC) $(GUEST_CFLAGS) $(LIB_CFLAGS) -w $(INCLUDES) $(DT_CFLAGS) -c build/libfdt/$*.c -o $@

$(DT_LIB): $(DT_OBJECTS)
	@rm -f $@
	@$(ARCH_TOOLS)ar crs $@ $^

$(OUT)/$(DT_SOURCE).o $(OUT)/tests/guest/dt/%.c.o: COMPILE += $(DT_CFLAGS)
$(OUT)/$(DT_SOURCE).o $(DT_TESTS): | build/libfdt/.stamp
ifneq ($(ARCH_NEEDS_FDT),)
$(OUT)/arch/%.c.o: COMPILE += $(DT_CFLAGS)
$(patsubst %,$(OUT)/%.o,$(wildcard arch/$(ARCH)/*.c)): | build/libfdt/.stamp
endif

# Tests register themselves in the order they are written in.
$(OUT)/tests/guest/%.c.o: COMPILE += $(if $(filter gcc,$(CC_NAME)),-fno-toplevel-reorder)

# Objects need Xen's headers, which come from a package.
$(OUT)/%.c.o: %.c build.mk | build/include/xen/.stamp
	@mkdir -p $(@D)
	$(if $(V),,@)$(COMPILE) -c $< -o $@

$(OUT)/%.S.o: %.S build.mk | build/include/xen/.stamp
	@mkdir -p $(@D)
	$(if $(V),,@)$(COMPILE) -D__ASSEMBLY__ -c $< -o $@

$(OUT)/examples/%.elf: $(OUT)/examples/%.c.o $(START) $(LIB) $(LDS)
	@mkdir -p $(@D)
	$(if $(V),,@)$(LINK) $< $(filter $(DT_LIB),$^) $(LIB) -o $@

$(DT_EXAMPLES): $(DT_LIB)

# What is loaded, where that is no ELF file.
$(OUT)/%.img: $(OUT)/%.elf boot/$(ARCH)/mkimage
	$(if $(V),,@)boot/$(ARCH)/mkimage $< $@

# A kernel of its own that takes evtchn/ and hypercall/ alone.
RTOS_OBJECTS := $(addprefix $(OUT)/,$(addsuffix .o,$(wildcard examples/rtos/*.c examples/rtos/*.S)))
LIFTED       := $(OUT)/lifted.a
$(LIFTED): $(filter $(OUT)/evtchn/% $(OUT)/hypercall/%,$(LIB_OBJECTS))
	@rm -f $@
	@$(ARCH_TOOLS)ar crs $@ $^

$(OUT)/examples/rtos/%.c.o: COMPILE += -mgeneral-regs-only -Wno-missing-prototypes
$(OUT)/examples/rtos.elf: $(RTOS_OBJECTS) $(START) $(LIFTED) $(LDS)
	@mkdir -p $(@D)
	$(if $(V),,@)$(LINK) $(RTOS_OBJECTS) $(LIFTED) -o $@

$(OUT)/selftest/%.elf: $(OUT)/tests/xen/selftest/%.c.o $(START) $(LIB) $(LDS)
	@mkdir -p $(@D)
	$(if $(V),,@)$(LINK) $< $(LIB) -o $@

$(OUT)/tests/suite.elf: $(SUITE_OBJECTS) $(START) $(LIB) $(LDS)
	@mkdir -p $(@D)
	$(if $(V),,@)$(LINK) $(SUITE_OBJECTS) $(LIB) -o $@

# The suite's main with the tests of static channels, which need a device tree beside the image.
$(OUT)/tests/static.elf: $(addprefix $(OUT)/tests/guest/,main.c.o option.c.o $(ARCH)/arch.c.o) $(DT_TESTS) $(START) \
		$(DT_LIB) $(LIB) $(LDS)
	@mkdir -p $(@D)
	$(if $(V),,@)$(LINK) $(filter %.o,$(filter-out $(START),$^)) $(DT_LIB) $(LIB) -o $@

# The example, with a peer for it in the same image.
$(OUT)/tests/guest/dt/peer/example.c.o: examples/heartbeat.c build.mk | build/include/xen/.stamp
	@mkdir -p $(@D)
	$(if $(V),,@)$(COMPILE) -Dmain=heartbeat_main -Wno-missing-prototypes -c $< -o $@

$(OUT)/tests/heartbeat.elf: $(OUT)/tests/guest/dt/peer/heartbeat.c.o $(OUT)/tests/guest/dt/peer/example.c.o $(START) \
		$(DT_LIB) $(LIB) $(LDS)
	@mkdir -p $(@D)
	$(if $(V),,@)$(LINK) $(filter %.o,$(filter-out $(START),$^)) $(DT_LIB) $(LIB) -o $@

$(OUT)/tests/%.elf: $(OUT)/tests/guest/programs/%.c.o $(START) $(LIB) $(LDS)
	@mkdir -p $(@D)
	$(if $(V),,@)$(LINK) $< $(LIB) -o $@

$(OUT)/tests/%.elf: $(OUT)/tests/guest/crash/%.c.o $(START) $(LIB) $(LDS)
	@mkdir -p $(@D)
	$(if $(V),,@)$(LINK) $< $(LIB) -o $@

# Guests whose Xen refuses what they name in their Refuse: lines; see tests/guest/refuse.
$(OUT)/tests/%.elf: $(OUT)/tests/guest/refuse/%.c.o $(START) $(LIB) $(LDS)
	@mkdir -p $(@D)
	$(if $(V),,@)$(LINK) $(addprefix --wrap=,$(shell sed -n 's/.*Refuse: //p' tests/guest/refuse/$*.c)) \
		$< $(LIB) -o $@

# The guest that is counted by bench/run: the objects of the library, and nothing done to them.
BENCH_OBJECTS := $(addprefix $(OUT)/,$(addsuffix .o,$(wildcard bench/guest/*.c bench/guest/*.S) tests/guest/option.c))
$(OUT)/bench.elf: $(BENCH_OBJECTS) $(START) $(LIB) $(LDS)
	@mkdir -p $(@D)
	$(if $(V),,@)$(LINK) $(BENCH_OBJECTS) $(LIB) -o $@

.SECONDARY:
-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
