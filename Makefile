# Every task of the project. On a fresh machine only Python >= 3.11, pip and make are needed:
# the first target that needs it sets up .venv, and again whenever pyproject.toml changes.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first interpreter that is new enough and can make an environment; `make test PYTHON=...` names one.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
  "$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
    >/dev/null 2>&1 && { echo "$$p"; break; }; done)
VENV ?= .venv
# A langchain-core to test on in place of the resolved one, e.g. `langchain-core==1.8.2`. It goes in
# last, without its dependencies, so that nothing installed later can move it.
CORE ?=
# Exact versions to test on (see `make lowest`), with the dependency group that fits them.
CONSTRAINTS ?=
GROUP ?= test
# What `make test TESTS=tests/unit_tests/test_sse.py` runs; by default everything.
TESTS ?= tests
WORKERS ?= 2
# Whether the tests note which branches they take, for `make covered`.
MEASURE ?=

# Containers often set it; the tests start many interpreters, which would each compile all anew.
unexport PYTHONDONTWRITEBYTECODE

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
INSTALL := $(PIP) install $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS))
# A worker that is done takes over what is left of another: both end together.
PYTEST := $(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=worksteal --benchmark-disable \
  $(if $(MEASURE),--cov --cov-append --cov-report=)
QUICK := -m "not slow" --ignore=tests/scale

# ---------------------------------------------------------------- environments

$(VENV)/.package: pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python >= 3.11 with venv found: install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --upgrade "pip>=25.1"
	@$(INSTALL) --editable .
	@touch $@

# The extras are named beside the group so that they are those of this checkout.
$(VENV)/.test: $(VENV)/.package
	@echo "Installing what the tests need into $(VENV)"
	@$(INSTALL) --editable ".[testing,otel]" --group $(GROUP)
	@test -z "$(CORE)" || $(PIP) install --no-deps "$(CORE)"
	@touch $@

$(VENV)/.lint: $(VENV)/.test
	@$(PIP) install --group lint
	@touch $@

$(VENV)/.scale: $(VENV)/.test
	@$(PIP) install --group scale
	@touch $@

$(VENV)/.docs: $(VENV)/.package
	@$(PIP) install --group docs
	@touch $@

$(VENV)/.dist: $(VENV)/.package
	@$(PIP) install --group dist
	@touch $@

$(VENV)/.fuzz: $(VENV)/.package
	@$(PIP) install --group fuzz
	@touch $@

# ---------------------------------------------------------------- the main job

.PHONY: help demo test integration_tests lowest slow scale
help: ## This list
	@awk -F ':.*## ' '/^[a-z_]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.package ## The main job: "Hello" to Gemini 3; without AIMLAPI_API_KEY the documented answer
	@$(BIN)/python -m langchain_aimlapi "Hello"

test: $(VENV)/.test ## Every test but the slow ones, offline
	$(PYTEST) $(QUICK) $(TESTS)

integration_tests: $(VENV)/.test ## LangChain's standard suite and the Gemini stories, replayed
	$(PYTEST) tests/integration_tests

lowest: ## The tests on the lowest versions that pyproject.toml declares
	@$(MAKE) --no-print-directory test VENV=.venv-lowest CONSTRAINTS=tests/lowest.txt GROUP=lowest TESTS="$(TESTS)"

slow: $(VENV)/.test ## The tests that take long: soak, independent judges, all examples of each law
	EXAMPLES=all $(BIN)/python -m pytest --benchmark-disable -rs -m "slow or hypothesis" --ignore=tests/scale $(TESTS)

# Ray brings much with it, and is needed here only: it gets an environment of its own.
scale: ## The recipe for Ray Data, on two workers of this machine
	@$(MAKE) --no-print-directory VENV=.venv-scale .venv-scale/.scale
	.venv-scale/bin/python -m pytest --benchmark-disable -rs -m slow tests/scale

# ---------------------------------------------------------------- quality

.PHONY: lint format types coverage covered check
lint: $(VENV)/.lint ## Rules, format and types, changing nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --strict --config-file= tests/typing/user_program.py
	$(BIN)/pyright --pythonpath $(BIN)/python tests/typing/user_program.py

format: $(VENV)/.lint ## Format the code, mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

coverage: $(VENV)/.test ## The tests of `make test`, holding branch coverage at 100 %
	@rm -f .coverage
	@$(MAKE) --no-print-directory test MEASURE=yes
	@$(MAKE) --no-print-directory covered

covered: $(VENV)/.test ## Whether the tests that were measured last took enough branches
	$(BIN)/python -m coverage report --fail-under=100

check: lint coverage ## All that a change must pass

# ---------------------------------------------------------------- documentation

.PHONY: docs pages
pages: $(VENV)/.test ## Renew what README and documentation show of the program: tables, figures, outputs
	$(BIN)/python -m tests.docs.made

docs: ## Build the documentation's site into site/, failing on any warning
	@$(MAKE) --no-print-directory VENV=.venv-docs .venv-docs/.docs
	.venv-docs/bin/zensical build --clean --strict

# ---------------------------------------------------------------- cassettes, figures, artifacts

.PHONY: record benchmark benchmark_gate growth kit_cost rows_per_second load long_life fuzz dist
record: $(VENV)/.test ## Record all cassettes but the documented ones: from the stand-in or, with a key, live
	$(BIN)/python -m langchain_aimlapi.testing record tests/integration_tests --prune

benchmark: $(VENV)/.package ## What a call and a chunk cost, beside the peers, with the plot of the README
	$(BIN)/python tests/benchmarks/run.py

benchmark_gate: $(VENV)/.test ## The short benchmark: fails when we are slower than the goals allow
	$(BIN)/python tests/benchmarks/run.py --here --short --gate

growth: $(VENV)/.test ## How cost grows with size: a table of exponents, failing over 1.15
	$(BIN)/python -W ignore -m tests.benchmarks.growth --gate

kit_cost: $(VENV)/.test ## What recording and replaying cost, and the stand-in: per second and per test
	$(BIN)/python -W ignore -m tests.benchmarks.kit

rows_per_second: ## Bulk work by one, two and four actors of Ray Data, against the stand-in
	@$(MAKE) --no-print-directory VENV=.venv-scale .venv-scale/.scale
	.venv-scale/bin/python -m tests.scale.rows_per_second

load: $(VENV)/.test ## Thousands of calls, 64 in flight, with faults, for a minute
	$(BIN)/python tests/load/load.py

long_life: $(VENV)/.test ## Fifty thousand calls on one model object
	$(BIN)/python tests/load/long_life.py

fuzz: ## Coverage-guided fuzzing of the decoders
	@$(MAKE) --no-print-directory VENV=.venv-fuzz .venv-fuzz/.fuzz
	.venv-fuzz/bin/python tests/fuzz/run.py

dist: ## Build the source archive and the wheel into dist/, checked as a package index does
	@$(MAKE) --no-print-directory VENV=.venv-dist .venv-dist/.dist
	@rm -rf dist
	.venv-dist/bin/python -m build --outdir dist .
	.venv-dist/bin/python -m twine check --strict dist/*
	.venv-dist/bin/python tests/wheel_contents.py dist/*.whl
