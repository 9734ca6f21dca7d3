"""Signed models: installed into one of two slots, checked again at every start, rolled back."""
