"""Contextual duels: VACDB against MaxInP, MaxPairUCB, CoLSTIM and StaD, as the signal grows and duels vary less."""
