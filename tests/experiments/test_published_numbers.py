"""How numbers of others are compared with ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from experiments.published_numbers import analysis, simulate
from experiments.published_numbers.analysis import Pair, same_digits
from experiments.verdicts import FAILS, HOLDS


@pytest.mark.parametrize(
    ("theirs", "ours", "same"),
    [("7.52", 7.517, True), ("7.52", 7.526, False), ("101", 101.4, True), ("101", 100.4, False), ("0.10", 0.1, True)],
)
def test_constants_are_compared_to_the_digits_that_are_printed(theirs, ours, same):
    assert same_digits(theirs, ours) == same


@pytest.mark.parametrize(("theirs", "agrees"), [(10.0, True), (10.55, True), (10.6, False), (9.45, True), (9.4, False)])
def test_means_agree_within_four_standard_errors_of_their_difference(theirs, agrees):
    ours = np.tile([9.0, 11.0], 200) * 1.0  # mean 10, standard error 0.05
    pair = Pair("", "", "", theirs, 0.13, 1, "", False, ours)
    assert pair.error == pytest.approx(np.hypot(0.13, 0.05), rel=2e-3)
    assert pair.agrees == agrees


@pytest.mark.parametrize(("theirs", "agrees"), [(10.0, True), (16.0, True), (22.5, False), (9.5, False)])
def test_means_of_few_runs_agree_if_as_few_of_ours_can_have_them(theirs, agrees):
    """One run in a hundred pays 40, others 10: none of ten may, or two, and five with a probability of 2 in 10^8."""
    ours = np.full(10_000, 10.0)
    ours[:100] = 40.0
    assert Pair("", "", "", theirs, 1.0, 10, "", True, ours).agrees == agrees


def test_each_number_names_a_game_a_policy_and_a_source():
    config, games = simulate.configuration(), simulate.settings()
    reported = config["reported"]
    rows = reported["regrets"]
    assert all(row["policy"] in games[row["setting"]].policies for row in rows)
    assert {row["setting"] for row in rows} == set(games)
    assert set(reported["constants"]) == set(analysis.CONSTANTS)
    used = {row["source"] for row in [*rows, *reported["constants"].values()]}
    assert used == set(reported["sources"])
    assert {row["differs"] for row in rows if "differs" in row} == set(reported["differences"])
    readme = Path(simulate.__file__).parents[2] / "README.md"
    assert f"[{len(rows) + len(reported['constants'])} numbers that other programs print]" in readme.read_text()


def test_one_number_that_is_far_off_shows_in_all_together():
    ours = np.tile([9.0, 11.0], 200) * 1.0
    many = [Pair("", "", "a, b", 10.0 + off, 0.0, 1, "", False, ours) for off in (0.05, -0.05, 0.1, 0.3)]
    known = Pair("", "", "a, b", 20.0, 0.0, 1, "known", False, ours)
    found = analysis._together("a, b", [*many, known], True)
    assert found.measured == pytest.approx((1 + 1 + 4 + 36) / 4, rel=1e-2)
    assert found.verdict == FAILS
    assert analysis._together("a, b", [*many[:3], known], True).verdict == HOLDS
