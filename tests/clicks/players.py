"""The policies for click-bandits that are tested, what they are tried on, and who plays beside them."""

from __future__ import annotations

import dataclasses
import math
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from banditlab import arms, clicks
from banditlab.clicks.kernel import COUNTS
from banditlab.core.family import registered
from banditlab.errors import AssumptionWarning
from tests.arms.naive import environment_rng, policy_rng
from tests.arms.players import Instance, drawn

from . import naive
from .components import Hill, PlainQuadratic

POLICIES = registered("clicks", "policy")

# Besides its defaults, each policy is tried with these fields: small alpha, so that arms are screened within the
# horizons here; users' utilities without a closed form, one with desired strategies that are not monotone.
OTHERS: dict[str, list[dict[str, Any]]] = {
    "ClickUCB": [
        {"alpha": 0.1},
        {"alpha": 0.3, "utility": clicks.QuadraticUtility(penalty=0.7)},
        {"alpha": 0.1, "utility": Hill()},
    ],
    "MeanUCB": [{"alpha": 0.1}],
    "UCBS": [
        {"alpha": 0.01},
        {"alpha": 0.1},
        {"alpha": 0.1, "utility": clicks.QuadraticUtility(penalty=0.7)},
        {"alpha": 0.02, "utility": clicks.QuadraticUtility(penalty=40.0)},
        {"alpha": 0.05, "utility": Hill()},
        {"alpha": 0.1, "utility": PlainQuadratic(penalty=2.0)},
    ],
}

VARIANTS = [cls(**fields) for name, cls in POLICIES.items() for fields in [{}, *OTHERS.get(name, [])]]


def bandit(rewards: Any, strategies: Any, utility: Any = None) -> Any:
    """Return a bandit, of Bernoulli rewards with these means, or of those that an environment of `arms` draws."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AssumptionWarning)  # at mean 0, which is allowed
        if isinstance(rewards, list):
            return clicks.StrategicClickBandit(rewards, strategies, *([] if utility is None else [utility]))
        return clicks.StrategicClickBandit.from_rewards(rewards, strategies, utility)


SHARES = [[0.25, 0.25, 0.25, 0.25], [0.125, 0.5, 0.25, 0.125], [0.0, 0.25, 0.5, 0.25]]

INSTANCES = {
    "three arms": Instance(bandit([0.6, 0.5, 0.4], [0.9, 0.55, 0.2]), 400, 3, 11),
    "at the desired strategies": Instance(bandit([0.6, 0.5, 0.4], [0.66, 0.55, 0.44]), 400, 2, 12),
    "all equal": Instance(bandit([0.5] * 4, [0.55] * 4), 300, 2, 13),
    "strategies zero and one": Instance(bandit([0.6, 0.5, 0.4], [0.0, 1.0, 0.5]), 300, 2, 14),
    "no arm is ever clicked": Instance(bandit([0.6, 0.5], [0.0, 0.0]), 100, 1, 15),
    "means zero and one": Instance(bandit([0.0, 1.0, 0.5], [0.5, 0.9, 0.6]), 300, 2, 16),
    "all clicked, all rewarded": Instance(bandit([1.0, 1.0], [1.0, 1.0]), 100, 1, 17),
    "all overstate": Instance(bandit([0.2, 0.3, 0.1], [1.0, 0.9, 1.0]), 400, 3, 18),
    "all understate": Instance(bandit([0.9, 0.8], [0.1, 0.2]), 500, 3, 19),
    "one arm": Instance(bandit([0.4], [0.9]), 200, 2, 20),
    "one round": Instance(bandit([0.4], [0.9]), 1, 3, 21),
    "horizon is number of arms": Instance(bandit([0.5] * 6, [0.5] * 6), 6, 2, 22),
}
REWARDS = {
    # sums of quarters are exact, so that different rewards tie exactly
    "quarters": Instance(bandit(arms.Categorical([0.0, 0.25, 0.5, 1.0], SHARES), [0.9, 0.5, 0.3]), 400, 2, 23),
    "beta": Instance(bandit(arms.Beta([3.0, 1.0, 0.5], [2.0, 1.0, 1.0]), [0.9, 0.55, 0.3]), 400, 2, 24),
    # averages of these leave [0, 1] on both sides
    "gaussian": Instance(bandit(arms.Gaussian([0.95, 0.5, 0.05], std=0.5), [0.9, 0.8, 0.3]), 400, 2, 25),
}

Trace = tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]]
"""Arms and clicks, one row per run, one column per round; and rounds of screening (0 for none), one row per run."""


def trace(tables: NDArray[np.float64], n_arms: int) -> Trace:
    """Read a trace off the kernel's tables, one for each round."""
    moved = np.diff(tables[:, COUNTS : COUNTS + 2 * n_arms], axis=0, prepend=0.0)
    selected, clicked = moved[:, :n_arms], moved[:, n_arms:]
    assert set(np.unique(moved)) <= {0.0, 1.0}
    assert (selected.sum(axis=1) == 1.0).all()
    assert (clicked <= selected).all()
    return np.argmax(selected, axis=1).T, clicked.any(axis=1).T, tables[-1, COUNTS + 2 * n_arms :].T


def simulated(policy: Any, instance: Instance) -> Trace:
    """Return what the compiled simulation plays."""
    metrics = ("selections", "clicks", "screening_round")
    result = instance.run(policy, metrics)
    names = [f"{m}[{a}]" for m in metrics for a in range(instance.environment.n_arms)]
    tables = np.nan_to_num(np.stack([result.values(name)[0] for name in names])).transpose(2, 0, 1)
    return trace(np.concatenate([np.zeros_like(tables[:, :COUNTS]), tables], axis=1), instance.environment.n_arms)


def check_against_reference(
    policy: Any, instance: Instance, run: int, strategies: NDArray[np.float64], played: Trace, row: int
) -> None:
    """Let the naive reference play a run, and compare round by round with one row of a trace."""
    name = type(policy).__name__
    if name not in naive.REFERENCES:
        pytest.fail(f"{name} has no reference: write the class {name} in tests/clicks/naive.py, from the paper")
    environment = instance.environment
    fields = {f.name: getattr(policy, f.name) for f in dataclasses.fields(policy)}
    utility = fields.pop("utility", None) or environment.utility
    wants = naive.WANTS[type(utility).__name__](
        **{f.name: getattr(utility, f.name) for f in dataclasses.fields(utility)}
    )
    means = environment.post_click_means.tolist()
    rewards = arms.Bernoulli(means) if environment.rewards is None else environment.rewards
    player = naive.REFERENCES[name](instance.horizon, means, strategies.tolist(), wants, **fields)
    luck, own = environment_rng(instance.seed, run), policy_rng(instance.seed, run)
    selected, clicked, screened = (part[row] for part in played)
    for t in range(1, instance.horizon + 1):
        arm = player.select(t, own)
        told = f"{policy!r}, run {run}, round {t}"
        assert selected[t - 1] == arm, f"{told}: selected arm {selected[t - 1]}, the reference {arm}"
        # the arm is clicked if u is below its click rate s; u/s, which is then uniform again, makes the reward
        u, s = luck.open_uniform(), float(strategies[arm])
        assert clicked[t - 1] == (u < s), told
        player.update(arm, u < s, drawn(rewards, arm, u / s) if u < s else math.nan, t)
    assert screened.tolist() == player.screened, f"{policy!r}, run {run}"


# each pair of types costs its compilation: UCB-S tries all kinds of rewards, the others one beside coins
WITH_REWARDS = [(clicks.UCBS(alpha=0.1), name) for name in REWARDS]
WITH_REWARDS += [(clicks.UCBS(), "gaussian"), (clicks.ClickUCB(), "quarters"), (clicks.MeanUCB(alpha=0.1), "gaussian")]
