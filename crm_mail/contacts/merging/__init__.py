"""Merging: what stands twice becomes one, with history kept, and can be taken apart again."""
