"""Proofs by linear-programming duality: that an action cannot be implemented, or that a rule is the cheapest.

Both come as multipliers of the constraints of LP_k, and both are checked by arithmetic alone: add up the constraints
with these multipliers, and compare with what payments in [0, B] can reach. Neither relies on the solver being right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from banditlab.core.brief import brief

from .simplex import Floats


def shortfall(cost_gap: float, largest_gain: float) -> str:
    """Return in words by how much payments fall short of costs, as two close numbers look alike."""
    return f", which is {cost_gap - largest_gain:.3g} too little"


def in_words(shares: list[tuple[float, str]]) -> str:
    """Return a mixture of named things as a formula; the name alone if there is one."""
    return shares[0][1] if len(shares) == 1 else " + ".join(f"{weight:.4g} x {name}" for weight, name in shares)


@dataclass(frozen=True, eq=False)
class Multipliers:
    """One non-negative number per constraint of LP_k.

    Attributes
    ----------
    proper : float64 array (n_beliefs, n_beliefs)
        Of "at belief m, truth pays at least what reporting m' pays".
    actions : float64 array (n_actions,)
        Of "action k pays, net of costs, at least what action j does"; 0 for j = k.
    staying_away : float
        Of "action k pays at least its cost"; 0 unless individual rationality is asked for.
    """

    proper: Floats
    actions: Floats
    staying_away: float

    __repr__ = brief

    @classmethod
    def from_duals(cls, proper: Floats, rows: Floats) -> Multipliers:
        """Return multipliers made from a solver's, whose tolerance allows slightly negative ones."""
        return cls(np.maximum(proper, 0.0), np.maximum(rows[:-1], 0.0), max(float(rows[-1]), 0.0))

    def combination(self, beliefs: Floats, distributions: Floats, action: int) -> Floats:
        """Return the coefficients, one per payment, of the weighted sum of the constraints' left-hand sides."""
        difference = (self.actions.sum() + self.staying_away) * distributions[action] - self.actions @ distributions
        own = difference[:, None] + self.proper.sum(axis=1)[:, None]
        combined: Floats = own * beliefs - self.proper.T @ beliefs
        return combined

    def right_hand_side(self, costs: Floats, action: int) -> float:
        """Return the weighted sum of the constraints' right-hand sides."""
        return float(self.actions @ (costs[action] - costs) + self.staying_away * costs[action])


@dataclass(frozen=True, eq=False)
class FarkasCertificate:
    """A proof that no proper rule with payments in [0, max_payment] makes an action a best response.

    The multipliers of the actions (and of staying away) add up to 1: they are a mixture that the agent prefers. Its
    expected cost is `cost_gap` less than the action's. Over all proper rules, the action's expected payment is at most
    `largest_gain` more than the mixture's: max_payment times the sum of the positive coefficients of the combined
    constraints, which no table with entries in [0, max_payment] exceeds.

    Attributes
    ----------
    action : int
        The action.
    multipliers : Multipliers
        The combination of constraints.
    cost_gap, largest_gain, max_payment : float
        As above.
    """

    action: int
    multipliers: Multipliers
    cost_gap: float
    largest_gain: float
    max_payment: float

    __repr__ = brief

    @classmethod
    def of(
        cls,
        beliefs: Floats,
        distributions: Floats,
        costs: Floats,
        max_payment: float,
        action: int,
        multipliers: Multipliers,
    ) -> FarkasCertificate:
        """Return the certificate that multipliers give, valid or not, scaled such that they are a mixture."""
        total = float(multipliers.actions.sum() + multipliers.staying_away)
        mixture = Multipliers(multipliers.proper / total, multipliers.actions / total, multipliers.staying_away / total)
        gain = max_payment * float(np.maximum(mixture.combination(beliefs, distributions, action), 0.0).sum())
        return cls(action, mixture, mixture.right_hand_side(costs, action), gain, max_payment)

    @property
    def valid(self) -> bool:
        """Whether it proves what it claims."""
        return self.largest_gain < self.cost_gap

    def __str__(self) -> str:
        """Return the proof in words."""
        shares = [(float(w), f"action {j}") for j, w in enumerate(self.multipliers.actions) if w > 1e-9]
        if self.multipliers.staying_away > 1e-9:
            shares.append((self.multipliers.staying_away, "staying away"))
        mixture = in_words(shares)
        return (
            f"action {self.action} costs {self.cost_gap:.6g} more than {mixture}, but no proper rule with payments in "
            f"[0, {self.max_payment:g}] raises its expected payment by more than {self.largest_gain:.6g} over that of "
            f"{mixture}{shortfall(self.cost_gap, self.largest_gain)}"
        )


def payment_bound(
    beliefs: Floats, distributions: Floats, costs: Floats, max_payment: float, action: int, multipliers: Multipliers
) -> float:
    """Return a lower bound on what implementing an action costs, from any non-negative multipliers (weak duality).

    At the optimal multipliers it is the optimum of LP_k (strong duality), which proves that a rule with that expected
    payment is the cheapest.

    Parameters
    ----------
    beliefs, distributions, costs, max_payment, action
        As in `PrincipalAgent`.
    multipliers : Multipliers
        Of the constraints of LP_k.

    Returns
    -------
    float
        The sum of multiplier times right-hand side, plus max_payment times the sum of the negative coefficients of
        v_S(k) minus the combined constraints.
    """
    left = distributions[action][:, None] * beliefs - multipliers.combination(beliefs, distributions, action)
    return multipliers.right_hand_side(costs, action) + max_payment * float(np.minimum(left, 0.0).sum())
