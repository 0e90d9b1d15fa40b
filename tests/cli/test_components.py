"""`banditlab list` and `show`."""

import dataclasses

import pytest

from banditlab import arms
from banditlab.cli.components import allowed, find
from banditlab.cli.docstrings import formula, paragraphs, sections
from banditlab.core.errors import BanditlabError, InvalidArgument
from banditlab.core.family import kinds
from banditlab.families import families, registered

from . import call

EVERY = [f"{family}.{name}" for family in families() for kind in kinds(family) for name in registered(family, kind)]


def test_list_has_every_component_with_its_first_line():
    result = call("list")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    for family in families():
        for kind, title in (("environment", "environments"), ("policy", "policies")):
            assert f"{family}: {title}" in lines or not registered(family, kind)
            for name, cls in registered(family, kind).items():
                first = " ".join(cls.__doc__.strip().splitlines()[0].split()).replace("`", "")
                assert f"{name} {first}" in lines
    assert ":math:" not in result.stdout
    assert "`" not in result.stdout


def test_list_can_be_narrowed_to_a_kind_or_a_family():
    environments, policies = call("list", "environments").stdout, call("list", "policies").stdout
    assert "\nBernoulli " in environments
    assert "\nBernoulli " not in policies
    assert "\nUCB1 " in policies
    assert "\nUCB1 " not in environments
    duels = call("list", "dueling").stdout
    assert "\nRUCB " in duels
    assert "\ndueling: policies\n" in duels
    assert "arms: policies" not in duels
    assert "\nMatchings " in call("list", "action_sets").stdout
    wrong = call("list", "polices")
    assert wrong.exit_code == 2
    assert wrong.stderr.startswith("banditlab: WHAT is 'polices'; allowed: a family or a kind: arms, ")


@pytest.mark.parametrize("name", EVERY)
def test_show_tells_all_that_the_docstring_does(name):
    result = call("show", name)
    assert result.exit_code == 0, result.output
    family, kind, cls = find(name)
    told, _, example = result.stdout.partition("\nExamples\n")
    assert ">>>" in example
    first, *lines = told.splitlines()
    assert first.startswith(f"{family}.{cls.__name__}  a")
    assert first.endswith(f" of banditlab.{family}")
    assert kind.replace("_", " ") in first
    assert all(line == line.rstrip() for line in lines)
    assert all(len(line) <= 100 for line in lines)
    assert ":math:" not in told
    assert "\\" not in told  # formulas have become symbols
    for field in dataclasses.fields(cls):
        assert any(line.startswith(f"{field.name}  ") for line in lines)
    if "uarantee" in (cls.__doc__ or ""):
        assert "uarantee" in result.stdout


def test_show_has_defaults_checks_and_guarantee():
    shown = call("show", "KLUCB").stdout
    assert "\nc  default 0.0; a number in [0, inf)\n    Weight of log log t; the proof uses 3" in shown
    assert "\nGuarantee (Garivier and Cappe 2011, Theorem 2; " in shown
    assert "\nLearns from: the reward of the arm played.\n" in shown
    assert "\n    max{q ∈ [0, 1] : n_a kl(μ̂_a, q) ≤ log t + c log log t}\n" in shown
    assert "\nmeans  required; " in call("show", "Bernoulli").stdout


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("klucbb", "a name from `banditlab list`; did you mean arms.KLUCB?"),
        ("dueling.RUBC", "did you mean dueling.RUCB?"),
        ("qwertz", "a name from `banditlab list`\n"),
        ("ExploreThenCommit", "one of several of that name: arms.ExploreThenCommit or scoring.ExploreThenCommit"),
        ("arms.", "a name from `banditlab list`\n"),
    ],
    ids=["typo", "typo with family", "nothing like it", "two of them", "a family"],
)
def test_names_that_are_none(name, told):
    result = call("show", name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"banditlab: NAME is '{name}'; allowed: ")
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_what_is_nearly_a_family_or_a_kind_is_suggested():
    result = call("list", "duelling")
    assert result.exit_code == 2
    assert result.stderr.endswith("did you mean dueling?\n")


def test_capitals_and_the_package_do_not_matter():
    assert find("klucb")[2] is find("banditlab.arms.KLUCB")[2] is arms.KLUCB
    with pytest.raises(InvalidArgument, match="several of that name"):
        find("piecewisestationary")


@pytest.mark.parametrize("name", EVERY)
def test_what_is_allowed_is_what_the_check_says(name):
    """A value that is told as an interval's end is taken, and the other side of it is not."""
    cls = find(name)[2]
    for field in dataclasses.fields(cls):
        words = allowed(field)
        if field.metadata.get("check") is not None and words.startswith("a number in [0, 1]"):
            assert field.metadata["check"]("x", 1.0) == 1.0
            with pytest.raises(BanditlabError):
                field.metadata["check"]("x", 1.0 + 1e-9)


@pytest.mark.parametrize(
    ("tex", "shown"),
    [
        (r"\hat\mu_a + \sqrt{2 \log t / n_a}", "μ̂_a + √(2 log t / n_a)"),
        (r"\frac{K}{\Delta^2} \log\log T", "K/(Δ^2) log log T"),
        (r"\frac12", "1/2"),
        (r"\lVert x - y \rVert_{\eta}", "‖x - y‖_η"),
        (r"\max\{a, b\} \quad \text{if } t \ge 1", "max{a, b}   if t ≥ 1"),
        (r"\tilde O(\sqrt{\frac{a}{b}})", "Õ(√(a/b))"),
        ("no commands, x_1", "no commands, x_1"),
        (r"\unheard{x}", "unheard{x}"),
        (r"\sqrt", "√()"),
    ],
)
def test_formulas(tex, shown):
    assert formula(tex) == shown


def test_sections_and_paragraphs():
    found = sections("First.\n\n- one\n  more\n- two\n\nNotes\n-----\n:math:`\\mu` and ``x``.\n\n.. math:: a \\\\ b\n")
    assert list(found) == ["", "Notes"]
    assert paragraphs(found[""]) == ["First.", "- one more\n- two"]
    assert paragraphs(found["Notes"]) == ["μ and x.", "    a\n    b"]
    assert paragraphs(found["Notes"], unicode=False)[0] == "\\mu and x."
