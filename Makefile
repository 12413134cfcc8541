# SPDX-License-Identifier: MIT
# The front door; `make help` lists it. How things are compiled is in build.mk.

.DEFAULT_GOAL := help

##@ Variables
XEN      ?= 4.17#    hypervisor: 4.17 (Debian 12's), 4.20 (Debian 13's), 3l (with 3-level event channels) or a file
ARCH     ?= x86_64# of `run`: x86_64, or arm64: two domUs that signal each other, without dom0
GIC      ?= 3#       of `run ARCH=arm64`: interrupt controller: 2 or 3
ACCEL    ?= tcg#     how QEMU runs it: tcg works everywhere, kvm is faster
VCPUS    ?=#         of `run`: VCPUs of the guest
MEMORY   ?=#         of `run`: MB of memory of the guest
EVTCHN   ?=#         of `run`: event channel ABI: auto, 2l, 3l or fifo
CMDLINE  ?=#         of `run`: the guest's command line
IMAGE    ?=#         of `run`: any PV guest, an ELF file (default: our own test suite)
PVSHIM   ?=#         of `run`: 1: under Debian's PV shim, which has 2-level events only
CFG      ?=#         of `run`: an xl file of your own
DEADLINE ?=#         of `run`: seconds after which it is ended (120; 300 with PVSHIM or all ports)
ONLY     ?=#         of `test`: only the cases whose suite/name match this regular expression
MINUTES  ?= 20#      of `mutants`: how long evtchn/ is changed by rule; 0: until all 2,000 changes were tried
PREFIX   ?= /usr/local# of `install`; DESTDIR= goes before it
NAME     ?=#         of `new`: the project, beside this tree or with a path in front
V        ?=#         1: show the commands of the compiler

export ACCEL

# What is misspelt would go unnoticed otherwise. A make that calls us hands down variables of its own.
ifeq ($(MAKELEVEL),0)
KNOWN   := XEN ARCH GIC ACCEL VCPUS MEMORY EVTCHN CMDLINE IMAGE PVSHIM CFG DEADLINE ONLY MINUTES PREFIX NAME V \
	DESTDIR CC_NAME WARNINGS HOST_WARNINGS
UNKNOWN := $(strip $(foreach v,$(filter-out $(KNOWN) MAKE%,$(.VARIABLES)),$(if $(findstring command line,$(origin $v)),$v)))
ifneq ($(UNKNOWN),)
$(error there is no variable $(UNKNOWN): `make help` lists them)
endif
endif
ifneq ($(filter-out auto 2l 3l fifo,$(EVTCHN)),)
$(error EVTCHN=$(EVTCHN): there are auto, 2l, 3l and fifo)
endif

ifneq ($(filter-out 2 3,$(GIC)),)
$(error GIC=$(GIC): there are 2 and 3)
endif

# A compiler that is not there yet cannot tell build.mk where its headers are;
# every target that compiles installs it first, and then calls make again.
ifneq ($(shell command -v $(or $(CC_NAME),gcc)),)
include build.mk
include install/install.mk
include tests/host/host.mk
include tests/host/explore/explore.mk
include tests/host/xenstore/xenstore.mk
include tests/host/vchan/vchan.mk
endif
include tests/host/dt/dt.mk

# What to run is looked at before it is compiled for minutes.
CHECK_ONLY = $(if $(ONLY),@tests/xen/suite --list $(1) --only '$(ONLY)' >/dev/null)
# Sub-makes use all processors, unless make was called with its own -j.
JOBS    = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
COMPILE_WITH = @+$(MAKE) --no-print-directory -s build/include/xen/.stamp $(if $(filter dt arm64,$(1)),build/libfdt/.stamp) \
	$(if $(filter newlib,$(1)),build/newlib/.stamp) && \
	$(MAKE) --no-print-directory $(if $(V),,-s) $(JOBS) $(addprefix build-,$(1))
# The compiler behind the image to run; none when the image is not ours.
RUN_CC  = $(if $(IMAGE),$(word 2,$(subst /, ,$(filter build/gcc/% build/clang/%,$(IMAGE)))),gcc)
SHIM    = $(filter-out 0,$(PVSHIM))
SUITE   := build/gcc/tests/suite.elf
PINGPONG := build/gcc-arm64/examples/pingpong.img
# In 3-level, with nothing else said, the suite binds every port: xl has to allow them, the suite to know, and
# their handles want memory.
PORTS   := $(if $(filter 3l/3l/,$(XEN)/$(EVTCHN)/$(strip $(IMAGE)$(CFG)$(MEMORY))),262143)
export RUN_CMDLINE = $(strip $(CMDLINE) $(addprefix evtchn=,$(EVTCHN)) $(if $(PORTS),max_event_channels=$(PORTS) ports=$(PORTS)))

.PHONY: help run test test-all mutants soak bench bench-check coverage doc build install new clean distclean format

##@ Targets
help: ## this list
	@awk 'BEGIN { FS = "## " } /^##@/ { print substr($$0, 5) ":" } \
	      /^[a-z-]+:.*## / { split($$1, t, ":"); printf "  %-11s %s\n", t[1], $$2 } \
	      /^[A-Z]+ +\?=.*#/ { name = $$1; sub(/ .*/, "", name); text = $$0; sub(/^[^#]*# */, "", text); \
	          value = $$0; sub(/^[^=]*= */, "", value); sub(/#.*/, "", value); \
	          printf "  %-11s %s%s\n", name, text, value == "" ? "" : " [" value "]" }' $(firstword $(MAKEFILE_LIST))

run: run-$(ARCH) ## boot our test suite (or IMAGE=) as a domU under real xl on a real Xen; ARCH=arm64: without dom0

.PHONY: run-x86_64 run-arm64
run-x86_64:
	@tests/xen/prepare lab $(RUN_CC)
	$(if $(RUN_CC),$(call COMPILE_WITH,$(RUN_CC)))
	@tests/xen/run xl "$(or $(IMAGE),$(SUITE))" --xen "$(XEN)" --deadline $(or $(DEADLINE),$(if $(SHIM)$(PORTS),300,120)) --log run \
		$(if $(RUN_CMDLINE),--cmdline "$$RUN_CMDLINE") $(if $(CFG),--cfg "$(CFG)") \
		$(if $(SHIM),--pvshim) \
		$(addprefix --vcpus=,$(VCPUS)) $(addprefix --memory=,$(or $(MEMORY),$(if $(PORTS),128))) \
		$(addprefix --max-event-channels=,$(PORTS)) $(if $(IMAGE),--no-verdict)

run-arm64:
	@tests/xen/prepare arm64 dom0less
	$(call COMPILE_WITH,arm64)
	@tests/xen/run arm64 "$(or $(IMAGE),$(PINGPONG))" --xen "$(XEN)" --gic "$(GIC)" --deadline $(or $(DEADLINE),120) --log run \
		$(addprefix --vcpus=,$(VCPUS)) $(if $(RUN_CMDLINE),--cmdline "$$RUN_CMDLINE") \
		$(if $(IMAGE),,--channels tests/xen/dom0less/pair.dts --also "$(PINGPONG)" $(addprefix --vcpus=,$(VCPUS)) \
		--cmdline "$$RUN_CMDLINE serve")

test: ## the quick tier: every suite, both Xens, gcc and clang
	@tests/xen/prepare gcc clang host dt install arm64 dom0less doc lab
	$(call CHECK_ONLY)
	$(call COMPILE_WITH,gcc clang dt newlib arm64 host)
	@tests/xen/fetch 4.17 4.20
	@tests/xen/suite $(if $(ONLY),--only '$(ONLY)')

test-all: ## everything: the full product of worlds, Xens and compilers
	@tests/xen/prepare gcc clang host dt install arm64 dom0less doc lab
	$(call CHECK_ONLY,--all)
	$(call COMPILE_WITH,gcc clang dt newlib arm64 host)
	@tests/xen/fetch 4.17 4.20
	@tests/xen/suite --all $(if $(ONLY),--only '$(ONLY)')

mutants: ## make 32 mistakes in a copy of the sources, and show which test catches each; then change evtchn/ by rule
	@tests/xen/prepare gcc host dt arm64 lab
	@+$(MAKE) --no-print-directory -s build/include/xen/.stamp build/libfdt/.stamp
	@tests/xen/fetch 4.17
	@tests/mutants/run
	@tests/mutants/run --mechanical --minutes $(MINUTES)

soak: ## hours: 10 million events, every port FIFO has, a million lives of a port, 1,000 restores
	@tests/xen/prepare gcc host lab
	$(call COMPILE_WITH,gcc host)
	@tests/xen/fetch 4.17 4.20
	@tests/xen/suite --all --only '^soak/'

bench: ## count what events cost, in guest instructions: a table, build/bench/results.json, and charts
	@tests/xen/prepare gcc lab linux bench
	$(call COMPILE_WITH,gcc)
	@tests/xen/fetch 4.17 4.20 3l linux
	@bench/run

bench-check: ## fail where events cost more than they did (bench/baseline.json); part of `test`
	@tests/xen/prepare gcc lab bench
	$(call COMPILE_WITH,gcc)
	@tests/xen/fetch 4.17 3l
	@bench/run --check

coverage: ## measure how much of evtchn/ the tests on the host run, by line and branch
	@tests/xen/prepare host
	@$(MAKE) --no-print-directory $(if $(V),,-s) $(JOBS) build-cov
	@tests/host/coverage

doc: ## make the reference of the public headers, build/doc/html/index.html; warnings are errors
	@tests/xen/prepare doc
	@rm -rf build/doc && mkdir -p build/doc
	@DOC_VERSION=$(VERSION) DOC_OUT=build/doc doxygen docs/doxygen/Doxyfile
	@echo build/doc/html/index.html

build: ## compile the library, the examples, the tools and the tests, with gcc and with clang
	@tests/xen/prepare gcc clang dt arm64
	$(call COMPILE_WITH,gcc clang dt newlib arm64)

install: ## install the library for guests, and xenlet-dt, the tool for hosts, below PREFIX
	@tests/xen/prepare $(or $(CC_NAME),gcc) tool
	@+$(MAKE) --no-print-directory -s build/include/xen/.stamp build/libfdt/.stamp build/newlib/.stamp && \
		$(MAKE) --no-print-directory -s $(JOBS) build/host/xenlet-dt stage stage-newlib
	@mkdir -p "$(DESTDIR)$(PREFIX)"
	@cp -R $(STAGE)/. "$(DESTDIR)$(PREFIX)"
	@install -D -m 755 build/host/xenlet-dt "$(DESTDIR)$(PREFIX)/bin/xenlet-dt"
	@install -D -m 755 install/xenlet-new "$(DESTDIR)$(PREFIX)/bin/xenlet-new"

# The path of the project: beside the tree unless it says where.
PROJECT = $(if $(findstring /,$(NAME)),$(NAME),../$(NAME))
new: ## write a project outside this tree, ready to build and boot: NAME=hello
	$(if $(NAME),,$(error NAME= is missing: `make new NAME=hello` writes ../hello))
	@install/xenlet-new --arch $(ARCH) --check -- "$(PROJECT)"
	@tests/xen/prepare new $(filter arm64,$(ARCH))
	@+$(MAKE) --no-print-directory -s build/include/xen/.stamp build/libfdt/.stamp && \
		{ $(MAKE) -q stage >/dev/null 2>&1 || echo 'building the library'; } && \
		$(MAKE) --no-print-directory -s $(JOBS) stage
	@install/xenlet-new --arch $(ARCH) --prefix $(STAGE) --tree "$(CURDIR)" -- "$(PROJECT)"

clean: ## remove what was built; downloads and what is made of them stay
	@if [ -d build ]; then find build -mindepth 1 -maxdepth 1 ! -name cache -exec rm -rf {} +; fi

distclean: ## remove everything that is not in the repository
	@rm -rf build

format: ## format the C sources
	@tests/xen/prepare format
	@clang-format -i $(shell find * -path build -prune -o -name '*.[ch]' -print)

# Xen's public headers, and that folder alone, for -isystem build/include.
build/include/xen/.stamp:
	@tests/xen/prepare fetch
	@tests/xen/fetch headers

# libfdt's source, which is compiled with the guest's flags.
build/libfdt/.stamp:
	@tests/xen/prepare fetch
	@tests/xen/fetch libfdt

# newlib, compiled with the guest's flags.
build/newlib/.stamp: build.mk tests/xen/xenlab/newlib.py
	@tests/xen/prepare fetch gcc
	@GUEST_ABI='$(GUEST_ABI)' tests/xen/fetch newlib
