"""The cells of a sweep along one parameter: which of them make a line, and how steep it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InvalidArgument, InvalidType
from ..results.metrics import asked_metric
from ..validation import invalid, one_of, shown
from .sweep_cells import SweepCell, agrees, check_there, hashable, in_words
from .sweep_results import SweepResults

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 2
"""Fewest points that make a line."""


@dataclass(frozen=True)
class Line:
    """Cells of one policy that differ in the parameter along the line.

    Attributes
    ----------
    policy : str
        The policy's label.
    others : dict
        What sets the line apart from other lines of the policy: parameters with their values, empty if it is the only
        one.
    rows : DataFrame
        Its rows of the sweep's summary, in ascending order.
    level : bool
        Whether it is level, as its policy does not take the parameter: it has one row.
    """

    policy: str
    others: dict[str, Any]
    rows: pd.DataFrame
    level: bool = False

    def called(self, policy: str) -> str:
        """Return a name of the policy with what sets the line apart: 'UCB1, alpha=0.5'."""
        return f"{policy}, {in_words(self.others)}" if self.others else policy


def chosen_rows(sweep: SweepResults, table: pd.DataFrame, x: str, where: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of the cells that `where` selects: those whose policies take x, and those whose policies do not.

    Cells without a parameter in `where` stay, as their policies do not depend on it.
    """
    if not isinstance(where, dict | None):
        raise InvalidType(f"where is {shown(where)}; allowed: a dict from parameter to value")
    for name in where or {}:
        one_of(*sweep.parameters)("where", name)
    check_there(where or {}, sweep.finished)
    for name, wanted in (where or {}).items():
        table = table[[agrees(value, wanted) for value in table[name]]]
    along = np.array([v is not None and v == v for v in table[x]], dtype=bool)  # in a numeric column, absent is NaN
    if not along.any():
        raise invalid("where", where, "values that some cell has")
    return table[along], table[~along]


def _cells_with(sweep: SweepResults, metric: str) -> list[SweepCell]:
    """Return the cells that have a metric: those of the rows of a summary."""
    return [cell for cell in sweep.finished if cell.cell is not None and metric in cell.cell.metrics]


def cells_of(sweep: SweepResults, rows: pd.DataFrame, metric: str) -> list[SweepCell]:
    """Return the cells of rows of a metric's summary."""
    cells = _cells_with(sweep, metric)
    return [cells[row] for row in rows.index]


def lines_of(sweep: SweepResults, table: pd.DataFrame, metric: str, x: str, where: Any) -> list[Line]:
    """Return the lines along x that the rows of a summary make: per policy one, or one for each value of the rest."""
    cells = _cells_with(sweep, metric)
    found, there = [], set(table["policy"])
    for policy in [label for label in sweep.policies if label in there]:  # in one order, whatever `where` leaves
        mine = table[table["policy"] == policy]
        others = telling(sweep, mine, (x,)) if mine[x].duplicated().any() else []
        groups: dict[tuple[Any, ...], list[int]] = {}
        for row in mine.index:
            groups.setdefault(tuple(hashable(cells[row].parameters.get(p)) for p in others), []).append(row)
        for values, rows in groups.items():
            line = Line(policy, dict(zip(others, values, strict=True)), mine.loc[rows].sort_values(x))
            if line.rows[x].duplicated().any():
                raise several_cells(sweep, mine, (x,), where, policy)
            found.append(line)
    return found


def levels_of(sweep: SweepResults, table: pd.DataFrame, metric: str) -> list[Line]:
    """Return the rows of policies that do not take x, each as a line of its own, which is level."""
    cells = _cells_with(sweep, metric)
    found: list[Line] = []
    for policy in dict.fromkeys(table["policy"]):
        mine = table[table["policy"] == policy]
        others = telling(sweep, mine, ())
        for k in mine.index:
            apart = {p: hashable(cells[k].parameters.get(p)) for p in others}
            found.append(Line(policy, apart, mine.loc[[k]], level=True))
    return found


def telling(sweep: SweepResults, mine: pd.DataFrame, axes: tuple[str, ...]) -> list[str]:
    """Return the parameters that set rows apart, except those shown by axes."""
    return [p for p in sweep.parameters if p not in axes and mine[p].nunique(dropna=False) > 1]


def several_cells(
    sweep: SweepResults, mine: pd.DataFrame, axes: tuple[str, ...], where: Any, label: str
) -> InvalidArgument:
    """Return the error for several cells of a policy in one place of a plot, with what sets them apart."""
    others = telling(sweep, mine, axes)
    if not others:  # values that are equal, and yet not the same object
        return invalid(
            "sweep", sweep, f"cells of {label} that its parameters tell apart; several of them are equal in all of them"
        )
    wanted = (where or {}) | {p: _some_value(mine[p]) for p in others}
    told = f"a value of {' and of '.join(others)} too, as in {wanted}"
    return invalid("where", where, f"{told}, as several cells of {label} have the same {' and '.join(axes)}")


def _some_value(values: pd.Series) -> Any:
    """Return one of the values of a parameter, None only if there is no other."""
    return next((value for value in values if value is not None and value == value), None)


def finals_of(sweep: SweepResults, metric: str) -> list[Any]:
    """Return every run's metric after the last round, for each row of a summary; None if runs were not kept."""
    cells = [c.cell for c in _cells_with(sweep, metric)]
    return [cell.values[metric][:, -1] if cell and cell.values else None for cell in cells]


def slope_of(x: Any, means: Any, finals: list[Any], level: float) -> tuple[float, float | None]:
    """Return the least-squares slope in logarithms, and half its interval, None unless two runs were kept."""
    from scipy import special

    at = np.log(np.asarray(x, dtype=float))
    weights = (at - at.mean()) / ((at - at.mean()) ** 2).sum()
    slope = float(weights @ np.log(means))
    n = 0 if any(runs is None for runs in finals) else len(finals[0])
    if n < 2:
        return slope, None
    moved = sum(w * runs / runs.mean() for w, runs in zip(weights, finals, strict=True))
    return slope, float(special.stdtrit(n - 1, 0.5 + level / 2.0) * np.std(moved, ddof=1) / math.sqrt(n))


def slopes_of(sweep: SweepResults, x: str, metric: str | None, level: float, where: Any) -> pd.DataFrame:
    """Return one row per line with its slope; see `SweepResults.slopes`."""
    import pandas as pd

    metric = asked_metric(metric, sweep.metrics)
    one_of(*sweep.parameters)("x", x)
    table, _ = chosen_rows(sweep, sweep.summary(metric, level), x, where)
    if not all(isinstance(v, int | float | np.number) and v > 0 for v in table[x]):
        raise invalid("x", x, "a parameter whose values are positive numbers, as logarithms are taken")
    finals, rows = finals_of(sweep, metric), []
    for line in lines_of(sweep, table, metric, x, where):
        slope, margin = math.nan, None
        if len(line.rows) >= FEWEST and (line.rows["mean"] > 0).all():
            slope, margin = slope_of(line.rows[x], line.rows["mean"], [finals[i] for i in line.rows.index], level)
        half = math.nan if margin is None else margin
        rows.append(
            {"policy": line.policy} | line.others | {"slope": slope, "ci_low": slope - half, "ci_high": slope + half}
        )
    found = pd.DataFrame(rows)
    last = ["slope", "ci_low", "ci_high"]
    return found[[name for name in found.columns if name not in last] + last]
