"""The octets of a message while it is on its way: a small one in memory, a large one in a file without a name.

A `Spool` takes them as they come; what it makes of them may be read several times, and by several threads at once.

Must not know: where the octets come from, where they go.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from .base import Content, Parcel

IN_MEMORY = 256 * 1024
"""Octets of a message that are held in memory; a larger one is in a file."""

BLOCK = 256 * 1024
"""Octets that are read from a file at once."""


class SpoolError(Exception):
    """The octets cannot be kept, mostly for want of room; the text says why."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True, slots=True)
class MemoryContent:
    """A message in memory."""

    data: bytes = field(repr=False)

    @property
    def octets(self) -> int:
        return len(self.data)

    def chunks(self) -> Iterator[bytes]:
        """All of it."""
        if self.data:
            yield self.data


class FileContent:
    """A message in a file that has no name. Whoever reads it when it is discarded reads it to its end."""

    __slots__ = ("_file", "_is_discarded", "_lock", "_readers", "octets")

    def __init__(self, file: IO[bytes], octets: int) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._readers = 0
        self._is_discarded = False
        self.octets = octets

    def chunks(self) -> Iterator[bytes]:
        """From the beginning. Raises SpoolError where it was discarded before, or cannot be read."""
        with self._lock:
            if self._is_discarded:
                raise SpoolError("the message was let go of")
            self._readers += 1
        try:
            at = 0
            while at < self.octets:
                chunk = self._read(at)
                at += len(chunk)
                yield chunk
        finally:
            with self._lock:
                self._readers -= 1
                self._close_if_over()

    def discard(self) -> None:
        """Let go of the file, once nobody reads it. Idempotent."""
        with self._lock:
            self._is_discarded = True
            self._close_if_over()

    def _read(self, at: int) -> bytes:
        """Not by `pread`: not every system has it."""
        try:
            with self._lock:
                self._file.seek(at)
                chunk = self._file.read(BLOCK)
        except OSError as error:
            raise SpoolError(f"a temporary file cannot be read: {error.strerror}") from error
        if not chunk:
            raise SpoolError("a temporary file was cut short")
        return chunk

    def _close_if_over(self) -> None:
        if self._is_discarded and not self._readers:
            self._file.close()


class Spool:
    """A message on its way in. Whoever made it discards it, when nobody wants its content any more.

    Writing goes to memory, or to what the system has in memory of a file: it holds an event loop up by no more than
    that. All methods belong to one thread.
    """

    __slots__ = ("_content", "_file", "_limit", "_pieces", "octets")

    def __init__(self, limit: int = IN_MEMORY) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._file: IO[bytes] | None = None
        self._content: Content | None = None
        self.octets = 0

    def write(self, chunk: bytes) -> None:
        """The next octets. Raises SpoolError."""
        self.octets += len(chunk)
        if self._file is None:
            self._pieces.append(chunk)
            if self.octets > self._limit:
                self._spill()
        else:
            self._append(self._file, chunk)

    def finish(self) -> Content:
        """The message is complete; nothing may be written any more."""
        if self._content is None:
            self._content = self._make()
        return self._content

    def discard(self) -> None:
        """Forget it all, though one who reads the content just now reads it to its end. Idempotent."""
        self._pieces.clear()
        if isinstance(self._content, FileContent):
            self._content.discard()
        elif self._file is not None:
            self._file.close()

    def _make(self) -> Content:
        if self._file is not None:
            return FileContent(self._file, self.octets)
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        return MemoryContent(data)

    def _spill(self) -> None:
        from tempfile import TemporaryFile  # for large messages only: it takes 8 ms of a program's start

        try:
            self._file = TemporaryFile(prefix="postane-", buffering=0)  # noqa: SIM115 - the content closes it
        except OSError as error:
            raise _no_room(error) from error
        self._append(self._file, b"".join(self._pieces))
        self._pieces.clear()

    @staticmethod
    def _append(file: IO[bytes], octets: bytes) -> None:
        left = memoryview(octets)
        try:
            while left:
                left = left[file.write(left) :]
        except OSError as error:
            raise _no_room(error) from error


def whole(parcel: Parcel) -> Iterator[bytes]:
    """A parcel's octets with what stands before them."""
    if parcel.lead:
        yield parcel.lead
    yield from parcel.content.chunks()


def _no_room(error: OSError) -> SpoolError:
    return SpoolError(f"a large message cannot be kept in the folder for temporary files: {error.strerror}")
