# Featherweight in commands. `make` alone lists them; README.md and CONTRIBUTING.md say more.

PYTHON ?= python3
PORT ?= 8000
# Where the demo keeps its database and files; thrown away by `make clean`.
FOLDER ?= .demo

python := .venv/bin/python
# DATA= takes images of your own (or fashion), FULL=1 the production path; both reach the command as they are.
demo := $(python) -m leaderboard.demo --folder '$(FOLDER)' --port $(PORT) \
	$(if $(DATA),--data '$(DATA)') $(if $(filter-out 0,$(FULL)),--full)

.PHONY: help demo demo-check test sweep lint messages release-dump lock clean
.DELETE_ON_ERROR:

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@echo "  Variables: DATA=images.zip FULL=1 PORT=8000 FOLDER=.demo (demo), ARGS=... (test), SEED=1 (sweep), PYTHON=..."

demo: .venv/.embedded ## a whole competition on this machine, served until Ctrl-C
	$(demo)

demo-check: .venv/.embedded ## the same, but it ends when both boards are there and right
	$(demo) --check

# Hostile models have seconds for what they do: two at a time, and nothing beside them.
test: .venv/.dev ## every test, on PostgreSQL and Valkey started from wheels
ifdef ARGS
	$(python) -m pytest $(ARGS)
else
	$(python) -m pytest tests/hostile --numprocesses logical --maxprocesses 2 --dist worksteal
	$(python) -m pytest --ignore tests/hostile --numprocesses logical --maxprocesses 4 --dist worksteal
endif

# The tests read SWEEP: requests generated for each call and each kind of person.
SWEEP ?= 40
SEED ?= 1
sweep: .venv/.dev ## all bad input and many generated requests, of which `make test` tries a sample
	SWEEP=$(SWEEP) $(python) -m pytest --numprocesses logical --hypothesis-seed $(SEED) \
		tests/leaderboard/test_no_door_breaks_on_bad_input.py \
		tests/leaderboard/web/test_a_body_too_large_is_never_read.py \
		tests/leaderboard/api/test_the_api_keeps_its_schema.py \
		tests/leaderboard/test_no_answer_depends_on_a_private_figure.py \
		tests/end_to_end/test_the_starter_kit_ends_in_a_verdict.py

lint: .venv/.dev ## style, types, templates, directions of imports, sizes, missing migrations
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m djlint templates --lint --quiet
	DEBUG=1 $(python) -m mypy
	.venv/bin/lint-imports
	$(python) .ci/house.py
	DEBUG=1 DATABASE_URL=sqlite://:memory: $(python) manage.py makemigrations --check --dry-run

messages: .venv/.dev ## collect the site's sentences, and update and compile every translation
	DEBUG=1 $(python) -m leaderboard.locale

release-dump: .venv/.dev ## keep a small site of this version, which later versions must upgrade
	$(python) -m tests.leaderboard.operating.dumping

# TORCH is a folder or a page that has PyTorch's CPU wheels; without it only the first file is made.
compile := $(python) -m uv pip compile --quiet pyproject.toml --extra server --extra zoo --extra parquet \
	--python-version 3.11 --generate-hashes --no-emit-find-links --no-annotate \
	--custom-compile-command 'make lock' $(ARGS)
lock: | .venv ## pin every package of the image by hash (ARGS=--upgrade, TORCH=... for the CPU image)
	$(python) -m pip install --quiet uv
	$(compile) --universal --output-file requirements.lock
	$(if $(TORCH),echo 'torch==2.13.0+cpu' >.venv/torch-cpu && \
		$(compile) --constraint .venv/torch-cpu --find-links '$(TORCH)' \
		--python-platform x86_64-manylinux_2_28 --output-file requirements-cpu.lock)

clean: ## remove what these commands made, the virtual environment too
	rm -rf .venv .demo .data build static-collected *.egg-info \
		.pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# A stamp is as old as what is installed. The developer's extra holds all of the demo's.
.venv/.embedded: pyproject.toml | .venv
	$(python) -m pip install --quiet --disable-pip-version-check --editable '.[embedded]'
	@touch $@

.venv/.dev: pyproject.toml | .venv
	$(python) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch .venv/.embedded $@

.venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "Python's venv module is needed; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
