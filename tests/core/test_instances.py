"""Environments that are another one in each run: each run is the one that its instance would play alone."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
from functools import partial
from types import SimpleNamespace
from typing import Any

import joblib
import numpy as np
import pytest
from scipy import stats

import banditlab as bl
from banditlab import arms, clicks, cvar, dueling, scoring, semibandits
from banditlab.arms.protocol import ArmsProtocol
from banditlab.core import instances, sampling, stacked
from banditlab.core.validation import one_of, optional, positive, vector
from banditlab.errors import (
    CellFailedWarning,
    IncompatiblePolicy,
    InvalidArgument,
    InvalidComponent,
    InvalidType,
    StoreError,
)
from tests.scoring.instances import toy


def bernoulli(rng):
    return arms.Bernoulli(rng.random(4))


def distributions(rng):
    return arms.FromScipy([stats.beta(*rng.uniform(0.5, 2.0, 2)) for _ in range(2)])


def counts(rng):
    return arms.Poisson(rng.uniform(0.0, 30.0, 3))


def changing(rng):
    return arms.PiecewiseStationary([bernoulli(rng), bernoulli(rng)], [int(rng.integers(2, 20))])


def losses(rng):
    return arms.Adversarial(rng.random((60, 3)))


def levels(rng):
    return arms.Gaussian(rng.normal(size=3), std=float(rng.uniform(0.5, 2.0)))


def matrix(rng):
    return dueling.instances.random_condorcet(5, pmin=0.6, seed=int(rng.integers(2**32)))


def sequence(rng):
    return dueling.PiecewiseStationary([matrix(rng), matrix(rng)], [20])


def irregular(rng):
    return dueling.PiecewiseStationary([matrix(rng), matrix(rng)], [int(rng.integers(2, 40))])


def strategic(rng):
    return clicks.StrategicClickBandit(rng.random(3), rng.random(3))


def featured(rng):
    return dueling.ContextualGLM(rng.normal(size=2) / 3.0, rng.normal(size=(3, 2)) / 3.0)


def items(rng):
    return semibandits.SemiBandit(arms.Bernoulli(rng.random(4)), semibandits.MSets(2))


def process(rng):
    return cvar.random_mdp(3, 2, 3, seed=int(rng.integers(2**32)))


def agent(rng):
    return toy(costs=[0.0, rng.uniform(0.02, 0.04), 0.08])


GAMES = {
    "arms": (bernoulli, [arms.UCB1(), arms.ThompsonSampling()], ["regret", "reward", "pulls"]),
    "arms, several numbers each": (levels, arms.GaussianKLUCB(), ["regret", "cvar_regret[0.3]"]),
    "arms, tables of their own length": (counts, arms.UCB1(), ["regret", "pulls"]),
    "arms, distributions": (distributions, arms.UCB1(), "regret"),
    "arms, that change": (changing, arms.DiscountedUCB(), "regret"),
    "arms, adversarial": (losses, arms.EXP3(), "regret"),
    "cvar": (bernoulli, [cvar.BernsteinUCB(0.3), cvar.BCVTS(0.6)], None),
    "dueling": (matrix, [dueling.RUCB(), dueling.WinnerStaysWeak()], ["binary_weak_regret", "duels"]),
    "dueling, that changes": (sequence, dueling.BeatTheWinnerReset(), "binary_weak_regret"),
    "dueling, that changes in other rounds": (irregular, dueling.BeatTheWinnerReset(), "binary_weak_regret"),
    "clicks": (strategic, clicks.UCBS(), ["regret", "clicks"]),
    "contextual duels": (featured, dueling.MaxInP(), None),
    "semibandits": (items, semibandits.CombUCB1(), ["regret", "reward"]),
    "mdp": (process, cvar.ICVaRRM(0.3), None),
    "scoring": (agent, scoring.OSRA(), None),
}
OPTIONS = {"horizon": 50, "seed": 3, "checkpoints": [10, 50], "progress": False}


def played(source, policies, metrics, **changes):
    return bl.run(bl.Instances(source), policies, **(OPTIONS | {"n_runs": 9, "metrics": metrics} | changes))


def same(one, two):
    assert one.metrics == two.metrics
    for metric in one.metrics:
        np.testing.assert_array_equal(one.values(metric), two.values(metric))


@pytest.mark.parametrize("name", GAMES)
def test_run_i_is_what_instance_i_plays_alone(name):
    source, policies, metrics = GAMES[name]
    together = played(source, policies, metrics, first_run=2)
    assert len(np.unique(together.values()[0, :, -1])) > 1
    for k in range(9):
        world = bl.Instances(source).instance(seed=3, run=2 + k)
        alone = bl.run(world, policies, n_runs=1, first_run=2 + k, metrics=metrics, **OPTIONS)
        for metric in together.metrics:
            np.testing.assert_array_equal(together.values(metric)[:, [k]], alone.values(metric))


@pytest.mark.parametrize(
    ("source", "side_by_side"),
    [
        *((source, True) for source in (bernoulli, levels, losses, matrix, sequence)),
        *((source, False) for source in (counts, changing, irregular, items)),
    ],
)
def test_instances_that_differ_in_numbers_alone_share_a_kernel(source, side_by_side):
    worlds = [bl.Instances(source).instance(seed=0, run=run) for run in range(9)]
    found = worlds[0].family.protocol.side_by_side(worlds, 50, ("binary_weak_regret",))
    assert (found is not None) == side_by_side


@arms.environment
class Tilted(arms.Stationary):
    """One whose kernels get the same numbers under names that depend on a text, and one number more or less."""

    means: np.ndarray = bl.field(doc="means")
    kind: str = bl.field(default="up", check=one_of("up", "down"), doc="which way")
    shift: float | None = bl.field(default=None, check=optional(positive), doc="for one test of two")

    def derive(self, problem):
        up, down = (2.0, 1.0) if self.kind == "up" else (1.0, 2.0)
        slopes = {"up": up, "down": down} if self.kind == "up" else {"down": down, "up": up}
        return super().derive(problem) | slopes

    def reward(self, arm, u, t):
        return self.means[arm] + (self.up - self.down) * u


@arms.environment
class Scaled(arms.Stationary):
    """One with an array that has no axis."""

    means: np.ndarray = bl.field(doc="means")
    scale: np.ndarray = bl.field(check=lambda name, value: np.array(value), doc="scale")

    def reward(self, arm, u, t):
        return self.means[arm] + self.scale[()] * u


def tilted(rng):
    return Tilted(rng.random(3), kind=str(rng.choice(["up", "down"])))


def shifted(rng):
    return Tilted(rng.random(3), shift=float(rng.random()) if rng.random() < 0.5 else None)


def scaled(rng):
    return Scaled(rng.random(3), float(rng.random()))


@pytest.mark.parametrize("source", [tilted, shifted, scaled])
@pytest.mark.parametrize("backend", ["cpu", "python"])
def test_what_kernels_of_instances_get_is_what_they_would_get_alone(source, backend):
    together = played(source, arms.UCB1(), "reward", backend=backend)
    for k in range(9):
        world = bl.Instances(source).instance(seed=3, run=k)
        alone = bl.run(world, arms.UCB1(), n_runs=1, first_run=k, metrics="reward", **OPTIONS)
        np.testing.assert_array_equal(together.values()[:, [k]], alone.values())


@pytest.mark.parametrize("name", ["arms", "arms, tables of their own length", "dueling"])
class TestRunsAreTheSame:
    def test_whatever_the_chunk_and_the_threads(self, name, monkeypatch):
        expected = played(*GAMES[name], n_runs=150, n_jobs=1)
        monkeypatch.setattr("banditlab.core.playing.jobs.CHUNK", 7)
        same(played(*GAMES[name], n_runs=150, n_jobs=2), expected)

    def test_compiled_or_plain(self, name):
        same(played(*GAMES[name], backend="python"), played(*GAMES[name]))

    def test_however_much_is_stacked(self, name, monkeypatch):
        expected = played(*GAMES[name])
        monkeypatch.setattr(stacked, "MOST_BYTES", 0)
        same(played(*GAMES[name]), expected)

    def test_drawn_or_listed(self, name):
        source, policies, metrics = GAMES[name]
        listed = [bl.Instances(source).instance(seed=3, run=run) for run in range(9)]
        same(played(listed, policies, metrics), played(source, policies, metrics))


def test_processes_get_the_entries_that_they_play(monkeypatch):
    listed = [bl.Instances(bernoulli).instance(seed=3, run=run) for run in range(150)]
    expected = played(listed, arms.UCB1(), "regret", n_runs=145, first_run=4)
    sent = []
    for_runs = bl.Instances.for_runs
    monkeypatch.setattr(bl.Instances, "for_runs", lambda *given: sent.append(for_runs(*given)) or sent[-1])
    with joblib.parallel_config("loky"):
        same(played(listed, arms.UCB1(), "regret", n_runs=145, first_run=4, n_jobs=2), expected)
    assert [len(part.source) for part in sent] == [124, 21]
    assert {part.label for part in sent} == {"Instances(150 Bernoulli)"}


def test_rules_of_instances_can_be_copied():
    rules = bl.Instances(bernoulli).protocol(arms.UCB1().family.protocol)
    for made in (copy.copy(rules), pickle.loads(pickle.dumps(rules))):
        assert type(made) is type(rules)
        assert made.round == "round"
        assert not hasattr(made, "absent")


def test_an_environment_is_looked_at_closely_once_and_not_for_each_policy_and_run(monkeypatch):
    @arms.environment
    class Asked(arms.Stationary):
        means: Any = bl.field(check=vector(0.0, 1.0))

        @property
        def support(self):
            return arms.Support(0.0, 1.0, binary=True)

        def reward(self, arm, u, t):
            return 1.0 if u < self.means[arm] else 0.0

    seen = []
    check = ArmsProtocol.check_environment

    def noted(self, environment, horizon, *, closely=True):
        seen.append(closely)
        check(self, environment, horizon, closely=closely)

    monkeypatch.setattr(ArmsProtocol, "check_environment", noted)
    players = {"one": arms.UCB1(), "two": arms.RoundRobin()}
    bl.run(Asked([0.1, 0.2]), players, horizon=5, n_runs=3, seed=0)
    assert seen == [True]
    bl.run(bl.Instances(lambda rng: Asked(rng.random(2))), players, horizon=5, n_runs=3, seed=0, n_jobs=1)
    assert seen[:2] == [True] * 2
    assert set(seen[2:]) == {False}  # six runs, and those of rehearsals
    seen.clear()
    bl.sweep(Asked([0.1, 0.2]), players, {"horizon": [5, 6]}, n_runs=3, seed=0)
    assert seen == [True] * 2  # one per horizon


def test_statistics_are_those_of_the_runs():
    kept = played(bernoulli, arms.UCB1(), "regret", n_runs=300)
    (known,) = played(bernoulli, arms.UCB1(), "regret", n_runs=300, keep="summary").statistics()
    np.testing.assert_allclose(known.mean, kept.values()[0].mean(axis=0), rtol=1e-12)


def test_policies_meet_the_same_instances():
    found = played(levels, {"one": arms.RoundRobin(), "two": arms.RoundRobin()}, ["regret", "reward"])
    for metric in found.metrics:
        np.testing.assert_array_equal(*found.values(metric))


def test_another_seed_draws_other_instances():
    prior = bl.Instances(bernoulli)
    drawn = [prior.instance(seed, run).means for seed in (0, 1) for run in range(3)]
    assert len({tuple(means) for means in drawn}) == 6
    assert prior.instance(0, 2) == prior.instance(0, 2)


def test_an_instance_is_independent_of_the_luck_of_its_run():
    """Else a good arm could come with good rewards: the correlation is 0, within 4 standard errors."""
    prior, n = bl.Instances(lambda rng: arms.Gaussian(rng.normal(size=1))), 4000
    means = np.array([prior.instance(0, run).means[0] for run in range(n)])
    reward = bl.run(prior, arms.RoundRobin(), horizon=1, n_runs=n, seed=0, metrics="reward").values()[0, :, 0]
    assert abs(np.corrcoef(means, reward - means)[0, 1]) < 4.0 / np.sqrt(n)
    assert reward.var() == pytest.approx(2.0, abs=4.0 * 2.0 * np.sqrt(2.0 / n))


def test_uniform_play_has_the_bayes_regret_that_is_known():
    """Two means uniform in [0, 1]: the larger is 2/3 on average, and uniform play earns 1/2 a round."""
    prior = bl.Instances(lambda rng: arms.Bernoulli(rng.random(2)))
    found = bl.run(prior, arms.Uniform(), horizon=60, n_runs=20_000, seed=1).values()[0, :, -1]
    assert abs(found.mean() - 60.0 / 6.0) < 4.0 * found.std() / np.sqrt(len(found))


def test_thompson_sampling_keeps_its_bayes_regret_bound():
    """Bubeck and Liu 2013, Theorem 1: at most 14 sqrt(K T) for any prior."""
    result = bl.run(bl.Instances(bernoulli), arms.ThompsonSampling(), horizon=1000, n_runs=1000, seed=0)
    assert result.values()[0, :, -1].mean() < 14.0 * np.sqrt(4 * 1000)


def test_a_list_can_hold_an_instance_several_times():
    worlds = [arms.Bernoulli([0.2, 0.6]), arms.Bernoulli([0.5, 0.4])]
    found = played([world for world in worlds for _ in range(4)], arms.UCB1(), "regret", n_runs=8)
    for k, world in enumerate(worlds):
        alone = bl.run(world, arms.UCB1(), n_runs=4, first_run=4 * k, **OPTIONS)
        np.testing.assert_array_equal(found.values()[:, 4 * k : 4 * k + 4], alone.values())


def test_there_is_no_lower_bound_and_a_picture_without_one():
    found = played(bernoulli, arms.UCB1(), "regret")
    assert found.lower_bound() is None
    assert "ratio_to_lower_bound" not in found.summary()
    assert len(found.plot().get_lines()) == 1


def test_results_say_what_was_drawn_from(tmp_path):
    found = played(bernoulli, arms.UCB1(), "regret")
    assert found.environments == ("Instances(bernoulli)",)
    described = found.provenance["environments"]["Instances(bernoulli)"]
    assert described["source"] == "bernoulli"
    assert described["specimen"]["type"] == "banditlab.arms.Bernoulli"
    same(bl.load(found.save(tmp_path / "r.parquet")), found)


def test_sweeps_and_comparisons_take_them():
    def sized(n_arms):
        return bl.Instances(lambda rng: arms.Bernoulli(rng.random(n_arms)))

    swept = bl.sweep(sized, arms.UCB1(), over={"n_arms": [2, 3]}, horizon=30, n_runs=5, seed=0, progress=False)
    for cell in swept.cells:
        alone = bl.run(sized(cell.parameters["n_arms"]), arms.UCB1(), horizon=30, n_runs=5, seed=0)
        np.testing.assert_array_equal(swept.results(cell.parameters).values(), alone.values())
    policies = [arms.ThompsonSampling(), arms.Uniform()]
    found = bl.compare(policies, bl.Instances(bernoulli), horizon=300, seed=0, progress=False)
    assert found.ranking().index.tolist() == ["ThompsonSampling", "Uniform"]


def test_a_comparison_is_refused_that_may_need_more_runs_than_there_are_instances():
    policies, listed = (
        [arms.ThompsonSampling(), arms.Uniform()],
        bl.Instances([bernoulli(np.random.default_rng(0))] * 20),
    )
    with pytest.raises(InvalidArgument, match=r"group is 10 and max_groups is 3, .* 30 runs; allowed: .* at most 20"):
        bl.compare(policies, listed, horizon=20, seed=0, group=10, max_groups=3)
    assert bl.compare(policies, listed, horizon=20, seed=0, group=10, max_groups=2).played.max() <= 20


def test_a_sweep_goes_on_when_a_source_fails_and_tells_why():
    def sized(n_arms):
        def drawn(rng):
            means = rng.random(n_arms)
            if n_arms == 3 and means[0] < 0.5:
                raise ValueError("too bad an arm")
            return arms.Bernoulli(means)

        return bl.Instances(drawn)

    over = {"n_arms": [2, 3, 4]}
    with pytest.warns(CellFailedWarning, match=r"1 of 3 .*first \(UCB1, n_arms=3\) with ValueError: too bad an arm"):
        swept = bl.sweep(sized, arms.UCB1(), over=over, horizon=30, n_runs=20, seed=0, progress=False)
    assert swept.failures["error"].tolist() == ["ValueError: too bad an arm"]
    assert [cell.parameters["n_arms"] for cell in swept.cells if cell.cell is not None] == [2, 4]


def test_equal_and_pickled():
    listed = bl.Instances([arms.Bernoulli([0.1, 0.2])])
    assert listed == bl.Instances((arms.Bernoulli([0.1, 0.2]),))
    assert pickle.loads(pickle.dumps(listed)) == listed
    assert pickle.loads(pickle.dumps(bl.Instances(bernoulli))) == bl.Instances(bernoulli)
    assert bl.Instances(bernoulli) != bl.Instances(levels)
    with pytest.raises(dataclasses.FrozenInstanceError):
        listed.source = ()


class TestStore:
    def test_runs_are_found_again(self, tmp_path, simulated):
        first = played(bernoulli, arms.UCB1(), "regret", n_runs=200, store=tmp_path)
        simulated.clear()
        same(played(bernoulli, arms.UCB1(), "regret", n_runs=200, store=tmp_path), first)
        assert not simulated

    @pytest.mark.parametrize("low", [0.0, 0.1])
    def test_another_source_is_another_cell(self, tmp_path, low):
        def drawn(rng):
            return arms.Bernoulli(rng.uniform(low, 1.0, 4))

        stored = [played(s, arms.UCB1(), "regret", store=tmp_path) for s in (bernoulli, drawn)]
        assert len(bl.Store(tmp_path).cells()) == 2
        same(stored[1], played(drawn, arms.UCB1(), "regret"))

    @pytest.mark.parametrize(
        ("made", "changed"),
        [
            (lambda low: SimpleNamespace(low=low), lambda held: setattr(held, "low", 0.5)),
            (lambda low: {"low": SimpleNamespace(low=low)}, lambda held: setattr(held["low"], "low", 0.5)),
            (lambda low: [arms.Bernoulli([low])] * 500, lambda held: held.__setitem__(7, arms.Bernoulli([0.5]))),
        ],
    )
    def test_a_source_that_reads_what_has_changed_is_another_cell(self, tmp_path, made, changed):
        held = made(0.1)

        def low(rng):
            if isinstance(held, list):
                return held[rng.integers(len(held))].means[0]
            return (held["low"] if isinstance(held, dict) else held).low

        prior = bl.Instances(lambda rng: arms.Bernoulli(rng.uniform(low(rng), 1.0, 3)))
        for _ in range(2):
            for _ in range(2):
                bl.run(prior, arms.UCB1(), n_runs=3, store=tmp_path, **OPTIONS)
            changed(held)
        assert len(bl.Store(tmp_path).cells()) == 2

    def test_arguments_of_a_partial_function_make_other_cells(self, tmp_path, simulated):
        def sized(n_arms, rng, low):
            return arms.Bernoulli(rng.uniform(low, 1.0, n_arms))

        for n_arms, low in ((2, 0.0), (3, 0.0), (2, 0.1)):
            prior = bl.Instances(partial(sized, n_arms, low=low))
            assert prior.label == f"Instances(sized({n_arms}, low={low:g}))"
            for _ in range(2):
                bl.run(prior, arms.UCB1(), n_runs=3, store=tmp_path, **OPTIONS)
        assert len(bl.Store(tmp_path).cells()) == len(simulated) == 3

    def test_what_cannot_be_told_apart_is_refused(self, tmp_path):
        class Prior:
            def __call__(self, rng):
                return bernoulli(rng)

        played(Prior(), arms.UCB1(), "regret")
        with pytest.raises(StoreError, match="cannot hold"):
            played(Prior(), arms.UCB1(), "regret", store=tmp_path)


def yielding(rng):
    yield ARM


async def waiting(rng):
    return ARM


GLOBAL = np.random.default_rng(0)
ARM = arms.Bernoulli([0.1, 0.5])


class TestSourcesThatAreRefused:
    @pytest.mark.parametrize(
        ("source", "error", "message"),
        [
            (3, InvalidType, r"Instances.source is 3; allowed: a function .*, or a list of environments"),
            ([], InvalidType, r"Instances.source is \[\]; allowed"),
            (ARM, InvalidType, r"source is Bernoulli\(\[0.1, 0.5\]\); allowed"),
            ([ARM, arms.UCB1()], InvalidType, r"source\[1\] is UCB1\(\); allowed: an environment"),
            ([ARM, arms.Bernoulli([0.1])], InvalidArgument, r"source\[1\] is .*allowed: a Bernoulli with 2 arms"),
            ([ARM, arms.Gaussian([0.1, 0.2])], InvalidArgument, r"source\[1\] is Gaussian.*allowed: a Bernoulli"),
            ([bl.Instances(bernoulli)], InvalidType, r"source\[0\] is Instances\(bernoulli\); allowed"),
            (np.array([ARM]), InvalidType, r"source is array\(.*allowed: .* a list of environments"),
            (int, TypeError, "int"),
            (yielding, InvalidType, "source is yielding, a generator or async; allowed: def, without yield"),
            (waiting, InvalidType, "source is waiting, a generator or async; allowed: def, without yield"),
            (lambda: ARM, InvalidType, r"source is <lambda>\(\); allowed: a function of one argument"),
            (lambda rng: 3, InvalidType, "source returned 3; allowed: an environment"),
            (lambda rng: arms.Bernoulli, InvalidType, "source returned .*; allowed: an environment"),
            (lambda rng: arms.Bernoulli(np.random.rand(2)), InvalidArgument, "draws from np.random.rand"),  # noqa: NPY002
            (lambda rng: arms.Bernoulli(GLOBAL.random(2)), InvalidArgument, "draws from GLOBAL"),
        ],
    )
    def test_when_they_are_given(self, source, error, message):
        with pytest.raises(error, match=message):
            bl.Instances(source)

    def test_if_they_draw_from_elsewhere(self):
        class Hidden:
            def __init__(self):
                self.generator = np.random.default_rng(0)

            def __call__(self, rng):
                return arms.Bernoulli(self.generator.random(2))

        with pytest.raises(InvalidArgument, match=r"with the same generator Bernoulli.*the generator alone"):
            bl.Instances(Hidden())

    def test_if_instances_share_an_array(self):
        @arms.environment
        class Lent(arms.Stationary):
            means: np.ndarray = bl.field(doc="means", check=lambda name, value: value)

            def reward(self, arm, u, t):
                return self.means[arm]

        room = np.zeros(2)
        with pytest.raises(InvalidArgument, match=r"Lent\(\[0.6.*which its next call changed; .* share no array"):
            bl.Instances(lambda rng: Lent(rng.random(out=room)))

    def test_if_they_are_given_as_an_environment(self):
        with pytest.raises(InvalidType, match=r"or banditlab.Instances\(f\) for a function f that draws one"):
            bl.run(bernoulli, arms.UCB1(), n_runs=3, **OPTIONS)

    def test_if_an_instance_is_of_another_kind(self):
        drawn = bl.Instances(lambda rng: arms.Bernoulli(rng.random(2 + int(rng.random() < 0.2))))
        with pytest.raises(InvalidArgument, match=r"the instance of run \d+ is Bernoulli.*a Bernoulli with 2 arms"):
            bl.run(drawn, arms.UCB1(), n_runs=50, **OPTIONS)

    def test_if_an_instance_has_no_winner_for_a_metric(self):
        circle = [[0.5, 0.9, 0.1], [0.1, 0.5, 0.9], [0.9, 0.1, 0.5]]
        total = [[0.5, 0.9, 0.9], [0.1, 0.5, 0.9], [0.1, 0.1, 0.5]]
        listed = bl.Instances([dueling.PreferenceMatrix(m) for m in (total, total, circle)])
        with pytest.raises(InvalidArgument, match="there is no Condorcet winner") as caught:
            bl.run(listed, dueling.RUCB(), n_runs=3, metrics="weak_regret", **OPTIONS)
        assert caught.value.__notes__ == ["of the instance of run 2 of Instances(3 PreferenceMatrix)"]

    def test_if_a_policy_cannot_play_the_instance_of_a_run(self):
        drawn = bl.Instances(lambda rng: arms.Categorical([0.0, rng.choice([1.0, 1.5], p=[0.8, 0.2])], [[0.5, 0.5]]))
        with pytest.raises(IncompatiblePolicy, match=r"KLUCB\(\) cannot play Categorical.*learns from") as caught:
            bl.run(drawn, arms.KLUCB(), n_runs=50, **OPTIONS)
        assert re.fullmatch(r"of the instance of run \d+ of Instances\(<lambda>\)", caught.value.__notes__[0])


def test_an_error_of_the_source_says_in_which_run():
    def failing(rng):
        means = rng.random(2)
        if means[0] < 0.1:
            raise ValueError("too bad an arm")
        return arms.Bernoulli(means)

    with pytest.raises(ValueError, match="too bad an arm") as caught:
        bl.run(bl.Instances(failing), arms.UCB1(), n_runs=100, **OPTIONS)
    bad = [run for run in range(100) if sampling.generator(3, sampling.INSTANCE_STREAM, run).random() < 0.1]
    assert caught.value.__notes__ == [f"when the instance of run {bad[0]} of seed 3 was drawn"]


class TestRunsThatAreRefused:
    def test_beyond_the_list(self):
        message = r"n_runs is 3 from run 1 on; allowed: runs 0 to 2, one per instance of Instances\(3 Bernoulli\)"
        with pytest.raises(InvalidArgument, match=message):
            bl.run(bl.Instances([ARM] * 3), arms.UCB1(), n_runs=3, first_run=1, **OPTIONS)
        with pytest.raises(InvalidArgument, match=r"run is 3; allowed: 0 to 2, one per instance of Instances\(3 Ber"):
            bl.Instances([ARM] * 3).instance(0, 3)

    def test_shorter_than_the_arms(self):
        with pytest.raises(InvalidArgument, match="at least 4, the number of arms"):
            bl.run(bl.Instances(bernoulli), arms.UCB1(), n_runs=3, horizon=3)

    def test_longer_than_a_table(self):
        with pytest.raises(InvalidArgument, match="horizon is 61"):
            bl.run(bl.Instances(losses), arms.EXP3(), n_runs=3, horizon=61)

    def test_longer_than_the_table_of_a_run(self):
        drawn = bl.Instances(lambda rng: arms.Adversarial(rng.random((60 - int(rng.random() < 0.1), 2))))
        with pytest.raises(InvalidArgument, match="horizon is 60") as caught:
            bl.run(drawn, arms.EXP3(), n_runs=50, horizon=60, seed=0)
        assert re.fullmatch(r"of the instance of run \d+ of Instances\(<lambda>\)", caught.value.__notes__[0])

    def test_with_policies_of_another_family(self):
        with pytest.raises(IncompatiblePolicy, match=r"RUCB cannot play Instances\(bernoulli\)"):
            bl.run(bl.Instances(bernoulli), dueling.RUCB(), n_runs=3, **OPTIONS)

    def test_with_a_metric_that_instances_have_not(self):
        with pytest.raises(InvalidArgument, match="metrics is 'cvar_regret"):
            bl.run(bl.Instances(changing), arms.UCB1(), n_runs=3, metrics="cvar_regret[0.1]", **OPTIONS)

    def test_on_a_device(self):
        reasons = instances.protocol_of(bl.Instances(bernoulli), arms.UCB1()).reasons_against_device(None, None)
        assert reasons == ["each of its runs is another environment"]


def test_a_mistake_in_a_kernel_of_the_users_is_told_as_elsewhere():
    @arms.environment
    class Wrong(arms.Stationary):
        means: np.ndarray = bl.field(doc="means")
        scale: float = bl.field(default=1.0, check=positive, doc="scale")

        def reward(self, arm, u, t):
            return self.scales * u

    prior = bl.Instances(lambda rng: Wrong(rng.random(2)))
    with pytest.raises(InvalidComponent, match=r"cannot be compiled for Wrong.*scales"):
        bl.run(prior, arms.GaussianKLUCB(), n_runs=3, **OPTIONS)
