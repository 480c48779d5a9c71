"""Messages laid one after the other: in memory while they are few, in one file without a name when they are many.

Must not know: whose messages they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO

from .content import BLOCK, SpoolError

IN_MEMORY = 16 * 1024 * 1024
"""Octets of all messages together that are held in memory."""

MOST = 16 * 1024**3
"""Octets of all messages together; a server that gives more gives without end."""


class Pile:
    """What was laid down is read again at any time. `most` octets are too many. All methods belong to one thread."""

    def __init__(self, most: int = MOST) -> None:
        self._file: IO[bytes] = BytesIO()
        self._most = most
        self.octets = 0

    def write(self, chunk: bytes) -> None:
        """The next octets. Raises SpoolError."""
        self.octets += len(chunk)
        if self.octets > self._most:
            raise SpoolError(f"the server gives more than {self._most} octets, and no end")
        try:
            if self.octets > IN_MEMORY and isinstance(self._file, BytesIO):
                self._spill(self._file)
            self._file.seek(0, 2)
            self._file.write(chunk)
        except OSError as error:
            words = f"the messages cannot be kept in the folder for temporary files: {error.strerror}"
            raise SpoolError(words) from error

    def _spill(self, held: BytesIO) -> None:
        self._file = TemporaryFile(prefix="postane-")  # noqa: SIM115 - `discard` closes it
        self._file.write(held.getbuffer())

    def content(self, start: int) -> "PileContent":
        """What was written from there on."""
        return PileContent(self, start, self.octets - start)

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """In pieces. Raises SpoolError, also where it was discarded."""
        while start < end:
            try:
                self._file.seek(start)
                chunk = self._file.read(min(BLOCK, end - start))
            except OSError as error:
                raise SpoolError(f"a temporary file cannot be read: {error.strerror}") from error
            except ValueError:  # it is closed
                raise SpoolError("the message was let go of") from None
            if not chunk:
                raise SpoolError("a temporary file was cut short")
            start += len(chunk)
            yield chunk

    def discard(self) -> None:
        """Forget it all. Idempotent."""
        self._file.close()


@dataclass(frozen=True, slots=True)
class PileContent:
    """A Content that is part of a pile."""

    pile: Pile = field(repr=False)
    start: int
    octets: int

    def chunks(self) -> Iterator[bytes]:
        """See Content."""
        return self.pile.read(self.start, self.start + self.octets)
