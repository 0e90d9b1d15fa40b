"""What is to be played, checked before anything is played: settings, labels, and one job for each pair."""

from __future__ import annotations

import functools
import itertools
import logging
import numbers
import secrets
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from inspect import isfunction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..components import is_component, is_kind, remembered
from ..errors import AssumptionWarning, DeviceError, IncompatiblePolicy, InvalidArgument, InvalidType
from ..family import families, registered
from ..instances import Instances, protocol_of
from ..machines import PRECISIONS, checked_backend, on_device, usable_device
from ..origin import is_library, levels_up
from ..protocol import own_reasons, own_warnings
from ..results.checkpoints import checkpoint_rounds
from ..results.metrics import common_defaults, metric_name
from ..results.results import Cell
from ..results.statistics import EXACT, Moments
from ..validation import RUN, SEED, integer, invalid, one_of, shown, with_article
from .jobs import EveryRun, Gatherer, Job

N_RUNS = integer(1, limit=2**31)
GATHERERS: dict[str, Callable[[Job], Gatherer]] = {"runs": EveryRun, "summary": Moments}
KEEPS = tuple(GATHERERS)

METHODS_OF = {"policy": ("update", "select", "index", "act"), "environment": ("reward", "gap")}
"""Methods that show that a class without a decorator was meant to be a component of this kind."""

WORTH_A_DEVICE = 10**9
"""With fewer rounds, over all runs of a policy, a device is not worth the time of its compiler and memory."""


@dataclass(frozen=True)
class Settings:
    """What all cells of an experiment have in common, checked.

    Attributes
    ----------
    first_run, n_runs, seed : int
        The runs, and the seed.
    checkpoints : as in `run`
        Which rounds are recorded; checked once the horizon is known, as it may differ between the cells of a sweep.
    metrics : tuple of str or None
        What is recorded; None stands for what the policies' family records by default.
    backend : {'cpu', 'python', 'cuda:0', ..., 'auto'}
        Where it is played.
    precision : {'double', 'single'}
        How states are stored.
    reduced : bool
        Whether statistics of whole chunks are enough, where a device can compute them.
    doubts : dict from str to None
        What policies suppose and environments do not keep, of the jobs made so far: texts, in their order, each once.
    """

    first_run: int
    n_runs: int
    seed: int
    checkpoints: Any
    metrics: tuple[str, ...] | None
    backend: str
    precision: str = "double"
    reduced: bool = False
    doubts: dict[str, None] = field(default_factory=dict, compare=False)

    def warn_of_doubts(self) -> None:
        """Warn, once, of what policies suppose and environments do not keep, of all jobs that were made."""
        for doubt in self.doubts:
            warnings.warn(doubt, AssumptionWarning, stacklevel=levels_up())
        self.doubts.clear()

    def jobs(self, environments: dict[str, Any], policies: dict[str, Any], horizon: int) -> dict[tuple[str, str], Job]:
        """Return one job per pair, or raise for all pairs that cannot play together."""
        rounds = checkpoint_rounds(self.checkpoints, horizon)
        reasons = []
        for name, world in environments.items():
            n_arms = getattr(world, "n_arms", None)
            integer(1)(f"{name}.n_arms", n_arms)
            if not isinstance(n_arms, numbers.Integral):  # it is a length of arrays, everywhere
                raise InvalidType(f"{name}.n_arms is {shown(n_arms)}; allowed: an int, as int({n_arms}) is")
            check_horizon(name, world, horizon)
            specimen = world.specimen if isinstance(world, Instances) else world
            _check_once(specimen, horizon)
            if isinstance(world, Instances):
                world.check_runs(self.first_run, self.n_runs)
            for label, player in policies.items():
                found = reasons_against(world, player, horizon, self.precision)
                reasons += [f"{label} cannot play {name}: {'; '.join(found)}"] if found else []
        if reasons:
            raise IncompatiblePolicy("; ".join(reasons))
        for world, (label, player) in itertools.product(environments.values(), policies.items()):
            for doubt in own_warnings(player, getattr(world, "specimen", world), horizon):
                self.doubts[f"{label}: {doubt}"] = None
        metrics = self.metrics or common_defaults(policies)
        backend = self._where(environments, policies, horizon)
        jobs = {
            (name, label): Job(
                environment=world,
                policy=player,
                horizon=horizon,
                checkpoints=rounds,
                columns=protocol_of(world, player).columns(world, player, metrics),
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
            except DeviceError as error:  # not even one run fits into its memory
                _tell("cpu", str(error))
                return {pair: replace(job, backend="cpu", reduced=False) for pair, job in jobs.items()}
        return jobs

    @functools.cached_property
    def _device(self) -> str:
        """The device to play on: asked for once, however many cells a sweep has."""
        return usable_device(self.backend)

    def _where(self, environments: dict[str, Any], policies: dict[str, Any], horizon: int) -> str:
        """Return the backend ('auto' becomes the one picked), or raise for pairs that cannot play on a device."""
        if self.backend in ("cpu", "python"):
            return self.backend
        reasons = [
            f"{label} cannot play {name} on a CUDA device: {'; '.join(found)}"
            for name, world in environments.items()
            for label, player in policies.items()
            if (found := protocol_of(world, player).reasons_against_device(world, player))
        ]
        if self.backend != "auto":
            if reasons:
                raise IncompatiblePolicy("; ".join(reasons))
            return self._device
        from ..devices.cuda import current_device, missing

        if self.n_runs * horizon < WORTH_A_DEVICE:
            reasons.append(f"{self.n_runs} runs of {horizon} rounds are soon played")
        if not reasons and (told := missing()):
            reasons.append(told)
        found = "cpu" if reasons else f"cuda:{current_device()}"
        _tell(found, reasons[0] if reasons else "")
        return found


def _check_once(environment: Any, horizon: int) -> None:
    """Raise if no policy can play an environment; the cells of a sweep have it in common."""
    check = environment.family.protocol.check_environment
    remembered(environment, "checked", horizon, lambda: check(environment, horizon))


def _tell(found: str, reason: str) -> None:
    """Log which backend 'auto' picked, and why it is not a device."""
    logging.getLogger("banditlab").info("backend 'auto' is %r%s", found, f": {reason}" if reason else "")


KnownBounds = dict[Any, NDArray[np.float64] | None]
"""Lower bounds, by the values that they depend on."""


def lower_bounds(jobs: Mapping[Any, Job]) -> dict[Any, NDArray[np.float64] | None]:
    """Return each job's lower bound; computed once per environment, as it can take an optimisation per arm."""
    known: KnownBounds = {}
    return {name: lower_bound(job, known) for name, job in jobs.items()}


def lower_bound(job: Job, known: KnownBounds) -> NDArray[np.float64] | None:
    """Return a job's lower bound, and remember it."""
    key = id(job.environment), job.policy.family.name, job.horizon
    if key not in known:
        known[key] = job.protocol.lower_bound(job.environment, job.checkpoints)
    return known[key]


def cell_of(gatherer: Gatherer | None, n_runs: int, seconds: float, bound: NDArray[np.float64] | None) -> Cell:
    """Return what a job's gatherer has received, for the first runs."""
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
) -> Settings:
    """Return the arguments that `run` and `sweep` share, checked."""
    kept = one_of(*KEEPS)("keep", keep)
    return Settings(
        first_run=RUN("first_run", first_run),
        n_runs=N_RUNS("n_runs", n_runs),
        seed=checked_seed(seed),
        checkpoints=checkpoints,
        metrics=checked_metrics(metrics),
        backend=checked_backend(backend),
        precision=one_of(*PRECISIONS)("precision", precision),
        reduced=kept == "summary" and store is None,
    )


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


def check_horizon(label: str, environment: Any, horizon: int) -> None:
    """Raise if a horizon is too short or too long for an environment."""
    rules = environment.family.protocol
    if rules.tries_all and horizon < environment.n_arms:
        choices = getattr(environment, "choices", rules.choices)
        raise invalid("horizon", horizon, f"at least {environment.n_arms}, the number of {choices} of {label}")
    if hasattr(environment, "check_horizon"):
        environment.check_horizon(horizon)


def reasons_against(environment: Any, policy: Any, horizon: int, precision: str = "double") -> list[str]:
    """Return every reason why a policy cannot play an environment; empty if it can."""
    if isinstance(environment, Instances):  # the other instances are looked at when they are played
        return reasons_against(environment.specimen, policy, horizon, precision)
    plays, family = policy.family.plays, environment.family.name
    if family not in plays:
        played = environment.family.in_words
        named = _some_that_play(environment, policy, horizon, precision)
        such = f", such as {', '.join(named)}" if named else ""
        return [f"it plays {policy.family.in_words}, not {played}; allowed: policies for {played}{such}"]
    protocol = policy.family.protocol
    found: list[str] = protocol.reasons_against(environment, policy, horizon)
    found = found or own_reasons(policy, environment, horizon)  # last: it may rely on what the family has checked
    if precision not in protocol.precisions:
        found = [*found, f"its states are stored in double precision only, and precision is {precision!r}"]
    return found


def _some_that_play(environment: Any, policy: Any, horizon: int, precision: str) -> list[str]:
    """Return the names of up to three policies, made without arguments, that can play what another one cannot.

    Those of its own family come first, and then those whose names are most like its own.
    """
    import difflib

    owner, given = policy.family.name, type(policy).__name__.lower()

    def unlikeness(cls: Any) -> tuple[bool, float]:
        return cls.family.name != owner, -difflib.SequenceMatcher(None, cls.__name__.lower(), given).ratio()

    def can_play(cls: Any) -> bool:
        try:
            return not reasons_against(environment, cls(), horizon, precision)
        except Exception:  # noqa: BLE001 - it needs arguments, or the environment is broken: no advice is not an error
            return False

    known: list[Any] = [cls for family in families() for cls in registered(family, "policy").values()]
    others = [cls for cls in known if environment.family.name in cls.family.plays]
    able = (cls for cls in sorted(others, key=unlikeness) if can_play(cls))
    return [f"{cls.family.name}.{cls.__name__}" for cls in itertools.islice(able, 3)]


def labelled(name: str, value: Any, kind: str = "environment") -> dict[str, Any]:
    """Return components by label: from a single one, a list of them, or a dict that already has labels."""
    if isinstance(value, Mapping):
        for label in value:
            if not isinstance(label, str) or not label.isprintable() or not label.strip():
                raise InvalidType(f"{name} has the label {shown(label)}; allowed: printable text, not empty")
        given = {f"{name}[{label!r}]": component for label, component in value.items()}
    elif isinstance(value, list | tuple):
        given = {f"{name}[{k}]": component for k, component in enumerate(value)}
    else:
        drawn = ", or banditlab.Instances(f) for a function f that draws one" if kind == "environment" else ""
        drawn = drawn if isfunction(value) else ""
        check_kind(name, value, kind, or_else=f", a list of them, or a dict from label to one{drawn}")
        return {value.label: value}
    if not given:
        raise invalid(name, value, f"at least one {kind}")
    for place, component in given.items():
        check_kind(place, component, kind)
    labels = list(value) if isinstance(value, Mapping) else [component.label for component in value]
    found = dict(zip(labels, given.values(), strict=True))
    if len(found) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise InvalidArgument(
            f"{name} has the label {twice!r} more than once; allowed: different labels "
            f"(name them with a dict: {{'first': {found[twice]!r}, 'second': ...}})"
        )
    return found


def check_kind(name: str, value: Any, kind: str, *, or_else: str = "") -> None:
    """Raise unless a value is an environment, or a policy, as `kind` says; `or_else` names what else is allowed."""
    if is_kind(value, kind):
        return
    if isinstance(value, type) and hasattr(value, "__banditlab__"):
        raise InvalidType(f"{name} is the class {value.__name__}; allowed: an instance, {value.__name__}(...)")
    cls = value if isinstance(value, type) else type(value)
    bases = [base.__name__ for base in cls.__mro__ if "__banditlab__" in vars(base)]
    meant = not is_component(value) and any(
        isfunction(getattr(cls, name, None)) for name in METHODS_OF[kind] if not is_library(cls.__module__)
    )
    told = ""
    if bases and not is_component(value):
        told = f", and its class is not decorated, as {bases[0]} is"
    elif meant:
        told = f", and its class is not decorated, as with @arms.{kind}"
    raise InvalidType(f"{name} is {shown(value)}{told}; allowed: {with_article(kind)}{or_else}")
