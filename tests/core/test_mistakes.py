"""Mistakes in a user's own policy, and on the disk: each an error that says what to do, or no error at all."""

from __future__ import annotations

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
from banditlab.core.dispatch import device
from banditlab.errors import InvalidArgument, InvalidComponent, InvalidType
from tests.core.scripts import HELPER, POLICY, RUN, play

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
    which = r" \((3|-1|10{9}|99)\)" if backend == "python" else ".*"  # compiled code holds no numbers
    with pytest.raises(
        InvalidComponent, match=f"chose an arm that does not exist{which}; allowed: whole numbers from 0 to n_arms - 1"
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
        assert environment.lower_bound_constant() == pytest.approx(2 * variance / real_gap, rel=3 * gap + 1e-6)


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
