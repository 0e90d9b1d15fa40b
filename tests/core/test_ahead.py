"""Kernels compiled by several processes: this one finds them on disk, and compiles what only it can."""

from __future__ import annotations

import ctypes
import dataclasses
import errno
import os
import pickle
import subprocess
import sys
import types

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms, clicks, cvar, dueling, semibandits
from banditlab.core.compiling import ahead, kernels
from banditlab.core.playing import jobs
from banditlab.core.playing.workers import Workers

from .scripts import POLICY, play

RUN = """
import banditlab as bl
from banditlab import arms
from banditlab.core.compiling import kernels

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
    monkeypatch.setattr(ahead.subprocess, "Popen", lambda *_, **__: pytest.fail("processes were started"))
    ahead.compile_ahead(made(policies, **changes), n_jobs, lambda text: None)


def test_no_process_is_started_by_one_of_several(monkeypatch):
    monkeypatch.setattr(ahead, "kept", lambda function, *components: False)
    monkeypatch.setattr(ahead, "parent_process", lambda: "one that has several")
    monkeypatch.setattr(ahead.subprocess, "Popen", lambda *_, **__: pytest.fail("processes were started"))
    ahead.compile_ahead(made(FOUR), 2, lambda text: None)


@pytest.fixture
def started(monkeypatch):
    """The processes that are started, which compile nothing."""
    found = []

    class Popen(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            found.append(self)

    monkeypatch.setattr(ahead.subprocess, "Popen", Popen)
    monkeypatch.setattr(ahead, "kept", lambda function, *components: False)
    quick = "from banditlab.core.compiling import ahead\nahead._compile = lambda job: None\nfrom banditlab"
    monkeypatch.setattr(ahead, "_SERVE", ahead._SERVE.replace("from banditlab", quick))
    return found


FAMILIES = {
    "arms": (arms.Gaussian([0.1, 0.9]), arms.UCB1()),
    "clicks": (
        clicks.StrategicClickBandit([0.6, 0.5], strategies=[0.7, 0.5]),
        clicks.UCBS(clicks.QuadraticUtility(2.0)),
    ),
    "contextual": (dueling.ContextualGLM([1.0, -0.5], dueling.UniformArms(3, 2)), dueling.MaxInP(radius=0.5)),
    "cvar": (arms.Gaussian([0.1, 0.9]), cvar.UUCB(0.5)),
    "dueling": (dueling.instances.cyclic(), dueling.DETECT(dueling.RUCB(), exploration=5, window=4, threshold=1.0)),
    "mdp": (cvar.random_mdp(3, 2, 3, seed=0), cvar.CVaRUCBVI(0.3)),
    "semibandits": (semibandits.SemiBandit(arms.Bernoulli([0.1, 0.9]), semibandits.MSets(1)), semibandits.CombUCB1()),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_jobs_of_every_family_can_be_sent_and_lack_the_same_kernels_there(monkeypatch, family):
    monkeypatch.setattr(ahead, "kept", lambda function, *components: False)
    environment, policy = FAMILIES[family]
    columns = policy.family.protocol.columns(environment, policy, policy.family.protocol.default_metrics)
    (job,) = made([policy], columns=columns)
    job = dataclasses.replace(job, environment=environment)
    assert ahead.missing_kernels(job)
    assert ahead.missing_kernels(pickle.loads(pickle.dumps(job))) == ahead.missing_kernels(job)


def test_no_process_is_left(started):
    told = []
    ahead.compile_ahead(made(FOUR), 2, told.append)
    assert [process.returncode is None for process in started] == [False, False]
    assert told[-1] == "compiling 4 kernels in 2 processes, 4 done"


def test_ctrl_c_ends_processes_at_once(started):
    def interrupt(text):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ahead.compile_ahead(made(FOUR), 2, interrupt)
    assert [process.returncode is None for process in started] == [False, False]
    assert all(os.getpgid(0) != process.pid for process in started)


@pytest.mark.parametrize("n_killed", [1, 2])
def test_what_is_left_of_killed_processes_is_given_to_others_or_to_none(started, n_killed):
    told = []

    def kill(text):
        told.append(text)
        for process in started[:n_killed]:
            process.kill()

    ahead.compile_ahead(made(FOUR), 2, kill)
    done = int(told[-1].split()[-2])
    assert done >= 3 if n_killed == 1 else done < 4


def test_processes_end_with_the_one_that_started_them(started):
    with ahead._process() as process:
        assert process.recv() == 0
        process.close()  # as when this process is killed
        assert started[0].wait(timeout=60) == 0


def test_what_cannot_be_read_there_is_left_to_this_process(started, monkeypatch):
    function = types.FunctionType((lambda: None).__code__, {}, "of_a_notebook")
    function.__module__, function.__qualname__ = "__main__", "of_a_notebook"
    monkeypatch.setattr(sys.modules["__main__"], "of_a_notebook", function, raising=False)
    with ahead._process() as process:
        assert process.recv() == 0
        process.send(function)
        assert process.recv() == 1
        process.send(made(FOUR)[0])
        assert process.recv() == 1


def test_where_no_process_can_be_started_everything_is_compiled_here(monkeypatch):
    monkeypatch.setattr(ahead, "kept", lambda function, *components: False)
    monkeypatch.setattr(ahead.sys, "executable", "/nowhere/python")
    ahead.compile_ahead(made(FOUR), 2, lambda text: pytest.fail(text))


def test_ctrl_c_is_not_lost_where_the_compiler_calls_back(monkeypatch):
    def swallowing(self, environment, policy, batch):
        callback = ctypes.CFUNCTYPE(None)(_interrupted)
        callback()  # prints what it raises

    monkeypatch.setattr(arms.Uniform.family.protocol.__class__, "warm_up", swallowing)
    hook = sys.unraisablehook
    with pytest.raises(KeyboardInterrupt, match="before every policy"):
        bl.run(arms.Bernoulli([0.1, 0.9]), FOUR[0], horizon=20, n_runs=2, seed=0, n_jobs=1)
    assert sys.unraisablehook is hook


def _interrupted():
    raise KeyboardInterrupt


def test_what_fails_there_is_told_here(monkeypatch):
    def broken(self, environment, policy, batch):
        raise bl.errors.InvalidComponent(f"{policy!r} cannot be compiled")

    monkeypatch.setattr(arms.Uniform.family.protocol.__class__, "warm_up", broken)
    ahead._compile(made(FOUR)[0])
    assert ahead.missing_kernels(made(FOUR)[0]) == frozenset()
    with pytest.raises(bl.errors.InvalidComponent, match=r"Uniform\(\) cannot be compiled"):
        bl.run(arms.Bernoulli([0.1, 0.9]), FOUR, horizon=20, n_runs=2, seed=0, n_jobs=2)


def test_negative_numbers_of_jobs_count_from_all_cores():
    from joblib import cpu_count

    assert Workers.of(made(FOUR), [], -1).n_jobs == cpu_count()
    assert Workers.of(made(FOUR), [], 3).n_jobs == 3


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
    assert len(ahead.missing_kernels(job)) == 1
    ahead._compile(job)
    assert ahead.missing_kernels(job) == frozenset()


@pytest.mark.skipif(not kernels.compiled_mode(), reason="nothing is compiled")
def test_what_a_full_disk_did_not_keep_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))

    @arms.policy
    class Lost:
        def select(self, state, lane, t, rng):
            return 1

        def update(self, state, arm, lane, reward, t):
            pass

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile._save_data", full)  # the index has been written by then
    ahead._compile(made([Lost()])[0])
    cache = kernels.compiled_kernels()[-1]._cache
    assert "Lost" in cache._cache_file._index_path
    assert not cache.holds_some()
    assert list(tmp_path.rglob("*.nb?")) == []
