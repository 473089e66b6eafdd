# Every target does its own set-up: on a fresh machine `make demo` and `make test` need only Python 3.11-3.13, make and the registries.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# CREMA-D's votes and other corpora; set WORKBENCH_DATA to your own data root. Without any, tests of a corpus are left out and named
export WORKBENCH_DATA ?= $(abspath $(wildcard ../shared/datasets))

# make test TESTS="tests/audit tests/ui/test_audit_page.py": only these; all where left out
TESTS  ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test docs lint live tune audit review serve pictures wheel notebooks bench mlflow lock clean

help: ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info[:2] <= (3, 13); sys.exit(None if ok else f"Python 3.11 to 3.13 is needed, this is {sys.version.split()[0]}: run make PYTHON=/path/to/python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.7"
	$(BIN)/uv pip sync --compile-bytecode --python $(BIN)/python requirements.lock
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --no-deps --editable .
	@$(BIN)/python -m compileall -q workbench
	@touch $@

setup: $(READY) ## install everything and pull the default weights
	@$(BIN)/workbench models pull

demo: setup ## evaluate the sample interview and write its report
	@$(BIN)/workbench demo

test: $(READY) ## all tests, on real media and in a real browser
	@command -v chromium >/dev/null || { echo "make test needs Chromium for the browser tests: install the Debian package 'chromium' (apt-get install chromium)"; exit 2; }
	@$(BIN)/workbench models pull --all
	@$(BIN)/workbench sample build
	$(BIN)/pytest -m "not ui" -n 2 --dist loadfile --durations=20 $(TESTS)
	$(BIN)/pytest -m ui --durations=20 $(TESTS)

docs: $(READY) ## the documentation site in build/site: open build/site/index.html
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

lint: $(READY) ## ruff, the type checker and the house's import rule
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

live: setup ## the live page on http://localhost:5006/live
	$(BIN)/workbench serve live

tune: setup ## the fusion lab's page on http://localhost:5006/tune
	$(BIN)/workbench serve tune

audit: setup ## the bias audits' page on http://localhost:5006/audit
	$(BIN)/workbench serve audit

review: setup ## the review page on http://localhost:5006/review
	$(BIN)/workbench serve review

serve: setup ## every page in one server, listed on http://localhost:5006
	$(BIN)/workbench serve

pictures: setup ## renew docs/images from the pages as they are
	$(BIN)/python scripts/pictures.py

wheel: $(READY) ## build the wheel, and try it in empty environments
	VENV=$(VENV) .ci/wheel

notebooks: setup ## run every notebook
	@$(BIN)/workbench sample build
	$(BIN)/pytest --nbmake --nbmake-timeout=600 -n 2 -p no:cacheprovider --override-ini=addopts= notebooks

bench: setup ## the pipeline's figures on the sample interview
	@$(BIN)/workbench bench pipeline

mlflow: $(READY) ## MLflow's page on http://localhost:5000
	$(BIN)/mlflow server --backend-store-uri sqlite:///mlflow.db --default-artifact-root mlruns --port 5000

lock: ## renew requirements.lock from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --extra all --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements.lock

clean: ## remove the environment and caches (sessions and weights stay)
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist
