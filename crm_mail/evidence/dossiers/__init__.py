"""Proof dossiers: what was sent and what came back, in a file that proves itself years later (BX-4)."""
