"""What a cautious walker and an average one have to expect along a cliff: distributions of returns."""
