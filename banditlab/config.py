"""Experiments as TOML files: what `banditlab run FILE.toml` reads.

A file says what `banditlab.run` is called with, and where to write what it returns:

.. code-block:: toml

    horizon = 10_000                  # rounds per run
    n_runs = 200                      # independent runs
    seed = 0                          # default: drawn afresh and recorded in the results
    checkpoints = "log"               # or "linear", a number of checkpoints, or a list of rounds
    metrics = ["regret", "reward"]    # default: the family's regret
    n_jobs = 2                        # threads; default: all cores
    backend = "auto"                  # or "cuda", "cuda:1": where it is played; default: "cpu"
    precision = "double"              # or "single": how policies' states are stored
    keep = "runs"                     # or "summary": of each metric its statistics only
    store = "results/store"           # finished runs are kept here, and not played again; default: none

    [environment]
    type = "Bernoulli"
    means = [0.1, 0.5, 0.9]

    [[policies]]
    type = "UCB1"

    [[policies]]
    type = "UCB1"
    label = "UCB1, half the radius"
    alpha = 0.5

    [outputs]                         # default: none; folders are made where they are missing
    results = "results/r.parquet"     # everything, for banditlab.load
    plot = "results/regret.png"       # or .pdf, .svg
    summary = "results/summary.csv"   # a row for each policy and metric

* The first keys, up to the first table, may stand at the top, as here, or in a table `[experiment]`.
* `type` is a class name from `banditlab list`. A family other than arms is named in front, as in `"dueling.RUCB"`; a
  policy without one is looked for in the families that can play the environment. The other keys of the table are the
  class's fields.
* A field that is itself an environment, a policy, or a component of another kind is a table with a `type`:
  `[[environment.environments]]` for the segments of `PiecewiseStationary`; `utility = { type = "QuadraticUtility",
  penalty = 4.0 }` for what the learner wants in `clicks.StrategicClickBandit`; `items = { type = "Bernoulli", means =
  [0.2, 0.5] }` and `actions = { type = "UpToM", m = 1 }` for the parts of `semibandits.SemiBandit`.
* Several environments are tables `[[environments]]` in place of `[environment]`, each with an optional `label`.
* `Empirical` also takes click counts: `counts = "clicks.csv"`, a file with the columns impressions and clicks, its path
  relative to the TOML file; or `dataset = "open_bandit_men"`, which comes with the package.
* `FromScipy` has one table per arm: `distributions = [{ type = "lognorm", s = 0.5 }, { type = "norm", loc = 1.0 }]`,
  where type is a name in scipy.stats, and the other keys are its parameters, with scipy's names.
* Paths of outputs and of the store are relative to the current folder.

Any mistake in a file is raised before anything is simulated, as a `ConfigError` with the file's name and the line.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .core.errors import BanditlabError
from .core.machines import PRECISIONS, checked_backend
from .core.playing.experiment import KEEPS, N_RUNS, check_horizon, checked_metrics, reasons_against
from .core.playing.runner import run
from .core.playing.workers import checked_n_jobs
from .core.results.checkpoints import checkpoint_rounds
from .core.results.metrics import common_defaults
from .core.validation import (
    SEED,
    Check,
    file_path,
    meant,
    number,
    one_of,
    positive_integer,
    quoted,
    shown,
    with_article,
)
from .data import CAMPAIGNS, open_bandit, read_counts
from .families import arms, families, registered
from .outputs import OUTPUTS
from .toml_file import TomlFile, allowed_words, named
from .toml_lines import Key

if TYPE_CHECKING:
    from .core.results.results import Results

__all__ = ["Experiment", "read"]

DATASETS = tuple(f"open_bandit_{campaign}" for campaign in CAMPAIGNS)

OWN = " (classes of your own are for Python, not for files)"
"""Added to messages about the name of a class that the package does not have."""


@dataclass(frozen=True)
class Experiment:
    """What a configuration file says: the arguments of `banditlab.run`, and where its results go.

    Attributes
    ----------
    environments, policies : dict from str to component
        By label.
    horizon, n_runs, seed, checkpoints, metrics, n_jobs, backend, precision, keep, store
        As in `banditlab.run`.
    outputs : dict from {'results', 'plot', 'summary'} to Path
        The files to write.
    """

    environments: dict[str, Any]
    policies: dict[str, Any]
    horizon: int
    n_runs: int
    seed: int | None = None
    checkpoints: Any = "log"
    metrics: tuple[str, ...] | None = None
    n_jobs: int | None = None
    backend: str = "cpu"
    precision: str = "double"
    keep: str = "runs"
    store: Path | None = None
    outputs: dict[str, Path] = dataclasses.field(default_factory=dict)

    def run(self, **changes: Any) -> Results:
        """Call `banditlab.run` with these arguments, except for `changes`."""
        arguments = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        del arguments["outputs"]
        arguments["environment"] = arguments.pop("environments")
        return run(**(arguments | changes))


def read(path: str | os.PathLike[str]) -> Experiment:
    """Read an experiment from a TOML file, in the format that `banditlab.config` describes.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    Experiment
        Checked in full: it can be run.

    Raises
    ------
    ConfigError
        For a file that cannot be read, and for a key or value that is not allowed; the message gives the file name,
        line, key and value, and what is allowed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from banditlab import config
    >>> file = pathlib.Path(tempfile.mkdtemp(), "small.toml")
    >>> _ = file.write_text('''
    ... horizon = 100
    ... n_runs = 10
    ... seed = 0
    ... environment = { type = "Bernoulli", means = [0.2, 0.8] }
    ... policies = [{ type = "UCB1" }, { type = "ThompsonSampling" }]
    ... ''')
    >>> config.read(file).run()
    <Results: 2 policies on 1 environment, 10 runs, horizon 100, metrics regret>
    """
    return Reader(file_path("path", path)).experiment()


def _unchanged(name: str, value: Any) -> Any:
    return value


SETTINGS: dict[str, Check] = {
    "horizon": positive_integer,
    "n_runs": N_RUNS,
    "seed": SEED,
    "checkpoints": _unchanged,  # checked once the horizon is known
    "metrics": lambda _, value: checked_metrics(value),
    "n_jobs": lambda _, value: checked_n_jobs(value),
    "backend": lambda _, value: checked_backend(value),
    "precision": one_of(*PRECISIONS),
    "keep": one_of(*KEEPS),
    "store": file_path,
}
TOP = (*SETTINGS, "experiment", "environment", "environments", "policies", "outputs")


class Reader(TomlFile):
    """A TOML file of an experiment."""

    def experiment(self) -> Experiment:
        """Return everything that the file says."""
        if "over" in self.content:
            raise self.error(("over",), "over is given; allowed: in the file of a sweep (banditlab sweep FILE.toml)")
        self.only((), self.content, TOP)
        outputs = self.outputs()
        settings, keys = self.settings()
        environments, worlds = self.environments()
        policies, players = self.policies(next(iter(environments.values())))
        experiment = Experiment(environments, policies, **settings, outputs=outputs)
        self.check_together(experiment, keys, worlds, players)
        return experiment

    def settings(self, *, horizon_needed: bool = True) -> tuple[dict[str, Any], dict[str, Key]]:
        """Return the arguments that are plain values, and where each stands."""
        section = self.table(("experiment",), self.content.get("experiment", {}), "[experiment]")
        self.only(("experiment",), section, SETTINGS)
        found: dict[str, Any] = {}
        keys: dict[str, Key] = {}
        for name, check in SETTINGS.items():
            if name in self.content and name in section:
                raise self.error(
                    ("experiment", name),
                    f"experiment.{name} is {shown(section[name])}; allowed: nothing, "
                    f"as {name} stands in line {self.line((name,))} too",
                )
            for table, values in (((), self.content), (("experiment",), section)):
                if name in values:
                    keys[name] = (*table, name)
                    with self.translated(keys[name][:-1]):
                        found[name] = check(name, values[name])
        for name, allowed in (("horizon", "a number of rounds"), ("n_runs", "a number of runs")):
            if name not in found and (horizon_needed or name != "horizon"):
                raise self.missing(("experiment",) if section else (), name, allowed)
        return found, keys

    @staticmethod
    def owners(kind: str) -> tuple[str, ...]:
        """Return the families in which a name without a family is looked up."""
        return ("arms",) if kind == "environment" else tuple(sorted(families(), key=lambda family: family != "arms"))

    def environments(self) -> tuple[dict[str, Any], dict[str, Key]]:
        """Return the environments by label, and where each stands."""
        one, several = self.content.get("environment"), self.content.get("environments")
        if one is not None and several is not None:
            raise self.error(
                ("environments",),
                f"environments is {shown(several)}; allowed: nothing, as environment stands in line "
                f"{self.line(('environment',))} too",
            )
        if several is not None:
            return self.labelled("environments", several, "environment", ("arms",))
        if one is None:
            raise self.missing((), "environment", "a table [environment], or several [[environments]]")
        if isinstance(one, list):
            raise self.error(
                ("environment",), "environment is a list; allowed: one table [environment], or several [[environments]]"
            )
        world, label = self.component(("environment",), one, "environment", ("arms",), labels=True)
        return {label: world}, {label: ("environment",)}

    def policies(self, world: Any) -> tuple[dict[str, Any], dict[str, Key]]:
        """Return the policies by label, and where each stands."""
        if "policies" not in self.content:
            raise self.missing((), "policies", "one table [[policies]] a policy")
        return self.labelled(
            "policies", self.content["policies"], "policy", players_of(world.family.name), world.family.name
        )

    def labelled(
        self, name: str, value: Any, kind: str, owners: tuple[str, ...], plays: str | None = None
    ) -> tuple[dict[str, Any], dict[str, Key]]:
        """Return the components of an array of tables by label, and where each stands; `plays` limits policies."""
        if not isinstance(value, list) or not value:
            raise self.error((name,), f"{name} is {shown(value)}; allowed: one table [[{name}]] for each {kind}")
        found: dict[str, Any] = {}
        keys: dict[str, Key] = {}
        for k, table in enumerate(value):
            key: Key = (name, k)
            component, label = self.component(key, table, kind, owners, labels=True, plays=plays)
            if label in found:
                first = self.line(keys[label])
                raise self.error(
                    (*key, "label" if "label" in table else "type"),
                    f"{name}[{k}] has the label {label!r}, as the {kind} in line {first} has; "
                    "allowed: different labels (give one of them the key label)",
                )
            found[label], keys[label] = component, key
        return found, keys

    def component(
        self,
        key: Key,
        value: Any,
        kind: str,
        owners: tuple[str, ...],
        *,
        labels: bool = False,
        plays: str | None = None,
    ) -> tuple[Any, str]:
        """Return the component that a table describes, and its label."""
        table = self.table(key, value, f"with type = the name of {in_words(kind)}")
        cls = self.cls(key, table, kind, owners, plays)
        fields = {f.name: f for f in dataclasses.fields(cls)}
        special = ("dataset",) if cls is arms.Empirical else ()
        extra = ("type", "label") if labels else ("type",)
        self.only(key, table, (*extra, *fields, *special), f" in {cls.__name__}")
        arguments: dict[str, Any] = {}
        for name, part in table.items():
            if name in fields:
                made = self.laws if cls is arms.FromScipy else functools.partial(self.nested, cls.family, fields[name])
                arguments[name] = made((*key, name), part)
            elif name in special:
                arguments[name] = part
        if "dataset" in table or (special and isinstance(table.get("counts"), str)):
            component = self.empirical(key, arguments)
        else:
            for name, f in fields.items():
                needed = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
                if needed and name not in arguments:
                    raise self.missing(key, name, f.metadata.get("doc") or f"a value, as {cls.__name__} needs one")
            with self.translated(key):
                component = cls(**arguments)
        self.classes[key] = cls.__name__
        label = table.get("label", component.label)
        if not isinstance(label, str) or not label.strip() or not label.isprintable():
            raise self.error(
                (*key, "label"), f"{named((*key, 'label'))} is {shown(label)}; allowed: a printable text, not empty"
            )
        return component, label

    def cls(
        self,
        key: Key,
        table: dict[str, Any],
        kind: str,
        owners: tuple[str, ...],
        plays: str | None = None,
    ) -> Any:
        """Return the class that a table names; for an unknown name, suggest classes that can play a family."""
        if "type" not in table:
            for name in difflib.get_close_matches("type", table, 1):
                raise self.error(
                    (*key, name),
                    f"{named((*key, name))} is {shown(table[name])}, but there is no such key, and type is missing; "
                    f"allowed: type = the name of {in_words(kind)}; did you mean 'type'?",
                )
            raise self.missing(key, "type", f"the name of {in_words(kind)}")
        name = table["type"]
        owner, dot, short = name.rpartition(".") if isinstance(name, str) else ("", "", "")
        if dot and owner not in families():
            raise self.error(
                (*key, "type"),
                f"{named((*key, 'type'))} is {name!r}, and there is no family {owner!r}{OWN}; "
                + allowed_words(owner, families()),
            )
        known: dict[str, Any] = {}
        for family in (owner,) if dot else owners:
            known = registered(family, kind) | known
        fit = {n: c for n, c in known.items() if plays is None or plays in c.family.plays}
        elsewhere = [f"{f}.{short}" for f in families() if short in registered(f, kind)]
        if short not in known and not dot and elsewhere:
            raise self.error(
                (*key, "type"),
                f"{named((*key, 'type'))} is {name!r}; allowed: {quoted(sorted(fit))}; did you mean {elsewhere[0]!r}?",
            )
        if short not in known:
            raise self.error(
                (*key, "type"),
                f"{named((*key, 'type'))} is {shown(name)}{OWN if short else ''}; {allowed_words(short, sorted(fit))}",
            )
        return known[short]

    def nested(self, family: Any, field: dataclasses.Field[Any], key: Key, value: Any) -> Any:
        """Return the value of a field, in which tables are made components of its kind."""
        if isinstance(value, list):
            return [self.nested(family, field, (*key, k), v) for k, v in enumerate(value)]
        if not isinstance(value, dict):
            return value
        owner, _, kind = field.metadata["kind"].rpartition(".")
        if not kind:
            raise self.error(
                key, f"{named(key)} is {shown(value)}; allowed: no table here, but {field.metadata['doc']}"
            )
        return self.component(key, value, kind, (owner or family.name,))[0]

    def laws(self, key: Key, value: Any) -> Any:
        """Return the SciPy distributions that tables describe; anything else there is refused by `FromScipy`."""
        if not isinstance(value, list):
            return value
        return [self.law((*key, k), v) if isinstance(v, dict) else v for k, v in enumerate(value)]

    def law(self, key: Key, table: dict[str, Any]) -> Any:
        """Return the frozen distribution that a table describes."""
        from scipy import stats

        known = {n: d for n, d in vars(stats).items() if isinstance(d, stats.rv_continuous | stats.rv_discrete)}
        name = table.get("type")
        if name is None:
            raise self.missing(key, "type", "the name of a distribution in scipy.stats, such as 'lognorm'")
        if not isinstance(name, str) or name not in known:
            allowed = f"the name of a distribution in scipy.stats, such as 'lognorm'{meant(name, known, written=repr)}"
            raise self.error((*key, "type"), f"{named((*key, 'type'))} is {shown(name)}; allowed: {allowed}")
        shapes = known[name].shapes.split(", ") if known[name].shapes else []
        scale = ("scale",) if isinstance(known[name], stats.rv_continuous) else ()
        self.only(key, table, ("type", *shapes, "loc", *scale), f" in scipy.stats.{name}")
        for shape in shapes:
            if shape not in table:
                raise self.missing(key, shape, f"a number, as scipy.stats.{name} needs one")
        with self.translated(key):
            return known[name](**{n: number(n, v) for n, v in table.items() if n != "type"})

    def empirical(self, key: Key, arguments: dict[str, Any]) -> Any:
        """Return the environment of a data set, or of a file of counts."""
        source = "dataset" if "dataset" in arguments else "counts"
        value = arguments.pop(source)
        for name, other in arguments.items():
            raise self.error(
                (*key, name), f"{named((*key, name))} is {shown(other)}; allowed: nothing, beside {source} = {value!r}"
            )
        if source == "dataset":
            if value not in DATASETS:
                told = f"{named((*key, source))} is {shown(value)}"
                raise self.error((*key, source), f"{told}; {allowed_words(value, DATASETS)}")
            frame = open_bandit(value.removeprefix("open_bandit_"))
            return arms.Empirical.from_counts(frame["impressions"].to_numpy(), frame["clicks"].to_numpy())
        before = f"{named((*key, source))} is {value!r}; in that file, "
        with self.translated((*key, source), before):
            return arms.Empirical.from_counts(**read_counts(self.path.parent / file_path("counts", value)))

    def outputs(self) -> dict[str, Path]:
        """Return the files to write."""
        table = self.table(("outputs",), self.content.get("outputs", {}), "[outputs]")
        self.only(("outputs",), table, OUTPUTS)
        for name, value in table.items():
            if not isinstance(value, str) or Path(value).suffix.lower() not in OUTPUTS[name]:
                raise self.error(
                    ("outputs", name),
                    f"outputs.{name} is {shown(value)}; allowed: the path of a {' or '.join(OUTPUTS[name])} file",
                )
        return {name: Path(value) for name, value in table.items()}

    def check_together(
        self, experiment: Experiment, keys: dict[str, Key], worlds: dict[str, Key], players: dict[str, Key]
    ) -> None:
        """Check what `run` checks of several arguments together."""
        horizon = experiment.horizon
        with self.translated(keys["horizon"][:-1]):
            for label, world in experiment.environments.items():
                check_horizon(label, world, horizon)
        with self.translated(keys.get("checkpoints", ())[:-1]):
            checkpoint_rounds(experiment.checkpoints, horizon)
        for label, world in experiment.environments.items():
            for name, player in experiment.policies.items():
                with self.translated(players[name]):
                    reasons = reasons_against(world, player, horizon, experiment.precision)
                if reasons:
                    raise self.error(
                        (*players[name], "type"),
                        f"{name} cannot play {label} of line {self.line(worlds[label])}: {'; '.join(reasons)}",
                    )
                for k, metric in enumerate(experiment.metrics or player.family.protocol.default_metrics):
                    try:
                        player.family.protocol.columns(world, player, (metric,))
                    except BanditlabError as error:
                        raise self.error((*keys.get("metrics", ()), k), str(error)) from error
        if experiment.metrics is None:
            with self.translated(()):
                common_defaults(experiment.policies)


def in_words(kind: str) -> str:
    """Return a kind of components as messages name it: an environment, an action set."""
    return with_article(kind.replace("_", " "))


def players_of(family: str) -> tuple[str, ...]:
    """Return the families whose policies can play environments of a family, that family first."""
    able = [f for f in families() if any(family in cls.family.plays for cls in _policies(f))]
    return tuple(sorted(able, key=lambda f: f != family))


def _policies(family: str) -> Iterable[Any]:
    return registered(family, "policy").values()
