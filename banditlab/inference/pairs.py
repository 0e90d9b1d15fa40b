"""Two policies on the same luck: how much better one is, how surely, and what sharing the luck is worth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from banditlab.core.errors import InvalidArgument
from banditlab.core.results.statistics import wilson
from banditlab.core.validation import SEED, open_probability

from .bootstrap import stratified_band
from .scores import one_environment, scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Interval = tuple[float, float]


@dataclass(frozen=True)
class PairedComparison:
    r"""What `paired` found; it draws itself with `plot`.

    Attributes
    ----------
    first, second : str
        The policies.
    metric : str
        What was compared.
    smaller_is_better : bool
        Which direction is good.
    n_runs : int
        How many pairs of runs.
    level : float
        Confidence level of each interval by itself.
    difference : float
        Mean of first minus second, in the metric's unit.
    interval, unpaired_interval : tuple of float
        Confidence interval of the difference, and what it would be if runs did not share their luck: wider if the two
        policies' values are positively correlated.
    probability, probability_interval : float, tuple of float
        Probability that the first beats the second on the same luck, ties counted half, and its interval.
    variance_ratio : float
        :math:`(\mathrm{Var} A + \mathrm{Var} B) / \mathrm{Var}(A - B)`: how many times as many runs a comparison
        without shared luck needs.

    Examples
    --------
    With shared luck, few runs are enough to show a small difference:

    >>> import numpy as np
    >>> from banditlab import inference
    >>> luck = np.random.default_rng(0).normal(size=50)
    >>> noise = 0.1 * np.random.default_rng(1).normal(size=50)
    >>> found = inference.paired([luck, luck + 0.2 + noise], 0, 1)
    >>> found.interval[1] < 0.0 < found.unpaired_interval[1], found.variance_ratio > 50
    (True, True)
    """

    first: str
    second: str
    metric: str
    smaller_is_better: bool
    n_runs: int
    level: float
    difference: float
    interval: Interval
    unpaired_interval: Interval
    probability: float
    probability_interval: Interval
    variance_ratio: float

    def __repr__(self) -> str:
        """Return the findings in words."""
        low, high = self.interval
        least, most = self.probability_interval
        return (
            f"<{self.first} minus {self.second}: {self.metric} {self.difference:+.4g} [{low:+.4g}, {high:+.4g}], "
            f"better in {self.probability:.1%} [{least:.1%}, {most:.1%}] of {self.n_runs} runs; "
            f"level {self.level:g}, shared luck is worth {self.variance_ratio:.3g} times the runs>"
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the difference with both intervals.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; default new Axes. See `banditlab.plotting.plot_paired`, which draws several.

        Returns
        -------
        matplotlib.axes.Axes

        Examples
        --------
        >>> import numpy as np
        >>> from banditlab import inference
        >>> luck = np.random.default_rng(0).normal(size=50)
        >>> inference.paired([luck, luck + 1.0], 0, 1).plot().get_xlabel()
        'difference in cumulative regret'
        """
        from banditlab import plotting

        return plotting.plot_paired(self, ax=ax)


def paired(
    values: Any,
    first: str | int,
    second: str | int,
    *,
    metric: str | None = None,
    environment: str | None = None,
    at: int | None = None,
    better: str | None = None,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> PairedComparison:
    r"""Compare two policies under common random numbers.

    Run i of both policies has the same luck, so the differences :math:`D_i = A_i - B_i` are resampled (paired
    bootstrap). Var D = Var A + Var B - 2 Cov(A, B): shared luck saves twice the covariance where that is positive, and
    costs as much where it is negative.

    Parameters
    ----------
    values : Results, or array of shape (policies, runs)
        The runs, at least two.
    first, second : str or int
        Two policies, by label or position.
    metric : str, optional
        What to compare; default 'regret', or the first that was recorded.
    environment : str, optional
        Where; needed when there are several.
    at : int, optional
        After which round, one of the checkpoints; default the last.
    better : {'smaller', 'larger'}, optional
        Which values are good; by default 'smaller' for regrets and violations, 'larger' for rewards, returns, CVaRs,
        profits and the rate of optimal arms. It must be given for other metrics, such as ``pulls[0]``.
    level : float, default 0.95
        Confidence level of each interval.
    n_resamples : int, default 2000
        Bootstrap resamples.
    seed : int, default 0
        Seed of the resampling.

    Returns
    -------
    PairedComparison
        Difference, probability of beating, intervals, and the reduction in variance.

    Raises
    ------
    InvalidArgument, InvalidType
        For a policy, metric, environment or round that is not there, a metric that is undefined in some run, or fewer
        than two runs.

    Notes
    -----
    Intervals of the difference are expanded percentile intervals, or Student's for fewer than 8 or more than 32,768
    runs (see `stratified_band`). Student's are exact for normal values and approximate for others, as percentile
    intervals are: if few runs carry most of the spread, hundreds are too few. The interval of the probability is
    Wilson's score interval, which stays inside [0, 1] and is not empty when one policy always wins. Both assume that
    the number of runs was not chosen by looking at them; use `banditlab.compare` for that.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> from banditlab.inference import paired
    >>> env = arms.Bernoulli([0.2, 0.5])
    >>> result = bl.run(env, [arms.UCB1(), arms.KLUCB()], horizon=500, n_runs=200, seed=0)
    >>> found = paired(result, "UCB1", "KLUCB")
    >>> found.difference > 0, found.interval[0] > 0, found.variance_ratio > 1
    (True, True, True)
    """
    level = open_probability("level", level)
    found = one_environment(scores(values, metric=metric, environment=environment, at=at, better=better))
    one, two = found.policy("first", first), found.policy("second", second)
    if one == two:
        raise InvalidArgument(f"second is {second!r}, the same policy as first; allowed: another one")
    a, b = found.values[0, one], found.values[0, two]
    difference = a - b
    options: dict[str, Any] = {"level": level, "n_resamples": n_resamples, "seed": SEED("seed", seed)}
    together = stratified_band(difference[None, :, None], **options)
    # a - b is the mean of the two independent strata 2a and -2b
    apart = stratified_band(np.stack([2.0 * a, -2.0 * b])[:, :, None], **options)
    wins = difference < 0 if found.smaller_is_better else difference > 0
    probability = float(np.mean(wins + 0.5 * (difference == 0)))
    least, most = wilson(probability, found.n_runs, level)
    spread, joint = float(a.var() + b.var()), float(difference.var())
    return PairedComparison(
        first=found.policies[one],
        second=found.policies[two],
        metric=found.metric,
        smaller_is_better=found.smaller_is_better,
        n_runs=found.n_runs,
        level=level,
        difference=float(difference.mean()),
        interval=(float(together[0][0]), float(together[1][0])),
        unpaired_interval=(float(apart[0][0]), float(apart[1][0])),
        probability=probability,
        probability_interval=(float(least), float(most)),
        variance_ratio=spread / joint if joint > 0 else (math.inf if spread > 0 else 1.0),
    )
