"""Mail servers of our own on this computer: for the demonstration, for trying things out, and for the tests.

Nothing they receive goes any further. See servers.SandboxServers.
"""
