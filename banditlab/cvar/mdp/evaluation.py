"""The exact distribution of a policy's return, by propagating it forwards."""

from __future__ import annotations

import numpy as np

from banditlab.core.errors import InvalidArgument
from banditlab.cvar.distribution import Distribution

from .environments import TabularMDP
from .sums import groups, rounding
from .tabular_policy import TabularPolicy, an_mdp, policy_of

MAX_TRANSITIONS = 20_000_000
"""Transitions of a step, from combinations of state, memory and sum of rewards, that are followed at most."""


def evaluate(mdp: TabularMDP, policy: TabularPolicy) -> Distribution:
    """Return the distribution of the return of a policy, exactly: forwards, with no planning in it.

    Parameters
    ----------
    mdp : TabularMDP
        The MDP.
    policy : TabularPolicy
        A policy for it, such as that of a plan.

    Returns
    -------
    Distribution
        Of the sum of the rewards of an episode.

    Raises
    ------
    InvalidType, InvalidArgument
        If the policy is for an MDP of other sizes or rewards, or too many sums of rewards are to be told apart.

    Examples
    --------
    >>> from banditlab import cvar
    >>> mdp = cvar.layered_mdp(horizon=5, n_actions=5)
    >>> returns = cvar.evaluate(mdp, cvar.plan_mean(mdp).policy)
    >>> bool(abs(returns.mean - cvar.plan_mean(mdp).value) < 1e-12)
    True
    """
    model = an_mdp(mdp).model
    policy_of(model, policy)
    state, memory = np.array([model.initial_state]), np.array([policy.first])
    paid, chance = np.zeros(1), np.ones(1)
    largest = 0.0
    for h in range(model.n_steps):
        transitions, index, weights = model.at(h)
        action = policy.actions[h, state, memory]
        going = transitions[state, action][:, :, None] * weights[state, action][:, None, :]
        here, after, which = np.nonzero(going)
        if len(here) > MAX_TRANSITIONS:
            raise InvalidArgument("the policy's return has too many values; allowed: fewer (TabularMDP.rounded(eta))")
        atom = index[state[here], action[here], after if index.shape[2] > 1 else 0, which]
        largest = max(largest, float(np.abs(model.atoms[atom]).max()))  # of those that can be paid
        memory = policy.following[h % len(policy.following), atom, memory[here]]
        state, paid, chance = after, paid[here] + model.atoms[atom], chance[here] * going[here, after, which]
        order = np.lexsort((paid, memory, state))
        state, memory, paid, chance = state[order], memory[order], paid[order], chance[order]
        apart = (np.diff(state, prepend=-1) != 0) | (np.diff(memory, prepend=-1) != 0)
        first = np.flatnonzero(groups(paid, rounding(model.n_steps, largest), apart))
        chance = np.add.reduceat(chance, first)
        state, memory, paid = state[first], memory[first], paid[first]
    order = np.argsort(paid, kind="stable")
    paid, chance = paid[order], chance[order]
    first = np.flatnonzero(groups(paid, rounding(model.n_steps, largest)))
    return Distribution(paid[first], np.add.reduceat(chance, first))
