"""What UCB-S does to strategic arms, what learners that ignore incentives do to them, and at which rates."""
