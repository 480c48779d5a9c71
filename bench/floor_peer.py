"""The floor as a peer: bench/floor.c, which answers from memory and keeps nothing. And what all such peers share."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import programs
from certificate import Certificate
from messages import Group
from peers import Server, start_on, stop, told_ports


class MemoryPeer:
    """A server that keeps nothing: it is told how many messages of which size each group has, and makes them itself."""

    def __init__(self, name: str, folder: Path, command: Sequence[str]) -> None:
        self.name = name
        self._folder = folder
        self._command = command
        self._groups: list[str] = []

    def set_up(self, groups: Mapping[str, Group]) -> None:
        """Remember what mail there is to be."""
        self._folder.mkdir(mode=0o755)
        self._groups = [f"{group.prefix}:{group.messages}:{group.octets}" for group in groups.values()]

    def start(self, cpu: int | None) -> Server:
        """Start it on core `cpu`."""
        output = self._folder / "output"
        output.unlink(missing_ok=True)
        process = start_on(cpu, [*self._command, *self._groups], output)
        ports = told_ports(process, output)
        return Server(process, ports["pop3"], *map(ports.get, ("lmtp", "smtp", "pop3s")))

    def stop(self, server: Server) -> None:
        """Stop it."""
        stop(server.process)


class FloorPeer(MemoryPeer):
    """A server that does nothing: not a rival, but what is left when nothing is kept."""

    def __init__(self, folder: Path, certificate: Certificate | None) -> None:
        tls = ["--tls", str(certificate.chain), str(certificate.key)] if certificate else []
        super().__init__("doing nothing, in C", folder, [str(programs.build("floor")), *tls])
