"""B-CVTS and M-CVTS against upper confidence bounds, on random multinomial arms and mixtures of truncated Gaussians.

The two benchmarks of Baudry, Gautron, Kaufmann and Maillard (2021): every run is a problem of its own, drawn as in the
paper. We know neither the numbers in the paper's tables nor the levels of the second one, for which those of the first
are taken, so only who is ahead is compared. Policies meet the same problems with the same luck; every problem has luck
of its own.
"""
