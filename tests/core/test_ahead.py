"""Kernels compiled by several processes: this one finds them on disk, and compiles what only it can."""

from __future__ import annotations

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms
from banditlab.core import ahead, engine, jobs, kernels

from .test_cache import POLICY, play

RUN = """
import banditlab as bl
from banditlab import arms
from banditlab.core import kernels

policies = [arms.Uniform(), arms.RoundRobin(), arms.EpsilonGreedy(), arms.ExploreThenCommit(m=2)]
policies += [arms.EpsilonGreedy(epsilon=0.5), Mine()]
options = {"horizon": 50, "n_runs": 4, "seed": 0, "n_jobs": N_JOBS, "progress": False}
result = bl.run(arms.Bernoulli([0.1, 0.9]), policies, **options)
hits = sum(sum(k.stats.cache_hits.values()) for k in kernels.compiled_kernels())
misses = sum(sum(k.stats.cache_misses.values()) for k in kernels.compiled_kernels())
print(result.values()[:, :, -1].sum(), hits, misses)
"""


def own(n_jobs: int) -> str:
    """Return a script with a policy of its own, which other processes cannot import."""
    code = POLICY.replace("from helper import bonus\n", "").replace("bonus(n)", "1.0 / n")
    return code + RUN.replace("N_JOBS", str(n_jobs))


def test_processes_compile_what_they_can_import_and_nothing_is_compiled_twice(tmp_path):
    regrets = {}
    for n_jobs, expected in ((1, (0, 5)), (2, (4, 1))):
        folder = tmp_path / str(n_jobs)
        folder.mkdir()
        regrets[n_jobs], *counts = play(folder, script=own(n_jobs))
        assert tuple(counts) == expected
    assert regrets[1] == regrets[2]


def made(policies, **changes):
    options = {"horizon": 20, "checkpoints": np.array([20]), "columns": ("regret",), "first_run": 0, "n_runs": 2}
    return [jobs.Job(arms.Bernoulli([0.1, 0.9]), policy, seed=0, **(options | changes)) for policy in policies]


FOUR = [arms.Uniform(), arms.RoundRobin(), arms.EpsilonGreedy(), arms.ExploreThenCommit(m=2)]


@pytest.mark.parametrize(
    ("policies", "changes", "n_jobs", "in_cache"),
    [
        (FOUR, {}, 2, True),  # nothing to do
        (FOUR, {}, 1, False),  # one process
        (FOUR[:3], {}, 2, False),  # not worth it
        ([*FOUR[:3], arms.EpsilonGreedy(epsilon=0.5)], {}, 2, False),  # three kernels
        (FOUR, {"backend": "python"}, 2, False),  # no kernels
    ],
    ids=["kept", "one process", "few", "the same kernel", "plain"],
)
def test_no_process_is_started_without_need(monkeypatch, policies, changes, n_jobs, in_cache):
    monkeypatch.setattr(ahead, "kept", lambda function, *components: in_cache)
    monkeypatch.setattr("joblib.externals.loky.ProcessPoolExecutor", lambda *_: pytest.fail("processes were started"))
    ahead.compile_ahead(made(policies, **changes), n_jobs, lambda text: None)


def test_what_fails_there_is_told_here(monkeypatch):
    def broken(self, environment, policy, batch):
        raise bl.errors.InvalidComponent(f"{policy!r} cannot be compiled")

    monkeypatch.setattr(arms.Uniform.family.protocol.__class__, "warm_up", broken)
    ahead._compile(made(FOUR)[0])
    assert ahead._missing(made(FOUR)[0]) == frozenset()
    with pytest.raises(bl.errors.InvalidComponent, match=r"Uniform\(\) cannot be compiled"):
        bl.run(arms.Bernoulli([0.1, 0.9]), FOUR, horizon=20, n_runs=2, seed=0, n_jobs=2)


def test_negative_numbers_of_jobs_count_from_all_cores():
    from joblib import cpu_count

    assert engine._Workers.of(made(FOUR), -1).n_jobs == cpu_count()
    assert engine._Workers.of(made(FOUR), 3).n_jobs == 3


@pytest.mark.skipif(not kernels.compiled_mode(), reason="nothing is compiled")
def test_kept_says_whether_a_kernel_need_not_be_compiled(tmp_path, monkeypatch):
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))

    @arms.policy
    class Fresh:
        def select(self, state, lane, t, rng):
            return 1

        def update(self, state, arm, lane, reward, t):
            pass

    job = made([Fresh()])[0]
    assert len(ahead._missing(job)) == 1
    ahead._compile(job)
    assert ahead._missing(job) == frozenset()
