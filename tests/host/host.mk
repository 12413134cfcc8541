# SPDX-License-Identifier: MIT
# The tests that run on the host: evtchn/ and hypercall/ on a model of Xen. Included by Makefile.
#
#   build/host/VARIANT/PROGRAM    what is compiled how: see HOST_VARIANTS

HOST := build/host

# One line a variant: its compiler and flags.
HOST_VARIANTS := plain asan tsan cov m32
HOST_CC_plain := gcc
# Nothing to link for it, and quick: an index beyond an array ends the program.
HOST_FLAGS_plain := -O2 -g -fsanitize=bounds,shift,null -fsanitize-undefined-trap-on-error
HOST_CC_asan := gcc
HOST_FLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# Words of 32 bits, as a 32-bit guest has them. With clang's own runtime: gcc's for it conflicts with cross compilers.
HOST_CC_m32 := clang
HOST_FLAGS_m32 := -m32 -malign-double -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -rtlib=compiler-rt -unwindlib=none -Wl,-l:libgcc_s.so.1 \
	-Wno-unused-command-line-argument
HOST_CC_cov := gcc
HOST_FLAGS_cov := -O0 -g -DALWAYS_INLINE=inline --coverage -fprofile-update=atomic -Wl,-u,__gcov_dump -Wl,-u,__gcov_reset
HOST_CC_tsan := clang
HOST_FLAGS_tsan := -O1 -g -fsanitize=thread -fno-omit-frame-pointer

HOST_TURNS := tests/host/platform/world_turns.c
include tests/host/fuzzing/fuzz.mk

HOST_WARNINGS := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wundef \
	-Wpointer-arith -Wwrite-strings -Wvla -Wshadow
HOST_COMMON := -std=gnu11 -fno-common -fno-strict-aliasing -ffunction-sections -pthread \
	$(HOST_WARNINGS) -isystem build/include -Iinclude -Itests/host/arch/native -I. -Itests/host/arch

# The guest's own code; its variables go to sections that image.c puts back.
# Device trees are another subject: see dt/dt.mk.
HOST_GUEST := $(filter-out evtchn/static_tree.c,$(wildcard evtchn/*.c hypercall/*.c)) \
	$(addprefix kernel/,clock.c cmdline.c console.c console_input.c debug.c lock.c platform.c \
		printf.c timer.c vcpu.c) \
	$(addprefix arch/pv/,start_info.c time.c) tests/host/platform/cpu.c
HOST_MODEL := $(wildcard tests/host/model/*.c) \
	$(addprefix tests/host/platform/,boot.c image.c memory.c)
# In-guest tests that need nothing but event channels.
HOST_TESTS := $(addprefix tests/guest/,accounting.c accounting_smp.c all_ports.c basics.c channels.c \
	cmdline.c delivery.c fifo.c format.c hypercalls_3l.c hypercalls_evtchn.c late_eoi.c main.c \
	mistakes.c option.c reset.c rests.c rests_smp.c smp.c static.c storms.c threelevel.c trace.c waiting.c x86_64/arch.c)

# What says how wide a long is.
HOST_NOT_m32 := $(addprefix tests/guest/,format.c hypercalls_3l.c threelevel.c)

HOST_SECTIONS := --rename-section .data=guest_data --rename-section .data.rel=guest_data \
	--rename-section .data.rel.local=guest_data \
	--rename-section .bss=guest_bss,alloc,load,data,contents

# Tests register themselves in the order they are written in.
HOST_ORDER_gcc := -fno-toplevel-reorder

HOST_LINK_TESTS := -pthread -Wl,--defsym=xenlet_tests_start=__start_xenlet_tests \
	-Wl,--defsym=xenlet_tests_end=__stop_xenlet_tests

define HOST_RULES
$(HOST)/$(1)/guest/%.o: %.c tests/host/host.mk | build/include/xen/.stamp
	@mkdir -p $$(@D)
	$$(if $$(V),,@)$$(HOST_CC_$(1)) $$(HOST_FLAGS_$(1)) $$(HOST_COMMON) -DHOST_GUEST -MMD -MP -c $$< -o $$@
	$$(if $$(V),,@)objcopy $$(HOST_SECTIONS) $$@

$(HOST)/$(1)/host/%.o: %.c tests/host/host.mk | build/include/xen/.stamp
	@mkdir -p $$(@D)
	$$(if $$(V),,@)$$(HOST_CC_$(1)) $$(HOST_FLAGS_$(1)) $$(HOST_COMMON) $$(if $$(filter tests/guest/%,$$<),-Dmain=guest_main $$(HOST_ORDER_$$(HOST_CC_$(1)))) \
		-MMD -MP -c $$< -o $$@

$(HOST)/$(1)/libguest.a: $$(HOST_GUEST:%.c=$(HOST)/$(1)/guest/%.o) $$(HOST_MODEL:%.c=$(HOST)/$(1)/host/%.o)
	@rm -f $$@
	@ar crs $$@ $$^

# VCPUs are threads in `smp`, and one takes turns in `suite`.
$(HOST)/$(1)/suite: $$(patsubst %.c,$(HOST)/$(1)/host/%.o,tests/host/guest/main.c \
		$$(filter-out $$(HOST_NOT_$(1)),$$(HOST_TESTS)) $$(HOST_TURNS)) \
		$(HOST)/$(1)/libguest.a
	$$(if $$(V),,@)$$(HOST_CC_$(1)) $$(HOST_FLAGS_$(1)) $$(HOST_LINK_TESTS) $$^ -o $$@

$(HOST)/$(1)/smp: $$(patsubst %.c,$(HOST)/$(1)/host/%.o,tests/host/guest/main.c $$(HOST_TESTS) \
		tests/host/platform/world_threads.c) $(HOST)/$(1)/libguest.a
	$$(if $$(V),,@)$$(HOST_CC_$(1)) $$(HOST_FLAGS_$(1)) $$(HOST_LINK_TESTS) $$^ -o $$@

$(HOST)/$(1)/props: $$(patsubst %.c,$(HOST)/$(1)/host/%.o,$$(wildcard tests/host/props/*.c) $$(HOST_TURNS)) \
		$(HOST)/$(1)/libguest.a
	$$(if $$(V),,@)$$(HOST_CC_$(1)) $$(HOST_FLAGS_$(1)) -pthread $$^ -o $$@

$(HOST)/$(1)/unit: $$(patsubst %.c,$(HOST)/$(1)/host/%.o,$$(wildcard tests/host/unit/*.c) $$(HOST_TURNS)) \
		$(HOST)/$(1)/libguest.a
	$$(if $$(V),,@)$$(HOST_CC_$(1)) $$(HOST_FLAGS_$(1)) -pthread $$^ -o $$@
endef
$(foreach v,$(HOST_VARIANTS),$(eval $(call HOST_RULES,$(v))))

.PHONY: build-host build-cov
build-cov: $(addprefix $(HOST)/cov/,suite smp props unit)
build-host: $(FUZZ_TARGETS:%=$(HOST)/fuzz/fuzz_%) $(addprefix $(HOST)/,asan/suite asan/smp tsan/smp plain/suite plain/props asan/props m32/suite m32/props asan/unit)

-include $(shell find $(HOST) -name '*.d' 2>/dev/null)
