"""`run` and `start`: the two ways to play."""

from __future__ import annotations

import os
import secrets
import threading
import time
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checkpoints import checkpoint_rounds
from .components import describe, is_component
from .errors import IncompatiblePolicy, InterruptedRunWarning, InvalidArgument, InvalidType
from .progress import Progress
from .protocol import Batch
from .results import Cell, Results
from .validation import integer, invalid, one_of, positive_integer, shown

CHUNK = 128
"""Runs that one task plays in lockstep: their state fits the second-level cache, and the loops over lanes are long."""

SEED = integer(0, 2**64 - 1)


def run(
    environment: Any,
    policies: Any,
    *,
    horizon: int,
    n_runs: int,
    first_run: int = 0,
    seed: int | None = None,
    checkpoints: Any = "log",
    metrics: str | Sequence[str] = ("regret",),
    n_jobs: int | None = None,
    backend: str = "cpu",
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
        Rounds a run (T); at least 1 and at least the number of arms.
    n_runs : int
        Independent replications of each pair.
    first_run : int, default 0
        Number of the first run. Runs `first_run` to `first_run + n_runs - 1` of the seed are played: more of an
        experiment, without playing the earlier ones again.
    seed : int, optional
        From 0 to 2^64 - 1; default: drawn afresh and recorded in the result.
    checkpoints : {'log', 'linear'}, int, or sequence of int, default 'log'
        The rounds after which metrics are recorded (see `checkpoint_rounds`).
    metrics : str or sequence of str, default ('regret',)
        What to record; for arms: 'regret', 'reward', 'optimal_rate' and 'pulls'.
    n_jobs : int, optional
        Threads, as in joblib; default all cores, or what `joblib.parallel_config` says.
    backend : {'cpu', 'python'}, default 'cpu'
        'python' plays without compiling: slow, for debugging; the numbers are the same.
    progress : {'auto', True, False}
        Whether to show a progress bar; 'auto' does in terminals and notebooks.

    Returns
    -------
    Results
        The metrics of every run at every checkpoint.

    Raises
    ------
    InvalidArgument, InvalidType
        For a bad argument, before anything is simulated.
    IncompatiblePolicy
        If a policy cannot play an environment; the message lists every reason.

    Warns
    -----
    InterruptedRunWarning
        When interrupted: the result then holds the runs that every policy had finished.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> result = bl.run(arms.Bernoulli([0.2, 0.8]), [arms.UCB1(), arms.Uniform()], horizon=100, n_runs=10, seed=0)
    >>> result.policies
    ('UCB1', 'Uniform')
    """
    plan = _plan(environment, policies, horizon, n_runs, first_run, seed, checkpoints, metrics, n_jobs, backend)
    started = time.perf_counter()
    with Progress(plan.rounds, progress) as bar:
        _compile(plan, bar)
        compiled = time.perf_counter()
        finished = _play(plan, n_jobs, bar)
    provenance = {
        "horizon": plan.horizon,
        "n_runs": finished,
        "first_run": plan.first_run,
        "seed": plan.seed,
        "backend": backend,
        "environments": {name: describe(e) for name, e in plan.environments.items()},
        "policies": {name: describe(p) for name, p in plan.policies.items()},
        "compile_seconds": round(compiled - started, 6),
        "wall_seconds": round(time.perf_counter() - started, 6),
    }
    for cell in plan.cells.values():
        for name in cell.values:
            cell.values[name] = cell.values[name][:finished]
    return Results(plan.cells, plan.checkpoints, provenance)


@dataclass(frozen=True)
class _Plan:
    environments: dict[str, Any]
    policies: dict[str, Any]
    horizon: int
    n_runs: int
    first_run: int
    seed: int
    checkpoints: NDArray[np.int64]
    compiled: bool
    columns: dict[tuple[str, str], tuple[str, ...]]
    cells: dict[tuple[str, str], Cell]

    @property
    def rounds(self) -> int:
        return len(self.cells) * self.horizon * self.n_runs

    def batch(self, pair: tuple[str, str], skip: int, n_runs: int) -> Batch:
        first_run = self.first_run + skip
        return Batch(first_run, n_runs, self.horizon, self.checkpoints, self.columns[pair], self.seed, self.compiled)


def _plan(
    environment: Any,
    policies: Any,
    horizon: Any,
    n_runs: Any,
    first_run: Any,
    seed: Any,
    checkpoints: Any,
    metrics: Any,
    n_jobs: Any,
    backend: Any,
) -> _Plan:
    """Check every argument, and make room for the results."""
    environments = labelled("environment", environment)
    players = labelled("policies", policies, kind="policy")
    horizon = positive_integer("horizon", horizon)
    n_runs = integer(1, limit=2**31)("n_runs", n_runs)
    first_run = integer(0, limit=2**53)("first_run", first_run)
    if n_jobs is not None and integer()("n_jobs", n_jobs) == 0:
        raise invalid("n_jobs", n_jobs, "a number of threads of at least 1, or negative as in joblib: -1 for all cores")
    seed = secrets.randbits(63) if seed is None else SEED("seed", seed)
    one_of("cpu", "python")("backend", backend)
    rounds = checkpoint_rounds(checkpoints, horizon)
    requested = (metrics,) if isinstance(metrics, str) else metrics
    if not isinstance(requested, list | tuple) or not all(isinstance(m, str) for m in requested):
        raise InvalidType(f"metrics is {shown(metrics)}; allowed: a metric's name, or a list of names")
    requested = tuple(str(m) for m in requested)
    if not requested or len(set(requested)) < len(requested):
        raise invalid("metrics", metrics, "one or more different names")
    reasons = []
    for name, world in environments.items():
        integer(1)(f"{name}.n_arms", getattr(world, "n_arms", None))
        check_horizon(name, world, horizon)
        for label, player in players.items():
            reasons += [f"{label} cannot play {name}: {why}" for why in reasons_against(world, player, horizon)]
    if reasons:
        raise IncompatiblePolicy("; ".join(reasons))
    cells, columns = {}, {}
    for name, world in environments.items():
        bounds: dict[str, NDArray[np.float64] | None] = {}  # one a protocol: it can take an optimisation an arm
        for label, player in players.items():
            protocol = player.family.protocol
            if player.family.name not in bounds:
                bounds[player.family.name] = protocol.lower_bound(world, rounds)
            columns[name, label] = protocol.metric_names(world, requested)
            values = {metric: np.empty((n_runs, len(rounds))) for metric in columns[name, label]}
            cells[name, label] = Cell(values, 0.0, bounds[player.family.name])
    return _Plan(environments, players, horizon, n_runs, first_run, seed, rounds, backend == "cpu", columns, cells)


def check_horizon(label: str, environment: Any, horizon: int) -> None:
    """Raise if a horizon is too short or too long for an environment."""
    if horizon < environment.n_arms:
        raise invalid("horizon", horizon, f"at least {environment.n_arms}, the number of arms of {label}")
    if hasattr(environment, "check_horizon"):
        environment.check_horizon(horizon)


def reasons_against(environment: Any, policy: Any, horizon: int) -> list[str]:
    """Return every reason why a policy cannot play an environment; empty if it can."""
    plays, family = policy.family.plays, environment.family.name
    if family not in plays:
        return [f"it plays environments of {', '.join(plays)}, and this one is of {family}"]
    found: list[str] = policy.family.protocol.reasons_against(environment, policy, horizon)
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
        raise InvalidType(f"{name} is {shown(value)}; allowed: {_a(kind)}, a list of them, or a dict from label to one")
    if not found:
        raise invalid(name, value, f"at least one {kind}")
    return found


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _check_kind(name: str, value: Any, kind: str) -> None:
    if isinstance(value, type) and hasattr(value, "__banditlab__"):
        raise InvalidType(f"{name} is the class {value.__name__}; allowed: an instance, {value.__name__}(...)")
    if not is_component(value) or value.__banditlab__.kind != kind:
        raise InvalidType(f"{name} is {shown(value)}; allowed: {_a(kind)}")


def _compile(plan: _Plan, bar: Progress) -> None:
    if not plan.compiled:
        return
    for name, label in plan.cells:
        bar.say(f"compiling {label} on {type(plan.environments[name]).__name__}")
        world = plan.environments[name]
        player = plan.policies[label]
        player.family.protocol.warm_up(world, player, plan.batch((name, label), 0, 1))


class _Stopped(Exception):  # noqa: N818 - not an error
    """Raised inside tasks once the run has been interrupted."""


Outcome = tuple[int, NDArray[np.float64] | None, float]
"""What a task returns: its number, its metrics (None if it was stopped), and the seconds it took."""


def _simulate(index: int, world: Any, player: Any, batch: Batch, stop: threading.Event | None) -> Outcome:
    def watch(rounds: int) -> None:
        if stop is not None and stop.is_set():
            raise _Stopped

    started = time.perf_counter()
    try:
        values = player.family.protocol.simulate(world, player, batch, watch)
    except _Stopped:
        return index, None, 0.0
    return index, values, time.perf_counter() - started


def _play(plan: _Plan, n_jobs: int | None, bar: Progress) -> int:
    """Simulate all chunks; return how many runs, counted from the first one, every pair has finished."""
    bar.say("playing")
    # Runs outside, pairs inside: whatever has been finished when the user interrupts is then common to all pairs.
    chunks = [(first, min(CHUNK, plan.n_runs - first)) for first in range(0, plan.n_runs, CHUNK)]
    tasks = [(first, n, pair) for first, n in chunks for pair in plan.cells]
    done = dict.fromkeys((first for first, _ in chunks), 0)
    stop = threading.Event()
    try:
        with closing(_outcomes(plan, tasks, stop, n_jobs)) as outcomes:
            for index, values, seconds in outcomes:
                if values is None:
                    continue
                first, n, pair = tasks[index]
                cell = plan.cells[pair]
                for column, name in enumerate(plan.columns[pair]):
                    cell.values[name][first : first + n] = values[:, column, :]
                cell.seconds += seconds
                done[first] += 1
                bar.add(n * plan.horizon)
    except KeyboardInterrupt:
        finished = 0
        for first, n in chunks:
            if done[first] < len(plan.cells):
                break
            finished = first + n
        if finished == 0:
            raise
        warnings.warn(
            f"interrupted: the result holds the {finished} of {plan.n_runs} runs that had finished",
            InterruptedRunWarning,
            stacklevel=3,
        )
        return finished
    return plan.n_runs


def _outcomes(
    plan: _Plan, tasks: list[tuple[int, int, tuple[str, str]]], stop: threading.Event, n_jobs: int | None
) -> Generator[Outcome]:
    """Yield outcomes as tasks finish: in threads, unless `joblib.parallel_config` says otherwise."""
    from joblib import Parallel, delayed
    from joblib.parallel import get_active_backend

    backend, configured = get_active_backend(prefer="threads")
    if n_jobs is None:
        n_jobs = configured if configured not in (None, 1) else os.cpu_count() or 1
    shared = getattr(backend, "supports_sharedmem", False)

    def calls() -> Iterator[tuple[Any, ...]]:
        for index, (first, n, pair) in enumerate(tasks):
            batch = plan.batch(pair, first, n)
            yield index, plan.environments[pair[0]], plan.policies[pair[1]], batch, stop if shared else None

    if shared and (n_jobs == 1 or len(tasks) == 1):
        for call in calls():  # a pool for one thread would cost more than a short simulation
            yield _simulate(*call)
        return
    parallel = Parallel(n_jobs=min(n_jobs, len(tasks)), prefer="threads", return_as="generator_unordered", batch_size=1)
    finished = parallel(delayed(_simulate)(*call) for call in calls())
    try:
        for outcome in finished:  # noqa: UP028 - `yield from` would close it before the warnings are caught
            yield outcome
    except BaseException:
        stop.set()  # first, as closing waits for the tasks under way
        raise
    finally:
        with warnings.catch_warnings():
            # after an interruption joblib says that results are left over: they are, and the caller is told
            warnings.filterwarnings("ignore", category=UserWarning, module="joblib")
            warnings.filterwarnings("ignore", category=UserWarning, message=r"\d+ tasks")
            finished.close()


def start(policy: Any, n_arms: int, *, seed: int = 0, run: int = 0, horizon: int | None = None) -> Any:
    """Return an agent that plays a policy one round at a time, with real feedback.

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
        With `select()`, `update(arm, reward)` and a `state` that pickles and restores to the same future.

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
    return policy.family.protocol.start(policy, n_arms, SEED("seed", seed), integer(0)("run", run), length)
