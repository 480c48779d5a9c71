"""What logins leave behind in the accounts: when a device was used, stronger hashes, and SCRAM keys that were lacking.

Written in the background, by one thread, in the order in which it came. A login stands although its traces cannot be
written: they are tried again at a later one.

Must not know: protocols; how a login is verified.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from . import hashes
from .registry import Registry
from .scram_keys import ScramSafe

NOTE_USE_EVERY = 3600.0
"""Seconds between two writes of a device's last use: a poller must not cost a sync to disk at every login."""

MAKE_KEYS_EVERY = 60.0
"""Seconds between two tries to make the keys of a device: whoever asks again and again must not cost that each time."""


class Traces:
    """Of the logins that one process has seen. `now` is the time of day, `steady` never jumps; both in seconds."""

    def __init__(
        self, registry: Registry, safe: ScramSafe, now: Callable[[], float], steady: Callable[[], float]
    ) -> None:
        self._registry = registry
        self._safe = safe
        self._now = now
        self._steady = steady
        self._noted: dict[tuple[str, str], float] = {}  # when a device's last use was last written; as many as devices
        self._tried: dict[tuple[str, str], float] = {}  # and when its keys were last to be made
        self._writing = ThreadPoolExecutor(1, "postane-accounts")

    def verified(self, name: str, stored: str, password: str) -> None:
        """A password fits its hash, which may be a weak one, or have no keys beside it."""
        if hashes.needs_upgrade(stored) or not self._safe.is_complete(name):
            self._writing.submit(self._registry.renew, name, stored, password)

    def used(self, name: str, label: str) -> None:
        """A device has proven itself."""
        if not self._safe.is_complete(name, label):
            self._make_keys(name, label)
        self.used_again(name, label)

    def used_again(self, name: str, label: str) -> None:
        """A device has, whose keys were there a moment ago or were to be made."""
        now = self._now()
        if now - self._noted.get((name, label), 0.0) >= NOTE_USE_EVERY:
            self._noted[name, label] = now
            self._writing.submit(self._registry.note_use, name, label, now)

    def asked(self, name: str) -> None:
        """Somebody wants to be `name` by SCRAM: its devices that have no keys get them. A client that knows nothing but
        SCRAM could else never come in. The same question for every name, "" where nobody has it."""
        for label in self._safe.lacking(name):
            self._make_keys(name, label)

    async def close(self) -> None:
        """Wait until all is written."""
        await asyncio.to_thread(self._writing.shutdown)

    def _make_keys(self, name: str, label: str) -> None:
        """Of the secret that is kept."""
        now = self._steady()
        last = self._tried.get((name, label))
        if last is None or now - last >= MAKE_KEYS_EVERY:
            self._tried[name, label] = now
            self._writing.submit(self._registry.renew_device, name, label)
