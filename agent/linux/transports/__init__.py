"""Ways to the agent, one a file: frames in, frames out."""
