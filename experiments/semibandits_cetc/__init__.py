"""Full-bandit feedback: how fast the regret of C-ETC grows, beside online greedy."""
