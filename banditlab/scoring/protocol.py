"""Buying information round by round: the protocol, in plain Python, one run after another."""

from __future__ import annotations

from typing import Any

import numpy as np

from banditlab.core import sampling
from banditlab.core.errors import BanditlabError, InvalidType
from banditlab.core.protocol import Batch, Protocol, Watch, more_than_arms
from banditlab.core.validation import one_of, shown, with_article

from .simplex import Floats

METRICS = ("regret", "payment", "profit", "violation", "bisection_rate", "solves")
"""Sums over the rounds of what `games.PlayedRound` says (the first four); the share of rounds that were probes; the
number of linear programs that the policy has solved."""

BLOCK = 1024
"""Rounds whose random numbers are drawn at once; after each such block the runner is asked whether to go on."""


class ScoringProtocol(Protocol):
    """In each round the principal announces a mechanism, the agents respond, and the principal sees what it may see."""

    prefer = "processes"
    chunk_rounds = 20_000  # about a second: files are few compared with the time that went into them
    choices = "actions"
    tries_all = False  # they are the agents', not the policy's

    def feedback(self, policy: type) -> str:
        """Return what the principal sees: what the policy's `sees` says, or `shows` of the environments it plays."""
        if hasattr(policy, "sees"):
            return str(policy.sees)
        shown_by = [environment for environment in wanted_by(policy) or () if hasattr(environment, "shows")]
        return (
            ", or ".join(dict.fromkeys(environment.shows for environment in shown_by)) or "what its environment shows"
        )

    def columns(self, environment: Any, policy: Any, requested: tuple[str, ...]) -> tuple[str, ...]:
        """Return the metrics asked for."""
        return tuple(one_of(*METRICS)("metrics", metric) for metric in requested)

    def reasons_against(self, environment: Any, policy: Any, horizon: int) -> list[str]:
        """Check that the policy is for this kind of environment."""
        wanted = wanted_by(type(policy))
        if wanted is None or isinstance(environment, wanted):
            return []
        names = " and ".join(cls.__name__ for cls in wanted)
        return [f"it plays {names}, and this is {with_article(type(environment).__name__)}"]

    def rehearsal(self, environment: Any, policy: Any) -> int:
        """Return 0: everything is played in plain Python."""
        return 0

    def warm_up(self, environment: Any, policy: Any, batch: Batch) -> None:
        """Compile nothing."""

    def simulate(self, environment: Any, policy: Any, batch: Batch, watch: Watch) -> Floats:
        """Play the runs of a batch, one after another."""
        runs = range(batch.first_run, batch.first_run + batch.n_runs)
        return np.stack([_play(environment, policy, batch, run, watch) for run in runs])

    def start(self, policy: Any, n_arms: int, seed: int, run: int, horizon: int | None) -> Any:
        """Raise: what these policies need to know does not fit in a number of arms."""
        raise more_than_arms(policy, "its methods `state`, `announce` and `update` play one round at a time")


def wanted_by(policy: type) -> tuple[type, ...] | None:
    """Return the classes of environments that policies of a class play, or None for all."""
    wanted = getattr(policy, "environments", None)
    if wanted is None:
        return None
    if not isinstance(wanted, tuple) or not wanted or not all(isinstance(cls, type) for cls in wanted):
        allowed = "a tuple of classes of environments, such as (scoring.PrincipalAgent,)"
        raise InvalidType(f"{policy.__name__}.environments is {shown(wanted)}; allowed: {allowed}")
    return wanted


def _play(environment: Any, policy: Any, batch: Batch, run: int, watch: Watch) -> Floats:
    """Play one run; return one row per metric, one column per checkpoint."""
    game = environment.game()
    luck = sampling.generator(batch.seed, sampling.ENVIRONMENT_STREAM, run)
    # a yardstick knows the game itself
    known = game if getattr(policy, "knows_all", False) else game.known_to(policy)
    state = policy.state(known, batch.horizon, sampling.generator(batch.seed, sampling.POLICY_STREAM, run))
    rows = [METRICS.index(name) for name in batch.columns]
    out = np.empty((len(rows), len(batch.checkpoints)))
    regret = payment = profit = violation = 0.0
    probes, column = 0, 0
    for first in range(1, batch.horizon + 1, BLOCK):
        last = min(first + BLOCK - 1, batch.horizon)
        # the same number of draws per round whatever the policy does: all policies face the same luck
        numbers = luck.random((BLOCK, game.n_uniforms))
        for t in range(first, last + 1):
            announced = policy.announce(state, t)
            try:
                played = game.play(announced, numbers[t - first])
            except BanditlabError as error:
                error.add_note(f"{policy!r} announced it in round t = {t} of run {run}")
                raise
            regret += played.regret
            payment += played.payment
            profit += played.profit
            violation += played.violation
            probes += bool(getattr(state, "bisecting", False))
            policy.update(state, played.seen, t)
            if t == batch.checkpoints[column]:
                totals = (regret, payment, profit, violation, probes / t, getattr(state, "solves", 0))
                out[:, column] = [totals[row] for row in rows]
                column += 1
                if column == len(batch.checkpoints):
                    return out
        watch(last - first + 1)
    return out
