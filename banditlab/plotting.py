"""Everything that draws: takes results, returns matplotlib Axes.

Colours are Okabe and Ito's, which people with colour-vision deficiencies tell apart; line styles and markers
differ too, so that a figure survives a black-and-white printer.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from banditlab.core.elementary import normal_quantile
from banditlab.core.validation import invalid, one_of, open_probability
from banditlab.inference.bootstrap import mean_band

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from banditlab.clicks.dynamics import Dynamics
    from banditlab.core.results import Results
    from banditlab.core.sweep_results import SweepResults

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
SCALES = ("linear", "log")
SIZE = (6.0, 4.0)

NAMES = {
    "regret": "cumulative regret",
    "reward": "cumulative reward",
    "optimal_rate": "share of rounds on an optimal arm",
}


def plot_metric(
    results: Results,
    metric: str = "regret",
    *,
    environment: str | None = None,
    ax: Axes | None = None,
    xscale: str = "linear",
    yscale: str = "linear",
    level: float = 0.95,
    n_resamples: int = 1000,
    lower_bound: bool = True,
    title: str | None = None,
) -> Axes:
    """Draw the mean over runs of a metric against the round, one line a policy.

    Parameters
    ----------
    results : Results
        What `banditlab.run` returned or `banditlab.load` read.
    metric : str, default 'regret'
        One of `results.metrics`.
    environment : str, optional
        One of `results.environments`; needed when there are several.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new Axes (in `pyplot`'s current figure when pyplot is in use).
    xscale, yscale : {'linear', 'log'}
        The axes.
    level : float, default 0.95
        Level of the pointwise bands: percentile bootstrap, or normal approximation where runs were not kept.
    n_resamples : int, default 1000
        Bootstrap resamples.
    lower_bound : bool, default True
        Whether to draw the asymptotic lower bound C log t, where the environment has one and the metric is regret.
    title : str, optional
        Default: the environment's label, with horizon and runs.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> result = bl.run(arms.Bernoulli([0.2, 0.8]), [arms.UCB1(), arms.Uniform()], horizon=100, n_runs=10, seed=0)
    >>> ax = result.plot(xscale="log")
    >>> [line.get_text() for line in ax.get_legend().get_texts()][0]
    'Uniform'
    """
    one_of(*SCALES)("xscale", xscale)
    one_of(*SCALES)("yscale", yscale)
    bands = _bands(results, metric, environment, level, n_resamples)
    rounds = results.checkpoints
    ax = new_axes() if ax is None else ax
    means = np.stack([mean for mean, _, _ in bands])
    drawn: list[tuple[float, Any]] = []
    for k, label in enumerate(results.policies):
        _, low, high = bands[k]
        colour = COLOURS[k % len(COLOURS)]
        (line,) = ax.plot(
            rounds,
            means[k],
            label=label,
            color=colour,
            linestyle=DASHES[(k // len(COLOURS) + k) % len(DASHES)],
            marker=MARKERS[k % len(MARKERS)],
            markevery=_marks(rounds, xscale, k, len(bands)),
            markersize=4.5,
            linewidth=1.6,
        )
        ax.fill_between(rounds, low, high, color=colour, alpha=0.18, linewidth=0)
        drawn.append((float(means[k, -1]), line))
    bound = results.lower_bound(environment) if lower_bound and metric == "regret" else None
    highest = float(means.max())
    if bound is not None and bound[-1] > 0:
        # Asymptotic: at a short horizon it can lie far above every curve, and would squeeze them flat.
        off_scale = bound[-1] > 2.0 * highest and yscale == "linear"
        label = r"asymptotic lower bound $C\,\log t$"
        label += f"\n(off scale: {bound[-1]:,.0f} at $T$)" if off_scale else ""
        (line,) = ax.plot(rounds, bound, label=label, color="black", linestyle=(0, (1, 2)), linewidth=1.2)
        drawn.append((float(bound[-1]), line))
        if off_scale:
            ax.set_ylim(top=1.15 * highest)
    ax.set_xscale(xscale)
    ax.set_yscale(yscale)
    ax.set_xlabel("round $t$")
    ax.set_ylabel(NAMES.get(metric, metric))
    ax.set_title(_title(results, environment) if title is None else title, fontsize="medium")
    if xscale == "linear":
        ax.set_xlim(0, max(float(rounds[-1]), ax.dataLim.x1))
    if yscale == "linear" and means.min() >= 0:
        ax.set_ylim(bottom=0, auto=None)  # auto: whoever draws on these axes next is not cut off
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, alpha=0.25, linewidth=0.6)
    order = [line for _, line in sorted(drawn, key=lambda pair: -pair[0])]
    before = ax.get_legend()
    handles = [*(before.legend_handles if before else []), *order]
    ax.legend(handles=handles, frameon=False, fontsize="small", handlelength=3.2)
    return ax


def _bands(
    results: Results, metric: str, environment: str | None, level: float, n_resamples: int
) -> list[tuple[Any, Any, Any]]:
    """Return mean, lower and upper end of the band of each policy."""
    if results.keeps_runs:
        values = results.values(metric, environment)
        return [(runs.mean(axis=0), *mean_band(runs, level=level, n_resamples=n_resamples)) for runs in values]
    z = normal_quantile(0.5 + open_probability("level", level) / 2.0)
    found = []
    for known in results.statistics(metric, environment):
        half = z * known.std / np.sqrt(known.n_runs) if known.n_runs > 1 else 0.0
        found.append((known.mean, known.mean - half, known.mean + half))
    return found


def new_axes() -> Axes:
    """Return new Axes, in a pyplot figure where the caller uses pyplot, as notebooks do."""
    if "matplotlib.pyplot" in sys.modules or "ipykernel" in sys.modules:
        import matplotlib.pyplot as plt

        return plt.subplots(figsize=SIZE, layout="constrained")[1]
    from matplotlib.figure import Figure

    return Figure(figsize=SIZE, dpi=150, layout="constrained").add_subplot()


def _marks(rounds: Any, xscale: str, k: int, n: int) -> list[int]:
    """Return which checkpoints carry a marker: about eight, evenly spaced as drawn, shifted from policy to policy."""
    position = np.log(rounds) if xscale == "log" else rounds.astype(float)
    span = position[-1] - position[0]
    wanted = position[0] + span * (np.arange(8) + (k + 0.5) / n) / 8.0
    return sorted({int(i) for i in np.abs(position[None, :] - wanted[:, None]).argmin(axis=1)})


def _title(results: Results, environment: str | None) -> str:
    name = results.environments[0] if environment is None else environment
    if len(name) > 48:
        name = name[:45] + "..."
    return f"{name}, $T$ = {results.horizon:,}, {results.n_runs:,} runs"


def plot_sweep(
    sweep: SweepResults,
    x: str,
    metric: str = "regret",
    *,
    y: str | None = None,
    policy: str | None = None,
    where: dict[str, Any] | None = None,
    ax: Axes | None = None,
    xscale: str = "log",
    yscale: str = "log",
    level: float = 0.95,
    slope: bool = True,
    title: str | None = None,
) -> Axes:
    """Draw a metric after the last round against a parameter; or, with two parameters, as a heatmap.

    Parameters
    ----------
    sweep : SweepResults
        What `banditlab.sweep` returned.
    x : str
        The parameter on the horizontal axis; numbers.
    metric : str, default 'regret'
        One of `sweep.metrics`.
    y : str, optional
        A second parameter, for the vertical axis of a heatmap of one policy.
    policy : str, optional
        The policy of the heatmap; needed if there are several.
    where : dict, optional
        Values of other parameters to which the cells are restricted; needed where a point would stand for
        several cells.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new Axes.
    xscale, yscale : {'linear', 'log'}
        The axes; a heatmap's colours are logarithmic if yscale is.
    level : float, default 0.95
        Level of the intervals (normal approximation).
    slope : bool, default True
        Whether to write the slope of a least-squares line through the means into the legend, with its interval, if both
        axes are logarithmic.
    title : str, optional
        Default: what the cells are restricted to.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> def gap(delta):
    ...     return arms.Bernoulli([0.5, 0.5 - delta])
    >>> result = bl.sweep(gap, arms.UCB1(), {"delta": [0.1, 0.2, 0.4]}, horizon=200, n_runs=20, seed=0)
    >>> result.plot("delta").get_xlabel()
    'delta'
    """
    one_of(*SCALES)("xscale", xscale)
    one_of(*SCALES)("yscale", yscale)
    for name, value in (("x", x), ("y", y)):
        if value is not None:
            one_of(*sweep.parameters)(name, value)
    table = sweep.summary(metric, level)
    for name, value in (where or {}).items():
        one_of(*sweep.parameters)("where", name)
        wanted = tuple(value) if isinstance(value, list) else value
        table = table[[v is None or v != v or v == wanted for v in table[name]]]
    if table.empty:
        raise invalid("where", where, "values that some cell has")
    ax = new_axes() if ax is None else ax
    if y is not None:
        _draw_heatmap(ax, sweep, table, x, y, metric, policy, yscale)
    else:
        for k, label in enumerate(dict.fromkeys(table["policy"])):
            mine = table[table["policy"] == label].sort_values(x)
            if mine[x].duplicated().any():
                others = [p for p in sweep.parameters if p != x and mine[p].nunique() > 1]
                raise invalid(
                    "where", where, f"a value of each of {others}, as several cells of {label} have the same {x}"
                )
            _draw_points(ax, mine, x, label, k, level, slope and xscale == yscale == "log")
        ax.set_xscale(xscale)
        ax.set_yscale(yscale)
        values = sorted(set(table[x]))
        if len(values) <= 12:
            ax.set_xticks(values, [f"{v:g}" for v in values])
            ax.set_xticks([], minor=True)
        ax.set_xlabel(x)
        ax.set_ylabel(NAMES.get(metric, metric))
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(True, alpha=0.25, linewidth=0.6, which="both" if xscale == "log" else "major")
        ax.legend(frameon=False, fontsize="small", handlelength=3.2)
    told = ", ".join(f"{name} = {value}" for name, value in (where or {}).items())
    ax.set_title(told if title is None else title, fontsize="medium")
    return ax


def _draw_points(ax: Axes, mine: Any, x: str, label: str, k: int, level: float, slope: bool) -> None:
    """Draw the means of one policy with their intervals, and tell their slope."""
    at, mean = mine[x].to_numpy(dtype=float), mine["mean"].to_numpy()
    half = mean - mine["ci_low"].to_numpy()
    if slope and len(at) > 2 and (mean > 0).all() and (at > 0).all():
        label = f"{label}: slope {_slope(at, mean, half, level)}"
    style = {"color": COLOURS[k % len(COLOURS)], "linestyle": DASHES[k % len(DASHES)]}
    ax.errorbar(
        at, mean, yerr=half, label=label, marker=MARKERS[k % len(MARKERS)], markersize=4.5, linewidth=1.6,
        capsize=2.5, elinewidth=1.0, **style,
    )  # fmt: skip


def _slope(x: Any, mean: Any, half: Any, level: float) -> str:
    """Return the least-squares slope in logarithms, and its interval by Student's t from the scatter about the line."""
    from scipy import stats

    line = stats.linregress(np.log(x), np.log(mean))
    margin = stats.t.ppf(0.5 + level / 2.0, len(x) - 2) * line.stderr
    return f"{line.slope:.2f} ± {margin:.2f}"


def _draw_heatmap(
    ax: Axes, sweep: SweepResults, table: Any, x: str, y: str, metric: str, policy: str | None, scale: str
) -> None:
    """Draw the means of one policy over two parameters."""
    from matplotlib.colors import LogNorm

    labels = list(dict.fromkeys(table["policy"]))
    if policy is None and len(labels) > 1:
        raise invalid("policy", policy, f"one of {labels}, as a heatmap shows one")
    chosen = labels[0] if policy is None else one_of(*labels)("policy", policy)
    mine = table[table["policy"] == chosen]
    if mine.duplicated([x, y]).any():
        others = [p for p in sweep.parameters if p not in (x, y) and mine[p].nunique() > 1]
        raise invalid("where", None, f"a value of each of {others}, as several cells have the same {x} and {y}")
    grid = mine.pivot(index=y, columns=x, values="mean")
    values = np.ma.masked_invalid(grid.to_numpy())
    image = ax.pcolormesh(
        values, cmap="viridis", norm=LogNorm() if scale == "log" and (values > 0).all() else None, edgecolors="white"
    )
    for axis, name, ticks in ((ax.xaxis, x, grid.columns), (ax.yaxis, y, grid.index)):
        axis.set_ticks(np.arange(len(ticks)) + 0.5, [f"{t:g}" if np.isreal(t) else str(t) for t in ticks])
        axis.set_label_text(name)
    bar = ax.figure.colorbar(image, ax=ax)
    bar.set_label(f"{NAMES.get(metric, metric)} of {chosen}")


def plot_dynamics(
    path: Dynamics, what: str = "strategies", *, ax: Axes | None = None, level: float = 0.95, n_resamples: int = 1000
) -> Axes:
    """Draw how arms that adapt went: means over repetitions, with bootstrap bands, against the epoch.

    Parameters
    ----------
    path : clicks.Dynamics
        What `clicks.dynamics` returned.
    what : {'strategies', 'utilities', 'regret'}
        Click rates, one line an arm, with the desired ones dotted; clicks an arm; or the learner's regret.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new Axes. Regret of several mechanisms can go into the same ones.
    level : float, default 0.95
        Level of the percentile-bootstrap bands.
    n_resamples : int, default 1000
        Bootstrap resamples.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from banditlab import clicks
    >>> env = clicks.StrategicClickBandit([0.6, 0.4], strategies=[0.5, 0.5])
    >>> path = clicks.dynamics(env, clicks.MuOracle(), epochs=3, horizon=100, n_runs=2, seed=0)
    >>> path.plot().get_ylabel()
    'click rate $s_i$'
    """
    from matplotlib.ticker import MaxNLocator

    one_of("strategies", "utilities", "regret")("what", what)
    ax = new_axes() if ax is None else ax
    alone = what == "regret"
    curves = path.regret[:, :, None] if alone else getattr(path, what)
    first = len(ax.lines) if alone else 0  # another mechanism's regret may be there already
    epochs = np.arange(curves.shape[1])
    for k in range(curves.shape[2]):
        label = path.policy.label if alone else f"$i$ = {k}, $\\mu_i$ = {path.environment.post_click_means[k]:.3g}"
        style = {"color": COLOURS[(first + k) % len(COLOURS)], "linestyle": DASHES[(first + k) % len(DASHES)]}
        ax.plot(
            epochs,
            curves[:, :, k].mean(axis=0),
            label=label,
            marker=MARKERS[(first + k) % len(MARKERS)],
            markersize=4,
            linewidth=1.6,
            **style,
        )
        low, high = mean_band(curves[:, :, k], level=level, n_resamples=n_resamples)
        ax.fill_between(epochs, low, high, color=style["color"], alpha=0.18, linewidth=0)
        if what == "strategies":
            desired = path.environment.utility.desired(path.environment.post_click_means[k])
            ax.axhline(desired, color=style["color"], linestyle=(0, (1, 3)), linewidth=1.1)
    ax.set_xlabel("epoch")
    ax.set_ylabel({"strategies": "click rate $s_i$", "utilities": "clicks $v_i$", "regret": "strategic regret"}[what])
    repetitions = f"{len(curves)} repetition" + ("s" if len(curves) > 1 else "")
    ax.set_title(
        f"$T$ = {path.horizon:,}, {repetitions}"
        if alone
        else f"{path.policy.label}, $T$ = {path.horizon:,}, {repetitions}",
        fontsize="medium",
    )
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if curves.min() >= 0.0:
        ax.set_ylim(bottom=0, top=1 if what == "strategies" else None, auto=None)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, alpha=0.25, linewidth=0.6)
    ax.legend(frameon=False, fontsize="small", handlelength=3.2)
    return ax
