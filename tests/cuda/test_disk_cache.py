"""Kernels for devices are compiled once, and then are on disk: as PTX here, as older linkers ask the driver things."""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from banditlab import arms
from banditlab.core.devices import cuda
from banditlab.core.devices.ptx import _no_device
from banditlab.core.protocol import Batch

from . import fakes
from .cases import ARMS

if importlib.util.find_spec("numba_cuda") is None:
    pytest.skip("numba-cuda is not installed: see make gpu", allow_module_level=True)

CC = (9, 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let kernels be kept in a folder of their own, and what is compiled not be loaded by a driver."""
    from numba.cuda import codegen
    from numba.cuda.core import caching

    def get_cufunc(self: Any) -> Any:
        self.get_asm_str(CC)
        return SimpleNamespace(module=SimpleNamespace(initialized=True))

    monkeypatch.setattr(codegen.CUDACodeLibrary, "get_cufunc", get_cufunc)
    monkeypatch.setattr(codegen.CUDACodeLibrary, "_ensure_cc", lambda self, cc=None: CC)
    monkeypatch.setattr(codegen.JITCUDACodegen, "magic_tuple", lambda self: ((13, 0), CC))
    monkeypatch.setattr(caching.config, "CACHE_DIR", str(tmp_path))
    return tmp_path


def finish(n_lanes: int, cells: Any, finished: Any, *_: Any) -> None:
    """Play nothing, and say that it was played."""
    finished += 1


def kernels(policy: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Counter[str], list[str]]:
    """Compile what a policy plays with, as a new process would; say whether it was on disk, and return the PTX."""
    new, made = cuda._dispatcher.__wrapped__, []

    def dispatcher(*key: Any) -> Any:
        made.append(new(*key))
        return made[-1]

    with monkeypatch.context() as patched, _no_device(CC):
        fakes.install_with(dispatcher, patched, free=1 << 33)
        patched.setattr(cuda, "_for_numba", lambda array: array.host)
        patched.setattr(cuda, "_configured", lambda *_: finish)
        protocol = policy.family.protocol
        on = cuda.Device(0, dry=True)
        batch = Batch(0, 1, 50, np.zeros(0, np.int64), ("regret",), 0, "cuda:0", dry=True, on=on)
        protocol.warm_up(ARMS, policy, batch)
    found: Counter[str] = Counter()
    for one in made:
        found["from disk"] += sum(one._cache_hits.values())
        found["compiled"] += sum(one._cache_misses.values())
    return found, [kernel._codelibrary.get_asm_str(CC) for one in made for kernel in one.overloads.values()]


def test_the_next_process_finds_what_one_has_compiled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, code = kernels(arms.UCB1(), monkeypatch)
    assert first == {"compiled": 1, "from disk": 0}
    assert kernels(arms.UCB1(), monkeypatch) == ({"compiled": 0, "from disk": 1}, code)
    assert kernels(arms.UCB1(alpha=0.5), monkeypatch)[0] == {"compiled": 0, "from disk": 1}
    assert kernels(arms.MOSS(), monkeypatch)[0] == {"compiled": 1, "from disk": 0}


def own(bonus: float) -> Any:
    """Return a policy whose code has a number in it."""

    @arms.policy
    class Own:
        def index(self, state: Any, arm: Any, lane: Any, t: Any, rng: Any) -> float:
            return bonus * arm

        def update(self, state: Any, arm: Any, lane: Any, reward: Any, t: Any) -> None:
            pass

    return Own()


def test_edited_code_is_another_kernel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, code = kernels(own(1.0), monkeypatch)
    again, other = kernels(own(2.0), monkeypatch)
    assert again == {"compiled": 1, "from disk": 0}
    assert other != code


@pytest.mark.parametrize("pattern", ["*.nbi", "*.nbc"])
def test_a_damaged_file_is_compiled_again(folder: Path, monkeypatch: pytest.MonkeyPatch, pattern: str) -> None:
    kernels(arms.UCB1(), monkeypatch)
    (file,) = folder.rglob(pattern)
    file.write_bytes(file.read_bytes()[:100])
    again, code = kernels(arms.UCB1(), monkeypatch)
    assert again == {"compiled": 1, "from disk": 0}
    assert kernels(arms.UCB1(), monkeypatch) == ({"compiled": 0, "from disk": 1}, code)


def test_a_disk_that_cannot_be_written_is_no_reason_to_stop(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numba.cuda.core.caching.IndexDataCacheFile._open_for_write", full)
    for _ in range(2):
        assert kernels(arms.UCB1(), monkeypatch)[0] == {"compiled": 1, "from disk": 0}
    assert not list(folder.rglob("*.nb?"))
