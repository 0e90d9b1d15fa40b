r"""Names in pictures: long ones are broken or cut, though never in a formula, which matplotlib could then not write.

A formula is what stands between two dollars; `\$` is a dollar.
"""

from __future__ import annotations

import re
import textwrap
from typing import Any

from banditlab.core.validation import invalid, text

LONGEST_NAME = 48
"""Letters of a name that fit on a line of a legend, or into a title next to the sizes."""

FORMULA = re.compile(r"(?<!\\)\$.*?(?<!\\)\$", re.DOTALL)

STAND_IN = 0x100000
"""The first of the characters that stand for formulas while a name is broken: those that no alphabet has."""


def writable(name: str, value: Any) -> str:
    """Check for a text that matplotlib can write: it would refuse a bad formula itself, but when all is drawn."""
    from matplotlib import rcParams
    from matplotlib.mathtext import MathTextParser

    text(name, value)
    if rcParams["text.usetex"] or not rcParams["text.parse_math"]:  # LaTeX writes all of it, or there are no formulas
        return str(value)
    for line in value.split("\n"):
        try:
            MathTextParser("path").parse(line)
        except ValueError as error:
            why = textwrap.shorten(str(error).splitlines()[-1].partition(": ")[2], 80, placeholder=" ...")
            allowed = rf"a text that matplotlib can write, with formulas between two $, and \$ for a dollar ({why})"
            raise invalid(name, value, allowed) from error
    return str(value)


def wrapped(name: str, width: int) -> str:
    """Return a long name broken into at most three lines; one that has several lines already is left alone."""
    hidden, formulas = _hidden(name)
    if len(hidden) <= width or "\n" in name:
        return name
    hidden = " ".join(_parted(word, width) for word in hidden.split())
    return _shown("\n".join(textwrap.wrap(hidden, width, max_lines=3, placeholder=" ...")), formulas)


def _parted(word: str, width: int) -> str:
    """Return a word too long for a line with spaces where it may break: before capitals, as seldom as possible.

    Parts are so long that no two of them fit on a line.
    """
    parts = [""]
    for part in re.split(r"(?<=[a-z0-9])(?=[A-Z])", word) if len(word) > width else [word]:
        if parts[-1] and len(parts[-1]) + len(part) > width:
            parts.append("")
        parts[-1] += part
    return " ".join(parts)


def short(name: str) -> str:
    """Return a name without arguments of which only the size is known; if long, without what is in brackets."""
    name, formulas = _hidden(name)
    name = re.sub(r"\(.*<\d+( x \d+)* (array|entries)>.*\)$", "", name)
    if len(name) > LONGEST_NAME:
        name = re.sub(r"\[[^\[\]]{4,}\]", "[...]", name)
    if len(name) > LONGEST_NAME and re.fullmatch(r"\w+\(.*\)", name):
        name = _first_arguments(*name[:-1].split("(", 1))
    return _shown(name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 3] + "...", formulas)


def _first_arguments(cls: str, inside: str) -> str:
    """Return a class with as many of its first arguments as there is room for: none is cut in the middle."""
    commas = [m.start() for m in re.finditer(", ", inside) if _closed(inside[: m.start()])]
    fitting = [inside[:at] for at in commas if len(f"{cls}({inside[:at]}, ...)") <= LONGEST_NAME]
    return f"{cls}({fitting[-1]}, ...)" if fitting else f"{cls}(...)"


def _closed(part: str) -> bool:
    """Return whether every bracket in a part of a name is closed."""
    return all(part.count(left) == part.count(right) for left, right in ("()", "[]", "{}"))


def _hidden(name: str) -> tuple[str, list[str]]:
    """Return a name in which each formula is one character, repeated to about its width, and the formulas."""
    formulas: list[str] = []

    def stand_in(found: re.Match[str]) -> str:
        formulas.append(found[0])
        symbols = re.sub(r"[${}^_\s\\]", "", re.sub(r"\\[A-Za-z]+", "x", found[0]))
        return chr(STAND_IN + len(formulas) - 1) * max(1, len(symbols))

    return FORMULA.sub(stand_in, name), formulas


def _shown(hidden: str, formulas: list[str]) -> str:
    """Return a name with its formulas in place of what stands for them, whole where that was broken or cut."""
    return re.sub(r"([\U00100000-\U0010ffff])(?:\n?\1)*", lambda found: formulas[ord(found[1]) - STAND_IN], hidden)
