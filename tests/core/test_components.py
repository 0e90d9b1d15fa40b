"""Components: construction, labels, equality, pickling, nesting, and the errors of the decorators."""

from __future__ import annotations

import dataclasses
import pickle
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pandas as pd
import pytest

import banditlab as bl
import banditlab.core.errors as core_errors
from banditlab import arms, clicks, semibandits
from banditlab.core.compiling.fingerprint import fingerprint
from banditlab.core.components import KEPT, KEPT_BYTES, Problem, describe, make_state, record, record_class, remembered
from banditlab.core.elementary import log
from banditlab.core.errors import BanditlabError, InvalidArgument, InvalidComponent, InvalidType
from banditlab.core.family import Family
from banditlab.core.validation import positive
from tests.core.policies import Greedy, Restart


def test_label_shows_non_default_arguments_only():
    assert arms.UCB1().label == "UCB1"
    assert repr(arms.UCB1()) == "UCB1()"
    assert arms.UCB1(alpha=0.25).label == "UCB1(alpha=0.25)"
    assert repr(arms.Bernoulli([0.1, 0.25])) == "Bernoulli([0.1, 0.25])"
    assert repr(arms.Bernoulli(np.linspace(0, 1, 34))) == "Bernoulli(<34 array>)"


def test_equal_when_type_and_fields_are():
    assert arms.UCB1() == arms.UCB1(alpha=2)
    assert arms.UCB1() != arms.UCB1(alpha=1.0)
    assert arms.UCB1() != arms.MOSS()
    assert arms.Bernoulli([0.1, 0.2]) == arms.Bernoulli(np.array([0.1, 0.2]))
    assert len({arms.UCB1(), arms.UCB1(), arms.KLUCB()}) == 2


def test_fields_are_canonical_and_frozen():
    means = [0.1, 0.2]
    environment = arms.Bernoulli(means)
    means[0] = 0.9
    assert environment.means[0] == 0.1
    with pytest.raises(ValueError, match="read-only"):
        environment.means[0] = 0.5
    with pytest.raises(dataclasses.FrozenInstanceError):
        environment.means = np.ones(2)


def test_errors_name_argument_value_and_what_is_allowed():
    with pytest.raises(InvalidArgument, match=r"UCB1.alpha is -1; allowed: a number in \(0, inf\)"):
        arms.UCB1(alpha=-1)
    with pytest.raises(InvalidType, match=r"UCB1.alpha is 'big'; allowed: a real number"):
        arms.UCB1(alpha="big")
    with pytest.raises(InvalidType, match=r"UCB1.alpha is True"):
        arms.UCB1(alpha=True)
    with pytest.raises(InvalidArgument, match="finite"):
        arms.UCB1(alpha=float("nan"))


def test_every_error_is_one_that_python_has_and_can_be_caught_by_name():
    made = {
        e for e in vars(core_errors).values() if isinstance(e, type) and issubclass(e, BanditlabError | UserWarning)
    }
    assert made == {getattr(bl.errors, name) for name in bl.errors.__all__}
    for error in made - {BanditlabError}:
        assert issubclass(error, ValueError | TypeError | RuntimeError | UserWarning), error


def test_pickles():
    for component in (arms.UCB1(alpha=0.5), arms.Bernoulli([0.1, 0.9]), arms.Gaussian([0, 1], std=[1, 2])):
        assert pickle.loads(pickle.dumps(component)) == component


def test_missing_kernel_is_named():
    with pytest.raises(InvalidComponent, match=r"NoUpdate has no kernel update; allowed: a class with update\("):

        @arms.policy
        class NoUpdate:
            def select(self, state, lane, t, rng):
                return 0

    with pytest.raises(InvalidComponent, match="no kernel index or select"):

        @arms.policy
        class NoChoice:
            def update(self, state, arm, lane, reward, t):
                pass


@pytest.mark.parametrize(
    ("lacking", "called", "told"),
    [
        ("update", "updte", "did you mean update in place of updte?"),
        ("index", "Index", "did you mean index in place of Index?"),
    ],
)
def test_a_kernel_whose_name_is_misspelt_is_suggested(lacking, called, told):
    methods = {name: getattr(Greedy, name) for name in ("state", "index", "update")}
    methods[called] = methods.pop(lacking)
    with pytest.raises(InvalidComponent, match=rf"M has no kernel {lacking}.*; {re.escape(told)}$"):
        arms.policy(type("M", (), methods))
    del methods[called]
    with pytest.raises(InvalidComponent, match=rf"M has no kernel {lacking}.*\)$"):
        arms.policy(type("M", (), methods))


@pytest.mark.parametrize(
    ("kernel", "called", "arguments"),
    [
        ("explore", "explor", "self, state, arm, lane, t, rng"),
        ("derive", "derives", "self, problem"),
        ("reasons_against", "reason_against", "self, environment, horizon"),
    ],
)
def test_an_optional_method_whose_name_is_misspelt_is_refused(kernel, called, arguments):
    methods = {name: getattr(Greedy, name) for name in ("state", "index", "update")}
    made = eval(f"lambda {arguments}: None")
    with pytest.raises(InvalidComponent, match=rf"M\.{called} is called by nothing; .*did you mean {kernel}\?$"):
        arms.policy(type("M", (), methods | {called: made}))
    arms.policy(type("M", (), methods | {called: lambda self: None}))  # called by the user, perhaps
    arms.policy(type("M", (), methods | {"own": made}))


def test_an_older_version_of_a_kernel_may_stay_in_a_class():
    methods = {name: getattr(Greedy, name) for name in ("state", "index", "update")}
    arms.policy(type("M", (), methods | {"index2": Greedy.index}))


def test_wrong_kernel_arguments_are_named():
    with pytest.raises(
        InvalidComponent, match=r"takes \(self, state, lane\); allowed: exactly \(self, state, lane, t, rng\)"
    ):

        @arms.policy
        class Wrong:
            def select(self, state, lane):
                return 0

            def update(self, state, arm, lane, reward, t):
                pass

    with pytest.raises(InvalidComponent, match="allowed: a plain method"):

        @arms.environment
        class Static(arms.Stationary):
            means = (0.5,)

            @staticmethod
            def reward(self, arm, u, t):
                return 0.0


def test_nested_policy_plays_as_its_base_when_it_never_restarts():
    environment = arms.Bernoulli([0.2, 0.5, 0.4])
    plain = bl.run(environment, Greedy(), horizon=200, n_runs=20, seed=4)
    nested = bl.run(environment, Restart(Greedy(), period=10**6), horizon=200, n_runs=20, seed=4)
    assert (plain.values() == nested.values()).all()
    restarting = bl.run(environment, Restart(Greedy(), period=30), horizon=200, n_runs=20, seed=4)
    assert (plain.values() != restarting.values()).any()
    python = bl.run(environment, Restart(Greedy(), period=30), horizon=200, n_runs=20, seed=4, backend="python")
    assert (python.values() == restarting.values()).all()


def test_describe_is_plain_data():
    told = describe(Restart(Greedy(0.25), period=30))
    assert told["period"] == 30
    assert told["base"]["bonus"] == 0.25
    assert describe(arms.Bernoulli([0.1, 0.2])) == {"type": "banditlab.arms.Bernoulli", "means": [0.1, 0.2]}


def test_record_class_depends_on_names_alone():
    assert type(record("State", {"a": 1, "b": 2})) is type(record("State", {"a": 3, "b": 4}))
    assert type(record("State", {"a": 1, "b": 2})) is not type(record("State", {"b": 1, "a": 2}))


def test_threads_that_make_a_record_at_once_get_one_class():
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            for trial in range(100):
                together = Barrier(4)

                def made(k, trial=trial, together=together):
                    together.wait()
                    return record_class(f"AtOnce{trial}", ("a", "b"))

                assert len(set(pool.map(made, range(4)))) == 1
    finally:
        sys.setswitchinterval(usual)


def test_what_is_remembered_is_made_once_and_not_for_ever():
    world, made = arms.Bernoulli([0.1, 0.2]), []

    def of(key):
        return remembered(world, "squares", key, lambda: made.append(key) or key**2)

    assert [of(k) for k in (3, 3, 2, 3)] == [9, 4 + 5, 4, 9]
    assert made == [3, 2]
    for k in range(10, 10 + KEPT - 1):
        of(k)
    assert of(3) == 9  # what was used last stays, whenever it was made
    assert of(5) == 25
    assert of(10) == 100
    assert made.count(3) == made.count(2) == 1
    assert made.count(10) == 2
    assert of(2) == 4
    assert made.count(2) == 2
    assert remembered(world, "others", 3, lambda: None) is None
    assert remembered(world, "others", 3, lambda: 1) is None
    assert pickle.loads(pickle.dumps(world)) == world


def test_passes_over_the_horizons_of_a_sweep_derive_once(monkeypatch):
    derived, derive = [], arms.UCB1.derive
    monkeypatch.setattr(arms.UCB1, "derive", lambda self, problem: derived.append(problem) or derive(self, problem))
    policy, problems = arms.UCB1(), [Problem(2, horizon) for horizon in range(10, 210)]
    for _ in range(3):
        for problem in problems:
            policy.params(problem)
    assert derived == problems


def test_what_is_remembered_does_not_fill_the_memory():
    world = arms.Bernoulli([0.1, 0.2])
    shared = np.zeros(KEPT_BYTES // 16)
    for k in range(9):  # parts of one array, which counts once
        remembered(world, "shared", k, lambda: (shared[:9], [shared[9:]]))
    assert all(remembered(world, "shared", k, lambda: None) for k in range(9))
    for k in range(9):  # each takes a third, with the array that they share
        remembered(world, "own", k, lambda: (np.empty(KEPT_BYTES // 24), np.empty(KEPT_BYTES // 16)[:3]))
    assert [remembered(world, "own", k, lambda: None) is None for k in range(8, -1, -1)] == [False] + [True] * 8
    remembered(world, "large", 0, lambda: np.empty(KEPT_BYTES))
    assert remembered(world, "large", 0, lambda: None) is not None


def test_threads_remember_together():
    world, errors = arms.Bernoulli([0.1, 0.2]), []

    def work(start):
        for i in range(3_000):
            key = (start + 7 * i) % (KEPT + 50)
            if remembered(world, "squares", key, lambda key=key: key**2) != key**2:
                errors.append(key)

    usual = sys.getswitchinterval()
    try:
        sys.setswitchinterval(1e-6)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(0, 400, 100)))
    finally:
        sys.setswitchinterval(usual)
    assert errors == []


def test_state_of_a_policy_without_memory():
    from banditlab.core.components import Space

    state = make_state(arms.RoundRobin(), Space(3, 5, None))
    assert state[0].shape == (5,)


def helper(x):
    return x + 1


def uses_helper(x):
    return helper(x) * log(x)


def test_fingerprint_sees_helpers_constants_and_not_docstrings(monkeypatch):
    before = fingerprint(uses_helper)
    assert fingerprint(uses_helper) == before

    def other(x):
        """Say something."""
        return x + 1

    other.__qualname__ = other.__name__ = "helper"
    monkeypatch.setitem(globals(), "helper", other)
    same_code = fingerprint(uses_helper)

    def changed(x):
        return x + 2

    monkeypatch.setitem(globals(), "helper", changed)
    assert fingerprint(uses_helper) not in (before, same_code)


def test_family_needs_are_checked_by_name():
    empty = Family("empty", None, (), (), (), (), ("empty",))

    @empty.policy
    class Anything:
        size: float = bl.field(default=1.0, check=positive, doc="a size")

    assert Anything(2).label == "Anything(size=2)"


SLOPE = 1.0


def test_a_global_that_changes_between_runs_is_no_stale_kernel():
    """As in a notebook: the class stays, the global that its kernel reads gets another value."""

    @arms.environment
    class Sloped(arms.Stationary):
        means: object = bl.field(doc="one mean per arm")

        def reward(self, arm, u, t):
            return SLOPE * self.means[arm]

    def rewards(world, backend):
        result = bl.run(world, arms.RoundRobin(), horizon=4, n_runs=1, seed=0, metrics="reward", backend=backend)
        return result.values("reward")[0, 0, -1]

    world = Sloped(np.array([0.25, 0.75]))
    assert rewards(world, "cpu") == rewards(world, "python") == 2.0
    globals()["SLOPE"] = 2.0
    try:
        assert rewards(world, "cpu") == rewards(world, "python") == 4.0
        assert rewards(Sloped(np.array([0.25, 0.75])), "cpu") == 4.0
    finally:
        globals()["SLOPE"] = 1.0
    assert rewards(world, "cpu") == 2.0


@arms.environment
class Unchecked(arms.Stationary):
    means: object = bl.field(default=(0.25, 0.5), doc="no check: kernels see what numbers it holds all the same")

    def reward(self, arm, u, t):
        return 1.0 if u < self.means[arm] else 0.0


@pytest.mark.parametrize(
    "value",
    [[0, 0.5], (0, 0.5), np.array([0, 0.5]), pd.Series([0, 0.5], index=[5, 7])],
    ids=["list", "tuple", "array", "column"],
)
@pytest.mark.parametrize("backend", ["cpu", "python"])
def test_numbers_in_a_field_without_a_check_reach_kernels(value, backend):
    options = {"horizon": 50, "n_runs": 3, "seed": 0, "backend": backend}
    environment = Unchecked(value)
    expected = bl.run(arms.Bernoulli([0, 0.5]), arms.UCB1(), **options).values()
    assert (bl.run(environment, arms.UCB1(), **options).values() == expected).all()
    assert environment == Unchecked([0, 0.5]) == pickle.loads(pickle.dumps(environment))
    assert repr(environment) == "Unchecked(means=[0, 0.5])"
    assert not environment.means.flags.writeable


def test_a_field_without_a_check_keeps_what_is_no_array_of_numbers():
    for value in ([[0.1], [0.2, 0.3]], ["a", "b"], [arms.UCB1()], {"a": 1}, "text", None):
        assert Unchecked(value).means is value
    assert Unchecked([1, 2]).means.dtype == np.int64
    assert repr(Unchecked([True, False])) == "Unchecked(means=[True, False])"
    assert Unchecked([[1.0, 2.0], [3.0, 4.0]]).means.shape == (2, 2)


def test_defaults_are_tuples():
    assert repr(Unchecked()) == "Unchecked()"
    assert Unchecked().means.tolist() == [0.25, 0.5]
    for default in ([0.1, 0.2], np.ones(2), bl.field(default=[0.1, 0.2]), bl.field(default=np.ones(2))):
        with pytest.raises(
            InvalidComponent, match=r"Shared\.means is .*; allowed: a tuple, as all instances share a default"
        ):

            @arms.environment
            class Shared(arms.Stationary):
                means: object = default

                def reward(self, arm, u, t):
                    return 0.0


@pytest.mark.parametrize("backend", ["cpu", "python"])
def test_arrays_that_derive_returns_are_read_only(backend):
    """All runs share them: what one writes would be seen by others, and by the next call."""

    @arms.policy
    class Counting:
        def derive(self, problem):
            return {"counts": np.zeros(problem.n_arms)}

        def select(self, state, lane, t, rng):
            return 0

        def update(self, state, arm, lane, reward, t):
            self.counts[arm] += 1.0

    with pytest.raises((InvalidComponent, ValueError), match=r"readonly array.*made in state|read-only"):
        bl.run(arms.Bernoulli([0.2, 0.5]), Counting(), horizon=5, n_runs=2, seed=0, backend=backend)


def test_lists_that_derive_returns_reach_kernels():
    @arms.environment
    class Derived(arms.Stationary):
        means: object = bl.field()

        def derive(self, problem):
            return super().derive(problem) | {"chances": [float(mean) for mean in self.means]}

        def reward(self, arm, u, t):
            return 1.0 if u < self.chances[arm] else 0.0

    options = {"horizon": 50, "n_runs": 3, "seed": 0}
    expected = bl.run(arms.Bernoulli([0.1, 0.5]), arms.UCB1(), **options).values()
    assert (bl.run(Derived([0.1, 0.5]), arms.UCB1(), **options).values() == expected).all()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: arms.UCB1(alfa=2), r"UCB1 has no field alfa; allowed: alpha; did you mean alpha\?"),
        (lambda: arms.RoundRobin(x=1), r"RoundRobin has no field x; allowed: no arguments"),
        (lambda: arms.Gaussian([0.0], sd=1.0), r"Gaussian has no field sd; allowed: means, std; did you mean std\?"),
    ],
)
def test_a_field_that_there_is_not_is_told_with_those_that_there_are(make, told):
    with pytest.raises(InvalidType, match=told):
        make()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (semibandits.MSets, "MSets lacks m; allowed: m"),
        (
            lambda: clicks.StrategicClickBandit([0.5, 0.4]),
            "StrategicClickBandit lacks strategies; "
            "allowed: post_click_means, strategies (and, with defaults, utility, rewards)",
        ),
        (lambda: arms.Beta(b=[1.0]), "Beta lacks a; allowed: a, b"),
        (arms.Beta, "Beta lacks a and b; allowed: a, b"),
        (lambda: arms.UCB1(1.0, 2.0), "UCB1 is given 2 arguments; allowed: alpha"),
        (lambda: arms.RoundRobin(1), "RoundRobin is given 1 argument; allowed: no arguments"),
    ],
)
def test_too_few_and_too_many_arguments_are_told_with_the_fields(make, told):
    with pytest.raises(InvalidType, match=f"^{re.escape(told)}$"):
        make()


@pytest.mark.parametrize("options", [{}, {"doc": "how far"}])
def test_a_fields_default_is_given_by_keyword(options):
    with pytest.raises(InvalidType, match=r"field is given 1.5 by position; allowed: bl.field\(default=1.5\)"):
        bl.field(1.5, **options)
