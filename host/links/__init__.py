"""Ways to a board: bytes in, bytes out, no knowledge of messages."""
