"""Contacts: customers and suppliers (parties), the people in them, their addresses, and what each
receives.
"""
