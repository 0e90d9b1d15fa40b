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


PLAYERS = {"UCB": arms.UCB1(), "KL": arms.KLUCB(), "any": arms.Uniform()}


def looks(ax):
    """Return colour, dashes and marker of the line of each name."""
    lines = {c.get_label(): c.lines[0] for c in ax.containers}
    lines |= {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}
    return {name: (one.get_color(), str(one._dash_pattern), one.get_marker()) for name, one in lines.items()}


def horizons(*several, players=PLAYERS):
    over = {"delta": [0.1, 0.2, 0.4], "horizon": list(several)}
    return bl.sweep(gap, players, over, n_runs=5, seed=0, progress=False)


def test_a_colour_is_a_policy_and_dashes_and_marker_are_the_other_values():
    swept = horizons(20, 40)
    found = looks(swept.plot("delta", slope=False))
    assert len(found) == 6
    for k, policy in enumerate(PLAYERS):
        assert {found[f"{policy}, horizon={n}"][0] for n in (20, 40)} == {plotting.COLOURS[k]}
    (short,), (long,) = ({found[f"{policy}, horizon={n}"][1:] for policy in PLAYERS} for n in (20, 40))
    assert short[0] != long[0]
    assert short[1] != long[1]
    one = looks(swept.plot("delta", slope=False, where={"horizon": 20}))
    alone = bl.run(gap(0.2), PLAYERS, horizon=20, n_runs=5, seed=0).plot(lower_bound=False)
    assert one == {name: look for name, look in looks(alone).items() if name in PLAYERS}


def test_lines_of_a_single_policy_have_colours_of_their_own_unless_it_is_given_one():
    swept = horizons(20, 40)
    found = looks(swept.plot("delta", policies=["KL"], slope=False, colors={"any": "red"})).values()
    assert [colour for colour, _, _ in found] == list(plotting.COLOURS[:2])
    given = looks(swept.plot("delta", policies=["KL"], slope=False, colors={"KL": [1.0, 0.0, 0.0]})).values()
    assert [to_hex(colour) for colour, _, _ in given] == ["#ff0000"] * 2
    assert len({look[1:] for look in given}) == 2


def test_policies_without_other_values_differ_in_dashes_and_markers_too(result):
    found = looks(result.plot("delta", slope=False))
    assert list(found) == ["UCB, alpha=0.5", "UCB, alpha=2.0", "KL", "any"]
    for part in (1, 2):
        assert len({look[part] for look in found.values()}) == 4


def test_level_lines_of_one_colour_are_told_apart(result):
    found = looks(result.plot("alpha", slope=False))
    assert len(set(found.values())) == len(found) == 6
    assert {found[f"{policy}, delta=0.1"][1:] for policy in PLAYERS} == {found["UCB, delta=0.1"][1:]}
    assert looks(result.plot("alpha", where={"delta": 0.1}))["KL"][2] == "none"


def test_a_second_sweep_has_colours_that_are_not_there_yet():
    ax, colours = Figure().add_subplot(), set()
    for k in range(2):
        players = {f"{k} {name}": player for name, player in PLAYERS.items()}
        colours |= {look[0] for look in looks(horizons(20, 40, players=players).plot("delta", ax=ax)).values()}
    assert len(colours) == 6
    horizons(20, 40).plot("delta", ax=ax)
    assert len(set(looks(ax).values())) == len(ax.containers) == 18


@pytest.mark.parametrize(("n_policies", "n_values"), [(12, 3), (2, 9), (2, 20)])
def test_all_lines_look_different(n_policies, n_values):
    players = {f"p{k}": arms.EpsilonGreedy(k / 20) for k in range(n_policies)}
    ax = horizons(*range(10, 10 + n_values), players=players).plot("delta", slope=False)
    found = looks(ax).values()
    assert len({(colour, marker) for colour, _, marker in found}) == n_policies * n_values


def test_a_legend_of_many_lines_says_what_looks_mean():
    swept = horizons(20, 30, 40)
    ax = swept.plot("delta", slope=False, labels={"KL": "KL-UCB"})
    assert legend(ax) == ["UCB", "KL-UCB", "any", "horizon=20", "horizon=30", "horizon=40"]
    keys = ax.get_legend().legend_handles
    found = looks(ax)
    for key, policy in zip(keys, PLAYERS, strict=False):
        name = "KL-UCB" if policy == "KL" else policy
        assert to_hex(key.get_color()) == to_hex(found[f"{name}, horizon=20"][0])
    assert [key.get_marker() for key in keys[3:]] == [found[f"any, horizon={n}"][2] for n in (20, 30, 40)]
    ax.figure.draw_without_rendering()
    assert ax.get_legend().get_window_extent().x0 > ax.get_window_extent().x1
    each = [f"{policy}, horizon={n}" for policy in PLAYERS for n in (20, 30, 40)]
    assert [name.partition(":")[0] for name in legend(swept.plot("delta"))] == each  # with slopes
    assert legend(swept.plot("delta", slope=False, colors={"KL": "red", "any": "red"})) == each  # red means nothing
    own = Figure(layout="constrained").add_subplot()
    assert legend(swept.plot("delta", slope=False, ax=own)) == ["UCB", "KL", *legend(ax)[2:]]


def test_keys_of_points_over_names_have_no_lines():
    worlds = {"hard": 0.1, "easy": 0.4}
    over = {"world": list(worlds), "horizon": [20, 30, 40]}
    ax = bl.sweep(lambda world: gap(worlds[world]), PLAYERS, over, n_runs=5, seed=0, progress=False).plot("world")
    assert [key.get_linestyle() for key in ax.get_legend().legend_handles] == ["-"] * 3 + ["None"] * 3
