"""What logins leave behind in the accounts: when a device was used, stronger hashes, and SCRAM keys that were lacking.

Written in the background, by one thread. A login stands although its traces cannot be written: they are tried again at
a later one. When devices were used is gathered for some seconds and written in one transaction; a crash loses no more
than that.

Must not know: protocols; how a login is verified.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from . import hashes
from .base import AccountsUnavailable
from .registry import Registry
from .scram_keys import ScramSafe

NOTE_USE_EVERY = 3600.0
"""Seconds between two writes of a device's last use: a poller must not cost a sync to disk at every login."""

GATHER_SECONDS = 5.0
"""How long a device's use may wait to be written: after a start every device's is due, and each would sync to disk."""

GATHER_MOST = 1000
"""Uses that wait; some 200 octets each, and some ms to write them."""

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
        self._noted: dict[tuple[str, str], float] = {}  # when a device's last use was last noted; as many as devices
        self._uses: dict[tuple[str, str], float] = {}  # which of these are still to be written
        self._timer: asyncio.TimerHandle | None = None  # while there are any
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
            self._noted[name, label] = self._uses[name, label] = now
            if len(self._uses) >= GATHER_MOST:
                self._write_uses()
            elif self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._write_uses)

    def asked(self, name: str) -> None:
        """Somebody wants to be `name` by SCRAM: its devices that have no keys get them. A client that knows nothing but
        SCRAM could else never come in. The same question for every name, "" where nobody has it."""
        for label in self._safe.lacking(name):
            self._make_keys(name, label)

    async def close(self) -> None:
        """Wait until all is written."""
        self._write_uses()
        await asyncio.to_thread(self._writing.shutdown)

    def _write_uses(self) -> None:
        """Begin to write what has been gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._uses:
            uses, self._uses = self._uses, {}
            self._writing.submit(self._note_uses, uses)

    def _note_uses(self, uses: dict[tuple[str, str], float]) -> None:
        """In the thread."""
        try:
            self._registry.note_uses([(when, name, label) for (name, label), when in uses.items()])
        except AccountsUnavailable:
            for device in uses:
                self._noted.pop(device, None)  # so that its next login is noted

    def _make_keys(self, name: str, label: str) -> None:
        """Of the secret that is kept."""
        now = self._steady()
        last = self._tried.get((name, label))
        if last is None or now - last >= MAKE_KEYS_EVERY:
            self._tried[name, label] = now
            self._writing.submit(self._registry.renew_device, name, label)
