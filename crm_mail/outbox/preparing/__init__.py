"""Preparing: every message that is due becomes a row of the pending outbox, or is left out and says why."""
