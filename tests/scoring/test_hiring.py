"""Several agents: the program against its statement in CVXPY, against every deviation enumerated, and by hand."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from banditlab import scoring
from banditlab.errors import BanditlabError, InvalidArgument, InvalidType
from tests.scoring.instances import random_hiring

SEEDS = st.integers(0, 2**32 - 1)
GUESS = [[1, 0], [0, 1]]


def shared_sign(accuracy=0.6, cost=0.01, n_signals=2):
    """Return two agents who see the same noisy sign of a fair coin when they look, and noise of their own if not."""
    sign = np.array([[accuracy, 1 - accuracy], [1 - accuracy, accuracy]])
    first = sign[:, :, None] * np.full((2, 2), 0.5)
    both = sign[:, :, None] * np.eye(2)
    observations = [[np.full((2, 2, 2), 0.25), first.transpose(0, 2, 1)], [first, both]]
    return scoring.HiringProblem([0.5, 0.5], observations, [[0.0, cost], [0.0, cost]], GUESS)


def profit_of_recommendations(world, mu):
    """Return the largest profit with given recommendations: variables are the payments, and every deviation is a row.

    Independent of the package's program: no products, no auxiliary variables, all maps from signal to report.
    """
    n, joint = world.n_agents, np.moveaxis(world.joint, world.n_agents, -1)  # b..., s..., theta
    cells = np.arange(n * joint.size).reshape(n, *joint.shape)
    cost, rows, bounds = np.zeros(cells.size), [], []
    told_all = list(itertools.product(*map(range, world.n_efforts)))
    seen_all = list(itertools.product(*map(range, world.n_signals)))

    def paid(i, told, effort, reports):
        """Return coefficients of agent i's expected payment when told `told`, after an effort, by a map of reports."""
        row = np.zeros(cells.size)
        for b in told_all:
            if b[i] != told:
                continue
            actual = (*b[:i], effort, *b[i + 1 :])
            for s in seen_all:
                said = (*s[:i], reports[s[i]], *s[i + 1 :])
                for t in range(world.n_states):
                    row[cells[(i, *b, *said, t)]] += mu[b] * joint[(*actual, *s, t)]
        return row

    for i in range(n):
        honest = tuple(range(world.n_signals[i]))
        for told in range(world.n_efforts[i]):
            obedient = paid(i, told, told, honest)
            cost += obedient
            asked = mu.take(told, axis=i).sum()
            for effort in range(world.n_efforts[i]):
                for reports in itertools.product(honest, repeat=len(honest)):
                    rows.append(paid(i, told, effort, reports) - obedient)
                    bounds.append(asked * (world.costs[i][effort] - world.costs[i][told]))
    found = linprog(cost, A_ub=np.array(rows), b_ub=bounds, bounds=(0.0, world.max_payment))
    return (mu * world.profile_utilities).sum() - found.fun if found.status == 0 else -np.inf


@settings(max_examples=12, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_against_every_deviation_enumerated(seed):
    """No recommendations on a grid do better, and the optimal ones do as well as the program says."""
    rng = np.random.default_rng(seed)
    world = random_hiring(rng)
    best = world.optimal()
    assert profit_of_recommendations(world, best.recommendations) == pytest.approx(best.profit, abs=1e-7)
    for mu in [*np.eye(4), *rng.dirichlet(np.full(4, 0.5), 6)]:
        assert profit_of_recommendations(world, mu.reshape(2, 2)) <= best.profit + 1e-7


@pytest.mark.parametrize("slack", [0.0, 0.005])
@pytest.mark.parametrize("rational", [False, True], ids=["free", "rational"])
@pytest.mark.parametrize("seed", [1, 2])
def test_highs_and_cvxpy_agree(seed, rational, slack):
    world = random_hiring(np.random.default_rng(seed), n_efforts=2, n_signals=2, n_states=3)
    fast = world.optimal(individually_rational=rational, slack=slack)
    slow = world.optimal(method="cvxpy", individually_rational=rational, slack=slack)
    assert fast.profit == pytest.approx(slow.profit, abs=1e-8)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=SEEDS, rational=st.booleans())
def test_correlated_is_never_worse(seed, rational):
    world = random_hiring(np.random.default_rng(seed))
    correlated = world.optimal(individually_rational=rational)
    uncorrelated = world.optimal_uncorrelated(individually_rational=rational)
    assert correlated.profit >= uncorrelated.profit - 1e-9
    assert correlated.correlated
    assert not uncorrelated.correlated
    assert correlated.recommendations.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(correlated.decisions.sum(axis=-1), 1.0)
    if rational:
        for mechanism in (correlated, uncorrelated):
            for i, paid in enumerate(mechanism.expected_payments):
                others = tuple(j for j in range(2) if j != i)
                spent = mechanism.recommendations.sum(axis=others) @ world.costs[i]
                assert paid >= spent - 1e-8


def test_random_problems_are_worth_solving():
    """In most of them somebody is paid, and correlation helps: what holds for all of them says something."""
    paid, better = 0, 0
    for seed in range(20):
        world = random_hiring(np.random.default_rng(seed))
        best = world.optimal()
        paid += best.expected_payments.sum() > 1e-3
        better += best.profit > world.optimal_uncorrelated().profit + 1e-3
    assert paid > 10
    assert better > 5


def test_correlated_is_strictly_better():
    """By hand: each looks half of the time, both with probability e, and agreement is paid the most there is, 1.

    An agent told to look knows that the other was told too with probability e / ((1 + e) / 2); agreement then has
    probability 1 instead of 1/2, so that looking is worth e / (1 + e) >= 0.01 to him: e = 1/99. He is paid
    2 e / (1 + e) = 0.02 each time, so that both together cost 0.02 (1 + e).
    """
    world = shared_sign()
    e = 1 / 99
    best = world.optimal()
    assert best.profit == pytest.approx(0.6 - 0.02 * (1 + e), abs=1e-9)
    np.testing.assert_allclose(best.recommendations, [[0, (1 - e) / 2], [(1 - e) / 2, e]], atol=1e-8)
    # Alone, looking is paid 6 times its cost: E max_w sigma_w / mu_w - 1 = 1/5.
    alone = world.optimal_uncorrelated()
    assert alone.profit == pytest.approx(0.6 - 0.06, abs=1e-9)
    assert scoring.closed_forms.price_of_learning([[0.6, 0.4], [0.4, 0.6]], [0.5, 0.5], 0.01) == pytest.approx(0.06)
    assert scoring.audit(best)
    assert scoring.audit(alone)


def test_slack_is_what_agents_may_lose():
    """At slack 0.0025 each agent, told to look half of the time, may forgo half of his cost."""
    world = shared_sign()
    loose = world.optimal(slack=0.0025)
    assert loose.profit > world.optimal().profit + 1e-3
    assert scoring.audit(loose).gain == pytest.approx(0.0025, abs=1e-9)
    assert world.optimal(method="cvxpy", slack=0.0025).profit == pytest.approx(loose.profit, abs=1e-9)


def test_independent_signals_gain_nothing_from_correlation():
    """Given the state, what others report says nothing of one's own signal."""
    rng = np.random.default_rng(3)
    for _ in range(5):
        signals = [rng.dirichlet(np.ones(2), (2, 2)) for _ in range(2)]
        costs = [np.sort(rng.uniform(0, 0.05, 2)) for _ in range(2)]
        world = scoring.HiringProblem.independent(rng.dirichlet([3, 3]), signals, costs, rng.uniform(0, 1, (2, 2)))
        assert world.optimal().profit == pytest.approx(world.optimal_uncorrelated().profit, abs=1e-8)


def test_one_agent_is_a_principal_agent():
    """With one agent whose signals stand for beliefs, the uncorrelated rule costs what LP_k says."""
    sign = np.array([[0.8, 0.2], [0.3, 0.7]])
    idle = np.full((2, 2), 0.5)
    world = scoring.HiringProblem.independent([0.4, 0.6], [[idle, sign]], [[0.0, 0.02]], GUESS)
    joint = sign.T * [0.4, 0.6]
    beliefs = np.vstack([joint / joint.sum(axis=1, keepdims=True), [[0.4, 0.6]]])
    single = scoring.PrincipalAgent(beliefs, [[0, 0, 1], [*joint.sum(axis=1), 0]], [0.0, 0.02], decisions=GUESS)
    assert world.agent_rule(0, 1).payment == pytest.approx(single.optimal_rule(1).payment, abs=1e-9)
    assert world.optimal().profit == pytest.approx(single.optimal().profit, abs=1e-8)
    assert world.agent_margin(0, 1).margin == pytest.approx(single.margin(1)[0], abs=1e-9)


def test_cheapest_rule_against_a_grid():
    """Four payments on a grid of 21 values each: none that implements the effort is cheaper."""
    sign = np.array([[0.9, 0.1], [0.1, 0.9]])
    world = scoring.HiringProblem.independent([0.5, 0.5], [[np.full((2, 2), 0.5), sign]], [[0.0, 0.04]], GUESS)
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 21)] * 4, indexing="ij"), -1).reshape(-1, 2, 2)  # s, theta
    weights = 0.5 * np.stack([np.full((2, 2), 0.5), sign])  # effort, theta, s
    earned = np.einsum("ets,nrt->nesr", weights, grid)
    honest = earned[:, 1, 0, 0] + earned[:, 1, 1, 1]
    best = earned.max(axis=3).sum(axis=2) - [0.0, 0.04]
    implements = honest - 0.04 >= best.max(axis=1) - 1e-12
    found = world.agent_rule(0, 1)
    assert honest[implements].min() == pytest.approx(found.payment, abs=1e-9)  # 0.09, and 0.1 is on the grid
    assert found.payment == pytest.approx(0.04 * (1 + 1 / 0.8), abs=1e-9)
    assert found.margin == pytest.approx(0.0, abs=1e-9)


def test_impossible_efforts_are_proved_so():
    world = shared_sign(cost=0.2)
    with pytest.raises(scoring.NotImplementable) as caught:
        world.agent_rule(0, 1)
    certificate = caught.value.certificate
    assert certificate.valid
    assert certificate.cost_gap == pytest.approx(0.2)
    assert certificate.largest_gain == pytest.approx(0.1)
    assert "effort 1 of agent 0 costs 0.2 more than effort 0" in str(caught.value)
    # The multipliers are a strategy, and the bound is what any payments gain over it.
    np.testing.assert_allclose(certificate.reports[0].sum(axis=1), certificate.mixture[0], atol=1e-9)
    assert world.agent_margin(0, 1).margin == pytest.approx(0.1 - 0.2, abs=1e-9)
    shared_sign(cost=0.1).agent_rule(0, 1)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=SEEDS, cost=st.just(0.0) | st.floats(1e-7, 1.0))
def test_every_effort_is_implemented_or_proved_impossible(seed, cost):
    rng = np.random.default_rng(seed)
    signals = rng.dirichlet(np.ones(3), (3, 2))
    world = scoring.HiringProblem.independent([0.5, 0.5], [signals], [[0.0, cost / 2, cost]], GUESS)
    for effort in range(3):
        certificate, rule = None, None
        try:
            rule = world.agent_rule(0, effort)
        except scoring.NotImplementable as refused:
            certificate = refused.certificate
        if rule is None:
            assert certificate.valid
            assert certificate.mixture.sum() == pytest.approx(1.0)
            payments = rng.uniform(0, 1, (1000, 3, 2))
            joint = 0.5 * signals
            honest = np.einsum("ts,nst->n", joint[effort], payments)
            lies = certificate.reports[effort].sum() / 3
            instead = np.einsum("jsr,jts,nrt->n", certificate.reports, joint, payments) - lies * honest
            assert (honest - instead).max() <= certificate.largest_gain + 1e-9
        else:
            assert rule.margin >= -1e-8


def test_individual_rationality():
    costs = [[0.05, 0.06], [0.05, 0.06]]
    sign = np.array([[0.9, 0.1], [0.1, 0.9]])
    world = scoring.HiringProblem.independent([0.5, 0.5], [[np.full((2, 2), 0.5), sign]] * 2, costs, GUESS)
    free, rational = world.optimal(), world.optimal(individually_rational=True)
    assert rational.profit < free.profit - 0.02
    assert (rational.expected_payments >= 0.05 - 1e-9).all()
    poor = scoring.HiringProblem(world.prior, world.observations, costs, GUESS, max_payment=0.01)
    with pytest.raises(scoring.NotImplementable, match=r"max_payment is 0.01; allowed: at least 0.05.*agent 0"):
        poor.optimal(individually_rational=True)
    with pytest.raises(scoring.NotImplementable, match="staying away"):
        poor.agent_rule(0, 0, individually_rational=True)
    with pytest.raises(scoring.NotImplementable, match="staying away"):
        poor.optimal_uncorrelated(individually_rational=True)


def test_three_agents():
    world = random_hiring(np.random.default_rng(8), n_agents=3)
    best = world.optimal()
    assert scoring.audit(best)
    assert best.profit >= world.optimal_uncorrelated().profit - 1e-9
    assert best.payments[2].shape == (2, 2, 2, 2, 2, 2, 2)


def test_programs_can_be_extended():
    world = shared_sign()
    program = world.program()
    fixed = program.solve([program.mu[3] == 0.5])
    assert fixed.recommendations[1, 1] == pytest.approx(0.5)
    assert scoring.audit(fixed)
    assert fixed.profit < world.optimal().profit
    with pytest.raises(scoring.NotImplementable, match="1 added constraints is infeasible"):
        program.solve([program.mu[0] == 2])


def test_money_has_no_unit():
    world = shared_sign()
    many = scoring.HiringProblem(
        world.prior, world.observations, [c * 1e4 for c in world.costs], world.utility * 1e4, max_payment=1e4
    )
    assert many.optimal().profit == pytest.approx(world.optimal().profit * 1e4)


MISTAKES = {
    "axes": ({"observations": np.full((2, 2, 2), 0.5)}, "observations has 3 axes; allowed: 5"),
    "sums": ({"observations": np.full((2, 2, 2, 2, 2), 0.3)}, r"observations\[0\]\[0\]\[0\] adds up to 1.2"),
    "rounded": (
        {"observations": np.full((2, 2, 2, 2, 2), 0.2500001)},
        r"adds up to 1\.0000004; allowed: 1, within 1e-09, as in P / P\.sum\(\(3, 4\), keepdims=True\) for a rounded",
    ),
    "prior rounded": ({"prior": [0.33, 0.66]}, r"sum to 1, within 1e-09, as in .*; these sum to 0\.99"),
    "efforts": ({"costs": [[0.0], [0.0, 0.1]]}, r"costs\[0\] has 1 entries; allowed: 2, one per effort"),
    "states": ({"prior": [0.2, 0.3, 0.5]}, "prior has 3 entries; allowed: 2, one per state"),
    "negative": ({"costs": [[0.0, 0.1], [0.0, -0.1]]}, r"costs\[1\]\[1\] is -0.1"),
    "utility": ({"utility": [[1, 0, 0]]}, r"utility\[0\] has 3 entries; allowed: 2, one per state"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_an_error_that_names_it(name):
    changes, message = MISTAKES[name]
    world = shared_sign()
    valid = {"prior": world.prior, "observations": world.observations, "costs": world.costs, "utility": GUESS}
    with pytest.raises(InvalidArgument, match=message):
        scoring.HiringProblem(**(valid | changes))


def test_other_mistakes():
    world = shared_sign()
    with pytest.raises(InvalidType, match=r"costs is 0.1; allowed: one sequence"):
        scoring.HiringProblem(world.prior, world.observations, 0.1, GUESS)
    leaky = np.array(world.observations)
    leaky[0, 1] = np.array([[[0.5, 0.5], [0, 0]]] * 2)  # agent 0 sees more when agent 1 looks
    with pytest.raises(InvalidArgument, match=r"gives agent 0 signals whose distribution changes by 0\.5 with others'"):
        scoring.HiringProblem(world.prior, leaky, world.costs, GUESS).agent_rule(0, 1)
    assert scoring.audit(scoring.HiringProblem(world.prior, leaky, world.costs, GUESS).optimal())
    with pytest.raises(InvalidArgument, match="agent is 2; allowed: an integer from 0 to 1"):
        world.agent_rule(2, 0)
    with pytest.raises(InvalidArgument, match="effort is 5; allowed: an integer from 0 to 1"):
        world.agent_rule(0, 5)
    with pytest.raises(InvalidArgument, match=r"signals\[1\] has the shape \(1, 3, 1\)"):
        scoring.HiringProblem.independent([0.5, 0.5], [[[[1], [1]]], [[[1], [1], [1]]]], [[0.0]] * 2, GUESS)
    with pytest.raises(InvalidArgument, match=r"signals\[0\] has 2 axes"):
        scoring.HiringProblem.independent([0.5, 0.5], [[[1.0], [1.0]]], [[0.0]], GUESS)


@pytest.mark.parametrize("unit", [1e-9, 1e9], ids=str)
def test_no_program_has_a_unit_of_money(unit):
    """Costs, utilities and largest payment times a unit: so is the profit, by either program."""
    one = random_hiring(np.random.default_rng(1), n_states=3)
    world = scoring.HiringProblem(
        one.prior, one.observations, [c * unit for c in one.costs], one.utility * unit, max_payment=unit
    )
    profit = one.optimal(slack=0.001).profit
    for method in ("highs", "cvxpy"):
        best = world.optimal(method, slack=0.001 * unit)
        assert best.profit == pytest.approx(profit * unit, rel=1e-8, abs=0.0)
    program = world.program(slack=0.001 * unit)
    solved = program.solve()
    assert program.profit.value == pytest.approx(solved.profit, rel=1e-8)
    paid = sum(np.moveaxis(world.joint, 2, -1).ravel() @ x.value.ravel() for x in program.x)
    assert paid == pytest.approx(solved.expected_payments.sum(), rel=1e-8)


def test_added_constraints_are_checked():
    program = shared_sign().program()
    with pytest.raises(InvalidType, match="constraints is None; allowed: a list of CVXPY constraints"):
        program.solve(None)
    with pytest.raises(InvalidType, match=r"constraints\[0\] is 3"):
        program.solve([3])
    with pytest.raises(InvalidArgument, match="solver is 'NOPE'; allowed: an installed solver"):
        program.solve(solver="NOPE")


def test_amounts_are_within_reach_of_payments():
    world = shared_sign()
    with pytest.raises(InvalidArgument, match=r"costs\[1\]\[1\] is 1e\+30; allowed: at most 1e\+15 times max_payment"):
        scoring.HiringProblem(world.prior, world.observations, [[0, 0], [0, 1e30]], GUESS)
    with pytest.raises(InvalidArgument, match=r"utility\[0\]\[0\] is 1e\+30; allowed: at most 1e\+15"):
        scoring.HiringProblem(world.prior, world.observations, world.costs, [[1e30, 0], [0, 1]])
    rich = scoring.HiringProblem(world.prior, world.observations, world.costs, np.array(GUESS) * 1e14)
    assert rich.optimal().profit == pytest.approx(0.6e14)


@pytest.mark.parametrize("signals", [None, 3, "ab", []], ids=repr)
def test_signals_are_one_array_an_agent(signals):
    with pytest.raises(BanditlabError, match=r"HiringProblem.signals .*; allowed"):
        scoring.HiringProblem.independent([0.5, 0.5], signals, [[0.0]], GUESS)


@pytest.mark.parametrize("method", ["program", "agent_rule", "optimal_uncorrelated", "optimal"])
def test_individual_rationality_is_true_or_false(method):
    whom = (0, 0) if method == "agent_rule" else ()
    with pytest.raises(InvalidType, match="individually_rational is 'no'; allowed: True or False"):
        getattr(shared_sign(), method)(*whom, individually_rational="no")


HANDMADE = {
    "environment": ({"environment": 3}, "environment is 3; allowed: a HiringProblem"),
    "recommendations": (
        {"recommendations": np.full(4, 0.25)},
        r"recommendations has the shape \(4,\); allowed: \(2, 2\)",
    ),
    "sum": ({"recommendations": np.full((2, 2), 0.3)}, "recommendations adds up to 1.2"),
    "nan": ({"recommendations": np.full((2, 2), np.nan)}, r"recommendations\[0\]\[0\] is nan"),
    "one payment": ({"payments": (np.zeros((2,) * 5),)}, "payments is .*; allowed: 2 arrays, one per agent"),
    "flat payments": ({"payments": (np.zeros(32),) * 2}, r"payments\[0\] has the shape \(32,\)"),
    "payments nan": ({"payments": (np.full((2,) * 5, np.nan),) * 2}, r"payments\[0\].* is nan; allowed: finite"),
    "decisions": ({"decisions": np.ones((2, 2))}, r"decisions has the shape \(2, 2\)"),
    "decide twice": ({"decisions": np.ones((2,) * 5)}, r"decisions\[0\]\[0\]\[0\]\[0\] adds up to 2"),
    "correlated": ({"correlated": "yes"}, "correlated is 'yes'; allowed: True or False"),
}


@pytest.mark.parametrize("name", HANDMADE)
def test_mechanisms_made_by_hand_are_checked(name):
    changes, message = HANDMADE[name]
    with pytest.raises(BanditlabError, match=message):
        dataclasses.replace(shared_sign().optimal(), **changes)
