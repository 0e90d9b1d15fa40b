"""Reductions to bandits with rewards: two ordinary policies play against each other, or one for each arm."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from banditlab.arms.policies.adversarial import add_tsallis_losses, draw, tsallis_probabilities
from banditlab.core.components import Params, Problem, Space, State, field
from banditlab.core.dispatch import device
from banditlab.core.elementary import log
from banditlab.core.sampling import below
from banditlab.core.validation import one_of, positive

from ..family import policy
from .counts import another_tie


@device
def _ucb(state: State, player: int, n_arms: int, alpha: float, lane: int, rng: Any) -> int:
    """Return the arm with the largest UCB1 index of a player, one never played before all others; ties at random."""
    radius = math.sqrt(alpha * log(max(state.plays[player, lane], 1.0)))
    best, found, ties = -math.inf, 0, 0
    for a in range(n_arms):
        value = state.means[player, a, lane] + radius * state.widths[player, a, lane]
        if value > best:
            best, found, ties = value, a, 1
        elif value == best:
            ties += 1
            if another_tie(rng, lane, ties):
                found = a
    return found


@device
def _reward(state: State, player: int, arm: int, lane: int, won: bool) -> None:
    """Give a player its reward, 1 for a win and 0 for a loss."""
    n = state.counts[player, arm, lane] + 1.0
    wins = state.wins[player, arm, lane] + (1.0 if won else 0.0)
    state.plays[player, lane] += 1.0
    state.counts[player, arm, lane] = n
    state.wins[player, arm, lane] = wins
    state.means[player, arm, lane] = wins / n
    state.widths[player, arm, lane] = 1.0 / math.sqrt(n)


@device
def _most_played(self: Params, state: State, lane: int) -> int:
    """Return the arm that all players together have played most, the first of them on ties."""
    most, found = -1.0, 0
    for a in range(self.n_arms):
        plays = 0.0
        for player in range(state.counts.shape[0]):
            plays += state.counts[player, a, lane]
        if plays > most:
            most, found = plays, a
    return found


def _players(space: Space, n_players: int) -> dict[str, Any]:
    """Return what some players of UCB1 remember; the mean of an arm never played is inf, so that it comes first."""
    return {
        "plays": space.array(n_players),
        "counts": space.array(n_players, space.n_arms),
        "wins": space.array(n_players, space.n_arms),
        "means": space.array(n_players, space.n_arms, fill=math.inf),
        "widths": space.array(n_players, space.n_arms),
    }


@policy
class Sparring:
    r"""Two players of UCB1 choose an arm each, and are rewarded for beating the other.

    The left player chooses the first arm, the right one the second: each the arm with the largest

    .. math:: \frac{w_a}{n_a} + \sqrt{\frac{\alpha \ln n}{n_a}},

    where the player has played n times so far, arm a :math:`n_a` times, and won :math:`w_a` of these duels; arms that
    it never played come first, ties are broken at random. Where both choose the same arm, one of them wins by chance.

    Parameters
    ----------
    alpha : float, default 2.5
        Exploration. Ailon et al. write :math:`(\alpha + 2) / 2` with positive :math:`\alpha`; 2.5 corresponds to their
        value 3, the setting of Komiyama et al. 2015's experiments.

    Notes
    -----
    Guarantee: none, as none is proved by Ailon, Karnin and Joachims 2014, who conjecture the sum of both players'
    regrets; it did best in their experiments. The scheme is their Algorithm 4, which takes any bandit policy.

    The index is that of their Algorithm 1, except that the logarithm there has n + 1, the number of the coming play; n
    is taken from the code of Komiyama et al. 2015. `winner` is the arm that both players together have played most.

    References
    ----------
    Ailon, Karnin, Joachims (2014), Reducing dueling bandits to cardinal bandits, ICML, arXiv:1405.3396, Algorithm 4.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.Sparring(alpha=0.5)
    Sparring(alpha=0.5)
    """

    alpha: float = field(default=2.5, check=positive, doc="exploration; 2.5 is (alpha + 2) / 2 of the paper at 3")

    def state(self, space: Space) -> dict[str, Any]:
        """Return what the two players remember."""
        return _players(space, 2)

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the number of arms."""
        return {"n_arms": problem.n_arms}

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Let the left player choose, then the right one."""
        first = _ucb(state, 0, self.n_arms, self.alpha, lane, rng)
        return first, _ucb(state, 1, self.n_arms, self.alpha, lane, rng)

    def update(self: Params, state: State, first: int, second: int, lane: int, won: bool, t: int) -> None:
        """Reward the winner."""
        _reward(state, 0, first, lane, won)
        _reward(state, 1, second, lane, not won)

    def winner(self: Params, state: State, lane: int) -> int:
        """Return the arm that both players together have played most, the first of them on ties."""
        return _most_played(self, state, lane)


@policy
class MultiSBM:
    r"""The second arm of a round is the first of the next; a player of UCB1 for each first arm chooses the second.

    The first arm of round 1 is drawn uniformly. In each round the player that belongs to the first arm chooses the
    second, the arm a with the largest

    .. math:: \frac{w_a}{n_a} + \sqrt{\frac{\alpha \ln n}{n_a}},

    where this player has played n times so far, arm a :math:`n_a` times, and a won :math:`w_a` of these duels against
    the first arm; arms that it never played come first, ties are broken at random. The second arm is the first
    arm of the next round.

    Parameters
    ----------
    alpha : float, default 2.5
        Exploration. Ailon et al. write :math:`(\alpha + 2) / 2`; 2.5 corresponds to their value 3, the smallest that
        their theorem allows.

    Notes
    -----
    Guarantee (Ailon, Karnin and Joachims 2014, Theorem 4.2; finitely many arms with utilities in [0, 1], one best arm,
    a linear link): with :math:`H = \sum_a 1 / \Delta_a` over the worse arms and their :math:`\alpha = \max\{3, \ln K /
    \ln\ln T\}`, expected average regret is :math:`O(H \alpha (\ln T + K \ln K + K \ln\ln T - \sum_a \ln \Delta_a))`. By
    default their :math:`\alpha` is 3, as it is for :math:`K \le (\ln T)^3`.

    The rule is their Algorithm 3 with the UCB of their Algorithm 1 as its "singleton bandit machine". Each player
    counts its own plays, as there. The logarithm there has n + 1, the number of the coming play; in the code of
    Komiyama et al. 2015 it has n, as here. The program of Wu and Liu 2016 takes ln t of the whole game. In the paper,
    the first arm of round 1 may be any arm. `winner` is the arm that was played most.

    References
    ----------
    Ailon, Karnin, Joachims (2014), Reducing dueling bandits to cardinal bandits, ICML, arXiv:1405.3396, Algorithm 3.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.MultiSBM()
    MultiSBM()
    """

    alpha: float = field(default=2.5, check=positive, doc="exploration; 2.5 is (alpha + 2) / 2 of the paper at 3")

    def state(self, space: Space) -> dict[str, Any]:
        """Return what one player per arm remembers, and the next first arm (-1: to be drawn)."""
        return _players(space, space.n_arms) | {"next": space.per_lane(-1, np.int64)}

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the number of arms."""
        return {"n_arms": problem.n_arms}

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return the last second arm, and what its player chooses."""
        if state.next[lane] < 0:
            state.next[lane] = below(rng, lane, self.n_arms)
        first = state.next[lane]
        return first, _ucb(state, first, self.n_arms, self.alpha, lane, rng)

    def update(self: Params, state: State, first: int, second: int, lane: int, won: bool, t: int) -> None:
        """Reward the first arm's player if the second arm won."""
        _reward(state, first, second, lane, not won)
        state.next[lane] = second

    def winner(self: Params, state: State, lane: int) -> int:
        """Return the arm that was chosen most, the first of them on ties."""
        return _most_played(self, state, lane)


@policy
class VersatileDB:
    r"""Two players of Tsallis-INF choose an arm each: for random preferences as well as for any that change.

    Each player draws its arm with probabilities :math:`p_a = 4 (\eta_t (\hat L_a - x))^{-2}`, where x makes them sum to
    one and :math:`\hat L_a` sums estimates of the losses: a player's loss is 1 if the other's arm wins, else 0. Where
    both draw the same arm, one of them wins by chance.

    Parameters
    ----------
    estimator : {'importance', 'reduced_variance'}, default 'importance'
        With loss :math:`\ell`. 'importance': :math:`\ell / p_a` for the arm played, 0 for the others, and
        :math:`\eta_t = 2 / \sqrt t`. 'reduced_variance': :math:`(\ell - B_a) / p_a + B_a` for the arm played,
        :math:`B_a` for the others, with :math:`B_a = 1/2` where :math:`p_a \ge \eta_t^2` and 0 elsewhere, and
        :math:`\eta_t = 4 / \sqrt t`.

    Notes
    -----
    Guarantee (Saha and Gaillard 2022, abstract; any preferences, or a Condorcet winner and fixed preferences): expected
    average regret is :math:`O(\sqrt{K T})` against any preferences, and :math:`O(\sum_{a \ne a^*} \log T / \Delta_a)`
    with a Condorcet winner and fixed preferences.

    The rule is Algorithm 3, as others' code numbers it, with the Tsallis-INF of Zimmert and Seldin 2021. Some libraries
    count an arm against itself as half a win for both. `winner` is the arm with the smallest sum of both players' loss
    estimates.

    References
    ----------
    Saha, Gaillard (2022), Versatile dueling bandits: best-of-both-world analyses for online learning from preferences,
    ICML, arXiv:2202.06694.

    Zimmert, Seldin (2021), Tsallis-INF: an optimal algorithm for stochastic and adversarial bandits, JMLR 22,
    arXiv:1807.07623.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.VersatileDB("reduced_variance")
    VersatileDB(estimator='reduced_variance')
    """

    estimator: str = field(default="importance", check=one_of("importance", "reduced_variance"), doc="loss estimator")

    def state(self, space: Space) -> dict[str, Any]:
        """Return each player's loss estimates, and its probabilities of the current round."""
        return {
            "left_losses": space.per_arm(),
            "left_probabilities": space.per_arm(),
            "right_losses": space.per_arm(),
            "right_probabilities": space.per_arm(),
        }

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the number of arms, which estimator, and the learning rate's scale."""
        reduced = self.estimator == "reduced_variance"
        return {"n_arms": problem.n_arms, "reduced": reduced, "scale": 4.0 if reduced else 2.0}

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Let the left player draw, then the right one."""
        tsallis_probabilities(state.left_losses, state.left_probabilities, self.n_arms, self.scale, t, lane)
        tsallis_probabilities(state.right_losses, state.right_probabilities, self.n_arms, self.scale, t, lane)
        first = draw(state.left_probabilities, self.n_arms, lane, rng)
        return first, draw(state.right_probabilities, self.n_arms, lane, rng)

    def update(self: Params, state: State, first: int, second: int, lane: int, won: bool, t: int) -> None:
        """Add the loss estimates of both."""
        lost = 0.0 if won else 1.0
        add_tsallis_losses(
            state.left_losses, state.left_probabilities, self.n_arms, self.scale, self.reduced, t, first, lost, lane
        )
        add_tsallis_losses(
            state.right_losses, state.right_probabilities, self.n_arms, self.scale, self.reduced, t, second,
            1.0 - lost, lane,
        )  # fmt: skip

    def winner(self: Params, state: State, lane: int) -> int:
        """Return the arm whose loss estimates have the smallest sum, the first of them on ties."""
        least, found = math.inf, 0
        for a in range(self.n_arms):
            total = state.left_losses[a, lane] + state.right_losses[a, lane]
            if total < least:
                least, found = total, a
        return found
