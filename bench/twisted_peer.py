"""Twisted as a peer: its POP3 server over messages in memory (`twisted_server.py`), without TLS or delivery."""

import importlib.metadata
import sys
from collections.abc import Mapping
from pathlib import Path

from floor_peer import told_groups
from messages import Group
from peers import PASSWORD, Server, start_on, stop, told_ports

PROGRAM = Path(__file__).with_name("twisted_server.py")


class TwistedPeer:
    """Twisted from the dependency group "bench"."""

    def __init__(self, folder: Path) -> None:
        self.name = "Twisted, in memory"
        self._folder = folder
        self._groups: list[str] = []

    @staticmethod
    def version() -> str | None:
        """What is installed, or None."""
        try:
            return "Twisted " + importlib.metadata.version("twisted")
        except importlib.metadata.PackageNotFoundError:
            return None

    def set_up(self, groups: Mapping[str, Group]) -> None:
        """Remember what mail there is to be."""
        self._folder.mkdir(mode=0o755)
        self._groups = told_groups(groups)

    def start(self, cpu: int | None) -> Server:
        """Start it on core `cpu`."""
        output = self._folder / "output"
        output.unlink(missing_ok=True)
        process = start_on(cpu, [sys.executable, str(PROGRAM), PASSWORD, *self._groups], output)
        return Server(process, told_ports(process, output)["pop3"])

    def stop(self, server: Server) -> None:
        """Stop it."""
        stop(server.process)
