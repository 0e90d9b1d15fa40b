"""How CVaR-UCBVI's regret grows with episodes and with the level, with Hoeffding's bonus and with Bernstein's."""
