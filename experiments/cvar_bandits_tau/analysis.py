"""Read stored results; return verdicts, draw the figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import banditlab as bl
from banditlab import cvar
from experiments.cvar_bandits_tau.simulate import configuration, policies, stored
from experiments.slopes import exponent, mean
from experiments.verdicts import FAILS, HOLDS, UNTESTABLE, Interval, Verdict, above, because, below

PAPER = "Wang, Kallus, Sun 2023"
SLOWER = {
    "U-UCB": "our reading: its radius is 1 / tau times one for means",
    "UCB1": "our reading: gaps in CVaR are 1 / tau times those in means, for which its radius is made",
}


def final_regrets(result: bl.Results) -> NDArray[np.float64]:
    """Return regret after the last round: policies, instances, runs."""
    return np.stack([result.values(environment=name)[:, :, -1] for name in result.environments], axis=1)


def worst(result: bl.Results) -> NDArray[np.float64]:
    """Return the regrets of each policy's runs on the instance on which its mean regret is largest."""
    ends = final_regrets(result)
    return np.stack([rows[rows.mean(axis=1).argmax()] for rows in ends])


def verdicts(folder: Path, size: str) -> list[Verdict]:
    """Return verdicts on slopes, and on both bounds at every level."""
    config = configuration()
    taus, tolerance = config["taus"], config["verdict"]["tolerance"]
    results = {tau: bl.load(stored(folder, tau)) for tau in taus}
    T = results[taus[0]].horizon
    samples = {tau: worst(result) for tau, result in results.items()}
    names = list(policies(taus[0]))
    slopes = {name: exponent(taus, [samples[tau][k] for tau in taus]) for k, name in enumerate(names)}
    found = [
        Verdict(
            f"BernsteinUCB: worst-case regret grows as tau^(-1/2) (log-log slope, T = {T:,})",
            f"{PAPER}, Theorems 3.1 and 4.1",
            "-1/2",
            *slopes["BernsteinUCB"],
            _slope(slopes["BernsteinUCB"], -0.5, tolerance),
        )
    ]
    found += [
        Verdict(
            f"{name}: worst-case regret grows faster than tau^(-1/2) (log-log slope, T = {T:,})",
            reason,
            "< -1/2",
            *slopes[name],
            below(slopes[name], -0.5 - tolerance),
        )
        for name, reason in SLOWER.items()
    ]
    for tau in taus:
        found += _bounds(results[tau], samples[tau], tau)
    return found


def _slope(interval: Interval, value: float, tolerance: float) -> str:
    return HOLDS if interval[1] <= value + tolerance and interval[2] >= value - tolerance else FAILS


def _bounds(result: bl.Results, sample: NDArray[np.float64], tau: float) -> list[Verdict]:
    """Return whether the worst regrets at a level are between the bounds; nothing beats the lower one."""
    T = result.horizon
    low, high = cvar.theory.minimax_lower_bound(2, T, tau), cvar.theory.bernstein_ucb_bound(2, T, tau)
    best = sample.mean(axis=1).argmin()
    name, least = result.policies[best], mean(sample[best])
    own = mean(sample[result.policies.index("BernsteinUCB")])
    most = float(sample[result.policies.index("BernsteinUCB")].max())
    trivial = because(UNTESTABLE, "the bound is above T, which nothing exceeds")
    return [
        Verdict(
            f"tau = {tau:g}: the worst-case regret of the best of the policies, {name}, is above the lower bound",
            f"{PAPER}, Theorem 3.1",
            f">= {low:.4g}",
            *least,
            above(least, low),
        ),
        Verdict(
            f"tau = {tau:g}: BernsteinUCB's regret is below its bound in all runs (largest: {most:.4g})",
            f"{PAPER}, Theorem 4.1",
            f"<= {high:.4g}",
            *own,
            trivial if high > T else HOLDS if most <= high else FAILS,
        ),
    ]


def figure(folder: Path, size: str) -> Figure:
    """Return worst-case regret against the level, and regret against the gap at one level."""
    from banditlab.plotting import COLOURS, DASHES, MARKERS

    config = configuration()
    taus = np.array(config["taus"])
    results = [bl.load(stored(folder, tau)) for tau in taus]
    T, names = results[0].horizon, results[0].policies
    drawing = Figure(figsize=(9.4, 3.9), dpi=150, layout="constrained")
    left, right = drawing.subplots(1, 2)
    samples = [worst(result) for result in results]
    for k, name in enumerate(names):
        style = {"color": COLOURS[k], "linestyle": DASHES[k], "marker": MARKERS[k], "markersize": 4}
        middle, low, high = np.array([mean(sample[k]) for sample in samples]).T
        left.plot(taus, middle, label=name, **style)
        left.fill_between(taus, low, high, color=COLOURS[k], alpha=0.2, linewidth=0)
    low = [cvar.theory.minimax_lower_bound(2, T, tau) for tau in taus]
    left.plot(taus, low, color="black", linestyle=(0, (1, 2)), linewidth=1.1, label="minimax lower bound")
    ends = taus[[0, -1]]
    start = {name: samples[0][k].mean() for k, name in enumerate(names)}
    for power, label, at in (
        (-0.5, r"$\tau^{-1/2}$", 0.6 * start["BernsteinUCB"]),
        (-1.0, r"$\tau^{-1}$", 1.6 * start["U-UCB"]),
    ):
        left.plot(ends, at * (ends / ends[0]) ** power, color="0.55", linestyle=(0, (4, 2)), linewidth=1.0)
        middle = np.sqrt(ends.prod())
        left.annotate(
            label, (middle, at * (middle / ends[0]) ** power), xytext=(0, -13 if power > -1.0 else 5),
            textcoords="offset points", color="0.35", fontsize="small",
        )  # fmt: skip
    left.set_xlabel(r"level $\tau$")
    left.set_ylabel(f"worst-case CVaR regret, {T:,} rounds")
    tau = config["shown"]
    shown = results[config["taus"].index(tau)]
    gaps = np.array([float(name) for name in shown.environments]) / tau
    values = final_regrets(shown)
    for k in range(len(names)):
        middle, low, high = np.array([mean(runs) for runs in values[k]]).T
        right.plot(gaps, middle, color=COLOURS[k], linestyle=DASHES[k], marker=MARKERS[k], markersize=4)
        right.fill_between(gaps, low, high, color=COLOURS[k], alpha=0.2, linewidth=0)
    right.plot(gaps, gaps * T, color="0.55", linestyle=(0, (4, 2)), linewidth=1.0)
    right.annotate(
        "always the worse arm", (gaps[len(gaps) // 3], gaps[len(gaps) // 3] * T), xytext=(-10, 4),
        textcoords="offset points", ha="right", color="0.35", fontsize="small",
    )  # fmt: skip
    right.set_xlabel(rf"gap in CVaR, $\varepsilon / \tau$, at $\tau = {tau:g}$")
    right.set_ylabel(f"CVaR regret, {T:,} rounds")
    for ax in (left, right):
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(True, alpha=0.25, linewidth=0.6)
    left.set_xticks(taus, [f"{tau:g}" for tau in taus])
    left.minorticks_off()
    drawing.legend(loc="outside lower center", ncols=5, frameon=False, fontsize="small", handlelength=3.0)
    return drawing
