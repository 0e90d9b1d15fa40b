"""Pictures of sweeps: lines, level lines, heatmaps, slopes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms
from banditlab.core.errors import InvalidArgument
from banditlab.core.sweeps.sweep_lines import slope_of
from banditlab.plotting import sweeps

OPTIONS: dict[str, Any] = {"horizon": 50, "n_runs": 20, "seed": 3, "progress": False}


@pytest.fixture(scope="module")
def result():
    def gap(delta, n_arms):
        return arms.Bernoulli([0.5] + [0.5 - delta] * (n_arms - 1))

    def ucb(alpha):
        return arms.UCB1(alpha=alpha)

    over = {"delta": [0.1, 0.2], "n_arms": [2, 3], "alpha": [0.5, 2.0]}
    return bl.sweep(gap, [ucb, arms.Uniform()], over, metrics=("regret", "reward"), **OPTIONS)


def test_pictures(result):
    ax = result.plot("delta", where={"n_arms": 3, "alpha": 0.5})
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["ucb", "Uniform"]  # two points make no slope
    assert ax.get_xlabel() == "delta"
    heat = result.plot("delta", y="n_arms", policy="Uniform")
    assert heat.get_ylabel() == "n_arms"
    assert heat.collections[0].get_array().size == 4
    for bad, message in [
        ({"x": "gamma"}, "x is 'gamma'; allowed"),
        ({"x": "delta", "where": {"n_arms": 7}}, "allowed: values that some cell has"),
        ({"x": "delta", "where": {"alpha": 0.7}}, "allowed: values that some cell has; alpha has 0.5, 2.0"),
        ({"x": "delta", "where": {"gamma": 7}}, "where is 'gamma'; allowed"),
        ({"x": "delta", "y": "n_arms"}, "policy is None; allowed: one of"),
        (
            {"x": "delta", "y": "n_arms", "policy": "ucb"},
            r"of alpha too, as in \{'alpha': 0.5\}, as several",
        ),
        ({"x": "delta", "metric": "pulls"}, "metric is 'pulls'"),
        ({"x": "delta", "policy": "saef"}, "policy is 'saef'; allowed: one of 'ucb', 'Uniform'"),
        ({"x": "delta", "policy": "ucb"}, "policy is 'ucb'; allowed: only with y"),
    ]:
        with pytest.raises(InvalidArgument, match=message):
            result.plot(**bad)


def test_titles_tell_how_much_was_played(result):
    assert result.plot("delta", where={"n_arms": 3}).get_title() == "n_arms = 3, $T$ = 50, 20 runs"
    assert result.plot("delta", y="n_arms", policy="Uniform").get_title() == "$T$ = 50, 20 runs"
    assert result.plot("delta", title="Gaps").get_title() == "Gaps\n$T$ = 50, 20 runs"
    assert result.plot("delta", title="").get_title() == ""
    horizons = {"gap": [0.1, 0.2], "horizon": [100, 1_000]}
    several = bl.sweep(
        lambda gap: arms.Bernoulli([0.5, 0.5 - gap]), arms.UCB1(), horizons, n_runs=1, seed=0, progress=False
    )
    assert several.plot("horizon", where={"gap": 0.1}).get_title() == "gap = 0.1, 1 run"
    assert several.plot("gap", where={"horizon": 1_000}).get_title() == "$T$ = 1,000, 1 run"
    assert several.plot("gap", y="horizon").get_title() == "1 run"


def test_a_line_for_each_value_of_the_other_parameters(result, monkeypatch):
    own = result.summary().set_index(["policy", "delta", "n_arms", "alpha"])["mean"]
    ax = result.plot("delta", where={"n_arms": 3})
    drawn = {c.get_label(): c.lines[0] for c in ax.containers}
    assert list(drawn) == ["ucb, alpha=0.5", "ucb, alpha=2.0", "Uniform"]
    np.testing.assert_array_equal(drawn["ucb, alpha=2.0"].get_xdata(), [0.1, 0.2])
    for at, mean in zip(*drawn["ucb, alpha=2.0"].get_data(), strict=True):
        assert mean == own[("ucb", at, 3, 2.0)]
    assert len({(line.get_color(), line.get_marker()) for line in drawn.values()}) == 3
    labels = [text.get_text() for text in result.plot("delta").get_legend().get_texts()]
    assert labels == [f"ucb, n_arms={n}, alpha={a}" for n in (2, 3) for a in (0.5, 2.0)] + [
        f"Uniform, n_arms={n}" for n in (2, 3)
    ]
    for alpha in (0.5, 2.0):  # in one order, and so in the same colours, whatever is left
        one = result.plot("delta", where={"n_arms": 2, "alpha": alpha})
        assert [text.get_text() for text in one.get_legend().get_texts()] == ["ucb", "Uniform"]
    ax.figure.draw_without_rendering()
    assert ax.get_legend().get_window_extent().x1 <= ax.get_window_extent().x1
    monkeypatch.setattr(sweeps, "LETTERS", 100)
    told = result.plot("delta")  # names too long to stand among the lines
    told.figure.draw_without_rendering()
    assert told.get_legend().get_window_extent().x0 > told.get_window_extent().x1
    over = {"k": [1, 2], "m": list(range(1, 42))}  # k stays a whole number, though RoundRobin has none
    policies = {"etc": lambda k, m: arms.ExploreThenCommit(m=k), "other": arms.RoundRobin()}
    many = bl.sweep(arms.Bernoulli([0.4, 0.5]), policies, over, horizon=10, n_runs=2, seed=0, progress=False)
    labels = [c.get_label() for c in many.plot("m", slope=False).containers]
    assert labels == ["etc, k=1", "etc, k=2"]
    with pytest.raises(InvalidArgument, match="where is None; allowed: values that leave at most 40 lines; there are"):
        many.plot("k")


def test_policies_without_the_parameter_are_level_lines(result):
    own = result.summary().set_index(["policy", "delta", "n_arms", "alpha"])
    ax = result.plot("alpha", where={"n_arms": 3})
    lines = {line.get_label(): line for line in ax.lines if line.get_label().startswith("Uniform")}
    assert list(lines) == ["Uniform, delta=0.1", "Uniform, delta=0.2"]
    for line, delta in zip(lines.values(), (0.1, 0.2), strict=True):
        mean = own["mean"].xs(("Uniform", delta, 3), level=["policy", "delta", "n_arms"]).item()
        np.testing.assert_array_equal(line.get_data(), [[0.5, 2.0], [mean, mean]])
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert [label.split(",")[0] for label in labels] == ["ucb", "ucb", "Uniform", "Uniform"]
    band = ax.collections[-1].get_paths()[0].get_extents()
    row = own.xs(("Uniform", 0.2, 3), level=["policy", "delta", "n_arms"])
    np.testing.assert_allclose([band.ymin, band.ymax], row[["ci_low", "ci_high"]].to_numpy()[0])


def test_slopes_are_those_of_the_picture():
    over = {"horizon": [100, 400, 1600], "gap": [0.0, 0.1, 0.2]}
    policies = {"UCB": arms.UCB1, "uniform": arms.Uniform()}
    swept = bl.sweep(lambda gap: arms.Bernoulli([0.5, 0.5 - gap]), policies, over, n_runs=20, seed=0)
    found = swept.slopes("horizon")
    assert found.columns.tolist() == ["policy", "gap", "slope", "ci_low", "ci_high"]
    assert found["slope"].isna().tolist() == [True, False, False, True, False, False]  # no regret without a gap
    labels = [t.get_text() for t in swept.plot("horizon", where={"gap": 0.2}).get_legend().get_texts()]
    for label, (_, row) in zip(labels, found[found["gap"] == 0.2].iterrows(), strict=True):
        value, margin = label.removeprefix(f"{row['policy']}: slope ").split(" ± ")
        assert float(value) == pytest.approx(row["slope"], abs=0.006)
        assert float(margin) == pytest.approx((row["ci_high"] - row["ci_low"]) / 2, abs=0.006)
    wide = swept.slopes("horizon", level=0.99, where={"gap": 0.2})
    assert (wide["ci_high"] - wide["ci_low"] > (found["ci_high"] - found["ci_low"])[[2, 5]].to_numpy()).all()
    with pytest.raises(InvalidArgument, match="x is 'gap'; allowed: a parameter whose values are positive numbers"):
        swept.slopes("gap")
    horizons = {"horizon": [100, 400, 1600]}
    few = bl.sweep(arms.Bernoulli([0.5, 0.4]), arms.UCB1(), horizons, n_runs=20, seed=0, keep="summary")
    assert few.slopes("horizon")["ci_low"].isna().all()
    assert few.slopes("horizon")["slope"].notna().all()


def test_a_narrow_interval_of_a_slope_does_not_look_like_none():
    for margin, told in [
        (0.04, "0.82 ± 0.04"),
        (0.0012, "0.821 ± 0.001"),
        (1e-5, "0.8213 ± 0.0000"),
        (0, "0.82 ± 0.00"),
    ]:
        assert sweeps._with_margin(0.82131, margin) == told
    assert sweeps._with_margin(-3e-17, 1e-17) == "0.00 ± 0.00"


def test_slope_of_a_power_law():
    result = bl.sweep(
        arms.Bernoulli([0.5, 0.25]), arms.Uniform(), {"horizon": [100, 400, 1600, 6400]}, n_runs=50, seed=0,
        progress=False,
    )  # fmt: skip
    label = result.plot("horizon").get_legend().get_texts()[0].get_text()
    slope, margin = label.removeprefix("Uniform: slope ").split(" ± ")
    assert abs(float(slope) - 1.0) <= 0.03
    assert float(margin) < 0.1


def test_interval_of_a_slope_holds_its_level_though_cells_share_luck():
    """Runs of longer horizons begin as those of shorter ones do: the scatter about the line covers 66%."""
    rounds, repeats, n = [250, 500, 1000, 2000, 4000], 1500, 10
    env = arms.Bernoulli([0.9, 0.4])
    options = {"horizon": 4000, "checkpoints": rounds, "seed": 0, "progress": False}
    runs = bl.run(env, arms.Uniform(), n_runs=repeats * n, **options).values()[0]
    covered = 0
    for few in runs.reshape(repeats, n, len(rounds)):
        slope, margin = slope_of(rounds, few.mean(axis=0), list(few.T), 0.95)
        covered += abs(slope - 1.0) <= margin
    assert abs(covered / repeats - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats)


def test_a_value_has_one_form_in_names():
    over = {"means": [[0.1, 0.5], [0.4, 0.5]], "alpha": [0.5, 1.0, 2.0]}
    swept = bl.sweep(arms.Bernoulli, [arms.UCB1, arms.KLUCB()], over, **OPTIONS)
    names = [text.get_text().partition(":")[0] for text in swept.plot("alpha").get_legend().get_texts()]
    assert names == [f"{policy}, means={m}" for policy in ("UCB1", "KLUCB") for m in ("(0.1, 0.5)", "(0.4, 0.5)")]
    assert swept.results({"alpha": 0.5}).environments == ("means=(0.1, 0.5)", "means=(0.4, 0.5)")


def test_cells_in_one_place_of_a_picture_are_told_apart_or_called_equal():
    class Some:
        def __eq__(self, other):
            return isinstance(other, Some)

        def __hash__(self):
            return 0

    options = {"horizon": 20, "n_runs": 2, "seed": 0, "progress": False}
    policies = {"p": lambda alpha, p: arms.UCB1(alpha=alpha)}
    for values, told in [
        ([None, 3], r"a value of p too, as in \{'p': 3(\.0)?\}, as several cells of p have the same alpha"),
        (
            [Some(), Some()],
            "allowed: cells of p that its parameters tell apart; several of them are equal in all of them",
        ),
    ]:
        swept = bl.sweep(arms.Bernoulli([0.5, 0.4]), policies, {"alpha": [1.0, 2.0], "p": values}, **options)
        with pytest.raises(InvalidArgument, match=told):
            swept.slopes("alpha") if values[0] is not None else swept.plot("alpha", y="alpha")


def test_names_have_a_place_each_and_points_stand_side_by_side():
    worlds = {"hard": [0.5, 0.6], "easy": [0.1, 0.9], "middle": [0.3, 0.6]}
    over = {"world": list(worlds)}
    result = bl.sweep(lambda world: arms.Bernoulli(worlds[world]), [arms.UCB1(), arms.Uniform()], over, **OPTIONS)
    ax = result.plot("world")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == list(worlds)
    assert ax.get_xscale() == "linear"
    lines = [container.lines[0] for container in ax.containers]
    assert [line.get_linestyle() for line in lines] == ["None", "None"]
    table = result.summary()
    for label, line in zip(("UCB1", "Uniform"), lines, strict=True):
        means = table[table["policy"] == label].set_index("world")["mean"]
        np.testing.assert_allclose(line.get_ydata()[np.argsort(line.get_xdata())], means[list(worlds)])
    places = np.stack([np.sort(line.get_xdata()) for line in lines])
    np.testing.assert_allclose(places.mean(axis=0), [0, 1, 2])
    assert (places[1] - places[0] > 0.1).all()
    assert (places[1] - places[0] < 0.5).all()
    assert ax.get_legend().get_texts()[0].get_text() in ("UCB1", "Uniform")  # no slope
    with pytest.raises(InvalidArgument, match="xscale is 'log'; allowed: 'linear', as values of world are names"):
        result.plot("world", xscale="log")
    single = bl.sweep(lambda p: arms.Bernoulli(p), arms.UCB1(), {"p": [(0.1, 0.2), (0.3, 0.4)]}, **OPTIONS)
    with pytest.raises(InvalidArgument, match="x is 'p'; allowed: a parameter whose values are numbers or names"):
        single.plot("p")


def test_no_interval_of_a_slope_without_runs():
    result = bl.sweep(
        arms.Bernoulli([0.5, 0.25]), arms.Uniform(), {"horizon": [100, 400, 1600]}, n_runs=50, seed=0,
        progress=False, keep="summary",
    )  # fmt: skip
    assert re.fullmatch(r"Uniform: slope \d\.\d\d", result.plot("horizon").get_legend().get_texts()[0].get_text())


def test_shares_have_a_linear_axis_and_no_slope():
    over, asked = {"alpha": [0.5, 1.0, 2.0]}, ("regret", "optimal_rate")
    swept = bl.sweep(arms.Bernoulli([0.2, 0.5]), [arms.UCB1], over, metrics=asked, **OPTIONS)
    ax = swept.plot("alpha", metric="optimal_rate")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
    assert "slope" not in ax.get_legend().get_texts()[0].get_text()
    assert swept.plot("alpha", metric="optimal_rate", yscale="log").get_yscale() == "log"
    assert swept.plot("alpha").get_yscale() == "log"
