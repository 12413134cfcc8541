# SPDX-License-Identifier: MIT
# newlib for guests, what it needs of the library, and the programs that link it; included by build.mk. It is not
# fetched for `make run`.

NEWLIB          := build/newlib
NEWLIB_LIB      := $(OUT)/libxenlet-newlib.a
NEWLIB_OBJECTS  := $(patsubst %.c,$(OUT)/%.c.o,$(wildcard kernel/newlib/*.c))
NEWLIB_EXAMPLES := $(OUT)/examples/stdin.elf
NEWLIB_TESTS    := $(patsubst %.c,$(OUT)/%.c.o,$(wildcard tests/guest/newlib/*.c))
NEWLIB_CRASHERS := $(patsubst tests/guest/crash/newlib/%.c,$(OUT)/tests/%.elf,$(wildcard tests/guest/crash/newlib/*.c))
NEWLIB_IMAGES   := $(NEWLIB_EXAMPLES) $(NEWLIB_CRASHERS) $(OUT)/tests/newlib.elf
NEWLIB_USERS    := $(NEWLIB_OBJECTS) $(NEWLIB_TESTS) $(NEWLIB_EXAMPLES:.elf=.c.o) \
	$(NEWLIB_CRASHERS:$(OUT)/tests/%.elf=$(OUT)/tests/guest/crash/newlib/%.c.o)

# The start is newlib's; then archives that need each other, and the library below them.
NEWLIB_LINK = $(LINK) -u xenlet_run $(filter %.o,$(filter-out $(START),$^)) \
	--start-group $(NEWLIB_LIB) $(NEWLIB)/lib/libc.a $(NEWLIB)/lib/libm.a --end-group $(LIB) -o $@

.PHONY: images-newlib build-newlib
images-newlib: $(NEWLIB_LIB) $(NEWLIB_IMAGES)
build-newlib:

# One member, which xenlet_run() brings in whole: for some of it newlib has its own, locks that do nothing, say, and
# what only newlib calls would be found there. What is not used is dropped again by its section.
$(NEWLIB_LIB): $(NEWLIB_OBJECTS) kernel/newlib/newlib.mk
	@rm -f $@
	@ld -r $(NEWLIB_OBJECTS) -o $(@:.a=.o)
	@ar crs $@ $(@:.a=.o)

$(NEWLIB_USERS): COMPILE += -isystem $(NEWLIB)/include
$(NEWLIB_USERS): | $(NEWLIB)/.stamp
# newlib calls them by name.
$(OUT)/kernel/newlib/%.c.o: COMPILE += -fvisibility=default

$(NEWLIB_EXAMPLES): $(OUT)/examples/%.elf: $(OUT)/examples/%.c.o $(START) $(NEWLIB_LIB) $(LIB) $(LDS) $(NEWLIB)/.stamp
	@mkdir -p $(@D)
	$(if $(V),,@)$(NEWLIB_LINK)

$(NEWLIB_CRASHERS): $(OUT)/tests/%.elf: $(OUT)/tests/guest/crash/newlib/%.c.o $(START) $(NEWLIB_LIB) $(LIB) $(LDS) \
		$(NEWLIB)/.stamp
	@mkdir -p $(@D)
	$(if $(V),,@)$(NEWLIB_LINK)

$(OUT)/tests/newlib.elf: $(addprefix $(OUT)/tests/guest/,main.c.o option.c.o $(ARCH)/arch.c.o) $(NEWLIB_TESTS) $(START) \
		$(NEWLIB_LIB) $(LIB) $(LDS) $(NEWLIB)/.stamp
	@mkdir -p $(@D)
	$(if $(V),,@)$(NEWLIB_LINK)
