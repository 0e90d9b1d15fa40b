"""Plan for both walkers, walk many times, and store returns and where they have been."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from banditlab import cvar
from experiments.common import configuration_of, keep

WALKERS = ("mean", "CVaR")
RETURNS, VISITS = "returns.parquet", "visits.parquet"


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return configuration_of(__file__)


def plans() -> dict[str, cvar.Plan]:
    """Return what is best on average, and what is best for CVaR."""
    config = configuration()
    mdp = cvar.cliff_gridworld(**config["cliff"])
    return {"mean": cvar.plan_mean(mdp), "CVaR": cvar.plan_static_cvar(mdp, config["tau"])}


def walks(plan: cvar.Plan, n: int, generator: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the returns of n walks, and how often a walk still under way stood in each state."""
    mdp, policy = plan.mdp, plan.policy
    rewards = mdp.rewards
    state, memory = np.full(n, mdp.initial_state), np.full(n, policy.first)
    total, visits = np.zeros(n), np.zeros(mdp.n_states, np.int64)
    ends = (mdp.transitions[np.arange(mdp.n_states), :, np.arange(mdp.n_states)] == 1.0).all(axis=1)
    for h in range(mdp.horizon):
        visits += np.bincount(state[~ends[state]], minlength=mdp.n_states)
        action = policy.actions[h, state, memory]
        cumulative = np.cumsum(mdp.transitions[state, action], axis=1)
        after = (generator.random(n)[:, None] >= cumulative[:, :-1]).sum(axis=1)
        paid = rewards[state, action, after]
        memory = policy.following[h % len(policy.following), np.searchsorted(policy.atoms, paid), memory]
        total += paid
        state = after
    return total, visits


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Let both walk, and store what came of it in `folder`."""
    config = configuration()
    n = config["sizes"][size]["n_walks"]

    def write(visits_file: Path) -> None:
        returns, visits = {}, {}
        for k, (name, plan) in enumerate(plans().items()):
            returns[name], visits[name] = walks(plan, n, np.random.default_rng([config["seed"], k]))
        pd.DataFrame(returns).to_parquet(folder / RETURNS)
        pd.DataFrame(visits).to_parquet(visits_file)

    keep(folder / VISITS, write)  # the last to be written: where it is, returns are
