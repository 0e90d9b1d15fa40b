"""Numbers that others, or their programs, print, against those of the same game played here.

Each setting is theirs: means or preferences, rounds, policies with their parameters. A mean regret agrees if it differs
by at most four standard errors, theirs included. Where they give no deviation, it is taken to be that of the runs here,
and is shown in brackets. Means of up to 50 runs are skewed: such a mean agrees if the mean of equally many runs drawn
from ours is as far off with a probability of at least 6e-5, that of four standard errors. All other
numbers of a source together, except those whose rule is known to differ, must be as far off as chance would have them.
Constants are compared to the digits that are printed.

So a number from ten runs is weak evidence: IMED in KL-UCB's place would pass. One from a thousand is strong evidence,
and detects a parameter that is a fifth off; but RMED2 and RMED2FH differ so little from the form in the paper that they
would pass in that form, too. The regrets of PASCombUCB, and four of SMPyBandits, are of rewards that were drawn, whose
noise is larger than the differences between policies.

SMPyBandits' numbers are in its notebooks, those of PASCombUCB in the files of results that its authors publish with
their code, the CRPS in the documentation of properscoring. Komiyama's two libraries print none: the numbers are what
their programs wrote when they were compiled and run. All numbers of these sources are used whose policy is here with
the same rule: not those of epsilon-greedy, which begins differently, of DMED, and of the greedy policy.
"""
