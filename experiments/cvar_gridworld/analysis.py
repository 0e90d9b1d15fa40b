"""Read stored walks; return verdicts, draw the picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from banditlab import cvar
from experiments.cvar_gridworld.simulate import RETURNS, VISITS, WALKERS, configuration, plans
from experiments.verdicts import FAILS, HOLDS, UNTESTABLE, Verdict, above

RESAMPLES = 1_000


def resampled(
    returns: NDArray[np.float64], statistic: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return bootstrap replicates of a statistic of (values, counts); few returns are distinct, so this is quick."""
    values, counts = np.unique(returns, return_counts=True)
    drawn = np.random.default_rng(0).multinomial(len(returns), counts / len(returns), size=RESAMPLES)
    return statistic(values, drawn)


def verdicts(folder: Path, size: str) -> list[Verdict]:
    """Return whether simulated walks agree with the exact distributions, and who is better at what."""
    tau = configuration()["tau"]
    walked = pd.read_parquet(folder / RETURNS)
    exact = plans()
    measures = {
        "mean return": lambda values, counts: counts @ values / counts.sum(axis=-1),
        f"CVaR at {tau:g}": lambda values, counts: cvar.cvar(values, tau, counts),
        "probability of a fall": lambda values, counts: counts[..., 0] * (values[0] < -30.0) / counts.sum(axis=-1),
    }
    found, samples = [], {}
    for title, measure in measures.items():
        for name in WALKERS:
            law = exact[name].returns
            wanted = float(measure(law.values, law.probabilities))
            values, counts = np.unique(walked[name], return_counts=True)
            drawn = samples[title, name] = resampled(walked[name].to_numpy(), measure)
            low, high = np.quantile(drawn, [0.025, 0.975])
            found.append(
                Verdict(
                    f"walker for the {name}: simulated {title} is the exact one",
                    "exact propagation of the return's distribution",
                    f"{wanted:.4g}",
                    float(measure(values, counts)),
                    float(low),
                    float(high),
                    # an exact value lies outside the interval in one of twenty experiments
                    HOLDS if low <= wanted <= high else _unless_far(drawn, wanted),
                )
            )
    for title, sign in (("mean return", 1.0), (f"CVaR at {tau:g}", -1.0)):
        difference = sign * (samples[title, "mean"] - samples[title, "CVaR"])
        low, high = np.quantile(difference, [0.025, 0.975])
        better = WALKERS[0] if sign > 0.0 else WALKERS[1]
        found.append(
            Verdict(
                f"the walker for the {better} has the larger {title} (difference)",
                "definition of the two plans",
                "> 0",
                float(difference.mean()),
                float(low),
                float(high),
                above((float(difference.mean()), low, high), 0.0),
            )
        )
    return found


def _unless_far(drawn: NDArray[np.float64], wanted: float) -> str:
    """Return what to say of an exact value outside the 95% interval: it fails beyond four standard errors."""
    return FAILS if abs(drawn.mean() - wanted) > 4.0 * drawn.std() else f"{UNTESTABLE}: within four standard errors"


def figure(folder: Path, size: str) -> Figure:
    """Return where both walk, and what they can expect."""
    drawing = Figure(figsize=(11.0, 4.6), dpi=150, layout="constrained")
    grid = drawing.add_gridspec(2, 2, width_ratios=[1.0, 1.25])
    visits = pd.read_parquet(folder / VISITS)
    n_walks = len(pd.read_parquet(folder / RETURNS))
    for row, name in enumerate(WALKERS):
        _map(drawing.add_subplot(grid[row, 0]), visits[name].to_numpy() / n_walks, row, name)
    _laws(drawing.add_subplot(grid[:, 1]))
    return drawing


TITLES = {"mean": "best on average", "CVaR": "best for CVaR"}


def _map(ax: Axes, visits: NDArray[np.float64], k: int, name: str) -> None:
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    from banditlab.plotting import COLOURS

    config = configuration()["cliff"]
    rows, columns = config["rows"], config["columns"]
    shades = LinearSegmentedColormap.from_list("shades", ["white", COLOURS[k]])
    ax.imshow(np.minimum(visits, 1.0).reshape(rows, columns), cmap=shades, vmin=0.0, vmax=1.0)
    ax.add_patch(Rectangle((0.5, rows - 1.5), columns - 2, 1, facecolor="0.25", edgecolor="none"))
    middle = (columns - 1) / 2
    for x, y, text, colour in (
        (0, rows - 1, "start", "black"), (columns - 1, rows - 1, "goal", "black"), (middle, rows - 1, "abyss", "white"),
    ):  # fmt: skip
        ax.text(x, y, text, ha="center", va="center", fontsize="small", color=colour)
    ax.set_xticks(np.arange(columns + 1) - 0.5, [])
    ax.set_yticks(np.arange(rows + 1) - 0.5, [])
    ax.grid(True, color="0.8", linewidth=0.6)
    ax.tick_params(length=0)
    ax.set_title(f"{TITLES[name]}: where it walks", fontsize="medium", color=COLOURS[k])


def _laws(ax: Axes) -> None:
    from banditlab.plotting import COLOURS

    tau = configuration()["tau"]
    for k, (name, plan) in enumerate(plans().items()):
        law = plan.returns
        shift = 0.2 * (2 * k - 1)
        ax.bar(law.values + shift, law.probabilities, width=0.4, color=COLOURS[k], label=TITLES[name])
        worst = float(law.cvar(tau))
        high = (1.3, 3.2)[k]
        for value, style, text, side in (
            (law.mean, "-", f" mean {law.mean:.1f}", "left"),
            (worst, (0, (1.5, 1.5)), rf"CVaR$_{{{tau:g}}}$ {worst:.1f} ", "right"),
        ):
            ax.plot([value, value], [1e-5, high], color=COLOURS[k], linestyle=style, linewidth=1.2)
            ax.text(value, high, text, ha=side, va="center", fontsize="small", color=COLOURS[k])
        fallen = float(law.probabilities[law.values < -30.0].sum())
        ax.annotate(
            f"{fallen:.2%} fall", (law.values[0] + shift, fallen), xytext=(law.values[0] + 4.0, fallen * (1.3, 0.6)[k]),
            color=COLOURS[k], fontsize="small", va="center",
            arrowprops={"arrowstyle": "-", "color": COLOURS[k], "linewidth": 0.8},
        )  # fmt: skip
    ax.set_yscale("log")
    ax.set_ylim(1e-5, 6.0)
    ax.set_yticks([1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0], ["0.001%", "0.01%", "0.1%", "1%", "10%", "100%"])
    ax.minorticks_off()
    ax.set_xlabel("return of a walk (minus its cost)")
    ax.set_ylabel("probability")
    ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(0.0, 0.88))
    ax.spines[["top", "right"]].set_visible(False)
