"""Play both benchmarks at every level and store the results; nothing is computed from them here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from banditlab import arms, cvar
from experiments.common import configuration_of, play_instances

BENCHMARKS = ("multinomial", "mixtures")


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return configuration_of(__file__)


def problems(benchmark: str, size: str) -> list[Any]:
    """Return a benchmark's random problems."""
    config = configuration()
    n, given = config["sizes"][size][f"n_{benchmark}"], config[benchmark]
    if benchmark == "mixtures":
        return [arms.TruncatedGaussianMixture.random(**given, seed=k) for k in range(n)]
    values = given["values"]
    tables = np.random.default_rng(given["seed"]).dirichlet(np.ones(len(values)), size=(n, given["n_arms"]))
    return [arms.Categorical(values, table) for table in tables]


def policies(benchmark: str, tau: float) -> dict[str, Any]:
    """Return the policies of a benchmark; the last two are risk-neutral."""
    values = configuration()["multinomial"]["values"]
    known = {"M-CVTS": cvar.MCVTS(values, tau)} if benchmark == "multinomial" else {}
    neutral = cvar.MCVTS(values, 1.0) if benchmark == "multinomial" else arms.GaussianThompsonSampling(std=0.25)
    return {
        **known,
        "B-CVTS": cvar.BCVTS(tau),
        "CVaR-UCB": cvar.CVaRUCB(tau),
        "U-UCB": cvar.UUCB(tau),
        "BernsteinUCB": cvar.BernsteinUCB(tau),
        "UCB1": arms.UCB1(),
        "Thompson, of means": neutral,
    }


def stored(folder: Path, benchmark: str, tau: float) -> Path:
    """Return the file of a benchmark and level."""
    return folder / f"{benchmark}_{tau:g}.parquet"


def metric(tau: float) -> str:
    """Return the metric of a level."""
    return f"cvar_regret[{tau:g}]"


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Play every policy once on every problem and store the results in `folder`."""
    config = configuration()
    for benchmark in BENCHMARKS:
        worlds = problems(benchmark, size)
        for tau in config["taus"]:
            play_instances(
                stored(folder, benchmark, tau), worlds, policies(benchmark, tau), n_runs=1,
                horizon=config["sizes"][size]["horizon"], seed=config["seed"], n_jobs=n_jobs, checkpoints=20,
                metrics=metric(tau),
            )  # fmt: skip
