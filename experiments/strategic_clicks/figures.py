"""The figures, from stored results; nothing is simulated here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MultipleLocator, NullFormatter, NullLocator
from numpy.typing import NDArray

from banditlab import clicks
from banditlab.inference.bootstrap import mean_band
from banditlab.plotting import COLOURS, DASHES, MARKERS, plot_dynamics
from experiments.drawing import plain
from experiments.strategic_clicks.analysis import (
    at_settled,
    distances,
    oracle_regret_on_grid,
    regrets,
    settled,
    weak_regrets,
)
from experiments.strategic_clicks.instances import (
    DYNAMICS,
    EQUILIBRIA,
    HALF_BEST,
    ONE_BEST,
    OPEN_BANDIT,
    ORACLES,
    REGRET,
    truthful,
)

MECHANISMS = {"UCBS": clicks.UCBS(), "ClickUCB": clicks.ClickUCB()}
SMALL = 8.5
PAPERS = "The paper's constant: penalty $\\lambda$ = 5. Reconstructed: $\\alpha$ = 2 in the radii, form of $u(s, \\mu)$"


def figures(folder: Path, size: str) -> dict[str, Figure]:
    """Return every figure by name."""
    tables = {name: pd.read_parquet(folder / name) for name in (DYNAMICS, OPEN_BANDIT, REGRET, EQUILIBRIA, ORACLES)}
    return {
        "figure_dynamics": of_dynamics(tables[DYNAMICS]),
        "figure_rates": of_rates(at_settled(tables[REGRET], tables[EQUILIBRIA]), tables[ORACLES]),
        "figure_distance": of_distances(tables[EQUILIBRIA]),
        "figure_open_bandit": of_open_bandit(tables[OPEN_BANDIT]),
    }


def of_dynamics(table: pd.DataFrame) -> Figure:
    """Return strategies and regret over epochs: one column per start, one row per mechanism, and one for regret."""
    config = table.attrs["config"]
    means = config["instances"][config["dynamics"]["instance"]]
    drawing = Figure(figsize=(10.0, 8.8), dpi=150)
    starts = config["dynamics"]["starts"]
    panels = drawing.subplots(3, len(starts), sharex=True, sharey="row")
    for column, start in zip(panels.T, starts, strict=True):
        part = table[table["start"] == start]
        _strategies_and_regret(column, part, means, repetitions=start == "random")
        column[0].set_title(f"{start} start", fontsize="large")
    _finish(panels, means)
    _small_print(
        drawing,
        f"{PAPERS}, {config['dynamics']['epochs']} epochs, 10 repetitions, $T$ = 50,000.",
        _ours(config, table),
        "Dotted: desired strategies $s^*(\\mu_i)$. Bands: 95% bootstrap intervals of the mean over "
        f"{table['repetition'].nunique()} repetitions. Thin lines: arm 0 in each repetition from a random start.",
    )
    drawing.subplots_adjust(left=0.1, right=0.985, top=0.915, bottom=0.125, hspace=0.12, wspace=0.08)
    return drawing


def of_open_bandit(table: pd.DataFrame) -> Figure:
    """Return the same from observed click rates: one column per campaign and scale."""
    config = table.attrs["config"]
    means = config["open_bandit"]["means"]
    drawing = Figure(figsize=(11.0, 9.0), dpi=150)
    starts = list(table.groupby(["campaign", "scale"], sort=False))
    panels = drawing.subplots(3, len(starts), sharex=True, sharey="row")
    for column, ((campaign, scale), part) in zip(panels.T, starts, strict=True):
        _strategies_and_regret(column, part, means)
        factor = part["factor"].iloc[0]
        rescaled = "" if scale == "raw" else f" (x {factor:.0f})"
        column[0].set_title(f"{campaign}, {scale}{rescaled}", fontsize="large")
        if scale == "raw":
            first = part[(part["epoch"] == 0) & (part["repetition"] == 0) & (part["mechanism"] == "UCBS")]
            starting = zip(first["arm"], first["item"], first["strategy"], strict=True)
            told = "\n".join(f"arm {arm}, item {item}: {100 * s:.2f}%" for arm, item, s in starting)
            column[0].text(
                0.04, 0.97, f"observed click rates\n{told}", transform=column[0].transAxes, va="top", fontsize=7.5,
                linespacing=1.3, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5, "alpha": 0.9},
            )  # fmt: skip
    _finish(panels, means)
    settings = config["open_bandit"]
    _small_print(
        drawing,
        f"{PAPERS}.",
        _ours(config, table),
        f"Starts: observed click rates of the {len(means)} most clicked items of each campaign of the Open Bandit "
        "Dataset (ZOZO, Inc., CC BY 4.0; items recommended uniformly at random),",
        f"raw, and rescaled so that the largest is {settings['largest_rescaled']:g}. The data hold no post-click "
        "rewards: $\\mu_i$ are ours, given to the items in the order of impressions.",
        "Dotted: desired strategies $s^*(\\mu_i)$. Bands: 95% bootstrap intervals of the mean over "
        f"{table['repetition'].nunique()} repetitions.",
    )
    drawing.subplots_adjust(left=0.092, right=0.985, top=0.915, bottom=0.155, hspace=0.12, wspace=0.08)
    return drawing


def of_rates(table: pd.DataFrame, oracles: pd.DataFrame) -> Figure:
    """Return regret against T and K at the desired strategies and in equilibria, and the oracles' against T."""
    config = table.attrs["config"]
    sizes = config["sizes"][table.attrs["size"]]
    drawing = Figure(figsize=(11.0, 4.6), dpi=150)
    by_horizon, by_arms, linear = drawing.subplots(1, 3)
    shown = {
        "five arms": "five arms",
        "two rivals": "two rivals",
        ONE_BEST: "one best arm, $\\Delta(T)$",
        HALF_BEST: "half of them best, $\\Delta(T)$",
    }
    for x, ax, names in (
        ("horizon", by_horizon, ("five arms", "two rivals", ONE_BEST)),
        ("n_arms", by_arms, (ONE_BEST, HALF_BEST)),
    ):
        for name in names:
            k = list(shown).index(name)
            for at, dashes, filled in (("desired", DASHES[1], "white"), ("found", "-", COLOURS[k])):
                samples = regrets(table, name, at, x)
                if len(samples) > 1:
                    _regret_line(ax, samples, color=COLOURS[k], linestyle=dashes, marker=MARKERS[k], mfc=filled)
        _guide(ax, 0.5, "slope 1/2")
    _logarithmic(by_horizon, sizes["horizons"])
    _logarithmic(by_arms, sorted({*sizes["arms"], *sizes["arms_in_equilibrium"]}))
    by_horizon.set_xlabel("horizon $T$")
    by_arms.set_xlabel("arms $K$")
    by_horizon.set_ylabel("strategic regret of UCB-S")
    by_horizon.set_title("UCB-S, $K$ = 5", fontsize="medium")
    by_arms.set_title(
        f"UCB-S, $T$ = {sizes['arms_horizon']:,} (at $s^*$),\n{sizes['arms_in_equilibrium_horizon']:,} (in equilibria)",
        fontsize="medium",
    )
    black = {"color": "black", "marker": "o"}
    styles = [
        Line2D([], [], label="worst equilibrium found", **black),
        Line2D([], [], label="desired strategies", linestyle=DASHES[1], mfc="white", **black),
    ]
    families = [Line2D([], [], color=COLOURS[k], marker=MARKERS[k], label=shown[name]) for k, name in enumerate(shown)]
    by_horizon.legend(handles=[*styles, *families[:3]], frameon=False, fontsize=7.5, loc="upper left")
    by_arms.legend(handles=families[2:], frameon=False, fontsize=7.5, loc="upper left")
    _oracles(linear, oracles)
    for ax in (by_horizon, by_arms, linear):
        _plain(ax)
        low, high = ax.get_ylim()
        ax.set_ylim(low, high * (high / low) ** 0.3)  # room for the legend
    fixed = "; ".join(f"{name}: $\\mu$ = {_list(config['instances'][name])}" for name in config["instances"])
    _small_print(
        drawing,
        f"{PAPERS}. Ours: instances, $T$, $K$; {fixed};",
        f"$\\Delta(T)$: two post-click means $(1 \\pm \\Delta)/2$, "
        f"$\\Delta = {config['gap_factor']:g}\\sqrt{{K \\log T/T}}$. {_search(config)}",
        f"Oracles: best responses on a grid of {config['oracles']['grid']} click rates. Bars: 95% bootstrap intervals "
        f"over {sizes['n_runs']} runs, smaller than the markers where they are not seen.",
    )
    drawing.subplots_adjust(left=0.075, right=0.985, top=0.89, bottom=0.265, wspace=0.32)
    return drawing


def _oracles(ax: Axes, table: pd.DataFrame) -> None:
    """Draw the oracles' weak regret against T, and what theory gives with free click rates and on the grid."""
    config = table.attrs["config"]
    theory = {"MuOracle": clicks.theory.mu_oracle_regret, "StrategyOracle": clicks.theory.strategy_oracle_regret}
    for k, ((policy, name), part) in enumerate(weak_regrets(table).groupby(["policy", "instance"], sort=False)):
        T = part["horizon"].to_numpy()
        environment = truthful(config["instances"][name])
        colour = COLOURS[4 + k] if k < 2 else COLOURS[k - 2]
        exact = theory[policy](environment, 1)
        ax.plot(T, exact * T, color=colour, linestyle=DASHES[2], linewidth=1.3)
        ax.plot(T, oracle_regret_on_grid(policy, environment) * T, color=colour, linewidth=1.0)
        label = f"{policy}, {name}: {exact:.3g} $T$"
        ax.plot(T, part["regret"], color=colour, linestyle="none", marker=MARKERS[k], markersize=5.5, label=label)
    _logarithmic(ax, sorted(set(table["horizon"])))
    ax.set_xlabel("horizon $T$")
    ax.set_ylabel("weak strategic regret")
    ax.set_title("oracles (dotted: theory, $s$ free;\nsolid: theory, $s$ on the grid)", fontsize="medium")
    ax.legend(frameon=False, fontsize=7.5, loc="upper left")


def of_distances(table: pd.DataFrame) -> Figure:
    """Return distances from the desired strategies against the theorem's rate, and the best arm's against T."""
    config = table.attrs["config"]
    rows = distances(settled(table))
    drawing = Figure(figsize=(9.6, 4.7), dpi=150)
    scatter, falling = drawing.subplots(1, 2)
    names = list(dict.fromkeys(rows["instance"]))
    horizons = rows["horizon"].to_numpy()
    spread = np.log(horizons / horizons.min()) / np.log(horizons.max() / horizons.min())
    for k, name in enumerate(names):
        part = (rows["instance"] == name).to_numpy()
        scatter.scatter(
            rows["rate"][part], rows["distance"][part], s=10 + 40 * spread[part], marker=MARKERS[k], linewidth=0.9,
            edgecolor=COLOURS[k], facecolor=[(*_rgb(COLOURS[k]), 0.3)],
        )  # fmt: skip
    rates = np.array([rows["rate"].min(), rows["rate"].max()]) * [0.9, 1.1]
    (line,) = scatter.plot(
        rates, rates, color="black", linewidth=1.2, label=r"$H \max\{\Delta_i, \sqrt{K\,\log T/T}\}$"
    )
    largest = rows["ratio"].max()
    (bound,) = scatter.plot(rates, largest * rates, color="black", linestyle=DASHES[2], linewidth=1.2,
                            label=f"{largest:.2f} times that, the largest found")  # fmt: skip
    scatter.set_xlabel(r"rate of Theorem 5.2, $H \max\{\Delta_i, \sqrt{K\,\log T/T}\}$")
    scatter.set_ylabel(r"distance $|s_i - s^*(\mu_i)|$")
    _logarithmic(scatter, x=())
    scatter.yaxis.set_major_locator(LogLocator())
    scatter.set_ylim(0.5 * max(rows["distance"].min(), 1e-4), 60.0)  # room for the legend
    scatter.set_title("every arm of every equilibrium found", fontsize="medium")
    marks = [
        Line2D([], [], color=COLOURS[k], marker=MARKERS[k], linestyle="none", label=name)
        for k, name in enumerate(names)
    ]
    scatter.legend(handles=[line, bound, *marks], frameon=False, fontsize=7.5, loc="upper left")
    best = rows[(rows["arm"] == 0) & (rows["n_arms"] == 5)]
    for k, name in enumerate(n for n in names if n != HALF_BEST):
        part = best[best["instance"] == name]
        _, means, low, high = _bands({T: p["distance"].to_numpy() for T, p in part.groupby("horizon")})
        T = np.unique(part["horizon"]) * (1.0 + 0.06 * (k - 1))
        style = {"color": COLOURS[k], "marker": MARKERS[k], "linestyle": DASHES[k]}
        falling.errorbar(T, means, [means - low, high - means], capsize=2, linewidth=1.5, label=name, **style)
    T = np.unique(best["horizon"]).astype(float)
    five = config["instances"]["five arms"]
    H = clicks.theory.lipschitz_constant(truthful(five).utility)
    falling.plot(T, H * np.sqrt(5 * np.log(T) / T), color="black", linewidth=1.2, label=r"$H \sqrt{K\,\log T/T}$")
    _logarithmic(falling, sorted(set(best["horizon"])))
    falling.set_xlabel("horizon $T$")
    falling.set_ylabel(r"distance $|s_{i^*} - s^*(\mu_{i^*})|$")
    falling.set_title("the best arm, $K$ = 5", fontsize="medium")
    falling.legend(frameon=False, fontsize=7.5, loc="lower left")
    _plain(scatter)
    _plain(falling)
    _small_print(
        drawing,
        f"{PAPERS}; the constant before the rate is not known to us.",
        f"$H$ = {H:.2g} follows from $\\lambda$. Ours: instances, $K$, $T$ from {horizons.min():,} to "
        f"{horizons.max():,} (the larger the marker, the larger $T$). Right: means over the searches, 95% bootstrap "
        "intervals.",
        _search(config),
    )
    drawing.subplots_adjust(left=0.08, right=0.985, top=0.93, bottom=0.255, wspace=0.2)
    return drawing


def _strategies_and_regret(column: Any, part: pd.DataFrame, means: list[float], repetitions: bool = False) -> None:
    """Draw, into three panels, strategies under each mechanism and the regret of both."""
    for ax, (label, mechanism) in zip(column, MECHANISMS.items(), strict=False):
        path = _path(part[part["mechanism"] == label], means, mechanism)
        plot_dynamics(path, "strategies", ax=ax)
        plot_dynamics(path, "regret", ax=column[2])
        if repetitions:
            ax.plot(path.strategies[:, :, 0].T, color=COLOURS[0], linewidth=0.6, alpha=0.7)
            for band in ax.collections:
                band.set_alpha(0.08)
    for ax in column:
        ax.set_title("")
        ax.set_xlabel("")
        ax.set_ylabel("")


def _path(table: pd.DataFrame, means: list[float], mechanism: Any) -> clicks.Dynamics:
    """Return stored dynamics as `clicks.dynamics` returned them."""
    shape = tuple(table[column].nunique() for column in ("repetition", "epoch", "arm"))
    rows = table.sort_values(["repetition", "epoch", "arm"])
    strategies, utilities, regret = (rows[c].to_numpy().reshape(shape) for c in ("strategy", "utility", "regret"))
    horizon = int(rows["horizon"].iloc[0])
    seed = table.attrs["config"]["seed"]
    return clicks.Dynamics(strategies, utilities, regret[:, :, 0], truthful(means), mechanism, horizon, seed)


def _finish(panels: Any, means: list[float]) -> None:
    """Label the outer axes, and have one legend of arms above all panels and one of mechanisms."""
    lines = panels[0, 0].get_legend_handles_labels()[0]
    for ax in panels.flat:
        ax.get_legend().remove()
        ax.tick_params(labelsize=SMALL)
    arms = [f"arm {k}, $\\mu$ = {mu:g}" for k, mu in enumerate(means)]
    panels[0, 0].figure.legend(
        lines, arms, ncols=len(arms), loc="upper center", bbox_to_anchor=(0.5, 0.985), frameon=False, fontsize=9
    )
    panels[2, -1].legend(panels[2, -1].get_lines(), ["UCB-S", "ClickUCB"], frameon=False, fontsize=9)
    labels = ("UCB-S\nclick rate $s_i$", "ClickUCB\nclick rate $s_i$", "strategic regret")
    for ax, label in zip(panels[:, 0], labels, strict=True):
        ax.set_ylabel(label)
    for ax in panels[-1]:
        ax.set_xlabel("epoch")
    highest = max(ax.dataLim.y1 for ax in panels[:2].flat)
    for ax in panels[:2, 0]:
        ax.set_ylim(0.0, min(1.05 * highest, 1.0))  # the same for both mechanisms
    drawn = np.concatenate([line.get_ydata() for ax in panels[2] for line in ax.get_lines()])
    _logarithmic(panels[2, 0])
    panels[2, 0].set_ylim(0.6 * drawn.min(), 1.6 * drawn.max())
    last = panels[0, 0].get_lines()[0].get_xdata()[-1]
    panels[0, 0].set_xlim(-0.03 * last, 1.03 * last)
    panels[0, 0].xaxis.set_major_locator(MultipleLocator(5))
    panels[0, 0].figure.align_ylabels(panels[:, 0])


def _regret_line(ax: Axes, samples: dict[int, list[NDArray[np.float64]]], **style: Any) -> None:
    """Draw, at each x, the mean of the runs at the equilibrium with the largest, with its interval."""
    worst = {x: max(profiles, key=np.mean) for x, profiles in samples.items()}
    x, means, low, high = _bands(worst)
    ax.errorbar(x, means, [means - low, high - means], capsize=2, linewidth=1.5, markersize=5.5, **style)


def _bands(samples: dict[int, NDArray[np.float64]]) -> tuple[NDArray[np.float64], ...]:
    """Return x, means, and their 95% bootstrap intervals."""
    bands = [mean_band(values[:, None]) for values in samples.values()]
    low, high = (np.array([band[side][0] for band in bands]) for side in (0, 1))
    return np.array(list(samples), dtype=float), np.array([v.mean() for v in samples.values()]), low, high


def _guide(ax: Axes, slope: float, label: str) -> None:
    """Draw a line of a slope in log-log below the curves, to compare them with."""
    ends = np.concatenate([line.get_xydata() for line in ax.get_lines() if len(line.get_xydata())])
    x = np.array([ends[:, 0].min(), ends[:, 0].max()])
    y = 0.7 * np.min(ends[:, 1] / (ends[:, 0] / x[0]) ** slope) * (x / x[0]) ** slope
    ax.plot(x, y, color="#555555", linestyle=DASHES[2], linewidth=1.2)
    ax.annotate(label, (x[1], y[1]), ha="right", va="top", xytext=(0, -26), textcoords="offset points", fontsize=8)


def _plain(ax: Axes) -> None:
    plain(ax)


def _logarithmic(ax: Axes, x: Sequence[int] | None = None) -> None:
    """Make y logarithmic, and x too if its ticks are given (1, 2 and 5 if there are none); label in plain numbers."""
    ax.set_yscale("log")
    if x is not None:
        ax.set_xscale("log")
    for axis, ticks in ((ax.yaxis, ()), (ax.xaxis, x)):
        if ticks is not None:
            axis.set_major_locator(FixedLocator(ticks) if ticks else LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(FuncFormatter(_plain_number))
            axis.set_minor_formatter(NullFormatter())
            if ticks:
                axis.set_minor_locator(NullLocator())
    ax.tick_params(labelsize=SMALL)


def _plain_number(value: float, _: int) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def _small_print(drawing: Figure, *lines: str) -> None:
    drawing.text(0.012, 0.012, "\n".join(lines), fontsize=7.2, va="bottom", color="#333333", linespacing=1.45)


def _ours(config: dict[str, Any], table: pd.DataFrame) -> str:
    moves = config["dynamics"]
    return (
        f"Ours: $K$ = {table['arm'].nunique()}, $\\mu$, $T$ = {int(table['horizon'].iloc[0]):,} here, "
        f"{_steps(config)}, {moves['n_rollouts']} roll-outs, starts."
    )


def _search(config: dict[str, Any]) -> str:
    search = config["search"]
    return (
        f"Search: {search['epochs']} epochs of {_steps(config)}, from {len(search['starts'])} starts; then deviations "
        f"on a grid of {search['grid']} click rates."
    )


def _steps(config: dict[str, Any]) -> str:
    moves = config["dynamics"]
    return (
        f"gradient steps $\\eta/(e+1)$ with $\\eta$ = {moves['step']:g}, at most $\\pm${moves['max_step']:g}, "
        f"$\\epsilon$ = {moves['epsilon']:g}"
    )


def _list(values: list[float]) -> str:
    return "(" + ", ".join(f"{v:g}" for v in values) + ")"


def _rgb(colour: str) -> tuple[float, float, float]:
    return tuple(int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))  # type: ignore[return-value]
