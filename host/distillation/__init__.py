"""From a float model to candidates that small boards execute."""
