"""How the worst-case regret of CVaR bandits grows as the level falls: as tau^(-1/2) with Bernstein's bonus.

Two coins, Ber(1 - tau) and Ber(1 - tau + epsilon), are the instance of the minimax lower bound. The regrets compared
over levels are those of each policy at the epsilon that is worst for it; at a single epsilon of the order sqrt(tau /
T), where nothing can be learned, all policies have the same slope.
"""
