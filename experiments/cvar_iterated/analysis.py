"""Read stored results; return verdicts, draw the figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import banditlab as bl
from banditlab import cvar
from banditlab.inference.bootstrap import mean_band
from experiments.cvar_iterated.simulate import MAXWP, configuration, contrast, label, stored
from experiments.drawing import plain
from experiments.slopes import exponent, growth, mean
from experiments.verdicts import FAILS, HOLDS, UNTESTABLE, Verdict, at_least, because, below

PAPER = "Du, Wang, Huang 2023"


def regrets(result: bl.Results, policy: str, tau: float) -> NDArray[np.float64]:
    """Return cumulative regret, one row per run."""
    return result.values(f"icvar_regret[{tau}]")[result.policies.index(policy)]


def verdicts(folder: Path, size: str) -> list[Verdict]:
    """Return one verdict per claim and level."""
    config = configuration()
    theory, eager = (label(scale) for scale in config["bonus_scales"])
    taus = config["taus"]
    results = {tau: bl.load(folder / stored(tau)) for tau in taus}
    found = []
    for tau, result in results.items():
        best = cvar.plan_iterated_cvar(cvar.layered_mdp(**config["layered"]), tau).value
        smallest = result.values("smallest_estimate")[result.policies.index(theory)][:, -1]
        share = float((smallest >= best - 1e-9).mean())
        found.append(
            Verdict(
                f"tau = {tau:g}, {theory}: estimates stay above the optimum, {best:.4g}, in {share:.0%} of the runs "
                "(measured: smallest estimate, mean and range over runs)",
                f"{PAPER}, Theorem 1",
                f"in at least {1.0 - config['delta']:.1%}",
                float(smallest.mean()),
                float(smallest.min()),
                float(smallest.max()),
                HOLDS if share >= 1.0 - config["delta"] else FAILS,
            )
        )
        difference = mean((regrets(result, eager, tau) - regrets(result, contrast(), tau))[:, -1])
        found.append(
            Verdict(
                f"tau = {tau:g}: {eager} pays less than {contrast()} (difference in regret, K = {result.horizon:,})",
                f"{PAPER}, appendix A",
                "< 0",
                *difference,
                below(difference, 0.0),
            )
        )
        found += [_rate(result, name, tau) for name in (theory, eager)]
    H = config["layered"]["horizon"]
    slope = exponent(taus, [regrets(results[tau], eager, tau)[:, -1] for tau in taus])
    found.append(
        Verdict(
            f"{eager}: regret grows no faster than tau^(-(H+1)/2) as tau falls (log-log slope)",
            f"{PAPER}, Theorem 1",
            f">= {-(H + 1) / 2:g}",
            *slope,
            at_least(slope, -(H + 1) / 2),
        )
    )
    return [*found, _worst_path(bl.load(folder / MAXWP))]


def _rate(result: bl.Results, name: str, tau: float) -> Verdict:
    """Return the slope of log regret in log K over the last decade; runs are resampled whole."""
    rounds = result.checkpoints
    late = np.flatnonzero(rounds >= rounds[-1] / 10)
    values = regrets(result, name, tau)
    slope = growth(rounds[late], values[:, late])
    whole = name == label(1.0)
    reason = "bonuses are still as large as the values (our reading)" if whole else "the theorem is for the whole bonus"
    limit = 0.5 + configuration()["verdict"]["tolerance"]
    return Verdict(
        f"tau = {tau:g}, {name}: regret grows no faster than sqrt(K) (log-log slope, last decade)",
        f"{PAPER}, Theorem 1",
        "<= 1/2",
        *slope,
        HOLDS if slope[2] <= limit else because(UNTESTABLE, reason),
    )


def _worst_path(result: bl.Results) -> Verdict:
    """Return how much MaxWP's regret grows after the first tenth of the episodes."""
    values = result.values("icvar_regret[0]")[0]
    tenth = int(np.searchsorted(result.checkpoints, result.horizon / 10))
    grown = mean(values[:, -1] - values[:, tenth])
    return Verdict(
        f"MaxWP on the chain: regret stops growing (growth over the last nine tenths of {result.horizon:,} episodes; "
        f"{values[:, tenth].mean():.3g} before)",
        f"{PAPER}, section 6",
        "0",
        *grown,
        HOLDS if grown[2] <= 1e-9 else FAILS if result.horizon >= 10_000 else because(UNTESTABLE, "too few episodes"),
    )


def figure(folder: Path, size: str) -> Figure:
    """Return regret against the level and against episodes."""
    from banditlab.plotting import COLOURS, DASHES

    config = configuration()
    taus = config["taus"]
    results = {tau: bl.load(folder / stored(tau)) for tau in taus}
    names = [*(label(scale) for scale in config["bonus_scales"]), contrast()]
    drawing = Figure(figsize=(11.0, 3.7), dpi=150, layout="constrained")
    across, over, worst = drawing.subplots(1, 3)
    for k, name in enumerate(names):
        ends = [mean(regrets(results[tau], name, tau)[:, -1] / results[tau].horizon) for tau in taus]
        middle, low, high = (np.array([end[i] for end in ends]) for i in range(3))
        across.plot(taus, middle, color=COLOURS[k], linestyle=DASHES[k], marker="os^"[k], markersize=4, label=name)
        across.fill_between(taus, low, high, color=COLOURS[k], alpha=0.2, linewidth=0)
        tau = taus[2]
        values = regrets(results[tau], name, tau)
        low, high = mean_band(values)
        over.plot(results[tau].checkpoints, values.mean(axis=0), color=COLOURS[k], linestyle=DASHES[k], label=name)
        over.fill_between(results[tau].checkpoints, low, high, color=COLOURS[k], alpha=0.2, linewidth=0)
    across.set_xscale("log")
    across.set_yscale("log")
    across.set_xticks(taus, [f"{tau:g}" for tau in taus])
    across.minorticks_off()
    across.set_xlabel(r"level $\tau$ (the paper's $\alpha$)")
    across.set_ylabel("iterated-CVaR regret an episode")
    across.set_title(f"layered MDP, {results[taus[0]].horizon:,} episodes", fontsize="medium")
    over.set_title(rf"layered MDP, $\tau = {taus[2]:g}$", fontsize="medium")
    over.set_ylabel("cumulative regret")
    over.set_xscale("log")
    over.set_yscale("log")
    over.legend(frameon=False, fontsize="x-small")
    path = bl.load(folder / MAXWP)
    values = path.values("icvar_regret[0]")[0]
    low, high = mean_band(values)
    worst.plot(path.checkpoints, values.mean(axis=0), color=COLOURS[3], label="MaxWP")
    worst.fill_between(path.checkpoints, low, high, color=COLOURS[3], alpha=0.2, linewidth=0)
    worst.set_xscale("log")
    worst.set_ylim(bottom=0.0)
    worst.set_title("chain, worst path", fontsize="medium")
    worst.set_ylabel("cumulative regret of MaxWP")
    for ax in (over, worst):
        ax.set_xlabel("episode $K$")
    for ax in (across, over, worst):
        plain(ax)
    return drawing
