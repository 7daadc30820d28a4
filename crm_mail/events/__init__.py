"""Events: what other programs say has happened, and the rules that make runs of it."""
