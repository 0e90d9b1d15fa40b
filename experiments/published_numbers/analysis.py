"""Read stored results; return verdicts, draw the figure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy import stats

import banditlab as bl
from banditlab import dueling, scoring
from experiments.drawing import plain
from experiments.published_numbers.simulate import configuration, settings, stored
from experiments.slopes import mean
from experiments.verdicts import FAILS, HOLDS, UNTESTABLE, Verdict, because

ERRORS = 4.0
"""Standard errors by which means of many runs that agree may differ."""

CHANCE = math.erfc(ERRORS / math.sqrt(2.0))
"""How rarely as large a difference may come by chance."""

FEW = 50
"""Runs whose mean has no normal distribution: one in a thousand of BayesUCB's pays four times what the others do."""

FEWER = "these are fewer rounds than theirs"

BLOCKS, BLOCK = 10, 20_000
"""Means that are drawn for one of theirs."""


@dataclass(frozen=True)
class Pair:
    """A mean regret of theirs, and ours.

    Attributes
    ----------
    setting, policy, source : str
        What it is of, and where it is printed.
    theirs, their_error : float
        Their mean, and its standard error.
    runs : int
        How many runs of theirs it is the mean of.
    differs : str
        How their rule is known to differ from ours; '' if it does not.
    skewed : bool
        Whether a normal distribution says nothing about their mean.
    ours : ndarray
        The regret of each run here.
    """

    setting: str
    policy: str
    source: str
    theirs: float
    their_error: float
    runs: int
    differs: str
    skewed: bool
    ours: Any

    @property
    def error(self) -> float:
        """The standard error of the difference."""
        return math.hypot(self.their_error, self.ours.std(ddof=1) / math.sqrt(len(self.ours)))

    @property
    def counts(self) -> bool:
        """Whether it counts among all numbers of its source together."""
        return not self.skewed and not self.differs

    @property
    def agrees(self) -> bool:
        """Whether the means differ by no more than is allowed."""
        difference = self.theirs - float(self.ours.mean())
        if not self.skewed:
            return abs(difference) <= ERRORS * self.error
        rng = np.random.default_rng(0)
        drawn = [self.ours[rng.integers(len(self.ours), size=(BLOCK, self.runs))].mean(axis=1) for _ in range(BLOCKS)]
        noise = rng.normal(0.0, self.ours.std(ddof=1) / math.sqrt(len(self.ours)), (BLOCKS, BLOCK))
        by_chance = np.array(drawn) - self.ours.mean() + noise
        as_far = by_chance >= difference if difference > 0.0 else by_chance <= difference
        return bool(2.0 * as_far.mean() >= CHANCE)


def _deviation(row: dict[str, Any], ours: Any) -> float:
    """Return the standard deviation of a run of theirs: as they give it, else as here, with that of rewards drawn."""
    if "deviation" in row:
        return float(row["deviation"])
    best = float(settings()[row["setting"]].environment.means.max()) if row.get("drawn") else 0.0
    return math.sqrt(float(ours.var(ddof=1)) + settings()[row["setting"]].rounds * best * (1.0 - best))


def pairs(folder: Path) -> list[Pair]:
    """Return all mean regrets of theirs with ours."""
    reported = configuration()["reported"]
    results = {name: bl.load(stored(folder, name)) for name in settings()}
    found = []
    for row in reported["regrets"]:
        ours = results[row["setting"]].values(settings()[row["setting"]].metric, policy=row["policy"])[:, -1]
        error = _deviation(row, ours) / math.sqrt(row["runs"])
        source = reported["sources"][row["source"]]
        skewed = row["runs"] <= FEW and "deviation" not in row
        differs = reported["differences"].get(row.get("differs"), "")
        found.append(
            Pair(row["setting"], row["policy"], source, row["regret"], error, row["runs"], differs, skewed, ours)
        )
    return found


CONSTANTS: dict[str, Callable[[], float]] = {
    **{
        f"C of Lai and Robbins, nine arms, {name}": lambda name=name: settings()[
            f"nine arms, {name}"
        ].environment.lower_bound_constant()
        for name in ("even", "close", "rare")
    },
    "lower bound after 9,999 duels, arxiv": lambda: _bound("arxiv", dueling.theory.lower_bound_constant),
    "lower bound after 9,999 duels, arithmetic": lambda: _bound("arithmetic", dueling.theory.lower_bound_constant),
    "lower bound after 9,999 duels, cyclic": lambda: _bound("cyclic", dueling.theory.lower_bound_constant),
    "RMED1's bound after 9,999 duels, cyclic": lambda: _bound("cyclic", dueling.theory.rmed1_constant),
    "CRPS of 1,000 normal numbers at 0": lambda: float(
        scoring.crps_of_sample(np.random.RandomState(0).randn(1000), 0.0)
    ),
}
"""What is computed without playing, by name."""


def _bound(name: str, constant: Callable[..., float]) -> float:
    return constant(settings()[f"duels, {name}"].environment) * math.log(9_999)


def same_digits(theirs: str, ours: float) -> bool:
    """Say whether two numbers agree to the digits that are printed."""
    decimals = len(theirs.partition(".")[2])
    return f"{ours:.{decimals}f}" == theirs


def verdicts(folder: Path, size: str) -> list[Verdict]:
    """Return one verdict per number that others have printed."""
    whole = "horizon" not in configuration()["sizes"][size]
    found = []
    compared = pairs(folder)
    for pair in compared:
        rounds = f"{settings()[pair.setting].rounds:,}"
        outcome = HOLDS if pair.agrees else because(FAILS, pair.differs)
        found.append(
            Verdict(
                f"{pair.setting}: regret of {pair.policy} after {rounds} rounds ({pair.runs:,} runs of theirs)",
                pair.source,
                f"{pair.theirs:.6g} (± {pair.their_error:.3g})",
                *mean(pair.ours),
                outcome if whole else because(UNTESTABLE, FEWER),
            )
        )
    # each number may be far off by chance, but not all of a source
    found += [_together(source, compared, whole) for source in dict.fromkeys(p.source for p in compared if p.counts)]
    reported = configuration()["reported"]
    for name, row in reported["constants"].items():
        ours = float(CONSTANTS[name]())
        verdict = HOLDS if same_digits(row["value"], ours) else FAILS
        found.append(Verdict(name, reported["sources"][row["source"]], row["value"], ours, ours, ours, verdict))
    return found


def _together(source: str, compared: list[Pair], whole: bool) -> Verdict:
    """Return the verdict on all numbers of a source: whether they are, on average, as far off as chance has them."""
    counted = [p for p in compared if p.source == source and p.counts]
    most = float(stats.chi2.isf(CHANCE, len(counted)) / len(counted))
    measured = math.nan  # in few rounds runs can be alike
    if whole:
        measured = float(np.mean([((p.ours.mean() - p.theirs) / p.error) ** 2 for p in counted]))
    name = source.partition(")")[0] + ")"
    return Verdict(
        f"all {len(counted)} of {name} together: mean square of the differences in standard errors",
        source,
        f"<= {most:.3g}",
        measured,
        measured,
        measured,
        (HOLDS if measured <= most else FAILS) if whole else because(UNTESTABLE, FEWER),
    )


def figure(folder: Path, size: str) -> Figure:
    """Return by how much each of their means differs from ours, in percent."""
    from banditlab.plotting import COLOURS, MARKERS

    compared = pairs(folder)
    sources = list(dict.fromkeys(pair.source for pair in compared))
    drawing = Figure(figsize=(7.5, 1.2 + 0.2 * len(compared)), dpi=150, layout="constrained")
    ax = drawing.subplots()
    ax.axvline(0.0, color="black", linewidth=0.8)
    for k, source in enumerate(sources):
        of_source = [(row, pair) for row, pair in enumerate(compared) if pair.source == source]
        ours = np.array([pair.ours.mean() for _, pair in of_source])
        ax.errorbar(
            100.0 * (np.array([pair.theirs for _, pair in of_source]) / ours - 1.0), [row for row, _ in of_source],
            xerr=100.0 * 1.96 * np.array([pair.error for _, pair in of_source]) / ours,
            fmt=MARKERS[k], color=COLOURS[k], markersize=4, elinewidth=1.2, linewidth=0, label=source,
        )  # fmt: skip
    ax.set_yticks(range(len(compared)), [f"{pair.setting}: {pair.policy}" for pair in compared], fontsize="x-small")
    ax.set_ylim(len(compared) - 0.3, -0.7)
    ax.set_xlabel("their mean regret less ours, in % of ours; lines reach 1.96 standard errors", fontsize="small")
    plain(ax)
    drawing.legend(*ax.get_legend_handles_labels(), loc="outside lower center", frameon=False, fontsize="x-small")
    return drawing
