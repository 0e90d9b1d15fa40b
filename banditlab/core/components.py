"""Policies and environments: one class each, whose methods are its kernels.

A family (arms, dueling, ...) makes its decorators from `core.family.Family`. A decorator turns a class into

* a frozen dataclass that validates its fields: what users construct, compare, print and pickle;
* a NamedTuple of its fields and of what `derive` adds: what kernels receive as `self`;
* entries in the family's generic functions, so that kernels find its methods by type;
* an entry in the family's registry, from which tables, the command line's list and the contract tests are made.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import inspect
import keyword
import sys
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any, ClassVar, Never, TypeVar, cast
from weakref import WeakKeyDictionary

import numpy as np
from numba.extending import is_jitted

from .aligned import aligned
from .brief import short
from .compiling.fingerprint import Witness, fingerprint, functions_of, survey, unchanged
from .compiling.fingerprint import is_component as is_component
from .compiling.numba_parts import forget_compiled
from .dispatch import implement
from .errors import InvalidComponent, InvalidType
from .lately_used import LatelyUsed
from .origin import is_ours
from .validation import Check, count, meant, numbers_as_array, shown

C = TypeVar("C", bound=type)
T = TypeVar("T")

# The types of a kernel method's first argument and of a policy's state: NamedTuples made at run time.
Params = Any
State = Any


def field(
    *given: Never, default: Any = dataclasses.MISSING, check: Check | None = None, kind: str = "", doc: str = ""
) -> Any:
    """Declare a field of a component: its default, the check of its values, and one line on what it is.

    Keyword-only: type checkers recognise a field's default by that keyword.

    Parameters
    ----------
    default : object, optional
        The default; without one, the argument is required.
    check : callable, optional
        From `banditlab.core.validation`, or your own: takes the argument's name and value, and returns the value to
        keep or raises `banditlab.errors.InvalidArgument`. Without a check every value is allowed, and sequences of
        numbers become read-only arrays, so that kernels see them.
    kind : str, default ''
        The kind of component that it takes, or has a list of: 'policy', 'environment', or one that is nested in them,
        such as 'utility'; with a family in front if it is of another one, as in 'arms.environment'. Files of
        experiments have a table there.
    doc : str, default ''
        One line on what it is, with its unit and the source of the default.

    Examples
    --------
    >>> from banditlab.core.validation import positive
    >>> alpha: float = field(default=2.0, check=positive, doc="exploration; 2.0 is the paper's")
    """
    if given:
        raise InvalidType(
            f"field is given {shown(*given[:1])} by position; allowed: bl.field(default={shown(*given[:1])})"
        )
    return dataclasses.field(default=default, metadata={"check": check, "kind": kind, "doc": doc})


@dataclass(frozen=True)
class Problem:
    """What a component may know about the experiment when its parameters are fixed.

    Attributes
    ----------
    n_arms : int
        Number of arms.
    horizon : int or None
        Number of rounds; None for an agent that was started without one.
    """

    n_arms: int
    horizon: int | None

    def required_horizon(self, policy: object) -> int:
        """Return the horizon, or raise for a policy that cannot do without one."""
        if self.horizon is None:
            raise _no_horizon(policy)
        return self.horizon


def _no_horizon(policy: object) -> InvalidType:
    return InvalidType(f"horizon is None; allowed: a positive integer, because {policy!r} needs to know it")


@contextlib.contextmanager
def _needing_horizon(component: object, horizon: int | None) -> Iterator[None]:
    """Explain errors in a component's own methods that come from calculating with a horizon that is missing."""
    try:
        yield
    except TypeError as error:
        if horizon is not None or "NoneType" not in str(error):
            raise
        raise _no_horizon(component) from error


@dataclass(frozen=True)
class Space:
    """Makes the arrays of a policy's state: the last axis is always the lane (the run).

    Attributes
    ----------
    n_arms, n_lanes : int
        Sizes.
    horizon : int or None
        As in `Problem`.
    """

    n_arms: int
    n_lanes: int
    horizon: int | None

    same_on_every_lane: ClassVar[bool] = True
    """Whether a policy's fresh state is the same on every lane, so that a device repeats that of one."""

    @property
    def problem(self) -> Problem:
        """The problem these arrays are for."""
        return Problem(self.n_arms, self.horizon)

    def array(self, *shape: int, fill: float = 0.0, dtype: Any = np.float64) -> Any:
        """Return an array with a given shape per lane, filled with a value."""
        return aligned((*shape, self.n_lanes), dtype, fill)

    def holds(self, array: Any) -> bool:
        """Return whether an array can be part of a state, that is, has lanes where it must."""
        return bool(array.shape[-1:] == (self.n_lanes,))

    def per_arm(self, fill: float = 0.0, dtype: Any = np.float64) -> Any:
        """Return an array with one entry per arm and lane."""
        return self.array(self.n_arms, fill=fill, dtype=dtype)

    def per_lane(self, fill: float = 0.0, dtype: Any = np.float64) -> Any:
        """Return an array with one entry per lane."""
        return self.array(fill=fill, dtype=dtype)


def record_class(name: str, fields: tuple[str, ...]) -> type:
    """Return a NamedTuple class that pickles by reference to this module, the same one for the same name.

    Numba pickles the types of a kernel's arguments into its cache: a class that lived in `__main__` would be pickled by
    value and never match again.
    """
    module = sys.modules[__name__]
    if not hasattr(module, name):
        made = namedtuple(name, fields)  # type: ignore[misc]  # noqa: PYI024 - the fields are known at run time only
        made.__module__ = __name__
        vars(module).setdefault(name, made)  # another thread may have been faster
    found: type = getattr(module, name)
    return found


def record(prefix: str, values: Mapping[str, Any]) -> Any:
    """Return the values as a NamedTuple whose class depends on prefix and field names alone."""
    fields = tuple(values)
    tag = hashlib.sha256("/".join(fields).encode()).hexdigest()[:8]
    return record_class(f"{prefix}_{tag}", fields)(*values.values())


def record_fields(name: str) -> tuple[str, ...]:
    """Return the fields of the records with a class name, as Numba's errors mention it; none if there are none."""
    found: tuple[str, ...] = getattr(getattr(sys.modules[__name__], name, None), "_fields", ())
    return found


def is_kind(value: Any, kind: str) -> bool:
    """Say whether a value is a component of a kind: 'policy', 'environment', or a kind that is nested in them."""
    return is_component(value) and value.__banditlab__.kind == kind


def component_parts(component: Any) -> dict[str, Any]:
    """Return a component's fields by name."""
    return {f.name: getattr(component, f.name) for f in dataclasses.fields(component)}


PARAMETERS = "parameters"
"""Kernels' parameters, by the problem that they are for."""

KEPT = 1024
"""How many things of a kind a component remembers, those used last: more than the problems of a sweep, whose passes
(planning, bounds, playing) go through all of them in the same order, so that one too many would make them all anew."""

KEPT_BYTES = 2**28
"""How much memory the arrays of these may take, in which a user's `derive` can have one number for each round."""


def remembered(component: Any, kind: str, key: Any, make: Callable[[], T]) -> T:
    """Return what was made of a component for this key before, or make it: fields never change.

    A user's class may read globals, which a notebook can change: what they are belongs to its code. Ours does not.
    """
    key = key, *(class_code(cls) for cls in map(type, with_nested(component)) if not is_ours(cls.__module__))
    of_kinds: dict[str, LatelyUsed[T]] = component.__dict__.setdefault("_remembered", {})
    known = of_kinds.get(kind) or of_kinds.setdefault(kind, LatelyUsed(KEPT, KEPT_BYTES))
    found: Any = known.get(key, known)  # which it never holds
    if found is known:
        found = make()
        known.put(key, found)
    return cast("T", found)


def _params(self: Any, problem: Problem) -> Any:
    """Return the NamedTuple that kernels receive for a problem; made once, as tables can take long to compute."""
    return remembered(self, PARAMETERS, problem, lambda: _make_params(self, problem))


def _getstate(self: Any) -> dict[str, Any]:
    """Pickle the fields, not what was derived from them."""
    return component_parts(self)


def _setstate(self: Any, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
        object.__setattr__(self, name, value)


def _make_params(self: Any, problem: Problem) -> Any:
    cls = type(self)
    values = component_parts(self)
    with _needing_horizon(self, problem.horizon):
        derived = cls.derive(self, problem)
    if not isinstance(derived, dict):
        raise InvalidComponent(f"{cls.__name__}.derive returned {shown(derived)}; allowed: a dict from name to value")
    for name in derived:
        _check_name(f"{cls.__name__}.derive", name)
    values.update((name, _constant(value)) for name, value in derived.items())
    values = {k: v for k, v in values.items() if v is not None and not isinstance(v, str | list)}
    values = {k: v.params(problem) if is_component(v) else v for k, v in values.items()}
    if not values:
        values = {"nothing": 0}  # Numba has no type for an empty NamedTuple
    info: ComponentInfo = cls.__banditlab__
    fields = tuple(values)
    tag = hashlib.sha256((info.code() + "/".join(fields)).encode()).hexdigest()[:16]
    params = record_class(f"{cls.__name__}_{tag}", fields)
    for name, function in info.kernels.items():
        implement(info.generics[name], params, function)
    return params(*values.values())


def _constant(value: Any) -> Any:
    """Return a derived value as kernels see it: arrays read-only, as all runs share them, and lists as such arrays."""
    if isinstance(value, list):
        return numbers_as_array(value)
    if isinstance(value, np.ndarray):
        value = value.view()
        value.setflags(write=False)
    return value


_helpers: WeakKeyDictionary[Callable[..., Any], str] = WeakKeyDictionary()


def _renew(value: Any) -> None:
    """Have a helper of the user's compiled anew if anything it reaches has changed since it was last looked at."""
    function = value.py_func if is_jitted(value) else value
    if isinstance(function, FunctionType) and not is_ours(function.__module__):
        now = fingerprint(function)
        if _helpers.setdefault(function, now) != now:
            forget_compiled(value)
            _helpers[function] = now


@dataclass
class ComponentInfo:
    """What the package knows about a component class."""

    kind: str
    kernels: dict[str, Callable[..., Any]]
    generics: Mapping[str, Any]
    _code: str = ""
    _seen: Witness = ()

    def code(self) -> str:
        """Return a hash of everything that the kernels can reach; computed anew if a user's global has changed."""
        if not self._code or not unchanged(self._seen):
            self._code, self._seen = survey(*self.kernels.values())
            for source in self._seen:
                _renew(source.value)
        return self._code

    def __getstate__(self) -> dict[str, Any]:
        """Pickle what the class is, not where its code was read from: a notebook's globals need not be picklable."""
        return vars(self) | {"_code": "", "_seen": ()}


def _no_derived(self: Any, problem: Problem) -> dict[str, Any]:
    return {}


def _label(self: Any) -> str:
    """Return the constructor call with the non-default arguments; without parentheses when there are none."""
    parts = []
    for f in dataclasses.fields(self):
        value = getattr(self, f.name)
        # a tuple stands for the default of an array
        default = np.asarray(f.default) if isinstance(value, np.ndarray) and isinstance(f.default, tuple) else f.default
        if default is dataclasses.MISSING:
            parts.append(short(value))
        elif not _same(value, default):
            parts.append(f"{f.name}={short(value)}")
    return type(self).__name__ + (f"({', '.join(parts)})" if parts else "")


def _repr(self: Any) -> str:
    text = _label(self)
    return text if text.endswith(")") else text + "()"


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return type(a) is type(b) and a.shape == b.shape and bool((a == b).all())
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    return type(a) is type(b) and bool(a == b)


def _equal(self: Any, other: Any) -> Any:
    if type(self) is not type(other):
        return NotImplemented
    return all(_same(getattr(self, f.name), getattr(other, f.name)) for f in dataclasses.fields(self))


def _hash(self: Any) -> int:
    return hash((type(self), _repr(self)))


def with_nested(component: Any) -> Iterator[Any]:
    """Go through a component and the components in its fields, or in lists there; outermost first."""
    yield component
    for value in component_parts(component).values():
        for part in value if isinstance(value, list | tuple) else [value]:
            if is_component(part):
                yield from with_nested(part)


def type_name(cls: type) -> str:
    """Return where a component class is found: `banditlab.<family>.<name>` for the package's own."""
    if is_ours(cls.__module__):
        return f"banditlab.{cls.__module__.split('.')[1]}.{cls.__name__}"
    return f"{cls.__module__}.{cls.__name__}"


_class_codes: dict[type, tuple[str, Witness]] = {}


def class_code(cls: type) -> str:
    """Return a hash of all functions of a class and its bases: kernels, and what makes their parameters and state."""
    known = _class_codes.get(cls)
    if known is None or not unchanged(known[1]):
        functions = [function for _, function in functions_of(cls)]
        constants = {name: v for base in cls.__mro__ for name, v in vars(base).items() if not callable(v)}
        plain = {name: v for name, v in constants.items() if isinstance(v, int | float | str | tuple | list | dict)}
        told = type_name(cls) + repr(sorted((name, repr(v)) for name, v in plain.items() if not name.startswith("__")))
        known = _class_codes[cls] = survey(*functions, extra=told)
    return known[0]


def describe(value: Any) -> Any:
    """Return a component, and what is nested in it, as plain data for provenance and configuration files."""
    if is_component(value):
        fields = {name: describe(part) for name, part in component_parts(value).items()}
        return {"type": type_name(type(value))} | fields
    if isinstance(value, np.ndarray):
        listed = value.tolist()  # which are Python's numbers, and at once, where they fit into float64
        return listed if np.can_cast(value.dtype, np.float64) else describe(listed)
    if isinstance(value, list | tuple):
        return [describe(v) for v in value]
    if isinstance(value, int | float | str | bool | type(None)):
        return value
    return short(value)


def post_init(self: Any) -> None:
    """Check a component's fields, each by its own check, and all together by `validate`."""
    for f in dataclasses.fields(self):
        check, value = f.metadata.get("check"), getattr(self, f.name)
        checked = numbers_as_array(value) if check is None else check(f"{type(self).__name__}.{f.name}", value)
        object.__setattr__(self, f.name, checked)
    validate = getattr(self, "validate", None)
    if validate is not None:
        validate()


def as_component(cls: type, info: ComponentInfo, family: Any) -> None:
    """Give a class what every component has: checked fields, equality, a label, and what kernels receive."""
    for attribute, function in {
        "__post_init__": post_init,
        "__repr__": _repr,
        "__eq__": _equal,
        "__hash__": _hash,
        "__getstate__": _getstate,
        "__setstate__": _setstate,
    }.items():
        setattr(cls, attribute, function)
    made: Any = dataclasses.dataclass(frozen=True, repr=False, eq=False)(cls)
    made.__init__ = _with_known_names(made.__init__, dataclasses.fields(made))
    if not hasattr(made, "derive"):
        made.derive = _no_derived
    made.params = _params
    made.label = property(_label)
    made.family = family
    made.__banditlab__ = info


def _with_known_names(init: Callable[..., None], own: tuple[dataclasses.Field[Any], ...]) -> Callable[..., None]:
    """Return an `__init__` that lists the fields when it is given an unknown one, too few or too many."""
    names = [f.name for f in own]
    needed = [f.name for f in own if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING]
    others = [name for name in names if name not in needed]
    allowed = ", ".join(needed) + (f" (and, with defaults, {', '.join(others)})" if others else "")

    @functools.wraps(init)
    def __init__(self: Any, *args: Any, **fields: Any) -> None:  # noqa: N807 - it stands in for one
        unknown = next((name for name in fields if name not in names), "")
        if unknown:
            raise InvalidType(
                f"{type(self).__name__} has no field {unknown}; "
                f"allowed: {', '.join(names) or 'no arguments'}{meant(unknown, names)}"
            )
        missing = [name for name in needed if name not in fields and name not in names[: len(args)]]
        if missing:
            raise InvalidType(f"{type(self).__name__} lacks {' and '.join(missing)}; allowed: {allowed}")
        if len(args) > len(names):
            raise InvalidType(
                f"{type(self).__name__} is given {count(len(args), 'argument')}; "
                f"allowed: {', '.join(names) or 'no arguments'}"
            )
        init(self, *args, **fields)

    return __init__


def _check_name(owner: str, name: Any) -> None:
    """Raise for names that a field of a NamedTuple cannot have."""
    if not isinstance(name, str) or not name.isidentifier() or name.startswith("_") or keyword.iskeyword(name):
        raise InvalidComponent(
            f"{owner} has the name {name!r}; allowed: a name as variables have, without a leading underscore"
        )


def make_state(policy: Any, space: Space) -> Any:
    """Return a policy's fresh state as the NamedTuple of arrays that kernels receive."""
    with _needing_horizon(policy, space.horizon):
        arrays = policy.state(space) if hasattr(policy, "state") else {}
    owner = type(policy).__name__
    if not isinstance(arrays, dict):
        raise InvalidComponent(f"{owner}.state returned {shown(arrays)}; allowed: a dict from name to array")
    for name, value in arrays.items():
        _check_name(f"{owner}.state", name)
        if hasattr(value, "_fields"):  # the state of another policy, also made here
            continue
        if not (isinstance(value, np.ndarray) and space.holds(value)):
            told = f"of shape {value.shape}" if isinstance(value, np.ndarray) else shown(value)
            if isinstance(value, dict):
                told = "a dict"
            raise InvalidComponent(
                f"{owner}.state[{name!r}] is {told}; allowed: an array whose last axis is the lane, of length "
                f"{space.n_lanes}, such as space.array(3), space.per_arm() or space.per_lane()"
                + ("; make_state(base, space) makes that of a nested policy" if isinstance(value, dict) else "")
            )
    return record("State", arrays or {"nothing": space.per_lane()})


def summary_line(cls: type) -> str:
    """Return the first line of a component's docstring."""
    return (inspect.getdoc(cls) or "").split("\n", 1)[0]
