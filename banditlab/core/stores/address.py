"""The addresses of a store's cells: hashes of everything that a job's numbers depend on, the code included."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import inspect
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ..brief import is_frozen_distribution
from ..compiling.fingerprint import fingerprint
from ..components import class_code, component_parts, is_component, type_name, with_nested
from ..errors import StoreError
from ..origin import is_ours
from ..results.provenance import versions
from ..validation import shown

if TYPE_CHECKING:
    from ..playing.jobs import Job

FORMAT = "banditlab.store/1"
FUNCTION = "a function's code"


def address_of(job: Job) -> str:
    """Return the hash of everything that a job's numbers depend on, except which runs they are."""
    what = (canonical(job.environment), canonical(job.policy))
    sizes = (job.horizon, job.checkpoints.tobytes(), job.columns, job.seed)
    stored = (job.precision,) if job.precision != "double" else ()
    return _address(*what, *sizes, *stored, *codes_of(job))


@functools.lru_cache(maxsize=65536)
def _address(*parts: Any) -> str:
    return hashlib.sha256(repr((FORMAT, versions()["banditlab-sim"], *parts)).encode()).hexdigest()[:32]


def canonical(component: Any) -> str:
    """Return a component's type and fields as text, made once: it is frozen, and only functions in it can change."""
    known = vars(component).get("_canonical")
    if known is not None:
        return str(known)
    text = json.dumps(_plain(component, component), sort_keys=True)
    if FUNCTION not in text:  # whose globals can change
        component.__dict__["_canonical"] = text
    return text


def _plain(value: Any, owner: Any) -> Any:
    """Return a value as plain data that is the same in every process; raise if that is impossible."""
    if is_component(value):
        # what a function draws reveals more than its code does: it may read a file, or an object that holds anything
        parts = value.parts_now() if hasattr(value, "parts_now") else component_parts(value)
        return {"type": type_name(type(value))} | {name: _plain(part, owner) for name, part in parts.items()}
    if isinstance(value, np.ndarray) and value.dtype != object:
        digest = hashlib.sha256(np.ascontiguousarray(value).data).hexdigest()
        return {"array": str(value.dtype), "shape": value.shape, "sha256": digest}
    if isinstance(value, list | tuple):
        return [_plain(v, owner) for v in value]
    if isinstance(value, np.generic):
        return {"number": str(value.dtype), "value": _plain(value.item(), owner)}
    if isinstance(value, int | str | bool | type(None)):
        return value
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: _plain(v, owner) for key, v in value.items()}}
    if is_frozen_distribution(value):
        return _plain_distribution(value, owner)
    if inspect.isfunction(value):
        return {FUNCTION: fingerprint(value)}
    if isinstance(value, functools.partial):
        given = (*value.args, *value.keywords.values())
        code = "".join(_code_of(part) for part in given if is_component(part))
        return {"partial": _plain([value.func, value.args, value.keywords], owner), "code": code}
    if is_ours(type(value).__module__) and not isinstance(value, type):  # such as scoring rules
        fields = {name: v for name, v in sorted(_fields_of(value).items()) if not name.startswith("__")}
        code = class_code(type(value))
        return {"type": type_name(type(value)), "code": code} | {n: _plain(v, owner) for n, v in fields.items()}
    raise StoreError(
        f"store cannot hold {owner!r}, because it contains {shown(value)}; allowed: numbers, texts, arrays, lists, "
        "functions, scipy.stats distributions and components (or store=None)"
    )


def _fields_of(value: Any) -> dict[str, Any]:
    if dataclasses.is_dataclass(value):
        return component_parts(value)
    return {name: v for name, v in vars(value).items() if not name.startswith("_cached")}


def _plain_distribution(value: Any, owner: Any) -> dict[str, Any]:
    """Return a frozen scipy.stats distribution as plain data: its arguments, and what its family was made from."""
    from scipy import stats

    shapes, loc, scale = value.dist._parse_args(*value.args, **value.kwds)  # (2, 3) is the same as (a=2, b=3)
    told = {"scipy": type_name(type(value.dist)), "arguments": _plain([*shapes, loc, scale], owner)}
    if getattr(stats, str(value.dist.name), None) is value.dist:
        return told
    made = {key: v for key, v in value.dist._updated_ctor_param().items() if key != "seed"}
    made |= {key: vars(value.dist)[key] for key in ("_histogram",) if key in vars(value.dist)}
    return told | {"made": _plain(made, owner), "code": class_code(type(value.dist))}


def codes_of(job: Job) -> tuple[str, str, str]:
    """Return hashes of the code of a job's environment, policy and protocol."""
    return _code_of(job.environment), _code_of(job.policy), class_code(type(job.policy.family.protocol))


def _code_of(component: Any) -> str:
    """Return a hash of the code of a component and of the components nested in it."""
    return "".join(class_code(type(part)) for part in with_nested(component))
