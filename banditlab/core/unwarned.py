"""Warnings of others that are nothing to warn of, left out."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Iterator

_one_at_a_time = threading.RLock()


@contextlib.contextmanager
def unwarned(*filters: dict[str, str], category: type[Warning] = Warning) -> Iterator[None]:
    """Leave out warnings of a category that one of some filters fits: arguments of `warnings.filterwarnings`.

    One thread at a time: what `warnings.catch_warnings` puts back at its end are the filters that all threads had at
    its beginning. Of two that overlap, the later one would leave behind for ever what the earlier one left out.

    Examples
    --------
    >>> import warnings
    >>> with unwarned({"message": "nothing"}):
    ...     warnings.warn("nothing to warn of", stacklevel=1)
    """
    with _one_at_a_time, warnings.catch_warnings():
        for one in filters:
            warnings.filterwarnings("ignore", category=category, **one)  # type: ignore[arg-type]
        yield
