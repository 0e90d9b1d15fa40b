"""The sweeps of planning, compiled: backwards over steps, states, actions and budgets.

Device functions are shared with the learners' kernels. Loops over budgets are innermost, so that they vectorise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from banditlab.core.dispatch import device_call


@device_call
def shifted_mean(probabilities: Any, after: Any, n: int, index: Any, weights: Any, following: Any, out: Any) -> None:
    """Write E[after[s', budget - r]] for all budgets into `out`, for one state and action.

    Parameters
    ----------
    probabilities : float64 array, shape (S,)
        Of the next state.
    after : float64 array, shape (S, at least n)
        What is averaged, at the next step.
    n : int
        Budgets of the next step.
    index, weights : arrays, shapes (Z, M) and (M,)
        As in `Model`.
    following : int64 array, shape (J, at least len(out))
        As in `Budgets`.
    out : float64 array
        One entry per budget of this step.
    """
    out[:] = 0.0
    if index.shape[0] == 1:  # rewards do not depend on the next state: average over it first, then shift
        mixed = np.zeros(n)
        for s in range(probabilities.shape[0]):
            p = probabilities[s]
            if p > 0.0:
                row = after[s]
                for i in range(mixed.shape[0]):
                    mixed[i] += p * row[i]
        for m in range(weights.shape[0]):
            q = weights[m]
            if q > 0.0:
                left = following[index[0, m]]
                for i in range(out.shape[0]):
                    out[i] += q * mixed[left[i]]
    else:
        for s in range(probabilities.shape[0]):
            p = probabilities[s]
            if p > 0.0:
                left = following[index[s, 0]]
                row = after[s]
                for i in range(out.shape[0]):
                    out[i] += p * row[left[i]]


@device_call
def lower_mean(values: Any, weights: Any, order: Any, n: int, tau: float) -> float:
    """Return the CVaR of `values[order[k]]`, increasing in k < n; weights sum to one; tau = 0 gives the smallest."""
    if tau <= 0.0:
        for k in range(n):
            if weights[order[k]] > 0.0:
                return values[order[k]]
    left = tau
    total = 0.0
    for k in range(n):
        part = min(weights[order[k]], left)
        total += part * values[order[k]]
        left -= part
        if left <= 0.0:
            break
    if left > 0.0:  # weights sum to a little less than one
        total += left * values[order[n - 1]]
    return total / tau


@device_call
def increasing(values: Any, n: int, order: Any) -> None:
    """Write the places of the first n values, in increasing order, into `order`; equal ones keep theirs.

    By insertion: there are as many values as next states, and NumPy's sort takes seconds to compile.
    """
    for k in range(n):
        i = k
        while i > 0 and values[order[i - 1]] > values[k]:
            order[i] = order[i - 1]
            i -= 1
        order[i] = k


@device_call
def outcomes(
    h: int,
    s: int,
    a: int,
    transitions: Any,
    index: Any,
    weights: Any,
    atoms: Any,
    after: Any,
    values: Any,
    chances: Any,
) -> int:
    """Write what a state and action can be worth, reward and value of the next state, and how likely; return how many.

    `after` has one entry per next state.
    """
    P = transitions[h % transitions.shape[0], s, a]
    which = index[h % index.shape[0], s, a]
    q = weights[h % weights.shape[0], s, a]
    n = 0
    for x in range(P.shape[0]):
        if P[x] > 0.0:
            z = x if which.shape[0] > 1 else 0
            for m in range(q.shape[0]):
                if q[m] > 0.0:
                    values[n] = atoms[which[z, m]] + after[x]
                    chances[n] = P[x] * q[m]
                    n += 1
    return n


def static_sweep(
    transitions: Any, index: Any, weights: Any, following: Any, counts: Any, last: Any, rewards: Any,
    V: Any, means: Any, actions: Any,
) -> None:  # fmt: skip
    """Fill V[h, s, budget] with the smallest expected shortfall, and `actions` with what attains it.

    `counts` says how many budgets each step has, `last` has the shortfall left after the last step, one per budget, and
    `rewards` the mean rewards, by step, state and action. Of equally good actions the one after which the mean of what
    is still to come is largest is taken, the first of several; that mean is put into `means`, which begins as zeros.
    """
    H, S = actions.shape[0], actions.shape[1]
    A = transitions.shape[2]
    for s in range(S):
        for i in range(counts[H]):
            V[H, s, i] = last[i]
    for h in range(H - 1, -1, -1):
        n = counts[h]
        out, mean = np.zeros(n), np.zeros(n)
        left = following[h % following.shape[0]]
        for s in range(S):
            best, largest = V[h, s, :n], means[h, s, :n]
            chosen = actions[h, s, :n]
            for a in range(A):
                P = transitions[h % transitions.shape[0], s, a]
                which, q = index[h % index.shape[0], s, a], weights[h % weights.shape[0], s, a]
                shifted_mean(P, V[h + 1], counts[h + 1], which, q, left, out)
                shifted_mean(P, means[h + 1], counts[h + 1], which, q, left, mean)
                paid = rewards[h % rewards.shape[0], s, a]
                for i in range(n):
                    worth = paid + mean[i]
                    if a == 0 or out[i] < best[i] or (out[i] == best[i] and worth > largest[i]):
                        best[i] = out[i]
                        largest[i] = worth
                        chosen[i] = a


def iterated_sweep(
    transitions: Any, index: Any, weights: Any, atoms: Any, tau: float, given: Any, V: Any, actions: Any
) -> None:
    """Fill V[h, s] with the largest iterated CVaR, and `actions` with what attains it, the first of several.

    If `given` has entries, they are the actions to follow instead.
    """
    H, S, A = actions.shape[0], actions.shape[1], transitions.shape[2]
    most = S * weights.shape[3]
    values, chances, order = np.zeros(most), np.zeros(most), np.zeros(most, np.int64)
    V[H, :] = 0.0
    for h in range(H - 1, -1, -1):
        for s in range(S):
            first, stop = 0, A
            if given.shape[0] > 0:
                first, stop = given[h, s], given[h, s] + 1
            for a in range(first, stop):
                n = outcomes(h, s, a, transitions, index, weights, atoms, V[h + 1], values, chances)
                increasing(values, n, order)
                worth = lower_mean(values, chances, order, n, tau)
                if a == first or worth > V[h, s]:
                    V[h, s] = worth
                    actions[h, s] = a
