# Everything installs itself into .venv from requirements.lock; only Python 3.11 or later, git and make are needed.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready
WORKERS ?= 5
# What one test process has compiled, asserts included, the others read.
export PYTHONDONTWRITEBYTECODE =

.PHONY: run test drills check lint browser bench bench-research faults lock clean help

help:  ## Show what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: $(READY)  ## Normalise the example fleet on simulated venues
	$(BIN)/nija normalize --fleet examples/fleet.yaml --live --yes

# Drills wait for real deadlines, and a busy machine can miss one: what failed among all the others runs once more, alone.
define tried
$(BIN)/pytest -q $(1) || { [ $$? = 1 ] && echo "what failed, once more and alone:" && \
	$(BIN)/pytest -q --last-failed --last-failed-no-failures none; }
endef

test: $(READY)  ## Run every test, on SQLite and PostgreSQL, then what needs a browser
	$(call tried,-n $(WORKERS) --dist worksteal --ignore tests/browser)
	$(call tried,-n 2 --dist loadfile tests/browser)

drills: $(READY)  ## Run every drill at every venue, where `make test` runs each at two in turn
	DRILLS=all $(BIN)/pytest -n $(WORKERS) --dist worksteal -q tests/drills

check: lint  ## Format, lint, types, import directions, quick tests
	$(BIN)/pytest -q -m "not wire"

lint: $(READY)  ## Format, lint, types, import directions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo

# Playwright drives the system's Chromium: nothing is fetched past the package managers.
browser:  ## Install Chromium for the browser tests (Debian, Ubuntu), unless it is there
	@command -v chromium chromium-browser google-chrome > /dev/null || { \
		root=$$(command -v sudo || true); [ "$$(id -u)" != 0 ] || root=; \
		$$root apt-get install -y -qq --no-install-recommends chromium > /dev/null 2>&1 || { \
			$$root apt-get update -qq && $$root apt-get install -y -qq --no-install-recommends chromium > /dev/null; }; }

bench: $(READY)  ## Measure, against a bare loop in the same run
	$(BIN)/python benchmarks/fleet.py

bench-research: .venv-bench/.ready  ## Compare the backtest with vectorbt and backtesting.py, and measure it beside them
	PYTHONPATH=. .venv-bench/bin/python benchmarks/parity.py
	PYTHONPATH=. .venv-bench/bin/python benchmarks/backtest.py

# These two pin other versions than we do, so they live apart; nija itself is read from here.
.venv-bench/.ready: benchmarks/foreign.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install -q --disable-pip-version-check -r benchmarks/foreign.txt
	@touch $@

faults: $(READY)  ## Put every fault to every call of a run at every venue, about 15 minutes
	$(BIN)/python benchmarks/faults.py

lock:  ## Pin the dependencies of pyproject.toml anew
	$(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip install -q uv
	.venv-lock/bin/uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --python-version 3.11 --upgrade -q -o requirements.lock
	rm -rf .venv-lock

clean:  ## Forget the installation and the example's state
	rm -rf .venv .venv-bench .nija

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "nija needs Python 3.11 or later, found " + sys.version.split()[0])'
	$(PYTHON) -m venv .venv
	@echo "installing into .venv, about a minute"
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)
