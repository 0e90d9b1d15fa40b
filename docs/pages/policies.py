r"""The page of policies: family by family what each learns from, what it assumes, what it guarantees, whose it is.

All of it is read from docstrings, which have it in the form that CONTRIBUTING.md asks for.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

import numpy as np

from banditlab import dueling, semibandits
from banditlab.cli.docstrings import sections
from banditlab.core.components import Problem, make_state
from banditlab.cvar.bandits.protocol import CVaRProtocol
from banditlab.cvar.bandits.spaces import SampleSpace
from banditlab.families import families, registered

INTRODUCTION = """---
html_theme.sidebar_secondary.remove: true
---

# Policies

What each policy learns from, what its guarantee assumes and says, and whose it is. Only the first sentence of a
guarantee is shown; a policy's own page has all of it, with its symbols and which parts were reconstructed. $R_T$ is the
regret after $T$ rounds, $K$ the number of arms, $\\Delta_a$ the gap of arm $a$. With default parameters, policies with
a * need to know the horizon; those that buy information are all told it.
"""
TITLES = {
    "arms": "K-armed bandits",
    "clicks": "Strategic click-bandits",
    "cvar": "CVaR",
    "dueling": "Duels",
    "scoring": "Buying information",
    "semibandits": "Combinatorial semi-bandits",
}
GIVEN: dict[str, dict[str, Any]] = {
    "MCVTS": {"values": (0.0, 1.0)},
    "CVaRUCBVI": {"tau": 0.5},
    "ICVaRRM": {"tau": 0.5},
    "ICVaRL": {"tau": 0.5, "features": np.full((2, 2, 2, 1), 0.5)},
    "DETECT": {"base": dueling.WinnerStaysWeak(), "pmin": 0.6, "delta": 0.3},
    "MonitoredDuelingBandits": {"base": dueling.WinnerStaysWeak(), "n_segments": 2, "delta": 0.3},
}
"""Parameters without a default, to find out whether a policy needs the horizon."""
ACTIONS = {"PASCombUCB": semibandits.SafeUpToM(2, 1.0)}
"""Action sets for policies that do not play every one."""
FEW = 3
"""Policies that learn from the same thing have a table of their own, if they are at least so many."""
FORMULA = re.compile(r":math:`([^`]*)`")
ROLE = re.compile(r":[a-z:]+:(?=`)")
ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
PLACE = re.compile(
    r", ((Algorithms?|Figure|section|Proposition|Mechanism) [\d.]+( (and|to) [\d.]+)?|in the released code)"
)
SENTENCE = re.compile(r"(?<=[.])(?<!et al[.])\s+(?=[A-Z:`0-9])")


class Guarantee(NamedTuple):
    """What a docstring's paragraph `Guarantee (SOURCE; ASSUMPTIONS): STATEMENT` says, in reStructuredText.

    Attributes
    ----------
    source : str
        Who proved it, and where in the paper; '' where there is none.
    assumptions : str
        On rewards, environment and parameters; '' where there is none.
    statement : str
        The first sentence, without a full stop; of a policy without a guarantee it is 'none, REASON'.
    """

    source: str
    assumptions: str
    statement: str


def guarantee_of(cls: type) -> Guarantee:
    r"""Return a policy's guarantee.

    Raises
    ------
    ValueError
        If its docstring has no such paragraph, or several, or one that is not of the form.

    Examples
    --------
    >>> from banditlab import arms
    >>> guarantee_of(arms.MOSS)
    Guarantee(source='Audibert and Bubeck 2009, Theorem 5', assumptions='rewards in [0, 1]',
              statement=':math:`E[R_T] \\le 49 \\sqrt{K T}`')
    """
    notes = sections(inspect.getdoc(cls) or "").get("Notes", "")
    found = [" ".join(p.split()) for p in re.split(r"\n\s*\n", notes) if p.lstrip().startswith("Guarantee")]
    if len(found) != 1:
        raise ValueError(f"{cls.__name__} has {len(found)} paragraphs in Notes that begin with Guarantee; allowed: one")
    if reason := re.match(r"Guarantee: (none, .*)", found[0]):
        return Guarantee("", "", first_sentence(reason[1]))
    head, rest = parenthesis(found[0].removeprefix("Guarantee "))
    source, semicolon, assumptions = head.partition("; ")
    if not (source and semicolon and assumptions and rest.startswith(": ")):
        raise ValueError(
            f"{cls.__name__} says {found[0][:60]!r}; allowed: 'Guarantee (SOURCE; ASSUMPTIONS): STATEMENT.' or "
            "'Guarantee: none, REASON.'"
        )
    return Guarantee(source, assumptions, first_sentence(rest.removeprefix(": ")))


def paper_of(cls: type) -> str:
    """Return a policy's paper, the first entry of References; '' for a rule that is ours."""
    references = sections(inspect.getdoc(cls) or "").get("References", "")
    return " ".join(references.split("\n\n")[0].split()).removesuffix(".")


def parenthesis(text: str) -> tuple[str, str]:
    """Return what stands in the parenthesis that a text begins with, and what follows it; '' if there is none.

    Examples
    --------
    >>> parenthesis("(a, f(b)): c")
    ('a, f(b)', ': c')
    """
    depth = 0
    for k, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return text[1:k], text[k + 1 :]
    return "", text


def first_sentence(text: str) -> str:
    """Return a text's first sentence, without its full stop.

    Examples
    --------
    >>> first_sentence("It is 1.5 log T. The rest.")
    'It is 1.5 log T'
    """
    return SENTENCE.split(text, maxsplit=1)[0].removesuffix(".")


def markdown(text: str) -> str:
    r"""Return reStructuredText as what a cell of a MyST table may hold.

    Examples
    --------
    >>> print(markdown("for :math:`x | y` and `RUCB`, of |A| a_b"))
    for $x \mid y$ and `RUCB`, of \|A\| a\_b
    """
    parts = FORMULA.split(text)
    return "".join(
        "$" + re.sub(r"(?<!\\)\|", r"\\mid ", part).replace(r"\mid  ", r"\mid ").strip() + "$" if k % 2 else prose(part)
        for k, part in enumerate(parts)
    )


def prose(text: str) -> str:
    """Return text without roles, with the characters escaped that Markdown reads as markup, but in quoted names."""
    parts = re.split(r"(`[^`]*`)", ROLE.sub("", text).replace("``", "`"))
    return "".join(part if k % 2 else re.sub(r"([|_*<$\[\]])", r"\\\1", part) for k, part in enumerate(parts))


@dataclass(frozen=True)
class Endless(Problem):
    """A problem without a horizon, of every family at once.

    Attributes
    ----------
    actions : action set
        Of semi-bandits.
    dimension : int
        Of the features of contextual duels.
    n_states, n_actions, n_steps : int
        Of MDPs.
    """

    actions: Any = None
    dimension: int = 2
    n_states: int = 2
    n_actions: int = 2
    n_steps: int = 2

    def required_horizon(self, policy: object) -> NoReturn:
        """Raise, whatever the policy."""
        raise NeedsHorizon


class NeedsHorizon(Exception):  # noqa: N818 - it is an answer, and no error
    """What `Endless` raises."""


@dataclass(frozen=True)
class EndlessRoom(SampleSpace):
    """Room for the states of policies that play an endless problem."""

    @property
    def problem(self) -> Problem:
        """The problem, which raises where it is asked for the horizon."""
        return Endless(self.n_arms, None)


def needs_horizon(cls: Any) -> bool:
    """Say whether a policy with default parameters asks for the horizon: for its parameters, or, if for CVaR, for room.

    Examples
    --------
    >>> from banditlab import arms, cvar
    >>> needs_horizon(arms.MOSS), needs_horizon(arms.UCB1), needs_horizon(cvar.BCVTS)
    (True, False, True)
    """
    given, actions = GIVEN.get(cls.__name__, {}), ACTIONS.get(cls.__name__, semibandits.UpToM(2))
    try:
        policy = cls(**given)
        policy.params(Endless(3, None, actions))
        if isinstance(cls.family.protocol, CVaRProtocol):
            make_state(policy, EndlessRoom(3, 1, None))
    except NeedsHorizon:
        return True
    return False


def feedback_of(cls: Any) -> str:
    """Return what a policy learns from in a round, in words."""
    told: str = cls.family.protocol.feedback(cls)
    return told


def groups(family: str) -> dict[str, list[type]]:
    """Return a family's policies by what they learn from, in words."""
    found: dict[str, list[type]] = {}
    for _, cls in sorted(registered(family, "policy").items(), key=lambda item: item[0].lower()):
        found.setdefault(feedback_of(cls), []).append(cls)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def short(paper: str) -> str:
    """Return a reference's authors and year, the first author for more than two, with a link if it is on arXiv.

    Examples
    --------
    >>> short("Auer, Cesa-Bianchi, Fischer (2002), Finite-time analysis")
    'Auer et al. 2002'
    """
    names, year = authors_and_year(paper)
    label = f"{names[0]} et al. {year}" if len(names) > 2 else f"{', '.join(names)} {year}"
    found = ARXIV.search(paper)
    return f"[{label}](https://arxiv.org/abs/{found[1]})" if found else label


def authors_and_year(reference: str) -> tuple[list[str], str]:
    """Return the authors, as far as they are named, and the year of 'Auer et al. 2002' or 'Auer, Fischer (2002)'."""
    found = re.match(r"(?P<authors>.*?) \(?(?P<year>\d{4})", reference)
    return (re.split(r", | and | et al", found["authors"]), found["year"]) if found else ([reference], "")


def theorem(source: str, paper: str) -> str:
    """Return where a guarantee stands, in parentheses: without authors and year if they are those of the paper.

    Examples
    --------
    >>> theorem("Auer et al. 2002, Theorem 1", "Auer, Cesa-Bianchi, Fischer (2002), Finite-time analysis")
    ' (Theorem 1)'
    """
    if not source or not paper:
        return ""
    (first, *_), year = authors_and_year(source)
    (known, *_), known_year = authors_and_year(paper)
    place = source.partition(year)[2].removeprefix(", ") if (first, year) == (known, known_year) else source
    return f" ({place})" if place else ""


def rows(family: str, policies: list[type], told: bool) -> Iterator[str]:
    """Yield a table's lines; `told` asks for a column that says what each policy learns from."""
    yield "| policy, paper | guarantee | it assumes |" + " feedback |" * told
    yield "|---|---|---|" + "---|" * told
    for cls in policies:
        found, paper = guarantee_of(cls), paper_of(cls)
        name = f"{{py:class}}`~banditlab.{family}.{cls.__name__}`"
        star = " \\*" if family != "scoring" and needs_horizon(cls) else ""
        stated = markdown(found.statement + theorem(found.source, paper))
        whose = short(paper) if paper else "ours"
        yield (
            f"| {name}{star}<br>{whose} | {stated} | {markdown(found.assumptions)} |" + f" {feedback_of(cls)} |" * told
        )


def papers() -> list[str]:
    """Return the papers of all policies, each once, by author and year."""
    of_policies = [paper_of(cls) for family in families() for cls in registered(family, "policy").values()]
    whole = {PLACE.sub("", p) for p in of_policies if p}
    linked = (ARXIV.sub(r"[arXiv:\1](https://arxiv.org/abs/\1)", markdown(paper)) for paper in sorted(whole))
    return [f"- {paper}." for paper in linked]


def policies_page() -> str:
    """Return the page, in MyST Markdown."""
    lines = [INTRODUCTION]
    for family in families():
        lines += [f"## {TITLES[family]}", "", f"The policies of {{doc}}`banditlab.{family} <family_{family}>`.", ""]
        others: list[type] = []
        for feedback, policies in groups(family).items():
            if len(policies) < FEW:
                others += policies
            else:
                lines += [f"Feedback: {feedback}.", "", *rows(family, policies, told=False), ""]
        if others:
            lines += ["Other feedback:", "", *rows(family, others, told=True), ""]
    return "\n".join([*lines, "## Papers", "", *papers(), ""])
