PYTHON ?= python3
BIN := .venv/bin

.PHONY: env demo bench latency test test-slow test-all chaos simulate lint format hooks lock clean

env: .venv/.installed

.venv/.installed: requirements/all.lock requirements/installer.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "livelift needs Python 3.11 or later: set PYTHON=python3.11")'
	@test -x $(BIN)/python || { echo "Making .venv …"; $(PYTHON) -m venv .venv; }
	@$(BIN)/python requirements/install.py requirements/all.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@echo "Installed: $(BIN)/livelift --help"
	@touch $@

demo: env
	$(BIN)/livelift demo $(ARGS)

# Two peers need a JDK and Maven, which no wheel brings. Without them, or where they cannot be built, the bench says what it leaves out.
JAVA_PEERS := $(if $(and $(shell command -v mvn),$(shell command -v javac)),.cache/bench/kafka-streams/.built .cache/bench/flink/.built)

# The table of all stages and peers; with BASE=COMMIT our stages beside those of that commit.
bench: env $(if $(BASE),,.venv-peers/.installed $(JAVA_PEERS))
	$(BIN)/python -m bench$(if $(BASE),.against_commit '$(BASE)') $(if $(FULL),--full) $(ARGS)

latency: env
	$(BIN)/python -m bench.latency $(ARGS)

.venv-peers/.installed: requirements/peers.lock
	@test -x .venv-peers/bin/python || { echo "Making .venv-peers …"; $(PYTHON) -m venv .venv-peers; }
	@.venv-peers/bin/python requirements/install.py requirements/peers.lock
	@touch $@

.venv-flink/.installed: requirements/flink.lock
	@test -x .venv-flink/bin/python || { echo "Making .venv-flink …"; $(PYTHON) -m venv .venv-flink; }
	@.venv-flink/bin/python requirements/install.py requirements/flink.lock && touch $@ || echo "Flink was not installed."

MAVEN := mvn --batch-mode --quiet -Dstyle.color=never --strict-checksums --file

.cache/bench/kafka-streams/.built: $(shell find bench/peers/kafka_streams -type f)
	@echo "Building the peer on Kafka Streams …"; rm -rf $(@D)
	@$(MAVEN) bench/peers/kafka_streams/pom.xml compiler:compile dependency:copy-dependencies && touch $@ || echo "It was not built."

.cache/bench/flink/.built: bench/peers/flink/pom.xml .venv-flink/.installed
	@echo "Fetching Flink's connector to Kafka …"; rm -rf $(@D)
	@test -f .venv-flink/.installed && $(MAVEN) bench/peers/flink/pom.xml dependency:copy-dependencies && touch $@ || echo "It was not fetched."

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy

test: lint
	$(BIN)/pytest $(ARGS)

test-slow: env
	$(BIN)/pytest -m "slow and not rare" $(ARGS)

# By hand, before a release: every test, those too that are slow and seldom fail.
test-all: lint
	$(BIN)/pytest -m "" $(ARGS)

# A whole stack under the faults of a seed; exit code 1 if a number is wrong, something stands still or a process is left.
chaos: env
	$(BIN)/python -m tests.chaos --seed $(or $(SEED),1) $(if $(EVENTS),--events $(EVENTS)) $(ARGS)

simulate: env
	$(BIN)/livelift simulate --bars --experiments 2000 $(ARGS)

format: env
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The checks of .pre-commit-config.yaml before each commit.
hooks: env
	$(BIN)/pre-commit install

COMPILE := $(or $(wildcard $(BIN)/uv),uv) pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url --quiet

# requirements/all.lock for a checkout; for each station's image one with what it needs, in the versions of all.lock; one
# for the peers of the bench and one for Flink; one of what installs the others.
lock: env
	$(COMPILE) --all-extras pyproject.toml --output-file requirements/all.lock
	for station in producer processor stats; do \
	    $(COMPILE) --extra $$station --extra metrics --constraint requirements/all.lock pyproject.toml --output-file requirements/$$station.lock || exit 1; \
	done
	$(COMPILE) requirements/peers.in --output-file requirements/peers.lock
	$(COMPILE) requirements/flink.in --output-file requirements/flink.lock
	$(COMPILE) requirements/installer.in --output-file requirements/installer.lock
	$(BIN)/python -m local.kafka_jars > local/kafka_jars.lock.new && mv local/kafka_jars.lock.new local/kafka_jars.lock

clean:
	rm -rf .venv .venv-peers .venv-flink .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis
