"""Read stored results; return verdicts, draw the figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import banditlab as bl
from banditlab import arms
from banditlab.inference.bootstrap import mean_band
from experiments.drawing import plain
from experiments.slopes import near, slope_in_log
from experiments.ucb_lower_bound.simulate import RESULTS, configuration
from experiments.verdicts import FAILS, HOLDS, UNTESTABLE, Verdict, because

OPTIMAL = {
    "KLUCB": "Garivier and Cappe 2011, Theorem 1",
    "IMED": "Honda and Takemura 2015, Theorem 5",
    "ThompsonSampling": "Agrawal and Goyal 2013, Theorem 1",
}


def final_regret(result: bl.Results, instance: str, policy: str) -> tuple[float, float, float]:
    """Return the mean regret at the horizon with its 95% bootstrap interval."""
    final = result.values(environment=instance)[result.policies.index(policy)][:, -1:]
    low, high = mean_band(final)
    return float(final.mean()), float(low[0]), float(high[0])


def verdicts(folder: Path, size: str) -> list[Verdict]:
    """Return one verdict per claim and instance."""
    config = configuration()
    tolerance = config["verdict"]["tolerance"]
    result = bl.load(folder / RESULTS)
    found = []
    for instance, means in config["instances"].items():
        environment = arms.Bernoulli(means)
        constant = arms.theory.lower_bound_constant(environment)
        for policy, source in OPTIMAL.items():
            measured, low, high = slope_in_log(result, instance, policy)
            met = near(constant, low, high, tolerance)
            found.append(
                Verdict(
                    f"{policy}, {instance}: regret grows like C log T",
                    source,
                    f"C = {constant:.4g}",
                    measured,
                    low,
                    high,
                    HOLDS
                    if met
                    else because(UNTESTABLE, "a slope in log T comes near its limit at long horizons only"),
                )
            )
        measured, low, high = slope_in_log(result, instance, "UCB1")
        found.append(
            Verdict(
                f"UCB1, {instance}: regret stays above the lower bound",
                "Lai and Robbins 1985, Theorem 2",
                f"slope > {constant:.4g}",
                measured,
                low,
                high,
                HOLDS if low > constant else FAILS,
            )
        )
        bound = arms.theory.ucb1_bound(environment, result.horizon)
        measured, low, high = final_regret(result, instance, "UCB1")
        found.append(
            Verdict(
                f"UCB1, {instance}: regret below the finite-time bound",
                "Auer et al. 2002, Theorem 1",
                f"R_T <= {bound:.4g}",
                measured,
                low,
                high,
                HOLDS if high <= bound else FAILS,
            )
        )
    return found


def figure(folder: Path, size: str) -> Figure:
    """Return regret / log t against t for every instance, with the constant of the lower bound."""
    from banditlab.plotting import COLOURS, DASHES

    result = bl.load(folder / RESULTS)
    instances = configuration()["instances"]
    drawing = Figure(figsize=(10.5, 3.6), dpi=150, layout="constrained")
    panels = drawing.subplots(1, len(instances))
    late = result.checkpoints >= 10
    rounds = result.checkpoints[late]
    for ax, (instance, means) in zip(panels, instances.items(), strict=True):
        values = result.values(environment=instance)[:, :, late]
        for k, policy in enumerate(result.policies):
            scaled = values[k] / np.log(rounds)
            low, high = mean_band(scaled)
            ax.plot(rounds, scaled.mean(axis=0), color=COLOURS[k], linestyle=DASHES[k], label=policy, linewidth=1.6)
            ax.fill_between(rounds, low, high, color=COLOURS[k], alpha=0.2, linewidth=0)
        constant = arms.theory.lower_bound_constant(arms.Bernoulli(means))
        ax.axhline(constant, color="black", linestyle=(0, (1, 2)), linewidth=1.2, label="Lai-Robbins constant $C$")
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlim(rounds[0], rounds[-1])
        ax.set_title(instance, fontsize="medium")
        ax.set_xlabel("round $t$")
        plain(ax)
    panels[0].set_ylabel(r"mean regret / $\log t$")
    panels[0].legend(frameon=False, fontsize="small")
    return drawing
