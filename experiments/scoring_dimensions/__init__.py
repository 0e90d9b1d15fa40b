"""How OSRA's regret depends on the number of actions, and on the number of states."""
