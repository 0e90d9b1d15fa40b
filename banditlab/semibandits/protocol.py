"""Playing combinatorial semi-bandits: from environment, action set and policy to the kernel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.arms.support import reasons_against_rewards
from banditlab.core.compiling.kernels import explained
from banditlab.core.components import Problem, remembered
from banditlab.core.errors import BanditlabError, InvalidArgument, InvalidComponent, InvalidType
from banditlab.core.machines import PRECISIONS, beside, on_device
from banditlab.core.origin import is_ours
from banditlab.core.protocol import Batch, Protocol, Watch
from banditlab.core.results.metrics import of_each, split_metric
from banditlab.core.validation import count, integer, invalid, one_of, quoted

from .agent import SemiBanditAgent
from .kernel import PULLS, REGRET, REWARD, SCRATCH, VIOLATIONS, feed_round, play, weights_of_round
from .spaces import (
    REVEALED,
    TOLD,
    ActionSpace,
    actions_of,
    has_kernel,
    learns_from,
    make_work,
    needs,
    player_params,
    reasons_against_actions,
)

LOOKED_AT = 4
"""Runs of a batch whose last actions are looked at, if a user's policy chose them."""

METRICS = ("regret", "reward", "violations", "any_violation", "alpha_regret", "pulls")
OF_REGRET = ("regret", "alpha_regret")
OF_A_CONSTRAINT = ("violations", "any_violation")


class SemiBanditProtocol(Protocol):
    """In each round the policy chooses an action, a set of items, and learns from what is revealed of them."""

    first_call = 1 << 19
    choices = "items"
    precisions = PRECISIONS

    def feedback(self, policy: type) -> str:
        """Return what a policy learns from: the kernel that it learns by shows it."""
        return TOLD[learns_from(policy)]

    def columns(self, environment: Any, policy: Any, requested: tuple[str, ...]) -> tuple[str, ...]:
        """Return one column per metric; `pulls` makes one per item: `pulls[0]`, `pulls[1]`, ..."""
        names: list[str] = []
        for metric in requested:
            one_of(*METRICS)("metrics", metric)
            if metric in OF_A_CONSTRAINT and not _constrained(environment):
                others = quoted(name for name in METRICS if name not in OF_A_CONSTRAINT)
                none = f"the environment's action set, {environment.actions!r}, has no constraint"
                one = "semibandits.SafeUpToM(3, budget=0.6), say, has one"
                raise invalid("metrics", metric, f"one of {others}, as {none} ({one})")
            names += of_each(metric, environment.n_arms) if metric == "pulls" else [metric]
        return tuple(names)

    def reasons_against(self, environment: Any, policy: Any, horizon: int) -> list[str]:
        """Check what is revealed, how it is distributed, the policy's action set, and what it demands of that."""
        found = []
        shown = getattr(environment, "feedback", "items")
        needed = needs(policy)
        if REVEALED.index(needed) > REVEALED.index(shown):
            found.append(f"it learns from {TOLD[needed]}, and this environment reveals {TOLD[shown]}")
        found += reasons_against_rewards(environment, policy)
        actions = actions_of(policy, environment)
        try:
            actions.check(environment.n_arms)
        except InvalidArgument as error:
            return [*found, str(error)]
        if not is_ours(type(actions).__module__):
            remembered(actions, "checked", environment.n_arms, lambda: actions.check_find(environment.n_arms))
        most, largest = actions.max_size(environment.n_arms), getattr(environment, "largest", math.inf)
        if most > largest:  # kernels would read beyond the table
            found.append(
                f"its sets {actions!r} have up to {count(most, 'item')}, and this environment has the means of at most "
                f"{largest}, as many as the largest of {environment.actions!r} has"
            )
        return found + reasons_against_actions(policy, actions, environment.n_arms, horizon)

    def reasons_against_device(self, environment: Any, policy: Any) -> list[str]:
        """Say so where the oracle is Python."""
        actions = actions_of(policy, environment)
        space = ActionSpace(environment.n_arms, 1, None, actions)
        try:
            compiled = has_kernel(player_params(policy, space.problem), actions.params(space.problem))
        except BanditlabError:
            compiled = True  # what a policy cannot do without a horizon has nothing to do with its oracle
        return [] if compiled else [f"the oracle of {actions!r} is plain Python; allowed: one with a kernel"]

    def simulate(self, environment: Any, policy: Any, batch: Batch, watch: Watch) -> NDArray[np.float64]:
        """Play the runs of a batch in lockstep."""
        out = _Played(environment, policy, batch).play(watch)
        columns = [_column(out, name, environment, batch.checkpoints) for name in batch.columns]
        return np.stack(columns).transpose(2, 0, 1)

    def start(self, policy: Any, n_arms: int, seed: int, run: int, horizon: int | None) -> SemiBanditAgent:
        """Return an agent whose choices are those of run `run` of `seed`, given the same feedback."""
        actions = getattr(policy, "actions", None)
        name = type(policy).__name__
        if actions is None:
            raise InvalidType(
                f"{name}.actions is None; allowed: an action set, such as semibandits.MSets(3), as an agent has no "
                "environment to take it from"
            )
        actions.check(integer(1, limit=2**31)("n_arms", n_arms))
        reasons = reasons_against_actions(policy, actions, n_arms, horizon)
        if reasons:
            raise InvalidArgument(f"policy is {policy!r}; allowed: one that can play: {'; '.join(reasons)}")
        return SemiBanditAgent(policy, n_arms, seed, run, horizon)


class _Played:
    """A batch while it is played: everything that kernels read and write."""

    def __init__(self, environment: Any, policy: Any, batch: Batch) -> None:
        n_items, lanes = environment.n_arms, batch.n_runs
        self.actions = actions_of(policy, environment)
        space = ActionSpace(n_items, lanes, batch.horizon, self.actions)
        self.environment, self.policy, self.batch = environment, policy, batch
        self.world = environment.params(Problem(n_items, batch.horizon))
        self.player = player_params(policy, space.problem)
        self.allowed = self.actions.params(space.problem)
        self.machine = batch.machine()
        self.state = self.machine.state(policy, space)
        self.work = self.machine.make(lambda of: make_work(self.actions, of), space)
        self.environment_rng, self.policy_rng = batch.generators()
        self.weights = np.zeros((n_items, lanes))
        self.chosen = np.zeros((self.actions.max_size(n_items), lanes), np.int64)
        self.drawn = np.zeros(self.chosen.shape)
        self.scratch = self.machine.scratch(lanes, **SCRATCH)
        short = set(batch.columns) <= set(OF_REGRET)
        self.tally = self.machine.zeros(1 if short else PULLS + n_items, lanes)
        self.out = self.machine.zeros(len(batch.checkpoints), *self.tally.shape)
        self.has_kernel = has_kernel(self.player, self.allowed)

    def play(self, watch: Watch) -> NDArray[np.float64]:
        """Play all rounds, and return what the kernel writes: one table per checkpoint."""
        lanes = self.batch.n_runs
        run = self.machine.kernel(play, self.world, self.player, self.allowed) if self.has_kernel else None
        for first, last in self.machine.strides(1, self.batch.horizon, lanes, SemiBanditProtocol.first_call):
            with explained(self.policy, self.environment):
                if run is None:
                    self._with_oracle(first, last)
                else:
                    run(
                        self.world, self.player, self.allowed, self.state, self.work, self.weights, self.chosen,
                        self.drawn, self.environment_rng, self.policy_rng, first, last, self.tally,
                        self.batch.checkpoints, self.out, self.scratch,
                    )  # fmt: skip
            watch((last - first + 1) * lanes)
        self._check_last_actions()
        return self.machine.fetch(self.out)

    def _check_last_actions(self) -> None:
        """Raise if what a user's policy or action set chose is no action: kernels know items, not sets of them.

        On a device this cannot be known: a thread keeps its scratch to itself.
        """
        chooses = {"select", "select_lanes"} & type(self.policy).__banditlab__.kernels.keys()
        chooser = self.policy if chooses else self.actions
        ours = is_ours(type(chooser).__module__)
        if ours or not self.has_kernel or not self.actions.known or self.batch.dry or on_device(self.batch.backend):
            return
        size = self.scratch.size
        for w in range(min(len(size), LOOKED_AT)):
            action = tuple(int(item) for item in self.chosen[: size[w], w])
            if not self.actions.contains(action):
                raise InvalidComponent(
                    f"{chooser!r} chose the items {list(action)} in round {self.batch.horizon}; allowed: an action "
                    f"of {self.actions!r}"
                )

    def _with_oracle(self, first: int, last: int) -> None:
        """Play with an oracle in Python: weights of all lanes, the oracle lane by lane, feedback of all lanes."""
        size = self.scratch.size
        weigh = self.machine.kernel(weights_of_round, self.player)
        feed = self.machine.kernel(feed_round, self.world, self.player)
        if last < first:  # only to be compiled
            weigh(self.player, self.state, 1, self.policy_rng, self.weights)
            none = size[:0]
            feed(self.world, self.player, self.state, self.chosen, none, self.environment_rng, 1, self.tally)
        rounds = self.batch.checkpoints
        for t in range(first, last + 1):
            weigh(self.player, self.state, t, self.policy_rng, self.weights)
            for w in range(len(size)):
                action = self.actions.maximise(self.weights[:, w])
                if len(action) > len(self.chosen):
                    raise InvalidArgument(
                        f"{type(self.actions).__name__}.find returned the items {list(action)}; allowed: at most "
                        f"max_size({self.environment.n_arms}), which is {len(self.chosen)}"
                    )
                self.chosen[: len(action), w] = action
                size[w] = len(action)
            feed(self.world, self.player, self.state, self.chosen, size, self.environment_rng, t, self.tally)
            at = np.searchsorted(rounds, t)
            if at < len(rounds) and rounds[at] == t:
                self.out[at] = self.tally


def _constrained(environment: Any) -> bool:
    """Say whether an environment has a constraint: its action set's budget, or what a user's kernel `unsafe` says.

    A set of the policy's own does not matter: the environment says what is safe.
    """
    unsafe = type(environment).__banditlab__.kernels.get("unsafe")
    return unsafe is not None and (not is_ours(unsafe.__module__) or environment.budget < math.inf)


ROWS = {
    "regret": REGRET,
    "alpha_regret": REGRET,
    "reward": REWARD,
    "violations": VIOLATIONS,
    "any_violation": VIOLATIONS,
}


def _column(
    out: NDArray[np.float64], name: str, environment: Any, checkpoints: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return a metric from the kernel's output: one row per checkpoint, one column per lane."""
    metric, item = split_metric(name)
    if metric == "pulls":
        return out[:, PULLS + int(item)]
    values = out[:, ROWS[name]]
    if name == "any_violation":
        return (values > 0.0).astype(np.float64)
    if name == "alpha_regret":
        return values - (1.0 - environment.alpha) * environment.best_value * beside(checkpoints, out)[:, None]
    return values
