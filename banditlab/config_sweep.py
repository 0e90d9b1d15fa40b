"""Sweeps as TOML files: what `banditlab sweep FILE.toml` reads.

The file of a sweep is that of an experiment (see `banditlab.config`) with parameters: a value `"$name"` in the
environment or in a policy stands for the parameter `name`, whose values are listed in the table `[over]`. It may stand
inside a list or a nested table, too: `strategies = ["$s0", 0.55]`, `actions = { type = "MSets", m = "$m" }`.

.. code-block:: toml

    horizon = 10_000
    n_runs = 100
    seed = 0
    store = "results/store"           # default: none
    keep = "summary"                  # default: "runs"

    [environment]
    type = "Bernoulli"
    means = "$means"

    [[policies]]
    type = "UCB1"
    alpha = "$alpha"

    [[policies]]
    type = "KLUCB"

    [over]                            # all combinations; or [[over]], one table a combination
    means = [[0.5, 0.45], [0.5, 0.4], [0.5, 0.3]]
    alpha = [0.5, 1.0, 2.0]
    horizon = [1_000, 10_000]         # in place of the one above

    [plot]                            # what the picture shows: options of banditlab.plotting.plot_sweep
    x = "horizon"
    metric = "regret"                 # the default, if it is recorded

    [outputs]
    results = "results/sweep.parquet" # the tidy table
    summary = "results/sweep.csv"     # a row for each cell and metric
    plot = "results/sweep.png"
"""

from __future__ import annotations

import inspect
import itertools
import keyword
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .config import TOP, Experiment, Reader, players_of
from .core.errors import ConfigError
from .core.results.results import Cell
from .core.sweeps.factories import HORIZON, parameters_of
from .core.sweeps.sweep import sweep
from .core.sweeps.sweep_cells import SweepCell, token
from .core.sweeps.sweep_results import SweepResults
from .core.validation import file_path, meant, positive_integer, shown
from .toml_file import named
from .toml_lines import Key

__all__ = ["SweepExperiment", "read_sweep"]

PLOT_KEYS = (
    "x", "y", "metric", "policy", "policies", "where", "xscale", "yscale", "level", "slope", "title",
    "colors", "labels", "legend",
)  # fmt: skip


@dataclass(frozen=True)
class SweepExperiment:
    """What the file of a sweep says.

    Attributes
    ----------
    arguments : dict
        Those of `banditlab.sweep`.
    plot : dict
        Options of `banditlab.plotting.plot_sweep`; empty for no picture.
    outputs : dict from {'results', 'plot', 'summary'} to Path
        The files to write.
    """

    arguments: dict[str, Any]
    plot: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Path] = field(default_factory=dict)

    @property
    def horizons(self) -> list[int]:
        """The horizons that are swept over; none if the horizon is one number."""
        over = self.arguments["over"]
        if isinstance(over, dict):
            return list(over.get(HORIZON, ()))
        return [combination[HORIZON] for combination in over if HORIZON in combination]

    def run(self, **changes: Any) -> Any:
        """Call `banditlab.sweep` with these arguments, except for `changes`."""
        return sweep(**(self.arguments | changes))


def read_sweep(path: str | os.PathLike[str]) -> SweepExperiment:
    """Read a sweep from a TOML file, in the format that `banditlab.config_sweep` describes.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    SweepExperiment
        Checked in full: it can be run.

    Raises
    ------
    ConfigError
        For a file that cannot be read, and for a key or value that is not allowed, in any combination; the message
        gives the file name, line, key and value, and what is allowed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from banditlab import config_sweep
    >>> file = pathlib.Path(tempfile.mkdtemp(), "small.toml")
    >>> _ = file.write_text('''
    ... horizon = 100
    ... n_runs = 10
    ... seed = 0
    ... environment = { type = "Bernoulli", means = [0.2, 0.8] }
    ... policies = [{ type = "UCB1", alpha = "$alpha" }, { type = "Uniform" }]
    ... over = { alpha = [0.5, 2.0] }
    ... ''')
    >>> config_sweep.read_sweep(file).run()
    <SweepResults: 3 cells over alpha, 10 runs, metrics regret>
    """
    return _Sweep(Reader(file_path("path", path))).experiment()


def _parameters(value: Any, key: Key = ()) -> dict[str, Key]:
    """Return the parameters in what stands at a key: their names in the order in which they stand, and where."""
    if isinstance(value, str) and value.startswith("$"):
        return {value[1:]: key}
    found: dict[str, Key] = {}
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, inner in parts:
        for name, place in _parameters(inner, (*key, part)).items():
            found.setdefault(name, place)
    return found


def _filled(value: Any, values: dict[str, Any]) -> Any:
    """Return a value with its parameters replaced."""
    if isinstance(value, str) and value.startswith("$"):
        return values[value[1:]]
    if isinstance(value, dict):
        return {key: _filled(v, values) for key, v in value.items()}
    return [_filled(v, values) for v in value] if isinstance(value, list) else value


def _token(value: Any) -> Any:
    """Return what identifies a value: equal ones are one, of tables those with equal values at the same keys."""
    if isinstance(value, list):
        return tuple(map(_token, value))
    if isinstance(value, dict):
        return frozenset((key, _token(inner)) for key, inner in value.items())
    return token(value)


class _Factory:
    """Makes what a table describes, from values of the parameters that occur in it."""

    def __init__(self, reader: Reader, key: Key, table: Any, kind: str) -> None:
        self.reader, self.key, self.table, self.kind = reader, key, table, kind
        names = _parameters(table, key)
        if _parameters(table.get("label")):
            told = f"{named((*key, 'label'))} is {shown(table['label'])}"
            raise reader.error((*key, "label"), f"{told}; allowed: a text without parameters, which have their columns")
        for name in names:
            if not name.isidentifier() or keyword.iskeyword(name):
                raise reader.error(
                    key,
                    f"{named(key)} has the parameter {'$' + name!r}; allowed: letters, digits and _, no digit first, "
                    "and no word of Python's, such as 'lambda'",
                )
        self.__signature__ = inspect.Signature(
            [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names]
        )
        self.places = names
        self.names = frozenset(names)
        self.plays: str | None = None  # the family that a policy has to play

    def __call__(self, **values: Any) -> Any:
        table = _filled(self.table, values)
        owners = self.reader.owners(self.kind) if self.plays is None else players_of(self.plays)
        labels = self.kind == "policy"  # a sweep's only environment is identified by its parameters
        return self.reader.component(self.key, table, self.kind, owners, labels=labels, plays=self.plays)[0]


def _stand_in(label: str, parameters: dict[str, Any], experiment: Experiment) -> SweepCell:
    """Return a cell that nobody has played, with the metrics that it will have."""
    (world,), player = experiment.environments.values(), experiment.policies[label]
    protocol = player.family.protocol
    names = protocol.columns(world, player, experiment.metrics or protocol.default_metrics)
    values = {name: np.ones((2, 1)) for name in names}
    return SweepCell(parameters, label, Cell(values, 1.0, None), "", experiment.horizon, np.array([experiment.horizon]))


def _try_to_draw(cells: list[SweepCell], plot: dict[str, Any]) -> None:
    """Draw the plot of cells that nobody has played, so that mistakes in it show up now and not after the sweep."""
    from matplotlib.figure import Figure

    SweepResults(cells, {"n_runs": 2}).plot(**plot, ax=Figure().add_subplot())


class _Sweep:
    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.content = reader.content

    def experiment(self) -> SweepExperiment:
        """Return everything that the file says."""
        reader = self.reader
        reader.only((), self.content, (*(key for key in TOP if key != "environments"), "over", "plot"))
        over, combinations = self.over()
        needed = not all(HORIZON in c for c in combinations)
        settings, keys = reader.settings(horizon_needed=needed)
        with reader.translated(()):
            names = parameters_of(combinations, settings.get("metrics"))
        environment, policies = self.factories()
        for factory in (environment, *policies.values()):
            for name, key in factory.places.items():
                if name not in names:
                    likely = meant(name, names, written=lambda other: f"'${other}'")
                    raise reader.error(
                        key, f"{named(key)} is '${name}', which has no values; allowed: names in [over]{likely}"
                    )
        known = environment.names.union({HORIZON}, *(p.names for p in policies.values()))
        for name in names:
            if name not in known:
                raise reader.error(
                    ("over",), f"over.{name} is given, but no value is '${name}'; allowed: parameters that are used"
                )
        cells = self.cells(environment, policies, combinations, settings, keys)
        plot = reader.table(("plot",), self.content.get("plot", {}), "[plot]")
        reader.only(("plot",), plot, PLOT_KEYS)
        outputs = reader.outputs()
        if "plot" in outputs and "x" not in plot:
            raise reader.error(("plot",), "plot.x is missing; allowed: the parameter on the horizontal axis")
        if "x" in plot:
            with reader.translated(("plot",), "plot."):
                _try_to_draw(cells, plot)
        arguments = settings | {"environment": environment, "policies": policies, "over": over}
        return SweepExperiment(arguments, plot, outputs)

    def cells(
        self,
        environment: _Factory,
        policies: dict[str, _Factory],
        combinations: list[dict[str, Any]],
        settings: dict[str, Any],
        keys: dict[str, Key],
    ) -> list[SweepCell]:
        """Check all combinations, and return cells like those that the sweep will have, whose metrics are all one."""
        reader = self.reader
        found: dict[tuple[str, str], SweepCell] = {}
        for k, combination in enumerate(combinations):
            made: dict[Key, Any] = {}
            for factory in (environment, *policies.values()):
                for name, key in factory.places.items():
                    if name not in combination:
                        raise reader.error(
                            ("over", k), f"over[{k}].{name} is missing; allowed: a value, as {named(key)} is '${name}'"
                        )
                if factory is not environment:
                    factory.plays = made[environment.key].family.name
                made[factory.key] = self.made(factory, combination, k)
            places = keys
            if HORIZON in combination:
                table: Key = ("over", k) if isinstance(self.content["over"], list) else ("over",)
                places = keys | {HORIZON: (*table, HORIZON)}
                with reader.translated(table):
                    positive_integer(HORIZON, combination[HORIZON])
            world = made[environment.key]
            one = Experiment(
                {world.label: world},
                {label: made[factory.key] for label, factory in policies.items()},
                **settings | {name: int(combination[name]) for name in (HORIZON,) if name in combination},
            )
            players = {label: factory.key for label, factory in policies.items()}
            reader.check_together(one, places, {world.label: environment.key}, players)
            for label, factory in policies.items():
                mine = {n: v for n, v in combination.items() if n in environment.names | factory.names | {HORIZON}}
                if (label, repr(mine)) not in found:
                    found[label, repr(mine)] = _stand_in(label, mine, one)
        return list(found.values())

    def made(self, factory: _Factory, combination: dict[str, Any], k: int) -> Any:
        """Return what a factory makes from the k-th combination; an error names the lines of the values, too."""
        try:
            return factory(**{name: combination[name] for name in factory.names})
        except ConfigError as error:
            line = self.reader.line
            names = [name for name, key in factory.places.items() if f", line {line(key)}: " in str(error)]
            told = [f"'${name}' in line {self.line_of(name, combination[name], k)}" for name in names]
            raise ConfigError(f"{error} ({', '.join(told)})" if told else str(error)) from error

    def line_of(self, name: str, value: Any, k: int) -> int:
        """Return the line in which a parameter has its value for the k-th combination."""
        over = self.content["over"]
        if isinstance(over, list):
            return self.reader.line(("over", k, name))
        return self.reader.line(("over", name, next(i for i, other in enumerate(over[name]) if other is value)))

    def over(self) -> tuple[Any, list[dict[str, Any]]]:
        """Return what the file says about parameters, and all combinations."""
        over = self.content.get("over")
        if over is None:
            raise self.reader.missing((), "over", "a table [over] of lists, or several [[over]] of values")
        if isinstance(over, list) and over and all(isinstance(c, dict) for c in over):
            self.only_once(("over",), over)
            return over, over
        if not isinstance(over, dict) or not over:
            raise self.reader.error(
                ("over",), f"over is {shown(over)}; allowed: a table [over] of lists, or several [[over]] of values"
            )
        for name, values in over.items():
            if not isinstance(values, list) or not values:
                raise self.reader.error(
                    ("over", name), f"over.{name} is {shown(values)}; allowed: a list of one or more values"
                )
            self.only_once(("over", name), values)
        return over, [dict(zip(over, values, strict=True)) for values in itertools.product(*over.values())]

    def only_once(self, key: Key, values: list[Any]) -> None:
        """Raise for a value that is in a list twice: its cells would be played twice, or left out."""
        known: set[Any] = set()
        for k, value in enumerate(values):
            if _token(value) in known:
                raise self.reader.error(
                    (*key, k), f"{named((*key, k))} is {shown(value)}; allowed: what is not in the list already"
                )
            known.add(_token(value))

    def factories(self) -> tuple[_Factory, dict[str, _Factory]]:
        """Return what makes the environment, and what makes each policy, by label."""
        reader = self.reader
        world = self.content.get("environment")
        if world is None:
            raise reader.missing((), "environment", "a table [environment]; a sweep has one, with parameters")
        reader.table(("environment",), world, "[environment]; a sweep has one, with parameters")
        tables = self.content.get("policies")
        if tables is None:
            raise reader.missing((), "policies", "one table [[policies]] a policy")
        if not isinstance(tables, list) or not tables:
            raise reader.error(("policies",), f"policies is {shown(tables)}; allowed: one table [[policies]] a policy")
        found: dict[str, _Factory] = {}
        for k, table in enumerate(tables):
            key: Key = ("policies", k)
            table = reader.table(key, table, "with type = the name of a policy")
            label = table.get("label", table.get("type"))
            if str(label) in found:
                raise reader.error(
                    key, f"policies[{k}] has the label {label!r} again; allowed: different labels (the key label)"
                )
            found[str(label)] = _Factory(reader, key, table, "policy")
        return _Factory(reader, ("environment",), world, "environment"), found
