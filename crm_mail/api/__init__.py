"""The programming interface: the same services as the pages, under keys of their own, as JSON (`docs/api.md`)."""
