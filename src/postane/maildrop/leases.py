"""What happens when a drop's lease is taken, the same for every store: refuse, wait a while, share, or take it over.

Must not know: how a lease is kept.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from postane.wire.phrases import phrase

from .base import DropInUse, Holder, LeaseLost, Lock, LockPolicy

LeaseT = TypeVar("LeaseT")

FIRST_PAUSE = 0.02
"""Seconds between the first two tries of a session that waits; each pause is longer, up to LAST_PAUSE."""

LAST_PAUSE = 0.25


@dataclass(frozen=True, slots=True)
class Taken:
    """Somebody else has the lease; who, where that can be told."""

    holder: Holder | None


async def acquire(
    attempt: Callable[[], Awaitable[LeaseT | Taken]], evict: Callable[[], Awaitable[LeaseT]], lock: Lock
) -> LeaseT:
    """Try to take a lease as often as the policy allows; `evict` takes it from whoever has it. Raises DropInUse."""
    lease = await attempt()
    if not isinstance(lease, Taken):
        return lease
    if lock.policy is LockPolicy.TAKEOVER:
        return await evict()
    patience = lock.wait if lock.policy is LockPolicy.WAIT else 0.0
    deadline = time.monotonic() + patience
    pause = FIRST_PAUSE
    while (left := deadline - time.monotonic()) > 0:
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 1.5, LAST_PAUSE)
        lease = await attempt()
        if not isinstance(lease, Taken):
            return lease
    raise in_use(lease.holder, time.time())


def in_use(holder: Holder | None, now: float) -> DropInUse:
    """The error for a drop whose lease is taken: it tells its user since when."""
    if holder is None:
        return DropInUse("maildrop is in use by another session", None)
    since = time.gmtime(holder.since)
    is_today = since[:3] == time.gmtime(now)[:3]
    moment = time.strftime("%H:%M:%S UTC" if is_today else "%Y-%m-%d %H:%M:%S UTC", since)
    text = "maildrop is in use by another session since {moment} ({span})"
    facts = {"moment": moment, "span": _span(now - holder.since)}
    if holder.last_seen is None:
        return DropInUse(phrase(text, **facts), holder)
    text = "maildrop is in use by another session since {moment} ({span}), idle for {idle}"
    return DropInUse(phrase(text, **facts, idle=_span(now - holder.last_seen)), holder)


def taken_over() -> LeaseLost:
    """The error for a session whose lease somebody else has now."""
    return LeaseLost("maildrop was taken over by another session, nothing was deleted by this one")


def _span(seconds: float) -> str:
    whole = max(0, int(seconds))
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7200 else f"{whole // 3600} h"
