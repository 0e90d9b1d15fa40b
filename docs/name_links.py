"""Names in the text of pages lead to their pages in the reference, the first time that a page has them."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

NAME = re.compile(r"(?:(?:bl|banditlab)\.)?(?P<path>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:\(.*\))?")
FAMILIES = {
    "families/arms": "arms",
    "families/strategic_clicks": "clicks",
    "families/duels": "dueling",
    "families/contextual_duels": "dueling",
    "families/semibandits": "semibandits",
    "families/risk_bandits": "cvar",
    "families/risk_planning": "cvar",
    "families/scoring_rules": "scoring",
    "families/buying_information": "scoring",
}
"""The family that names without a prefix belong to, on its pages; elsewhere they are those of `arms`."""


def documented(text: str, family: str) -> str | None:
    """Return the full name of what a piece of code in a sentence names, or None.

    Examples
    --------
    >>> documented("clicks.equilibria", "arms"), documented("bl.run(..., seed=0)", "arms"), documented("seed=0", "arms")
    ('banditlab.clicks.equilibria', 'banditlab.run', None)
    """
    import banditlab

    match = NAME.fullmatch(text)
    if match is None:
        return None
    path = match["path"]
    if "." not in path and not text.startswith(("bl.", "banditlab.")):
        if path[0].islower():  # a word such as `index` is an argument or a kernel
            return None
        path = f"{family}.{path}"
    found: Any = banditlab
    for part in path.split("."):
        found = getattr(found, part, None)
    return f"banditlab.{path}" if callable(found) else None


class LinkNames(SphinxTransform):
    """Make references of inline code that names something of the reference."""

    default_priority = 400

    def apply(self, **kwargs: Any) -> None:
        """Go through the pages that are text: those of the reference have roles."""
        page = self.env.docname
        if not page.startswith(("families/", "howto/", "explanation/", "evidence/", "getting_started")):
            return
        seen: set[str] = set()
        for literal in list(self.document.findall(nodes.literal)):
            if isinstance(literal.parent, nodes.reference | nodes.title | addnodes.pending_xref):
                continue
            name = documented(literal.astext(), FAMILIES.get(page, "arms"))
            if name is None or name in seen:
                continue
            seen.add(name)
            reference = addnodes.pending_xref(
                "", literal.deepcopy(), refdomain="py", reftype="obj", reftarget=name, refexplicit=True, refwarn=False
            )
            reference["refdoc"] = page
            literal.replace_self(reference)
