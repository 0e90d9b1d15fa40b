"""An environment that is a different one in each run: instances drawn at random, or listed."""

from __future__ import annotations

import contextlib
import copy
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import sampling
from .brief import short
from .compiling.mistakes import global_generator, plays_later
from .components import ComponentInfo, is_kind
from .errors import IncompatiblePolicy, InvalidArgument, InvalidType, StoreError
from .protocol import Batch, Protocol, Watch, own_reasons
from .stores.address import canonical
from .validation import RUN, SEED, count, shown

PROBES = 8
"""Number of environments by which a store identifies what a source draws."""


@dataclass(frozen=True, repr=False)
class Instances:
    r"""An environment that is a different one in each run: run i plays instance i.

    Policies meet the same instances with the same luck, and the runs are independent. So the mean over runs is a mean
    over instances and luck: for regret, the Bayes regret :math:`E_{\nu}[R_T(\nu)]`, with :math:`\nu` drawn as `source`
    draws it. Intervals account for both, and comparisons of policies run by run compare them on the same instance.

    Parameters
    ----------
    source : callable, or sequence of environments
        A callable `source(rng)` returns the environment of a run. It must depend on nothing that changes except `rng`,
        a `numpy.random.Generator`: for a given seed, each run has one of its own. A sequence holds the environments
        themselves: run i plays `source[i]`, and there can be at most as many runs as entries. All are of one class and
        have the same number of arms. They may belong to any family.

    Raises
    ------
    InvalidArgument, InvalidType
        When it is made, for a source that returns something else in its first calls, or draws from a global generator;
        while it is played, for a run whose environment is of another kind. `run` raises InvalidArgument for more runs
        than entries.
    IncompatiblePolicy
        While it is played, if a policy cannot play the instance of a run.

    Notes
    -----
    In `arms`, `cvar` bandits and `dueling` (without features), runs are played side by side, like those of a single
    environment, if the instances differ in numbers alone: not in the length of a table, or in when they change. Other
    instances are played one after another, which takes longer; consecutive runs that play the same instance, as with a
    list that repeats it, still share a kernel. CUDA devices are not supported.

    Plots have no lower bound: for most distributions, constants such as :math:`1 / \Delta` have an infinite mean.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> def uniform_means(rng):
    ...     return arms.Bernoulli(rng.random(10))
    >>> prior = bl.Instances(uniform_means)
    >>> result = bl.run(prior, arms.ThompsonSampling(), horizon=500, n_runs=100, seed=0)
    >>> result.environments
    ('Instances(uniform_means)',)
    >>> prior.instance(seed=0, run=7).n_arms
    10
    """

    source: Any
    specimen: Any = field(init=False)
    """One of them, which answers for all."""
    _first: int = field(init=False, default=0, compare=False)
    """The run that plays the first environment of the list: not 0 in what a process is sent."""
    _entries: int = field(init=False, default=0, compare=False)
    """The number of environments that were listed."""

    __banditlab__ = ComponentInfo("environment", {}, {})

    def __post_init__(self) -> None:
        """Check the source, and make one instance."""
        if callable(self.source) and not is_kind(self.source, "environment"):
            specimen = _tried(self.source)
        else:
            object.__setattr__(self, "source", _environments(self.source))
            specimen = self.source[0]
            object.__setattr__(self, "_entries", len(self.source))
        object.__setattr__(self, "specimen", specimen)
        for k, world in enumerate(self.source if self._is_list else ()):
            self._check(f"Instances.source[{k}]", world)

    @property
    def _is_list(self) -> bool:
        return isinstance(self.source, tuple)

    @property
    def family(self) -> Any:
        """The family of the instances."""
        return self.specimen.family

    @property
    def n_arms(self) -> int:
        """The number of arms of each instance."""
        return int(self.specimen.n_arms)

    @property
    def choices(self) -> str:
        """What `n_arms` counts, for messages."""
        return str(getattr(self.specimen, "choices", self.family.protocol.choices))

    @property
    def label(self) -> str:
        """`Instances`, and their source."""
        what = f"{self.most_runs} {type(self.specimen).__name__}" if self._is_list else short(self.source)
        return f"Instances({what})"

    def __repr__(self) -> str:
        """Return the label."""
        return self.label

    def check_horizon(self, horizon: int) -> None:
        """Raise if a horizon is too short or too long for an instance."""
        for world in self.source if self._is_list else (self.specimen,):
            if hasattr(world, "check_horizon"):
                world.check_horizon(horizon)

    @property
    def most_runs(self) -> int | None:
        """The number of runs for which there are instances; None for any number."""
        return self._entries if self._is_list else None

    def check_runs(self, first_run: int, n_runs: int) -> None:
        """Raise if some run has no instance."""
        if self.most_runs is not None and first_run + n_runs > self.most_runs:
            told = f"n_runs is {n_runs}" + (f" from run {first_run} on" if first_run else "")
            raise InvalidArgument(f"{told}; allowed: runs 0 to {self.most_runs - 1}, one per instance of {self!r}")

    def instance(self, seed: int, run: int) -> Any:
        """Return the environment that a run of a seed plays.

        Parameters
        ----------
        seed : int
            As passed to `run`. A list of environments is the same for every seed.
        run : int
            From 0; for a list, below the number of its entries.

        Raises
        ------
        InvalidArgument, InvalidType
            If the source returns something that is not an environment, or has too few entries.

        Examples
        --------
        >>> import banditlab as bl
        >>> from banditlab import arms
        >>> drawn = bl.Instances(lambda rng: arms.Bernoulli(rng.random(2)))
        >>> [drawn.instance(seed=0, run=run).means.round(3).tolist() for run in (0, 1)]
        [[0.126, 0.706], [0.954, 0.538]]
        >>> listed = bl.Instances([arms.Bernoulli([0.1, 0.2]), arms.Bernoulli([0.8, 0.9])])
        >>> listed.instance(seed=0, run=1)
        Bernoulli([0.8, 0.9])
        """
        seed, run = SEED("seed", seed), RUN("run", run)
        if self._is_list:
            if not 0 <= run - self._first < len(self.source):
                raise InvalidArgument(f"run is {run}; allowed: 0 to {self._entries - 1}, one per instance of {self!r}")
            return self.source[run - self._first]
        with _noted(f"when the instance of run {run} of seed {seed} was drawn"):
            world = self.source(sampling.generator(seed, sampling.INSTANCE_STREAM, run))
        self._check(f"the instance of run {run}", world)
        return world

    def for_runs(self, first_run: int, n_runs: int) -> Instances:
        """Return instances that play these runs alike, without the entries of other runs: what a process is sent."""
        if not self._is_list:
            return self
        made, start = copy.copy(self), first_run - self._first
        object.__setattr__(made, "source", self.source[start : start + n_runs])
        object.__setattr__(made, "_first", first_run)
        return made

    def parts_now(self) -> dict[str, Any]:
        """Return what the address of stored runs is made of: the source, and a few environments that it draws now."""
        if self._is_list:
            return {"source": self.source}
        drawn: list[Any] = []
        for seed in range(PROBES):
            try:
                drawn.append(self.source(np.random.default_rng(seed)))
            except Exception as error:  # noqa: BLE001 - it is told if a run meets it
                drawn.append(type(error).__name__)
        return {"source": self.source, "drawn": drawn}

    def _check(self, name: str, world: Any) -> None:
        """Raise for an environment that is not of the same kind as the specimen."""
        if type(world) is not type(self.specimen) or world.n_arms != self.n_arms:
            told = count(self.n_arms, self.choices.removesuffix("s"), self.choices)
            raise InvalidArgument(
                f"{name} is {shown(world)}; allowed: a {type(self.specimen).__name__} with {told}, as the first was"
            )

    def protocol(self, rules: Protocol) -> InstancesProtocol:
        """Return the rules of the instances' family, for playing each run on its instance."""
        return InstancesProtocol(rules)


class InstancesProtocol:
    """A family's rules, played on a different environment in each run; anything not defined here is the family's."""

    def __init__(self, rules: Protocol) -> None:
        self._rules = rules

    def __getattr__(self, name: str) -> Any:
        """Return the family's attribute."""
        if name == "_rules":  # asked for while it is copied or unpickled, before it has any
            raise AttributeError(name)
        return getattr(self._rules, name)

    def columns(self, environment: Instances, policy: Any, requested: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of the columns for any of the instances."""
        return self._rules.columns(environment.specimen, policy, requested)

    def rehearsal(self, environment: Instances, policy: Any) -> int:
        """Return how many rounds are played in plain Python of an environment as large as each of the instances."""
        return self._rules.rehearsal(environment.specimen, policy)

    def reasons_against_device(self, environment: Instances, policy: Any) -> list[str]:
        """Return that devices are not supported."""
        return ["each of its runs is another environment"]

    def lower_bound(self, environment: Instances, rounds: NDArray[np.int64]) -> None:
        """Return none: constants such as 1 / gap have no mean in general."""

    def warm_up(self, environment: Instances, policy: Any, batch: Batch) -> None:
        """Compile what instances need; those that cannot be played side by side need what each of them does alone."""
        alone = self._rules.side_by_side([environment.specimen], batch.horizon, batch.columns)
        self._rules.warm_up(environment.specimen if alone is None else alone, policy, batch)

    def simulate(self, environment: Instances, policy: Any, batch: Batch, watch: Watch) -> NDArray[np.float64]:
        """Play each run on its instance: side by side if the family can, otherwise one after another."""
        runs = range(batch.first_run, batch.first_run + batch.n_runs)
        worlds = [(environment.instance(batch.seed, run), run) for run in runs]
        for world, run in worlds:
            with _noted(f"of the instance of run {run} of {environment!r}"):
                self._check(world, policy, batch.horizon)
        together = self._side_by_side(environment, worlds, batch)
        if together is not None:
            return self._rules.simulate(together, policy, batch, watch)
        parts = []
        for _, same in groupby(worlds, key=lambda pair: id(pair[0])):
            (world, first), *others = same
            part = replace(batch, first_run=first, n_runs=1 + len(others))
            with _noted(f"of the instance of run {first} of {environment!r}"):
                parts.append(self._rules.simulate(world, policy, part, watch))
        return np.concatenate(parts)

    def _check(self, world: Any, policy: Any, horizon: int) -> None:
        """Raise unless a policy can play an instance: of a source's instances, only one could be checked before."""
        if hasattr(world, "check_horizon"):
            world.check_horizon(horizon)
        world.family.protocol.check_environment(world, horizon, closely=False)
        reasons = self._rules.reasons_against(world, policy, horizon) or own_reasons(policy, world, horizon)
        if reasons:
            raise IncompatiblePolicy(f"{policy!r} cannot play {world!r}: {'; '.join(reasons)}")

    def _side_by_side(self, environment: Instances, worlds: list[tuple[Any, int]], batch: Batch) -> Any | None:
        """Return what plays instances side by side, or None; an error names the first run that cannot be played."""
        asked = batch.horizon, batch.columns
        try:
            return self._rules.side_by_side([world for world, _ in worlds], *asked)
        except Exception:
            for world, run in worlds:
                with _noted(f"of the instance of run {run} of {environment!r}"):
                    self._rules.side_by_side([world], *asked)
            raise


def protocol_of(environment: Any, policy: Any) -> Any:
    """Return the rules by which a policy plays an environment."""
    rules = policy.family.protocol
    return environment.protocol(rules) if isinstance(environment, Instances) else rules


@contextlib.contextmanager
def _noted(when: str) -> Iterator[None]:
    """Add to an error the circumstances in which it occurred."""
    try:
        yield
    except Exception as error:
        error.add_note(when)
        raise


def _tried(source: Any) -> Any:
    """Return an environment that a source draws; raise if it cannot draw one, or would draw another one next time."""
    name = "Instances.source"
    with contextlib.suppress(ValueError):  # some functions in C do not reveal their arguments
        try:
            inspect.signature(source).bind(None)
        except TypeError as error:
            told = f"{name} is {short(source)}{inspect.signature(source)}"
            raise InvalidType(f"{told}; allowed: a function of one argument, a numpy.random.Generator") from error
    if inspect.isfunction(source) and plays_later(source):
        raise InvalidType(f"{name} is {short(source)}, a generator or async; allowed: def, without yield")
    drawn_from = global_generator(source) if inspect.isfunction(source) else ""
    if drawn_from:
        raise InvalidArgument(
            f"{name} is {short(source)}, which draws from {drawn_from}; allowed: draws from the generator that it is "
            "given, or runs could not be repeated"
        )
    with _noted(f"when {name} was called to see what it draws"):
        first = source(np.random.default_rng(0))
    if not is_kind(first, "environment") or isinstance(first, Instances):
        raise InvalidType(f"{name} returned {shown(first)}; allowed: an environment")
    with contextlib.suppress(StoreError):  # it has parts that cannot be compared
        told, text = repr(first), canonical(first)
        with _noted(f"when {name} was called again"):
            again, next_one = source(np.random.default_rng(0)), source(np.random.default_rng(0))
        if text != canonical(again):
            raise InvalidArgument(
                f"{name} returned {told}, and with the same generator {again!r}; allowed: what depends on the "
                "generator alone, or runs could not be repeated"
            )
        with contextlib.suppress(Exception):  # it is reported if a run meets it
            source(np.random.default_rng(1))
        if text != canonical(next_one):
            raise InvalidArgument(
                f"{name} returned {told}, which its next call changed; allowed: environments that share no array"
            )
    return first


def _environments(source: Any) -> tuple[Any, ...]:
    """Return environments as a tuple, or raise for anything else."""
    if not isinstance(source, list | tuple) or not source:
        raise InvalidType(
            f"Instances.source is {shown(source)}; allowed: a function that draws an environment with a "
            "numpy.random.Generator, or a list of environments"
        )
    for k, world in enumerate(source):
        if not is_kind(world, "environment") or isinstance(world, Instances):
            raise InvalidType(f"Instances.source[{k}] is {shown(world)}; allowed: an environment")
    return tuple(source)
