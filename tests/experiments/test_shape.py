"""Every experiment, from end to end at a size that shows that it runs; nothing can be concluded from that."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms, clicks
from banditlab.errors import InvalidArgument
from experiments import common, reproduction
from experiments.reproduction import Experiment, experiments
from experiments.verdicts import (
    FAILS,
    HOLDS,
    NO_ORDER,
    OUTCOMES,
    UNDECIDED,
    UNTESTABLE,
    Verdict,
    above,
    at_least,
    at_most,
    because,
    below,
    load,
    store,
    within,
)

NAMES = sorted(experiments())


@pytest.fixture(scope="module", params=NAMES)
def played(request, tmp_path_factory):
    """Return an experiment, where it was played at the tiny size, and its verdicts."""
    experiment = Experiment(request.param)
    folder = tmp_path_factory.mktemp(experiment.name)
    with pytest.MonkeyPatch.context() as patch:
        play = bl.run  # the numbers are the same in plain Python, and nothing has to be compiled
        patch.setattr(bl, "run", lambda *a, **k: play(*a, **k, backend="python"))
        return experiment, folder, experiment.reproduce("tiny", folder, 1)


@pytest.fixture
def nothing_is_simulated(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("something was simulated")

    monkeypatch.setattr(bl, "run", refuse)
    monkeypatch.setattr(clicks, "dynamics", refuse)
    monkeypatch.setattr(clicks, "equilibrium", refuse)


@pytest.fixture
def nothing_is_written_of_figures(monkeypatch):
    """Let figures be made, but not be rendered: that takes longer than all else where results are stored."""
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda *arguments, **options: None)


def test_is_configured_for_all_sizes(played):
    experiment, _, _ = played
    assert {"full", "quick", "tiny"} <= set(experiment.config["sizes"])
    assert experiment.seconds("full") > experiment.seconds("quick") > 0
    assert experiment.summary.endswith(".")


def test_verdicts_are_whole(played):
    _, folder, found = played
    assert found
    assert len({v.claim for v in found}) == len(found)
    for v in found:
        assert v.outcome in OUTCOMES
        assert v.source
        assert v.theory
        # all runs may be alike, but for rounding; where nothing grows there is no slope
        assert v.low - 1e-9 <= v.measured <= v.high + 1e-9 or math.isnan(v.measured)
    assert str(load(folder / reproduction.VERDICTS)) == str(found)  # as text: NaN is not itself


def test_draws_for_paper_and_screen(played):
    _, folder, _ = played
    drawn = sorted(folder.glob("*.png"))
    assert drawn
    for png in drawn:
        assert png.stat().st_size > 10_000
        pdf = png.with_suffix(".pdf").read_bytes()
        assert pdf.startswith(b"%PDF")
        assert b"/Type3" not in pdf  # fonts that some publishers refuse


@pytest.mark.usefixtures("nothing_is_written_of_figures")
def test_what_is_stored_is_not_simulated_again(played, nothing_is_simulated):
    experiment, folder, found = played
    stored = {file: file.stat().st_mtime_ns for file in folder.glob("*.parquet")}
    assert stored
    first = (folder / reproduction.VERDICTS).read_bytes()
    assert str(experiment.reproduce("tiny", folder, 1)) == str(found)
    assert (folder / reproduction.VERDICTS).read_bytes() == first
    assert {file: file.stat().st_mtime_ns for file in folder.glob("*.parquet")} == stored
    assert not (folder / common.STORE).exists()


@pytest.mark.parametrize("name", NAMES)
def test_what_the_documentation_shows_is_recorded(name):
    recorded = Experiment(name).recorded()
    assert recorded is not None, f"banditlab reproduce {name} --quick --record"
    assert recorded.size in ("full", "quick")
    assert recorded.verdicts
    assert {v.outcome for v in recorded.verdicts} <= set(OUTCOMES)
    assert all((reproduction.RECORDED / figure).exists() for figure in recorded.figures)


@pytest.mark.parametrize("table", sorted(reproduction.RECORDED.glob("*.json")), ids=lambda table: table.stem)
def test_what_is_recorded_was_made_with_the_present_configuration(table):
    name, size = table.stem.split(".")
    assert json.loads(table.read_text())["made_with"] == Experiment(name).made_with(size), f"reproduce {name} --record"


# ------------------------------------------------------------------------------ one experiment stands for all


@pytest.fixture
def small(monkeypatch):
    play = bl.run
    monkeypatch.setattr(bl, "run", lambda *a, **k: play(*a, **k, backend="python"))
    return Experiment("semibandits_kmax")


@pytest.mark.usefixtures("nothing_is_written_of_figures")
def test_an_interrupted_simulation_goes_on_where_it_stopped(small, tmp_path, monkeypatch, capsys):
    play, calls = bl.run, []

    def interrupted(*arguments, **options):
        calls.append(options)
        if len(calls) == 2:  # as runs do that are interrupted after some of them have finished
            return play(*arguments, **options | {"n_runs": 1})
        return play(*arguments, **options)

    monkeypatch.setattr(bl, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        small.reproduce("tiny", tmp_path / "a", 1)
    assert len(list((tmp_path / "a").glob("*.parquet"))) == 1
    assert len(bl.Store(tmp_path / "a" / common.STORE).cells()) == 6
    assert not small.is_complete(tmp_path / "a")
    monkeypatch.setattr(bl, "run", play)
    capsys.readouterr()
    found = small.reproduce("tiny", tmp_path / "a", 1)
    assert capsys.readouterr().out.split() == ["risky", "very_risky"]
    assert small.is_complete(tmp_path / "a")
    assert found == small.reproduce("tiny", tmp_path / "b", 1)


def test_random_instances_have_luck_of_their_own(tmp_path):
    """Else the mean over a thousand of them has the luck of one run, and the interval of a thousand."""
    world, pair = arms.Bernoulli([0.2, 0.6]), {"one": arms.ThompsonSampling(), "two": arms.Uniform()}
    options = {"horizon": 40, "seed": 7, "checkpoints": [20, 40], "metrics": "regret", "n_jobs": 1, "backend": "python"}
    common.play_instances(tmp_path / "a", [world] * 9, pair, n_runs=2, **options)
    found = common.OverInstances(tmp_path / "a", 2)
    together = bl.run(world, pair, n_runs=18, **options).values()
    assert found.policies == ("one", "two")
    assert found.checkpoints.tolist() == [20, 40]
    np.testing.assert_array_equal(found.values("regret"), together.reshape(2, 9, 2, 2).mean(axis=2))
    assert len(np.unique(found.values("regret")[0, :, -1])) > 5


@pytest.mark.usefixtures("nothing_is_written_of_figures")
def test_results_of_another_configuration_are_refused_unless_forced(small, tmp_path, monkeypatch):
    small.reproduce("tiny", tmp_path / "a", 1)
    config = small.config
    config["seed"] += 1
    monkeypatch.setattr(Experiment, "config", config)
    with pytest.raises(InvalidArgument, match=r"another config.toml \(seed\); allowed: a new folder, or --force"):
        small.reproduce("tiny", tmp_path / "a", 1)
    first = (tmp_path / "a" / "risky.parquet").stat().st_mtime_ns
    small.reproduce("tiny", tmp_path / "a", 1, force=True)
    assert (tmp_path / "a" / "risky.parquet").stat().st_mtime_ns > first


def test_force_removes_nothing_but_results(small, tmp_path):
    (tmp_path / "thesis.txt").write_text("years")
    for force in (False, True):
        with pytest.raises(InvalidArgument, match="which holds other files"):
            small.reproduce("tiny", tmp_path, 1, force=force)
    assert (tmp_path / "thesis.txt").read_text() == "years"


def test_full_size_is_shown_before_quick_size(small, tmp_path, monkeypatch):
    monkeypatch.setattr(reproduction, "RECORDED", tmp_path / "docs")
    assert small.recorded() is None
    found = small.reproduce("tiny", tmp_path / "a", 1)
    for size in ("quick", "full"):
        files = small.record("tiny", tmp_path / "a")
        assert [file.name for file in files] == ["semibandits_kmax.tiny.json", "semibandits_kmax.tiny.figure.png"]
        files[0].rename(tmp_path / "docs" / f"semibandits_kmax.{size}.json")
        assert small.recorded().size == size
    assert small.recorded().verdicts == found


def test_what_has_no_number_survives_storing(tmp_path):
    nan = float("nan")
    store([Verdict("a, b", "c", "< 0", nan, nan, nan, 'does not hold: why, "then"')], tmp_path / "v.csv")
    (row,) = load(tmp_path / "v.csv")
    assert math.isnan(row.measured)
    assert (row.outcome, row.reason) == ("does not hold", 'why, "then"')
    assert row.claim == "a, b"


@pytest.mark.parametrize(
    ("judge", "outcomes"),
    [
        (below, (HOLDS, UNDECIDED, FAILS)),
        (at_most, (HOLDS, UNDECIDED, FAILS)),
        (above, (FAILS, UNDECIDED, HOLDS)),
        (at_least, (FAILS, UNDECIDED, HOLDS)),
        (within, (HOLDS, UNDECIDED, NO_ORDER)),
    ],
    ids=["below", "at_most", "above", "at_least", "within"],
)
def test_a_number_is_on_a_side_only_if_its_whole_interval_is(judge, outcomes):
    assert tuple(judge(interval, 0.0) for interval in ((-2, -3, -1), (-1, -2, 1), (2, 1, 3))) == outcomes


def test_the_border_itself_is_at_most_and_not_below():
    assert (at_most((-1, -2, 0), 0.0), below((-1, -2, 0), 0.0)) == (HOLDS, UNDECIDED)
    assert (at_least((1, 0, 2), 0.0), above((1, 0, 2), 0.0)) == (HOLDS, UNDECIDED)


def test_only_what_does_not_hold_has_a_reason():
    assert because(HOLDS, "why") == HOLDS
    assert because(FAILS, "why") == f"{FAILS}: why"
    assert because(FAILS, "") == FAILS
    assert because(UNDECIDED, "") == UNDECIDED
    assert because(UNDECIDED, "why") == f"{UNTESTABLE}: why"
