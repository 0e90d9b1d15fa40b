"""Numbers that others have printed, or that their programs print, against those of the same game played here.

Each setting is theirs: means or preferences, horizon, policies with their parameters. A mean regret agrees if it
differs by at most four standard errors, theirs included; where they give no deviation it is taken to be that of the
runs here. Means of up to a hundred runs, which are skewed, agree if as many of the runs here can have them (with the
probability of four standard errors). So a number from ten runs is a weak witness, and one from two thousand a strong
one. Constants are compared to the digits that are printed.

SMPyBandits' numbers are in its notebooks, those of PASCombUCB in the files of results that its authors publish with
their code, the CRPS in the documentation of properscoring. Komiyama's two libraries print none: the numbers are what
their programs wrote when they were compiled and run.
"""
