"""A contextual policy as an object that plays one round at a time, with real features and comparisons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from banditlab.core.compiling.kernels import explained, kernel
from banditlab.core.components import make_state
from banditlab.core.errors import InvalidArgument, InvalidType, OutOfTurn
from banditlab.core.validation import matrix, shown

from ..agent import DuelingAgent
from .kernel import choose_arms, learn, write_estimate
from .spaces import LARGEST_FEATURE, ContextualProblem, ContextualSpace

FEATURES = matrix(-LARGEST_FEATURE, LARGEST_FEATURE)


class ContextualAgent(DuelingAgent):
    """Plays a contextual policy one round at a time.

    Made by `banditlab.start`. The first `select` fixes the number of features. The choices are those of run `run` of a
    simulation with the same seed, as long as it sees the same features and the same arms win. (Where a simulation's
    arms never change, policies share sums between equal rounds, and rounding differs in the last digits.)

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import dueling
    >>> agent = bl.start(dueling.MaxInP(), n_arms=3, seed=0, horizon=1000)
    >>> # one row per arm; it can change from round to round
    >>> features = [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]
    >>> first, second = agent.select(features)
    >>> agent.update((first, second), first_won=True)
    >>> agent.estimate.shape
    (2,)
    """

    _choose_kernel: ClassVar[Callable[..., Any]] = staticmethod(choose_arms)
    _learn_kernel: ClassVar[Callable[..., Any]] = staticmethod(learn)

    def _prepare(self) -> None:
        """Wait for the first features."""
        if self._horizon is None:
            self._set_dimension(1)  # a policy that needs the horizon says so now, and not at the first select
        self._set_dimension(0)

    def _set_dimension(self, dimension: int) -> None:
        """Make the state for a number of features; 0 means not known yet."""
        space = ContextualSpace(self.n_arms, 1, self._horizon, dimension, fixed=False)
        if dimension:
            self._params = self.policy.params(ContextualProblem(self.n_arms, self._horizon, dimension))
            self._choose = kernel(self._choose_kernel, self._params)
            self._learn = kernel(self._learn_kernel, self._params)
        self._arrays = make_state(self.policy if dimension else None, space)
        self._dimension = dimension
        self._features = np.zeros((self.n_arms, dimension, 1))

    def select(self, features: Any) -> tuple[int, int]:  # type: ignore[override]
        """Return the arms to compare in this round.

        Parameters
        ----------
        features : (K, d) array
            The feature vector of each arm in this round, one row per arm.

        Returns
        -------
        tuple of two ints
            The arms.

        Raises
        ------
        OutOfTurn
            If the last choice has no `update` yet, or after the horizon.
        """
        self._check_turn()
        checked = self._checked_features(features)
        if not self._dimension:
            self._set_dimension(checked.shape[1])
        self._features[:, :, 0] = checked
        with explained(self.policy):
            self._pending = self._chosen()
        return self._pending

    def _chosen(self) -> tuple[int, int]:
        chosen = np.zeros(2, np.int64)
        self._choose(self._params, self._arrays, self._features, self._round, self._rng, chosen)
        return int(chosen[0]), int(chosen[1])

    def _checked_features(self, features: Any) -> NDArray[np.float64]:
        found: NDArray[np.float64] = FEATURES("features", features)
        if len(found) != self.n_arms:
            raise InvalidArgument(f"features has {len(found)} rows; allowed: {self.n_arms}, one per arm")
        if self._dimension and found.shape[1] != self._dimension:
            raise InvalidArgument(
                f"features has {found.shape[1]} columns; allowed: {self._dimension}, as in the first round"
            )
        return found

    def _taught(self, *feedback: Any) -> None:
        super()._taught(self._features, *feedback)

    @property
    def estimate(self) -> NDArray[np.float64]:
        r"""The policy's estimate :math:`\hat\theta` of the unknown parameter; NaN if it does not estimate it.

        A float64 array (d,).

        Raises
        ------
        OutOfTurn
            Before the first `select`, which determines d.
        """
        if not self._dimension:
            raise OutOfTurn("estimate was read before the first select; allowed: after it, when d is known")
        theta = np.zeros((self._dimension, 1))
        kernel(write_estimate, self._params)(self._params, self._arrays, theta)
        return theta[:, 0]

    def _everything(self) -> dict[str, Any]:
        return super()._everything() | {"features": self._features[:, :, 0]}

    def _continue_from(self, saved: dict[str, Any]) -> None:
        features = saved.get("features") if isinstance(saved, dict) else None
        if not isinstance(features, np.ndarray) or features.ndim != 2 or len(features) != self.n_arms:
            raise InvalidType(f"state is {shown(saved)}; allowed: the state of another agent for as many arms")
        if features.shape[1]:
            features = FEATURES("state['features']", features)
        before = self.__dict__.copy()
        try:
            if features.shape[1] != self._dimension:
                self._set_dimension(features.shape[1])
            super()._continue_from(saved)
        except BaseException:
            self.__dict__.update(before)  # a state that is refused changes nothing
            raise
        self._features[:, :, 0] = features
