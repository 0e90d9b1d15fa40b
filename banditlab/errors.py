"""The errors and warnings that banditlab raises on purpose."""

from .core.errors import (
    AssumptionWarning,
    BanditlabError,
    CellFailedWarning,
    ConfigError,
    DamagedChunkWarning,
    DeviceError,
    IncompatiblePolicy,
    InterruptedRunWarning,
    InvalidArgument,
    InvalidComponent,
    InvalidType,
    NotANumberWarning,
    OutOfTurn,
    ResultsFileError,
    StoreError,
)

__all__ = [
    "AssumptionWarning",
    "BanditlabError",
    "CellFailedWarning",
    "ConfigError",
    "DamagedChunkWarning",
    "DeviceError",
    "IncompatiblePolicy",
    "InterruptedRunWarning",
    "InvalidArgument",
    "InvalidComponent",
    "InvalidType",
    "NotANumberWarning",
    "OutOfTurn",
    "ResultsFileError",
    "StoreError",
]
