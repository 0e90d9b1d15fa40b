"""How sure the numbers are: confidence bands."""
