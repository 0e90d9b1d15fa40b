"""CVaR and quantiles of finite distributions, exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InvalidArgument
from .validation import LARGEST, invalid

SLACK = 1e-12
"""How much cumulative probabilities may lack by rounding."""


def _numbers(name: str, value: ArrayLike, allowed: str) -> NDArray[np.float64]:
    """Return a float64 array, or raise if there is no such array."""
    try:
        found = np.asarray(value)
    except ValueError as error:  # rows of different lengths
        raise invalid(name, value, allowed) from error
    if found.dtype.kind not in "biuf":  # complex numbers would lose a part, and texts be read as numbers
        raise invalid(name, value, allowed)
    with np.errstate(over="ignore"):  # what does not fit becomes infinite, and is refused as such
        return found.astype(np.float64)


def _sorted(values: ArrayLike, weights: ArrayLike | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return values and probabilities in increasing order of values, both of one shape."""
    x = _numbers("values", values, "finite numbers, rows of one length")
    if x.ndim == 0 or x.shape[-1] == 0:
        raise invalid("values", values, "an array with at least one value on its last axis")
    if not np.isfinite(x).all():
        raise invalid("values", values, "finite numbers")
    if weights is None:
        return np.sort(x, axis=-1), np.full(x.shape, 1.0 / x.shape[-1])
    w = _numbers("weights", weights, "non-negative finite numbers, rows of one length")
    if not (np.isfinite(w).all() and (w >= 0.0).all()):
        raise invalid("weights", weights, "non-negative finite numbers")
    try:
        x, w = np.broadcast_arrays(x, w)
    except ValueError as error:
        raise InvalidArgument(f"weights has shape {w.shape}; allowed: one weight per value, {x.shape}") from error
    largest = w.max(axis=-1, keepdims=True)
    if not (largest > 0.0).all():
        raise invalid("weights", weights, "a positive sum")
    if largest.max() > LARGEST:
        w = w / largest  # their sum could be infinite
    order = np.argsort(x, axis=-1, kind="stable")
    w = w / w.sum(axis=-1, keepdims=True)
    return np.take_along_axis(x, order, -1), np.take_along_axis(w, order, -1)


def _levels(tau: ArrayLike) -> NDArray[np.float64]:
    allowed = "a number in [0, 1], or a flat sequence of them"
    levels = _numbers("tau", tau, allowed)
    if levels.ndim > 1 or levels.size == 0 or not ((levels >= 0.0) & (levels <= 1.0)).all():
        raise invalid("tau", tau, allowed)
    return levels


def cvar(values: ArrayLike, tau: ArrayLike, weights: ArrayLike | None = None) -> Any:
    r"""Return the conditional value at risk of finite distributions: the mean of the worst share.

    .. math:: \mathrm{CVaR}_\tau(X) = \max_b \left\{ b - \tfrac{1}{\tau} E[(b - X)^+] \right\}

    Values are rewards, and the tail is the lower one: :math:`\tau = 1` gives the mean, :math:`\tau = 0` the smallest
    value of positive probability (the limit). An atom that straddles the level counts with the part that is below it.

    Parameters
    ----------
    values : array_like, shape (..., n)
        The last axis runs over a distribution's values; they need not be sorted or distinct.
    tau : float or flat sequence of float
        Level or levels, in [0, 1].
    weights : array_like, broadcastable to the shape of values, optional
        How likely each value is, up to a factor; default: all equally likely.

    Returns
    -------
    float or float64 array
        Of the shape of `values` without its last axis, followed by the shape of `tau`.

    Raises
    ------
    InvalidArgument
        For values that are not finite, negative weights, or levels outside [0, 1].

    References
    ----------
    Rockafellar, Uryasev (2000), Optimization of conditional value-at-risk, Journal of Risk 2(3).

    Examples
    --------
    >>> from banditlab import cvar
    >>> cvar.cvar([0.0, 1.0], 0.75, weights=[0.5, 0.5])
    0.3333333333333333
    >>> cvar.cvar([[1, 2, 3, 4], [4, 0, 0, 4]], [0.0, 0.5, 1.0]).tolist()
    [[1.0, 1.5, 2.5], [0.0, 0.0, 2.0]]
    """
    x, p = _sorted(values, weights)
    levels = _levels(tau)
    before = np.zeros_like(p)
    np.cumsum(p[..., :-1], axis=-1, out=before[..., 1:])
    found = np.empty((*x.shape[:-1], levels.size))
    for k, level in enumerate(levels.ravel()):
        if level == 0.0:
            found[..., k] = np.where(p > 0.0, x, np.inf).min(axis=-1)
        else:
            part = np.clip(level - before, 0.0, p)
            share = part / part.sum(axis=-1, keepdims=True)
            found[..., k] = (share * x).sum(axis=-1)
    shaped = found.reshape((*x.shape[:-1], *levels.shape))
    return float(shaped) if shaped.ndim == 0 else shaped


def quantile(values: ArrayLike, tau: ArrayLike, weights: ArrayLike | None = None) -> Any:
    r"""Return the lower quantile of finite distributions, the smallest value x with :math:`P(X \le x) \ge \tau`.

    It maximises :math:`b - E[(b - X)^+] / \tau`, and so is the budget b at which CVaR is attained.

    Parameters
    ----------
    values, tau, weights
        As in `cvar`; 0 as `tau` gives the smallest value of positive probability.

    Returns
    -------
    float or float64 array
        As in `cvar`.

    Examples
    --------
    >>> from banditlab import cvar
    >>> cvar.quantile([1, 2, 3, 4], [0.0, 0.25, 0.26, 1.0]).tolist()
    [1.0, 1.0, 2.0, 4.0]
    """
    x, p = _sorted(values, weights)
    levels = _levels(tau)
    cumulative = np.cumsum(p, axis=-1)
    found = np.empty((*x.shape[:-1], levels.size))
    for k, level in enumerate(levels.ravel()):
        reached = (cumulative >= level - SLACK) & (p > 0.0)
        found[..., k] = np.where(reached, x, np.inf).min(axis=-1)
    shaped = found.reshape((*x.shape[:-1], *levels.shape))
    return float(shaped) if shaped.ndim == 0 else shaped
