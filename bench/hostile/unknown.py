"""Commands that nobody knows: pipelined in one connection for as long as it stands, and over many reconnects.

    python bench/hostile/unknown.py [--quick] [--json FILE] [SCENE ...]

A session ends after a few mistakes, so who sends 100,000 of them comes back again and again; what is told is how many
connections that took, and how many commands were answered.
"""

import contextlib
import socket
import sys
import time
from collections.abc import Mapping, Sequence

from program import main
from stage import Facts, Scene

CREW = 2
FULL = {"commands": 100_000}
QUICK = {"commands": 5_000}
PATIENCE = 60.0
LINE = b"NONSENSE with an argument\r\n"
A_CONNECTION = 25
"""More than any protocol forgives."""


def pipelined(ports: Mapping[str, int], service: str, commands: int) -> Facts:
    """All of them at once on one connection."""
    begun, answered = time.monotonic(), 0
    address = "127.0.0.1", ports[service]
    with contextlib.suppress(OSError), socket.create_connection(address, 5) as sock, sock.makefile("rb") as file:
        with contextlib.suppress(OSError):  # it hangs up before all is said
            sock.sendall(LINE * commands)
        while line := file.readline():
            answered += line.startswith((b"-ERR", b"5"))
    seconds = round(time.monotonic() - begun, 2)
    return {"connections": 1, "commands": commands, "refusals": answered, "seconds (all)": seconds}


def reconnecting(ports: Mapping[str, int], service: str, commands: int, number: int) -> Facts:
    """A few on each connection, as many connections as it takes."""
    begun, answered, connections, refused = time.monotonic(), 0, 0, 0
    while answered < commands and connections < commands:
        connections += 1
        try:
            source = f"127.{20 + number}.{connections // 250 % 250}.{1 + connections % 250}"
            address = "127.0.0.1", ports[service]
            with socket.create_connection(address, PATIENCE, (source, 0)) as sock, sock.makefile("rb") as file:
                refused += not file.readline().startswith((b"+OK", b"220"))
                sock.sendall(LINE * A_CONNECTION)
                while line := file.readline():
                    answered += line.startswith((b"-ERR", b"5"))
        except OSError:
            continue
    seconds = round(time.monotonic() - begun, 2)
    return {"connections": connections, "refused": refused, "refusals": answered, "seconds (all)": seconds}


def at_once(service: str) -> Scene:
    """In one connection."""

    def crew(sizes: Mapping[str, int]) -> Sequence[tuple[object, tuple[object, ...]]]:
        return [(pipelined, (service, sizes["commands"]))]

    return Scene(f"unknown-{service}", crew)


def again(service: str) -> Scene:
    """Over many connections."""

    def crew(sizes: Mapping[str, int]) -> Sequence[tuple[object, tuple[object, ...]]]:
        return [(reconnecting, (service, sizes["commands"] // CREW, number)) for number in range(CREW)]

    return Scene(f"unknown-{service}-reconnecting", crew)


SCENES = (at_once("pop3"), at_once("smtp"), again("pop3"), again("smtp"))

if __name__ == "__main__":
    sys.exit(main(__doc__ or "", SCENES, FULL, QUICK))
