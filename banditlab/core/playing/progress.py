"""The progress bar: one for a whole run, in terminals and notebooks only."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from ..unwarned import unwarned
from ..validation import invalid

INTERVAL = 0.2
"""Seconds between two updates of the bar: in a notebook each takes longer than a short cell."""


class Progress:
    """Shows rounds played, rounds per second and what is being compiled; does nothing where it is not shown.

    Parameters
    ----------
    total : int
        Rounds in total.
    mode : {'auto'} or bool
        'auto' shows the bar when standard error is a terminal, and in notebooks.
    """

    def __init__(self, total: int, mode: Any = "auto") -> None:
        if not isinstance(mode, bool) and not (isinstance(mode, str) and mode == "auto"):
            raise invalid("progress", mode, "True, False or 'auto'")
        self._bar: Any = None
        self._said = ""
        self._noted = -INTERVAL
        if mode is True or (mode == "auto" and _someone_watches()):
            # in a notebook without ipywidgets the bar is drawn as text, which is no reason to warn
            with unwarned({"message": "IProgress not found"}):
                from tqdm.auto import tqdm

            with self._drawing():
                self._bar = tqdm(
                    total=total, unit=" rounds", unit_scale=True, leave=False, mininterval=INTERVAL, delay=0.5
                )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar."""
        if self._bar is not None:
            with self._drawing():
                self._bar.close()

    @contextlib.contextmanager
    def _drawing(self) -> Iterator[None]:
        """Give up on the bar where it cannot be drawn: the pipe has no reader, or the terminal or stream is gone.

        The simulation matters more than a display of its progress.
        """
        try:
            yield
        except (OSError, ValueError, AttributeError):  # AttributeError: no stream at all, as without a console
            if self._bar is not None:
                self._bar.disable = True  # else it would be removed again when its memory is freed
            self._bar = None

    def say(self, text: str) -> None:
        """Show what is being done."""
        if self._bar is not None and text != self._said:
            with self._drawing():
                self._bar.set_description(text)
            self._said = text

    def note(self, **facts: object) -> None:
        """Show facts next to the bar."""
        if self._bar is not None:
            now = time.monotonic()
            due = now - self._noted >= INTERVAL
            with self._drawing():
                self._bar.set_postfix(facts, refresh=due)  # else drawn with the next rounds
            self._noted = now if due else self._noted

    def add(self, rounds: int) -> None:
        """Count rounds as played."""
        if self._bar is not None:
            with self._drawing():
                self._bar.update(rounds)


def _someone_watches() -> bool:
    if "ipykernel" in sys.modules:
        return True
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is none, it is a program's own that can only write, or it is closed
        return False
