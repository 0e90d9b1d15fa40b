"""What strategies are worth: clicks of arms, and regret of the learner, at many strategy profiles at once."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.components import is_component
from banditlab.core.errors import IncompatiblePolicy, InvalidArgument, InvalidType
from banditlab.core.progress import Progress
from banditlab.core.runner import CHUNK, SEED, reasons_against
from banditlab.core.validation import integer, invalid, matrix, positive_integer, shown, vector

from .kernel import COUNTS
from .protocol import Profiles, play_profiles

BLOCK = 1 << 32
"""Runs are numbered within blocks of this size, so that what is asked for once never shares luck with another."""

STARTING_STREAM = 2
"""The stream of random starting strategies; 0 and 1 are the environment's and the policy's."""

INFLATION = 0.2

STARTS = ("truthful", "inflated", "random")


@dataclass(frozen=True)
class Arena:
    """A game among the arms: an environment, the policy that is its mechanism, and how it is simulated.

    Attributes
    ----------
    environment, policy : components
        What is played, and by whom.
    horizon : int
        Rounds a run.
    seed : int
        Of all runs.
    n_jobs : int
        Threads.
    bar : Progress
        Told of the rounds played.
    """

    environment: Any
    policy: Any
    horizon: int
    seed: int
    n_jobs: int
    bar: Progress

    @property
    def n_arms(self) -> int:
        """Number of arms."""
        return int(self.environment.n_arms)

    def play(
        self, strategies: NDArray[np.float64], runs: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Play strategy profiles, each on the luck of a run.

        Parameters
        ----------
        strategies : float64 array
            Profiles; the last axis is the arm.
        runs : int64 array
            The run of each, broadcast against the other axes of `strategies`: profiles with the same run
            share their luck.

        Returns
        -------
        clicks : float64 array, as `strategies`
            How often each arm was clicked.
        regret : float64 array, without the last axis
            The learner's.
        """
        from joblib import Parallel, delayed

        shape = strategies.shape[:-1]
        lanes = np.ascontiguousarray(strategies.reshape(-1, self.n_arms).T)
        numbers = np.broadcast_to(runs, shape).reshape(-1)
        chunks = self._chunks(lanes.shape[1])
        calls = (delayed(self._chunk)(lanes[:, chunk], numbers[chunk]) for chunk in chunks)
        parts = []
        for part in Parallel(n_jobs=min(self.n_jobs, len(chunks)), prefer="threads", return_as="generator")(calls):
            parts.append(part)
            self.bar.add(part.shape[1] * self.horizon)
        out = np.concatenate(parts, axis=1)
        clicks = out[COUNTS + self.n_arms : COUNTS + 2 * self.n_arms].T
        return np.ascontiguousarray(clicks.reshape(*shape, self.n_arms)), out[0].reshape(shape)

    def _chunks(self, n_lanes: int) -> list[slice]:
        """Split lanes evenly over threads, into chunks no longer than the runner's."""
        rounds = -(-n_lanes // (CHUNK * self.n_jobs))
        edges = np.linspace(0, n_lanes, min(rounds * self.n_jobs, n_lanes) + 1).astype(int).tolist()
        return [slice(first, last) for first, last in pairwise(edges)]

    def _chunk(self, strategies: NDArray[np.float64], runs: NDArray[np.int64]) -> NDArray[np.float64]:
        played = Profiles(strategies, runs, self.seed)
        return play_profiles(self.environment, self.policy, played, self.horizon, np.array([self.horizon]))[0]


def arena(environment: Any, policy: Any, horizon: Any, seed: Any, n_jobs: Any, bar: Progress) -> Arena:
    """Return the game, its arguments checked."""
    for name, value, kind in (("environment", environment, "environment"), ("policy", policy, "policy")):
        if not is_component(value) or value.__banditlab__.family != "clicks" or value.__banditlab__.kind != kind:
            raise InvalidType(f"{name} is {shown(value)}; allowed: {kind} of banditlab.clicks")
    rounds = positive_integer("horizon", horizon)
    reasons = reasons_against(environment, policy, rounds)
    if reasons:
        raise IncompatiblePolicy("; ".join(reasons))
    if n_jobs is not None and integer()("n_jobs", n_jobs) == 0:
        raise invalid("n_jobs", n_jobs, "a number of threads of at least 1, or negative as in joblib: -1 for all cores")
    cores = os.cpu_count() or 1
    threads = cores if n_jobs is None else n_jobs if n_jobs > 0 else max(1, cores + 1 + n_jobs)
    number = secrets.randbits(63) if seed is None else SEED("seed", seed)
    return Arena(environment, policy, rounds, number, threads, bar)


def profile(name: str, value: Any, environment: Any) -> NDArray[np.float64]:
    """Return a strategy profile, one click rate an arm, checked."""
    found: NDArray[np.float64] = vector(0.0, 1.0)(name, value)
    if len(found) != environment.n_arms:
        raise InvalidArgument(f"{name} has {len(found)} entries; allowed: {environment.n_arms}, one an arm")
    return found


def starting_strategies(start: Any, environment: Any, n_runs: int, seed: int) -> NDArray[np.float64]:
    """Return the strategies from which the arms of each repetition start: one row a repetition, one column an arm."""
    n_arms = environment.n_arms
    if isinstance(start, str):
        if start == "random":
            philox = np.random.Philox(key=np.array([seed, STARTING_STREAM], dtype=np.uint64))
            return np.random.Generator(philox).random((n_runs, n_arms))
        if start not in STARTS:
            raise invalid("start", start, f"one of {list(STARTS)}, or strategies")
        lift = INFLATION if start == "inflated" else 0.0
        return np.tile(np.minimum(environment.desired_strategies + lift, 1.0), (n_runs, 1))
    if np.ndim(start) <= 1:
        return np.tile(profile("start", start, environment), (n_runs, 1))
    rows: NDArray[np.float64] = matrix(0.0, 1.0)("start", start)
    if rows.shape != (n_runs, n_arms):
        raise InvalidArgument(f"start has shape {rows.shape}; allowed: {(n_runs, n_arms)}, one row a repetition")
    return rows.copy()
