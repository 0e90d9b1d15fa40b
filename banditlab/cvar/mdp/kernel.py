"""The protocol kernel of episodes in an MDP: plan, play, learn, and evaluate exactly what is played."""

from __future__ import annotations

from typing import Any

import numpy as np

from banditlab.core.choices import NOT_AS_BEFORE, NOT_AS_EVALUATED
from banditlab.core.components import Params, State
from banditlab.core.dispatch import borrowed, device, device_call
from banditlab.core.machines import next_checkpoint
from banditlab.core.sampling import expanded, first_above, key, open_uniform

from .backward import increasing, lower_mean
from .generics import action, estimate, following_memory, n_memories, observe, plan, starting_memory

RETURN, ESTIMATE, SMALLEST_ESTIMATE, PLANS, LEVELS = 0, 1, 2, 3, 4
"""Rows of the output; after them, for each level of static and then of iterated CVaR, the regret and the value."""


ROUNDING = 1e-9
"""How far apart two values of one policy can be, relative to the largest return that rewards allow."""


@device
def _step_drawn(
    bits: Any, h: int, s: int, a: int, index: Any, cumulative: Any, cumulative_weights: Any
) -> tuple[int, int]:
    """Return the next state and the atom of the reward in step h: the two numbers of the step are an episode's luck."""
    s_next = first_above(expanded(bits, 2 * h), cumulative[h % cumulative.shape[0], s, a])
    m = first_above(expanded(bits, 2 * h + 1), cumulative_weights[h % cumulative_weights.shape[0], s, a])
    which = index[h % index.shape[0], s, a]
    return s_next, which[s_next if which.shape[0] > 1 else 0, m]


@device_call
def returns_of(policy: Params, state: State, known: Params, world: Params, lane: int, place: Any, law: Any) -> None:
    """Write the distribution of the return of what lane's policy plays into `law`, one entry per sum of rewards.

    A place is a pair of a memory and a sum of rewards that can be met together: as both follow from the rewards paid,
    these are few. `place` (memories, sums) says which place a pair has; it is -1 everywhere, and is left so.
    """
    S, room = known.n_states, 2 * law.shape[0] + 8
    memory, paid, mass = np.zeros(room, np.int64), np.zeros(room, np.int64), np.zeros((room, S))
    next_memory, next_paid, next_mass = np.zeros(room, np.int64), np.zeros(room, np.int64), np.zeros((room, S))
    memory[0] = starting_memory(policy, state, lane)
    mass[0, known.initial_state] = 1.0
    n = 1
    for h in range(known.n_steps):
        P_h = world.transitions[h % world.transitions.shape[0]]
        index = known.index[h % known.index.shape[0]]
        weights = known.weights[h % known.weights.shape[0]]
        on_next = index.shape[2] > 1
        most = index.shape[2] * weights.shape[2]  # places that a state at a place can lead to
        found = 0
        for k in range(n):
            for s in range(S):
                here = mass[k, s]
                if here <= 0.0:
                    continue
                if found + most > next_memory.shape[0]:
                    room = 2 * (found + most)
                    next_memory, next_paid = _roomier(next_memory, room), _roomier(next_paid, room)
                    next_mass = _roomier_masses(next_mass, room)
                a = action(policy, state, known, lane, h, s, memory[k])
                for z in range(index.shape[2]):
                    for m in range(weights.shape[2]):
                        q = here * weights[s, a, m]
                        if q <= 0.0 or (on_next and P_h[s, a, z] <= 0.0):
                            continue
                        j = index[s, a, z, m]
                        after = following_memory(policy, state, lane, h, memory[k], j)
                        total = world.following[h, j, paid[k]]
                        i = _place_of(after, total, place, next_memory, next_paid, next_mass, found)
                        found = max(found, i + 1)
                        if on_next:
                            next_mass[i, z] += q * P_h[s, a, z]
                        else:
                            into, going = next_mass[i], P_h[s, a]
                            for x in range(S):
                                into[x] += q * going[x]
        for k in range(found):
            place[next_memory[k], next_paid[k]] = -1
        n = found
        memory, next_memory = next_memory, memory
        paid, next_paid = next_paid, paid
        mass, next_mass = next_mass, mass
    for k in range(law.shape[0]):
        law[k] = 0.0
    for k in range(n):
        for s in range(S):
            law[paid[k]] += mass[k, s]


@device
def _place_of(memory: int, total: int, place: Any, memories: Any, sums: Any, mass: Any, found: int) -> int:
    """Return the place of a memory and a sum: where they have none, the first that is free, with no mass."""
    i = place[memory, total]
    if i < 0:
        i = found
        place[memory, total] = i
        memories[i] = memory
        sums[i] = total
        for s in range(mass.shape[1]):
            mass[i, s] = 0.0
    return i


@device_call
def _roomier(rows: Any, room: int) -> Any:
    """Return an array of integers with more room, which begins with the old ones."""
    wider = np.zeros(room, np.int64)
    for k in range(rows.shape[0]):
        wider[k] = rows[k]
    return wider


@device_call
def _roomier_masses(rows: Any, room: int) -> Any:
    """Return masses, as `_roomier` does; a function has one number of axes."""
    wider = np.zeros((room, rows.shape[1]))
    for k in range(rows.shape[0]):
        for s in range(rows.shape[1]):
            wider[k, s] = rows[k, s]
    return wider


@device_call
def iterated_value(policy: Params, state: State, known: Params, world: Params, lane: int, tau: float) -> float:
    """Return the iterated CVaR of what lane's policy plays.

    A state of the process is a state and a memory; what a step is worth is its reward and the value of the next.
    """
    S, M = known.n_states, n_memories(policy, state)
    n_weights = known.weights.shape[3]
    most = S * n_weights
    values, chances, order = np.zeros(most), np.zeros(most), np.zeros(most, np.int64)
    V, before = np.zeros((M, S)), np.zeros((M, S))
    for h in range(known.n_steps - 1, -1, -1):
        for b in range(M):
            for s in range(S):
                a = action(policy, state, known, lane, h, s, b)
                n = _outcomes(policy, state, known, world, lane, h, s, a, b, V, values, chances)
                increasing(values, n, order)
                before[b, s] = lower_mean(values, chances, order, n, tau)
        V, before = before, V
    return V[starting_memory(policy, state, lane), known.initial_state]


@device_call
def _outcomes(
    policy: Params, state: State, known: Params, world: Params, lane: int, h: int, s: int, a: int, b: int,
    V: Any, values: Any, chances: Any,
) -> int:  # fmt: skip
    """Write what an action can be worth, and how likely, as `backward.outcomes`; V is by next memory and next state."""
    P = world.transitions[h % world.transitions.shape[0], s, a]
    which = known.index[h % known.index.shape[0], s, a]
    q = known.weights[h % known.weights.shape[0], s, a]
    n = 0
    for x in range(P.shape[0]):
        if P[x] > 0.0:
            z = x if which.shape[0] > 1 else 0
            for m in range(q.shape[0]):
                if q[m] > 0.0:
                    j = which[z, m]
                    values[n] = known.atoms[j] + V[following_memory(policy, state, lane, h, b, j), x]
                    chances[n] = P[x] * q[m]
                    n += 1
    return n


@device_call
def _values(
    policy: Params, state: State, known: Params, world: Params, lane: int, place: Any, law: Any, order: Any, out: Any
) -> None:
    """Write the values at all levels, first of static and then of iterated CVaR, of what lane's policy plays."""
    n_static = world.static.shape[0]
    if n_static > 0:
        returns_of(policy, state, known, world, lane, place, law)
    for k in range(n_static):
        out[k] = lower_mean(world.returns, law, order, law.shape[0], world.static[k])
    for k in range(world.iterated.shape[0]):
        out[n_static + k] = iterated_value(policy, state, known, world, lane, world.iterated[k])


@device
def _note_values(policy: Params, state: State, lane: int, values: Any, tally: Any) -> None:
    """Copy values to their places in `tally`, with what lane's policy estimates of the optimum."""
    tally[PLANS, lane] += 1.0
    for k in range(values.shape[0]):
        tally[LEVELS + 2 * k + 1, lane] = values[k]
    guess = estimate(policy, state, lane)
    tally[ESTIMATE, lane] = guess
    tally[SMALLEST_ESTIMATE, lane] = min(tally[SMALLEST_ESTIMATE, lane], guess)


@device
def _check_values(values: Any, lane: int, tally: Any, rounding: float) -> None:
    """Raise unless values are, but for rounding, those in `tally`."""
    for k in range(values.shape[0]):
        if abs(values[k] - tally[LEVELS + 2 * k + 1, lane]) > rounding:
            raise IndexError(NOT_AS_EVALUATED)


@device
def _foresee(policy: Params, state: State, known: Params, world: Params, lane: int, bits: Any, actions: Any) -> None:
    """Write what lane's policy would play in an episode with this luck if it learnt nothing on the way."""
    s, memory = known.initial_state, starting_memory(policy, state, lane)
    for h in range(known.n_steps):
        a = action(policy, state, known, lane, h, s, memory)
        actions[h] = a
        s, j = _step_drawn(bits, h, s, a, known.index, world.cumulative, world.cumulative_weights)
        memory = following_memory(policy, state, lane, h, memory, j)


def follow(
    initial_state: int, actions: Any, following: Any, first: int, atoms: Any, index: Any, cumulative: Any,
    cumulative_weights: Any, rng: Any, out: Any,
) -> None:  # fmt: skip
    """Write into `out` the returns of episodes in which a `TabularPolicy` is followed, on the same luck as `play`."""
    for t in range(out.shape[0]):
        bits = key(open_uniform(rng, 0))
        s, memory, total = initial_state, first, 0.0
        for h in range(actions.shape[0]):
            a = actions[h, s, memory]
            s, j = _step_drawn(bits, h, s, a, index, cumulative, cumulative_weights)
            memory = following[h % following.shape[0], j, memory]
            total += atoms[j]
        out[t] = total


def play(
    world: Params,
    known: Params,
    policy: Params,
    state: State,
    environment_rng: Any,
    policy_rng: Any,
    first: int,
    last: int,
    tally: Any,
    checkpoints: Any,
    out: Any,
) -> None:
    """Play episodes `first` to `last` on every lane, adding to `tally` and copying it to `out` at checkpoints.

    The environment draws one uniform number per episode, and expands it into a pair per step, for reward and next
    state: whatever policies do, they face the same luck at the same step. A policy's value is recomputed only when the
    policy may have changed. Whether it is what is played is looked at in episodes 1, 2, 4, 8, ... and in those after,
    as some learners plan when a count has doubled.
    """
    world, known, policy, state = borrowed(world), borrowed(known), borrowed(policy), borrowed(state)
    environment_rng, policy_rng, tally = borrowed(environment_rng), borrowed(policy_rng), borrowed(tally)
    lanes = tally.shape[1]
    n_sums = world.returns.shape[0]
    place = np.full((n_memories(policy, state) if world.static.shape[0] > 0 else 1, n_sums), -1)
    law, order = np.zeros(n_sums), np.arange(n_sums)
    largest = known.n_steps * max(abs(known.atoms[0]), abs(known.atoms[-1]))
    values, foreseen = np.zeros(world.best.shape[0]), np.zeros(known.n_steps, np.int64)
    for w in range(lanes):
        c = next_checkpoint(checkpoints, first)
        for t in range(first, last + 1):
            changed = plan(policy, state, known, w, t, policy_rng)
            looked_at = values.shape[0] > 0 and (t & (t - 1) == 0 or (t - 1) & (t - 2) == 0)
            if changed or t == 1 or looked_at:
                _values(policy, state, known, world, w, place, law, order, values)
            if changed or t == 1:
                _note_values(policy, state, w, values, tally)
            elif looked_at:
                _check_values(values, w, tally, ROUNDING * largest)
            for k in range(world.best.shape[0]):
                tally[LEVELS + 2 * k, w] += world.best[k] - tally[LEVELS + 2 * k + 1, w]
            bits = key(open_uniform(environment_rng, w))  # as in `follow`
            if looked_at:
                _foresee(policy, state, known, world, w, bits, foreseen)
            s = known.initial_state
            memory = starting_memory(policy, state, w)
            for h in range(known.n_steps):
                a = action(policy, state, known, w, h, s, memory)
                if looked_at and a != foreseen[h]:
                    raise IndexError(NOT_AS_BEFORE)
                after, j = _step_drawn(bits, h, s, a, known.index, world.cumulative, world.cumulative_weights)
                observe(policy, state, known, w, h, s, a, j, after, t)
                memory = following_memory(policy, state, w, h, memory, j)
                tally[RETURN, w] += known.atoms[j]
                s = after
            if c < checkpoints.shape[0] and t == checkpoints[c]:
                for row in range(tally.shape[0]):
                    out[c, row, w] = tally[row, w]
                c += 1
