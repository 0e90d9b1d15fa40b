"""Finite-horizon Markov decision processes with finitely many states: planning and learning with CVaR."""

from . import generics

__all__ = ["generics"]
