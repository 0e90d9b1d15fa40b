"""The decorators `policy` and `environment` of this family."""

from __future__ import annotations

from banditlab.core.components import Family

from .generics import explore, gap, index, index_lanes, reward, select, update
from .protocol import ArmsProtocol

ARMS = Family(
    name="arms",
    protocol=ArmsProtocol(),
    policy_kernels=(index, index_lanes, select, explore, update),
    policy_needs=(("index", "select"), ("update",)),
    environment_kernels=(reward, gap),
    environment_needs=(("reward", "segments"), ("gap", "segments")),
)

policy = ARMS.policy
environment = ARMS.environment
