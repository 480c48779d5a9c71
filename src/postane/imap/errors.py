"""What can go wrong with an IMAP server, from the libraries' errors to one of ours.

RFC 9051 s7.1 (response codes). `imaplib` makes one error of a server that says no and of one that is gone.

Must not know: what was asked for.
"""

import ast
import contextlib
import errno
import imaplib
import re
import socket
import ssl
from collections.abc import Callable, Iterator

from imapclient.exceptions import IMAPClientError, LoginError

from .bounded import Unbounded

_PASSING = re.compile(r"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\]", re.IGNORECASE)
"""RFC 9051 s7.1: codes that say that the login itself may be right."""

_TIMED = re.compile(r" \([0-9.]+(?: \+ [0-9.]+)+ secs\)\.?$")
"""What Dovecot puts behind its words."""

_NO_WAY = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN})

_STUMBLES = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What the libraries raise besides their own errors where an answer is not as they expect it."""


class ImapError(Exception):
    """The server cannot be reached, or says no; the text says why. `is_login`: name or secret are refused. `is_trust`:
    TLS does not stand. `is_nonsense`: the server cannot be understood. `is_answer`: it has said no to this, and the
    session goes on. `may_pass`: worth another try."""

    def __init__(
        self,
        text: str,
        *,
        is_login: bool = False,
        is_trust: bool = False,
        is_nonsense: bool = False,
        is_answer: bool = False,
        may_pass: bool = True,
    ) -> None:
        super().__init__(text)
        self.text = text
        self.is_answer = is_answer
        self.is_login = is_login
        self.is_trust = is_trust
        self.is_nonsense = is_nonsense
        self.may_pass = may_pass and not (is_login or is_trust or is_nonsense)


class NoWay(ImapError):
    """There is no connection."""


class NoFolder(ImapError):
    """The server has no folder of this name, or can have none: another one is to be named."""

    def __init__(self, text: str) -> None:
        super().__init__(text, may_pass=False)


@contextlib.contextmanager
def shaking_hands(explain: Callable[[ssl.SSLError], str]) -> Iterator[None]:
    """What breaks a handshake needs a person, but where the connection is gone. `explain` finds the words."""
    try:
        yield
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        raise
    except ssl.SSLError as error:
        raise ImapError(explain(error), is_trust=True) from error


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    """The libraries' errors in words for people."""
    try:
        yield
    except LoginError as error:
        # The library makes one error of a server that says no and of one that is gone.
        may_pass = isinstance(error.__context__, imaplib.IMAP4.abort) or bool(_PASSING.search(words_of(error)))
        said = "the login failed" if may_pass else "the login was refused"
        raise ImapError(f"{what}: {said}: {words_of(error)}", is_login=not may_pass) from error
    except Unbounded as error:
        raise ImapError(f"{what}: {error}", is_nonsense=True) from error
    except socket.gaierror as error:
        raise NoWay(f"{what}: there is no host of this name") from error
    except TimeoutError as error:
        raise ImapError(f"{what}: the server took too long") from error
    except OSError as error:
        kind = NoWay if error.errno in _NO_WAY else ImapError
        raise kind(f"{what}: {error.strerror or error}") from error
    except (IMAPClientError, imaplib.IMAP4.error) as error:
        is_answer = not isinstance(error, imaplib.IMAP4.abort)
        raise ImapError(f"{what}: {words_of(error)}", is_answer=is_answer) from error
    except _STUMBLES as error:
        raise ImapError(f"{what}: the server cannot be understood: {words_of(error)}", is_nonsense=True) from error


def words_of(error: Exception) -> str:
    """What a library's error says, in short and without control characters."""
    text = error.args[0] if error.args and isinstance(error.args[0], bytes) else _unquoted(str(error))
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return _TIMED.sub("", "".join(letter for letter in plain if letter.isprintable()))[:500]


def _unquoted(text: str) -> str | bytes:
    """One library makes a text of the octets that the other one's error has, as Python writes them."""
    if text[:2] not in ("b'", 'b"'):
        return text
    try:
        octets = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return octets if isinstance(octets, bytes) else text
