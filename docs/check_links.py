"""Check that every internal link of the built pages leads somewhere: `python docs/check_links.py docs/_build/html`.

Own code: Sphinx's linkcheck reads sources and asks the network; this reads what was built, with anchors and pictures.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The anchors that a page has, and the addresses that it refers to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.addresses: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Take note of what a tag names and refers to."""
        for name, value in attributes:
            if value and name in ("id", "name"):
                self.anchors.add(value)
            if value and name in ("href", "src"):
                self.addresses.add(value)


def dead_links(site: Path) -> list[str]:
    """Return the internal links that lead nowhere, as `page -> address`."""
    pages = {path.resolve(): Page(path) for path in sorted(site.rglob("*.html"))}
    dead = []
    for path, page in pages.items():
        if path.relative_to(site.resolve()).parts[0].startswith("_"):  # made by Sphinx: sources, the theme's own
            continue
        for address in sorted(page.addresses):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            found = target.exists() and (
                not parts.fragment or target not in pages or unquote(parts.fragment) in pages[target].anchors
            )
            if not found:
                dead.append(f"{path.relative_to(site.resolve())} -> {address}")
    return dead


if __name__ == "__main__":
    found = dead_links(Path(sys.argv[1]))
    print("\n".join(found) or "every internal link leads somewhere")  # noqa: T201 - a script
    raise SystemExit(bool(found))
