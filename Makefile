# make demo   the example project: a full refresh, then the next day
# make demo-b2b   the B2B example: its data is made, then two days are run
# make test   every check and every fast test
# make dev    Dagster's web interface and daemon on loopback
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed-$(shell cksum < requirements.lock | cut -d' ' -f1)
# Two workers: one machine size for everyone, and DuckDB uses the rest.
WORKERS ?= 2

# Apart from the other packages: tests/fixtures/sail.py says why.
SPARK := $(VENV)/spark
SPARK_READY := $(SPARK)/.installed-$(shell cksum < requirements-spark.lock | cut -d' ' -f1)

.PHONY: help install spark demo demo-b2b dev test lint test-slow test-faults bench lock clean

help:
	@sed -n 's/^# //p' Makefile | head -4

install: $(READY)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Lohko needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Set PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/.installed-*
	@touch $(READY)

spark: $(SPARK_READY)

$(SPARK_READY): requirements-spark.lock | install
	$(PYTHON) -m venv $(SPARK)
	$(SPARK)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-spark.lock
	@rm -f $(SPARK)/.installed-*
	@touch $(SPARK_READY)

demo: install
	$(BIN)/lohko --project examples/complete_journey run

demo-b2b: install
	$(BIN)/python examples/b2b_crm/generate.py --through 2025-12-29
	$(BIN)/lohko --project examples/b2b_crm run --as-of 2025-12-29
	$(BIN)/python examples/b2b_crm/generate.py --through 2025-12-30
	$(BIN)/lohko --project examples/b2b_crm run

dev: install
	$(BIN)/python -m lohko.dev

test: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow"

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

test-slow: install spark
	$(BIN)/python -m pytest -m slow

# Every planted fault in a copy of the tree: is it caught by the tests that are named for it?
test-faults: install
	$(BIN)/python -m tests.faults --jobs $(WORKERS)

bench: install
	$(BIN)/python benchmarks/demo.py

# The locks hold the versions for every Python and platform; they name no index.
LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras \
  --no-emit-index-url --no-annotate --upgrade --quiet --custom-compile-command "make lock"

lock: install
	$(BIN)/python -m pip install --quiet uv
	$(LOCK) pyproject.toml --extra demo --extra ui --extra dev -o requirements.lock
	$(LOCK) --group spark -o requirements-spark.lock

clean:
	rm -rf $(VENV) examples/*/.lohko examples/*/published examples/b2b_crm/data
