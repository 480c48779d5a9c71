"""A message on its way in: in memory while it is small, on the blob side from there on.

Must not know: who gets it.
"""

from dataclasses import dataclass, field
from typing import Protocol

from postane.mail.measure import Facts, Measure

from .base import MaildropError
from .sides import BlobSide, Upload

BLOCK = 256 * 1024
"""Octets that are handed to the blob side at once: fewer would cost a change of threads for each of them."""

FEW = 4
"""Pieces of a block that are handed on as they are."""


@dataclass(frozen=True, slots=True)
class Body:
    """What was spooled, complete. A large one is in `upload` with its `facts`, a small one in `octets`."""

    octets: bytes = field(default=b"", repr=False)
    facts: Facts | None = None
    upload: Upload | None = None


class BeginUpload(Protocol):
    """How a spool gets a place for a large body."""

    def __call__(self) -> Upload: ...


class JoinedSpool:
    """The Spool of a store with two sides. A body up to `inline` octets goes to the index."""

    __slots__ = ("_begin", "_body", "_error", "_inline_limit", "_is_undotted", "_pieces", "_size", "_tail", "_upload")

    def __init__(self, begin: BeginUpload, inline: int) -> None:
        self._begin = begin
        self._inline_limit = inline
        self._pieces: list[bytes] = []
        self._size = 0  # octets in _pieces
        self._is_undotted = True  # each of them is
        self._tail = b"\r\n"
        self._upload: Upload | None = None
        self._body: Body | None = None
        self._error: MaildropError | None = None

    def write_now(self, octets: bytes, *, is_undotted: bool = False) -> bool:
        """The next octets of the message, where no block of them has to be written."""
        if self._body is not None:
            raise ValueError("a spool that was deposited or discarded cannot grow")
        size = self._size + len(octets)
        if size > self._inline_limit if self._upload is None else size >= BLOCK:
            return False
        self._take(octets, is_undotted)
        return True

    async def write(self, octets: bytes, *, is_undotted: bool = False) -> None:
        """The next octets of the message. Raises MaildropError, and then nothing can be deposited."""
        if self.write_now(octets, is_undotted=is_undotted):
            return
        self._take(octets, is_undotted)
        if self._upload is None:
            self._upload = self._begin()
        if self._size >= BLOCK:
            await self._flush(self._upload)

    def _take(self, octets: bytes, is_undotted: bool) -> None:
        self._pieces.append(octets)
        self._is_undotted = self._is_undotted and is_undotted
        self._size += len(octets)
        self._tail = octets[-2:] if len(octets) >= 2 else (self._tail + octets)[-2:]

    async def finish(self) -> Body:
        """What was spooled; a last line without CRLF got one. Raises MaildropError."""
        if self._error is not None:
            raise self._error
        body = self.finish_now()
        if body is None and self._upload is not None:
            self._complete()
            body = self._body = await self._finish_upload(self._upload)
        assert body is not None
        return body

    async def finish_in(self, side: BlobSide, drop: str, name: str) -> Body:
        """The same for a large body, which gets a name in a drop at once: `finish_now` gave None. Raises MaildropError,
        and then nothing can be deposited."""
        if self._error is not None:
            raise self._error
        upload = self._upload
        assert upload is not None
        self._complete()
        pieces, is_undotted = self._gathered()
        try:
            facts = await side.finish_in(drop, name, upload, *pieces, is_undotted=is_undotted)
        except MaildropError as error:
            self._error = error
            raise
        self._body = Body(facts=facts, upload=upload)
        return self._body

    def finish_now(self) -> Body | None:
        """The same for a small body, or for one that was finished before; else None."""
        if self._error is not None:
            return None
        if self._body is None and self._upload is None:
            self._complete()
            self._body = Body(b"".join(self._pieces))
            self._pieces = []
        return self._body

    def _complete(self) -> None:
        if self._tail != b"\r\n":
            self._pieces.append(b"\r\n")

    async def discard(self) -> None:
        """Forget what is not deposited."""
        upload, self._upload = self._upload, None
        self.discard_now()
        if upload is not None:
            await upload.discard()

    def discard_now(self) -> bool:
        """The same; a large body is taken off its place by and by."""
        self._pieces = []
        self._body = self._body or Body()
        upload, self._upload = self._upload, None
        if upload is not None:
            upload.forget()
        return True

    async def _flush(self, upload: Upload) -> None:
        try:
            pieces, is_undotted = self._gathered()
            await upload.write(*pieces, is_undotted=is_undotted)
        except MaildropError as error:
            self._error = error
            raise

    def _gathered(self) -> tuple[list[bytes], bool]:
        """What was not handed on yet, and whether each piece is known to be undotted. Large pieces go as they are:
        joined they would be copied into memory that the system has to clear first, which takes longer than writing
        them one by one."""
        pieces, self._pieces, self._size = self._pieces, [], 0
        is_undotted, self._is_undotted = self._is_undotted, True
        if len(pieces) > FEW:
            return [b"".join(pieces)], False  # a line may begin where two of them met
        return pieces, is_undotted

    async def _finish_upload(self, upload: Upload) -> Body:
        try:
            pieces, is_undotted = self._gathered()
            return Body(facts=await upload.finish(*pieces, is_undotted=is_undotted), upload=upload)
        except MaildropError as error:
            self._error = error
            raise


def joined_facts(lead: bytes, body: Facts) -> Facts:
    """The facts of a lead with a measured body behind it; the digest is the lead's alone.

    Raises ValueError unless the lead is whole header fields: only then does nothing change where the two meet.
    """
    measured = Measure()
    measured.feed(lead)
    facts = measured.facts()
    if lead and (not measured.ends_with_line or lead.startswith(b"\r\n") or b"\r\n\r\n" in lead):
        raise ValueError("a lead is header fields with CRLF line ends, and no empty line")
    return Facts(
        octets=facts.octets + body.octets,
        header_octets=facts.octets + body.header_octets,
        is_dotted=facts.is_dotted or body.is_dotted,
        digest=facts.digest,
        excess=_joined_excess(facts.excess, body.excess),
    )


def _joined_excess(lead: int | None, body: int | None) -> int | None:
    """Lead and body are downgraded apart (`OpenMessage`), so that what each grows by is known without the other."""
    return None if lead is None and body is None else (lead or 0) + (body or 0)
