"""Twisted's POP3 server with its own Maildir: `twisted_pop3.py PASSWORD MAILDIR`; `--apop` in the end: it takes APOP.

It bears a stamp for APOP in its greeting in any case. Prints its port.
"""

import os
import sys
from typing import Any

from twisted.cred import checkers, credentials, error, portal
from twisted.internet import defer, reactor
from twisted.internet.protocol import ServerFactory
from twisted.mail import maildir, pop3
from zope.interface import implementer


@implementer(checkers.ICredentialsChecker)
class Checker:
    """One password for all."""

    def __init__(self, password: bytes, *, takes_apop: bool) -> None:
        self._password = password
        more = (credentials.IUsernameHashedPassword,) if takes_apop else ()
        self.credentialInterfaces = (credentials.IUsernamePassword, *more)

    def requestAvatarId(self, given: Any) -> Any:  # noqa: N802
        """The name, or a failure."""
        if isinstance(given, pop3.APOPCredentials):
            given.digest = given.digest.decode()  # it compares it with text, and would always say no
        is_right = given.checkPassword(self._password)
        return defer.succeed(given.username) if is_right else defer.fail(error.UnauthorizedLogin())


class Mailbox(maildir.MaildirMailbox):
    """Twisted's own mixes names of bytes and of text, and opens messages as text."""

    def getMessage(self, index: int) -> Any:  # noqa: N802
        """A file."""
        return open(self.list[index], "rb")

    def getUidl(self, index: int) -> bytes:  # noqa: N802
        """A name."""
        return os.path.basename(self.list[index])

    def deleteMessage(self, index: int) -> None:  # noqa: N802
        """Until the end of the session."""
        self.deleted[self.list[index]] = b""
        self.list[index] = 0

    def sync(self) -> None:
        """The session has ended well."""
        for path in self.deleted:
            os.unlink(path)


@implementer(portal.IRealm)
class Realm:
    """One Maildir for all."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def requestAvatar(self, name: bytes, _: Any, *interfaces: Any) -> Any:  # noqa: N802
        """A mailbox of the session's own."""
        return pop3.IMailbox, Mailbox(os.fsencode(self._folder)), lambda: None


def main(password: str, folder: str, *options: str) -> None:
    """Serve until it is stopped."""
    door = portal.Portal(Realm(folder), [Checker(password.encode(), takes_apop="--apop" in options)])

    def build(_: object) -> pop3.POP3:
        server = pop3.POP3()
        server.portal = door
        return server

    factory = ServerFactory()
    factory.buildProtocol = build  # type: ignore[method-assign]
    print(reactor.listenTCP(0, factory, interface="127.0.0.1").getHost().port, flush=True)
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
