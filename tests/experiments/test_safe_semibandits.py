"""What is computed from the results of the experiment on safe semi-bandits."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.safe_semibandits import analysis
from experiments.verdicts import FAILS, HOLDS, UNTESTABLE


@pytest.mark.parametrize(("bad", "n", "verdict"), [(0, 400, HOLDS), (0, 20, UNTESTABLE), (90, 400, FAILS)])
def test_safety_is_judged_by_the_whole_interval(bad: int, n: int, verdict: str) -> None:
    found = analysis.safety_verdict("safe", np.arange(n) < bad)
    assert found.outcome == verdict
    assert found.low <= bad / n <= found.high


def test_additional_regret_on_a_line_is_linear() -> None:
    x = np.array([1.0, 2.0, 5.0, 9.0])
    assert analysis.linearity(x, 3.0 * x[:, None] + np.zeros((4, 5)))[0] == pytest.approx(1.0)
