"""Suppresses warnings of other packages that users need not see."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Iterator

_one_at_a_time = threading.RLock()


@contextlib.contextmanager
def unwarned(*filters: dict[str, str], category: type[Warning] = Warning) -> Iterator[None]:
    """Suppress warnings of a category that match one of some filters: arguments of `warnings.filterwarnings`.

    One thread at a time: at its end, `warnings.catch_warnings` restores the filters that all threads had at its
    beginning. Of two that overlap, the later one would leave the earlier one's filters in place for good.

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
