"""Read stored results; return verdicts, draw the figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import banditlab as bl
from banditlab import cvar
from banditlab.inference.bootstrap import mean_band
from experiments.cvar_mdp.simulate import BONUSES, RESULTS, configuration, instance, label
from experiments.drawing import plain
from experiments.slopes import exponent, growth, mean
from experiments.verdicts import FAILS, HOLDS, UNTESTABLE, Verdict, at_least, below

PAPER = "Wang, Kallus, Sun 2023"


def regrets(result: bl.Results, bonus: str, tau: float) -> NDArray[np.float64]:
    """Return cumulative regret, one row per run."""
    return result.values("cvar_regret")[result.policies.index(label(bonus, tau))]


def bounds(result: bl.Results, tau: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower bound, NaN from level 1/2 on where none is known, and the upper, after each episode recorded."""
    config = configuration()
    S, A, H = (config["instance"][name] for name in ("n_states", "n_actions", "horizon"))
    low = [cvar.theory.static_lower_bound(S, A, int(k), tau) if tau < 0.5 else np.nan for k in result.checkpoints]
    high = [cvar.theory.hoeffding_bound(S, A, H, int(k), tau, config["delta"]) for k in result.checkpoints]
    return np.array(low), np.array(high)


def verdicts(folder: Path, size: str) -> list[Verdict]:
    """Return one verdict per claim, bonus and level."""
    config = configuration()
    result = bl.load(folder / RESULTS)
    K, taus = result.horizon, config["taus"]
    found = []
    for tau in taus:
        best = cvar.plan_static_cvar(instance(), tau).value
        for bonus in BONUSES:
            found += [_optimism(result, bonus, tau, best), _rate(result, bonus, tau)]
        difference = mean((regrets(result, "bernstein", tau) - regrets(result, "hoeffding", tau))[:, -1])
        found.append(
            Verdict(
                f"tau = {tau:g}: Bernstein's bonus pays less than Hoeffding's (difference in regret, K = {K:,})",
                f"{PAPER}, section 5",
                "< 0",
                *difference,
                below(difference, 0.0),
            )
        )
        most = mean(regrets(result, "hoeffding", tau)[:, -1])
        bound = bounds(result, tau)[1][-1]
        trivial = f"{UNTESTABLE}: the bound is above K times the largest CVaR, {K * best:.3g}"
        found.append(
            Verdict(
                f"tau = {tau:g}: Hoeffding's regret is below its bound (K = {K:,})",
                f"{PAPER}, section 5 (constants reconstructed)",
                f"<= {bound:.3g}",
                *most,
                trivial if bound > K * best else HOLDS if most[2] <= bound else FAILS,
            )
        )
    for bonus in BONUSES:
        slope = exponent(taus, [regrets(result, bonus, tau)[:, -1] for tau in taus])
        found.append(
            Verdict(
                f"{bonus}: regret grows no faster than 1/tau (log-log slope in tau, K = {K:,})",
                f"{PAPER}, Theorem 5.3",
                ">= -1",
                *slope,
                at_least(slope, -1.0),
            )
        )
    return found


def _optimism(result: bl.Results, bonus: str, tau: float, best: float) -> Verdict:
    """Return whether estimates are above the optimum in all episodes of enough runs; interval: range over runs."""
    smallest = result.values("smallest_estimate")[result.policies.index(label(bonus, tau))][:, -1]
    share = float((smallest >= best - 1e-9).mean())
    delta = configuration()["delta"]
    return Verdict(
        f"tau = {tau:g}, {bonus}: estimates stay above the optimum, {best:.4g}, in {share:.0%} of the runs "
        "(measured: smallest estimate, mean and range over runs)",
        f"{PAPER}, section 5",
        f"in at least {1.0 - delta:.0%}",
        float(smallest.mean()),
        float(smallest.min()),
        float(smallest.max()),
        HOLDS if share >= 1.0 - delta else FAILS,
    )


def _rate(result: bl.Results, bonus: str, tau: float) -> Verdict:
    """Return the slope of log regret in log K over the last decade of episodes."""
    rounds = result.checkpoints
    late = np.flatnonzero(rounds >= rounds[-1] / 10)
    values = regrets(result, bonus, tau)
    slope = growth(rounds[late], values[:, late])
    limit = 0.5 + configuration()["verdict"]["tolerance"]
    still = f"{UNTESTABLE}: bonuses are still the larger part of the shortfalls (our reading)"
    return Verdict(
        f"tau = {tau:g}, {bonus}: regret grows no faster than sqrt(K) (log-log slope, last decade)",
        f"{PAPER}, section 5",
        "<= 1/2",
        *slope,
        HOLDS if slope[2] <= limit else still,
    )


def figure(folder: Path, size: str) -> Figure:
    """Return regret against episodes at two levels, with both bounds, and regret against the level."""
    from banditlab.plotting import COLOURS, DASHES
    from banditlab.plotting.ticks import plain_log_ticks

    result = bl.load(folder / RESULTS)
    taus = configuration()["taus"]
    drawing = Figure(figsize=(11.0, 3.7), dpi=150, layout="constrained")
    panels = drawing.subplots(1, 3)
    rounds = result.checkpoints
    for ax, tau in zip(panels, (taus[1], taus[-2]), strict=False):
        for k, bonus in enumerate(BONUSES):
            values = regrets(result, bonus, tau)
            low, high = mean_band(values)
            ax.plot(rounds, values.mean(axis=0), color=COLOURS[k], linestyle=DASHES[k], label=f"{bonus.title()} bonus")
            ax.fill_between(rounds, low, high, color=COLOURS[k], alpha=0.2, linewidth=0)
        below, above = bounds(result, tau)
        ax.plot(rounds, below, color="black", linestyle=(0, (1, 2)), linewidth=1.1, label="minimax lower bound")
        ax.plot(
            rounds, above, color="0.5", linestyle=(0, (4, 2)), linewidth=1.1, label="bound for Hoeffding (reconstr.)"
        )
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_title(rf"$\tau = {tau:g}$", fontsize="medium")
        ax.set_xlabel("episode $K$")
    panels[0].set_ylabel("cumulative CVaR regret")
    panels[0].legend(frameon=False, fontsize="x-small", loc="upper left", bbox_to_anchor=(0.0, 0.83))
    last = panels[2]
    for k, bonus in enumerate(BONUSES):
        ends = [mean(regrets(result, bonus, tau)[:, -1]) for tau in taus]
        middle, low, high = (np.array([end[i] for end in ends]) for i in range(3))
        last.plot(taus, middle, color=COLOURS[k], linestyle=DASHES[k], marker="os"[k], markersize=4)
        last.fill_between(taus, low, high, color=COLOURS[k], alpha=0.2, linewidth=0)
    guide = np.array([taus[0], taus[-1]])
    top = mean(regrets(result, "hoeffding", taus[0])[:, -1])[0]
    last.plot(guide, 1.6 * top * (guide / taus[0]) ** -0.5, color="0.5", linestyle=(0, (1, 2)), label=r"$\tau^{-1/2}$")
    last.plot(guide, 1.6 * top * (guide / taus[0]) ** -1.0, color="0.5", linestyle=(0, (4, 2)), label=r"$\tau^{-1}$")
    last.set_xscale("log")
    last.set_yscale("log")
    last.set_xticks(taus, [f"{tau:g}" for tau in taus])
    last.minorticks_off()
    plain_log_ticks(last.yaxis, 1.0, 10.0)  # 1, 2, 5, 10
    last.set_title("after the last episode", fontsize="medium")
    last.set_xlabel(r"level $\tau$")
    last.set_ylabel(f"regret after {result.horizon:,} episodes")
    last.legend(frameon=False, fontsize="x-small")
    for ax in panels:
        plain(ax)
    return drawing
