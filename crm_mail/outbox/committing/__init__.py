"""Committing: an authorised person lets a reviewed run go; what was reviewed is frozen."""
