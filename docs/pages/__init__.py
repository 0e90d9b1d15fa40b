"""Pages that are made from the package."""
