"""What `banditlab reproduce` does: an experiment is simulated where it is not yet, judged, and drawn."""

from __future__ import annotations

import importlib
import inspect
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from banditlab import __version__
from banditlab.errors import InvalidArgument
from experiments.common import STORE, configuration_of, cores, forget_runs
from experiments.verdicts import Verdict, load, store

ROOT = Path(__file__).parents[1]
RECORDED = ROOT / "docs" / "verdicts"
"""Verdicts and figures that the documentation shows; they are part of the repository."""

MADE_WITH, VERDICTS = "made_with.json", "verdicts.csv"
NOT_SIMULATED = ("sizes", "core_seconds", "verdict", "reported")
"""Tables of a configuration that results do not depend on, but for the size that was played."""


@dataclass(frozen=True)
class Recorded:
    """The verdicts of an experiment that the documentation shows.

    Attributes
    ----------
    experiment, size : str
        Whose they are, and at which size: 'full' or 'quick'.
    date, version : str
        When they were recorded, and with which version of banditlab.
    verdicts : list of Verdict
        The verdicts.
    figures : tuple of str
        Names of files beside them.
    """

    experiment: str
    size: str
    date: str
    version: str
    verdicts: list[Verdict]
    figures: tuple[str, ...]


@dataclass(frozen=True)
class Experiment:
    """An experiment by the name of its folder.

    The folder holds `config.toml`; `simulate.py` with `simulate(folder, size, n_jobs)`, which stores results;
    `analysis.py` with `verdicts(folder, size)` and `figure(folder, size)`, or, for several, `figures.py` with
    `figures(folder, size)`, which returns them by name. Analysis and figures read what is stored, and simulate nothing.
    """

    name: str

    @property
    def about(self) -> str:
        """What it shows, in a sentence, and, after an empty line, what has to be known to read its verdicts."""
        return inspect.getdoc(importlib.import_module(f"experiments.{self.name}")) or ""

    @property
    def summary(self) -> str:
        """What it shows, in a sentence."""
        return self.about.partition("\n\n")[0]

    @property
    def config(self) -> dict[str, Any]:
        """Its configuration."""
        return configuration_of(str(ROOT / "experiments" / self.name / "config.toml"))

    def folder(self, size: str) -> Path:
        """Return where results of a size are stored if nothing else is said."""
        return ROOT / "results" / self.name / size

    def seconds(self, size: str, n_jobs: int | None = None) -> float | None:
        """Return about how long a size takes on so many free cores, as it was measured; None if it was not."""
        measured = self.config.get("core_seconds", {}).get(size)
        return None if measured is None else measured / cores(n_jobs)

    def is_complete(self, folder: Path) -> bool:
        """Say whether everything was simulated and judged."""
        return (folder / VERDICTS).exists() and not (folder / STORE).exists()

    def stored(self, size: str) -> str:
        """Say in a word what is stored of a size."""
        folder = self.folder(size)
        return size if self.is_complete(folder) else f"{size} in part" if folder.exists() else ""

    def reproduce(self, size: str, folder: Path, n_jobs: int | None = None, force: bool = False) -> list[Verdict]:
        """Simulate what is not stored yet, then store verdicts and figures, and return the verdicts.

        Raises
        ------
        InvalidArgument
            If the folder has results of another configuration, unless they are to be made anew.
        """
        if force and (folder / MADE_WITH).exists():
            shutil.rmtree(folder)
        self._claim(folder, size)
        from matplotlib import rc_context  # `--list` does without

        importlib.import_module(f"experiments.{self.name}.simulate").simulate(folder, size, n_jobs)
        analysis = importlib.import_module(f"experiments.{self.name}.analysis")
        found: list[Verdict] = analysis.verdicts(folder, size)
        for title, drawing in self.drawn(folder, size).items():
            for kind in (".pdf", ".png"):
                with rc_context({"pdf.fonttype": 42}):  # TrueType: some publishers refuse Type 3, the default
                    drawing.savefig((folder / title).with_suffix(kind))
        forget_runs(folder)
        store(found, folder / VERDICTS)
        return found

    def drawn(self, folder: Path, size: str) -> dict[str, Any]:
        """Return the figures of what is stored, by name."""
        if (ROOT / "experiments" / self.name / "figures.py").exists():
            several: Callable[..., dict[str, Any]] = importlib.import_module(f"experiments.{self.name}.figures").figures
            return several(folder, size)
        return {"figure": importlib.import_module(f"experiments.{self.name}.analysis").figure(folder, size)}

    def made_with(self, size: str) -> dict[str, Any]:
        """Return what results of a size depend on, as JSON holds it."""
        config = self.config
        now = {key: value for key, value in config.items() if key not in NOT_SIMULATED}
        now |= {f"sizes.{size}.{key}": value for key, value in config["sizes"][size].items()}
        found: dict[str, Any] = json.loads(json.dumps(now | {"experiment": self.name, "size": size}))
        return found

    def _claim(self, folder: Path, size: str) -> None:
        """Note what the results in a folder are made with; refuse one that has others."""
        now = self.made_with(size)
        note = folder / MADE_WITH
        if not note.exists():
            if folder.exists() and any(folder.iterdir()):
                raise InvalidArgument(f"output is {str(folder)!r}, which holds other files; allowed: a new folder")
            folder.mkdir(parents=True, exist_ok=True)
            note.write_text(json.dumps(now, indent=1) + "\n")
        before = json.loads(note.read_text())
        if before != now:
            keys = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
            raise InvalidArgument(
                f"output is {str(folder)!r}, whose results were made with another config.toml ({', '.join(keys)}); "
                "allowed: a new folder, or --force, which removes them"
            )

    def record(self, size: str, folder: Path) -> list[Path]:
        """Copy stored verdicts and figures to where the documentation shows them; return the files."""
        RECORDED.mkdir(parents=True, exist_ok=True)
        for old in RECORDED.glob(f"{self.name}.{size}.*"):
            old.unlink()
        figures = []
        for title, drawing in self.drawn(folder, size).items():
            figures.append(f"{self.name}.{size}.{title}.png")
            drawing.savefig(RECORDED / figures[-1], dpi=100)
        when = datetime.fromtimestamp((folder / VERDICTS).stat().st_mtime, UTC).date().isoformat()
        facts = {"size": size, "date": when, "banditlab": __version__, "figures": figures}
        facts["made_with"] = json.loads((folder / MADE_WITH).read_text())
        rows = [asdict(verdict) for verdict in load(folder / VERDICTS)]
        table = RECORDED / f"{self.name}.{size}.json"
        table.write_text(json.dumps(facts | {"verdicts": rows}, indent=1) + "\n", encoding="utf-8")
        return [table, *(RECORDED / name for name in figures)]

    def recorded(self) -> Recorded | None:
        """Return what the documentation shows: verdicts at full size where there are, else at the quick one."""
        for size in ("full", "quick"):
            table = RECORDED / f"{self.name}.{size}.json"
            if table.exists():
                facts = json.loads(table.read_text(encoding="utf-8"))
                verdicts = [Verdict(**row) for row in facts["verdicts"]]
                return Recorded(self.name, size, facts["date"], facts["banditlab"], verdicts, tuple(facts["figures"]))
        return None


def experiments() -> dict[str, Experiment]:
    """Return the experiments by name."""
    names = sorted(file.parent.name for file in (ROOT / "experiments").glob("*/config.toml"))
    return {name: Experiment(name) for name in names}
