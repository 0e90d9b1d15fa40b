"""The linear program of the optimal incentive-compatible mechanism for informed senders."""

from __future__ import annotations

import itertools
import math

import numpy as np

from banditlab.core.errors import BanditlabError

from .live import LiveProgram
from .simplex import Floats


class AcquisitionProgram:
    """The program of `InformationAcquisition.optimal`, for probabilities and utilities that change.

    Maximise sum_s sum_a phi(a | s) w_0(s, a) over decision rules phi such that, for every sender i and signals s_i and
    s_i', sum_(s_-i) sum_a [phi(a | s) - phi(a | s_i', s_-i)] w_i(s, a) >= -slack. Probabilities and utilities enter
    only through the worths w(s, a) = sum_theta p(theta) P(s | theta) u(a, theta), w_0 being the receiver's and w_i
    sender i's.

    Parameters
    ----------
    n_signals : tuple of int
        Number of signals of each sender.
    n_decisions : int
        Number of decisions.

    Examples
    --------
    >>> import numpy as np
    >>> from banditlab.scoring.acquisition_program import AcquisitionProgram
    >>> program = AcquisitionProgram((2,), 2)
    >>> receiver, sender = np.array([[0.6, 0.0], [0.0, 0.4]]), np.array([[0.0, 0.6], [0.0, 0.4]])
    >>> float((program.solve(np.stack([receiver, receiver]), 0.0) * receiver).sum())
    1.0
    >>> float((program.solve(np.stack([receiver, sender]), 0.0) * receiver).sum())
    0.6
    """

    def __init__(self, n_signals: tuple[int, ...], n_decisions: int) -> None:
        self._shape = (*n_signals, n_decisions)
        variables = np.arange(math.prod(self._shape)).reshape(self._shape)
        # one row per sender, signal and lie: minus what the truth is worth, plus what the lie is, at the true signal
        columns, worths, senders = [], [], []
        for i, n in enumerate(n_signals):
            for own, lie in itertools.permutations(range(n), 2):
                truth, lied = variables.take(own, axis=i).ravel(), variables.take(lie, axis=i).ravel()
                columns.append(np.concatenate([truth, lied]))
                worths.append((1 + i) * variables.size + np.stack([truth, truth]))
                senders.append(i)
        sums = variables.reshape(-1, n_decisions)
        starts = np.cumsum([0, *(len(row) for row in columns), *[n_decisions] * len(sums)])
        self._n_lies, self._senders = len(columns), np.array(senders, dtype=np.intp)
        self._worths = np.concatenate([pair.ravel() for pair in worths]) if worths else np.zeros(0, dtype=np.intp)
        self._signs = np.concatenate([np.repeat([-1.0, 1.0], pair.shape[1]) for pair in worths] or [np.zeros(0)])
        self._program = program = LiveProgram(variables.size, starts, np.concatenate([*columns, sums.ravel()]))
        program.lower[:], program.upper[:] = 0.0, 1.0
        program.entries[len(self._worths) :] = 1.0
        program.row_lower[self._n_lies :] = program.row_upper[self._n_lies :] = 1.0

    @property
    def n_solves(self) -> int:
        """How many programs have been solved."""
        return self._program.n_solves

    def solve(self, worths: Floats, slack: float, *, warm: bool = True) -> Floats:
        """Return the optimal phi(a | s).

        Parameters
        ----------
        worths : float64 array (1 + n_senders, n_signals[0], ..., n_decisions)
            w(s, a), the receiver's first.
        slack : float
            How much a sender may gain by a lie about one signal, weighted by its probability.
        warm : bool, default True
            Start from the last optimal basis.

        Returns
        -------
        float64 array (n_signals[0], ..., n_decisions)
        """
        program = self._program
        # The solver's tolerances are absolute, so everybody's worths are put in units of their own largest.
        flat = worths.reshape(len(worths), -1)
        units = np.abs(flat).max(axis=1)
        units[units == 0.0] = 1.0
        scaled = flat / units[:, None]
        program.entries[: len(self._worths)] = self._signs * scaled.ravel()[self._worths]
        program.row_upper[: self._n_lies] = slack / units[1:][self._senders]
        program.cost[:] = -scaled[0]
        found = program.solve(warm=warm)
        if found.status != "optimal":
            raise BanditlabError(f"the program for the optimal mechanism ended with: {found.status}")
        phi = np.clip(found.x, 0.0, 1.0).reshape(self._shape)
        decided: Floats = phi / phi.sum(axis=-1, keepdims=True)
        return decided
