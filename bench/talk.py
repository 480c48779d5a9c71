"""One client at a time, in plain words: it says a line, hears the answer, and complains about any that is wrong.

For programs that count what the server does, not how fast a client may be: `driver.c` is there for that.
"""

import socket
import ssl
from collections.abc import Iterable, Sequence
from typing import Self

PATIENCE = 120.0
"""Seconds for one answer."""


class WrongAnswer(RuntimeError):
    """The server said something else than it should."""


class Talk:
    """A connection to a port of 127.0.0.1, after the greeting."""

    def __init__(self, port: int, *, is_encrypted: bool = False, source: str = "127.0.0.1") -> None:
        bare = socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0))
        bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = trusting().wrap_socket(bare) if is_encrypted else bare
        self._file = self.socket.makefile("rb", 1 << 16)
        self.greeting = self.hear()

    def hear(self) -> bytes:
        """One line of an answer, without its CRLF."""
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise WrongAnswer("the server hung up")
        return line[:-2]

    def send(self, octets: bytes) -> None:
        """Octets as they are."""
        self.socket.sendall(octets)

    def ask(self, command: str, expect: str = "+OK") -> bytes:
        """Say a line; the line that answers it."""
        self.send(command.encode() + b"\r\n")
        return self.expect(expect, command)

    def expect(self, beginning: str, after: str = "") -> bytes:
        """The next answer, over its continued lines (`250-`). Raises WrongAnswer."""
        line = self.hear()
        while line[3:4] == b"-" and line[:3].isdigit():
            line = self.hear()
        if not line.startswith(beginning.encode()):
            shown = "PASS" if after.startswith("PASS") else after
            raise WrongAnswer(f"{shown or 'the answer'}: {line.decode(errors='replace')}")
        return line

    def ask_many(self, command: str) -> list[bytes]:
        """Say a line; the lines of the multi-line answer, still stuffed, without the last one."""
        self.ask(command)
        lines = []
        while (line := self._file.readline()) != b".\r\n":
            if not line:
                raise WrongAnswer(f"{command}: the server hung up")
            lines.append(line)
        return lines

    def enter(self, name: str, password: str) -> Self:
        """Log in by POP3."""
        self.ask(f"USER {name}")
        self.ask(f"PASS {password}")
        return self

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def trusting() -> ssl.SSLContext:
    """For a client that does not ask who the server is."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def begin_letter(talk: Talk, recipients: Sequence[str], hello: str = "LHLO bench.example") -> None:
    """All that comes before the octets of a message."""
    talk.ask(hello, "250")
    talk.ask("MAIL FROM:<sender@bench.example>", "250")
    for recipient in recipients:
        talk.ask(f"RCPT TO:<{recipient}@bench.example>", "250")
    talk.ask("DATA", "354")


def end_letter(talk: Talk, octets: bytes, answers: int) -> list[bytes]:
    """The octets of a message, which has no line that begins with a dot; the answers to it."""
    talk.send(octets + b".\r\n")
    return [talk.expect("250", "the message") for _ in range(answers)]


def pipelined(talk: Talk, commands: Iterable[str]) -> None:
    """Many commands in one write, each answered by one line."""
    lines = [command.encode() + b"\r\n" for command in commands]
    talk.send(b"".join(lines))
    for line in lines:
        talk.expect("+OK", line.decode().strip())
