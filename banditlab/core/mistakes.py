"""Mistakes in a user's class that would give wrong numbers, and no error: they are refused when the class is made."""

from __future__ import annotations

import ast
import dis
import inspect
import random
import textwrap
import types as pytypes
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from .fingerprint import users_own


def global_generator(*functions: Callable[..., object]) -> str:
    """Return what functions of the user's call of a global generator, such as `np.random.rand`; else nothing."""
    for function in users_own(*functions):
        steps = list(dis.get_instructions(function.__code__))
        for k, step in enumerate(steps):
            if step.opname != "LOAD_GLOBAL":
                continue
            parts, value = [step.argval], function.__globals__.get(step.argval)
            for after in steps[k + 1 : k + 3]:
                if not isinstance(value, pytypes.ModuleType) or after.opname not in ("LOAD_ATTR", "LOAD_METHOD"):
                    break
                parts, value = [*parts, after.argval], getattr(value, after.argval, None)
            if isinstance(getattr(value, "__self__", None), random.Random | np.random.RandomState):
                return ".".join(parts)
    return ""


def written_for_all_runs(*functions: Callable[..., object]) -> str:
    """Return what functions that play one lane write into the state of all, such as `state.sums[arm]`; else nothing.

    Only what is certain: an index whose names are arguments other than the lane. A name that the function makes itself
    may hold the lane.
    """
    for function in users_own(*functions):
        arguments = set(inspect.signature(function).parameters)
        if not {"state", "lane"} <= arguments:
            continue
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        except (OSError, SyntaxError):  # no source to be found, or one that does not stand alone
            continue
        for node in ast.walk(tree):
            assigned = node.targets if isinstance(node, ast.Assign) else []
            if isinstance(node, ast.AugAssign):
                assigned = [node.target]
            for target in _one_by_one(assigned):
                names = _names_of_indices(target)
                if names is not None and "lane" not in names and names <= arguments:
                    return ast.unparse(target)
    return ""


def _one_by_one(targets: Iterable[ast.expr]) -> Iterator[ast.expr]:
    """Go through what is assigned to, also in tuples: `a, b = ...`."""
    for target in targets:
        if isinstance(target, ast.Tuple | ast.List):
            yield from _one_by_one(target.elts)
        else:
            yield target


def _names_of_indices(target: ast.expr) -> set[str] | None:
    """Return the names in the indices of `state.name[...]`, or None for what is something else."""
    names: set[str] = set()
    found = False
    while isinstance(target, ast.Subscript):
        names |= {node.id for node in ast.walk(target.slice) if isinstance(node, ast.Name)}
        target, found = target.value, True
    ours = isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "state"
    return names if found and ours else None
