"""Arms that adapt their click rates, epoch after epoch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.errors import InterruptedRunWarning
from banditlab.core.playing.progress import Progress
from banditlab.core.validation import between, integer, one_of, positive, positive_integer

from .evaluation import BLOCK, Arena, arena, candidate_rates, starting_strategies

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

METHODS = ("gradient", "best_response")


@dataclass(frozen=True, eq=False)
class Dynamics:
    """How strategies, utilities and regret evolved, epoch by epoch.

    Attributes
    ----------
    strategies : float64 array of shape (repetitions, epochs, arms)
        The click rates that were played in each epoch; the first are the start.
    utilities : float64 array of the same shape
        Expected clicks of each arm in a run at these strategies, estimated by roll-outs.
    regret : float64 array of shape (repetitions, epochs)
        The learner's regret at the horizon, at these strategies, estimated by the same roll-outs. Strategic regret is
        the regret at equilibria (see `strategic_regret`).
    environment, policy : components
        What was played (except for its strategies), and by which mechanism.
    horizon, seed : int
        Rounds per run; the seed.

    Examples
    --------
    >>> from banditlab import clicks
    >>> env = clicks.StrategicClickBandit([0.6, 0.4], strategies=[0.5, 0.5])
    >>> path = clicks.dynamics(env, clicks.MuOracle(), epochs=3, horizon=100, n_runs=2, seed=0)
    >>> path
    <Dynamics: MuOracle(), 2 repetitions, 3 epochs, 2 arms, horizon 100>
    >>> path.strategies.shape, path.final.round(3).tolist()
    ((2, 3, 2), [[0.6, 0.5], [0.6, 0.5]])
    """

    strategies: NDArray[np.float64]
    utilities: NDArray[np.float64]
    regret: NDArray[np.float64]
    environment: Any
    policy: Any
    horizon: int
    seed: int

    @property
    def final(self) -> NDArray[np.float64]:
        """The strategies of the last epoch, one row per repetition."""
        return self.strategies[:, -1]

    def __repr__(self) -> str:
        """Return the sizes."""
        n, epochs, k = self.strategies.shape
        return f"<Dynamics: {self.policy!r}, {n} repetitions, {epochs} epochs, {k} arms, horizon {self.horizon}>"

    def to_pandas(self) -> pd.DataFrame:
        """Return a tidy table: repetition, epoch (0 is the start), arm, strategy, utility, and the epoch's regret.

        Examples
        --------
        >>> from banditlab import clicks
        >>> env = clicks.StrategicClickBandit([0.6, 0.4], strategies=[0.5, 0.5])
        >>> path = clicks.dynamics(env, clicks.MuOracle(), epochs=3, horizon=100, n_runs=2, seed=0)
        >>> frame = path.to_pandas()
        >>> frame.columns.tolist(), len(frame) == 2 * 3 * 2
        (['repetition', 'epoch', 'arm', 'strategy', 'utility', 'regret'], True)
        """
        import pandas as pd

        n, epochs, k = self.strategies.shape
        repetition, epoch, arm = (axis.ravel() for axis in np.indices((n, epochs, k)))
        columns = {"repetition": repetition, "epoch": epoch, "arm": arm}
        columns |= {"strategy": self.strategies.ravel(), "utility": self.utilities.ravel()}
        return pd.DataFrame(columns | {"regret": np.repeat(self.regret.ravel(), k)})

    def plot(
        self,
        what: str = "strategies",
        *,
        ax: Axes | None = None,
        label: str | None = None,
        level: float = 0.95,
        n_resamples: int = 1000,
    ) -> Axes:
        """Draw strategies, utilities or regret over epochs.

        Parameters
        ----------
        what : {'strategies', 'utilities', 'regret'}, default 'strategies'
            Click rates, one line per arm, with the desired ones dotted; clicks per arm; or the learner's regret.
        ax : matplotlib.axes.Axes, optional
            Where to draw; default new Axes.
        label, level, n_resamples : optional
            As in `banditlab.plotting.plot_dynamics`: what the legend says, level and resamples of the bands.

        Returns
        -------
        matplotlib.axes.Axes

        Examples
        --------
        >>> from banditlab import clicks
        >>> env = clicks.StrategicClickBandit([0.6, 0.4], strategies=[0.5, 0.5])
        >>> path = clicks.dynamics(env, clicks.MuOracle(), epochs=3, horizon=100, n_runs=2, seed=0)
        >>> again = clicks.dynamics(env, clicks.MuOracle(), epochs=3, horizon=100, n_runs=2, seed=1)
        >>> ax = again.plot("regret", ax=path.plot("regret", label="seed 0"), label="seed 1")
        >>> [text.get_text() for text in ax.get_legend().get_texts()]
        ['seed 0', 'seed 1']
        """
        from banditlab import plotting

        return plotting.plot_dynamics(self, what, ax=ax, label=label, level=level, n_resamples=n_resamples)


def dynamics(
    environment: Any,
    policy: Any,
    start: Any = None,
    epochs: int = 21,
    *,
    horizon: int = 50_000,
    n_runs: int = 10,
    n_rollouts: int = 5,
    method: str = "gradient",
    step: float = 1.0,
    max_step: float = 0.05,
    epsilon: float = 0.02,
    grid: Any = 41,
    seed: int | None = None,
    n_jobs: int | None = None,
    progress: Any = "auto",
) -> Dynamics:
    r"""Let arms adapt their click rates to a mechanism, epoch after epoch.

    With `method='gradient'`, in epoch e = 0, 1, ... every arm i estimates, by a central difference, how its expected
    clicks per round change with its click rate, and all arms move at once:

    .. math:: s_i \leftarrow s_i + \frac{\eta}{e + 1} \cdot \frac{v_i(s_i + \epsilon, s_{-i}) - v_i(s_i - \epsilon,
        s_{-i})}{2 \epsilon T}

    with the move limited to :math:`\pm` `max_step` and the result to [0, 1]. The step must decay: a constant one
    oscillates. With `method='best_response'` the arms take turns within an epoch: each plays the best of a grid of
    click rates against what the others now play, and stays where it is unless another rate is better.

    All click rates compared within an epoch are played on the same luck (common random numbers), so that few roll-outs
    are enough for the differences between them.

    Parameters
    ----------
    environment : clicks environment
        Means, rewards and utility; its strategies are the default start.
    policy : clicks policy
        The mechanism.
    start : {'truthful', 'inflated', 'random'}, or sequence of float, optional
        :math:`s^*(\mu_i)`; :math:`\min(1, s^*(\mu_i) + 0.2)`; uniform on [0, 1], different for each repetition; or one
        click rate per arm, or one row of them per repetition. Default: the environment's strategies.
    epochs : int, default 21
        Epochs played; the arms move between them.
    horizon : int, default 50,000
        Rounds per run (T).
    n_runs : int, default 10
        Independent repetitions of the whole.
    n_rollouts : int, default 5
        Runs over which a strategy profile's utilities are averaged.
    method : {'gradient', 'best_response'}, default 'gradient'
        How arms adapt.
    step, max_step, epsilon : float, default 1.0, 0.05 and 0.02
        :math:`\eta`, the largest move, and :math:`\epsilon`: defaults are ours; the paper's were not available. At a
        cliff, such as where UCB-S begins to screen, slopes are so steep that every move is the largest one, which does
        not decay: an arm then goes to and fro around the cliff, as far from it as `max_step`. A smaller one brings it
        closer, in more epochs; an average over the last epochs does not depend on which side the last one was.
    grid : int or sequence of float, default 41
        Click rates tried by a best response: a number of them, evenly spaced on [0, 1], or the rates themselves.
    seed : int, optional
        As in `banditlab.run`.
    n_jobs : int, optional
        Threads; default all cores. The numbers do not depend on it.
    progress : {'auto', True, False}, default 'auto'
        Whether to show a progress bar.

    Returns
    -------
    Dynamics
        Strategies, utilities and regret of every epoch.

    Warns
    -----
    InterruptedRunWarning
        When interrupted: the result then holds the epochs that had finished.

    Notes
    -----
    The paper lets arms take repeated approximate gradient steps against the mechanism over epochs. Its settings were
    not available: 20 epochs and 10 runs are those of the authors' later work on contextual bandits (arXiv:2406.00551);
    :math:`T = 50{,}000` is reconstructed, the roll-outs and steps are ours. If all arms start far enough from what
    UCB-S wants (all at 1, for example), all are screened, play is uniform, the gradient of an arm is that of :math:`T
    s_i / K`, and no small step brings it back.

    References
    ----------
    Buening, Saha, Dimitrakakis, Xu (2024), arXiv:2311.15647.

    Examples
    --------
    >>> from banditlab import clicks
    >>> env = clicks.StrategicClickBandit([0.6, 0.4], strategies=[0.5, 0.5])
    >>> path = clicks.dynamics(
    ...     env, clicks.MuOracle(), [0.5, 0.5], epochs=4, horizon=1_000, n_runs=2, seed=0
    ... )
    >>> # an oracle that looks at means only invites the best arm to cheat
    >>> path.strategies[0].round(3).tolist()
    [[0.5, 0.5], [0.55, 0.5], [0.6, 0.5], [0.65, 0.5]]
    """
    one_of(*METHODS)("method", method)
    epochs = positive_integer("epochs", epochs)
    n_runs, n_rollouts = (
        integer(1, limit=2**20)(name, value) for name, value in (("n_runs", n_runs), ("n_rollouts", n_rollouts))
    )
    adapting = Adapting(
        method=method,
        n_rollouts=n_rollouts,
        step=positive("step", step),
        max_step=positive("max_step", max_step),
        epsilon=between(1e-6, 0.5)("epsilon", epsilon),
        rates=candidate_rates(grid),
    )
    game = arena(environment, policy, horizon, seed, n_jobs, Progress(0, False))
    first = environment.strategies if start is None else start
    s = starting_strategies(first, environment, n_runs, game.seed)
    path: list[tuple[NDArray[np.float64], ...]] = []
    with Progress(epochs * adapting.lanes(game, n_runs) * game.horizon, progress) as bar:
        bar.say(f"{policy.label} among arms that adapt")
        try:
            for epoch in play_dynamics(game.showing(bar), adapting, s, epochs):
                path.append(epoch)  # noqa: PERF402 - so that what was done before an interruption is there
        except KeyboardInterrupt:
            if not path:
                raise
            warnings.warn(
                f"interrupted: the result holds the {len(path)} of {epochs} epochs that had finished",
                InterruptedRunWarning,
                stacklevel=2,
            )
    strategies, utilities, regrets = (np.stack(parts, axis=1) for parts in zip(*path, strict=True))
    return Dynamics(strategies, utilities, regrets, environment, policy, game.horizon, game.seed)


@dataclass(frozen=True)
class Adapting:
    """How arms adapt; the fields are the arguments of `dynamics`."""

    method: str
    n_rollouts: int
    rates: NDArray[np.float64]
    step: float = 1.0
    max_step: float = 0.05
    epsilon: float = 0.02

    def lanes(self, game: Arena, n_runs: int) -> int:
        """Return how many runs an epoch plays."""
        k = game.n_arms
        probes = 2 * k + 1 if self.method == "gradient" else k * (len(self.rates) + 1) + 1
        return n_runs * self.n_rollouts * probes


def play_dynamics(
    game: Arena, adapting: Adapting, s: NDArray[np.float64], epochs: int
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
    """Yield strategies, utilities and regret, one row per repetition, of epoch after epoch."""
    n_runs, rollouts = len(s), adapting.n_rollouts
    for epoch in range(epochs):
        # the luck of a repetition does not depend on how many others there are
        luck = np.arange(n_runs)[:, None] * BLOCK + epoch * rollouts + np.arange(rollouts)
        if adapting.method == "gradient":
            clicks, regret, slopes = _slopes(game, s, luck, adapting.epsilon)
            yield s, clicks, regret
            move = np.clip(adapting.step / (epoch + 1) * slopes, -adapting.max_step, adapting.max_step)
            s = np.clip(s + move, 0.0, 1.0)
        else:
            counts, lost = game.play(np.repeat(s[:, None], rollouts, axis=1), luck)
            yield s, counts.mean(axis=1), lost.mean(axis=1)
            if epoch + 1 < epochs:
                s = _responses(game, s, luck, adapting.rates)


def _slopes(
    game: Arena, s: NDArray[np.float64], luck: NDArray[np.int64], epsilon: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return utilities and regret at profiles (one row per repetition), and each arm's slope in clicks per round."""
    k = game.n_arms
    game.check_room("n_rollouts", luck.shape[1], len(s) * (2 * k + 1))
    probes = np.repeat(s[:, None, :], 2 * k + 1, axis=1)
    for arm in range(k):
        probes[:, 1 + 2 * arm, arm] = np.minimum(s[:, arm] + epsilon, 1.0)
        probes[:, 2 + 2 * arm, arm] = np.maximum(s[:, arm] - epsilon, 0.0)
    lanes = np.repeat(probes[:, :, None, :], luck.shape[1], axis=2)
    clicks, regret = game.play(lanes, luck[:, None, :])
    value = clicks.mean(axis=2)
    arms = np.arange(k)
    up, down = value[:, 1 + 2 * arms, arms], value[:, 2 + 2 * arms, arms]
    run = probes[:, 1 + 2 * arms, arms] - probes[:, 2 + 2 * arms, arms]
    return value[:, 0], regret[:, 0].mean(axis=1), (up - down) / (run * game.horizon)


def _responses(
    game: Arena, s: NDArray[np.float64], luck: NDArray[np.int64], rates: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the profiles after each arm in turn has played the best of the grid against the others."""
    game.check_room("n_rollouts", luck.shape[1], len(s) * (len(rates) + 1))
    s = s.copy()
    for arm in range(game.n_arms):
        probes = np.repeat(s[:, None, :], len(rates) + 1, axis=1)
        probes[:, 1:, arm] = rates  # probe 0, the first among equals, is to stay
        lanes = np.repeat(probes[:, :, None, :], luck.shape[1], axis=2)
        clicks, _ = game.play(lanes, luck[:, None, :])
        best = np.argmax(clicks[..., arm].mean(axis=2), axis=1)
        s[:, arm] = probes[np.arange(len(s)), best, arm]
    return s
