"""Notices of changes (GA-6): who of the office is told when a record is changed or deleted."""
