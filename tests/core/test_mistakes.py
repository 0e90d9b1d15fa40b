"""Mistakes in a user's own policy, and on the disk: each an error that says what to do, or no error at all."""

from __future__ import annotations

import importlib
import math
import os
import random
import re
import subprocess
import sys

import numba
import numpy as np
import pytest
from numpy.random import rand

import banditlab as bl
from banditlab import arms
from banditlab.arms.generics import index
from banditlab.core.components import make_state
from banditlab.core.dispatch import device
from banditlab.core.sampling import below
from banditlab.errors import InvalidArgument, InvalidComponent, InvalidType
from tests.core.test_cache import HELPER, POLICY, RUN, play

ENVIRONMENT = arms.Bernoulli([0.2, 0.5, 0.4])


@arms.policy
class Always:
    arm: int = bl.field(default=0, doc="the arm to play")

    def select(self, state, lane, t, rng):
        return self.arm

    def update(self, state, arm, lane, reward, t):
        pass


@arms.policy
class Deviates:
    def index(self, state, arm, lane, t, rng):
        return 0.0

    def explore(self, state, arm, lane, t, rng):
        return 99

    def update(self, state, arm, lane, reward, t):
        pass


@pytest.mark.parametrize("backend", ["cpu", "python"])
@pytest.mark.parametrize("policy", [Always(3), Always(-1), Always(10**9), Deviates()], ids=repr)
def test_arm_that_does_not_exist(policy, backend):
    with pytest.raises(
        InvalidComponent, match="chose an arm that does not exist; allowed: whole numbers from 0 to n_arms - 1"
    ):
        bl.run(ENVIRONMENT, policy, horizon=5, n_runs=200, seed=0, backend=backend)
    with pytest.raises(InvalidComponent, match="chose an arm that does not exist"):
        bl.start(policy, n_arms=3).select()


@arms.policy
class Unguarded:
    """The mean of no rewards is 0/0."""

    def state(self, space):
        return {"counts": space.per_arm(), "sums": space.per_arm()}

    def index(self, state, arm, lane, t, rng):
        return state.sums[arm, lane] / state.counts[arm, lane]

    def update(self, state, arm, lane, reward, t):
        state.counts[arm, lane] += 1.0
        state.sums[arm, lane] += reward


@pytest.mark.parametrize("backend", ["cpu", "python"])
def test_index_that_is_no_number(backend):
    """It is never larger than another, so that its arm would never be played, and nothing would say so."""
    with pytest.raises(
        InvalidComponent, match=r"Unguarded\(\) gave an arm the index nan \(0/0, say\); allowed: numbers, also math.inf"
    ):
        bl.run(ENVIRONMENT, Unguarded(), horizon=10, n_runs=3, seed=0, backend=backend, progress=False)
    agent = bl.start(Unguarded(), n_arms=3, seed=0)
    with pytest.raises(InvalidComponent, match="the index nan"):
        agent.select()


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
    assert "test_mistakes.py, line" in str(told.value)


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


@pytest.mark.parametrize("made", [[1.0], {"_n": np.zeros(1)}, {"lambda": np.zeros(1)}, {3: np.zeros(1)}], ids=str)
def test_state_is_a_dict_of_names(made):
    @arms.policy
    class Odd:
        def state(self, space):
            return made

        def select(self, state, lane, t, rng):
            return 0

        def update(self, state, arm, lane, reward, t):
            pass

    with pytest.raises(InvalidComponent, match=r"Odd.state (returned|has the name)"):
        bl.run(ENVIRONMENT, Odd(), horizon=5, n_runs=2, seed=0)


@pytest.mark.parametrize("made", [3.0, [1.0, 2.0], (1.0, 2.0), np.zeros(3), np.zeros(()), None], ids=repr)
def test_arrays_of_a_state_have_the_lane_as_last_axis(made):
    @arms.policy
    class Odd:
        def state(self, space):
            return {"good": space.array(2, 3), "odd": made}

        def select(self, state, lane, t, rng):
            return 0

        def update(self, state, arm, lane, reward, t):
            pass

    with pytest.raises(
        InvalidComponent, match=r"Odd.state\['odd'\] is .*; allowed: an array whose last axis is the lane, of length"
    ):
        bl.run(ENVIRONMENT, Odd(), horizon=5, n_runs=2, seed=0)


def test_decorated_things():
    with pytest.raises(InvalidComponent, match="5 is decorated as a policy; allowed: a class"):
        arms.policy(5)
    with pytest.raises(InvalidComponent, match="Always is decorated twice"):
        arms.policy(Always)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: arms.UCB1(10**400), InvalidArgument, "UCB1.alpha is 1000.*allowed: a finite number"),
        (lambda: arms.UCB1(1e300), InvalidArgument, "UCB1.alpha"),
        (lambda: arms.Bernoulli(np.ma.array([0.1, 0.5], mask=[0, 1])), InvalidArgument, "allowed: no masked entries"),
        (lambda: arms.Gaussian([1.7e308, 0]), InvalidArgument, r"Gaussian.means\[0\]"),
        (lambda: arms.Gaussian([0, 1], std=[[1], [1, 2]]), InvalidArgument, "different lengths"),
        (lambda: arms.SlidingWindowUCB(10**30), InvalidArgument, "SlidingWindowUCB.window"),
        (lambda: arms.TruncatedGaussian([0.5], std=1e300), InvalidArgument, "TruncatedGaussian.std"),
        (lambda: arms.Beta([5e-324], [1.0]), InvalidArgument, r"Beta.a\[0\]"),
        (lambda: bl.run(ENVIRONMENT, {1: arms.UCB1()}, horizon=9, n_runs=1), InvalidType, "policies has the label 1"),
        (lambda: bl.run(ENVIRONMENT, arms.UCB1, horizon=9, n_runs=1), InvalidType, r"an instance, UCB1\(...\)"),
        (lambda: bl.run(ENVIRONMENT, arms.UCB1(), horizon=2**60, n_runs=1), InvalidArgument, "horizon is"),
        (lambda: bl.run(ENVIRONMENT, arms.UCB1(), horizon=9, n_runs=10**13), InvalidArgument, "n_runs is"),
        (lambda: bl.run(ENVIRONMENT, arms.UCB1(), horizon=9, n_runs=1, metrics=5), InvalidType, "metrics is 5"),
    ],
)
def test_extreme_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_negative_zero_is_zero():
    assert arms.Gaussian([-0.0]) == arms.Gaussian([0.0])
    assert hash(arms.Gaussian([-0.0])) == hash(arms.Gaussian([0.0]))


def test_means_of_a_short_interval_are_ordered():
    means = arms.TruncatedGaussian([0.0, 0.2, 1.0], std=1e4).means
    assert means[0] < means[1] < means[2]
    # for a short interval the density is almost flat: the mean moves by (location - centre) (high - low)^2 / (12 std^2)
    np.testing.assert_allclose(means - 0.5, np.array([-0.5, -0.3, 0.5]) / (12 * 1e8), rtol=1e-6)


@pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-9, 1e-12])
def test_lower_bound_constants_keep_their_digits_at_small_gaps(gap):
    # kl is to first order gap^2 / (2 variance), so that the constant is 2 variance / gap
    for environment, variance in (
        (arms.Bernoulli([0.3, 0.3 + gap]), 0.21),
        (arms.Poisson([2.0, 2.0 + gap]), 2.0),
        (arms.Gaussian([1.0, 1.0 + gap], std=3.0), 9.0),
        (arms.Exponential([2.0, 2.0 + gap]), 4.0),
    ):
        real_gap = float(environment.gaps[0])
        assert environment.regret_constant() == pytest.approx(2 * variance / real_gap, rel=3 * gap + 1e-6)


def test_saving_follows_links_and_refuses_devices(tmp_path):
    result = bl.run(ENVIRONMENT, arms.UCB1(), horizon=9, n_runs=2, seed=0)
    (tmp_path / "target.parquet").write_text("old")
    link = tmp_path / "link.parquet"
    link.symlink_to(tmp_path / "target.parquet")
    result.save(link)
    assert link.is_symlink()
    assert (bl.load(tmp_path / "target.parquet").values() == result.values()).all()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidArgument, match="allowed: a regular file, or a new name"):
        result.save(tmp_path / "pipe")


def test_flipped_bits_are_noticed_or_harmless(tmp_path):
    result = bl.run(ENVIRONMENT, arms.UCB1(), horizon=200, n_runs=50, seed=0)
    path = result.save(tmp_path / "r.parquet")
    good = path.read_bytes()
    generator = np.random.default_rng(0)
    for _ in range(60):
        data = bytearray(good)
        for where in generator.integers(4, len(good) // 2, size=3):  # pages stand first, the footer last
            data[where] ^= 1 << int(generator.integers(8))
        path.write_bytes(bytes(data))
        try:
            values = bl.load(path).values()
        except ValueError:
            continue
        assert (values == result.values()).all()


def test_two_plots_share_axes():
    from matplotlib.figure import Figure

    both = bl.run({"a": ENVIRONMENT, "b": arms.Bernoulli([0.9, 0.1])}, arms.Uniform(), horizon=99, n_runs=5, seed=0)
    ax = Figure().add_subplot()
    both.plot(environment="a", ax=ax, lower_bound=False)
    both.plot(environment="b", ax=ax, lower_bound=False)
    assert ax.get_ylim()[1] > both.values(environment="b").mean(axis=1).max()
    assert len(ax.get_legend().get_texts()) == 2


def test_policy_whose_file_was_renamed(tmp_path):
    (tmp_path / "helper.py").write_text(HELPER)
    (tmp_path / "mine.py").write_text(POLICY)
    regret, _, _ = play(tmp_path)
    (tmp_path / "mine.py").rename(tmp_path / "yours.py")
    assert play(tmp_path, script="from yours import Mine\n" + RUN)[0] == regret
    assert play(tmp_path, script=POLICY + RUN)[0] == regret


@pytest.mark.parametrize("ending", [".nbi", ".nbc"])
def test_damaged_cache_is_compiled_again(tmp_path, ending):
    (tmp_path / "helper.py").write_text(HELPER)
    (tmp_path / "mine.py").write_text(POLICY)
    regret, _, _ = play(tmp_path)
    for file in (tmp_path / "cache").rglob(f"*{ending}"):
        file.write_bytes(file.read_bytes()[:20])
    assert play(tmp_path)[0] == regret
    again, hits, misses = play(tmp_path)
    assert (again, hits, misses) == (regret, 1, 0)


def test_cache_on_a_full_disk_is_done_without(tmp_path):
    script = (
        "import errno, banditlab as bl\n"
        "from banditlab import arms\n"
        "from numba.core.caching import IndexDataCacheFile\n"
        "def full(*a, **k):\n"
        "    raise OSError(errno.ENOSPC, 'No space left on device')\n"
        "IndexDataCacheFile.save = full\n"
        "print(bl.run(arms.Bernoulli([.1, .9]), arms.RoundRobin(), horizon=10, n_runs=1, seed=0).values()[0, 0, -1])\n"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert math.isclose(float(done.stdout), 4.0)


def test_advice_on_what_kernels_cannot_see():
    def undecorated(x):
        return x

    class Base:
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


OUTSIDE = np.zeros(3)
SEEN: dict[int, int] = {}


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
    return int(np.einsum("ij->", state.counts))


def _forgets_the_lane(self, state, lane, t, rng):
    state.counts[0, lane] = state.counts[0]
    return 0


def _asks_for_a_field(self, state, lane, t, rng):
    return int(self.alpha)


def _draws_without_a_lane(self, state, lane, t, rng):
    return below(rng, 3)


def _draws_the_wrong_way_round(self, state, lane, t, rng):
    return below(lane, rng, 3)


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
        (_draws_without_a_lane, "return below(rng", "below takes (rng, lane, n): missing a required argument: 'n'"),
        (_draws_the_wrong_way_round, "return below(lane", "the samplers take (rng, lane), in this order"),
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
    assert re.search(rf"test_mistakes.py, line \d+: {re.escape(line)}" if line else "", message)
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
    update = Always.update
    with pytest.raises(InvalidComponent, match=rf"Draws.select draws from {re.escape(called)}; allowed: the rng"):
        arms.policy(type("Draws", (), {"select": kernel, "update": update}))


def test_array_of_a_state_may_be_called_random():
    def select(self, state, lane, t, rng):
        return int(np.floor(state.random[lane]))

    arms.policy(type("Draws", (), {"select": select, "update": Always.update}))


def test_state_of_a_nested_policy_is_made_by_make_state():
    @arms.policy
    class Around:
        base: object = bl.field(doc="another policy")

        def state(self, space):
            return {"base": self.base.state(space)}

        def index(self, state, arm, lane, t, rng):
            return 0.0

        def update(self, state, arm, lane, reward, t):
            pass

    with pytest.raises(InvalidComponent, match=r"Around.state\['base'\] is a dict; .*make_state\(base, space\)"):
        bl.run(ENVIRONMENT, Around(arms.UCB1()), horizon=5, n_runs=2, seed=0)


def test_default_that_instances_would_share():
    with pytest.raises(InvalidComponent, match=r"Shared.values is \[1, 2\]; allowed: a tuple"):
        arms.policy(
            type(
                "Shared",
                (),
                {
                    "__annotations__": {"values": list},
                    "values": [1, 2],
                    "select": Always.select,
                    "update": Always.update,
                },
            )
        )
