"""`banditlab list` and `show`: which environments and policies there are, and all about one of them."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
import textwrap
from typing import Annotated, Any

import typer

from ..core.components import summary_line
from ..core.errors import BanditlabError
from ..core.family import kinds
from ..core.validation import invalid, meant, with_article
from .docstrings import paragraphs, sections
from .terminal import console, show, table, text

WIDEST = 100
"""Columns of prose, however wide the terminal."""


def plural(kind: str) -> str:
    """Return the plural of a kind's name.

    Examples
    --------
    >>> plural("policy"), plural("action_set")
    ('policies', 'action sets')
    """
    words = kind.replace("_", " ")
    return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"


def list_components(
    what: Annotated[
        str | None, typer.Argument(help="A family (dueling) or a kind (policies); default everything.")
    ] = None,
) -> None:
    """List environments, policies and what goes into them: the names that FILE.toml may use as type.

    An environment of another family than arms is named with the family: dueling.PreferenceMatrix.
    """
    from ..families import families, registered

    shown = [
        (family, kind)
        for family in families()
        for kind in kinds(family)
        if what in (None, family, plural(kind), plural(kind).replace(" ", "_"))
    ]
    if not shown:
        known = {plural(kind).replace(" ", "_") for family in families() for kind in kinds(family)}
        options = (*families(), *sorted(known))
        raise invalid("WHAT", what, "a family or a kind: " + ", ".join(options) + meant(what, options))
    to, unicode = console(), _shows_unicode()
    for family, kind in shown:
        rows = table(to, f"{family}: {plural(kind)}", "name", "what it is", left=2)
        members = registered(family, kind)
        for name in sorted(members, key=str.lower):
            rows.add_row(name, text(*paragraphs(summary_line(members[name]), unicode)))
        show(to, rows)
    typer.echo("banditlab show NAME says all about one of them.")


def show_component(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name from `banditlab list`, with or without family.")],
) -> None:
    """Show an environment or a policy: rule, feedback, guarantee, parameters with what is allowed, source."""
    family, kind, cls = find(name)
    to = console()
    unicode = _shows_unicode()
    found = sections(inspect.getdoc(cls) or "")
    about, *rule = paragraphs(found.pop("", ""), unicode)
    to.print(text(f"{family}.{cls.__name__}"), style="bold", end="")
    to.print(text(f"  {with_article(kind.replace('_', ' '))} of banditlab.{family}"), style="dim")
    _print_paragraphs(to, [about, *rule])
    if kind == "policy":
        _print_paragraphs(to, [f"Learns from: {cls.family.protocol.feedback(cls)}."])
    _print_fields(to, cls, found.pop("Parameters", ""), unicode)
    titles = {"Notes": "Guarantee and notes", "References": "Source"}
    for title in ("Notes", "Raises", "Warns", "References", "Examples"):
        if title in found:
            to.print(text(f"\n{titles.get(title, title)}"), style="bold")
            _print_paragraphs(to, paragraphs(found[title], unicode))


def find(name: str) -> tuple[str, str, Any]:
    """Return family, kind and class of a component by its name.

    Raises
    ------
    InvalidArgument
        If there is none, or several; the message says which there are.

    Examples
    --------
    >>> from banditlab import cli
    >>> cli.components.find("dueling.RUCB")[:2]
    ('dueling', 'policy')
    """
    from ..families import families, registered

    known = [
        (family, kind, cls)
        for family in families()
        for kind in kinds(family)
        for cls in registered(family, kind).values()
    ]
    wanted = name.lower().removeprefix("banditlab.")
    matching = [c for c in known if wanted in (c[2].__name__.lower(), f"{c[0]}.{c[2].__name__}".lower())]
    if len(matching) == 1:
        return matching[0]
    if matching:
        options = " or ".join(f"{family}.{cls.__name__}" for family, _, cls in matching)
        raise invalid("NAME", name, f"one of several of that name: {options}")
    short = {cls.__name__: f"{family}.{cls.__name__}" for family, _, cls in known}
    told = meant(name.rpartition(".")[2], short, written=short.__getitem__)
    raise invalid("NAME", name, f"a name from `banditlab list`{told}")


def allowed(field: dataclasses.Field[Any]) -> str:
    """Return what values a field takes, in the words of the error that another value raises.

    Examples
    --------
    >>> from banditlab import arms, cli
    >>> [cli.components.allowed(f) for f in dataclasses.fields(arms.UCB1)]
    ['a number in (0, inf)']
    """
    check = field.metadata.get("check")
    if check is None:
        return ""
    for wrong in (-1e200, 1e200, object()):
        try:
            check(field.name, wrong)
        except BanditlabError as error:
            words = str(error).rpartition("; allowed: ")[2].split("; ")[0]
            return words if field.default is not None else f"{words}, or None"
        except Exception:  # noqa: BLE001 - a check of another kind of value may fail on this one in any way
            continue
    return ""


def _print_fields(to: Any, cls: Any, documented: str, unicode: bool) -> None:
    """Print a component's parameters: name, default, what is allowed, what it is."""
    fields = dataclasses.fields(cls)
    if not fields:
        return
    meanings = dict(re.findall(r"^(\w+) ?:.*\n((?:[ \t]+.*\n?|\n)+)", documented, re.MULTILINE))
    to.print(text("\nParameters"), style="bold")
    for field in fields:
        default = "required" if field.default is dataclasses.MISSING else f"default {field.default!r}"
        told = "; ".join(part for part in (default, allowed(field)) if part)
        meaning = " ".join(paragraphs(meanings.get(field.name, field.metadata.get("doc", "")), unicode))
        line = text(_filled(to, f"{field.name}  {told}", hanging=4))
        line.stylize("dim", len(field.name))
        to.print(line)
        if meaning:
            typer.echo(_filled(to, meaning, indent="    "))


def _print_paragraphs(to: Any, shown: list[str]) -> None:
    for paragraph in shown:
        typer.echo()
        if paragraph.startswith(">>>"):
            typer.echo(paragraph)
            continue
        for line in paragraph.split("\n"):
            if line.startswith("    "):  # a formula
                typer.echo(_filled(to, line.strip(), indent="    ", hanging=4))
            else:
                typer.echo(_filled(to, line, hanging=2 if line.startswith(("- ", "* ")) else 0))


def _filled(to: Any, line: str, indent: str = "", hanging: int = 0) -> str:
    return textwrap.fill(
        line, min(to.width, WIDEST), initial_indent=indent, subsequent_indent=indent + " " * hanging,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _shows_unicode() -> bool:
    """Say whether standard output can hold formulas in Unicode."""
    try:
        "Σμ̂√≤∈".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
