"""Databases of other programs: named queries that only read."""
