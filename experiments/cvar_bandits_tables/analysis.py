"""Read stored results; return verdicts, draw the figure."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

import banditlab as bl
from banditlab.inference.bootstrap import mean_band
from experiments.cvar_bandits_tables.simulate import BENCHMARKS, configuration, metric, stored
from experiments.slopes import mean
from experiments.verdicts import Verdict, because, below

PAPER = "Baudry, Gautron, Kaufmann, Maillard 2021"
OURS = "a comparison of this experiment's"
CLAIMS = {
    "multinomial": [
        ("M-CVTS", "CVaR-UCB", f"{PAPER}, Table 1"),
        ("B-CVTS", "CVaR-UCB", OURS),
        ("CVaR-UCB", "U-UCB", f"{PAPER}, Table 1"),
        ("CVaR-UCB", "BernsteinUCB", OURS),
        ("M-CVTS", "Thompson, of means", OURS),
    ],
    "mixtures": [
        ("B-CVTS", "CVaR-UCB", f"{PAPER}, Table 2"),
        ("CVaR-UCB", "U-UCB", f"{PAPER}, Table 2"),
        ("CVaR-UCB", "BernsteinUCB", OURS),
        ("B-CVTS", "Thompson, of means", OURS),
    ],
}
"""For each benchmark who pays less than whom, and who says so."""

NEUTRAL = "at this level the arm of the largest mean is nearly always the best one, and takes fewer rewards to find"
"""Why a policy of means can be ahead: at 0.9 it is the best arm in 98% of the mixtures."""

TITLES = {"multinomial": "5 multinomial arms", "mixtures": "30 mixtures of truncated Gaussians"}


def verdicts(folder: Path, size: str) -> list[Verdict]:
    """Return one verdict per benchmark, level and pair of policies: the mean difference over problems."""
    found = []
    for benchmark in BENCHMARKS:
        for tau in configuration()["taus"]:
            result = bl.load(stored(folder, benchmark, tau))
            rounds = result.checkpoints[-1]
            ends = dict(zip(result.policies, result.values(metric(tau))[:, :, -1], strict=True))
            for better, worse, source in CLAIMS[benchmark]:
                difference = mean(ends[better] - ends[worse])
                regret = f"regrets {ends[better].mean():.4g} and {ends[worse].mean():.4g}"
                setting = f"after {rounds:,} rounds, {len(ends[better]):,} problems"
                found.append(
                    Verdict(
                        f"{benchmark}, tau = {tau:g}: {better} pays less than {worse} ({regret} {setting})",
                        source,
                        "< 0",
                        *difference,
                        because(below(difference, 0.0), NEUTRAL if worse == "Thompson, of means" else ""),
                    )
                )
    return found


def figure(folder: Path, size: str) -> Figure:
    """Return regret over rounds, one row per benchmark and one column per level."""
    from banditlab.plotting import COLOURS, DASHES, MARKERS
    from banditlab.plotting.style import marks

    taus = configuration()["taus"]
    drawing = Figure(figsize=(11.0, 6.2), dpi=150, layout="constrained")
    panels = drawing.subplots(len(BENCHMARKS), len(taus), sharex=True, sharey="row")
    names = bl.load(stored(folder, "multinomial", taus[0])).policies
    lines = {}
    for row, benchmark in zip(panels, BENCHMARKS, strict=True):
        for ax, tau in zip(row, taus, strict=True):
            result = bl.load(stored(folder, benchmark, tau))
            rounds = result.checkpoints
            shown = rounds >= 10
            for name, values in zip(result.policies, result.values(metric(tau)), strict=True):
                k = names.index(name)
                low, high = mean_band(values)
                (lines[name],) = ax.plot(
                    rounds[shown], values.mean(axis=0)[shown], color=COLOURS[k], linestyle=DASHES[k % len(DASHES)],
                    marker=MARKERS[k], markersize=3.5, label=name,
                    markevery=marks(rounds[shown], "log", k, len(names)),
                )  # fmt: skip
                ax.fill_between(rounds[shown], low[shown], high[shown], color=COLOURS[k], alpha=0.2, linewidth=0)
            ax.set_xscale("log")
            ax.set_yscale("log")
            ax.set_title(rf"{TITLES[benchmark]}, $\tau = {tau:g}$", fontsize="medium")
            ax.spines[["top", "right"]].set_visible(False)
            ax.grid(True, alpha=0.25, linewidth=0.6)
        row[0].set_ylabel("cumulative CVaR regret")
    for ax in panels[-1]:
        ax.set_xlabel("round $t$")
    drawing.legend(
        handles=[lines[name] for name in names], loc="outside lower center", ncols=len(names), frameon=False,
        fontsize="small", handlelength=3.0,
    )  # fmt: skip
    return drawing
