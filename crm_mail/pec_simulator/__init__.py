"""A PEC operator to test against: submission, signed receipts, a mailbox, and everything that goes wrong in life."""
