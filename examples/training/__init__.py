"""Trains the bundled examples. Run `python -m examples.train`."""
