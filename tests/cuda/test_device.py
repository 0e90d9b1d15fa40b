"""A real device: correctness first. Skipped where there is none."""

from __future__ import annotations

import pytest

from banditlab.core.devices import cuda

from .on_device import *  # noqa: F403 - the tests

if cuda.missing() or cuda.simulated():
    pytest.skip(f"there is no device: {cuda.missing()}", allow_module_level=True)

# CuPy 13 warns that it compiles something once and for all
pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore:Jitify is performing a one-time only warm-up")]
