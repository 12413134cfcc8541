# SPDX-License-Identifier: MIT
# What `make install` puts below PREFIX; included by Makefile. It is laid out in build/CC_NAME/install first:
#
#   lib/libxenlet.a, lib/libxenlet-dt.a    the library; what reads device trees, with libfdt
#   lib/libxenlet-newlib.a                 what newlib needs of it
#   lib/xenlet/newlib/                     newlib: include/, lib/
#   lib/xenlet/start.o, pv.lds             where a guest begins, and how it is linked (arm64: image.lds, and mkimage)
#   lib/xenlet/include/xen/                Xen's public headers, those it was compiled with
#   include/xenlet.h, include/xenlet/      its own
#   lib/pkgconfig/*.pc                     what a guest is compiled and linked with
#   share/xenlet/new/                      what bin/xenlet-new makes projects of

STAGE   := $(OUT)/install
VERSION := $(shell awk '/define XENLET_VERSION_[MP]/ { printf "%s%s", dot, $$3; dot = "." }' include/xenlet/version.h)

STAGE_LIBS    := $(addprefix $(STAGE)/lib/,libxenlet.a libxenlet-dt.a xenlet/start.o)
STAGE_HEADERS := $(addprefix $(STAGE)/,$(wildcard include/*.h include/xenlet/*.h include/xenlet/abi/*.h))
STAGE_FILES   := $(STAGE_LIBS) $(STAGE_HEADERS) $(addprefix $(STAGE)/,lib/xenlet/include/xen/.stamp \
	$(patsubst boot/$(ARCH)/%,lib/xenlet/%,$(LDS) $(wildcard boot/$(ARCH)/mkimage)) \
	lib/pkgconfig/xenlet.pc lib/pkgconfig/xenlet-dt.pc \
	$(patsubst install/%,share/xenlet/%,$(wildcard install/new/*.* install/new/Makefile install/new/*/*)))

# newlib takes longer than all the rest, and not every program wants it.
STAGE_NEWLIB  := $(addprefix $(STAGE)/lib/,libxenlet-newlib.a xenlet/newlib/.stamp pkgconfig/xenlet-newlib.pc)

.PHONY: stage stage-newlib
stage: $(STAGE_FILES)
stage-newlib: $(STAGE_NEWLIB)

# Hidden symbols are the library's own, but two objects may not both define one: in what is installed
# they have a name that no C program can have.
HIDDEN := $(OUT)/hidden.syms
$(HIDDEN): $(LIB) $(DT_LIB) $(START)
	@readelf -sW $^ | awk '$$5 == "GLOBAL" && $$6 == "HIDDEN" && $$7 != "UND" { print $$8, "xenlet_." $$8 }' | \
		sort -u >$@

$(STAGE)/lib/libxenlet.a: $(LIB)
$(STAGE)/lib/libxenlet-dt.a: $(DT_LIB)
$(STAGE)/lib/xenlet/start.o: $(START)
$(STAGE_LIBS): $(HIDDEN)
	@mkdir -p $(@D)
	@$(ARCH_TOOLS)objcopy --redefine-syms=$(HIDDEN) $(filter-out $(HIDDEN),$^) $@

# What newlib calls is not hidden, and has newlib's names.
$(STAGE)/lib/libxenlet-newlib.a: $(NEWLIB_LIB)
	@install -D -m 644 $< $@

$(STAGE)/lib/xenlet/newlib/.stamp: $(NEWLIB)/.stamp
	@rm -rf $(@D) && mkdir -p $(@D)/lib && cp -R $(NEWLIB)/include $(@D) && \
		cp $(NEWLIB)/lib/libc.a $(NEWLIB)/lib/libm.a $(@D)/lib && touch $@

$(STAGE_HEADERS): $(STAGE)/%: %
	@install -D -m 644 $< $@

$(STAGE)/lib/xenlet/%.lds: boot/$(ARCH)/%.lds
	@install -D -m 644 $< $@

$(STAGE)/lib/xenlet/mkimage: boot/$(ARCH)/mkimage
	@install -D -m 755 $< $@

$(STAGE)/share/xenlet/%: install/%
	@install -D -m 644 $< $@

# Not sys/, which is for programs of Linux.
$(STAGE)/lib/xenlet/include/xen/.stamp: build/include/xen/.stamp
	@mkdir -p $(@D)
	@cp -R build/include/xen/. $(@D) && rm -rf $(@D)/sys && touch $@

# The linker is asked for by its name: the checks in pv.lds are GNU ld's.
PC_LINK := -nostdlib -static -fuse-ld=bfd $(shell echo '$(LD_FLAGS)' | sed 's/-z /-z,/g; s/^-/-Wl,-/; s/ -/ -Wl,-/g')

$(STAGE)/lib/pkgconfig/%.pc: install/%.pc.in build.mk install/install.mk include/xenlet/version.h
	@mkdir -p $(@D)
	@sed -e '/^#/d' -e 's|@VERSION@|$(VERSION)|' -e 's|@ABI@|$(GUEST_ABI)|' -e 's|@LINK@|$(PC_LINK)|' \
		-e 's|@LDS@|$(notdir $(LDS))|' $< >$@
