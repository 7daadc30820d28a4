"""Mailings to groups: whom, what is said and carried, a test to oneself, and then a run like any other (IT-13)."""
