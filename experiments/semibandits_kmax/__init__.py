"""k-MAX bandits: what value-index feedback costs, between all outcomes and the reward alone."""
