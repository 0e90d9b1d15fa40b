"""`SweepResults.results`: a sweep's cells as what `run` returns."""

from __future__ import annotations

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms
from banditlab.core.errors import CellFailedWarning, InvalidArgument, InvalidType
from banditlab.inference import paired


def gap(delta, n_arms=2):
    return arms.Bernoulli([0.5] + [0.5 - delta] * (n_arms - 1))


def picky(delta):
    if delta == 0.25:
        raise ValueError("no quarters")
    return arms.EpsilonGreedy(epsilon=delta)


OVER = {"delta": [0.1, 0.2], "n_arms": [2, 3], "alpha": [0.5, 2.0]}
OPTIONS = {"horizon": 50, "n_runs": 20, "seed": 3, "progress": False}
POLICIES = [arms.UCB1, arms.Uniform()]


@pytest.fixture(scope="module")
def swept():
    return bl.sweep(gap, POLICIES, OVER, metrics=("regret", "pulls"), **OPTIONS)


@pytest.mark.parametrize("keep", ["runs", "summary"])
def test_are_what_run_gives(keep):
    swept = bl.sweep(gap, POLICIES, OVER, keep=keep, metrics=("regret", "pulls"), **OPTIONS)
    found = swept.results({"n_arms": 3})
    worlds = {f"delta={delta}, n_arms=3": gap(delta, 3) for delta in (0.1, 0.2)}
    players = {"UCB1, alpha=0.5": arms.UCB1(alpha=0.5), "UCB1, alpha=2.0": arms.UCB1(), "Uniform": arms.Uniform()}
    alone = bl.run(worlds, players, keep=keep, metrics=("regret", "pulls"), **OPTIONS)
    assert repr(found) == repr(alone)
    assert (found.environments, found.policies) == (alone.environments, alone.policies)
    np.testing.assert_array_equal(found.checkpoints, alone.checkpoints)
    for world in worlds:
        np.testing.assert_array_equal(found.lower_bound(world), alone.lower_bound(world))
        for metric in alone.metrics:
            for one, two in zip(found.statistics(metric, world), alone.statistics(metric, world), strict=True):
                np.testing.assert_array_equal(one.mean, two.mean)
                np.testing.assert_array_equal(one.quantiles, two.quantiles)
            if keep == "runs":
                np.testing.assert_array_equal(found.values(metric, world), alone.values(metric, world))
    own = {"created", "compile_seconds", "wall_seconds"}
    assert {k: v for k, v in found.provenance.items() if k not in own} == {
        k: v for k, v in alone.provenance.items() if k not in own
    }


def test_are_compared_drawn_and_saved(swept, tmp_path):
    one = swept.results({"delta": 0.2, "n_arms": 2, "alpha": 2.0})
    assert one.policies == ("UCB1", "Uniform")
    assert one.environments == ("delta=0.2, n_arms=2",)
    direct = paired(bl.run(gap(0.2), [arms.UCB1(), arms.Uniform()], **OPTIONS), "UCB1", "Uniform")
    assert paired(one, "UCB1", "Uniform").difference == direct.difference
    assert one.plot().get_title() == "delta=0.2, n_arms=2, $T$ = 50, 20 runs"
    again = bl.load(one.save(tmp_path / "one.parquet"))
    np.testing.assert_array_equal(again.values("pulls[1]"), one.values("pulls[1]"))
    assert again.provenance == one.provenance


def test_an_environment_without_parameters_has_its_label():
    found = bl.sweep(gap(0.1), arms.UCB1, {"alpha": [0.5, 2.0]}, **OPTIONS).results()
    assert found.environments == ("Bernoulli([0.5, 0.4])",)
    assert found.policies == ("UCB1, alpha=0.5", "UCB1, alpha=2.0")


def test_names_are_without_quotes():
    worlds = {"easy": gap(0.4), "hard": gap(0.1)}
    found = bl.sweep(lambda world: worlds[world], arms.UCB1(), {"world": list(worlds)}, **OPTIONS).results()
    assert found.environments == ("world=easy", "world=hard")


def test_parameters_that_both_take_are_the_environments():
    def both(delta):
        return arms.EpsilonGreedy(epsilon=delta)

    found = bl.sweep(gap, both, {"delta": [0.1, 0.2]}, **OPTIONS).results()
    assert (found.environments, found.policies) == (("delta=0.1", "delta=0.2"), ("both",))


def test_lists_arrays_and_components_are_values():
    def world(means, rule):
        return arms.Bernoulli(means)

    over = {"means": [[0.1, 0.2], np.array([0.3, 0.4])], "rule": [arms.UCB1(), arms.Uniform()]}
    swept = bl.sweep(world, arms.UCB1(), over, **OPTIONS)
    for wanted in (0.3, 0.4), [0.3, 0.4], np.array([0.3, 0.4]):
        assert swept.results({"means": wanted, "rule": arms.Uniform()}).environments == (
            "means=(0.3, 0.4), rule=Uniform()",
        )


def test_of_one_horizon():
    swept = bl.sweep(gap, arms.UCB1(), {"delta": [0.1], "horizon": [20, 30]}, n_runs=3, seed=0, progress=False)
    with pytest.raises(InvalidArgument, match=r"where is None; allowed: a value of 'horizon' too, one of \[20, 30\]"):
        swept.results()
    found = swept.results({"horizon": 30})
    assert (found.horizon, found.environments) == (30, ("delta=0.1",))


def test_a_cell_that_failed_is_named():
    with pytest.warns(CellFailedWarning):
        swept = bl.sweep(gap, [picky, arms.UCB1()], {"delta": [0.25, 0.5]}, **OPTIONS)
    assert swept.results({"delta": 0.5}).policies == ("picky", "UCB1")
    assert swept.results({"delta": 0.25}).policies == ("UCB1",)
    with pytest.raises(InvalidArgument, match=r"picky has no cell on delta=0\.25"):
        swept.results()


def test_values_that_no_cell_has_together_are_refused():
    """Cells of Uniform, which takes no alpha, must not be all that is left."""
    over = [{"delta": 0.1, "alpha": 0.5}, {"delta": 0.4, "alpha": 2.0}]
    swept = bl.sweep(gap, [arms.UCB1, arms.Uniform()], over, **OPTIONS)
    assert swept.results(over[1]).policies == ("UCB1", "Uniform")
    with pytest.raises(InvalidArgument, match="allowed: values that some cell has together"):
        swept.results({"delta": 0.1, "alpha": 2.0})


def test_values_that_look_alike_are_refused():
    def wide(means):
        return arms.Bernoulli(means)

    many = [[0.5] * 39 + [0.1], [0.5] * 39 + [0.2]]
    swept = bl.sweep(wide, arms.UCB1(), {"means": many}, **OPTIONS)
    with pytest.raises(InvalidArgument, match="which their parameters, in few words, tell apart"):
        swept.results()
    assert swept.results({"means": many[1]}).provenance["environments"].popitem()[1]["means"][-1] == 0.2


@pytest.mark.parametrize(
    ("where", "kind", "message"),
    [
        ({"gamma": 1}, InvalidArgument, "where is 'gamma'; allowed: one of 'delta', 'n_arms', 'alpha'"),
        ({"delta": 0.3}, InvalidArgument, "where is {'delta': 0.3}; allowed: values that some cell has; delta has"),
        # cells of Uniform, which takes no alpha, must not be all that is left
        ({"alpha": 0.7}, InvalidArgument, "allowed: values that some cell has; alpha has 0.5, 2.0"),
        ("delta", InvalidType, "where is 'delta'; allowed: a dict from parameter to value"),
    ],
)
def test_bad_arguments(swept, where, kind, message):
    with pytest.raises(kind, match=message):
        swept.results(where)
