"""Play the learners and store the results; nothing is computed from them here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from banditlab import cvar
from experiments.common import configuration_of, play

MAXWP = "max_wp.parquet"


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return configuration_of(__file__)


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
    options = {"seed": config["seed"], "n_jobs": n_jobs, "checkpoints": 100, **config["sizes"][size]}
    again, delta = config["replan"], config["delta"]
    for tau in config["taus"]:
        learners = {
            label(scale): cvar.ICVaRRM(tau, delta=delta, bonus_scale=scale, replan=again)
            for scale in config["bonus_scales"]
        } | {contrast(): cvar.UCBVI(delta=delta, bonus_scale=config["ucbvi_scale"], replan=again)}
        metrics = [f"icvar_regret[{tau}]", "smallest_estimate"]
        play(folder / stored(tau), cvar.layered_mdp(**config["layered"]), learners, metrics=metrics, **options)
    chain = cvar.lower_bound_chain(**config["chain"])
    play(folder / MAXWP, chain, cvar.MaxWP(), metrics="icvar_regret[0]", **options)
