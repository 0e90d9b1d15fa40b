"""Policies around policies, for preferences that change: they watch pairs of arms, and make their base start afresh."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from banditlab.core.components import Params, Problem, Space, State, field
from banditlab.core.dispatch import device
from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import (
    between,
    boolean,
    one_of,
    optional,
    positive,
    positive_integer,
    positive_probability,
)

from .. import theory
from ..family import policy
from ..generics import observe, select, update, winner
from .around import Around, a_base, a_base_with_winner, a_window, check_needed, given_or, start_afresh
from .orders import shuffle
from .windows import push


def _readable(rounds: int) -> str:
    return f"{rounds:,}" if rounds < 10**15 else f"{rounds:.3g}"


@device
def _shows_change(self: Params, state: State, row: int, lane: int, won: bool) -> bool:
    """Put a result into a window, and say whether it is full and its halves differ by more than the threshold."""
    full = push(state, row, lane, self.window, 1 if won else 0)
    return full and abs(state.contrast[row, lane]) > self.threshold


@policy
class DETECT(Around):
    r"""A policy finds the winner, and then that arm meets all others in turn until its results change.

    The base plays :math:`\tilde T` rounds. Then the arm I that it takes for the winner meets the other arms in turn,
    from arm 0 on, and the base learns nothing. For each other arm there is a window of its last w duels with I; as soon
    as one of them is full and

    .. math:: \left| \sum_{s = 1}^{w/2} X_s - \sum_{s = w/2 + 1}^{w} X_s \right| > b,

    where the :math:`X_s` say who won, all windows are emptied and the base starts afresh. While I is the winner, every
    round has weak regret 0.

    Parameters
    ----------
    base : policy
        Any policy for dueling bandits with the kernel `winner`, another meta-policy included. It counts its own rounds
        from 1 since its last fresh start.
    pmin : float, optional
        The winner's smallest chance against any other arm, in all segments; in (1/2, 1].
    delta : float, optional
        The smallest change of at least one of the old winner's chances, at all change points; in (0, 1].
    rule : {'sqrt', 'log_squared', 'winner_stays', 'winner_stays_short'}, default 'sqrt'
        How :math:`\tilde T`, w and b follow from K, T, `pmin` and `delta`: see `theory.detect_parameters`. The authors'
        experiments use 'sqrt' with WS and 'log_squared' with BtW.
    exploration : int, optional
        :math:`\tilde T`; default from the rule.
    window : int, optional
        w, even and at least 2; default from the rule.
    threshold : float, optional
        b, positive; default from the rule.

    Raises
    ------
    InvalidType
        For a base without `winner`, or if `pmin` and `delta` are needed but not given.
    InvalidArgument
        Before the first round, if the rule gives an exploration that is not shorter than the horizon: the policy would
        never look for a change. Set `exploration` to play it all the same.

    Notes
    -----
    Guarantee (Kolpaczki, Bengs and Hullermeier 2022, of the form of its corollaries, from memory; segments long enough
    for every change to be seen): expected binary weak regret is M times the sum of :math:`\tilde T`, the base's error
    after it, the delay of a detection and the chance of a false alarm.

    The rule is from the authors' code; the paper's text was not at hand. Windows are exact; the authors also count with
    sketches (DGIM), which err by a factor.

    References
    ----------
    Kolpaczki, Bengs, Hullermeier (2022), Non-stationary dueling bandits, arXiv:2202.00935.

    Kolpaczki, Hullermeier, Bengs (2024), Piecewise-stationary dueling bandits, TMLR, of the same work.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import dueling
    >>> policy = dueling.DETECT(dueling.WinnerStaysWeak(), pmin=0.7, delta=0.6)
    >>> world = dueling.instances.random_sequence(
    ...     5, n_segments=2, horizon=20_000, pmin=0.7, delta=0.6, seed=1
    ... )
    >>> result = bl.run(world, policy, horizon=20_000, n_runs=2, seed=0, metrics="binary_weak_regret")
    >>> result.policies
    ('DETECT(WinnerStaysWeak(), pmin=0.7, delta=0.6)',)
    """

    base: Any = field(check=a_base_with_winner, kind="policy", doc="the policy that finds the winner")
    pmin: float | None = field(
        default=None, check=optional(between(0.5, 1.0, open_low=True)), doc="the winners' smallest chance of a win"
    )
    delta: float | None = field(
        default=None, check=optional(positive_probability), doc="the smallest change of a winner's chance"
    )
    rule: str = field(default="sqrt", check=one_of(*theory.DETECT_RULES), doc="which corollary's parameters")
    exploration: int | None = field(default=None, check=optional(positive_integer), doc="rounds of the base")
    window: int | None = field(default=None, check=optional(a_window), doc="duels of a window")
    threshold: float | None = field(default=None, check=optional(positive), doc="difference that is a change")

    def validate(self) -> None:
        """Check that what parameters are computed from is there."""
        if None in (self.exploration, self.window, self.threshold):
            check_needed(self, "exploration, window and threshold", pmin=self.pmin, delta=self.delta)

    def _parameters(self, problem: Problem) -> tuple[int, int, float]:
        """Return exploration, window and threshold."""
        if None not in (self.exploration, self.window, self.threshold):
            return self.exploration, self.window, self.threshold  # type: ignore[return-value]
        assert self.pmin is not None
        assert self.delta is not None
        horizon = problem.required_horizon(self)
        found = theory.detect_parameters(problem.n_arms, horizon, self.pmin, self.delta, self.rule)
        if self.exploration is None and found.exploration >= horizon:
            rounds = _readable(found.exploration)
            raise InvalidArgument(
                f"DETECT.rule is {self.rule!r}, which explores for {rounds} of {horizon:,} rounds "
                "and never looks for a change; allowed: a longer horizon, a larger pmin, another rule, or `exploration`"
            )
        return (
            self.exploration or found.exploration,
            given_or(self.window, found.window, self),
            self.threshold or found.threshold,
        )

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the parameters and the number of arms."""
        exploration, window, threshold = self._parameters(problem)
        return {
            "n_arms": problem.n_arms,
            "exploration": exploration,
            "window": window,
            "threshold": threshold,
            "pmin": None,  # what kernels do not read: one is compiled, however parameters were given
            "delta": None,
        }

    def state(self, space: Space) -> dict[str, Any]:
        """Return the base's arrays and the windows, one per opponent, and who meets once the base has finished."""
        return self._arrays(space, space.n_arms, self._parameters(space.problem)[1]) | {
            "champion": space.per_lane(0, np.int64),
            "opponent": space.per_lane(0, np.int64),
        }

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return what the base compares, or its winner and the next of the other arms."""
        clock = state.clock[lane]
        if clock < self.exploration:
            return select(self.base, state.base, lane, clock + 1, rng)
        opponent = state.opponent[lane] + 1
        if clock == self.exploration:
            state.champion[lane] = winner(self.base, state.base, lane)
            opponent = 0
        champion = state.champion[lane]
        opponent = opponent if opponent < self.n_arms else 0
        opponent = opponent + 1 if opponent == champion else opponent
        state.opponent[lane] = opponent if opponent < self.n_arms else 0
        return champion, state.opponent[lane]

    def update(self: Params, state: State, first: int, second: int, lane: int, won: bool, t: int) -> None:
        """Let the base learn, or look for a change."""
        state.clock[lane] += 1
        if state.clock[lane] <= self.exploration:
            update(self.base, state.base, first, second, lane, won, state.clock[lane])
            return
        if _shows_change(self, state, second, lane, won):
            start_afresh(state, lane)

    def winner(self: Params, state: State, lane: int) -> int:
        """Return the arm that meets all others; before, the base's winner."""
        if state.clock[lane] > self.exploration:
            return state.champion[lane]
        return winner(self.base, state.base, lane)


@policy
class MonitoredDuelingBandits(Around):
    r"""A policy plays, and now and then all pairs of arms meet, so that a change of any preference shows (MDB).

    The :math:`N = K (K - 1) / 2` pairs stand in random order. Of every :math:`\lfloor N / \gamma \rfloor` rounds since
    the last fresh start, the first N compare these pairs, one after the other; in the others the base plays. For each
    pair there is a window of its last w duels among the former; as soon as one is full and the numbers of wins of its
    newer and its older half differ by more than b, all windows are emptied and the base starts afresh. The order of the
    pairs is kept.

    Parameters
    ----------
    base : policy
        Any policy for dueling bandits, another meta-policy included. It counts its own rounds from 1 since its last
        fresh start, including those that it observes.
    n_segments : int, optional
        M, the number of segments, at least 1.
    delta : float, optional
        The smallest change of at least one preference at all change points; in (0, 1].
    gamma : float, optional
        Share of the rounds in which all pairs meet, in (0, 1]; above :math:`N / (N + 1)` the base never plays. Default
        from K, T, M and `delta`: see `theory.monitor_parameters`.
    window : int, optional
        w, even and at least 2; default as for `gamma`.
    threshold : float, optional
        b, positive; default as for `gamma`.
    observation_transfer : bool, default False
        Whether the base learns from the comparisons of all pairs too, if it can learn from any duel. The authors' code
        has this switch, but passes them on whatever its value.

    Raises
    ------
    InvalidType
        If `n_segments` and `delta` are needed but not given.
    InvalidArgument
        Before the first round, if `gamma` is computed and above :math:`N / (N + 1)`.

    Notes
    -----
    Guarantee (Kolpaczki, Bengs and Hullermeier 2022, from memory; segments long enough for a change to be seen):
    expected binary strong regret is the base's over the lengths of the segments, plus a term of order :math:`K \sqrt{M
    T \log T} / \delta`.

    The rule is from the authors' code; the paper's text was not at hand. Windows are exact; the authors also count with
    sketches (DGIM), which err by a factor.

    References
    ----------
    Kolpaczki, Bengs, Hullermeier (2022), Non-stationary dueling bandits, arXiv:2202.00935.

    Kolpaczki, Hullermeier, Bengs (2024), Piecewise-stationary dueling bandits, TMLR, of the same work.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import dueling
    >>> policy = dueling.MonitoredDuelingBandits(dueling.WinnerStaysStrong(), n_segments=2, delta=0.6)
    >>> world = dueling.instances.random_sequence(
    ...     5, n_segments=2, horizon=20_000, pmin=0.7, delta=0.6, seed=1
    ... )
    >>> result = bl.run(world, policy, horizon=20_000, n_runs=2, seed=0, metrics="binary_strong_regret")
    >>> result.policies
    ('MonitoredDuelingBandits(WinnerStaysStrong(), n_segments=2, delta=0.6)',)
    """

    base: Any = field(check=a_base, kind="policy", doc="the policy that plays")
    n_segments: int | None = field(default=None, check=optional(positive_integer), doc="number of segments, M")
    delta: float | None = field(
        default=None, check=optional(positive_probability), doc="the smallest change of a preference"
    )
    gamma: float | None = field(
        default=None, check=optional(positive_probability), doc="share of rounds in which all pairs meet"
    )
    window: int | None = field(default=None, check=optional(a_window), doc="duels of a window")
    threshold: float | None = field(default=None, check=optional(positive), doc="difference that is a change")
    observation_transfer: bool = field(default=False, check=boolean, doc="whether the base learns from all duels")

    def validate(self) -> None:
        """Check that what parameters are computed from is there."""
        if None in (self.gamma, self.window, self.threshold):
            check_needed(self, "gamma, window and threshold", n_segments=self.n_segments, delta=self.delta)

    def _parameters(self, problem: Problem) -> tuple[float, int, float]:
        """Return gamma, window and threshold."""
        if None not in (self.gamma, self.window, self.threshold):
            return self.gamma, self.window, self.threshold  # type: ignore[return-value]
        assert self.n_segments is not None
        assert self.delta is not None
        horizon = problem.required_horizon(self)
        found = theory.monitor_parameters(problem.n_arms, horizon, self.delta, self.n_segments)
        n_pairs = problem.n_arms * (problem.n_arms - 1) // 2
        if self.gamma is None and math.floor(n_pairs / found.gamma) <= n_pairs:
            raise InvalidArgument(
                f"MonitoredDuelingBandits.gamma is None, and its default is {found.gamma:.3g}: the base would never "
                f"play; allowed: a horizon above {horizon:,}, fewer segments, a larger delta, or gamma up to 1"
            )
        window = given_or(self.window, found.window, self)
        return self.gamma or found.gamma, window, self.threshold or found.threshold

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the parameters, all pairs, after how many rounds they meet again, and whether the base observes."""
        gamma, window, threshold = self._parameters(problem)
        pairs = np.array(list(itertools.combinations(range(problem.n_arms), 2)), np.int64)
        return {
            "pairs": pairs,
            "cycle": math.floor(min(len(pairs) / gamma, 2.0**53)),
            "window": window,
            "threshold": threshold,
            "n_segments": None,  # what kernels do not read: one is compiled, however parameters were given
            "delta": None,
            "gamma": None,
            "transfers": self.observation_transfer and "observe" in type(self.base).__banditlab__.kernels,
        }

    def state(self, space: Space) -> dict[str, Any]:
        """Return the base's arrays and how many duels it has seen, the windows, one per pair, and the pairs' order."""
        n_pairs = space.n_arms * (space.n_arms - 1) // 2
        return self._arrays(space, n_pairs, self._parameters(space.problem)[1]) | {
            "order": space.array(n_pairs, fill=-1, dtype=np.int64),  # -1: to be drawn
            "seen": space.per_lane(0, np.int64),
        }

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return the next pair, or what the base compares."""
        if state.order[0, lane] < 0:
            shuffle(state.order, self.pairs.shape[0], lane, rng)
        place = state.clock[lane] % self.cycle
        if place < self.pairs.shape[0]:
            pair = state.order[place, lane]
            return self.pairs[pair, 0], self.pairs[pair, 1]
        return select(self.base, state.base, lane, state.seen[lane] + 1, rng)

    def update(self: Params, state: State, first: int, second: int, lane: int, won: bool, t: int) -> None:
        """Look for a change, or let the base learn."""
        place = state.clock[lane] % self.cycle
        state.clock[lane] += 1
        if place >= self.pairs.shape[0]:
            state.seen[lane] += 1
            update(self.base, state.base, first, second, lane, won, state.seen[lane])
            return
        if self.transfers:
            state.seen[lane] += 1
            observe(self.base, state.base, first, second, lane, won, state.seen[lane])
        if _shows_change(self, state, state.order[place, lane], lane, won):
            start_afresh(state, lane)
            state.seen[lane] = 0

    def winner(self: Params, state: State, lane: int) -> int:
        """Return the base's winner."""
        return winner(self.base, state.base, lane)
