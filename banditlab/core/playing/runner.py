"""`run` plays simulations; `start` makes an agent that plays with real feedback."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from typing import Any

from ..components import describe
from ..errors import InterruptedRunWarning
from ..results.results import Results
from ..stores.store import as_store
from ..validation import RUN, SEED, positive_integer
from .engine import GOES_ON, play
from .experiment import (
    GATHERERS,
    cell_of,
    check_kind,
    checked_settings,
    labelled,
    lower_bounds,
)
from .memory import require_memory
from .progress import Progress
from .workers import checked_n_jobs


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

    Run i of a seed is the same trajectory to the last bit, whatever `n_runs`, `n_jobs`, the other policies and their
    order. All policies face the same luck (common random numbers), so that differences between them vary less: much
    less for rewards, and somewhat for regret.

    Parameters
    ----------
    environment : environment, list of environments, or dict from label to environment
        What to play. Run i has the same luck on each of them. For a mean over instances drawn at random, pass
        `banditlab.Instances`, which is a different environment in each run.
    policies : policy, list of policies, or dict from label to policy
        Who plays. Default labels are the constructor calls; they must differ.
    horizon : int
        Rounds per run (T), for MDPs episodes; at least 1. Where policies try everything once, at least the number of
        arms, or of items: everywhere but in contextual duels, MDPs and `banditlab.scoring`.
    n_runs : int
        Independent replications of each pair.
    seed : int, optional
        From 0 to :math:`2^{64} - 1`; default: drawn afresh and recorded in the result.
    checkpoints : {'log', 'linear'}, int, or sequence of int, default 'log'
        The rounds after which metrics are recorded (see `checkpoint_rounds`).
    metrics : str or sequence of str, optional
        What to record; default: 'regret', for dueling bandits 'average_regret', for `cvar` 'cvar_regret'. If the
        defaults of the policies' families differ, `metrics` is required. For arms:
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
        device, 'cuda:1' on the device with that number. 'auto' plays on a device if there is one that can play
        everything and there is enough work to be worth it, else on the processor; the result's provenance and the log
        say which.
    precision : {'double', 'single'}, default 'double'
        How the floating-point numbers of policies' states are stored. 'single' halves the memory that a device moves;
        computations with them are still in double. The numbers differ. Contextual duels, MDPs and scoring rules have
        'double' only.
    first_run : int, default 0
        Runs first_run, ..., first_run + n_runs - 1 of the seed are played: to extend an experiment, or to split it up.
    keep : {'runs', 'summary'}, default 'runs'
        'summary' keeps the mean, deviation, extremes and quantiles of the metrics at each checkpoint (see
        `core.results.statistics.Statistics`), so that memory does not grow with the number of runs.
    store : path or Store, optional
        A folder of finished runs: what it holds is read instead of played, and what is played is added chunk by chunk,
        so that nothing finished is lost or computed again (see `Store`).
    progress : {'auto', True, False}, default 'auto'
        Whether to show a progress bar; 'auto' shows one in terminals and notebooks.

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
    NotANumberWarning
        For a policy whose state became NaN, now or when the store's runs were played.
    AssumptionWarning
        Where an environment does not keep what a policy supposes: `b` as a bound of rewards, for example.

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
    horizon = positive_integer("horizon", horizon)
    settings = checked_settings(
        first_run=first_run, n_runs=n_runs, seed=seed, checkpoints=checkpoints, metrics=metrics, backend=backend,
        precision=precision, keep=keep, store=store,
    )  # fmt: skip
    n_jobs = checked_n_jobs(n_jobs)
    where = as_store(store)
    environments = labelled("environment", environment)
    players = labelled("policies", policies, kind="policy")
    jobs = settings.jobs(environments, players, horizon)
    settings.warn_of_doubts()
    require_memory(jobs.values(), keep, together=True)
    bounds = lower_bounds(jobs)
    started = time.perf_counter()
    with Progress(sum(job.rounds for job in jobs.values()), progress) as bar:
        played = play(
            list(jobs.values()), GATHERERS[keep], n_jobs=n_jobs, bar=bar, store=where, runs_first=True,
            names=[label for _, label in jobs],
        )  # fmt: skip
    finished = played.together
    played.warn_of_nan(stacklevel=2)
    if played.interrupted:
        if finished == 0:
            raise KeyboardInterrupt("before every policy had finished a run" + (GOES_ON if where is not None else ""))
        warnings.warn(
            f"interrupted: the result holds the {finished} of {settings.n_runs} runs that had finished",
            InterruptedRunWarning,
            stacklevel=2,
        )
    cells = {
        pair: cell_of(gatherer, finished, progressed.seconds, bounds[pair])
        for pair, gatherer, progressed in zip(jobs, played.gatherers, played.progress, strict=True)
    }
    first = next(iter(jobs.values()))
    provenance = {
        "horizon": horizon,
        "round": first.protocol.round,
        "first_run": settings.first_run,
        "n_runs": finished,
        "seed": settings.seed,
        "backend": first.backend,
        "precision": precision,
        "keep": keep,
        "environments": {name: describe(e) for name, e in environments.items()},
        "policies": {name: describe(p) for name, p in players.items()},
        "compile_seconds": round(played.compile_seconds, 6),
        "wall_seconds": round(time.perf_counter() - started, 6),
    }
    return Results(cells, first.checkpoints, provenance)


def start(policy: Any, n_arms: int, *, seed: int = 0, run: int = 0, horizon: int | None = None) -> Any:
    r"""Return an agent that plays a policy one round at a time, with real feedback.

    Parameters
    ----------
    policy : policy
        What to play; not an oracle, nor one for the MDPs of `cvar` or for `scoring`.
    n_arms : int
        Number of arms; for semi-bandits, of items.
    seed, run : int, default 0
        The agent makes the choices of this run of a simulation with this seed, given the same rewards.
    horizon : int, optional
        For policies that need to know it.

    Returns
    -------
    Agent
        With `select()`, `update(arm, reward)` (for clicks `update(arm, clicked, reward)`, for duels
        `update((first, second), first_won)`, with features `select(features)`, for semi-bandits
        `update(action, outcomes)`) and a `state` that pickles and restores to the same future.

    Raises
    ------
    InvalidArgument, InvalidType
        For a bad argument, and for a policy that needs to know more than it is given: the horizon, a utility (`clicks`)
        or an action set (`semibandits`).

    Notes
    -----
    A state is a few numbers per arm. Policies for CVaR keep samples, and their state has room for those of all rounds
    from the start: pickled, 265 kB for `cvar.BernsteinUCB` with 3 arms and 10,000 rounds (:math:`8 (1 + \tau)` bytes
    per arm and round), 960 kB for `cvar.CVaRUCB` (32 bytes per arm and round), 120 kB for `cvar.BCVTS` (12 bytes per
    round).

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> agent = bl.start(arms.UCB1(), n_arms=3, seed=0)
    >>> agent.select()
    0
    >>> agent.update(0, 1.0)
    """
    check_kind("policy", policy, "policy")
    length = None if horizon is None else positive_integer("horizon", horizon)
    return policy.family.protocol.start(policy, n_arms, SEED("seed", seed), RUN("run", run), length)
