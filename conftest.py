"""What all tests and doctests have in common."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import settings

from banditlab.core.playing import engine

# the same examples in every run, so that what passes does so again; --hypothesis-profile=default looks for others
settings.register_profile("same", derandomize=True)
settings.load_profile("same")


@pytest.fixture(autouse=True, scope="session")
def kernels_are_compiled_here() -> Iterator[None]:
    """Start no processes to compile in where tests are played by several: new ones know nothing of what is compiled.

    A page of contextual duels took 70 seconds of processors with them, and 45 without.
    """
    with pytest.MonkeyPatch.context() as patch:
        if "PYTEST_XDIST_WORKER" in os.environ:
            patch.setattr(engine, "compile_ahead", lambda *_: None)
        yield


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    """Close what a test or an example drew: matplotlib warns from the 21st open figure on."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def silent() -> Iterator[None]:
    """Kernels called as plain Python overflow without a word, as compiled ones do."""
    with np.errstate(all="ignore"):
        yield
