"""`compare`: play until the ranking of policies is settled, or the budget ends."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.components import is_kind
from banditlab.core.errors import InterruptedRunWarning, InvalidArgument, InvalidType
from banditlab.core.instances import Instances
from banditlab.core.machines import checked_backend
from banditlab.core.playing.experiment import Settings, checked_seed, labelled
from banditlab.core.playing.runner import run
from banditlab.core.playing.workers import checked_n_jobs
from banditlab.core.results.metrics import common_defaults, metric_name
from banditlab.core.validation import integer, invalid, positive_integer, shown

from .adastop import AdaStop
from .decisions import Decisions


def compare(
    policies: Any,
    environments: Any,
    level: float = 0.05,
    *,
    horizon: int,
    metric: str | None = None,
    better: str | None = None,
    comparisons: Sequence[tuple[str, str]] | None = None,
    group: int = 128,
    max_groups: int = 8,
    n_permutations: int = 10_000,
    seed: int | None = None,
    n_jobs: int | None = None,
    backend: str = "cpu",
    store: Any = None,
    progress: Any = "auto",
) -> Decisions:
    """Play policies until their ranking is settled, or the budget ends.

    After each group of runs, `AdaStop` decides which policies differ. More runs are played only of policies about which
    something is still undecided, up to `group * max_groups` each. No run is ever played twice.

    The level is exact if differences within a run, of all pairs of equal policies together, are symmetric about 0, and
    holds for large groups if only means are equal. If some differences are rare and large, that can need thousands of
    runs; the decision table flags comparisons that a few runs dominate (see `AdaStop`).

    Parameters
    ----------
    policies : list of policies, or dict from label to policy
        Who plays, at least two.
    environments : environment, list of environments, or dict from label to environment
        Where. There is a ranking for each; all decisions form one family.
    level : float, default 0.05
        Family-wise error: the probability that any two policies with the same mean are ever declared different, under
        the condition above.
    horizon : int
        Rounds per run; the metric is compared after the last one.
    metric : str, optional
        What to compare: the name of one column, such as 'reward' or 'pulls[0]'; default: the family's regret.
    better : {'smaller', 'larger'}, optional
        Which values are good; by default 'smaller' for regrets and violations, 'larger' for rewards, returns, CVaRs,
        profits and the rate of optimal arms. It must be given for other metrics, such as ``pulls[0]``.
    comparisons : list of pairs of labels, optional
        Which pairs of policies to compare; default all pairs.
    group : int, default 128
        Runs between looks. The default is the number simulated in lockstep: fewer take nearly as long. Larger groups
        make the level more reliable where differences are skewed.
    max_groups : int, default 8
        Looks at most: the budget is `group * max_groups` runs per policy and environment.
    n_permutations : int, default 10000
        Permutations to draw per look; at least `max_groups / level`.
    seed : int, optional
        Seed of the runs and of the permutations; default drawn afresh. The same seed gives the same decisions, whatever
        `n_jobs`.
    n_jobs, backend, store, progress
        As in `banditlab.run`.

    Returns
    -------
    Decisions
        The decision table: for each pair 'larger', 'smaller' or 'undecided', and the ranking. It displays itself as a
        table; `plot` draws it.

    Raises
    ------
    InvalidArgument, InvalidType
        For a bad argument, before anything is simulated. Also for a metric that is undefined in some run.
    IncompatiblePolicy
        If policies cannot play environments, before anything is simulated; the message lists every reason.

    Warns
    -----
    InterruptedRunWarning
        When interrupted: the decisions are then those of the groups that had finished.

    See Also
    --------
    banditlab.inference.AdaStop : The test, with its guarantee and assumptions.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> env = arms.Bernoulli([0.2, 0.5])
    >>> found = bl.compare([arms.UCB1(), arms.KLUCB(), arms.Uniform()], env, horizon=500, seed=0)
    >>> found.settled
    True
    >>> found.ranking().index.tolist()
    ['KLUCB', 'UCB1', 'Uniform']
    """
    if is_kind(policies, "environment"):
        raise InvalidType(
            f"policies is {shown(policies)}; allowed: policies first, as in compare(policies, environments)"
        )
    players = labelled("policies", policies, kind="policy")
    worlds = labelled("environments", environments)
    group = integer(1, limit=2**31)("group", group)
    if metric is None:
        metric = common_defaults(players)[0]
    if not isinstance(metric, str):
        raise InvalidType(f"metric is {shown(metric)}; allowed: a metric's name")
    metric = metric_name(metric)
    if len(players) < 2:
        raise InvalidArgument(f"policies has {len(players)} policy; allowed: at least two policies")
    horizon = positive_integer("horizon", horizon)
    settings = Settings(
        first_run=0,
        n_runs=group,
        seed=checked_seed(seed),
        checkpoints=[horizon],
        metrics=(metric,),
        backend=checked_backend(backend),
    )
    _check_budget(worlds, group, max_groups)
    recorded = _recorded(settings, metric, worlds, players, horizon)
    test = AdaStop(
        list(players),
        environments=list(worlds),
        comparisons=comparisons,
        level=level,
        max_groups=max_groups,
        n_permutations=n_permutations,
        seed=settings.seed,
        metric=metric,
        better=better,
    )
    options: dict[str, Any] = {"n_jobs": checked_n_jobs(n_jobs), "backend": backend, "progress": progress}
    options |= {"horizon": horizon, "checkpoints": [horizon], "metrics": recorded}
    options |= {"seed": settings.seed, "store": store}
    try:
        for k in range(test.max_groups):
            values = _played(test, worlds, players, range(k * group, (k + 1) * group), options)
            if values is None:
                break
            test.update(values)
            if test.settled:
                break
    except KeyboardInterrupt:
        if test.decisions.groups == 0:
            raise
        warnings.warn(
            f"interrupted: the decisions are those of the first {test.decisions.groups} groups",
            InterruptedRunWarning,
            stacklevel=2,
        )
    return _of(test, horizon)


def _check_budget(worlds: dict[str, Any], group: int, max_groups: Any) -> None:
    """Raise if there are fewer instances than runs that may be needed."""
    budget = group * positive_integer("max_groups", max_groups)
    for world in worlds.values():
        if isinstance(world, Instances) and world.most_runs is not None and world.most_runs < budget:
            raise InvalidArgument(
                f"group is {group} and max_groups is {max_groups}, which may need {budget} runs; allowed: a product of "
                f"at most {world.most_runs}, as each run plays one instance of {world!r}"
            )


def _played(
    test: AdaStop, worlds: dict[str, Any], players: dict[str, Any], runs: range, options: dict[str, Any]
) -> NDArray[np.float64] | None:
    """Return a group of runs as `AdaStop.update` takes it; None if it was interrupted, of which `run` has warned."""
    values = np.full((len(worlds), len(players), len(runs)), np.nan)
    for e, (name, world) in enumerate(worlds.items()):
        active = test.active(name)
        if not active:
            continue
        needed = {label: players[label] for label in active}
        result = run({name: world}, needed, first_run=runs[0], n_runs=len(runs), **options)
        if result.n_runs < len(runs):
            return None
        values[e, [test.policies.index(label) for label in active]] = result.values(test.metric)[:, :, 0]
    return values


def _recorded(settings: Settings, metric: str, worlds: dict[str, Any], players: dict[str, Any], horizon: int) -> str:
    """Return what a run must record to have a metric: itself, or what makes several columns (`pulls` for `pulls[2]`).

    Raise if no protocol knows it.
    """
    why: InvalidArgument | None = None
    try:
        jobs, name = settings.jobs(worlds, players, horizon), metric
    except InvalidArgument as unknown:
        why = unknown
        name = metric.partition("[")[0]
        try:
            jobs = dataclasses.replace(settings, metrics=(name,)).jobs(worlds, players, horizon)
        except InvalidArgument:
            raise unknown from None
    for job in jobs.values():
        if metric not in job.columns:
            if why is not None and job.columns == (name,):  # it has no parts: the mistake is in the brackets
                raise why
            raise invalid("metric", metric, f"one of {list(job.columns)}")
    return name


def _of(test: AdaStop, horizon: int) -> Decisions:
    return dataclasses.replace(test.decisions, horizon=horizon)
