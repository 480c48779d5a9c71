"""Deletions and takeovers of one drop, one after the other.

A takeover puts a new lease file in the place of the old one, and does so inside a write transaction of the drop's
index. Whoever deletes looks inside such a transaction whether the lease file is still its own. So a deletion is
committed before the takeover, and the new session does not see what went, or it is not committed at all; between
processes too, because SQLite lets one of them write at a time.

Must not know: what is deleted.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from .base import Holder
from .folders import storage_error
from .locks import FileLease, replace
from .sides import Step
from .sqlite_handles import Handle
from .sqlite_writer import Job, Transaction
from .takeovers import Number


async def delete_under(lease: FileLease, handle: Handle, work: Callable[[Transaction], Any]) -> Any:
    """Delete in a transaction; the lease is held to the end of it, also where nobody waits for that any more."""
    lease.pin()
    writing = asyncio.ensure_future(handle.write(Job(work, Step.ROWS_DELETED, Step.ROWS_GONE)))
    writing.add_done_callback(lambda _: lease.unpin())
    return await asyncio.shield(writing)


async def take_over(handle: Handle, drop: str, holder: Holder, takeovers: Number) -> FileLease:
    """Take a lease that somebody has. Raises MaildropError."""
    eviction = _Eviction(drop, handle.lease_path, holder, takeovers)
    writing = asyncio.ensure_future(handle.write(Job(eviction)))
    try:
        await asyncio.shield(writing)
    except BaseException:
        eviction.is_wanted = False
        if writing.done():
            eviction.undo()
        else:
            writing.add_done_callback(lambda _: eviction.undo())
        raise
    return eviction.lease


class _Eviction:
    """The work of a takeover."""

    lease: FileLease

    def __init__(self, drop: str, path: str, holder: Holder, takeovers: Number) -> None:
        self._drop = drop
        self._path = path
        self._holder = holder
        self._takeovers = takeovers
        self.is_wanted = True

    def __call__(self, _now: Transaction) -> None:
        if not self.is_wanted:
            return
        try:
            self.lease = replace(self._drop, self._path, self._holder, self._takeovers)
        except OSError as error:
            raise storage_error(error, f"maildrop {self._drop} cannot be taken over") from error

    def undo(self) -> None:
        """Nobody wants it, or the transaction failed: give back what was taken."""
        if hasattr(self, "lease"):
            self.lease.drop_lock()
