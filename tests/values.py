"""What is asked of values in every family: policies have equal twins and never change, results are equal or not."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import banditlab as bl
from banditlab.errors import OutOfTurn


def check_twins(policy: Any, all_of_them: Iterable[Any]) -> None:
    """Check that what is pickled, copied or made again is equal to a policy, and no other one is."""
    for twin in (pickle.loads(pickle.dumps(policy)), copy.deepcopy(policy), dataclasses.replace(policy)):
        assert twin == policy, f"{twin!r} is not {policy!r}"
        assert hash(twin) == hash(policy), f"{twin!r} has another hash"
        assert repr(twin) == repr(policy), f"{twin!r} is shown differently from {policy!r}"
    others = [other for other in all_of_them if other is not policy]
    assert policy not in others, f"{policy!r} equals another one"
    assert policy != repr(policy)


def check_repr(policy: Any, names: Mapping[str, Any]) -> None:
    """Check that a policy is shown as the call that makes it, with the arguments that are not the default only."""
    cls = type(policy)
    needed = {f.name for f in dataclasses.fields(cls) if f.default is dataclasses.MISSING}  # shown without their name
    given = {f.name for f in dataclasses.fields(cls) if not np.array_equal(getattr(policy, f.name), f.default)}
    text = repr(policy)
    assert text.startswith(f"{cls.__name__}("), text
    assert {f.name for f in dataclasses.fields(cls) if f"{f.name}=" in text} == given - needed, text
    assert eval(text, dict(names)) == policy, text
    assert policy.label == (text if given else cls.__name__), policy.label


def check_frozen(policy: Any) -> None:
    """Check that no attribute can be set, be it a field or a new one."""
    for attribute in [f.name for f in dataclasses.fields(policy)] + ["something_new"]:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(policy, attribute, 1.0)


def check_same_future(first: Any, other: Any, plays: Callable[..., Any], luck: NDArray[np.float64], start: int) -> None:
    """Check that an agent pickles, and that its state, pickled too, is restored in another, with the same future."""
    plays(first, luck[:start])
    saved, twin = pickle.loads(pickle.dumps(first.state)), pickle.loads(pickle.dumps(first))
    assert type(twin) is type(first), f"{twin!r} is no {type(first).__name__}"
    plays(other, luck[30:40])
    other.state = saved
    future = plays(first, luck[start:])
    assert plays(twin, luck[start:]) == future, f"{first!r}, pickled, plays on otherwise"
    assert plays(other, luck[start:]) == future, f"{first!r} plays on otherwise than what has its state"
    other.state = saved  # neither playing on nor restoring changes what was saved
    assert plays(other, luck[start:]) == future, f"the saved state of {first!r} has changed"


def check_state_amid_a_round(
    first: Any, teach: Callable[..., Any], plays: Callable[..., Any], luck: NDArray[np.float64]
) -> None:
    """Check that an agent pickles between `select` and `update`, which `teach(agent, choice)` calls."""
    plays(first, luck[:7])
    choice = first.select()
    twin = pickle.loads(pickle.dumps(first))
    with pytest.raises(OutOfTurn):
        twin.select()
    for player in (first, twin):
        teach(player, choice)
    assert plays(first, luck[8:]) == plays(twin, luck[8:]), f"{first!r}, pickled amid a round, plays on otherwise"


def columns(result: bl.Results, label: str | None = None) -> dict[str, NDArray[np.float64]]:
    """Return every metric of one policy, the first if no label is given: runs by checkpoints."""
    k = 0 if label is None else result.policies.index(label)
    return {metric: result.values(metric)[k] for metric in result.metrics}


def same(first: Mapping[str, NDArray[np.float64]], second: Mapping[str, NDArray[np.float64]]) -> None:
    """Check that what `columns` returned of two results is equal, to the last bit."""
    assert list(first) == list(second)
    for metric, numbers in first.items():
        np.testing.assert_array_equal(numbers, second[metric], err_msg=metric, strict=True)


def arrays(state: dict[str, Any]) -> Iterator[NDArray[Any]]:
    """Go through the arrays of an agent's state, nested ones too."""
    for value in state.values():
        if isinstance(value, dict):
            yield from arrays(value)
        else:
            yield value
