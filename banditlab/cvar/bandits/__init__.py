"""K-armed bandits played for CVaR: policies for the environments of `arms`."""
