"""One button: the few documents before a person's eyes, made a run, committed and followed on one page."""
