"""What several tests of the core watch."""

from __future__ import annotations

import pytest

from banditlab import arms
from banditlab.core.components import class_code


@pytest.fixture
def simulated(monkeypatch):
    """The (first run, number of runs) of every batch that is played; one that is dry only compiles."""
    seen = []
    protocol = type(arms.UCB1.family.protocol)
    class_code(protocol)  # before it is patched
    simulate = protocol.simulate

    def noted(self, environment, policy, batch, watch):
        if not batch.dry:
            seen.append((batch.first_run, batch.n_runs))
        return simulate(self, environment, policy, batch, watch)

    monkeypatch.setattr(protocol, "simulate", noted)
    return seen
