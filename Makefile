# `make demo` and `make test` need git, make, Python 3.11 with venv and pip, and gcc; they set up the rest in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Two processes with one thread each. The tests of a file stay in one process and share what the file makes.
TESTS := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile --doctest-modules graphrec tests
STAMP := $(VENV)/.graphrec-environment
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: docs-tables licences lock env demo test test-all lint format clean

env: $(STAMP)

# torch comes first and by itself: TORCH_INDEX chooses the build (see docs/first-steps.md, "A GPU").
# Every other file must have the hash that the lock says; the package itself is built with what the lock installed.
$(STAMP): requirements-torch.lock requirements.lock requirements-oracle.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "graphrec needs Python 3.11 or newer, this is " + sys.version)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) -r requirements-torch.lock
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --require-hashes --no-deps -r requirements-oracle.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
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

# Write the hashes of the versions in requirements.lock; to change a version, change it there first. It takes two minutes.
lock:
	$(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet pip-tools
	sed -n 's/^\([^# ]*==[^ ]*\).*/\1/p' requirements.lock > build/lock/versions.in
	build/lock/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header --no-annotate \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file build/lock/hashes.txt build/lock/versions.in
	(grep '^#' requirements.lock; grep -v '^#' build/lock/hashes.txt) > build/lock/requirements.lock
	mv build/lock/requirements.lock requirements.lock

# Write docs/licences.md from what is installed; a test compares it with the lock.
licences: env
	PYTHONPATH=tests $(BIN)/python -m support.licences

clean:
	rm -rf $(VENV) runs build *.egg-info .pytest_cache .mypy_cache .ruff_cache
