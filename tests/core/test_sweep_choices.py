"""What a caller chooses in pictures of sweeps: policies, their colours and names, and whether there is a legend."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import banditlab as bl
from banditlab import arms, plotting
from banditlab.core.errors import InvalidArgument, InvalidType

OPTIONS = {"horizon": 50, "n_runs": 10, "seed": 3, "progress": False}


def gap(delta):
    return arms.Bernoulli([0.5, 0.5 - delta])


@pytest.fixture(scope="module")
def result():
    over = {"delta": [0.1, 0.2], "alpha": [0.5, 2.0]}
    return bl.sweep(gap, {"UCB": arms.UCB1, "KL": arms.KLUCB(), "any": arms.Uniform()}, over, **OPTIONS)


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_policies_are_chosen_coloured_and_named(result):
    name = r"uniform, $\frac{1}{K}$"
    own = {"policies": ["any", "UCB"], "colors": {"UCB": "tab:red"}, "labels": {"any": name, "UCB": "UCB1"}}
    ax = result.plot("delta", **own)
    assert legend(ax) == [name, "UCB1, alpha=0.5", "UCB1, alpha=2.0"]
    assert [to_hex(c.lines[0].get_color()) for c in ax.containers] == [
        plotting.COLOURS[0].lower(), to_hex("tab:red"), to_hex("tab:red"),
    ]  # fmt: skip
    table = result.summary().set_index(["policy", "delta"])["mean"]
    np.testing.assert_array_equal(ax.containers[0].lines[0].get_ydata(), table["any"].loc[[0.1, 0.2]])
    levels = result.plot("alpha", where={"delta": 0.2}, **own)
    assert legend(levels) == [name, "UCB1"]
    (band,) = levels.collections[:1]
    assert to_hex(band.get_facecolor()[0]) == to_hex(levels.lines[0].get_color())
    assert result.plot("delta", legend=False).get_legend() is None


def test_a_heatmap_calls_its_policy_as_the_caller_does(result):
    ax = result.plot("delta", y="alpha", policy="UCB", labels={"UCB": "UCB1"})
    assert ax.figure.axes[-1].get_ylabel() == "cumulative regret of UCB1"


def test_points_over_names_stand_side_by_side_beside_level_lines():
    over, policies = (
        {"rule": ["a", "b"]},
        {"any": arms.Uniform(), "one": lambda rule: arms.UCB1(), "two": lambda rule: arms.KLUCB()},
    )
    ax = bl.sweep(gap(0.2), policies, over, **OPTIONS).plot("rule")
    assert legend(ax) == ["any", "one", "two"]
    places = np.stack([container.lines[0].get_xdata() for container in ax.containers])
    np.testing.assert_allclose(places.mean(axis=0), [0, 1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"policies": ["UCB1"]}, r"policies\[0\] is 'UCB1'; allowed: one of \['UCB', 'KL', 'any'\]"),
        ({"policies": "UCB"}, "policies is 'UCB'; allowed: labels, as a list"),
        (
            {"policies": ["KL"], "x": "alpha"},
            r"policies is \['KL'\]; allowed: some policy with values of alpha, such as",
        ),
        (
            {"policies": ["KL"], "y": "alpha"},
            "policies is .*; allowed: only without y, as a heatmap shows one `policy`",
        ),
        ({"colors": {"KL": "red"}, "y": "alpha"}, "colors is .*; allowed: only without y"),
        ({"colors": {"KL": "rde"}}, r"colors\['KL'\] is 'rde'; allowed: a colour of matplotlib"),
        ({"labels": {"KL": ""}}, r"labels\['KL'\] is ''; allowed: a text that is not empty"),
        ({"labels": {"UCB, alpha=0.5": "U"}}, "labels has the label 'UCB, alpha=0.5'; allowed: one of"),
        ({"labels": {"KL": "$x"}, "y": "alpha"}, r"labels\['KL'\] is '\$x'; allowed: a text that matplotlib can write"),
        ({"legend": "no"}, "legend is 'no'; allowed: True or False"),
    ],
)
def test_bad_choices_are_refused_before_anything_is_drawn(result, options, message):
    ax = Figure().add_subplot()
    with pytest.raises((InvalidArgument, InvalidType), match=message):
        result.plot(**{"x": "delta", "ax": ax} | options)
    assert not ax.has_data()


def test_a_policy_without_cells_cannot_be_asked_for():
    with pytest.warns(bl.errors.CellFailedWarning):
        failed = bl.sweep(
            gap, {"UCB": arms.UCB1, "bad": lambda delta: 1 / 0}, {"delta": [0.1, 0.2], "alpha": [1.0]}, **OPTIONS
        )
    with pytest.raises(InvalidArgument, match=r"policies\[1\] is 'bad'; allowed: one of \['UCB'\], which have cells"):
        failed.plot("delta", policies=["UCB", "bad"])
