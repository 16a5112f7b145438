# Needs git, make and Python 3.11 or newer; everything else goes into .venv/.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test

demo: .venv/demo
	@$(BIN)/python -m config.demo

test: .venv/test
	$(BIN)/python -m pytest -n auto

.venv/demo: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/test: requirements-dev.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ .venv/demo
