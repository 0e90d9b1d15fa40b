"""Leaving out warnings leaves nothing else out."""

from __future__ import annotations

import sys
import threading
import warnings

import pytest

from banditlab import arms
from banditlab.core.unwarned import unwarned


@pytest.fixture
def before():
    """What warnings are filtered by; threads take turns more often than they do by themselves."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    with warnings.catch_warnings():
        yield list(warnings.filters)
    sys.setswitchinterval(interval)


def test_threads_that_overlap_leave_no_filter_behind(before):
    entered, leave = [threading.Event() for _ in range(2)], [threading.Event() for _ in range(2)]

    def hold(k):
        with unwarned({}):
            entered[k].set()
            leave[k].wait(10.0)

    threads = [threading.Thread(target=hold, args=(k,)) for k in range(2)]
    threads[0].start()
    entered[0].wait(10.0)
    threads[1].start()
    entered[1].wait(0.2)
    for thread, may in zip(threads, leave, strict=True):
        may.set()
        thread.join()
    assert list(warnings.filters) == before


def test_policies_that_threads_define_at_once_silence_no_warning(before):
    def define():
        for _ in range(20):

            @arms.policy
            class First:
                def index(self, state, arm, lane, t, rng):
                    return 0.0

                def update(self, state, arm, lane, reward, t):
                    pass

    threads = [threading.Thread(target=define) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before
