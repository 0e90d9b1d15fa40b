"""Rates: their numbers, and the errors of what feeds them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from banditlab.core.errors import BanditlabError
from banditlab.scoring import theory


def test_osra_rate_grows_as_proved() -> None:
    assert theory.osra_rate(3, 8000) == pytest.approx(9 * 400)
    assert theory.osra_rate(6, 1000) == pytest.approx(4 * theory.osra_rate(3, 1000))


def test_frontier_ends_where_nothing_is_left_to_trade() -> None:
    assert theory.online_exponents(1.0) == (1.0, 0.5)
    assert theory.online_exponents(0.5) == (0.5, 0.75)


def test_identification_rate_is_that_of_its_formula() -> None:
    rate = theory.identification_rate([0.5, 0.25], 0.1, 0.5, n_beliefs=3, max_payment=2.0, max_utility=1.0)
    assert rate == pytest.approx(4 * 3 * (4 * 9 / 0.01 + 4 + 16) * 0.6931471805599453)
    assert theory.identification_rate([], 0.1, 0.5, n_beliefs=1) < rate


def test_identification_rate_of_the_tiniest_numbers() -> None:
    assert theory.identification_rate([1e-200], 0.1, 0.5, n_beliefs=2) == np.inf
    assert theory.identification_rate([0.5], 1e-200, 0.5, n_beliefs=2) == np.inf
    assert theory.identification_rate(np.zeros(0), 0.1, 0.5, n_beliefs=2) < np.inf


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (theory.osra_rate, (0, 10)),
        (theory.online_exponents, (0.4,)),
        (theory.identification_rate, ([0.0], 0.1, 0.5)),
        (theory.identification_rate, ([0.1], 5.0, 0.5)),
        (theory.identification_rate, ([[0.1], [0.1, 0.2]], 0.1, 0.5)),
        (theory.identification_rate, (None, 0.1, 0.5)),
    ],
    ids=["no actions", "alpha", "gap", "epsilon", "ragged", "none"],
)
def test_bad_arguments(function: Any, arguments: tuple[Any, ...]) -> None:
    options = {"n_beliefs": 2} if function is theory.identification_rate else {}
    with pytest.raises(BanditlabError, match="allowed"):
        function(*arguments, **options)
