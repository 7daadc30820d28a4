"""Measurements of the finished product against a named peer, in the same run: `python -m bench FIGURE [--json]`."""
