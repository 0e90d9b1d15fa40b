"""k-MAX bandits: the reward is the largest outcome among the items played."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from banditlab.core.components import Params, Problem, field
from banditlab.core.errors import InvalidArgument
from banditlab.core.sampling import expanded, key
from banditlab.core.typed import FloatArray
from banditlab.core.validation import matrix, vector

from .action_sets import an_action_set
from .family import environment
from .set_values import SetValued


@environment
class KMax(SetValued):
    r"""The reward is the largest outcome among the items played; outcomes have finite supports.

    The outcome of item i is :math:`v_{ij}` with probability :math:`q_{ij}`, and 0 otherwise, independently of the other
    items. An action A is played; its reward is :math:`\max_{i \in A} X_i`, and the regret after T rounds is

    .. math:: R_T = \sum_{t=1}^T \left( \max_{A \in \mathcal{A}} r(A) - r(A_t) \right), \quad
        r(A) = E \max_{i \in A} X_i

    What is revealed depends on the policy: the reward alone (`SuperArmUCB`); value and index, that is, the reward and
    the item that gave it, the first if several did and none if the reward is 0 (`KMaxCUCB`); or all outcomes
    (`KMaxSemiBandit`).

    Parameters
    ----------
    values : matrix
        :math:`v_{ij}`: one row per item, in [0, 1]; rows are filled up with zeros.
    probabilities : matrix
        :math:`q_{ij}`, of the same shape; each row sums to at most 1.
    actions : action set
        Which sets of items can be played: `MSets(k)` in the paper.

    Notes
    -----
    Each round takes one uniform number; item i's outcome is made from the i-th expanded from it. Metrics as for
    `SemiBandit`; `alpha_regret` compares with the share `alpha` of the best mean, 1 for `MSets`.

    References
    ----------
    Wang, Chen, Vojnovic (2024), Combinatorial bandits for maximum value reward function under value-index feedback,
    ICLR, arXiv:2305.16074.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> env = semibandits.KMax.binary([1.0, 0.5, 0.4], [0.2, 0.5, 0.6], semibandits.MSets(2))
    >>> env.best_action, round(env.best_value, 6)  # 0.2 + 0.8 * 0.5 * 0.5
    ((0, 1), 0.4)
    """

    values: FloatArray = field(check=matrix(0.0, 1.0), doc="possible outcomes, one row per item")
    probabilities: FloatArray = field(check=matrix(0.0, 1.0), doc="their probabilities, one row per item")
    actions: Any = field(check=an_action_set, kind="action_set", doc="which sets of items can be played")

    def validate(self) -> None:
        """Check that shapes agree, and probabilities sum to at most 1."""
        if self.values.shape != self.probabilities.shape:
            raise InvalidArgument(
                f"KMax.probabilities has the shape {self.probabilities.shape}; allowed: that of values, "
                f"{self.values.shape}"
            )
        sums = self.probabilities.sum(axis=1)
        if (sums > 1.0 + 1e-12).any():
            item = int(np.argmax(sums))
            raise InvalidArgument(f"KMax.probabilities[{item}] sums to {sums[item]:.6g}; allowed: at most 1")
        self.check_sizes()

    @classmethod
    def binary(cls, values: ArrayLike, probabilities: ArrayLike, actions: Any) -> Self:
        """Return the environment whose item i gives `values[i]` with probability `probabilities[i]`, and 0 otherwise.

        Parameters
        ----------
        values, probabilities : sequence of float
            One of each an item, in [0, 1].
        actions : action set
            Which sets of items can be played.

        Examples
        --------
        >>> from banditlab import semibandits
        >>> semibandits.KMax.binary([1.0, 0.5], [0.2, 0.5], semibandits.MSets(1)).value((1,))
        0.25
        """
        checked = (vector(0.0, 1.0)(name, x) for name, x in (("values", values), ("probabilities", probabilities)))
        made: Any = cls
        return made(*(x[:, None] for x in checked), actions)

    @property
    def n_arms(self) -> int:  # type: ignore[override]
        """Number of items."""
        return len(self.values)

    def means_of(self, sets: NDArray[np.int64]) -> NDArray[np.float64]:
        r"""Return :math:`E[\max_{i \in A} X_i]` of each set A.

        It is the integral over x of the probability that the largest outcome exceeds x.

        Parameters
        ----------
        sets : int64 array (n_sets, size)
            One row a set: its items in ascending order.

        Examples
        --------
        >>> import numpy as np
        >>> from banditlab import semibandits
        >>> env = semibandits.KMax.binary([1.0, 0.5, 0.4], [0.2, 0.5, 0.6], semibandits.MSets(2))
        >>> env.means_of(np.array([[0, 1], [1, 2]])).round(6).tolist()
        [0.4, 0.37]
        """
        levels = np.unique(np.concatenate([[0.0], self.values.ravel()]))
        above = (self.probabilities[:, :, None] * (self.values[:, :, None] > levels)).sum(axis=1)
        at_most = 1.0 - above  # the distribution functions at the levels, one row per item
        exceeds = 1.0 - at_most[sets].prod(axis=1)
        result: NDArray[np.float64] = (exceeds[:, :-1] * np.diff(levels)).sum(axis=1)
        return result

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the table of means, and running sums of probabilities."""
        return super().derive(problem) | {"cumulative": np.cumsum(self.probabilities, axis=1)}

    def draw(self: Params, chosen: Any, size: int, lane: int, u: float, t: int, drawn: Any) -> float:
        """Draw each item from its own uniform number, and return the largest outcome."""
        bits = key(u)
        largest = 0.0
        for k in range(size):
            item = chosen[k, lane]
            x = expanded(bits, item)
            outcome = 0.0
            for j in range(self.values.shape[1]):
                if x < self.cumulative[item, j]:
                    outcome = self.values[item, j]
                    break
            drawn[k, lane] = outcome
            largest = max(largest, outcome)
        return largest
