# Every target first brings .venv up to date. Nothing here needs root, Docker or Node.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
V := .venv
PY := $(V)/bin/python
STAMP := $(V)/.installed
DEV_STAMP := $(V)/.installed-dev
CONSTRAINTS := $(wildcard constraints.txt)
PIP := $(PY) -m pip --disable-pip-version-check install -q $(if $(CONSTRAINTS),-c constraints.txt)
CODE := marketplace payouts vetting tasks tests benchmarks manage.py
# Migrations are judged against the last release: its code still runs while a newer schema arrives.
SINCE ?= $(shell git describe --tags --abbrev=0 2>/dev/null)
FLOOR := 85
export PYTHONHASHSEED ?= 1

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

$(PY):
	@found=; for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	  if command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then found=$$p; break; fi; done; \
	if [ -z "$$found" ]; then echo "Guildhall needs Python 3.11 or newer; python3 here is $$(python3 --version 2>&1)."; exit 1; fi; \
	$$found -c 'import ensurepip' 2>/dev/null || { echo "Python's ensurepip is missing. Install it: apt-get install python3-venv"; exit 1; }; \
	echo "Making .venv with $$found"; $$found -m venv $(V)

$(STAMP): $(PY) requirements.txt $(CONSTRAINTS)
	@echo "Installing requirements.txt"
	@$(PIP) -r requirements.txt
	@touch $(STAMP)

$(DEV_STAMP): $(STAMP) requirements-dev.txt
	@echo "Installing requirements-dev.txt"
	@$(PIP) -r requirements-dev.txt
	@touch $(DEV_STAMP)

demo: $(STAMP) ## servers, demo data, the main job once live, then the site on 127.0.0.1:8000
	@DEMO=1 LOG_LEVEL=WARNING $(PY) manage.py up --demo

demo-reset: $(STAMP) ## forget the demo's data (asks first) and start over
	@DEMO=1 $(PY) manage.py demo_reset
	@DEMO=1 LOG_LEVEL=WARNING $(PY) manage.py up --demo

test: lint suite ## style, layers, types, then the whole suite with coverage

suite: $(DEV_STAMP)
	@$(PY) -m coverage erase
	@$(PY) -m pytest -n 2 --dist loadgroup --randomly-seed=1 --cov --cov-report= $(ARGS)
	@$(PY) -m coverage report --format=total > .coverage.total; echo "coverage: $$(cat .coverage.total) %"; rm .coverage.total
	@$(if $(ARGS),true,$(PY) -m coverage report --format=total --fail-under=$(FLOOR) >/dev/null || { echo "That is below the floor of $(FLOOR) %."; exit 1; })

test-one: $(DEV_STAMP) ## one file, serially: make test-one T=tests/kit/test_money.py
	@$(PY) -m pytest $(T)

test-shuffle: $(DEV_STAMP) ## the suite in an order drawn by a printed seed
	@$(PY) -m pytest -n 2 --dist loadgroup --randomly-seed=$$RANDOM

chaos: $(DEV_STAMP) ## kill, wipe and restart real processes, three rounds; more with N=10
	@for round in $$(seq $(or $(N),3)); do echo "round $$round"; $(PY) -m pytest -q -n 0 -p no:randomly tests/chaos tests/races tests/payouts/killed_workers.py || exit 1; done

fuzz: $(DEV_STAMP) ## twenty times the suite's generated examples, drawn anew; more with N=100
	@FUZZ=$(or $(N),20) $(PY) -m pytest -q -n 0 -p no:randomly --timeout=7200 -m 'not browser' $(or $(T),tests/tasks/test_api_schema.py tests/properties tests/quality/test_properties.py tests/kit/test_money.py tests/formats tests/vetting/test_policy.py tests/vetting/test_ranking.py)

check: lint ## style, layers, types, templates, spelling, architecture tests
	@$(PY) -m pytest -q -n 0 --no-header -p no:randomly -m 'not slow' tests/architecture

lint: $(DEV_STAMP) types
	@$(V)/bin/ruff format --check $(CODE)
	@$(V)/bin/ruff check $(CODE)
	@PYTHONPATH=. $(V)/bin/lint-imports --no-cache >/tmp/guildhall-imports-$$$$ 2>&1 || { cat /tmp/guildhall-imports-$$$$; rm -f /tmp/guildhall-imports-$$$$; exit 1; }; rm -f /tmp/guildhall-imports-$$$$
	@if [ -n "$(SINCE)" ]; then DJANGO_SETTINGS_MODULE=tests.settings $(PY) manage.py lintmigrations --project-root-path . --git-commit-id $(SINCE) --no-cache --quiet ok ignore; fi
	@$(V)/bin/djhtml --tabwidth 2 --check marketplace/web/templates
	@$(V)/bin/djlint --lint --quiet marketplace/web/templates
	@$(V)/bin/codespell $(filter-out tests,$(CODE)) docs README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md

types: $(DEV_STAMP) ## mypy, strict
	@$(V)/bin/mypy marketplace payouts vetting tasks tests

fmt: $(DEV_STAMP) ## format code, imports, templates
	@$(V)/bin/ruff format $(CODE)
	@$(V)/bin/ruff check --fix $(CODE)
	@$(V)/bin/djhtml --tabwidth 2 marketplace/web/templates

bench: $(DEV_STAMP) ## measure; one part with B=quality
	@test -x $(V)-bench/bin/python || { $(PY) -m venv $(V)-bench && $(PY) -c 'import site; print(site.getsitepackages()[0])' \
	  > "$$($(V)-bench/bin/python -c 'import site; print(site.getsitepackages()[0])')/product.pth"; }
	@$(V)-bench/bin/python -m pip --disable-pip-version-check install -q $(if $(CONSTRAINTS),-c constraints.txt) -r benchmarks/requirements.txt
	@for b in $(or $(B),quality routing posting payout_run); do $(V)-bench/bin/python -m benchmarks.$$b $$([ $$b = quality ] && echo all || true) || exit 1; done

docs: $(DEV_STAMP) ## regenerate docs/api/openapi.yml
	@$(PY) manage.py spectacular --validate --fail-on-warn --file docs/api/openapi.yml

shots: $(DEV_STAMP) ## take the README's screenshots
	@$(PY) -m pytest -q -p no:randomly tests/browser/shots.py

matrix: $(DEV_STAMP) ## write tests/architecture/access_matrix.toml anew, to be judged
	@WRITE_MATRIX=1 $(PY) -m pytest -q -p no:randomly tests/architecture/test_access_matrix.py

lock: ## constraints.txt from a clean install
	@rm -rf .venv-lock && python3 -m venv .venv-lock
	@.venv-lock/bin/pip install -q --disable-pip-version-check -r requirements-dev.txt
	@.venv-lock/bin/pip freeze > constraints.txt && rm -rf .venv-lock

clean: ## build leftovers; never your data
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* htmlcov
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

.PHONY: help demo demo-reset test suite lint test-one test-shuffle chaos fuzz check types fmt bench docs shots matrix lock clean
