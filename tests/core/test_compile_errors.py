"""Kernels that cannot be compiled: errors that name the policy, the line, and what is meant."""

from __future__ import annotations

import importlib
import linecache
import re

import numba
import numpy as np
import pytest

import banditlab as bl
from banditlab import arms
from banditlab.arms.generics import index
from banditlab.core.components import make_state
from banditlab.core.dispatch import device
from banditlab.core.sampling import below
from banditlab.errors import InvalidComponent

ENVIRONMENT = arms.Bernoulli([0.2, 0.5, 0.4])


def test_kernel_that_does_not_compile_is_named():
    @arms.policy
    class Misspelt:
        def state(self, space):
            return {"counts": space.per_arm()}

        def index(self, state, arm, lane, t, rng):
            return state.count[arm, lane]

        def update(self, state, arm, lane, reward, t):
            pass

    with pytest.raises(
        InvalidComponent, match=r"Misspelt\(\) cannot be compiled .*'count'.*backend=\"python\""
    ) as told:
        bl.run(ENVIRONMENT, Misspelt(), horizon=5, n_runs=2, seed=0)
    assert len(str(told.value)) < 600
    assert "test_compile_errors.py, line" in str(told.value)
    assert told.value.__suppress_context__  # Numba's own, of a hundred lines, is not shown


def test_place_of_a_mistake_is_told_whatever_the_users_folder_is_called(tmp_path, monkeypatch):
    folder = tmp_path / "banditlab-study"
    folder.mkdir()
    (folder / "misspelt_policy.py").write_text(
        "from banditlab import arms\n\n\n@arms.policy\nclass Misspelt:\n"
        "    def select(self, state, lane, t, rng):\n        return self.favourite\n\n"
        "    def update(self, state, arm, lane, reward, t):\n        pass\n"
    )
    monkeypatch.syspath_prepend(folder)
    policy = importlib.import_module("misspelt_policy").Misspelt()
    with pytest.raises(InvalidComponent, match=r"misspelt_policy\.py, line 7"):
        bl.run(ENVIRONMENT, policy, horizon=5, n_runs=2, seed=0)


def test_line_of_a_notebooks_cell_is_told(tmp_path, monkeypatch):
    """A cell's code is in no file, and known under an absolute path, of which Numba tells a relative one."""
    cell = str(tmp_path / "cells" / "17.py")
    code = "def select(self, state, lane, t, rng):\n    return state.absent[lane]\n"
    scope = {"__name__": "__main__"}
    exec(compile(code, cell, "exec"), scope)
    monkeypatch.setitem(linecache.cache, cell, (len(code), None, code.splitlines(keepends=True), cell))
    monkeypatch.chdir(tmp_path)

    class Cell:
        select = scope["select"]

        def update(self, state, arm, lane, reward, t):
            pass

    with pytest.raises(InvalidComponent, match=r"17.py, line 2: return state.absent\[lane\]\): Unknown attribute"):
        bl.run(ENVIRONMENT, arms.policy(Cell)(), horizon=5, n_runs=2, seed=0)


def test_advice_on_what_kernels_cannot_see():
    def undecorated(x):
        return x

    class Base:
        untyped = 2.0
        text: str = "some"
        absent: object = None
        base: object = bl.field(default=None, doc="another policy")

        def state(self, space):
            own = {"counts": space.per_arm()}
            return own if self.base is None else own | {"base": make_state(self.base, space)}

        def helper(self, x):
            return x

        @property
        def width(self):
            return 1.0

        def update(self, state, arm, lane, reward, t):
            pass

    def message(kernel, **fields):
        cls = type("Mistaken", (Base,), {"__annotations__": Base.__annotations__, "index": kernel})
        with pytest.raises(InvalidComponent) as told:
            bl.run(ENVIRONMENT, arms.policy(cls)(**fields), horizon=5, n_runs=2, seed=0)
        return str(told.value)

    assert "helper is a method, and kernels call functions decorated with banditlab.core.dispatch.device" in message(
        lambda self, state, arm, lane, t, rng: self.helper(1.0)
    )
    assert "width is a property, and kernels see fields and what derive returns" in message(
        lambda self, state, arm, lane, t, rng: self.width
    )
    assert "text is 'some', and kernels see numbers" in message(lambda self, state, arm, lane, t, rng: len(self.text))
    assert "untyped is no field, as it has no type; with one it is: untyped: float = bl.field(default=2.0)" in message(
        lambda self, state, arm, lane, t, rng: self.untyped
    )
    assert "absent is None, and kernels see numbers" in message(lambda self, state, arm, lane, t, rng: self.absent)
    assert "banditlab.core.sampling, as in normal(rng, lane)" in message(
        lambda self, state, arm, lane, t, rng: rng.normal()
    )
    assert "EXP3 has no kernel index" in message(
        lambda self, state, arm, lane, t, rng: index(self.base, state.base, arm, lane, t, rng), base=arms.EXP3()
    )
    scope = {"undecorated": undecorated}
    exec("def kernel(self, state, arm, lane, t, rng):\n    return undecorated(1.0)", scope)
    assert "undecorated is to be decorated with banditlab.core.dispatch.device" in message(scope["kernel"])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x", "'x'"),
        ([[1], [1, 2]], "[[1], [1, 2]]"),
        ({"a": 1}, "{'a': 1}"),
        ({1}, "{1}"),
        (None, "None"),
        (np.array(["a"]), "array(['a'], dtype='<U1')"),
    ],
    ids=repr,
)
def test_what_derive_returns_and_kernels_cannot_see_is_told(value, shown):
    @arms.policy
    class Derives:
        def derive(self, problem):
            return {"n_arms": problem.n_arms, "v": value}

        def select(self, state, lane, t, rng):
            return int(self.v)

        def update(self, state, arm, lane, reward, t):
            pass

    told = re.escape(f"Derives.derive returned v = {shown}, and kernels see numbers, arrays and components; allowed")
    with pytest.raises(InvalidComponent, match=told):
        bl.run(ENVIRONMENT, Derives(), horizon=5, n_runs=2, seed=0)


OUTSIDE = np.zeros(3)
SEEN: dict[int, int] = {}
LISTED = [0, 1]


def test_advice_is_the_same_with_a_store(tmp_path):
    @arms.policy
    class Mistaken:
        def derive(self, problem):
            return {"first": problem.n_arms - 1, "name": "some"}

        def state(self, space):
            return {}

        def select(self, state, lane, t, rng):
            return self.first + len(self.name)

        def update(self, state, arm, lane, reward, t):
            pass

    with pytest.raises(InvalidComponent, match=r"Mistaken.derive returned name = 'some', and kernels see numbers"):
        bl.run(ENVIRONMENT, Mistaken(), horizon=5, n_runs=2, seed=0, store=tmp_path)


def _writes_outside(self, state, lane, t, rng):
    OUTSIDE[0] = t
    return 0


def _fills_a_dict(self, state, lane, t, rng):
    SEEN[t] = 1
    return 0


def _sets_a_global(self, state, lane, t, rng):
    global LAST
    LAST = t
    return 0


def _imports(self, state, lane, t, rng):
    import cmath  # noqa: F401

    return 0


def _loops_in_an_expression(self, state, lane, t, rng):
    return max(a for a in range(2))


def _has_a_context(self, state, lane, t, rng):
    with open("log") as file:
        file.read()
    return 0


def _keeps_an_exception(self, state, lane, t, rng):
    try:
        arm = t // 2
    except ValueError as error:
        arm = len(error.args)
    return arm % 2


def _adds_text(self, state, lane, t, rng):
    return len("round " + t)


def _has_an_index_too_many(self, state, lane, t, rng):
    return int(state.counts[0, 1, lane])


def _draws_with_numpy(self, state, lane, t, rng):
    return np.random.default_rng(0).integers(2)


def _draws_as_with_numpy(self, state, lane, t, rng):
    return rng.integers(2)


def _sums_as_einstein(self, state, lane, t, rng):
    return int(np.einsum("i->", state.counts[:, lane])) % 2


def _forgets_the_lane(self, state, lane, t, rng):
    state.counts[0, lane] = state.counts[0]
    return 0


def _asks_for_a_field(self, state, lane, t, rng):
    return int(self.alpha)


def _asks_how_many_arms(self, state, lane, t, rng):
    return t % self.n_arms


def _draws_without_a_lane(self, state, lane, t, rng):
    return below(rng, 3)


def _draws_the_wrong_way_round(self, state, lane, t, rng):
    return below(lane, rng, 3)


def _starts_with_none(self, state, lane, t, rng):
    best = None
    for a in range(2):
        if best is None or state.counts[a, lane] > state.counts[best, lane]:
            best = a
    return best


def _looks_into_a_list(self, state, lane, t, rng):
    return LISTED[0]


def _has_a_key(self, state, lane, t, rng):
    return max(range(2), key=lambda a: state.counts[a, lane])


def _has_a_key_from_outside(self, state, lane, t, rng):
    return min((0, 1), key=state.counts)


def _formats(self, state, lane, t, rng):
    return len(f"{t:.2f}") % 2


def _returns_text(self, state, lane, t, rng):
    state.counts[0, lane] = "text"
    return 0


def _sorts_what_is_mixed(self, state, lane, t, rng):
    return np.argmax([1, 2, "a"])


def _misspells(self, state, lane, t, rng):
    return int(state.count[0, lane])


@pytest.mark.filterwarnings("ignore:Assigning a code object:DeprecationWarning")  # what Numba does, on Python 3.13
@pytest.mark.parametrize(
    ("kernel", "line", "told"),
    [
        (
            _writes_outside,
            "OUTSIDE[0] = t",
            "an array from outside is a constant for a kernel; what changes is made in",
        ),
        (_fills_a_dict, "SEEN[t] = 1", "kernels see numbers, arrays and tuples from outside, and what changes is made"),
        (_sets_a_global, "LAST = t", "Use of unsupported opcode (STORE_GLOBAL) found: what changes is made in state"),
        (_imports, "import cmath", "import it outside the kernel"),
        (_loops_in_an_expression, "return max(a for", "a generator expression is to be a loop"),
        (_has_a_context, "", "The 'with (context manager) as (variable):' construct is not supported"),
        (_keeps_an_exception, "except ValueError as error:", "Exception object cannot be stored into variable (error)"),
        (_adds_text, 'return len("round " + t)', "there is no add(Literal[str](round ), int64)"),
        (_has_an_index_too_many, "return int(state", "cannot index array(float64, 2d, C) with 3 indices"),
        (_draws_with_numpy, "return np.random", "the samplers of banditlab.core.sampling, as in uniform(rng, lane)"),
        (_draws_as_with_numpy, "return rng", "the samplers of banditlab.core.sampling, as in below(rng, lane)"),
        (_sums_as_einstein, "return int(np.einsum", "unsupported use of the function: a loop does the same"),
        (_forgets_the_lane, "", "an array stands where one number belongs: with all indices it is one, as in state."),
        (_misspells, "return int(state.count", "Unknown attribute 'count' of state: state has counts; allowed"),
        (_asks_for_a_field, "return int(self.alpha)", "Unknown attribute 'alpha' of type Mistaken: it has no fields"),
        (_asks_how_many_arms, "return t %", "derive(self, problem) gives it to kernels, by return {'n_arms': problem."),
        (_draws_without_a_lane, "return below(rng", "below takes (rng, lane, n): missing a required argument: 'n'"),
        (_draws_the_wrong_way_round, "return below(lane", "the samplers take (rng, lane), in this order"),
        (_starts_with_none, "if best is None", "None on one way is to start as a number, such as best = 0"),
        (
            _looks_into_a_list,
            "return LISTED[0]",
            "The use of a list, assigned to variable 'LISTED' in globals, is not supported: make it a tuple, an array",
        ),
        (_has_a_key, "return max(range(2)", "a function within a kernel, such as a key of max, is to be a loop"),
        pytest.param(
            _has_a_key_from_outside,
            "return min(",
            "a loop over the arms, with an if, finds the one that the key would",
            marks=pytest.mark.skipif(numba.version_info.short < (0, 62), reason="Numba 0.61 does not say where"),
        ),
        (_formats, "return len(f", "kernels make no text; to print while debugging, play as plain Python"),
        (_returns_text, "", "text stands where a number belongs"),
        (_sorts_what_is_mixed, "", "as Numba fails with AttributeError: "),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_python_can_and_kernels_cannot_is_told_with_its_line(kernel, line, told):
    class Mistaken:
        def state(self, space):
            return {"counts": space.per_arm()}

        select = kernel

        def update(self, state, arm, lane, reward, t):
            state.counts[arm, lane] += 1.0

    with pytest.raises(InvalidComponent, match=r"Mistaken\(\) cannot be compiled") as error:
        bl.run(ENVIRONMENT, arms.policy(Mistaken)(), horizon=5, n_runs=2, seed=0)
    message = str(error.value)
    assert told in message
    assert re.search(rf"test_compile_errors.py, line \d+: {re.escape(line)}" if line else "", message)
    assert "Raised from" not in message
    assert len(message) < 700


@pytest.mark.parametrize(
    ("first", "then"),
    [("", "import numpy as np"), ("def root(x):\n    return x", "root = device(root)")],
    ids=["import", "decorate"],
)
@pytest.mark.parametrize("again", [False, True], ids=["same-class", "class-again"])
def test_what_a_kernel_lacks_can_be_given_in_a_later_cell(first, then, again, tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))  # else the disk has what is compiled at last
    call = "np.sqrt" if "numpy" in then else "root"
    cell = (
        "@arms.policy\nclass Cell:\n    def index(self, state, arm, lane, t, rng):\n"
        f"        return {call}(arm + {1.0 if again else 2.0})\n\n"
        "    def update(self, state, arm, lane, reward, t):\n        pass\n"
    )
    scope = {"__name__": "__main__", "arms": arms, "device": device}
    exec(first, scope)
    exec(cell, scope)
    with pytest.raises(InvalidComponent, match=r"Cell\(\) cannot be compiled"):
        bl.run(ENVIRONMENT, scope["Cell"](), horizon=5, n_runs=2, seed=0)
    exec(then, scope)
    if again:
        exec(cell, scope)
    result = bl.run(ENVIRONMENT, scope["Cell"](), horizon=5, n_runs=2, seed=0)
    assert result.values()[0, :, -1].tolist() == pytest.approx([0.5, 0.5])  # the last arm in all rounds


def test_kernel_is_not_that_of_a_time_when_a_name_was_missing():
    cell = (
        "@arms.policy\nclass Cell:\n    def index(self, state, arm, lane, t, rng):\n        return power(arm + 3.0)\n\n"
        "    def update(self, state, arm, lane, reward, t):\n        pass\n"
    )
    scope = {"__name__": "__main__", "arms": arms, "device": device}
    exec(cell, scope)
    with pytest.raises(InvalidComponent, match="power"):
        bl.run(ENVIRONMENT, scope["Cell"](), horizon=5, n_runs=2, seed=0)
    for sign, regret in (("-", 1.5), ("", 0.5)):
        exec(f"@device\ndef power(x):\n    return {sign}x * x", scope)
        found = bl.run(ENVIRONMENT, scope["Cell"](), horizon=5, n_runs=2, seed=0).values()[0, 0, -1]
        assert found == pytest.approx(regret)
    del scope["power"]
    with pytest.raises(InvalidComponent, match="power"):
        bl.run(ENVIRONMENT, scope["Cell"](), horizon=5, n_runs=2, seed=0)
