"""Contacts and parties from tables: columns, rows, what each would change, and storing them."""
