"""Large bodies of a store that forgets everything.

Must not know: which index they belong to.
"""

import time
from collections.abc import Sequence

from postane.mail.measure import Facts, Measure

from .base import Blob, BlobReader, StoreDamaged
from .sides import Upload


class MemoryUpload:
    """A body that grows in memory."""

    def __init__(self) -> None:
        self._measure = Measure()
        self.octets = bytearray()

    async def write(self, *pieces: bytes, is_undotted: bool = False) -> None:
        """The next octets."""
        for octets in pieces:
            self._measure.feed(octets, is_undotted=is_undotted)
            self.octets += octets

    async def finish(self, *pieces: bytes, is_undotted: bool = False) -> Facts:
        """What was written."""
        await self.write(*pieces, is_undotted=is_undotted)
        return self._measure.facts()

    async def discard(self) -> None:
        """Forget it."""
        self.forget()

    def forget(self) -> None:
        """Forget it."""
        self.octets = bytearray()


class MemoryReader:
    """Reads a body."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    async def read(self, limit: int) -> bytes:
        """The next octets."""
        piece = self._octets[self._at : self._at + limit]
        self._at += len(piece)
        return piece

    async def close(self) -> None:
        """Nothing to let go of."""


class MemoryBlobs:
    """A BlobSide of dicts: the body, and when it was placed."""

    def __init__(self) -> None:
        self.bodies: dict[tuple[str, str], bytes] = {}
        self._placed: dict[tuple[str, str], float] = {}

    def begin(self) -> Upload:
        """Take in a body."""
        return MemoryUpload()

    async def place(self, upload: Upload, drop: str, name: str) -> None:
        """Give an upload a name in a drop."""
        if not isinstance(upload, MemoryUpload):
            raise TypeError("an upload goes to the side that began it")
        self.bodies[drop, name] = bytes(upload.octets)
        self._placed[drop, name] = time.time()

    async def finish_in(self, drop: str, name: str, upload: Upload, *pieces: bytes, is_undotted: bool = False) -> Facts:
        """Both at once."""
        facts = await upload.finish(*pieces, is_undotted=is_undotted)
        await self.place(upload, drop, name)
        return facts

    async def open(self, drop: str, blob: Blob) -> BlobReader:
        """Open a body."""
        body = self.bodies.get((drop, blob.name))
        if body is None or len(body) != blob.octets:
            raise StoreDamaged("message is damaged", f"maildrop {drop}: blob {blob.name} is missing or cut")
        return MemoryReader(body)

    async def remove(self, drop: str, names: Sequence[str]) -> list[str]:
        """Remove bodies."""
        for name in names:
            self.bodies.pop((drop, name), None)
            self._placed.pop((drop, name), None)
        return []

    async def names(self, drop: str, age: float) -> list[str]:
        """The names placed at least `age` seconds ago."""
        latest = time.time() - age
        return sorted(name for (held, name), placed in self._placed.items() if held == drop and placed <= latest)

    async def close(self) -> None:
        """Nothing to let go of."""
