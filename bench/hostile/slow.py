"""Slow talkers: a USER line an octet a second, by POP3 and SMTP, and a TLS handshake an octet a second.

    python bench/hostile/slow.py [--quick] [--json FILE] [SCENE ...]

Each octet keeps a connection from being silent; what ends it is the time to log in, which words do not buy more of.
"""

import ssl
import sys
from collections.abc import Mapping, Sequence

from crowd import Plan, crowd
from program import main
from stage import Scene

CREW = 2
FULL = {"connections": 2000, "seconds": 75}
QUICK = {"connections": 400, "seconds": 8}


def client_hello() -> bytes:
    """What a TLS client says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname="bench.test").do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("a handshake without a server")


def slowly(name: str, service: str, words: bytes) -> Scene:
    """Many that say these words."""

    def crew(sizes: Mapping[str, int]) -> Sequence[tuple[object, tuple[Plan]]]:
        share = sizes["connections"] // CREW
        plans = [Plan(service, share, sizes["seconds"], 25, number, words) for number in range(CREW)]
        return [(crowd, (plan,)) for plan in plans]

    return Scene(name, crew, by="pop3s" if service == "pop3s" else "pop3")


SCENES = (
    slowly("slow-pop3", "pop3", b"USER " + b"x" * 200 + b"\r\n"),
    slowly("slow-smtp", "smtp", b"EHLO " + b"x" * 200 + b"\r\n"),
    slowly("slow-handshake", "pop3s", client_hello()),
)

if __name__ == "__main__":
    sys.exit(main(__doc__ or "", SCENES, FULL, QUICK))
