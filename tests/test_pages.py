"""Pages that are made from the registry, from docstrings and from what was measured."""

from __future__ import annotations

import importlib
import inspect
import json
import re

import pytest
from check_links import dead_links
from pages.compatibility import PLAYS, compatibility_page
from pages.examples import example_of
from pages.reference import MODULES, family_page
from pages.speed import MEASURED, speed_page

from banditlab import arms
from banditlab.families import families, kinds, registered
from experiments.pages import gallery_page, verdict_page
from experiments.reproduction import experiments

COMPONENTS = [(f, k, n) for f in families() for k in kinds(f) for n in sorted(registered(f, k))]


@pytest.mark.parametrize(("family", "kind", "name"), COMPONENTS, ids=[f"{f}-{n}" for f, _, n in COMPONENTS])
def test_an_example_in_each_docstring_constructs_the_component(family, kind, name):
    cls = registered(family, kind)[name]
    assert type(example_of(cls)) is cls


def test_a_docstring_without_an_example_is_an_error():
    class Silent:
        """Shows nothing."""

    with pytest.raises(LookupError, match="Silent"):
        example_of(Silent)


def rows_of(page, title):
    """Return the cells of the table below a title, row by row."""
    table = page.split(f"## {title}\n")[1].split("```")[1]
    return [re.findall(r"- (.*)", row) for row in table.split("\n* ")[1:]]


def test_compatibility_is_what_run_says():
    page = compatibility_page()
    heads, *rows = rows_of(page, "Environments of banditlab.arms")
    environments = [re.search(r"`(\w+) ", head)[1] for head in heads[1:-1]]
    table = {re.search(r"`(\w+) ", name)[1]: dict(zip(environments, cells[:-1], strict=True)) for name, *cells in rows}
    assert set(table) >= set(registered("arms", "policy"))
    assert set(environments) == set(registered("arms", "environment"))
    assert table["ThompsonSampling"]["Bernoulli"] == PLAYS
    assert table["ThompsonSampling"]["Gaussian"] != PLAYS
    reason = page.split(f"\n{table['ThompsonSampling']['Gaussian']}. ")[1].split("\n")[0]
    assert reason == "it learns from rewards that are 0 or 1"
    assert set(table["UCB1"].values()) == {PLAYS}


@pytest.mark.parametrize("family", families())
def test_pages_of_reference_have_everything_public(family):
    page = family_page(family)
    for kind in ("environment", "policy", "action_set"):
        for name in registered(family, kind):
            assert f"   {family}.{name}\n" in page
    module = importlib.import_module(f"banditlab.{family}")
    parts = {name for name in module.__all__ if inspect.ismodule(getattr(module, name))}
    assert parts - {"generics", "divergences", "contextual", "mdp"} <= {name for _, name in MODULES}


def test_speed_page_has_the_numbers_that_were_measured():
    page, measured = speed_page(), json.loads(MEASURED.read_text(encoding="utf-8"))
    for row in measured["policies"]:
        assert f"<banditlab.{row['family']}.{row['name']}>" in page
    assert page.count("| **") >= len(measured["throughput"])
    assert hasattr(arms, measured["throughput"]["ucb1-10"]["policy"])


def test_every_recorded_figure_is_in_the_gallery_and_beside_its_verdicts():
    gallery, verdicts = gallery_page(), verdict_page()
    for name, experiment in experiments().items():
        recorded = experiment.recorded()
        assert recorded is not None, name
        for figure in recorded.figures:
            assert f"../verdicts/{figure}" in gallery
            assert f"../verdicts/{figure}" in verdicts


def test_dead_links_are_found(tmp_path):
    (tmp_path / "a.html").write_text('<a href="b.html#here">1</a><a href="b.html#there">2</a><img src="c.png">')
    (tmp_path / "b.html").write_text('<p id="here"><a href="https://example.org/none">3</a><a href="#here">4</a>')
    assert dead_links(tmp_path) == ["a.html -> b.html#there", "a.html -> c.png"]
