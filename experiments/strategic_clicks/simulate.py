"""Play the mechanisms and search for equilibria, and store what was found; nothing is concluded from it here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import banditlab as bl
from banditlab import clicks
from banditlab.core.results.provenance import versions
from banditlab.data import open_bandit
from experiments.common import keep
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


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Simulate everything at a size of the configuration and store it in `folder`, one file a part."""
    config = configuration()
    sizes = config["sizes"][size]
    parts = {
        DYNAMICS: lambda: adapting(config, sizes, n_jobs),
        OPEN_BANDIT: lambda: adapting_from_open_bandit(config, sizes, n_jobs),
        EQUILIBRIA: lambda: under_ucbs(config, sizes, n_jobs),
        ORACLES: lambda: under_oracles(config, sizes, n_jobs),
        REGRET: lambda: pd.concat(at_strategies(pd.read_parquet(folder / EQUILIBRIA), config, sizes, n_jobs)),
    }
    for name, part in parts.items():

        def write(file: Path, part: Callable[[], pd.DataFrame] = part) -> None:
            table = part()
            table.attrs = {"size": size, "config": config, "versions": versions()}
            table.to_parquet(file, index=False)

        keep(folder / name, write)


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
    """Return the n items of a campaign with the most clicks (of equals, those shown less), the most shown first."""
    items = open_bandit(campaign).sort_values(["clicks", "impressions", "item_id"], ascending=[False, True, True])
    return items.head(n).sort_values(["impressions", "item_id"], ascending=[False, True])


def _path(
    environment: Any, mechanism: Any, start: Any, config: dict[str, Any], size: dict[str, Any], n_jobs: int | None
) -> pd.DataFrame:
    """Return how arms adapt. The seed is the same each time: mechanisms and starts share luck and random starts."""
    moves = {name: config["dynamics"][name] for name in ("epochs", "n_rollouts", "step", "max_step", "epsilon")}
    found = clicks.dynamics(environment, mechanism, start, **moves, **size, seed=config["seed"], n_jobs=n_jobs)
    return found.to_pandas().assign(mechanism=mechanism.label, horizon=found.horizon)


def under_ucbs(config: dict[str, Any], sizes: dict[str, Any], n_jobs: int | None) -> pd.DataFrame:
    """Return the equilibria found under UCB-S."""
    settings = config["search"]
    tables = []
    for number, (name, n_arms, horizon, start) in enumerate(searches(sizes)):
        environment = instance(name, n_arms, horizon)
        found = clicks.equilibrium(
            environment, clicks.UCBS(), start, horizon=horizon, n_rollouts=rollouts(sizes, horizon),
            grid=settings["grid"], epochs=settings["epochs"], max_moves=settings["max_moves"],
            tolerance=settings["tolerance"], seed=config["seed"] + number, n_jobs=n_jobs,
        )  # fmt: skip
        where = {"instance": name, "n_arms": n_arms, "horizon": horizon, "start": start}
        tables.append(_found(environment, found).assign(**where))
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
                        tolerance=config["search"]["tolerance"], seed=config["seed"], n_jobs=n_jobs,
                    )  # fmt: skip
                    where = {"instance": name, "n_arms": environment.n_arms, "horizon": horizon, "start": start}
                    tables.append(_found(environment, found).assign(policy=oracle.label, **where))
    return pd.concat(tables, ignore_index=True)


def _found(environment: Any, found: clicks.Equilibrium) -> pd.DataFrame:
    """Return a profile that a search ended at, one row per arm."""
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


def at_strategies(
    equilibria: pd.DataFrame, config: dict[str, Any], sizes: dict[str, Any], n_jobs: int | None
) -> Iterator[pd.DataFrame]:
    """Yield the regret of UCB-S's runs where arms play their desired strategies, and at each equilibrium found."""
    for name, n_arms, horizon in desired_places(sizes):
        where = {"instance": name, "n_arms": n_arms, "horizon": horizon, "start": "truthful"}
        played = instance(name, n_arms, horizon)
        yield _regret(played, horizon, sizes["n_runs"], config["seed"], n_jobs).assign(at="desired", **where)
    place = ["instance", "n_arms", "horizon", "start"]
    for (name, n_arms, horizon, start), profile in equilibria.groupby(place, sort=False):
        where = {"instance": name, "n_arms": n_arms, "horizon": horizon, "start": start}
        played = instance(name, n_arms, horizon).with_strategies(profile.sort_values("arm")["strategy"].to_numpy())
        yield _regret(played, horizon, sizes["n_runs"], config["seed"], n_jobs).assign(at="found", **where)


def _regret(environment: Any, horizon: int, n_runs: int, seed: int, n_jobs: int | None) -> pd.DataFrame:
    """Return the regret of each run of UCB-S."""
    played = bl.run(
        environment, clicks.UCBS(), horizon=horizon, n_runs=n_runs, seed=seed, checkpoints=[horizon], n_jobs=n_jobs,
        progress=False,
    )  # fmt: skip
    return pd.DataFrame({"run": np.arange(n_runs), "regret": played.values()[0, :, -1]})
