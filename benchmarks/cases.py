"""The throughput cases: a policy through `banditlab.run`, and the references beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import banditlab as bl
from banditlab import arms, clicks, cvar, dueling, semibandits

from . import contextual, references
from .harness import Contender, Measured, alternate

SEED = 20240229
PACKAGE = "banditlab"
UNROLLED = "unrolled"


@dataclass(frozen=True)
class Case:
    """A policy on an environment, and who else plays it.

    Attributes
    ----------
    name : str
        What `--only` selects.
    policy : callable
        Makes the package's policy.
    world : environment
        What it plays.
    horizon, n_runs : int
        Sizes.
    against : dict from str to (reference, share of the runs that it plays)
        References; those that are None (no compiler) are left out.
    metric : str, optional
        What is recorded; default: the family's regret.
    data : array, optional
        What references get; default: the world's means, or preferences.
    """

    name: str
    policy: Callable[[], Any]
    world: Any
    horizon: int
    n_runs: int
    against: dict[str, tuple[references.Reference | None, float]]
    metric: str | None = None
    data: Any = None


def instance(n_arms: int) -> arms.Bernoulli:
    """Return Bernoulli arms with means evenly spaced from 0.1 to 0.9."""
    return arms.Bernoulli(np.linspace(0.1, 0.9, n_arms))


def click_instance() -> clicks.StrategicClickBandit:
    """Return five arms that play what the learner wants."""
    means = np.array([0.6, 0.5, 0.4, 0.3, 0.2])
    return clicks.StrategicClickBandit(means, 1.1 * means)


SAFE_VARIANCES = np.array([0.24, 0.24, 0.04, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01])
SAFE_BUDGET = 0.6


def safe_instance() -> semibandits.SemiBandit:
    """Return the first experiment of the paper on PASCombUCB, at the budget that splits every phase in two."""
    items = arms.Beta.from_moments([0.5, 0.45, 0.4, 0.35, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3], SAFE_VARIANCES)
    return semibandits.SemiBandit(items, semibandits.SafeUpToM(3, SAFE_BUDGET))


def rounds_a_phase(horizon: int) -> float:
    """Return how many rounds a phase of PASCombUCB lasts in that experiment: all its actions have three items."""
    result = bl.run(
        safe_instance(), semibandits.PASCombUCB(), horizon=horizon, n_runs=8, seed=SEED, metrics="pulls",
        checkpoints=[horizon], progress=False,
    )  # fmt: skip
    return 3.0 * horizon / float(np.mean(sum(result.values(metric) for metric in result.metrics)))


def both_builds(title: str, name: str) -> dict[str, tuple[references.Reference | None, float]]:
    """Return a C reference in its two builds.

    The time of a loop over ten arms depends on where the compiler happens to place it (whether its exit is predicted);
    unrolling takes the luck out. Promises are held against the faster build.
    """
    return {
        title: (references.in_c(name), 1.0),
        f"{title}, {UNROLLED}": (references.in_c(name, references.UNROLLED), 1.0),
    }


def cases(quick: bool) -> list[Case]:
    """Return the cases; quick ones have shorter horizons, and their numbers are not comparable with full ones."""

    def ucb1(n_arms: int, n_runs: int) -> Case:
        against = {
            **both_builds("C, as written", "ucb1_as_written"),
            **both_builds("C, cached widths", "ucb1_cached"),
            "Numba, one run at a time": (references.ucb1_numba, 1.0),
            "NumPy, 1,000 runs a step": (references.ucb1_numpy, 1.0),
        }
        return Case(f"ucb1-{n_arms}", arms.UCB1, instance(n_arms), 1_000 if quick else 10_000, n_runs, against)

    thompson = both_builds("C", "thompson")
    klucb = both_builds("C, Newton", "klucb_newton") | {
        "C, bisection": (references.in_c("klucb_bisection"), 0.125),
    }
    ucbs = both_builds("C, as written", "ucbs_as_written") | both_builds("C, cached indices", "ucbs_cached")
    horizon = 1_000 if quick else 10_000
    return [
        ucb1(2, 1_000),
        ucb1(10, 1_000),
        ucb1(100, 1_000 if quick else 256),
        Case("thompson", arms.ThompsonSampling, instance(10), horizon, 256, thompson),
        Case("klucb", arms.KLUCB, instance(10), horizon, 256, klucb),
        *duels(horizon),
        *tails(horizon),
        Case(
            "vacdb", dueling.VACDB.as_released, dueling.ContextualGLM.sign_vectors(), 400 if quick else 4_000, 32,
            {"NumPy and SciPy": (contextual.vacdb, 1 / 16)},
        ),
        Case(
            "combucb1",
            semibandits.CombUCB1,
            semibandits.SemiBandit(instance(10), semibandits.MSets(3)),
            horizon,
            1_024,
            both_builds("C, cached widths", "combucb1"),
        ),
        Case(
            "pascombucb",
            semibandits.PASCombUCB,
            safe_instance(),
            10 * horizon,
            128,
            {"NumPy, all actions a step": (references.pascombucb_numpy(SAFE_VARIANCES, 3, SAFE_BUDGET), 0.02)},
        ),
        Case("ucbs", clicks.UCBS, click_instance(), 5 * horizon, 256, ucbs),
    ]  # fmt: skip


def duels(horizon: int) -> list[Case]:
    """Return the cases of dueling bandits, on ten kinds of sushi."""
    sushi, weak = dueling.instances.sushi(), "binary_weak_regret"
    return [
        Case("rucb", dueling.RUCB, sushi, horizon, 256, both_builds("C, K^2 bounds", "rucb")),
        Case("winner-stays", dueling.WinnerStaysWeak, sushi, 5 * horizon, 512, both_builds("C", "winner_stays"), weak),
        Case(
            "btwr", dueling.BeatTheWinnerReset, sushi, 5 * horizon, 512,
            both_builds("C", "beat_the_winner_reset"), weak,
        ),
        Case("dts", dueling.DoubleThompsonSampling, sushi, horizon, 128, both_builds("C", "double_thompson")),
    ]  # fmt: skip


def tails(horizon: int) -> list[Case]:
    """Return the cases of CVaR bandits: ten Gaussian arms conditioned on [0, 1], no two rewards equal, at level 0.1."""
    tau, locations = 0.1, np.linspace(0.1, 0.9, 10)
    world = arms.TruncatedGaussian(locations, std=0.2)
    cvars = world.cvars(tau)
    data = np.column_stack([locations, cvars.max() - cvars])
    bernstein = both_builds("C, sorted arrays", "bernstein_sorted") | both_builds("C, two heaps", "bernstein_heaps")
    every_weight: dict[str, tuple[references.Reference | None, float]] = {
        "C, every weight": (references.in_c("bcvts_all"), 0.125)
    }
    return [
        Case("bernstein-ucb", lambda: cvar.BernsteinUCB(tau), world, horizon, 32, bernstein, data=data),
        Case(
            "bcvts", lambda: cvar.BCVTS(tau), world, horizon, 16, both_builds("C", "bcvts_tail") | every_weight,
            data=data,
        ),
    ]  # fmt: skip


def measure(case: Case, repetitions: int) -> list[Measured]:
    """Time the package and the references in turn; the package's row is the first."""
    world = case.world
    known = [name for name in ("means", "post_click_means", "preferences") if hasattr(world, name)]
    means = case.data if case.data is not None else getattr(world, known[0]) if known else world

    def package(n_runs: int) -> Any:
        return regrets(world, case.policy(), case.horizon, n_runs, case.metric)

    def other(reference: references.Reference) -> Callable[[int], Any]:
        return lambda n_runs: reference(means, case.horizon, n_runs, SEED)

    contenders = [Contender(PACKAGE, package, case.n_runs)]
    for name, (reference, share) in case.against.items():
        if reference is not None:
            contenders.append(Contender(name, other(reference), max(2, round(case.n_runs * share))))
    return alternate(contenders, case.horizon, repetitions)


def regrets(world: Any, policy: Any, horizon: int, n_runs: int, metric: str | None = None) -> Any:
    """Return the regret of every run after the last round, played through `banditlab.run` on one core."""
    options: Any = {"horizon": horizon, "n_runs": n_runs, "seed": SEED, "metrics": metric}
    result = bl.run(world, policy, n_jobs=1, progress=False, **options)
    return result.values().reshape(n_runs, -1)[:, -1]
