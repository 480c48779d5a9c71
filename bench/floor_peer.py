"""The floor as a peer: bench/floor.c, which answers from memory and keeps nothing."""

from collections.abc import Mapping
from pathlib import Path

import programs
from certificate import Certificate
from messages import Group
from peers import Server, start_on, stop, told_ports


def told_groups(groups: Mapping[str, Group]) -> list[str]:
    """The groups as arguments of a server that makes its mail itself."""
    return [f"{group.prefix}:{group.messages}:{group.octets}" for group in groups.values()]


class FloorPeer:
    """A server that does nothing: not a rival, but what is left when nothing is kept."""

    def __init__(self, folder: Path, certificate: Certificate | None) -> None:
        self.name = "doing nothing, in C"
        self._folder = folder
        self._certificate = certificate
        self._groups: list[str] = []

    def set_up(self, groups: Mapping[str, Group]) -> None:
        """Remember what mail there is to be."""
        self._folder.mkdir(mode=0o755)
        self._groups = told_groups(groups)

    def start(self, cpu: int | None) -> Server:
        """Start it on core `cpu`."""
        output = self._folder / "output"
        output.unlink(missing_ok=True)
        pair = self._certificate
        tls = ["--tls", str(pair.chain), str(pair.key)] if pair else []
        process = start_on(cpu, [str(programs.build("floor")), *tls, *self._groups], output)
        ports = told_ports(process, output)
        return Server(process, ports["pop3"], ports["lmtp"], ports["smtp"], ports.get("pop3s"))

    def stop(self, server: Server) -> None:
        """Stop it."""
        stop(server.process)
