"""What a cautious walker and an average one can expect along a cliff: distributions of returns."""
