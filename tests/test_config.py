import dataclasses
import textwrap
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import banditlab as bl
from banditlab import arms, clicks, config, dueling, semibandits
from banditlab.core.errors import BanditlabError, ConfigError
from banditlab.families import families, kinds, registered
from banditlab.toml_lines import Lines

EXAMPLES = Path(__file__).parents[1] / "examples"
RUN_EXAMPLES = sorted(f for f in EXAMPLES.glob("*.toml") if not f.name.startswith("sweep"))

GOOD = """\
horizon = 1_000
n_runs = 4
seed = 7

[environment]
type = "Bernoulli"
means = [
    0.1,   # a comment, with ] in it
    0.9,
]

[[policies]]
type = "UCB1"
alpha = 0.5

[[policies]]
type = "arms.KLUCB"
label = "KL"
"""


def write(folder, text, name="e.toml"):
    file = folder / name
    file.write_text(textwrap.dedent(text), encoding="utf-8")
    return file


def read(folder, text):
    return config.read(write(folder, text))


def message(folder, text):
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    told = str(caught.value)
    assert told.startswith(str(folder / "e.toml") + ", line ")
    line, _, rest = told.removeprefix(str(folder / "e.toml") + ", line ").partition(": ")
    return int(line), rest


# ------------------------------------------------------------------------------------------ what is read


def test_laws_of_scipy_are_tables(tmp_path):
    laws = "[{ type = 'lognorm', s = 0.5 }, { type = 'poisson', mu = 2 }, { type = 'norm', loc = 1, scale = 0.5 }]"
    text = "horizon = 50\nn_runs = 4\nseed = 7\n[environment]\ntype = 'FromScipy'\ndistributions = " + laws + "\n"
    found = read(tmp_path, text + "[[policies]]\ntype = 'UCB1'\n").run()
    env = arms.FromScipy([stats.lognorm(s=0.5), stats.poisson(mu=2), stats.norm(loc=1.0, scale=0.5)])
    expected = bl.run(env, arms.UCB1(), horizon=50, n_runs=4, seed=7)
    np.testing.assert_array_equal(found.values(), expected.values())


def test_a_file_says_what_run_is_called_with(tmp_path):
    experiment = read(tmp_path, GOOD)
    expected = bl.run(
        arms.Bernoulli([0.1, 0.9]), {"UCB1(alpha=0.5)": arms.UCB1(alpha=0.5), "KL": arms.KLUCB()},
        horizon=1000, n_runs=4, seed=7,
    )  # fmt: skip
    result = experiment.run()
    assert result.policies == expected.policies
    assert np.array_equal(result.values(), expected.values())
    assert experiment.outputs == {}


def test_every_setting_is_passed_on(tmp_path):
    experiment = read(
        tmp_path,
        """
        environment = { type = "Bernoulli", means = [0.2, 0.8] }
        policies = [{ type = "UCB1" }]
        [experiment]
        horizon = 100
        n_runs = 2
        seed = 3
        checkpoints = [10, 100]
        metrics = ["reward", "pulls"]
        n_jobs = 1
        backend = "python"
        precision = "single"
        [outputs]
        results = "a/r.parquet"
        plot = "p.svg"
        summary = "s.csv"
        """,
    )
    result = experiment.run(n_runs=3)
    assert (result.horizon, result.n_runs, result.seed) == (100, 3, 3)
    assert result.checkpoints.tolist() == [10, 100]
    assert result.metrics == ("reward", "pulls[0]", "pulls[1]")
    assert experiment.n_jobs == 1
    assert (experiment.backend, experiment.precision) == ("python", "single")
    assert experiment.outputs == {"results": Path("a/r.parquet"), "plot": Path("p.svg"), "summary": Path("s.csv")}


def test_several_environments_and_segments(tmp_path):
    experiment = read(
        tmp_path,
        """
        horizon = 10
        n_runs = 1
        policies = [{ type = "UCB1" }]

        [[environments]]
        type = "PiecewiseStationary"
        change_points = [6]
        [[environments.environments]]
        type = "Bernoulli"
        means = [0.1, 0.9]
        [[environments.environments]]
        type = "Bernoulli"
        means = [0.9, 0.1]

        [[environments]]
        type = "Gaussian"
        label = "noise"
        means = [0, 1]
        """,
    )
    first, second = experiment.environments.values()
    assert first == arms.PiecewiseStationary([arms.Bernoulli([0.1, 0.9]), arms.Bernoulli([0.9, 0.1])], [6])
    assert list(experiment.environments)[1] == "noise"
    assert second == arms.Gaussian([0, 1])
    assert experiment.seed is None


def test_counts_come_from_a_file_beside_the_toml(tmp_path, monkeypatch):
    write(tmp_path, "item,clicks,impressions\na,1,10\nb,5,20\n", "c.csv")
    monkeypatch.chdir("/")
    text = HEAD + PLAYER + 'environment = { type = "Empirical", counts = "c.csv" }\n'
    experiment = read(tmp_path, text)
    (environment,) = experiment.environments.values()
    assert environment.means.tolist() == [0.1, 0.25]


@pytest.mark.parametrize(("name", "n_arms"), [("open_bandit_men", 34), ("open_bandit_women", 46)])
def test_datasets_of_the_package(tmp_path, name, n_arms):
    experiment = read(
        tmp_path,
        f"""
        horizon = 100
        n_runs = 1
        environment = {{ type = "Empirical", dataset = "{name}" }}
        policies = [{{ type = "Uniform" }}]
        """,
    )
    (environment,) = experiment.environments.values()
    assert environment.n_arms == n_arms


def test_empirical_takes_its_own_fields_too(tmp_path):
    experiment = read(
        tmp_path,
        """
        horizon = 100
        n_runs = 1
        environment = { type = "Empirical", values = [[0, 1], [0, 1]], counts = [[3, 1], [1, 1]] }
        policies = [{ type = "Uniform" }]
        """,
    )
    (environment,) = experiment.environments.values()
    assert environment.means.tolist() == [0.25, 0.5]


@pytest.mark.parametrize("file", RUN_EXAMPLES, ids=lambda f: f.name)
def test_the_examples_run(file):
    result = config.read(file).run(horizon=100, n_runs=2, checkpoints="log", progress=False)
    assert np.isfinite(result.values(environment=result.environments[0])).all()


def test_an_example_of_each_kind_of_file_is_there():
    families = {type(world).family.name for f in RUN_EXAMPLES for world in config.read(f).environments.values()}
    assert families >= {"arms", "clicks", "semibandits", "scoring"}


def test_the_format_of_the_documentation_is_right(tmp_path):
    example = config.__doc__.split(".. code-block:: toml\n")[1].split("* The first")[0]
    experiment = read(tmp_path, example)
    assert list(experiment.policies) == ["UCB1", "UCB1, half the radius"]


# ----------------------------------------------------------------------------------------------- errors

HEAD = "horizon = 100\nn_runs = 1\n"
WORLD = 'environment = { type = "Bernoulli", means = [0.2, 0.8] }\n'
CLICKS = "[environment]\ntype = 'clicks.StrategicClickBandit'\npost_click_means = [0.6, 0.5]\nstrategies = [0.6, 0.5]\n"
SCORING = """[environment]
type = 'scoring.PrincipalAgent'
beliefs = [[1, 0], [0.5, 0.5], [0, 1]]
action_distributions = [[0, 1, 0], [0.5, 0, 0.5]]
costs = [0, 0.1]
decisions = [[1, 0], [0, 1]]
"""
PLAYER = 'policies = [{ type = "UCB1" }]\n'

WRONG = {
    # text, line, what the message says
    "syntax": ("horizon = 1\n\nn_runs = \n", 3, ["not TOML"]),
    "unclosed": ("horizon = 1\nn_runs = [1,\n", 2, ["not TOML"]),
    "twice": ("horizon = 1\nhorizon = 2\n", 2, ["not TOML"]),
    "unknown key": (
        HEAD + "horizn = 5\n",
        3,
        ["horizn is 5", "allowed: 'horizon', 'n_runs'", "did you mean 'horizon'?"],
    ),
    "unknown setting": ("[experiment]\nruns = 5\n", 2, ["experiment.runs is 5", "allowed:", "did you mean 'n_runs'?"]),
    "unknown output": ("[outputs]\n\nplots = 'a.png'\n", 3, ["outputs.plots is 'a.png'", "did you mean 'plot'?"]),
    "no horizon": ("n_runs = 1\n" + WORLD + PLAYER, 1, ["horizon is missing"]),
    "no n_runs": ("\n[experiment]\nhorizon = 5\n", 2, ["n_runs is missing"]),
    "given twice": (HEAD + "[experiment]\nhorizon = 5\n", 4, ["experiment.horizon is 5", "line 1"]),
    "zero horizon": ("horizon = 0\n", 1, ["horizon is 0", "allowed: an integer of at least 1"]),
    "text horizon": ("\nhorizon = '1'\n", 2, ["horizon is '1'", "allowed: an integer"]),
    "too many n_runs": ("horizon = 1\nn_runs = 3_000_000_000\n", 2, ["n_runs is 3000000000", "at most 2147483648"]),
    "precision of a family": (
        HEAD
        + "precision = 'single'\n"
        + "environment = { type = 'dueling.ContextualGLM', theta = [1.0], features = [[0.0], [1.0]] }\n"
        + "[[policies]]\ntype = 'MaxInP'\n",
        6,
        ["MaxInP cannot play", "double precision only", "'single'"],
    ),
    "bool n_runs": ("horizon = 1\nn_runs = true\n", 2, ["n_runs is True", "allowed: an integer"]),
    "date": ("horizon = 1979-05-27 07:32:00\n", 1, ["horizon is datetime", "allowed: an integer"]),
    "negative seed": (HEAD + "seed = -1\n", 3, ["seed is -1", "allowed: an integer from 0 to"]),
    "no such backend": (HEAD + 'backend = "gpu"\n', 3, ["backend is 'gpu'", "allowed: one of 'cpu'"]),
    "no such precision": (HEAD + 'precision = "half"\n', 3, ["precision is 'half'", "allowed:"]),
    "no jobs": (HEAD + "n_jobs = 0\n", 3, ["n_jobs is 0", "allowed:"]),
    "metrics number": (HEAD + "metrics = 3\n", 3, ["metrics is 3", "allowed: a metric's name"]),
    "metrics twice": (HEAD + 'metrics = ["regret",\n"regret"]\n', 4, ["metrics[1] is 'regret'", "allowed:"]),
    "metrics unknown": (
        HEAD + WORLD + PLAYER + 'metrics = [\n "regret",\n "regrets",\n]\n',
        7,
        ["metrics is 'regrets'", "'optimal_rate'"],
    ),
    "checkpoints word": (HEAD + WORLD + PLAYER + "checkpoints = 'all'\n", 5, ["checkpoints is 'all'", "'log'"]),
    "checkpoints late": (
        HEAD + WORLD + PLAYER + "checkpoints = [\n1,\n\n500,\n]\n",
        8,
        ["checkpoints[1] is 500", "the horizon, 100"],
    ),
    "no environment": (HEAD + PLAYER, 1, ["environment is missing", "[environment]"]),
    "environment word": (HEAD + "environment = 'Bernoulli'\n", 3, ["environment is 'Bernoulli'", "allowed: a table"]),
    "environment list": (
        HEAD + "[[environment]]\ntype = 'Bernoulli'\n",
        3,
        ["environment is a list", "[[environments]]"],
    ),
    "both environments": (HEAD + "environments = []\nenvironment = {}\n", 3, ["environments is []", "line 4"]),
    "no policies": (HEAD + WORLD, 1, ["policies is missing", "[[policies]]"]),
    "empty policies": (HEAD + WORLD + "policies = []\n", 4, ["policies is []", "[[policies]]"]),
    "one policies table": (HEAD + WORLD + "[policies]\ntype = 'UCB1'\n", 4, ["policies is {", "[[policies]]"]),
    "policy name": (HEAD + WORLD + "policies = [\n  'UCB1',\n]\n", 5, ["policies[0] is 'UCB1'", "a table, with type"]),
    "no type": (HEAD + WORLD + "[[policies]]\n\nalpha = 1\n", 4, ["policies[0].type is missing", "name of a policy"]),
    "unknown type": (
        HEAD + WORLD + "[[policies]]\nalpha = 1\ntype = 'ucb1'\n",
        6,
        ["policies[0].type is 'ucb1'", "allowed: ", "'BayesUCB'", "did you mean 'UCB1'?"],
    ),
    "type of one's own": (
        HEAD + WORLD + "[[policies]]\ntype = 'MED'\n",
        5,
        ["policies[0].type is 'MED' (classes of your own are for Python, not for files); allowed: ", "'IMED'"],
    ),
    "type in a module of one's own": (
        HEAD + WORLD + "[[policies]]\ntype = 't1.MED'\n",
        5,
        ["'t1.MED', and there is no family 't1' (classes of your own are for Python, not for files); allowed: 'arms'"],
    ),
    "number type": (HEAD + "[environment]\ntype = 3\n", 4, ["environment.type is 3", "'Bernoulli'"]),
    "policy for environment": (
        HEAD + "[environment]\ntype = 'UCB1'\n",
        4,
        ["environment.type is 'UCB1'", "'Bernoulli'"],
    ),
    "unknown family": (
        HEAD + "[environment]\ntype = 'arm.Beta'\n",
        4,
        ["'arm.Beta'", "allowed: 'arms'", "mean 'arms'?"],
    ),
    "unknown field": (
        HEAD + WORLD + "[[policies]]\ntype = 'Uniform'\n\n[[policies]]\ntype = 'UCB1'\nalhpa = 1.5\n",
        9,
        [
            "policies[1].alhpa is 1.5",
            "no such key in UCB1",
            "allowed: 'type', 'label', 'alpha'",
            "did you mean 'alpha'?",
        ],
    ),
    "bad field": (
        HEAD + WORLD + "[[policies]]\ntype = 'Uniform'\n\n[[policies]]\ntype = 'UCB1'\n# here\nalpha = -1\n",
        10,
        ["UCB1.alpha is -1", "allowed: a number in (0, inf)"],
    ),
    "bad type of field": (
        HEAD + WORLD + "policies = [{type = 'UCB1', alpha = 'x'}]\n",
        4,
        ["UCB1.alpha is 'x'", "real number"],
    ),
    "missing field": (
        HEAD + "\n[environment]\ntype = 'Bernoulli'\n",
        4,
        ["environment.means is missing", "probability"],
    ),
    "bad element": (
        HEAD + "[environment]\ntype = 'Bernoulli'\nmeans = [\n  0.5,\n\n  1.5,\n]\n",
        8,
        ["Bernoulli.means[1] is 1.5", "numbers in [0, 1]"],
    ),
    "bad row": (
        HEAD + "[environment]\ntype = 'Categorical'\nvalues = [0, 1]\nprobabilities = [\n [0.5, 0.5],\n [0.5, 0.4]]\n",
        8,
        ["Categorical.probabilities[1] sums to 0.9"],
    ),
    "nan": (HEAD + "[environment]\ntype = 'Gaussian'\nmeans = [nan]\n", 5, ["Gaussian.means[0] is nan", "finite"]),
    "fields that differ": (HEAD + "[environment]\ntype = 'Beta'\na = [1]\nb = [1, 2]\n", 3, ["a has 1, b has 2"]),
    "distributions": (
        HEAD + "[environment]\ntype = 'FromScipy'\ndistributions = ['norm']\n",
        5,
        ["distributions[0] is 'norm'", "scipy"],
    ),
    "a law that SciPy has not": (
        HEAD + "[environment]\ntype = 'FromScipy'\ndistributions = [\n{ type = 'norm' },\n{ type = 'lognrm' }]\n",
        7,
        ["environment.distributions[1].type is 'lognrm'", "in scipy.stats", "did you mean 'lognorm'?"],
    ),
    "a law without a name": (
        HEAD + "[environment]\ntype = 'FromScipy'\ndistributions = [{ s = 0.5 }]\n",
        5,
        ["environment.distributions[0].type is missing", "'lognorm'"],
    ),
    "a law's parameter": (
        HEAD + "[environment]\ntype = 'FromScipy'\ndistributions = [{ type = 'poisson', mu = 1.0, scale = 2.0 }]\n",
        5,
        ["distributions[0].scale is 2.0, but there is no such key in scipy.stats.poisson", "'type', 'mu', 'loc'"],
    ),
    "a law that lacks a parameter": (
        HEAD + "[environment]\ntype = 'FromScipy'\ndistributions = [{ type = 'lognorm' }]\n",
        5,
        ["distributions[0].s is missing", "a number"],
    ),
    "a law's parameter that is no number": (
        HEAD + "[environment]\ntype = 'FromScipy'\ndistributions = [{ type = 'lognorm', s = 'a' }]\n",
        5,
        ["s is 'a'", "a real number"],
    ),
    "a law that its parameters do not fit": (
        HEAD + "[environment]\ntype = 'FromScipy'\ndistributions = [{ type = 'lognorm', s = -1 }]\n",
        5,
        ["distributions[0].mean() is nan"],
    ),
    "nested": (
        HEAD + "[environment]\ntype = 'PiecewiseStationary'\nchange_points = [6]\n"
        "[[environment.environments]]\ntype = 'Bernoulli'\nmeans = [0.5]\n"
        "[[environment.environments]]\ntype = 'Bernoulli'\nmeans = [0.5, 2.0]\n",
        11,
        ["Bernoulli.means[1] is 2.0"],
    ),
    "nested kind": (
        HEAD
        + "[environment]\ntype = 'PiecewiseStationary'\nchange_points = []\nenvironments = [\n{ type = 'UCB1' }]\n",
        7,
        ["environment.environments[0].type is 'UCB1'", "'Bernoulli'"],
    ),
    "nested without a type": (
        HEAD + CLICKS + "[environment.utility]\nkind = 'QuadraticUtility'\n",
        7,
        ["environment.utility.type is missing; allowed: the name of a utility"],
    ),
    "nested of an unknown type": (
        HEAD + "[environment]\ntype = 'semibandits.SemiBandit'\nitems = { type = 'Bernoulli', means = [0.2, 0.8] }\n"
        "actions = { type = 'MSet', m = 1 }\n",
        6,
        [
            "environment.actions.type is 'MSet' (classes of your own are for Python, not for files); allowed: "
            "'Explicit', 'Knapsack', 'LinearSet', 'MSets', 'Matchings', 'Paths', 'SafeUpToM', 'SpanningTrees', 'UpToM'",
            "; did you mean 'MSets'?",
        ],
    ),
    "nested of another family": (
        HEAD + "[environment]\ntype = 'semibandits.SemiBandit'\nitems = { type = 'KMax' }\n",
        5,
        ["environment.items.type is 'KMax'", "'Bernoulli'"],
    ),
    "nested where nothing can be": (
        HEAD + CLICKS.replace("[0.6, 0.5]", "{ type = 'Bernoulli', means = [0.6, 0.5] }"),
        5,
        ["environment.post_click_means is {'type': 'Bernoulli', 'means': [0.6, 0.5]}; allowed: no table here, but "],
    ),
    "a rule": (
        HEAD + SCORING + "[[policies]]\ntype = 'FixedRule'\nrule = { type = 'Brier' }\n",
        11,
        ["policies[0].rule is {'type': 'Brier'}; allowed: no table here, but payments, a row per belief and a column"],
    ),
    "nested field": (
        HEAD + WORLD.replace("means", "mean"),
        3,
        ["environment.mean is [0.2, 0.8]", "did you mean 'means'?"],
    ),
    "same label": (
        HEAD + WORLD + "[[policies]]\ntype = 'UCB1'\n[[policies]]\ntype = 'UCB1'\n",
        7,
        ["policies[1]", "'UCB1'", "line 4", "label"],
    ),
    "same given label": (
        HEAD + WORLD + "[[policies]]\ntype = 'UCB1'\n[[policies]]\ntype = 'IMED'\nlabel = 'UCB1'\n",
        8,
        ["policies[1]", "line 4"],
    ),
    "label": (
        HEAD + WORLD + "[[policies]]\ntype = 'UCB1'\nlabel = ''\n",
        6,
        ["policies[0].label is ''", "allowed: a printable text"],
    ),
    "short horizon": (
        "n_runs = 1\nhorizon = 1\n" + WORLD + PLAYER,
        2,
        ["horizon is 1", "at least 2, the number of arms"],
    ),
    "short table": (
        HEAD + PLAYER + "environment = { type = 'Adversarial', losses = [[0, 1]] }\n",
        1,
        ["horizon is 100", "at most 1"],
    ),
    "incompatible": (
        HEAD
        + "policies = [{ type = 'UCB1' },\n{ type = 'ThompsonSampling' }]\n"
        + "[environment]\ntype = 'Gaussian'\nmeans = [0]\n",
        4,
        ["ThompsonSampling cannot play Gaussian([0]) of line 5", "0 or 1"],
    ),
    "output name": (
        HEAD + WORLD + PLAYER + "[outputs]\nplot = 'a.gif'\n",
        6,
        ["outputs.plot is 'a.gif'", ".png or .pdf or .svg"],
    ),
    "output type": (HEAD + WORLD + PLAYER + "[outputs]\nresults = true\n", 6, ["outputs.results is True", ".parquet"]),
    "outputs": (HEAD + WORLD + PLAYER + "outputs = 'here'\n", 5, ["outputs is 'here'", "[outputs]"]),
    "dataset": (
        HEAD + "[environment]\ntype = 'Empirical'\ndataset = 'open_bandit'\n",
        5,
        ["environment.dataset is 'open_bandit'", "'open_bandit_women'", "did you mean 'open_bandit_"],
    ),
    "dataset and values": (
        HEAD + "[environment]\ntype = 'Empirical'\ndataset = 'open_bandit_men'\nvalues = [[1]]\n",
        6,
        ["environment.values is [[1]]", "allowed: nothing"],
    ),
    "dataset elsewhere": (
        HEAD + "[environment]\ntype = 'Beta'\ndataset = 'x'\n",
        5,
        ["environment.dataset is 'x'", "no such key"],
    ),
    "label of two lines": (
        HEAD + WORLD + "[[policies]]\ntype = 'UCB1'\nlabel = 'a\\u0007'\n".replace("'", '"'),
        6,
        ["policies[0].label is 'a\\x07'", "allowed: a printable text"],
    ),
    "key without a name": (HEAD + '"" = 1\n', 3, ["'' is 1, but there is no such key"]),
    "key with a dot": (HEAD + WORLD + "[[policies]]\ntype = 'UCB1'\n'a.b' = 1\n", 6, ["policies[0].'a.b' is 1"]),
    "more digits than int reads": (HEAD + "\nseed = " + "9" * 5000 + "\n", 4, ["not TOML: an integer has more digits"]),
    "truth among numbers": (
        HEAD + "[environment]\ntype = 'Bernoulli'\nmeans = [0.2, true]\n",
        5,
        ["Bernoulli.means is [0.2, True]; allowed: a flat sequence of numbers"],
    ),
    "truth among rounds": (
        HEAD + WORLD + PLAYER + "checkpoints = [true, 50]\n",
        5,
        ["checkpoints is [True, 50]; allowed: whole numbers"],
    ),
    "set for its items": (
        HEAD + "[environment]\ntype = 'semibandits.SemiBandit'\n[environment.items]\ntype = 'Bernoulli'\n"
        "means = [0.1, 0.2]\n[environment.actions]\ntype = 'MSets'\nm = 3\n",
        10,
        ["MSets.m is 3; allowed: at most the number of items, which is 2"],
    ),
    "horizon of derived parameters": (
        HEAD.replace("100", "3")
        + "[environment]\ntype = 'dueling.PreferenceMatrix'\npreferences = [[0.5, 0.6], [0.4, 0.5]]\n"
        + "[[policies]]\ntype = 'DETECT'\nbase = { type = 'WinnerStaysWeak' }\npmin = 0.6\ndelta = 0.1\n",
        6,
        ["horizon is 3; allowed: more for the rule 'sqrt'"],
    ),
    "metric of a level that a policy lacks": (
        HEAD + "[environment]\ntype = 'cvar.TabularMDP'\nhorizon = 1\ntransitions = [[[1.0], [1.0]]]\n"
        "rewards = [[0.0, 0.5]]\n[[policies]]\ntype = 'UCBVI'\n",
        1,
        ["metrics is 'cvar_regret'; allowed: 'cvar_regret[0.1]'"],
    ),
    "counts with a null": (
        HEAD + "[environment]\ntype = 'Empirical'\ncounts = \"a\\u0000\"\n",
        5,
        ["counts is 'a\\x00'", "no null characters"],
    ),
    "counts with a line break": (
        HEAD + "[environment]\ntype = 'Empirical'\ncounts = \"a\\nb\"\n",
        5,
        ["counts is 'a\\nb'", "No such file", "a\\nb'"],
    ),
    "no counts file": (
        HEAD + "[environment]\ntype = 'Empirical'\ncounts = 'no.csv'\n",
        5,
        ["counts is 'no.csv'", "No such file"],
    ),
}


PARTS = {
    "clicks.utility": clicks.QuadraticUtility(),
    "semibandits.action_set": semibandits.MSets(1),
    "semibandits.offline_algorithm": semibandits.Greedy(),
    "dueling.link": dueling.Logistic(),
    "dueling.arm_set": dueling.UniformArms(2, 2),
    "dueling.policy": dueling.RUCB(),
    "arms.environment": arms.Bernoulli([0.2, 0.8]),
}


def accepts(check, value):
    try:
        check("name", value)
    except BanditlabError:
        return False
    return True


@pytest.mark.parametrize("part", PARTS)
def test_fields_that_take_a_component_say_of_which_kind(part):
    classes = [cls for family in families() for kind in kinds(family) for cls in registered(family, kind).values()]
    said, taken = set(), set()
    for cls in classes:
        for field in dataclasses.fields(cls):
            check, kind = field.metadata["check"], field.metadata["kind"]
            if (kind if "." in kind else f"{cls.family.name}.{kind}") == part:
                said.add((cls.__name__, field.name))
            if check is not None and (accepts(check, PARTS[part]) or accepts(check, [PARTS[part]])):
                taken.add((cls.__name__, field.name))
    meta = {("DETECT", "base")} if part == "dueling.policy" else set()  # it takes only some
    assert said - meta == taken - meta != set()


@pytest.mark.parametrize("case", WRONG)
def test_errors_name_line_key_value_and_what_is_allowed(tmp_path, case):
    text, line, words = WRONG[case]
    found, told = message(tmp_path, text)
    for word in words:
        assert word in told
    assert found == line, told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("impressions,click\n1,1\n", ["the columns are 'impressions', 'click'", "'clicks'"]),
        ("", ["the columns are ", "'clicks'"]),
        ("impressions,clicks\n10,1\n10,many\n", ["line 3: clicks is 'many'", "a whole number"]),
        ("impressions,clicks\n10\n", ["line 2: clicks is None"]),
        ("impressions,clicks\n10,1\n10,11\n", ["clicks[1] is 11", "from 0 to its impressions, 10"]),
        ("impressions,clicks\n10,0.5\n", ["clicks[0] is 0.5", "a whole number"]),
        ("impressions,clicks\n", ["impressions is "]),
    ],
)
def test_errors_in_a_file_of_counts_name_both_files(tmp_path, content, words):
    write(tmp_path, content, "c.csv")
    text = HEAD + PLAYER + "[environment]\ntype = 'Empirical'\n\ncounts = 'c.csv'\n"
    line, told = message(tmp_path, text)
    assert line == 7
    assert told.startswith("environment.counts is 'c.csv'; in that file, ")
    for word in words:
        assert word in told


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "e.toml").write_text(GOOD, encoding="utf-8-sig")
    assert list(config.read(tmp_path / "e.toml").policies) == ["UCB1(alpha=0.5)", "KL"]


def test_a_file_that_is_not_there_or_not_text(tmp_path):
    with pytest.raises(ConfigError, match=r"no\.toml: cannot be read .*; allowed: a TOML file"):
        config.read(tmp_path / "no.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        config.read(tmp_path)
    file = tmp_path / "e.toml"
    file.write_bytes(b"horizon = 1\n# caf\xe9\n")
    with pytest.raises(ConfigError, match=r"line 2: a byte is 0xe9; allowed: UTF-8"):
        config.read(file)
    file.write_bytes(b"a = " + b"[" * 100_000)
    with pytest.raises(ConfigError, match="line 1: "):
        config.read(file)


# ---------------------------------------------------------------------------------------------- scanner

DOCUMENT = '''\
# a comment = 1
"quoted key" = "a # b \\" ]"   # c
a.b . "c.d" = 1
text = """
x = 1
[not a table] \\""" still
"""
quotes = """"in quotes""""
literal = \'\'\'
[[nor this]]
\'\'\'
list = [ # one
  [1, 2], "]",
  { x = 1, y = [
    2 ] },   # {
]
date = 1979-05-27 07:32:00

[table]
key = true
[ table . "sub table" ]
key = 'C:\\'
[[rows]]
x = 1
[[rows.cells]]
y = 1
[[rows.cells]]
y = 2
[rows.last]
z = 3
[[rows]]
x = 2
  [[rows.cells]]
  y = 3
'''


def test_lines_of_keys():
    expected = {
        ("quoted key",): 2,
        ("a",): 3,
        ("a", "b", "c.d"): 3,
        ("text",): 4,
        ("quotes",): 8,
        ("literal",): 9,
        ("list",): 12,
        ("list", 0, 1): 13,
        ("list", 1): 13,
        ("list", 2, "x"): 14,
        ("list", 2, "y", 0): 15,
        ("date",): 17,
        ("table",): 19,
        ("table", "key"): 20,
        ("table", "sub table"): 21,
        ("table", "sub table", "key"): 22,
        ("rows", 0): 23,
        ("rows", 0, "x"): 24,
        ("rows", 0, "cells", 0, "y"): 26,
        ("rows", 0, "cells", 1, "y"): 28,
        ("rows", 0, "last", "z"): 30,
        ("rows", 1): 31,
        ("rows", 1, "cells", 0): 33,
        ("rows", 1, "cells", 0, "y"): 34,
        ("rows", 1, "absent", 5): 31,
        ("absent",): 1,
    }
    for document in (DOCUMENT, DOCUMENT.replace("\n", "\r\n")):
        lines = Lines(document)
        assert {key: lines(key) for key in expected} == expected


def test_only_policies_that_can_play_are_suggested(tmp_path):
    _, on_arms = message(tmp_path, HEAD + WORLD + "[[policies]]\ntype = 'CVaRUCBV'\n")
    assert "did you mean 'CVaRUCB'?" in on_arms
    assert "'UCB1'" in on_arms
    assert "UCBVI" not in on_arms
    mdp = HEAD + "[environment]\ntype = 'cvar.TabularMDP'\ntransitions = [[[1.0]]]\nrewards = [[0.5]]\nhorizon = 2\n"
    _, on_mdp = message(tmp_path, mdp + "[[policies]]\ntype = 'CVaRUCBV'\n")
    assert "did you mean 'CVaRUCBVI'?" in on_mdp
    assert "'CVaRUCB'" not in on_mdp
    _, other = message(tmp_path, HEAD + WORLD + "[[policies]]\ntype = 'cvar.MaxWP'\n")
    assert "it plays MDPs, not environments of arms; allowed: policies for environments of arms, such as cvar." in other


def test_families_that_record_different_things_need_metrics(tmp_path):
    players = "policies = [{type = 'UCB1'}, {type = 'cvar.BCVTS'}]\n"
    _, told = message(tmp_path, HEAD + players + WORLD)
    assert "metrics is None, and by default UCB1 records 'regret', BCVTS records 'cvar_regret'; allowed:" in told
    experiment = read(tmp_path, HEAD + "metrics = 'cvar_regret[ .10 ]'\n" + players + WORLD)
    assert experiment.metrics == ("cvar_regret[0.1]",)
