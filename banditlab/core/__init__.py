"""What every family shares; imports no family."""
