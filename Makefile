# Everything happens in .venv, which each target builds if it is missing or older than pyproject.toml.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint bench docs reproduce clean

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

$(VENV)/.docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	touch $@

demo: $(STAMP)
	$(BIN)/banditlab demo

test: $(STAMP)
	$(BIN)/python -m pytest -q -n 2

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python -m benchmarks

reproduce: $(STAMP)
	$(BIN)/python -m experiments.ucb_lower_bound
	$(BIN)/python -m experiments.strategic_clicks
	$(BIN)/python -m experiments.scoring_regret
	$(BIN)/python -m experiments.scoring_dimensions
	$(BIN)/python -m experiments.scoring_hiring
	$(BIN)/python -m experiments.scoring_online
	$(BIN)/python -m experiments.dueling_classics
	$(BIN)/python -m experiments.dueling_weak
	$(BIN)/python -m experiments.dueling_piecewise
	$(BIN)/python -m experiments.dueling_contextual
	$(BIN)/python -m experiments.safe_semibandits
	$(BIN)/python -m experiments.semibandits_paradox
	$(BIN)/python -m experiments.semibandits_kmax
	$(BIN)/python -m experiments.semibandits_cetc
	$(BIN)/python -m experiments.cvar_mdp
	$(BIN)/python -m experiments.cvar_iterated
	$(BIN)/python -m experiments.cvar_gridworld

docs: $(VENV)/.docs
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

clean:
	rm -rf $(VENV) docs/_build build dist .pytest_cache .mypy_cache .ruff_cache
