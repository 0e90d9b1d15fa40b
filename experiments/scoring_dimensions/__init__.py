"""How OSRA's regret depends on the number of actions, and on the number of states.

OSRA is played at 0.01 of the theory's radii on families of agents that differ in the number of actions, in the number
of states that nobody can tell apart, and in the number of states that all differ.
"""
