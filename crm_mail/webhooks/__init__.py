"""Webhooks: other programs are told what became of messages and runs, signed and at least once."""
