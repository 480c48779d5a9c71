"""TLS handshakes that are begun and left: the server signs, the attacker only says hello.

    python bench/hostile/handshakes.py [--quick] [--json FILE] [SCENE ...]

The hello is the same octets each time, which cost nothing to send. The good client comes by POP3S, and by POP3.
"""

import contextlib
import socket
import struct
import sys
import time
from collections.abc import Mapping, Sequence

from program import main
from slow import client_hello
from stage import Facts, Scene

FULL = {"processes": 2, "seconds": 20}
QUICK = {"processes": 2, "seconds": 4}
RESET = struct.pack("ii", 1, 0)


def begin(ports: Mapping[str, int], seconds: int, number: int, hello: bytes) -> Facts:
    """Say hello, hear the first word, go."""
    begun = answered = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        begun += 1
        source = f"127.{40 + number}.{begun // 250 % 250}.{1 + begun % 250}"
        with contextlib.suppress(OSError), socket.socket() as sock:
            sock.settimeout(5)
            sock.bind((source, 0))
            sock.connect(("127.0.0.1", ports["pop3s"]))
            sock.sendall(hello)
            answered += bool(sock.recv(100))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    return {"handshakes begun": begun, "a second": begun // seconds, "answered": answered}


def scene(name: str, by: str) -> Scene:
    """While the good client comes by a service."""

    def crew(sizes: Mapping[str, int]) -> Sequence[tuple[object, tuple[object, ...]]]:
        return [(begin, (sizes["seconds"], number, client_hello())) for number in range(sizes["processes"])]

    return Scene(name, crew, by=by)


if __name__ == "__main__":
    sys.exit(main(__doc__ or "", [scene("handshakes", "pop3s"), scene("handshakes-pop3", "pop3")], FULL, QUICK))
