"""Play the learners and store the results; nothing is computed from them here."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import banditlab as bl
from banditlab import cvar

CONFIG = Path(__file__).with_name("config.toml")
MAXWP = "max_wp.parquet"


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return tomllib.loads(CONFIG.read_text())


def label(scale: float) -> str:
    """Return the name of ICVaR-RM with a factor of its bonus."""
    return f"ICVaR-RM, bonus x {scale:g}"


def contrast() -> str:
    """Return the name of UCBVI with the factor of its bonus."""
    return f"UCBVI, bonus x {configuration()['ucbvi_scale']:g}"


def stored(tau: float) -> str:
    """Return the file of a level."""
    return f"tau_{tau:g}.parquet"


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Play every level and store its results in `folder`."""
    config = configuration()
    folder.mkdir(parents=True, exist_ok=True)
    options = {"seed": config["seed"], "n_jobs": n_jobs, "checkpoints": 100, **config["sizes"][size]}
    again, delta = config["replan"], config["delta"]
    for tau in config["taus"]:
        learners = {
            label(scale): cvar.ICVaRRM(tau, delta=delta, bonus_scale=scale, replan=again)
            for scale in config["bonus_scales"]
        } | {contrast(): cvar.UCBVI(delta=delta, bonus_scale=config["ucbvi_scale"], replan=again)}
        metrics = [f"icvar_regret[{tau}]", "smallest_estimate"]
        bl.run(cvar.layered_mdp(**config["layered"]), learners, metrics=metrics, **options).save(folder / stored(tau))
    chain = cvar.lower_bound_chain(**config["chain"])
    bl.run(chain, cvar.MaxWP(), metrics="icvar_regret[0]", **options).save(folder / MAXWP)
