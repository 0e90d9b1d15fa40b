"""Arms that adapt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from banditlab.core.validation import count, one_of, optional, text
from banditlab.inference.bootstrap import mean_band

from .style import given_or_new, line_style, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from banditlab.clicks.dynamics import Dynamics


def plot_dynamics(
    path: Dynamics,
    what: str = "strategies",
    *,
    ax: Axes | None = None,
    label: str | None = None,
    level: float = 0.95,
    n_resamples: int = 1000,
) -> Axes:
    """Draw how arms adapted: means over repetitions, with bootstrap bands, against the epoch.

    Epochs count from 0, as in `to_pandas`: epoch 0 is the start, before any arm has moved.

    Parameters
    ----------
    path : clicks.Dynamics
        What `clicks.dynamics` returned.
    what : {'strategies', 'utilities', 'regret'}, default 'strategies'
        Click rates, one line per arm, with the desired ones dotted; clicks per arm; or the learner's regret after T
        rounds, at the click rates of the epoch.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new Axes. The regret of several mechanisms can be drawn on the same Axes.
    label : str, optional
        What the legend calls the line of regret, default the mechanism; it also precedes the names of arms' lines.
    level : float, default 0.95
        Level of the bands: those of `inference.mean_band`.
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

    from .ticks import write_out

    one_of("strategies", "utilities", "regret")("what", what)
    label = optional(text)("label", label)
    ax = given_or_new(ax)
    alone = what == "regret"
    curves = path.regret[:, :, None] if alone else getattr(path, what)
    first = len(ax.lines) if alone else 0  # another mechanism's regret may be there already
    epochs = np.arange(curves.shape[1])
    for k in range(curves.shape[2]):
        if alone:
            name = path.policy.label if label is None else label
        else:
            name = f"$i$ = {k}, $\\mu_i$ = {path.environment.post_click_means[k]:.3g}"
            name = name if label is None else f"{label}, {name}"
        style = line_style(first + k)
        ax.plot(epochs, curves[:, :, k].mean(axis=0), label=name, markersize=4, linewidth=1.6, **style)
        low, high = mean_band(curves[:, :, k], level=level, n_resamples=n_resamples)
        ax.fill_between(epochs, low, high, color=style["color"], alpha=0.18, linewidth=0)
        if what == "strategies":
            desired = path.environment.utility.desired(path.environment.post_click_means[k])
            ax.axhline(desired, color=style["color"], linestyle=(0, (1, 3)), linewidth=1.1)
    ax.set_xlabel("epoch")
    ax.set_ylabel({"strategies": "click rate $s_i$", "utilities": "clicks $v_i$", "regret": "regret $R_T$"}[what])
    repetitions = count(len(curves), "repetition")
    ax.set_title(
        f"$T$ = {path.horizon:,}, {repetitions}"
        if alone
        else f"{path.policy.label}, $T$ = {path.horizon:,}, {repetitions}",
        fontsize="medium",
    )
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    write_out(ax.xaxis, ax.yaxis)
    if curves.min() >= 0.0:
        ax.set_ylim(bottom=0, top=1 if what == "strategies" else None, auto=None)
    tidy(ax)
    ax.legend(frameon=False, fontsize="small", handlelength=3.2)
    return ax
