"""Read stored results; return verdicts, draw the figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import banditlab as bl
from banditlab.inference.bootstrap import mean_band
from experiments.drawing import plain
from experiments.semibandits_kmax.simulate import file, instances, policies
from experiments.slopes import RESAMPLES, exponent, mean
from experiments.verdicts import FAILS, UNTESTABLE, Verdict, above, at_most, because

PAPER = "Wang, Chen, Vojnovic 2024"
VALUE_INDEX, SEMI_BANDIT, REWARD_ALONE = policies()

CLOSE = 2.0
"""Regret is close to another if it is at most so many times that; the paper says 'close' of curves."""


def read(folder: Path) -> dict[str, bl.Results]:
    """Return the stored results by instance."""
    return {name: bl.load(file(folder, name)) for name in instances()}


def regret(result: bl.Results, policy: str) -> NDArray[np.float64]:
    """Return the regret of every run at every checkpoint."""
    return result.values()[result.policies.index(policy)]


def ratio(first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the ratio of two means over the same runs, with its 95% percentile-bootstrap interval."""
    drawn = np.random.default_rng(0).integers(len(first), size=(RESAMPLES, len(first)))
    low, high = np.quantile(first[drawn].mean(axis=1) / second[drawn].mean(axis=1), [0.025, 0.975])
    return float(first.mean() / second.mean()), float(low), float(high)


def verdicts(folder: Path, size: str) -> list[Verdict]:
    """Return one verdict per claim."""
    found = []
    for name, result in read(folder).items():
        last = {policy: regret(result, policy)[:, -1] for policy in policies()}
        close = ratio(last[VALUE_INDEX], last[SEMI_BANDIT])
        claim = f"{name}: regret with value and index is close to regret with all outcomes (ratio)"
        verdict = at_most(close, CLOSE)
        source = f"{PAPER}, simulations (as read in reviews)"
        found.append(Verdict(claim, source, f"at most {CLOSE:g}", *close, verdict))
        less = mean(last[REWARD_ALONE] - last[VALUE_INDEX])
        claim = f"{name}: regret with value and index is less than with the reward alone (difference)"
        verdict = above(less, 0.0)
        found.append(Verdict(claim, source, "> 0", *less, verdict))
        found.append(_growth(name, result))
    return found


def _growth(name: str, result: bl.Results) -> Verdict:
    """Return whether regret grows at most like sqrt(T); where its slope still falls, T is too small to say."""
    rounds, values = result.checkpoints, regret(result, VALUE_INDEX)

    def slope(first: float, last: float) -> tuple[float, float, float]:
        at = np.flatnonzero((rounds >= first * rounds[-1]) & (rounds <= last * rounds[-1]))
        return exponent(list(rounds[at]), [values[:, c] for c in at])

    late, before = slope(1 / 8, 1.0), slope(1 / 64, 1 / 8)
    bends = late[2] < before[1]
    verdict = at_most(late, 0.5)
    if verdict == FAILS and bends:
        verdict = because(UNTESTABLE, "its slope still falls")
    told = f"from T/64 to T/8 it is {before[0]:.2f}"
    return Verdict(
        f"{name}: regret with value and index grows at most like sqrt(T) (log-log slope from T/8 to T; {told})",
        f"{PAPER}, abstract",
        "at most 1/2",
        *late,
        verdict,
    )


def figure(folder: Path, size: str) -> Figure:
    """Return regret against the round, one panel per instance."""
    from banditlab.plotting import COLOURS, DASHES

    results = read(folder)
    drawing = Figure(figsize=(10, 3.6), dpi=150, layout="constrained")
    panels = drawing.subplots(1, len(results), sharey=True, squeeze=False)[0]
    for panel, (name, result), environment in zip(panels, results.items(), instances().values(), strict=True):
        for k, policy in enumerate(policies()):
            values = regret(result, policy)
            low, high = mean_band(values)
            style = {"color": COLOURS[k], "linestyle": DASHES[k]}
            panel.plot(result.checkpoints, values.mean(axis=0), linewidth=1.6, label=policy, **style)
            panel.fill_between(result.checkpoints, low, high, color=COLOURS[k], alpha=0.2, linewidth=0)
        value, probability = environment.values[-1, 0], environment.probabilities[-1, 0]
        panel.set_title(f"{name}: last item {value:g} with probability {probability:g}", fontsize="small")
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_xlim(10, 1.2 * result.checkpoints[-1])
        panel.set_xlabel("round $t$")
        plain(panel)
    largest = max(regret(result, policy).mean(axis=0).max() for result in results.values() for policy in policies())
    panels[0].set_ylim(0.3, 1.5 * largest)
    panels[0].set_ylabel("mean cumulative regret")
    panels[0].legend(frameon=False, fontsize="small", handlelength=3.2, title="feedback", title_fontsize="small")
    return drawing
