"""Families of components that play together: what makes a class one of them, what it must have, and which exist."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from .compiling.mistakes import (
    attribute_set,
    global_generator,
    lacks_return,
    misplaced_lane,
    plays_later,
    taken_from_state,
    written_for_all_runs,
)
from .components import ComponentInfo, as_component, post_init, type_name
from .errors import InvalidComponent
from .origin import is_ours
from .validation import meant, shown

C = TypeVar("C", bound=type)

_registry: dict[tuple[str, str], dict[str, type]] = {}

LAZY_ANNOTATIONS = sys.version_info >= (3, 14)
"""Whether annotations are evaluated only when asked for; their names need not exist."""

HOOKS = {
    "reasons_against": ["self", "environment", "horizon"],
    "reasons_against_actions": ["self", "actions", "n_items", "horizon"],
    "warnings_about": ["self", "environment", "horizon"],
}
"""Methods that policies may have besides kernels, called before anything is played."""

INSTEAD = {
    "validate": "a check, and derive(self, problem) for what follows from fields",
    "derive": "an entry of the dict that derive returns",
    "state": "an array in the dict that state returns for what changes, and derive(self, problem) for what does not",
}
"""What a component's plain methods do instead of setting an attribute of `self`, which is frozen."""


def _found(module: str, name: str) -> Any:
    """Return what a name stands for in a module."""
    return getattr(importlib.import_module(module), name)


@dataclass(frozen=True)
class Family:
    """A family of components that play together: it makes the decorators `policy` and `environment`.

    Attributes
    ----------
    name : str
        The family's name, as in `banditlab.<name>`.
    protocol : object
        The protocol that plays them (a `core.protocol.Protocol`).
    policy_kernels, environment_kernels : sequences of generic functions
        What their methods may implement.
    policy_needs, environment_needs : sequences of tuples of names
        From each tuple, a class must implement at least one.
    plays : tuple of str
        Names of the families whose environments its policies can play.
    played : str
        What these environments are, in the plural, for messages, if the families' names do not say it: 'MDPs'.
    compiled : bool
        Whether kernels are compiled, so that a state consists of arrays; otherwise it is anything a policy likes.
    lane : {'last', 'first', 'either'}
        Which axis of a state's arrays is the lane.
    """

    name: str
    protocol: Any
    policy_kernels: tuple[Any, ...]
    policy_needs: tuple[tuple[str, ...], ...]
    environment_kernels: tuple[Any, ...]
    environment_needs: tuple[tuple[str, ...], ...]
    plays: tuple[str, ...]
    played: str = ""
    compiled: bool = True
    lane: str = "last"

    @property
    def in_words(self) -> str:
        """What its policies play, as messages say it."""
        return self.played or f"environments of {', '.join(self.plays)}"

    def __reduce__(self) -> Any:
        """Pickle one of the package's by name: classes of a notebook are pickled by value, and their family is not."""
        for module in [name for name in sys.modules if is_ours(name) and name.endswith(".family")]:
            for name, value in vars(sys.modules[module]).items():
                if value is self:
                    return _found, (module, name)
        return super().__reduce__()

    def policy(self, cls: C) -> C:
        """Make a class a policy of this family."""
        return self.component(cls, "policy", self.policy_kernels, self.policy_needs)

    def environment(self, cls: C) -> C:
        """Make a class an environment of this family."""
        return self.component(cls, "environment", self.environment_kernels, self.environment_needs)

    def component(self, cls: C, kind: str, kernels: tuple[Any, ...], needs: tuple[tuple[str, ...], ...]) -> C:
        """Make a class a component of any kind, such as what is nested in policies and environments."""
        _check_class(cls, kind)
        by_name = {g.__name__: g for g in kernels}
        own = _kernels(cls, by_name, self)
        _check_needs(cls, needs, by_name, own)
        if kind == "policy":
            _check_hooks(cls)
        _check_unheard(cls, by_name)
        plain = own if kind == "policy" and not self.compiled else ()
        _check_frozen(cls, INSTEAD | dict.fromkeys(plain, "what changes is in what state returns"))
        _check_abstract(cls)
        as_component(cls, ComponentInfo(kind, own, by_name), self)
        if is_ours(cls.__module__):
            _registry.setdefault((self.name, kind), {})[cls.__name__] = cls
        return cls


def _check_class(cls: Any, kind: str) -> None:
    """Raise for anything that cannot be made a component."""
    if not isinstance(cls, type):
        raise InvalidComponent(f"{shown(cls)} is decorated as a {kind}; allowed: a class")
    if "__banditlab__" in cls.__dict__:
        raise InvalidComponent(f"{cls.__name__} is decorated twice; allowed: once")
    if "__dataclass_fields__" in cls.__dict__:
        raise InvalidComponent(f"{cls.__name__} is a dataclass; allowed: a class, which the decorator makes one")
    if getattr(cls, "__post_init__", post_init) is not post_init:
        raise InvalidComponent(
            f"{cls.__name__} has a __post_init__; allowed: validate(self), which is called when the fields are checked"
        )
    if "__init__" in cls.__dict__:
        raise InvalidComponent(
            f"{cls.__name__} has an __init__; allowed: fields, as in `alpha: float = bl.field(default=2.0)`, and "
            "derive(self, problem) for what follows from them"
        )
    fields = annotated(cls)
    for name, value in vars(cls).items():
        if isinstance(value, dataclasses.Field) and name not in fields:
            raise InvalidComponent(f"{cls.__name__}.{name} has no type; allowed: `{name}: float = bl.field(...)`, say")
    for name in fields:
        if name in ("label", "family", "params"):
            raise InvalidComponent(f"{cls.__name__}.{name} is a field; allowed: another name, as all classes have this")
        given = vars(cls).get(name)
        default = given.default if isinstance(given, dataclasses.Field) else given
        if isinstance(default, list | dict | set | np.ndarray):
            raise InvalidComponent(
                f"{cls.__name__}.{name} is {shown(default)}; allowed: a tuple, as all instances share a default"
            )


def _kernels(cls: type, by_name: Mapping[str, Any], family: Family) -> dict[str, Callable[..., Any]]:
    """Return the methods of a class that implement generic functions; raise for one that cannot."""
    kernels: dict[str, Callable[..., Any]] = {}
    for name, function in by_name.items():
        method = inspect.getattr_static(cls, name, None)
        if method is None:
            continue
        if not inspect.isfunction(method):
            raise InvalidComponent(f"{cls.__name__}.{name} is {shown(method)}; allowed: a plain method")
        _check_arguments(cls, name, method, list(inspect.signature(function).parameters))
        if plays_later(method):
            raise InvalidComponent(f"{cls.__name__}.{name} is a generator or async; allowed: def, without yield")
        if getattr(function, "returns", False) and lacks_return(method):
            raise InvalidComponent(f"{cls.__name__}.{name} can end without a value; allowed: a return on every way")
        if family.compiled and (item := taken_from_state(method)):
            raise InvalidComponent(f"{cls.__name__}.{name} takes state[{item!r}]; allowed: state.{item}")
        if family.compiled and (attribute := attribute_set(method)):
            raise InvalidComponent(
                f"{cls.__name__}.{name} sets {attribute}; allowed: entries of the state's arrays, as in "
                "state.sums[arm, lane] = 1.0"
            )
        drawn = global_generator(method)
        if drawn:
            raise InvalidComponent(
                f"{cls.__name__}.{name} draws from {drawn}; allowed: {_luck(by_name)}, or runs could not be repeated"
            )
        written = written_for_all_runs(method)
        if written:
            example = "state.sums[lane, arm]" if family.lane == "first" else "state.sums[arm, lane]"
            raise InvalidComponent(
                f"{cls.__name__}.{name} writes {written}, which all runs share; allowed: indices with the lane, as in "
                f"{example}"
            )
        indexed, right = misplaced_lane(family.lane, method) if family.lane != "either" else ("", "")
        if indexed:
            raise InvalidComponent(
                f"{cls.__name__}.{name} has {indexed}; allowed: {right}, as the lane is the {family.lane} axis here"
            )
        kernels[name] = method
    return kernels


def _luck(by_name: Mapping[str, Any]) -> str:
    """Return where kernels of a kind get their random numbers from."""
    given = {name: list(inspect.signature(function).parameters) for name, function in by_name.items()}
    with_rng = [name for name, arguments in given.items() if "rng" in arguments]
    if with_rng:
        return f"the rng that is given to {' and '.join(with_rng)} (in kernels by samplers of banditlab.core.sampling)"
    with_luck = [name for name, arguments in given.items() if {"u", "bits"} & set(arguments)]
    if with_luck:
        return f"u or bits, as given to {' and '.join(with_luck)} (core.sampling.expanded makes more of them)"
    return "none here"


def _check_hooks(cls: type) -> None:
    """Raise for methods that policies may have besides kernels, if they have other arguments."""
    for name, wanted in HOOKS.items():
        method = inspect.getattr_static(cls, name, None)
        if inspect.isfunction(method):
            _check_arguments(cls, name, method, wanted)


def _check_unheard(cls: type, by_name: Mapping[str, Any]) -> None:
    """Raise for a user's method that nothing calls, if its name is close to that of one that is, with its arguments."""
    wanted = {name: list(inspect.signature(function).parameters) for name, function in by_name.items()}
    wanted |= HOOKS | {"derive": ["self", "problem"], "state": ["self", "space"]}
    for name, method in inspect.getmembers(cls, inspect.isfunction):
        if name in wanted or name.startswith("_") or is_ours(method.__module__):
            continue
        arguments = list(inspect.signature(method).parameters)
        same = [option for option in wanted if wanted[option] == arguments and not hasattr(cls, option)]
        if same and (told := meant(name, same)):
            raise InvalidComponent(f"{cls.__name__}.{name} is called by nothing; allowed: {', '.join(wanted)}{told}")


def _check_frozen(cls: type, instead: Mapping[str, str]) -> None:
    """Raise for plain methods that set an attribute of `self`, and say what to do instead."""
    for name, allowed in instead.items():
        method = inspect.getattr_static(cls, name, None)
        if inspect.isfunction(method) and (attribute := attribute_set(method, ("self",))):
            raise InvalidComponent(f"{cls.__name__}.{name} sets {attribute}, which is frozen; allowed: {allowed}")


def _check_arguments(cls: type, name: str, method: Callable[..., Any], wanted: list[str]) -> None:
    """Raise for a method that takes other arguments, or in another order."""
    got = list(inspect.signature(method).parameters)
    if got != wanted:
        raise InvalidComponent(
            f"{cls.__name__}.{name} takes ({', '.join(got)}); allowed: exactly ({', '.join(wanted)})"
        )


def _check_needs(
    cls: type, needs: tuple[tuple[str, ...], ...], by_name: Mapping[str, Any], kernels: Mapping[str, Any]
) -> None:
    """Raise for a class that lacks what its family needs, or has two kernels of which one would never run."""
    for options in needs:
        if not any(hasattr(cls, name) if name in by_name else has_member(cls, name) for name in options):
            known = [by_name[name] for name in options if name in by_name]
            if not known:
                raise InvalidComponent(
                    f"{cls.__name__} has no {' or '.join(options)}; allowed: a class with this field, property or "
                    "method"
                )
            raise InvalidComponent(
                f"{cls.__name__} has no kernel {' or '.join(g.__name__ for g in known)}; allowed: a class with "
                + ("one of " if len(known) > 1 else "")
                + ", ".join(f"{g.__name__}({', '.join(inspect.signature(g).parameters)})" for g in known)
                + _nearly(cls, [g.__name__ for g in known], by_name)
            )
        both = [name for name in options if name in kernels]
        if len(both) > 1:
            raise InvalidComponent(f"{cls.__name__} has kernels {' and '.join(both)}; allowed: one of them")


def _nearly(cls: type, lacking: list[str], by_name: Mapping[str, Any]) -> str:
    """Return the end of a message that suggests the kernel whose name is close to that of a method of the class."""
    own = [name for name, _ in inspect.getmembers(cls, inspect.isfunction) if name not in by_name and name[0] != "_"]
    told = (meant(name, lacking, written=f"{{}} in place of {name}".format) for name in own)
    return next(filter(None, told), "")


def has_member(cls: type, name: str) -> bool:
    """Say whether a class has a field, property or method; a field without a default is an annotation only."""
    return hasattr(cls, name) or any(name in annotated(base) for base in cls.__mro__)


def annotated(cls: type) -> tuple[str, ...]:
    """Return the names that a class itself annotates, in their order: fields, with a default or without."""
    if not LAZY_ANNOTATIONS:
        return tuple(vars(cls).get("__annotations__", ()))
    lazy = importlib.import_module("annotationlib")
    return tuple(lazy.get_annotations(cls, format=lazy.Format.FORWARDREF))


def require_base(cls: Any, base: str) -> None:
    """Raise for a class that is not, or has not as a base, one of the package's, named as users do: 'clicks.Utility'.

    The base is given by name, as a decorator comes before the classes that it decorates.
    """
    if isinstance(cls, type) and not any(type_name(b) == f"banditlab.{base}" for b in cls.__mro__):
        raise InvalidComponent(f"{cls.__name__} is not a {base}; allowed: class {cls.__name__}({base})")


def _check_abstract(cls: type) -> None:
    """Raise for a class that lacks what its base leaves to it: when it is made, not when it is first used."""
    lacking = sorted(getattr(cls, "__abstractmethods__", ()))
    if lacking:
        told = [f"{name}({', '.join(inspect.signature(getattr(cls, name)).parameters)})" for name in lacking]
        raise InvalidComponent(
            f"{cls.__name__} has no {' and no '.join(lacking)}; allowed: a class with the methods {', '.join(told)}"
        )


def registered(family: str, kind: str) -> dict[str, type]:
    """Return the package's own components of a family, by class name; kind is 'policy', 'environment' or another.

    Classes that were decorated in one of the package's modules but are not attributes of it, as in an example, do not
    count.
    """
    found = _registry.get((family, kind), {})
    return {name: cls for name, cls in found.items() if getattr(sys.modules[cls.__module__], name, None) is cls}


def kinds(family: str) -> list[str]:
    """Return the kinds of components that a family has: 'environment', 'policy', and what can be nested in them."""
    return sorted(kind for owner, kind in _registry if owner == family)


def families() -> list[str]:
    """Return the names of the families that have been imported."""
    return sorted({family for family, _ in _registry})
