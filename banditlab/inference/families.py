"""Many policies, with a number of runs fixed beforehand: paired tests with Holm's correction."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import SEED, array, invalid
from banditlab.core.validation import n_permutations as checked_permutations

from .permutation import error_level, flipped_statistics, p_values
from .scores import one_environment, scores

if TYPE_CHECKING:
    import pandas as pd

DECISIONS = {-1: "smaller", 0: "undecided", 1: "larger"}
ROUNDING = 1.0 - 1e-12  # 1 / 0.1 permutations suffice at level 0.1, whatever its binary digits


def holm(values: Any) -> NDArray[np.float64]:
    r"""Return p-values adjusted by Holm's step-down: reject those up to the family-wise error.

    With :math:`p_{(1)} \le \dots \le p_{(m)}` the adjusted values are
    :math:`\max_{j \le i} \min(1, (m - j + 1) p_{(j)})`. The guarantee needs valid p-values, whatever their dependence.
    (SciPy adjusts for false discovery rates only.)

    Parameters
    ----------
    values : array of float
        p-values, in [0, 1].

    References
    ----------
    Holm 1979, Scandinavian Journal of Statistics 6.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p: NDArray[np.float64] = array(1, 0.0, 1.0)("values", values)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def paired_family(
    values: Any,
    against: str | int | None = None,
    *,
    metric: str | None = None,
    environment: str | None = None,
    at: int | None = None,
    better: str | None = None,
    level: float = 0.05,
    n_permutations: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare many policies under common random numbers, with Holm's correction.

    Each pair is tested by flipping the signs of its differences at random, that is, by exchanging the two labels within
    runs. The test is exact if the difference of the two policies is symmetric about 0, as it is when they are
    exchangeable within a run. If only their means are equal, its level holds only for many runs, and how many depends
    on how skewed the differences are: if some are rare and large, hundreds are too few (see `AdaStop`).

    Parameters
    ----------
    values : Results, or array of shape (policies, runs)
        The runs, at least two; their number must not have been chosen by looking at them (use `banditlab.compare` for
        that). With fewer than 1 + log2(pairs / level) runs, no p-value can be small enough for a decision: 6 for one
        pair at 5%, 11 for 45 pairs.
    against : str or int, optional
        Default: all pairs. A policy's label or position, chosen before the runs: this policy against each other one, a
        smaller family with more power. 'best': the policy with the best mean against each other one; as the runs chose
        it, the correction is that of all pairs. (A policy labelled 'best' can be given by its position.)
    metric : str, optional
        What to compare; default 'regret', or the first that was recorded.
    environment : str, optional
        Where; needed when there are several.
    at : int, optional
        After which round, one of the checkpoints; default the last.
    better : {'smaller', 'larger'}, optional
        Which values are good; by default 'smaller' for regrets and violations, 'larger' for rewards, returns, CVaRs,
        profits and the rate of optimal arms. It must be given for other metrics, such as ``pulls[0]``.
    level : float, default 0.05
        Family-wise error: the probability that some pair is declared different that is not.
    n_permutations : int, default 10000
        Sign flips to draw, at least pairs / level and at most 10^7; all are enumerated if there are fewer.
    seed : int, default 0
        Seed of the draws.

    Returns
    -------
    pandas.DataFrame
        One row per pair: first, second, difference (mean of first minus second), p_value, p_holm, decision ('larger',
        'smaller' or 'undecided': the first's mean compared with the second's).

    Raises
    ------
    InvalidArgument, InvalidType
        For a policy, metric, environment or round that is not there, a metric that is undefined in some run, fewer than
        two policies or runs, or too few permutations for any decision.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> from banditlab.inference import paired_family
    >>> players = [arms.UCB1(), arms.KLUCB(), arms.Uniform()]
    >>> result = bl.run(arms.Bernoulli([0.2, 0.5]), players, horizon=300, n_runs=100, seed=0)
    >>> paired_family(result)["decision"].tolist()
    ['larger', 'smaller', 'smaller']
    """
    import pandas as pd

    level = error_level("level", level)
    n_permutations = checked_permutations("n_permutations", n_permutations)
    seed = SEED("seed", seed)
    found = one_environment(scores(values, metric=metric, environment=environment, at=at, better=better))
    labels, table = found.policies, found.values[0]
    if len(labels) < 2:
        raise InvalidArgument(f"values has {len(labels)} policy; allowed: at least two policies")
    pairs = [(i, j) for i in range(len(labels)) for j in range(i + 1, len(labels))]
    centre = None
    if isinstance(against, str) and against == "best":
        means = table.mean(axis=1)
        centre = int(means.argmin() if found.smaller_is_better else means.argmax())
    elif against is not None:
        centre = found.policy("against", against, also="'best' ")
        pairs = [(centre, j) for j in range(len(labels)) if j != centre]
    if n_permutations * level < len(pairs) * ROUNDING:
        least = math.ceil(len(pairs) / level * ROUNDING)
        raise invalid("n_permutations", n_permutations, f"at least pairs / level, {least}")
    first, second = np.array(pairs).T
    differences = table[first] - table[second]
    p = p_values(flipped_statistics(differences, n_permutations, np.random.default_rng(seed)))
    adjusted = holm(p)
    means = differences.mean(axis=1)
    rows = []
    for k, (i, j) in enumerate(pairs):
        if centre in (None, i, j):
            turn = -1.0 if j == centre else 1.0  # the policy that all others are compared with comes first
            i, j = (j, i) if j == centre else (i, j)
            word = DECISIONS[int(np.sign(turn * means[k])) if adjusted[k] * ROUNDING <= level else 0]
            rows.append((labels[i], labels[j], turn * means[k], p[k], adjusted[k], word))
    return pd.DataFrame(rows, columns=["first", "second", "difference", "p_value", "p_holm", "decision"])
