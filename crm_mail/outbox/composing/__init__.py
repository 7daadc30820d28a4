"""Composing: runs whose messages are not made of stored documents (mailings, greetings, events, send orders)."""
