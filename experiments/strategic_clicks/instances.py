"""The instances, the files, and what both simulation and analysis need to know of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab import clicks
from experiments.common import configuration_of

ONE_BEST, HALF_BEST = "one best arm", "half of the arms best"
SHRINKING = (ONE_BEST, HALF_BEST)
"""Families whose gap is of order sqrt(K log T / T), where the regret of UCB-S is largest."""

DYNAMICS, OPEN_BANDIT, REGRET, EQUILIBRIA, ORACLES = (
    f"{name}.parquet" for name in ("dynamics", "open_bandit", "regret", "equilibria", "oracles")
)


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return configuration_of(__file__)


def truthful(means: NDArray[np.float64] | list[float]) -> clicks.StrategicClickBandit:
    """Return the bandit with these post-click means, its arms at their desired strategies."""
    utility = clicks.QuadraticUtility(penalty=configuration()["penalty"])
    return clicks.StrategicClickBandit(means, [utility.desired(mu) for mu in means], utility)


def instance(name: str, n_arms: int, horizon: int) -> clicks.StrategicClickBandit:
    r"""Return an instance by name, its arms at their desired strategies.

    Besides the instances of the configuration there are two families made for the horizon: the gap is :math:`\Delta = c
    \sqrt{K \log T / T}`, about the largest that UCB-S cannot tell from none, so that its regret is about the largest
    over instances, which is what the instance-independent bound speaks of. The two post-click means are :math:`(1 \pm
    \Delta) / 2`, for which :math:`u^*` differs by a multiple of :math:`\Delta`. Either one arm is the best, or half of
    them are: with one best arm, the share of rounds spent on the others itself depends on K, as that arm's radius does
    not grow with K as theirs do; with half of the arms best, all radii do.
    """
    config = configuration()
    if name not in SHRINKING:
        return truthful(config["instances"][name])
    gap = config["gap_factor"] * np.sqrt(n_arms * np.log(horizon) / horizon)
    best = 1 if name == ONE_BEST else n_arms // 2
    return truthful(np.where(np.arange(n_arms) < best, 0.5 + gap / 2, 0.5 - gap / 2))


def rollouts(sizes: dict[str, Any], horizon: int) -> int:
    """Return how many roll-outs per profile a search at a horizon takes: the shorter a run, the more."""
    fewest, most = sizes["search_rollouts"]
    return int(np.clip(sizes["search_rounds"] // horizon, fewest, most))


def searches(sizes: dict[str, Any]) -> list[tuple[str, int, int, str]]:
    """Return the searches for equilibria under UCB-S: instance, arms, horizon, start."""
    config = configuration()
    places = [(name, len(means), T) for name, means in config["instances"].items() for T in sizes["horizons"]]
    places += [(ONE_BEST, 5, T) for T in sizes["horizons"]]
    places += [(HALF_BEST, K, sizes["arms_in_equilibrium_horizon"]) for K in sizes["arms_in_equilibrium"]]
    return [(*place, start) for place in places for start in config["search"]["starts"]]


def desired_places(sizes: dict[str, Any]) -> list[tuple[str, int, int]]:
    """Return where regret at the desired strategies is measured: instance, arms, horizon."""
    config = configuration()
    places = [(name, len(means), T) for name, means in config["instances"].items() for T in sizes["horizons"]]
    places += [(ONE_BEST, 5, T) for T in sizes["horizons"]]
    places += [(name, K, sizes["arms_horizon"]) for name in SHRINKING for K in sizes["arms"]]
    return list(dict.fromkeys(places))
