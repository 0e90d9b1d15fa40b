"""The demonstration: five policies choose which of 34 fashion items to show, with real click rates."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import arms
from .core.playing.runner import run
from .data import open_bandit
from .outputs import prepare_outputs, write_outputs

if TYPE_CHECKING:
    from .core.results.results import Results

__all__ = ["demo_outputs", "run_demo"]

HORIZON = 50_000
N_RUNS = 200
SEED = 0
LABEL = "34 fashion items"
POLICIES = (arms.UCB1(), arms.KLUCB(), arms.MOSS(), arms.IMED(), arms.ThompsonSampling())


def demo_outputs(folder: str | os.PathLike[str]) -> dict[str, Path]:
    """Return the files that the demonstration writes to a folder."""
    names = {"plot": "regret.png", "results": "results.parquet", "summary": "summary.csv"}
    return {kind: Path(folder) / name for kind, name in names.items()}


def run_demo(
    folder: str | os.PathLike[str] | None = "demo", horizon: int = HORIZON, n_runs: int = N_RUNS, progress: Any = "auto"
) -> Results:
    """Play UCB1, KLUCB, MOSS, IMED and ThompsonSampling on the click rates of the Open Bandit Dataset, campaign men.

    Parameters
    ----------
    folder : str or path, optional, default 'demo'
        Where to write regret.png, results.parquet and summary.csv; made if it is missing. None writes nothing.
    horizon : int, default 50_000
        Rounds per run: items shown.
    n_runs : int, default 200
        Independent runs.
    progress : {'auto', True, False}, default 'auto'
        As in `banditlab.run`.

    Returns
    -------
    Results
        Of seed 0, so the numbers are the same each time.

    Examples
    --------
    >>> from banditlab.demo import run_demo
    >>> run_demo(folder=None, horizon=100, n_runs=2).policies
    ('UCB1', 'KLUCB', 'MOSS', 'IMED', 'ThompsonSampling')
    """
    outputs = {} if folder is None else demo_outputs(folder)
    prepare_outputs(outputs)
    items = open_bandit("men")
    result = run(
        {LABEL: arms.Empirical.from_counts(items["impressions"], items["clicks"])},
        POLICIES,
        horizon=horizon,
        n_runs=n_runs,
        seed=SEED,
        progress=progress,
    )
    write_outputs(result, outputs)
    return result
