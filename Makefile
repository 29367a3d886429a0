# `make demo` and `make test` need git, make, Python 3.11 with venv and pip, and gcc; they set up the rest in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Two processes with one thread each. The tests of a file stay in one process and share what the file makes.
TESTS := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile --doctest-modules graphrec tests
STAMP := $(VENV)/.graphrec-environment
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: docs-tables env demo test test-all lint format clean

env: $(STAMP)

# torch comes first and by itself: TORCH_INDEX chooses the build (see docs/first-steps.md, "A GPU").
$(STAMP): requirements.lock requirements-oracle.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "graphrec needs Python 3.11 or newer, this is " + sys.version)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $$(grep '^torch==' requirements.lock)
	$(BIN)/pip install --quiet -r requirements.lock
	$(BIN)/pip install --quiet --no-deps -r requirements-oracle.lock
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@

# Simulate the twin of Tiktok, train five methods on one backbone, evaluate them, write the report.
demo: env
	$(BIN)/python benchmarks/tiktok.py --out runs/demo

# Without the tests that are marked slow. The examples in the docstrings of the package are tests, too.
test: env
	$(TESTS)

test-all: env
	$(TESTS) -m ""

lint: env
	$(BIN)/ruff format --check graphrec tests benchmarks
	$(BIN)/ruff check graphrec tests benchmarks
	$(BIN)/mypy

format: env
	$(BIN)/ruff format graphrec tests benchmarks
	$(BIN)/ruff check --fix graphrec tests benchmarks

# Write the tables of the documents that come from the code; a test compares them.
docs-tables: env
	PYTHONPATH=tests $(BIN)/python -m support.document_tables

clean:
	rm -rf $(VENV) runs build *.egg-info .pytest_cache .mypy_cache .ruff_cache
