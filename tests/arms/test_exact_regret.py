"""Mean regret of simulations against its exact value: dynamic programming over all histories, and closed forms."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest
from scipy import special

import banditlab as bl
from banditlab import arms

MEANS = (0.35, 0.6)
HORIZON = 25
NODES, WEIGHTS = np.polynomial.legendre.leggauss(HORIZON + 2)  # exact for polynomials of degree 2 HORIZON + 3
NODES, WEIGHTS = 0.5 * (NODES + 1.0), 0.5 * WEIGHTS


def thompson(wins, pulls, t):
    """Return the probability that the second of two beta variates is the larger one."""
    (a, b), (c, d) = ((w + 1, n - w + 1) for w, n in zip(wins, pulls, strict=True))
    density = np.exp((c - 1) * np.log(NODES) + (d - 1) * np.log1p(-NODES) - special.betaln(c, d))
    return float(WEIGHTS @ (density * special.betainc(a, b, NODES)))


def chosen(indices):
    """Return the probability of the second arm, where the first wins ties."""
    return float(indices[1] > indices[0])


def ucb1(wins, pulls, t):
    if 0 in pulls:
        return float(pulls[0] > 0)
    return chosen([w / n + math.sqrt(2.0 * math.log(t - 1) / n) for w, n in zip(wins, pulls, strict=True)])


def greedy_a_fifth_at_random(wins, pulls, t):
    best = float(pulls[0] > 0) if 0 in pulls else chosen([w / n for w, n in zip(wins, pulls, strict=True)])
    return 0.8 * best + 0.2 * 0.5


RULES = {
    "Thompson sampling": (arms.ThompsonSampling(), thompson),
    "UCB1": (arms.UCB1(), ucb1),
    "epsilon-greedy": (arms.EpsilonGreedy(0.2), greedy_a_fifth_at_random),
}


def histories(rule, chance):
    """Return the probability of all wins and pulls of two arms; `chance` is that of a reward, given an arm's."""
    now = {((0, 0), (0, 0)): 1.0}
    for t in range(1, HORIZON + 1):
        after = defaultdict(float)
        for (wins, pulls), p in now.items():
            second = rule(wins, pulls, t)
            for arm, q in ((0, 1.0 - second), (1, second)):
                won_now = chance(arm, wins[arm], pulls[arm])
                for reward, r in ((1, won_now), (0, 1.0 - won_now)):
                    if p * q * r > 0.0:
                        won = (wins[0] + reward * (arm == 0), wins[1] + reward * (arm == 1))
                        after[won, (pulls[0] + (arm == 0), pulls[1] + (arm == 1))] += p * q * r
        now = after
    assert sum(now.values()) == pytest.approx(1.0, abs=1e-12)
    return now


def exact(rule):
    """Return the probabilities of the regrets of two Bernoulli arms, of which the second is the better, and these."""
    found = histories(rule, lambda arm, wins, pulls: MEANS[arm])
    return np.array(list(found.values())), np.array([(MEANS[1] - MEANS[0]) * pulls[0] for _, pulls in found])


@pytest.mark.parametrize("name", RULES)
def test_regret_of_two_coins_is_the_exact_one(name):
    policy, rule = RULES[name]
    p, regrets = exact(rule)
    mean = p @ regrets
    variance, fourth = p @ (regrets - mean) ** 2, p @ (regrets - mean) ** 4
    n_runs = 20_000
    result = bl.run(arms.Bernoulli(MEANS), policy, horizon=HORIZON, n_runs=n_runs, seed=0, checkpoints=[HORIZON])
    regret = result.values()[0, :, 0]
    assert abs(regret.mean() - mean) < 4.0 * math.sqrt(variance / n_runs)
    assert abs(((regret - mean) ** 2).mean() - variance) < 4.0 * math.sqrt((fourth - variance**2) / n_runs)


@pytest.mark.parametrize("name", RULES)
def test_bayes_regret_of_two_coins_is_the_exact_one(name):
    """Means are uniform: the larger is 2/3 on average; the next win has the chance of Laplace's rule of succession."""
    policy, rule = RULES[name]
    found = histories(rule, lambda arm, wins, pulls: (wins + 1.0) / (pulls + 2.0))
    expected = HORIZON * 2.0 / 3.0 - sum(p * sum(wins) for (wins, _), p in found.items())
    prior = bl.Instances(lambda rng: arms.Bernoulli(rng.random(2)))
    regret = bl.run(prior, policy, horizon=HORIZON, n_runs=20_000, seed=0, checkpoints=[HORIZON]).values()[0, :, 0]
    assert abs(regret.mean() - expected) < 4.0 * regret.std() / math.sqrt(len(regret))


def test_bayes_regrets_of_a_table():
    """Russo and Van Roy 2018, Table 1, as remembered: ten coins with uniform means, 1,000 rounds, 2,000 trials."""
    policies = {arms.ThompsonSampling(): 28.1, arms.BayesUCB(): 22.8, arms.UCBTuned(): 36.3}
    prior = bl.Instances(lambda rng: arms.Bernoulli(rng.random(10)))
    result = bl.run(prior, list(policies), horizon=1000, n_runs=2000, seed=0, checkpoints=[1000])
    for regret, theirs in zip(result.values()[:, :, 0], policies.values(), strict=True):
        assert abs(regret.mean() - theirs) < 4.0 * regret.std() * math.sqrt(2.0 / 2000)


@pytest.mark.parametrize(("gap", "m", "std"), [(0.2, 100, 1.0), (1.0, 3, 2.0), (0.05, 400, 0.5)])
def test_regret_of_explore_then_commit_is_the_closed_form(gap, m, std):
    r"""For two Gaussian arms :math:`m \Delta + (n - 2 m) \Delta \Phi(-\Delta \sqrt{m / 2} / \sigma)`.

    That is the decomposition in the proof of Theorem 6.1 of Lattimore and Szepesvari, Bandit Algorithms, with the
    probability that the worse arm's mean of m rewards is the larger one, which for Gaussians is known.
    """
    horizon, n_runs = 1000, 4000
    result = bl.run(
        arms.Gaussian([0.0, gap], std=std), arms.ExploreThenCommit(m), horizon=horizon, n_runs=n_runs, seed=1,
        checkpoints=[horizon],
    )  # fmt: skip
    wrong = special.ndtr(-gap * math.sqrt(m / 2.0) / std)
    expected = m * gap + (horizon - 2 * m) * gap * wrong
    error = (horizon - 2 * m) * gap * math.sqrt(wrong * (1.0 - wrong) / n_runs)
    assert abs(result.values()[0].mean() - expected) < 4.0 * error
