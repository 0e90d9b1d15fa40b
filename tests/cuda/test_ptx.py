"""Kernels compiled for devices that need not be there; it takes `pip install '.[ptx]'` (make gpu)."""

from __future__ import annotations

import importlib.util
import re
from importlib.metadata import version
from typing import Any

import pytest

from banditlab import arms
from banditlab.arms.kernel import play
from banditlab.core.devices import cuda
from banditlab.core.devices.ptx import assemble
from banditlab.core.errors import InvalidComponent

from .cases import ARMS, CASES

if importlib.util.find_spec("numba_cuda") is None:
    pytest.skip("numba-cuda is not installed: see make gpu", allow_module_level=True)

NUMBA_CUDA = tuple(int(part) for part in version("numba-cuda").split(".")[:2])


@pytest.mark.parametrize("cc", [(8, 0), (9, 0)], ids=["sm_80", "sm_90"])
@pytest.mark.parametrize("name", CASES)
def test_kernels_are_one_function_that_rounds_as_the_processor_does(name: str, cc: tuple[int, int]) -> None:
    made = assemble(CASES[name].environment, CASES[name].policy, cc, horizon=60)
    assert made.calls == 0
    assert made.fused == 0
    assert made.spilled == 0
    assert 16 <= made.registers <= 255


@pytest.mark.parametrize("name", CASES)
def test_kernels_that_cells_share_are_like_those_of_one(name: str) -> None:
    made = assemble(CASES[name].environment, CASES[name].policy, horizon=60, shared=True)
    assert made.calls == made.fused == 0
    assert made.spilled <= (60 if name == "semibandits-PASCombUCB" else 0)  # that takes all registers there are
    assert 16 <= made.registers <= 255


@pytest.mark.skipif(NUMBA_CUDA < (0, 24), reason="before 0.24 numba-cuda compiled for sm_90 there, too")
@pytest.mark.parametrize("name", ["arms-UCB1", "arms-ThompsonSampling", "dueling-WinnerStaysWeak"])
def test_a_real_device_of_9_0_gets_the_same_instructions(name: str) -> None:
    """For such a device numba-cuda compiles, from 0.24 on, for sm_90a; everything else here is for sm_90."""
    case = CASES[name]
    plain, real = (assemble(case.environment, case.policy, cc, horizon=60) for cc in [(9, 0), (9, 0, "a")])
    assert ".target sm_90a" in real.ptx
    assert instructions(real.ptx) == instructions(plain.ptx)
    assert real.registers == plain.registers


def instructions(ptx: str) -> list[str]:
    """Return what is computed, without what is called how: names count what was compiled before."""
    lines = (re.sub(r"_Z\w+", "", line).strip() for line in ptx.splitlines())
    return [line for line in lines if line and not line.startswith((".", "//"))]


def test_what_launches_a_kernel_has_the_linker_fuse_nothing() -> None:
    """Optimising when it links, numba-cuda's default, NVIDIA's linker fuses whatever the compiler was told."""
    assert cuda._dispatcher(play, (("shared",),) * 12, (), 0).targetoptions["lto"] is False


def test_ucb1_keeps_everything_of_a_lane_in_registers() -> None:
    made = assemble(ARMS, arms.UCB1())
    assert made.stack == 0
    assert made.registers <= 96
    assert made.occupancy >= 0.3


@arms.policy
class Remembers:
    """Makes a list, which a device cannot."""

    def select(self, state, lane, t, rng):
        seen = [t]
        seen.append(lane)
        return len(seen) - 2

    def update(self, state, arm, lane, reward, t):
        pass


@arms.policy
class Imports:
    """Has what numba-cuda refuses by an error of its own, which is none of Numba's."""

    def select(self, state, lane, t, rng):
        import math

        return math.floor(0.5)

    def update(self, state, arm, lane, reward, t):
        pass


@pytest.mark.parametrize("policy", [Remembers(), Imports()], ids=repr)
def test_what_cannot_be_compiled_is_named_with_its_line(policy: Any) -> None:
    with pytest.raises(
        InvalidComponent, match=rf"{type(policy).__name__}\(\) cannot be compiled .*test_ptx.py, line \d+"
    ):
        assemble(ARMS, policy)
