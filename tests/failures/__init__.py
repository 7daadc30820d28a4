"""Failures of issue section 12 that need a process of their own, a full disk or a foreign lock."""
