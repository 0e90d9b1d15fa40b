"""Everything that draws: takes results, returns matplotlib Axes.

Colours are Okabe and Ito's, which people with colour-vision deficiencies tell apart; line styles and markers
differ too, so that a figure survives a black-and-white printer.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from banditlab.core.validation import one_of
from banditlab.inference.bootstrap import mean_band

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from banditlab.core.results import Results

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
    ax = new_axes() if ax is None else ax
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
