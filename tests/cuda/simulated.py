"""The CUDA backend in Numba's simulator, where a device's threads are Python's: what test_simulated.py runs.

Everything is tiny. Numbers equal those of plain Python, which equal those of compiled code, to the last bit.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms, cvar, dueling, semibandits
from banditlab.arms import protocol as arms_protocol
from banditlab.core.devices import cuda, fitting
from banditlab.core.errors import (
    DeviceError,
    IncompatiblePolicy,
    InterruptedRunWarning,
    InvalidComponent,
    NotANumberWarning,
)
from banditlab.core.family import families, registered
from tests.core.policies import Forgets

from .cases import ARMS, CASES, CONTEXTUAL, FAMILIES, ITEMS, MDP

SMALL: dict[str, Any] = {"horizon": 40, "n_runs": 3, "seed": 3, "progress": False}


def equal(first: Any, second: Any) -> None:
    assert first.metrics == second.metrics
    for metric in first.metrics:
        np.testing.assert_array_equal(first.values(metric), second.values(metric))


@pytest.mark.parametrize("name", CASES)
def test_numbers_are_those_of_the_processor(name: str) -> None:
    case = CASES[name]
    plain, there = (
        bl.run(case.environment, case.policy, metrics=case.metrics, backend=backend, **SMALL)
        for backend in ("python", "cuda")
    )
    equal(plain, there)
    assert there.provenance["backend"] == "cuda:0"


def test_every_component_with_kernels_is_tried() -> None:
    policies = {type(case.policy) for case in CASES.values()}
    worlds = {type(case.environment) for case in CASES.values()}
    sets = {type(getattr(case.environment, "actions", None)) for case in CASES.values()}
    assert FAMILIES.keys() == set(families()) - {"scoring"}
    for family in FAMILIES:
        for name, cls in registered(family, "policy").items():
            assert cls in policies or name in CONTEXTUAL | MDP
    for name, cls in registered("arms", "environment").items() | registered("semibandits", "environment").items():
        assert cls in worlds, name
    for name, cls in registered("semibandits", "action_set").items():
        assert cls in sets or name == "LinearSet", name  # its oracle is in Python


def test_states_that_became_nan_are_told() -> None:
    with pytest.warns(NotANumberWarning, match=r"Forgets\(40\) has NaN in state\.sums"):
        bl.run(ARMS, Forgets(40), backend="cuda", **SMALL)


def test_chunks_and_launches_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    options = SMALL | {"n_runs": 7, "metrics": ["regret", "pulls"]}
    world = CASES["arms-PiecewiseStationary"].environment
    whole = bl.run(world, arms.ThompsonSampling(), backend="cuda", **options)
    monkeypatch.setattr(fitting, "MOST_RUNS", 3)
    monkeypatch.setattr(arms_protocol.ArmsProtocol, "first_call", 9)
    equal(whole, bl.run(world, arms.ThompsonSampling(), backend="cuda", **options))


def test_single_precision_is_the_processors() -> None:
    options = SMALL | {"horizon": 300, "metrics": ["regret", "pulls"]}
    policy = arms.UCB1()
    single = bl.run(ARMS, policy, backend="cuda", precision="single", **options)
    equal(single, bl.run(ARMS, policy, backend="python", precision="single", **options))


@pytest.mark.parametrize("metrics", [["regret", "optimal_rate", "pulls"], ["cvar_regret[0.5]"]], ids=["mean", "cvar"])
def test_statistics_are_made_on_the_device(metrics: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"horizon": 4, "n_runs": 1300, "seed": 1, "keep": "summary", "metrics": metrics, "progress": False}
    monkeypatch.setattr(fitting, "MOST_RUNS", 500)
    plain, there = (bl.run(ARMS, arms.UCB1(), backend=backend, **options) for backend in ("python", "cuda"))
    for metric in plain.metrics:
        first, second = (result.statistics(metric)[0] for result in (plain, there))
        assert first.n_runs == second.n_runs == 1300
        for part in ("mean", "std", "minimum", "maximum"):
            np.testing.assert_allclose(getattr(first, part), getattr(second, part), rtol=1e-12, atol=1e-14)


def test_stores_and_sweeps(tmp_path: Any) -> None:
    def gap(delta: float) -> Any:
        return arms.Bernoulli([0.5, 0.5 - delta])

    over = {"delta": [0.1, 0.4]}
    options = SMALL | {"store": tmp_path}
    there = bl.sweep(gap, arms.UCB1(), over, backend="cuda", **options)
    again = bl.sweep(gap, arms.UCB1(), over, backend="python", **options)  # read from the store
    plain = bl.sweep(gap, arms.UCB1(), over, backend="python", **SMALL)
    for cells in (there, again):
        assert cells.summary()["mean"].tolist() == plain.summary()["mean"].tolist()


def test_an_interrupted_launch_keeps_the_chunks_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "MOST_RUNS", 4)
    calls = []

    def wait(self: Any) -> None:
        calls.append(1)
        if len(calls) == 5:  # one when compiling and two a chunk: the second chunk's launch
            raise KeyboardInterrupt

    monkeypatch.setattr(cuda.Device, "wait", wait)
    with pytest.warns(InterruptedRunWarning, match="the 4 of 12 runs"):
        found = bl.run(ARMS, arms.UCB1(), backend="cuda", **SMALL | {"n_runs": 12, "n_jobs": 1})
    equal(found, bl.run(ARMS, arms.UCB1(), backend="python", **SMALL | {"n_runs": 4}))


# --------------------------------------------------------------------------------------------------- bad input


def test_devices_that_are_not_there() -> None:
    with pytest.raises(DeviceError, match="backend is 'cuda:1'; allowed: 'cuda:0' to 'cuda:0', the devices there are"):
        bl.run(ARMS, arms.UCB1(), backend="cuda:1", **SMALL)


def test_too_little_memory_for_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "free_bytes", lambda number: 500)
    with pytest.raises(DeviceError, match=r"UCB1\(\) on Bernoulli\(.*\) takes [\d,]+ bytes a run, and cuda:0 has room"):
        bl.run(ARMS, arms.UCB1(), backend="cuda", **SMALL)


def test_a_million_runs_are_cut_into_chunks_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    from banditlab.core.playing.experiment import Settings

    job = next(iter(Settings(0, 10**6, 0, "log", None, "cuda:0").jobs({"w": ARMS}, {"p": arms.UCB1()}, 100).values()))
    each = job.measured.bytes_a_run
    assert each > 4 * 3 * 8 + 64  # four arrays of three arms, two generators
    fit = min(int(0.8 * 2**26 / fitting.STREAMS) // each, fitting.MOST_RUNS)
    assert fit // 2 < job.chunk <= fit
    assert job.chunk & (job.chunk - 1) == 0  # a power of two
    assert sum(n for _, n in job.chunks(0, 10**6)) == 10**6


@pytest.mark.parametrize(
    ("world", "policy", "why"),
    [
        (dueling.ContextualGLM([1.0, 0.5], [[0.0, 1.0], [1.0, 0.0]]), dueling.VACDB(), "contextual duels make arrays"),
        (cvar.random_mdp(3, 2, 2, seed=0), cvar.MaxWP(), "MDPs make arrays while they play, and let them grow"),
        (
            semibandits.SemiBandit(ITEMS, semibandits.LinearSet([[1.0] * 4], upper=[2.0])),
            semibandits.CombUCB1(),
            "plain Python",
        ),
    ],
    ids=["contextual", "mdp", "oracle"],
)
def test_what_has_no_kernel_for_a_device_is_refused(world: Any, policy: Any, why: str) -> None:
    with pytest.raises(IncompatiblePolicy, match=f"on a CUDA device: .*{why}"):
        bl.run(world, policy, backend="cuda", **SMALL)


def test_auto_says_what_it_picked(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.INFO, logger="banditlab")
    assert bl.run(ARMS, arms.UCB1(), backend="auto", **SMALL).provenance["backend"] == "cpu"
    assert "backend 'auto' is 'cpu': 3 runs of 40 rounds are soon played" in caplog.text
    monkeypatch.setattr("banditlab.core.playing.experiment.WORTH_A_DEVICE", 100)
    assert bl.run(ARMS, arms.UCB1(), backend="auto", **SMALL).provenance["backend"] == "cuda:0"
    assert "backend 'auto' is 'cuda:0'" in caplog.text
    monkeypatch.setattr(fitting, "free_bytes", lambda number: 1)
    assert bl.run(ARMS, arms.UCB1(), backend="auto", **SMALL).provenance["backend"] == "cpu"
    assert "backend 'auto' is 'cpu': UCB1() on Bernoulli" in caplog.text
    assert "and cuda:0 has room for 0" in caplog.text


@arms.policy
class Nowhere:
    """Chooses an arm that is not there in round 20."""

    def select(self, state, lane, t, rng):
        return 0 if t < 20 else 7

    def update(self, state, arm, lane, reward, t):
        pass


def test_an_arm_that_is_not_there() -> None:
    with pytest.raises(InvalidComponent, match="chose an arm that does not exist"):
        bl.run(ARMS, Nowhere(), backend="cuda", **SMALL)


def test_a_thread_that_ends_early_is_noticed() -> None:
    """On a device an exception ends a thread and says nothing: the calls that it finished are fewer."""
    machine = cuda.Device()
    tally = machine.zeros(1, 5)
    machine._finished, machine._launches = machine.zeros(5, dtype=np.int64), 2
    machine._finished[:] = [2, 2, 1, 2, 2]
    with pytest.raises(DeviceError, match=r"a kernel stopped with an exception in lane 2 of 5; .*backend='cpu'"):
        machine.fetch(tally)


@semibandits.policy
class InTurn:
    """Selects items in turn: a user's, whose last actions are looked at on the processor alone."""

    def state(self, space):
        return {"next": space.per_lane(0, np.int64)}

    def derive(self, problem):
        return {"n": problem.n_arms, "m": problem.actions.max_size(problem.n_arms)}

    def select(self, state, actions, work, lane, t, rng, chosen):
        first = min(state.next[lane], self.n - self.m)
        for k in range(self.m):
            chosen[k, lane] = first + k
        state.next[lane] = (first + self.m) % self.n
        return self.m

    def update(self, state, arm, lane, reward, t):
        pass


def test_a_users_policy_that_selects() -> None:
    world = semibandits.SemiBandit(arms.Bernoulli([0.1, 0.5, 0.3, 0.9]), semibandits.MSets(2))
    there, here = (bl.run(world, InTurn(), backend=backend, **SMALL).values() for backend in ("cuda", "python"))
    np.testing.assert_array_equal(there, here)
