"""The errors and warnings that banditlab raises on purpose."""

from .core.errors import (
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
