"""Monotone submodular objectives with full-bandit feedback: coverage, and influence in a network."""

from __future__ import annotations

import contextlib
import functools
import numbers
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from banditlab.core.components import Params, Problem, field
from banditlab.core.errors import InvalidArgument
from banditlab.core.typed import FloatArray, IntArray, OptionalFloatArray
from banditlab.core.validation import (
    SEED,
    as_list,
    integer,
    invalid,
    matrix,
    open_probability,
    optional,
    positive_integer,
    vector,
)
from banditlab.core.validation import probability as a_probability

from .action_sets import an_action_set
from .family import environment
from .set_values import SetValued


def _covers(name: str, value: Any) -> NDArray[np.float64]:
    """Check for a matrix of zeros and ones."""
    with contextlib.suppress(ValueError):  # of ragged rows, which `matrix` explains
        value = value if np.asarray(value).dtype != np.bool_ else np.asarray(value, dtype=float)
    checked: NDArray[np.float64] = matrix(0.0, 1.0)(name, value)
    if ((checked != 0.0) & (checked != 1.0)).any():
        raise invalid(name, value, "a matrix of zeros and ones: whether an item (row) covers an element (column)")
    return checked


@environment
class Coverage(SetValued):
    r"""Each item covers some elements; the reward is 1 if a random element is covered by an item played.

    In round t an element :math:`e_t` is drawn, element e with probability :math:`w_e`. With :math:`C_i` the elements
    that item i covers, the reward of an action A, the only thing that is seen, is

    .. math:: f_t(A) = 1\{ e_t \in \textstyle\bigcup_{i \in A} C_i \}, \quad
        f(A) = E f_t(A) = \sum_{e \in \bigcup_{i \in A} C_i} w_e

    which is monotone and submodular. The metric `alpha_regret` is :math:`\alpha T \max_A f(A) - \sum_t f(A_t)` with
    :math:`\alpha = 1 - 1/e` for `UpToM` and 1/2 for a `Knapsack`; `regret` is that with :math:`\alpha = 1`.

    Parameters
    ----------
    covers : matrix of 0 and 1
        Whether an item (row) covers an element (column).
    actions : action set
        Which sets of items can be played; `UpToM` or `Knapsack` for the policies that approximate.
    weights : sequence of float, optional
        How often an element is drawn, relative to the others; default: all equally often.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> env = semibandits.Coverage([[1, 1, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0]], semibandits.UpToM(2))
    >>> env.value((0, 1)), env.best_action
    (0.75, (0, 1))
    """

    feedback: ClassVar[str] = "value"

    covers: FloatArray = field(check=_covers, doc="whether an item (row) covers an element (column)")
    actions: Any = field(check=an_action_set, kind="action_set", doc="which sets of items can be played")
    weights: OptionalFloatArray = field(
        default=None, check=optional(vector(0.0)), doc="how often an element is drawn; default alike"
    )

    def validate(self) -> None:
        """Check that there is one weight per element, and the action set."""
        elements = self.covers.shape[1]
        if self.weights is not None and (len(self.weights) != elements or not self.weights.sum() > 0.0):
            raise invalid("Coverage.weights", self.weights, f"one weight an element, {elements}, not all 0")
        self.check_sizes()

    @classmethod
    def random(cls, n_items: int, n_elements: int, density: float, actions: Any, seed: int = 0) -> Self:
        """Return a random instance: each item covers each element with probability `density`; weights are exponential.

        Parameters
        ----------
        n_items, n_elements : int
            The numbers of items and of elements.
        density : float
            In (0, 1).
        actions : action set
            Which sets of items can be played.
        seed : int, default 0
            Seed of NumPy's PCG64.

        Examples
        --------
        >>> from banditlab import semibandits
        >>> semibandits.Coverage.random(5, 20, 0.2, semibandits.UpToM(2)).n_arms
        5
        """
        rng = np.random.default_rng(SEED("seed", seed))
        shape = positive_integer("n_items", n_items), positive_integer("n_elements", n_elements)
        if shape[0] * shape[1] > 100_000_000:
            raise invalid("n_elements", n_elements, f"fewer, for {shape[0]} items (100 million entries)")
        covers = (rng.random(shape) < open_probability("density", density)).astype(float)
        made: Any = cls
        result: Self = made(covers, actions, weights=rng.exponential(size=shape[1]))
        return result

    @property
    def n_arms(self) -> int:  # type: ignore[override]
        """Number of items."""
        return len(self.covers)

    @property
    def shares(self) -> NDArray[np.float64]:
        """The probability of each element.

        Examples
        --------
        >>> from banditlab import semibandits
        >>> semibandits.Coverage([[1, 0], [0, 1]], semibandits.UpToM(1), weights=[1.0, 3.0]).shares.tolist()
        [0.25, 0.75]
        """
        weights = np.ones(self.covers.shape[1]) if self.weights is None else self.weights
        return weights / weights.sum()

    def means_of(self, sets: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return, for each set, the probability that it covers an element.

        Parameters
        ----------
        sets : int64 array (n_sets, size)
            One row a set: its items in ascending order.
        """
        union = self.covers[sets[:, 0]]
        for items in sets.T[1:]:
            np.maximum(union, self.covers[items], out=union)
        result: NDArray[np.float64] = union @ self.shares
        return result

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the table of means, and the running sums of the elements' probabilities."""
        return super().derive(problem) | {"cumulative": np.cumsum(self.shares), "weights": self.shares}

    def draw(self: Params, chosen: Any, size: int, lane: int, u: float, t: int, drawn: Any) -> float:
        """Draw an element, by bisection, and look whether it is covered."""
        low = 0
        high = self.cumulative.shape[0] - 1
        while low < high:
            middle = (low + high) // 2
            if u < self.cumulative[middle]:
                high = middle
            else:
                low = middle + 1
        covered = 0.0
        for k in range(size):
            drawn[k, lane] = self.covers[chosen[k, lane], low]
            covered = max(covered, drawn[k, lane])
        return covered


def _pairs(name: str, value: Any) -> NDArray[np.int64]:
    """Check for a list of pairs of different nodes, which are integers from 0."""
    found: dict[tuple[int, int], None] = {}  # in their order
    for k, pair in enumerate(as_list(name, value, "a list of pairs of different nodes, integers from 0")):
        ends = as_list(f"{name}[{k}]", pair, "a pair of nodes, integers from 0")
        if len(ends) != 2:
            raise invalid(f"{name}[{k}]", pair, "a pair of nodes, integers from 0")
        tail, head = (integer(0, limit=2**53)(f"{name}[{k}][{j}]", end) for j, end in enumerate(ends))
        if tail == head or (tail, head) in found:
            raise invalid(f"{name}[{k}]", pair, "an edge between two different nodes that is not in the list twice")
        found[tail, head] = None
    if not found:
        raise invalid(name, value, "at least one edge")
    made = np.array(list(found), dtype=np.int64)
    made.setflags(write=False)
    return made


def _one_or_each(name: str, value: Any) -> Any:
    """Check for one probability, or one per edge."""
    return a_probability(name, value) if isinstance(value, numbers.Real) else vector(0.0, 1.0)(name, value)


@environment
class Influence(SetValued):
    r"""The independent cascade model: the reward is the share of a network's nodes that the seeds reach.

    Items are nodes. In each round, each edge is live with its probability; the nodes that live edges lead to from the
    action's nodes (the seeds), the seeds included, are influenced. The reward, the only thing that is seen, is their
    share of all nodes: monotone and submodular in the seeds (Kempe, Kleinberg, Tardos 2003).

    Parameters
    ----------
    edges : list of pairs of int
        Directed edges; nodes are numbered from 0 to the largest number that occurs.
    actions : action set
        Which sets of seeds can be played; `UpToM` or `Knapsack` for the policies that approximate.
    probability : float or sequence of float, default 0.1
        The probability with which an edge is live: one for all, or one each.
    n_graphs : int, default 1000
        How many live-edge graphs are drawn beforehand.
    seed : int, default 0
        Seed of NumPy's PCG64, which draws them.

    Notes
    -----
    The expected influence of a set cannot be computed in polynomial time (it is #P-hard), and an estimate of it would
    add an error of its own to the regret. So the environment is the model's sample average: `n_graphs` live-edge graphs
    are drawn beforehand, each round plays on one of them, drawn uniformly, and means are exact averages over them.

    Metrics as for `Coverage`.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> env = semibandits.Influence(
    ...     [(0, 1), (1, 2), (3, 2)], semibandits.UpToM(1), probability=1.0, n_graphs=1
    ... )
    >>> env.best_action, env.best_value
    ((0,), 0.75)
    """

    feedback: ClassVar[str] = "value"

    edges: IntArray = field(check=_pairs, doc="directed edges between numbered nodes")
    actions: Any = field(check=an_action_set, kind="action_set", doc="which sets of seeds can be played")
    probability: Any = field(default=0.1, check=_one_or_each, doc="that an edge is live: one for all or one each")
    n_graphs: int = field(default=1000, check=integer(1, 1_000_000), doc="live-edge graphs drawn beforehand")
    seed: int = field(default=0, check=SEED, doc="of what draws them")

    def validate(self) -> None:
        """Check that there is one probability per edge, and sizes."""
        if np.ndim(self.probability) == 1 and len(self.probability) != len(self.edges):
            raise InvalidArgument(
                f"Influence.probability has {len(self.probability)} entries; allowed: one number, or one per edge, "
                f"{len(self.edges)}"
            )
        if self.n_graphs * self.n_arms**2 > 500_000_000:
            raise invalid("Influence.n_graphs", self.n_graphs, f"fewer, for {self.n_arms} nodes (half a gigabyte)")
        self.check_sizes()

    @property
    def n_arms(self) -> int:  # type: ignore[override]
        """Number of nodes."""
        return int(self.edges.max()) + 1

    @functools.cached_property
    def reached(self) -> NDArray[np.bool_]:
        """Whether, on each live-edge graph, a node (second axis) reaches another (third axis)."""
        rng = np.random.default_rng(self.seed)
        n = self.n_arms
        live = rng.random((self.n_graphs, len(self.edges))) < self.probability
        found = np.zeros((self.n_graphs, n, n), dtype=np.bool_)
        found[:, np.arange(n), np.arange(n)] = True
        found[:, self.edges[:, 0], self.edges[:, 1]] = live
        for k in range(n):  # Warshall: paths through nodes up to k
            found |= found[:, :, k, None] & found[:, None, k, :]
        return found

    def means_of(self, sets: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the share of nodes that each set reaches, averaged over the graphs.

        Parameters
        ----------
        sets : int64 array (n_sets, size)
            One row a set: its items in ascending order.

        Examples
        --------
        >>> import numpy as np
        >>> from banditlab import semibandits
        >>> env = semibandits.Influence(
        ...     [(0, 1), (1, 2), (3, 2)], semibandits.UpToM(2), probability=1.0, n_graphs=1
        ... )
        >>> env.means_of(np.array([[0, 1], [0, 3]])).tolist()
        [0.75, 1.0]
        """
        n = self.n_arms
        bits = np.packbits(self.reached.transpose(1, 0, 2).reshape(n, -1), axis=1)  # one row per seed
        numbers = [np.bitwise_count(np.bitwise_or.reduce(bits[seeds])).sum() for seeds in sets]
        return np.array(numbers) / (self.n_graphs * n)

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the table of means, and who reaches whom."""
        return super().derive(problem) | {"reached": self.reached}

    def draw(self: Params, chosen: Any, size: int, lane: int, u: float, t: int, drawn: Any) -> float:
        """Draw a graph, and count the nodes that are reached on it."""
        graph = int(u * self.reached.shape[0])
        n = self.reached.shape[1]
        influenced = 0
        for node in range(n):
            for k in range(size):
                if self.reached[graph, chosen[k, lane], node]:
                    influenced += 1
                    break
        for k in range(size):
            drawn[k, lane] = 1.0
        return influenced / n
