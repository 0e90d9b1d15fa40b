"""What strategies are worth: clicks of arms, and regret of the learner, at many strategy profiles at once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.components import is_kind
from banditlab.core.errors import IncompatiblePolicy, InvalidArgument, InvalidType
from banditlab.core.playing.experiment import check_horizon, checked_seed, reasons_against
from banditlab.core.playing.jobs import CHUNK
from banditlab.core.playing.progress import Progress
from banditlab.core.playing.workers import checked_n_jobs, workers
from banditlab.core.validation import integer, invalid, matrix, positive_integer, shown, vector

from .family import CLICKS
from .kernel import COUNTS
from .protocol import Profiles, play_profiles

BLOCK = 1 << 32
"""Runs are numbered within blocks of this size, so that no two evaluations share luck."""

ROOM = 1 << 26
"""Most click rates in all profiles of one batch; a few arrays of this size are made, half a gigabyte each."""

STARTING_STREAM = 2
"""The stream of random starting strategies; also that of instances (`core.sampling`), which dynamics never play."""

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
        Rounds per run.
    seed : int
        Of all runs.
    n_jobs : int
        Threads.
    bar : Progress
        Receives the number of rounds played.
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
        shape = strategies.shape[:-1]
        lanes = np.ascontiguousarray(strategies.reshape(-1, self.n_arms).T)
        numbers = np.broadcast_to(runs, shape).reshape(-1)
        chunks = self._chunks(lanes.shape[1])
        parts = []
        stop = threading.Event()
        with ThreadPoolExecutor(min(self.n_jobs, len(chunks))) as pool:
            tasks = [pool.submit(self._chunk, Profiles(lanes[:, c], numbers[c], self.seed), stop) for c in chunks]
            try:
                for task in tasks:
                    parts.append(task.result())
                    self.bar.add(parts[-1].shape[1] * self.horizon)
            except BaseException:
                stop.set()
                pool.shutdown(cancel_futures=True)
                raise
        out = np.concatenate(parts, axis=1)
        clicks = out[COUNTS + self.n_arms : COUNTS + 2 * self.n_arms].T
        return np.ascontiguousarray(clicks.reshape(*shape, self.n_arms)), out[0].reshape(shape)

    def showing(self, bar: Progress) -> Arena:
        """Return the same game, which reports to another bar."""
        return replace(self, bar=bar)

    def check_room(self, name: str, value: int, profiles: int) -> None:
        """Raise if so many values of an argument, for so many profiles, would take too much memory."""
        if value * profiles * self.n_arms > ROOM:
            most = max(1, ROOM // (profiles * self.n_arms))
            raise invalid(
                name, value, f"at most {most:,}, as each stands for {profiles:,} profiles of {self.n_arms} arms"
            )

    def _chunks(self, n_lanes: int) -> list[slice]:
        """Split lanes evenly over threads, into chunks no longer than the runner's."""
        rounds = -(-n_lanes // (CHUNK * self.n_jobs))
        edges = np.linspace(0, n_lanes, min(rounds * self.n_jobs, n_lanes) + 1).astype(int).tolist()
        return [slice(first, last) for first, last in pairwise(edges)]

    def _chunk(self, played: Profiles, stop: threading.Event) -> NDArray[np.float64]:
        def watch(rounds: int) -> None:
            if stop.is_set():
                raise InterruptedError

        end = np.array([self.horizon])
        return play_profiles(self.environment, self.policy, played, self.horizon, end, watch=watch)[0]


def arena(environment: Any, policy: Any, horizon: Any, seed: Any, n_jobs: Any, bar: Progress) -> Arena:
    """Return the game, with its arguments checked."""
    for name, value, kind in (("environment", environment, "environment"), ("policy", policy, "policy")):
        if not is_kind(value, kind) or value.family is not CLICKS:
            raise InvalidType(f"{name} is {shown(value)}; allowed: {kind} of banditlab.clicks")
    rounds = positive_integer("horizon", horizon)
    check_horizon("environment", environment, rounds)
    reasons = reasons_against(environment, policy, rounds)
    if reasons:
        raise IncompatiblePolicy("; ".join(reasons))
    _, threads = workers(checked_n_jobs(n_jobs))
    return Arena(environment, policy, rounds, checked_seed(seed), threads, bar)


def profile(name: str, value: Any, environment: Any) -> NDArray[np.float64]:
    """Return a strategy profile, one click rate per arm, checked."""
    found: NDArray[np.float64] = vector(0.0, 1.0)(name, value)
    if len(found) != environment.n_arms:
        raise InvalidArgument(f"{name} has {len(found)} entries; allowed: {environment.n_arms}, one per arm")
    return found


def starting_strategies(start: Any, environment: Any, n_runs: int, seed: int) -> NDArray[np.float64]:
    """Return the strategies from which the arms of each repetition start: one row per repetition."""
    n_arms = environment.n_arms
    if isinstance(start, str):
        if start == "random":
            philox = np.random.Philox(key=np.array([seed, STARTING_STREAM], dtype=np.uint64))
            return np.random.Generator(philox).random((n_runs, n_arms))
        if start not in STARTS:
            raise invalid("start", start, f"one of {list(STARTS)}, or strategies")
        lift = INFLATION if start == "inflated" else 0.0
        return np.tile(np.minimum(environment.desired_strategies + lift, 1.0), (n_runs, 1))
    if not isinstance(start, Sequence | np.ndarray) or len(start) == 0 or np.isscalar(start[0]):
        return np.tile(profile("start", start, environment), (n_runs, 1))
    rows: NDArray[np.float64] = matrix(0.0, 1.0)("start", start)
    if rows.shape != (n_runs, n_arms):
        raise InvalidArgument(f"start has shape {rows.shape}; allowed: {(n_runs, n_arms)}, one row a repetition")
    return rows.copy()


def candidate_rates(grid: Any) -> NDArray[np.float64]:
    """Return the click rates to try."""
    if not isinstance(grid, Sequence | np.ndarray) or isinstance(grid, str):
        return np.linspace(0.0, 1.0, integer(2, limit=10_001)("grid", grid))
    rates: NDArray[np.float64] = np.unique(vector(0.0, 1.0)("grid", grid))
    if len(rates) == 0:
        raise InvalidArgument("grid is empty; allowed: at least one click rate")
    return rates
