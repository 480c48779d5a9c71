"""Lines that do not end: a gibibyte of one octet wherever a line may stand.

    python bench/hostile/endless.py [--quick] [--json FILE] [SCENE ...]

Before login in POP3 and inside TLS, as the answer in a SASL exchange, as an SMTP command, and inside DATA. Told is how
much of it the server took before it hung up, and its last words.
"""

import socket
import ssl
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from program import main
from stage import Facts, Scene, trusting

BLOCK = b"A" * (256 * 1024)
PATIENCE = 120.0
FULL = {"mebibytes": 1024, "connections": 4}
QUICK = {"mebibytes": 64, "connections": 2}

DATA = (b"EHLO here", b"MAIL FROM:<>", b"RCPT TO:<anna@bench.test>", b"DATA")


def endless(ports: Mapping[str, int], service: str, before: Sequence[bytes], mebibytes: int) -> Facts:
    """Say the commands, then the line."""
    begun, sent = time.monotonic(), 0
    with socket.create_connection(("127.0.0.1", ports[service]), PATIENCE) as bare:
        sock = trusting().wrap_socket(bare) if service.endswith("s") else bare
        sock.settimeout(PATIENCE)
        with sock, sock.makefile("rb") as file:
            file.readline()
            for command in before:
                sock.sendall(command + b"\r\n")
                _reply(file.readline, service)
            try:
                while sent < mebibytes * len(BLOCK) * 4:
                    sock.sendall(BLOCK)
                    sent += len(BLOCK)
                sock.sendall(b"\r\n.\r\n")
            except (OSError, ssl.SSLError):
                pass
            words = _last_words(file.readline)
    seconds = round(time.monotonic() - begun, 2)
    return {"connections": 1, "MiB taken": sent // 2**20, "seconds (all)": seconds, "last words": words}


def _reply(readline: Callable[[], bytes], service: str) -> bytes:
    while (line := readline()) and service.startswith("smtp") and line[3:4] == b"-":
        pass
    return line


def _last_words(readline: Callable[[], bytes]) -> str:
    try:
        words = readline()
    except (OSError, ssl.SSLError) as error:
        return type(error).__name__
    return repr(words.decode(errors="replace").strip())


def scene(name: str, service: str, *before: bytes) -> Scene:
    """One place where a line may stand."""

    def crew(sizes: Mapping[str, int]) -> Sequence[tuple[object, tuple[object, ...]]]:
        return [(endless, (service, before, sizes["mebibytes"]))] * sizes["connections"]

    return Scene(f"endless-{name}", crew, {"limits": {"per_address": 100}}, "pop3s" if service == "pop3s" else "pop3")


SCENES = (
    scene("pop3", "pop3"),
    scene("pop3s", "pop3s"),
    scene("sasl", "pop3", b"AUTH PLAIN"),
    scene("smtp", "smtp"),
    scene("smtp-sasl", "smtp", b"EHLO here", b"AUTH PLAIN"),
    scene("smtp-data", "smtp", *DATA),
)

if __name__ == "__main__":
    sys.exit(main(__doc__ or "", SCENES, FULL, QUICK))
