"""The errors and warnings that banditlab raises on purpose."""

from .core.errors import (
    AssumptionWarning,
    BanditlabError,
    ConfigError,
    IncompatiblePolicy,
    InterruptedRunWarning,
    InvalidArgument,
    InvalidComponent,
    InvalidType,
    OutOfTurn,
    ResultsFileError,
)

__all__ = [
    "AssumptionWarning",
    "BanditlabError",
    "ConfigError",
    "IncompatiblePolicy",
    "InterruptedRunWarning",
    "InvalidArgument",
    "InvalidComponent",
    "InvalidType",
    "OutOfTurn",
    "ResultsFileError",
]
