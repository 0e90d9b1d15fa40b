"""Play the mechanisms and search for equilibria, and store what was found; nothing is concluded from it here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import banditlab as bl
from banditlab import clicks
from banditlab.core.results import versions
from banditlab.data import open_bandit
from experiments.strategic_clicks.instances import (
    DYNAMICS,
    EQUILIBRIA,
    OPEN_BANDIT,
    ORACLES,
    REGRET,
    configuration,
    desired_places,
    instance,
    rollouts,
    searches,
    truthful,
)

MECHANISMS = (clicks.UCBS(), clicks.ClickUCB())
NANOSECONDS = (8.0, 1.0)
"""What a round costs on one core, and what each arm adds: measured on a core of 2.5 GHz or so."""


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Simulate everything at a size of the configuration and store it in `folder`, one file a part."""
    config = configuration()
    sizes = config["sizes"][size]
    folder.mkdir(parents=True, exist_ok=True)
    regrets: list[pd.DataFrame] = []
    parts = {
        DYNAMICS: lambda: adapting(config, sizes, n_jobs),
        OPEN_BANDIT: lambda: adapting_from_open_bandit(config, sizes, n_jobs),
        EQUILIBRIA: lambda: under_ucbs(config, sizes, n_jobs, regrets),
        ORACLES: lambda: under_oracles(config, sizes, n_jobs),
        REGRET: lambda: pd.concat([*at_desired_strategies(config, sizes, n_jobs), *regrets], ignore_index=True),
    }
    for name, part in parts.items():
        print(f"  {Path(name).stem}", flush=True)
        table = part()
        table.attrs = {"size": size, "config": config, "versions": versions()}
        unfinished = folder / f"{name}.part"
        table.to_parquet(unfinished, index=False)
        os.replace(unfinished, folder / name)


def adapting(config: dict[str, Any], sizes: dict[str, Any], n_jobs: int | None) -> pd.DataFrame:
    """Return the paths of arms that adapt to each mechanism, from each start."""
    settings = config["dynamics"]
    environment = truthful(config["instances"][settings["instance"]])
    tables = [
        _path(environment, mechanism, start, config, sizes["dynamics"], n_jobs).assign(start=start)
        for start in settings["starts"]
        for mechanism in MECHANISMS
    ]
    return pd.concat(tables, ignore_index=True)


def adapting_from_open_bandit(config: dict[str, Any], sizes: dict[str, Any], n_jobs: int | None) -> pd.DataFrame:
    """Return the paths of arms that start from observed click rates, as they are and rescaled."""
    settings = config["open_bandit"]
    environment = truthful(settings["means"])
    tables = []
    for campaign in settings["campaigns"]:
        items = most_clicked(campaign, len(settings["means"]))
        rates = (items["clicks"] / items["impressions"]).to_numpy()
        for scale, factor in (("raw", 1.0), ("rescaled", settings["largest_rescaled"] / rates.max())):
            for mechanism in MECHANISMS:
                table = _path(environment, mechanism, rates * factor, config, sizes["open_bandit"], n_jobs)
                item = items["item_id"].to_numpy()[table["arm"]]
                tables.append(table.assign(campaign=campaign, scale=scale, factor=factor, item=item))
    return pd.concat(tables, ignore_index=True)


def most_clicked(campaign: str, n: int) -> pd.DataFrame:
    """Return the n items of a campaign with most clicks (of equals, those shown less), the most shown first."""
    items = open_bandit(campaign).sort_values(["clicks", "impressions", "item_id"], ascending=[False, True, True])
    return items.head(n).sort_values(["impressions", "item_id"], ascending=[False, True])


def _path(
    environment: Any, mechanism: Any, start: Any, config: dict[str, Any], size: dict[str, Any], n_jobs: int | None
) -> pd.DataFrame:
    """Return how arms adapt. The seed is the same each time: mechanisms and starts share luck and random starts."""
    moves = {name: config["dynamics"][name] for name in ("epochs", "n_rollouts", "step", "max_step", "epsilon")}
    found = clicks.dynamics(
        environment, mechanism, start, **moves, **size, seed=config["seed"], n_jobs=n_jobs, progress=False
    )
    return found.to_pandas().assign(mechanism=mechanism.label, horizon=found.horizon)


def under_ucbs(
    config: dict[str, Any], sizes: dict[str, Any], n_jobs: int | None, regrets: list[pd.DataFrame]
) -> pd.DataFrame:
    """Return the equilibria found under UCB-S; add the regret of runs at each of them to `regrets`."""
    settings = config["search"]
    tables = []
    for number, (name, n_arms, horizon, start) in enumerate(searches(sizes)):
        environment = instance(name, n_arms, horizon)
        found = clicks.equilibrium(
            environment, clicks.UCBS(), start, horizon=horizon, n_rollouts=rollouts(sizes, horizon),
            grid=settings["grid"], epochs=settings["epochs"], max_moves=settings["max_moves"],
            tolerance=settings["tolerance"], seed=config["seed"] + number, n_jobs=n_jobs, progress=False,
        )  # fmt: skip
        where = {"instance": name, "n_arms": n_arms, "horizon": horizon, "start": start}
        tables.append(_found(environment, found).assign(**where))
        played = environment.with_strategies(found.strategies)
        regrets.append(_regret(played, horizon, sizes["n_runs"], config["seed"], n_jobs).assign(at="found", **where))
    return pd.concat(tables, ignore_index=True)


def under_oracles(config: dict[str, Any], sizes: dict[str, Any], n_jobs: int | None) -> pd.DataFrame:
    """Return the equilibria found under both oracles, by best responses on a grid."""
    settings = config["oracles"]
    tables = []
    options = {name: settings[name] for name in ("epochs", "grid", "n_rollouts", "max_moves")}
    for oracle in (clicks.MuOracle(), clicks.StrategyOracle()):
        for name in settings["instances"]:
            environment = truthful(config["instances"][name])
            for horizon in sizes["oracle_horizons"]:
                for start in settings["starts"]:
                    found = clicks.equilibrium(
                        environment, oracle, start, horizon=horizon, method="best_response", **options,
                        tolerance=config["search"]["tolerance"], seed=config["seed"], n_jobs=n_jobs, progress=False,
                    )  # fmt: skip
                    where = {"instance": name, "n_arms": environment.n_arms, "horizon": horizon, "start": start}
                    tables.append(_found(environment, found).assign(policy=oracle.label, **where))
    return pd.concat(tables, ignore_index=True)


def _found(environment: Any, found: clicks.Equilibrium) -> pd.DataFrame:
    """Return a profile that a search ended at, one row an arm."""
    columns = {
        "arm": np.arange(environment.n_arms),
        "mean": environment.post_click_means,
        "desired": environment.desired_strategies,
        "strategy": found.strategies,
        "gain_bound": found.certificate.bounds,
        "regret": found.regret,
        "low": found.low,
        "high": found.high,
        "certified": found.certified,
        "moves": found.moves,
    }
    return pd.DataFrame(columns)


def at_desired_strategies(config: dict[str, Any], sizes: dict[str, Any], n_jobs: int | None) -> Iterator[pd.DataFrame]:
    """Yield the regret of UCB-S's runs where every arm plays its desired strategy."""
    for name, n_arms, horizon in desired_places(sizes):
        where = {"instance": name, "n_arms": n_arms, "horizon": horizon, "start": "truthful"}
        played = instance(name, n_arms, horizon)
        yield _regret(played, horizon, sizes["n_runs"], config["seed"], n_jobs).assign(at="desired", **where)


def _regret(environment: Any, horizon: int, n_runs: int, seed: int, n_jobs: int | None) -> pd.DataFrame:
    """Return the regret of each run of UCB-S."""
    played = bl.run(
        environment, clicks.UCBS(), horizon=horizon, n_runs=n_runs, seed=seed, checkpoints=[horizon], n_jobs=n_jobs,
        progress=False,
    )  # fmt: skip
    return pd.DataFrame({"run": np.arange(n_runs), "regret": played.values()[0, :, -1]})


def expected_seconds(size: str, n_jobs: int | None = None) -> float:
    """Return about how long `simulate` takes: rounds times their cost, over the cores.

    How often a search has to follow a deviation is not known before: one examination a search is counted.
    """
    config = configuration()
    sizes = config["sizes"][size]
    moves, search, oracles = config["dynamics"], config["search"], config["oracles"]
    rounds: list[tuple[int, float]] = []  # arms, rounds

    def examined(n_arms: int, points: int) -> int:
        return n_arms * points + 1 + 4 * (n_arms * 8 + 1)

    K = len(config["instances"][moves["instance"]])
    for part, paths in (
        ("dynamics", 2 * len(moves["starts"])),
        ("open_bandit", 4 * len(config["open_bandit"]["campaigns"])),
    ):
        lanes = sizes[part]["n_runs"] * moves["n_rollouts"] * (2 * K + 1)
        rounds.append((K, paths * moves["epochs"] * lanes * sizes[part]["horizon"]))
    for _, n_arms, T, _ in searches(sizes):
        profiles = search["epochs"] * (2 * n_arms + 1) + examined(n_arms, search["grid"])
        rounds.append((n_arms, (profiles * rollouts(sizes, T) + sizes["n_runs"]) * T))
    for T in sizes["oracle_horizons"]:
        profiles = oracles["epochs"] * (K * (oracles["grid"] + 1) + 1) + examined(K, oracles["grid"])
        number = 2 * len(oracles["instances"]) * len(oracles["starts"])
        rounds.append((K, number * profiles * oracles["n_rollouts"] * T))
    rounds += [(n_arms, sizes["n_runs"] * T) for _, n_arms, T in desired_places(sizes)]
    threads = min(n_jobs if n_jobs and n_jobs > 0 else os.cpu_count() or 1, os.cpu_count() or 1)
    base, an_arm = NANOSECONDS
    return sum(n * (base + an_arm * n_arms) for n_arms, n in rounds) * 1e-9 / threads
