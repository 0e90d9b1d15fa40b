"""Double Thompson sampling: both arms are chosen by sampling preferences from their posterior."""

from __future__ import annotations

from typing import Any

import numpy as np

from banditlab.arms.divergence_kernels import divergence, negative_entropy
from banditlab.core.components import Params, Space, State, field
from banditlab.core.dispatch import device
from banditlab.core.elementary import log
from banditlab.core.sampling import beta, fill_beta
from banditlab.core.validation import positive

from ..family import policy
from .counts import Counts, another_tie, count, duels, share


@device
def _doubt(state: State, i: int, j: int, lane: int) -> float:
    """Return what says whether u_ij > 1/2: it is if alpha ln t is above this number, and at least 1/2 if not below.

    That is N (1/2 - mu)^2 where arm i won at most half of its duels with j, and -1 where it won more, or none took
    place.
    """
    n = duels(state, i, j, lane)
    short = 0.5 - share(state, i, j, lane)
    return -1.0 if (n == 0.0) | (short < 0.0) else n * short * short


@device
def _first_arm(self: Params, state: State, lane: int, t: int, plus: bool, rng: Any) -> int:
    """Return the first arm, when `state.samples` is drawn: ties are broken at random, if `plus` by regret before."""
    budget = self.alpha * log(float(t))
    most, top, ties, found = -1, -1, 0, 0
    highest, least = 0, -1.0
    for i in range(self.n_arms):
        highest = max(highest, state.scores[i, lane])
    for i in range(self.n_arms):
        hopes = 0
        for j in range(self.n_arms):
            hopes += 1 if (j != i) & (state.doubts[i, j, lane] < budget) else 0
        state.hopes[i, lane] = hopes
        most = max(most, hopes)
    for i in range(self.n_arms):
        if state.hopes[i, lane] < most or state.scores[i, lane] < top:
            continue
        if state.scores[i, lane] > top:
            top, found, ties, least = state.scores[i, lane], i, 1, -1.0
            continue
        if plus and least < 0.0:
            least = _one_against_all(self, state, found, lane, highest)
        regret = _one_against_all(self, state, i, lane, highest) if plus else least
        if regret < least:
            found, least, ties = i, regret, 1
        elif regret == least:  # so it is where all arms beat equally many, as in a cycle of three
            ties += 1
            if another_tie(rng, lane, ties):
                found = i
    return found


@device
def _one_against_all(self: Params, state: State, i: int, lane: int, highest: int) -> float:
    """Return the regret of comparing arm i with all others until each result is known, K - 1 times as large."""
    total = 0.0
    for j in range(self.n_arms):
        sample = state.samples[i, j, lane]
        if j != i and sample != 0.5:
            lost = highest - 0.5 * (state.scores[i, lane] + state.scores[j, lane])
            total += lost / divergence(sample, 0.5, negative_entropy(sample))
    return total


@device
def _select(self: Params, state: State, lane: int, t: int, plus: bool, rng: Any) -> tuple[int, int]:
    """Return the arms to compare in one lane."""
    for i in range(self.n_arms):
        state.scores[i, lane] = 0
    for i in range(self.n_arms):
        for j in range(i + 1, self.n_arms):
            sample = beta(rng, lane, state.wins[i, j, lane] + 1.0, state.wins[j, i, lane] + 1.0)
            state.samples[i, j, lane] = sample
            state.samples[j, i, lane] = 1.0 - sample
            state.scores[i, lane] += 1 if sample > 0.5 else 0
            state.scores[j, lane] += 0 if sample > 0.5 else 1
    first = _first_arm(self, state, lane, t, plus, rng)
    budget = self.alpha * log(float(t))
    best, second = -1.0, first
    for k in range(self.n_arms - 1):
        j = k + 1 if k >= first else k
        sample = beta(rng, lane, state.wins[j, first, lane] + 1.0, state.wins[first, j, lane] + 1.0)
        if sample > best and state.doubts[first, j, lane] <= budget:
            best, second = sample, j
    return first, (second if best > 0.5 else first)


@device
def _select_lanes(self: Params, state: State, t: int, plus: bool, rng: Any, first: Any, second: Any) -> None:
    """Write the arms to compare in all lanes, in phases that vectorise."""
    a = np.zeros((1, first.shape[0]))
    b = np.zeros((1, first.shape[0]))
    sample = np.zeros(first.shape[0])
    best = np.full(first.shape[0], -1.0)
    budget = self.alpha * log(float(t))
    state.scores[:, :] = 0
    for i in range(self.n_arms):
        for j in range(i + 1, self.n_arms):
            for w in range(sample.shape[0]):
                a[0, w] = state.wins[i, j, w] + 1.0
                b[0, w] = state.wins[j, i, w] + 1.0
            fill_beta(rng, a, b, 0, sample)
            for w in range(sample.shape[0]):
                state.samples[i, j, w] = sample[w]
                state.samples[j, i, w] = 1.0 - sample[w]
                state.scores[i, w] += 1 if sample[w] > 0.5 else 0
                state.scores[j, w] += 0 if sample[w] > 0.5 else 1
    for w in range(first.shape[0]):
        first[w] = _first_arm(self, state, w, t, plus, rng)
        second[w] = first[w]
    for k in range(self.n_arms - 1):
        for w in range(sample.shape[0]):
            i = first[w]
            j = k + 1 if k >= i else k
            a[0, w] = state.wins[j, i, w] + 1.0
            b[0, w] = state.wins[i, j, w] + 1.0
        fill_beta(rng, a, b, 0, sample)
        for w in range(sample.shape[0]):
            i = first[w]
            j = k + 1 if k >= i else k
            if sample[w] > best[w] and state.doubts[i, j, w] <= budget:
                best[w] = sample[w]
                second[w] = j
    for w in range(first.shape[0]):
        second[w] = second[w] if best[w] > 0.5 else first[w]


class _Posterior(Counts):
    """Base of both versions: wins, what they say about bounds, and the samples of the present round."""

    def state(self, space: Space) -> dict[str, Any]:
        """Return wins, doubts (see `_doubt`), the round's samples, and each arm's hopeful and sampled wins."""
        return super().state(space) | {
            "doubts": space.array(space.n_arms, space.n_arms, fill=-1.0),
            "samples": space.array(space.n_arms, space.n_arms),
            "scores": space.per_arm(0, np.int64),
            "hopes": space.per_arm(0, np.int64),
        }

    def update(self: Params, state: State, first: int, second: int, lane: int, won: bool, t: int) -> None:
        """Count the win, and see what it says of the bounds."""
        count(state, first, second, lane, won)
        if first != second:
            state.doubts[first, second, lane] = _doubt(state, first, second, lane)
            state.doubts[second, first, lane] = _doubt(state, second, first, lane)

    observe = update  # it learns from any duel as from its own


@policy
class DoubleThompsonSampling(_Posterior):
    r"""Two samples of the preferences: the first chooses a champion, the second its strongest opponent (D-TS).

    With :math:`w_{ij}` wins of i over j, :math:`N_{ij} = w_{ij} + w_{ji}`, in round t

    .. math:: u_{ij}, l_{ij} = \frac{w_{ij}}{N_{ij}} \pm \sqrt{\frac{\alpha \ln t}{N_{ij}}},

    and 1 and 0 where the two have not met; :math:`u_{ii} = l_{ii} = 1/2`. C holds the arms i with the most j for which
    :math:`u_{ij} > 1/2`: those whose Copeland score may be the largest. A first sample :math:`\theta_{ij} \sim
    Beta(w_{ij} + 1, w_{ji} + 1)`, :math:`\theta_{ji} = 1 - \theta_{ij}`, gives the first arm, the one of C that beats
    the most arms in the sample, ties broken at random. A second, independent sample gives the second arm: of the arms j
    with :math:`l_{j1} \le 1/2` the one with the largest :math:`\theta_{j1}`, where :math:`\theta_{11} = 1/2`: the first
    arm is compared with itself if no such arm is sampled to beat it.

    Parameters
    ----------
    alpha : float, default 0.51
        Width of the bounds; the theorems need more than 1/2. 0.51 is the setting of the authors' experiments.

    Notes
    -----
    Guarantee (Wu and Liu 2016, abstract; :math:`\alpha > 1/2`): expected Copeland regret is :math:`O(K^2 \log T)`, and
    :math:`O(K \log T + K^2 \log\log T)` with a Condorcet winner and in most instances without one.

    The authors' code counts :math:`u_{ij} \ge 1/2`, where the paper has the strict inequality; the two differ only if u
    is exactly 1/2. In the second step, one library takes the sample and the bound of the first arm against j, and so
    has it meet arms that it beats.

    The bounds are compared with 1/2 by :math:`\alpha \ln t > N (1/2 - \hat\mu)^2`, whose right-hand side changes only
    for the pair that met.

    References
    ----------
    Wu, Liu (2016), Double Thompson sampling for dueling bandits, NeurIPS, arXiv:1604.07101, Algorithm 1.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.DoubleThompsonSampling(alpha=0.6)
    DoubleThompsonSampling(alpha=0.6)
    """

    alpha: float = field(default=0.51, check=positive, doc="width of the bounds; the theorems need more than 1/2")

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return the champion of the first sample and its strongest opponent in the second."""
        return _select(self, state, lane, t, False, rng)

    def select_lanes(self: Params, state: State, t: int, rng: Any, first: Any, second: Any) -> None:
        """Do the same for all lanes."""
        _select_lanes(self, state, t, False, rng, first, second)


@policy
class DoubleThompsonSamplingPlus(_Posterior):
    r"""Double Thompson sampling whose ties go to the arm that would cost least to compare with all others (D-TS+).

    As `DoubleThompsonSampling`, but of the arms of C that beat equally many arms in the first sample, the first arm is
    the one with the smallest

    .. math:: \sum_{j \ne i, \theta_{ij} \ne 1/2} \frac{\zeta^* - (\zeta_i + \zeta_j) / 2}{d(\theta_{ij}, 1/2)},

    where :math:`\zeta_i` is the share of the other arms that i beats in the sample, :math:`\zeta^*` the largest of
    them, and d the Kullback-Leibler divergence of Bernoulli distributions: the regret of comparing i with all others
    for as long as it takes to tell who wins. Ties between sums, as where all arms beat equally many, are broken at
    random.

    Parameters
    ----------
    alpha : float, default 0.51
        Width of the bounds; the theorems need more than 1/2. 0.51 is the setting of the authors' experiments.

    Notes
    -----
    Guarantee (Wu and Liu 2016; :math:`\alpha > 1/2`): that of `DoubleThompsonSampling`.

    The sum is from the authors' code; the paper's text was not at hand. In that code :math:`\zeta^*` is the largest
    share among the tied arms, not among all arms, which makes terms negative where an arm outside C has beaten more.

    References
    ----------
    Wu, Liu (2016), Double Thompson sampling for dueling bandits, NeurIPS, arXiv:1604.07101, section 3.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.DoubleThompsonSamplingPlus()
    DoubleThompsonSamplingPlus()
    """

    alpha: float = field(default=0.51, check=positive, doc="width of the bounds; the theorems need more than 1/2")

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return the champion of the first sample and its strongest opponent in the second."""
        return _select(self, state, lane, t, True, rng)

    def select_lanes(self: Params, state: State, t: int, rng: Any, first: Any, second: Any) -> None:
        """Do the same for all lanes."""
        _select_lanes(self, state, t, True, rng, first, second)
