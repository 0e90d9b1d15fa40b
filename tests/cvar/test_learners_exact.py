"""Every learner against its naive transcription: the same returns, estimates and policies, episode by episode."""

from __future__ import annotations

import numpy as np
import pytest

import banditlab as bl
from banditlab import cvar

from . import naive

SEED, EPISODES = 11, 25


def unit(S, A, H, seed, **options):
    return cvar.random_mdp(S, A, H, seed=seed, reward_levels=5, **options)


def rewards_on_next_state():
    g = np.random.default_rng(3)
    return cvar.TabularMDP(g.dirichlet([1.0] * 2, size=(2, 2)), g.integers(0, 3, (2, 2, 2)) / 4.0, 2)


def changing():
    g = np.random.default_rng(5)
    return cvar.TabularMDP(g.dirichlet([1.0] * 2, size=(3, 2, 2)), g.integers(0, 4, (3, 2, 2)) / 12.0, 3)


UNIT = {
    "random": unit(3, 2, 3, 0),
    "random rewards": unit(2, 3, 2, 1, n_outcomes=2),
    "on the next state": rewards_on_next_state(),
    "changing": changing(),
    "one step": unit(1, 4, 1, 2, n_outcomes=3),
    "one action": unit(3, 1, 3, 3),
    "ties": cvar.TabularMDP(np.full((2, 3, 2), 0.5), np.full((2, 3), 0.25), 2),
}
MIXTURE, FEATURES = cvar.linear_mixture(3, 2, 3, 2, seed=1)
POOLED = {
    "mixture": MIXTURE,
    "chain": cvar.lower_bound_chain(2, 2, tau=0.3, gap=0.2),
    "layered": cvar.layered_mdp(3, 3, risk=0.2),
    "one step": cvar.TabularMDP([[[1.0]] * 3], [[0.3, 0.9, 0.9]], 1),
    "ties": cvar.TabularMDP(np.full((2, 3, 2), 0.5), np.full((2, 3), 0.25), 2),
}


def got(mdp, policy, level, n_runs=2):
    metrics = ["return", "estimate", f"cvar[{level}]", f"cvar_regret[{level}]"]
    options = {"checkpoints": list(range(1, EPISODES + 1)), "seed": SEED, "n_jobs": 1, "progress": False}
    result = bl.run(mdp, policy, horizon=EPISODES, n_runs=n_runs, metrics=metrics, **options)
    return np.stack([result.values(metric)[0] for metric in metrics], axis=-1)


def check(mdp, policy, make, level):
    found = got(mdp, policy, level)
    for run in range(2):
        wanted = naive.play(mdp, make(), SEED, run, level)
        np.testing.assert_allclose(found[run, :, :3], wanted, atol=1e-9)
        best = cvar.plan_static_cvar(mdp, level).value
        np.testing.assert_allclose(found[run, :, 3], np.cumsum(best - wanted[:, 2]), atol=1e-8)


@pytest.mark.parametrize("bonus", ["hoeffding", "bernstein"])
@pytest.mark.parametrize("scale", [1.0, 0.05])
@pytest.mark.parametrize("name", UNIT)
def test_cvar_ucbvi(name, scale, bonus):
    mdp = UNIT[name]
    for eta in (0.25, 0.3):
        policy = cvar.CVaRUCBVI(0.3, bonus=bonus, bonus_scale=scale, eta=eta)
        check(mdp, policy, lambda: naive.CVaRUCBVI(mdp, EPISODES, 0.3, bonus, eta, scale=scale), 0.3)  # noqa: B023


@pytest.mark.parametrize("scale", [1.0, 0.02])
@pytest.mark.parametrize("name", POOLED)
def test_icvar_rm(name, scale):
    mdp = POOLED[name]
    policy = cvar.ICVaRRM(0.3, bonus_scale=scale, delta=0.1)
    check(mdp, policy, lambda: naive.ICVaRRM(mdp, EPISODES, 0.3, scale=scale, delta=0.1), 0.5)


@pytest.mark.parametrize("name", POOLED)
def test_max_wp(name):
    mdp = POOLED[name]
    check(mdp, cvar.MaxWP(), lambda: naive.MaxWP(mdp, EPISODES), 0.5)


@pytest.mark.parametrize("scale", [1.0, 0.005])
@pytest.mark.parametrize("name", POOLED)
def test_ucbvi(name, scale):
    mdp = POOLED[name]
    check(mdp, cvar.UCBVI(bonus_scale=scale), lambda: naive.UCBVI(mdp, EPISODES, scale=scale), 1.0)


@pytest.mark.parametrize(("scale", "epsilon"), [(1.0, None), (0.01, None), (0.01, 0.4), (0.0, 5.0)])
def test_icvar_l(scale, epsilon):
    policy = cvar.ICVaRL(0.4, FEATURES, bonus_scale=scale, epsilon=epsilon)
    check(MIXTURE, policy, lambda: naive.ICVaRL(MIXTURE, EPISODES, 0.4, FEATURES, epsilon, scale=scale), 0.5)


def test_planning_less_often_changes_only_when():
    """With counts that double, plans are as many as there are doublings; with growth by one, one per episode."""
    mdp = UNIT["random"]
    found = {}
    for replan in (1.0, 2.0):
        policy = cvar.CVaRUCBVI(0.3, bonus_scale=0.05, eta=0.25, replan=replan)
        result = bl.run(mdp, policy, horizon=400, n_runs=2, seed=0, metrics="plans", checkpoints=[1, 2, 400])
        found[replan] = result.values()[0]
    assert (found[1.0] == [1.0, 2.0, 400.0]).all()
    assert (found[2.0][:, -1] <= 3 * 3 * 2 * np.log2(2 * 400)).all()
    assert (found[2.0][:, -1] >= 3 * np.log2(400 / 6)).all()
