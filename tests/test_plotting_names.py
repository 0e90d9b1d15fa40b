"""Names in pictures: formulas stay whole, and the caller's own are checked before anything is drawn."""

from __future__ import annotations

import inspect
import re

import matplotlib
import pytest
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser

import banditlab as bl
from banditlab import arms, clicks, plotting
from banditlab.core.errors import InvalidArgument
from banditlab.plotting.texts import short, wrapped

LONG = r"UCB1 with the exploration of Theorem 2, $\alpha = \frac{1}{2} + \log \log t - \gamma$, a window of 100 rounds"
OPTIONS = {"seed": 0, "progress": False}


@pytest.fixture(scope="module")
def result():
    return bl.run(arms.Bernoulli([0.2, 0.5]), [arms.UCB1(), arms.Uniform()], horizon=50, n_runs=5, **OPTIONS)


def formulas(text):
    return re.findall(r"\$.*?\$", text)


@pytest.mark.parametrize("width", [8, 18, 28, 48])
@pytest.mark.parametrize(
    "name",
    [
        LONG,
        r"$a-b-c \leq d-e \leq f-g \leq h-i \leq j-k \leq l-m \leq n-o$",
        "UCB$" + "x" * 60 + "$",
        "a" * 30 + r"$\alpha$" + "b" * 30 + r"$\alpha$",
        r"costs 5\$ a round, and 6\$ in each of the last rounds, $t > T - \frac{T}{K}$",
    ],
)
def test_a_name_is_never_broken_within_a_formula(name, width):
    lines = wrapped(name, width).split("\n")
    for line in lines:
        MathTextParser("path").parse(line)
    assert set(formulas("\n".join(lines).replace(r"\$", ""))) <= set(formulas(name.replace(r"\$", "")))


def test_a_formula_counts_as_wide_as_it_is_written():
    name = r"UCB1, $\alpha = \frac{1}{2}$, $\beta = \frac{1}{4}$, $\gamma = \frac{1}{8}$"
    assert wrapped(name, 48) == name
    assert wrapped(LONG, 48).split("\n") == [
        "UCB1 with the exploration of Theorem 2,",
        r"$\alpha = \frac{1}{2} + \log \log t - \gamma$, a window of 100 rounds",
    ]
    assert short(LONG) == r"UCB1 with the exploration of Theorem 2, $\alpha = \frac{1}{2} + \log \log t - \gamma$..."


def test_long_labels_are_written(result):
    ax = result.plot(labels={"UCB1": LONG})
    ax.figure.draw_without_rendering()
    (label,) = (text.get_text() for text in ax.get_legend().get_texts() if "Theorem" in text.get_text())
    assert formulas(label) == formulas(LONG)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("", "is ''; allowed: a text that is not empty"),
        (" ", "is ' '; allowed: a text that is not empty"),
        (r"$\frac{", r"allowed: a text that matplotlib can write, with formulas between two \$"),
        (r"$\frac{$", r"allowed: a text that matplotlib can write, .* \(Expected \\frac\{num\}\{den\}"),
        ("$x^$", r"allowed: a text that matplotlib can write, .* \.\.\.\)$"),
        ("$a\nb$", "allowed: a text that matplotlib can write"),
    ],
)
def test_labels_that_cannot_be_written_are_refused_before_anything_is_drawn(result, label, message):
    ax = Figure().add_subplot()
    with pytest.raises(InvalidArgument, match=message) as found:
        result.plot(labels={"Uniform": label}, ax=ax)
    assert str(found.value).startswith("labels['Uniform'] is ")
    assert not ax.has_data()


def test_titles_are_checked_too_and_may_be_empty(result):
    with pytest.raises(InvalidArgument, match=r"^title is '\$x'; allowed: a text that matplotlib can write"):
        result.plot(title="$x")
    assert result.plot(title="").get_title() == ""


@pytest.mark.parametrize("settings", [{"text.usetex": True}, {"text.parse_math": False}])
def test_labels_are_not_checked_where_matplotlib_does_not_write_their_formulas(result, settings):
    with matplotlib.rc_context(settings):
        drawn = result.plot(labels={"Uniform": r"$\textsc{Uniform}$"}, legend=False)
    assert r"$\textsc{Uniform}$" in [line.get_label() for line in drawn.get_lines()]


DRAWING = {
    bl.Results.plot: "plot_metric",
    bl.SweepResults.plot: "plot_sweep",
    clicks.Dynamics.plot: "plot_dynamics",
}


@pytest.mark.parametrize("method", DRAWING, ids=lambda method: method.__qualname__)
def test_methods_have_the_arguments_of_what_they_call_and_pass_them_on(method, monkeypatch):
    own, called = (
        list(inspect.signature(function).parameters.values())[1:]
        for function in (method, getattr(plotting, DRAWING[method]))
    )
    assert own == called
    passed = {}
    monkeypatch.setattr(plotting, DRAWING[method], lambda result, *args, **options: passed.update(options, args=args))
    method("result", **{one.name: one.name for one in own})
    in_order = [one.name for one in own if one.kind is one.POSITIONAL_OR_KEYWORD]
    assert passed == {one.name: one.name for one in own if one.name not in in_order} | {"args": tuple(in_order)}
    with pytest.raises(TypeError, match=rf"^{method.__qualname__}\(\) got an unexpected keyword argument 'xlabel'"):
        method("result", *in_order, xlabel="t")
