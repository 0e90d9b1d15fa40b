"""`compare`: play until the ranking of policies is settled, or the budget ends."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from banditlab.core.errors import InterruptedRunWarning, InvalidArgument, InvalidType
from banditlab.core.runner import SEED, labelled, run
from banditlab.core.validation import integer, invalid, shown

from .adastop import AdaStop
from .decisions import Decisions


def compare(
    policies: Any,
    environments: Any,
    level: float = 0.05,
    *,
    horizon: int,
    metric: str = "regret",
    better: str | None = None,
    comparisons: Sequence[tuple[str, str]] | None = None,
    group: int = 128,
    max_groups: int = 8,
    n_permutations: int = 10_000,
    seed: int | None = None,
    n_jobs: int | None = None,
    backend: str = "cpu",
    progress: Any = "auto",
) -> Decisions:
    """Play policies until their ranking is settled, or the budget ends.

    After each group of runs `AdaStop` decides which policies differ. More runs are played of those policies only
    about which something is still undecided, up to `group * max_groups` each. No run is ever played twice.

    Parameters
    ----------
    policies : list of policies, or dict from label to policy
        Who plays, at least two.
    environments : environment, list of environments, or dict from label to environment
        Where. There is a ranking for each; all decisions are one family.
    level : float, default 0.05
        Family-wise error: the probability that any two policies are ever declared different whose mean is the same.
    horizon : int
        Rounds a run; the metric is compared after the last one.
    metric : str, default 'regret'
        What to compare: the name of one column, such as 'regret', 'reward' or 'pulls[0]'.
    better : {'smaller', 'larger'}, optional
        Which values are good; default 'smaller' for metrics with 'regret' in their name, 'larger' for others.
    comparisons : list of pairs of labels, optional
        Which policies to compare with which; default all pairs.
    group : int, default 128
        Runs between looks, as many as are simulated in lockstep: fewer take nearly as long.
    max_groups : int, default 8
        Looks at most: the budget is `group * max_groups` runs a policy and environment.
    n_permutations : int, default 10000
        Permutations to draw at a look; at least `max_groups / level`.
    seed : int, optional
        Of the runs and of the permutations; default drawn afresh. The same seed gives the same decisions, whatever
        `n_jobs`.
    n_jobs, backend, progress
        As in `banditlab.run`.

    Returns
    -------
    Decisions
        The decision table: for each pair 'larger', 'smaller' or 'undecided', and the ranking. Displays itself as a
        table; `plot` draws it.

    Raises
    ------
    InvalidArgument, InvalidType
        For a bad argument, before anything is simulated.
    IncompatiblePolicy
        If a policy cannot play an environment.

    Warns
    -----
    InterruptedRunWarning
        When interrupted: the decisions are then those of the groups that had finished.

    See Also
    --------
    banditlab.inference.AdaStop : The test, with its guarantee and what it supposes.

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
    players = labelled("policies", policies, kind="policy")
    worlds = labelled("environments", environments)
    group = integer(1, limit=2**31)("group", group)
    seed = secrets.randbits(63) if seed is None else SEED("seed", seed)
    if not isinstance(metric, str):
        raise InvalidType(f"metric is {shown(metric)}; allowed: a metric's name")
    if len(players) < 2:
        raise InvalidArgument(f"policies has {len(players)} policy; allowed: at least two policies")
    family = metric.partition("[")[0]
    for world in worlds.values():
        for player in players.values():
            columns = player.family.protocol.metric_names(world, (family,))
            if metric not in columns:
                raise invalid("metric", metric, f"one of {list(columns)}")
    test = AdaStop(
        list(players),
        environments=list(worlds),
        comparisons=comparisons,
        level=level,
        max_groups=max_groups,
        n_permutations=n_permutations,
        seed=seed,
        metric=metric,
        better=better,
    )
    options: dict[str, Any] = {"n_jobs": n_jobs, "backend": backend, "progress": progress, "seed": seed}
    k = 0
    while not test.finished:
        values = np.full((len(worlds), len(players), group), np.nan)
        try:
            for e, (name, world) in enumerate(worlds.items()):
                active = test.active(name)
                if not active:
                    continue
                result = run(
                    {name: world},
                    {label: players[label] for label in active},
                    horizon=horizon,
                    n_runs=group,
                    first_run=k * group,
                    checkpoints=[horizon],
                    metrics=family,
                    **options,
                )
                if result.n_runs < group:
                    return test.decisions  # interrupted, and `run` has said so
                values[e, [test.policies.index(label) for label in active]] = result.values(metric)[:, :, 0]
        except KeyboardInterrupt:
            if k == 0:
                raise
            warnings.warn(
                f"interrupted: the decisions are those of the first {k} groups", InterruptedRunWarning, stacklevel=2
            )
            return test.decisions
        test.update(values)
        k += 1
    return test.decisions
