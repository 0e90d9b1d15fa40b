"""HiGHS without output: from release 1.16 on it prints its name when first used, before it can be told not to."""

from __future__ import annotations

from typing import Any


def quiet_highs() -> Any:
    """Return a `highspy.Highs` that prints nothing.

    Once it exists, others in this process do not print their name either: HiGHS does so once.
    """
    import highspy

    class Quiet(highspy.Highs):  # type: ignore[misc] # a class that mypy does not look at
        def enableCallbacks(self) -> None:  # noqa: N802 - HiGHS's name; it is the first that its constructor calls
            self.setOptionValue("log_to_console", False)
            super().enableCallbacks()

    return Quiet()
