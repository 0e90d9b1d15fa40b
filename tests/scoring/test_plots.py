"""Plots of scoring rules: what is drawn is what the rule says."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from banditlab import scoring
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.plotting import COLOURS

REPORTS = scoring.binary([0.1, 0.5, 0.8])
TABLE = scoring.ScoringRule.from_table(scoring.Brier().table(REPORTS), REPORTS)
CORNERS = scoring.simplex_grid(3, 2)
TRIANGLE = scoring.ScoringRule.from_table(scoring.Brier(3).table(CORNERS), CORNERS)


def lines(ax):
    return {line.get_label(): line for line in ax.get_lines()}


def test_an_optimal_rule_is_drawn_as_its_table_with_its_states_and_named_in_words():
    world = scoring.PrincipalAgent(
        beliefs=[[1, 0], [0.5, 0.5], [0, 1]],
        action_distributions=[[0, 1, 0], [0.5, 0, 0.5]],
        costs=[0, 0.1],
        decisions=[[1, 0], [0, 1]],
        states=["dry", "rain"],
    )
    best = world.optimal_rule(1)
    for draw in (scoring.plot_rule, scoring.plot_payments):
        mine, table = draw(best), draw(best.rule, states=["dry", "rain"])
        for one, other in zip(mine.get_lines(), table.get_lines(), strict=True):
            np.testing.assert_array_equal(one.get_xydata(), other.get_xydata())
        assert mine.get_xlabel() == table.get_xlabel()
        assert "probability of rain" in mine.get_xlabel()
        assert (mine.get_title(), table.get_title()) == ("Cheapest rule for action 1", "Rule with 3 reports")
        assert "probability of wet" in draw(best, states=["arid", "wet"]).get_xlabel()


def test_convex_function_over_the_line():
    ax = scoring.plot_rule(scoring.Brier())
    p, drawn = lines(ax)["$G(p)$, expected payment of truth"].get_data()
    np.testing.assert_allclose(drawn, p**2 + (1 - p) ** 2)
    assert (p[0], p[-1]) == (0.0, 1.0)
    assert ax.get_title() == "Brier(n_states=2)"


def test_tangent_ends_at_the_payments_and_touches_at_the_report():
    rule = scoring.Brier()
    ax = scoring.plot_rule(rule, tangent=[0.3, 0.7], states=["dry", "rain"])
    line = lines(ax)["report $r$ = 0.7:\npays 0.02 if dry, 0.82 if rain"]
    np.testing.assert_allclose(line.get_ydata(), [rule.pay([0.3, 0.7], w) for w in (0, 1)])
    touching = [(x[0], y[0]) for x, y in (line.get_data() for line in ax.get_lines()) if len(x) == 1]
    np.testing.assert_allclose(touching, [(0.7, rule.G([0.3, 0.7]))])


def test_payments_are_one_curve_an_outcome():
    ax = scoring.plot_payments(scoring.Logarithmic(), states=["dry", "rain"])
    p, rain = lines(ax)["paid if rain"].get_data()
    np.testing.assert_allclose(rain[1:], np.log(p[1:]))
    np.testing.assert_allclose(lines(ax)["paid if dry"].get_ydata()[:-1], np.log1p(-p[:-1]))
    assert ax.get_xlabel() == "reported probability of rain $r$"
    assert {line.get_color() for line in ax.get_lines()} == set(COLOURS[:2])
    assert len(scoring.plot_payments(scoring.Logarithmic(), outcome=1).get_lines()) == 1


def test_jumps_are_gaps():
    ax = scoring.plot_payments(scoring.VShaped(0.3))
    p, drawn = lines(ax)["paid if state 1"].get_data()
    (gap,) = np.flatnonzero(np.isnan(drawn))
    assert p[gap - 1] <= 0.3 <= p[gap + 1]
    assert set(drawn[:gap]) == {0.0}
    assert set(drawn[gap + 1 :]) == {1.0}
    assert not any(np.isnan(line.get_ydata()).any() for line in scoring.plot_payments(scoring.Brier()).get_lines())


def test_tables_show_their_reports():
    ax = scoring.plot_payments(TABLE)
    p, paid = lines(ax)["paid if state 0"].get_data()
    np.testing.assert_array_equal(p, REPORTS[:, 1])
    np.testing.assert_array_equal(paid, TABLE.payments[:, 0])
    p, heights = lines(scoring.plot_rule(TABLE))["reports"].get_data()
    np.testing.assert_allclose(heights, TABLE.G(REPORTS))


def test_triangle_has_contours_of_the_function():
    ax = scoring.plot_rule(scoring.Brier(3), states=["low", "middle", "high"])
    assert {text.get_text() for text in ax.texts} == {"low", "middle", "high"}
    bar = ax.figure.axes[-1]
    assert bar.get_ylabel() == "expected payment of truth $G(p)$"
    # |p|^2 goes from 1/3 in the middle to 1 in the corners
    assert bar.get_ylim() == pytest.approx((1 / 3, 1), abs=1e-12)
    # the corners are where their names are, and the contour of 1/2 is a circle around the middle
    (edges,) = ax.patches
    np.testing.assert_allclose(edges.get_xy()[:3], [[0, 0], [1, 0], [0.5, np.sqrt(0.75)]])
    drawn = ax.collections[-1]
    middle = np.array([0.5, np.sqrt(0.75) / 3])
    for level, path in zip(drawn.levels, drawn.get_paths(), strict=True):
        radius = np.sqrt((level - 1 / 3) / 2)
        np.testing.assert_allclose(np.linalg.norm(path.vertices - middle, axis=1), radius, atol=2e-3)


def test_triangle_of_few_values_is_areas():
    mu = np.array([0.5, 0.3, 0.2])
    ax = scoring.plot_payments(scoring.VShaped(mu), outcome=1)
    (image,) = ax.get_images()
    pixels = np.asarray(image.get_array())
    values = np.ma.masked_invalid(pixels).compressed()
    assert set(values.round(12)) == {0.0, round(2 / 3, 12)}
    # half of the box is the triangle; in it, the beliefs whose second ratio to the prior is the largest
    assert len(values) / pixels.size == pytest.approx(0.5, abs=0.01)
    random = np.random.default_rng(0).dirichlet(np.ones(3), 100_000)
    share = ((random / mu).argmax(axis=1) == 1).mean()
    assert (values > 0).mean() == pytest.approx(share, abs=4 * 0.5 / np.sqrt(100_000) + 0.01)
    assert ax.figure.axes[-1].get_ylabel() == "payment if state 1"


def test_triangle_marks_reports_of_a_table():
    for ax in (scoring.plot_rule(TRIANGLE), scoring.plot_payments(TRIANGLE, outcome=0)):
        (marks,) = ax.get_lines()
        assert len(marks.get_xdata()) == len(CORNERS)


def test_unbounded_payments_are_drawn_where_finite():
    ax = scoring.plot_payments(scoring.Logarithmic(3), outcome=2)
    low, high = ax.figure.axes[-1].get_ylim()
    assert high == pytest.approx(0.0)
    assert np.isfinite(low)


def test_takes_axes_and_writes_pictures(tmp_path):
    figure = Figure()
    ax = figure.add_subplot()
    assert scoring.plot_rule(scoring.Spherical(), ax=ax, title="mine") is ax
    assert ax.get_title() == "mine"
    for name, drawn in {"line.png": ax, "triangle.pdf": scoring.plot_rule(TRIANGLE)}.items():
        drawn.figure.savefig(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 5000


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: scoring.plot_rule(scoring.Brier(4)), "rule is .*; allowed: a rule with two or three states"),
        (lambda: scoring.plot_rule("Brier"), "rule is 'Brier'; allowed: a ScoringRule or an OptimalRule"),
        (lambda: scoring.plot_rule(scoring.Brier(), states=["a"]), r"states is \['a'\]; allowed: 2 names"),
        (lambda: scoring.plot_rule(scoring.Brier(), states="ab"), "states is 'ab'; allowed: 2 names"),
        (lambda: scoring.plot_rule(scoring.Brier(3), tangent=[1, 0, 0]), "tangent is .*; allowed: None for a rule"),
        (lambda: scoring.plot_rule(scoring.Logarithmic(), tangent=[1, 0]), "tangent is .*; allowed: a report that is"),
        (lambda: scoring.plot_rule(scoring.Brier(), tangent=[1, 1]), "tangent is .*; allowed: probabilities that sum"),
        (lambda: scoring.plot_payments(scoring.Brier(3)), "outcome is None; allowed: an integer from 0 to 2"),
        (lambda: scoring.plot_payments(scoring.Brier(), outcome=2), "outcome is 2; allowed: an integer from 0 to 1"),
    ],
    ids=["states", "type", "names", "text", "tangent-3", "tangent-log", "tangent-sum", "outcome-3", "outcome"],
)
def test_errors(draw, message):
    with pytest.raises((InvalidArgument, InvalidType), match=message):
        draw()


def test_axes_are_axes():
    for draw in (scoring.plot_rule, scoring.plot_payments):
        with pytest.raises(InvalidType, match="ax is 3; allowed: matplotlib Axes"):
            draw(scoring.Brier(), ax=3)
