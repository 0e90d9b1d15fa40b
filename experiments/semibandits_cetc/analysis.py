"""Read stored results; return verdicts, draw the figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import banditlab as bl
from banditlab.inference.bootstrap import mean_band
from experiments.drawing import plain
from experiments.semibandits_cetc.simulate import configuration, environments, file, policies
from experiments.slopes import exponent, mean
from experiments.verdicts import FAILS, HOLDS, UNTESTABLE, Verdict, above, at_most, because

PAPER = "Nie et al. 2023"


def read(folder: Path, size: str) -> dict[tuple[str, str], dict[int, dict[str, NDArray[np.float64]]]]:
    """Return, by constraint and policy, then by horizon, metrics of every run at every checkpoint, and the rounds."""
    found: dict[tuple[str, str], dict[int, dict[str, NDArray[np.float64]]]] = {}
    for name, known in policies().items():
        for horizon in configuration()["sizes"][size]["horizons"]:
            result = bl.load(file(folder, name, horizon))
            for policy in known:
                k = result.policies.index(policy)
                stored = {metric: result.values(metric)[k] for metric in result.metrics}
                found.setdefault((name, policy), {})[horizon] = stored | {"rounds": result.checkpoints}
    return found


def theoretical_slope(horizons: list[int]) -> float:
    """Return the least-squares slope of T^(2/3) (log T)^(1/3) over the horizons."""
    at = np.array(horizons, dtype=float)
    return exponent(horizons, [np.array([x]) for x in at ** (2 / 3) * np.log(at) ** (1 / 3)])[0]


def bound(policy: Any, environment: Any, horizon: int) -> float:
    """Return delta^(2/3) N^(1/3) T^(2/3) (log T)^(1/3), the rate without its constant."""
    delta = policy.algorithm.delta(environment.actions, environment.n_arms)
    queries = policy.algorithm.n_queries(environment.actions, environment.n_arms)
    rate: float = (delta * horizon) ** (2 / 3) * (queries * np.log(horizon)) ** (1 / 3)
    return rate


def verdicts(folder: Path, size: str) -> list[Verdict]:
    """Return one verdict per claim."""
    results = read(folder, size)
    horizons = configuration()["sizes"][size]["horizons"]
    longest, theory = horizons[-1], theoretical_slope(horizons)
    ends = {key: [at["regret"][:, -1] for at in by_horizon.values()] for key, by_horizon in results.items()}
    og, greedy = ends.pop(("cardinality", "OG")), ends["cardinality", "C-ETC, greedy"]
    found = []
    for (name, policy), samples in ends.items():
        slope = exponent(horizons, samples)
        claim = f"{name}, {policy}: regret against the best set grows at most like T^(2/3) (log T)^(1/3), log-log slope"
        found.append(Verdict(claim, f"{PAPER}, abstract", f"<= {theory:.3f}", *slope, at_most(slope, theory)))
        environment = environments()[name]
        rate = bound(policies()[name][policy], environment, longest)
        measured = mean(results[name, policy][longest]["alpha_regret"][:, -1])
        claim = (
            f"{name}, {policy}: alpha-regret (alpha = {environment.alpha:.3f}) at T = {longest:,} is below the rate "
            "without its constant"
        )
        verdict = HOLDS if measured[2] <= rate else FAILS
        found.append(Verdict(claim, f"{PAPER} (reconstructed)", f"<= {rate:.4g}", *measured, verdict))
    slope = exponent(horizons, og)
    claim = "cardinality, OG: regret against the best set grows at most like T^(2/3), log-log slope"
    reason = "its guarantee is for (1 - 1/e)-regret alone, which is less"
    verdict = HOLDS if slope[2] <= 2 / 3 else because(UNTESTABLE, reason)
    found.append(Verdict(claim, "Streeter and Golovin 2008", "<= 0.667", *slope, verdict))
    difference = mean(og[-1] - greedy[-1])
    claim = f"cardinality: at T = {longest:,} OG has more regret than C-ETC (difference)"
    found.append(Verdict(claim, f"{PAPER}, simulations", "> 0", *difference, above(difference, 0.0)))
    steeper = _difference_of_slopes(horizons, og, greedy)
    claim = "cardinality: at these horizons the regret of OG grows faster than that of C-ETC (difference of slopes)"
    found.append(Verdict(claim, "a comparison of this experiment's", "> 0", *steeper, above(steeper, 0.0)))
    return found


def _difference_of_slopes(
    horizons: list[int], first: list[NDArray[np.float64]], second: list[NDArray[np.float64]]
) -> tuple[float, float, float]:
    """Return it with an interval made from those of both, as for independent estimates."""
    a, b = exponent(horizons, first), exponent(horizons, second)
    measured = a[0] - b[0]
    down, up = np.hypot(a[0] - a[1], b[2] - b[0]), np.hypot(a[2] - a[0], b[0] - b[1])
    return measured, float(measured - down), float(measured + up)


def figure(folder: Path, size: str) -> Figure:
    """Return regret against the round at the largest horizon, and regret at the horizon against the horizon."""
    from banditlab.plotting import COLOURS, DASHES, MARKERS

    results = read(folder, size)
    horizons = np.array(configuration()["sizes"][size]["horizons"])
    drawing = Figure(figsize=(10, 4), dpi=150, layout="constrained")
    left, right = drawing.subplots(1, 2)
    smallest = np.inf
    for k, ((name, policy), by_horizon) in enumerate(results.items()):
        style = {"color": COLOURS[k], "linestyle": DASHES[k], "linewidth": 1.6}
        longest = by_horizon[int(horizons[-1])]
        low, high = mean_band(longest["regret"])
        left.plot(longest["rounds"], longest["regret"].mean(axis=0), label=f"{policy} ({name})", **style)
        left.fill_between(longest["rounds"], low, high, color=COLOURS[k], alpha=0.2, linewidth=0)
        ends = [at["regret"][:, -1] for at in by_horizon.values()]
        slope = exponent(list(horizons), ends)[0]
        means = np.array([sample.mean() for sample in ends])
        bands = np.array([mean(sample)[1:] for sample in ends])
        smallest = min(smallest, means[0])
        right.plot(horizons, means, marker=MARKERS[k], markersize=4.5, label=f"{policy}: slope {slope:.2f}", **style)
        right.fill_between(horizons, bands[:, 0], bands[:, 1], color=COLOURS[k], alpha=0.2, linewidth=0)
    guide = 0.5 * smallest * (horizons / horizons[0]) ** (2 / 3)
    right.plot(horizons, guide, color="black", linestyle=(0, (1, 2)), linewidth=1.2, label=r"$T^{2/3}$")
    for ax in (left, right):
        ax.set_xscale("log")
        ax.set_yscale("log")
        plain(ax)
        ax.legend(frameon=False, fontsize="small", handlelength=3.2)
    left.set_xlabel("round $t$")
    left.set_ylabel("mean cumulative regret")
    left.set_title(f"$T$ = {horizons[-1]:,}", fontsize="medium")
    right.set_xlabel("horizon $T$")
    right.set_ylabel("mean regret at $T$")
    right.set_xticks(horizons, [f"{horizon:,}" for horizon in horizons], fontsize="small")
    right.minorticks_off()
    return drawing
