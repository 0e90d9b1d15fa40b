"""What an experiment leaves: metrics of every run or their statistics, where they come from, and their files."""
