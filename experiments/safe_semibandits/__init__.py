"""Anytime-safe semi-bandits: PASCombUCB on the instances of its paper, beside CombUCB1, which ignores variances."""
