"""Outbox: the one gate. Every mail to a contact leaves by prepare, review, commit, send, and is reported at the end."""
