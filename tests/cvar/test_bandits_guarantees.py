"""What the papers prove of CVaR bandits, seen in simulations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import banditlab as bl
from banditlab import arms, cvar
from banditlab.arms.generics import index, reward, update
from banditlab.core import sampling
from banditlab.core.compiling.kernels import kernel
from banditlab.core.components import Problem, make_state
from banditlab.core.dispatch import borrowed
from banditlab.cvar import theory
from banditlab.cvar.bandits.spaces import SampleSpace
from tests.arms import naive as luck_of
from tests.arms.players import Instance, simulated

from .naive_bandits import dirichlet_tail

WORLDS = {
    "coin": arms.Bernoulli([0.9]),
    "even coin": arms.Bernoulli([0.5]),
    "U-shaped": arms.Beta([0.3], [0.3]),
    "rarely bad": arms.Categorical([0.0, 0.8, 1.0], [[0.05, 0.5, 0.45]]),
}


def lowest_margins(policy: Any, world: Any, rounds: int, n_runs: int, first: int = 1) -> NDArray[np.bool_]:
    """Return, for each n and run, whether one arm's index after n of its rewards is at least its CVaR."""
    problem = Problem(1, rounds)
    world_params, params = world.params(problem), policy.params(problem)
    out = np.zeros((rounds, n_runs))
    rng = sampling.seeded(11, sampling.ENVIRONMENT_STREAM, 0, n_runs)
    state = make_state(policy, SampleSpace(1, n_runs, rounds))
    kernel(_indices, world_params, params)(world_params, params, state, rng, out)
    return np.asarray(out >= world.cvars(policy.tau)[0] - 1e-12)


def _indices(world: Any, policy: Any, state: Any, rng: Any, out: Any) -> None:
    world, policy, state, rng = borrowed(world), borrowed(policy), borrowed(state), borrowed(rng)
    for n in range(out.shape[0]):
        for w in range(out.shape[1]):
            update(policy, state, 0, w, reward(world, 0, sampling.open_uniform(rng, w), n + 1), n + 1)
            out[n, w] = index(policy, state, 0, w, n + 1, rng)


RUNS = 2000


@pytest.mark.parametrize("tau", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("name", WORLDS)
def test_the_index_of_bernstein_ucb_is_above_the_cvar_in_all_rounds_of_enough_runs(name: str, tau: float) -> None:
    above = lowest_margins(cvar.BernsteinUCB(tau, delta=0.3), WORLDS[name], 300, RUNS)
    failed = 1.0 - above.all(axis=0).mean()
    assert failed <= 0.3 + 4.0 * math.sqrt(0.3 * 0.7 / RUNS)


@pytest.mark.parametrize("tau", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("name", WORLDS)
def test_each_index_of_brown_ucb_is_above_the_cvar_with_its_probability(name: str, tau: float) -> None:
    above = lowest_margins(cvar.BrownUCB(tau, delta=0.3), WORLDS[name], 60, RUNS)
    assert (1.0 - above.mean(axis=1)).max() <= 0.3 + 4.0 * math.sqrt(0.3 * 0.7 / RUNS)


def test_the_probability_of_brown_ucb_is_not_wasted() -> None:
    """Of even coins at tau = 1 Hoeffding's bound is nearly attained: a radius a fifth smaller would often fail."""
    above = lowest_margins(cvar.BrownUCB(1.0, delta=0.3), WORLDS["even coin"], 60, RUNS)
    assert 0.1 < (1.0 - above.mean(axis=1)).max() <= 0.3


@pytest.mark.parametrize("tau", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("name", WORLDS)
def test_each_index_of_cvar_ucb_is_above_the_cvar_but_once_in_t_squared(name: str, tau: float) -> None:
    rounds = 20
    above = lowest_margins(cvar.CVaRUCB(tau), WORLDS[name], rounds, RUNS)
    p = 1.0 / rounds**2
    assert (1.0 - above.mean(axis=1)).max() <= p + 4.0 * math.sqrt(p / RUNS)


@pytest.mark.parametrize(("n_arms", "tau"), [(2, 0.05), (2, 0.25), (10, 0.25)])
def test_regret_of_bernstein_ucb_is_below_the_bound_of_theorem_4_1(n_arms: int, tau: float) -> None:
    """The bound holds with probability 1 - delta; a million rounds make it less than the worst arm loses."""
    delta, n_runs, horizon = 0.2, 20, 1_000_000
    world = theory.hard_instance(tau, tau, n_arms)
    bound = theory.bernstein_ucb_bound(n_arms, horizon, tau, delta)
    assert bound < horizon
    result = bl.run(
        world, cvar.BernsteinUCB(tau, delta=delta), horizon=horizon, n_runs=n_runs, seed=3, checkpoints=[horizon],
        n_jobs=1, progress=False,
    )  # fmt: skip
    regret = result.values()[0, :, -1]
    assert (regret > bound).mean() <= delta
    assert regret.mean() > 0.0


class NPTS:
    """Non-parametric Thompson sampling (Riou, Honda 2020): the mean with Dirichlet weights of 1 and the rewards."""

    def __init__(self, n_arms: int) -> None:
        self.history: list[list[float]] = [[] for _ in range(n_arms)]

    def select(self, rng: Any) -> int:
        means = []
        for history in self.history:
            if not history:
                means.append(math.inf)
                continue
            values, weights = dirichlet_tail(rng, [*history, math.nextafter(1.0, 2.0)], 1.0)
            means.append(sum(w * x for w, x in zip(weights, values, strict=True)))
        return means.index(max(means))


def test_bcvts_at_level_one_is_non_parametric_thompson_sampling() -> None:
    grid = [k / 64 for k in range(65)]
    world = arms.Categorical(grid, np.random.default_rng(9).dirichlet(np.ones(65), 3))
    case = Instance(world, 400, 2, 31)
    played = simulated(cvar.BCVTS(tau=1.0), case)
    for run in range(case.n_runs):
        player = NPTS(3)
        luck, own = luck_of.environment_rng(case.seed, run), luck_of.policy_rng(case.seed, run)
        for arm in played[run].tolist():
            assert player.select(own) == arm
            total = np.cumsum(world.probabilities[arm])
            player.history[arm].append(grid[int(np.argmax(luck.open_uniform() < total))])


@pytest.mark.parametrize("tau", [0.5, 0.8])
def test_thompson_sampling_has_regret_of_the_order_of_the_asymptotic_bound(tau: float) -> None:
    """Regret between T/10 and T grows by at most three times what the lower bound grows by, and by a quarter of it."""
    world = arms.Categorical([0.0, 0.25, 0.5, 0.75, 1.0], [[0.3, 0.2, 0.2, 0.2, 0.1], [0.1, 0.3, 0.3, 0.2, 0.1]])
    horizon, n_runs = 10_000, 60
    constant = theory.lower_bound_constant(world, tau)
    players = {"M-CVTS": cvar.MCVTS(world.values, tau), "B-CVTS": cvar.BCVTS(tau)}
    result = bl.run(
        world, players, horizon=horizon, n_runs=n_runs, seed=6, checkpoints=[horizon // 10, horizon], n_jobs=1,
        progress=False,
    )  # fmt: skip
    for k in range(2):
        growth = np.diff(result.values()[k], axis=1)[:, 0]
        error = growth.std(ddof=1) / math.sqrt(n_runs)
        expected = constant * math.log(10.0)
        assert growth.mean() - 4.0 * error < 3.0 * expected
        assert growth.mean() + 4.0 * error > 0.25 * expected
