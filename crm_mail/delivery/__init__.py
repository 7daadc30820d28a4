"""Handing one message to one mail server, and the accounts that may do it. Knows no contacts, no runs.

The library part is pure of database and web: addresses, envelope (values), headers, mime, blobs, packing (the
bytes of a message), routing (PEC or ordinary), transports, smtp_connect, smtp_session, wire, replies (sending).
"""
