"""Other libraries, timed in turn with banditlab: `python -m benchmarks.libraries`."""
