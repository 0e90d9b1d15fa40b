"""The protocol through `bl.run`: the same numbers however it is run, honest metrics, interruption, errors."""

from __future__ import annotations

import copy
import os
import signal
import subprocess
import sys
import types
from typing import Any

import joblib
import numpy as np
import pytest
from numpy.typing import NDArray

import banditlab as bl
from banditlab import scoring
from banditlab.core.errors import (
    BanditlabError,
    IncompatiblePolicy,
    InterruptedRunWarning,
    InvalidArgument,
    InvalidComponent,
    InvalidType,
)
from banditlab.core.playing import experiment, runner
from banditlab.scoring.hiring_games import Offer
from banditlab.scoring.principal_agent_games import PrincipalKnows
from banditlab.scoring.protocol import METRICS, ScoringProtocol

from .instances import HIRING, SENDERS
from .played import TOY, three_states
from .test_hiring import shared_sign

HALF = np.full((5, 2), 0.25)
POLICIES = {
    "practical": scoring.OSRA(confidence_scale=0.01),
    "theory": scoring.OSRA(),
    "commit": scoring.ExploreThenCommit(),
    "fixed": scoring.FixedRule(HALF),
    "oracle": scoring.Oracle(),
}


def play(policies: Any = POLICIES, environment: Any = TOY, **changes: Any) -> bl.Results:
    options: dict[str, Any] = {"horizon": 60, "n_runs": 4, "seed": 3, "n_jobs": 1, "metrics": METRICS} | changes
    return bl.run(environment, policies, progress=False, **options)


def same(a: bl.Results, b: bl.Results, *labels: str) -> None:
    """Compare in the runs that both have; `labels` are the policies of the first where the second has more."""
    assert a.policies
    assert sorted(a.policies) == sorted(labels or b.policies)
    for label in a.policies:
        for metric in METRICS:
            one, two = a.values(metric)[a.policies.index(label)], b.values(metric)[b.policies.index(label)]
            n = min(len(one), len(two))
            assert n > 0
            np.testing.assert_array_equal(one[:n], two[:n], err_msg=f"{label}, {metric}")


class TestReproducible:
    def test_whatever_the_processes_threads_and_chunks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        alone = play()
        same(play(n_jobs=2), alone)
        with joblib.parallel_config("threading", n_jobs=2):
            same(play(n_jobs=None), alone)
        for runs in (1, 3):
            monkeypatch.setattr(ScoringProtocol, "chunk", runs)
            same(play(), alone)

    def test_programs_that_start_from_their_last_basis_are_a_run_s_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Senders' programs have many optima: which one is found may depend on the run's past, and on nothing else."""
        policies = {
            "full": scoring.OnlineFullFeedback(confidence_scale=0.1, tolerance=0.0),
            "bandit": scoring.OnlineBanditFeedback(confidence_scale=0.05),
        }
        options: dict[str, Any] = {"policies": policies, "environment": SENDERS, "horizon": 150}
        whole = play(**options)
        same(play(**options, n_jobs=2), whole)
        same(play(**options, n_runs=2), whole)
        same(play(**(options | {"policies": dict(reversed(policies.items()))})), whole)
        monkeypatch.setattr(ScoringProtocol, "chunk", 1)
        same(play(**options), whole)
        same(play(**options, n_jobs=2), whole)
        later = play(**options, first_run=2, n_runs=2)
        np.testing.assert_array_equal(later.values("regret"), whole.values("regret")[:, 2:])
        assert (np.ptp(whole.values("solves")[0], axis=0) == 0).all()
        assert whole.values("solves")[0, 0, -1] == 149  # before each round but the first

    def test_whatever_the_number_of_runs_and_the_order_and_company_of_policies(self) -> None:
        whole = play()
        same(play(dict(reversed(POLICIES.items())), n_runs=2), whole)
        same(play({"theory": POLICIES["theory"]}), whole, "theory")

    def test_horizon_only_cuts_the_trajectory_of_policies_that_do_not_know_it(self) -> None:
        rounds = [1, 10, 40]
        fixed = {"fixed": POLICIES["fixed"]}
        same(play(fixed, checkpoints=rounds), play(fixed, checkpoints=rounds, horizon=3000))

    def test_common_random_numbers(self) -> None:
        """Two rules that induce the same action see the same beliefs and states, though one pays twice as much."""
        one, two = scoring.FixedRule(np.eye(2)[[0, 0, 0, 1, 1]]), scoring.FixedRule(0.5 * np.eye(2)[[0, 0, 0, 1, 1]])
        paid = play({"one": one, "two": two}).values("payment")
        np.testing.assert_array_equal(paid[0], 2.0 * paid[1])

    def test_processes_are_what_is_preferred(self, monkeypatch: pytest.MonkeyPatch) -> None:
        used = []
        real = joblib.Parallel

        def watched(*arguments: Any, **options: Any) -> Any:
            used.append(options["prefer"])
            return real(*arguments, **options)

        monkeypatch.setattr(joblib, "Parallel", watched)
        play({"fixed": POLICIES["fixed"]}, n_jobs=2)
        bl.run(bl.arms.Bernoulli([0.5]), bl.arms.RoundRobin(), horizon=2, n_runs=300, seed=0, n_jobs=2, progress=False)
        assert used == ["processes", "threads"]


class TestMetrics:
    def test_oracle_has_no_regret_and_fixed_rules_have_that_of_their_profit(self) -> None:
        result = play(checkpoints=[60])
        best = TOY.optimal().profit
        of = dict(zip(result.policies, result.values("regret")[:, :, -1], strict=True))
        np.testing.assert_allclose(of["oracle"], 0.0, atol=1e-9)
        np.testing.assert_allclose(of["fixed"], 60 * (best - TOY.profit(HALF)), rtol=1e-12)
        assert (of["practical"] > 0).all()

    def test_payment_and_profit_have_the_means_of_the_response(self) -> None:
        """Four standard errors over the rounds of the runs."""
        runs, horizon = 40, 1000
        for world in (TOY, three_states()):
            policy = scoring.Oracle()
            result = play(policy, world, n_runs=runs, horizon=horizon, checkpoints=[horizon], seed=1)
            best = world.optimal()
            for metric, mean in (("payment", best.payment), ("profit", best.profit)):
                found = result.values(metric)[0, :, -1] / horizon
                assert abs(found.mean() - mean) < 4 * found.std(ddof=1) / np.sqrt(runs), metric

    def test_probes_and_programs_are_counted(self) -> None:
        result = play(checkpoints=[600], horizon=600, n_runs=2)
        rate = dict(zip(result.policies, result.values("bisection_rate")[:, :, -1], strict=True))
        solves = dict(zip(result.policies, result.values("solves")[:, :, -1], strict=True))
        assert (rate["theory"] > 0.1).all()
        assert (rate["fixed"] == 0.0).all()
        assert (solves["oracle"] == 0.0).all()
        assert (solves["commit"] == 3.0).all()
        eager = play(scoring.OSRA(confidence_scale=0.01, tolerance=0.0), checkpoints=[600], horizon=600, n_runs=2)
        assert (eager.values("solves")[0] > solves["practical"]).all()

    def test_agents_lies_cost_what_a_decision_on_them_costs(self) -> None:
        """Paid for the opposite of what it believes, the agent lies, and the principal decides wrongly."""
        improper = np.eye(2)[[1, 1, 1, 0, 0]]
        result = play(scoring.FixedRule(improper), checkpoints=[60])
        np.testing.assert_allclose(
            result.values("regret")[0, :, -1], 60 * (TOY.optimal().profit - TOY.profit(improper)), rtol=1e-12
        )
        assert (result.values("profit")[0, :, -1] < 0).all()


class TestKnowledge:
    def test_principal_knows_neither_distributions_nor_costs(self) -> None:
        known = TOY.game().known_to(scoring.OSRA())
        assert isinstance(known, PrincipalKnows)
        assert set(known._fields) == {"beliefs", "utility", "n_actions", "max_payment", "informed"}

    def test_principal_sees_action_report_and_state(self) -> None:
        seen = TOY.game().play(TOY.optimal().payments, np.array([0.9, 0.9])).seen
        assert seen._asdict() == {"action": 2, "report": 4, "state": 1}

    def test_informed_rules_make_the_agent_prefer_each_action_by_their_margin(self) -> None:
        for world in (TOY, three_states()):
            rules, margins = scoring.informed_rules(world)
            for k, payments in enumerate(rules):
                profit = world.expected_payments(payments) - world.costs
                others = np.delete(profit, k)
                assert profit[k] - others.max() == pytest.approx(margins[k], abs=1e-8)
                assert world.respond(payments).action == k


class TestErrors:
    def test_family_and_environment_must_fit(self) -> None:
        with pytest.raises(IncompatiblePolicy, match="plays environments of scoring"):
            play(scoring.Oracle(), bl.arms.Bernoulli([0.5]))
        with pytest.raises(IncompatiblePolicy, match="plays environments of arms"):
            play(bl.arms.UCB1(), TOY, metrics="regret")

    def test_payments_out_of_bounds_and_of_the_wrong_shape(self) -> None:
        with pytest.raises(IncompatiblePolicy, match=r"reach from -1 to 1, outside \[0, 1\]"):
            play(scoring.FixedRule([[-1.0, 1.0]] * 5))
        with pytest.raises(IncompatiblePolicy, match=r"shape \(2, 2\), and the beliefs \(5, 2\)"):
            play(scoring.FixedRule(np.eye(2)))

    def test_lies_whose_worth_nobody_knows_are_told_before_anything_is_played(self) -> None:
        known = {"beliefs": TOY.beliefs, "action_distributions": TOY.action_distributions, "costs": TOY.costs}
        world = scoring.PrincipalAgent(**known, utility=TOY.belief_utility)
        lies = scoring.FixedRule(np.eye(2)[[1, 1, 1, 0, 0]])
        with pytest.raises(IncompatiblePolicy, match=r"payments make the agent lie.*decisions is None"):
            play([scoring.Oracle(), lies], world)
        assert np.isfinite(play(lies, TOY).values("regret")).all()

    def test_rules_that_have_no_payments_here(self) -> None:
        with pytest.raises(
            IncompatiblePolicy, match=r"its rule is for 3 states, and there are 2; allowed: .*\(n_states=2"
        ):
            play(scoring.FixedRule(scoring.Brier(3).bounded(1.0)))
        table = scoring.TableRule(np.eye(2), [[0.2, 0.8], [0.8, 0.2]])
        with pytest.raises(IncompatiblePolicy, match=r"its rule cannot be asked for its payments here: .*allowed"):
            play(scoring.FixedRule(table))
        corners = scoring.PrincipalAgent(
            beliefs=[[1, 0], [0.5, 0.5], [0, 1]], action_distributions=[[0, 1, 0], [0.5, 0, 0.5]], costs=[0, 0.1],
            utility=[1, 0.5, 1],
        )  # fmt: skip
        with pytest.raises(IncompatiblePolicy, match=r"its payments reach from -inf to .*, outside \[0, 1\]"):
            play(scoring.FixedRule(scoring.Logarithmic(2)), corners)

    def test_optimal_rules_are_rules(self) -> None:
        policy = scoring.FixedRule(TOY.optimal())
        np.testing.assert_array_equal(policy.rule, TOY.optimal().payments)
        np.testing.assert_allclose(play(policy).values("regret"), 0.0, atol=1e-9)

    @pytest.mark.parametrize(
        "rule",
        [None, 3, "Brier", scoring.Brier, types.SimpleNamespace(table=lambda beliefs: "text")],
        ids=["none", "number", "text", "class", "look-alike"],
    )
    def test_fixed_rule_wants_a_rule(self, rule: Any) -> None:
        with pytest.raises(InvalidType, match=r"FixedRule\.rule is .*; allowed: a scoring rule, or a table"):
            scoring.FixedRule(rule)

    def test_action_without_an_informed_rule(self) -> None:
        costly = scoring.PrincipalAgent(
            beliefs=[[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]],
            action_distributions=[[0, 1, 0], [0.5, 0, 0.5]],
            costs=[0.0, 0.9],
            decisions=[[1, 0], [0, 1]],
        )
        with pytest.raises(IncompatiblePolicy, match=r"strictly prefers action 1, and the largest margin is -0\.5"):
            play(scoring.OSRA(), costly)

    def test_signals_that_change_with_others_efforts(self) -> None:
        world = shared_sign()
        leaky = np.array(world.observations)
        leaky[0, 1] = np.array([[[0.5, 0.5], [0, 0]]] * 2)  # agent 0 sees more when agent 1 looks
        world = scoring.HiringProblem(world.prior, leaky, world.costs, world.utility)
        message = r"HiringExploreThenCommit cannot play .*own reports.* agent 0 signals .* by 0\.5 with"
        with pytest.raises(IncompatiblePolicy, match=message):
            play([scoring.Oracle(), scoring.HiringExploreThenCommit()], world)

    def test_environments_are_told_by_their_class_and_not_by_its_name(self) -> None:
        fields = {"beliefs": TOY.beliefs, "action_distributions": TOY.action_distributions, "costs": TOY.costs}

        @scoring.environment
        class Finer(scoring.PrincipalAgent):
            pass

        policies = {"osra": scoring.OSRA(confidence_scale=0.01), "fixed": scoring.FixedRule(HALF)}
        same(play(policies, Finer(**fields, decisions=TOY.decisions)), play(policies))

        @scoring.environment
        class PrincipalAgent:
            n_arms = 3

            def game(self) -> Any:
                return TOY.game()

        assert np.isfinite(play(scoring.Oracle(), PrincipalAgent()).values("regret")).all()
        with pytest.raises(IncompatiblePolicy, match="it plays PrincipalAgent, and this is a PrincipalAgent"):
            play(scoring.OSRA(), PrincipalAgent())

    @pytest.mark.parametrize("wanted", [("PrincipalAgent",), scoring.PrincipalAgent, ()], ids=["name", "class", "none"])
    def test_environments_of_a_policy_are_classes(self, wanted: Any) -> None:
        @scoring.policy
        class Mine:
            environments = wanted

            def state(self, known: Any, horizon: int, rng: Any) -> None: ...

            def announce(self, state: Any, t: int) -> Any:
                return HALF

            def update(self, state: Any, seen: Any, t: int) -> None: ...

        with pytest.raises(InvalidType, match=r"Mine\.environments is .*; allowed: a tuple of classes of environments"):
            play(Mine())

    def test_metric_must_exist(self) -> None:
        with pytest.raises(InvalidArgument, match="metrics is 'reward'; allowed: one of 'regret', 'payment'"):
            play(metrics="reward")

    def test_start_says_why_not(self) -> None:
        with pytest.raises(InvalidType, match="policy is Oracle"):
            bl.start(scoring.Oracle(), n_arms=3)

    def test_misspelt_method(self) -> None:
        with pytest.raises(InvalidComponent, match=r"Wrong\.announce takes \(self, t\); allowed: exactly"):

            @scoring.policy
            class Wrong:
                def state(self, known: Any, horizon: int, rng: Any) -> None: ...

                def announce(self, t: int) -> None: ...

                def update(self, state: Any, seen: Any, t: int) -> None: ...


def test_users_own_policy_draws_its_own_luck() -> None:
    result = play(Coin(), n_runs=3, checkpoints=[60])
    assert len(np.unique(result.values("regret"))) > 1
    same(play(Coin(), n_runs=3, checkpoints=[60], n_jobs=2), result)


@scoring.policy
class Coin:
    """Pays everything or nothing, by coin."""

    def state(self, known: PrincipalKnows, horizon: int, rng: np.random.Generator) -> Any:
        return known, rng

    def announce(self, state: Any, t: int) -> NDArray[np.float64]:
        known, rng = state
        return (rng.random() < 0.5) * known.informed[2]

    def update(self, state: Any, seen: Any, t: int) -> None:
        pass


def test_a_memory_can_be_any_object() -> None:
    """Kernels' states are arrays; here a dict is as good, or an object whose attributes are set."""

    @scoring.policy
    class Remembers:
        """Counts its rounds twice."""

        def state(self, known: Any, horizon: int, rng: Any) -> Any:
            return types.SimpleNamespace(rounds=0, by_name={"rounds": 0}, offer=known.informed[-1])

        def announce(self, state: Any, t: int) -> Any:
            assert state.rounds == state.by_name["rounds"] == t - 1
            return state.offer

        def update(self, state: Any, seen: Any, t: int) -> None:
            state.rounds = t
            state.by_name["rounds"] += 1

    @scoring.policy
    class InADict:
        """Keeps its offer in a dict."""

        def state(self, known: Any, horizon: int, rng: Any) -> Any:
            return {"offer": known.informed[-1]}

        def announce(self, state: Any, t: int) -> Any:
            return state["offer"]

        def update(self, state: Any, seen: Any, t: int) -> None:
            state["seen"] = seen

    played = bl.run(TOY, [Remembers(), InADict()], horizon=5, n_runs=2, seed=0, n_jobs=1, progress=False)
    assert np.array_equal(played.values()[0], played.values()[1])


@scoring.policy
class InPlace:
    """Announces in turn two mechanisms: one array that it overwrites, or a new one each time."""

    one: Any = bl.field(doc="mechanism of odd rounds")
    two: Any = bl.field(doc="mechanism of even rounds")
    fresh: Any = bl.field(default=False, doc="whether to announce a new array each time")

    def state(self, known: Any, horizon: int, rng: Any) -> Any:
        return copy.deepcopy(self.one)

    def announce(self, state: Any, t: int) -> Any:
        now = self.one if t % 2 else self.two
        if self.fresh:
            return copy.deepcopy(now)
        if isinstance(state, Offer):
            for mine, new in zip((state[0], *state[1], state[2]), (now[0], *now[1], now[2]), strict=True):
                mine[:] = new
        else:
            state[:] = now
        return state

    def update(self, state: Any, seen: Any, t: int) -> None:
        pass


@scoring.policy
class Announces:
    """Announces the same thing for ever."""

    what: Any = bl.field(doc="anything")

    def state(self, known: Any, horizon: int, rng: Any) -> Any:
        return self.what

    def announce(self, state: Any, t: int) -> Any:
        return state

    def update(self, state: Any, seen: Any, t: int) -> None:
        pass


def offer(**changes: Any) -> Offer:
    best = HIRING.optimal()
    arrays = [np.array(best.recommendations), tuple(np.array(paid) for paid in best.payments), np.array(best.decisions)]
    return Offer(*arrays)._replace(**changes)


SHIRK = offer(recommendations=np.array([[1.0, 0.0], [0.0, 0.0]]))
WITH_NAN = np.where(np.arange(10).reshape(5, 2) == 3, np.nan, 0.25)


class TestAnnouncements:
    @pytest.mark.parametrize(
        ("environment", "one", "two"),
        [
            (TOY, np.array(HALF), np.array(TOY.optimal().payments)),
            (SENDERS, np.full((2, 2, 3), 1 / 3), np.array(SENDERS.optimal().decisions)),
            (HIRING, SHIRK, offer()),
        ],
        ids=["one agent", "senders", "several agents"],
    )
    def test_array_that_its_owner_overwrites_is_a_new_mechanism(self, environment: Any, one: Any, two: Any) -> None:
        found = play({"in place": InPlace(one, two), "fresh": InPlace(one, two, fresh=True)}, environment)
        for metric in METRICS:
            values = found.values(metric)
            np.testing.assert_array_equal(values[0], values[1], err_msg=metric)
        steps = np.diff(found.values("regret")[0, 0])
        assert np.ptp(steps) > 0.01  # the two mechanisms are told apart

    def test_lists_are_payments_too(self) -> None:
        same_numbers = {"list": Announces(HALF.tolist()), "array": Announces(HALF)}
        values = play(same_numbers).values("profit")
        np.testing.assert_array_equal(values[0], values[1])

    @pytest.mark.parametrize(
        ("environment", "what", "message"),
        [
            (TOY, WITH_NAN, r"announce\(state, t\)\[1\]\[1\] is nan; allowed: "),
            (TOY, HALF - 1.0, r"announce\(state, t\)\[0\]\[0\] is -0\.75; allowed: \[0, 1\]"),
            (TOY, 1e6 * HALF, r"announce\(state, t\)\[0\]\[0\] is 250000\.0; allowed: \[0, 1\]"),
            (TOY, HALF[:2], r"has the shape \(2, 2\); allowed: \(5, 2\)"),
            (TOY, None, r"announce\(state, t\) is None; allowed: an array \(5 x 2\) of payments"),
            (TOY, scoring.Brier(2), r"announce\(state, t\) is Brier.*; allowed: an array \(5 x 2\)"),
            (TOY, [[0.1], [0.1, 0.2]], r"different lengths"),
            (TOY, [["a", "b"]] * 5, r"allowed: an array with 2 axes of finite numbers"),
            (SENDERS, np.full((2, 2, 3), 0.5), r"announce\(state, t\)\[0\]\[0\] adds up to 1\.5; allowed: 1"),
            (SENDERS, np.full((2, 3), 1 / 3), r"allowed: an array with 3 axes"),
            (SENDERS, 0.5, r"announce\(state, t\) is 0\.5; allowed: an array \(2 x 2 x 3\) of probabilities"),
            (HIRING, HIRING.optimal(), r"allowed: a banditlab\.scoring\.hiring_games\.Offer"),
            (HIRING, offer(payments=offer().payments[:1]), r"payments is .*; allowed: a tuple of 2 arrays"),
            (HIRING, offer(payments=(offer().payments[0],) * 3), r"payments is .*; allowed: a tuple of 2 arrays"),
            (
                HIRING,
                offer(payments=tuple(9.0 + paid for paid in offer().payments)),
                r"payments\[0\]\[0\]\[0\]\[0\]\[0\]\[0\] is 9\.\d*; allowed: \[0, 1\]",
            ),
            (HIRING, offer(recommendations=np.full((2, 2), 0.5)), r"\.recommendations adds up to 2; allowed: 1"),
            (HIRING, offer(decisions=-offer().decisions), r"\.decisions.* is -1\.0; allowed: \[0, 1\]"),
        ],
        ids=[
            "nan", "negative", "too large", "shape", "none", "rule", "ragged", "text",
            "sums", "axes", "number",
            "mechanism", "one agent's", "three agents'", "payments", "recommendations", "decisions",
        ],
    )  # fmt: skip
    def test_what_is_no_mechanism_is_refused(self, environment: Any, what: Any, message: str) -> None:
        with pytest.raises(BanditlabError, match=message) as error:
            play(Announces(what), environment)
        assert error.value.__notes__[0].endswith("announced it in round t = 1 of run 0")

    def test_rounding_is_no_error(self) -> None:
        assert np.isfinite(play(Announces(HALF * 4.0 * (1.0 + 1e-12))).values("regret")).all()


class TestStore:
    def test_short_runs_share_a_file_and_long_ones_do_not(self, tmp_path: Any) -> None:
        fixed = {"fixed": POLICIES["fixed"]}
        options: dict[str, Any] = {"policies": fixed, "horizon": 1000, "n_runs": 45}
        stored = play(**options, store=tmp_path, n_jobs=2)
        names = sorted(file.stem[-21:] for file in tmp_path.glob("cells/*/runs-*.parquet"))
        assert names == ["0000000000-0000000019", "0000000020-0000000039", "0000000040-0000000044"]
        same(play(**options, store=tmp_path), stored)
        same(play(**options), stored)

    @pytest.mark.parametrize(("horizon", "runs"), [(10, 128), (1_000, 20), (9_000, 2), (20_000, 1), (10**6, 1)])
    def test_tasks_are_of_similar_length(self, horizon: int, runs: int) -> None:
        settings = experiment.Settings(0, 300, 0, "log", ("regret",), "cpu")
        job = settings.jobs({"toy": TOY}, {"fixed": POLICIES["fixed"]}, horizon)["toy", "fixed"]
        chunks = job.chunks(0, 300)
        assert {n for _, n in chunks[:-1]} == {runs}
        assert sum(n for _, n in chunks) == 300


class TestInterruption:
    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_returns_what_all_policies_have_finished(self, monkeypatch: pytest.MonkeyPatch, n_jobs: int) -> None:
        monkeypatch.setattr(ScoringProtocol, "chunk_rounds", 60)
        whole = play(n_runs=30, n_jobs=n_jobs)  # starts the processes: none is so late that the first run is unfinished
        seen = []

        def add(bar: Any, rounds: int) -> None:
            seen.append(rounds)
            if len(seen) == 60:
                raise KeyboardInterrupt

        monkeypatch.setattr(runner.Progress, "add", add)
        with pytest.warns(InterruptedRunWarning, match=r"the result holds the \d+ of 30 runs"):
            part = play(n_runs=30, n_jobs=n_jobs)
        assert 0 < part.n_runs <= 12
        same(part, whole)
        assert all(rounds == 60 for rounds in seen)  # progress is told run by run

    def test_real_signal_stops_processes_soon(self) -> None:
        code = (
            "import signal\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job inherits it ignored
            "import warnings, banditlab as bl\n"
            "from banditlab import scoring\n"
            "from tests.scoring.played import TOY\n"
            "warnings.simplefilter('ignore')\n"
            "add = bl.core.playing.jobs.EveryRun.add\n"
            "def told(gatherer, first_run, values):\n"
            "    add(gatherer, first_run, values)\n"
            "    print(first_run, flush=True)\n"
            "bl.core.playing.jobs.EveryRun.add = told\n"
            "r = bl.run(TOY, scoring.Oracle(), horizon=1000, n_runs=10**5, seed=0, n_jobs=2, progress=False)\n"
            "print(r.n_runs)\n"
        )
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", code]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
            try:
                assert child.stdout is not None
                chunks: list[int] = []
                while len(chunks) < 4 or 0 not in chunks[:-1]:  # both processes play, and the first runs are counted
                    chunks.append(int(child.stdout.readline()))
                child.send_signal(signal.SIGINT)
                out, _ = child.communicate(timeout=60)
            finally:
                child.kill()
        assert child.returncode == 0
        assert 0 < int(out.split()[-1]) < 10**5
