"""Plots of inference: what is drawn is what was found."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from banditlab import plotting
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.inference import AdaStop, paired, performance_profile

GENERATOR = np.random.default_rng(0)
LUCK = GENERATOR.normal(5.0, 1.0, size=80)
VALUES = np.abs(np.stack([LUCK, LUCK + 0.5, LUCK + 2.0]) + 0.2 * GENERATOR.normal(size=(3, 80)))


@pytest.fixture(scope="module")
def decisions():
    test = AdaStop(["a", "b", "c"], environments=["x", "y"], max_groups=1)
    test.update(np.stack([VALUES, VALUES[[0, 0, 2]]]))
    return test.decisions


def test_paired_draws_both_intervals():
    found = [paired(VALUES, 0, 1), paired(VALUES, 0, 2)]
    ax = plotting.plot_paired(found)
    drawn = {bar.get_label(): bar for bar in ax.containers}
    for name, attribute in (("runs paired", "interval"), ("as if unpaired", "unpaired_interval")):
        segments = drawn[name].lines[2][0].get_segments()
        np.testing.assert_allclose([s[:, 0] for s in segments], [getattr(one, attribute) for one in found])
    assert ax.get_xlabel() == "difference in cumulative regret"
    assert len(found[0].plot().get_yticklabels()) == 1


def test_paired_needs_one_metric():
    mixed = [paired(VALUES, 0, 1), paired(VALUES, 0, 2, metric="reward")]
    for bad in (mixed, []):
        with pytest.raises(InvalidArgument, match="one or more comparisons of one metric and level"):
            plotting.plot_paired(bad)


@pytest.mark.parametrize("relative", [False, True], ids=str)
def test_profiles_are_drawn(relative):
    profile = performance_profile(VALUES, relative=relative)
    ax = profile.plot()
    for k, line in enumerate(ax.get_lines()):
        np.testing.assert_array_equal(line.get_xdata(), profile.thresholds)
        np.testing.assert_array_equal(line.get_ydata(), profile.share[k])
    assert ax.get_xscale() == ("log" if relative else "linear")
    assert len(ax.collections) == 3


def test_comparison_is_the_table(decisions):
    ax = decisions.plot("y")
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a  (1-2)", "b  (1-2)", "c  (3)"]
    words = {t.get_position(): t.get_text().split("\n")[0] for t in ax.texts}
    assert words == {
        (1, 0): "undecided", (0, 1): "undecided",
        (2, 0): "smaller", (2, 1): "smaller",
        (0, 2): "larger", (1, 2): "larger",
    }  # fmt: skip
    colours = {to_hex(patch.get_facecolor()) for patch in ax.patches}
    assert len(colours) == 3
    assert legend(ax) == ["row is better", "row is worse", "undecided"]
    assert ax.get_title().endswith("1 of 3 undecided after up to 80 runs, family-wise level 5%")
    with pytest.raises(InvalidArgument, match=r"environment is None; allowed: one of \['x', 'y'\]"):
        decisions.plot()


def test_comparison_says_what_was_not_compared_and_what_follows():
    test = AdaStop(["a", "b", "c"], comparisons=[("a", "b"), ("b", "c")], max_groups=1)
    test.update(VALUES)
    found = test.decisions
    assert legend(found.plot()) == ["row is better", "row is worse", "not compared"]
    assert "settled after up to 80 runs" in found.plot().get_title()
    flags = np.array([[True, False]])
    ax = dataclasses.replace(found, implied=flags, few_runs_rule=~flags, identical=flags).plot()
    assert legend(ax)[3:] == ["\N{DAGGER} follows from others", "(!) few runs rule"]
    words = {t.get_position(): t.get_text().split("\n") for t in ax.texts}
    assert words[1, 0] == ["smaller\N{DAGGER}", "identical"]
    assert words[2, 1][0] == "smaller (!)"


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_takes_axes(decisions):
    for draw in (performance_profile(VALUES).plot, paired(VALUES, 0, 1).plot, lambda ax: decisions.plot("x", ax=ax)):
        ax = Figure().add_subplot()
        assert draw(ax=ax) is ax


def test_writes_pictures(decisions, tmp_path):
    plots = (performance_profile(VALUES).plot(), paired(VALUES, 0, 1).plot(), decisions.plot("x"))
    for k, ax in enumerate(plots):
        ax.figure.savefig(tmp_path / f"{k}.pdf")
        assert (tmp_path / f"{k}.pdf").stat().st_size > 5000


@pytest.mark.parametrize(("better", "relation"), [("smaller", ">"), ("larger", "<")])
def test_tails_of_profiles_are_what_is_beyond(better, relation):
    found = performance_profile([[1.0, 2.0, 3.0, 8.0], [2.0, 2.0, 5.0, 9.0]], better=better)
    ax = found.plot(tail=True)
    assert ax.get_yscale() == "log"
    assert ax.get_ylabel() == rf"share of runs ${relation} \tau$"
    for k, line in enumerate(ax.get_lines()):
        np.testing.assert_array_equal(line.get_ydata(), 1.0 - found.share[k])
    assert 0.0 < ax.get_ylim()[0] < 0.25
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    some = found.share[0] < 1.0
    assert np.isin(1.0 - found.low[0, some], band).all()
    assert not np.isin(1.0 - found.low[0, ~some], band).any()  # where no run is beyond, there is no band either
    with pytest.raises(InvalidType, match="tail is 'yes'; allowed"):
        found.plot(tail="yes")
    same = performance_profile([[1.0, 1.0], [1.0, 1.0]], better=better).plot(tail=True)  # nothing is beyond
    assert same.get_ylim()[0] < same.get_ylim()[1]


def test_profiles_on_the_scale_that_is_asked_for():
    found = performance_profile([[-1.0, 1.0, 2.0, 3.0], [0.0, 2.0, 2.0, 9.0]])
    assert found.plot().get_xscale() == "linear"
    ax = found.plot(xscale="log")
    assert ax.get_xscale() == "log"
    drawn = ax.get_lines()[0]
    above = found.thresholds > 0.0
    np.testing.assert_array_equal(drawn.get_xdata(), found.thresholds[above])
    np.testing.assert_array_equal(drawn.get_ydata(), found.share[0, above])
    assert performance_profile([[1.0, 2.0], [2.0, 2.0]], relative=True).plot(xscale="linear").get_xscale() == "linear"
    with pytest.raises(InvalidArgument, match="xscale is 'symlog'; allowed: one of 'linear', 'log'"):
        found.plot(xscale="symlog")
    with pytest.raises(InvalidArgument, match="allowed: 'linear', as no threshold is positive"):
        performance_profile([[-1.0, -2.0], [-2.0, -2.0]]).plot(xscale="log")
