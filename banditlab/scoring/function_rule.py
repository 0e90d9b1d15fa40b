"""The rule of any function of report and outcome, proper or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.validation import integer, shown

from .payments import name_of, returned
from .rules import ScoringRule
from .simplex import Floats


class FunctionRule(ScoringRule):
    """The rule of any function of report and outcome."""

    def __init__(self, score: Callable[[Floats, int], Any], n_states: int) -> None:
        if not callable(score):
            raise InvalidType(f"score is {shown(score)}; allowed: a function of a report and an outcome")
        self.n_states = integer(2)("n_states", n_states)
        self._score = score
        self._rows(np.full((1, self.n_states), 1.0 / self.n_states))

    def _rows(self, reports: Floats) -> Floats:
        rows = np.empty(reports.shape)
        for i, r in enumerate(reports):
            for w in range(self.n_states):
                with np.errstate(divide="ignore"):  # log(0) is -inf, as it should be
                    paid = returned("score", self._score(r, w), r)
                if paid.shape != () or np.isnan(paid) or paid == np.inf:
                    raise InvalidArgument(
                        f"score is {shown(paid.tolist())} for the report {r.tolist()} in state {w}; "
                        "allowed: a finite number, or -inf"
                    )
                rows[i, w] = paid
        return rows

    def __repr__(self) -> str:
        """Return what it was made of."""
        return f"ScoringRule.from_function({name_of(self._score)}, n_states={self.n_states})"
