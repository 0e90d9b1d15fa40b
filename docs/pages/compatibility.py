"""Which policy plays which environment, asked of the package itself."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from banditlab import arms, semibandits
from banditlab.core.playing.experiment import reasons_against
from banditlab.errors import InvalidArgument
from banditlab.families import families, registered

from .examples import example_of

HORIZON = 10_000
MOST_ITEMS = 20
PLAYS = "●"
DEMAND = re.compile(r", (?:and th|not )")
"""Before it, a reason says what the policy demands; after it, what this environment has instead."""

INTRODUCTION = f"""# Which policy plays where

{PLAYS} means that `bl.run` plays it; a number refers to the reason why not, in the words of the error, which is raised
before anything is simulated. Components have default arguments, or else those of the examples in their docstrings, and
the horizon is {HORIZON:,} rounds. Other arguments can change the answer: `Beta` rewards are in [0, 1], those of
`Gaussian` are not, and those of `Categorical` and `Empirical` depend on what you pass. The last column says whether a
policy plays on a {{doc}}`CUDA device <../howto/gpu>`.
"""


def compatibility_page() -> str:
    """Return the page in Markdown."""
    lines = [INTRODUCTION]
    for family in families():
        importlib.import_module(f"banditlab.{family}")
    policies = {f: _examples(f, "policy") for f in families()}
    for family in families():
        if environments := _examples(family, "environment"):
            playing = [p for f in families() for p in policies[f] if family in p.family.plays]
            lines += [f"## Environments of banditlab.{family}", "", *_table(playing, environments), ""]
    sets = [semibandits.SemiBandit(_items_for(actions), actions) for actions in _examples("semibandits", "action_set")]
    lines += ["## Action sets of banditlab.semibandits", "", "With Bernoulli items.", ""]
    lines += [*_table(policies["semibandits"], sets, lambda world: world.actions), ""]
    return "\n".join(lines)


def _examples(family: str, kind: str) -> list[Any]:
    """Return the components of a kind: with default arguments, or as examples in their docstrings have them."""
    found = []
    for _, cls in sorted(registered(family, kind).items(), key=lambda item: item[0].lower()):
        try:
            found.append(cls())
        except TypeError:
            found.append(example_of(cls))
    return found


def _items_for(actions: Any) -> arms.Bernoulli:
    """Return as few items as an action set accepts."""
    for n_items in range(1, MOST_ITEMS + 1):
        try:
            actions.check(n_items)
        except InvalidArgument:
            continue
        return arms.Bernoulli(np.linspace(0.1, 0.9, n_items))
    raise LookupError(f"{actions!r} is a set of more than {MOST_ITEMS} items; allowed: a smaller example")


def _table(policies: list[Any], worlds: list[Any], shown: Callable[[Any], Any] = lambda world: world) -> list[str]:
    """Return a table with one row per policy and one column per world, and the reasons that its numbers stand for."""
    numbers: dict[str, int] = {}
    rows = []
    for policy in policies:
        cells = []
        for world in worlds:
            found = dict.fromkeys(DEMAND.split(reason)[0] for reason in reasons_against(world, policy, HORIZON))
            cells.append(" ".join(str(numbers.setdefault(reason, len(numbers) + 1)) for reason in found) or PLAYS)
        device = any(not policy.family.protocol.reasons_against_device(w, policy) for w in worlds)
        rows.append([_link(policy), *cells, PLAYS if device else ""])
    heads = ["", *(_link(shown(world)) for world in worlds), "CUDA"]
    lines = ["```{list-table}", ":header-rows: 1", ":stub-columns: 1", ":class: compatibility", ""]
    for row in [heads, *rows]:
        lines += [f"{'*' if k == 0 else ' '} - {cell}" for k, cell in enumerate(row)]
    lines += ["```", ""]
    return lines + [f"{number}. {reason}" for reason, number in numbers.items()]


def _link(component: Any) -> str:
    name = type(component).__name__
    return f"{{py:class}}`{name} <banditlab.{component.family.name}.{name}>`"
