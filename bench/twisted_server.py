"""A POP3 server of Twisted's with its messages in memory: `twisted_server.py PASSWORD PREFIX:MESSAGES:OCTETS ...`

Every account whose name begins with a group's prefix has that group's messages, all alike, and every session its own
list of them. It prints its port and "ready". TCP_NODELAY is set, which Twisted does not do by itself: without it a
small message takes 40 ms.
"""

import io
import sys
from typing import Any

from messages import message
from twisted.cred import checkers, credentials, error, portal
from twisted.internet import defer, reactor
from twisted.internet.protocol import ServerFactory
from twisted.mail import pop3
from zope.interface import implementer


class Mail:
    """A group's messages: with LF line ends, as Twisted's POP3 wants them, and their size with CRLF."""

    def __init__(self, told: str) -> None:
        self.prefix, messages, octets = told.split(":")
        self.sizes = [int(octets)] * int(messages)
        self.octets = message(1, int(octets)).replace(b"\r\n", b"\n") if self.sizes else b""


@implementer(pop3.IMailbox)
class Mailbox:
    """One session's view of it."""

    def __init__(self, mail: Mail) -> None:
        self._mail = mail
        self._sizes = mail.sizes
        self._deleted: set[int] = set()

    def listMessages(self, index: int | None = None) -> list[int] | int:  # noqa: N802
        """Sizes; 0 for what is deleted."""
        if index is not None:
            return 0 if index in self._deleted else self._sizes[index]
        if self._deleted:
            return [0 if index in self._deleted else size for index, size in enumerate(self._sizes)]
        return self._sizes

    def getMessage(self, index: int) -> io.BytesIO:  # noqa: N802
        """A file."""
        if index in self._deleted:
            raise ValueError(index)
        return io.BytesIO(self._mail.octets)

    def getUidl(self, index: int) -> bytes:  # noqa: N802
        """A name."""
        return b"%016x" % index

    def deleteMessage(self, index: int) -> None:  # noqa: N802
        """Until the end of the session."""
        self._deleted.add(index)

    def undeleteMessages(self) -> None:  # noqa: N802
        """RSET."""
        self._deleted.clear()

    def sync(self) -> None:
        """Nothing is kept."""


@implementer(checkers.ICredentialsChecker)
class Checker:
    """One password for all."""

    credentialInterfaces = (credentials.IUsernamePassword,)  # noqa: N815

    def __init__(self, password: bytes) -> None:
        self._password = password

    def requestAvatarId(self, given: Any) -> Any:  # noqa: N802
        """The name, or a failure."""
        if given.checkPassword(self._password):
            return defer.succeed(given.username)
        return defer.fail(error.UnauthorizedLogin())


@implementer(portal.IRealm)
class Realm:
    """Mailboxes by the letters that names begin with."""

    def __init__(self, told: list[str]) -> None:
        self._mail = {mail.prefix: mail for mail in map(Mail, told)}

    def requestAvatar(self, name: bytes, _: Any, *interfaces: Any) -> Any:  # noqa: N802
        """A mailbox of the session's own."""
        return pop3.IMailbox, Mailbox(self._mail[name.decode().rstrip("0123456789")]), lambda: None


class Server(pop3.POP3):
    """As it is, but for TCP_NODELAY."""

    def connectionMade(self) -> None:  # noqa: N802
        """A client came."""
        self.transport.setTcpNoDelay(True)
        super().connectionMade()


def main(password: str, told: list[str]) -> None:
    """Serve until it is stopped."""
    door = portal.Portal(Realm(told), [Checker(password.encode())])
    factory = ServerFactory()
    factory.buildProtocol = lambda address: _with_portal(door)  # type: ignore[method-assign]
    port = reactor.listenTCP(0, factory, backlog=4096, interface="127.0.0.1")
    print(f"pop3 {port.getHost().port}\nready", flush=True)
    reactor.run()


def _with_portal(door: portal.Portal) -> Server:
    server = Server()
    server.portal = door
    return server


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
