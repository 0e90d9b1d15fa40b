"""Read stored results; return verdicts."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import banditlab as bl
from banditlab import semibandits
from experiments.safe_semibandits.simulate import (
    DEFAULT,
    FIRST,
    RELEASED,
    SECOND,
    THIRD,
    UNSAFE,
    configuration,
    file,
)  # fmt: skip
from experiments.slopes import RESAMPLES, exponent, mean
from experiments.verdicts import FAILS, HOLDS, UNTESTABLE, Verdict, above, at_most, because, below

PAPER = "Hou, Tan, Zhong 2023"
RESULTS = f"{PAPER}, released results"
PAPERS_HORIZON = 2_000_000
"""Of the third experiment."""


def final(
    folder: Path, size: str, experiment: str, budget: float, policy: str, metric: str = "regret"
) -> list[NDArray[np.float64]]:
    """Return a metric of every run after the last round, one array per horizon."""
    horizons = configuration()["sizes"][size][experiment]["horizons"]
    if policy == UNSAFE:
        return list(bl.load(file(folder, experiment, UNSAFE, horizons[-1])).values(metric)[0].T)
    loaded = [bl.load(file(folder, experiment, budget, horizon)) for horizon in horizons]
    return [result.values(metric)[result.policies.index(policy)][:, -1] for result in loaded]


def clopper_pearson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a probability."""
    from scipy import stats

    found = stats.binomtest(successes, n).proportion_ci(level, method="exact")
    return float(found.low), float(found.high)


def safety_verdict(claim: str, violated: NDArray[np.float64]) -> Verdict:
    """Compare the share of runs with any violation with delta."""
    delta = float(semibandits.PASCombUCB().delta)
    bad, n = int(violated.sum()), len(violated)
    low, high = clopper_pearson(bad, n)
    verdict = at_most((bad / n, low, high), delta)
    return Verdict(f"{claim} ({n} runs, Clopper-Pearson)", PAPER, f"P(any violation) <= {delta:g}", bad / n, low, high,
                   verdict)  # fmt: skip


def reported_verdicts(folder: Path, size: str) -> list[Verdict]:
    """Compare means with those of the released results, where both horizons were played."""
    config = configuration()
    at = config["sizes"][size][FIRST]
    found = []
    for name, who, budget in (("0.6", RELEASED, 0.6), ("0.751", RELEASED, 0.751), (UNSAFE, UNSAFE, 0.6)):
        samples = final(folder, size, FIRST, budget, who)
        spread = config["reported"][name]["100000"][1] / math.sqrt(config["reported"]["trials"])
        for horizon, numbers in config["reported"][name].items():
            if int(horizon) not in at["horizons"]:
                continue
            theirs = numbers[0]
            sample = samples[at["horizons"].index(int(horizon))]
            measured, low, high = mean(sample)
            error = math.hypot(spread, sample.std(ddof=1) / math.sqrt(len(sample)))
            claim = (
                f"experiment 1, {who}" + ("" if who == UNSAFE else f", budget {name}") + f": regret at T = {horizon}"
            )
            near = abs(measured - theirs) <= 4.0 * error
            found.append(Verdict(claim, RESULTS, f"{theirs:g} +- {4.0 * error:.3g} (4 standard errors)",
                                 measured, low, high, HOLDS if near else FAILS))  # fmt: skip
    return found


def linear_verdict(folder: Path, size: str, until: int) -> list[Verdict]:
    """Say whether the regret of the first experiment is linear in the horizon, up to one."""
    horizons = configuration()["sizes"][size][FIRST]["horizons"]
    samples = final(folder, size, FIRST, 0.6, RELEASED)
    before = [k for k, horizon in enumerate(horizons) if horizon <= until]
    slope = exponent([horizons[k] for k in before], [samples[k] for k in before])
    verdict = HOLDS if slope[1] >= 0.9 and slope[2] <= 1.1 else FAILS
    claim = f"experiment 1, {RELEASED}, budget 0.6: regret is linear while all phases are split, up to {until:g}"
    return [Verdict(claim, RESULTS, "slope in [0.9, 1.1]", *slope, verdict)]


def bend_verdict(folder: Path, size: str, experiment: str, budget: float, about: float) -> Verdict:
    """Say whether regret bends: regret per round between the last two horizons, against that up to the first."""
    horizons = configuration()["sizes"][size][experiment]["horizons"]
    samples = final(folder, size, experiment, budget, RELEASED)
    first, before, last = samples[0], samples[-2], samples[-1]
    early = first.mean() / horizons[0]
    ratio = mean((last - before) / (horizons[-1] - horizons[-2]) / early)
    verdict = below(ratio, 0.2)
    claim = f"{experiment} experiment, {RELEASED}, budget {budget:g}: regret bends about T = {about:g}"
    return Verdict(claim, RESULTS, "regret a round at the end, against the start, < 0.2", *ratio, verdict)


def additional(folder: Path, size: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return 1 / (Delta^v)^2 of every budget, and additional regret over CombUCB1: an array (budgets, runs)."""
    at = configuration()["sizes"][size][THIRD]
    total = configuration()["instance"]["m"] * configuration()["instance"]["equal_variance"]
    baseline = final(folder, size, THIRD, at["budgets"][0], UNSAFE)[-1]
    rows = [final(folder, size, THIRD, budget, RELEASED)[-1] - baseline for budget in at["budgets"]]
    return 1.0 / (np.array(at["budgets"]) - total) ** 2, np.stack(rows)


def linearity(x: NDArray[np.float64], rows: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return R^2 of the line through the mean additional regrets, with its bootstrap interval over runs."""
    rng = np.random.default_rng(0)

    def r2(values: NDArray[np.float64]) -> float:
        return float(np.corrcoef(x, values)[0, 1] ** 2)

    drawn = [r2(rows[:, rng.integers(rows.shape[1], size=rows.shape[1])].mean(axis=1)) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return r2(rows.mean(axis=1)), float(low), float(high)


def verdicts(folder: Path, size: str) -> list[Verdict]:
    """Return one verdict per claim."""
    sizes: dict[str, Any] = configuration()["sizes"][size]
    found = reported_verdicts(folder, size)
    found += linear_verdict(folder, size, 400_000)
    found.append(bend_verdict(folder, size, FIRST, 0.6, 4e5))
    found.append(bend_verdict(folder, size, SECOND, 0.4, 1.5e6))

    last = sizes[SECOND]["horizons"][-1]
    share = mean(final(folder, size, SECOND, 0.4, UNSAFE, "violations")[-1] / last)
    verdict = above(share, 0.99)
    found.append(Verdict(f"experiment 2, {UNSAFE}: share of rounds with an unsafe action", RESULTS, "> 0.99", *share,
                         verdict))  # fmt: skip
    regret = mean(final(folder, size, SECOND, 0.4, UNSAFE)[-1])
    found.append(Verdict(f"experiment 2, {UNSAFE}: regret against the best safe action is negative", RESULTS, "< 0",
                         *regret, HOLDS if regret[2] < 0.0 else FAILS))  # fmt: skip
    twice = mean(final(folder, size, SECOND, 0.4, RELEASED, "violations")[-1])
    found.append(Verdict(f"experiment 2, {RELEASED}: unsafe rounds a run, those of the warm-up", RESULTS, "2", *twice,
                         HOLDS if twice[0] == 2.0 else FAILS))  # fmt: skip

    every = [final(folder, size, FIRST, budget, DEFAULT, "any_violation") for budget in sizes[FIRST]["budgets"]]
    every.append(final(folder, size, SECOND, 0.4, DEFAULT, "any_violation"))
    violated = np.concatenate([run for horizons in every for run in horizons])
    found.append(safety_verdict(f"experiments 1 and 2, {DEFAULT}: all horizons", violated))
    at = sizes["safety"]
    violated = bl.load(file(folder, "safety", at["budget"], at["horizon"])).values("any_violation")[0, :, -1]
    found.append(safety_verdict(f"experiment 2, {DEFAULT}: T = {at['horizon']}", violated))

    x, rows = additional(folder, size)
    fit = linearity(x, rows)
    verdict = above(fit, 0.99)
    if sizes[THIRD]["horizons"][-1] < PAPERS_HORIZON:
        verdict = because(UNTESTABLE, "at the smallest budgets regret is still linear in the horizon")
    found.append(Verdict("experiment 3: additional regret over CombUCB1 is linear in 1/(Delta^v)^2", RESULTS,
                         "R^2 > 0.99", *fit, verdict))  # fmt: skip
    return found
