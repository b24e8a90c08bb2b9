# Every target sets up what it needs; `make` alone says what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/bash
COMPILED := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q

.DEFAULT_GOAL := help
.PHONY: help report test lab lint strip lock bench

help:  ## what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

report: $(VENV)/.ready  ## the report on the evidence, and the monthly one of the last two complete months (SIMULATED data, until you name your own log)
	@echo "Making the report on the evidence, if it is not there, and the monthly reports of the last two complete months ..."
	@$(BIN)/cxresearch report evidence
	@$(BIN)/cxresearch report monthly --last 2
	@echo "Every report: reports/build/index.html"

test: $(VENV)/.ready-test  ## style, types and the tests (make bench SUITE=slow_tests runs the long ones)
	@echo "Checking style and types ..."
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy --cache-dir $(VENV)/.mypy_cache
	@echo "Running the tests ..."
	@$(BIN)/pytest -n 2 --dist worksteal $(PYTEST_ARGS)

lab: $(VENV)/.ready  ## JupyterLab on notebooks/
	@$(BIN)/jupyter lab --notebook-dir=. notebooks

lint: $(VENV)/.ready-test  ## mend what ruff can mend
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

strip: $(VENV)/.ready  ## take the outputs out of the notebooks before a commit
	@$(BIN)/jupyter nbconvert --clear-output --inplace notebooks/*.ipynb

lock: $(VENV)/.ready  ## work out every lock file anew
	@$(BIN)/python -m pip install -q uv
	@$(BIN)/uv pip compile pyproject.toml --extra build $(COMPILED) -o requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --extra build --extra test -c requirements.lock $(COMPILED) -o requirements-test.lock
	@$(BIN)/uv pip compile pyproject.toml --extra build --extra bench -c requirements.lock $(COMPILED) -o requirements-bench.lock
	@$(BIN)/uv pip compile tests/servers/object-store.in $(COMPILED) -o tests/servers/object-store.lock

SUITE ?= waiting
# Beside peers in an environment that has them; the others need what the tests need.
PEERS := waiting cascade action_draws

bench: $(if $(filter $(SUITE),$(PEERS)),.venv-bench/.ready,$(VENV)/.ready-test)  ## measure: SUITE=waiting, cascade, action_draws, calibration, day_calibration, decisions, forecasts, large, odd_exports, odd_state, odd_reports, page, reports, slow_tests, kill or mutation (results in benchmarks/results)
	@$(if $(filter $(SUITE),$(PEERS)),.venv-bench/bin,$(BIN))/python benchmarks/$(SUITE).py

.venv-bench/.ready: requirements-bench.lock pyproject.toml
	@echo "Making an environment for the benchmarks in .venv-bench ..."
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@.venv-bench/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Name another: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Making a virtual environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "The module venv is not complete. On Debian or Ubuntu: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }
	@touch $@

$(VENV)/.ready: requirements.lock pyproject.toml | $(VENV)/.made
	@echo "Installing the locked packages, hashes checked (some minutes the first time) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.ready-test: requirements-test.lock $(VENV)/.ready
	@echo "Installing what the tests need beside it ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-test.lock
	@touch $@
