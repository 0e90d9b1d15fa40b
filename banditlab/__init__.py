"""Simulating bandits and mechanisms: fast, reproducible to the bit, and the same from a notebook to a cluster.

>>> import banditlab as bl
>>> from banditlab import arms
>>> result = bl.run(arms.Bernoulli([0.1, 0.5, 0.9]), [arms.UCB1(), arms.KLUCB()], horizon=1000, n_runs=100, seed=0)
>>> result.policies
('UCB1', 'KLUCB')
"""

import importlib
from typing import TYPE_CHECKING, Any

from . import errors
from .core.components import field
from .core.instances import Instances
from .core.playing.runner import run, start
from .core.results.results import Results
from .core.results.results_file import load
from .core.stores.store import Store
from .core.sweeps.sweep import sweep
from .core.sweeps.sweep_results import SweepResults

if TYPE_CHECKING:
    from . import arms, clicks, cvar, data, dueling, inference, plotting, scoring, semibandits
    from .inference import compare

__version__ = "0.1.0"

__all__ = [
    "Instances",
    "Results",
    "Store",
    "SweepResults",
    "__version__",
    "arms",
    "clicks",
    "compare",
    "cvar",
    "data",
    "dueling",
    "errors",
    "field",
    "inference",
    "load",
    "plotting",
    "run",
    "scoring",
    "semibandits",
    "start",
    "sweep",
]

_WHEN_USED = ("arms", "clicks", "cvar", "data", "dueling", "inference", "plotting", "scoring", "semibandits")


def __getattr__(name: str) -> Any:
    """Import a part when it is first used, as each takes some hundredths of a second."""
    if name in _WHEN_USED:
        return importlib.import_module(f"{__name__}.{name}")
    if name == "compare":
        return importlib.import_module(f"{__name__}.inference").compare
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
