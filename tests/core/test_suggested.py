"""What is named in place of a policy that plays environments of another family: only what can play this one."""

from __future__ import annotations

import re

import pytest

import banditlab as bl
from banditlab import arms, clicks, cvar, dueling, scoring, semibandits
from banditlab.core.playing.experiment import reasons_against
from banditlab.errors import IncompatiblePolicy

AGENT = scoring.PrincipalAgent(
    beliefs=[[1, 0], [0.5, 0.5], [0, 1]],
    action_distributions=[[0, 1, 0], [0.5, 0, 0.5]],
    costs=[0, 0.1],
    decisions=[[1, 0], [0, 1]],
)
ITEMS = arms.Bernoulli([0.1, 0.5, 0.9])
WORLDS = {
    "arms": ITEMS,
    "rewards without bounds": arms.Exponential([1.0, 2.0]),
    "clicks": clicks.StrategicClickBandit([0.6, 0.5], strategies=[0.6, 0.5]),
    "duels": dueling.PreferenceMatrix([[0.5, 0.6], [0.4, 0.5]]),
    "duels with features": dueling.ContextualGLM([1.0, 0.0], [[0.5, 0.2], [0.3, 0.4]]),
    "sets": semibandits.SemiBandit(ITEMS, semibandits.MSets(2)),
    "safe sets": semibandits.SemiBandit(ITEMS, semibandits.SafeUpToM(2, budget=0.3)),
    "outcomes without bounds": semibandits.SemiBandit(arms.Gaussian([0.1, 0.5, 0.9]), semibandits.MSets(2)),
    "MDPs": cvar.random_mdp(4, 2, 3, seed=0),
    "agents": AGENT,
    "instances": bl.Instances([ITEMS, ITEMS]),
}
STRANGERS = (arms.UCB1(), cvar.BCVTS(), cvar.UCBVI(), dueling.RUCB(), scoring.Oracle())


def told(environment, policy):
    (reason,) = reasons_against(environment, policy, 1_000)
    return reason


def suggested(environment, policy):
    named = told(environment, policy).partition("; allowed: ")[2]
    return re.findall(r"(arms|clicks|cvar|dueling|scoring|semibandits)\.([A-Z]\w+)", named)


def family_of(world):
    return getattr(world, "specimen", world).family.name


PAIRS = [
    (name, policy) for name in WORLDS for policy in STRANGERS if family_of(WORLDS[name]) not in policy.family.plays
]


@pytest.mark.parametrize(("name", "policy"), PAIRS, ids=lambda value: str(value))
def test_what_is_suggested_can_play(name, policy):
    named = suggested(WORLDS[name], policy)
    assert 1 <= len(named) <= 3
    for family, cls in named:
        assert reasons_against(WORLDS[name], getattr(getattr(bl, family), cls)(), 1_000) == []


def test_the_one_that_learns_what_is_safe_is_suggested():
    assert suggested(WORLDS["safe sets"], arms.UCB1()) == [("semibandits", "PASCombUCB")]


def test_what_is_played_is_said_where_a_family_plays_several_things():
    mdp, players = WORLDS["MDPs"], r"such as cvar\.\w+"
    with pytest.raises(IncompatiblePolicy, match=f"it plays environments of arms, not MDPs; .* for MDPs, {players}"):
        bl.run(mdp, cvar.BCVTS(tau=0.2), horizon=20, n_runs=1)
    reason = told(ITEMS, cvar.UCBVI())
    assert reason.startswith("it plays MDPs, not environments of arms; allowed: policies for environments of arms")
    assert all(family == "cvar" for family, _ in suggested(ITEMS, cvar.UCBVI()))  # arms, at a level


def test_no_advice_is_no_error(monkeypatch):
    def broken(*arguments):
        raise RuntimeError

    monkeypatch.setattr(type(AGENT.family.protocol), "reasons_against", broken)
    assert told(AGENT, arms.UCB1()) == (
        "it plays environments of arms, not environments of scoring; allowed: policies for environments of scoring"
    )
