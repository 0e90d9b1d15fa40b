"""Environments that the policies' tests play."""

from __future__ import annotations

import numpy as np

from banditlab import scoring

TOY = scoring.PrincipalAgent(
    beliefs=[[0.9, 0.1], [0.7, 0.3], [0.5, 0.5], [0.3, 0.7], [0.1, 0.9]],
    action_distributions=[[0, 0, 1, 0, 0], [0, 0.5, 0, 0.5, 0], [0.5, 0, 0, 0, 0.5]],
    costs=[0, 0.03, 0.08],
    decisions=[[1, 0], [0, 1]],
)


def three_states(max_payment: float = 2.0) -> scoring.PrincipalAgent:
    """Two informative actions of different quality about three states, and none."""
    corners = np.full((3, 3), 0.1) + 0.7 * np.eye(3)
    milder = np.full((3, 3), 0.2) + 0.4 * np.eye(3)
    beliefs = np.concatenate([corners, milder, [[1 / 3] * 3]])
    third, none = np.full(3, 1 / 3), np.zeros(3)
    return scoring.PrincipalAgent(
        beliefs=beliefs,
        action_distributions=[[*none, *none, 1.0], [*none, *third, 0.0], [*third, *none, 0.0]],
        costs=[0.0, 0.05, 0.3],
        decisions=np.eye(3),
        max_payment=max_payment,
    )
