"""A session with an IMAP server, by `imapclient`: mail is fetched from there and put there by those who have no POP.

RFC 9051 (IMAP), RFC 3501 s6.2 (logins), RFC 7628 (tokens), RFC 4315 s2.1 (UID EXPUNGE). Every call waits: it belongs to
a thread. A password crosses only where the policy allows it, and never before TLS where TLS is wanted.

Must not know: what is done with the mail.
"""

import contextlib
import imaplib
import logging
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from postane.credentials.base import Secret, SecretKind
from postane.net.base import Target, TlsMode

from .bounded import BoundedClient
from .errors import ImapError, NoWay, shaking_hands, told, words_of
from .folders import OTHER_REASON, Folders

CHUNK = 1024 * 1024
"""Octets of a message that are asked for at once: the library holds an answer in memory."""

PIECE = 1000
"""Messages that are asked about at once."""

SEARCHED = 50_000
"""Messages that are searched at once: the library takes an answer of a million octets."""

DELETED = b"\\Deleted"


@dataclass(frozen=True, slots=True)
class Mail:
    """A message in a folder."""

    uid: int
    octets: int


@dataclass(frozen=True, slots=True)
class Entry:
    """Who comes in. `allows_clear`: whether the secret may cross to a server of that address without TLS. `context` is
    TLS as it is wanted, `check` says what is wrong with the certificate shown (DER), or nothing, and `explain` why a
    handshake failed."""

    name: str
    secret: Secret
    allows_clear: Callable[[str], bool]
    context: ssl.SSLContext
    check: Callable[[bytes], str | None]
    explain: Callable[[ssl.SSLError], str]


class ImapSession:
    """One connection, logged in. All of it raises ImapError."""

    def __init__(self, target: Target, entry: Entry) -> None:
        self._target = target
        self._count = 0  # messages in the folder when it was opened
        with told(str(target)):
            self._client = self._connect(entry)
        try:
            with told(str(target)):
                self._secure(entry)
            with told(f"{entry.name} at {target}"):
                self._log_in(entry)
        except BaseException:
            self.abort()
            raise

    @property
    def secured(self) -> ssl.SSLSocket | None:
        """The connection, where TLS is spoken."""
        sock = self._client.socket()
        return sock if isinstance(sock, ssl.SSLSocket) else None

    @property
    def tls(self) -> str:
        """The version of TLS that is spoken; "": none."""
        return "" if self.secured is None else self.secured.version() or ""

    @property
    def count(self) -> int:
        """Messages in the folder when it was opened."""
        return self._count

    def capabilities(self) -> tuple[str, ...]:
        """What the server offers to who has logged in (RFC 9051 s6.1.1)."""
        with told(str(self._target)):
            return tuple(each.decode("ascii", "replace") for each in self._client.capabilities())

    @property
    def folders(self) -> Folders:
        """Those of the server."""
        return Folders(self._client, str(self._target))

    def select(self, folder: str, *, is_for_reading: bool = False) -> int:
        """Open a folder; gives its UIDVALIDITY (RFC 9051 s2.3.1.1). Raises NoFolder where there is none."""
        try:
            with told(f"folder {folder} at {self._target}"):
                found = self._client.select_folder(folder, readonly=is_for_reading)
        except ImapError as error:
            if error.is_answer and not OTHER_REASON.search(error.text):
                self.folders.check(folder)
            raise
        if b"UIDVALIDITY" not in found:
            raise ImapError(f"folder {folder}: the server gives no UIDVALIDITY, so no uid can be believed")
        self._count = int(found.get(b"EXISTS") or 0)
        return int(found[b"UIDVALIDITY"])

    def listing(self) -> Iterator[list[Mail]]:
        """What is in the folder, by uid, in pieces; `marked` are among them."""
        with told("the listing"):
            uids = sorted(self._search("ALL"))
            for start in range(0, len(uids), PIECE):
                found = self._client.fetch(uids[start : start + PIECE], ["RFC822.SIZE"])
                yield [Mail(uid, int(found[uid].get(b"RFC822.SIZE") or 0)) for uid in sorted(found)]

    def marked(self) -> set[int]:
        """What is marked as deleted, by whomever, and has not been removed."""
        with told("the listing"):
            return self._search("DELETED")

    def header(self, uid: int) -> bytes:
        """The header part of a message, through the empty line."""
        with told(f"message {uid}"):
            return self._part(uid, "BODY.PEEK[HEADER]", b"BODY[HEADER]")

    def chunks(self, mail: Mail) -> Iterator[bytes]:
        """A message, as it is: up to where there is no more, as there are servers that only estimate a size."""
        with told(f"message {mail.uid}"):
            piece = self._part(mail.uid, f"BODY.PEEK[]<0.{CHUNK}>", b"BODY[]<0>")
            if not piece and mail.octets:
                raise ImapError(f"message {mail.uid}: the server gives nothing of it", is_answer=True)
            at = len(piece)
            yield piece
            while len(piece) == CHUNK or (piece and at < mail.octets):  # some give less at once than they are asked for
                piece = self._part(mail.uid, f"BODY.PEEK[]<{at}.{CHUNK}>", b"BODY[]<%d>" % at)
                at += len(piece)
                yield piece

    def delete(self, uids: Sequence[int]) -> None:
        """Mark messages; `expunge` removes them."""
        with told("the deletion"):
            for start in range(0, len(uids), PIECE):
                self._client.delete_messages(uids[start : start + PIECE], silent=True)

    def expunge(self, uids: Sequence[int]) -> None:
        """Remove these, and nothing that somebody else has marked. Without UIDPLUS others' marks are taken away for
        that moment: what another client marks just then goes too."""
        with told("the deletion"):
            if self._client.has_capability("UIDPLUS"):  # RFC 4315 s2.1
                for start in range(0, len(uids), PIECE):
                    self._client.uid_expunge(uids[start : start + PIECE])
                return
            others = sorted(self.marked() - set(uids))
            for start in range(0, len(others), PIECE):
                self._client.remove_flags(others[start : start + PIECE], [DELETED], silent=True)
            self._client.expunge()
            for start in range(0, len(others), PIECE):
                self._client.add_flags(others[start : start + PIECE], [DELETED], silent=True)

    def append(self, folder: str, octets: bytes, arrived: float) -> None:
        """Put a message into a folder."""
        from datetime import UTC, datetime

        with told(f"folder {folder}"):
            self._client.append(folder, octets, msg_time=datetime.fromtimestamp(arrived, UTC))

    def having(self, field: str, value: str) -> list[int]:
        """The uids of the messages in which this stands in the first header field of that name: what comes after that
        may be anybody's."""
        with told("the search"):
            uids = sorted(self._search("HEADER", field, value))
            return [uid for uid, first in self._firsts(field, uids) if first == value]

    def values(self, field: str) -> Iterator[str]:
        """What stands in the first header field of that name, of all messages that have it."""
        with told("the search"):
            yield from (first for _, first in self._firsts(field, sorted(self._search("HEADER", field, ""))))

    def is_alive(self) -> bool:
        """Whether the server still answers. Raises nothing."""
        try:
            with told("the session"):
                self._client.noop()
        except ImapError:
            return False
        return True

    def close(self) -> None:
        """Log out. Raises nothing."""
        with contextlib.suppress(ImapError), told("the end"):
            self._client.logout()
        self.abort()

    def abort(self) -> None:
        """End the connection. Raises nothing."""
        with contextlib.suppress(ImapError), told("the end"):
            self._client.shutdown()

    def _search(self, *criteria: str) -> set[int]:
        """The uids of what fits. A large folder is searched from its end on: what is expunged meanwhile moves messages
        to where they are looked for once more, and none out of sight."""
        if self._count <= SEARCHED:
            return set(self._client.search(list(criteria)))
        found, last = set[int](), "*"
        for first in range(self._count - SEARCHED + 1, 1 - SEARCHED, -SEARCHED):
            found |= set(self._client.search([f"{max(first, 1)}:{last}", *criteria]))
            last = str(first - 1)
        return found

    def _firsts(self, field: str, uids: Sequence[int]) -> Iterator[tuple[int, str]]:
        wanted = [f"BODY.PEEK[HEADER.FIELDS ({field})]"]
        for start in range(0, len(uids), PIECE):
            for uid, found in self._client.fetch(uids[start : start + PIECE], wanted).items():
                octets = next((each for name, each in found.items() if name.startswith(b"BODY[")), b"")
                yield uid, octets.decode("utf-8", "replace").partition(":")[2].partition("\n")[0].strip()

    def _part(self, uid: int, wanted: str, named: bytes) -> bytes:
        found = self._client.fetch([uid], [wanted])
        if uid not in found:
            raise ImapError(f"message {uid} is not there any more", is_answer=True)
        if named not in found[uid]:
            raise ImapError(f"message {uid}: the server gives something else than was asked for", is_answer=True)
        return bytes(found[uid][named] or b"")

    def _connect(self, entry: Entry) -> BoundedClient:
        target = self._target
        is_tls = target.tls.mode is TlsMode.IMPLICIT
        context = entry.context if is_tls else None
        logging.getLogger("imapclient").setLevel(logging.CRITICAL)  # without a handler its warnings go to the terminal
        with shaking_hands(entry.explain), _greeted(target):
            return BoundedClient(target.host, target.port, ssl=is_tls, ssl_context=context, timeout=target.timeout)

    def _secure(self, entry: Entry) -> None:
        mode, client = self._target.tls.mode, self._client
        is_offered = mode is not TlsMode.IMPLICIT and client.has_capability("STARTTLS")
        if mode is TlsMode.REQUIRED and not is_offered:
            raise ImapError(f"{self._target} offers no TLS (STARTTLS), so nothing was sent", is_trust=True)
        if is_offered and mode is not TlsMode.NONE:
            with shaking_hands(entry.explain):
                client.starttls(entry.context)
        sock = client.socket()
        if isinstance(sock, ssl.SSLSocket) and (trouble := entry.check(sock.getpeercert(binary_form=True) or b"")):
            raise ImapError(trouble, is_trust=True)

    def _log_in(self, entry: Entry) -> None:
        client = self._client
        sock = client.socket()
        if not isinstance(sock, ssl.SSLSocket) and not entry.allows_clear(sock.getpeername()[0]):
            raise ImapError(f"the password would cross to {self._target} in clear text", is_login=True)
        if entry.secret.kind is SecretKind.TOKEN:
            if client.has_capability("AUTH=OAUTHBEARER"):
                client.oauthbearer_login(entry.name, entry.secret.text)
            else:
                client.oauth2_login(entry.name, entry.secret.text)
        elif client.has_capability("LOGINDISABLED"):  # RFC 9051 s6.2.3
            client.plain_login(entry.name, entry.secret.text)
        else:
            client.login(entry.name, entry.secret.text)


@contextlib.contextmanager
def _greeted(target: Target) -> Iterator[None]:
    """The library's own words tell octets, or nothing, of a server that does not greet as one of IMAP does."""
    try:
        yield
    except ConnectionRefusedError as error:
        text = f"cannot connect to {target}: nothing listens there (connection refused)"
        raise NoWay(text) from error
    except imaplib.IMAP4.error as error:
        words = words_of(error)
        if words == "None" or words.startswith("unexpected response"):
            said = words.partition("b'")[2].rstrip("'")
            text = f"{target} is no IMAP server{f' (it said: {said})' if said else ''}"
            raise ImapError(text, is_nonsense=True) from error
        raise
