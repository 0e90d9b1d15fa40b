"""What pages are made of: docstrings of policies and environments in the form that CONTRIBUTING.md asks for."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from pathlib import Path

import pytest
from pages.policies import Guarantee, guarantee_of, markdown, needs_horizon, paper_of, papers, policies_page

import banditlab
from banditlab import arms, cvar, dueling, scoring, semibandits
from banditlab.cli.docstrings import sections
from banditlab.families import families, kinds, registered


def of_kind(kind):
    return [pytest.param(f, c, id=f"{f}.{n}") for f in families() for n, c in sorted(registered(f, kind).items())]


def written(cls):
    return sections(inspect.getdoc(cls))


@pytest.mark.parametrize(("family", "policy"), of_kind("policy"))
def test_policy_says_what_it_guarantees(family, policy):
    found = guarantee_of(policy)
    assert re.match(r"none, \w", found.statement) or (found.source and found.assumptions)
    assert found.source == "ours" or not found.source or re.match(r"[A-Z].* \d{4}", found.source)
    assert found.statement.count("`") % 2 == 0
    assert found.statement.count("(") == found.statement.count(")")
    assert written(policy)["Notes"].startswith("Guarantee")


@pytest.mark.parametrize(("family", "policy"), of_kind("policy"))
def test_policy_says_whose_it_is(family, policy):
    paper = paper_of(policy)
    if paper:
        assert re.match(r"[A-Z][^()]* \((19|20)\d\d\), [A-Z]", paper), paper
        assert "arXiv" not in re.sub(r"arXiv:\d{4}\.\d{4,5}(?!\d)", "", written(policy)["References"])
    else:
        assert "References" not in written(policy)
        assert re.search(r"\bours\b", written(policy)["Notes"])


@pytest.mark.parametrize(("family", "policy"), of_kind("policy"))
def test_policy_says_what_it_learns_from(family, policy):
    feedback = policy.family.protocol.feedback(policy)
    assert feedback == feedback.strip()
    assert not feedback.endswith(".")


KINDS = sorted({kind for family in families() for kind in kinds(family)})
every_component = pytest.mark.parametrize(("family", "component"), [part for kind in KINDS for part in of_kind(kind)])


@every_component
def test_component_begins_with_a_sentence_and_shows_how_it_is_made(family, component):
    first, _, rest = written(component)[""].partition("\n")
    assert re.match(r"[A-Z].*\.$", first)
    assert not rest.strip() or rest.startswith("\n")
    assert re.search(rf"(>>>|\.\.\.) .*\b{component.__name__}[.(,]", written(component)["Examples"])


CHECKED_TOGETHER = {("HiringProblem", "costs"), ("PrincipalAgent", "states")}


@every_component
def test_fields_have_a_check_and_are_documented(family, component):
    """Parameters name every field, once; those of policies with the default, unless it is said to be another's."""
    is_policy = component.__banditlab__.kind == "policy"
    parameters = written(component).get("Parameters", "")
    assert bool(parameters) == bool(dataclasses.fields(component))
    entries = re.split(r"\n(?=\S)", parameters)
    for field in dataclasses.fields(component):
        assert callable(field.metadata["check"]) or (component.__name__, field.name) in CHECKED_TOGETHER
        assert len(field.metadata["doc"]) > 5
        (entry,) = [e for e in entries if field.name in re.split(", ?", e.partition("\n")[0].partition(" : ")[0])]
        line, _, told = entry.partition("\n")
        if is_policy and field.default is not dataclasses.MISSING and not told.strip().startswith("As in"):
            assert line.endswith(", optional" if field.default is None else f"default {field.default!r}")


@pytest.mark.parametrize(("family", "component"), of_kind("policy") + of_kind("environment"))
def test_formulas_can_be_shown(family, component):
    doc = inspect.getdoc(component)
    inline = re.findall(r":math:`([^`]*)`", doc)
    assert len(inline) == doc.count(":math:")
    displayed = re.findall(r"^\.\. math:: (.*(?:\n +.*)*)", doc, re.MULTILINE)
    for formula in inline + displayed:
        assert formula == formula.strip()  # else it is no formula but text
        assert formula.count("{") == formula.count("}")
        assert "&" not in formula or "\\\\" in formula  # Sphinx aligns formulas of several lines only


def test_feedback_differs_where_policies_learn_from_different_things():
    def told(cls):
        return cls.family.protocol.feedback(cls)

    assert told(arms.UCB1) == told(arms.EXP3) == "the reward of the arm played"
    assert told(dueling.RUCB) == "which of two arms wins"
    assert told(dueling.VACDB) == "the features of all arms, and which of two arms wins"
    assert told(semibandits.CombUCB1) == "all outcomes"
    assert told(semibandits.KMaxCUCB) == "the reward and the item that gave it"
    assert told(semibandits.CETC) == "the action's reward alone"
    assert told(scoring.OnlineFullFeedback) == "all reports, and what each decision was worth to everybody"
    assert told(scoring.OnlineBanditFeedback) == "all reports, and what the decision taken was worth to everybody"


FILES = sorted(Path(banditlab.__file__).parent.rglob("*.py"))
TITLES = [
    "Parameters", "Attributes", "Returns", "Yields", "Raises", "Warns", "See Also", "Notes", "References", "Examples",
]  # fmt: skip


def docstrings(file):
    """Return every docstring in a file, with the line of what it is of."""
    made = (ast.Module, ast.ClassDef, ast.FunctionDef)
    nodes = [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, made)]
    return [(getattr(node, "lineno", 1), doc) for node in nodes if (doc := ast.get_docstring(node))]


def misplaced_titles(doc):
    """Return the titles of sections that do not stand on a line of their own, underlined, after an empty line."""
    lines = ["", *doc.splitlines(), ""]
    found = [line for line in lines if re.search(rf"\b({'|'.join(TITLES)}) +-{{3,}}", line)]
    for before, title, below in zip(lines, lines[1:], lines[2:], strict=False):
        underlined = bool(re.fullmatch("-{3,}", below))
        well = title in TITLES and len(below) == len(title) and not before
        if (underlined or title in TITLES) and not (underlined and well):
            found.append(title)
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FILES[0].parent)))
def test_titles_of_sections_stand_on_lines_of_their_own(file):
    """One that a paragraph has swallowed is text, and its section is none."""
    assert [(line, found) for line, doc in docstrings(file) if (found := misplaced_titles(doc))] == []


@pytest.mark.parametrize(
    "text",
    [
        "A.\n\nNotes -----\nB.",
        "A.\nNotes\n-----\nB.",
        "A.\n\nNotes\n----\nB.",
        "A.\n\nNote\n----\nB.",
        "A.\n\nNotes\nB.",
    ],
)
def test_titles_that_are_misplaced_are_found(text):
    assert len(misplaced_titles(text)) == 1
    assert misplaced_titles("A.\n\nNotes\n-----\nB.") == []


class Plain:
    """A policy.

    Notes
    -----
    A remark.

    Guarantee (Doe (2020), Theorem 1; rewards in (0, 1)): regret is at
    most 1.5 (Roe et al. 2021). The rest.
    """


class Colon:
    """A policy.

    Notes
    -----
    Guarantee (Doe 2020, Theorem 1, rewards in [0, 1]): regret is small.
    """


def test_a_guarantee_is_taken_apart():
    assert guarantee_of(Plain) == Guarantee(
        "Doe (2020), Theorem 1", "rewards in (0, 1)", "regret is at most 1.5 (Roe et al. 2021)"
    )
    with pytest.raises(ValueError, match=r"Colon says 'Guarantee .*; allowed: 'Guarantee "):
        guarantee_of(Colon)
    with pytest.raises(ValueError, match="has 0 paragraphs in Notes that begin with Guarantee; allowed: one"):
        guarantee_of(type("Silent", (), {"__doc__": "A policy."}))


def test_formulas_and_bars_survive_in_a_cell():
    assert markdown(":math:`p(x | y)` of |A| and :math:`\\mid`") == "$p(x \\mid y)$ of \\|A\\| and $\\mid$"
    assert markdown("a_b * [0, 1], see :func:`f_g`") == "a\\_b \\* \\[0, 1\\], see `f_g`"


def test_horizon_is_needed_where_an_agent_cannot_start_without():
    assert needs_horizon(arms.KLUCBPlusPlus)
    assert not needs_horizon(arms.KLUCB)
    assert needs_horizon(dueling.DETECT)
    assert needs_horizon(semibandits.PASCombUCB)
    assert needs_horizon(cvar.BCVTS)
    assert not needs_horizon(cvar.MCVTS)
    assert not needs_horizon(semibandits.CombUCB1)


def test_page_has_every_policy_in_a_row_of_its_table():
    page = policies_page()
    rows = [line for line in page.splitlines() if line.startswith("| {py:class}")]
    names = [f"banditlab.{family}.{name}" for family in families() for name in registered(family, "policy")]
    assert sorted(re.match(r"\| {py:class}`~([\w.]+)`", row)[1] for row in rows) == sorted(names)
    for row in rows:
        assert len(re.findall(r"(?<!\\)\|", row)) in (4, 5), row
        assert row.count("$") % 2 == 0, row
        assert ":math:" not in row
    assert (
        "{py:class}`~banditlab.arms.MOSS` \\*<br>Audibert, Bubeck 2009 | $E[R_T] \\le 49 \\sqrt{K T}$ (Theorem 5)"
        in page
    )


def test_each_paper_is_listed_once():
    titles = [re.match(r"- .*?\(\d{4}\), ([^,.]*)", paper)[1].lower() for paper in papers()]
    assert len(set(titles)) == len(titles)
    assert len(titles) > 40
