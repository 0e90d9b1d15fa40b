"""Two floors under UCB1 with ten arms: what the machine needs at least, by calculation and a micro-measurement.

The counts below are of the lane layout: W runs in lockstep, so that an operation on a vector of V doubles serves V
runs, and a round of one run costs 1/V of each vector operation.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from . import cases, references
from .harness import one_core
from .probes import kernel_seconds
from .report import number, table

K = 10
LANES = 128

# Vector operations a round: what the rule and the generator ask for. Loads, stores and address arithmetic are
# not counted, nor is what gathering and scattering the played arm's entries costs.
OPERATIONS = {
    "index of each arm: multiply, add": 2 * K,
    "comparison of each arm: compare, select value, select arm": 3 * K,
    "SFC64: 5 additions, 2 exclusive or, 4 shifts": 11,
    "uniform number: shift, convert, add, multiply": 4,
    "reward: compare, select": 2,
    "update of counts, sums and regret": 3,
}
# These have no throughput of one a cycle, and are measured apart.
DIVISIONS = {"update: sum/n": 1}

ENTRY = 8
# Bytes a round of one run reads and writes: every phase is a loop over all lanes, and the whole state of a chunk is too
# large for registers, so that each phase's operands come from a cache.
BYTES = {
    "means and widths, read": 2 * K * ENTRY,
    "counts and sums of the played arm, read and written": 4 * ENTRY,
    "mean and width of the played arm, written": 2 * ENTRY,
    "1/sqrt(n), read from a table": ENTRY,
    "generator, read and written": 8 * ENTRY,
    "regret, read and written": 2 * ENTRY,
    "arm, written and read": 2 * ENTRY,
    "uniform number, written and read": 2 * ENTRY,
}
# The layout's price for vectorising: indices go through a scratch row, the comparison reads and writes the best so far.
SCRATCH_BYTES = {
    "index of each arm, written and read": 2 * K * ENTRY,
    "best index and arm so far, read and written for each arm": 4 * K * ENTRY,
}
STATE_BYTES = LANES * ENTRY * (4 * K + 4 + 1 + 4)  # counts, sums, means, widths; generator; regret; scratch rows


def best_rate(work: Callable[[int], Any], amount_a_repeat: float, repetitions: int = 7) -> float:
    """Return amount per nanosecond, the best of some repetitions of about 20 ms each."""
    repeats = 1_000
    while True:
        started = time.perf_counter_ns()
        work(repeats)
        elapsed = time.perf_counter_ns() - started
        if elapsed > 20_000_000:
            break
        repeats *= 2
    best = elapsed
    for _ in range(repetitions):
        started = time.perf_counter_ns()
        work(repeats)
        best = min(best, time.perf_counter_ns() - started)
    return amount_a_repeat * repeats / best


def bandwidth(size: int) -> float:
    """Return bytes read per nanosecond from a buffer of a size that is a multiple of 512 bytes."""
    buffer = np.zeros(size // ENTRY + 8)
    address = -(-buffer.ctypes.data // 64) * 64  # vector loads need the alignment
    library = references.library()
    return best_rate(lambda repeats: library.read_memory(address, size // ENTRY, repeats), size)


def floors() -> dict[str, Any] | None:
    """Return the floors and what they are made of; None where there is no C compiler."""
    library = references.library()
    if library is None:
        return None
    world, policy = cases.instance(K), cases.arms.UCB1()
    with one_core():
        width, chains = library.vector_doubles(), library.operations_a_repeat()
        additions = best_rate(library.additions, chains)
        divisions = best_rate(library.divisions, chains)
        rates = {"16 KiB": bandwidth(1 << 14), "256 KiB": bandwidth(1 << 18)}
        kernel_seconds(world, policy, 10_000, LANES)
        measured = min(kernel_seconds(world, policy, 10_000, LANES) for _ in range(15)) * 1e9 / (LANES * 10_000)
    operations, slow = sum(OPERATIONS.values()), sum(DIVISIONS.values())
    least, scratch = sum(BYTES.values()), sum(SCRATCH_BYTES.values())
    return {
        "doubles_a_vector": width,
        "vector_additions_a_nanosecond": additions,
        "vector_divisions_a_nanosecond": divisions,
        "bytes_a_nanosecond": rates,
        "vector_operations_a_round": operations,
        "vector_divisions_and_roots_a_round": slow,
        "bytes_a_round": least,
        "scratch_bytes_a_round": scratch,
        "state_bytes_of_a_chunk": STATE_BYTES,
        "arithmetic_floor_ns": operations / width / additions + slow / width / divisions,
        "memory_floor_ns": {name: least / rate for name, rate in rates.items()},
        "memory_floor_with_scratch_ns": {name: (least + scratch) / rate for name, rate in rates.items()},
        "kernel_ns": measured,
    }


def shown(found: dict[str, Any]) -> str:
    """Return the floors as text."""
    width = found["doubles_a_vector"]
    counts = [[name, str(n), "vector operations"] for name, n in OPERATIONS.items()]
    counts += [[name, str(n), "vector divisions and roots"] for name, n in DIVISIONS.items()]
    counts += [[name, str(n), "bytes"] for name, n in BYTES.items()]
    counts += [[name, str(n), "bytes, scratch"] for name, n in SCRATCH_BYTES.items()]
    rates = [
        ["vector of doubles", str(width), "doubles"],
        ["vector additions", number(found["vector_additions_a_nanosecond"]), "a ns"],
        ["vector divisions", number(found["vector_divisions_a_nanosecond"]), "a ns"],
        *([f"reading {name}", number(rate), "bytes a ns"] for name, rate in found["bytes_a_nanosecond"].items()),
    ]
    kernel = found["kernel_ns"]
    floor_rows = [["arithmetic", found["arithmetic_floor_ns"]]]
    for name in found["bytes_a_nanosecond"]:
        floor_rows.append([f"memory, all of it read at the rate of {name}", found["memory_floor_ns"][name]])
        floor_rows.append([f"memory with scratch, at the rate of {name}", found["memory_floor_with_scratch_ns"][name]])
    floor_rows.append(["the kernel, measured (best of 15)", kernel])
    return "\n\n".join(
        [
            "UCB1, K = 10: a round of one run needs at least",
            table(["", "", ""], counts),
            "This machine, one core, best of several",
            table(["", "", ""], rates),
            f"A chunk of {LANES} runs has {found['state_bytes_of_a_chunk']:,} bytes of state and scratch.",
            table(
                ["floor", "ns/round", "kernel / floor"], [[n, f"{v:.2f}", f"{kernel / v:.1f}"] for n, v in floor_rows]
            ),
        ]
    )
