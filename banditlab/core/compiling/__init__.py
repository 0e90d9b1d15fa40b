"""Compiling kernels: what goes into one, in which process, where it is kept, and what users are told if it fails."""
