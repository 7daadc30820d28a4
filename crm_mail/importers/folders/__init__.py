"""Hot folders: files that other programs leave are claimed, imported and moved."""
