# Needs make and Python 3.11 or later with its venv module; make test also starts the servers
# that it finds (see tests/conftest.py).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
SOURCES = $(wildcard schemas stream tests benchmarks examples)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo check test interop chaos simulate mutants bench bench-gateway peerslock lint format lock clean

help: ## list the targets
	@sed -n 's/^\([a-z.-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 15

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

# Both stamps fill one environment: the locks agree on every version.
$(VENV)/demo.stamp: requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/pip install -q --require-hashes -r requirements.lock
	$(BIN)/pip install -q --no-deps -e .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(BIN)/pip install -q --require-hashes -r requirements-dev.lock
	$(BIN)/pip install -q --no-deps -e .
	@touch $@

demo: $(VENV)/demo.stamp ## a sample day on an embedded broker, no servers needed
	$(BIN)/shadowpoints demo

# Workers of pytest where tests need no server; each collects all tests, so that many pay little.
PARALLEL = -n auto --maxprocesses 8
check: lint ## lint, then the quick tests: under a minute, no servers needed
	$(BIN)/pytest -q $(PARALLEL) -m "not (fuzz or slow or integration)"

# Those with servers wait more than they compute: two at a time, each with servers of its own; a
# file stays together. What measures time or memory comes last, alone. A machine that stands still
# for a minute is no fault of the product: such a test gets a second try, which the summary names.
AGAIN = --reruns 1 -rR
test: lint ## lint, then every test
	@$(BIN)/python -m tests.services.kafka
	$(BIN)/pytest -q $(PARALLEL) -m "not integration"
	$(BIN)/pytest -q -n 2 --dist loadfile $(AGAIN) -m "integration and not alone"
	$(BIN)/pytest -q $(AGAIN) -m alone

interop: $(VENV)/dev.stamp ## SDKs in Java, JavaScript, Go and Python 1, and analytics SDKs; needs their tools
	@$(BIN)/python -m tests.services.kafka
	$(BIN)/python -m tests.interop.run

EVENTS ?= 100000
chaos: $(VENV)/dev.stamp ## EVENTS on real servers which are killed meanwhile; CLUSTER=1: Redis Cluster
	@$(BIN)/python -m tests.services.kafka
	$(BIN)/python -m tests.chaos.run --events $(EVENTS) $(if $(CLUSTER),--cluster)

SEEDS ?= 2000
simulate: $(VENV)/dev.stamp ## SEEDS random histories with faults on a simulated cluster; SEED=n for one, LONG=1 for long lives
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(SEEDS)$(if $(LONG), --theme long))

mutants: $(VENV)/dev.stamp ## plant bugs and see that the simulation catches each
	@$(BIN)/python -m tests.mutants

# The peers need an older pydantic, so they live apart.
PEERS := .venv-peers
$(PEERS)/stamp: benchmarks/peers/requirements.lock
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install -q --require-hashes -r benchmarks/peers/requirements.lock
	@touch $@

# Not part of lock; on the same clients as the project.
SHARED = aiokafka|faust-streaming|hiredis|mode-streaming|msgspec|orjson|redis
peerslock: | .cache/uv/bin/uv ## pin what the peers of the benchmark ask for; UPGRADE=1 too
	grep -E '^($(SHARED))==' requirements.lock | cut -d ' ' -f 1 > .cache/shared.txt
	$(subst pyproject.toml,benchmarks/peers/requirements.in,$(COMPILE)) \
		$(if $(UPGRADE),--upgrade) -c .cache/shared.txt -o benchmarks/peers/requirements.lock

bench: $(VENV)/dev.stamp $(PEERS)/stamp ## the job beside its peers, small: a line per target
	@$(BIN)/python -m tests.services.kafka
	$(BIN)/python -m benchmarks.bench

bench-gateway: $(VENV)/dev.stamp ## one process of the gateway on one core, beside a bare server; FORWARD=1: forwarding
	@$(BIN)/python -m tests.services.kafka
	$(BIN)/python -m benchmarks.gateway $(if $(FORWARD),--forward)

lint: $(VENV)/dev.stamp ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(SOURCES)

format: $(VENV)/dev.stamp ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.cache/uv/bin/uv:
	$(PYTHON) -m venv .cache/uv
	.cache/uv/bin/pip install -q uv==$(UV_VERSION)

COMPILE = .cache/uv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate pyproject.toml

lock: | .cache/uv/bin/uv ## pin what pyproject.toml asks for; UPGRADE=1 for newer versions
	$(COMPILE) $(if $(UPGRADE),--upgrade) --extra demo -o requirements.lock
	$(COMPILE) $(if $(UPGRADE),--upgrade) --extra dev -c requirements.lock -o requirements-dev.lock

clean: ## remove environments, caches and builds
	rm -rf $(VENV) .venv-peers .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
