# SPDX-License-Identifier: BSD-3-Clause
# The short way in; Meson and ninja do the work (meson setup works too). `make help` lists what there is.

BUILD ?= build
MESON_TEST = meson test -C $(BUILD) --no-rebuild --print-errorlogs

# What `make run` takes. The command is passed on as it was typed: make must not expand it.
SHARE ?=
VMM ?= uml
ROOT ?= initramfs
KERNEL ?=
MEMORY ?= 512
OPTIONS ?=
export VIOFS_RUN_CMD := $(value CMD)

.PHONY: all
all: | deps-build
	@[ -f $(BUILD)/build.ninja ] || meson setup $(BUILD) --buildtype=debugoptimized >$(BUILD).log 2>&1 || \
		{ cat $(BUILD).log; exit 1; }
	@mkdir -p $(BUILD) && { [ ! -f $(BUILD).log ] || mv $(BUILD).log $(BUILD)/setup.log; }
	@ninja -C $(BUILD) -n | grep -q 'no work to do' || ninja -C $(BUILD)

.PHONY: deps-build deps
deps-build:
	@tools/need build
deps:
	@tools/need build uml qemu test clang

.PHONY: run
run: all
	@tools/need $(VMM)
	@tools/run-guest --build $(BUILD) --vmm '$(VMM)' --root '$(ROOT)' --kernel '$(KERNEL)' --memory '$(MEMORY)' \
		--share '$(SHARE)' --options '$(OPTIONS)' --cmd "$$VIOFS_RUN_CMD"

.PHONY: check
check: all
	@tools/check $(BUILD)

# Builds with other compilers and sanitizers, each in a directory of its own: make asan && make -s check BUILD=build-asan
SETUP_asan = CC=clang meson setup build-asan -Db_sanitize=address,undefined -Db_lundef=false
SETUP_tsan = CC=clang meson setup build-tsan -Db_sanitize=thread -Db_lundef=false
SETUP_clang = CC=clang meson setup build-clang
SETUP_release = meson setup build-release --buildtype=release
.PHONY: asan tsan clang release
asan tsan clang release:
	@tools/need build clang test
	@[ -f build-$@/build.ninja ] || $(SETUP_$@)
	ninja -C build-$@

.PHONY: newer
newer:
	@tools/newer

.PHONY: install
install: all
	meson install -C $(BUILD)

.PHONY: clean
clean:
	rm -rf build build-asan build-tsan build-clang build-release

.PHONY: help
help:
	@echo 'make             build everything into build/ (build/viofsd is the daemon)'
	@echo 'make run         boot a guest that has a directory of this machine on /share, and give a shell in it'
	@echo '                 SHARE=dir         the directory (default: a sample)'
	@echo "                 CMD='...'         run a command in the guest instead"
	@echo '                 VMM=uml|qemu      User-Mode Linux (default) or QEMU'
	@echo '                 ROOT=virtiofs     the share is the root file system of the guest'
	@echo '                 KERNEL=newer      the newer User-Mode Linux that `make newer` fetched'
	@echo "                 OPTIONS='...'     further options of viofsd"
	@echo 'make check       run every test that this machine can run'
	@echo 'make asan, tsan, clang, release    other builds, in build-asan/ ...; test them with make check BUILD=build-asan'
	@echo 'make deps        install all packages that building and testing can use'
	@echo 'make newer       fetch a newer User-Mode Linux and virtiofsd into ~/.cache/viofs'
	@echo 'make install     install with meson; make clean: remove what was built'

# System calls per request, counted with strace on a scripted guest.
.PHONY: syscalls
syscalls: all
	@tools/need uml
	@tools/count-syscalls --build $(BUILD)
