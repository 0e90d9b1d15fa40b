"""`run` and `start`: the two ways to play."""

from __future__ import annotations

import logging
import os
import secrets
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checkpoints import checkpoint_rounds
from .components import describe, is_component
from .engine import GOES_ON, play
from .errors import DeviceError, IncompatiblePolicy, InterruptedRunWarning, InvalidArgument, InvalidType
from .jobs import EveryRun, Gatherer, Job
from .machines import PRECISIONS, checked_backend, on_device
from .metrics import common_defaults, metric_name
from .progress import Progress
from .results import Cell, Results
from .statistics import EXACT, Moments
from .store import as_store
from .validation import SEED, integer, invalid, one_of, positive_integer, shown, with_article

RUN = integer(0, limit=2**53)
N_RUNS = integer(1, limit=2**31)
GATHERERS: dict[str, Callable[[Job], Gatherer]] = {"runs": EveryRun, "summary": Moments}
KEEPS = tuple(GATHERERS)


def run(
    environment: Any,
    policies: Any,
    *,
    horizon: int,
    n_runs: int,
    seed: int | None = None,
    checkpoints: Any = "log",
    metrics: str | Sequence[str] | None = None,
    n_jobs: int | None = None,
    backend: str = "cpu",
    precision: str = "double",
    first_run: int = 0,
    keep: str = "runs",
    store: Any = None,
    progress: Any = "auto",
) -> Results:
    """Play policies on environments, many times, and record their regret.

    Run i of a seed is the same trajectory to the last bit whatever `n_runs`, `n_jobs`, the other policies
    and their order; policies face the same luck (common random numbers), so that differences between
    them have a small variance.

    Parameters
    ----------
    environment : environment, list of environments, or dict from label to environment
        What to play.
    policies : policy, list of policies, or dict from label to policy
        Who plays. Default labels are the constructor calls; they must differ.
    horizon : int
        Rounds a run (T), for MDPs episodes; at least 1 and at least the number of arms (of actions, in
        `banditlab.scoring`, and so on).
    n_runs : int
        Independent replications of each pair.
    seed : int, optional
        From 0 to :math:`2^{64} - 1`; default: drawn afresh and recorded in the result.
    checkpoints : {'log', 'linear'}, int, or sequence of int, default 'log'
        The rounds after which metrics are recorded (see `checkpoint_rounds`).
    metrics : str or sequence of str, optional
        What to record; default: 'regret', for dueling bandits 'average_regret', for `cvar` 'cvar_regret'; policies of
        families that differ in this play together only where it is said. For arms:
        'regret', 'reward', 'optimal_rate', 'pulls', 'cvar_regret[0.1]', at any level; for clicks: 'regret',
        'selections', 'clicks', 'screened', 'screening_round'; for dueling bandits: those of
        `dueling.regrets.regret_table` and 'duels', with features those of `dueling.ContextualGLM`; for semi-bandits:
        'regret', 'reward', 'violations', 'any_violation', 'alpha_regret', 'pulls'; for MDPs of `cvar`:
        'cvar_regret[0.1]', 'cvar[0.1]', 'icvar_regret[0.1]', 'icvar[0.1]', at any level, 'return', 'estimate',
        'smallest_estimate', 'plans'; for `scoring`: 'regret', 'payment', 'profit', 'violation', 'bisection_rate',
        'solves'.
    n_jobs : int, optional
        Threads, or processes for families in plain Python, as in joblib; default all cores, or what
        `joblib.parallel_config` says.
    backend : {'cpu', 'python', 'cuda', 'cuda:1', 'auto'}, default 'cpu'
        'python' plays without compiling: slow, for debugging; the numbers are the same. 'cuda' plays on CuPy's current
        device, 'cuda:1' on that of this number; 'auto' on a device if there is one that can play everything, and work
        that is worth it, else on the processor: the result's provenance and the log say which.
    precision : {'double', 'single'}, default 'double'
        How the floating-point numbers of policies' states are stored. 'single' halves the memory that a device moves;
        what is computed from them is double. The numbers differ. Contextual duels, MDPs and scoring rules
        have 'double' only.
    first_run : int, default 0
        Runs first_run, ..., first_run + n_runs - 1 of the seed are played: to add to an experiment, or to share it out.
    keep : {'runs', 'summary'}
        'summary' keeps mean, deviation, extremes and quantiles of the metrics at each checkpoint (see
        `core.statistics.Statistics`), so that memory does not grow with the number of runs.
    store : path or Store, optional
        A folder of finished runs: what it holds is read instead of played, and what is played is added to it, chunk by
        chunk, so that nothing that has finished is lost or computed again (see `Store`).
    progress : {'auto', True, False}
        Whether to show a progress bar; 'auto' does in terminals and notebooks.

    Returns
    -------
    Results
        The metrics of every run at every checkpoint, or their statistics.

    Raises
    ------
    InvalidArgument, InvalidType
        For a bad argument, before anything is simulated.
    IncompatiblePolicy
        If a policy cannot play an environment; the message lists every reason.
    StoreError
        If the store cannot be used.
    DeviceError
        If the backend is a device, and a package, a driver, the device or memory on it is missing.

    Warns
    -----
    InterruptedRunWarning
        When interrupted: the result then holds the runs that every policy had finished.
    DamagedChunkWarning
        For a damaged file in the store, whose runs are then played again.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> result = bl.run(
    ...     arms.Bernoulli([0.2, 0.8]), [arms.UCB1(), arms.Uniform()], horizon=100, n_runs=10, seed=0
    ... )
    >>> result.policies
    ('UCB1', 'Uniform')
    """
    experiment = Experiment(
        horizon=positive_integer("horizon", horizon),
        **checked_settings(
            first_run=first_run, n_runs=n_runs, seed=seed, checkpoints=checkpoints, metrics=metrics, backend=backend,
            precision=precision, keep=keep, store=store,
        ),
    )  # fmt: skip
    n_jobs = checked_n_jobs(n_jobs)
    where = as_store(store)
    environments = labelled("environment", environment)
    players = labelled("policies", policies, kind="policy")
    jobs = experiment.jobs(environments, players)
    bounds = lower_bounds(jobs)
    started = time.perf_counter()
    with Progress(sum(job.rounds for job in jobs.values()), progress) as bar:
        played = play(
            list(jobs.values()), GATHERERS[keep], n_jobs=n_jobs, bar=bar, store=where, runs_first=True,
            names=[label for _, label in jobs],
        )  # fmt: skip
    finished = min(d.finished_from(experiment.first_run) for d in played.progress)
    if played.interrupted:
        if finished == 0:
            raise KeyboardInterrupt("before every policy had finished a run" + (GOES_ON if where is not None else ""))
        warnings.warn(
            f"interrupted: the result holds the {finished} of {experiment.n_runs} runs that had finished",
            InterruptedRunWarning,
            stacklevel=2,
        )
    cells = {
        pair: cell_of(gatherer, finished, progressed.seconds, bounds[pair])
        for pair, gatherer, progressed in zip(jobs, played.gatherers, played.progress, strict=True)
    }
    provenance = {
        "horizon": experiment.horizon,
        "first_run": experiment.first_run,
        "n_runs": finished,
        "seed": experiment.seed,
        "backend": next(iter(jobs.values())).backend,
        "precision": precision,
        "keep": keep,
        "environments": {name: describe(e) for name, e in environments.items()},
        "policies": {name: describe(p) for name, p in players.items()},
        "compile_seconds": round(played.compile_seconds, 6),
        "wall_seconds": round(time.perf_counter() - started, 6),
    }
    return Results(cells, next(iter(jobs.values())).checkpoints, provenance)


@dataclass(frozen=True)
class Experiment:
    """What all cells of an experiment have in common, checked.

    Attributes
    ----------
    horizon, first_run, n_runs, seed : int
        Sizes, first run and seed.
    checkpoints : as in `run`
        Which rounds are recorded.
    metrics : tuple of str or None
        What is recorded; None for what the policies' family records where nothing is said.
    backend : {'cpu', 'python', 'cuda:0', ..., 'auto'}
        Where it is played.
    precision : {'double', 'single'}
        How states are stored.
    reduced : bool
        Whether statistics of whole chunks will do, where a device can make them.
    """

    horizon: int
    first_run: int
    n_runs: int
    seed: int
    checkpoints: Any
    metrics: tuple[str, ...] | None
    backend: str
    precision: str = "double"
    reduced: bool = False

    def jobs(self, environments: dict[str, Any], policies: dict[str, Any]) -> dict[tuple[str, str], Job]:
        """Return one job a pair, or raise for all pairs that cannot play together."""
        rounds = checkpoint_rounds(self.checkpoints, self.horizon)
        reasons = []
        for name, world in environments.items():
            integer(1)(f"{name}.n_arms", getattr(world, "n_arms", None))
            check_horizon(name, world, self.horizon)
            for label, player in policies.items():
                found = reasons_against(world, player, self.horizon, self.precision)
                reasons += [f"{label} cannot play {name}: {why}" for why in found]
        if reasons:
            raise IncompatiblePolicy("; ".join(reasons))
        metrics = self.metrics or common_defaults(policies)
        backend = self._where(environments, policies)
        jobs = {
            (name, label): Job(
                environment=world,
                policy=player,
                horizon=self.horizon,
                checkpoints=rounds,
                columns=player.family.protocol.columns(world, player, metrics),
                first_run=self.first_run,
                n_runs=self.n_runs,
                seed=self.seed,
                backend=backend,
                precision=self.precision,
                reduced=on_device(backend) and self.reduced and self.n_runs > EXACT,
            )
            for name, world in environments.items()
            for label, player in policies.items()
        }
        if self.backend == "auto" and on_device(backend):
            try:
                _ = [job.chunk for job in jobs.values()]
            except DeviceError as error:  # not one run fits into its memory
                _tell("cpu", str(error))
                return {pair: replace(job, backend="cpu", reduced=False) for pair, job in jobs.items()}
        return jobs

    def _where(self, environments: dict[str, Any], policies: dict[str, Any]) -> str:
        """Return the backend; for 'auto' the one picked; raise for pairs that cannot play on a device."""
        if self.backend in ("cpu", "python"):
            return self.backend
        reasons = [
            f"{label} cannot play {name} on a CUDA device: {why}"
            for name, world in environments.items()
            for label, player in policies.items()
            for why in player.family.protocol.reasons_against_device(world, player)
        ]
        if self.backend != "auto":
            if reasons:
                raise IncompatiblePolicy("; ".join(reasons))
            return self.backend
        from .cuda import current_device, missing

        if self.n_runs * self.horizon < WORTH_A_DEVICE:
            reasons.append(f"{self.n_runs} runs of {self.horizon} rounds are soon played")
        reasons += [missing()] if missing() else []
        found = "cpu" if reasons else f"cuda:{current_device()}"
        _tell(found, reasons[0] if reasons else "")
        return found


def _tell(found: str, reason: str) -> None:
    """Log which backend 'auto' is, and why it is no device."""
    logging.getLogger("banditlab").info("backend 'auto' is %r%s", found, f": {reason}" if reason else "")


WORTH_A_DEVICE = 10**9
"""Rounds, of all runs of a policy, below which a device is not worth its compiler's and its memory's time."""


def lower_bounds(jobs: Mapping[Any, Job]) -> dict[Any, NDArray[np.float64] | None]:
    """Return each job's lower bound; computed once an environment, as it can take an optimisation an arm."""
    known: dict[Any, NDArray[np.float64] | None] = {}
    found = {}
    for name, job in jobs.items():
        key = id(job.environment), job.policy.family.name, job.horizon
        if key not in known:
            known[key] = job.protocol.lower_bound(job.environment, job.checkpoints)
        found[name] = known[key]
    return found


def cell_of(gatherer: Gatherer | None, n_runs: int, seconds: float, bound: NDArray[np.float64] | None) -> Cell:
    """Return what a job's gatherer has taken, of the first runs."""
    if isinstance(gatherer, EveryRun):
        return Cell({name: values[:n_runs] for name, values in gatherer.values.items()}, seconds, bound)
    assert isinstance(gatherer, Moments)
    return Cell({}, seconds, bound, gatherer.statistics())


def checked_settings(
    *,
    first_run: Any,
    n_runs: Any,
    seed: Any,
    checkpoints: Any,
    metrics: Any,
    backend: Any,
    precision: Any,
    keep: Any,
    store: Any,
) -> dict[str, Any]:
    """Return what an `Experiment` has besides its horizon; checkpoints are checked when that is known."""
    return {
        "first_run": RUN("first_run", first_run),
        "n_runs": N_RUNS("n_runs", n_runs),
        "seed": checked_seed(seed),
        "checkpoints": checkpoints,
        "metrics": checked_metrics(metrics),
        "backend": checked_backend(backend),
        "precision": one_of(*PRECISIONS)("precision", precision),
        "reduced": one_of(*KEEPS)("keep", keep) == "summary" and store is None,
    }


def checked_seed(seed: Any) -> int:
    """Return the seed, or a fresh one for None."""
    return secrets.randbits(63) if seed is None else int(SEED("seed", seed))


def checked_metrics(metrics: Any) -> tuple[str, ...] | None:
    """Return the names of the metrics asked for; None stands for what the family records by default."""
    if metrics is None:
        return None
    requested = (metrics,) if isinstance(metrics, str) else metrics
    if not isinstance(requested, list | tuple) or not requested or not all(isinstance(m, str) for m in requested):
        raise InvalidType(f"metrics is {shown(metrics)}; allowed: a metric's name, or a list of names")
    names = tuple(metric_name(m) for m in requested)
    for k, name in enumerate(names):
        if name in names[:k]:
            raise invalid(f"metrics[{k}]", name, "a name that is not in the list already")
    return names


def checked_n_jobs(n_jobs: Any) -> int | None:
    """Return a number of threads as joblib understands it, or raise."""
    if n_jobs is None:
        return None
    if integer()("n_jobs", n_jobs) == 0:
        raise invalid("n_jobs", n_jobs, "a number of threads of at least 1, or negative as in joblib: -1 for all cores")
    return int(n_jobs)


def n_threads(n_jobs: int | None) -> int:
    """Return how many threads a number stands for, as in joblib; None is what `parallel_config` says, or all cores."""
    from joblib.parallel import get_active_backend

    backend, configured = get_active_backend(prefer="threads")
    if n_jobs is None:
        n_jobs = configured if configured not in (None, 1) else os.cpu_count() or 1  # 1 is what it says by itself
    return n_jobs if n_jobs > 0 else int(backend.effective_n_jobs(n_jobs))


def check_horizon(label: str, environment: Any, horizon: int) -> None:
    """Raise if a horizon is too short or too long for an environment."""
    if horizon < environment.n_arms:
        choices = getattr(environment, "choices", environment.family.protocol.choices)
        raise invalid("horizon", horizon, f"at least {environment.n_arms}, the number of {choices} of {label}")
    if hasattr(environment, "check_horizon"):
        environment.check_horizon(horizon)


def reasons_against(environment: Any, policy: Any, horizon: int, precision: str = "double") -> list[str]:
    """Return every reason why a policy cannot play an environment; empty if it can."""
    plays, family = policy.family.plays, environment.family.name
    if family not in plays:
        return [f"it plays environments of {', '.join(plays)}, and this one is of {family}"]
    protocol = policy.family.protocol
    found: list[str] = protocol.reasons_against(environment, policy, horizon)
    if precision not in protocol.precisions:
        found = [*found, f"its states are stored in double precision only, and precision is {precision!r}"]
    return found


def labelled(name: str, value: Any, kind: str = "environment") -> dict[str, Any]:
    """Return components by label: one, a list of them, or a dict that already is that."""
    if isinstance(value, type) and hasattr(value, "__banditlab__"):
        _check_kind(name, value, kind)
    if is_component(value):
        value = [value]
    if isinstance(value, Mapping):
        for label in value:
            if not isinstance(label, str) or not label.isprintable() or not label.strip():
                raise InvalidType(f"{name} has the label {shown(label)}; allowed: printable text")
        found = dict(value)
        for label, component in found.items():
            _check_kind(f"{name}[{label!r}]", component, kind)
    elif isinstance(value, list | tuple):
        for k, component in enumerate(value):
            _check_kind(f"{name}[{k}]", component, kind)
        labels = [component.label for component in value]
        found = dict(zip(labels, value, strict=True))
        if len(found) < len(labels):
            twice = next(label for label in labels if labels.count(label) > 1)
            raise InvalidArgument(
                f"{name} has the label {twice!r} more than once; allowed: different labels "
                f"(name them with a dict: {{'first': {found[twice]!r}, 'second': ...}})"
            )
    else:
        raise InvalidType(
            f"{name} is {shown(value)}; allowed: {with_article(kind)}, a list of them, or a dict from label to one"
        )
    if not found:
        raise invalid(name, value, f"at least one {kind}")
    return found


def _check_kind(name: str, value: Any, kind: str) -> None:
    if isinstance(value, type) and hasattr(value, "__banditlab__"):
        raise InvalidType(f"{name} is the class {value.__name__}; allowed: an instance, {value.__name__}(...)")
    if not is_component(value) or value.__banditlab__.kind != kind:
        raise InvalidType(f"{name} is {shown(value)}; allowed: {with_article(kind)}")


def start(policy: Any, n_arms: int, *, seed: int = 0, run: int = 0, horizon: int | None = None) -> Any:
    r"""Return an agent that plays a policy one round at a time, with real feedback.

    Parameters
    ----------
    policy : policy
        What to play.
    n_arms : int
        Number of arms.
    seed, run : int, default 0
        The agent makes the choices of this run of a simulation with this seed, given the same rewards.
    horizon : int, optional
        For policies that need to know it.

    Returns
    -------
    Agent
        With `select()`, `update(arm, reward)` (for clicks `update(arm, clicked, reward)`, for duels
        `update((first, second), first_won)`, with features `select(features)`) and a `state` that pickles and restores
        to the same future.

    Notes
    -----
    A state is some numbers an arm. Policies for CVaR keep samples, and their state has room for those of all rounds
    from the start: pickled, 265 kB for `cvar.BernsteinUCB` with 3 arms and 10,000 rounds (:math:`8 (1 + \tau)` bytes an
    arm and round), 960 kB for `cvar.CVaRUCB` (32 bytes an arm and round), 120 kB for `cvar.BCVTS` (12 bytes a round).

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> agent = bl.start(arms.UCB1(), n_arms=3, seed=0)
    >>> agent.select()
    0
    >>> agent.update(0, 1.0)
    """
    _check_kind("policy", policy, "policy")
    length = None if horizon is None else positive_integer("horizon", horizon)
    return policy.family.protocol.start(policy, n_arms, SEED("seed", seed), RUN("run", run), length)
