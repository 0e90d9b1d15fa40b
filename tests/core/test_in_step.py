"""Statistics in step: gatherers get the runs that all jobs have finished, however many jobs there are."""

from __future__ import annotations

import numpy as np
import pytest

from banditlab.core.playing.in_step import InStep
from banditlab.core.playing.jobs import Progressed


class Taken:
    """A gatherer that notes the runs that it is given."""

    def __init__(self) -> None:
        self.runs: list[int] = []

    def add(self, first_run: int, values: np.ndarray) -> None:
        self.runs += range(first_run, first_run + len(values))


class Asked(Progressed):
    """Progress that counts how often it is asked for."""

    times = 0

    @property
    def first_gap(self) -> int:
        Asked.times += 1
        return super().first_gap


def play(sizes: list[int], n_runs: int, order: np.random.Generator) -> None:
    """Finish chunks in any order; after each, all gatherers have been given the runs that all jobs have finished."""
    progress = [Asked(7) for _ in sizes]
    takers = [Taken() for _ in sizes]
    step = InStep(progress, takers.__getitem__)
    chunks = [
        (k, first, min(size, 7 + n_runs - first))
        for k, size in enumerate(sizes)
        for first in range(7, 7 + n_runs, size)
    ]
    Asked.times = 0
    for place in order.permutation(len(chunks)):
        k, first, size = chunks[place]
        progress[k].done[first] = size
        step.add(k, first, np.zeros((size, 1, 1)))
        end = min(Progressed.first_gap.fget(mine) for mine in progress)  # type: ignore[attr-defined]
        assert step.taken == end - 7
        assert all(taker.runs == list(range(7, end)) for taker in takers)
    assert step.taken == n_runs


@pytest.mark.parametrize("seed", range(5))
def test_all_gatherers_have_the_runs_that_all_jobs_have_finished(seed: int) -> None:
    play([1, 3, 4, 12, 50], 40, np.random.default_rng(seed))


def test_the_work_of_a_chunk_does_not_grow_with_the_number_of_jobs() -> None:
    """Of 5,000 cells each chunk asked all how far they are: statistics took six times as long as runs."""
    play([8] * 100, 40, np.random.default_rng(0))
    assert Asked.times < 5 * 500
