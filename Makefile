# `make demo` and `make test` are all that a fresh Debian 12 or Ubuntu 24.04 needs;
# `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Make takes a space for the end of a file's name.
ifneq ($(words $(CURDIR)),1)
$(error "$(CURDIR)" has a space in it, which make cannot build in: move or rename that folder)
endif

BIN := .venv/bin
# The protocol header is emitted, so its emitter decides how it looks.
C_SOURCES = $(shell find firmware hil tests benchmarks -name '*.[ch]' ! -name jsp_protocol.h ! -path '*/node_modules/*' 2>/dev/null)
PYTEST_ARGS ?= -n 2

.PHONY: help setup demo test nightly lint format firmware generated examples bench lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing (apt, .venv, npm); nothing to do, nothing done
	@scripts/setup

DEMO := $(BIN)/host target --calibration-data examples/calibration

demo: firmware ## find the smallest board for each bundled model, measured in emulation
	@$(DEMO) examples/digits_mlp.onnx
	@echo
	@$(DEMO) examples/digits_cnn.onnx

test: lint firmware ## lint, build the firmware, run every test
	@scripts/setup --train
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

# Models that are not in this repository are measured where they lie beside it.
NIGHTLY_MODELS ?= $(wildcard examples/*_int8.tflite ../shared/models/*_int8.tflite)
NIGHTLY_ARGS ?= --config hil/emulated.yaml --golden examples/golden

nightly: firmware ## run models and golden sets on every emulated board; compare with the first time
	@mkdir -p build/nightly
	@$(BIN)/host farm nightly --baseline local --accept "the first night on this machine" \
		--history build/nightly/history.sqlite --output build/nightly $(NIGHTLY_ARGS) $(NIGHTLY_MODELS)

lint: setup ## check style and types
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@if [ -n "$(C_SOURCES)" ]; then $(BIN)/clang-format --dry-run -Werror $(C_SOURCES); fi

format: setup ## bring Python and C into the house style
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .
	@if [ -n "$(C_SOURCES)" ]; then $(BIN)/clang-format -i $(C_SOURCES); fi

firmware: setup ## build the firmware of every port into build/firmware, and QEMU's plug-in
	@$(MAKE) -C firmware PYTHON=$(abspath $(BIN)/python)
	@$(MAKE) -s -C hil/emulators/mps2_an505/plugin BUILD=$(CURDIR)/build

generated: setup ## emit C header, MicroPython module and golden vectors from protocol/
	@$(BIN)/python -m protocol.emit
	@$(BIN)/python -m protocol.golden

examples: setup ## train and quantize the models of examples/ again
	@$(BIN)/python -m examples.train

bench: firmware ## run every benchmark, each a module with a table of its own
	@for module in $(basename $(notdir $(wildcard benchmarks/[a-z]*.py))); do \
		$(BIN)/python -m benchmarks.$$module; \
	done

lock: setup ## bring requirements.lock up to date with pyproject.toml
	@scripts/lock

clean: ## remove what building made; .venv and node_modules stay
	@rm -rf build
