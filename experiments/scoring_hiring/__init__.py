"""What correlated recommendations and payments are worth with several agents, and what learning them costs."""
