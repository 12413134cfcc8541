# SPDX-License-Identifier: MIT
# The explorer of interleavings: build/host/explore/explore. Included by Makefile, after host.mk.
#
# evtchn/, hypercall/, the model and the scenarios are compiled with a call before each access to
# memory (-fsanitize=thread; access.c is the sanitizer), and with arch/stepped for their atomics.

EXPLORE := $(HOST)/explore

EXPLORE_FLAGS := -std=gnu11 -g -fno-common -fno-strict-aliasing -fno-pie -fdebug-prefix-map=$(CURDIR)=. \
	$(HOST_WARNINGS) -isystem build/include -Iinclude -I. -Itests/host/arch
# -O1: what the compiler makes one access of, is one here too. It puts nothing of its own in the place
# of memset() and memcpy(), of which the sanitizer would not know.
EXPLORE_STEPPED := -O1 -finline-functions -Itests/host/arch/stepped -fsanitize=thread \
	--param tsan-distinguish-volatile=1 --param tsan-instrument-func-entry-exit=0 \
	-fno-builtin-memset -fno-builtin-memcpy -include tests/host/arch/stepped/memory.h
EXPLORE_NAMES := --redefine-sym memset=explore_memset --redefine-sym memcpy=explore_memcpy

EXPLORE_GUEST := $(filter-out evtchn/static_tree.c,$(wildcard evtchn/*.c hypercall/*.c))
EXPLORE_WORLD := $(wildcard tests/host/model/*.c) \
	$(addprefix tests/host/explore/,entry.c guest.c layout.c contracts.c litmus.c lives.c moves.c neighbours.c others.c races.c scenario.c vcpus.c walks.c)
EXPLORE_SELF  := tests/host/platform/image.c $(addprefix tests/host/explore/,access.c axioms.c barriers.c \
	coroutine.c entry_parse.c hooks.c litmus_main.c locks.c machine.c main.c names.c print.c search.c seen.c sleep.c snapshot.c thread.c undo.c)

EXPLORE_RULES := tests/host/explore/explore.mk tests/host/host.mk

$(EXPLORE)/guest/%.o: %.c $(EXPLORE_RULES) | build/include/xen/.stamp
	@mkdir -p $(@D)
	$(if $(V),,@)gcc $(EXPLORE_FLAGS) $(EXPLORE_STEPPED) -MMD -MP -c $< -o $@
	$(if $(V),,@)objcopy $(HOST_SECTIONS) $(EXPLORE_NAMES) $@

$(EXPLORE)/world/%.o: %.c $(EXPLORE_RULES) | build/include/xen/.stamp
	@mkdir -p $(@D)
	$(if $(V),,@)gcc $(EXPLORE_FLAGS) $(EXPLORE_STEPPED) -MMD -MP -c $< -o $@
	$(if $(V),,@)objcopy $(EXPLORE_NAMES) $@

$(EXPLORE)/self/%.o: %.c $(EXPLORE_RULES) | build/include/xen/.stamp
	@mkdir -p $(@D)
	$(if $(V),,@)gcc $(EXPLORE_FLAGS) -O2 -Itests/host/arch/native -MMD -MP -c $< -o $@

$(EXPLORE)/libguest.a: $(EXPLORE_GUEST:%.c=$(EXPLORE)/guest/%.o)
	@rm -f $@
	@ar crs $@ $^

# Not where the loader likes: what lies where is the same each time.
$(EXPLORE)/explore: $(EXPLORE_WORLD:%.c=$(EXPLORE)/world/%.o) $(EXPLORE_SELF:%.c=$(EXPLORE)/self/%.o) \
		$(EXPLORE)/libguest.a
	$(if $(V),,@)gcc -no-pie $^ -o $@

.PHONY: explore
explore build-host: $(EXPLORE)/explore
