"""What UCB-S does to strategic arms, what learners that do not heed incentives do to them, and at which rates."""
