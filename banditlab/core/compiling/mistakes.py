"""Mistakes in a user's class that would give wrong numbers without an error: they are refused when it is made."""

from __future__ import annotations

import ast
import dis
import inspect
import random
import textwrap
import tokenize
import types as pytypes
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from ..origin import is_ours
from ..unwarned import unwarned
from .fingerprint import outer_values, users_own

GENERATORS = random.Random | np.random.RandomState | np.random.Generator
MODULES_WITH_GENERATORS = (random, np.random)


def global_generator(*functions: Callable[..., object]) -> str:
    """Return how the user's functions use a global generator, such as `np.random.rand`; else nothing."""
    for function in users_own(*functions):
        steps, outside = list(dis.get_instructions(function.__code__)), outer_values(function)
        for k, step in enumerate(steps):
            if step.opname not in ("LOAD_GLOBAL", "LOAD_DEREF"):
                continue
            parts, value = [step.argval], outside.get(step.argval)
            for after in steps[k + 1 : k + 3]:
                if not isinstance(value, pytypes.ModuleType) or after.opname not in ("LOAD_ATTR", "LOAD_METHOD"):
                    break
                parts, value = [*parts, after.argval], getattr(value, after.argval, None)
            # a module that is only named is given another name
            if any(value is module for module in MODULES_WITH_GENERATORS):
                return ".".join(parts)
            if isinstance(value, GENERATORS) or isinstance(getattr(value, "__self__", None), GENERATORS):
                return ".".join(parts)
    return ""


def lacks_return(function: Callable[..., object]) -> bool:
    """Say whether a user's kernel that must return something can end without a value.

    Compiled, it would play until a run takes that path.
    """
    if is_ours(function.__module__):
        return False
    steps = [(step.opname, step.argval) for step in dis.get_instructions(function)]
    returns = ("RETURN_CONST", None) in steps
    return returns or (("LOAD_CONST", None), ("RETURN_VALUE", None)) in pairwise(steps)


def plays_later(function: Callable[..., object]) -> bool:
    """Say whether calling a function only makes a generator or a coroutine."""
    return bool(function.__code__.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR))


def attribute_set(function: Callable[..., object], owners: tuple[str, ...] = ("self", "state")) -> str:
    """Return what a user's function sets although it cannot change, such as `self.last`; else nothing.

    In kernels that is `self` and the state, in other methods `self`.
    """
    if is_ours(function.__module__):
        return ""
    steps = list(dis.get_instructions(function))
    for k, step in enumerate(steps):
        if step.opname != "STORE_ATTR":
            continue
        for owner in owners:
            # as in `self.last += 1`, which first copies the owner
            copied = (
                _loads(a, owner) and b.opname == "COPY" and c.argval == step.argval
                for a, b, c in zip(steps[:k], steps[1:k], steps[2:k], strict=False)
            )
            if _loads(steps[k - 1], owner) or any(copied):
                return f"{owner}.{step.argval}"
    return ""


def taken_from_state(function: Callable[..., object]) -> str:
    """Return the name in `state["name"]` of a user's kernel, which receives no dict; else nothing."""
    if is_ours(function.__module__):
        return ""
    steps = list(dis.get_instructions(function))
    for owner, name, step in zip(steps, steps[1:], steps[2:], strict=False):
        # from Python 3.14 on, subscripting is one of the binary operations
        subscript = step.opname in ("BINARY_SUBSCR", "STORE_SUBSCR") or step.argrepr == "[]"
        if _loads(owner, "state") and isinstance(name.argval, str) and subscript:
            return name.argval
    return ""


def _loads(step: dis.Instruction, name: str) -> bool:
    """Say whether an instruction loads a variable; newer ones load two."""
    loaded = step.argval if isinstance(step.argval, tuple) else (step.argval,)
    return step.opname.startswith("LOAD_FAST") and loaded[-1] == name


def written_for_all_runs(*functions: Callable[..., object]) -> str:
    """Return what functions that play one lane write into the state of all, such as `state.sums[arm]`; else nothing.

    Only what is certain counts: indices whose names are arguments other than the lane. A name that the function defines
    itself may hold the lane.
    """
    for tree, known in _for_one_lane(*functions):
        roots = {"state"} | _names_of_arrays(tree)
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)):
                continue
            subscripts, owner = _subscripts(node)
            root = _root(owner)
            ours = root in roots and (root != "state" or isinstance(owner, ast.Attribute))
            if ours and all(_names(s.slice) <= known for s in subscripts):
                return ast.unparse(node)
    return ""


def misplaced_lane(where: str, *functions: Callable[..., object]) -> tuple[str, str]:
    """Return what functions index with the lane in the wrong place, as in `state.sums[lane, arm]`, and the fix.

    `where` is 'first' or 'last'. Compiled code would read and write another run's numbers, or beyond the array.
    """
    for tree, _ in _for_one_lane(*functions):
        roots = {"state"} | _names_of_arrays(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Subscript):
                continue
            subscripts, owner = _subscripts(node)
            root = _root(owner)
            if root not in roots or (root == "state" and not isinstance(owner, ast.Attribute)):
                continue
            indices = [index for s in reversed(subscripts) for index in _indices(s.slice)]
            if len(subscripts) > 1 and any(isinstance(index, ast.Slice) for index in indices):
                continue  # the next index is for an axis that the slice has left
            lanes = [index for index in indices if isinstance(index, ast.Name) and index.id == "lane"]
            if lanes and indices[0 if where == "first" else -1] not in lanes:
                others = [index for index in indices if index not in lanes]
                right = [*lanes[:1], *others] if where == "first" else [*others, *lanes[:1]]
                return ast.unparse(node), f"{ast.unparse(owner)}[{', '.join(map(ast.unparse, right))}]"
    return "", ""


def _indices(index: ast.expr) -> list[ast.expr]:
    return list(index.elts) if isinstance(index, ast.Tuple) else [index]


def _for_one_lane(*functions: Callable[..., object]) -> Iterator[tuple[ast.FunctionDef, set[str]]]:
    """Yield the user's functions that take a state and a lane, each with the names that cannot be the lane."""
    for function in users_own(*functions):
        arguments = set(inspect.signature(function).parameters)
        if not {"state", "lane"} <= arguments:
            continue
        try:
            with unwarned({}):  # Python has given these warnings when the code was compiled
                tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        except (OSError, SyntaxError, tokenize.TokenError):  # no source, or one that does not stand alone
            continue
        found = tree.body[0]
        if not isinstance(found, ast.FunctionDef) or found.name != function.__name__:  # the file was edited since
            continue
        made = {n.id for n in ast.walk(found) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
        inner = [n for n in ast.walk(found) if isinstance(n, ast.FunctionDef | ast.Lambda) and n is not found]
        made |= {argument.arg for f in inner for argument in ast.walk(f.args) if isinstance(argument, ast.arg)}
        if not {"state", "lane"} & made:
            yield found, arguments - made - {"lane"}


def _names_of_arrays(tree: ast.AST) -> set[str]:
    """Return the names that are given an array of the state, as in `sums = state.sums`, and nothing else."""
    given = Counter(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute) and _root(node.value) == "state":
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {name for name in found if given[name] == 1}


def _root(node: ast.expr) -> str:
    """Return the name at the beginning of `name.attribute.attribute`; empty if it is something else."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _subscripts(node: ast.expr) -> tuple[list[ast.Subscript], ast.expr]:
    """Return the subscripts of `owner[...][...]`, and the owner."""
    found = []
    while isinstance(node, ast.Subscript):
        found.append(node)
        node = node.value
    return found, node


def _names(index: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(index) if isinstance(node, ast.Name)}
