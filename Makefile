# `make` alone prints what there is. Everything is installed into this folder (.venv, .sandbox), except Debian's
# own packages; nothing is written to the home directory.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-cache-dir --quiet --no-input

help: ## print this
	@echo 'Trireme: MariaDB Galera Cluster on Kubernetes.'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile
	@echo
	@echo 'Start with `make demo`. Then: docs/README.md'

demo: runtime ## a real three-member cluster on this machine, and what one can do with it
	@tools/demo

demo-down: ## stop all that `make demo` started and remove its data
	@tools/demo-down

setup: runtime .venv/.dev ## install all that the other targets need (quick when it is there)

check: setup ## lint, types, layers, project rules, generated files current
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -p no:cacheprovider tests/unit/test_project_rules.py tests/unit/test_plain_manifests.py tests/unit/resource

test: check ## everything, as in CI: check, then all tests with real servers (under 25 minutes)
	TRIREME_SCHEDULES=100000 $(BIN)/pytest -n $$(($$(nproc) + 1)) --dist worksteal -m 'not servers' || \
		$(BIN)/pytest -v --last-failed -m 'not servers'
	$(BIN)/pytest -v -n 2 --dist worksteal --durations=10 -m servers || \
		{ echo 'Once more, alone: what failed while two clusters shared this machine.'; $(BIN)/pytest -v --last-failed -m servers; }

verify: setup ## prove the protocol further: 100,000 random schedules and a far exploration (minutes)
	$(BIN)/python -m tests.protocol $(VERIFY)

soak: setup ## 50 random faults under load, one after the other, in a sandbox; a line for each in soak.jsonl
	$(BIN)/python -m tests.soak $(SOAK)

soak-operator: setup ## the operator at length: an API server away for two minutes, many deaths, every field of the spec changed, changes that overtake each other (hours)
	TRIREME_TEST_KEPT_FLIGHTS=2000 $(BIN)/pytest -n auto --timeout 1800 tests/unit/core/test_reconcile_flights.py
	TRIREME_TEST_OUTAGE_SECONDS=120 TRIREME_TEST_SEEDS=5 TRIREME_TEST_MUTATIONS=1000 $(BIN)/pytest -v -m servers --timeout 1800 tests/servers/test_operator*.py

bench: setup ## measure against a hand-made recipe with the same servers
	$(BIN)/python -m bench

generate: setup ## write the generated files again
	$(BIN)/python tools/openshift_template.py
	$(BIN)/python -m tools.generate

lock: setup ## choose the newest versions that pyproject.toml allows, write the lock files
	tools/lock

clean: demo-down ## remove all that these targets made in this folder
	rm -rf .venv .sandbox .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist
	find . -name __pycache__ -prune -exec rm -rf {} +

# --- what the targets above are made of --------------------------------------------------------------------

runtime: packages .venv/.runtime

packages:
	@tools/debian-packages

.venv/.created: | packages
	@echo 'Creating .venv'
	@python=$$(tools/find-python) && "$$python" -m venv --clear .venv
	@touch $@

.venv/.runtime: .venv/.created requirements.lock requirements-build.lock pyproject.toml
	@echo 'Installing the locked Python packages into .venv'
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --require-hashes -r requirements-build.lock
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

.venv/.dev: .venv/.runtime requirements-dev.lock
	@echo 'Installing the locked developer packages into .venv'
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

.PHONY: help demo demo-down setup check test verify soak soak-operator bench generate lock clean runtime packages
