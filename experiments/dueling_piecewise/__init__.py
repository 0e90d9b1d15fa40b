"""Duels whose preferences change: Beat the Winner Reset, DETECT and MDB over the number of segments."""
