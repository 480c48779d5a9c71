"""A line-by-line conversation over a real socket, for dialogues that no well-behaved client would hold."""

import socket
import time
from pathlib import Path
from typing import Self

TIME = 20.0
"""Seconds that one step may take before the test fails."""


class Talk:
    """One connection. `with` closes it; what is not said explicitly never happens."""

    def __init__(self, address: tuple[str, int] | Path, *, source: str | None = None, greeting: bool = True) -> None:
        if isinstance(address, Path):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(TIME)
            self.socket.connect(str(address))
        else:
            self.socket = socket.create_connection(address, TIME, (source, 0) if source else None)
        self._file = self.socket.makefile("rb")
        try:
            self.greeting = self.line() if greeting else b""
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Go away."""
        self._file.close()
        self.socket.close()

    def send(self, octets: bytes) -> None:
        """Send octets as they are."""
        self.socket.sendall(octets)

    def line(self) -> bytes:
        """The next line without its end; b"" when the server has closed."""
        line = self._file.readline()
        assert not line or line.endswith(b"\r\n"), f"half a line: {line!r}"
        return line.removesuffix(b"\r\n")

    def ask(self, command: bytes) -> bytes:
        """Send one command and give the first line of the reply."""
        self.send(command + b"\r\n")
        return self.line()

    def reply(self) -> list[bytes]:
        """An SMTP reply: all its lines."""
        lines = [self.line()]
        while lines[-1][3:4] == b"-":
            lines.append(self.line())
        return lines

    def body(self) -> bytes:
        """A multi-line POP3 answer after its first line, unstuffed."""
        lines = []
        while (line := self.line()) != b".":
            assert line or not self.is_at_end(), "the server closed inside an answer"
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(line + b"\r\n" for line in lines)

    def is_at_end(self) -> bool:
        """Whether the server has closed and everything was read."""
        return not self._file.peek(1)

    def ends(self) -> bool:
        """Whether the server closes now, without another word."""
        try:
            return self._file.readline() == b""
        except ConnectionResetError:
            return True


def log_in(address: tuple[str, int], name: str, password: str, *, source: str | None = None) -> Talk:
    """A POP3 session after USER and PASS."""
    talk = Talk(address, source=source)
    assert talk.greeting.startswith(b"+OK"), talk.greeting
    for command in (f"USER {name}", f"PASS {password}"):
        answer = talk.ask(command.encode())
        assert answer.startswith(b"+OK"), answer
    return talk


def can_log_in(address: tuple[str, int], name: str, password: str) -> None:
    """Wait, within bounds, until the box can be opened: who held it went away without a word."""
    deadline = time.monotonic() + TIME
    while True:
        with Talk(address) as talk:
            talk.ask(f"USER {name}".encode())
            answer = talk.ask(f"PASS {password}".encode())
            if answer.startswith(b"+OK"):
                assert talk.ask(b"QUIT").startswith(b"+OK")
                return
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
