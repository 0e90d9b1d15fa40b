"""The frontier between regret and violation of incentive compatibility, for senders whom the receiver learns about.

The online incentive-compatible mechanism is played with full feedback, and with bandit feedback for several alpha, with
slack at the theory's scale and at 0.01 of it, on two senders. Violation varies a lot between runs: more of them
(`n_runs` in config.toml) are what to spend time on. At the theory's scale the slack exceeds any violation that pays.
"""
