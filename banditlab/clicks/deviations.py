"""Whether a strategy profile is a Nash equilibrium among the arms: the most profitable deviation of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.playing.progress import Progress
from banditlab.core.validation import between, integer, non_negative

from .evaluation import BLOCK, Arena, arena, candidate_rates, profile

if TYPE_CHECKING:
    import pandas as pd

FIRST_BLOCK = 1 << 21
"""First block of runs that does not belong to the repetitions of `dynamics`."""

SEARCH, CONFIRM = 0, 1
"""Blocks of runs: what the search finds on one is confirmed on the other, so that the best is not the luckiest."""

LEVEL = between(0.0, 0.999999, open_low=True)

MINIMUM = 8
"""Fewest roll-outs: with fewer, Student's t intervals are too far from their level."""

KEPT = 8
"""Click rates per arm that are evaluated again in the confirmation."""

CONFIRMATIONS = 4
"""Runs of the confirmation per run of the search."""


@dataclass(frozen=True, eq=False)
class DeviationGains:
    """For each arm, the best unilateral deviation that was found, and its gain in expected clicks per run.

    Attributes
    ----------
    strategies : float64 array
        The profile that was examined, one click rate per arm.
    utilities : float64 array
        Expected clicks of each arm at the profile.
    deviations : float64 array
        The click rate that pays each arm most, among those tried; its own if none paid more.
    gains, low, high : float64 arrays
        The gain of that deviation, with its confidence interval, measured on runs that had no part in choosing it; the
        intervals hold for all arms simultaneously.
    bounds : float64 arrays
        Upper confidence bounds on the gain of every deviation tried, simultaneously for all of them and for all arms.
    horizon, seed : int
        Rounds per run; the seed.
    level : float
        Confidence level of the intervals and bounds.

    Examples
    --------
    The first arm of `MuOracle`, which is always selected, gains 340 clicks in 1,000 rounds by promising everything:

    >>> from banditlab import clicks
    >>> env = clicks.StrategicClickBandit([0.6, 0.4], strategies=[0.66, 0.44])
    >>> found = clicks.deviation_gains(env, clicks.MuOracle(), horizon=1_000, grid=11, seed=0)
    >>> found.utilities.round().tolist(), found.deviations.tolist(), found.gains.round().tolist()
    ([660.0, 0.0], [1.0, 0.44], [340.0, 0.0])
    >>> found.witness, bool(found.epsilon >= found.gains.max())
    (0, True)
    """

    strategies: NDArray[np.float64]
    utilities: NDArray[np.float64]
    deviations: NDArray[np.float64]
    gains: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    bounds: NDArray[np.float64]
    horizon: int
    seed: int
    level: float

    @property
    def epsilon(self) -> float:
        """The profile is an epsilon-Nash equilibrium on the grid, in clicks per run, at the confidence level."""
        return max(0.0, float(self.bounds.max()))

    @property
    def witness(self) -> int | None:
        """The arm that gains most by deviating, among those whose interval is above 0; None if there is none."""
        sure = np.flatnonzero(self.low > 0.0)
        return int(sure[np.argmax(self.gains[sure])]) if len(sure) else None

    def is_equilibrium(self, tolerance: float = 0.01) -> bool:
        r"""Say whether no deviation tried gains an arm more than a share of the horizon, at the confidence level.

        Parameters
        ----------
        tolerance : float, default 0.01
            In clicks per round: the profile is an :math:`\epsilon`-Nash equilibrium with `tolerance` times the horizon
            as :math:`\epsilon`.

        Examples
        --------
        >>> from banditlab import clicks
        >>> env = clicks.StrategicClickBandit([0.6, 0.4], strategies=[1.0, 0.44])
        >>> found = clicks.deviation_gains(env, clicks.MuOracle(), horizon=1_000, grid=11, seed=0)
        >>> found.is_equilibrium(), found.witness is None
        (True, True)
        """
        return self.epsilon <= non_negative("tolerance", tolerance) * self.horizon

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per arm: strategy, utility, deviation, gain, ci_low, ci_high, bound.

        Examples
        --------
        >>> from banditlab import clicks
        >>> env = clicks.StrategicClickBandit([0.6, 0.4], strategies=[1.0, 0.44])
        >>> found = clicks.deviation_gains(env, clicks.MuOracle(), horizon=1_000, grid=11, seed=0)
        >>> found.to_pandas().columns.tolist()
        ['strategy', 'utility', 'deviation', 'gain', 'ci_low', 'ci_high', 'bound']
        """
        import pandas as pd

        names = ("strategies", "utilities", "deviations", "gains", "low", "high", "bounds")
        columns = ("strategy", "utility", "deviation", "gain", "ci_low", "ci_high", "bound")
        values = {column: getattr(self, name) for column, name in zip(columns, names, strict=True)}
        return pd.DataFrame(values, index=pd.RangeIndex(len(self.strategies), name="arm"))

    def __repr__(self) -> str:
        """Return the verdict."""
        if self.witness is None:
            known = f"{self.epsilon:,.4g}-equilibrium on the grid, in clicks a run"
            return f"<DeviationGains: no arm is seen to gain; {known}>"
        arm = self.witness
        return (
            f"<DeviationGains: arm {arm} gains {self.gains[arm]:,.4g} clicks a run "
            f"({self.low[arm]:,.4g} to {self.high[arm]:,.4g}) by playing {self.deviations[arm]:.4g} "
            f"instead of {self.strategies[arm]:.4g}>"
        )


def deviation_gains(
    environment: Any,
    policy: Any,
    strategies: Any = None,
    *,
    horizon: int = 50_000,
    n_rollouts: int = 32,
    grid: Any = 101,
    level: float = 0.95,
    seed: int | None = None,
    n_jobs: int | None = None,
    progress: Any = "auto",
) -> DeviationGains:
    r"""Return, for each arm, the unilateral deviation that gains it most clicks, with a confidence interval.

    The expected clicks :math:`v_i(s_i', s_{-i})` of arm i are simulated at every click rate :math:`s_i'` of a grid, on
    the same luck as those at :math:`s_i`. The best is confirmed on fresh runs, so that its gain is unbiased: an
    interval (Student's t, paired, Bonferroni over arms) above 0 is evidence that the profile is not an equilibrium.
    Upper bounds on all gains hold simultaneously (Bonferroni over arms and grid; from the search, and for the eight
    likeliest deviations of each arm from the fresh runs): if they are small, the profile is an approximate equilibrium,
    as far as the grid is fine enough.

    Parameters
    ----------
    environment : clicks environment
        Means, rewards and utility.
    policy : clicks policy
        The mechanism.
    strategies : sequence of float, optional
        The profile to examine, one click rate per arm; default: the environment's strategies.
    horizon : int, default 50,000
        Rounds per run.
    n_rollouts : int, default 32
        Runs per click rate in the search, and four times as many in the confirmation; at least 8.
    grid : int or sequence of float, default 101
        Click rates to try: a number of them, evenly spaced on [0, 1], or the rates themselves.
    level : float, default 0.95
        Confidence level of the intervals of all arms together, and of all bounds together.
    seed : int, optional
        As in `banditlab.run`.
    n_jobs : int, optional
        Threads; default all cores.
    progress : {'auto', True, False}, default 'auto'
        Whether to show a progress bar.

    Returns
    -------
    DeviationGains

    Notes
    -----
    Intervals and bounds are asymptotic, and see only what happens in the runs: a gain that comes from an event of
    probability p, such as being screened or not, is likely to go unseen with fewer than 3/p runs, and its bound is then
    too low. With 32 roll-outs, this concerns events rarer than one in ten in the search, and one in forty in the
    confirmation.

    Examples
    --------
    >>> from banditlab import clicks
    >>> env = clicks.StrategicClickBandit([0.6, 0.4], strategies=[0.66, 0.44])
    >>> found = clicks.deviation_gains(env, clicks.MuOracle(), horizon=1_000, grid=11, seed=0)
    >>> # the first arm is always selected: it should be clicked always
    >>> found.witness, found.deviations.tolist()
    (0, [1.0, 0.44])
    >>> found.is_equilibrium()
    False
    """
    rollouts = integer(MINIMUM, limit=2**20)("n_rollouts", n_rollouts)
    level = LEVEL("level", level)
    rates = candidate_rates(grid)
    game = arena(environment, policy, horizon, seed, n_jobs, Progress(0, False))
    s = profile("strategies", environment.strategies if strategies is None else strategies, environment)
    with Progress(rounds_of_gains(game, rates, rollouts), progress) as bar:
        bar.say("deviations")
        return gains(game.showing(bar), s, rates, rollouts, level)


def rounds_of_gains(game: Arena, rates: NDArray[np.float64], rollouts: int) -> int:
    """Return how many rounds `gains` plays."""
    search, confirmation = (game.n_arms * n + 1 for n in (len(rates), min(KEPT, len(rates))))
    return rollouts * (search + CONFIRMATIONS * confirmation) * game.horizon


def gains(
    game: Arena, s: NDArray[np.float64], rates: NDArray[np.float64], rollouts: int, level: float, block: int = 0
) -> DeviationGains:
    """Search for each arm's best deviation from `s` and confirm it; `block` makes the luck of searches differ."""
    k, n = game.n_arms, len(rates)
    game.check_room("n_rollouts", rollouts, k * n + 1)
    arms = np.arange(k)
    every = np.tile(rates, (k, 1))
    searched, _ = _gains(game, s, every, luck(block, SEARCH, rollouts))
    means = searched.mean(axis=2)
    # Half of the error probability is for the search, half for the confirmation, which looks only at the likeliest.
    upper = means + margins(searched, 1.0 - (1.0 - level) / (2 * k * n))
    kept = min(KEPT, n)
    likeliest = np.argsort(-upper, axis=1, kind="stable")[:, :kept]
    best = means.argmax(axis=1)
    likeliest[:, -1] = np.where((likeliest == best[:, None]).any(axis=1), likeliest[:, -1], best)
    confirmed, clicks = _gains(game, s, rates[likeliest], luck(block, CONFIRM, CONFIRMATIONS * rollouts))
    sharper = confirmed.mean(axis=2) + margins(confirmed, 1.0 - (1.0 - level) / (2 * k * kept))
    np.put_along_axis(upper, likeliest, sharper, axis=1)

    where = (likeliest == best[:, None]).argmax(axis=1)
    pays = means[arms, best] > 0.0
    chosen = np.where(pays[:, None], confirmed[arms, where], 0.0)
    gain = chosen.mean(axis=1)
    half = margins(chosen, 1.0 - (1.0 - level) / (2 * k))
    return DeviationGains(
        strategies=s,
        utilities=clicks.mean(axis=0),
        deviations=np.where(pays, rates[best], s),
        gains=gain,
        low=gain - half,
        high=gain + half,
        bounds=np.maximum(upper.max(axis=1), 0.0),
        horizon=game.horizon,
        seed=game.seed,
        level=level,
    )


def luck(block: int, purpose: int, rollouts: int) -> NDArray[np.int64]:
    """Return the runs of a search or of a confirmation."""
    return (FIRST_BLOCK + 2 * block + purpose) * BLOCK + np.arange(rollouts)


def margins(samples: NDArray[np.float64], probability: float) -> NDArray[np.float64]:
    """Return Student's t quantile times the standard error of the means over the last axis."""
    from scipy import stats

    n = samples.shape[-1]
    quantile = float(stats.t.ppf(probability, n - 1))
    return np.asarray(quantile * samples.std(axis=-1, ddof=1) / np.sqrt(n))


def _gains(
    game: Arena, s: NDArray[np.float64], rates: NDArray[np.float64], runs: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what each arm gains with its row of rates (arm, rate, run), and the clicks at `s` (run, arm)."""
    k, n = rates.shape
    profiles = np.tile(s, (k, n, 1))
    for arm in range(k):
        profiles[arm, :, arm] = rates[arm]
    together = np.concatenate([s[None], profiles.reshape(k * n, k)])
    clicks, _ = game.play(np.repeat(together[:, None, :], len(runs), axis=1), runs)
    own = np.stack([clicks[1 + arm * n : 1 + (arm + 1) * n, :, arm] - clicks[0, :, arm] for arm in range(k)])
    return own, clicks[0]
