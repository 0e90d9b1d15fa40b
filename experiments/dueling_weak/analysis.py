"""Read stored results; return verdicts, draw the figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from banditlab.dueling import theory
from experiments.common import OverInstances
from experiments.drawing import plain
from experiments.dueling_weak.simulate import BTW, BTWR, METRIC, WS, configuration, file, policies
from experiments.slopes import exponent, mean
from experiments.verdicts import HOLDS, UNTESTABLE, Verdict, at_most, because, below, within

PAPER = "Kolpaczki et al. 2022, bound as reconstructed"
CHEN = "Chen and Frazier 2017, abstract"
OURS = "a comparison of this experiment's"
RESAMPLES = 2000

Regrets = dict[int, dict[str, NDArray[np.float64]]]  # by number of arms and policy: (instances, [T / 2, T])


def read(folder: Path, size: str, pmin: float) -> Regrets:
    """Return regrets after half of the rounds and after all, averaged over the runs of an instance."""
    found: Regrets = {}
    chosen = configuration()["sizes"][size]
    for n_arms in chosen["n_arms"]:
        result = OverInstances(file(folder, pmin, n_arms), chosen["n_runs"])
        found[n_arms] = dict(zip(result.policies, result.values(METRIC), strict=True))
    return found


def final(regrets: Regrets, policy: str) -> list[NDArray[np.float64]]:
    """Return the regret after all rounds of each instance, one array per number of arms."""
    return [by_policy[policy][:, -1] for by_policy in regrets.values()]


def late_share(halves: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the share of regret that falls into the second half of the rounds, with its bootstrap interval."""
    rng = np.random.default_rng(0)
    drawn = halves[rng.integers(len(halves), size=(RESAMPLES, len(halves)))].sum(axis=1)
    shares = 1.0 - drawn[:, 0] / np.maximum(drawn[:, 1], 1.0)
    total = halves.sum(axis=0)
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(1.0 - total[0] / max(total[1], 1.0)), float(low), float(high)


def verdicts(folder: Path, size: str) -> list[Verdict]:
    """Return one verdict per claim."""
    return [v for pmin in configuration()["pmins"] for v in _verdicts(read(folder, size, pmin), pmin)]


def _verdicts(regrets: Regrets, pmin: float) -> list[Verdict]:
    arms = list(regrets)
    least, most = arms[0], arms[-1]
    where = f"pmin = {pmin:g}"
    found = []

    bounds = [theory.beat_the_winner_reset_bound(k, pmin - 0.5) for k in arms]
    ratios = [mean(sample / bound) for sample, bound in zip(final(regrets, BTWR), bounds, strict=True)]
    worst = int(np.argmax([ratio[0] for ratio in ratios]))
    falls = 1.0 / theory.beat_the_winner_reset_survival(pmin - 0.5)
    why = f"the winner is safe from c = 1 on once in {falls:.0e} times, and else falls and meets all arms again"
    found.append(
        Verdict(
            f"{BTWR}, {where}: regret below 20 K log K / gap^2 for all K; the largest ratio, at K = {arms[worst]}",
            PAPER, "ratio <= 1", *ratios[worst],
            because(at_most(ratios[worst], 1.0), why),
        )
    )  # fmt: skip
    for label, source in ((BTWR, PAPER), (BTW, "Pekoz et al. 2020, from memory"), (WS, CHEN)):
        for k in (least, most):
            share = late_share(regrets[k][label])
            # what has not stopped growing may yet stop: a bound without a number cannot fail at a finite horizon
            why = f"its winner may fall some {falls:.0e} times" if label == BTWR else "what grows now may stop later"
            verdict = HOLDS if share[2] <= 0.05 else because(UNTESTABLE, why)
            found.append(
                Verdict(f"{label}, {where}, K = {k}: regret does not grow with T: share in the second half",
                        source, "share <= 0.05", *share, verdict)
            )  # fmt: skip
    rate = float(exponent(arms, [np.array([k * np.log(k)]) for k in arms])[0])
    slope = exponent(arms, final(regrets, BTWR))
    found.append(
        Verdict(f"{BTWR}, {where}: regret grows at most as K log K", PAPER, f"slope <= {rate:.3g}", *slope,
                within(slope, rate))
    )  # fmt: skip
    slope = exponent(arms, final(regrets, WS))
    found.append(Verdict(f"{WS}, {where}: regret grows at most as K^2", CHEN, "slope <= 2", *slope, within(slope, 2.0)))
    for other in (BTW, WS):
        for k in (least, most):
            difference = mean(regrets[k][BTWR][:, -1] - regrets[k][other][:, -1])
            found.append(
                Verdict(f"{BTWR}, {where}, K = {k}: less regret than {other}", OURS, "difference < 0", *difference,
                        because(below(difference, 0.0), "nothing changes here, and it forgets what the others keep"))
            )  # fmt: skip
    return found


def figure(folder: Path, size: str) -> Figure:
    """Return regret against the number of arms, one panel a pmin, with the bound."""
    from banditlab.plotting import COLOURS, DASHES, MARKERS

    config = configuration()
    drawing = Figure(figsize=(10, 4), dpi=150, layout="constrained")
    panels = drawing.subplots(1, len(config["pmins"]))
    for ax, pmin in zip(panels, config["pmins"], strict=True):
        regrets = read(folder, size, pmin)
        arms = np.array(list(regrets))
        for k, policy in enumerate(policies()):
            style = {"color": COLOURS[k], "linestyle": DASHES[k], "linewidth": 1.6}
            ends = np.array([mean(sample) for sample in final(regrets, policy)])
            ax.plot(arms, ends[:, 0], marker=MARKERS[k], markersize=4.5, label=policy, **style)
            ax.fill_between(arms, ends[:, 1], ends[:, 2], color=COLOURS[k], alpha=0.2, linewidth=0)
        bound = [theory.beat_the_winner_reset_bound(int(k), pmin - 0.5) for k in arms]
        ax.plot(arms, bound, color="black", linestyle=(0, (1, 2)), linewidth=1.2, label=r"$20 K \log K / \Delta^2$")
        ax.set_title(rf"$p_{{\min}} = {pmin:g}$, $T$ = {config['sizes'][size]['horizon']:,}", fontsize="medium")
        ax.set_xlabel("number of arms $K$")
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.set_xticks(arms, [str(k) for k in arms])
        plain(ax)
    panels[0].set_ylabel("mean binary weak regret at $T$")
    panels[-1].legend(frameon=False, fontsize="small", handlelength=3.2)
    return drawing
