"""What is asked of values in every family: policies have equal twins and never change, results are equal or not."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import banditlab as bl


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


def columns(result: bl.Results, label: str | None = None) -> dict[str, NDArray[np.float64]]:
    """Return every metric of one policy, the first if no label is given: runs by checkpoints."""
    k = 0 if label is None else result.policies.index(label)
    return {metric: result.values(metric)[k] for metric in result.metrics}


def same(first: Mapping[str, NDArray[np.float64]], second: Mapping[str, NDArray[np.float64]]) -> None:
    """Check that what `columns` returned of two results is equal, to the last bit."""
    assert list(first) == list(second)
    for metric, numbers in first.items():
        np.testing.assert_array_equal(numbers, second[metric], err_msg=metric, strict=True)
