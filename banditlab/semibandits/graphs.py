"""Action sets whose items are the edges of a graph: matchings, paths, spanning trees."""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Iterable, Iterator, Sequence
from graphlib import TopologicalSorter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.components import Params, Problem, Space, State, field
from banditlab.core.dispatch import device
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.validation import as_list, boolean, invalid, shown

from .action_sets import ENUMERABLE, Action, ActionSet, by_kernel, in_range
from .family import action_set

Edge = tuple[Hashable, Hashable]

NAMES = "names of nodes, which are words, integers or tuples of these"


def _node(name: str, value: object) -> Any:
    """Check for the name of a node: a word, an integer, or a tuple of these, as for the places of a grid."""
    if isinstance(value, list | tuple) and value:
        return tuple(_node(f"{name}[{k}]", part) for k, part in enumerate(value))
    if isinstance(value, bool | np.bool_) or not isinstance(value, str | int | np.integer):
        raise InvalidType(
            f"{name} is {shown(value)}; allowed: the name of a node, a word, an integer or a tuple of these"
        )
    return value if isinstance(value, str) else int(value)


def _edges(name: str, value: Any) -> list[Edge]:
    """Check for a list of pairs of names."""
    found = []
    for k, edge in enumerate(as_list(name, value, f"a list of pairs of {NAMES}")):
        ends = as_list(f"{name}[{k}]", edge, f"a pair of {NAMES}")
        if len(ends) != 2:
            raise invalid(f"{name}[{k}]", edge, f"a pair of {NAMES}")
        found.append((_node(f"{name}[{k}][0]", ends[0]), _node(f"{name}[{k}][1]", ends[1])))
    if not found:
        raise invalid(name, value, "at least one edge")
    return found


def _numbered(names: Iterable[Hashable]) -> dict[Hashable, int]:
    """Return the number of each name, in order of appearance."""
    return {name: k for k, name in enumerate(dict.fromkeys(names))}


def _predecessors(edges: Sequence[Edge]) -> TopologicalSorter[Hashable]:
    """Return what puts the nodes of a directed graph in order."""
    sorter: TopologicalSorter[Hashable] = TopologicalSorter()
    for tail, head in edges:
        sorter.add(head, tail)
    return sorter


def _graph(weights: Any, tails: Any, heads: Any, shape: tuple[int, int]) -> Any:
    """Return a sparse matrix of weights; its indices have 32 bits, which older SciPy's graph algorithms insist on."""
    from scipy.sparse import csr_array

    return csr_array((weights, (np.asarray(tails, np.int32), np.asarray(heads, np.int32))), shape=shape)


class EdgeSet(ActionSet):
    """Base of action sets whose items are edges: item k is edge k of the list."""

    edges: Sequence[Edge]

    @property
    def n_items(self) -> int:  # type: ignore[override]
        """Number of edges."""
        return len(self.edges)

    def find(self, weights: NDArray[np.float64]) -> Iterable[int]:
        """Return what the kernel finds."""
        return by_kernel(self, weights)

    def _refuse(self, edge: int, allowed: str) -> InvalidArgument:
        return invalid(f"{type(self).__name__}.edges[{edge}]", self.edges[edge], allowed)


@action_set
class Matchings(EdgeSet):
    """Sets of edges of a bipartite graph no two of which share a node.

    Parameters
    ----------
    edges : list of pairs
        The graph: item k is an edge between a left node, named first, and a right node. Left and right nodes are
        different nodes even where they have the same name.
    perfect : bool, default False
        Whether each node of the smaller side must be matched; otherwise any matching with at least one edge will do.

    Notes
    -----
    The oracle is the Hungarian algorithm, with a shortest augmenting path for each node of the smaller side; among
    equal matchings its choice is deterministic but otherwise unspecified. Edges of weight 0 or less are left out unless
    `perfect` is True or there are no others.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> pairs = semibandits.Matchings([("a", 1), ("a", 2), ("b", 1), ("b", 2)])
    >>> pairs.maximise([0.9, 0.8, 0.7, 0.1])
    (1, 2)
    """

    edges: Sequence[Edge] = field(check=_edges, doc="pairs of a left and a right node, one per item")
    perfect: bool = field(default=False, check=boolean, doc="whether the smaller side is matched completely")

    def validate(self) -> None:
        """Check that edges differ, and that there is a perfect matching if there must be."""
        first: dict[Edge, int] = {}
        for k, edge in enumerate(self.edges):
            if first.setdefault(edge, k) < k:
                raise self._refuse(k, f"edges that differ; it is the same as edges[{first[edge]}]")
        if self.perfect and self._largest() < min(self._shape()):
            raise InvalidArgument(
                f"Matchings.edges has no matching of more than {self._largest()} edges; allowed: one that matches the "
                f"smaller side, {min(self._shape())} nodes (or perfect=False)"
            )

    def _ends(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        left, right = (_numbered(edge[side] for edge in self.edges) for side in (0, 1))
        return np.array([left[a] for a, _ in self.edges]), np.array([right[b] for _, b in self.edges])

    def _shape(self) -> tuple[int, int]:
        tails, heads = self._ends()
        return int(tails.max()) + 1, int(heads.max()) + 1

    def _largest(self) -> int:
        from scipy.sparse.csgraph import maximum_bipartite_matching

        graph = _graph(np.ones(self.n_items), *self._ends(), self._shape())
        return int((maximum_bipartite_matching(graph, perm_type="column") >= 0).sum())

    def contains(self, action: Action) -> bool:
        """Say whether edges are a matching.

        Parameters
        ----------
        action : tuple of int
            Different items, in ascending order.

        Examples
        --------
        >>> from banditlab import semibandits
        >>> pairs = semibandits.Matchings([("a", 1), ("a", 2), ("b", 1), ("b", 2)])
        >>> pairs.contains((0, 3)), pairs.contains((0, 1))
        (True, False)
        """
        if not in_range(action, self.n_items):
            return False
        sides = zip(*(self.edges[k] for k in action), strict=True)
        complete = not self.perfect or len(action) == min(self._shape())
        return complete and all(len(set(side)) == len(action) for side in sides)

    def max_size(self, n_items: int) -> int:
        """Return the size of the largest matching."""
        return self._largest()

    def min_size(self, n_items: int) -> int:
        """Return 1, or the size of all matchings if they are perfect."""
        return min(self._shape()) if self.perfect else 1

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the edge between each node of the smaller side and each of the larger, -1 for none."""
        table = np.full(self._shape(), -1, np.int64)
        table[self._ends()] = np.arange(self.n_items)
        rows, columns = table.shape
        return {"table": np.ascontiguousarray(table if rows <= columns else table.T)}

    def scratch(self, space: Space) -> dict[str, Any]:
        """Return the arrays that `best` works on: prices of nodes, who is matched with whom, and a shortest path."""
        rows, columns = sorted(self._shape())
        integers: dict[str, Any] = {"dtype": np.int64}
        return {
            "gains": space.array(rows),
            "prices": space.array(columns + 1),
            "partner": space.array(columns + 1, **integers),
            "distance": space.array(columns + 1),
            "before": space.array(columns + 1, **integers),
            "reached": space.array(columns + 1, **integers),
        }

    def best(self: Params, work: State, weights: Any, lane: int, chosen: Any) -> int:
        """Match the rows of the table one after another, and read the edges off."""
        table, partner = self.table, work.partner
        rows, columns = table.shape
        for j in range(columns + 1):
            partner[j, lane] = -1
            work.prices[j, lane] = 0.0
        for i in range(rows):
            work.gains[i, lane] = 0.0
        for i in range(rows):
            _match(table, self.perfect, work, weights, lane, i)
        size = 0
        for j in range(columns):
            i = partner[j, lane]
            edge = table[i, j] if i >= 0 else -1
            if edge >= 0 and (self.perfect or weights[edge, lane] > 0.0):
                size = _insert(chosen, size, lane, edge)
        if size == 0:  # no weight is positive
            chosen[0, lane] = 0
            for edge in range(1, weights.shape[0]):
                if weights[edge, lane] > weights[chosen[0, lane], lane]:
                    chosen[0, lane] = edge
            size = 1
        return size


@device
def _cost(weights: Any, edge: int, lane: int, perfect: bool) -> float:
    """Return what it costs to match an edge's nodes, inf if they must not be; -1 is no edge."""
    if perfect:
        return -weights[edge, lane] if edge >= 0 else math.inf
    return -max(weights[edge, lane], 0.0) if edge >= 0 else 0.0


@device
def _match(table: Any, perfect: bool, work: State, weights: Any, lane: int, row: int) -> None:
    """Match one more row, for which others may change their columns: along a shortest path to a column that is free.

    An edge's length is its cost less the gain of its row and the price of its column: never negative, and 0 where
    they are matched. The last column is no node: the path begins there.
    """
    gains, prices, partner = work.gains, work.prices, work.partner
    distance, before, reached = work.distance, work.before, work.reached
    columns = table.shape[1]
    for j in range(columns + 1):
        distance[j, lane] = math.inf
        reached[j, lane] = 0
    column = columns
    partner[column, lane] = row
    while partner[column, lane] >= 0:
        reached[column, lane] = 1
        i = partner[column, lane]
        nearest, step = -1, math.inf
        for j in range(columns):
            if reached[j, lane] == 0:
                length = _cost(weights, table[i, j], lane, perfect) - gains[i, lane] - prices[j, lane]
                if length < distance[j, lane]:
                    distance[j, lane] = length
                    before[j, lane] = column
                if distance[j, lane] < step:
                    step = distance[j, lane]
                    nearest = j
        for j in range(columns + 1):
            if reached[j, lane] == 1:
                gains[partner[j, lane], lane] += step
                prices[j, lane] -= step
            else:
                distance[j, lane] -= step
        column = nearest
    while column != columns:
        previous = before[column, lane]
        partner[column, lane] = partner[previous, lane]
        column = previous
    partner[columns, lane] = -1


@action_set
class Paths(EdgeSet):
    """Paths from a source to a target in a directed graph without cycles.

    Parameters
    ----------
    edges : list of pairs
        The graph: item k is an edge from the node named first to the other. Two nodes may have several edges.
    source, target : word, int or tuple of these
        Names of the nodes between which paths run.

    Notes
    -----
    The oracle is a dynamic program from the target back: of the edges that leave a node, it keeps the one with the
    largest sum of weights up to the target; ties go to the first edge.

    Sums are maximised. To look for the cheapest path where edges have costs in [0, 1], let each edge pay 1 minus its
    cost, and give all paths the same number of edges: an edge that skips steps becomes several, all but one of which
    always pay 1.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> trips = semibandits.Paths([("s", "a"), ("a", "t"), ("s", "t")], source="s", target="t")
    >>> trips.maximise([0.4, 0.4, 0.7])
    (0, 1)
    >>> list(trips.enumerate(3))
    [(2,), (0, 1)]
    """

    edges: Sequence[Edge] = field(check=_edges, doc="pairs of nodes, from the first to the second, one per item")
    source: Any = field(check=_node, doc="the node where paths begin")
    target: Any = field(check=_node, doc="the node where paths end")

    def validate(self) -> None:
        """Check that there is no cycle, and that there is a path."""
        from graphlib import CycleError

        nodes = _numbered(itertools.chain.from_iterable(self.edges))
        for name in ("source", "target"):
            if getattr(self, name) not in nodes:
                raise invalid(f"Paths.{name}", getattr(self, name), "a node of edges")
        if self.source == self.target:
            raise invalid("Paths.target", self.target, "a node other than source")
        try:
            _predecessors(self.edges).prepare()
        except CycleError as error:
            cycle = " -> ".join(str(node) for node in error.args[1])
            raise InvalidArgument(f"Paths.edges has the cycle {cycle}; allowed: a graph without cycles") from None
        if self._numbers_of_paths()[self.source] == 0:
            raise InvalidArgument(f"Paths.edges leads from {self.source!r} to other nodes; allowed: to {self.target!r}")

    def _numbers_of_paths(self) -> dict[Hashable, int]:
        """Return how many paths to the target begin in a node, of every node that can be reached."""
        known: dict[Hashable, int] = {self.target: 1}
        heads: dict[Hashable, list[Hashable]] = {}
        for tail, head in self.edges:
            heads.setdefault(tail, []).append(head)
        waiting = [self.source]
        while waiting:
            following = heads.get(waiting[-1], [])
            unknown = [head for head in following if head not in known]
            if waiting[-1] in known or not unknown:
                node = waiting.pop()
                known.setdefault(node, sum(known[head] for head in following))
            else:
                waiting += unknown
        return known

    def contains(self, action: Action) -> bool:
        """Say whether edges are a path from source to target.

        Parameters
        ----------
        action : tuple of int
            Different items, in ascending order.

        Examples
        --------
        >>> from banditlab import semibandits
        >>> trips = semibandits.Paths([("s", "a"), ("a", "t"), ("s", "t")], source="s", target="t")
        >>> trips.contains((0, 1)), trips.contains((0, 2))
        (True, False)
        """
        if not in_range(action, self.n_items):
            return False
        following = {self.edges[k][0]: self.edges[k][1] for k in action}
        node, steps = self.source, 0
        while node in following:
            node, steps = following[node], steps + 1
        return bool(node == self.target) and steps == len(action)

    def max_size(self, n_items: int) -> int:
        """Return the number of edges of the longest path."""
        return len(list(self.find(np.ones(self.n_items))))

    def enumerate(self, n_items: int) -> Iterator[Action]:
        """Yield every path, shorter ones first, and in lexicographic order among those of the same length.

        Parameters
        ----------
        n_items : int
            The number of edges.

        Raises
        ------
        InvalidArgument
            If there are more than a million paths.

        Examples
        --------
        >>> from banditlab import semibandits
        >>> trips = semibandits.Paths([("s", "a"), ("a", "t"), ("s", "t")], source="s", target="t")
        >>> list(trips.enumerate(3))
        [(2,), (0, 1)]
        """
        self.check(n_items)
        numbers = self._numbers_of_paths()
        if numbers[self.source] > ENUMERABLE:
            raise InvalidArgument(
                f"Paths.edges has {numbers[self.source]} paths; allowed: at most {ENUMERABLE} to enumerate"
            )
        leaving: dict[Hashable, list[int]] = {}
        for k, (tail, head) in enumerate(self.edges):
            if numbers.get(head, 0) > 0:  # no dead ends
                leaving.setdefault(tail, []).append(k)
        paths: list[tuple[int, ...]] = []
        waiting: list[tuple[Hashable, Action]] = [(self.source, ())]
        while waiting:
            node, path = waiting.pop()
            if node == self.target:
                paths.append(tuple(sorted(path)))
            else:
                waiting += [(self.edges[k][1], (*path, k)) for k in leaving.get(node, [])]
        return iter(sorted(paths, key=lambda path: (len(path), path)))

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return edges of paths, those that leave later nodes first, with their nodes; and where each leads.

        Also where paths begin and end. Nodes are numbered in an order in which no edge leads back.
        """
        numbers, before = self._numbers_of_paths(), _predecessors(self.edges)
        place = {node: k for k, node in enumerate(before.static_order())}
        ends = np.array([[place[node] for node in edge] for edge in self.edges], np.int64)
        of_paths = [k for k, edge in enumerate(self.edges) if all(numbers.get(node, 0) > 0 for node in edge)]
        order = np.array(sorted(of_paths, key=lambda k: (-ends[k, 0], k)), np.int64)
        tails, heads = ends[order].T.copy()
        return {
            "order": order,
            "tails": tails,
            "heads": heads,
            "leads": ends[:, 1].copy(),
            "start": place[self.source],
            "goal": place[self.target],
        }

    def scratch(self, space: Space) -> dict[str, Any]:
        """Return the arrays that `best` works on: by node the largest sum ahead, and the edge that leads there."""
        nodes = len(_numbered(itertools.chain.from_iterable(self.edges)))
        return {"ahead": space.array(nodes), "leaving": space.array(nodes, dtype=np.int64)}

    def best(self: Params, work: State, weights: Any, lane: int, chosen: Any) -> int:
        """Find the heaviest way to the target from every node, the source last, and follow it."""
        ahead, leaving = work.ahead, work.leaving
        ahead[self.goal, lane] = 0.0
        before = -1
        for k in range(self.order.shape[0]):
            edge, tail = self.order[k], self.tails[k]
            total = weights[edge, lane] + ahead[self.heads[k], lane]
            if tail != before or total > ahead[tail, lane]:  # edges that leave one node come one after another
                ahead[tail, lane] = total
                leaving[tail, lane] = edge
            before = tail
        size = 0
        node = self.start
        while node != self.goal:
            edge = leaving[node, lane]
            node = self.leads[edge]
            size = _insert(chosen, size, lane, edge)
        return size


@action_set
class SpanningTrees(EdgeSet):
    """Spanning trees of an undirected graph.

    Parameters
    ----------
    edges : list of pairs
        The graph: item k is an edge between two different nodes. Two nodes may have several edges.

    Notes
    -----
    The oracle is Kruskal's algorithm; of equal trees, it chooses the lexicographically smallest.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> trees = semibandits.SpanningTrees([("a", "b"), ("b", "c"), ("a", "c")])
    >>> trees.maximise([0.1, 0.5, 0.9])
    (1, 2)
    """

    edges: Sequence[Edge] = field(check=_edges, doc="pairs of nodes, one per item")

    def validate(self) -> None:
        """Check that there is a tree, and that no edge is a loop."""
        for k, (a, b) in enumerate(self.edges):
            if a == b:
                raise self._refuse(k, "an edge between two different nodes")
        apart = self._components(range(self.n_items))
        if apart > 1:
            raise InvalidArgument(
                f"SpanningTrees.edges is a graph in {apart} parts; allowed: a connected one (else it has no tree)"
            )

    def _components(self, action: Iterable[int]) -> int:
        """Return how many parts the graph has with these edges alone."""
        from scipy.sparse.csgraph import connected_components

        number = _numbered(itertools.chain.from_iterable(self.edges))
        ends = np.array([[number[node] for node in self.edges[k]] for k in action]).reshape(-1, 2).T
        graph = _graph(np.ones(ends.shape[1]), ends[0], ends[1], (len(number), len(number)))
        return int(connected_components(graph, directed=False, return_labels=False))

    def contains(self, action: Action) -> bool:
        """Say whether edges are a spanning tree.

        Parameters
        ----------
        action : tuple of int
            Different items, in ascending order.

        Examples
        --------
        >>> from banditlab import semibandits
        >>> trees = semibandits.SpanningTrees([("a", "b"), ("b", "c"), ("a", "c")])
        >>> trees.contains((0, 2)), trees.contains((0, 1, 2))
        (True, False)
        """
        fits = in_range(action, self.n_items) and len(action) == self.max_size(self.n_items)
        return fits and self._components(action) == 1

    def max_size(self, n_items: int) -> int:
        """Return the number of edges of every tree: one fewer than nodes."""
        return len(_numbered(itertools.chain.from_iterable(self.edges))) - 1

    def min_size(self, n_items: int) -> int:
        """Return the same."""
        return self.max_size(n_items)

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the numbers of each edge's nodes."""
        number = _numbered(itertools.chain.from_iterable(self.edges))
        return {"ends": np.array([[number[node] for node in edge] for edge in self.edges], np.int64)}

    def scratch(self, space: Space) -> dict[str, Any]:
        """Return the arrays that `best` works on: edges in order of weight, a node of each part, edges of the tree."""
        integers: dict[str, Any] = {"dtype": np.int64}
        nodes = self.max_size(self.n_items) + 1
        names = {"order": self.n_items, "above": nodes, "belongs": self.n_items}
        return {name: space.array(n, **integers) for name, n in names.items()} | {"begun": space.per_lane(0, np.int64)}

    def best(self: Params, work: State, weights: Any, lane: int, chosen: Any) -> int:
        """Sort the edges, beginning with their last order, and take those that connect two parts."""
        order, above, belongs = work.order, work.above, work.belongs
        n, nodes = order.shape[0], above.shape[0]
        for k in range(n):
            if work.begun[lane] == 0:
                order[k, lane] = k
            edge = order[k, lane]
            x = weights[edge, lane]
            j = k
            while j > 0 and _heavier(x, edge, weights[order[j - 1, lane], lane], order[j - 1, lane]):
                order[j, lane] = order[j - 1, lane]
                j -= 1
            order[j, lane] = edge
            belongs[k, lane] = 0
        work.begun[lane] = 1
        for node in range(nodes):
            above[node, lane] = node
        missing = nodes - 1
        for k in range(n):
            edge = order[k, lane]
            a = _top(above, lane, self.ends[edge, 0])
            b = _top(above, lane, self.ends[edge, 1])
            if missing > 0 and a != b:
                above[a, lane] = b
                belongs[edge, lane] = 1
                missing -= 1
        size = 0
        for k in range(n):
            if belongs[k, lane] > 0:
                chosen[size, lane] = k
                size += 1
        return size


@device
def _heavier(x: float, edge: int, y: float, other: int) -> bool:
    """Say whether an edge of weight x comes before another of weight y."""
    return x > y or (x == y and edge < other)


@device
def _top(above: Any, lane: int, node: int) -> int:
    """Return the node that stands for a node's part, and shorten the way to it."""
    while above[node, lane] != node:
        above[node, lane] = above[above[node, lane], lane]
        node = above[node, lane]
    return node


@device
def _insert(chosen: Any, size: int, lane: int, edge: int) -> int:
    """Add an edge to those chosen, which ascend; return how many there are then."""
    k = size
    while k > 0 and chosen[k - 1, lane] > edge:
        chosen[k, lane] = chosen[k - 1, lane]
        k -= 1
    chosen[k, lane] = edge
    return size + 1
