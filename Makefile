# `make help` lists the targets. Only python3 (3.11 or newer, with venv) and make are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RESULTS ?= results/built-in
JOBS ?= 2
.DEFAULT_GOAL := help
.PHONY: help run test test-full coverage check docs bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run ## screen the built-in library and print the ranking
	@$(BIN)/muli run --out $(RESULTS)

# Compiling dominates, so most tests run programs compiled without the compiler's slower passes. Those
# that judge whole screens and single precision run programs compiled as users compile them, as all
# tests do in `make test-full`.
AS_USERS := tests/screen/test_run.py tests/kernels/test_float32.py
SKIPPED := simplify-while-loops,while-loop-invariant-code-motion,while-loop-constant-sinking,reshape-mover,simplify-sorts,simplify-conditional
QUICK := --xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false --xla_disable_hlo_passes=$(SKIPPED)

test: $(VENV)/.test ## every test but the long ones
	XLA_FLAGS="$$XLA_FLAGS $(QUICK)" $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m "not full" \
	  $(AS_USERS:%=--ignore=%)
	$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m "not full" $(AS_USERS)

test-full: $(VENV)/.test ## also repeated kills, large comparisons, real servers
	@started=$$(date +%s); $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal --durations 25; status=$$?; \
	  echo "make test-full: $$(( $$(date +%s) - started )) s"; exit $$status

coverage: $(VENV)/.test ## quick tests in one process, then the lines that they do not reach
	$(BIN)/python -m pytest -q -n 0 -m "not full" --cov --cov-report=term-missing:skip-covered

# No page of it loads anything from elsewhere.
SITE := NO_MKDOCS_2_WARNING=1 PYTHONPATH=. $(BIN)/mkdocs build --strict

check: $(VENV)/.test ## lint, format, types, import direction, and whether the site of the docs builds
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(SITE) --quiet

docs: $(VENV)/.test ## build the pages of docs/ as a site with search into site/, notebooks executed
	MULI_DOCS_EXECUTE=1 $(SITE)

bench: $(VENV)/.test ## speed beside correctness, as ratios inside one run
	$(BIN)/python benchmarks/throughput.py

clean: ## remove the environment and the results of `make run`
	rm -rf $(VENV) results

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "muli needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.11 ..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Python's venv module is missing. On Debian or Ubuntu: sudo apt-get install python3-venv" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.python pyproject.toml constraints.txt
	@echo 'installing into $(VENV); the first time some minutes'
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[report]'
	@touch $@

$(VENV)/.test: $(VENV)/.python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.run
