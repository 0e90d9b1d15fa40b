"""The frontier between regret and violation of incentive compatibility, for senders whom the receiver learns about."""
