"""How fast the regret of OSRA grows, beside explore-then-commit, fixed rules and the oracle.

OSRA is played at the theory's confidence scale and at 0.01 of it, each horizon anew, because OSRA and
explore-then-commit know the horizon. At the theory's scale the agent does something other than planned most of the
time, as the radii are wider than the margin by which the mixture persuades, and regret is linear: it would take about
10^6 rounds until they are not. At 0.01 of the scale radii stop protecting once that margin, which shrinks like
t^(-1/3), falls below the errors of the estimates: bisections set in and regret turns up. One exponent over all horizons
hides that, hence the one of the last two. No single scale serves all horizons; the theory's does, but only from
horizons on that are out of reach.
"""
