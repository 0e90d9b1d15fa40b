"""Sweeps: what they go over, playing them, and what they return."""
