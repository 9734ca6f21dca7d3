"""Signed bundles: built from a model and its target declaration, installed, launched.

What a bundle is, and every check that needs no board, is in :mod:`protocol.bundle`.
"""
