"""What a sweep goes over: parameters, their combinations, and factories, which make components from them."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np

from ..components import is_component, is_kind
from ..errors import InvalidArgument, InvalidType
from ..results.statistics import QUANTILES
from ..validation import invalid, shown, with_article

COLUMNS = (
    "policy", "run", "round", "metric", "mean", "ci_low", "ci_high", "std", "min", "max", *QUANTILES, "error",
    "traceback", "ratio_to_lower_bound", "rounds_per_second",
)  # fmt: skip
"""Columns of tables of results; parameters must have other names."""

HORIZON = "horizon"
"""The parameter that is an argument of `sweep` itself, and may be swept over like those of the factories."""


@dataclass(frozen=True)
class Factory:
    """What makes a component from parameters, possibly from none.

    Attributes
    ----------
    name : str
        What messages call it.
    make : callable
        Returns a component.
    takes : frozenset of str
        The parameters that it names.
    takes_any : bool
        Whether it also takes others.
    kind : {'environment', 'policy'}
        Kind of component.
    needs : tuple of str
        Those of the parameters that have no default.
    """

    name: str
    make: Callable[..., Any]
    takes: frozenset[str]
    takes_any: bool
    kind: str
    needs: tuple[str, ...] = ()

    def reads(self, parameter: str) -> bool:
        """Say whether it is given a parameter; the horizon only if it names it, which `**options` does not."""
        return parameter in self.takes or (self.takes_any and parameter != HORIZON)

    def __call__(self, parameters: Mapping[str, Any]) -> Any:
        """Return the component, or raise for anything that is not one."""
        made = self.make(**{name: value for name, value in parameters.items() if self.reads(name)})
        if not is_kind(made, self.kind):
            raise InvalidType(f"{self.name} returned {shown(made)}; allowed: {with_article(self.kind)}")
        return made


def factory_of(name: str, value: Any, kind: str) -> Factory:
    """Return what makes a component; for a finished component, what returns it."""
    if is_kind(value, kind):
        return Factory(name, lambda: value, frozenset(), False, kind)
    if is_component(value) or not callable(value):
        told = f"{name} is {shown(value)}; allowed: {with_article(kind)}, or a callable that returns one"
        if kind == "environment" and _holds(value, kind):
            told += " (several are values of a parameter: lambda world: several[world], over {'world': [...]})"
        raise InvalidType(told)
    try:
        parameters = inspect.signature(value).parameters.values()
    except ValueError as error:  # raised for some built-in classes and functions
        raise InvalidType(
            f"{name} is {shown(value)}; allowed: {with_article(kind)}, or a callable with named arguments"
        ) from error
    free = any(p.kind is p.VAR_KEYWORD for p in parameters)
    named = frozenset(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))
    needs = tuple(p.name for p in parameters if p.name in named and p.default is p.empty)
    return Factory(name, value, named, free, kind, needs)


def _holds(value: Any, kind: str) -> bool:
    """Say whether a value is a list of components, or a dict from labels to them."""
    inside = list(value.values()) if isinstance(value, Mapping) else value
    return isinstance(inside, list | tuple) and any(is_kind(v, kind) for v in inside)


def factories_of(policies: Any) -> dict[str, Factory]:
    """Return what makes the policies, by label: the factory's name, or the policy's own label."""
    if isinstance(policies, Mapping):
        found = {label: factory_of(f"policies[{label!r}]", value, "policy") for label, value in policies.items()}
    else:
        several = policies if isinstance(policies, list | tuple) else [policies]
        labels = [v.label if is_component(v) else _name_of(v) for v in several]
        for label in labels:
            if labels.count(label) > 1:
                raise invalid("policies", label, "different labels (name them with a dict)")
        found = {
            label: factory_of(f"policies[{k}]", value, "policy")
            for k, (label, value) in enumerate(zip(labels, several, strict=True))
        }
    if not found:
        raise invalid("policies", policies, "at least one policy")
    for label in found:
        if not isinstance(label, str) or not label.strip() or not label.isprintable():
            raise InvalidType(f"policies has the label {shown(label)}; allowed: printable text, not empty")
    return found


def _name_of(value: Any) -> str:
    return str(getattr(value, "__name__", type(value).__name__))


def combinations_of(over: Any) -> list[dict[str, Any]]:
    """Return the combinations of parameters; NumPy's numbers, as from `np.arange`, become Python's."""
    return [
        {name: value.item() if isinstance(value, np.generic) else value for name, value in combination.items()}
        for combination in _combined(over)
    ]


def _combined(over: Any) -> list[dict[str, Any]]:
    if isinstance(over, Mapping):
        lists = {}
        for name, values in over.items():
            try:
                lists[name] = [] if isinstance(values, str | Mapping) else list(values)
            except TypeError:  # a number, or an array without axes
                lists[name] = []
            if not lists[name]:
                raise invalid(f"over[{name!r}]", values, "one or more values, as a list")
        return [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]
    if not isinstance(over, list | tuple) or not over or not all(isinstance(c, Mapping) for c in over):
        raise InvalidType(f"over is {shown(over)}; allowed: a dict from parameter to values, or a list of dicts")
    return [dict(combination) for combination in over]


def parameters_of(combinations: Sequence[Mapping[str, Any]], metrics: tuple[str, ...] | None) -> list[str]:
    """Return the names of the parameters, or raise for one that is already a column of the tables."""
    names = list(dict.fromkeys(name for combination in combinations for name in combination))
    for name in names:
        if not isinstance(name, str):
            raise InvalidType(f"over has the parameter {shown(name)}; allowed: names of parameters")
        if name in COLUMNS or name.endswith("regret") or name in (metrics or ()):
            raise invalid("over", name, f"a parameter that is no column of the tables ({', '.join(COLUMNS)}, metrics)")
    return names


def check_told_apart(combinations: Sequence[Mapping[str, Any]], names: Iterable[str]) -> None:
    """Raise for True or False beside 1 or 0: two cells that tables, pictures and `where` take for the same."""
    for name in names:
        values = [combination[name] for combination in combinations if name in combination]
        flags: set[Any] = {value for value in values if isinstance(value, bool)}
        for value in (value for value in values if not isinstance(value, bool)):
            if isinstance(value, Number) and value in flags:
                told = f"{shown(value)} and {bool(value)}"
                raise InvalidArgument(f"over has both {told} for {name!r}; allowed: one of them, as they are equal")


def check_given(combinations: Sequence[Mapping[str, Any]], over: Any, factories: Iterable[Factory]) -> None:
    """Raise for an argument of a factory that has no default and no value in some combination."""
    for factory in factories:
        for name in factory.needs:
            for k, combination in enumerate(combinations):
                if name not in combination and name != HORIZON:
                    where = "over" if isinstance(over, Mapping) else f"over[{k}]"
                    called = getattr(factory.make, "__name__", factory.name).replace("<lambda>", factory.name)
                    raise InvalidArgument(
                        f"{where} lacks {name!r}, an argument of {called} without a default; allowed: values for it too"
                    )


def check_taken(names: Sequence[str], world: Factory, players: Mapping[str, Factory]) -> None:
    """Raise for a parameter that no factory takes."""
    factories = (world, *players.values())
    known = frozenset({HORIZON}).union(*(factory.takes for factory in factories))
    unknown = [name for name in names if name not in known]
    if unknown and not any(factory.takes_any for factory in factories):
        fixed = ", ".join(factory.name for factory in factories if not factory.takes)
        hint = f" (no arguments: {fixed})" if fixed else ""
        raise invalid(
            "over",
            unknown[0],
            f"'horizon', or an argument of a factory: {', '.join(sorted(known - {HORIZON})) or 'there is none'}{hint}",
        )
