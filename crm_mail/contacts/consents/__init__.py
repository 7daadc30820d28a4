"""Consents: what a contact agreed to, by purpose and channel, when and with which proof; and what follows from it."""
