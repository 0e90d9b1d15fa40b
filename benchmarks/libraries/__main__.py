"""Time other libraries in turn with banditlab: `python -m benchmarks.libraries --output FILE.json [--venvs FOLDER]`.

Each library has an environment of its own, made with the versions below if it is missing. Its process stays alive
between samples and is pinned to one core, so that imports and first calls are not counted and nothing runs in parallel.
What is compared is processor time, which other processes disturb less than the clock on the wall.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from banditlab.dueling import instances

from ..harness import ROOT, machine

MEANS = np.linspace(0.1, 0.9, 10).tolist()
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")} | {"TQDM_DISABLE": "1"}


@dataclass(frozen=True)
class Library:
    """What is installed, and what the Python Package Index says of it: dates of first and this release, licence."""

    requirements: tuple[str, ...]
    first: str
    released: str
    licence: str


LIBRARIES = {
    # later SciPy and NumPy lack functions that it calls (scipy.special.btdtri, numpy.in1d)
    "SMPyBandits": Library(
        ("SMPyBandits==0.9.7", "numpy==1.26.4", "scipy==1.11.4", "matplotlib==3.8.4", "tqdm==4.70.1"),
        "2018-03-07",
        "2019-10-25",
        "MIT",
    ),
    "pymab": Library(("pymab==2.0.1", "numpy==2.4.6"), "2024-10-31", "2026-10-07", "MIT"),
    "mabby": Library(("mabby==0.1.2", "numpy==1.26.4"), "2023-03-20", "2023-05-04", "Apache-2.0"),
    "MABWiser": Library(("mabwiser==2.7.4", "numpy==2.4.6", "scipy==1.17.1"), "2020-08-11", "2024-08-30", "Apache-2.0"),
    # NumPy 1.24 removed numpy.float, which it names when it is imported
    "duelpy": Library(
        ("duelpy==1.0.0", "numpy==1.23.5", "scipy==1.10.1", "pandas==1.5.3", "seaborn==0.12.2", "matplotlib==3.7.5"),
        "2020-06-03",
        "2021-03-31",
        "MIT",
    ),
}


@dataclass(frozen=True)
class Row:
    """One way of playing a case: by which library, under which of its player's names, and how many runs a sample."""

    name: str
    library: str
    plays: str
    n_runs: int


@dataclass(frozen=True)
class Case:
    """One experiment, and who plays it; banditlab is first."""

    title: str
    horizon: int
    problem: dict[str, Any]
    rows: tuple[Row, ...]


def cases() -> dict[str, Case]:
    """Return what is played. Runs a sample are as many as take a second or some, all but for banditlab."""
    arms = {"means": MEANS}
    duels = {"preferences": instances.arithmetic().preferences.tolist()}

    def of_arms(title: str, plays: str) -> Case:
        runs = {"banditlab": 1_000, "SMPyBandits": 5, "pymab": 20, "mabby": 5, "MABWiser": 2}
        return Case(title, 10_000, arms, tuple(Row(name, name, plays, n) for name, n in runs.items()))

    def of_duels(title: str, plays: str, **more: str) -> Case:
        rows = [Row("banditlab", "banditlab", plays, 1_000), Row("duelpy", "duelpy", plays, 5)]
        rows += [Row(name, "duelpy", changed, 5) for changed, name in more.items()]
        return Case(title, 4_000, duels, tuple(rows))

    changed_rucb = {"rucb-signed": "duelpy, duels signed", "rucb-signed-itself": "duelpy, signed, and itself"}
    return {
        "ucb1": of_arms("UCB1, 10 Bernoulli arms", "ucb1"),
        "thompson": of_arms("Thompson sampling, 10 Bernoulli arms", "thompson"),
        "winner-stays": of_duels("Winner Stays (weak), 8 arms, duels", "winner-stays"),
        "rucb": of_duels("RUCB, 8 arms, duels", "rucb", **changed_rucb),
        "dts": of_duels("Double Thompson sampling, 8 arms, duels", "dts", **{"dts-column": "duelpy, transposed"}),
    }


def environment(name: str, folder: Path) -> Path:
    """Return the Python of a library's environment, which is made if it is missing."""
    if name == "banditlab":
        return Path(sys.executable)
    python = folder / name / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print(f"installing {', '.join(LIBRARIES[name].requirements)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder / name)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *LIBRARIES[name].requirements], check=True)
    return python


class Player:
    """A process that plays one library's experiments, a line in and a line out."""

    def __init__(self, name: str, python: Path) -> None:
        self.name = name
        code = [str(python), "-W", "ignore", str(Path(__file__).with_name("players.py")), name]
        surroundings = os.environ | ONE_THREAD
        surroundings.pop("PYTHONPATH", None)
        if name == "banditlab":
            surroundings["PYTHONPATH"] = str(ROOT)
        self.process = subprocess.Popen(
            code, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=surroundings
        )

    def play(self, row: Row, case: Case, seed: int) -> dict[str, Any]:
        """Return the answer to one job."""
        job = {"case": row.plays, "n_runs": row.n_runs, "horizon": case.horizon, "seed": seed} | case.problem
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process of {self.name} ended; it was to play {row.plays}")
        return json.loads(answer)

    def close(self) -> None:
        """End the process, which ends with its input."""
        self.process.communicate()


def measure(case: Case, players: dict[str, Player], repetitions: int) -> dict[str, Any]:
    """Play a case's rows in turn, once without counting the time; keep every time, and the regrets of all runs."""
    answers: list[list[dict[str, Any]]] = [[] for _ in case.rows]
    for repetition in range(repetitions + 1):
        for row, found in zip(case.rows, answers, strict=True):
            found.append(players[row.library].play(row, case, 1_000_000 * repetition + 1))
    rows = [_summary(row, case.horizon * row.n_runs, found) for row, found in zip(case.rows, answers, strict=True)]
    return {"title": case.title, "horizon": case.horizon, "problem": case.problem, "rows": rows}


def _summary(row: Row, rounds: int, answers: list[dict[str, Any]]) -> dict[str, Any]:
    regrets = np.concatenate([answer["regrets"] for answer in answers])
    counted = answers[1:]
    found = {
        "name": row.name,
        "library": row.library,
        "rounds_a_sample": rounds,
        "processor_ns_a_round_samples": [1e9 * answer["processor"] / rounds for answer in counted],
        "wall_ns_a_round_samples": [1e9 * answer["wall"] / rounds for answer in counted],
        "n_runs": len(regrets),
        "mean_regret": float(regrets.mean()),
        "standard_error": float(regrets.std(ddof=1) / np.sqrt(len(regrets))),
    }
    if "native" in counted[0]:
        found["compiled_ns_a_round_samples"] = [1e9 * answer["native"] / rounds for answer in counted]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.libraries", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.json", help="every sample and the machine")
    parser.add_argument("--venvs", type=Path, default=ROOT / ".venv-libraries", help="where the environments are")
    parser.add_argument("--repetitions", type=int, default=5, metavar="N", help="times of each row; default 5")
    parser.add_argument("--only", action="append", metavar="CASE", help="only this case (may be given again)")
    options = parser.parse_args()
    chosen = {name: case for name, case in cases().items() if options.only is None or name in options.only}
    names = {row.library for case in chosen.values() for row in case.rows}
    record: dict[str, Any] = {
        "machine": machine(),
        "libraries": {name: asdict(library) for name, library in LIBRARIES.items() if name in names},
        "cases": {},
    }
    players = {name: Player(name, environment(name, options.venvs)) for name in sorted(names)}
    for name, case in chosen.items():
        found = record["cases"][name] = measure(case, players, options.repetitions)
        print(f"\n{case.title}, {case.horizon:,} rounds a run", flush=True)
        for row in found["rows"]:
            ns = statistics.median(row["processor_ns_a_round_samples"])
            regret = f"{row['mean_regret']:.1f} +- {row['standard_error']:.1f}"
            print(f"{row['name']:<30} {ns:>12,.0f} ns a round   regret {regret} ({row['n_runs']} runs)", flush=True)
    for player in players.values():
        player.close()
    record["machine"]["load_average_at_the_end"] = machine()["load_average"]
    options.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
