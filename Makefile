# Everything happens in .venv, which each target builds if it is missing or older than pyproject.toml or constraints.txt:
# the releases with which the tests passed, so that what passed passes again.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt
STAMP := $(VENV)/.installed

.PHONY: demo test lint newest oldest gpu bench docs reproduce clean

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(INSTALL) --editable '.[test]'
	touch $@

$(VENV)/.docs: $(STAMP)
	$(INSTALL) --editable '.[docs]'
	touch $@

demo: $(STAMP)
	$(BIN)/banditlab demo

test: $(STAMP)
	$(BIN)/python -m pytest -q -n logical --maxprocesses=8

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# writes constraints.txt with the newest releases that pyproject.toml admits; `make lint test docs` then tries them
newest: $(STAMP)
	$(BIN)/python -m pip install --quiet uv
	UV_CUSTOM_COMPILE_COMMAND='make newest' $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--extra test --extra docs --extra ptx --no-annotate --output-file constraints.txt pyproject.toml

# the tests with the oldest releases that pyproject.toml admits, on the oldest Python: for a newer one they have no wheels.
# What they need is the newest, which has deprecated some of what they use.
oldest:
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet uv
	.venv-oldest/bin/uv pip install --quiet --python .venv-oldest --resolution lowest-direct --editable '.[test]'
	.venv-oldest/bin/python -m pytest -q -n logical --maxprocesses=8 -W ignore::DeprecationWarning

# kernels compiled for CUDA devices and played on the processor, and tests on a device where there is one (20 minutes)
gpu: $(STAMP)
	$(INSTALL) --editable '.[test,ptx]'
	$(BIN)/python -m pytest -q -n 2 tests/cuda

bench: $(STAMP)
	$(BIN)/banditlab bench

# make reproduce SIZE=--quick for the small size; what is stored in results/ is not simulated again
reproduce: $(STAMP)
	$(BIN)/banditlab reproduce --all $(SIZE)

docs: $(VENV)/.docs
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html
	$(BIN)/python docs/check_links.py docs/_build/html

clean:
	rm -rf $(VENV) .venv-oldest docs/_build build dist .pytest_cache .mypy_cache .ruff_cache
