"""One address that connects and goes away as fast as it can, from several processes at once.

    python bench/hostile/flood.py [--quick] [--json FILE] [SCENE ...]

By POP3, by SMTP, and by POP3S, where most are gone before a handshake; some go by a reset.
"""

import contextlib
import socket
import struct
import sys
import time
from collections.abc import Mapping, Sequence

from program import main
from stage import Facts, Scene

FULL = {"processes": 4, "seconds": 20}
QUICK = {"processes": 2, "seconds": 4}
RESET = struct.pack("ii", 1, 0)
HELD = 100
"""Connections that a process leaves open before it closes the oldest."""


def flood(ports: Mapping[str, int], service: str, seconds: int) -> Facts:
    """Connect, leave it open for a hundred others' time, close."""
    connections = failed = 0
    held: list[socket.socket] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        sock = socket.socket()
        connections += 1
        try:
            sock.settimeout(5)
            sock.connect(("127.0.0.1", ports[service]))
        except OSError:
            failed += 1
            sock.close()
            continue
        held.append(sock)
        if len(held) > HELD:
            oldest = held.pop(0)
            with contextlib.suppress(OSError):  # by a reset: else its port waits a minute
                oldest.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            oldest.close()
    for sock in held:
        sock.close()
    return {"connections": connections, "a second": connections // seconds, "not accepted": failed}


def scene(service: str) -> Scene:
    """Against one service."""

    def crew(sizes: Mapping[str, int]) -> Sequence[tuple[object, tuple[object, ...]]]:
        return [(flood, (service, sizes["seconds"]))] * sizes["processes"]

    return Scene(f"flood-{service}", crew, by="pop3s" if service == "pop3s" else "pop3")


if __name__ == "__main__":
    sys.exit(main(__doc__ or "", [scene("pop3"), scene("pop3s"), scene("smtp")], FULL, QUICK))
