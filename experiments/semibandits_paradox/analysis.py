"""Read the stored results; return verdicts, draw the figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import banditlab as bl
from banditlab.inference.bootstrap import mean_band
from experiments.drawing import plain
from experiments.semibandits_paradox.simulate import environment, file, policies
from experiments.slopes import growth, mean
from experiments.verdicts import UNTESTABLE, Verdict, above, at_least, because

PAPER = "Zhang, Combes 2024, figure"
UNIFORM, JEFFREYS, BOOSTED, ESCB = policies()
LINEAR = 0.8
"""A slope from here on is 'nearly linear'."""


def regrets(folder: Path) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]:
    """Return the rounds, and the regret of each policy: one row per run, one column per round."""
    result = bl.load(file(folder))
    return result.checkpoints, dict(zip(result.policies, result.values(), strict=True))


def verdicts(folder: Path, size: str) -> list[Verdict]:
    """Return one verdict per claim."""
    rounds, found_regrets = regrets(folder)
    last = rounds[-1]
    late = [int(np.searchsorted(rounds, x)) for x in np.linspace(last / 4, last, 4)]
    found = []
    for policy in (UNIFORM, JEFFREYS):
        slope = growth(rounds[late], found_regrets[policy][:, late], least=1e-3)
        verdict = at_least(slope, LINEAR)
        found.append(Verdict(f"{policy}: regret is nearly linear from a quarter of the rounds on", PAPER,
                             f"slope >= {LINEAR}", *slope, verdict))  # fmt: skip
    worst = environment().best_value - environment().value(environment().actions.maximise(-environment().means))
    share = mean(found_regrets[UNIFORM][:, -1] / (worst * last))
    claim = f"{UNIFORM}: regret as a share of that of playing the worse action always"
    nothing = because(UNTESTABLE, "nothing is claimed")
    found.append(Verdict(claim, "a remark of this experiment's", "none given", *share, nothing))
    for policy in (BOOSTED, ESCB):
        for other in (UNIFORM, JEFFREYS):
            ratio = mean(found_regrets[other][:, -1] / found_regrets[policy][:, -1].mean())
            verdict = above(ratio, 10.0)
            found.append(Verdict(f"{policy}: final regret an order of magnitude below {other}", PAPER, "ratio > 10",
                                 *ratio, verdict))  # fmt: skip
    return found


def figure(folder: Path, size: str) -> Figure:
    """Return regret against the round.

    Runs of Beta-CTS are of two kinds, those that stay with the worse action and those that do not: bands of standard
    deviations, as in the paper, would say little.
    """
    from banditlab.plotting import COLOURS, DASHES

    rounds, found = regrets(folder)
    drawing = Figure(figsize=(6.0, 4.0), dpi=150, layout="constrained")
    ax = drawing.subplots()
    for k, (policy, values) in enumerate(found.items()):
        low, high = mean_band(values)
        ax.plot(rounds, values.mean(axis=0), color=COLOURS[k], linestyle=DASHES[k], linewidth=1.6, label=policy)
        ax.fill_between(rounds, low, high, color=COLOURS[k], alpha=0.2, linewidth=0)
    ax.set_yscale("log")
    ax.set_xlabel("round $t$")
    ax.set_xscale("log")
    ax.set_ylabel("mean cumulative regret, 95% interval")
    plain(ax)
    ax.legend(frameon=False, fontsize="small", handlelength=3.2)
    return drawing
