"""Privacy: subject access, erasure, restriction, retention, and the register of processing activities."""
