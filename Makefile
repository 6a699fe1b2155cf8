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
MAKEFLAGS += --no-print-directory

.PHONY: help
help: ## print this
	@sed -nE 's/^([a-z_]+):.*## (.*)/\1 \2/p' $(MAKEFILE_LIST) | while read -r target text; do \
		[ $${#target} -lt 28 ] || { echo "$$target"; target=; }; printf '%-28s%s\n' "$$target" "$$text"; done

# --- what a newcomer types

.PHONY: verify
verify: .venv/verify ## verify the contracts of real consumers against the service
	$(MANAGE) verify_pacts $(PACTS)

.PHONY: verify_gunicorn
verify_gunicorn: .venv/verify ## the same as it is deployed: gunicorn, on a scratch database beside DATABASE_URL's
	$(BIN)/python -m tests.verify_gunicorn $(PACTS)

.PHONY: test
test: .venv/dev ## run the tests, on SQLite and on a PostgreSQL that answers
	@echo "1 of 2: all tests, on SQLite"
	$(BIN)/python -m pytest $(PYTEST_ARGS)
	$(BIN)/python -m tests.on_postgresql $(PYTEST_ARGS)

.PHONY: test_outside
test_outside: .venv/dev ## verify new projects in new environments, as README tells
	$(BIN)/python -m pytest -c tests_outside/pytest.ini tests_outside $(PYTEST_ARGS)

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

# --- the pipeline: what CI types
#
# Branches and versions stay in the shell's hands: make would run a branch that is called $(shell ...).

PACT := $(MANAGE) pact_broker
PACTICIPANT := "$${PACT_PROVIDER_NAME:-pactflow-example-provider-python}"
VERSIONED := set -e; known=$$($(MANAGE) provider_version); eval "$$known"; export GIT_COMMIT GIT_BRANCH; \
	case "$$PULL_REQUEST,$$GIT_BRANCH" in ,main) ENVIRONMENT=production;; ,test) ENVIRONMENT=test;; *) ENVIRONMENT=;; esac
PUBLISHED := export PACT_BROKER_PUBLISH_VERIFICATION_RESULTS="$${PACT_BROKER_PUBLISH_VERIFICATION_RESULTS:-true}"
UNFILTERED := unset PACT_DESCRIPTION PACT_PROVIDER_STATE PACT_BROKER_INTERACTION_ID
FAKED := set -e; export GIT_COMMIT; GIT_COMMIT="$$(git rev-parse HEAD)"; \
	GIT_COMMIT="$$GIT_COMMIT-fake.$$($(PYTHON) -c 'import time; print(time.time_ns())')"

.PHONY: ci
ci: .venv/pipeline ## test, verify and publish, can_i_deploy, and deploy from main and test
	@$(PACT) list-environments >/dev/null  # without a broker there is no deploying: said now, not after the tests
	@$(VERSIONED); $(PUBLISHED); $(UNFILTERED) PACT_URL; $(MAKE) test; $(MAKE) verify PACTS=; $(MAKE) can_i_deploy; \
	if [ "$$ENVIRONMENT" ]; then $(MAKE) deploy; else $(MAKE) no_deploy; fi

.PHONY: fake_ci
fake_ci: ## the same from this machine, as a version that is new each time
	@$(FAKED); $(MAKE) ci

.PHONY: ci_webhook
ci_webhook: .venv/pipeline ## verify the one pact that PACT_URL names, and publish
	@case "$$PACT_URL" in *[![:space:]]*) ;; *) echo "PACT_URL is not set: it names the pact to verify." >&2; exit 2;; esac
	@$(VERSIONED); $(PUBLISHED); $(UNFILTERED); $(MAKE) verify PACTS=

.PHONY: fake_ci_webhook
fake_ci_webhook: ## the same from this machine, as a version that is new each time
	@$(FAKED); $(MAKE) ci_webhook

.PHONY: publish_provider_contract
publish_provider_contract: .venv/pipeline ## publish the OpenAPI document, and the proof that the service keeps it, to PactFlow
	@$(BIN)/python -m tests.provider_contract

.PHONY: can_i_deploy
can_i_deploy: .venv/pipeline ## ask the broker whether this version may go where its branch deploys, else to production
	@$(VERSIONED); $(MANAGE) can_i_deploy --to-environment "$${ENVIRONMENT:-production}" $(CAN_I_DEPLOY_ARGS)

.PHONY: deploy
deploy: .venv/pipeline ## deploy this version from main to production or from test to test, and record it
	@$(VERSIONED); [ "$$ENVIRONMENT" ] || { echo "Branch $$GIT_BRANCH does not deploy; main and test do, outside of pull requests." >&2; exit 2; }
	@$(MAKE) deploy_app
	@$(MAKE) record_deployment

.PHONY: no_deploy
no_deploy: .venv/pipeline ## say that this branch does not deploy
	@$(VERSIONED); echo "Not deploying: branch $$GIT_BRANCH does not."

.PHONY: deploy_app
deploy_app: .venv/pipeline ## where your own deployment goes
	@$(VERSIONED); echo "Deploying $$GIT_COMMIT to $${ENVIRONMENT:-nowhere}"

.PHONY: record_deployment
record_deployment: .venv/pipeline ## tell the broker what is deployed now
	@$(VERSIONED); [ "$$ENVIRONMENT" ] || { echo "Branch $$GIT_BRANCH does not deploy; main and test do, outside of pull requests." >&2; exit 2; }; \
	$(MANAGE) record_deployment --environment "$$ENVIRONMENT"

.PHONY: tag
tag: .venv/pipeline ## tag this version with its branch, for brokers where tags are used
	@$(VERSIONED); said=$$($(PACT) create-version-tag --pacticipant $(PACTICIPANT) --version "$$GIT_COMMIT" \
		--tag "$$GIT_BRANCH") || { echo "$$said" >&2; exit 1; }; echo "$$said"; \
	case "$$said" in *Failed*) exit 1;; esac  # which pact takes for success

# --- the webhooks: the broker starts a workflow of GITHUB_REPO (owner/name)

GITHUB_API ?= https://api.github.com
WEBHOOKS := contract_requiring_verification_published pact_changed
contract_requiring_verification_published_UUID ?= 1b5e23a8-6f0c-4b8e-9d63-0f2c7f6a1d10
contract_requiring_verification_published_EVENT := --contract-requiring-verification-published
pact_changed_UUID ?= 6c9f04d7-31a2-4e55-8a7b-5d1e90c4b2f3
pact_changed_EVENT := --contract-content-changed
REPOSITORY := "$$GITHUB_REPO"
NAMED := GITHUB_REPO="$${GITHUB_REPO:-$$GITHUB_REPOSITORY}"; \
	[ "$$GITHUB_REPO" ] || { echo "Set GITHUB_REPO to owner/name, the repository with the workflow." >&2; exit 2; }

.PHONY: create_github_token_secret
create_github_token_secret: ## give PactFlow the token to start workflows with, GITHUB_TOKEN
	@: "$${PACT_BROKER_BASE_URL:?}" "$${PACT_BROKER_TOKEN:?only PactFlow keeps secrets, and it takes a token}" \
		"$${GITHUB_TOKEN:?is the token that PactFlow is to have}"
	@case "$$PACT_BROKER_BASE_URL" in https://*|http://127.0.0.1:*) ;; \
		*) echo "$$PACT_BROKER_BASE_URL is not https: the secret would be for all to read." >&2; exit 2;; esac
	@# printf is the shell's own, and curl reads its input: no secret stands on a command line.
	@said=$$(printf 'header = "Authorization: Bearer %s"\ndata = "{\\"name\\": \\"githubToken\\", \\"value\\": \\"%s\\"}"\n' \
		"$$PACT_BROKER_TOKEN" "$$GITHUB_TOKEN" | curl --config - --silent --show-error --write-out ' %{http_code}' \
		--header "Content-Type: application/json" "$${PACT_BROKER_BASE_URL%/}/secrets") || exit 1; \
	case "$$said" in *" 201") ;; *) echo "PactFlow did not take it: $$said" >&2; exit 1;; esac
	@echo "PactFlow has the secret githubToken."

create_or_update_contract_requiring_verification_published_webhook: ## have a changed contract verified
create_or_update_pact_changed_webhook: ## the same by the older event
test_contract_requiring_verification_published_webhook: ## have the broker call that webhook now
test_pact_changed_webhook: ## the same for the older event

.PHONY: $(WEBHOOKS:%=create_or_update_%_webhook)
$(WEBHOOKS:%=create_or_update_%_webhook): create_or_update_%_webhook: .venv/pipeline
	@$(NAMED); $(PACT) create-or-update-pacticipant --name $(PACTICIPANT) --main-branch main \
		--repository-url "https://github.com/"$(REPOSITORY)
	@$(NAMED); said=$$($(PACT) create-or-update-webhook "$(GITHUB_API)/repos/"$(REPOSITORY)/dispatches --request POST \
		--header 'Accept: application/vnd.github+json' 'Content-Type: application/json' \
		'Authorization: Bearer $${user.githubToken}' --data "$$(cat .github/webhooks/$*.json)" \
		--uuid $($*_UUID) $($*_EVENT) --provider $(PACTICIPANT) --description "$* for "$(PACTICIPANT)) || \
		{ echo "$$said" >&2; exit 1; }
	@echo "The webhook is there. Have the broker call it: make test_$*_webhook"

.PHONY: $(WEBHOOKS:%=test_%_webhook)
$(WEBHOOKS:%=test_%_webhook): test_%_webhook: .venv/pipeline
	@said=$$($(PACT) test-webhook --uuid $($*_UUID)) || { \
		echo "$$said"; echo "Is the webhook there? make create_or_update_$*_webhook makes it." >&2; exit 1; }; \
	echo "$$said" | grep -q '"success": *true' || { echo "$$said"; echo "The call above was not taken. Is the repository's \
	name right, and the secret githubToken one that may start its workflows?" >&2; exit 1; }
	@echo "GitHub took it: the workflow starts."

.PHONY: broker
broker: .env .venv/pipeline ## start a Pact Broker on http://127.0.0.1:9292, with Docker
	docker compose up --detach --wait broker

# --- what a developer types

.PHONY: check
check: .venv/dev ## all that CI runs: lint, types, layers, Django's checks, the schema, docs, the tests with coverage
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	@# A call that another system lacks has to stand behind a check of sys.platform, whose other side is unreachable.
	$(BIN)/mypy --platform win32 --no-warn-unreachable --cache-dir .mypy_cache/win32 --package pact_verification
	$(BIN)/mypy --platform darwin --no-warn-unreachable --cache-dir .mypy_cache/darwin --package pact_verification
	$(BIN)/lint-imports --no-cache
	$(BIN)/zizmor --offline --pedantic --quiet .github
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions .github/actions/*/action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	$(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci templates/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/check-jsonschema --builtin-schema vendor.readthedocs .readthedocs.yaml
	@$(MAKE) actionlint
	@$(MAKE) docs
	$(MANAGE) check --fail-level WARNING
	DJANGO_DEBUG=false DJANGO_SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_hex(32))') \
		$(MANAGE) check --deploy --fail-level WARNING
	$(MANAGE) makemigrations --check --dry-run
	$(MANAGE) spectacular --validate --fail-on-warn --file /dev/null
	@echo "1 of 2: all tests, on SQLite"
	$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered $(PYTEST_ARGS)
	$(BIN)/python -m tests.on_postgresql $(PYTEST_ARGS)

.PHONY: docs
docs: .venv/docs ## build the documentation into docs/_build; a warning fails it
	@# Fresh, since a part is made from the code.
	$(BIN)/python -m sphinx --quiet --fresh-env --write-all --fail-on-warning --keep-going docs docs/_build/html

.PHONY: actionlint
actionlint: .venv/dev
	@# Its package downloads its program from github.com. There it has to work; elsewhere it is said when it doesn't.
	@if $(BIN)/actionlint --version >/dev/null 2>&1 || \
		$(PIP) install --require-hashes --requirement requirements/actionlint.txt >.venv/actionlint.log 2>&1; then \
		echo "$(BIN)/actionlint"; $(BIN)/actionlint; \
	elif [ "$$GITHUB_ACTIONS" ]; then cat .venv/actionlint.log; exit 1; \
	else echo "NOT RUN: actionlint, which can't be downloaded from github.com here (.venv/actionlint.log)"; fi

.PHONY: bench
bench: .venv/bench ## measure the project beside its peers, as ratios; takes a quarter of an hour
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

.PHONY: format
format: .venv/dev ## let ruff write the code's layout
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: pacts
pacts: .venv/dev ## make pacts/ again, from the consumers' tests
	$(BIN)/python -m pytest tests/consumers --numprocesses 0 --write-pacts=pacts

.PHONY: screenshots
screenshots: .venv/dev ## make the pictures of README and docs/ again, with the Chromium of this machine
	$(BIN)/python -m docs.screenshots

.PHONY: release
release: .venv/dev ## build and check the distribution of a new version, and say how to publish it; PUSH=1 pushes its tag
	@$(BIN)/python -m tests.release $(if $(PUSH),--push)

.PHONY: lock
lock: .venv/lock ## renew the locks from pyproject.toml
	$(COMPILE) pyproject.toml --group dev --output-file requirements/dev.txt
	$(COMPILE) pyproject.toml --group service --constraint requirements/dev.txt --output-file requirements/verify.txt
	$(COMPILE) pyproject.toml --group service --group pipeline --constraint requirements/dev.txt \
		--output-file requirements/pipeline.txt
	$(COMPILE) --group service --constraint requirements/dev.txt --output-file requirements/service.txt
	$(COMPILE) pyproject.toml --group bench --constraint requirements/dev.txt --output-file requirements/bench.txt
	$(COMPILE) pyproject.toml --group outside --output-file requirements/outside.txt
	$(COMPILE) pyproject.toml --group docs --constraint requirements/dev.txt --output-file requirements/docs.txt
	$(COMPILE) --group actionlint --output-file requirements/actionlint.txt

.PHONY: clean
clean: ## remove what make made, the development database among it; keep .env
	rm -rf .venv .mypy_cache .ruff_cache .pact_cache .pytest_cache .hypothesis htmlcov docs/_build .coverage* staticfiles db.sqlite3*
	@# The compose database keeps the password that it started with: without .env its volume is closed for good.
	@[ ! -e .env ] || echo "Kept .env: it holds the password of the database that docker compose keeps."

# --- how it is made

# Extras are kept: of `coverage[toml]` beside `coverage==7` pip would look for the newest, and find no hash for it.
COMPILE := $(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-strip-extras --quiet --upgrade \
	--custom-compile-command "make lock"

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is $$($(PYTHON) --version 2>&1), and this needs 3.11 or later: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { \
		echo "$(PYTHON) can't make a virtual environment. On Debian: apt-get install python3-venv" >&2; rm -rf .venv; exit 1; }

.venv/verify .venv/pipeline .venv/dev .venv/bench: .venv/%: requirements/%.txt | .venv/bin/python
	@echo "Installing requirements/$*.txt into .venv"
	@$(PIP) install --require-hashes --requirement $<
	@# Each has the ones before in it, and dev has docs.
	@touch .venv/verify $(if $(filter dev bench,$*),.venv/pipeline) $(if $(filter dev,$*),.venv/docs) $@

.venv/docs: requirements/docs.txt | .venv/bin/python
	@echo "Installing requirements/docs.txt into .venv"
	@$(PIP) install --require-hashes --requirement $<
	@touch $@

.venv/lock: pyproject.toml | .venv/bin/python
	@$(PIP) install "uv>=0.8"
	@touch $@

.env:
	@umask 077; $(PYTHON) -c 'from secrets import token_urlsafe as new; \
		print(f"DJANGO_SECRET_KEY={new(50)}\nPOSTGRES_PASSWORD={new(24)}")' > $@
	@echo "Wrote a new DJANGO_SECRET_KEY and POSTGRES_PASSWORD into .env: keep the file to yourself."
