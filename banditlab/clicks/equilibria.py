"""Searching for equilibria among the arms, and what the learner loses in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.errors import InvalidType
from banditlab.core.playing.progress import Progress
from banditlab.core.validation import boolean, count, integer, non_negative, one_of, positive_integer, shown

from .deviations import CONFIRM, CONFIRMATIONS, LEVEL, MINIMUM, DeviationGains, gains, luck, margins, rounds_of_gains
from .dynamics import METHODS, Adapting, play_dynamics
from .evaluation import Arena, arena, candidate_rates, starting_strategies


@dataclass(frozen=True, eq=False)
class Equilibrium:
    """A strategy profile at which a search ended, and its certificate.

    Attributes
    ----------
    strategies : float64 array
        One click rate per arm.
    certificate : DeviationGains
        What any arm could still gain.
    regret, low, high : float
        The learner's strategic regret at the horizon, with its confidence interval.
    tolerance : float
        Of the search, in clicks per round.
    moves : int
        Deviations that were followed after the dynamics.

    Examples
    --------
    >>> from banditlab import clicks
    >>> env = clicks.StrategicClickBandit([0.6, 0.5], strategies=[0.66, 0.55])
    >>> options = {"horizon": 1_000, "n_rollouts": 8, "epochs": 2, "method": "best_response", "seed": 0}
    >>> found = clicks.equilibrium(env, clicks.MuOracle(), **options)
    >>> found.strategies.tolist(), found.certified, round(found.regret, 6)
    ([1.0, 0.55], True, 578.0)
    """

    strategies: NDArray[np.float64]
    certificate: DeviationGains
    regret: float
    low: float
    high: float
    tolerance: float
    moves: int

    @property
    def certified(self) -> bool:
        """Whether no deviation tried gains an arm more than the tolerance, at the certificate's confidence level."""
        return self.certificate.is_equilibrium(self.tolerance)

    def __repr__(self) -> str:
        """Return the profile and the verdict."""
        text = "[" + ", ".join(f"{s:.4g}" for s in self.strategies) + "]"
        share = self.certificate.epsilon / self.certificate.horizon
        told = "certified" if self.certified else "not certified"
        return f"<Equilibrium {text}: {told}, epsilon = {share:.3g} clicks a round, regret {self.regret:,.4g}>"


def equilibrium(
    environment: Any,
    policy: Any,
    start: Any = None,
    *,
    horizon: int = 50_000,
    tolerance: float = 0.01,
    n_rollouts: int = 32,
    grid: Any = 101,
    epochs: int = 21,
    method: str = "gradient",
    max_moves: int = 20,
    level: float = 0.95,
    seed: int | None = None,
    n_jobs: int | None = None,
    progress: Any = "auto",
) -> Equilibrium:
    """Search for a Nash equilibrium among the arms, and return it with its certificate.

    First the arms adapt (`dynamics`, once, averaging the last quarter of the epochs). Then, as long as some arm has a
    deviation whose gain is above the tolerance with its whole interval, the arm that gains most plays it. Where that
    ends, or after `max_moves`, the profile is examined once more on fresh runs (`deviation_gains`): this is the
    certificate. A pure equilibrium need not exist, and a search need not find one that exists: look at `certified`.

    Parameters
    ----------
    environment, policy : components of clicks
        The world and the mechanism.
    start : as in `dynamics`, optional
        Where the arms start; one profile. Default: the environment's strategies.
    horizon : int, default 50,000
        Rounds per run.
    tolerance : float, default 0.01
        Gains up to this many clicks per round do not count.
    n_rollouts : int, default 32
        Runs per strategy profile; at least 8.
    grid : int or sequence of float, default 101
        Click rates to try as deviations.
    epochs : int, default 21
        Epochs of the dynamics.
    method : {'gradient', 'best_response'}, default 'gradient'
        Method of the dynamics. Mechanisms that jump in response to strategies, as oracles do, need 'best_response'.
    max_moves : int, default 20
        Largest number of deviations followed after the dynamics.
    level : float, default 0.95
        Confidence level of the certificate.
    seed : int, optional
        As in `banditlab.run`.
    n_jobs : int, optional
        Threads; default all cores.
    progress : {'auto', True, False}, default 'auto'
        Whether to show progress bars.

    Returns
    -------
    Equilibrium

    Examples
    --------
    >>> from banditlab import clicks
    >>> env = clicks.StrategicClickBandit([0.6, 0.5], strategies=[0.66, 0.55])
    >>> options = {"horizon": 1_000, "n_rollouts": 8, "epochs": 3, "method": "best_response", "seed": 0}
    >>> found = clicks.equilibrium(env, clicks.StrategyOracle(), **options)
    >>> # the best arm promises as much as it can get away with
    >>> found.strategies.tolist(), found.certified
    ([0.81, 0.55], True)
    """
    rollouts = integer(MINIMUM, limit=2**20)("n_rollouts", n_rollouts)
    tolerance = non_negative("tolerance", tolerance)
    max_moves = integer(0)("max_moves", max_moves)
    epochs = positive_integer("epochs", epochs)
    one_of(*METHODS)("method", method)
    level = LEVEL("level", level)
    rates = candidate_rates(grid)
    game = arena(environment, policy, horizon, seed, n_jobs, Progress(0, False))
    first = starting_strategies(environment.strategies if start is None else start, environment, 1, game.seed)
    adapting = Adapting(method=method, n_rollouts=rollouts, rates=rates)
    with Progress(epochs * adapting.lanes(game, 1) * game.horizon, progress) as bar:
        bar.say(f"{policy.label} among arms that adapt")
        path = [s for s, _, _ in play_dynamics(game.showing(bar), adapting, first, epochs)]
    late = path[-1:] if method == "best_response" else path[-max(1, epochs // 4) :]
    s = np.mean(late, axis=0)[0]
    with Progress((max_moves + 2) * rounds_of_gains(game, rates, rollouts), progress) as bar:
        bar.say("deviations")
        game = game.showing(bar)
        moves = 0
        while True:
            # block 0 was for the dynamics
            found = gains(game, s, rates, rollouts, level, block=moves + 1)
            sure = np.flatnonzero(found.low > tolerance * game.horizon)
            if len(sure) == 0 or moves == max_moves:
                break
            arm = sure[np.argmax(found.gains[sure])]
            s = s.copy()
            s[arm] = found.deviations[arm]
            moves += 1
        found = gains(game, s, rates, rollouts, level, block=moves + 2)
        regret, low, high = _regret(game, s, rollouts, level, block=moves + 3)
    return Equilibrium(s, found, regret, low, high, tolerance, moves)


def _regret(game: Arena, s: NDArray[np.float64], rollouts: int, level: float, block: int) -> tuple[float, float, float]:
    """Return the learner's mean regret at a profile, with its confidence interval."""
    n = CONFIRMATIONS * rollouts
    _, regret = game.play(np.tile(s, (n, 1)), luck(block, CONFIRM, n))
    mean, half = float(regret.mean()), float(margins(regret, 0.5 + level / 2.0))
    return mean, mean - half, mean + half


def equilibria(
    environment: Any, policy: Any, starts: Sequence[Any] = ("truthful", "inflated", "random"), **options: Any
) -> list[Equilibrium]:
    """Search for equilibria from several starts.

    Parameters
    ----------
    environment, policy : components of clicks
        The world and the mechanism.
    starts : sequence, default ('truthful', 'inflated', 'random')
        As `start` in `equilibrium`.
    **options
        Those of `equilibrium`. All searches share the seed: to try several random starts, pass profiles.

    Returns
    -------
    list of Equilibrium
        One per start, certified or not; two starts can end at the same profile.

    Examples
    --------
    >>> from banditlab import clicks
    >>> env = clicks.StrategicClickBandit([0.6, 0.5], strategies=[0.66, 0.55])
    >>> options = {"horizon": 1_000, "n_rollouts": 8, "epochs": 2, "method": "best_response", "seed": 0}
    >>> found = clicks.equilibria(env, clicks.MuOracle(), ["truthful", [0.2, 0.9]], **options)
    >>> [e.strategies.tolist() for e in found]
    [[1.0, 0.55], [1.0, 0.9]]
    """
    if isinstance(starts, str) or not isinstance(starts, list | tuple) or not starts:
        raise InvalidType(f"starts is {shown(starts)}; allowed: a list of one or more starts")
    for start in starts:  # all are checked before the first search, which can take long
        starting_strategies(environment.strategies if start is None else start, environment, 1, 0)
    return [equilibrium(environment, policy, start, **options) for start in starts]


@dataclass(frozen=True, eq=False)
class StrategicRegret:
    """What the learner loses over a set of equilibria.

    Attributes
    ----------
    strong, weak : Equilibrium
        The equilibria with the largest and the smallest regret.

    Examples
    --------
    Under `MuOracle` all equilibria cost the learner the same, as only the best arm is ever selected:

    >>> from banditlab import clicks
    >>> env = clicks.StrategicClickBandit([0.6, 0.5], strategies=[0.66, 0.55])
    >>> options = {"horizon": 1_000, "n_rollouts": 8, "epochs": 2, "method": "best_response", "seed": 0}
    >>> found = clicks.equilibria(env, clicks.MuOracle(), ["truthful", "inflated"], **options)
    >>> over = clicks.strategic_regret(found)
    >>> round(over.strong.regret, 6), round(over.weak.regret, 6)
    (578.0, 578.0)
    """

    strong: Equilibrium
    weak: Equilibrium


def strategic_regret(found: Sequence[Equilibrium], *, certified: bool = True) -> StrategicRegret:
    r"""Return strong and weak strategic regret over the equilibria found.

    .. math:: R_T^+(M) = \max_{\sigma \in NE(M)} R_T(M, \sigma), \qquad
        R_T^-(M) = \min_{\sigma \in NE(M)} R_T(M, \sigma)

    taken over the equilibria that a search found: the true strong regret may be larger, the true weak regret smaller.
    The two notions are the paper's, the formula is reconstructed.

    Parameters
    ----------
    found : sequence of Equilibrium
        From `equilibria`.
    certified : bool, default True
        Whether to leave out profiles that are not certified.

    Returns
    -------
    StrategicRegret

    Raises
    ------
    InvalidType
        If no equilibrium is left.

    Examples
    --------
    >>> from banditlab import clicks
    >>> env = clicks.StrategicClickBandit([0.6, 0.5], strategies=[0.66, 0.55])
    >>> options = {"horizon": 1_000, "n_rollouts": 8, "epochs": 2, "method": "best_response", "seed": 0}
    >>> found = clicks.equilibria(env, clicks.MuOracle(), ["truthful", "inflated"], **options)
    >>> round(clicks.strategic_regret(found).weak.regret, 6)  # 1,000 rounds, each loses 0.378 - (-0.2)
    578.0
    """
    if not isinstance(found, list | tuple) or not all(isinstance(e, Equilibrium) for e in found):
        raise InvalidType(f"found is {shown(found)}; allowed: a list of Equilibrium")
    left = [e for e in found if e.certified or not boolean("certified", certified)]
    if not found:
        raise InvalidType(f"found is {shown(found)}; allowed: a list with at least one Equilibrium")
    if not left:
        share, tolerance = min((e.certificate.epsilon / e.certificate.horizon, e.tolerance) for e in found)
        raise InvalidType(
            f"found has {count(len(found), 'profile')} and none certified: at the best a deviation may still gain "
            f"{share:.3g} clicks a round, and tolerance is {tolerance:g}; allowed: a list with at least one certified "
            "Equilibrium (searches certify more with a larger tolerance, more n_rollouts or a longer horizon), or "
            "certified=False, to take them as they are"
        )
    return StrategicRegret(max(left, key=lambda e: e.regret), min(left, key=lambda e: e.regret))
