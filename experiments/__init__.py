"""Theory-validation experiments: each a configuration, an analysis that only reads stored results, and verdicts."""
