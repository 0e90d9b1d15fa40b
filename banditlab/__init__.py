"""Simulating bandits and mechanisms: fast, reproducible to the bit, and the same from a notebook to a cluster.

>>> import banditlab as bl
>>> from banditlab import arms
>>> result = bl.run(arms.Bernoulli([0.1, 0.5, 0.9]), [arms.UCB1(), arms.KLUCB()], horizon=1000, n_runs=100, seed=0)
>>> result.policies
('UCB1', 'KLUCB')
"""

from . import arms, clicks, errors, inference, scoring
from .core.components import field
from .core.results import Results, load
from .core.runner import run, start
from .core.store import Store
from .core.sweep import sweep
from .inference import compare

__version__ = "0.1.0"

__all__ = [
    "Results",
    "Store",
    "__version__",
    "arms",
    "clicks",
    "compare",
    "errors",
    "field",
    "inference",
    "load",
    "run",
    "scoring",
    "start",
    "sweep",
]
