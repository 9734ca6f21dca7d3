"""Makes a model fit a board: which stages that takes, what each gained, what comes out."""
