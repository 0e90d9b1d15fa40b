"""What correlated recommendations and payments are worth with several agents, and what learning them costs.

The programs of two agents are solved with and without correlated mechanisms, over correlations of their errors and
costs of looking, and explore-then-commit is played at two weights of the strict payments. With the weight that the
bound suggests, agents do not obey payments that are optimal for the estimates where the estimates are off by more than
the margin that the mixture leaves.
"""
