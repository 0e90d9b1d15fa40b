"""Read stored results; return verdicts, draw the figure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import banditlab as bl
from banditlab import scoring
from experiments.common import final, load_horizons
from experiments.drawing import plain
from experiments.scoring_online.simulate import bandit, configuration, full
from experiments.slopes import exponent, mean
from experiments.verdicts import FAILS, HOLDS, UNTESTABLE, Verdict, at_most, because

SOURCE = "Cacciamani et al. 2023, abstract"


def grows(results: dict[int, bl.Results], policy: str, metric: str, theory: float, tolerance: float) -> Verdict:
    """Return the verdict on whether a metric grows at most like T to the power `theory`."""
    samples, horizons = final(results, policy, metric), list(results)
    claim = f"{policy}: {metric} grows at most like T^{theory:.3g}"
    slope = exponent(horizons, samples)
    if np.isnan(slope[0]):
        at_the_end = mean(samples[-1])
        bound = horizons[-1] ** theory
        verdict = HOLDS if at_the_end[2] <= bound else FAILS
        return Verdict(
            f"{claim} (not surely positive at all horizons)", SOURCE, f"{metric} <= {bound:.4g}", *at_the_end, verdict
        )
    limit = theory + tolerance
    verdict = at_most(slope, limit)
    return Verdict(claim, SOURCE, f"exponent <= {theory:.3g}", *slope, verdict)


def verdicts(folder: Path, size: str) -> list[Verdict]:
    """Return one verdict per claim."""
    config = configuration()
    results = load_horizons(folder, config["sizes"][size]["horizons"])
    tolerance = config["verdict"]["tolerance"]
    found = [grows(results, full("practical"), metric, 0.5, tolerance) for metric in ("regret", "violation")]
    for alpha in config["alphas"]:
        of_regret, of_violation = scoring.theory.online_exponents(alpha)
        found.append(grows(results, bandit(alpha, "practical"), "regret", of_regret, tolerance))
        found.append(grows(results, bandit(alpha, "practical"), "violation", of_violation, tolerance))
    for label, theory in [(full("theory"), 0.5)] + [
        (bandit(alpha, "theory"), scoring.theory.online_exponents(alpha)[1]) for alpha in config["theory_alphas"]
    ]:
        at_scale = grows(results, label, "violation", theory, tolerance)
        if at_scale.verdict == FAILS:
            # the slack is still larger than any violation that the receiver gains by: she ignores the constraints
            reason = "the slack still exceeds any violation that pays, so that it is linear"
            at_scale = replace(at_scale, verdict=because(UNTESTABLE, reason))
        found.append(at_scale)
    return found


def figure(folder: Path, size: str) -> Figure:
    """Return violation against the horizon for each alpha, and exponents of violation against those of regret.

    At alpha = 0.5 runs differ so much that mean regret is not surely positive at the longest horizons: it has no
    exponent, and the legend says so.
    """
    from banditlab.plotting import COLOURS, DASHES, MARKERS

    config = configuration()
    results, alphas = load_horizons(folder, config["sizes"][size]["horizons"]), config["alphas"]
    horizons = list(results)
    drawing = Figure(figsize=(10, 4), dpi=150, layout="constrained")
    left, right = drawing.subplots(1, 2)
    for k, alpha in enumerate(alphas):
        samples = final(results, bandit(alpha, "practical"), "violation")
        found = np.array([mean(sample) for sample in samples])
        style = {"color": COLOURS[k], "linestyle": DASHES[k], "marker": MARKERS[k], "markersize": 4.5}
        left.plot(horizons, found[:, 0], label=rf"$\alpha$ = {alpha:g}", linewidth=1.6, **style)
        left.fill_between(horizons, found[:, 1], found[:, 2], color=COLOURS[k], alpha=0.18, linewidth=0)
        regret = final(results, bandit(alpha, "practical"), "regret")
        x, y = exponent(horizons, regret), exponent(horizons, samples)
        if np.isnan(x[0]):
            no_point = rf"$\alpha$ = {alpha:g}: no point, as regret may be 0"
            right.plot([], [], color=COLOURS[k], marker=MARKERS[k], linestyle="none", label=no_point)
            continue
        right.errorbar(
            x[0], y[0], [[y[0] - y[1]], [y[2] - y[0]]], [[x[0] - x[1]], [x[2] - x[0]]],
            color=COLOURS[k], marker=MARKERS[k], capsize=3, linestyle="none",
        )  # fmt: skip
    ends = np.array([0.5, 1.0])
    right.plot(ends, 1.0 - ends / 2.0, color="black", linestyle=(0, (1, 2)), label=r"$(\alpha,\ 1 - \alpha/2)$")
    left.set_xscale("log")
    left.set_yscale("log")
    left.set_xlabel("horizon $T$")
    left.set_ylabel("cumulative violation")
    right.set_xlabel("exponent of regret")
    right.set_ylabel("exponent of violation")
    for ax in (left, right):
        plain(ax)
    left.legend(frameon=False, fontsize="small")
    right.legend(frameon=False, fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return drawing
