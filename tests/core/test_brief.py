"""Results in one paragraph."""

from __future__ import annotations

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms, cvar, scoring
from banditlab.core.brief import brief, short
from banditlab.inference.scores import scores

STATES = np.linspace(0.02, 0.98, 15)
WORLD = scoring.PrincipalAgent(
    beliefs=np.column_stack([STATES, 1 - STATES]),
    action_distributions=[np.eye(15)[7], np.full(15, 1 / 15)],
    costs=[0.0, 0.02],
    decisions=[[1, 0], [0, 1]],
)


def results():
    rule = WORLD.optimal()
    impossible = scoring.PrincipalAgent(
        WORLD.beliefs, WORLD.action_distributions, [0.0, 0.9], decisions=[[1, 0], [0, 1]]
    )
    with pytest.raises(scoring.NotImplementable) as caught:
        impossible.optimal_rule(1)
    played = bl.run(arms.Bernoulli([0.2, 0.5]), [arms.UCB1(), arms.Uniform()], horizon=500, n_runs=20, seed=0)
    swept = bl.sweep(arms.Bernoulli([0.2, 0.5]), arms.UCB1, {"alpha": [1.0]}, horizon=500, n_runs=20, seed=0)
    return {
        "rule": rule,
        "multipliers": rule.multipliers,
        "certificate": caught.value.certificate,
        "program": WORLD.program(1),
        "audit": scoring.audit(WORLD, np.column_stack([STATES, 1 - STATES]) * 0.0, 1),
        "properness": scoring.is_proper(scoring.ScoringRule.from_table(np.eye(15)[:, :2], WORLD.beliefs)),
        "statistics": played.statistics()[0],
        "scores": scores(played),
        "cell": swept.cells[0],
        "policy": cvar.plan_static_cvar(cvar.random_mdp(6, 3, 4, seed=0), 0.3).policy,
        "plan": cvar.plan_static_cvar(cvar.random_mdp(6, 3, 4, seed=0), 0.3),
    }


def test_results_are_one_paragraph():
    for name, result in results().items():
        text = repr(result)
        assert "\n" not in text, name
        assert len(text) <= 600, (name, text)
        assert type(result).__name__ in text, name


def test_a_rule_says_what_it_implements_and_costs():
    rule = WORLD.optimal()
    text = repr(rule)
    assert text.startswith(
        f"OptimalRule(environment=PrincipalAgent(...), action={rule.action}, payments=<15 x 2 array>, "
    )
    assert f"profit={rule.profit:.6g}" in text


def test_values():
    assert short(np.arange(3)) == "[0, 1, 2]"
    assert short(np.ones((2, 2))) == "<2 x 2 array>"
    assert short([0.1 + 0.2, "a"]) == "[0.3, 'a']"
    assert short([[k, k + 1] for k in range(13)]) == "<13 entries>"
    assert brief.__doc__
