"""A folder of finished runs, addressed by content: what has been computed once is not computed again.

Layout, with one folder per cell (an environment, a policy, a horizon, checkpoints, metrics and a seed)::

    store.json                         the format
    cells/<address>/cell.json          what the cell is, readable; its time is that of the cell's last use
    cells/<address>/runs-A-B.parquet   runs A to B: one row per run and checkpoint
    cells/<address>/failure.txt        the traceback, if the cell failed when it was last tried
    cells/unmade-*/failure.txt         the same, of a cell of a sweep whose environment or policy could not be made

The address is a hash of everything that the numbers depend on, including the code (see `core.stores.address`). Files
appear whole or not at all: they are written aside, flushed to disk and renamed. So any number of processes may use one
store at once, and may be killed at any instant; at worst, a chunk is computed twice, with the same result, and counted
once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import time
import uuid
import warnings
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..components import describe
from ..errors import BanditlabError, DamagedChunkWarning, InvalidType, StoreError
from ..playing.jobs import Chunk, Job
from ..results.provenance import versions
from ..results.whole_file import whole_file
from ..validation import file_path, invalid, shown
from .address import FORMAT, codes_of
from .alike import compared, told_apart
from .chunk_file import Damaged, packed, unpacked

if TYPE_CHECKING:
    import pandas as pd

OLD = 3600.0
"""Seconds after which a temporary file counts as left behind by a killed process."""

_REMOVED = ".removed-"
"""Prefix of the names of cells that are being removed."""

_ADDRESS = re.compile(r"(unmade-)?[0-9a-f]{32}")
_CHUNK_NAME = re.compile(r"runs-(\d{10,})-(\d{10,})\.parquet")


class Store:
    """A folder of finished runs.

    Parameters
    ----------
    folder : path
        Where it is; made, with the folders above it, when something is first played with it.

    Raises
    ------
    StoreError
        If the folder cannot be used, or holds something else.

    Examples
    --------
    >>> import banditlab as bl, tempfile
    >>> from banditlab import arms
    >>> folder = tempfile.mkdtemp()
    >>> env = arms.Bernoulli([0.2, 0.8])
    >>> first = bl.run(env, arms.UCB1(), horizon=100, n_runs=3, seed=0, store=folder)
    >>> again = bl.run(env, arms.UCB1(), horizon=100, n_runs=5, seed=0, store=folder)  # plays two runs
    >>> bl.Store(folder).cells()[["policy", "horizon", "n_runs"]].values.tolist()
    [['UCB1', 100, 5]]
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        try:
            self.folder = Path(os.path.realpath(file_path("store", folder)))
        except BanditlabError as error:
            raise StoreError(f"store is {shown(folder)}; allowed: the path of a folder, or a Store") from error
        self._known: set[str] = set()
        self._open(make=False)

    def make(self) -> None:
        """Make the folder, if it is missing, so that whatever stands in the way is known before anything is played.

        Raises
        ------
        StoreError
            As when a store is opened.
        """
        self._open(make=True)

    def _open(self, *, make: bool) -> None:
        """Check the folder, or make it."""
        marker = self.folder / "store.json"
        try:
            if not marker.exists():
                if self.folder.exists():
                    self._check_empty()
                if not make:
                    return
                (self.folder / "cells").mkdir(parents=True, exist_ok=True)
                _write(marker, json.dumps({"format": FORMAT}).encode())
            found = json.loads(marker.read_text()).get("format")
        except StoreError:
            raise
        except OSError as error:
            raise StoreError(
                f"store is {str(self.folder)!r}; allowed: a folder that can be written to ({error})"
            ) from error
        except (ValueError, AttributeError) as error:
            raise StoreError(
                f"store is {str(self.folder)!r}, whose store.json is damaged; allowed: a store (remove that file, and "
                "it is written again)"
            ) from error
        if found != FORMAT:
            raise StoreError(f"store is {str(self.folder)!r}, of format {found!r}; allowed: {FORMAT!r}")

    def _check_empty(self) -> None:
        if any(not _ours(file.name) for file in self.folder.iterdir()):
            raise StoreError(
                f"store is {str(self.folder)!r}, which holds other files; allowed: a new or empty folder, "
                "or one that is a store"
            )

    def __repr__(self) -> str:
        """Return the folder."""
        return f"Store({str(self.folder)!r})"

    def path(self, job: Job, first_run: int, n_runs: int) -> Path:
        """Return the file of a chunk, whether it exists or not."""
        return self._folder(job) / f"runs-{first_run:010d}-{first_run + n_runs - 1:010d}.parquet"

    def _folder(self, job: Job) -> Path:
        return self.folder / "cells" / job.address

    def read(self, job: Job) -> Iterator[Chunk]:
        """Yield what is stored of a job: its runs in order, each once.

        A damaged file is named in a warning and left out.
        """
        end, stop = job.first_run, job.first_run + job.n_runs
        ranges = self._ranges(self._folder(job))
        if ranges:
            self._mark_used(job)
        for first, last in ranges:
            if last < end or first >= stop:
                continue
            chunk = self.read_chunk(job, first, last - first + 1)
            if chunk is None:
                continue
            start, end = max(first, end), min(last + 1, stop)
            yield chunk.runs(start, end)

    def n_stored(self, job: Job) -> int:
        """Return how many of a job's runs are stored, judging by the names of files."""
        end = job.first_run + job.n_runs
        there = [(max(first, job.first_run), min(last, end - 1)) for first, last in self._ranges(self._folder(job))]
        return _how_many(sorted(r for r in there if r[0] <= r[1]))

    def _ranges(self, folder: Path) -> list[tuple[int, int]]:
        """Return (first run, last run) of the files in a cell's folder, in order, longer ones first."""
        try:
            names = os.listdir(folder)
        except (FileNotFoundError, NotADirectoryError):  # file managers leave files of their own
            return []
        except OSError as error:
            raise self._unreadable(error) from error
        found = [(int(m[1]), int(m[2])) for m in map(_CHUNK_NAME.fullmatch, names) if m]
        return sorted(found, key=lambda r: (r[0], -r[1]))

    def _unreadable(self, error: OSError) -> StoreError:
        return StoreError(f"store is {str(self.folder)!r}; allowed: a folder that can be read ({error})")

    def read_chunk(self, job: Job, first_run: int, n_runs: int) -> Chunk | None:
        """Return what one file holds; None for a damaged file, which is named in a warning."""
        path = self.path(job, first_run, n_runs)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None  # another process found it damaged
        except OSError as error:
            raise self._unreadable(error) from error
        try:
            return unpacked(job, first_run, n_runs, data)
        except Damaged as damage:
            warnings.warn(f"{path} is damaged and is computed again ({damage})", DamagedChunkWarning, stacklevel=2)
            with contextlib.suppress(OSError):
                path.replace(path.with_suffix(".damaged"))  # else the task that computes it again would find it
            return None

    def write(self, job: Job, chunk: Chunk) -> bool:
        """Store consecutive runs; return whether another process had stored them in the meantime.

        Raises
        ------
        StoreError
            If it cannot be written, for example because the disk is full; what was stored before stays as it is.
        """
        path, data = self.path(job, chunk.first_run, len(chunk.values)), packed(job, chunk)
        try:
            was_there = self._write_in_cell(job, path, data)
        except OSError as error:
            raise StoreError(
                f"store is {str(self.folder)!r}; allowed: a folder with room ({error.strerror or error}; "
                "the runs stored before are kept)"
            ) from error
        self._mark_used(job)
        return was_there

    def _write_in_cell(self, job: Job, path: Path, data: Any, attempts: int = 10) -> bool:
        try:
            self._make_cell(job)
            return _write(path, data)
        except (FileNotFoundError, FileExistsError):  # the cell was removed in between
            if attempts == 1 or not self.folder.exists():
                raise
            return self._write_in_cell(job, path, data, attempts - 1)

    def _mark_used(self, job: Job) -> None:
        now = time.time_ns()  # the time that the system writes by itself can be some milliseconds old
        with contextlib.suppress(OSError):  # a store that is read-only
            os.utime(self._folder(job) / "cell.json", ns=(now, now))

    def write_failure(self, job: Job, traceback: str) -> None:
        """Keep the traceback of a job that failed; an empty one removes an earlier one."""
        with contextlib.suppress(OSError):  # the result has it too
            if traceback:
                self._make_cell(job)
                _write(self._folder(job) / "failure.txt", traceback.encode())
            else:
                (self._folder(job) / "failure.txt").unlink(missing_ok=True)

    def write_unmade(self, told: dict[str, Any], traceback: str) -> None:
        """Keep the traceback of a cell whose components could not be made, so that it has no address of its own.

        `told` holds its label and parameters, which identify it until it can be made; then `traceback` is empty.
        """
        name = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]
        folder = self.folder / "cells" / f"unmade-{name}"
        with contextlib.suppress(OSError):  # the result has it too
            if traceback:
                folder.mkdir(exist_ok=True)
                shown_parameters = ", ".join(f"{key}={value}" for key, value in told["parameters"].items())
                labels = {"environment": f"not made ({shown_parameters})", "policy": told["label"]}
                _write(folder / "cell.json", json.dumps({"labels": labels} | told, indent=1).encode(), flush=False)
                _write(folder / "failure.txt", traceback.encode())
            elif folder.exists():
                shutil.rmtree(folder)

    def _make_cell(self, job: Job) -> None:
        folder = self._folder(job)
        if folder.name in self._known and folder.exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        if not read_identity(folder / "cell.json"):
            # not flushed: only people read it
            _write(folder / "cell.json", json.dumps(_identity(job), indent=1).encode(), flush=False)
        _remove_leftovers(folder)
        self._known.add(folder.name)

    def cells(self) -> pd.DataFrame:
        """Return one row per cell.

        A row has the cell's address, environment, policy, horizon, seed, number of runs stored, failure if any, bytes
        on disk, and the time (local) when it was last used: written, or read by `run`, `sweep` or `compare`.

        A cell is what was played, no matter who asked for it: sweeps that name parameters differently share cells, so
        parameters are found in a sweep's result and not here. Labels shorten long arrays: environments or policies that
        differ and have the same label have beside it the numbers that tell them apart, as in 'Bernoulli(<20 array>)
        with means[19]=0.7', or a hash such as '#1f0c2a9b' where these would be more than three. All their fields are in
        the cell's `cell.json`.

        Returns
        -------
        pandas.DataFrame
            Columns: address, environment, policy, horizon, seed, n_runs, failure (a traceback, or ''), bytes, used.

        Raises
        ------
        StoreError
            If there is no such folder, or it cannot be read.

        Examples
        --------
        >>> import banditlab as bl, tempfile
        >>> from banditlab import arms
        >>> store = bl.Store(tempfile.mkdtemp())
        >>> players = [arms.UCB1(), arms.RoundRobin()]
        >>> _ = bl.run(arms.Bernoulli([0.2, 0.8]), players, horizon=100, n_runs=3, seed=0, store=store)
        >>> cells = store.cells()
        >>> cells[["policy", "n_runs"]].sort_values("policy").values.tolist()
        [['RoundRobin', 3], ['UCB1', 3]]
        >>> cells.columns.tolist()
        ['address', 'environment', 'policy', 'horizon', 'seed', 'n_runs', 'failure', 'bytes', 'used']
        """
        import pandas as pd

        if not self.folder.exists():
            raise StoreError(
                f"store is {str(self.folder)!r}; allowed: a folder that is there (nothing was stored here)"
            )
        rows: list[dict[str, Any]] = []
        texts: dict[str, list[str | None]] = {"environment": [], "policy": []}
        for folder in sorted(f for f in (self.folder / "cells").glob("*") if f.is_dir()):
            told = read_identity(folder / "cell.json")
            for kind, known in texts.items():
                known.append(compared(told[kind]) if kind in told else None)
            failure = folder / "failure.txt"
            n_runs = _how_many(self._ranges(folder))
            try:
                n_bytes, used = _size_and_use(folder)
            except OSError as error:
                raise self._unreadable(error) from error
            rows.append(
                {
                    "address": folder.name,
                    "environment": told.get("labels", {}).get("environment", "?"),
                    "policy": told.get("labels", {}).get("policy", "?"),
                    "horizon": told.get("horizon"),
                    "seed": told.get("seed"),
                    "n_runs": n_runs,
                    "failure": failure.read_text("utf-8") if failure.exists() else "",
                    "bytes": n_bytes,
                    "used": datetime.fromtimestamp(used),
                }
            )
        columns = ["address", "environment", "policy", "horizon", "seed", "n_runs", "failure", "bytes", "used"]
        table = pd.DataFrame(rows, columns=columns).astype({"used": "datetime64[us]"})  # also where there is none
        return table.assign(**{kind: told_apart(table[kind].tolist(), known) for kind, known in texts.items()})

    def remove(self, addresses: Iterable[str]) -> None:
        """Remove cells, with all their runs; if they are needed again, they are played again.

        A process that is playing them at the same time goes on, and the store has what is played from then on.

        Parameters
        ----------
        addresses : sequence of str
            As in the column `address` of `cells`.

        Raises
        ------
        InvalidArgument, InvalidType
            For an address that the store does not have; nothing is removed in that case.
        StoreError
            If a cell cannot be removed.

        Examples
        --------
        To remove what experiments no longer use, play everything that is still wanted, which takes no longer than
        reading it, and remove the rest.

        >>> import banditlab as bl, pandas as pd, tempfile
        >>> from banditlab import arms
        >>> store = bl.Store(tempfile.mkdtemp())
        >>> options = {"horizon": 100, "n_runs": 3, "seed": 0, "store": store}
        >>> _ = bl.run(arms.Bernoulli([0.2, 0.8]), [arms.UCB1(alpha=0.5), arms.UCB1(alpha=2.0)], **options)
        >>> began = pd.Timestamp.now()
        >>> _ = bl.run(arms.Bernoulli([0.2, 0.8]), arms.UCB1(alpha=0.5), **options)
        >>> cells = store.cells()
        >>> store.remove(cells[cells["used"] < began]["address"])
        >>> store.cells()["policy"].tolist()
        ['UCB1(alpha=0.5)']
        """
        if isinstance(addresses, str) or not isinstance(addresses, Iterable):
            raise InvalidType(f"addresses is {shown(addresses)}; allowed: addresses of cells, as a list")
        cells = self.folder / "cells"
        wanted = list(dict.fromkeys(addresses))
        for address in wanted:
            if not isinstance(address, str) or not _ADDRESS.fullmatch(address) or not (cells / address).is_dir():
                raise invalid("addresses", address, f"addresses of cells in {self!r}")
        try:
            for address in wanted:
                # renamed first, so that a cell is there whole or not at all, for other processes and if this one is
                # killed
                (cells / address).replace(self.folder / f"{_REMOVED}{address}-{uuid.uuid4().hex}")
                self._known.discard(address)
            for left in self.folder.glob(f"{_REMOVED}*"):
                shutil.rmtree(left, ignore_errors=True)  # a process that plays it may just have begun a file in it
                with contextlib.suppress(FileNotFoundError):  # as it should be
                    shutil.rmtree(left)
        except OSError as error:
            raise StoreError(
                f"store is {str(self.folder)!r}; allowed: a folder of which cells can be removed ({error})"
            ) from error


def read_identity(file: Path) -> dict[str, Any]:
    """Return the content of cell.json; nothing if it is damaged, or being written at this moment."""
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _size_and_use(folder: Path) -> tuple[int, float]:
    """Return the bytes of the files in a folder, and when the newest of them was written or marked as used."""
    known = []
    with contextlib.suppress(FileNotFoundError):  # the folder is being removed
        for file in folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # a temporary file that has been renamed by now
                known.append(file.stat())
    return sum(k.st_size for k in known), max((k.st_mtime for k in known), default=0.0)


def _how_many(ranges: list[tuple[int, int]]) -> int:
    """Return how many runs the ranges, in order, cover, each run counted once."""
    total, end = 0, -1
    for first, last in ranges:
        total += max(0, last - max(first, end + 1) + 1)
        end = max(end, last)
    return total


def _ours(name: str) -> bool:
    """Say whether a file in a store without a marker can come from a process that is making it, or was killed then."""
    return name in ("cells", "store.json", ".DS_Store") or (name.startswith(".") and name.endswith(".store.json"))


def as_store(value: Any, *, make: bool = True) -> Store | None:
    """Return the store that an argument names, with `make` after making its folder; None for None."""
    store = value if value is None or isinstance(value, Store) else Store(value)
    if store is not None and make:
        store.make()
    return store


def _write(path: Path, data: Any, *, flush: bool = True) -> bool:
    """Write a file whole or not at all; flush it, and its folder, to disk.

    Return whether it already existed when it was renamed.
    """
    with whole_file(path) as beside:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            if flush:
                os.fsync(file.fileno())
        was_there = path.exists()
    if flush and hasattr(os, "O_DIRECTORY"):  # where folders can be opened
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with contextlib.suppress(OSError):  # some network file systems cannot; the file itself is flushed
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return was_there


def _remove_leftovers(folder: Path) -> None:
    """Remove temporary files of processes that were killed long ago."""
    for file in folder.glob(".*"):
        with contextlib.suppress(OSError):
            if file.stat().st_mtime < time.time() - OLD:
                file.unlink()


def _identity(job: Job) -> dict[str, Any]:
    """Return what a cell is, for people."""
    return {
        "format": FORMAT,
        "labels": {"environment": job.environment.label, "policy": job.policy.label},
        "environment": describe(job.environment),
        "policy": describe(job.policy),
        "horizon": job.horizon,
        "checkpoints": job.checkpoints.tolist(),
        "metrics": list(job.columns),
        "seed": job.seed,
        "code": list(codes_of(job)),
        "versions": versions(),
    }
