"""Plays one library's experiments, with the Python of that library's environment, where banditlab is not installed.

Reads a job a line from standard input, plays it, and answers with a line of JSON: the regret of each run, and the
processor and wall seconds that it took. A job names the case, the number of runs, the horizon, the seed, the problem.
Every function below plays as the library's own documentation does, and returns the final expected regret of each run.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Job = dict[str, Any]


def banditlab(job: Job) -> list[float]:
    import banditlab as bl
    from banditlab import arms, dueling

    policy = {
        "ucb1": arms.UCB1,
        "thompson": arms.ThompsonSampling,
        "rucb": dueling.RUCB,
        "dts": dueling.DoubleThompsonSampling,
        "winner-stays": dueling.WinnerStaysWeak,
    }[job["case"]]()
    duels = "preferences" in job
    world = dueling.PreferenceMatrix(np.array(job["preferences"])) if duels else arms.Bernoulli(job["means"])
    sizes = {"horizon": job["horizon"], "n_runs": job["n_runs"], "seed": job["seed"]}
    result = bl.run(world, policy, **sizes, n_jobs=1, progress=False)
    return result.values("average_regret" if duels else "regret")[0, :, -1].tolist()


def smpybandits(job: Job) -> list[float]:
    from SMPyBandits.Arms import Bernoulli
    from SMPyBandits.Environment import Evaluator
    from SMPyBandits.Policies import UCB, Thompson

    np.random.seed(job["seed"])  # noqa: NPY002 - it draws from the global generators
    random.seed(job["seed"])
    evaluator = Evaluator(
        {
            "horizon": job["horizon"],
            "repetitions": job["n_runs"],
            "n_jobs": 1,
            "verbosity": 0,
            "environment": [{"arm_type": Bernoulli, "params": job["means"]}],
            "policies": [{"archtype": {"ucb1": UCB, "thompson": Thompson}[job["case"]], "params": {}}],
        }
    )
    evaluator.startAllEnv()
    return (_gaps(job) @ evaluator.lastPulls[0][0]).tolist()


NATIVE: list[float] = []  # processor seconds inside pymab's compiled loop, one a job


def pymab(job: Job) -> list[float]:
    from pymab import BanditEnvironment, BernoulliReward, Experiment, ExperimentConfig, simulation
    from pymab.policies import BernoulliThompsonSamplingPolicy, UCBPolicy

    if not NATIVE:  # the first job: from now on the compiled part of an experiment is timed as well
        simulation.run_native_experiment = _timed(simulation.run_native_experiment)
    policy = {"ucb1": UCBPolicy, "thompson": BernoulliThompsonSamplingPolicy}[job["case"]]
    sizes = {"horizon": job["horizon"], "n_replicates": job["n_runs"], "seed": job["seed"]}
    result = Experiment(
        environment=BanditEnvironment(means=np.array(job["means"]), reward_model=BernoulliReward()),
        policies={"policy": policy(n_arms=len(job["means"]))},
        config=ExperimentConfig(**sizes, backend="rust"),
    ).run()
    return result.regret[:, :, 0].sum(axis=1).tolist()


def _timed(function: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*args: Any, **kwargs: Any) -> Any:
        started = time.process_time()
        result = function(*args, **kwargs)
        NATIVE.append(time.process_time() - started)
        return result

    return timed


def mabby(job: Job) -> list[float]:
    from mabby import BernoulliArm, Metric, Simulation
    from mabby.strategies import BetaTSStrategy, UCB1Strategy

    found = []
    rng = np.random.default_rng(job["seed"])
    for _ in range(job["n_runs"]):  # one trial a simulation, as its statistics are means over trials
        strategy = UCB1Strategy(alpha=2.0**0.5) if job["case"] == "ucb1" else BetaTSStrategy()
        simulation = Simulation(BernoulliArm.bandit(p=job["means"], rng=rng), strategies=[strategy], rng=rng)
        statistics = simulation.run(trials=1, steps=job["horizon"], metrics=[Metric.CUM_REGRET])
        found.append(float(statistics[simulation.agents[0]][Metric.CUM_REGRET][-1]))
    return found


def mabwiser(job: Job) -> list[float]:
    from mabwiser.mab import MAB, LearningPolicy

    found = []
    rng = np.random.default_rng(job["seed"])
    means, gaps = np.array(job["means"]), _gaps(job)
    arms = list(range(len(means)))
    for run in range(job["n_runs"]):
        ucb1 = job["case"] == "ucb1"
        learning = LearningPolicy.UCB1(alpha=1.0) if ucb1 else LearningPolicy.ThompsonSampling()
        mab = MAB(arms=arms, learning_policy=learning, seed=job["seed"] + run)
        first = arms if ucb1 else [int(rng.integers(len(arms)))]  # a model is fitted before it predicts
        mab.fit(first, [int(rng.random() < means[arm]) for arm in first])
        regret = float(gaps[first].sum())
        for _ in range(job["horizon"] - len(first)):
            arm = mab.predict()
            mab.partial_fit([arm], [int(rng.random() < means[arm])])
            regret += gaps[arm]
        found.append(float(regret))
    return found


def duelpy(job: Job) -> list[float]:
    from duelpy.algorithms import DoubleThompsonSampling, RelativeUCB, WinnerStaysWeakRegret, relative_ucb
    from duelpy.feedback import MatrixFeedback
    from duelpy.stats.metrics import AverageRegret, Cumulative
    from duelpy.util.feedback_decorators import MetricKeepingFeedbackMechanism

    class Signed(MatrixFeedback):
        """Answers 1 or -1, where the library's own answer is true or false."""

        def duel(self, arm_i_index: int, arm_j_index: int) -> int:
            return 1 if super().duel(arm_i_index, arm_j_index) else -1

    class Column(DoubleThompsonSampling):
        """Its second arm by the chances of others against the first arm, not of the first against others."""

        def _choose_second_candidate(self, champion: int) -> int:
            lower = self.preference_estimate.get_lower_estimate_matrix().preferences[:, champion]
            sample = self.preference_estimate.sample_preference_matrix(self.random_state).preferences[:, champion]
            return int(np.argmax(np.where(lower <= 0.5, sample, -1.0)))

    excluding = relative_ucb.argmax_set

    def not_excluding(values: np.ndarray, excluded: list[int]) -> np.ndarray:
        """Return the arms with the largest value, an excluded one only if it is the only one."""
        largest = excluding(values)
        return np.setdiff1d(largest, excluded) if len(largest) > 1 else largest

    if job["case"] == "rucb-signed-itself":
        relative_ucb.argmax_set = not_excluding
    feedback = Signed if job["case"].startswith("rucb-signed") else MatrixFeedback
    algorithm = {
        "rucb": RelativeUCB,
        "rucb-signed": RelativeUCB,
        "rucb-signed-itself": RelativeUCB,
        "dts": DoubleThompsonSampling,
        "dts-column": Column,
        "winner-stays": WinnerStaysWeakRegret,
    }[job["case"]]
    matrix = np.array(job["preferences"])
    found = []
    for run in range(job["n_runs"]):
        state = np.random.RandomState(job["seed"] + run)
        metrics = {"regret": Cumulative(AverageRegret(matrix))}
        world = feedback(matrix, random_state=state)
        kept = MetricKeepingFeedbackMechanism(world, metrics=metrics, sample_interval=job["horizon"])
        algorithm(kept, time_horizon=job["horizon"], random_state=state).run()
        found.append(float(kept.results["regret"][-1]))
    relative_ucb.argmax_set = excluding
    return found


def _gaps(job: Job) -> np.ndarray:
    return max(job["means"]) - np.array(job["means"])


PLAYERS = {
    "banditlab": banditlab,
    "SMPyBandits": smpybandits,
    "pymab": pymab,
    "mabby": mabby,
    "MABWiser": mabwiser,
    "duelpy": duelpy,
}


def main() -> None:
    play = PLAYERS[sys.argv[1]]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for line in sys.stdin:
        job = json.loads(line)
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # progress and greetings
            wall, processor = time.perf_counter(), time.process_time()
            regrets = play(job)
            processor, wall = time.process_time() - processor, time.perf_counter() - wall
        answer = {"regrets": regrets, "processor": processor, "wall": wall}
        print(json.dumps(answer | ({"native": NATIVE[-1]} if NATIVE else {})), flush=True)


if __name__ == "__main__":
    main()
