"""Schedules: what happens by itself at given times, for whom, and what became of it; special dates and greetings."""
