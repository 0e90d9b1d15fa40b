"""What is not allowed is refused where it comes in, with an error that names the argument, whatever it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms, config, cvar, dueling, inference, plotting, scoring, semibandits
from banditlab.core.errors import BanditlabError, InvalidArgument, InvalidType, ResultsFileError, StoreError

ENVIRONMENT = arms.Bernoulli([0.2, 0.5])
SMALL = {"n_runs": 10, "seed": 0, "backend": "python", "progress": False}
SCALAR, CUBE = np.array(0.3), np.zeros((2, 2, 2))  # an array without axes, and one whose truth nobody knows


@pytest.fixture(scope="module")
def result():
    return bl.run(ENVIRONMENT, [arms.UCB1(), arms.Uniform()], horizon=20, **SMALL)


@pytest.fixture(scope="module")
def swept():
    return bl.sweep(lambda gap: arms.Bernoulli([0.5, 0.5 - gap]), arms.UCB1(), {"gap": [0.1, 0.2]}, horizon=20, **SMALL)


def refused(name, call):
    """Check that a call raises one of the package's errors, whose message names an argument and what is allowed."""
    with pytest.raises(BanditlabError) as found:
        call()
    assert name in str(found.value)
    assert "; allowed: " in str(found.value)


@pytest.mark.parametrize("value", [True, b"regret", CUBE, ["regret"]], ids=["bool", "bytes", "array", "list"])
def test_names_of_metrics_and_environments(result, swept, value):
    summaries = () if isinstance(value, list) else (result.summary, swept.summary)  # which take several
    for call in (result.values, result.statistics, result.plot, *summaries, inference.paired_family):
        first = (result,) if call is inference.paired_family else ()
        refused("metric is", lambda call=call, first=first: call(*first, metric=value))
    for call in (result.values, result.statistics, result.plot, result.lower_bound, result.seconds):
        refused("environment is", lambda call=call: call(environment=value))


@pytest.mark.parametrize(
    "options",
    [{"title": 3}, {"title": CUBE}, {"lower_bound": "yes"}, {"n_resamples": 2**70}, {"n_resamples": "many"}],
    ids=lambda options: next(iter(options)),
)
def test_options_of_plots(result, options):
    refused(next(iter(options)), lambda: result.plot(**options))


def test_options_of_plots_count_without_runs_too():
    few = bl.run(ENVIRONMENT, arms.UCB1(), horizon=20, keep="summary", **SMALL)
    refused("n_resamples", lambda: few.plot(n_resamples=0))


@pytest.mark.parametrize(
    "options", [{"title": 3}, {"slope": CUBE}, {"where": True}, {"y": "alpha"}], ids=lambda options: next(iter(options))
)
def test_options_of_plots_of_sweeps(swept, options):
    refused(next(iter(options)), lambda: swept.plot("gap", **options))


def test_what_is_drawn(result, swept):
    refused("x is", lambda: swept.plot(None))
    refused("what banditlab.run returns", lambda: plotting.plot_metric(swept))
    refused("what banditlab.sweep returns", lambda: plotting.plot_sweep(result, "gap"))
    refused("what banditlab.inference.performance_profile returns", lambda: plotting.plot_profiles(result))
    refused("what banditlab.inference.paired returns", lambda: plotting.plot_paired(result))
    refused("what banditlab.compare returns", lambda: plotting.plot_comparison(result))
    refused("ax is 3; allowed: matplotlib Axes", lambda: result.plot(ax=3))
    refused("ax is 3; allowed: matplotlib Axes", lambda: swept.plot("gap", ax=3))
    refused("policy is 'UCB1'; allowed: only with y", lambda: swept.plot("gap", policy="UCB1"))
    refused("width", lambda: plotting.new_axes(-1.0))
    refused("height", lambda: plotting.new_axes(height="tall"))
    refused("states", lambda: scoring.plot_rule(scoring.Brier(), states=True))


@pytest.mark.parametrize("value", [None, b"file", "", 3, "a\0b"], ids=repr)
def test_paths(result, value):
    refused("path is", lambda: result.save(value))
    refused("path is", lambda: bl.load(value))
    refused("path is", lambda: config.read(value))
    if value is not None:
        with pytest.raises(StoreError, match=r"store is .*; allowed: the path of a folder, or a Store"):
            bl.Store(value)


def test_names_of_files_that_are_too_long():
    with pytest.raises(ResultsFileError, match=r"path is .*File name too long"):
        bl.load("x" * 300)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("change_points", lambda: arms.PiecewiseStationary([ENVIRONMENT, ENVIRONMENT], SCALAR)),
        ("Explicit.actions", lambda: semibandits.Explicit(SCALAR)),
        ("Explicit.actions[0]", lambda: semibandits.Explicit([SCALAR])),
        ("Paths.edges", lambda: semibandits.Paths(SCALAR, "s", "t")),
        ("SpanningTrees.edges[0]", lambda: semibandits.SpanningTrees([SCALAR])),
        ("Influence.edges", lambda: semibandits.Influence(SCALAR, semibandits.MSets(1))),
        ("LinearSet.upper", lambda: semibandits.LinearSet([[1, 1]], upper=np.array(["2020-01-01"], dtype="M8[D]"))),
        ("LinearSet.upper", lambda: semibandits.LinearSet([[1, 1]], upper=["1"])),
        ("action is", lambda: semibandits.SemiBandit(ENVIRONMENT, semibandits.MSets(1)).value(SCALAR)),
        ("rewards is", lambda: arms.Empirical.from_rewards(None)),
        ("CRPS.values", lambda: scoring.CRPS([[0.1, 0.2], [0.3]])),
        ("CRPS.values", lambda: scoring.CRPS(2**70)),
        ("VShaped.prior", lambda: scoring.VShaped([[0.1, 0.2], [0.3]])),
        ("n_states", lambda: scoring.ScoringRule(np.sum, np.abs, 10**18)),
        ("steps", lambda: scoring.simplex_grid(10, 1000)),
        ("n_arms", lambda: cvar.theory.hard_instance(0.1, 0.05, n_arms=10**18)),
        ("Support.low", lambda: arms.Support(None, 1.0)),
        ("Support.high", lambda: arms.Support(0.0, float("nan"))),
        ("Support.low", lambda: arms.Support(1.0, 0.0)),
        ("Support.binary", lambda: arms.Support(0.0, 1.0, "yes")),
    ],
)
def test_components(name, call):
    refused(name, call)


def test_an_action_without_axes_is_in_no_set():
    assert not semibandits.MSets(1).contains(SCALAR)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("n_arms", lambda: bl.start(arms.UCB1(), 2**70)),
        ("run is", lambda: bl.start(arms.UCB1(), 2, run=2**70)),
        ("horizon is None", lambda: bl.start(dueling.VACDB(), 3)),
        ("horizon is None", lambda: bl.start(dueling.StaD(), 3)),
        ("over has the parameter 3", lambda: bl.sweep(ENVIRONMENT, arms.UCB1(), {3: [1]}, n_runs=1)),
        ("environment is", lambda: bl.sweep(int, arms.UCB1(), {"horizon": [9]}, n_runs=1)),
        ("dry_run", lambda: bl.sweep(ENVIRONMENT, arms.UCB1(), {"horizon": [9]}, n_runs=1, dry_run="yes")),
        ("or a list of rounds", lambda: bl.run(ENVIRONMENT, arms.UCB1(), horizon=9, n_runs=1, checkpoints={1, 2})),
    ],
)
def test_experiments_and_agents(name, call):
    refused(name, call)


def test_states_of_agents():
    agent = bl.start(arms.UCB1(), 2)
    for key in ("policy", "n_arms", "horizon"):
        with pytest.raises(InvalidArgument, match=rf"state\['{key}'\] is .*; allowed: "):
            agent.state = agent.state | {key: CUBE}


def test_bands():
    for band, values in ((inference.mean_band, np.ones((9, 2))), (inference.stratified_band, np.ones((2, 9, 2)))):
        for options in ({"seed": -1}, {"seed": "a"}, {"n_resamples": 2**70}, {"level": 2}):
            refused(next(iter(options)), lambda band=band, values=values, options=options: band(values, **options))
        for bad in (None, "abc", [[1.0], [1.0, 2.0]], 1j):
            refused("values", lambda band=band, bad=bad: band(bad))
        assert np.array_equal(band(values, n_resamples=20.0), np.ones((2, 2)))  # 20.0 is whole
    assert np.isnan(inference.mean_band([[1.0, np.nan], [1.0, np.nan]])[0][1])  # where a metric is undefined


def test_decisions(result):
    found = bl.compare(
        [arms.UCB1(), arms.Uniform()], ENVIRONMENT, horizon=9, group=3, max_groups=2, n_permutations=100, seed=0,
        backend="python",
    )  # fmt: skip
    refused("environment is", lambda: found.ranking(CUBE))
    refused("environment is", lambda: found.better(7))
    refused("against is", lambda: inference.paired_family(result, against=CUBE))


def test_errors_are_of_two_kinds(result):
    with pytest.raises(InvalidType):
        result.values(metric=3)
    with pytest.raises(InvalidArgument):
        result.values(metric="reward")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is Linux's")
def test_output_that_nobody_takes():
    command = f"{sys.executable} -m banditlab list"
    full = subprocess.run(f"{command} > /dev/full", shell=True, stderr=subprocess.PIPE, text=True, env=os.environ)
    assert (full.returncode, full.stderr.count("\n")) == (1, 1)
    assert "the output cannot be written" in full.stderr
    closed = subprocess.run(f"{command} >&-", shell=True, stderr=subprocess.PIPE, text=True, env=os.environ)
    assert closed.stderr == ""


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: arms.UCB1(10**400), InvalidArgument, "UCB1.alpha is 1000.*allowed: a finite number"),
        (lambda: arms.UCB1(1e300), InvalidArgument, "UCB1.alpha"),
        (lambda: arms.Bernoulli(np.ma.array([0.1, 0.5], mask=[0, 1])), InvalidArgument, "allowed: no masked entries"),
        (lambda: arms.Gaussian([1.7e308, 0]), InvalidArgument, r"Gaussian.means\[0\]"),
        (lambda: arms.Gaussian([0, 1], std=[[1], [1, 2]]), InvalidArgument, "different lengths"),
        (lambda: arms.SlidingWindowUCB(10**30), InvalidArgument, "SlidingWindowUCB.window"),
        (lambda: arms.TruncatedGaussian([0.5], std=1e300), InvalidArgument, "TruncatedGaussian.std"),
        (lambda: arms.Beta([5e-324], [1.0]), InvalidArgument, r"Beta.a\[0\]"),
        (lambda: bl.run(ENVIRONMENT, {1: arms.UCB1()}, horizon=9, n_runs=1), InvalidType, "policies has the label 1"),
        (lambda: bl.run(ENVIRONMENT, arms.UCB1, horizon=9, n_runs=1), InvalidType, r"an instance, UCB1\(...\)"),
        (lambda: bl.run(ENVIRONMENT, arms.UCB1(), horizon=2**60, n_runs=1), InvalidArgument, "horizon is"),
        (lambda: bl.run(ENVIRONMENT, arms.UCB1(), horizon=9, n_runs=10**13), InvalidArgument, "n_runs is"),
        (lambda: bl.run(ENVIRONMENT, arms.UCB1(), horizon=9, n_runs=1, metrics=5), InvalidType, "metrics is 5"),
    ],
)
def test_extreme_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
