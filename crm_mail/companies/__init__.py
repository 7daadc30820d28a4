"""Companies: the firms that send. Several may share one installation, each with its own codes, accounts and
rules.
"""
