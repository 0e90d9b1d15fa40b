"""The pages, the README and the notebooks: every Python block runs, each page in one namespace."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WRITTEN = sorted(p for p in (ROOT / "docs").rglob("*.md") if not {"generated", "_build"} & set(p.parts))
PAGES = [ROOT / "README.md", *WRITTEN]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_blocks_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    namespace = {"__name__": "__main__"}
    for block in blocks:
        exec(compile(block, str(page), "exec"), namespace)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.name)
def test_notebooks_run_and_are_stored_without_output(notebook, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BANDITLAB_QUICK", "1")
    cells = [cell for cell in json.loads(notebook.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    namespace = {"__name__": "__main__"}
    for cell in cells:
        exec(compile("".join(cell["source"]), str(notebook), "exec"), namespace)


def test_table_of_lanes_has_the_numbers_that_were_measured():
    kept = json.loads((ROOT / "docs/images/lanes.json").read_text())
    page = (ROOT / "docs/explanation/lanes.md").read_text("utf-8")
    rows = re.findall(r"^\| ([\d,]+) \| ([\d.]+) ns \| ([\d.]+) ns \|$", page, re.MULTILINE)
    assert len(rows) == 5
    for lanes, *shown in rows:
        at = kept["lanes"].index(int(lanes.replace(",", "")))
        measured = [kept["nanoseconds"][name][at] for name in ("UCB1", "ThompsonSampling")]
        assert [float(f"{ns:.1f}" if ns < 20 else f"{ns:.0f}") for ns in measured] == [float(ns) for ns in shown]
