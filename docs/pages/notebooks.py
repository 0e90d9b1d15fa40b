"""The notebooks, which are executed when the documentation is built, and the page that lists them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

GALLERY = """# Notebooks

Each asks a question, shows a picture, says what it means, and ends with an exercise and its answer. They are in the
folder `notebooks` of the repository; open them in Jupyter. If the environment variable `BANDITLAB_QUICK` is set, they
run in seconds, with small horizons.

"""


def notebooks_page(notebooks: Iterable[Path]) -> str:
    """Return the page that lists notebooks: title and question of each."""
    lines = []
    for path in notebooks:
        title, _, text = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"]).partition("\n")
        question = " ".join(text.strip().split("\n\n")[0].split())
        number = int(path.name.partition("_")[0])
        lines.append(f"{number}. **[{title.lstrip('# ')}](notebooks/{path.name})**: {question}")
    lines += ["", "```{toctree}", ":hidden:", ":glob:", "", "notebooks/*", "```", ""]
    return GALLERY + "\n".join(lines)
