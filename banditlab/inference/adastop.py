"""AdaStop: add runs until policies are told apart, controlling the family-wise error of all looks together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.results.results import Results
from banditlab.core.validation import SEED, invalid, one_of, positive_integer, shown
from banditlab.core.validation import n_permutations as checked_permutations

from .decisions import Decisions, implied_order
from .permutation import carried_by_few, error_level, flipped_statistics, smallest_p_value, step_down_p_values
from .scores import check_finite, smaller_is_better


class AdaStop:
    r"""Group-sequential permutation tests of which policies differ, on runs with common random numbers.

    Runs come in at most K groups. After group k, the differences :math:`D_{i,c}` of all :math:`N_k` runs so far
    are tested for every comparison c of two policies that is still undecided, in every environment:

    .. math:: T_c(\epsilon) = \Bigl|\sum_{i \le N_k} \epsilon_i D_{i,c}\Bigr|
        \Bigm/ \Bigl(\sum_{i \le N_k} D_{i,c}^2\Bigr)^{1/2}, \qquad \epsilon \in \{-1, 1\}^{N_k}.

    The statistic of the data is :math:`T_c(1, \dots, 1)`, and the null distribution is that of the same absolute
    statistic under random signs. The boundary at look k is the upper :math:`\alpha_k` quantile of
    :math:`\max_c T_c(\epsilon)` over undecided comparisons. The comparison with the largest statistic above it is
    decided, by the sign of its mean difference, and left out; this is repeated with the boundary of those that remain
    (step-down), until none is above. After each look, what follows from decisions is decided too: a over b and b over c
    put a over c. Such a decision is wrong only where one of those it follows from is, if only in its direction.
    (Decisions that contradict each other in a circle imply nothing.)

    **Level.** Up to look k, the level :math:`\alpha k / K` may be spent. A look with too few runs for a p-value as
    small as its share decides nothing and leaves its share to the next look.

    **Guarantee.** Where the null below holds exactly, the probability that any comparison of equal policies is ever
    tested and declared different is at most :math:`\alpha`, whatever is true of the others. The boundary of a set of
    comparisons is at least that of any subset, since the same signs serve both; so a first wrong decision at look k has
    a statistic above the boundary of the true nulls. That has probability at most :math:`\alpha_k`, and the
    :math:`\alpha_k` add up to at most :math:`\alpha`.

    **Which null is exact.** Policies of a run share its luck, so values cannot be permuted between runs. Exchanging two
    policies' labels within a run flips the sign of their difference. Hence a single comparison is tested exactly, for
    any number of runs, if the two policies are exchangeable within a run: (A, B) and (B, A) have the same distribution.
    For several comparisons, one sign per run flips all differences together, which keeps their dependence; the test is
    exact if the differences of all true nulls are jointly symmetric about 0. Permuting all labels of a run would pool
    the variances of policies. Values without shared luck are valid input too: policies with the same distribution are
    exchangeable when paired by number.

    **If only means are equal**, the level holds asymptotically, whatever the variances and dependence, since the signs
    keep the covariance of the differences. How many runs that takes depends on how skewed the differences are. Suppose
    that A is 1/p with probability p, else 0, and that B is 1: as long as no run shows 1/p, B is larger in every run.
    With groups of 128 at level 0.05, the error is 0.08 for p = 0.05, 0.26 for p = 0.02, and 0.40 for p = 0.01. Policies
    with a small probability of linear regret behave like that: on Bernoulli([0.5, 0.9]) with horizon 2000, UCB1(0.1)
    has the larger mean regret, by 0.6, and is declared to have the smaller one in 29 of 100 comparisons with UCB1(0.2).
    `Decisions` flags comparisons in which few runs carry much of the sum of squares: 18 of those 29. It cannot flag
    what no run has shown. Where such runs are to be expected, use groups large enough to contain many of them: some
    thousands of runs if one in a hundred is like that.

    Parameters
    ----------
    policies : sequence of str
        At least two labels.
    environments : sequence of str, optional
        Labels; default one environment. All of them are one family.
    comparisons : sequence of pairs of str, optional
        Which pairs of policies to compare; default all pairs. Fewer comparisons have more power.
    level : float, default 0.05
        Family-wise error :math:`\alpha`.
    max_groups : int, default 8
        K, the number of looks.
    n_permutations : int, default 10000
        Sign flips drawn per look; if there are fewer in all, all are enumerated. At least K / level, at most 10^7.
    seed : int, default 0
        Seed of the draws. The same seed and values give the same decisions.
    metric : str, default 'regret'
        What is compared.
    better : {'smaller', 'larger'}, optional
        Which values are good; by default 'smaller' for regrets and violations, 'larger' for rewards, returns, CVaRs,
        profits and the rate of optimal arms. It must be given for other metrics, such as ``pulls[0]``.

    Raises
    ------
    InvalidArgument, InvalidType
        For a bad argument.

    Notes
    -----
    The aim, uniform spending of the level, step-down, and enumeration or random draws are from the paper's abstract and
    the documentation and code of its authors' package; the paper's algorithm box and proofs were not at hand, and the
    formulas above are reconstructed. Known differences: (1) labels are permuted within runs, not between two
    independent samples; (2) statistics are divided by their root sum of squares; (3) the boundary counts all signs and
    not only those that crossed no earlier boundary, which gives a guarantee whose proof takes a few lines and includes
    the step-down. The price is that the level is not used up: one pair at :math:`\alpha = 0.05` and :math:`K = 5` errs
    with probability 0.033, and needs 16% more runs for the same power; (4) policies are never declared equal, only
    undecided. Comparing absolute statistics with a null distribution of signed ones, a known mistake, would double the
    level.

    References
    ----------
    Mathieu, Della Vecchia, Shilova, Centa de Medeiros, Kohler, Maillard, Preux 2023, arXiv 2306.10882. Romano and Wolf
    2005, Journal of the American Statistical Association 100(469).

    Examples
    --------
    >>> import numpy as np
    >>> from banditlab.inference import AdaStop
    >>> test = AdaStop(["a", "b", "c"], max_groups=4)
    >>> generator = np.random.default_rng(0)
    >>> while not test.finished:
    ...     test.update(generator.normal([[0.0], [0.0], [1.0]], 1.0, size=(3, 20)))
    >>> test.decisions.to_pandas()["decision"].tolist()
    ['undecided', 'smaller', 'smaller']
    """

    def __init__(
        self,
        policies: Sequence[str],
        *,
        environments: Sequence[str] | None = None,
        comparisons: Sequence[tuple[str, str]] | None = None,
        level: float = 0.05,
        max_groups: int = 8,
        n_permutations: int = 10_000,
        seed: int = 0,
        metric: str = "regret",
        better: str | None = None,
    ) -> None:
        self.policies = _labels("policies", policies, least=2)
        self.environments = _labels("environments", ("environment",) if environments is None else environments, least=1)
        self.pairs = _pairs(self.policies, comparisons)
        self.level: float = error_level("level", level)
        self.max_groups: int = positive_integer("max_groups", max_groups)
        self.n_permutations: int = checked_permutations("n_permutations", n_permutations)
        if self.n_permutations * self.level < self.max_groups:
            least = int(np.ceil(self.max_groups / self.level))
            raise invalid("n_permutations", n_permutations, f"at least max_groups / level, {least}")
        self.seed: int = SEED("seed", seed)
        self.metric = metric
        self.smaller_is_better = smaller_is_better(metric, better)
        shape = (len(self.environments), len(self.pairs))
        self._values = np.empty((len(self.environments), len(self.policies), 0))
        self._signs = np.zeros(shape, dtype=np.int64)
        self._implied = np.zeros(shape, dtype=bool)
        self._few_runs_rule = np.zeros(shape, dtype=bool)
        self._identical = np.zeros(shape, dtype=bool)
        self._differences = np.full(shape, np.nan)
        self._n_runs = np.zeros(shape, dtype=np.int64)
        self._groups = 0
        self._spent = 0.0
        self._named = environments is not None
        self._origin: dict[str, Any] = {}

    @property
    def settled(self) -> bool:
        """Whether every comparison is decided."""
        return bool(np.all(self._signs != 0))

    @property
    def finished(self) -> bool:
        """Whether no more runs are needed, or allowed."""
        return self.settled or self._groups == self.max_groups

    def active(self, environment: str | None = None) -> tuple[str, ...]:
        """Return the policies that are part of an undecided comparison, whose runs are still needed.

        Parameters
        ----------
        environment : str, optional
            One of `environments`; needed when there are several.

        Returns
        -------
        tuple of str

        Examples
        --------
        >>> import numpy as np
        >>> from banditlab.inference import AdaStop
        >>> test = AdaStop(["a", "b", "c"], max_groups=4)
        >>> test.update(np.random.default_rng(0).normal([[0.0], [0.0], [9.0]], 1.0, size=(3, 20)))
        >>> test.active()  # c differs from both
        ('a', 'b')
        """
        return tuple(self.policies[k] for k in self._needed(self.decisions.position(environment)))

    def _needed(self, environment: int) -> list[int]:
        return sorted(set(self.pairs[self._signs[environment] == 0].ravel().tolist()))

    def update(self, values: Any) -> None:
        """Take the next group of runs and decide what can be decided.

        The number of runs in a group must not depend on the results of earlier runs.

        Parameters
        ----------
        values : Results, or array of shape (policies, runs) or (environments, policies, runs)
            New runs, with the same luck for every policy. Policies that are not `active` may be missing (in an array:
            NaN), and so may environments in which no policy is active. Results must continue the experiment of the
            first ones, from the run after the last one; their last checkpoint counts.

        Raises
        ------
        InvalidArgument, InvalidType
            For values that have another shape or are not finite, for runs that are not the next ones or belong to
            another experiment, or when finished.
        """
        if self.finished:
            raise InvalidArgument(f"update comes after {self._groups} groups; allowed: as long as `finished` is False")
        group = self._from_results(values) if isinstance(values, Results) else self._from_array(values)
        self._values = np.concatenate([self._values, group], axis=2)
        self._groups += 1
        self._look()

    def _look(self) -> None:
        open_ = np.argwhere(self._signs == 0)
        e, c = open_.T
        first, second = self.pairs[c].T
        differences = self._values[e, first] - self._values[e, second]
        n = differences.shape[1]
        self._differences[e, c] = differences.mean(axis=1)
        self._n_runs[e, c] = n
        self._few_runs_rule[e, c] = carried_by_few(differences)
        self._identical[e, c] = ~differences.any(axis=1)
        share = self.level * self._groups / self.max_groups - self._spent
        if smallest_p_value(n, self.n_permutations) > share * (1.0 + 1e-12):
            return  # no p-value could be small enough
        generator = np.random.default_rng([self.seed, self._groups])
        statistics = flipped_statistics(differences, self.n_permutations, generator)
        # A p-value is a multiple of the smallest: comparing with a share that rounding made smaller would lose one
        # step.
        decided = step_down_p_values(statistics) <= share * (1.0 + 1e-12)
        self._spent = self.level * self._groups / self.max_groups
        self._signs[e[decided], c[decided]] = np.sign(differences[decided].mean(axis=1)).astype(np.int64)
        self._infer()

    def _infer(self) -> None:
        """Decide what follows from decisions."""
        first, second = self.pairs.T
        for e, signs in enumerate(self._signs):
            larger = implied_order(self.pairs, signs, len(self.policies)).astype(np.int64)
            follows = larger[first, second] - larger[second, first]
            new = (signs == 0) & (follows != 0)
            self._signs[e, new] = follows[new]
            self._implied[e, new] = True

    @property
    def decisions(self) -> Decisions:
        """What is known by now."""
        there = np.isfinite(self._values)
        played = there.sum(axis=2)
        total = np.where(there, self._values, 0.0).sum(axis=2)
        means = np.divide(total, played, out=np.full(total.shape, np.nan), where=played > 0)
        return Decisions(
            environments=self.environments,
            policies=self.policies,
            pairs=self.pairs,
            signs=self._signs.copy(),
            implied=self._implied.copy(),
            few_runs_rule=self._few_runs_rule.copy(),
            identical=self._identical.copy(),
            differences=self._differences.copy(),
            n_runs=self._n_runs.copy(),
            means=means,
            played=played,
            groups=self._groups,
            max_groups=self.max_groups,
            level=self.level,
            metric=self.metric,
            smaller_is_better=self.smaller_is_better,
            seed=self.seed,
            horizon=self._origin.get("horizon"),
        )

    def __repr__(self) -> str:
        """Return what is known by now."""
        return repr(self.decisions)

    def _from_results(self, values: Results) -> NDArray[np.float64]:
        origin = self._origin_with(values)
        if not self._named and len(values.environments) > 1:
            raise invalid("values.environments", values.environments, "one, or those that `environments` names")
        names = self.environments if self._named else values.environments
        known = names if self._named or not self._origin else self.environments
        if not set(values.environments) <= set(known):
            raise invalid("values.environments", values.environments, f"among {known}")
        if not set(values.policies) <= set(self.policies):
            raise invalid("values.policies", values.policies, f"among {self.policies}")
        group = np.full((len(names), len(self.policies), values.n_runs), np.nan)
        rows = [self.policies.index(label) for label in values.policies]
        for name in values.environments:
            group[names.index(name), rows] = values.values(self.metric, name)[:, :, -1]
        for e, name in enumerate(names):
            missing = [k for k in self._needed(e) if name not in values.environments or k not in rows]
            if missing:
                raise InvalidArgument(
                    f"values lacks {self.policies[missing[0]]} on {name}; allowed: results with every policy that is "
                    "part of an undecided comparison there"
                )
        group = self._checked(group, names)
        self.environments, self._origin = names, origin
        return group

    def _origin_with(self, values: Results) -> dict[str, Any]:
        """Return which experiment the runs belong to, or raise if it is not that of earlier groups."""
        parts = ("environments", "policies")
        origin: dict[str, Any] = {"horizon": values.horizon, "seed": values.seed, "first_run": values.first_run}
        origin |= {part: values.provenance.get(part, {}) for part in parts}
        n_before = self._values.shape[2]
        following = self._origin.get("first_run", 0) + n_before
        if self._groups and values.first_run != following:
            raise invalid("values.first_run", values.first_run, f"{following}, the run after the last one")
        if not self._origin:
            return origin | {"first_run": values.first_run - n_before}
        for name in ("horizon", "seed"):
            if origin[name] != self._origin[name]:
                raise invalid(f"values.{name}", origin[name], f"{self._origin[name]}, as in the first group")
        for part in parts:
            before = self._origin[part]
            for label, description in origin[part].items():
                if before.get(label, description) != description:
                    raise invalid(f"values.{part}[{label!r}]", description, f"{before[label]}, as in the first group")
            origin[part] = before | origin[part]
        return origin | {"first_run": self._origin["first_run"]}

    def _from_array(self, values: Any) -> NDArray[np.float64]:
        try:
            group = np.array(values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidType(f"values is {shown(values)}; allowed: Results, or an array of numbers") from error
        return self._checked(group[None] if group.ndim == 2 else group, self.environments)

    def _checked(self, group: NDArray[np.float64], names: tuple[str, ...]) -> NDArray[np.float64]:
        expected = (len(names), len(self.policies))
        if group.ndim != 3 or group.shape[:2] != expected or group.shape[2] < 1:
            raise InvalidArgument(
                f"values has shape {group.shape}; allowed: {expected} (environments, policies) and then runs, "
                "or (policies, runs) for one environment"
            )
        for e, name in enumerate(names):
            for k in self._needed(e):
                check_finite(group[e, k], self.metric, self.policies[k], name)
        return group


def _labels(name: str, value: Sequence[str], least: int) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(v, str) for v in value):
        raise InvalidType(f"{name} is {shown(value)}; allowed: a list of labels")
    if len(value) < least or len(set(value)) < len(value):
        raise invalid(name, value, f"at least {least} different labels")
    return tuple(value)


def _pairs(policies: tuple[str, ...], comparisons: Any) -> NDArray[np.int64]:
    if comparisons is None:
        n = len(policies)
        return np.array([(i, j) for i in range(n) for j in range(i + 1, n)])
    if isinstance(comparisons, str) or not isinstance(comparisons, Sequence) or not comparisons:
        raise InvalidType(f"comparisons is {shown(comparisons)}; allowed: a list of pairs of policies' labels")
    pairs: list[tuple[int, int]] = []
    for k, pair in enumerate(comparisons):
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            raise InvalidType(f"comparisons[{k}] is {shown(pair)}; allowed: a pair of policies' labels")
        for label in pair:
            one_of(*policies)(f"comparisons[{k}]", label)
        if pair[0] == pair[1] or {*pair} in [{policies[i], policies[j]} for i, j in pairs]:
            raise invalid(f"comparisons[{k}]", pair, "two different policies, each two once")
        pairs.append((policies.index(pair[0]), policies.index(pair[1])))
    return np.array(pairs)
