"""Everything that draws: takes results, returns matplotlib Axes.

Colours are Okabe and Ito's, which people with colour-vision deficiencies tell apart; line styles and markers
differ too, so that a figure survives a black-and-white printer.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from banditlab.core.validation import invalid, one_of
from banditlab.inference.bootstrap import mean_band

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from banditlab.clicks.dynamics import Dynamics
    from banditlab.core.results import Results
    from banditlab.inference.aggregates import Profile
    from banditlab.inference.decisions import Decisions
    from banditlab.inference.pairs import PairedComparison

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
        Level of the pointwise percentile-bootstrap bands.
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
    values = results.values(metric, environment)
    rounds = results.checkpoints
    ax = _axes() if ax is None else ax
    means = values.mean(axis=1)
    drawn: list[tuple[float, Any]] = []
    for k, label in enumerate(results.policies):
        low, high = mean_band(values[k], level=level, n_resamples=n_resamples)
        colour = COLOURS[k % len(COLOURS)]
        (line,) = ax.plot(
            rounds,
            means[k],
            label=label,
            color=colour,
            linestyle=DASHES[(k // len(COLOURS) + k) % len(DASHES)],
            marker=MARKERS[k % len(MARKERS)],
            markevery=_marks(rounds, xscale, k, len(values)),
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


def _axes(width: float = SIZE[0], height: float = SIZE[1]) -> Axes:
    """Return new Axes, in a pyplot figure where the caller uses pyplot, as notebooks do."""
    if "matplotlib.pyplot" in sys.modules or "ipykernel" in sys.modules:
        import matplotlib.pyplot as plt

        return plt.subplots(figsize=(width, height), layout="constrained")[1]
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=150, layout="constrained").add_subplot()


def _marks(rounds: Any, xscale: str, k: int, n: int) -> list[int]:
    """Return which checkpoints carry a marker: about eight, evenly spaced as drawn, shifted from policy to policy."""
    position = np.log(rounds) if xscale == "log" else rounds.astype(float)
    span = position[-1] - position[0]
    wanted = position[0] + span * (np.arange(8) + (k + 0.5) / n) / 8.0
    return sorted({int(i) for i in np.abs(position[None, :] - wanted[:, None]).argmin(axis=1)})


def _title(results: Results, environment: str | None) -> str:
    name = results.environments[0] if environment is None else environment
    return f"{_short(name)}, $T$ = {results.horizon:,}, {results.n_runs:,} runs"


def _short(name: str) -> str:
    return name if len(name) <= 48 else name[:45] + "..."


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
    ax = _axes() if ax is None else ax
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
    ax.set_ylim(bottom=0, top=1 if what == "strategies" else None)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, alpha=0.25, linewidth=0.6)
    ax.legend(frameon=False, fontsize="small", handlelength=3.2)
    return ax


def plot_paired(comparisons: PairedComparison | Sequence[PairedComparison], *, ax: Axes | None = None) -> Axes:
    """Draw paired comparisons: the difference with its interval, and in grey the interval without shared luck.

    Parameters
    ----------
    comparisons : PairedComparison or sequence of them
        What `banditlab.inference.paired` returned, of one metric and level; one row each, the first at the top.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new Axes.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import numpy as np
    >>> from banditlab.inference import paired
    >>> luck = np.random.default_rng(0).normal(size=50)
    >>> ax = paired([luck, luck + 1.0], 0, 1).plot()
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['policy 0 $-$ policy 1']
    """
    found = list(comparisons) if isinstance(comparisons, Sequence) else [comparisons]
    if not found or len({(one.metric, one.level) for one in found}) > 1:
        raise invalid("comparisons", comparisons, "one or more comparisons of one metric and level")
    ax = _axes(height=1.5 + 0.5 * len(found)) if ax is None else ax
    rows = np.arange(len(found))[::-1]
    for shift, colour, width, name, which in (
        (-0.14, COLOURS[7], 1.4, "were runs unpaired", "unpaired_interval"),
        (0.14, COLOURS[0], 2.2, "runs paired", "interval"),
    ):
        low, high = np.array([getattr(one, which) for one in found]).T
        centre = np.array([one.difference for one in found])
        ax.errorbar(
            centre,
            rows + shift,
            xerr=[np.maximum(centre - low, 0.0), np.maximum(high - centre, 0.0)],
            fmt="o",
            color=colour,
            elinewidth=width,
            capsize=3,
            markersize=4.5,
            label=name,
        )
    ax.axvline(0.0, color="black", linewidth=0.9, linestyle=(0, (4, 2)), zorder=0)
    ax.set_yticks(rows, [f"{one.first} $-$ {one.second}" for one in found])
    ax.set_ylim(-0.6, len(found) - 0.4)
    ax.set_xlabel(f"difference in {NAMES.get(found[0].metric, found[0].metric)}")
    ax.set_title(f"{found[0].n_runs:,} runs, {100 * found[0].level:g}% intervals", fontsize="medium")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, axis="x", alpha=0.25, linewidth=0.6)
    handles, labels = ax.get_legend_handles_labels()
    ax.legend(handles[::-1], labels[::-1], frameon=False, fontsize="small")
    return ax


def plot_profiles(profile: Profile, *, ax: Axes | None = None) -> Axes:
    r"""Draw performance profiles: the share of runs at least as good as a threshold, with bands; higher is better.

    Parameters
    ----------
    profile : Profile
        What `banditlab.inference.performance_profile` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new Axes.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from banditlab.inference import performance_profile
    >>> performance_profile([[1.0, 2.0, 3.0], [2.0, 2.0, 9.0]]).plot().get_xlabel()
    'cumulative regret $\\tau$'
    """
    ax = _axes() if ax is None else ax
    taus = profile.thresholds
    scale = "log" if profile.relative else "linear"
    for k, label in enumerate(profile.policies):
        colour = COLOURS[k % len(COLOURS)]
        ax.plot(
            taus,
            profile.share[k],
            label=label,
            color=colour,
            linestyle=DASHES[(k // len(COLOURS) + k) % len(DASHES)],
            marker=MARKERS[k % len(MARKERS)],
            markevery=_marks(taus, scale, k, len(profile.policies)),
            markersize=4.5,
            linewidth=1.6,
        )
        ax.fill_between(taus, profile.low[k], profile.high[k], color=colour, alpha=0.18, linewidth=0)
    ax.set_xscale(scale)
    if profile.relative:
        _plain_log_ticks(ax)
    ax.set_xlim(taus[0], taus[-1] if len(taus) > 1 else None)
    ax.set_ylim(0.0, 1.02)
    name = NAMES.get(profile.metric, profile.metric)
    relation = r"\leq" if profile.smaller_is_better else r"\geq"
    ax.set_xlabel(rf"$\tau$, multiple of the best policy's {name}" if profile.relative else rf"{name} $\tau$")
    ax.set_ylabel(rf"share of runs ${relation} \tau$" + (" times the best" if profile.relative else ""))
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, alpha=0.25, linewidth=0.6)
    ax.legend(frameon=False, fontsize="small", handlelength=3.2)
    return ax


def _plain_log_ticks(ax: Axes) -> None:
    """Write 1, 2, 5, 10 under a logarithmic axis that may span less than a decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())


def plot_comparison(decisions: Decisions, environment: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw a decision table: each policy (row) against each other (column), the best policies first.

    Parameters
    ----------
    decisions : Decisions
        What `banditlab.compare` returned.
    environment : str, optional
        One of `decisions.environments`; needed when there are several.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new Axes.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> found = bl.compare([arms.UCB1(), arms.Uniform()], arms.Bernoulli([0.2, 0.8]), horizon=100, seed=0)
    >>> [text.get_text() for text in found.plot().get_yticklabels()]
    ['UCB1  (1)', 'Uniform  (2)']
    """
    from matplotlib.patches import Patch

    e = decisions.position(environment)
    order = decisions.ranking(environment)
    place = {decisions.policies.index(label): k for k, label in enumerate(order.index)}
    size = len(place)
    ax = _axes(height=1.9 + 0.62 * size, width=max(4.8, 2.6 + 1.05 * size)) if ax is None else ax
    better, worse = COLOURS[5], COLOURS[4]
    for (i, j), sign, difference in zip(decisions.pairs, decisions.signs[e], decisions.differences[e], strict=True):
        for row, column, turn in ((place[int(i)], place[int(j)], 1), (place[int(j)], place[int(i)], -1)):
            word = {1: "larger", -1: "smaller", 0: "undecided"}[turn * int(sign)]
            good = (turn * sign < 0) == decisions.smaller_is_better
            colour = "#E4E4E4" if sign == 0 else better if good else worse
            ax.add_patch(_cell(column, row, colour))
            number = "" if np.isnan(difference) else f"\n{turn * difference:+.3g}".replace("-", "\N{MINUS SIGN}")
            ax.text(column, row, word + number, ha="center", va="center", fontsize="small", linespacing=1.3)
    ranks = [
        f"{low}" if low == high else f"{low}-{high}" for low, high in zip(order.rank_low, order.rank_high, strict=True)
    ]
    slanted = max(map(len, order.index)) > 11
    ax.set_xticks(range(size), order.index, rotation=20 if slanted else 0, ha="left" if slanted else "center")
    ax.set_yticks(range(size), [f"{label}  ({rank})" for label, rank in zip(order.index, ranks, strict=True)])
    ax.set_xlim(-0.5, size - 0.5)
    ax.set_ylim(size - 0.5, -0.5)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_ylabel("policy (rank)")
    name = NAMES.get(decisions.metric, decisions.metric)
    title = f"{_short(decisions.environments[e])}\n{name}, row minus column, up to {decisions.played[e].max():,} runs"
    ax.set_title(title, fontsize="medium", pad=9)
    ax.legend(
        handles=[
            Patch(color=better, label="row is better"),
            Patch(color=worse, label="row is worse"),
            Patch(color="#E4E4E4", label="undecided"),
        ],
        frameon=False,
        fontsize="small",
        ncols=3,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.02),
    )
    return ax


def _cell(column: int, row: int, colour: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, facecolor=colour, linewidth=0)
