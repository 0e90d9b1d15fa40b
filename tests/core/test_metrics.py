"""Names of metrics: one for each, and what is recorded where none is given."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import banditlab as bl
from banditlab import arms, clicks, cvar, dueling, scoring, semibandits
from banditlab.core.errors import InvalidArgument
from banditlab.core.results.metrics import good_when_small, is_event, metric_name
from banditlab.inference import paired

ENVIRONMENT = arms.Bernoulli([0.2, 0.5])
MIXED = [arms.UCB1(), cvar.BCVTS(tau=0.25)]
SMALL = {"horizon": 20, "n_runs": 2, "seed": 0}
TOLD = (
    r"metrics is None, and by default (UCB1 records 'regret', BCVTS\(tau=0.25\) records 'cvar_regret'|"
    r"BCVTS\(tau=0.25\) records 'cvar_regret', UCB1 records 'regret'); allowed: what all of them can record, such as"
)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("regret", "regret"),
        (" regret ", "regret"),
        ("cvar_regret[ 0.1 ]", "cvar_regret[0.1]"),
        ("cvar_regret[.10]", "cvar_regret[0.1]"),
        ("cvar[1.0]", "cvar[1]"),
        ("cvar_regret[1e-3]", "cvar_regret[0.001]"),
        ("pulls[10]", "pulls[10]"),
        ("cvar_regret[high]", "cvar_regret[high]"),
        ("cvar_regret[0.1", "cvar_regret[0.1"),
        ("cvar_regret[]", "cvar_regret[]"),
    ],
)
def test_one_name_a_metric(typed, kept):
    assert metric_name(typed) == kept == metric_name(kept)


def test_results_keep_the_one_name_and_answer_to_others():
    result = bl.run(ENVIRONMENT, arms.UCB1(), metrics="cvar_regret[ 0.10 ]", **SMALL)
    assert result.metrics == ("cvar_regret[0.1]",)
    assert "cvar_regret[0.1]" in result.to_pandas()
    np.testing.assert_array_equal(result.values("cvar_regret[.1]"), result.values())
    assert result.summary("cvar_regret[.1 ]").equals(result.summary())
    assert result.plot("cvar_regret[.1]").get_ylabel() == "cumulative CVaR regret at level 0.1"
    swept = bl.sweep(ENVIRONMENT, arms.UCB1, {"alpha": [1.0, 2.0]}, metrics="cvar_regret[.1]", **SMALL)
    assert swept.metrics == ("cvar_regret[0.1]",)
    assert swept.summary("cvar_regret[ 0.1]").equals(swept.summary())
    with pytest.raises(InvalidArgument, match="allowed: a name that is not in the list already"):
        bl.run(ENVIRONMENT, arms.UCB1(), metrics=["cvar_regret[0.1]", "cvar_regret[ 0.1 ]"], **SMALL)


@pytest.mark.parametrize("policies", [MIXED, MIXED[::-1]], ids=["arms first", "cvar first"])
def test_families_that_record_different_things_need_metrics(policies):
    with pytest.raises(InvalidArgument, match=TOLD):
        bl.run(ENVIRONMENT, policies, **SMALL)
    with pytest.raises(InvalidArgument, match=TOLD):
        bl.sweep(ENVIRONMENT, policies, {"horizon": [20]}, n_runs=2, seed=0)
    with pytest.raises(InvalidArgument, match=TOLD):
        bl.compare(policies, ENVIRONMENT, horizon=20, seed=0)
    for metric in ("regret", "cvar_regret[0.1]"):
        assert bl.run(ENVIRONMENT, policies, metrics=metric, **SMALL).metrics == (metric,)
        assert bl.sweep(ENVIRONMENT, policies, {"horizon": [20]}, n_runs=2, seed=0, metrics=metric).metrics == (metric,)


def test_families_that_record_the_same_need_none():
    assert bl.run(ENVIRONMENT, [cvar.BCVTS(tau=0.25), cvar.BCVTS(tau=0.5)], **SMALL).metrics == ("cvar_regret",)


@pytest.mark.parametrize(
    ("metrics", "direction"),
    [
        ([*dueling.regrets.REGRETS, "regret", "cvar_regret", "cvar_regret[0.1]", "icvar_regret", "alpha_regret"], True),
        (["contextual_regret", "contextual_weak_regret", "estimation_error"], True),
        (["violation", "violations", "any_violation"], True),
        (["reward", "optimal_rate", "return", "cvar[0.1]", "icvar[1]", "profit"], False),
        (["pulls[0]", "duels[2]", "clicks[1]", "selections[0]", "screened[0]", "screening_round[0]"], None),
        (["payment", "bisection_rate", "solves", "plans", "estimate", "smallest_estimate", "duel_variance"], None),
    ],
)
def test_which_direction_is_good(metrics, direction):
    for metric in metrics:
        assert good_when_small(metric) is direction


def test_every_metric_of_every_family_was_thought_of():
    known = {
        *arms.protocol.METRICS, *clicks.protocol.METRICS, *dueling.protocol.METRICS, *semibandits.protocol.METRICS,
        *scoring.protocol.METRICS, *dueling.contextual.protocol.METRICS,
        *cvar.mdp.protocol.PLAIN, *cvar.mdp.protocol.AT_A_LEVEL,
    }  # fmt: skip
    (told,) = [mark for mark in test_which_direction_is_good.pytestmark if mark.name == "parametrize"]
    assert known <= {metric_name(name).partition("[")[0] for metrics, _ in told.args[1] for name in metrics}


def test_events_are_one_or_none_in_a_run():
    safe = semibandits.SafeUpToM(2, budget=0.4, variances=[0.25, 0.25, 0.25])
    world = semibandits.SemiBandit(arms.Bernoulli([0.2, 0.5, 0.5]), safe)
    wide = semibandits.CombUCB1(actions=semibandits.MSets(2))
    asked = ("violations", "any_violation")
    played = bl.run(world, {"safe": semibandits.CombUCB1(), "wide": wide}, metrics=asked, **SMALL)
    assert is_event("any_violation")
    assert set(played.values("any_violation")[1].ravel()) == {1.0}
    table = played.summary("any_violation")
    for label, share in (("safe", 0.0), ("wide", 1.0)):
        exact = stats.binomtest(int(2 * share), 2).proportion_ci(0.95, method="wilson")
        assert table.loc[label, ["mean", "ci_low", "ci_high"]].tolist() == pytest.approx([share, *exact])
    assert played.summary("violations").loc["wide", ["ci_low", "ci_high"]].tolist() == [20.0, 20.0]  # a count
    assert paired(played, "safe", "wide", metric="violations").probability == 1.0
