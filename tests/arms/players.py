"""The K-armed policies that are tested, the values of their fields that are tried, and who plays beside them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import banditlab as bl
from banditlab import arms
from banditlab.arms.generics import reward
from banditlab.core.components import Problem
from banditlab.core.family import registered

from . import naive

POLICIES = registered("arms", "policy")

# Besides its defaults, each policy is tried with these fields. All of a class share one compiled kernel.
OTHERS: dict[str, list[dict[str, Any]]] = {
    "BayesUCB": [{"c": 5.0}, {"c": 1.0, "a": 2.5, "b": 1.5}],
    "DecayingEpsilonGreedy": [{"c": 0.5, "d": 0.6}],
    "DiscountedUCB": [{"gamma": 0.9}, {"gamma": 1.0, "xi": 0.3}, {"changes": 9, "b": 2.0}, {"changes": 5000}],
    "EXP3": [{"gamma": 0.05}, {"gamma": 1.0}],
    "EXP3IX": [{"eta": 0.3}],
    "EpsilonGreedy": [{"epsilon": 0.0}, {"epsilon": 1.0}],
    "ExploreThenCommit": [{"m": 1}, {"m": 7}, {"m": 10_000}],
    "GaussianKLUCB": [{"std": 0.5, "c": 3.0}],
    "GaussianThompsonSampling": [{"std": 0.3}],
    "KLUCB": [{"c": 3.0}, {"c": 0.5}],
    "KLUCBPlusPlus": [{"horizon": 60}, {"horizon": 100_000}],
    "MOSS": [{"horizon": 60}, {"horizon": 100_000}],
    "MOSSAnytime": [{"alpha": 0.2}],
    "SlidingWindowUCB": [{"window": 20}, {"window": 2}, {"changes": 25, "xi": 1.0, "b": 0.5}],
    "Softmax": [{"temperature": 0.02}, {"temperature": 5.0}],
    "SuccessiveElimination": [{"delta": 0.3, "c": 1.0}],
    "ThompsonSampling": [{"a": 0.5, "b": 0.5}, {"a": 3.0, "b": 1.5}],
    "TsallisINF": [{"estimator": "reduced_variance"}],
    "UCB1": [{"alpha": 0.5}],
    "UCBV": [{"zeta": 1.0, "c": 0.0}, {"zeta": 0.5, "c": 0.1, "b": 2.0}],
    "VarTS": [{"mu": 0.5, "kappa": 0.1, "alpha": 0.5, "beta": 0.01}],
}

VARIANTS = [cls(**fields) for name, cls in POLICIES.items() for fields in [{}, *OTHERS.get(name, [])]]


@dataclasses.dataclass(frozen=True)
class Instance:
    environment: Any
    horizon: int
    n_runs: int
    seed: int

    def run(self, policy: Any, metrics: Any) -> bl.Results:
        """Let a policy play, and record every round."""
        return bl.run(
            self.environment,
            policy,
            horizon=self.horizon,
            n_runs=self.n_runs,
            seed=self.seed,
            checkpoints=list(range(1, self.horizon + 1)),
            metrics=metrics,
            n_jobs=1,
            progress=False,
        )


def quantile(environment: Any, arm: int, u: float) -> float:
    """Return an arm's reward as the environments define it: the first value whose cumulative probability exceeds u."""
    if isinstance(environment, arms.Bernoulli):
        return 1.0 if u < environment.means[arm] else 0.0
    total = 0.0
    for value, p in zip(environment.values, environment.probabilities[arm], strict=True):
        total += p
        if u < total:
            return float(value)
    raise AssertionError


def drawn(environment: Any, arm: int, u: float) -> float:
    """Return an arm's reward at u: by hand, or (Beta, Gaussian) the package's, called as plain Python."""
    if isinstance(environment, arms.Bernoulli | arms.Categorical):
        return quantile(environment, arm, u)
    with np.errstate(all="ignore"):
        return float(reward(environment.params(Problem(environment.n_arms, None)), arm, u, 1))


def simulated(policy: Any, instance: Instance) -> NDArray[np.int64]:
    """Return the arms that the compiled simulation plays, one row per run, one column per round."""
    result = instance.run(policy, "pulls")
    pulls = np.stack([result.values(f"pulls[{a}]")[0] for a in range(instance.environment.n_arms)])
    played = np.diff(pulls, axis=2, prepend=0.0)
    assert set(np.unique(played)) <= {0.0, 1.0}
    assert (played.sum(axis=0) == 1.0).all()
    return np.argmax(played, axis=0)


def check_against_reference(policy: Any, instance: Instance, run: int, played: NDArray[np.int64]) -> None:
    """Let the naive reference play a run, and compare arm by arm."""
    name = type(policy).__name__
    if name not in naive.REFERENCES:
        pytest.fail(f"{name} has no reference: write the class {name} in tests/arms/naive.py, from the paper")
    fields = {f.name: getattr(policy, f.name) for f in dataclasses.fields(policy)}
    player = naive.REFERENCES[name](instance.environment.n_arms, instance.horizon, **fields)
    luck, own = naive.environment_rng(instance.seed, run), naive.policy_rng(instance.seed, run)
    for t, arm in enumerate(played.tolist(), start=1):
        allowed = player.choices(t, own)
        assert arm in allowed, f"{policy!r}, run {run}: round {t} played arm {arm}, the reference {allowed}"
        player.update(arm, quantile(instance.environment, arm, luck.open_uniform()), t)
