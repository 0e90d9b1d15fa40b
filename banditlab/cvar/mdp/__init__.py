"""Finite-horizon Markov decision processes with finitely many states: planning and learning with CVaR."""
