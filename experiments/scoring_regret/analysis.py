"""Read stored results; return verdicts, draw the figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from banditlab import scoring
from banditlab.inference.bootstrap import mean_band
from experiments.common import final, load_horizons
from experiments.drawing import legend_above, plain
from experiments.scoring_regret.simulate import configuration, environment, policies
from experiments.slopes import exponent, mean
from experiments.verdicts import FAILS, HOLDS, UNTESTABLE, Verdict, at_most, because

RATE = "Chen et al. 2023, abstract"
THEORY, PRACTICE, COMMIT, BRIER, V_SHAPED, ORACLE = policies()


def radius(horizon: int) -> float:
    """Return I_q at the horizon for an action that was chosen in every round: the smallest it can be."""
    world = environment()
    return float(np.sqrt(2 * np.log(4 * world.n_actions**2 * world.n_beliefs * horizon**3) / horizon))  # delta = 1 / T


def verdicts(folder: Path, size: str) -> list[Verdict]:
    """Return one verdict per claim."""
    results = load_horizons(folder, configuration()["sizes"][size]["horizons"])
    horizons, world = list(results), environment()
    last = horizons[-1]
    _, margins = scoring.informed_rules(world)
    found = []

    slope = exponent(horizons, final(results, PRACTICE))
    claim = f"{PRACTICE}: regret grows at most like T^(2/3)"
    found.append(Verdict(claim, RATE, "slope <= 0.667", *slope, at_most(slope, 2 / 3)))
    # one slope over all horizons would hide that the last one bends
    slope = exponent(horizons[-2:], final(results, PRACTICE)[-2:])
    probing = mean(final(results, PRACTICE, "bisection_rate")[-1])
    claim = f"{PRACTICE}: the same between the last two horizons (share of probes at T: {probing[0]:.2g})"
    turned = "the mixture's margin has fallen below the errors of the estimates, so that bisections set in"
    found.append(Verdict(claim, RATE, "slope <= 0.667", *slope, because(at_most(slope, 2 / 3), turned)))

    slope = exponent(horizons, final(results, THEORY))
    share = min(world.n_actions * last ** (-1 / 3), 1.0)
    reason = f"at T I_q >= {radius(last):.2g} where the mixture's margin is {share * margins.min():.2g}"
    verdict = HOLDS if slope[2] <= 2 / 3 else because(UNTESTABLE, reason)
    found.append(Verdict("OSRA at the theory's scale: the same", RATE, "slope <= 0.667", *slope, verdict))
    probing = mean(final(results, THEORY, "bisection_rate")[-1])
    found.append(
        Verdict(
            "OSRA at the theory's scale: at this horizon most rounds are probes, and regret is linear",
            "a remark of this experiment's",
            "share > 0.5",
            *probing,
            HOLDS if probing[1] > 0.5 and slope[1] > 0.9 else FAILS,
        )
    )
    bound = scoring.theory.osra_rate(world.n_actions, last)
    regret = mean(final(results, THEORY)[-1])
    found.append(
        Verdict("OSRA at the theory's scale: regret below K^2 T^(2/3), without its constant and logarithms", RATE,
                f"R_T <= {bound:.4g}", *regret, HOLDS if regret[2] <= bound else FAILS)
    )  # fmt: skip

    slope = exponent(horizons, final(results, COMMIT))
    claim = f"{COMMIT}: regret grows at most like T^(2/3)"
    found.append(Verdict(claim, "Cacciamani et al. 2024, abstract", "slope <= 0.667", *slope, at_most(slope, 2 / 3)))
    difference = mean(final(results, COMMIT)[-1] - final(results, PRACTICE)[-1])
    verdict = HOLDS if difference[1] > 0 else FAILS
    found.append(
        Verdict(f"{PRACTICE}: less regret than {COMMIT}", "a comparison of this experiment's", "difference > 0",
                *difference, verdict)
    )  # fmt: skip
    for policy, rule in ((BRIER, policies()[BRIER].rule), (V_SHAPED, policies()[V_SHAPED].rule)):
        gap = world.optimal().profit - world.profit(rule)
        rate = mean(final(results, policy)[-1] / last)
        near = abs(rate[0] - gap) < 1e-9
        found.append(
            Verdict(
                f"{policy}: regret of {gap:.4g} a round", "the model", f"{gap:.4g}", *rate, HOLDS if near else FAILS
            )
        )
    none = mean(np.abs(final(results, ORACLE)[-1]))
    found.append(Verdict("oracle: no regret", "the model", "0", *none, HOLDS if none[2] < 1e-6 else FAILS))
    return found


def figure(folder: Path, size: str) -> Figure:
    """Return regret against the round at the largest horizon, and regret at the horizon against the horizon."""
    from banditlab.plotting import COLOURS, DASHES, MARKERS

    results = load_horizons(folder, configuration()["sizes"][size]["horizons"])
    horizons = np.array(list(results))
    drawing = Figure(figsize=(10, 4), dpi=150, layout="constrained")
    left, right = drawing.subplots(1, 2)
    longest = results[int(horizons[-1])]
    shown = [policy for policy in longest.policies if policy != ORACLE]
    for k, policy in enumerate(shown):
        style = {"color": COLOURS[k], "linestyle": DASHES[k], "linewidth": 1.6}
        values = longest.values()[longest.policies.index(policy)]
        low, high = mean_band(values)
        left.plot(longest.checkpoints, values.mean(axis=0), label=policy, **style)
        left.fill_between(longest.checkpoints, low, high, color=COLOURS[k], alpha=0.2, linewidth=0)
        at_the_end = final(results, policy)
        means = np.array([sample.mean() for sample in at_the_end])
        ends = np.array([mean(sample)[1:] for sample in at_the_end])
        slope = exponent(list(horizons), at_the_end)[0]
        right.plot(horizons, means, marker=MARKERS[k], markersize=4.5, label=f"{policy}: slope {slope:.2f}", **style)
        right.fill_between(horizons, ends[:, 0], ends[:, 1], color=COLOURS[k], alpha=0.2, linewidth=0)
    smallest = min(final(results, policy)[0].mean() for policy in shown)
    guide = 0.5 * smallest * (horizons / horizons[0]) ** (2 / 3)
    right.plot(horizons, guide, color="black", linestyle=(0, (1, 2)), linewidth=1.2, label=r"$T^{2/3}$")
    left.set_xlabel("round $t$")
    left.set_ylabel("mean cumulative regret")
    left.set_title(f"$T$ = {horizons[-1]:,}", fontsize="medium")
    right.set_xlabel("horizon $T$")
    right.set_ylabel("mean regret at $T$")
    for ax in (left, right):
        ax.set_xscale("log")
        ax.set_yscale("log")
        plain(ax)
    legend_above(right, 0.4, handlelength=3.2)
    return drawing
