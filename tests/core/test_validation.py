"""Checks of numbers and arrays: the same bounds, open and closed, and the same words for them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import array, between, matrix, meant, vector

BOUNDS = [(False, False), (True, False), (False, True), (True, True)]


@pytest.mark.parametrize(("open_low", "open_high"), BOUNDS)
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-math.inf, 1.0), (0.0, math.inf)])
def test_bounds_of_numbers_and_of_arrays_are_the_same(low, high, open_low, open_high):
    bounds = {"open_low": open_low, "open_high": open_high}
    number = between(low, high, **bounds)
    checks = [
        (vector(low, high, **bounds), lambda v: [0.5, v], "x[1]"),
        (array(1, low, high, **bounds), lambda v: [0.5, v], "x[1]"),
        (matrix(low, high, **bounds), lambda v: [[0.5, v]], "x[0][1]"),
    ]
    for value in (-1.0, 0.0, 0.5, 1.0, 2.0):
        try:
            number("x", value)
            said = None
        except InvalidArgument as error:
            said = str(error)
        allowed = (value > low if open_low else value >= low) and (value < high if open_high else value <= high)
        assert (said is None) == allowed
        for check, sequence, name in checks:
            if said is None:
                assert check("x", sequence(value)).ravel()[-1] == value
            else:
                with pytest.raises(InvalidArgument) as found:
                    check("x", sequence(value))
                assert str(found.value) == said.replace("x is", f"{name} is").replace("a number", "numbers")


def test_messages_show_which_ends_are_open():
    with pytest.raises(InvalidArgument, match=r"x\[0\] is 1.0; allowed: numbers in \(0, 1\)$"):
        vector(0.0, 1.0, open_low=True, open_high=True)("x", [1.0])
    with pytest.raises(InvalidArgument, match=r"x\[0\]\[0\] is 2.0; allowed: numbers in \(-inf, 1\]$"):
        matrix(high=1.0)("x", [[2.0]])


@pytest.mark.parametrize("value", [[0.5, True], [np.True_, 1], [[0.5], (True,)], [True, False]], ids=repr)
def test_truths_are_no_numbers_of_an_array(value):
    with pytest.raises(InvalidArgument, match=r"means is .*True.*; allowed: a flat sequence of numbers"):
        vector(0.0, 1.0)("means", value)


def test_close_names_are_suggested_and_others_are_not():
    options = ["scoring_regret", "scoring_online", "cvar_mdp"]
    assert meant("scoring_regert", options) == "; did you mean scoring_regret?"
    assert meant("SCORING", options, written=repr) == "; did you mean 'scoring_online'?"
    assert meant("x", options) == ""
