"""Every error banditlab raises on purpose.

All of them derive from `ValueError`, `TypeError` or `RuntimeError`, so that code which knows nothing of banditlab still
catches them, and from `BanditlabError`, so that code which does can catch them all. Each message names the argument,
the value it had and what is allowed.
"""

from __future__ import annotations


class BanditlabError(Exception):
    """Base of every error that banditlab raises on purpose."""


class InvalidArgument(BanditlabError, ValueError):  # noqa: N818 - reads as the sentence it is
    """An argument has a value that is not allowed."""


class InvalidType(BanditlabError, TypeError):  # noqa: N818
    """An argument has a type that is not allowed."""


class IncompatiblePolicy(BanditlabError, ValueError):  # noqa: N818
    """A policy cannot play this environment; the message lists every reason."""


class InvalidComponent(BanditlabError, TypeError):  # noqa: N818
    """A class breaks a rule of components: when it is decorated, compiled or played."""


class OutOfTurn(BanditlabError, ValueError):  # noqa: N818
    """An agent's `select` and `update` were not called in turn."""


class ResultsFileError(BanditlabError, ValueError):
    """A file is not something that `Results.save` wrote, or is damaged."""


class StoreError(BanditlabError, ValueError):
    """A store cannot be used: its folder is something else, cannot be written to, or has no room."""


class DeviceError(BanditlabError, RuntimeError):
    """A CUDA device cannot be used: something is missing, does not fit, or stopped; the message says what."""


class ConfigError(BanditlabError, ValueError):
    """A configuration file has a key or a value that is not allowed; the message names the line."""


class InterruptedRunWarning(UserWarning):
    """A run was interrupted; the results hold the runs that had finished."""


class CellFailedWarning(UserWarning):
    """Cells of a sweep failed; the result holds the others, and the tracebacks."""


class DamagedChunkWarning(UserWarning):
    """A file in a store does not have the content that it was written with; its runs are computed again."""


class NotANumberWarning(UserWarning):
    """What a policy remembers became NaN while it played: what it did after that is meaningless."""


class AssumptionWarning(UserWarning):
    """What is simulated violates an assumption of the theory that a policy's guarantee rests on."""
