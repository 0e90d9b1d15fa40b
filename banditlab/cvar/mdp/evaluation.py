"""The exact distribution of a policy's return, by propagating it forwards."""

from __future__ import annotations

import numpy as np

from banditlab.core.errors import InvalidArgument
from banditlab.cvar.distribution import Distribution

from .environments import TabularMDP
from .sums import groups, rounding
from .tabular_policy import TabularPolicy, an_mdp, policy_of

MAX_TRANSITIONS = 20_000_000
"""Most transitions of a step, from combinations of state, memory and sum of rewards, that are followed."""


def evaluate(mdp: TabularMDP, policy: TabularPolicy) -> Distribution:
    """Return the exact distribution of a policy's return: computed forwards, with no planning involved.

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
        likely, places = weights[state, action], transitions[state, action]
        following = policy.following[h % len(policy.following)]
        alike = index.shape[2] == 1  # what is paid is the same for all next states, which go along as a row
        if alike:
            here, which = np.nonzero(likely)
            atom = index[state[here], action[here], 0, which]
            chance = (chance[here] * likely[here, which])[:, None] * places[here]
            state = np.zeros(len(here), np.int64)
        else:  # then there is one reward for each of them
            here, after = np.nonzero(places)
            atom = index[state[here], action[here], after, 0]
            state, chance = after, (chance[here] * places[here, after])[:, None]
        if np.count_nonzero(chance) > MAX_TRANSITIONS:
            raise InvalidArgument("the policy's return has too many values; allowed: fewer (TabularMDP.rounded(eta))")
        largest = max(largest, float(np.abs(model.atoms[atom]).max()))  # of those that can be paid
        memory, paid = following[atom, memory[here]], paid[here] + model.atoms[atom]
        order = np.lexsort((paid, memory, state))
        state, memory, paid = state[order], memory[order], paid[order]
        apart = (np.diff(state, prepend=-1) != 0) | (np.diff(memory, prepend=-1) != 0)
        first = np.flatnonzero(groups(paid, rounding(model.n_steps, largest), apart))
        chance = np.add.reduceat(chance[order], first)
        group, after = np.argwhere(chance).T  # not np.nonzero, as the types of NumPy 2.5 take `chance` for one row
        state = after if alike else state[first][group]
        memory, paid, chance = memory[first][group], paid[first][group], chance[group, after]
    order = np.argsort(paid, kind="stable")
    paid, chance = paid[order], chance[order]
    first = np.flatnonzero(groups(paid, rounding(model.n_steps, largest)))
    return Distribution(paid[first], np.add.reduceat(chance, first))
