"""The boards of the catalog: what is connected, and how each is reached."""
