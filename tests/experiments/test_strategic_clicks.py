"""The experiment on strategic click-bandits, at a size that shows that it runs, and its parts on known numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments.strategic_clicks import analysis, instances, simulate
from experiments.strategic_clicks.figures import figures
from experiments.verdicts import FAILS, HOLDS, UNTESTABLE

PARTS = [instances.DYNAMICS, instances.OPEN_BANDIT, instances.REGRET, instances.EQUILIBRIA, instances.ORACLES]
FIGURES = ["figure_dynamics", "figure_rates", "figure_distance", "figure_open_bandit"]
TINY = instances.configuration()["sizes"]["tiny"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("strategic_clicks")
    simulate.simulate(where, "tiny", n_jobs=1)
    return where


def test_stores_every_part_and_nothing_half_written(folder):
    assert sorted(path.name for path in folder.glob("*.p*")) == sorted(PARTS)
    for name in PARTS:
        table = pd.read_parquet(folder / name)
        assert table.attrs["size"] == "tiny"
        assert not table.isna().any(axis=None)


def test_there_is_a_verdict_on_each_claim_and_figures_say_whose_constants_are_whose(folder):
    found = analysis.verdicts(folder, "tiny")
    assert len({v.claim for v in found}) == len(found) == 12 + 4 + 8 + 8 + 4
    drawn = figures(folder, "tiny")
    assert list(drawn) == FIGURES
    for figure in drawn.values():
        assert "The paper's constant: penalty" in figure.texts[0].get_text()
        assert "Ours: " in figure.texts[0].get_text()


def test_results_do_not_depend_on_threads(folder):
    config = instances.configuration()
    again = simulate.adapting_from_open_bandit(config, TINY, n_jobs=2)
    pd.testing.assert_frame_equal(again, pd.read_parquet(folder / instances.OPEN_BANDIT), check_exact=True)


def test_arms_start_from_observed_click_rates(folder):
    table = pd.read_parquet(folder / instances.OPEN_BANDIT)
    first = table[(table["epoch"] == 0) & (table["repetition"] == 0) & (table["mechanism"] == "UCBS")]
    raw = first[(first["campaign"] == "men") & (first["scale"] == "raw")]
    assert raw["item"].tolist() == [25, 20, 33, 30, 0]
    np.testing.assert_array_equal(raw["strategy"], [3 / 334, 3 / 298, 3 / 286, 4 / 279, 4 / 272])
    rescaled = first[(first["campaign"] == "men") & (first["scale"] == "rescaled")]
    np.testing.assert_allclose(rescaled["strategy"], 0.9 * raw["strategy"].to_numpy() / (4 / 272), rtol=1e-12)


def test_weak_regret_of_oracles_is_what_is_derived(folder):
    weak = analysis.weak_regrets(pd.read_parquet(folder / instances.ORACLES))
    found = {(p, name, T): r for p, name, T, r in weak.itertuples(index=False)}
    assert found["MuOracle", "five arms", 200] == pytest.approx(200 * (0.378 + 0.2))
    at_081 = 0.81 * 0.6 - 5 * 0.21**2  # the largest click rate of the grid that leaves u*(0.5) = 0.2625
    assert found["StrategyOracle", "five arms", 200] == pytest.approx(200 * (0.378 - at_081))


def test_slopes_of_known_growth():
    generator = np.random.default_rng(1)
    noisy = {T: [3.0 * T**0.5 * generator.uniform(0.8, 1.2, 500)] for T in (1_000, 10_000, 100_000)}
    slope, low, high = analysis.slope_of(noisy)
    assert low < 0.5 < high
    assert slope == pytest.approx(0.5, abs=0.01)
    exact = {T: [np.full(5, 2.0 * T), np.full(3, 7.0)] for T in (10, 100)}  # the worst of two equilibria
    assert analysis.slope_of(exact) == pytest.approx((1.0, 1.0, 1.0))


@pytest.mark.parametrize(
    ("interval", "sharp", "verdict"),
    [
        ((0.48, 0.45, 0.52), True, HOLDS),
        ((0.3, 0.28, 0.33), False, HOLDS),
        ((0.3, 0.28, 0.33), True, FAILS),
        ((0.7, 0.65, 0.75), False, FAILS),
        ((0.53, 0.49, 0.58), False, UNTESTABLE),
    ],
    ids=["about half", "below half", "below half, not about it", "above half", "undecided"],
)
def test_verdict_on_a_slope(interval, sharp, verdict):
    assert analysis._slope_verdict(interval, 0.5, sharp, "why") == (verdict if verdict == HOLDS else f"{verdict}: why")


@pytest.mark.parametrize("name", instances.SHRINKING)
def test_gap_shrinks_with_the_horizon(name):
    for n_arms, horizon in ((4, 10_000), (16, 200_000)):
        env = instances.instance(name, n_arms, horizon)
        gap = 2.0 * np.sqrt(n_arms * np.log(horizon) / horizon)
        assert np.ptp(env.post_click_means) == pytest.approx(gap)
        assert (env.post_click_means > 0.5).sum() == (1 if name == instances.ONE_BEST else n_arms // 2)
        assert np.ptp([env.utility.optimum(mu) for mu in env.post_click_means]) == pytest.approx(1.05 * gap)
