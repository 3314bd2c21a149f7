# The few commands a person types. Each sets up what it needs (scripts/setup), builds, and does its work.
.PHONY: demo test test-cuda build program parity bench fmt fmt-check asan setup

SHELL := /bin/bash
JOBS ?= $(shell nproc)

test: build            ## set up, build, run all tests
	ctest --test-dir build --output-on-failure

demo: program          ## the whole way on real recordings; ends with a wav
	scripts/demo

build: setup           ## the program at build/koi, and the tests
	cmake --preset release >/dev/null
	cmake --build build -j $(JOBS)

program: setup         ## the program alone
	cmake --preset release >/dev/null
	cmake --build build -j $(JOBS) --target koi koi-torch

parity: build          ## the tests against the reference's numbers; KOI_GOLDENS=DIR for another set
	@scripts/parity

test-cuda: build       ## the models' parity tests on a GPU (after KOI_CUDA=1 scripts/setup)
	KOI_TEST_DEVICE=cuda ctest --test-dir build --output-on-failure -R '^parity_(codec|lm|speech|train)$$'

bench: setup           ## Google Benchmark of the kernels
	cmake --preset bench >/dev/null
	cmake --build build -j $(JOBS) --target koi-bench
	build/bench/koi-bench

asan: setup            ## all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	cmake --preset asan >/dev/null
	cmake --build build-asan -j $(JOBS)
	ctest --test-dir build-asan --output-on-failure

fmt:                   ## format our code
	git ls-files '*.cc' '*.h' | xargs clang-format -i

fmt-check:             ## fails where fmt would change something
	git ls-files '*.cc' '*.h' | xargs clang-format --dry-run -Werror

setup:
	scripts/setup
