"""Summaries over environments and runs: the interquartile mean and performance profiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.errors import InvalidArgument
from banditlab.core.results.resampling import FEWEST_RUNS, expanded_interval
from banditlab.core.results.statistics import wilson
from banditlab.core.validation import SEED, boolean, count, invalid, open_probability, vector
from banditlab.core.validation import n_resamples as checked_resamples

from .scores import Scores, scores

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

FEWEST_IN_A_STRATUM = 3  # for pairs of normal runs, 95% intervals over 4 environments cover 79%, over 10 of them 90%
NUMBERS_A_BLOCK = 4_000_000  # resampled scores in memory at a time: 32 MB


def interquartile_mean(
    values: Any,
    *,
    metric: str | None = None,
    environment: str | None = None,
    at: int | None = None,
    independent: bool | None = None,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the mean of the middle half of all runs of all environments, with bootstrap intervals.

    A compromise between the mean, which a few unlucky runs can dominate, and the median, which ignores by how much runs
    differ: the lowest and the highest quarter of the runs are left out (`scipy.stats.trim_mean` at 25%). Environments
    are pooled as they are: bring them to one scale first, for example by dividing by each one's lower bound, and pass
    an array.

    Parameters
    ----------
    values : Results, or array of shape (policies, runs) or (environments, policies, runs)
        The runs: at least 3 per environment, and at least 8 in all (8 per environment if environments are dependent);
        with fewer there are too few resamples for an interval that covers.
    metric : str, optional
        What to summarise; default 'regret', or the first that was recorded.
    environment : str, optional
        Default all of them, pooled.
    at : int, optional
        After which round, one of the checkpoints; default the last.
    independent : bool, optional
        Whether environments are independent of each other and resampled one by one; otherwise runs are resampled as
        wholes across environments. Default False for results, whose environments share the luck of a run, and True for
        arrays.
    level : float, default 0.95
        Confidence level, for each policy by itself.
    n_resamples : int, default 2000
        Bootstrap resamples, stratified by environment.
    seed : int, default 0
        Seed of the resampling.

    Returns
    -------
    pandas.DataFrame
        One row per policy: iqm, ci_low, ci_high.

    Raises
    ------
    InvalidArgument, InvalidType
        For a metric, environment or round that is not there, a metric that is undefined in some run, or too few runs.

    References
    ----------
    Agarwal, Schwarzer, Castro, Courville, Bellemare 2021, arXiv 2108.13264.

    Examples
    --------
    >>> import numpy as np
    >>> table = interquartile_mean(np.random.default_rng(0).exponential(size=(2, 100)))
    >>> table.columns.tolist()
    ['iqm', 'ci_low', 'ci_high']
    """
    import pandas as pd
    from scipy import stats

    level = open_probability("level", level)
    n_resamples = checked_resamples("n_resamples", n_resamples)
    found = scores(values, metric=metric, environment=environment, at=at, least=1)
    table = found.values.transpose(1, 0, 2)
    n_policies, n_strata, n = table.shape
    alone = _independent(found, independent)
    least = max(FEWEST_IN_A_STRATUM, -(-FEWEST_RUNS // n_strata)) if alone else FEWEST_RUNS
    if n < least:
        raise InvalidArgument(f"values has {count(n, 'run')} in an environment; allowed: at least {least} runs")
    generator = np.random.default_rng(SEED("seed", seed))
    resampled = np.empty((n_policies, n_resamples))
    step = max(1, NUMBERS_A_BLOCK // (n_strata * n))
    for first in range(0, n_resamples, step):
        some = min(step, n_resamples - first)
        picked = generator.integers(n, size=(some, n_strata if alone else 1, n))
        for k in range(n_policies):
            sample = table[k][np.arange(n_strata)[:, None], picked]
            resampled[k, first : first + some] = stats.trim_mean(sample.reshape(some, -1), 0.25, axis=1)
    low, high = expanded_interval(resampled.T, level, n, (n_strata if alone else 1) * (n - 1))
    centre = stats.trim_mean(table.reshape(n_policies, -1), 0.25, axis=1)
    index = pd.Index(found.policies, name="policy")
    return pd.DataFrame({"iqm": centre, "ci_low": low, "ci_high": high}, index=index)


@dataclass(frozen=True, eq=False)
class Profile:
    """What `performance_profile` found; it draws itself with `plot`.

    Attributes
    ----------
    policies : tuple of str
        Labels.
    thresholds : float64 array
        The values at which the share was taken.
    share, low, high : float64 arrays of shape (policies, thresholds)
        Share of runs that are at least as good as the threshold, and its pointwise band.
    metric : str
        What was compared.
    smaller_is_better, relative : bool
        Which direction is good, and whether thresholds are multiples of the best policy's value.
    level : float
        Confidence level of the band.

    Examples
    --------
    >>> from banditlab import inference
    >>> found = inference.performance_profile([[1.0, 2.0, 3.0], [2.0, 2.0, 9.0]], [1.0, 2.0, 9.0])
    >>> found
    <Profile of regret: 2 policies, 3 thresholds>
    >>> found.share.round(3).tolist()
    [[0.333, 0.667, 1.0], [0.0, 0.667, 1.0]]
    """

    policies: tuple[str, ...]
    thresholds: NDArray[np.float64]
    share: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    metric: str
    smaller_is_better: bool
    relative: bool
    level: float

    def __repr__(self) -> str:
        """Return the sizes."""
        sizes = f"{count(len(self.policies), 'policy', 'policies')}, {count(len(self.thresholds), 'threshold')}"
        return f"<Profile of {self.metric}: {sizes}>"

    def to_pandas(self) -> pd.DataFrame:
        """Return a tidy table: policy, threshold, share, ci_low, ci_high.

        Examples
        --------
        >>> from banditlab import inference
        >>> found = inference.performance_profile([[1.0, 2.0, 3.0], [2.0, 2.0, 9.0]], [1.0, 2.0, 9.0])
        >>> found.to_pandas()[["policy", "threshold", "share"]].round(3).values.tolist()[:2]
        [['policy 0', 1.0, 0.333], ['policy 0', 2.0, 0.667]]
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "policy": np.repeat(self.policies, len(self.thresholds)),
                "threshold": np.tile(self.thresholds, len(self.policies)),
                "share": self.share.ravel(),
                "ci_low": self.low.ravel(),
                "ci_high": self.high.ravel(),
            }
        )

    def plot(self, *, ax: Axes | None = None, xscale: str | None = None, tail: bool = False) -> Axes:
        r"""Draw the profiles with their bands.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; default new Axes.
        xscale : {'linear', 'log'}, optional
            The scale of the axis of thresholds; default 'log' for multiples of the best policy's value, else 'linear'.
        tail : bool, default False
            Whether to draw the share of runs that are worse than a threshold, on a logarithmic axis. See
            `banditlab.plotting.plot_profiles`.

        Returns
        -------
        matplotlib.axes.Axes

        Examples
        --------
        >>> from banditlab import inference
        >>> found = inference.performance_profile([[1.0, 2.0, 3.0], [2.0, 2.0, 9.0]])
        >>> found.plot().get_ylabel(), found.plot(tail=True).get_ylabel()
        ('share of runs $\\leq \\tau$', 'share of runs $> \\tau$')
        """
        from banditlab import plotting

        return plotting.plot_profiles(self, ax=ax, xscale=xscale, tail=tail)


def performance_profile(
    values: Any,
    thresholds: Sequence[float] | NDArray[np.float64] | None = None,
    *,
    relative: bool = False,
    metric: str | None = None,
    environment: str | None = None,
    at: int | None = None,
    better: str | None = None,
    independent: bool | None = None,
    level: float = 0.95,
) -> Profile:
    r"""Return the share of instances on which each policy is at least as good as a threshold.

    An instance is a run of an environment: all policies face it with the same luck. There are two kinds of profile:

    * `relative=False`: the run-score distribution of Agarwal et al., the share of runs with a score of at least
      :math:`\tau` (at most :math:`\tau` where small is good), averaged over environments. Theirs counts only scores
      above :math:`\tau`; here scores equal to it count too, in both kinds.
    * `relative=True`: the profile of Dolan and More, for nonnegative metrics that are good when small. It is the share
      of instances on which the policy's value is at most :math:`\tau` times the best policy's on that instance. It has
      no unit, so that environments of different scales can be put together; where the best value is 0, the ratio is 1
      for 0 and infinite for others. It depends on which policies take part.

    A policy whose profile is above another's everywhere is better, whatever one's attitude to risk.

    Parameters
    ----------
    values : Results, or array of shape (policies, runs) or (environments, policies, runs)
        The runs, at least two per environment.
    thresholds : sequence of float, optional
        Increasing; default 100 from the smallest to the largest value, or from 1 to the largest finite ratio (evenly in
        the logarithm); a single one if these are equal.
    relative : bool, default False
        Which kind.
    metric : str, optional
        What to compare; default 'regret', or the first that was recorded.
    environment : str, optional
        Default all of them.
    at : int, optional
        After which round, one of the checkpoints; default the last.
    better : {'smaller', 'larger'}, optional
        Which values are good; by default 'smaller' for regrets and violations, 'larger' for rewards, returns, CVaRs,
        profits and the rate of optimal arms. It must be given for other metrics, such as ``pulls[0]``.
    independent : bool, optional
        Whether environments are independent of each other. Default False for results, whose environments share the
        luck of a run, and True for arrays.
    level : float, default 0.95
        Confidence level of the band, pointwise.

    Returns
    -------
    Profile
        Shares with bands.

    Raises
    ------
    InvalidArgument, InvalidType
        For a metric, environment or round that is not there, a metric that is undefined in some run, fewer than two
        runs, thresholds that do not increase, or ratios of a metric that can be negative or is good when large.

    Notes
    -----
    The band is Wilson's score interval, which has positive width even where all runs or none reach a threshold: a
    bootstrap interval has none there, and with 20 runs and a true share of 95% a 95% bootstrap band covers 63%. For one
    environment with n runs, its coverage is the level on average over true shares, and between 89% and 99% for single
    ones with 10 or more runs (shares from 2% to 98%, level 95%). For S environments the variance of the mean share p is
    at most :math:`p (1 - p) / (S n)` if they are independent, and :math:`p (1 - p) / n` if not: the interval counts
    :math:`S n` runs in the first case and n in the second. In the second case it is wider than necessary, the more so
    the less the environments have in common.

    References
    ----------
    Dolan and More 2002, Mathematical Programming 91; Agarwal, Schwarzer, Castro, Courville, Bellemare 2021,
    arXiv 2108.13264; Wilson 1927, Journal of the American Statistical Association 22(158).

    Examples
    --------
    >>> performance_profile(
    ...     [[1.0, 2.0, 3.0], [2.0, 2.0, 9.0]], [1.0, 2.0, 3.0], relative=True
    ... ).share.tolist()
    [[1.0, 1.0, 1.0], [0.3333333333333333, 0.6666666666666666, 1.0]]
    """
    level = open_probability("level", level)
    boolean("relative", relative)
    found = scores(values, metric=metric, environment=environment, at=at, better=better)
    table = _ratios(found) if relative else found.values
    if thresholds is None:
        finite = table[np.isfinite(table)]
        n_taus = 100 if finite.min() < finite.max() else 1
        taus = (np.geomspace if relative else np.linspace)(finite.min(), finite.max(), n_taus)
    else:
        taus = vector()("thresholds", thresholds)
        if (np.diff(taus) <= 0).any():
            raise invalid("thresholds", thresholds, "increasing numbers")
    reached = table[..., None] <= taus if found.smaller_is_better else table[..., None] >= taus
    share = reached.mean(axis=(0, 2))
    strata = len(reached) if _independent(found, independent) else 1
    low, high = wilson(share, strata * found.n_runs, level)
    return Profile(
        policies=found.policies,
        thresholds=taus,
        share=share,
        low=low,
        high=high,
        metric=found.metric,
        smaller_is_better=found.smaller_is_better,
        relative=relative,
        level=level,
    )


def _independent(found: Scores, independent: bool | None) -> bool:
    return not found.shared if independent is None else bool(boolean("independent", independent))


def _ratios(found: Scores) -> NDArray[np.float64]:
    if not found.smaller_is_better:
        raise InvalidArgument(f"relative is True for {found.metric}, of which more is better; allowed: False")
    if found.values.min() < 0:
        raise InvalidArgument(f"relative is True, and {found.metric} has values below 0; allowed: False")
    best = found.values.min(axis=1, keepdims=True)
    ratios: NDArray[np.float64] = np.where(found.values == best, 1.0, np.inf)
    np.divide(found.values, best, out=ratios, where=best > 0)
    return ratios
