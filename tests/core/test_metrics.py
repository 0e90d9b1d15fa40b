"""Names of metrics: one for each, and what is recorded where none is given."""

from __future__ import annotations

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms, cvar
from banditlab.core.errors import InvalidArgument
from banditlab.core.metrics import metric_name

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
