PYTHON ?= python3
BIN := .venv/bin

.PHONY: env demo test test-slow simulate lint format lock clean

env: .venv/.installed

.venv/.installed: requirements/all.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "livelift needs Python 3.11 or later: set PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/all.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: env
	$(BIN)/livelift demo $(ARGS)

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/pytest $(ARGS)

test-slow: env
	$(BIN)/pytest -m slow $(ARGS)

simulate: env
	$(BIN)/livelift simulate --bars --experiments 2000 $(ARGS)

format: env
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url --quiet pyproject.toml

# requirements/all.lock for a checkout; for each station's image one with what it needs, in the versions of all.lock.
lock: env
	$(COMPILE) --all-extras --output-file requirements/all.lock
	for station in producer processor stats; do \
	    $(COMPILE) --extra $$station --extra metrics --constraint requirements/all.lock --output-file requirements/$$station.lock || exit 1; \
	done
	$(BIN)/python -m local.kafka_jars > local/kafka_jars.lock.new && mv local/kafka_jars.lock.new local/kafka_jars.lock

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
