"""Play everybody's settings and store the results; nothing is computed from them here."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from banditlab import arms, dueling
from banditlab import semibandits as semi
from experiments.common import configuration_of, play


@dataclass(frozen=True)
class Setting:
    """A game that others played.

    Attributes
    ----------
    environment : environment
        What is played.
    policies : dict
        Who plays it, by the names that they use.
    horizon : int
        How many rounds are played.
    before_the_end : int
        How many rounds earlier the regret is read.
    metric : str
        Which regret.
    """

    environment: Any
    policies: dict[str, Any]
    horizon: int = 10_000
    before_the_end: int = 0
    metric: str = "regret"

    @property
    def rounds(self) -> int:
        """The number of rounds after which the regret is read."""
        return self.horizon - self.before_the_end


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return configuration_of(__file__)


@functools.cache
def settings() -> dict[str, Setting]:
    """Return the games by name."""
    means = configuration()["means"]
    nine: dict[str, Any] = {  # SMPyBandits' alpha is twice ours
        "UCB": arms.UCB1(),
        "UCB(alpha=1)": arms.UCB1(alpha=0.5),
        "UCB(alpha=0.5)": arms.UCB1(alpha=0.25),
        "Thompson": arms.ThompsonSampling(),
        "kl-UCB": arms.KLUCB(),
        "BayesUCB": arms.BayesUCB(),
    }
    ten: dict[str, Any] = {
        "UCB(alpha=1)": arms.UCB1(alpha=1.0),
        "MOSS": arms.MOSSAnytime(alpha=1.0),  # log(t / (K n)) without a factor
        "UCB-V(zeta=1)": arms.UCBV(zeta=1.0),
        "KL-UCB": arms.KLUCB(),
        "Thompson": arms.ThompsonSampling(),
    }
    duels: dict[str, Any] = {
        "RMED1": dueling.RMED1(),
        "RMED2": dueling.RMED2(paper_code=True),
        "RMED2FH": dueling.RMED2FH(paper_code=True),
        "RUCB": dueling.RUCB(),
        "SAVAGE": dueling.SAVAGE(),
        "Sparring": dueling.Sparring(),
        "MultiSBM": dueling.MultiSBM(),
        "BTM": dueling.BeatTheMean(gamma=1.2, tight=True, meets_itself=False),
        "IF": dueling.InterleavedFilter(),
    }
    found = {
        # SMPyBandits prints the regret 50 entries before the end of its array
        f"nine arms, {name}": Setting(arms.Bernoulli(means[name]), nine, before_the_end=49)
        for name in ("even", "close", "rare")
    }
    # Komiyama's programs count rounds from 1, and add them up from 0; that of duels stops a line earlier
    found["ten arms"] = Setting(arms.Bernoulli(means["ten"]), ten, before_the_end=1)
    for name in ("arxiv", "cyclic", "arithmetic"):
        matrix = getattr(dueling.instances, name)()
        found[f"duels, {name}"] = Setting(matrix, duels, before_the_end=2, metric="average_regret")
    for budget in (0.6, 0.751):
        safe = semi.SemiBandit(_items(), semi.SafeUpToM(3, budget))
        found[f"variance below {budget}"] = Setting(safe, {"PASCombUCB": semi.PASCombUCB(paper_code=True)}, 100_000)
    free = semi.SemiBandit(_items(), semi.UpToM(3))
    found["any variance"] = Setting(free, {"CombUCB1": semi.CombUCB1()}, 100_000)
    return found


def _items() -> Any:
    """Return beta items of the means and variances that are given."""
    given = configuration()["items"]
    means, variances = np.array(given["means"]), np.array(given["variances"])
    sizes = means * (1.0 - means) / variances - 1.0
    return arms.Beta((means * sizes).tolist(), ((1.0 - means) * sizes).tolist())


def stored(folder: Path, setting: str) -> Path:
    """Return the file of a setting."""
    return folder / f"{setting.replace(', ', '_').replace(' ', '_')}.parquet"


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Play every setting at a size ('full', 'quick' or 'tiny') and store the results in `folder`."""
    config = configuration()
    for name, setting in settings().items():
        horizon = config["sizes"][size].get("horizon", setting.horizon)
        play(
            stored(folder, name), setting.environment, setting.policies, horizon=horizon,
            n_runs=config["sizes"][size]["n_runs"], seed=config["seed"], n_jobs=n_jobs,
            checkpoints=[horizon - setting.before_the_end], metrics=setting.metric,
        )  # fmt: skip
