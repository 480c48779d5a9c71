"""What a message is known by where its server gives it no unique-id of its own.

RFC 1939 s7 (UIDL: optional, and RFC 1939 allows servers to derive it from the message, so that copies share one).
Such a message is known by a digest of its header part and its size. Fields that servers and readers change
(Status and its like) are left out of both. Copies that are alike to the octet are told apart by counting them.

Must not know: servers, the journal.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable

_VOLATILE = re.compile(
    rb"^(?:status|x-status|x-uid|x-uidl|x-imap|x-imapbase|x-keywords|content-length|lines|x-mozilla-status2?"
    rb"|x-mozilla-keys)[ \t]*:.*\r\n(?:[ \t].*\r\n)*",
    re.IGNORECASE | re.MULTILINE,
)


PREFIX = "sha256:"
"""How such a key begins."""


class DigestKeys:
    """Keys for the messages of one listing, which are to be asked for in the order of their numbers."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def key(self, header: bytes, octets: int) -> str:
        """The key of a message with this header part and size; another one each time."""
        stable = _VOLATILE.sub(b"", header)
        size = octets - (len(header) - len(stable))
        return self._next(hashlib.sha256(b"%d\n" % size + stable))

    def whole_key(self, chunks: Iterable[bytes]) -> str:
        """The key of a message all of which is at hand; the fields that change must be among the first octets."""
        made = hashlib.sha256()
        for number, chunk in enumerate(chunks):
            if number == 0:
                end = chunk.find(b"\r\n\r\n") + 2
                chunk = _VOLATILE.sub(b"", chunk[:end]) + chunk[end:] if end > 1 else chunk
            made.update(chunk)
        return self._next(made)

    def _next(self, made: "hashlib._Hash") -> str:
        digest = made.hexdigest()[:40]
        self._seen[digest] += 1
        count = self._seen[digest]
        return f"{PREFIX}{digest}" if count == 1 else f"{PREFIX}{digest}#{count}"
