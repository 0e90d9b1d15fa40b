"""What a device is told to do, and where and when, with stand-ins for CuPy and for numba-cuda's dispatchers."""

from __future__ import annotations

import contextlib
import gc
import weakref
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numba.cuda
import numpy as np
import pytest
from numba.cuda.dispatcher import config

import banditlab as bl
from banditlab import arms, clicks, dueling
from banditlab.core.devices import cuda, fitting
from banditlab.core.devices.grouped import Group
from banditlab.core.errors import CellFailedWarning, DeviceError, InterruptedRunWarning

from . import fakes

WORLD = arms.Bernoulli([0.1, 0.9])
GAMES: dict[str, tuple[Any, Any, list[str]]] = {
    "arms": (WORLD, arms.UCB1(), ["regret", "optimal_rate", "pulls", "cvar_regret[0.5]"]),
    "segments": (arms.PiecewiseStationary([WORLD, WORLD], [13]), arms.ThompsonSampling(), ["regret"]),
    "clicks": (clicks.StrategicClickBandit([0.6, 0.5], [0.6, 0.3]), clicks.UCBS(), ["regret", "screening_round"]),
    "dueling": (
        dueling.PreferenceMatrix([[0.5, 0.6], [0.4, 0.5]]),
        dueling.DETECT(dueling.WinnerStaysWeak(), exploration=6, window=8, threshold=3),
        ["duels", "weak_regret"],
    ),
}

OUT_OF_MEMORY = type("OutOfMemoryError", (MemoryError,), {"__module__": "cupy.cuda.memory"})
FAILURE = type("CUDARuntimeError", (RuntimeError,), {"__module__": "cupy_backends.cuda.api.runtime"})


def play(backend: str = "cuda", game: str = "arms", **options: Any) -> Any:
    world, policy, metrics = GAMES[game]
    settings = {"horizon": 40, "n_runs": 700, "seed": 0, "progress": False, "metrics": metrics} | options
    return bl.run(world, policy, backend=backend, **settings)


@pytest.mark.parametrize("keep", ["runs", "summary"])
@pytest.mark.parametrize("game", GAMES)
def test_everything_happens_on_the_device_asked_for(game: str, keep: str, monkeypatch: pytest.MonkeyPatch) -> None:
    log = fakes.install(monkeypatch)
    monkeypatch.setattr(fitting, "MOST_RUNS", 256)
    found = play("cuda:1", game, keep=keep, n_runs=1300, n_jobs=3)
    assert found.provenance["backend"] == "cuda:1"
    assert {told["device"] for told in log} == {1}
    assert fakes.PLACE.device == 0
    assert len({told["stream"] for told in log}) <= 3  # streams are used again
    assert all(stream.pending == 0 for stream in cuda._idle[1])


def test_runs_are_in_order_and_none_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    log = fakes.install(monkeypatch)
    monkeypatch.setattr(fitting, "MOST_RUNS", 256)
    found = play(metrics="regret", n_jobs=3)
    np.testing.assert_array_equal(found.values()[0, :, -1], np.arange(700) % 256)
    assert sorted(told["lanes"] for told in log if told["rounds"][1] == 40) == [188, 256, 256]


def test_quick_launches_become_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    log = fakes.install(monkeypatch)
    monkeypatch.setattr(cuda, "FIRST_LAUNCH", 1400)
    monkeypatch.setattr("time.perf_counter", lambda: 0.0)
    play(horizon=100, n_jobs=1)
    assert [told["rounds"] for told in log] == [(1, 0), (1, 2), (3, 10), (11, 42), (43, 100)]


def test_the_first_launch_is_short_for_few_lanes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lane takes as long as with many others, and Ctrl-C waits for it."""
    log = fakes.install(monkeypatch)
    play(horizon=5_000, n_runs=3)
    assert [told["rounds"] for told in log][:2] == [(1, 0), (1, cuda.FIRST_ROUNDS)]


def test_memory_that_runs_out_is_the_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(monkeypatch)

    def zeros(*_: Any) -> None:
        raise OUT_OF_MEMORY("Out of memory allocating 8,000 bytes")

    library = cuda.arrays()
    monkeypatch.setattr(library, "zeros", zeros)
    with pytest.raises(DeviceError, match=r"cuda:0 has no memory left \(Out of memory.*allowed: fewer launches at a"):
        play()
    monkeypatch.setattr(library, "zeros", lambda *_: (_ for _ in ()).throw(MemoryError("of the host")))
    with pytest.raises(MemoryError, match="of the host"):
        play()


def test_nothing_is_sorted_where_memory_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """CuPy may sort wrongly then, without an exception."""
    fakes.install(monkeypatch, free=1 << 33)
    asked: list[tuple[int, Any]] = []

    def empty(size: int, dtype: Any) -> None:
        asked.append((size, dtype))
        raise OUT_OF_MEMORY("Out of memory allocating 32,256 bytes")

    monkeypatch.setattr(cuda.arrays(), "empty", empty)
    with pytest.raises(DeviceError, match=r"cuda:0 has no memory left \(Out of memory"):
        play(keep="summary", n_runs=2_000)
    assert asked == [(4_000, np.float64)]


def test_memory_that_runs_out_is_the_devices_whoever_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """CuPy's sort raises Python's own exception, and the driver tells numba-cuda, too: of a kernel's local memory."""
    fakes.install(monkeypatch)
    library = cuda.arrays()
    scope: dict[str, Any] = {"__name__": "cupy.cuda.thrust"}
    exec("def sort(*_): raise MemoryError('std::bad_alloc')", scope)
    monkeypatch.setattr(library, "zeros", scope["sort"])
    with pytest.raises(DeviceError, match=r"cuda:0 has no memory left \(std::bad_alloc\); allowed: fewer launches"):
        play()

    def launch(*_: Any) -> None:
        raise FAILURE("CUDA_ERROR_OUT_OF_MEMORY: The API call failed because it was unable to allocate")

    monkeypatch.setattr(library, "zeros", launch)
    with pytest.raises(DeviceError, match=r"cuda:0 has no memory left \(CUDA_ERROR_OUT_OF_MEMORY"):
        play()


def test_a_kernel_that_leaves_its_arrays_is_told_and_the_device_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is asked of the device from then on is the same error: waiting, and leaving the device, too."""
    fakes.install(monkeypatch)

    def lost(*_: Any) -> None:
        raise FAILURE("cudaErrorIllegalAddress: an illegal memory access was encountered")

    usual = fakes.Dispatcher.__getitem__

    def failing(self: Any, configuration: Any) -> Any:
        def launch(*arguments: Any) -> None:
            usual(self, configuration)(*arguments)
            monkeypatch.setattr(fakes.Stream, "synchronize", lost)
            monkeypatch.setattr(fakes.Device, "__exit__", lost)

        return launch

    monkeypatch.setattr(fakes.Dispatcher, "__getitem__", failing)
    for game in ("arms", "clicks"):
        with pytest.raises(DeviceError, match=r"cuda:0 failed \(cudaErrorIllegalAddress.*; allowed: a new process"):
            play(game=game)
    with pytest.warns(CellFailedWarning, match=r"2 of 2 .* first \(UCB1, alpha=0.5\) with .*DeviceError: cuda:0"):
        bl.sweep(WORLD, arms.UCB1, {"alpha": [0.5, 1.0]}, backend="cuda", **CELLS)


def test_a_device_that_another_process_has_for_itself_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(monkeypatch)

    def busy(**_: Any) -> None:
        raise FAILURE("cudaErrorDevicesUnavailable: CUDA-capable device(s) is/are busy or unavailable")

    monkeypatch.setattr(cuda.arrays().cuda, "Stream", busy)
    with pytest.raises(DeviceError, match=r"cuda:0 failed \(cudaErrorDevicesUnavailable.* a device that others leave"):
        play()


def test_a_limit_to_cupys_memory_is_kept_to(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(monkeypatch, free=1 << 30)
    pool = cuda.arrays().get_default_memory_pool()
    monkeypatch.setattr(pool, "used_bytes", lambda: 300)
    monkeypatch.setattr(pool, "free_bytes", lambda: 100)
    assert fitting.free_bytes(0) == (1 << 30) + 100
    for limit, free in ((1000, 700), (1 << 40, (1 << 30) + 100), (200, 0)):
        monkeypatch.setattr(pool, "get_limit", lambda limit=limit: limit)
        assert fitting.free_bytes(0) == free


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[weakref.ref[Group]]]:
    """Groups that are made meanwhile, while Python looks for no circles."""
    made: list[weakref.ref[Group]] = []
    usual = Group.__init__

    def noted(group: Group, *arguments: Any, **options: Any) -> None:
        usual(group, *arguments, **options)
        made.append(weakref.ref(group))

    monkeypatch.setattr(Group, "__init__", noted)
    gc.collect()
    gc.disable()
    yield made
    gc.enable()


CELLS: dict[str, Any] = {"horizon": 40, "n_runs": 300, "seed": 0, "progress": False, "keep": "summary"}


def test_cells_that_shared_a_launch_hold_no_memory_afterwards(groups: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(monkeypatch)
    bl.sweep(WORLD, arms.UCB1, {"alpha": [0.5, 1.0, 2.0]}, backend="cuda", **CELLS)
    assert len(groups) >= 2  # one to compile, and one to play
    assert not [group for group in groups if group() is not None]


@pytest.mark.parametrize("error", [OUT_OF_MEMORY, KeyboardInterrupt], ids=["memory", "Ctrl-C"])
def test_cells_whose_launch_failed_hold_no_memory_afterwards(
    error: type[BaseException], groups: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are played one by one then, and need it."""
    fakes.install(monkeypatch)
    usual = fakes.Dispatcher.__getitem__
    alive: list[int] = []

    def failing(self: Any, configuration: Any) -> Any:
        def launch(n_lanes: int, *arguments: Any) -> None:
            if n_lanes == 900:
                raise error
            if n_lanes == 300:
                alive.append(sum(group() is not None for group in groups))
            usual(self, configuration)(n_lanes, *arguments)

        return launch

    monkeypatch.setattr(fakes.Dispatcher, "__getitem__", failing)
    over = {"alpha": [0.5, 1.0, 2.0]}
    if error is KeyboardInterrupt:
        with contextlib.suppress(KeyboardInterrupt):
            bl.sweep(WORLD, arms.UCB1, over, backend="cuda", **CELLS)
    else:
        bl.sweep(WORLD, arms.UCB1, over, backend="cuda", **CELLS)
        assert len(alive) >= 3
    assert len(groups) >= 2
    assert not any(alive)
    assert not [group for group in groups if group() is not None]


def test_slow_launches_become_shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    log = fakes.install(monkeypatch)
    clock = iter(range(10**6))
    monkeypatch.setattr(cuda, "FIRST_LAUNCH", 700 * 64)
    monkeypatch.setattr("time.perf_counter", lambda: float(next(clock)))  # a second, five times as long as it should
    play(horizon=100, n_jobs=1)
    lengths = [last - first + 1 for first, last in (told["rounds"] for told in log)]
    assert lengths[:5] == [0, 64, 16, 4, 1]
    assert sum(lengths) == 100


def test_chunks_played_at_a_time_fit_into_the_memory_together(monkeypatch: pytest.MonkeyPatch) -> None:
    log = fakes.install(monkeypatch, free=1 << 20)
    play(n_jobs=16, n_runs=2_000, keep="summary")
    assert len({told["stream"] for told in log}) <= fitting.STREAMS
    world, policy, _ = GAMES["arms"]
    from banditlab.core.playing.experiment import Settings

    columns = ("regret",)
    settings = Settings(0, 2_000, 0, "log", columns, "cuda:0", reduced=True)
    job = next(iter(settings.jobs({"w": world}, {"p": policy}, 40).values()))
    assert 0 < fitting.STREAMS * job.chunk * job.measured.bytes_a_run <= fitting.SHARE * (1 << 20)


def test_streams_are_as_many_as_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "runs_that_fit", lambda job: 10_000)
    few, many = ([(cuda_job(n), n)] for n in (10_000, 1 << 20))
    most = fitting.STREAMS
    assert [fitting.streams([few], n) for n in (None, 1, 2, 64, -1)] == [most, 1, 2, most, most]
    assert [fitting.streams([few, many], n) for n in (None, 3)] == [2, 3]


@pytest.mark.parametrize(
    ("fit", "n_runs", "expected"),
    [(1 << 20, 100, fitting.MOST_STREAMS), (1 << 20, 5_000, 13), (1 << 20, 60_000, fitting.STREAMS), (200, 100, 8)],
)
def test_small_cells_fill_a_device_together_if_memory_allows(
    monkeypatch: pytest.MonkeyPatch, fit: int, n_runs: int, expected: int
) -> None:
    monkeypatch.setattr(fitting, "runs_that_fit", lambda job: fit)
    assert fitting.streams([[(cuda_job(n_runs), n_runs)]] * 3, None) == expected
    assert expected * n_runs <= max(fitting.FEW_RUNS, fitting.STREAMS * n_runs)
    assert expected == fitting.STREAMS or expected * n_runs <= fitting.STREAMS * fit  # what chunks have room for


def cuda_job(n_runs: int) -> Any:
    from banditlab.core.playing.jobs import Job

    return Job(WORLD, arms.UCB1(), 10, np.array([10]), ("regret",), 0, n_runs, 0, "cuda:0")


@pytest.mark.parametrize("keep", ["runs", "summary"])
def test_cells_share_launches_on_one_stream_of_their_device(keep: str, monkeypatch: pytest.MonkeyPatch) -> None:
    log = fakes.install(monkeypatch)
    options: dict[str, Any] = {"horizon": 40, "n_runs": 700, "seed": 0, "progress": False, "checkpoints": [40]}
    options |= {"metrics": ["regret", "optimal_rate"], "keep": keep}
    over = {"gap": [0.1, 0.2, 0.3]}
    found = bl.sweep(lambda gap: arms.Bernoulli([0.5, 0.5 - gap]), arms.UCB1(), over, backend="cuda:1", **options)
    assert {told["device"] for told in log} == {1}
    assert fakes.PLACE.device == 0
    assert {told["lanes"] for told in log if told["rounds"][1] == 40} == {2100}
    assert len({told["stream"] for told in log}) == 1
    assert all(stream.pending == 0 for stream in cuda._idle[1])
    lanes = np.arange(2100).reshape(3, 700)  # what the stand-in writes
    assert found.summary("regret")["mean"].tolist() == lanes.mean(axis=1).tolist()


def test_an_interruption_waits_for_what_is_running(monkeypatch: pytest.MonkeyPatch) -> None:
    log = fakes.install(monkeypatch)
    monkeypatch.setattr(fitting, "MOST_RUNS", 256)
    usual = fakes.Dispatcher.__getitem__

    def interrupted(self: Any, configuration: Any) -> Any:
        launch = usual(self, configuration)

        def interrupted_launch(*arguments: Any) -> None:
            launch(*arguments)
            if len(log) == 3:  # after that which compiles, the second chunk's
                raise KeyboardInterrupt

        return interrupted_launch

    monkeypatch.setattr(fakes.Dispatcher, "__getitem__", interrupted)
    with pytest.warns(InterruptedRunWarning, match="the 256 of 700 runs"):
        play(n_jobs=1)
    assert [stream.pending for stream in cuda._idle[0]] == [0]


def test_a_thread_that_stopped_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(monkeypatch)
    usual = fakes.Dispatcher.__getitem__

    def stopping(self: Any, configuration: Any) -> Any:
        def launch(n_lanes: int, cells: Any, finished: Any, *arguments: Any) -> None:
            usual(self, configuration)(n_lanes, cells, finished, *arguments)
            finished[n_lanes // 2] -= 1

        return launch

    monkeypatch.setattr(fakes.Dispatcher, "__getitem__", stopping)
    with pytest.raises(DeviceError, match="a kernel stopped with an exception in lane 0 of 1;"):
        play()


def test_kernels_are_not_optimised_when_they_are_linked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Then multiplications and additions would be fused: numba-cuda cannot tell the linker not to."""
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(numba.cuda, "jit", lambda function, **options: told.append(options) or SimpleNamespace())
    monkeypatch.setattr(cuda, "_disk_cache", lambda: lambda made: SimpleNamespace(cache_path=tmp_path))
    from banditlab.arms.kernel import play as kernel

    cuda._dispatcher.__wrapped__(kernel, (("shared",),) * 12, (), 0)
    assert told == [{"lto": False}]


def test_numba_does_not_advise_larger_launches(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(monkeypatch)
    seen: defaultdict[tuple[int, int, int], int] = defaultdict(lambda: config.CUDA_LOW_OCCUPANCY_WARNINGS)
    monkeypatch.setattr(config, "CUDA_LOW_OCCUPANCY_WARNINGS", 1)
    assert cuda._configured(seen, 3, fakes.Stream()) == 0
    assert config.CUDA_LOW_OCCUPANCY_WARNINGS == 1


def test_what_a_sweep_will_cost_on_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    log = fakes.install(monkeypatch)
    monkeypatch.setattr("banditlab.core.playing.estimate.DEVICE_SECONDS", 0.0)
    options: dict[str, Any] = {"horizon": 500, "n_runs": 2_000, "seed": 0, "dry_run": True, "backend": "cuda:1"}
    found = bl.sweep(WORLD, arms.UCB1(), {"horizon": [500]}, keep="summary", **options)
    assert {told["device"] for told in log} == {1}
    assert found.device == "cuda:1"
    assert found.cpu_seconds == 0.0 < found.seconds
    assert repr(found).startswith("<Estimate: 1 cell, 1,000,000 rounds, about ")
    assert " on cuda:1, " in repr(found)


def test_a_sweep_asks_for_the_device_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(monkeypatch)
    asked: list[str] = []
    monkeypatch.setattr(cuda, "require", lambda backend, number: asked.append(backend))
    bl.sweep(WORLD, arms.UCB1(), {"horizon": [20, 30, 40]}, n_runs=3, seed=0, progress=False, backend="cuda")
    assert asked == ["cuda"]


def test_a_sweep_says_every_backend_that_was_picked(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(monkeypatch)
    monkeypatch.setattr(cuda, "missing", lambda: "")
    monkeypatch.setattr("banditlab.core.playing.experiment.WORTH_A_DEVICE", 1_000)
    options: dict[str, Any] = {"n_runs": 3, "seed": 0, "progress": False, "backend": "auto"}
    found = bl.sweep(WORLD, arms.UCB1(), {"horizon": [20, 500]}, **options)
    assert found.provenance["backend"] == "cpu, cuda:0"
