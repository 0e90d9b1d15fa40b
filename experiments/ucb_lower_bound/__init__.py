"""Which policies meet the Lai-Robbins lower bound, and how far UCB1 stays from it."""
