"""What the ledger of behaviours asks for, each from its real door to a real server."""
