"""The experiments on sums of items run from end to end at a size at which nothing can be concluded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from experiments.safe_semibandits import analysis, figures
from experiments.safe_semibandits import simulate as safe
from experiments.semibandits_paradox import analysis as paradox_analysis
from experiments.semibandits_paradox import simulate as paradox
from experiments.verdicts import FAILS, HOLDS, UNTESTABLE


def test_safe_semibandits_runs_from_end_to_end(tmp_path: Path) -> None:
    safe.simulate(tmp_path, "tiny", 1)
    found = analysis.verdicts(tmp_path, "tiny")
    assert len(found) >= 8
    assert {v.verdict for v in found} <= {HOLDS, FAILS, UNTESTABLE}
    assert all(v.low <= v.measured <= v.high for v in found)
    figures.figures(tmp_path, "tiny").savefig(tmp_path / "figure.png")


def test_the_paradox_runs_from_end_to_end(tmp_path: Path) -> None:
    paradox.simulate(tmp_path, "tiny", 1)
    found = paradox_analysis.verdicts(tmp_path, "tiny")
    assert len(found) == 7
    paradox_analysis.figure(tmp_path, "tiny").savefig(tmp_path / "figure.png")


@pytest.mark.parametrize(("bad", "n", "verdict"), [(0, 400, HOLDS), (0, 20, UNTESTABLE), (90, 400, FAILS)])
def test_safety_is_judged_by_the_whole_interval(bad: int, n: int, verdict: str) -> None:
    found = analysis.safety_verdict("safe", np.arange(n) < bad)
    assert found.verdict == verdict
    assert found.low <= bad / n <= found.high


def test_additional_regret_on_a_line_is_linear() -> None:
    x = np.array([1.0, 2.0, 5.0, 9.0])
    assert analysis.linearity(x, 3.0 * x[:, None] + np.zeros((4, 5)))[0] == pytest.approx(1.0)
