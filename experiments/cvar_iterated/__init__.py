"""How the regret of ICVaR-RM, in iterated CVaR on the layered MDP, depends on the level."""
