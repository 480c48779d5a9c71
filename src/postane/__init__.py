"""Postane: a complete Post Office Protocol system.

The public face of the package. Everything else is reached through its folder.
"""

__version__ = "0.1.0.dev0"
