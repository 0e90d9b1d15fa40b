"""Mistakes in a user's class that would give wrong numbers, and are refused when the class is made."""

from __future__ import annotations

import dataclasses
import pickle
import random
import re

import cloudpickle
import numba
import numpy as np
import pytest
from numpy.random import rand

import banditlab as bl
from banditlab import arms, clicks, cvar, dueling, scoring, semibandits
from banditlab.core.dispatch import device
from banditlab.core.family import registered
from banditlab.errors import IncompatiblePolicy, InvalidComponent, InvalidType

from .policies import Adds, Sums

ENVIRONMENT = arms.Bernoulli([0.2, 0.5, 0.4])


def learns_nothing(self, state, arm, lane, reward, t):
    pass


def test_an_init_of_ones_own_is_refused():
    class Mine(Sums):
        def __init__(self, alpha=2.0):
            self.alpha = alpha

    with pytest.raises(InvalidComponent, match=r"Mine has an __init__; allowed: fields, as in .alpha: float"):
        arms.policy(Mine)


def test_what_would_never_run_is_refused():
    class Checked(Sums):
        update = learns_nothing

        def __post_init__(self):
            raise ValueError("not reached")

    with pytest.raises(InvalidComponent, match=r"Checked has a __post_init__; allowed: validate\(self\)"):
        arms.policy(Checked)
    with pytest.raises(InvalidComponent, match=r"Twice is a dataclass; allowed: a class"):
        arms.policy(dataclasses.dataclass(type("Twice", (Sums,), {"update": learns_nothing})))


def test_fields_can_come_from_a_base():
    @dataclasses.dataclass(frozen=True)
    class Level(Sums):
        level: float = 1.0
        update = learns_nothing

    @arms.policy
    class One(Level):
        bonus: float = 2.0

    @arms.policy
    class Two(One):
        more: float = 3.0

    assert repr(Two(4.0, 5.0, 6.0)) == "Two(level=4, bonus=5, more=6)"


@pytest.mark.parametrize("name", ["label", "family", "params"])
def test_fields_are_not_called_as_what_all_classes_have(name):
    taken = {"__annotations__": {name: float}, name: 1.0, "update": learns_nothing}
    with pytest.raises(InvalidComponent, match=f"Mine.{name} is a field; allowed: another name"):
        arms.policy(type("Mine", (Sums,), taken))


def made(lines, decorated=arms.policy):
    """Return the class whose methods are some lines of source, decorated."""
    namespace = {}
    exec("class Wrong:\n" + "\n".join(f"    {line}" for line in lines), {"__name__": __name__, "bl": bl}, namespace)
    return decorated(namespace["Wrong"])


SELECT, UPDATE = (
    "def select(self, state, lane, t, rng): return 1",
    "def update(self, state, arm, lane, reward, t): pass",
)
SELECT_DUEL = "def select(self, state, lane, t, rng): return 0, 1"
UPDATE_DUEL = "def update(self, state, first, second, lane, won, t): pass"
UPDATE_CLICK = "def update(self, state, arm, lane, clicked, reward, t): pass"
ANNOUNCE = [
    "def state(self, known, horizon, rng): return []",
    "def announce(self, state, t): return None",
]
INDEX = "def index(self, state, arm, lane, t, rng):"


UNPLAYABLE = [
    ([SELECT.replace("return 1", "arm = 1"), UPDATE], arms.policy, "Wrong.select can end without a value"),
    ([SELECT.replace("return 1", "return None"), UPDATE], arms.policy, "Wrong.select can end without a value"),
    ([INDEX, "    if t > 5: return 1.0", UPDATE], arms.policy, "Wrong.index can end without a value; allowed: a r"),
    ([INDEX, "    for k in range(t): return 1.0", UPDATE], semibandits.policy, "Wrong.index can end without a v"),
    (
        [SELECT_DUEL.replace("return", "pair ="), UPDATE_DUEL],
        dueling.policy,
        "without a value",
    ),
    ([SELECT.replace("return", "pair ="), UPDATE_CLICK], clicks.policy, "Wrong.select can end without a value"),
    (["async " + SELECT, UPDATE], arms.policy, "Wrong.select is a generator or async; allowed: def, without yield"),
    ([SELECT.replace("return", "yield"), UPDATE], arms.policy, "Wrong.select is a generator or async"),
    (
        [SELECT, UPDATE.replace("pass", "self.last = t")],
        arms.policy,
        "Wrong.update sets self.last; allowed: entries",
    ),
    ([SELECT, UPDATE.replace("pass", "self.last += 1")], arms.policy, "Wrong.update sets self.last; allowed: en"),
    (
        [SELECT, UPDATE.replace("pass", "state['n'][arm, lane] += 1")],
        arms.policy,
        "takes state['n']; allowed: state.n",
    ),
    (
        [SELECT, UPDATE, "def state(self, space): self.n = 1"],
        arms.policy,
        "Wrong.state sets self.n, which is frozen; allowed: an array in the dict that state returns",
    ),
    (
        [SELECT, UPDATE, "def derive(self, problem): self.n = 1"],
        arms.policy,
        "Wrong.derive sets self.n, which is frozen; allowed: an entry of the dict that derive returns",
    ),
    (
        [SELECT, UPDATE, "def validate(self): self.n += 1"],
        arms.policy,
        "Wrong.validate sets self.n, which is frozen; allowed: a check, and derive(self, problem)",
    ),
    (
        [*ANNOUNCE, "def update(self, state, seen, t): self.n = t"],
        scoring.policy,
        "Wrong.update sets self.n, which is frozen; allowed: what changes is in what state returns",
    ),
    (["w = bl.field(default=1.0)", SELECT, UPDATE], arms.policy, "Wrong.w has no type; allowed: `w: float = "),
]


@pytest.mark.parametrize("case", range(len(UNPLAYABLE)))
def test_kernels_that_cannot_play_are_refused_when_the_class_is_made(case):
    lines, decorated, told = UNPLAYABLE[case]
    with pytest.raises(InvalidComponent, match=re.escape(told)):
        made(lines, decorated)


def test_an_object_of_ones_own_that_is_the_memory_can_change():
    made([*ANNOUNCE, "def update(self, state, seen, t): state.last = t"], scoring.policy)


def test_a_kernel_returns_on_every_way_that_can_be_taken():
    made([SELECT.replace("return 1", "raise ValueError"), UPDATE])
    made([SELECT, UPDATE.replace("pass", "bl.rounds = 1")])  # of neither self nor the state: for plain Python
    made([INDEX, "    while True:", "        if t > 5: return 1.0", "        t += 1", UPDATE])
    made([INDEX, "    if t > 5: return 1.0", "    else: return 0.0", UPDATE])


@pytest.mark.parametrize(("value", "told"), [("None", "derive returned None"), ("{'a b': 1}", "has the name 'a b'")])
def test_what_derive_returns_is_named(value, told):
    policy = made([SELECT, UPDATE, f"def derive(self, problem): return {value}"])()
    with pytest.raises(InvalidComponent, match=f"Wrong.derive.*{told[-6:]}.*; allowed: a "):
        bl.run(arms.Bernoulli([0.2, 0.8]), policy, horizon=5, n_runs=1, seed=0)


DECORATED = [
    (arms.environment, "arms", "environment"),
    (clicks.environment, "clicks", "environment"),
    (clicks.utility, "clicks", "utility"),
    (cvar.mdp_environment, "cvar", "environment"),
    (dueling.arm_set, "dueling", "arm_set"),
    (dueling.link, "dueling", "link"),
    (scoring.environment, "scoring", "environment"),
    (semibandits.action_set, "semibandits", "action_set"),
    (semibandits.environment, "semibandits", "environment"),
    (semibandits.offline_algorithm, "semibandits", "offline_algorithm"),
]
BASES = [(decorate, cls) for decorate, *place in DECORATED for cls in registered(*place).values()]
BASES += [(dueling.contextual_environment, dueling.ContextualGLM), (dueling.environment, dueling.PreferenceMatrix)]
BASES += [(dueling.environment, dueling.PiecewiseStationary)]


@pytest.mark.parametrize(("decorate", "base"), BASES, ids=lambda value: value.__name__)
def test_a_bare_subclass_is_a_component(decorate, base):
    """Fields without a default leave no attribute at a class."""
    made = decorate(type("Mine", (base,), {"__module__": __name__}))
    assert list(made.__dataclass_fields__) == list(base.__dataclass_fields__)


@pytest.mark.parametrize(
    ("decorate", "base"),
    [
        (clicks.environment, "clicks.StrategicClickBandit"),
        (clicks.utility, "clicks.Utility"),
        (semibandits.action_set, "semibandits.ActionSet"),
        (semibandits.offline_algorithm, "semibandits.OfflineAlgorithm"),
        (cvar.mdp_environment, "cvar.TabularMDP"),
    ],
)
def test_the_base_counts_and_not_what_a_class_happens_to_have(decorate, base):
    lookalike = {"desired_strategies": 1, "desired_strategy": 1, "enumerate": 1, "n_queries": 1, "model": 1}
    with pytest.raises(InvalidComponent, match=rf"Mine is not a {base}; allowed: class Mine\({base}\)"):
        decorate(type("Mine", (), lookalike))


FIRST = {
    "state": lambda self, space: {"n": space.per_lane()},
    "reasons_against": lambda self, environment, horizon: [f"not for {horizon}"],
}


def selects_first(self, state, lane, t, rng):
    return 0


def selects_first_two(self, state, lane, t, rng):
    return 0, 1


def learns_nothing_of_clicks(self, state, arm, lane, clicked, reward, t):
    pass


def learns_nothing_of_duels(self, state, first, second, lane, won, t):
    pass


@pytest.mark.parametrize(
    ("decorate", "methods", "world"),
    [
        (arms.policy, {"select": selects_first, "update": learns_nothing}, ENVIRONMENT),
        (cvar.policy, {"select": selects_first, "update": learns_nothing}, ENVIRONMENT),
        (
            clicks.policy,
            {"select": selects_first, "update": learns_nothing_of_clicks},
            clicks.StrategicClickBandit([0.6, 0.5], strategies=[0.66, 0.55]),
        ),
        (
            dueling.policy,
            {"select": selects_first_two, "update": learns_nothing_of_duels},
            dueling.PreferenceMatrix([[0.5, 0.75], [0.25, 0.5]]),
        ),
    ],
    ids=["arms", "cvar", "clicks", "dueling"],
)
def test_a_policys_own_reasons_are_asked_for_in_every_family(decorate, methods, world):
    policy = decorate(type("Picky", (), FIRST | methods))()
    with pytest.raises(IncompatiblePolicy, match=r"Picky cannot play .*: not for 40"):
        bl.run(world, policy, horizon=40, n_runs=1, seed=0)


def test_a_class_that_nobody_decorated_is_told_apart_from_what_was_never_one():
    told = r"policies is <.*Adds object at .*>, and its class is not decorated, as with @arms.policy; allowed: a policy"
    with pytest.raises(InvalidType, match=told):
        bl.run(ENVIRONMENT, Adds(), horizon=4, n_runs=1)
    with pytest.raises(InvalidType, match=r"policies\[0\] is .*, and its class is not decorated"):
        bl.run(ENVIRONMENT, [Adds], horizon=4, n_runs=1)
    with pytest.raises(InvalidType, match=r"policies is 'UCB1'; allowed: a policy, a list of them, or a dict from"):
        bl.run(ENVIRONMENT, "UCB1", horizon=4, n_runs=1)
    sub = type("Sub", (arms.Bernoulli,), {})
    with pytest.raises(
        InvalidType, match=r"environment is Sub\(.*\), and its class is not decorated, as Bernoulli is; allo"
    ):
        bl.run(sub([0.1, 0.2]), arms.UCB1(), horizon=4, n_runs=1)


def test_a_stationary_environment_has_means():
    class Nameless(arms.Stationary):
        chances: object = bl.field(doc="one per arm")

        def reward(self, arm, u, t):
            return 0.0

    with pytest.raises(InvalidComponent, match=r"Nameless has no means; allowed: a class with"):
        arms.environment(Nameless)


@pytest.mark.parametrize("answer", ["no", None, [3]])
def test_reasons_are_a_list_of_texts(answer):
    methods = {
        "select": selects_first,
        "update": learns_nothing,
        "reasons_against": lambda self, environment, horizon: answer,
    }
    policy = arms.policy(type("Vague", (), FIRST | methods))()
    with pytest.raises(InvalidType, match=r"Vague\(\).reasons_against returned .*; allowed: a list of reasons"):
        bl.run(ENVIRONMENT, policy, horizon=40, n_runs=1, seed=0)


def test_reasons_are_asked_with_what_they_take():
    methods = {"select": selects_first, "update": learns_nothing, "reasons_against": lambda self, environment: []}
    with pytest.raises(
        InvalidComponent, match=r"takes \(self, environment\); allowed: exactly \(self, environment, horizon"
    ):
        arms.policy(type("Old", (), FIRST | methods))


@pytest.mark.parametrize(
    "cls", [arms.UCB1, clicks.UCBS, dueling.RUCB, dueling.MaxInP, cvar.MaxWP, cvar.CVaRUCB, scoring.OSRA]
)
def test_families_pickle_by_reference(cls):
    """A notebook's class is sent by value, and its family with it: copies would be other families."""
    assert pickle.loads(pickle.dumps(cls.family)) is cls.family
    assert pickle.loads(cloudpickle.dumps(cls.family)) is cls.family


def test_decorated_things():
    with pytest.raises(InvalidComponent, match="5 is decorated as a policy; allowed: a class"):
        arms.policy(5)
    with pytest.raises(InvalidComponent, match="UCB1 is decorated twice"):
        arms.policy(arms.UCB1)


@device
def drawn_elsewhere():
    return np.random.rand()  # noqa: NPY002 - the mistake


@numba.njit
def drawn_by_numba():
    return np.random.rand()  # noqa: NPY002


GENERATOR = np.random.default_rng(0)


def closed_over():
    import numpy as elsewhere

    return lambda self, state, lane, t, rng: elsewhere.random.randint(3)  # noqa: NPY002


def _by_another_name(self, state, lane, t, rng):
    module = np.random
    return module.randint(3)


@pytest.mark.parametrize(
    ("kernel", "called"),
    [
        (lambda self, state, lane, t, rng: np.random.randint(3), "np.random.randint"),  # noqa: NPY002
        (lambda self, state, lane, t, rng: int(3 * rand()), "rand"),  # noqa: NPY002
        (lambda self, state, lane, t, rng: random.randrange(3), "random.randrange"),
        (lambda self, state, lane, t, rng: int(3 * drawn_elsewhere()), "np.random.rand"),
        (lambda self, state, lane, t, rng: int(3 * drawn_by_numba()), "np.random.rand"),
        (lambda self, state, lane, t, rng: GENERATOR.integers(3), "GENERATOR"),
        (closed_over(), "elsewhere.random.randint"),
        (_by_another_name, "np.random"),
    ],
    ids=["numpy", "name", "python", "helper", "numba", "generator", "closure", "module"],
)
def test_global_generators_are_refused(kernel, called):
    with pytest.raises(InvalidComponent, match=rf"Draws.select draws from {re.escape(called)}; allowed: the rng"):
        arms.policy(type("Draws", (), {"select": kernel, "update": learns_nothing}))


def test_array_of_a_state_may_be_called_random():
    def select(self, state, lane, t, rng):
        return int(np.floor(state.random[lane]))

    arms.policy(type("Draws", (), {"select": select, "update": learns_nothing}))


def test_default_that_instances_would_share():
    with pytest.raises(InvalidComponent, match=r"Shared.values is \[1, 2\]; allowed: a tuple"):
        arms.policy(
            type(
                "Shared",
                (),
                {
                    "__annotations__": {"values": list},
                    "values": [1, 2],
                    "select": selects_first,
                    "update": learns_nothing,
                },
            )
        )
