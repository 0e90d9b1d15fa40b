"""How fast the regret of OSRA grows, beside explore-then-commit, fixed rules and the oracle."""
