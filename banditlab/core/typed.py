"""Annotations of fields that are given one thing and keep another: a list, and the array that it becomes.

A field annotated as an array would make `arms.Bernoulli([0.1, 0.9])` an error for type checkers. For a field whose type
is a descriptor, they take what its `__set__` accepts as the type of the argument, and what its `__get__` returns as the
type of the attribute. No field ever holds such a descriptor: they are only annotations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Kept = TypeVar("Kept")
Given = TypeVar("Given")


class Converted(Generic[Kept, Given]):
    """What a field keeps, and what it may be given."""

    if TYPE_CHECKING:

        def __get__(self, instance: object, owner: Any) -> Kept:
            """Type the attribute."""

        def __set__(self, instance: object, value: Given) -> None:
            """Type the argument."""


FloatArray = Converted[NDArray[np.float64], ArrayLike]
"""For a field whose check makes it an array of floats, as `vector` and `matrix` of `core.validation` do."""

OptionalFloatArray = Converted[NDArray[np.float64] | None, ArrayLike | None]
"""The same, or None."""

IntArray = Converted[NDArray[np.int64], ArrayLike]
"""For a field whose check makes it an array of whole numbers."""
