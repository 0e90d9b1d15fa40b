"""Tiny MDPs, and planning in them by trying every deterministic policy, histories and all."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np

from banditlab import cvar

LEVELS = (0.05, 0.2, 0.35, 0.5, 0.8, 1.0)


def instances():
    """Return small MDPs of every kind: transitions and rewards that change or not, random rewards, ties."""
    g = np.random.default_rng(4)
    found = {}
    for k in range(4):
        P = g.dirichlet([0.7] * 2, size=(2, 2))
        found[f"rewards {k}"] = cvar.TabularMDP(P, g.integers(0, 5, (2, 2)) / 4.0, 3)
        found[f"real rewards {k}"] = cvar.TabularMDP(P, g.normal(size=(2, 2)), 3)
    P = g.dirichlet([0.7] * 3, size=(3, 2))
    found["three states"] = cvar.TabularMDP(P, g.integers(-2, 3, (3, 2)), 3, 1)
    found["on the next state"] = cvar.TabularMDP(P, g.integers(-2, 3, (3, 2, 3)), 2)
    steps = g.dirichlet([0.7] * 2, size=(3, 2, 2))
    found["by step"] = cvar.TabularMDP(steps, g.integers(0, 4, (3, 2, 2)), 3)
    found["by step, on the next state"] = cvar.TabularMDP(steps, g.normal(size=(3, 2, 2, 2)), 3)
    weights = g.dirichlet([0.5] * 3, size=(2, 2))
    found["random rewards"] = cvar.TabularMDP(P[:2, :, :2] / P[:2, :, :2].sum(-1, keepdims=True), [0.0, 0.5, 2.0], 2,
                                              reward_probabilities=weights)  # fmt: skip
    found["random rewards by step"] = cvar.TabularMDP(
        steps[:2], [0.3, -0.5], 2, reward_probabilities=g.dirichlet([0.5] * 2, size=(2, 2, 2))
    )
    found["one step"] = cvar.TabularMDP([[[1.0]] * 3], [[0.0, 0.4, 0.4]], 1)
    found["one action"] = cvar.TabularMDP(g.dirichlet([1.0] * 3, size=(3, 1)), [[0.1], [0.2], [0.4]], 4)
    found["impossible"] = cvar.TabularMDP(
        [[[0.5, 0.5, 0.0]] * 2, [[0.0, 1.0, 0.0]] * 2, [[0.0, 0.0, 1.0]] * 2], [[0.1, 0.2], [0.3, 0.0], [-9.0, 99.0]], 3
    )
    return found


INSTANCES = instances()


def steps_of(mdp, h, s, a):
    """Return (probability, reward, next state) of a step, from the arguments that the MDP was made with."""
    P = mdp.transitions[h] if mdp.transitions.ndim == 4 else mdp.transitions
    if mdp.reward_probabilities is not None:
        odds = mdp.reward_probabilities
        odds = odds[h] if odds.ndim == 4 else odds
        pairs = [(q, r) for q, r in zip(odds[s, a], mdp.rewards, strict=True) if q > 0.0]
    else:
        steps_first = mdp.transitions.ndim == 4 and mdp.rewards.ndim > 2
        rewards = (mdp.rewards[h] if steps_first else mdp.rewards)[s, a]
        pairs = None if np.ndim(rewards) else [(1.0, rewards)]
    for x, p in enumerate(P[s, a]):
        if p > 0.0:
            for q, r in pairs or [(1.0, rewards[x])]:
                yield p * q, float(r), x


def laws(mdp, h=0, s=None):
    """Return the law of the return from step h on of every deterministic policy that may look at the whole history."""
    if h == mdp.horizon:
        return [{0.0: 1.0}]
    found = []
    s = mdp.initial_state if s is None else s
    for a in range(mdp.n_actions):
        branches = [(p, r, laws(mdp, h + 1, x)) for p, r, x in steps_of(mdp, h, s, a)]
        for chosen in itertools.product(*(later for _, _, later in branches)):
            law = defaultdict(float)
            for (p, r, _), later in zip(branches, chosen, strict=True):
                for value, chance in later.items():
                    law[round(r + value, 12)] += p * chance
            found.append(dict(law))
    return found


def markov_policies(mdp):
    """Return every deterministic policy of step and state."""
    shape = (mdp.horizon, mdp.n_states)
    for actions in itertools.product(range(mdp.n_actions), repeat=shape[0] * shape[1]):
        yield np.reshape(actions, shape)


def iterated_value(mdp, actions, tau, h=0, s=None):
    """Return the iterated CVaR of a policy of step and state, by the definition."""
    if h == mdp.horizon:
        return 0.0
    s = mdp.initial_state if s is None else s
    steps = list(steps_of(mdp, h, s, actions[h][s]))
    worth = [r + iterated_value(mdp, actions, tau, h + 1, x) for _, r, x in steps]
    return cvar.cvar(worth, tau, [p for p, _, _ in steps])
