"""POP2 and POP1 clients over a real socket: the package's own machines, driven one command at a time."""

import socket
import ssl
from typing import Any, Self

from postane.mail.mboxrd import MessageEnd, Piece, Postmark, Splitter
from postane.pop1.client import Pop1Client
from postane.pop1.commands import Pass, Rcev, Rcvd, Rdel, Retr, User
from postane.pop1.replies import Length as MailboxLength
from postane.pop1.replies import Reply
from postane.pop2 import commands as pop2
from postane.pop2.client import Pop2Client
from postane.pop2.replies import Count, Length
from postane.wire.machine import NEED_DATA, Signal

from .talk import TIME

Address = tuple[str, int]


class Caller:
    """A connection with a client's machine. `with` closes it, without a word."""

    def __init__(self, machine: Any, address: Address, tls: ssl.SSLContext | None = None) -> None:
        self.machine = machine
        self.socket = socket.create_connection(address, TIME)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.greeting = self.hear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def hear(self) -> Any:
        """The next event."""
        while (event := self.machine.next_event()) is NEED_DATA:
            self.machine.feed(self.socket.recv(65536))
        assert not isinstance(event, Signal), event
        return event

    def ask(self, command: Any) -> Any:
        """Say a command; the reply to it."""
        self.socket.sendall(self.machine.send(command))
        return self.hear().reply

    def chunks(self, command: Any) -> list[bytes]:
        """Say a command that is answered by octets; those octets."""
        self.socket.sendall(self.machine.send(command))
        got: list[bytes] = []
        while type(event := self.hear()).__name__ != "BodyEnd":
            got.append(event.octets)
        return got


class Pop2Caller(Caller):
    """Speaks POP2."""

    def __init__(self, address: Address, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(Pop2Client(), address, tls)

    def log_in(self, name: str, password: str) -> int:
        """HELO; the number of messages."""
        reply = self.ask(pop2.Helo(name, password))
        assert isinstance(reply, Count), reply
        return reply.number

    def fetch(self, length: Length) -> bytes:
        """RETR of the message whose length was told."""
        message = b"".join(self.chunks(pop2.Retr()))
        assert len(message) == length.octets
        return message

    def fetch_all(self, ack: Any) -> list[bytes]:
        """Every message from the first one on, each acknowledged by `ack`."""
        messages, length = [], self.ask(pop2.Read(1))
        while length.octets:
            messages.append(self.fetch(length))
            length = self.ask(ack)
        return messages


class Pop1Caller(Caller):
    """Speaks POP1."""

    def __init__(self, address: Address, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(Pop1Client(), address, tls)

    def log_in(self, name: str, password: str) -> None:
        """USER and PASS."""
        for command in (User(name), Pass(password)):
            assert self.ask(command).is_ok

    def receive(self, begin: Retr | Rdel) -> list[tuple[Postmark, bytes]]:
        """A mailbox, parted; not acknowledged yet."""
        length = self.ask(begin)
        assert isinstance(length, MailboxLength), length
        splitter = Splitter()
        pieces = self.chunks(Rcev())
        assert sum(map(len, pieces)) == length.octets
        parts = [part for piece in pieces for part in splitter.feed(piece)] + splitter.finish()
        letters: list[tuple[Postmark, bytes]] = []
        for part in parts:
            match part:
                case Postmark():
                    letters.append((part, b""))
                case Piece(octets):
                    letters[-1] = (letters[-1][0], letters[-1][1] + octets)
                case MessageEnd():
                    pass
        return letters

    def acknowledge(self) -> Reply:
        """RCVD."""
        reply = self.ask(Rcvd())
        assert isinstance(reply, Reply)
        return reply
