"""Playing episodes in an MDP: from environment and policy to the kernel. A round is an episode."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.compiling.kernels import explained
from banditlab.core.components import record
from banditlab.core.errors import InvalidArgument
from banditlab.core.protocol import Batch, Protocol, Watch, more_than_arms
from banditlab.core.results.metrics import split_metric
from banditlab.core.validation import invalid, probability

from .generics import n_memories
from .kernel import ESTIMATE, LEVELS, PLANS, RETURN, SMALLEST_ESTIMATE, play
from .model import cumulative
from .spaces import EpisodicProblem, EpisodicSpace

PLAIN = {"return": RETURN, "estimate": ESTIMATE, "smallest_estimate": SMALLEST_ESTIMATE, "plans": PLANS}
AT_A_LEVEL = ("cvar_regret", "cvar", "icvar_regret", "icvar")
ALLOWED = (
    "'cvar_regret' or 'icvar_regret' (at the policies' own tau), 'cvar_regret[0.1]', 'cvar[0.1]', 'icvar_regret[0.1]' "
    "or 'icvar[0.1]' (at any level), 'return', 'estimate', 'smallest_estimate', 'plans'"
)

MAX_PAIRS = 20_000_000
"""Pairs of a memory and a sum of rewards for which the kernel keeps a table."""

REHEARSED_STEPS = 10_000
"""In an MDP with more transitions than this, over all steps, an episode in plain Python can take seconds."""


class EpisodesProtocol(Protocol):
    """In each episode the policy plans, then chooses an action in each of H steps, and sees rewards and states."""

    default_metrics = ("cvar_regret",)
    choices = "actions"
    round = "episode"
    tries_all = False
    first_call = 1  # an episode can take a second to plan
    chunk = 8  # planning takes nearly all the time: small chunks share it out evenly

    def feedback(self, policy: type) -> str:
        """Return what a policy learns from."""
        return "the states, actions and rewards of the episode"

    def columns(self, environment: Any, policy: Any, requested: tuple[str, ...]) -> tuple[str, ...]:
        """Return the metrics asked for; raise for an unknown one, or where a policy has no level or estimate."""
        for metric in requested:
            _with_level(metric, policy)
        return requested

    def rehearsal(self, environment: Any, policy: Any) -> int:
        """Return 3 episodes where an MDP is small, and none elsewhere: planning in plain Python takes long.

        So does evaluating what has a memory.
        """
        steps = environment.horizon * environment.n_actions * environment.n_states**2
        remembers = "n_memories" in type(policy).__banditlab__.kernels
        return 3 if steps <= REHEARSED_STEPS and not remembers else 0

    def reasons_against_device(self, environment: Any, policy: Any) -> list[str]:
        """Say why not: a policy is evaluated in tables that grow with the returns that it is found to reach."""
        return [
            "kernels of MDPs make arrays while they play, and let them grow; allowed: the processor, where they can"
        ]

    def simulate(self, environment: Any, policy: Any, batch: Batch, watch: Watch) -> NDArray[np.float64]:
        """Play the runs of a batch, one after another."""
        wanted = [_with_level(metric, policy) for metric in batch.columns]
        static = sorted({tau for name, tau in wanted if name.startswith("cvar") and tau is not None})
        iterated = sorted({tau for name, tau in wanted if name.startswith("icvar") and tau is not None})
        known = known_of(environment)
        asking = next((metric for metric in batch.columns if parsed(metric)[0] in ("cvar", "cvar_regret")), "")
        world = _world(environment, static, iterated, asking)
        lanes, machine = batch.n_runs, batch.machine()
        problem = EpisodicProblem(
            environment.n_arms, batch.horizon, environment.n_states, environment.n_actions, environment.horizon
        )
        parameters = policy.params(problem)
        state = machine.state(policy, EpisodicSpace(environment.n_arms, lanes, batch.horizon, known))
        _check_memories(n_memories(parameters, state), len(world.returns), policy)
        tally = machine.zeros(LEVELS + 2 * (len(static) + len(iterated)), lanes)
        tally[SMALLEST_ESTIMATE] = np.inf
        out = machine.zeros(len(batch.checkpoints), *tally.shape)
        run, generators = machine.kernel(play, parameters), batch.generators()
        for start, stop in machine.strides(1, batch.horizon, lanes, self.first_call):
            with explained(policy, environment):
                run(world, known, parameters, state, *generators, start, stop, tally, batch.checkpoints, out)
            watch((stop - start + 1) * lanes)
        rows = [_row(name, tau, static, iterated) for name, tau in wanted]
        return machine.fetch(out)[:, rows, :].transpose(2, 1, 0)

    def start(self, policy: Any, n_arms: int, seed: int, run: int, horizon: int | None) -> Any:
        """Raise: what these policies need to know does not fit in a number of arms."""
        raise more_than_arms(policy, "its kernels `plan`, `act` and `observe` play one episode at a time")


def _check_memories(n_memories: int, n_sums: int, policy: Any) -> None:
    if n_memories * n_sums > MAX_PAIRS:
        raise InvalidArgument(
            f"{policy!r} has {n_memories:,} memories, and returns have {n_sums:,} values; allowed: a product of at "
            f"most {MAX_PAIRS:,}, as policies are evaluated exactly (a larger eta, TabularMDP.rounded(eta))"
        )


def parsed(metric: str) -> tuple[str, float | None]:
    """Return a metric's name and its level, None where it has none; raise for an unknown one."""
    if metric in PLAIN or metric in ("cvar_regret", "icvar_regret"):
        return metric, None
    name, inside = split_metric(metric)
    if name not in AT_A_LEVEL:
        raise InvalidArgument(f"metrics is {metric!r}; allowed: {ALLOWED}")
    try:
        level = float(inside)
    except ValueError as error:
        raise InvalidArgument(f"metrics is {metric!r}; allowed: {ALLOWED}") from error
    return name, probability(f"the level of {metric!r}", level)


def _with_level(metric: str, policy: Any) -> tuple[str, float | None]:
    name, level = parsed(metric)
    if name.endswith("estimate") and not hasattr(policy, "estimate"):
        raise invalid("metrics", metric, f"others, as {policy!r} has no kernel `estimate`")
    if level is not None or name in PLAIN:
        return name, level
    own = getattr(policy, "tau", None)
    if own is None:
        raise invalid(
            "metrics",
            metric,
            f"'{name}[0.1]', with the level that regret is counted at, as {policy!r} has none ("
            "where no metrics are given, 'cvar_regret' is recorded)",
        )
    return name, float(own)


def _row(name: str, tau: float | None, static: list[float], iterated: list[float]) -> int:
    if tau is None:
        return PLAIN[name]
    place = static.index(tau) if name.startswith("cvar") else len(static) + iterated.index(tau)
    return LEVELS + 2 * place + (0 if name.endswith("regret") else 1)


def known_of(environment: Any) -> Any:
    """Return what a learner knows of an MDP."""
    model = environment.model
    values = {
        "n_steps": model.n_steps,
        "n_states": model.n_states,
        "n_actions": model.n_actions,
        "initial_state": model.initial_state,
        "atoms": model.atoms,
        "index": model.index,
        "weights": model.weights,
    }
    return record("Known", values)


@contextlib.contextmanager
def _asked_by(metric: str) -> Iterator[None]:
    """Say that a metric is computed exactly: an error would otherwise seem to be about a policy's eta."""
    try:
        yield
    except InvalidArgument as error:
        told = str(error).partition("; allowed: ")[0].removeprefix("eta is None, and ")
        raise InvalidArgument(
            f"metrics is {metric!r}, which is computed exactly, whatever eta a policy has, and {told}; allowed: an MDP "
            "whose rewards are multiples of one number (mdp.rounded(eta).normalised() is one), or other metrics "
            "(metrics='return')"
        ) from error


def _world(environment: Any, static: list[float], iterated: list[float], asking: str) -> Any:
    """Return what the kernel needs besides: transitions, sums of rewards, levels and optima.

    `asking` is the metric for which static CVaR is computed, if one is.
    """
    from .planning import optimum

    model = environment.model
    best: list[float] = []
    returns, following = np.zeros(1), np.zeros((1, 1, 1), np.int64)
    if static:
        with _asked_by(asking):
            returns, following = environment.sums.values[-1].copy(), environment.sums.following
            best = [optimum(environment, tau, iterated=False) for tau in static]
        finite = np.isfinite(returns)
        returns[~finite] = returns[finite].max()  # these places have no mass
    best += [optimum(environment, tau, iterated=True) for tau in iterated]
    values = {
        "transitions": np.array(model.transitions),
        "cumulative": cumulative(model.transitions),
        "cumulative_weights": cumulative(model.weights),
        "returns": returns,
        "following": following,
        "static": np.array(static, dtype=float),
        "iterated": np.array(iterated, dtype=float),
        "best": np.array(best, dtype=float),
    }
    return record("World", values)
