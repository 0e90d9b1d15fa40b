"""Arms that adapt: the compiled, batched dynamics against a transcription that plays one profile at a time."""

from __future__ import annotations

import numpy as np
import pytest

import banditlab as bl
from banditlab import clicks
from banditlab.clicks import evaluation
from banditlab.core.errors import IncompatiblePolicy, InterruptedRunWarning, InvalidArgument, InvalidType

MEANS = [0.6, 0.5, 0.3]
ENV = clicks.StrategicClickBandit(MEANS, strategies=[0.7, 0.55, 0.2])
QUICK = {"horizon": 400, "n_rollouts": 3, "seed": 7, "progress": False}


def clicks_at(policy, profile, runs):
    """Return clicks (run, arm) and regret (run) of consecutive runs, through `run` rather than the evaluation."""
    last = max(runs) + 1
    result = bl.run(
        ENV.with_strategies(profile), policy, horizon=400, n_runs=last, seed=7, metrics=("clicks", "regret"),
        checkpoints=[400], n_jobs=1, progress=False,
    )  # fmt: skip
    counts = np.stack([result.values(f"clicks[{a}]")[0, runs, -1] for a in range(3)], axis=1)
    return counts, result.values("regret")[0, runs, -1]


def slowly(policy, start, epochs, method="gradient", grid=5):
    """Return strategies, utilities and regret of the first repetition, one profile at a time."""
    s, path = np.array(start, dtype=float), []
    for epoch in range(epochs):
        runs = [3 * epoch, 3 * epoch + 1, 3 * epoch + 2]
        value, regret = clicks_at(policy, s, runs)
        path.append((s.copy(), value.mean(axis=0), regret.mean()))
        if method == "gradient":
            moved = s.copy()
            for i in range(3):
                up, down = s.copy(), s.copy()
                up[i], down[i] = min(s[i] + 0.02, 1.0), max(s[i] - 0.02, 0.0)
                rise = clicks_at(policy, up, runs)[0].mean(axis=0)[i] - clicks_at(policy, down, runs)[0].mean(axis=0)[i]
                slope = rise / ((up[i] - down[i]) * 400)
                moved[i] = min(max(s[i] + min(max(1.0 / (epoch + 1) * slope, -0.05), 0.05), 0.0), 1.0)
            s = moved
        elif epoch + 1 < epochs:
            for i in range(3):
                best, paid = s[i], clicks_at(policy, s, runs)[0].mean(axis=0)[i]
                for rate in np.linspace(0.0, 1.0, grid):
                    other = s.copy()
                    other[i] = rate
                    pays = clicks_at(policy, other, runs)[0].mean(axis=0)[i]
                    if pays > paid:
                        best, paid = rate, pays
                s[i] = best
    return [np.array(column) for column in zip(*path, strict=True)]


@pytest.mark.parametrize(
    "policy", [clicks.UCBS(alpha=0.1), clicks.ClickUCB(alpha=0.1), clicks.StrategyOracle()], ids=repr
)
def test_gradient_steps_are_those_of_the_transcription(policy):
    path = clicks.dynamics(ENV, policy, [0.86, 0.75, 0.53], 4, n_runs=2, **QUICK)
    strategies, utilities, regret = slowly(policy, [0.86, 0.75, 0.53], 4)
    np.testing.assert_array_equal(path.strategies[0], strategies)
    np.testing.assert_array_equal(path.utilities[0], utilities)
    np.testing.assert_array_equal(path.regret[0], regret)


def test_best_responses_are_those_of_the_transcription():
    path = clicks.dynamics(ENV, clicks.UCBS(alpha=0.1), None, 3, n_runs=1, method="best_response", grid=5, **QUICK)
    strategies, utilities, regret = slowly(clicks.UCBS(alpha=0.1), ENV.strategies, 3, "best_response")
    np.testing.assert_array_equal(path.strategies[0], strategies)
    np.testing.assert_array_equal(path.utilities[0], utilities)
    np.testing.assert_array_equal(path.regret[0], regret)


@pytest.mark.parametrize("method", ["gradient", "best_response"])
def test_numbers_depend_neither_on_threads_and_chunks_nor_on_other_repetitions(method, monkeypatch):
    options = QUICK | {"method": method, "grid": 4, "epochs": 3}
    three = clicks.dynamics(ENV, clicks.UCBS(alpha=0.1), "random", n_runs=3, n_jobs=1, **options)
    monkeypatch.setattr(evaluation, "CHUNK", 7)
    two = clicks.dynamics(ENV, clicks.UCBS(alpha=0.1), "random", n_runs=2, n_jobs=3, **options)
    np.testing.assert_array_equal(two.strategies, three.strategies[:2])
    np.testing.assert_array_equal(two.utilities, three.utilities[:2])
    np.testing.assert_array_equal(two.regret, three.regret[:2])
    assert not np.array_equal(three.strategies[0, 0], three.strategies[1, 0])


def test_starts():
    def start(value, n_runs=2):
        return clicks.dynamics(ENV, clicks.MuOracle(), value, 1, n_runs=n_runs, **QUICK).strategies[:, 0]

    np.testing.assert_allclose(start("truthful"), [[0.66, 0.55, 0.33]] * 2, rtol=1e-15)
    np.testing.assert_allclose(start("inflated"), [[0.86, 0.75, 0.53]] * 2, rtol=1e-15)
    np.testing.assert_array_equal(start(None), [ENV.strategies] * 2)
    np.testing.assert_array_equal(start([0.1, 0.2, 0.3]), [[0.1, 0.2, 0.3]] * 2)
    np.testing.assert_array_equal(start([[0.1, 0.2, 0.3], [0.0, 1.0, 0.5]]), [[0.1, 0.2, 0.3], [0.0, 1.0, 0.5]])
    many = start("random", n_runs=2000)
    assert abs(many.mean() - 0.5) < 4 * np.sqrt(1 / 12 / many.size)


def test_strategies_stay_click_rates_at_the_ends():
    path = clicks.dynamics(ENV, clicks.MuOracle(), [1.0, 0.0, 0.5], 3, n_runs=2, **QUICK)
    assert path.strategies.min() == 0.0
    assert path.strategies.max() == 1.0
    assert np.isfinite(path.strategies).all()


def test_ucb_s_brings_the_best_arm_to_what_the_learner_wants_and_ordinary_ucb_does_not():
    env = clicks.StrategicClickBandit([0.6, 0.5, 0.4, 0.3, 0.2], strategies=[0.5] * 5)
    options = {"horizon": 20_000, "n_runs": 6, "seed": 1, "progress": False}
    with_screening = clicks.dynamics(env, clicks.UCBS(), "inflated", **options)
    without = clicks.dynamics(env, clicks.ClickUCB(), "inflated", **options)
    error = with_screening.final[:, 0].std(ddof=1) / np.sqrt(6)
    # Theorem 5.2 allows a distance of the order H sqrt(K log T / T) = 0.055
    assert abs(with_screening.final[:, 0].mean() - 0.66) < 0.055 + 4 * error
    assert (without.final[:, 0] > 0.75).all()
    assert (with_screening.regret[:, 0] > without.regret[:, 0]).all()
    late = slice(-5, None)
    assert (with_screening.regret[:, late].mean(axis=1) < without.regret[:, late].mean(axis=1)).all()


def test_interrupting_keeps_the_epochs_that_are_done(monkeypatch):
    whole = clicks.dynamics(ENV, clicks.UCBS(), "truthful", 4, n_runs=2, **QUICK)
    played, play = [], evaluation.Arena.play

    def interrupted(self, strategies, runs):
        if len(played) == 2:
            raise KeyboardInterrupt
        played.append(1)
        return play(self, strategies, runs)

    monkeypatch.setattr(evaluation.Arena, "play", interrupted)
    with pytest.warns(InterruptedRunWarning, match="2 of 4 epochs"):
        part = clicks.dynamics(ENV, clicks.UCBS(), "truthful", 4, n_runs=2, **QUICK)
    np.testing.assert_array_equal(part.strategies, whole.strategies[:, :2])
    played[:] = [1, 1]
    with pytest.raises(KeyboardInterrupt):
        clicks.dynamics(ENV, clicks.UCBS(), "truthful", 4, n_runs=2, **QUICK)


def test_tables_and_pictures():
    path = clicks.dynamics(ENV, clicks.UCBS(), "truthful", 3, n_runs=2, **QUICK)
    frame = path.to_pandas()
    assert list(frame.columns) == ["repetition", "epoch", "arm", "strategy", "utility", "regret"]
    row = frame[(frame.repetition == 1) & (frame.epoch == 2) & (frame.arm == 1)].iloc[0]
    assert row.strategy == path.strategies[1, 2, 1]
    assert row.utility == path.utilities[1, 2, 1]
    assert row.regret == path.regret[1, 2]
    ax = path.plot("regret")
    clicks.dynamics(ENV, clicks.ClickUCB(), "truthful", 3, n_runs=2, **QUICK).plot("regret", ax=ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["UCBS", "ClickUCB"]
    assert ax.lines[0].get_color() != ax.lines[1].get_color()
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), path.regret.mean(axis=0))
    assert len(path.plot().lines) == 2 * 3  # an arm's strategies, and what is desired of it
    assert path.plot("utilities").get_ylabel() == "clicks $v_i$"
    assert ax.get_ylabel() == "regret $R_T$"
    with pytest.raises(InvalidArgument, match="what is 'clicks'; allowed"):
        path.plot("clicks")
    ax = path.plot("regret", label="so")
    path.plot("regret", ax=ax, label="and so")
    path.plot("regret", ax=ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["so", "and so", "UCBS"]
    entries = [text.get_text() for text in path.plot(label="so").get_legend().get_texts()]
    assert [entry[:13] for entry in entries] == ["so, $i$ = 0, ", "so, $i$ = 1, ", "so, $i$ = 2, "]
    with pytest.raises(InvalidType, match="label is 1; allowed: a text"):
        path.plot(label=1)
    assert repr(path) == "<Dynamics: UCBS(), 2 repetitions, 3 epochs, 3 arms, horizon 400>"


@pytest.mark.parametrize(
    ("bad", "kind", "message"),
    [
        ({"start": "honest"}, InvalidArgument, "start is 'honest'; allowed: one of"),
        ({"start": [0.5, 0.5]}, InvalidArgument, "start has 2 entries; allowed: 3"),
        ({"start": [[0.5, 0.5, 0.5]]}, InvalidArgument, r"start has shape \(1, 3\); allowed: \(2, 3\)"),
        ({"start": [0.5, 1.01, 0.5]}, InvalidArgument, r"start\[1\] is 1.01; allowed"),
        ({"epochs": 0}, InvalidArgument, "epochs is 0; allowed"),
        ({"horizon": 0}, InvalidArgument, "horizon is 0; allowed"),
        ({"n_runs": 0}, InvalidArgument, "n_runs is 0; allowed"),
        ({"n_rollouts": 1.5}, InvalidArgument, "n_rollouts is 1.5; allowed"),
        ({"method": "newton"}, InvalidArgument, "method is 'newton'; allowed"),
        ({"step": -1.0}, InvalidArgument, "step is -1.0; allowed"),
        ({"max_step": 0}, InvalidArgument, "max_step is 0; allowed"),
        ({"epsilon": 0.6}, InvalidArgument, "epsilon is 0.6; allowed"),
        ({"grid": 1}, InvalidArgument, "grid is 1; allowed"),
        ({"seed": -1}, InvalidArgument, "seed is -1; allowed"),
        ({"n_jobs": 0}, InvalidArgument, "n_jobs is 0; allowed"),
        ({"progress": "yes"}, InvalidArgument, "progress is 'yes'; allowed"),
        ({"environment": bl.arms.Bernoulli([0.5])}, InvalidType, "environment is .*; allowed"),
        ({"policy": bl.arms.UCB1()}, InvalidType, "policy is .*; allowed"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_bad_arguments(bad, kind, message):
    arguments = {"environment": ENV, "policy": clicks.UCBS(), "n_runs": 2} | QUICK | bad
    with pytest.raises(kind, match=message):
        clicks.dynamics(**arguments)


def test_an_oracle_is_no_agent_and_arms_policies_play_no_click_bandits():
    with pytest.raises(InvalidType, match="allowed: one that learns"):
        bl.start(clicks.MuOracle(), n_arms=2, horizon=10)
    with pytest.raises(IncompatiblePolicy, match="clicks"):
        bl.run(ENV, bl.arms.UCB1(), horizon=10, n_runs=1)
