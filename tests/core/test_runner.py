"""`run`: its promises (the same numbers however it is run) and its errors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import joblib
import numpy as np
import pytest

import banditlab as bl
from banditlab import arms, cvar
from banditlab.core.errors import IncompatiblePolicy, InterruptedRunWarning, InvalidArgument, InvalidType
from banditlab.core.playing import experiment, in_step, jobs, memory, runner
from tests.core.policies import Greedy

ENVIRONMENT = arms.Bernoulli([0.2, 0.5, 0.4])
POLICIES = [arms.UCB1(), arms.ThompsonSampling(), arms.EpsilonGreedy()]
ALL = ("regret", "reward", "optimal_rate", "pulls")


def play(**changes):
    arguments = {"environment": ENVIRONMENT, "policies": POLICIES, "horizon": 60, "n_runs": 150, "seed": 11} | changes
    options = {"metrics": ALL, "progress": False} | arguments
    return bl.run(options.pop("environment"), options.pop("policies"), **options)


def same(a, b, policies=POLICIES):
    for policy in policies:
        for metric in a.metrics:
            one = a.values(metric)[a.policies.index(policy.label)]
            two = b.values(metric)[b.policies.index(policy.label)]
            n = min(len(one), len(two))
            assert (one[:n] == two[:n]).all(), (policy, metric)


class TestReproducible:
    def test_whatever_the_chunk_size(self, monkeypatch):
        whole = play()
        for chunk in (1, 7, 64):
            monkeypatch.setattr(jobs, "CHUNK", chunk)
            same(play(n_runs=20), whole)

    def test_whatever_the_number_of_runs(self):
        same(play(n_runs=3), play(n_runs=300))

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_whatever_the_first_run(self, n_jobs):
        whole = play(n_runs=300)
        for first, n in ((0, 3), (1, 150), (130, 170), (299, 1)):
            later = play(first_run=first, n_runs=n, n_jobs=n_jobs)
            assert (later.first_run, later.n_runs) == (first, n)
            for metric in ALL[:3]:
                assert (later.values(metric) == whole.values(metric)[:, first : first + n]).all()

    def test_runs_far_out_are_agents_too(self):
        far = bl.run(
            arms.Gaussian([0.0, 0.1]),
            arms.GaussianThompsonSampling(),
            horizon=20,
            n_runs=1,
            seed=4,
            first_run=2**40,
            metrics="pulls",
            checkpoints=[1],
        )
        agent = bl.start(arms.GaussianThompsonSampling(), n_arms=2, seed=4, run=2**40)
        assert far.values(f"pulls[{agent.select()}]")[0, 0, 0] == 1

    def test_whatever_the_threads_and_processes(self):
        alone = play(n_jobs=1)
        same(play(n_jobs=2), alone)
        with joblib.parallel_config("loky", n_jobs=2):
            same(play(), alone)

    def test_whatever_the_order_and_company_of_policies(self):
        same(play(policies=POLICIES[::-1]), play())
        same(play(policies=[POLICIES[1]]), play(), policies=[POLICIES[1]])

    def test_compiled_or_plain(self):
        same(play(n_runs=4, backend="python"), play())

    def test_whatever_the_calls_that_rounds_are_split_into(self, monkeypatch):
        whole = play()
        monkeypatch.setattr("banditlab.arms.protocol.ArmsProtocol.first_call", 128 * 7)
        monkeypatch.setattr("banditlab.core.machines.SECONDS_A_CALL", 0.0)  # ever shorter, down to a round
        same(play(), whole)

    def test_horizon_only_cuts_the_trajectory(self):
        rounds = list(range(1, 31))
        short = play(horizon=30, checkpoints=rounds, n_runs=5)
        long = play(horizon=60, checkpoints=rounds, n_runs=5)
        same(short, long)

    def test_another_seed_is_another_experiment(self):
        a, b = play(seed=1), play(seed=2)
        assert (a.values()[:, :, -1] != b.values()[:, :, -1]).mean() > 0.5

    def test_runs_are_different(self):
        final = play(environment=arms.Gaussian([0.0, 0.1]), policies=arms.UCB1(), n_runs=400).values("reward")[0, :, -1]
        assert len(np.unique(final)) == 400

    def test_seed_is_drawn_and_recorded(self):
        a, b = play(seed=None, n_runs=10), play(seed=None, n_runs=10)
        assert a.seed != b.seed
        same(play(seed=a.seed, n_runs=10), a)

    def test_common_random_numbers(self):
        # two policies that always play arm 0 see the same rewards, though one of them draws random numbers
        one = play(
            environment=arms.Gaussian([0.3]), policies=[arms.RoundRobin(), arms.GaussianThompsonSampling()], n_runs=5
        )
        rewards = one.values("reward")
        assert (rewards[0] == rewards[1]).all()


class TestAccounting:
    def test_metrics_agree_with_each_other(self):
        result = play(checkpoints=[1, 10, 60])
        pulls = np.stack([result.values(f"pulls[{a}]") for a in range(3)])
        assert (pulls.sum(axis=0) == np.array([1, 10, 60])).all()
        gaps = ENVIRONMENT.gaps
        np.testing.assert_allclose(np.tensordot(gaps, pulls, 1), result.values("regret"), rtol=0, atol=1e-12)
        assert (result.values("optimal_rate") == pulls[1] / np.array([1, 10, 60])).all()
        assert (result.values("reward") <= np.array([1, 10, 60])).all()

    def test_uniform_play_has_the_known_regret_and_reward(self):
        result = bl.run(ENVIRONMENT, arms.Uniform(), horizon=100, n_runs=4000, seed=5, metrics=("regret", "reward"))
        for metric, mean in (("regret", 100 * ENVIRONMENT.gaps.mean()), ("reward", 100 * ENVIRONMENT.means.mean())):
            final = result.values(metric)[0, :, -1]
            assert abs(final.mean() - mean) < 4 * final.std() / np.sqrt(4000)

    def test_regret_only_equals_regret_with_everything(self):
        alone = bl.run(ENVIRONMENT, POLICIES, horizon=60, n_runs=150, seed=11)
        assert (alone.values() == play().values()).all()

    def test_single_arm_has_no_regret(self):
        result = bl.run(arms.Bernoulli([0.4]), [arms.UCB1(), arms.KLUCB()], horizon=20, n_runs=3, seed=0)
        assert (result.values() == 0).all()

    def test_several_environments(self):
        both = bl.run([ENVIRONMENT, arms.Bernoulli([0.9, 0.1])], POLICIES, horizon=50, n_runs=10, seed=0)
        assert len(both.environments) == 2
        one = bl.run(ENVIRONMENT, POLICIES, horizon=50, n_runs=10, seed=0)
        assert (both.values(environment=ENVIRONMENT.label) == one.values()).all()
        with pytest.raises(InvalidArgument, match="environment is None; allowed: one of"):
            both.values()

    def test_labels_from_a_dict(self):
        result = bl.run({"easy": ENVIRONMENT}, {"a": arms.UCB1(), "b": arms.UCB1()}, horizon=9, n_runs=2, seed=0)
        assert result.policies == ("a", "b")
        assert result.environments == ("easy",)


BAD = [
    ({"horizon": 0}, InvalidArgument, r"horizon is 0; allowed: an integer of at least 1"),
    ({"horizon": 2}, InvalidArgument, r"horizon is 2; allowed: at least 3, the number of arms"),
    ({"horizon": 10.5}, InvalidArgument, r"horizon is 10.5"),
    ({"horizon": "ten"}, InvalidType, r"horizon is 'ten'"),
    ({"n_runs": 0}, InvalidArgument, r"n_runs is 0"),
    ({"n_runs": -3}, InvalidArgument, r"n_runs is -3; allowed: an integer of at least 1"),
    ({"n_runs": 2.5}, InvalidArgument, r"n_runs is 2.5"),
    ({"n_runs": True}, InvalidType, r"n_runs is True"),
    ({"n_runs": None}, InvalidType, r"n_runs is None"),
    ({"first_run": -1}, InvalidArgument, r"first_run is -1; allowed: an integer of at least 0"),
    ({"first_run": 1.5}, InvalidArgument, r"first_run is 1.5"),
    ({"first_run": True}, InvalidType, r"first_run is True"),
    ({"first_run": 2**60}, InvalidArgument, r"first_run is 1152921504606846976; allowed: at most 9007199254740992"),
    ({"seed": -1}, InvalidArgument, r"seed is -1; allowed: an integer from 0 to 18446744073709551615"),
    ({"seed": 2**64}, InvalidArgument, r"seed is 18446744073709551616"),
    ({"seed": 1.5}, InvalidArgument, r"seed is 1.5"),
    ({"n_jobs": 0}, InvalidArgument, r"n_jobs is 0"),
    ({"n_jobs": 1.5}, InvalidArgument, r"n_jobs is 1.5"),
    ({"backend": "gpu"}, InvalidArgument, r"backend is 'gpu'; allowed: one of 'cpu', 'python'"),
    ({"progress": "yes"}, InvalidArgument, r"progress is 'yes'"),
    ({"metrics": "regrets"}, InvalidArgument, r"metrics is 'regrets'; allowed: one of 'regret', 'reward'"),
    ({"metrics": ()}, InvalidType, r"metrics is \(\); allowed: a metric's name, or a list of names"),
    ({"metrics": ("regret", "regret")}, InvalidArgument, r"metrics\[1\] is 'regret'; allowed: a name that is not"),
    ({"checkpoints": [5, 3]}, InvalidArgument, r"checkpoints\[1\] is 3; allowed: above checkpoints\[0\], which is 5"),
    ({"checkpoints": [3, 3]}, InvalidArgument, r"checkpoints\[1\] is 3"),
    ({"checkpoints": [5, 61]}, InvalidArgument, r"checkpoints\[1\] is 61; allowed: from 1 to the horizon, 60"),
    ({"checkpoints": [0, 5]}, InvalidArgument, r"checkpoints\[0\] is 0"),
    ({"checkpoints": []}, InvalidArgument, r"checkpoints is \[\]"),
    ({"checkpoints": [[1, 2], [3]]}, InvalidArgument, r"checkpoints is \[\[1, 2\], \[3\]\]"),
    ({"checkpoints": [1.5, 2]}, InvalidType, r"allowed: whole numbers"),
    ({"checkpoints": "sometimes"}, InvalidArgument, r"checkpoints is 'sometimes'; allowed: 'log', 'linear'"),
    ({"checkpoints": 0}, InvalidArgument, r"checkpoints is 0"),
    (
        {"policies": [arms.UCB1(), arms.UCB1()]},
        InvalidArgument,
        r"label 'UCB1' more than once; .*name them with a dict",
    ),
    ({"policies": []}, InvalidArgument, r"policies is \[\]; allowed: at least one policy"),
    ({"policies": 5}, InvalidType, r"policies is 5; allowed: a policy, a list of them, or a dict"),
    ({"policies": [arms.UCB1]}, InvalidType, r"policies\[0\] is the class UCB1; allowed: an instance, UCB1\(...\)"),
    ({"policies": [ENVIRONMENT]}, InvalidType, r"policies\[0\] is Bernoulli.*; allowed: a policy"),
    ({"environment": arms.UCB1()}, InvalidType, r"environment is UCB1\(\); allowed: an environment, a list"),
    ({"environment": None}, InvalidType, r"environment is None; allowed: an environment, a list of them"),
    (
        {"environment": arms.Gaussian([0, 1])},
        IncompatiblePolicy,
        r"ThompsonSampling cannot play Gaussian\(\[0, 1\]\): it learns from rewards that are 0 or 1, "
        r"and these are in \(-inf, inf\)",
    ),
]


class TestBadInput:
    @pytest.mark.parametrize(("changes", "error", "message"), BAD, ids=[str(b[0])[:50] for b in BAD])
    def test_is_refused_before_anything_is_simulated(self, changes, error, message, monkeypatch):
        monkeypatch.setattr(runner, "play", lambda *a: pytest.fail("it simulated"))
        arguments = {"horizon": 60, "n_runs": 10, "seed": 0, "metrics": ALL} | changes
        environment, policies = arguments.pop("environment", ENVIRONMENT), arguments.pop("policies", POLICIES)
        with pytest.raises(error, match=message):
            bl.run(environment, policies, **arguments)

    def test_every_reason_is_told(self):
        with pytest.raises(IncompatiblePolicy) as caught:
            bl.run(arms.Poisson([1.0, 2.0]), [arms.UCB1(), arms.KLUCB(), arms.EXP3()], horizon=10, n_runs=1, seed=0)
        assert "KLUCB cannot play" in str(caught.value)
        assert "EXP3 cannot play" in str(caught.value)
        assert "UCB1 cannot" not in str(caught.value)

    def test_adversarial_table_shorter_than_the_horizon(self):
        with pytest.raises(InvalidArgument, match=r"horizon is 6; allowed: at most 5, the number of rows"):
            bl.run(arms.Adversarial(np.zeros((5, 2))), arms.UCB1(), horizon=6, n_runs=1, seed=0)


def interrupting(after):
    """Return a stand-in for `Progress.add` that interrupts after a number of finished tasks."""
    seen = []

    def add(bar, rounds):
        seen.append(rounds)
        if len(seen) == after:
            raise KeyboardInterrupt

    return add


def test_results_larger_than_the_memory_are_refused_before_anything_is_played():
    policies = [arms.UCB1(), arms.Uniform()]
    with pytest.raises(InvalidArgument, match=r"n_runs is 2,147,483,648, .* 3,436 GB .* keep='summary'"):
        bl.run(ENVIRONMENT, policies, horizon=10**4, n_runs=2**31, checkpoints="linear")  # 100 of them


def test_sketches_larger_than_the_memory_are_refused_before_anything_is_played(monkeypatch):
    """A run gathers all pairs in step, in 15 GB of sketches for 44 MB of statistics; a sweep one after the other."""
    monkeypatch.setattr(memory, "memory_limit", lambda: 2**33)
    worlds = {f"world {k}": ENVIRONMENT for k in range(50)}
    players = {f"alpha={k}": arms.UCB1(alpha=1 + k) for k in range(100)}
    sizes = {"n_runs": 10**4, "checkpoints": "linear"}
    with pytest.raises(
        InvalidArgument, match=r"n_runs is 10,000, .* 15 GB .* 8\.6 GB that .* \(.*, or a sweep, whose cells"
    ):
        bl.run(worlds, players, keep="summary", horizon=10**4, **sizes)
    one_by_one = experiment.Settings(first_run=0, seed=0, metrics=None, backend="cpu", **sizes)
    memory.require_memory(one_by_one.jobs(worlds, players, 10**4).values(), "summary")


def test_a_backend_that_returns_nothing_while_it_plays_is_refused():
    with (
        joblib.parallel_config("multiprocessing", n_jobs=2),
        pytest.raises(InvalidArgument, match=r"joblib.parallel_config names a backend that returns no results"),
    ):
        play(n_runs=1_000)


def test_speed_is_that_of_a_processor_and_not_of_what_it_waits_for(monkeypatch):
    protocol = type(arms.UCB1.family.protocol)
    simulate = protocol.simulate

    def after_others(self, *game):
        time.sleep(0.3)
        return simulate(self, *game)

    play(n_runs=1)  # compiles
    monkeypatch.setattr(protocol, "simulate", after_others)
    result = play(n_runs=256)
    assert result.provenance["wall_seconds"] > 0.3
    assert (result.seconds() > 0.0).all()
    assert (result.seconds() < 0.3).all()
    assert (result.summary()["rounds_per_second"] > result.n_runs * result.checkpoints[-1] / 0.3).all()


class TestInterruption:
    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_returns_what_all_policies_have_finished(self, monkeypatch, n_jobs):
        # tasks of milliseconds and sixty of them: no thread lags so far behind that the first chunk is still unfinished
        whole = play(n_runs=20_000, n_jobs=1, horizon=2000)
        monkeypatch.setattr(runner.Progress, "add", interrupting(after=60))
        with pytest.warns(InterruptedRunWarning, match=r"the result holds the \d+ of 20000 runs"):
            part = play(n_runs=20_000, n_jobs=n_jobs, horizon=2000)
        assert 0 < part.n_runs < 20_000
        assert part.values().shape[1] == part.n_runs
        assert (part.values() == whole.values()[:, : part.n_runs]).all()

    @pytest.mark.parametrize("n_jobs", [1, 2])
    @pytest.mark.parametrize("policies", [POLICIES, [arms.UCB1(), cvar.BernsteinUCB()]], ids=["alike", "other chunks"])
    def test_statistics_are_of_what_all_policies_have_finished(self, monkeypatch, policies, n_jobs):
        options = {"policies": policies, "keep": "summary", "metrics": ("regret",), "horizon": 50}
        monkeypatch.setattr(runner.Progress, "add", interrupting(after=40))
        with pytest.warns(InterruptedRunWarning, match=r"the result holds the \d+ of 20000 runs"):
            part = play(n_runs=20_000, n_jobs=n_jobs, **options)
        monkeypatch.undo()
        assert 0 < part.n_runs < 20_000
        whole = play(n_runs=part.n_runs, n_jobs=1, **options)
        for mine, expected in zip(part.statistics(), whole.statistics(), strict=True):
            assert mine.n_runs == part.n_runs
            for name, values in expected.columns().items():
                np.testing.assert_array_equal(mine.columns()[name], values)

    def test_ctrl_c_waits_for_what_is_being_gathered(self):
        gathered = []

        def gather():
            with in_step.at_once():
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.01)
                gathered.append("to the end")

        before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background begins deaf
        try:
            with pytest.raises(KeyboardInterrupt):
                gather()
        finally:
            signal.signal(signal.SIGINT, before)
        assert gathered == ["to the end"]

    def test_raises_when_nothing_is_finished(self, monkeypatch):
        monkeypatch.setattr(runner.Progress, "add", interrupting(after=1))
        with pytest.raises(KeyboardInterrupt):
            play()

    def test_real_signal_stops_a_long_run_soon(self, tmp_path):
        script = tmp_path / "long.py"
        script.write_text(
            "import signal\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job inherits it ignored
            "import warnings, banditlab as bl\n"
            "from banditlab import arms\n"
            "bl.run(arms.Bernoulli([.2, .5, .4]), arms.UCB1(), horizon=10, n_runs=1, seed=0)\n"
            "print('go', flush=True)\n"
            "warnings.simplefilter('ignore')\n"
            "r = bl.run(arms.Bernoulli([.2, .5, .4]), arms.UCB1(), horizon=10**5, n_runs=10**5, seed=0, n_jobs=2)\n"
            "print(r.n_runs)\n"
        )
        child = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        assert child.stdout.readline() == "go\n"
        time.sleep(6)  # long enough for a first chunk of 128 runs
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=60)
        assert child.returncode == 0
        assert 0 < int(out) < 10**5


class TestProgress:
    def test_silent_when_not_a_terminal(self, capfd):
        play()
        out, err = capfd.readouterr()
        assert out == err == ""

    def test_shows_what_is_compiled_and_played(self, monkeypatch):
        said: list[str] = []
        monkeypatch.setattr(runner.Progress, "say", lambda bar, text: said.append(text))
        play(n_runs=3)
        assert said == [f"compiling {p} on Bernoulli" for p in ("UCB1", "ThompsonSampling", "EpsilonGreedy")] + [
            "playing"
        ]

    def test_counts_all_rounds(self, monkeypatch):
        counted: list[int] = []
        monkeypatch.setattr(runner.Progress, "add", lambda bar, rounds: counted.append(rounds))
        play(n_runs=300, n_jobs=1)
        assert sum(counted) == 3 * 300 * 60

    def test_bar_can_be_forced(self, capfd):
        with runner.Progress(100, True) as bar:
            bar._bar.delay = 0
            bar.say("compiling UCB1 on Bernoulli")
            bar.add(50)
            bar._bar.refresh()
        assert "compiling UCB1 on Bernoulli:  50%" in capfd.readouterr().err


def test_policy_of_a_user_is_as_fast_as_ours():
    """Same mechanism, same kernel: a policy defined here compiles to a kernel of its own, as ours do."""
    result = bl.run(ENVIRONMENT, [Greedy(), arms.UCB1()], horizon=500, n_runs=256, seed=0)
    from banditlab.core.compiling.kernels import compiled_kernels

    names = [k.py_func.__qualname__ for k in compiled_kernels()]
    assert any(name.startswith("play-Bernoulli-Greedy-") for name in names)
    assert (result.seconds() > 0).all()


def test_import_is_light():
    heavy = ("scipy.stats", "matplotlib", "pandas", "cvxpy", "pyarrow", "dask", "cupy", "joblib", "tqdm")
    code = f"import sys, banditlab; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
