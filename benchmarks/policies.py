"""How long a round of every policy takes, in the families that play rounds, through `banditlab.run`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from banditlab import arms, dueling, semibandits
from banditlab.core.family import registered
from banditlab.core.playing.experiment import reasons_against

from .cases import click_instance, instance, regrets, safe_instance
from .harness import Contender, Measured, alternate

PILOT, MOST = 16, 128
"""Runs of the call that tells how long a policy takes, and at most of a sample."""
SECONDS = 0.3
"""Seconds that a sample should take."""

TAU = 0.1
BASE = dueling.WinnerStaysWeak()
ARGUMENTS: dict[str, dict[str, Any]] = {
    "DETECT": {"base": BASE, "exploration": 1_000, "window": 100, "threshold": 30},
    "MonitoredDuelingBandits": {"base": BASE, "gamma": 0.1, "window": 100, "threshold": 30},
    "MCVTS": {"values": np.linspace(0.0, 1.0, 11), "tau": TAU},
    **{name: {"tau": TAU} for name in ("BernsteinUCB", "CVaRUCB", "UUCB", "BrownUCB", "BCVTS")},
}
"""What policies need that have no default for it."""

ELSEWHERE = ("CVaRUCBVI", "ICVaRRM", "ICVaRL", "MaxWP", "UCBVI")
"""Policies for MDPs, whose episodes `mdps` times; scoring rules have `programs`, `senders` and `osra`."""


def worlds() -> dict[str, list[tuple[str, Any]]]:
    """Return what the policies of each family play, with its name: the first one that they can."""
    ten = instance(10)
    outcomes = np.linspace(0.0, 1.0, 5)
    kmax = semibandits.KMax(
        np.tile(outcomes, (10, 1)), np.random.default_rng(0).dirichlet(np.ones(5), 10), semibandits.MSets(3)
    )
    return {
        "arms": [("10 Bernoulli arms", ten)],
        "clicks": [("5 arms", click_instance())],
        "dueling": [
            ("10 kinds of sushi", dueling.instances.sushi()),
            ("32 sign vectors of 5 features", dueling.ContextualGLM.sign_vectors()),
        ],
        "semibandits": [
            ("3 of 10 Bernoulli items", semibandits.SemiBandit(ten, semibandits.MSets(3))),
            ("up to 3 of 10 Bernoulli items", semibandits.SemiBandit(ten, semibandits.UpToM(3))),
            ("3-MAX of 10 items with 5 outcomes", kmax),
            ("safe sets of 3 of 10 beta items", safe_instance()),
        ],
        "cvar": [
            ("10 truncated Gaussian arms", arms.TruncatedGaussian(np.linspace(0.1, 0.9, 10), std=0.2)),
            (
                "10 arms with 11 values",
                arms.Categorical(np.linspace(0.0, 1.0, 11), np.random.default_rng(0).dirichlet(np.ones(11), 10)),
            ),
        ],
    }


def games(horizon: int) -> Iterator[tuple[str, str, str, Any, Any]]:
    """Yield family, policy's name, world's name, world and policy of each that can be played."""
    for family, known in worlds().items():
        for name, cls in sorted(registered(family, "policy").items(), key=lambda item: item[0].lower()):
            if name in ELSEWHERE:
                continue
            policy = cls(**ARGUMENTS.get(name, {}))
            for title, world in sorted(
                known, key=lambda game: isinstance(game[1], semibandits.KMax) != ("KMax" in name)
            ):
                if not reasons_against(world, policy, horizon):
                    yield family, name, title, world, policy
                    break


def measure(quick: bool, repetitions: int) -> list[tuple[str, str, Measured]]:
    """Time every policy, those of a family taking turns; return family, world's name and what was measured."""
    horizon = 1_000 if quick else 10_000
    found = []
    for family in worlds():
        played = [game for game in games(horizon) if game[0] == family]
        contenders = [
            Contender(name, play := playing(world, policy, horizon), runs_of(play))
            for _, name, _, world, policy in played
        ]
        measured = alternate(contenders, horizon, repetitions)
        found += [(family, title, m) for (_, _, title, _, _), m in zip(played, measured, strict=True)]
    return found


def playing(world: Any, policy: Any, horizon: int) -> Callable[[int], Any]:
    """Return a function that plays a number of runs and returns their regrets."""
    return lambda n_runs: regrets(world, policy, horizon, n_runs)


def runs_of(play: Callable[[int], Any]) -> int:
    """Return how many runs a sample should have."""
    play(PILOT)  # compiles
    started = time.perf_counter()
    play(PILOT)
    return int(np.clip(PILOT * SECONDS / (time.perf_counter() - started), PILOT, MOST))
