"""Pages that are made from what the package says of itself: registry, docstrings, recorded measurements, notebooks."""

from __future__ import annotations

from pathlib import Path

from banditlab.families import families
from experiments.pages import gallery_page, verdict_page

from .compatibility import compatibility_page
from .libraries import libraries_table
from .notebooks import notebooks_page
from .policies import policies_page
from .reference import family_page
from .speed import speed_page

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def write_pages(folder: Path) -> None:
    """Write all pages into a folder, and copies of the notebooks; files that would not change are not touched."""
    pages = {f"family_{family}.md": family_page(family) for family in families()}
    pages |= {f"notebooks/{path.name}": path.read_text(encoding="utf-8") for path in NOTEBOOKS}
    pages |= {
        "compatibility.md": compatibility_page(),
        "gallery.md": gallery_page(),
        "libraries_table.txt": libraries_table(),  # included in a page, and none itself
        "notebooks.md": notebooks_page(NOTEBOOKS),
        "policies.md": policies_page(),
        "speed.md": speed_page(),
        "verdicts.md": verdict_page(),
    }
    (folder / "notebooks").mkdir(parents=True, exist_ok=True)
    for old in {*folder.glob("*.md"), *folder.glob("notebooks/*.ipynb")} - {folder / name for name in pages}:
        old.unlink()
    for name, text in pages.items():
        page = folder / name
        if not page.exists() or page.read_text(encoding="utf-8") != text:  # Sphinx reads again what is newer
            page.write_text(text, encoding="utf-8")
