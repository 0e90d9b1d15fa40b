"""The linear program for optimal mechanisms with several agents: as a sparse matrix for HiGHS, and in CVXPY.

Variables, with mu in units of probability and everything else in units of probability times payment: mu(b); x_i[b, s,
theta] = mu(b) gamma_i(b, s, theta); y[b, s, a] = mu(b) pi(a | b, s); and z_i[b_i, b_i', s_i], at least what agent i can
earn at signal s_i, by the best report, after having made effort b_i' when told b_i.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.brief import brief
from banditlab.core.errors import BanditlabError

from .errors import NotImplementable
from .hiring_mechanism import HiringMechanism
from .live import TIGHT
from .program import checked_constraints, solved
from .simplex import Floats

if TYPE_CHECKING:
    from .hiring import HiringProblem

# Profiles that the solver recommends with less than this are its rounding; it allows 1e-10 per constraint.
NEVER = 1e-9


class _Layout:
    """Where the entries of mu, x and z are in one long vector."""

    def __init__(self, world: HiringProblem) -> None:
        n, efforts, signals, states = world.n_agents, world.n_efforts, world.n_signals, world.n_states
        count = 0

        def block(*shape: int) -> NDArray[np.intp]:
            nonlocal count
            made = np.arange(count, count + int(np.prod(shape))).reshape(shape)
            count = int(made.flat[-1]) + 1
            return made

        self.mu = block(*efforts)
        self.x = [block(*efforts, *signals, states) for _ in range(n)]
        self.z = [block(efforts[i], efforts[i], signals[i]) for i in range(n)]
        self.size = count


class _Rows:
    """Rows of a sparse matrix with upper bounds, one by one."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.columns: list[Any] = []
        self.values: list[Any] = []
        self.upper: list[float] = []

    def add(self, upper: float, *terms: tuple[Any, Any]) -> None:
        """Add the row: sum over terms of values times variables is at most `upper`."""
        for columns, values in terms:
            flat = np.ravel(columns)
            self.columns.append(flat)
            self.values.append(np.broadcast_to(np.ravel(values), flat.shape))
            self.rows.append(np.full(len(flat), len(self.upper)))
        self.upper.append(upper)

    def add_pairs(self, smaller: NDArray[np.intp], larger: NDArray[np.intp]) -> None:
        """Add, for each two variables in the same place, the row: the smaller minus the larger is at most 0."""
        first, n = len(self.upper), len(smaller)
        self.columns += [smaller, larger]
        self.values += [np.ones(n), -np.ones(n)]
        self.rows += [np.arange(first, first + n)] * 2
        self.upper += [0.0] * n

    def matrix(self, n_columns: int) -> Any:
        from scipy import sparse

        where = (np.concatenate(self.rows), np.concatenate(self.columns))
        return sparse.csr_array((np.concatenate(self.values), where), shape=(len(self.upper), n_columns))


def _recommendations(world: HiringProblem) -> Iterator[tuple[int, int]]:
    """Yield each agent with each effort that he may be told to make."""
    for i, n_efforts in enumerate(world.n_efforts):
        for told in range(n_efforts):
            yield i, told


def _deviating(world: HiringProblem, joint: Floats, agent: int, actual: int, seen: int) -> Floats:
    """Return p(theta) P((seen, s_-i) | (actual, b_-i), theta) with axes (b_-i..., s_-i..., theta)."""
    n = world.n_agents
    chosen: Any = joint.take(actual, axis=agent).take(seen, axis=n + agent)  # axes: b_-i..., theta, s_-i...
    moved: Floats = np.moveaxis(chosen, n - 1, -1)
    return moved


def _reporting(world: HiringProblem, cells: NDArray[Any], agent: int, told: int, report: int) -> NDArray[Any]:
    """Return entries of an array over (b..., s..., theta) where b_i is `told` and s_i is `report`."""
    return cells.take(told, axis=agent).take(report, axis=world.n_agents - 1 + agent)


def correlated_rows(world: HiringProblem, layout: _Layout, individually_rational: bool, slack: float) -> Any:
    """Return the matrix and the upper bounds of all inequalities; payments are in units of max_payment."""
    n, joint, scale = world.n_agents, world.joint, world.max_payment
    rows = _Rows()
    for i, told in _recommendations(world):
        told_mu, cost, n_signals = layout.mu.take(told, axis=i), world.costs[i] / scale, world.n_signals[i]
        paid = [_reporting(world, layout.x[i], i, told, report) for report in range(n_signals)]
        # What obedience earns is the sum over signals of what an honest report earns.
        honest = [(paid[s], -_deviating(world, joint, i, told, s)) for s in range(n_signals)]
        if individually_rational:
            rows.add(0.0, (told_mu, cost[told]), *honest)
        for actual in range(world.n_efforts[i]):
            z = layout.z[i][told, actual]
            rows.add(slack / scale, (z, 1.0), (told_mu, cost[told] - cost[actual]), *honest)
            weights = [_deviating(world, joint, i, actual, seen) for seen in range(n_signals)]
            for seen, report in np.ndindex(n_signals, n_signals):
                rows.add(0.0, (paid[report], weights[seen]), (z[seen], -1.0))
    # x <= mu, in units of max_payment
    per_profile = layout.x[0].size // layout.mu.size
    x = np.concatenate([cells.ravel() for cells in layout.x])
    rows.add_pairs(x, np.tile(np.repeat(layout.mu.ravel(), per_profile), n))
    return rows.matrix(layout.size), np.array(rows.upper)


def solve_correlated(world: HiringProblem, individually_rational: bool, slack: float) -> HiringMechanism:
    """Return the optimal mechanism.

    Decisions are left out of the program: agents do not care about them, so that the best decision on each profile of
    efforts and truthful signals is optimal, and gives each profile a worth.
    """
    from scipy.optimize import linprog

    layout, scale = _Layout(world), world.max_payment
    matrix, upper = correlated_rows(world, layout, individually_rational, slack)
    cost = np.zeros(layout.size)
    cost[layout.mu] = -world.profile_utilities / scale
    weights = np.moveaxis(world.joint, world.n_agents, -1)
    for x in layout.x:
        cost[x] = weights
    total = np.zeros((1, layout.size))
    total[0, layout.mu] = 1.0
    lower = np.zeros(layout.size)
    lower[np.concatenate([z.ravel() for z in layout.z])] = -np.inf
    found = linprog(
        cost,
        A_ub=matrix,
        b_ub=upper,
        A_eq=total,
        b_eq=[1.0],
        bounds=np.column_stack([lower, np.full(layout.size, np.inf)]),
        method="highs-ds",
        options=TIGHT,
    )
    if found.status != 0:
        raise BanditlabError(f"the program for the optimal mechanism ended with: {found.message}")
    payments = [found.x[x] * scale for x in layout.x]
    return _mechanism(world, found.x[layout.mu], payments, None)


def _mechanism(world: HiringProblem, mu: Floats, x: list[Floats], y: Floats | None) -> HiringMechanism:
    """Return the mechanism whose products with mu the program found."""
    n = world.n_agents
    mu = np.where(mu > NEVER, mu, 0.0)
    played = mu > 0.0

    def conditional(product: Floats, otherwise: Any) -> Floats:
        weight = mu.reshape(mu.shape + (1,) * (product.ndim - n))
        return np.where(weight > 0.0, product / np.where(weight > 0.0, weight, 1.0), otherwise)

    payments = tuple(np.clip(conditional(product, 0.0), 0.0, world.max_payment) for product in x)
    decisions = world.best_decisions
    if y is not None:
        decisions = np.maximum(conditional(y, decisions), 0.0)
        decisions = decisions / decisions.sum(axis=-1, keepdims=True)
    return HiringMechanism(world, np.where(played, mu, 0.0) / mu.sum(), payments, decisions, correlated=True)


@dataclass(frozen=True, eq=False)
class HiringProgram:
    """The program for the optimal mechanism, in CVXPY, whose variables are flattened in C order.

    Attributes
    ----------
    environment : HiringProblem
        Whose program it is.
    mu : cvxpy.Variable (n_profiles,)
        mu(b).
    shares : list of cvxpy.Variable (n_profiles, n_signal_profiles * n_states)
        mu(b) gamma_i(b, s, theta) / max_payment. The solver's tolerances are absolute, so the program and its
        constraints are in this unit; state your own in it where max_payment is far from 1.
    x : list of cvxpy.Expression (n_profiles, n_signal_profiles * n_states)
        mu(b) gamma_i(b, s, theta).
    y : cvxpy.Variable (n_profiles * n_signal_profiles, n_decisions)
        mu(b) pi(a | b, s).
    profit : cvxpy.Expression
        The principal's expected profit; in units of max_payment it is the objective.
    constraints : dict from str to list of cvxpy.Constraint
        By name: 'distribution', 'bounded', 'decisions', 'misreports', 'incentive', and 'individually rational'.
    """

    environment: HiringProblem
    mu: Any
    shares: list[Any]
    x: list[Any]
    y: Any
    profit: Any
    constraints: dict[str, list[Any]]

    __repr__ = brief

    def solve(self, constraints: Iterable[Any] = (), **options: Any) -> HiringMechanism:
        """Solve the program with further constraints.

        Parameters
        ----------
        constraints : iterable of cvxpy.Constraint
            On `mu`, `x`, `y` and what is made from them.
        **options
            For `cvxpy.Problem.solve`; the default is HiGHS with a feasibility tolerance of 1e-10.

        Returns
        -------
        HiringMechanism

        Raises
        ------
        NotImplementable
            If no mechanism satisfies all constraints.
        InvalidType, InvalidArgument
            If something is not a constraint, or not convex, or the solver is not installed.
        """
        import cvxpy as cp

        more, bound = checked_constraints(constraints), self.environment.max_payment
        problem = solved(cp.Maximize(self.profit / bound), self.constraints, more, options)
        if problem.status not in ("optimal", "optimal_inaccurate"):
            raise NotImplementable(
                f"the program with {len(more)} added constraints is {problem.status}; "
                "allowed: constraints that leave a mechanism"
            )
        world = self.environment
        shape = (*world.n_efforts, *world.n_signals)
        return _mechanism(
            world,
            np.asarray(self.mu.value).reshape(world.n_efforts),
            [np.asarray(x.value).reshape(*shape, world.n_states) * bound for x in self.shares],
            np.asarray(self.y.value).reshape(*shape, world.n_decisions),
        )


def state_program(world: HiringProblem, individually_rational: bool, slack: float) -> HiringProgram:
    """Return the program, decisions included, as the definitions state it."""
    import cvxpy as cp

    n, joint, bound = world.n_agents, world.joint, world.max_payment
    n_profiles, n_reports = world.n_arms, int(np.prod(world.n_signals))
    mu = cp.Variable(n_profiles, name="mu", nonneg=True)
    x = [cp.Variable((n_profiles, n_reports * world.n_states), name=f"shares{i}", nonneg=True) for i in range(n)]
    y = cp.Variable((n_profiles * n_reports, world.n_decisions), name="y", nonneg=True)
    weights = np.moveaxis(joint, n, -1).reshape(n_profiles, -1)
    worth = np.tensordot(joint, world.utility, axes=(n, 1)).reshape(n_profiles * n_reports, -1)
    each = cp.reshape(mu, (n_profiles, 1), order="C")
    constraints: dict[str, list[Any]] = {
        "distribution": [cp.sum(mu) == 1],
        "bounded": [x_i <= each for x_i in x],
        "decisions": [cp.sum(y, axis=1) == each[np.repeat(np.arange(n_profiles), n_reports), 0]],
        **_incentives(world, mu, x, individually_rational, slack),
    }
    profit = cp.sum(cp.multiply(worth / bound, y)) - sum(cp.sum(cp.multiply(weights, x_i)) for x_i in x)
    return HiringProgram(world, mu, x, [bound * x_i for x_i in x], y, bound * profit, constraints)


def _incentives(
    world: HiringProblem, mu: Any, x: list[Any], individually_rational: bool, slack: float
) -> dict[str, list[Any]]:
    """Return what makes telling the truth, obeying and, where asked for, taking part worth an agent's while."""
    import cvxpy as cp

    joint, bound = world.joint, world.max_payment
    profile = np.arange(world.n_arms).reshape(world.n_efforts)
    cell = np.arange(x[0].size).reshape(*world.n_efforts, *world.n_signals, -1)
    flat = [cp.reshape(x_i, (cell.size,), order="C") for x_i in x]

    def earned(i: int, told: int, actual: int, seen: int, report: int) -> Any:
        where = _reporting(world, cell, i, told, report).ravel()
        return flat[i][where] @ _deviating(world, joint, i, actual, seen).ravel()

    misreports, incentive, rational = [], [], []
    for i, told in _recommendations(world):
        cost, n_signals = world.costs[i] / bound, world.n_signals[i]
        told_mu = cp.sum(mu[profile.take(told, axis=i).ravel()])
        obedient = sum(earned(i, told, told, s, s) for s in range(n_signals)) - told_mu * cost[told]
        rational.append(obedient >= 0)
        for actual in range(world.n_efforts[i]):
            z = cp.Variable(n_signals, name=f"z{i}[{told},{actual}]")
            incentive.append(obedient >= cp.sum(z) - told_mu * cost[actual] - slack / bound)
            misreports += [
                z[seen] >= earned(i, told, actual, seen, report) for seen, report in np.ndindex(n_signals, n_signals)
            ]
    constraints = {"misreports": misreports, "incentive": incentive}
    return constraints | {"individually rational": rational} if individually_rational else constraints
