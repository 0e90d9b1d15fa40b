"""Stores: folders of finished runs, the addresses of what is in them, and the files that hold it."""
