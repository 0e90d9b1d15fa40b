"""Random instances, and agents who try everything, written without the package's own code."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from banditlab import scoring

P = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
TOY = {
    "beliefs": np.column_stack([1 - P, P]),
    "action_distributions": [[0, 0, 1, 0, 0], [0, 0.5, 0, 0.5, 0], [0.5, 0, 0, 0, 0.5]],
    "costs": [0.0, 0.03, 0.08],
}


def toy(**changes: Any) -> scoring.PrincipalAgent:
    """Return the instance whose optimal rules are known: pay 0.25 for the right side of 1/2."""
    return scoring.PrincipalAgent(**(TOY | {"utility": np.maximum(P, 1 - P)} | changes))


def random_world(
    rng: np.random.Generator, n_states: int = 2, n_actions: int = 3, n_signals: int = 2, max_payment: float = 1.0
) -> scoring.PrincipalAgent:
    """Return a world made from random experiments: action k is a table of signal probabilities, given the state.

    Later actions tell more, and cost more: about half of the time it is worth the principal's while to pay for one.
    """
    prior = rng.dirichlet(np.full(n_states, 10.0))
    beliefs, distributions = [], np.zeros((n_actions, n_actions * n_signals))
    for k in range(n_actions):
        spread = 20.0 if k == 0 else 0.6 / k
        joint = rng.dirichlet(np.full(n_signals, spread), n_states).T * prior
        beliefs += [row / row.sum() for row in joint]
        distributions[k, k * n_signals : (k + 1) * n_signals] = joint.sum(axis=1)
    costs = np.sort(rng.uniform(0.0, 0.1, n_actions)) * max_payment
    decisions = (np.eye(n_states) + rng.uniform(0.0, 0.3, (n_states, n_states))) * max_payment
    return scoring.PrincipalAgent(beliefs, distributions, costs, decisions=decisions, max_payment=max_payment)


def random_proper_tables(
    rng: np.random.Generator, world: scoring.PrincipalAgent, n: int, around: np.ndarray
) -> np.ndarray:
    """Return n proper tables within [0, max_payment]: at each belief, the payment vector of a random menu that is best.

    Every convex function on the simplex is such a maximum. Half of the menus are random, half are noisy copies of a
    given table, with more or less noise.
    """
    m, w = world.beliefs.shape
    menus = rng.uniform(0.0, 1.0, (n, m, w)) ** rng.choice([0.25, 1.0, 4.0], (n, 1, 1)) * world.max_payment
    noise = rng.normal(size=(n // 2, m, w)) * 10.0 ** rng.uniform(-6, 0, (n // 2, 1, 1)) * world.max_payment
    menus[: n // 2] = np.clip(around + noise, 0.0, world.max_payment)
    chosen = np.einsum("mw,niw->nmi", world.beliefs, menus).argmax(axis=2)
    return np.take_along_axis(menus, chosen[:, :, None], axis=1)


def best_of_everything(world: scoring.PrincipalAgent, payments: np.ndarray) -> tuple[float, list[Any]]:
    """Return the agent's largest profit over all actions and all maps from belief to report, and who attains it."""
    results = []
    for k in range(world.n_actions):
        for reports in itertools.product(range(world.n_beliefs), repeat=world.n_beliefs):
            paid = sum(
                world.action_distributions[k, m] * world.beliefs[m, w] * payments[r, w]
                for m, r in enumerate(reports)
                for w in range(world.n_states)
            )
            results.append((paid - world.costs[k], k, reports))
    best = max(results)[0]
    return best, [(k, reports) for gain, k, reports in results if gain > best - 1e-9]


def random_hiring(
    rng: np.random.Generator, n_agents: int = 2, n_efforts: int = 2, n_signals: int = 2, n_states: int = 2
) -> scoring.HiringProblem:
    """Return agents who share some of the noise of their signals, and of whom it is often worth hiring some."""
    prior = rng.dirichlet(np.full(n_states, 10.0))
    each = [
        np.stack([rng.dirichlet(np.full(n_signals, 0.6 / b if b else 20.0), n_states) for b in range(n_efforts)])
        for _ in range(n_agents)
    ]
    efforts, signals = (n_efforts,) * n_agents, (n_signals,) * n_agents
    observations = np.zeros((*efforts, n_states, *signals))
    shared = rng.uniform()
    for b in itertools.product(range(n_efforts), repeat=n_agents):
        for t in range(n_states):
            rows = [each[i][b[i], t] for i in range(n_agents)]
            alone = rows[0]
            for row in rows[1:]:
                alone = np.multiply.outer(alone, row)
            observations[b][t] = (1 - shared) * alone + shared * _comonotone(rows)
    costs = [np.sort(rng.uniform(0.0, 0.05, n_efforts)) for _ in range(n_agents)]
    utility = np.eye(n_states) + rng.uniform(0.0, 0.3, (n_states, n_states))
    return scoring.HiringProblem(prior, observations, costs, utility)


def _comonotone(rows: list[np.ndarray]) -> np.ndarray:
    """Return the joint distribution of signals that are all quantiles of one uniform number."""
    joint = np.zeros([len(row) for row in rows])
    cuts = np.unique(np.concatenate([[0.0, 1.0], *[np.cumsum(row)[:-1] for row in rows]]))
    for low, high in itertools.pairwise(cuts):
        where = tuple(int(np.searchsorted(np.cumsum(row)[:-1], (low + high) / 2)) for row in rows)
        joint[where] += high - low
    return joint


SENDERS = scoring.InformationAcquisition(
    prior=[0.5, 0.5],
    observations=np.einsum("ta,tb->tab", [[0.8, 0.2], [0.3, 0.7]], [[0.7, 0.3], [0.2, 0.8]]),
    receiver_utility=[[1, 0], [0, 1], [0.6, 0.6]],
    sender_utilities=[[[1, 0.3], [0.2, 1], [0.5, 0.4]], [[0.6, 0], [0.4, 1], [0.9, 0.7]]],
)
LOOK = [[[0.5, 0.5], [0.5, 0.5]], [[0.9, 0.1], [0.1, 0.9]]]
HIRING = scoring.HiringProblem.independent(
    prior=[0.5, 0.5], signals=[LOOK, LOOK], costs=[[0, 0.02], [0, 0.05]], utility=[[1, 0], [0, 1]]
)
