"""One page of reference a family, from the registry: a new component is in the documentation by itself."""

from __future__ import annotations

import importlib
import inspect
import sys
from typing import Any

from banditlab.families import registered

HOOKS = ("state", "derive", "validate", "reasons_against", "reasons_against_actions", "check_horizon")
"""What the package calls of a component, besides its kernels: the how-to guides say what they are."""
DECORATORS = ("policy", "environment", "utility", "action_set", "offline_algorithm")
MODULES = (
    ("Theory", "theory"),
    ("Instances", "instances"),
    ("Winners", "winners"),
    ("Regrets", "regrets"),
    ("Closed forms", "closed_forms"),
)
"""Modules of functions, with the title of their table; divergences are on the page of components."""


def family_page(family: str) -> str:
    """Return the page of a family: everything public of it, in lists that autosummary fills."""
    module = importlib.import_module(f"banditlab.{family}")
    summary, *_ = (inspect.getdoc(module) or "").split("\n", 1)
    lines = [f"# banditlab.{family}", "", summary, ""]
    tables = [
        ("Environments", [f"{family}.{n}" for n in _registered(family, "environment")]),
        ("Policies", [f"{family}.{n}" for n in _registered(family, "policy")]),
        ("Action sets", [f"{family}.{n}" for n in _registered(family, "action_set")]),
        ("Decorators", [f"{family}.{n}" for n in DECORATORS if hasattr(module, n)]),
    ]
    tables += [(title, _functions(f"{family}.{name}")) for title, name in MODULES if hasattr(module, name)]
    listed = {name for _, names in tables for name in names}
    others = [n for n in module.__all__ if f"{family}.{n}" not in listed and callable(getattr(module, n))]
    tables.append(("Functions and classes", [f"{family}.{n}" for n in others]))
    for title, names in tables:
        if names:
            lines += [f"## {title}", "", "```{eval-rst}", ".. currentmodule:: banditlab", ""]
            lines += [".. autosummary::", "   :toctree: .", "   :nosignatures:", ""]
            lines += [f"   {name}" for name in names] + ["```", ""]
    return "\n".join(lines)


def _functions(module: str) -> list[str]:
    found = importlib.import_module(f"banditlab.{module}")
    return [f"{module}.{n}" for n in found.__all__ if callable(getattr(found, n))]


def _registered(family: str, kind: str) -> list[str]:
    return sorted(registered(family, kind), key=str.lower)


def is_kernel(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave a component's kernels and hooks out of its page: its rule is in the docstring of the class.

    Takes what Sphinx's event `autodoc-skip-member` gives.
    """
    obj = getattr(obj, "fget", obj)  # of a property
    module, path = getattr(obj, "__module__", None), getattr(obj, "__qualname__", "")
    if module == "banditlab.core.components":  # what the decorator adds
        return True
    owner = getattr(sys.modules.get(module), path.partition(".")[0], None)
    info = vars(owner).get("__banditlab__") if isinstance(owner, type) else None
    return True if info is not None and name in (*info.kernels, *HOOKS) else None
