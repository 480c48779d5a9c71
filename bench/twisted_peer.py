"""Twisted as a peer: its POP3 server over messages in memory (`twisted_server.py`), without TLS or delivery."""

import importlib.metadata
import sys
from pathlib import Path

from floor_peer import MemoryPeer
from peers import PASSWORD

PROGRAM = Path(__file__).with_name("twisted_server.py")


class TwistedPeer(MemoryPeer):
    """Twisted from the dependency group "bench"."""

    def __init__(self, folder: Path) -> None:
        super().__init__("Twisted, in memory", folder, [sys.executable, str(PROGRAM), PASSWORD])

    @staticmethod
    def version() -> str | None:
        """What is installed, or None."""
        try:
            return "Twisted " + importlib.metadata.version("twisted")
        except importlib.metadata.PackageNotFoundError:
            return None
