# The project's one door. `make` alone prints what there is.
# Everything runs in .venv, made with this machine's own python3 from the locks in requirements/.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## print this
	@sed -nE 's/^([a-z_]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

# --- what a newcomer types

.PHONY: verify
verify: .venv/verify ## verify the contracts of real consumers against the service
	$(MANAGE) verify_pacts $(PACTS)

.PHONY: test
test: .venv/dev ## run the tests, on SQLite and on a PostgreSQL that answers
	$(BIN)/python -m pytest $(PYTEST_ARGS)
	$(BIN)/python -m tests.on_postgresql $(PYTEST_ARGS)

.PHONY: run
run: .venv/verify ## migrate, seed and serve for development, on http://127.0.0.1:8000
	$(MANAGE) migrate --verbosity 0
	$(MANAGE) seed_catalogue
	$(MANAGE) runserver $(HOST):$(PORT)

.PHONY: serve
serve: export DJANGO_DEBUG := false
serve: export DJANGO_HTTPS ?= false# there is no TLS in front of it here
serve: export HOST := $(HOST)
serve: export PORT := $(PORT)
serve: .venv/verify $(if $(DJANGO_SECRET_KEY),,.env) ## the same under gunicorn, with the settings for production
	@set -ae; [ -n "$$DJANGO_SECRET_KEY" ] || . ./.env; \
	$(MANAGE) migrate --verbosity 0; \
	$(MANAGE) seed_catalogue; \
	$(MANAGE) collectstatic --no-input --verbosity 0; \
	exec $(BIN)/gunicorn --config config/gunicorn.py config.wsgi

# --- what a developer types

.PHONY: check
check: .venv/dev ## all that CI runs: lint, types, layers, Django's checks, the schema, the tests with coverage
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(MANAGE) check --fail-level WARNING
	DJANGO_DEBUG=false DJANGO_SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_hex(32))') \
		$(MANAGE) check --deploy --fail-level WARNING
	$(MANAGE) makemigrations --check --dry-run
	$(MANAGE) spectacular --validate --fail-on-warn --file /dev/null
	$(BIN)/python -m pytest --cov --cov-report= $(PYTEST_ARGS)
	$(BIN)/python -m tests.on_postgresql --cov --cov-append --cov-report=term-missing:skip-covered $(PYTEST_ARGS)

.PHONY: format
format: .venv/dev ## let ruff write the code's layout
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: pacts
pacts: .venv/dev ## make pacts/ again, from the consumers' tests
	$(BIN)/python -m pytest tests/consumers --numprocesses 0 --write-pacts=pacts

.PHONY: lock
lock: .venv/lock ## renew the locks from pyproject.toml
	$(COMPILE) pyproject.toml --group dev --output-file requirements/dev.txt
	$(COMPILE) pyproject.toml --group service --constraint requirements/dev.txt --output-file requirements/verify.txt
	$(COMPILE) --group service --constraint requirements/dev.txt --output-file requirements/service.txt

.PHONY: clean
clean: ## remove what make made, the development database among it
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis htmlcov .coverage* staticfiles db.sqlite3*

# --- how it is made

COMPILE := $(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --quiet --upgrade \
	--custom-compile-command "make lock"

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is $$($(PYTHON) --version 2>&1), and this needs 3.11 or later: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { \
		echo "$(PYTHON) can't make a virtual environment. On Debian: apt-get install python3-venv" >&2; rm -rf .venv; exit 1; }

.venv/verify .venv/dev: .venv/%: requirements/%.txt | .venv/bin/python
	@echo "Installing requirements/$*.txt into .venv"
	@$(PIP) install --require-hashes --requirement $<
	@touch .venv/verify $@  # what the one installs is part of the other

.venv/lock: pyproject.toml | .venv/bin/python
	@$(PIP) install "uv>=0.8"
	@touch $@

.env:
	@umask 077; $(PYTHON) -c 'import secrets; print(f"DJANGO_SECRET_KEY={secrets.token_urlsafe(50)}")' > $@
	@echo "Wrote a new DJANGO_SECRET_KEY into .env: keep the file to yourself."
