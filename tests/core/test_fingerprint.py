"""What numbers depend on, seen wherever it is: nothing stale is played, stored or taken for something else."""

from __future__ import annotations

import dis
import importlib
import inspect
import shutil
import subprocess
import sys
from types import CodeType, FunctionType

import cloudpickle
import numpy as np
import pytest

import banditlab as bl
from banditlab import arms, scoring
from banditlab.core import components
from banditlab.core.compiling.fingerprint import _instructions, fingerprint, survey, unchanged
from banditlab.core.components import class_code
from banditlab.core.playing import engine
from banditlab.core.stores import address
from banditlab.core.sweeps import sweep

WORLD = arms.Bernoulli([0.3, 0.5, 0.6])

GREEDY = """
from banditlab import arms, field
from banditlab.arms.generics import index, update
from banditlab.core.components import make_state
from banditlab.core.dispatch import device

@arms.policy
class Greedy:
    def derive(self, problem):
        {derive}
    def state(self, space):
        return {{"counts": space.per_arm(), "means": space.per_arm()}}
    def index(self, state, arm, lane, t, rng):
        n = state.counts[arm, lane]
        return 2.0 if n == 0.0 else state.means[arm, lane] + {bonus} / n**0.5
    def update(self, state, arm, lane, reward, t):
        state.counts[arm, lane] += 1.0
        state.means[arm, lane] += (reward - state.means[arm, lane]) / state.counts[arm, lane]

@arms.policy
class Around:
    base: object = field(doc="another policy")
    def state(self, space):
        return {{"base": make_state(self.base, space)}}
    def index(self, state, arm, lane, t, rng):
        return index(self.base, state.base, arm, lane, t, rng)
    def update(self, state, arm, lane, reward, t):
        update(self.base, state.base, arm, lane, reward, t)
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a module and import it, or load it again where it stands."""
    monkeypatch.syspath_prepend(tmp_path)
    names = set()

    def written(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
        importlib.invalidate_caches()
        names.add(name)
        return importlib.reload(sys.modules[name]) if name in sys.modules else importlib.import_module(name)

    yield written
    for name in names:
        sys.modules.pop(name, None)


def mean(policy, **options):
    result = bl.run(WORLD, policy, horizon=200, n_runs=40, seed=1, progress=False, **options)
    return float(result.values().mean())


def cases():
    """Yield what is written first, then what changes, and how the policy depends on it."""
    top = "SCALE = {scale}\n"
    plain = "return {'nothing': 0.0}"
    yield "global of a kernel", None, top + GREEDY.format(derive=plain, bonus="SCALE")
    yield "global of derive", None, top + GREEDY.format(derive="return {'scale': SCALE}", bonus="self.scale")
    helper = "from banditlab.core.dispatch import device\n@device\ndef scale():\n    return {scale}\n"
    inner = helper.replace("{scale}", "SCALE")
    yield "global of a helper", None, top + inner + GREEDY.format(derive=plain, bonus="scale()")
    outer = inner.replace("scale", "inner") + "@device\ndef outer():\n    return inner()\n"
    yield "global of a helper's helper", None, top + outer + GREEDY.format(derive=plain, bonus="outer()")
    njit = top + "import numba\n@numba.njit\ndef scale():\n    return SCALE\n"
    yield "global of a helper of Numba's", None, njit + GREEDY.format(derive=plain, bonus="scale()")
    yield (
        "function of a module",
        helper,
        "import own_helper\n" + GREEDY.format(derive=plain, bonus="own_helper.scale()"),
    )
    value = "scale = {scale}\n"
    derive = "return {'scale': own_helper.scale}"
    yield "value of a module", value, "import own_helper\n" + GREEDY.format(derive=derive, bonus="self.scale")
    derive = "from own_helper import scale; return {'scale': scale()}"
    yield "import in a method", helper, GREEDY.format(derive=derive, bonus="self.scale")
    derive = "import own_helper; return {'scale': own_helper.scale}"
    yield "module imported in a method", value, GREEDY.format(derive=derive, bonus="self.scale")
    static = top + "class Helper:\n    @staticmethod\n    def scale(): return SCALE\n"
    yield (
        "method of a class",
        None,
        static + GREEDY.format(derive="return {'scale': Helper.scale()}", bonus="self.scale"),
    )


CASES = list(cases())


@pytest.mark.parametrize("nested", [False, True], ids=["alone", "nested"])
@pytest.mark.parametrize(("helper", "text"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_changes_in_a_session_changes_what_is_played_and_stored(write, tmp_path, helper, text, nested):
    def scaled(scale):
        if helper is not None:
            return write("own_helper", helper.replace("{scale}", scale))
        if "own_policy" in sys.modules:
            own.SCALE = float(scale)  # as a later cell of a notebook does
        return None

    scaled("0.0")
    own = write("own_policy", text.replace("{scale}", "0.0"))
    policy = own.Around(own.Greedy()) if nested else own.Greedy()
    store = tmp_path / "store"
    before = [mean(policy), mean(policy, store=store), mean(policy, backend="python")]
    scaled("1.0")
    after = [mean(policy), mean(policy, store=store), mean(policy, backend="python"), mean(own.Greedy())]
    assert len(set(before)) == 1
    assert len(set(after)) == 1
    assert before[0] != after[0]
    assert len(bl.Store(store).cells()) == 2
    scaled("0.0")
    assert [mean(policy), mean(policy, store=store)] == before[:2]
    assert len(bl.Store(store).cells()) == 2


def functions_in(module):
    """Return a module's functions and methods by name."""
    found = {}
    for name, value in vars(module).items():
        members = vars(value).items() if isinstance(value, type) else [("", value)]
        found |= {(name, inner): f for inner, f in members if isinstance(f, FunctionType) and inner[:2] != "__"}
    return {key: f for key, f in found.items() if f.__module__ == module.__name__}


@pytest.mark.parametrize("nested", [False, True], ids=["alone", "nested"])
@pytest.mark.parametrize("edited", ["BY", "SCALE", "MORE", "PLUS"], ids=["default", "helper", "derive", "kernel"])
def test_functions_that_are_given_other_code_play_it(write, tmp_path, edited, nested):
    """As IPython's autoreload does with an edited file: what others hold is the same functions as before."""
    helper = "from banditlab.core.dispatch import device\n@device\ndef scale(by=BY):\n    return by + SCALE\n"
    policy = GREEDY.format(derive="return {'more': MORE}", bonus="(scale() + self.more + PLUS)")
    texts = {"own_given": helper, "own_holds": "from own_given import scale\n" + policy}

    def load(module, number):
        text = texts[module].replace(edited, number)
        for name in ("BY", "SCALE", "MORE", "PLUS"):
            text = text.replace(name, "0.0")
        return write(module, text)

    modules = {name: load(name, "0.0") for name in texts}
    own, store = modules["own_holds"], tmp_path / "store"
    make = own.Greedy
    policy = own.Around(make()) if nested else make()
    before = [mean(policy), mean(policy, store=store), mean(policy, backend="python")]
    changed = next(name for name, text in texts.items() if edited in text)
    kept = functions_in(modules[changed])
    for name, function in functions_in(load(changed, "1.0")).items():
        kept[name].__code__, kept[name].__defaults__ = function.__code__, function.__defaults__
    after = [mean(policy), mean(policy, store=store), mean(policy, backend="python"), mean(make())]
    assert len(set(before)) == len(set(after)) == 1
    assert before[0] != after[0]


def test_a_class_that_is_made_again_calls_helpers_of_now(write):
    """As when a cell of a notebook is run again: the helper's cell is not."""
    helper = "from banditlab.core.dispatch import device\nSCALE = 0.0\n@device\ndef scale():\n    return SCALE\n"
    own = write("own_again", helper)
    cell = compile(GREEDY.format(derive="return {'nothing': 0.0}", bonus="scale()"), "cell", "exec")
    found = []
    for own.SCALE in (0.0, 1.0, 0.0):
        exec(cell, own.__dict__)
        found.append((mean(own.Greedy()), mean(own.Greedy(), backend="python")))
    assert found[0][0] == found[0][1] == found[2][0] == found[2][1]
    assert found[1][0] == found[1][1] != found[0][0]


@pytest.mark.parametrize(
    "table", ["np.array([0.0, 9.0])", "[0.0, 9.0]", "{0: 0.0, 1: 9.0}"], ids=["array", "list", "dict"]
)
def test_what_changes_in_place_and_in_closures_is_seen(write, tmp_path, table):
    text = f"import numpy as np\nTABLE = {table}\n"
    derive = "return {'scale': float(TABLE[0])}"
    own = write("own_place", text + GREEDY.format(derive=derive, bonus="self.scale"))
    policy, store = own.Greedy(), tmp_path / "store"
    before = [mean(policy), mean(policy, store=store), mean(policy, backend="python")]
    own.TABLE[0] = 1.0
    after = [mean(policy), mean(policy, store=store), mean(policy, backend="python")]
    assert len(set(before)) == len(set(after)) == 1
    assert before != after


def test_a_closed_over_number_is_seen(write):
    lines = GREEDY.format(derive="return {'nothing': 0.0}", bonus="scale").split("@arms.policy")
    body = "".join(f"    {line}\n" for line in ("@arms.policy" + lines[1]).splitlines())
    made = (
        "def closed():\n    scale = 0.0\n"
        + body
        + ("    def put(value):\n        nonlocal scale\n        scale = value\n    return Greedy, put\n")
    )
    own = write("own_closure", lines[0] + made)
    greedy, put = own.closed()
    policy = greedy()
    before = [mean(policy), mean(policy, backend="python")]
    put(1.0)
    after = [mean(policy), mean(policy, backend="python")]
    assert len(set(before)) == len(set(after)) == 1
    assert before != after


def test_functions_inside_of_what_a_field_holds_are_looked_at_anew(write):
    rule = "SCALE = {scale}\ndef brier(p):\n    return SCALE * (p @ p)\ndef slope(p):\n    return 2.0 * SCALE * p\n"
    own = write("own_rule", rule.replace("{scale}", "0.25"))
    policy = scoring.FixedRule(scoring.ScoringRule(own.brier, own.slope, 2))
    before = address.canonical(policy)
    assert address.canonical(policy) == before
    own.SCALE = 0.5
    assert address.canonical(policy) != before


def test_long_tables_and_arrays_of_objects_count_by_what_they_hold(write):
    hashes = set()
    for first, mixed in [("0.0", "1"), ("7.0", "1"), ("0.0", "2"), ("0.0", "1")]:
        text = f"import numpy as np\nT = [{first}] * 10_001\nO = np.array([{mixed}, 'x'], dtype=object)\n"
        hashes.add(fingerprint(write("own_tables", text + "def f():\n    return T[0], O[0]\n").f))
    assert len(hashes) == 3


def test_what_our_own_methods_import_when_they_are_called_counts(monkeypatch):
    from banditlab.cvar.mdp import planning
    from banditlab.cvar.mdp.protocol import EpisodesProtocol

    monkeypatch.setattr(components, "_class_codes", {})
    before = class_code(EpisodesProtocol)
    monkeypatch.setattr(components, "_class_codes", {})
    monkeypatch.setattr(planning, "optimum", lambda mdp, criterion, tau: None)
    assert class_code(EpisodesProtocol) != before


def test_code_of_a_module_that_cannot_be_imported_here_is_left_out(write):
    own = write("own_import", "def f():\n    from no_such_module import g\n    return g()\n")
    assert fingerprint(own.f) == fingerprint(own.f)


def test_a_module_below_counts_whether_it_has_been_loaded_or_not(write, tmp_path):
    (tmp_path / "own_package").mkdir()
    (tmp_path / "own_package" / "__init__.py").write_text("")
    (tmp_path / "own_package" / "below.py").write_text("scale = 1.0\n")
    own = write("own_user", "def f():\n    from own_package import below\n    return below.scale\n")
    before = fingerprint(own.f)
    assert own.f() == 1.0
    assert fingerprint(own.f) == before
    sys.modules["own_package.below"].scale = 2.0
    assert fingerprint(own.f) != before
    for name in ("own_package.below", "own_package"):
        del sys.modules[name]


def test_a_name_that_comes_to_be_later_is_a_change(write):
    own = write("own_late", "def f():\n    return later + max(1, 2)\n")
    _, seen = survey(own.f)
    assert unchanged(seen)
    own.later = 1
    assert not unchanged(seen)


def test_a_class_is_sent_to_processes_without_what_else_a_notebook_holds(write):
    text = "import threading\nlock = threading.Lock()\nSCALE = 1.0\n"
    own = write("own_locked", text + GREEDY.format(derive="return {'scale': SCALE}", bonus="self.scale"))
    assert mean(own.Greedy()) > 0.0  # its code has been looked at
    cloudpickle.register_pickle_by_value(own)
    try:
        sent = cloudpickle.loads(cloudpickle.dumps(own.Greedy()))
    finally:
        cloudpickle.unregister_pickle_by_value(own)
    assert mean(sent, backend="python") == mean(own.Greedy())


def test_numbers_of_arrays_count():
    table = np.arange(3.0)
    hashes = set()
    for value in (table, table + 1.0, table.astype(np.float32)):

        def looked_up(value=value):
            return value

        hashes.add(fingerprint(looked_up))
    assert len(hashes) == 3


def test_what_draws_figures_and_what_libraries_do_is_not_looked_into():
    code = """
import sys
from banditlab import arms, clicks, cvar, scoring
from banditlab.core.components import class_code
before = set(sys.modules)
classes = arms.Bernoulli, cvar.TabularMDP, clicks.StrategicClickBandit, scoring.PrincipalAgent, scoring.HiringProblem
for cls in classes:
    class_code(cls)
new = set(sys.modules) - before
drawn = [m for m in sorted(new) if m.startswith("banditlab") and "plot" in m]
print(drawn + [m for m in ("gymnasium", "cvxpy", "matplotlib") if m in new])
"""
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"


def with_inner(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from with_inner(constant)


def test_code_is_read_as_the_standard_library_reads_it():
    long = "".join(f"import m{k}.n; print(m{k}.o{k}, 'text {k}'); " for k in range(300))  # arguments of several bytes
    texts = [long, f"def f(): {long}", *map(inspect.getsource, (engine, sweep, shutil))]
    telling = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_ATTR", "LOAD_METHOD", "LOAD_CONST", "IMPORT_FROM", "IMPORT_NAME"}
    for code in (code for text in texts for code in with_inner(compile(text, "text", "exec"))):
        steps = [(i.opname.replace("SMALL_INT", "CONST"), i.argval) for i in dis.get_instructions(code)]
        by_library = [step for step in steps if step[0] in telling]
        assert list(_instructions(code)) == by_library
