r"""Docstrings as text for a terminal: numpydoc's sections, and formulas in Unicode where it can show them.

This is our own code because docutils' writers know neither numpydoc nor formulas, and little of them is needed.
"""

from __future__ import annotations

import re
import unicodedata

_HEADING = re.compile(r"^(?P<title>\S.*)\n-{3,}\n", re.MULTILINE)
_FORMULA = re.compile(r":math:`([^`]*)`")
_ROLE = re.compile(r":[a-z:]+:(?=`)")
_QUOTED = re.compile(r"``?([^`]+)``?_?")

_SYMBOLS = {
    "le": "≤", "ge": "≥", "ne": "≠", "in": "∈", "sum": "Σ", "prod": "Π", "sqrt": "√", "pm": "±", "cdot": "·",
    "ell": "ℓ", "infty": "∞", "sim": "~", "leftarrow": "←", "to": "→", "top": "⊤", "forall": "∀", "mid": "|",
    "lVert": "‖", "rVert": "‖", "|": "‖", "lceil": "⌈", "rceil": "⌉", "lfloor": "⌊", "rfloor": "⌋", "langle": "⟨",
    "rangle": "⟩", "cup": "∪", "bigcup": "∪", "setminus": "∖", "succ": "≻", "emptyset": "∅", "dots": "...",
    "times": "x", "approx": "≈", "{": "{", "}": "}", "#": "#", "quad": "\u2003", "qquad": "\u2003", ",": " ", ";": " ",
    " ": " ", "!": "", "left": "", "right": "", "Big": "", "textstyle": "", "\\": "\n",
}  # fmt: skip
_GREEK = {
    name: unicodedata.lookup(f"GREEK {case} LETTER {name.upper().replace('LAMBDA', 'LAMDA')}")
    for case, names in (
        ("SMALL", "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi"),
        ("SMALL", "omega"),
        ("CAPITAL", "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"),
    )
    for name in names.split()
}
_ABOVE = {"hat": "\u0302", "tilde": "\u0303", "bar": "\u0304", "overline": "\u0304", "underline": "\u0331"}
_PLAIN = ("text", "mathrm", "mathcal", "mathbb", "mathbf", "operatorname")
_TOKEN = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)


def formula(tex: str) -> str:
    r"""Return a formula in Unicode.

    Examples
    --------
    >>> formula(r"\hat\mu_a + \sqrt{\alpha \log t / n_a} \le \frac{1}{2}")
    'μ̂_a + √(α log t / n_a) ≤ 1/2'
    """
    out, rest = "", tex.replace("&", "")
    while match := _TOKEN.search(rest):
        out, rest = out + rest[: match.start()], rest[match.end() :]
        name = match[1]
        if name in ("frac", "tfrac", "dfrac"):
            (above, rest), (below, rest) = (first := _argument(rest)), _argument(first[1])
            out += f"{_closed(formula(above))}/{_closed(formula(below))}"
        elif name in _ABOVE:
            inner, rest = _argument(rest)
            inner = formula(inner)
            out += unicodedata.normalize("NFC", inner[:1] + _ABOVE[name] + inner[1:])
        elif name == "sqrt":
            inner, rest = _argument(rest)
            out += "√" + _closed(formula(inner), always=True)
        elif name in _PLAIN:
            inner, rest = _argument(rest)
            out += formula(inner)
        else:
            shown = _GREEK.get(name, _SYMBOLS.get(name))
            if shown is None:  # a function's name: log log t
                before = " " if re.search(r"\w$", out) else ""
                after = " " if re.match(r"[\w\\]", rest) and not rest.startswith(("_", "\\{")) else ""
                shown = f"{before}{name}{after}"
            out += shown
    out = re.sub(r"([_^])\{(\w)\}", r"\1\2", out + rest)
    out = re.sub(r"‖ ([^‖]*) ‖", r"‖\1‖", out)
    return re.sub(r" *\u2003 *", "   ", re.sub(r" {2,}", " ", out))


def _argument(tex: str) -> tuple[str, str]:
    """Return what a command applies to, and what follows."""
    tex = tex.lstrip()
    if not tex.startswith("{"):
        match = re.match(r"\\(?:[A-Za-z]+|.)|.", tex, re.DOTALL)
        end = match.end() if match else 0
        return tex[:end], tex[end:]
    depth = 0
    for k, character in enumerate(tex):
        depth += {"{": 1, "}": -1}.get(character, 0) if k == 0 or tex[k - 1] != "\\" else 0
        if depth == 0:
            return tex[1:k], tex[k + 1 :]
    return tex[1:], ""


def _closed(inner: str, always: bool = False) -> str:
    """Return an expression in parentheses, unless it is one symbol."""
    return inner if re.fullmatch(r"\w+\W?", inner) and not (always and len(inner) > 3) else f"({inner})"


def sections(docstring: str) -> dict[str, str]:
    """Return a docstring's sections by title; what comes before them is ''."""
    found, title, at = {}, "", 0
    for match in _HEADING.finditer(docstring):
        found[title] = docstring[at : match.start()].strip("\n")
        title, at = match["title"], match.end()
    found[title] = docstring[at:].strip("\n")
    return found


def paragraphs(section: str, unicode: bool = True) -> list[str]:
    """Return the paragraphs of a section as text, in which a newline is one that has to stay.

    Parameters
    ----------
    section : str
        What `sections` found.
    unicode : bool
        Whether formulas may be in Unicode; otherwise they stay as they are.
    """
    shown = formula if unicode else str
    found = []
    for paragraph in re.split(r"\n\s*\n", section):
        if match := re.match(r"\s*\.\. math::\s*", paragraph):
            lines = shown(" ".join(paragraph[match.end() :].split())).split("\n")
            found.append("\n".join(f"    {line.strip()}" for line in lines if line.strip()))
        elif paragraph.lstrip().startswith(">>>"):
            found.append(paragraph)
        elif paragraph.strip():
            items = re.split(r"\n\s*(?=(?:[-*]|\d+\.)\s)", paragraph)
            joined = "\n".join(" ".join(item.split()) for item in items)
            found.append("".join(shown(p) if k % 2 else _prose(p) for k, p in enumerate(_FORMULA.split(joined))))
    return found


def _prose(text: str) -> str:
    """Return text without markup: roles, quotes, and what keeps characters from being markup."""
    return re.sub(r"\\(?: |(?=\W))", "", _QUOTED.sub(r"\1", _ROLE.sub("", text)))
