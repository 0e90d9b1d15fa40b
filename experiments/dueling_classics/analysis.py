"""Read stored results; return verdicts, draw the figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import banditlab as bl
from banditlab import dueling
from banditlab.inference.bootstrap import mean_band
from experiments.drawing import plain
from experiments.dueling_classics.simulate import RESULTS, configuration, instances, policies
from experiments.slopes import mean, near, slope_in_log
from experiments.verdicts import HOLDS, UNTESTABLE, Verdict, above, because

KOMIYAMA = "Komiyama et al. 2015, section 4.1"
EVERYWHERE = ("arxiv", "sushi", "cyclic")
ORDERS = (  # who has less regret than whom, and on which instances
    ("RMED1", ("RMED2", "RMED2FH"), KOMIYAMA, ("arxiv", "sushi")),
    ("RMED2", ("RMED1",), KOMIYAMA, ("cyclic",)),
    ("RMED2FH", ("RMED1",), KOMIYAMA, ("cyclic",)),
    ("RMED1", ("RUCB",), KOMIYAMA, EVERYWHERE),
    ("RUCB", ("Sparring", "MultiSBM", "IF2", "BTM", "SAVAGE"), KOMIYAMA, EVERYWHERE),
    ("RCS", ("RUCB",), "Zoghi et al. 2014, experiments", EVERYWHERE),
    ("D-TS", ("RMED1", "RUCB"), "Wu and Liu 2016, experiments", EVERYWHERE),
    ("D-TS+", ("D-TS",), "Wu and Liu 2016, experiments", EVERYWHERE),
)
KEEP_COMPARING = tuple(policies())[:8]
"""The policies of the figure's first row: those whose bounds or samples say all the time who is compared."""

REASONS = {
    ("RUCB", "SAVAGE"): "SAVAGE compares no two arms any more once it is certain, which is early on this instance; "
    "RUCB's regret is less for most of the rounds, but grows on with log t, and has passed SAVAGE's at the end",
    ("RCS", "RUCB"): "RCS loses more while it seeks the winner, in the first 2,000 rounds, and less afterwards; what "
    "it is behind shrinks from then on, too slowly for so many rounds",
}
"""Why one policy may not have less regret than another."""

FIRST = 100
"""The first round that is drawn."""


def final(result: bl.Results, instance: str, policy: str) -> NDArray[np.float64]:
    """Return the regret of every run after the last round."""
    found: NDArray[np.float64] = result.values(environment=instance)[result.policies.index(policy)][:, -1]
    return found


def verdicts(folder: Path, size: str) -> list[Verdict]:
    """Return one verdict per claim and instance."""
    result = bl.load(folder / RESULTS)
    found = []
    for instance in result.environments:
        for better, others, source, where in ORDERS:
            if instance in where:
                found += [less_regret(result, instance, better, worse, source) for worse in others]
        found += [slope_is_near(result, instance, policy) for policy in ("RMED1", "RMED2", "RMED2FH")]
    return found


def less_regret(result: bl.Results, instance: str, better: str, worse: str, source: str) -> Verdict:
    """Return whether one policy has less regret at the horizon; run i of both sees the same duels."""
    difference = mean(final(result, instance, worse) - final(result, instance, better))
    verdict = because(above(difference, 0.0), REASONS.get((better, worse), ""))
    return Verdict(f"{instance}: {better} has less regret than {worse}", source, "difference > 0", *difference, verdict)


def slope_is_near(result: bl.Results, instance: str, policy: str) -> Verdict:
    """Return whether the slope in log t over the last decade is near what the paper says of the policy.

    It may be far from that at any horizon that can be played: whenever alpha log log t passes a whole number, RMED2
    lets all pairs meet once more, and RMED2FH's choice of opponents rests on alpha log log T = 8 duels a pair.
    """
    environment, tolerance = instances()[instance], configuration()["verdict"]["tolerance"]
    theory = dueling.theory.rmed1_constant if policy == "RMED1" else dueling.theory.lower_bound_constant
    constant = theory(environment)
    slope = slope_in_log(result, instance, policy)
    place = {"RMED1": "Theorem 3", "RMED2": "section 4.2, no theorem", "RMED2FH": "Theorem 4"}[policy]
    claim = f"{instance}: {policy}'s regret grows like C log T (within {tolerance:.0%})"
    reason = "a slope in log T comes near its limit at long horizons only"
    verdict = HOLDS if near(constant, *slope[1:], tolerance) else because(UNTESTABLE, reason)
    return Verdict(claim, f"Komiyama et al. 2015, {place}", f"C = {constant:.4g}", *slope, verdict)


def figure(folder: Path, size: str) -> Figure:
    """Return regret against the round, both in logarithms: one column per instance, one row per kind of policy."""
    from banditlab.plotting import COLOURS, DASHES

    def style(k: int) -> dict[str, Any]:
        return {"color": COLOURS[k], "linestyle": DASHES[k % len(DASHES)], "linewidth": 1.5}

    result = bl.load(folder / RESULTS)
    drawing = Figure(figsize=(10.5, 6.6), dpi=150, layout="constrained")
    panels = drawing.subplots(2, len(result.environments), sharex=True, sharey="col")
    late = result.checkpoints >= FIRST
    rounds = result.checkpoints[late]
    rows = [[p for p in result.policies if (p in KEEP_COMPARING) == first] for first in (True, False)]
    for column, (instance, environment) in enumerate(instances().items()):
        bound = dueling.theory.lower_bound_constant(environment) * np.log(rounds)
        for row, shown in enumerate(rows):
            ax = panels[row, column]
            for k, policy in enumerate(shown):
                values = result.values(environment=instance)[result.policies.index(policy)][:, late]
                low, high = mean_band(values)
                ax.plot(rounds, values.mean(axis=0), label=policy, **style(k))
                ax.fill_between(rounds, low, high, color=COLOURS[k], alpha=0.2, linewidth=0)
            ax.plot(rounds, bound, color="black", linewidth=0.9, label="lower bound $C\\log t$")
            ax.set_xscale("log")
            ax.set_yscale("log")
            ax.set_xlim(rounds[0], rounds[-1])
            plain(ax)
        panels[0, column].set_title(f"{instance.capitalize()}, $K$ = {environment.n_arms}", fontsize="medium")
        panels[1, column].set_xlabel("round $t$")
    for row in range(2):
        panels[row, 0].set_ylabel("mean average regret")
        # beside the panels: curves fill them
        panels[row, -1].legend(
            frameon=False, fontsize="small", handlelength=3.0, loc="center left", bbox_to_anchor=(1.0, 0.5)
        )
    return drawing
