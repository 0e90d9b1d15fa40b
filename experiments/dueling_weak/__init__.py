"""Weak regret of Beat the Winner Reset beside Winner Stays and Beat the Winner, as the number of arms grows."""
